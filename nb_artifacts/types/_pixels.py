"""Pictures as bytes: recognised by their first bytes, measured by their header, made from what Python draws with.

Pillow is loaded only here, inside functions. Nothing is decoded to learn its size, and nothing above `MAX_PIXELS` at all.
"""

from __future__ import annotations

import io
import warnings
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from nb_artifacts.errors import InvalidValue
from nb_artifacts.types import _svg
from nb_artifacts.types.text import by, count

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image as PILImage

MAX_PIXELS = 100_000_000
_MAX_DECODED = 50_000_000
"""A thumbnail is made of pictures up to this size only: it costs four bytes of memory a pixel."""

_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF87a": "image/gif", b"GIF89a": "image/gif"}
NAMES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WebP", "image/svg+xml": "SVG"}
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp", "image/svg+xml": ".svg"}
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
_WIDTHS = (960, 720, 540, 400, 280, 180, 96, 48)


class Picture(NamedTuple):
    """The bytes of a picture, what they are, and its size in pixels where it has one."""

    content: bytes
    media: str
    width: int | None
    height: int | None


def media_of(content: bytes) -> str | None:
    """The media type that the first bytes tell, or None."""
    for start, media in _KINDS.items():
        if content.startswith(start):
            return media
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "image/svg+xml" if _svg.is_svg(content) else None


def measured(content: bytes, what: str = "the image") -> Picture:
    """A picture of ready bytes, kept as they are.

    Raises `InvalidValue` for bytes that are not PNG, JPEG, GIF, WebP or SVG, for a damaged header, and for a picture of
    more than 100 million pixels.
    """
    media = media_of(content)
    if media is None:
        begin = content[:12].hex(" ") or "nothing"
        raise InvalidValue(f"{what} is not a PNG, JPEG, GIF, WebP or SVG file: it begins with {begin}.")
    if media == "image/svg+xml":
        size = _svg.measure(content) or (None, None)
        return Picture(content, media, *size)
    width, height = _raster_size(content, what, NAMES[media])
    check_pixels(width, height, what)
    return Picture(content, media, width, height)


def check_pixels(width: int, height: int, what: str = "the image") -> None:
    """Raises `InvalidValue` for a picture of more than 100 million pixels, or of none."""
    if width * height > MAX_PIXELS:
        raise InvalidValue(
            f"{what} has {by(width, height)} pixels; at most {count(MAX_PIXELS)} in all are kept: make it smaller."
        )
    if width < 1 or height < 1:
        raise InvalidValue(f"{what} has no pixels ({by(width, height)}).")


def _raster_size(content: bytes, what: str, name: str) -> tuple[int, int]:
    from PIL import Image as PILImage

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PILImage.DecompressionBombWarning)
            with PILImage.open(io.BytesIO(content), formats=[name]) as found:
                return found.size
    except PILImage.DecompressionBombError:
        raise InvalidValue(f"{what} has far more than {count(MAX_PIXELS)} pixels: make it smaller.") from None
    except Exception as error:  # noqa: BLE001 (Pillow raises many kinds for damaged files)
        raise InvalidValue(f"{what} is a damaged {name} file: {error or type(error).__name__}") from None


def opened(picture: Picture) -> PILImage.Image:
    """A Pillow image of a raster picture."""
    from PIL import Image as PILImage

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PILImage.DecompressionBombWarning)
        return PILImage.open(io.BytesIO(picture.content), formats=[NAMES[picture.media]])


def from_pillow(image: PILImage.Image) -> Picture:
    """A Pillow image as PNG, which keeps every pixel.

    Raises `InvalidValue` for an animation, and for a mode that PNG cannot hold, naming the conversion to ask for.
    """
    check_pixels(*image.size)
    if getattr(image, "n_frames", 1) > 1:
        raise InvalidValue(
            "the Pillow image is an animation: give the path or the bytes of its file, which are kept as they are."
        )
    if image.mode not in _MODES:
        raise InvalidValue(f"the Pillow image has mode {image.mode!r}, which PNG cannot hold: give image.convert('RGB').")
    return Picture(_saved(image, "PNG"), "image/png", *image.size)


