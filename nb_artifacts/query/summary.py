"""What the columns of a table hold: missing values, distinct ones, range, mean, a histogram or the most frequent values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nb_artifacts.query.conditions import condition, explained
from nb_artifacts.query.pages import arrow_of, stored_type, whole_numbers
from nb_artifacts.query.ranks import is_ordered
from nb_artifacts.query.source import Field, Source, quoted
from nb_artifacts.query.written import json_cells

if TYPE_CHECKING:
    import pyarrow as pa

    from nb_artifacts.query.ask import RowsQuery

BINS = 16
TOP = 5
MOST = 10_000
"""Of columns with more distinct values the most frequent ones are not counted."""
COLUMNS = 200
"""So many columns are summarised."""


def summary(source: Source, fields: list[Field], query: RowsQuery, cursor: Any) -> dict[str, Any]:
    """The answer to ``GET /artifacts/{id}/summary``. Raises `BadQuery`."""
    asked = _Asked(source, query, cursor)
    rows = asked.rows()
    columns = []
    for field in fields[:COLUMNS]:
        found = asked.measures(field, rows)
        low, high = found.pop("low", None), found.pop("high", None)
        if low is not None and high is not None and 0 < high - low < math.inf:
            found["histogram"] = asked.histogram(field, found, low, high)
        elif found["distinct"] is not None and 0 < found["distinct"] <= MOST:
            found["top"] = asked.top(field)
        columns.append({"field": field.field, "name": field.name, "dtype": field.dtype, "kind": field.kind, **found})
    return {"rows": rows, "total": source.total, "columns": columns}


class _Asked:
    """Questions about the rows that match. One column at a time: DuckDB then answers much from the file's own statistics."""

    def __init__(self, source: Source, query: RowsQuery, cursor: Any) -> None:
        self._source, self._query, self._cursor = source, query, cursor
        self._where = condition(source, query, cursor)

    def _ask(self, select: list[str], tail: str = "") -> pa.Table:
        sql = f"SELECT {', '.join(select)} FROM {self._source.reading_from}\nWHERE {self._where.sql}\n{tail}"  # noqa: S608 (names quoted, values as parameters)
        with explained(self._source, self._query, 3):
            return arrow_of(self._cursor, sql, self._where.values)

    def rows(self) -> int:
        """How many there are."""
        found: int = self._ask(["count(*)"]).column(0)[0].as_py()
        return found

    def measures(self, field: Field, rows: int) -> dict[str, Any]:
        """Missing and distinct values, range and mean; ``low`` and ``high`` where the values have distances."""
        name = quoted(field.sql)
        there: int = self._ask([f"count({name})"]).column(0)[0].as_py()
        found: dict[str, Any] = {"nulls": rows - there, "distinct": 0 if not there else None, "min": None, "max": None}
        if not there:
            return found
        found["distinct"] = min(self._number(f"approx_count_distinct({name})", ""), there)
        by = self._source.order(field)
        if by:
            return found | self._edges(field, _ends_by(field, by), "")
        if field.kind == "other":
            return found
        only = ""
        edges = self._edges(field, _edges(field), only)
        if edges.get("low") is not None and not math.isfinite(edges["high"] - edges["low"]):
            only = f"AND isfinite({_axis(field)})"
            edges = self._edges(field, _edges(field), only)
        found |= edges
        if field.kind == "number":
            found["mean"] = self._number(f"CAST(avg({_axis(field) if field.engine == 'VARCHAR' else name}) AS DOUBLE)", only)
        return found

    def _number(self, select: str, only: str) -> Any:
        found = self._ask([select], only).column(0)[0].as_py()
        return None if isinstance(found, float) and not math.isfinite(found) else found

    def _edges(self, field: Field, select: dict[str, str], only: str) -> dict[str, Any]:
        table = self._ask(list(select.values()), only)
        return {
            name: _cells(table.column(n), field)[0] if name in ("min", "max") else table.column(n)[0].as_py()
            for n, name in enumerate(select)
        }

    def histogram(self, field: Field, found: dict[str, Any], low: float, high: float) -> list[dict[str, Any]]:
        """Counts in bins of equal width."""
        width, axis = (high - low) / BINS, _axis(field)
        place = f"greatest(0, least({BINS - 1}, CAST(floor(({axis} - {low!r}) / {width!r}) AS INTEGER)))"
        only = f"AND isfinite({axis})" if field.kind == "number" else f"AND {quoted(field.sql)} IS NOT NULL"
        table = self._ask([place, "count(*)"], f"{only} GROUP BY 1")
        counts = dict(zip(table.column(0).to_pylist(), table.column(1).to_pylist(), strict=True))
        inner: list[Any] = [low + width * n for n in range(1, BINS)]
        ends = [found["min"], *_ends(field, inner), found["max"]] if field.kind == "time" else [low, *inner, high]
        return [{"from": ends[n], "to": ends[n + 1], "count": counts.get(n, 0)} for n in range(BINS)]

    def top(self, field: Field) -> list[dict[str, Any]]:
        """The most frequent values; those of ordered categories in that order."""
        name, by = quoted(field.sql), self._source.order(field)
        place = f"any_value({by[0] if by else name})"
        tail = f"AND {name} IS NOT NULL GROUP BY {name} ORDER BY count(*) DESC, {place}, {name} LIMIT {TOP}"
        table = self._ask([_told(field, name), "count(*)", f"{place} AS place"], tail)
        if is_ordered(field.spec):
            table = table.sort_by("place")
        return [
            {"value": value, "count": count}
            for value, count in zip(_cells(table.column(0), field), table.column(1).to_pylist(), strict=True)
        ]


