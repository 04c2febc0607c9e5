"""Minds written by hand, through the same senses and acts as evolved ones: the yardsticks.

`random` acts at random. `greedy` steers to the ray with the most food less poison and what bars the way, slows on food,
eats what is not mostly poison and breeds when it can; it has no memory and no foresight.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from sim import actions, senses
from sim.config import WorldConfig, WorldParams


def random_policy(config: WorldConfig) -> Callable:
    """Uniform random actions."""
    num = len(actions.names(config))

    def act(key: jax.Array, mind: Any, memory: Any, obs: jax.Array) -> tuple[Any, jax.Array]:
        del mind, obs
        return memory, jax.random.uniform(key, (num,), minval=-1.0)

    return act


def greedy_policy(config: WorldConfig, params: WorldParams) -> Callable:
    """Forager that goes for the best-looking ray. Needs retina and touch."""
    missing = {"retina", "touch"} - set(config.senses)
    if missing:
        raise ValueError(f"the greedy mind needs the senses {sorted(missing)}, which world.senses lacks")
    index = {name: i for i, name in enumerate(senses.names(config))}
    angles = jnp.asarray(senses.ray_angles(config), jnp.float32)
    rays = range(config.retina_rays)
    order = actions.names(config)

    def look(obs: jax.Array, channel: str) -> jax.Array:
        if channel not in config.channels:
            return jnp.zeros(len(rays))
        return jnp.stack([obs[index[f"ray{r}.{channel}"]] for r in rays])

    def act(key: jax.Array, mind: Any, memory: Any, obs: jax.Array) -> tuple[Any, jax.Array]:
        del mind
        food, poison = obs[index["here.plant"]], obs[index["here.poison"]] if config.poison else 0.0
        promise = look(obs, "plant") - 2 * look(obs, "poison") - look(obs, "obstacle") - 0.02 * jnp.abs(angles)
        if config.barring:
            promise = promise - look(obs, "automaton")
        best = jnp.argmax(promise)
        wander = jax.random.uniform(key, minval=-0.3, maxval=0.3)
        turn = jnp.where(promise[best] > 0.05, angles[best] / params.max_turn, wander)
        turn = jnp.where(obs[index["touch.bump"]] > 0, 1.0, turn)
        grazing = (food > 0.2) & (food > 2 * poison)
        choice = {
            "turn": jnp.clip(turn, -1.0, 1.0),
            "thrust": jnp.where(grazing, -0.8, 1.0),
            "eat": jnp.where(food > poison, 1.0, -1.0),
            "breed": 1.0,
        }
        return memory, jnp.stack([jnp.float32(choice.get(name, -1.0)) for name in order])

    return act
