"""A page of example rows: those that were added, removed and changed in turn, cells as JSON values."""

# ruff: noqa: S608 -- as in `frames`

from __future__ import annotations

import math
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec

from nb_artifacts.diff.result import RowChange
from nb_artifacts.types._cells import cells
from nb_artifacts.types._rows import specs_of
from nb_artifacts.types._sheet import META

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import pyarrow as pa

    from nb_artifacts.diff.changes import Part
    from nb_artifacts.diff.frames import Frame

WIDE = 50
"""Cells of a row that are shown."""
_CLIP = 500
"""Characters of a cell."""
_EXACT = 2**53


def page(
    connection: duckdb.DuckDBPyConnection, a: Frame, b: Frame, keys: Sequence[str], parts: Sequence[Part], limit: int,
    offset: int,
) -> list[RowChange]:  # fmt: skip
    """At most `limit` rows of ``changes``, each kind having its share, in the order of the tables."""
    found: list[tuple[int | None, int | None]] = connection.execute(
        "SELECT a, b FROM (SELECT a, b, row_number() OVER (PARTITION BY a IS NULL, b IS NULL ORDER BY coalesce(b, a))"
        " AS nth FROM changes) ORDER BY nth, a IS NULL, b IS NULL LIMIT ? OFFSET ?",
        [max(limit, 0), max(offset, 0)],
    ).fetchall()
    found.sort(key=lambda row: (row[0] if row[1] is None else row[1]) or 0)
    changed = _changed(connection, parts, [old for old, new in found if old is not None and new is not None])
    shown = [b.fields[:WIDE] if old is None else a.fields[:WIDE] if new is None else changed[old][:WIDE] for old, new in found]
    names = list(dict.fromkeys([*keys, *(name for row in shown for name in row)]))
    before = _rows(connection, a, [old for old, _ in found if old is not None], names)
    after = _rows(connection, b, [new for _, new in found if new is not None], names)
    return [
        _row(
            "added" if old is None else "removed" if new is None else "changed",
            None if old is None else before[old], None if new is None else after[new], keys, cells, old, new,
        )
        for (old, new), cells in zip(found, shown, strict=True)
    ]  # fmt: skip


def _changed(connection: duckdb.DuckDBPyConnection, parts: Sequence[Part], places: Sequence[int]) -> dict[int, list[str]]:
    """By their places in the first table, the columns of rows whose cells are others."""
    found: dict[int, list[str]] = {place: [] for place in places}
    wanted = ", ".join(map(str, places))
    for part in parts if places else ():
        flags = "".join(f", d{place}" for place in range(len(part.fields)))
        rows = connection.execute(f"SELECT a{flags} FROM {part.table} WHERE a IN ({wanted}) AND b IS NOT NULL").fetchall()
        for place, *differ in rows:
            found[place] += [name for name, flag in zip(part.fields, differ, strict=True) if flag]
    return found


def _row(
    change: Any, old: dict[str, Any] | None, new: dict[str, Any] | None, keys: Sequence[str], shown: Sequence[str],
    old_place: int | None, new_place: int | None,
) -> RowChange:  # fmt: skip
    either = new if new is not None else old
    assert either is not None
    return RowChange(
        change=change, before=old_place, after=new_place, key={name: either[name] for name in keys},
        cells={name: (old[name] if old is not None else None, new[name] if new is not None else None) for name in shown},
    )  # fmt: skip


def _rows(
    connection: duckdb.DuckDBPyConnection, frame: Frame, places: Sequence[int], names: Sequence[str]
) -> dict[int, dict[str, Any]]:
    """The rows at these places: those of the columns that the table has, cells as JSON values."""
    here = [name for name in names if name in frame.aliases]
    if not places or not here:
        return {place: {} for place in places}
    wanted, columns = ", ".join(map(str, places)), ", ".join(frame.aliases[name] for name in here)
    table = connection.sql(f"SELECT {columns}, rn FROM {frame.part(here)} WHERE rn IN ({wanted})").to_arrow_table()
    rn = table.column("rn").to_pylist()
    (kinds, specs), read = _kept(frame), set(here)
    values = {
        name: _shown(table.column(frame.aliases[name]), kinds[at], specs[at] if at < len(specs) else {})
        for at, name in enumerate(frame.fields)
        if name in read
    }
    return {place: {name: cells[at] for name, cells in values.items()} for at, place in enumerate(rn)}


def _kept(frame: Frame) -> tuple[list[Any], list[dict[str, Any]]]:
    """The columns' Arrow types, and what they were made from."""
    import pyarrow.parquet as pq

    with suppress(ImportError):  # registers periods and intervals with pyarrow
        import_module("pandas.core.arrays.arrow.extension_types")
    with pq.ParquetFile(frame.path) as file:
        meta = (file.metadata.metadata or {}).get(META)
        kinds = list(file.schema_arrow.types)
    specs = specs_of(msgspec.json.decode(meta)) if meta else []
    return kinds, [{name: part for name, part in spec.items() if name != "ints"} for spec in specs]  # `ints` goes by place


def _shown(column: pa.ChunkedArray[Any], kind: Any, spec: dict[str, Any]) -> list[Any]:
    import pyarrow as pa

    if not pa.types.is_dictionary(kind):
        with suppress(pa.ArrowException):
            column = column.cast(kind)
    if pa.types.is_floating(column.type):
        return [_number(value) for value in column.to_pylist()]
    return [_cell(value) for value in cells(column, spec)]


def _number(value: float | None) -> Any:
    if value is None or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _cell(value: Any) -> Any:
    """A cell as a browser can hold it: nothing that loses digits, nothing nested, nothing long."""
    if isinstance(value, msgspec.Raw):
        value = bytes(value).decode()
    elif isinstance(value, (dict, list)):
        value = msgspec.json.encode(value).decode()
    if isinstance(value, int) and not isinstance(value, bool) and not -_EXACT < value < _EXACT:
        return str(value)
    return value[:_CLIP] + "…" if isinstance(value, str) and len(value) > _CLIP else value
