"""Gates: the truth tables, the published fitness, and what a perceptron can and cannot do."""

import itertools
import operator

import jax.numpy as jnp
import numpy as np
import pytest

from evolution.tasks import TASKS
from evolution.tasks.gates import State
from tests.episodes import measure, play, starts

MEANING = {"and": operator.and_, "or": operator.or_, "xor": operator.xor}
gates = pytest.mark.parametrize("name", MEANING)


def finals(*outputs):
    """Last states `[4, …]`, given the outputs of each row."""
    output = jnp.array(outputs, jnp.float32)
    row = jnp.arange(4).reshape(4, *[1] * (output.ndim - 1))
    return State(row=row, t=jnp.ones_like(row), output=output)


@gates
def test_the_truth_table(name):
    """The right answer, computed from what is observed, is fitness 16; its opposite is 0."""
    task = TASKS[name]()
    answer = lambda t, seen, states: MEANING[name](seen[0] > 0, seen[1] > 0)[None].astype(jnp.float32)
    right, _ = play(task, answer, starts(task, 1))
    wrong, _ = play(task, lambda *args: 1 - answer(*args), starts(task, 1))
    assert measure(task, right) == (16, True)
    assert measure(task, wrong) == (0, False)


@gates
def test_fitness_is_the_papers(name):
    """(4 - Σ|error|)² for outputs of sigmoids."""
    task = TASKS[name]()
    outputs = np.random.default_rng(0).uniform(0, 1, (500, 4)).astype(np.float32)
    targets = np.array([MEANING[name](a, b) for a, b in itertools.product((0, 1), repeat=2)])
    states = finals(*outputs.T)
    np.testing.assert_allclose(task.fitness(states), (4 - np.abs(outputs - targets).sum(1)) ** 2, rtol=1e-5)
    np.testing.assert_array_equal(task.passed(states), ((outputs > 0.5) == (targets > 0.5)).all(1))


def test_large_errors_are_not_rewarded():
    """(4 - Σ|error|)² grows again beyond 4 if nothing stops it."""
    task = TASKS["xor"]()
    assert task.fitness(finals(100, 0, 0, 0)) == 0
    assert task.fitness(finals(0, jnp.nan, 1, 0)) == 0
    assert not task.passed(finals(0.5, 1, 1, 0)), "an output of 0.5 is on neither side"
    assert not task.passed(finals(0, 0.5, 1, 0))


@gates
def test_a_perceptron_solves_and_and_or_but_not_xor(name):
    """Every threshold unit on a fine grid of weights: Minsky and Papert's statement, asked of the task."""
    task = TASKS[name]()
    grid = np.linspace(-2, 2, 17)
    w1, w2, bias = (axis.ravel() for axis in np.meshgrid(grid, grid, grid))
    outputs = [1 / (1 + np.exp(-5 * (w1 * a + w2 * b + bias))) for a, b in itertools.product((0, 1), repeat=2)]
    assert bool(task.passed(finals(*outputs)).any()) == (name != "xor")


def test_the_bias_input_and_settling():
    """With `settle`, the row is shown as often and the last output counts."""
    task = TASKS["xor"](settle=3, bias_input=True)
    last = lambda t, seen, states: jnp.where((t == 2) & (seen[2] == 1), (seen[0] != seen[1]), 0.3)[None]
    done, length = play(task, last, starts(task, 1))
    assert measure(task, done) == (16, True)
    np.testing.assert_array_equal(length, 3)
