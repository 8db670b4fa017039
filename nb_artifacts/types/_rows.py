"""Tables of plain Python (a list of dicts, a list of lists, a dict of lists) and of Arrow libraries ↔ Arrow tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types import _relation
from nb_artifacts.types._guess import class_name, loaded
from nb_artifacts.types._labels import decode_label, encode_label, shown_label, unique_names
from nb_artifacts.types._objects import ABSENT, Absent, decode_objects, encode_objects
from nb_artifacts.types._sheet import (
    Column,
    Library,
    Sheet,
    Spec,
    kind_of,
    order_of,
    read_inline,
    read_schema,
    write_inline,
    write_schema,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_NOT_OF_POLARS = {"Object", "Int128", "UInt128", "Float16", "Unknown"}
_MOST_CATEGORIES = 10_000
"""Of dictionaries that Parquet does not give back, and that have no order, more are built anew from the values."""
TAKES = (
    "a frame (pandas, polars, pyarrow, anything with __arrow_c_stream__), a list of dicts, a list of lists or a dict of lists"
)


def form_of(value: Any) -> Library:
    """Which of the three plain forms `value` has.

    Raises `UnsupportedType` naming the row or column that breaks it.
    """
    if isinstance(value, dict):
        for label, part in value.items():
            if not isinstance(part, list):
                raise UnsupportedType(f"table takes {TAKES}; here column {label!r:.80} is a {class_name(part)}.")
        return "dict-of-lists"
    if not isinstance(value, list):
        raise UnsupportedType(f"table takes {TAKES}, not {class_name(value)}.")
    dicts = bool(value) and isinstance(value[0], dict)
    for row, part in enumerate(value):
        fits = isinstance(part, dict) if dicts else isinstance(part, (list, tuple)) and type(part) is type(value[0])
        if not fits:
            before = f" after {class_name(value[0])}" if row else ""
            raise UnsupportedType(f"table takes {TAKES}; here row {row} is a {class_name(part)}{before}.")
    return "list-of-dicts" if dicts or not value else "list-of-lists"


def encode_rows(value: Any, form: Library) -> Sheet:
    """A plain table as an Arrow table. Raises `InvalidValue` naming column and row."""
    import pyarrow as pa

    labels, lists = _columns(value, form)
    names = [shown_label(label) for label in labels]
    encoded = [encode_label(label) for label in labels]
    fields = unique_names(names)
    arrays, columns, specs = [], [], []
    for name, field, values in zip(names, fields, lists, strict=True):
        array, spec = encode_objects(values, name, loose=True)
        kind = kind_of(array.type, spec)
        arrays.append(array)
        specs.append(spec)
        columns.append(Column(name=name, field=field, dtype=str(spec["of"]), kind=kind, nulls=array.null_count))
    rows = max(map(len, lists), default=0) if form == "dict-of-lists" else len(value)
    meta: dict[str, Any] = {"library": form, "columns": specs, "labels": encoded, "rows": rows}
    if form == "list-of-lists" and isinstance(value[0], tuple):
        meta["row"] = "tuple"
    try:
        table = pa.table(arrays, names=fields) if arrays else pa.table({})
    except UnicodeEncodeError as error:
        raise InvalidValue(f"the column name {error.object!r:.80} has a lone surrogate at position {error.start}.") from None
    return Sheet(table, columns, specs, meta, rows, form)


def _columns(value: Any, form: Library) -> tuple[list[Any], list[list[Any]]]:
    if form == "dict-of-lists":
        longest = max(map(len, value.values()), default=0)
        return list(value), [part + [ABSENT] * (longest - len(part)) for part in value.values()]
    if form == "list-of-dicts":
        labels = list(dict.fromkeys(label for row in value for label in row))
        return labels, [[row.get(label, ABSENT) for row in value] for label in labels]
    width = max(map(len, value), default=0)
    lists = [[row[place] if place < len(row) else ABSENT for row in value] for place in range(width)]
    return [str(place) for place in range(width)], lists


def encode_foreign(value: Any) -> Sheet:
    """A table of polars, pyarrow, or anything that offers an Arrow stream. Errors as `encode_rows`."""
    if isinstance(value, loaded("polars", "DataFrame", "Series")):
        return _encode_polars(value)
    if isinstance(value, loaded("duckdb", "DuckDBPyRelation")):
        _relation.check(value)
        types = [str(dtype) for dtype in value.types]
        return _encode_arrow(_arrow_table(value), "duckdb", types, types=types)
    batch = isinstance(value, loaded("pyarrow", "RecordBatch"))
    ours = batch or isinstance(value, loaded("pyarrow", "Table"))
    return _encode_arrow(_arrow_table(value), "pyarrow" if ours else "arrow", batch=batch)


def _arrow_table(value: Any) -> pa.Table:
    import pyarrow as pa

    try:
        if isinstance(value, loaded("duckdb", "DuckDBPyRelation")):
            # Its stream can be taken once; this leaves the relation as it was.
            found: pa.Table = value.to_arrow_table() if hasattr(value, "to_arrow_table") else value.fetch_arrow_table()
        elif hasattr(type(value), "__arrow_c_stream__"):
            found = pa.table(value)
        else:
            import narwhals as nw

            found = nw.from_native(value, eager_only=True).to_arrow()
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InvalidValue(f"{class_name(value)} does not give rows and columns: {error}") from None
    return found


def _encode_arrow(table: pa.Table, library: Library, dtypes: list[str] | None = None, **more: Any) -> Sheet:
    """An Arrow table as it is, its columns under unique names."""
    if not table.num_columns:  # Parquet counts no rows without columns
        more["rows"] = table.num_rows
    fields = unique_names(table.column_names)
    columns = [
        Column(
            name=kept.name, field=field, dtype=dtypes[place] if dtypes else str(kept.type), kind=kind_of(kept.type),
            nulls=table.column(place).null_count, order=order_of(table.column(place)),
        )
        for place, (kept, field) in enumerate(zip(table.schema, fields, strict=True))
    ]  # fmt: skip
    meta = {"library": library, "schema": write_schema(table.schema), **more}
    specs = [_dictionary_spec(column) for column in table.columns]
    if any(specs):
        meta["columns"] = specs
    plain = table.rename_columns(fields).replace_schema_metadata(None)
    return Sheet(plain, columns, specs, meta, table.num_rows, library)


def _dictionary_spec(column: Any) -> Spec:
    """The categories of a dictionary that is ordered, such as an Enum of polars, or that Parquet does not give back."""
    import pyarrow as pa

    if not (pa.types.is_dictionary(column.type) and column.num_chunks):
        return {}
    dictionary, ordered = column.unify_dictionaries().chunk(0).dictionary, bool(column.type.ordered)
    if not ordered and (kind_of(dictionary.type) == "text" or len(dictionary) > _MOST_CATEGORIES):
        return {}
    return {"as": "category", "ordered": ordered, "plain": True, "categories": {"inline": [write_inline(dictionary, {})]}}


def _parts_of(dtype: Any) -> Iterator[Any]:
    """A dtype of polars, and those inside it."""
    yield dtype
    inner = getattr(dtype, "inner", None)
    for part in [*([inner] if inner is not None else []), *(field.dtype for field in getattr(dtype, "fields", ()))]:
        yield from _parts_of(part)


def _encode_polars(value: Any) -> Sheet:
    import polars as pl

    series = isinstance(value, pl.Series)
    frame = value.to_frame() if series else value
    for name, dtype in frame.schema.items():
        if any(str(part).partition("(")[0] in _NOT_OF_POLARS for part in _parts_of(dtype)):
            raise InvalidValue(f"column {name!r}, row 0: polars {dtype} values cannot be kept: make them text or numbers.")
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    if not table.num_columns:
        import pyarrow as pa

        table = pa.table({"": pa.nulls(frame.height)}).select([])
    return _encode_arrow(table, "polars", [str(dtype) for dtype in frame.dtypes], series=series)


def specs_of(meta: dict[str, Any]) -> list[Spec]:
    """What the columns of a stored table were made from, levels of the index first."""
    return [*meta.get("index", {}).get("levels", []), *meta.get("columns", [])]


def decode(table: pa.Table, meta: dict[str, Any]) -> Any:
    """The value that `encode_rows` or `encode_foreign` was given."""
    if "schema" not in meta:
        return _decode_rows(table, meta)
    found = _of_schema(table, read_schema(meta["schema"]), meta)
    if meta["library"] == "polars":
        import polars as pl

        frame: Any = pl.from_arrow(found) if found.num_columns else _empty_polars(found.num_rows)
        frame.columns = found.column_names  # for polars a column without a name is one to be called something
        return frame.to_series() if meta["series"] else frame
    if meta["library"] == "duckdb":
        return _relation.relation(found, meta.get("types"))
    return _batch(found) if meta.get("batch") else found


def _of_schema(table: pa.Table, schema: pa.Schema, meta: dict[str, Any]) -> pa.Table:
    """What Parquet gave back, in the types that it was written in."""
    import pyarrow as pa

    if not table.num_columns:
        bare = pa.table({"": pa.nulls(meta.get("rows", 0))})
        return bare.replace_schema_metadata(schema.metadata).select([])
    specs = meta.get("columns") or [{}] * len(schema)
    columns = [
        _as_dictionary(column, kind, spec) if pa.types.is_dictionary(kind) else column
        for column, kind, spec in zip(table.columns, schema.types, specs, strict=True)
    ]
    return pa.table(columns, names=schema.names).cast(schema)


def _as_dictionary(column: Any, kind: Any, spec: Spec) -> Any:
    """Parquet gives back dictionaries of texts only; others as the values that they stood for."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        return column
    if not spec:
        return column.dictionary_encode()
    known = read_inline(spec["categories"]["inline"][0])[0].combine_chunks()
    values = column.cast(known.type)
    parts: list[Any] = [
        pa.DictionaryArray.from_arrays(pc.index_in(chunk, known).cast(kind.index_type), known, ordered=kind.ordered)
        for chunk in values.chunks
    ]
    made: Any = pa.dictionary(kind.index_type, known.type, kind.ordered)
    return pa.chunked_array(parts, type=made)


