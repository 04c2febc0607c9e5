"""The one run loop: time passes in a `Simulation` or a `Search`, rows and checkpoints go into a run folder.

Every stretch ends at the next tick at which something is due (a row, a checkpoint, the end), and the
simulated history does not depend on where stretches end. A kill at any moment loses at most what came
after the last checkpoint, and going on from it writes the same bytes again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import checkpoint, runfolder
from experiments.archipelago import Archipelago
from experiments.config import LEARNERS, Experiment
from experiments.files import Table
from experiments.generational import Search
from experiments.hosted import HostedSearch
from experiments.learning import Learning
from experiments.lineage import LineageWriter
from experiments.processes import LedArchipelago
from experiments.progress import Progress, say
from experiments.simulation import Simulation

TIMING_COLUMNS = ("wall_seconds", "compile_seconds", "validation_seconds")


def run(experiment: Experiment, path: Path, *, quiet: bool = False) -> dict[str, Any]:
    """Runs an experiment from the start into the empty folder `path`. Returns the summary."""
    cache()
    folder = runfolder.create(path, experiment)
    session = Session(folder, experiment, quiet)
    return session.run(lambda: session.begin())


def resume(path: Path, *, quiet: bool = False) -> dict[str, Any]:
    """Goes on with the run in `path` from its last good checkpoint. Returns the summary."""
    cache()
    folder = runfolder.reopen(path)
    session = Session(folder, folder.experiment, quiet)
    return session.run(lambda: session.recall())


def cache() -> None:
    """Keeps compiled programs between runs, in FIRSTWORD_CACHE or the user's cache folder."""
    if jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        return
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    place = os.environ.get("FIRSTWORD_CACHE") or str(Path(home) / "firstword" / "jax")
    jax.config.update("jax_compilation_cache_dir", place)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def kind_of(experiment: Experiment) -> Any:
    """What time passes in, in a run of this experiment."""
    if experiment.search.islands > 1:
        return LedArchipelago if jax.process_count() > 1 else Archipelago
    kinds = {"natural": Simulation, "neat_python": HostedSearch, **dict.fromkeys(LEARNERS, Learning)}
    return kinds.get(experiment.search.algorithm, Search)


