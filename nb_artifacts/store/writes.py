"""What a write does inside its transaction: a few statements each, nothing else.

Every function takes the next `seq` from the feed and leaves one feed row for what it changed.
"""

# ruff: noqa: S608 -- the texts are joined from constants of ours; values are always parameters

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from nb_artifacts.store.rows import COLUMNS, Row

if TYPE_CHECKING:
    import sqlite3

ARTIFACT, RUN, TOMBSTONE = 0, 1, 2
"""Kinds in the feed."""

_NEXT = "SELECT coalesce(max(seq), 0) + 1 FROM feed"
_STATE = (
    f"SELECT ({_NEXT}), (SELECT digest FROM artifact WHERE id = :id), EXISTS (SELECT 1 FROM tombstone WHERE id = :id)"
)
_VERSION = (
    "INSERT INTO key VALUES (?, ?, ?, 1) ON CONFLICT (key) DO UPDATE SET last_version = last_version + 1, "
    "id = coalesce(id, excluded.id), created = coalesce(created, excluded.created) RETURNING last_version"
)
_INSERT = f"INSERT INTO artifact ({COLUMNS}, latest, digest) VALUES ({', '.join('?' * 20)})"
_FEED = "INSERT INTO feed VALUES (?, ?, ?)"


class Payload(NamedTuple):
    """`data` that lies outside its row: as it is, or as a file."""

    data: bytes | None
    sha256: str | None
    size: int


class New(NamedTuple):
    """A record to insert, serialised."""

    id: str
    key: str | None
    row: Row
    created: int
    updated: int
    payload: Payload | None
    collection_id: str
    """The identity of the key's line, should this be its first version."""


class Made(NamedTuple):
    """How an insert went: where the id was taken, the digest of what has it (None for a deleted one)."""

    seq: int
    version: int | None
    taken: bool
    digest: bytes | None


class Found(NamedTuple):
    """The state of a row before a change."""

    n: int
    seq: int
    key: str | None
    version: int | None
    latest: int
    blob_sha256: str | None
    payload_sha256: str | None


def insert(connection: sqlite3.Connection, new: New) -> Made:
    """Add a version; no change where the id is taken."""
    seq, digest, deleted = connection.execute(_STATE, {"id": new.id}).fetchone()
    if digest is not None or deleted:
        return Made(0, None, True, digest)
    version = None
    if new.key is not None:
        (version,) = connection.execute(_VERSION, (new.key, new.collection_id, new.created)).fetchone()
        if version > 1:
            connection.execute("UPDATE artifact SET latest = 0 WHERE key = ? AND latest = 1", (new.key,))
    row = new.row
    connection.execute(
        _INSERT,
        (seq, new.id, seq, new.key, version, new.created, new.updated, row.type, row.description, row.flow_run_id,
         row.task_run_id, row.short, row.metadata, row.tags, row.info, *row.blob,
         int(new.key is not None), row.digest),
    )  # fmt: skip
    if new.payload is not None:
        connection.execute("INSERT INTO payload VALUES (?, ?, ?, ?)", (seq, *new.payload))
    connection.execute(_FEED, (seq, ARTIFACT, seq))
    return Made(seq, version, False, None)


def find(connection: sqlite3.Connection, id: str) -> Found | None:
    """The row to change, or None."""
    row = connection.execute(
        "SELECT a.n, a.seq, a.key, a.version, a.latest, a.blob_sha256, p.sha256 "
        "FROM artifact a LEFT JOIN payload p ON p.n = a.n WHERE a.id = ?",
        (id,),
    ).fetchone()
    return None if row is None else Found(*row)


def move(connection: sqlite3.Connection, n: int, kind: int, old: int | None) -> int:
    """A new seq for row `n` of that kind, which had `old`."""
    (seq,) = connection.execute(_NEXT).fetchone()
    connection.execute(_FEED, (seq, kind, n))
    if old is not None:
        connection.execute("DELETE FROM feed WHERE seq = ?", (old,))
    return int(seq)


def update(connection: sqlite3.Connection, found: Found, columns: dict[str, Any], payload: Payload | None) -> None:
    """Set columns of a row under a new seq; with `data` among them, its payload becomes `payload`."""
    columns = {**columns, "seq": move(connection, found.n, ARTIFACT, found.seq)}
    assignments = ", ".join(f"{name} = :{name}" for name in columns)
    connection.execute(f"UPDATE artifact SET {assignments} WHERE n = :n", {**columns, "n": found.n})
    if "data" not in columns:
        return
    if payload is not None:
        connection.execute("INSERT OR REPLACE INTO payload VALUES (?, ?, ?, ?)", (found.n, *payload))
    else:
        connection.execute("DELETE FROM payload WHERE n = ?", (found.n,))


def remove(connection: sqlite3.Connection, id: str, found: Found, deleted: int) -> None:
    """Delete a version and leave a tombstone; the key falls back to its next highest version."""
    connection.execute("DELETE FROM artifact WHERE n = ?", (found.n,))
    connection.execute("DELETE FROM payload WHERE n = ?", (found.n,))
    (n,) = connection.execute(
        "INSERT INTO tombstone (id, key, version, deleted) VALUES (?, ?, ?, ?) RETURNING n",
        (id, found.key, found.version, deleted),
    ).fetchone()
    move(connection, n, TOMBSTONE, found.seq)
    if not found.latest:
        return
    newest = connection.execute(
        "SELECT n, created FROM artifact WHERE key = ? ORDER BY version DESC LIMIT 1", (found.key,)
    ).fetchone()
    if newest is None:
        connection.execute("UPDATE key SET id = NULL, created = NULL WHERE key = ?", (found.key,))
    else:
        connection.execute("UPDATE artifact SET latest = 1 WHERE n = ?", (newest[0],))
        connection.execute("UPDATE key SET created = ? WHERE key = ?", (newest[1], found.key))


def put_run(connection: sqlite3.Connection, columns: dict[str, Any]) -> int:
    """Add a run or replace what is known of it; a cell without notebook or kernel has its session's."""
    row = connection.execute("SELECT n, seq FROM run WHERE id = ?", (columns["id"],)).fetchone()
    if row is None:
        (n,) = connection.execute("SELECT coalesce(max(n), 0) + 1 FROM run").fetchone()
        seq = move(connection, n, RUN, None)
    else:
        n = row[0]
        seq = move(connection, n, RUN, row[1])
    session = connection.execute(
        "SELECT notebook, kernel_id FROM run WHERE id = ?", (columns["session_id"],)
    ).fetchone() or (None, None)
    columns = {
        **columns,
        "notebook": columns["notebook"] or session[0],
        "kernel_id": columns["kernel_id"] or session[1],
        "n": n,
        "seq": seq,
    }
    names = ", ".join(columns)
    values = ", ".join(f":{name}" for name in columns)
    updates = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in ("id", "n"))
    connection.execute(f"INSERT INTO run ({names}) VALUES ({values}) ON CONFLICT (id) DO UPDATE SET {updates}", columns)
    return seq


def is_named(connection: sqlite3.Connection, sha256: str) -> bool:
    """Whether any row needs the file of that hash."""
    sql = (
        "SELECT EXISTS (SELECT 1 FROM artifact WHERE blob_sha256 = :name) "
        "OR EXISTS (SELECT 1 FROM payload WHERE sha256 = :name)"
    )
    return bool(connection.execute(sql, {"name": sha256}).fetchone()[0])
