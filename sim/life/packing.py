"""Two-state fields at one bit a cell, laid out so that stepping needs no shifts.

A row of `width` cells takes L = ceil(width / 32) words: column x is bit x // L of word x mod L, so the neighbours
of 32 cells of a word lie in the words beside it, and only the words at the ends need a shift by one bit. Fields are
`[H, L, F]` uint32, F fields side by side in the last axis. Bits at and beyond column `width` mean nothing.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

BITS = 32


def words(width: int) -> int:
    """Words of a row of `width` cells."""
    return -(-width // BITS)


def pack(cells: jax.Array) -> jax.Array:
    """Fields `[F, H, W]` of zeros and others as bits `[H, L, F]`."""
    fields, height, width = cells.shape
    num = words(width)
    bits = jnp.pad((cells != 0).astype(jnp.uint32), ((0, 0), (0, 0), (0, BITS * num - width)))
    lanes = bits.reshape(fields, height, BITS, num) << jnp.arange(BITS, dtype=jnp.uint32)[:, None]
    return jnp.moveaxis(jnp.sum(lanes, axis=2, dtype=jnp.uint32), 0, -1)


def unpack(packed: jax.Array, width: int) -> jax.Array:
    """Bits `[H, L, F]` as fields `[F, H, W]` uint8."""
    height, num, fields = packed.shape
    bits = (packed[:, None] >> jnp.arange(BITS, dtype=jnp.uint32)[:, None, None]) & 1
    return jnp.moveaxis(bits.reshape(height, BITS * num, fields), -1, 0)[..., :width].astype(jnp.uint8)


def column(packed: jax.Array, x: int) -> jax.Array:
    """Column x `[H, F]` of zeros and ones, uint32."""
    num = packed.shape[1]
    return (packed[:, x % num] >> jnp.uint32(x // num)) & 1


def valid(width: int) -> jax.Array:
    """Words `[L, 1]` whose bits are set where there are cells."""
    return pack(jnp.ones((1, 1, width), jnp.uint8))[0]


def population(packed: jax.Array, width: int) -> jax.Array:
    """Living cells of each field, `[F]` int32."""
    return jnp.sum(jax.lax.population_count(packed & valid(width)).astype(jnp.int32), axis=(0, 1))


def pack_host(cells: np.ndarray) -> np.ndarray:
    """`pack` for arrays of the host."""
    fields, height, width = cells.shape
    num = words(width)
    bits = np.zeros((fields, height, BITS * num), np.uint32)
    bits[..., :width] = cells != 0
    lanes = bits.reshape(fields, height, BITS, num) << np.arange(BITS, dtype=np.uint32)[:, None]
    return np.moveaxis(np.bitwise_or.reduce(lanes, axis=2), 0, -1)


def unpack_host(packed: np.ndarray, width: int) -> np.ndarray:
    """`unpack` for arrays of the host."""
    height, num, fields = packed.shape
    bits = (packed[:, None] >> np.arange(BITS, dtype=np.uint32)[:, None, None]) & 1
    return np.moveaxis(bits.reshape(height, BITS * num, fields), -1, 0)[..., :width].astype(np.uint8)
