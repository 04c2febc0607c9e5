"""Foraging in the world of `sim` as an environment: k bodies of one policy, and company that acts by a script.

A body's reward is the energy that digestion left it of what it ate in this tick, so that a life's return is the
lifetime intake that `evolution.tasks.forage` selects for; worlds, keys and ticks are one code for both. The first
slots are the policy's. The company are rivals for the same food and, where creatures bite, prey; with `breeding`
they live, breed true and die as in a natural world. Leaves out births of the policy's own bodies, which never breed,
and enemies that hunt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp

from agents import features, scripted
from agents.environments.base import Step
from sim import actions, breeding, senses, step
from sim.body import GENES, Body, founder_bodies
from sim.config import WorldConfig, WorldParams
from sim.config import key as tunable
from sim.fence import fenced
from sim.world import World

COMPANY = ("none", "random", "greedy")
TURNS = (-1.0, -0.5, 0.0, 0.5, 1.0)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """A world and what is seen in it. The key is kept as numbers, so that a state is plain arrays."""

    world: World
    seen: jax.Array  # [N, I] float32 observations: the company acts by them, the policy observes them
    key: jax.Array  # [2] uint32, of this episode


@dataclass(frozen=True)
class Foraging:
    """Observations are the senses of the world, or `agents.features` of them; actions are its acts.

    Bodies are those of founders, with diets drawn as `params` say. Breeding, the fourth act, has no effect.
    """

    world: WorldConfig = WorldConfig()
    params: WorldParams = WorldParams()
    ticks: int = tunable(500, "length of an episode", low=1, high=1_000_000, unit="ticks")
    episodes: int = tunable(4, "episodes of an evaluation", low=1, high=1000)
    clones: int = tunable(1, "B, bodies of the policy", low=1, high=10_000)
    company: str = tunable("none", "the script of the other creatures", choices=COMPANY)
    company_num: int = tunable(8, 'other creatures at the start, unless company is "none"', low=1, high=10_000)
    company_diet: float = tunable(0.2, "their diet, 0 herbivore to 1 carnivore", low=0, high=1)
    breeding: bool = tunable(False, "the company breeds: slots are `world.max_agents`")
    connections: float = tunable(0.0, "for which each body of the policy pays `params.brain_cost`", low=0)
    features: str = tunable("raw", "the senses as they are, or hand-made features of them", choices=features.FEATURES)

    @property
    def bodies(self) -> int:
        return self.clones

    @property
    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return features.names(self.world, self.features), actions.names(self.world)

    @property
    def bounds(self) -> tuple[float, float]:
        return -1.0, 1.0

    @property
    def menu(self) -> tuple[tuple[float, ...], ...]:
        """Five turns, creeping or full speed, eating or not, biting or not where creatures bite; breeding is chosen
        always, giving, toggling and calling never."""
        choices: dict[str, tuple[float, ...]] = {"turn": TURNS, "thrust": (-0.8, 1.0), "eat": (-1.0, 1.0)}
        choices |= {"breed": (1.0,), "bite": (-1.0, 1.0)}
        return tuple(product(*(choices.get(name, (-1.0,)) for name in actions.names(self.world))))

    @property
    def steps(self) -> int:
        return self.ticks

    @property
    def others(self) -> int:
        """Creatures of the company at the start."""
        return 0 if self.company == "none" else self.company_num

    def start(self, key: jax.Array, episode: jax.Array) -> State:
        data = jax.random.key_data(jax.random.fold_in(key, episode))
        params = veiled(self.params, data)
        cost = jnp.full(self.clones, self.connections)
        world = genesis(self, params, jax.random.wrap_key_data(data), cost)
        return State(world=world, seen=_seen(self, params, world), key=data)

    def observe(self, state: State) -> jax.Array:
        mine = _mine(self, state.world)
        chosen = jax.vmap(features.chosen(self.world, self.features))(state.seen[: self.clones])
        return jnp.where(mine[:, None], chosen, 0.0)

    def step(self, state: State, action: jax.Array) -> tuple[State, Step]:
        key, params, before = jax.random.wrap_key_data(state.key), veiled(self.params, state.key), state.world
        other = jnp.arange(before.num_slots) >= self.clones
        acted = jnp.zeros((before.num_slots, action.shape[1])).at[: self.clones].set(action)
        told = among(self, params, lambda key, mind, memory, obs: (memory, mind[0]))
        act = lambda key, mind, memory, obs: told(key, mind, memory, mind[1][1])  # spares looking a second time
        world = tick(self, params, key, act, before, (other, (acted, state.seen)), None)[0]
        mine = _mine(self, before)
        meal = eaten(before, world)[: self.clones]
        if self.breeding:
            barren = jnp.zeros(world.num_slots, bool).at[: self.clones].set(_mine(self, world))
            world = bred(self, params, key, world, barren)
        over = ~_mine(self, world)
        late = (world.tick >= self.ticks) & ~jnp.all(over)
        told_of = Step(reward=jnp.where(mine, meal, 0.0), terminated=over, truncated=late)
        return State(world=world, seen=_seen(self, params, world), key=state.key), told_of


def genesis(env: Foraging, params: WorldParams, key: jax.Array, weights: jax.Array) -> World:
    """The world of one episode's `key`, settled by a creature for each of `weights` `[B]`, the connections that cost
    it upkeep, and by the company.

    Places, headings and diets follow from the key and the order of slots alone: all are drawn alike, so that no
    index has an advantage.
    """
    k_world, k_diet = jax.random.split(jax.random.fold_in(key, 0))
    num, others = weights.shape[0], env.others
    low, high = params.founder_diet_low, params.founder_diet_high
    diet = low + (high - low) * jax.random.uniform(k_diet, (num,))
    diet = jnp.concatenate([diet, jnp.full(others, env.company_diet)])
    cost = jnp.concatenate([weights.astype(jnp.float32), jnp.zeros(others)])
    bodies: Body = replace(founder_bodies(num + others), diet=diet)
    slots = env.world.max_agents if env.breeding else num + others
    if slots < num + others:
        raise ValueError(f"world.max_agents = {slots}: must be at least the {num} bodies and their company of {others}")
    return step.genesis(k_world, env.world, params, slots, bodies, cost)


def tick(
    env: Foraging,
    params: WorldParams,
    key: jax.Array,
    act: step.Act,
    world: World,
    mind: Any,
    memory: Any,
    blindfold: Callable[..., jax.Array] | None = None,
) -> tuple[World, Any]:
    """World and memory after a tick of an episode with this `key`. `mind` and `memory` as `sim.step.tick` has them."""
    return step.tick(jax.random.fold_in(key, 1), env.world, params, act, world, mind, memory, blindfold)[:2]


def among(env: Foraging, params: WorldParams, act: step.Act) -> step.Act:
    """`act` of minds `(is company [] bool, mind)`: the company's script for the company, `act` for all others."""
    if env.company == "none":
        return lambda key, mind, memory, obs: act(key, mind[1], memory, obs)
    script = scripted.random_policy(env.world)
    if env.company == "greedy":
        script = scripted.greedy_policy(env.world, params)

    def either(key: jax.Array, mind: Any, memory: Any, obs: jax.Array) -> tuple[Any, jax.Array]:
        memory, action = act(key, mind[1], memory, obs)
        return memory, jnp.where(mind[0], script(key, None, None, obs)[1], action)

    return either


@jax.custom_batching.custom_vmap
def _one(data: jax.Array) -> jax.Array:
    """1.0, whatever the key data, which the compiler does not know."""
    return jnp.minimum(data.reshape(-1)[0] | 1, 1).astype(jnp.float32)


@_one.def_vmap
def _one_for_all(size: int, batched: list[bool], data: jax.Array) -> tuple[jax.Array, bool]:
    """The same number for all worlds of a batch: a number for each would make `select` of the fences' `cond`."""
    return _one(data), False


def veiled(params: WorldParams, data: jax.Array) -> WorldParams:
    """Params as numbers that the compiler takes for variables: constants would undo the fences of `sim.fence`.

    `data` are those of any key, of any shape.
    """
    return jax.tree.map(lambda value: jnp.float32(value) * _one(data), params)


def bred(env: Foraging, params: WorldParams, key: jax.Array, world: World, barren: jax.Array) -> World:
    """The world after the births that are due, if any: copies of their mothers, who are none of `barren` `[N]` bool."""
    index = actions.names(env.world).index("breed")
    chaste = world.action.at[:, index].set(jnp.where(barren, -1.0, world.action[:, index]))
    key = jax.random.fold_in(jax.random.fold_in(key, 2), world.tick)

    def inherit(keys, minds, body, mother, father, slot, uid):
        young = Body(**{name: getattr(body, name)[mother] for name in GENES})
        return minds, young, jnp.zeros(slot.shape[0])

    def deliver(world: World) -> World:
        willing = replace(world, action=chaste)
        born = breeding.deliver(key, env.world, params, inherit, willing, None)[0]
        return replace(born, action=jnp.where(barren[:, None], world.action, born.action))

    return jax.lax.cond(world.tick % env.world.birth_interval == 0, deliver, lambda world: world, world)


def eaten(before: World, after: World) -> jax.Array:
    """Energy that each slot's creature gained by eating in the tick between `[N]` float32."""
    return (after.eaten_plant - before.eaten_plant) + (after.eaten_meat - before.eaten_meat)


def _seen(env: Foraging, params: WorldParams, world: World) -> jax.Array:
    return fenced(params, lambda world: senses.observe(env.world, params, world), world)


def _mine(env: Foraging, world: World) -> jax.Array:
    """Which of the policy's bodies live `[B]`; the slots of the dead may have gone to newborn of the company."""
    slot = jnp.arange(env.clones)
    return world.alive[: env.clones] & (world.uid[: env.clones] == slot)
