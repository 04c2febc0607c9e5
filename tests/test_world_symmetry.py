"""What must not matter does not: slots, capacity, where the torus starts, junk in graves, a neighbour's NaN.

Each test lives the same history twice and compares to the bit, the living by uid.
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sim import fields
from sim.space import quantise
from sim.world import population
from tests.worlds import (
    BRAIN,
    EVERYTHING,
    FIELDS,
    LUSH,
    NETWORK,
    STILL,
    Colony,
    Numbers,
    assert_same_bits,
    assert_same_life,
    by_uid,
    found,
    landscape,
    live,
    map_slots,
    rows,
)

TICKS = 200
SEEDS = [0, 1]
WORLD_OF_64 = found(jax.random.key(0), EVERYTHING, BRAIN, 64, LUSH, 64)
waft = jax.jit(fields.waft, static_argnums=0)


@partial(jax.jit, static_argnums=0)
def weather(config, params, world):
    """What the fields do by themselves in a tick."""
    world = fields.waft(config, params, world, jnp.zeros((world.num_slots, config.sound_channels)))
    return fields.regrow(jax.random.key(0), config, params, world)[0]


def grown(seed: int, slots: int = 64, ticks: int = 40) -> Colony:
    """A colony some time after its founding: with children, graves, carrion, scent and voices."""
    key = jax.random.key(seed)
    return life(found(key, EVERYTHING, BRAIN, slots), seed, ticks)[0]


def life(colony: Colony, seed: int, ticks: int = TICKS, **params: float) -> tuple[Colony, dict]:
    numbers = Numbers(world=replace(LUSH, **params))
    return live(jax.random.key(seed), EVERYTHING, BRAIN, numbers, colony, ticks)


def assert_eventful(lived: tuple[Colony, dict]) -> None:
    """Enough happened, and enough are left, for a comparison to mean something."""
    totals = {name: int(total) for name, total in lived[1].items()}
    assert int(population(lived[0].world)) > 5
    assert all(totals[name] > 0 for name in ("births", "deaths", "bites", "given", "prey", "poison")), totals


@pytest.mark.parametrize("seed", SEEDS)
def test_relabelling_slots_changes_nothing(seed):
    colony = grown(seed)
    order = jax.random.permutation(jax.random.key(seed + 100), 64)
    straight = life(colony, seed)
    assert_eventful(straight)
    assert_same_life(straight, life(map_slots(lambda leaf: leaf[order], colony), seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_capacity_changes_nothing(seed):
    small = found(jax.random.key(seed), EVERYTHING, BRAIN, 64)
    large = found(jax.random.key(seed), EVERYTHING, BRAIN, 128)
    assert_same_bits(by_uid(small), by_uid(large))
    small, large = life(small, seed), life(large, seed)
    assert_eventful(small)
    assert_same_life(small, large)


def shift(colony: Colony, columns: int, rows: int, config=EVERYTHING) -> Colony:
    """The colony on a torus moved by whole coarse cells."""
    world, width, height = colony.world, config.width, config.height

    def roll(name: str) -> jax.Array:
        field = getattr(world, name)
        scale = width // field.shape[1]
        return jnp.roll(field, (rows // scale, columns // scale), (0, 1))

    moved = {name: roll(name) for name in FIELDS if getattr(world, name) is not None}
    x, y = jnp.mod(world.x + columns, width), jnp.mod(world.y + rows, height)
    return replace(colony, world=replace(world, x=x, y=y, **moved))


@pytest.mark.parametrize("columns, down", [(4, 0), (0, 12), (20, 8)])
def test_translating_the_torus_changes_nothing(columns, down):
    """Without seed rain, which falls by place."""
    colony = grown(2)
    straight, (moved, totals) = life(colony, 2, seed_rate=0.0), life(shift(colony, columns, down), 2, seed_rate=0.0)
    assert_eventful(straight)
    back = shift(moved, EVERYTHING.width - columns, EVERYTHING.height - down)
    assert_same_life(straight, (back, totals))


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf, 1e30, -1e30, -7.3])
def test_junk_in_dead_slots_changes_nothing(junk):
    colony = grown(3)
    dead = ~colony.world.alive
    assert 0 < int(jnp.sum(dead)) < 64

    def spoil(leaf: jax.Array) -> jax.Array:
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf
        return jnp.where(dead.reshape(-1, *[1] * (leaf.ndim - 1)), leaf.dtype.type(junk), leaf)

    straight = life(colony, 3)
    assert_eventful(straight)
    assert_same_life(straight, life(map_slots(spoil, colony), 3))


@pytest.mark.parametrize("part, junk", [("weight", np.nan), ("weight", np.inf), ("bias", np.nan), ("learned", np.nan)])
def test_a_mind_that_is_not_finite_paralyses_its_owner_and_harms_nobody_else(part, junk):
    colony = grown(4)
    world = colony.world
    healthy = world.alive & (colony.mind.kind == NETWORK) & (world.age > 10)
    owner = (jnp.cumsum(healthy) == 1) & healthy
    kind = jnp.where(owner, STILL, colony.mind.kind)
    still = replace(colony, mind=replace(colony.mind, kind=kind))

    def spoil(leaf: jax.Array) -> jax.Array:
        return jnp.where(owner[:, None], leaf.dtype.type(junk), leaf)

    if part == "learned":
        sick = replace(colony, memory=replace(colony.memory, learned=spoil(colony.memory.learned)))
    else:
        brain = replace(colony.mind.brain, **{part: spoil(getattr(colony.mind.brain, part))})
        sick = replace(colony, mind=replace(colony.mind, brain=brain))
    paralysed, spoilt = life(still, 4), life(sick, 4)
    assert_eventful(paralysed)
    assert {k: int(v) for k, v in paralysed[1].items()} == {k: int(v) for k, v in spoilt[1].items()}
    left, right = paralysed[0].world, spoilt[0].world
    assert_same_bits(landscape(left), landscape(right))
    everybody = np.arange(left.num_slots)
    others = np.flatnonzero(np.asarray(left.uid) != int(world.uid[jnp.argmax(owner)]))
    assert_same_bits(rows(paralysed[0], others), rows(spoilt[0], others))
    worlds = [replace(lived[0], mind=None, memory=None) for lived in (paralysed, spoilt)]
    assert_same_bits(rows(worlds[0], everybody), rows(worlds[1], everybody))


@pytest.mark.parametrize("seed", range(20))
def test_voices_and_scents_add_up_the_same_in_any_order(seed):
    k_voice, k_sound, k_scent, k_order = jax.random.split(jax.random.key(seed), 4)
    world = replace(WORLD_OF_64.world, alive=jnp.ones(64, bool))
    sound = 0.2 * jax.random.uniform(k_sound, world.sound.shape)
    world = replace(world, sound=sound, scent=jax.random.uniform(k_scent, world.scent.shape))
    world = replace(world, x=jnp.mod(world.x, 12), y=jnp.mod(world.y, 12))
    voice = jnp.round(256 * jax.random.uniform(k_voice, (64, 2))) / 256
    order = jax.random.permutation(k_order, 64)
    moved = map_slots(lambda leaf: leaf[order], replace(WORLD_OF_64, world=world)).world
    left, right = waft(EVERYTHING, LUSH, world, voice), waft(EVERYTHING, LUSH, moved, voice[order])
    assert_same_bits(landscape(left), landscape(right))


@pytest.mark.parametrize("height, width", [(20, 28), (24, 24), (96, 96), (36, 52)])
def test_fields_change_alike_wherever_the_torus_starts(height, width):
    rng = np.random.default_rng(0)
    config = replace(EVERYTHING, width=width, height=height)
    full, coarse = (height, width), (height // 4, width // 4)
    world = replace(
        map_slots(lambda leaf: leaf[:1], WORLD_OF_64).world,
        alive=jnp.zeros(1, bool),
        **{name: quantise(jnp.float32(rng.random(full))) for name in ("plants", "poison", "meat")},
        fertility=jnp.float32(2 * rng.random(full)),
        toxic=jnp.asarray(rng.random(full) < 0.5),
        rock=jnp.zeros(full),
        scent=jnp.float32(rng.random(coarse)),
        sound=jnp.float32(rng.random((*coarse, 2))),
    )
    params = replace(LUSH, seed_rate=0.0)
    straight = landscape(weather(config, params, world))
    colony = Colony(world, None, None)
    for right, down in [(4, 0), (0, 4), (12, 8), (8, 16)]:
        moved = weather(config, params, shift(colony, right, down, config).world)
        back = shift(Colony(moved, None, None), width - right, height - down, config).world
        assert_same_bits(straight, landscape(back))
