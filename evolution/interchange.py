"""Genomes and searches of neat-python beside ours: export, import, and neat-python itself as an algorithm.

Weights, biases, responses, time constants, functions, enabled genes and topology go both ways without loss
(neat-python's numbers are rounded to float32). Nodes keep their identity: input i is -1-i there, output o is o,
and the hidden node HIDDEN + k is O + k. Innovation ids go out as they are; on the way in they are hashes of the
nodes again. Leaves out what only one of the two knows: plasticity, steps per look, dates of origin, limits of
size here; innovation counters there. Source: neat-python 2.0.0; `NeatPython` runs its own classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from configparser import ConfigParser
from copy import copy
from dataclasses import dataclass, fields, replace
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp
import neat
import neat.genes
import neat.innovation
import neat.population
import neat.reproduction
import neat.species
import numpy as np

from agents import activations, aggregations
from evolution.algorithm import ABYSS, sane
from evolution.genome import HIDDEN, BrainConfig, Genome, connection_id
from evolution.mutation import RESPONSE_STEP, TIME_STEP, MutationParams
from evolution.neat_species import NeatParams

PARTS = (neat.DefaultGenome, neat.DefaultReproduction, neat.DefaultSpeciesSet, neat.DefaultStagnation)
ACTIVATIONS, AGGREGATIONS = tuple(activations.FUNCTIONS), tuple(aggregations.FUNCTIONS)
LAST_INNOVATION = 2**31  # ours are below; numbers that neat-python gives out itself are above


@dataclass(frozen=True)
class Table:
    """Genes of P genomes end to end, with neat-python's node keys: ΣN nodes, ΣC connections."""

    nodes: np.ndarray  # [P] int32 nodes of each genome
    connections: np.ndarray  # [P] int32 connections of each genome
    key: np.ndarray  # [ΣN] int32
    bias: np.ndarray  # [ΣN] float64, as the other numbers
    response: np.ndarray  # [ΣN]
    time_constant: np.ndarray  # [ΣN] seconds
    activation: np.ndarray  # [ΣN] int32 index into ACTIVATIONS
    aggregation: np.ndarray  # [ΣN] int32 index into AGGREGATIONS
    source: np.ndarray  # [ΣC] int32 key
    target: np.ndarray  # [ΣC] int32 key
    weight: np.ndarray  # [ΣC]
    enabled: np.ndarray  # [ΣC] bool
    innovation: np.ndarray  # [ΣC] uint32


def to_neat(
    config: BrainConfig, genome: Genome, inputs: int, outputs: int, text: str = ""
) -> tuple[list[neat.DefaultGenome], neat.Config]:
    """neat-python's genomes, keys 1…P, of ours `[P, ...]`, and a config for them (of `text`, if given).

    The config hands out node keys that none of these genomes uses, so neat-python can go on evolving them.
    """
    table = _unpacked(config, jax.tree.map(np.asarray, genome), inputs, outputs)
    theirs = parsed(text or config_text(config, inputs, outputs, population=len(table.nodes)))
    used = np.unique(np.concatenate([[outputs - 1, outputs + HIDDEN], table.key[table.key >= outputs]]))
    theirs.genome_config.node_indexer = count(int(used[np.argmax(np.diff(used))]) + 1)  # the widest gap
    theirs.genome_config.innovation_tracker = neat.innovation.InnovationTracker(LAST_INNOVATION)
    return _built(table, range(1, len(table.nodes) + 1)), theirs


