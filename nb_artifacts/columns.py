"""Names of columns and numbers, as typed after a verb in a magic or a shell."""

from __future__ import annotations

import csv

from nb_artifacts.errors import UsageError


def split_columns(text: str) -> list[str]:
    """The names in ``a,b``; in quotes a name may hold a comma. Raises `UsageError`."""
    try:
        return [name.strip() for name in next(csv.reader([text], skipinitialspace=True, strict=True)) if name.strip()]
    except (csv.Error, StopIteration):
        raise UsageError(f"{text!r} does not name columns: write them as a,b.") from None


def to_tolerance(text: str) -> float:
    """The number that `text` spells. Raises `UsageError`."""
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a number: --tolerance 0.001") from None
