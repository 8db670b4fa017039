"""What a write does inside its transaction: a few statements each, nothing else.

Every function gives what it changed the next `seq`. The highest one always stands in a row: an update moves it up, a
deletion leaves a tombstone with a higher one.
"""

# ruff: noqa: S608 -- the texts are joined from constants of ours; values are always parameters

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

if TYPE_CHECKING:
    from nb_artifacts.store.rows import Row

LAST_SEQ = (
    "max(coalesce((SELECT max(seq) FROM artifact), 0), coalesce((SELECT max(seq) FROM run), 0), "
    "coalesce((SELECT max(seq) FROM tombstone), 0))"
)
_SET = (
    "created, updated, type, description, flow_run_id, task_run_id, data, payload, metadata, tags, info, "
    "blob_sha256, blob_size, blob_media"
)
_QUESTIONS = ", ".join("?" * 14)
_KEYLESS = f"INSERT INTO artifact (id, seq, {_SET}) VALUES (?, {LAST_SEQ} + 1, {_QUESTIONS}) RETURNING seq"
_KEYED = (
    f"INSERT INTO artifact (id, key, version, seq, {_SET}) "
    f"VALUES (?, ?, (SELECT coalesce(max(last_version), 0) + 1 FROM key WHERE key = ?), {LAST_SEQ} + 1, {_QUESTIONS}) "
    "RETURNING seq, version, (SELECT newest FROM key WHERE key = artifact.key) IS NULL"
)
_GOES_ON = "UPDATE key SET last_version = ?, newest = ?, listed = ? WHERE key = ?"
_BEGINS = (
    "INSERT INTO key (last_version, newest, listed, key, created, id) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) "
    "DO UPDATE SET last_version = excluded.last_version, newest = excluded.newest, listed = excluded.listed, "
    "created = excluded.created, id = excluded.id"
)
_PAYLOAD = "INSERT INTO payload (data, sha256, size) VALUES (?, ?, ?) RETURNING n"


class Taken(Exception):
    """The id of a new record is, or was, that of another."""


class Payload(NamedTuple):
    """`data` that lies outside its row: as it is, or as a file."""

    data: bytes | None
    sha256: str | None
    size: int


class New(NamedTuple):
    """A record to insert, serialised."""

    id: bytes
    key: str | None
    row: Row
    created: int
    updated: int
    payload: Payload | None


class Found(NamedTuple):
    """The state of a row before a change."""

    seq: int
    key: str | None
    version: int | None
    payload: int | None
    blob_sha256: str | None
    payload_sha256: str | None
    digest: bytes | None


def insert(connection: sqlite3.Connection, new: New) -> tuple[int, int | None]:
    """Add a version; its seq and number. Raises `Taken` where the id was used already."""
    row, payload = new.row, None
    if new.payload is not None:
        payload = _add_payload(connection, new.payload)
    values = (
        new.created, new.updated, row.type, row.description, row.flow_run_id, row.task_run_id,
        row.short, payload, row.metadata, row.tags, row.info, *row.blob,
    )  # fmt: skip
    try:
        if new.key is None:
            ((seq,),) = connection.execute(_KEYLESS, (new.id, *values)).fetchall()
            return seq, None
        ((seq, version, begins),) = connection.execute(_KEYED, (new.id, new.key, new.key, *values)).fetchall()
    except sqlite3.IntegrityError:
        raise Taken from None
    line = (version, new.id, new.created, new.key)
    if begins:
        connection.execute(_BEGINS, (*line, new.created, uuid4().bytes))
    else:
        connection.execute(_GOES_ON, line)
    return seq, version


def _add_payload(connection: sqlite3.Connection, payload: Payload) -> int:
    return int(connection.execute(_PAYLOAD, payload).fetchall()[0][0])


def find(connection: sqlite3.Connection, id: bytes) -> Found | None:
    """The row to change, or None."""
    row = connection.execute(
        "SELECT a.seq, a.key, a.version, a.payload, a.blob_sha256, p.sha256, a.digest "
        "FROM artifact a LEFT JOIN payload p ON p.n = a.payload WHERE a.id = ?",
        (id,),
    ).fetchone()
    return None if row is None else Found(*row)


