"""Plain text for terminals and one-line summaries: nothing in it can move a cursor, hide a word or overrun its room."""

from __future__ import annotations

import math
import re

from nb_artifacts.errors import InvalidValue

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNITS = ("B", "kB", "MB", "GB", "TB")

MAX_TEXT = 4096
"""Bytes of a payload's `text()`."""


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def visible(text: str) -> str:
    r"""`text` with line ends as ``\n`` and every other control character spelled out; tabs stay."""
    return _HIDDEN.sub(_spelled, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """`text` on one line, with nothing in it that a terminal could obey."""
    return " ".join(visible(text).split())


def clip_text(text: str, room: int) -> str:
    """`text`, or as much of it as fits in `room` bytes of UTF-8, with "…" where it was cut."""
    if len(text) * 4 <= room:
        return text
    content = text[: max(room, 0) + 1].encode(errors="replace")
    if len(content) <= room:
        return text
    return content[: room - 3].decode(errors="ignore") + "…" if room >= 3 else ""


def count(number: int) -> str:
    """A number with its thousands apart: ``336,776``."""
    return f"{number:,}"


def size(number: int) -> str:
    """A number of bytes as people say it: ``12.4 kB``."""
    value, unit = float(number), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit and value < 99.95 else f"{value:.0f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """A span of time as people say it, to about one part in twenty: ``8 s``, ``2 min``, ``1 h 20 min``, ``3 days``."""
    if seconds < 0.95:
        return "under 1 s"
    if seconds < 89.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 10:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    hours = round(seconds / 3600)
    return f"{hours} h" if hours < 48 else f"{round(seconds / 86400)} days"


def took(seconds: float) -> str:
    """How long something took, in the words of the browser's views: ``0.4 s``, ``14 s``, ``3:12``, ``2:03:07``, ``3 days``."""
    if seconds < 0.05:
        return "under 0.1 s"
    tenths, whole = math.floor(seconds * 10 + 0.5) / 10, math.floor(seconds + 0.5)
    if tenths < 1:
        return f"{tenths} s"
    if whole < 60:
        return f"{whole} s"
    if whole >= 2 * 86400:
        return f"{math.floor(whole / 86400 + 0.5)} days"
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def by(width: int, height: int) -> str:
    """Two sizes with a multiplication sign between."""
    return f"{count(width)} \N{MULTIPLICATION SIGN} {count(height)}"


def plural(number: int, word: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{count(number)} {word}" if number == 1 else f"{count(number)} {word}s"


def encodable(text: str, what: str) -> str:
    """`text` itself, if UTF-8 can write it.

    Raises `InvalidValue` naming the place of a lone surrogate.
    """
    match = _SURROGATE.search(text)
    if match is not None:
        raise InvalidValue(
            f"{what} has a lone surrogate (U+{ord(match.group()):04X}) at position {match.start()}, which no file can "
            "hold: remove or replace it, for example by text.encode(errors='replace').decode()."
        )
    return text
