"""A table as JSON text of a list of objects: all of its rows where that is short, else the first that fit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import Raw

from nb_artifacts.types._cells import cells
from nb_artifacts.types._sheet import Column, Kind, Library, Sheet, Spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

MAX_DATA = 256_000
"""JSON text of a whole table is at most this long."""
HEAD_DATA = 64_000
"""JSON text of the first rows of a longer one."""
MAX_COLUMNS = 200
"""So many columns are described, and so many stand in the first rows of a longer table."""
HEAD = 10
"""Rows that static views show."""
_CHUNK = 256
_CLIP = 200

Row = dict[str, Any]


class Part(NamedTuple):
    """A column to write: its name in the rows, its values, and what they were made from."""

    field: str
    values: pa.ChunkedArray[Any]
    spec: Spec


class Data(NamedTuple):
    """JSON text, how many rows stand in it, and the first of them."""

    text: str
    rows: int
    head: list[Row]
    whole: bool


def rows_of(parts: Sequence[Part], start: int, stop: int) -> Iterator[Row]:
    """Rows as dicts of values that `msgspec.json.encode` writes."""
    columns = [(part.field, cells(part.values.slice(start, stop - start), part.spec, start)) for part in parts]
    for place in range(stop - start):
        yield {field: values[place] for field, values in columns}


def data_of(sheet: Sheet) -> Data:
    """The text for `Record.data`."""
    parts = [
        Part(column.field, sheet.table.column(place), spec)
        for place, (column, spec) in enumerate(zip(sheet.columns, sheet.specs, strict=True))
    ]
    least = 2 + sum(len(part.field.encode()) + 4 for part in parts)
    if sheet.rows * least <= MAX_DATA:
        rows = _fitting(parts, sheet.rows, MAX_DATA)
        if len(rows) == sheet.rows:
            return _joined(rows, whole=True)
    parts = parts[:MAX_COLUMNS]
    rows = _fitting(parts, sheet.rows, HEAD_DATA)
    return _joined(rows or _clipped(parts, min(sheet.rows, HEAD)), whole=False)


def tail_of(sheet: Sheet) -> list[Row]:
    """The last rows, as `data_of` gives the first ones."""
    parts = [Part(column.field, sheet.table.column(place), spec)
             for place, (column, spec) in enumerate(zip(sheet.columns, sheet.specs, strict=True))][:MAX_COLUMNS]  # fmt: skip
    rows = list(rows_of(parts, max(sheet.rows - HEAD, 0), sheet.rows))
    return [json.loads(msgspec.json.encode({field: _short(value) for field, value in row.items()})) for row in rows]


def _fitting(parts: Sequence[Part], total: int, limit: int) -> list[bytes]:
    """The first rows, encoded, as many as fit in `limit` bytes."""
    found: list[bytes] = []
    used = 2
    for start in range(0, total, _CHUNK):
        for row in rows_of(parts, start, min(start + _CHUNK, total)):
            encoded = msgspec.json.encode(row)
            used += len(encoded) + 1
            if used > limit:
                return found
            found.append(encoded)
    return found


def _clipped(parts: Sequence[Part], total: int) -> list[bytes]:
    """First rows whose long texts are cut: for cells so long that not one whole row fits."""
    found: list[bytes] = []
    used = 2
    for row in rows_of(parts, 0, total):
        encoded = msgspec.json.encode({field: _short(value) for field, value in row.items()})
        used += len(encoded) + 1
        if used > HEAD_DATA:
            break
        found.append(encoded)
    return found


def _short(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        value = msgspec.json.encode(value).decode()
    if isinstance(value, Raw):
        value = bytes(value).decode()
    return value[:_CLIP] + "…" if isinstance(value, str) and len(value) > _CLIP else value


def _joined(rows: list[bytes], *, whole: bool) -> Data:
    text = b"[" + b",".join(rows) + b"]"
    return Data(text.decode(), len(rows), [json.loads(row) for row in rows[:HEAD]], whole)


# Tables that only their JSON describes: those of Prefect's clients


def parsed(text: str) -> Any:
    """The JSON value of a text (bare NaN and Infinity too, which Prefect writes), or the text itself where it is none."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text


def head_of(found: Any) -> list[Row]:
    """The first rows of a table in any of the three JSON forms; anything else is one cell."""
    if isinstance(found, list):
        rows = [row if isinstance(row, (dict, list)) else [row] for row in found[:HEAD]]
        return [row if isinstance(row, dict) else {str(place): cell for place, cell in enumerate(row)} for row in rows]
    if isinstance(found, dict):
        lists = {name: part if isinstance(part, list) else [part] for name, part in found.items()}
        longest = min(max(map(len, lists.values()), default=0), HEAD)
        return [{name: part[row] for name, part in lists.items() if row < len(part)} for row in range(longest)]
    return [] if found is None else [{"value": found}]


def described(found: Any) -> tuple[list[Column], int, Library]:
    """Columns, rows and form of such a table."""
    head = head_of(found)
    rows = len(found) if isinstance(found, list) else len(head)
    library: Library = "list-of-dicts"
    if isinstance(found, dict):
        rows = max((len(part) if isinstance(part, list) else 1 for part in found.values()), default=0)
        library = "dict-of-lists"
    elif head and not isinstance(found[0] if isinstance(found, list) else {}, dict):
        library = "list-of-lists"
    names = list(found) if isinstance(found, dict) else list(dict.fromkeys(name for row in head for name in row))
    columns = []
    for name in names:
        dtype, kind = _kind([row.get(name) for row in head])
        columns.append(Column(name=name, field=name, dtype=dtype, kind=kind))
    return columns, rows, library


def _kind(values: list[Any]) -> tuple[str, Kind]:
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {int, float}:
        return ("float" if float in kinds else "int"), "number"
    if kinds == {bool}:
        return "bool", "bool"
    return ("str", "text") if kinds == {str} else ("mixed" if kinds else "null", "other")
