"""The contract of `evolution/tasks/base.py`, asked of every episodic task in the registry and of their variants."""

import math
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution.tasks import TASKS
from evolution.tasks.double_pole import Generalisation
from tests.episodes import measure, observe, play, starts, step

SHORT = {"double_pole": {"steps": 300}, "double_pole_hidden": {"steps": 200}}
VARIANTS = {
    "settled": TASKS["xor"](settle=3, bias_input=True),
    "long_memory": TASKS["memory"](length=5, delay=40, noise=True, samples=7),
    "one_output": TASKS["cartpole"](outputs=1, episodes=3),
    "biased_poles": TASKS["double_pole_hidden"](steps=150, bias_input=True),
    "generalisation": Generalisation(velocities=False, steps=50),
    "junction": TASKS["t_maze"](length=1, patience=0),
    "traced": TASKS["t_maze"](length=2, trace=True),
}
EPISODIC = {name: make for name, make in TASKS.items() if not getattr(make, "in_world", False)}
CASES = {name: make(**SHORT.get(name, {})) for name, make in EPISODIC.items()} | VARIANTS
task_cases = pytest.mark.parametrize("task", CASES.values(), ids=CASES)

WILD = (0.0, 0.5, 1.0, -1.0, 1e30, math.inf, -math.inf, math.nan)


@cache
def wild(task):
    """Controllers of as many evaluations: one for each constant of WILD, one noise, one noise with NaNs in it."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 3, (64, task.outputs, 2, task.episodes))
    noise[:, :, 1][rng.random(noise[:, :, 1].shape) < 0.1] = np.nan
    constant = np.broadcast_to(np.array(WILD)[:, None], (64, task.outputs, len(WILD), task.episodes))
    script = np.concatenate([constant, noise], axis=2).reshape(64, task.outputs, -1).astype(np.float32)
    return lambda t, observations, states: jnp.array(script)[t % 64]


@partial(jax.jit, static_argnums=0)
def evaluated(task):
    """Fitness and passed of each of these controllers, the length of their episodes, and their last states."""
    finals, length = play(task, wild(task), starts(task, len(WILD) + 2))
    return *measure(task, finals), length, finals


evaluated_once = cache(evaluated)


def described(tree):
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, getattr(leaf, "weak_type", False)), tree)


@task_cases
def test_any_output_gives_finite_fitness_within_the_ceiling(task):
    copies = len(WILD) + 2
    fitness, passed, length, _ = evaluated_once(task)
    assert length.min() >= 1, "an episode did not end"
    assert length.max() <= task.steps
    assert described((fitness, passed)) == (((copies,), jnp.float32, False), ((copies,), bool, False))
    assert np.isfinite(fitness).all()
    assert 0 <= fitness.min() <= fitness.max() <= task.ceiling
    assert not passed[WILD.index(math.nan)]


@task_cases
def test_agent_steps_are_those_lived(task):
    """In the first evaluations each episode is as long as it was, the step in which it failed included."""
    _, _, length, finals = evaluated_once(task)
    by_copy = lambda leaf: leaf.reshape(*leaf.shape[:-1], -1, task.episodes)
    finals = jax.tree.map(lambda leaf: jnp.moveaxis(by_copy(leaf), (-2, -1), (0, 1)), finals)
    lived = jax.vmap(task.lived)(finals)
    assert lived.dtype == jnp.int32
    np.testing.assert_array_equal(lived, by_copy(length).sum(-1))


@task_cases
def test_shapes_and_types_stay(task):
    lanes = 3
    states = jax.eval_shape(lambda: starts(task, lanes))
    num = lanes * task.episodes
    assert all(leaf.shape[-1] == num for leaf in jax.tree.leaves(states))
    assert all(leaf.dtype in (jnp.float32, jnp.int32, bool) for leaf in jax.tree.leaves(states))
    seen = jax.eval_shape(lambda s: observe(task, s), states)
    assert described(seen) == ((task.inputs, num), jnp.float32, False)
    outputs = jax.ShapeDtypeStruct((task.outputs, num), jnp.float32)
    after, done = jax.eval_shape(lambda s, o: step(task, s, o), states, outputs)
    assert described(after) == described(states)
    assert described(done) == ((num,), bool, False)


@task_cases
def test_an_evaluation_follows_from_its_key(task):
    jax.tree.map(np.testing.assert_array_equal, evaluated_once(task), evaluated(task))


@task_cases
def test_a_task_is_a_static_value(task):
    assert hash(task) == hash(type(task)(**vars(task)))
    assert task == type(task)(**vars(task))
    for exam in task.exams:
        assert (exam.inputs, exam.outputs) == (task.inputs, task.outputs), "an exam must suit the same network"


def test_random_starts_differ_between_episodes_and_keys():
    task = CASES["cartpole"]
    states = starts(task, 2)
    assert len(np.unique(states.x)) == 2 * task.episodes
    every = np.abs(observe(task, starts(task, 400)))
    assert every.max() <= 0.05
    assert every.mean() == pytest.approx(0.025, rel=0.05)
