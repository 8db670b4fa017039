"""The care of a folder: which files its rows need, what may go, and whether the database is sound."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from nb_artifacts.errors import StoreError
from nb_artifacts.store import folder as folders
from nb_artifacts.store import migrations, writes
from nb_artifacts.wire import BlobRef

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from nb_artifacts.store.blobs import Blobs
    from nb_artifacts.store.connection import Database

DAY_SECONDS = 86_400.0
"""A file younger than this may belong to a write under way."""


class Upkeep:
    """What is done to a folder beside keeping artifacts in it. Methods raise `StoreError`."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    def named_blobs(self) -> list[BlobRef]:
        """The files that rows need, each once, by hash."""
        rows = self._database.read(lambda connection: connection.execute(writes.NAMED).fetchall())
        return [BlobRef(sha256=sha256, size=size, media=media) for sha256, size, media in rows]

    def names_of(self, sha256: str) -> list[str]:
        """What needs a file, as a person names it: ``K@V`` or an id."""
        rows = self._database.read(lambda connection: connection.execute(writes.NEEDED_BY, {"name": sha256}).fetchall())
        return [f"{key}@{version}" if key else str(UUID(bytes=id)) for key, version, id in rows]

    def blob_path(self, sha256: str) -> Path:
        """Where the file of that hash lies, or would."""
        return self._blobs.path(sha256)

    def unneeded(self, seconds: float = DAY_SECONDS) -> Iterator[tuple[str, int]]:
        """Hash and bytes of each file that was put longer ago and that no row needs."""
        for sha256 in self._blobs.older_than(seconds):
            if not self._database.read(partial(writes.is_named, sha256=sha256)):
                with contextlib.suppress(FileNotFoundError):
                    yield sha256, self.blob_path(sha256).stat().st_size

    def sweep(self) -> tuple[int, int]:
        """Delete what a process killed before it wrote its row has left behind; how many files, and their bytes."""
        files = size = 0
        for sha256, length in self.unneeded():
            self.drop_file(sha256)
            files, size = files + 1, size + length
        return files, size

    def sweep_daily(self) -> None:
        """Do so once a day, whoever comes first."""
        if folders.is_due(self._database.folder / "swept", DAY_SECONDS):
            with contextlib.suppress(StoreError):
                self.sweep()

    def drop_file(self, sha256: str) -> None:
        """Delete a file unless a row names it; the write lock keeps new rows out meanwhile."""

        def work(connection: sqlite3.Connection) -> None:
            if not writes.is_named(connection, sha256):
                self._blobs.remove(sha256)

        with contextlib.suppress(StoreError):
            self._database.write(work)

    def integrity(self) -> str | None:
        """What SQLite finds wrong with the database, or None."""
        found = self._database.read(lambda connection: connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
        return None if found == "ok" else str(found)

    def copy_database(self, path: Path) -> None:
        """Write the database, as one state, to another file, while others use it."""
        self._database.read(lambda connection: migrations.copy_database(connection, path))

    def shrink(self) -> None:
        """Give back to the disk what deleted rows took, as far as nobody else is writing."""
        with contextlib.suppress(StoreError):
            self._database.read(lambda connection: connection.execute("VACUUM").fetchall())
        self._database.settle()
