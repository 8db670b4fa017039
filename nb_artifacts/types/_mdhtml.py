"""Markdown → safe HTML, as much of it as fits, cut between blocks.

Only the beginning of a long text is rendered, so the time it takes depends on the room and not on the text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from nb_artifacts.types._html import sanitize
from nb_artifacts.types._url import is_safe
from nb_artifacts.types.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

_MAX_SOURCE = 65536
_MAX_NESTING = 30
_MANY = 1000
"""With more brackets than this markdown-it takes time that grows with their square."""
_ADDRESS = re.compile(r"\bhttps?://[^\s<>\"'`\\]{1,2000}", re.IGNORECASE)
_TRAILING = ".,;:!?*_~)]}"


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    found = MarkdownIt("commonmark", {"html": True, "maxNesting": _MAX_NESTING}).enable(["table", "strikethrough"])
    found.core.ruler.push("addresses", _link_addresses)
    return found


def _link_addresses(state: StateCore) -> None:
    """Addresses that stand bare in a text become links, as on GitHub."""
    for block in state.tokens:
        if block.type == "inline" and block.children and "://" in block.content:
            block.children = _with_links(block.children)


def _with_links(tokens: Sequence[Token]) -> list[Token]:
    found: list[Token] = []
    depth = 0
    for token in tokens:
        depth += token.nesting if token.type in {"link_open", "link_close"} else 0
        found += _split(token) if token.type == "text" and depth == 0 and "://" in token.content else [token]
    return found


def _split(token: Token) -> list[Token]:
    from markdown_it.token import Token

    def text(content: str) -> Token:
        return Token("text", "", 0, content=content, level=token.level)

    found, done = [], 0
    for match in _ADDRESS.finditer(token.content):
        address = _trimmed(match.group())
        if not is_safe(address):
            continue
        found.append(text(token.content[done : match.start()]))
        found.append(Token("link_open", "a", 1, attrs={"href": address}, level=token.level))
        found += [text(address), Token("link_close", "a", -1, level=token.level)]
        done = match.start() + len(address)
    return [*found, text(token.content[done:])]


def _trimmed(address: str) -> str:
    """An address without the punctuation of the sentence around it; a bracket that it opens itself stays."""
    while address and address[-1] in _TRAILING:
        if address[-1] == ")" and address.count("(") >= address.count(")"):
            break
        address = address[:-1]
    return address


def _beginning(source: str, limit: int) -> str:
    """At most `limit` characters of `source`, cut after a line or a word if one ends in their second half."""
    if len(source) <= limit:
        return source
    cut = source.rfind("\n", limit // 2, limit)
    if cut < 0:
        cut = source.rfind(" ", limit // 2, limit)
    return source[: cut if cut > 0 else limit]


def _blocks(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens of each block of the outermost level."""
    found: list[list[Token]] = []
    depth = 0
    for token in tokens:
        if depth == 0:
            found.append([])
        found[-1].append(token)
        depth += token.nesting
    return found


class _Rendering:
    """The blocks of a source, and the HTML of the first so many."""

    def __init__(self, source: str) -> None:
        self._env: dict[str, Any] = {}
        tokens = _parser().parse(source, self._env)
        self.blocks = _blocks(tokens)
        self.deep = any(token.level >= _MAX_NESTING - 1 for token in tokens)
        """markdown-it leaves out what nests deeper."""

    def html(self, number: int) -> str:
        parser = _parser()
        chosen = [token for block in self.blocks[:number] for token in block]
        return sanitize(parser.renderer.render(chosen, parser.options, self._env)).strip()

    def most(self, room: int) -> tuple[int, str]:
        """How many whole blocks fit in `room` bytes, and their HTML."""
        low, best, high = 0, "", len(self.blocks) - 1
        while low < high:
            middle = (low + high + 1) // 2
            found = self.html(middle)
            if len(found.encode()) <= room:
                low, best = middle, found
            else:
                high = middle - 1
        return low, best


def markdown_html(source: str, room: int, spare: int = 0) -> tuple[str, bool]:
    """HTML of at most `room` bytes, and whether all of `source` is in it; if not, `spare` bytes are left free.

    "" where not even its beginning fits, and for what nests too deep to be rendered whole.
    """
    whole = visible(source[: 2 * _MAX_SOURCE])
    part = _beginning(whole, min(max(room, 1024), _MAX_SOURCE))
    if part.count("[") > _MANY:
        part = _beginning(part, _MAX_SOURCE // 8)
    rendering = _Rendering(part)
    if rendering.deep:
        return "", False
    found = rendering.html(len(rendering.blocks))
    complete = len(part) == len(whole) and len(source) <= 2 * _MAX_SOURCE
    if len(found.encode()) <= (room if complete else room - spare):
        return found, complete
    number, best = rendering.most(room - spare)
    if len(best.encode()) * 2 < room and number < len(rendering.blocks):
        best = _within(part, rendering.blocks[number], room - spare) or best
    return best, False


def _within(source: str, block: Sequence[Token], room: int) -> str:
    """HTML up to somewhere inside a block that is too long as a whole, or ""."""
    lines = block[0].map
    if lines is None:
        return ""
    before = "".join(source.splitlines(keepends=True)[: lines[0]])
    inside = "".join(source.splitlines(keepends=True)[lines[0] : lines[1]])
    for _ in range(4):
        shorter = _beginning(inside, min(len(inside) // 2, room))
        if len(shorter) == len(inside) or not shorter.strip():
            return ""
        inside = shorter
        rendering = _Rendering(before + inside)
        found = rendering.html(len(rendering.blocks))
        if len(found.encode()) <= room:
            return found
    return ""
