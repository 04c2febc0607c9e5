"""One tick: sense → act → move → eat → fight → metabolise → die → regrow, with births between ticks.

`tick` is plain and jitted only by its callers. Randomness is keyed by (key, tick) and, where it is about
one creature, by its uid, never by its slot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from sim import contact, feeding, fields, metabolism, motion, senses
from sim.actions import decode, names, sane
from sim.body import GENES, Body, founder_bodies, snap_size
from sim.config import WorldConfig, WorldParams
from sim.space import cell, quantise, snap
from sim.world import NONE, Events, World

Act = Callable[[jax.Array, Any, Any, jax.Array], tuple[Any, jax.Array]]
"""`act(key, mind, memory, obs) -> (memory, action)` for one creature: obs `[I]`, action `[A]` in -1…1."""


def tick(
    key: jax.Array,
    config: WorldConfig,
    params: WorldParams,
    act: Act,
    world: World,
    mind: Any,
    memory: Any,
) -> tuple[World, Any, Events]:
    """One tick of every creature. `mind` and `memory` are pytrees of `[N, ...]`; only memory changes."""
    k_act, k_grow = jax.random.split(jax.random.fold_in(key, world.tick))
    obs = senses.observe(config, params, world)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(k_act, world.uid)
    memory, action = jax.vmap(act)(keys, mind, memory, obs)
    action = sane(world, action)
    acts = decode(config, action)
    before = world.energy

    world = motion.move(config, params, world, acts)
    world, meal = feeding.eat(config, params, world, acts.eat)
    heat, fight, gift = meal.heat, None, jnp.zeros_like(world.energy)
    if config.bite or config.give:
        target = contact.facing(config, world)
        if config.give:
            world, gift, spilt = contact.give(params, world, target, acts.give)
            heat += spilt
        if config.bite:
            world, fight = contact.bite(params, world, target, acts.bite)
            heat += fight.heat
    world, burnt = metabolism.metabolise(params, world, acts, meal, fight)
    prey = fight.prey if fight is not None else jnp.zeros_like(before)
    world = replace(
        world,
        action=jnp.where(world.alive[:, None], action, world.action),
        gain=jnp.where(world.alive, world.energy - before, 0.0),
        eaten_plant=world.eaten_plant + meal.plant,
        eaten_meat=world.eaten_meat + meal.meat + prey,
    )
    voice = None if acts.voice is None else jnp.where(world.alive[:, None], acts.voice, 0.0)
    world = fields.waft(config, params, world, voice)
    world, cause, lost = metabolism.die(config, params, world, fight)
    world, absorbed, rotten = fields.regrow(k_grow, config, params, world)
    events = Events(
        plant=meal.plant,
        meat=meal.meat,
        prey=prey,
        poison=meal.poison,
        damage=fight.damage if fight is not None else jnp.zeros_like(before),
        bit=fight.bit if fight is not None else jnp.zeros_like(world.alive),
        given=gift,
        signal=jnp.sum(voice, axis=1) if voice is not None else jnp.zeros_like(before),
        cause=cause,
        heat=heat + burnt + lost + rotten,
        light=absorbed,
    )
    return replace(world, tick=world.tick + 1), memory, events


def genesis(
    key: jax.Array, config: WorldConfig, params: WorldParams, slots: int, bodies: Body, brain: jax.Array
) -> World:
    """A fresh world of `slots` slots whose first rows are founders.

    `bodies` and `brain` are `[F]` with F ≤ slots; founders stand at random places free of rock.
    """
    k_land, k_x, k_heading = jax.random.split(key, 3)
    land = fields.landscape(k_land, config, params)
    num = brain.shape[0]
    x, y = _places(k_x, config, land["rock"], num)
    bodies = snap_size(bodies)
    energy = quantise(params.founder_energy * params.energy_capacity * bodies.size)

    def pad(values: jax.Array, fill: float = 0) -> jax.Array:
        width = [(0, slots - num)] + [(0, 0)] * (values.ndim - 1)
        return jnp.pad(values, width, constant_values=fill)

    def blank(dtype: Any = jnp.float32, fill: float = 0) -> jax.Array:
        return jnp.full(slots, fill, dtype)

    heading = jax.random.uniform(k_heading, (num,), maxval=2 * jnp.pi)
    return World(
        x=pad(x),
        y=pad(y),
        heading=pad(heading),
        speed=blank(),
        energy=pad(energy),
        health=pad(jnp.ones(num)),
        age=blank(jnp.int32),
        body=Body(**{name: pad(getattr(bodies, name), 1.0) for name in GENES}),
        brain=pad(brain.astype(jnp.float32)),
        action=jnp.zeros((slots, len(names(config)))),
        gain=blank(),
        pain=blank(),
        bump=blank(),
        pending=blank(jnp.int32),
        uid=pad(jnp.arange(num, dtype=jnp.int32), -1),
        mother=blank(jnp.int32, -1),
        father=blank(jnp.int32, -1),
        generation=blank(jnp.int32),
        offspring=blank(jnp.int32),
        eaten_plant=blank(),
        eaten_meat=blank(),
        alive=pad(jnp.ones(num, bool)),
        cause=blank(jnp.int32, NONE),
        died=blank(jnp.int32, -1),
        tick=jnp.int32(0),
        next_uid=jnp.int32(num),
        **land,
    )


def _places(
    key: jax.Array, config: WorldConfig, rock: jax.Array | None, num: int
) -> tuple[jax.Array, jax.Array]:
    """`num` random positions on open ground, on the lattice, each `[num]`: the best of eight throws."""
    k_x, k_y = jax.random.split(key)
    tries = 8
    edge = 1 / 1024
    x = snap(jax.random.uniform(k_x, (tries, num), maxval=config.width - edge))
    y = snap(jax.random.uniform(k_y, (tries, num), maxval=config.height - edge))
    if rock is None:
        return x[0], y[0]
    blocked = rock.reshape(-1)[cell(config, x, y)]
    pick = jnp.argmin(blocked, axis=0)[None]
    return jnp.take_along_axis(x, pick, 0)[0], jnp.take_along_axis(y, pick, 0)[0]


def total_energy(params: WorldParams, world: World) -> int:
    """All energy in the world in quanta, exact: plants, poison, carrion, reserves and flesh (host side)."""
    stores = [world.plants, world.energy * world.alive]
    stores += [f for f in (world.poison, world.meat) if f is not None]
    stores.append(metabolism.flesh(params, world.body.size) * world.alive)
    return sum(int((jax.device_get(s).astype("float64") * 65536).sum().round()) for s in stores)
