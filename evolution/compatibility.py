"""Compatibility distance of NEAT genomes (Stanley & Miikkulainen 2002, eq. 1): δ = c1·E/N + c2·D/N + c3·W.

E counts excess genes: those that arose after all of the other genome's, by generation; D the other unshared,
disjoint ones; W is the mean difference of shared weights; N the number of genes of the larger genome, or 1
if both have fewer than 20. Genomes come with the population as the last axis, so that one representative is
compared with everybody in one pass of C comparisons per gene.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from evolution.genome import Genome

SMALL = 20  # genes below which N is 1


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Genes:
    """The connection genes that a distance needs: `[C]` of one genome, or `[C, P]` of many."""

    innovation: jax.Array  # int32, -1 for none
    weight: jax.Array
    born: jax.Array  # int32


def genes(genome: Genome) -> Genes:
    """Of one genome `[C]`, or of many `[P, C]` as `[C, P]`."""
    return Genes(genome.innovation.T, genome.weight.T, genome.born.T)


def distances(one: Genes, many: Genes, excess: jax.Array, disjoint: jax.Array, weight: jax.Array) -> jax.Array:
    """Distance `[P]` of one genome `[C]` to each of many `[C, P]`; c1, c2 and c3 are the coefficients."""
    length = one.innovation.shape[0]

    def compare(j, carry):
        shared, gap = carry
        same = (many.innovation == one.innovation[j]) & (one.innovation[j] >= 0)
        return shared | same, gap + jnp.where(same, jnp.abs(many.weight - one.weight[j]), 0.0)

    nothing = (jnp.zeros(many.innovation.shape, bool), jnp.zeros(many.innovation.shape))
    shared, gap = jax.lax.fori_loop(0, length, compare, nothing, unroll=min(length, 16))
    ours, theirs = one.innovation >= 0, many.innovation >= 0
    num_shared = jnp.sum(shared, axis=0)
    size = jnp.sum(ours)
    other_size = jnp.sum(theirs, axis=0)
    newest = jnp.max(jnp.where(ours, one.born, -1))
    other_newest = jnp.max(jnp.where(theirs, many.born, -1), axis=0)
    later = jnp.sum(theirs & ~shared & (many.born > newest), axis=0)
    # a shared gene is never later than all genes of the other, unless it arose twice: then it is counted here
    mine_later = jnp.sum((ours & (one.born > 0))[:, None] & (one.born[:, None] > other_newest[None, :]), axis=0)
    unshared = size + other_size - 2 * num_shared
    num_excess = jnp.minimum(later + jnp.minimum(mine_later, size - num_shared), unshared)
    normal = jnp.maximum(size, other_size)
    normal = jnp.where(normal < SMALL, 1, normal)
    structure = (excess * num_excess + disjoint * (unshared - num_excess)) / normal
    return structure + weight * jnp.sum(gap, axis=0) / jnp.maximum(num_shared, 1)
