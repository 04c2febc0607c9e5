"""A light random number generator for genetic operators: pcg3d of Jarzynski & Olano (2020, JCGT 9:3).

JAX's default, threefry, spends on a CPU some 70 operations and a loop of kernels on every draw, and genetic
operators draw in many small batches. This one hashes (key, counter) with six multiplications that fuse into
whatever uses them. Counter-based like threefry: draws do not depend on each other or on array sizes. Splitting,
folding and drawing hash different constants, so no two of them meet. Not for cryptography.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.random import define_prng_impl

DRAW, SPLIT, FOLD, SEED = (np.uint32(word) for word in (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344))


def pcg3d(x: jax.Array, y: jax.Array, z: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Three uint32 words, hashed to three."""
    x, y, z = (word * jnp.uint32(1664525) + jnp.uint32(1013904223) for word in (x, y, z))
    for last in (False, True):
        x = x + y * z
        y = y + z * x
        z = z + x * y
        if not last:
            x, y, z = (word ^ (word >> 16) for word in (x, y, z))
    return x, y, z


def _seed(seed: jax.Array) -> jax.Array:
    x, y, _ = pcg3d(jnp.asarray(seed).astype(jnp.uint32), SEED, SEED)
    return jnp.stack([x, y])


def _counters(shape: tuple[int, ...]) -> jax.Array:
    return jax.lax.iota(jnp.uint32, math.prod(shape)).reshape(shape)


def _split(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    x, y, _ = pcg3d(key[0] ^ SPLIT, key[1], _counters(shape))
    return jnp.stack([x, y], axis=-1)


def _fold_in(key: jax.Array, data: jax.Array) -> jax.Array:
    x, y, _ = pcg3d(key[0] ^ FOLD, key[1], jnp.asarray(data).astype(jnp.uint32))
    return jnp.stack([x, y])


def _random_bits(key: jax.Array, bit_width: int, shape: tuple[int, ...]) -> jax.Array:
    if bit_width not in (8, 16, 32):
        raise ValueError(f"bit_width is {bit_width}; pcg3d gives 8, 16 or 32")
    word = pcg3d(key[0] ^ DRAW, key[1], _counters(shape))[0]
    return (word >> (32 - bit_width)).astype({8: jnp.uint8, 16: jnp.uint16, 32: jnp.uint32}[bit_width])


PCG3D = define_prng_impl(
    key_shape=(2,), seed=_seed, split=_split, random_bits=_random_bits, fold_in=_fold_in, name="pcg3d", tag="pcg"
)


def light(key: jax.Array) -> jax.Array:
    """A key of this generator, drawn with a key of any other."""
    return jax.random.wrap_key_data(jax.random.bits(key, (2,), jnp.uint32), impl=PCG3D)
