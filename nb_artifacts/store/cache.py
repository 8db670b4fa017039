"""Bytes of artifacts that other machines made, kept in the folder by hash and up to a size; the least recently read go first.

They lie apart from the folder's own (``cache/blobs/ab/<sha256>``): no row names them, and all of them may be deleted at
any time.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import IO, TYPE_CHECKING

from nb_artifacts.errors import StoreError
from nb_artifacts.store.blobs import Blobs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nb_artifacts.wire import BlobRef

PIECE = 1024 * 1024
STALE_SECONDS = 3600.0
"""An unfinished file of that age was left by a process that was killed."""


class BlobCache:
    """At most `limit` bytes below a folder. Any process may read, add and evict at the same time."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder / "cache"
        self._blobs = Blobs(self._folder)
        self.limit = limit

    def open(self, ref: BlobRef) -> IO[bytes]:
        """The bytes. Raises `BlobMissing` where they are not kept."""
        file = self._blobs.open(ref)
        with contextlib.suppress(OSError):
            os.utime(self._blobs.path(ref.sha256))
        return file

    def keep(self, ref: BlobRef, file: IO[bytes]) -> IO[bytes]:
        """Keep bytes that were verified, and give them to read; where they cannot be kept, the file that was given."""
        if ref.size > self.limit:
            return file
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._make_room(ref.size)
            self._blobs.put(_pieces(file), ref.media, durable=False)
            kept = self._blobs.open(ref)
        except (StoreError, OSError):
            file.seek(0)
            return file
        file.close()
        return kept

    def bytes(self) -> int:
        """How much is kept."""
        return sum(size for _, size, _ in self._files())

    def _make_room(self, size: int) -> None:
        """Delete what was read least recently, until `size` bytes more fit."""
        files = sorted(self._files())
        kept = sum(size for _, size, _ in files)
        for _, freed, path in files:
            if kept + size <= self.limit:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            kept -= freed

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        for path in self._folder.glob("*/*/*"):
            with contextlib.suppress(OSError):
                stat = path.stat()
                yield stat.st_mtime, stat.st_size, path
        for path in self._folder.glob("tmp/*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink()


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece
