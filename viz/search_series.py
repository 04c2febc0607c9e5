"""Searches as curves over evaluations: what each run had reached, when it was solved, and quantiles over runs.

A history is one replicate run (`run`, `world`) of a search by explicit fitness. Runs end at different times, and
curves say so: they stop at the first end of an unsolved run (`horizon`), up to which everything is known of every
run. Up to there the best fitness so far of a solved run stays what it was; what is said of populations (mean
fitness, complexity) is of the runs that still search. Leaves out drawing (`viz.search_plots`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from viz import series

QUARTILES = (0.25, 0.5, 0.75)
CONFIDENCE = 0.95
FAILED = -1e29  # below this a fitness stands for none (`evolution.algorithm.ABYSS`)


def ends(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per history: `solved` (bool), `generation` and `evaluations` of the solution, or else of the last row."""
    keys = series.identity(metrics)
    ordered = metrics.sort_values([*keys, "evaluations"], kind="stable", ignore_index=True)
    won = ordered[ordered["solved"] > 0].groupby(keys).head(1)
    last = ordered.groupby(keys).tail(1)
    columns = [*keys, "generation", "evaluations"]
    both = pd.concat([won[columns].assign(solved=True), last[columns].assign(solved=False)])
    return both.drop_duplicates(keys).sort_values(keys, ignore_index=True)


def horizon(metrics: pd.DataFrame) -> float:
    """Evaluations up to which every history is known: the first end of an unsolved one, or the last end of all."""
    table = ends(metrics)
    lost = table.loc[~table["solved"], "evaluations"]
    return float(lost.min() if len(lost) else metrics["evaluations"].max())


def reach(metrics: pd.DataFrame, limit: float) -> float:
    """The horizon; or `limit`, if it is farther and every history is solved, so that nothing changes any more."""
    return max(horizon(metrics), limit if ends(metrics)["solved"].all() else 0.0)


def grid(metrics: pd.DataFrame, points: int = series.POINTS) -> np.ndarray:
    """Numbers of evaluations `[K]` at which curves are drawn: logged ones up to the horizon."""
    logged = np.unique(metrics["evaluations"].to_numpy(float))
    logged = logged[logged <= horizon(metrics)]
    if len(logged) > points:
        logged = logged[np.unique(np.linspace(0, len(logged) - 1, points).round().astype(int))]
    return logged


def values(metrics: pd.DataFrame, column: str, x: np.ndarray, lasting: bool = False) -> pd.DataFrame:
    """What each history had last logged at `x` `[K]`: `[K, H]`. NaN after its end, unless `lasting`."""
    keys = series.identity(metrics)
    table = metrics.assign(**{column: metrics[column].astype(float)})
    wide = table.pivot_table(index="evaluations", columns=keys, values=column, aggfunc="last", dropna=False)
    wide = wide.where(wide > FAILED)
    out = wide.reindex(np.union1d(wide.index, x)).ffill().reindex(x)
    if not lasting:
        last = metrics.groupby(keys)["evaluations"].max().reindex(out.columns)
        out = out.where(x[:, None] <= last.to_numpy()[None, :])
    return out


def quartiles(metrics: pd.DataFrame, column: str, x: np.ndarray, lasting: bool = False) -> np.ndarray:
    """Quartiles over histories at `x` `[K]`, `[3, K]`; NaN where nobody has a value."""
    table = values(metrics, column, x, lasting)
    return np.stack([table.quantile(q, axis=1).to_numpy(float) for q in QUARTILES])


def searching(metrics: pd.DataFrame, x: np.ndarray) -> np.ndarray:
    """Number of histories that still search at `x` `[K]`, their last generation included."""
    last = metrics.groupby(series.identity(metrics))["evaluations"].max().to_numpy(float)
    return (last[None, :] >= x[:, None]).sum(axis=1)


def success(metrics: pd.DataFrame, limit: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Evaluations `[K]` and the share of histories solved by then with its confidence interval, `[3, K]` (low, share,
    high). The first point is at 0, the last at the `reach`; between points the share stays."""
    table, end = ends(metrics), reach(metrics, limit)
    times = np.sort(table.loc[table["solved"] & (table["evaluations"] <= end), "evaluations"].to_numpy(float))
    x = np.unique(np.concatenate([[0.0], times, [end]]))
    solved = np.searchsorted(times, x, side="right")
    return x, np.array([share(int(k), len(table)) for k in solved]).T


def share(solved: int, runs: int) -> tuple[float, float, float]:
    """Low end, estimate and high end of a success rate: Clopper and Pearson's exact interval."""
    ends = stats.binomtest(solved, runs).proportion_ci(CONFIDENCE, method="exact")
    return float(ends.low), solved / runs, float(ends.high)


def typical(metrics: pd.DataFrame) -> tuple[int, ...]:
    """The history to show where only one can be: the solved one whose evaluations are the (lower) median of the
    solved, or else the first of those that searched longest."""
    table, keys = ends(metrics), series.identity(metrics)
    won = table[table["solved"]].sort_values(["evaluations", *keys], ignore_index=True)
    lost = table.sort_values(["evaluations", *keys], ascending=[False, *[True] * len(keys)], ignore_index=True)
    chosen = won.iloc[(len(won) - 1) // 2] if len(won) else lost.iloc[0]
    return tuple(int(chosen[key]) for key in keys)


def groups(metrics: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Name and rows of each group of searches (column `group`, in order of appearance)."""
    if "group" not in metrics:
        return [("", metrics)]
    return [(str(name), rows) for name, rows in metrics.groupby("group", sort=False)]


def known(metrics: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Those of `columns` that have a value somewhere."""
    return [name for name in columns if name in metrics and metrics[name].notna().any()]
