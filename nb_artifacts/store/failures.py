"""SQLite's errors told as ours: which folder, what happened, and what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nb_artifacts.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreReadOnly
from nb_artifacts.store import waiting
from nb_artifacts.store.folder import REMEDY

if TYPE_CHECKING:
    import sqlite3


class Unreadable(Exception):
    """A row does not hold what was written."""


def translate(error: Exception, path: Path) -> StoreError:
    """The error to raise for `error`, which came from the database at `path`."""
    text = str(error)
    if waiting.is_locked(error) or "locking protocol" in text:
        since = f"for more than {waiting.BUSY_SECONDS:g} seconds"
        return StoreBusy(f"{path} is held by {_holder(path)} {since}: end that process, or try again")
    if is_full(error):
        return StoreFull(f"no space is left for {path.parent}: delete artifacts or free space on that disk")
    if "readonly" in text:
        return StoreReadOnly(f"{path} cannot be written: {REMEDY}")
    if isinstance(error, (Unreadable, UnicodeDecodeError)) or any(sign in text for sign in _DAMAGE):
        return StoreDamaged(
            f"{path} is damaged ({text}): `nb-artifacts doctor --salvage` takes what can be read into a new one, "
            "or put a backup in its place"
        )
    if "unable to open" in text:
        return StoreReadOnly(f"{path} cannot be opened: {REMEDY}")
    return StoreError(f"{path} cannot be used ({text}): {REMEDY}")


_DAMAGE = ("malformed", "not a database", "Could not decode")


def is_full(error: Exception) -> bool:
    """Whether no space is left."""
    return "full" in str(error)


def is_without_shared_memory(error: sqlite3.Error) -> bool:
    """Whether this is how a file system without shared memory answers to WAL (Python 3.10 does not tell exactly)."""
    name = getattr(error, "sqlite_errorname", "SQLITE_IOERR_SHM")
    return "disk I/O error" in str(error) and name.startswith("SQLITE_IOERR_SHM")


def _holder(path: Path) -> str:
    """Who holds a write lock, as far as this system tells (Linux lists locks; opening the file to ask would drop ours)."""
    try:
        files = {_inode(path.with_name(path.name + suffix)) for suffix in ("", "-shm")}
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return "another process"
    pids = {pid for pid, inode in map(_lock, lines) if inode in files and pid > 0} - {os.getpid()}
    return f"process {', '.join(map(str, sorted(pids)))}" if pids else "another process"


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _lock(line: str) -> tuple[int, int | None]:
    """Process and inode of a line such as ``1: POSIX  ADVISORY  WRITE 4242 fe:00:131 120 120``."""
    words = [word for word in line.split() if word != "->"]
    if len(words) < 6 or words[3] != "WRITE":
        return 0, None
    return int(words[4]), int(words[5].rpartition(":")[2])