def from_neat(
    genomes: Sequence[neat.DefaultGenome], config: neat.Config, brain: BrainConfig | None = None
) -> tuple[BrainConfig, Genome]:
    """Our config and genomes `[P, ...]` of neat-python's. `ValueError` if something has no counterpart.

    `brain` gives what neat-python does not know: continuous time, steps, founders, and least room in the arrays.
    """
    own = config.genome_config
    table = _table(genomes)
    shape = brain_of(config, brain or BrainConfig(hidden=0, connections=4))
    if (table.response != 1).any():
        shape = replace(shape, response=True)
    for name, known in (("activations", ACTIVATIONS), ("aggregations", AGGREGATIONS)):
        used = [known[kind] for kind in np.unique(getattr(table, name[:-1]))]
        chosen = getattr(shape, name)
        shape = replace(shape, **{name: (*chosen, *(function for function in used if function not in chosen))})
    if shape.dynamics == "ctrnn" and (table.time_constant < shape.time_step).any():
        shortest, step = table.time_constant.min(), shape.time_step
        raise ValueError(f"a time constant of {shortest:g} s is shorter than a step, brain.time_step = {step:g}")
    hidden, size = _room(table, own.num_outputs)
    shape = replace(shape, hidden=max(shape.hidden, hidden), connections=max(shape.connections, size))
    genome = _packed(table, shape, own.num_inputs, own.num_outputs)
    order = np.sort(np.asarray(genome.innovation), axis=1)
    if ((order[:, 1:] == order[:, :-1]) & (order[:, 1:] >= 0)).any():
        raise ValueError("two connections of a genome have the same innovation id here")
    return shape, genome


def brain_of(config: neat.Config, brain: BrainConfig) -> BrainConfig:
    """`brain` with the functions, dynamics and limits of a neat-python config."""
    own = config.genome_config
    varies = own.response_mutate_rate > 0 or own.response_replace_rate > 0 or own.response_init_stdev > 0
    continuous = brain.dynamics == "ctrnn" and not own.feed_forward
    instead = "feedforward" if own.feed_forward else "recurrent"
    ends = [getattr(own, f"{gene}_{end}_value") for gene in ("weight", "bias") for end in ("min", "max")]
    return replace(
        brain,
        activations=_functions(own.activation_default, own.activation_options, ACTIVATIONS),
        aggregations=_functions(own.aggregation_default, own.aggregation_options, AGGREGATIONS),
        dynamics="ctrnn" if continuous else instead,
        response=brain.response or varies or own.response_init_mean != 1,
        weight_limit=float(max(map(abs, ends))),
    )


def _functions(default: str, options: Sequence[str], known: tuple[str, ...]) -> tuple[str, ...]:
    """Options without repeats, the default first."""
    names = dict.fromkeys(name for name in (default, *options) if name and name not in ("random", "none"))
    strange = [name for name in names if name not in known]
    if strange:
        raise ValueError(f"{strange[0]!r} is none of {', '.join(known)}")
    return tuple(names)


def _table(genomes: Sequence[neat.DefaultGenome]) -> Table:
    nodes = [node for genome in genomes for node in genome.nodes.values()]
    links = [link for genome in genomes for link in genome.connections.values()]

    def column(genes: list, name: str, dtype: Any) -> np.ndarray:
        return np.array([getattr(gene, name) for gene in genes], dtype)

    def index(name: str, known: tuple[str, ...]) -> np.ndarray:
        place = {function: i for i, function in enumerate(known)}
        try:
            return np.array([place[getattr(node, name)] for node in nodes], np.int32)
        except KeyError as error:
            raise ValueError(f"{name} {error} is none of {', '.join(known)}") from None

    ends = np.array([link.key for link in links], np.int32).reshape(-1, 2)
    return Table(
        nodes=np.array([len(genome.nodes) for genome in genomes], np.int32),
        connections=np.array([len(genome.connections) for genome in genomes], np.int32),
        key=column(nodes, "key", np.int32),
        bias=column(nodes, "bias", np.float64),
        response=column(nodes, "response", np.float64),
        time_constant=column(nodes, "time_constant", np.float64),
        activation=index("activation", ACTIVATIONS),
        aggregation=index("aggregation", AGGREGATIONS),
        source=ends[:, 0],
        target=ends[:, 1],
        weight=column(links, "weight", np.float64),
        enabled=column(links, "enabled", bool),
        innovation=column(links, "innovation", np.uint32),
    )


