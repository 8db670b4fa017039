"""Queries of stored tables, for servers and widgets: where a table's bytes are, and what the query process says of them."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from nb_artifacts.errors import BlobMissing, InvalidValue
from nb_artifacts.query.ask import RowsQuery
from nb_artifacts.query.worker import IDLE, SECONDS, Worker
from nb_artifacts.wire import decode_data

if TYPE_CHECKING:
    from collections.abc import Generator

    from nb_artifacts.diff.result import TableAsk, TableDiff
    from nb_artifacts.query.left import Left
    from nb_artifacts.store import Store
    from nb_artifacts.wire import BlobRef, Record

PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.stream"
SPOOLED = 2 * 2**30
"""Bytes of tables from stores without files of their own that are kept as files."""
_PIECE = 1024 * 1024

Form = Literal["csv", "parquet", "json", "markdown"]


class Page(NamedTuple):
    """Some rows as Arrow (or JSON), how many match, and how many there are."""

    arrow: bytes
    rows: int
    total: int


class _Place(NamedTuple):
    """A table's name for caches, its file, or the JSON it stands in."""

    name: str
    path: str | None
    text: bytes
    columns: list[dict[str, Any]] | None


class Tables:
    """Answers questions about the tables of a store; its methods block, and may be called from any thread.

    They raise `BadQuery` for a wrong query, `InvalidValue` for what is no readable table, `BlobMissing` for bytes that are
    gone and `QueryFailed`, all naming the reason.
    """

    def __init__(self, store: Store, *, idle: float = IDLE, seconds: float = SECONDS) -> None:
        self._store = store
        folder = getattr(getattr(store, "local", store), "folder", None)  # of a store and its remote: the one on this disk
        self.worker = Worker(folder / "tmp" if isinstance(folder, Path) else None, idle=idle, seconds=seconds)
        self._spool = Spool()

    def name(self, record: Record) -> str:
        """What changes when the table does. Raises `InvalidValue` for another type."""
        return self._place(record, opened=False).name

    def expect(self, record: Record) -> None:
        """A table will be looked at: where its rows have to be asked for, start the query process now. Never blocks."""
        from nb_artifacts.types.table import ROWS

        if record.blob is not None and ROWS in (record.metadata_ or {}):
            self.worker.warm()

    def rows(
        self, record: Record, query: RowsQuery, *, form: Literal["arrow", "json"] = "arrow", left: Left | None = None
    ) -> Page:
        """A page of rows."""
        head, body = self._ask(record, {"kind": "rows", "form": form}, query, left)
        return Page(body, head["rows"], head["total"])

    def summary(self, record: Record, query: RowsQuery, *, left: Left | None = None) -> bytes:
        """What the columns hold, as JSON."""
        return self._ask(record, {"kind": "summary"}, query, left)[1]

    def export(self, record: Record, query: RowsQuery, form: Form, *, left: Left | None = None) -> Generator[bytes, None, None]:
        """The whole view as a file, in parts. What is wrong is raised by this call, before the first part."""
        place = self._place(record)
        if form == "parquet" and place.path is not None and query == RowsQuery(offset=query.offset, limit=query.limit):
            assert record.blob is not None
            return _pieces(self._store.open_blob(record.blob))
        parts = self._parts(record, place, form, query, left)
        first = next(parts, b"")
        return _after(first, parts)

    def diff(self, before: Record, after: Record, ask: TableAsk, *, left: Left | None = None) -> TableDiff:
        """How one table became another. Raises `InvalidValue` for a column that is not there."""
        from nb_artifacts.diff.result import TableDiff

        sides = []
        for record in (before, after):
            place = self._place(record)
            if place.path is None:
                self.rows(record, RowsQuery(limit=0), left=left)  # makes a file of the JSON
            sides.append({"name": place.name, "path": place.path, "columns": place.columns})
        head = {"kind": "diff", "sides": sides, "ask": msgspec.to_builtins(ask)}
        with self._explained(before):
            return msgspec.json.decode(self.worker.ask(head, b"", left)[1], type=TableDiff)

    def close(self) -> None:
        """End the query process and delete its files."""
        self.worker.close()
        self._spool.close()

    def _ask(self, record: Record, head: dict[str, Any], query: RowsQuery, left: Left | None) -> tuple[dict[str, Any], bytes]:
        place = self._place(record)
        whole = {**head, **_told(place, query)}
        with self._explained(record):
            answer = self.worker.ask(whole, b"", left)
            return self.worker.ask(whole, place.text, left) if "need" in answer[0] else answer

    def _parts(
        self, record: Record, place: _Place, form: Form, query: RowsQuery, left: Left | None
    ) -> Generator[bytes, None, None]:
        head = {"kind": "export", "form": form, **_told(place, query)}
        with self._explained(record):
            for body in (b"", place.text):
                for answer, content in self.worker.stream(head, body, left):
                    if "need" in answer:
                        break
                    if content:
                        yield content
                else:
                    return

    @contextlib.contextmanager
    def _explained(self, record: Record) -> Generator[None, None, None]:
        try:
            yield
        except FileNotFoundError:
            raise BlobMissing(record.blob.sha256 if record.blob else str(record.id), self._store.where) from None

    def _place(self, record: Record, *, opened: bool = True) -> _Place:
        if record.type != "table":
            raise InvalidValue(f"{record.key or record.id} is not a table but {record.type or 'of no type'}.")
        columns = record.info.get("columns") if isinstance(record.info, dict) else None
        known = [column for column in columns or [] if isinstance(column, dict) and "field" in column]
        if record.blob is not None and record.blob.media == PARQUET:
            path = self._spool.path(self._store, record.blob) if opened else None
            return _Place(record.blob.sha256, path, b"", known or None)
        found = decode_data(record)
        text = found.encode() if isinstance(found, str) else msgspec.json.encode(found)
        return _Place(f"json-{hashlib.sha256(text).hexdigest()}", None, text, None)


