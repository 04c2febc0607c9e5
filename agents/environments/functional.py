"""Environments of one body as pure functions in the manner of gymnax (Lange 2022), which JAX training libraries take.

`reset` and `step` have gymnax's signatures and `step` begins a new episode when one is over; the last observation of
the old one is in `info`, with `terminated` and `truncated`, which gymnax joins in `done`. The numbers of the world
are traced parameters, so that one program can train in many worlds. Leaves out environments of several bodies.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp

from agents.environments import checks
from agents.environments.base import Environment
from agents.environments.foraging import Foraging
from agents.environments.limits import observations
from agents.environments.restart import if_any
from sim.config import WorldParams


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class EnvParams:
    """What gymnax calls the parameters of an environment."""

    world: WorldParams | None  # numbers of the world; None in environments that have none
    max_steps_in_episode: int = field(metadata={"static": True})


@dataclass(frozen=True)
class Discrete:
    """Choices 0…n-1, as gymnax has them."""

    n: int
    shape = ()
    dtype = jnp.int32

    def sample(self, key: jax.Array) -> jax.Array:
        return jax.random.randint(key, (), 0, self.n)

    def contains(self, x: jax.Array) -> jax.Array:
        return (x >= 0) & (x < self.n)


@dataclass(frozen=True)
class Box:
    """Arrays of numbers between `low` and `high`, as gymnax has them."""

    low: Any
    high: Any
    shape: tuple[int, ...]
    dtype = jnp.float32

    def sample(self, key: jax.Array) -> jax.Array:
        return jax.random.uniform(key, self.shape, minval=self.low, maxval=self.high)

    def contains(self, x: jax.Array) -> jax.Array:
        return jnp.all((x >= self.low) & (x <= self.high))


@dataclass(frozen=True)
class Functional:
    """An environment of one body. `discrete`: actions are indices into its menu, else vectors within its bounds."""

    environment: Environment
    discrete: bool = True

    def __post_init__(self) -> None:
        if self.environment.bodies != 1:
            raise ValueError(f"bodies = {self.environment.bodies}: must be 1 where an environment has one agent")
        if isinstance(self.environment, Foraging):
            checks.keywords(self.environment)
            checks.alone(self.environment)
        checks.keyword("discrete", self.discrete, bool, {})

    @property
    def name(self) -> str:
        return type(self.environment).__name__

    @property
    def num_actions(self) -> int:
        """Choices, or numbers of a continuous action."""
        return len(self.environment.menu if self.discrete else self.environment.ends[1])

    @property
    def default_params(self) -> EnvParams:
        return EnvParams(getattr(self.environment, "params", None), self.environment.steps)

    def action_space(self, params: EnvParams | None = None) -> Any:
        if self.discrete:
            return _spaces()[0](self.num_actions)
        return _spaces()[1](*self.environment.bounds, (self.num_actions,))

    def observation_space(self, params: EnvParams | None = None) -> Any:
        low, high = self.observation_limits
        return _spaces()[1](low, high, low.shape)

    @property
    def observation_limits(self) -> tuple[Any, Any]:
        """Least and greatest observations `[I]` where they are known, else infinite."""
        if isinstance(self.environment, Foraging):
            return observations(self.environment)
        unknown = jnp.full(len(self.environment.ends[0]), jnp.inf)
        return -unknown, unknown

    def reset(self, key: jax.Array, params: EnvParams | None = None) -> tuple[jax.Array, Any]:
        """First observation `[I]` and state of an episode drawn by `key`."""
        return self.reset_env(key, params)

    def reset_env(self, key: jax.Array, params: EnvParams | None = None) -> tuple[jax.Array, Any]:
        env = self._with(params)
        state = env.start(key, case(env, key))
        return env.observe(state)[0], state

    def step(
        self, key: jax.Array, state: Any, action: jax.Array, params: EnvParams | None = None
    ) -> tuple[jax.Array, Any, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Observation, state, reward, done and info; after the end, those of the start of another, drawn by `key`."""
        params = self.default_params if params is None else params
        obs, state, reward, done, info = self.step_env(key, state, action, params)
        data = jax.random.key_data(key)
        obs, state = if_any(self._restarted)(done, (obs, state), data, params)
        return obs, state, reward, done, info

    def step_env(
        self, key: jax.Array, state: Any, action: jax.Array, params: EnvParams | None = None
    ) -> tuple[jax.Array, Any, jax.Array, jax.Array, dict[str, jax.Array]]:
        """One step without a new start. `key` is not needed: what is random follows from that of the start."""
        del key
        env = self._with(params)
        acts = jnp.asarray(env.menu, jnp.float32)[action] if self.discrete else action
        state, told = env.step(state, acts[None])
        obs, terminated = env.observe(state)[0], told.terminated[0]
        info = {"terminated": terminated, "truncated": told.truncated, "final_obs": obs}
        info["discount"] = 1.0 - terminated
        return obs, state, told.reward[0], terminated | told.truncated, info

    def _with(self, params: EnvParams | None) -> Environment:
        if params is None or params.world is None:
            return self.environment
        return replace(self.environment, params=params.world)  # type: ignore[type-var]

    def _restarted(self, done: jax.Array, last: Any, data: jax.Array, params: EnvParams) -> Any:
        new = self.reset_env(jax.random.wrap_key_data(data), params)
        return jax.tree.map(lambda new, old: jnp.where(done, new, old), new, last)


def case(environment: Environment, key: jax.Array) -> jax.Array:
    """The episode [] int32, of those that an evaluation has, that starts with this key."""
    return jax.random.randint(jax.random.fold_in(key, environment.episodes), (), 0, environment.episodes)


def _spaces() -> tuple[Any, Any]:
    """gymnax's spaces where it is installed, since libraries ask `isinstance` of them, else the like."""
    try:
        from gymnax.environments import spaces
    except ImportError:
        return Discrete, Box
    return spaces.Discrete, spaces.Box
