"""Symbols, and samples of several symbols at once: what the measures of information count.

A sample is a cell and some places around it in space and time; its symbols become one code, and codes are counted.
Also two ways to come to symbols and to lose their order: quantile bins of a field of real numbers, and the shuffled
history that keeps each cell's own past but not its neighbours (Theiler et al., Physica D 58 (1992) 77: surrogates).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

MOST_CODES = 1 << 22
"""Codes that are counted in one table; beyond it those that occur are numbered anew, which means sorting."""

Offset = int | tuple[int, ...]
"""A place relative to a cell along the last axes of an array: `1` is one to the right, `(-1, 0)` one up."""


class Generator(Protocol):
    """What is asked of a `numpy.random.Generator`: the caller brings the randomness."""

    def permutation(self, x: Any, axis: int = 0) -> np.ndarray: ...


def symbols(cells: Any) -> np.ndarray:
    """The array of whole numbers that a measure was given; a ValueError if it holds anything else."""
    array = np.asarray(cells)
    if array.dtype == bool:
        array = array.astype(np.uint8)
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"cells are {array.dtype}: must be whole numbers from 0 (see quantile_bins for real numbers)")
    if not array.size:
        raise ValueError("there are no cells to measure")
    if array.min() < 0:
        raise ValueError(f"a cell has the state {array.min()}: must be whole numbers from 0")
    return array


def quantile_bins(series: Any, bins: int = 3) -> np.ndarray:
    """A series of real numbers of any shape as uint8 symbols 0 … bins - 1, of about equal share.

    The limits are quantiles of all values together; a value that equals a limit goes above it. Values that occur often
    (bare ground, say) fall into one bin whole, so that there may be fewer symbols than asked for, not equal in share.
    """
    if not 1 < bins <= 256:
        raise ValueError(f"{bins} bins: must be 2 to 256")
    values = np.asarray(series, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("the series holds values that are not finite")
    limits = np.unique(np.quantile(values, np.arange(1, bins) / bins))
    limits = limits[limits > values.min()]  # nothing lies below the least value
    return np.searchsorted(limits, values, side="right").astype(np.uint8)


def shifted(cells: np.ndarray, offsets: Sequence[Offset], wraps: Sequence[bool]) -> list[np.ndarray]:
    """For each offset the cells found there, seen from all cells for which every offset is inside the array.

    Offsets are along the last `len(wraps)` axes; an axis that wraps loses no cells.
    """
    strange = [offset for offset in offsets if len(np.atleast_1d(offset)) != len(wraps)]
    if strange:
        raise ValueError(f"offset {strange[0]}: must be along {len(wraps)} axes")
    moves = np.array([np.atleast_1d(offset) for offset in offsets])
    first = cells.ndim - len(wraps)
    views = []
    for move in moves:
        view = cells
        for axis, wrap in enumerate(wraps):
            low, high = max(0, -moves[:, axis].min()), max(0, moves[:, axis].max())
            length = cells.shape[first + axis]
            if wrap:
                view = np.roll(view, -move[axis], first + axis) if move[axis] else view
            elif low + high >= length:
                raise ValueError(f"{length} cells along axis {first + axis} are too few to look {low + high} away")
            else:
                inside = slice(low + move[axis], length - high + move[axis])
                view = view[(slice(None),) * (first + axis) + (inside,)]
        views.append(view)
    return views


def joint(parts: Sequence[np.ndarray]) -> tuple[np.ndarray, int]:
    """One code `[N]` for each sample of arrays of one shape, and a number that all codes are below."""
    codes, span = np.zeros(parts[0].size, np.int64), 1
    for part in parts:
        base = int(part.max()) + 1
        if span * base > MOST_CODES:
            occurring, codes = np.unique(codes, return_inverse=True)
            span = len(occurring)
        codes, span = codes * base + part.reshape(-1), span * base
    return codes, span


def counts(codes: np.ndarray, span: int) -> np.ndarray:
    """How often each code occurs, those that do not left out."""
    found = np.bincount(codes) if span <= 4 * MOST_CODES else np.unique(codes, return_counts=True)[1]
    return found[found > 0]


def shuffled(history: np.ndarray, generator: Generator) -> np.ndarray:
    """The same history with its places exchanged at random, alike in all frames `[T, ...]`.

    Every cell keeps its own past, so density, activity and stored information stay as they are, and a frozen field
    stays as poor in independent samples as it was; what neighbours have in common is lost.
    """
    rows = history.reshape(len(history), -1)
    return rows[:, generator.permutation(rows.shape[1])].reshape(history.shape)
