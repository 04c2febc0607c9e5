"""Double pole balancing: the authors' program in NumPy, Lagrange's equations, laws, and the published figures."""

import itertools
import math
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import solve_discrete_are

from evolution.tasks import TASKS, double_pole
from evolution.tasks.angles import small_sin_cos
from evolution.tasks.double_pole import DampedDoublePole, DoublePole, Generalisation, State
from tests.episodes import measure, observe, play, starts, step

FULL, HIDDEN = TASKS["double_pole"](), TASKS["double_pole_hidden"]()
NUM = 400
RNG = np.random.default_rng


def some_motions(num, seed=0):
    """Random motions `[num, 6]`, all over and a little beyond the bounds."""
    return RNG(seed).uniform(-1, 1, (num, 6)) * (2.5, 3, 0.66, 3, 0.66, 10)


def states_of(motions, unrest=None):
    """State with lanes last, of motions `[L, 6]`."""
    motion = tuple(jnp.asarray(np.transpose(motions), jnp.float32))
    return State(motion=motion, balanced=jnp.zeros(len(motions), jnp.int32), unrest=unrest)


# --- the authors' program, one float64 lane, in the order of its own statements


def reference_step(action, st):
    force = (action - 0.5) * 10.0 * 2
    derivs = np.zeros(6)
    fi, mi, temp, g_sin = [], [], [], []
    for angle, spin, length, mass in ((st[2], st[3], 0.5, 0.1), (st[4], st[5], 0.05, 0.01)):
        g_sin.append(-9.8 * math.sin(angle))
        temp.append(0.000002 * spin / (length * mass))
        sway = length * mass * spin * spin * math.sin(angle)
        fi.append(sway + 0.75 * mass * math.cos(angle) * (temp[-1] + g_sin[-1]))
        mi.append(mass * (1 - 0.75 * math.cos(angle) * math.cos(angle)))
    derivs[1] = (force + fi[0] + fi[1]) / (mi[0] + mi[1] + 1.0)
    derivs[3] = -0.75 * (derivs[1] * math.cos(st[2]) + g_sin[0] + temp[0]) / 0.5
    derivs[5] = -0.75 * (derivs[1] * math.cos(st[4]) + g_sin[1] + temp[1]) / 0.05
    derivs[[0, 2, 4]] = st[[1, 3, 5]]
    return derivs


def reference_action(output, state, derivatives=reference_step):
    """Two Runge-Kutta steps of 0.01 s."""
    for _ in range(2):
        first = derivatives(output, state)
        dyt = derivatives(output, state + 0.005 * first)
        dym = derivatives(output, state + 0.005 * dyt)
        yt, dym = state + 0.01 * dym, dym + dyt
        state = state + 0.01 / 6 * (first + derivatives(output, yt) + 2 * dym)
    return state


def reference_inside(state):
    return abs(state[0]) <= 2.4 and abs(state[2]) <= 0.628329 and abs(state[4]) <= 0.628329


def lagrange(output, state):
    """The same derivatives from the mass matrix of a cart with two uniform rods, by solving a linear system."""
    _, v, a, w, b, u = state
    matrix, right = np.diag([1.0, 0.0, 0.0]), np.array([(output - 0.5) * 20, 0.0, 0.0])
    for row, (angle, spin, half, mass) in enumerate(((a, w, 0.5, 0.1), (b, u, 0.05, 0.01)), 1):
        matrix[0, 0] += mass
        matrix[0, row] = matrix[row, 0] = mass * half * math.cos(angle)
        matrix[row, row] = 4 / 3 * mass * half**2
        right[0] += mass * half * spin**2 * math.sin(angle)
        right[row] = mass * half * 9.8 * math.sin(angle) - 2e-6 * spin
    push, spin_1, spin_2 = np.linalg.solve(matrix, right)
    return np.array([v, push, w, spin_1, u, spin_2])


@pytest.mark.parametrize("derivatives", (reference_step, lagrange))
def test_one_action_is_the_authors(derivatives):
    motions, outputs = some_motions(400).astype(np.float32), RNG(1).random(NUM).astype(np.float32)
    after, done = act_once(states_of(motions), outputs)
    expected = np.array(
        [reference_action(o, m, derivatives) for o, m in zip(np.float64(outputs), np.float64(motions), strict=True)]
    )
    np.testing.assert_allclose(np.transpose(after.motion), expected, rtol=1e-5, atol=3e-6)
    np.testing.assert_array_equal(~done, [reference_inside(state) for state in expected])
    assert 50 < done.sum() < NUM - 50


def act_once(states, outputs):
    return step(FULL, states, np.float32(outputs)[None])


