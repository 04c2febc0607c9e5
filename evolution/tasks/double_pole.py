"""Balancing two poles of different length on one cart, with velocities and without (Wieland 1991).

Equations, constants and procedure are those of Gomez and Miikkulainen (1999) and Stanley and Miikkulainen (2002,
section 4.2), read in public copies of Stanley's C++ (NEAT and rtNEAT, class `CartPole` of experiments.cpp) and of
Gomez's ESP: fourth-order Runge-Kutta at 0.01 s, two steps per action; friction at the hinges and none at the cart;
start at rest with the long pole at 0.07 rad; failure beyond ±2.4 m or ±36°. The damping fitness is Gruau, Whitley
and Pyeatt's (1996). Outputs are clipped to 0…1, where a sigmoid lies.

Where the copies differ, or differ from the paper: Gomez's lets no force be weaker than 10/256 N, Stanley's does
not and is followed; Stanley's adds a constant input of 0.5 (`bias_input`) to nodes without biases; both count a
failing step as balanced, here it is not; Stanley's pays the damping term from 101 balanced steps, the paper from
100; Stanley's passes a start that was balanced for 999 of 1,000 steps, here it takes all 1,000.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from evolution.tasks.angles import small_sin_cos
from evolution.tasks.base import Task
from sim.config import key as tunable

GRAVITY = -9.8  # m/s², the sign is the authors'
CART = 1.0  # kg
LONG = (0.5, 0.1)  # half length m, mass kg
SHORT = (0.05, 0.01)
HINGE = 2e-6  # kg m²/s, friction
FORCE = 10.0  # N, at outputs 0 and 1
TAU = 0.01  # s, integration step, two per action
TRACK = 2.4  # m either side of the middle
FALLEN = 0.628329  # rad, 36 degrees in the authors' digits
START = 0.07  # rad, long pole

SCALES = (4.8, 2.0, 0.52, 2.0, 0.52, 2.0)  # inputs are the variables over these
NAMES = ("x", "v", "long", "long_spin", "short", "short_spin")
POSITIONS = (0, 2, 4)  # variables that are seen without velocities
WINDOW = 100  # last steps over which the poles must be still

GRID = (0.05, 0.25, 0.5, 0.75, 0.95)  # parts of the ranges below
RANGES = (2.16, 1.35, 0.06283152, 0.15009752)  # ± m, m/s, rad (3.6 degrees), rad/s (8.6 degrees)

Motion = tuple[jax.Array, ...]
"""Cart position and velocity, long pole's angle and angular velocity, short pole's: m, m/s, rad, rad/s, each []."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """Cart and poles, and how long they stood."""

    motion: Motion
    balanced: jax.Array  # [] int32 actions after which all was within bounds
    unrest: jax.Array | None  # [100] float32 |x|+|ẋ|+|θ|+|θ̇| of the last 100 of these, a ring; damping only


def _pole(angle: jax.Array, spin: jax.Array, half: float, mass: float) -> tuple[jax.Array, ...]:
    """Force on the cart, mass it feels, and what the pole's own acceleration is made of."""
    sine, cosine = small_sin_cos(angle)
    pull = HINGE * spin / (half * mass) + GRAVITY * sine
    force = half * mass * spin * spin * sine + 0.75 * mass * cosine * pull
    return force, mass * (1 - 0.75 * cosine * cosine), cosine, pull


def rates(motion: Motion, force: jax.Array) -> Motion:
    """Time derivatives of `motion` under `force` `[]` in N."""
    _, v, long, long_spin, short, short_spin = motion
    force_1, mass_1, cosine_1, pull_1 = _pole(long, long_spin, *LONG)
    force_2, mass_2, cosine_2, pull_2 = _pole(short, short_spin, *SHORT)
    push = (force + force_1 + force_2) / (mass_1 + mass_2 + CART)
    spin_1 = -0.75 / LONG[0] * (push * cosine_1 + pull_1)
    spin_2 = -0.75 / SHORT[0] * (push * cosine_2 + pull_2)
    return v, push, long_spin, spin_1, short_spin, spin_2


def runge_kutta(motion: Motion, force: jax.Array) -> Motion:
    """`motion` after `TAU` seconds of constant `force`."""
    after = lambda time, slope: tuple(y + time * k for y, k in zip(motion, slope, strict=True))
    k1 = rates(motion, force)
    k2 = rates(after(TAU / 2, k1), force)
    k3 = rates(after(TAU / 2, k2), force)
    k4 = rates(after(TAU, k3), force)
    return after(TAU / 6, tuple(a + 2 * (b + c) + d for a, b, c, d in zip(k1, k2, k3, k4, strict=True)))


def standing(motion: Motion) -> jax.Array:
    """Whether cart and poles are within bounds, `[]` bool; not when a variable is NaN."""
    x, _, long, _, short, _ = motion
    return (jnp.abs(x) <= TRACK) & (jnp.abs(long) <= FALLEN) & (jnp.abs(short) <= FALLEN)


def start_motion(x: float = 0.0, v: float = 0.0, long: float = START, long_spin: float = 0.0) -> Motion:
    """A start: the short pole is always upright and still."""
    return tuple(jnp.asarray(value, jnp.float32) for value in (x, v, long, long_spin, 0.0, 0.0))


