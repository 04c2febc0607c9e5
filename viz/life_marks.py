"""What lies over an automaton's cells: a selection, cells that hang at the pointer, frames and names of objects."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from viz import ink
from viz.camera import Camera
from viz.colours import ACCENT, INK, Colour
from viz.life_draw import on_screen, outline
from viz.life_edit import Box
from viz.paint import Board, text_width

MOST_SHOWN = 2000
"""Cells that are drawn one by one at the pointer; of more, only the frame is."""


def selection(out: np.ndarray, camera: Camera, box: Box) -> None:
    """A chosen box, lightened and framed."""
    left, top, right, bottom = pixels = on_screen(camera, (out.shape[1], out.shape[0]), box)
    part = out[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    part[...] = part // 4 * 3 + np.array(ACCENT, np.uint8) // 6
    outline(out, pixels, ACCENT)


def ghost(out: np.ndarray, camera: Camera, row: int, column: int, cells: np.ndarray) -> None:
    """Cells that would be pasted, at the pointer."""
    size = (out.shape[1], out.shape[0])
    if np.count_nonzero(cells) <= MOST_SHOWN:
        for y, x in np.argwhere(cells):
            box = Box(row + int(y), column + int(x), row + int(y) + 1, column + int(x) + 1)
            left, top, right, bottom = on_screen(camera, size, box)
            out[max(top, 0) : max(bottom, top + 1, 0), max(left, 0) : max(right, left + 1, 0)] = ACCENT
    outline(out, on_screen(camera, size, Box(row, column, row + cells.shape[0], column + cells.shape[1])), ACCENT)


def label(out: np.ndarray, camera: Camera, box: Box, text: str, colour: Colour) -> None:
    """A frame around an object, and its name where there is room."""
    left, top, right, bottom = on_screen(camera, (out.shape[1], out.shape[0]), box)
    if right < 0 or bottom < 0 or left > out.shape[1] or top > out.shape[0]:
        return
    outline(out, (left - 2, top - 2, right + 2, bottom + 2), colour)
    if camera.zoom >= 3:
        name = _name(text)
        ink.paste(out, name, left - 2, top - 4 - name.shape[0], 0.85)


@lru_cache(maxsize=512)
def _name(text: str) -> np.ndarray:
    board = Board(int(text_width(text, 11)) + 10 + 3 * text.count(" "), 15)
    board.text(4, 7, text, 11, INK)
    return board.rgb()
