"""One small world with everything on, and compiled ticks and deliveries of it, shared by the world tests.

Its sides are no powers of two, so that no vector unit is spared its remainders. Its creatures follow four
policies (network, random, still, greedy) chosen per creature, so that tests which need different minds share
one program. Totals are int32, exact for the 500 ticks that a stretch may last.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from agents import network, scripted
from evolution import natural
from evolution.genome import BrainConfig, num_connections
from evolution.mutation import MutationParams
from evolution.natural import Mind
from sim import actions, breeding, senses, step
from sim.body import FOUNDER, RANGES, Body
from sim.config import SENSES, WorldConfig, WorldParams
from sim.space import quanta
from sim.world import CAUSES, FIELDS, Births, Events, World, population
from tests import FAST

EVERYTHING = WorldConfig(
    width=36,
    height=28,
    founders=40,
    max_agents=64,
    birth_interval=4,
    births_at_once=8,
    sound_channels=2,
    breeding="both",
    senses=SENSES,
    retina_rays=3,
    retina_distances=(1.5, 3.0),
)
WALLED = replace(EVERYTHING, boundary="walled", breeding="sexual", meat=False, scent=False, give=False)
BARE = replace(
    EVERYTHING,
    meat=False,
    poison=False,
    obstacles=False,
    scent=False,
    sound_channels=0,
    seasons=False,
    bite=False,
    give=False,
    breeding="asexual",
    senses=("retina", "self"),
)
LAND = WorldConfig(
    width=16,
    height=16,
    max_agents=16,
    births_at_once=2,
    birth_interval=2,
    bite=False,
    give=False,
    meat=False,
    scent=False,
    seasons=False,
    obstacles=False,
    sound_channels=0,
    senses=("retina", "touch", "self"),
    retina_rays=3,
    retina_distances=(1.5, 3.0),
)
"""Small and simple, for bodies that learn."""
LUSH = WorldParams(
    plant_growth=0.2,
    plant_spread=0.02,
    plant_start=0.8,
    seed_rate=9e-4,
    fertile=0.8,
    patch_size=3.0,
    poison_share=0.15,
    poison_damage=0.3,
    day_length=40.0,
    season_length=700.0,
    mouth=0.5,
    basal_cost=0.004,
    bite_damage=0.1,
    maturity=20.0,
)
BRAIN = BrainConfig(hidden=4, connections=32, plasticity="hebbian", founder_connections=12)
MUTATION = MutationParams(add_node=0.2, add_connection=0.4)
NETWORK, RANDOM, STILL, GREEDY = 0, 1, 2, 3
COUNTERS = ("light", "season", "tick", "next_uid")
SLOTS = tuple(f.name for f in fields(World) if f.name not in FIELDS + COUNTERS)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Colony:
    """A world and the minds in it."""

    world: World
    mind: Mind
    memory: Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Numbers:
    """All that is traced in a colony's life."""

    world: WorldParams = LUSH
    mutation: MutationParams = MUTATION


def policy(config: WorldConfig, brain: BrainConfig, params: WorldParams):
    """`act` that follows each creature's kind; only networks use their memory."""
    think = network.policy(brain.activations, len(actions.names(config)), brain.plasticity, 0)
    others = [scripted.random_policy(config)]
    others.append(lambda key, mind, memory, obs: (memory, jnp.full(len(actions.names(config)), -1.0).at[0].set(0.0)))
    if {"retina", "touch"} <= set(config.senses):
        others.append(scripted.greedy_policy(config, params))

    def act(key, mind, memory, obs):
        memory, thought = think(key, mind.brain, memory, obs)
        rest = [other(key, None, None, obs)[1] for other in others]
        return memory, jnp.stack([thought, *rest])[mind.kind]

    return act


def inheritance(config: WorldConfig, brain: BrainConfig, mutation: MutationParams | None):
    inputs, outputs = len(senses.names(config)), len(actions.names(config))
    return natural.inheritance(brain, mutation, inputs, outputs, config.sexual)


def found(key, config: WorldConfig, brain: BrainConfig, slots: int, params: WorldParams = LUSH, num: int = 0) -> Colony:
    """Founders with various bodies; the first 16 stand in pairs on shared cells; a third act at random."""
    return _found(key, config, brain, slots, params, num or config.founders)


