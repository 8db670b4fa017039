"""A table between a library and the store: an Arrow table with plain, unique column names, and what leads back from it."""

from __future__ import annotations

import io
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType

from nb_artifacts.errors import InvalidValue

if TYPE_CHECKING:
    import pyarrow as pa

Library = Literal["pandas", "polars", "pyarrow", "list-of-dicts", "list-of-lists", "dict-of-lists", "arrow", "duckdb"]
Kind = Literal["number", "text", "bool", "time", "other"]
Spec = dict[str, Any]
"""How to turn an Arrow column back into the column it was made from; plain JSON."""

META = b"nb_artifacts"
GROUP_ROWS = 131_072
"""Rows of a row group: what is read at least to show one page."""
DICTIONARY_BYTES = 131_072
"""A dictionary that grows larger does not pay: a row group is then written plainly, which takes less time and less room."""
_WRITTEN: dict[str, Kind] = {"int": "number", "Decimal": "number", "time": "time"}
"""Kinds of what is written as text for want of an Arrow type with room for it."""
_SHORT = 10_000
"""Rows of a table that a record may hold wholly, and characters of its categories."""
_MOST_ORDERED = 100
_MAX_META = 50_000_000
"""Bytes of our metadata; Parquet readers refuse a footer of more than 100 MB."""


class Column(Struct, kw_only=True):
    """A column, or a level of the index, as views show it."""

    name: str
    field: str
    """Its name in the Parquet file and in the JSON rows; no two are the same."""
    dtype: str
    """As its library prints it."""
    kind: Kind
    index: bool = False
    nulls: int = 0
    order: list[str] | UnsetType = UNSET
    """Of ordered categories in a short table: those that occur, the least first, for views that sort by themselves."""


class Sheet(NamedTuple):
    """An Arrow table, its columns in order, and the JSON that leads back to the value it came from."""

    table: pa.Table
    columns: list[Column]
    specs: list[Spec]
    """One a column, for showing its cells; `meta` holds what reading needs."""
    meta: dict[str, Any]
    rows: int
    library: Library


def kind_of(kind: Any, spec: Spec | None = None) -> Kind:
    """What a reader makes of an Arrow type."""
    import pyarrow.types as is_

    if spec is not None and (spec.get("text") or spec.get("json")):
        return _WRITTEN.get(spec["of"], "text") if spec.get("text") else "other"
    if is_.is_dictionary(kind):
        kind = kind.value_type
    if is_.is_integer(kind) or is_.is_floating(kind) or is_.is_decimal(kind):
        return "number"
    if is_.is_boolean(kind) or is_.is_temporal(kind):
        return "bool" if is_.is_boolean(kind) else "time"
    return "text" if is_.is_string(kind) or is_.is_large_string(kind) or str(kind) == "string_view" else "other"


def odd_of(field: pa.Field[Any]) -> str:
    """``period`` or ``interval`` where only pandas knows what the column's values mean, else nothing."""
    name = getattr(field.type, "extension_name", None) or (field.metadata or {}).get(b"ARROW:extension:name", b"").decode()
    return name.removeprefix("pandas.") if name in ("pandas.period", "pandas.interval") else ""


def order_of(column: Any) -> list[str] | UnsetType:
    """`Column.order` of an Arrow column; not of long columns, many categories or long ones."""
    import pyarrow as pa

    if not (pa.types.is_dictionary(column.type) and column.type.ordered and 0 < len(column) <= _SHORT):
        return UNSET
    whole: Any = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    chunks = whole.unify_dictionaries().chunks
    places = sorted({place for chunk in chunks for place in chunk.indices.drop_null().to_pylist()})
    found = chunks[0].dictionary.take(pa.array(places, pa.int64())).to_pylist()
    plain = len(found) <= _MOST_ORDERED and all(isinstance(one, (str, int)) for one in found)
    return list(map(str, found)) if plain and sum(len(str(one)) for one in found) <= _SHORT else UNSET


