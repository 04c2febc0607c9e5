"""W learners by reward side by side, which the run loop drives like a search: one mind each, and an iteration of
experience and improvement for a generation.

Rows, validation, checkpoints and budgets are those of a search (`experiments.replicates`); a life's return is the
fitness of its task. A run has solved its task when its mind meets the task's criterion on fresh episodes. Leaves out
how learners learn (`agents.learning`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from agents import learned
from agents.environments.base import Environment
from agents.environments.episodes import lives
from agents.learned import Network, Weights
from agents.learning.dqn import Dqn
from agents.learning.ppo import Ppo
from evolution.tasks.base import Task
from evolution.tasks.environment import environment_of
from evolution.tasks.fresh import fresh
from experiments import checkpoint
from experiments.config import OWN_TABLE, Experiment
from experiments.metrics import LEARNING_COLUMNS
from experiments.minds import encode_policy
from experiments.replicates import Handed, Replicates
from experiments.simulation import numbers, world_keys
from experiments.task_table import name_of

LEARNERS: dict[str, Any] = {"ppo": Ppo, "recurrent_ppo": partial(Ppo, recurrent=True), "dqn": Dqn}


def learner_of(experiment: Experiment) -> Any:
    """The learner that a config names, its numbers as float32."""
    name = experiment.search.algorithm
    return LEARNERS[name](numbers(getattr(experiment, OWN_TABLE[name])))


@partial(jax.jit, static_argnums=1)
def begin(learner: Any, environment: Environment, keys: jax.Array, weights: Weights | None = None) -> Any:
    """States of W learners before their first iteration. keys `[W]`; weights `[W, ...]` to start from, if any."""
    return jax.vmap(lambda key, own: learner.init(jax.random.fold_in(key, 0), environment, own))(keys, weights)


@partial(jax.jit, static_argnums=1)
def iteration(
    learner: Any, environment: Environment, keys: jax.Array, number: jax.Array, skip: jax.Array, state: Any
) -> tuple[Any, dict[str, jax.Array]]:
    """States after iteration `number` (from 0), and its measures `[W]`. The states of runs to `skip` `[W]` stay."""
    now = jax.vmap(lambda key: jax.random.fold_in(key, number + 1))(keys)
    new, measures = jax.vmap(lambda key, own: learner.learn(key, environment, own))(now, state)
    keep = lambda old, after: jnp.where(skip.reshape(-1, *[1] * (after.ndim - 1)), old, after)
    return jax.tree.map(keep, state, new), measures


@partial(jax.jit, static_argnums=(0, 1))
def fitness_alone(task: Task, network: Network, keys: jax.Array, weights: Weights) -> jax.Array:
    """Fitness `[W]` of one policy `[W, ...]` in each run, over the task's episodes; `keys` `[W]`."""
    blank = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(keys), *leaf.shape)), learned.blank_memory(network))
    return lives(environment_of(task), learned.policy(network), weights, blank, keys).fitness


