"""A two-state cellular automaton that shares the grid with the creatures: a landscape that lives by a rule of its own.

Living cells may seed plants on fertile ground, with energy from light, or bar the way and the view; creatures may
toggle the cell in front of them. Every so many ticks all cells go on by one generation of any rule of the 3×3
neighbourhood, such as Life (Gardner 1970). Cells carry no energy, live on rock as anywhere else and care for nothing
but their neighbours. Left out: rules of more states or a wider neighbourhood, for which `sim.life` stands alone.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp

from sim import fields
from sim.config import WorldConfig, WorldParams
from sim.life import generations, notation
from sim.space import ahead, quanta, quantise, total
from sim.world import World


def start(key: jax.Array, config: WorldConfig, params: WorldParams) -> jax.Array | None:
    """Cells `[H, W]` bool of a fresh world, each alive by chance; None in a world without an automaton."""
    if config.automaton == "none":
        return None
    return jax.random.uniform(key, (config.height, config.width)) < params.automaton_start


def generation(config: WorldConfig, cells: jax.Array) -> jax.Array:
    """Cells `[H, W]` bool one generation on, on the torus or among dead cells beyond the walls.

    The row before counts as north.
    """
    index = generations.neighbourhood(jnp.pad(cells, 1, mode="wrap" if config.boundary == "torus" else "constant"))
    rule, _ = notation.parse(config.automaton_rule)
    return jnp.asarray(rule.table, bool).at[index].get(mode="promise_in_bounds")


def advance(key: jax.Array, config: WorldConfig, params: WorldParams, world: World) -> World:
    """The world after this tick's share of the automaton: a generation when one is due, else nothing."""
    interval = jnp.asarray(params.automaton_interval).astype(jnp.int32)
    due = (world.tick + 1) % interval == 0
    cells = jax.lax.cond(due, lambda old: _next(key, config, params, old), lambda old: old, world.automaton)
    return replace(world, automaton=cells)


def _next(key: jax.Array, config: WorldConfig, params: WorldParams, cells: jax.Array) -> jax.Array:
    """The next generation, with spontaneous births."""
    k_born, k_row, k_column = jax.random.split(key, 3)
    cells = generation(config, cells)
    where, born = fields.rain(k_born, config, params.automaton_noise)
    cells = cells.reshape(-1).at[where].max(born).reshape(cells.shape)
    if config.automaton_wander:
        down = jax.random.randint(k_row, (), 0, config.height)
        right = jax.random.randint(k_column, (), 0, config.width)
        cells = jnp.roll(cells, (down, right), (0, 1))
    return cells


def toggle(config: WorldConfig, world: World, wants: jax.Array) -> tuple[World, jax.Array, jax.Array]:
    """Flips the cells in front of those who want it (`[N]` bool): each cell once for every one of them.

    So two who toggle the same cell undo each other, in whatever order they are taken. Returns the world, who toggled
    and whose cell was dead before, both `[N]` bool.
    """
    wants = wants & world.alive
    front, cells = ahead(config, world), world.automaton.reshape(-1)
    dead = wants & ~cells.at[front].get(mode="promise_in_bounds")
    if config.automaton_toggle == "flip":
        flips = jnp.zeros(cells.size, jnp.int32).at[jnp.where(wants, front, cells.size)].add(1, mode="drop")
        cells = cells ^ (flips % 2 == 1)
    return replace(world, automaton=cells.reshape(world.automaton.shape)), wants, dead


def seed(params: WorldParams, world: World) -> tuple[World, jax.Array]:
    """Living cells seed plants, or poison, as much as light and room allow. Returns the world and energy (quanta)."""
    seeds = jnp.where(world.automaton, quantise(params.automaton_seeds * world.light), 0.0)
    seeds = jnp.minimum(seeds, fields.room(world))
    return fields.grown(world, seeds), total(quanta(seeds))
