"""What can be read of a damaged database, taken into a new one.

Rows are read from both ends of each table and of each of its indexes, so that a damaged page costs what lies on it and
no more; a row that cannot be decoded is left behind. The damaged files are kept beside.
"""

# ruff: noqa: S608 -- the texts are joined from constants of ours; values are always parameters

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from nb_artifacts.config import ID_FILE
from nb_artifacts.errors import StoreDamaged
from nb_artifacts.store import folder as folders
from nb_artifacts.store import migrations
from nb_artifacts.store.failures import Unreadable
from nb_artifacts.store.rows import COLUMNS, to_record, to_run
from nb_artifacts.store.writes import LAST_SEQ, note_restored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_KEYS = {
    "payload": "n", "artifact": "id", "key": "key", "tombstone": "seq", "run": "n", "remote": "n", "sent": "remote, id",
}  # fmt: skip
"""Tables in the order they are written, and what a row of each is known by. The trigger wants artifacts before tombstones."""

_FILES = ("store.db", "store.db-wal", "store.db-shm", "store.db-journal")
_WRONG = (sqlite3.Error, UnicodeDecodeError)


class Salvaged(msgspec.Struct):
    """What was saved."""

    artifacts: int
    runs: int
    lost: int
    """Artifacts that were seen in an index and could not be read."""
    kept: str
    """The folder with the damaged files."""


def salvage(folder: Path) -> Salvaged:
    """Put a sound database in the place of a damaged one. No other process may use the folder meanwhile.

    Raises `StoreDamaged` where not even the tables can be found, and `StoreError`; the folder is as it was then.
    """
    kept = folder / f"damaged-{datetime.now():%Y%m%d-%H%M%S}"  # noqa: DTZ005 -- a name for a person
    new = folder / ".store.db.new"
    try:
        kept.mkdir(mode=0o700)
        for name in _FILES:
            if (folder / name).exists():
                shutil.copy2(folder / name, kept / name)
        new.unlink(missing_ok=True)
        folders.create_private(new)
        found = _take_over(kept / "store.db", new, folder)
        for name in _FILES[1:]:
            (folder / name).unlink(missing_ok=True)  # a log of the old file would be played into the new one
        new.replace(folder / "store.db")
    except StoreDamaged:
        shutil.rmtree(kept, ignore_errors=True)  # the damaged files are still where they were
        raise
    except OSError as error:
        raise folders.as_store_error(error, folder) from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
    return msgspec.structs.replace(found, kept=os.fspath(kept))


def _take_over(damaged: Path, new: Path, folder: Path) -> Salvaged:
    with closing(sqlite3.connect(damaged)) as source, closing(sqlite3.connect(new, isolation_level=None)) as target:
        source.text_factory = bytes
        migrations.migrate(target, new)
        if _has_log(damaged):
            target.execute("PRAGMA journal_mode = WAL")
        target.execute("BEGIN")
        _take_id(source, target, folder)
        counts, lost = {}, 0
        for table, key in _KEYS.items():
            rows, missed = _rows(source, target, table, key)
            counts[table] = sum(_insert(target, table, row) for row in rows)
            lost = missed if table == "artifact" else lost
        if not counts["artifact"] and not counts["run"]:
            path = folder / damaged.name
            raise StoreDamaged(f"nothing could be read of {path}: put a backup in its place, or move it away to start anew")
        _mend_keys(target)
        note_restored(target)  # the newest rows may be among the lost ones
        # the feed goes on after the last row that is left: a place further on would hide what is made from now on
        target.execute(f"UPDATE remote SET start = min(start, {LAST_SEQ}), cursor = min(cursor, {LAST_SEQ})")
        target.execute("COMMIT")
    return Salvaged(counts["artifact"], counts["run"], lost, "")


def _has_log(path: Path) -> bool:
    """Whether a database keeps a log (https://sqlite.org/fileformat.html, bytes 18 and 19), as where it lies allows."""
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\x02\x02"


def _take_id(source: sqlite3.Connection, target: sqlite3.Connection, folder: Path) -> None:
    """The store stays the one it was; its id is also in a small file."""
    found: list[str] = []
    with contextlib.suppress(*_WRONG, TypeError):
        found.append(source.execute("SELECT value FROM meta WHERE name = 'id'").fetchone()[0].decode())
    with contextlib.suppress(OSError):
        found.append((folder / ID_FILE).read_text(encoding="ascii", errors="replace"))
    for name in found:
        if len(name) == 32 and name.isalnum():
            target.execute("UPDATE meta SET value = ? WHERE name = 'id'", (name,))
            return


