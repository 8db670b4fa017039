"""The store for more than one machine: a schema in a PostgreSQL database, shared by every replica that opens it.

Semantics are those of the embedded store. Each write is one statement that calls a function of the schema, so it is one
journey to the server and one transaction; `put` and the others can be sent again after a lost connection, and are.
"""

# ruff: noqa: S608 -- the texts are joined from constants of ours; values are always parameters

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import UNSET, Raw
from psycopg.errors import ForeignKeyViolation

from nb_artifacts.errors import BlobMissing, Conflict, NotFound, StoreError
from nb_artifacts.store import postgres_feed as feed
from nb_artifacts.store.postgres_address import Address
from nb_artifacts.store.postgres_blobs import InDatabase, InFolder, Place, drop, sweep
from nb_artifacts.store.postgres_connection import Database
from nb_artifacts.store.postgres_filters import count_sql, records_sql, runs_sql
from nb_artifacts.store.postgres_rows import (
    LISTED,
    PAYLOAD,
    WITH_PAYLOAD,
    columns_of,
    hash_bytes,
    key_columns,
    patch_values,
    row_columns,
    run_values,
    to_record,
    to_run,
)
from nb_artifacts.store.postgres_search import Search
from nb_artifacts.store.rows import digest, to_row, utc
from nb_artifacts.wire import NULL, SHORT_DATA, BlobRef, Change, Patch, Query, Record, Run, RunQuery, check_key, now

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

T = TypeVar("T")

LONG_DATA = 256 * 1024
"""`data` of more bytes than this is a blob."""

_ONE = f"SELECT {LISTED}{PAYLOAD} FROM artifact a{WITH_PAYLOAD} WHERE a.id = %s"
PUT = f"SELECT _seq, _version FROM put({', '.join(['%s'] * 21)})"
_PATCH = f"SELECT p._seq, p._old_sha256, p._old_long_sha256, {columns_of('(p._now)')} FROM patch({', '.join(['%s'] * 20)}) p"
_REMOVE = "SELECT _found, _sha256, _long_sha256 FROM remove(%s, %s)"
_PUT_RUN = f"SELECT _seq FROM put_run({', '.join(['%s'] * 11)})"
_BLOB_BYTES = (
    "SELECT coalesce(sum(b.size), 0)::bigint FROM blob b WHERE "
    "EXISTS (SELECT FROM artifact a WHERE a.blob_sha256 = b.sha256 AND a.blob_size = b.size) "
    "OR EXISTS (SELECT FROM payload p WHERE p.sha256 = b.sha256 AND p.size = b.size)"
)


