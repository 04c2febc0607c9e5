"""Environments of one body for Gymnasium (Towers et al. 2024), one at a time and many at once in one compiled step.

`registration` gives them names. The k-th episode after `reset(seed=s)` starts from key `fold_in(key(s), k)`, counted
from 0, so that equal seeds and actions give equal trajectories, and copy i of a vector is what the single environment
is with seed s + i. Needs the extra `interfaces`. Leaves out rendering, which `viz` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from agents.environments import checks
from agents.environments.base import Environment
from agents.environments.foraging import Foraging
from agents.environments.functional import Functional
from sim.config import WorldConfig, WorldParams

WORLD = WorldConfig(
    width=32,
    height=32,
    bite=False,
    give=False,
    meat=False,
    scent=False,
    seasons=False,
    sound_channels=0,
    senses=("retina", "touch", "self"),
)
PARAMS = WorldParams(
    plant_start=0.05,
    plant_growth=0.002,
    plant_spread=0.0,
    seed_rate=0.001,
    seed_energy=1.0,
    max_turn=0.8,
    energy_capacity=60.0,
    founder_energy=0.1,
)
"""The world of `Forage-v0`: rare, rich fruit, some of it poison, as in the config `forage_task`."""
SEEDS = 1 << 31


def spaces(functional: Functional) -> tuple[Space, Space]:
    """Observation and action space of one agent."""
    low, high = (np.asarray(limit, np.float32) for limit in functional.observation_limits)
    acts: Space = Discrete(functional.num_actions)
    if not functional.discrete:
        acts = Box(*functional.environment.bounds, (functional.num_actions,), np.float32)
    return Box(low, high, dtype=np.float32), acts


@partial(jax.jit, static_argnums=0)
def _begun(functional: Functional, key: jax.Array, count: jax.Array) -> tuple[jax.Array, Any]:
    return functional.reset_env(jax.random.fold_in(key, count))


@partial(jax.jit, static_argnums=0)
def _stepped(functional: Functional, state: Any, action: jax.Array) -> tuple[Any, tuple]:
    # no key: what is random follows from that of the start
    obs, state, reward, _, info = functional.step_env(None, state, action)
    return state, (obs, reward, info["terminated"], info["truncated"])


@partial(jax.jit, static_argnums=0)
def _all_begun(functional: Functional, keys: jax.Array, count: jax.Array) -> tuple[jax.Array, Any]:
    return jax.vmap(functional.reset_env)(jax.vmap(jax.random.fold_in)(keys, count))


@partial(jax.jit, static_argnums=0)
def _all_stepped(functional: Functional, keys: jax.Array, count: jax.Array, state: Any, actions: jax.Array) -> tuple:
    following = jax.vmap(jax.random.fold_in)(keys, count)
    obs, state, reward, done, info = jax.vmap(functional.step)(following, state, actions)
    return count + done, state, (obs, reward, info["terminated"], info["truncated"], info["final_obs"])


class Single(gymnasium.Env):
    """One environment. Actions are vectors within its bounds or, if `discrete`, indices into its menu."""

    metadata = {"render_modes": []}  # noqa: RUF012  as Gymnasium declares it

    def __init__(self, environment: Environment, discrete: bool = False):
        self.functional = Functional(environment, discrete)
        self.observation_space, self.action_space = spaces(self.functional)
        self._key: jax.Array | None = None
        self._count, self._state = 0, None

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """Starts an episode. Without a seed it is the next one of the last seed; options have no effect."""
        super().reset(seed=seed)
        if seed is None and self._key is None:
            seed = int(self.np_random.integers(SEEDS))
        if seed is not None:
            self._key, self._count = jax.random.key(seed), 0
        obs, self._state = _begun(self.functional, self._key, self._count)
        self._count += 1
        return np.array(obs), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One step. ValueError for what is no choice of the menu, or no vector of finite numbers."""
        if self._state is None:
            raise gymnasium.error.ResetNeeded("step() before reset(): reset() starts an episode")
        functional = self.functional
        action = checks.chosen("action", action, functional.num_actions, functional.discrete)
        self._state, told = _stepped(functional, self._state, action)
        obs, reward, terminated, truncated = jax.device_get(told)
        return np.array(obs), float(reward), bool(terminated), bool(truncated), {}


