"""From genomes to the networks that tasks run (`agents.dense`): a scatter of enabled genes into matrices."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from agents.dense import Dynamics, Nets
from evolution.genome import BrainConfig, Genome, place


def dynamics(config: BrainConfig) -> Dynamics:
    """How networks of this config compute."""
    return Dynamics(config.activations, config.aggregations, config.dynamics, config.steps, config.time_step)


def networks(config: BrainConfig, inputs: int, genome: Genome) -> Nets:
    """Networks of genomes `[P, ...]`."""
    num, units = genome.node.shape
    target, source = _ends(inputs, genome)
    at = (target, source, jnp.arange(num, dtype=jnp.int32)[:, None])  # target M: no such gene, dropped
    weight = jnp.zeros((units, inputs + units, num)).at[at].set(genome.weight, mode="drop", unique_indices=True)
    link = None
    if config.aggregations != ("sum",):
        link = jnp.zeros(weight.shape, bool).at[at].set(True, mode="drop", unique_indices=True)
    acyclic = config.dynamics == "feedforward"
    last = lambda leaf: None if leaf is None else leaf.T
    return Nets(
        weight=weight,
        link=link,
        bias=genome.bias.T,
        activation=genome.activation.T,
        aggregation=last(genome.aggregation),
        response=last(genome.response),
        time_constant=last(genome.time_constant),
        depth=_deepest(inputs, weight != 0 if link is None else link) if acyclic else jnp.int32(1),
    )


def _ends(inputs: int, genome: Genome) -> tuple[jax.Array, jax.Array]:
    """Rows `[P, C]` of target (M where there is no enabled connection) and source (inputs first)."""
    units = genome.node.shape[1]
    target = jax.vmap(place)(genome, genome.target)
    source = jnp.where(genome.source < inputs, genome.source, inputs + jax.vmap(place)(genome, genome.source))
    real = genome.enabled & (source < inputs + units)
    return jnp.where(real, target, units), source


def _deepest(inputs: int, link: jax.Array) -> jax.Array:
    """Longest path of any network `[M, K, P]`, in connections: after so many updates all values have settled."""
    between, units = link[:, inputs:], link.shape[0]  # [M, M, P]
    first = jnp.any(link, axis=1).astype(jnp.int32)  # [M, P]

    def deeper(carry):
        depth, _ = carry
        through = jnp.max(jnp.where(between, depth[None] + 1, 0), axis=1)
        new = jnp.maximum(depth, jnp.minimum(through, units))
        return new, jnp.any(new != depth)

    depth, _ = jax.lax.while_loop(lambda carry: carry[1], deeper, (first, jnp.bool_(True)))
    return jnp.maximum(jnp.max(depth), 1)
