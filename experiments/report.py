"""The report: one HTML file with figures, plots and tables, that needs nothing else and no network.

Pictures are SVG inside the file; the same runs give the same bytes. Leaves out what the figures are
(`experiments.analyse`) and how plots look (`viz`).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2
import pandas as pd
from matplotlib.figure import Figure

from experiments import analyse, ancestry
from experiments.runs import Run
from viz import guilds, panels, plots, streams

MOST_ANCESTORS = 400  # rows of the table of ancestors
LINE_COLUMNS = {
    "uid": "uid",
    "tick": "born, tick",
    "generation": "generation",
    "connections": "connections",
    "hidden": "hidden nodes",
    "size": "size",
    "diet": "diet",
    "hue": "hue",
}


@dataclass(frozen=True)
class Picture:
    """One plot in the report."""

    name: str  # for links
    title: str
    note: str
    uri: str


def render(runs: Sequence[Run], result: dict[str, Any]) -> str:
    """The report of some runs as HTML; `result` as `analyse.analyse` makes it."""
    heads, body = analyse.rows(result)
    chain, whose = deepest(runs)
    return template("report.html").render(
        title=title(runs),
        descriptions=descriptions(runs),
        runs=[_about(run, entry) for run, entry in zip(runs, result["runs"], strict=True)],
        several=len(runs) > 1 or any(entry["num_worlds"] > 1 for entry in result["runs"]),
        heads=heads,
        body=body,
        worlds=_world_table(result) if len(runs) == 1 and result["runs"][0]["num_worlds"] > 1 else None,
        pictures=list(pictures(runs, chain, whose)),
        chain=_chain_rows(chain),
        chain_heads=list(LINE_COLUMNS.values()),
        whose=whose,
        depth=len(chain) - 1,
        left_out=max(0, len(chain) - MOST_ANCESTORS),
    )


def template(name: str) -> jinja2.Template:
    """A page of templates/."""
    folder = resources.files("experiments") / "templates"
    read = lambda one: (folder / one).read_text(encoding="utf-8")
    loader = jinja2.FunctionLoader(read)
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template(name)


def joined(runs: Sequence[Run], table: str) -> pd.DataFrame:
    """One table of all runs, with a column `run` first where there are several."""
    frames = [getattr(run, table) for run in runs]
    if len(runs) == 1:
        return frames[0]
    named = [frame.assign(run=number) for number, frame in enumerate(frames, 1)]
    frame = pd.concat([frame for frame in named if len(frame)] or named[:1], ignore_index=True)
    return frame[["run", *(name for name in frame if name != "run")]]


def pictures(runs: Sequence[Run], chain: pd.DataFrame, whose: str) -> Iterable[Picture]:
    """All plots for which there is something to draw."""
    metrics, births = joined(runs, "metrics"), joined(runs, "births")
    deaths, species = joined(runs, "deaths"), joined(runs, "species")
    drawn: tuple[tuple[str, str, str, Figure | None], ...] = (
        ("population", "Population", "", plots.population(metrics)),
        (
            "births-deaths",
            "Births and deaths by cause",
            "Rates over each interval, from the cumulative counters.",
            plots.births_and_deaths(metrics),
        ),
        (
            "intake",
            "Intake by source",
            "Energy gained (of poison: swallowed) per living creature and tick.",
            plots.intake(metrics),
        ),
        ("ages", "Ages", "Right: all recorded deaths.", plots.ages(metrics, deaths)),
        ("genome", "Genome size", "Enabled connections and hidden nodes.", plots.genome_size(metrics, births)),
        ("species", "Species", "Stacked in order of appearance.", streams.species(metrics, species)),
        ("diet", "Diet", "The colour scale is a square root, so that small groups show.", guilds.diet(metrics)),
        ("guilds", "Grazers and hunters", "The living split at diet 0.5; at most six worlds.", guilds.guilds(metrics)),
        ("energy", "Energy", "Energy 1 is one full plant cell.", plots.energy(metrics)),
        ("acts", "Bites, gifts, voice", "", plots.acts(metrics)),
        ("genes", "Body genes", "Means of the living.", plots.body_genes(metrics)),
        (
            "lineage",
            "The deepest lineage",
            f"Each point is a birth on the line that leads to {whose}.",
            plots.lineage(chain),
        ),
    )
    for name, title, note, figure in drawn:
        if figure is not None:
            yield Picture(name, title, note, data_uri(figure))


def data_uri(figure: Figure) -> str:
    """A figure as the address of an image that holds itself."""
    return "data:image/svg+xml;base64," + base64.b64encode(panels.svg(figure)).decode()


def deepest(runs: Sequence[Run]) -> tuple[pd.DataFrame, str]:
    """The longest of the runs' deepest lines, and in words whose it is."""
    lines = [ancestry.deepest_line(run.births, run.deaths) for run in runs]
    longest = max(range(len(runs)), key=lambda i: len(lines[i]))
    chain = lines[longest]
    if chain.empty:
        return chain, ""
    words = [f"creature {int(chain['uid'].iloc[-1])}"]
    if runs[longest].metrics["world"].nunique() > 1:
        words.append(f"world {int(chain['world'].iloc[-1])}")
    if len(runs) > 1:
        words.append(f"run {longest + 1}")
    return chain, ", ".join(words)


