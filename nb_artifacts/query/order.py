"""Which rows, in which order: their numbers as a compact array, worked out once, so that a page never sorts again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from nb_artifacts.query.conditions import condition, explained, order
from nb_artifacts.query.source import ROW, Source, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb_artifacts.query.ask import RowsQuery

    Going = Callable[[], object]
    """Raises where nobody waits for the answer any more."""

KEPT = 256 * 1024 * 1024
"""Bytes of kept orders: six of ten million rows."""
LARGE = 500_000
"""Of more rows the first page of a new order comes before the order is complete."""
FIRST = 1000


class Rows(NamedTuple):
    """The rows of a page, and how many match in all."""

    numbers: Any
    """A range where they stand so in the table, else an array."""
    matching: int
    order: Any = None
    """All numbers of the order that the page is of, where there is one; `name` tells it from others."""
    start: int = 0
    """Where in `order` the page begins."""
    name: bytes = b""
    partial: bool = False
    """Whether `order` is only its beginning."""


class Orders:
    """Orders of the tables of one process."""

    def __init__(self, kept: int = KEPT) -> None:
        self._most = kept
        self._kept: OrderedDict[bytes, Any] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._making: dict[bytes, threading.Event] = {}

    def rows(self, source: Source, query: RowsQuery, cursor: Any, going: Going = lambda: None) -> Rows:
        """Numbers of the rows of a page. Raises `BadQuery`, and what `going` raises."""
        if query.all and not query.sort:
            places = range(0, source.total, query.stride)
            return Rows(places[query.offset : query.offset + query.limit], source.total)
        key = _key(source, query)
        soon = query.sort and source.total > LARGE and query.offset + query.limit <= FIRST and query.stride == 1
        if soon and self._known(key) is None:
            numbers, count = self._first(source, query, cursor)
            return _page(numbers, count, query, key + b" first")._replace(partial=True)
        numbers = self.whole(source, query, cursor, going)
        return _page(numbers, len(numbers), query, key)

    def whole(self, source: Source, query: RowsQuery, cursor: Any, going: Going = lambda: None) -> Any:
        """The whole order; a second asker waits for the first one's. Raises `BadQuery`, and what `going` raises."""
        key = _key(source, query)
        while True:
            with self._lock:
                found = self._get(key)
                other = self._making.get(key)
                if found is None and other is None:
                    mine = self._making[key] = threading.Event()
                    break
            if found is not None:
                return found
            assert other is not None
            while not other.wait(0.05):
                going()
        try:
            numbers = _numbers(source, query, cursor)
            with self._lock:
                self._keep(key, numbers)
            return numbers
        finally:
            with self._lock:
                del self._making[key]
            mine.set()

    def _known(self, key: bytes) -> Any:
        with self._lock:
            return self._get(key)

    def _get(self, key: bytes) -> Any:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def _keep(self, key: bytes, numbers: Any) -> None:
        self._kept[key] = numbers
        self._size += numbers.nbytes
        while self._size > self._most and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._size -= gone.nbytes

    def _first(self, source: Source, query: RowsQuery, cursor: Any) -> tuple[Any, int]:
        count = source.total
        if not query.all:
            where = condition(source, query, cursor)
            with explained(source, query, 3):
                found = cursor.execute(f"SELECT count(*) FROM rows\nWHERE {where.sql}", where.values).fetchall()  # noqa: S608 (names quoted, values as parameters)
            count = found[0][0]
        return _numbers(source, query, cursor, f" LIMIT {FIRST}"), count


def _page(numbers: Any, count: int, query: RowsQuery, name: bytes) -> Rows:
    end = query.offset + query.limit
    if query.stride > 1:
        return Rows(numbers[:: query.stride][query.offset : end], count)
    return Rows(numbers[query.offset : end], count, numbers, query.offset, name)


def _numbers(source: Source, query: RowsQuery, cursor: Any, limit: str = "") -> Any:
    """Numbers of the rows that match, in their order; equal rows as they stand in the table."""
    where = condition(source, query, cursor)
    width = "UINTEGER" if source.total < 2**32 else "UBIGINT"  # half the width is sorted and kept in half the room
    terms = order(source, query.sort)
    keys = "".join(f", {term} AS k{n}" for n, (term, _) in enumerate(terms))
    rows = f"SELECT CAST({quoted(ROW)} AS {width}) AS r{keys} FROM rows\nWHERE {where.sql}\n"  # noqa: S608 (names quoted, values as parameters)
    by = "".join(f"k{n} {direction}, " for n, (_, direction) in enumerate(terms))
    select = f"SELECT r FROM ({rows}) ORDER BY {by}r{limit}" if terms else rows  # noqa: S608 (made of the parts above)
    with explained(source, query, 3):
        found = cursor.execute(select, where.values).fetchnumpy()["r"]
    return found.filled() if hasattr(found, "filled") else found


def _key(source: Source, query: RowsQuery) -> bytes:
    said = [source.name, query.q, query.where, query.filter, query.sort]
    return msgspec.json.encode(said)
