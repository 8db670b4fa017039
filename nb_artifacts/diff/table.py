"""Two stored tables: columns, rows and cells that changed, by DuckDB over their Parquet files, out of core.

Nothing but numbers of rows, flags and a page of examples leaves the connection, so memory stays within its limit
whatever the tables' size.
"""

# ruff: noqa: S608 -- as in `frames`

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from nb_artifacts.diff.changes import TOGETHER, note_changes
from nb_artifacts.diff.frames import Frame, family, is_float, one, open_frames
from nb_artifacts.diff.keys import choose_keys
from nb_artifacts.diff.result import ColumnChange, SchemaChange, TableDiff
from nb_artifacts.diff.rows import page
from nb_artifacts.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from nb_artifacts.diff.changes import Part
    from nb_artifacts.diff.result import Described, TableAsk

MOST_ROWS = 200
"""Example rows of one answer."""


def check_ask(ask: TableAsk) -> None:
    """Raise `InvalidValue` for a tolerance that is none."""
    if not (isinstance(ask.tolerance, (int, float)) and 0 <= ask.tolerance < math.inf):
        raise InvalidValue(f"tolerance={ask.tolerance!r} is not a number of 0 or more.")


def table_diff(
    connection: duckdb.DuckDBPyConnection,
    before: Path,
    after: Path,
    ask: TableAsk,
    described: tuple[Sequence[Described], Sequence[Described]] = ((), ()),
) -> TableDiff:
    """How the table of one Parquet file became that of another; `described` tells their columns' own names and dtypes.

    Raises `InvalidValue` for a key column that is not there, and for a file that is not Parquet.
    """
    check_ask(ask)
    a, b = open_frames(connection, before, after, described)
    keys = choose_keys(connection, a, b, ask.keys)
    common = [name for name in a.fields if name in b.aliases]
    compared = [name for name in common if name not in keys.fields]
    parts = note_changes(connection, a, b, keys, compared, float(ask.tolerance))
    added, removed, changed, cells = _counts(connection, parts)
    return TableDiff(
        schema=_schema(a, b, common), keys=keys.fields, keys_guessed=keys.by == "guessed", matched_by=keys.by,
        keys_unique=keys.unique, rows_from=a.rows, rows_to=b.rows, added=added, removed=removed, changed=changed,
        same=a.rows - removed - changed,
        columns=_columns(connection, a, b, common, dict(zip(compared, cells, strict=True))),
        rows=page(connection, a, b, keys.fields, parts, min(ask.limit, MOST_ROWS), ask.offset),
    )  # fmt: skip


def _counts(connection: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> tuple[int, int, int, list[int]]:
    """Rows that were added, removed and changed, and of the changed ones how many cells of each column."""
    kept = "a IS NOT NULL AND b IS NOT NULL"
    cells: list[Any] = []
    for part in parts:
        flags = ", ".join(f"coalesce(sum(CAST(d{place} AS INTEGER)), 0)" for place in range(len(part.fields)))
        cells += one(connection, f"SELECT {flags} FROM {part.table} WHERE {kept}") if flags else ()
    counts = f"count(*) FILTER (a IS NULL), count(*) FILTER (b IS NULL), count(*) FILTER ({kept})"
    added, removed, changed = one(connection, f"SELECT {counts} FROM changes")
    return added, removed, changed, [int(number) for number in cells]


def _schema(a: Frame, b: Frame, common: Sequence[str]) -> list[SchemaChange]:
    found = [SchemaChange(field=name, change="removed", before=a.dtype(name)) for name in a.fields if name not in b.aliases] + [
        SchemaChange(field=name, change="added", after=b.dtype(name)) for name in b.fields if name not in a.aliases
    ]
    for name in common:
        before, after = a.dtype(name), b.dtype(name)
        if before != after:
            found.append(SchemaChange(field=name, change="changed", before=before, after=after))
    stood, stands = ({name: place for place, name in enumerate(frame.fields)} for frame in (a, b))
    for name in _moved([stands[name] for name in common], common):
        before, after = str(stood[name] + 1), str(stands[name] + 1)
        found.append(SchemaChange(field=name, change="moved", before=before, after=after))
    return found


def _moved(places: Sequence[int], names: Sequence[str]) -> list[str]:
    """The fewest columns without which the rest stand in the old order: all but a longest increasing run of places."""
    ends: list[int] = []
    lengths = []
    for place in places:
        at = bisect_left(ends, place)
        ends[at : at + 1] = [place]
        lengths.append(at + 1)
    wanted, stay = len(ends), set()
    for index in range(len(places) - 1, -1, -1):
        if lengths[index] == wanted:
            stay.add(index)
            wanted -= 1
    return [name for index, name in enumerate(names) if index not in stay]


def _columns(
    connection: duckdb.DuckDBPyConnection, a: Frame, b: Frame, common: Sequence[str], changed: dict[str, int]
) -> list[ColumnChange]:
    if not common:
        return []
    before, after = (_numbers(connection, frame, common) for frame in (a, b))
    return [
        ColumnChange(
            field=name, changed=changed.get(name, 0), nulls_from=old[0], nulls_to=new[0], mean_from=old[1], mean_to=new[1],
            min_from=old[2], min_to=new[2], max_from=old[3], max_to=new[3],
        )
        for name, old, new in zip(common, before, after, strict=True)
    ]  # fmt: skip


def _numbers(connection: duckdb.DuckDBPyConnection, frame: Frame, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Nulls of each column, and mean, least and largest of the finite numbers."""
    return [
        found for start in range(0, len(names), TOGETHER) for found in _some(connection, frame, names[start : start + TOGETHER])
    ]


def _some(connection: duckdb.DuckDBPyConnection, frame: Frame, names: Sequence[str]) -> list[tuple[Any, ...]]:
    parts, inner = [], [frame.aliases[name] for name in names]
    for name in names:
        number = alias = frame.aliases[name]
        parts.append(f"count(*) - count({alias})")
        if family(frame.types[name]) != "number":
            parts += ["NULL"] * 3
            continue
        if is_float(frame.types[name]):  # several times as quick as a FILTER of each aggregate
            number = f"finite_{alias}"
            inner.append(f"CASE WHEN isfinite({alias}) THEN {alias} END AS {number}")
        parts += [f"CAST({what}({number}) AS DOUBLE)" for what in ("avg", "min", "max")]
    found = one(connection, f"SELECT {', '.join(parts)} FROM (SELECT {', '.join(inner)} FROM {frame.part(names)})")
    return [(found[at], *map(_finite, found[at + 1 : at + 4])) for at in range(0, len(found), 4)]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
