"""A copy of a whole folder, made while it is in use, and a folder made from such a copy.

The file is a zip of ``store.db`` and ``blobs/<sha256>``. The database is copied by SQLite itself
(https://sqlite.org/backup.html), never as a file, so the copy is one state; then come the bytes that its rows name.
Unlike an export it keeps everything as it is: version numbers, what was deleted, and what was sent where.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nb_artifacts import archive
from nb_artifacts.copying import CHUNK
from nb_artifacts.errors import BlobMissing, InvalidValue
from nb_artifacts.store import failures, writes
from nb_artifacts.store import folder as folders
from nb_artifacts.store.blobs import Blobs
from nb_artifacts.store.sqlite import SqliteStore
from nb_artifacts.wire import BlobRef

if TYPE_CHECKING:
    import zipfile

    from nb_artifacts.store import Store

_DATABASE = "store.db"
_BLOB = re.compile(r"blobs/([0-9a-f]{64})\Z")
_TRIES = 3


class Backup(msgspec.Struct):
    """What a backup holds."""

    artifacts: int
    blobs: int
    missing: list[str]
    """Hashes of the bytes that rows name and that could not be read whole."""


def backup(store: Store, path: Path) -> Backup:
    """Copy a folder into a file, which is there as a whole or not at all.

    Raises `InvalidValue` for a store that is no folder or a file that cannot be written, and `StoreError`.
    """
    if not isinstance(store, SqliteStore):
        raise InvalidValue(f"{store.where} is no folder: a server's database is backed up by its own tools, as pg_dump.")
    with tempfile.TemporaryDirectory(prefix="nb-artifacts-") as scratch:
        database = Path(scratch) / _DATABASE
        for _ in range(_TRIES):
            with archive.written(path) as target:
                found = _write(store, database, target)
            if set(found.missing) <= {ref.sha256 for ref in store.upkeep.named_blobs()}:
                break  # else they were deleted between the copy of the rows and theirs
    return found


def _write(store: SqliteStore, database: Path, target: zipfile.ZipFile) -> Backup:
    store.upkeep.copy_database(database)
    with closing(sqlite3.connect(database)) as connection:
        named = connection.execute(writes.NAMED).fetchall()
        artifacts = connection.execute("SELECT count(*) FROM artifact").fetchone()[0]
    with database.open("rb") as file:
        archive.write_member(target, _DATABASE, file, packed=True)
    missing = []
    for sha256, size, media in named:
        if not _write_blob(store, BlobRef(sha256=sha256, size=size, media=media), target):
            missing.append(sha256)
    archive.write_manifest(target, "backup")
    return Backup(artifacts, len(named) - len(missing), missing)


def _write_blob(store: SqliteStore, ref: BlobRef, target: zipfile.ZipFile) -> bool:
    """Add the bytes; False where they are not there."""
    try:
        with store.open_blob(ref) as file:
            archive.write_member(target, f"blobs/{ref.sha256}", file)
    except BlobMissing:
        return False
    return True


def restore(path: Path, folder: Path) -> Backup:
    """Make a folder from a backup: as it was, or not at all.

    Raises `InvalidValue` where the file is no backup or is damaged, or the folder holds something, and `StoreError`.
    """
    with archive.opened(path, "backup") as source:
        if folder.exists() and not folder.is_dir():
            raise InvalidValue(f"{folder} is a file: name a folder that is empty or not there with --into.")
        if folder.exists() and any(folder.iterdir()):
            raise InvalidValue(f"{folder} is not empty: move it away, or restore into another folder with --into.")
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        except OSError as error:
            raise folders.as_store_error(error, folder) from error
        try:
            found = _read(path, source, beside)
            with closing(sqlite3.connect(beside / _DATABASE)) as connection, connection:
                writes.note_restored(connection)
            if folder.exists():
                folder.rmdir()
            beside.replace(folder)
        except sqlite3.Error as error:
            raise failures.translate(error, folder / _DATABASE) from error
        except OSError as error:
            raise folders.as_store_error(error, folder) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return found


def _read(path: Path, source: zipfile.ZipFile, beside: Path) -> Backup:
    if _DATABASE not in source.namelist():
        raise InvalidValue(f"{path} holds no database.")
    folders.create_private(beside / _DATABASE)
    with source.open(_DATABASE) as member, (beside / _DATABASE).open("wb") as file:
        shutil.copyfileobj(member, file, CHUNK)
    try:
        with closing(sqlite3.connect(beside / _DATABASE)) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
            named = {row[0] for row in connection.execute(writes.NAMED)}
            artifacts = connection.execute("SELECT count(*) FROM artifact").fetchone()[0]
    except sqlite3.Error as error:
        raise InvalidValue(f"{path} holds no readable database ({error}).") from None
    if sound != "ok":
        raise InvalidValue(f"the database in {path} is damaged ({sound}).")
    blobs, there = Blobs(beside), set()
    for info in source.infolist():
        name = _BLOB.match(info.filename)
        if name is None or name[1] not in named:
            continue
        with source.open(info) as member:
            kept = blobs.put(iter(lambda: member.read(CHUNK), b""), "")
        if kept.sha256 != name[1]:
            raise InvalidValue(f"the bytes {name[1]} in {path} are damaged.")
        there.add(name[1])
    return Backup(artifacts, len(there), sorted(named - there))
