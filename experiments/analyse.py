"""What `firstword analyse` tells of runs: key figures, their medians over runs, and the report.

Each world of a run is one history; figures of a run with several worlds are medians over its worlds. Nothing
is printed here: the command line prints `table`. Leaves out reading (`experiments.runs`), searches by explicit
fitness (`experiments.search_groups`), drawing (`viz.plots`) and assays of behaviour.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table
from rich.text import Text

from experiments import ancestry, files, search_groups
from experiments.errors import UserError
from experiments.runs import Run, load_run

SETTLED = 0.1  # extremes of the population leave out this first share of a run
MOST_COLUMNS = 5  # runs that a terminal table shows side by side


@dataclass(frozen=True)
class Figure:
    """One key figure: name in JSON, words for people, unit, and its value from the rows of one history."""

    name: str
    label: str
    unit: str
    value: Callable[[pd.DataFrame], Any]


def _end(column: str) -> Callable[[pd.DataFrame], Any]:
    return lambda rows: rows[column].iloc[-1] if column in rows else None


def _settled(reduce: str) -> Callable[[pd.DataFrame], Any]:
    def value(rows: pd.DataFrame) -> Any:
        time = rows.iloc[:, 0]
        return getattr(rows.loc[time >= SETTLED * time.iloc[-1], "population"], reduce)()

    return value


def _deaths(rows: pd.DataFrame) -> Any:
    columns = [name for name in rows if name.startswith("deaths_")]
    return rows[columns].iloc[-1].sum() if columns else None


def _meat_share(rows: pd.DataFrame) -> Any:
    """Share of all energy gained that came from carrion and prey."""
    names = ("plant_eaten", "meat_eaten", "prey_eaten")
    if any(name not in rows for name in names):
        return None
    plant, meat, prey = (rows[name].iloc[-1] for name in names)
    total = plant + meat + prey
    return (meat + prey) / total if total > 0 else None


FIGURES = (
    Figure("ticks", "ticks logged", "ticks", lambda rows: rows.iloc[-1, 0]),
    Figure("population", "population at the end", "creatures", _end("population")),
    Figure("population_min", "… least after the first 10 %", "creatures", _settled("min")),
    Figure("population_max", "… most after the first 10 %", "creatures", _settled("max")),
    Figure("births", "births", "creatures", _end("births")),
    Figure("refused_births", "births refused", "creatures", _end("refused_births")),
    Figure("deaths", "deaths", "creatures", _deaths),
    Figure("deaths_starved", "… starved", "creatures", _end("deaths_starved")),
    Figure("deaths_bitten", "… bitten", "creatures", _end("deaths_bitten")),
    Figure("deaths_poisoned", "… poisoned", "creatures", _end("deaths_poisoned")),
    Figure("deaths_aged", "… aged", "creatures", _end("deaths_aged")),
    Figure("refounded", "times refounded", "", _end("refounded")),
    Figure("mean_intake", "net intake of the living, mean", "energy/tick", _end("mean_intake")),
    Figure("meat_share", "meat in all that was gained", "share", _meat_share),
    Figure("mean_age", "age of the living, mean", "ticks", _end("mean_age")),
    Figure("max_generation", "generation, most", "", _end("max_generation")),
    Figure("median_connections", "connections, median", "per brain", _end("median_connections")),
    Figure("median_hidden", "hidden nodes, median", "per brain", _end("median_hidden")),
    Figure("species", "species", "", _end("species")),
    Figure("largest_species", "largest species", "share", _end("largest_species")),
    Figure("mean_diet", "diet, mean", "0 … 1", _end("mean_diet")),
    Figure("carnivore_share", "carnivores (diet over 0.5)", "share", _end("carnivore_share")),
)
DEPTH = Figure("lineage_depth", "deepest lineage", "generations", lambda rows: None)  # from births, not metrics


def analyse(paths: Sequence[str | Path], out: str | Path | None = None) -> dict[str, Any]:
    """Key figures of run folders, ready for JSON, and a report written to `out` or beside the runs."""
    runs = load_runs(paths)
    target = report_folder(runs, out)
    result = key_figures(runs)
    from experiments import report, search_report  # here: they load matplotlib, which bad input should not wait for

    html = (search_report if runs[0].is_search else report).render(runs, result)
    with files.guarded(target, "create"):
        target.mkdir(parents=True, exist_ok=True)
    files.write_whole(target / "report.html", html)
    return files.plain(result | {"report": target / "report.html"})


def key_figures(runs: Sequence[Run]) -> dict[str, Any]:
    """What `analyse` returns, without a report."""
    if runs[0].is_search:
        return search_groups.key_figures(runs)
    entries = [_run_figures(run) for run in runs]
    median = _median([entry["figures"] for entry in entries]) if len(runs) > 1 else None
    return {"runs": entries, "median": median}


def load_runs(paths: Sequence[str | Path]) -> list[Run]:
    """The runs, each of which has something to analyse."""
    if not paths:
        raise UserError("no run given; name one or more run folders")
    seen: set[Path] = set()
    runs = []
    for path in paths:
        place = Path(path).resolve()
        if place in seen:
            raise UserError(f"run {str(path)!r} is given twice")
        seen.add(place)
        run = load_run(path)
        if run.metrics.empty:
            raise UserError(f"run {str(path)!r} has no rows in metrics.csv yet; wait for its first log interval")
        runs.append(run)
    world, search = (next((run for run in runs if run.is_search == kind), None) for kind in (False, True))
    if world and search:
        names = f"{str(search.path)!r} is a search by explicit fitness, {str(world.path)!r} a world"
        raise UserError(f"{names}; analyse them separately")
    return runs


def report_folder(runs: Sequence[Run], out: str | Path | None) -> Path:
    """Where the report goes: `out`; else report/ in the run folder, for several runs in the folder that holds them."""
    if out is not None:
        if os.path.exists(out) and not os.path.isdir(out):
            raise UserError(f"--out {str(out)!r} is a file; give a folder")
        return Path(out)
    if len(runs) == 1:
        return runs[0].path / "report"
    parents = {run.path.resolve().parent for run in runs}
    return (parents.pop() if len(parents) == 1 else Path()) / "report"


def history_figures(run: Run) -> list[dict[str, Any]]:
    """Key figures of each world of a run."""
    out = []
    for world, rows in run.metrics.groupby("world", sort=True):
        rows = rows.sort_values(rows.columns[0], kind="stable")
        values = {figure.name: _number(figure.value(rows)) for figure in FIGURES}
        of_world = [table[table["world"] == world] for table in (run.births, run.deaths)]
        depth = len(ancestry.deepest_line(*of_world)) - 1
        out.append({"world": int(world), **values, DEPTH.name: depth if depth >= 0 else None})
    return out


def _run_figures(run: Run) -> dict[str, Any]:
    worlds = history_figures(run)
    return {
        "path": str(run.path),
        "name": run.name,
        "seed": run.seed,
        "status": run.status,
        "num_worlds": len(worlds),
        "figures": _median([{k: v for k, v in world.items() if k != "world"} for world in worlds]),
        "worlds": worlds,
        "notes": list(run.notes),
    }


def _median(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Median of each figure over those entries that have it."""
    out = {}
    for name in entries[0]:
        values = [entry[name] for entry in entries if entry[name] is not None]
        out[name] = values[0] if len(values) == 1 else _number(np.median(values)) if values else None
    return out


