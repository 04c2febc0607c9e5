"""Grazers and hunters over time: the living split at diet 1/2, one panel per history; and how diets are spread.

Histories of the two guilds are not summarised by bands, because booms and busts fall at different times in each
and would be averaged away. Leaves out how they feed, which `viz.plots.intake` shows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from viz import series
from viz.panels import GREEN, INK, RED, legend, name_axes, sheet, styled

MOST = 6  # histories drawn
DIETS = tuple(f"diet_{i}" for i in range(10))


@styled
def guilds(metrics: pd.DataFrame) -> Figure | None:
    """Creatures with diet up to 1/2 and above, `None` where the share is not logged."""
    if "carnivore_share" not in metrics:
        return None
    time = series.time_column(metrics)
    groups = list(metrics.groupby(series.identity(metrics), sort=True))[:MOST]
    rows = -(-len(groups) // 2)
    figure, axes = sheet(rows, min(len(groups), 2), 2.3 * rows + 0.6)
    for place, (_, table) in zip(axes.flat, groups, strict=False):
        hunters = table["population"] * table["carnivore_share"].fillna(0)
        place.plot(table[time], table["population"] - hunters, color=GREEN, label="diet ≤ 0.5", linewidth=1)
        place.plot(table[time], hunters, color=RED, label="diet > 0.5", linewidth=1)
        world = int(table["world"].iloc[0]) if "world" in table else 0
        name_axes(place, f"World {world}" if len(groups) > 1 else "Grazers and hunters", "creatures", time)
        legend(place)
    for place in list(axes.flat)[len(groups) :]:
        place.set_visible(False)
    return figure


@styled
def diet(metrics: pd.DataFrame) -> Figure | None:
    """Share of the living in ten bins of diet, over time and at the end."""
    if any(name not in metrics for name in DIETS) or metrics.empty:
        return None
    figure, axes = sheet(1, 2, 3.4, width_ratios=[2.4, 1])
    left, right = axes[0]
    width = series.bin_width(metrics)
    counts = metrics[list(DIETS)].astype(float)
    living = counts.sum(axis=1)
    table = metrics.assign(**counts.div(living.where(living > 0), axis=0))
    share = series.means(table, DIETS, width).groupby("bin").mean()
    share = share.reindex(range(share.index[0], share.index[-1] + 1))
    ticks = metrics[series.time_column(metrics)]
    reach = ((share.index[0] - 0.5) * width, (share.index[-1] + 0.5) * width, 0, 1)
    look = dict(norm=PowerNorm(0.5, 0, 1), cmap="cividis", origin="lower", aspect="auto")
    picture = left.imshow(share.to_numpy().T, extent=reach, **look)
    left.grid(False)
    left.set_xlim(max(0, ticks.min()), max(ticks.max(), ticks.min() + 1))
    bar = figure.colorbar(picture, ax=left, pad=0.02, ticks=[0, 0.05, 0.2, 0.5, 1])
    bar.ax.set_yticklabels(["0", "5 %", "20 %", "50 %", "100 %"])
    bar.outline.set_visible(False)
    name_axes(left, "Diet of the living over time", "0 plants … 1 meat")
    _last_diets(right, table)
    return figure


def _last_diets(ax: Axes, table: pd.DataFrame) -> None:
    """Bars of the median share in each bin at the last tick that somebody lived, with the 10–90 % range."""
    living = table[table[DIETS[0]].notna()].sort_values(series.time_column(table))
    keys = series.identity(living)
    ends = (living.groupby(keys).tail(1) if keys else living.tail(1))[list(DIETS)]
    if ends.empty:
        return
    low, middle, high = (ends.quantile(q).to_numpy() for q in (series.LOW, 0.5, series.HIGH))
    places = (np.arange(10) + 0.5) / 10
    colours = [GREEN if place < 0.5 else RED for place in places]
    ax.bar(places, middle, 0.085, color=colours)
    if len(ends) > 1:
        ax.errorbar(places, middle, [middle - low, high - middle], fmt="none", ecolor=INK, linewidth=1)
    name_axes(ax, "Diet at the end", "share of the living", "0 plants … 1 meat")
