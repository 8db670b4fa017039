"""Rows under a head, for people: in a notebook a table, in a terminal aligned columns."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BORDER = "1px solid rgba(128,128,128,.4)"


@dataclass
class Listing:
    """Rows under a head; shows itself as an HTML table or as aligned columns."""

    head: Sequence[str]
    rows: list[list[str]]
    nothing: str
    """What is said where there are no rows."""
    note: str = ""
    """What is said below the rows."""

    def __repr__(self) -> str:
        if not self.rows:
            return self.nothing
        lines = [list(self.head), *self.rows] if any(self.head) else self.rows
        widths = [max(len(line[n]) for line in lines) for n in range(len(self.head))]
        shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([*shown, *([self.note] if self.note else [])])

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<em>{escape(self.nothing)}</em>"
        cell = f"text-align:left;padding:2px 10px;border-bottom:{_BORDER}"
        head = "".join(f'<th scope="col" style="{cell}">{escape(name)}</th>' for name in self.head)
        rows = ["".join(f'<td style="{cell}">{escape(text)}</td>' for text in row) for row in self.rows]
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"
        return table + (f"<p>{escape(self.note)}</p>" if self.note else "")


class Said(str):
    """A sentence as a cell's result: shown as it is, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
