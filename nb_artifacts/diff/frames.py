"""Two Parquet files as two views of one DuckDB connection, with column names that SQL cannot mistake.

DuckDB folds the case of names and a file may hold any; so columns are called ``c0``, ``c1`` …, the same for a field of
both files, and the row's place ``rn``.
"""

# ruff: noqa: S608 -- the statements are joined from names of ours, and quoted ones of files

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types._sheet import odd_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from nb_artifacts.diff.result import Described

Family = Literal["number", "time", "text", "other"]
_NUMBERS = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?$|FLOAT|DOUBLE|DECIMAL")
_TIMES = re.compile(r"TIMESTAMP|DATE$")
_WIDE = 100
_FLOATS = {"FLOAT", "DOUBLE"}
_WHOLE = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?$")
_UNITS = {"duration[s]": 10**9, "duration[ms]": 10**6, "duration[us]": 1000, "duration[ns]": 1}


@dataclass
class Frame:
    """One of the two tables."""

    view: str
    path: Path
    fields: list[str]
    """Names in the file, in order."""
    aliases: dict[str, str]
    """Name in SQL of each."""
    rows: int
    described: dict[str, Described]
    types: dict[str, str] = field(default_factory=dict)
    """SQL type of each field."""
    units: dict[str, int] = field(default_factory=dict)
    """Nanoseconds of one in each column of durations, which Parquet has as whole numbers."""

    direct: str = ""
    """What of a wide table is read in place of the view."""

    def part(self, names: Sequence[str]) -> str:
        """What stands behind FROM where no other columns are wanted: to plan a view of thousands takes seconds."""
        if not self.direct:
            return self.view
        columns = [f"{_quoted(name)} AS {self.aliases[name]}" for name in dict.fromkeys(names)]
        return f"(SELECT {', '.join([*columns, 'file_row_number AS rn'])} FROM {self.direct}) AS {self.view}"

    def sql(self, name: str) -> str:
        """A field in a statement that joins both views."""
        return f"{self.view}.{self.aliases[name]}"

    def dtype(self, name: str) -> str:
        """Its dtype as its library prints it; where that is not known, its SQL type."""
        found = self.described.get(name)
        return found.dtype if found is not None and found.dtype else self.types[name]

    @property
    def index(self) -> list[str]:
        """The levels of the index."""
        return [one.field for one in self.described.values() if one.index and one.field in self.aliases]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def family(kind: str) -> Family:
    """What a SQL type can be compared with."""
    if _NUMBERS.match(kind) and not kind.endswith("]"):
        return "number"
    if _TIMES.match(kind) and not kind.endswith("]"):
        return "time"
    return "text" if kind == "VARCHAR" else "other"


def is_float(kind: str) -> bool:
    """Whether a column of this type may hold NaN."""
    return kind in _FLOATS


def open_frames(
    connection: duckdb.DuckDBPyConnection, before: Path, after: Path, described: tuple[Sequence[Described], Sequence[Described]]
) -> tuple[Frame, Frame]:
    """Make the views ``a`` and ``b``. Raises `InvalidValue` for a file that is not Parquet."""
    names = [_fields(path) for path in (before, after)]
    known = {name: f"c{place}" for place, name in enumerate(dict.fromkeys([*names[0][0], *names[1][0]]))}
    frames = []
    for view, path, (fields, rows, units, numbered), words in zip("ab", (before, after), names, described, strict=True):
        frame = Frame(view, path, fields, {name: known[name] for name in fields}, rows, {one.field: one for one in words})
        frame.units = units
        _make_view(connection, frame)
        frame.types |= numbered
        frames.append(frame)
    return frames[0], frames[1]


def _fields(path: Path) -> tuple[list[str], int, dict[str, int], dict[str, str]]:
    """Names, rows, units of durations, and what columns of whole numbers are to people where that is no number."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            units = {one.name: _UNITS[str(one.type)] for one in schema if str(one.type) in _UNITS}
            numbered = dict.fromkeys(units, "DURATION")
            numbered |= {one.name: "PERIOD" for one in schema if odd_of(one) == "period"}
            return schema.names, file.metadata.num_rows, units, numbered
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidValue(f"a stored table is not a readable Parquet file: {error}") from None


def _make_view(connection: duckdb.DuckDBPyConnection, frame: Frame) -> None:
    place = str(frame.path).replace("'", "''")
    columns = [frame.aliases[name] for name in frame.fields]
    if not columns:
        connection.execute(f"CREATE TEMP VIEW {frame.view} AS SELECT range AS rn FROM range({frame.rows})")
        return
    folded = {name.lower() for name in frame.fields}
    if (
        len(columns) > _WIDE
        and len(folded) == len(columns)
        and "".join(frame.fields).isascii()
        and "file_row_number" not in folded
    ):
        frame.direct = f"read_parquet('{place}', file_row_number=true)"
    if "file_row_number" in folded:
        inner = f"SELECT *, row_number() OVER () - 1 FROM read_parquet('{place}')"
    else:
        inner = f"SELECT * FROM read_parquet('{place}', file_row_number=true)"
    connection.execute(f"CREATE TEMP VIEW {frame.view} AS SELECT * FROM ({inner}) AS t({', '.join(columns)}, rn)")
    kinds = {row[0]: str(row[1]) for row in connection.execute(f"DESCRIBE {frame.view}").fetchall()}
    frame.types = {name: kinds[alias] for name, alias in frame.aliases.items()}


def equal(first: Frame, second: Frame, name: str) -> str:
    """SQL that says whether a field is the same in both rows; NaN equals NaN, null equals null."""
    return f"{_pair(first, second, name, ' IS NOT DISTINCT FROM ')}"


def differs(first: Frame, second: Frame, name: str, tolerance: float) -> str:
    """SQL that says whether a field is another in the second row, numbers by more than `tolerance`."""
    found = _pair(first, second, name, " IS DISTINCT FROM ")
    if tolerance > 0 and all(family(frame.types[name]) == "number" for frame in (first, second)):
        gap = f"abs(CAST({first.sql(name)} AS DOUBLE) - CAST({second.sql(name)} AS DOUBLE))"
        return f"({found} AND NOT coalesce({gap} <= {tolerance!r}, false))"
    return f"({found})"


def _pair(first: Frame, second: Frame, name: str, operator: str) -> str:
    kinds = [frame.types[name] for frame in (first, second)]
    sides = [frame.sql(name) for frame in (first, second)]
    units = [frame.units.get(name) for frame in (first, second)]
    if None not in units and units[0] != units[1]:
        return operator.join(f"CAST({side} AS HUGEINT) * {unit}" for side, unit in zip(sides, units, strict=True))
    if kinds[0] != kinds[1] and (family(kinds[0]) != family(kinds[1]) or family(kinds[0]) == "other"):
        sides = [f"CAST({side} AS VARCHAR)" for side in sides]
    elif kinds[0] != kinds[1] and any(_WHOLE.match(kind) for kind in kinds) and any(is_float(kind) for kind in kinds):
        # Compared as floats, whole numbers above 2**53 would equal their neighbours.
        exact = [
            side if _WHOLE.match(kind) else f"TRY_CAST({side} AS HUGEINT)" for side, kind in zip(sides, kinds, strict=True)
        ]
        joined = " OR " if "NOT" not in operator else " AND "
        return f"({operator.join(sides)}{joined}{operator.join(exact)})"
    return operator.join(sides)


def one(connection: duckdb.DuckDBPyConnection, statement: str) -> tuple[Any, ...]:
    """The only row of a result."""
    found = connection.execute(statement).fetchone()
    assert found is not None
    return found
