"""How learning can guide evolution: the model of Hinton & Nowlan (1987, Complex Systems 1:495-502).

A genotype has 20 loci with alleles 0, 1 and `?`. A net is good only if every connection is right (1), so fitness is a
needle in a haystack. A learner guesses its `?` anew in each of 1,000 trials and stops when all are right: fitness is
1 + 19 n / 1000, where n trials were left. What was learned is not inherited. Selection is proportional to fitness,
children are crossed at one point, and nothing mutates. The trials are not played one by one: when the first right
guess comes is drawn from its geometric distribution, which is the same. The reference for `evolution.lifetime`.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

LOCI, AGENTS, TRIALS = 20, 1000, 1000
BEST = 20.0  # fitness of one who is right at birth
WRONG, RIGHT, OPEN = 0, 1, 2  # alleles; OPEN is the paper's `?`


class Shares(NamedTuple):
    """Of all alleles of a population, and of those who were rewarded, each [G]; generation 0 are the founders."""

    wrong: jax.Array
    right: jax.Array
    open: jax.Array
    found: jax.Array  # share of agents who hit the target within their trials


def founders(key: jax.Array, learning: bool) -> jax.Array:
    """Genotypes `[P, loci]`: alleles 0 and 1 with chance ¼ and `?` with ½, or 0 and 1 alone with ½ each."""
    weight = jnp.array([0.25, 0.25, 0.5] if learning else [0.5, 0.5, 0.0])
    return jax.random.choice(key, 3, (AGENTS, LOCI), p=weight).astype(jnp.int32)


def trials_left(key: jax.Array, genotype: jax.Array) -> jax.Array:
    """Trials `[P]` int32 that are left when all guesses are right; 0 if that is never, all if it is so at birth.

    With q open loci a trial succeeds with chance 2^-q, so the first success comes after ceil(ln U / ln(1 - 2^-q)).
    """
    chance = 0.5 ** jnp.sum(genotype == OPEN, axis=1)
    uniform = jax.random.uniform(key, chance.shape, minval=jnp.finfo(jnp.float32).tiny)
    taken = jnp.where(chance == 1, 0, jnp.ceil(jnp.log(uniform) / jnp.log1p(-jnp.minimum(chance, 0.5))))
    able = jnp.all(genotype != WRONG, axis=1)
    return jnp.where(able, jnp.maximum(TRIALS - taken, 0), 0).astype(jnp.int32)


def fitness(left: jax.Array) -> jax.Array:
    """Of those who had so many trials left."""
    return 1 + (BEST - 1) * left / TRIALS


def children(key: jax.Array, genotype: jax.Array, worth: jax.Array) -> jax.Array:
    """The next generation `[P, loci]`: two parents each, drawn in proportion to fitness, crossed at one point."""
    k_parents, k_point = jax.random.split(key)
    first, second = jax.random.choice(k_parents, AGENTS, (2, AGENTS), p=worth / jnp.sum(worth))
    point = jax.random.randint(k_point, (AGENTS, 1), 1, LOCI)
    return jnp.where(jnp.arange(LOCI) < point, genotype[first], genotype[second])


@partial(jax.jit, static_argnums=(1, 2))
def evolved(key: jax.Array, generations: int, learning: bool = True) -> Shares:
    """What becomes of one population; `vmap` over keys for more."""
    k_founders, k_evolve = jax.random.split(key)

    def generation(genotype: jax.Array, number: jax.Array) -> tuple[jax.Array, Shares]:
        k_learn, k_breed = jax.random.split(jax.random.fold_in(k_evolve, number))
        left = trials_left(k_learn, genotype)
        share = lambda allele: jnp.mean(genotype == allele)
        now = Shares(share(WRONG), share(RIGHT), share(OPEN), jnp.mean(left > 0))
        return children(k_breed, genotype, fitness(left)), now

    return jax.lax.scan(generation, founders(k_founders, learning), jnp.arange(generations))[1]
