"""Smooth lines, rings and dots on RGB arrays, drawn in place and clipped to the picture."""

from __future__ import annotations

import numpy as np

from viz.colours import Colour

Point = tuple[float, float]


def line(rgb: np.ndarray, start: Point, end: Point, colour: Colour, width: float, alpha: float = 1.0) -> None:
    """A stroke between two points (x, y)."""
    low, high = (tuple(f(a, b) for a, b in zip(start, end, strict=True)) for f in (min, max))
    window = _window(rgb, low, high, width)
    if window is None:
        return
    part, x, y = window
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
    away = np.hypot(x - start[0] - along * dx, y - start[1] - along * dy)
    _blend(part, np.clip(width / 2 + 0.5 - away, 0, 1) * alpha, colour)


def ring(rgb: np.ndarray, middle: Point, radius: float, colour: Colour, width: float, alpha: float = 1.0) -> None:
    """A circle's line."""
    window = _window(rgb, (middle[0] - radius, middle[1] - radius), (middle[0] + radius, middle[1] + radius), width)
    if window is not None:
        part, x, y = window
        away = np.abs(np.hypot(x - middle[0], y - middle[1]) - radius)
        _blend(part, np.clip(width / 2 + 0.5 - away, 0, 1) * alpha, colour)


def dot(rgb: np.ndarray, middle: Point, radius: float, colour: Colour, alpha: float = 1.0) -> None:
    """A filled circle."""
    window = _window(rgb, (middle[0] - radius, middle[1] - radius), (middle[0] + radius, middle[1] + radius), 1.0)
    if window is not None:
        part, x, y = window
        _blend(part, np.clip(radius + 0.5 - np.hypot(x - middle[0], y - middle[1]), 0, 1) * alpha, colour)


def paste(rgb: np.ndarray, picture: np.ndarray, left: int, top: int, alpha: float = 1.0) -> None:
    """Lays `picture` over `rgb` with its upper left corner at (left, top); what sticks out is cut off."""
    h, w = rgb.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + picture.shape[1], w), min(top + picture.shape[0], h)
    if x0 >= x1 or y0 >= y1:
        return
    part = picture[y0 - top : y1 - top, x0 - left : x1 - left]
    if alpha >= 1:
        rgb[y0:y1, x0:x1] = part
    else:
        _blend(rgb[y0:y1, x0:x1], np.full(part.shape[:2], alpha), part)


def fill(rgb: np.ndarray, colour: Colour) -> None:
    """One colour all over; row by row, which is several times faster than pixel by pixel."""
    rgb[...] = np.tile(np.array(colour, np.uint8), (rgb.shape[1], 1))


def _window(rgb: np.ndarray, low: tuple[float, ...], high: tuple[float, ...], width: float):
    """The part of the picture around a box, with the middles of its pixels; None when out of sight."""
    pad = width / 2 + 1
    x0, y0 = max(int(low[0] - pad), 0), max(int(low[1] - pad), 0)
    x1, y1 = min(int(high[0] + pad) + 1, rgb.shape[1]), min(int(high[1] + pad) + 1, rgb.shape[0])
    if x0 >= x1 or y0 >= y1:
        return None
    y, x = np.ogrid[y0:y1, x0:x1]
    return rgb[y0:y1, x0:x1], x + 0.5, y + 0.5


def _blend(part: np.ndarray, cover: np.ndarray, colour) -> None:
    cover = cover[..., None].astype(np.float32)
    part[...] = (part + cover * (np.asarray(colour, np.float32) - part) + 0.5).astype(np.uint8)
