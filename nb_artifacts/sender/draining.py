"""One pass: all that waits for a remote is sent, until nothing waits or something is in the way.

The first batch goes alone, so that a remote in trouble sees one request; then up to `LANES` threads send at once, never
two of them rows of one key. What became of a batch is written by `seq`, so whatever changed meanwhile waits again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from nb_artifacts.errors import (
    BlobMissing,
    Denied,
    InvalidValue,
    Rejected,
    RemoteBusy,
    StoreDamaged,
    StoreError,
    Unsupported,
)
from nb_artifacts.sender.line import Line
from nb_artifacts.sender.outgoing import Packer, level_for, seq_of, size_of
from nb_artifacts.sender.pace import Gate
from nb_artifacts.store.remote import Outcome
from nb_artifacts.store.remotes import TRIES
from nb_artifacts.store.remotes_rows import Arrived, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from nb_artifacts.store import Store
    from nb_artifacts.store.remote import Outgoing, Remote
    from nb_artifacts.store.remotes import Remotes
    from nb_artifacts.wire import BlobRef

LANES = 4
BATCH_BYTES = 1_000_000

_OF_ONE_ROW = (Rejected, Unsupported, BlobMissing, InvalidValue, ValueError, TypeError)
"""Errors that say something of what was sent, and not of the way to the remote."""

MOST_DOUBTS = 3
"""A server that fails at so many rows, and has taken none, is in trouble itself."""

_FAILS = "the server fails at it each time (HTTP 500), and takes others: its log says why"

_OF_ONE_FILE = frozenset({errno.EACCES, errno.EPERM, errno.EIO, errno.EISDIR})
"""How a file of ours that cannot be read is told, and not a lack of memory or handles that ends."""


class Drained(NamedTuple):
    """What a pass did."""

    sent: int = 0
    deleted: int = 0
    refused: int = 0
    error: StoreError | None = None
    """What was in the way; None where nothing waits any more, or time was up."""


class _Packed(NamedTuple):
    row: Waiting
    item: Outgoing
    seq: int

    @property
    def blob(self) -> BlobRef | None:
        """The bytes that its record names."""
        return None if self.item.record is None else self.item.record.blob


def drain(
    store: Store,
    remote: Remote,
    remotes: Remotes,
    address: str,
    *,
    provenance: str | None = None,
    gate: Gate | None = None,
    deadline: float | None = None,
    goes_on: Callable[[], bool] = lambda: True,
    sort_out: bool = False,
) -> Drained:
    """Send what waits for `address`, until nothing does, `deadline` (of `time.monotonic`) or `goes_on` says no.

    `sort_out`: look for single rows at which the remote fails (HTTP 500), and go on without those if it takes others.
    Raises nothing that the remote or the store says: `Drained.error` has it.
    """
    line = Line(remotes, address, remote.batch, gate or Gate(), deadline)
    work = _Work(store, remote, remotes, address, level_for(remote.kind, provenance), line, goes_on, sort_out)
    lanes: list[threading.Thread] = []
    try:
        work.lane(once=True)
        if line.has_more() and not line.stopped:
            lanes = _start(work)
        work.lane()
    finally:
        for lane in lanes:
            lane.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        line.stop()
    if work.unforeseen is not None:
        raise work.unforeseen
    if work.error is None:
        with contextlib.suppress(StoreError):
            remotes.advance(address)
    return Drained(work.sent, work.deleted, work.refused, work.error)


def _start(work: _Work) -> list[threading.Thread]:
    """More threads; none that would keep the process from ending, and none where it is ending already."""
    lanes: list[threading.Thread] = []
    with contextlib.suppress(RuntimeError):
        for n in range(1, LANES):
            lane = threading.Thread(target=work.lane_beside, name=f"nb-artifacts-send-{n}", daemon=True)
            lane.start()
            lanes.append(lane)
    return lanes


class _Work:
    """What the threads of one pass share."""

    def __init__(
        self,
        store: Store,
        remote: Remote,
        remotes: Remotes,
        address: str,
        level: str,
        line: Line,
        goes_on: Callable[[], bool],
        sort_out: bool,
    ) -> None:
        self._store = store
        self._remote = remote
        self._remotes = remotes
        self._address = address
        self._line = line
        self._goes_on = goes_on
        self._sort_out = sort_out
        self._takes = False
        self._doubts = 0
        self._pack = Packer(store, remote.kind, level)
        self._lock = threading.Lock()
        self._uploading: dict[str, threading.Lock] = {}
        self._there: set[str] = set()
        self._runs: set[UUID] = set()
        self.sent = self.deleted = self.refused = 0
        self.error: StoreError | None = None
        self.unforeseen: Exception | None = None

    def lane(self, *, once: bool = False) -> None:
        """Send batch after batch. An error ends all lanes."""
        while batch := self._line.take():
            try:
                if not self._goes_on():
                    self._line.stop()
                    return
                self._send_batch(batch)
            except StoreError as error:
                self._fail(error)
            except BaseException:
                self._line.stop()
                raise
            finally:
                self._line.done(batch)
            if once:
                return

    def lane_beside(self) -> None:
        """As `lane`, in a thread whose unforeseen error is raised where it was started."""
        try:
            self.lane()
        except Exception as error:  # noqa: BLE001 -- it is raised in `drain`
            self.unforeseen = error

    def _fail(self, error: StoreError) -> None:
        with self._lock:
            if self.error is None or isinstance(error, Denied):
                self.error = error
        self._line.stop()

    def _send_batch(self, batch: list[Waiting]) -> None:
        """In pieces that are not too long; a row that is to be tried again holds up what is left of its key."""
        piece: list[_Packed] = []
        size, held = 0, set[str | None]()
        for row in batch:
            packed = None if row.key in held else self._packed(row)
            if packed is None:
                continue
            length = size_of(packed.item)
            if piece and size + length > BATCH_BYTES:
                held |= self._send(piece)
                piece, size = [], 0
                if self._line.stopped:
                    return
                if row.key in held:
                    continue
            piece.append(packed)
            size += length
        if piece:
            self._send(piece)

    def _packed(self, row: Waiting) -> _Packed | None:
        """What to tell of a row; None where that is nothing, or its content cannot be read."""
        if row.kind == "run" and not self._pack.sends_runs:
            self._remotes.record(self._address, arrived=[Arrived(row.id, row.seq)], answered=False)
            return None
        try:
            item = self._pack.pack(row)
        except (*_OF_ONE_ROW, StoreDamaged) as error:
            self._refuse([(row.id, row.seq, str(error))], most=1)
            return None
        return None if item is None else _Packed(row, item, seq_of(item, row.seq))

    def _send(self, piece: list[_Packed]) -> set[str | None]:
        """Blobs, runs, then the rows; the keys of which something is to be tried again."""
        piece = self._with_blobs(piece)
        piece = [*self._needed_runs(piece), *piece]
        going = self._remotes.attempted(self._address, [(each.item.id, each.seq) for each in piece])
        piece = [each for each in piece if each.item.id in going]
        return self._note(piece, self._deliver([each.item for each in piece])) if piece else set()

    def _deliver(self, items: list[Outgoing]) -> list[Outcome | None]:
        """One outcome each, also where the remote refuses all of them because of one; None where it fails at one."""
        try:
            outcomes = self._remote.send(items)
        except _OF_ONE_ROW as error:
            if len(items) == 1:
                return [Outcome("rejected", error=str(error))]
            size = 1
        except RemoteBusy as error:
            if not self._sort_out or error.status != 500:
                raise
            if len(items) == 1:
                self._doubt(error)
                return [None]
            size = (len(items) + 1) // 2
        else:
            self._takes = True
            return [*outcomes]
        return [outcome for n in range(0, len(items), size) for outcome in self._deliver(items[n : n + size])]

    def _doubt(self, error: RemoteBusy) -> None:
        """The remote fails at a row: the row's fault only if it takes others."""
        self._doubts += 1
        if not self._takes and self._doubts > MOST_DOUBTS:
            raise error

    def _note(self, piece: list[_Packed], outcomes: list[Outcome | None]) -> set[str | None]:
        arrived, gone, held, passed = [], [], set[str | None](), set[str | None]()
        for each, given in reversed([*zip(piece, outcomes, strict=True)]):
            if given is None and not self._takes:
                self._line.hold(each.row)
                held.add(each.row.key)
                continue
            outcome = given or Outcome("rejected", error=_FAILS)
            if outcome.state == "rejected":
                last = each.row.key is not None and each.row.key in passed
                self._refuse([(each.item.id, each.seq, outcome.error or "refused")], most=1 if last else TRIES)
                self._line.hold(each.row)
                held.add(each.row.key)
                if each.blob is not None:
                    self._there.discard(each.blob.sha256)
                continue
            passed.add(each.row.key)
            if each.item.op == "delete":
                gone.append(each.item.id)
            else:
                arrived.append(Arrived(each.item.id, each.seq, outcome.version, outcome.remote_id))
        self._remotes.record(self._address, arrived=arrived[::-1], gone=gone)
        with self._lock:
            self.deleted += len(gone)
            self.sent += len({each.id for each in arrived} & {each.item.id for each in piece if each.item.record is not None})
            self._runs.update(each.id for each in arrived)
        return held - {None}

    def _refuse(self, rows: list[tuple[UUID, int, str]], *, most: int) -> None:
        if not rows:
            return
        self._remotes.record(self._address, refused=rows, most=most, answered=False)
        with self._lock:
            self.refused += len(rows)

    def _needed_runs(self, piece: list[_Packed]) -> list[_Packed]:
        """The runs that the remote must know before these rows, as far as it does not yet."""
        ids = {id for each in piece if each.item.op in {"put", "patch"} for id in each.row.runs} - self._runs
        if not ids or not self._pack.sends_runs:
            return []
        found = self._remotes.needed_runs(self._address, ids)
        with self._lock:
            self._runs |= ids - {run.id for run, _ in found}
        return [_as_row(self._pack.pack_run(run, again=again), run.seq) for run, again in found]

    def _with_blobs(self, piece: list[_Packed]) -> list[_Packed]:
        """Upload what rows name, each once; the rows without those whose bytes are refused or gone."""
        refs = {each.blob.sha256: each.blob for each in piece if each.blob is not None and each.blob.sha256 not in self._there}
        missing = self._remote.missing_blobs([*refs.values()]) if refs else []
        wrong = {ref.sha256: error for ref in missing if (error := self._upload(ref)) is not None}
        self._there |= refs.keys() - wrong.keys()
        bad = [each for each in piece if each.blob is not None and each.blob.sha256 in wrong]
        self._refuse([(each.item.id, each.seq, wrong[each.blob.sha256]) for each in bad if each.blob], most=1)
        return [each for each in piece if each not in bad]

    def _upload(self, ref: BlobRef) -> str | None:
        """Upload bytes unless another lane did; why they are refused, or None."""
        with self._lock:
            mine = self._uploading.setdefault(ref.sha256, threading.Lock())
        with mine:
            if ref.sha256 in self._there:
                return None
            try:
                self._remote.send_blob(ref, partial(self._store.open_blob, ref))
            except _OF_ONE_ROW as error:
                return str(error)
            except OSError as error:
                if (code := _code_of(error)) not in _OF_ONE_FILE:
                    raise
                return f"its bytes cannot be read here ({os.strerror(code)}): {ref.sha256}"
            self._there.add(ref.sha256)
            self._uploading.pop(ref.sha256, None)
        return None


def _code_of(error: OSError) -> int | None:
    """What the system said; a `StoreError` has it as its cause."""
    cause = error.__cause__ if isinstance(error, StoreError) else error
    return cause.errno if isinstance(cause, OSError) else None


def _as_row(item: Outgoing, seq: int) -> _Packed:
    return _Packed(Waiting("run", item.id, seq, None, None, 0, 0, 0, None, None, ()), item, seq)
