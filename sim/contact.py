"""Contact: who stands in front, biting and giving.

Each cell presents one of the bodies in it, drawn anew every tick by a hash of (uid, tick), so no pair
search and no sort is needed and the outcome does not depend on slots. A creature reaches the body
presented by the cell ahead, or, when that is empty, by its own cell. Left out: reaching a second body
of a crowded cell in the same tick. Sources: biting after the fighting of PolyWorld (Yaeger 1994), which knows no
giving; the hash is the finaliser of MurmurHash3 (Appleby 2011).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from sim.config import ENERGY_QUANTUM, WorldConfig, WorldParams
from sim.feeding import meat_yield
from sim.space import ahead, cell, quanta, quantise, total
from sim.world import World


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Fight:
    """What biting did in one tick."""

    damage: jax.Array  # [N] health lost to bites
    prey: jax.Array  # [N] energy gained by biting
    bit: jax.Array  # [N] bool
    heat: jax.Array  # [2] int32 quanta lost undigested, a pair of `space.total`


def facing(config: WorldConfig, world: World) -> jax.Array:
    """Slot of the living creature in reach of each creature, `[N]` int32, -1 for nobody."""
    n, cells = world.num_slots, config.width * config.height
    ticket = _ticket(world.uid, world.tick)
    home = cell(config, world.x, world.y)
    drawn = jnp.zeros(cells, jnp.uint32)
    drawn = drawn.at[home].max(jnp.where(world.alive, ticket, 0), mode="promise_in_bounds")
    winner = world.alive & (drawn.at[home].get(mode="promise_in_bounds") == ticket)
    slots = jnp.arange(n, dtype=jnp.int32)
    shown = jnp.full(cells, -1, jnp.int32)
    shown = shown.at[jnp.where(winner, home, cells)].set(slots, mode="drop")
    front = shown.at[ahead(config, world)].get(mode="promise_in_bounds")
    here = shown.at[home].get(mode="promise_in_bounds")
    target = jnp.where((front >= 0) & (front != slots), front, jnp.where(here != slots, here, -1))
    return jnp.where(world.alive, target, -1)


def _ticket(uid: jax.Array, tick: jax.Array) -> jax.Array:
    """A positive number per living creature, distinct for distinct uids below 2^31, shuffled every tick.

    Each step (xor-shift, odd multiplication) is a bijection of 32-bit words; zero is kept for nobody.
    """
    word = uid.astype(jnp.uint32) + jnp.uint32(1)
    word = word ^ (tick.astype(jnp.uint32) * jnp.uint32(0x9E3779B9))
    word = (word ^ (word >> 16)) * jnp.uint32(0x85EBCA6B)
    word = (word ^ (word >> 13)) * jnp.uint32(0xC2B2AE35)
    return jnp.maximum(word ^ (word >> 16), 1)


def bite(params: WorldParams, world: World, target: jax.Array, wants: jax.Array) -> tuple[World, Fight]:
    """Biters wound the one in front and swallow flesh from its reserves, shared when several bite."""
    body = world.body
    bit = wants & (target >= 0)
    victim = jnp.where(bit, target, 0)
    ratio = body.size / body.size[victim]
    wound = jnp.where(bit, jnp.round(params.bite_damage * ratio * 4096) / 4096, 0.0)
    room = jnp.maximum(params.energy_capacity * body.size - world.energy, 0.0)
    mouthful = jnp.where(bit, jnp.minimum(quantise(params.bite_mouthful * body.size), quantise(room)), 0.0)
    sums = jnp.zeros((world.num_slots, 2), jnp.float32).at[victim].add(jnp.stack([wound, mouthful], axis=1))
    damage, demand = sums[:, 0], sums[:, 1]
    served = jnp.minimum(1.0, world.energy / jnp.maximum(demand, ENERGY_QUANTUM))
    torn = jnp.minimum(quantise(demand * served), world.energy)
    swallowed = jnp.maximum(quantise(mouthful * served[victim]) - ENERGY_QUANTUM, 0.0)
    prey = quantise(swallowed * meat_yield(params, body.diet))
    heat = total(quanta(torn)) - total(quanta(prey))
    world = replace(world, energy=world.energy - torn + prey)
    return world, Fight(damage=damage, prey=prey, bit=bit, heat=heat)


def give(params: WorldParams, world: World, target: jax.Array, wants: jax.Array) -> tuple[World, jax.Array, jax.Array]:
    """Givers hand energy to the one in front. Returns the world, gifts `[N]`, heat `[2]` (what found no room)."""
    giving = wants & (target >= 0)
    receiver = jnp.where(giving, target, 0)
    gift = jnp.where(giving, jnp.minimum(quantise(jnp.float32(params.gift)), quantise(world.energy / 2)), 0.0)
    received = jnp.zeros_like(gift).at[receiver].add(gift)
    room = jnp.maximum(quantise(params.energy_capacity * world.body.size) - (world.energy - gift), 0.0)
    kept = jnp.minimum(received, room)
    heat = total(quanta(received - kept))
    return replace(world, energy=world.energy - gift + kept), gift, heat