def _rows(source: sqlite3.Connection, target: sqlite3.Connection, table: str, key: str) -> tuple[list[dict[str, Any]], int]:
    """The rows of a table that can be read, and how many more are known to be there."""
    ours = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
    try:
        theirs = {row[1].decode() for row in source.execute(f"PRAGMA table_info({table})")}
    except _WRONG:
        return [], 0
    columns = [name for name in ours if name in theirs]
    if not columns:
        return [], 0
    found: dict[Any, dict[str, Any]] = {}
    known = key.split(", ")
    for row in _both_ways(source, f"SELECT {', '.join(columns)} FROM {table}", key):
        values = _plain(dict(zip(columns, row, strict=True)))
        if values is not None:
            found[tuple(values[name] for name in known)] = values
    seen = set(found)
    for index in _indexes(source, table):
        for row in _both_ways(source, f"SELECT {key} FROM {table} INDEXED BY {index}", index_order(target, index, key)):
            if row not in seen:
                seen.add(row)
                values = _one(source, table, columns, known, row)
                if values is not None:
                    found[row] = values
    return list(found.values()), len(seen) - len(found)


def _indexes(source: sqlite3.Connection, table: str) -> list[str]:
    try:
        rows = source.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (table,)).fetchall()
    except _WRONG:
        return []
    return [name.decode() for name, sql in rows if sql and b"WHERE" not in sql]


def index_order(target: sqlite3.Connection, index: str, key: str) -> str:
    """The columns of an index, in its order; `key` where the new database has no such index."""
    return ", ".join(row[2] for row in target.execute(f"PRAGMA index_info({index})")) or key


def _both_ways(source: sqlite3.Connection, select: str, order: str) -> Iterator[tuple[Any, ...]]:
    """Rows from the first on until one cannot be read, then from the last back."""
    for direction in ("ASC", "DESC"):
        terms = ", ".join(f"{name} {direction}" for name in order.split(", "))
        try:
            yield from source.execute(f"{select} ORDER BY {terms}")
        except _WRONG:
            continue
        return


def _one(
    source: sqlite3.Connection, table: str, columns: list[str], known: list[str], values: tuple[Any, ...]
) -> dict[str, Any] | None:
    where = " AND ".join(f"{name} = ?" for name in known)
    try:
        row = source.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE {where}", values).fetchone()
    except _WRONG:
        return None
    return None if row is None else _plain(dict(zip(columns, row, strict=True)))


_BYTES = {"id", "flow_run_id", "task_run_id", "data", "digest", "newest", "parent_id", "session_id", "remote_id"}


def _plain(row: dict[str, Any]) -> dict[str, Any] | None:
    """Texts as texts; None for a row that does not hold what its columns are for."""
    try:
        for name, value in row.items():
            if isinstance(value, bytes) and name not in _BYTES:
                row[name] = value.decode()
        if "blob_sha256" in row:
            to_record(tuple(row[name] for name in COLUMNS.split(", ")))
        elif "body" in row:
            to_run(row["body"], row["seq"])
    except (UnicodeDecodeError, Unreadable):
        return None
    return row


def _insert(target: sqlite3.Connection, table: str, row: dict[str, Any]) -> bool:
    names = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)
    try:
        return target.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", row).rowcount > 0
    except sqlite3.Error:
        return False


def _mend_keys(target: sqlite3.Connection) -> None:
    """Every key's line as its versions say; no number that was ever given comes back."""
    target.execute(
        "INSERT INTO key (key, last_version) SELECT key, max(version) FROM "
        "(SELECT key, version FROM artifact UNION ALL SELECT key, version FROM tombstone) WHERE key IS NOT NULL GROUP BY key "
        "ON CONFLICT (key) DO UPDATE SET last_version = max(last_version, excluded.last_version)"
    )
    target.execute(
        "UPDATE key SET (newest, listed) = (SELECT a.id, a.created FROM artifact a WHERE a.key = key.key "
        "ORDER BY a.version DESC LIMIT 1)"
    )
    target.execute("UPDATE key SET id = NULL, created = NULL WHERE newest IS NULL")
    target.execute(
        "UPDATE key SET id = coalesce(id, randomblob(16)), created = coalesce(created, listed) WHERE newest IS NOT NULL"
    )
