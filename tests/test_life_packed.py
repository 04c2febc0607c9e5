"""The bit-packed stepper and growing universes against plain references, on every grid; published figures."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.life import grids, notation, packed, packing, reference, rules, universe
from sim.life.pattern import Pattern, PatternError

SPECS = ("T33,7", "T64,5", "P31,9", "P70,4", "K34*,6", "K33,6*", "K34*+1,5", "C40,9", "S35", "S5", "T40+3,7", "T65,9-2")
COUNTING, LETTERED = ("B3/S23", "B0123478/S01234678", "B1357/S02468"), ("B2-a/S12", "B2/S34H", "B3/S2-i34q")


def expected(rule, grid, cells):
    """The next generation, cell by cell."""
    around = np.append(cells.reshape(-1), 0)[grid.beyond()].astype(np.uint8)
    return reference.two_state(rule.table, around)


def after(rule_list, grid, cells, generations):
    code = packed.coded(rule_list)
    return np.asarray(packed.advance(code, jnp.asarray(cells), jnp.int32(generations), grid=grid))


def soup(key, *shape):
    return np.random.default_rng(key).integers(0, 2, shape).astype(np.uint8)


def pattern(rows, **how):
    return Pattern(np.array([[cell == "O" for cell in row] for row in rows.split("/")], np.uint8), **how)


def lived(rows, rule, generations):
    return universe.advance(universe.begin(pattern(rows), *notation.parse(rule)), generations)


@pytest.mark.parametrize(
    ("spec", "names"),
    [(spec, COUNTING) for spec in (*SPECS, "T96,8", "T1,1", "T2,3", "P1,1")]
    + [(spec, LETTERED) for spec in ("P31,9", "C40,9")],
)
def test_every_grid_and_rule_is_stepped_as_cell_by_cell(spec, names):
    grid = grids.parse(spec)
    cells = soup(len(spec), 1, grid.height, grid.width)
    for name in names:
        rule = rules.parse(name)
        wanted = cells[0]
        for _ in range(2):
            wanted = expected(rule, grid, wanted)
        assert np.array_equal(after([rule], grid, cells, 2)[0], wanted), name


@given(st.lists(st.tuples(st.integers(0, 511), st.integers(0, 511)), min_size=5, max_size=5), st.integers(0, 2**32 - 1))
def test_each_field_of_a_batch_obeys_its_own_counting_rule(masks, key):
    grid, cells = grids.torus(37, 6), soup(key, 5, 6, 37)
    some = [rules.outer_totalistic(*mask) for mask in masks]
    found = after(some, grid, cells, 1)
    for rule, before, now in zip(some, cells, found, strict=True):
        assert np.array_equal(now, expected(rule, grid, before))


@settings(max_examples=5)
@given(st.integers(0, 2**32 - 1))
def test_any_table_of_512_is_obeyed(key):
    grid, cells = grids.torus(37, 6), soup(key, 5, 6, 37)
    some = [rules.from_table(table) for table in soup(key + 1, 5, 512)]
    found = after(some, grid, cells, 1)
    for rule, before, now in zip(some, cells, found, strict=True):
        assert np.array_equal(now, expected(rule, grid, before))


@pytest.mark.parametrize("generations", [1, 2, 5])
def test_a_wide_torus_is_stepped_two_generations_at_a_time(generations):
    """Two generations at a time, against the same soup with its own edges around it on a plane."""
    cells, rule = soup(9, 1, 512, 512), rules.parse("B36/S125")
    plane = np.pad(cells, ((0, 0), (8, 8), (8, 8)), mode="wrap")  # what is 8 cells from the edge lives as on the torus
    slow = after([rule], grids.parse("P528,528"), plane, generations)[:, 8:-8, 8:-8]
    assert np.array_equal(after([rule], grids.torus(512, 512), cells, generations), slow)


def test_another_rule_compiles_nothing():
    grid, cells = grids.torus(37, 6), soup(0, 1, 6, 37)
    after([rules.parse("B3/S23")], grid, cells, 1)
    compiled = packed.advance._cache_size()
    after([rules.parse("B36/S125")], grid, cells, 7)
    assert packed.advance._cache_size() == compiled


@pytest.mark.parametrize("width", [1, 31, 32, 33, 64, 100])
def test_packing_is_undone_by_unpacking(width):
    cells = soup(width, 3, 4, width)
    held = packing.pack(jnp.asarray(cells))
    assert np.array_equal(packing.unpack(held, width), cells)
    assert np.array_equal(packing.pack_host(cells), held) and np.array_equal(packing.unpack_host(held, width), cells)
    assert np.array_equal(packing.population(~packing.pack(1 - jnp.asarray(cells)), width), cells.sum((1, 2)))


@pytest.mark.parametrize(
    ("rows", "generations", "population"),
    [(".OO/OO./.O.", 1103, 116), (".O...../...O.../OO..OOO", 5206, 633), ("......O./OO....../.O...OOO", 130, 0)],
    ids=["r-pentomino", "acorn", "diehard"],
)
def test_methuselahs_end_as_published(rows, generations, population):
    """Life Lexicon."""
    assert lived(rows, "B3/S23", generations).population == population


def test_a_glider_goes_on_for_ever_on_the_plane():
    now = lived(".O./..O/OOO", "B3/S23", 4000).pattern()
    assert (now.x, now.y, now.population, now.generation) == (1000, 1000, 5, 4000)


def test_the_highlife_replicator_doubles():
    """N. Bell: twelve generations, two copies (here twice, on the diagonal)."""
    rows = "..OOO/.O..O/O...O/O..O./OOO.."
    assert [lived(rows, "B36/S23", n).population for n in (0, 12, 24, 36, 48, 96)] == [12, 24, 24, 48, 24, 24]


@pytest.mark.parametrize("name", ["B0/S8", "B0123478/S01234678", "B0137/S2", "W30", "W1"])
def test_a_plane_that_blinks_lives_like_a_large_torus(name):
    rows = "OO.O" if name[0] == "W" else "OO./.OO/O.O"
    now = lived(rows, name, 9)
    grid = f"{name}:T80" if name[0] == "W" else f"{name}:T80,80"
    there = lived(rows, grid, 9)
    far = there.cells[0, 0]  # beyond the reach of nine generations
    assert now.background == far and now.population == int((there.cells != far).sum())


@pytest.mark.parametrize(("spec", "axis"), [("T0,20", 1), ("T20,0", 0), ("P20,0", 0)])
def test_tubes_and_strips_grow_along_their_open_side(spec, axis):
    rows = ".OO/OO./.O."
    long = spec.replace("0,", "400,", 1) if spec.startswith("T0") else spec.removesuffix("0") + "400"
    now, there = lived(rows, f"B3/S23:{spec}", 120), lived(rows, f"B3/S23:{long}", 120)
    assert np.array_equal(now.pattern().cells, there.pattern().cells)
    assert now.cells.shape[1 - axis] == 20


def test_langtons_loop_copies_itself_on_the_growing_plane():
    """Langton 1984: the copy is complete at generation 151; populations as Golly's."""
    from sim.life import patterns

    loop = patterns.named("langtons-loop")
    begun = universe.begin(loop, *notation.parse(loop.rule))
    assert begun.population == 86
    assert universe.advance(begun, 300).population == 338


