"""The head of a table as HTML and as text: its first rows and columns, as many as fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

import msgspec

from nb_artifacts.types._html import LINE, QUIET, escaped, fit, line
from nb_artifacts.types._sheet import Column
from nb_artifacts.types.text import MAX_TEXT, clip_text, count, one_line, plural

Row = dict[str, Any]
HEAD = 10
_MAX_COLUMNS = 20
_CELL = 120


def shape(rows: int, columns: int) -> str:
    """``336,776 rows × 19 columns``."""
    return f"{plural(rows, 'row')} × {plural(columns, 'column')}"


def cell_text(value: Any) -> str:
    """A cell as people read it; "" stands for null, which the caller writes its own way."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    return str(value)


def _floats(values: list[Any]) -> Callable[[float], str]:
    """How to write the floats of a column: all with the same digits after the point, at most six that count."""
    there = [abs(v) for v in values if isinstance(v, float) and v]
    if there and (max(there) >= 1e15 or min(there) < 1e-5):
        return lambda value: f"{value:.6g}"
    digits = 1
    for value in there:
        shown = f"{value:.6g}"
        digits = max(digits, len(shown.partition(".")[2])) if "e" not in shown else digits
    return lambda value: f"{value:.{digits}f}"


def column_texts(rows: Sequence[Row], column: Column) -> list[str | None]:
    """The cells of a column as texts, None for null."""
    values = [row.get(column.field) for row in rows]
    write = _floats(values)
    found: list[str | None] = []
    for value in values:
        if value is None:
            found.append(None)
        else:
            found.append(write(value) if isinstance(value, float) else cell_text(value))
    return found


def to_html(columns: Sequence[Column], rows: Sequence[Row], total: int, width: int, room: int) -> str:
    """A table of at most `room` bytes: fewer rows, then fewer columns, then shorter cells where it would be more."""
    sizes = [(HEAD, _MAX_COLUMNS, _CELL), (HEAD, 12, 60), (5, 12, 40), (5, 8, 30), (3, 6, 24), (2, 4, 16), (1, 3, 12), (0, 3, 12)]
    found = fit(room, (lambda size=size: _html(columns, rows, total, width, *size) for size in sizes))  # type: ignore[misc]
    return found or line(shape(total, width), room)


def _html(columns: Sequence[Column], rows: Sequence[Row], total: int, width: int, height: int, wide: int, cell: int) -> str:
    shown, head = rows[:height], columns[:wide]
    texts = [column_texts(shown, column) for column in head]
    parts = ['<table style="border-collapse:collapse;font-size:90%"><thead><tr>', *(_heading(column, cell) for column in head), "</tr></thead><tbody>"]
    for place in range(len(shown)):
        parts += ["<tr>", *(_cell(column, text[place], cell) for column, text in zip(head, texts, strict=True)), "</tr>"]
    values = sum(1 for column in columns[: len(head)] if not column.index)
    more = []
    if len(shown) < total:
        more.append(f"the first {plural(len(shown), 'row')}" if shown else "no rows shown")
    if values < width:
        more.append(f"{plural(width - values, 'more column')}")
    foot = " · ".join([shape(total, width), *more])
    return "".join([*parts, f'</tbody></table><div style="{QUIET};margin-top:4px">{escape(foot)}</div>'])


def _align(column: Column) -> str:
    return "right" if column.kind == "number" else "left"


def _heading(column: Column, cell: int) -> str:
    style = f"padding:2px 10px 2px 4px;text-align:{_align(column)};vertical-align:bottom;border-bottom:{LINE}"
    return (
        f'<th scope="col" style="{style}">{escaped(one_line(column.name), 6 * cell)}'
        f'<div style="{QUIET};font-weight:normal">{escaped(one_line(column.dtype), 40)}</div></th>'
    )


def _cell(column: Column, text: str | None, cell: int) -> str:
    style = f"padding:2px 10px 2px 4px;text-align:{_align(column)};border-bottom:{LINE}"
    if text is None:
        return f'<td style="{style}"><em style="opacity:0.6">null</em></td>'
    short = one_line(text[: cell + 1])
    short = short if len(text) <= cell else short[:cell] + "…"
    tag = 'th scope="row"' if column.index else "td"
    weight = ";font-weight:normal;opacity:0.75" if column.index else ""
    return f'<{tag} style="{style}{weight}">{escape(short)}</{tag.partition(" ")[0]}>'


def to_text(columns: Sequence[Column], rows: Sequence[Row], total: int, width: int) -> str:
    """The head with its columns aligned, and how much there is in all."""
    foot = f"[{shape(total, width)}]"
    for height, wide in _sizes():
        lines = _text_lines(columns[:wide], rows[:height])
        more = " …" if len(columns) > wide else ""
        text = "\n".join([*(row + more for row in lines), foot])
        if len(text.encode()) <= MAX_TEXT:
            return text
    return foot


def _sizes() -> Iterator[tuple[int, int]]:
    yield from ((HEAD, 12), (HEAD, 8), (5, 8), (5, 4), (2, 2))


def _text_lines(columns: Sequence[Column], rows: Sequence[Row]) -> list[str]:
    blocks = []
    for column in columns:
        texts = ["null" if text is None else clip_text(one_line(text[:41]), 40) for text in column_texts(rows, column)]
        block = [clip_text(one_line(column.name), 40), *texts]
        wide = max(map(len, block))
        blocks.append([text.rjust(wide) if column.kind == "number" else text.ljust(wide) for text in block])
    return ["  ".join(parts).rstrip() for parts in zip(*blocks, strict=True)]


def described(total: int, shown: int) -> str:
    """``500 of 1000000``."""
    return f"{shown} of {total}"


__all__ = ["HEAD", "column_texts", "count", "described", "shape", "to_html", "to_text"]
