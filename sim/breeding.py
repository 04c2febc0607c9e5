"""Breeding: births are delivered between ticks, a bounded number at a time, oldest mothers first.

Only the B rows of a delivery are computed (computing a child for every slot is what slows most published
worlds); mothers beyond B wait. A mother pays for the child's flesh and first reserves. In a full world
births are refused and counted. Left out: eggs, pregnancy, paternal care. Sources: parents that pay for their
children's energy, after PolyWorld (Yaeger 1994); clutch and birth energy as genes, for the trade-off between number
and size of offspring of Smith & Fretwell (1974).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from sim.actions import decode
from sim.body import GENES, Body, snap_body
from sim.config import WorldConfig, WorldParams
from sim.contact import facing
from sim.metabolism import flesh
from sim.space import quanta, quantise, total
from sim.world import Births, World, occupy, population

Inherit = Callable[..., tuple[Any, Body, jax.Array]]
"""`inherit(keys, minds, body, mother, father, slot, uid) -> (minds, child bodies, child brain sizes)`.

keys `[B]`; minds a pytree of `[N, ...]`; body `[N]`; mother, father (-1 none), slot (N: no birth), uid `[B]`.
"""


def price(params: WorldParams, body: Body) -> jax.Array:
    """What a mother pays for one child: flesh, first reserves and the effort, `[N]`."""
    reserves = quantise(body.birth_energy * params.energy_capacity * body.size)
    return flesh(params, body.size) + reserves + quantise(params.birth_cost * body.size)


def deliver(
    key: jax.Array, config: WorldConfig, params: WorldParams, inherit: Inherit, world: World, minds: Any
) -> tuple[World, Any, Births]:
    """Delivers the births that are due. The caller sees to it that B slots are free or N is `max_agents`."""
    n, size = world.num_slots, min(config.births_at_once, world.num_slots)
    candidate, father, pending = _candidates(config, params, world)
    order = jnp.where(candidate, world.next_uid - world.uid, -1)  # oldest first, whatever the slots
    rank, mother = jax.lax.top_k(order, size)
    asked = jnp.sum(candidate, dtype=jnp.int32)
    room = config.max_agents - population(world)
    served = jnp.minimum(asked, size)
    delivered = jnp.minimum(served, room)
    row = jnp.arange(size, dtype=jnp.int32)
    real = (rank >= 0) & (row < delivered)
    (slot,) = jnp.nonzero(~world.alive, size=size, fill_value=n)
    slot = jnp.where(real, slot, n).astype(jnp.int32)
    uid = world.next_uid + row
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, uid)
    father = jnp.where(real, father[mother], -1)
    minds, body, brain = inherit(keys, minds, world.body, mother, father, slot, uid)
    world, heat = _place(keys, params, replace(world, pending=pending), mother, father, slot, uid, body, brain)
    world = replace(world, next_uid=world.next_uid + delivered)
    births = Births(
        slot=slot,
        mother=jnp.where(real, mother, -1),
        father=father,
        uid=jnp.where(real, uid, -1),
        heat=heat,
        refused=served - delivered,
        waiting=asked - served,
    )
    return world, minds, births


def _candidates(config: WorldConfig, params: WorldParams, world: World) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Who can give birth now `[N]`, with whom `[N]` (-1 alone), and children due in each clutch `[N]`."""
    body = world.body
    consents = decode(config, world.action).breed
    ripe = world.alive & consents & (world.age >= params.maturity)
    full = world.energy >= body.breed_at * params.energy_capacity * body.size
    affordable = world.energy > price(params, body)
    pending = jnp.where(ripe & full & (world.pending == 0), jnp.round(body.clutch).astype(jnp.int32), world.pending)
    pending = jnp.where(ripe & affordable, pending, 0)
    father = jnp.full_like(world.uid, -1)
    if config.sexual:
        target = facing(config, world)
        willing = (target >= 0) & (ripe & full)[target]
        father = jnp.where(willing, target, -1)
    candidate = pending > 0
    if config.breeding == "sexual":
        candidate = candidate & (father >= 0)
    return candidate, father, pending


def _place(
    keys: jax.Array,
    params: WorldParams,
    world: World,
    mother: jax.Array,
    father: jax.Array,
    slot: jax.Array,
    uid: jax.Array,
    body: Body,
    brain: jax.Array,
) -> tuple[World, jax.Array]:
    """Writes the newborn into their slots and charges the mothers. Returns the world and heat (quanta `[2]`)."""
    n = world.num_slots
    real = slot < n
    mothers = Body(**{name: getattr(world.body, name)[mother] for name in GENES})
    cost = jnp.where(real, price(params, mothers), 0.0)
    body, energy = _endow(params, mothers, cost, snap_body(body))
    heat = jnp.where(real, quanta(cost) - quanta(energy) - quanta(flesh(params, body.size)), 0)
    payer = jnp.where(real, mother, n)
    charged = replace(
        world,
        energy=world.energy.at[payer].add(-cost, mode="drop"),
        pending=world.pending.at[payer].add(-1, mode="drop"),
        offspring=_count_child(world.offspring, payer, father),
    )
    older = jnp.maximum(world.generation[mother], jnp.where(father >= 0, world.generation[father], 0))
    world = occupy(
        charged,
        slot,
        x=world.x[mother],
        y=world.y[mother],
        heading=jax.vmap(lambda k: jax.random.uniform(k, maxval=2 * jnp.pi))(keys),
        energy=energy,
        body=body,
        brain=brain,
        uid=uid,
        mother=world.uid[mother],
        father=jnp.where(father >= 0, world.uid[father], -1),
        generation=1 + older,
    )
    return world, total(heat)


def _endow(params: WorldParams, mothers: Body, cost: jax.Array, body: Body) -> tuple[Body, jax.Array]:
    """Bodies and first reserves `[B]` that the prices which the mothers paid can afford."""
    purse = cost - quantise(params.birth_cost * mothers.size)
    too_big = flesh(params, body.size) >= purse
    body = replace(body, size=jnp.where(too_big, jnp.minimum(body.size, mothers.size), body.size))
    energy = purse - flesh(params, body.size)
    return body, jnp.minimum(energy, quantise(params.energy_capacity * body.size))


def _count_child(offspring: jax.Array, mother: jax.Array, father: jax.Array) -> jax.Array:
    sire = jnp.where(father >= 0, father, offspring.shape[0])
    return offspring.at[mother].add(1, mode="drop").at[sire].add(1, mode="drop")
