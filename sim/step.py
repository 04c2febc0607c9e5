"""One tick: sense → act → move → eat → fight → toggle → metabolise → die → regrow, with births between ticks.

`tick` is plain and jitted only by its callers. Randomness is keyed by (key, tick) and, where it is about
one creature, by its uid, never by its slot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from sim import automaton, contact, feeding, fields, metabolism, motion, senses
from sim.actions import Acts, decode, names, sane
from sim.body import GENES, Body, snap_body
from sim.config import WorldConfig, WorldParams
from sim.fence import fenced
from sim.space import cell, quantise, snap
from sim.world import NONE, Events, World, occupy

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
    blindfold: Callable[..., jax.Array] | None = None,
) -> tuple[World, Any, Events]:
    """One tick of every creature. `mind` and `memory` are pytrees of `[N, ...]`; only memory changes.

    `blindfold(key, alive, obs) -> obs` may alter what is observed, for controls.
    """
    k_act, k_grow, k_blind, k_cells = jax.random.split(jax.random.fold_in(key, world.tick), 4)
    apart = partial(fenced, params)

    def think(uid, mind, memory, obs):
        keys = jax.vmap(jax.random.fold_in, (None, 0))(k_act, uid)
        memory, action = jax.vmap(act)(keys, mind, memory, obs)
        return memory, sane(world, action)

    obs = apart(partial(senses.observe, config, params), world)
    if blindfold is not None:
        obs = blindfold(k_blind, world.alive, obs)
    memory, action = apart(think, world.uid, mind, memory, obs)
    world, fight, events = _behave(config, params, world, action)
    voice = decode(config, action).voice
    voice = None if voice is None else jnp.where(world.alive[:, None], voice, 0.0)
    world = apart(lambda world: fields.waft(config, params, world, voice), world)
    world, cause, lost = apart(lambda world: metabolism.die(config, params, world, fight), world)
    world, absorbed, rotten = apart(lambda world: fields.regrow(k_grow, config, params, world), world)
    events = replace(events, cause=cause, heat=events.heat + lost + rotten, light=absorbed)
    if world.automaton is not None:
        world, seeded = apart(lambda world: _live_on(k_cells, config, params, world), world)
        events = replace(events, light=events.light + seeded, seeded=seeded)
    if voice is not None:
        events = replace(events, signal=jnp.sum(voice, axis=1))
    light, season = fields.light(config, params, world.tick + 1)
    return replace(world, tick=world.tick + 1, light=light, season=season), memory, events


def _behave(
    config: WorldConfig, params: WorldParams, world: World, action: jax.Array
) -> tuple[World, contact.Fight | None, Events]:
    """Moves, feeds, gives, fights and pays for living, by the actions `[N, A]`. Returns the events so far."""
    apart, before, nothing = partial(fenced, params), world.energy, jnp.zeros_like(world.energy)
    world = apart(lambda world: motion.move(config, params, world, decode(config, action)), world)
    world, meal = apart(lambda world: feeding.eat(config, params, world, decode(config, action).eat), world)
    fight, gift, spilt = None, nothing, jnp.int32(0)
    if config.bite or config.give:
        world, fight, gift, spilt = apart(lambda world: _touch(config, params, world, decode(config, action)), world)
    toggled = woken = None
    if config.automaton_toggle != "none":
        world, toggled, woken = apart(
            lambda world: automaton.toggle(config, world, decode(config, action).toggle), world
        )
    world, burnt = apart(lambda world: metabolism.metabolise(params, world, decode(config, action), meal, fight), world)
    prey = fight.prey if fight is not None else nothing
    world = replace(
        world,
        action=jnp.where(world.alive[:, None], action, world.action),
        gain=jnp.where(world.alive, world.energy - before, 0.0),
        eaten_plant=world.eaten_plant + meal.plant,
        eaten_meat=world.eaten_meat + meal.meat + prey,
    )
    return (
        world,
        fight,
        Events(
            plant=meal.plant,
            meat=meal.meat,
            prey=prey,
            poison=meal.poison,
            damage=fight.damage if fight is not None else nothing,
            bit=fight.bit if fight is not None else jnp.zeros_like(world.alive),
            given=gift,
            signal=nothing,
            cause=jnp.full_like(world.cause, NONE),
            upkeep=burnt,
            heat=meal.heat + spilt + burnt,
            light=jnp.zeros_like(burnt),
            toggled=toggled,
            woken=woken,
        ),
    )


def _live_on(key: jax.Array, config: WorldConfig, params: WorldParams, world: World) -> tuple[World, jax.Array]:
    """The automaton's part of a tick. Returns the world and energy that its cells seeded (quanta `[2]`)."""
    world = automaton.advance(key, config, params, world)
    return automaton.seed(params, world) if config.seeding else (world, jnp.zeros(2, jnp.int32))


