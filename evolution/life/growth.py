"""How patterns grow: the population of many after some generations, and whether one grows by as much in each period.

Growth is linear when from some generation on every period adds the same number of cells: guns and puffers do that.
The population of many is taken in fields of `lifespan.SIDE` cells, where what reaches the edge stops; that of one on
the unbounded plane, exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from evolution.life.lifespan import SIDE, SPAN, spanned
from sim.life import packed, packing
from sim.life.grids import Grid
from sim.life.pattern import PatternError
from sim.life.rules import Rule

WIDEST = SIDE << 5
"""Cells of the largest field's side."""
SEEN = 240
"""Generations for which growth must have been regular."""


class Linear(NamedTuple):
    """Growth by the same number in each period."""

    period: int  # generations
    increment: int  # cells
    since: int  # generation


@jax.jit
def grown(code: jax.Array, state: jax.Array, generations: jax.Array) -> jax.Array:
    """Population `[F]` int32 of fields `[H, L, F]` after some generations."""
    return packing.population(packed.run(code, state, generations, grid=Grid("plane", SIDE, SIDE), width=SIDE), SIDE)


def populations(cells: np.ndarray, rule: Rule, generations: int) -> np.ndarray:
    """Population `[T + 1]` of a pattern `[h, w]` on the plane, T at least `generations`.

    Raises `PatternError` if it needs a field wider than `WIDEST`, in cells.
    """
    code, counts = packed.coded([rule]), [np.array([np.count_nonzero(cells)], np.int32)]
    side, state = 0, jnp.zeros(0)
    rim = jnp.zeros(0)
    now = np.asarray(cells, np.uint8)
    busy = True
    while SPAN * (len(counts) - 1) < generations:
        if busy:  # room for a span at least, and for some more
            now = now if not side else packing.unpack_host(np.asarray(state), side)[0]
            side = max(SIDE, 2 * side)
            while side <= max(now.shape) + 2 * SPAN:
                side *= 2
            if side > WIDEST:
                when = SPAN * (len(counts) - 1)
                raise PatternError(f"the pattern needs a field wider than {WIDEST} cells at generation {when}")
            rest = [side - length for length in now.shape]
            now = np.pad(now, [(length // 2, length - length // 2) for length in rest])
            edge = np.ones((1, side, side), np.uint8)
            edge[:, SPAN:-SPAN, SPAN:-SPAN] = 0
            state, rim = (jnp.asarray(packing.pack_host(part)) for part in (now[None], edge))
        state, some, full = spanned(code, state, rim)
        counts.append(np.asarray(some)[:, 0])
        busy = bool(full[0])
    return np.concatenate(counts)


def linear(series: np.ndarray, longest: int = 600) -> Linear | None:
    """The linear growth at the end of a population `[T]`; None if there is none.

    It must have gone on for three periods and for `SEEN` generations.
    """
    for period in range(1, min(longest, len(series) // 3) + 1):
        rise = series[period:] - series[:-period]
        held = max(2 * period, SEEN)
        if len(rise) < held or rise[-1] <= 0 or not np.all(rise[-held:] == rise[-1]):
            continue
        other = np.flatnonzero(rise != rise[-1])
        return Linear(period, int(rise[-1]), int(other[-1]) + 1 if len(other) else 0)
    return None
