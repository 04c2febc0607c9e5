"""Islands: who migrates where, that islands are searches of their own, and that devices and processes change no bit."""

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from evolution import islands, search
from evolution.algorithm import sane
from evolution.genetic import GeneticState
from evolution.genome import BrainConfig
from evolution.neat_algorithm import Neat
from evolution.neat_species import NeatParams
from experiments import checkpoint, config, loop, processes
from experiments.archipelago import Archipelago
from experiments.errors import UserError
from experiments.generational import Search, algorithm_of
from experiments.simulation import world_keys
from tests import FAST

ROOT = Path(__file__).parents[1]
LENGTH = ("run.generations=12", "run.checkpoint_every=4", "run.keep_checkpoints=9", "search.until_solved=false")
SPLIT = ("search.islands=4", "search.migration_every=3", "search.migrants=2")
NEAT = ("search.population=24", "search.species=8", "brain.hidden=8", "brain.connections=32", *SPLIT, *LENGTH)
GA = ("search.algorithm=ga", "search.population=20", "ga.crossover=0.5", *SPLIT, *LENGTH)

FOUR = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}

FOUNDED = jax.jit(jax.vmap(lambda algorithm, key: algorithm.init(key), (None, 0)), compiler_options=FAST)
SETTLED = jax.jit(Neat.settled, compiler_options=FAST)


