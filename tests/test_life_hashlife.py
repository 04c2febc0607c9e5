"""HashLife against a plain stepper, and against the published fates of patterns that run for long."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.life import hashlife, macrocell, patterns, rules
from sim.life.pattern import Pattern, PatternError, RuleError
from sim.life.quadtree import Quadtree, sparse

LIFE = rules.parse("B3/S23")


def stepped(table: np.ndarray, cells: np.ndarray, generations: int) -> np.ndarray:
    """The plane after some generations, by looking up each cell; wider by `generations` on every side."""
    cells = np.pad(cells, generations + 1)
    for _ in range(generations):
        index = np.zeros(cells.shape, int)
        for bit, (y, x) in enumerate(np.ndindex(3, 3)):
            index += np.roll(cells, (1 - y, 1 - x), (0, 1)).astype(int) << 8 - bit
        cells = table[index]
    return cells[1:-1, 1:-1]


TABLES = arrays(np.uint8, 512, elements=st.integers(0, 1)).map(lambda table: np.where(np.arange(512) == 0, 0, table))
RULES = TABLES.map(rules.from_table) | st.sampled_from(["B3/S23", "B36/S23", "B2/S", "B2-a/S12"]).map(rules.parse)
SOUPS = st.tuples(st.integers(1, 22), st.integers(1, 22)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 1))
)
PLACES = st.integers(-100, 100)


@given(RULES, SOUPS, PLACES, PLACES, st.integers(0, 13))
def test_equals_a_plain_stepper_for_any_rule(rule, cells, x, y, generations):
    universe = hashlife.build(rule, Pattern(cells, x, y, generation=5))
    universe.advance(generations)
    truth = Pattern(stepped(rule.table, cells, generations), x - generations, y - generations).trimmed()
    found = universe.to_pattern()
    assert universe.population == truth.population and universe.generation == 5 + generations
    np.testing.assert_array_equal(found.cells, truth.cells)
    if truth.population:
        assert (found.x, found.y) == (truth.x, truth.y)


@settings(max_examples=8)
@given(SOUPS, st.integers(60, 90))
def test_equals_a_plain_stepper_for_long(cells, generations):
    universe = hashlife.build(LIFE, Pattern(cells))
    universe.advance(generations)
    truth = Pattern(stepped(LIFE.table, cells, generations)).trimmed()
    np.testing.assert_array_equal(universe.to_pattern().cells, truth.cells)


@pytest.mark.parametrize(
    ("name", "populations"),
    [
        ("r-pentomino", {1103: 116}),
        ("diehard", {94: 40, 129: 2, 130: 0}),
        ("b-heptomino", {148: 28, 448: 28}),
        ("pi-heptomino", {173: 55, 473: 55}),
        ("century", {103: 15, 403: 15}),
        ("thunderbird", {243: 46, 543: 46}),
        ("gosper-gun", {15: 42, 30: 41, 150: 61, 3000: 536, 10**6: 166_713, 10**9: 166_666_713}),
        ("simkin-gun", {120: 41, 240: 46, 12_000: 536}),
        ("switch-engine", {96: 62, 192: 88, 1000: 506}),
        ("block-laying", {1000: 158, 5000: 646, 10_000: 1183, 10**6: 111_183}),
        ("infinite-5x5", {1000: 203, 10_000: 1225, 10**6: 111_225}),
        ("infinite-row", {1000: 536, 10_000: 2476, 100_000: 22_476}),
    ],
)
def test_published_populations(name, populations):
    universe = hashlife.build(LIFE, patterns.named(name))
    for generation, population in populations.items():
        universe.advance(generation - universe.generation)
        assert universe.population == population


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "generation", "population"),
    [
        ("acorn", 5206, 633),
        ("switch-engine", 5000, 842),
        ("rabbits", 17_331, 1744),
        ("bunnies", 17_332, 1744),
        ("lidka", 29_055, 1625),
    ],
)
def test_published_populations_of_chaos(name, generation, population):
    universe = hashlife.build(LIFE, patterns.named(name))
    universe.advance(generation)
    assert universe.population == population


def test_a_glider_flies_as_far_as_it_should():
    """(1, 1) in four generations, so 10^30 generations take it 25 * 10^28 cells; no field could hold that."""
    universe = hashlife.build(LIFE, patterns.named("glider"))
    universe.advance(10**30)
    far = 25 * 10**28
    assert universe.box == (far, far, far + 2, far + 2)
    np.testing.assert_array_equal(universe.to_pattern().cells, patterns.named("glider").cells)


def test_the_first_puffer_moves_64_cells_in_128_generations_and_leaves_26():
    universe = hashlife.build(LIFE, patterns.named("puffer1"))
    universe.advance(128 * 10)
    before, population = universe.box, universe.population
    universe.advance(128)
    assert universe.box[1] == before[1] - 64 and universe.population == population + 26


@pytest.mark.parametrize("leaps", [(1024, 79), (1,) * 16 + (1087,), (3, 100, 1000), (1103,)])
def test_the_leaps_do_not_matter(leaps):
    universe = hashlife.build(LIFE, patterns.named("r-pentomino"))
    for generations in leaps:
        universe.advance(generations)
    assert (universe.population, universe.generation) == (116, 1103)


def test_few_nodes_make_it_slower_but_not_wrong():
    """Far fewer nodes than the whole leap needs, so it is tidied and taken in smaller ones."""
    universe = hashlife.build(LIFE, patterns.named("r-pentomino"), most_nodes=2500)
    universe.advance(1103)
    assert (universe.population, universe.generation) == (116, 1103)
    assert len(universe.sparse().tree) <= 2500 + 64


def test_too_few_nodes_are_refused_with_the_universe_left_whole():
    universe = hashlife.build(LIFE, patterns.named("r-pentomino"), most_nodes=300)
    with pytest.raises(PatternError, match="more than 300 nodes"):
        universe.advance(1103)
    truth = stepped(LIFE.table, patterns.named("r-pentomino").cells, universe.generation)
    assert 0 < universe.generation < 1103 and universe.population == truth.sum()
    soup = np.random.default_rng(0).integers(0, 2, (200, 200), np.uint8)
    with pytest.raises(PatternError, match="more than 300 nodes"):
        hashlife.build(LIFE, Pattern(soup), most_nodes=300)


def test_what_it_does_not_take_is_refused():
    with pytest.raises(RuleError, match="B0"):
        hashlife.build(rules.parse("B03/S23"), patterns.named("glider"))
    with pytest.raises(PatternError, match="two states"):
        hashlife.build(LIFE, patterns.named("brain-ship"))
    universe = hashlife.build(LIFE, patterns.named("gosper-gun"))
    with pytest.raises(PatternError, match="past"):
        universe.advance(-1)
    universe.advance(10**9)
    with pytest.raises(PatternError, match="macrocell"):
        universe.to_pattern()


def test_a_universe_too_large_for_a_field_goes_on_from_its_macrocell():
    universe = hashlife.build(LIFE, patterns.named("gosper-gun"))
    universe.advance(10**6)
    again = hashlife.build(LIFE, macrocell.parse(macrocell.text(universe.sparse())))
    assert (again.population, again.box, again.generation) == (166_713, universe.box, 10**6)
    again.advance(300)
    universe.advance(300)
    assert (again.population, again.box) == (166_713 + 50, universe.box)


@given(SOUPS, PLACES, PLACES)
def test_a_quadtree_holds_cells_and_their_places(cells, x, y):
    held = sparse(Pattern(cells, x, y))
    truth = Pattern(cells, x, y).trimmed()
    assert held.population == truth.population
    if truth.population:
        bottom, right = truth.y + truth.cells.shape[0] - 1, truth.x + truth.cells.shape[1] - 1
        assert held.box == (truth.x, truth.y, right, bottom)
        np.testing.assert_array_equal(held.to_pattern().cells, truth.cells)


def test_a_quadtree_keeps_equal_parts_once():
    tree = Quadtree()
    nodes = tree.plant(np.tile(np.random.default_rng(1).integers(0, 2, (8, 8), np.uint8), (64, 64)), 9)
    assert nodes.shape == (1, 1)
    assert len(tree) - sum(tree.empty(level) >= 1 << 16 for level in range(10)) == 7  # one for each of levels 3 to 9
