"""A cellular automaton in a window: an `App` over a universe.

Keys are in `viz.life_control`, the scene in `viz.life_draw`, the panel in `viz.life_panel`; here is what the mouse
does, and how objects are looked for while the picture moves on.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np

from sim.life import objects
from sim.life import universe as universes
from sim.life.objects import Found
from sim.life.universe import Universe
from viz import (
    furniture,
    life_census,
    life_change,
    life_control,
    life_draw,
    life_edit,
    life_marks,
    life_panel,
    life_prompt,
    life_view,
)
from viz.app import LARGE, Key
from viz.camera import Size
from viz.colours import ACCENT, MUTED
from viz.furniture import scene_size
from viz.life_edit import Box
from viz.life_prompt import Desk
from viz.life_view import LifeView

CENSUS_EVERY = 1.0
"""Seconds between two censuses while generations run."""


class LifeApp:
    """Shows a universe, and lets it be changed. `view` is what the watcher has chosen."""

    preparing = "compiling: the first generation takes a moment"

    def __init__(self, universe: Universe, name: str, desk: Desk, size: Size = LARGE):
        self.desk, self.size = desk, size
        self.view: LifeView = life_view.opened(universe, name, scene_size(size))
        self._side: np.ndarray | None = None
        self._mouse = ""  # what the button that is down does: "draw", "pan", "select"
        self._button = ""  # which one that is
        self._at: tuple[float, float] = (0, 0)  # where the pointer was last
        self._state = 0  # that is being drawn
        self._worker = ThreadPoolExecutor(1, "census")
        self._looking: tuple[Future[list[Found]], Universe] | None = None  # what is being identified
        self._census_from = 0.0  # when to begin with the next

    @property
    def title(self) -> str:
        return self.view.name or self.view.rule.name

    @property
    def stem(self) -> str:
        return life_control.stem(self.view)

    def prepare(self) -> None:
        universes.advance(self.view.universe, 1)  # compiles; a universe that goes on is a new one

    def advance(self, num_ticks: int) -> int:
        return life_view.advance(self.view, num_ticks)

    def look(self) -> None:
        life_view.look(self.view, scene_size(self.size))

    def frame(self, fresh: bool) -> np.ndarray:
        view, part = self.view, scene_size(self.size)
        if fresh:
            life_view.measure(view)
            self._identify()
            self._side = life_panel.side(view, self.title, self.size)
        out, scene = furniture.canvas(self.size)
        field, palette = life_view.field_of(view)
        life_draw.scene(scene, field, view.universe.grid, palette, view.camera, view.lines)
        self._marks(scene)
        if view.prompt is not None:
            life_panel.typed(scene, view.prompt, life_prompt.hints(self.desk, view.prompt))
        if view.message:
            furniture.toast(scene, view.message)
        if view.help:
            furniture.keys(scene, life_control.HELP)
        if self._side is not None:
            out[:, part[0] :] = self._side
        return out

    def _marks(self, scene: np.ndarray) -> None:
        """Selection, objects found, and what hangs at the pointer."""
        view = self.view
        if view.selection is not None:
            life_marks.selection(scene, view.camera, view.selection)
        if view.census and view.found_in is not None:
            fresh = view.found_in is view.universe
            for each, box in life_census.whereabouts(view):
                life_marks.label(scene, view.camera, box, life_census.named(each), ACCENT if fresh else MUTED)
        if view.placing and view.stamp is not None and view.pointer is not None:
            life_marks.ghost(scene, view.camera, *self._corner(view.stamp), view.stamp)

    def _corner(self, stamp: np.ndarray) -> tuple[int, int]:
        """Where the upper left cell of a stamp goes whose middle is at the pointer."""
        assert self.view.pointer is not None
        return self.view.pointer[0] - stamp.shape[0] // 2, self.view.pointer[1] - stamp.shape[1] // 2

    def _identify(self) -> None:
        """Looks for objects beside everything else, in a universe that stays as it is while it is looked at."""
        view, now = self.view, time.perf_counter()
        if self._looking is not None and self._looking[0].done():
            (future, universe), self._looking = self._looking, None
            life_census.note(view, universe, future)
            self._census_from = now if view.paused else now + CENSUS_EVERY
        if view.census and self._looking is None and view.found_in is not view.universe and now >= self._census_from:
            view.found = view.found if life_census.identifiable(view) else []
            if not view.told:
                future = self._worker.submit(objects.identify, view.universe.cells, view.rule)
                self._looking = future, view.universe

    def settle(self) -> None:
        """Waits for objects that are being looked for, so that the next frame shows them."""
        if self._looking is not None:
            wait([self._looking[0]])

    def resize(self, size: Size) -> None:
        life_control.resize(self.view, scene_size(self.size), scene_size(size))
        self.size = size

    def press(self, key: Key) -> str | None:
        return life_control.press(self.view, self.desk, scene_size(self.size), key)

    def wheel(self, i: float, j: float, turns: float) -> None:
        part = scene_size(self.size)
        if i < part[0]:
            life_control.zoom(self.view, part, 1.2**turns, i, j)

    def down(self, i: float, j: float, key: Key) -> None:
        part, view = scene_size(self.size), self.view
        if i >= part[0]:
            return
        self._at, self._button = (i, j), key.name
        here = view.pointer = life_draw.cell_at(view.camera, part, i, j)
        if key.name != "left" or key.shift:
            self._mouse = "pan"
        elif key.ctrl:
            self._mouse, view.selection = "select", Box(*here, here[0] + 1, here[1] + 1)
            self._from = here
        elif view.placing and view.stamp is not None:
            corner, stamp = self._corner(view.stamp), view.stamp
            life_change.edit(view, lambda universe: life_edit.pasted(universe, *corner, stamp))
        else:
            self._mouse = "draw"
            self._state = 0 if life_edit.cell(view.universe, *here) == view.state else view.state
            life_change.keep(view)
            self._draw(here, here)

    def moved(self, i: float, j: float, held: bool) -> None:
        part, view, before = scene_size(self.size), self.view, self._at
        self._at = (i, j)
        here = view.pointer = life_draw.cell_at(view.camera, part, i, j) if i < part[0] else None
        if not held:
            self._mouse = ""
        elif self._mouse == "pan":
            life_control.pan(view, i - before[0], j - before[1])
        elif self._mouse == "draw" and here is not None:
            self._draw(life_draw.cell_at(view.camera, part, *before), here)
        elif self._mouse == "select" and here is not None:
            low = (min(a, b) for a, b in zip(self._from, here, strict=True))
            high = (max(a, b) + 1 for a, b in zip(self._from, here, strict=True))
            view.selection = Box(*low, *high)

    def _draw(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Draws on; all of a stroke is undone at once."""
        life_change.edit(self.view, lambda universe: life_edit.stroke(universe, start, end, self._state), more=True)

    def up(self, i: float, j: float, button: str) -> None:
        if button == self._button:
            self._mouse = ""

    def close(self) -> None:
        self._worker.shutdown(wait=False, cancel_futures=True)
