"""CSV in which a spreadsheet finds no formula."""

from __future__ import annotations

import csv
import io
import re
import sys

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?inf", re.ASCII)


def guarded(text: str) -> bytes:
    """CSV as UTF-8, with an apostrophe before each text that begins like a formula; numbers stay numbers."""
    limit = csv.field_size_limit(sys.maxsize)
    written = io.StringIO(newline="")
    try:
        rows = csv.reader(io.StringIO(text, newline=""))
        csv.writer(written, lineterminator="\n").writerows([_guarded(cell) for cell in row] for row in rows)
    finally:
        csv.field_size_limit(limit)
    return written.getvalue().encode()


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell
