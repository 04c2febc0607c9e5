"""Adam (Kingma & Ba 2015) on clipped gradients, by the optax library, an extra: `pip install firstword[rl]`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from agents.learned import Weights

EPSILON = 1e-5  # that of most implementations of PPO, larger than the library's own


def fresh(weights: Weights) -> Any:
    """What the optimiser knows before its first step."""
    return _adam(0.0).init(weights)


def descend(
    rate: jax.Array | float, max_gradient: jax.Array | float, gradient: Weights, weights: Weights, state: Any
) -> tuple[Weights, Any]:
    """Weights, and what the optimiser knows, after a step of `rate` against a gradient clipped to a global norm."""
    step, state = _adam(max_gradient).update(gradient, state)
    return jax.tree.map(lambda weight, change: weight - rate * change, weights, step), state


def annealed(rate: jax.Array | float, anneal: jax.Array | float, lived: jax.Array) -> jax.Array:
    """The learning rate after so many agent-steps: falling to 0 over `anneal` of them, if that is above 0."""
    left = 1 - lived / jnp.maximum(anneal, 1.0)
    return rate * jnp.where(jnp.asarray(anneal) > 0, jnp.maximum(left, 0.0), 1.0)


def _adam(max_gradient: jax.Array | float) -> Any:
    import optax  # slow to import, and an extra

    return optax.chain(optax.clip_by_global_norm(max_gradient), optax.scale_by_adam(eps=EPSILON))
