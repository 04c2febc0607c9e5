"""Evaluation in lanes against plain Python, one network and one step at a time; narrowing changes nothing.

The task is made for it: a walk whose length depends on the network, so that lanes end at all times.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution import evaluation
from evolution.evaluation import evaluate
from evolution.genome import BrainConfig, Genome, founder
from evolution.mutation import MutationParams, mutate
from tests import FAST

RUNS, NUM = 2, 12
CONFIG = BrainConfig(
    hidden=3, connections=16, activations=("tanh", "identity"), founder_connections=2, founder_weight=0.1
)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Walker:
    place: jax.Array  # [2]
    t: jax.Array  # [] int32 steps so far
    episode: jax.Array  # [] int32
    energy: jax.Array  # [] falls with each step by how far the walker went


@dataclass(frozen=True)
class Walk:
    """Steps on a plane until the energy or the time is up."""

    inputs, outputs, episodes = 3, 2, 3
    exams = ()
    ceiling = 1e9
    steps: int = 50

    def reset(self, key, episode) -> Walker:
        return Walker(jax.random.normal(key, (2,)), jnp.int32(0), jnp.int32(episode), 2.0 + 2 * jnp.float32(episode))

    def observe(self, state):
        return jnp.stack([state.place[0], state.place[1], state.episode.astype(jnp.float32)])

    def step(self, state, output):
        energy = state.energy - 0.1 - jnp.abs(output[0]) - 0.1 * jnp.abs(output[1])
        place = state.place + 0.25 * jnp.stack([output[1], -output[0]])
        state = Walker(place, state.t + 1, state.episode, energy)
        return state, (energy < 0) | (state.t >= self.steps)

    def fitness(self, finals):
        return jnp.sum(finals.t.astype(jnp.float32) + finals.place[:, 0])

    def passed(self, finals):
        return jnp.all(finals.t >= 9)


TASK = Walk()
KEYS = jax.random.split(jax.random.key(5), RUNS)


@partial(jax.jit, compiler_options=FAST)
def _population(keys):
    rates = MutationParams(
        weight=0.3,
        weight_step=0.05,
        weight_new=0.1,
        bias=0.1,
        add_connection=0.3,
        add_node=0.4,
        activation=0.3,
        toggle=0.1,
    )

    def one(key):
        step = lambda i, g: mutate(jax.random.fold_in(key, i), CONFIG, rates, 3, 2, 1.0, g)
        return jax.lax.fori_loop(0, 8, step, founder(key, CONFIG, 3, 2))

    return jax.vmap(jax.vmap(one))(keys)


@pytest.fixture(scope="module")
def genomes() -> Genome:
    return _population(jax.random.split(jax.random.key(0), (RUNS, NUM)))


def compiled(monkeypatch, least: int, narrowing: int, long: int = 1):
    """`evaluate`, with lanes gathered as told."""
    monkeypatch.setattr(evaluation, "LEAST", least)
    monkeypatch.setattr(evaluation, "NARROWING", narrowing)
    monkeypatch.setattr(evaluation, "LONG", long)
    return jax.jit(lambda keys, genome, skip: evaluate(TASK, CONFIG, keys, genome, skip), compiler_options=FAST)


NOBODY = jnp.zeros(RUNS, bool)


@pytest.fixture(scope="module")
def wide(genomes):
    """Fitness, passed and final states without narrowing."""
    with pytest.MonkeyPatch.context() as patch:
        return compiled(patch, 10**9, 2)(KEYS, genomes, NOBODY)


def network(genome):
    """`step(values, observation) -> values` of one genome, node by node: all from the values before."""
    nodes = [int(n) for n in genome.node if n >= 0]
    real = genome.enabled & (genome.innovation >= 0)
    links = list(zip(genome.source[real], genome.target[real], genome.weight[real], strict=True))
    functions = {0: lambda z: np.tanh(2.5 * z), 1: lambda z: z}

    def step(values, observation):
        signal = {**dict(enumerate(observation)), **values}
        after = {}
        for row in np.flatnonzero(genome.node >= 0):
            node = int(genome.node[row])
            arriving = sum(float(w) * float(signal[int(s)]) for s, t, w in links if t == node)
            after[node] = functions[int(genome.activation[row])](float(genome.bias[row]) + arriving)
        return after

    return dict.fromkeys(nodes, 0.0), step


def walked(genome, key) -> tuple[float, bool, list]:
    """Fitness, passed and last states of one network, by the task's own words but in float64."""
    finals = []
    for episode in range(TASK.episodes):
        place = np.asarray(jax.random.normal(jax.random.fold_in(key, episode), (2,)), np.float64)
        energy, t = 2.0 + 2 * episode, 0
        values, step = network(genome)
        while energy >= 0 and t < TASK.steps:
            values = step(values, [*place, episode])
            first, second = values[3], values[4]
            energy -= 0.1 + abs(first) + 0.1 * abs(second)
            place = place + 0.25 * np.array([second, -first])
            t += 1
        finals.append((place, t, energy))
    return sum(t + place[0] for place, t, _ in finals), all(t >= 9 for _, t, _ in finals), finals


