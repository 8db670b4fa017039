"""Two images, pixel by pixel, with Pillow. A picture above the limit is not decoded."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from nb_artifacts.diff.result import ImageDiff
from nb_artifacts.errors import InvalidValue
from nb_artifacts.types import _pixels
from nb_artifacts.types.text import by, count

if TYPE_CHECKING:
    from PIL import Image as PILImage

MOST = 16_000_000
"""Pixels of an image that is compared: it costs about twelve bytes of memory a pixel."""
_SHOWN = 1024
"""Pixels across of the picture of the difference."""
_ROOM = 200_000
"""Bytes of that picture."""
_VISIBLE = [0, *(min(255, 96 + level) for level in range(1, 256))]
"""How opaque a difference of so much is drawn."""


def image_diff(before: bytes, after: bytes) -> tuple[ImageDiff, str | None]:
    """How they differ, and why no pixels were compared where none were.

    Raises `InvalidValue` for bytes that are no image.
    """
    first, second = _pixels.measured(before, "the first image"), _pixels.measured(after, "the second image")
    found = ImageDiff(width=second.width, height=second.height, width_from=first.width, height_from=first.height)
    for picture in (first, second):
        if picture.media == "image/svg+xml":
            return found, "SVG has no pixels to compare."
        if (picture.width or 0) * (picture.height or 0) > MOST:
            size = by(picture.width or 0, picture.height or 0)
            return found, f"pixels are not compared: {size} are more than the {count(MOST)} that are."
    if (first.width, first.height) != (second.width, second.height):
        sizes = f"{by(first.width or 0, first.height or 0)} before, {by(second.width or 0, second.height or 0)} after"
        return found, f"pixels are not compared: the sizes differ, {sizes}."
    _compare(found, _decoded(first), _decoded(second))
    moving = any(getattr(_pixels.opened(picture), "is_animated", False) for picture in (first, second))
    return found, "only the first frames of animations are compared." if moving else None


def _decoded(picture: _pixels.Picture) -> PILImage.Image:
    try:
        return _pixels.opened(picture).convert("RGBA")
    except Exception as error:  # noqa: BLE001 (Pillow raises many kinds for damaged files)
        raise InvalidValue(f"an image cannot be decoded: {error or type(error).__name__}") from None


def _compare(found: ImageDiff, before: PILImage.Image, after: PILImage.Image) -> None:
    from PIL import Image as PILImage
    from PIL import ImageChops

    first, *others = ImageChops.difference(before, after).split()
    for band in others:
        first = ImageChops.lighter(first, band)
    found.total_pixels = first.width * first.height
    found.changed_pixels = found.total_pixels - first.histogram()[0]
    if not found.changed_pixels:
        return
    first = first.point(_VISIBLE)
    for across in (_SHOWN, 512, 256, 128):
        first = _smaller(first, across)
        clear = PILImage.new("RGBA", first.size, (211, 47, 47, 0))
        clear.putalpha(first)
        file = io.BytesIO()
        clear.save(file, "PNG", optimize=True)
        if len(file.getvalue()) <= _ROOM:
            found.difference = _pixels.data_url(file.getvalue(), "image/png")
            return


def _smaller(marks: PILImage.Image, across: int) -> PILImage.Image:
    """The marks at most so many pixels across. By small steps, so that a single one is not averaged away."""
    from PIL import Image as PILImage

    while max(marks.size) > across:
        ratio = max(across / max(marks.size), 1 / 8)
        size = max(1, round(marks.width * ratio)), max(1, round(marks.height * ratio))
        marks = marks.resize(size, PILImage.Resampling.BOX).point(_VISIBLE)
    return marks
