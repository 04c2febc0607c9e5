"""Searches and learners on a budget of agent-steps: validation, what is handed in, timing, and exact resume."""

import csv
import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution.tasks.cartpole import CartPole
from evolution.tasks.environment import environment_of
from evolution.tasks.fresh import fresh
from evolution.tasks.memory import Memory
from evolution.tasks.t_maze import TMaze
from experiments import checkpoint, config, loop, minds
from experiments.errors import UserError
from experiments.learning import LEARNERS, begin, iteration, learner_of
from experiments.metrics import LEARNING_COLUMNS

SHARED = [
    "run.worlds=2",
    "search.until_solved=false",
    "task.steps=40",
    "task.episodes=2",
    "search.fresh_every=300",
    "search.fresh_episodes=3",
]
PPO = ["search.algorithm=ppo", "ppo.environments=4", "ppo.horizon=16", "ppo.minibatches=2", "ppo.hidden=[8]"]
NEAT = ["search.algorithm=neat", "search.population=10", "brain.hidden=4"]
DQN = ["search.algorithm=dqn", "dqn.environments=4", "dqn.horizon=16", "dqn.capacity=256", "dqn.hidden=[8]"]
KINDS = {
    "ppo": PPO,
    "neat": NEAT,
    "recurrent": ["search.algorithm=recurrent_ppo", *PPO[1:], "ppo.units=4"],
    "dqn": [*DQN, "dqn.warm_up=200", "dqn.updates=2"],
    "lamarck": [*NEAT, "search.learning=lamarck", "learning.updates=1", "learning.steps=5", "learning.episodes=2"],
}
FEW = [pytest.param(kind, marks=[pytest.mark.slow] * (kind not in ("ppo", "neat"))) for kind in KINDS]


def experiment(kind, *more):
    """A run of cartpole in the shapes that all tests here share."""
    return config.load("cartpole", [*SHARED, *KINDS[kind], "run.checkpoint_every=4", *more])


def ran(path, *args):
    """The folder of a finished run."""
    loop.run(experiment(*args), path, quiet=True)
    return path


def rows(path):
    with open(path / "metrics.csv") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module", params=FEW)
def whole(request, tmp_path_factory):
    """The kind of a run, and the run, whole: 1,500 agent-steps."""
    path = tmp_path_factory.mktemp("whole") / request.param
    return request.param, ran(path, request.param, "run.agent_steps=1500")


def test_a_run_is_over_with_the_generation_in_which_its_agent_steps_were_lived(whole):
    last = {world: [int(r["agent_steps"]) for r in rows(whole[1]) if r["world"] == world] for world in "01"}
    for steps in last.values():
        assert steps == sorted(steps) and steps[-2] < 1500 <= steps[-1]
    summary = json.loads((whole[1] / "summary.json").read_text())
    assert summary["agent_steps"] == sum(steps[-1] for steps in last.values())


def test_agent_steps_are_those_that_bodies_lived(whole):
    """A generation of NEAT lives mean fitness × episodes × genomes; PPO 4 × 16 moments less those of new episodes."""
    kind, path = whole
    before = {"0": 0, "1": 0}
    for row in rows(path):
        steps, lived = int(row["agent_steps"]), int(row["agent_steps"]) - before[row["world"]]
        before[row["world"]] = steps
        if kind == "lamarck":
            practice = 10 * 2 * 5  # of tries that last 5 steps at most
            assert 0 < round(lived - float(row["mean_fitness"]) * 2 * 10, 2) <= practice
        elif kind == "neat":
            assert lived == pytest.approx(float(row["mean_fitness"]) * 2 * 10, rel=1e-5)
        else:
            ended = 4 * 16 * int(row["generation"]) - steps
            assert ended <= int(row["evaluations"]) <= ended + 4  # of four lanes, some may start in the next moment


def test_candidates_are_validated_every_so_many_agent_steps_and_at_the_end(whole):
    for world in "01":
        before, mine = 0, [row for row in rows(whole[1]) if row["world"] == world]
        marks = [row for row in mine if row["fresh_fitness"]]
        assert len(marks) >= 3 and marks[-1] is mine[-1]
        assert all(0 < float(row["fresh_fitness"]) <= 40 for row in marks)
    each = {row["generation"]: 0 for row in rows(whole[1])}
    for row in rows(whole[1]):
        each[row["generation"]] += int(row["agent_steps"])
    for generation, steps in each.items():
        crossed = steps // 600 > before // 600
        assert not crossed or any(r["generation"] == generation and r["fresh_fitness"] for r in rows(whole[1]))
        before = steps


def test_the_mind_with_the_best_fresh_fitness_is_handed_in(whole):
    kind, path = whole
    for document in map(json.loads, (p.read_text() for p in (path / "genomes").glob("best-*.json"))):
        seen = [
            float(r["fresh_fitness"]) for r in rows(path) if int(r["world"]) == document["world"] and r["fresh_fitness"]
        ]
        told = document["fresh_fitness"] if kind in ("neat", "lamarck") else document["fitness"]
        assert told == pytest.approx(max(seen))