def _touch(
    config: WorldConfig, params: WorldParams, world: World, acts: Acts
) -> tuple[World, contact.Fight | None, jax.Array, jax.Array]:
    """Gives and bites. Returns the world, the fight, gifts `[N]` and heat (quanta `[2]`)."""
    target = contact.facing(config, world)
    fight, gift, heat = None, jnp.zeros_like(world.energy), jnp.zeros(2, jnp.int32)
    if config.give:
        world, gift, heat = contact.give(params, world, target, acts.give)
    if config.bite:
        world, fight = contact.bite(params, world, target, acts.bite)
        heat = heat + fight.heat
    return world, fight, gift, heat


def genesis(
    key: jax.Array, config: WorldConfig, params: WorldParams, slots: int, bodies: Body, brain: jax.Array
) -> World:
    """A fresh world of `slots` slots whose first rows are founders, `bodies` and `brain` `[F]` with F ≤ slots."""
    k_land, k_settle, k_cells = jax.random.split(key, 3)
    light, season = fields.light(config, params, jnp.int32(0))

    def blank(dtype: Any = jnp.float32, fill: float = 0) -> jax.Array:
        return jnp.full(slots, fill, dtype)

    world = World(
        **{
            name: blank()
            for name in ("x", "y", "heading", "ux", "uy", "speed", "energy", "health", "gain", "pain", "bump")
        },
        **{name: blank() for name in ("brain", "eaten_plant", "eaten_meat")},
        **{name: blank(jnp.int32) for name in ("age", "pending", "generation", "offspring", "cause")},
        **{name: blank(jnp.int32, -1) for name in ("uid", "mother", "father", "died")},
        body=Body(**{name: blank(fill=1.0) for name in GENES}),
        action=jnp.zeros((slots, len(names(config)))),
        alive=blank(bool),
        light=light,
        season=season,
        tick=jnp.int32(0),
        next_uid=jnp.int32(0),
        automaton=automaton.start(k_cells, config, params),
        **fields.landscape(k_land, config, params),
    )
    return settle(k_settle, config, params, world, bodies, brain)


def settle(
    key: jax.Array, config: WorldConfig, params: WorldParams, world: World, bodies: Body, brain: jax.Array
) -> World:
    """Puts founders, `bodies` and `brain` `[F]`, in the first slots of an empty world, at places free of what bars."""
    k_place, k_heading = jax.random.split(key)
    num = brain.shape[0]
    x, y = _places(k_place, config, world, num)
    bodies, row, nobody = snap_body(bodies), jnp.arange(num, dtype=jnp.int32), jnp.full(num, -1)
    world = occupy(
        world,
        row,
        x=x,
        y=y,
        heading=jax.random.uniform(k_heading, (num,), maxval=2 * jnp.pi),
        energy=quantise(params.founder_energy * params.energy_capacity * bodies.size),
        body=bodies,
        brain=brain,
        uid=world.next_uid + row,
        mother=nobody,
        father=nobody,
        generation=jnp.zeros(num),
    )
    return replace(world, next_uid=world.next_uid + num)


def _places(key: jax.Array, config: WorldConfig, world: World, num: int) -> tuple[jax.Array, jax.Array]:
    """`num` random positions on open ground, on the lattice, each `[num]`: the best of eight throws."""
    k_x, k_y = jax.random.split(key)
    tries = 8
    edge = 1 / 1024
    x = snap(jax.random.uniform(k_x, (tries, num), maxval=config.width - edge))
    y = snap(jax.random.uniform(k_y, (tries, num), maxval=config.height - edge))
    blocked = [wall.reshape(-1)[cell(config, x, y)].astype(jnp.float32) for wall in motion.walls(config, world)]
    if not blocked:
        return x[0], y[0]
    pick = jnp.argmin(sum(blocked[1:], blocked[0]), axis=0)[None]
    return jnp.take_along_axis(x, pick, 0)[0], jnp.take_along_axis(y, pick, 0)[0]


def total_energy(params: WorldParams, world: World) -> int:
    """All energy in the world in quanta, exact: plants, poison, carrion, reserves and flesh (host side)."""
    stores = [world.plants, world.energy * world.alive]
    stores += [f for f in (world.poison, world.meat) if f is not None]
    stores.append(metabolism.flesh(params, world.body.size) * world.alive)
    return sum(int((jax.device_get(s).astype("float64") * 65536).sum().round()) for s in stores)
