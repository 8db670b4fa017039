"""What is asked of a table: which rows, in which order, which columns; read from the parameters of a URL or message."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from nb_artifacts.errors import BadQuery

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_ROWS = 10_000
"""Rows of a page at most."""
LONGEST = 10_000
"""Characters of a filter at most."""
_MOST_KEYS = 32
_MOST_CONDITIONS = 200
_FAR = 2**53

Value = str | int | float | bool | None


class Condition(Struct, tag_field="op", forbid_unknown_fields=True):
    """Something that must hold of a column."""

    column: str


class Range(Condition, tag="range"):
    """At least `min` and at most `max`; one that is left out does not bind."""

    min: Value = None
    max: Value = None


class In(Condition, tag="in"):
    """One of these values; null among them stands for a missing one."""

    values: list[Value]


class Equals(Condition, tag="equals"):
    """Just this value."""

    value: Value


class Contains(Condition, tag="contains"):
    """The value's text contains this one, upper and lower case alike."""

    text: str


class Null(Condition, tag="null"):
    """It is missing."""


class NotNull(Condition, tag="not_null"):
    """It is there."""


AnyCondition = Range | In | Equals | Contains | Null | NotNull


class Key(Struct, frozen=True):
    """A column to sort by."""

    column: str
    descending: bool = False


class Which(Struct, kw_only=True):
    """Which rows of a table."""

    q: str | None = None
    """Any column's text contains it."""
    where: str | None = None
    """An SQL expression over the columns."""
    filter: list[AnyCondition] = []

    @property
    def all(self) -> bool:
        """Whether it is all of them."""
        return not (self.q or self.where or self.filter)


class RowsQuery(Which, kw_only=True):
    """Rows to read. `columns` and the columns of `sort` and `filter` are the ``field`` names of `TableInfo`."""

    offset: int = 0
    limit: int = 200
    columns: list[str] | None = None
    """In this order; None for all."""
    sort: list[Key] = []
    stride: int = 1
    """Every so many rows only; `offset` and `limit` count what is left."""


def parse(params: Mapping[str, str], *, limit: int = 200) -> RowsQuery:
    """The query that these parameters spell. Raises `BadQuery`."""
    return RowsQuery(
        offset=_whole(params, "offset", 0, _FAR), limit=_whole(params, "limit", limit, MOST_ROWS),
        columns=_names(params, "columns"), sort=_keys(_names(params, "sort") or []),
        q=_text(params, "q"), where=_text(params, "where"), filter=_conditions(params.get("filter")),
        stride=max(_whole(params, "stride", 1, _FAR), 1),
    )  # fmt: skip


def _whole(params: Mapping[str, str], name: str, otherwise: int, most: int) -> int:
    text = params.get(name, "")
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= most):
        raise BadQuery(f"{name}={text[:40]!r} is not a whole number from 0 to {most}.")
    return int(text)


def _text(params: Mapping[str, str], name: str) -> str | None:
    text = params.get(name)
    if text is None or not text.strip():
        return None
    check_text(name, text)
    return text


def check_text(name: str, text: str) -> None:
    """Raise `BadQuery` for a text that no query may hold."""
    if len(text) > LONGEST:
        raise BadQuery(f"{name} has {len(text)} characters: at most {LONGEST} are taken.", position=LONGEST)
    if "\x00" in text:
        raise BadQuery(f"{name} holds a NUL character.", position=text.index("\x00"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadQuery(f"{name} has a lone surrogate.", position=error.start) from None


def _names(params: Mapping[str, str], name: str) -> list[str] | None:
    text = params.get(name)
    if text is None or not text:
        return None
    if text.startswith("["):
        try:
            return msgspec.json.decode(text, type=list[str])
        except (msgspec.DecodeError, UnicodeEncodeError):
            pass  # a column may be called "[a]"
    return [unquote(part) for part in text.split(",")]


def _keys(words: list[str]) -> list[Key]:
    if len(words) > _MOST_KEYS:
        raise BadQuery(f"a table is sorted by at most {_MOST_KEYS} columns, not {len(words)}.")
    return [Key(word[1:], word[0] == "-") if word[:1] in ("-", "+") else Key(word) for word in words]


def _conditions(text: str | None) -> list[AnyCondition]:
    if not text:
        return []
    try:
        found = msgspec.json.decode(text, type=list[AnyCondition])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise BadQuery(f"filter is not a JSON list of conditions: {error}") from None
    if len(found) > _MOST_CONDITIONS:
        raise BadQuery(f"filter has {len(found)} conditions: at most {_MOST_CONDITIONS} are taken.")
    for condition in found:
        for value in _values(condition):
            if isinstance(value, str):
                check_text("filter", value)
    return found


def _values(condition: AnyCondition) -> list[Value]:
    if isinstance(condition, In):
        return condition.values
    if isinstance(condition, Range):
        return [condition.min, condition.max]
    return [condition.value] if isinstance(condition, Equals) else [condition.text] if isinstance(condition, Contains) else []


def fingerprint(blob: str, kind: Literal["rows", "summary", "export"], query: Which, *more: str) -> str:
    """The same for the same answer: what was asked, of which bytes."""
    said: Any = [blob, kind, msgspec.to_builtins(query), more]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:40]
