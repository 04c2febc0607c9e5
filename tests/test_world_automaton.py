"""The automaton in the world keeps its rule, seeds what the ledger says, bars the way and is toggled in no order."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import scripted
from experiments import checkpoint, config, metrics, rollout
from experiments.errors import UserError
from sim import actions, automaton, metabolism, motion, senses, step
from sim.body import founder_bodies
from sim.config import WorldConfig, WorldParams
from sim.fields import MOST_SEEDS
from sim.space import quantise
from sim.step import total_energy
from sim.world import FIELDS, World
from tests import FAST
from tests.worlds import BARE, LUSH, SLOTS, assert_same_bits, facing, landscape, whole

GARDEN = replace(
    BARE, poison=True, obstacles=True, automaton="both", automaton_toggle="flip", senses=("retina", "touch", "self")
)
NUMBERS = replace(LUSH, automaton_interval=3.0, automaton_noise=0.002, toggle_cost=0.013, founder_energy=0.1)
WIDTH, HEIGHT = GARDEN.width, GARDEN.height
CROOKED = "MAP" + "ARYXfhZofugWaH7oaIDogBZofuhogOiAaIDogIAAgAAWaH7oaIDogGiA6ICAAIAAaIDogIAAgACAAIAAAAAAAA"
"""Conway's rule by its map; and below one without any symmetry."""
LOPSIDED = "MAP" + "7" * 40 + "A" * 46


def reference(rule: str, cells: np.ndarray, torus: bool) -> np.ndarray:
    """One generation, cell by cell: by counts of living neighbours, or bit by bit of a map."""
    height, width = cells.shape
    born, stay = ("".join(part[1:]) for part in rule.split("/")) if "/" in rule else ("", "")
    after = np.zeros_like(cells)
    for row in range(height):
        for column in range(width):
            window = ""
            for y in (row - 1, row, row + 1):
                for x in (column - 1, column, column + 1):
                    inside = torus or (0 <= y < height and 0 <= x < width)
                    window += str(int(inside and cells[y % height, x % width]))
            number, alive = window.count("1") - int(window[4]), window[4] == "1"
            if "/" in rule:
                after[row, column] = str(number) in (stay if alive else born)
            else:
                after[row, column] = table_of(rule)[int(window, 2)]
    return after


