"""The compiled part of a run: many ticks and deliveries of births for W worlds in one program.

One program serves every stretch of ticks (the trip counts are traced), so neither log interval nor
checkpoint cadence can change a result. It stops before a tick that could want more slots than there are,
or more room for birth records or sums, and leaves growing and draining to the host; hence outcomes do not
depend on capacity. Sums are int32 pairs (quanta, counts), exact however a run is cut into stretches.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from agents.learned import Network
from evolution.genome import BrainConfig, num_hidden
from evolution.mutation import MutationParams
from evolution.natural import Mind
from experiments.policies import inheritance, policy
from sim import actions, breeding, senses, step
from sim.config import WorldConfig, WorldParams
from sim.fence import fenced
from sim.space import quanta, total
from sim.world import CAUSES, Births, Events, World

SUMS = (
    "agent_ticks",
    "births",
    "refused_births",
    "waiting_births",
    *(f"deaths_{cause}" for cause in CAUSES[1:]),
    "plant_eaten",
    "meat_eaten",
    "prey_eaten",
    "poison_eaten",
    "upkeep",
    "light_in",
    "heat_out",
    "bites",
    "given",
    "signal",
    "toggles",
    "toggles_on",
    "seeded",
)
BIRTH_COLUMNS = ("uid", "mother", "father", "tick", "generation", "kind", "connections", "hidden", "species")
GRAVE_COLUMNS = ("uid", "tick", "cause", "age", "offspring", "generation", "species")
TRAITS = ("size", "diet", "hue")
INTAKES = ("eaten_plant", "eaten_meat")
LOW_BITS = 16
FULL = (
    1 << 29
)  # high part of a sum that the host must take over; what is left up to 2^31 is for the ticks to the next look


@dataclass(frozen=True)
class Setting:
    """All that is static in a run; a hashable argument of the compiled program."""

    world: WorldConfig
    brain: BrainConfig
    kinds: tuple[str, ...] = ("evolved",)  # policies present; Mind.kind indexes them
    networks: tuple[Network, ...] = ()  # of the kinds that are "learned", in their order
    shuffle: bool = False  # blindfold: the living get one another's observations
    mutate: bool = True
    breed: bool = True
    refound: bool = False  # stop as soon as one world is empty, not only when all are

    @property
    def inputs(self) -> int:
        return len(senses.names(self.world))

    @property
    def outputs(self) -> int:
        return len(actions.names(self.world))

    @property
    def batch(self) -> int:
        """Births in one delivery."""
        return self.world.births_at_once


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Params:
    """All numbers of a run."""

    world: WorldParams
    mutation: MutationParams
    learned: tuple[Any, ...] = ()  # weights of each of `Setting.networks`, [W, ...]: all creatures of a kind share them


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Records:
    """Births since the last drain, and the graves that they took over. L rows, `rows` of them used."""

    birth: jax.Array  # [L, BIRTH_COLUMNS] int32
    trait: jax.Array  # [L, TRAITS] float32
    grave: jax.Array  # [L, GRAVE_COLUMNS] int32; uid -1 for none
    intake: jax.Array  # [L, INTAKES] float32
    rows: jax.Array  # [] int32


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """Everything that a run carries from tick to tick; each leaf has a leading axis W."""

    world: World
    mind: Mind
    memory: Any  # of `policies.blank_memory`
    sums: jax.Array  # [W, len(SUMS), 2] int32: high and low parts
    records: Records


def live(key: jax.Array, setting: Setting, params: Params, state: State) -> State:
    """One tick of one world, and its sums. `params.learned` is without the axis W here."""
    act = policy(setting, params.world, params.learned)
    blindfold = senses.shuffled if setting.shuffle else None
    world, memory, events = step.tick(
        key, setting.world, params.world, act, state.world, state.mind, state.memory, blindfold
    )
    sums = fenced(params.world, lambda sums: _add(sums, _tick_sums(state.world, events)), state.sums)
    return replace(state, world=world, memory=memory, sums=sums)


def _tick_sums(before: World, events: Events) -> dict[str, jax.Array]:
    """What one tick adds to the sums: counts [] int32, energies and signal (in 1/256) as pairs of `total`."""
    out = {
        "agent_ticks": jnp.sum(before.alive, dtype=jnp.int32),
        "plant_eaten": total(quanta(events.plant)),
        "meat_eaten": total(quanta(events.meat)),
        "prey_eaten": total(quanta(events.prey)),
        "poison_eaten": total(quanta(events.poison)),
        "upkeep": events.upkeep,
        "light_in": events.light,
        "heat_out": events.heat,
        "bites": jnp.sum(events.bit, dtype=jnp.int32),
        "given": total(quanta(events.given)),
        "signal": total(jnp.round(events.signal * 256).astype(jnp.int32)),
    }
    if events.toggled is not None:
        out["toggles"] = jnp.sum(events.toggled, dtype=jnp.int32)
        out["toggles_on"] = jnp.sum(events.woken, dtype=jnp.int32)
    if events.seeded is not None:
        out["seeded"] = events.seeded
    for code, cause in enumerate(CAUSES[1:], 1):
        out[f"deaths_{cause}"] = jnp.sum(events.cause == code, dtype=jnp.int32)
    return out


def _add(sums: jax.Array, values: dict[str, jax.Array]) -> jax.Array:
    """Adds non-negative values, int32 or pairs of `total`; the low parts stay below 2^16.

    So the high parts hold 2^31 units of energy; `rollout` stops long before.
    """
    column = jnp.stack([_pair(values.get(name, jnp.int32(0))) for name in SUMS])
    low = sums[:, 1] + column[:, 1]
    return jnp.stack([sums[:, 0] + column[:, 0] + (low >> LOW_BITS), low & (2**LOW_BITS - 1)], axis=1)


def _pair(value: jax.Array) -> jax.Array:
    return value if value.ndim else jnp.stack([value >> LOW_BITS, value & (2**LOW_BITS - 1)])


def deliver(key: jax.Array, setting: Setting, params: Params, state: State) -> State:
    """One delivery of births in one world, recorded."""
    inherit = inheritance(setting, params.mutation)
    before = state.world
    key = jax.random.fold_in(jax.random.fold_in(key, before.tick), 1)
    world, (mind, memory), births = breeding.deliver(
        key, setting.world, params.world, inherit, before, (state.mind, state.memory)
    )
    added = {
        "births": jnp.sum(births.uid >= 0, dtype=jnp.int32),
        "refused_births": births.refused,
        "waiting_births": births.waiting,
        "heat_out": births.heat,
    }
    return State(
        world=world,
        mind=mind,
        memory=memory,
        sums=_add(state.sums, added),
        records=_record(state.records, before, state.mind, world, mind, births),
    )


def _record(records: Records, before: World, old_mind: Mind, world: World, mind: Mind, births: Births) -> Records:
    """Appends the births and the graves that they took over; rows beyond the real ones are overwritten later."""
    slot = jnp.minimum(births.slot, world.num_slots - 1)
    real = births.uid >= 0
    hidden = species = old_species = jnp.zeros_like(slot)
    if mind.genome is not None:
        hidden = jax.vmap(num_hidden)(jax.tree.map(lambda leaf: leaf[slot], mind.genome))
        species, old_species = mind.species.name[slot], old_mind.species.name[slot]
    birth = [
        births.uid,
        world.mother[slot],
        world.father[slot],
        jnp.full_like(slot, world.tick),
        world.generation[slot],
        mind.kind[slot],
        world.brain[slot].astype(jnp.int32),
        hidden,
        species,
    ]
    buried = real & (before.uid[slot] >= 0) & (before.cause[slot] > 0)
    grave = [
        jnp.where(buried, before.uid[slot], -1),
        before.died[slot],
        before.cause[slot],
        before.age[slot],
        before.offspring[slot],
        before.generation[slot],
        old_species,
    ]
    trait = [getattr(world.body, name)[slot] for name in TRAITS]
    intake = [getattr(before, name)[slot] for name in INTAKES]

    def put(old: jax.Array, rows: list[jax.Array]) -> jax.Array:
        return jax.lax.dynamic_update_slice(old, jnp.stack(rows, axis=1).astype(old.dtype), (records.rows, 0))

    return Records(
        birth=put(records.birth, birth),
        trait=put(records.trait, trait),
        grave=put(records.grave, grave),
        intake=put(records.intake, intake),
        rows=records.rows + jnp.sum(real, dtype=jnp.int32),
    )


def blank_records(setting: Setting) -> Records:
    """Room for sixteen full deliveries."""
    length = 16 * setting.batch
    return Records(
        birth=jnp.full((length, len(BIRTH_COLUMNS)), -1, jnp.int32),
        trait=jnp.zeros((length, len(TRAITS)), jnp.float32),
        grave=jnp.full((length, len(GRAVE_COLUMNS)), -1, jnp.int32),
        intake=jnp.zeros((length, len(INTAKES)), jnp.float32),
        rows=jnp.int32(0),
    )


def _each(function, keys: jax.Array, *trees: Any) -> State:
    """Applies a function of one world to all W, without the cost of a batch axis when W is 1."""
    if keys.shape[0] == 1:
        out = function(keys[0], *jax.tree.map(lambda leaf: leaf[0], trees))
        return jax.tree.map(lambda leaf: leaf[None], out)
    return jax.vmap(function)(keys, *trees)


@partial(jax.jit, static_argnums=1, donate_argnums=3)
def rollout(keys: jax.Array, setting: Setting, params: Params, state: State, until: jax.Array) -> State:
    """Runs all worlds to tick `until`, or until some world needs room. keys `[W]`, one per world."""
    interval = setting.world.birth_interval

    def roomy(state: State) -> jax.Array:
        n = state.world.x.shape[1]
        free = n - jnp.sum(state.world.alive, axis=1)
        slots = (free >= min(setting.batch, n)) | (n >= setting.world.max_agents)
        rows = state.records.rows + setting.batch <= state.records.birth.shape[1]
        sums = jnp.all(state.sums[:, :, 0] < FULL)
        lives = jnp.any(state.world.alive, axis=1)
        extinct = ~(jnp.all(lives) if setting.refound else jnp.any(lives))
        return jnp.all(slots & rows) & sums & ~(extinct & (state.world.tick[0] % interval == 0))

    def beat(carry):
        tick, state = carry
        stop = jnp.minimum(until, (tick // interval + 1) * interval)
        one = partial(_each, lambda k, w, s: live(k, setting, replace(params, learned=w), s), keys, params.learned)
        state = jax.lax.fori_loop(tick, stop, lambda _, s: one(s), state)
        due = (stop % interval == 0).astype(jnp.int32) * setting.breed
        births = partial(_each, lambda k, s: deliver(k, setting, params, s), keys)
        state = jax.lax.fori_loop(0, due, lambda _, s: births(s), state)
        return stop, state

    def more(carry):
        tick, state = carry
        return (tick < until) & roomy(state)

    _, state = jax.lax.while_loop(more, beat, (state.world.tick[0], state))
    return state