def each(genomes, run: int):
    return [jax.tree.map(lambda leaf: np.asarray(leaf[run, i]), genomes) for i in range(NUM)]  # noqa: B023


def test_evaluation_is_that_of_a_plain_loop_over_networks_episodes_and_steps(genomes, wide):
    fitness, passed, finals = wide
    assert fitness.shape == passed.shape == (RUNS, NUM)
    assert finals.place.shape == (RUNS, NUM, TASK.episodes, 2) and finals.t.shape == (RUNS, NUM, TASK.episodes)
    for run in range(RUNS):
        for i, genome in enumerate(each(genomes, run)):
            score, meets, states = walked(genome, KEYS[run])
            assert finals.t[run, i].tolist() == [t for _, t, _ in states]
            np.testing.assert_allclose(finals.place[run, i], [place for place, *_ in states], rtol=1e-3, atol=1e-3)
            np.testing.assert_allclose(finals.energy[run, i], [energy for *_, energy in states], rtol=1e-3, atol=1e-3)
            assert fitness[run, i] == pytest.approx(score, rel=1e-3, abs=1e-3)
            assert bool(passed[run, i]) == meets
    lengths = np.asarray(finals.t)
    assert len(set(lengths.ravel().tolist())) > 10 and lengths.min() < 10 and lengths.max() == TASK.steps
    assert (lengths > TASK.steps - 5).sum() < 9  # so few lanes in the end that they are narrowed
    assert 0 < np.asarray(passed).mean() < 1


def test_a_lane_that_is_done_keeps_its_state(wide):
    """It ends in the step in which its energy does, and its energy falls no further."""
    _, _, finals = wide
    early = np.asarray(finals.t) < TASK.steps
    energy = np.asarray(finals.energy)[early]
    assert early.mean() > 0.3 and np.all(energy < 0) and np.all(energy > -1.2)  # no more than one step beyond


@pytest.mark.parametrize(("least", "narrowing"), [(2, 3), (8, 8)])
def test_narrowing_lanes_changes_nothing(monkeypatch, genomes, wide, least, narrowing):
    narrow = compiled(monkeypatch, least, narrowing)(KEYS, genomes, NOBODY)
    for one, other in zip(jax.tree.leaves(narrow), jax.tree.leaves(wide), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(narrow[2].t, wide[2].t)


def test_lanes_are_narrowed_where_it_gains(monkeypatch, genomes):
    """Stages of a rollout, counted by its loops: few lanes or few steps are not worth it."""
    count = lambda *args: str(
        jax.make_jaxpr(lambda g: evaluate(TASK, CONFIG, KEYS, g)[0])(genomes) if compiled(monkeypatch, *args) else ""
    ).count("while[")
    plain = count(10**9, 2)
    assert count(RUNS * NUM * TASK.episodes // 4, 4) == plain + 1
    assert count(2, 4) == plain + 2
    assert count(2, 4, TASK.steps + 1) == plain


def test_a_run_to_skip_is_not_simulated_and_the_others_are_as_ever(monkeypatch, genomes, wide):
    skip = jnp.array([True, False])
    fitness, _, finals = compiled(monkeypatch, 8, 8)(KEYS, genomes, skip)
    assert not np.any(finals.t[0]) and np.all(finals.energy[0] == np.array([2.0, 4.0, 6.0]))
    np.testing.assert_allclose(fitness[1], wide[0][1], rtol=1e-5)
    np.testing.assert_array_equal(finals.t[1], wide[2].t[1])


def test_all_networks_of_a_run_see_the_same_episodes_and_runs_see_others(monkeypatch, genomes):
    """Runs that are skipped show their starts."""
    _, _, starts = compiled(monkeypatch, 8, 8)(KEYS, genomes, jnp.ones(RUNS, bool))
    place = np.asarray(starts.place)
    assert np.all(place == place[:, :1])
    assert len({tuple(row) for row in place[:, 0].reshape(-1, 2).tolist()}) == RUNS * TASK.episodes
    assert np.array_equal(starts.episode[0, 0], [0, 1, 2])


def test_a_network_is_measured_alike_in_whatever_company(monkeypatch, genomes, wide):
    turned = jax.tree.map(lambda leaf: leaf[:, ::-1], genomes)
    fitness, passed, _ = compiled(monkeypatch, 8, 8)(KEYS, turned, NOBODY)
    np.testing.assert_allclose(fitness[:, ::-1], wide[0], rtol=1e-5)
    np.testing.assert_array_equal(passed[:, ::-1], wide[1])
