"""What a row of metrics.csv says: the state of one world at one tick, and sums since tick 0.

Computed on the host in float64 from one state, so a row does not depend on when others were written.
Every column is defined in docs/metrics.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.learning import NAMES as LEARNERS
from experiments.rollout import SUMS
from sim.body import GENES
from sim.config import ENERGY_QUANTUM

ENERGIES = (
    *("plant_eaten", "meat_eaten", "prey_eaten", "poison_eaten"),
    *("upkeep", "light_in", "heat_out", "given", "seeded"),
)
DIET_BINS = 10
BRAINS = ("median_connections", "median_hidden", "max_connections", "max_hidden", "species", "largest_species")
SPECIES_COLUMNS = ("tick", "world", "species", "members")
COLUMNS = (
    "tick",
    "world",
    "population",
    *SUMS,
    "refounded",
    *("plants", "meat", "poison", "automaton"),
    *("mean_energy", "mean_health", "mean_age", "max_age", "mean_generation", "max_generation", "mean_offspring"),
    *("mean_intake", "mean_meat_share"),
    *BRAINS,
    "mutations_refused",
    *(f"mean_{name}" for name in GENES),
    "sd_diet",
    *(f"diet_{i}" for i in range(DIET_BINS)),
    "carnivore_share",
)

SEARCH_COLUMNS = (
    *("generation", "world", "evaluations", "best_fitness", "mean_fitness", "median_fitness", "sd_fitness", "failed"),
    *("record", "best_connections", "best_hidden", "mean_connections", "mean_hidden"),
    *("max_connections", "max_hidden", "species", "largest_species", "threshold", "crowded"),
    *("step", "starts", "solved", "agent_steps", "fresh_fitness", "innate_fitness", "mean_innate"),
)
"""Columns of a search by explicit fitness (`experiments.generational`)."""

LEARNING_COLUMNS = (
    *SEARCH_COLUMNS,
    *("episodes", "policy_loss", "value_loss", "entropy", "kl", "clipped", "loss", "value", "exploration"),
)
"""Columns of learners by reward (`experiments.learning`)."""


def columns(algorithm: str) -> tuple[str, ...]:
    """Columns of the metrics.csv of a run by `search.algorithm`."""
    if algorithm == "natural":
        return COLUMNS
    return LEARNING_COLUMNS if algorithm in LEARNERS else SEARCH_COLUMNS


def row(index: int, world: Any, mind: Any, totals: dict[str, int], refounded: int) -> dict[str, Any]:
    """One row, from the host copy of one world and its mind."""
    alive = np.flatnonzero(world.alive)
    alive = alive[np.argsort(np.asarray(world.uid)[alive])]  # sums do not depend on who sits in which slot
    out: dict[str, Any] = {"tick": int(world.tick), "world": index, "population": len(alive)}
    for name in SUMS:
        total = totals[name]
        out[name] = total * ENERGY_QUANTUM if name in ENERGIES else total / 256 if name == "signal" else total
    out["refounded"] = refounded
    for name in ("plants", "meat", "poison"):
        field = getattr(world, name)
        out[name] = 0.0 if field is None else float(np.asarray(field, np.float64).sum())
    out["automaton"] = 0.0 if world.automaton is None else float(np.mean(world.automaton, dtype=np.float64))
    out |= _bodies(world, alive) | _brains(mind, alive)
    return {name: out[name] for name in COLUMNS}


def species_rows(index: int, tick: int, world: Any, mind: Any) -> list[tuple[int, int, int, int]]:
    """(tick, world, species, members) of each living species."""
    if mind.species is None:
        return []
    names, members = np.unique(np.asarray(mind.species.name)[np.asarray(world.alive)], return_counts=True)
    return [(tick, index, int(name), int(count)) for name, count in zip(names, members, strict=True)]


def _mean(values: np.ndarray) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else float("nan")


def _bodies(world: Any, alive: np.ndarray) -> dict[str, Any]:
    def living(field: Any) -> np.ndarray:
        return np.asarray(field)[alive].astype(np.float64)

    age, generation, diet = living(world.age), living(world.generation), living(world.body.diet)
    plant, meat = living(world.eaten_plant), living(world.eaten_meat)
    eaten = plant + meat
    bins = np.histogram(diet, bins=DIET_BINS, range=(0.0, 1.0))[0]
    return {
        "mean_energy": _mean(living(world.energy)),
        "mean_health": _mean(living(world.health)),
        "mean_age": _mean(age),
        "max_age": int(age.max()) if age.size else 0,
        "mean_generation": _mean(generation),
        "max_generation": int(generation.max()) if generation.size else 0,
        "mean_offspring": _mean(living(world.offspring)),
        "mean_intake": _mean(eaten / np.maximum(age, 1)),
        "mean_meat_share": _mean(meat[eaten > 0] / eaten[eaten > 0]),
        **{f"mean_{name}": _mean(living(getattr(world.body, name))) for name in GENES},
        "sd_diet": float(diet.std()) if diet.size else float("nan"),
        **{f"diet_{i}": int(count) for i, count in enumerate(bins)},
        "carnivore_share": _mean((diet > 0.5).astype(np.float64)),
    }


def _brains(mind: Any, alive: np.ndarray) -> dict[str, Any]:
    if mind.genome is None or not alive.size:
        return dict.fromkeys((*BRAINS, "mutations_refused"), 0)
    connections = np.asarray(mind.genome.enabled)[alive].sum(1)
    hidden = (np.asarray(mind.genome.node)[alive] >= 1 << 30).sum(1)
    members = np.unique(np.asarray(mind.species.name)[alive], return_counts=True)[1]
    return {
        "median_connections": float(np.median(connections)),
        "median_hidden": float(np.median(hidden)),
        "max_connections": int(connections.max()),
        "max_hidden": int(hidden.max()),
        "species": len(members),
        "largest_species": float(members.max() / members.sum()),
        "mutations_refused": _mean(np.asarray(mind.genome.refused)[alive].astype(np.float64)),
    }
