"""Histories as curves: logged tables put on a common time grid, rates of counters, medians and bands.

A history is one world of one run: rows that agree in the columns `run` and `world`, as far as they exist. Time
is cut into equal bins, so runs with other log intervals can be overlaid and long runs stay readable. A history
that ended counts up to its end. Pure pandas; leaves out drawing (`viz.plots`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

POINTS = 240  # bins of time at most; about one for every three pixels of a plot
LOW, HIGH = 0.1, 0.9


def identity(frame: pd.DataFrame) -> list[str]:
    """Columns that tell histories apart."""
    return [name for name in ("run", "world") if name in frame]


def time_column(frame: pd.DataFrame) -> str:
    return "tick" if "tick" in frame else "generation"


def num_histories(frame: pd.DataFrame) -> int:
    keys = identity(frame)
    return len(frame[keys].drop_duplicates()) if keys else min(1, len(frame))


def rates(frame: pd.DataFrame, columns: Sequence[str], per: str = "tick") -> pd.DataFrame:
    """Growth of cumulative counters between consecutive rows of a history, divided by the growth of `per`.

    A row stands for the interval that ends at its tick; the first row of each history has none and is left out.
    """
    time, keys = time_column(frame), identity(frame)
    ordered = frame.sort_values([*keys, time], kind="stable", ignore_index=True)
    wanted = list(dict.fromkeys([*columns, per]))
    values = ordered[wanted].astype(float)
    grown = values.groupby([ordered[key] for key in keys], sort=False).diff() if keys else values.diff()
    by = grown[per].where(grown[per] > 0)
    out = ordered[list(dict.fromkeys([*keys, time]))].copy()
    for name in columns:
        out[name] = grown[name] / by
    return out[grown[per].notna()].reset_index(drop=True)


def bin_width(frame: pd.DataFrame, points: int = POINTS) -> float:
    """Length of a bin: a multiple of the longest log interval, of which at most `points` cover the time."""
    time, keys = time_column(frame), identity(frame)
    ticks = frame[[*keys, time]].drop_duplicates().sort_values([*keys, time], ignore_index=True)
    steps = ticks.groupby(keys)[time].diff() if keys else ticks[time].diff()
    step = float(steps[steps > 0].max()) if len(steps) else 0.0
    if not step > 0:
        return 1.0
    span = float(frame[time].max() - frame[time].min())
    return step * max(1, int(np.ceil(span / (step * points))))


def bins(frame: pd.DataFrame, width: float) -> pd.Series:
    """Number of the bin of each row: bin k ends, inclusively, at tick k · width."""
    return np.ceil(frame[time_column(frame)] / width).astype(int).rename("bin")


def means(frame: pd.DataFrame, columns: Sequence[str], width: float) -> pd.DataFrame:
    """Mean of each column by history and bin; indexed by history and `bin`."""
    groups = [frame[key] for key in identity(frame)] + [bins(frame, width)]
    return frame[list(columns)].astype(float).groupby(groups).mean()


def lasts(frame: pd.DataFrame, width: float) -> pd.DataFrame:
    """The last row of each bin of each history, as for counters."""
    ordered = frame.sort_values(time_column(frame), kind="stable", ignore_index=True)
    groups = [ordered[key] for key in identity(ordered)] + [bins(ordered, width)]
    return ordered.groupby(groups).tail(1)


def bands(
    frame: pd.DataFrame, columns: Sequence[str], points: int = POINTS
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Ticks `[K]` and for each column its 10 %, 50 % and 90 % quantile over histories `[3, K]`."""
    width = bin_width(frame, points)
    by_bin = means(frame, columns, width).groupby("bin")
    quantiles = [by_bin.quantile(q) for q in (LOW, 0.5, HIGH)]
    ticks = frame.groupby(bins(frame, width))[time_column(frame)].max()
    ends = ticks.reindex(quantiles[0].index).to_numpy(float)
    return ends, {name: np.stack([q[name].to_numpy(float) for q in quantiles]) for name in columns}


def rate_bands(
    frame: pd.DataFrame, columns: Sequence[str], per: str = "tick", points: int = POINTS
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """`bands` of the rates of counters; each rate is exact over its whole bin."""
    thin = rates(lasts(frame, bin_width(frame, points)), columns, per)
    if thin.empty:
        return np.zeros(0), {name: np.zeros((3, 0)) for name in columns}
    return bands(thin, columns, points)


def newborn_bands(births: pd.DataFrame, column: str, span: float) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of a column over the creatures born in each of up to 60 bins: ticks `[K]`, quantiles `[3, K]`."""
    width = max(1.0, span / 60)
    grouped = births.groupby(bins(births, width))
    values = grouped[column].quantile([LOW, 0.5, HIGH]).unstack()
    values = values[grouped.size() >= 5]
    return values.index.to_numpy(float) * width, values.to_numpy(float).T