def _number(value: Any) -> int | float | None:
    """A plain number; None for what is missing or not finite, int where nothing is lost."""
    if value is None or not np.isfinite(value):
        return None
    return int(value) if float(value).is_integer() else float(value)


def text(value: Any) -> str:
    """A figure for people."""
    if value is None:
        return "–"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def rows(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the table of key figures: label, a column per run (or their spread), unit."""
    entries = result["runs"]
    shown = entries if len(entries) <= MOST_COLUMNS else []
    heads = _heads(shown)
    spread = ["least", "median", "most"] if not shown else ["median"] if len(entries) > 1 else []
    body = [["status", *(e["status"] for e in shown), *([""] * len(spread)), ""]]
    for figure in (*FIGURES, DEPTH):
        values = [e["figures"][figure.name] for e in entries]
        known = [value for value in values if value is not None]
        if not known:
            continue
        ends = {"least": min(known), "median": (result["median"] or {}).get(figure.name), "most": max(known)}
        cells = [text(e["figures"][figure.name]) for e in shown] + [text(ends[name]) for name in spread]
        body.append([figure.label, *cells, figure.unit])
    if not shown:
        body[0] = ["runs", "", str(len(entries)), "", ""]
    return [*heads, *spread], body


def _heads(entries: Sequence[dict[str, Any]]) -> list[str]:
    """Short names of runs that tell them apart: the study, the seed, or else the folder."""
    names, seeds = [entry["name"] for entry in entries], [f"seed {entry['seed']}" for entry in entries]
    both = [f"{name}, {seed}" for name, seed in zip(names, seeds, strict=True)]
    choices = [names, seeds, both] if len(set(names)) != 1 or len(names) == 1 else [seeds]
    folders = [Path(entry["path"]).resolve().name for entry in entries]
    return next((choice for choice in choices if len(set(choice)) == len(entries)), folders)


def table(result: dict[str, Any]) -> Table:
    """The key figures as a table for the terminal."""
    if result.get("kind") == "search":
        return search_groups.table(result)
    heads, body = rows(result)
    out = Table(title=f"{len(result['runs'])} runs" if len(result["runs"]) > 1 else None, header_style="bold")
    out.add_column("figure", no_wrap=True)
    for head in heads:
        out.add_column(Text(head), justify="right", no_wrap=True)
    out.add_column("unit", style="dim")
    for row in body:
        out.add_row(*(Text(cell) for cell in row))
    return out
