"""What a comparison tells: figures as JSON, a table for the terminal, and a report of one HTML file.

Leaves out where scores come from (`experiments.compare`), the statistics (`experiments.compare_scores`) and how plots
look (`viz.compare_plots`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments import compare_scores, files, report
from experiments.compare_terms import Comparison, Contestant
from experiments.errors import UserError
from experiments.provenance import origin
from experiments.report import Picture
from experiments.search_groups import text
from experiments.task_table import name_of
from viz import compare_plots, panels

GRID = 60  # points of a drawn learning curve
AXES = ("agent_steps", "wall_seconds")
DPI = 140  # of a picture: 1400 pixels wide


def results(
    comparison: Comparison,
    scores: Mapping[str, np.ndarray],
    curves: pd.DataFrame,
    clocks: Mapping[str, Mapping[str, float]],
    schools: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """All figures. `scores` `[W]` by contestant, `curves` as curves.csv, `clocks` the last rows of timing.csv.

    `schools` tell of those trained before what that took: agent_steps, and the last row of its timing.csv.
    """
    terms, task = comparison.terms, comparison.target.task
    names = [one.name for one in comparison.contestants]
    control = next(one.name for one in comparison.contestants if one.control)
    matrix = compare_scores.improvements([scores[name] for name in names])
    entries = []
    for place, one in enumerate(comparison.contestants):
        rows = curves[curves["contestant"] == one.name]
        entry = {"name": one.name, "method": one.method, **compare_scores.summary(scores[one.name])}
        entry["over_control"] = matrix[place][names.index(control)]
        entry["normalised"] = _normalised(comparison, scores, one)
        before = schools.get(one.name, {})
        entry |= _costs(one, rows, clocks.get(one.name, {}), terms.threshold)
        entry |= {"pretrain_steps": before.get("agent_steps", 0.0), "pretrain_seconds": _seconds(before)}
        entries.append(entry | {"scores": scores[one.name].tolist()})
    return {
        "name": comparison.name,
        "description": terms.description,
        "task": name_of(task),  # type: ignore[arg-type]
        "seed": terms.seed,
        "seeds": terms.seeds,
        "agent_steps": terms.agent_steps,
        "episodes": terms.episodes,
        "threshold": terms.threshold,
        "tuning": terms.tuning,
        "differ": list(terms.differ),
        "control": control,
        "contestants": entries,
        "improvements": matrix,
        **origin(),
    }


def _normalised(comparison: Comparison, scores: Mapping[str, np.ndarray], one: Contestant) -> float | None:
    """On the scale from a random mind to the rule, if the comparison has both."""
    minds = {other.own.mind: scores[other.name] for other in comparison.contestants if other.own.mind}
    if not {"random", "rule"} <= minds.keys():
        return None
    return compare_scores.normalised(scores[one.name], minds["random"], minds["rule"])


def _seconds(clocks: Mapping[str, float]) -> float:
    """Wall seconds of a run without compiling and without validation."""
    wall, *other = (clocks.get(f"{name}_seconds", 0.0) for name in ("wall", "compile", "validation"))
    return round(wall - sum(other), 3)


def _costs(one: Contestant, rows: pd.DataFrame, clocks: Mapping[str, float], threshold: float | None) -> dict[str, Any]:
    """What a contestant took: means over seeds, and medians until the threshold, None where most did not get there."""
    out: dict[str, Any] = {
        "agent_steps": float(rows.groupby("seed")["agent_steps"].max().mean()) if one.learns else 0.0,
        "wall_seconds": _seconds(clocks),
        "compile_seconds": clocks.get("compile_seconds", 0.0),
        "reached": None,
        "steps_to_threshold": None,
        "seconds_to_threshold": None,
    }
    if threshold is None or not one.learns:
        return out
    each = [part for _, part in rows.groupby("seed")]
    for axis, name in zip(AXES, ("steps_to_threshold", "seconds_to_threshold"), strict=True):
        arrays = [(part[axis].to_numpy(float), part["fresh_fitness"].to_numpy(float)) for part in each]
        times = np.array([compare_scores.reached(*pair, threshold) for pair in arrays])
        middle = float(np.quantile(times, 0.5, method="inverted_cdf"))  # of an even number the lower one: no inf - inf
        out |= {"reached": int(np.isfinite(times).sum()), name: middle if np.isfinite(middle) else None}
    return out


def ranked(result: Mapping[str, Any]) -> list[int]:
    """Places of the contestants in `result`, the best first; of equals in the order in which they were named."""
    worth = [entry["iqm"] for entry in result["contestants"]]
    return sorted(range(len(worth)), key=lambda i: math.inf if worth[i] is None or math.isnan(worth[i]) else -worth[i])


def rows(result: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the table of contestants, the best first."""
    bar = result["threshold"]
    heads = ["contestant", "method", "IQM", "95 % interval", "median", "mean", f"P(beats {result['control']})"]
    heads += ["95 % interval", "agent-steps", "seconds"]
    heads += [f"steps to {bar:g}", f"seconds to {bar:g}", "seeds there"] if bar is not None else []
    scaled = any(entry["normalised"] is not None for entry in result["contestants"])
    heads += ["random 0, rule 1"] if scaled else []
    body = []
    for entry in (result["contestants"][place] for place in ranked(result)):
        over = entry["over_control"]
        before = [f" + {text(entry[f'pretrain_{what}'])}" for what in ("steps", "seconds") if entry["pretrain_steps"]]
        steps, seconds = before or ("", "")
        cells = [entry["name"], entry["method"], text(entry["iqm"]), _span(entry["iqm_interval"])]
        cells += [text(entry["median"]), text(entry["mean"])]
        cells += [f"{over['probability']:.2f}", _span(over["interval"])] if over else ["–", "–"]
        cells += [text(entry["agent_steps"]) + steps, text(entry["wall_seconds"]) + seconds]
        if bar is not None:
            there = "–" if entry["reached"] is None else f"{entry['reached']}/{result['seeds']}"
            cells += [text(entry["steps_to_threshold"]), text(entry["seconds_to_threshold"]), there]
        body.append(cells + ([text(entry["normalised"])] if scaled else []))
    return heads, body


