"""Genomes as JSON: what a run samples at checkpoints, and how such a file becomes a genome again.

The format is plain: node genes and connection genes by id, body genes by name; genes that a config does not use
are left out. Version 1; docs/interchange.md defines every member.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from agents.network import PLASTICITY
from evolution.gene_table import ACTIVATIONS, AGGREGATIONS
from evolution.genome import DYNAMICS, HIDDEN, BrainConfig, Genome
from experiments.simulation import Simulation
from sim import actions, senses
from sim.body import GENES

FORMAT = "firstword genome 1"
BRAIN = ("dynamics", "steps", "time_step", "plasticity")  # what a network of these genes does, beside the genes


def sample(sim: Simulation, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and documents of the `count` living creatures with most children (ties: the elder) over all worlds."""
    if sim.state.mind.genome is None or not count:
        return
    alive = np.asarray(sim.state.world.alive)
    children, uid = np.asarray(sim.state.world.offspring), np.asarray(sim.state.world.uid)
    places = [(-children[w, i], uid[w, i], w, i) for w, i in zip(*np.nonzero(alive), strict=True)]
    for rank, (_, _, w, i) in enumerate(sorted(places)[:count]):
        world, genome = jax.tree.map(
            lambda leaf, w=w, i=i: np.asarray(leaf[w, i]), ((sim.state.world.body,), sim.state.mind.genome)
        )
        document = encode(sim.setting.brain, genome, senses.names(sim.setting.world), actions.names(sim.setting.world))
        document["body"] = {name: float(getattr(world[0], name)) for name in GENES}
        document |= {"tick": sim.tick, "world": int(w), "uid": int(uid[w, i]), "offspring": int(children[w, i])}
        yield f"best-{rank}", document