def table_of(rule: str) -> list[bool]:
    """Next states `[512]` of a MAP rule, first bit first."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bits = "".join(f"{digits.index(c):06b}" for c in rule[3:])
    return [bit == "1" for bit in bits[:512]]


@pytest.mark.parametrize("rule", ["B3/S23", "B36/S23", "B0/S8", LOPSIDED])
@pytest.mark.parametrize("boundary", ["torus", "walled"])
def test_a_generation_equals_a_look_at_every_cell(rule, boundary):
    cells = np.random.default_rng(0).random((16, 20)) < 0.4
    world = WorldConfig(width=20, height=16, boundary=boundary, automaton_rule=rule)
    for _ in range(2):
        after = np.asarray(automaton.generation(world, jnp.asarray(cells)))
        np.testing.assert_array_equal(after, reference(rule, cells, boundary == "torus"))
        assert after.any() and not after.all()
        cells = after


def test_a_glider_moves_by_one_cell_in_four_generations():
    """Conway's rule by its counts and by Golly's map of it; the glider crosses both seams of the torus."""
    glider = np.zeros((HEIGHT, WIDTH), bool)
    glider[[0, 1, 2, 2, 2], [1, 2, 0, 1, 2]] = True
    for rule in ("B3/S23", CROOKED):
        cells = jnp.roll(jnp.asarray(glider), (-2, -2), (0, 1))
        for _ in range(4):
            cells = automaton.generation(replace(GARDEN, automaton_rule=rule), cells)
        np.testing.assert_array_equal(cells, np.roll(glider, (-1, -1), (0, 1)))


def test_rules_have_the_names_that_they_have_elsewhere():
    cells = jnp.asarray(np.random.default_rng(1).random((HEIGHT, WIDTH)) < 0.4)
    for name, text in (("HighLife", "B36/S23"), ("day & night", "B3678/S34678")):
        named, spelt = (config.load("quickstart", [f"world.automaton_rule={rule}"]).world for rule in (name, text))
        after = automaton.generation(replace(named, width=WIDTH, height=HEIGHT), cells)
        np.testing.assert_array_equal(after, automaton.generation(replace(spelt, width=WIDTH, height=HEIGHT), cells))


@partial(jax.jit, static_argnums=1, compiler_options=FAST)
def found(key, slots: int) -> World:
    return step.genesis(key, GARDEN, NUMBERS, slots, founder_bodies(40), jnp.ones(40))


WORLD = found(jax.random.key(0), 64)
advance = jax.jit(automaton.advance, static_argnums=1)
toggle = jax.jit(automaton.toggle, static_argnums=0)
observe = jax.jit(senses.observe, static_argnums=0)


@partial(jax.jit, static_argnums=0)
def move(garden: WorldConfig, world: World, action) -> World:
    return motion.move(garden, LUSH, world, actions.decode(garden, action))


places = jax.jit(step._places, static_argnums=(1, 3))


@pytest.mark.parametrize("tick, due", [(0, False), (1, False), (2, True), (3, False), (5, True)])
def test_generations_come_at_their_interval(tick, due):
    params = replace(NUMBERS, automaton_noise=0.0)
    world = replace(WORLD, tick=jnp.int32(tick))
    after = advance(jax.random.key(1), GARDEN, params, world)
    expected = automaton.generation(GARDEN, WORLD.automaton) if due else WORLD.automaton
    np.testing.assert_array_equal(after.automaton, expected)
    assert np.any(np.asarray(expected) != np.asarray(WORLD.automaton)) == due


def test_cells_come_alive_by_themselves_as_often_as_asked():
    """On empty ground of a rule without births; each throw of the rain hits a cell of its own or one hit before."""
    still = replace(GARDEN, automaton_rule="B/S012345678", width=64, height=64)
    empty = replace(WORLD, automaton=jnp.zeros((64, 64), bool), tick=jnp.int32(2))
    params, rounds = replace(NUMBERS, automaton_noise=1 / 256), 200
    keys = jax.random.split(jax.random.key(0), rounds)
    born = jax.vmap(lambda key: jnp.sum(automaton.advance(key, still, params, empty).automaton))(keys)
    throws = 64 * 64 // MOST_SEEDS
    expected = 64 * 64 * (1 - (1 - 1 / 256 / throws) ** throws)
    assert float(jnp.mean(born)) == pytest.approx(expected, abs=5 * np.sqrt(expected / rounds))


def test_wandering_cells_are_the_same_pattern_elsewhere():
    params = replace(NUMBERS, automaton_noise=0.0)
    world = replace(WORLD, tick=jnp.int32(2))
    moved = np.asarray(advance(jax.random.key(1), replace(GARDEN, automaton_wander=True), params, world).automaton)
    grown = np.asarray(automaton.generation(GARDEN, WORLD.automaton))
    shifts = [(y, x) for y in range(HEIGHT) for x in range(WIDTH) if (np.roll(grown, (y, x), (0, 1)) == moved).all()]
    assert len(shifts) == 1 and shifts != [(0, 0)]


def crowd(seed: int):
    """The world with everybody in a small square, some dead, and headings of all kinds."""
    rng = np.random.default_rng(seed)
    spots = rng.uniform(0, 5, (2, 64)) - 2
    world = facing(WORLD, rng.uniform(0, 2 * np.pi, 64))
    x, y = np.round(1024 * np.mod(spots, [[WIDTH], [HEIGHT]])) / 1024 % [[WIDTH], [HEIGHT]]
    return replace(world, x=jnp.float32(x), y=jnp.float32(y), alive=jnp.asarray(rng.random(64) < 0.8))


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_each_toggle_flips_the_cell_in_front_once(seed):
    world, wants = crowd(seed), np.random.default_rng(seed).random(64) < 0.5
    after, toggled, woken = toggle(GARDEN, world, jnp.asarray(wants))
    before = np.asarray(world.automaton)
    cells, on = before.copy(), 0
    for slot in np.flatnonzero(wants & np.asarray(world.alive)):
        heading = float(world.heading[slot])
        column = int((float(world.x[slot]) + np.round(1024 * np.cos(heading)) / 1024) % WIDTH)
        row = int((float(world.y[slot]) + np.round(1024 * np.sin(heading)) / 1024) % HEIGHT)
        on += not before[row, column]
        cells[row, column] ^= True
    np.testing.assert_array_equal(after.automaton, cells)
    np.testing.assert_array_equal(toggled, wants & np.asarray(world.alive))
    assert int(jnp.sum(woken)) == on and not np.any(np.asarray(woken) & ~np.asarray(toggled))


def test_two_who_toggle_one_cell_undo_each_other_and_three_do_not():
    world = facing(crowd(0), 0.0)
    world = replace(world, x=jnp.full(64, 3.5), y=jnp.full(64, 4.5), alive=jnp.ones(64, bool))
    for number in range(4):
        after, toggled, _ = toggle(GARDEN, world, jnp.arange(64) < number)
        flipped = np.argwhere(np.asarray(after.automaton) != np.asarray(world.automaton)).tolist()
        assert flipped == ([[4, 4]] if number % 2 else []) and int(jnp.sum(toggled)) == number


def test_sham_toggles_are_told_and_flip_nothing():
    world, wants = crowd(3), jnp.ones(64, bool)
    after, toggled, woken = toggle(replace(GARDEN, automaton_toggle="sham"), world, wants)
    np.testing.assert_array_equal(after.automaton, world.automaton)
    for real, sham in zip(toggle(GARDEN, world, wants)[1:], (toggled, woken), strict=True):
        np.testing.assert_array_equal(real, sham)


@partial(jax.jit, compiler_options=FAST)
def live(world: World, params: WorldParams, ticks: int) -> tuple[World, dict[str, jax.Array]]:
    """So many ticks of creatures that act at random and do not breed, and their totals as int32."""
    act = scripted.random_policy(GARDEN)

    def tick(_, carry):
        world, totals = carry
        after, _, events = step.tick(jax.random.key(1), GARDEN, params, act, world, None, jnp.zeros(world.num_slots))
        sums = rollout._tick_sums(world, events)
        whole_sums = {name: whole(value) if value.ndim else value for name, value in sums.items()}
        return after, {name: totals[name] + whole_sums[name] for name in totals}

    names = ("light_in", "heat_out", "plant_eaten", "deaths_poisoned", "toggles", "toggles_on", "seeded")
    return jax.lax.fori_loop(0, ticks, tick, (world, {name: jnp.int32(0) for name in names}))


def life(world: World, ticks: int = 120, **params: float) -> tuple[World, dict[str, int]]:
    after, totals = live(world, jax.tree.map(jnp.float32, replace(NUMBERS, **params)), ticks)
    return after, {name: int(total) for name, total in totals.items()}


def assert_eventful(lived: tuple[World, dict[str, int]]) -> None:
    """Something was eaten, seeded, toggled either way, somebody died and somebody lives."""
    world, totals = lived
    assert min(totals.values()) > 0 and totals["toggles"] > totals["toggles_on"] and world.alive.any(), totals


def assert_same_life(left: tuple[World, dict[str, int]], right: tuple[World, dict[str, int]]) -> None:
    """The same living, whatever their slots, the same ground and the same totals."""
    assert left[1] == right[1]
    assert_same_bits(landscape(left[0]), landscape(right[0]))
    assert_same_bits(by_uid(left[0]), by_uid(right[0]))


def by_uid(world: World) -> dict[str, np.ndarray]:
    """Slot arrays of the living, sorted by uid."""
    slots = np.flatnonzero(world.alive)
    slots = slots[np.argsort(np.asarray(world.uid)[slots])]
    return {name: np.asarray(getattr(world, name))[slots] for name in SLOTS if name != "body"}


def test_the_ledger_closes_with_cells_that_seed_and_toggles_that_cost():
    after, totals = life(WORLD)
    assert_eventful((after, totals))
    assert total_energy(NUMBERS, after) - total_energy(NUMBERS, WORLD) == totals["light_in"] - totals["heat_out"]


def test_seeds_are_light_that_living_cells_turn_into_plants():
    """Each living cell on fertile ground with room gets the energy asked for, and none elsewhere."""
    rng = np.random.default_rng(0)
    shape, fertility = (HEIGHT, WIDTH), np.asarray(WORLD.fertility)
    standing = np.asarray(quantise(jnp.float32(rng.random(shape)))) * fertility
    world = replace(
        WORLD,
        plants=jnp.where(WORLD.toxic, 0.0, standing),
        poison=jnp.where(WORLD.toxic, standing, 0.0),
        light=jnp.float32(0.5),
    )
    after, seeded = jax.jit(automaton.seed)(replace(LUSH, automaton_seeds=0.5), world)
    expected = np.where(world.automaton, np.minimum(0.25, fertility - standing), 0.0)
    np.testing.assert_array_equal(np.asarray(after.plants + after.poison) - standing, expected)
    assert np.all(np.asarray(after.poison)[~np.asarray(WORLD.toxic)] == 0)
    assert int(whole(seeded)) == (65536 * expected).sum() > 0


def test_a_toggle_has_its_price():
    toggle = actions.names(GARDEN).index("toggle")
    action = jnp.full((64, len(actions.names(GARDEN))), -1.0)
    idle, busy = (actions.decode(GARDEN, action.at[:, toggle].set(value)) for value in (0.2, 0.3))
    price = metabolism.upkeep(NUMBERS, WORLD, busy, None) - metabolism.upkeep(NUMBERS, WORLD, idle, None)
    np.testing.assert_allclose(price, NUMBERS.toggle_cost, rtol=1e-4)


def test_a_row_tells_the_share_of_living_cells_and_the_sums_in_their_units():
    row = metrics.row(0, jax.device_get(WORLD), SimpleNamespace(genome=None), dict.fromkeys(rollout.SUMS, 7), 0)
    assert row["automaton"] == np.asarray(WORLD.automaton).mean() > 0
    assert row["toggles"] == row["toggles_on"] == 7 and row["seeded"] == 7 / 65536


def test_living_cells_bar_the_way_in_but_not_out():
    """From each side of a cell's edge; whoever is inside gets out, also through other living cells, not into rock."""
    cells, rock = np.zeros((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH), np.float32)
    cells[5, 10:12] = True  # open, living, living, rock in a row, from column 9
    rock[5, 12] = 1
    starts = {9: 9.9, 10: 10.9, 11: 11.9}
    world = facing(replace(WORLD, automaton=jnp.asarray(cells), rock=jnp.asarray(rock)), 0.0)
    world = replace(world, x=jnp.float32([starts[9 + i % 3] for i in range(64)]), y=jnp.full(64, 5.5))
    action = np.zeros((64, len(actions.names(GARDEN))), np.float32)
    action[:, actions.names(GARDEN).index("thrust")] = 1
    after = move(GARDEN, world, action)
    np.testing.assert_array_equal(after.bump[:3], [1, 0, 1])
    np.testing.assert_array_equal(after.x[:3] == world.x[:3], [True, False, True])
    back = move(GARDEN, facing(replace(world, x=jnp.full(64, 10.1)), jnp.pi), action)
    assert not back.bump.any() and np.all(np.asarray(back.x)[np.asarray(WORLD.alive)] < 10)
    seeding = move(replace(GARDEN, automaton="plants"), world, action)
    np.testing.assert_array_equal(seeding.bump[:3], [0, 0, 1])


def test_cells_are_seen_and_hide_what_lies_behind_if_they_bar():
    cells, plants = np.zeros((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH), np.float32)
    cells[5, [4, 5, 6]] = True  # under, in front, and where the retina looks first
    plants[5, 8] = 1
    world = facing(replace(WORLD, automaton=jnp.asarray(cells), plants=jnp.asarray(plants)), 0.0)
    world = replace(world, x=jnp.full(64, 4.75), y=jnp.full(64, 5.5), rock=jnp.zeros_like(world.rock))
    for kind, behind in (("both", 0.0), ("plants", 1 / 3.5)):
        garden = replace(GARDEN, automaton=kind, retina_distances=(1.5, 3.5))
        seen = dict(zip(senses.names(garden), np.asarray(observe(garden, LUSH, world))[0], strict=True))
        assert seen["ray1.automaton"] == pytest.approx(1 / 1.5) and seen["ray1.plant"] == pytest.approx(behind)
        assert seen["here.automaton"] == seen["front.automaton"] == 1


def test_founders_settle_on_open_ground():
    cells = np.asarray(WORLD.automaton) | (np.asarray(WORLD.rock) > 0)
    x, y = places(jax.random.key(0), GARDEN, WORLD, 200)
    assert 0.1 < cells.mean() < 0.5  # the best of eight throws misses with at most 0.5^8
    assert np.mean(cells[np.asarray(y).astype(int), np.asarray(x).astype(int)]) < 0.03


