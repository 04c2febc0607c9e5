"""Mutation of NEAT genomes: weights, biases, activations, and structure.

Every operator takes and returns one genome of the same shapes. `weights` and the rates of structural operators
are per birth, all others per gene. Structural operators that find no room or nothing to act on leave the genome as
it was; a lack of room is counted in `refused`. Source: Stanley & Miikkulainen 2002 (weights, add connection, add node).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from evolution.genome import HIDDEN, BrainConfig, Genome, connection_id, split_id
from evolution.topology import path, reached
from sim.config import key as tunable

RESPONSE_STEP, TIME_STEP = 0.2, 0.3  # sd of a change: of the response, and of the logarithm of a time constant


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MutationParams:
    """Rates of mutation; the mother's `mutation` gene multiplies every chance but `weights`, and no step."""

    weights: float = tunable(1.0, "chance that a child's weights are open to change at all", low=0, high=1)
    weight: float = tunable(0.1, "chance that a weight is changed", low=0, high=1)
    weight_step: float = tunable(0.4, "sd of a change", low=0, high=10)
    weight_replace: float = tunable(0.02, "chance that a weight is drawn anew", low=0, high=1)
    weight_new: float = tunable(1.0, "sd of weights drawn anew and of new connections", low=0, high=100)
    bias: float = tunable(0.05, "chance that a bias is changed, by the same step", low=0, high=1)
    activation: float = tunable(0.02, "chance that a hidden node takes another function", low=0, high=1)
    aggregation: float = tunable(0.02, "chance that a hidden node takes another aggregation", low=0, high=1)
    response: float = tunable(0.05, "chance that a response gene is changed", low=0, high=1)
    time_constant: float = tunable(0.05, "chance that a time constant is changed (ctrnn)", low=0, high=1)
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
    generation: jax.Array | int = 0,
) -> Genome:
    """One child's mutations; `scale` [] multiplies all rates. New connections note the `generation`."""
    flags = chances(key, params, scale)
    genome = mutate_numbers(key, config, params, outputs, scale, genome)
    return restructure(key, flags, config, params, inputs, genome, generation)


def mutate_numbers(
    key: jax.Array, config: BrainConfig, params: MutationParams, outputs: int, scale: jax.Array, genome: Genome
) -> Genome:
    """The part of `mutate` that changes numbers: weights, biases, functions and other genes of nodes."""
    genome = mutate_weights(jax.random.split(key, 6)[0], config, params, outputs, scale, genome)
    return mutate_nodes(jax.random.fold_in(key, 6), config, params, outputs, scale, genome)


def chances(key: jax.Array, params: MutationParams, scale: jax.Array) -> jax.Array:
    """Which structural operators act on a child, `[5]` bool in the order of `restructure`."""
    keys = _operator_keys(key)
    rates = [params.delete_node, params.delete_connection, params.toggle, params.add_node, params.add_connection]
    draws = [jax.random.uniform(jax.random.split(k)[0]) for k in keys]
    return jnp.stack(draws) < jnp.stack([jnp.asarray(rate * scale, jnp.float32) for rate in rates])


def restructure(
    key: jax.Array,
    flags: jax.Array,
    config: BrainConfig,
    params: MutationParams,
    inputs: int,
    genome: Genome,
    generation: jax.Array | int = 0,
) -> Genome:
    """The structural part of `mutate`: the operators that `flags` [5] of `chances` name, one after the other."""
    operators: tuple[Callable[[jax.Array, Genome], Genome], ...] = (
        delete_node,
        delete_connection,
        toggle_connection,
        lambda k, g: add_node(k, g, generation),
        lambda k, g: add_connection(k, config, inputs, g, generation, params.weight_new),
    )
    for k, happens, operator in zip(_operator_keys(key), flags, operators, strict=True):
        changed = operator(jax.random.split(k)[1], genome)
        genome = jax.tree.map(lambda new, old, happens=happens: jnp.where(happens, new, old), changed, genome)
    return genome


def _operator_keys(key: jax.Array) -> tuple[jax.Array, ...]:
    _, k_delete_node, k_delete, k_add, k_node, k_toggle = jax.random.split(key, 6)
    return k_delete_node, k_delete, k_toggle, k_node, k_add


