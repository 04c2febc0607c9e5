"""Recalling a sequence of bits after a delay: solvable with memory only.

Three inputs (the bit, a flag that says store, a flag that says recall) present `length` bits, then nothing for
`delay` steps, then ask for the bits in order; the output is read on the steps that ask. neat-python's example
`memory-fixed` does so with no store flag and no delay. With every pattern among the episodes, a network without
memory, even one that counts steps, says the same for a bit and its opposite: its fitness is 0.5 at most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from evolution.tasks.base import Task
from sim.config import key as tunable

ENUMERATED = 3  # up to this length the episodes are all patterns
EXAMINED = 256  # patterns of an exam
NOISE_BITS = 31


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """A pattern on its way through a network."""

    pattern: jax.Array  # [] int32 whose bits 0…length-1 are to be stored and recalled, in this order
    noise: jax.Array  # [] int32 whose bits are shown, over and over, during the delay
    t: jax.Array  # [] int32 steps so far
    credit: jax.Array  # [] float32 Σ (1 - |error|) of the bits recalled so far, no bit below 0
    right: jax.Array  # [] int32 bits recalled on the right side of 0.5


@dataclass(frozen=True)
class Memory:
    """Observations: bit, store, recall, each 0 or 1. Output: the bit asked for, as a number near 0 or 1."""

    length: int = tunable(2, "bits to remember", low=1, high=16, unit="bits")
    delay: int = tunable(3, "steps between the last bit shown and the first asked for", low=0, high=10_000)
    noise: bool = tunable(False, "random bits, without the store flag, are shown during the delay; else zeros")
    samples: int = tunable(16, f"random patterns per evaluation, for more than {ENUMERATED} bits", low=1, high=10_000)

    inputs = 3
    outputs = 1
    ceiling = 1.0

    @property
    def exams(self) -> tuple[Task, ...]:
        """Fresh patterns and noise, where an evaluation is a sample of them."""
        if self.length > ENUMERATED:
            return (replace(self, samples=max(EXAMINED, self.samples)),)
        return (self,) if self.noise else ()

    ends = ("bit", "store", "recall"), ("answer",)

    @property
    def episodes(self) -> int:
        return 2**self.length if self.length <= ENUMERATED else self.samples

    @property
    def steps(self) -> int:
        return 2 * self.length + self.delay

    def reset(self, key: jax.Array, episode: jax.Array) -> State:
        k_pattern, k_noise = jax.random.split(jax.random.fold_in(key, episode))
        drawn = jax.random.randint(k_pattern, (), 0, 2**self.length)
        noise = jax.random.randint(k_noise, (), 0, jnp.iinfo(jnp.int32).max) if self.noise else jnp.int32(0)
        pattern = jnp.int32(episode) if self.length <= ENUMERATED else drawn
        return State(pattern=pattern, noise=noise, t=jnp.int32(0), credit=jnp.float32(0), right=jnp.int32(0))

    def observe(self, state: State) -> jax.Array:
        store = state.t < self.length
        recall = state.t >= self.length + self.delay
        shown = jnp.where(store, state.pattern >> jnp.minimum(state.t, self.length), 0)
        distraction = jnp.where(store | recall, 0, state.noise >> (state.t % NOISE_BITS))
        return jnp.stack([(shown | distraction) & 1, store, recall]).astype(jnp.float32)

    def step(self, state: State, output: jax.Array) -> tuple[State, jax.Array]:
        place = state.t - self.length - self.delay
        asked = place >= 0
        bit = ((state.pattern >> jnp.maximum(place, 0)) & 1).astype(jnp.float32)
        error = jnp.abs(output[0] - bit)
        after = State(
            pattern=state.pattern,
            noise=state.noise,
            t=state.t + 1,
            credit=state.credit + jnp.where(asked & (error < 1), 1 - error, 0),  # NaN earns nothing
            right=state.right + (asked & ((output[0] - 0.5) * (bit - 0.5) > 0)),
        )
        return after, after.t >= self.steps

    def fitness(self, finals: State) -> jax.Array:
        """1 - mean |error| over all bits and episodes."""
        return (finals.credit / self.length).mean(0)

    def passed(self, finals: State) -> jax.Array:
        return jnp.all(finals.right == self.length, axis=0)

    def lived(self, finals: State) -> jax.Array:
        return finals.t.sum(0)
