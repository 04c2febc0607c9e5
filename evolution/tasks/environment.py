"""Tasks as environments, so that minds that learn by reward and minds that evolve are after the same number.

The reward of a step is what it adds to the fitness that the task gives to this episode alone, a potential: rewards
of an episode sum up to its fitness, and their mean over episodes is the task's fitness. That holds for tasks whose
fitness is a mean over episodes; others are refused. A time limit that is not part of the task truncates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from agents.environments.base import Environment, Step
from agents.environments.foraging import Foraging
from evolution.tasks.base import EpisodicTask, Task
from evolution.tasks.cartpole import CartPole
from evolution.tasks.double_pole import DoublePole
from evolution.tasks.forage import Forage
from evolution.tasks.memory import Memory
from evolution.tasks.t_maze import TMaze

FORCES = (0.0, 0.25, 0.5, 0.75, 1.0)  # outputs of the double pole's menu
LIMITS: dict[type, str] = {CartPole: "steps", DoublePole: "steps", TMaze: "patience"}
"""Field of each task that only ends an episode. The episodes of the others, Memory, end of themselves."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """One episode of a task."""

    task: Any  # the task's own state
    t: jax.Array  # [] int32 steps so far
    over: jax.Array  # [] bool: nothing changes any more


@dataclass(frozen=True)
class Episodic:
    """An episodic task as an environment of one body."""

    task: EpisodicTask

    bodies = 1
    bounds = (0.0, 1.0)

    @property
    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return self.task.ends

    @property
    def episodes(self) -> int:
        return self.task.episodes

    @property
    def steps(self) -> int:
        return self.task.steps

    @property
    def menu(self) -> tuple[tuple[float, ...], ...]:
        """One output at its most and the others at their least; of a lone output, its extremes, or five forces."""
        num = self.task.outputs
        if num == 1:
            return tuple((force,) for force in (FORCES if isinstance(self.task, DoublePole) else (0.0, 1.0)))
        return tuple(tuple(float(i == k) for i in range(num)) for k in range(num))

    @property
    def _unlimited(self) -> Any:
        """The same task that allows a step more: at the limit of steps it is over only for reasons of its own."""
        limit = LIMITS.get(type(self.task))
        return self.task if limit is None else replace(self.task, **{limit: getattr(self.task, limit) + 1})  # type: ignore

    def _worth(self, state: Any) -> jax.Array:
        """The task's fitness of this episode alone, [] float32."""
        return self.task.fitness(jax.tree.map(lambda leaf: leaf[None], state))

    def start(self, key: jax.Array, episode: jax.Array) -> State:
        task = self.task.reset(jax.random.fold_in(key, episode), episode)
        return State(task=task, t=jnp.int32(0), over=jnp.array(False))

    def observe(self, state: State) -> jax.Array:
        return jnp.where(state.over, 0.0, self.task.observe(state.task))[None]

    def step(self, state: State, action: jax.Array) -> tuple[State, Step]:
        after, done = self._unlimited.step(state.task, action[0])
        after = jax.tree.map(lambda new, old: jnp.where(state.over, old, new), after, state.task)
        t = jnp.where(state.over, state.t, state.t + 1)
        over = state.over | done
        reward = self._worth(after) - self._worth(state.task)
        told = Step(reward=reward[None], terminated=over[None], truncated=~over & (t >= self.steps))
        return State(task=after, t=t, over=over), told


def environment_of(task: Task) -> Environment:
    """The task as an environment; ValueError, saying why, for tasks that are none."""
    if isinstance(task, Forage):
        return _foraging(task)
    if type(task) in (CartPole, DoublePole, TMaze, Memory):
        return Episodic(task)
    raise ValueError(f"{type(task).__name__}: its fitness is not the mean over episodes of what their steps earn")


def _foraging(task: Forage) -> Foraging:
    if task.mode != "own":
        raise ValueError(f"mode = {task.mode!r}: must be 'own'; in a shared world fitness is relative to the others")
    if task.blind:
        raise ValueError("blind = True: must be False; learners by reward have their own observations")
    return task.environment
