"""Creatures of several kinds that are to live in one world: their genomes in one brain config, and their bodies.

Worlds hold genomes in arrays of one shape, so minds of different runs get the least config that has room for all of
them; none of their networks changes. What cannot be brought together is refused by name. Leaves out where minds come
from (`experiments.minds`) and what becomes of them (`experiments.arena`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from evolution.genome import BrainConfig, Genome, founder, widened
from evolution.natural import Mind, minds_of
from experiments.errors import UserError
from experiments.minds import Kind
from sim.body import Body

T = TypeVar("T")


def joined(kinds: Sequence[Kind]) -> BrainConfig | None:
    """The least config, otherwise as the first, with room for the genomes of all kinds; None if none has any.

    Raises `UserError` for two rules of plasticity.
    """
    brains = [(kind.name, brain) for kind in kinds for brain in kind.brains]
    rules = {brain.plasticity: name for name, brain in brains if brain.plasticity != "none"}
    if len(rules) > 1:
        (one, name), (other, second) = list(rules.items())[:2]
        raise UserError(f"--minds: {name} learns by plasticity {one!r} and {second} by {other!r}, so they cannot meet")
    if not brains:
        return None
    return replace(
        brains[0][1],
        hidden=max(brain.hidden for _, brain in brains),
        connections=max(brain.connections for _, brain in brains),
        activations=tuple(dict.fromkeys(name for _, brain in brains for name in brain.activations)),
        plasticity=next(iter(rules), "none"),
    )


def fitted(genome: Genome, own: BrainConfig, into: BrainConfig, outputs: int) -> Genome:
    """Genomes `[K, ...]` of one config as genomes of the `joined` one: the same networks, with more room.

    In a config with plasticity, those of one without it get learning rates of 0, which learn nothing.
    """
    place = jnp.asarray([into.activations.index(name) for name in own.activations], jnp.int32)
    rate = jnp.zeros_like(genome.rate) if own.plasticity != into.plasticity else genome.rate
    genome = replace(genome, activation=place[genome.activation], rate=rate, born=None)
    return widened(genome, outputs + into.hidden, into.connections)


def picked(key: jax.Array, tree: T, number: int) -> T:
    """`number` rows of a tree `[K, ...]` drawn evenly at random (with repeats only if there are fewer), on the host."""
    total = jax.tree.leaves(tree)[0].shape[0]
    order = np.tile(np.asarray(jax.random.permutation(key, total)), -(-number // total))[:number]
    return jax.tree.map(lambda leaf: np.asarray(leaf)[order], tree)


def drawn(
    key: jax.Array, kind: Kind, into: BrainConfig, ends: tuple[int, int], trial: int, number: int
) -> tuple[Mind, Body | None]:
    """Minds of kind 0 in the config `into`, and bodies if they have their own, of `number` creatures, on the host.

    The genomes of those who do not think with them are empty. `ends` are the numbers of inputs and outputs. Fewer
    creatures from the same key are the first of more.
    """
    brain, body = kind.founders or into, None
    if kind.pools:
        brain, genome, body = kind.pools[trial % len(kind.pools)]
        genome, body = picked(key, (genome, body), number)
    else:
        genome = _founders(key, brain, ends, number)
    if kind.thinks != "evolved":
        nothing = np.zeros(genome.enabled.shape, bool)
        genome = replace(genome, enabled=nothing, innovation=np.full(nothing.shape, -1, np.int32))
    return jax.tree.map(np.asarray, (_minds(genome, brain, into, ends), body))


@partial(jax.jit, static_argnums=(1, 2, 3))
def _founders(key: jax.Array, brain: BrainConfig, ends: tuple[int, int], number: int) -> Genome:
    return jax.vmap(lambda one: founder(one, brain, *ends))(jax.random.split(key, number))


@partial(jax.jit, static_argnums=(1, 2, 3))
def _minds(genome: Genome, own: BrainConfig, into: BrainConfig, ends: tuple[int, int]) -> Mind:
    return minds_of(into, ends[0], fitted(genome, own, into, ends[1]))
