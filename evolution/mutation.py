"""Mutation of NEAT genomes: weights, biases, activations, and structure.

Every operator takes and returns one genome of the same shapes. Rates are per birth; the weight steps are
per gene. Structural operators that find no room or nothing to act on leave the genome as it was; a lack
of room is counted in `refused`. Sources: Stanley & Miikkulainen 2002 (weights, add connection, add node).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from evolution.genome import BrainConfig, Genome, connection_id, split_id
from sim.config import key as tunable

WEIGHT_LIMIT = 8.0


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MutationParams:
    """Rates of mutation; each creature's `mutation` gene multiplies them (`body` and `drift` steps too)."""

    weight: float = tunable(0.1, "chance that a weight is changed", low=0, high=1)
    weight_step: float = tunable(0.4, "sd of a change", low=0, high=10)
    weight_replace: float = tunable(0.02, "chance that a weight is drawn anew", low=0, high=1)
    bias: float = tunable(0.05, "chance that a bias is changed, by the same step", low=0, high=1)
    activation: float = tunable(0.02, "chance that a hidden node takes another function", low=0, high=1)
    rate: float = tunable(0.1, "chance that a learning rate is changed (plastic brains)", low=0, high=1)
    rate_step: float = tunable(0.02, "sd of that change", low=0, high=10)
    add_connection: float = tunable(0.4, "chance of a new connection", low=0, high=1)
    add_node: float = tunable(0.04, "chance that a connection is split by a new node", low=0, high=1)
    delete_connection: float = tunable(0.12, "chance that a connection is lost", low=0, high=1)
    delete_node: float = tunable(0.02, "chance that a hidden node is lost", low=0, high=1)
    toggle: float = tunable(0.02, "chance that a connection is switched on or off", low=0, high=1)
    body: float = tunable(0.15, "chance that a body gene is changed", low=0, high=1)
    body_step: float = tunable(0.05, "sd of that change as a share of the gene's range", low=0, high=1)


def mutate(
    key: jax.Array,
    config: BrainConfig,
    params: MutationParams,
    inputs: int,
    outputs: int,
    scale: jax.Array,
    genome: Genome,
) -> Genome:
    """One child's mutations; `scale` [] multiplies all rates."""
    k_weights, k_delete_node, k_delete, k_add, k_node, k_toggle = jax.random.split(key, 6)
    genome = mutate_weights(k_weights, config, params, outputs, scale, genome)
    genome = _maybe(k_delete_node, params.delete_node * scale, delete_node, genome)
    genome = _maybe(k_delete, params.delete_connection * scale, delete_connection, genome)
    genome = _maybe(k_toggle, params.toggle * scale, toggle_connection, genome)
    genome = _maybe(k_node, params.add_node * scale, add_node, genome)
    return _maybe(k_add, params.add_connection * scale, lambda k, g: add_connection(k, inputs, g), genome)


def _maybe(key, chance, operator, genome: Genome) -> Genome:
    k_chance, k_operator = jax.random.split(key)
    happens = jax.random.uniform(k_chance) < chance
    changed = operator(k_operator, genome)
    return jax.tree.map(lambda new, old: jnp.where(happens, new, old), changed, genome)


def mutate_weights(
    key: jax.Array, config: BrainConfig, params: MutationParams, outputs: int, scale: jax.Array, genome: Genome
) -> Genome:
    """Perturbs or replaces weights, perturbs biases and learning rates, changes functions of hidden nodes."""
    k_which, k_step, k_bias, k_bias_step, k_act, k_pick, k_rate, k_rate_step = jax.random.split(key, 8)
    real, node = genome.innovation >= 0, genome.node >= 0
    which = jax.random.uniform(k_which, real.shape)
    step = jax.random.normal(k_step, real.shape)
    weight = jnp.where(which < params.weight * scale, genome.weight + params.weight_step * step, genome.weight)
    weight = jnp.where(which > 1 - params.weight_replace * scale, step, weight)
    bias_step = params.weight_step * jax.random.normal(k_bias_step, node.shape)
    shifts = jax.random.uniform(k_bias, node.shape) < params.bias * scale
    changes = jax.random.uniform(k_act, node.shape) < params.activation * scale
    changes &= jnp.arange(node.shape[0]) >= outputs
    other = jax.random.randint(k_pick, node.shape, 0, len(config.activations))
    rate = genome.rate
    if config.plasticity != "none":
        learns = jax.random.uniform(k_rate, real.shape) < params.rate * scale
        rate = rate + jnp.where(learns, params.rate_step * jax.random.normal(k_rate_step, real.shape), 0.0)
    return replace(
        genome,
        weight=jnp.where(real, jnp.clip(weight, -WEIGHT_LIMIT, WEIGHT_LIMIT), 0.0),
        bias=jnp.where(
            node, jnp.clip(genome.bias + jnp.where(shifts, bias_step, 0.0), -WEIGHT_LIMIT, WEIGHT_LIMIT), 0.0
        ),
        activation=jnp.where(node & changes, other, genome.activation),
        rate=jnp.where(real, rate, 0.0),
    )