@dataclass(frozen=True)
class DoublePole:
    """The usual start for up to 100,000 steps of 0.02 s; fitness is the number of steps balanced.

    Observations, scaled to about ±1: x, ẋ, θ₁, θ̇₁, θ₂, θ̇₂, or without velocities x, θ₁, θ₂ (1 the long pole, 2
    the short). Output: 0 pushes left with 10 N, 1 right, 0.5 not at all.
    """

    steps: int = tunable(100_000, "most steps of an episode", low=1, high=10_000_000, unit="steps of 0.02 s")
    velocities: bool = tunable(True, "the network is told velocities; without it needs a memory")
    bias_input: bool = tunable(False, "a last input that is always 0.5, as in Stanley's code")

    outputs = 1
    episodes = 1

    @property
    def exams(self) -> tuple[Task, ...]:
        return ()

    @property
    def inputs(self) -> int:
        return (6 if self.velocities else 3) + self.bias_input

    @property
    def ceiling(self) -> float:
        return float(self.steps)

    @property
    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        seen = range(6) if self.velocities else POSITIONS
        return (*(NAMES[i] for i in seen), *["half"] * self.bias_input), ("force",)

    @property
    def generalisation(self) -> Generalisation:
        """The test of the same controller from 625 other starts, to be reported."""
        return Generalisation(velocities=self.velocities, bias_input=self.bias_input)

    def reset(self, key: jax.Array, episode: jax.Array) -> State:
        return State(motion=start_motion(), balanced=jnp.int32(0), unrest=None)

    def observe(self, state: State) -> jax.Array:
        seen = range(6) if self.velocities else POSITIONS
        scaled = [state.motion[i] / SCALES[i] for i in seen]
        return jnp.stack(scaled + [jnp.full_like(scaled[0], 0.5)] * self.bias_input)

    def step(self, state: State, output: jax.Array) -> tuple[State, jax.Array]:
        force = (jnp.clip(output[0], 0, 1) - 0.5) * 2 * FORCE
        motion = runge_kutta(runge_kutta(state.motion, force), force)
        stands = standing(motion)
        balanced = state.balanced + stands
        return replace(state, motion=motion, balanced=balanced), ~stands | (balanced >= self.steps)

    def fitness(self, finals: State) -> jax.Array:
        return finals.balanced.astype(jnp.float32).mean(0)

    def passed(self, finals: State) -> jax.Array:
        return jnp.all(finals.balanced >= self.steps, axis=0)

    def lived(self, finals: State) -> jax.Array:
        """The step in which a pole fell was lived, though not balanced."""
        return jnp.minimum(finals.balanced + 1, self.steps).sum(0)


@dataclass(frozen=True)
class DampedDoublePole(DoublePole):
    """1,000 steps without velocities, where wagging the poles to learn their angles must not pay (Gruau et al.).

    Fitness is 0.1 t/1000 + 0.9 f, where t is the steps balanced and f is 0 when t < 100, else 0.75 over the sum of
    |x| + |ẋ| + |θ₁| + |θ̇₁| in the last 100 of them. Passing says that exams are worth running; they decide.
    """

    steps: int = tunable(1000, "most steps of an episode", low=WINDOW, high=10_000_000, unit="steps of 0.02 s")
    velocities: bool = tunable(False, "the network is told velocities; without it needs a memory")

    stillest = 1e-6  # least sum that counts, which keeps fitness finite
    ceiling = 0.1 + 0.9 * 0.75 / stillest

    @property
    def exams(self) -> tuple[Task, ...]:
        """100,000 steps from the usual start, and 200 of the 625 starts."""
        return (DoublePole(velocities=self.velocities, bias_input=self.bias_input), self.generalisation)

    def reset(self, key: jax.Array, episode: jax.Array) -> State:
        return replace(super().reset(key, episode), unrest=jnp.zeros(WINDOW))

    def step(self, state: State, output: jax.Array) -> tuple[State, jax.Array]:
        # The write compares instead of indexing: an index per lane would be a scatter. It passes over 400 bytes a
        # lane, which no smaller record can replace, since an episode may end at any step.
        after, done = super().step(state, output)
        unrest = sum(jnp.abs(variable) for variable in after.motion[:4])
        here = (jnp.arange(WINDOW) == state.balanced % WINDOW) & (after.balanced > state.balanced)
        return replace(after, unrest=jnp.where(here, unrest, state.unrest)), done

    def fitness(self, finals: State) -> jax.Array:
        still = 0.75 / jnp.maximum(finals.unrest.sum(-1), self.stillest)
        still = jnp.where(finals.balanced >= WINDOW, still, 0)
        return (0.1 * finals.balanced / self.steps + 0.9 * still).mean(0)


@dataclass(frozen=True)
class Generalisation(DoublePole):
    """625 starts for 1,000 steps each: every combination of five values of x, ẋ, θ₁ and θ̇₁, short pole at rest.

    Passed, as in the paper, when 200 of them are balanced to the end.
    """

    steps: int = tunable(1000, "most steps of an episode", low=1, high=10_000_000, unit="steps of 0.02 s")
    needed: int = tunable(200, "starts to balance", low=0, high=625)

    episodes = len(GRID) ** 4
    ceiling = float(episodes)

    def reset(self, key: jax.Array, episode: jax.Array) -> State:
        digits = [episode // len(GRID) ** place % len(GRID) for place in (3, 2, 1, 0)]
        parts = [jnp.array(GRID)[digit] * 2 - 1 for digit in digits]
        motion = start_motion(*(part * most for part, most in zip(parts, RANGES, strict=True)))
        return State(motion=motion, balanced=jnp.int32(0), unrest=None)

    def score(self, finals: State) -> jax.Array:
        """Number of starts balanced to the end, `[]` int32."""
        return jnp.sum(finals.balanced >= self.steps, axis=0)

    def fitness(self, finals: State) -> jax.Array:
        return self.score(finals).astype(jnp.float32)

    def passed(self, finals: State) -> jax.Array:
        return self.score(finals) >= self.needed
