"""Evolution of automata: operators by their law, detectors on what is known, searches whose finds are proved anew."""

import json
from math import comb

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution.genetic import GaParams
from evolution.life import copies, growth, lifespan, replication, travel
from evolution.life.bits import BitGenetic, BitState, RandomBits, stretches
from evolution.life.encoding import SYMMETRIES, Encoding, coded, framed, orbits, rule_of
from evolution.life.goals import Claims, Find, goal
from experiments.life_search import _Search, search
from sim.life import formats, objects, packed, rle
from sim.life.grids import torus
from sim.life.pattern import PatternError, RuleError
from sim.life.patterns import named
from sim.life.rules import parse
from tests import FAST

NUM = 128
"""Strings of a population, and fields side by side: one shape for all tests."""
LIFE, HIGHLIFE, FREDKIN = parse("B3/S23"), parse("B36/S23"), parse("B1357/S1357")
PREDECESSOR = rle.parse("b3o$o$o$o!").cells  # of HighLife's replicator


def cells(name: str) -> np.ndarray:
    return named(name).cells


def fields(patterns, side: int) -> jax.Array:
    """Patterns in the middle of `NUM` packed fields; the rest are empty."""
    seeds = np.zeros((NUM, 16, 16), np.uint8)
    for seed, pattern in zip(seeds, patterns, strict=False):
        seed[: pattern.shape[0], : pattern.shape[1]] = pattern
    return framed(jnp.asarray(seeds), side)


def codes(rules) -> jax.Array:
    return jnp.asarray(np.resize(packed.coded(rules).T, (NUM, 20)).T)


def results(*args, **options):
    *progress, result = search(*args, population=NUM, **options)
    return progress, result


tell = jax.jit(lambda algorithm, *told: algorithm.tell(*told), compiler_options=FAST)
start = jax.jit(lambda algorithm, key: algorithm.init(key), compiler_options=FAST)


def test_without_flips_children_hold_nothing_but_bits_of_two_parents():
    algorithm = BitGenetic(60, NUM, params=GaParams(crossover=1.0, elites=3.0), flips=0.0)
    before = start(algorithm, jax.random.key(0))
    fitness = jnp.arange(NUM, dtype=jnp.float32).at[7].set(jnp.nan)
    after = np.asarray(tell(algorithm, jax.random.key(1), before, fitness).bits)
    old = np.asarray(before.bits)
    assert np.array_equal(after[:3], old[:-4:-1])
    mixed = 0
    for child in after[3:]:
        mixed += (old == child).sum(1).max() < 60
        like = old == child
        assert (like[:, None] | like).all(-1).any()
    assert mixed > NUM / 2


def test_a_stretch_begins_anywhere_and_is_one_piece():
    mask = np.asarray(jax.jit(stretches, static_argnums=(1, 2))(jax.random.key(0), 4000, 6)).astype(int)
    edges = np.abs(np.diff(mask, axis=1, append=mask[:, :1])).sum(1)
    assert np.all(edges == 2)
    assert np.allclose(mask.mean(0), 0.5, atol=0.05)


def test_flips_are_as_many_as_told():
    algorithm = BitGenetic(60, NUM, params=GaParams(elites=0.0, crossover=0.0), flips=3.0)
    same = BitState(jnp.tile(jnp.arange(60) % 3 == 0, (NUM, 1)), jnp.int32(0))
    after = tell(algorithm, jax.random.key(1), same, jnp.arange(NUM, dtype=jnp.float32))
    flipped = np.asarray(after.bits ^ same.bits).sum(1)
    assert abs(flipped.mean() - 3) < 5 * np.sqrt(3 / NUM)


def test_immigrants_come_last_and_are_random():
    """Of strings of ones, with a density of one half: 32 of 128."""
    algorithm = BitGenetic(60, NUM, params=GaParams(crossover=0.0), flips=0.0, density=0.5, immigrants=0.25)
    ones = BitState(jnp.ones((NUM, 60), bool), jnp.int32(0))
    after = np.asarray(tell(algorithm, jax.random.key(1), ones, jnp.zeros(NUM)).bits)
    assert after[:96].all() and abs(after[96:].mean() - 0.5) < 5 * 0.5 / np.sqrt(32 * 60)


