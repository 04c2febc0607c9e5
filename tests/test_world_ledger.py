"""Energy is conserved to the last quantum and heads are counted exactly, whatever happens."""

from dataclasses import fields, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.body import snap_body
from sim.config import WorldParams
from sim.space import quantise
from sim.step import total_energy
from sim.world import CAUSES, population
from tests.worlds import BARE, BRAIN, EVERYTHING, LUSH, MUTATION, WALLED, Numbers, found, live

STRETCH = 500


def lead(seed: int, config, params: WorldParams, ticks: int) -> tuple[dict[str, int], list[str]]:
    """Lives `ticks` ticks in stretches, closing both ledgers after each.

    Returns the summed totals, and a line for every ledger that did not close.
    """
    key = jax.random.key(seed)
    colony = found(key, config, BRAIN, config.max_agents, params)
    heads, before = int(population(colony.world)), total_energy(params, colony.world)
    sums: dict[str, int] = {}
    gaps = []
    for done in range(0, ticks, STRETCH):
        stretch = min(STRETCH, ticks - done)
        colony, totals = live(key, config, BRAIN, Numbers(params, MUTATION), colony, stretch)
        counts = {name: int(total) for name, total in totals.items()}
        heads += counts["births"] - counts["deaths"]
        after = total_energy(params, colony.world)
        found_out = {
            "energy": after - before - (counts["light"] - counts["heat"]),
            "heads": int(population(colony.world)) - heads,
            "ticks with a wrong count of heads": counts["miscounts"],
        }
        gaps += [f"{name} off by {gap} at tick {int(colony.world.tick)}" for name, gap in found_out.items() if gap]
        before = after
        fewest = min(counts["fewest"], sums.get("fewest", counts["fewest"]))
        sums = {name: sums.get(name, 0) + count for name, count in counts.items()} | {"fewest": fewest}
    return sums, gaps


def test_ledgers_close_over_ten_thousand_ticks_with_everything_on():
    sums, gaps = lead(1, EVERYTHING, LUSH, 10_000)
    assert gaps == []
    assert sums["fewest"] > 0
    flows = ("light", "heat", "plant", "meat", "prey", "poison", "given", "bites")
    assert all(sums[name] > 0 for name in (*flows, "births", "sexual", "refused", *CAUSES[1:])), sums


@pytest.mark.parametrize("config", [WALLED, pytest.param(BARE, marks=pytest.mark.slow)], ids=["walled", "bare"])
def test_ledgers_close_in_other_worlds(config):
    sums, gaps = lead(1, config, LUSH, 500)
    assert gaps == []
    assert sums["births"] > 0 and sums["deaths"] > 0


TUNABLE = {f.name: (f.metadata["low"], f.metadata["high"]) for f in fields(WorldParams)}
TUNABLE |= {"energy_capacity": (1, 60), "flesh": (0, 24), "maturity": (0, 30), "lifespan_cost": (0, 1)}
"""Every number within its range; capacity and flesh so that the largest body stays below the energy limit."""


@settings(max_examples=60)
@given(st.integers(0, 2**31), st.sets(st.sampled_from(sorted(TUNABLE)), max_size=12))
def test_ledgers_close_whatever_the_numbers(seed, names):
    rng = np.random.default_rng(seed)
    drawn = {}
    for name in sorted(names):
        low, high = TUNABLE[name]
        share = rng.choice([0.0, 1.0, rng.random(), rng.random() ** 4])
        drawn[name] = float(np.float32(low + share * (high - low)))
    _, gaps = lead(seed, EVERYTHING, replace(LUSH, **drawn), 60)
    assert gaps == []


@pytest.mark.parametrize("seed", range(4))
def test_energy_survives_a_massacre_in_one_cell(seed):
    """Sixteen of the largest die on one cell: more carrion at once than a cell may hold."""
    key = jax.random.key(seed)
    colony = found(key, EVERYTHING, BRAIN, 64)
    world, crowd = colony.world, jnp.arange(64) < 16
    energy = quantise(jax.random.uniform(key, (64,), minval=20.0, maxval=29.0))
    world = replace(
        world,
        body=snap_body(replace(world.body, size=jnp.full(64, 2.99, jnp.float32))),
        energy=jnp.where(world.alive, energy, 0.0),
        health=jnp.where(crowd, -1.0, world.health),
        x=jnp.where(crowd, world.x[0], world.x),
        y=jnp.where(crowd, world.y[0], world.y),
    )
    after, totals = live(key, EVERYTHING, BRAIN, Numbers(), replace(colony, world=world), 4)
    assert int(totals["deaths"]) == 16
    change = total_energy(LUSH, after.world) - total_energy(LUSH, world)
    assert change == int(totals["light"]) - int(totals["heat"])
