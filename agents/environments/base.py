"""What an environment is: the interface between learners by reward and what they live in.

B bodies live in one environment and share one policy; each has a life that may end before the episode does. An
environment is written for one episode and vmapped outside. Rewards of a life add up to its fitness in the task of the
same name, so that learned and evolved minds want the same thing. An episode's randomness comes from its key, which the
state keeps: equal key, episode and actions give equal trajectories, whatever interface they went through.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import jax


class Step(NamedTuple):
    """What one step did to each body. Those whose life was over before it get zeros and stay `terminated`."""

    reward: jax.Array  # [B] float32
    terminated: jax.Array  # [B] bool: the life is over, nothing more can be earned
    truncated: jax.Array  # [] bool: the time of the episode is up, for all who still live


class Environment(Protocol):
    """Implementations are frozen dataclasses of plain values, so that one can be a static argument of `jit`."""

    @property
    def bodies(self) -> int:
        """B, bodies that one policy moves in an episode."""

    @property
    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the observations (I of them) and of the actions (A), in their order."""

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest number that an action may be."""

    @property
    def menu(self) -> tuple[tuple[float, ...], ...]:
        """K action vectors of A numbers, for policies that choose one of a few."""

    @property
    def episodes(self) -> int:
        """E, episodes of one evaluation; in deterministic tasks the cases, each once."""

    @property
    def steps(self) -> int:
        """Most steps of an episode: the last of them is truncated, unless all lives are over."""

    def start(self, key: jax.Array, episode: jax.Array) -> Any:
        """State at the start of an episode, `episode` [] int32 from 0 to E-1."""

    def observe(self, state: Any) -> jax.Array:
        """Observations `[B, I]` float32; zeros for those whose life is over."""

    def step(self, state: Any, action: jax.Array) -> tuple[Any, Step]:
        """State after the actions `[B, A]` float32, and what came of them. Not to be called after the end."""