def test_timing_has_a_row_for_every_generation_that_metrics_has(whole):
    with open(whole[1] / "timing.csv") as file:
        timing = list(csv.DictReader(file))
    assert {row["generation"] for row in rows(whole[1])} <= {row["generation"] for row in timing}
    wall = [float(row["wall_seconds"]) for row in timing]
    assert wall == sorted(wall)


def test_cut_and_resumed_equals_uninterrupted(whole, tmp_path):
    kind, path = whole
    cut = ran(tmp_path / "cut", kind, "run.agent_steps=1500", "run.generations=6")
    text = (cut / "config.toml").read_text()
    (cut / "config.toml").write_text(text.replace("generations = 6", "generations = 300"))
    for found in (cut / "checkpoints").glob("*6.*"):  # back to generation 4: what ended there was validated as an end
        found.unlink()
    loop.resume(cut, quiet=True)
    assert (cut / "metrics.csv").read_bytes() == (path / "metrics.csv").read_bytes()
    for document in (path / "genomes").glob("*.json"):
        assert (cut / "genomes" / document.name).read_bytes() == document.read_bytes()


def test_validation_changes_nothing_in_a_search(whole, tmp_path):
    kind, path = whole
    other = ran(tmp_path / "other", kind, "run.agent_steps=1500", "search.fresh_every=0")
    drop = lambda found: [{k: v for k, v in row.items() if k not in ("fresh_fitness", "solved")} for row in found]
    assert drop(rows(other)) == drop(rows(path))


@pytest.mark.parametrize("algorithm", LEARNERS)
def test_every_measure_of_a_learner_is_a_column(algorithm):
    chosen = config.load("cartpole", [f"search.algorithm={algorithm}"])
    learner, environment = learner_of(chosen), environment_of(chosen.task)
    keys, number, skip = jax.random.split(jax.random.key(0), 2), jnp.int32(0), jnp.zeros(2, bool)
    once = lambda: iteration(learner, environment, keys, number, skip, begin(learner, environment, keys))[1]
    assert set(jax.eval_shape(once)) - {"mean_return"} <= set(LEARNING_COLUMNS)


def test_a_policy_written_is_the_policy_that_was_handed_in(whole):
    kind, path = whole
    if kind in ("neat", "lamarck"):
        pytest.skip("its champions are genomes, which other tests read back")
    tick, arrays, meta, _ = checkpoint.load_latest(path / "checkpoints")
    handed = loop.kind_of(experiment(kind)).resumed(experiment(kind), tick, arrays, meta).handed
    for world in (0, 1):
        document = json.loads((path / "genomes" / f"best-{world}.json").read_text())
        assert document["generation"] == handed.found[world] > 0
        weights = minds.decode_policy(document)[1]
        assert weights.keys() == handed.mind.keys()
        assert all(np.array_equal(leaf, handed.mind[name][world]) for name, leaf in weights.items())


def test_runs_are_validated_by_their_own_steps_alone(whole, tmp_path):
    """The first run of two is what it is alone; policies but for the rounding of products of other shapes."""
    kind, path = whole
    alone = ran(tmp_path / "alone", kind, "run.agent_steps=1500", "run.worlds=1")
    drop = lambda found: [{k: v for k, v in row.items() if k in ("generation", "fresh_fitness")} for row in found]
    own = [row for row in rows(path) if row["world"] == "0"]
    assert [row for row in drop(rows(alone)) if row["fresh_fitness"]] == [r for r in drop(own) if r["fresh_fitness"]]
    both = [(folder / "genomes" / "best-0.json").read_bytes() for folder in (alone, path)]
    if kind == "neat":
        assert both[0] == both[1]
    elif kind != "lamarck":  # whose learned weights are in genomes
        one, other = (minds.decode_policy(json.loads(text))[1] for text in both)
        assert all(np.allclose(leaf, other[name], rtol=1e-3, atol=1e-4) for name, leaf in one.items())


def test_fresh_tasks_have_other_episodes_and_nothing_else():
    assert fresh(CartPole(episodes=2, steps=9), 7) == CartPole(episodes=7, steps=9)
    assert fresh(TMaze(length=3), 7) == TMaze(length=3)
    assert fresh(Memory(length=2), 7) == Memory(length=2)
    assert fresh(Memory(length=5), 7) == replace(Memory(length=5), samples=7)


@pytest.mark.parametrize(
    ("name", "overrides", "told"),
    [
        ("xor", ["search.algorithm=ppo"], "task.name"),
        ("forage_task", ["search.algorithm=ppo", "task.mode=shared"], "task.mode"),
        ("cartpole", ["search.algorithm=ppo", "ppo.minibatches=2000"], "ppo.minibatches"),
        ("cartpole", ["search.algorithm=ppo", "search.islands=2"], "search.islands"),
    ],
)
def test_what_cannot_be_learned_is_refused_by_key(name, overrides, told):
    with pytest.raises(UserError, match=f"^{told} = .*must be "):
        config.load(name, overrides)
