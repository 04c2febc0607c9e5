"""Minsky and Papert's statement as evolution finds it, and the pictures of docs/perceptron.md."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution import search
from evolution.evaluation import evaluate
from evolution.genome import num_hidden
from evolution.tasks import TASKS
from evolution.tasks.gates import TRUTH
from experiments import config
from experiments.generational import algorithm_of
from experiments.simulation import numbers, world_keys
from tests import FAST
from viz import surfaces

RUNS, POPULATION = 20, 50


def algorithm(gate, **changes):
    """NEAT as docs/perceptron.md runs it, in small."""
    experiment = config.load(gate, [f"search.population={POPULATION}"])
    experiment = replace(experiment, mutation=replace(experiment.mutation, **changes))
    made = algorithm_of(experiment)
    return replace(made, mutation=numbers(experiment.mutation))


begin = jax.jit(lambda neat, keys: search.begin(neat, keys), compiler_options=FAST)
breed = jax.jit(jax.vmap(lambda neat, key, state, fitness: neat.tell(key, state, fitness), in_axes=(None, 0, 0, 0)))
judge = jax.jit(evaluate, static_argnums=(0, 1))


def evolve(gate, neat, generations):
    """Generation in which each run was solved, 0 if never; and the best genome of each, `[W, ...]` (a solution if
    there is one)."""
    task, keys = TASKS[gate](), world_keys(7, RUNS)
    state = begin(neat, keys)
    solved, record, best = np.zeros(RUNS, int), np.full(RUNS, -np.inf), None
    for number in range(1, generations + 1):
        genome = state.genome
        fitness, passed, _ = judge(task, neat.brain, keys, genome)
        value = np.asarray(jnp.where(passed, 100 + fitness, fitness))
        top = value.argmax(axis=1)
        better = (value.max(axis=1) > record) & (solved == 0)
        chosen = jax.tree.map(lambda leaf, top=top: np.asarray(leaf)[np.arange(RUNS), top], genome)
        keep = lambda old, new, better=better: np.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)
        best = chosen if best is None else jax.tree.map(keep, best, chosen)
        record = np.maximum(record, value.max(axis=1))
        solved = np.where((solved == 0) & np.asarray(passed).any(axis=1), number, solved)
        if (solved > 0).all():
            break
        state = breed(neat, jax.vmap(jax.random.fold_in, (0, None))(keys, number), state, fitness)
    return solved, best


@pytest.fixture(scope="module")
def flat():
    """Solutions without hidden nodes, by gate; one compiled search serves all."""
    return {gate: evolve(gate, algorithm(gate, add_node=0.0), 60) for gate in ("and", "or", "xor")}


def outputs(neat, best, world):
    one = jax.tree.map(lambda leaf: leaf[world], best)
    return surfaces.answers(neat.brain, one, np.array(surfaces.CORNERS))


@pytest.mark.parametrize("gate", ["and", "or"])
def test_and_and_or_are_solved_without_hidden_nodes(flat, gate):
    solved, best = flat[gate]
    assert (solved > 0).all()
    assert (np.asarray(jax.vmap(num_hidden)(best)) == 0).all()
    for world in range(3):
        assert ((outputs(algorithm(gate), best, world) > 0.5) == (np.array(TRUTH[gate]) > 0.5)).all()


def test_xor_is_never_solved_without_hidden_nodes(flat):
    """Not one run of 20, and none has more than three of the four rows right."""
    solved, best = flat["xor"]
    assert (solved == 0).all()
    right = [((outputs(algorithm("xor"), best, w) > 0.5) == (np.array(TRUTH["xor"]) > 0.5)).sum() for w in range(RUNS)]
    assert max(right) == 3


def test_xor_is_solved_with_hidden_nodes():
    """With nodes allowed the same search solves it in most runs, and never without one."""
    solved, best = evolve("xor", algorithm("xor"), 100)
    won = solved > 0
    assert won.sum() >= RUNS // 2
    hidden = np.asarray(jax.vmap(num_hidden)(best))
    assert (hidden[won] >= 1).all()
    world = int(np.flatnonzero(won)[0])
    assert ((outputs(algorithm("xor"), best, world) > 0.5) == (np.array(TRUTH["xor"]) > 0.5)).all()


def test_the_surface_of_a_perceptron_has_a_straight_edge(flat):
    """Answers are those of the weighted sum by hand, and the points on one side of 0.5 are a half-plane."""
    neat, (_, best) = algorithm("and"), flat["and"]
    one = jax.tree.map(lambda leaf: leaf[0], best)
    shown = surfaces.panel("AND", neat.brain, one, TRUTH["and"], {})
    first, second = np.meshgrid(surfaces.square(), surfaces.square())
    weights = {int(s): w for s, w, on in zip(one.source, one.weight, one.enabled, strict=True) if on}
    total = weights.get(0, 0.0) * first + weights.get(1, 0.0) * second + one.bias[0]
    np.testing.assert_allclose(shown.answers, 1 / (1 + np.exp(-5 * total)), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(shown.answers > 0.5, total > 0)
