"""Fields: plants, poison, carrion, scent, sound and light, on the grid.

Plants grow logistically where the ground is fertile, spread from their neighbours and sprout from a thin
rain of seeds; patches that were grazed bare come back from their rims. All growth is energy from light.
Scent and sound live on a grid of a quarter of the resolution and carry no energy. Sources: logistic growth
with random dispersal (Skellam 1951), landscapes as low-passed noise cut at a quantile (Keitt 2000). Left out: soil,
water, wind.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp

from sim.config import WorldConfig, WorldParams
from sim.space import neighbours, quanta, quantise, total
from sim.world import World

COARSE = 4  # cells on a side of a cell of scent and sound
BODY_ODOUR = 0.25  # scent of a body of size 1, next to carrion of energy 1
MOST_SEEDS = 128  # one seed in so many cells a tick at most
LEAST_ROT = 2.0**-12  # carrion that a cell loses each tick even at rate 0, so that crumbs do not lie for ever


def light(config: WorldConfig, params: WorldParams, tick: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Light in 0…1 and the season as an angle, both []."""
    if not config.seasons:
        return jnp.float32(1.0), jnp.float32(0.0)
    t = tick.astype(jnp.float32)
    season = 2 * jnp.pi * (jnp.mod(t, params.season_length) / params.season_length)
    day = 2 * jnp.pi * (jnp.mod(t, params.day_length) / params.day_length)
    dark = params.day_depth * 0.5 * (1 - jnp.cos(day)) + params.season_depth * 0.5 * (1 - jnp.cos(season))
    return jnp.clip(1.0 - dark, 0.0, 1.0), season