def test_sine_and_cosine_within_a_quarter_turn():
    angles = np.linspace(-np.pi / 2, np.pi / 2, 10_001, dtype=np.float32)
    sine, cosine = jax.jit(small_sin_cos)(angles)
    np.testing.assert_allclose(sine, np.sin(np.float64(angles)), rtol=3e-7)
    np.testing.assert_allclose(cosine, np.cos(np.float64(angles)), atol=2e-7)


def test_nobody_acting_falls_when_the_authors_poles_do():
    """From the usual start with no force, and with full force either way: the same number of steps."""
    task, outputs = DoublePole(steps=500), (0.0, 0.45, 0.5, 1.0)
    finals, length = play(task, lambda t, seen, states: jnp.array([outputs]), starts(task, len(outputs)))
    for lane, output in enumerate(outputs):
        state, balanced = np.array([0, 0, 0.07, 0, 0, 0.0]), 0
        while reference_inside(state := reference_action(output, state)):
            balanced += 1
        assert (finals.balanced[lane], length[lane]) == (balanced, balanced + 1)
        np.testing.assert_allclose([variable[lane] for variable in finals.motion], state, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(measure(task, finals)[0], finals.balanced)


def test_mirrored_poles_move_mirrored():
    """To the bit: force, equations and bounds know no side."""
    motions, outputs = some_motions(NUM, seed=2), RNG(2).integers(0, 1025, NUM) / 1024
    one, done = act_once(states_of(motions), outputs)
    other, done_too = act_once(states_of(-motions), 1 - outputs)
    np.testing.assert_array_equal(np.array(one.motion), -np.array(other.motion))
    np.testing.assert_array_equal(done, done_too)


def energy(motion):
    """Kinetic and potential energy in J of the cart (1 kg) and two uniform rods."""
    _, v, a, w, b, u = motion
    total = v**2 / 2
    for angle, spin, half, mass in ((a, w, 0.5, 0.1), (b, u, 0.05, 0.01)):
        sway = (v + half * spin * jnp.cos(angle)) ** 2 + (half * spin * jnp.sin(angle)) ** 2
        total += mass * sway / 2 + mass * (half * spin) ** 2 / 6 + mass * 9.8 * half * jnp.cos(angle)
    return total


def test_power_is_the_force_on_the_cart_less_the_friction_at_the_hinges():
    motion = tuple(jnp.asarray(some_motions(300, seed=3).T, jnp.float32))
    force = jnp.asarray(RNG(3).uniform(-10, 10, 300), jnp.float32)
    _, power = jax.jvp(energy, (motion,), (double_pole.rates(motion, force),))
    expected = force * motion[1] - 2e-6 * (motion[3] ** 2 + motion[5] ** 2)
    np.testing.assert_allclose(power, expected, rtol=1e-4, atol=2e-4)


def test_energy_stays_without_friction_and_force(monkeypatch):
    monkeypatch.setattr(double_pole, "HINGE", 0.0)
    motions = some_motions(50, seed=4) * 0.2
    first = energy(states_of(motions).motion)
    fall = lambda i, motion: double_pole.runge_kutta(motion, jnp.zeros(50))
    last = jax.lax.fori_loop(0, 20, fall, states_of(motions).motion)
    inside = double_pole.standing(last)
    assert jnp.abs(last[4])[inside].max() > 0.5, "poles were falling"
    np.testing.assert_allclose(energy(last)[inside], first[inside], rtol=1e-5)


def test_bounds():
    """2.4 m and 36 degrees for either pole and side; NaN is out."""
    edges = {0: 2.4, 2: 0.628329, 4: 0.628329}
    for place, edge in edges.items():
        for side in (-1, 1):
            motion = np.zeros((6, 3), np.float32)
            motion[place] = side * edge * (1 - 1e-5), side * edge * (1 + 1e-5), np.nan
            np.testing.assert_array_equal(double_pole.standing(tuple(motion)), [True, False, False])


def test_inputs_are_scaled_as_published():
    motion = np.array([[2.4, 1.0, 0.26, -1.0, -0.52, 2.0]])
    states = states_of(motion)
    full = [0.5, 0.5, 0.5, -0.5, -1, 1]
    np.testing.assert_allclose(observe(FULL, states)[:, 0], full, rtol=1e-6)
    np.testing.assert_allclose(observe(DoublePole(bias_input=True), states)[:, 0], [*full, 0.5], rtol=1e-6)
    np.testing.assert_allclose(observe(HIDDEN, states)[:, 0], full[::2], rtol=1e-6)


def test_outputs_beyond_a_sigmoid_push_no_harder():
    after, _ = act_once(states_of(np.zeros((4, 6))), [-5.0, 0.0, 1.0, np.inf])
    assert after.motion[1][0] == after.motion[1][1] == -after.motion[1][2] == -after.motion[1][3] != 0


def test_the_625_starts_are_the_authors():
    values = (0.05, 0.25, 0.5, 0.75, 0.95)
    published = [
        (a * 4.32 - 2.16, b * 2.70 - 1.35, c * 0.12566304 - 0.06283152, d * 0.30019504 - 0.15009752, 0, 0)
        for a, b, c, d in itertools.product(values, repeat=4)
    ]
    motions = np.transpose(starts(Generalisation(), 1).motion)
    np.testing.assert_allclose(motions, published, rtol=1e-6, atol=1e-7)


@cache
def gains():
    """A linear-quadratic regulator of the six variables, from a linearisation of the authors' program."""
    slope = lambda output, nudge: (
        (reference_action(0.5 + output, nudge) - reference_action(0.5 - output, -nudge)) / 2e-4
    )
    a = np.transpose([slope(0, nudge) for nudge in 1e-4 * np.eye(6)])
    b = slope(1e-4, np.zeros(6))[:, None]
    cost = solve_discrete_are(a, b, np.diag([1.0, 1, 10, 1, 10, 1]), np.eye(1))
    return np.linalg.solve(1 + b.T @ cost @ b, b.T @ cost @ a)[0]


def regulator(scale=1.0):
    """Controller of lanes that looks at the true state: the regulator with its gains times `scale`."""
    control = lambda motion: sum(float(gain) * variable for gain, variable in zip(gains(), motion, strict=True))
    return lambda t, seen, states: (0.5 - scale * control(states.motion))[None]


def test_a_linear_regulator_balances_100000_steps_and_generalises():
    act = regulator()
    finals, length = play(FULL, act, starts(FULL, 1))
    assert length == 100_000
    assert measure(FULL, finals) == (100_000, True)
    test = FULL.generalisation
    finals, length = play(test, act, starts(test, 1))
    assert (test.steps, test.needed, test.episodes) == (1000, 200, 625)
    score = (finals.balanced == 1000).sum()
    assert score > 500
    assert measure(test, finals) == (score, True)


def test_exams_of_the_task_without_velocities():
    """First 100,000 steps from the usual start, then the 625 starts, all without velocities."""
    long, grid = HIDDEN.exams
    assert long == DoublePole(steps=100_000, velocities=False)
    assert grid == Generalisation(steps=1000, needed=200, velocities=False)
    assert FULL.exams == ()
    assert not FULL.generalisation.inputs == HIDDEN.generalisation.inputs == 3


def test_200_starts_pass():
    grid = Generalisation()
    finals = lambda num: State(motion=(), balanced=jnp.where(jnp.arange(625) < num, 1000, 999), unrest=None)
    assert grid.score(finals(200)) == 200
    assert grid.passed(finals(200))
    assert not grid.passed(finals(199))


def test_damping_fitness_is_gruaus():
    """Against the formula applied to the whole history, for lanes that fall early, late and never."""
    task = DampedDoublePole(steps=300)
    scale, wag = jnp.repeat(jnp.array([0.1, 1.0]), 40), jnp.tile(jnp.linspace(0, 2, 40), 2)
    act = lambda t, seen, states: regulator(scale)(t, seen, states) + wag * t / 100 * jnp.sin(0.2 * t)
    states = starts(task, len(scale))
    history = []
    forward = jax.jit(lambda t, s: step(task, s, act(t, None, s)))
    falls = np.full(len(scale), -1)
    for t in range(task.steps):
        states, done = forward(t, states)
        history.append(np.abs(np.array(states.motion[:4], np.float64)).sum(0))
        falls = np.where((falls < 0) & np.array(done), np.array(states.balanced), falls)
    expected = []
    for lane, t in enumerate(falls):
        still = 0 if t < 100 else 0.75 / np.array(history)[t - 100 : t, lane].sum()
        expected.append(0.1 * t / task.steps + 0.9 * still)
    finals, _ = play(task, act, starts(task, len(scale)))
    fitness, passed = measure(task, finals)
    np.testing.assert_array_equal(finals.balanced, falls)
    np.testing.assert_allclose(fitness, expected, rtol=1e-3)
    np.testing.assert_array_equal(passed, falls == task.steps)
    kinds = [(falls < 100).sum(), ((falls >= 100) & (falls < task.steps)).sum(), passed.sum()]
    assert min(kinds) >= 5, kinds


def test_standing_still_pays_and_wagging_does_not():
    """The term's purpose: of two controllers that balance all 1,000 steps, the calm one is fitter."""
    wagging = jnp.array([0.0, 0.1])
    act = lambda t, seen, states: regulator()(t, seen, states) + wagging * jnp.sin(0.2 * t)
    finals, _ = play(HIDDEN, act, starts(HIDDEN, 2))
    (calm, wild), passed = measure(HIDDEN, finals)
    assert passed.all()
    assert calm > 2 * wild
