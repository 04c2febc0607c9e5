"""Genomes of a run for other programs: `firstword export`.

Reads what a run keeps in genomes/ and writes each format beside the others; a learned policy has no genome and goes out
as its JSON alone. Leaves out the formats themselves: `experiments.genomes` and `experiments.minds` (JSON),
`evolution.interchange` (neat-python), `experiments.graph_formats`. docs/interchange.md says what each loses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from evolution.gene_table import their_key
from evolution.neat_python_config import config_text
from experiments import files, graph_formats, minds, runfolder
from experiments.config import Experiment
from experiments.errors import UserError, suggestion
from experiments.ini import modern

NEAT_FORMAT = "neat-python genome 1"
NODE_GENES = ("bias", "response", "time_constant", "activation", "aggregation")
LINK_GENES = ("innovation", "weight", "enabled")
Written = dict[str, str]  # text by what follows the genome's name in the file's


def export(run: str | Path, name: str | None, form: str, out: str | Path | None) -> dict[str, Any]:
    """Writes a genome or policy in one format or in all it has; returns its name, the files and notes of losses."""
    folder = runfolder.open_run(run)
    documents = _documents(folder.path)
    name = _champion(folder.path, documents) if name is None else name.removesuffix(".json")
    if name not in documents:
        near = suggestion(name, documents) or f"; the run has {', '.join(documents)}"
        raise UserError(f"--genome {name!r}: {folder.path / 'genomes'} has no such genome{near}")
    document = read(documents[name])
    notes: list[str] = []
    texts: Written = {}
    for one in _forms(document) if form == "all" else (_demand_form(name, document, form),):
        texts |= FORMATS[one](name, document, folder.experiment, notes)
    place = files.folder(folder.path / "export" if out is None else out)
    paths = [place / f"{name}{ending}" for ending in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        files.write_whole(path, text)
    return {"genome": name, "files": [str(path) for path in paths], "notes": notes}


def read(path: Path) -> dict[str, Any]:
    """Document of a genome or a policy, checked; a `UserError` of one line if it is neither."""
    try:
        document = json.loads(path.read_bytes())
        minds.demand_sound(document)
    except OSError as error:
        raise UserError(f"genome {str(path)!r} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"genome {str(path)!r} cannot be used: {' '.join(str(error).split())[:200]}") from None
    return document


def _forms(document: dict[str, Any]) -> tuple[str, ...]:
    """Formats that a document can be written in."""
    return ("json",) if document["format"] == minds.FORMAT else tuple(FORMATS)


def _demand_form(name: str, document: dict[str, Any], form: str) -> str:
    """The format itself, or a `UserError` if the document cannot be written in it."""
    if form not in _forms(document):
        raise UserError(f"--format {form}: {name} is a learned policy and has no genome; give --format json")
    return form


def _documents(run: Path) -> dict[str, Path]:
    """Genome files of a run by name, `best-2` before `best-10`."""
    found = sorted((run / "genomes").glob("*.json"), key=lambda path: (len(path.stem), path.stem))
    if not found:
        raise UserError(f"run {str(run)!r} has kept no genomes; it writes run.sample_genomes of them at a checkpoint")
    return {path.stem: path for path in found}


def _champion(run: Path, documents: dict[str, Path]) -> str:
    """The best genome of a search, the creature with most children of a world."""
    if "best-0" not in documents:
        raise UserError(f"run {str(run)!r} has no best-0 in genomes/; name one with --genome: {', '.join(documents)}")
    best = {name: read(path) for name, path in documents.items() if name.startswith("best-")}
    if any("fitness" not in document for document in best.values()):
        return "best-0"
    merit = lambda document: (
        document.get("solved", False),
        -np.inf if document["fitness"] is None else document["fitness"],
    )
    return max(best, key=lambda name: merit(best[name]))


def _json(name: str, document: dict[str, Any], experiment: Experiment, notes: list[str]) -> Written:
    return {".json": _text(document)}


def _neat_python(name: str, document: dict[str, Any], experiment: Experiment, notes: list[str]) -> Written:
    """A config file and the genome, for the snippet of docs/interchange.md."""
    notes += _lost(document)
    shape = len(document["inputs"]), len(document["outputs"])
    search = experiment.search
    population = 150 if search.algorithm == "natural" else search.population
    made = config_text(experiment.brain, *shape, population, experiment.mutation, experiment.neat)
    key = lambda node: int(their_key(np.array(node), *shape))
    usual = {"response": 1.0, "time_constant": 1.0, "aggregation": "sum"}
    genome = {
        "format": NEAT_FORMAT,
        "key": 1,
        "fitness": document.get("fitness"),
        "nodes": [
            {"key": key(node["id"])} | {gene: node.get(gene, usual.get(gene)) for gene in NODE_GENES}
            for node in document["nodes"]
        ],
        "connections": [
            {"key": [key(link["source"]), key(link["target"])]} | {gene: link[gene] for gene in LINK_GENES}
            for link in document["connections"]
        ],
    }
    if search.ini:
        made = re.sub(r"(?m)^(\s*pop_size\s*[=:]).*$", rf"\g<1> {population}", modern(search.ini))
    return {".neat-python.ini": made, ".neat-python.json": _text(genome)}


def _lost(document: dict[str, Any]) -> list[str]:
    """What the network of a genome does otherwise in neat-python."""
    own = {"dynamics": "recurrent", "steps": 1, "plasticity": "none", **document.get("brain", {})}
    notes = []
    if own["plasticity"] != "none":
        notes.append(f"neat-python: weights stay as they are; here they learn (brain.plasticity = {own['plasticity']})")
    if own["dynamics"] != "feedforward":
        if own["steps"] > 1:
            notes.append(f"neat-python: activate the network {own['steps']} times for each look (brain.steps)")
        fed = {link["target"] for link in document["connections"] if link["enabled"]}
        idle = [node["id"] for node in document["nodes"] if node["id"] not in fed]
        if idle:
            some = ", ".join(map(str, idle[:5]))
            notes.append(f"neat-python: nodes without an enabled input stay at 0; here they are f(bias): {some}")
    return notes


def _graphml(name: str, document: dict[str, Any], experiment: Experiment, notes: list[str]) -> Written:
    return {".graphml": graph_formats.graphml(name, document)}


def _dot(name: str, document: dict[str, Any], experiment: Experiment, notes: list[str]) -> Written:
    return {".dot": graph_formats.dot(name, document)}


def _text(document: Any) -> str:
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


FORMATS: dict[str, Callable[[str, dict[str, Any], Experiment, list[str]], Written]] = {
    "json": _json,
    "neat-python": _neat_python,
    "graphml": _graphml,
    "dot": _dot,
}
