"""Which thread has which connection, and that none is carried over a fork, as SQLite demands.

Before a fork the process closes its connections itself: in the child it could neither use nor close them, and a copy of
SQLite's notes on locks would make the child believe in locks that only its parent has.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import weakref
from typing import TYPE_CHECKING, TypeVar

from nb_artifacts.ticker import wait_at_forks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

FORK_SECONDS = 2.0
"""How long a fork waits for a thread in the middle of a call; its connection is put out of the child's reach then."""


class Link:
    """A thread's connection. The lock is taken by others only to close it: before a fork, and in `Links.close`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.pid = os.getpid()
        self.connection: sqlite3.Connection | None = None
        self.number = 0
        """Of the connection; no two have the same."""
        self.file: tuple[int, int] | None = None
        self.synchronous: str | None = None
        self.together = False
        self.at_once = False

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


class Links:
    """The connections to one database."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._all: weakref.WeakSet[Link] = weakref.WeakSet()
        _databases.add(self)

    def mine(self) -> Link:
        """This thread's, still to be opened if it is new."""
        if _state.forking:
            _state.forked.wait(FORK_SECONDS)  # a lock alone is not fair: a busy thread would get it again and again
        link: Link | None = getattr(self._local, "link", None)
        if link is None or link.pid != os.getpid():
            link = self._local.link = Link()
            with _state.opening:
                self._all.add(link)
        return link

    def all(self) -> list[Link]:
        """Every thread's."""
        return _listed(self._all)

    def close(self) -> None:
        """Close them all, waiting for calls under way."""
        for link in self.all():
            with link.lock:
                link.close()

    def start_anew(self) -> None:
        """After a fork, in the child: the parent's threads and their locks are not here."""
        for link in self.all():
            link.close()
        self._local = threading.local()
        self._all = weakref.WeakSet()


class _State:
    def __init__(self) -> None:
        self.opening = threading.RLock()
        self.forking = False
        self.forked = threading.Event()
        self.held: list[Link] = []


_state = _State()

_databases: weakref.WeakSet[Links] = weakref.WeakSet()

_inherited: list[sqlite3.Connection] = []
"""Connections of a parent process that could not be closed in time."""


def opening() -> threading.RLock:
    """The lock to hold while a connection is opened: a fork holds it too."""
    return _state.opening


def _listed(items: Iterable[T]) -> list[T]:
    """A copy of a set that other threads may add to meanwhile."""
    while True:
        with contextlib.suppress(RuntimeError):
            return list(items)


def _before_fork() -> None:
    """Close all connections, and keep threads from opening them again.

    Calls under way are waited for. They take the lock `opening` while they hold their own, so it comes last here too;
    who then still waits for it has no connection.
    """
    _state.forked.clear()
    _state.forking = True
    for link in _all_links():
        _hold(link)
    _state.opening.acquire(timeout=FORK_SECONDS)
    for link in _all_links():
        if link.connection is not None:
            _hold(link)


def _all_links() -> list[Link]:
    return [link for database in _listed(_databases) for link in database.all()]


def _hold(link: Link) -> None:
    if link.lock.acquire(timeout=FORK_SECONDS):
        link.close()
        _state.held.append(link)


def _after_fork_in_parent() -> None:
    while _state.held:
        _state.held.pop().lock.release()
    with contextlib.suppress(RuntimeError):  # not acquired in time
        _state.opening.release()
    _state.forking = False
    _state.forked.set()


def _after_fork_in_child() -> None:
    global _state  # noqa: PLW0603 -- threads that are not here may hold the parent's
    _state = _State()
    for database in _listed(_databases):
        database.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
    wait_at_forks()