@partial(jax.jit, static_argnums=(1, 2, 3, 5), compiler_options=FAST)
def _found(key, config: WorldConfig, brain: BrainConfig, slots: int, params: WorldParams, num: int) -> Colony:
    k_world, k_mind, k_body = jax.random.split(key, 3)
    inputs, outputs = len(senses.names(config)), len(actions.names(config))
    mind = natural.founders(k_mind, brain, inputs, outputs, num)
    mind = replace(mind, kind=(jnp.arange(num) % 3 == 2).astype(jnp.int32) * RANDOM)
    minds = jax.tree.map(lambda leaf: jnp.pad(leaf, [(0, slots - num)] + [(0, 0)] * (leaf.ndim - 1)), mind)
    bodies = {
        name: jnp.clip(value + 0.15 * (high - low) * jax.random.normal(k, (num,)), low, high)
        for k, (name, (low, high), value) in zip(
            jax.random.split(k_body, len(RANGES)),
            ((name, RANGES[name], FOUNDER[name]) for name in RANGES),
            strict=True,
        )
    }
    connections = jax.vmap(num_connections)(mind.genome).astype(jnp.float32)
    world = step.genesis(k_world, config, params, slots, Body(**bodies), connections)
    partner = jnp.arange(slots) - (jnp.arange(slots) % 2) * (jnp.arange(slots) < 16)
    world = replace(world, x=world.x[partner], y=world.y[partner])
    return Colony(world, minds, natural.newborn_memory(minds))


def whole(pair: jax.Array) -> jax.Array:
    """The number that a pair of `sim.space.total` stands for; in these small worlds it fits into int32."""
    return 65536 * pair[0] + pair[1]


def tally(before: World, events: Events, after: World) -> dict[str, jax.Array]:
    """What one tick did, as int32 scalars."""
    deaths = jnp.sum(events.cause > 0, dtype=jnp.int32)
    out = {
        "light": whole(events.light),
        "heat": whole(events.heat),
        "deaths": deaths,
        "bites": jnp.sum(events.bit, dtype=jnp.int32),
        "miscounts": (population(before) - deaths != population(after)).astype(jnp.int32),
        "agent_ticks": population(before),
    }
    for name in ("plant", "meat", "prey", "poison", "given"):
        out[name] = jnp.sum(quanta(getattr(events, name)))
    for code, cause in enumerate(CAUSES[1:], 1):
        out[cause] = jnp.sum(events.cause == code, dtype=jnp.int32)
    return out


def birth_tally(before: World, births: Births, after: World) -> dict[str, jax.Array]:
    """What one delivery did, as int32 scalars."""
    born = jnp.sum(births.uid >= 0, dtype=jnp.int32)
    return {
        "heat": whole(births.heat),
        "births": born,
        "sexual": jnp.sum(births.father >= 0, dtype=jnp.int32),
        "refused": births.refused,
        "miscounts": (population(before) + born != population(after)).astype(jnp.int32),
    }


@partial(jax.jit, static_argnums=(1, 2))
def _beat(key, config: WorldConfig, brain: BrainConfig, numbers: Numbers, colony: Colony, totals):
    """The ticks from one delivery to the next."""
    act = policy(config, brain, numbers.world)

    def tick(_, carry):
        colony, totals = carry
        before = colony.world
        world, memory, events = step.tick(key, config, numbers.world, act, before, colony.mind, colony.memory)
        return Colony(world, colony.mind, memory), added(totals, tally(before, events, world))

    return jax.lax.fori_loop(0, config.birth_interval, tick, (colony, totals))


@partial(jax.jit, static_argnums=(1, 2), compiler_options=FAST)
def _delivery(key, config: WorldConfig, brain: BrainConfig, numbers: Numbers, colony: Colony, totals):
    """One delivery of births."""
    inherit = inheritance(config, brain, numbers.mutation)
    before = colony.world
    k_births = jax.random.fold_in(jax.random.fold_in(key, before.tick), 1)
    world, (mind, memory), births = breeding.deliver(
        k_births, config, numbers.world, inherit, before, (colony.mind, colony.memory)
    )
    totals = added(totals, birth_tally(before, births, world))
    totals["fewest"] = jnp.minimum(totals["fewest"], population(world))
    return Colony(world, mind, memory), totals


