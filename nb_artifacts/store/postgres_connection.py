"""Connections to PostgreSQL: a few, shared by threads, never carried over a fork, and its errors told as ours.

Connections are made in the calling thread when none is idle, so that an error is the caller's, at once, and a database
that comes back is used at once. (psycopg_pool connects in threads of its own with growing pauses: after an outage of a
minute it may take another minute, and its log shows user names.)

Every statement that changes something is a transaction of its own, sent whole: the server never waits for this process
in the middle of one, so a stopped or killed writer holds no lock.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, TypeVar, cast

import psycopg
from psycopg import pq
from psycopg.adapt import AdaptersMap, Loader

from nb_artifacts.errors import StoreBusy, StoreError, StoreReadOnly, StoreTooNew
from nb_artifacts.store import postgres_schema as schema
from nb_artifacts.store.postgres_failures import is_busy, is_lost, is_refused, is_undone, translate, unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from psycopg.abc import AdaptContext, Buffer

    from nb_artifacts.store.postgres_address import Address

T = TypeVar("T")
Row = tuple[Any, ...]

BUSY_SECONDS = 10.0
"""How long a call waits for another's lock, or for a database that is away."""

STATEMENT_SECONDS = 60.0
OLDEST_SERVER = 15
_TRIES = 5

_SETTINGS = """
-- The planner is told of no slow disk heads: lists are short, and found by index.
SELECT set_config('search_path', %s, false), set_config('timezone', 'UTC', false), set_config('jit', 'off', false),
  set_config('random_page_cost', '1.1', false),
  set_config('default_transaction_isolation', 'read committed', false), set_config('lock_timeout', %s, false),
  set_config('statement_timeout', %s, false), set_config('idle_in_transaction_session_timeout', %s, false),
  set_config('synchronous_commit', CASE WHEN NOT %s THEN 'off' WHEN current_setting('synchronous_commit') = 'off'
    THEN 'on' ELSE current_setting('synchronous_commit') END, false)
"""
_HOLDERS = """
SELECT pid, application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL
  AND xact_start < now() - make_interval(secs => %s) ORDER BY xact_start LIMIT 3
"""


class _Json(Loader):
    """JSON as the bytes that were stored."""

    format = pq.Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


def _adapters() -> AdaptContext:
    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_loader("json", _Json)
    return cast("AdaptContext", _Context(adapters))


class _Context:
    """What `psycopg.connect` copies its adapters from."""

    connection = None

    def __init__(self, adapters: AdaptersMap) -> None:
        self.adapters = adapters


_inherited: list[psycopg.Connection] = []
"""Connections of a parent process, kept from being closed here: the server would end them for the parent too."""

_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


class Pool:
    """At most `size` connections; the one used last is given first."""

    def __init__(self, connect: Callable[[], psycopg.Connection], size: int) -> None:
        self._connect = connect
        self._size = size
        self._start()
        _pools.add(self)

    def _start(self) -> None:
        self._idle: list[psycopg.Connection] = []
        self._free = threading.BoundedSemaphore(self._size)
        self._lock = threading.Lock()
        self._round = 0

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """One for this thread alone. Raises psycopg's errors, and `StoreBusy` where all are in use for too long."""
        if not self._free.acquire(timeout=BUSY_SECONDS):
            raise StoreBusy(f"all {self._size} connections to PostgreSQL are in use since more than 10 seconds: try again")
        try:
            began, connection = self._round, self._take()
            try:
                yield connection
            finally:
                self._give_back(connection, began)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close what is idle now, and what is in use when it comes back; the pool can be used again."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._round += 1
        for connection in idle:
            connection.close()

    def after_fork_in_child(self) -> None:
        """Start anew: the parent's threads and their locks are not here."""
        _inherited.extend(self._idle)
        self._start()

    def _take(self) -> psycopg.Connection:
        while True:
            with self._lock:
                if not self._idle:
                    break
                connection = self._idle.pop()
            if not _has_news(connection):
                return connection
            connection.close()  # nobody asked it anything: the server has ended it
        return self._connect()

    def _give_back(self, connection: psycopg.Connection, began: int) -> None:
        idle = connection.pgconn.transaction_status == pq.TransactionStatus.IDLE
        with self._lock:
            if idle and began == self._round:
                self._idle.append(connection)
                return
        connection.close()


def _has_news(connection: psycopg.Connection) -> bool:
    """Whether the server sent something, its farewell for example, since it was last asked."""
    try:
        handle = connection.fileno()
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            return bool(poll.poll(0))
        return bool(select.select([handle], [], [], 0)[0])
    except (OSError, ValueError, psycopg.Error):
        return True


class _Again(Exception):
    """What was tried may be tried once more."""


