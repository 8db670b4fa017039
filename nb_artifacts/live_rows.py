"""Rows that come one by one: checked as they come, turned into Arrow in batches, so that appending costs next to nothing.

A column has one kind of cell: numbers, texts, truth values, times … Whole numbers become broken ones where a broken one
comes; what else does not fit is refused, naming the column and the row.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types import Table
from nb_artifacts.types.text import encodable

if TYPE_CHECKING:
    import pyarrow as pa

Kind = str
_LOW, _HIGH, _EXACT = -(2**63), 2**63 - 1, 2**53
_DIGITS = 38
"""Of a Decimal, on each side of the point: a column then always fits into the 76 of Arrow."""
_KINDS: dict[type, Kind] = {
    bool: "bool", int: "int", float: "float", str: "text", bytes: "bytes", Decimal: "decimal", timedelta: "span",
    date: "day", time: "clock",
}  # fmt: skip
_WORDS = {
    "bool": "a truth value", "int": "a whole number", "float": "a number", "text": "a text", "bytes": "bytes",
    "decimal": "a Decimal", "span": "a timedelta", "day": "a date", "clock": "a time of day", "moment": "a datetime",
    "zoned": "a datetime with a time zone",
}  # fmt: skip
_CHUNKS = 64
"""Batches that are kept apart before they are joined."""
TAKES = "numbers, texts, truth values, dates and times, timedeltas, bytes and Decimals"


class Rows:
    """The rows of one live table. Safe to use from several threads; one of them at a time may `take`."""

    def __init__(self, columns: Iterable[str] = ()) -> None:
        """`columns` come first, in this order. Raises `InvalidValue` for names that are no texts."""
        self.closed: str | None = None
        """Why no more rows are taken."""
        self._kinds: dict[str, Kind | None] = {}
        self._types: dict[str, type] = {}
        """Of columns whose cells need no other check than that of their class."""
        self._large: set[str] = set()
        """Columns with whole numbers that a broken one cannot hold."""
        self._waiting: list[dict[str, Any]] = []
        self._taken = 0
        self._table: pa.Table | None = None
        self._lock = threading.RLock()
        for name in columns:
            self._kinds[_checked_name(name)] = None

    def __len__(self) -> int:
        with self._lock:
            return self._taken + len(self._waiting)

    def leave(self, why: str) -> None:
        """Take no more rows, in a child of the process whose rows they are: its lock may be held for good."""
        self.closed, self._lock = why, threading.RLock()

    @property
    def waiting(self) -> bool:
        """Whether there are rows that were not taken yet."""
        return bool(self._waiting)

    def append(self, row: dict[str, Any]) -> None:
        """One more row, which is kept as it is. Raises `InvalidValue` naming the column and row; nothing is added then."""
        if self.closed:
            raise InvalidValue(self.closed)
        types = self._types
        for name, value in row.items():
            kind = type(value)
            if (
                types.get(name) is not kind
                or (kind is int and not -_EXACT <= value <= _EXACT)
                or (kind is str and not value.isascii())
            ):
                self._append_checked(row)
                return
        self._waiting.append(row)

    def _append_checked(self, row: dict[str, Any]) -> None:
        with self._lock:
            place = len(self)
            kinds, large = dict(self._kinds), set(self._large)
            checked = {_checked_name(name): _cell(value, name, place, kinds, large) for name, value in row.items()}
            self._adopt(kinds, large)
            self._waiting.append(checked)

    def _adopt(self, kinds: dict[str, Kind | None], large: set[str]) -> None:
        self._kinds, self._large = kinds, large
        plain = {kind: cls for cls, kind in _KINDS.items() if kind in {"bool", "int", "float", "text"}}
        self._types = {name: plain[kind] for name, kind in kinds.items() if kind in plain}

    def extend(self, rows: Any) -> None:
        """Several rows: mappings, or a frame. All of them are added, or none. Errors as `append`, and `UnsupportedType`."""
        if self.closed:
            raise InvalidValue(self.closed)
        if isinstance(rows, (Mapping, str, bytes)) or not (_is_frame(rows) or hasattr(type(rows), "__iter__")):
            raise UnsupportedType("extend takes several rows: a list of dicts, or a frame; append takes one.")
        if _is_frame(rows):
            self._extend_frame(Table(rows).to_arrow())
            return
        with self._lock:
            start, kinds, large, checked = len(self), dict(self._kinds), set(self._large), []
            for place, row in enumerate(rows, start):
                if not isinstance(row, Mapping):
                    raise UnsupportedType(f"row {place} is a {type(row).__name__}: rows are dicts of column to cell.")
                checked.append({_checked_name(name): _cell(value, name, place, kinds, large) for name, value in row.items()})
            self._adopt(kinds, large)
            self._waiting += checked

    def _extend_frame(self, table: pa.Table) -> None:
        with self._lock:
            start, kinds, large = len(self), dict(self._kinds), set(self._large)
            columns = {name: _plain_column(table.column(place), name) for place, name in enumerate(table.column_names)}
            for name, (column, kind) in columns.items():
                if kind == "int":
                    _note_large(column, name, large)
                kinds[_checked_name(name)] = _joined(kinds.get(name), kind, name, start, large)
            import pyarrow as pa

            self._fold()
            self._adopt(kinds, large)
            added = pa.table([column for column, _ in columns.values()], names=list(columns))
            self._table = added if self._table is None else _concat([self._table, added])
            self._taken += added.num_rows

    def take(self) -> pa.Table:
        """All rows so far as an Arrow table."""
        with self._lock:
            self._fold()
            import pyarrow as pa

            found = self._table if self._table is not None else pa.table({})
            missing = [name for name in self._kinds if name not in found.column_names]
            for name in missing:
                found = found.append_column(name, pa.nulls(found.num_rows))
            return found.select(list(self._kinds))

    def _fold(self) -> None:
        """Join the waiting rows to the table."""
        count = len(self._waiting)
        if not count:
            return
        import pyarrow as pa

        rows, kinds = self._waiting[:count], self._kinds
        arrays = [pa.array([row.get(name) for row in rows], _arrow_type(kind)) for name, kind in kinds.items()]
        batch = pa.table(arrays, names=list(kinds))
        table = batch if self._table is None else _concat([self._table, batch])
        chunked = table.num_columns and table.column(0).num_chunks > _CHUNKS
        self._table = table.combine_chunks() if chunked else table
        self._taken += count
        del self._waiting[:count]


def _is_frame(rows: Any) -> bool:
    return not isinstance(rows, (list, tuple)) and (hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__dataframe__"))


def _concat(tables: list[pa.Table]) -> pa.Table:
    import pyarrow as pa

    return pa.concat_tables(tables, promote_options="permissive")


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidValue(f"{name!r:.80} is not the name of a column: use a text.")
    return encodable(name, f"the column name {name!r:.80}")


def _cell(value: Any, name: str, row: int, kinds: dict[str, Kind | None], large: set[str]) -> Any:
    """A cell as it is kept; its column's kind is noted in `kinds`."""
    value = _plain(value, name, row)
    if value is None:
        kinds.setdefault(name, None)
        return None
    kind = _KINDS.get(type(value)) or ("zoned" if value.tzinfo else "moment")
    if kind == "int":
        if not _LOW <= value <= _HIGH:
            raise InvalidValue(f"column {name!r}, row {row}: {value} has more than 64 bits: make it a float or a text.")
        if not -_EXACT <= value <= _EXACT:
            large.add(name)
    elif kind == "text":
        encodable(value, f"column {name!r}, row {row}:")
    elif problem := _unkept(value):
        raise InvalidValue(f"column {name!r}, row {row}: {value!s:.80} {problem}")
    kinds[name] = _joined(kinds.get(name), kind, name, row, large)
    return value.astimezone(timezone.utc) if kind == "zoned" else value


