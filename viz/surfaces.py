"""What a network answers over the unit square of its two inputs, and the network itself beside it.

A network without hidden nodes is a perceptron: its output is a function of one weighted sum, so the line where it
crosses 0.5 is straight (Minsky & Papert 1969). For feed-forward networks of two inputs; leaves out how they were
found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from agents.dense import rest, think
from evolution.genome import BrainConfig, Genome
from evolution.phenotype import dynamics, networks
from viz import graphs
from viz.panels import BLUE, INK, ORANGE, sheet, styled

CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))
SIZE = 101
MARGIN = 0.15  # shown around the unit square
COLOURS = LinearSegmentedColormap.from_list("answers", [BLUE, "#ffffff", ORANGE])


@dataclass(frozen=True)
class Panel:
    """One network: what it was asked, and what it answers."""

    title: str
    answers: np.ndarray  # [S, S] output; rows are the second input, columns the first, over `square()`
    corners: np.ndarray  # [4] output at CORNERS
    targets: Sequence[float]  # [4] right answers at CORNERS
    document: dict[str, Any]  # the genome


def square(size: int = SIZE) -> np.ndarray:
    """Values `[S]` of an input for which answers are shown."""
    return np.linspace(-MARGIN, 1 + MARGIN, size)


def answers(config: BrainConfig, genome: Genome, points: np.ndarray) -> np.ndarray:
    """First output `[K]` of one genome's network at input pairs `[K, 2]`."""
    return np.asarray(_answers(config, genome, np.asarray(points, np.float32)))


@partial(jax.jit, static_argnums=0)
def _answers(config: BrainConfig, genome: Genome, points: jax.Array) -> jax.Array:
    nets = networks(config, 2, jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], genome))
    return think(dynamics(config), nets, rest(nets, points.shape[0]), points.T[:, :, None])[0, :, 0]


def panel(title: str, config: BrainConfig, genome: Genome, targets: Sequence[float], document: dict[str, Any]) -> Panel:
    """The answers of one genome's network."""
    first, second = np.meshgrid(square(), square())
    surface = answers(config, genome, np.stack([first.ravel(), second.ravel()], axis=1)).reshape(SIZE, SIZE)
    return Panel(title, surface, answers(config, genome, np.array(CORNERS)), targets, document)


@styled
def surfaces(panels: Sequence[Panel]) -> Figure:
    """Answers above, networks below; of one panel, beside it."""
    if len(panels) > 1:
        figure, axes = sheet(2, len(panels), 5.2, height_ratios=[1.25, 1])
    else:
        figure, axes = sheet(1, 2, 3.8, width_ratios=[1, 1.6])
        axes = axes.T
    for ax, below, one in zip(axes[0], axes[1], panels, strict=True):
        picture = _surface(ax, one)
        graphs.draw(below, one.document)
        below.set_xlim(-0.24, 1.5)
    for ax in axes[0, 1:]:
        ax.set_ylabel("")
    bar = figure.colorbar(picture, ax=axes[0, :], pad=0.01, aspect=16, ticks=[0, 0.5, 1], label="output")
    bar.outline.set_visible(False)
    graphs.key(figure, [one.document for one in panels])
    marks = (("o", INK, "wanted: 1"), ("o", "white", "wanted: 0"), ("x", INK, "wrong"))
    lines = [Line2D([], [], linestyle="", marker=m, color=c, markeredgecolor=INK, markersize=7) for m, c, _ in marks]
    names = [*(name for *_, name in marks), "output 0.5"]
    figure.legend([*lines, Line2D([], [], color=INK)], names, loc="outside lower right", ncols=4)
    return figure


def _surface(ax: Axes, one: Panel) -> Any:
    """The answers as colours, the line of 0.5, and the four rows of the truth table."""
    at = square()
    reach = (at[0], at[-1], at[0], at[-1])
    picture = ax.imshow(
        one.answers, extent=reach, origin="lower", vmin=0, vmax=1, cmap=COLOURS, interpolation="bilinear"
    )
    if one.answers.min() < 0.5 < one.answers.max():
        ax.contour(at, at, one.answers, [0.5], colors=INK, linewidths=1.6)
    for (x, y), target, answer in zip(CORNERS, one.targets, one.corners, strict=True):
        ax.plot(x, y, "o", color=INK if target > 0.5 else "white", markeredgecolor=INK, markersize=9, zorder=3)
        if (answer > 0.5) != (target > 0.5):
            ax.plot(x, y, "x", color=INK, markersize=18, markeredgewidth=2.4, zorder=4)
    ax.set_xticks([0, 1])
    ax.set_yticks([0, 1])
    ax.set_title(one.title)
    ax.set_xlabel("a")
    ax.set_ylabel("b", rotation=0)
    ax.grid(False)
    return picture
