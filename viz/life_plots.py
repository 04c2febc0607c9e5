"""Plots of automata: rules in the planes of their measures, and space-time diagrams. Rows in, matplotlib figure out.

Rows are those of `experiments.life_sweep`. Classes are told apart by colour and mark. What has few values is drawn with
a little scatter, always the same, so that rules upon each other are seen; error bars are standard errors over soups
where they are wider than the mark. Leaves out the look (`viz.panels`) and what is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from viz.panels import BLUE, FAINT, GREEN, INK, RED, name_axes, number, sheet, styled

CLASSES = {"I": (FAINT, "s", 14), "II": (BLUE, "o", 15), "III": (RED, "^", 24), "IV": (GREEN, "D", 26)}
"""Colour, mark and its area for each class."""
LABELS = {
    "lambda": "Langton's λ",
    "entropy_rate": "entropy rate h, bits per cell",
    "block_entropy": "entropy of 3×3 blocks, bits per cell",
    "damage": "damage, share of cells within reach",
    "excess_entropy": "excess entropy E, bits",
    "defect_growth": "growth of defects per generation",
}
FAMOUS = tuple(f"W{number}" for number in (18, 22, 30, 41, 54, 57, 90, 106, 110, 126, 142, 150, 184, 204))
"""Elementary rules that are named in plots; each stands for those equivalent to it."""
SCATTER = 0.012  # half the width of the scatter of lambda
SPOTS = tuple(
    (radius * np.cos(a), radius * np.sin(a)) for radius in (9, 15, 22, 32, 44) for a in np.arange(8) * np.pi / 4
)
"""Where the near end of a label may lie, in points from what it names; the first that is free is taken."""


@styled
def elementary_classes(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Elementary rules by lambda, entropy, damage and excess entropy, coloured by their published class."""
    planes = (
        ("lambda", "entropy_rate", "Lambda and entropy"),
        ("lambda", "damage", "Lambda and damage"),
        ("entropy_rate", "damage", "Entropy and damage"),
        ("entropy_rate", "excess_entropy", "Entropy and structure"),
    )
    looks = {name: f"class {name}" for name in CLASSES}
    return _planes(pd.DataFrame(rows), planes, "class", looks, 1e-3, "rule", {rule: rule[1:] for rule in FAMOUS})


