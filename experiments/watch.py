"""Live and recorded worlds for the viewer.

A live world is a `Simulation` that the window asks for ticks. A run folder is replayed by simulating it
again, which gives the same history to the bit, from tick 0 or from any checkpoint that the run kept; the
window can jump between these. Leaves out drawing (`viz`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from agents.network import Memory
from evolution.natural import Mind
from experiments import checkpoint, loop, runfolder
from experiments.arena import Arena, demand
from experiments.config import Experiment
from experiments.errors import RunError, UserError
from experiments.minds import Kind
from experiments.policies import Memories
from experiments.simulation import Simulation
from sim import senses
from sim.world import World
from viz.source import host, row


class Live:
    """A `viz.source.Source` over the first world of a running simulation."""

    def __init__(self, experiment: Experiment, title: str = ""):
        self.experiment = experiment
        self.title = title or f"{experiment.name}, seed {experiment.run.seed}"
        self.config, self.params = experiment.world, experiment.params
        self.activations: Sequence[str] = experiment.brain.activations if experiment.run.minds == "evolved" else ()
        self.kinds: Sequence[tuple[str, str]] = ()
        self.last = experiment.run.ticks
        self._begin()

    def _begin(self) -> None:
        self.sim = self._start()
        self._observe = jax.jit(lambda world: senses.observe(self.config, self.sim.params.world, world))
        self._forget()

    def _start(self) -> Simulation:
        return Simulation.start(self.experiment)

    def _forget(self) -> None:
        self._world: World | None = None
        self._obs: np.ndarray | None = None

    def advance(self, num_ticks: int) -> int:
        before = self.sim.tick
        self.sim.advance(min(before + num_ticks, self.last))
        self._forget()
        return self.sim.tick - before

    def snapshot(self) -> World:
        if self._world is None:
            self._world = row(self.sim.state.world, 0)
        return self._world

    def mind(self, slot: int) -> Mind | None:
        mind = self.sim.state.mind
        return None if mind.brain is None else row(jax.tree.map(lambda leaf: leaf[0], mind), slot)

    def memory(self, slot: int) -> Memory | None:
        memory = self.sim.state.memory
        return None if memory is None else row(jax.tree.map(lambda leaf: leaf[0], memory), slot)

    def obs(self, slot: int) -> np.ndarray:
        if self._obs is None:
            self._obs = host(self._observe(jax.tree.map(lambda leaf: leaf[0], self.sim.state.world)))
        return self._obs[slot]

    @property
    def counters(self) -> Mapping[str, float]:
        totals = self.sim.totals[0]
        names = ("births", "deaths_starved", "deaths_bitten", "deaths_poisoned", "deaths_aged", "refused_births")
        return {name: totals[name] for name in names} | {"refounded": self.sim.refounds[0]}

    @property
    def species(self) -> np.ndarray | None:
        species = self.sim.state.mind.species
        return None if species is None else np.asarray(species.name[0])

    @property
    def ticks(self) -> Sequence[int]:
        return ()

    def seek(self, tick: int) -> None:
        raise ValueError("a live world has no past to go to")


SORTS = {"evolved": "evolved network", "learned": "learned network", "random": "script", "greedy": "script"}


class Meeting(Live):
    """Minds of several kinds in equal numbers and equal bodies, live (`experiments.arena`)."""

    def __init__(self, experiment: Experiment, kinds: tuple[Kind, ...]):
        self.arena = Arena(experiment, kinds, seeds=1)
        demand(self.arena)
        super().__init__(experiment, title=f"{experiment.name}: {', '.join(self.arena.names)}")
        self.activations = self.arena.setting.brain.activations
        self.kinds = [(kind.name, SORTS[kind.thinks]) for kind in kinds]

    def _start(self) -> Simulation:
        return self.arena.released(range(len(self.arena.kinds)))

    def mind(self, slot: int) -> Mind | None:
        evolved = self.arena.kinds[int(self.species[slot])].thinks == "evolved"
        return super().mind(slot) if evolved else None

    def memory(self, slot: int) -> Memory | None:
        memory = self.sim.state.memory
        own = memory.evolved if isinstance(memory, Memories) else memory
        return None if own is None else row(jax.tree.map(lambda leaf: leaf[0], own), slot)

    @property
    def species(self) -> np.ndarray:
        return np.asarray(self.sim.state.mind.kind[0])


class Replay(Live):
    """A run folder, simulated again; `ticks` are the start and the checkpoints that the run kept."""

    def __init__(self, path: Path):
        folder = runfolder.open_run(path)
        super().__init__(folder.experiment, title=f"{folder.path.resolve().name} replay")
        self.folder = folder.checkpoints
        self._ticks = sorted({0, *checkpoint.finished(self.folder)})
        self.last = max(self._ticks[-1], 1)

    @property
    def ticks(self) -> Sequence[int]:
        return self._ticks

    def seek(self, tick: int) -> None:
        self._begin()
        if tick:
            arrays, meta = checkpoint.load(self.folder, tick)
            arrays = {name: array for name, array in arrays.items() if not name.startswith("lineage.")}
            self.sim.state = checkpoint.restore(self.sim.state, arrays)
            self.sim.totals, self.sim.refounds = meta["totals"], meta["refounds"]


def watch(target: Experiment | Path, kinds: tuple[Kind, ...] = ()) -> None:
    """Opens the window on a config (live), a run folder (replay) or kinds of minds that meet, until it is closed."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        from viz import window, world_app
    except ImportError as missing:
        raise RunError(f"the viewer needs pygame, which cannot be loaded: {missing}") from None
    loop.cache()
    begin: Callable[[], Any]
    if isinstance(target, Path):
        title, begin = target.resolve().name, partial(Replay, target)
    else:
        title, begin = target.name, partial(Meeting, target, kinds) if kinds else partial(Live, target)
    try:
        window.announce(title, "laying out the world…")
        window.Window(world_app.WorldApp(begin())).run()
    except window.NoDisplay as error:
        raise UserError(f"no window can be opened: {error}; is there a display?") from None
