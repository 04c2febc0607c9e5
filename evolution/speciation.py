"""Species as lines of descent: a child that has drifted too far from its species' type founds a new one.

Each creature carries the innovation ids and weights of its species' type specimen, so membership is decided
at birth, within the world, and depends on neither slots nor log intervals. With U genes that only one of two
genomes has, N genes in the larger and W the mean difference of the weights of shared genes, the distance is

    c1 U / max(N / 20, 1) + c3 W

which is that of Stanley & Miikkulainen (2002, eq. 1) with one coefficient for disjoint and excess genes, but for
20 or more genes its first term is 20 times theirs, U / N, and it has no jump at 20: thresholds differ accordingly.
Leaves out merging: two lines that converge stay two species.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from evolution.genome import Genome

STRUCTURE, WEIGHT = 1.0, 0.4  # coefficients c1 = c2 and c3 of the paper
SMALL = 20  # genes below which the count is not normalised


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Species:
    """Membership, each `[N, ...]`."""

    name: jax.Array  # [N] int32 uid of the creature that founded the species
    innovation: jax.Array  # [N, C] int32 of the type specimen
    weight: jax.Array  # [N, C]


def distance(innovation: jax.Array, weight: jax.Array, other: jax.Array, other_weight: jax.Array) -> jax.Array:
    """Compatibility distance of two genomes given as innovation ids `[C]` (-1 none) and weights `[C]`."""
    match = (innovation[:, None] == other[None, :]) & (innovation[:, None] >= 0)
    shared = jnp.any(match, axis=1)
    num_shared = jnp.sum(shared)
    size, other_size = jnp.sum(innovation >= 0), jnp.sum(other >= 0)
    unshared = size + other_size - 2 * num_shared
    gap = jnp.where(shared, jnp.abs(weight - other_weight[jnp.argmax(match, axis=1)]), 0.0)
    normal = jnp.maximum(jnp.maximum(size, other_size), SMALL) / SMALL
    return STRUCTURE * unshared / normal + WEIGHT * jnp.sum(gap) / jnp.maximum(num_shared, 1)


def first_species(genome: Genome) -> Species:
    """All founders of a world `[N]` are one species, whose type is the first of them."""
    num = genome.node.shape[0]
    return Species(
        name=jnp.zeros(num, jnp.int32),
        innovation=jnp.broadcast_to(genome.innovation[:1], genome.innovation.shape),
        weight=jnp.broadcast_to(genome.weight[:1], genome.weight.shape),
    )


def join(threshold: float, parent: Species, genome: Genome, uid: jax.Array) -> Species:
    """Species of one child: its mother's, or a new one named after itself."""
    far = distance(parent.innovation, parent.weight, genome.innovation, genome.weight) > threshold
    return Species(
        name=jnp.where(far, uid, parent.name),
        innovation=jnp.where(far, genome.innovation, parent.innovation),
        weight=jnp.where(far, genome.weight, parent.weight),
    )