def mutate_weights(
    key: jax.Array, config: BrainConfig, params: MutationParams, outputs: int, scale: jax.Array, genome: Genome
) -> Genome:
    """Perturbs or replaces weights, perturbs biases and learning rates, changes functions of hidden nodes."""
    k_which, k_step, k_bias, k_bias_step, k_act, k_pick, k_rate, k_rate_step = jax.random.split(key, 8)
    real, node = genome.innovation >= 0, genome.node >= 0
    limit = config.weight_limit
    which = jax.random.uniform(k_which, real.shape)
    opened = jax.random.uniform(jax.random.fold_in(key, 8)) < params.weights
    step = jax.random.normal(k_step, real.shape)
    weight = jnp.where(
        opened & (which < params.weight * scale), genome.weight + params.weight_step * step, genome.weight
    )
    weight = jnp.where(opened & (which > 1 - params.weight_replace * scale), params.weight_new * step, weight)
    bias_step = params.weight_step * jax.random.normal(k_bias_step, node.shape)
    shifts = opened & (jax.random.uniform(k_bias, node.shape) < params.bias * scale)
    activation, rate = genome.activation, genome.rate
    if len(config.activations) > 1:
        changes = jax.random.uniform(k_act, node.shape) < params.activation * scale
        changes &= node & (jnp.arange(node.shape[0]) >= outputs)
        activation = jnp.where(changes, jax.random.randint(k_pick, node.shape, 0, len(config.activations)), activation)
    if config.plasticity != "none":
        learns = jax.random.uniform(k_rate, real.shape) < params.rate * scale
        rate = rate + jnp.where(learns, params.rate_step * jax.random.normal(k_rate_step, real.shape), 0.0)
    return replace(
        genome,
        weight=jnp.where(real, jnp.clip(weight, -limit, limit), 0.0),
        bias=jnp.where(node, jnp.clip(genome.bias + jnp.where(shifts, bias_step, 0.0), -limit, limit), 0.0),
        activation=activation,
        rate=jnp.where(real, rate, 0.0),
    )


def mutate_nodes(
    key: jax.Array, config: BrainConfig, params: MutationParams, outputs: int, scale: jax.Array, genome: Genome
) -> Genome:
    """Changes those genes of nodes that only some configs use: aggregation, response, time constant."""
    k_agg, k_pick, k_response, k_response_step, k_time, k_time_step = jax.random.split(key, 6)
    node, changed = genome.node >= 0, {}
    if genome.aggregation is not None:
        changes = jax.random.uniform(k_agg, node.shape) < params.aggregation * scale
        changes &= node & (jnp.arange(node.shape[0]) >= outputs)
        other = jax.random.randint(k_pick, node.shape, 0, len(config.aggregations))
        changed["aggregation"] = jnp.where(changes, other, genome.aggregation)
    if genome.response is not None:
        changes = node & (jax.random.uniform(k_response, node.shape) < params.response * scale)
        step = RESPONSE_STEP * jax.random.normal(k_response_step, node.shape)
        response = genome.response + jnp.where(changes, step, 0.0)
        changed["response"] = jnp.clip(response, -config.weight_limit, config.weight_limit)
    if genome.time_constant is not None:
        changes = node & (jax.random.uniform(k_time, node.shape) < params.time_constant * scale)
        step = TIME_STEP * jax.random.normal(k_time_step, node.shape)
        longer = genome.time_constant * jnp.exp(jnp.where(changes, step, 0.0))
        low, high = config.time_step, 1000 * config.time_step  # below one step, Euler's method overshoots
        changed["time_constant"] = jnp.where(node, jnp.clip(longer, low, high), 0.0)
    return replace(genome, **changed)


def add_connection(
    key: jax.Array,
    config: BrainConfig,
    inputs: int,
    genome: Genome,
    generation: jax.Array | int = 0,
    weight_new: jax.Array | float = 1.0,
) -> Genome:
    """Connects a random input or node to a random node; switches the gene on again if it exists.

    Of `config.connection_tries` random pairs the first is taken that has no gene yet and, in a feed-forward
    genome, makes no cycle; if there is none, the first that has a gene.
    """
    k_source, k_target, k_weight, k_rate = jax.random.split(key, 4)
    units, tries = genome.node.shape[0], config.connection_tries
    sources = jnp.concatenate([jnp.ones(inputs, bool), genome.node >= 0])
    row = _pick(k_source, sources, tries)
    unit = jnp.clip(row - inputs, 0, units - 1)
    end = _pick(k_target, genome.node >= 0, tries)
    source, target = jnp.where(row < inputs, row, genome.node[unit]), genome.node[end]
    innovation = connection_id(source, target)
    alike = genome.innovation[None, :] == innovation[:, None]
    same = alike & (genome.source[None, :] == source[:, None]) & (genome.target[None, :] == target[:, None])
    clash, known = jnp.any(alike & ~same, axis=1), jnp.any(same, axis=1)
    may = jnp.ones(tries, bool)
    if config.dynamics == "feedforward":
        may = (row < inputs) | ((unit != end) & ~path(reached(genome), end, unit))
    one = jnp.argmax(2 * (may & ~known & ~clash) + (may & known))
    columns = (innovation, source, target, may, known, clash)
    innovation, source, target, may, known, clash = (column[one] for column in columns)
    vacant = genome.innovation < 0
    fits = jnp.any(vacant) & ~known & ~clash & may
    weight = jnp.clip(weight_new * jax.random.normal(k_weight), -config.weight_limit, config.weight_limit)
    rate = 0.01 * jax.random.normal(k_rate)
    grown = _write(genome, jnp.argmax(vacant), fits, innovation, source, target, weight, rate, generation)
    grown = replace(grown, enabled=grown.enabled | (same[one] & may))
    return replace(grown, refused=genome.refused + (may & ~known & ~fits))