class PostgresStore:
    """A `Store` in a schema of a PostgreSQL database (15 or newer), which it makes where it is missing.

    `url` is an address as libpq takes it, with our options ``schema`` and ``blobs`` (see `Address`), which the arguments
    of these names override. At most `connections` are open at a time, and one more while somebody waits in `changed`.
    With `durable=False` a returned call survives the end of this process, not that of the database.
    A database that is away is waited for up to 10 seconds, except at first use.
    Raises `InvalidValue` for a bad address and `StoreError` naming the database and the remedy; no error, log or `repr`
    shows the user or the password.
    """

    def __init__(
        self,
        url: str,
        *,
        schema: str | None = None,
        blobs: str | os.PathLike[str] | None = None,
        durable: bool = True,
        connections: int = 10,
    ) -> None:
        address = Address(url, schema=schema)
        self._database = Database(address, durable=durable, size=connections)
        self._database.rows("SELECT 1")
        folder = blobs or address.blobs
        self.blobs_folder = Path(folder).expanduser().absolute() if folder else None
        """Where bytes lie that are not in the database: all replicas share it."""
        self._blobs: Place = InFolder(self._database, self.blobs_folder) if self.blobs_folder else InDatabase(self._database)
        self._notifier = feed.Notifier(self._database)
        self._listener = feed.Listener(self._database)
        self._search = Search(self, self._database)
        sweep(self._database, self._blobs)

    def __repr__(self) -> str:
        return f"PostgresStore({self.where})"

    @property
    def id(self) -> str:
        """A random id that belongs to the stored data, not to the place."""
        return self._database.id

    @property
    def database(self) -> Database:
        """Its schema, for what a server keeps there beside artifacts."""
        return self._database

    @property
    def where(self) -> str:
        """The address without user, password and options."""
        return self._database.where

    @property
    def journal(self) -> str:
        """``server``: PostgreSQL has its own."""
        return "server"

    def put(self, record: Record) -> Record:
        """See `Store.put`. A KeyboardInterrupt that comes after the commit carries the id as `artifact_id`."""
        values = self.put_values(record)
        try:
            (seq, version), _ = self._write(PUT, values, record.blob)
        except KeyboardInterrupt as stop:
            if self.get(record.id) is not None:
                stop.__dict__["artifact_id"] = record.id
            raise
        if seq is None:
            return self._same(record)
        data = NULL if record.data is UNSET else Raw(bytes(record.data))
        created, updated = utc(record.created), utc(record.updated)
        return msgspec.structs.replace(record, created=created, updated=updated, data=data, version=version, seq=seq)

    def put_values(self, record: Record) -> tuple[Any, ...]:
        """The parameters of `PUT`. Raises `InvalidKey`, `InvalidValue`, and `BlobMissing`."""
        key, row = check_key(record.key), to_row(record)
        if record.blob is not None:
            self._blobs.check(record.blob)
        return (
            record.id, *key_columns(key), utc(record.created), utc(record.updated), *row_columns(row, record.blob),
            digest(key, row), *self._payload(row.data),
        )  # fmt: skip

    def patch(self, id: UUID, patch: Patch, *, if_seq: int | None = None, durable: bool = True) -> Record:
        """See `Store.patch`."""
        (sets_data, data), others = patch_values(patch)
        payload = self._payload(bytes(patch.data)) if patch.data is not UNSET else _NO_PAYLOAD
        ref = patch.blob if isinstance(patch.blob, BlobRef) else None
        if ref is not None:
            self._blobs.check(ref)
        moment = now() if patch.updated is UNSET else utc(patch.updated)
        values = (id, if_seq, moment, not durable, sets_data, data, *payload, *others)
        (seq, blob, spilled, *row), again = self._write(_PATCH, values, ref)
        if seq is None:
            raise self._unknown(id)
        if if_seq is not None and seq != if_seq:
            there = self.get(id)
            if again and there is not None and there.updated == moment:
                return there  # the first try did it and its answer was lost
            raise Conflict(f"artifact {id} was changed since it was read (seq {seq}, not {if_seq})")
        self._drop(blob, spilled)
        record = to_record(tuple(row))
        if record.data is UNSET:
            kept = self._database.row("SELECT data, sha256, size FROM payload WHERE id = %s", (id,))
            return self._filled(record, *(kept or (None, None, None)))
        return record

    def get(self, id: UUID) -> Record | None:
        """See `Store.get`."""
        row = self._database.row(_ONE, (id,))
        return None if row is None else self._whole(row)

    def find(self, query: Query) -> list[Record]:
        """See `Store.find`."""
        columns = LISTED + (", k.id, k.created" if query.latest else ", NULL, NULL")
        columns, joins = (columns + PAYLOAD, WITH_PAYLOAD) if query.data else (columns, "")
        sql, values = records_sql(query, columns, joins)
        rows = self._database.rows(sql, values, prepare=_prepare(query))
        return [self._listed(row, latest=query.latest, data=query.data) for row in rows]

    def find_filled(self, query: Query, most: int) -> list[Record]:
        """See `SqliteStore.find_filled`."""
        columns = LISTED + (", k.id, k.created" if query.latest else ", NULL, NULL") + ", p.data"
        sql, values = records_sql(query, columns, f"{WITH_PAYLOAD} AND length(p.data) <= {most:d}")

        def filled(row: tuple[Any, ...]) -> Record:
            record = self._listed(row[:-1], latest=query.latest, data=False)
            if row[-1] is not None:
                record.data = Raw(row[-1])
            return record

        return [filled(row) for row in self._database.rows(sql, values, prepare=_prepare(query))]

    def count(self, query: Query) -> int:
        """See `Store.count`."""
        return int(self._database.rows(*count_sql(query), prepare=_prepare(query))[0][0])

    def delete(self, id: UUID) -> None:
        """See `Store.delete`."""
        (found, *names), again = self._write(_REMOVE, (id, now()))
        if not found and not (again and self._database.rows("SELECT FROM tombstone WHERE id = %s", (id,))):
            raise self._unknown(id)
        self._drop(*names)

    def put_run(self, run: Run) -> Run:
        """See `Store.put_run`."""
        (seq,), _ = self._write(_PUT_RUN, run_values(run))
        return msgspec.structs.replace(run, seq=seq)

    def get_run(self, id: UUID) -> Run | None:
        """See `Store.get_run`."""
        row = self._database.row("SELECT body, seq FROM run WHERE id = %s", (id,))
        return None if row is None else to_run(*row)

    def find_runs(self, query: RunQuery) -> list[Run]:
        """See `Store.find_runs`."""
        return [to_run(*row) for row in self._database.rows(*runs_sql(query))]

    def changes(self, since: int = 0, limit: int = 1000) -> list[Change]:
        """See `Store.changes`. What an open transaction may still precede is held back until that has ended."""
        return feed.changes(self._database, since, limit)

    def last_seq(self) -> int:
        """See `Store.last_seq`: the newest of which `changes` tells."""
        return feed.last_seq(self._database)

    def changed(self, since: int, timeout: float) -> int:
        """The newest seq, as soon as it is above `since` or after `timeout` seconds.

        Woken by writes through any replica, within hundredths of a second. Raises `StoreError`.
        """
        return self._listener.changed(since, timeout)

    def find_words(self, words: Sequence[str], limit: int, after: UUID | None = None) -> list[UUID]:
        """Ids of the artifacts that hold words beginning with all of these, those changed last first, below `after`.

        Raises `StoreError`.
        """
        return self._search.find(words, limit, after)

    def put_blob(self, content: bytes | Iterator[bytes], media: str) -> BlobRef:
        """See `Store.put_blob`."""
        return self._blobs.put(content, media)

    def open_blob(self, ref: BlobRef) -> IO[bytes]:
        """See `Store.open_blob`."""
        return self._blobs.open(ref)

    def blob_bytes(self) -> int:
        """See `Store.blob_bytes`."""
        return int(self._database.rows(_BLOB_BYTES)[0][0])

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """What the calls return, whose writes to this store share one transaction, on disk when this returns.

        A write that fails undoes itself alone. Calls may be repeated, all of them, where the database goes away.
        Raises `StoreError`, and what a call raises; nothing that any of them wrote is kept then.
        """
        results = self._database.together(calls)
        self._notifier.hint()
        return results

    def close(self) -> None:
        """See `Store.close`. Waits for whoever is in `changed`."""
        self._listener.close()
        self._database.pool.close()

    def _write(self, sql: str, values: tuple[Any, ...], ref: BlobRef | None = None) -> tuple[tuple[Any, ...], bool]:
        """The row of a writing function, see `Database.write`, and word to whoever listens."""
        try:
            found = self._database.write(sql, values)
        except StoreError as error:
            if ref is not None and isinstance(error.__cause__, ForeignKeyViolation):
                raise BlobMissing(ref.sha256, self.where) from None
            raise
        self._notifier.hint()
        return found

    def _payload(self, data: bytes) -> tuple[bool, bytes | None, bytes | None, int | None]:
        """Where `data` too long for its row goes; a blob is kept when this returns."""
        if len(data) <= SHORT_DATA:
            return _NO_PAYLOAD
        if len(data) <= LONG_DATA:
            return True, data, None, len(data)
        return True, None, hash_bytes(self.put_blob(data, "application/json").sha256), len(data)

    def _same(self, record: Record) -> Record:
        """What has the id already, provided that `record` says the same as it did at first or does now."""
        there = self.get(record.id)
        if there is None:
            raise Conflict(f"artifact {record.id} was deleted: make a new one")
        first = self._database.row("SELECT digest FROM artifact WHERE id = %s", (record.id,)) or (None,)
        if digest(record.key, to_row(record)) not in (first[0], digest(there.key, to_row(there))):
            raise Conflict(f"the id {record.id} is taken by an artifact with other content: use a new id")
        return there

    def _unknown(self, id: UUID) -> NotFound:
        return NotFound(f"there is no artifact {id} in {self.where}")

    def _drop(self, *names: bytes | None) -> None:
        """Delete blobs that a row named, unless another does or is about to."""
        for sha256 in names:
            if sha256 is not None:
                drop(self._database, self._blobs, sha256)

    def _whole(self, row: tuple[Any, ...]) -> Record:
        return self._filled(to_record(row[:-3]), *row[-3:])

    def _listed(self, row: tuple[Any, ...], *, latest: bool, data: bool) -> Record:
        width = len(row) - (5 if data else 2)
        record = to_record(row[:width])
        if latest:
            record.collection_id, record.collection_created = row[width], row[width + 1]
        return self._filled(record, *row[-3:]) if data else record

    def _filled(self, record: Record, data: bytes | None, sha256: bytes | None, size: int | None) -> Record:
        """The record with the `data` that lay outside its row."""
        if record.data is not UNSET:
            return record
        if data is None:
            if sha256 is None or size is None:
                raise BlobMissing(f"of artifact {record.id}", self.where)
            with self._blobs.open(BlobRef(sha256=sha256.hex(), size=size, media="application/json")) as file:
                data = file.read()
        record.data = Raw(data)
        return record


def _prepare(query: Query) -> bool | None:
    """One plan serves whenever ids or keys are given; else the best one hangs on how common a type is."""
    given = query.artifacts
    return None if given is not None and (given.id or (given.key and given.key.any_)) else False


_NO_PAYLOAD = (False, None, None, None)
