"""Damage of many automata at once, at 32 cells a word: what `sim.life.measures.damage` tells, for sweeps over rules.

Both histories of a pair are fields of one batch, and the cells in which they differ are counted by exclusive or and
population count, so nothing is unpacked on the way. The rule is data: another one compiles nothing. The exponent is the
one of Bagnoli, Rechtman and Ruffo (Phys. Lett. A 172 (1992) 34), on a torus. Left out: other boundaries, more states.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from sim.life import elementary, packed
from sim.life.grids import torus
from sim.life.packing import pack, population
from sim.life.rules import Rule


@partial(jax.jit, static_argnums=3)
def _of_lines(numbers: jax.Array, rows: jax.Array, hurt: jax.Array, generations: int) -> jax.Array:
    width = rows.shape[-1]
    twice = jnp.concatenate([numbers, numbers])
    code = -(twice >> jnp.arange(8, dtype=jnp.uint32)[:, None] & 1)

    def step(held: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        return elementary.advance(code, held, width, True), _apart(held[None], width)

    _, seen = jax.lax.scan(step, pack(jnp.concatenate([rows, hurt])[:, None])[0], length=generations + 1)
    return seen.T


@partial(jax.jit, static_argnums=3)
def _of_fields(code: jax.Array, cells: jax.Array, hurt: jax.Array, generations: int) -> jax.Array:
    height, width = cells.shape[1:]
    twice = code if code.shape[1] == 1 else jnp.concatenate([code, code], axis=1)

    def step(held: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        return packed.step(twice, held, grid=torus(width, height), width=width), _apart(held, width)

    _, seen = jax.lax.scan(step, pack(jnp.concatenate([cells, hurt])), length=generations + 1)
    return seen.T


def _apart(held: jax.Array, width: int) -> jax.Array:
    """Cells `[F]` in which the first F of 2 F packed fields differ from the others."""
    half = held.shape[-1] // 2
    return population(held[..., :half] ^ held[..., half:], width)


def line_damage(numbers: ArrayLike, rows: ArrayLike, hurt: ArrayLike, generations: int) -> np.ndarray:
    """`[F, generations + 1]` cells in which rings `rows` and `hurt` `[F, n]` differ, under elementary rules `[F]`."""
    codes = jnp.asarray(numbers, jnp.uint32)
    return np.asarray(_of_lines(codes, jnp.asarray(rows, jnp.uint8), jnp.asarray(hurt, jnp.uint8), generations))


def field_damage(rules: Sequence[Rule], cells: ArrayLike, hurt: ArrayLike, generations: int) -> np.ndarray:
    """`[F, generations + 1]` cells in which toruses `cells` and `hurt` `[F, H, W]` differ, under F rules or one."""
    code = packed.coded(rules)
    return np.asarray(_of_fields(code, jnp.asarray(cells, jnp.uint8), jnp.asarray(hurt, jnp.uint8), generations))


@partial(jax.jit, static_argnums=2)
def _growth(tables: jax.Array, cells: jax.Array, generations: int) -> jax.Array:
    axes = tuple(range(1, cells.ndim))
    offsets = list(product((1, 0, -1), repeat=len(axes)))  # a roll by 1 brings the cell before

    def around(values: jax.Array) -> list[jax.Array]:
        return [jnp.roll(values, offset, axes) for offset in offsets]

    def looked_up(index: jax.Array) -> jax.Array:
        return jax.vmap(lambda table, at: table.at[at].get(mode="promise_in_bounds"))(tables, index)

    def step(held: tuple[jax.Array, jax.Array], _: None) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        states, defects = held
        index = jnp.zeros(states.shape, jnp.int32)
        for view in around(states):
            index = index << 1 | view
        following = looked_up(index)
        grown = jnp.zeros_like(defects)
        for bit, found in enumerate(reversed(around(defects))):
            grown = grown + found * (looked_up(index ^ 1 << bit) != following)
        factor = jnp.mean(grown, axes)
        left = jnp.where(factor > 0, factor, 1.0).reshape(-1, *[1] * len(axes))
        return (following, grown / left), factor

    start = (cells.astype(jnp.int32), jnp.ones(cells.shape, jnp.float32))
    _, factors = jax.lax.scan(step, start, length=generations)
    return jnp.exp(jnp.mean(jnp.log(factors), axis=0))  # 0 where the defects died out


def defect_growth(tables: ArrayLike, cells: ArrayLike, generations: int) -> np.ndarray:
    """`[F]` factors e^λ by which defects multiply in a generation, λ being `damage.lyapunov`; 0 where all die out.

    Tables `[F, 8]` or `[F, 512]`, rings `[F, n]` or toruses `[F, H, W]`.
    """
    return np.asarray(_growth(jnp.asarray(tables, jnp.int32), jnp.asarray(cells, jnp.uint8), generations))
