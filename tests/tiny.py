"""One tiny experiment with everything on, shared by the tests of runs so that they share its compiled programs.

It starts with 32 slots and soon needs 64, all that it may have. `Book` collects what a simulation reports.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from experiments import checkpoint
from experiments.config import Experiment, RunConfig
from experiments.simulation import Simulation
from tests.worlds import BRAIN, EVERYTHING, LUSH, MUTATION

TINY = Experiment(
    name="tiny",
    world=replace(EVERYTHING, founders=24),
    params=LUSH,
    brain=BRAIN,
    mutation=MUTATION,
    run=RunConfig(seed=1, ticks=200, log_every=20, checkpoint_every=40, keep_checkpoints=2, sample_genomes=2),
)
LETHAL = replace(LUSH, basal_cost=1.0)
"""Everybody starves long before the first birth."""


def tiny(experiment: Experiment = TINY, **run: Any) -> Experiment:
    """The tiny experiment with other keys of [run]."""
    return replace(experiment, run=replace(experiment.run, **run))


class Book:
    """Births, deaths and rows of a simulation, in the order of world, tick and uid."""

    def __init__(self, experiment: Experiment, slots: int = 0):
        self._births: list[dict[str, np.ndarray]] = []
        self._deaths: list[dict[str, np.ndarray]] = []
        self.rows: list[dict[str, Any]] = []
        self.species: list[tuple[int, int, int, int]] = []
        self.slots: list[int] = []
        self.sim = Simulation.start(experiment, on_births=self._births.append, on_deaths=self._deaths.append)
        if slots:
            self.sim.resize(slots)

    def live(self, until: int, every: int = 20) -> Book:
        """Advances to `until`, with rows every so many ticks."""
        while self.sim.tick < until and not self.sim.extinct:
            self.sim.advance(min(self.sim.tick // every * every + every, until))
            rows, species = self.sim.rows()
            self.rows += rows
            self.species += species
            self.slots.append(self.sim.slots)
        return self

    @property
    def births(self) -> dict[str, np.ndarray]:
        return _joined(self._births)

    @property
    def deaths(self) -> dict[str, np.ndarray]:
        return _joined(self._deaths)


def _joined(chunks: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    columns = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]} if chunks else {}
    order = np.lexsort((columns["uid"], columns["tick"], columns["world"])) if chunks else []
    return {name: column[order] for name, column in columns.items()}


@cache
def grown(ticks: int = 200) -> Book:
    """The tiny experiment after so many ticks; not to be advanced further."""
    return Book(TINY).live(ticks)


def assert_equal_tables(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> None:
    """Equal columns, to the bit."""
    assert left.keys() == right.keys()
    for name in left:
        assert left[name].dtype == right[name].dtype and left[name].tobytes() == right[name].tobytes(), name


def books(path: Path) -> dict[str, bytes]:
    """What must not depend on how a run came to its end: rows, lineage, genomes and the last checkpoint."""
    parts = [path / "metrics.csv", path / "species.csv", *(path / "lineage").iterdir(), *(path / "genomes").iterdir()]
    last = checkpoint.ticks(path / "checkpoints")[-1]
    parts += list((path / "checkpoints").glob(f"tick-{last:012d}.*"))
    return {str(part.relative_to(path)): part.read_bytes() for part in sorted(parts)}


def assert_same_books(path: Path, other: Path) -> None:
    """Equal files, byte by byte."""
    mine, others = books(path), books(other)
    assert mine.keys() == others.keys()
    assert [name for name in mine if mine[name] != others[name]] == []
