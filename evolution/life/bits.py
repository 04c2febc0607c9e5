"""A genetic algorithm on strings of bits, and random search, its control: `init`, `ask`, `tell`.

As `evolution.algorithm`, but a population is bits `[P, D]` and no genomes. Parents are chosen as in
`evolution.genetic`; a child takes a stretch of a second parent's bits (two-point crossover on a ring) and flips some.
Some places go to random strings (immigrants, Grefenstette 1992). Source: Holland 1975; Goldberg 1989. Left out: islands
and species.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from evolution.algorithm import sane
from evolution.genetic import GaParams, mating
from evolution.randomness import light


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class BitState:
    """A population that waits for its fitness."""

    bits: jax.Array  # [P, D] bool
    generation: jax.Array  # [] int32


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["params", "flips", "density", "immigrants"],
    meta_fields=["length", "population", "tournament"],
)
@dataclass(frozen=True)
class BitGenetic:
    """The algorithm, on strings of `length` bits; `tournament` as in `evolution.genetic.Genetic`."""

    length: int
    population: int = 256
    tournament: int = 3
    params: GaParams = GaParams(crossover=0.5, elites=2)
    flips: float = 2.0  # bits of a child that are flipped, on average
    density: float = 0.4  # share of ones in random strings
    immigrants: float = 0.0  # share of a generation that is random

    def init(self, key: jax.Array) -> BitState:
        """Random strings."""
        return BitState(jax.random.bernoulli(key, self.density, (self.population, self.length)), jnp.int32(0))

    def ask(self, key: jax.Array, state: BitState) -> tuple[jax.Array, BitState]:
        """The population that waits, `[P, D]` bool; the key is not used."""
        del key
        return state.bits, state

    def tell(self, key: jax.Array, state: BitState, fitness: jax.Array) -> BitState:
        """The next generation; elites come first."""
        k_parents, k_cross, k_flip, k_fresh = jax.random.split(light(key), 4)
        parents = mating(k_parents, self.params, sane(fitness), self.tournament)
        stretch = stretches(k_cross, self.population, self.length) & parents.crossed[:, None]
        child = jnp.where(stretch, state.bits[parents.second], state.bits[parents.first])
        flipped = jax.random.bernoulli(k_flip, self.flips / self.length, child.shape) & parents.mutated[:, None]
        fresh = jnp.arange(self.population) >= self.population * (1 - self.immigrants)
        drawn = jax.random.bernoulli(k_fresh, self.density, child.shape)
        return BitState(jnp.where(fresh[:, None], drawn, child ^ flipped), state.generation + 1)


@partial(jax.tree_util.register_dataclass, data_fields=["density"], meta_fields=["length", "population"])
@dataclass(frozen=True)
class RandomBits:
    """Random search: each generation is drawn anew, as the first one of `BitGenetic`. What selection must beat."""

    length: int
    population: int = 256
    density: float = 0.4

    def init(self, key: jax.Array) -> BitState:
        """Random strings."""
        return BitGenetic(self.length, self.population, density=self.density).init(key)

    def ask(self, key: jax.Array, state: BitState) -> tuple[jax.Array, BitState]:
        """The strings that wait, `[P, D]` bool; the key is not used."""
        del key
        return state.bits, state

    def tell(self, key: jax.Array, state: BitState, fitness: jax.Array) -> BitState:
        """Others; fitness counts for nothing."""
        del fitness
        return BitState(self.init(key).bits, state.generation + 1)


def stretches(key: jax.Array, number: int, length: int) -> jax.Array:
    """A stretch of places on a ring of `length` for each of `number`, `[P, D]` bool; 1 … length - 1 places long."""
    k_start, k_long = jax.random.split(key)
    start = jax.random.randint(k_start, (number, 1), 0, length)
    long = jax.random.randint(k_long, (number, 1), 1, max(length, 2))
    return (jnp.arange(length) - start) % length < long
