"""The embedded store: ``store.db`` and ``blobs/`` in a folder, shared by every process that opens it.

A record, its version, its place in the feed and its payload commit together. Everything is serialised before the
transaction begins, so the lock is held for a few statements only.
"""

# ruff: noqa: S608 -- the texts are joined from constants of ours; values are always parameters

from __future__ import annotations

import contextlib
from collections import deque
from typing import IO, TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, UnsetType

from nb_artifacts.errors import BlobMissing, Conflict, NotFound, StoreFull
from nb_artifacts.store import feed, writes
from nb_artifacts.store import folder as folders
from nb_artifacts.store.blobs import Blobs
from nb_artifacts.store.connection import Database
from nb_artifacts.store.filters import count_sql, records_sql, runs_sql
from nb_artifacts.store.rows import (
    LISTED,
    PAYLOAD,
    WITH_PAYLOAD,
    digest,
    from_us,
    patch_columns,
    run_columns,
    to_record,
    to_row,
    to_run,
    to_us,
)
from nb_artifacts.store.upkeep import Upkeep
from nb_artifacts.wire import SHORT_DATA, BlobRef, Change, Patch, Query, Record, Run, RunQuery, check_key, now

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from nb_artifacts.store.connection import State

T = TypeVar("T")

LONG_DATA = 256 * 1024
"""`data` of more bytes than this is a file beside the database."""

ONE = f"SELECT {LISTED}{PAYLOAD} FROM artifact a{WITH_PAYLOAD} WHERE a.id = ?"
"""The whole record of an id."""

GRACE_SECONDS = 60.0
"""A blob younger than this, or asked for again since, may be about to get its row."""

MOST_DROPPED = 500
"""Files that wait to be deleted; what is beyond them is found by the daily look."""


