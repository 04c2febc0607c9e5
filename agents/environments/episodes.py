"""Whole lives of given minds in an environment: what one is worth, by itself and beside others, without learning.

All episodes of all runs go side by side until every life is over or the time is up; nothing starts again. Leaves out
what happens on the way (`agents.learning` collects that).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from agents.environments.base import Environment


class Lives(NamedTuple):
    """What E episodes of B bodies came to in each of R runs."""

    returns: jax.Array  # [R, E, B] float32 sum of the rewards of a life, undiscounted
    ages: jax.Array  # [R, E, B] int32 steps lived

    @property
    def fitness(self) -> jax.Array:
        """Mean return of each run `[R]` float32."""
        return self.returns.mean((1, 2))

    @property
    def steps(self) -> jax.Array:
        """Agent-steps of each run `[R]` int32."""
        return self.ages.sum((1, 2))


def lives(
    environment: Environment, act: Callable[..., tuple[Any, jax.Array]], mind: Any, memory: Any, keys: jax.Array
) -> Lives:
    """Lives of one mind in each of R runs with `keys` `[R]`, over all E episodes.

    `act(key, mind, memory, obs [I]) -> (memory, action [A])` for one body. `mind` and `memory`, that of one newborn,
    are trees of `[R, ...]`, or None. Episodes are those that `environment.start` makes of the same keys, so that all
    minds that are given equal keys meet equal episodes.
    """
    episode, body = jnp.arange(environment.episodes, dtype=jnp.int32), jnp.arange(environment.bodies, dtype=jnp.int32)
    shape = (environment.episodes, environment.bodies)
    state = jax.vmap(lambda key: jax.vmap(lambda e: environment.start(key, e))(episode))(keys)
    spread = lambda leaf: jnp.broadcast_to(leaf[:, None, None], (leaf.shape[0], *shape, *leaf.shape[1:]))
    chance = lambda key: jax.random.fold_in(key, environment.episodes)  # apart from those of the episodes

    def advance_one(key: jax.Array, t: jax.Array, mind: Any, state: Any, memory: Any) -> tuple[Any, Any, Any]:
        keys = jax.vmap(lambda b: jax.random.fold_in(jax.random.fold_in(key, t), b))(body)
        memory, action = jax.vmap(act, (0, None, 0, 0))(keys, mind, memory, environment.observe(state))
        state, told = environment.step(state, action)
        return state, memory, told

    def advance_run(key: jax.Array, t: jax.Array, mind: Any, state: Any, memory: Any) -> tuple[Any, Any, Any]:
        own = jax.vmap(lambda e: jax.random.fold_in(chance(key), e))(episode)
        return jax.vmap(advance_one, (0, None, None, 0, 0))(own, t, mind, state, memory)

    def more(carry: Any) -> jax.Array:
        return (carry[0] < environment.steps) & jnp.any(carry[3])

    def advance(carry: Any) -> Any:
        t, state, memory, living, told_so_far = carry
        state, memory, told = jax.vmap(advance_run, (0, None, 0, 0, 0))(keys, t, mind, state, memory)
        returns = told_so_far.returns + jnp.where(living, told.reward, 0.0)
        lived = Lives(returns, told_so_far.ages + living)
        return t + 1, state, memory, living & ~told.terminated & ~told.truncated[..., None], lived

    living = jnp.ones((len(keys), *shape), bool)
    nothing = Lives(jnp.zeros(living.shape), jnp.zeros(living.shape, jnp.int32))
    return jax.lax.while_loop(more, advance, (jnp.int32(0), state, jax.tree.map(spread, memory), living, nothing))[-1]
