"""A second Parquet file of a table, for columns that Parquet's other readers see otherwise than people do.

In it periods and intervals are texts. What they are ordered by (a period's place in time, an interval's left end, then its
right one) stands beside them, in columns that only sorting reads.
"""

from __future__ import annotations

import importlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nb_artifacts.types._sheet import odd_of

if TYPE_CHECKING:
    import pyarrow as pa

OWN = "file_row_number"
"""DuckDB's column of row numbers: a column of the table that is called so gets another name in that file."""
_KEY = "nb_artifacts key "


def needs_plain(schema: pa.Schema) -> bool:
    """Whether a second file is to be made."""
    twice = len(set(schema.names)) < len(schema.names)  # whom no reader can ask for by name
    return twice or any(name.lower() == OWN for name in schema.names) or any(map(odd_of, schema))


def key_names(schema: pa.Schema) -> dict[int, tuple[str, ...]]:
    """Of each period and interval, by its place, the columns of the second file that it is ordered by."""
    ends = {"period": ("",), "interval": (" left", " right")}
    start = _KEY
    while any(name.lower().startswith(start) for name in schema.names):
        start += "_"
    return {place: tuple(f"{start}{place}{end}" for end in ends[odd]) for place, odd in enumerate(map(odd_of, schema)) if odd}


def plain_copy(source: str, schema: pa.Schema, folder: str) -> str:
    """Make the second file in a folder; gives its path."""
    importlib.import_module("pandas.core.arrays.arrow.extension_types")  # registers both with pyarrow
    import pyarrow.parquet as pq

    Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    path = os.path.join(folder, f"plain-{secrets.token_hex(8)}.parquet")  # noqa: PTH118 (DuckDB and Parquet take texts)
    with pq.ParquetFile(source) as again:
        nothing = _plain(again.schema_arrow.empty_table(), schema)
        ranged = [
            f.name for f in nothing.schema if not any(word in str(f.type) for word in ("float", "double"))
        ]  # see `_sheet.ranged`
        with pq.ParquetWriter(path, nothing.schema, compression="zstd", write_statistics=ranged) as writer:
            for group in range(again.num_row_groups):
                writer.write_table(_plain(again.read_row_group(group), schema))
    return path


def _plain(table: pa.Table, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    from nb_artifacts.types._cells import cells

    keys = key_names(schema)
    columns: list[Any] = list(table.columns)
    for place in keys:
        columns[place] = pa.chunked_array([pa.array(cells(table.column(place), {}), pa.string())])
    names = _names(schema)
    for place, made in keys.items():
        columns += _keys(table.column(place))
        names += made
    return pa.table(columns, names=names)


def _names(schema: pa.Schema) -> list[str]:
    found: list[str] = []
    for name in schema.names:
        made = name
        while made.lower() == OWN or (made != name and made in schema.names) or made in found:
            made += "_"
        found.append(made)
    return found


def _keys(column: Any) -> list[Any]:
    """What a column of periods or intervals is ordered by: columns of numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type.storage_type
    stored = pa.chunked_array([chunk.storage for chunk in column.chunks], kind)
    if not pa.types.is_struct(kind):
        return [stored]
    ends = [pc.struct_field(stored, [n]) for n in range(2)]
    return [end.cast(pa.int64()) if pa.types.is_temporal(end.type) else end for end in ends]
