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
CHUNK = 8


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Genes:
    """The connection genes that a distance needs: `[C]` of one genome, or `[C, P]` of many."""

    innovation: jax.Array  # int32, -1 for none
    weight: jax.Array
    born: jax.Array  # int32


def genes(genome: Genome, index: jax.Array | None = None) -> Genes:
    """Of genomes `[P, C]` as `[C, P]`, or of those at `index`; C is rounded up to whole chunks."""
    more = -genome.innovation.shape[-1] % CHUNK

    def column(leaf: jax.Array, blank: int) -> jax.Array:
        leaf = leaf if index is None else leaf[index]
        return jnp.pad(leaf, [(0, 0), (0, more)], constant_values=blank).T

    return Genes(column(genome.innovation, -1), column(genome.weight, 0), column(genome.born, 0))


def distances(one: Genes, many: Genes, excess: jax.Array, disjoint: jax.Array, weight: jax.Array) -> jax.Array:
    """Distance `[P]` of one genome `[C]` to each of many `[C, P]`; c1, c2 and c3 are the coefficients.

    Only chunks of rows that hold genes are visited, on both sides, so empty room costs nothing.
    """
    num = many.innovation.shape[1]
    ours = one.innovation >= 0
    newest = jnp.max(jnp.where(ours, one.born, -1))
    ours_chunks = _chunks(ours)
    theirs_chunks = _chunks(jnp.any(many.innovation >= 0, axis=1))

    def visit(turn, carry):
        num_shared, gap_sum, size, latest, later = carry
        rows = jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, turn * CHUNK, CHUNK), many)

        def compare(other, carry):
            shared, gap = carry
            mine = jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, other * CHUNK, CHUNK), one)
            for j in range(CHUNK):  # written out: one pass over the rows serves a chunk of genes
                same = (rows.innovation == mine.innovation[j]) & (mine.innovation[j] >= 0)
                gap = gap + jnp.where(same, jnp.abs(rows.weight - mine.weight[j]), 0.0)
                shared |= same
            return shared, gap

        nothing = (jnp.zeros((CHUNK, num), bool), jnp.zeros((CHUNK, num)))
        shared, gap = jax.lax.fori_loop(0, ours_chunks, compare, nothing)
        real = rows.innovation >= 0
        return (
            num_shared + jnp.sum(shared, axis=0),
            gap_sum + jnp.sum(gap, axis=0),
            size + jnp.sum(real, axis=0),
            jnp.maximum(latest, jnp.max(jnp.where(real, rows.born, -1), axis=0)),
            later + jnp.sum(real & ~shared & (rows.born > newest), axis=0),
        )

    zero = jnp.zeros(num, jnp.int32)
    start = (zero, jnp.zeros(num), zero, zero - 1, zero)
    num_shared, gap, other_size, other_newest, later = jax.lax.fori_loop(0, theirs_chunks, visit, start)
    size = jnp.sum(ours)
    # a gene that both have is never later than all of the other's, unless it arose twice: hence the bound
    mine_later = jnp.sum(ours[:, None] & (one.born[:, None] > other_newest[None, :]), axis=0)
    unshared = size + other_size - 2 * num_shared
    num_excess = later + jnp.minimum(mine_later, size - num_shared)
    normal = jnp.maximum(size, other_size)
    normal = jnp.where(normal < SMALL, 1, normal)
    structure = (excess * num_excess + disjoint * (unshared - num_excess)) / normal
    return structure + weight * gap / jnp.maximum(num_shared, 1)


def _chunks(used: jax.Array) -> jax.Array:
    """Chunks that cover the last used row of `[C]`."""
    last = jnp.max(jnp.where(used, jnp.arange(used.shape[0], dtype=jnp.int32) + 1, 0))
    return -(-last // CHUNK)
