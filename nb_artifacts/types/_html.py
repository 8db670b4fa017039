"""HTML that cannot do anything: what `sanitize` lets through, and helpers that keep a piece within its room.

Every `html()` of a payload passes through `sanitize` last, so that one list of tags, attributes and styles holds for what
we write and for what content brings. The styles are those that JupyterLab's own sanitiser keeps as well.
"""

from __future__ import annotations

import re
from base64 import b64decode
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from nb_artifacts.types._allowed import ATTRIBUTES, DISPLAYS, NUMBERS, ROLES, STYLES, TAGS, WITH_CONTENT
from nb_artifacts.types._svg import is_plain
from nb_artifacts.types._url import host, is_picture, is_safe
from nb_artifacts.types.text import clip_text, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from re import Match

LINE = "1px solid rgba(128,128,128,.4)"
QUIET = "opacity:0.75;font-size:85%"

_STYLE_VALUE = re.compile(r"[a-z0-9#%., +()'_-]{1,120}\Z", re.IGNORECASE)
_STYLE_CALL = re.compile(r"([a-z-]*)\(", re.IGNORECASE)
_SVG = "data:image/svg+xml;base64,"
_TOKEN = re.compile(r'<(/?)(a|img)\b((?:\s+[a-z-]+="[^"]*")*)\s*/?>')
_PART = re.compile(r'\s+([a-z-]+)="([^"]*)"')


@lru_cache(2048)
def _style(value: str) -> str | None:
    kept = []
    for part in value.split(";"):
        name, _, given = part.partition(":")
        name, given = name.strip().lower(), " ".join(given.split())
        if name not in STYLES or not _STYLE_VALUE.match(given):
            continue
        if any(call.lower() not in ("rgb", "rgba", "hsl", "hsla") for call in _STYLE_CALL.findall(given)):
            continue
        if name == "display" and given not in DISPLAYS:
            continue
        kept.append(f"{name}:{given}")
    return ";".join(kept) or None


def _picture(url: str) -> bool:
    if is_picture(url):
        return True
    if not url.startswith(_SVG):
        return False
    try:
        return is_plain(b64decode(url[len(_SVG) :], validate=True))
    except ValueError:
        return False


def _keep(_tag: str, name: str, value: str) -> str | None:
    if name == "style":
        return _style(value)
    if name == "role":
        return value if value in ROLES else None
    if name == "href":
        return value if is_safe(value) else None
    if name == "src":
        return value if _picture(value) else None
    if name in NUMBERS:
        return value if value.isascii() and value.isdigit() and len(value) < 6 else None
    return value


def _keep_remote(tag: str, name: str, value: str) -> str | None:
    return value if name == "src" and is_safe(value) else _keep(tag, name, value)


def _clean(text: str, keep: Callable[[str, str, str], str | None]) -> str:
    import nh3

    return nh3.clean(
        text,
        tags=set(TAGS),
        clean_content_tags=set(WITH_CONTENT),
        attributes=ATTRIBUTES,
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def sanitize(text: str) -> str:
    """`text` as HTML with nothing in it that runs, loads, submits, floats above the page or takes a name.

    An image of another host becomes a link to it. A second pass changes nothing.
    """
    first = _clean(visible(text), _keep_remote)
    linked = _link_images(first)
    second = first if linked is first else _clean(linked, _keep)
    # Foster parenting can move what a table must not hold; one more pass finds the form that stays.
    again = _clean(second, _keep)
    return second if again == second else _settled(again)


def _settled(text: str) -> str:
    for _ in range(4):
        again = _clean(text, _keep)
        if again == text:
            return text
        text = again
    return escape(text)


def _link_images(text: str) -> str:
    """Images of other hosts as links; inside a link that is there already, as their text."""
    if "<img" not in text:
        return text
    within = False

    def replace(match: Match[str]) -> str:
        nonlocal within
        closing, tag, rest = match.groups()
        if tag == "a":
            within = not closing
            return match.group()
        parts = dict(_PART.findall(rest))
        source = parts.get("src", "")
        if source.startswith("data:"):
            return match.group()
        label = parts.get("alt") or ("image" if source else "")
        if within or not source:
            return label
        return f'<a href="{source}">{label} (image at {escape(host(source))})</a>'

    return _TOKEN.sub(replace, text)


def escaped(text: str, room: int) -> str:
    """`text` escaped for HTML, cut so that the result has at most `room` bytes."""
    take = room
    while True:
        result = escape(visible(clip_text(text, take)))
        over = len(result.encode()) - room
        if over <= 0 or take <= 0:
            return result if over <= 0 else ""
        take -= max(over // 6, 1)


def fit(room: int, candidates: Iterable[Callable[[], str]]) -> str:
    """The first candidate that fits in `room` bytes once sanitised, or nothing."""
    for candidate in candidates:
        result = sanitize(candidate())
        if len(result.encode()) <= room:
            return result
    return ""


def plain(text: str, room: int) -> str:
    """`text` as a block that keeps its line ends, cut to at most `room` bytes of HTML."""
    for share in (1, 2, 4, 8, 16):
        result = sanitize(f'<pre style="white-space:pre-wrap;margin:0">{escaped(text, (room - 60) // share)}</pre>')
        if len(result.encode()) <= room:
            return result
    return ""


def note(text: str) -> str:
    """A quiet line under a piece that is not all of it."""
    return f'<div style="{QUIET}">{escaped(text, 400)}</div>'


def line(text: str, room: int) -> str:
    """`text` as one quiet line, cut to at most `room` bytes of HTML; nothing where even that does not fit."""
    return fit(room, [lambda share=share: escaped(text, room // share) for share in (1, 2, 6)])  # type: ignore[misc]  # `share` is bound as a default
