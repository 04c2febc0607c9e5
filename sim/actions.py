"""Actions: what a mind can do, a vector of numbers in -1…1 per creature.

A mind that says nothing (all zeros) creeps straight ahead at half speed, eats what lies there and breeds
when it can, so founders with blank brains live. Biting, giving, toggling and calling need a decision.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from sim.config import WorldConfig
from sim.world import World

REFUSE, DECIDE = -0.25, 0.25
"""Eating and breeding happen unless refused, biting, giving and toggling only when decided."""


def names(config: WorldConfig) -> tuple[str, ...]:
    """Name of each action, in order; only those that the config allows."""
    out = ["turn", "thrust", "eat", "breed"]
    out += ["bite"] if config.bite else []
    out += ["give"] if config.give else []
    out += ["toggle"] if config.automaton_toggle != "none" else []
    return tuple(out + [f"emit{s}" for s in range(config.sound_channels)])


@dataclass(frozen=True)
class Acts:
    """Decoded actions of the living; an act that is switched off is None."""

    turn: jax.Array  # [N] -1…1, share of the sharpest turn, positive turns left (+y)
    thrust: jax.Array  # [N] 0…1 share of top speed
    eat: jax.Array  # [N] bool
    breed: jax.Array  # [N] bool
    bite: jax.Array | None  # [N] bool
    give: jax.Array | None  # [N] bool
    toggle: jax.Array | None  # [N] bool
    voice: jax.Array | None  # [N, S] 0…1 loudness


def sane(world: World, action: jax.Array) -> jax.Array:
    """Actions within -1…1. A mind with any output that is not finite is paralysed; the dead are too."""
    well = world.alive & jnp.all(jnp.isfinite(action), axis=1)
    still = jnp.full(action.shape[1], -1.0).at[0].set(0.0)
    return jnp.where(well[:, None], jnp.clip(action, -1.0, 1.0), still)


def decode(config: WorldConfig, action: jax.Array) -> Acts:
    """Meaning of sane actions `[N, A]`."""
    column = {name: action[:, i] for i, name in enumerate(names(config))}
    voice = None
    if config.sound_channels:
        loud = jnp.maximum(action[:, -config.sound_channels :], 0.0)
        voice = jnp.round(loud * 256) / 256
    return Acts(
        turn=column["turn"],
        thrust=0.5 * (1 + column["thrust"]),
        eat=column["eat"] > REFUSE,
        breed=column["breed"] > REFUSE,
        bite=column["bite"] > DECIDE if config.bite else None,
        give=column["give"] > DECIDE if config.give else None,
        toggle=column["toggle"] > DECIDE if config.automaton_toggle != "none" else None,
        voice=voice,
    )