def _span(ends: Iterable[float]) -> str:
    low, high = ends
    return f"{text(low)} … {text(high)}"


def render(comparison: Comparison, result: Mapping[str, Any], curves: pd.DataFrame) -> str:
    """The report as HTML."""
    heads, body = rows(result)
    facts = {
        "task": result["task"],
        "seeds": f"{result['seeds']}, from seed {result['seed']}",
        "budget": f"{result['agent_steps']:,} agent-steps of each contestant and seed",
        "test": f"{result['episodes']} episodes of each seed, the same for all",
        "tuning": result["tuning"] or "not told",
        "may differ": ", ".join(result["differ"]) or "nothing in body, world and task",
        "device": result.get("device"),
        "commit": result.get("commit"),
    }
    about = {"name": comparison.name, "status": "done", "facts": {k: v for k, v in facts.items() if v}, "notes": []}
    entries = [result["contestants"][place] for place in ranked(result)]
    seeds = [[entry["name"], *(text(score) for score in entry["scores"])] for entry in entries]
    return report.template("compare.html").render(
        title=f"{comparison.name}: {len(result['contestants'])} contestants",
        descriptions=[result["description"]] if result["description"] else [],
        runs=[about],
        heads=heads,
        body=body,
        seeds=seeds,
        scaled=any(entry["normalised"] is not None for entry in entries),
        schooled=any(entry["pretrain_steps"] for entry in entries),
        threshold=result["threshold"],
        pictures=list(pictures(result, curves)),
    )


def pictures(result: Mapping[str, Any], curves: pd.DataFrame) -> Iterable[Picture]:
    """All plots for which there is something to draw."""
    order = ranked(result)
    entries = [result["contestants"][place] for place in order]
    estimates, scores, still = _told(entries)
    names = list(estimates["contestant"])
    matrix, sure = (part[np.ix_(order, order)] for part in _matrix(result["improvements"]))
    before = [entry["name"] for entry in entries if entry["pretrain_steps"] and entry["agent_steps"]]
    schooled = f" {', '.join(before)}: trained in another world before, which the axes leave out." if before else ""
    drawn: tuple[tuple[str, str, str, Figure | None], ...] = (
        (
            "scores",
            "Scores",
            "Of what each seed handed in, on the same test episodes.",
            compare_plots.intervals(estimates, scores),
        ),
        (
            "curves",
            "Learning curves",
            "Interquartile means over seeds of the best mind since the mark before, on fresh episodes, with 95 % "
            "intervals; level lines: minds that learn nothing here, whether of chance, written by hand or brought up "
            "elsewhere, on the test episodes. Seconds are those of all seeds side by side, without compiling and "
            f"without validation.{schooled}",
            compare_plots.learning_curves(drawn_curves(curves), still, names),
        ),
        (
            "profiles",
            "Performance profiles",
            "Higher is better; a curve wholly above another says that its runs are better whatever one asks of them.",
            compare_plots.profiles(_profiles(entries), names),
        ),
        (
            "improvement",
            "Probability of improvement",
            "That a seed of the row scores higher than one of the column, ties counted half; bold where the 95 % "
            "interval leaves 0.5 out.",
            compare_plots.improvement(matrix, sure, names),
        ),
    )
    for name, title, note, figure in drawn:
        if figure is not None:
            yield Picture(name, title, note, report.data_uri(figure))