def update(
    connection: sqlite3.Connection,
    id: bytes,
    found: Found,
    columns: dict[str, Any],
    payload: Payload | None,
    moment: int,
) -> None:
    """Set columns of a row under a new seq; with `data` among them, its payload becomes `payload`.

    `updated` always moves forward, also where the clock went back. `born` keeps the first seq.
    """
    if "data" in columns:
        if found.payload is not None:
            connection.execute("DELETE FROM payload WHERE n = ?", (found.payload,))
        columns = {**columns, "payload": None if payload is None else _add_payload(connection, payload)}
    assignments = "".join(f", {name} = :{name}" for name in columns)
    connection.execute(
        f"UPDATE artifact SET seq = {LAST_SEQ} + 1, born = coalesce(born, seq), updated = max(updated + 1, :moment)"
        f"{assignments} WHERE id = :id",
        {**columns, "moment": moment, "id": id},
    )


def remove(connection: sqlite3.Connection, id: bytes, found: Found, deleted: int) -> None:
    """Delete a version and leave a tombstone; the key falls back to its next highest version."""
    connection.execute(
        f"INSERT INTO tombstone (seq, id, key, version, deleted) VALUES ({LAST_SEQ} + 1, ?, ?, ?, ?)",
        (id, found.key, found.version, deleted),
    )
    connection.execute("DELETE FROM artifact WHERE id = ?", (id,))
    connection.execute("DELETE FROM payload WHERE n = ?", (found.payload,))
    if found.key is not None:
        _fall_back(connection, id, found.key)


def _fall_back(connection: sqlite3.Connection, gone: bytes, key: str) -> None:
    """Where the key's newest version is gone, the line takes over the next one's time; with none left it ends."""
    newest = connection.execute(
        "SELECT id, created FROM artifact WHERE key = ? ORDER BY version DESC LIMIT 1", (key,)
    ).fetchone()
    values = {"key": key, "gone": gone}
    if newest is None:
        sql = "UPDATE key SET newest = NULL, listed = NULL, id = NULL, created = NULL WHERE key = :key"
    else:
        sql = "UPDATE key SET newest = :newest, listed = :created, created = :created WHERE key = :key AND newest = :gone"
        values.update(newest=newest[0], created=newest[1])
    connection.execute(sql, values)


def put_run(connection: sqlite3.Connection, columns: dict[str, Any]) -> int:
    """Add a run or replace what is known of it; a cell without notebook or kernel has its session's."""
    if columns["session_id"] is not None:
        session = connection.execute("SELECT notebook, kernel_id FROM run WHERE id = ?", (columns["session_id"],))
        notebook, kernel_id = session.fetchone() or (None, None)
        columns = {
            **columns,
            "notebook": columns["notebook"] or notebook,
            "kernel_id": columns["kernel_id"] or kernel_id,
        }
    names = ", ".join(columns)
    values = ", ".join(f":{name}" for name in columns)
    updates = ", ".join(f"{name} = excluded.{name}" for name in (*columns, "seq"))
    sql = f"INSERT INTO run ({names}, seq) VALUES ({values}, {LAST_SEQ} + 1) ON CONFLICT (id) DO UPDATE SET {updates}"
    return int(connection.execute(f"{sql} RETURNING seq", columns).fetchone()[0])


NAMED = (
    "SELECT blob_sha256, max(blob_size), max(blob_media) FROM artifact WHERE blob_sha256 IS NOT NULL GROUP BY blob_sha256 "
    "UNION SELECT sha256, size, 'application/json' FROM payload WHERE sha256 IS NOT NULL ORDER BY 1"
)
"""Every file that a row needs: hash, bytes, media type."""


NEEDED_BY = (
    "SELECT key, version, id FROM artifact WHERE blob_sha256 = :name UNION ALL SELECT a.key, a.version, a.id FROM payload p "
    "JOIN artifact a ON a.payload = p.n WHERE p.sha256 = :name LIMIT 20"
)


def note_restored(connection: sqlite3.Connection) -> None:
    """Write that this database was put back to an earlier state: whoever sent to it since then sends that again."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('restored', ?)", (uuid4().hex,))


def is_named(connection: sqlite3.Connection, sha256: str) -> bool:
    """Whether any row needs the file of that hash."""
    sql = (
        "SELECT EXISTS (SELECT 1 FROM artifact WHERE blob_sha256 = :name) "
        "OR EXISTS (SELECT 1 FROM payload WHERE sha256 = :name)"
    )
    return bool(connection.execute(sql, {"name": sha256}).fetchone()[0])
