"""Generations and Larger than Life: against plain references, and published figures of ships, bugs and oscillators."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from sim.life import generations, larger, loops, patterns, reference, rules
from sim.life.pattern import RuleError
from sim.life.patterns import BOSCO
from tests.automata import drawn, placed, run, soup, wrapped

# The reference itself


def test_the_reference_moves_a_glider_and_grows_rule_30():
    """A glider goes one cell down and right in 4 generations; Wolfram's rule 30 from one cell has 1, 3, 3, 6, 4, 9 …"""
    glider = now = placed(drawn(".1. ..1 111"), 8, 2, 2)
    for _ in range(4):
        now = reference.two_state(rules.parse("B3/S23").table, wrapped(now))
    assert np.array_equal(now, np.roll(glider, (1, 1), (0, 1)))
    row, populations = placed(np.ones((1, 1), np.uint8), 33, 16, 16)[16], []
    for _ in range(16):
        populations.append(int(row.sum()))
        row = reference.elementary(30, np.pad(row, 1))
    assert populations == [1, 3, 3, 6, 4, 9, 5, 12, 7, 12, 11, 14, 12, 19, 13, 22]


# Generations


@given(st.integers(0, 2**512 - 1), st.integers(2, 256), st.integers(0, 2**32 - 1))
def test_generations_are_those_of_the_reference(bits, num_states, seed):
    rule = generations.Generations(rules.Rule(bits).table, num_states)
    cells = soup(seed, (9, 11), min(num_states, 5))
    cells[0] = num_states - 1
    assert np.array_equal(run(rule, cells, 1), reference.generations(rule, wrapped(cells)))


def test_generations_of_two_states_are_a_two_state_rule():
    life, cells = rules.parse("B3/S23"), soup(1, (9, 11), 2)
    after = run(generations.parse("23/3/2"), cells, 1)
    assert np.array_equal(after, reference.two_state(life.table, wrapped(cells)))


def test_the_smallest_ship_of_brians_brain_moves_at_the_speed_of_light():
    cells = placed(drawn("12 12"), 20, 9, 15)
    assert np.array_equal(run(generations.parse("/2/3"), cells, 12), np.roll(cells, -12, axis=1))


@pytest.mark.parametrize("states", [2, 3, 256])
def test_a_lonely_cell_ages_through_all_states(states):
    rule = generations.parse(f"//{states}")
    cells = placed(np.ones((1, 1), np.uint8), 20, 3, 3)
    assert run(rule, cells, states - 2).max() == states - 1
    assert not run(rule, cells, states - 1).any()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/2/3", "/2/3"),
        ("B2/S345/C4", "345/2/4"),
        ("b2/s345/4", "345/2/4"),
        ("34/2/4v", "34/2/4V"),
        ("23/3/2", "23/3/2"),
    ],
)
def test_generations_have_the_names_of_golly(text, name):
    assert generations.parse(text).name == name
    assert np.array_equal(generations.parse(name).table, generations.parse(text).table)


@pytest.mark.parametrize("text", ["345/2", "345/2/1", "345/2/257", "39/2/3", "B2/S/Cx", ""])
def test_what_is_no_rule_of_generations_is_refused(text):
    with pytest.raises(RuleError):
        generations.parse(text)


# Larger than Life


@pytest.mark.parametrize(("radius", "kind"), [(1, "N"), (3, "M"), (4, "N"), (3, "C")])
@settings(max_examples=8)
@given(st.data())
def test_larger_than_life_is_that_of_the_reference(radius, kind, data):
    most = larger.size(radius, kind)
    low, high = sorted(data.draw(st.tuples(st.integers(0, most), st.integers(0, most))))
    first, last = sorted(data.draw(st.tuples(st.integers(0, most), st.integers(0, most))))
    num_states, middle = data.draw(st.integers(2, 256)), data.draw(st.integers(0, 1))
    rule = larger.LargerThanLife(radius, kind, num_states, middle, low, high, first, last)
    cells = soup(data.draw(st.integers(0, 999)), (9, 11), min(num_states, 3))
    cells[0] = num_states - 1
    assert np.array_equal(run(rule, cells, 1), reference.larger(rule, wrapped(cells, radius)))


def test_radius_one_holds_the_game_of_life():
    cells = soup(2, (9, 11), 2)
    by_intervals = [run(larger.parse(text), cells, 1) for text in ("R1,C0,M0,S2..3,B3..3,NM", "1,3,3,3,4")]
    for after in by_intervals:
        assert np.array_equal(after, reference.two_state(rules.parse("B3/S23").table, wrapped(cells)))


