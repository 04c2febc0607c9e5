"""Eating: each creature takes a mouthful of whatever lies in its cell, in proportion to what is there.

When mouths ask for more than the cell holds, all get the same share of what they asked. Digestion depends
on diet: plants give (1-diet)^e, meat diet^e of their energy, the rest is heat; poison gives nothing and
harms. With e > 1 (`diet_exponent`) specialists digest better than omnivores.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from sim.config import ENERGY_QUANTUM, WorldConfig, WorldParams
from sim.space import cell, quanta, quantise
from sim.world import World


@dataclass(frozen=True)
class Meal:
    """What eating did in one tick."""

    plant: jax.Array  # [N] energy gained from plants
    meat: jax.Array  # [N] energy gained from carrion
    poison: jax.Array  # [N] poison swallowed
    heat: jax.Array  # [] int32 quanta lost undigested


def plant_yield(params: WorldParams, diet: jax.Array) -> jax.Array:
    return (1 - diet) ** params.diet_exponent


def meat_yield(params: WorldParams, diet: jax.Array) -> jax.Array:
    return diet**params.diet_exponent


def eat(config: WorldConfig, params: WorldParams, world: World, wants: jax.Array) -> tuple[World, Meal]:
    """Feeds every living creature that `wants` (`[N]` bool)."""
    body = world.body
    room = jnp.maximum(params.energy_capacity * body.size - world.energy, 0.0)
    mouth = jnp.minimum(quantise(params.mouth * body.size), quantise(room))
    mouth = jnp.where(wants & world.alive, mouth, 0.0)
    index = cell(config, world.x, world.y)
    demand = jnp.zeros(config.width * config.height, jnp.float32).at[index].add(mouth, mode="promise_in_bounds")
    stores = {"plants": world.plants, "meat": world.meat, "poison": world.poison}
    standing = {name: field.reshape(-1) for name, field in stores.items() if field is not None}
    supply = sum(standing.values())
    served = jnp.minimum(1.0, supply / jnp.maximum(demand, ENERGY_QUANTUM)) / jnp.maximum(supply, ENERGY_QUANTUM)
    got = {name: jnp.zeros_like(mouth) for name in stores}
    fields, heat = {}, jnp.int32(0)
    for name, field in standing.items():
        share = field * served
        taken = jnp.minimum(quantise(share * demand), field)  # leaves the field
        bites = quantise(share.at[index].get(mode="promise_in_bounds") * mouth)  # reaches mouths
        got[name] = jnp.maximum(bites - ENERGY_QUANTUM, 0.0)  # rounding never gives out more than was taken
        fields[name] = (field - taken).reshape(world.plants.shape)
        heat += jnp.sum(quanta(taken))
    plant = quantise(got["plants"] * plant_yield(params, body.diet))
    meat = quantise(got["meat"] * meat_yield(params, body.diet))
    heat -= jnp.sum(quanta(plant)) + jnp.sum(quanta(meat))
    world = replace(world, energy=world.energy + plant + meat, **fields)
    return world, Meal(plant=plant, meat=meat, poison=got["poison"], heat=heat)
