"""Least and greatest values of what a forager observes, for interfaces that want to know the space of observations.

Each follows from what the world guarantees: a cell holds at most one unit of plants or poison and `ENERGY_LIMIT` of
carrion, a body is at most as large as its gene may be, and the living have health and reserves within bounds. Sums
over creatures in one cell are bounded by all of them there, so the bounds of what shows bodies are wide.
"""

from __future__ import annotations

import math

import numpy as np

from agents.environments.foraging import Foraging
from sim import senses
from sim.body import RANGES
from sim.config import ENERGY_LIMIT, WorldConfig, WorldParams

SIZE, SPEED = RANGES["size"][1], RANGES["speed"][1]
LOG = math.log1p(float(np.finfo(np.float32).max))  # of any scent there can be


def observations(env: Foraging) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest observations `[I]` float32."""
    slots = env.world.max_agents if env.breeding else env.clones + env.others
    known = {name: _sensed(name, env.world, env.params, slots) for name in senses.names(env.world)}
    if env.features == "hand":
        known = {name: _made(name, env.world, known) for name in env.ends[0]}
    low, high = zip(*known.values(), strict=True)
    return np.array(low, np.float32), np.array(high, np.float32)


def _sensed(name: str, config: WorldConfig, params: WorldParams, slots: int) -> tuple[float, float]:
    """Bounds of one of the senses."""
    organ, _, what = name.partition(".")
    bodies = slots * SIZE
    most = {"meat": ENERGY_LIMIT, "size": bodies, "diet": bodies, "hue": bodies, "speed": bodies * SPEED}
    if organ.startswith("ray"):
        return 0.0, most.get(what, 1.0) * sum(1 / distance for distance in config.retina_distances)
    if organ == "here":
        return 0.0, most.get(what, 1.0)
    if organ == "smell":
        return (0.0 if what == "here" else -LOG), LOG
    gain = 4 * params.energy_capacity * SIZE  # all reserves, in one tick
    signed = {"self.gain": gain, "light.season_sin": 1.0, "light.season_cos": 1.0}
    if name in signed or organ == "last":
        return -signed.get(name, 1.0), signed.get(name, 1.0)
    # who loses all health in a tick is dead, and observes nothing
    positive = {"touch.crowd": bodies, "touch.front": bodies, "self.speed": SPEED, "self.pain": 4.0}
    return 0.0, positive.get(name, 1.0)


def _made(name: str, config: WorldConfig, known: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """Bounds of one of `agents.features`, from those of the senses."""
    most = lambda channel, organ="ray0": known.get(f"{organ}.{channel}", (0.0, 0.0))[1]
    food, bad = most("plant") + most("meat"), 2 * most("poison") + most("obstacle")
    bad += most("automaton") if config.barring else 0.0
    both = (food + bad) * config.retina_rays
    made = {
        "best.promise": (-bad, food),
        "best.angle": (-1.0, 1.0),
        "left.promise": (-both, both),
        "here.food": (0.0, most("plant", "here") + most("meat", "here")),
        "here.poison": (0.0, most("poison", "here")),
        "here.good": (0.0, 1.0),
        "body.size": (0.0, most("size")),
        "body.angle": (-1.0, 1.0),
    }
    return made[name] if name in made else known[name]