def _unkept(value: Any) -> str | None:
    """Why Arrow has no place for a cell; found when it is appended: later it would keep all others from being written."""
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int):
            return "is not a number that a column of Decimals can hold: leave it out or use floats."
        if max(value.adjusted() + 1, -exponent) > _DIGITS:
            return f"has more than {_DIGITS} digits before or after the point: make it a float or a text."
    elif isinstance(value, timedelta):
        if not _LOW <= value // timedelta(microseconds=1) <= _HIGH:
            return "is longer than 64 bits of microseconds: make it a number."
    elif isinstance(value, time):
        return "has a time zone, which a time of day cannot keep: use a datetime." if value.tzinfo else None
    elif isinstance(value, datetime) and value.tzinfo:
        try:
            value.astimezone(timezone.utc)
        except OverflowError:
            return "is not between the years 1 and 9999 in UTC."
    return None


def _joined(before: Kind | None, kind: Kind | None, name: str, row: int, large: set[str]) -> Kind | None:
    """The kind of a column that has both. Raises `InvalidValue`."""
    if before is None or kind is None or before == kind:
        return kind if kind is not None else before
    if {before, kind} == {"int", "float"}:
        if name in large:
            raise InvalidValue(f"column {name!r}, row {row}: it has whole numbers above 2**53, which broken ones cannot join.")
        return "float"
    raise InvalidValue(f"column {name!r}, row {row}: {_WORDS[kind]}, where the column has {_WORDS[before]} in other rows.")


