"""Children of a generational population: who their parents are, and what becomes of their genes.

All children are crossed and their numbers mutated in one pass. Few of them change in structure, which costs most,
so those are worked on in turns. Leaves out who may be a parent (`neat_algorithm`, `genetic`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from evolution.crossover import crossover
from evolution.genome import BrainConfig, Genome
from evolution.mutation import MutationParams, chances, mutate_numbers, restructure
from sim.fence import fenced_by

TURNS = 8  # parts of a large population of which each may change in structure at a time
LEAST = 256  # children of a turn below which starting kernels costs more than they do


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Parents:
    """Who begets each of P children: indices into the population."""

    first: jax.Array  # [P] int32, the fitter
    second: jax.Array  # [P] int32
    crossed: jax.Array  # [P] bool: has two parents
    copied: jax.Array  # [P] bool: is an unchanged champion
    mutated: jax.Array  # [P] bool


def children(
    key: jax.Array,
    brain: BrainConfig,
    mutation: MutationParams,
    inputs: int,
    outputs: int,
    genome: Genome,
    parents: Parents,
    generation: jax.Array,
    structure: bool = True,
) -> Genome:
    """One child `[P, ...]` for each row of parents in `genome` `[P, ...]`; `structure`: topology may change too.

    Those that change in structure are worked on side by side, so that a part of them is a slice, and then put back.
    """
    num = parents.first.shape[0]
    apart = partial(fenced_by, mutation.weights >= 0)
    scale = jnp.float32(1)

    def mix(key, first, second, crossed):
        return _choose(crossed, crossover(key[0], first, second), first)

    def alter(key, base, mutated):
        return _choose(mutated, mutate_numbers(key[1], brain, mutation, outputs, scale, base), base)

    keys = apart(lambda k: jax.vmap(lambda one: jax.random.split(one, 2))(jax.random.split(k, num)), key)
    altered = parents.mutated & ~parents.copied
    flags = jax.vmap(lambda k, may: chances(k[1], mutation, scale) & may)(keys, altered)
    many = jnp.sum(jnp.any(flags, axis=1), dtype=jnp.int32)
    if structure:
        order, place = _first(jnp.any(flags, axis=1))
        keys, flags, altered, parents = jax.tree.map(lambda leaf: leaf[order], (keys, flags, altered, parents))
    mothers = apart(_rows, genome, parents.first)
    told = replace(genome, source=None, target=None, born=None)  # all that a father gives
    fathers = apart(_rows, told, parents.second)
    young = apart(jax.vmap(mix), keys, mothers, fathers, parents.crossed)
    young = apart(jax.vmap(alter), keys, young, altered)
    if not structure:
        return young
    batch = min(max(-(-num // TURNS), LEAST), num)
    change = jax.vmap(lambda k, f, g: restructure(k[1], f, brain, mutation, inputs, g, generation))

    def turn(i, grown):
        start = jnp.minimum(i * batch, num - batch)
        part = jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, start, batch), (keys, flags, grown))
        fresh = start + jnp.arange(batch, dtype=jnp.int32) >= i * batch  # the last turn may overlap: not twice
        new = change(part[0], part[1] & fresh[:, None], part[2])
        put = lambda all_, rows: jax.lax.dynamic_update_slice_in_dim(all_, rows, start, 0)
        return jax.tree.map(put, grown, new)

    return _rows(jax.lax.fori_loop(0, -(-many // batch), turn, young), place)


def _first(flag: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Indices `[P]` of those with the flag `[P]`, then of the others, both in their order; and where each one went."""
    place = jnp.where(flag, jnp.cumsum(flag) - 1, jnp.sum(flag) + jnp.cumsum(~flag) - 1)
    order = jnp.zeros_like(place).at[place].set(jnp.arange(flag.shape[0], dtype=place.dtype), unique_indices=True)
    return order, place


def _choose(flag: jax.Array, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda a, b: b if a is b else jnp.where(flag, a, b), new, old)  # what is the same is not copied


def _rows(tree: Any, index: jax.Array) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], tree)