def test_selection_climbs_where_random_search_does_not():
    """Ones of 60: after 30 generations of 128 the best of random strings is bounded by the binomial law."""
    best = []
    for algorithm in (BitGenetic(60, NUM, density=0.5, flips=1.0), RandomBits(60, NUM, density=0.5)):
        state = start(algorithm, jax.random.key(0))
        for number in range(30):
            fitness = state.bits.sum(1).astype(jnp.float32)
            state = tell(algorithm, jax.random.key(number), state, fitness)
        best.append(int(fitness.max()))
    tail = sum(comb(60, k) for k in range(47, 61)) / 2**60 * NUM * 30
    assert tail < 0.03 and best[1] < 47 and best[0] >= 57


@pytest.mark.parametrize(
    ("symmetry", "odd", "even"),
    [
        ("C1", 25, 36),
        ("C2", 13, 18),
        ("C4", 7, 9),
        ("D2_+", 15, 18),
        ("D2_x", 15, 21),
        ("D4_+", 9, 9),
        ("D4_x", 9, 12),
        ("D8", 6, 6),
    ],
)
def test_orbits_are_as_many_as_burnside_counts_and_seeds_are_symmetric(symmetry, odd, even):
    assert orbits(5, symmetry).max() + 1 == odd and orbits(6, symmetry).max() + 1 == even
    encoding = Encoding(LIFE, 5, symmetry)
    seed = np.asarray(encoding.seeds(np.random.default_rng(0).random((1, encoding.length)) < 0.5))[0]
    assert all(np.array_equal(move(seed), seed) for move in SYMMETRIES[symmetry])


def test_evolved_rules_are_those_of_the_stepper_and_keep_the_plane_empty():
    masks = np.random.default_rng(0).random((9, 18)) < 0.5
    expected = packed.coded([rule_of(mask) for mask in masks])
    assert np.array_equal(coded(jnp.asarray(masks)), expected)
    for least in (1, 2, 3):
        encoding = Encoding(side=4, least_birth=least)
        everything = encoding.rule_of(np.ones(encoding.length, bool)).name
        assert everything == f"B{'12345678'[least - 1 :]}/S012345678"


def test_what_travels_is_known_by_its_moments():
    """Periods and displacements as published; a block stays, an R-pentomino is not done, nothing is nothing."""
    names = ["glider", "lwss", "copperhead", "loafer", "block", "blinker", "r-pentomino"]
    seen = travel.travel(codes([LIFE]), fields([cells(name) for name in names], travel.SIDE))
    assert np.asarray(seen.period)[:8].tolist() == [4, 4, 10, 7, 1, 2, 0, 0]
    assert np.asarray(seen.dx)[:6].tolist() == [1, -2, 0, -1, 0, 0]
    assert np.asarray(seen.dy)[:6].tolist() == [1, 0, -1, 0, 0, 0]
    assert np.asarray(seen.population)[[0, 4, 5, 7]].tolist() == [5, 4, 3, 0]
    worth = np.asarray(travel.worth(seen))
    np.testing.assert_allclose(worth[:6], [1.25, 1.5, 1.1, 1 + 1 / 7, 0, 0], rtol=1e-6)
    assert 0 < worth[6] < 0.1 and worth[7] == 0


def test_copies_are_seen_of_the_seed_and_of_what_it_becomes():
    patterns = [cells("replicator"), PREDECESSOR, cells("glider"), cells("glider"), cells("block"), cells("replicator")]
    rules = [HIGHLIFE, HIGHLIFE, FREDKIN, LIFE, LIFE, LIFE]
    code = codes(rules + [LIFE] * (NUM - len(rules)))
    seen = copies.copies(code, fields(patterns, copies.SIDE))
    assert np.all(np.asarray(seen.number)[:3] >= 2) and np.all(np.asarray(seen.number)[3:] < 2)
    assert np.all(np.asarray(seen.worth)[:3] > 2) and np.all(np.asarray(seen.worth)[3:] < 1)
    assert seen.since[0] == 0 and seen.since[1] == 4


@pytest.mark.slow
def test_matches_count_exact_copies_and_near_ones():
    """Three copies, one of them with a wrong cell, one with three: by the eye."""
    large = np.pad([[0, 1, 0], [0, 1, 1], [1, 1, 1]], 1)  # six cells
    field = np.zeros((copies.SIDE, copies.SIDE), np.uint8)
    for place, spoiled in ((2, 0), (20, 1), (40, 3)):
        field[place : place + 5, place : place + 5] = large
        field[place, place + 1 : place + 1 + spoiled] = 1
    alone = np.zeros_like(field)
    alone[30:35, 7:12] = large
    batch = lambda cells_: jnp.repeat(framed(jnp.asarray(cells_)[None], copies.SIDE), NUM, -1)
    exact, near = jax.jit(copies.matches)(batch(field), copies.template(batch(alone)))
    assert exact[0] == 1 and near[0] == 2


