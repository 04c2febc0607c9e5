"""Metabolism: what living costs, healing, ageing and death.

Basal cost grows as size^0.75 (Kleiber's law), with the lifespan gene (a long-lived body is dear) and with
age. All costs leave as heat and never exceed the reserves. The dead leave reserves and flesh as carrion.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp

from sim.actions import Acts
from sim.config import ENERGY_LIMIT, ENERGY_QUANTUM, WorldConfig, WorldParams
from sim.contact import Fight
from sim.feeding import Meal
from sim.space import cell, quanta, quantise, total
from sim.world import AGED, BITTEN, NONE, POISONED, STARVED, World


def upkeep(params: WorldParams, world: World, acts: Acts, bit: jax.Array | None) -> jax.Array:
    """Energy that each creature would pay this tick, before healing, `[N]`."""
    body = world.body
    frailty = 1 + params.ageing * (world.age / body.lifespan) ** 2
    durable = 1 + params.lifespan_cost * body.lifespan / 1000
    cost = params.basal_cost * jnp.sqrt(body.size * jnp.sqrt(body.size)) * frailty * durable
    cost += params.move_cost * body.size * world.speed**2
    cost += params.turn_cost * body.size * jnp.abs(acts.turn)
    cost += params.brain_cost * world.brain
    if bit is not None:
        cost += jnp.where(bit, params.bite_cost * body.size, 0.0)
    if acts.toggle is not None:
        cost += jnp.where(acts.toggle, params.toggle_cost, 0.0)
    if acts.voice is not None:
        cost += params.emit_cost * jnp.sum(acts.voice, axis=1)
    return cost


def metabolise(
    params: WorldParams, world: World, acts: Acts, meal: Meal, fight: Fight | None
) -> tuple[World, jax.Array]:
    """Pays costs, wounds, heals and ages. Returns the world and the heat given off (quanta `[2]`)."""
    harm = params.poison_damage * meal.poison
    if fight is not None:
        harm = harm + fight.damage
    cost = quantise(upkeep(params, world, acts, None if fight is None else fight.bit))
    paid = jnp.where(world.alive, jnp.minimum(cost, world.energy), 0.0)
    energy = world.energy - paid
    health = world.health - harm
    heal = jnp.where(health > 0, jnp.clip(1.0 - health, 0.0, params.heal_rate), 0.0)
    price = quantise(heal * params.heal_cost)
    able = world.alive & (energy > price)
    price = jnp.where(able, price, 0.0)
    heat = total(quanta(paid)) + total(quanta(price))
    alive = world.alive
    world = replace(
        world,
        energy=energy - price,
        health=jnp.where(alive, health + jnp.where(able, heal, 0.0), world.health),
        age=jnp.where(alive, world.age + 1, world.age),
        pain=jnp.where(alive, harm, 0.0),
    )
    return world, heat


def die(
    config: WorldConfig, params: WorldParams, world: World, fight: Fight | None
) -> tuple[World, jax.Array, jax.Array]:
    """Ends lives. Returns the world, cause of death of this tick `[N]` and heat (quanta `[2]`, without carrion).

    As for births, the tick of death is that of the world which first lacks the creature: the next one.
    """
    bitten = fight.damage > 0 if fight is not None else jnp.zeros_like(world.alive)
    cause = jnp.where(world.age >= world.body.lifespan, AGED, NONE)
    cause = jnp.where(world.energy <= 0, STARVED, cause)
    cause = jnp.where(world.health <= 0, jnp.where(bitten, BITTEN, POISONED), cause)
    cause = jnp.where(world.alive, cause, NONE).astype(jnp.int32)
    dead = cause != NONE
    carcass = jnp.where(dead, world.energy + flesh(params, world.body.size), 0.0)
    meat = world.meat
    if meat is not None:
        index = cell(config, world.x, world.y)
        fallen = jnp.zeros(meat.size, jnp.int32).at[index].add(quanta(carcass), mode="promise_in_bounds")
        room = jnp.int32(ENERGY_LIMIT / ENERGY_QUANTUM) - quanta(meat.reshape(-1))
        kept = jnp.minimum(fallen, room)
        heat = total(fallen - kept)
        meat = meat + (kept * ENERGY_QUANTUM).reshape(meat.shape)
    else:
        heat = total(quanta(carcass))
    world = replace(
        world,
        meat=meat,
        alive=world.alive & ~dead,
        energy=jnp.where(dead, 0.0, world.energy),
        cause=jnp.where(dead, cause, world.cause),
        died=jnp.where(dead, world.tick + 1, world.died),
    )
    return world, cause, heat


def flesh(params: WorldParams, size: jax.Array) -> jax.Array:
    """Energy bound in bodies of this size."""
    return quantise(params.flesh * size)
