"""A search whose algorithm runs on the host, one replicate at a time: neat-python's own, beside ours.

Its networks are evaluated as all others are, on the same episodes, and rows, exams and checkpoints are those of
`Search`. Populations wait in `hosts`, outside of the pytree that the device would hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from evolution import search
from evolution.evaluation import evaluate
from evolution.genome import BrainConfig, Genome
from evolution.neat_python import NeatPythonState, freeze, thaw
from evolution.tasks.base import Task
from experiments.config import Experiment
from experiments.errors import RunError
from experiments.generational import Search, algorithm_of
from experiments.simulation import spread

OWN = "host."  # prefix of the arrays of `hosts` in a checkpoint


class Silent:
    """What a report asks of an algorithm, answered by the host instead."""

    def measures(self, state: Any) -> dict[str, jax.Array]:
        return {}

    def species(self, state: Any) -> None:
        return None

    def room(self, state: Any) -> jax.Array:
        return jnp.zeros(2, jnp.int32)  # arrays grow in `HostedSearch._asked`


SILENT: Any = Silent()


@dataclass(kw_only=True)
class HostedSearch(Search):
    """W replicate searches; `state` stays empty."""

    hosts: tuple[NeatPythonState, ...] = ()

    @classmethod
    def start(cls, experiment: Experiment) -> Self:
        """The founders of every run, not yet evaluated."""
        out = super().start(experiment)
        out.hosts = _founders(out.algorithm, out.keys)
        return out

    @classmethod
    def _founded(cls, experiment: Experiment, keys: jax.Array) -> tuple[Any, Any, Genome]:
        algorithm = algorithm_of(experiment)
        hosts = _founders(algorithm, keys)
        algorithm = algorithm.fitting(*hosts)
        return algorithm, (), _asked(algorithm, hosts)

    def taught(self, other: Self) -> Self:
        """This search as it begins with the populations to which another has come, elsewhere."""
        return replace(super().taught(other), hosts=other.hosts)

    def _generation(self) -> tuple[Any, search.Report]:
        self.algorithm = self.algorithm.fitting(*self.hosts)
        genome = _asked(self.algorithm, self.hosts)
        barred = jnp.asarray(self.champions.barred)
        keys, skip, genome, barred = spread((self.keys, jnp.asarray(~self._active), genome, barred), self.num_worlds)
        brain = self.algorithm.brain
        fitness, report = evaluated(self.task, brain, keys, jnp.int32(self.tick), skip, genome, barred)
        measures = [self.algorithm.measures(host) for host in self.hosts]
        more = {name: np.stack([row[name] for row in measures]) for name in measures[0]}
        species = zip(*(self.algorithm.species(host) for host in self.hosts), strict=True)
        told = zip(range(self.num_worlds), self.hosts, np.asarray(fitness), self._active, strict=True)
        self.hosts = tuple(self._told(world, host, value) if active else host for world, host, value, active in told)
        return (), report._replace(measures=report.measures | more, species=tuple(species))

    def _told(self, world: int, host: NeatPythonState, fitness: np.ndarray) -> NeatPythonState:
        try:
            return self.algorithm.tell(None, host, fitness)
        except RuntimeError as error:  # it gives up where many species are to share a small population
            cure = "fewer species (a higher compatibility_threshold), a larger population or less elitism help"
            where = f"in generation {self.tick + 1}, world {world}"
            raise RunError(f"neat-python gave up {where}: {error}; {cure}") from None

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that the search goes on from."""
        own = {f"{OWN}{i}.{name}": a for i, host in enumerate(self.hosts) for name, a in freeze(host)[0].items()}
        return super().arrays() | own

    def meta(self) -> dict[str, Any]:
        """The rest of it."""
        return super().meta() | {"hosts": [freeze(host)[1] for host in self.hosts]}

    @classmethod
    def resumed(cls, experiment: Experiment, tick: int, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> Self:
        """The search that was saved at `tick`."""
        rest = {name: array for name, array in arrays.items() if not name.startswith(OWN)}
        out = super().resumed(experiment, tick, rest, meta)
        own = [f"{OWN}{i}." for i in range(len(meta["hosts"]))]
        mine = [{n.removeprefix(head): a for n, a in arrays.items() if n.startswith(head)} for head in own]
        out.hosts = tuple(map(thaw, mine, meta["hosts"]))
        return out


def _founders(algorithm: Any, keys: jax.Array) -> tuple[NeatPythonState, ...]:
    return tuple(algorithm.init(jax.random.fold_in(key, 0)) for key in keys)


def _asked(algorithm: Any, hosts: tuple[NeatPythonState, ...]) -> Genome:
    """Populations of all runs, `[W, P, ...]`."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *(algorithm.ask(None, host)[0] for host in hosts))


@partial(jax.jit, static_argnums=(0, 1))
def evaluated(
    task: Task,
    config: BrainConfig,
    keys: jax.Array,
    number: jax.Array,
    skip: jax.Array,
    genome: Genome,
    barred: jax.Array,
) -> tuple[jax.Array, search.Report]:
    """Fitness `[W, P]` of generation `number` and its report, with the keys of `search.generation`."""
    fitness, passed, finals = evaluate(task, config, search.schedule(keys, number)[:, 1], genome, skip)
    steps = jax.vmap(jax.vmap(task.lived))(finals)
    unknown = jnp.full_like(fitness, jnp.nan)
    told = jax.vmap(lambda g, f, p, s, n, b: search.report(SILENT, None, g, f, p, s, n, None, b))
    return fitness, told(genome, fitness, passed, steps, unknown, barred)
