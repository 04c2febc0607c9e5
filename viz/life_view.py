"""What the watcher of an automaton has chosen and what was seen so far: `LifeView`, and how it keeps up.

The universe is replaced, never changed, so that going back is keeping the old one. Of a line of cells the generations
gone by are kept too, and shown above the present one. Entropy is that of a part of the pattern: how many bits a cell
adds to those beside it (`sim.life.measures.entropy`). No pygame, and no files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sim.life import universe as universes
from sim.life.elementary import Elementary
from sim.life.measures.entropy import entropy_density, entropy_rate
from sim.life.objects import Found
from sim.life.pattern import Pattern, PatternError
from sim.life.universe import Universe
from viz import life_colours
from viz.app import Showing
from viz.camera import Camera, Size
from viz.life_draw import Field, around
from viz.life_edit import Box, Past, busy, frame, taken
from viz.trail import Trail

ROWS = 2048
"""Generations of a line that are kept."""
SAMPLE = 256
"""Most cells on a side of the part of which the entropy is taken."""
POOLED = 32
"""Generations of a line of which the entropy is taken together."""
ROOM = 40
"""Cells on a side that are shown at least of a plane without end."""
COLOURS = ("states", "ages")


@dataclass
class Prompt:
    """A line that is being typed."""

    asks: str  # "pattern", "stamp" or "rule"
    text: str = ""
    fresh: bool = True  # nothing was typed yet: what is, takes the place of the text


@dataclass(kw_only=True)
class LifeView(Showing):
    """State of the viewer of an automaton."""

    universe: Universe
    start: Universe  # where Home goes
    camera: Camera
    name: str = ""  # of the pattern
    paused: bool = True
    state: int = 1  # drawn by the mouse
    lines: bool = True
    colour: str = COLOURS[0]
    auto: bool = False  # the camera keeps showing all of the pattern
    census: bool = False
    found: list[Found] = field(default_factory=list)  # of
    found_in: Universe | None = None
    told: str = ""  # why nothing is identified
    selection: Box | None = None
    stamp: np.ndarray | None = None  # what was copied
    placing: bool = False  # the stamp hangs at the pointer
    pointer: tuple[int, int] | None = None  # row and column
    prompt: Prompt | None = None
    past: Past = field(default_factory=Past)
    soups: int = 0  # made so far
    population: int = 0
    entropy: float = 0.0
    populations: Trail = field(default_factory=Trail)
    entropies: Trail = field(default_factory=Trail)
    measured: Universe | None = None  # of which population and entropy are
    ages: np.ndarray | None = None  # [H, W] uint8 as `life_colours.aged` gives, of
    ages_of: Universe | None = None
    rows: deque[Universe] = field(default_factory=lambda: deque(maxlen=ROWS))
    """The last generations of a line, the present one last."""

    @property
    def rule(self) -> Any:
        return self.universe.rule

    @property
    def line(self) -> bool:
        """Whether the automaton is a line of cells."""
        return isinstance(self.rule, Elementary)


def opened(universe: Universe, name: str, size: Size) -> LifeView:
    """A view of all of a universe."""
    view = LifeView(universe=universe, start=universe, camera=Camera(0, 0, 1), name=name)
    show(view, universe)
    view.camera = fitted(view, size)
    return view


def fitted(view: LifeView, size: Size) -> Camera:
    """The camera that shows the pattern, or the grid if both its sides end; of a line, room for what is to come."""
    universe = view.universe
    box = frame(universe) if universe.grid.bounded else busy(universe) or Box(-16, -24, 16, 24)
    if view.line:
        half = max((box.right - box.left) // 2, 80)
        middle = (box.left + box.right) // 2
        box = Box(-2 * half * size[1] // max(size[0], 1), middle - half, 2, middle + half)
    elif not universe.grid.bounded:
        few = max(ROOM - max(box.bottom - box.top, box.right - box.left), 0) // 2
        box = Box(box.top - few, box.left - few, box.bottom + few, box.right + few)
    return around(box, size)


def show(view: LifeView, universe: Universe) -> None:
    """Puts another universe in the place of the present one."""
    view.universe = universe
    view.over = False
    view.state = min(view.state, universe.rule.num_states - 1)
    if view.line:
        while view.rows and view.rows[-1].generation >= universe.generation:
            view.rows.pop()
        if view.rows and (view.rows[-1].generation, view.rows[-1].grid) != (universe.generation - 1, universe.grid):
            view.rows.clear()
        view.rows.append(universe)
    else:
        view.rows.clear()


def advance(view: LifeView, generations: int) -> int:
    """Runs some generations; returns how many, 0 if the field would grow too large."""
    try:
        if not view.line:
            show(view, universes.advance(view.universe, generations))
            return generations
        for _ in range(generations):  # one by one: each is a row of the picture
            show(view, universes.advance(view.universe, 1))
    except PatternError as problem:
        view.message = str(problem)
        return 0
    return generations


def look(view: LifeView, size: Size) -> None:
    """Ages and a camera that follows keep up with the universe."""
    universe = view.universe
    if view.ages_of is universe:
        return
    if view.colour == "ages" and not view.line:
        _age(view)
    if view.auto:
        view.camera = fitted(view, size)


def _age(view: LifeView) -> None:
    """Ages of the present cells from those last seen, which may lie in another frame."""
    universe, before = view.universe, view.ages_of
    alive = universe.cells != universe.background
    passed = universe.generation - before.generation if before is not None else 0
    if before is None or view.ages is None or passed < 0:
        tones = np.zeros_like(universe.cells)
    elif frame(before) == frame(universe):
        tones = view.ages
    else:
        held = Universe(before.rule, before.grid, view.ages, before.x, before.y)
        tones = taken(held, frame(universe))
    view.ages, view.ages_of = life_colours.aged(tones, alive, passed), universe


def field_of(view: LifeView) -> tuple[Field, np.ndarray]:
    """What is to be drawn, and the palette of its numbers."""
    universe = view.universe
    if view.line:
        return _diagram(view), life_colours.of_rule(view.rule)
    if view.colour == "ages" and view.ages is not None and view.ages_of is universe:
        return Field(view.ages, universe.x, universe.y, 0, True), life_colours.of_ages()
    mixed = universe.rule.num_states > 2
    return Field(universe.cells, universe.x, universe.y, universe.background, mixed), life_colours.of_rule(view.rule)


def _diagram(view: LifeView) -> Field:
    """Space and time of a line: the present in row 0 of the plane, the past above."""
    left = min(each.x for each in view.rows)
    right = max(each.x + each.cells.shape[1] for each in view.rows)
    cells = np.empty((len(view.rows), right - left), np.uint8)
    for row, each in zip(cells, view.rows, strict=True):
        row[:] = each.background
        row[each.x - left : each.x - left + each.cells.shape[1]] = each.cells[0]
    return Field(cells, left, view.universe.y + 1 - len(cells), view.universe.background, False)


def measure(view: LifeView) -> None:
    """Population and entropy of the present universe, and their curves."""
    universe = view.universe
    if view.measured is universe:
        return
    view.measured, view.population = universe, universe.population
    view.entropy = line_entropy([each.cells[0] for each in view.rows]) if view.line else entropy(_sample(universe))
    view.populations.add(universe.generation, view.population)
    view.entropies.add(universe.generation, view.entropy)


def entropy(cells: np.ndarray) -> float:
    """Bits that a cell of a part of a plane `[h, w]` adds to its neighbours to the left and above."""
    return max(entropy_density(cells, torus=False), 0.0) if min(cells.shape) >= 4 else 0.0


def line_entropy(rows: Sequence[np.ndarray]) -> float:
    """Bits that a cell adds to the four to its left, in the last rows of a line as far as they have its length."""
    alike = [row for row in rows[-POOLED:] if len(row) == len(rows[-1])]
    return max(entropy_rate(np.stack(alike), 5, torus=False), 0.0) if len(rows[-1]) >= 8 else 0.0


def _sample(universe: Universe) -> np.ndarray:
    """The middle of the grid, or of the pattern on a plane, at most `SAMPLE` cells on a side."""
    box = frame(universe) if universe.grid.bounded else busy(universe)
    if box is None:
        return np.zeros((0, 0), np.uint8)
    (top, bottom), (left, right) = _middle(box.top, box.bottom), _middle(box.left, box.right)
    return taken(universe, Box(top, left, bottom, right))


def _middle(low: int, high: int) -> tuple[int, int]:
    start = max((low + high - SAMPLE) // 2, low)
    return start, min(start + SAMPLE, high)


def present(view: LifeView) -> Pattern:
    """The present pattern, to be saved. Raises `PatternError` while the whole plane is alive."""
    return replace(view.universe.pattern(), name=view.name)
