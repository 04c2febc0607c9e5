"""Natural inheritance: what a world calls to make the minds and bodies of its newborn.

Only the B rows of a delivery are computed. Each row's randomness comes from its own key, so the outcome
does not depend on slots. Leaves out any fitness: who breeds is decided in the world.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from agents.network import Brain, Memory, blank_memory
from evolution.body import inherit_body
from evolution.crossover import crossover
from evolution.genome import BrainConfig, Genome, express, founder, num_connections
from evolution.mutation import MutationParams, mutate
from evolution.speciation import Species, first_species, join
from sim.body import GENES, Body


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Mind:
    """What a creature thinks with. `kind` says which policy it follows and is inherited unchanged."""

    kind: jax.Array  # [N] int32
    genome: Genome | None  # each [N, ...]; None when no kind of mind has one
    brain: Brain | None
    species: Species | None


def founders(key: jax.Array, config: BrainConfig, inputs: int, outputs: int, num: int) -> Mind:
    """`num` minimal network minds of kind 0."""
    genome = jax.vmap(lambda k: founder(k, config, inputs, outputs))(jax.random.split(key, num))
    return minds_of(config, inputs, genome)


def minds_of(config: BrainConfig, inputs: int, genome: Genome) -> Mind:
    """Network minds of kind 0 from genomes `[N, ...]`."""
    brain = jax.vmap(lambda g: express(config, inputs, g))(genome)
    kind = jnp.zeros(genome.node.shape[0], jnp.int32)
    return Mind(kind=kind, genome=genome, brain=brain, species=first_species(genome))


def scripted(kind: int, num: int) -> Mind:
    """`num` minds without a genome."""
    return Mind(kind=jnp.full(num, kind, jnp.int32), genome=None, brain=None, species=None)


def inheritance(
    config: BrainConfig, params: MutationParams | None, inputs: int, outputs: int, sexual: bool
) -> Callable:
    """The `inherit` that `sim.breeding.deliver` wants, for `minds = (Mind, Memory)`.

    Without `params` children are copies (or crossovers) of their parents, bodies too.
    """

    def child(key: jax.Array, mother: Genome, father: Genome, has_father: jax.Array, scale: jax.Array) -> Genome:
        k_cross, k_mutate = jax.random.split(key)
        genome = mother
        if sexual:
            mixed = crossover(k_cross, mother, father)
            genome = jax.tree.map(lambda new, old: jnp.where(has_father, new, old), mixed, mother)
        if params is None:
            return genome
        return mutate(k_mutate, config, params, inputs, outputs, scale, genome)

    def inherit(keys, minds, body, mother, father, slot, uid):
        mind, memory = minds
        sire = jnp.where(father >= 0, father, mother)
        bodies = Body(**{name: getattr(body, name)[mother] for name in GENES})
        sires = Body(**{name: getattr(body, name)[sire] for name in GENES})
        split = jax.vmap(lambda k: jax.random.split(k, 2))(keys)
        young = jax.vmap(lambda k, m, f: inherit_body(k, params, m, f))(split[:, 0], bodies, sires)
        kind = mind.kind.at[slot].set(mind.kind[mother], mode="drop")
        if mind.genome is None:
            return (replace(mind, kind=kind), memory), young, jnp.zeros(slot.shape[0])

        def rows(tree, index):
            return jax.tree.map(lambda leaf: leaf[index], tree)

        def put(tree, new):
            return jax.tree.map(lambda old, row: old.at[slot].set(row, mode="drop"), tree, new)

        genome = jax.vmap(child)(
            split[:, 1], rows(mind.genome, mother), rows(mind.genome, sire), father >= 0, bodies.mutation
        )
        brain = jax.vmap(lambda g: express(config, inputs, g))(genome)
        species = jax.vmap(lambda s, g, u: join(config.species_distance, s, g, u))(
            rows(mind.species, mother), genome, uid
        )
        mind = Mind(kind, put(mind.genome, genome), put(mind.brain, brain), put(mind.species, species))
        minds = (mind, put(memory, blank_memory(brain)))
        return minds, young, jax.vmap(num_connections)(genome).astype(jnp.float32)

    return inherit


def newborn_memory(mind: Mind) -> Memory | None:
    """Blank memory for minds of any number."""
    return None if mind.brain is None else blank_memory(mind.brain)
