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

WRITTEN_OUT, BLOCK = 48, 16  # signals per unit up to which their sum is written out; of a block of longer sums
MOST = 1e30  # magnitude that values of units stay within


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
    bias = jnp.broadcast_to(nets.bias[:, None, :], value.shape)
    if how.aggregations == ("sum",) and nets.response is None:
        total = _plus_products(bias, nets.weight, x)
    else:
        if how.aggregations == ("sum",):
            arriving = _plus_products(0 * bias, nets.weight, x)  # a zero that the compiler does not see
        else:
            real = jnp.broadcast_to(nets.link[:, :, None, :], (*nets.weight.shape[:2], *x.shape[1:]))
            index = None if nets.aggregation is None else nets.aggregation[:, None, :]
            arriving = aggregate(how.aggregations, index, nets.weight[:, :, None, :] * x[None], real)
            arriving = jnp.nan_to_num(arriving, nan=0.0, posinf=MOST, neginf=-MOST)  # a product beyond all bounds
        total = bias + (arriving if nets.response is None else nets.response[:, None, :] * arriving)
    # an absent connection weighs 0, and 0 times infinity would not be 0
    return jnp.clip(activate(how.activations, nets.activation[:, None, :], total), -MOST, MOST)


def _plus_products(start: jax.Array, weight: jax.Array, x: jax.Array) -> jax.Array:
    """`start` `[M, E, P]` plus the sum over k of weight `[M, K, P]` times x `[K, E, P]`, in the order of k.

    Each product is added to what is not one, so the compiler has one way to fuse the two; with longer sums in blocks,
    each written out like a short one, more room for units then changes no bit of a sum.
    """

    def add(total, weight, x):
        for k in range(weight.shape[1]):
            total = total + weight[:, k, None, :] * x[k]
        return total

    if weight.shape[1] <= WRITTEN_OUT:
        return add(start, weight, x)
    more = -weight.shape[1] % BLOCK
    weight, x = jnp.pad(weight, [(0, 0), (0, more), (0, 0)]), jnp.pad(x, [(0, more), (0, 0), (0, 0)])
    part = lambda leaf, turn, axis: jax.lax.dynamic_slice_in_dim(leaf, turn * BLOCK, BLOCK, axis)
    body = lambda turn, total: add(total, part(weight, turn, 1), part(x, turn, 0))
    return jax.lax.fori_loop(0, weight.shape[1] // BLOCK, body, start)
