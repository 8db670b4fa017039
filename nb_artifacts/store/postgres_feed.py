"""The change feed of a PostgreSQL store: what is settled (see postgres_schema), and being woken by NOTIFY.

A notification says "look", nothing more. It is sent after the commit, in a transaction of its own that waits for no
disk, at most every few hundredths of a second: inside the writers' transactions it would make them commit one by one.
One that is lost (the writer was killed in between) delays a listener by `POLL_SECONDS`.
"""

# ruff: noqa: S608 -- the texts are joined from constants of ours; values are always parameters

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from nb_artifacts.errors import StoreError
from nb_artifacts.store.postgres_connection import execute
from nb_artifacts.store.postgres_failures import is_lost, translate
from nb_artifacts.store.postgres_rows import LISTED, to_deletion, to_record, to_run
from nb_artifacts.wire import Change

if TYPE_CHECKING:
    from nb_artifacts.store.postgres_connection import Database

POLL_SECONDS = 1.0
_APART_SECONDS = 0.02
_IDLE_SECONDS = 5.0
_ABANDONED = "60s"
"""After so long without a question the server ends a listening session, whose unread messages it would have to keep."""

_PAGE = "WHERE a.seq > %s AND a.seq <= %s ORDER BY a.seq LIMIT %s"
ARTIFACTS = f"SELECT {LISTED} FROM artifact a {_PAGE}"
RUNS = f"SELECT a.body, a.seq FROM run a {_PAGE}"
TOMBSTONES = f"SELECT a.seq, a.id, a.key, a.version, a.deleted FROM tombstone a {_PAGE}"
NEWEST = "SELECT last_seq()"
_NOTIFY = "SELECT set_config('synchronous_commit', 'off', true), pg_notify(%s, '')"


def last_seq(database: Database) -> int:
    """The newest seq below which nothing can come any more; 0 in a new store."""
    return int(database.rows(NEWEST)[0][0])


def changes(database: Database, since: int, limit: int) -> list[Change]:
    """At most `limit` changes above `since`, in order.

    Up to the newest settled seq, which is asked for first, each of the further statements sees all there is; what
    moves on between them comes again under a higher seq.
    """
    top, limit = last_seq(database), max(limit, 0)
    if top <= since or limit == 0:
        return []

    def work(connection: psycopg.Connection, _: bool) -> list[Change]:
        page = (max(since, 0), top, limit)
        records = [to_record(row) for row in execute(connection, ARTIFACTS, page)]
        found = [Change(seq=record.seq, kind="artifact", record=record) for record in records]
        runs = [to_run(*row) for row in execute(connection, RUNS, page)]
        found += [Change(seq=run.seq, kind="run", run=run) for run in runs]
        found += [to_deletion(row) for row in execute(connection, TOMBSTONES, page)]
        return sorted(found, key=lambda change: change.seq)[:limit]

    return database.run(work)


def notify(database: Database) -> None:
    """Wake whoever listens; a database that is away has nobody to wake."""
    with contextlib.suppress(StoreError):
        database.rows(_NOTIFY, (database.schema,))


def listen(database: Database, channel: str) -> psycopg.Connection:
    """A new connection that hears what is told there, for as long as it is asked something each minute.

    Raises psycopg's errors and `StoreError`.
    """
    connection = database.connect()
    execute(connection, "SELECT set_config('idle_session_timeout', %s, false)", (_ABANDONED,))
    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
    return connection


class Notifier:
    """Tells other processes that there is something new, from a thread that lives while there is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._due = threading.Event()
        self._thread: threading.Thread | None = None

    def hint(self) -> None:
        """Something was committed."""
        if self._pid != os.getpid():
            self._start()
        self._due.set()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="nb-artifacts-notify", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            if not self._due.wait(_IDLE_SECONDS):
                with self._lock:
                    if not self._due.is_set():
                        self._thread = None
                        return
            self._due.clear()
            notify(self._database)
            time.sleep(_APART_SECONDS)


class Listener:
    """Waits for news on a connection of its own; one thread at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._leaving = False
        self._connection: psycopg.Connection | None = None

    def changed(self, since: int, timeout: float) -> int:
        """The newest seq, as soon as it is above `since` or after `timeout` seconds. Raises `StoreError`."""
        if self._pid != os.getpid():
            self._start()
        deadline = time.monotonic() + timeout
        if not self._lock.acquire(timeout=max(timeout, 0)):
            return last_seq(self._database)
        try:
            while True:
                newest = self._look(since, deadline)
                if newest > since or time.monotonic() >= deadline or self._leaving:
                    return newest
        except BaseException:
            self._drop()
            raise
        finally:
            self._lock.release()

    def close(self) -> None:
        """Let go of the connection; whoever waits on it is sent away first."""
        if self._pid != os.getpid() or self._connection is None:
            return
        self._leaving = True
        notify(self._database)
        with self._lock:
            self._drop()
            self._leaving = False

    def _look(self, since: int, deadline: float) -> int:
        """The newest seq; where that is not news, only after a notification or a while."""
        try:
            connection = self._listening()
            newest = int(execute(connection, NEWEST)[0][0])
            left = min(deadline - time.monotonic(), POLL_SECONDS)
            if newest <= since and left > 0 and not self._leaving:
                for _ in connection.notifies(timeout=left, stop_after=1):
                    pass
        except psycopg.Error as error:
            self._drop()
            if not is_lost(error):
                raise translate(error, self._database.where) from error
            time.sleep(_APART_SECONDS)
            newest = last_seq(self._database)  # waits for a database that is away, or says what is wrong
        return newest

    def _listening(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = listen(self._database, self._database.schema)
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
