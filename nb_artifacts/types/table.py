"""Tables: any frame, or a table of plain Python, kept as Parquet and given back equal, as the same library's value."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from msgspec import Raw, Struct

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types import _grid, _rows
from nb_artifacts.types._cells import cells
from nb_artifacts.types._guess import is_frame, loaded
from nb_artifacts.types._sheet import META, Column, Library, Sheet, from_parquet, to_parquet
from nb_artifacts.types.base import Blob, Content, Payload, builtins, no_suffix, raw, read_info, read_text
from nb_artifacts.types.text import size

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from typing_extensions import Self

    from nb_artifacts.wire import Record

PARQUET = "application/vnd.apache.parquet"
MAX_DATA = 256_000
"""JSON text of a whole table is at most this long."""
HEAD_DATA = 64_000
"""JSON text of the first rows of a longer one."""
MAX_COLUMNS = 200
"""So many columns are described, and in the first rows of a longer table."""
_CHUNK = 256
_CLIP = 2000


class TableInfo(Struct, kw_only=True):
    """What lists and views know of a table."""

    rows: int
    columns: list[Column]
    """At most 200 of them, levels of the index first."""
    column_count: int
    library: Library
    size: int
    """Bytes of the Parquet file; 0 where there is none."""


class Table(Payload):
    """A frame (pandas, polars, pyarrow, anything with ``__arrow_c_stream__``), or a plain table (list of dicts, …).

    Raises `UnsupportedType` for anything else. `content` raises `InvalidValue` where a column would not come back equal,
    naming the column and a row.
    """

    type = "table"
    Info: ClassVar[type[Struct]] = TableInfo

    _given: Any = None
    _sheet: Sheet | None = None
    _content: Content | None = None
    _blob: Blob | None = None
    _json: Any = None
    _loaded: tuple[Any, Any] | None = None

    def __init__(self, value: Any) -> None:
        self._given = value
        self._form: Library | None = None if is_frame(value) else _rows.form_of(value)

    def content(self) -> Content:
        """See `Payload`."""
        if self._content is None:
            sheet = self._sheet = self._encoded()
            blob = to_parquet(sheet)
            self._head, text, metadata = _data(sheet)
            self.info = TableInfo(
                rows=sheet.rows, columns=sheet.columns[:MAX_COLUMNS], size=len(blob), library=sheet.library,
                column_count=sum(1 for column in sheet.columns if not column.index),
            )  # fmt: skip
            self._content = Content(raw(text), builtins(self.info), (blob, PARQUET), metadata)
        return self._content

    def _encoded(self) -> Sheet:
        value = self._given
        if self._form is not None:
            return _rows.encode_rows(value, self._form)
        if isinstance(value, loaded("pandas", "DataFrame", "Series")):
            from nb_artifacts.types._frames import encode_frame, encode_series

            return encode_series(value) if isinstance(value, loaded("pandas", "Series")) else encode_frame(value)
        if isinstance(value, loaded("polars", "DataFrame", "Series")):
            return _rows.encode_polars(value)
        batch = isinstance(value, loaded("pyarrow", "RecordBatch"))
        library: Library = "pyarrow" if isinstance(value, loaded("pyarrow", "Table", "RecordBatch")) else "arrow"
        return _rows.encode_arrow(_rows.arrow_table(value), library, batch=batch)

    @classmethod
    def read(cls, record: Record, blob: Blob) -> Self:
        """See `Payload`. Without bytes (a Prefect client's table) the JSON text in `data` is the table."""
        made = cls.__new__(cls)
        text = read_text(record)
        try:
            made._json = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            made._json = text
        info = read_info(record, TableInfo)
        made._head = _records(made._json)
        if record.blob is not None:
            made._blob = blob
        if info is None:
            info = _described(made._json, made._head)
        made.info = info
        return made

    def _read(self) -> tuple[pa.Table, dict[str, Any] | None]:
        if self._loaded is None:
            assert self._blob is not None
            self._loaded = from_parquet(self._blob())
        return self._loaded

    @property
    def value(self) -> Any:
        """The table as it was given; after reading one equal to it, of the same library."""
        if self._given is None:
            self._given = self._json if self._blob is None else _restore(*self._read())
        return self._given

    def to_arrow(self) -> pa.Table:
        """A pyarrow table; the levels of an index come first as columns."""
        if self._blob is not None:
            table = self._read()[0]
        elif self._given is not None:
            self.content()
            assert self._sheet is not None
            table = self._sheet.table
        else:
            table = _rows.encode_rows(self._json, _rows.form_of(self._json)).table
        metadata = {name: text for name, text in (table.schema.metadata or {}).items() if name != META}
        return table.replace_schema_metadata(metadata)

    def to_pandas(self) -> pd.DataFrame:
        """A pandas frame: the one that was given, or an equal one, or what another library's table is in pandas."""
        import pandas as pd

        value = self.value
        if isinstance(value, pd.DataFrame):
            return value
        if isinstance(value, pd.Series):
            return value.to_frame()
        if isinstance(value, (list, dict)):
            return pd.DataFrame(value)
        return self.to_arrow().to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """A polars frame; the levels of an index come first as columns.

        Raises `UnsupportedType` where polars is not installed or has no place for a column.
        """
        try:
            import polars as pl
        except ImportError:
            raise UnsupportedType("polars is not installed here: pip install polars, or use .to_pandas() or .to_arrow().") from None
        value = self.value
        if isinstance(value, pl.DataFrame):
            return value
        try:
            found = pl.from_arrow(self.to_arrow())
        except Exception as error:  # noqa: BLE001 (polars raises its own kinds, and panics)
            raise UnsupportedType(f"polars cannot hold this table: {error}") from None
        return found if isinstance(found, pl.DataFrame) else found.to_frame()

    def _shown(self) -> tuple[list[Column], list[dict[str, Any]], int, int]:
        if self._given is not None and self._blob is None and self._json is None:
            self.content()
        return self.info.columns, self._head, self.info.rows, self.info.column_count

    def text(self) -> str:
        """The first rows in aligned columns, and how many there are."""
        return _grid.to_text(*self._shown())

    def html(self, room: int) -> str:
        """The first rows with their dtypes, and how many there are."""
        return _grid.to_html(*self._shown(), room)

    def summary(self) -> str:
        """``336,776 rows × 19 columns · 3.1 MB``."""
        _, _, rows, columns = self._shown()
        shape = _grid.shape(rows, columns)
        return f"{shape} · {size(self.info.size)}" if self.info.size else shape

    def file(self, suffix: str) -> bytes:
        """``.parquet``, ``.csv`` or ``.json`` (records)."""
        if suffix in ("", ".parquet"):
            if self._blob is not None:
                return self._blob()
            if self._given is not None and self._json is None:
                blob = self.content().blob
                return blob[0] if blob else b""
            return Table(self._json).file(suffix)
        if suffix == ".csv":
            return self.to_pandas().to_csv(index=self._has_index()).encode()
        if suffix == ".json":
            columns = self._all_columns()
            return msgspec.json.encode(list(_record_rows(columns, 0, self._shown()[2]))) + b"\n"
        raise no_suffix(suffix, "a table", (".parquet", ".csv", ".json"))

    def _has_index(self) -> bool:
        return any(column.index for column in self._shown()[0])

    def _all_columns(self) -> list[tuple[str, Any, Any]]:
        table = self.to_arrow()
        return [(name, table.column(place), None) for place, name in enumerate(table.column_names)]


def _restore(table: pa.Table, meta: dict[str, Any] | None) -> Any:
    """The value that a Parquet file of ours was made from; of another's, a pandas frame."""
    if meta is None:
        return table.to_pandas()
    library = meta.get("library")
    if library == "pandas":
        from nb_artifacts.types._frames import decode_frame, decode_series

        return decode_series(table, meta) if "series" in meta else decode_frame(table, meta)
    if library in ("list-of-dicts", "list-of-lists", "dict-of-lists"):
        return _rows.decode_rows(table, meta)
    found = _rows.decode_arrow(table, meta)
    if library == "polars":
        import polars as pl

        frame: Any = pl.from_arrow(found)
        return frame.to_series() if meta.get("series") else frame
    return found.combine_chunks().to_batches()[0] if meta.get("batch") and found.num_rows else found


def _specs(sheet: Sheet) -> list[Any]:
    specs = sheet.meta.get("columns") or [None] * len(sheet.columns)
    levels = (sheet.meta.get("index") or {}).get("levels", [])
    return [*levels, *specs] if isinstance(sheet.meta.get("index"), dict) else specs


def _record_rows(columns: list[tuple[str, Any, Any]], start: int, stop: int) -> Iterator[dict[str, Any]]:
    parts = [(field, cells(column.slice(start, stop - start), spec)) for field, column, spec in columns]
    for place in range(stop - start):
        yield {field: values[place] for field, values in parts}


def _data(sheet: Sheet) -> tuple[list[dict[str, Any]], str, dict[str, str]]:
    """The first rows, JSON text of all rows or of the first that fit, and a note in metadata where it is not all."""
    columns = [(c.field, sheet.table.column(place), spec) for place, (c, spec) in enumerate(zip(sheet.columns, _specs(sheet), strict=True))]
    least = 2 + sum(len(field.encode()) + 4 for field, _, _ in columns)
    rows: list[bytes] = []
    used = 2
    whole = sheet.rows * least <= MAX_DATA
    limit = MAX_DATA if whole else HEAD_DATA
    if not whole:
        columns = columns[:MAX_COLUMNS]
    for start in range(0, sheet.rows, _CHUNK):
        for record in _record_rows(columns, start, min(start + _CHUNK, sheet.rows)):
            encoded = msgspec.json.encode(record)
            used += len(encoded) + 1
            if used > limit:
                return _cut(sheet, columns, rows)
            rows.append(encoded)
    return _joined(rows, sheet, whole=len(columns) == len(sheet.columns))


def _cut(sheet: Sheet, columns: list[tuple[str, Any, Any]], rows: list[bytes]) -> tuple[list[dict[str, Any]], str, dict[str, str]]:
    """Only what fits in the head; where not one row does, its long texts are cut."""
    kept: list[bytes] = []
    used = 2
    for encoded in rows:
        used += len(encoded) + 1
        if used > HEAD_DATA:
            break
        kept.append(encoded)
    if not kept:
        columns = columns[:MAX_COLUMNS]
        for record in _record_rows(columns, 0, min(sheet.rows, _grid.HEAD)):
            encoded = msgspec.json.encode({field: _short(value) for field, value in record.items()})
            used = sum(map(len, kept)) + len(kept) + len(encoded)
            if used > HEAD_DATA:
                break
            kept.append(encoded)
    return _joined(kept, sheet, whole=False)


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _CLIP // 10:
        return value[: _CLIP // 10] + "…"
    return None if isinstance(value, (dict, list, Raw)) else value


def _joined(rows: list[bytes], sheet: Sheet, *, whole: bool) -> tuple[list[dict[str, Any]], str, dict[str, str]]:
    text = b"[" + b",".join(rows) + b"]"
    head = [msgspec.json.decode(row) for row in rows[: _grid.HEAD]]
    metadata = {} if whole and len(rows) == sheet.rows else {"nb_artifacts.rows": _grid.described(sheet.rows, len(rows))}
    return head, text.decode(), metadata


def _records(found: Any) -> list[dict[str, Any]]:
    """The first rows of a table in any of the three JSON forms."""
    if isinstance(found, list):
        rows = found[: _grid.HEAD]
        return [row if isinstance(row, dict) else {str(place): cell for place, cell in enumerate(row if isinstance(row, list) else [row])} for row in rows]
    if isinstance(found, dict):
        lists = {name: part if isinstance(part, list) else [part] for name, part in found.items()}
        longest = min(max(map(len, lists.values()), default=0), _grid.HEAD)
        return [{name: part[row] for name, part in lists.items() if row < len(part)} for row in range(longest)]
    return [] if found is None or found == "" else [{"value": found}]


def _described(found: Any, head: list[dict[str, Any]]) -> TableInfo:
    """What can be said of a table that only its JSON describes."""
    names = list(dict.fromkeys(name for row in head for name in row))
    if isinstance(found, dict):
        names = list(found)
    rows = len(found) if isinstance(found, list) else max((len(p) for p in found.values() if isinstance(p, list)), default=0) if isinstance(found, dict) else len(head)
    columns = [Column(name=name, field=name, dtype=kind, kind=sort) for name in names for kind, sort in [_json_kind([row.get(name) for row in head])]]  # type: ignore[arg-type]
    library: Library = "dict-of-lists" if isinstance(found, dict) else "list-of-lists" if isinstance(found, list) and found and not isinstance(found[0], dict) else "list-of-dicts"
    return TableInfo(rows=rows, columns=columns[:MAX_COLUMNS], column_count=len(names), library=library, size=0)


def _json_kind(values: list[Any]) -> tuple[str, str]:
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {int, float}:
        return "float" if float in kinds else "int", "number"
    if kinds == {bool}:
        return "bool", "bool"
    if kinds == {str}:
        return "str", "text"
    return "mixed" if kinds else "null", "other"


__all__ = ["HEAD_DATA", "MAX_DATA", "PARQUET", "InvalidValue", "Table", "TableInfo"]
