"""Features of the senses that a person would choose for a forager, so that a linear readout of them can forage.

The promise of a ray is what `agents.scripted.greedy_policy` goes by: food less twice the poison and what bars the
way, less a little for having to turn (here carrion is food too). A linear readout of these features can do all that
greedy foraging does but for its chance; what they leave out (the other rays, hearing, smell, hues) no readout of them
can learn. They are a rung of a comparison of learned, evolved and hand-written minds, not a sense of the world.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from sim import senses
from sim.config import WorldConfig

FEATURES = ("raw", "hand")
HAND = (
    "best.promise",
    "best.angle",
    "left.promise",
    "here.food",
    "here.poison",
    "here.good",
    "touch.bump",
    "touch.front",
    "body.size",
    "body.angle",
)
LEAST = 0.05  # promise below which a ray promises nothing
TURNING = 0.02  # promise that a radian of turning costs


def names(config: WorldConfig, features: str) -> tuple[str, ...]:
    """Names of the observations in this order; ValueError for hand-made ones where senses are missing."""
    if features == "raw":
        return senses.names(config)
    missing = {"retina", "touch"} - set(config.senses)
    if missing:
        raise ValueError(f"hand-made features need the senses {sorted(missing)}, which world.senses lacks")
    inside = tuple(f"self.{part}" for part in ("energy", "health", "gain") if "self" in config.senses)
    return HAND + inside


def chosen(config: WorldConfig, features: str) -> Callable[[jax.Array], jax.Array]:
    """Function from the senses `[I]` of one creature to its features `[F]` float32, roughly in -1…1.

    `best.promise` and `best.angle`: promise of the most promising ray and its angle over half the field of view, left
    positive, 0 when nothing promises; `left.promise`: sum over the rays to the left less those to the right;
    `here.good`: 1 on food worth grazing, more than 0.2 and twice the poison; `body.size`, `body.angle`: largest
    body in view, and its angle when there is one.
    """
    if features == "raw":
        return lambda obs: obs
    order = names(config, features)
    index = {name: i for i, name in enumerate(senses.names(config))}
    angles = jnp.asarray(senses.ray_angles(config), jnp.float32)
    span = jnp.maximum(jnp.max(jnp.abs(angles)), 1e-6)

    def look(obs: jax.Array, channel: str) -> jax.Array:
        places = [index.get(f"ray{ray}.{channel}") for ray in range(config.retina_rays)]
        return jnp.zeros(len(places)) if None in places else obs[jnp.asarray(places)]

    def here(obs: jax.Array, channel: str) -> jax.Array:
        place = index.get(f"here.{channel}")
        return jnp.float32(0) if place is None else obs[place]

    def choose(obs: jax.Array) -> jax.Array:
        barred = look(obs, "obstacle") + (look(obs, "automaton") if config.barring else 0.0)
        promise = look(obs, "plant") + look(obs, "meat") - 2 * look(obs, "poison") - barred
        worth = promise - TURNING * jnp.abs(angles)
        best, body = jnp.argmax(worth), look(obs, "size")
        largest = jnp.argmax(body)
        food, poison = here(obs, "plant") + here(obs, "meat"), here(obs, "poison")
        value = {
            "best.promise": promise[best],
            "best.angle": jnp.where(worth[best] > LEAST, angles[best], 0.0) / span,
            "left.promise": jnp.sum(jnp.sign(angles) * promise),
            "here.food": food,
            "here.poison": poison,
            "here.good": (food > 0.2) & (food > 2 * poison),
            "body.size": body[largest],
            "body.angle": jnp.where(body[largest] > 0, angles[largest], 0.0) / span,
        }
        return jnp.stack([jnp.asarray(value[name] if name in value else obs[index[name]], obs.dtype) for name in order])

    return choose
