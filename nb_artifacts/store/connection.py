"""Connections to the database file: one a thread, never carried over a fork, and SQLite's errors told as ours.

Work runs as a function inside `Database.read` or `Database.write`, so that an exception at any moment, KeyboardInterrupt
included, ends in a rollback; should even that be interrupted, the next call rolls back first.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import weakref
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from nb_artifacts.errors import StoreError, StoreReadOnly, StoreTooNew
from nb_artifacts.store import folder as folders
from nb_artifacts.store import migrations
from nb_artifacts.store.failures import Unreadable, is_full, is_without_shared_memory, translate
from nb_artifacts.store.filters import AS_ID
from nb_artifacts.store.transactions import part, set_journal, transaction
from nb_artifacts.store.waiting import STEP_SECONDS, patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

T = TypeVar("T")

_FAILURES = (sqlite3.Error, Unreadable, UnicodeDecodeError)  # the last where a damaged name is in SQLite's message

FORK_SECONDS = 2.0
"""How long a fork waits for a thread in the middle of a call; its connection is put out of the child's reach then."""

LOG_PAGES = 500
"""After so many pages the log is moved into the database: not more than `folders.RESERVE_BYTES` has room for."""

LOG_BYTES = 64 * 1024 * 1024
"""What the log may keep on disk once no reader needs more."""


class Link:
    """A thread's connection. The lock is taken by others only to close it: before a fork, and in `Database.close`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.pid = os.getpid()
        self.connection: sqlite3.Connection | None = None
        self.file: tuple[int, int] | None = None
        self.synchronous: str | None = None
        self.together = False

    def close(self) -> None:
        """Close the connection; in a process that only inherited it, put it out of reach instead."""
        connection, self.connection, self.synchronous = self.connection, None, None
        if connection is None:
            return
        if self.pid != os.getpid():
            _inherited.append(connection)
            return
        with contextlib.suppress(sqlite3.Error):
            connection.close()

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not is_finalizing():  # this module's own names are gone by then
            self.close()


_inherited: list[sqlite3.Connection] = []
"""Connections of a parent process: SQLite forbids to use them after a fork, or even to close them."""

_databases: weakref.WeakSet[Database] = weakref.WeakSet()

_forking, _forked = threading.Event(), threading.Event()

_held: list[Link] = []
"""Those that a fork under way has closed."""

_opening = threading.RLock()
"""Held while a connection is opened or a fork goes on."""


class Database:
    """The file ``store.db`` in a folder, opened by each thread when it first needs it."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self.path = folder / "store.db"
        self.durable = durable
        self.id = ""
        self.refusal: type[StoreReadOnly] | None = None
        """Why nothing can be written, or None."""
        self.journal = "wal"
        self._local = threading.local()
        self._links: weakref.WeakSet[Link] = weakref.WeakSet()
        _databases.add(self)

    def read(self, work: Callable[[sqlite3.Connection], T], *, snapshot: bool = False) -> T:
        """Run `work`; with `snapshot` all of its statements see one state. Raises `StoreError`."""
        link = self._link()
        with link.lock:
            try:
                connection = self._usable(link)
                if snapshot and not link.together:
                    return transaction(connection, "BEGIN", work)
                return patiently(lambda: work(connection))
            except _FAILURES as error:
                raise translate(error, self.path) from error

    def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """Run `work` in a transaction, on disk when it returns; without `durable` a power cut may undo it.

        Raises `StoreError`; nothing that `work` did is kept then.
        """
        link = self._link()
        with link.lock:
            try:
                if link.together:
                    return part(self._usable(link), work)
                return transaction(self._writable(link, durable=durable), "BEGIN IMMEDIATE", work)
            except _FAILURES as error:
                raise translate(error, self.path) from error

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """What the calls return, whose writes to this database share one transaction, on disk when this returns.

        A write that fails undoes itself alone. Raises `StoreError`; nothing that any of them wrote is kept then.
        """
        link = self._link()
        with link.lock:
            try:
                connection = self._writable(link, durable=True)
                link.together = True
                return transaction(connection, "BEGIN IMMEDIATE", lambda _: [call() for call in calls])
            except _FAILURES as error:
                raise translate(error, self.path) from error
            finally:
                link.together = False

    @property
    def is_together(self) -> bool:
        """Whether this thread is inside `together`: what it wrote may still be undone."""
        return self._link().together

    def settle(self) -> None:
        """Move the log into the database, as far as readers and space allow, so that the log's space is used anew."""
        with contextlib.suppress(StoreError):
            self.read(lambda connection: connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall())

    def close(self) -> None:
        """Close every thread's connection, waiting for calls under way; the next call opens again."""
        for link in self.links():
            with link.lock:
                link.close()

    def _link(self) -> Link:
        if _forking.is_set():
            _forked.wait(FORK_SECONDS)  # a lock alone is not fair: a busy thread would get it again and again
        link: Link | None = getattr(self._local, "link", None)
        if link is None or link.pid != os.getpid():
            link = self._local.link = Link()
            with _opening:
                self._links.add(link)
        return link

    def _writable(self, link: Link, *, durable: bool) -> sqlite3.Connection:
        connection = self._usable(link)
        if self.refusal is not None:
            raise self._refused()
        self._set_synchronous(link, connection, durable=durable)
        return connection

    def _usable(self, link: Link) -> sqlite3.Connection:
        if link.together and link.connection is not None:
            return link.connection
        if link.connection is not None and link.file != _identity(self.path):
            link.close()  # the file was deleted or replaced: what would be written to the old one is lost
        if link.connection is None:
            with _opening:
                link.connection = self._open()
                link.file = _identity(self.path)
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
        try:
            return self._open_to_write(wal=True)
        except sqlite3.OperationalError as error:
            failure = translate(error, self.path)
            if isinstance(failure, StoreReadOnly):
                return self._open_to_read(failure)
            if is_full(error) and folders.free_reserve(self.folder):
                return self._open_to_write(wal=True)
            if not is_without_shared_memory(error):
                raise
        return self._open_to_write(wal=False)

    def _open_to_write(self, *, wal: bool) -> sqlite3.Connection:
        connection = self._connect(str(self.path))
        try:
            if wal and migrations.version_of(connection) > len(migrations.STEPS):
                self.refusal = StoreTooNew
                connection.execute("PRAGMA query_only = ON")
            else:
                self.refusal = None
                self.journal = set_journal(connection, wal=wal)
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
        sql = "SELECT value FROM meta WHERE name = 'id'"
        self.id = str(patiently(lambda: connection.execute(sql).fetchone()[0]))

    def links(self) -> list[Link]:
        """All threads' connections."""
        return _listed(self._links)

    def start_anew(self) -> None:
        """After a fork, in the child: the parent's threads and their locks are not here."""
        for link in self.links():
            link.close()
        self._local = threading.local()
        self._links = weakref.WeakSet()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino


def _listed(items: Iterable[T]) -> list[T]:
    """A copy of a set that other threads may add to meanwhile."""
    while True:
        with contextlib.suppress(RuntimeError):
            return list(items)


def _before_fork() -> None:
    """Close all connections, since none may cross a fork, and keep threads from opening them again.

    Calls under way are waited for. They take `_opening` while they hold their own lock, so it comes last here too; who
    then still waits for it has no connection.
    """
    _forked.clear()
    _forking.set()
    for link in _all_links():
        _hold(link)
    _opening.acquire(timeout=FORK_SECONDS)
    for link in _all_links():
        if link.connection is not None:
            _hold(link)


def _all_links() -> list[Link]:
    return [link for database in _listed(_databases) for link in database.links()]


def _hold(link: Link) -> None:
    if link.lock.acquire(timeout=FORK_SECONDS):
        link.close()
        _held.append(link)


def _after_fork_in_parent() -> None:
    while _held:
        _held.pop().lock.release()
    with contextlib.suppress(RuntimeError):  # not acquired in time
        _opening.release()
    _forking.clear()
    _forked.set()


def _after_fork_in_child() -> None:
    global _opening, _forking, _forked
    _opening, _forking, _forked = threading.RLock(), threading.Event(), threading.Event()
    _held.clear()
    for database in _listed(_databases):
        database.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
