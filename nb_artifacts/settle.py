"""Bars and live tables whose writer is dead: whoever reads one on its host writes ``interrupted``, by one conditional patch.

This looks at `Record.info` as plain JSON, so that members which a newer release wrote stay as they are.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from nb_artifacts.errors import Conflict, NotFound, StoreError
from nb_artifacts.ledger import Ledger
from nb_artifacts.process import Writer, boot_id, is_dead
from nb_artifacts.wire import ArtifactFilter, Patch, Query, Record, Sort, TypeFilter

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from nb_artifacts.store import Store


class _Writer(msgspec.Struct):
    """The members of a bar's `info`, or of a live table's ``info.live``, that say who writes it."""

    host: str
    boot_id: str
    pid: Annotated[int, msgspec.Meta(gt=0, lt=2**31)]
    process_started: float


EVERY = 2.0
"""Seconds between two sweeps of a server: with the time one takes, views know of a dead writer within five."""

_TYPES = ["progress", "table"]
_PAGE = 500
_RUNNING, _DEAD = "running", "interrupted"


def settled(record: Record, store: Store) -> Record:
    """`record` itself, or, where its writer on this host is dead, what is now true of it: written, if that is possible."""
    writer = writer_of(record)
    return record if writer is None or not is_dead(writer) else _interrupt(record, store)


def settle_dead(store: Store) -> int:
    """Settle every bar of a store whose writer on this host is dead; how many there were."""
    return Sweep(store).settle()


class Sweep:
    """Repeated settling of one store: after the first time only what has changed since is looked at."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seq: int | None = None
        self._running: dict[UUID, Record] = {}

    def settle(self) -> int:
        """As `settle_dead`. Raises `StoreError`."""
        if self._seq is None:
            self._seq = self._store.last_seq()
            self._first()
        else:
            self._follow()
        dead = [record for record in self._running.values() if (writer := writer_of(record)) is not None and is_dead(writer)]
        for record in dead:
            _interrupt(record, self._store)
            self._running.pop(record.id, None)
        return len(dead)

    def try_settle(self) -> int:
        """As `settle`, but a store that cannot be used now is left for the next time."""
        with suppress(StoreError):
            return self.settle()
        return 0

    def _first(self) -> None:
        query = Query(artifacts=ArtifactFilter(type=TypeFilter(any_=_TYPES)), sort=Sort.NEWEST, limit=_PAGE)
        while True:
            page = self._store.find(query)
            for record in page:
                self._note(record)
            if len(page) < _PAGE:
                return
            query.offset += _PAGE

    def _follow(self) -> None:
        while changes := self._store.changes(self._seq or 0, _PAGE):
            for change in changes:
                self._seq = change.seq
                if change.record is not None:
                    self._note(change.record)
                elif change.deleted is not None:
                    self._running.pop(change.deleted.id, None)

    def _note(self, record: Record) -> None:
        if writer_of(record) is None:
            self._running.pop(record.id, None)
        else:
            self._running[record.id] = record


def writer_of(record: Record) -> Writer | None:
    """Who writes what says that it runs; None for all else, and where that is not said."""
    info = _state(record)
    if info.get("state") != _RUNNING:
        return None
    try:
        writer = msgspec.convert(info, _Writer)
    except msgspec.ValidationError:
        return None
    return Writer(writer.host, writer.boot_id, writer.pid, writer.process_started)


def _state(record: Record) -> dict[str, Any]:
    """How a record stands, as JSON; nothing where its type never runs."""
    found = record.info if record.type == "progress" else record.info.get("live") if record.type == "table" else None
    return found if isinstance(found, dict) else {}


def _interrupt(record: Record, store: Store) -> Record:
    """Write that it was interrupted when it last gave news; what somebody else wrote meanwhile leads."""
    Ledger.remove_left(str(record.id))
    ended = _interrupted(_state(record), record.updated) | {"error": _why(record, store)}
    info = ended if record.type == "progress" else {**record.info, "live": ended}
    with suppress(StoreError):
        try:
            return store.patch(record.id, Patch(info=info), if_seq=record.seq)
        except Conflict:
            newer = store.get(record.id)
            return record if newer is None else newer
        except NotFound:
            return record
    return msgspec.structs.replace(record, info=info)


def _why(record: Record, store: Store) -> str:
    """What became of the writer; an interrupt that the writer lived to tell of has no such words."""
    writer = _state(record)
    if writer["boot_id"] != boot_id():
        return "the machine restarted"
    with suppress(StoreError):
        for id in (record.task_run_id, record.flow_run_id):
            run = store.get_run(id) if id is not None else None
            session = store.get_run(run.session_id) if run is not None and run.session_id is not None else run
            if session is not None:
                made = session.provenance
                return "kernel died" if made.kernel_id and made.pid == writer["pid"] else "process died"
    return "process died"


def _interrupted(info: dict[str, Any], last_news: datetime) -> dict[str, Any]:
    ended = last_news.isoformat().replace("+00:00", "Z")
    steps = [
        {**step, "state": _DEAD, "ended": ended} if isinstance(step, dict) and step.get("state") == _RUNNING else step
        for step in info.get("steps") or ()
    ]
    return {**info, "state": _DEAD, "ended": ended, **({"steps": steps} if steps else {})}
