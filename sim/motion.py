"""Movement: turn, then step ahead unless rock is in the way, or a living cell of an automaton that bars it.

Bodies may share a cell; nothing is pushed. Whoever stands on a cell that comes alive may go on through living cells
until it is out of them, but not into rock.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import jax
import jax.numpy as jnp

from sim.actions import Acts
from sim.config import WorldConfig, WorldParams
from sim.space import cell, snap, wrap
from sim.world import World

TAU = 2 * jnp.pi


def move(config: WorldConfig, params: WorldParams, world: World, acts: Acts) -> World:
    """Turns and moves the living; `speed` is the distance moved, `bump` says that rock blocked the way."""
    heading = jnp.mod(world.heading + params.max_turn * acts.turn, TAU)
    stride = jnp.where(world.alive, acts.thrust * world.body.speed, 0.0)
    c, s = jnp.cos(heading), jnp.sin(heading)
    x, y = wrap(config, world.x + snap(stride * c), world.y + snap(stride * s))
    bump = jnp.zeros_like(world.bump)
    entered = [_entered(config, wall, world, x, y) for wall in walls(config, world)]
    if entered:
        blocked = reduce(jnp.logical_or, entered)
        x, y = jnp.where(blocked, world.x, x), jnp.where(blocked, world.y, y)
        stride = jnp.where(blocked, 0.0, stride)
        bump = blocked.astype(jnp.float32)
    heading = jnp.where(world.alive, heading, world.heading)
    return replace(world, x=x, y=y, heading=heading, ux=c, uy=s, speed=stride, bump=bump)


def walls(config: WorldConfig, world: World) -> list[jax.Array]:
    """Fields `[H, W]` whose cells bar the way where they are not 0."""
    return [wall for wall in (world.rock, world.automaton if config.barring else None) if wall is not None]


def _entered(config: WorldConfig, wall: jax.Array, world: World, x: jax.Array, y: jax.Array) -> jax.Array:
    """Whether a step to `x, y` leads from outside into the wall `[H, W]`, `[N]` bool."""
    there = wall.reshape(-1).at[cell(config, x, y)].get(mode="promise_in_bounds")
    here = wall.reshape(-1).at[cell(config, world.x, world.y)].get(mode="promise_in_bounds")
    return (there > 0) & (here == 0)
