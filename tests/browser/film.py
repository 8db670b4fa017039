"""A moving picture made of screenshots, for the documentation."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont

from browser.lab import SHOTS, Lab

PART = {"x": 0, "y": 90, "width": 900, "height": 430}
"""What of the page is filmed: the notebook's first cells."""

_COLOURS = 64


class Film:
    """Pictures of one tab, one after the other; `save` writes them as an animated GIF into the folder of screenshots."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.frames: list[Image.Image] = []
        self.pauses: list[int] = []

    def take(self, *, words: str = "", pause: int = 350) -> None:
        """One picture, shown for `pause` milliseconds; `words` are written over it."""
        frame = Image.open(io.BytesIO(self.lab.page.screenshot(clip=PART, animations="disabled"))).convert("RGB")
        if words:
            frame = Image.blend(frame, Image.new("RGB", frame.size, "#777777"), 0.5)
            centre = (frame.width / 2, frame.height / 2)
            ImageDraw.Draw(frame).text(centre, words, fill="white", anchor="mm", font=ImageFont.load_default(40))
        self.frames.append(frame)
        self.pauses.append(pause)

    def save(self, name: str) -> None:
        """Write ``<name>.gif`` with the colours of the last picture, so that only what moved takes bytes."""
        palette = self.frames[-1].quantize(_COLOURS)
        frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in self.frames]
        SHOTS.mkdir(exist_ok=True)
        frames[0].save(
            SHOTS / f"{name}.gif", save_all=True, append_images=frames[1:], duration=self.pauses, loop=0, optimize=True
        )