def _built(table: Table, ids: Sequence[int]) -> list[neat.DefaultGenome]:
    """neat-python's genomes of a table; they have no fitness."""
    column = {field.name: getattr(table, field.name).tolist() for field in fields(Table)}
    kinds = [ACTIVATIONS[kind] for kind in column["activation"]], [AGGREGATIONS[kind] for kind in column["aggregation"]]
    genomes, first_node, first_link = [], 0, 0
    for key, nodes, links in zip(ids, column["nodes"], column["connections"], strict=True):
        genome = neat.DefaultGenome(key)
        for i in range(first_node, first_node + nodes):
            node = genome.nodes[column["key"][i]] = neat.genes.DefaultNodeGene(column["key"][i])
            node.bias, node.response, node.time_constant = (column[n][i] for n in ("bias", "response", "time_constant"))
            node.activation, node.aggregation = kinds[0][i], kinds[1][i]
        for i in range(first_link, first_link + links):
            ends = column["source"][i], column["target"][i]
            link = genome.connections[ends] = neat.genes.DefaultConnectionGene(ends, column["innovation"][i])
            link.weight, link.enabled = column["weight"][i], column["enabled"][i]
        first_node, first_link = first_node + nodes, first_link + links
        genomes.append(genome)
    return genomes


def _room(table: Table, outputs: int) -> tuple[int, int]:
    """Hidden nodes and connections of the largest genomes."""
    return int(table.nodes.max(initial=outputs)) - outputs, int(table.connections.max(initial=0))


def _packed(table: Table, brain: BrainConfig, inputs: int, outputs: int) -> Genome:
    """Our genomes `[P, ...]`. Outputs fill the first rows; everything else keeps its order."""
    if (table.key >= outputs + HIDDEN).any():
        raise ValueError(f"node {table.key.max()} is beyond {outputs + HIDDEN - 1}, the last that has an id here")
    num, units, size = len(table.nodes), outputs + brain.hidden, brain.connections
    inside = lambda counts: np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    hidden = table.key >= outputs
    before: np.ndarray = np.cumsum(hidden) - hidden  # hidden nodes up to here, in all genomes
    rank: np.ndarray = before - np.repeat(before[np.cumsum(table.nodes) - table.nodes], table.nodes)
    at = np.repeat(np.arange(num), table.nodes), np.where(hidden, outputs + rank, table.key)
    link_at = np.repeat(np.arange(num), table.connections), inside(table.connections)

    def scatter(at: tuple, values: np.ndarray, width: int, dtype: Any, fill: Any = 0) -> jax.Array:
        out = np.full((num, width), fill, dtype)
        out[at] = values
        return jnp.asarray(out)

    def index(known: tuple[str, ...], chosen: tuple[str, ...], kind: np.ndarray) -> np.ndarray:
        return np.array([chosen.index(name) if name in chosen else 0 for name in known], np.int32)[kind]

    node = lambda values, dtype, fill=0: scatter(at, values, units, dtype, fill)
    link = lambda values, dtype, fill=0: scatter(link_at, values, size, dtype, fill)
    source, target = (link(_ours(ends, inputs, outputs), np.int32, -1) for ends in (table.source, table.target))
    aggregation = index(AGGREGATIONS, brain.aggregations, table.aggregation)
    return Genome(
        node=node(_ours(table.key, inputs, outputs), np.int32, -1),
        bias=node(table.bias, np.float32),
        activation=node(index(ACTIVATIONS, brain.activations, table.activation), np.int32),
        innovation=jnp.where(source >= 0, _hashed(source, target), -1),
        source=source,
        target=target,
        weight=link(table.weight, np.float32),
        rate=jnp.zeros((num, size)),
        enabled=link(table.enabled, bool, False),
        refused=jnp.zeros(num, jnp.int32),
        aggregation=node(aggregation, np.int32) if len(brain.aggregations) > 1 else None,
        response=node(table.response, np.float32) if brain.response else None,
        time_constant=node(table.time_constant, np.float32) if brain.dynamics == "ctrnn" else None,
    )


_hashed = jax.jit(connection_id)


def _ours(key: np.ndarray, inputs: int, outputs: int) -> np.ndarray:
    """Our ids of neat-python's node keys."""
    return np.where(key < 0, -1 - key, np.where(key < outputs, inputs + key, HIDDEN + key - outputs))


