"""Eating: each creature takes a mouthful of what lies in its cell, as its diet inclines it.

A creature of diet d fills the share 1-d of its mouth with plants (and the poison that grows among them, in
proportion) and d with carrion. When mouths ask for more than the cell holds, all get the same share of what
they asked. Digestion too depends on diet: plants give (1-d)^e, meat d^e of their energy, the rest is heat;
poison gives nothing and harms. The larger e (`diet_exponent`), the more specialists gain on omnivores: the
convex and concave trade-offs of Levins (1962). Sharing is the scramble competition of Nicholson (1954). Left out:
handling time, choice of food within a cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from sim.config import ENERGY_QUANTUM, WorldConfig, WorldParams
from sim.space import cell, quanta, quantise, total
from sim.world import World


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Meal:
    """What eating did in one tick."""

    plant: jax.Array  # [N] energy gained from plants
    meat: jax.Array  # [N] energy gained from carrion
    poison: jax.Array  # [N] poison swallowed
    heat: jax.Array  # [2] int32 quanta lost undigested, a pair of `space.total`


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
    plain = world.meat is None
    meaty = jnp.zeros_like(mouth) if plain else jnp.where(mouth > 0, quantise(mouth * body.diet), 0.0)
    demands = [mouth - meaty] if plain else [mouth - meaty, meaty]
    asked = jnp.zeros((config.width * config.height, len(demands)), jnp.float32)
    asked = asked.at[index].add(jnp.stack(demands, axis=1), mode="promise_in_bounds")
    greens = {name: getattr(world, name) for name in ("plants", "poison") if getattr(world, name) is not None}
    fields, got, heat = _serve(greens, asked[:, 0], demands[0], index)
    if not plain:
        meats, got_meat, spent = _serve({"meat": world.meat}, asked[:, 1], meaty, index)
        fields, got, heat = fields | meats, got | got_meat, heat + spent
    zero = jnp.zeros_like(mouth)
    got = {"meat": zero, "poison": zero} | got
    plant = quantise(got["plants"] * plant_yield(params, body.diet))
    meat = quantise(got["meat"] * meat_yield(params, body.diet))
    heat -= total(quanta(plant)) + total(quanta(meat))
    world = replace(world, energy=world.energy + plant + meat, **fields)
    return world, Meal(plant=plant, meat=meat, poison=got["poison"], heat=heat)


def _serve(
    stores: dict[str, jax.Array], asked: jax.Array, mouth: jax.Array, index: jax.Array
) -> tuple[dict[str, jax.Array], dict[str, jax.Array], jax.Array]:
    """Serves mouths `[N]` that ask `[H*W]` in all from stores `[H, W]`, in proportion to what stands there.

    Returns what is left of each store, what each mouth got of it, and what was taken in all (quanta `[2]`).
    """
    standing = {name: field.reshape(-1) for name, field in stores.items()}
    supply = sum(standing.values())
    served = jnp.minimum(1.0, supply / jnp.maximum(asked, ENERGY_QUANTUM)) / jnp.maximum(supply, ENERGY_QUANTUM)
    left, got, gone = {}, {}, jnp.int32(0)
    for name, field in standing.items():
        share = field * served
        taken = jnp.minimum(quantise(share * asked), field)
        bites = quantise(share.at[index].get(mode="promise_in_bounds") * mouth)
        got[name] = jnp.maximum(bites - ENERGY_QUANTUM, 0.0)  # rounding never gives out more than was taken
        left[name] = (field - taken).reshape(stores[name].shape)
        gone += total(quanta(taken))
    return left, got, gone