def _told(entries: list[dict[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Estimates of all, scores of all seeds, and the estimates of those who learn nothing here."""
    scores = [(entry["name"], score) for entry in entries for score in entry["scores"]]
    middles = [(e["name"], e["iqm_interval"][0], e["iqm"], e["iqm_interval"][1]) for e in entries]
    estimates = pd.DataFrame(middles, columns=["contestant", "low", "middle", "high"])
    still = estimates[[entry["agent_steps"] == 0 for entry in entries]]
    return estimates, pd.DataFrame(scores, columns=["contestant", "score"]), still


def picture(path: str | Path, out: str | Path) -> None:
    """Writes one PNG of the finished comparison in the folder `path`: scores beside learning curves."""
    path = Path(path)
    if not (path / "results.json").is_file():
        raise UserError(f"comparison {str(path)!r}: there is no results.json; give the folder of a finished comparison")
    result = json.loads((path / "results.json").read_bytes())
    curves = pd.read_csv(
        path / "curves.csv", dtype={"contestant": str}, na_values={"fresh_fitness": ""}, keep_default_na=False
    )
    estimates, scores, still = _told([result["contestants"][place] for place in ranked(result)])
    figure = compare_plots.overview(estimates, scores, drawn_curves(curves), still)
    files.write_whole(Path(out), panels.png(figure, DPI))


def drawn_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """Interquartile means over seeds on a grid: contestant, axis, x, low, middle, high. Only of those who learn."""
    out = []
    for name, rows_of in curves.groupby("contestant", sort=False):
        if rows_of["agent_steps"].max() == 0:
            continue
        for axis in AXES:
            x, values = on_grid(rows_of, axis)
            low, high = compare_scores.interval(compare_scores.interquartile_mean, values)
            middle = compare_scores.interquartile_mean(values)
            told = {"contestant": name, "axis": axis, "x": x, "low": low, "middle": middle, "high": high}
            out.append(pd.DataFrame(told))
    return pd.concat(out, ignore_index=True) if out else pd.DataFrame()


def on_grid(rows_of: pd.DataFrame, axis: str) -> tuple[np.ndarray, np.ndarray]:
    """Places `[K]` from which every seed has a mark, and the last mark of each seed there `[K, W]`."""
    each = [part.sort_values(axis) for _, part in rows_of.groupby("seed")]
    start, end = max(part[axis].iloc[0] for part in each), max(part[axis].iloc[-1] for part in each)
    x = np.unique(np.linspace(start, end, GRID))
    last = [part["fresh_fitness"].to_numpy(float)[np.searchsorted(part[axis], x, side="right") - 1] for part in each]
    return x, np.stack(last, axis=-1)


def _profiles(entries: list[dict[str, Any]]) -> pd.DataFrame:
    scores = {entry["name"]: np.array(entry["scores"]) for entry in entries}
    tau = compare_scores.taus(list(scores.values()))
    parts = []
    for name, values in scores.items():
        middle, low, high = compare_scores.profile(values, tau)
        parts.append(pd.DataFrame({"contestant": name, "tau": tau, "low": low, "middle": middle, "high": high}))
    return pd.concat(parts, ignore_index=True)


def _matrix(cells: list[list[dict[str, Any] | None]]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities `[K, K]`, NaN on the diagonal, and whether their intervals leave out one half."""
    matrix = np.array([[cell["probability"] if cell else np.nan for cell in row] for row in cells])
    sure = [[bool(cell) and not cell["interval"][0] <= 0.5 <= cell["interval"][1] for cell in row] for row in cells]  # type: ignore[index]
    return matrix, np.array(sure)
