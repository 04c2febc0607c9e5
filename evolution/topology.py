"""Paths through a genome: which node reaches which, and how deep each lies; for feed-forward networks.

A feed-forward genome has no cycle in its genes, enabled or not, so that switching one on again cannot make
one. Reachability is Warshall's algorithm (1962) on rows of bits: M steps on M rows of M/32 words.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from evolution.genome import Genome, place

WORD = 32


def reached(genome: Genome) -> jax.Array:
    """Bits `[M, ceil(M/32)]` uint32: bit j of row i says that unit j can be reached from unit i by genes."""
    units = genome.node.shape[0]
    words = -(-units // WORD)
    real = genome.innovation >= 0
    source, target = place(genome, genome.source), place(genome, genome.target)
    between = real & (source < units) & (target < units)
    bit = jnp.where(between, jnp.uint32(1) << (target % WORD).astype(jnp.uint32), jnp.uint32(0))
    rows = jnp.zeros((units, words), jnp.uint32)
    # each pair is one gene at most, so adding is a logical or
    rows = rows.at[jnp.where(between, source, 0), jnp.where(between, target // WORD, 0)].add(bit)

    def through(k: jax.Array, rows: jax.Array) -> jax.Array:
        passes = (rows[:, k // WORD] >> (k % WORD).astype(jnp.uint32)) & 1
        return rows | jnp.where(passes[:, None] > 0, rows[k][None, :], jnp.uint32(0))

    return jax.lax.fori_loop(0, units, through, rows)


def path(rows: jax.Array, start: jax.Array, end: jax.Array) -> jax.Array:
    """Whether unit `end` can be reached from unit `start`, by the bits of `reached`; any equal shapes."""
    word = rows[start, end // WORD]
    return (word >> (end % WORD).astype(jnp.uint32)) & 1 > 0
