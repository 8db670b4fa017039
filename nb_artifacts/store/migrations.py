"""The tables, as a list of steps: ``user_version`` of a database says how many it has been through.

A step runs in one transaction and, unless the database is new, after a copy ``store.v<N>.bak`` was made. Steps are
only ever added at the end.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

from nb_artifacts.store.folder import create_private

if TYPE_CHECKING:
    from pathlib import Path

Step = Callable[[sqlite3.Connection], None]

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- One row for whatever changed last in each artifact, run and tombstone; `ref` is the row's `n` there.
CREATE TABLE feed (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, ref INTEGER NOT NULL);

-- A key's line of versions. `id` and `created` are null while no version is left; `last_version` only grows.
CREATE TABLE key (
  key TEXT PRIMARY KEY, id TEXT UNIQUE, created INTEGER, last_version INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX key_created ON key (created);

-- `n` is the seq of the creation. `data` is null where it is longer than SHORT_DATA: then it lies in `payload`.
-- `digest` is of the content as first put. `latest` is 1 for a key's highest version.
CREATE TABLE artifact (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL, seq INTEGER NOT NULL, key TEXT, version INTEGER,
  latest INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, type TEXT, description TEXT,
  flow_run_id TEXT, task_run_id TEXT, data BLOB, metadata TEXT, tags TEXT, info TEXT,
  blob_sha256 TEXT, blob_size INTEGER, blob_media TEXT, digest BLOB NOT NULL
);
CREATE UNIQUE INDEX artifact_id ON artifact (id);
CREATE UNIQUE INDEX artifact_key ON artifact (key, version);
CREATE INDEX artifact_created ON artifact (created);
CREATE INDEX artifact_updated ON artifact (updated);
CREATE INDEX artifact_type ON artifact (type, created);
CREATE INDEX artifact_flow ON artifact (flow_run_id, created) WHERE flow_run_id IS NOT NULL;
CREATE INDEX artifact_task ON artifact (task_run_id, created) WHERE task_run_id IS NOT NULL;
CREATE INDEX artifact_blob ON artifact (blob_sha256) WHERE blob_sha256 IS NOT NULL;
CREATE UNIQUE INDEX latest_key ON artifact (key) WHERE latest = 1;
CREATE INDEX latest_created ON artifact (created) WHERE latest = 1;
CREATE INDEX latest_updated ON artifact (updated) WHERE latest = 1;

-- Payloads lie apart so that lists never read them; the longest are files, named here.
CREATE TABLE payload (n INTEGER PRIMARY KEY, data BLOB, sha256 TEXT, size INTEGER);
CREATE INDEX payload_sha256 ON payload (sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE tombstone (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT, version INTEGER, deleted INTEGER NOT NULL
);

-- `body` is the whole run as JSON; the other columns are what is asked for. A cell has its session's
-- notebook and kernel.
CREATE TABLE run (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
  name TEXT, parent_id TEXT, session_id TEXT, started INTEGER NOT NULL,
  notebook TEXT, cell_id TEXT, kernel_id TEXT, body TEXT NOT NULL
);
CREATE INDEX run_started ON run (started);
CREATE INDEX run_parent ON run (parent_id, started) WHERE parent_id IS NOT NULL;
CREATE INDEX run_session ON run (session_id, started) WHERE session_id IS NOT NULL;
CREATE INDEX run_cell ON run (cell_id, started) WHERE cell_id IS NOT NULL;
CREATE INDEX run_notebook ON run (notebook, started) WHERE notebook IS NOT NULL;
CREATE INDEX run_kernel ON run (kernel_id, started) WHERE kernel_id IS NOT NULL;
CREATE INDEX run_running ON run (started) WHERE state = 'running';
"""


def _first(connection: sqlite3.Connection) -> None:
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES ('id', ?)", (uuid4().hex,))


STEPS: list[Step] = [_first]


def version_of(connection: sqlite3.Connection) -> int:
    """How many steps the database has been through; more than ``len(STEPS)`` means a newer release wrote it."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Take the database through the steps it lacks. Killed half-way, it goes on at the next open."""
    version = version_of(connection)
    if 0 < version < len(STEPS):
        _copy(connection, path.with_name(f"{path.stem}.v{version}.bak"))
    while version_of(connection) < len(STEPS):
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(connection)
            if version < len(STEPS):
                STEPS[version](connection)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _copy(connection: sqlite3.Connection, path: Path) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    create_private(beside)
    try:
        copy = sqlite3.connect(beside)
        try:
            connection.backup(copy)
        finally:
            copy.close()
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
