"""Two texts, line by line. What long texts share at both ends costs nothing; what lies between is matched up to a limit."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from nb_artifacts.diff.result import TextDiff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb_artifacts.diff.result import Line

MATCHED = 2000
"""Lines between the first and the last change that are matched one by one; of more the old are shown before the new."""
SHOWN = 2000
"""Lines of a result."""
ROOM = 200_000
"""Characters of a result."""
_LONG = 2000
"""Characters of a line that are shown."""
_AROUND = 3
"""Equal lines around a change that are shown where a text is long."""
_SHORT = 200
"""A text of no more lines is shown whole."""


def text_diff(before: str, after: str) -> TextDiff:
    """The lines of both, those that changed marked."""
    old, new = before.splitlines(), after.splitlines()
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    matched = max(len(middle_old), len(middle_new)) <= MATCHED
    changed = list(_matched(middle_old, middle_new) if matched else _apart(middle_old, middle_new))
    lines: list[Line] = [*(("=", line) for line in old[:start]), *changed, *(("=", line) for line in old[len(old) - end :])]
    shown, whole = _within(lines if len(lines) <= _SHORT else list(_folded(lines)))
    added, removed = (sum(1 for mark, _ in changed if mark == sign) for sign in "+-")
    return TextDiff(lines=shown, added=added, removed=removed, whole=whole and matched)


def _common(old: list[str], new: list[str]) -> int:
    """How many lines are equal from the beginning on."""
    return next(
        (place for place, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new))
    )


def _matched(old: list[str], new: list[str]) -> Iterator[Line]:
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=True).get_opcodes():
        if tag == "equal":
            yield from (("=", line) for line in old[a:b])
        else:
            yield from (("-", line) for line in old[a:b])
            yield from (("+", line) for line in new[c:d])


def _apart(old: list[str], new: list[str]) -> Iterator[Line]:
    yield from (("-", line) for line in old)
    yield from (("+", line) for line in new)


def _folded(lines: list[Line]) -> Iterator[Line]:
    """Equal lines far from any change as one that counts them."""
    near = bytearray(len(lines))
    for place, (mark, _) in enumerate(lines):
        if mark != "=":
            near[max(place - _AROUND, 0) : place + _AROUND + 1] = b"\1" * len(
                near[max(place - _AROUND, 0) : place + _AROUND + 1]
            )
    left_out = 0
    for line, shown in zip(lines, near, strict=True):
        if not shown:
            left_out += 1
            continue
        if left_out:
            yield "…", _count(left_out)
            left_out = 0
        yield line
    if left_out:
        yield "…", _count(left_out)


def _count(number: int) -> str:
    return f"{number:,} equal {'line' if number == 1 else 'lines'}"


def _within(lines: list[Line]) -> tuple[list[Line], bool]:
    """As many lines as there is room for, and whether these are all."""
    room = ROOM
    found: list[Line] = []
    for mark, text in lines[:SHOWN]:
        shown = text if len(text) <= _LONG else f"{text[:_LONG]}…"
        room -= len(shown)
        if room < 0:
            return found, False
        found.append((mark, shown))
    return found, len(found) == len(lines)
