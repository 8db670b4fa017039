"""The folder and its remote read as one `Store`: what this machine made, and what others did.

Writes go to the folder and never wait; the sender takes them on. Reads ask both, each artifact once. The version is the
number that the remote gave; what has not arrived there has none, and is the newest of its key. Where the remote gives
no answer, the folder alone answers, and whoever reads is told once.
"""

from __future__ import annotations

import contextlib
import copy
from typing import IO, TYPE_CHECKING, TypeVar

import msgspec
from msgspec import UNSET

from nb_artifacts import merge
from nb_artifacts.errors import BlobMissing, NotFound, StoreError, Unsupported
from nb_artifacts.store.numbers import Standing
from nb_artifacts.wire import (
    ArtifactFilter,
    IdFilter,
    KeyFilter,
    Query,
    Record,
    Run,
    RunQuery,
    Sort,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from uuid import UUID

    from nb_artifacts.reach import Reach
    from nb_artifacts.store.cache import BlobCache
    from nb_artifacts.store.numbers import Numbers
    from nb_artifacts.store.remote import Remote
    from nb_artifacts.store.sqlite import SqliteStore
    from nb_artifacts.wire import BlobRef, Change, Patch

T = TypeVar("T")

LISTED = 1000
"""Up to so many are counted by listing them, which is exact; to list more takes longer than a read may."""

FOUND, SEARCHED = 200, 20
"""Hits of a search of the remote in one answer, and how many answers are looked through for those of others."""

COMPLETION_SECONDS = 1.0
"""So long a person waits for Tab."""


class Union:
    """A `Store` over two: `local`, and what `reach` leads to. `tell` is given the error when an outage begins."""

    def __init__(
        self, local: SqliteStore, reach: Reach, numbers: Numbers, cache: BlobCache, tell: Callable[[StoreError], None]
    ) -> None:
        self.local = local
        self.reach = reach
        self.numbers = numbers
        self._cache = cache
        self._tell = tell
        self._told = False
        self._asks = True

    def alone(self) -> Union:
        """The folder alone, under the numbers that are known."""
        alone = copy.copy(self)
        alone._asks = False  # noqa: SLF001 (a copy of this one)
        return alone

    # What is the folder's own

    @property
    def id(self) -> str:
        """The folder's."""
        return self.local.id

    @property
    def where(self) -> str:
        """The folder."""
        return self.local.where

    @property
    def folder(self) -> Path:
        """The folder."""
        return self.local.folder

    @property
    def journal(self) -> str:
        """The folder's."""
        return self.local.journal

    def put(self, record: Record) -> Record:
        """See `Store.put`: kept in the folder, without a number until the remote has given it."""
        return msgspec.structs.replace(self.local.put(record), version=None)

    def put_run(self, run: Run) -> Run:
        """See `Store.put_run`."""
        return self.local.put_run(run)

    def put_blob(self, content: bytes | Iterator[bytes], media: str) -> BlobRef:
        """See `Store.put_blob`."""
        return self.local.put_blob(content, media)

    def changes(self, since: int = 0, limit: int = 1000) -> list[Change]:
        """See `Store.changes`: the folder's own feed, each record under the number that counts."""
        found = self.local.changes(since, limit)
        records = [change.record for change in found if change.record is not None]
        numbered = {one.record.id: one.record for one in self._of_the_folder(records)}
        return [
            change if change.record is None else msgspec.structs.replace(change, record=numbered[change.record.id])
            for change in found
        ]

    def last_seq(self) -> int:
        """The folder's."""
        return self.local.last_seq()

    def blob_bytes(self) -> int:
        """The folder's."""
        return self.local.blob_bytes()

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """See `SqliteStore.together`."""
        return self.local.together(calls)

    def close(self) -> None:
        """See `Store.close`."""
        self.local.close()
        self.reach.close()

    # Changes to one artifact, wherever it lies

    def patch(self, id: UUID, patch: Patch, *, if_seq: int | None = None, durable: bool = True) -> Record:
        """See `Store.patch`. What only the remote has is changed there, at once. Raises `Unreachable` then too."""
        if self._is_here(id):
            return self._numbered([self.local.patch(id, patch, if_seq=if_seq, durable=durable)])[0]
        return self.reach.ask(lambda remote: remote.patch(id, patch, if_seq=if_seq))

    def delete(self, id: UUID) -> None:
        """See `Store.delete`. What only the remote has is deleted there, at once. Raises `Unreachable` then too."""
        if self._is_here(id) or self.numbers.gone([id]):
            self.local.delete(id)
        else:
            self.reach.ask(lambda remote: remote.delete(id))

    def _is_here(self, id: UUID) -> bool:
        return bool(self._these([id]))

    # Reading

    def get(self, id: UUID) -> Record | None:
        """See `Store.get`. What the folder has is not asked for elsewhere."""
        record = self.local.get(id)
        if record is not None:
            return self._numbered([record])[0]
        if self.numbers.gone([id]):
            return None
        return self._ask(lambda remote: remote.get(id), needed=not self.reach.patient)

    def find(self, query: Query) -> list[Record]:
        """See `Store.find`."""
        return self._filled(merge.page(self._found(query), query), query)

    def count(self, query: Query) -> int:
        """See `Store.count`. Of what the remote has more than `LISTED`, its deletions are not followed one by one."""
        every = msgspec.structs.replace(query, limit=None, offset=0)
        there = 0 if query.version is not None else self._ask(lambda remote: remote.count(every)) or 0
        if there <= LISTED or (query.latest and query.artifacts is not None):
            return len(merge.page(self._found(every), every))
        here = self.local.find(msgspec.structs.replace(every, data=False))
        if not query.latest:
            standing = self.numbers.standing([record.id for record in here])
            return there + len(here) - sum(one.place == "counted" for one in standing.values())
        keys = ArtifactFilter(key=KeyFilter(any_=[record.key for record in here if record.key]))
        shared = self._ask(lambda remote: remote.count(msgspec.structs.replace(every, artifacts=keys))) or 0
        return there + len(here) - shared

    def keys(self, beginning: str) -> list[str]:
        """Keys that begin so, without waiting for long."""
        query = Query(artifacts=ArtifactFilter(key=KeyFilter(like_=beginning)), latest=True, sort=Sort.KEY_ASC)
        found = [*self.local.find(query), *(self._ask(lambda remote: remote.find(query), seconds=COMPLETION_SECONDS) or ())]
        return sorted({record.key for record in found if record.key and record.key.startswith(beginning)})

    def search_elsewhere(self, text: str, limit: int, after: UUID | None) -> list[Record] | None:
        """What only the remote has, by words, after that id of it; None where it cannot be searched now, or not to the end."""
        if after is not None and (self._is_here(after) or self.numbers.gone([after])):
            after = None  # the folder's own come first
        found: list[Record] = []
        for _ in range(SEARCHED):
            page = self._ask(lambda remote, after=after: remote.search(text, FOUND, after))  # type: ignore[misc]  # a default binds it
            if page is None:
                return None
            ids = [record.id for record in page]
            known = {record.id for record in self._these(ids)} | self.numbers.gone(ids)
            found += [record for record in page if record.id not in known]
            if len(page) < FOUND or len(found) >= limit:
                return found[:limit]
            after = ids[-1]
        return None

    def _found(self, query: Query) -> Iterable[merge.Found]:
        """All that both found which may be on the page, each once."""
        here = self._here(query)
        asked = self._elsewhere(query, here)
        # a server must not take what it cannot ask for as deleted
        needed = asked is not None and merge.ids_of(asked) is not None and not self.reach.patient
        there = [] if asked is None else self._ask(lambda remote: remote.find(asked), needed=needed) or []
        self.numbers.found(there)
        known = {one.record.id: one for one in here}
        ids = [record.id for record in there]
        mine = {one.record.id: one for one in self._of_the_folder(self._these([id for id in ids if id not in known]))}
        gone = self.numbers.gone([id for id in ids if id not in known and id not in mine])
        for id, record in zip(ids, there, strict=True):
            own = known.get(id) or mine.get(id)
            if own is None and id not in gone:
                known[id] = merge.of_the_remote(record)
            elif own is not None:
                known[id] = merge.newer(own, record)
        return known.values()

    def _here(self, query: Query) -> list[merge.Found]:
        """What the folder has, under the numbers that count: a version is looked for among those."""
        end = None if query.version is not None else merge.end_of(query)
        wide = msgspec.structs.replace(query, version=None, data=False, limit=end, offset=0)
        found = self._of_the_folder(self.local.find(wide))
        return [one for one in found if query.version is None or one.record.version == query.version]

    def _elsewhere(self, query: Query, here: list[merge.Found]) -> Query | None:
        """What the remote is asked; None where the folder has all there can be."""
        if query.run is not None and self.local.get_run(query.run) is not None:
            return None
        wide = msgspec.structs.replace(query, limit=merge.end_of(query), offset=0)
        ids = merge.ids_of(query)
        if ids is None:
            return wide
        known = {one.record.id for one in here}
        missing = [id for id in ids if id not in known]
        only = msgspec.structs.replace(query.artifacts, id=IdFilter(missing))  # type: ignore[type-var]  # `artifacts` of a Query is a Struct or None
        return msgspec.structs.replace(wide, artifacts=only) if missing else None

    def _filled(self, records: list[Record], query: Query) -> list[Record]:
        """Records with the long payloads, where they were asked for."""
        if query.data:
            for record in records:
                if record.data is UNSET and (whole := self.get(record.id)) is not None:
                    record.data = whole.data
        return records

    def get_run(self, id: UUID) -> Run | None:
        """See `Store.get_run`."""
        return self.local.get_run(id) or self._ask(lambda remote: remote.get_run(id))

    def find_runs(self, query: RunQuery) -> list[Run]:
        """See `Store.find_runs`. A notebook, cell or kernel is looked for in the folder only: it belongs to a machine."""
        here = self.local.find_runs(query)
        known = {run.id for run in here}
        wanted = set(query.id.any_ or ()) if query.id is not None else None
        if query.notebook or query.cell_id or query.kernel_id or (wanted is not None and wanted <= known):
            return here
        there = self._ask(lambda remote: remote.find_runs(query)) or []
        both = [*here, *(run for run in there if run.id not in known)]
        return sorted(both, key=lambda run: run.started, reverse=True)[: query.limit]

    def open_blob(self, ref: BlobRef) -> IO[bytes]:
        """See `Store.open_blob`. Bytes of others are fetched once and kept. Raises `Unreachable` too."""
        with contextlib.suppress(BlobMissing):
            return self.local.open_blob(ref)
        with contextlib.suppress(BlobMissing):
            return self._cache.open(ref)
        return self._cache.keep(ref, self.reach.fetch(lambda remote: remote.open_blob(ref)))

    # Between the two

    def remote(self) -> Remote:
        """The remote itself, for a thread that may wait. Raises `StoreError`."""
        return self.reach.remote()

    def back(self) -> None:
        """The remote was heard of again."""
        self.reach.back()

    def told(self, change: Change) -> Change | None:
        """A change at the remote as it is to be told to who looks at both; None where it is none for them."""
        if change.deleted is not None:
            return None if self._is_here(change.deleted.id) else change
        record = change.record
        if record is None or self.numbers.gone([record.id]):
            return None
        mine = self._these([record.id])
        if not mine:
            return change
        # the number may be there before the sender has written it down
        told = merge.newer(self._of_the_folder(mine)[0], record).record
        return msgspec.structs.replace(change, record=msgspec.structs.replace(told, version=record.version))

    def numbered(self, record: Record) -> Record:
        """A record under the number that counts; one that is not of the folder has it."""
        standing = self.numbers.standing([record.id]).get(record.id)
        return record if standing is None else merge.of_the_folder(record, standing).record

    def is_settled(self, id: UUID) -> bool:
        """Whether the remote has an artifact as it is now."""
        standing = self.numbers.standing([id]).get(id)
        return standing is None or standing.settled

    def is_elsewhere(self, id: UUID) -> bool:
        """Whether only the remote has an artifact: whoever made it is not trusted as the folder's own user is."""
        return not self._is_here(id)

    def _numbered(self, records: list[Record]) -> list[Record]:
        return [one.record for one in self._of_the_folder(records)]

    def _of_the_folder(self, records: list[Record]) -> list[merge.Found]:
        standing = self.numbers.standing([record.id for record in records])
        return [merge.of_the_folder(record, standing.get(record.id, _PENDING)) for record in records]

    def _these(self, ids: list[UUID]) -> list[Record]:
        return self.local.find(Query(artifacts=ArtifactFilter(id=IdFilter(ids)))) if ids else []

    def _ask(self, question: Callable[[Remote], T], *, seconds: float | None = None, needed: bool = False) -> T | None:
        """What the remote answers; None where it cannot know or gives no answer, which is told once.

        With `needed` no answer is an error.
        """
        if not self._asks:
            return None
        try:
            found = self.reach.ask(question, seconds=seconds)
        except (Unsupported, NotFound):
            return None
        except StoreError as error:
            if not self._told and seconds is None:
                self._told = True
                self._tell(error)
            if needed:
                raise
            return None
        self._told = False
        return found


_PENDING = Standing("pending")
