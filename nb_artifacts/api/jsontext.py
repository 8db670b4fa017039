"""Whether JSON text that is kept as it came will be readable by every client later.

msgspec has already checked the syntax. What is left: numbers that no double holds (a browser would read Infinity),
numbers of more digits than Python parses, and nesting deeper than parsers follow. Only where a quick look finds
something suspicious are strings taken out and brackets and numbers looked at; all of it takes time and memory in
proportion to the text, whatever it holds.
"""

from __future__ import annotations

import math
import re
from itertools import accumulate

MAX_DEPTH = 200
MAX_DIGITS = 4000

_STRING = re.compile(rb'"[^"]*"')
_SUSPICIOUS = re.compile(rb"[0-9][eE]\+?[0-9]{2}|[0-9]{20}")
_NUMBER = re.compile(rb"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def objection(text: bytes) -> str | None:
    """Why the JSON value in `text` is refused, or None."""
    if text.startswith(b'"'):
        return None
    deep = text.count(b"[") + text.count(b"{") > MAX_DEPTH
    odd = _SUSPICIOUS.search(text) is not None
    if not deep and not odd:
        return None
    bare = _STRING.sub(b'""', text.replace(b"\\\\", b"").replace(b'\\"', b""))
    if deep and _depth(bare) > MAX_DEPTH:
        return f"nesting deeper than {MAX_DEPTH} levels is not accepted"
    return _bad_number(bare) if odd else None


def _depth(bare: bytes) -> int:
    brackets = bare.translate(None, delete=_NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def _bad_number(bare: bytes) -> str | None:
    for match in _NUMBER.finditer(bare):
        if len(match[0]) > MAX_DIGITS:
            return f"a number of more than {MAX_DIGITS:,} digits is not accepted"
        if (match[1] or match[2]) and math.isinf(float(match[0])):
            return "a number beyond the range of a double is not accepted"
    return None
