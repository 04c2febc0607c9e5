"""Crossover aligned by innovation (Stanley & Miikkulainen 2002, fig. 4).

Genes that both parents have come from either at random; genes that only one has come from the first
parent (the mother in a world, the fitter one in a generational run), so every connection finds its nodes.
A gene that is off in either parent is off in the child with chance 3/4.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp

from evolution.genome import Genome, twins

STAYS_OFF = 0.75
NODE_GENES = ("bias", "activation", "aggregation", "response", "time_constant")


def crossover(key: jax.Array, first: Genome, second: Genome) -> Genome:
    """One child; all genomes have the same shapes."""
    k_gene, k_node, k_off = jax.random.split(key, 3)
    twin = twins(first.innovation, second.innovation)
    shared = twin >= 0
    other = shared & jax.random.bernoulli(k_gene, shape=shared.shape)
    node_twin = twins(first.node, second.node)
    node_other = (node_twin >= 0) & jax.random.bernoulli(k_node, shape=first.node.shape)
    off_somewhere = shared & ~(first.enabled & second.enabled[twin])
    stays_off = jax.random.uniform(k_off, shared.shape) < STAYS_OFF
    nodes = {name: getattr(first, name) for name in NODE_GENES if getattr(first, name) is not None}
    nodes = {name: jnp.where(node_other, getattr(second, name)[node_twin], old) for name, old in nodes.items()}
    return replace(
        first,
        **nodes,
        weight=jnp.where(other, second.weight[twin], first.weight),
        rate=jnp.where(other, second.rate[twin], first.rate),
        enabled=jnp.where(off_somewhere, ~stays_off, first.enabled),
        refused=jnp.maximum(first.refused, second.refused),
    )
