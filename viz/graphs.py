"""An evolved network drawn as a graph, from the JSON document of its genome (`experiments.genomes`).

Inputs on the left, outputs on the right, hidden nodes between them by depth, so forward connections run to the right;
those that close a cycle, or leave an output, are arrows that swing back. Colour is the sign of a weight, width its
size; nodes tell their function and bias. Leaves out the arrangement (`viz.layers`) and values at run time
(`viz.brain_graph`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, PathPatch
from matplotlib.path import Path

from viz.layers import Graph, Point, graph, layout
from viz.panels import BLUE, FAINT, INK, OTHER, RED, sheet, styled

LABELLED = 24  # connections up to which weights are written beside them


@styled
def networks(documents: Sequence[dict[str, Any]], titles: Sequence[str], disabled: bool = False) -> Figure:
    """Graphs of genome documents, two side by side; `disabled` genes dotted if wanted."""
    across = min(len(documents), 2)
    rows = -(-len(documents) // across)
    figure, axes = sheet(rows, across, 3.9 * rows if across == 1 else 3.4 * rows)
    for ax, document, title in zip(axes.flat, documents, titles, strict=False):
        draw(ax, document, disabled)
        ax.set_title(title)
    for ax in list(axes.flat)[len(documents) :]:
        ax.remove()
    key(figure, documents, disabled)
    return figure


def key(figure: Figure, documents: Sequence[dict[str, Any]], disabled: bool = False) -> None:
    """What the lines mean, under the figure."""
    known = [graph(document) for document in documents]
    look: list[tuple[dict[str, Any], str]] = [
        (dict(color=BLUE, linewidth=2), "positive weight"),
        (dict(color=RED, linewidth=2), "negative weight"),
    ]
    if any(net.recurrent for net in known):
        look.append((dict(color=INK, marker=">", markersize=4), "recurrent (arrow)"))
    if disabled and any(net.disabled for net in known):
        look.append((dict(color=FAINT, linestyle=":"), "disabled gene"))
    lines = [Line2D([], [], **style) for style, _ in look]
    figure.legend(lines, [name for _, name in look], loc="outside lower left", ncols=4)


def draw(ax: Axes, document: dict[str, Any], disabled: bool = False) -> None:
    """One graph on axes of its own."""
    net = graph(document)
    plan = layout(net)
    edges = [*net.forward, *net.recurrent]
    most = max([abs(w) for *_, w in edges], default=1.0) or 1.0
    written = len(edges) <= LABELLED and most < 1e4
    if disabled:
        for source, target, _ in net.disabled:
            _swing(ax, plan.places[source], plan.places[target], FAINT, 0.8, ":", "-", 0.22)
    for source, target, weight in sorted(net.forward, key=lambda edge: abs(edge[2])):
        if plan.places[target][0] > plan.places[source][0]:
            _route(ax, plan.routes[source, target], weight, most, written)
    back = [edge for edge in net.forward if plan.places[edge[1]][0] <= plan.places[edge[0]][0]]  # out of an output
    for source, target, weight in [*net.recurrent, *back]:
        colour, width = BLUE if weight >= 0 else RED, _width(weight, most)
        _swing(ax, plan.places[source], plan.places[target], colour, width, "-", "-|>", 0.45)
    _nodes(ax, net, plan.places)
    ax.set_xlim(-0.17, 1.2)
    ax.set_ylim(-0.03, 1.08)
    ax.axis("off")


def _width(weight: float, most: float) -> float:
    return 0.7 + 3.0 * abs(weight) / most


def _route(ax: Axes, points: Sequence[Point], weight: float, most: float, written: bool) -> None:
    """A forward connection as a smooth line, level at every point it passes, and its weight."""
    colour = BLUE if weight >= 0 else RED
    path, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        path += [(middle, y0), (middle, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    patch = PathPatch(Path(path, codes), fill=False, edgecolor=colour, linewidth=_width(weight, most), alpha=0.9)
    ax.add_patch(patch)
    if written:
        (x0, y0), (x1, y1) = points[-2:]  # the last stretch has no other lines in its lane
        t = 0.36
        x = x0 + (x1 - x0) * (1.5 * t * (1 - t) + t**3)
        y = y0 + (y1 - y0) * (3 * t**2 * (1 - t) + t**3)
        box: Any = dict(facecolor="white", edgecolor="none", pad=0.5, alpha=0.85)
        ax.text(x, y, f"{weight:.2g}", color=colour, fontsize=7, ha="center", va="center", bbox=box, zorder=2)


def _swing(ax: Axes, start: Point, end: Point, colour: str, width: float, dashes: str, tip: str, bow: float) -> None:
    """A bowed line; a loop where it ends where it begins."""
    look: Any = dict(arrowstyle=tip, mutation_scale=8 + width, color=colour, linewidth=width, linestyle=dashes)
    if start == end:
        (x, y), loop = start, "arc,angleA=130,angleB=50,armA=30,armB=30,rad=16"
        patch = FancyArrowPatch((x - 0.002, y), (x + 0.002, y), connectionstyle=loop, shrinkA=5, shrinkB=7, **look)
    else:
        patch = FancyArrowPatch(start, end, connectionstyle=f"arc3,rad={bow}", shrinkA=7, shrinkB=8, **look)
    ax.add_patch(patch)


def _nodes(ax: Axes, net: Graph, places: dict[int, Point]) -> None:
    """Nodes with their names, functions and biases; pale if nothing is connected to them."""
    used = {node for source, target, _ in (*net.forward, *net.recurrent) for node in (source, target)}
    for node, (x, y) in places.items():
        ink = INK if node in used else FAINT
        colour = OTHER if node in net.inputs else "#ffffff" if node in net.outputs else "#cfe3f1"
        marker = "s" if node in net.inputs else "o"
        ax.plot(x, y, marker, color=colour, markersize=10, markeredgecolor=ink, markeredgewidth=1.2, zorder=3)
        look: Any = dict(textcoords="offset points", color=ink, zorder=4)
        if node in net.inputs:
            ax.annotate(net.inputs[node], (x, y), (-10, 0), ha="right", va="center", **look)
        elif node in net.outputs:
            told = "\n".join(part for part in (net.outputs[node], _told(net.nodes[node])) if part)
            ax.annotate(told, (x, y), (10, 0), ha="left", va="center", fontsize=8, **look)
        else:
            box: Any = dict(facecolor="white", edgecolor="none", pad=0.4, alpha=0.75)
            ax.annotate(_told(net.nodes[node]), (x, y), (0, 8), ha="center", va="bottom", fontsize=7, bbox=box, **look)


def _told(gene: dict[str, Any]) -> str:
    """Function and bias of a node; how it gathers signals, if not by their sum."""
    words = [str(gene["aggregation"])] if gene.get("aggregation") not in (None, "sum") else []
    words += [str(gene["activation"])] if "activation" in gene else []
    return " ".join(words) + (f"\nbias {gene['bias']:.2g}" if gene.get("bias") else "")
