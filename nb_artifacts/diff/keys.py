"""Which columns name a row of two tables: those given, the index, or those that look like it."""

# ruff: noqa: S608 -- as in `frames`

from __future__ import annotations

import re
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from nb_artifacts.diff.frames import Frame, equal, family, is_float, one
from nb_artifacts.errors import InvalidValue
from nb_artifacts.types._labels import shown_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb

_NAMING = re.compile(r"(?:^|[_\W])(?:id|uuid|key|code|name)s?$", re.IGNORECASE)
_MOST_COLUMNS = 40
"""Columns that are looked at for a key."""
_COMBINED = 8
"""Columns of which pairs and triples are tried."""
_TRIES, _TRIES_LARGE, _LARGE = 40, 8, 1_000_000
_NEARLY = 0.9
"""How near to the number of rows an estimate of distinct values has to be, for the exact count to be made."""
_SHARED = 0.5
"""Part of the smaller table's rows that the other has to know by the guessed key."""


class Keys(NamedTuple):
    """The columns, where they come from, and whether they are unique in both tables."""

    fields: list[str]
    by: Literal["given", "index", "guessed", "position"]
    unique: bool = True


def names_of(given: Any) -> list[str] | None:
    """Key columns as a person gives them: one name or several; labels that are no texts by what is shown of them."""
    if given is None or isinstance(given, str):
        return None if given is None else [given]
    if not hasattr(type(given), "__iter__"):
        raise InvalidValue(f"key_columns={given!r:.80} is not a list of names: write key_columns=[…].")
    return [shown_label(label) for label in given]


def choose_keys(connection: duckdb.DuckDBPyConnection, a: Frame, b: Frame, given: Sequence[str] | None) -> Keys:
    """How rows are matched. Raises `InvalidValue` for a given column that one of the tables does not have."""
    if given is not None:
        if not given:
            raise InvalidValue("key_columns is empty: name at least one column, or leave it out.")
        fields = list(dict.fromkeys(_named(name, a, b) for name in given))
        return Keys(fields, "given", unique=_unique(connection, (a, b), fields))
    if a.index and a.index == b.index and _unique(connection, (a, b), a.index):
        return Keys(a.index, "index")
    guessed = _guessed(connection, a, b)
    return Keys(guessed, "guessed") if guessed else Keys([], "position")


def _named(name: str, *frames: Frame) -> str:
    """The field that a column's name, as shown or as stored, stands for in both tables."""
    found = []
    for frame, which in zip(frames, ("first", "second"), strict=True):
        fields = [name] if name in frame.aliases else [f for f, known in frame.described.items() if known.name == name]
        fields = [one for one in fields if one in frame.aliases]
        if len(fields) != 1:
            there = ", ".join(repr(one) for one in frame.fields[:20])
            problem = f"stands for {len(fields)} columns of" if fields else "is not a column of"
            raise InvalidValue(f"{name!r:.80} {problem} the {which} table: its columns are {there}.")
        found.append(fields[0])
    if found[0] != found[1]:
        raise InvalidValue(f"{name!r:.80} is another column in each table: {found[0]!r} and {found[1]!r}.")
    return found[0]


def _unique(connection: duckdb.DuckDBPyConnection, frames: Iterable[Frame], fields: Sequence[str]) -> bool:
    for frame in frames:
        columns = ", ".join(frame.aliases[name] for name in fields)
        if one(connection, f"SELECT count(*) FROM (SELECT DISTINCT {columns} FROM {frame.part(fields)})")[0] != frame.rows:
            return False
    return True


def _guessed(connection: duckdb.DuckDBPyConnection, a: Frame, b: Frame) -> list[str] | None:
    """A unique column without nulls, or a pair or triple of them, by which the tables know each other's rows."""
    if not a.rows or not b.rows:
        return None
    candidates = [name for name in a.fields if name in b.aliases and _may_name(a, b, name)][:_MOST_COLUMNS]
    distinct = _estimates(connection, (a, b), candidates) if candidates else {}
    whole = [name for name in candidates if distinct[name] is not None]
    whole.sort(key=lambda name: 0 if _NAMING.search(name) else 1 if family(a.types[name]) != "number" else 2)
    large = max(a.rows, b.rows) > _LARGE
    tried = 0
    for width in (1, 2, 3):
        for names in combinations(whole if width == 1 else whole[:_COMBINED], width):
            counts = [distinct[name] or (0, 0) for name in names]
            if any(prod(count[side] for count in counts) < _NEARLY * (a, b)[side].rows for side in (0, 1)):
                continue
            tried += 1
            if tried > (_TRIES_LARGE if large else _TRIES):
                return None
            if _unique(connection, (a, b), names) and _knows(connection, a, b, names):
                return list(names)
    return None


def _may_name(a: Frame, b: Frame, name: str) -> bool:
    kinds = a.types[name], b.types[name]
    return not any(is_float(kind) or kind.endswith(("]", ")")) for kind in kinds) and family(kinds[0]) == family(kinds[1])


def _estimates(
    connection: duckdb.DuckDBPyConnection, frames: tuple[Frame, Frame], names: Sequence[str]
) -> dict[str, tuple[int, int] | None]:
    """About how many distinct values each column has in both tables; None for one with nulls."""
    found: list[tuple[int, ...]] = []
    for frame in frames:
        parts = [f"count({frame.aliases[name]}), approx_count_distinct({frame.aliases[name]})" for name in names]
        found.append(one(connection, f"SELECT {', '.join(parts)} FROM {frame.part(names)}"))
    result: dict[str, tuple[int, int] | None] = {}
    for place, name in enumerate(names):
        filled = all(row[2 * place] == frame.rows for row, frame in zip(found, frames, strict=True))
        # The estimate may be off by a tenth either way.
        result[name] = (found[0][2 * place + 1] * 11 // 10 + 1, found[1][2 * place + 1] * 11 // 10 + 1) if filled else None
    return result


def _knows(connection: duckdb.DuckDBPyConnection, a: Frame, b: Frame, names: Sequence[str]) -> bool:
    condition = " AND ".join(equal(a, b, name) for name in names)
    shared = one(connection, f"SELECT count(*) FROM {a.part(names)} SEMI JOIN {b.part(names)} ON {condition}")[0]
    return bool(shared >= _SHARED * min(a.rows, b.rows))