def from_array(array: np.ndarray[Any, Any]) -> Picture:
    """A NumPy array as PNG: uint8, or floats from 0 to 1; of shape (h, w), (h, w, 3) or (h, w, 4).

    Raises `InvalidValue` naming dtype, shape or the values that do not fit.
    """
    import numpy as np
    from PIL import Image as PILImage

    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise InvalidValue(f"an array of shape {array.shape} is not an image: use (h, w), (h, w, 3) or (h, w, 4).")
    check_pixels(array.shape[1], array.shape[0], "the array")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())
        if not (low >= 0.0 and high <= 1.0):
            raise InvalidValue(f"a float array is an image if all values are from 0 to 1; these go from {low:g} to {high:g}.")
        array = np.rint(array * 255)
    elif array.dtype == bool:
        array = array * np.uint8(255)
    elif array.dtype != np.uint8:
        raise InvalidValue(f"an array of {array.dtype} is not an image: use uint8, bool, or floats from 0 to 1.")
    image = PILImage.fromarray(np.ascontiguousarray(array, dtype=np.uint8))
    return Picture(_saved(image, "PNG"), "image/png", *image.size)


def from_figure(figure: Any) -> Picture:
    """A matplotlib figure as PNG, cut to what is drawn, as a notebook shows it."""
    file = io.BytesIO()
    try:
        figure.savefig(file, format="png", bbox_inches="tight", dpi=figure.dpi)
    except (ValueError, MemoryError) as error:
        raise InvalidValue(f"the figure cannot be drawn: {error}") from None
    return measured(file.getvalue(), "the figure")


def _saved(image: PILImage.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def data_url(content: bytes, media: str) -> str:
    """A ``data:`` address of bytes."""
    return f"data:{media};base64,{b64encode(content).decode()}"


def tag(content: bytes, media: str, alt: str, width: int | None = None, height: int | None = None) -> str:
    """An ``<img>`` of bytes, never wider than its place."""
    size = f' width="{width}" height="{height}"' if width and height and max(width, height) < 100_000 else ""
    shown = f' style="max-width:100%;height:auto" alt="{escape(alt)}"'
    return f'<img src="{data_url(content, media)}"{size}{shown}>'


def inline(picture: Picture, alt: str, room: int) -> str | None:
    """An ``<img>`` of the picture itself, if it fits in `room` bytes and has nothing active in it."""
    if len(picture.content) * 4 // 3 + 200 + len(alt.encode()) > room:
        return None
    if picture.media == "image/svg+xml" and not _svg.is_plain(picture.content):
        return None
    return tag(picture.content, picture.media, alt, picture.width, picture.height)


def thumbnail(picture: Picture, alt: str, room: int) -> str | None:
    """An ``<img>`` of a smaller copy that fits in `room` bytes, or None."""
    if picture.media == "image/svg+xml" or (picture.width or 0) * (picture.height or 0) > _MAX_DECODED or room < 1200:
        return None
    try:
        from PIL import ImageOps

        image: PILImage.Image = opened(picture)
        image.draft("RGB", (_WIDTHS[0], _WIDTHS[0]))
        image = ImageOps.exif_transpose(image)
        clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
        image = image.convert("RGBA" if clear else "RGB")
        most, was, took = (room - 300 - len(alt.encode())) * 3 // 4, 0, 0
        for width in _WIDTHS:
            # Bytes go with the area: sizes that would be far too large are not tried.
            if took * width * width > 1.5 * most * was * was:
                continue
            image.thumbnail((width, width))
            media, content = _encoded(image, clear=clear)
            if len(content) <= most:
                return tag(content, media, alt, *image.size)
            was, took = width, len(content)
    except Exception:  # noqa: BLE001 (a damaged picture has no thumbnail; the caller says so in words)
        return None
    return None


def _encoded(image: PILImage.Image, *, clear: bool) -> tuple[str, bytes]:
    from PIL import features

    if features.check("webp"):
        return "image/webp", _saved(image, "WEBP", quality=80, method=4)
    if clear:
        return "image/png", _saved(image, "PNG", optimize=True)
    return "image/jpeg", _saved(image, "JPEG", quality=80)
