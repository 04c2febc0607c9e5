"""The world of `sim` as a PettingZoo environment (Terry et al. 2021): every creature is an agent, newborn too.

Agents act at the same time and are named by their serial numbers, `creature_0`, `creature_1`, …, which no other ever
gets. A creature that dies is told so once, with its last reward, and leaves `agents`; a newborn joins them after the
tick in which it was born, with a body like its mother's. Rewards, ticks and keys are those of `Foraging`. Needs the
extra `interfaces`. Leaves out inheritance of minds: that is the trainer's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Discrete, Space
from gymnasium.utils import seeding
from pettingzoo import ParallelEnv

from agents import features
from agents.environments import checks, foraging
from agents.environments.functional import case
from agents.environments.gymnasium_env import SEEDS
from agents.environments.gymnasium_env import foraging as environment_of_keys
from agents.environments.limits import observations
from sim import senses
from sim.config import WorldConfig, WorldParams
from sim.world import World


@partial(jax.jit, static_argnums=0)
def _begun(env: foraging.Foraging, key: jax.Array) -> tuple[World, jax.Array]:
    """World of an episode and observations `[N, I]`."""
    params = foraging.veiled(env.params, jax.random.key_data(key))
    world = foraging.genesis(env, params, key, jnp.full(env.clones, env.connections))
    return world, _seen(env, params, world)


@partial(jax.jit, static_argnums=0)
def _ticked(
    env: foraging.Foraging, key: jax.Array, world: World, action: jax.Array
) -> tuple[World, jax.Array, jax.Array, jax.Array]:
    """World after the actions `[N, A]`, observations of its slots, and meals and who died `[N]` by slots as before."""
    params, before = foraging.veiled(env.params, jax.random.key_data(key)), world
    act = lambda key, mind, memory, obs: (memory, mind)
    world = foraging.tick(env, params, key, act, before, action, None)[0]
    meal, died = foraging.eaten(before, world), before.alive & ~world.alive
    if env.breeding:
        world = foraging.bred(env, params, key, world, jnp.zeros(world.num_slots, bool))
    return world, _seen(env, params, world), meal, died


def _seen(env: foraging.Foraging, params: WorldParams, world: World) -> jax.Array:
    chosen = jax.vmap(features.chosen(env.world, env.features))(senses.observe(env.world, params, world))
    return jnp.where(world.alive[:, None], chosen, 0.0)


class ForageParallel(ParallelEnv):
    """Creatures that forage, and breed if `breeding`. Actions are vectors in -1…1 or, if `discrete`, indices.

    Without breeding `possible_agents` are the founders; with it there is no such list, for nobody knows who will be
    born. Observations of the dead are zeros.
    """

    metadata = {"name": "firstword_forage_v0", "render_modes": []}  # noqa: RUF012  as PettingZoo declares it
    render_mode = None

    def __init__(self, env: foraging.Foraging, discrete: bool = False):
        checks.keywords(env)
        checks.keyword("discrete", discrete, bool, {})
        if env.company != "none":
            raise checks.wrong("company", env.company, "'none'; here all creatures are agents")
        self.env = env
        low, high = observations(env)
        self._acts: Space = Discrete(len(env.menu)) if discrete else Box(*env.bounds, (len(env.ends[1]),), np.float32)
        self._seen: Space = Box(low, high, dtype=np.float32)
        self._menu = np.asarray(env.menu, np.float32) if discrete else None
        self._key: jax.Array | None = None
        self._episode: jax.Array | None = None
        self._count = 0
        self.agents: list[str] = []
        if not env.breeding:
            self.possible_agents = [_name(uid) for uid in range(env.clones)]

    def observation_space(self, agent: str) -> Space:
        return self._seen

    def action_space(self, agent: str) -> Space:
        return self._acts

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """Starts an episode; as `gymnasium_env.Single` does it."""
        if seed is None and self._key is None:
            seed = int(seeding.np_random()[0].integers(SEEDS))
        if seed is not None:
            self._key, self._count = jax.random.key(seed), 0
        episode = jax.random.fold_in(self._key, self._count)
        self._episode = jax.random.fold_in(episode, case(self.env, episode))
        self._count += 1
        self._world, seen = _begun(self.env, self._episode)
        self._uid = np.arange(self._world.num_slots)
        self._uid[self.env.clones :] = -1
        self._alive = np.asarray(self._world.alive)
        self.agents = [_name(uid) for uid in self._uid[self._alive]]
        seen = np.asarray(seen)
        return {name: seen[i].copy() for i, name in enumerate(self.agents)}, {name: {} for name in self.agents}

    def step(self, actions: Mapping[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """One tick. ValueError unless `actions` has an action of its space for each of `agents`, and no other."""
        if not self.agents:
            raise ResetNeeded("step() while there are no agents: reset() starts an episode")
        acts = self._checked(actions)
        slot = {_name(self._uid[i]): i for i in np.flatnonzero(self._alive)}
        told = np.full((len(self._uid), len(self.env.ends[1])), np.nan, np.float32)
        for name, action in acts.items():
            told[slot[name]] = action if self._menu is None else self._menu[action]
        self._world, seen, meal, died = _ticked(self.env, self._episode, self._world, told)
        late = int(self._world.tick) >= self.env.ticks
        seen, meal, died = (np.asarray(part) for part in (seen, meal, died))
        uid, alive = np.asarray(self._world.uid), np.asarray(self._world.alive)
        mother = np.asarray(self._world.mother)
        born = alive & (uid != self._uid)
        after = slot | {_name(uid[i]): i for i in np.flatnonzero(born)}
        gone = {name for name, i in slot.items() if died[i]}
        reward = {name: float(meal[i]) if name in slot else 0.0 for name, i in after.items()}
        obs = {name: np.zeros_like(seen[i]) if name in gone else seen[i].copy() for name, i in after.items()}
        info: dict = {name: {} for name in after}
        info |= {_name(uid[i]): {"mother": _name(mother[i])} for i in np.flatnonzero(born)}
        terminated = {name: name in gone for name in after}
        truncated = {name: late and name not in gone for name in after}
        self._uid, self._alive = uid, alive
        self.agents = [] if late else [name for name in after if name not in gone]
        return obs, reward, terminated, truncated, info

    def _checked(self, actions: Mapping[str, Any]) -> dict[str, np.ndarray]:
        if not isinstance(actions, Mapping):
            raise checks.wrong("actions", actions, "a dict of an action for each of env.agents")
        living = set(self.agents)
        for name, action in actions.items():
            if name not in living:
                raise checks.wrong(f"actions[{name!r}]", action, "left out: there is no such agent in env.agents")
        for name in self.agents:
            if name not in actions:
                raise checks.wrong("actions", actions, f"an action for each of env.agents; {name!r} has none")
        num, discrete = len(self.env.ends[1]) if self._menu is None else len(self._menu), self._menu is not None
        return {name: checks.chosen(f"actions[{name!r}]", act, num, discrete) for name, act in actions.items()}


def _name(uid: int) -> str:
    return f"creature_{uid}"


def parallel_env(discrete: bool = False, **keys: Any) -> ForageParallel:
    """Keywords as `gymnasium_env.foraging` takes them; `clones` are the founders."""
    keys = {"clones": 8, "breeding": True} | keys
    world = keys.pop("world", None)
    if not isinstance(world, WorldConfig):
        world = {"max_agents": 64, "births_at_once": 8} | dict(world or {})
    return ForageParallel(environment_of_keys(world=world, **keys), discrete)
