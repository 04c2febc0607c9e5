"""Many small networks side by side, for tasks: the population is the last axis, so that one instruction
serves many networks.

A network is a full matrix of weights between I inputs and M units and M units; absent connections weigh
nothing. `recurrent` is one synchronous update per step, as neat-python's `RecurrentNetwork`; `feedforward`
repeats it until the deepest path has settled, which gives the values of a topological sweep;
`ctrnn` is Euler's method on  τ dv/dt = -v + f(bias + response · signals)  (Beer 1995). Leaves out plasticity
and large sparse networks (`agents.network`).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from agents.activations import activate
from agents.aggregations import aggregate

UNROLLED = 48  # signals per unit up to which their sum is written out


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Nets:
    """P networks of M units, K = I + M possible sources each. Absent genes are None."""

    weight: jax.Array  # [M, K, P]
    link: jax.Array | None  # [M, K, P] bool; None where every aggregation is a sum
    bias: jax.Array  # [M, P]
    activation: jax.Array  # [M, P] int32
    aggregation: jax.Array | None  # [M, P] int32
    response: jax.Array | None  # [M, P]
    time_constant: jax.Array | None  # [M, P] seconds
    depth: jax.Array  # [] int32 longest path of any of the networks, in connections

    @property
    def units(self) -> int:
        return self.bias.shape[0]


@dataclass(frozen=True)
class Dynamics:
    """What all networks of a population have in common."""

    activations: tuple[str, ...]
    aggregations: tuple[str, ...]
    dynamics: str
    steps: int = 1
    time_step: float = 0.01


def rest(nets: Nets, episodes: int) -> jax.Array:
    """Values `[M, E, P]` of networks that have seen nothing yet."""
    return jnp.zeros((nets.units, episodes, nets.bias.shape[1]))


def think(how: Dynamics, nets: Nets, value: jax.Array, obs: jax.Array) -> jax.Array:
    """Values `[M, E, P]` of the units after one look at `obs` `[I, E, P]`. The first units are the outputs."""
    if how.dynamics == "feedforward":
        return jax.lax.fori_loop(0, nets.depth, lambda _, v: update(how, nets, v, obs), jnp.zeros_like(value))
    step = lambda _, v: update(how, nets, v, obs)
    if how.dynamics == "ctrnn":
        pace = how.time_step / jnp.maximum(nets.time_constant, how.time_step)[:, None, :]
        step = lambda _, v: v + pace * (update(how, nets, v, obs) - v)
    if how.steps == 1:
        return step(0, value)
    return jax.lax.fori_loop(0, how.steps, step, value)


def update(how: Dynamics, nets: Nets, value: jax.Array, obs: jax.Array) -> jax.Array:
    """All units at once from the inputs and the units' last values, `[M, E, P]`."""
    x = jnp.concatenate([obs, value])
    if how.aggregations == ("sum",):
        arriving = _weighted_sum(nets.weight, x)
    else:
        real = jnp.broadcast_to(nets.link[:, :, None, :], (*nets.weight.shape[:2], *x.shape[1:]))
        index = None if nets.aggregation is None else nets.aggregation[:, None, :]
        arriving = aggregate(how.aggregations, index, nets.weight[:, :, None, :] * x[None], real)
    if nets.response is not None:
        arriving = nets.response[:, None, :] * arriving
    return activate(how.activations, nets.activation[:, None, :], nets.bias[:, None, :] + arriving)


def _weighted_sum(weight: jax.Array, x: jax.Array) -> jax.Array:
    """Sums over k of weight `[M, K, P]` times x `[K, E, P]`, in the order of k: `[M, E, P]`."""
    if weight.shape[1] <= UNROLLED:
        total = weight[:, 0, None, :] * x[0]
        for k in range(1, weight.shape[1]):
            total = total + weight[:, k, None, :] * x[k]
        return total
    body = lambda k, total: total + jax.lax.dynamic_index_in_dim(weight, k, 1) * x[k]
    return jax.lax.fori_loop(0, weight.shape[1], body, jnp.zeros((weight.shape[0], *x.shape[1:])))