def added(totals, counts):
    return totals | {name: totals[name] + count for name, count in counts.items()}


def live(
    key, config: WorldConfig, brain: BrainConfig, numbers: Numbers, colony: Colony, ticks: int
) -> tuple[Colony, dict[str, jax.Array]]:
    """So many ticks (a multiple of the birth interval) from a colony, with deliveries, and their totals."""
    names = ("light", "heat", "births", "sexual", "refused", "deaths", "miscounts", "bites", "agent_ticks", "plant")
    names += ("meat", "prey", "poison", "given", *CAUSES[1:])
    totals = {name: jnp.int32(0) for name in names} | {"fewest": population(colony.world)}
    for _ in range(ticks // config.birth_interval):
        colony, totals = _beat(key, config, brain, numbers, colony, totals)
        colony, totals = _delivery(key, config, brain, numbers, colony, totals)
    return colony, totals


def change(world: World, **values: Any) -> World:
    """The world with other arrays, of the types that it had, so that compiled programs fit it."""
    return replace(world, **{n: jnp.asarray(value, getattr(world, n).dtype) for n, value in values.items()})


def facing(world: World, heading: Any) -> World:
    """The world with everyone turned, to one heading or to each `[N]`."""
    heading = jnp.broadcast_to(jnp.asarray(heading, jnp.float32), world.x.shape)
    return change(world, heading=heading, ux=jnp.cos(heading), uy=jnp.sin(heading))


def reshape_bodies(world: World, **genes: Any) -> World:
    """The world with body genes set, for all or for each `[N]`."""
    full = {n: jnp.broadcast_to(jnp.asarray(gene, jnp.float32), world.x.shape) for n, gene in genes.items()}
    return replace(world, body=replace(world.body, **full))


def rows(colony: Colony, slots: np.ndarray) -> dict[str, np.ndarray]:
    """Every slot array of world, mind and memory, its rows taken in the order of `slots`, by name."""
    parts = ({name: getattr(colony.world, name) for name in SLOTS}, colony.mind, colony.memory)
    leaves = jax.tree_util.tree_leaves_with_path(parts)
    return {jax.tree_util.keystr(path): np.asarray(leaf)[slots] for path, leaf in leaves}


def by_uid(colony: Colony) -> dict[str, np.ndarray]:
    """The living, sorted by uid."""
    alive, uid = np.asarray(colony.world.alive), np.asarray(colony.world.uid)
    slots = np.flatnonzero(alive)
    return rows(colony, slots[np.argsort(uid[slots])])


def landscape(world: World) -> dict[str, np.ndarray]:
    """Fields and counters that exist in a world."""
    values = {name: getattr(world, name) for name in FIELDS + COUNTERS}
    return {name: np.asarray(value) for name, value in values.items() if value is not None}


def map_slots(function, colony: Colony) -> Colony:
    """Applies `function` to every slot array of a colony."""
    world = replace(colony.world, **{n: jax.tree.map(function, getattr(colony.world, n)) for n in SLOTS})
    return Colony(world, jax.tree.map(function, colony.mind), jax.tree.map(function, colony.memory))


def assert_same_bits(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> None:
    """Equal names, shapes, types and bits."""
    assert left.keys() == right.keys()
    for name, value in left.items():
        assert value.dtype == right[name].dtype, name
        np.testing.assert_array_equal(value, right[name], err_msg=name)
        assert value.tobytes() == right[name].tobytes(), f"{name} differs in the sign of a zero or a NaN"


def assert_same_life(left: tuple[Colony, dict], right: tuple[Colony, dict]) -> None:
    """The same living, to the bit and whatever their slots, the same landscape and the same totals."""
    assert_same_bits(by_uid(left[0]), by_uid(right[0]))
    assert_same_bits(landscape(left[0].world), landscape(right[0].world))
    assert {k: int(v) for k, v in left[1].items()} == {k: int(v) for k, v in right[1].items()}
