"""Recurrent networks as minds, with optional plasticity within a lifetime.

One forward pass per tick, all nodes at once from inputs and the nodes' last values, which is the update of
neat-python's `RecurrentNetwork`: a signal takes one tick per layer. Connections are a list of fixed length
C, which costs C gathers and C sums whatever the number of inputs.

Plasticity: `hebbian` is Oja's rule (1982), dw = r·post·(pre - post·w); `reward` is Hebb's, modulated and with
decay, dw = r·reward·post·pre - decay·dw so far. r is a gene. The reward is one observation: in the world `self.gain`,
four times the net change of reserves in the tick before (food, prey and gifts less all costs of living, gifts made
and flesh lost to biters, so it may be negative; what births cost is left out). It meets the activity of the present
tick, and a blindfolded creature is rewarded by another's gain.
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
    """A network laid out for speed. I inputs, M units of which the first are the outputs, C connections."""

    source: jax.Array  # [C] int32 index into inputs, then units
    target: jax.Array  # [C] int32 unit
    weight: jax.Array  # [C] 0 where there is no connection
    bias: jax.Array  # [M]
    activation: jax.Array  # [M] int32 index into the configured functions
    rate: jax.Array | None  # [C] learning rates; None without plasticity


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Memory:
    """What a network keeps from tick to tick; zero at birth."""

    value: jax.Array  # [M] last values of the units
    learned: jax.Array | None  # [C] weight changes learned in this life


def forward(activations: tuple[str, ...], brain: Brain, memory: Memory, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
    """New values of the units `[M]`, and the value at the source of each connection `[C]`."""
    pre = jnp.concatenate([obs, memory.value]).at[brain.source].get(mode="promise_in_bounds")
    weight = brain.weight if memory.learned is None else brain.weight + memory.learned
    arriving = jax.lax.platform_dependent(pre * weight, brain.target, brain.bias, cpu=_scattered, default=_compared)
    return activate(activations, brain.activation, arriving + brain.bias), pre


@jax.custom_batching.custom_vmap
def _scattered(signal: jax.Array, target: jax.Array, bias: jax.Array) -> jax.Array:
    """Sums signals `[C]` by target unit, in the order of connections: fastest where scatter is sequential."""
    return jnp.zeros_like(bias).at[target].add(signal, mode="promise_in_bounds")


@_scattered.def_vmap
def _scattered_flat(size: int, batched: list[bool], signal: jax.Array, target: jax.Array, bias: jax.Array) -> tuple:
    """Many networks as one flat scatter, which costs two thirds of a batched one."""
    lift = lambda leaf, has: leaf if has else jnp.broadcast_to(leaf, (size, *leaf.shape))
    signal, target, bias = (lift(leaf, has) for leaf, has in zip((signal, target, bias), batched, strict=True))
    units = bias.shape[1]
    place = target + units * jnp.arange(size, dtype=target.dtype)[:, None]
    flat = jnp.zeros(bias.size, bias.dtype).at[place.reshape(-1)].add(signal.reshape(-1), mode="promise_in_bounds")
    return flat.reshape(bias.shape), True


def _compared(signal: jax.Array, target: jax.Array, bias: jax.Array) -> jax.Array:
    """The same sum without scatter, whose order of addition is not defined on accelerators."""
    units = jnp.arange(bias.shape[0], dtype=target.dtype)
    return jnp.sum(jnp.where(target[None, :] == units[:, None], signal[None, :], 0.0), axis=1)


def policy(activations: tuple[str, ...], num_actions: int, plasticity: str, reward_input: int) -> Callable:
    """The `act` of network minds; `reward_input` is the observation that rewards (for `reward`)."""

    def act(key: jax.Array, mind: Brain, memory: Memory, obs: jax.Array) -> tuple[Memory, jax.Array]:
        del key  # networks are deterministic
        value, pre = forward(activations, mind, memory, obs)
        learned = memory.learned
        if learned is not None:
            learned = learn(plasticity, mind, learned, pre, value[mind.target], obs[reward_input])
        return Memory(value=value, learned=learned), value[:num_actions]

    return act


def learn(
    plasticity: str, brain: Brain, learned: jax.Array, pre: jax.Array, post: jax.Array, reward: jax.Array
) -> jax.Array:
    """Weight changes `[C]` after one tick of learning, within ±PLASTIC_LIMIT; pre and post are `[C]`."""
    if plasticity == "hebbian":
        change = brain.rate * post * (pre - post * (brain.weight + learned))
    else:
        change = brain.rate * reward * post * pre - PLASTIC_DECAY * learned
    change = jnp.where(brain.weight == 0, 0.0, change)
    return jnp.clip(learned + change, -PLASTIC_LIMIT, PLASTIC_LIMIT)


def blank_memory(brain: Brain) -> Memory:
    """Memory of newborns for brains of any leading axes."""
    return Memory(
        value=jnp.zeros_like(brain.bias),
        learned=None if brain.rate is None else jnp.zeros_like(brain.weight),
    )