def test_slots_and_junk_in_graves_and_the_place_of_the_torus_change_nothing():
    straight = life(WORLD)
    assert_eventful(straight)
    order = jax.random.permutation(jax.random.key(9), 64)
    mixed = {name: jax.tree.map(lambda leaf: leaf[order], getattr(WORLD, name)) for name in SLOTS}
    assert_same_life(straight, life(replace(WORLD, **mixed)))
    for junk in (np.nan, np.inf, -7.3):
        place = {name: jnp.where(WORLD.alive, getattr(WORLD, name), junk) for name in ("x", "y", "ux", "uy", "heading")}
        assert_same_life(straight, life(replace(WORLD, **place)))
    still = {"seed_rate": 0.0, "automaton_noise": 0.0}  # both fall by place
    straight, (moved, totals) = life(WORLD, **still), life(shift(WORLD, 8, 4), **still)
    assert_eventful(straight)
    assert_same_life(straight, (shift(moved, WIDTH - 8, HEIGHT - 4), totals))


def shift(world: World, columns: int, rows: int) -> World:
    """The torus moved by whole cells."""
    fields = {name: getattr(world, name) for name in FIELDS}
    fields = {n: jnp.roll(field, (rows, columns), (0, 1)) for n, field in fields.items() if field is not None}
    return replace(world, x=jnp.mod(world.x + columns, WIDTH), y=jnp.mod(world.y + rows, HEIGHT), **fields)


