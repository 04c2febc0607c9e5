"""What W replicate runs of a search have found: each run's champion, and whether it solves the task.

The best genome of a generation is kept if it beats the champion. The best of those that met the task's criterion
becomes the champion for good; if the task has exams, it must pass them first. A genome that fails is barred: in the
next generations the best of the others is examined, one in each. What exams draw at random is the same for all
genomes of a run. Held in host arrays. Leaves out how generations pass (`experiments.generational`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from evolution import search
from evolution.algorithm import ABYSS
from evolution.genome import BrainConfig, Genome, num_connections, num_hidden, widened
from evolution.tasks.base import Task

BARRED = 64  # failed genomes of a run that are remembered
EXAM = 2**32 - 2  # no generation has this number, so exams draw what no generation draws


@dataclass
class Champions:
    """Of W runs. A run that has solved its task keeps its solution; one that goes on, the best of its solutions."""

    task: Task
    keys: jax.Array  # [W] of the runs
    genome: Genome  # the solution of a run that has one, or else the best genome so far; [W, ...]
    record: np.ndarray  # [W] best fitness so far, of anybody
    worth: np.ndarray  # [W] fitness of the champion
    found: np.ndarray  # [W] int32 generation of the champion, 0 before the first
    solved: np.ndarray  # [W] int32 generation in which the task was solved, 0 if it was not yet
    generalisation: np.ndarray  # [W] int32 score of the solution in the generalisation test, -1 without one
    barred: np.ndarray  # [W, K] uint32 signatures of the last genomes that failed, oldest first; K is 0 without exams

    @classmethod
    def none(cls, task: Task, keys: jax.Array, shapes: Genome) -> Champions:
        """Before the first generation; `shapes` are those of genomes `[W, P, ...]`."""
        runs = keys.shape[0]
        genome = jax.tree.map(lambda leaf: np.zeros((runs, *leaf.shape[2:]), leaf.dtype), shapes)
        low, zero = np.full(runs, -np.inf, np.float32), np.zeros(runs, np.int32)
        barred = np.zeros((runs, BARRED if task.exams else 0), np.uint32)
        return cls(task, keys, genome, low, low, zero, zero, zero - 1, barred)

    def arrays(self) -> dict[str, Any]:
        """What checkpoints hold."""
        names = ("genome", "record", "worth", "found", "solved", "generalisation", "barred")
        return {name: getattr(self, name) for name in names}

    def judge(self, report: search.Report, generation: int, active: np.ndarray, brain: BrainConfig) -> bool:
        """Takes note of a generation of the runs that are `active` `[W]`; returns whether one of them was solved."""
        open_ = active & (self.solved == 0)
        best = np.asarray(report.measures["best_fitness"])
        self.record = np.where(active, np.fmax(self.record, best), self.record)
        fitness = np.asarray(report.fitness)
        better, passed = open_ & (best > self.worth), active & np.asarray(report.passed)
        passed &= open_ | (fitness > self.worth)
        if better.any():
            self._keep(jax.tree.map(np.asarray, report.best), better, best, generation)
        if not passed.any():
            return False
        candidate, asked = jax.tree.map(np.asarray, report.candidate), passed
        passed, score = self._examined(candidate, passed, brain)
        self._bar(np.asarray(report.signature), asked & ~passed)
        self._keep(candidate, passed, fitness, generation)
        self.solved = np.where(passed & open_, generation, self.solved).astype(np.int32)
        self.generalisation = np.where(passed, score, self.generalisation).astype(np.int32)
        return bool((passed & open_).any())

    def _examined(self, candidate: Genome, passed: np.ndarray, brain: BrainConfig) -> tuple[np.ndarray, np.ndarray]:
        """Which of the candidates that met the criterion `[W]` pass all exams as well; their generalisation `[W]`."""
        test, score = getattr(self.task, "generalisation", None), np.full_like(self.solved, -1)
        genome = jax.tree.map(jnp.asarray, candidate)
        keys = jax.vmap(lambda key: jax.random.fold_in(key, EXAM))(self.keys)
        for exam in dict.fromkeys((*self.task.exams, *([] if test is None else [test]))):
            if not passed.any():
                break
            met, finals = search.examined(exam, brain, keys, genome, jnp.asarray(~passed))
            if exam in self.task.exams:
                passed = passed & np.asarray(met)
            if exam == test:
                score = np.asarray(jax.vmap(test.score)(finals))
        return passed, score

    def _bar(self, signature: np.ndarray, failed: np.ndarray) -> None:
        if not failed.any():
            return
        later = np.concatenate([self.barred[:, 1:], signature[:, None]], axis=1)
        self.barred = np.where(failed[:, None], later, self.barred)

    def _keep(self, genome: Genome, which: np.ndarray, fitness: np.ndarray, generation: int) -> None:
        self.worth = np.where(which, fitness, self.worth)
        self.found = np.where(which, generation, self.found).astype(np.int32)
        self.genome = kept(which, genome, self.genome)

    def result(self, run: int, generations: int) -> dict[str, Any]:
        """Where one run stands after so many generations."""
        genome = jax.tree.map(lambda leaf: leaf[run], self.genome)
        solved, score = int(self.solved[run]), int(self.generalisation[run])
        return {
            "world": run,
            "solved": solved > 0,
            "generation": solved or generations,
            "hidden": int(num_hidden(genome)),
            "connections": int(num_connections(genome)),
            "fitness": float(self.worth[run]) if self.worth[run] > ABYSS else None,
            "generalisation": score if score >= 0 else None,
        }


def kept(which: np.ndarray, new: Genome, old: Genome) -> Genome:
    """Genomes `[W, ...]` on the host: the new where `which` `[W]`, else the old, in arrays that hold both."""
    units = max(one.node.shape[1] for one in (new, old))
    genes = max(one.weight.shape[1] for one in (new, old))
    wide = [jax.tree.map(np.asarray, widened(one, units, genes)) for one in (new, old)]
    return jax.tree.map(lambda a, b: np.where(which.reshape(-1, *[1] * (a.ndim - 1)), a, b), *wide)
