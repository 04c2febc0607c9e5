"""NEAT (Stanley & Miikkulainen 2002) on the device: a whole generation is one pure function of arrays.

Complexity grows from minimal genomes; genes are aligned by innovation ids, which hash what a gene connects
or splits, so the same mutation has the same id in every genome and generation without a registry. Order of
appearance, which excess genes need, is kept as the generation in which a gene arose. Differences from the
paper: a tie of fitness is settled for the smaller genome, as in Stanley's code; the population's champion is
always kept. Leaves out evaluation, and growing arrays (`widened`, called between generations, outside jit).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp

from evolution.algorithm import put, room, sane
from evolution.compatibility import genes
from evolution.genome import BrainConfig, Genome, founder, widened
from evolution.mutation import MutationParams
from evolution.neat_species import NeatParams, Niches, judged, no_species, offspring, settle, speciate
from evolution.randomness import light
from evolution.reproduction import Parents, children
from sim.fence import fenced_by

STATIC = ["brain", "inputs", "outputs", "population", "slots"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class NeatState:
    """A population that waits for its fitness."""

    genome: Genome  # [P, ...]
    member: jax.Array  # [P] int32 slot of its species
    niches: Niches
    generation: jax.Array  # [] int32
    best: jax.Array  # [] best fitness ever
    unimproved: jax.Array  # [] int32 generations since `best` rose, or since the last doldrums


@partial(jax.tree_util.register_dataclass, data_fields=["params", "mutation"], meta_fields=STATIC)
@dataclass(frozen=True)
class Neat:
    """The algorithm: shapes are static, `params` and `mutation` are numbers that cost no compilation."""

    brain: BrainConfig
    inputs: int
    outputs: int
    population: int = 150
    slots: int = 32
    params: NeatParams = NeatParams()
    mutation: MutationParams = MutationParams()

    def init(self, key: jax.Array) -> NeatState:
        """Founders, in species."""
        make = lambda k: founder(k, self.brain, self.inputs, self.outputs)
        genome = jax.vmap(make)(jax.random.split(key, self.population))
        genome = replace(genome, born=jnp.zeros_like(genome.innovation))
        many = genes(genome)
        nobody = genes(genome, jnp.zeros(self.slots, jnp.int32))
        niches, member = speciate(self.params, no_species(self.slots, self.params), nobody, many)
        return NeatState(genome, member, niches, jnp.int32(0), jnp.float32(-jnp.inf), jnp.int32(0))

    def ask(self, key: jax.Array, state: NeatState) -> tuple[Genome, NeatState]:
        """The population that waits; the key is not used."""
        del key
        return state.genome, state

    def tell(self, key: jax.Array, state: NeatState, fitness: jax.Array) -> NeatState:
        """The next generation: children of the fittest of each species, in species."""
        k_parents, k_children, k_type = jax.random.split(light(key), 3)
        fitness = sane(fitness)
        niches = judged(state.niches, state.member, fitness)
        top = jnp.max(fitness)
        unimproved = jnp.where(top > state.best, 0, state.unimproved + 1)
        doldrums = unimproved > self.params.doldrums
        unimproved = jnp.where(doldrums, 0, unimproved)  # the two best species get time of their own
        number = offspring(self.params, niches, state.member, fitness, doldrums)
        order = ranking(state.member, fitness)
        parents = mating(k_parents, self.params, niches, number, order, fitness, sizes(state.genome))
        shape = (self.brain, self.mutation, self.inputs, self.outputs)
        genome = children(k_children, *shape, state.genome, parents, state.generation + 1)
        pick = jnp.floor(jax.random.uniform(k_type, niches.size.shape) * niches.size).astype(jnp.int32)
        types = order[jnp.clip(starts(niches.size) + pick, 0, self.population - 1)]
        representatives = genes(state.genome, types)
        apart = partial(fenced_by, self.params.survival >= 0)
        niches, member = apart(partial(speciate, self.params), niches, representatives, genes(genome))
        best = jnp.maximum(state.best, top)
        return NeatState(genome, member, niches, state.generation + 1, best, unimproved)

    def settled(self, state: NeatState, place: jax.Array, newcomers: Genome, fitness: jax.Array) -> NeatState:
        """See `evolution.algorithm.Insular`. Newcomers are compared with the champion of each species."""
        order = ranking(state.member, fitness)
        champions = order[jnp.clip(starts(state.niches.size), 0, self.population - 1)]
        types, new = genes(state.genome, champions), genes(newcomers)
        niches, member = settle(self.params, state.niches, state.member, place, types, new)
        return replace(state, genome=put(state.genome, place, newcomers), niches=niches, member=member)

    def pooled(self, measures: dict[str, jax.Array]) -> dict[str, jax.Array]:
        """Species of all islands, their mean threshold, and the largest as a share of all genomes."""
        islands = measures["species"].shape[0]
        return {
            "species": jnp.sum(measures["species"]),
            "threshold": jnp.mean(measures["threshold"]),
            "largest_species": jnp.max(measures["largest_species"]) / islands,
            "crowded": jnp.sum(measures["crowded"]),
        }

    def widened(self, state: NeatState, hidden: int, connections: int) -> tuple[Neat, NeatState]:
        """The same search with more room in its genomes; outside jit."""
        brain = replace(self.brain, hidden=hidden, connections=connections)
        genome = widened(state.genome, self.outputs + hidden, connections)
        return replace(self, brain=brain), replace(state, genome=genome)

    def room(self, state: NeatState) -> jax.Array:
        """See `evolution.algorithm.room`."""
        return room(state.genome)

    def species(self, state: NeatState) -> tuple[jax.Array, jax.Array]:
        """Names and sizes `[S]`."""
        return state.niches.name, state.niches.size

    def measures(self, state: NeatState) -> dict[str, jax.Array]:
        """Species and their threshold."""
        niches = state.niches
        return {
            "species": jnp.sum(niches.alive, dtype=jnp.int32),
            "threshold": niches.threshold,
            "largest_species": jnp.max(niches.size) / self.population,
            "crowded": niches.crowded,
        }


def sizes(genome: Genome) -> jax.Array:
    """Genes of each genome `[P]`, which settle ties of fitness."""
    return jnp.sum(genome.innovation >= 0, axis=1) + jnp.sum(genome.node >= 0, axis=1)


def ranking(member: jax.Array, fitness: jax.Array) -> jax.Array:
    """Indices `[P]`: species by species, the fittest of each first, ties in the order of the population."""
    index = jnp.arange(member.shape[0], dtype=jnp.int32)
    return jax.lax.sort((member, -fitness, index), num_keys=2, is_stable=True)[2]


def starts(size: jax.Array) -> jax.Array:
    """Where each species begins in a ranking, `[S]`."""
    return jnp.cumsum(size) - size


def mating(
    key: jax.Array,
    params: NeatParams,
    niches: Niches,
    number: jax.Array,
    order: jax.Array,
    fitness: jax.Array,
    size: jax.Array,
) -> Parents:
    """Parents of the next generation: children `number` `[S]` of each species, from its best `survival` share."""
    k_first, k_second, k_alone, k_mate, k_inter, k_other = jax.random.split(key, 6)
    num = order.shape[0]
    child = jnp.arange(num, dtype=jnp.int32)
    species = jnp.sum(child[:, None] >= jnp.cumsum(number)[None, :], axis=1, dtype=jnp.int32)
    rank = child - starts(number)[species]  # among its siblings
    begin, able = starts(niches.size), jnp.maximum(jnp.ceil(params.survival * niches.size).astype(jnp.int32), 1)
    able = jnp.minimum(able, jnp.maximum(niches.size, 1))

    def drawn(key, species):
        place = jnp.floor(jax.random.uniform(key, (num,)) * able[species]).astype(jnp.int32)
        return order[begin[species] + jnp.minimum(place, able[species] - 1)]

    used = jnp.sum(niches.alive, dtype=jnp.int32)
    others = jnp.maximum(used - 1, 1)
    elsewhere = jnp.minimum(jnp.floor(jax.random.uniform(k_other, (num,)) * others).astype(jnp.int32), others - 1)
    elsewhere = jnp.minimum(elsewhere + (elsewhere >= species), used - 1)  # any but its own, if there is another
    abroad = jax.random.uniform(k_inter, (num,)) < params.interspecies
    first, second = drawn(k_first, species), drawn(k_second, jnp.where(abroad, elsewhere, species))
    swap = (fitness[second] > fitness[first]) | ((fitness[second] == fitness[first]) & (size[second] < size[first]))
    champion = order[begin[species]]
    keeps = (niches.size[species] > params.elite_size) | (fitness[champion] == jnp.max(fitness))
    copied = (rank == 0) & keeps
    crossed = (jax.random.uniform(k_alone, (num,)) >= params.mutate_only) & (first != second)
    return Parents(
        first=jnp.where(copied, champion, jnp.where(crossed & swap, second, first)),
        second=jnp.where(copied, champion, jnp.where(crossed & swap, first, second)),
        crossed=crossed & ~copied,  # who mates with itself has one parent, and so is mutated
        copied=copied,
        mutated=~(crossed & (jax.random.uniform(k_mate, (num,)) < params.mate_only)),
    )
