"""Run folders as data frames, for notebooks and for `firstword analyse`.

Reads what the run loop writes (DESIGN: run folder) and changes nothing. A run may still be going on: a last
line without its end is left out, files that are not there yet are empty frames, and whatever had to be left
out is told in `Run.notes`. Leaves out checkpoints (`experiments.checkpoint`) and pictures (`viz.plots`).
"""

from __future__ import annotations

import io
import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.errors import UserError, suggestion

SEARCH_DEMANDS = ("world", "evaluations", "best_fitness", "mean_fitness", "median_fitness", "record", "solved")
KINDS: dict[str, tuple[str, ...]] = {"tick": ("world", "population"), "generation": SEARCH_DEMANDS}
"""First column of metrics.csv by what a run is, and the columns that are then needed."""
SPECIES_COLUMNS = ("world", "species", "members")
BIRTH_COLUMNS = (
    *("world", "uid", "mother", "father", "tick", "generation", "kind"),
    *("connections", "hidden", "species", "size", "diet", "hue"),
)
DEATH_COLUMNS = (
    *("world", "uid", "tick", "cause", "age", "offspring", "generation"),
    *("eaten_plant", "eaten_meat", "species"),
)


@dataclass(frozen=True)
class Run:
    """One run folder. Columns of the frames are defined in docs/metrics.md."""

    path: Path
    metrics: pd.DataFrame  # a row per log interval and world
    species: pd.DataFrame  # a row per living species, log interval and world
    births: pd.DataFrame  # a row per creature, founders too; sorted by world and uid; empty for searches
    deaths: pd.DataFrame  # a row per death; sorted by tick; empty for searches
    summary: dict[str, Any]
    provenance: dict[str, Any]
    config: dict[str, Any]  # config.toml as tables
    notes: tuple[str, ...] = ()  # what was missing or left out

    @property
    def name(self) -> str:
        """Name of the study, or of the folder where the config has none."""
        return str(self.config.get("name", self.path.resolve().name))

    @property
    def is_search(self) -> bool:
        """Whether it is a search by explicit fitness, whose time is generations."""
        return "generation" in self.metrics

    @property
    def seed(self) -> int | None:
        return self.config.get("run", {}).get("seed", self.provenance.get("seed"))

    @property
    def status(self) -> str:
        """running, done, interrupted, failed or extinct; unknown where the run did not say."""
        return str(self.provenance.get("status", self.summary.get("status", "unknown")))


def load_run(path: str | Path) -> Run:
    """The run in folder `path`; a `UserError` of one line if it is none."""
    folder = checked_folder(path)
    notes: list[str] = []
    metrics = read_csv(folder / "metrics.csv", ("world",), notes)
    first = str(metrics.columns[0])
    if not metrics.empty:
        if first not in KINDS:
            raise UserError(f"{folder / 'metrics.csv'} begins with column {first!r}; must be tick or generation")
        demand(folder / "metrics.csv", metrics, KINDS[first])
    config = _document(folder / "config.toml", notes)
    if first == "generation" or config.get("search", {}).get("algorithm", "natural") != "natural":
        births, deaths = pd.DataFrame(columns=list(BIRTH_COLUMNS)), pd.DataFrame(columns=list(DEATH_COLUMNS))
    else:
        births = read_lineage(folder, "births", BIRTH_COLUMNS, notes)
        deaths = read_lineage(folder, "deaths", DEATH_COLUMNS, notes)
    return Run(
        path=folder,
        metrics=metrics,
        species=read_csv(folder / "species.csv", (first, *SPECIES_COLUMNS), notes),
        births=births.sort_values(["world", "uid"], ignore_index=True),
        deaths=deaths.sort_values(["tick", "world", "uid"], ignore_index=True),
        summary=_document(folder / "summary.json", notes),
        provenance=_document(folder / "provenance.json", notes),
        config=config,
        notes=tuple(notes),
    )


