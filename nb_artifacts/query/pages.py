"""Rows by their numbers, as Arrow, with the types of the stored file.

Neighbouring rows are read by row group with pyarrow. Rows that lie all over a large file (those of a sorted page) are fetched
by DuckDB, which unpacks only what holds one; some more than asked are fetched and kept, because the next page lies beside
this one in the order and nowhere near it in the file.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from nb_artifacts.query.ask import Which
from nb_artifacts.query.conditions import explained, field_of
from nb_artifacts.query.source import ROW, Field, Source, damaged, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from nb_artifacts.query.order import Rows

SCATTERED = 4
"""Rows of more row groups than this are fetched one by one."""
WHOLE = 1_100_000
"""Row groups of more rows are not read whole; no usual writer makes them."""
WINDOW = 2048
"""So many rows of an order are fetched together."""
WINDOWS = 32
"""So many such parts are kept."""
KEPT = 64 * 1024 * 1024
"""Bytes of decoded row groups that are kept."""


def chosen(source: Source, names: list[str] | None) -> list[Field]:
    """The columns asked for. Raises `BadQuery`."""
    return source.fields if names is None else [field_of(source, name) for name in dict.fromkeys(names)]


class Reader:
    """Reads pages of the tables of one process."""

    def __init__(self) -> None:
        self._groups: OrderedDict[tuple[str, int, str], Any] = OrderedDict()
        self._size = 0
        self._windows: OrderedDict[tuple[Any, ...], pa.Table] = OrderedDict()
        self._lock = threading.Lock()

    def page(self, source: Source, fields: list[Field], rows: Rows, cursor: Any) -> pa.Table:
        """The rows of a page. Raises `InvalidValue` for a damaged file."""
        import pyarrow as pa

        if rows.order is None or rows.partial or not is_scattered(source, rows.numbers):
            return self.table(source, fields, rows.numbers, cursor)
        end = rows.start + len(rows.numbers)
        first = rows.start // WINDOW * WINDOW
        parts = [self._window(source, fields, rows, at, cursor) for at in range(first, end, WINDOW)]
        return pa.concat_tables(parts).slice(rows.start - first, len(rows.numbers))

    def _window(self, source: Source, fields: list[Field], rows: Rows, at: int, cursor: Any) -> pa.Table:
        key = (source.name, rows.name, at, tuple(field.sql for field in fields))
        with self._lock:
            found = self._windows.get(key)
            if found is not None:
                self._windows.move_to_end(key)
                return found
        found = self.table(source, fields, rows.order[at : at + WINDOW], cursor)
        with self._lock:
            self._windows[key] = found
            while len(self._windows) > WINDOWS:
                self._windows.popitem(last=False)
        return found

    def table(self, source: Source, fields: list[Field], numbers: Any, cursor: Any) -> pa.Table:
        """The rows of these numbers, in that order. Raises `InvalidValue` for a damaged file."""
        import numpy as np
        import pyarrow as pa

        found = np.asarray(numbers, dtype=np.int64)
        if not fields:
            return pa.table({"": pa.nulls(len(found))}).select([])
        try:
            if not is_scattered(source, found):
                return self._by_group(source, fields, found)
            direct = [field for field in fields if _survives(field.type)]
            rest = [field for field in fields if not _survives(field.type)]
            columns = self._fetched(source, direct, found, cursor)
            if rest:
                columns |= _columns(self._by_group(source, rest, found))
        except pa.ArrowMemoryError:
            raise
        except (pa.ArrowException, OSError) as error:
            raise damaged(source.name, error) from None
        return pa.table([columns[field.sql] for field in fields], schema=schema_of(fields))

    def _by_group(self, source: Source, fields: list[Field], numbers: Any) -> pa.Table:
        import numpy as np
        import pyarrow as pa

        starts, groups = _groups_of(source, numbers)
        touched = np.unique(groups).tolist()
        if not touched:
            return schema_of(fields).empty_table()
        offsets, at = np.zeros(len(source.groups), dtype=np.int64), 0
        for group in touched:
            offsets[group] = at - starts[group]
            at += source.groups[group]
        whole = pa.concat_tables([self._group(source, fields, group) for group in touched])
        wanted = numbers + offsets[groups]
        if bool((np.diff(wanted) == 1).all()):
            return whole.slice(int(wanted[0]), len(wanted))
        return whole.take(whole_numbers(wanted))

    def _group(self, source: Source, fields: list[Field], group: int) -> pa.Table:
        """Columns of one row group; those that are kept are not read again."""
        import pyarrow as pa

        with self._lock:
            known: dict[str, Any] = {field.sql: self._groups.get((source.name, group, field.sql)) for field in fields}
        missing = [field for field in fields if known[field.sql] is None]
        if missing:
            with source.reading:
                read = source.file.read_row_group(group, columns=[field.stored for field in missing])
            for field in missing:
                known[field.sql] = plain(read.column(field.stored), field)
                self._keep((source.name, group, field.sql), known[field.sql])
        return pa.table([known[field.sql] for field in fields], schema=schema_of(fields))

    def _keep(self, key: tuple[str, int, str], column: Any) -> None:
        with self._lock:
            if key in self._groups:
                return
            self._groups[key] = column
            self._size += column.nbytes
            while self._size > KEPT and len(self._groups) > 1:
                _, gone = self._groups.popitem(last=False)
                self._size -= gone.nbytes

    def _fetched(self, source: Source, fields: list[Field], numbers: Any, cursor: Any) -> dict[str, Any]:
        import numpy as np

        names = [quoted(ROW), *(quoted(field.raw) for field in fields)]
        asked = np.unique(numbers)
        select = f"SELECT {', '.join(names)} FROM rows WHERE {quoted(ROW)} IN (SELECT unnest(?::BIGINT[]))"  # noqa: S608 (names quoted, values as parameters)
        with explained(source, Which(), 1):
            found = arrow_of(cursor, select, [asked])
        places = np.empty(len(asked), dtype=np.int64)
        places[np.searchsorted(asked, np.from_dlpack(found.column(0).combine_chunks()))] = np.arange(len(asked))
        rows = found.take(whole_numbers(places[np.searchsorted(asked, numbers)]))
        return {field.sql: rows.column(1 + n).cast(stored_type(field.type)) for n, field in enumerate(fields)}


def whole_numbers(values: Any) -> pa.Array[Any]:
    """NumPy's 64-bit integers as Arrow. `pa.array` would load pandas, to see whether they are its: longer than a page takes."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])


