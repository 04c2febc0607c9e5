"""Objects by their apgcodes, and the census of soups against what is known of Life's ash."""

from collections import Counter

import numpy as np
import pytest

from sim.life import apgcode, census, gliders, notation, objects, patterns, rules, universe
from sim.life.pattern import Pattern

LIFE, SEEDS, HIGHLIFE = (rules.parse(rule) for rule in ("B3/S23", "B2/S", "B36/S23"))
CATAGOLUE = {
    "xs4_33": 0.3066,
    "xp2_7": 0.2886,
    "xs6_696": 0.1642,
    "xq4_153": 0.0874,
    "xs7_2596": 0.0478,
    "xs5_253": 0.0447,
}
"""Shares of the commonest objects in the ash of 16x16 soups: 173,746 objects of 8,000 soups, counted by lifelib."""
SHIP = np.array([[0, 1, 1, 0], [1, 0, 0, 1]], np.uint8)
"""Flies upwards under B2/S (Seeds), a row in each generation."""


def cells(rows):
    return np.array([[cell == "O" for cell in row] for row in rows.split("/")], np.uint8)


def codes(grid, rule=LIFE):
    return Counter(found.code for found in objects.identify(grid, rule))


@pytest.mark.parametrize("code", apgcode.COMMON)
def test_every_named_code_is_the_object_that_it_describes(code):
    """Prefixes say the population, the period or that it moves; the cells come from the code alone."""
    found = objects.identify(apgcode.pattern(code), LIFE)
    assert [each.code for each in found] == [code]


@pytest.mark.parametrize(
    ("name", "period", "shift"),
    [
        ("glider", 4, (1, 1)),
        ("lwss", 4, (2, 0)),
        ("copperhead", 10, (0, 1)),
        ("pulsar", 3, (0, 0)),
        ("galaxy", 8, (0, 0)),
    ],
)
def test_periods_and_displacements(name, period, shift):
    (found,) = objects.identify(patterns.named(name).cells, LIFE)
    kind = found.object
    assert (kind.period, abs(kind.dx) + abs(kind.dy)) == (period, sum(shift))
    assert kind.code.startswith("xq" if any(shift) else "xp")


@pytest.mark.parametrize(
    ("name", "code"),
    [("queen-bee-shuttle", "xp30_w33z8kqrqk8zzzw33"), ("twin-bees-shuttle", "xp46_033y133zzzckgsxsgkczz0cc")],
)
def test_parts_that_take_long_to_meet_are_one_object(name, code):
    assert codes(patterns.named(name).cells) == {code: 1}


def test_what_does_not_repeat_has_the_population_of_its_pattern():
    (found,) = objects.identify(patterns.named("acorn").cells, LIFE)
    assert (found.code, found.object.population) == ("zz", 7)


def test_codes_do_not_depend_on_phase_or_how_an_object_lies():
    glider = np.pad(cells(".O./..O/OOO"), 3)
    for phase in objects.generations(glider, LIFE, 4):
        for turned in apgcode.turns(phase):
            assert codes(turned) == {"xq4_153": 1}


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ("OO.OO/OO.OO", {"xs4_33": 2}),  # bi-block: two objects
        ("OO../O..O/..OO", {"xs6_39c": 1}),  # aircraft carrier: one
        ("OO../OO../..OO/..OO", {"xp2_318c": 1}),  # beacon
        ("...OOO.../........./........./O.......O/O.......O/O.......O/........./........./...OOO...", {"xp2_7": 4}),
    ],
)
def test_what_influences_each_other_is_one_object(rows, wanted):
    assert codes(cells(rows)) == wanted


def test_what_flies_apart_is_told_apart():
    """The R-pentomino's ash, with six gliders on their way (Life Lexicon)."""
    pentomino = patterns.named("r-pentomino")
    ash = universe.advance(universe.begin(pentomino, LIFE, notation.PLANE), 1103).pattern()
    names = Counter(found.name for found in objects.identify(ash.cells, LIFE))
    assert names == {"block": 8, "glider": 6, "blinker": 4, "beehive": 4, "boat": 1, "loaf": 1, "ship": 1}


def test_objects_lie_where_they_are_found():
    field = np.zeros((60, 80), np.uint8)
    field[5:7, 7:9] = 1
    field[40:43, 60:63] = cells(".O./..O/OOO")
    held = np.zeros_like(field)
    for found in objects.identify(field, LIFE):
        height, width = found.cells.shape
        held[found.row : found.row + height, found.column : found.column + width] |= found.cells
    assert np.array_equal(held, field)


def test_what_does_not_repeat_is_not_named():
    assert codes(patterns.named("acorn").cells) == {"zz": 1}


def test_another_rule_has_other_objects():
    """Four cells that Life turns into a block fly at the speed of light under B2/S (Seeds)."""
    (ship,) = objects.identify(SHIP, SEEDS)
    assert ship.object == objects.Object("xq1_69", population=4, period=1, dx=0, dy=-1)
    assert codes(SHIP) == {"xs4_33": 1}


def test_the_replicator_of_highlife_is_no_object():
    assert codes(patterns.named("replicator").cells, HIGHLIFE) == {"zz": 1}


