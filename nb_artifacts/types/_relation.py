"""DuckDB relations ↔ Arrow tables, with the SQL types that Arrow has no name for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb_artifacts.errors import InvalidValue, UnsupportedType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

_LOSSY = {"uhugeint", "bit", "time with time zone"}
"""DuckDB writes other values than these hold into Arrow, and does not say so."""
_NAMED = {"uuid", "enum", "hugeint", "json"}
"""These come back from Arrow as texts and decimals of the same values."""


def check(relation: Any) -> None:
    """Raise `InvalidValue` naming a column whose values Arrow would change."""
    for name, dtype in zip(relation.columns, relation.types, strict=True):
        found = next((part for part in _parts_of(dtype) if part in _LOSSY), None)
        if found is not None:
            raise InvalidValue(f"column {name!r}, row 0: {dtype} values cannot be kept: cast them to VARCHAR first.")


def _parts_of(dtype: Any) -> Iterator[str]:
    """A type, and those inside it; JSON is a text to DuckDB, with a name of its own."""
    yield "json" if str(dtype) == "JSON" else dtype.id
    if dtype.id in ("list", "array", "struct", "map", "union"):
        for _, part in dtype.children:
            if not isinstance(part, int):  # the length of an array
                yield from _parts_of(part)


def relation(table: pa.Table, types: Sequence[str] | None = None) -> Any:
    """A DuckDB relation of the same rows, of these SQL types where they are known.

    Raises `UnsupportedType` without DuckDB, and for a table that it has no place for.
    """
    import pyarrow as pa

    try:
        import duckdb
    except ImportError:
        raise UnsupportedType("duckdb is not installed here: pip install duckdb, or take .to_arrow().") from None
    try:
        columns = [_stored(column) for column in table.columns]
        if types is None:
            return duckdb.from_arrow(pa.table(columns, names=table.column_names))
        found = duckdb.from_arrow(pa.table(columns, names=[f"c{place}" for place in range(len(columns))]))
        return found.select(*(_named(*one) for one in zip(found.columns, table.column_names, types, strict=True)))
    except duckdb.Error as error:
        raise UnsupportedType(f"DuckDB cannot hold this table: {str(error).partition(chr(10))[0]}") from None


def _named(column: str, name: str, kind: str) -> Any:
    """A column under its own name, of its own type; neither ever stands in the text of a statement."""
    import duckdb

    found = duckdb.ColumnExpression(column)
    dtype = duckdb.sqltype(kind)
    return (found.cast(dtype) if not _NAMED.isdisjoint(_parts_of(dtype)) else found).alias(name)


def _stored(column: Any) -> Any:
    """Periods and intervals of pandas as the whole numbers and structs that they are kept as, halves as floats."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if not (isinstance(kind, pa.BaseExtensionType) and kind.extension_name.startswith("pandas.")):
        return column
    parts: list[Any] = [chunk.storage for chunk in column.chunks]
    storage: Any = kind.storage_type
    return pa.chunked_array(parts, type=storage)
