"""Take what one store holds to another, or into and out of a file: runs, and artifacts with their bytes.

A `Source` tells what it holds, a `Target` keeps it; a store is both, a file of `archive` as well. Versions of a key are
told in their order. Whatever is told twice is kept once: the id decides.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, NamedTuple, Protocol, cast

import msgspec

from nb_artifacts.errors import BlobMissing, Conflict, InvalidValue, Rejected, Unsupported
from nb_artifacts.wire import (
    ArtifactFilter,
    IdFilter,
    KeyFilter,
    Patch,
    Query,
    Record,
    Run,
    RunQuery,
    Sort,
    check_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from uuid import UUID

    from nb_artifacts.store import Store
    from nb_artifacts.store.remote import Remote

_PAGE = 200
CHUNK = 1 << 20
"""Bytes of a blob that are held at a time."""


class Item(NamedTuple):
    """A whole record, and how to open its bytes where it has any."""

    record: Record
    open: Callable[[], IO[bytes]] | None


class Source(Protocol):
    """Where things come from."""

    def count(self) -> int:
        """How many artifacts it tells of, at most."""

    def items(self) -> Iterator[Item]:
        """Every artifact, a key's versions in their order."""

    def runs(self, needed: Iterable[UUID]) -> Iterator[Run]:
        """The runs of those ids and all above them, outermost first."""


class Target(Protocol):
    """Where things go."""

    def keep(self, item: Item) -> str:
        """Keep an artifact; a word of `Copied` that says what became of it. Raises `StoreError`."""

    def keep_run(self, run: Run) -> None:
        """Keep a run. Raises `StoreError`."""


class Copied(msgspec.Struct):
    """What became of the artifacts told, by number."""

    added: int = 0
    updated: int = 0
    """Known there in an older state."""
    same: int = 0
    """Known there as they are, or newer."""
    deleted: int = 0
    """Deleted there before; they stay so."""
    runs: int = 0
    damaged: list[str] = []
    """In words, which ones could not be read, bear the id of another artifact, or are refused."""

    @property
    def told(self) -> int:
        """How many artifacts the source told of, damaged ones left out."""
        return self.added + self.updated + self.same + self.deleted


def copy(source: Source, target: Target, each: Callable[[], None] = lambda: None) -> Copied:
    """Take everything over; may be interrupted and made again. `each` is called after every artifact.

    Raises `StoreError` of either side; what was taken until then stays.
    """
    copied = Copied()
    needed: dict[UUID | None, None] = {}
    for item in source.items():
        try:
            word = target.keep(item)
        except (BlobMissing, Conflict, Rejected) as error:
            copied.damaged.append(f"{_title(item.record)}: {error}")
            continue
        setattr(copied, word, getattr(copied, word) + 1)
        needed.update(dict.fromkeys((item.record.flow_run_id, item.record.task_run_id)))
        each()
    for run in source.runs([id for id in needed if id is not None]):
        target.keep_run(run)
        copied.runs += 1
    return copied


def _title(record: Record) -> str:
    return f"{record.key}@{record.version}" if record.key else str(record.id)


