"""Plots of a run's logs: data frame in, matplotlib figure out.

Frames have the columns of docs/metrics.md. One history is drawn as it is; several (columns `run`, `world`) as
median and 10–90 % band. A column that is not there is left out of its plot; `None` means nothing to draw.
Leaves out the look (`viz.panels`), the arithmetic of histories (`viz.series`) and files.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from viz import series
from viz.panels import (
    BLUE,
    CAUSES,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    OTHER,
    PINK,
    RED,
    SOURCES,
    SPECIES,
    curves,
    legend,
    name_axes,
    rate_curves,
    sheet,
    styled,
)

GENES = {
    "mean_size": ("size", "mass, founder 1"),
    "mean_speed": ("top speed", "cells/tick"),
    "mean_diet": ("diet", "0 plants … 1 meat"),
    "mean_hue": ("hue", "0 … 1"),
    "mean_clutch": ("clutch", "children"),
    "mean_birth_energy": ("birth energy", "share of capacity"),
    "mean_breed_at": ("breeds at", "share of capacity"),
    "mean_mutation": ("mutation rates", "times the config's"),
    "mean_lifespan": ("lifespan", "ticks"),
}
DIETS = tuple(f"diet_{i}" for i in range(10))
STREAMS = 6  # histories for which streams of species are drawn


@styled
def population(metrics: pd.DataFrame) -> Figure:
    """Living creatures over time."""
    figure, axes = sheet(1, 1, 3.2)
    time = series.time_column(metrics)
    curves(axes[0, 0], metrics, {"population": ("population", INK)}, each=True)
    name_axes(axes[0, 0], "Population", "creatures", time)
    return figure


@styled
def births_and_deaths(metrics: pd.DataFrame) -> Figure:
    """Rates of births and of deaths by cause, and what share each cause has."""
    figure, axes = sheet(1, 2, 3.4)
    left, right = axes[0]
    named = {"births": ("births", INK)} | {f"deaths_{c}": (c, colour) for c, colour in CAUSES.items()}
    rate_curves(left, metrics, named)
    name_axes(left, "Births and deaths by cause", "creatures per tick")
    legend(left)
    columns = [name for name in named if name in metrics and name != "births"]
    ticks, values = series.rate_bands(metrics, columns, points=60)
    shares = np.array([np.nan_to_num(values[name][1]) for name in columns])
    if shares.size:
        shares = shares / np.maximum(shares.sum(axis=0), 1e-12)
        right.stackplot(ticks, shares, colors=[named[n][1] for n in columns], alpha=0.85, linewidth=0)
        right.set_xlim(ticks[0], max(ticks[-1], ticks[0] + 1))
        right.grid(False)
    name_axes(right, "Share of deaths by cause", "share")
    right.set_ylim(0, 1)
    return figure


@styled
def intake(metrics: pd.DataFrame) -> Figure:
    """What creatures eat, by source, and their lifetime net intake."""
    figure, axes = sheet(1, 2, 3.4)
    left, right = axes[0]
    labels = {"plant": "plants", "meat": "carrion", "prey": "prey", "poison": "poison"}
    rate_curves(left, metrics, {f"{s}_eaten": (labels[s], c) for s, c in SOURCES.items()}, per="agent_ticks")
    name_axes(left, "Intake by source", "energy per creature and tick")
    legend(left)
    curves(right, metrics, {"mean_intake": ("mean", INK)}, each=True)
    name_axes(right, "Lifetime net intake of the living", "energy per tick of age", floor=False)
    return figure


@styled
def ages(metrics: pd.DataFrame, deaths: pd.DataFrame) -> Figure:
    """Ages of the living over time, and age at death by cause."""
    figure, axes = sheet(1, 2, 3.4)
    left, right = axes[0]
    named = {"mean_age": ("mean", INK), "max_age": ("oldest", FAINT), "mean_lifespan": ("lifespan gene, mean", BLUE)}
    curves(left, metrics, named)
    name_axes(left, "Ages of the living", "ticks")
    legend(left)
    if "age" in deaths and len(deaths):
        edges = np.linspace(0, max(1.0, float(deaths["age"].max())), 41)
        present = [cause for cause in CAUSES if (deaths["cause"] == cause).any()]
        parts = [deaths.loc[deaths["cause"] == cause, "age"].to_numpy(float) for cause in present]
        colours = [CAUSES[cause] for cause in present]
        right.hist(parts, edges, stacked=True, color=colours, label=present, linewidth=0)
    else:
        _say(right, "no deaths recorded")
    name_axes(right, "Age at death", "creatures", "age, ticks")
    legend(right)
    return figure


@styled
def genome_size(metrics: pd.DataFrame, births: pd.DataFrame) -> Figure:
    """Enabled connections and hidden nodes: the living, and the spread among the newborn."""
    figure, axes = sheet(1, 2, 3.4)
    for ax, name, title in zip(axes[0], ("connections", "hidden"), ("Connections", "Hidden nodes"), strict=True):
        children = births[births["tick"] > 0] if name in births else births.iloc[:0]
        if len(children):
            ticks, spread = series.newborn_bands(children, name, float(children["tick"].max()))
            if len(ticks):
                ax.fill_between(
                    ticks, spread[0], spread[2], color=GREEN, alpha=0.2, linewidth=0, label="newborn, 10–90 %"
                )
        curves(ax, metrics, {f"median_{name}": ("living, median", INK), f"max_{name}": ("living, most", FAINT)})
        name_axes(ax, title, "per brain")
        legend(ax)
    return figure


@styled
def species(metrics: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Number of species, the share of the largest, and the stream of species of each of the first histories."""
    streams = _histories(table)[:STREAMS]
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
        _stream(ax, rows_of)
        name_axes(ax, f"Members of each species{label}", "creatures")
        if len(streams) == 1:
            legend(ax, columns=13)
    for ax in places[len(streams) :]:
        ax.remove()
    return figure