class Many(VectorEnv):
    """`num_envs` copies in one compiled step, which start again in the step that ends them.

    The observation is then that of the new start; the last one of the old is `infos["final_obs"]`.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(self, environment: Environment, num_envs: int = 1, discrete: bool = False):
        checks.keyword("num_envs", num_envs, int, {"low": 1})
        self.num_envs, self.functional = num_envs, Functional(environment, discrete)
        self.single_observation_space, self.single_action_space = spaces(self.functional)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._keys: jax.Array | None = None
        self._count, self._state = jnp.zeros(num_envs, jnp.int32), None

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict | None = None
    ) -> tuple[np.ndarray, dict]:
        """Starts an episode in every copy; copy i has seed + i, or the i-th of a list."""
        super().reset(seed=seed if isinstance(seed, int) else None)
        if seed is None and self._keys is None:
            seed = int(self.np_random.integers(SEEDS))
        if seed is not None:
            seeds = range(seed, seed + self.num_envs) if isinstance(seed, int) else seed
            if len(seeds) != self.num_envs or any(one is None for one in seeds):
                raise ValueError(f"seed = {seed}: must be a number, or one for each of the {self.num_envs} copies")
            self._keys = jnp.stack([jax.random.key(int(one)) for one in seeds])
            self._count = jnp.zeros(self.num_envs, jnp.int32)
        obs, self._state = _all_begun(self.functional, self._keys, self._count)
        self._count = self._count + 1
        return np.array(obs), {}

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict]:
        """One step of every copy. ValueError as that of `Single.step`."""
        if self._state is None:
            raise gymnasium.error.ResetNeeded("step() before reset(): reset() starts the episodes")
        functional = self.functional
        acts = checks.chosen("actions", actions, functional.num_actions, functional.discrete, (self.num_envs,))
        self._count, self._state, told = _all_stepped(functional, self._keys, self._count, self._state, acts)
        obs, reward, terminated, truncated, last = (np.array(part) for part in jax.device_get(told))
        done, infos = terminated | truncated, {}
        if done.any():
            final = np.full(self.num_envs, None, dtype=object)
            for i in np.flatnonzero(done):
                final[i] = last[i]
            infos = {"final_obs": final, "_final_obs": done}
        return obs, reward, terminated, truncated, infos


def foraging(
    world: WorldConfig | Mapping[str, Any] | None = None,
    params: WorldParams | Mapping[str, Any] | None = None,
    **keys: Any,
) -> Foraging:
    """The environment of these keywords: fields of `Foraging`, whose `world` and `params` are whole records or those
    fields in which they differ from `WORLD` and `PARAMS`. TypeError for a field that there is not, ValueError for one
    out of range."""
    env = Foraging(world=_whole("world", world, WORLD), params=_whole("params", params, PARAMS), **keys)
    checks.keywords(env)
    return env


def _whole(name: str, given: Any, usual: Any) -> Any:
    """The record, or the usual one with the given fields."""
    if isinstance(given, type(usual)):
        return given
    if given is not None and not isinstance(given, Mapping):
        raise checks.wrong(name, given, f"a {type(usual).__name__}, or a dict of those fields that differ")
    return replace(usual, **(given or {}))


def forage(discrete: bool = False, render_mode: None = None, **keys: Any) -> Single:
    """`Forage-v0`. Keywords as `foraging` takes them."""
    return Single(foraging(**keys), discrete)


def forage_vector(num_envs: int = 1, discrete: bool = False, render_mode: None = None, **keys: Any) -> Many:
    """`Forage-v0`, many at once."""
    return Many(foraging(**keys), num_envs, discrete)
