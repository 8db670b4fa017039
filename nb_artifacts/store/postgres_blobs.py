"""Bytes too large for a row: parts of a megabyte in the database, or files in a folder that all replicas share.

Table ``blob`` lists them in both cases. A foreign key keeps it from losing what a record names; whatever is named by
none goes with the last record that did, or a day later where a killed process never made one.
"""

# ruff: noqa: S608 -- the texts are joined from constants of ours; values are always parameters

from __future__ import annotations

import contextlib
import hashlib
import io
import time
from typing import IO, TYPE_CHECKING, Any, Protocol
from uuid import UUID

import psycopg

from nb_artifacts.errors import BlobMissing, StoreError
from nb_artifacts.store.blobs import Blobs
from nb_artifacts.store.folder import prepare
from nb_artifacts.store.postgres_connection import execute
from nb_artifacts.store.postgres_rows import hash_bytes
from nb_artifacts.wire import BlobRef, new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from nb_artifacts.store.postgres_connection import Database

PART_BYTES = 1024 * 1024

GRACE_SECONDS = 60.0
"""A blob put less long ago may be about to get its row."""

DAY_SECONDS = 86_400.0

_TOUCH = "UPDATE blob SET put = now() WHERE sha256 = %s AND size = %s RETURNING true"
_PART = "INSERT INTO part VALUES (%s, %s, %s) ON CONFLICT (upload, n) DO UPDATE SET bytes = excluded.bytes RETURNING n"
_DONE = (
    "INSERT INTO blob (sha256, size, upload) VALUES (%s, %s, %s) "
    "ON CONFLICT (sha256, size) DO UPDATE SET put = now() RETURNING upload"
)
_UNDO = "WITH gone AS (DELETE FROM part WHERE upload = %s RETURNING n) SELECT count(*) FROM gone"
_UNNAMED = (
    "b.put < now() - make_interval(secs => %s) "
    "AND NOT EXISTS (SELECT FROM artifact a WHERE a.blob_sha256 = b.sha256 AND a.blob_size = b.size) "
    "AND NOT EXISTS (SELECT FROM payload p WHERE p.sha256 = b.sha256 AND p.size = b.size)"
)
_DROP = f"DELETE FROM blob b WHERE b.sha256 = %s AND {_UNNAMED} RETURNING b.upload"
_SWEPT = (
    "INSERT INTO meta VALUES ('swept', now()::text) ON CONFLICT (name) DO UPDATE SET value = excluded.value "
    "WHERE meta.value::timestamptz < now() - make_interval(secs => %s) RETURNING true"
)
_UNFINISHED = (
    "WITH gone AS (DELETE FROM part p WHERE p.upload < %s "
    "AND NOT EXISTS (SELECT FROM blob b WHERE b.upload = p.upload) RETURNING n) SELECT count(*) FROM gone"
)


class Place(Protocol):
    """Where the bytes are."""

    def put(self, content: bytes | Iterator[bytes], media: str) -> BlobRef:
        """See `Store.put_blob`."""

    def open(self, ref: BlobRef) -> IO[bytes]:
        """See `Store.open_blob`."""

    def check(self, ref: BlobRef) -> None:
        """Raise `BlobMissing` where a record may not name it; what the database itself checks may pass."""

    def forget(self, connection: psycopg.Connection, sha256: bytes, upload: UUID | None) -> bool:
        """Delete bytes whose row was just deleted in this transaction; False keeps both."""