def started(path, overrides, **environment):
    """A process that runs xor into `path`."""
    words = [word for text in overrides for word in ("--set", text)]
    command = [sys.executable, "-m", "experiments", "run", "xor", *words, "--json", "--out", str(path)]
    env = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen(
        command, cwd=path.parent, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A run with four devices (`devices`), and one by two processes (`processes`; the second knows no folder)."""
    base = tmp_path_factory.mktemp("islands")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        team = {"FIRSTWORD_COORDINATOR": f"localhost:{free.getsockname()[1]}", "FIRSTWORD_PROCESSES": "2"}
    running = {
        "devices": started(base / "devices", GA, **FOUR),
        "processes": started(base / "processes", GA, FIRSTWORD_PROCESS="0", **team),
        "follower": started(base / "follower", GA, FIRSTWORD_PROCESS="1", **team),
    }
    yield base, running
    for process in running.values():
        process.kill()
        process.communicate()


def ended(elsewhere, name):
    """The folder of a process that came to its end, and what it printed."""
    base, running = elsewhere
    said, complained = running[name].communicate(timeout=600)
    assert running[name].returncode == 0, complained
    return base / name, said


def books(path):
    """What must not depend on how a run was computed."""
    last = checkpoint.ticks(path / "checkpoints")[-1]
    parts = [path / "metrics.csv", path / "species.csv", *(path / "genomes").iterdir()]
    parts += [*(path / "checkpoints").glob(f"tick-{last:012d}.*")]
    return {str(part.relative_to(path)): part.read_bytes() for part in sorted(parts)}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The run of `elsewhere` on one device, in this process."""
    path = tmp_path_factory.mktemp("here") / "run"
    loop.run(config.load("xor", GA), path, quiet=True)
    return path


@pytest.fixture(scope="module")
def species(tmp_path_factory):
    """A run of NEAT with four devices, and the same on one."""
    base = tmp_path_factory.mktemp("species")
    process = started(base / "four", NEAT, **FOUR)
    loop.run(config.load("xor", NEAT), base / "one", quiet=True)
    return ended((base, {"four": process}), "four")[0], base / "one"


def test_four_devices_equal_one_to_the_bit(here, elsewhere):
    assert books(ended(elsewhere, "devices")[0]) == books(here)


@pytest.mark.slow
def test_species_on_four_devices_equal_those_on_one_to_the_bit(species):
    path, one = species
    assert books(path) == books(one)
    _, *rows = (path / "species.csv").read_text().split()
    names = {tuple(row.split(",")[:3]) for row in rows}
    assert len(names) == len(rows) and sum(int(row.split(",")[3]) for row in rows) == 12 * 4 * 24


@pytest.mark.slow
def test_a_run_on_four_devices_goes_on_with_one(species, tmp_path):
    path, _ = species
    shutil.copytree(path, tmp_path / "run")
    for tick in (8, 12):
        checkpoint.remove(tmp_path / "run" / "checkpoints", tick)
    loop.resume(tmp_path / "run", quiet=True)
    assert books(tmp_path / "run") == books(path)


def test_two_processes_equal_one_to_the_bit(here, elsewhere):
    path, said = ended(elsewhere, "processes")
    follower, nothing = ended(elsewhere, "follower")
    assert books(path) == books(here)
    assert said.startswith("{") and not nothing and not follower.exists()


@pytest.mark.parametrize(("number", "every", "moves"), [(5, 3, True), (4, 3, False), (5, 0, False)])
def test_the_best_replace_the_worst_of_the_next_island(number, every, moves):
    runs, count, size, migrants = 2, 3, 7, 2
    algorithm = replace(algorithm_of(config.load("xor", GA)), population=size)
    mesh = islands.mesh_of(jax.devices()[:1], runs, count)
    state = FOUNDED(algorithm, world_keys(0, runs * count))
    rng = np.random.default_rng(0)
    fitness = rng.integers(0, 4, (runs * count, size)).astype(np.float32)  # with ties
    fitness[0, 3], fitness[1, 2] = np.nan, np.inf
    ring = islands.Ring(count, migrants, jnp.int32(every))
    none = PartitionSpec()

    def local(state: GeneticState, fitness: jax.Array):
        return islands.migrated(ring, algorithm, jnp.int32(number), (runs, count), 1, state, state.genome, fitness)

    mapped = jax.shard_map(local, mesh=mesh, in_specs=none, out_specs=none, check_vma=False)
    after, values = jax.tree.map(np.asarray, jax.jit(mapped, compiler_options=FAST)(state, fitness))
    weight, expected = np.asarray(state.genome.weight).copy(), fitness.copy()
    order = np.argsort(-np.asarray(sane(fitness)), axis=1, kind="stable")
    for island in range(runs * count) if moves else ():
        source = island - 1 if island % count else island + count - 1
        for rank in range(migrants):
            place, best = order[island, size - migrants + rank], order[source, rank]
            weight[island, place] = np.asarray(state.genome.weight)[source, best]
            expected[island, place] = fitness[source, best]
    np.testing.assert_array_equal(after.genome.weight, weight)
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("slots", [16, 3])
def test_newcomers_join_or_found_species_and_nobody_else_moves(slots):
    size, migrants, threshold = 24, 6, 0.35
    brain = BrainConfig(hidden=0, connections=8, founder_topology="layered", founder_weight=1.0, dynamics="feedforward")
    params = jax.tree.map(jnp.float32, NeatParams(threshold=threshold, weight=1.0))
    algorithm = Neat(brain, 3, 1, size, slots, params)
    founded = FOUNDED(algorithm, jnp.stack([jax.random.key(1), jax.random.key(2)]))
    state, others = (jax.tree.map(lambda leaf, i=i: leaf[i], founded) for i in range(2))
    newcomers = jax.tree.map(lambda leaf: leaf[:migrants], others.genome)
    fitness = jax.random.normal(jax.random.key(3), (size,))
    place = np.asarray(jnp.argsort(-fitness))[-migrants:]
    after = SETTLED(algorithm, state, place, newcomers, fitness)

    weight, member, names = (np.asarray(x) for x in (state.genome.weight, state.member, state.niches.name))
    real = np.asarray(state.genome.innovation[0]) >= 0
    types = {s: max(np.flatnonzero(member == s), key=lambda i: fitness[i]) for s in set(member.tolist())}
    table = [(int(names[s]), weight[types[s]]) for s in sorted(types)]  # name and champion of each species, in order
    mine = [int(names[s]) for s in member]
    gap = lambda a, b: np.abs(a - b)[real].mean()
    free, crowded = int(state.niches.next_name), int(state.niches.crowded)
    for one, where in zip(np.asarray(newcomers.weight), place, strict=True):
        near = [name for name, type_ in table if gap(one, type_) < threshold]
        if not near and len(table) == slots:
            crowded += 1
            near = [min(table, key=lambda row: gap(one, row[1]))[0]]
        elif not near:
            table.append((free, one))
            near, free = [free], free + 1
        mine[where] = near[0]
    assert [int(after.niches.name[s]) for s in after.member] == mine
    kept = [name for name, _ in table if name in mine]
    used = len(kept)
    assert after.niches.name.tolist() == kept + [-1] * (slots - used)
    assert after.niches.size.tolist() == [mine.count(name) for name in kept] + [0] * (slots - used)
    assert (int(after.niches.next_name), int(after.niches.crowded)) == (free, crowded)
    assert bool(jnp.all(after.genome.weight[place] == newcomers.weight))
    assert float(after.niches.threshold) == float(state.niches.threshold)


def test_without_migration_islands_are_runs_of_their_own_and_the_first_to_solve_ends_the_run():
    runs, count, size = 2, 3, 6
    given = (
        "search.algorithm=ga",
        f"search.population={size}",
        f"search.islands={count}",
        "search.migration_every=0",
        "run.seed=1",
    )
    experiment = config.load("or", [*given, f"run.worlds={runs}", "run.generations=40"])
    whole = Archipelago.start(experiment)
    keys = islands.island_keys(whole.keys, jnp.arange(count)).reshape(-1)
    algorithm, task = algorithm_of(experiment), experiment.task
    state, frozen = search.begin(algorithm, keys), {}
    while whole.tick < 40 and not whole.ended:
        number, skip = jnp.int32(whole.tick), np.zeros(runs * count, bool)
        state, report = search.generation(algorithm, task, algorithm.brain, keys, number, skip, state)
        whole.advance(whole.tick + 1)
        passed = np.asarray(report.passed).reshape(runs, count).any(axis=1)
        best = np.asarray(report.measures["best_fitness"]).reshape(runs, count).max(axis=1)
        rows = whole.rows()[0]
        assert [row["world"] for row in rows] == [world for world in range(runs) if world not in frozen]
        for row in rows:
            assert row["best_fitness"] == best[row["world"]] and bool(row["solved"]) == passed[row["world"]]
            assert row["evaluations"] == whole.tick * size * count
            if passed[row["world"]]:
                part = slice(row["world"] * count, (row["world"] + 1) * count)
                frozen[row["world"]] = jax.tree.map(lambda leaf, part=part: np.asarray(leaf[part]), state)
    assert set(frozen) == set(range(runs)) and len(set(whole.solved.tolist())) == runs
    for world, end in frozen.items():
        mine = jax.tree.map(lambda leaf, world=world: np.asarray(leaf[world]), whole.state)
        assert all(map(np.array_equal, jax.tree.leaves(mine), jax.tree.leaves(end)))


def test_devices_are_dealt_out_evenly():
    shape = lambda devices, runs, count: tuple(islands.mesh_of([*range(devices)], runs, count).shape.values())
    assert [shape(*case) for case in ((4, 1, 4), (4, 2, 4), (4, 4, 4), (8, 2, 4), (4, 1, 6), (3, 1, 4), (6, 3, 2))] == [
        *((1, 4), (2, 2), (4, 1), (2, 4), (1, 3), (1, 2), (3, 2))
    ]


def test_one_island_is_a_search_as_ever():
    experiment = config.load("xor")
    assert experiment.search.islands == 1 and loop.Session(None, experiment, True).kind is Search


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["search.islands=2", "search.algorithm=cma_es"], "search.islands = 2: must be 1 with search.algorithm ="),
        (["search.islands=2", "search.migrants=76"], "search.migrants = 76: must be at most half of search.population"),
    ],
)
def test_what_cannot_be_split_is_refused(overrides, said):
    with pytest.raises(UserError, match=said):
        config.load("xor", overrides)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("", "2", "0"), "FIRSTWORD_COORDINATOR is not set"),
        (("here", "2", "0"), "FIRSTWORD_COORDINATOR = 'here': must be host:port"),
        (("here:1", "two", "0"), "FIRSTWORD_PROCESSES = 'two'"),
        (("here:1", "2", "2"), "FIRSTWORD_PROCESS = '2': must be 0 ... 1"),
        (("here:1", "2", "0"), "FIRSTWORD_PROCESSES = 2: several processes need search.islands above 1"),
    ],
)
def test_wrong_settings_of_processes_are_refused(monkeypatch, values, said):
    for name, value in zip(processes.VARIABLES, values, strict=True):
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=said):
        processes.together(config.load("xor"), lambda: 0)
