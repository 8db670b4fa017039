"""Links: an address and its text, kept as Markdown ``[text](url)`` so that any reader of the wire can show it."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from msgspec import Struct

from nb_artifacts.errors import UnsupportedType
from nb_artifacts.types._html import escaped, fit, line
from nb_artifacts.types._url import check_url, is_safe
from nb_artifacts.types.base import Blob, Content, Payload, builtins, no_suffix, raw, read_info, read_text
from nb_artifacts.types.text import MAX_TEXT, clip_text, encodable, one_line, visible

if TYPE_CHECKING:
    from typing_extensions import Self

    from nb_artifacts.wire import Record

_MARKDOWN = re.compile(r"\[((?:[^\\\[\]]|\\.)*)\]\(((?:[^\\()]|\\.)*)\)\Z", re.DOTALL)
_IN_TEXT = re.compile(r"([\\\[\]])")
_IN_URL = re.compile(r"([\\()])")
_ESCAPED = re.compile(r"\\([\\\[\]()])")


class LinkInfo(Struct, kw_only=True):
    """What lists and views know of a link."""

    url: str
    text: str


def to_markdown(url: str, text: str) -> str:
    """``[text](url)``, brackets within escaped so that `from_markdown` finds both again."""
    label, address = _IN_TEXT.sub(r"\\\1", text), _IN_URL.sub(r"\\\1", url)
    return f"[{label}]({address})"


def from_markdown(source: str) -> tuple[str, str] | None:
    """Address and text of a Markdown link that stands alone, or None."""
    match = _MARKDOWN.match(source.strip())
    if match is None:
        return None
    text, url = (_ESCAPED.sub(r"\1", part) for part in match.groups())
    return url, text


class Link(Payload):
    """An http, https or mailto address, and the text to show for it.

    Raises `InvalidValue` for any other address, naming it, and `UnsupportedType` for what is no text.
    """

    type = "link"
    Info = LinkInfo

    def __init__(self, url: str, text: str | None = None) -> None:
        check_url(url)
        if text is not None and not isinstance(text, str):
            raise UnsupportedType(f"a link's text is a str, not {type(text).__name__}.")
        self._set(url, encodable(text, "the link's text") if text and text.strip() else url)

    def _set(self, url: str, label: str) -> None:
        self.url, self.label = url, label

    def content(self) -> Content:
        """See `Payload`."""
        return Content(raw(to_markdown(self.url, self.label)), builtins(LinkInfo(url=self.url, text=self.label)))

    @classmethod
    def read(cls, record: Record, blob: Blob) -> Self:  # noqa: ARG003 (a link has no bytes)
        """See `Payload`. An address that is not safe is read too, and shown as text."""
        self = cls.__new__(cls)
        info = read_info(record, LinkInfo)
        source = read_text(record)
        self._set(*((info.url, info.text) if info else from_markdown(source) or (source, source)))
        return self

    @property
    def value(self) -> str:
        """The address."""
        return self.url

    def text(self) -> str:
        """Text and address."""
        label, url = one_line(self.label), visible(self.url)
        return clip_text(url if label == url else f"{label}\n{url}", MAX_TEXT)

    def html(self, room: int) -> str:
        """A link that opens a new tab; only text where the address is not safe or does not fit."""
        if is_safe(self.url):
            opened = f'<a href="{escape(self.url)}" title="{escape(self.url)}">'
            short = f'<a href="{escape(self.url)}">'
            label = escaped(self.label, 2000)
            found = fit(room, [lambda: f"{opened}{label}</a>", lambda: f"{short}{escaped(self.label, 80)}</a>"])
            if found:
                return found
        return line(self.text(), room)

    def summary(self) -> str:
        """Where it leads."""
        return clip_text(one_line(self.url), 120)

    def file(self, suffix: str) -> bytes:
        """``.md``, or the bare address as ``.txt``."""
        if suffix in ("", ".md"):
            return (to_markdown(self.url, self.label) + "\n").encode()
        if suffix == ".txt":
            return (self.url + "\n").encode()
        raise no_suffix(suffix, "a link", (".md", ".txt"))
