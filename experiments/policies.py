"""How creatures of every kind think, and what of it their children get: evolved networks, scripts and learned policies.

Every creature is asked by every kind that is present, and follows its own. Evolved minds have genomes of their own;
all creatures of a learned kind share its weights, which are numbers of the run and pass unchanged from parent to
child. What a mind keeps from tick to tick is blank at birth. Leaves out the world's part (`sim.step`, `sim.breeding`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from agents import learned, network, scripted
from agents.learned import Weights
from agents.network import Memory
from evolution import natural
from evolution.genome import num_connections
from evolution.mutation import MutationParams
from evolution.natural import Mind
from sim import senses
from sim.breeding import Inherit
from sim.config import WorldParams
from sim.step import Act

if TYPE_CHECKING:
    from experiments.rollout import Setting

KINDS = ("evolved", "random", "greedy", "learned")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Memories:
    """What minds keep from tick to tick where some are learned. Each creature has room for every kind's, [N, ...]."""

    evolved: Memory | None
    learned: tuple[jax.Array | None, ...]  # of each of `Setting.networks`


def policy(setting: Setting, params: WorldParams, weights: tuple[Weights, ...] = ()) -> Act:
    """`act` for minds of the setting's kinds; with several, each creature follows its own kind.

    `weights` are those of one world for each of `Setting.networks`.
    """
    config = setting.world
    names = senses.names(config)
    reward = names.index("self.gain") if setting.brain.plasticity == "reward" else 0  # `checks` sees to the sense

    def named(kind: str):
        if kind == "random":
            return scripted.random_policy(config)
        if kind == "greedy":
            return scripted.greedy_policy(config, params)
        act = network.policy(setting.brain.activations, setting.outputs, setting.brain.plasticity, reward)
        return lambda key, mind, memory, obs: act(key, mind.brain, memory, obs)

    present = sorted(set(setting.kinds) - {"learned"})  # "evolved" comes first, and is the one with a memory
    acts = [named(kind) for kind in present]
    if len(acts) == 1 and not setting.networks:
        return acts[0]
    taught = [learned.policy(shape) for shape in setting.networks]
    place = iter(range(len(present), len(present) + len(taught)))
    which = jnp.asarray([next(place) if kind == "learned" else present.index(kind) for kind in setting.kinds])

    def act(key, mind, memory, obs):
        own = memory.evolved if taught else memory
        results = [one(key, mind, own, obs) for one in acts]
        kept = results[0][0] if results else own
        if taught:
            results += [one(key, *rest, obs) for one, *rest in zip(taught, weights, memory.learned, strict=True)]
            kept = Memories(kept, tuple(new for new, _ in results[len(acts) :]))
        return kept, jnp.stack([action for _, action in results])[which[mind.kind]]

    return act


def blank_memory(setting: Setting, mind: Mind) -> Memory | Memories | None:
    """Memory of the newborn, for minds `[N, ...]`."""
    own = natural.newborn_memory(mind)
    if not setting.networks:
        return own
    every = lambda leaf: jnp.broadcast_to(leaf, (*mind.kind.shape, *leaf.shape))
    return Memories(own, tuple(jax.tree.map(every, learned.blank_memory(shape)) for shape in setting.networks))


def thought(setting: Setting, mind: Mind) -> jax.Array:
    """What minds `[N, ...]` have of that for which `brain_cost` is paid, `[N]`: connections, or weights if learned."""
    genome = mind.genome
    own = jnp.zeros(mind.kind.shape) if genome is None else jax.vmap(num_connections)(genome).astype(jnp.float32)
    return own + _weights(setting)[mind.kind]


def _weights(setting: Setting) -> jax.Array:
    """Weights of each kind that is learned, 0 for others: `[kinds]` float32."""
    shapes = iter(setting.networks)
    numbers = [learned.num_weights(next(shapes)) if kind == "learned" else 0 for kind in setting.kinds]
    return jnp.asarray(numbers, jnp.float32)


def inheritance(setting: Setting, params: MutationParams) -> Inherit:
    """`natural.inheritance`; the learned breed true, and their children begin with a blank memory."""
    mutation = params if setting.mutate else None
    inherit = natural.inheritance(setting.brain, mutation, setting.inputs, setting.outputs, setting.world.sexual)
    if not setting.networks:
        return inherit

    def with_learned(keys, minds, body, mother, father, slot, uid):
        mind, memory = minds
        (mind, own), young, brain = inherit(keys, (mind, memory.evolved), body, mother, father, slot, uid)
        fresh = tuple(map(learned.blank_memory, setting.networks))
        blank = lambda new, old: old.at[slot].set(new, mode="drop")
        memory = Memories(own, jax.tree.map(blank, fresh, memory.learned))
        return (mind, memory), young, brain + _weights(setting)[mind.kind[mother]]

    return with_learned