def test_nothing_has_no_objects():
    assert (
        objects.identify(np.zeros((0, 0), np.uint8), LIFE) == objects.identify(np.zeros((3, 3), np.uint8), LIFE) == []
    )


@pytest.mark.parametrize(("name", "period"), [("pentadecathlon", 15), ("twin-bees-shuttle", 46), ("glider", 0)])
def test_the_frame_of_what_repeats_holds_all_its_phases(name, period):
    field, found = objects.repeats(patterns.named(name).cells, LIFE)
    assert found == period
    phases = np.stack(list(objects.generations(field, LIFE, period)) or [field])
    assert not (phases[:, [0, -1]].any() or phases[..., [0, -1]].any())


def test_spaceships_depart_only_if_nothing_else_is_near_the_rim():
    """A glider towards the upper left corner, then also a block beside the right edge."""
    field, near = np.zeros((2, 96, 96), np.uint8)
    field[17:20, 17:20] = gliders.GLIDER[::-1, ::-1]
    near[[*range(20), *range(76, 96)]] = 1
    rest, (glider,) = objects.departing(field, LIFE, near != 0)
    assert not rest.any() and (glider.code, glider.object.dx, glider.object.dy) == ("xq4_153", -1, -1)
    field[80:82, 50:52] = 1
    before = field.copy()
    assert objects.departing(field, LIFE, near != 0) is None and np.array_equal(field, before)
    inwards = np.zeros_like(field)
    inwards[17:20, 17:20] = gliders.GLIDER
    assert objects.departing(inwards, LIFE, near != 0) is None


def test_gliders_are_those_of_rules_that_treat_them_as_life_does():
    names = ("B3/S23", "B36/S23", "B38/S238", "B3/S2", "B2/S", "B35/S236")
    assert [name for name in names if gliders.flies(rules.parse(name))] == ["B3/S23", "B36/S23", "B38/S238"]


def lived(rule, field, side, rounds):
    """What a census finds in one field of `side` cells within some rounds, and what it leaves to larger fields."""
    pool, tally, waiting = census._Pool(rule, side, 8), census.Tally(), iter([census.Soup(0, 0, field)])
    outgrown = []
    for _ in range(rounds):
        if not pool.refill(waiting):
            break
        outgrown += pool.live(tally)
    return tally, outgrown


def test_what_reaches_the_rim_at_the_end_of_a_round_is_seen_at_once():
    """At the speed of light it is 11 cells deep in the rim of 16 after 15 spans, and would be gone one span later."""
    field = np.zeros((384, 384), np.uint8)
    field[384 - 7 - 240 : 384 - 5 - 240, 190:194] = SHIP[::-1]
    tally, outgrown = lived(SEEDS, field, 384, 3)
    assert (tally.soups, tally.objects, outgrown) == (1, {"xq1_69": 1}, [])


def test_ash_of_a_period_that_does_not_divide_a_round_is_counted():
    tally, _ = lived(LIFE, patterns.named("twin-bees-shuttle").cells, 192, 30)
    assert (tally.soups, tally.unsettled, tally.longest_soup) == (1, 0, -1)
    ((code, number),) = tally.objects.items()
    assert code.startswith("xp46_") and number == 1


def last(tallies):
    *_, tally = tallies
    return tally


@pytest.fixture(scope="module")
def some():
    return last(census.census(LIFE, 24, seed=5, batch=8))


def test_a_census_does_not_depend_on_how_soups_are_batched(some):
    other = last(census.census(LIFE, 24, seed=5, batch=16))
    assert (other.objects, other.unsettled, other.longest) == (some.objects, some.unsettled, some.longest)


def test_a_census_counts_what_each_soup_leaves_on_the_endless_plane():
    """Six soups one by one, without the census' fields, rims and gliders that are taken away."""
    few = last(census.census(LIFE, 6, seed=5, batch=8))
    counted: Counter[str] = Counter()
    for soup in census.soup(5, np.arange(8))[:6]:
        now = universe.advance(universe.begin(Pattern(soup), LIFE, notation.PLANE), few.longest)
        counted += codes(now.pattern().cells)
    assert few.soups == 6 and few.objects == counted


def test_shares_agree_with_catagolue(some):
    """Within four standard errors; objects of one soup are not independent, hence 1.6 times the binomial one."""
    total = sum(some.objects.values())
    assert abs(total / some.soups - 21.72) < 4 * 17 / some.soups**0.5  # 17: sd of the objects of a soup
    for code, share in CATAGOLUE.items():
        found = some.objects[code] / total
        assert abs(found - share) < 4 * 1.6 * (share * (1 - share) / total) ** 0.5, code


@pytest.mark.slow
def test_shares_of_many_soups_agree_with_catagolue():
    tally = last(census.census(LIFE, 4000, seed=1))
    total = sum(tally.objects.values())
    assert total / 4000 == pytest.approx(21.72, abs=0.6)
    for code, share in CATAGOLUE.items():
        assert tally.objects[code] / total == pytest.approx(share, abs=4 * 1.6 * (share / total) ** 0.5), code