def _theirs(node: np.ndarray, inputs: int, outputs: int) -> np.ndarray:
    """neat-python's node keys of our ids."""
    return np.where(node < inputs, -1 - node, np.where(node < HIDDEN, node - inputs, node - HIDDEN + outputs))


def _unpacked(config: BrainConfig, genome: Genome, inputs: int, outputs: int) -> Table:
    """The table of our genomes `[P, ...]` on the host."""
    real, link = genome.node >= 0, genome.innovation >= 0
    kind = lambda known, chosen, column: np.array([known.index(name) for name in chosen], np.int32)[column]
    gene = lambda column, blank: np.full(real.sum(), blank, np.float64) if column is None else column[real]
    plain = np.zeros(real.shape, np.int32) if genome.aggregation is None else genome.aggregation
    keys = lambda ids: _theirs(ids, inputs, outputs).astype(np.int32)
    return Table(
        nodes=real.sum(1, dtype=np.int32),
        connections=link.sum(1, dtype=np.int32),
        key=keys(genome.node[real]),
        bias=genome.bias[real].astype(np.float64),
        response=gene(genome.response, 1).astype(np.float64),
        time_constant=gene(genome.time_constant, 1).astype(np.float64),
        activation=kind(ACTIVATIONS, config.activations, genome.activation[real]),
        aggregation=kind(AGGREGATIONS, config.aggregations, plain[real]),
        source=keys(genome.source[link]),
        target=keys(genome.target[link]),
        weight=genome.weight[link].astype(np.float64),
        enabled=genome.enabled[link],
        innovation=genome.innovation[link].astype(np.uint32),
    )


def parsed(text: str) -> neat.Config:
    """neat-python's config of the text of one of its files, without a file."""
    parser = ConfigParser()
    parser.read_string(text)
    config = object.__new__(neat.Config)
    types = dict(zip(("genome", "reproduction", "species_set", "stagnation"), PARTS, strict=True))
    for part, cls in types.items():
        setattr(config, f"{part}_type", cls)
        setattr(config, f"{part}_config", cls.parse_config(dict(parser.items(cls.__name__))))
    for parameter in neat.Config._Config__params:
        given = parser.has_option("NEAT", parameter.name)
        setattr(config, parameter.name, parameter.parse("NEAT", parser) if given else parameter.default)
    config.config_information = None
    return config


def known_keys() -> dict[str, dict[str, tuple[type, Any]]]:
    """Keys of each section of neat-python's files: type, and default (None: the key is required)."""
    simple = parsed(config_text(BrainConfig(), 1, 1))
    own = {
        "NEAT": neat.Config._Config__params,
        "DefaultGenome": simple.genome_config._params,
        "DefaultReproduction": simple.reproduction_config._params,
        "DefaultSpeciesSet": simple.species_set_config._params,
        "DefaultStagnation": simple.stagnation_config._params,
    }
    return {section: {p.name: (p.value_type, p.default) for p in keys} for section, keys in own.items()}


def config_text(
    brain: BrainConfig,
    inputs: int,
    outputs: int,
    population: int = 150,
    mutation: MutationParams = MutationParams(),
    params: NeatParams = NeatParams(),
) -> str:
    """A config file of neat-python that comes nearest to ours.

    Its rates are per gene where ours are (weights, biases, functions); `toggle`, per birth here, is per gene
    there. Its distance counts node genes too and divides by the number of genes however few they are.
    """
    sections = {
        "NEAT": {
            "fitness_criterion": "max",
            "fitness_threshold": 0,
            "no_fitness_termination": True,
            "pop_size": population,
            "reset_on_extinction": True,
        },
        "DefaultGenome": _genome_keys(brain, inputs, outputs, mutation, params),
        "DefaultSpeciesSet": {"compatibility_threshold": params.threshold},
        "DefaultStagnation": {
            "species_fitness_func": "max",
            "max_stagnation": round(float(params.stagnation)),
            "species_elitism": round(float(params.protected)),
        },
        "DefaultReproduction": {"elitism": 1, "survival_threshold": params.survival, "min_species_size": 1},
    }
    written = lambda value: str(value) if isinstance(value, (str, bool, int)) else f"{float(value):.7g}"
    rows = {name: [f"{key} = {written(value)}" for key, value in keys.items()] for name, keys in sections.items()}
    return "\n\n".join("\n".join([f"[{name}]", *lines]) for name, lines in rows.items()) + "\n"


