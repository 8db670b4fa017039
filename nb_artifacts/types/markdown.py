"""Markdown texts: the source is the value; HTML is made for views that cannot render Markdown themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import UNSET, Struct

from nb_artifacts.errors import UnsupportedType
from nb_artifacts.types._html import note, plain
from nb_artifacts.types._mdhtml import markdown_html
from nb_artifacts.types.base import Blob, Content, Payload, builtins, no_suffix, raw, read_info, read_text
from nb_artifacts.types.text import MAX_TEXT, clip_text, encodable, one_line, size, visible

if TYPE_CHECKING:
    from typing_extensions import Self

    from nb_artifacts.wire import Record

_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*)")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_MARKS = re.compile(r"[*_`~]+|^[ \t]*(?:[#>]+|[-+*]|\d+[.)])[ \t]+")
_NOTE_ROOM = 200


class MarkdownInfo(Struct, kw_only=True):
    """What lists and views know of a text."""

    size: int
    """Bytes of the source."""
    title: str | None = None
    """Its first heading, or else its first line, as plain text."""


def title_of(source: str) -> str | None:
    """The first heading outside code, or else the first line, as plain text of at most 120 characters."""
    first, in_code = "", False
    for row in source[:4000].splitlines():
        in_code ^= _FENCE.match(row) is not None
        heading = None if in_code else _HEADING.match(row)
        if heading is not None and heading.group(1).strip(" \t#"):
            first = heading.group(1).rstrip(" \t#")
            break
        first = first or (row if _FENCE.match(row) is None else "").strip()
    found = one_line(_MARKS.sub("", _LINK.sub(r"\1", first)))
    return (found if len(found) <= 120 else found[:119] + "…") or None


class Markdown(Payload):
    """A text in Markdown.

    Raises `UnsupportedType` for what is no text, and `InvalidValue` for a lone surrogate, naming its place.
    """

    type = "markdown"
    Info = MarkdownInfo

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise UnsupportedType(f"markdown takes a text (str), not {type(text).__name__}.")
        self._source = encodable(text, "the text")
        self.info = MarkdownInfo(size=len(text.encode()), title=title_of(text))

    def content(self) -> Content:
        """See `Payload`."""
        return Content(raw(str(self._source)), builtins(self.info))

    @classmethod
    def read(cls, record: Record, blob: Blob) -> Self:  # noqa: ARG003 (a long text comes back whole in `data`)
        """See `Payload`."""
        made = cls(read_text(record))
        info = read_info(record, MarkdownInfo)
        if info is not None and record.data is UNSET:
            made.info = info
        return made

    @property
    def value(self) -> str:
        """The source."""
        return self._source

    def text(self) -> str:
        """The source, or its beginning."""
        return clip_text(visible(clip_text(self._source, MAX_TEXT)), MAX_TEXT)

    def html(self, room: int) -> str:
        """The text rendered; where it does not fit, its first blocks and how long it is in all."""
        found, complete = markdown_html(self._source, room, _NOTE_ROOM)
        if complete or room < 2 * _NOTE_ROOM:
            return found or plain(self._source, room)
        return (found or plain(self._source, room - _NOTE_ROOM)) + note(f"… {size(self.info.size)} in all")

    def summary(self) -> str:
        """Its title and size."""
        title, length = self.info.title, size(self.info.size)
        return f"{clip_text(one_line(title), 80)} · {length}" if title else length

    def file(self, suffix: str) -> bytes:
        """``.md`` or ``.txt``, the same."""
        if suffix in {"", ".md", ".markdown", ".txt"}:
            return self._source.encode()
        raise no_suffix(suffix, "a Markdown text", (".md", ".txt"))
