"""A comparison as static HTML and as text: what changed first, as much of it as fits."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nb_artifacts.types._html import LINE, QUIET, escaped, fit, line
from nb_artifacts.types.text import MAX_TEXT, clip_text, count, duration, one_line, plural, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb_artifacts.diff.result import (
        ColumnChange,
        ImageDiff,
        NumberDiff,
        Parts,
        RowChange,
        SchemaChange,
        TableDiff,
        TextDiff,
    )  # fmt: skip

ROOM = 20_000
"""Bytes of the HTML: with the text beside it an output stays within 32 KiB."""

_NEW, _OLD, _MOVED = "rgba(46,125,50,0.2)", "rgba(198,40,40,0.2)", "rgba(255,160,0,0.2)"
_COLOURS = {"added": _NEW, "removed": _OLD, "changed": _MOVED, "+": _NEW, "-": _OLD}
_PAD = "padding:2px 10px 2px 4px;text-align:left;vertical-align:top"
_SIGNS = {"added": "+", "removed": "\N{MINUS SIGN}", "changed": "~", "moved": "\N{RIGHTWARDS ARROW}"}
_ARROW = "\N{RIGHTWARDS ARROW}"


def title(found: Parts) -> str:
    """``load@1 → load@2``."""
    return f"{found.before.name} {_ARROW} {found.after.name}"


def summary(found: Parts) -> str:
    """In one line how much changed."""
    if found.same:
        return "no difference"
    if found.table is not None:
        return _table_summary(found.table)
    if found.text is not None:
        return f"{plural(found.text.added, 'line')} added · {plural(found.text.removed, 'line')} removed"
    if found.image is not None and found.image.changed_pixels is not None:
        total = found.image.total_pixels or 1
        return f"{plural(found.image.changed_pixels, 'pixel')} changed, {_share(found.image.changed_pixels / total)}"
    if found.number is not None:
        return f"{_number(found.number.before)} {_ARROW} {_number(found.number.after)}"
    return "different"


def _share(part: float) -> str:
    return f"{part:.1%}" if part >= 0.001 else "less than 0.1%"


def _table_summary(table: TableDiff) -> str:
    parts = [
        f"{plural(number, 'row')} {word}" for number, word in
        ((table.added, "added"), (table.removed, "removed"), (table.changed, "changed"), (table.same, "the same")) if number
    ]  # fmt: skip
    columns = len({change.field for change in table.schema})
    return " · ".join([*parts, *([f"{plural(columns, 'column')} different"] if columns else [])]) or "no rows"


def matched(table: TableDiff) -> str:
    """By what the rows were matched, and whether that was a guess."""
    if not table.keys:
        return "Rows are matched by their place: no columns that name a row were given or found."
    names = ", ".join(one_line(name) for name in table.keys[:6])
    how = {"guessed": " (guessed)", "index": " (the index)"}.get(table.matched_by, "")
    twice = "" if table.keys_unique else "; rows of one key in their order"
    return f"Rows are matched by {names}{how}{twice}."


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def _cell(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else one_line(str(value))


def _schema_words(change: SchemaChange) -> str:
    name = one_line(change.field)
    if change.change == "added":
        return f"{name} ({change.after})"
    if change.change == "removed":
        return f"{name} ({change.before})"
    if change.change == "moved":
        return f"{name}: column {change.before} {_ARROW} {change.after}"
    return f"{name}: {change.before} {_ARROW} {change.after}"


def _drifted(table: TableDiff) -> list[ColumnChange]:
    """Columns of which something differs."""
    return [
        one for one in table.columns
        if one.changed or (one.nulls_from, one.mean_from, one.min_from, one.max_from)
        != (one.nulls_to, one.mean_to, one.min_to, one.max_to)
    ]  # fmt: skip


def _spans(one: ColumnChange) -> tuple[str, str, str, str]:
    """Changed cells, nulls, mean and range of a column, before and after."""

    def pair(before: str, after: str) -> str:
        return before if before == after else f"{before} {_ARROW} {after}"

    if one.mean_from is None and one.mean_to is None:
        mean = spread = ""
    else:
        mean = pair(_number(one.mean_from), _number(one.mean_to))
        spread = pair(f"{_number(one.min_from)} … {_number(one.max_from)}", f"{_number(one.min_to)} … {_number(one.max_to)}")
    return count(one.changed), pair(count(one.nulls_from), count(one.nulls_to)), mean, spread


def _shown_columns(table: TableDiff, rows: Sequence[RowChange], wide: int) -> list[str]:
    """Key columns, then those whose cells changed, then the rest of added and removed rows."""
    changed = [name for row in rows if row.change == "changed" for name in row.cells]
    names = dict.fromkeys([*table.keys, *changed, *(name for row in rows for name in row.cells)])
    return list(names)[:wide]


def _shown_cell(row: RowChange, name: str) -> str:
    if name in row.cells:
        before, after = row.cells[name]
        if row.change == "changed":
            return f"{_cell(before)} {_ARROW} {_cell(after)}"
        return _cell(after if row.change == "added" else before)
    return _cell(row.key[name]) if name in row.key else ""


def _place(row: RowChange) -> str:
    """Which row it is, counted from 0 as everywhere in Python."""
    return str(row.after if row.after is not None else row.before)


# HTML


def html(found: Parts, room: int = ROOM) -> str:
    """Static HTML of at most `room` bytes: light and dark, no script, no request."""
    head = f"<div><strong>{escaped(title(found), 300)}</strong> <span>{escaped(summary(found), 300)}</span></div>"
    head += f'<div style="{QUIET}">{escaped(one_line(found.note), 400)}</div>' if found.note else ""
    if found.table is not None:
        bodies = [_table_html(found.table, *size) for size in ((20, 10, 60), (20, 6, 40), (10, 6, 30), (5, 4, 20), (0, 4, 20))]
    elif found.text is not None:
        bodies = [_text_html(found.text, lines) for lines in (120, 60, 30, 10, 3)]
    elif found.image is not None:
        bodies = _image_html(found.image)
    elif found.number is not None:
        bodies = [_series_html(found.number, points) for points in (50, 10)]
    else:
        bodies = []
    box = f'<div style="border:{LINE};border-radius:4px;padding:6px 10px;margin:4px 0;max-width:100%;overflow-x:auto">'
    made = fit(room, [*((lambda body=body: f"{box}{head}{body}</div>") for body in bodies), lambda: f"{box}{head}</div>"])
    return made or line(f"{title(found)}: {summary(found)}", room)


def _head_cells(names: Sequence[str]) -> str:
    cells = (f'<th scope="col" style="{_PAD};border-bottom:{LINE}">{escaped(one_line(name), 60)}</th>' for name in names)
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def _table_html(table: TableDiff, high: int, wide: int, cell: int) -> str:
    parts = [f'<div style="{QUIET}">{escaped(matched(table), 400)}</div>']
    if table.schema:
        items = "".join(
            f'<span style="background-color:{_COLOURS.get(one.change, _MOVED)};padding:0 4px;margin-right:6px">'
            f"{_SIGNS[one.change]} {escaped(_schema_words(one), 2 * cell + 40)}</span>" for one in table.schema[: 2 * wide]
        )  # fmt: skip
        parts.append(f'<div style="margin:4px 0">Columns: {items}</div>')
    parts.append(_drift_html(_drifted(table)[:wide]))
    rows = table.rows[:high]
    if rows:
        parts.append(_rows_html(table, rows, wide, cell))
        there = table.added + table.removed + table.changed
        if there > len(rows):
            parts.append(f'<div style="{QUIET}">{len(rows)} of {count(there)} rows that differ</div>')
    return "".join(parts)


def _drift_html(columns: Sequence[ColumnChange]) -> str:
    if not columns:
        return ""
    rows = []
    for one in columns:
        cells = "".join(f'<td style="{_PAD}">{escaped(text, 120)}</td>' for text in _spans(one))
        rows.append(f'<tr><th scope="row" style="{_PAD}">{escaped(one_line(one.field), 60)}</th>{cells}</tr>')
    head = _head_cells(("Column", "Changed cells", "Nulls", "Mean", "Range"))
    return f'<table style="border-collapse:collapse;font-size:90%;margin:4px 0">{head}<tbody>{"".join(rows)}</tbody></table>'


def _rows_html(table: TableDiff, rows: Sequence[RowChange], wide: int, cell: int) -> str:
    names = _shown_columns(table, rows, wide)
    body = []
    for row in rows:
        colour = f"background-color:{_COLOURS[row.change]}"
        cells = [f'<th scope="row" style="{_PAD}" title="{row.change}">{_SIGNS[row.change]}</th>']
        cells += [] if table.keys else [f'<td style="{_PAD};opacity:0.75">{_place(row)}</td>']
        for name in names:
            marked = row.change != "changed" or name in row.cells
            style = f"{_PAD};{colour}" if marked else _PAD
            cells.append(f'<td style="{style}">{escaped(_shown_cell(row, name), cell)}</td>')
        body.append(f"<tr>{''.join(cells)}</tr>")
    head = _head_cells(["", *([] if table.keys else ["Row"]), *names])
    return f'<table style="border-collapse:collapse;font-size:90%;margin:4px 0">{head}<tbody>{"".join(body)}</tbody></table>'


def _text_html(text: TextDiff, most: int) -> str:
    lines = []
    for mark, words in _around(text, most):
        colour = f";background-color:{_COLOURS[mark]}" if mark in _COLOURS else ""
        lines.append(f'<div style="white-space:pre-wrap{colour}">{mark.replace("=", " ")} {escape(visible(words[:400]))}</div>')
    left = len(text.lines) - most
    more = f'<div style="{QUIET}">… {plural(left, "more line")}</div>' if left > 0 else ""
    return f'<div style="font-family:monospace;font-size:90%;margin:4px 0">{"".join(lines)}</div>{more}'


def _around(text: TextDiff, most: int) -> Sequence[tuple[str, str]]:
    """The lines from shortly before the first change on."""
    first = next((place for place, (mark, _) in enumerate(text.lines) if mark in "+-"), 0)
    start = max(0, min(first - 3, len(text.lines) - most))
    return text.lines[start : start + most]


def _image_html(image: ImageDiff) -> list[str]:
    if image.difference is None:
        return []
    words = "what changed, in red"
    picture = f'<img src="{image.difference}" alt="{escape(words)}" style="max-width:100%;border:{LINE}">'
    return [f'{picture}<div style="{QUIET}">{words}</div>']


def _series_html(number: NumberDiff, most: int) -> str:
    rows = []
    for point in number.series[-most:]:
        took = "" if point.seconds is None else duration(point.seconds)
        texts = (str(point.version or ""), _number(point.value), point.state or "", took)
        rows.append("<tr>" + "".join(f'<td style="{_PAD}">{escaped(text, 40)}</td>' for text in texts) + "</tr>")
    if not rows:
        return ""
    head = _head_cells(("Version", "Value", "State", "Took"))
    return f'<table style="border-collapse:collapse;font-size:90%;margin:4px 0">{head}<tbody>{"".join(rows)}</tbody></table>'


# Text


def text(found: Parts, most: int = 20, room: int = MAX_TEXT) -> str:
    """The same for a terminal: at most `most` rows or twice as many lines, and `room` bytes."""
    lines = [f"{one_line(title(found))} · {summary(found)}", *([one_line(found.note)] if found.note else [])]
    for high in (most, 10, 5, 0):
        whole = "\n".join([*lines, *_body(found, high)])
        if len(whole.encode()) <= room:
            return whole
    return clip_text("\n".join(lines), room)


def _body(found: Parts, high: int) -> Iterator[str]:
    if found.table is not None:
        yield from table_lines(found.table, high)
    elif found.text is not None:
        for mark, words in _around(found.text, 2 * high) if high else ():
            yield f"{mark.replace('=', ' ')} {visible(clip_text(words, 200))}"
    elif found.number is not None:
        for point in found.number.series[-high:] if high else ():
            took = "" if point.seconds is None else f"  {duration(point.seconds)}"
            yield f"  v{point.version}  {_number(point.value)}  {one_line(point.state or '')}{took}".rstrip()


def table_lines(table: TableDiff, high: int) -> Iterator[str]:
    """What a terminal is told of a table."""
    if table.columns or table.rows or table.schema:
        yield matched(table)
    for change in table.schema[:20]:
        yield f"{_SIGNS[change.change]} column {clip_text(_schema_words(change), 160)}"
    drifted = _drifted(table)[: max(high, 5)]
    if drifted:
        yield from _aligned(
            [("column", "changed", "nulls", "mean", "range"), *((one_line(one.field), *_spans(one)) for one in drifted)]
        )
    rows = table.rows[:high]
    if rows:
        names = _shown_columns(table, rows, 6)
        place = [] if table.keys else ["row"]
        cells = [["", *place, *map(one_line, names)]]
        cells += [
            [_SIGNS[row.change], *([] if table.keys else [_place(row)]), *(_shown_cell(row, name) for name in names)]
            for row in rows
        ]
        yield from _aligned(cells)
    there = table.added + table.removed + table.changed
    if there > len(rows):
        yield f"{len(rows)} of {count(there)} rows that differ."


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    shown = [[clip_text(cell, 60) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in shown) for place in range(len(shown[0]))]
    for row in shown:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
