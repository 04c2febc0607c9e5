"""NEAT genomes in fixed arrays (Stanley & Miikkulainen 2002), for one genome; `vmap` for many.

Innovation ids are content-addressed: a connection's id is a hash of the ids of its two nodes, and a node
that splits a connection takes a hash of that connection's id (and of how often this genome split it). So
the same structural mutation gets the same id in every creature, world and process, with no registry to
share, save or merge. A clash within a genome is impossible to miss: the mutation is refused and counted.
Ids below I are inputs, I…I+O-1 outputs, hidden nodes have bit 30 set.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import jax
import jax.numpy as jnp

from agents import aggregations
from agents.activations import FUNCTIONS
from agents.network import PLASTICITY, Brain
from sim.config import key as tunable

DYNAMICS = ("recurrent", "feedforward", "ctrnn")
TOPOLOGIES = ("random", "layered", "complete")
NODE_COLUMNS = ("node", "bias", "activation", "aggregation", "response", "time_constant")
HIDDEN = 1 << 30  # ids of hidden nodes have this bit


@dataclass(frozen=True)
class BrainConfig:
    """Static shape of genomes and brains; inputs and outputs are those of the world."""

    hidden: int = tunable(9, "most hidden nodes of a genome; growth beyond is refused", low=0, high=256)
    connections: int = tunable(64, "most connection genes of a genome; growth beyond is refused", low=4, high=8192)
    activations: tuple[str, ...] = tunable(
        ("tanh", "relu", "identity", "gauss"),
        "functions nodes may use; founders use the first",
        choices=tuple(FUNCTIONS),
    )
    aggregations: tuple[str, ...] = tunable(
        ("sum",),
        "what nodes may make of arriving signals; founders use the first",
        choices=tuple(aggregations.FUNCTIONS),
    )
    dynamics: str = tunable(
        "recurrent",
        "how values pass: one connection per step, all the way in one step, or in continuous time",
        choices=DYNAMICS,
    )
    response: bool = tunable(False, "nodes have a gene that multiplies what arrives, as in neat-python")
    steps: int = tunable(1, "network steps for each look at the world or task", low=1, high=1000)
    time_step: float = tunable(0.01, "length of a step in continuous time (ctrnn)", low=1e-6, high=10, unit="s")
    weight_limit: float = tunable(8.0, "weights and biases stay within ± this", low=0.1, high=1000)
    plasticity: str = tunable("none", "learning within a lifetime", choices=PLASTICITY)
    species_distance: float = tunable(
        6.0, "distance from its species' type beyond which a child founds a new one", low=0, high=1000
    )
    connection_tries: int = tunable(1, "pairs of nodes tried for a new connection", low=1, high=100)
    founder_topology: str = tunable(
        "random",
        "founders: some input-output connections, each layer to the next, or everything to everything",
        choices=TOPOLOGIES,
    )
    founder_connections: int = tunable(24, "input-output connections of a random founder", low=0, high=1024)
    founder_hidden: int = tunable(0, "hidden nodes of a layered or complete founder", low=0, high=256)
    founder_weight: float = tunable(0.5, "sd of a founder's weights", low=0, high=100)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Genome:
    """Node and connection genes. Outputs fill the first O node rows; -1 marks an empty row.

    A gene that the config does not use is None.
    """

    node: jax.Array  # [M] int32 node id
    bias: jax.Array  # [M] float32
    activation: jax.Array  # [M] int32
    innovation: jax.Array  # [C] int32
    source: jax.Array  # [C] int32 node id
    target: jax.Array  # [C] int32 node id
    weight: jax.Array  # [C] float32
    rate: jax.Array  # [C] float32 learning rate (used by plastic brains)
    enabled: jax.Array  # [C] bool
    refused: jax.Array  # [] int32 structural mutations refused in this line for want of room
    aggregation: jax.Array | None = None  # [M] int32
    response: jax.Array | None = None  # [M] multiplies what arrives
    time_constant: jax.Array | None = None  # [M] seconds, of continuous-time nodes
    born: jax.Array | None = None  # [C] int32 generation in which the connection arose: its historical order


def _mix(word: jax.Array) -> jax.Array:
    """MurmurHash3's finaliser, a bijection of 32-bit words."""
    word = (word ^ (word >> 16)) * jnp.uint32(0x85EBCA6B)
    word = (word ^ (word >> 13)) * jnp.uint32(0xC2B2AE35)
    return word ^ (word >> 16)