def _told(place: _Place, query: RowsQuery) -> dict[str, Any]:
    return {"name": place.name, "path": place.path, "columns": place.columns, "query": msgspec.to_builtins(query)}


def _after(first: bytes, parts: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    with contextlib.closing(parts):
        yield first
        yield from parts


def _pieces(file: IO[bytes]) -> Generator[bytes, None, None]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


class Spool:
    """Blobs as files, for readers that need one: the store's own file where it has one, else a copy."""

    def __init__(self, most: int = SPOOLED) -> None:
        self._most = most
        self._folder: Path | None = None
        self._lock = threading.Lock()

    def path(self, store: Store, ref: BlobRef) -> str:
        """The path of a file with these bytes. Raises `BlobMissing`."""
        with store.open_blob(ref) as file:
            name = getattr(file, "name", None)
            if isinstance(name, str) and Path(name).is_file():
                return name
            with self._lock:
                return self._copied(file, ref)

    def _copied(self, file: IO[bytes], ref: BlobRef) -> str:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="nb-artifacts-tables-"))
            weakref.finalize(self, shutil.rmtree, str(self._folder), ignore_errors=True)
        path = self._folder / f"{ref.sha256}.parquet"
        if path.exists():
            path.touch()
            return str(path)
        self._make_room(ref.size)
        beside = self._folder / secrets.token_hex(8)
        hashed = hashlib.sha256()
        with beside.open("wb") as copy:
            while piece := file.read(_PIECE):
                hashed.update(piece)
                copy.write(piece)
        if hashed.hexdigest() != ref.sha256:
            beside.unlink()
            raise BlobMissing(ref.sha256, "whole in its store")
        beside.replace(path)
        return str(path)

    def _make_room(self, size: int) -> None:
        assert self._folder is not None
        kept = sorted(self._folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime)
        used = sum(path.stat().st_size for path in kept)
        while kept and used + size > self._most:
            gone = kept.pop(0)
            used -= gone.stat().st_size
            with contextlib.suppress(OSError):
                gone.unlink()

    def close(self) -> None:
        """Delete the copies."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
