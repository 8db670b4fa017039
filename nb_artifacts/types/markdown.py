"""Markdown texts: the source is the value; HTML is made for views that cannot render Markdown themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from nb_artifacts.errors import UnsupportedType
from nb_artifacts.types._html import plain
from nb_artifacts.types._mdhtml import markdown_html, note
from nb_artifacts.types.base import Blob, Content, Payload, builtins, no_suffix, raw, read_text
from nb_artifacts.types.text import MAX_TEXT, clip_text, encodable, one_line, size, visible

if TYPE_CHECKING:
    from typing_extensions import Self

    from nb_artifacts.wire import Record

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_MARKS = re.compile(r"[*_`~]+|^[ \t]*(?:[#>]+|[-+*]|\d+[.)])[ \t]+", re.MULTILINE)
_NOTE_ROOM = 300


class MarkdownInfo(Struct, kw_only=True):
    """What lists and views know of a text."""

    size: int
    title: str | None = None


def title_of(source: str) -> str | None:
    """The first heading or else the first line, as plain text of at most 120 characters."""
    beginning = source[:4000]
    heading = _HEADING.search(beginning)
    first = heading.group(1) if heading else next((row for row in beginning.splitlines() if row.strip()), "")
    found = one_line(_MARKS.sub("", _LINK.sub(r"\1", first)))
    return (found if len(found) <= 120 else found[:119] + "…") or None


class Markdown(Payload):
    """A text in Markdown.

    Raises `UnsupportedType` for what is no text, and `InvalidValue` for a lone surrogate, naming its place.
    """

    type = "markdown"
    Info: ClassVar[type[Struct]] = MarkdownInfo

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise UnsupportedType(f"markdown takes a text (str), not {type(text).__name__}.")
        self._source = encodable(text, "the text")

    def content(self) -> Content:
        """See `Payload`."""
        source = str(self._source)
        info = MarkdownInfo(size=len(source.encode()), title=title_of(source))
        return Content(raw(source), builtins(info))

    @classmethod
    def read(cls, record: Record, blob: Blob) -> Self:  # noqa: ARG003 (long texts come back whole in `data`)
        """See `Payload`."""
        return cls(read_text(record))

    @property
    def value(self) -> str:
        """The source."""
        return self._source

    def text(self) -> str:
        """The source, or its beginning."""
        return clip_text(visible(clip_text(self._source, MAX_TEXT)), MAX_TEXT)

    def html(self, room: int) -> str:
        """The text rendered; where it does not fit, its first blocks and how long it is in all."""
        whole, complete = markdown_html(self._source, room)
        if complete:
            return whole
        more = note(f"… {size(len(self._source.encode()))} in all")
        if room < 2 * _NOTE_ROOM:
            return plain(self._source, room)
        return markdown_html(self._source, room - _NOTE_ROOM)[0] + more

    def summary(self) -> str:
        """Its title and size."""
        title = title_of(self._source)
        length = size(len(self._source.encode()))
        return f"{clip_text(title, 80)} · {length}" if title else length

    def file(self, suffix: str) -> bytes:
        """``.md`` or ``.txt``, the same."""
        if suffix in ("", ".md", ".markdown", ".txt"):
            return self._source.encode()
        raise no_suffix(suffix, "a Markdown text", (".md", ".txt"))
