"""Plots of comparisons of contestants: data frame in, matplotlib figure out.

Frames have a column `contestant`, in the order in which contestants are drawn, and statistics that were made elsewhere:
`low`, `middle` and `high` are ends and middle of 95 % intervals. Learning curves are told over agent-steps and over
seconds, since what is cheap in one may be dear in the other. Leaves out the statistics and the look (`viz.panels`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from viz.panels import FAINT, INK, SPECIES, legend, name_axes, sheet, styled

DASHES = ("-", "--", "-.", (0, (1, 1)))
WIDE = 30.0  # ratio of times from which their axis is logarithmic
DEEP = 0.35  # distance of a probability from one half at which its colour is dark
BANDS = 5  # contestants whose bands may overlap
TIMES = (
    ("agent_steps", "By experience", "agent-steps of a seed"),
    ("wall_seconds", "By time", "seconds, all seeds together"),
)


def looks(names: Sequence[str]) -> dict[str, tuple[str, object]]:
    """Colour and dashes of each contestant, the same in every plot and told apart in grey too."""
    turn = len(SPECIES)  # a multiple of the dashes: each turn of the colours begins with the next dashes
    return {name: (SPECIES[i % turn], DASHES[(i + i // turn) % len(DASHES)]) for i, name in enumerate(names)}


@styled
def learning_curves(curves: pd.DataFrame, constants: pd.DataFrame, names: Sequence[str]) -> Figure | None:
    """Fitness on fresh episodes over agent-steps and over seconds; None if nobody learns.

    curves: contestant, axis (agent_steps or wall_seconds), x, low, middle, high. constants: contestant, middle; those
    who learn nothing in this world, as level lines.
    """
    if curves.empty:
        return None
    figure, axes = sheet(1, 2, 4.2)
    _both(list(axes[0]), curves, constants, names)
    _key(figure, axes[0, 0])
    return figure


def _both(axes: Sequence[Axes], curves: pd.DataFrame, constants: pd.DataFrame, names: Sequence[str]) -> None:
    """Learning curves over agent-steps on the first axes, over seconds on the second."""
    for ax, (axis, title, unit) in zip(axes, TIMES, strict=True):
        rows = curves[curves["axis"] == axis]
        _curves(ax, rows, constants, names)
        name_axes(ax, title, "fitness on fresh episodes", unit, floor=False)
        positive = rows.loc[rows["x"] > 0, "x"]
        if axis == "wall_seconds" and len(positive) and positive.max() > WIDE * positive.min():
            ax.set_xscale("log")
        else:
            ax.set_xlim(left=0)


def _key(figure: Figure, ax: Axes) -> None:
    """Names of all curves above the figure."""
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=max(1, min(len(labels), 6)))


def _curves(ax: Axes, rows: pd.DataFrame, constants: pd.DataFrame, names: Sequence[str]) -> None:
    look = looks(names)
    several = rows["contestant"].nunique() > BANDS
    for name in names:
        colour, dashes = look[name]
        part = rows[rows["contestant"] == name]
        if len(part):
            marker = "o" if len(part) == 1 else None
            ax.plot(part["x"], part["middle"], color=colour, linestyle=dashes, label=name, marker=marker)
            band = 0.08 if several else 0.15
            ax.fill_between(part["x"], part["low"], part["high"], color=colour, alpha=band, linewidth=0)
        for level in constants.loc[constants["contestant"] == name, "middle"]:
            ax.axhline(level, color=colour, linestyle=dashes, linewidth=1.0, label=name)


@styled
def intervals(estimates: pd.DataFrame, scores: pd.DataFrame) -> Figure:
    """Interquartile means with their intervals, and the score of every seed.

    estimates: contestant, low, middle, high. scores: contestant, score.
    """
    figure, axes = sheet(1, 1, 1.2 + 0.42 * len(estimates))
    _intervals(axes[0, 0], estimates, scores)
    legend(axes[0, 0], columns=2)
    return figure


def _intervals(ax: Axes, estimates: pd.DataFrame, scores: pd.DataFrame) -> None:
    names = list(estimates["contestant"])
    look = looks(names)
    for place, row in enumerate(estimates.itertuples()):
        own = scores.loc[scores["contestant"] == row.contestant, "score"].to_numpy()
        jitter = 0.22 * (np.arange(len(own)) * 0.618034 % 1 - 0.5) * 2
        colour = look[str(row.contestant)][0]
        ax.plot(own, place + jitter, "o", color=colour, markersize=3.5, alpha=0.55, markeredgewidth=0)
        ax.plot([row.low, row.high], [place, place], color=INK, linewidth=2.2, solid_capstyle="butt")
        ax.plot(row.middle, place, "|", color=INK, markersize=17, markeredgewidth=2)
    ax.plot([], [], color=INK, linewidth=2.2, label="interquartile mean and its 95 % interval")
    ax.plot([], [], "o", color=FAINT, markersize=3.5, markeredgewidth=0, label="a seed")
    name_axes(ax, "", "", "fitness on test episodes", floor=False)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)


@styled
def overview(estimates: pd.DataFrame, scores: pd.DataFrame, curves: pd.DataFrame, constants: pd.DataFrame) -> Figure:
    """A comparison in one picture: `intervals` beside `learning_curves`, contestants as `estimates` has them."""
    names = list(estimates["contestant"])
    figure, axes = sheet(1, 3, max(4.0, 1.6 + 0.24 * len(names)), width_ratios=(1, 1.1, 1.1))
    _intervals(axes[0, 0], estimates, scores)
    axes[0, 0].set_title("What is handed in")
    if not curves.empty:
        _both(list(axes[0, 1:]), curves, constants, names)
        axes[0, 2].set_ylabel("")
        _key(figure, axes[0, 1])
    return figure


@styled
def profiles(table: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Share of seeds with more than a score. table: contestant, tau, low, middle, high."""
    look = looks(names)
    figure, axes = sheet(1, 1, 3.8)
    ax = axes[0, 0]
    for name in names:
        colour, dashes = look[name]
        part = table[table["contestant"] == name]
        ax.plot(part["tau"], part["middle"], color=colour, linestyle=dashes, label=name)
        ax.fill_between(part["tau"], part["low"], part["high"], color=colour, alpha=0.10, linewidth=0)
    name_axes(ax, "", "share of seeds above", "fitness on test episodes, τ", floor=False)
    ax.set_ylim(-0.02, 1.04)
    legend(ax, columns=6)
    return figure


@styled
def improvement(matrix: np.ndarray, sure: np.ndarray, names: Sequence[str]) -> Figure:
    """Probability that a seed of the row beats one of the column `[K, K]`, NaN on the diagonal; bold where `sure`."""
    num = len(names)
    figure, axes = sheet(1, 1, 1.4 + 0.42 * num)
    ax = axes[0, 0]
    ax.imshow(np.ma.masked_invalid(matrix), cmap="PuOr", vmin=0, vmax=1, aspect="auto")
    for i in range(num):
        for j in range(num):
            if i != j:
                weight = "bold" if sure[i, j] else "normal"
                ink = "white" if abs(matrix[i, j] - 0.5) > DEEP else INK
                ax.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", color=ink, weight=weight)
    ax.set_xticks(range(num), names, rotation=30, ha="right")
    ax.set_yticks(range(num), names)
    ax.set_ylabel("this …")
    ax.set_xlabel("… beats this")
    ax.grid(False)
    return figure
