"""Whether a folder lies on a network file system, and whether locks hold there between processes.

SQLite's WAL needs memory shared by all who use the database (https://sqlite.org/wal.html, section 2.2). On a network file
system every host has its own, so two hosts would damage the database although each finds it working: the plain journal
is taken there, and its locks are tried out once with a second process.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from nb_artifacts.errors import StoreError
from nb_artifacts.store import folder as folders

_NETWORK = {
    "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "orangefs", "panfs", "smb2", "smb3", "smbfs", "webdav",
}  # fmt: skip
_LOCAL_FUSE = {"fuse.fuse-overlayfs", "fuse.lxcfs", "fuse.ext4", "fuse.ntfs-3g"}

PROBE_SECONDS = 3.0

_CHILD = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    other.execute("BEGIN IMMEDIATE")
    print("free", flush=True)
except sqlite3.OperationalError:
    print("locked", flush=True)
    sys.stdin.readline()
    seen = other.execute("SELECT count(*) FROM t").fetchone()[0]
    other.execute("INSERT INTO t VALUES (2)")
    print(seen, flush=True)
"""


@lru_cache(maxsize=64)
def network_type(folder: Path) -> str | None:
    """The type of the network file system that a folder lies on, as ``nfs4``; None where it is a local one."""
    kind = _type(folder)
    if kind in _NETWORK or (kind.startswith("fuse.") and kind not in _LOCAL_FUSE):
        return kind
    return None


def _type(folder: Path) -> str:
    real = os.path.realpath(folder)
    if sys.platform == "win32":
        import ctypes

        drive = os.path.splitdrive(real)[0]
        remote = drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(f"{drive}\\") == 4
        return "smb3" if remote else ""
    mounts = _linux_mounts() if sys.platform == "linux" else _other_mounts()
    above = [place for place in mounts if real == place or real.startswith(place.rstrip("/") + "/")]
    return mounts[max(above, key=len)] if above else ""


def _linux_mounts(table: str = "/proc/self/mountinfo") -> dict[str, str]:
    """Type by mount point; the later mount at one point counts (proc(5), /proc/pid/mountinfo)."""
    found = {}
    with contextlib.suppress(OSError):
        for line in Path(table).read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            before, _, after = line.partition(" - ")
            words = before.split(" ")
            if len(words) > 4 and after:
                found[re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), words[4])] = after.split(" ")[0]
    return found


def _other_mounts() -> dict[str, str]:
    import psutil

    with contextlib.suppress(OSError):
        return {mount.mountpoint: mount.fstype for mount in psutil.disk_partitions(all=True)}
    return {}


def check_locks(folder: Path, kind: str) -> None:
    """Try out once for this host whether a lock keeps a second process out, and whether it sees what was written.

    Raises `StoreError` naming the folder and the remedy where not. Where the second process cannot be started or does
    not answer in `PROBE_SECONDS` nothing is proven, and the next process tries again.
    """
    host = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
    marker = folder / f"locks-hold-{host}"
    if marker.exists() or not sys.executable:
        return
    path = folder / f".probe-{secrets.token_hex(8)}.db"
    try:
        folders.create_private(path)
        problem = _problem(path)
        if problem is None:
            folders.write_private(marker, b"")
    except (OSError, sqlite3.Error, subprocess.TimeoutExpired):
        return
    finally:
        for left in (path, path.with_name(path.name + "-journal")):
            with contextlib.suppress(OSError):
                left.unlink()
    if problem is not None:
        raise StoreError(
            f"{folder} is on a file system ({kind}) where {problem}, so artifacts could be lost: {folders.REMEDY}, "
            "and NB_ARTIFACTS_API_URL to a server that other machines share"
        )


def _problem(path: Path) -> str | None:
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as mine:
        mine.execute("PRAGMA journal_mode = DELETE")
        mine.execute("CREATE TABLE t (n)")
        mine.execute("BEGIN IMMEDIATE")
        mine.execute("INSERT INTO t VALUES (1)")
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _CHILD, os.fspath(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            assert child.stdout is not None
            first = _line(child)
            if first == "free":
                return "a lock does not keep other processes out"
            mine.execute("COMMIT")
            second, _ = child.communicate("\n", timeout=PROBE_SECONDS)
            seen = mine.execute("SELECT count(*) FROM t").fetchone()[0]
        finally:
            child.kill()
            child.communicate()
    if first == "locked" and second.strip() == "1" and seen == 2:
        return None
    if first == "locked" and second.strip():
        return "processes do not see what others have written"
    raise subprocess.TimeoutExpired("probe", PROBE_SECONDS)


def _line(child: subprocess.Popen[str]) -> str:
    """The first line that the child says, or "" where it says none in time."""
    import threading

    assert child.stdout is not None
    timer = threading.Timer(PROBE_SECONDS, child.kill)
    timer.start()
    try:
        return child.stdout.readline().strip()
    finally:
        timer.cancel()