def add_connection(key: jax.Array, inputs: int, genome: Genome) -> Genome:
    """Connects a random input or node to a random node; switches the gene on again if it exists."""
    k_source, k_target, k_weight, k_rate = jax.random.split(key, 4)
    units = genome.node.shape[0]
    sources = jnp.concatenate([jnp.ones(inputs, bool), genome.node >= 0])
    row = _pick(k_source, sources)
    source = jnp.where(row < inputs, row, genome.node[jnp.clip(row - inputs, 0, units - 1)])
    target = genome.node[_pick(k_target, genome.node >= 0)]
    innovation = connection_id(source, target)
    same = (genome.innovation == innovation) & (genome.source == source) & (genome.target == target)
    clash = jnp.any((genome.innovation == innovation) & ~same)
    known = jnp.any(same)
    vacant = genome.innovation < 0
    fits = jnp.any(vacant) & ~known & ~clash
    weight, rate = jax.random.normal(k_weight), 0.01 * jax.random.normal(k_rate)
    grown = _write(genome, jnp.argmax(vacant), fits, innovation, source, target, weight, rate)
    grown = replace(grown, enabled=grown.enabled | same)
    return replace(grown, refused=genome.refused + (~known & ~fits))


def add_node(key: jax.Array, genome: Genome) -> Genome:
    """Splits a random enabled connection: in with weight 1, out with the old weight; the old one is off."""
    split = _pick(key, genome.enabled)
    old = genome.innovation[split]
    tries = split_id(old, jnp.arange(4))
    taken = jnp.any(tries[:, None] == genome.node[None, :], axis=1)
    node = tries[jnp.argmin(taken)]
    row = jnp.argmax(genome.node < 0)
    vacant = genome.innovation < 0
    first = jnp.argmax(vacant)
    second = jnp.argmax(vacant & (jnp.arange(vacant.shape[0]) != first))
    into, out = connection_id(genome.source[split], node), connection_id(node, genome.target[split])
    clash = jnp.any((genome.innovation == into) | (genome.innovation == out)) | jnp.all(taken)
    room = jnp.any(genome.node < 0) & (jnp.sum(vacant) >= 2)
    exists = jnp.any(genome.enabled)
    fits = exists & room & ~clash
    grown = _write(genome, first, fits, into, genome.source[split], node, 1.0, 0.0)
    grown = _write(grown, second, fits, out, node, genome.target[split], genome.weight[split], genome.rate[split])
    grown = replace(
        grown,
        node=grown.node.at[row].set(jnp.where(fits, node, grown.node[row])),
        bias=grown.bias.at[row].set(jnp.where(fits, 0.0, grown.bias[row])),
        activation=grown.activation.at[row].set(jnp.where(fits, 0, grown.activation[row])),
        enabled=grown.enabled.at[split].set(grown.enabled[split] & ~fits),
    )
    return replace(grown, refused=genome.refused + (exists & ~fits))


def delete_connection(key: jax.Array, genome: Genome) -> Genome:
    """Removes a random connection gene."""
    real = genome.innovation >= 0
    gone = (jnp.arange(real.shape[0]) == _pick(key, real)) & real
    return _clear(genome, gone)


def delete_node(key: jax.Array, genome: Genome) -> Genome:
    """Removes a random hidden node with its connections."""
    hidden = genome.node >= (1 << 30)
    row = (jnp.arange(hidden.shape[0]) == _pick(key, hidden)) & hidden
    node = jnp.max(jnp.where(row, genome.node, -2))
    genome = _clear(genome, (genome.source == node) | (genome.target == node))
    return replace(
        genome,
        node=jnp.where(row, -1, genome.node),
        bias=jnp.where(row, 0.0, genome.bias),
        activation=jnp.where(row, 0, genome.activation),
    )


def toggle_connection(key: jax.Array, genome: Genome) -> Genome:
    """Switches a random connection on or off."""
    real = genome.innovation >= 0
    flips = (jnp.arange(real.shape[0]) == _pick(key, real)) & real
    return replace(genome, enabled=genome.enabled ^ flips)


def _pick(key: jax.Array, mask: jax.Array) -> jax.Array:
    """A uniform random index where `mask` `[K]` is true; 0 if nowhere."""
    return jnp.argmax(jnp.where(mask, jax.random.uniform(key, mask.shape, minval=0.1), 0.0))


def _clear(genome: Genome, gone: jax.Array) -> Genome:
    return replace(
        genome,
        innovation=jnp.where(gone, -1, genome.innovation),
        source=jnp.where(gone, -1, genome.source),
        target=jnp.where(gone, -1, genome.target),
        weight=jnp.where(gone, 0.0, genome.weight),
        rate=jnp.where(gone, 0.0, genome.rate),
        enabled=genome.enabled & ~gone,
    )


def _write(genome: Genome, row, fits, innovation, source, target, weight, rate) -> Genome:
    here = (jnp.arange(genome.innovation.shape[0]) == row) & fits
    return replace(
        genome,
        innovation=jnp.where(here, innovation, genome.innovation),
        source=jnp.where(here, source, genome.source),
        target=jnp.where(here, target, genome.target),
        weight=jnp.where(here, weight, genome.weight),
        rate=jnp.where(here, rate, genome.rate),
        enabled=genome.enabled | here,
    )