class Database:
    """A schema in a database, brought up to date when first used."""

    def __init__(self, address: Address, *, durable: bool = True, size: int = 10) -> None:
        self.address = address
        self.where = address.where
        self.schema = address.schema
        self.durable = durable
        self.id = ""
        self.refusal: type[StoreReadOnly] | None = None
        """Why nothing can be written, or None."""
        self._context = _adapters()
        self._away_since: float | None = None
        self.pool = Pool(self.connect, size)

    def rows(self, sql: str, values: Sequence[Any] = (), *, prepare: bool | None = None) -> list[Row]:
        """The rows that a SELECT gives; without `prepare`, planned for these very values. Raises `StoreError`."""
        return self.run(lambda connection, _: execute(connection, sql, values, prepare=prepare))

    def row(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        return next(iter(self.rows(sql, values)), None)

    def write(self, sql: str, values: Sequence[Any]) -> tuple[Row, bool]:
        """The one row of a statement that changes something, and whether it may have been done before that already.

        A lost connection tells nothing about its last statement: it is sent again, which the functions of the schema
        take as no change where the first one was done.
        """
        if self.refusal is not None:
            raise self._refused()

        def work(connection: psycopg.Connection, again: bool) -> tuple[Row, bool]:
            return execute(connection, sql, values)[0], again

        return self.run(work)

    def run(self, work: Callable[[psycopg.Connection, bool], T]) -> T:
        """Call `work` with a connection, and again where that was lost; its second argument says so.

        Waits for a database that is away at most `BUSY_SECONDS` from when that was first seen. Raises `StoreError`.
        """
        tries = 0
        while True:
            tries += 1
            with contextlib.suppress(_Again):
                return self._once(work, tries)

    def _once(self, work: Callable[[psycopg.Connection, bool], T], tries: int) -> T:
        try:
            with self.pool.connection() as connection:
                result = work(connection, tries > 1)
        except psycopg.Error as error:
            if is_undone(error) and tries < _TRIES:
                raise _Again from None
            if not is_lost(error):
                raise translate(error, self.where, self._holder(error)) from error
            self._wait_for(error, tries)
            raise _Again from None
        self._away_since = None
        return result

    def connect(self) -> psycopg.Connection:
        """A new connection, set up. Raises psycopg's errors and `StoreError`."""
        connection = self.address.connect(self._context)
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_up(self, connection: psycopg.Connection) -> None:
        if connection.info.server_version < OLDEST_SERVER * 10_000:
            raise StoreError(f"PostgreSQL at {self.where} is older than {OLDEST_SERVER}: use a newer server")
        lock, statement = f"{BUSY_SECONDS * 1000:.0f}ms", f"{STATEMENT_SECONDS * 1000:.0f}ms"
        connection.execute(_SETTINGS, (f'"{self.schema}"', lock, statement, statement, self.durable))
        if not self.id:
            self._open(connection)

    def _open(self, connection: psycopg.Connection) -> None:
        try:
            version = schema.migrate(connection, self.schema)
        except StoreError as error:
            raise StoreError(f"{self.where} cannot be used: {error}") from None
        if version > len(schema.STEPS):
            self.refusal = StoreTooNew
        self.id = str(execute(connection, "SELECT value FROM meta WHERE name = 'id'")[0][0])

    def _refused(self) -> StoreReadOnly:
        return StoreTooNew(
            f"{self.where} was made by a newer release of nb-artifacts and is only read by this one: "
            "pip install --upgrade nb-artifacts"
        )

    def _wait_for(self, error: psycopg.Error, tries: int) -> None:
        """Wait a little for a database that is away. Raises `StoreError` where that is useless or was long enough."""
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        first_use = not self.id
        if first_use or is_refused(error) or now - self._away_since > BUSY_SECONDS:
            raise unreachable(error, self.where) from None
        if tries > 1:
            time.sleep(min(0.02 * 2**tries, 0.5))

    def _holder(self, error: psycopg.Error) -> str:
        """Who has had a transaction open for as long as we waited, as far as this user may see."""
        if not is_busy(error):
            return "another session"
        with contextlib.suppress(psycopg.Error, StoreError), self.pool.connection() as connection:
            found = execute(connection, _HOLDERS, (BUSY_SECONDS * 0.9,))
            if found:
                return "session " + ", ".join(f"{pid} ({name})" if name else str(pid) for pid, name in found)
        return "another session"


def execute(connection: psycopg.Connection, sql: str, values: Sequence[Any] = (), *, prepare: bool | None = None) -> list[Row]:
    """The rows of one statement; the text is ours, values are always parameters."""
    return connection.execute(sql, values, binary=True, prepare=prepare).fetchall()


def _after_fork_in_child() -> None:
    for pool in list(_pools):
        pool.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
