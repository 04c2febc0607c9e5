"""Rows of metrics.csv say what they define: each is worked out anew, creature by creature."""

import math
import re
import statistics
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments import metrics
from experiments.rollout import SUMS
from sim.body import GENES
from sim.config import ENERGY_QUANTUM
from sim.world import FIELDS
from tests.tiny import grown

DOCS = Path(__file__).parents[1] / "docs" / "metrics.md"


def host():
    state = grown().sim.state
    return jax.tree.map(lambda leaf: np.asarray(leaf[0]), (state.world, state.mind))


def test_a_row_is_what_a_census_finds():
    world, mind = host()
    row = grown().rows[-1]
    slots = [slot for slot in range(len(world.alive)) if world.alive[slot]]

    def values(field):
        return [float(field[slot]) for slot in slots]

    ate = [float(world.eaten_plant[s]) + float(world.eaten_meat[s]) for s in slots]
    age, diet, generation = values(world.age), values(world.body.diet), values(world.generation)
    connections = [int(mind.genome.enabled[slot].sum()) for slot in slots]
    hidden = [sum(int(node) >= 1 << 30 for node in mind.genome.node[slot]) for slot in slots]
    species = Counter(int(mind.species.name[slot]) for slot in slots)
    census = {
        "tick": 200,
        "world": 0,
        "population": len(slots),
        "refounded": 0,
        "plants": float(np.sum(world.plants, dtype=np.float64)),
        "meat": float(np.sum(world.meat, dtype=np.float64)),
        "poison": float(np.sum(world.poison, dtype=np.float64)),
        "automaton": 0.0,
        "mean_energy": statistics.mean(values(world.energy)),
        "mean_health": statistics.mean(values(world.health)),
        "mean_age": statistics.mean(age),
        "max_age": max(age),
        "mean_generation": statistics.mean(generation),
        "max_generation": max(generation),
        "mean_offspring": statistics.mean(values(world.offspring)),
        "mean_intake": statistics.mean(eaten / max(old, 1) for eaten, old in zip(ate, age, strict=True)),
        "mean_meat_share": statistics.mean(
            float(world.eaten_meat[slot]) / eaten for slot, eaten in zip(slots, ate, strict=True) if eaten
        ),
        "median_connections": statistics.median(connections),
        "median_hidden": statistics.median(hidden),
        "max_connections": max(connections),
        "max_hidden": max(hidden),
        "species": len(species),
        "largest_species": max(species.values()) / len(slots),
        "mutations_refused": statistics.mean(values(mind.genome.refused)),
        "sd_diet": statistics.pstdev(diet),
        "carnivore_share": sum(d > 0.5 for d in diet) / len(diet),
    }
    census |= {f"mean_{name}": statistics.mean(values(getattr(world.body, name))) for name in GENES}
    bins = Counter(min(int(d * 10), 9) for d in diet)
    census |= {f"diet_{i}": bins[i] for i in range(10)}
    assert set(census) | set(SUMS) == set(metrics.COLUMNS) == set(row)
    assert {name: row[name] for name in census} == pytest.approx(census, rel=1e-12)
    assert [(200, 0, *pair) for pair in sorted(species.items())] == metrics.species_rows(0, 200, world, mind)


def test_sums_are_in_their_units():
    totals, row = grown().sim.totals[0], grown().rows[-1]
    assert row["births"] == totals["births"] > 0 and row["signal"] == totals["signal"] / 256
    for name in ("plant_eaten", "light_in", "heat_out", "upkeep", "given"):
        assert row[name] == totals[name] * ENERGY_QUANTUM
    assert row["plant_eaten"] > row["upkeep"] / 2 > 0


def test_sums_only_grow():
    for before, after in zip(grown().rows, grown().rows[1:], strict=False):
        assert all(after[name] >= before[name] for name in SUMS)


def test_a_row_does_not_depend_on_who_sits_where():
    world, mind = host()
    order = np.random.default_rng(0).permutation(len(world.alive))

    def moved(leaf):
        return leaf[order] if leaf.shape[:1] == order.shape else leaf

    other = replace(jax.tree.map(moved, world), **{name: getattr(world, name) for name in FIELDS})
    totals = grown().sim.totals[0]
    row = metrics.row(0, world, mind, totals, 0)
    assert metrics.row(0, other, jax.tree.map(moved, mind), totals, 0) == row == grown().rows[-1]


def test_a_world_without_anybody_has_a_row():
    world, mind = host()
    dead = replace(world, alive=np.zeros_like(world.alive))
    row = metrics.row(3, dead, mind, dict.fromkeys(SUMS, 0), 2)
    assert tuple(row) == metrics.COLUMNS and (row["world"], row["refounded"], row["population"]) == (3, 2, 0)
    empty = {name for name, value in row.items() if isinstance(value, float) and math.isnan(value)}
    assert empty == {name for name in row if name.startswith("mean_")} | {"sd_diet", "carnivore_share"}
    assert all(row[name] == 0 for name in ("max_age", "max_generation", "species", "diet_0"))
    assert metrics.species_rows(3, 0, dead, mind) == []


def test_minds_without_genomes_have_a_row():
    world, mind = host()
    row = metrics.row(0, world, replace(mind, genome=None, brain=None, species=None), dict.fromkeys(SUMS, 0), 0)
    assert row["population"] > 0 and row["species"] == row["median_connections"] == 0
    assert metrics.species_rows(0, 0, world, replace(mind, species=None)) == []


def test_every_column_is_documented():
    table = DOCS.read_text().partition("## metrics.csv")[2].partition("\n## ")[0]
    told = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    names = [name for cell in told for name in re.findall(r"`(\w+)`", cell)]
    assert [name for name in names if not name.startswith("diet_")] == [
        name for name in metrics.COLUMNS if not name.startswith("diet_")
    ]
    after = DOCS.read_text().partition("## species.csv")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)`", after, re.MULTILINE)) == metrics.SPECIES_COLUMNS
    assert {f"mean_{f.name}" for f in fields(host()[0].body)} <= set(metrics.COLUMNS)
