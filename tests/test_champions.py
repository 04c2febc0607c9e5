"""Whom a search keeps and examines, on networks that say their own fitness."""

import json
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution import search
from evolution.genome import BrainConfig, founder, signatures, widened
from experiments import champions, config
from experiments.archipelago import Archipelago
from experiments.champions import Champions
from experiments.generational import Search
from experiments.hosted import SILENT, HostedSearch

BRAIN = BrainConfig(hidden=2, connections=4, activations=("identity",), founder_topology="layered", founder_weight=0.0)
KEYS = jax.random.split(jax.random.key(0), 2)


@dataclass(frozen=True)
class Modest:
    """Outputs are fitness, from `low` on they meet the criterion, and solutions are below `high`."""

    low: float = 0.3
    high: float = 0.6
    exam: bool = False

    inputs = outputs = episodes = steps = 1
    ceiling = 1.0

    @property
    def exams(self):
        return () if self.exam else (replace(self, exam=True),)

    @property
    def generalisation(self):
        return replace(self, exam=True)

    def reset(self, key, episode):
        return jnp.float32(0)

    def observe(self, state):
        return jnp.stack([state])

    def step(self, state, output):
        return output[0], jnp.bool_(True)

    def fitness(self, finals):
        return finals.mean(0)

    def passed(self, finals):
        return jnp.all(finals < self.high if self.exam else finals >= self.low, axis=0)

    def score(self, finals):
        return jnp.round(100 * finals.sum(0)).astype(jnp.int32)


def population(fitness):
    """Genomes `[2, P, ...]` of two runs whose outputs are their biases `[2, P]`."""
    bias = jnp.asarray(fitness, jnp.float32)
    one = founder(jax.random.key(1), BRAIN, 1, 1)
    genome = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (*bias.shape, *leaf.shape)), one)
    return replace(genome, bias=genome.bias.at[:, :, 0].set(bias))


def nothing() -> Champions:
    return Champions.none(Modest(), KEYS, jax.eval_shape(lambda: population(np.zeros((2, 3)))))


@pytest.fixture
def found() -> Champions:
    return nothing()


def judge(found, generation, first, second, active=(True, True)) -> bool:
    fitness = jnp.asarray([first, second], jnp.float32)
    told = jax.vmap(
        lambda g, f, b: search.report(SILENT, None, g, f, f >= 0.3, jnp.ones(f.shape, jnp.int32), f, None, b)
    )
    report = told(population(fitness), fitness, jnp.asarray(found.barred))
    return found.judge(report, generation, np.array(active), BRAIN)


def test_a_genome_that_failed_makes_way_for_the_next_best_but_stays_champion(found):
    first, second = [0.1, 0.9, 0.8, 0.5, 0.4], [0.0, 0.1, 0.2, 0.1, 0.0]
    assert not judge(found, 1, first, second)
    assert found.worth.tolist() == found.record.tolist() == pytest.approx([0.9, 0.2])
    assert not judge(found, 2, first, second)
    assert np.count_nonzero(found.barred, axis=1).tolist() == [2, 0]
    assert judge(found, 3, first, second)
    assert found.solved.tolist() == [3, 0] and found.generalisation.tolist() == [50, -1]
    assert found.worth == pytest.approx([0.5, 0.2]) and found.record == pytest.approx([0.9, 0.2])
    assert found.genome.bias[:, 0] == pytest.approx([0.5, 0.2])
    assert not judge(found, 4, [0.95, 0.4, 0.1, 0.1, 0.1], second)  # a run keeps its solution
    assert found.solved.tolist() == [3, 0] and found.worth == pytest.approx([0.5, 0.2])
    assert found.record == pytest.approx([0.95, 0.2])


def test_a_run_that_is_over_takes_part_no_more(found):
    judge(found, 1, [0.2] * 5, [0.2] * 5)
    assert not judge(found, 2, [0.5] * 5, [0.25] * 5, active=(False, True))
    assert found.worth == pytest.approx([0.2, 0.25]) and not found.solved.any()


def test_the_last_failures_are_remembered(monkeypatch):
    monkeypatch.setattr(champions, "BARRED", 3)
    found = nothing()
    best = [0.9, 0.8, 0.7, 0.65, 0.61]
    for generation in range(1, 5):
        judge(found, generation, best, [0.0] * 5)
    oldest = found.barred[0].tolist()
    assert len(set(oldest)) == 3
    judge(found, 5, best, [0.0] * 5)  # 0.9 was forgotten, and fails again
    assert found.barred[0, :2].tolist() == oldest[1:] and found.barred[0, 2] not in oldest


def test_signatures_tell_networks_apart_and_do_not_depend_on_room():
    genome = population(np.linspace(0, 1, 12).reshape(2, 6))
    flat = jax.tree.map(lambda leaf: leaf.reshape(12, *leaf.shape[2:]), genome)
    marks = np.asarray(signatures(flat))
    assert len(set(marks.tolist())) == 12
    np.testing.assert_array_equal(signatures(widened(flat, 9, 32)), marks)
    for change in (
        {"weight": flat.weight.at[:, 0].add(1e-6)},
        {"enabled": flat.enabled.at[:, 0].set(False)},
        {"activation": flat.activation.at[:, 0].add(1)},
        {"innovation": flat.innovation.at[:, 0].add(1)},
        {"node": flat.node.at[:, 1].set(7)},
    ):
        assert not np.any(np.asarray(signatures(replace(flat, **change))) == marks), change
    np.testing.assert_array_equal(signatures(replace(flat, refused=flat.refused + 1)), marks)


def test_a_run_that_goes_on_keeps_the_best_of_its_solutions(found):
    assert judge(found, 1, [0.4] * 5, [0.1] * 5)
    assert not judge(found, 2, [0.35] * 5, [0.1] * 5) and found.worth[0] == pytest.approx(0.4)
    assert not judge(found, 3, [0.8] * 5, [0.1] * 5) and found.worth[0] == pytest.approx(0.4)  # fails the exam
    assert not judge(found, 4, [0.5] * 5, [0.1] * 5), "solved long ago"
    assert found.worth[0] == pytest.approx(0.5) and found.genome.bias[0, 0] == pytest.approx(0.5)
    assert found.solved.tolist() == [1, 0] and found.found.tolist() == [4, 1]
    assert found.record == pytest.approx([0.8, 0.1]) and found.generalisation.tolist() == [50, -1]


POLE = {"search.population": 40, "run.worlds": 2, "task.episodes": 1, "task.steps": 100, "run.generations": 6}


SLOW = [
    pytest.param(more, marks=pytest.mark.slow) for more in ({"search.islands": 2}, {"search.algorithm": "neat_python"})
]


@pytest.mark.parametrize("more", [{}, *SLOW])
def test_failed_candidates_are_remembered_in_checkpoints(more):
    """A search that is taken up from its arrays in every generation ends like one that was not."""
    changes = POLE | {"search.until_solved": "false"} | more
    experiment = config.load("cartpole", [f"{key}={value}" for key, value in changes.items()])
    kind = {"neat_python": HostedSearch}.get(experiment.search.algorithm, Search)
    kind = Archipelago if experiment.search.islands > 1 else kind
    whole, broken = kind.start(experiment), kind.start(experiment)
    while whole.tick < 6:
        whole.advance(whole.tick + 1)
        broken = kind.resumed(experiment, broken.tick, broken.arrays(), json.loads(json.dumps(broken.meta())))
        broken.advance(broken.tick + 1)
    ours, theirs = whole.arrays(), broken.arrays()
    assert set(ours) == set(theirs) and ours["champions.barred"].any(), "nobody failed an exam"
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)
