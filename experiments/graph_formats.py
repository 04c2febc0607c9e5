"""Genomes as graphs for other programs: GraphML (networkx, Gephi, yEd) and DOT (Graphviz).

Both are written from a genome's JSON document (`experiments.genomes`). GraphML has every gene, typed; DOT is a
picture. Leaves out what a network does beside its genes. Sources: graphml.graphdrawing.org; graphviz.org/doc/info/lang.
"""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as xml

NODE_TYPES = {
    "label": "string",
    "kind": "string",  # input, output or hidden
    "bias": "double",
    "activation": "string",
    "aggregation": "string",
    "response": "double",
    "time_constant": "double",
}
EDGE_TYPES = {
    "innovation": "long",
    "weight": "double",
    "enabled": "boolean",
    "rate": "double",
    "born": "long",
}
HEAD = {
    "xmlns": "http://graphml.graphdrawing.org/xmlns",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsi:schemaLocation": "http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd",
}
POSITIVE, NEGATIVE, OFF = "#1f6fb4", "#c8442b", "#9a9a9a"
SHAPES = {"input": "box", "output": "doublecircle", "hidden": "circle"}


def graphml(name: str, document: dict[str, Any]) -> str:
    """A directed graph: a node for each input and node gene, an edge for each connection gene, enabled or not."""
    root = xml.Element("graphml", HEAD)
    for where, types in (("node", NODE_TYPES), ("edge", EDGE_TYPES)):
        for key, kind in types.items():
            xml.SubElement(root, "key", {"id": key, "for": where, "attr.name": key, "attr.type": kind})
    graph = xml.SubElement(root, "graph", {"id": name, "edgedefault": "directed"})
    for node in _nodes(document):
        _data(xml.SubElement(graph, "node", {"id": f"n{node['id']}"}), node, NODE_TYPES)
    for i, link in enumerate(document["connections"]):
        ends = {"source": f"n{link['source']}", "target": f"n{link['target']}"}
        _data(xml.SubElement(graph, "edge", {"id": f"e{i}", **ends}), link, EDGE_TYPES)
    xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml.tostring(root, encoding="unicode")}\n'


def dot(name: str, document: dict[str, Any]) -> str:
    """A drawing from left to right: blue weights are positive, red ones negative, dashed ones disabled."""
    lines = [f"digraph {_quoted(name)} {{", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    ranks: dict[str, list[str]] = {"input": [], "output": [], "hidden": []}
    for node in _nodes(document):
        label = node["label"] if node["kind"] == "input" else f"{node['label']}\n{node['activation']}"
        ranks[node["kind"]].append(f"n{node['id']} [label={_quoted(label)}, shape={SHAPES[node['kind']]}];")
    for kind, rank in (("input", "source"), ("hidden", ""), ("output", "sink")):
        if rank:
            lines += ["  {", f"    rank={rank};", *(f"    {line}" for line in ranks[kind]), "  }"]
        else:
            lines += [f"  {line}" for line in ranks[kind]]
    for link in document["connections"]:
        weight = link["weight"]
        colour = (POSITIVE if weight >= 0 else NEGATIVE) if link["enabled"] else OFF
        style = {"label": _quoted(f"{weight:.3g}"), "color": _quoted(colour)}
        style |= {"penwidth": f"{0.5 + min(abs(weight), 8) / 2:.2f}"} | ({} if link["enabled"] else {"style": "dashed"})
        told = ", ".join(f"{key}={value}" for key, value in style.items())
        lines.append(f"  n{link['source']} -> n{link['target']} [{told}];")
    return "\n".join([*lines, "}"]) + "\n"


def _nodes(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Inputs and node genes, with a label, a kind and the genes that a document leaves out when nobody uses them."""
    inputs, outputs = document["inputs"], document["outputs"]
    first = [{"id": i, "label": name, "kind": "input"} for i, name in enumerate(inputs)]
    usual = {"aggregation": "sum", "response": 1.0}
    last = [
        {"label": name, "kind": "output", **usual, **node}
        for name, node in zip(outputs, document["nodes"], strict=False)
    ]
    hidden = document["nodes"][len(outputs) :]
    between = [{"label": f"h{i}", "kind": "hidden", **usual, **node} for i, node in enumerate(hidden)]
    return [*first, *last, *between]


def _data(element: xml.Element, values: dict[str, Any], types: dict[str, str]) -> None:
    for key in types:
        if key in values:
            value = values[key]
            xml.SubElement(element, "data", {"key": key}).text = value if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """A DOT string; its escapes are JSON's for what can occur here."""
    return json.dumps(text, ensure_ascii=False)
