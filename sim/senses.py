"""Senses: what each creature observes, `[N, I]` float32, roughly in -1…1.

Creatures are splatted into a feature image beside the fields; a retina of rays × distances gathers from
it, so the cost is O(N) with no pair search. Along a ray, near things count more (1/distance), and rock and
living cells of an automaton that bars hide what lies behind them. Left out: smooth interpolation (sight is of whole
cells) and noise. Sources: sight as a row of rays that also sees the bodies of others, after PolyWorld (Yaeger 1994);
smell as a difference of logarithms (Weber's law).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from sim.actions import names as action_names
from sim.config import WorldConfig, WorldParams
from sim.fields import COARSE, coarse_index
from sim.space import ahead, cell, snap, wrap
from sim.world import World

BODY_CHANNELS = 4  # size, diet, hue, speed: the last channels of the image


def names(config: WorldConfig) -> tuple[str, ...]:
    """Name of each observation, in order; rays are numbered from right (negative angle) to left."""
    out: list[str] = []
    fields = config.channels[:-BODY_CHANNELS]
    for sense in config.senses:
        if sense == "retina":
            out += [f"ray{r}.{c}" for r in range(config.retina_rays) for c in config.channels]
        elif sense == "touch":
            out += [f"here.{c}" for c in fields if c != "obstacle"] + ["touch.bump", "touch.crowd", "touch.front"]
            out += ["front.automaton"] if config.automaton != "none" else []
        elif sense == "hearing":
            out += [f"hear{s}.{d}" for d in ("front", "left", "back", "right") for s in range(config.sound_channels)]
        elif sense == "smell" and config.scent:
            out += ["smell.forward", "smell.left", "smell.here"]
        elif sense == "light" and config.seasons:
            out += ["light.now", "light.season_sin", "light.season_cos"]
        elif sense == "self":
            out += [f"self.{n}" for n in ("energy", "health", "age", "speed", "gain", "pain")]
        elif sense == "last_action":
            out += [f"last.{n}" for n in action_names(config)]
    return tuple(out)


def observe(config: WorldConfig, params: WorldParams, world: World) -> jax.Array:
    """Observations of every slot, `[N, I]`; those of dead slots are zero."""
    picture = None
    if "retina" in config.senses or "touch" in config.senses:
        picture = image(config, world)
    parts: list[jax.Array] = []
    for sense in config.senses:
        if sense == "retina":
            parts.append(_retina(config, world, picture))
        elif sense == "touch":
            parts.append(_touch(config, world, picture))
        elif sense == "hearing" and config.sound_channels:
            parts.append(_hearing(config, world))
        elif sense == "smell" and config.scent:
            parts.append(_smell(config, world))
        elif sense == "light" and config.seasons:
            parts.append(_light(world))
        elif sense == "self":
            parts.append(_self(params, world))
        elif sense == "last_action":
            parts.append(world.action)
    return jnp.where(world.alive[:, None], jnp.concatenate(parts, axis=1), 0.0)


def image(config: WorldConfig, world: World) -> jax.Array:
    """Feature image `[H*W, F]`: the fields of `config.channels`, then the bodies in each cell.

    Bodies add up: size, and size times diet, hue and speed.
    """
    present = {"plant": world.plants, "meat": world.meat, "poison": world.poison, "obstacle": world.rock}
    present["automaton"] = None if world.automaton is None else world.automaton.astype(jnp.float32)
    fields = [present[c].reshape(-1) for c in config.channels[:-BODY_CHANNELS]]
    body = world.body
    seen = [body.size, *(snap(body.size * trait) for trait in (body.diet, body.hue, world.speed))]
    features = jnp.stack(seen, axis=1)
    features = jnp.where(world.alive[:, None], features, 0.0)
    bodies = jnp.zeros((config.width * config.height, BODY_CHANNELS), jnp.float32)
    bodies = bodies.at[cell(config, world.x, world.y)].add(features, mode="promise_in_bounds")
    return jnp.concatenate([jnp.stack(fields, axis=1), bodies], axis=1)


def ray_angles(config: WorldConfig) -> np.ndarray:
    """Angle of each ray from the heading, radians `[R]`."""
    if config.retina_rays == 1:
        return np.zeros(1)
    half = np.deg2rad(config.retina_view) / 2
    return np.linspace(-half, half, config.retina_rays)


def _retina(config: WorldConfig, world: World, picture: jax.Array) -> jax.Array:
    angles = ray_angles(config)
    distances = np.asarray(config.retina_distances)
    dx = jnp.asarray((np.cos(angles)[:, None] * distances).reshape(-1), jnp.float32)  # [P], P = R*D
    dy = jnp.asarray((np.sin(angles)[:, None] * distances).reshape(-1), jnp.float32)
    c, s = world.ux[:, None], world.uy[:, None]
    x = world.x[:, None] + snap(c * dx - s * dy)
    y = world.y[:, None] + snap(s * dx + c * dy)
    index = cell(config, *wrap(config, x, y)).reshape(world.num_slots, config.retina_rays, len(distances))
    clear = jnp.ones(index.shape[:2], jnp.float32)
    total = jnp.zeros((*index.shape[:2], picture.shape[1]), jnp.float32)
    for d, distance in enumerate(distances):
        seen = picture.at[index[:, :, d]].get(mode="promise_in_bounds")  # [N, R, F]
        total = total + seen * (clear / distance)[..., None]
        for opaque in _opaque(config):
            clear = clear * (1 - seen[:, :, config.channels.index(opaque)])
    return total.reshape(world.num_slots, -1)


def _opaque(config: WorldConfig) -> list[str]:
    """Channels of what hides the things behind it."""
    return ["obstacle"] * config.rocks + ["automaton"] * config.barring


def _touch(config: WorldConfig, world: World, picture: jax.Array) -> jax.Array:
    here = picture.at[cell(config, world.x, world.y)].get(mode="promise_in_bounds")  # [N, F]
    front = picture.at[ahead(config, world)].get(mode="promise_in_bounds")
    fields = config.channels[:-BODY_CHANNELS]
    food = [here[:, i] for i, c in enumerate(fields) if c != "obstacle"]
    size = config.channels.index("size")
    cells = [front[:, config.channels.index("automaton")]] if config.automaton != "none" else []
    return jnp.stack([*food, world.bump, here[:, size] - world.body.size, front[:, size], *cells], axis=1)


def _hearing(config: WorldConfig, world: World) -> jax.Array:
    """Loudness in the coarse cell in front, left, behind and right, `[N, 4*S]`."""
    flat = world.sound.reshape(-1, config.sound_channels)
    c, s = snap(COARSE * world.ux), snap(COARSE * world.uy)
    x = world.x[:, None] + jnp.stack([c, -s, -c, s], axis=1)
    y = world.y[:, None] + jnp.stack([s, c, -s, -c], axis=1)
    heard = flat.at[coarse_index(config, *wrap(config, x, y))].get(mode="promise_in_bounds")
    return (heard / (1 + heard)).reshape(world.num_slots, -1)


def _smell(config: WorldConfig, world: World) -> jax.Array:
    """Gradient of log scent, forward and to the left, and its strength here, `[N, 3]`."""
    mode = "wrap" if config.boundary == "torus" else "edge"
    p = jnp.pad(jnp.log1p(world.scent), 1, mode=mode)
    maps = jnp.stack([p[1:-1, 2:] - p[1:-1, :-2], p[2:, 1:-1] - p[:-2, 1:-1], p[1:-1, 1:-1]], axis=-1)
    here = maps.reshape(-1, 3).at[coarse_index(config, world.x, world.y)].get(mode="promise_in_bounds")
    c, s = world.ux, world.uy
    gx, gy = here[:, 0], here[:, 1]
    return jnp.stack([c * gx + s * gy, c * gy - s * gx, here[:, 2]], axis=1)


def _light(world: World) -> jax.Array:
    row = jnp.stack([world.light, jnp.sin(world.season), jnp.cos(world.season)])
    return jnp.broadcast_to(row, (world.num_slots, 3))


def _self(params: WorldParams, world: World) -> jax.Array:
    body = world.body
    return jnp.stack(
        [
            world.energy / (params.energy_capacity * body.size),
            world.health,
            world.age / body.lifespan,
            world.speed,
            4 * world.gain,
            4 * world.pain,
        ],
        axis=1,
    )


def shuffled(key: jax.Array, alive: jax.Array, obs: jax.Array) -> jax.Array:
    """Observations `[N, I]` dealt anew among the living: what is seen is real, but somebody else's."""
    n = alive.shape[0]
    order = jnp.argsort(jnp.where(alive, 0, 1), stable=True)  # the living first
    shift = 1 + jax.random.randint(key, (), 0, jnp.maximum(jnp.sum(alive) - 1, 1))
    rank = jnp.zeros(n, jnp.int32).at[order].set(jnp.arange(n, dtype=jnp.int32))
    other = order[jnp.mod(rank + shift, jnp.maximum(jnp.sum(alive), 1))]
    return jnp.where(alive[:, None], obs[other], obs)
