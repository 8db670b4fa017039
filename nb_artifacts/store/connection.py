"""Connections to the database file: one a thread, never carried over a fork, and SQLite's errors told as ours.

Work runs as a function inside `Database.read` or `Database.write`, so that an exception at any moment, KeyboardInterrupt
included, ends in a rollback; should even that be interrupted, the next call rolls back first.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import sqlite3
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from nb_artifacts.errors import StoreError, StoreReadOnly, StoreTooNew
from nb_artifacts.store import folder as folders
from nb_artifacts.store import migrations, mounts
from nb_artifacts.store.failures import Unreadable, is_full, is_without_shared_memory, translate
from nb_artifacts.store.filters import AS_ID
from nb_artifacts.store.links import Link, Links, opening
from nb_artifacts.store.transactions import part, set_journal, transaction
from nb_artifacts.store.waiting import STEP_SECONDS, WouldWait, patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

T = TypeVar("T")

State = tuple[int, int, int]

_numbers = itertools.count(1)

_FAILURES = (sqlite3.Error, Unreadable, UnicodeDecodeError)  # the last where a damaged name is in SQLite's message

LOG_PAGES = 500
"""After so many pages the log is moved into the database: not more than `folders.RESERVE_BYTES` has room for."""

LOG_BYTES = 64 * 1024 * 1024
"""What the log may keep on disk once no reader needs more."""


class Database:
    """The file ``store.db`` in a folder, opened by each thread when it first needs it."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self.path = folder / "store.db"
        self.durable = durable
        self.id = ""
        self.restored: str | None = None
        """Which restore or salvage made it; None for one that was never put back to an earlier state."""
        self.refusal: type[StoreReadOnly] | None = None
        """Why nothing can be written, or None."""
        self.journal = "wal"
        self._opened: tuple[int, int] | None = None
        """The file that was opened last: opening it once more takes no time."""
        self._links = Links()

    def read(self, work: Callable[[sqlite3.Connection], T], *, snapshot: bool = False) -> T:
        """Run `work`; with `snapshot` all of its statements see one state. Raises `StoreError`."""

        def call(link: Link) -> T:
            connection = self._usable(link)
            if link.at_once:
                return work(connection)
            if snapshot and not link.together:
                return transaction(connection, "BEGIN", work)
            return patiently(lambda: work(connection))

        return self._run(call)

    def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """Run `work` in a transaction, on disk when it returns; without `durable` a power cut may undo it.

        Raises `StoreError`; nothing that `work` did is kept then.
        """

        def call(link: Link) -> T:
            if link.together:
                return part(self._usable(link), work)
            return transaction(self._writable(link, durable=durable), "BEGIN IMMEDIATE", work)

        return self._run(call)

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """What the calls return, whose writes to this database share one transaction, on disk when this returns.

        A write that fails undoes itself alone. Raises `StoreError`; nothing that any of them wrote is kept then.
        """

        def call(link: Link) -> list[T]:
            connection = self._writable(link, durable=True)
            link.together = True
            try:
                return transaction(connection, "BEGIN IMMEDIATE", lambda _: [each() for each in calls])
            finally:
                link.together = False

        return self._run(call)

    def at_once(self, call: Callable[[State], T]) -> T:
        """What `call` returns, which only reads. Raises `WouldWait` rather than wait for a lock, a file or an opening.

        `call` is given the state of the database, which is another one after every change.
        """
        link = self._links.mine()
        if self.journal != "wal" or self._opened is None or self._opened != _identity(self.path):
            raise WouldWait
        if link.connection is None or link.file != self._opened:
            self.read(lambda _: None)  # opens what another thread has opened before, and found in order
        link.at_once = True
        try:
            return call(self.read(partial(_state, link.number)))
        finally:
            link.at_once = False

    def check_waiting(self) -> None:
        """Raise `WouldWait` inside `at_once`, before anything that may take its time."""
        if self._links.mine().at_once:
            raise WouldWait

    def _run(self, call: Callable[[Link], T]) -> T:
        link = self._links.mine()
        with link.lock:
            try:
                try:
                    return call(link)
                except sqlite3.OperationalError as error:
                    if link.at_once:
                        raise WouldWait from error
                    if link.together or not is_without_shared_memory(error):
                        raise
                    link.close()  # another process may just be finding out how this file system must be used
                    return call(link)
            except _FAILURES as error:
                raise translate(error, self.path) from error

    @property
    def is_together(self) -> bool:
        """Whether this thread is inside `together`: what it wrote may still be undone."""
        return self._links.mine().together

    def settle(self) -> None:
        """Move the log into the database, as far as readers and space allow, so that the log's space is used anew."""
        with contextlib.suppress(StoreError):
            self.read(lambda connection: connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall())

    def close(self) -> None:
        """Close every thread's connection, waiting for calls under way; the next call opens again."""
        self._links.close()

    def _writable(self, link: Link, *, durable: bool) -> sqlite3.Connection:
        connection = self._usable(link)
        if self.refusal is not None:
            raise self._refused()
        self._set_synchronous(link, connection, durable=durable)
        return connection

    def _usable(self, link: Link) -> sqlite3.Connection:
        if (link.together or link.at_once) and link.connection is not None:
            return link.connection
        if link.connection is not None and link.file != _identity(self.path):
            link.close()  # the file was deleted or replaced: what would be written to the old one is lost
        if link.connection is None:
            with opening():
                link.connection, link.number = self._open(), next(_numbers)
                link.file = self._opened = _identity(self.path)
        if link.connection.in_transaction:
            link.connection.rollback()
        return link.connection

    def _refused(self) -> StoreReadOnly:
        if self.refusal is StoreTooNew:
            return StoreTooNew(
                f"{self.path} was written by a newer release of nb-artifacts and is only read by this one: "
                "pip install --upgrade nb-artifacts"
            )
        return StoreReadOnly(f"{self.path} cannot be written: {folders.REMEDY}")

    def _set_synchronous(self, link: Link, connection: sqlite3.Connection, *, durable: bool) -> None:
        full = "FULL" if self.journal == "wal" else "EXTRA"
        wanted = full if durable and self.durable else "NORMAL"
        if link.synchronous != wanted:
            link.synchronous = None
            connection.execute(f"PRAGMA synchronous = {wanted}")
            link.synchronous = wanted

    def _open(self) -> sqlite3.Connection:
        """Open for writing, on a file system without shared memory (network, FUSE) too; else only to read."""
        folders.prepare(self.folder)
        try:
            # An existing file must not even be opened and closed: that would drop the locks that SQLite holds on it for
            # this process (POSIX), and another process could take the log away.
            if not self.path.exists():
                folders.create_private(self.path)
        except OSError as error:
            return self._open_to_read(folders.as_store_error(error, self.folder))
        network = mounts.network_type(self.folder)
        if network is not None:
            mounts.check_locks(self.folder, network)
        try:
            return self._open_to_write(wal=True) if network is None else patiently(self._open_without_shared_memory)
        except sqlite3.OperationalError as error:
            failure = translate(error, self.path)
            if isinstance(failure, StoreReadOnly):
                return self._open_to_read(failure)
            if is_full(error) and folders.free_reserve(self.folder):
                return self._open_to_write(wal=network is None)
            if not is_without_shared_memory(error):
                raise
        return patiently(self._open_without_shared_memory)

    def _open_without_shared_memory(self) -> sqlite3.Connection:
        """One of several that find out at once must get ahead of the others: all let go before they try again."""
        time.sleep(random.uniform(0, STEP_SECONDS))  # noqa: S311 -- no secret
        return self._open_to_write(wal=False)

    def _open_to_write(self, *, wal: bool) -> sqlite3.Connection:
        connection = self._connect(str(self.path))
        try:
            self.refusal = None
            if not wal:  # a log that was left behind cannot even be read without shared memory
                self.journal = set_journal(connection, wal=False)
            if migrations.version_of(connection) > len(migrations.STEPS):
                self.refusal = StoreTooNew
                connection.execute("PRAGMA query_only = ON")
            else:
                self.journal = set_journal(connection, wal=True) if wal else self.journal
                migrations.migrate(connection, self.path)
            self._read_id(connection)
        except BaseException:
            connection.close()
            raise
        folders.write_id(self.folder, self.id)
        folders.keep_reserve(self.folder)
        return connection

    def _open_to_read(self, failure: StoreError) -> sqlite3.Connection:
        """Open what cannot be written. Raises `failure`, the reason for that, where it cannot be read either."""
        try:
            if self.path.stat().st_size == 0:
                raise failure
        except OSError:
            raise failure from None
        has_log = self.path.with_name("store.db-wal").exists()
        mode = "mode=ro" if has_log else "mode=ro&immutable=1"
        try:
            connection = self._connect(f"{self.path.as_uri()}?{mode}", uri=True)
            self._read_id(connection)
        except sqlite3.OperationalError as error:
            raise failure from error
        self.refusal = StoreReadOnly
        return connection

    def _connect(self, where: str, *, uri: bool = False) -> sqlite3.Connection:
        connection = sqlite3.connect(
            where, timeout=STEP_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256, uri=uri
        )
        connection.create_function(AS_ID, 1, lambda text: UUID(text).bytes, deterministic=True)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA secure_delete = FAST")  # zeroing freed pages would need room on a full disk
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        return connection

    def _read_id(self, connection: sqlite3.Connection) -> None:
        sql = "SELECT name, value FROM meta WHERE name IN ('id', 'restored')"
        found = dict(patiently(lambda: connection.execute(sql).fetchall()))
        self.id, self.restored = str(found["id"]), found.get("restored")


def _state(number: int, connection: sqlite3.Connection) -> State:
    """What tells whether something was written, by another connection or by this one."""
    return number, connection.execute("PRAGMA data_version").fetchone()[0], connection.total_changes


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino
