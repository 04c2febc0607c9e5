"""A plain genetic algorithm: truncation or tournament selection, mutation, crossover if wanted.

With fixed topology, truncation, no crossover and Gaussian steps of every weight it is the algorithm of Such et al.
(2017, "Deep neuroevolution", algorithm 1); with `structure` it is NEAT without species. Leaves out their
re-evaluation of elite candidates: fitness is taken as it comes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp

from evolution.algorithm import put, room, sane
from evolution.genome import BrainConfig, Genome, founder, widened
from evolution.mutation import MutationParams
from evolution.randomness import light
from evolution.reproduction import Parents, children
from sim.config import key as tunable

STATIC = ["brain", "inputs", "outputs", "population", "structure", "tournament"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GaParams:
    """Numbers of the genetic algorithm."""

    truncation: float = tunable(0.2, "best share of the population that may be parents", low=0, high=1)
    elites: float = tunable(1, "best genomes that are kept unchanged", low=0, high=1e9)
    crossover: float = tunable(0.0, "chance that a child has two parents", low=0, high=1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GeneticState:
    """A population that waits for its fitness."""

    genome: Genome  # [P, ...]
    generation: jax.Array  # [] int32


@partial(jax.tree_util.register_dataclass, data_fields=["params", "mutation"], meta_fields=STATIC)
@dataclass(frozen=True)
class Genetic:
    """The algorithm. `tournament` genomes compete to be a parent; 0 draws from the best `params.truncation`."""

    brain: BrainConfig
    inputs: int
    outputs: int
    population: int = 150
    structure: bool = False
    tournament: int = 0
    params: GaParams = GaParams()
    mutation: MutationParams = MutationParams()

    def init(self, key: jax.Array) -> GeneticState:
        """Founders."""
        make = lambda k: founder(k, self.brain, self.inputs, self.outputs)
        genome = jax.vmap(make)(jax.random.split(key, self.population))
        return GeneticState(genome, jnp.int32(0))

    def ask(self, key: jax.Array, state: GeneticState) -> tuple[Genome, GeneticState]:
        """The population that waits; the key is not used."""
        del key
        return state.genome, state

    def tell(self, key: jax.Array, state: GeneticState, fitness: jax.Array) -> GeneticState:
        """The next generation; elites come first."""
        k_parents, k_children = jax.random.split(light(key))
        parents = mating(k_parents, self.params, sane(fitness), self.tournament)
        shape = (self.brain, self.mutation, self.inputs, self.outputs)
        generation = state.generation + 1
        genome = children(k_children, *shape, state.genome, parents, generation, self.structure)
        return GeneticState(genome, generation)

    def settled(self, state: GeneticState, place: jax.Array, newcomers: Genome, fitness: jax.Array) -> GeneticState:
        """See `evolution.algorithm.Insular`."""
        del fitness
        return replace(state, genome=put(state.genome, place, newcomers))

    def pooled(self, measures: dict[str, jax.Array]) -> dict[str, jax.Array]:
        """Nothing of its own."""
        return measures

    def widened(self, state: GeneticState, hidden: int, connections: int) -> tuple[Genetic, GeneticState]:
        """The same search with more room in its genomes; outside jit."""
        brain = replace(self.brain, hidden=hidden, connections=connections)
        genome = widened(state.genome, self.outputs + hidden, connections)
        return replace(self, brain=brain), replace(state, genome=genome)

    def room(self, state: GeneticState) -> jax.Array:
        """See `evolution.algorithm.room`."""
        return room(state.genome) if self.structure else jnp.zeros(2, jnp.int32)

    def species(self, state: GeneticState) -> None:
        """None: there are no species."""
        del state

    def measures(self, state: GeneticState) -> dict[str, jax.Array]:
        """Nothing of its own."""
        del state
        return {}


def mating(key: jax.Array, params: GaParams, fitness: jax.Array, tournament: int = 0) -> Parents:
    """Parents of the next generation from the fitness `[P]` of this one; elites come first. `tournament`: `Genetic`."""
    k_first, k_second, k_cross = jax.random.split(key, 3)
    num = fitness.shape[0]
    order = jnp.argsort(-fitness, stable=True).astype(jnp.int32)
    able = jnp.clip(jnp.ceil(params.truncation * num), 1, num)

    def drawn(key):
        if tournament:  # in a ranking, the best of some is the least index
            return order[jnp.min(jax.random.randint(key, (num, tournament), 0, num), axis=1)]
        place = jnp.floor(jax.random.uniform(key, (num,)) * able)
        return order[jnp.minimum(place, able - 1).astype(jnp.int32)]

    first, second = drawn(k_first), drawn(k_second)
    copied = jnp.arange(num) < params.elites
    swap = fitness[second] > fitness[first]
    crossed = (jax.random.uniform(k_cross, (num,)) < params.crossover) & ~copied
    return Parents(
        first=jnp.where(copied, order, jnp.where(crossed & swap, second, first)),
        second=jnp.where(copied, order, jnp.where(crossed & swap, first, second)),
        crossed=crossed,
        copied=copied,
        mutated=~copied,
    )