def _batch(table: pa.Table) -> pa.RecordBatch:
    import pyarrow as pa

    if table.num_rows:
        return table.combine_chunks().to_batches()[0]
    return pa.RecordBatch.from_arrays([pa.array([], kind) for kind in table.schema.types], schema=table.schema)


def _empty_polars(rows: int) -> Any:
    """A frame of so many rows without columns, where this release of polars has such."""
    import polars as pl

    try:
        return pl.DataFrame(height=rows)
    except TypeError:
        return pl.DataFrame()


def _decode_rows(table: pa.Table, meta: dict[str, Any]) -> Any:
    labels = [decode_label(label) for label in meta["labels"]]
    lists = [decode_objects(table.column(place), spec) for place, spec in enumerate(meta["columns"])]
    if meta["library"] == "dict-of-lists":
        return {label: [v for v in part if type(v) is not Absent] for label, part in zip(labels, lists, strict=True)}
    rows: Any = zip(*lists, strict=True) if lists else (() for _ in range(meta["rows"]))
    if meta["library"] == "list-of-dicts":
        return [{label: v for label, v in zip(labels, row, strict=True) if type(v) is not Absent} for row in rows]
    kind = tuple if meta.get("row") == "tuple" else list
    return [kind(v for v in row if type(v) is not Absent) for row in rows]
