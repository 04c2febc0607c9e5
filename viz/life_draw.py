"""The scene of an automaton: a field, a camera and a palette, to an RGB array.

Only what is visible is touched. From one pixel a cell upwards cells are squares, with lines between them when large.
Below, squares of 2^k cells are brought together first: of two states by how many live, so that a single cell can still
be seen from afar; of more by their mean colour. The plane's rows grow downwards, the camera's y upwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from sim.life.grids import Grid
from viz import ink
from viz.camera import Camera, Size
from viz.colours import FAINT, Colour
from viz.life_colours import VOID
from viz.life_edit import Box

NEAR, FAR = 100.0, 1e-4
"""Most and least pixels per cell."""
LINES = 7.0
"""Pixels per cell from which on lines are drawn."""
FAINTEST = 64
"""Brightness, of 255, of a pixel in which a single cell lives."""
FAMILY = 4
"""Cells on a side that are mixed as colours; beyond, of several cells the one of the highest state stands for all."""


@dataclass(frozen=True, eq=False)
class Field:
    """Cells and where they lie."""

    cells: np.ndarray  # [H, W] uint8, indices of a palette
    x: int  # column of the left edge
    y: int  # row of the top edge
    beyond: int  # what is drawn outside, where the grid does not end
    mixed: bool  # whether more than the numbers 0 and 1 occur


def around(box: Box, size: Size, margin: float = 1.15) -> Camera:
    """The camera that shows a box, with some margin."""
    height, width = max(box.bottom - box.top, 1), max(box.right - box.left, 1)
    zoom = min(size[0] / width, size[1] / height) / margin
    zoom = float(np.floor(zoom)) if zoom >= 1 else zoom  # cells of one size
    return Camera((box.left + box.right) / 2, -(box.top + box.bottom) / 2, float(np.clip(zoom, FAR, 32)))


def cell_at(camera: Camera, size: Size, i: float, j: float) -> tuple[int, int]:
    """Row and column of the cell under a position of the screen."""
    row, column = (j - size[1] / 2) / camera.zoom - camera.y, (i - size[0] / 2) / camera.zoom + camera.x
    return int(np.floor(row)), int(np.floor(column))


def on_screen(camera: Camera, size: Size, box: Box) -> tuple[int, int, int, int]:
    """Left, top, right and bottom pixel of a box of cells, whether on the screen or not."""
    return (
        round((box.left - camera.x) * camera.zoom + size[0] / 2),
        round((box.top + camera.y) * camera.zoom + size[1] / 2),
        round((box.right - camera.x) * camera.zoom + size[0] / 2),
        round((box.bottom + camera.y) * camera.zoom + size[1] / 2),
    )


def scene(out: np.ndarray, field: Field, grid: Grid, palette: np.ndarray, camera: Camera, lines: bool) -> None:
    """Draws the picture into `out` `[h, w, 3]` uint8."""
    size = (out.shape[1], out.shape[0])
    placed = _cells(field, palette, camera, size)
    if placed is None or placed[0].shape != out.shape:
        ink.fill(out, _colour(palette[field.beyond]))
    if placed is not None:
        picture, left, top = placed
        out[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    if lines and camera.zoom >= LINES:
        _lines(out, camera)
    height, width = field.cells.shape
    _border(out, grid, on_screen(camera, size, Box(field.y, field.x, field.y + height, field.x + width)))


def _colour(rgb: np.ndarray) -> Colour:
    return int(rgb[0]), int(rgb[1]), int(rgb[2])


def _cells(field: Field, palette: np.ndarray, camera: Camera, size: Size) -> tuple[np.ndarray, int, int] | None:
    """A picture of the visible part of the field and where it goes; None if none is visible."""
    left, top = camera.x - size[0] / 2 / camera.zoom, -camera.y - size[1] / 2 / camera.zoom
    least = max(min(field.cells.shape) // 8, 8)  # of larger squares, most would lie beyond the field
    step = 1 << int(np.clip(np.log2(1 / camera.zoom) + 1e-9, 0, np.log2(least)))
    columns = _span(left - field.x, size[0], camera.zoom, field.cells.shape[1], field.x, step)
    rows = _span(top - field.y, size[1], camera.zoom, field.cells.shape[0], field.y, step)
    if columns is None or rows is None:
        return None
    (x0, x1, i0, i1), (y0, y1, j0, j1) = columns, rows
    part = _padded(field.cells, y0, y1, x0, x1, field.beyond)
    image = _mixed(part, step, palette) if field.mixed else _counted(part, step, palette)
    at_x, at_y = left - field.x - x0, top - field.y - y0  # of the screen's corner in the part, in cells
    seen = [(at + pixel / camera.zoom) / step for pixel, at in ((i0, at_x), (j0, at_y), (i1, at_x), (j1, at_y))]
    box = tuple(float(np.clip(v, 0, end)) for v, end in zip(seen, image.size * 2, strict=True))
    kind = Image.Resampling.NEAREST if camera.zoom >= 1 else Image.Resampling.BOX
    small = image.resize((i1 - i0, j1 - j0), kind, box=(box[0], box[1], box[2], box[3]))
    if image.mode == "L":
        small.putpalette(_shades(palette))
        small = small.convert("RGB")
    return np.asarray(small), i0, j0


def _span(
    left: float, pixels: int, zoom: float, length: int, origin: int, step: int
) -> tuple[int, int, int, int] | None:
    """Along one axis: first and last cell to look at, counted from the field's edge, and the pixels they cover.

    Cells are whole squares of `step` in the plane, so that nothing flickers when the view moves. None: out of sight.
    """
    first, last = max(left, 0.0), min(left + pixels / zoom, float(length))
    if first >= last:
        return None
    i0, i1 = int(np.floor((first - left) * zoom)), int(np.ceil((last - left) * zoom))
    i0, i1 = max(i0, 0), min(i1, pixels)
    low = (int(np.floor((left + i0 / zoom + origin) / step)) - 1) * step - origin
    high = (int(np.ceil((left + i1 / zoom + origin) / step)) + 1) * step - origin
    low += max((-4 * step - low) // step, 0) * step  # a pixel that is much larger than the field
    high -= max((high - length - 4 * step) // step, 0) * step
    return low, high, i0, i1


def _padded(cells: np.ndarray, y0: int, y1: int, x0: int, x1: int, beyond: int) -> np.ndarray:
    """A part of the field that may reach beyond it."""
    height, width = cells.shape
    part = cells[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    out = np.empty((y1 - y0, x1 - x0), np.uint8)
    top, left = max(-y0, 0), max(-x0, 0)
    bottom, right = top + part.shape[0], left + part.shape[1]
    out[:top], out[bottom:], out[:, :left], out[:, right:] = beyond, beyond, beyond, beyond
    out[top:bottom, left:right] = part
    return out


def _counted(cells: np.ndarray, step: int, palette: np.ndarray) -> Image.Image:
    """Zeros and ones as an image of indices into `_shades`."""
    if step == 1:
        return Image.fromarray(cells * np.uint8(255))
    fine = min(step, 8)
    count = _sums(cells, fine)
    if step > fine:
        more = step // fine
        count = count.reshape(count.shape[0] // more, more, -1, more).sum((1, 3), dtype=np.float32)
        count = np.ceil(count / np.float32(more * more))  # of 64, rounded so that nobody is lost
    return Image.fromarray(count.astype(np.uint8)).point(_brightness(fine * fine))


@lru_cache(maxsize=4)
def _brightness(most: int) -> list[int]:
    """Brightness `[256]` 0 … 255 of a pixel by how many of its `most` cells live, as the root of their share."""
    share = np.sqrt(np.minimum(np.arange(256) / most, 1))
    return np.where(share > 0, FAINTEST + (255 - FAINTEST) * share, 0).astype(int).tolist()


def _sums(cells: np.ndarray, step: int) -> np.ndarray:
    """How many of the zeros and ones in each square of 2, 4 or 8 are ones; one product sums the bytes of a word."""
    word = {2: np.uint16, 4: np.uint32, 8: np.uint64}[step]
    rows, columns = cells.shape[0] // step, cells.shape[1] // step
    words = np.add.reduce(cells.view(word).reshape(rows, step, columns), axis=1, dtype=word)
    return (words * word(int("01" * step, 16)) >> word(8 * step - 8)).astype(np.uint8)


def _mixed(cells: np.ndarray, step: int, palette: np.ndarray) -> Image.Image:
    """Cells of many states as an image of colours; of indices where each is to be seen."""
    if step > FAMILY:
        coarse = step // FAMILY
        cells = np.maximum.reduceat(cells, np.arange(0, cells.shape[0], coarse), axis=0)
        cells = np.maximum.reduceat(cells, np.arange(0, cells.shape[1], coarse), axis=1)
    image = Image.fromarray(cells)
    image.putpalette(palette.tobytes())
    image = image.convert("RGB")
    return image.reduce(min(step, FAMILY)) if step > 1 else image


@lru_cache(maxsize=16)
def _gamma(dead: bytes, alive: bytes) -> bytes:
    share = np.linspace(0, 1, 256)[:, None]
    low, high = (np.frombuffer(c, np.uint8).astype(float) for c in (dead, alive))
    return np.rint(low + share * (high - low)).astype(np.uint8).tobytes()


def _shades(palette: np.ndarray) -> bytes:
    """From the colour of 0 to that of 1, for 256 brightnesses."""
    return _gamma(palette[0].tobytes(), palette[1].tobytes())


def _lines(out: np.ndarray, camera: Camera) -> None:
    """Lines between cells, each tenth stronger."""
    size = (out.shape[1], out.shape[0])
    row, column = cell_at(camera, size, 0, 0)
    clear = min((camera.zoom - LINES) / LINES, 1.0)
    colours = [tuple(int(c * (0.6 + 0.4 * clear)) for c in colour) for colour in ((40, 45, 54), (74, 82, 96))]
    for axis, first, pixels in ((1, column, size[0]), (0, row, size[1])):
        edges = np.arange(first, first + int(pixels / camera.zoom) + 3)
        middle = camera.x if axis else -camera.y
        at = np.rint((edges - middle) * camera.zoom + pixels / 2).astype(int)
        for tenth, colour in zip((False, True), colours, strict=True):
            where = at[((edges % 10 == 0) == tenth) & (at >= 0) & (at < pixels)]
            if axis:
                out[:, where] = colour
            else:
                out[where] = colour


def _border(out: np.ndarray, grid: Grid, pixels: tuple[int, int, int, int]) -> None:
    """Where a grid ends, and the nothing beyond it."""
    left, top, right, bottom = pixels
    high, wide = out.shape[:2]
    if not grid.height:
        top, bottom = 0, high
    if not grid.width:
        left, right = 0, wide
    outside = (np.s_[: max(top, 0)], np.s_[max(bottom, 0) :], np.s_[:, : max(left, 0)], np.s_[:, max(right, 0) :])
    for part in outside:
        ink.fill(out[part], VOID)
    if grid.width or grid.height:
        outline(out, (left - 1, top - 1, right + 1, bottom + 1), FAINT)


def outline(out: np.ndarray, pixels: tuple[int, int, int, int], colour: Colour) -> None:
    """A rectangle's line, one pixel wide: left, top, right and bottom, the last two outside."""
    high, wide = out.shape[:2]
    left, top, right, bottom = pixels
    rows, columns = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
    for j in (top, bottom - 1):
        if 0 <= j < high:
            out[j, columns] = colour
    for i in (left, right - 1):
        if 0 <= i < wide:
            out[rows, i] = colour
