"""Aggregation functions: what a node makes of the signals that arrive, with neat-python's definitions.

Signals `[M, K, ...]` and a mask `[M, K, ...]` of those that exist, reduced over axis 1. Without any signal
a product is 1 and everything else 0. `maxabs` is the signal of largest size with its sign, the first of
equals; the median of an even number is the mean of the two in the middle.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

Aggregation = Callable[[jax.Array, jax.Array], jax.Array]


def _sum(x: jax.Array, real: jax.Array) -> jax.Array:
    return jnp.sum(jnp.where(real, x, 0.0), axis=1)


def _mean(x: jax.Array, real: jax.Array) -> jax.Array:
    return _sum(x, real) / jnp.maximum(jnp.sum(real, axis=1), 1)


def _max(x: jax.Array, real: jax.Array) -> jax.Array:
    return jnp.where(jnp.any(real, axis=1), jnp.max(jnp.where(real, x, -jnp.inf), axis=1), 0.0)


def _maxabs(x: jax.Array, real: jax.Array) -> jax.Array:
    size = jnp.where(real, jnp.abs(x), -1.0)
    first = jnp.argmax(size, axis=1, keepdims=True)
    return jnp.where(jnp.any(real, axis=1), jnp.take_along_axis(x, first, axis=1)[:, 0], 0.0)


def _median(x: jax.Array, real: jax.Array) -> jax.Array:
    ordered = jnp.sort(jnp.where(real, x, jnp.inf), axis=1)
    number = jnp.sum(real, axis=1, keepdims=True)
    low, high = jnp.maximum(number - 1, 0) // 2, number // 2
    last = x.shape[1] - 1
    middle = sum(jnp.take_along_axis(ordered, jnp.minimum(at, last), axis=1)[:, 0] for at in (low, high)) / 2
    return jnp.where(number[:, 0] > 0, middle, 0.0)


FUNCTIONS: dict[str, Aggregation] = {
    "sum": _sum,
    "product": lambda x, real: jnp.prod(jnp.where(real, x, 1.0), axis=1),
    "max": _max,
    "min": lambda x, real: -_max(-x, real),
    "maxabs": _maxabs,
    "median": _median,
    "mean": _mean,
}


def aggregate(names: tuple[str, ...], index: jax.Array | None, x: jax.Array, real: jax.Array) -> jax.Array:
    """Reduces `x` `[M, K, ...]` by the function that `index` `[M, ...]` int32 points to in `names`."""
    out = FUNCTIONS[names[0]](x, real)
    for i, name in enumerate(names[1:], 1):
        out = jnp.where(index == i, FUNCTIONS[name](x, real), out)
    return out