def arrow_of(cursor: Any, sql: str, values: list[Any]) -> pa.Table:
    """A query's result as Arrow, in any release of DuckDB."""
    found = cursor.sql(sql, params=values)
    table: pa.Table = found.to_arrow_table() if hasattr(found, "to_arrow_table") else found.fetch_arrow_table()
    return table


def is_scattered(source: Source, numbers: Any) -> bool:
    """Whether rows lie in so many row groups, or in such large ones, that those are not read whole."""
    import numpy as np

    if len(numbers) == 0:
        return False
    if max(source.groups, default=0) > WHOLE:
        return True
    if isinstance(numbers, range) or len(source.groups) <= SCATTERED:
        return isinstance(numbers, range) and numbers.step > 1 and len(source.groups) > SCATTERED
    return len(np.unique(_groups_of(source, numbers)[1])) > SCATTERED


def _groups_of(source: Source, numbers: Any) -> tuple[Any, Any]:
    """Where row groups begin, and in which each row lies."""
    import numpy as np

    starts = np.concatenate([[0], np.cumsum(source.groups)])
    return starts, np.searchsorted(starts, numbers, side="right") - 1


def _columns(table: pa.Table) -> dict[str, Any]:
    return dict(zip(table.column_names, table.columns, strict=True))


def _survives(kind: Any) -> bool:
    """Whether DuckDB gives back the same values for an Arrow type."""
    import pyarrow.types as is_

    known = (
        is_.is_duration,
        is_.is_integer,
        is_.is_floating,
        is_.is_boolean,
        is_.is_string,
        is_.is_large_string,
        is_.is_timestamp,
        is_.is_date,
    )
    return (
        any(test(kind) for test in known) or is_.is_decimal128(kind) or (is_.is_dictionary(kind) and _survives(kind.value_type))
    )


def stored_type(kind: Any) -> Any:
    """The Arrow type in which a column travels: dictionaries and extension types as what they hold, views as copies."""
    import pyarrow as pa

    viewed = {"string_view": pa.string(), "binary_view": pa.binary()}.get(str(kind))
    if viewed is not None:  # rows cannot be taken out of a view
        return viewed
    if pa.types.is_dictionary(kind):
        return kind.value_type
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def plain(column: Any, field: Field) -> Any:
    """A column as it travels."""
    import pyarrow as pa

    if isinstance(field.type, pa.BaseExtensionType):
        parts: list[Any] = [chunk.storage for chunk in column.chunks]
        return pa.chunked_array(parts, type=stored_type(field.type))
    kind = stored_type(field.type)
    return column if column.type == kind else column.cast(kind)


def schema_of(fields: Sequence[Field]) -> pa.Schema:
    """The schema of a page; columns are called as in SQL."""
    import pyarrow as pa

    return pa.schema([pa.field(field.sql, stored_type(field.type)) for field in fields])


def renamed(table: pa.Table, fields: Sequence[Field]) -> pa.Table:
    """The same under the names that callers know."""
    return table.rename_columns([field.field for field in fields]) if fields else table