def _chain_rows(chain: pd.DataFrame) -> list[list[str]]:
    """Ancestors, founder first; of very long lines an even choice that keeps both ends."""
    if len(chain) > MOST_ANCESTORS:
        picked = [round(i * (len(chain) - 1) / (MOST_ANCESTORS - 1)) for i in range(MOST_ANCESTORS)]
        chain = chain.iloc[picked]
    names = [name for name in LINE_COLUMNS if name in chain]
    columns = []
    for name in names:
        if pd.api.types.is_float_dtype(chain[name]):
            columns.append([f"{value:.3f}" for value in chain[name]])
        else:
            columns.append([f"{value:,}" if name != "uid" else str(value) for value in chain[name]])
    return [list(row) for row in zip(*columns, strict=True)]


def _world_table(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Key figures of each world of the only run."""
    worlds = result["runs"][0]["worlds"]
    names = ("population", "births", "deaths", "max_generation", "species", "median_connections", "carnivore_share")
    labels = {figure.name: figure.label for figure in analyse.FIGURES}
    body = [[str(world["world"]), *(analyse.text(world[name]) for name in names)] for world in worlds]
    return ["world", *(labels[name] for name in names)], body


def title(runs: Sequence[Run]) -> str:
    """Heading of the page."""
    names = list(dict.fromkeys(run.name for run in runs))
    what = ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
    return f"{what}: {len(runs)} runs" if len(runs) > 1 else what


def descriptions(runs: Sequence[Run]) -> list[str]:
    """What the configs say of themselves."""
    return sorted({str(run.config["description"]) for run in runs if run.config.get("description")})


def _about(run: Run, entry: dict[str, Any]) -> dict[str, Any]:
    """What the head of the report says of a run."""
    return about(run, {"worlds": entry["num_worlds"], "ticks": f"{entry['figures']['ticks']:,}"})


def about(run: Run, more: dict[str, Any]) -> dict[str, Any]:
    """What the head of any report says of a run, and `more`."""
    facts = {
        "folder": run.path.resolve().name,
        "seed": run.seed,
        **more,
        "started": run.provenance.get("started"),
        "ended": run.provenance.get("ended"),
        "device": run.provenance.get("device"),
        "commit": run.provenance.get("commit"),
        "command": run.provenance.get("command"),
    }
    kept = {name: value for name, value in facts.items() if value not in (None, "")}
    return {"name": run.name, "status": run.status, "facts": kept, "notes": run.notes}
