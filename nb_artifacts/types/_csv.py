"""CSV in which a spreadsheet finds no formula."""

from __future__ import annotations

import csv
import io
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?inf", re.ASCII)


def guarded(text: str) -> bytes:
    """CSV as UTF-8, with an apostrophe before each text that begins like a formula; numbers stay numbers."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        return rows(csv.reader(io.StringIO(text, newline="")))
    finally:
        csv.field_size_limit(limit)


def rows(lines: Iterable[Sequence[str]]) -> bytes:
    """Lines of CSV as UTF-8, guarded likewise."""
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows([_guarded(cell) for cell in line] for line in lines)
    return written.getvalue().encode()


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell
