"""What a learner is: the interface of the algorithms that improve one policy by the reward it earns.

`init(key, environment)` gives a state; `learn(key, environment, state)` lives for a while in many copies of the
environment and improves the policy by what came of it. Both are pure; they are vmapped over replicate runs and
jitted outside, with the environment static. A state is a pytree of arrays, without keys of the learner's own: equal
keys and states give equal states, so a run that is cut and goes on from a stored state ends with the same bits.
"""

from __future__ import annotations

from typing import Any, Protocol

import jax

from agents.environments.base import Environment
from agents.learned import Network, Weights

MEASURES = ("agent_steps", "episodes", "mean_return")
"""Measures of every learner: steps lived by living bodies in this iteration, lives that ended in it (both int32), and
the mean of their sums of rewards (NaN if none ended)."""


class Learner(Protocol):
    """One way to learn. Implementations are frozen dataclasses, registered as pytrees whose traced data are numbers."""

    def network(self, environment: Environment) -> Network:
        """Shape of the policy that it learns there."""
        ...

    def init(self, key: jax.Array, environment: Environment, weights: Weights | None = None) -> Any:
        """State before the first iteration, with a fresh policy or with one of `weights` learned before."""
        ...

    def learn(self, key: jax.Array, environment: Environment, state: Any) -> tuple[Any, dict[str, jax.Array]]:
        """State after one iteration, and measures [] of it: `MEASURES` and some of the algorithm's own."""
        ...

    def weights(self, state: Any) -> Weights:
        """Weights of the current policy."""
        ...
