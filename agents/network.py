"""Recurrent networks as minds, with optional plasticity within a lifetime.

One forward pass per tick, all nodes at once from inputs and the nodes' last values, which is the update of
neat-python's `RecurrentNetwork`: a signal takes one tick per layer. The weights are dense (M × (I+M)):
on CPU a small dense product beats gathers over a sparse list.

Plasticity: `hebbian` is Oja's rule (1982), dw = r·post·(pre - post·w); `reward` is its modulated form,
dw = r·reward·post·pre - decay·w, the reward being the energy gained in the last tick. r is a gene.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from agents.activations import activate

PLASTICITY = ("none", "hebbian", "reward")
PLASTIC_LIMIT = 4.0
PLASTIC_DECAY = 1e-3


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Brain:
    """A network laid out for speed. I inputs, M units of which the first are the outputs."""

    weight: jax.Array  # [M, I+M] from inputs, then units
    bias: jax.Array  # [M]
    activation: jax.Array  # [M] int32 index into the configured functions
    rate: jax.Array | None  # [M, I+M] learning rates; None without plasticity


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Memory:
    """What a network keeps from tick to tick; zero at birth."""

    value: jax.Array  # [M] last values of the units
    learned: jax.Array | None  # [M, I+M] weight changes learned in this life


def forward(activations: tuple[str, ...], brain: Brain, memory: Memory, obs: jax.Array) -> jax.Array:
    """New values of the units, `[M]`."""
    pre = jnp.concatenate([obs, memory.value])
    weight = brain.weight if memory.learned is None else brain.weight + memory.learned
    return activate(activations, brain.activation, weight @ pre + brain.bias)


def policy(activations: tuple[str, ...], num_actions: int, plasticity: str, reward_input: int) -> Callable:
    """The `act` of network minds; `reward_input` is the observation that rewards (for `reward`)."""

    def act(key: jax.Array, mind: Brain, memory: Memory, obs: jax.Array) -> tuple[Memory, jax.Array]:
        del key  # networks are deterministic
        value = forward(activations, mind, memory, obs)
        learned = memory.learned
        if learned is not None:
            pre = jnp.concatenate([obs, memory.value])
            learned = learn(plasticity, mind, learned, pre, value, obs[reward_input])
        return Memory(value=value, learned=learned), value[:num_actions]

    return act


def learn(
    plasticity: str, brain: Brain, learned: jax.Array, pre: jax.Array, post: jax.Array, reward: jax.Array
) -> jax.Array:
    """Weight changes after one tick of learning, `[M, I+M]`, within ±PLASTIC_LIMIT."""
    pair = post[:, None] * pre[None, :]
    if plasticity == "hebbian":
        change = brain.rate * (pair - post[:, None] ** 2 * (brain.weight + learned))
    else:
        change = brain.rate * reward * pair - PLASTIC_DECAY * learned
    return jnp.clip(learned + change, -PLASTIC_LIMIT, PLASTIC_LIMIT)


def blank_memory(brain: Brain) -> Memory:
    """Memory of newborns for brains of any leading axes."""
    return Memory(
        value=jnp.zeros_like(brain.bias),
        learned=None if brain.rate is None else jnp.zeros_like(brain.weight),
    )
