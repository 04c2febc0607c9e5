"""Activation functions, with neat-python's definitions, so that genomes mean the same in both.

A network names the functions it may use in a static tuple; each node holds an index into it. Only the
functions named are computed, so a short tuple is a fast one.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

FUNCTIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "tanh": lambda z: jnp.tanh(jnp.clip(2.5 * z, -60, 60)),
    "sigmoid": lambda z: jax.nn.sigmoid(jnp.clip(5 * z, -60, 60)),
    "relu": lambda z: jnp.maximum(z, 0),
    "identity": lambda z: z,
    "clamped": lambda z: jnp.clip(z, -1, 1),
    "gauss": lambda z: jnp.exp(-5 * jnp.clip(z, -3.4, 3.4) ** 2),
    "sin": lambda z: jnp.sin(jnp.clip(5 * z, -60, 60)),
    "abs": jnp.abs,
}


def activate(names: tuple[str, ...], index: jax.Array, z: jax.Array) -> jax.Array:
    """Applies to each `z` `[...]` the function that `index` `[...]` int32 points to in `names`."""
    out = FUNCTIONS[names[0]](z)
    for i, name in enumerate(names[1:], 1):
        out = jnp.where(index == i, FUNCTIONS[name](z), out)
    return out
