"""Inheritance of bodies: a coin toss per gene, then Gaussian steps; additive genes are reflected at their limits,
those that change by factors stop there.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from evolution.mutation import MutationParams
from sim.body import GENES, RANGES, Body

MULTIPLICATIVE = ("mutation", "lifespan")


def inherit_body(key: jax.Array, params: MutationParams | None, mother: Body, father: Body) -> Body:
    """A child's body from its parents' (scalars each). Without a father give the mother twice."""
    genes = {}
    for name, k_gene in zip(GENES, jax.random.split(key, len(GENES)), strict=True):
        k_side, k_chance, k_step = jax.random.split(k_gene, 3)
        low, high = RANGES[name]
        value = jnp.where(jax.random.bernoulli(k_side), getattr(mother, name), getattr(father, name))
        if params is None:
            genes[name] = value
            continue
        step = params.body_step * jax.random.normal(k_step)
        step = jnp.where(jax.random.uniform(k_chance) < params.body * mother.mutation, step, 0.0)
        if name in MULTIPLICATIVE:
            moved = value * jnp.exp(step * jnp.log(high / low))
            genes[name] = jnp.clip(moved, low, high)
        else:
            moved = value + step * (high - low)
            moved = jnp.where(moved > high, 2 * high - moved, jnp.where(moved < low, 2 * low - moved, moved))
            genes[name] = jnp.clip(moved, low, high)
    return Body(**genes)
