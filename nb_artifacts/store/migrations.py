"""The tables, as a list of steps: ``user_version`` of a database says how many it has been through.

A step runs in one transaction and, unless the database is new, after a copy ``store.v<N>.bak`` was made. Steps are
only ever added at the end.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

from nb_artifacts.store.folder import create_private
from nb_artifacts.store.waiting import patiently

if TYPE_CHECKING:
    from pathlib import Path

Step = Callable[[sqlite3.Connection], None]

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Clustered by id (made in order of time), which spares an index. `data` is null where it is longer than SHORT_DATA:
-- then it lies in row `payload` of the table of that name. `digest` is of the content as first put, once it is patched.
CREATE TABLE artifact (
  id BLOB PRIMARY KEY, seq INTEGER NOT NULL, key TEXT, version INTEGER,
  created INTEGER NOT NULL, updated INTEGER NOT NULL, type TEXT, description TEXT,
  flow_run_id BLOB, task_run_id BLOB, data BLOB, payload INTEGER, metadata TEXT, tags TEXT, info TEXT,
  blob_sha256 TEXT, blob_size INTEGER, blob_media TEXT, digest BLOB
) WITHOUT ROWID;
CREATE UNIQUE INDEX artifact_seq ON artifact (seq);
CREATE UNIQUE INDEX artifact_key ON artifact (key, version);
CREATE INDEX artifact_created ON artifact (created);
CREATE INDEX artifact_type ON artifact (type, created);
CREATE INDEX artifact_flow ON artifact (flow_run_id, created) WHERE flow_run_id IS NOT NULL;
CREATE INDEX artifact_task ON artifact (task_run_id, created) WHERE task_run_id IS NOT NULL;
CREATE INDEX artifact_blob ON artifact (blob_sha256) WHERE blob_sha256 IS NOT NULL;

-- Payloads lie apart so that lists never read them; the longest are files, named here.
CREATE TABLE payload (n INTEGER PRIMARY KEY, data BLOB, sha256 TEXT, size INTEGER);
CREATE INDEX payload_sha256 ON payload (sha256) WHERE sha256 IS NOT NULL;

-- A key's line of versions. `last_version` only grows. `newest` is the id of the highest version and `listed` when it
-- was created; these, `id` and `created` are null while no version is left.
CREATE TABLE key (
  key TEXT PRIMARY KEY, id BLOB, created INTEGER, last_version INTEGER NOT NULL, newest BLOB, listed INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX key_id ON key (id);
CREATE INDEX key_created ON key (created);
CREATE INDEX key_listed ON key (listed, newest);

CREATE TABLE tombstone (
  seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, key TEXT, version INTEGER, deleted INTEGER NOT NULL
);

CREATE TRIGGER artifact_stays_deleted BEFORE INSERT ON artifact
WHEN EXISTS (SELECT 1 FROM tombstone WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'deleted'); END;

-- `body` is the whole run as JSON; the other columns are what is asked for. A cell has its session's notebook and
-- kernel.
CREATE TABLE run (
  n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, seq INTEGER NOT NULL UNIQUE, kind TEXT NOT NULL, state TEXT NOT NULL,
  name TEXT, parent_id BLOB, session_id BLOB, started INTEGER NOT NULL,
  notebook TEXT, cell_id TEXT, kernel_id TEXT, body TEXT NOT NULL
);
CREATE INDEX run_started ON run (started);
CREATE INDEX run_parent ON run (parent_id, started) WHERE parent_id IS NOT NULL;
CREATE INDEX run_session ON run (session_id, started) WHERE session_id IS NOT NULL;
CREATE INDEX run_cell ON run (cell_id, started) WHERE cell_id IS NOT NULL;
CREATE INDEX run_notebook ON run (notebook, started) WHERE notebook IS NOT NULL;
CREATE INDEX run_kernel ON run (kernel_id, started) WHERE kernel_id IS NOT NULL;
CREATE INDEX run_state ON run (state, started);
"""

REMOTES = """
-- The `seq` that an artifact had when it was made; null while it still has it.
ALTER TABLE artifact ADD COLUMN born INTEGER;
CREATE INDEX artifact_moved ON artifact (seq) WHERE born IS NOT NULL;

-- A store elsewhere that this one is sent to. What was made up to `start` stays here; all up to `cursor` is settled.
-- The other columns are how it went, and the one process that sends (see `Remotes.lease`). Times are in microseconds.
CREATE TABLE remote (
  n INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, kind TEXT, first_seen INTEGER NOT NULL,
  start INTEGER NOT NULL, cursor INTEGER NOT NULL, last_ok INTEGER, last_error TEXT, failed INTEGER, paused TEXT,
  resume INTEGER, host TEXT, boot_id TEXT, pid INTEGER, process_started REAL, lease_until INTEGER
);

-- What is known of an artifact or a run at a remote: the `seq` that was begun to be sent, the one that has arrived and
-- the one that was refused for good; which number and id it has there.
CREATE TABLE sent (
  remote INTEGER NOT NULL, id BLOB NOT NULL, attempted INTEGER NOT NULL DEFAULT 0, settled INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0, parked INTEGER, error TEXT, version INTEGER, remote_id BLOB,
  PRIMARY KEY (remote, id)
) WITHOUT ROWID;
CREATE INDEX sent_parked ON sent (remote) WHERE parked IS NOT NULL;
"""


def _first(connection: sqlite3.Connection) -> None:
    _run(connection, SCHEMA)
    connection.execute("INSERT INTO meta VALUES ('id', ?)", (uuid4().hex,))


def _add_remotes(connection: sqlite3.Connection) -> None:
    _run(connection, REMOTES)


def _run(connection: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)


STEPS: list[Step] = [_first, _add_remotes]


def version_of(connection: sqlite3.Connection) -> int:
    """How many steps the database has been through; more than ``len(STEPS)`` means a newer release wrote it."""
    return int(patiently(lambda: connection.execute("PRAGMA user_version").fetchone()[0]))


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Take the database through the steps it lacks. Killed half-way, it goes on at the next open."""
    version = version_of(connection)
    if 0 < version < len(STEPS):
        copy_database(connection, path.with_name(f"{path.stem}.v{version}.bak"))
    while version_of(connection) < len(STEPS):
        patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
        try:
            version = version_of(connection)
            if version < len(STEPS):
                STEPS[version](connection)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            patiently(lambda: connection.execute("COMMIT"))
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def copy_database(connection: sqlite3.Connection, path: Path) -> None:
    """Copy the database as one state, while others read and write; the file is there as a whole or not at all."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    create_private(beside)
    try:
        copy = sqlite3.connect(beside)
        try:
            connection.backup(copy)
        finally:
            copy.close()
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
