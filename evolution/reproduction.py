"""Children of a generational population: who their parents are, and what becomes of their genes.

All children are crossed and their numbers mutated in one pass. Few of them change in structure, which costs most,
so those are gathered and worked on in turns. Leaves out who may be a parent (`neat_algorithm`, `genetic`).
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
    """One child `[P, ...]` for each row of parents in `genome` `[P, ...]`; `structure`: topology may change too."""
    num = parents.first.shape[0]
    apart = partial(fenced_by, mutation.weights >= 0)
    scale = jnp.float32(1)

    def mix(key, first, second, crossed):
        return _choose(crossed, crossover(key[0], first, second), first)

    def alter(key, base, mutated):
        new = mutate_numbers(key[1], brain, mutation, outputs, scale, base)
        return _choose(mutated, new, base), chances(key[1], mutation, scale) & mutated

    keys = apart(lambda k: jax.vmap(lambda one: jax.random.split(one, 2))(jax.random.split(k, num)), key)
    mothers = apart(_rows, genome, parents.first)
    told = replace(genome, source=None, target=None, born=None)  # all that a father gives
    fathers = apart(_rows, told, parents.second)
    young = apart(jax.vmap(mix), keys, mothers, fathers, parents.crossed)
    young, flags = apart(jax.vmap(alter), keys, young, parents.mutated & ~parents.copied)
    if not structure:
        return young
    changes = jnp.any(flags, axis=1)
    many = jnp.sum(changes, dtype=jnp.int32)
    who = jnp.nonzero(changes, size=num, fill_value=0)[0]
    batch = min(max(-(-num // TURNS), LEAST), num)
    change = jax.vmap(lambda k, f, g: restructure(k[1], f, brain, mutation, inputs, g, generation))

    def turn(i, grown):
        start = jnp.minimum(i * batch, num - batch)  # the last turn may overlap: not twice
        index = jax.lax.dynamic_slice(who, (start,), (batch,))
        place = start + jnp.arange(batch, dtype=jnp.int32)
        new = change(keys[index], flags[index], _rows(young, index))  # not of `grown`, which would be copied
        to = jnp.where((place >= i * batch) & (place < many), index, num + place)  # beyond the end: dropped
        put = lambda all_, part: all_.at[to].set(part, mode="drop", unique_indices=True)
        return jax.tree.map(put, grown, new)

    return jax.lax.fori_loop(0, -(-many // batch), turn, young)


def _choose(flag: jax.Array, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda a, b: b if a is b else jnp.where(flag, a, b), new, old)  # what is the same is not copied


def _rows(tree: Any, index: jax.Array) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], tree)
