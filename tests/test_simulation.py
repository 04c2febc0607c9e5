"""The run in memory: slots, replicate worlds, devices and refounding do not touch history, and its books add up."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import config, loop, rollout, simulation
from experiments.errors import UserError
from experiments.rollout import SUMS, _add, _tick_sums
from sim import senses
from sim.config import ENERGY_QUANTUM
from sim.space import total
from sim.world import CAUSES, Events
from tests.test_run import QUIET, ledger, lines
from tests.tiny import LETHAL, TINY, Book, assert_equal_tables, grown, tiny
from tests.worlds import LUSH

DYING = replace(TINY, params=replace(LUSH, plant_growth=0.0, plant_spread=0.0, seed_rate=0.0, basal_cost=0.02))
"""It grows on what stands at tick 0, then starves."""
REPLICAS = tiny(worlds=2, on_extinction="refound")
DEAL = jax.jit(senses.shuffled)
ROOT = Path(__file__).parents[1]


def same_rows(left, right):
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        np.testing.assert_equal(a, b)  # NaN equals NaN


def test_history_does_not_depend_on_the_number_of_slots(monkeypatch):
    monkeypatch.setattr(simulation, "SHRINK_EVERY", 64)
    follows = Book(DYING).live(400)
    monkeypatch.setattr(simulation, "SHRINK_EVERY", 1 << 30)
    monkeypatch.setattr(simulation, "starting_slots", lambda experiment: 64)
    fixed = Book(DYING).live(400)
    assert set(fixed.slots) == {64} and 64 in follows.slots and follows.slots[-1] == 32
    same_rows(follows.rows, fixed.rows)
    assert follows.species == fixed.species
    assert_equal_tables(follows.births, fixed.births)
    assert_equal_tables(follows.deaths, fixed.deaths)


def test_history_does_not_depend_on_when_slots_are_moved():
    moved = Book(TINY)
    for tick in range(8, 201, 8):
        moved.live(tick)
        living = int(moved.sim.populations()[0])
        moved.sim.resize(32 if moved.sim.slots == 64 and living <= 32 else 64)
    still = grown()
    same_rows([row for row in moved.rows if row["tick"] % 20 == 0], still.rows)
    assert_equal_tables(moved.births, still.births)
    assert_equal_tables(moved.deaths, still.deaths)


def test_slots_never_shrink_below_the_founders(monkeypatch):
    monkeypatch.setattr(simulation, "SHRINK_EVERY", 8)
    sim = Book(TINY, slots=64).sim
    sim.setting = replace(sim.setting, world=replace(TINY.world, births_at_once=1))
    sim.state = replace(sim.state, world=replace(sim.state.world, alive=sim.state.world.alive.at[0, 3:].set(False)))
    for _ in range(3):
        sim._on_with_it(stopped=False)
        assert sim.slots >= TINY.world.founders


def test_every_creature_is_born_once_and_dies_at_most_once():
    book = grown()
    births, deaths = book.births, book.deaths
    assert len(births["uid"]) > 60 and len(deaths["uid"]) > 20
    np.testing.assert_array_equal(np.sort(births["uid"]), np.arange(len(births["uid"])))
    assert len(set(deaths["uid"])) == len(deaths["uid"]) and set(deaths["uid"]) <= set(births["uid"])
    for row in book.rows:
        tick, total = row["tick"], {name: row[name] for name in SUMS}
        born = np.sum(births["tick"] <= tick)
        gone = deaths["tick"] <= tick
        assert total["births"] == born - TINY.world.founders
        assert row["population"] == born - gone.sum()
        for code, cause in enumerate(CAUSES[1:], 1):
            assert total[f"deaths_{cause}"] == np.sum(gone & (deaths["cause"] == code)), (tick, cause)


def test_parents_are_alive_when_their_children_are_born():
    births, deaths = grown().births, grown().deaths
    born = dict(zip(births["uid"], births["tick"], strict=True))
    died = dict(zip(deaths["uid"], deaths["tick"], strict=True))
    generation = dict(zip(births["uid"], births["generation"], strict=True)) | {-1: -1}
    children = dict.fromkeys(births["uid"], 0)
    founders = births["mother"] < 0
    assert founders.sum() == TINY.world.founders and not births["tick"][founders].any()
    assert np.any(births["father"] >= 0) and np.all(births["father"][founders] == -1)
    for i in np.flatnonzero(~founders):
        mother, father, tick = births["mother"][i], births["father"][i], births["tick"][i]
        assert mother != father
        for parent in {mother, father} - {-1}:
            assert born[parent] < tick < died.get(parent, tick + 1)
            children[parent] += 1
        assert births["generation"][i] == 1 + max(generation[mother], generation[father])
    for uid, tick, age, offspring, line in zip(
        *(deaths[name] for name in ("uid", "tick", "age", "offspring", "generation")), strict=True
    ):
        assert (age, offspring, line) == (tick - born[uid], children[uid], generation[uid])


def test_lineage_tells_what_the_living_are():
    book = grown()
    world, mind = jax.tree.map(lambda leaf: np.asarray(leaf[0]), (book.sim.state.world, book.sim.state.mind))
    at = {uid: i for i, uid in enumerate(book.births["uid"])}
    living = np.flatnonzero(world.alive)
    assert len(living) > 20
    for slot in living:
        told = {name: column[at[world.uid[slot]]] for name, column in book.births.items()}
        assert told["connections"] == mind.genome.enabled[slot].sum() == world.brain[slot]
        assert told["hidden"] == np.sum(mind.genome.node[slot] >= 1 << 30)
        assert told["species"] == mind.species.name[slot]
        assert told["mother"] == world.mother[slot] and told["father"] == world.father[slot]
        assert told["kind"] == 0
        for name in ("size", "diet", "hue"):
            assert told[name] == getattr(world.body, name)[slot]


def test_replicate_worlds_differ_and_the_first_is_the_single_one():
    both = Book(REPLICAS, slots=64).live(60)
    both.sim.resize(64)  # brings the living together
    both.live(120)
    assert [row["world"] for row in both.rows[:4]] == [0, 1, 0, 1] and both.sim.refounds == [0, 0]
    first, second = both.rows[0::2], both.rows[1::2]
    assert first[-1]["plants"] != second[-1]["plants"]
    same_rows(first, grown().rows[: len(first)])
    for name, column in both.births.items():
        own = column[both.births["world"] == 0]
        assert own.tobytes() == grown().births[name][grown().births["tick"] <= 120].tobytes(), name


def test_worlds_of_a_run_are_logged_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(simulation, "starting_slots", lambda experiment: 64)
    loop.run(replace(REPLICAS, run=replace(REPLICAS.run, ticks=20)), tmp_path, **QUIET)
    assert [(tick, row.split(",")[1]) for tick, row in lines(tmp_path)[1]] == [(0, "0"), (0, "1"), (20, "0"), (20, "1")]
    assert {row["world"] for row in ledger(tmp_path, "births")} == {0, 1}


def test_refounding_is_counted_and_does_not_depend_on_the_log_interval():
    dying = replace(REPLICAS, params=LETHAL)
    seldom, often = Book(dying, slots=64).live(60), Book(dying, slots=64).live(60, every=1)
    assert min(seldom.sim.refounds) >= 2 and not seldom.sim.extinct
    assert seldom.rows[-1]["refounded"] == seldom.sim.refounds[1]
    same_rows(seldom.rows, [row for row in often.rows if row["tick"] % 20 == 0])
    assert_equal_tables(seldom.births, often.births)
    assert_equal_tables(seldom.deaths, often.deaths)
    for world, times in enumerate(seldom.sim.refounds):
        founders = seldom.births["uid"][seldom.births["world"] == world]
        np.testing.assert_array_equal(np.sort(founders), np.arange((1 + times) * TINY.world.founders))


def test_all_dead_stop_at_the_next_delivery():
    book = Book(replace(TINY, params=LETHAL))
    book.sim.advance(100)
    last = book.deaths["tick"].max()
    interval = TINY.world.birth_interval
    assert book.sim.extinct and book.sim.tick == -(-last // interval) * interval
    assert len(book.deaths["uid"]) == TINY.world.founders
    tick = book.sim.tick
    book.sim.advance(200)
    assert book.sim.tick == tick


DEVICES = """
import json, sys
import jax
from tests.test_simulation import REPLICAS
from tests.tiny import Book
assert jax.local_device_count() == 2
book = Book(REPLICAS, slots=64).live(60)
used = len(book.sim.state.world.x.sharding.device_set)
print(json.dumps([used, repr(book.rows), {n: c.tolist() for n, c in book.births.items()}]))
"""


@pytest.mark.slow
def test_worlds_on_two_devices_live_as_on_one():
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    env = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", DEVICES], env=env, cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    used, rows, births = json.loads(done.stdout.splitlines()[-1])
    one = Book(REPLICAS, slots=64).live(60)
    assert used == 2 and rows == repr(one.rows)
    assert births == {name: column.tolist() for name, column in one.births.items()}


@given(st.lists(st.lists(st.integers(0, 2**31 - 1), min_size=3, max_size=3), max_size=20))
def test_sums_are_exact(ticks):
    names = SUMS[:3]
    sums = jnp.zeros((len(SUMS), 2), jnp.int32)
    for values in ticks:
        sums = _add(sums, dict(zip(names, map(jnp.int32, values), strict=True)))
    for i, _ in enumerate(names):
        high, low = (int(part) for part in sums[i])
        assert high * 65536 + low == sum(values[i] for values in ticks)


def test_sums_of_one_tick_may_pass_what_int32_holds():
    """A hundred thousand creatures move up to 255 units of energy each, 12 million in all; int32 ends at 32,768."""
    rng, number = np.random.default_rng(0), 100_000
    moved = {name: rng.integers(0, 255 * 65536, number) for name in ("plant", "meat", "prey", "poison", "given")}
    loud = rng.integers(0, 8 * 256 * 256, number)
    nothing = jnp.zeros(number, jnp.int32)
    sums = {name: total(jnp.asarray(moved[name], jnp.int32)) for name in ("plant", "meat", "prey")}
    events = Events(
        **{name: jnp.asarray(quanta * ENERGY_QUANTUM, jnp.float32) for name, quanta in moved.items()},
        **dict.fromkeys(("damage", "bit", "cause"), nothing),
        signal=jnp.asarray(loud / 256, jnp.float32),
        upkeep=sums["plant"],
        heat=sums["plant"] + sums["meat"] - sums["prey"],
        light=sums["meat"],
    )
    before = SimpleNamespace(alive=jnp.ones(number, bool))
    once = jax.jit(lambda sums, events: _add(sums, _tick_sums(before, events)))
    twice = once(once(jnp.zeros((len(SUMS), 2), jnp.int32), events), events)
    told = {name: (65536 * int(high) + int(low)) // 2 for name, (high, low) in zip(SUMS, twice, strict=True)}
    whole = {name: int(quanta.sum()) for name, quanta in moved.items()}
    true = {f"{name}_eaten": whole[name] for name in ("plant", "meat", "prey", "poison")}
    true |= {"given": whole["given"], "signal": int(loud.sum()), "agent_ticks": number}
    true |= {"upkeep": whole["plant"], "light_in": whole["meat"]}
    true["heat_out"] = whole["plant"] + whole["meat"] - whole["prey"]
    assert min(true["given"], true["heat_out"]) > 2**39
    assert {name: told[name] for name in true} == true


def test_a_reward_needs_the_sense_that_tells_it():
    blind = "[world]\nsenses = ['retina', 'touch']\n[brain]\nplasticity = "
    with pytest.raises(UserError, match=r'^brain.plasticity = "reward": must be none .* "self", .*$'):
        config.loads(f"{blind}'reward'")
    for fine in (f"{blind}'hebbian'", "brain.plasticity = 'reward'"):
        experiment = config.loads(fine)
        rollout.policy(simulation.setting_of(experiment), experiment.params)
    unchecked = replace(config.loads(f"{blind}'none'"), brain=config.BrainConfig(plasticity="reward"))
    with pytest.raises(ValueError):
        rollout.policy(simulation.setting_of(unchecked), unchecked.params)


@given(st.lists(st.booleans(), min_size=9, max_size=9), st.integers(0, 2**32 - 1))
def test_a_blindfold_deals_each_living_creature_what_another_sees(alive, seed):
    obs = jnp.arange(18.0).reshape(9, 2)
    dealt = np.asarray(DEAL(jax.random.key(seed), jnp.asarray(alive), obs))
    living = np.flatnonzero(alive)
    np.testing.assert_array_equal(dealt[~np.array(alive)], obs[~np.array(alive)])
    np.testing.assert_array_equal(np.sort(dealt[living, 0]), obs[living, 0])  # each is dealt once
    np.testing.assert_array_equal(dealt[:, 1], dealt[:, 0] + 1)  # whole rows
    if len(living) >= 2:
        assert np.all(dealt[living, 0] != obs[living, 0])


@pytest.mark.parametrize("worlds", [1, 3])
def test_no_two_worlds_of_any_seeds_share_a_key(worlds):
    keys = [jax.random.key_data(simulation.world_keys(seed, worlds)) for seed in range(50)]
    assert len({bytes(np.asarray(key)) for key in np.concatenate(keys)}) == 50 * worlds