def _genome_keys(
    brain: BrainConfig, inputs: int, outputs: int, mutation: MutationParams, params: NeatParams
) -> dict[str, Any]:
    open_, limit = mutation.weights, brain.weight_limit

    def number(name: str, mean: float, sd: Any, low: float, high: float, rate: Any, step: Any, anew: Any = 0) -> dict:
        values = {"init_mean": mean, "init_stdev": sd, "init_type": "gaussian", "min_value": low, "max_value": high}
        values |= {"mutate_rate": rate, "mutate_power": step, "replace_rate": anew}
        return {f"{name}_{key}": value for key, value in values.items()}

    def function(name: str, names: tuple[str, ...], rate: Any) -> dict[str, Any]:
        return {f"{name}_default": names[0], f"{name}_options": " ".join(names), f"{name}_mutate_rate": rate}

    pairs = inputs * outputs
    share = 1 - (1 - 1 / pairs) ** brain.founder_connections  # of pairs that so many draws hit at least once
    random = brain.founder_topology == "random"
    direct = "full_direct" if brain.founder_topology == "complete" else "full_nodirect"
    time, tau = brain.time_step, mutation.time_constant if brain.dynamics == "ctrnn" else 0
    return {
        "num_inputs": inputs,
        "num_outputs": outputs,
        "num_hidden": 0 if random else brain.founder_hidden,
        "feed_forward": brain.dynamics == "feedforward",
        "initial_connection": f"partial_direct {share:.7g}" if random else direct,
        "compatibility_disjoint_coefficient": params.disjoint,
        "compatibility_weight_coefficient": params.weight,
        "conn_add_prob": mutation.add_connection,
        "conn_delete_prob": mutation.delete_connection,
        "node_add_prob": mutation.add_node,
        "node_delete_prob": mutation.delete_node,
        "single_structural_mutation": False,
        "structural_mutation_surer": "true",
        "enabled_default": True,
        "enabled_mutate_rate": mutation.toggle,
        **number(
            *("weight", 0, mutation.weight_new, -limit, limit),
            *(open_ * mutation.weight, mutation.weight_step, open_ * mutation.weight_replace),
        ),
        **number("bias", 0, 0, -limit, limit, open_ * mutation.bias, mutation.weight_step),
        **number("response", 1, 0, -limit, limit, mutation.response if brain.response else 0, RESPONSE_STEP),
        **number("time_constant", 10 * time, 0, time, 1000 * time, tau, TIME_STEP * 10 * time),
        **function("activation", brain.activations, mutation.activation),
        **function("aggregation", brain.aggregations, mutation.aggregation),
    }


@dataclass(frozen=True)
class NeatPythonState:
    """A population of neat-python's that waits for its fitness. Nothing in it is altered in place."""

    genomes: dict[int, neat.DefaultGenome]  # by key, in the order of the population
    species: tuple[neat.species.Species, ...]
    generation: int
    next_genome: int  # the keys that come next: plain numbers, so that saving uses none up
    next_species: int
    next_node: int | None  # None: no node was added yet
    innovations: int
    generator: tuple  # state of Python's generator, this search's own


