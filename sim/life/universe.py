"""A pattern that lives: a rule, a grid, the present field and where it lies. What the command line and viewer drive.

A bounded grid is a field of its size, centred on the origin as Golly's are. A side without end is held as a field that
reaches further than anything can travel in the generations of one stride, and is fitted anew for the next, so a plane
grows with its pattern; the far background lives by the rule too (B0 rules blink). Functions return new universes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from sim.life import dense, elementary, packed
from sim.life.elementary import Elementary
from sim.life.grids import Grid
from sim.life.pattern import MOST_CELLS, Pattern, PatternError
from sim.life.rules import Rule

LONGEST_STRIDE = 1 << 16
"""Most generations that are computed at once: an interrupt waits for their end."""
SMALLEST = 256
"""Cells on a side of the smallest field that holds a side without end."""


@dataclass(frozen=True, eq=False)
class Universe:
    """State of one automaton."""

    rule: Any  # of any family: `Rule`, `Elementary` or a `dense.CellRule`
    grid: Grid
    cells: np.ndarray  # [H, W] uint8
    x: int  # plane column of the field's left edge
    y: int  # plane row of its top edge
    generation: int = 0
    background: int = 0  # state of all cells beyond the field, where a side has no end

    @property
    def population(self) -> int:
        """Cells that differ from the background."""
        return int(np.count_nonzero(self.cells != self.background))

    def pattern(self) -> Pattern:
        """The present cells, trimmed. Raises `PatternError` if the endless background is not dead."""
        if self.background:
            right = "give a bounded grid" if _alike(self.rule)[1] else "take one generation more"
            raise PatternError(f"at generation {self.generation} the whole plane is alive; {right}")
        name = self.rule.name + self.grid.name
        placed = Pattern(self.cells, self.x, self.y, name, generation=self.generation, placed=True)
        return placed.trimmed()


def begin(pattern: Pattern, rule: Any, grid: Grid) -> Universe:
    """The universe that starts from a pattern; one that does not say where it lies is put in the middle of its grid."""
    cells = np.asarray(pattern.cells, np.uint8)
    most = int(cells.max(initial=0))
    if most >= rule.num_states:
        raise PatternError(f"state {most} is not one of the {rule.num_states} states of {rule.name}")
    if isinstance(rule, Elementary) and cells.shape[0] > 1:
        raise PatternError(f"{rule.name} lives on a line, but the pattern has {cells.shape[0]} rows")
    if not grid.bounded and not isinstance(rule, (Rule, Elementary)) and not rule.quiescent:
        raise PatternError(f"{rule.name} fills an empty plane; give it a bounded grid, such as {rule.name}:T128,128")
    height, width = cells.shape
    x, y = (pattern.x, pattern.y) if pattern.placed else (-(width // 2) if grid.width else 0, 0)
    if not pattern.placed and grid.height:
        y = -(height // 2)
    left, top = (-(grid.width // 2) if grid.width else x), (-(grid.height // 2) if grid.height else y)
    field = np.zeros((grid.height or max(height, 1), grid.width or max(width, 1)), np.uint8)
    row, column = y - top, x - left
    if row < 0 or column < 0 or row + height > field.shape[0] or column + width > field.shape[1]:
        raise PatternError(f"the pattern of {width}x{height} cells at ({x}, {y}) does not fit the grid {grid.name}")
    field[row : row + height, column : column + width] = cells
    return Universe(rule, grid, field, left, top, pattern.generation)


def advance(universe: Universe, generations: int) -> Universe:
    """The universe after some generations. Raises `PatternError` when a plane grows beyond `MOST_CELLS`."""
    if universe.grid.bounded:
        return _repeated(universe, generations)
    while generations > 0:
        fitted, stride = _fitted(universe, generations)
        universe = _stride(fitted, stride)
        generations -= stride
    return universe


def _repeated(universe: Universe, generations: int) -> Universe:
    """Some generations on a bounded grid, whose states must come back: rounds that would only repeat are left out.

    A state is kept and compared with, a new one after twice as many strides each time (Brent, BIT 20 (1980) 176).
    """
    cells, end = universe.cells, universe.generation + generations
    now, kept, kept_at, patience = universe.generation, cells, universe.generation, 1
    while now < end:
        stride = min(end - now, LONGEST_STRIDE)
        cells, now = _run(universe.rule, universe.grid, cells, stride), now + stride
        if np.array_equal(cells, kept):
            end, kept_at = now + (end - now) % (now - kept_at), now
        elif now - kept_at >= patience * LONGEST_STRIDE:
            kept, kept_at, patience = cells, now, 2 * patience
    return replace(universe, cells=cells, generation=universe.generation + generations)


def _stride(universe: Universe, generations: int) -> Universe:
    """As many generations as the field of a universe with a side without end allows."""
    grid = universe.grid.held(*universe.cells.shape)
    cells = _run(universe.rule, grid, universe.cells, generations)
    background, alike = universe.background, _alike(universe.rule)
    for _ in range(generations):
        background = alike[background]
    return replace(universe, cells=cells, generation=universe.generation + generations, background=background)


def _alike(rule: Any) -> tuple[int, int]:
    """What a cell among cells like it turns into, dead and alive; only two-state rules may stir an empty plane."""
    if isinstance(rule, (Rule, Elementary)):
        return int(rule.table[0]), int(rule.table[-1])
    return 0, 0


def _fitted(universe: Universe, generations: int) -> tuple[Universe, int]:
    """The same universe in a field with room to spare, and the generations that it has room for, at most those asked.

    Fields are as long and wide as a power of two, so that few programs are compiled.
    """
    grid, held, radius = universe.grid, universe.cells != universe.background, universe.rule.radius
    spans = [_span(held.any(1)), _span(held.any(0))]
    ends = (grid.height, grid.width)
    longest = max(high - low for (low, high), end in zip(spans, ends, strict=True) if not end)
    size = SMALLEST
    while size < longest + longest // 4 + 2 * radius:
        size *= 2
    stride = min(generations, LONGEST_STRIDE, (size - longest) // (2 * radius))
    for axis, end in enumerate(ends):
        low, high = spans[axis]
        first = low - (size - (high - low)) // 2
        spans[axis] = (0, end) if end else (first, first + size)
    (top, bottom), (left, right) = spans
    if (bottom - top) * (right - left) > MOST_CELLS:
        text = f"the pattern needs a field of {right - left}x{bottom - top} cells at generation {universe.generation}"
        raise PatternError(f"{text}; at most {MOST_CELLS:,} are held")
    field = np.full((bottom - top, right - left), universe.background, np.uint8)
    rows, columns = _shared(top, bottom, held.shape[0]), _shared(left, right, held.shape[1])
    here = np.s_[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    field[here] = universe.cells[rows, columns]
    return replace(universe, cells=field, x=universe.x + left, y=universe.y + top), stride


def _span(busy: np.ndarray) -> tuple[int, int]:
    """From the first to behind the last that is true."""
    where = np.flatnonzero(busy)
    return (int(where[0]), int(where[-1]) + 1) if len(where) else (0, 1)


def _shared(low: int, high: int, length: int) -> slice:
    return slice(max(low, 0), min(high, length))


def _run(rule: Any, grid: Grid, cells: np.ndarray, generations: int) -> np.ndarray:
    """A field after some generations on a bounded grid."""
    number = jnp.int32(generations)
    if isinstance(rule, Elementary):
        return elementary.evolved(rule, cells[0], generations, "torus" if grid.kind == "torus" else "bounded")[None]
    if isinstance(rule, Rule):
        code = packed.coded([rule])
        return np.asarray(packed.advance(code, jnp.asarray(cells)[None], number, grid=grid))[0]
    return np.asarray(dense.run(rule, jnp.asarray(cells)[None], number, grid=grid))[0]
