"""Keys in the database that the replicas of a server share; each of them is told of a change, and asks once a second too."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

import psycopg

from nb_artifacts.errors import StoreError
from nb_artifacts.serve.keys import Key
from nb_artifacts.store.postgres import PostgresStore
from nb_artifacts.store.postgres_connection import execute
from nb_artifacts.store.postgres_feed import listen
from nb_artifacts.store.postgres_keys import ADD, ALL, CHANNEL, REMOVE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nb_artifacts.store import Store
    from nb_artifacts.store.postgres_connection import Row

POLL_SECONDS = 1.0
"""A connection that is gone without a word is noticed by asking."""

AGAIN_SECONDS = 0.2


class InDatabase:
    """Keys in a table of a PostgreSQL store.

    From the first `seen` on, a thread with a connection of its own keeps a copy: nothing is asked for a request. While the
    database is away the keys are what they were.
    """

    def __init__(self, store: Store) -> None:
        assert isinstance(store, PostgresStore)
        self._store = store
        self._database = store.database
        self._lock = threading.Lock()
        self._seen: tuple[Key, ...] = ()
        self._thread: threading.Thread | None = None
        self._closed = False

    def read(self) -> tuple[Key, ...]:
        """See `Place.read`."""
        return _keys(self._database.rows(ALL))

    def seen(self) -> tuple[Key, ...]:
        """See `Place.seen`; the first call waits for the database."""
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._seen = self.read()
                    self._thread = threading.Thread(target=self._follow, name="nb-artifacts-keys", daemon=True)
                    self._thread.start()
        return self._seen

    def add(self, key: Key, *, first: bool = False) -> bool:
        """See `Place.add`."""
        values = (key.id, key.sha256, key.created, key.name, key.workspace, first)
        return bool(self._database.write(ADD, values)[0][0])

    def remove(self, id: str) -> bool:
        """See `Place.remove`."""
        (found,), again = self._database.write(REMOVE, (id,))
        return bool(found or again)

    def close(self) -> None:
        """See `Place.close`."""
        self._closed = True
        self._store.close()

    def _follow(self) -> None:
        while not self._closed:
            with contextlib.suppress(psycopg.Error, StoreError):
                self._listen()
            time.sleep(AGAIN_SECONDS)

    def _listen(self) -> None:
        """Read the keys again and again, whenever they have changed, until the connection is lost."""
        with contextlib.closing(listen(self._database, CHANNEL)) as connection:
            while not self._closed:
                self._seen = _keys(execute(connection, ALL))
                for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                    pass


def _keys(rows: Iterable[Row]) -> tuple[Key, ...]:
    return tuple(Key(id=id, sha256=sha256, created=at, name=name, workspace=space) for id, sha256, at, name, space in rows)
