"""The change feed: what has a `seq` above a given one, by the feed's primary key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from nb_artifacts.store.rows import LISTED, from_us, to_record, to_run
from nb_artifacts.store.writes import ARTIFACT, RUN, TOMBSTONE
from nb_artifacts.wire import Change, Deleted

if TYPE_CHECKING:
    import sqlite3

_PAGE = "SELECT max(seq) FROM (SELECT seq FROM feed WHERE seq > ? ORDER BY seq LIMIT ?)"
_ROWS = (
    "SELECT {columns} FROM feed f CROSS JOIN {table} ON a.n = f.ref WHERE f.seq > ? AND f.seq <= ? AND f.kind = {kind}"
)
_ARTIFACTS = _ROWS.format(columns=LISTED, table="artifact a", kind=ARTIFACT)
_RUNS = _ROWS.format(columns="a.body, a.seq", table="run a", kind=RUN)
_TOMBSTONES = _ROWS.format(columns="f.seq, a.id, a.key, a.version, a.deleted", table="tombstone a", kind=TOMBSTONE)


def last_seq(connection: sqlite3.Connection) -> int:
    """The newest seq, 0 in a new store."""
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM feed").fetchone()[0])


def changes(connection: sqlite3.Connection, since: int, limit: int) -> list[Change]:
    """At most `limit` changes above `since`, in order; all statements must see one state."""
    (until,) = connection.execute(_PAGE, (since, max(limit, 0))).fetchone()
    if until is None:
        return []
    span = (since, until)
    found = [_artifact(row) for row in connection.execute(_ARTIFACTS, span)]
    found += [_run(row) for row in connection.execute(_RUNS, span)]
    found += [_tombstone(row) for row in connection.execute(_TOMBSTONES, span)]
    return sorted(found, key=lambda change: change.seq)


def _artifact(row: tuple[Any, ...]) -> Change:
    record = to_record(row)
    return Change(seq=record.seq, kind="artifact", record=record)


def _run(row: tuple[Any, ...]) -> Change:
    run = to_run(*row)
    return Change(seq=run.seq, kind="run", run=run)


def _tombstone(row: tuple[Any, ...]) -> Change:
    seq, id, key, version, deleted = row
    return Change(
        seq=seq, kind="deleted", deleted=Deleted(id=UUID(id), key=key, version=version, deleted=from_us(deleted))
    )
