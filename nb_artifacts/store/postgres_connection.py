"""Statements on a database that may go away and come back, and its errors told as ours.

Every statement that changes something is a transaction of its own, sent whole: the server never waits for this process
in the middle of one, so a stopped or killed writer holds no lock.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

import psycopg
from psycopg import pq
from psycopg.adapt import AdaptersMap, Loader

from nb_artifacts.errors import StoreError, StoreReadOnly, StoreTooNew
from nb_artifacts.store import postgres_pool
from nb_artifacts.store import postgres_schema as schema
from nb_artifacts.store.postgres_failures import is_busy, is_lost, is_refused, is_undone, translate, unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.abc import AdaptContext, Buffer

    from nb_artifacts.store.postgres_address import Address

T = TypeVar("T")
Row = tuple[Any, ...]

STATEMENT_SECONDS = 60.0
IDLE_SECONDS = 120.0
"""A connection that is not used for so long is ended by the server (a workspace nobody uses holds none), and made anew."""

OLDEST_SERVER = 15
_TRIES = 5

_SETTINGS = """
-- The planner is told of no slow disk heads: lists are short, and found by index.
SELECT set_config('search_path', %s, false), set_config('timezone', 'UTC', false), set_config('jit', 'off', false),
  set_config('random_page_cost', '1.1', false),
  set_config('default_transaction_isolation', 'read committed', false), set_config('lock_timeout', %s, false),
  set_config('statement_timeout', %s, false), set_config('idle_in_transaction_session_timeout', %s, false),
  set_config('idle_session_timeout', %s, false),
  set_config('synchronous_commit', CASE WHEN NOT %s THEN 'off' WHEN current_setting('synchronous_commit') = 'off'
    THEN 'on' ELSE current_setting('synchronous_commit') END, false)
"""
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(-('feed'::regclass::oid::bigint))"
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
        self._local = threading.local()
        self.pool = postgres_pool.Pool(self.connect, size)

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
        if self.is_together:
            return self._part(work)
        tries = 0
        while True:
            tries += 1
            with contextlib.suppress(_Again):
                return self._once(work, tries)

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """What the calls return, whose reads and writes share one transaction; called again where the connection is lost.

        A write that fails undoes itself alone. One such transaction goes on at a time, so that two of them never wait
        for each other's keys. Raises `StoreError`, and what a call raises; nothing that any of them wrote is kept then.
        """

        def work(connection: psycopg.Connection, again: bool) -> list[T]:
            with connection.transaction():
                execute(connection, _ONE_AT_A_TIME)
                self._local.connection, self._local.again = connection, again
                try:
                    results = [call() for call in calls]
                finally:
                    self._local.connection = None
            if connection.closed:  # psycopg ends a transaction on a closed connection without a word
                raise psycopg.OperationalError("the connection was lost before the commit")
            return results

        return self.run(work)

    @property
    def is_together(self) -> bool:
        """Whether this thread is inside `together`: what it wrote may still be undone."""
        return getattr(self._local, "connection", None) is not None

    def _part(self, work: Callable[[psycopg.Connection, bool], T]) -> T:
        for tries in range(_TRIES, 0, -1):
            with contextlib.suppress(_Again):
                return self._one_part(work, tries)
        raise AssertionError

    def _one_part(self, work: Callable[[psycopg.Connection, bool], T], tries: int) -> T:
        connection: psycopg.Connection = self._local.connection
        try:
            with connection.transaction():
                return work(connection, self._local.again)
        except psycopg.errors.UniqueViolation as error:
            if tries == 1:
                raise translate(error, self.where) from error
            raise _Again from None
        except psycopg.Error as error:
            if is_lost(error):
                raise
            raise translate(error, self.where) from error

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
        lock, statement = f"{postgres_pool.BUSY_SECONDS * 1000:.0f}ms", f"{STATEMENT_SECONDS * 1000:.0f}ms"
        idle = f"{IDLE_SECONDS * 1000:.0f}ms"
        connection.execute(_SETTINGS, (f'"{self.schema}"', lock, statement, statement, idle, self.durable))
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
        if first_use or is_refused(error) or now - self._away_since > postgres_pool.BUSY_SECONDS:
            raise unreachable(error, self.where) from None
        if tries > 1:
            time.sleep(min(0.02 * 2**tries, 0.5))

    def _holder(self, error: psycopg.Error) -> str:
        """Who has had a transaction open for as long as we waited, as far as this user may see."""
        if not is_busy(error):
            return "another session"
        with contextlib.suppress(psycopg.Error, StoreError), self.pool.connection() as connection:
            found = execute(connection, _HOLDERS, (postgres_pool.BUSY_SECONDS * 0.9,))
            if found:
                return "session " + ", ".join(f"{pid} ({name})" if name else str(pid) for pid, name in found)
        return "another session"


def execute(connection: psycopg.Connection, sql: str, values: Sequence[Any] = (), *, prepare: bool | None = None) -> list[Row]:
    """The rows of one statement; the text is ours, values are always parameters."""
    return connection.execute(sql, values, binary=True, prepare=prepare).fetchall()