def checked_folder(path: str | Path) -> Path:
    """`path` if it looks like a run folder."""
    text, folder = str(path), Path(path)
    if not os.path.exists(text):
        near = suggestion(folder.name, _folders(folder.parent)) or "; give the folder of a run"
        raise UserError(f"run {text!r}: no such folder{near}")
    if not folder.is_dir():
        raise UserError(f"run {text!r} is a file; give the folder of a run")
    if not (folder / "metrics.csv").is_file() and not (folder / "config.toml").is_file():
        inside = [name for name in _folders(folder) if (folder / name / "metrics.csv").is_file()]
        hint = f"; runs inside it: {', '.join(inside[:5])}" if inside else "; give a folder that firstword run wrote"
        raise UserError(f"run {text!r} is not a run folder (no config.toml, no metrics.csv){hint}")
    return folder


def _folders(path: Path) -> list[str]:
    """Names of the folders in a folder."""
    try:
        return sorted(entry.name for entry in os.scandir(path) if entry.is_dir())
    except OSError:
        return []


def read_csv(path: Path, columns: tuple[str, ...], notes: list[str]) -> pd.DataFrame:
    """A table that may be growing: its whole lines. `columns` must be there; a missing file is an empty table."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        notes.append(f"no {path.name}")
        return pd.DataFrame(columns=list(columns))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    whole, end, torn = data.rpartition(b"\n")
    if torn:
        notes.append(f"last line of {path.name} is not whole yet and was left out")
    if not end:
        return pd.DataFrame(columns=list(columns))
    try:
        table = pd.read_csv(io.BytesIO(whole + end))
    except (ValueError, pd.errors.ParserError) as error:
        raise UserError(f"{path} is not a table: {' '.join(str(error).split())}") from None
    demand(path, table, columns)
    return table


def demand(path: Path, table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Refuses a table that lacks one of `columns`."""
    missing = [name for name in columns if name not in table]
    if missing:
        raise UserError(f"{path} has no column {missing[0]!r}; is it from firstword run?")


def read_champions(run: Run) -> tuple[list[dict[str, Any]], list[str]]:
    """Champions of a search, by world, and notes on files that could not be read.

    The files are those of the last checkpoint, of the first `run.sample_genomes` worlds.
    """
    found: list[dict[str, Any]] = []
    notes: list[str] = []
    for path in (run.path / "genomes").glob("best-*.json"):
        document = _document(path, notes)
        if isinstance(document.get("nodes"), list) and isinstance(document.get("connections"), list):
            found.append(document)
    return sorted(found, key=lambda document: int(document.get("world", 0))), notes


def read_lineage(folder: Path, kind: str, columns: tuple[str, ...], notes: list[str]) -> pd.DataFrame:
    """All rows of lineage/`kind`-*.parquet."""
    tables = []
    for path in sorted((folder / "lineage").glob(f"{kind}*.parquet")):
        try:
            tables.append(pq.read_table(path, partitioning=None))
        except (OSError, pa.ArrowInvalid):
            notes.append(f"lineage/{path.name} is damaged and was left out")
    if not tables:
        notes.append(f"no {kind} in lineage/")
        return pd.DataFrame(columns=list(columns))
    table = pa.concat_tables(tables, promote_options="permissive").to_pandas()
    missing = [name for name in ("world", "uid", "tick") if name not in table]
    if missing:
        raise UserError(f"{folder / 'lineage'}: {kind} have no column {missing[0]!r}; are they from firstword run?")
    return table.drop_duplicates(["world", "uid"])  # a part may be replaced by a longer one while we read


def _document(path: Path, notes: list[str]) -> dict[str, Any]:
    """A JSON or TOML file as a dict; empty where there is none."""
    try:
        text = path.read_text(encoding="utf-8")
        value = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except FileNotFoundError:
        notes.append(f"no {path.name}")
        return {}
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        notes.append(f"{path.name} is damaged ({' '.join(str(error).split())}) and was left out")
        return {}
    if not isinstance(value, dict):
        notes.append(f"{path.name} is damaged (not a table) and was left out")
        return {}
    return value
