"""The head of a table as HTML and as text: its first rows and columns, as many as fit."""

from __future__ import annotations

import json
import math
import re
from html import escape
from typing import TYPE_CHECKING, Any

from nb_artifacts.types._data import HEAD, Row
from nb_artifacts.types._html import LINE, QUIET, escaped, fit, line
from nb_artifacts.types.text import MAX_TEXT, one_line, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nb_artifacts.types._sheet import Column

_MAX_WIDE = 20
_CELL = 120
_NAME = 60
_PAD = "padding:2px 7px"
_EXACT = 2**53
_NAMES_NUMBERS = re.compile(r"(?:^|[_\W])(?:id|ids|year|zip|code|key|no|number)$", re.IGNORECASE)
"""Numbers that name something are written without commas."""
_MIDNIGHT = re.compile(r"^\d{4}-\d\d-\d\dT00:00:00(?:\+00:00)?$")
_AT = re.compile(r"^(\d{4}-\d\d-\d\d)T")


def shape(rows: int, columns: int, *, least: bool = False) -> str:
    """How large a table is, in words; `least`: it has more rows than that."""
    return f"{'more than ' if least else ''}{plural(rows, 'row')} \N{MULTIPLICATION SIGN} {plural(columns, 'column')}"


def _cell_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _decimals(numbers: Sequence[float]) -> int:
    """Digits after the point that show about four of the larger numbers that count, and no more than there are."""
    largest = max((abs(number) for number in numbers), default=0.0)
    most = 2 if largest >= 1000 else 3 if largest >= 1 else 4
    shown = [number for number in numbers if abs(number) >= 0.5 * 10**-most]
    return next((digits for digits in range(most) if all(round(n, digits) == n for n in shown)), most)


