"""Everything a query needs, in the process that does it: open tables, orders and decoded pages are kept between requests."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from nb_artifacts.query.order import Orders
from nb_artifacts.query.pages import Reader, chosen
from nb_artifacts.query.source import Cursor, Limits, Source
from nb_artifacts.query.summary import summary
from nb_artifacts.query.written import Format, Writer, records, to_arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nb_artifacts.query.ask import RowsQuery

OPEN = 8
"""Tables that stay open."""
BEHIND = 30.0
"""Seconds that an order may take for which nobody waits yet."""
SUMMARIES = 64
"""Summaries that are kept."""
PART = 16_384
"""Rows of an exported part."""
FETCHED = 131_072
"""Rows that an export reads together."""


class Found(NamedTuple):
    """A page: its bytes, the rows that match, and all rows."""

    content: bytes
    rows: int
    total: int


class Engine:
    """Answers queries of tables by their files."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: OrderedDict[str, Source] = OrderedDict()
        self._opening = threading.Lock()
        self._orders = Orders()
        self._reader = Reader()
        self._summaries: dict[bytes, bytes] = {}
        self._behind: Cursor | None = None

    def source(self, name: str, path: str | None, described: list[dict[str, Any]] | None, text: bytes) -> Source | None:
        """The table of a Parquet file; without one of the JSON in `text`, None where that is not known and not given.

        Raises `InvalidValue` for what is no table, and FileNotFoundError.
        """
        with self._opening:
            found = self._open.get(name)
            if found is not None and not found.spent:
                self._open.move_to_end(name)
                return found
            if path is None:
                made = Path(self._limits.temp) / f"{name}.parquet"
                if not made.exists():
                    if not text:
                        return None
                    _parquet_of(text, made)
                path = str(made)
            found = self._open[name] = Source(path, name, self._limits, described)
            while len(self._open) > OPEN:
                self._open.popitem(last=False)  # whoever still reads it keeps it
            return found

    def rows(
        self, source: Source, query: RowsQuery, form: Literal["arrow", "json"], cursor: Any, going: Callable[[], object]
    ) -> Found:
        """A page. Raises `BadQuery`."""
        fields = chosen(source, query.columns)
        rows = self._orders.rows(source, query, cursor, going)
        going()
        table = self._reader.page(source, fields, rows, cursor)
        if rows.partial:
            self._later(source, query)
        elif not source.ready:
            threading.Thread(target=source.prepare, daemon=True).start()
        if form == "arrow":
            return Found(to_arrow(table, fields), rows.matching, source.total)
        columns = [{"field": f.field, "name": f.name, "dtype": f.dtype, "kind": f.kind, "index": f.level} for f in fields]
        page = {
            "rows": rows.matching, "total": source.total, "offset": query.offset, "columns": columns,
            "data": list(records(table, fields)),
        }  # fmt: skip
        return Found(msgspec.json.encode(page), rows.matching, source.total)

    def _later(self, source: Source, query: RowsQuery) -> None:
        """Work out the whole order while its first page is looked at; the one before, if it still goes on, is given up."""
        cursor, before = Cursor(source), self._behind
        self._behind = cursor
        if before is not None:
            before.interrupt()
        limit = threading.Timer(BEHIND, cursor.interrupt)
        limit.daemon = True

        def work() -> None:
            limit.start()
            try:
                self._orders.whole(source, query, cursor)
            except Exception:  # noqa: BLE001 (whoever asks for the next page meets it again)
                return
            finally:
                limit.cancel()

        threading.Thread(target=work, daemon=True).start()

    def summary(self, source: Source, query: RowsQuery, cursor: Any) -> bytes:
        """What the columns hold, as JSON. Raises `BadQuery`."""
        key = msgspec.json.encode([source.name, query.columns, query.q, query.where, query.filter])
        found = self._summaries.get(key)
        if found is None:
            found = msgspec.json.encode(summary(source, chosen(source, query.columns), query, cursor))
            self._summaries[key] = found
            while len(self._summaries) > SUMMARIES:
                self._summaries.pop(next(iter(self._summaries)))
        return found

    def export(
        self, source: Source, query: RowsQuery, form: Format, cursor: Any, going: Callable[[], object]
    ) -> Iterator[bytes]:
        """The whole view as a file, part by part. Raises `BadQuery` before the first."""
        fields = chosen(source, query.columns)
        writer = Writer(form, fields)
        numbers: Any = range(source.total)
        if query.sort or not query.all:
            numbers = self._orders.whole(source, query, cursor, going)
        head = writer.head()
        for start in range(0, len(numbers), FETCHED):
            table = self._reader.table(source, fields, numbers[start : start + FETCHED], cursor)
            for at in range(0, table.num_rows, PART):
                yield head + writer.part(table.slice(at, PART))
                head = b""
                going()
        yield head + writer.tail()


def _parquet_of(text: bytes, path: Path) -> None:
    """Write the table that a Prefect client kept as JSON text. Raises `UnsupportedType` and `InvalidValue`."""
    from nb_artifacts.types import _data
    from nb_artifacts.types.table import Table

    blob = Table(_data.parsed(text.decode())).content().blob
    assert blob is not None
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_suffix(".part")
    beside.write_bytes(blob[0])
    beside.replace(path)
