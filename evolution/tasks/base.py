"""What a task is: the interface between networks and what they are selected for.

An `EpisodicTask` is written for one episode of one network and vmapped outside, lanes last: every leaf of a state,
the observation and the output gain a trailing axis. It draws random numbers in `reset` only, and says nothing of
networks, lanes or generations. The rollout freezes a lane whose `done` was true: its state stays as after that
step. A `WorldTask` is played in the world of `sim`, where minds may meet, so it assesses whole populations itself.
Exams are further tasks that a champion must pass before its run counts as solved.
"""

from __future__ import annotations

from typing import Any, Protocol

import jax

from evolution.genome import BrainConfig, Genome
from sim.config import WorldConfig, WorldParams


class Task(Protocol):
    """What all tasks tell. Implementations are frozen dataclasses of plain values, so that a task can be a static
    argument of `jit`; those of their fields that were made by `sim.config.key` are keys of a config's [task].

    Outputs are read as the network gives them; a task clips what it cannot use and takes NaN as a failure to act,
    so fitness is finite for every output.
    """

    @property
    def inputs(self) -> int:
        """Observations that a network gets; biases belong to the network."""

    @property
    def outputs(self) -> int:
        """Network outputs that the task reads."""

    @property
    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the inputs and of the outputs, in their order."""

    @property
    def episodes(self) -> int:
        """E, episodes per evaluation; in deterministic tasks the cases, each once."""

    @property
    def steps(self) -> int:
        """Most steps of an episode: the last of them returns `done`."""

    @property
    def ceiling(self) -> float:
        """Fitness that no evaluation exceeds; often the best fitness there is."""

    @property
    def exams(self) -> tuple[Task, ...]:
        """Tasks that the champion must pass for the run to count as solved; () for most."""

    def lived(self, finals: Any) -> jax.Array:
        """Agent-steps of an evaluation `[]` int32: steps of its bodies while they lived, the last one included.

        `finals` are those of one evaluation, as `fitness` or `assess` has them; of an evaluation that took place.
        """


class EpisodicTask(Task, Protocol):
    """A task of one network at a time."""

    def reset(self, key: jax.Array, episode: jax.Array) -> Any:
        """State at the start of an episode, `episode` `[]` int32 being 0…E-1.

        `key` may be the same for all episodes of an evaluation: what is random is drawn from key and episode.
        """

    def observe(self, state: Any) -> jax.Array:
        """Inputs of the network, `[inputs]` float32."""

    def step(self, state: Any, output: jax.Array) -> tuple[Any, jax.Array]:
        """State after the network's `output` `[outputs]` float32, and whether the episode is over, `[]` bool."""

    def fitness(self, finals: Any) -> jax.Array:
        """Fitness of an evaluation `[]` float32, maximised. `finals`: last states, each leaf `[E, …]`."""

    def passed(self, finals: Any) -> jax.Array:
        """Whether an evaluation meets the task's criterion, `[]` bool. `finals` as in `fitness`."""


class WorldTask(Task, Protocol):
    """A task in the world of `sim`, which a config's [world] and [params] describe."""

    in_world: bool
    world: WorldConfig
    params: WorldParams

    def assess(
        self, config: BrainConfig, keys: jax.Array, genome: Genome, skip: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array, Any]:
        """Fitness `[W, P]` float32, maximised, whether the criterion is met `[W, P]` bool, and any tree `[W, P, ...]`.

        As `evolution.evaluation.evaluate` has it of genomes `[W, P, ...]` of W runs, which never meet.
        """
