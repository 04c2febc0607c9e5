"""A world of creatures in a window: an `App` over a `Source`.

Keys are in `viz.control`, the picture in `viz.compose`; here is what the mouse does, and which panels are still good.
"""

from __future__ import annotations

import numpy as np

from viz import compose, control
from viz.app import LARGE, Key
from viz.camera import Size
from viz.furniture import scene_size
from viz.source import Source
from viz.view import View, look, opened

DRAG = 5
"""Pixels that the pointer may move in a click."""


class WorldApp:
    """Shows a source. `view` is what the watcher has chosen."""

    preparing = "compiling: the first tick takes a moment"

    def __init__(self, source: Source, size: Size = LARGE):
        self.source, self.size = source, size
        self.view: View = opened(source, scene_size(size))
        self._press: tuple[float, float] | None = None  # where the left button went down, or the last drag led
        self._dragging = False
        self._side: np.ndarray | None = None
        self._graph: np.ndarray | None = None

    @property
    def title(self) -> str:
        return self.source.title

    @property
    def stem(self) -> str:
        return f"firstword-{int(self.source.snapshot().tick):09d}"

    def prepare(self) -> None:
        self.view.over = self.source.advance(1) < 1
        self.source.obs(0)  # what a click will ask for

    def advance(self, num_ticks: int) -> int:
        return self.source.advance(num_ticks)

    def look(self) -> None:
        look(self.view, self.source)

    def frame(self, fresh: bool) -> np.ndarray:
        if fresh:
            self._side = compose.side(self.source, self.view, self.size)
            self._graph = compose.graph(self.source, self.view, self.size)
        return compose.frame(self.source, self.view, self.size, self._side, self._graph)

    def resize(self, size: Size) -> None:
        control.resize(self.view, self.source, scene_size(self.size), scene_size(size))
        self.size = size

    def press(self, key: Key) -> str | None:
        return control.press(self.view, self.source, scene_size(self.size), key.name, key.shift)

    def wheel(self, i: float, j: float, turns: float) -> None:
        part = scene_size(self.size)
        if i < part[0]:
            control.zoom(self.view, self.source, part, 1.2**turns, i, j)

    def down(self, i: float, j: float, key: Key) -> None:
        if key.name != "left":
            return
        tick = compose.timeline_tick(self.source, self.size, i, j)
        if tick is not None:
            control.seek(self.view, self.source, tick)
        elif i < scene_size(self.size)[0]:
            self._press, self._dragging = (i, j), False

    def moved(self, i: float, j: float, held: bool) -> None:
        if self._press is None:
            return
        di, dj = i - self._press[0], j - self._press[1]
        if not held:
            self._press = None
        elif self._dragging or max(abs(di), abs(dj)) > DRAG:
            self._press, self._dragging = (i, j), True
            control.pan(self.view, self.source, di, dj)

    def up(self, i: float, j: float, button: str) -> None:
        if button != "left":
            return
        if self._press is not None and not self._dragging:
            control.click(self.view, self.source, scene_size(self.size), i, j)
        self._press, self._dragging = None, False

    def close(self) -> None:
        """Nothing goes on beside the window."""