def test_a_saved_world_goes_on_as_if_nothing_had_been():
    straight, (half, first) = life(WORLD), life(WORLD, 59)  # not a whole number of generations
    assert np.any(half.automaton)
    resumed, second = life(checkpoint.restore(WORLD, checkpoint.flatten(half)), 61)
    assert_same_life(straight, (resumed, {name: first[name] + second[name] for name in first}))


def test_a_world_without_automaton_has_nothing_of_it():
    plain = replace(GARDEN, automaton="none", automaton_toggle="none")
    assert automaton.start(jax.random.key(0), plain, NUMBERS) is None
    assert "automaton" not in plain.channels and "toggle" not in actions.names(plain)
    assert not [name for name in senses.names(plain) if "automaton" in name]


@pytest.mark.parametrize(
    "override, words",
    [
        ("world.automaton_rule=B9/S23", 'world.automaton_rule = "B9/S23": .*B9/S23'),
        ("world.automaton_rule=", 'world.automaton_rule = "": '),
        ("world.automaton_rule=HighLive", 'world.automaton_rule = "HighLive": '),
        ("world.automaton_rule=/2/3", 'world.automaton_rule = "/2/3": must be a rule of two states and 3×3 cells'),
        ("world.automaton_rule=W110", 'world.automaton_rule = "W110": must be a rule of two states and 3×3 cells'),
        ("world.automaton_rule=WireWorld", 'world.automaton_rule = "WireWorld": must be a rule of two states'),
        ("world.automaton_rule=B3/S23:T64", 'world.automaton_rule = "B3/S23:T64": .*without a grid'),
        ("world.automaton_toggle=flip", 'world.automaton_toggle = "flip": must be none, or world.automaton'),
        ("world.automaton_wander=true", "world.automaton_wander = true: must be false, or world.automaton"),
        ("world.automaton=plant", "world.automaton = .* did you mean plants"),
        ("params.automaton_interval=0", "params.automaton_interval = 0: must be a number from 1"),
    ],
)
def test_what_cannot_work_is_refused(override, words):
    with pytest.raises(UserError, match=words) as caught:
        config.load("quickstart", [override])
    assert "\n" not in str(caught.value)
