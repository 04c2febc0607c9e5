"""neat-python's own search as an algorithm, to be compared with ours on the same tasks.

It runs on the host, one replicate at a time, with its own classes: crossover, mutation, species, stagnation. What
could leak from one run into another is held in the state: the generator that the whole process shares, and the
counters, which neat-python's own checkpoints advance by being written. Leaves out evaluation.
Source: neat-python 2.0.0.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, fields, replace
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from evolution.algorithm import ABYSS, sane
from evolution.gene_table import ACTIVATIONS, AGGREGATIONS, Table, packed
from evolution.genome import BrainConfig, Genome
from evolution.interchange import (
    GENERATOR,
    Config,
    DefaultGenome,
    ReporterSet,
    Species,
    built,
    parsed,
    table_of,
)
from evolution.mutation import MutationParams
from evolution.neat_python_config import config_text
from evolution.neat_species import NeatParams


@dataclass(frozen=True)
class NeatPythonState:
    """A population of neat-python's that waits for its fitness. Nothing in it is altered in place."""

    genomes: dict[int, DefaultGenome]  # by key, in the order of the population
    species: tuple[Species, ...]
    generation: int
    next_genome: int  # the keys that come next: plain numbers, so that saving uses none up
    next_species: int
    next_node: int | None  # None: no node was added yet
    innovations: int
    generator: tuple  # state of Python's generator, this search's own


@dataclass(frozen=True)
class NeatPython:
    """neat-python as an algorithm (`evolution.algorithm`), on the host: not to be jitted or vmapped.

    A generation is that of `neat.Population.run`, with two differences: no fitness ends it, and a population that
    has died out is founded anew. Randomness comes from the key of `init` alone. `text` is a config file of
    neat-python's; without it, it is `config_text` of the rest.
    """

    brain: BrainConfig  # neat-python knows no limit of size: see `fitting`
    inputs: int
    outputs: int
    population: int = 150
    params: NeatParams = NeatParams()
    mutation: MutationParams = MutationParams()
    text: str = ""

    def config(self) -> Config:
        """A fresh config. `ValueError` if `text` is of networks with other inputs or outputs."""
        mine = self.brain, self.inputs, self.outputs, self.population, self.mutation, self.params
        config = parsed(self.text or config_text(*mine))
        own = config.genome_config
        if (own.num_inputs, own.num_outputs) != (self.inputs, self.outputs):
            found = f"{own.num_inputs} inputs and {own.num_outputs} outputs"
            raise ValueError(f"the config has {found}, wanted {self.inputs} and {self.outputs}")
        config.pop_size = self.population
        return config

    def init(self, key: jax.Array) -> NeatPythonState:
        """Founders."""
        return self.seeded(int.from_bytes(np.asarray(jax.random.key_data(key)).tobytes(), "little"))

    def seeded(self, seed: int) -> NeatPythonState:
        """The founders that `neat.Population(config, seed=seed)` begins with."""
        mine = GENERATOR.Random(seed).getstate()
        return self._next(NeatPythonState({}, (), 0, 1, 1, None, 0, mine), None)

    def ask(self, key: jax.Array, state: NeatPythonState) -> tuple[Genome, NeatPythonState]:
        """The population that waits, `[P, ...]` in the arrays of `brain`, which must hold it; the key is not used."""
        del key
        table = table_of(list(state.genomes.values()))
        return packed(table, self.brain, self.inputs, self.outputs), state

    def fitting(self, *states: NeatPythonState) -> NeatPython:
        """The same search with arrays that hold these populations: doubled as need be."""
        need_hidden, need = np.max([self.room(state) for state in states], axis=0)
        hidden, connections = self.brain.hidden, self.brain.connections
        while hidden < need_hidden:
            hidden = 2 * max(hidden, 4)
        while connections < need:
            connections = 2 * connections
        return replace(self, brain=replace(self.brain, hidden=hidden, connections=connections))

    def tell(self, key: jax.Array, state: NeatPythonState, fitness: jax.Array) -> NeatPythonState:
        """The next generation; the key is not used. Failed genomes count as a little worse than the worst."""
        del key
        value = np.asarray(sane(jnp.asarray(fitness)), np.float64)
        real = value > np.float32(ABYSS)
        worst = value[real].min() - 1 if real.any() else 0.0
        return self._next(state, np.where(real, value, worst).tolist())

    def _next(self, state: NeatPythonState, fitness: list[float] | None) -> NeatPythonState:
        """The state after the fitness is known, or the first one."""
        config, reproduction, niches = self._pieces(state)
        genomes = _copied(state, niches)

        def breed() -> dict[int, DefaultGenome]:
            young: dict[int, DefaultGenome] = {}
            if fitness is not None:
                for genome, value in zip(genomes.values(), fitness, strict=True):
                    genome.fitness = value
                young = reproduction.reproduce(config, niches, config.pop_size, state.generation)
            if not niches.species:
                young = reproduction.create_new(config.genome_type, config.genome_config, config.pop_size)
            niches.speciate(config, young, state.generation)
            return young

        young, random = _privately(state.generator, breed)
        node = config.genome_config.node_indexer
        return NeatPythonState(
            genomes=young,
            species=tuple(niches.species.values()),
            generation=state.generation + (fitness is not None),
            next_genome=next(reproduction.genome_indexer),
            next_species=next(niches.indexer),
            next_node=None if node is None else next(node),
            innovations=reproduction.innovation_tracker.global_counter,
            generator=random,
        )

    def _pieces(self, state: NeatPythonState) -> tuple[Config, Any, Any]:
        """neat-python's parts, with counters that go on where the state is."""
        config, reporters = self.config(), ReporterSet()
        stagnation = config.stagnation_type(config.stagnation_config, reporters)
        reproduction = config.reproduction_type(config.reproduction_config, reporters, stagnation)
        reproduction.genome_indexer = count(state.next_genome)
        reproduction.innovation_tracker.global_counter = state.innovations
        if state.next_node is not None:
            config.genome_config.node_indexer = count(state.next_node)
        niches = config.species_set_type(config.species_set_config, reporters)
        niches.indexer = count(state.next_species)
        return config, reproduction, niches

    def room(self, state: NeatPythonState) -> np.ndarray:
        """See `evolution.algorithm.room`."""
        genomes = state.genomes.values()
        nodes, links = (max(len(getattr(genome, part)) for genome in genomes) for part in ("nodes", "connections"))
        return np.array([nodes - self.outputs, links], np.int32)

    def species(self, state: NeatPythonState) -> tuple[np.ndarray, np.ndarray]:
        """Names and sizes `[S]`; S is the number of species."""
        names, sizes = zip(*((kind.key, len(kind.members)) for kind in state.species), strict=True)
        return np.array(names, np.int32), np.array(sizes, np.int32)

    def measures(self, state: NeatPythonState) -> dict[str, Any]:
        """As those of `Neat`."""
        _, sizes = self.species(state)
        return {
            "species": np.int32(len(sizes)),
            "threshold": np.float32(self.config().species_set_config.compatibility_threshold),
            "largest_species": np.float32(sizes.max() / self.population),
            "crowded": np.int32(0),
        }


