"""Foraging as a task: minds live one life in the world of `sim`, nobody breeds, and what they eat is their fitness.

`shared`: all minds of a population meet in one world and eat one another's food, so fitness is relative to the
company. `own`: each mind has worlds to itself, in the same landscapes as every other mind. Minds are the world's own,
sparse and recurrent (`agents.network`): measured, they cost less there than dense ones, and a champion may be put into
a living world as it is. Worlds, keys and ticks are those of `agents.environments.foraging`, in which others learn.
Leaves out births and inherited bodies. After the stage of ad hoc fitness in PolyWorld, before its creatures breed by
themselves (Yaeger 1994).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from agents import features, network
from agents.environments import foraging
from agents.environments.foraging import Foraging
from evolution.genome import BrainConfig, Genome, express, num_connections
from sim import actions, senses, step
from sim.body import FOUNDER
from sim.config import WorldConfig, WorldParams
from sim.config import key as tunable
from sim.world import World

MODES = ("shared", "own")
CACHED = 64  # small worlds that a processor's cache holds: more at once cost half as much again, each


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Lives:
    """How E·k lives of each mind ended: `[..., E, k]`, k clones in each of E worlds."""

    intake: jax.Array  # float32 energy that digestion left of plants, carrion and prey in a life
    age: jax.Array  # int32 ticks lived
    cause: jax.Array  # int32 index into `sim.world.CAUSES`; 0 for those who lived to the end


@dataclass(frozen=True)
class Forage:
    """Observations and outputs are the senses and acts of the world; the act of breeding has no effect."""

    mode: str = tunable("shared", "all minds meet in one world, or each has worlds of its own", choices=MODES)
    ticks: int = tunable(500, "length of a life that nothing ends earlier", low=1, high=1_000_000, unit="ticks")
    episodes: int = tunable(4, "lives per evaluation, in as many landscapes, the same for all minds", low=1, high=1000)
    clones: int = tunable(1, "creatures that each mind has in a world", low=1, high=10_000, unit="creatures")
    target: float = tunable(
        0.0, "mean net intake of a life with which the task is solved; 0: never", low=0, high=1e9, unit="energy"
    )
    exam: int = tunable(
        16, "fresh worlds of its own in which a solution must reach the target as well; 0: none", low=0, high=1000
    )
    blind: bool = tunable(False, "control: the living of a world get one another's observations")
    company: str = tunable(
        "none",
        "scripted creatures that every world has besides, whose fitness does not count",
        choices=foraging.COMPANY,
    )
    company_num: int = tunable(
        8, "such creatures in a world, unless company is none", low=1, high=10_000, unit="creatures"
    )
    company_diet: float = tunable(0.2, "their diet, 0 herbivore to 1 carnivore", low=0, high=1)
    features: str = tunable(
        "raw",
        "what minds observe: the senses as they are, or ten hand-made features of them",
        choices=features.FEATURES,
    )

    world: WorldConfig = WorldConfig()
    params: WorldParams = WorldParams()

    in_world = True

    @property
    def inputs(self) -> int:
        return len(self.ends[0])

    @property
    def outputs(self) -> int:
        return len(actions.names(self.world))

    @property
    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return self.environment.ends

    @property
    def environment(self) -> Foraging:
        """The worlds that a mind has to itself, as an environment."""
        return Foraging(
            **{name: getattr(self, name) for name in ("world", "params", "ticks", "episodes", "clones", "features")},
            **{name: getattr(self, name) for name in ("company", "company_num", "company_diet")},
        )

    @property
    def steps(self) -> int:
        return self.ticks

    @property
    def ceiling(self) -> float:
        """Energy of a life that eats a full mouthful, and bites one off if it can bite, in every tick."""
        mouthful = self.params.mouth + (self.params.bite_mouthful if self.world.bite else 0.0)
        return self.ticks * mouthful * FOUNDER["size"]

    @property
    def threshold(self) -> float:
        """Fitness that passes; infinite without a target."""
        return self.target or jnp.inf

    @property
    def exams(self) -> tuple[Forage, ...]:
        """The same life alone, or among clones, in other landscapes: against luck and against weak company."""
        if not (self.exam and self.target):
            return ()
        clones = max(self.clones, 2 if self.blind else 1)  # the blind need somebody to get observations from
        return (replace(self, mode="own", episodes=self.exam, clones=clones, exam=0),)

    def lived(self, finals: Lives) -> jax.Array:
        return finals.age.sum((-2, -1))

    def assess(
        self, config: BrainConfig, keys: jax.Array, genome: Genome, skip: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array, Lives]:
        """As `evolution.evaluation.evaluate`: fitness and passes `[W, P]`, and lives `[W, P, E, k]`."""
        brain = jax.vmap(jax.vmap(lambda one: express(config, self.inputs, one)))(genome)
        act = self._policy(config)
        weights = jax.vmap(jax.vmap(num_connections))(genome)
        finals = lives(self, keys, act, (brain, network.blank_memory(brain), weights), skip)
        fitness = jnp.mean(finals.intake, axis=(-2, -1))
        return fitness, fitness >= self.threshold, finals

    def _policy(self, config: BrainConfig) -> step.Act:
        """`act` of network minds that observe what `features` says, and learn within a life if they are plastic."""
        named = self.ends[0]
        reward = named.index("self.gain") if config.plasticity == "reward" else 0
        act = network.policy(config.activations, self.outputs, config.plasticity, reward)
        choose = features.chosen(self.world, self.features)
        return lambda key, mind, memory, obs: act(key, mind, memory, choose(obs))


def lives(task: Forage, keys: jax.Array, act: step.Act, minds: Any, skip: jax.Array | None = None) -> Lives:
    """Lives `[W, P, E, k]` of minds that think by `act`, in runs with keys `[W]`.

    `minds` are what `act` takes for mind and memory, trees of `[W, P, ...]`, and the connections that cost upkeep
    `[W, P]`. The creatures of runs to `skip` `[W]` are not born. Minds that never meet live in parts on processors,
    one part after the other, which changes nothing but the time that it takes.
    """
    runs, num = minds[2].shape
    most = CACHED // (runs * task.episodes) if jax.default_backend() == "cpu" else num
    size = next((size for size in range(min(most, num), 1, -1) if num % size == 0), num)
    if task.mode == "shared" or size == num:
        return _lived(task, keys, act, minds, skip)
    part = lambda leaf: jnp.moveaxis(leaf.reshape(runs, -1, size, *leaf.shape[2:]), 1, 0)
    out = jax.lax.map(lambda some: _lived(task, keys, act, some, skip), jax.tree.map(part, minds))
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, 1).reshape(runs, num, *leaf.shape[3:]), out)


def _lived(task: Forage, keys: jax.Array, act: step.Act, minds: Any, skip: jax.Array | None) -> Lives:
    """`lives` of minds that live side by side, in batches `[W, E, G]` of worlds of N creatures.

    Shared has G = 1 world for all minds, own one for each.
    """
    (runs, num), env = minds[2].shape, task.environment
    worlds = num if task.mode == "own" else 1
    settle = lambda leaf: jnp.repeat(leaf, task.clones, axis=1).reshape(runs, worlds, -1, *leaf.shape[2:])
    mind, memory, weights = jax.tree.map(settle, minds)  # [W, G, B, ...]
    bodies = weights.shape[2]
    lodge = lambda leaf: jnp.concatenate([leaf, jnp.repeat(leaf[:, :, :1], env.others, axis=2)], axis=2)
    mind, memory = jax.tree.map(lodge, (mind, memory))  # [W, G, N, ...]: what the company has is not used
    company = jnp.broadcast_to(jnp.arange(bodies + env.others) >= bodies, (runs, worlds, bodies + env.others))
    params = foraging.veiled(task.params, jax.random.key_data(keys))
    episode = jnp.arange(task.episodes, dtype=jnp.int32)
    keys = jax.vmap(lambda key: jax.vmap(lambda e: jax.random.fold_in(key, e))(episode))(keys)  # [W, E]
    world = _each(lambda key, cost: foraging.genesis(env, params, key, cost), 1)(keys, weights)
    if skip is not None:
        world = replace(world, alive=world.alive & ~skip.reshape(-1, 1, 1, 1))
    memory = jax.tree.map(lambda leaf: jnp.repeat(leaf[:, None], task.episodes, axis=1), memory)
    blindfold, told = senses.shuffled if task.blind else None, foraging.among(env, params, act)

    def tick(key: jax.Array, mind: Any, world: World, memory: Any) -> tuple[World, Any]:
        return foraging.tick(env, params, key, told, world, mind, memory, blindfold)

    def more(carry: tuple[jax.Array, World, Any]) -> jax.Array:
        return (carry[0] < task.ticks) & jnp.any(carry[1].alive[..., :bodies])

    def advance(carry: tuple[jax.Array, World, Any]) -> tuple[jax.Array, World, Any]:
        return carry[0] + 1, *_each(tick, 1)(keys, (company, mind), *carry[1:])

    _, world, _ = jax.lax.while_loop(more, advance, (jnp.int32(0), world, memory))
    by_mind = lambda leaf: jnp.moveaxis(leaf[..., :bodies].reshape(runs, task.episodes, num, task.clones), 1, 2)
    cause = jnp.where(world.alive, 0, world.cause)
    return jax.tree.map(by_mind, Lives(world.eaten_plant + world.eaten_meat, world.age, cause))


def _each(function: Any, unspread: int) -> Any:
    """`function` of one world applied to keys `[W, E]`, `unspread` trees `[W, G, ...]` and others `[W, E, G, ...]`."""

    def apply(keys: jax.Array, *trees: Any) -> Any:
        own, rest = [0] * unspread, [0] * (len(trees) - unspread)
        groups = jax.vmap(function, (None, *own, *rest))
        episodes = jax.vmap(groups, (0, *([None] * unspread), *rest))
        return jax.vmap(episodes)(keys, *trees)

    return apply
