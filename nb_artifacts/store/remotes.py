"""What a folder knows of each store elsewhere that it is sent to: how far it is, what was refused, who sends.

The change feed says what there is to send, so nothing is copied into a queue: a remote is a place in the feed (`cursor`)
and what is known of single rows. Its place begins where the folder is when the remote is first seen, so what is older
stays here until it is asked for. Settling goes by `seq`: a row changed while it was sent waits again.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from nb_artifacts.errors import NotFound, StoreError
from nb_artifacts.store import remotes_sql as sql
from nb_artifacts.store.failures import Unreadable
from nb_artifacts.store.leases import Leases
from nb_artifacts.store.remotes_rows import (
    Arrived,
    Known,
    State,
    There,
    Waiting,
    in_order,
    never_seen,
    to_id,
    to_state,
    to_waiting,
)
from nb_artifacts.store.rows import to_run
from nb_artifacts.store.writes import LAST_SEQ
from nb_artifacts.wire import Query

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from nb_artifacts.wire import Run

TRIES = 3
"""A row that was refused so often in one state is left aside."""


class Remotes(Leases):
    """The remotes of one folder, by address. Raises `StoreError`, and `NotFound` for an address not yet seen."""

    def addresses(self) -> list[str]:
        """All that were ever seen."""
        rows = self._database.read(lambda c: c.execute("SELECT address FROM remote ORDER BY n").fetchall())
        return [address for (address,) in rows]

    def first_seen(self, address: str, kind: str | None = None) -> Known:
        """The remote, noted from now on if it is new; `kind` once it is known what it is."""
        found = self.find(address)
        if found is not None and kind in {None, found.kind}:
            return found
        add = (
            f"INSERT INTO remote (address, first_seen, start, cursor) SELECT ?, ?, seq, seq FROM (SELECT {LAST_SEQ} AS seq) "  # noqa: S608 -- constants
            "WHERE true ON CONFLICT DO NOTHING"
        )

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(add, (address, _now()))
            connection.execute("UPDATE remote SET kind = coalesce(?, kind) WHERE address = ?", (kind, address))

        self._write(write)
        return self._known(address)

    def find(self, address: str) -> Known | None:
        """The remote, or None where it was never seen."""
        select = "SELECT n, address, kind, start, cursor FROM remote WHERE address = ?"
        try:
            row = self._database.read(lambda c: c.execute(select, (address,)).fetchone())
        except StoreError:
            if self._database.refusal is None:
                raise
            return None  # a folder of an earlier release that can only be read has no such table
        return None if row is None else Known(*row)

    def heard(self, address: str, newest: int) -> None:
        """Note the highest `seq` that the store at an address told: one that tells less later was put back."""
        values = {"name": f"seq of remote {self._known(address).n}", "newest": newest}
        if newest:
            self._write(lambda c: c.execute(sql.HEARD, values), durable=False)

    def met(self, address: str, state: str, newest: int = 0) -> bool:
        """Note which store answers at an address, in which state and how far (see `Remote`); whether it is another one.

        What had arrived is to be sent again then, deletions too, since this one may have none of it: all but those of a
        Prefect server, which is another one only where it was made anew. Where the store is known from another address,
        what is known of it holds here as well.
        """
        if not state:
            return False
        known = self._known(address)
        name, seq = {"name": f"store at remote {known.n}"}, {"name": f"seq of remote {known.n}"}
        select = "SELECT value FROM meta WHERE name = :name"

        def is_behind(connection: sqlite3.Connection) -> bool:
            return 0 < newest < int((connection.execute(select, seq).fetchone() or (0,))[0])

        def is_known(connection: sqlite3.Connection) -> bool:
            return connection.execute(select, name).fetchone() == (state,) and not is_behind(connection)

        if self._database.read(is_known):
            return False

        def write(connection: sqlite3.Connection) -> bool:
            before, behind = connection.execute(select, name).fetchone(), is_behind(connection)
            before = before or self._moved(connection, known, state)
            connection.execute("INSERT OR REPLACE INTO meta VALUES (:name, :state)", {**name, "state": state})
            connection.execute("DELETE FROM meta WHERE name = :name", seq)
            if before is None or (before == (state,) and not behind):
                return False
            for statement in sql.SEND_ALL_AGAIN if known.kind != "prefect" else sql.SEND_WHAT_IS_THERE_AGAIN:
                connection.execute(statement, {"remote": known.n, "start": known.start})
            return True

        return self._write(write)

    def _moved(self, connection: sqlite3.Connection, known: Known, state: str) -> tuple[str] | None:
        """Take over what is known of the same store under another address, and its state when it was last met there."""
        values = {"remote": known.n, "store": state.partition(" ")[0]}
        found = connection.execute(sql.SAME_STORE, values).fetchone()
        if found is None:
            return None
        old, before = found
        for statement in sql.TAKE_OVER:
            connection.execute(statement, {"remote": known.n, "old": old})
        return (before,)

    def include_all(self, address: str, key: str | None = None) -> None:
        """What was made before the remote was first seen is to be sent too: all of it, or one key's."""
        known = self._known(address)

        def write(connection: sqlite3.Connection) -> None:
            if key is None:
                connection.execute("UPDATE remote SET start = 0, cursor = 0 WHERE n = ?", (known.n,))
            else:
                connection.execute(sql.ASK_FOR_KEY, {**_of(known), "key": key})
                connection.execute("UPDATE remote SET cursor = 0 WHERE n = ?", (known.n,))

        self._write(write)

    def pending(
        self, address: str, limit: int = 1000, *, keys: Collection[str] = (), ids: Collection[UUID] = ()
    ) -> list[Waiting]:
        """What is to be sent next, at most `limit` of each kind, without the keys and ids named.

        In the order in which it was made or changed, but of one key what was never sent goes by version.
        """
        values = {**_of(self._known(address)), "limit": limit, "keys": _json(keys), "ids": _json(ids)}

        def read(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            rows = connection.execute(sql.ARTIFACTS, values).fetchall()
            new = {row[3] for row in rows if row[6] == 0 and row[3] is not None}
            if new and len(rows) >= limit:
                rows += connection.execute(sql.MOVED, {**values, "last": rows[-1][2], "new": _json(new)}).fetchall()
            rows += connection.execute(sql.TOMBSTONES, values).fetchall()
            return rows + connection.execute(sql.RUNS, values).fetchall()

        return in_order([to_waiting(row) for row in self._database.read(read, snapshot=True)])

    def needed_runs(self, address: str, ids: Collection[UUID]) -> list[tuple[Run, bool]]:
        """Runs that the remote has not got, and those around them, outermost first; whether each was tried before.

        One that is damaged here is left out: what it made goes without it.
        """
        values = {"remote": self._known(address).n, "ids": _json(ids)}
        rows = self._database.read(lambda c: c.execute(sql.NEEDED_RUNS, values).fetchall())
        found = []
        for body, seq, attempted in rows:
            with contextlib.suppress(Unreadable):
                found.append((to_run(body, seq), attempted > 0))
        return found

    def attempted(self, address: str, rows: Sequence[tuple[UUID, int]]) -> set[UUID]:
        """Note, on disk, that these ids are about to be sent in the state of that seq; those that still may be sent."""
        n = self._known(address).n

        def write(connection: sqlite3.Connection) -> set[UUID]:
            tried = {"remote": n}
            return {id for id, seq in rows if connection.execute(sql.ATTEMPT, {**tried, "id": id.bytes, "seq": seq}).fetchall()}

        return self._write(write)

    def record(
        self,
        address: str,
        *,
        arrived: Iterable[Arrived] = (),
        gone: Iterable[UUID] = (),
        refused: Iterable[tuple[UUID, int, str]] = (),
        most: int = TRIES,
        answered: bool = True,
    ) -> None:
        """Write what became of a batch; lost in a power cut it is sent again, which does no harm.

        `answered`: the remote said so, hence it can be reached.
        """
        n, moment = self._known(address).n, _now()

        def write(connection: sqlite3.Connection) -> None:
            for each in arrived:
                remote_id = None if each.remote_id is None else each.remote_id.bytes
                values = {"remote": n, "id": each.id.bytes, "seq": each.seq, "version": each.version, "remote_id": remote_id}
                connection.execute(sql.SETTLE, values)
            for id in gone:
                connection.execute("DELETE FROM sent WHERE remote = ? AND id = ?", (n, id.bytes))
            for id, seq, error in refused:
                values = {"remote": n, "id": id.bytes, "seq": seq, "error": error, "most": most}
                connection.execute(sql.REFUSE, values)
            if answered:
                connection.execute(sql.WENT_WELL, {"remote": n, "now": moment})

        self._write(write, durable=False)

    def settle(self, address: str, id: UUID, seq: int, version: int | None = None, remote_id: UUID | None = None) -> None:
        """The remote has this `seq` of an artifact; what changed since waits again."""
        self.record(address, arrived=[Arrived(id, seq, version, remote_id)])

    def park(self, address: str, id: UUID, error: str) -> None:
        """Leave a row aside until it changes or is asked for again."""
        self.record(address, refused=[(id, self.store.last_seq(), error)], most=1, answered=False)

    def unpark(self, address: str, id: UUID | None = None) -> int:
        """Try again what was refused, all or one; how many that is."""
        n = self._known(address).n
        which = "remote = ? AND parked IS NOT NULL" + ("" if id is None else " AND id = ?")
        values = (n,) if id is None else (n, id.bytes)

        def write(connection: sqlite3.Connection) -> int:
            connection.execute("UPDATE remote SET cursor = 0 WHERE n = ?", (n,))
            return connection.execute(f"UPDATE sent SET parked = NULL, tries = 0 WHERE {which}", values).rowcount  # noqa: S608 (conditions of ours, values as parameters)

        return self._write(write)

    def advance(self, address: str) -> int:
        """Move the cursor up to what waits first, and forget what was deleted before; where it is now."""
        self._known(address)

        def write(connection: sqlite3.Connection) -> int:
            row = connection.execute("SELECT n, start, cursor FROM remote WHERE address = ?", (address,)).fetchone()
            if row is None:
                raise self._not_found(address)
            n, start, cursor = row
            values = {"remote": n, "start": start, "cursor": cursor}
            first = connection.execute(sql.FIRST, values).fetchone()[0]
            last = connection.execute(f"SELECT {LAST_SEQ}").fetchone()[0]
            new = max(cursor, last if first is None else first - 1)
            connection.execute(sql.FORGET, {**values, "new": new})
            connection.execute("UPDATE remote SET cursor = ? WHERE n = ?", (new, n))
            return int(new)

        return self._write(write, durable=False)

    def failed(self, address: str, error: str, *, paused: str | None = None, resume: float | None = None) -> None:
        """Write that it did not work: why, why it stays so (`paused`), and until when (`resume`, seconds since 1970)."""
        n = self._known(address).n
        values = {"remote": n, "error": error, "now": _now(), "paused": paused, "resume": resume and int(resume * 1e6)}
        self._write(lambda c: c.execute(sql.FAILED, values), durable=False)

    def in_order(self, address: str) -> None:
        """Nothing is in the way any more, whether or not there was something to send."""
        known = self._known(address)
        select = "SELECT failed IS NOT NULL OR paused IS NOT NULL FROM remote WHERE n = ?"
        row = self._database.read(lambda c: c.execute(select, (known.n,)).fetchone())
        if row is None:
            raise self._not_found(address)
        if row[0]:
            self._write(lambda c: c.execute(sql.IN_ORDER, {"remote": known.n}), durable=False)

    def count(self, address: str) -> int:
        """How many artifacts and deletions wait."""
        values = _of(self._known(address))
        return int(self._database.read(lambda c: c.execute(sql.COUNT, values).fetchone())[0])

    def count_bytes(self, address: str) -> int:
        """How many bytes wait, equal ones counted once."""
        values = _of(self._known(address))
        return int(self._database.read(lambda c: c.execute(sql.BYTES, values).fetchone())[0])

    def kept(self, address: str, key: str | None = None, limit: int = 1000) -> list[UUID]:
        """What was made before the remote was first seen and stays here, of all keys or one, oldest first."""
        values = {**_of(self._known(address)), "key": key, "limit": limit}
        return [UUID(bytes=id) for (id,) in self._database.read(lambda c: c.execute(sql.KEPT_IDS, values).fetchall())]

    def mapping(self, address: str, ids: Collection[UUID]) -> dict[UUID, There]:
        """The number and id that artifacts have there, as far as they have arrived."""
        known = self.find(address)
        if known is None:
            return {}
        select = (
            "SELECT id, remote_id, version FROM sent WHERE remote = ? AND settled > 0 "
            "AND id IN (SELECT as_id(value) FROM json_each(?))"
        )
        rows = self._database.read(lambda c: c.execute(select, (known.n, _json(ids))).fetchall())
        return {UUID(bytes=id): There(to_id(remote_id), version) for id, remote_id, version in rows}

    def resume(self, address: str) -> float:
        """The time, in seconds since 1970, before which the remote wants no request; 0 for none."""
        select = "SELECT coalesce(resume, 0) FROM remote WHERE address = ?"
        row = self._database.read(lambda c: c.execute(select, (address,)).fetchone())
        return 0.0 if row is None else row[0] / 1e6

    def state(self, address: str) -> State:
        """How it stands; with a remote never seen, as in a folder that can only be read, all is kept here."""
        known = self.find(address)
        try:
            found = None if known is None else self._state(known)
        except NotFound:  # the folder was made anew at this moment
            found = None
        return found or never_seen(address, self.store.count(Query()))

    def _state(self, known: Known) -> State:
        values, address = _of(known), known.address
        select = "SELECT first_seen, last_ok, last_error, failed, paused, resume FROM remote WHERE n = :remote"

        def read(connection: sqlite3.Connection) -> tuple[Any, ...]:
            queries = (sql.COUNT, sql.KEPT, select)
            parked = connection.execute(sql.PARKED, values).fetchall()
            return (parked, *(connection.execute(query, values).fetchone() for query in queries))

        parked, waits, (kept,), how = self._database.read(read, snapshot=True)
        sender = self.sender(address)
        if how is None:
            raise self._not_found(address)
        return to_state(known, parked, waits, kept, how, sender)

    def _known(self, address: str) -> Known:
        found = self.find(address)
        if found is None:
            raise self._not_found(address)
        return found


def _of(known: Known) -> dict[str, Any]:
    return {"remote": known.n, "start": known.start, "cursor": known.cursor}


def _json(values: Iterable[Any]) -> str:
    return msgspec.json.encode([str(value) for value in values]).decode()


def _now() -> int:
    return time.time_ns() // 1000