def _number_writer(values: Sequence[Any], name: str, *, plain: bool) -> Callable[[float], str]:
    """How to write the numbers of a column alike; `plain` leaves thousands together and keeps a float's point."""
    broken = [value for value in values if isinstance(value, float) and math.isfinite(value)]
    numbers = broken + [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    digits = max(_decimals(broken), 1 if plain else 0) if broken else 0
    large = any(abs(value) >= 10_000 for value in numbers) and all(abs(value) < _EXACT for value in numbers)
    comma = "," if large and not plain and not _NAMES_NUMBERS.search(name) else ""

    def write(value: float) -> str:
        if isinstance(value, int):
            return f"{value:{comma}}"
        size = abs(value)
        if not math.isfinite(value) or size >= 1e15 or 0 < size < 0.5 * 10**-digits:
            return f"{value:.4g}"
        return f"{value:{comma}.{digits}f}"

    return write


def column_texts(rows: Sequence[Row], column: Column, *, plain: bool) -> list[str | None]:
    """The cells of a column as texts, None for null."""
    values = [row.get(column.field) for row in rows]
    write = _number_writer(values, column.name[-40:], plain=plain)
    texts: list[str | None] = [
        None if v is None else write(v) if isinstance(v, (int, float)) and not isinstance(v, bool) else _cell_text(v)
        for v in values
    ]
    if column.kind != "time":
        return texts
    midnight = all(text is None or _MIDNIGHT.search(text[:40]) for text in texts)
    return [None if text is None else text[:10] if midnight else _AT.sub(r"\1 ", text) for text in texts]


def _short(text: str, most: int) -> str:
    shown = one_line(text[: most + 1])
    return shown if len(text) <= most else shown[:most] + "…"


def to_html(
    columns: Sequence[Column],
    rows: Sequence[Row],
    total: int,
    width: int,
    room: int,
    *,
    last: bool = False,
    least: bool = False,
) -> str:
    """A table of at most `room` bytes: fewer rows, then fewer columns, then shorter cells where it would be more.

    `last` says that `rows` are the last ones, `least` that there are more than `total`.
    """
    sizes = (
        (HEAD, _MAX_WIDE, _CELL), (HEAD, 12, 60), (5, 12, 40), (5, 8, 30), (3, 6, 24), (2, 4, 16), (1, 3, 12), (0, 3, 12),
    )  # fmt: skip
    found = fit(room, (_Candidate(columns, rows, total, width, *size, last=last, least=least) for size in sizes))
    return found or line(shape(total, width, least=least), room)


class _Candidate:
    """A table of so many rows and columns, and cells of so many characters."""

    def __init__(
        self, columns: Sequence[Column], rows: Sequence[Row], total: int, width: int, high: int, wide: int, cell: int,
        *, last: bool, least: bool,
    ) -> None:  # fmt: skip
        self.columns, self.rows = columns[:wide], _part(rows, high, last=last)
        self.which = "last" if last else "first"
        self.total, self.width, self.cell, self.least = total, width, cell, least

    def __call__(self) -> str:
        texts = [column_texts(self.rows, column, plain=False) for column in self.columns]
        parts = ['<table style="border-collapse:collapse;font-size:90%"><thead>', f'<tr style="border-bottom:{LINE}">']
        parts += [self._heading(column) for column in self.columns]
        parts.append("</tr></thead><tbody>")
        for place in range(len(self.rows)):
            cells = [self._cell(column, text[place]) for column, text in zip(self.columns, texts, strict=True)]
            parts += [f'<tr style="border-bottom:{LINE}">', *cells, "</tr>"]
        parts.append(f'</tbody></table><div style="{QUIET};margin-top:4px">{escape(self._foot())}</div>')
        return "".join(parts)

    def _foot(self) -> str:
        parts = [shape(self.total, self.width, least=self.least)]
        shown = sum(1 for column in self.columns if not column.index)
        if len(self.rows) < self.total:
            parts.append(f"the {self.which} {len(self.rows)} shown" if self.rows else "no rows shown")
        if shown < self.width:
            parts.append(f"{plural(self.width - shown, 'more column')}")
        return " · ".join(parts)

    def _heading(self, column: Column) -> str:
        style = f"{_PAD};text-align:{_align(column)}"
        name, dtype = _short(column.name, min(self.cell, _NAME)), escaped(_short(column.dtype, 40), 80)
        below = f'<div style="{QUIET};font-weight:normal">{dtype}</div>'
        return f'<th scope="col" style="{style}">{escape(name)}{below}</th>'

    def _cell(self, column: Column, text: str | None) -> str:
        whole = ";white-space:nowrap" if column.kind == "time" else ""
        style = f"{_PAD};text-align:{_align(column)}{whole}"
        shown = '<em style="opacity:0.6">null</em>' if text is None else escape(_short(text, self.cell))
        if column.index:
            return f'<th scope="row" style="{style};font-weight:normal;opacity:0.75">{shown}</th>'
        return f'<td style="{style}">{shown}</td>'


def _align(column: Column) -> str:
    return "right" if column.kind == "number" else "left"


def _part(rows: Sequence[Row], high: int, *, last: bool) -> Sequence[Row]:
    return rows[max(len(rows) - high, 0) :] if last else rows[:high]


def to_text(
    columns: Sequence[Column], rows: Sequence[Row], total: int, width: int, *, last: bool = False, least: bool = False
) -> str:
    """The head, or the end, with its columns aligned, and how much there is in all."""
    foot = f"[{shape(total, width, least=least)}]"
    for high, wide in ((HEAD, 12), (HEAD, 8), (5, 8), (5, 4), (2, 2)):
        more = "  …" if len(columns) > wide else ""
        shown = _part(rows, high, last=last)
        lines = [text + more for text in _aligned(columns[:wide], shown)]
        if len(shown) < total:
            lines.insert(1 if last else len(lines), "…")
        found = "\n".join([*lines, foot])
        if len(found.encode()) <= MAX_TEXT:
            return found
    return foot


def _aligned(columns: Sequence[Column], rows: Sequence[Row]) -> list[str]:
    blocks = []
    for column in columns:
        texts = ["null" if text is None else _short(text, 40) for text in column_texts(rows, column, plain=True)]
        block = [_short(column.name, 40), *texts]
        wide = max(map(len, block))
        blocks.append([text.rjust(wide) if column.kind == "number" else text.ljust(wide) for text in block])
    return ["  ".join(parts).rstrip() for parts in zip(*blocks, strict=True)]
