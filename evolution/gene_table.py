"""Genes of many genomes as flat columns: the halfway house between our arrays and neat-python's objects.

Nodes keep their identity: input i is -1-i there, output o is o, and the hidden node HIDDEN + k is O + k.
Innovation ids go out as they are; on the way in they are hashes of the nodes again. Leaves out what only one of
the two knows: plasticity and dates of origin here, innovation counters there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from agents import activations, aggregations
from evolution.genome import HIDDEN, BrainConfig, Genome, connection_id

ACTIVATIONS, AGGREGATIONS = tuple(activations.FUNCTIONS), tuple(aggregations.FUNCTIONS)


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


def room(table: Table, outputs: int) -> tuple[int, int]:
    """Hidden nodes and connections of the largest genomes."""
    return int(table.nodes.max(initial=outputs)) - outputs, int(table.connections.max(initial=0))


def packed(table: Table, brain: BrainConfig, inputs: int, outputs: int) -> Genome:
    """Our genomes `[P, ...]` of a table. Outputs fill the first rows; everything else keeps its order."""
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
        place = np.array([chosen.index(name) if name in chosen else -1 for name in known], np.int32)[kind]
        if (place < 0).any():
            raise ValueError(f"{known[kind[place < 0][0]]} is none of the config's {', '.join(chosen)}")
        return place

    node = lambda values, dtype, fill=0: scatter(at, values, units, dtype, fill)
    link = lambda values, dtype, fill=0: scatter(link_at, values, size, dtype, fill)
    source, target = (link(our_id(ends, inputs, outputs), np.int32, -1) for ends in (table.source, table.target))
    aggregation = index(AGGREGATIONS, brain.aggregations, table.aggregation)
    return Genome(
        node=node(our_id(table.key, inputs, outputs), np.int32, -1),
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


def our_id(key: np.ndarray, inputs: int, outputs: int) -> np.ndarray:
    """Our ids of neat-python's node keys."""
    return np.where(key < 0, -1 - key, np.where(key < outputs, inputs + key, HIDDEN + key - outputs))


def their_key(node: np.ndarray, inputs: int, outputs: int) -> np.ndarray:
    """neat-python's node keys of our ids."""
    return np.where(node < inputs, -1 - node, np.where(node < HIDDEN, node - inputs, node - HIDDEN + outputs))


def unpacked(config: BrainConfig, genome: Genome, inputs: int, outputs: int) -> Table:
    """The table of our genomes `[P, ...]` on the host."""
    real, link = genome.node >= 0, genome.innovation >= 0
    kind = lambda known, chosen, column: np.array([known.index(name) for name in chosen], np.int32)[column]
    gene = lambda column, blank: np.full(real.sum(), blank, np.float64) if column is None else column[real]
    plain = np.zeros(real.shape, np.int32) if genome.aggregation is None else genome.aggregation
    keys = lambda ids: their_key(ids, inputs, outputs).astype(np.int32)
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