def _cells(column: Any, field: Field) -> list[Any]:
    """Values that DuckDB gives, as the rows of the column have them."""
    import pyarrow as pa

    if pa.types.is_duration(field.type) and pa.types.is_int64(column.type):
        column = column.cast(pa.duration("us"))
    elif pa.types.is_timestamp(field.type):
        column = column.cast(stored_type(field.type))
    return json_cells(column, field)


def _told(field: Field, value: str) -> str:
    """A value of the column in SQL as `_cells` takes it."""
    if field.engine == "INTERVAL":
        return f"CAST(epoch({value}) * 1000000 AS BIGINT)"
    return f"CAST({value} AS VARCHAR)" if field.kind == "other" else value


def _ends_by(field: Field, by: list[str]) -> dict[str, str]:
    """The least and the largest value in an order that is not that of the values."""
    parts = ", ".join(f"'{n}': {term}" for n, term in enumerate(by))
    place = by[0] if len(by) == 1 else f"{{{parts}}}"  # not row(…), which a column called so would hide
    return {how: _told(field, f"arg_{how}({quoted(field.sql)}, {place})") for how in ("min", "max")}


def _edges(field: Field) -> dict[str, str]:
    name, axis = quoted(field.sql), _axis(field)
    if field.kind == "number" and field.engine == "VARCHAR":
        found = {"min": f"arg_min({name}, {axis})", "max": f"arg_max({name}, {axis})"}
    elif field.engine == "INTERVAL":
        found = {how: _told(field, f"{how}({name})") for how in ("min", "max")}
    else:
        found = {"min": f"min({name})", "max": f"max({name})"}
    if axis is not None:
        inner = axis.replace(name, f"min({name})"), axis.replace(name, f"max({name})")
        found["low"], found["high"] = (
            (f"min({axis})", f"max({axis})") if "TRY_CAST" in axis and field.engine == "VARCHAR" else inner
        )
    return found


def _axis(field: Field) -> str | None:
    """Where a value stands on a line, as DOUBLE; None where values have no distance."""
    name = quoted(field.sql)
    if field.kind == "number":
        return f"TRY_CAST({name} AS DOUBLE)"
    if field.engine == "INTERVAL":
        return f"epoch({name})"
    if field.engine == "DATE" or field.engine.startswith("TIMESTAMP"):
        zoned = "ZONE" in field.engine or "TZ" in field.engine
        return f"epoch_us(CAST({name} AS {'TIMESTAMPTZ' if zoned else 'TIMESTAMP'})) / 1e6"
    return None


def _ends(field: Field, positions: list[float]) -> list[Any]:
    import numpy as np
    import pyarrow as pa

    micros = whole_numbers(np.array([round(position * 1e6) for position in positions], np.int64))
    if pa.types.is_duration(field.type):
        return json_cells(pa.chunked_array([micros.cast(pa.duration("us"))]), field)
    zone = getattr(field.type, "tz", None)
    found = pa.chunked_array([micros.cast(pa.timestamp("us", zone))])
    if positions[-1] - positions[0] > 3600:  # fractions of a second would say nothing
        found = found.cast(pa.timestamp("s", zone), safe=False)
    return json_cells(found, field)
