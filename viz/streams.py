"""Species as streams: members of each, stacked in order of appearance, and how many species there are.

Used for worlds (time in ticks) and for searches (time in generations). The largest species have colours of
their own, the rest share one. Leaves out how species are told apart (`evolution.speciation`).
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from viz import series
from viz.panels import INK, OTHER, SPECIES, curves, legend, name_axes, sheet, styled

STREAMS = 6  # histories for which streams of species are drawn


@styled
def species(metrics: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Number of species, the share of the largest, and the stream of species of each of the first histories."""
    streams = histories(table)[:STREAMS]
    rows = -(-len(streams) // 2) if len(streams) > 1 else len(streams)
    figure, axes = sheet(1 + rows, 2, 3.2 + 2.7 * rows)
    curves(axes[0, 0], metrics, {"species": ("species", INK)}, each=True)
    name_axes(axes[0, 0], "Number of species", "species")
    curves(axes[0, 1], metrics, {"largest_species": ("share", INK)}, each=True)
    name_axes(axes[0, 1], "Share of the largest species", "share of the living")
    axes[0, 1].set_ylim(0, 1.02)
    places = list(axes[1:].flat)
    if len(streams) == 1:
        grid = axes[1, 0].get_gridspec()
        for ax in places:
            ax.remove()
        places = [figure.add_subplot(grid[1, :])]
    for ax, (label, rows_of) in zip(places, streams, strict=False):
        stream(ax, rows_of)
        name_axes(ax, f"Members of each species{label}", "creatures")
        if len(streams) == 1:
            legend(ax, columns=13)
    for ax in places[len(streams) :]:
        ax.remove()
    return figure


def histories(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Each history with what to add to a title."""
    keys = series.identity(frame)
    groups = list(frame.groupby(keys)) if keys and len(frame) else []
    if len(groups) <= 1:
        return [("", frame)] if len(frame) else []
    several = [i for i, key in enumerate(keys) if frame[key].nunique() > 1]
    named = [(", ".join(f"{keys[i]} {name[i]}" for i in several), rows) for name, rows in groups]
    return [(f": {label}", rows) for label, rows in named]


def stream(ax: Axes, table: pd.DataFrame) -> None:
    """Species stacked in order of appearance; the largest have colours of their own, the rest share one."""
    time = series.time_column(table)
    drawn = series.lasts(table.drop_duplicates(time), series.bin_width(table))[time]
    wide = table[table[time].isin(drawn)].pivot_table(index=time, columns="species", values="members", fill_value=0)
    most = wide.sum().sort_values(ascending=False, kind="stable").index[: len(SPECIES)]
    first = wide.gt(0).idxmax()
    order = sorted(most, key=lambda name: (first[name], name))
    others = wide.drop(columns=order).sum(axis=1)
    heights, labels = [wide[name] for name in order], [str(name) for name in order]
    if others.any():
        heights, labels = [*heights, others], [*labels, "others"]
    colours = [*SPECIES[: len(order)], OTHER]
    ax.stackplot(wide.index, heights, labels=labels, colors=colours, edgecolor="white", linewidth=0.3)
    ax.set_xlim(wide.index[0], max(wide.index[-1], wide.index[0] + 1))
