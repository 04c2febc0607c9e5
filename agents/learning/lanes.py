"""Many copies of an environment, one after the other episode: where learners gather what they learn from.

When an episode is over, its last state is kept for one more moment, so that the value of its last observation can be
had; in that moment a new episode starts in place of a step (Gymnasium's next-step autoreset). Bodies whose life is
over, and all in a moment without a step, are marked as not living: their numbers mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from agents.environments.base import Environment
from agents.environments.restart import if_any

LONG = 1 << 30  # agent-steps that are counted


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Lanes:
    """N copies of an environment of B bodies."""

    state: Any  # [N, ...]
    over: jax.Array  # [N] bool the episode is over: in the next moment another one starts
    ended: jax.Array  # [N, B] bool the life is over
    earned: jax.Array  # [N, B] float32 reward in this life so far


class Moment(NamedTuple):
    """What became of each body in one moment."""

    living: jax.Array  # [N, B] bool it made a step; all else is to be read only where this is true
    reward: jax.Array  # [N, B] float32
    terminated: jax.Array  # [N, B] bool its life ended, and nothing more can be earned
    ended: jax.Array  # [N, B] bool its life ended, or the time was up
    earned: jax.Array  # [N, B] float32 sum of the rewards of the life so far
    restarted: jax.Array  # [N] bool a new episode started in place of a step


def begin(key: jax.Array, environment: Environment, num: int) -> Lanes:
    """`num` copies at the start of episodes."""
    none = jnp.zeros((num, environment.bodies), bool)
    return Lanes(_starts(key, environment, num), jnp.zeros(num, bool), none, jnp.zeros(none.shape))


def observe(environment: Environment, lanes: Lanes) -> jax.Array:
    """Observations `[N, B, I]`."""
    return jax.vmap(environment.observe)(lanes.state)


def advance(key: jax.Array, environment: Environment, lanes: Lanes, action: jax.Array) -> tuple[Lanes, Moment]:
    """All copies after the actions `[N, B, A]`, or at the start of a new episode where the last one is over."""
    state, did = jax.vmap(environment.step)(lanes.state, action)
    living = ~lanes.ended & ~lanes.over[:, None]
    terminated = did.terminated & living
    ended = terminated | (did.truncated[:, None] & living)
    earned = lanes.earned + jnp.where(living, did.reward, 0.0)
    moment = Moment(living, did.reward, terminated, ended, earned, lanes.over)
    gone = (lanes.ended | ended) & ~lanes.over[:, None]
    state = _restarted(key, environment, lanes.over, state)
    return Lanes(state, jnp.all(gone, axis=1), gone, jnp.where(lanes.over[:, None], 0.0, earned)), moment


def _starts(key: jax.Array, environment: Environment, num: int) -> Any:
    """States `[num, ...]` at the start of episodes drawn at random from those of an evaluation."""
    k_episode, k_start = jax.random.split(key)
    episode = jax.random.randint(k_episode, (num,), 0, environment.episodes)
    return jax.vmap(environment.start)(jax.random.split(k_start, num), episode)


def _restarted(key: jax.Array, environment: Environment, over: jax.Array, state: Any) -> Any:
    """States `[N, ...]` with a start in place of those that are over; draws no starts where none is needed."""

    def started(over: jax.Array, state: Any, key: jax.Array) -> Any:
        choose = lambda new, old: jnp.where(over.reshape(-1, *[1] * (old.ndim - 1)), new, old)
        return jax.tree.map(choose, _starts(key, environment, over.shape[0]), state)

    return if_any(started)(over, state, key)


def lived(moment: Any, carry: Any, keys: jax.Array) -> tuple[Any, Any]:
    """`jax.lax.scan` of `moment(carry, key) -> (carry, told)`. Flags are gathered as numbers and told as flags again:
    of some widths (8 bodies) XLA's code for AVX-512 cannot store them from within a loop (jaxlib 0.10.2), and aborts.
    """
    told = jax.eval_shape(moment, carry, keys[0])[1]

    def numbered(carry: Any, key: jax.Array) -> tuple[Any, Any]:
        carry, out = moment(carry, key)
        return carry, jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if leaf.dtype == bool else leaf, out)

    carry, out = jax.lax.scan(numbered, carry, keys)
    return carry, jax.tree.map(lambda leaf, kind: leaf.astype(kind.dtype), out, told)


def summary(moments: Moment) -> dict[str, jax.Array]:
    """`agents.learning.base.MEASURES` of T moments `[T, ...]`."""
    ended = moments.ended
    total = jnp.sum(jnp.where(ended, moments.earned, 0.0))
    return {
        "agent_steps": jnp.sum(moments.living, dtype=jnp.int32),
        "episodes": jnp.sum(ended, dtype=jnp.int32),
        "mean_return": jnp.where(jnp.any(ended), total / jnp.sum(ended), jnp.nan),
    }


def longer(lived: jax.Array, steps: jax.Array) -> jax.Array:
    """Agent-steps so far [] int32 after some more; from `LONG` on nothing is counted, since no schedule is longer."""
    return jnp.minimum(lived + steps, LONG)


def mean(values: jax.Array, where: jax.Array) -> jax.Array:
    """Mean [] of those values that count; 0 if none does."""
    return jnp.sum(jnp.where(where, values, 0.0)) / jnp.maximum(jnp.sum(where), 1)