class SqliteStore:
    """A `Store` in a folder.

    With `durable=False` a returned call survives the end of the process, not a power cut.
    Raises `StoreError` naming the folder and the remedy where the folder cannot be used.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder.expanduser().absolute()
        self._database = Database(self.folder, durable=durable)
        self._blobs = Blobs(self.folder)
        self.upkeep = Upkeep(self._database, self._blobs)
        self._durable = durable
        self._dropped: deque[str] = deque(maxlen=MOST_DROPPED)
        self._database.read(lambda _: None)
        self.upkeep.sweep_daily()

    @property
    def id(self) -> str:
        """A random id that belongs to the stored data, not to the place."""
        return self._database.id

    @property
    def restored(self) -> str | None:
        """Tells one restore of a backup from another; None where there was none."""
        return self._database.restored

    @property
    def where(self) -> str:
        """The folder."""
        return str(self.folder)

    @property
    def journal(self) -> str:
        """How the database keeps writes whole: ``wal``, or ``delete`` where the file system has no shared memory."""
        return self._database.journal

    def put(self, record: Record) -> Record:
        """See `Store.put`. A KeyboardInterrupt that comes after the commit carries the id as `artifact_id`."""
        try:
            return self._put(record)
        except KeyboardInterrupt as stop:
            if self.get(record.id) is not None:
                stop.__dict__["artifact_id"] = record.id
            raise

    def patch(self, id: UUID, patch: Patch, *, if_seq: int | None = None, durable: bool = True) -> Record:
        """See `Store.patch`."""
        columns = patch_columns(patch)
        payload = None if patch.data is UNSET else self._payload(bytes(patch.data))
        moment = to_us(now() if patch.updated is UNSET else patch.updated)

        def change(connection: sqlite3.Connection) -> tuple[writes.Found, Record | None]:
            found = writes.find(connection, id.bytes)
            if found is None:
                raise self._unknown(id)
            if if_seq is not None and found.seq != if_seq:
                raise Conflict(f"artifact {id} was changed since it was read (seq {found.seq}, not {if_seq})")
            self._check_blob(patch.blob)
            values = columns if found.digest else {**columns, "digest": self._first_digest(connection, id)}
            writes.update(connection, id.bytes, found, values, payload, moment)
            return found, self._one(connection, id)

        found, record = self._database.write(change, durable=durable)
        if "blob_sha256" in columns or "data" in columns:
            self._drop_files(found)
        assert record is not None
        return record

    def get(self, id: UUID) -> Record | None:
        """See `Store.get`."""
        return self._database.read(lambda connection: self._one(connection, id))

    def find(self, query: Query) -> list[Record]:
        """See `Store.find`."""
        columns = LISTED + (", k.id, k.created" if query.latest else ", NULL, NULL")
        columns, joins = (columns + PAYLOAD, WITH_PAYLOAD) if query.data else (columns, "")
        sql, values = records_sql(query, columns, joins)
        return self._database.read(lambda c: [self._listed(row, query) for row in c.execute(sql, values)])

    def find_filled(self, query: Query, most: int) -> list[Record]:
        """As `find` for a query without `data`, but it comes where it is of at most so many bytes."""
        columns = LISTED + (", k.id, k.created" if query.latest else ", NULL, NULL") + ", p.data"
        sql, values = records_sql(query, columns, f"{WITH_PAYLOAD} AND length(p.data) <= {most:d}")

        def filled(row: tuple[Any, ...]) -> Record:
            record = self._listed(row[:-1], query)
            if row[-1] is not None:
                record.data = Raw(row[-1])
            return record

        return self._database.read(lambda c: [filled(row) for row in c.execute(sql, values)])

    def count(self, query: Query) -> int:
        """See `Store.count`."""
        sql, values = count_sql(query)
        return int(self._database.read(lambda connection: connection.execute(sql, values).fetchone())[0])

    def delete(self, id: UUID) -> None:
        """See `Store.delete`. Works on a full disk too, by giving up the reserve."""
        try:
            found = self._database.write(lambda connection: self._remove(connection, id))
        except StoreFull:
            if not folders.free_reserve(self.folder):
                raise
            found = self._database.write(lambda connection: self._remove(connection, id))
            self._database.settle()
            folders.keep_reserve(self.folder)
        self._drop_files(found)

    def put_run(self, run: Run) -> Run:
        """See `Store.put_run`."""
        columns = run_columns(run)
        seq = self._database.write(lambda connection: writes.put_run(connection, columns))
        return msgspec.structs.replace(run, seq=seq)

    def get_run(self, id: UUID) -> Run | None:
        """See `Store.get_run`."""
        sql = "SELECT body, seq FROM run WHERE id = ?"
        found = self._database.read(lambda c: [to_run(*row) for row in c.execute(sql, (id.bytes,))])
        return found[0] if found else None

    def find_runs(self, query: RunQuery) -> list[Run]:
        """See `Store.find_runs`."""
        sql, values = runs_sql(query)
        return self._database.read(lambda c: [to_run(*row) for row in c.execute(sql, values)])

    def changes(self, since: int = 0, limit: int = 1000) -> list[Change]:
        """See `Store.changes`."""
        if self.last_seq() <= since:
            return []
        return self._database.read(lambda connection: feed.changes(connection, since, limit), snapshot=True)

    def last_seq(self) -> int:
        """See `Store.last_seq`."""
        return self._database.read(feed.last_seq)

    def put_blob(self, content: bytes | Iterator[bytes], media: str) -> BlobRef:
        """See `Store.put_blob`."""
        return self._blobs.put(content, media, durable=self._durable)

    def open_blob(self, ref: BlobRef) -> IO[bytes]:
        """See `Store.open_blob`."""
        return self._blobs.open(ref)

    def blob_bytes(self) -> int:
        """See `Store.blob_bytes`."""
        sql = (
            "SELECT coalesce(sum(size), 0) FROM (SELECT max(blob_size) AS size FROM artifact"
            " WHERE blob_sha256 IS NOT NULL GROUP BY blob_sha256 UNION ALL SELECT size FROM payload WHERE sha256 IS NOT NULL)"
        )
        return int(self._database.read(lambda connection: connection.execute(sql).fetchone())[0])

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """What the calls return, whose writes to this store share one transaction, on disk when this returns.

        A write that fails undoes itself alone. Raises `StoreError`; nothing that any of them wrote is kept then.
        """
        return self._database.together(calls)

    def at_once(self, call: Callable[[State], T]) -> T:
        """What `call` returns, which only reads this store. Raises `WouldWait` rather than wait.

        It is given the store's state, which is another one after every change.
        """
        return self._database.at_once(call)

    def close(self) -> None:
        """See `Store.close`."""
        self._database.close()

    def _put(self, record: Record) -> Record:
        new = self._new(record)

        def insert(connection: sqlite3.Connection) -> tuple[int, int | None]:
            self._check_blob(record.blob)
            return writes.insert(connection, new)

        try:
            seq, version = self._database.write(insert)
        except writes.Taken:
            return self._same(record, new)
        times = {"created": from_us(new.created), "updated": from_us(new.updated)}
        return msgspec.structs.replace(record, **times, data=Raw(new.row.data), version=version, seq=seq)

    def _new(self, record: Record) -> writes.New:
        key = check_key(record.key)
        row = to_row(record)
        return writes.New(
            id=record.id.bytes,
            key=key,
            row=row,
            created=to_us(record.created),
            updated=to_us(record.updated),
            payload=self._payload(row.data),
        )

    def _payload(self, data: bytes) -> writes.Payload | None:
        """Where `data` too long for its row goes; a file is on disk when this returns."""
        if len(data) <= SHORT_DATA:
            return None
        if len(data) <= LONG_DATA:
            return writes.Payload(data, None, len(data))
        return writes.Payload(None, self.put_blob(data, "application/json").sha256, len(data))

    def _same(self, record: Record, new: writes.New) -> Record:
        """What has the id already, provided that `record` says the same as it did at first or does now."""
        there = self.get(record.id)
        if there is None:
            raise Conflict(f"artifact {record.id} was deleted: make a new one")
        sql = "SELECT digest FROM artifact WHERE id = ?"
        first = self._database.read(lambda connection: connection.execute(sql, (new.id,)).fetchone()) or (None,)
        if digest(new.key, new.row) not in (first[0], digest(there.key, to_row(there))):
            raise Conflict(f"the id {record.id} is taken by an artifact with other content: use a new id")
        return there

    def _remove(self, connection: sqlite3.Connection, id: UUID) -> writes.Found:
        found = writes.find(connection, id.bytes)
        if found is None:
            raise self._unknown(id)
        writes.remove(connection, id.bytes, found, to_us(now()))
        return found

    def _unknown(self, id: UUID) -> NotFound:
        return NotFound(f"there is no artifact {id} in {self.where}")

    def _check_blob(self, ref: BlobRef | UnsetType | None) -> None:
        """Raise `BlobMissing` for a file that is not there. Under the write lock, so it is not about to go either."""
        if isinstance(ref, BlobRef):
            self._blobs.check(ref)

    def _drop_files(self, found: writes.Found) -> None:
        """Delete the files that a row named, unless another row does or is about to, or this may still be undone.

        Those too young for that wait for the next time: a row that changes every second leaves none behind.
        """
        if self._database.is_together:
            return
        waiting = [*self._dropped, *(sha256 for sha256 in (found.blob_sha256, found.payload_sha256) if sha256 is not None)]
        self._dropped.clear()
        for sha256 in waiting:
            if self._blobs.age(sha256) > GRACE_SECONDS:
                self.upkeep.drop_file(sha256)
            elif self._blobs.path(sha256).exists():
                self._dropped.append(sha256)

    def _first_digest(self, connection: sqlite3.Connection, id: UUID) -> bytes | None:
        """What a record not yet patched is known by, should it be put again; None where its `data` is lost."""
        with contextlib.suppress(BlobMissing):
            if record := self._one(connection, id):
                return digest(record.key, to_row(record))
        return None

    def _one(self, connection: sqlite3.Connection, id: UUID) -> Record | None:
        row = connection.execute(ONE, (id.bytes,)).fetchone()
        return None if row is None else self._filled(to_record(row[:-3]), *row[-3:])

    def _listed(self, row: tuple[Any, ...], query: Query) -> Record:
        """The record of a row of a list: its columns, its line's, and its payload's where asked for."""
        width = len(row) - (5 if query.data else 2)
        record = to_record(row[:width])
        if query.latest:
            record.collection_id, record.collection_created = UUID(bytes=row[width]), from_us(row[width + 1])
        return self._filled(record, *row[-3:]) if query.data else record

    def _filled(self, record: Record, data: bytes | None, sha256: str | None, size: int | None) -> Record:
        """The record with the `data` that lay outside its row."""
        if record.data is not UNSET:
            return record
        if data is None:
            if sha256 is None or size is None:
                raise BlobMissing(f"of artifact {record.id}", self.where)
            self._database.check_waiting()
            with self._blobs.open(BlobRef(sha256=sha256, size=size, media="application/json")) as file:
                data = file.read()
        record.data = Raw(data)
        return record
