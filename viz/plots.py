"""Plots of a run's logs: data frame in, matplotlib figure out.

Frames have the columns of docs/metrics.md. One history is drawn as it is; several (columns `run`, `world`) as
median and 10–90 % band. A column that is not there is left out of its plot; `None` means nothing to draw.
Leaves out the look (`viz.panels`), the arithmetic of histories (`viz.series`), species (`viz.streams`), diets
(`viz.guilds`), searches (`viz.search_plots`) and files.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from viz import series
from viz.panels import (
    BLUE,
    CAUSES,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PINK,
    RED,
    SOURCES,
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
