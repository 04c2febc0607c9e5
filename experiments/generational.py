"""A search in memory: W replicate runs of an algorithm on a task, which the run loop drives like a simulation.

`Search.advance` is the one way that generations pass. A run that has solved its task is finished and costs nothing
more. Leaves out what counts as a solution (`experiments.champions`), files, clocks and printing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from evolution import search
from evolution.genetic import Genetic
from evolution.genome import Genome
from evolution.neat_algorithm import Neat
from evolution.neat_python import NeatPython
from evolution.strategies import NAMES as STRATEGIES
from evolution.strategies import Strategy
from evolution.tasks.base import Task
from experiments import checkpoint, genomes
from experiments.champions import Champions
from experiments.config import Experiment
from experiments.metrics import SEARCH_COLUMNS
from experiments.simulation import numbers, spread, world_keys
from experiments.task_table import name_of

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
    champions: Champions
    tick: int = 0  # generations evaluated
    news: bool = False  # a run was solved in the last generation
    _last: search.Report | None = None
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
        return cls(experiment, task, algorithm, keys, state, Champions.none(task, keys, asked))

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
    def solved(self) -> np.ndarray:
        """Generation in which each run solved its task, `[W]` int32, 0 if it has not yet."""
        return self.champions.solved

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
            self.news = self.champions.judge(self._last, self.tick, self._active, self.algorithm.brain)
            room = np.asarray(self._last.room).max(axis=0)
            most = self.experiment.brain
            self.algorithm, self.state = search.roomier(self.algorithm, self.state, (int(room[0]), int(room[1])), most)

    def _generation(self) -> tuple[Any, search.Report]:
        """The state after the next generation of the runs that are active, and its report."""
        parts = self.keys, jnp.asarray(~self._active), self.state, jnp.asarray(self.champions.barred)
        keys, skip, state, barred = spread(parts, self.num_worlds)
        now = keys, jnp.int32(self.tick), skip, state, barred
        return search.generation(self.algorithm, self.task, self.algorithm.brain, *now)

    def rows(self) -> tuple[list[dict[str, Any]], list[tuple[int, int, int, int]]]:
        """Metrics of the last generation of every run that took part in it, and its species."""
        if self._last is None:
            return [], []
        measures = {name: np.asarray(values) for name, values in self._last.measures.items()}
        out, species = [], []
        for world in np.flatnonzero(self._active):
            row = dict.fromkeys(SEARCH_COLUMNS) | {name: values[world].item() for name, values in measures.items()}
            row |= {"generation": self.tick, "world": int(world), "record": float(self.champions.record[world])}
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
        best = float(self.champions.record.max())
        return f"solved {int((self.solved > 0).sum())}/{self.num_worlds}  best {best:.4g}"

    def headlines(self, rows: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
        """What summary.json says of a search."""
        del rows
        results = [self._result(world) for world in range(self.num_worlds)]
        won = [result for result in results if result["solved"]]
        mean = lambda name: float(np.mean([r[name] for r in won])) if won else None
        tested = won and won[0]["generalisation"] is not None
        lived = [result["generation"] if self.finished[result["world"]] else self.tick for result in results]
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
            "evaluations_per_s": round(sum(lived) * self.per_generation / max(seconds, 1e-9)),
            "results": results,
        }

    def _result(self, world: int) -> dict[str, Any]:
        result = self.champions.result(world, self.tick)
        return result | {"evaluations": result["generation"] * self.per_generation}

    def samples(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """Champions of `count` runs as documents: of those that solved their task first, then by fitness."""
        if not self.tick:
            return []
        out = []
        best = np.lexsort((-self.champions.worth, self.solved == 0))[:count]
        for world in sorted(map(int, best)):
            genome = jax.tree.map(lambda leaf, w=world: leaf[w], self.champions.genome)
            document = genomes.encode(self.algorithm.brain, genome, *self.task.ends)
            result = self._result(world)
            document |= {"task": name_of(self.task), "generation": int(self.champions.found[world]), "world": world}
            document |= {"fitness": result["fitness"], "solved": result["solved"]}
            out.append((f"best-{world}", document))
        return out

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that the search goes on from."""
        return checkpoint.flatten({"state": self.state, "champions": self.champions.arrays()})

    def meta(self) -> dict[str, Any]:
        """The rest of it."""
        return {"hidden": self.algorithm.brain.hidden, "connections": self.algorithm.brain.connections}

    @classmethod
    def resumed(cls, experiment: Experiment, tick: int, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> Self:
        """The search that was saved at `tick`."""
        out = cls.start(experiment)
        brain = replace(out.algorithm.brain, hidden=meta["hidden"], connections=meta["connections"])
        out.algorithm = replace(out.algorithm, brain=brain)
        saved = checkpoint.restore({"state": out.state, "champions": out.champions.arrays()}, arrays)
        out.state, out.tick = saved["state"], tick
        out.champions = replace(out.champions, **jax.tree.map(np.asarray, saved["champions"]))
        return out