class InDatabase:
    """Parts in the database: replicas need to share nothing else, and a dump holds all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, content: bytes | Iterator[bytes], media: str) -> BlobRef:
        """See `Store.put_blob`. Each part is sent by itself: no transaction waits for whoever gives them."""
        if not isinstance(content, (bytes, bytearray, memoryview)):
            return self._upload(content, media)
        ref = BlobRef(sha256=hashlib.sha256(content).hexdigest(), size=len(content), media=media)
        if self._database.rows(_TOUCH, (hash_bytes(ref.sha256), ref.size)):
            return ref
        return self._upload((bytes(content),), media)

    def open(self, ref: BlobRef) -> IO[bytes]:
        """See `Store.open_blob`."""
        found = self._database.row(
            "SELECT upload FROM blob WHERE sha256 = %s AND size = %s", (hash_bytes(ref.sha256), ref.size)
        )
        if found is None or found[0] is None:
            raise BlobMissing(ref.sha256, self._database.where)
        return io.BufferedReader(_Parts(self._database, ref, found[0]), PART_BYTES)

    def check(self, ref: BlobRef) -> None:
        """The foreign key does it."""

    def forget(self, connection: psycopg.Connection, sha256: bytes, upload: UUID | None) -> bool:  # noqa: ARG002 (the signature of both kinds)
        """Delete the parts."""
        execute(connection, _UNDO, (upload,))
        return True

    def _upload(self, content: Iterable[bytes], media: str) -> BlobRef:
        upload, hashed, size = new_id(), hashlib.sha256(), 0
        kept = None
        try:
            for n, part in enumerate(_parts(content)):
                hashed.update(part)
                size += len(part)
                self._database.write(_PART, (upload, n, part))
            (kept,), _ = self._database.write(_DONE, (hashed.digest(), size, upload))
        finally:
            if kept != upload:  # it failed, or the same bytes were there
                with contextlib.suppress(StoreError):
                    self._database.write(_UNDO, (upload,))
        return BlobRef(sha256=hashed.hexdigest(), size=size, media=media)


class InFolder:
    """Files in a folder that every replica sees under the path it was given."""

    def __init__(self, database: Database, folder: Path) -> None:
        prepare(folder)
        self._database = database
        self._files = Blobs(folder)

    def put(self, content: bytes | Iterator[bytes], media: str) -> BlobRef:
        """See `Store.put_blob`."""
        ref = self._files.put(content, media, durable=self._database.durable)
        self._database.write(_DONE, (hash_bytes(ref.sha256), ref.size, None))
        self._files.check(ref)
        return ref

    def open(self, ref: BlobRef) -> IO[bytes]:
        """See `Store.open_blob`."""
        return self._files.open(ref)

    def check(self, ref: BlobRef) -> None:
        """Raise `BlobMissing` where the file is not there."""
        self._files.check(ref)

    def forget(self, connection: psycopg.Connection, sha256: bytes, upload: UUID | None) -> bool:  # noqa: ARG002 (the signature of both kinds)
        """Delete the file, unless it was put again since its row was looked at."""
        if self._files.age(sha256.hex()) < GRACE_SECONDS:
            return False
        self._files.remove(sha256.hex())
        return True


class _Parts(io.RawIOBase):
    """The parts one after the other; only one of them is held."""

    def __init__(self, database: Database, ref: BlobRef, upload: UUID) -> None:
        super().__init__()
        self._database = database
        self._ref = ref
        self._upload = upload
        self._at = 0
        self._held: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._ref.size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._ref.size:
            return 0
        n, skip = divmod(self._at, PART_BYTES)
        piece = self._part(n)[skip : skip + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _part(self, n: int) -> bytes:
        if self._held[0] != n:
            found = self._database.row("SELECT bytes FROM part WHERE upload = %s AND n = %s", (self._upload, n))
            if found is None:
                raise BlobMissing(self._ref.sha256, self._database.where)
            self._held = (n, found[0])
        return self._held[1]


def drop(database: Database, place: Place, sha256: bytes, seconds: float | None = None) -> None:
    """Delete a blob unless a record names it or it was put less than `seconds` (`GRACE_SECONDS`) ago."""
    grace = GRACE_SECONDS if seconds is None else seconds
    if database.is_together:
        return  # what names it no longer may come back

    def work(connection: psycopg.Connection, _: bool) -> None:
        with connection.transaction() as transaction:
            gone = execute(connection, _DROP, (sha256, grace))
            if gone and not place.forget(connection, sha256, gone[0][0]):
                raise psycopg.Rollback(transaction)

    with contextlib.suppress(StoreError):
        database.run(work)


def sweep(database: Database, place: Place) -> None:
    """Once a day, whichever replica comes first: delete what processes killed half-way have left behind."""
    with contextlib.suppress(StoreError):
        if database.refusal is not None or not database.rows(_SWEPT, (DAY_SECONDS,)):
            return
        database.write(_UNFINISHED, (_id_of(time.time() - DAY_SECONDS),))
        for (sha256,) in database.rows(f"SELECT b.sha256 FROM blob b WHERE {_UNNAMED} LIMIT 1000", (DAY_SECONDS,)):
            drop(database, place, sha256, DAY_SECONDS)


def _id_of(seconds: float) -> UUID:
    """Below every UUIDv7 made after that time."""
    return UUID(int=int(seconds * 1000) << 80)


def _parts(content: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in parts of `PART_BYTES`, the last one shorter."""
    held = bytearray()
    for piece in content:
        held += piece
        while len(held) >= PART_BYTES:
            yield bytes(held[:PART_BYTES])
            del held[:PART_BYTES]
    if held:
        yield bytes(held)