def landscape(key: jax.Array, config: WorldConfig, params: WorldParams) -> dict[str, jax.Array | None]:
    """Fields of a fresh world: rock, fertile patches, poison among them. Smooth noise cut at quantiles."""
    k_fertile, k_poison, k_rock = jax.random.split(key, 3)
    shape = (config.height, config.width)
    rock = None
    if config.rocks:
        rock = jnp.zeros(shape, jnp.float32)
        if config.obstacles:
            noise = _smooth_noise(k_rock, shape, 1.5)
            rock = (noise > jnp.quantile(noise, 1 - params.obstacle_cover)).astype(jnp.float32)
        if config.boundary == "walled":
            rock = jnp.pad(rock[1:-1, 1:-1], 1, constant_values=1.0)
    noise = _smooth_noise(k_fertile, shape, params.patch_size)
    fertility = (noise > jnp.quantile(noise, 1 - params.fertile)).astype(jnp.float32)
    if rock is not None:
        fertility = fertility * (1 - rock)
    toxic = poison = None
    plants = quantise(fertility * params.plant_start)
    if config.poison:
        noise = _smooth_noise(k_poison, shape, params.patch_size / 3)
        toxic = (noise > jnp.quantile(noise, 1 - params.poison_share)) & (fertility > 0)
        poison = jnp.where(toxic, plants, 0.0)
        plants = jnp.where(toxic, 0.0, plants)
    coarse = (-(-config.height // COARSE), -(-config.width // COARSE))
    return {
        "rock": rock,
        "fertility": fertility,
        "toxic": toxic,
        "plants": plants,
        "poison": poison,
        "meat": jnp.full(shape, quantise(jnp.float32(params.meat_start))) if config.meat else None,
        "scent": jnp.zeros(coarse, jnp.float32) if config.scent else None,
        "sound": jnp.zeros((*coarse, config.sound_channels), jnp.float32) if config.sound_channels else None,
    }


def _smooth_noise(key: jax.Array, shape: tuple[int, int], radius: jax.Array | float) -> jax.Array:
    """White noise low-passed by a Gaussian of `radius` cells, periodic, `[H, W]`."""
    fy, fx = jnp.fft.fftfreq(shape[0])[:, None], jnp.fft.rfftfreq(shape[1])[None, :]
    gain = jnp.exp(-2 * (jnp.pi * radius) ** 2 * (fx**2 + fy**2))
    return jnp.fft.irfft2(jnp.fft.rfft2(jax.random.normal(key, shape)) * gain, s=shape)


def regrow(
    key: jax.Array, config: WorldConfig, params: WorldParams, world: World
) -> tuple[World, jax.Array, jax.Array]:
    """One tick of growth and decay. Returns the world, energy taken from light and heat given off (quanta `[2]`)."""
    free = room(world)
    standing = _standing(world)
    growth = (params.plant_growth * standing + params.plant_spread * neighbours(standing, config.boundary)) * free
    growth = quantise(jnp.minimum(growth * world.light, free))
    growth = jnp.minimum(_sow(key, config, params, growth, free), free)
    absorbed = total(quanta(growth))
    world = grown(world, growth)
    heat = jnp.zeros(2, jnp.int32)
    if world.meat is not None:
        rot = jnp.maximum(quantise(world.meat * params.meat_decay), jnp.minimum(world.meat, LEAST_ROT))
        heat = total(quanta(rot))
        world = replace(world, meat=world.meat - rot)
    return world, absorbed, heat


def _standing(world: World) -> jax.Array:
    """Plants and poison that stand in each cell, `[H, W]`."""
    return world.plants if world.poison is None else world.plants + world.poison


def room(world: World) -> jax.Array:
    """Energy that could still grow in each cell, `[H, W]`."""
    return jnp.maximum(world.fertility - _standing(world), 0.0)


def grown(world: World, growth: jax.Array) -> World:
    """The world with `growth` `[H, W]` more of plants, or on toxic ground of poison."""
    if world.poison is None:
        return replace(world, plants=world.plants + growth)
    return replace(
        world,
        plants=world.plants + jnp.where(world.toxic, 0.0, growth),
        poison=world.poison + jnp.where(world.toxic, growth, 0.0),
    )


def rain(key: jax.Array, config: WorldConfig, rate: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Cells (flat) that are hit at `rate` per cell, up to one in `MOST_SEEDS`, and which of the throws count.

    A fixed number of throws at cells drawn at random, thinned to the rate asked for.
    """
    cells = config.width * config.height
    throws = max(1, cells // MOST_SEEDS)
    k_where, k_thin = jax.random.split(key)
    where = jax.random.randint(k_where, (throws,), 0, cells)
    return where, jax.random.uniform(k_thin, (throws,)) < rate * cells / throws


def _sow(key: jax.Array, config: WorldConfig, params: WorldParams, growth: jax.Array, free: jax.Array) -> jax.Array:
    """Growth and the seeds that land."""
    where, lands = rain(key, config, params.seed_rate)
    energy = jnp.where(lands, quantise(params.seed_energy * free.reshape(-1)[where]), 0.0)
    return growth.reshape(-1).at[where].add(energy).reshape(growth.shape)


def waft(config: WorldConfig, params: WorldParams, world: World, voice: jax.Array | None) -> World:
    """Scent and sound spread and fade; bodies and carrion smell, voices (`[N, S]`) sound."""
    coarse = coarse_index(config, world.x, world.y)
    if world.scent is not None:
        source = _coarsen(world.meat) if world.meat is not None else jnp.zeros_like(world.scent)
        bodies = _sums(source.size, coarse, jnp.where(world.alive, world.body.size, 0.0))
        source = source + BODY_ODOUR * bodies.reshape(source.shape)
        spread = _diffuse(world.scent, params.scent_spread, config.boundary) * (1 - params.scent_decay)
        world = replace(world, scent=spread + params.scent_decay * source)
    if world.sound is not None and voice is not None:
        spread = _diffuse(world.sound, params.sound_spread, config.boundary) * (1 - params.sound_decay)
        heard = _sums(spread.size // config.sound_channels, coarse, voice)
        world = replace(world, sound=spread + heard.reshape(spread.shape))
    return world


def _sums(cells: int, index: jax.Array, values: jax.Array) -> jax.Array:
    """Sums of values (multiples of 1/256) by cell, as integers, which XLA adds exactly in any order."""
    whole = jnp.round(values * 256).astype(jnp.int32)
    return jnp.zeros((cells, *values.shape[1:]), jnp.int32).at[index].add(whole) / 256.0


def coarse_index(config: WorldConfig, x: jax.Array, y: jax.Array) -> jax.Array:
    """Flat index into the coarse grid for each position."""
    columns = -(-config.width // COARSE)
    return (y.astype(jnp.int32) // COARSE) * columns + x.astype(jnp.int32) // COARSE


def _diffuse(field: jax.Array, spread: jax.Array, boundary: str) -> jax.Array:
    return field + spread * (neighbours(field, boundary) - field)


def _coarsen(field: jax.Array) -> jax.Array:
    """Sum over blocks of COARSE×COARSE cells."""
    rows, columns = -(-field.shape[0] // COARSE), -(-field.shape[1] // COARSE)
    pad = ((0, rows * COARSE - field.shape[0]), (0, columns * COARSE - field.shape[1]))
    return jnp.pad(field, pad).reshape(rows, COARSE, columns, COARSE).sum((1, 3))