def _plain(value: Any, name: str, row: int) -> Any:
    """A cell as one of Python's own values; NumPy's scalars and tensors of no dimension as what they hold."""
    if _is_plain(value):
        return value
    held = _held(value)
    if not _is_plain(held):
        kind = type(value).__name__
        raise InvalidValue(f"column {name!r}, row {row}: a {kind} cannot be kept: a live table takes {TAKES}.")
    return held


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in _KINDS or type(value) is datetime


def _held(value: Any) -> Any:
    """What a value of another library, or of a subclass, is in Python itself; anything else as it is."""
    if type(value).__name__ in {"NaTType", "NAType"}:
        return None
    if type(value).__name__ == "datetime64":
        shorter = value.astype("datetime64[us]")
        return shorter.item() if shorter == value or str(value) == "NaT" else value
    if callable(getattr(value, "item", None)) and getattr(value, "shape", ()) == ():
        value = value.item()
    for cls in (int, float, bytes):
        if isinstance(value, cls) and type(value) is not bool:
            return cls(value)  # type: ignore[arg-type]  # each of the three takes its own kind
    return str.__str__(value) if isinstance(value, str) else _moment(value)


def _moment(value: Any) -> Any:
    """A time of pandas as Python's own, where that has room for it."""
    if getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0):
        return value
    if isinstance(value, timedelta):
        return timedelta(value.days, value.seconds, value.microseconds)
    return value.to_pydatetime() if isinstance(value, datetime) and hasattr(value, "to_pydatetime") else value


def _arrow_type(kind: Kind | None) -> Any:
    import pyarrow as pa

    if kind == "decimal":
        return None  # as wide as the values need
    return {
        None: pa.null(), "bool": pa.bool_(), "int": pa.int64(), "float": pa.float64(), "text": pa.string(),
        "bytes": pa.binary(), "span": pa.duration("us"), "day": pa.date32(), "clock": pa.time64("us"),
        "moment": pa.timestamp("us"), "zoned": pa.timestamp("us", "UTC"),
    }[kind]  # fmt: skip


def _plain_column(column: pa.ChunkedArray[Any], name: str) -> tuple[pa.ChunkedArray[Any], Kind | None]:
    """A frame's column as a live table keeps it, and its kind."""
    import pyarrow as pa

    kind: Any = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    is_ = pa.types
    found: Kind | None = next(
        (word for test, word in (
            (is_.is_boolean, "bool"), (is_.is_integer, "int"), (is_.is_floating, "float"), (is_.is_string, "text"),
            (is_.is_large_string, "text"), (is_.is_binary, "bytes"), (is_.is_large_binary, "bytes"),
            (is_.is_decimal, "decimal"), (is_.is_duration, "span"), (is_.is_date, "day"), (is_.is_time, "clock"),
            (is_.is_timestamp, "zoned" if getattr(kind, "tz", None) else "moment"), (is_.is_null, ""),
        ) if test(kind)), None,
    )  # fmt: skip
    if found is None:
        raise InvalidValue(f"column {name!r}: {kind} cells cannot be kept: a live table takes {TAKES}.")
    if found == "decimal" and max(kind.precision - kind.scale, kind.scale) > _DIGITS:
        raise InvalidValue(f"column {name!r}: its {kind} cells have more than {_DIGITS} digits: make them floats or texts.")
    if found in {"", "decimal"}:
        return column, found or None
    try:
        return column.cast(_arrow_type(found)), found
    except pa.ArrowException as error:
        raise InvalidValue(f"column {name!r}: its {kind} cells cannot be kept: {error}") from None


def _note_large(column: pa.ChunkedArray[Any], name: str, large: set[str]) -> None:
    import pyarrow.compute as pc

    least, most = pc.min(column).as_py(), pc.max(column).as_py()
    if any(end is not None and not -_EXACT <= end <= _EXACT for end in (least, most)):
        large.add(name)