@dataclass
class Session:
    """One process's work on one run."""

    folder: runfolder.RunFolder
    experiment: Experiment
    quiet: bool
    sim: Any = field(init=False)  # a `Simulation`, or `Replicates`
    lineage: LineageWriter | None = None
    spent: float = 0.0  # wall seconds of earlier sessions
    compiling: float = 0.0
    validating: float = 0.0  # wall seconds that validations took, which are no part of a search
    holds: list[int] = field(default_factory=list)  # log intervals in a row for which each stop rule held
    last: list[dict[str, Any]] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _asked: bool = False

    def run(self, start: Any) -> dict[str, Any]:
        """Starts or recalls, runs to the end, and closes the books whatever happens."""
        try:
            with self._listening(), _compile_clock(self):
                start()
                return self._finish(self._live())
        except BaseException as error:
            status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            with contextlib.suppress(Exception):
                self.folder.mark(status)
                self.folder.summarise(self.summary(status))
            raise
        finally:
            self.folder.close()

    @property
    def kind(self) -> Any:
        """What time passes in."""
        return kind_of(self.experiment)

    def begin(self) -> None:
        """Tick 0: founders, the first row and a checkpoint."""
        self._open_tables()
        if self._has_lineage:  # after a start without a usable checkpoint there may be rows of old
            self.lineage = LineageWriter.resume(self.folder.lineage, self.experiment.run.checkpoint_every, 0, {})
        self.sim = self.kind.start(self.experiment, **self._hooks())
        self.holds = [0] * len(self.experiment.stop)
        self._log()
        self._save()

    def recall(self) -> None:
        """The state of the last good checkpoint; without one the run starts over."""
        try:
            tick, arrays, meta, warnings = checkpoint.load_latest(self.folder.checkpoints)
        except checkpoint.NoCheckpoint as none:
            for warning in none.warnings:
                say(warning, quiet=False)
            say(f"no usable checkpoint in {self.folder.checkpoints}: the run starts over", quiet=False)
            self.folder.rewind(-1)
            return self.begin()
        for warning in warnings:
            say(warning, quiet=False)
        self.folder.rewind(tick)
        self._open_tables()
        if self._has_lineage:
            every = self.experiment.run.checkpoint_every
            self.lineage = LineageWriter.resume(self.folder.lineage, every, tick, arrays)
        self.sim = self.kind.resumed(self.experiment, tick, arrays, meta, **self._hooks())
        self.holds = meta["holds"]
        self._recall_clocks()
        self.last = self.sim.rows()[0]
        say(f"resumed at {self.sim.unit} {tick:,}", self.quiet)

    @property
    def _has_lineage(self) -> bool:
        return self.experiment.run.lineage and self.kind is Simulation

    def _recall_clocks(self) -> None:
        """Times are kept out of checkpoints, which are equal to the bit for equal histories."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            old = json.loads((self.folder.path / "summary.json").read_bytes())
            self.spent += float(old["wall_seconds"])
            self.compiling += float(old["compile_seconds"])
            self.validating += float(old["validation_seconds"])

    def _live(self) -> str:
        """Lets time pass until something ends the run; returns the status."""
        run, sim = self.experiment.run, self.sim
        _, length, unit = sim.clock
        with Progress(self.experiment.name, length, unit, self.quiet) as progress:
            while True:
                progress.update(sim.clock[0], sim.told)
                if sim.ended:
                    return sim.ended
                if sim.tick >= sim.length or any(
                    held >= rule.intervals for held, rule in zip(self.holds, self.experiment.stop, strict=True)
                ):
                    return "done"
                if run.wall_seconds and sim.tick and self.wall >= run.wall_seconds:  # compiling alone is no run
                    return "done"
                if self._asked:
                    return "interrupted"
                target = min(_next(sim.tick, run.log_every), _next(sim.tick, run.checkpoint_every), sim.length)
                sim.advance(target)
                if sim.due:
                    self._validate()
                if sim.tick % run.log_every == 0 or sim.tick == sim.length or sim.ended or sim.news:
                    self._log()
                if sim.tick % run.checkpoint_every == 0 and not sim.ended:
                    self._save()

    def _validate(self) -> None:
        began, compiled = time.monotonic(), self.compiling
        self.sim.validate()
        self.validating += time.monotonic() - began - (self.compiling - compiled)

    @property
    def wall(self) -> float:
        """Wall seconds of all sessions."""
        return self.spent + time.monotonic() - self._began

    def summary(self, status: str) -> dict[str, Any]:
        """What summary.json says."""
        wall = self.wall
        return {
            "status": status,
            "config": self.experiment.name,
            "seed": self.experiment.run.seed,
            **self.sim.headlines(self.last, wall - self.compiling - self.validating),
            "wall_seconds": round(wall, 3),
            "compile_seconds": round(self.compiling, 3),
            "validation_seconds": round(self.validating, 3),
        }

    def _finish(self, status: str) -> dict[str, Any]:
        self._save()
        self.last = self.sim.rows()[0]
        summary = self.summary(status)
        self.folder.summarise(summary)
        self.folder.mark(status)
        self._metrics.close()
        self._species.close()
        self._timing.close()
        return summary

    def _hooks(self) -> dict[str, Any]:
        return {} if self.lineage is None else {"on_births": self.lineage.births, "on_deaths": self.lineage.deaths}

    def _open_tables(self) -> None:
        self._metrics = Table(self.folder.metrics, self.kind.columns)
        self._species = Table(self.folder.species, self.kind.species_columns)
        self._timing = Table(self.folder.timing, (self.kind.unit, *TIMING_COLUMNS))

    def _log(self) -> None:
        self.last, species = self.sim.rows()
        self._metrics.append([list(row.values()) for row in self.last])
        self._species.append(species)
        clocks = self.wall, self.compiling, self.validating
        self._timing.append([[self.sim.tick, *(round(seconds, 3) for seconds in clocks)]])
        if self.sim.tick % self.experiment.run.log_every:
            return  # a row between log intervals, which stop rules count
        for index, rule in enumerate(self.experiment.stop):
            values = [row[rule.metric] for row in self.last if row[rule.metric] is not None]
            finite = [value for value in values if np.isfinite(value)]  # an extinct world has no mean
            value = float(np.median(finite)) if finite else float("nan")
            high, low = rule.above is not None and value > rule.above, rule.below is not None and value < rule.below
            holds = high or low
            self.holds[index] = self.holds[index] + 1 if holds else 0

    def _save(self) -> None:
        run, tick = self.experiment.run, self.sim.tick
        arrays = self.sim.arrays()
        if self.lineage is not None:
            self.lineage.flush(tick)
            arrays |= self.lineage.pending()
        self.folder.keep_genomes(self.sim.samples(run.sample_genomes))
        self._metrics.sync()
        self._species.sync()
        self._timing.sync()
        meta = self.sim.meta() | {"holds": self.holds}
        checkpoint.save(self.folder.checkpoints, tick, arrays, meta, run.keep_checkpoints)
        self.folder.summarise(self.summary("running"))

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the run after the present stretch; a second SIGINT ends it at once."""

        def ask(number: int, frame: Any) -> None:
            if self._asked and number == signal.SIGINT:
                raise KeyboardInterrupt
            self._asked = True
            say("ending after a final checkpoint; press again to end at once", self.quiet)

        try:
            old = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not the main thread
            yield
            return
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)


def _next(tick: int, every: int) -> int:
    return (tick // every + 1) * every


@contextlib.contextmanager
def _compile_clock(session: Session) -> Iterator[None]:
    """Adds up the seconds that JAX spends on compiling."""

    def listen(event: str, duration_secs: float, **rest: str | int) -> None:
        if event.startswith("/jax/core/compile/"):
            session.compiling += duration_secs

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            jax.monitoring.unregister_event_duration_listener(listen)
