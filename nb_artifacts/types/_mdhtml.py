"""Markdown → safe HTML, at most as much of it as fits, cut between blocks.

Only the first part of a long text is rendered, so the time it takes depends on the room and not on the text.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from nb_artifacts.types._html import QUIET, escaped, plain, sanitize
from nb_artifacts.types.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MAX_SOURCE = 65536
_MAX_SAME = 2000
"""So many opening brackets or quote marks in a row of blocks make a text that is not meant to be read."""


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    found = MarkdownIt("commonmark", {"html": True, "linkify": False, "maxNesting": 30})
    return found.enable(["table", "strikethrough"])


def _beginning(source: str, room: int) -> str:
    """The part of `source` worth rendering: whole lines, no more than could fit."""
    limit = min(max(room, 1024), _MAX_SOURCE)
    if len(source) <= limit:
        return source
    cut = source.rfind("\n", 0, limit)
    return source[: cut if cut > 0 else limit]


def _hostile(source: str) -> bool:
    return any(source.count(mark) > _MAX_SAME for mark in ("[", "![", "*", "_", "`", "<", "> ", "~"))


def _blocks(tokens: Sequence[Token]) -> list[list[Token]]:
    """Tokens of each block of the outermost level."""
    found: list[list[Token]] = []
    open_now = 0
    for token in tokens:
        if open_now == 0:
            found.append([])
        found[-1].append(token)
        open_now += token.nesting
    return found


def markdown_html(source: str, room: int) -> tuple[str, bool]:
    """HTML of at most `room` bytes, and whether all of `source` is in it."""
    part = _beginning(visible(source), room)
    if _hostile(part):
        return plain(source, room), False
    env: dict[str, Any] = {}
    parser = _parser()
    blocks = _blocks(parser.parse(part, env))

    def rendered(number: int) -> str:
        return sanitize(parser.renderer.render([t for block in blocks[:number] for t in block], parser.options, env))

    whole = rendered(len(blocks))
    if len(whole.encode()) <= room:
        return whole, len(part) == len(visible(source))
    low, high = 0, len(blocks) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if len(rendered(middle).encode()) <= room:
            low = middle
        else:
            high = middle - 1
    best = rendered(low) if low > 0 else ""
    return (best, False) if best.strip() and len(best.encode()) <= room else (plain(source, room), False)


def note(text: str) -> str:
    """A quiet line under what was cut."""
    return f'<div style="{QUIET}">{escaped(text, 400)}</div>'