def test_generations_do_not_depend_on_how_they_are_divided():
    whole = lived(".OO/OO./.O.", "B3/S23", 500).pattern()
    parts = universe.begin(pattern(".OO/OO./.O."), *notation.parse("B3/S23"))
    for step in (1, 199, 300):
        parts = universe.advance(parts, step)
    assert np.array_equal(parts.pattern().cells, whole.cells) and (parts.pattern().x, parts.pattern().y) == (
        whole.x,
        whole.y,
    )


def test_patterns_lie_where_they_say_or_in_the_middle_of_their_grid():
    grid = "B3/S23:T9,6"
    assert (lived("OO/OO", grid, 0).pattern().x, lived("OO/OO", grid, 0).pattern().y) == (-1, -1)
    placed = universe.begin(pattern("OO/OO", x=2, y=-3, placed=True), *notation.parse(grid))
    assert (placed.pattern().x, placed.pattern().y) == (2, -3)


@pytest.mark.parametrize(
    ("rows", "rule", "says"),
    [
        ("OOOOO", "B3/S23:T4,4", "5x1 cells at .* does not fit"),
        ("OO/OO", "W110", "has 2 rows"),
        ("OO", "B0/S", "whole plane is alive"),
    ],
)
def test_what_cannot_be_is_said(rows, rule, says):
    with pytest.raises(PatternError, match=says):
        lived(rows, rule, 1).pattern()
