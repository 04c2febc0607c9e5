"""A T-maze with memory: a cue at the start of a corridor says on which side of its far end the reward lies.

The long-term dependency task of Bakker (2002): three binary observations name the place (cue 011 or 110,
corridor 101, junction 010), four actions are the compass directions, a move into a wall stays in place. Both cues
are episodes, so an evaluation is deterministic. A network without memory does the same at the junction in both,
and is right in one at most. Bakker's rewards are for learning; here progress counts a quarter, the turn the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from sim.config import key as tunable

NORTH, EAST, SOUTH, WEST = 0, 1, 2, 3
CUES = ((0, 1, 1), (1, 1, 0))  # reward lies north, south
CORRIDOR = (1, 0, 1)
JUNCTION = (0, 1, 0)
PROGRESS = 0.25  # fitness of reaching the junction; the right turn there earns what is missing to 1


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """An animal in the maze."""

    side: jax.Array  # [] int32 of the reward: 0 north, 1 south
    x: jax.Array  # [] int32 cells from the start, 0…length
    furthest: jax.Array  # [] int32 largest x so far
    right: jax.Array  # [] bool it turned to the reward
    t: jax.Array  # [] int32 steps so far


@dataclass(frozen=True)
class TMaze:
    """Observations: three bits, and with `trace` the cue. Outputs: the largest of four is the move north, east, south
    or west."""

    length: int = tunable(10, "cells from the cue to the junction", low=1, high=10_000, unit="cells")
    patience: int = tunable(10, "steps allowed beyond the shortest way", low=0, high=1_000_000, unit="steps")

    trace: bool = tunable(False, "a last input that is 1 after the cue for north, else -1: no memory is needed")

    outputs = 4
    episodes = 2
    ceiling = 1.0
    exams = ()

    @property
    def inputs(self) -> int:
        return 4 if self.trace else 3

    @property
    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return ("bit0", "bit1", "bit2", "cue")[: self.inputs], ("north", "east", "south", "west")

    @property
    def steps(self) -> int:
        return self.length + 1 + self.patience

    def reset(self, key: jax.Array, episode: jax.Array) -> State:
        zero = jnp.int32(0)
        return State(side=jnp.int32(episode), x=zero, furthest=zero, right=jnp.array(False), t=zero)

    def observe(self, state: State) -> jax.Array:
        start, junction = state.x == 0, state.x == self.length
        bits = []
        for north, south, corridor, crossing in zip(*CUES, CORRIDOR, JUNCTION, strict=True):
            cue = jnp.where(state.side == 0, north, south)
            bits.append(jnp.where(start, cue, jnp.where(junction, crossing, corridor)))
        bits += [1 - 2 * state.side] * self.trace
        return jnp.stack(bits).astype(jnp.float32)

    def step(self, state: State, output: jax.Array) -> tuple[State, jax.Array]:
        move = jnp.argmax(jnp.where(jnp.isnan(output), -jnp.inf, output), axis=0)
        turned = (state.x == self.length) & ((move == NORTH) | (move == SOUTH))
        x = jnp.clip(state.x + (move == EAST) - (move == WEST), 0, self.length)
        after = State(
            side=state.side,
            x=x,
            furthest=jnp.maximum(state.furthest, x),
            right=turned & ((move == NORTH) == (state.side == 0)),
            t=state.t + 1,
        )
        return after, turned | (after.t >= self.steps)

    def fitness(self, finals: State) -> jax.Array:
        progress = finals.furthest / self.length
        return (PROGRESS * progress + (1 - PROGRESS) * finals.right).mean(0)

    def passed(self, finals: State) -> jax.Array:
        return jnp.all(finals.right, axis=0)

    def lived(self, finals: State) -> jax.Array:
        return finals.t.sum(0)
