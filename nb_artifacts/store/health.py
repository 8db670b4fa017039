"""Whether a folder is sound: its database, its files, and who else may look into it."""

from __future__ import annotations

import hashlib
import stat
import sys
from typing import TYPE_CHECKING

import msgspec

from nb_artifacts.errors import BlobMissing, StoreDamaged, StoreError
from nb_artifacts.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nb_artifacts.wire import BlobRef

_CHUNK = 1 << 20


class Finding(msgspec.Struct):
    """One thing that was looked at. `remedy` is None where it is as it should be."""

    what: str
    remedy: str | None = None


def examine(folder: Path) -> Iterator[Finding]:
    """Look at everything in a folder, the bytes of every blob included.

    Raises `StoreError` where the folder cannot be used at all; a damaged database is a finding.
    """
    if not (folder / "store.db").exists():
        raise StoreError(f"{folder} holds no artifacts: name another folder with --home or NB_ARTIFACTS_HOME")
    try:
        store = SqliteStore(folder)
        problem = store.upkeep.integrity()
    except StoreDamaged as error:
        yield Finding(f"database: {error}", _SALVAGE)
        return
    if problem is not None:
        yield Finding(f"database: damaged ({problem})", _SALVAGE)
        return
    yield Finding(f"database: sound, journal {store.journal}")
    named = store.upkeep.named_blobs()
    yield from _bytes(store, named)
    yield _unneeded(store)
    yield _privacy(folder)


_SALVAGE = "`nb-artifacts doctor --salvage` takes what can be read into a new database and keeps the damaged one beside it"


def _bytes(store: SqliteStore, named: list[BlobRef]) -> Iterator[Finding]:
    sound = 0
    for ref in named:
        state = _state(store, ref)
        if state is None:
            sound += 1
            continue
        makers = ", ".join(store.upkeep.names_of(ref.sha256))
        yield Finding(f"blob {ref.sha256}: {state}, needed by {makers}", "restore it from a backup, or make the artifact again")
    yield Finding(f"blobs: {sound} of {len(named)} sound", None)


def _state(store: SqliteStore, ref: BlobRef) -> str | None:
    """What is wrong with the bytes, or None."""
    found = hashlib.sha256()
    try:
        with store.open_blob(ref) as file:
            while part := file.read(_CHUNK):
                found.update(part)
    except BlobMissing:
        there = store.upkeep.blob_path(ref.sha256).exists()
        return "of another length than it was" if there else "missing"
    return None if found.hexdigest() == ref.sha256 else "changed since it was written"


def _unneeded(store: SqliteStore) -> Finding:
    waste = sum(size for _, size in store.upkeep.unneeded())
    return Finding(f"unneeded files: {waste} bytes", "`nb-artifacts gc` deletes them" if waste else None)


def _privacy(folder: Path) -> Finding:
    """Whether others can read what is in the folder; Windows has no such bits."""
    if sys.platform == "win32":
        return Finding("access: as the folder above grants it")
    if not stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return Finding("access: yours alone")
    seen = sorted(path.name for path in folder.iterdir() if path.is_file() and path.stat().st_mode & 0o077)
    if seen:
        return Finding(f"access: others can read {', '.join(seen[:5])}", f"chmod -R go= {folder}")
    return Finding("access: the folder can be listed by others, its files are yours alone")
