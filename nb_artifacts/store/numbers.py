"""How the folder's artifacts stand with a remote: which number they have there, which are on their way, which stay here."""

# ruff: noqa: S608 -- the texts are joined from constants of ours; values are always parameters

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import UUID

import msgspec

from nb_artifacts.errors import StoreError
from nb_artifacts.store.filters import AS_ID

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from nb_artifacts.store.sqlite import SqliteStore
    from nb_artifacts.wire import Record

_THESE = f"IN (SELECT {AS_ID}(value) FROM json_each(?))"
STANDING = (
    "SELECT a.id, a.seq, coalesce(s.settled, 0), s.version, "
    "s.id IS NULL AND coalesce(a.born, a.seq) <= coalesce(r.start, a.seq) "
    "FROM artifact a LEFT JOIN remote r ON r.address = ? LEFT JOIN sent s ON s.remote = r.n AND s.id = a.id "
    f"WHERE a.id {_THESE}"
)
_KEPT = (
    "SELECT a.id FROM artifact a JOIN remote r ON r.address = ? WHERE coalesce(a.born, a.seq) <= r.start "
    f"AND NOT EXISTS (SELECT 1 FROM sent s WHERE s.remote = r.n AND s.id = a.id) AND a.id {_THESE}"
)
_FOUND = (
    "INSERT INTO sent (remote, id, attempted, settled, version) SELECT r.n, a.id, a.seq, a.seq, ? "
    "FROM artifact a JOIN remote r ON r.address = ? WHERE a.id = ? ON CONFLICT DO NOTHING"
)
GONE = f"SELECT id FROM tombstone WHERE id {_THESE}"


class Standing(NamedTuple):
    """How an artifact of the folder stands with the remote.

    `counted`: it is there, under `version`. `pending`: it is on its way and has no number yet. `kept`: it was made before
    the remote was first seen, stays in the folder, and keeps the number that the folder gave. `settled` says whether
    the remote has it as it is now.
    """

    place: Literal["counted", "pending", "kept"]
    version: int | None = None
    settled: bool = False


class Numbers:
    """What one folder knows of its artifacts at one address."""

    def __init__(self, store: SqliteStore, address: str) -> None:
        self._database = store._database  # noqa: SLF001 -- private to this room
        self._address = address

    def standing(self, ids: Sequence[UUID]) -> dict[UUID, Standing]:
        """By id; what the folder does not have is left out."""
        if not ids:
            return {}
        values = (self._address, _json(ids))

        def read(connection: sqlite3.Connection) -> dict[UUID, Standing]:
            rows = connection.execute(STANDING, values)
            return {UUID(bytes=id): _standing(*row) for id, *row in rows}

        return self._database.read(read)

    def kept(self, ids: Sequence[UUID]) -> set[UUID]:
        """Those made before the remote was first seen that stay in the folder, under its numbers."""
        if not ids:
            return set()
        values = (self._address, _json(ids))
        return self._database.read(lambda connection: {UUID(bytes=id) for (id,) in connection.execute(_KEPT, values)})

    def found(self, there: Sequence[Record]) -> None:
        """Note which of the kept ones the remote has all the same, since they were exported to it.

        It counts them, and is told of what becomes of them from now on; one that gives no `seq`, as Prefect's, is not.
        """
        known = {record.id: record.version for record in there if record.seq}
        if kept := self.kept([*known]):

            def write(connection: sqlite3.Connection) -> None:
                connection.executemany(_FOUND, [(known[id], self._address, id.bytes) for id in kept])

            with contextlib.suppress(StoreError):  # it is looked at again with the next list
                self._database.write(write, durable=False)

    def gone(self, ids: Sequence[UUID]) -> set[UUID]:
        """Those that were deleted in the folder."""
        if not ids:
            return set()
        values = (_json(ids),)
        return self._database.read(lambda connection: {UUID(bytes=id) for (id,) in connection.execute(GONE, values)})


def _standing(seq: int, settled: int, version: int | None, kept: int) -> Standing:
    if kept:
        return Standing("kept")
    return Standing("counted" if settled else "pending", version, settled >= seq)


def _json(ids: Sequence[UUID]) -> str:
    return msgspec.json.encode([str(id) for id in ids]).decode()
