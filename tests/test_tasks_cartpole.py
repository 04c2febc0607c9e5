"""CartPole against Gymnasium's own, step by step and by whole episodes."""

import gymnasium
import jax.numpy as jnp
import numpy as np
from gymnasium.envs.classic_control import CartPoleEnv

from evolution.tasks import TASKS
from evolution.tasks.cartpole import FALLEN, TRACK, State
from tests.episodes import measure, observe, play, starts, step

TASK = TASKS["cartpole"]()
MOVES = jnp.array([[1.0, 0.0], [0.0, 1.0]])  # outputs that argmax to 0, 1


def state_of(rows):
    """State with lanes last, of rows (x, v, angle, spin)."""
    x, v, angle, spin = jnp.asarray(np.transpose(rows), jnp.float32)
    return State(x=x, v=v, angle=angle, spin=spin, t=jnp.zeros(len(rows), jnp.int32))


ENV = CartPoleEnv()


def theirs(row, action):
    env = ENV
    env.state, env.steps_beyond_terminated = np.float64(row), None
    _, reward, terminated, *_ = env.step(int(action))
    assert reward == 1
    return env.state, terminated


def test_one_step_is_gymnasiums_from_anywhere():
    rng = np.random.default_rng(0)
    rows = (rng.uniform(-1, 1, (1000, 4)) * (2.45, 4, 0.215, 4)).astype(np.float32)
    actions = rng.integers(0, 2, 1000)
    after, done = step(TASK, state_of(rows), MOVES[actions].T)
    expected, terminated = zip(*map(theirs, rows, actions), strict=True)
    np.testing.assert_allclose(observe(TASK, after).T, expected, rtol=1e-5, atol=1e-6)
    expected = np.abs(expected)
    clear = (np.abs(expected[:, 0] - TRACK) > 1e-5) & (np.abs(expected[:, 2] - FALLEN) > 1e-5)
    np.testing.assert_array_equal(np.array(done)[clear], np.array(terminated)[clear])
    assert 100 < sum(terminated) < 900


def test_whole_episodes_are_gymnasiums():
    """Same start and same random actions: same length, same last state."""
    rng = np.random.default_rng(1)
    rows = rng.uniform(-0.05, 0.05, (60, 4)).astype(np.float32)
    script = rng.integers(0, 2, (500, 60))
    lengths, lasts = [], []
    for row, actions in zip(rows, script.T, strict=True):
        env = CartPoleEnv()
        env.state, env.steps_beyond_terminated, terminated, length = np.float64(row), None, False, 0
        while not terminated:
            _, _, terminated, *_ = env.step(int(actions[length]))
            length += 1
        lengths.append(length)
        lasts.append(env.state)
    finals, length = play(TASK, lambda t, seen, states: MOVES[jnp.array(script)[t]].T, state_of(rows))
    np.testing.assert_array_equal(length, lengths)
    np.testing.assert_array_equal(finals.t, lengths)
    np.testing.assert_allclose(observe(TASK, finals).T, lasts, rtol=1e-3, atol=1e-3)


def test_limit_and_threshold_are_gymnasiums():
    spec = gymnasium.spec("CartPole-v1")
    assert TASK.steps == spec.max_episode_steps
    assert TASK.ceiling * 0.95 == spec.reward_threshold


def test_fitness_is_the_mean_length_and_475_passes():
    ends = lambda *lengths: State(*[jnp.zeros(len(lengths))] * 4, t=jnp.array(lengths))
    assert TASK.fitness(ends(500, 500, 500, 500, 375)) == 475
    assert TASK.passed(ends(500, 500, 500, 500, 375))
    assert not TASK.passed(ends(500, 500, 500, 500, 374))


def test_one_output_pushes_right_above_a_half():
    single = TASKS["cartpole"](outputs=1)
    states = state_of(np.zeros((3, 4)))
    after, _ = step(single, states, jnp.array([[0.0, 0.5, 0.51]]))
    np.testing.assert_array_equal(jnp.sign(after.v), [-1, -1, 1])
    after, _ = step(TASK, states, jnp.array([[0.3, 0.3, 0.2], [0.2, 0.3, 0.3]]))
    np.testing.assert_array_equal(jnp.sign(after.v), [-1, -1, 1])


def test_a_linear_controller_passes():
    def act(t, seen, states):
        x, v, angle, spin = seen
        return jnp.stack([jnp.zeros_like(x), angle + 0.3 * spin + 0.05 * x + 0.1 * v])

    finals, length = play(TASK, act, starts(TASK, 1))
    np.testing.assert_array_equal(length, 500)
    assert measure(TASK, finals) == (500, True)
