"""Text, bars and curves on a Pillow picture: the few things that the panels are made of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from viz.colours import ACCENT, CARD, FAINT, INK, MUTED, PANEL, Colour


@lru_cache(maxsize=32)
def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, so that every machine draws the same."""
    return ImageFont.load_default(size)


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """Width of a text in pixels."""
    return font(size).getlength(text)


def number(value: float) -> str:
    """A short readable number: 12,345 or 0.123 or 1.2M."""
    if not np.isfinite(value):
        return str(value)
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.1f}M"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


class Board:
    """A picture of a fixed size to draw on; `rgb()` is the result."""

    def __init__(self, width: int, height: int, background: Colour = PANEL) -> None:
        self.image = Image.new("RGB", (max(width, 1), max(height, 1)), background)
        self.draw = ImageDraw.Draw(self.image)
        self.width, self.height = width, height

    def rgb(self) -> np.ndarray:
        """The picture, `[h, w, 3]` uint8."""
        return np.array(self.image)

    def text(self, x: float, y: float, text: str, size: float = 13, colour: Colour = INK, align: str = "left") -> None:
        """One line of text whose middle is at height y; `align` says which point of it x is."""
        anchor = {"left": "lm", "right": "rm", "middle": "mm"}[align]
        if size < 12:
            text = text.replace(" ", "  ")  # the font's spaces all but vanish when it is small
        self.draw.text((x, y), text, fill=colour, font=font(size), anchor=anchor)

    def card(self, top: float, bottom: float, colour: Colour = CARD) -> None:
        """A rounded box across the whole width."""
        if bottom > top + 8:
            self.draw.rounded_rectangle((6, top, self.width - 7, bottom), 6, fill=colour)

    def bar(self, x: float, y: float, width: float, share: float, colour: Colour, height: float = 6) -> None:
        """A bar from the left, filled to a share 0…1."""
        share = float(np.clip(np.nan_to_num(share), 0, 1))
        self.draw.rounded_rectangle((x, y - height / 2, x + width, y + height / 2), height / 2, fill=FAINT)
        if share > 0:
            end = x + max(share * width, height)
            self.draw.rounded_rectangle((x, y - height / 2, end, y + height / 2), height / 2, fill=colour)

    def balance(
        self, x: float, y: float, width: float, value: float, colours: tuple[Colour, Colour], height: float = 5
    ) -> None:
        """A bar from the middle: positive values to the right in the first colour, negative to the left."""
        value = float(np.clip(np.nan_to_num(value), -1, 1))
        middle = x + width / 2
        self.draw.rectangle((x, y - height / 2, x + width, y + height / 2), fill=FAINT)
        low, high = sorted((middle, middle + value * width / 2))
        self.draw.rectangle((low, y - height / 2, high, y + height / 2), fill=colours[0 if value >= 0 else 1])
        self.draw.line((middle, y - height / 2 - 1, middle, y + height / 2 + 1), fill=MUTED)

    def curve(self, x: float, y: float, width: float, height: float, points: Sequence[tuple[float, float]]) -> None:
        """A filled curve in the box with upper left corner (x, y); its scale starts at 0."""
        self.draw.line((x, y + height, x + width, y + height), fill=FAINT)
        if len(points) < 2:
            return
        t, v = np.array(points, float).T
        span = max(t[-1] - t[0], 1e-9)
        top = max(float(v.max()) * 1.08, 1e-9)
        line = [(x + width * (a - t[0]) / span, y + height * (1 - b / top)) for a, b in zip(t, v, strict=True)]
        fill = tuple(c // 4 + p * 3 // 4 for c, p in zip(ACCENT, CARD, strict=True))
        self.draw.polygon([(x, y + height), *line, (x + width, y + height)], fill=fill)
        self.draw.line(line, fill=ACCENT, width=2, joint="curve")

    def picture(self, x: float, y: float, rgb: np.ndarray) -> None:
        """Another picture with its upper left corner at (x, y)."""
        self.image.paste(Image.fromarray(np.ascontiguousarray(rgb)), (int(x), int(y)))
