"""Fences between phases, against XLA's habit of computing shared values anew in every kernel that uses them.

On CPU, XLA fuses a chain of cheap element-wise steps into each of its consumers, and a tick has chains with
dozens of consumers: without fences it takes twice as long. `optimization_barrier` does not survive to the
fusion pass there; a conditional does, so a fenced phase is the branch always taken of one. On other devices
conditionals are dear and fusion is welcome, so there is no fence. The values are the same either way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from sim.config import WorldParams


def fenced(params: WorldParams, phase: Callable[..., Any], *args: Any) -> Any:
    """`phase(*args)` computed as a whole. Leaves that the phase hands through are not copied."""
    # true by its range, which XLA does not know; equal for all worlds of a batch
    return fenced_by(params.mouth >= 0, phase, *args)


def fenced_by(always: jax.Array, phase: Callable[..., Any], *args: Any) -> Any:
    """`phase(*args)` as a whole; `always` [] is true, which the compiler must not be able to find out."""
    if jax.default_backend() != "cpu":
        return phase(*args)
    leaves, structure = jax.tree.flatten(args)
    seen: dict[str, Any] = {}

    def changed(*values: Any) -> list[Any]:
        out, tree = jax.tree.flatten(phase(*jax.tree.unflatten(structure, values)))
        seen["tree"] = tree
        seen["from"] = [next((i for i, value in enumerate(values) if value is leaf), None) for leaf in out]
        return [jnp.asarray(leaf) for leaf, source in zip(out, seen["from"], strict=True) if source is None]

    shapes = jax.eval_shape(changed, *leaves)
    blank = lambda *_: [jnp.zeros(shape.shape, shape.dtype) for shape in shapes]
    fresh = iter(jax.lax.cond(always, changed, blank, *leaves))
    return jax.tree.unflatten(seen["tree"], [next(fresh) if i is None else leaves[i] for i in seen["from"]])