def connection_id(source: jax.Array, target: jax.Array) -> jax.Array:
    """Innovation id of a connection, int32 ≥ 0."""
    word = _mix(jnp.asarray(source).astype(jnp.uint32) + jnp.uint32(0x9E3779B9))
    word = _mix(word ^ (jnp.asarray(target).astype(jnp.uint32) * jnp.uint32(0x27D4EB2F)))
    return (word & jnp.uint32(0x7FFFFFFF)).astype(jnp.int32)


def split_id(innovation: jax.Array, times: jax.Array) -> jax.Array:
    """Id of the node that splits a connection for the `times`-th time, int32 with bit 30 set."""
    word = _mix(jnp.asarray(innovation).astype(jnp.uint32) ^ (jnp.asarray(times).astype(jnp.uint32) << 20))
    return ((_mix(word + jnp.uint32(0x165667B1)) & jnp.uint32(0x3FFFFFFF)) | jnp.uint32(0x40000000)).astype(jnp.int32)


def founder(key: jax.Array, config: BrainConfig, inputs: int, outputs: int) -> Genome:
    """A first genome: minimal (random input-output connections), layered or complete."""
    k_source, k_target, k_weight, k_rate = jax.random.split(key, 4)
    units, size, limit = outputs + config.hidden, config.connections, config.weight_limit
    row = jnp.arange(units, dtype=jnp.int32)
    column = jnp.arange(size, dtype=jnp.int32)
    node = jnp.where(row < outputs, row + inputs, -1)
    if config.founder_topology == "random":
        source = jax.random.randint(k_source, (size,), 0, inputs)
        target = jax.random.randint(k_target, (size,), inputs, inputs + outputs)
        innovation = connection_id(source, target)
        repeat = jnp.any((innovation[:, None] == innovation[None, :]) & (column[None, :] < column[:, None]), axis=1)
        real = (column < config.founder_connections) & ~repeat
    else:
        hidden = HIDDEN + jnp.arange(config.founder_hidden, dtype=jnp.int32)
        node = node.at[outputs : outputs + config.founder_hidden].set(hidden)
        pairs = designed(config, inputs, outputs)
        source, target = (jnp.full(size, -1, jnp.int32).at[: len(pairs)].set(ends) for ends in zip(*pairs, strict=True))
        innovation, real = connection_id(source, target), column < len(pairs)
    evolves, weight = node >= 0, jax.random.normal(k_weight, (size,))
    return Genome(
        node=node,
        bias=jnp.zeros(units),
        activation=jnp.zeros(units, jnp.int32),
        innovation=jnp.where(real, innovation, -1),
        source=jnp.where(real, source, -1),
        target=jnp.where(real, target, -1),
        weight=jnp.where(real, jnp.clip(config.founder_weight * weight, -limit, limit), 0.0),
        rate=jnp.where(real, 0.01 * jax.random.normal(k_rate, (size,)), 0.0),
        enabled=real,
        refused=jnp.int32(0),
        aggregation=jnp.zeros(units, jnp.int32) if len(config.aggregations) > 1 else None,
        response=evolves.astype(jnp.float32) if config.response else None,
        time_constant=jnp.where(evolves, 10 * config.time_step, 0.0) if config.dynamics == "ctrnn" else None,
    )