@pytest.mark.parametrize("kind", larger.NEIGHBOURHOODS)
def test_neighbourhoods_hold_the_cells_they_should(kind):
    for radius in range(1, larger.MOST_RADIUS + 1):
        y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
        inside = {"M": y == y, "N": abs(y) + abs(x) <= radius, "C": np.hypot(y, x) < radius + 0.5}[kind]
        assert tuple(inside.sum(1) // 2) == larger.half_widths(radius, kind)
        assert inside.sum() == larger.size(radius, kind)


@pytest.mark.parametrize("kind", larger.NEIGHBOURHOODS)
def test_counts_over_the_largest_radius_are_a_convolution(kind):
    radius = larger.MOST_RADIUS
    alive = soup(3, (2 * radius + 7, 2 * radius + 9), 2)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    inside = {"M": y == y, "N": abs(y) + abs(x) <= radius, "C": np.hypot(y, x) < radius + 0.5}[kind]
    expected = np.rint(fftconvolve(alive, inside.astype(float), mode="valid"))
    assert np.array_equal(larger.counts(jnp.asarray(alive) == 1, radius, kind), expected)


def test_majority_treats_living_and_dead_alike():
    """Of 81 cells, 41 are more than half; Griffeath's rule R4,C0,M1,S41..81,B41..81,NM."""
    rule, cells = larger.parse("R4,C0,M1,S41..81,B41..81,NM"), soup(4, (20, 20), 2)
    assert np.array_equal(1 - run(rule, cells, 3), run(rule, 1 - cells, 3))


def test_boscos_oscillator_has_period_166():
    """D. Griffeath's note on the pattern in the collection of MCell."""
    rule, cells = larger.parse(BOSCO), placed(patterns.named("bosco").cells, 48, 18, 16)
    settled = run(rule, cells, 166)
    phases = [settled]
    for _ in range(166):
        phases.append(run(rule, phases[-1], 1))
    assert settled.any()
    assert [step for step, phase in enumerate(phases) if np.array_equal(phase, settled)] == [0, 166]


@pytest.mark.parametrize(
    ("bug", "period", "y", "x"),
    [
        (patterns.named("bosco-bug").cells, 1, 0, 1),
        (
            drawn(
                "....11..... ...11111... ..11111111. .1.11111111 11....11111 11....11111 11....11111 .1.11111111 "
                "..11111111. ...11111... ....11....."
            ),
            5,
            0,
            4,
        ),
        (
            drawn(
                "..1111.... .111111... .1111111.. .11111111. 1111.11111 11....1111 1.....1111 11....1111 .11..11111 "
                "..1111111. ...111...."
            ),
            2,
            -1,
            1,
        ),
    ],
)
def test_bugs_travel(bug, period, y, x):
    """Bugs that K. Evans and D. Hickerson found in Bosco's rule, about 2000."""
    cells = placed(bug, 48, 18, 18)
    now = cells
    for step in range(1, 3 * period + 1):
        now = run(larger.parse(BOSCO), now, 1)
        moved = np.roll(cells, (y * step // period, x * step // period), (0, 1))
        assert np.array_equal(now, moved) == (step % period == 0)


@pytest.mark.parametrize("text", [BOSCO, "R3,C5,M0,S9..14,B8..12,NC", "R50,C256,M1,S0..5101,B1..5101,NN"])
def test_larger_rules_keep_their_names(text):
    assert larger.parse(text).name == text
    assert larger.parse(text.lower()) == larger.parse(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("R51,C0,M1,S1..2,B1..2,NM", "radius"),
        ("R0,C0,M1,S1..2,B1..2,NM", "radius"),
        ("R2,C257,M1,S1..2,B1..2,NM", "states"),
        ("R2,C0,M1,S1..26,B1..2,NM", "survival"),
        ("R2,C0,M1,S1..2,B3..2,NN", "birth"),
        ("R2,C0,M2,S1..2,B1..2,NM", "like"),
    ],
)
def test_larger_rules_that_cannot_be_are_refused(text, word):
    with pytest.raises(RuleError, match=word):
        larger.parse(text)


def test_another_rule_of_the_same_shape_compiles_nothing():
    cells, run_here = soup(5, (20, 20), 2), jax.jit(lambda rule, cells: rule.next(jnp.pad(cells, rule.radius)))
    pairs = [
        (generations.parse("/2/3"), generations.parse("345/26/200")),
        (larger.parse(BOSCO), larger.parse("R5,C9,M0,S1..2,B20..30,NM")),
        (loops.named("Chou-Reggia-1"), loops.named("Langtons-Loops")),
    ]
    for number, (one, other) in enumerate(pairs, 1):
        assert not np.array_equal(run_here(one, cells), run_here(other, cells))
        assert run_here._cache_size() == number
