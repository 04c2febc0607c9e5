"""Genomes as JSON: what a run samples at checkpoints, and how such a file becomes a genome again.

The format is plain: node genes and connection genes by id, body genes by name. Version 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from evolution.genome import BrainConfig, Genome
from experiments.simulation import Simulation
from sim import actions, senses
from sim.body import GENES

FORMAT = "firstword genome 1"


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
    nodes = [
        {"id": int(node), "bias": float(bias), "activation": config.activations[int(kind)]}
        for node, bias, kind in zip(genome.node, genome.bias, genome.activation, strict=True)
        if node >= 0
    ]
    connections = [
        {
            "innovation": int(genome.innovation[i]),
            "source": int(genome.source[i]),
            "target": int(genome.target[i]),
            "weight": float(genome.weight[i]),
            "rate": float(genome.rate[i]),
            "enabled": bool(genome.enabled[i]),
        }
        for i in np.flatnonzero(np.asarray(genome.innovation) >= 0)
    ]
    return {
        "format": FORMAT,
        "inputs": list(inputs),
        "outputs": list(outputs),
        "nodes": nodes,
        "connections": connections,
    }


def decode(config: BrainConfig, document: dict[str, Any]) -> Genome:
    """The genome of a document, in the config's fixed arrays. `ValueError` if it does not fit."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else document
        raise ValueError(f"format is {found!r}, wanted {FORMAT!r}")
    try:
        return _decode(config, document)
    except KeyError as error:
        raise ValueError(f"the genome lacks {error}") from None
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"the genome is malformed: {error}") from None


def _decode(config: BrainConfig, document: dict[str, Any]) -> Genome:
    nodes, connections = document["nodes"], document["connections"]
    units = len(document["outputs"]) + config.hidden
    if len(nodes) > units or len(connections) > config.connections:
        raise ValueError(f"{len(nodes)} nodes and {len(connections)} connections do not fit this brain config")

    def column(rows: list[dict[str, Any]], name: str, size: int, fill: Any, dtype: Any) -> jax.Array:
        values = [row[name] for row in rows]
        return jnp.asarray(np.array(values + [fill] * (size - len(values)), dtype))

    strange = [node["activation"] for node in nodes if node["activation"] not in config.activations]
    if strange:
        raise ValueError(f"activation {strange[0]!r} is none of {', '.join(config.activations)}")
    kinds = [{"kind": config.activations.index(node["activation"])} for node in nodes]
    size = config.connections
    return Genome(
        node=column(nodes, "id", units, -1, np.int32),
        bias=column(nodes, "bias", units, 0, np.float32),
        activation=column(kinds, "kind", units, 0, np.int32),
        innovation=column(connections, "innovation", size, -1, np.int32),
        source=column(connections, "source", size, -1, np.int32),
        target=column(connections, "target", size, -1, np.int32),
        weight=column(connections, "weight", size, 0, np.float32),
        rate=column(connections, "rate", size, 0, np.float32),
        enabled=column(connections, "enabled", size, False, bool),
        refused=jnp.int32(0),
    )
