"""Any other rich output: the MIME bundle of an object, kept whole and shown as far as it is harmless."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types import _pixels
from nb_artifacts.types._bundle import bundle_of, checked
from nb_artifacts.types._guess import class_name
from nb_artifacts.types._html import fit, note, plain, sanitize
from nb_artifacts.types._inline import inline_styles
from nb_artifacts.types._mdhtml import markdown_html
from nb_artifacts.types.base import Blob, Content, Payload, builtins, no_suffix, raw, read_info, read_text
from nb_artifacts.types.text import MAX_TEXT, clip_text, one_line, size, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from nb_artifacts.wire import Record

BUNDLE = "application/json"
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/svg+xml")
_STILL = {"text/html", "text/plain", "text/markdown", "text/latex", "application/json", "application/pdf", *_PICTURES}
_ACTIVE = re.compile(
    r"<\s*(?:script|iframe|object|embed|canvas|video|audio|form|input|button|select|textarea)\b|\son\w+\s*=", re.IGNORECASE
)
_TAG = re.compile(r"<[^>]*>")
_MAX_HTML = 2_000_000
_NOTE = note("interactive parts are not shown")
_SUFFIXES = {
    ".html": "text/html", ".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml", ".md": "text/markdown",
    ".tex": "text/latex", ".txt": "text/plain",
}  # fmt: skip


class DisplayInfo(Struct, kw_only=True):
    """What lists and views know of a rich output: its MIME types and the class it came from."""

    media: list[str]
    """Its MIME types."""
    size: int
    """Bytes of the bundle."""
    title: str | None = None
    """The class it came from."""


class Bundle:
    """A kept MIME bundle: `data` and `metadata` by MIME type. In a notebook it shows itself, sanitised."""

    def __init__(self, data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        self.data = data
        self.metadata = metadata or {}

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002 (IPython's protocol)
        shown = Display(self)
        return {"text/plain": shown.text(), "text/html": shown.html(_MAX_HTML)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bundle) and (self.data, self.metadata) == (other.data, other.metadata)

    __hash__ = None  # type: ignore[assignment]  # Python's way of saying unhashable

    def __repr__(self) -> str:
        return f"<Bundle {', '.join(self.data)}>"


class Display(Payload):
    """The MIME bundle of an object with a rich representation, or a dict of MIME types.

    Raises `UnsupportedType` for an object that shows nothing but its `repr`, and `InvalidValue` for a part that JSON
    cannot hold.
    """

    type = "display"
    Info = DisplayInfo

    _blob: Blob | None = None
    _bundle: Bundle | None = None
    _given: Any = None

    def __init__(self, value: Any) -> None:
        self._given, title = value, None
        if isinstance(value, Bundle):
            self._bundle = value
        elif isinstance(value, dict) and value and all(isinstance(name, str) and "/" in name for name in value):
            self._bundle = Bundle(*checked(value, {}))
        else:
            self._bundle, title = Bundle(*bundle_of(value)), class_name(value)
        self._encoded = msgspec.json.encode({"data": self._bundle.data, "metadata": self._bundle.metadata})
        self.info = DisplayInfo(media=list(self._bundle.data), size=len(self._encoded), title=title)

    def content(self) -> Content:
        """See `Payload`."""
        return Content(raw(str(self._found().data.get("text/plain", ""))), builtins(self.info), (self._encoded, BUNDLE))

    @classmethod
    def read(cls, record: Record, blob: Blob) -> Self:
        """See `Payload`."""
        self = cls.__new__(cls)
        text = read_text(record)
        self.info = read_info(record, DisplayInfo) or DisplayInfo(media=["text/plain"], size=len(text.encode()))
        if record.blob is None:
            self._bundle = Bundle({"text/plain": text})
        else:
            self._blob = blob
        return self

    def _found(self) -> Bundle:
        if self._bundle is None:
            assert self._blob is not None
            try:
                found = msgspec.json.decode(self._blob())
                self._bundle = Bundle(dict(found["data"]), dict(found.get("metadata") or {}))
            except (msgspec.DecodeError, RecursionError, TypeError, KeyError, ValueError, AttributeError) as error:
                raise InvalidValue(f"the stored output is not a MIME bundle: {error}") from None
        return self._bundle

    @property
    def value(self) -> Any:
        """The object; after reading its `Bundle`."""
        if self._given is None:
            self._given = self._found()
        return self._given

    def text(self) -> str:
        """Its text/plain, or which MIME types it has."""
        data = self._found().data
        found = next((data[mime] for mime in ("text/plain", "text/markdown", "text/latex") if _is_text(data, mime)), None)
        return clip_text(visible(clip_text(found or f"<{', '.join(data)}>", MAX_TEXT)), MAX_TEXT)

    def html(self, room: int) -> str:
        """The richest part that is harmless and fits; a line says where something is left out."""
        data = self._found().data
        html = data["text/html"] if _is_text(data, "text/html") else ""
        dropped = any(mime not in _STILL for mime in data) or _ACTIVE.search(html) is not None
        inside = room - len(_NOTE.encode()) if dropped else room
        found = next((part for part in self._parts(data, inside) if part), "")
        return found + _NOTE if found and dropped else found or plain(self.text(), room)

    def _parts(self, data: dict[str, Any], room: int) -> Iterator[str]:
        if room < 1:
            return
        if _is_text(data, "text/html"):
            yield _from_html(data["text/html"], room)
        alt = clip_text(one_line(self.text()[:200]), 120)
        for mime in _PICTURES:
            if _is_text(data, mime):
                yield _from_picture(data[mime], mime, alt, room)
        if _is_text(data, "text/markdown"):
            yield markdown_html(data["text/markdown"], room)[0]
        yield plain(data["text/latex"] if _is_text(data, "text/latex") else self.text(), room)

    def summary(self) -> str:
        """The class it came from and its size."""
        name = self.info.title or next(iter(self.info.media), "output")
        return f"{clip_text(one_line(name), 80)} · {size(self.info.size)}"

    def file(self, suffix: str) -> bytes:
        """``.json`` is the whole bundle; ``.html``, ``.png`` and others one part of it."""
        data = self._found().data
        known = {end: mime for end, mime in _SUFFIXES.items() if _is_text(data, mime)}
        if suffix in {"", ".json"}:
            return msgspec.json.encode({"data": data, "metadata": self._found().metadata})
        if suffix not in known:
            raise no_suffix(suffix, "this output", (".json", *known))
        part: str = data[known[suffix]]
        return b64decode(part) if known[suffix] in {"image/png", "image/jpeg"} else part.encode()


def _is_text(data: dict[str, Any], mime: str) -> bool:
    return isinstance(data.get(mime), str)


def _from_html(source: str, room: int) -> str:
    """HTML as far as it is harmless; "" where that is too much, or nothing."""
    if len(source) > _MAX_HTML:
        return ""
    found = sanitize(inline_styles(source)).strip()
    if len(found.encode()) > room or not (_TAG.sub("", found).strip() or "<img" in found):
        return ""
    return found


def _from_picture(part: str, mime: str, alt: str, room: int) -> str:
    try:
        picture = _pixels.measured(part.encode() if mime == "image/svg+xml" else b64decode(part))
    except (InvalidValue, ValueError):
        return ""
    ready = _pixels.inline(picture, alt, room - 100) or _pixels.thumbnail(picture, alt, room - 100)
    return fit(room, [lambda: ready]) if ready else ""
