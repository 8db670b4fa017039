"""Tables of plain Python (a list of dicts, a list of lists, a dict of lists) and of Arrow libraries ↔ Arrow tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types._guess import class_name, loaded
from nb_artifacts.types._labels import decode_label, encode_label, shown_label, unique_names
from nb_artifacts.types._objects import ABSENT, Absent, decode_objects, encode_objects
from nb_artifacts.types._sheet import Column, Library, Sheet, kind_of

if TYPE_CHECKING:
    import pyarrow as pa

_TAKES = "a frame (pandas, polars, pyarrow, anything with __arrow_c_stream__), a list of dicts, a list of lists or a dict of lists"


def form_of(value: Any) -> Library:
    """Which of the three plain forms `value` has. Raises `UnsupportedType` and `InvalidValue` naming the row that breaks it."""
    if isinstance(value, dict):
        for label, part in value.items():
            if not isinstance(part, list):
                raise UnsupportedType(f"table takes {_TAKES}; here column {label!r:.80} is a {class_name(part)}.")
        return "dict-of-lists"
    if not isinstance(value, list):
        raise UnsupportedType(f"table takes {_TAKES}, not {class_name(value)}.")
    kinds: tuple[type, ...] = (dict,) if value and isinstance(value[0], dict) else (list, tuple)
    for row, part in enumerate(value):
        if not isinstance(part, kinds) or (kinds != (dict,) and type(part) is not type(value[0])):
            raise UnsupportedType(f"table takes {_TAKES}; here row {row} is a {class_name(part)} after {class_name(value[0])}.")
    return "list-of-lists" if value and kinds != (dict,) else "list-of-dicts"


def encode_rows(value: Any, form: Library) -> Sheet:
    """A plain table as an Arrow table. Raises `InvalidValue` naming column and row."""
    import pyarrow as pa

    labels, lists = _columns(value, form)
    names = [shown_label(label) for label in labels]
    fields = unique_names(names)
    arrays, columns, specs = [], [], []
    for name, field, values in zip(names, fields, lists, strict=True):
        array, spec = encode_objects(values, name, loose=True)
        arrays.append(array)
        specs.append(spec)
        columns.append(Column(name=name, field=field, dtype=str(spec["of"]), kind=kind_of(array.type, spec), nulls=array.null_count))
    rows = len(value) if form != "dict-of-lists" else max(map(len, lists), default=0)
    meta: dict[str, Any] = {"library": form, "columns": specs, "labels": [encode_label(label) for label in labels], "rows": rows}
    if form == "list-of-lists" and isinstance(value[0], tuple):
        meta["row"] = "tuple"
    return Sheet(pa.table(arrays, names=fields) if arrays else pa.table({}), columns, meta, rows, form)


def _columns(value: Any, form: Library) -> tuple[list[Any], list[list[Any]]]:
    if form == "dict-of-lists":
        longest = max(map(len, value.values()), default=0)
        return list(value), [part + [ABSENT] * (longest - len(part)) for part in value.values()]
    if form == "list-of-dicts":
        labels = list(dict.fromkeys(label for row in value for label in row))
        return labels, [[row.get(label, ABSENT) for row in value] for label in labels]
    width = max(map(len, value), default=0)
    return [str(place) for place in range(width)], [[row[place] if place < len(row) else ABSENT for row in value] for place in range(width)]


def decode_rows(table: pa.Table, meta: dict[str, Any]) -> Any:
    """The value that `encode_rows` was given."""
    labels = [decode_label(label) for label in meta["labels"]]
    lists = [decode_objects(table.column(place), spec) for place, spec in enumerate(meta["columns"])]
    if meta["library"] == "dict-of-lists":
        return {label: [v for v in part if type(v) is not Absent] for label, part in zip(labels, lists, strict=True)}
    rows = zip(*lists, strict=True) if lists else (() for _ in range(meta["rows"]))
    if meta["library"] == "list-of-dicts":
        return [{label: v for label, v in zip(labels, row, strict=True) if type(v) is not Absent} for row in rows]
    kind = tuple if meta.get("row") == "tuple" else list
    return [kind(v for v in row if type(v) is not Absent) for row in rows]


def encode_arrow(table: pa.Table, library: Library, dtypes: list[str] | None = None, **meta: Any) -> Sheet:
    """An Arrow table as it is, its columns under unique names."""
    names = list(table.column_names)
    fields = unique_names(names)
    columns = [
        Column(
            name=name, field=field, dtype=dtypes[place] if dtypes else str(table.schema.field(place).type),
            kind=kind_of(table.schema.field(place).type), nulls=table.column(place).null_count,
        )
        for place, (name, field) in enumerate(zip(names, fields, strict=True))
    ]  # fmt: skip
    found = {"library": library, "names": names, "schema": _schema_text(table), **meta}
    return Sheet(table.rename_columns(fields), columns, found, table.num_rows, library)


def _schema_text(table: pa.Table) -> str:
    from base64 import b64encode

    return b64encode(table.schema.serialize().to_pybytes()).decode()


def decode_arrow(table: pa.Table, meta: dict[str, Any]) -> pa.Table:
    """The Arrow table that `encode_arrow` was given, types and metadata included."""
    from base64 import b64decode

    import pyarrow as pa

    schema = pa.ipc.read_schema(pa.BufferReader(b64decode(meta["schema"])))
    return table.rename_columns(schema.names).cast(schema)


def arrow_table(value: Any) -> pa.Table:
    """The Arrow table of anything that offers one.

    Raises `InvalidValue` where it offers a stream of something else than rows.
    """
    import pyarrow as pa

    try:
        if hasattr(type(value), "__arrow_c_stream__"):
            return pa.table(value)
        import narwhals as nw

        return nw.from_native(value, eager_only=True).to_arrow()
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InvalidValue(f"{class_name(value)} does not give rows and columns: {error}") from None


def encode_polars(value: Any) -> Sheet:
    """A polars frame or series. Raises `InvalidValue` naming a column whose dtype Arrow has no place for."""
    import polars as pl

    series = isinstance(value, loaded("polars", "Series"))
    frame = value.to_frame() if series else value
    for name, dtype in frame.schema.items():
        if dtype in (pl.Object, pl.Int128) or str(dtype) in ("UInt128", "Float16"):
            raise InvalidValue(f"column {name!r}, row 0: polars {dtype} values cannot be kept: turn the column into text or numbers.")
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    return encode_arrow(table, "polars", [str(dtype) for dtype in frame.dtypes], series=series)
