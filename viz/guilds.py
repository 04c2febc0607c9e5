"""Grazers and hunters over time: the living split at diet 1/2, one panel per history.

Histories are not summarised by bands here, because booms and busts fall at different times in each and
would be averaged away. Leaves out how they feed, which `viz.plots.intake` shows.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from viz import series
from viz.panels import GREEN, RED, legend, name_axes, sheet, styled

MOST = 6  # histories drawn


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
