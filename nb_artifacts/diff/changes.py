"""Which rows of two tables are not the same, and which of their cells: tables inside DuckDB that counts and pages read."""

# ruff: noqa: S608 -- as in `frames`

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nb_artifacts.diff.frames import Frame, differs, equal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from nb_artifacts.diff.keys import Keys

TOGETHER = 300
"""Columns that one statement looks at: to plan it takes more than twice as long for twice as many."""


class Part(NamedTuple):
    """A table of changed rows; its columns ``d0``, ``d1`` … say of which of `fields` the cell is another."""

    table: str
    fields: Sequence[str]


def note_changes(
    connection: duckdb.DuckDBPyConnection, a: Frame, b: Frame, keys: Keys, compared: Sequence[str], tolerance: float
) -> list[Part]:
    """Make the table ``changes``: the places ``a`` and ``b`` of every row that is not the same.

    Wide tables are compared some columns at a time: a statement over all of them takes too long to plan, and a row of it
    times the rows that DuckDB reads together takes more memory than there may be.
    """
    wide = len(compared) > TOGETHER
    sides = [_numbered(frame, keys, () if wide else compared) for frame in (a, b)]
    on = [equal(a, b, name) for name in keys.fields]
    if not keys.fields:  # by their place; where no column is in both, no row is the same as another
        on = ["a.rn = b.rn" if a.aliases.keys() & b.aliases.keys() or not (a.fields and b.fields) else "a.rn = -1 - b.rn"]
    elif not keys.unique:
        on.append("a.nth = b.nth")
    matched = f"{sides[0]} FULL OUTER JOIN {sides[1]} ON {' AND '.join(on)}"
    if not wide:
        flags = [differs(a, b, name, tolerance) for name in compared]
        changed = " OR ".join(["a.rn IS NULL", "b.rn IS NULL", *flags])
        connection.execute(f"CREATE TEMP TABLE changes AS {_select(flags)} FROM {matched} WHERE {changed}")
        return [Part("changes", compared)]
    connection.execute(f"CREATE TEMP TABLE pairs AS SELECT a.rn AS a, b.rn AS b FROM {matched}")
    parts = []
    for start in range(0, len(compared), TOGETHER):
        part = Part(f"changes{start}", compared[start : start + TOGETHER])
        flags = [differs(a, b, name, tolerance) for name in part.fields]
        joined = f"pairs JOIN {a.part(part.fields)} ON a.rn = pairs.a JOIN {b.part(part.fields)} ON b.rn = pairs.b"
        connection.execute(f"CREATE TEMP TABLE {part.table} AS {_select(flags)} FROM {joined} WHERE {' OR '.join(flags)}")
        parts.append(part)
    other = " UNION ".join(f"SELECT a, b FROM {part.table}" for part in parts)
    connection.execute(f"CREATE TEMP TABLE changes AS SELECT a, b FROM pairs WHERE a IS NULL OR b IS NULL UNION {other}")
    return parts


def _select(flags: Sequence[str]) -> str:
    return f"SELECT {', '.join(['a.rn AS a', 'b.rn AS b', *(f'{flag} AS d{place}' for place, flag in enumerate(flags))])}"


def _numbered(frame: Frame, keys: Keys, compared: Sequence[str]) -> str:
    """A table, its rows numbered within their key where several have the same."""
    found = frame.part([*keys.fields, *compared])
    if keys.unique:
        return found
    columns = ", ".join(frame.aliases[name] for name in keys.fields)
    return f"(SELECT *, row_number() OVER (PARTITION BY {columns} ORDER BY rn) AS nth FROM {found}) AS {frame.view}"
