"""Transactions, and transactions within one: a failure at any moment, KeyboardInterrupt included, undoes all of it.

And the journal by which SQLite keeps them whole.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, TypeVar

from nb_artifacts.store import migrations
from nb_artifacts.store.waiting import patiently

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def transaction(connection: sqlite3.Connection, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run `work` between `begin` and COMMIT."""
    try:
        patiently(lambda: connection.execute(begin))
        result = work(connection)
        patiently(lambda: connection.execute("COMMIT"))
    except BaseException:
        if connection.in_transaction:
            connection.rollback()
        raise
    return result


def part(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run `work` as a part of the transaction under way, which alone is undone where it fails."""
    if not connection.in_transaction:
        raise sqlite3.OperationalError("database or disk is full")  # it took the whole transaction with it
    connection.execute("SAVEPOINT part")
    try:
        result = work(connection)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO part")
            connection.execute("RELEASE part")
        raise
    connection.execute("RELEASE part")
    return result


def set_journal(connection: sqlite3.Connection, *, wal: bool) -> str:
    """Choose the journal, `wal` unless the database was made without; what it is now.

    Leaving WAL does not wait for others, who may be about to do the same and hold on to what they have.
    """
    if not wal:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # so that WAL can be left without shared memory
        mode = _journal(connection, "delete")
        connection.execute("PRAGMA locking_mode = NORMAL")
        return mode
    mode = patiently(lambda: _journal(connection))
    if mode == "wal" or migrations.version_of(connection) > 0:
        return mode
    return patiently(lambda: _journal(connection, "wal"))


def _journal(connection: sqlite3.Connection, mode: str | None = None) -> str:
    sql = "PRAGMA journal_mode" if mode is None else f"PRAGMA journal_mode = {mode}"
    return str(connection.execute(sql).fetchone()[0])
