"""The graph of one creature's network: which connections it has, and what its nodes say now.

Inputs that are used stand on the left, outputs on the right, hidden nodes between by their distance from
the inputs. Edges are coloured by sign, thicker with weight; nodes are coloured by value. Disabled genes
leave no trace, as in the creature. Drawn at twice the size and shrunk, for smooth lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from agents.network import Memory
from evolution.natural import Mind
from viz.camera import Size
from viz.colours import CARD, FAINT, INK, MUTED, NEGATIVE, POSITIVE, Colour
from viz.paint import font

SCALE = 2


@dataclass(frozen=True)
class Network:
    """A network to draw. Nodes are numbered inputs first, then units (outputs, then hidden)."""

    inputs: int
    outputs: int
    source: np.ndarray  # [E] node
    target: np.ndarray  # [E] node
    weight: np.ndarray  # [E] with what was learned
    value: np.ndarray  # [I+M] value of each node
    activation: np.ndarray  # [M] int index of each unit's function


def network(mind: Mind, memory: Memory | None, obs: np.ndarray, outputs: int) -> Network | None:
    """The network of one creature (a row of minds); None when its mind is not one."""
    genome, brain = mind.genome, mind.brain
    if genome is None or brain is None:
        return None
    on = np.asarray(genome.enabled)
    weight = np.asarray(brain.weight)
    if memory is not None and memory.learned is not None:
        weight = weight + np.asarray(memory.learned)
    units = np.zeros(len(np.asarray(brain.bias))) if memory is None else np.asarray(memory.value)
    return Network(
        inputs=len(obs),
        outputs=outputs,
        source=np.asarray(brain.source)[on],
        target=np.asarray(brain.target)[on] + len(obs),
        weight=weight[on],
        value=np.nan_to_num(np.concatenate([np.asarray(obs), units])),
        activation=np.asarray(brain.activation),
    )


def depths(net: Network) -> dict[int, int]:
    """Steps from an input to each hidden node that has a connection, at least 1."""
    nodes = {int(n) for n in (*net.source, *net.target) if n >= net.inputs + net.outputs}
    depth = dict.fromkeys(nodes, 0)
    edges = [(int(s), int(t)) for s, t in zip(net.source, net.target, strict=True) if s != t]
    reached = {s for s, _ in edges if s < net.inputs}
    for step in range(1, len(nodes) + 1):
        reached = {t for s, t in edges if s in reached and depth.get(t) == 0}
        depth.update(dict.fromkeys(reached, step))
    return {n: max(d, 1) for n, d in depth.items()}


def layout(net: Network, size: Size, top: float = 26) -> dict[int, tuple[float, float]]:
    """Place in pixels of each node that is drawn: used inputs, all outputs, connected hidden nodes."""
    width, height = size
    depth = depths(net)
    columns: dict[int, list[int]] = {0: sorted({int(s) for s in net.source if s < net.inputs})}
    last = max(depth.values(), default=0) + 1
    for node, d in sorted(depth.items()):
        columns.setdefault(d, []).append(node)
    columns[last] = list(range(net.inputs, net.inputs + net.outputs))
    left, right = min(104, width / 3), width - min(62, width / 4)  # room for names
    places: dict[int, tuple[float, float]] = {}
    for column, nodes in columns.items():
        x = left + (right - left) * column / last
        gap = (height - top - 10) / max(len(nodes), 1)
        stagger = 0.3 * gap * (column % 2) if 0 < column < last else 0
        for k, node in enumerate(nodes):
            places[node] = (x, top + gap * (k + 0.5) + stagger)
    return places


def value_colour(value: float) -> Colour:
    """Grey for silence, blue for positive, orange for negative."""
    share = min(abs(value), 1.0)
    goal = POSITIVE if value >= 0 else NEGATIVE
    r, g, b = (round(f + share * (c - f)) for f, c in zip(FAINT, goal, strict=True))
    return r, g, b


def picture(
    net: Network | None,
    size: Size,
    inputs: Sequence[str],
    outputs: Sequence[str],
    activations: Sequence[str] = (),
    background: Colour = CARD,
    told: str = "no network",
) -> np.ndarray:
    """The graph as RGB `[h, w, 3]`; what is `told` where there is no network to draw."""
    width, height = size
    image = Image.new("RGB", (max(width, 8) * SCALE, max(height, 8) * SCALE), background)
    draw = ImageDraw.Draw(image)
    if net is None:
        draw.text((width, height), told, fill=MUTED, font=font(13 * SCALE), anchor="mm")
    else:
        places = layout(net, size)
        _edges(draw, net, places)
        _nodes(draw, net, places, inputs, outputs, activations)
        title = f"{len(net.source)} connections, {len(depths(net))} hidden"
        draw.text((10 * SCALE, 13 * SCALE), title, fill=INK, font=font(12 * SCALE), anchor="lm")
        for x, sign, colour in ((width - 70, "+", POSITIVE), (width - 34, "-", NEGATIVE)):
            draw.line((x * SCALE, 13 * SCALE, (x + 14) * SCALE, 13 * SCALE), fill=colour, width=3 * SCALE)
            draw.text(((x + 18) * SCALE, 13 * SCALE), sign, fill=MUTED, font=font(12 * SCALE), anchor="lm")
    return np.array(image.resize((max(width, 8), max(height, 8)), Image.Resampling.BOX))


def _edges(draw: ImageDraw.ImageDraw, net: Network, places: dict[int, tuple[float, float]]) -> None:
    order = np.argsort(np.abs(net.weight))
    for k in order:
        weight = float(net.weight[k])
        (x0, y0), (x1, y1) = places[int(net.source[k])], places[int(net.target[k])]
        colour = POSITIVE if weight >= 0 else NEGATIVE
        strength = 0.3 + 0.7 * min(abs(weight) / 2, 1)
        faded = tuple(round(b + strength * (c - b)) for b, c in zip(CARD, colour, strict=True))
        width = max(1, round(SCALE * min(0.7 + 0.9 * abs(weight), 4)))
        if net.source[k] == net.target[k]:
            draw.ellipse([SCALE * v for v in (x0 - 8, y0 - 16, x0 + 8, y0)], outline=faded, width=width)
        else:
            bend = 0.0 if x1 > x0 + 1 else 28.0  # what leads back or stays in its column swings out
            draw.line(_bow(x0, y0, x1, y1, bend), fill=faded, width=width, joint="curve")


def _bow(x0: float, y0: float, x1: float, y1: float, bend: float) -> list[tuple[float, float]]:
    """A quadratic curve whose middle is moved aside by `bend` pixels; straight for 0."""
    length = max(np.hypot(x1 - x0, y1 - y0), 1e-9)
    cx, cy = (x0 + x1) / 2 + 2 * bend * (y1 - y0) / length, (y0 + y1) / 2 - 2 * bend * (x1 - x0) / length
    t = np.linspace(0, 1, 2 if bend == 0 else 14)
    x = (1 - t) ** 2 * x0 + 2 * t * (1 - t) * cx + t**2 * x1
    y = (1 - t) ** 2 * y0 + 2 * t * (1 - t) * cy + t**2 * y1
    return [(SCALE * float(a), SCALE * float(b)) for a, b in zip(x, y, strict=True)]


def _nodes(draw: ImageDraw.ImageDraw, net: Network, places, inputs, outputs, activations) -> None:
    first = net.inputs + net.outputs
    used = sum(n < net.inputs for n in places)
    tallest = max((y for _, y in places.values()), default=0) + 10
    small = float(np.clip(0.85 * tallest / max(used, 1), 6, 11))
    for node, (x, y) in places.items():
        r = 4.5 if node < first else 6
        box = [SCALE * v for v in (x - r, y - r, x + r, y + r)]
        draw.ellipse(box, fill=value_colour(float(net.value[node])), outline=INK, width=SCALE)
        if node < net.inputs:
            name = inputs[node].replace(".", " ")
            draw.text((SCALE * (x - 9), SCALE * y), name, fill=MUTED, font=font(SCALE * small), anchor="rm")
        elif node < first:
            draw.text(
                (SCALE * (x + 9), SCALE * y), outputs[node - net.inputs], fill=INK, font=font(SCALE * 11), anchor="lm"
            )
        elif len(activations):
            name = activations[int(net.activation[node - net.inputs])]
            draw.text((SCALE * x, SCALE * (y + 12)), name, fill=MUTED, font=font(SCALE * 9), anchor="mm")
