"""A genome document as a graph in columns: which connections close cycles, and where nodes and lines go.

Inputs stand in column 0, a hidden node one column beyond the farthest node that feeds it (longest path), outputs in
the last. A forward connection gets a lane of its own in each column it passes; nodes and lanes are ordered by their
neighbours (barycentre sweeps, Sugiyama et al. 1981). Leaves out drawing (`viz.graphs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Any

import numpy as np

SWEEPS = 8
LANE = 0.45  # height of a lane, in those of a node
Point = tuple[float, float]


@dataclass(frozen=True)
class Graph:
    """A network to draw; nodes are ids of the genome."""

    inputs: dict[int, str]  # id → name
    outputs: dict[int, str]
    nodes: dict[int, dict[str, Any]]  # node genes by id, outputs and hidden nodes
    forward: list[tuple[int, int, float]]  # source, target, weight
    recurrent: list[tuple[int, int, float]]  # connections that close a cycle
    disabled: list[tuple[int, int, float]]

    @property
    def hidden(self) -> list[int]:
        return [node for node in self.nodes if node not in self.outputs]


def graph(document: dict[str, Any]) -> Graph:
    """The graph of a genome document (`experiments.genomes`)."""
    inputs = dict(enumerate(map(str, document["inputs"])))
    outputs = {len(inputs) + i: str(name) for i, name in enumerate(document["outputs"])}
    nodes = {int(gene["id"]): gene for gene in document["nodes"]}
    for node in outputs:
        nodes.setdefault(node, {"id": node})
    ends = {*inputs, *nodes}
    genes = [
        (int(g["source"]), int(g["target"]), float(g["weight"]), bool(g["enabled"])) for g in document["connections"]
    ]
    genes = [gene for gene in genes if gene[0] in ends and gene[1] in ends]
    enabled = [(s, t, w) for s, t, w, on in genes if on]
    back = _back_edges([*inputs, *nodes], [(s, t) for s, t, _ in enabled])
    return Graph(
        inputs,
        outputs,
        nodes,
        [edge for edge in enabled if edge[:2] not in back],
        [edge for edge in enabled if edge[:2] in back],
        [(s, t, w) for s, t, w, on in genes if not on],
    )


def _back_edges(nodes: Sequence[int], edges: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Edges that close a cycle in a depth-first walk from the first nodes on; without them there is none."""
    after: dict[int, list[int]] = {node: [] for node in nodes}
    for source, target in edges:
        after[source].append(target)
    state, back = dict.fromkeys(nodes, "new"), set()
    for root in nodes:
        if state[root] != "new":
            continue
        state[root] = "open"
        stack: list[tuple[int, Iterator[int]]] = [(root, iter(after[root]))]
        while stack:
            node, rest = stack[-1]
            for target in rest:
                if state[target] == "open":
                    back.add((node, target))
                elif state[target] == "new":
                    state[target] = "open"
                    stack.append((target, iter(after[target])))
                    break
            else:
                state[node] = "done"
                stack.pop()
    return back


def columns(net: Graph) -> dict[int, int]:
    """Column of each node: inputs 0, others one more than the farthest source; outputs share the last."""
    before: dict[int, set[int]] = {node: set() for node in (*net.inputs, *net.nodes)}
    for source, target, _ in net.forward:
        before[target].add(source)
    depth: dict[int, int] = {}
    for node in TopologicalSorter(before).static_order():
        depth[node] = 0 if node in net.inputs else 1 + max((depth[source] for source in before[node]), default=0)
    inner = [depth[node] for node in net.hidden]
    last = max([1, *(d + 1 for d in inner)])
    return depth | dict.fromkeys(net.outputs, last)


@dataclass(frozen=True)
class Layout:
    """Where things are in a unit square, `(x, y)` with y upwards."""

    places: dict[int, Point]  # of nodes
    routes: dict[tuple[int, int], list[Point]]  # of forward connections, ends included


def layout(net: Graph) -> Layout:
    """Places of nodes, and routes of connections that pass other columns."""
    column = columns(net)
    last = max(column.values())
    layers: list[list[Any]] = [[node for node in sorted(column) if column[node] == c] for c in range(last + 1)]
    near: dict[Any, list[Any]] = {node: [] for node in column}
    chains = {}
    for source, target in sorted({edge[:2] for edge in net.forward}):
        lanes = [(source, target, c) for c in range(column[source] + 1, column[target])]
        for lane in lanes:
            layers[lane[2]].append(lane)
        chains[source, target] = chain = [source, *lanes, target]
        for a, b in pairwise(chain):
            near.setdefault(a, []).append(b)
            near.setdefault(b, []).append(a)
    height = {item: at for layer in layers for item, at in _stacked(layer).items()}
    for sweep in range(SWEEPS):
        for layer in layers[1:] if sweep % 2 == 0 else layers[-2:0:-1]:
            wish = {item: float(np.mean([height[n] for n in near[item]] or [height[item]])) for item in layer}
            if layer is not layers[-1]:
                layer.sort(key=lambda item: wish[item])
            height |= _stacked(layer)
    places = {node: (column[node] / last, 1 - height[node]) for node in column}
    at = lambda item: places[item] if isinstance(item, int) else (item[2] / last, 1 - height[item])
    return Layout(places, {edge: [at(item) for item in chain] for edge, chain in chains.items()})


def _stacked(layer: Sequence[Any]) -> dict[Any, float]:
    """Heights of the nodes and lanes of a column, from 0 (top) to 1."""
    sizes = np.array([1.0 if isinstance(item, int) else LANE for item in layer])
    middles = (np.cumsum(sizes) - sizes / 2) / max(sizes.sum(), 1e-9)
    return dict(zip(layer, middles.tolist(), strict=True))
