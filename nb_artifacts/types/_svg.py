"""SVG: recognised by its beginning, measured by its first tag, never parsed as XML."""

from __future__ import annotations

import re

_START = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,400}\?>\s*)?(?:<!--.{0,4000}?-->\s*|<!DOCTYPE svg[^>\[]{0,400}>\s*)*<svg[\s>]",
    re.DOTALL | re.IGNORECASE,
)
_TAG = re.compile(rb"<svg\b([^>]{0,8000})>", re.IGNORECASE)
_LENGTH = {name: re.compile(rb"\b" + name + rb"""\s*=\s*["']\s*([0-9.]+)(?:px|pt)?\s*["']""") for name in (b"width", b"height")}
_BOX = re.compile(rb"""\bviewBox\s*=\s*["']\s*[-0-9.]+[\s,]+[-0-9.]+[\s,]+([0-9.]+)[\s,]+([0-9.]+)\s*["']""")
_ACTIVE = re.compile(
    rb"<\s*(?:[\w-]+:)?(?:script|foreignobject|iframe|object|embed|handler|listener|set|animate\w*|use|image|feimage|a)\b|\bon\w+\s*=|javascript:"
    rb"|<!(?:ENTITY|DOCTYPE[^>]*\[)|@import|url\s*\(\s*[\"']?\s*[^#\"'\s)]|\b(?:href|src)\s*=\s*[\"']?\s*[^#\"'\s]|<\?xml-stylesheet",
    re.IGNORECASE,
)


def is_svg(content: bytes) -> bool:
    """Whether bytes begin as an SVG document does."""
    return _START.match(content[:16384]) is not None


def is_plain(content: bytes) -> bool:
    """Whether an SVG has only shapes and text: nothing that runs, moves, or points outside itself."""
    return is_svg(content) and b"\x00" not in content and _ACTIVE.search(content) is None


def measure(content: bytes) -> tuple[int, int] | None:
    """Width and height that an SVG says it has."""
    tag = _TAG.search(content[:32768])
    if tag is None:
        return None
    found = [pattern.search(tag.group(1)) for pattern in _LENGTH.values()]
    numbers = [match.group(1) for match in found if match]
    if len(numbers) < 2:
        box = _BOX.search(tag.group(1))
        if box is None:
            return None
        numbers = [box.group(1), box.group(2)]
    try:
        return round(float(numbers[0])), round(float(numbers[1]))
    except (ValueError, OverflowError):
        return None