@styled
def counting_rules(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Rules that count neighbours by lambda, entropy, damage and growth of defects; those that have names are labelled.

    There is no published list of their classes: colours are of what was measured.
    """
    table = pd.DataFrame(rows)
    planes = (
        ("lambda", "block_entropy", "Lambda and entropy"),
        ("lambda", "damage", "Lambda and damage"),
        ("block_entropy", "damage", "Entropy and damage"),
        ("defect_growth", "damage", "Defects and damage"),
    )
    looks = {"I": "all cells alike", "II": "damage does not spread", "III": "damage spreads", "IV": "spreads, E > 1.5"}
    named = {name: name for name in table["name"] if name}
    return _planes(table, planes, "class_measured", looks, 1e-4, "name", named)


@styled
def space_time(histories: Sequence[tuple[str, np.ndarray]], columns: int = 4) -> Figure:
    """Histories `[T, n]` with their titles, time downwards."""
    rows = -(-len(histories) // columns)
    shape = histories[0][1].shape
    figure, axes = sheet(rows, columns, rows * (10 / columns * shape[0] / shape[1] + 0.28) + 0.1)
    for ax, (title, history) in zip(axes.flat, histories, strict=False):
        ax.imshow(history, cmap="binary", interpolation="nearest", aspect="equal", vmin=0, vmax=max(1, history.max()))
        ax.set_title(title)
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        ax.spines[:].set_visible(True)
    for ax in axes.flat[len(histories) :]:
        ax.remove()
    for ax in axes[:, 0]:
        ax.set_ylabel("← time")
    return figure


def _planes(
    table: pd.DataFrame,
    planes: Sequence[tuple[str, str, str]],
    column: str,
    looks: Mapping[str, str],
    least: float,
    key: str,
    texts: Mapping[str, str],
) -> Figure:
    """Rules in four planes, each a measure across, one upwards and a title.

    `column` holds the class, which `looks` puts into words; `least` is the limit of the linear part of scales of
    damage; rules whose `key` is in `texts` are labelled with that text.
    """
    figure, axes = sheet(2, 2, 8.6)
    for ax, (x, y, title) in zip(axes.flat, planes, strict=True):
        for name, (colour, marker, area) in CLASSES.items():
            members = table[table[column] == name]
            if len(members):
                _marks(ax, members, x, y, colour, marker, area, f"{looks[name]} ({len(members)})")
        _name_plane(ax, x, y, title, least)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(CLASSES))
    figure.draw_without_rendering()  # label places need to know where the axes are
    for ax, (x, y, _) in zip(axes.flat, planes, strict=True):
        _label(ax, table, x, y, texts, key)
    return figure


def _marks(ax: Axes, table: pd.DataFrame, x: str, y: str, colour: str, marker: str, area: int, label: str) -> None:
    across = _scattered(table, x)
    for name, errors in ((x, "xerr"), (y, "yerr")):
        if f"{name}_se" in table:
            error: Any = {errors: table[f"{name}_se"]}
            ax.errorbar(across, table[y], fmt="none", ecolor=colour, elinewidth=0.7, alpha=0.6, **error)
    look: Any = dict(color=colour, marker=marker, alpha=0.75, edgecolors="white", linewidths=0.4)
    ax.scatter(across, table[y], area, label=label, zorder=3 + (marker == "D"), **look)


def _scattered(table: pd.DataFrame, x: str) -> np.ndarray:
    """Values along x; those of lambda scattered by the golden ratio of the row."""
    values = table[x].to_numpy(float)
    return values + SCATTER * (2 * (table.index.to_numpy() * 0.618034 % 1) - 1) if x == "lambda" else values


def _name_plane(ax: Axes, x: str, y: str, title: str, least: float) -> None:
    """Titles and limits; damage has a scale that is linear up to `least` and logarithmic beyond."""
    name_axes(ax, title, LABELS[y], LABELS[x], floor=False)
    low, high = ax.dataLim.get_points().T.tolist()[0]
    high = 1.0 if x != "defect_growth" else high
    ax.set_xlim(min(low, 0) - 0.03 * high, high * 1.06)
    if y == "damage":
        ax.set_yscale("symlog", linthresh=least)
        ax.set_yticks([0, *(10.0**power for power in range(round(np.log10(least)), 1))])
        ax.yaxis.set_major_formatter(FuncFormatter(number))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.set_ylim(-0.35 * least, 2)


def _label(ax: Axes, table: pd.DataFrame, x: str, y: str, texts: Mapping[str, str], key: str) -> None:
    """Names marks, each where it covers least: marks and earlier labels are kept free as far as there is room."""
    to_points = 72 / ax.figure.dpi  # from pixels
    places = np.stack([_scattered(table, x), table[y].to_numpy(float)], 1)
    marks = ax.transData.transform(places) * to_points
    frame = np.array(ax.get_window_extent().extents) * to_points
    taken: list[np.ndarray] = []
    for place, mark, name in zip(places, marks, table[key], strict=True):
        if name not in texts:
            continue
        boxes = [_box(mark, spot, texts[name]) for spot in SPOTS]
        costs = [_covered(box, marks, taken, frame) + rank / len(SPOTS) for rank, box in enumerate(boxes)]
        box = boxes[int(np.argmin(costs))]
        taken.append(box)
        look: Any = dict(fontsize=8, color=INK, ha="center", va="center", zorder=6, textcoords="offset points")
        thin = dict(arrowstyle="-", color=FAINT, linewidth=0.6, shrinkA=0, shrinkB=2)
        ax.annotate(texts[name], place, (box[:2] + box[2:]) / 2 - mark, arrowprops=thin, **look)


def _box(mark: np.ndarray, spot: tuple[float, float], text: str) -> np.ndarray:
    """Left, bottom, right and top of a label, in points."""
    width, height = 4.6 * len(text) + 2, 8.5
    x, y = mark + spot
    left = x - (0 if spot[0] > 1 else width if spot[0] < -1 else width / 2)
    return np.array([left, y - height / 2, left + width, y + height / 2])


def _covered(box: np.ndarray, marks: np.ndarray, taken: Sequence[np.ndarray], frame: np.ndarray) -> float:
    """How much a label would cover: marks, four times as much other labels, most of all what is outside the axes."""
    over = ((marks > box[:2] - 2) & (marks < box[2:] + 2)).all(1).sum()
    meets = sum(bool((box[:2] < other[2:]).all() and (other[:2] < box[2:]).all()) for other in taken)
    outside = (box[:2] < frame[:2]).any() or (box[2:] > frame[2:]).any()
    return float(over + 4 * meets + 20 * outside)