def add_node(key: jax.Array, genome: Genome, generation: jax.Array | int = 0) -> Genome:
    """Splits a random enabled connection: in with weight 1, out with the old weight; the old one is off."""
    split = _pick(key, genome.enabled)[0]
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
    rate, weight = genome.rate[split], genome.weight[split]
    grown = _write(genome, first, fits, into, genome.source[split], node, 1.0, 0.0, generation)
    grown = _write(grown, second, fits, out, node, genome.target[split], weight, rate, generation)
    here = (jnp.arange(genome.node.shape[0]) == row) & fits
    new: dict[str, Any] = {"node": node, "bias": 0.0, "activation": 0, "aggregation": 0, "response": 1.0}
    if genome.time_constant is not None:  # as quick as the quickest that there is
        real = genome.node >= 0
        new["time_constant"] = jnp.min(jnp.where(real, genome.time_constant, jnp.inf))
    columns = {name: value for name, value in new.items() if getattr(grown, name) is not None}
    nodes = {name: jnp.where(here, value, getattr(grown, name)) for name, value in columns.items()}
    enabled = grown.enabled & ~((jnp.arange(vacant.shape[0]) == split) & fits)
    return replace(grown, **nodes, enabled=enabled, refused=genome.refused + (exists & ~fits))


def delete_connection(key: jax.Array, genome: Genome) -> Genome:
    """Removes a random connection gene."""
    real = genome.innovation >= 0
    gone = (jnp.arange(real.shape[0]) == _pick(key, real)[0]) & real
    return _clear(genome, gone)


def delete_node(key: jax.Array, genome: Genome) -> Genome:
    """Removes a random hidden node with its connections."""
    hidden = genome.node >= HIDDEN
    row = (jnp.arange(hidden.shape[0]) == _pick(key, hidden)[0]) & hidden
    node = jnp.max(jnp.where(row, genome.node, -2))
    genome = _clear(genome, (genome.source == node) | (genome.target == node))
    blank = {"node": -1, "bias": 0.0, "activation": 0, "aggregation": 0, "response": 0.0, "time_constant": 0.0}
    columns = {name: value for name, value in blank.items() if getattr(genome, name) is not None}
    return replace(genome, **{name: jnp.where(row, value, getattr(genome, name)) for name, value in columns.items()})


def toggle_connection(key: jax.Array, genome: Genome) -> Genome:
    """Switches a random connection on or off."""
    real = genome.innovation >= 0
    flips = (jnp.arange(real.shape[0]) == _pick(key, real)[0]) & real
    return replace(genome, enabled=genome.enabled ^ flips)


def _pick(key: jax.Array, mask: jax.Array, number: int = 1) -> jax.Array:
    """`number` uniform random indices where `mask` `[K]` is true, with replacement; 0 if nowhere."""
    # tries along the last axis: more room in a genome then changes no draw
    chance = jax.random.uniform(key, (*mask.shape, number), minval=0.1)
    return jnp.argmax(jnp.where(mask[:, None], chance, 0.0), axis=0)


def _clear(genome: Genome, gone: jax.Array) -> Genome:
    blank = {"innovation": -1, "source": -1, "target": -1, "weight": 0.0, "rate": 0.0, "enabled": False, "born": 0}
    columns = {name: value for name, value in blank.items() if getattr(genome, name) is not None}
    return replace(genome, **{name: jnp.where(gone, value, getattr(genome, name)) for name, value in columns.items()})


def _write(genome: Genome, row, fits, innovation, source, target, weight, rate, born) -> Genome:
    here = (jnp.arange(genome.innovation.shape[0]) == row) & fits
    new = {"innovation": innovation, "source": source, "target": target, "weight": weight, "rate": rate, "born": born}
    columns = {name: value for name, value in new.items() if getattr(genome, name) is not None}
    written = {name: jnp.where(here, value, getattr(genome, name)) for name, value in columns.items()}
    return replace(genome, **written, enabled=genome.enabled | here)
