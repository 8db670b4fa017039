"""Full-text search in the database: an index that is derived from the feed and shared by all replicas.

It is brought up to date when somebody searches, so that creating an artifact costs nothing more. Two who do that at once
do not wait for each other: the state says how far it goes, and only who moves it from there writes. Its tables may be
dropped at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb_artifacts.store.words import folded, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import psycopg

    from nb_artifacts.store import Store
    from nb_artifacts.store.postgres_connection import Database
    from nb_artifacts.wire import Change

PAGE = 500
_THERE = "SELECT to_regclass('search_state_1') IS NOT NULL"
_MAKE = (
    "SELECT pg_advisory_xact_lock(-('feed'::regclass::oid::bigint))",
    "CREATE TABLE IF NOT EXISTS search_1 (id uuid PRIMARY KEY, n bigint NOT NULL UNIQUE, words tsvector NOT NULL)",
    "CREATE INDEX IF NOT EXISTS search_1_words ON search_1 USING gin (words)",
    "CREATE TABLE IF NOT EXISTS search_state_1 (seq bigint NOT NULL)",
    "INSERT INTO search_state_1 SELECT 0 WHERE NOT EXISTS (SELECT FROM search_state_1)",
)
_STATE = "SELECT seq FROM search_state_1"
_MOVE = """
WITH moved AS (UPDATE search_state_1 SET seq = %s WHERE seq = %s RETURNING seq),
  gone AS (DELETE FROM search_1 WHERE id = ANY (%s) AND EXISTS (SELECT FROM moved)),
  made AS (
    INSERT INTO search_1 SELECT id, n, array_to_tsvector(string_to_array(words, ' '))
    FROM unnest(%s::uuid[], %s::bigint[], %s::text[]) AS found (id, n, words) WHERE EXISTS (SELECT FROM moved)
    ON CONFLICT (id) DO UPDATE SET n = excluded.n, words = excluded.words)
SELECT count(*) FROM moved
"""
_PLACE = "SELECT n FROM search_1 WHERE id = %s"
_FIND = "SELECT id FROM search_1 WHERE words @@ %s::tsquery AND n < %s ORDER BY n DESC LIMIT %s"


class Search:
    """The index of one store. Raises `StoreError`."""

    def __init__(self, store: Store, database: Database) -> None:
        self._store = store
        self._database = database
        self._made = False

    def find(self, words: Sequence[str], limit: int, after: UUID | None) -> list[UUID]:
        """Ids of the artifacts that hold words beginning with all of these, those changed last first, below `after`."""
        if not self._made:
            self._make()
        if self._database.refusal is None:
            self._catch_up()
        asked = " & ".join(f"'{word}':*" for word in folded(" ".join(words)))
        if not asked:
            return []
        below = 2**63 - 1
        if after is not None:
            place = self._database.row(_PLACE, (after,))
            below = 0 if place is None else int(place[0])
        return [row[0] for row in self._database.rows(_FIND, (asked, below, limit), prepare=False)]

    def _make(self) -> None:
        def work(connection: psycopg.Connection, _: bool) -> None:
            with connection.transaction():
                for statement in _MAKE:
                    connection.execute(statement)

        if not self._database.rows(_THERE)[0][0]:
            self._database.run(work)
        self._made = True

    def _catch_up(self) -> None:
        while True:
            seq = int(self._database.rows(_STATE)[0][0])
            found = self._store.changes(seq, PAGE)
            if found:
                self._database.rows(_MOVE, (found[-1].seq, seq, *self._values(found)))
            if len(found) < PAGE:
                return

    def _values(self, found: Sequence[Change]) -> tuple[Any, ...]:
        """Ids of what is gone, and of what is new the ids, places and words."""
        gone = [change.deleted.id for change in found if change.deleted is not None]
        records = {change.record.id: change.record for change in found if change.record is not None}
        texts = [" ".join(folded(text_of(record, self._store))) for record in records.values()]
        return gone, list(records), [record.seq for record in records.values()], texts
