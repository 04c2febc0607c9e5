"""Outcomes of replicate searches and their statistics, all by scipy.

Means over solved runs flatter an algorithm that often fails, so evaluations per solution (all evaluations by the
number of solutions; Auger & Hansen 2005) stand beside them. Intervals are 95 %: exact for rates (Clopper & Pearson
1934) and medians (order statistics), BCa bootstrap for means (Efron 1987). Leaves out which runs belong together
(`experiments.search_groups`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from experiments.runs import Run
from viz import search_series

LEAST = 5  # values from which an interval of a mean is told
RESAMPLES = 9999


def outcomes(run: Run) -> pd.DataFrame:
    """One row per world: solved, generation and evaluations of the solution or of the last row, best fitness, best
    mean fitness on fresh episodes (missing where none were lived), and of the solution hidden nodes, connections and
    generalisation (missing until a summary tells them)."""
    table = search_series.ends(run.metrics)
    last = run.metrics.sort_values("generation", kind="stable").groupby("world")["record"].last()
    table["fitness"] = table["world"].map(last.where(last > search_series.FAILED))
    tried = run.metrics.get("fresh_fitness", pd.Series(np.nan, run.metrics.index)).astype(float)
    tried = tried.where(tried > search_series.FAILED)
    table["fresh_fitness"] = table["world"].map(tried.groupby(run.metrics["world"]).max())
    told = run.summary.get("results") or []
    known = {(r.get("world"), r.get("generation")): r for r in told if isinstance(r, dict) and r.get("solved")}
    for name in ("hidden", "connections", "generalisation"):
        keys = zip(table["world"], table["generation"], table["solved"], strict=True)
        values = [known.get((w, g), {}).get(name) if solved else None for w, g, solved in keys]
        table[name] = pd.Series(values, dtype=float, index=table.index)
    return table


def figures(table: pd.DataFrame) -> dict[str, Any]:
    """Statistics of outcomes; means and medians are over solved runs."""
    won = table[table["solved"]]
    low, rate, high = search_series.share(len(won), len(table))
    spent = int(table["evaluations"].sum())
    evaluations = won["evaluations"].to_numpy(float)
    return {
        "runs": len(table),
        "solved": len(won),
        "success_rate": rate,
        "success_rate_interval": [low, high],
        "evaluations_mean": _mean(evaluations),
        "evaluations_mean_interval": mean_interval(evaluations),
        "evaluations_sd": float(np.std(evaluations, ddof=1)) if len(won) > 1 else None,
        "evaluations_median": float(np.median(evaluations)) if len(won) else None,
        "evaluations_median_interval": median_interval(evaluations),
        "evaluations_per_solution": spent / len(won) if len(won) else None,
        "evaluations_total": spent,
        "generations_mean": _mean(won["generation"]),
        **_network(won, "hidden", "hidden_nodes"),
        **_network(won, "connections", "connections"),
        **_network(won, "generalisation", "generalisation"),
        "best_fitness_median": _median(table["fitness"]),
        "fresh_fitness_median": _median(table["fresh_fitness"]),
    }


def _network(won: pd.DataFrame, column: str, name: str) -> dict[str, Any]:
    values = won[column].dropna().to_numpy(float)
    return {f"{name}_mean": _mean(values), f"{name}_mean_interval": mean_interval(values)}


def _median(column: pd.Series) -> float | None:
    return float(column.median()) if column.notna().any() else None


def _mean(values: Any) -> float | None:
    return float(np.mean(values)) if len(values) else None


def mean_interval(values: np.ndarray) -> list[float] | None:
    """95 % interval of a mean by the BCa bootstrap; None for few or equal values."""
    if len(values) < LEAST or np.ptp(values) == 0:
        return None
    look: dict[str, Any] = dict(n_resamples=RESAMPLES, method="BCa", rng=np.random.default_rng(0))
    found = stats.bootstrap((values,), np.mean, confidence_level=search_series.CONFIDENCE, **look)
    ends = [float(found.confidence_interval.low), float(found.confidence_interval.high)]
    return ends if np.isfinite(ends).all() else None


def median_interval(values: np.ndarray) -> list[float] | None:
    """Exact 95 % interval of a median from order statistics; None where there are too few values for one."""
    if len(values) < 2:
        return None
    found = stats.quantile_test(values, q=float(np.median(values)), p=0.5)
    ends = found.confidence_interval(search_series.CONFIDENCE)
    both = [float(ends.low), float(ends.high)]
    return both if np.isfinite(both).all() else None


def log_rank(one: pd.DataFrame, other: pd.DataFrame) -> float | None:
    """p of the log-rank test (Mantel 1966) that two searches take equally many evaluations; unsolved runs are
    censored at their end. None where nothing was solved."""
    if not (one["solved"].any() or other["solved"].any()):
        return None
    with np.errstate(invalid="ignore"):  # 0/0 where they cannot differ
        p = float(stats.logrank(_censored(one), _censored(other)).pvalue)
    return p if np.isfinite(p) else None


def _censored(table: pd.DataFrame) -> stats.CensoredData:
    return stats.CensoredData.right_censored(table["evaluations"].to_numpy(float), ~table["solved"].to_numpy(bool))


def adjusted(values: list[float]) -> list[float]:
    """p values with the false discovery rate controlled over all of them (Benjamini & Hochberg 1995)."""
    return stats.false_discovery_control(values).tolist() if values else []
