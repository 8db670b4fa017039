"""Images: bytes of a PNG, JPEG, GIF, WebP or SVG file kept as they are, or the address of one elsewhere.

An address is kept and never fetched: not here, not by the server, and by no view before a click.
"""

from __future__ import annotations

import os
from base64 import b64decode
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw, Struct

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types import _pixels
from nb_artifacts.types._guess import class_name, figure_of, loaded
from nb_artifacts.types._html import QUIET, escaped, fit, line
from nb_artifacts.types._url import check_url, host, is_picture, is_safe
from nb_artifacts.types.base import Blob, Content, Payload, builtins, no_suffix, raw, read_info, read_text
from nb_artifacts.types.text import MAX_TEXT, by, clip_text, encodable, one_line, size, visible

if TYPE_CHECKING:
    from uuid import UUID

    from PIL import Image as PILImage
    from typing_extensions import Self

    from nb_artifacts.wire import Record

_TAKES = "an address (http, https), a path, bytes, a Pillow image, a NumPy array or a matplotlib figure"
_MAX_FILE = 500_000_000

BLOB_URL = "artifacts/{id}/blob"
"""The `data` of an image of our own, relative to the API."""


class ImageInfo(Struct, kw_only=True):
    """What lists and views know of an image; only `url` where it lies elsewhere."""

    media: str | None = None
    width: int | None = None
    height: int | None = None
    size: int | None = None
    url: str | None = None


class Image(Payload):
    """An image from an address, a path, bytes, a Pillow image, an array or a figure.

    Raises `InvalidValue` for what is not an image or has more than 100 million pixels, naming what is wrong, and
    `UnsupportedType` for an object of another class.
    """

    type = "image"
    Info = ImageInfo

    _url: str | None = None
    _picture: _pixels.Picture | None = None
    _blob: Blob | None = None
    _given: Any = None

    def __init__(self, value: Any) -> None:
        self._given = value
        found = _address(value) if isinstance(value, str) else None
        if found is not None:
            self._url = found
            self.info = ImageInfo(url=found)
            return
        self._picture = _picture(value)
        self.info = _described(self._picture)

    def content(self) -> Content:
        """See `Payload`. The data of an image of our own is the address of its bytes, beside the artifact's own."""
        if self._url is not None:
            return Content(raw(self._url), builtins(self.info))
        picture = self._found()
        return Content(raw(BLOB_URL), builtins(self.info), (picture.content, picture.media))

    def data_for(self, content: Content, id: UUID) -> Raw:
        """See `Payload`."""
        return content.data if self._url is not None else raw(BLOB_URL.format(id=id))

    @classmethod
    def read(cls, record: Record, blob: Blob) -> Self:
        """See `Payload`. An address that is not safe is read too, and shown as text."""
        self = cls.__new__(cls)
        source = read_text(record)
        self.info = read_info(record, ImageInfo) or ImageInfo()
        if record.blob is not None:
            self._blob = blob
            return self
        if is_picture(source):
            with suppress(InvalidValue):  # then its address is shown as text
                self._picture = _pixels.measured(_decoded(source))
                self.info = _described(self._picture)
                return self
        self._url = self.info.url or "" if record.data is UNSET else source
        self.info = ImageInfo(url=self._url)
        return self

    def _found(self) -> _pixels.Picture:
        if self._picture is None:
            if self._blob is None:
                raise UnsupportedType(
                    f"this image is only an address, {self._url}: nb_artifacts fetches none; download it yourself."
                )
            self._picture = _pixels.measured(self._blob(), "the stored image")
            self.info = _described(self._picture)
        return self._picture

    @property
    def value(self) -> Any:
        """What was given; after reading a Pillow image, the bytes of an SVG, or the address."""
        if self._given is None:
            self._given = self._url if self._url is not None else self._opened()
        return self._given

    def _opened(self) -> Any:
        picture = self._found()
        return picture.content if picture.media == "image/svg+xml" else _pixels.opened(picture)

    def image(self) -> PILImage.Image:
        """A Pillow image.

        Raises `UnsupportedType` for an image that is only an address, and for an SVG, which Pillow cannot draw.
        """
        picture = self._found()
        if picture.media == "image/svg+xml":
            raise UnsupportedType("Pillow cannot draw SVG: take its bytes from .value, or .save('file.svg').")
        return _pixels.opened(picture)

    def _alt(self) -> str:
        return f"Image, {self.summary()}"

    def text(self) -> str:
        """What it is; the address where it lies elsewhere."""
        if self._url is not None:
            return clip_text(visible(self._url), MAX_TEXT)
        return f"<image {self.summary()}>"

    def html(self, room: int) -> str:
        """The image where it fits, else a smaller copy that says so; of an address, a link; of a damaged file, why."""
        if self._url is not None:
            return self._link(room)
        try:
            picture = self._found()
        except InvalidValue as error:
            return line(f"{self.summary()}: {error}", room)
        alt = self._alt()
        note = f'<div style="{QUIET}">{escape(f"shown smaller; the original is {self.summary()}")}</div>'
        ready = _pixels.inline(picture, alt, room - 100)
        found = fit(room, [lambda: ready]) if ready else ""
        if found:
            return found
        small = _pixels.thumbnail(picture, alt, room - len(note.encode()) - 100)
        found = fit(room, [lambda: small + note]) if small else ""
        return found or line(f"{self.summary()}: not shown here", room)

    def _link(self, room: int) -> str:
        url = self._url or ""
        if not is_safe(url):
            return line(url, room)
        text = escaped(f"Image at {host(url)}", 300)
        return fit(room, [lambda: f'<a href="{escape(url)}">{text}</a>']) or line(f"Image at {host(url)}", room)

    def summary(self) -> str:
        """Format, width by height, and bytes; or where it lies."""
        if self._url is not None:
            return clip_text(one_line(self._url), 120)
        info = self.info
        parts = [_pixels.NAMES.get(info.media or "", "image")]
        if info.width and info.height:
            parts.append(by(info.width, info.height))
        if info.size is not None:
            parts.append(f"· {size(info.size)}")
        return " ".join(parts)

    def file(self, suffix: str) -> bytes:
        """The bytes as they are kept, under the suffix of their kind."""
        picture = self._found()
        own = _pixels.SUFFIXES[picture.media]
        if suffix in ("", own) or (suffix == ".jpeg" and own == ".jpg"):
            return picture.content
        raise no_suffix(suffix, f"this {_pixels.NAMES[picture.media]} image", (own,))


