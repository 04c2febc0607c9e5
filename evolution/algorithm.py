"""What every algorithm of explicit fitness has in common: init, ask, tell.

`init(key)` gives a state; `ask(key, state)` the genomes `[P, ...]` to be evaluated; `tell(key, state, fitness)`
takes their fitness `[P]`, which is maximised, and gives the next state. All three are pure and may be
vmapped over replicate runs. NaN is the worst fitness. The population of a state is the one `ask` returned.
"""

from __future__ import annotations

from typing import Any, Protocol

import jax
import jax.numpy as jnp

from evolution.genome import Genome, num_hidden

ABYSS = -1e30
"""The fitness of who has none: below every real one, and finite, so that sums stay numbers."""


class Algorithm(Protocol):
    """One way to search. Implementations are frozen dataclasses: static arguments of a compiled program."""

    @property
    def population(self) -> int: ...

    def init(self, key: jax.Array) -> Any: ...

    def ask(self, key: jax.Array, state: Any) -> tuple[Genome, Any]: ...

    def tell(self, key: jax.Array, state: Any, fitness: jax.Array) -> Any: ...

    def room(self, state: Any) -> jax.Array:
        """Hidden nodes and connection genes, [2] int32, of the largest genomes that wait; zeros if none grow."""
        ...

    def species(self, state: Any) -> tuple[jax.Array, jax.Array] | None:
        """Names and sizes `[S]` int32 of species (name -1: a free slot), or None."""
        ...

    def measures(self, state: Any) -> dict[str, jax.Array]:
        """Numbers [] of its own that belong into a row of metrics."""
        ...


class Insular(Algorithm, Protocol):
    """An algorithm whose population may be split into islands (`evolution.islands`)."""

    def settled(self, state: Any, place: jax.Array, newcomers: Genome, fitness: jax.Array) -> Any:
        """The evaluated population with `newcomers` `[m, ...]` in the places `[m]` of others; fitness `[P]`, sane."""
        ...

    def pooled(self, measures: dict[str, jax.Array]) -> dict[str, jax.Array]:
        """Its measures [] of a whole run from those of its islands `[I]`."""
        ...


def sane(fitness: jax.Array) -> jax.Array:
    """Fitness with NaN and -inf as the worst and +inf as the best of finite numbers."""
    return jnp.clip(jnp.where(jnp.isnan(fitness), ABYSS, fitness), ABYSS, -ABYSS)


def room(genome: Genome) -> jax.Array:
    """Hidden nodes and connection genes of the largest of genomes `[P, ...]`, [2] int32."""
    genes = jnp.max(jnp.sum(genome.innovation >= 0, axis=1))
    return jnp.stack([jnp.max(jax.vmap(num_hidden)(genome)), genes]).astype(jnp.int32)


def put(genome: Genome, place: jax.Array, newcomers: Genome) -> Genome:
    """Genomes `[P, ...]` with others `[m, ...]` in the places `[m]`."""
    return jax.tree.map(lambda leaf, new: leaf.at[place].set(new), genome, newcomers)
