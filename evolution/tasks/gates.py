"""Logic gates: AND and OR, which a network without hidden nodes can compute, and XOR, which it cannot.

The four rows of the truth table are the four episodes. Fitness and criterion are those of Stanley and
Miikkulainen (2002, section 4.1): (4 - Σ|error|)², solved when every output lies on the right side of 0.5. Their
bias is an input of 1; here nodes have bias genes, and `bias_input` adds theirs. A recurrent network is shown a row
for `settle` steps and its last output counts, since a signal takes one step per layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from sim.config import key as tunable

TRUTH = {"and": (0.0, 0.0, 0.0, 1.0), "or": (0.0, 1.0, 1.0, 1.0), "xor": (0.0, 1.0, 1.0, 0.0)}
"""Targets of the rows 00, 01, 10, 11."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """One row of the truth table being shown."""

    row: jax.Array  # [] int32 0…3, whose bits are the two inputs
    t: jax.Array  # [] int32 steps so far
    output: jax.Array  # [] float32 last output


@dataclass(frozen=True)
class Gate:
    """A two-input gate. Observations: the two bits as 0 or 1. Output: the answer as a number near 0 or 1."""

    gate: str = tunable("xor", "truth table", choices=tuple(TRUTH))
    settle: int = tunable(1, "steps that a row is shown; more for recurrent networks", low=1, high=1000, unit="steps")
    bias_input: bool = tunable(False, "a third input that is always 1, as in the NEAT paper")

    outputs = 1
    episodes = 4
    ceiling = 16.0
    exams = ()

    @property
    def inputs(self) -> int:
        return 3 if self.bias_input else 2

    @property
    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return ("a", "b", "one")[: self.inputs], ("answer",)

    @property
    def steps(self) -> int:
        return self.settle

    def reset(self, key: jax.Array, episode: jax.Array) -> State:
        return State(row=jnp.int32(episode), t=jnp.int32(0), output=jnp.float32(0))

    def observe(self, state: State) -> jax.Array:
        bits = [state.row // 2, state.row % 2] + [jnp.ones_like(state.row)] * self.bias_input
        return jnp.stack(bits).astype(jnp.float32)

    def step(self, state: State, output: jax.Array) -> tuple[State, jax.Array]:
        state = State(row=state.row, t=state.t + 1, output=output[0])
        return state, state.t >= self.settle

    def targets(self, finals: State) -> jax.Array:
        """Right answers `[E]`."""
        return jnp.array(TRUTH[self.gate])[finals.row]

    def fitness(self, finals: State) -> jax.Array:
        error = jnp.abs(finals.output - self.targets(finals))
        error = jnp.where(error < 4, error, 4.0)  # beyond 4 the square would grow again; NaN is no better
        return jnp.maximum(4 - error.sum(0), 0) ** 2

    def passed(self, finals: State) -> jax.Array:
        """An output of exactly 0.5 is on neither side."""
        return jnp.all((finals.output - 0.5) * (self.targets(finals) - 0.5) > 0, axis=0)

    def lived(self, finals: State) -> jax.Array:
        return finals.t.sum(0)
