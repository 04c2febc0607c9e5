"""Memory and T-maze: what is shown when, that memory solves them, and that nothing without memory does."""

import itertools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution.tasks import TASKS
from evolution.tasks.t_maze import EAST, NORTH, SOUTH, WEST
from tests.episodes import measure, observe, play, starts, step

MEMORIES = [TASKS["memory"](length=length, delay=delay) for length, delay in ((1, 0), (1, 5), (2, 3), (3, 1))]
lengths = pytest.mark.parametrize("task", MEMORIES, ids=lambda task: f"{task.length}-{task.delay}")


def lockstep(task, act):
    """All episodes with a controller that keeps a Python object as its memory: last states, and what was seen."""
    states, seen, memory, done = starts(task, 1), [], None, np.array(False)
    while not done.all():
        seen.append(np.array(observe(task, states)))
        outputs, memory = act(seen[-1], memory)
        states, done = step(task, states, outputs.astype(np.float32))
        assert done.all() == done.any(), "these episodes are equally long"
    return states, np.array(seen)


def queue(seen, memory):
    """Bits go into a queue when the store flag is up, and come out when the recall flag is."""
    memory = memory or [[] for _ in range(seen.shape[1])]
    out = np.full((1, seen.shape[1]), 0.7)
    for lane, (bit, store, recall) in enumerate(seen.T):
        if store:
            memory[lane].append(bit)
        if recall:
            out[0, lane] = memory[lane].pop(0)
    return out, memory


@lengths
def test_the_tape_shows_every_pattern_then_nothing_then_asks(task):
    _, seen = lockstep(task, queue)
    patterns = list(itertools.product((0, 1), repeat=task.length))
    shown = [tuple(row) for row in seen[: task.length, 0].T.astype(int)]
    assert sorted(shown) == patterns, "each pattern is one episode"
    ask = task.length + task.delay
    np.testing.assert_array_equal(seen[:, 1], np.arange(task.steps)[:, None] < np.full(task.episodes, task.length))
    np.testing.assert_array_equal(seen[:, 2], np.arange(task.steps)[:, None] >= np.full(task.episodes, ask))
    assert not seen[task.length :, 0].any()


@pytest.mark.parametrize("task", [*MEMORIES, TASKS["memory"](length=6, delay=9, noise=True)], ids=str)
def test_a_queue_recalls_everything(task):
    finals, seen = lockstep(task, queue)
    assert measure(task, finals) == (1, True)
    assert seen[task.length : task.length + task.delay, 0].any() == task.noise


@lengths
def test_without_memory_chance_is_the_limit(task):
    """Any answer that depends on the step alone (more than a memoryless network knows) earns at most 0.5."""
    schedules = np.random.default_rng(0).normal(0.5, 0.6, (300, task.steps))
    schedules[:3] = [[0.0], [0.4], [1.0]]
    script = np.repeat(schedules.astype(np.float32).T, task.episodes, axis=1)
    finals, _ = play(task, lambda t, seen, states: jnp.array(script)[t][None], starts(task, len(schedules)))
    fitness, passed = measure(task, finals)
    assert fitness.max() <= 0.5 + 1e-6
    np.testing.assert_allclose(fitness[:3], 0.5, rtol=1e-6)
    assert not passed.any()


def test_long_sequences_are_drawn_and_noise_is_no_cue():
    task = TASKS["memory"](length=6, delay=40, noise=True, samples=500)
    states = starts(task, 1)
    assert len(np.unique(states.pattern)) > 55, "of 64 patterns"
    assert states.pattern.max() < 64
    for t in (6, 20, 45):
        delayed = replace(states, t=np.full(500, t))
        seen = np.array(observe(task, delayed))
        assert seen[0].mean() == pytest.approx(0.5, abs=0.1)
        assert not seen[1:].any()


def compass(moves):
    """Outputs `[4, L]` that move as told, `moves` `[L]`."""
    return np.eye(4)[np.asarray(moves)].T


def test_no_memoryless_policy_beats_chance_in_the_t_maze():
    """All 4⁴ deterministic maps from what is seen to a move: one side at most, so (1 + 0.25)/2."""
    task = TASKS["t_maze"](length=3)
    policies = np.array(list(itertools.product(range(4), repeat=4)))
    places = np.array([[0, 1, 1], [1, 1, 0], [1, 0, 1], [0, 1, 0]])
    table = jnp.array(np.repeat(policies.T, task.episodes, axis=1))

    def act(t, seen, states):
        place = jnp.argmax((seen[None] == places[:, :, None]).all(1), axis=0)
        return jax.nn.one_hot(jnp.take_along_axis(table, place[None], axis=0)[0], 4, axis=0)

    finals, _ = play(task, act, starts(task, len(policies)))
    fitness, passed = measure(task, finals)
    assert fitness.max() == pytest.approx(0.625)
    assert not passed.any()
    ahead = (policies[:, :3] == EAST).all(1)
    turns = np.isin(policies[:, 3], (NORTH, SOUTH))
    np.testing.assert_allclose(fitness[ahead & turns], 0.625)
    np.testing.assert_allclose(fitness[ahead & ~turns], 0.25)


@pytest.mark.parametrize("length", (1, 10))
def test_remembering_the_cue_solves_the_t_maze_by_the_shortest_way(length):
    task = TASKS["t_maze"](length=length)

    def act(seen, memory):
        memory = np.where(seen[0] == 0, NORTH, SOUTH) if memory is None else memory
        return compass(np.where((seen == [[0], [1], [0]]).all(0), memory, EAST)), memory

    finals, seen = lockstep(task, act)
    assert measure(task, finals) == (1, True)
    np.testing.assert_array_equal(finals.t, length + 1)
    np.testing.assert_array_equal(seen[0].T, [[0, 1, 1], [1, 1, 0]])
    if length > 1:
        np.testing.assert_array_equal(seen[1], np.array([[1, 1], [0, 0], [1, 1]]))


def test_walls_stop_and_the_wrong_turn_ends_it():
    """A script of moves, the place after each, and the turn north, which is right for the first cue only."""
    task = TASKS["t_maze"](length=2, patience=50)
    script = [WEST, NORTH, EAST, NORTH, SOUTH, WEST, EAST, EAST, EAST, NORTH]
    places = [0, 0, 1, 1, 1, 0, 1, 2, 2, 2]
    states = starts(task, 1)
    for move, place in zip(script, places, strict=True):
        states, done = step(task, states, jnp.array(compass([move, move])))
        np.testing.assert_array_equal(states.x, place)
        np.testing.assert_array_equal(done, move == NORTH and place == 2)
    np.testing.assert_array_equal(states.right, [True, False])
    assert measure(task, states) == (0.625, False)
