"""Movement: turn, then step ahead unless rock is in the way. Bodies may share a cell; nothing is pushed."""

from __future__ import annotations

from dataclasses import replace

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
    if world.rock is not None:
        rock = world.rock.reshape(-1).at[cell(config, x, y)].get(mode="promise_in_bounds")
        inside = world.rock.reshape(-1).at[cell(config, world.x, world.y)].get(mode="promise_in_bounds")
        blocked = (rock > 0) & (inside == 0)
        x, y = jnp.where(blocked, world.x, x), jnp.where(blocked, world.y, y)
        stride = jnp.where(blocked, 0.0, stride)
        bump = blocked.astype(jnp.float32)
    heading = jnp.where(world.alive, heading, world.heading)
    return replace(world, x=x, y=y, heading=heading, ux=c, uy=s, speed=stride, bump=bump)
