"""A few connections, shared by threads and never carried over a fork.

One is made in the calling thread when none is idle, so that an error is the caller's, at once, and a database that comes
back is used at once. (psycopg_pool connects in threads of its own, with pauses that double: after an outage it may wait as
long again. Its log shows user names.)
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import weakref
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq

from nb_artifacts.errors import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUSY_SECONDS = 10.0
"""How long a call waits for another's lock, for a connection, or for a database that is away."""

_inherited: list[psycopg.Connection] = []
"""Connections of a parent process, kept from being closed here: the server would end them for the parent too."""

_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


class _Lease:
    """The right to one connection. It ends with its holder at the latest, at whatever moment an interrupt comes."""


class Pool:
    """At most `size` connections; the one used last is given first."""

    def __init__(self, connect: Callable[[], psycopg.Connection], size: int) -> None:
        self._connect = connect
        self._size = size
        self._start()
        _pools.add(self)

    def _start(self) -> None:
        self._idle: list[psycopg.Connection] = []
        self._leases: weakref.WeakSet[_Lease] = weakref.WeakSet()
        self._returned = threading.Condition()
        self._lock = threading.Lock()
        self._round = 0

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """One for this thread alone. Raises psycopg's errors, and `StoreBusy` where all are in use for too long."""
        lease = _Lease()
        with self._returned:
            if not self._returned.wait_for(lambda: len(self._leases) < self._size, BUSY_SECONDS):
                raise StoreBusy(f"all {self._size} connections to PostgreSQL are in use since more than 10 seconds: try again")
            self._leases.add(lease)
        try:
            began, connection = self._round, self._take()
            try:
                yield connection
            finally:
                self._give_back(connection, began)
        finally:
            with self._returned:
                self._leases.discard(lease)
                self._returned.notify()

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


def _after_fork_in_child() -> None:
    for pool in list(_pools):
        pool.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
