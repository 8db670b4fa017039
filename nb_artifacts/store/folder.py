"""The folder of a store: made private, refused where another user could have planted it, and its two small files.

``store-id`` repeats the id that the database holds, for readers that do not open the database. ``reserve`` is
room that is given up when the disk is full, because SQLite needs some even to delete.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
import time
from typing import TYPE_CHECKING

from nb_artifacts.config import ID_FILE
from nb_artifacts.errors import StoreError, StoreFull, StoreReadOnly

if TYPE_CHECKING:
    from pathlib import Path

REMEDY = "set NB_ARTIFACTS_HOME to a folder of your own on a local disk"

RESERVE_BYTES = 2 * 1024 * 1024


def prepare(folder: Path) -> None:
    """Make the folder where it is missing, with no access for others.

    Raises `StoreReadOnly` where it cannot be made and `StoreError` where it belongs to another user.
    """
    try:
        if not os.path.lexists(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
        check_owner(folder)
        _make_private(folder)
    except OSError as error:
        raise as_store_error(error, folder) from error


def check_owner(folder: Path) -> None:
    """Raise `StoreError` unless the folder is a directory of this user's, reached by a link of nobody else."""
    info = folder.stat()
    if not stat.S_ISDIR(info.st_mode):
        raise StoreError(f"{folder} is not a folder: {REMEDY}")
    if sys.platform == "win32":
        return
    me = os.geteuid()
    if info.st_uid != me:
        raise StoreError(f"{folder} belongs to another user (uid {info.st_uid}): {REMEDY}")
    link = folder.lstat()
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in (me, 0):
        raise StoreError(f"{folder} is a link made by another user (uid {link.st_uid}): {REMEDY}")


def _make_private(folder: Path) -> None:
    """Close the folder to others: wholly where it is still empty, else (it may be shared to read) against writing."""
    if sys.platform == "win32":
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077 and not any(folder.iterdir()):
        folder.chmod(0o700)
    elif mode & 0o022:
        folder.chmod(mode & ~0o022)


def create_private(path: Path) -> None:
    """Make an empty file that only its owner can read, whatever the umask; an existing one is not touched."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def write_private(path: Path, content: bytes) -> None:
    """Replace a small file in one step."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_id(folder: Path, store_id: str) -> None:
    """Repeat the store's id in `ID_FILE`; a folder that cannot be written keeps what it has."""
    path = folder / ID_FILE
    with contextlib.suppress(OSError):
        if not path.exists() or path.read_text(encoding="ascii", errors="replace") != store_id:
            write_private(path, store_id.encode("ascii"))


def is_due(marker: Path, seconds: float) -> bool:
    """Whether the file was not renewed for so long; renews it then. Never where the folder cannot be written."""
    try:
        if marker.exists() and time.time() - marker.stat().st_mtime < seconds:
            return False
        write_private(marker, b"")
    except OSError:
        return False
    return True


def keep_reserve(folder: Path) -> None:
    """Set some room aside for a full disk, where that is not done yet and the disk is not full."""
    path = folder / "reserve"
    with contextlib.suppress(OSError):
        if not path.exists():
            write_private(path, bytes(RESERVE_BYTES))


def free_reserve(folder: Path) -> bool:
    """Give the room back; whether there was any."""
    try:
        (folder / "reserve").unlink()
    except OSError:
        return False
    return True


def as_store_error(error: OSError, folder: Path) -> StoreError:
    """The error of ours for one of the operating system's, naming the folder and the remedy."""
    if isinstance(error, StoreError):
        return error
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC):
        return StoreFull(f"no space is left for {folder}: delete artifacts or free space on that disk ({reason})")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreReadOnly(f"{folder} cannot be written ({reason}): {REMEDY}")
    return StoreError(f"{folder} cannot be used ({reason}): {REMEDY}")
