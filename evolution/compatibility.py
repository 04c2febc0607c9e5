"""Compatibility distance of NEAT genomes (Stanley & Miikkulainen 2002, eq. 1): δ = c1·E/N + c2·D/N + c3·W.

E counts excess genes: those that arose after all of the other genome's, by generation; D the other unshared,
disjoint ones; W is the mean difference of shared weights; N the number of genes of the larger genome, or 1
if both are small. Genomes come with the population as the last axis, so that a few representatives are compared
with everybody in one pass of C comparisons per gene.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from evolution.genome import Genome

CHUNK = 8


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Genes:
    """The connection genes of P genomes that a distance needs."""

    innovation: jax.Array  # [C, P] int32, -1 for none
    weight: jax.Array  # [C, P] finite; a gene of another weight counts as not shared
    born: jax.Array  # [C, P] int32
    size: jax.Array  # [P] int32 genes
    newest: jax.Array  # [P] int32 when the last of them arose, -1 for none

    def __getitem__(self, index: Any) -> Genes:
        """Some of them: `index` is a slice or int32 `[B]`."""
        return jax.tree.map(lambda leaf: leaf[..., index], self)


def genes(genome: Genome, index: jax.Array | None = None) -> Genes:
    """Of genomes `[P, C]` as `[C, P]`, or of those at `index`; C is rounded up to whole chunks."""
    more = -genome.innovation.shape[-1] % CHUNK

    def column(leaf: jax.Array, blank: int) -> jax.Array:
        leaf = leaf if index is None else leaf[index]
        return jnp.pad(leaf, [(0, 0), (0, more)], constant_values=blank).T

    return aligned(column(genome.innovation, -1), column(genome.weight, 0), column(genome.born, 0))


def aligned(innovation: jax.Array, weight: jax.Array, born: jax.Array) -> Genes:
    """Genes of genomes from their columns `[C, P]`; C is a multiple of CHUNK."""
    real = innovation >= 0
    newest = jnp.max(jnp.where(real, born, -1), axis=0)
    return Genes(innovation, weight, born, jnp.sum(real, axis=0, dtype=jnp.int32), newest)


def distances(
    some: Genes, many: Genes, excess: jax.Array, disjoint: jax.Array, weight: jax.Array, normalise_from: jax.Array
) -> jax.Array:
    """Distances `[B, P]` of some genomes to each of many; c1, c2 and c3 are the coefficients.

    N is the number of genes of the larger genome if it has `normalise_from` or more, else 1. Only chunks of rows
    that hold genes are visited, on both sides, so empty room costs nothing.
    """
    nothing = jnp.zeros((some.size.shape[0], many.size.shape[0]), jnp.int32)

    def visit(turn, carry):
        shared, gap = carry
        innovation, value = (_chunk(leaf, turn) for leaf in (many.innovation, many.weight))
        found = _twin_weights(some, innovation)
        for j in range(CHUNK):  # written out, as sums along the first axis are slow
            both = found[:, j] < jnp.inf
            shared = shared + both
            gap = gap + jnp.where(both, jnp.abs(value[j] - found[:, j]), 0.0)
        return shared, gap

    start = nothing, nothing.astype(jnp.float32)
    shared, gap = jax.lax.fori_loop(0, _chunks(many.innovation >= 0), visit, start)
    # only unlike coefficients need to know which of the unshared genes are excess
    num_excess = jax.lax.cond(excess == disjoint, lambda: nothing, lambda: _excess(some, many, shared))
    size = some.size[:, None]
    normal = jnp.maximum(size, many.size)
    normal = jnp.where(normal < normalise_from, 1, jnp.maximum(normal, 1))
    structure = (excess * num_excess + disjoint * (size + many.size - 2 * shared - num_excess)) / normal
    return structure + weight * gap / jnp.maximum(shared, 1)


def _excess(some: Genes, many: Genes, shared: jax.Array) -> jax.Array:
    """Excess genes `[B, P]` of both sides together; `shared` `[B, P]` is the number of genes they share."""
    later = (many.innovation >= 0) & (many.born > some.newest[:, None, None])
    later &= _twin_weights(some, many.innovation) == jnp.inf
    mine = (some.innovation >= 0)[:, :, None] & (some.born[:, :, None] > many.newest)  # [C, B, P]
    # a gene that both have is never later than all of the other's, unless it arose twice: hence the bound
    return jnp.sum(later, axis=1) + jnp.minimum(jnp.sum(mine, axis=0), some.size[:, None] - shared)


def _twin_weights(some: Genes, innovation: jax.Array) -> jax.Array:
    """Weights `[B, R, P]` that some genomes give to the genes `innovation` `[R, P]` of others; infinite without one."""
    sought = jnp.where(some.innovation >= 0, some.innovation, -2)  # meets no empty row

    def compare(turn, found):
        ids, values = _chunk(sought, turn), _chunk(some.weight, turn)
        for j in range(CHUNK):  # written out: one pass over the rows serves a chunk of genes
            found = jnp.where(innovation == ids[j, :, None, None], values[j, :, None, None], found)
        return found

    missing = jnp.full((some.size.shape[0], *innovation.shape), jnp.inf, jnp.float32)  # weights are finite
    return jax.lax.fori_loop(0, _chunks(some.innovation >= 0), compare, missing)


def _chunk(leaf: jax.Array, turn: jax.Array) -> jax.Array:
    return jax.lax.dynamic_slice_in_dim(leaf, turn * CHUNK, CHUNK)


def _chunks(used: jax.Array) -> jax.Array:
    """Chunks that cover the last row of `[C, P]` that is used anywhere."""
    used = jnp.any(used, axis=1)
    last = jnp.max(jnp.where(used, jnp.arange(used.shape[0], dtype=jnp.int32) + 1, 0))
    return -(-last // CHUNK)
