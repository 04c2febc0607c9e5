"""Balancing one pole on a cart: Gymnasium's CartPole-v1, step by step, in float32.

Equations of Barto, Sutton and Anderson (1983) as corrected by Florian (2007): no friction, explicit Euler at
0.02 s, a push of ±10 N, failure beyond ±2.4 m or ±12°, 500 steps at most. Each step, the failing one included,
counts 1, as in Gymnasium; solved at its threshold, a mean of 475, in the evaluation and then over 100 fresh starts.
A small population of random networks often holds a solver: use it for speed and not as evidence of evolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from evolution.tasks.angles import small_sin_cos
from evolution.tasks.base import Task
from sim.config import key as tunable

GRAVITY = 9.8  # m/s²
CART = 1.0  # kg
POLE = 0.1  # kg
HALF_LENGTH = 0.5  # m
FORCE = 10.0  # N
TAU = 0.02  # s
TRACK = 2.4  # m either side of the middle
FALLEN = math.radians(12)
EXAMINED = 100  # starts of an exam
START = 0.05  # each variable starts uniform within ± this


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """Cart and pole."""

    x: jax.Array  # [] float32 m, cart
    v: jax.Array  # [] float32 m/s, cart
    angle: jax.Array  # [] float32 rad, pole, 0 upright, growing to the right
    spin: jax.Array  # [] float32 rad/s, pole
    t: jax.Array  # [] int32 steps so far


def physics(state: State, force: jax.Array) -> State:
    """One Euler step under `force` `[]` in N."""
    total = CART + POLE
    sine, cosine = small_sin_cos(state.angle)
    temp = (force + POLE * HALF_LENGTH * state.spin**2 * sine) / total
    spin_rate = (GRAVITY * sine - cosine * temp) / (HALF_LENGTH * (4 / 3 - POLE * cosine**2 / total))
    rate = temp - POLE * HALF_LENGTH * spin_rate * cosine / total
    return State(
        x=state.x + TAU * state.v,
        v=state.v + TAU * rate,
        angle=state.angle + TAU * state.spin,
        spin=state.spin + TAU * spin_rate,
        t=state.t + 1,
    )


@dataclass(frozen=True)
class CartPole:
    """Observations: x, v, angle, spin, unscaled. Two outputs: the larger decides, a tie pushes left, as `argmax`
    does. One output: above 0.5 pushes right."""

    episodes: int = tunable(5, "random starts per evaluation", low=1, high=1000)
    steps: int = tunable(500, "most steps of an episode", low=1, high=1_000_000, unit="steps of 0.02 s")
    outputs: int = tunable(2, "outputs: two that compete, or one with a threshold", low=1, high=2)

    inputs = 4

    @property
    def exams(self) -> tuple[Task, ...]:
        """As many starts as Gymnasium's threshold is a mean of."""
        return (replace(self, episodes=EXAMINED),)

    @property
    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return ("x", "v", "angle", "spin"), ("left", "right") if self.outputs == 2 else ("right",)

    @property
    def ceiling(self) -> float:
        return float(self.steps)

    def reset(self, key: jax.Array, episode: jax.Array) -> State:
        x, v, angle, spin = jax.random.uniform(jax.random.fold_in(key, episode), (4,), minval=-START, maxval=START)
        return State(x=x, v=v, angle=angle, spin=spin, t=jnp.int32(0))

    def observe(self, state: State) -> jax.Array:
        return jnp.stack([state.x, state.v, state.angle, state.spin])

    def step(self, state: State, output: jax.Array) -> tuple[State, jax.Array]:
        right = output[1] > output[0] if self.outputs == 2 else output[0] > 0.5
        state = physics(state, jnp.where(right, FORCE, -FORCE))
        standing = (jnp.abs(state.x) <= TRACK) & (jnp.abs(state.angle) <= FALLEN)
        return state, ~standing | (state.t >= self.steps)

    def fitness(self, finals: State) -> jax.Array:
        """Mean length of the episodes in steps."""
        return finals.t.astype(jnp.float32).mean(0)

    @property
    def threshold(self) -> float:
        """Fitness that passes: Gymnasium's 475 of 500."""
        return 0.95 * self.steps

    def passed(self, finals: State) -> jax.Array:
        return self.fitness(finals) >= self.threshold

    def lived(self, finals: State) -> jax.Array:
        return finals.t.sum(0)