@dataclass(kw_only=True)
class Learning(Replicates):
    """W learners: where they are, and what they have learned."""

    environment: Environment
    learner: Any
    state: Any  # of the learner, each leaf [W, ...]
    record: np.ndarray  # [W] float32 best mean return of a generation so far; -inf before the first life ended
    lived_out: np.ndarray  # [W] int64 lives that ended so far
    when: np.ndarray  # [W] int32 generation in which the task was solved, 0 if it was not yet
    _last: dict[str, np.ndarray] | None = None

    columns = LEARNING_COLUMNS

    @classmethod
    def start(cls, experiment: Experiment, weights: Weights | None = None) -> Self:
        """Learners who have lived nothing yet, or go on from `weights` `[W, ...]` learned elsewhere."""
        task, worlds = experiment.task, experiment.run.worlds
        assert task is not None
        keys, learner, environment = (
            world_keys(experiment.run.seed, worlds),
            learner_of(experiment),
            environment_of(task),
        )
        state = begin(learner, environment, keys, weights)
        return cls(
            experiment=experiment,
            task=task,
            keys=keys,
            handed=Handed.none(jax.tree.map(np.asarray, jax.vmap(learner.weights)(state)), worlds),
            steps=np.zeros(worlds, np.int64),
            environment=environment,
            learner=learner,
            state=state,
            record=np.full(worlds, -np.inf, np.float32),
            lived_out=np.zeros(worlds, np.int64),
            when=np.zeros(worlds, np.int32),
        )

    def taught(self, elsewhere: Learning) -> Learning:
        """Learners who have lived nothing here, and begin with the policies that others hand in."""
        return Learning.start(self.experiment, jax.tree.map(jnp.asarray, elsewhere.handed.mind))

    @property
    def network(self) -> Network:
        """Shape of the policies."""
        return self.learner.network(self.environment)

    @property
    def solved(self) -> np.ndarray:
        """Generation in which each run solved its task, `[W]` int32, 0 if it has not yet."""
        return self.when

    def _pass(self) -> None:
        skip = jnp.asarray(~self._active)
        now = self.keys, jnp.int32(self.tick), skip, self.state
        self.state, measures = iteration(self.learner, self.environment, *now)
        self._last = {name: np.asarray(values) for name, values in measures.items()}
        self.tick += 1
        self.steps = self.steps + np.where(self._active, self._last["agent_steps"], 0)
        self.lived_out = self.lived_out + np.where(self._active, self._last["episodes"], 0)
        self.record = np.where(self._active, np.fmax(self.record, self._last["mean_return"]), self.record)

    def validate(self) -> None:
        """Tries the policies on fresh episodes, when `due`; who meets the criterion there has solved the task."""
        tried = self._due
        super().validate()
        first = tried & (self.handed.latest >= threshold(self.task)) & (self.when == 0)
        self.when = np.where(first, self.tick, self.when).astype(np.int32)

    def _candidate(self) -> Weights:
        return jax.tree.map(np.asarray, jax.vmap(self.learner.weights)(self.state))

    def _fitness(self, mind: Weights, keys: jax.Array, episodes: int) -> jax.Array:
        return fitness_alone(fresh(self.task, episodes), self.network, keys, jax.tree.map(jnp.asarray, mind))

    def rows(self) -> tuple[list[dict[str, Any]], list[tuple[int, int, int, int]]]:
        """Metrics of the last generation of every run that took part in it; there are no species."""
        if self._last is None:
            return [], []
        out = []
        for world in map(int, np.flatnonzero(self._active)):
            own = {name: values[world].item() for name, values in self._last.items()}
            fitness = own.pop("mean_return")
            record = float(self.record[world])
            row = dict.fromkeys(LEARNING_COLUMNS) | own | {"generation": self.tick, "world": int(world)}
            row |= dict.fromkeys(("best_fitness", "mean_fitness", "median_fitness"), fitness)
            row |= {"record": record if np.isfinite(record) else None, "evaluations": int(self.lived_out[world])}
            row |= {"solved": int(self.solved[world] > 0)} | self.lived(world)
            out.append({name: row[name] for name in LEARNING_COLUMNS})
        return out, []

    def told(self) -> str:
        """Where the learners are, for the progress bar."""
        best = float(np.nanmax(np.append(self.handed.score, self.record)))
        return f"best {best:.4g}"

    def headlines(self, rows: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
        """What summary.json says of learners."""
        del rows
        results = [self._result(world) for world in range(self.num_worlds)]
        won = [result for result in results if result["solved"]]
        return {
            "task": name_of(self.task),
            "algorithm": self.experiment.search.algorithm,
            "weights": learned.num_weights(self.network),
            "generations": self.tick,
            "agent_steps": int(self.steps.sum()),
            "runs": self.num_worlds,
            "solved": len(won),
            "generations_mean": float(np.mean([r["generation"] for r in won])) if won else None,
            "agent_steps_per_s": round(int(self.steps.sum()) / max(seconds, 1e-9)),
            "results": results,
        }

    def _result(self, world: int) -> dict[str, Any]:
        solved, score = int(self.solved[world]), float(self.handed.score[world])
        return {
            "world": world,
            "solved": solved > 0,
            "generation": solved or self.tick,
            "agent_steps": int(self.steps[world]),
            "lives": int(self.lived_out[world]),
            "fresh_fitness": score if np.isfinite(score) else None,
        }

    def samples(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """The policies that `count` runs hand in, best first, as documents."""
        if not self.tick:
            return []
        now = self._candidate()
        mind = self._kept(self.handed.found > 0, self.handed.mind, now)
        out = []
        for world in sorted(map(int, np.argsort(-self.handed.score, kind="stable")[:count])):
            weights = jax.tree.map(lambda leaf, w=world: leaf[w], mind)
            document = encode_policy(self.network, weights, *self.environment.ends)
            document |= {"task": name_of(self.task), "algorithm": self.experiment.search.algorithm, "world": world}
            result = self._result(world)
            document |= {"generation": int(self.handed.found[world]) or self.tick, "fitness": result["fresh_fitness"]}
            out.append((f"best-{world}", document))
        return out

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that the learners go on from."""
        return checkpoint.flatten(self._tree())

    def _tree(self) -> dict[str, Any]:
        return {"state": self.state, "handed": self.handed.arrays(), "record": self.record, "when": self.when}

    def meta(self) -> dict[str, Any]:
        """The rest of it."""
        return {"steps": self.steps.tolist(), "lives": self.lived_out.tolist()}

    @classmethod
    def resumed(cls, experiment: Experiment, tick: int, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> Self:
        """The learners that were saved at `tick`."""
        out = cls.start(experiment)
        saved = checkpoint.restore(out._tree(), arrays)
        host = jax.tree.map(np.asarray, {name: saved[name] for name in ("handed", "record", "when")})
        out.state, out.tick, out.handed = saved["state"], tick, Handed(**host["handed"])
        out.record, out.when = host["record"], host["when"]
        out.steps, out.lived_out = np.array(meta["steps"], np.int64), np.array(meta["lives"], np.int64)
        return out


def threshold(task: Any) -> float:
    """Fitness on fresh episodes with which a task counts as solved: its own, or the most that there is."""
    return getattr(task, "threshold", task.ceiling - 1e-6)  # less what the mean over episodes is rounded by
