"""Whether a pattern is a spaceship: what it is worth as one, for thousands of patterns and rules at once.

A pattern is given time to settle and is then compared, generation by generation, by its population, the sums of its
cells' coordinates and their second central moments, which do not change if a pattern moves as it is. Equal moments at
two generations are a period, the shift of the centre is the displacement. Moments may be equal by chance, so what is
found is proved by `sim.life.objects`. The field is wider than anything can travel, so it has no edges.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sim.life import objects, packed
from sim.life.grids import Grid
from sim.life.pattern import Pattern
from sim.life.rules import Rule

SIDE = 192  # cells of a field's side
SETTLE, WATCH = 60, 30  # generations before the first look, and of looking
WIDEST = SIDE - 2 * (SETTLE + WATCH)  # cells of the widest seed whose light cone fits the field
SMALL = 48
"""Living cells up to which a pattern that wanders counts as small."""


class Travel(NamedTuple):
    """Of each pattern, `[F]`."""

    period: jax.Array  # int32 generations after which it is itself again, moved or not; 0: none was seen
    dx: jax.Array  # int32 columns and
    dy: jax.Array  # int32 rows that it moves in a period
    population: jax.Array  # int32 when it was first looked at
    drift: jax.Array  # float32 cells a generation that its centre moved, on average


def moments(state: jax.Array) -> jax.Array:
    """Population, sums of x and of y, and n Σxx - ΣxΣx, n Σyy - ΣyΣy, n Σxy - ΣxΣy mod 2^32; `[6, F]` uint32.

    Fields `[H, L, F]`, width 32 L. Column x is l + L b for bit b of word l, and b is a sum of five powers of two.
    """
    height, num = state.shape[:2]
    planes = [np.uint32(sum(1 << b for b in range(32) if b >> k & 1)) for k in range(5)]
    count = lambda words: jax.lax.population_count(words)
    word, y = jnp.arange(num, dtype=jnp.uint32)[None, :, None], jnp.arange(height, dtype=jnp.uint32)[:, None, None]
    cells = count(state)
    bit = sum(count(state & plane) << k for k, plane in enumerate(planes))
    square = sum(count(state & a & b) << (j + k) for j, a in enumerate(planes) for k, b in enumerate(planes))
    x = word * cells + num * bit
    xx = word * word * cells + 2 * num * word * bit + num * num * square
    total = lambda values: jnp.sum(values, axis=(0, 1), dtype=jnp.uint32)
    n, sx, sy = total(cells), total(x), total(y * cells)
    return jnp.stack(
        [n, sx, sy, n * total(xx) - sx * sx, n * total(y * y * cells) - sy * sy, n * total(y * x) - sx * sy]
    )


@jax.jit
def travel(code: jax.Array, state: jax.Array) -> Travel:
    """What becomes of fields `[H, L, F]` under the rules `code` `[K, F]`."""
    grid = Grid("plane", SIDE, SIDE)
    step = partial(packed.step, code, grid=grid, width=SIDE)
    settled = packed.run(code, state, SETTLE, grid=grid, width=SIDE)
    first = moments(settled)
    alike = np.array([0, 3, 4, 5])

    def look(generation, carry):
        state, period, last = carry
        state = step(state)
        now = moments(state)
        same = jnp.all(now[alike] == first[alike], axis=0) & (period == 0)
        return state, jnp.where(same, generation + 1, period), jnp.where(same | (period == 0), now, last)

    start = (settled, jnp.zeros(state.shape[-1], jnp.int32), first)
    _, period, last = jax.lax.fori_loop(0, WATCH, look, start)
    place = lambda of, axis: of[axis].astype(jnp.float32) / jnp.maximum(of[0], 1)
    moved = jnp.stack([place(last, axis) - place(first, axis) for axis in (1, 2)])
    shift = jnp.round(moved).astype(jnp.int32)
    drift = jnp.max(jnp.abs(moved), axis=0) / jnp.where(period > 0, period, WATCH)
    alive = (first[0] > 0) & (last[0] > 0)
    return Travel(*(jnp.where(alive, part, 0) for part in (period, *shift, first[0].astype(jnp.int32), drift)))


def worth(seen: Travel) -> jax.Array:
    """Fitness `[F]`: 1 + speed of a spaceship; less than 1 for what wanders, the more the less it grows."""
    speed = jnp.maximum(jnp.abs(seen.dx), jnp.abs(seen.dy)) / jnp.maximum(seen.period, 1)
    ship = (seen.period > 0) & (speed > 0)
    small = jnp.minimum(1.0, SMALL / jnp.maximum(seen.population, 1))
    return jnp.where(ship, 1 + speed, jnp.where(seen.period > 0, 0.0, 0.9 * jnp.minimum(seen.drift, 1) * small))


def spaceships(pattern: Pattern, rule: Rule) -> list[objects.Found]:
    """The spaceships that a pattern has become when it was first looked at, each proved by running it alone."""
    cells = np.pad(pattern.cells, SETTLE + 1)
    for _ in range(SETTLE):
        cells = objects.after(cells, rule)
    return [found for found in objects.identify(cells, rule, longest=2 * WATCH) if found.object.dx or found.object.dy]