def encode(config: BrainConfig, genome: Genome, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> dict[str, Any]:
    """One genome (host arrays) as a JSON document."""
    return {
        "format": FORMAT,
        "brain": {name: getattr(config, name) for name in BRAIN},
        "inputs": list(inputs),
        "outputs": list(outputs),
        "nodes": [_node(config, genome, row) for row in np.flatnonzero(np.asarray(genome.node) >= 0).tolist()],
        "connections": [
            _connection(genome, row) for row in np.flatnonzero(np.asarray(genome.innovation) >= 0).tolist()
        ],
    }


def _node(config: BrainConfig, genome: Genome, row: int) -> dict[str, Any]:
    out = {
        "id": int(genome.node[row]),
        "bias": float(genome.bias[row]),
        "activation": config.activations[int(genome.activation[row])],
    }
    if config.aggregations != ("sum",):
        out["aggregation"] = config.aggregations[0 if genome.aggregation is None else int(genome.aggregation[row])]
    for name in ("response", "time_constant"):
        if getattr(genome, name) is not None:
            out[name] = float(getattr(genome, name)[row])
    return out


def _connection(genome: Genome, row: int) -> dict[str, Any]:
    out = {
        "innovation": int(genome.innovation[row]),
        "source": int(genome.source[row]),
        "target": int(genome.target[row]),
        "weight": float(genome.weight[row]),
        "rate": float(genome.rate[row]),
        "enabled": bool(genome.enabled[row]),
    }
    return out if genome.born is None else out | {"born": int(genome.born[row])}


def shape_of(document: dict[str, Any]) -> BrainConfig:
    """The least config that holds the genome of a document. `ValueError` if it is no genome of this version."""
    with _told(document):
        nodes, own = document["nodes"], document.get("brain", {})
        kinds = {
            name: tuple(dict.fromkeys(node.get(name, "sum") if name == "aggregation" else node[name] for node in nodes))
            for name in ("activation", "aggregation")
        }
        strange = set(kinds["activation"]) - set(ACTIVATIONS) | set(kinds["aggregation"]) - set(AGGREGATIONS)
        if strange:
            raise ValueError(f"{strange.pop()!r} is no activation or aggregation known here")
        config = BrainConfig(
            hidden=max(len(nodes) - len(document["outputs"]), 0),
            connections=max(len(document["connections"]), 4),
            activations=kinds["activation"],
            aggregations=kinds["aggregation"],
            response=any("response" in node for node in nodes),
            **{name: own[name] for name in BRAIN if name in own},
        )
        if config.dynamics not in DYNAMICS or config.plasticity not in PLASTICITY:
            raise ValueError(f"brain is {own!r}, which is not known here")
        return config


def decode(config: BrainConfig, document: dict[str, Any]) -> Genome:
    """The genome of a document, in the config's fixed arrays. `ValueError` if it does not fit."""
    with _told(document):
        return _decode(config, document)


@contextlib.contextmanager
def _told(document: Any) -> Iterator[None]:
    """Checks the version, and makes a `ValueError` of whatever else is wrong with a document."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else document
        raise ValueError(f"format is {found!r}, wanted {FORMAT!r}")
    try:
        yield
    except KeyError as error:
        raise ValueError(f"the genome lacks {error}") from None
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"the genome is malformed: {error}") from None


def _decode(config: BrainConfig, document: dict[str, Any]) -> Genome:
    nodes, connections = document["nodes"], document["connections"]
    units, size = len(document["outputs"]) + config.hidden, config.connections
    if len(nodes) > units or len(connections) > size:
        raise ValueError(f"{len(nodes)} nodes and {len(connections)} connections do not fit this brain config")
    dynamics = document.get("brain", {}).get("dynamics", config.dynamics)
    if dynamics != config.dynamics:
        raise ValueError(f"the genome is of a {dynamics} network, wanted {config.dynamics}")
    if not config.response and any(node.get("response", 1.0) != 1.0 for node in nodes):
        raise ValueError("the genome has responses, for which this brain config has no room")

    def column(rows: list[dict[str, Any]], name: str, fill: Any, dtype: Any, default: Any = None) -> jax.Array:
        values = [row[name] if default is None else row.get(name, default) for row in rows]
        array = np.array(values + [fill] * ((units if rows is nodes else size) - len(values)), dtype)
        if not np.isfinite(array).all():
            raise ValueError(f"{name} is not a finite number everywhere")
        return jnp.asarray(array)

    def kinds(name: str, known: tuple[str, ...], default: Any = None) -> jax.Array:
        values = [node[name] if default is None else node.get(name, default) for node in nodes]
        strange = [value for value in values if value not in known]
        if strange:
            raise ValueError(f"{name} {strange[0]!r} is none of {', '.join(known)}")
        return jnp.asarray(np.array([known.index(value) for value in values] + [0] * (units - len(nodes)), np.int32))

    number = lambda name, default=None: column(nodes, name, 0, np.float32, default)
    activation, aggregation = kinds("activation", config.activations), kinds("aggregation", config.aggregations, "sum")
    optional: dict[str, Any] = {
        "aggregation": aggregation if len(config.aggregations) > 1 else None,
        "response": number("response", 1.0) if config.response else None,
        "time_constant": number("time_constant") if config.dynamics == "ctrnn" else None,
        "born": column(connections, "born", 0, np.int32) if connections and "born" in connections[0] else None,
    }
    genome = Genome(
        node=column(nodes, "id", -1, np.int32),
        bias=number("bias"),
        activation=activation,
        innovation=column(connections, "innovation", -1, np.int32),
        source=column(connections, "source", -1, np.int32),
        target=column(connections, "target", -1, np.int32),
        weight=column(connections, "weight", 0, np.float32),
        rate=column(connections, "rate", 0, np.float32),
        enabled=column(connections, "enabled", False, bool),
        refused=jnp.int32(0),
        **optional,
    )
    _check_ends(document)
    return genome


def _check_ends(document: dict[str, Any]) -> None:
    """A `ValueError` unless every connection has its nodes, and the outputs come first."""
    inputs, outputs = len(document["inputs"]), len(document["outputs"])
    ids = [node["id"] for node in document["nodes"]]
    if ids[:outputs] != list(range(inputs, inputs + outputs)):
        raise ValueError(f"the first nodes are not the outputs, {inputs} to {inputs + outputs - 1}")
    if len(set(ids)) < len(ids) or any(not HIDDEN <= one < 2 * HIDDEN for one in ids[outputs:]):
        raise ValueError(f"hidden nodes must differ and have ids from {HIDDEN} to {2 * HIDDEN - 1}")
    for link in document["connections"]:
        if link["target"] not in ids or not (0 <= link["source"] < inputs or link["source"] in ids):
            raise ValueError(f"connection {link['innovation']} leads from or to a node that is not there")