def _histories(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Each history with what to add to a title."""
    keys = series.identity(frame)
    groups = list(frame.groupby(keys)) if keys and len(frame) else []
    if len(groups) <= 1:
        return [("", frame)] if len(frame) else []
    several = [i for i, key in enumerate(keys) if frame[key].nunique() > 1]
    named = [(", ".join(f"{keys[i]} {name[i]}" for i in several), rows) for name, rows in groups]
    return [(f": {label}", rows) for label, rows in named]


def _stream(ax: Axes, table: pd.DataFrame) -> None:
    """Species stacked in order of appearance; the largest have colours of their own, the rest share one."""
    drawn = series.lasts(table.drop_duplicates("tick"), series.bin_width(table))["tick"]
    wide = table[table["tick"].isin(drawn)].pivot_table(index="tick", columns="species", values="members", fill_value=0)
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


@styled
def energy(metrics: pd.DataFrame) -> Figure:
    """Standing stocks of energy and its flow through the world."""
    figure, axes = sheet(1, 2, 3.4)
    left, right = axes[0]
    table = metrics
    if "mean_energy" in metrics:
        table = metrics.assign(reserves=metrics["mean_energy"].astype(float).fillna(0) * metrics["population"])
    named = {"plants": ("plants", GREEN), "meat": ("carrion", ORANGE), "poison": ("poison", PINK)}
    curves(left, table, named | {"reserves": ("reserves of the living", INK)})
    name_axes(left, "Energy stocks", "energy")
    legend(left)
    rate_curves(right, metrics, {"light_in": ("light in", ORANGE), "heat_out": ("heat out", INK)})
    name_axes(right, "Energy flow", "energy per tick")
    legend(right)
    return figure


@styled
def acts(metrics: pd.DataFrame) -> Figure:
    """Bites, gifts and voice, per creature and tick."""
    figure, axes = sheet(1, 3, 3.0)
    panels = {
        "bites": ("Bites", "per creature and tick", RED),
        "given": ("Gifts", "energy per creature and tick", GREEN),
        "signal": ("Voice", "loudness per creature and tick", BLUE),
    }
    for ax, (name, (title, unit, colour)) in zip(axes[0], panels.items(), strict=True):
        rate_curves(ax, metrics, {name: (title, colour)}, per="agent_ticks")
        name_axes(ax, title, unit)
    return figure


@styled
def body_genes(metrics: pd.DataFrame) -> Figure:
    """Mean of each body gene among the living."""
    figure, axes = sheet(3, 3, 6.6, sharex=True)
    for place, (ax, (name, (title, unit))) in enumerate(zip(axes.flat, GENES.items(), strict=True)):
        curves(ax, metrics, {name: (title, INK)})
        if name == "mean_diet" and "sd_diet" in metrics and series.num_histories(metrics) == 1:
            ticks, values = series.bands(metrics, ["mean_diet", "sd_diet"])
            mean, sd = values["mean_diet"][1], values["sd_diet"][1]
            ax.fill_between(ticks, mean - sd, mean + sd, color=INK, alpha=0.12, linewidth=0)
            title = "diet, ± sd"
        name_axes(ax, title, unit, "tick" if place >= 6 else "", floor=False)
    return figure


@styled
def lineage(chain: pd.DataFrame) -> Figure | None:
    """Ancestors of the deepest creature, founder first: their brains, sizes and diets by tick of birth."""
    if chain.empty:
        return None
    figure, axes = sheet(1, 3, 3.2)
    brain = {"connections": ("connections", INK), "hidden": ("hidden nodes", BLUE)}
    panels = (
        ("Brains along the lineage", "per brain", brain),
        ("Body size", "size", {"size": ("size", INK)}),
        ("Diet", "0 plants … 1 meat", {"diet": ("diet", RED)}),
    )
    for ax, (title, unit, named) in zip(axes[0], panels, strict=True):
        for name, (label, colour) in named.items():
            if name in chain:
                small = 3.5 if len(chain) < 60 else 1.5
                ax.plot(chain["tick"], chain[name], color=colour, label=label, drawstyle="steps-post", linewidth=1)
                ax.plot(chain["tick"], chain[name], "o", color=colour, markersize=small)
        name_axes(ax, title, unit, "tick of birth", floor=False)
    legend(axes[0, 0])
    axes[0, 2].set_ylim(-0.03, 1.03)
    return figure


def _say(ax: Axes, text: str) -> None:
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=FAINT)