def write_inline(array: Any, spec: Spec) -> Spec:
    """A short array and its spec as JSON, for metadata."""
    import pyarrow as pa

    table = pa.table([array], names=["c"])
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return {"ipc": b64encode(sink.getvalue()).decode(), "spec": spec}


def read_inline(found: Spec) -> tuple[pa.ChunkedArray[Any], Spec]:
    """What `write_inline` wrote."""
    import pyarrow as pa

    with pa.ipc.open_stream(b64decode(found["ipc"])) as reader:
        return reader.read_all().column(0), found["spec"]


def write_schema(schema: pa.Schema) -> str:
    """An Arrow schema as text, for metadata."""
    return b64encode(schema.serialize().to_pybytes()).decode()


def read_schema(text: str) -> pa.Schema:
    """What `write_schema` wrote."""
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(b64decode(text)))


def to_parquet(sheet: Sheet) -> bytes:
    """The Parquet file: zstd, pandas' metadata where there is some, and ours.

    Raises `InvalidValue` naming a column whose Arrow type Parquet has no place for.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    meta = msgspec.json.encode(sheet.meta)
    if len(meta) > _MAX_META:
        raise InvalidValue(f"the labels and categories of this table take {len(meta)} bytes, at most {_MAX_META} are kept.")
    sink, table = io.BytesIO(), sheet.table
    # Best beside the Arrow schema, which holds its own metadata a second time; before pyarrow 20 there is no other place.
    beside = hasattr(pq.ParquetWriter, "add_key_value_metadata")
    if not beside:
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), META: meta})
    try:
        with pq.ParquetWriter(
            sink, table.schema, compression="zstd", dictionary_pagesize_limit=DICTIONARY_BYTES, write_statistics=ranged(table)
        ) as writer:
            writer.write_table(table, row_group_size=GROUP_ROWS)
            if beside:
                writer.add_key_value_metadata({META.decode(): meta.decode()})
    except (pa.ArrowException, ValueError, OSError) as error:
        raise InvalidValue(f"{_culprit(sheet)} cannot be kept as Parquet: {error}") from None
    return sink.getvalue()


def ranged(table: pa.Table) -> bool | list[str]:
    """The columns whose least and largest value the file may say: all of them (True) where none holds NaN.

    Parquet leaves NaN out of a range; readers (DuckDB) then conclude that ``isnan(x)`` and ``x > 10`` hold of no row and
    ``x <= 10`` of all.
    """
    kept = [field.name for field, column in zip(table.schema, table.columns, strict=True) if not _may_have_nan(column)]
    return len(kept) == table.num_columns or kept


def _may_have_nan(column: pa.ChunkedArray[Any]) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind: Any = column.type
    if pa.types.is_float32(kind) or pa.types.is_float64(kind):
        return bool(pc.any(pc.is_nan(column)).as_py())
    return any(word in str(kind) for word in ("float", "double"))  # in lists, structs, dictionaries


def _culprit(sheet: Sheet) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def fails(column: Column) -> bool:
        try:
            pq.write_table(sheet.table.select([column.field]), io.BytesIO())
        except (pa.ArrowException, ValueError, OSError):
            return True
        return False

    found = next(filter(fails, sheet.columns), None)
    return f"column {found.name!r}, row 0 ({found.dtype})," if found else "the table"


def from_parquet(content: bytes) -> tuple[pa.Table, dict[str, Any] | None]:
    """The Arrow table of a Parquet file, and our metadata where it is a file of ours.

    Raises `InvalidValue` for bytes that are no Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            meta = (file.metadata.metadata or {}).get(META)
            table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidValue(f"the stored table is not a readable Parquet file: {error}") from None
    others = {name: text for name, text in (table.schema.metadata or {}).items() if name != META}
    return table.replace_schema_metadata(others or None), msgspec.json.decode(meta) if meta is not None else None