def test_the_replicator_of_highlife_is_proved():
    """Two copies after 12 generations, two places off along a diagonal; then as Pascal's triangle mod 2: 2, 4, 2."""
    for start in (cells("replicator"), PREDECESSOR):
        proved = replication.replicator(start, HIGHLIFE)
        assert proved.period == 12 and proved.clean and not proved.linear
        assert proved.places == ((-2, -2), (2, 2)) and proved.counts == (1, 2, 2, 4, 2)
    assert replication.replicator(cells("replicator"), LIFE) is None


def test_two_rows_of_five_copy_themselves_under_b347_s0235():
    """As drawn: after four generations the pattern is there twice, two rows up and two rows down, and nothing else."""
    row, empty = [1] * 5, [0] * 5
    field = np.pad([row, row], 10)
    for _ in range(4):
        field = objects.after(field, parse("B347/S0235"))
    expected = np.pad([row, row, empty, empty, row, row], ((8, 8), (10, 10)))
    assert np.array_equal(field, expected)
    proved = replication.replicates(np.array([row, row], np.uint8), parse("B347/S0235"))
    assert (proved.period, proved.counts, proved.linear) == (4, (1, 2, 2, 4, 2), False)


@pytest.mark.slow
def test_a_replicator_is_found_in_a_rule_that_was_not_given():
    options = {"symmetry": "D2_+", "side": 5, "least_birth": 3, "generations": 12, "wanted": 1}
    *_, result = search("replicator", population=512, **options)
    read = formats.read(formats.write(result["patterns"][0], "rle"))
    proved = replication.replicates(read.cells, parse(read.rule))
    assert max(proved.counts) >= 4 and not proved.linear and "2" not in read.rule.split("/")[0]


@pytest.mark.parametrize("rule", ["B1357/S1357", "B1357/S02468"])
def test_everything_replicates_under_a_linear_rule(rule):
    proved = replication.replicates(cells("r-pentomino"), parse(rule))
    assert proved.linear and proved.clean and proved.counts[1] == (8 if "S1357" in rule else 9)
    assert replication.linear(parse(rule)) and not replication.linear(HIGHLIFE)


@pytest.mark.parametrize("name", ["block", "beehive", "glider", "r-pentomino"])
def test_what_only_stays_moves_or_grows_is_no_replicator(name):
    assert replication.replicator(cells(name), LIFE) is None


def test_lifespans_are_the_published_ones():
    known = {"r-pentomino": (1103, 116), "diehard": (130, 0), "b-heptomino": (148, 28), "glider": (0, 5)}
    lives = {name: lifespan.lifespan(cells(name), LIFE) for name in known}
    assert {name: (life.generations, life.population) for name, life in lives.items()} == known
    assert {life.end for life in lives.values()} == {"settled"}
    with pytest.raises(PatternError, match="less than 3024 cells"):
        lifespan.lifespan(np.ones((3024, 1), np.uint8), LIFE)
    (endless,) = lifespan.lifespans([cells("block-laying")], LIFE, 20_000, 192, 1)
    assert endless.end == "outgrown"


def test_a_lifespan_ends_in_ash_of_any_period():
    """A diehard beside a twin bees shuttle, whose period of 46 does not divide 240: settled once that is gone."""
    shuttle, diehard = cells("twin-bees-shuttle"), cells("diehard")
    field = np.zeros((30, 100), np.uint8)
    field[: shuttle.shape[0], : shuttle.shape[1]] = shuttle
    field[-diehard.shape[0] :, -diehard.shape[1] :] = diehard
    life = lifespan.lifespan(field, LIFE, 2400)
    assert (life.generations, life.end) == (130, "settled")


def test_what_was_not_seen_to_the_end_is_proved_though_the_record_is_higher():
    """Three strings below the record: one settled, one may live longer than was seen, one was judged before."""
    known = _Search(goal("methuselah", LIFE, 5, "C1", 2))
    known.finds["record"] = Find("record", named("block"), 5000.0, {})
    bits = np.zeros((3, 25), bool)
    bits[0, :4] = bits[1, [1, 2, 5, 6, 11]] = bits[2, 0] = True  # the second is the R-pentomino
    claims = Claims(np.array([700, 300, 900], np.float32), np.array([False, True, True]))
    known.judged[bits[2].tobytes()] = 0.0
    assert known.corrected(bits, claims, 3).tolist() == [700, 1103, 0]
    assert list(known.finds) == ["record"]


