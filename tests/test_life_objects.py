"""Objects by their apgcodes, and the census of soups against what is known of Life's ash."""

from collections import Counter

import numpy as np
import pytest

from sim.life import apgcode, census, notation, objects, patterns, rules, universe
from sim.life.pattern import Pattern

LIFE = rules.parse("B3/S23")
CATAGOLUE = {
    "xs4_33": 0.3066,
    "xp2_7": 0.2886,
    "xs6_696": 0.1642,
    "xq4_153": 0.0874,
    "xs7_2596": 0.0478,
    "xs5_253": 0.0447,
}
"""Shares of the commonest objects in the ash of 16x16 soups: 173,746 objects of 8,000 soups, counted by lifelib."""


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
    """The HighLife replicator is no object; in B2/S (Seeds) two cells are a spaceship that Life kills."""
    assert codes(cells("O.O/.O."), rules.parse("B2/S")) != codes(cells("O.O/.O."))
    (ship,) = objects.identify(cells(".OO./O..O"), rules.parse("B2/S"))
    assert (ship.object.period, abs(ship.object.dy), ship.object.dx) == (2, 2, 0) or ship.code.startswith("x")


def last(tallies):
    *_, tally = tallies
    return tally


@pytest.fixture(scope="module")
def some():
    return last(census.census(LIFE, 48, seed=5, batch=24))


def test_a_census_does_not_depend_on_how_soups_are_batched(some):
    other = last(census.census(LIFE, 48, seed=5, batch=48))
    assert (other.objects, other.unsettled, other.longest) == (some.objects, some.unsettled, some.longest)


def test_a_census_counts_what_each_soup_leaves_on_the_endless_plane():
    """Six soups one by one, without the census' fields, rims and gliders that are taken away."""
    counted: Counter[str] = Counter()
    for soup in census.soup(5, np.arange(6)):
        now = universe.advance(universe.begin(Pattern(soup), LIFE, notation.PLANE), 4500)
        counted += codes(now.pattern().cells)
    few = last(census.census(LIFE, 6, seed=5, batch=24))
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
