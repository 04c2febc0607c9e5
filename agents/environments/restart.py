"""Work that is done only if anybody asks for it, whatever it is vmapped over: new episodes cost more than a step.

A condition under `vmap` becomes a choice, for which both sides are computed for all in every step. Here the condition
is lifted out of each `vmap` instead: it is whether anybody at all asks. Leaves out how a new episode starts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def if_any(change: Callable[..., Any]) -> Callable[..., Any]:
    """`change(asked, state, *given)`, which gives a state of the same shapes, or `state` if none in `asked` is true.

    `change` must leave alone those for whom `asked` is false: it is computed for all if it is true of one.
    """

    @jax.custom_batching.custom_vmap
    def apply(asked: jax.Array, state: Any, *given: Any) -> Any:
        return jax.lax.cond(jnp.any(asked), change, lambda asked, state, *given: state, asked, state, *given)

    @apply.def_vmap
    def of_many(size: int, batched: list[Any], *args: Any) -> tuple[Any, Any]:
        lift = lambda leaf, has: leaf if has else jnp.broadcast_to(leaf, (size, *jnp.shape(leaf)))
        args = jax.tree.map(lift, args, tuple(batched))
        out = if_any(jax.vmap(change))(*args)
        return out, jax.tree.map(lambda _: True, out)

    return apply
