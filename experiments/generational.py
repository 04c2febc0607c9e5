"""A search in memory: W replicate runs of an algorithm on a task, which the run loop drives like a simulation.

`Search.advance` is the one way that generations pass. A generation's champion that meets the task's criterion
is examined, if the task has exams; a run that has solved its task is finished and costs nothing more. Leaves
out files, clocks and printing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from evolution import search
from evolution.algorithm import ABYSS
from evolution.genetic import Genetic
from evolution.genome import Genome, num_connections, num_hidden
from evolution.neat_algorithm import Neat
from evolution.neat_python import NeatPython
from evolution.strategies import NAMES as STRATEGIES
from evolution.strategies import Strategy
from evolution.tasks.base import Task
from experiments import checkpoint, genomes
from experiments.config import Experiment
from experiments.metrics import SEARCH_COLUMNS
from experiments.simulation import numbers, spread, world_keys
from experiments.task_table import name_of

HELD = ("record", "worth", "solved", "generalisation")  # arrays of a search that checkpoints hold
SPECIES_COLUMNS = ("generation", "world", "species", "members")


def algorithm_of(experiment: Experiment) -> Any:
    """The algorithm that a config names, its numbers as float32."""
    chosen, task = experiment.search, experiment.task
    assert task is not None
    shape = {"inputs": task.inputs, "outputs": task.outputs, "population": chosen.population}
    grows = chosen.algorithm in ("neat", "neat_python") or (chosen.algorithm == "ga" and chosen.structure)
    brain = (search.snug if grows else search.tight)(experiment.brain, task.inputs, task.outputs)
    if chosen.algorithm in STRATEGIES:
        return Strategy(name=chosen.algorithm, brain=brain, **shape, params=numbers(experiment.es))
    if chosen.algorithm == "neat_python":
        return NeatPython(brain, **shape, params=experiment.neat, mutation=experiment.mutation, text=chosen.ini)
    mutation = numbers(experiment.mutation)
    if chosen.algorithm == "ga":
        more = {"structure": chosen.structure, "tournament": chosen.tournament}
        return Genetic(brain=brain, **shape, **more, params=numbers(experiment.ga), mutation=mutation)
    return Neat(brain, **shape, slots=chosen.species, params=numbers(experiment.neat), mutation=mutation)


@dataclass
class Search:
    """W replicate searches: where they are, and what they have found."""

    experiment: Experiment
    task: Task
    algorithm: Any
    keys: jax.Array  # [W]
    state: Any  # of the algorithm, each leaf [W, ...]
    champion: Genome  # the solution of a run that has one, or else the best genome so far; host arrays [W, ...]
    record: np.ndarray  # [W] best fitness so far, of anybody
    worth: np.ndarray  # [W] fitness of the champion
    solved: np.ndarray  # [W] int32 generation in which the task was solved, 0 if it was not yet
    generalisation: np.ndarray  # [W] int32 score of the solution in the generalisation test, -1 without one
    tick: int = 0  # generations evaluated
    news: bool = False  # a run was solved in the last generation
    _last: search.Report | None = None
    _failed: tuple[Genome, np.ndarray] | None = None  # last candidates examined, and which of them [W] failed
    _active: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    columns = SEARCH_COLUMNS
    species_columns = SPECIES_COLUMNS
    unit = "generation"
    lineage = False

    @classmethod
    def start(cls, experiment: Experiment) -> Self:
        """The founders of every run, not yet evaluated."""
        task, worlds = experiment.task, experiment.run.worlds
        assert task is not None
        keys = world_keys(experiment.run.seed, worlds)
        algorithm, state, asked = cls._founded(experiment, keys)
        champion = jax.tree.map(lambda leaf: np.zeros((worlds, *leaf.shape[2:]), leaf.dtype), asked)
        low, zero = np.full(worlds, -np.inf, np.float32), np.zeros(worlds, np.int32)
        return cls(experiment, task, algorithm, keys, state, champion, low, low, zero, zero - 1)

    @classmethod
    def _founded(cls, experiment: Experiment, keys: jax.Array) -> tuple[Any, Any, Genome]:
        """The algorithm, its first state, and the shapes of the genomes `[W, P, ...]` that it asks about."""
        algorithm = algorithm_of(experiment)
        state = search.begin(algorithm, keys)
        return algorithm, state, jax.eval_shape(lambda: jax.vmap(lambda k, s: algorithm.ask(k, s)[0])(keys, state))

    @property
    def num_worlds(self) -> int:
        return self.keys.shape[0]

    @property
    def per_generation(self) -> int:
        """Evaluations of a run in a generation."""
        return self.algorithm.population

    @property
    def length(self) -> int:
        return self.experiment.run.generations

    @property
    def ended(self) -> str | None:
        """Status of a search that is over before its time."""
        return "done" if self.finished.all() else None

    @property
    def finished(self) -> np.ndarray:
        """Runs that are over, `[W]`."""
        return (self.solved > 0) & self.experiment.search.until_solved

    def advance(self, until: int) -> None:
        """Lets generations pass to number `until`, or to the first in which a run is solved."""
        self.news = False
        while self.tick < until and not self.news and not self.ended:
            self._active = ~self.finished
            self.state, self._last = self._generation()
            self.tick += 1
            self._judge(self._last)
            room = np.asarray(self._last.room).max(axis=0)
            most = self.experiment.brain
            self.algorithm, self.state = search.roomier(self.algorithm, self.state, (int(room[0]), int(room[1])), most)

    def _generation(self) -> tuple[Any, search.Report]:
        """The state after the next generation of the runs that are active, and its report."""
        keys, skip, state = spread((self.keys, jnp.asarray(~self._active), self.state), self.num_worlds)
        brain = self.algorithm.brain
        return search.generation(self.algorithm, self.task, brain, keys, jnp.int32(self.tick), skip, state)

    def _judge(self, report: search.Report) -> None:
        """Keeps the best, and examines who met the criterion."""
        fitness, passed = np.asarray(report.fitness), np.asarray(report.passed) & self._active & (self.solved == 0)
        best = np.asarray(report.measures["best_fitness"])
        better = self._active & (fitness > self.worth) & (self.solved == 0)
        self.record = np.where(self._active, np.fmax(self.record, best), self.record)
        if not (better | passed).any():
            return
        candidate = jax.tree.map(np.asarray, report.candidate)
        passed = self._examined(candidate, passed)
        if passed.any():
            self.solved = np.where(passed, self.tick, self.solved).astype(np.int32)
            self._generalise(candidate, passed)
            self.news = True
        self.worth = np.where(better | passed, fitness, self.worth)
        self._keep(candidate, better | passed)

    def _examined(self, candidate: Genome, passed: np.ndarray) -> np.ndarray:
        """Which `[W]` of the candidates that met the criterion pass all exams as well."""
        if not self.task.exams:
            return passed
        known = self._known(candidate)  # a champion that is kept would fail again in each generation
        asked = passed = passed & ~known
        for exam in self.task.exams:
            if not passed.any():
                break
            passed = passed & np.asarray(self._exam(exam, candidate, ~passed)[0])
        self._failed = candidate, known | (asked & ~passed)
        return passed

    def _known(self, candidate: Genome) -> np.ndarray:
        """Runs `[W]` whose candidate failed in the last exams already. Exams depend on the genome alone."""
        shapes = lambda genome: [leaf.shape for leaf in jax.tree.leaves(genome)]
        if self._failed is None or shapes(self._failed[0]) != shapes(candidate):
            return np.zeros(self.num_worlds, bool)
        equal = jax.tree.map(lambda a, b: (a == b).reshape(self.num_worlds, -1).all(axis=1), self._failed[0], candidate)
        return self._failed[1] & np.all(jax.tree.leaves(equal), axis=0)

    def _exam(self, exam: Task, candidate: Genome, skip: np.ndarray) -> tuple[jax.Array, Any]:
        genome = jax.tree.map(jnp.asarray, candidate)
        return search.examined(exam, self.algorithm.brain, self.keys, genome, jnp.asarray(skip))

    def _generalise(self, candidate: Genome, passed: np.ndarray) -> None:
        test = getattr(self.task, "generalisation", None)
        if test is not None:
            score = jax.vmap(test.score)(self._exam(test, candidate, ~passed)[1])
            self.generalisation = np.where(passed, np.asarray(score), self.generalisation).astype(np.int32)

    def _keep(self, candidate: Genome, which: np.ndarray) -> None:
        shape = lambda leaf: (slice(None), *map(slice, leaf.shape[1:]))

        def put(old: np.ndarray, new: np.ndarray) -> np.ndarray:
            wide = np.zeros_like(new)
            wide[shape(old)] = old
            return np.where(which.reshape(-1, *[1] * (new.ndim - 1)), new, wide)

        if self.champion.node.shape != candidate.node.shape or self.champion.weight.shape != candidate.weight.shape:
            self.champion = jax.tree.map(
                np.asarray, search.widened(self.champion, candidate.node.shape[1], candidate.weight.shape[1])
            )
        self.champion = jax.tree.map(put, self.champion, candidate)

    def rows(self) -> tuple[list[dict[str, Any]], list[tuple[int, int, int, int]]]:
        """Metrics of the last generation of every run that took part in it, and its species."""
        if self._last is None:
            return [], []
        measures = {name: np.asarray(values) for name, values in self._last.measures.items()}
        out, species = [], []
        for world in np.flatnonzero(self._active):
            row = dict.fromkeys(SEARCH_COLUMNS) | {name: values[world].item() for name, values in measures.items()}
            row |= {"generation": self.tick, "world": int(world), "record": float(self.record[world])}
            row |= {"evaluations": self.tick * self.per_generation, "solved": int(self.solved[world] > 0)}
            out.append({name: row[name] for name in SEARCH_COLUMNS})
            if self._last.species is not None:
                names, sizes = (np.asarray(part[world]) for part in self._last.species)
                species += [
                    (self.tick, int(world), int(n), int(s)) for n, s in zip(names, sizes, strict=True) if n >= 0
                ]
        return out, species

    def told(self) -> str:
        """Where the search is, for the progress bar."""
        best = float(np.median(self.record))
        return f"solved {int((self.solved > 0).sum())}/{self.num_worlds}  best {best:.4g}"

    def headlines(self, rows: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
        """What summary.json says of a search."""
        del rows
        results = [self._result(world) for world in range(self.num_worlds)]
        won = [result for result in results if result["solved"]]
        mean = lambda name: float(np.mean([r[name] for r in won])) if won else None
        tested = won and won[0]["generalisation"] is not None
        total = sum(result["evaluations"] for result in results)
        return {
            "task": name_of(self.task),
            "algorithm": self.experiment.search.algorithm,
            "population": self.algorithm.population,
            "generations": self.tick,
            "runs": self.num_worlds,
            "solved": len(won),
            "evaluations_mean": mean("evaluations"),
            "evaluations_sd": float(np.std([r["evaluations"] for r in won], ddof=1)) if len(won) > 1 else None,
            "generations_mean": mean("generation"),
            "hidden_nodes_mean": mean("hidden"),
            "connections_mean": mean("connections"),
            "generalisation_mean": mean("generalisation") if tested else None,
            "evaluations_per_s": round(total / max(seconds, 1e-9)),
            "results": results,
        }

    def _result(self, world: int) -> dict[str, Any]:
        genome = jax.tree.map(lambda leaf: leaf[world], self.champion)
        solved, score = int(self.solved[world]), int(self.generalisation[world])
        generation = solved or self.tick
        return {
            "world": world,
            "solved": solved > 0,
            "generation": generation,
            "evaluations": generation * self.per_generation,
            "hidden": int(num_hidden(genome)),
            "connections": int(num_connections(genome)),
            "fitness": float(self.worth[world]) if self.worth[world] > ABYSS else None,
            "generalisation": score if score >= 0 else None,
        }

    def samples(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """Champions of `count` runs as documents: of those that solved their task first, then by fitness."""
        if not self.tick:
            return []
        out = []
        best = np.lexsort((-self.worth, self.solved == 0))[:count]
        for world in sorted(map(int, best)):
            genome = jax.tree.map(lambda leaf, w=world: leaf[w], self.champion)
            inputs = tuple(f"in{i}" for i in range(self.task.inputs))
            outputs = tuple(f"out{i}" for i in range(self.task.outputs))
            document = genomes.encode(self.algorithm.brain, genome, inputs, outputs)
            result = self._result(world)
            document |= {"task": name_of(self.task), "generation": result["generation"], "world": world}
            document |= {"fitness": result["fitness"], "solved": result["solved"]}
            out.append((f"best-{world}", document))
        return out

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that the search goes on from."""
        held = {name: getattr(self, name) for name in HELD}
        return checkpoint.flatten({"state": self.state, "champion": self.champion, **held})

    def meta(self) -> dict[str, Any]:
        """The rest of it."""
        return {"hidden": self.algorithm.brain.hidden, "connections": self.algorithm.brain.connections}

    @classmethod
    def resumed(cls, experiment: Experiment, tick: int, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> Self:
        """The search that was saved at `tick`."""
        out = cls.start(experiment)
        brain = replace(out.algorithm.brain, hidden=meta["hidden"], connections=meta["connections"])
        out.algorithm = replace(out.algorithm, brain=brain)
        held = {name: getattr(out, name) for name in HELD}
        template = {"state": out.state, "champion": out.champion, **held}
        saved = checkpoint.restore(template, arrays)
        out.state = saved.pop("state")
        saved = jax.tree.map(np.asarray, saved)
        out.champion, out.tick = saved["champion"], tick
        for name in HELD:
            setattr(out, name, saved[name])
        return out
