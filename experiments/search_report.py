"""The report of searches by explicit fitness: one HTML file, as `experiments.report` makes of worlds.

Leaves out what the figures are (`experiments.search_groups`) and how plots look (`viz`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from experiments import report, search_groups
from experiments.report import Picture
from experiments.runs import Run, read_champions
from experiments.search_groups import Group
from viz import graphs, search_plots, search_series

MOST_CHAMPIONS = 6  # networks drawn


def render(runs: Sequence[Run], result: dict[str, Any]) -> str:
    """The report of some searches as HTML; `result` as `analyse.analyse` makes it."""
    heads, body = search_groups.rows(result)
    groups = search_groups.grouped(runs)
    frame = joined(groups, "metrics")
    champions, notes = best(groups)
    shown = [_about(run, entry) for run, entry in zip(runs, result["runs"], strict=True)]
    for run in shown:
        run["notes"] = [*run["notes"], *notes.get(run["facts"]["folder"], [])]
    return report.template("search.html").render(
        title=report.title(runs),
        descriptions=report.descriptions(runs),
        runs=shown,
        heads=heads,
        body=body,
        comparisons=[
            [entry["a"], entry["b"], *(_p(entry[name]) for name in ("p", "p_adjusted"))]
            for entry in result["comparisons"]
        ],
        worlds=_worlds(result),
        horizons=list(_horizons(frame)),
        pictures=list(pictures(frame, joined(groups, "species"), champions)),
    )


def joined(groups: Sequence[Group], table: str) -> pd.DataFrame:
    """One table of all runs with columns `group`, `task` and `run`; `group` only where there are several groups and
    `run` only where there are several folders."""
    frames = []
    for group in groups:
        for number, run in group.runs:
            frames.append(getattr(run, table).assign(group=group.label, task=group.task, run=number))
    out = pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
    alone = (["group"] if len(groups) == 1 else []) + (["run"] if len(frames) == 1 else [])
    return out.drop(columns=alone)


def pictures(metrics: pd.DataFrame, species: pd.DataFrame, champions: dict[str, dict[str, Any]]) -> Iterable[Picture]:
    """All plots for which there is something to draw."""
    drawn: tuple[tuple[str, str, str, Figure | None], ...] = (
        (
            "success",
            "Success rate",
            "Runs that had solved the task by then, with the exact 95 % interval at each point; right: every run.",
            search_plots.success(metrics),
        ),
        ("comparison", "Best fitness compared", "", search_plots.comparison(metrics)),
        ("fitness", "Fitness", "Below: how many runs still search.", search_plots.fitness(metrics)),
        (
            "complexity",
            "Complexity",
            " ".join(["Enabled connections and hidden nodes.", *_fixed(metrics)]),
            search_plots.complexity(metrics),
        ),
        (
            "species",
            "Species",
            "Right: members in one run, that of median evaluations among the solved (or the longest unsolved), stacked "
            "in order of appearance; the smallest species share grey.",
            search_plots.species(metrics, species),
        ),
        (
            "champion",
            "Champion" + ("s" if len(champions) > 1 else ""),
            "The best network whose genome is kept (run.sample_genomes): solved before unsolved, then highest fitness, "
            "then fewest connections.",
            graphs.networks(list(champions.values()), list(champions), disabled=True) if champions else None,
        ),
    )
    for name, title, note, figure in drawn:
        if figure is not None:
            yield Picture(name, title, note, report.data_uri(figure))


def best(groups: Sequence[Group]) -> tuple[dict[str, dict[str, Any]], dict[str, list[str]]]:
    """Champion of each of the first groups by its title, and by folder what could not be read."""
    found: dict[str, dict[str, Any]] = {}
    notes: dict[str, list[str]] = {}
    for group in groups:
        candidates = []
        for _, run in group.runs:
            documents, told = read_champions(run)
            notes[run.path.resolve().name] = told
            candidates += [(run, document) for document in documents]
        if candidates and len(found) < MOST_CHAMPIONS:
            run, document = min(candidates, key=lambda pair: _rank(pair[1]))
            words = [group.label] if len(groups) > 1 else []
            words += [run.path.resolve().name] if len(group.runs) > 1 else []
            words += [f"world {document.get('world', 0)}", "solved" if document.get("solved") else "unsolved"]
            fitness = document.get("fitness")
            words += [f"fitness {fitness:.4g}"] if isinstance(fitness, (int, float)) else []
            found[", ".join(words)] = document
    return found, notes


def _rank(document: dict[str, Any]) -> tuple[bool, float, int]:
    fitness = document.get("fitness")
    value = float(fitness) if isinstance(fitness, (int, float)) else float("-inf")
    enabled = sum(bool(gene.get("enabled")) for gene in document["connections"])
    return not document.get("solved"), -value, enabled


def _fixed(metrics: pd.DataFrame) -> list[str]:
    """A note on groups that are not drawn because their topology stays."""
    names = []
    for name, rows in search_series.groups(metrics):
        if name and search_plots.fixed(rows):
            connections, hidden = (int(rows[f"max_{what}"].iloc[0]) for what in ("connections", "hidden"))
            names.append(f"{name} ({connections} connections, {hidden} hidden nodes)")
    return [f"Not drawn, because all genomes have one topology: {', '.join(names)}."] if names else []


def _horizons(metrics: pd.DataFrame) -> Iterable[str]:
    """Where curves of a group end although some of its runs went on unsolved."""
    for name, rows in search_series.groups(metrics):
        ends = search_series.ends(rows)
        last, end = ends.loc[~ends["solved"], "evaluations"].max(), search_series.horizon(rows)
        if last > end:
            yield f"{name or 'Here'}: at {end:,.0f} evaluations, although others went on to {last:,.0f}."


def _worlds(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """A row for every world of every folder."""
    several = len(result["runs"]) > 1
    names = ("solved", "generation", "evaluations", "fitness", "hidden", "connections", "generalisation")
    heads = [*(["folder"] if several else []), "world", *names[:3], "best fitness", "hidden nodes", *names[5:]]
    body = []
    for entry in result["runs"]:
        folder = [entry["path"]] if several else []
        for world in entry["worlds"]:
            cells = ["yes" if world["solved"] else "no", *(search_groups.text(world[name]) for name in names[1:])]
            body.append([*folder, str(world["world"]), *cells])
    return heads, body


def _about(run: Run, entry: dict[str, Any]) -> dict[str, Any]:
    facts = {"task": entry["task"], "algorithm": entry["algorithm"]}
    facts |= {"population": run.config.get("search", {}).get("population")}
    return report.about(run, facts | {"worlds": entry["num_worlds"], "generations": f"{entry['generations']:,}"})


def _p(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
