"""The change feed: what has a `seq` above a given one, by index."""

# ruff: noqa: S608 -- the texts are joined from constants of ours; values are always parameters

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from nb_artifacts.store.rows import LISTED, from_us, to_record, to_run
from nb_artifacts.store.writes import LAST_SEQ
from nb_artifacts.wire import Change, Deleted

if TYPE_CHECKING:
    import sqlite3

_PAGE = "WHERE a.seq > ? ORDER BY a.seq LIMIT ?"
ARTIFACTS = f"SELECT {LISTED} FROM artifact a {_PAGE}"
RUNS = f"SELECT a.body, a.seq FROM run a {_PAGE}"
TOMBSTONES = f"SELECT a.seq, a.id, a.key, a.version, a.deleted FROM tombstone a {_PAGE}"
NEWEST = f"SELECT {LAST_SEQ}"


def last_seq(connection: sqlite3.Connection) -> int:
    """The newest seq, 0 in a new store."""
    return int(connection.execute(NEWEST).fetchone()[0])


def changes(connection: sqlite3.Connection, since: int, limit: int) -> list[Change]:
    """At most `limit` changes above `since`, in order; all statements must see one state."""
    page = (since, max(limit, 0))
    found = [_artifact(row) for row in connection.execute(ARTIFACTS, page)]
    found += [_run(row) for row in connection.execute(RUNS, page)]
    found += [_tombstone(row) for row in connection.execute(TOMBSTONES, page)]
    return sorted(found, key=lambda change: change.seq)[: max(limit, 0)]


def _artifact(row: tuple[Any, ...]) -> Change:
    record = to_record(row)
    return Change(seq=record.seq, kind="artifact", record=record)


def _run(row: tuple[Any, ...]) -> Change:
    run = to_run(*row)
    return Change(seq=run.seq, kind="run", run=run)


def _tombstone(row: tuple[Any, ...]) -> Change:
    seq, id, key, version, deleted = row
    gone = Deleted(id=UUID(bytes=id), key=key, version=version, deleted=from_us(deleted))
    return Change(seq=seq, kind="deleted", deleted=gone)
