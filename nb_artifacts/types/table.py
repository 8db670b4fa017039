"""Tables: any frame, or a table of plain Python, kept as Parquet and given back equal, as the same library's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from nb_artifacts.errors import UnsupportedType
from nb_artifacts.types import _csv, _data, _grid, _relation, _rows
from nb_artifacts.types._guess import is_frame, loaded
from nb_artifacts.types._live import LiveTable, live_words
from nb_artifacts.types._sheet import Column, Library, Sheet, Spec, from_parquet, kind_of, to_parquet
from nb_artifacts.types.base import Blob, Content, Payload, builtins, no_suffix, raw, read_info, read_text
from nb_artifacts.types.text import size

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from typing_extensions import Self

    from nb_artifacts.wire import Record

PARQUET = "application/vnd.apache.parquet"
ROWS = "nb_artifacts.rows"
"""Member of `Record.metadata_` that says how many of the rows stand in `data`."""


class TableInfo(Struct, kw_only=True):
    """What lists and views know of a table."""

    rows: int
    columns: list[Column]
    """At most 200 of them, levels of the index first."""
    column_count: int
    """How many columns there are, levels of the index aside."""
    library: Library
    size: int
    """Bytes of the Parquet file; 0 where there is none."""
    live: LiveTable | UnsetType = UNSET
    """Of a live table only."""


class Table(Payload):
    """A frame (pandas, polars, pyarrow, anything with ``__arrow_c_stream__``), or a plain table (list of dicts, …).

    Raises `UnsupportedType` for anything else. `content` raises `InvalidValue` where a column would not come back equal,
    naming the column and a row.
    """

    type = "table"
    Info = TableInfo

    info: TableInfo | None = None
    live: LiveTable | None = None
    """Set before `content` where the table grows: static views then show its last rows."""
    _given: Any = None
    _form: Library | None = None
    _sheet: Sheet | None = None
    _content: Content | None = None
    _blob: Blob | None = None
    _json: Any = None
    _loaded: tuple[pa.Table, dict[str, Any] | None] | None = None
    _head: list[_data.Row]

    def __init__(self, value: Any) -> None:
        if value is None:
            raise UnsupportedType(f"table takes {_rows.TAKES}, not None.")
        self._given = value
        self._form = None if is_frame(value) else _rows.form_of(value)

    def content(self) -> Content:
        """See `Payload`."""
        if self._content is None:
            sheet = self._sheet = self._encoded()
            blob, data = to_parquet(sheet), _data.data_of(sheet)
            self._head = data.head
            self.info = TableInfo(
                rows=sheet.rows, size=len(blob), library=sheet.library, columns=sheet.columns[: _data.MAX_COLUMNS],
                column_count=sum(1 for column in sheet.columns if not column.index), live=self.live or UNSET,
            )  # fmt: skip
            if self.live is not None:
                self._head = _data.tail_of(sheet)
            metadata = {} if data.whole else {ROWS: f"{data.rows} of {sheet.rows}"}
            self._content = Content(raw(data.text), builtins(self.info), (blob, PARQUET), metadata)
        return self._content

    def _encoded(self) -> Sheet:
        value = self._given
        if self._form is not None:
            return _rows.encode_rows(value, self._form)
        if isinstance(value, loaded("pandas", "DataFrame", "Series")):
            from nb_artifacts.types._frames import encode_frame, encode_series

            return encode_series(value) if isinstance(value, loaded("pandas", "Series")) else encode_frame(value)
        return _rows.encode_foreign(value)

    @classmethod
    def read(cls, record: Record, blob: Blob) -> Self:
        """See `Payload`. Without bytes (a Prefect client's table) the JSON text in `data` is the table."""
        self = cls.__new__(cls)
        self._json = _data.parsed(read_text(record))
        self._head = _data.head_of(self._json)
        self.info = read_info(record, TableInfo)
        live = UNSET if self.info is None else self.info.live
        if live is not UNSET and isinstance(self._json, list) and len(self._json) == live.rows:
            self.live, self._head = live, _data.head_of(self._json[-_data.HEAD :])
        if record.blob is not None:
            self._blob = blob
        elif self.info is None:
            columns, rows, library = _data.described(self._json)
            shown = columns[: _data.MAX_COLUMNS]
            self.info = TableInfo(rows=rows, columns=shown, column_count=len(columns), library=library, size=0)
        return self

    def _read(self) -> tuple[pa.Table, dict[str, Any] | None]:
        if self._loaded is None:
            assert self._blob is not None
            self._loaded = from_parquet(self._blob())
        return self._loaded

    def _known(self) -> TableInfo:
        """What is known of the table; a record that another program stripped of it is asked for its bytes."""
        if self.info is None and self._blob is not None:
            table, _ = self._read()
            columns = [
                Column(name=field.name, field=field.name, dtype=str(field.type), kind=kind_of(field.type))
                for field in table.schema
            ]
            self.info = TableInfo(
                rows=table.num_rows, columns=columns[: _data.MAX_COLUMNS], column_count=len(columns), library="arrow",
                size=len(self._blob()),
            )  # fmt: skip
        elif self.info is None:
            self.content()
        assert self.info is not None
        return self.info

    @property
    def value(self) -> Any:
        """The table as it was given; after reading one equal to it, of the same library."""
        if self._given is None:
            self._given = self._json if self._blob is None else restored(*self._read())
        return self._given

    def _parts(self) -> tuple[pa.Table, list[Spec]]:
        """The Arrow table, and what its columns were made from."""
        if self._blob is not None:
            table, meta = self._read()
            specs = _rows.specs_of(meta) if meta else []
            return table, specs or [{} for _ in table.schema]
        if self._sheet is None and self._json is not None:
            self._sheet = _rows.encode_rows(self._json, _rows.form_of(self._json))
        elif self._sheet is None:
            self._sheet = self._encoded()
        return self._sheet.table, self._sheet.specs

    def to_arrow(self) -> pa.Table:
        """A pyarrow table; the levels of an index come first as columns.

        Raises `UnsupportedType` where the JSON of another client is no table.
        """
        return self._parts()[0]

    def to_pandas(self) -> pd.DataFrame:
        """A pandas frame: the one that was given, or an equal one, or what another library's table is in pandas.

        Raises `UnsupportedType` where pandas has no place for a column.
        """
        import pandas as pd

        value = self.value
        if isinstance(value, pd.DataFrame):
            return value
        if isinstance(value, pd.Series):
            return value.to_frame()
        if isinstance(value, dict) and len({len(part) for part in value.values()}) > 1:
            return pd.DataFrame({name: pd.Series(part, dtype=None if part else object) for name, part in value.items()})
        if isinstance(value, (list, dict)):
            return pd.DataFrame(value)
        try:
            return self.to_arrow().to_pandas()
        except Exception as error:  # noqa: BLE001 (as in `to_polars`)
            raise UnsupportedType(f"pandas cannot hold this table: {error}") from None

    def to_polars(self) -> pl.DataFrame:
        """A polars frame; the levels of an index come first as columns.

        Raises `UnsupportedType` where polars is not installed or has no place for a column.
        """
        try:
            import polars as pl
        except ImportError:
            raise UnsupportedType("polars is not installed here: pip install polars, or take .to_pandas().") from None
        value = self.value
        if isinstance(value, pl.DataFrame):
            return value
        try:
            found = pl.from_arrow(self.to_arrow())
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 (polars raises kinds of its own, and panics that are no `Exception`)
            raise UnsupportedType(f"polars cannot hold this table: {error}") from None
        return found if isinstance(found, pl.DataFrame) else found.to_frame()

    def to_duckdb(self) -> duckdb.DuckDBPyRelation:
        """A DuckDB relation; the levels of an index come first as columns.

        Raises `UnsupportedType` without DuckDB, and where it has no place for a column.
        """
        value = self.value
        kept = isinstance(value, loaded("duckdb", "DuckDBPyRelation"))
        found: duckdb.DuckDBPyRelation = value if kept else _relation.relation(self.to_arrow())
        return found

    @property
    def head(self) -> tuple[TableInfo, list[_data.Row]]:
        """What is known of the table, and its first rows."""
        return self._known(), self._head

    def text(self) -> str:
        """The first rows in aligned columns, and how many there are."""
        info = self._known()
        return _grid.to_text(info.columns, self._head, info.rows, info.column_count, last=self.live is not None)

    def html(self, room: int) -> str:
        """The first rows with their dtypes, and how many there are."""
        info = self._known()
        return _grid.to_html(info.columns, self._head, info.rows, info.column_count, room, last=self.live is not None)

    def summary(self) -> str:
        """How many rows and columns, and the bytes of the file."""
        info = self._known()
        shape = _grid.shape(info.rows, info.column_count)
        if info.live is not UNSET and info.live.state != "finished":
            shape += f" · {live_words(info.live)}"
        return f"{shape} · {size(info.size)}" if info.size else shape

    def file(self, suffix: str) -> bytes:
        """``.parquet``, ``.csv`` (texts that begin like a formula have an apostrophe) or ``.json`` (a list of objects)."""
        if suffix in {"", ".parquet"}:
            if self._blob is not None:
                return self._blob()
            made = self if self._json is None else Table(self._json)
            blob = made.content().blob
            assert blob is not None
            return blob[0]
        if suffix == ".csv":
            named = any(column.index for column in self._known().columns)
            return _csv.guarded(self.to_pandas().to_csv(index=named))
        if suffix == ".json":
            table, specs = self._parts()
            parts = [_data.Part(name, table.column(n), specs[n]) for n, name in enumerate(table.column_names)]
            return msgspec.json.encode(list(_data.rows_of(parts, 0, table.num_rows))) + b"\n"
        raise no_suffix(suffix, "a table", (".parquet", ".csv", ".json"))


def restored(table: pa.Table, meta: dict[str, Any] | None) -> Any:
    """The value that a Parquet file of ours was made from; of another's, a pandas frame."""
    if meta is None:
        return table.to_pandas()
    if meta["library"] == "pandas":
        from nb_artifacts.types._unframe import decode_frame, decode_series

        return decode_series(table, meta) if "series" in meta else decode_frame(table, meta)
    return _rows.decode(table, meta)
