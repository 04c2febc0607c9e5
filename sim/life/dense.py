"""Rules of more than two states or of larger neighbourhoods: one byte a cell, whole fields at a time.

A rule is a pytree of numbers with a static `radius` and a method `next`, which takes a field with what lies `radius`
cells beyond its edges. Another rule of the same shape compiles nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

import jax
import jax.numpy as jnp

from sim.life.grids import Grid


class CellRule(Protocol):
    """What every family of rules with bytes for cells offers."""

    @property
    def name(self) -> str: ...
    @property
    def num_states(self) -> int: ...
    @property
    def radius(self) -> int: ...
    def next(self, padded: jax.Array) -> jax.Array:
        """The next field `[H, W]` uint8 from `[H + 2 radius, W + 2 radius]`."""
        ...


@partial(jax.jit, static_argnames=("grid",))
def run(rule: CellRule, cells: jax.Array, generations: jax.Array, *, grid: Grid) -> jax.Array:
    """Fields `[F, H, W]` uint8 of a bounded grid after some generations."""

    def one(field: jax.Array) -> jax.Array:
        return rule.next(surround(field, grid, rule.radius))

    return jax.lax.fori_loop(0, generations, lambda _, fields: jax.vmap(one)(fields), cells)


def surround(field: jax.Array, grid: Grid, ring: int) -> jax.Array:
    """A field `[H, W]` with `ring` cells beyond its edges; nothing is state 0."""
    if grid.kind == "plane":
        return jnp.pad(field, ring)
    if grid.kind == "torus" and not any(grid.shift) and not any(grid.cut):
        return jnp.pad(field, ring, mode="wrap")
    return jnp.append(field.reshape(-1), jnp.zeros(1, field.dtype))[grid.beyond(ring)]
