"""A search whose runs are split into islands: `Search` over `evolution.islands`, on as many devices as fit.

Rows, champions and checkpoints are of whole runs and do not depend on how many devices there are. Leaves out
several processes (`experiments.processes`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from evolution import islands, search
from evolution.genome import Genome
from experiments.config import Experiment
from experiments.generational import Search, algorithm_of


class Archipelago(Search):
    """W replicate searches of I islands; each leaf of `state` is `[W, I, ...]`."""

    @classmethod
    def _founded(cls, experiment: Experiment, keys: jax.Array) -> tuple[Any, Any, Genome]:
        algorithm = algorithm_of(experiment)
        state = islands.begin(mesh_of(experiment), experiment.search.islands, algorithm, keys)
        ask = lambda: jax.vmap(lambda key: algorithm.ask(key, algorithm.init(key))[0])(keys)
        return algorithm, state, jax.eval_shape(ask)

    @cached_property
    def _mesh(self) -> Mesh:
        return mesh_of(self.experiment)

    @property
    def per_generation(self) -> int:
        return self.algorithm.population * self.experiment.search.islands

    def _generation(self) -> tuple[Any, search.Report]:
        chosen, brain = self.experiment.search, self.algorithm.brain
        ring = islands.Ring(chosen.islands, chosen.migrants, np.int32(chosen.migration_every))
        now = (self.keys, np.int32(self.tick), ~self._active, self.state, self.champions.barred)
        return islands.generation(self._mesh, ring, self.algorithm, self.task, brain, *now)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that the search goes on from."""
        return Search.arrays(replace(self, state=islands.gathered(self._mesh, self.state)))

    def headlines(self, rows: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
        """What summary.json says of a search."""
        return {"islands": self.experiment.search.islands, **super().headlines(rows, seconds)}


def mesh_of(experiment: Experiment) -> Mesh:
    """The devices that the islands are dealt out to."""
    return islands.mesh_of(jax.devices(), experiment.run.worlds, experiment.search.islands)
