"""The first rows of a frame as static HTML, without making anything of the rest of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from nb_artifacts.types import _grid
from nb_artifacts.types._data import HEAD, MAX_COLUMNS
from nb_artifacts.types._guess import loaded
from nb_artifacts.types.table import Table

COUNTED = 1000
"""Rows of a query without an end of its own that are looked at; of more the number is not said."""


class Preview(NamedTuple):
    """The head of a frame, and how large that is."""

    payload: Table
    """Of the first rows."""
    rows: int
    width: int
    least: bool
    """Whether there are more rows than `rows`."""

    def html(self, room: int) -> str:
        """At most `room` bytes: dtypes, the first rows, how many there are."""
        info, head = self.payload.head
        return _grid.to_html(info.columns, head, self.rows, self.width, room, least=self.least)

    def text(self) -> str:
        """The same for a terminal."""
        info, head = self.payload.head
        return _grid.to_text(info.columns, head, self.rows, self.width, least=self.least)


def preview(frame: Any) -> Preview | None:
    """What is shown of a frame; None for what is none. Raises `InvalidValue` for cells that cannot be kept."""
    found = _head(frame)
    if found is None:
        return None
    payload = Table(found[0])
    payload.content()
    return Preview(payload, *found[1:])


def _head(frame: Any) -> tuple[Any, int, int, bool] | None:
    """The first rows, how many rows and columns there are, and whether there are more rows than that."""
    if isinstance(frame, loaded("pandas", "DataFrame")):
        return frame.iloc[:HEAD, :MAX_COLUMNS], len(frame), frame.shape[1], False
    if isinstance(frame, loaded("polars", "DataFrame")):
        return frame[:HEAD, :MAX_COLUMNS], frame.height, frame.width, False
    if isinstance(frame, loaded("pyarrow", "Table")):
        names = frame.column_names[:MAX_COLUMNS] if len(set(frame.column_names)) == frame.num_columns else frame.column_names
        return frame.slice(0, HEAD).select(names), frame.num_rows, frame.num_columns, False
    if isinstance(frame, loaded("duckdb", "DuckDBPyRelation")):
        table = frame.limit(COUNTED + 1).to_arrow_table()
        least = table.num_rows > COUNTED
        return table.slice(0, HEAD), COUNTED if least else table.num_rows, table.num_columns, least
    return None