def designed(config: BrainConfig, inputs: int, outputs: int) -> list[tuple[int, int]]:
    """Connections (source id, target id) of a layered or complete founder."""
    first, hidden = range(inputs), [HIDDEN + i for i in range(config.founder_hidden)]
    last = range(inputs, inputs + outputs)
    if config.founder_topology == "complete" and config.dynamics != "feedforward":
        return [(source, target) for target in [*last, *hidden] for source in [*first, *last, *hidden]]
    if config.founder_topology == "complete":  # each node to all later ones
        order = [*hidden, *last]
        pairs = [(source, target) for target in order for source in [*first, *hidden] if source != target]
        return [(s, t) for s, t in pairs if s not in hidden or t in last or hidden.index(s) < hidden.index(t)]
    if not hidden:
        return [(source, target) for target in last for source in first]
    return [(s, t) for t in hidden for s in first] + [(s, t) for t in last for s in hidden]


def express(config: BrainConfig, inputs: int, genome: Genome) -> Brain:
    """The network a genome describes. Disabled and empty genes leave no trace."""
    units = genome.node.shape[0]
    source = jnp.where(genome.source < inputs, genome.source, inputs + place(genome, genome.source))
    plastic = config.plasticity != "none"
    return Brain(
        source=jnp.where(genome.enabled, source, 0),
        target=jnp.where(genome.enabled, jnp.minimum(place(genome, genome.target), units - 1), 0),
        weight=jnp.where(genome.enabled, genome.weight, 0.0),
        bias=genome.bias,
        activation=genome.activation,
        rate=jnp.where(genome.enabled, genome.rate, 0.0) if plastic else None,
    )


def signatures(genome: Genome) -> jax.Array:
    """Hashes `[P]` uint32, never 0, of genomes `[P, ...]`: of all genes of their networks in their rows, those that
    are switched off too. More room changes none."""
    total = jnp.zeros(genome.node.shape[0], jnp.uint32)
    columns = [*(("innovation", name) for name in ("innovation", "weight", "enabled"))]
    columns += [("node", name) for name in NODE_COLUMNS]
    for number, (row, name) in enumerate(columns):
        leaf = getattr(genome, name)
        if leaf is None:
            continue
        word = leaf.view(jnp.uint32) if leaf.dtype.itemsize == 4 else leaf.astype(jnp.uint32)
        place = jnp.arange(leaf.shape[1], dtype=jnp.uint32) * jnp.uint32(len(columns)) + jnp.uint32(number)
        hashed = _mix(_mix(place + jnp.uint32(0x9E3779B9)) ^ word)
        total = total + jnp.sum(jnp.where(getattr(genome, row) >= 0, hashed, 0), axis=1, dtype=jnp.uint32)
    return _mix(total) | 1


def widened(genome: Genome, units: int, connections: int) -> Genome:
    """Genomes `[..., M]`, `[..., C]` in arrays with more room, which stays empty."""

    def room(name: str, leaf: jax.Array | None) -> jax.Array | None:
        if leaf is None or name == "refused":
            return leaf
        size = units if name in NODE_COLUMNS else connections
        blank = -1 if name in ("node", "innovation", "source", "target") else 0
        extra = [(0, 0)] * (leaf.ndim - 1) + [(0, size - leaf.shape[-1])]
        return jnp.pad(leaf, extra, constant_values=blank)

    return Genome(**{field.name: room(field.name, getattr(genome, field.name)) for field in fields(Genome)})


def place(genome: Genome, node: jax.Array) -> jax.Array:
    """Row of each node id `[K]` among the genome's nodes; M where it has none."""
    row = twins(node, genome.node)
    return jnp.where(row < 0, genome.node.shape[0], row)


def twins(ids: jax.Array, others: jax.Array) -> jax.Array:
    """Where each id `[K]` stands among `others` `[L]`, which are unique; -1 where it does not, or is -1 itself."""
    match = (ids[:, None] == others[None, :]) & (ids[:, None] >= 0)
    return jnp.max(jnp.where(match, jnp.arange(others.shape[0], dtype=jnp.int32)[None, :], -1), axis=1)


def num_connections(genome: Genome) -> jax.Array:
    """Enabled connections, [] int32."""
    return jnp.sum(genome.enabled, dtype=jnp.int32)


def num_hidden(genome: Genome) -> jax.Array:
    """Hidden nodes, [] int32."""
    return jnp.sum(genome.node >= HIDDEN, dtype=jnp.int32)
