"""Full-text search, over an index that is derived from the change feed of any store.

A store in a database has its own, see `postgres_search`; else the index is a file beside the store (``search.db``),
brought up to date when somebody searches, so that creating an artifact costs nothing more. It may be deleted at any
time. Words are found in key, type, description, tags, metadata and the beginning of the payload; accents and case do not
matter, and the beginning of a word is enough.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from uuid import UUID

from nb_artifacts.api import body
from nb_artifacts.api.artifacts import list_answer
from nb_artifacts.api.filters import MOST, limit_of
from nb_artifacts.errors import StoreError
from nb_artifacts.store.words import text_of, words_in
from nb_artifacts.wire import ArtifactFilter, IdFilter, Query

if TYPE_CHECKING:
    from nb_artifacts.api.message import Request, Response
    from nb_artifacts.store import Store
    from nb_artifacts.wire import Record

FORMAT = 3
PAGE = 500
WORDS = 32
_TABLES = f"""
CREATE TABLE doc (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, live INTEGER NOT NULL);
CREATE VIRTUAL TABLE words USING fts5 (
  text, content='', detail=none, prefix='2 3 4 5 6 7 8', tokenize="unicode61 remove_diacritics 2");
CREATE TABLE state (store TEXT NOT NULL, seq INTEGER NOT NULL);
PRAGMA user_version = {FORMAT};
"""
_FIND = (
    "SELECT d.id FROM words w JOIN doc d ON d.n = w.rowid "
    "WHERE words MATCH ? AND d.live AND w.rowid < ? ORDER BY w.rowid DESC LIMIT ?"
)


SEARCHED_HEADER = "X-NB-Artifacts-Searched"


@runtime_checkable
class Both(Protocol):
    """A store of two that are read as one; see `nb_artifacts.union.Union`."""

    def search_elsewhere(self, text: str, limit: int, after: UUID | None) -> list[Record] | None:
        """What only the other one has; None where it cannot be asked."""


class Index:
    """The index of one store. Raises `StoreError` where its file cannot be used."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.path = _place(store)
        self._lock = threading.Lock()

    def find(self, text: str, limit: int, after: UUID | None) -> list[UUID]:
        """Ids of the artifacts that hold all words of `text`, those made last first, below `after` in that order."""
        words = words_in(text)[:WORDS]
        if not words:
            return []
        in_database = getattr(self._store, "find_words", None)
        if in_database is not None:
            found: list[UUID] = in_database(words, limit, after)
            return found
        match = " ".join(f'"{word}"*' for word in words)
        with self._lock:
            try:
                with contextlib.closing(self._open()) as connection:
                    self._catch_up(connection)
                    below = self._number(connection, after)
                    return [UUID(bytes=row[0]) for row in connection.execute(_FIND, (match, below, limit))]
            except sqlite3.DatabaseError as error:
                if "phrase" in str(error):
                    return []  # a letter younger than SQLite's tables parts a word for it
                self.path.unlink(missing_ok=True)
                raise StoreError(f"the search index {self.path} could not be used ({error}) and is made anew") from error

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        self.path.chmod(0o600)
        connection.execute("PRAGMA synchronous = OFF")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        state = connection.execute("SELECT store, seq FROM state").fetchone() if version == FORMAT else None
        own = getattr(self._store, "local", self._store)
        name = f"{own.id} {getattr(own, 'restored', None) or ''}".strip()
        if state is None or state[0] != name or state[1] > own.last_seq():  # the last: put back to an earlier state
            connection.close()
            self.path.unlink()
            connection = sqlite3.connect(self.path, timeout=10, isolation_level=None)
            self.path.chmod(0o600)
            connection.executescript(_TABLES)
            connection.execute("INSERT INTO state VALUES (?, 0)", (name,))
        return connection

    def _catch_up(self, connection: sqlite3.Connection) -> None:
        while True:
            connection.execute("BEGIN IMMEDIATE")
            try:
                (seq,) = connection.execute("SELECT seq FROM state").fetchone()
                changes = self._store.changes(seq, PAGE)
                for change in changes:
                    if change.record is not None:
                        self._add(connection, change.record)
                    elif change.deleted is not None:
                        connection.execute("UPDATE doc SET live = 0 WHERE id = ?", (change.deleted.id.bytes,))
                if changes:
                    connection.execute("UPDATE state SET seq = ?", (changes[-1].seq,))
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            if len(changes) < PAGE:
                return

    def _add(self, connection: sqlite3.Connection, record: Record) -> None:
        """Index a record anew. What an earlier state of it held is found no longer, since its number is given up."""
        connection.execute("DELETE FROM doc WHERE id = ?", (record.id.bytes,))
        sql = "INSERT INTO doc (n, id, live) VALUES (?, ?, 1)"
        connection.execute(sql, (record.seq, record.id.bytes))
        connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (record.seq, text_of(record, self._store)))

    def _number(self, connection: sqlite3.Connection, after: UUID | None) -> int:
        if after is None:
            return 2**63 - 1
        found = connection.execute("SELECT n FROM doc WHERE id = ?", (after.bytes,)).fetchone()
        return int(found[0]) if found else 0


def _place(store: Store) -> Path:
    folder = getattr(store, "folder", None)
    if isinstance(folder, Path):
        return folder / "search.db"
    import platformdirs

    return Path(platformdirs.user_cache_dir("nb_artifacts", appauthor=False)) / "search" / f"{store.id}.db"


_SEARCH: dict[str, body.Field] = {"q": body.pattern, "limit": body.integer, "after": body.uuid}


def search(store: Store, request: Request, index: Index) -> Response:
    """``POST /search``: artifacts that hold all words of `q`, last changed first; `after` is the last one's id.

    Where the store is sent to a server of ours, what only that one has follows; a header says where it could not be asked.
    """
    found = body.read_members(request, _SEARCH)
    if "q" not in found:
        raise body.invalid([body.Problem("missing", ("body", "q"), "Field required", None)], None)
    text, limit, after = found["q"], min(limit_of(found), MOST), found.get("after")
    ids = index.find(text, limit, after)
    only = ArtifactFilter(id=IdFilter(any_=ids))
    place = {id: n for n, id in enumerate(ids)}
    records = sorted(store.find(Query(artifacts=only, limit=len(ids))), key=lambda one: place[one.id]) if ids else []
    others: list[Record] | None = []
    if isinstance(store, Both) and len(ids) < limit and words_in(text):
        others = store.search_elsewhere(text, limit - len(ids), after)
    response = list_answer(store, request, [*records, *(others or [])], wants_data=not request.whole)
    if others is None:
        response.headers[SEARCHED_HEADER] = "folder"
    return response
