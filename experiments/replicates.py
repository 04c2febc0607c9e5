"""W replicate runs of a search or a learner, which the run loop drives like a simulation: what both have in common.

A run is finished when it has solved its task, if that is to end it, or has lived its agent-steps. Every
`search.fresh_every` agent-steps the candidate of each run, the best mind since the last time, is validated: it lives
episodes that no other mind has met. What did best there is what the run hands in. Validation costs no agent-steps and
changes nothing in the search. Leaves out files and clocks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from evolution.tasks.base import Task
from experiments.config import Experiment

FRESH = 2**32 - 3  # no generation has this number, so no validation meets an episode of the search
TEST = 2**32 - 4  # nor does a test meet an episode of a validation


@dataclass
class Handed:
    """The mind that each of W runs would hand in now, and how the last candidates did; on the host."""

    mind: Any  # [W, ...]
    score: np.ndarray  # [W] float32 its mean fitness on fresh episodes; -inf before the first validation
    found: np.ndarray  # [W] int32 generation in which it was validated, 0 before the first
    latest: np.ndarray  # [W] float32 that of the last candidates; NaN where there were none
    tried: np.ndarray  # [W] int32 generation in which they were validated, 0 before the first

    @classmethod
    def none(cls, mind: Any, runs: int) -> Handed:
        """Before the first validation; `mind` shows the shapes."""
        low, zero = np.full(runs, -np.inf, np.float32), np.zeros(runs, np.int32)
        return cls(mind, low, zero, np.full(runs, np.nan, np.float32), zero)

    def arrays(self) -> dict[str, Any]:
        """What checkpoints hold."""
        names = ("mind", "score", "found", "latest", "tried")
        return {name: getattr(self, name) for name in names}


@dataclass(kw_only=True)
class Replicates(ABC):
    """What is the same for searches and learners."""

    experiment: Experiment
    task: Task
    keys: jax.Array  # [W]
    handed: Handed
    steps: np.ndarray  # [W] int64 agent-steps lived
    tick: int = 0  # generations evaluated
    news: bool = False  # a row is due, whatever the interval
    _active: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # [W] took part in the last generation
    _due: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # [W] their candidates are to be validated

    unit = "generation"
    species_columns = ("generation", "world", "species", "members")

    @property
    def num_worlds(self) -> int:
        return self.keys.shape[0]

    @property
    def length(self) -> int:
        return self.experiment.run.generations

    @property
    def clock(self) -> tuple[int, int, str]:
        """Where the run is, where it ends, and in what that is counted: agent-steps of a run if they are its limit."""
        limit = self.experiment.run.agent_steps
        if not limit:
            return self.tick, self.length, self.unit
        return min(int(self.steps.mean()), limit), limit, "agent-step"

    @property
    def ended(self) -> str | None:
        """Status of a search that is over before its time."""
        return "done" if self.finished.all() else None

    @property
    @abstractmethod
    def solved(self) -> np.ndarray:
        """Generation in which each run solved its task, `[W]` int32, 0 if it has not yet."""

    @property
    def finished(self) -> np.ndarray:
        """Runs that are over, `[W]`."""
        limit = self.experiment.run.agent_steps
        spent = (self.steps >= limit) if limit else np.zeros_like(self.steps, bool)
        return spent | ((self.solved > 0) & self.experiment.search.until_solved)

    @property
    def due(self) -> bool:
        """Whether candidates are to be validated."""
        return bool(self._due.any())

    def advance(self, until: int) -> None:
        """Lets generations pass to number `until`, or to the first of which there is news."""
        self.news = False
        every = self.experiment.search.fresh_every
        while self.tick < until and not self.news and not self.ended:
            self._active, before = ~self.finished, self.steps
            self._pass()
            over = self.finished | (self.tick == self.length)
            passed = self.steps // max(every, 1) > before // max(every, 1)
            self._due = self._active & (over | passed) & (every > 0)
            self.news |= self.due

    @abstractmethod
    def _pass(self) -> None:
        """Lets one generation of the active runs pass: updates `tick`, `steps` and whatever else there is."""

    def validate(self) -> None:
        """Tries the candidates on fresh episodes, when `due`."""
        runs = self._due
        keys = jax.vmap(lambda key: jax.random.fold_in(jax.random.fold_in(key, FRESH), self.tick))(self.keys)
        mind = self._candidate()
        score = np.asarray(self._fitness(mind, keys, self.experiment.search.fresh_episodes), np.float32)
        score = np.where(np.isfinite(score), score, np.nan)
        better = runs & (score > self.handed.score)
        self.handed.latest = np.where(runs, score, self.handed.latest)
        self.handed.tried = np.where(runs, self.tick, self.handed.tried).astype(np.int32)
        self.handed.score = np.where(better, score, self.handed.score)
        self.handed.found = np.where(better, self.tick, self.handed.found).astype(np.int32)
        self.handed.mind = self._kept(better, mind, self.handed.mind)
        self._due = np.zeros_like(runs)

    def tested(self, seed: int, episodes: int) -> np.ndarray:
        """Mean fitness `[W]` of what each run hands in, on `episodes` test episodes that `seed` alone decides.

        Of a run that was never validated that is the present candidate.
        """
        mind = self._kept(self.handed.found > 0, self.handed.mind, self._candidate())
        return np.asarray(self._fitness(mind, test_keys(seed, self.num_worlds), episodes))

    def lived(self, world: int) -> dict[str, Any]:
        """Columns of metrics: what a run has lived, and how its candidate did if it was validated just now."""
        fresh = float(self.handed.latest[world]) if self.handed.tried[world] == self.tick else None
        return {"agent_steps": int(self.steps[world]), "fresh_fitness": fresh}

    @abstractmethod
    def _candidate(self) -> Any:
        """The mind `[W, ...]`, on the host, that each run would have validated now."""

    @abstractmethod
    def _fitness(self, mind: Any, keys: jax.Array, episodes: int) -> jax.Array:
        """Fitness `[W]` of a mind `[W, ...]` in each run over so many episodes drawn by `keys` `[W]`."""

    def _kept(self, which: np.ndarray, new: Any, old: Any) -> Any:
        """Minds `[W, ...]`: the new where `which` `[W]`, else the old."""
        return jax.tree.map(lambda a, b: np.where(which.reshape(-1, *[1] * (np.ndim(a) - 1)), a, b), new, old)


def test_keys(seed: int, runs: int) -> jax.Array:
    """Keys `[W]` of test episodes, which no search meets; seed for seed the same for every contestant."""
    key = jax.random.fold_in(jax.random.key(seed), TEST)
    return jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(runs))


def joined(pairs: jax.Array) -> np.ndarray:
    """Counts `[...]` int64 of pairs `[..., 2]` of `sim.space.total`."""
    high, low = np.moveaxis(np.asarray(pairs).astype(np.int64), -1, 0)
    return high * 65536 + low
