"""Phases of a tick against brute force: eating, contact, sight, walls, light, and actions that are not numbers."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import actions, contact, feeding, fields, metabolism, motion, senses, space
from sim.config import ENERGY_QUANTUM, WorldConfig
from tests import FAST
from tests.worlds import BRAIN, EVERYTHING, LUSH, WALLED, Numbers, found, live, whole
from tests.worlds import facing as turned

WORLD = found(jax.random.key(0), EVERYTHING, BRAIN, 64).world
WIDTH, HEIGHT = EVERYTHING.width, EVERYTHING.height
light = jax.jit(fields.light, static_argnums=0)
facing = jax.jit(contact.facing, static_argnums=0)
observe = jax.jit(senses.observe, static_argnums=0)
regrow = jax.jit(fields.regrow, static_argnums=1, compiler_options=FAST)


@partial(jax.jit, static_argnums=0)
def eat(config: WorldConfig, world, wants):
    world, meal = feeding.eat(config, LUSH, world, wants)
    return world, {name: getattr(meal, name) for name in ("plant", "meat", "poison")} | {"heat": whole(meal.heat)}


def scattered(seed: int, patch: int = 6):
    """A world whose creatures crowd on a patch, some dead, with random food and rock."""
    rng = np.random.default_rng(seed)
    lattice = space.LATTICE

    def energies(high: float) -> jax.Array:
        return space.quantise(jnp.asarray(rng.random((HEIGHT, WIDTH)) * high * (rng.random((HEIGHT, WIDTH)) < 0.6)))

    return replace(
        turned(WORLD, rng.uniform(0, 2 * np.pi, 64)),
        x=jnp.asarray(rng.integers(0, patch * 1024, 64) / lattice, jnp.float32),
        y=jnp.asarray(rng.integers(0, patch * 1024, 64) / lattice, jnp.float32),
        speed=jnp.asarray(rng.random(64), jnp.float32),
        alive=jnp.asarray(rng.random(64) < 0.7),
        uid=jnp.asarray(rng.permutation(10_000)[:64], jnp.int32),
        energy=space.quantise(jnp.asarray(rng.random(64) * 10, jnp.float32) * WORLD.body.size),
        plants=energies(0.5).astype(jnp.float32),
        meat=energies(2.0).astype(jnp.float32),
        poison=energies(0.3).astype(jnp.float32),
        rock=jnp.asarray(rng.random((HEIGHT, WIDTH)) < 0.2, jnp.float32),
        tick=jnp.int32(rng.integers(0, 1000)),
    )


@given(st.integers(1, 4), st.integers(-3, 3), st.integers(0, 10**6))
def test_totals_are_exact_beyond_int32(blocks, more, seed):
    size = max(1, blocks * space.BLOCK + more)
    counts = np.random.default_rng(seed).integers(-(2**31), 2**31, size)
    high, low = (int(part) for part in space.total(jnp.asarray(counts, jnp.int32)))
    assert 65536 * high + low == counts.sum()


def test_light_that_a_large_world_takes_in_is_told_in_full():
    """Over 65,536 units of energy in one tick, of which int32 quanta hold 32,768."""
    config = WorldConfig(width=512, height=512, poison=False, meat=False, obstacles=False, scent=False)
    params = replace(LUSH, plant_growth=1.0, plant_spread=0.0, seed_rate=0.0)
    full = jnp.ones((512, 512))
    world = replace(WORLD, plants=full / 2, fertility=full, poison=None, meat=None, light=jnp.float32(1))
    after, absorbed, heat = regrow(jax.random.key(0), config, params, world)
    assert np.asarray(after.plants).sum(dtype=np.float64) == 0.75 * 512 * 512
    assert 65536 * int(absorbed[0]) + int(absorbed[1]) == 512 * 512 // 4 * 65536
    assert not np.any(heat)


@pytest.mark.parametrize("rate, lying, left", [(0.0, 1.0, 1 - 2**-12), (0.0, 2**-13, 0.0), (0.5, 1.0, 0.5)])
def test_carrion_rots_by_its_rate_but_never_less_than_a_crumb(rate, lying, left):
    world = replace(WORLD, meat=jnp.full((HEIGHT, WIDTH), lying))
    after, _, heat = regrow(jax.random.key(0), EVERYTHING, replace(LUSH, meat_decay=rate), world)
    assert np.all(np.asarray(after.meat) == left)
    assert int(whole(heat)) * ENERGY_QUANTUM == (lying - left) * HEIGHT * WIDTH


@given(st.integers(0, 10**6))
def test_eating_takes_no_more_than_stands_there_and_shares_fairly(seed):
    world = scattered(seed, patch=3)
    wants = jnp.asarray(np.random.default_rng(seed).random(64) < 0.8)
    after, meal = eat(EVERYTHING, world, wants)
    stores = ("plants", "meat", "poison")
    taken = {name: np.asarray(getattr(world, name) - getattr(after, name), np.float64) for name in stores}
    for name in stores:
        assert np.all(taken[name] >= 0) and np.all(np.asarray(getattr(after, name)) >= 0)
    gained = np.asarray(after.energy - world.energy, np.float64)
    assert sum(t.sum() for t in taken.values()) / ENERGY_QUANTUM == gained.sum() / ENERGY_QUANTUM + int(meal["heat"])
    assert int(meal["heat"]) >= 0
    assert np.all(gained[~np.asarray(wants & world.alive)] == 0)
    overfull = np.asarray(after.energy) > np.asarray(LUSH.energy_capacity * world.body.size)
    assert not overfull.any()
    _assert_fair_shares(world, np.asarray(wants & world.alive), meal)


def _assert_fair_shares(world, eats, meal) -> None:
    """Each eater gets its part of the mouths in its cell, times its digestion, to a few quanta."""
    size, diet = np.asarray(world.body.size, np.float64), np.asarray(world.body.diet, np.float64)
    mouth = np.where(eats, np.minimum(LUSH.mouth * size, LUSH.energy_capacity * size - np.asarray(world.energy)), 0)
    where = np.asarray(world.y).astype(int), np.asarray(world.x).astype(int)
    greens, meat = np.asarray(world.plants + world.poison, np.float64), np.asarray(world.meat, np.float64)
    shares = {"green": _part(mouth * (1 - diet), greens, where), "meat": _part(mouth * diet, meat, where)}
    yields = {"plant": (1 - diet) ** LUSH.diet_exponent, "meat": diet**LUSH.diet_exponent, "poison": 1.0}
    for got, store, kind in (
        ("plant", world.plants, "green"),
        ("meat", meat, "meat"),
        ("poison", world.poison, "green"),
    ):
        fair = shares[kind] * np.asarray(store, np.float64)[where] * yields[got]
        assert np.all(np.asarray(meal[got]) <= fair + 1e-6), got
        np.testing.assert_allclose(meal[got], fair, atol=4 * ENERGY_QUANTUM + 1e-6, err_msg=got)


def _part(mouth, supply, where):
    """Share of the supply in its cell that each mouth gets."""
    demand = np.zeros_like(supply)
    np.add.at(demand, where, mouth)
    return np.minimum(mouth, supply[where] * mouth / np.maximum(demand[where], 1e-9)) / np.maximum(supply[where], 1e-9)


def ticket(uid: int, tick: int) -> int:
    """The lot that `uid` draws at `tick`: the finaliser of MurmurHash3 over both."""
    mask = 0xFFFFFFFF
    word = (uid + 1) ^ (tick * 0x9E3779B9 & mask)
    word = (word ^ (word >> 16)) * 0x85EBCA6B & mask
    word = (word ^ (word >> 13)) * 0xC2B2AE35 & mask
    return max(word ^ (word >> 16), 1)


@given(st.integers(0, 10**6))
def test_contact_equals_a_search_through_all_pairs(seed):
    world = scattered(seed)
    alive, uid, tick = np.asarray(world.alive), np.asarray(world.uid), int(world.tick)
    x, y = np.asarray(world.x), np.asarray(world.y)
    step_x, step_y = np.asarray(space.snap(jnp.cos(world.heading))), np.asarray(space.snap(jnp.sin(world.heading)))
    target = np.asarray(facing(EVERYTHING, world))

    def presented(column: int, row: int) -> int:
        there = [j for j in range(64) if alive[j] and (int(x[j]), int(y[j])) == (column, row)]
        return max(there, key=lambda j: ticket(int(uid[j]), tick), default=-1)

    for i in range(64):
        front = presented(int((x[i] + step_x[i]) % WIDTH), int((y[i] + step_y[i]) % HEIGHT))
        here = presented(int(x[i]), int(y[i]))
        expected = front if front not in (-1, i) else here if here != i else -1
        assert target[i] == (expected if alive[i] else -1)


@pytest.mark.parametrize("seed", range(3))
def test_sight_equals_a_walk_along_each_ray(seed):
    world = scattered(seed, patch=12)
    index = {name: i for i, name in enumerate(senses.names(EVERYTHING))}
    obs = np.asarray(observe(EVERYTHING, LUSH, world))
    alive = np.asarray(world.alive)
    body = {name: np.asarray(getattr(world.body, name)) for name in ("size", "diet", "hue")}
    column, row = np.asarray(world.x).astype(int), np.asarray(world.y).astype(int)
    maps = {"plant": world.plants, "meat": world.meat, "poison": world.poison, "obstacle": world.rock}
    maps = {name: np.asarray(value) for name, value in maps.items()}
    traits = body | {"speed": np.asarray(world.speed), "size": 1.0}
    weights = {name: body["size"] * trait for name, trait in traits.items()}
    for name, value in weights.items():
        maps[name] = np.zeros((HEIGHT, WIDTH))
        np.add.at(maps[name], (row[alive], column[alive]), value[alive])
    assert np.all(obs[~alive] == 0)
    for i in np.flatnonzero(alive):
        for r, angle in enumerate(senses.ray_angles(EVERYTHING)):
            seen, clear = dict.fromkeys(maps, 0.0), 1.0
            for distance in EVERYTHING.retina_distances:
                direction = float(world.heading[i]) + angle
                px = float(world.x[i]) + np.round(1024 * distance * np.cos(direction)) / 1024
                py = float(world.y[i]) + np.round(1024 * distance * np.sin(direction)) / 1024
                at = int(np.floor(py)) % HEIGHT, int(np.floor(px)) % WIDTH
                for name in maps:
                    seen[name] += clear * maps[name][at] / distance
                clear *= 1 - maps["obstacle"][at]
            for name, value in seen.items():
                assert obs[i, index[f"ray{r}.{name}"]] == pytest.approx(value, abs=2e-3), (i, r, name)


def test_ears_and_nose_point_the_right_way():
    """Sound and scent lie to the east; the creature looks east, north (+y), west, south."""
    sound, scent = np.zeros((HEIGHT // 4, WIDTH // 4, 2)), np.zeros((HEIGHT // 4, WIDTH // 4))
    sound[3, 5, 1], scent[3, 5] = 3.0, 2.0
    world = replace(
        turned(WORLD, jnp.arange(64) % 4 * jnp.pi / 2),
        x=jnp.full(64, 18.0, jnp.float32),
        y=jnp.full(64, 14.0, jnp.float32),
        sound=jnp.asarray(sound, jnp.float32),
        scent=jnp.asarray(scent, jnp.float32),
        alive=jnp.ones(64, bool),
    )
    obs = np.asarray(observe(EVERYTHING, LUSH, world))
    index = {name: i for i, name in enumerate(senses.names(EVERYTHING))}
    for i, side in enumerate(("front", "right", "back", "left")):
        for other in ("front", "right", "back", "left"):
            assert obs[i, index[f"hear1.{other}"]] == pytest.approx(0.75 if other == side else 0.0)
            assert obs[i, index[f"hear0.{other}"]] == 0
    slope = np.log1p(2.0)
    ahead, left = [slope, 0, -slope, 0], [0, -slope, 0, slope]
    np.testing.assert_allclose(obs[:4, index["smell.forward"]], ahead, atol=1e-6)
    np.testing.assert_allclose(obs[:4, index["smell.left"]], left, atol=1e-6)


def test_walls_keep_everyone_inside():
    key = jax.random.key(7)
    colony = found(key, WALLED, BRAIN, WALLED.max_agents)
    inside = np.asarray(colony.world.rock)[1:-1, 1:-1]
    assert np.all(np.asarray(colony.world.rock)[[0, -1]] == 1) and np.all(
        np.asarray(colony.world.rock)[:, [0, -1]] == 1
    )
    assert np.any(inside == 0)
    settled = (
        np.asarray(colony.world.rock).reshape(-1)[np.asarray(space.cell(WALLED, colony.world.x, colony.world.y))] == 0
    )
    free = set(np.asarray(colony.world.uid)[settled & np.asarray(colony.world.alive)])
    for _ in range(10):
        colony, _ = live(key, WALLED, BRAIN, Numbers(), colony, 20)
        world = colony.world
        alive = np.asarray(world.alive) & np.isin(np.asarray(world.uid), list(free) + list(range(40, 10_000)))
        standing = np.asarray(world.rock).reshape(-1)[np.asarray(space.cell(WALLED, world.x, world.y))]
        assert np.all(standing[alive] == 0)
        x, y = np.asarray(world.x)[alive], np.asarray(world.y)[alive]
        assert np.all((x >= 1) & (x < WIDTH - 1) & (y >= 1) & (y < HEIGHT - 1))
    assert np.any(np.asarray(colony.world.alive))


@given(st.integers(0, 2**24), st.floats(2, 1e5), st.floats(2, 1e6), st.floats(0, 1), st.floats(0, 1))
def test_light_follows_day_and_season(tick, day, year, day_depth, season_depth):
    params = replace(LUSH, day_length=day, season_length=year, day_depth=day_depth, season_depth=season_depth)
    brightness, season = light(EVERYTHING, params, jnp.int32(tick))
    day, year = np.float32(day), np.float32(year)
    angles = [2 * np.pi * (np.mod(np.float32(tick), length) / length) for length in (day, year)]
    dark = [depth * 0.5 * (1 - np.cos(angle)) for depth, angle in zip((day_depth, season_depth), angles, strict=True)]
    assert 0 <= float(brightness) <= 1
    assert float(brightness) == pytest.approx(np.clip(1 - sum(dark), 0, 1), abs=2e-5)
    assert float(season) == pytest.approx(angles[1], abs=2e-5)
    assert light(replace(EVERYTHING, seasons=False), params, jnp.int32(tick)) == (1.0, 0.0)


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_an_action_that_is_not_finite_is_no_action(junk):
    num = len(actions.names(EVERYTHING))
    action = jnp.full((64, num), 0.5).at[3, 1].set(junk).at[4, num - 1].set(junk)
    calm = np.asarray(actions.sane(replace(WORLD, alive=jnp.ones(64, bool)), action))
    still = [0.0] + [-1.0] * (num - 1)
    assert calm[3].tolist() == still and calm[4].tolist() == still
    assert np.all(np.delete(calm, [3, 4], axis=0) == 0.5)
    acts = actions.decode(EVERYTHING, jnp.asarray(calm[3:4]))
    assert float(acts.thrust[0]) == 0 and not acts.eat[0] and not acts.breed[0]
    assert not acts.bite[0] and not acts.give[0] and np.all(np.asarray(acts.voice) == 0)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=8, max_size=8))
def test_actions_are_always_within_bounds(values):
    calm = np.asarray(actions.sane(replace(WORLD, alive=jnp.ones(64, bool)), jnp.tile(jnp.asarray(values), (64, 1))))
    assert np.all(np.isfinite(calm)) and np.all(np.abs(calm) <= 1)


@given(st.floats(-36, 72, exclude_max=True, width=32), st.floats(-28, 56, exclude_max=True, width=32))
def test_home_is_within_the_world(x, y):
    for config in (EVERYTHING, WALLED):
        home_x, home_y = space.wrap(config, jnp.float32(x), jnp.float32(y))
        assert 0 <= float(home_x) < WIDTH and 0 <= float(home_y) < HEIGHT
        assert 0 <= int(space.cell(config, home_x, home_y)) < WIDTH * HEIGHT


@partial(jax.jit, static_argnums=0)
def stride(config: WorldConfig, world, action):
    return motion.move(config, LUSH, world, actions.decode(config, action))


def test_rock_blocks_and_bumps():
    action = jnp.zeros((64, len(actions.names(EVERYTHING)))).at[:, 1].set(1.0)
    rock = np.zeros((HEIGHT, WIDTH), np.float32)
    rock[:, 10] = 1
    world = replace(
        turned(WORLD, jnp.where(jnp.arange(64) < 32, 0.0, jnp.pi)),
        x=jnp.full(64, 9.75, jnp.float32),
        y=jnp.full(64, 5.5, jnp.float32),
        alive=jnp.ones(64, bool),
        rock=jnp.asarray(rock),
        body=replace(WORLD.body, speed=jnp.full(64, 0.5, jnp.float32)),
    )
    after = stride(EVERYTHING, world, action)
    assert np.all(np.asarray(after.x[:32]) == 9.75) and np.all(np.asarray(after.x[32:]) == 9.25)
    assert np.asarray(after.bump).tolist() == [1.0] * 32 + [0.0] * 32
    assert np.asarray(after.speed).tolist() == [0.0] * 32 + [0.5] * 32


def test_large_fast_old_and_clever_bodies_cost_more():
    acts = actions.decode(EVERYTHING, jnp.zeros((64, len(actions.names(EVERYTHING)))))
    world = replace(WORLD, body=jax.tree.map(lambda g: jnp.full(64, g[0]), WORLD.body), brain=jnp.zeros(64))
    base = metabolism.upkeep(LUSH, world, acts, None)
    dearer = {
        "size": replace(world, body=replace(world.body, size=2 * world.body.size)),
        "speed": replace(world, speed=world.speed + 1),
        "age": replace(world, age=world.age + 100),
        "brain": replace(world, brain=world.brain + 50),
        "lifespan": replace(world, body=replace(world.body, lifespan=2 * world.body.lifespan)),
    }
    for name, other in dearer.items():
        assert np.all(np.asarray(metabolism.upkeep(LUSH, other, acts, None) > base)), name
    kleiber = metabolism.upkeep(LUSH, dearer["size"], acts, None) / base
    np.testing.assert_allclose(kleiber, 2**0.75, rtol=1e-5)
