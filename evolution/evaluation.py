"""Fitness of many networks on a task: all episodes of all networks as lanes of one rollout, or as the task says.

Lanes are the last axes `[E, L]` of every array: E episodes, L = W·P networks of W replicate runs. A lane that
is done keeps its state. When few lanes are left they are gathered into narrower arrays, so that one network
that balances for 100,000 steps does not cost as much as a whole population. All networks of a run see the
same episodes; the key of a run decides their random starts.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from agents.dense import Dynamics, Nets, rest, think
from evolution.genome import BrainConfig, Genome
from evolution.phenotype import dynamics, networks
from evolution.tasks.base import EpisodicTask, Task

NARROWING = 8  # lanes are gathered when so small a share of them is left
LEAST = 32  # lanes below which gathering gains nothing
LONG = 64  # steps below which it does not either


def evaluate(
    task: Task, config: BrainConfig, keys: jax.Array, genome: Genome, skip: jax.Array | None = None
) -> tuple[jax.Array, jax.Array, Any]:
    """Fitness `[W, P]`, whether the task's criterion is met `[W, P]`, and final states `[W, P, E, ...]`.

    `keys` `[W]`; genomes `[W, P, ...]`; runs to `skip` `[W]` are not simulated and get what they start with.
    A task that assesses by itself (`evolution.tasks.base.WorldTask`) says what its final states are.
    """
    assess = getattr(task, "assess", None) or partial(in_lanes, task)
    return assess(config, keys, genome, skip)


def in_lanes(
    task: EpisodicTask, config: BrainConfig, keys: jax.Array, genome: Genome, skip: jax.Array | None = None
) -> tuple[jax.Array, jax.Array, Any]:
    """`evaluate` for a task of one network at a time."""
    runs, num = genome.node.shape[:2]
    flat = jax.tree.map(lambda leaf: leaf.reshape(runs * num, *leaf.shape[2:]), genome)
    nets = networks(config, task.inputs, flat)
    episode = jnp.arange(task.episodes, dtype=jnp.int32)
    start = lambda key: jax.vmap(lambda e: task.reset(jax.random.fold_in(key, e), e))(episode)
    state = jax.tree.map(lambda leaf: jnp.repeat(jnp.moveaxis(leaf, (1, 0), (-2, -1)), num, -1), jax.vmap(start)(keys))
    done = jnp.zeros((task.episodes, runs), bool) if skip is None else jnp.broadcast_to(skip, (task.episodes, runs))
    finals = rollout(task, dynamics(config), nets, state, jnp.repeat(done, num, axis=1))
    finals = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -2, 0), finals)  # [E, ..., L]
    shape = lambda value: value.reshape(runs, num, *value.shape[1:])
    fitness, passed = (jax.vmap(one, in_axes=-1)(finals) for one in (task.fitness, task.passed))
    return shape(fitness), shape(passed), jax.tree.map(lambda leaf: shape(jnp.moveaxis(leaf, -1, 0)), finals)


def rollout(task: EpisodicTask, how: Dynamics, nets: Nets, state: Any, done: jax.Array) -> Any:
    """Final states `[..., E, L]` of all lanes."""
    value = rest(nets, done.shape[0])
    lanes, widths = done.size, []
    while task.steps >= LONG and lanes // NARROWING >= LEAST:
        lanes //= NARROWING
        widths.append(lanes)
    carry = (jnp.int32(0), state, value, done)
    if not widths:
        return _until(task, how, nets, carry, 0)[1]
    carry = _until(task, how, nets, carry, widths[0])
    join = lambda leaf: leaf.reshape(*leaf.shape[:-2], -1)
    step, state, value, done = carry[0], *(jax.tree.map(join, part) for part in carry[1:])
    network = jnp.arange(done.shape[0], dtype=jnp.int32) % nets.bias.shape[1]
    full = _narrowed(task, how, nets, network, (step, state, value, done), widths)
    episodes = carry[3].shape[0]
    return jax.tree.map(lambda leaf: leaf.reshape(*leaf.shape[:-1], episodes, -1), full)


def _narrowed(task: EpisodicTask, how: Dynamics, nets: Nets, network: jax.Array, carry: Any, widths: list[int]) -> Any:
    """Final states `[..., L]` after going on with `widths[0]` lanes, which hold all that are not done."""
    step, state, value, done = carry
    kept = jnp.argsort(done, stable=True)[: widths[0]]
    take = lambda tree: jax.tree.map(lambda leaf: leaf[..., kept], tree)
    few, mine = network[kept], take((state, value, done))
    own = _rows(nets, few)
    lift = lambda tree: jax.tree.map(lambda leaf: leaf[..., None, :], tree)
    stop = widths[1] if len(widths) > 1 else 0
    step, *rest_ = _until(task, how, own, (step, *lift(mine)), stop)
    new, value, done = (jax.tree.map(lambda leaf: leaf[..., 0, :], part) for part in rest_)
    if len(widths) > 1:
        new = _narrowed(task, how, own, jnp.arange(widths[0]), (step, new, value, done), widths[1:])
    return jax.tree.map(lambda old, part: old.at[..., kept].set(part), state, new)


def _rows(nets: Nets, index: jax.Array) -> Nets:
    """The networks at `index`."""
    return jax.tree.map(lambda leaf: leaf if leaf.ndim == 0 else leaf[..., index], nets)


def _until(task: EpisodicTask, how: Dynamics, nets: Nets, carry: Any, enough: int) -> Any:
    """Steps `(step, state, value, done)` on until the time is up or no more than `enough` lanes go on."""
    lanes = lambda one: jax.vmap(jax.vmap(one, in_axes=-1, out_axes=-1), in_axes=-1, out_axes=-1)

    def more(carry):
        step, _, _, done = carry
        return (step < task.steps) & (jnp.sum(~done) > enough)

    def advance(carry):
        step, state, value, done = carry
        value = think(how, nets, value, lanes(task.observe)(state))
        new, ended = lanes(task.step)(state, value[: task.outputs])
        state = jax.tree.map(lambda old, now: jnp.where(done, old, now), state, new)
        return step + 1, state, value, done | ended

    return jax.lax.while_loop(more, advance, carry)
