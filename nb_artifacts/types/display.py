"""Any other rich output: the MIME bundle of an object, kept whole and shown as far as it is harmless."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from msgspec import Struct

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types import _pixels
from nb_artifacts.types._bundle import bundle_of
from nb_artifacts.types._guess import class_name
from nb_artifacts.types._html import fit, plain, sanitize
from nb_artifacts.types._mdhtml import markdown_html, note
from nb_artifacts.types.base import Blob, Content, Payload, builtins, no_suffix, raw, read_info, read_text
from nb_artifacts.types.text import MAX_TEXT, clip_text, one_line, size, visible

if TYPE_CHECKING:
    from typing_extensions import Self

    from nb_artifacts.wire import Record

BLOB = "application/json"
_SHOWN = {"text/html", "text/plain", "text/markdown", "text/latex", "image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"}
_ACTIVE = re.compile(r"<\s*(?:script|iframe|object|embed|canvas|video|audio|form|input|button|select|textarea)\b|\son\w+\s*=", re.IGNORECASE)
_NOTE = note("interactive parts are not shown")
_TAG = re.compile(r"<[^>]*>")
_SUFFIXES = {".html": "text/html", ".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml", ".md": "text/markdown", ".txt": "text/plain"}


class DisplayInfo(Struct, kw_only=True):
    """What lists and views know of a rich output: its MIME types and the class it came from."""

    media: list[str]
    size: int
    title: str | None = None


class Bundle:
    """A kept MIME bundle: `data` and `metadata` by MIME type. In a notebook it shows itself."""

    def __init__(self, data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        self.data = data
        self.metadata = metadata or {}

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002
        html = Display(self).html(1_000_000)
        return {"text/plain": visible(str(self.data.get("text/plain", repr(self)))), "text/html": html}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bundle) and (self.data, self.metadata) == (other.data, other.metadata)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Bundle {', '.join(self.data)}>"


class Display(Payload):
    """The MIME bundle of an object with a rich representation, or a dict of MIME types.

    Raises `UnsupportedType` for an object that shows nothing, and `InvalidValue` for a part that JSON cannot hold.
    """

    type = "display"
    Info: ClassVar[type[Struct]] = DisplayInfo

    _blob: Blob | None = None
    _bundle: Bundle | None = None
    _given: Any = None

    def __init__(self, value: Any) -> None:
        self._given = value
        if isinstance(value, Bundle):
            self._bundle, title = value, None
        elif isinstance(value, dict) and value and all(isinstance(name, str) and "/" in name for name in value):
            self._bundle, title = Bundle(*_checked(value, {})), None
        else:
            self._bundle, title = Bundle(*_checked(*bundle_of(value))), class_name(value)
        if not self._bundle.data:
            raise UnsupportedType(f"{class_name(value)} shows nothing that could be kept: give a text, a table or an image.")
        self._encoded = msgspec.json.encode({"data": self._bundle.data, "metadata": self._bundle.metadata})
        self.info = DisplayInfo(media=list(self._bundle.data), size=len(self._encoded), title=title)

    def content(self) -> Content:
        """See `Payload`."""
        shown = str(self._found().data.get("text/plain", ""))
        return Content(raw(shown), builtins(self.info), (self._encoded, BLOB))

    @classmethod
    def read(cls, record: Record, blob: Blob) -> Self:
        """See `Payload`."""
        made = cls.__new__(cls)
        text = read_text(record)
        made.info = read_info(record, DisplayInfo) or DisplayInfo(media=["text/plain"], size=len(text))
        if record.blob is None:
            made._bundle = Bundle({"text/plain": text})
        else:
            made._blob = blob
        return made

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
        return self._given if self._given is not None else self._found()

    def text(self) -> str:
        """Its text/plain, or which MIME types it has."""
        data = self._found().data
        source = next((data[mime] for mime in ("text/plain", "text/markdown", "text/latex") if isinstance(data.get(mime), str)), None)
        return clip_text(visible(clip_text(source or f"<{', '.join(data)}>", MAX_TEXT)), MAX_TEXT)

    def html(self, room: int) -> str:
        """The richest part that is harmless and fits; a line says where something is left out."""
        data = self._found().data
        room_inside = room - len(_NOTE.encode())
        parts = [self._from_html(data, room_inside), *self._pictures(data, room_inside), self._from_text(data, room_inside)]
        found, source = next(((part, source) for part, source in parts if part), ("", ""))
        if not found or room_inside < 100:
            return plain(self.text(), room)
        whole = data.get(source)
        dropped = any(mime not in _SHOWN for mime in data) or _ACTIVE.search(str(data.get("text/html", ""))) is not None
        if dropped and not (isinstance(whole, str) and source == "text/html" and not _ACTIVE.search(whole) and not _specs(data)):
            return fit(room, [lambda: found + _NOTE, lambda: found])
        return found

    def _from_html(self, data: dict[str, Any], room: int) -> tuple[str, str]:
        source = data.get("text/html")
        if not isinstance(source, str) or len(source) > 4_000_000:
            return "", ""
        found = sanitize(source)
        if len(found.encode()) > room or not (_TAG.sub("", found).strip() or "<img" in found):
            return "", ""
        return found, "text/html"

    def _pictures(self, data: dict[str, Any], room: int) -> list[tuple[str, str]]:
        found = []
        for mime in ("image/png", "image/jpeg", "image/webp", "image/gif", "image/svg+xml"):
            if isinstance(data.get(mime), str):
                found.append((_shown(data[mime], mime, clip_text(one_line(self.text()[:200]), 120), room), mime))
        return found

    def _from_text(self, data: dict[str, Any], room: int) -> tuple[str, str]:
        if isinstance(data.get("text/markdown"), str):
            return markdown_html(data["text/markdown"], room)[0], "text/markdown"
        source = data.get("text/latex", data.get("text/plain"))
        return plain(source if isinstance(source, str) else self.text(), room), "text/plain"

    def summary(self) -> str:
        """The class it came from and its size."""
        name = one_line(self.info.title or self.info.media[0] if self.info.media else "output")
        return f"{clip_text(name, 80)} · {size(self.info.size)}"

    def file(self, suffix: str) -> bytes:
        """``.json`` is the whole bundle; ``.html``, ``.png`` and others one part of it."""
        data = self._found().data
        known = {end: mime for end, mime in _SUFFIXES.items() if isinstance(data.get(mime), str)}
        if suffix in ("", ".json"):
            return msgspec.json.encode({"data": data, "metadata": self._found().metadata})
        if suffix not in known:
            raise no_suffix(suffix, "this output", (".json", *known))
        part: str = data[known[suffix]]
        return b64decode(part) if known[suffix] in ("image/png", "image/jpeg") else part.encode()


def _specs(data: dict[str, Any]) -> bool:
    return any(mime not in _SHOWN for mime in data)


def _shown(part: str, mime: str, alt: str, room: int) -> str:
    try:
        content = part.encode() if mime == "image/svg+xml" else b64decode(part)
        picture = _pixels.measured(content)
    except (InvalidValue, ValueError):
        return ""
    ready = _pixels.inline(picture, alt, room - 100) or _pixels.thumbnail(picture, alt, room - 100)
    return fit(room, [lambda: ready]) if ready else ""


def _checked(data: dict[str, Any], metadata: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A bundle as JSON values: bytes in base64, anything that JSON cannot hold named."""
    kept = {}
    for mime, part in data.items():
        if part is None:
            continue
        if isinstance(part, (bytes, bytearray)):
            kept[mime] = b64encode(part).decode()
            continue
        try:
            kept[mime] = msgspec.json.decode(msgspec.json.encode(part))
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise InvalidValue(f"the {mime} of this object is not JSON: {error}") from None
    try:
        return kept, msgspec.json.decode(msgspec.json.encode(metadata))
    except (TypeError, ValueError, OverflowError, RecursionError):
        return kept, {}
