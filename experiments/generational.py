"""A search in memory: W replicate runs of an algorithm on a task, which the run loop drives like a simulation.

`Search.advance` is the one way that generations pass. A run that has solved its task is finished and costs nothing
more. Leaves out what counts as a solution (`experiments.champions`), files, clocks and printing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from evolution import search
from evolution.genetic import Genetic
from evolution.genome import Genome
from evolution.lifetime import Learning
from evolution.neat_algorithm import Neat
from evolution.neat_python import NeatPython
from evolution.random_search import RandomSearch
from evolution.strategies import NAMES as STRATEGIES
from evolution.strategies import Strategy
from evolution.tasks.fresh import fresh
from experiments import checkpoint, genomes
from experiments.champions import Champions, kept
from experiments.config import Experiment
from experiments.metrics import SEARCH_COLUMNS
from experiments.replicates import Handed, Replicates, joined
from experiments.simulation import numbers, spread, world_keys
from experiments.task_table import name_of


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
    if chosen.algorithm == "random_search":
        return RandomSearch(brain=brain, **shape, params=numbers(experiment.random_search))
    mutation = numbers(experiment.mutation)
    if chosen.algorithm == "ga":
        more = {"structure": chosen.structure, "tournament": chosen.tournament}
        return Genetic(brain=brain, **shape, **more, params=numbers(experiment.ga), mutation=mutation)
    return Neat(brain, **shape, slots=chosen.species, params=numbers(experiment.neat), mutation=mutation)


def learning_of(experiment: Experiment) -> Learning:
    """What newborns do before they are evaluated, its numbers as float32."""
    return Learning(experiment.search.learning, numbers(experiment.learning))


@dataclass(kw_only=True)
class Search(Replicates):
    """W replicate searches: where they are, and what they have found."""

    algorithm: Any
    state: Any  # of the algorithm, each leaf [W, ...]
    champions: Champions
    candidate: Genome  # the best since the last validation, on the host; [W, ...]
    worth: np.ndarray  # [W] float32 its fitness in the search; -inf where there is none yet
    _last: search.Report | None = None

    columns = SEARCH_COLUMNS

    @classmethod
    def start(cls, experiment: Experiment) -> Self:
        """The founders of every run, not yet evaluated."""
        task, worlds = experiment.task, experiment.run.worlds
        assert task is not None
        keys = world_keys(experiment.run.seed, worlds)
        algorithm, state, asked = cls._founded(experiment, keys)
        champions = Champions.none(task, keys, asked)
        return cls(
            experiment=experiment,
            task=task,
            keys=keys,
            handed=Handed.none(champions.genome, worlds),
            steps=np.zeros(worlds, np.int64),
            algorithm=algorithm,
            state=state,
            champions=champions,
            candidate=champions.genome,
            worth=np.full(worlds, -np.inf, np.float32),
        )

    @classmethod
    def _founded(cls, experiment: Experiment, keys: jax.Array) -> tuple[Any, Any, Genome]:
        """The algorithm, its first state, and the shapes of the genomes `[W, P, ...]` that it asks about."""
        algorithm = algorithm_of(experiment)
        state = search.begin(algorithm, keys)
        return algorithm, state, jax.eval_shape(lambda: jax.vmap(lambda k, s: algorithm.ask(k, s)[0])(keys, state))

    def taught(self, other: Self) -> Self:
        """This search as it begins with the populations to which another has come, elsewhere."""
        return replace(self, algorithm=other.algorithm, state=other.state)

    @property
    def per_generation(self) -> int:
        """Evaluations of a run in a generation."""
        return self.algorithm.population

    @property
    def solved(self) -> np.ndarray:
        """Generation in which each run solved its task, `[W]` int32, 0 if it has not yet."""
        return self.champions.solved

    def _pass(self) -> None:
        self.state, self._last = self._generation()
        self.tick += 1
        self.steps = self.steps + np.where(self._active, joined(self._last.agent_steps), 0)
        self.news = self.champions.judge(self._last, self.tick, self._active, self.algorithm.brain)
        if self.experiment.search.fresh_every:
            self._consider(self._last)
        room = np.asarray(self._last.room).max(axis=0)
        most = self.experiment.brain
        self.algorithm, self.state = search.roomier(self.algorithm, self.state, (int(room[0]), int(room[1])), most)

    def _generation(self) -> tuple[Any, search.Report]:
        """The state after the next generation of the runs that are active, and its report."""
        parts = self.keys, jnp.asarray(~self._active), self.state, jnp.asarray(self.champions.barred)
        keys, skip, state, barred = spread(parts, self.num_worlds)
        now = keys, jnp.int32(self.tick), skip, state, barred
        return search.generation(self.algorithm, self.task, self.algorithm.brain, *now, learning_of(self.experiment))

    def _consider(self, report: search.Report) -> None:
        """Takes note of the best of a generation, which may be a candidate for validation."""
        best = np.asarray(report.measures["best_fitness"])
        better = self._active & (best > self.worth)
        if better.any():
            self.candidate = self._kept(better, jax.tree.map(np.asarray, report.best), self.candidate)
            self.worth = np.where(better, best, self.worth)

    def validate(self) -> None:
        """Tries the candidates on fresh episodes, when `due`, and looks for new ones."""
        tried = self._due
        super().validate()
        self.worth = np.where(tried, -np.inf, self.worth).astype(np.float32)

    def _candidate(self) -> Genome:
        return self.candidate if self.experiment.search.fresh_every else self.champions.genome

    def _fitness(self, mind: Genome, keys: jax.Array, episodes: int) -> jax.Array:
        brain = replace(self.algorithm.brain, hidden=mind.node.shape[1] - self.task.outputs)
        brain = replace(brain, connections=mind.weight.shape[1])
        genome = jax.tree.map(jnp.asarray, mind)
        return search.fitness_alone(fresh(self.task, episodes), brain, keys, genome)

    def _kept(self, which: np.ndarray, new: Genome, old: Genome) -> Genome:
        return kept(which, new, old)

    def rows(self) -> tuple[list[dict[str, Any]], list[tuple[int, int, int, int]]]:
        """Metrics of the last generation of every run that took part in it, and its species."""
        if self._last is None:
            return [], []
        measures = {name: np.asarray(values) for name, values in self._last.measures.items()}
        out, species = [], []
        for world in map(int, np.flatnonzero(self._active)):
            row = dict.fromkeys(SEARCH_COLUMNS) | {name: values[world].item() for name, values in measures.items()}
            row |= {"generation": self.tick, "world": int(world), "record": float(self.champions.record[world])}
            row |= {"evaluations": self.tick * self.per_generation, "solved": int(self.solved[world] > 0)}
            row |= self.lived(world)
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
            "agent_steps": int(self.steps.sum()),
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
        """Champions of `count` runs as documents: of those that solved their task first, then by fitness.

        Where candidates are validated, they are what a run would hand in.
        """
        if not self.tick:
            return []
        out = []
        best = np.lexsort((-self.champions.worth, self.solved == 0))[:count]
        handed = self.handed.found > 0
        minds = self._kept(handed, self.handed.mind, self.champions.genome)
        found = np.where(handed, self.handed.found, self.champions.found)
        for world in sorted(map(int, best)):
            genome = jax.tree.map(lambda leaf, w=world: leaf[w], minds)
            document = genomes.encode(self.algorithm.brain, genome, *self.task.ends)
            result = self._result(world)
            document |= {"task": name_of(self.task), "generation": int(found[world]), "world": world}
            document |= {"fitness": result["fitness"], "solved": result["solved"]}
            if handed[world]:
                document["fresh_fitness"] = float(self.handed.score[world])
            out.append((f"best-{world}", document))
        return out

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that the search goes on from."""
        return checkpoint.flatten(self._tree())

    def _tree(self) -> dict[str, Any]:
        candidate = {"candidate": self.candidate, "worth": self.worth}
        return {"state": self.state, "champions": self.champions.arrays(), "handed": self.handed.arrays(), **candidate}

    def meta(self) -> dict[str, Any]:
        """The rest of it."""
        brain = self.algorithm.brain
        return {"hidden": brain.hidden, "connections": brain.connections, "steps": self.steps.tolist()}

    @classmethod
    def resumed(cls, experiment: Experiment, tick: int, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> Self:
        """The search that was saved at `tick`."""
        out = cls.start(experiment)
        brain = replace(out.algorithm.brain, hidden=meta["hidden"], connections=meta["connections"])
        out.algorithm = replace(out.algorithm, brain=brain)
        saved = checkpoint.restore(out._tree(), arrays)
        out.state, out.tick, out.steps = saved["state"], tick, np.array(meta["steps"], np.int64)
        host = jax.tree.map(np.asarray, {name: saved[name] for name in ("champions", "handed", "candidate", "worth")})
        out.champions, out.handed = replace(out.champions, **host["champions"]), Handed(**host["handed"])
        out.candidate, out.worth = host["candidate"], host["worth"]
        return out
