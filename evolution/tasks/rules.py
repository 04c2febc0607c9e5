"""Tasks played by hand: for each task a rule that solves it, or does what a person would try first, and chance.

A rule is an `act(key, mind, memory, observation) -> (memory, action)`, as the minds of the world are (`sim.step`), that
ignores its mind. The pole balancers are linear-quadratic regulators (Kalman 1960) of the tasks' own equations, about
the upright; the T-maze and the recall of bits are played perfectly; foraging is the greedy script of
`agents.scripted`, which is a yardstick and no optimum. They are the rung below every network that had to learn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from agents import scripted
from evolution.tasks.base import Task
from evolution.tasks.cartpole import CartPole
from evolution.tasks.double_pole import FORCE, POSITIONS, SCALES, TAU, DoublePole
from evolution.tasks.forage import Forage
from evolution.tasks.memory import Memory
from evolution.tasks.t_maze import CUES, EAST, JUNCTION, NORTH, SOUTH, TMaze

Act = Callable[[jax.Array, Any, Any, jax.Array], tuple[Any, jax.Array]]
Rule = tuple[Act, Any]
"""How to act, and the memory of one body at the start of its life."""

CARTPOLE_GAINS = (0.910, 2.132, 30.59, 7.842)  # N per m, m/s, rad, rad/s: x, v, angle, spin; costs 1 each, of N² 1
DOUBLE_POLE_GAINS = (-1.697, -3.602, -67.10, -17.76, 48.83, 4.355)  # N, as `double_pole.NAMES`; costs 1 each, of N² 0.1


def rule_of(task: Task) -> Rule:
    """The rule for a task. Raises `ValueError` where there is none, naming the tasks that have one."""
    for kind, rule in RULES.items():
        if isinstance(task, kind):
            return rule(task)
    names = ", ".join(kind.__name__ for kind in RULES)
    raise ValueError(f"{type(task).__name__} has no rule written by hand; {names} have")


def chance_of(task: Task) -> Rule:
    """Actions at random: uniform over the numbers from 0 to 1 that tasks read, or over all acts of a world."""
    if isinstance(task, Forage):
        return scripted.random_policy(task.world), ()

    def act(key: jax.Array, mind: Any, memory: Any, obs: jax.Array) -> tuple[Any, jax.Array]:
        del mind, obs
        return memory, jax.random.uniform(key, (task.outputs,))

    return act, ()


def cartpole(task: CartPole) -> Rule:
    """Pushes to the side that the regulator would, with all force."""

    def act(key: jax.Array, mind: Any, memory: Any, obs: jax.Array) -> tuple[Any, jax.Array]:
        del key, mind
        right = (_weighted(CARTPOLE_GAINS, obs) > 0).astype(jnp.float32)
        return memory, jnp.stack([1 - right, right]) if task.outputs == 2 else right[None]

    return act, ()


def double_pole(task: DoublePole) -> Rule:
    """The regulator's force. Where velocities are hidden they are taken to be the last changes; at first, none."""

    def act(key: jax.Array, mind: Any, memory: Any, obs: jax.Array) -> tuple[Any, jax.Array]:
        del key, mind
        if task.velocities:
            motion = [obs[i] * scale for i, scale in enumerate(SCALES)]
            return memory, _force(motion)
        place = jnp.stack([obs[i] * SCALES[j] for i, j in enumerate(POSITIONS)])
        last = jnp.where(jnp.isnan(memory), place, memory)
        speed = (place - last) / (2 * TAU)
        return place, _force([part[i] for i in range(len(POSITIONS)) for part in (place, speed)])

    return act, () if task.velocities else jnp.full(len(POSITIONS), jnp.nan)


def _force(motion: list[jax.Array]) -> jax.Array:
    """The output `[1]` that pushes as the regulator would at `motion`."""
    return (0.5 + _weighted(DOUBLE_POLE_GAINS, motion) / (2 * FORCE))[None]


def _weighted(gains: tuple[float, ...], variables: Any) -> jax.Array:
    """Their sum, in order: a dot product would be summed in another order on another device."""
    return sum((gain * variables[i] for i, gain in enumerate(gains)), jnp.float32(0))


def t_maze(task: TMaze) -> Rule:
    """East along the corridor, then to the side of the cue. Memory: that side, 1 north, -1 south."""
    del task
    north, south, junction = (jnp.array(bits, jnp.float32) for bits in (*CUES, JUNCTION))

    def act(key: jax.Array, mind: Any, memory: jax.Array, obs: jax.Array) -> tuple[Any, jax.Array]:
        del key, mind
        here = lambda place: jnp.all(obs[:3] == place)  # a fourth would be the trace of the cue
        side = jnp.where(here(north), 1, jnp.where(here(south), -1, memory))
        turn = jnp.where(side > 0, NORTH, SOUTH)
        move = jnp.where(here(junction), turn, EAST)
        return side, jax.nn.one_hot(move, 4)

    return act, jnp.int32(0)


def memory(task: Memory) -> Rule:
    """A register that bits are pushed into and come out of in the same order. Memory: its bits, oldest first."""

    def act(key: jax.Array, mind: Any, memory: jax.Array, obs: jax.Array) -> tuple[Any, jax.Array]:
        del key, mind
        bit, store, recall = obs
        moved = jnp.append(memory[1:], bit)
        return jnp.where((store > 0) | (recall > 0), moved, memory), memory[:1]

    return act, jnp.zeros(task.length)


def forage(task: Forage) -> Rule:
    """`agents.scripted.greedy_policy`. Raises `ValueError` without the senses that it needs."""
    if task.features != "raw":
        raise ValueError(f"the greedy mind needs the senses as they are, and task.features is {task.features}")
    return scripted.greedy_policy(task.world, task.params), ()


RULES: dict[type, Callable[..., Rule]] = {
    CartPole: cartpole,
    DoublePole: double_pole,
    TMaze: t_maze,
    Memory: memory,
    Forage: forage,
}
