"""Activation functions, with neat-python's definitions, so that genomes mean the same in both.

A network names the functions it may use in a static tuple; each node holds an index into it. Only the
functions named are computed, so a short tuple is a fast one. Where neat-python raises (an overflow in
`exp`), these saturate.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

LEAK = 0.005
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _exp(z: jax.Array) -> jax.Array:
    return jnp.exp(jnp.clip(z, -60, 60))


FUNCTIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "tanh": lambda z: jnp.tanh(jnp.clip(2.5 * z, -60, 60)),
    "sigmoid": lambda z: jax.nn.sigmoid(jnp.clip(5 * z, -60, 60)),
    "relu": lambda z: jnp.maximum(z, 0),
    "identity": lambda z: z,
    "clamped": lambda z: jnp.clip(z, -1, 1),
    "gauss": lambda z: jnp.exp(-5 * jnp.clip(z, -3.4, 3.4) ** 2),
    "sin": lambda z: jnp.sin(jnp.clip(5 * z, -60, 60)),
    "abs": jnp.abs,
    "elu": lambda z: jnp.where(z > 0, z, _exp(jnp.minimum(z, 0)) - 1),
    "lelu": lambda z: jnp.where(z > 0, z, LEAK * z),
    "selu": lambda z: SELU_SCALE * jnp.where(z > 0, z, SELU_ALPHA * (_exp(jnp.minimum(z, 0)) - 1)),
    "softplus": lambda z: 0.2 * jnp.log1p(_exp(5 * z)),
    "inv": lambda z: jnp.where(z == 0, 0.0, 1 / jnp.where(z == 0, 1.0, z)),
    "log": lambda z: jnp.log(jnp.maximum(z, 1e-7)),
    "exp": _exp,
    "hat": lambda z: jnp.maximum(0, 1 - jnp.abs(z)),
    "square": lambda z: z**2,
    "cube": lambda z: z**3,
}


def activate(names: tuple[str, ...], index: jax.Array, z: jax.Array) -> jax.Array:
    """Applies to each `z` `[...]` the function that `index` `[...]` int32 points to in `names`."""
    out = FUNCTIONS[names[0]](z)
    for i, name in enumerate(names[1:], 1):
        out = jnp.where(index == i, FUNCTIONS[name](z), out)
    return out
