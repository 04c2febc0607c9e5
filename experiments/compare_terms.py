"""What a comparison is: a task, contestants that may differ in how they come by a mind, and terms that bind all.

Body, world, senses, acts, task, budget and seeds are decided once; of its own, a contestant has how it searches or
learns. Leaves out reading and writing (`experiments.compare_config`) and running (`experiments.compare`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments import config
from sim.config import key

SHARED = ("world", "params", "task", "run")
"""Tables of a run config that are the same for all contestants."""
DECIDED = {
    "run.seed": "seed",
    "run.worlds": "seeds",
    "run.agent_steps": "agent_steps",
    "run.generations": "agent_steps",
    "run.ticks": "agent_steps",
    "run.wall_seconds": "agent_steps",
    "search.until_solved": "agent_steps",
    "search.fresh_every": "points",
    "search.fresh_episodes": "fresh_episodes",
}
"""Keys of a run config that a comparison decides, and by which of its own."""
CONTROL = "random_search"
ELSEWHERE = 2**31
"""Added to the seed of pretraining, so that what it draws is not drawn again."""


@dataclass(frozen=True)
class Terms:
    """What is the same for all contestants, beside the base."""

    description: str = key("", "what is compared, in one line")
    seed: int = key(0, "seed of all randomness", low=0, high=2**32 - 1)
    seeds: int = key(10, "replicates of each contestant, each with its own seed", low=2, high=4096)
    agent_steps: int = key(1_000_000, "budget of each contestant and seed", low=1, high=10**12, unit="agent-steps")
    episodes: int = key(100, "test episodes by which what was found is scored in the end", low=1, high=100_000)
    points: int = key(20, "marks of a learning curve", low=1, high=10_000)
    fresh_episodes: int = key(20, "fresh episodes behind each mark", low=1, high=1000)
    threshold: float | None = key(None, "fitness of which is told how soon it was reached on fresh episodes")
    tuning: str = key("", "how many settings were tried for each contestant before")
    differ: tuple[str, ...] = key(("task.features",), "keys of [task], [world] or [params] that contestants may have")


@dataclass(frozen=True)
class ContestantConfig:
    """Keys of a contestant beside its tables of a run config."""

    mind: str = key(
        "", "a mind that does not learn: random, or the rule written for the task", choices=("random", "rule")
    )
    pretrain_steps: int = key(0, "budget of training under [pretrain] before", low=0, high=10**12, unit="agent-steps")
    zero_shot: bool = key(False, "no more learning after [pretrain]")


@dataclass(frozen=True)
class Contestant:
    """One way to come by a mind."""

    name: str
    own: ContestantConfig
    tables: dict[str, dict[str, Any]]  # of a run config: what differs from the base
    pretrain: dict[str, dict[str, Any]]  # of a run config: how the world differs in which it is trained first

    @property
    def control(self) -> bool:
        """Whether it is what the others are held against: random search that has seen nothing before."""
        return self.method == CONTROL and not self.pretrain

    @property
    def learns(self) -> bool:
        """Whether it learns in the world in which all are tested."""
        return not (self.own.mind or self.own.zero_shot)

    @property
    def method(self) -> str:
        """Its algorithm, or the kind of its mind."""
        return self.own.mind or str(self.tables["search"]["algorithm"])


@dataclass(frozen=True)
class Comparison:
    """A checked comparison."""

    name: str
    terms: Terms
    base: dict[str, Any]  # a complete run config as tables
    contestants: tuple[Contestant, ...]

    @property
    def target(self) -> config.Experiment:
        """The base as it is played, with the seeds and the budget of the comparison."""
        return config.from_table(self._decided(self.base, self.terms.agent_steps) | {"name": self.name})

    def experiment(self, contestant: Contestant, pretraining: bool = False) -> config.Experiment:
        """The run of a contestant that learns; or that of its training before."""
        before = contestant.pretrain if pretraining else {}
        steps = contestant.own.pretrain_steps if pretraining else self.terms.agent_steps
        table = self._decided(merged(self.base, contestant.tables, before), steps, pretraining)
        table |= {"name": f"{self.name}-{contestant.name}", "description": self.terms.description}
        return config.from_table(table)

    def _decided(self, table: Mapping[str, Any], steps: int, pretraining: bool = False) -> dict[str, Any]:
        terms = self.terms
        seed = (terms.seed + pretraining * ELSEWHERE) % 2**32
        most = min(steps, config.MOST_TICKS)  # a generation lives one step at least
        run = {"seed": seed, "worlds": terms.seeds, "agent_steps": steps, "generations": most}
        search: dict[str, Any] = {"until_solved": False, "fresh_episodes": terms.fresh_episodes}
        search["fresh_every"] = max(1, steps // terms.points)
        return merged(table, {"run": run, "search": search})


def merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of tables, of which later ones have the last word."""
    out: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            inner = isinstance(value, Mapping) and isinstance(out.get(name), Mapping)
            out[name] = {**out[name], **value} if inner else dict(value) if isinstance(value, Mapping) else value
    return out
