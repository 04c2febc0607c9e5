"""Statistics of scores of replicate runs, after Agarwal et al. (2021, arXiv 2108.13264), all by scipy.

Point estimates of few runs mislead, so each stands with its 95 % interval by the percentile bootstrap over runs. Scores
of several tasks are strata, one sample each, resampled within themselves; they must be of one scale to be pooled. Of
equal scores an interval has no width, which says that runs agreed and no more. Leaves out where scores come from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from experiments.outcomes import RESAMPLES
from viz.search_series import CONFIDENCE

TRIM = 0.25  # share of scores cut off at each end
TAUS = 81  # scores at which performance profiles are told

Statistic = Callable[..., Any]


def interquartile_mean(*strata: np.ndarray, axis: int = -1) -> Any:
    """Mean of the middle half of all scores: the mean without a quarter of them at each end."""
    return stats.trim_mean(np.concatenate(strata, axis), TRIM, axis)


def improvement(*strata: np.ndarray, axis: int = -1) -> Any:
    """Probability that a run of one has a higher score than a run of the other, ties counted half (Mann, Whitney 1947).

    The mean over tasks: first the strata of the one, then those of the other in the same order.
    """
    half = len(strata) // 2
    told = [
        stats.mannwhitneyu(one, other, axis=axis, method="asymptotic").statistic / (one.shape[axis] * other.shape[axis])
        for one, other in zip(strata[:half], strata[half:], strict=True)
    ]
    return np.mean(told, axis=0)


def interval(statistic: Statistic, *samples: np.ndarray) -> tuple[Any, Any]:
    """Ends of the 95 % interval of a statistic of samples `[..., n]`, each resampled along its last axis."""
    look: dict[str, Any] = dict(n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(0))
    samples = tuple(np.asarray(sample, float) for sample in samples)
    found = stats.bootstrap(samples, statistic, confidence_level=CONFIDENCE, axis=-1, batch=1000, **look)
    return found.confidence_interval.low, found.confidence_interval.high


def taus(scores: Sequence[np.ndarray]) -> np.ndarray:
    """Scores `[T]`, evenly from the least to the greatest of all."""
    pooled = np.concatenate(list(scores))
    return np.linspace(pooled.min(), pooled.max(), TAUS)


def profile(scores: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of runs with more than each tau `[T]`, and the ends of its intervals, pointwise."""
    above = (np.asarray(scores)[None, :] > tau[:, None]).astype(float)
    low, high = interval(np.mean, above)
    return above.mean(axis=-1), low, high


def improvements(scores: Sequence[np.ndarray]) -> list[list[dict[str, Any] | None]]:
    """`improvement` of each (row) over each other (column) with its interval; None of one over itself."""
    num = len(scores)
    out: list[list[dict[str, Any] | None]] = [[None] * num for _ in range(num)]
    for i in range(num):
        for j in range(i + 1, num):
            value = float(improvement(scores[i], scores[j]))
            low, high = (float(end) for end in interval(improvement, scores[i], scores[j]))
            out[i][j] = {"probability": value, "interval": [low, high]}
            out[j][i] = {"probability": 1 - value, "interval": [1 - high, 1 - low]}
    return out


def summary(scores: np.ndarray) -> dict[str, Any]:
    """Interquartile mean with its interval, median and mean of the scores of one contestant."""
    low, high = interval(interquartile_mean, scores)
    return {
        "iqm": float(interquartile_mean(scores)),
        "iqm_interval": [float(low), float(high)],
        "median": float(np.median(scores)),
        "mean": float(np.mean(scores)),
    }


def normalised(scores: np.ndarray, chance: np.ndarray, rule: np.ndarray) -> float | None:
    """Interquartile mean on the scale on which that of a random mind is 0 and that of the rule 1.

    None where the rule is no better than chance, so that the scale has no sense.
    """
    foot, top = (float(interquartile_mean(part)) for part in (chance, rule))
    return (float(interquartile_mean(scores)) - foot) / (top - foot) if top > foot else None


def reached(times: np.ndarray, fitness: np.ndarray, threshold: float) -> float:
    """The first of rising times `[K]` at which fitness `[K]` was at the threshold or above; inf if never."""
    hits = np.flatnonzero(np.nan_to_num(fitness, nan=-np.inf) >= threshold)
    return float(times[hits[0]]) if len(hits) else float("inf")