class StoreSource:
    """What a store holds, or only some keys of it. Raises `InvalidKey`, and `InvalidValue` for a key it has not."""

    def __init__(self, store: Store, keys: Sequence[str] = ()) -> None:
        self._store = store
        self._chosen = [key for key in map(check_key, keys) if key is not None]
        for key in self._chosen:
            if not store.count(Query(artifacts=_of(key))):
                raise InvalidValue(f"there is no key {key!r} in {store.where}.")

    def count(self) -> int:
        """How many artifacts it will tell of, as things stand."""
        chosen = ArtifactFilter(key=KeyFilter(any_=self._chosen)) if self._chosen else None
        return self._store.count(Query(artifacts=chosen))

    def items(self) -> Iterator[Item]:
        """See `Source.items`. What is deleted meanwhile is left out."""
        for id in self._ids():
            record = self._store.get(id)
            if record is not None:
                yield Item(record, None if record.blob is None else _opener(self._store, record))

    def runs(self, needed: Iterable[UUID]) -> Iterator[Run]:
        """See `Source.runs`. A store that knows no runs has none."""
        found: dict[UUID, Run] = {}
        wanted = list(needed)
        try:
            while wanted:
                page, wanted = wanted[:_PAGE], wanted[_PAGE:]
                for run in self._store.find_runs(RunQuery(id=IdFilter(any_=page), limit=_PAGE)):
                    found[run.id] = run
                    above = (run.parent_id, run.session_id)
                    wanted += [id for id in above if id is not None and id not in found and id not in wanted]
        except Unsupported:
            return
        yield from sorted(found.values(), key=lambda run: (run.kind != "session", run.started, run.id))

    def _ids(self) -> Iterator[UUID]:
        for key in self._chosen or sorted(self._keys()):
            versions = [(record.version or 0, record.id) for record in self._pages(Query(artifacts=_of(key)))]
            yield from (id for _, id in sorted(versions))
        if not self._chosen:
            keyless = ArtifactFilter(key=KeyFilter(exists_=False))
            yield from sorted(record.id for record in self._pages(Query(artifacts=keyless)))

    def _keys(self) -> set[str]:
        every = ArtifactFilter(key=KeyFilter(exists_=True))
        return {record.key for record in self._pages(Query(artifacts=every)) if record.key}

    def _pages(self, query: Query) -> Iterator[Record]:
        """All that matches, by pages that nothing made or deleted meanwhile can shift."""
        after: UUID | None = None
        while True:
            page = self._store.find(msgspec.structs.replace(query, after=after, sort=Sort.ID_DESC, limit=_PAGE))
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].id


def _of(key: str) -> ArtifactFilter:
    return ArtifactFilter(key=KeyFilter(any_=[key]))


def _opener(store: Store, record: Record) -> Callable[[], IO[bytes]]:
    ref = record.blob
    assert ref is not None
    return lambda: store.open_blob(ref)


class StoreTarget:
    """A store that takes over. Versions are numbered by it, in the order told."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, item: Item) -> str:
        """See `Target.keep`."""
        there = self._there(item.record)
        if there is not None and there.updated >= item.record.updated:
            return "same"
        if item.open is not None:
            self._take_bytes(item)
        if there is not None:
            return self._update(item.record)
        try:
            self._store.put(msgspec.structs.replace(item.record, version=None, seq=0))
        except Conflict:
            if self._there(item.record) is None:
                return "deleted"
            return self._update(item.record)
        return "added"

    def keep_run(self, run: Run) -> None:
        """See `Target.keep_run`; a run known there in a later state stays."""
        try:
            there = self._store.get_run(run.id)
            if there is None or (there.ended is None and run.ended is not None):
                self._store.put_run(msgspec.structs.replace(run, seq=0))
        except Unsupported:
            return

    def _there(self, record: Record) -> Record | None:
        """What has the id already. Raises `Conflict` where that is another artifact, which a file from anywhere could spoil."""
        there = self._store.get(record.id)
        if there is not None and (there.key, there.type) != (record.key, record.type):
            raise Conflict(f"its id {record.id} is that of {_title(there)} there, of another key or type, which stays as it is")
        return there

    def _take_bytes(self, item: Item) -> None:
        ref = item.record.blob
        assert ref is not None
        assert item.open is not None
        if hasattr(self._store, "send_blob"):  # to a server goes what it lacks, from where an earlier attempt ended
            remote = cast("Remote", self._store)
            for lacking in remote.missing_blobs([ref]):
                remote.send_blob(lacking, item.open)
            return
        with item.open() as file:
            kept = self._store.put_blob(_parts(file), ref.media)
        if kept.sha256 != ref.sha256:
            raise BlobMissing(ref.sha256, f"what was read for {_title(item.record)}, whose bytes are others")

    def _update(self, record: Record) -> str:
        change = Patch(
            data=record.data, description=record.description, metadata_=record.metadata_, info=record.info, blob=record.blob,
            updated=record.updated,
        )  # fmt: skip
        self._store.patch(record.id, change)
        return "updated"


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    while part := file.read(CHUNK):
        yield part