def _copied(state: NeatPythonState, niches: Any) -> dict[int, DefaultGenome]:
    """Copies of genomes and species that neat-python may alter; genes are shared, as it never alters old ones."""
    genomes = {key: copy(genome) for key, genome in state.genomes.items()}
    for old in state.species:
        new = niches.species[old.key] = copy(old)
        new.update(genomes[old.representative.key], {key: genomes[key] for key in old.members})
        new.fitness_history = [max(old.fitness_history)] if old.fitness_history else []  # only the best is read
    return genomes


def _privately(mine: tuple, work: Callable[[], Any]) -> tuple[Any, tuple]:
    """Result of `work` with the generator that neat-python draws from in state `mine`, and its state after.

    That generator is the whole process's: everybody else finds it as it was.
    """
    before = GENERATOR.getstate()
    try:
        GENERATOR.setstate(mine)
        return work(), GENERATOR.getstate()
    finally:
        GENERATOR.setstate(before)


def freeze(state: NeatPythonState) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """A state as arrays (bool, int32, uint32; a float64 as two uint32) and a JSON-able rest."""
    table = table_of(list(state.genomes.values()))
    columns = {f"genes.{field.name}": getattr(table, field.name) for field in fields(Table)}
    kinds = state.species
    rows = [(k.key, k.created, k.last_improved, k.representative.key, len(k.members)) for k in kinds]
    version, mersenne, gauss_next = state.generator
    arrays = {
        **columns,
        "id": np.array(list(state.genomes), np.int32),
        "members": np.array([key for kind in kinds for key in kind.members], np.int32),
        "species": np.array(rows, np.int32).reshape(-1, 5),
        "record": np.array([max(kind.fitness_history, default=np.nan) for kind in kinds], np.float64),
        "random": np.array(mersenne, np.uint32),
    }
    split = lambda a: np.ascontiguousarray(a).view(np.uint32).reshape(-1, 2) if a.dtype == np.float64 else a
    counters = ("generation", "next_genome", "next_species", "next_node", "innovations")
    meta: dict[str, Any] = {name: getattr(state, name) for name in counters}
    meta |= {"random": [version, gauss_next], "activations": ACTIVATIONS, "aggregations": AGGREGATIONS}
    return {name: split(array) for name, array in arrays.items()}, meta


def thaw(arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> NeatPythonState:
    """The state that was frozen."""
    arrays = {
        name: a.view(np.float64)[:, 0] if a.dtype == np.uint32 and a.ndim == 2 else a for name, a in arrays.items()
    }
    columns = {field.name: arrays[f"genes.{field.name}"] for field in fields(Table)}
    for name, known in (("activation", ACTIVATIONS), ("aggregation", AGGREGATIONS)):
        columns[name] = np.array([known.index(function) for function in meta[f"{name}s"]], np.int32)[columns[name]]
    genomes = {genome.key: genome for genome in built(Table(**columns), arrays["id"].tolist())}
    species, members = [], arrays["members"].tolist()
    for (key, created, improved, first, size), record in zip(
        arrays["species"].tolist(), arrays["record"].tolist(), strict=True
    ):
        kind = Species(key, created)
        kind.last_improved = improved
        kind.update(genomes[first], {member: genomes[member] for member in members[:size]})
        kind.fitness_history = [] if np.isnan(record) else [record]
        species.append(kind)
        members = members[size:]
    version, gauss_next = meta["random"]
    counters = {name: meta[name] for name in ("generation", "next_genome", "next_species", "next_node", "innovations")}
    random = (version, tuple(arrays["random"].tolist()), gauss_next)
    return NeatPythonState(genomes=genomes, species=tuple(species), generator=random, **counters)
