"""Who sends to a remote: one process at a time, for as long as it says, or until it is dead."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from nb_artifacts.errors import NotFound, StoreFull
from nb_artifacts.process import Writer, is_dead
from nb_artifacts.store import folder as folders
from nb_artifacts.store.rows import from_us

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from datetime import datetime

    from nb_artifacts.store.sqlite import SqliteStore

T = TypeVar("T")

LONGEST_LEASE = 120.0
"""A lease that ends later than this from now was written when the clock was wrong."""


class Leases:
    """The part of `Remotes` that says who sends. Raises `StoreError`, and `NotFound` for an address not yet seen."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self._database = store._database  # noqa: SLF001 -- private to this room

    def _write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """Write as `Database.write` does, on a full disk too, by giving up the reserve: what is sent may be deleted then."""
        try:
            return self._database.write(work, durable=durable)
        except StoreFull:
            if not folders.free_reserve(self.store.folder):
                raise
            result = self._database.write(work, durable=durable)
            self._database.settle()
            folders.keep_reserve(self.store.folder)
            return result

    def lease(self, address: str, owner: Writer, seconds: float) -> bool:
        """Become the one that sends, for so long: where nobody is, the time of who was is up, or that process is dead."""
        held = self._held(address)
        if held[0] not in {None, owner} and not _is_over(held[0], held[1]):
            return False
        return self._take(address, held, owner, _now() + int(seconds * 1e6))

    def is_left(self, address: str, owner: Writer) -> bool:
        """Whether somebody else sent and did not say that it was done: it may have died in the middle."""
        return self._held(address)[0] not in {None, owner}

    def renew(self, address: str, owner: Writer, seconds: float) -> bool:
        """Stay the one that sends; False where another one is by now."""
        held = self._held(address)
        return held[0] == owner and self._take(address, held, owner, _now() + int(seconds * 1e6))

    def release(self, address: str, owner: Writer) -> None:
        """Let another one send."""
        held = self._held(address)
        if held[0] == owner:
            self._take(address, held, None, None)

    def sender(self, address: str) -> tuple[Writer | None, datetime | None]:
        """Who sends, and until when that is certain."""
        writer, until = self._held(address)
        if until is None or _is_over(writer, until):
            return None, None
        return writer, from_us(until)

    def _held(self, address: str) -> tuple[Writer | None, int | None]:
        select = "SELECT host, boot_id, pid, process_started, lease_until FROM remote WHERE address = ?"
        row = self._database.read(lambda c: c.execute(select, (address,)).fetchone())
        if row is None:
            raise self._not_found(address)
        return (None if row[0] is None else Writer(*row[:4])), row[4]

    def _not_found(self, address: str) -> NotFound:
        return NotFound(f"{address} is not a remote of {self.store.where}")

    def _take(self, address: str, held: tuple[Writer | None, int | None], owner: Writer | None, until: int | None) -> bool:
        """Change the lease unless somebody else did meanwhile."""
        update = (
            "UPDATE remote SET host = ?, boot_id = ?, pid = ?, process_started = ?, lease_until = ? "
            "WHERE address = ? AND host IS ? AND boot_id IS ? AND pid IS ? AND process_started IS ? AND lease_until IS ?"
        )
        values = (*_columns(owner), until, address, *_columns(held[0]), held[1])
        return self._write(lambda c: c.execute(update, values).rowcount, durable=False) == 1


def _is_over(writer: Writer | None, until: int | None) -> bool:
    now = _now()
    return writer is None or until is None or not now < until <= now + LONGEST_LEASE * 1e6 or is_dead(writer)


def _columns(writer: Writer | None) -> tuple[Any, ...]:
    return (None,) * 4 if writer is None else (writer.host, writer.boot_id, writer.pid, writer.started)


def _now() -> int:
    return time.time_ns() // 1000