def test_growth_is_linear_where_it_is_known_to_be():
    gun = growth.populations(cells("gosper-gun"), LIFE, 400)
    assert gun[[0, 15, 30, 60, 90, 120, 150]].tolist() == [36, 42, 41, 46, 51, 56, 61]
    assert growth.linear(gun) == (30, 5, 0)
    engine = growth.populations(cells("block-laying"), LIFE, 1008)
    found = growth.linear(engine)
    assert engine[1000] == 158
    assert 9 * found.increment == found.period  # 8 blocks in 288 generations
    assert growth.linear(growth.populations(cells("r-pentomino"), LIFE, 1008)) is None
    with pytest.raises(PatternError, match="wider than 6144 cells at generation 0"):
        growth.populations(np.ones((1, 6100), np.uint8), LIFE, 8)


def test_a_replicator_is_found_written_and_read_again():
    """The rule is given, the pattern is not; what is read back copies itself, and what was not found does not."""
    _, result = results("replicator", HIGHLIFE, generations=5, wanted=1)
    read = formats.read(formats.write(result["patterns"][0], "rle"))
    proved = replication.replicates(read.cells, parse(read.rule))
    assert json.loads(json.dumps(result["found"]))[0]["rule"] == read.rule
    assert read.rule == "B36/S23" and proved.period == 12 and proved.counts == (1, 2, 2, 4, 2)
    assert result["found"][0]["copies"] == proved.counts and result["evaluations"] <= 5 * NUM


def test_a_rule_with_a_spaceship_is_found_and_the_search_is_repeatable():
    options = {"generations": 3, "seed": 4, "side": 5, "wanted": 1}
    progress, result = results("spaceship", **options)
    again, other = results("spaceship", **options)
    assert progress == again and np.array_equal(result["patterns"][0].cells, other["patterns"][0].cells)
    read = formats.read(formats.write(result["patterns"][0], "rle"))
    rule, figures = parse(read.rule), result["found"][0]
    (ship,) = objects.identify(np.pad(read.cells, 2), rule)
    assert figures["rule"] == rule.name and ship.code == figures["code"]
    assert (ship.object.period, ship.object.dx, ship.object.dy) == (figures["period"], *figures["displacement"])
    assert (ship.object.dx, ship.object.dy) != (0, 0)


def test_the_longest_lived_of_a_search_lives_as_long_as_it_says():
    progress, result = results("methuselah", LIFE, generations=1, side=5)
    figures, pattern = result["found"][0], result["patterns"][0]
    assert figures["lifespan"] == lifespan.lifespan(pattern.cells, parse(pattern.rule)).generations > 100
    assert progress[-1].evaluations == result["evaluations"] == NUM


def test_random_search_does_not_look_at_fitness():
    algorithm = RandomBits(60, NUM, density=0.5)
    state = start(algorithm, jax.random.key(0))
    told = [tell(algorithm, jax.random.key(1), state, jnp.full(NUM, value)).bits for value in (0.0, jnp.nan)]
    assert np.array_equal(*told) and not np.array_equal(told[0], state.bits)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gun",), "must be one of methuselah"),
        (("speed",), "needs a rule"),
        (("speed", parse("B03/S23")), "no B0"),
    ],
)
def test_what_cannot_be_sought_is_refused(arguments, message):
    with pytest.raises(RuleError, match=message):
        next(search(*arguments))
    with pytest.raises(RuleError, match="plane without end"):
        next(search("speed", LIFE, torus(64, 64)))
    with pytest.raises(RuleError, match="D4_x"):
        goal("replicator", None, 5, "D3", 2).encoding.length  # noqa: B018
    with pytest.raises(RuleError, match="1, 2 or 3"):
        goal("replicator", None, 5, "C1", 0)


@pytest.mark.parametrize(("name", "widest"), [("methuselah", 143), ("growth", 143), ("speed", 12), ("replicator", 32)])
def test_seeds_are_no_wider_than_the_fields_of_a_goal_hold(name, widest):
    assert goal(name, LIFE, widest, "C1", 2).encoding.side == widest
    for side in (0, widest + 1):
        with pytest.raises(RuleError, match=f"side {side}: .* from 1 to {widest}"):
            goal(name, LIFE, side, "C1", 2)


def test_a_search_without_a_find_says_so():
    """One cell dies."""
    _, result = results("replicator", LIFE, generations=1, side=1)
    assert result["found"] == [] and result["outcome"] == "nothing found, 0 claims failed the proof"