def _described(picture: _pixels.Picture) -> ImageInfo:
    return ImageInfo(media=picture.media, width=picture.width, height=picture.height, size=len(picture.content))


def _address(value: str) -> str | None:
    """`value` if it is an address that is kept as one; None for a ``data:`` address and for a path."""
    scheme = value.split(":", 1)[0].lower() if ":" in value else ""
    if scheme in ("http", "https"):
        return check_url(value, "image address")
    if is_picture(value) or _is_file(value):
        return None
    encodable(value, "the image's address")
    shown = clip_text(visible(repr(value)), 200)
    if scheme == "data":
        raise InvalidValue(f"{shown} is not an image: a data: address holds a PNG, JPEG, GIF or WebP image in base64.")
    if ":" in value and "/" not in value.split(":", 1)[0] and len(scheme) > 1:
        raise InvalidValue(f"{shown} is not an image: addresses begin with http:// or https://.")
    raise InvalidValue(f"{shown} is no file here, and no address: give {_TAKES}.")


def _is_file(value: str) -> bool:
    try:
        return Path(value).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def _decoded(url: str) -> bytes:
    try:
        return b64decode(url.split(",", 1)[1], validate=True)
    except ValueError as error:
        raise InvalidValue(f"the data: address is not valid base64: {error}") from None


def _from_file(path: str | os.PathLike[str]) -> _pixels.Picture:
    place = Path(path).expanduser()
    try:
        if place.exists() and not place.is_file():
            raise InvalidValue(f"{place} is not a file.")
        length = place.stat().st_size
        if length > _MAX_FILE:
            raise InvalidValue(f"{place} has {size(length)}: images up to {size(_MAX_FILE)} are kept.")
        return _pixels.measured(place.read_bytes(), str(place))
    except OSError as error:
        raise InvalidValue(f"{place} cannot be read: {error.strerror or error}.") from None


def _picture(value: Any) -> _pixels.Picture:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _pixels.measured(bytes(value))
    if isinstance(value, str) and is_picture(value):
        return _pixels.measured(_decoded(value))
    if isinstance(value, (str, os.PathLike)):
        return _from_file(value)
    return _drawn(value)


def _drawn(value: Any) -> _pixels.Picture:
    if isinstance(value, loaded("PIL.Image", "Image")):
        return _pixels.from_pillow(value)
    figure = figure_of(value)
    if figure is not None:
        return _pixels.from_figure(figure)
    if isinstance(value, loaded("numpy", "ndarray")):
        return _pixels.from_array(value)
    if callable(getattr(type(value), "_repr_png_", None)):
        png = value._repr_png_()
        if isinstance(png, bytes):
            return _pixels.measured(png)
    raise UnsupportedType(f"image takes {_TAKES}, not {class_name(value)}.")
