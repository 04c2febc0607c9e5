"""The world's record and the record of one tick.

`World` holds arrays over N slots and H×W fields. It holds no key, no config and no picture. A field that
the config switches off is None. A dead slot keeps its last occupant's record (its grave) until a birth
takes the slot, which is how every death can be logged from a program of fixed shapes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from sim.body import GENES, Body

NONE, STARVED, BITTEN, POISONED, AGED = 0, 1, 2, 3, 4
FIELDS = ("fertility", "toxic", "plants", "poison", "meat", "rock", "scent", "sound", "automaton")
"""Of `World`: what lies on the ground. Every other array but the climate and the counters has an axis of slots."""
CAUSES = ("none", "starved", "bitten", "poisoned", "aged")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class World:
    """State of one world. N slots, H×W cells, h×w cells of a quarter of the resolution, S sound channels."""

    # creatures
    x: jax.Array  # [N] float32, column, a multiple of 1/1024
    y: jax.Array  # [N] float32, row, a multiple of 1/1024
    heading: jax.Array  # [N] float32 radians, 0 along +x, growing towards +y
    ux: jax.Array  # [N] float32 cosine of the heading, kept because trigonometry is dear
    uy: jax.Array  # [N] float32 sine of the heading
    speed: jax.Array  # [N] float32 cells moved in the last tick
    energy: jax.Array  # [N] float32 reserves, a multiple of ENERGY_QUANTUM
    health: jax.Array  # [N] float32 0…1
    age: jax.Array  # [N] int32 ticks
    body: Body  # each [N]
    brain: jax.Array  # [N] float32 enabled connections of the mind, which cost upkeep
    action: jax.Array  # [N, A] float32 last action
    gain: jax.Array  # [N] float32 reserves gained in the last tick
    pain: jax.Array  # [N] float32 health lost in the last tick
    bump: jax.Array  # [N] float32 1 when the last move was blocked
    pending: jax.Array  # [N] int32 children of the present clutch still to be born
    uid: jax.Array  # [N] int32 serial number, -1 where the slot was never used
    mother: jax.Array  # [N] int32 uid, -1 for founders
    father: jax.Array  # [N] int32 uid, -1 for none
    generation: jax.Array  # [N] int32
    offspring: jax.Array  # [N] int32 children so far
    eaten_plant: jax.Array  # [N] float32 lifetime gain from plants
    eaten_meat: jax.Array  # [N] float32 lifetime gain from carrion and prey
    alive: jax.Array  # [N] bool
    cause: jax.Array  # [N] int32 index into CAUSES; of the dead
    died: jax.Array  # [N] int32 tick of the first world without it, -1 while alive
    # fields
    fertility: jax.Array  # [H, W] float32 most plants a cell bears (0: barren)
    toxic: jax.Array | None  # [H, W] bool ground on which poison grows in place of plants
    plants: jax.Array  # [H, W] float32 energy
    poison: jax.Array | None  # [H, W] float32 energy
    meat: jax.Array | None  # [H, W] float32 energy
    rock: jax.Array | None  # [H, W] float32 0 or 1
    scent: jax.Array | None  # [h, w] float32
    sound: jax.Array | None  # [h, w, S] float32
    automaton: jax.Array | None  # [H, W] bool living cells
    # climate, kept from tick to tick because XLA would compute its cosines anew for every cell
    light: jax.Array  # [] float32 0…1
    season: jax.Array  # [] float32 radians
    # counters
    tick: jax.Array  # int32
    next_uid: jax.Array  # int32

    @property
    def num_slots(self) -> int:
        return self.x.shape[0]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Events:
    """What one tick did. Slot arrays are [N]; energies are multiples of ENERGY_QUANTUM.

    Sums over the world are pairs of `sim.space.total`.
    """

    plant: jax.Array  # [N] energy gained from plants
    meat: jax.Array  # [N] energy gained from carrion
    prey: jax.Array  # [N] energy gained by biting
    poison: jax.Array  # [N] poison swallowed
    damage: jax.Array  # [N] health lost to bites
    bit: jax.Array  # [N] bool, bit somebody
    given: jax.Array  # [N] energy given away
    signal: jax.Array  # [N] summed loudness
    cause: jax.Array  # [N] int32 cause of death in this tick, NONE for the living
    upkeep: jax.Array  # [2] int32 energy that living cost, in quanta; part of heat
    heat: jax.Array  # [2] int32 energy that left as heat, in quanta
    light: jax.Array  # [2] int32 energy that plants took from light, in quanta
    toggled: jax.Array | None = None  # [N] bool, toggled a cell of the automaton
    woken: jax.Array | None = None  # [N] bool, and that cell was dead
    seeded: jax.Array | None = None  # [2] int32 energy that living cells seeded, in quanta; part of light


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Births:
    """One delivery of births: B rows, of which those with slot < N are real."""

    slot: jax.Array  # [B] int32 slot taken, N for none
    mother: jax.Array  # [B] int32 slot of the mother
    father: jax.Array  # [B] int32 slot of the father, -1 for none
    uid: jax.Array  # [B] int32 of the newborn
    heat: jax.Array  # [2] int32 energy lost in giving birth, in quanta, a pair of `sim.space.total`
    refused: jax.Array  # [] int32 births refused because the world is full
    waiting: jax.Array  # [] int32 births carried over to the next delivery


def population(world: World) -> jax.Array:
    """Number of the living, [] int32."""
    return jnp.sum(world.alive, dtype=jnp.int32)


def occupy(world: World, slot: jax.Array, *, heading: jax.Array, body: Body, **known: jax.Array) -> World:
    """Gives slots `[B]` (N: none) to newcomers, founders or newborn: fields `[B]` as told, all others as at birth."""
    known |= {"heading": heading, "ux": jnp.cos(heading), "uy": jnp.sin(heading)}
    zero = ("speed", "age", "action", "gain", "pain", "bump", "pending", "offspring", "eaten_plant", "eaten_meat")
    values: dict[str, Any] = dict.fromkeys(zero, 0) | {"health": 1, "alive": True, "cause": NONE, "died": -1} | known

    def put(field: jax.Array, value: Any) -> jax.Array:
        return field.at[slot].set(jnp.asarray(value, field.dtype), mode="drop")

    genes = {name: put(getattr(world.body, name), getattr(body, name)) for name in GENES}
    return replace(world, body=Body(**genes), **{name: put(getattr(world, name), v) for name, v in values.items()})
