"""Damage: what a small change makes of the whole. Order heals it, chaos spreads it, and between the two it lingers.

Spreading is the number of cells in which two histories differ that began one cell apart; the Derrida curve is the
normalised Hamming distance after one generation against that before (Derrida and Pomeau, Europhys. Lett. 1 (1986) 45),
its slope at 0 the sensitivity (Shmulevich and Kauffman, Phys. Rev. Lett. 93 (2004) 048701). The Lyapunov exponent is
the rate at which defects multiply that never annihilate, by Boolean derivatives (Bagnoli, Rechtman and Ruffo, Phys.
Lett. A 172 (1992) 34). Damage of one cell varies much from place to place: average it over many.

`advance` takes an array of cells to the next generation. A `table` holds next states of 3 or 3x3 two-state cells, the
index reading the neighbourhood in order, first cell highest (`Elementary.table`, `Rule.table`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from sim.life.measures.symbols import Generator, shifted, symbols

Advance = Callable[[np.ndarray], Any]


def hamming(first: Any, second: Any) -> np.ndarray:
    """`[T]`, the number of cells in which two histories `[T, ...]` differ in each generation."""
    return np.count_nonzero((np.asarray(first) != np.asarray(second)).reshape(len(first), -1), axis=1)


def damage_spreading(advance: Advance, cells: Any, generations: int, place: tuple[int, ...]) -> np.ndarray:
    """`[generations + 1, ...]` cells that differ after the cell at `place` was changed, the first being 1.

    The cell goes from 0 to 1, or from another state to 0. `place` is along the last axes; axes before them are separate
    fields, each damaged and counted on its own.
    """
    whole = symbols(cells)
    hurt = whole.copy()
    where: tuple[Any, ...] = (..., *place)
    hurt[where] = whole[where] == 0
    space = tuple(range(-len(place), 0))
    seen = []
    for generation in range(generations + 1):
        seen.append(np.count_nonzero(whole != hurt, axis=space))
        if generation < generations:
            whole, hurt = np.asarray(advance(whole)), np.asarray(advance(hurt))
    return np.array(seen)


def derrida_curve(
    advance: Advance, cells: Any, changed: Sequence[int], generator: Generator, repeats: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of cells that differ before and after one generation, mean of `repeats` random sets of each size.

    Cells that are changed go from 0 to 1 or from another state to 0. Sizes are numbers of cells of the one field.
    """
    whole = symbols(cells)
    after = np.asarray(advance(whole))
    distances = []
    for number in changed:
        apart = []
        for _ in range(repeats):
            hurt = whole.copy()
            places = generator.permutation(whole.size)[:number]
            hurt.reshape(-1)[places] = whole.reshape(-1)[places] == 0
            apart.append(np.mean(np.asarray(advance(hurt)) != after))
        distances.append(np.mean(apart))
    return np.asarray(changed) / whole.size, np.array(distances)


def derrida_slope(before: np.ndarray, after: np.ndarray) -> float:
    """Slope at 0 of a Derrida curve: s of the least squares after = s before + q before^2. Above 1 damage grows."""
    terms = np.stack([before, before**2], axis=1)
    return float(np.linalg.lstsq(terms, after, rcond=None)[0][0])


def sensitivity(table: np.ndarray) -> float:
    """Mean number of cells that one changed cell changes in a generation, over all neighbourhoods alike.

    Exactly the slope at 0 of the Derrida curve of fair random fields; 1 divides order from chaos there.
    """
    index = np.arange(len(table))
    return float(sum(np.mean(table != table[index ^ 1 << bit]) for bit in range(len(table).bit_length() - 1)))


def boolean_derivatives(table: np.ndarray, cells: Any, torus: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Whether each cell's next state hangs on each cell around it: `[3 or 9, ...]` bool, and the next states.

    The first axis reads the neighbourhood in order; without a torus all beyond the field is dead.
    """
    around = _around(symbols(cells), torus)
    index = sum(view.astype(np.int64) << bit for bit, view in enumerate(reversed(around)))
    if len(table) != 1 << len(around):
        raise ValueError(f"a table of {len(table)} entries: must be {1 << len(around)} for {cells.ndim} dimensions")
    flips = [index ^ 1 << bit for bit in reversed(range(len(around)))]
    return np.stack([table[flip] != table[index] for flip in flips]), table[index]


def lyapunov(table: np.ndarray, cells: Any, generations: int, torus: bool = True) -> float:
    """Maximal Lyapunov exponent in nats per generation: mean log growth of the defects, one in each cell at first.

    A defect is copied to every cell whose Boolean derivative by its place is 1. Minus infinity where all die out.
    """
    defects, states = np.ones(np.shape(cells)), symbols(cells)
    growth = 0.0
    for _ in range(generations):
        derivatives, states = boolean_derivatives(table, states, torus)
        defects = sum(found * hangs for found, hangs in zip(_around(defects, torus), derivatives, strict=True))
        factor = defects.mean()
        if factor == 0:
            return float("-inf")
        defects, growth = defects / factor, growth + np.log(factor)
    return float(growth / generations)


def _around(cells: np.ndarray, torus: bool) -> list[np.ndarray]:
    padded = cells if torus else np.pad(cells, 1)
    return shifted(padded, list(product((-1, 0, 1), repeat=cells.ndim)), [torus] * cells.ndim)
