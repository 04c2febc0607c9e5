"""neat-python's objects beside our arrays: genomes and configs go out and come back.

The only module that knows neat-python. Weights, biases, responses, time constants, functions, enabled genes and
topology go both ways without loss (its numbers are rounded to float32); `evolution.gene_table` says how ids map.
Leaves out what only one of the two knows (docs/interchange.md has the table). Source: neat-python 2.0.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from configparser import ConfigParser
from dataclasses import fields, replace
from itertools import count
from typing import Any

import jax
import neat
import neat.genes
import neat.innovation
import neat.reproduction
import numpy as np
from neat import Config as Config
from neat import DefaultGenome as DefaultGenome
from neat import Population as Population
from neat.nn import FeedForwardNetwork as FeedForwardNetwork
from neat.population import ReporterSet as ReporterSet
from neat.species import Species as Species

from evolution.gene_table import ACTIVATIONS, AGGREGATIONS, Table, packed, room, unpacked
from evolution.genome import HIDDEN, BrainConfig, Genome
from evolution.neat_python_config import config_text

PARTS = (neat.DefaultGenome, neat.DefaultReproduction, neat.DefaultSpeciesSet, neat.DefaultStagnation)
GENERATOR = neat.reproduction.random  # the process's generator, which neat-python draws from
LAST_INNOVATION = 2**31  # ours are below; numbers that neat-python gives out itself are above


def to_neat(
    config: BrainConfig, genome: Genome, inputs: int, outputs: int, text: str = ""
) -> tuple[list[DefaultGenome], Config]:
    """neat-python's genomes, keys 1…P, of ours `[P, ...]`, and a config for them (of `text`, if given).

    The config hands out node keys that none of these genomes uses, so neat-python can go on evolving them.
    """
    table = unpacked(config, jax.tree.map(np.asarray, genome), inputs, outputs)
    theirs = parsed(text or config_text(config, inputs, outputs, population=len(table.nodes)))
    used = np.unique(np.concatenate([[outputs - 1, outputs + HIDDEN], table.key[table.key >= outputs]]))
    theirs.genome_config.node_indexer = count(int(used[np.argmax(np.diff(used))]) + 1)  # the widest gap
    theirs.genome_config.innovation_tracker = neat.innovation.InnovationTracker(LAST_INNOVATION)
    return built(table, range(1, len(table.nodes) + 1)), theirs


def from_neat(
    genomes: Sequence[DefaultGenome], config: Config, brain: BrainConfig | None = None
) -> tuple[BrainConfig, Genome]:
    """Our config and genomes `[P, ...]` of neat-python's. `ValueError` if something has no counterpart.

    `brain` gives what neat-python does not know: continuous time, steps, founders, and least room in the arrays.
    """
    own = config.genome_config
    table = table_of(genomes)
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
    hidden, size = room(table, own.num_outputs)
    shape = replace(shape, hidden=max(shape.hidden, hidden), connections=max(shape.connections, size))
    genome = packed(table, shape, own.num_inputs, own.num_outputs)
    order = np.sort(np.asarray(genome.innovation), axis=1)
    if ((order[:, 1:] == order[:, :-1]) & (order[:, 1:] >= 0)).any():
        raise ValueError("two connections of a genome have the same innovation id here")
    return shape, genome


def brain_of(config: Config, brain: BrainConfig) -> BrainConfig:
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


def table_of(genomes: Sequence[DefaultGenome]) -> Table:
    """The table of neat-python's genomes."""
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


def built(table: Table, ids: Sequence[int]) -> list[DefaultGenome]:
    """neat-python's genomes of a table; they have no fitness."""
    column = {field.name: getattr(table, field.name).tolist() for field in fields(Table)}
    kinds = [ACTIVATIONS[kind] for kind in column["activation"]], [AGGREGATIONS[kind] for kind in column["aggregation"]]
    genomes, first_node, first_link = [], 0, 0
    for key, nodes, links in zip(ids, column["nodes"], column["connections"], strict=True):
        genome = DefaultGenome(key)
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


def parsed(text: str) -> Config:
    """neat-python's config of the text of one of its files, without a file."""
    parser = ConfigParser()
    parser.read_string(text)
    config = object.__new__(Config)
    types = dict(zip(("genome", "reproduction", "species_set", "stagnation"), PARTS, strict=True))
    for part, cls in types.items():
        setattr(config, f"{part}_type", cls)
        setattr(config, f"{part}_config", cls.parse_config(dict(parser.items(cls.__name__))))
    for parameter in Config._Config__params:
        given = parser.has_option("NEAT", parameter.name)
        setattr(config, parameter.name, parameter.parse("NEAT", parser) if given else parameter.default)
    config.config_information = None
    return config


def known_keys() -> dict[str, dict[str, tuple[type, Any]]]:
    """Keys of each section of neat-python's files: type, and default (None: the key is required)."""
    simple = parsed(config_text(BrainConfig(), 1, 1))
    own = {
        "NEAT": Config._Config__params,
        "DefaultGenome": simple.genome_config._params,
        "DefaultReproduction": simple.reproduction_config._params,
        "DefaultSpeciesSet": simple.species_set_config._params,
        "DefaultStagnation": simple.stagnation_config._params,
    }
    return {section: {p.name: (p.value_type, p.default) for p in keys} for section, keys in own.items()}
