"""Lone gliders that are about to leave packed fields, taken away for many fields at once.

Gliders are most of what leaves a soup of Life and of the rules next to it. All sixteen shapes are compared with every
place of 32 cells at a time; a glider is alone if the 7x7 cells around its middle hold nothing else. Other spaceships,
and gliders that are not alone, are left to `sim.life.objects`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from sim.life import objects, packing
from sim.life.rules import Rule, parse

GLIDER = np.array([[0, 1, 0], [0, 0, 1], [1, 1, 1]], np.uint8)
CODE = "xq4_153"
BELT = 5  # cells beside the rim in which gliders are taken away


def flies(rule: Rule) -> bool:
    """Whether the glider goes through the same phases under a rule as in Life."""
    phases = (objects.generations(np.pad(GLIDER, 4), each, 5) for each in (rule, parse("B3/S23")))
    return all(np.array_equal(*pair) for pair in zip(*phases, strict=True))


def without(state: jax.Array, leaving: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Fields `[H, L, F]` without the lone gliders in `leaving`, which is made by `belts`; their number `[F]`."""
    window = _windows(state, 3)
    alone = jnp.uint32(0xFFFFFFFF)
    for y in range(-3, 4):
        for x in range(-3, 4):
            if max(abs(y), abs(x)) > 1:
                alone &= ~window(y, x)
    flying = jnp.zeros_like(state)
    for belt, forms in zip(leaving, _forms().values(), strict=True):
        matches = jnp.zeros_like(state)
        for form in forms:
            fits = alone
            for y in range(3):
                for x in range(3):
                    cell = window(y - 1, x - 1)
                    fits &= cell if form[y, x] else ~cell
            matches |= fits
        flying |= matches & belt
    around = _windows(flying, 1)
    cleared = state
    for y in range(-1, 2):
        for x in range(-1, 2):
            cleared &= ~around(y, x)
    return cleared, jnp.sum(jax.lax.population_count(flying).astype(jnp.int32), axis=(0, 1))


def _windows(state: jax.Array, reach: int) -> Callable[[int, int], jax.Array]:
    """The field as seen some rows and columns away, at most `reach`; dead beyond the edges. Width: a multiple of 32."""
    height, num = state.shape[:2]
    rows = jnp.pad(state, ((reach, reach), (0, 0), (0, 0)))
    held = jnp.concatenate([rows[:, num - reach :] << 1, rows, rows[:, :reach] >> 1], axis=1)
    return lambda y, x: held[reach + y : reach + y + height, reach + x : reach + x + num]


def belts(side: int, rim: int) -> np.ndarray:
    """Where a glider of each heading is about to leave a field with a rim of some cells, `[4, H, L, 1]` words."""
    place = np.arange(side)
    low, high = place < rim + BELT, place >= side - rim - BELT
    out = []
    for dx, dy in _forms():
        x, y = (low if dx < 0 else high), (low if dy < 0 else high)
        out.append(packing.pack_host((y[:, None] | x[None, :])[None]))
    return np.stack(out)


@cache
def _forms() -> dict[tuple[int, int], list[np.ndarray]]:
    """All sixteen shapes `[3, 3]` of gliders by the way they fly (dx, dy)."""
    life, forms = parse("B3/S23"), defaultdict(list)
    for phase in objects.generations(np.pad(GLIDER, 4), life, 4):
        cells = objects.trimmed(phase)[0]
        for down in (1, -1):
            for right in (1, -1):
                forms[right, down].append(cells[::down, ::right])
    return dict(forms)
