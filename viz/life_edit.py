"""Edits of an automaton's field by hand: each gives a new universe, and the old one stays as it was.

Places are rows and columns of the plane, rows downwards. On a side without end the field is made larger where that is
needed; beyond a side that ends nothing can be drawn. `Past` keeps what an edit replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from sim.life import universe as universes
from sim.life.grids import Grid
from sim.life.pattern import Pattern, PatternError
from sim.life.universe import MOST_CELLS, Universe

REMEMBERED, REMEMBERED_CELLS = 200, 1 << 28
"""Most moments that can be gone back to, and most cells that all but the last of them hold together."""

LARGEST_SOUP = 1 << 26
"""Most cells of a random soup."""


class Box(NamedTuple):
    """A rectangle of the plane; the last row and column are not part of it."""

    top: int
    left: int
    bottom: int
    right: int


def frame(universe: Universe) -> Box:
    """Where the field lies."""
    height, width = universe.cells.shape
    return Box(universe.y, universe.x, universe.y + height, universe.x + width)


def busy(universe: Universe) -> Box | None:
    """The smallest box that holds all cells that differ from the background."""
    held = Pattern((universe.cells != universe.background).view(np.uint8), universe.x, universe.y).trimmed()
    height, width = held.cells.shape
    return Box(held.y, held.x, held.y + height, held.x + width) if held.cells.size else None


def taken(universe: Universe, box: Box) -> np.ndarray:
    """The cells of a box `[h, w]` uint8, the background beyond the field."""
    out = np.full((box.bottom - box.top, box.right - box.left), universe.background, np.uint8)
    part = _shared(frame(universe), box)
    if part is not None:
        out[_within(box, part)] = universe.cells[_within(frame(universe), part)]
    return out


def cell(universe: Universe, row: int, column: int) -> int:
    """The state of one cell."""
    return int(taken(universe, Box(row, column, row + 1, column + 1))[0, 0])


def changed(universe: Universe, box: Box, change: Callable[[np.ndarray], np.ndarray]) -> Universe:
    """The universe with a box of cells replaced by what `change` makes of them; what does not fit is lost.

    Raises `PatternError` where the field would become too large.
    """
    roomy = _roomy(universe, box)
    part = _shared(frame(roomy), box)
    if part is None:
        return universe
    cells = roomy.cells.copy() if roomy.cells is universe.cells else roomy.cells
    cells[_within(frame(roomy), part)] = change(taken(universe, box))[_within(box, part)]
    return replace(roomy, cells=cells)


def pasted(universe: Universe, row: int, column: int, cells: np.ndarray) -> Universe:
    """The universe with cells `[h, w]` laid over it: those that are not dead count."""
    box = Box(row, column, row + cells.shape[0], column + cells.shape[1])
    return changed(universe, box, lambda old: np.where(cells, cells, old))


def filled(universe: Universe, box: Box, state: int) -> Universe:
    """The universe with all cells of a box in one state."""
    return changed(universe, box, lambda old: np.full_like(old, state))


def stroke(universe: Universe, start: tuple[int, int], end: tuple[int, int], state: int) -> Universe:
    """The universe with a line of cells from (row, column) to (row, column) in one state."""
    (r0, c0), (r1, c1) = start, end
    steps = max(abs(r1 - r0), abs(c1 - c0)) + 1
    rows, columns = (np.rint(np.linspace(a, b, steps)).astype(int) for a, b in ((r0, r1), (c0, c1)))
    box = Box(min(r0, r1), min(c0, c1), max(r0, r1) + 1, max(c0, c1) + 1)

    def drawn(old: np.ndarray) -> np.ndarray:
        old[rows - box.top, columns - box.left] = state
        return old

    return changed(universe, box, drawn)


def soup(universe: Universe, box: Box, density: float, seed: int) -> Universe:
    """The universe with a box of random cells: a share `density` in any of the states that are not dead.

    Raises `PatternError` if the box is too large.
    """
    draw = np.random.default_rng(seed)
    shape = (box.bottom - box.top, box.right - box.left)
    if shape[0] * shape[1] > LARGEST_SOUP:
        raise PatternError(f"a soup of {shape[1]}x{shape[0]} cells is too large; at most {LARGEST_SOUP:,}")
    living = draw.random(shape, np.float32) < density
    states = draw.integers(1, universe.rule.num_states, shape, np.uint8, endpoint=False)
    return changed(universe, box, lambda old: (living * states).astype(np.uint8))


def ruled(universe: Universe, rule: Any, grid: Grid) -> tuple[Universe, int]:
    """The same cells under another rule, on another grid, and how many had a state that this rule lacks.

    What does not fit the grid where it lies is put into the middle. Raises `PatternError` if it does not fit at all.
    """
    held = Pattern(universe.cells, universe.x, universe.y, generation=universe.generation, placed=True).trimmed()
    strange = held.cells >= rule.num_states
    held = replace(held, cells=np.where(strange, 0, held.cells).astype(np.uint8))
    try:
        begun = universes.begin(held, rule, grid)
    except PatternError:
        begun = universes.begin(replace(held, placed=False), rule, grid)
    return begun, int(strange.sum())


def _roomy(universe: Universe, box: Box) -> Universe:
    """The universe in a field that holds the box, as far as its grid has room for it."""
    here = frame(universe)
    top, left, bottom, right = here
    if not universe.grid.height:
        top, bottom = min(top, box.top), max(bottom, box.bottom)
    if not universe.grid.width:
        left, right = min(left, box.left), max(right, box.right)
    wanted = Box(top, left, bottom, right)
    if wanted == here:
        return universe
    if (bottom - top) * (right - left) > MOST_CELLS:
        raise PatternError(f"a field of {right - left}x{bottom - top} cells is too large; at most {MOST_CELLS:,}")
    return replace(universe, cells=taken(universe, wanted), x=left, y=top)


def _shared(a: Box, b: Box) -> Box | None:
    both = Box(max(a.top, b.top), max(a.left, b.left), min(a.bottom, b.bottom), min(a.right, b.right))
    return both if both.top < both.bottom and both.left < both.right else None


def _within(whole: Box, part: Box) -> tuple[slice, slice]:
    """Where a part lies in the array of a whole."""
    return slice(part.top - whole.top, part.bottom - whole.top), slice(part.left - whole.left, part.right - whole.left)


class Moment(NamedTuple):
    """What can be gone back to."""

    universe: Universe
    start: Universe  # where the run began
    name: str  # of the pattern


@dataclass
class Past:
    """Moments to go back to, and those gone back from."""

    done: list[Moment] = field(default_factory=list)
    undone: list[Moment] = field(default_factory=list)

    def keep(self, moment: Moment) -> None:
        """Remembers what is about to be replaced."""
        if not self.done or self.done[-1].universe is not moment.universe:
            self.done.append(moment)
        self.undone.clear()
        while (
            len(self.done) > REMEMBERED or sum(each.universe.cells.size for each in self.done[:-1]) > REMEMBERED_CELLS
        ):
            del self.done[0]

    def undo(self, present: Moment) -> Moment | None:
        """What was there before; None if nothing is known."""
        return _moved(self.done, self.undone, present)

    def redo(self, present: Moment) -> Moment | None:
        """What an undo took away."""
        return _moved(self.undone, self.done, present)


def _moved(source: list[Moment], target: list[Moment], present: Moment) -> Moment | None:
    while source and source[-1].universe is present.universe:
        source.pop()
    if not source:
        return None
    target.append(present)
    return source.pop()
