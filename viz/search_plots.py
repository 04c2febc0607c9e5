"""Plots of searches by explicit fitness: data frame in, matplotlib figure out; x axes count evaluations.

Frames have the columns of docs/metrics.md, a column `run` where there are several run folders, and a column `group`
where they are compared. Curves are medians over runs, bands their quartiles; `viz.search_series` says what becomes
of runs that end early. Leaves out networks (`viz.graphs`) and the look (`viz.panels`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from viz import search_series, series
from viz.panels import BLUE, FAINT, GREEN, INK, ORANGE, OTHER, PINK, RED, SKY, legend, name_axes, sheet, styled
from viz.streams import stream

EVALUATIONS = "evaluations"
GROUPS = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PINK, (0, (1, 1))), (SKY, "-"), (RED, "--"))
"""Colour and dashes of each group, told apart in grey too."""
COLUMNS = 3  # panels side by side at most
BANDS = 2  # groups whose bands of success may overlap
STREAMS = 4  # groups whose species are drawn


@styled
def fitness(metrics: pd.DataFrame) -> Figure:
    """Best so far, mean and median of the population, one panel per group, and how many runs still search."""
    groups = search_series.groups(metrics)
    columns = len(groups) if len(groups) <= COLUMNS else 2 if len(groups) == 4 else COLUMNS
    rows = -(-len(groups) // columns)
    figure, axes = sheet(2 * rows, columns, 3.6 * rows + 0.3, height_ratios=[5, 1] * rows)
    named = {
        "record": ("best so far", INK),
        "mean_fitness": ("mean of the population", BLUE),
        "median_fitness": ("median of the population", ORANGE),
    }
    upper, lower = axes[0::2].ravel(), axes[1::2].ravel()
    for ax, below, (name, rows_of) in zip(upper, lower, groups, strict=False):
        _curves(ax, rows_of, named, lasting=("record",))
        name_axes(ax, name or "Fitness", "fitness", "", floor=_floor(metrics))
        ax.tick_params(labelbottom=False)
        _searching(below, rows_of)
    for ax in [*upper[len(groups) :], *lower[len(groups) :]]:
        ax.remove()
    tasks = [rows_of["task"].iloc[0] if "task" in rows_of else "" for _, rows_of in groups]
    for task in set(tasks):  # what is measured alike has the same axes
        alike = [i for i, other in enumerate(tasks) if other == task]
        _same(upper[alike], "xy")
        _same(lower[alike], "x")
    handles, labels = upper[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=3)
    return figure


def _curves(ax: Axes, metrics: pd.DataFrame, named: dict[str, tuple[str, str]], lasting: tuple[str, ...] = ()) -> None:
    """Medians and quartiles over runs; dotted where fewer than half of the runs still search."""
    x = search_series.grid(metrics)
    many = search_series.searching(metrics, x) * 2 >= series.num_histories(metrics)
    for column in search_series.known(metrics, list(named)):
        label, colour = named[column]
        low, middle, high = search_series.quartiles(metrics, column, x, column in lasting)
        sure = np.ones_like(many) if column in lasting else many
        marker = "o" if len(x) == 1 else None
        ax.plot(x, np.where(sure, middle, np.nan), color=colour, label=label, marker=marker)
        joined = sure & np.r_[~sure[1:], False]  # the dotted part begins where the line ends
        ax.plot(x, np.where(~sure | joined, middle, np.nan), color=colour, linestyle=(0, (1, 1.6)), linewidth=1.1)
        if np.nanmax(high - low, initial=0.0) > 0:
            ax.fill_between(x, low, high, color=colour, alpha=0.17, linewidth=0)
    ax.set_xlim(0, max(1.0, float(search_series.horizon(metrics))))


def _searching(ax: Axes, metrics: pd.DataFrame) -> None:
    """How many runs still search."""
    x = search_series.grid(metrics)
    ax.fill_between(x, search_series.searching(metrics, x), step="pre", color=OTHER, linewidth=0)
    ax.set_xlim(0, max(1.0, float(search_series.horizon(metrics))))
    name_axes(ax, "", "runs left", EVALUATIONS)
    most = series.num_histories(metrics)
    ax.set_yticks([0, most])
    ax.set_ylim(0, 1.08 * most)
    ax.grid(False)


@styled
def success(metrics: pd.DataFrame) -> Figure:
    """Share of runs solved over evaluations with its 95 % interval, and the evaluations of every run."""
    groups = search_series.groups(metrics)
    limit = float(search_series.ends(metrics)["evaluations"].max())
    tall = max(3.4, 0.38 * len(groups) + 1.6)
    figure, axes = sheet(1, 2, tall, width_ratios=[1.25, 1])
    left, right = axes[0]
    for index, (name, rows) in enumerate(groups):
        colour, dashes = GROUPS[index % len(GROUPS)]
        x, (low, middle, high) = search_series.success(rows, limit)
        left.plot(x, middle, color=colour, linestyle=dashes, label=name, drawstyle="steps-post")
        if len(groups) <= BANDS:
            left.fill_between(x, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
        else:  # bands of many would cover each other: the interval at the end of each curve
            at, error = x[-1] + limit * 0.02 * (1 + index), [[middle[-1] - low[-1]], [high[-1] - middle[-1]]]
            left.errorbar(at, middle[-1], error, color=colour, fmt="o", markersize=3.5, capsize=2.5, linewidth=1.1)
    name_axes(left, "Success rate", "share of runs solved", EVALUATIONS)
    left.set_ylim(0, 1.02)
    left.set_xlim(0, limit * (1 if len(groups) <= BANDS else 1.03 + 0.02 * len(groups)))
    if len(groups) > 1:
        legend(left, columns=_columns(groups))
    _spread(right, groups)
    return figure


def _spread(ax: Axes, groups: list[tuple[str, pd.DataFrame]]) -> None:
    """Each run as a mark: where it was solved, or where it ended unsolved; the quartiles of the solved as a bar."""
    for index, (_, rows) in enumerate(groups):
        colour = GROUPS[index % len(GROUPS)][0]
        table = search_series.ends(rows)
        jitter = 0.22 * (np.arange(len(table)) * 0.618034 % 1 - 0.5) * 2
        won = table["solved"].to_numpy(bool)
        x, y = table["evaluations"].to_numpy(float), index + jitter
        ax.plot(x[won], y[won], "o", color=colour, markersize=4, alpha=0.65, markeredgewidth=0)
        ax.plot(x[~won], y[~won], ">", color="none", markeredgecolor=FAINT, markersize=4.5, markeredgewidth=0.8)
        if won.any():
            low, middle, high = np.quantile(x[won], search_series.QUARTILES)
            ax.plot([low, high], [index, index], color=INK, linewidth=1.2)
            ax.plot(middle, index, "|", color=INK, markersize=15, markeredgewidth=2)
    ax.plot([], [], "o", color=FAINT, markersize=4, markeredgewidth=0, label="solved")
    ax.plot([], [], ">", color="none", markeredgecolor=FAINT, markersize=4.5, label="ended unsolved")
    ax.plot([], [], color=INK, linewidth=1.2, label="quartiles of the solved")
    name_axes(ax, "Evaluations of each run", "", EVALUATIONS, floor=False)
    ax.set_yticks(range(len(groups)), [name for name, _ in groups])
    ax.set_ylim(len(groups) - 0.4, -0.6)
    ax.set_xlim(left=0)
    ax.grid(axis="y", visible=False)
    legend(ax, columns=3)


@styled
def comparison(metrics: pd.DataFrame) -> Figure | None:
    """Best fitness so far of every group on the same axes, one panel per task. None for one group."""
    groups = search_series.groups(metrics)
    if len(groups) < 2:
        return None
    limit = float(search_series.ends(metrics)["evaluations"].max())
    tasks = list(dict.fromkeys(metrics["task"])) if "task" in metrics else [""]
    figure, axes = sheet(1, len(tasks), 3.5)
    for ax, task in zip(axes[0], tasks, strict=True):
        for index, (name, rows) in enumerate(groups):
            if "task" in rows and rows["task"].iloc[0] != task:
                continue
            colour, dashes = GROUPS[index % len(GROUPS)]
            x = search_series.grid(rows)
            x = np.union1d(x, search_series.reach(rows, limit))
            low, middle, high = search_series.quartiles(rows, "record", x, lasting=True)
            ax.fill_between(x, low, high, color=colour, alpha=0.13, linewidth=0)
            ax.plot(x, middle, color=colour, linestyle=dashes, label=name)
        title = "Best fitness so far" + (f": {task}" if len(tasks) > 1 else "")
        name_axes(ax, title, "fitness", EVALUATIONS, floor=_floor(metrics))
        ax.set_xlim(left=0)
        legend(ax, columns=_columns(groups) if len(tasks) == 1 else 2)
    return figure


@styled
def complexity(metrics: pd.DataFrame) -> Figure | None:
    """Connections and hidden nodes of the generation's best and of the mean genome, a row per group that grows.

    None where the topology of every group stays as it is (`fixed`)."""
    panels = (("connections", "Connections"), ("hidden", "Hidden nodes"))
    if not all(search_series.known(metrics, [f"best_{name}"]) for name, _ in panels):
        return None
    groups = [(name, rows) for name, rows in search_series.groups(metrics) if not fixed(rows)]
    if not groups:
        return None
    figure, axes = sheet(len(groups), 2, 0.7 + 2.7 * len(groups))
    for row, (group, rows) in zip(axes, groups, strict=True):
        for ax, (name, title) in zip(row, panels, strict=True):
            named = {f"max_{name}": ("most", FAINT), f"mean_{name}": ("mean", BLUE)}
            _curves(ax, rows, named | {f"best_{name}": ("best of the generation", INK)})
            name_axes(ax, f"{title}: {group}" if group else title, "per network", EVALUATIONS)
            if not ax.dataLim.y1 > 0:
                ax.set_ylim(0, 1)
    for column in axes.T:
        _same(column, "xy")
    legend(axes[0, 0])
    return figure


def fixed(metrics: pd.DataFrame) -> bool:
    """Whether all genomes have one topology, all the time, as far as numbers of genes tell."""
    if not search_series.known(metrics, ["mean_connections", "mean_hidden", "max_connections", "max_hidden"]):
        return False
    same = (np.allclose(metrics[f"mean_{what}"], metrics[f"max_{what}"]) for what in ("connections", "hidden"))
    return all(same) and metrics["max_connections"].nunique() == metrics["max_hidden"].nunique() == 1


@styled
def species(metrics: pd.DataFrame, table: pd.DataFrame) -> Figure | None:
    """Of each group with species: their number over runs, and the stream of species of one typical run."""
    rows = [(name, part) for name, part in search_series.groups(metrics) if _species_of(part, table) is not None]
    rows = rows[:STREAMS]
    if not rows:
        return None
    figure, axes = sheet(len(rows), 2, 0.5 + 2.9 * len(rows), width_ratios=[1, 2])
    for (left, right), (name, part) in zip(axes, rows, strict=True):
        _curves(left, part, {"species": ("species", INK)})
        name_axes(left, f"Number of species{_of(name)}", "species", EVALUATIONS)
        chosen = _species_of(part, table)
        assert chosen is not None
        stream(right, chosen)
        history = dict(zip(series.identity(part), search_series.typical(part), strict=True))
        one = [f"{key} {number}" for key, number in history.items() if part[key].nunique() > 1]
        told = ", ".join([*([name] if name else []), *one])
        name_axes(right, f"Members of each species{_of(told)}", "genomes", "generation")
        right.xaxis.get_major_locator().set_params(integer=True)
        left.yaxis.get_major_locator().set_params(integer=True)
    return figure


def _species_of(metrics: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame | None:
    """Rows of species.csv of the typical history of a group, or of its first with any; None without species."""
    keys = [key for key in series.identity(metrics) if key in table]
    if table.empty or not search_series.known(metrics, ["species"]):
        return None
    wanted = dict(zip(series.identity(metrics), search_series.typical(metrics), strict=True))
    part = table
    for key in keys:
        part = part[part[key] == wanted[key]]
    return part if len(part) else None


def _columns(groups: list[tuple[str, pd.DataFrame]]) -> int:
    """Columns of a legend of groups."""
    return max(1, min(6, 70 // (6 + max(len(name) for name, _ in groups))))


def _of(name: str) -> str:
    return f": {name}" if name else ""


def _floor(metrics: pd.DataFrame) -> bool:
    """Whether fitness is never negative, so that axes may begin at 0."""
    real = metrics["mean_fitness"].astype(float)
    return not (real[real > search_series.FAILED] < 0).any()


def _same(axes: np.ndarray, which: str) -> None:
    """Gives some axes the widest of their limits."""
    for name in which:
        limits = [getattr(ax, f"get_{name}lim")() for ax in axes]
        for ax in axes:
            getattr(ax, f"set_{name}lim")(min(low for low, _ in limits), max(high for _, high in limits))
