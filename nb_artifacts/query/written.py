"""A page as Arrow or JSON, and a whole view as CSV, Parquet, JSON or Markdown, part by part."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from nb_artifacts.query.pages import renamed, schema_of
from nb_artifacts.types import _csv
from nb_artifacts.types._cells import cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from nb_artifacts.query.source import Field

Format = Literal["csv", "parquet", "json", "markdown"]

SAFE = 2**53
"""Whole numbers up to this are exact in every reader of JSON."""


def to_arrow(table: pa.Table, fields: Sequence[Field]) -> bytes:
    """An uncompressed IPC stream of one batch."""
    import pyarrow as pa

    whole = renamed(table, fields).combine_chunks().replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, whole.schema) as writer:
        for batch in whole.to_batches() or [pa.RecordBatch.from_pylist([], whole.schema)]:
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def records(table: pa.Table, fields: Sequence[Field]) -> Iterator[dict[str, Any]]:
    """Rows as JSON has them; what JavaScript would round, and what is nested, is text."""
    columns = [(field.field, json_cells(table.column(n), field)) for n, field in enumerate(fields)]
    for row in range(table.num_rows):
        yield {name: values[row] for name, values in columns}


def json_cells(column: Any, field: Field) -> list[Any]:
    """A column's cells as JSON values: never NaN, no number that would be rounded."""
    spec = {name: said for name, said in field.spec.items() if name != "ints"}
    return [_exact(value) for value in cells(column, spec)]


def _exact(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -SAFE <= value <= SAFE else str(value)
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return msgspec.json.encode(value).decode() if isinstance(value, (list, dict)) else value


class Writer:
    """Writes a view as a file: `head`, then each part, then `tail`."""

    def __init__(self, kind: Format, fields: Sequence[Field]) -> None:
        self._kind = kind
        self._fields = fields
        self._some = False
        self._sink = _Sink()
        self._parquet: Any = None

    def head(self) -> bytes:
        """What comes before the rows."""
        names = [field.name for field in self._fields]
        if self._kind == "csv":
            return _csv.rows([names])
        if self._kind == "markdown":
            aligned = ["---:" if field.kind == "number" else "---" for field in self._fields]
            return f"{_line(names)}\n{_bar(aligned)}\n".encode()
        return b"[" if self._kind == "json" else b""

    def part(self, table: pa.Table) -> bytes:
        """Some rows."""
        if self._kind == "parquet":
            return self._part_of_parquet(table)
        if self._kind == "json":
            rows = b",\n".join(msgspec.json.encode(row) for row in records(table, self._fields))
            joined = (b",\n" if self._some and rows else b"\n" if rows else b"") + rows
            self._some = self._some or bool(rows)
            return joined
        lines = zip(*(self._texts(table.column(n), field) for n, field in enumerate(self._fields)), strict=True)
        if self._kind == "csv":
            return _csv.rows(lines)
        return "".join(f"{_line(line)}\n" for line in lines).encode()

    def tail(self) -> bytes:
        """What comes after the rows."""
        if self._kind == "json":
            return b"\n]\n"
        if self._kind != "parquet":
            return b""
        self._open()
        self._parquet.close()
        return self._sink.taken()

    def _texts(self, column: Any, field: Field) -> list[str]:
        import pyarrow as pa

        kind = column.type
        if (
            pa.types.is_integer(kind)
            or pa.types.is_floating(kind)
            or pa.types.is_string(kind)
            or pa.types.is_large_string(kind)
        ):
            written: list[str] = column.cast(pa.large_string()).fill_null("").to_pylist()
            return written
        return ["" if value is None else _text(value) for value in json_cells(column, field)]

    def _open(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._parquet is None:
            plain = schema_of(self._fields)
            schema = pa.schema([kept.with_name(field.field) for kept, field in zip(plain, self._fields, strict=True)])
            self._parquet = pq.ParquetWriter(
                pa.PythonFile(self._sink, mode="w"), schema, compression="zstd", dictionary_pagesize_limit=131_072
            )

    def _part_of_parquet(self, table: pa.Table) -> bytes:
        self._open()
        self._parquet.write_table(renamed(table, self._fields).replace_schema_metadata(None))
        return self._sink.taken()


class _Sink(io.RawIOBase):
    """A file that is only written, whose bytes are taken away part by part."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        part = bytes(content)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        found = b"".join(self._parts)
        self._parts.clear()
        return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "True" if value else "False"
    return value if isinstance(value, str) else str(value)


def _line(values: Sequence[str]) -> str:
    return _bar([_escaped(value) for value in values])


def _bar(values: Sequence[str]) -> str:
    return f"| {' | '.join(values)} |"


def _escaped(text: str) -> str:
    """A cell of a Markdown table that says just this."""
    found = "".join(f"\\{one}" if one in "\\`*_[]<>|#~&$" else one for one in text)
    return " ".join(found.split("\n")).replace("\r", " ")
