"""Bytes too large for a row, as files named by their SHA-256: ``blobs/ab/<sha256>``.

A file is whole or not there: it is written under ``tmp``, flushed to disk, renamed, and its folder flushed. Only then
may a row name it. Equal bytes are one file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import sys
import time
from typing import IO, TYPE_CHECKING

from nb_artifacts.errors import BlobMissing
from nb_artifacts.store.folder import as_store_error
from nb_artifacts.wire import BlobRef

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = re.compile(r"[0-9a-f]{64}\Z")


class Blobs:
    """The files under one store's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = folder / "blobs"
        self._tmp = folder / "tmp"

    def path(self, sha256: str) -> Path:
        """Where the bytes of that hash lie. Raises `BlobMissing` for what is not a hash, so no name leads elsewhere."""
        if not _NAME.match(sha256):
            raise BlobMissing(sha256[:80], self._folder)
        return self._files / sha256[:2] / sha256

    def put(self, content: bytes | Iterator[bytes], media: str, *, durable: bool = True) -> BlobRef:
        """Keep the bytes, on disk on return. Raises `StoreError`, with nothing left behind."""
        try:
            if isinstance(content, (bytes, bytearray, memoryview)):
                ref = BlobRef(sha256=hashlib.sha256(content).hexdigest(), size=len(content), media=media)
                if self._is_there(ref):
                    return ref
                content = iter((content,))
            return self._write(content, media, durable=durable)
        except OSError as error:
            raise as_store_error(error, self._folder) from error

    def open(self, ref: BlobRef) -> IO[bytes]:
        """The bytes as a readable file. Raises `BlobMissing` where they are gone or cut short."""
        try:
            file = self.path(ref.sha256).open("rb")
        except (FileNotFoundError, NotADirectoryError):
            raise BlobMissing(ref.sha256, self._folder) from None
        except OSError as error:
            raise as_store_error(error, self._folder) from error
        if os.fstat(file.fileno()).st_size != ref.size:
            file.close()
            raise BlobMissing(ref.sha256, self._folder)
        return file

    def check(self, ref: BlobRef) -> None:
        """Raise `BlobMissing` unless the bytes are there, so that no row names what is not."""
        self.open(ref).close()

    def age(self, sha256: str) -> float:
        """Seconds since the bytes were last put; 0 where they are not there."""
        try:
            return time.time() - self.path(sha256).stat().st_mtime
        except OSError:
            return 0.0

    def older_than(self, seconds: float) -> Iterator[str]:
        """Hashes of the files that were put longer ago; deletes unfinished files of that age on the way."""
        for path in [*self._tmp.glob("*"), *self._files.glob("*/*")]:
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime <= seconds:
                    continue
                if path.parent == self._tmp:
                    path.unlink()
                elif _NAME.match(path.name):
                    yield path.name

    def remove(self, sha256: str) -> None:
        """Delete the bytes that no row names; what cannot be deleted stays."""
        with contextlib.suppress(OSError):
            self.path(sha256).unlink()

    def _is_there(self, ref: BlobRef) -> bool:
        path = self.path(ref.sha256)
        try:
            if path.stat().st_size != ref.size:
                return False
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def _write(self, parts: Iterator[bytes], media: str, *, durable: bool) -> BlobRef:
        self._tmp.mkdir(mode=0o700, exist_ok=True)
        beside = self._tmp / secrets.token_hex(16)
        hashed, size = hashlib.sha256(), 0
        try:
            with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, 0o600), "wb") as file:
                for part in parts:
                    hashed.update(part)
                    size += len(part)
                    file.write(part)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            ref = BlobRef(sha256=hashed.hexdigest(), size=size, media=media)
            if not self._is_there(ref):
                self._rename(beside, self.path(ref.sha256), durable=durable)
        finally:
            beside.unlink(missing_ok=True)
        return ref

    def _rename(self, beside: Path, path: Path, *, durable: bool) -> None:
        for folder in (self._files, path.parent):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
                if durable:
                    _flush_folder(folder.parent)
        beside.replace(path)
        if durable:
            _flush_folder(path.parent)


_BINARY = getattr(os, "O_BINARY", 0)


def _flush_folder(folder: Path) -> None:
    """Make a rename survive a power cut; Windows has no such call and needs none."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
