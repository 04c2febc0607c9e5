"""What every algorithm of explicit fitness has in common: init, ask, tell.

`init(key)` gives a state; `ask(key, state)` the genomes `[P, ...]` to be evaluated; `tell(key, state, fitness)`
takes their fitness `[P]`, which is maximised, and gives the next state. All three are pure and may be
vmapped over replicate runs. NaN is the worst fitness. The population of a state is the one `ask` returned.
"""

from __future__ import annotations

from typing import Any, Protocol

import jax
import jax.numpy as jnp

from evolution.genome import Genome

ABYSS = -1e30
"""The fitness of who has none: below every real one, and finite, so that sums stay numbers."""


class Algorithm(Protocol):
    """One way to search. Implementations are frozen dataclasses: static arguments of a compiled program."""

    @property
    def population(self) -> int: ...

    def init(self, key: jax.Array) -> Any: ...

    def ask(self, key: jax.Array, state: Any) -> tuple[Genome, Any]: ...

    def tell(self, key: jax.Array, state: Any, fitness: jax.Array) -> Any: ...

    def measures(self, state: Any) -> dict[str, jax.Array]:
        """Numbers [] of its own that belong into a row of metrics."""


def sane(fitness: jax.Array) -> jax.Array:
    """Fitness with NaN and -inf as the worst and +inf as the best of finite numbers."""
    return jnp.clip(jnp.where(jnp.isnan(fitness), ABYSS, fitness), ABYSS, -ABYSS)