@dataclass(frozen=True)
class NeatPython:
    """neat-python 2.0.0 as an algorithm, on the host: not to be jitted or vmapped.

    Its generation is `neat.Population.run`'s, with two differences: no fitness ends it, and a population
    that has died out is founded anew. Randomness comes from the key of `init` alone. `text` is a config file
    of neat-python's; without it, it is `config_text` of the rest. neat-python knows no limit of size: arrays
    beyond `brain`'s are doubled as need be.
    """

    brain: BrainConfig
    inputs: int
    outputs: int
    population: int = 150
    params: NeatParams = NeatParams()
    mutation: MutationParams = MutationParams()
    text: str = ""

    def config(self) -> neat.Config:
        """A fresh config."""
        mine = config_text(self.brain, self.inputs, self.outputs, self.population, self.mutation, self.params)
        config = parsed(self.text or mine)
        found = config.genome_config.num_inputs, config.genome_config.num_outputs, config.pop_size
        if found != (self.inputs, self.outputs, self.population):
            wanted = f"{self.inputs}, {self.outputs} and {self.population}"
            raise ValueError(f"inputs, outputs and population are {wanted}, in neat-python's config {found}")
        return config

    def init(self, key: jax.Array) -> NeatPythonState:
        """Founders."""
        return self.seeded(int.from_bytes(np.asarray(jax.random.key_data(key)).tobytes(), "little"))

    def seeded(self, seed: int) -> NeatPythonState:
        """The founders that `neat.Population(config, seed=seed)` begins with."""
        mine = neat.reproduction.random.Random(seed).getstate()
        return self._next(NeatPythonState({}, (), 0, 1, 1, None, 0, mine), None)

    def ask(self, key: jax.Array, state: NeatPythonState) -> tuple[Genome, NeatPythonState]:
        """The population that waits; the key is not used."""
        del key
        table = _table(list(state.genomes.values()))
        hidden, size = self.brain.hidden, self.brain.connections
        most_hidden, most = _room(table, self.outputs)
        while hidden < most_hidden:
            hidden = 2 * max(hidden, 4)
        while size < most:
            size = 2 * size
        return _packed(table, replace(self.brain, hidden=hidden, connections=size), self.inputs, self.outputs), state

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

        def breed() -> dict[int, neat.DefaultGenome]:
            young: dict[int, neat.DefaultGenome] = {}
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

    def _pieces(self, state: NeatPythonState) -> tuple[neat.Config, Any, Any]:
        """neat-python's parts, with counters that go on where the state is."""
        config, reporters = self.config(), neat.population.ReporterSet()
        stagnation = config.stagnation_type(config.stagnation_config, reporters)
        reproduction = config.reproduction_type(config.reproduction_config, reporters, stagnation)
        reproduction.genome_indexer = count(state.next_genome)
        reproduction.innovation_tracker.global_counter = state.innovations
        if state.next_node is not None:
            config.genome_config.node_indexer = count(state.next_node)
        niches = config.species_set_type(config.species_set_config, reporters)
        niches.indexer = count(state.next_species)
        return config, reproduction, niches

    def widened(self, state: NeatPythonState, hidden: int, connections: int) -> tuple[NeatPython, NeatPythonState]:
        """The same search with more room in the arrays of `ask`."""
        text = self.text or config_text(
            self.brain, self.inputs, self.outputs, self.population, self.mutation, self.params
        )
        return replace(self, brain=replace(self.brain, hidden=hidden, connections=connections), text=text), state

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


def _copied(state: NeatPythonState, niches: Any) -> dict[int, neat.DefaultGenome]:
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
    generator = neat.reproduction.random
    before = generator.getstate()
    try:
        generator.setstate(mine)
        return work(), generator.getstate()
    finally:
        generator.setstate(before)


def freeze(state: NeatPythonState) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """A state as arrays (bool, int32, uint32; a float64 as two uint32) and a JSON-able rest."""
    table = _table(list(state.genomes.values()))
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
    genomes = {genome.key: genome for genome in _built(Table(**columns), arrays["id"].tolist())}
    species, members = [], arrays["members"].tolist()
    for (key, created, improved, first, size), record in zip(
        arrays["species"].tolist(), arrays["record"].tolist(), strict=True
    ):
        kind = neat.species.Species(key, created)
        kind.last_improved = improved
        kind.update(genomes[first], {member: genomes[member] for member in members[:size]})
        kind.fitness_history = [] if np.isnan(record) else [record]
        species.append(kind)
        members = members[size:]
    version, gauss_next = meta["random"]
    counters = {name: meta[name] for name in ("generation", "next_genome", "next_species", "next_node", "innovations")}
    random = (version, tuple(arrays["random"].tolist()), gauss_next)
    return NeatPythonState(genomes=genomes, species=tuple(species), generator=random, **counters)
