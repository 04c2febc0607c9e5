"""Space: continuous positions on a lattice of 1/1024 cell, over a grid of cells of size 1.

Steps are rounded to the lattice, so sums of positions are exact in float32 for worlds up to 4,096 cells
and moving the whole world by whole cells changes nothing. A torus wraps; in a walled world the border
cells are rock, so nothing ever leaves and only sight needs clipping.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sim.config import ENERGY_QUANTUM, WorldConfig

LATTICE = 1024.0
BLOCK = 1 << 15  # numbers of 16 bits that int32 can add up


def snap(length: jax.Array) -> jax.Array:
    """Rounds lengths to the lattice of positions."""
    return jnp.round(length * LATTICE) / LATTICE


def quantise(energy: jax.Array) -> jax.Array:
    """Rounds energies down to whole quanta."""
    return jnp.floor(energy / ENERGY_QUANTUM) * ENERGY_QUANTUM


def quanta(energy: jax.Array) -> jax.Array:
    """Energies (multiples of the quantum) as int32 counts, for exact sums."""
    return jnp.round(energy / ENERGY_QUANTUM).astype(jnp.int32)


def total(counts: jax.Array) -> jax.Array:
    """Sum of int32 counts of any shape, which may pass 2^31: `[2]` int32, 65536 · the first + the second.

    Such pairs may be added and subtracted like numbers.
    """
    block = min(BLOCK, counts.size)
    rows = jnp.pad(counts.reshape(-1), (0, -counts.size % block)).reshape(-1, block)
    low = jnp.sum(rows & 0xFFFF, axis=1)
    return jnp.stack([jnp.sum(rows >> 16) + jnp.sum(low >> 16), jnp.sum(low & 0xFFFF)])


def wrap(config: WorldConfig, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Positions at most one world away from home, brought home: round the torus, or to the border cell."""
    w, h = float(config.width), float(config.height)
    if config.boundary == "torus":
        x = jnp.where(x < 0, x + w, jnp.where(x >= w, x - w, x))
        y = jnp.where(y < 0, y + h, jnp.where(y >= h, y - h, y))
        return x, y
    return jnp.clip(x, 0.0, w - 1 / LATTICE), jnp.clip(y, 0.0, h - 1 / LATTICE)


def cell(config: WorldConfig, x: jax.Array, y: jax.Array) -> jax.Array:
    """Flat index `row * width + column` of the cell of each position (already at home)."""
    return y.astype(jnp.int32) * config.width + x.astype(jnp.int32)


def ahead(config: WorldConfig, world, distance: float = 1.0) -> jax.Array:
    """Flat index of the cell `distance` in front of each creature, [N]."""
    x, y = world.x + snap(distance * world.ux), world.y + snap(distance * world.uy)
    return cell(config, *wrap(config, x, y))


def neighbours(field: jax.Array, boundary: str) -> jax.Array:
    """Mean of the four neighbours of each cell of `[H, W]` or `[H, W, C]`; nothing lies beyond walls.

    Opposite neighbours are added first, so the sum is the same to the bit for a shifted torus.
    """
    pad = ((1, 1), (1, 1)) + ((0, 0),) * (field.ndim - 2)
    p = jnp.pad(field, pad, mode="wrap" if boundary == "torus" else "constant")
    return 0.25 * ((p[:-2, 1:-1] + p[2:, 1:-1]) + (p[1:-1, :-2] + p[1:-1, 2:]))
