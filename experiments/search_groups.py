"""What `firstword analyse` tells of searches by explicit fitness: who solved the task, how fast, with what network.

Every world of a run folder is one replicate run. Folders whose configs differ in seed and length alone are pooled into
one group; groups are compared. Leaves out the statistics (`experiments.outcomes`) and drawing (`viz.search_plots`).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from experiments.outcomes import adjusted, figures, log_rank, outcomes
from experiments.runs import Run

MOST_COLUMNS = 4  # groups that a terminal table shows side by side
OWN = ("name", "description", "run", "stop")  # parts of a config that do not make it another search


@dataclass(frozen=True)
class Group:
    """Folders with one search, each with its number among all."""

    label: str
    runs: tuple[tuple[int, Run], ...]

    @property
    def task(self) -> str:
        return task_of(self.runs[0][1])

    @property
    def algorithm(self) -> str:
        return algorithm_of(self.runs[0][1])


def task_of(run: Run) -> str:
    return str(run.config.get("task", {}).get("name", run.summary.get("task", "unknown task")))


def algorithm_of(run: Run) -> str:
    return str(run.config.get("search", {}).get("algorithm", run.summary.get("algorithm", "unknown algorithm")))


def grouped(runs: Sequence[Run]) -> list[Group]:
    """Groups in order of appearance. Equal searches with the same seed are the same runs and are not pooled."""
    pools: list[list[tuple[int, Run]]] = []
    for number, run in enumerate(runs, 1):
        fits = lambda pool, run=run: _search(pool[0][1]) == _search(run) and run.seed not in {r.seed for _, r in pool}
        pool = next((pool for pool in pools if _search(run) and fits(pool)), None)
        if pool is None:
            pools.append(pool := [])
        pool.append((number, run))
    firsts = [pool[0][1] for pool in pools]
    schemes = (
        [algorithm_of(run) for run in firsts],
        [f"{task_of(run)}, {algorithm_of(run)}" for run in firsts],
        [run.name for run in firsts],
        [run.path.resolve().name for run in firsts],
        [f"{algorithm_of(run)} {number}" for number, run in enumerate(firsts, 1)],
    )
    labels = next(scheme for scheme in schemes if len(set(scheme)) == len(firsts))
    return [Group(label, tuple(pool)) for label, pool in zip(labels, pools, strict=True)]


def _search(run: Run) -> str:
    """What makes a search the same as another; empty if unknown."""
    kept = {name: value for name, value in run.config.items() if name not in OWN}
    return json.dumps(kept, sort_keys=True, default=str) if kept else ""


def comparisons(groups: Sequence[Group], tables: Sequence[pd.DataFrame]) -> list[dict[str, Any]]:
    """Log-rank tests between groups of one task: `p`, and `p_adjusted` for their number."""
    out: list[dict[str, Any]] = []
    for i, j in itertools.combinations(range(len(groups)), 2):
        if groups[i].task == groups[j].task:
            out.append({"a": groups[i].label, "b": groups[j].label, "p": log_rank(tables[i], tables[j])})
    known = iter(adjusted([entry["p"] for entry in out if entry["p"] is not None]))
    return [entry | {"p_adjusted": None if entry["p"] is None else next(known)} for entry in out]


def key_figures(runs: Sequence[Run]) -> dict[str, Any]:
    """What `analyse` returns of searches, without a report."""
    tables = [outcomes(run) for run in runs]
    groups = grouped(runs)
    pooled = [pd.concat([tables[number - 1] for number, _ in group.runs], ignore_index=True) for group in groups]
    return {
        "kind": "search",
        "runs": [_entry(run, table) for run, table in zip(runs, tables, strict=True)],
        "groups": [_group(group, table) for group, table in zip(groups, pooled, strict=True)],
        "comparisons": comparisons(groups, pooled),
    }


def _entry(run: Run, table: pd.DataFrame) -> dict[str, Any]:
    notes = list(run.notes)
    unknown = int((table["solved"] & table["hidden"].isna()).sum())
    if unknown:
        notes.append(f"{unknown} solutions are newer than summary.json, which does not tell their networks yet")
    return {
        "path": str(run.path),
        "name": run.name,
        "seed": run.seed,
        "status": run.status,
        "task": task_of(run),
        "algorithm": algorithm_of(run),
        "num_worlds": len(table),
        "generations": int(run.metrics["generation"].max()),
        "figures": figures(table),
        "worlds": [{name: None if pd.isna(v) else v for name, v in row.items()} for row in table.to_dict("records")],
        "notes": notes,
    }


def _group(group: Group, table: pd.DataFrame) -> dict[str, Any]:
    about = {"label": group.label, "task": group.task, "algorithm": group.algorithm}
    return about | {"folders": [str(run.path) for _, run in group.runs], "figures": figures(table)}


FIGURES = (
    ("evaluations_mean", "evaluations to the solution, mean"),
    ("evaluations_sd", "… sd"),
    ("evaluations_median", "… median"),
    ("evaluations_per_solution", "evaluations spent per solution"),
    ("generations_mean", "generations to the solution, mean"),
    ("hidden_nodes_mean", "hidden nodes of solutions, mean"),
    ("connections_mean", "connections of solutions, mean"),
    ("generalisation_mean", "generalisation score, mean"),
    ("best_fitness_median", "best fitness of all runs, median"),
    ("fresh_fitness_median", "best on fresh episodes, median"),
)


def rows(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the table of figures: label, then a column per group."""
    groups = result["groups"]
    each = lambda told: [told(group) for group in groups]
    body = [
        ["task", *each(lambda g: g["task"])],
        ["algorithm", *each(lambda g: g["algorithm"])],
        ["runs", *each(lambda g: str(g["figures"]["runs"]))],
        ["solved", *each(lambda g: str(g["figures"]["solved"]))],
        ["success rate (95 % interval)", *each(lambda g: _with_interval(g["figures"], "success_rate"))],
    ]
    for name, label in FIGURES:
        if any(group["figures"][name] is not None for group in groups):
            body.append([label, *each(lambda g, name=name: _with_interval(g["figures"], name))])
    return each(lambda g: g["label"]), body


def _with_interval(values: dict[str, Any], name: str) -> str:
    ends = values.get(f"{name}_interval")
    return text(values[name]) + (f" ({text(ends[0])} … {text(ends[1])})" if ends else "")


def text(value: float | None) -> str:
    """A figure for people, to three or more digits."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def table(result: dict[str, Any]) -> Table:
    """The figures as a table for the terminal: a column per group, or for many groups a row."""
    heads, body = rows(result)
    out = Table(header_style="bold")
    if len(heads) <= MOST_COLUMNS:
        out.add_column("figure", no_wrap=True)
        for head in heads:
            out.add_column(Text(head), justify="right")
        for row in body:
            out.add_row(*(Text(cell) for cell in row))
        return out
    out.add_column("search", no_wrap=True)
    wanted = {"solved": "solved", "evaluations_mean": "evaluations, mean", "evaluations_sd": "sd"}
    wanted |= {
        "evaluations_median": "median",
        "evaluations_per_solution": "per solution",
        "hidden_nodes_mean": "hidden",
    }
    for head in wanted.values():
        out.add_column(head, justify="right")
    for group in result["groups"]:
        values = group["figures"]
        cells = [f"{values['solved']}/{values['runs']}", *(text(values[name]) for name in list(wanted)[1:])]
        out.add_row(Text(group["label"]), *cells)
    return out
