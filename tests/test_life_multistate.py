"""Automata of many states: against plain references and published figures of loops and bugs; and what files may say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import fftconvolve

from sim.life import generations, larger, loops, reference, rulefile, rules, ruletable, ruletree
from sim.life.pattern import PatternError, RuleError

BOSCO = "R5,C0,M1,S34..58,B34..45,NM"


@jax.jit
def run(rule, cells, steps):
    """Generations on a torus."""
    return jax.lax.fori_loop(0, steps, lambda _, now: rule.next(jnp.pad(now, rule.radius, mode="wrap")), cells)


def wrapped(cells, rim=1):
    return np.pad(cells, rim, mode="wrap")


def drawn(text):
    """Cells from rows of digits, "." for 0."""
    return np.array([[int(state, 36) for state in row] for row in text.replace(".", "0").split()], np.uint8)


def placed(pattern, side, y, x):
    cells = np.zeros((side, side), np.uint8)
    cells[y : y + pattern.shape[0], x : x + pattern.shape[1]] = pattern
    return cells


def occurrences(cells, pattern):
    """(turns, y, x) of every exact copy of a pattern, turned or not."""
    found = []
    for turns in range(4):
        copy = np.rot90(pattern, turns)
        same = (sliding_window_view(cells, copy.shape) == copy).all((2, 3))
        found += [(turns, int(y), int(x)) for y, x in np.argwhere(same)]
    return found


def soup(seed, shape, num_states):
    return np.random.default_rng(seed).integers(0, num_states, shape).astype(np.uint8)


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
    start = drawn(
        ".........1.... .......11111.. .....11111.11. ....11111...11 ....1111.....1 ...1111.....11 ....1111...111 "
        "....11111.1111 .....11111111. ......1111111. .......11111.."
    )
    rule, cells = larger.parse(BOSCO), placed(start, 48, 18, 16)
    settled = run(rule, cells, 166)
    phases = [settled]
    for _ in range(166):
        phases.append(run(rule, phases[-1], 1))
    assert settled.any()
    assert [step for step, phase in enumerate(phases) if np.array_equal(phase, settled)] == [0, 166]


@pytest.mark.parametrize(
    ("bug", "period", "y", "x"),
    [
        (
            "....111..... ...111111... ..111111111. .11...111111 .1.....11111 11......1111 .1.....11111 .11...111111 "
            "..111111111. ...111111... ....111.....",
            1,
            0,
            1,
        ),
        (
            "....11..... ...11111... ..11111111. .1.11111111 11....11111 11....11111 11....11111 .1.11111111 "
            "..11111111. ...11111... ....11.....",
            5,
            0,
            4,
        ),
        (
            "..1111.... .111111... .1111111.. .11111111. 1111.11111 11....1111 1.....1111 11....1111 .11..11111 "
            "..1111111. ...111....",
            2,
            -1,
            1,
        ),
    ],
)
def test_bugs_travel(bug, period, y, x):
    """Bugs that K. Evans and D. Hickerson found in Bosco's rule, about 2000."""
    cells = placed(drawn(bug), 48, 18, 18)
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


# Loops and wires

LANGTON = drawn(
    ".22222222...... 217.14.142..... 2.222222.2..... 272....212..... 212....212..... 2.2....212..... 272....212..... "
    "21222222122222. 2.71.71.7111112 .2222222222222."
)
BYL = drawn(".22. 2312 2342 .25.")
EVOLOOP = drawn(
    ".222222222222222. 27.17.17.17.11112 21222222222222212 2.2...........212 272...........212 "
    "212...........212 2.2...........212 272...........212 212...........212 2.2...........212 "
    "272...........272 212...........2.2 2.2...........212 272...........272 212222222222222.2 "
    "2.71.71.71.41.412 .222222222222225."
)


def test_langtons_loop_copies_itself_every_151_generations():
    """Langton (1984); figures of populations as Golly gives them."""
    rule, start = loops.named("LangtonsLoop"), placed(LANGTON, 64, 25, 20)
    assert start.any() and np.count_nonzero(start) == 86
    at_151 = run(rule, start, 151)
    assert occurrences(np.asarray(at_151), LANGTON) == [(0, 25, 31)]
    assert len(occurrences(np.asarray(run(rule, at_151, 147)), LANGTON)) == 2
    assert np.count_nonzero(run(rule, at_151, 149)) == 338


def test_byls_loop_copies_itself_every_25_generations():
    """Byl (1989)."""
    cells, copies = placed(BYL, 64, 30, 30), []
    for _ in range(4):
        cells = run(loops.named("Byl-Loop"), cells, 25)
        copies.append(len(occurrences(np.asarray(cells), BYL)))
    assert copies == [2, 4, 8, 14]
    assert np.count_nonzero(run(loops.named("Byl-Loop"), cells, 20)) == 325


@pytest.mark.parametrize(
    ("name", "loop", "step", "copies", "population"),
    [("Chou-Reggia-1", "11.. 3411", 27, 2, 110), ("Chou-Reggia-2", "11. 341", 32, 2, 143)],
)
def test_the_smallest_loops_copy_themselves(name, loop, step, copies, population):
    """Reggia, Armentrout, Chou and Peng (1993): loops of 6 and of 5 cells."""
    cells = run(loops.named(name), placed(drawn(loop), 64, 30, 30), step)
    assert len(occurrences(np.asarray(cells), drawn(loop))) == copies
    assert np.count_nonzero(run(loops.named(name), cells, 80 - step)) == population


def test_langtons_loop_dissolves_by_sayamas_rule():
    """SDSR (Sayama 1998): as Langton's at first; populations as Golly gives them."""
    rule, cells = loops.named("SDSR-Loop"), placed(LANGTON, 64, 25, 20)
    at_300 = run(rule, cells, 300)
    assert np.count_nonzero(at_300) == 338
    assert np.count_nonzero(run(rule, at_300, 100)) == 550


def test_evoloops_copy_themselves():
    """Evoloop (Sayama 1999): two loops at 769; populations as Golly gives them."""
    rule, cells = loops.named("Evoloop"), placed(EVOLOOP, 96, 60, 4)
    at_300 = run(rule, cells, 300)
    assert np.count_nonzero(EVOLOOP) == 149 and np.count_nonzero(at_300) == 307
    assert len(occurrences(np.asarray(run(rule, at_300, 469)), EVOLOOP)) == 2


@pytest.mark.parametrize("name", ["SDSR-Loop", "Evoloop"])
def test_dissolution_spreads_along_loops(name):
    """Sayama: where 8 is near, 0 and 1 beside a loop turn 8, sheath (2, 3, 5) turns 0, signals 1; and 8 itself 0."""
    table = rulefile.table(loops.RULES[name])
    around = np.zeros((9, 3, 3), np.uint8)
    around[:, 0, 1], around[:, 1, 2], around[:, 1, 1] = 8, 2, range(9)
    after = [int(reference.by_table(table, each)[0, 0]) for each in around]
    assert after == [8, 8, 0, 0, 1, 0, 1, 1, 0]


def test_wireworld_is_what_silverman_says():
    """Head to tail, tail to copper, copper to head beside one or two heads."""
    cells = soup(6, (24, 24), 4)
    heads = sum(np.roll(cells == 1, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1))
    expected = np.choose(cells, [0, 2, 3, np.where((heads == 1) | (heads == 2), 1, 3)])
    assert np.array_equal(run(loops.named("wireworld"), cells, 1), expected)


def test_an_electron_goes_round_its_loop():
    loop = placed(drawn(".3333. 3....3 .3333."), 24, 9, 9)
    loop[9, 11:13] = 2, 1  # tail, head
    phases = [run(loops.named("wireworld"), loop, step) for step in range(21)]
    assert [step for step, phase in enumerate(phases) if np.array_equal(phase, loop)] == [0, 10, 20]


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("lower", [0, 1])
def test_a_gate_of_wires_is_exclusive_or(upper, lower):
    """A signal from one side closes the way for that from the other (gate after H. V. McIntosh)."""
    gate = drawn(".3........ .3........ .3........ 3333...... 3.33333333 3333...... .3........ .3........ .3........")
    gate[0, 1], gate[8, 1] = (1 if upper else 3), (1 if lower else 3)
    cells, seen = placed(gate, 24, 8, 8), False
    for _ in range(14):
        cells = run(loops.named("wireworld"), cells, 1)
        seen |= bool(cells[12, 17] == 1)
    assert seen == (upper != lower)


def test_unknown_tables_are_refused_with_the_names_that_are_known():
    with pytest.raises(RuleError, match="WireWorld"):
        loops.named("Codd")


# Rule files

DOCUMENTED = """@RULE Signals
@TABLE
# Signals (2/3) pass alongside a wire (1):
n_states:4
neighborhood:vonNeumann
symmetries:rotate4
var a={2,3}
var b={2,3}
var c={2,3}
a,0,b,1,c,b
@COLORS
0 48 48 48 dark grey
1 0 128 255
"""


def test_the_documented_table_means_what_golly_says():
    """Golly's help: 20212->2, 20213->2, 20312->3, 20313->3 and the same with 3 in the centre."""
    table = rulefile.table(DOCUMENTED)
    meant = {(states, after) for states, after in table.transitions}
    assert meant == {(tuple(map(frozenset, ({2, 3}, {0}, {b}, {1}, {2, 3}))), b) for b in (2, 3)}
    assert rulefile.parse(DOCUMENTED).colours == ((0, 48, 48, 48), (1, 0, 128, 255))


@st.composite
def tables(draw):
    """Text of a random table: all neighbourhoods, symmetries, variables bound and free, nested sets."""
    where = draw(st.sampled_from([name for name in ruletable.NEIGHBOURHOODS]))
    kind = draw(
        st.sampled_from([kind for kind in ruletable.SYMMETRIES[where] if (where, kind) != ("Moore", "permute")])
    )
    states = draw(st.integers(2, 4))
    state = st.integers(0, states - 1)
    lines = [f"n_states:{states}", f"neighborhood:{where}", f"symmetries: {kind}"]
    for name, inner in (("a", ""), ("b", ""), ("any", ",a")):
        lines.append(f"var {name} = {{{','.join(map(str, draw(st.lists(state, min_size=1, max_size=3))))}{inner}}}")
    entry = st.one_of(state.map(str), st.sampled_from(["a", "b", "any", "any"]))
    for _ in range(draw(st.integers(1, 6))):
        inputs = [draw(entry) for _ in range(len(ruletable.NEIGHBOURHOODS[where]) + 1)]
        outputs = [str(draw(state))] + [name for name in ("a", "b", "any") if name in inputs]
        lines.append(", ".join([*inputs, draw(st.sampled_from(outputs))]) + "  # as drawn")
    return "@RULE Random\n@TABLE\n" + "\n".join(lines)


@settings(max_examples=60)
@given(tables(), st.integers(0, 999))
def test_a_tree_says_what_its_table_says(text, seed):
    rule, table = rulefile.parse(text), rulefile.table(text)
    cells = wrapped(soup(seed, (4, 5), table.num_states))
    assert np.array_equal(reference.by_tree(rule, cells), reference.by_table(table, cells))


@pytest.mark.parametrize("name", ["Langtons-Loops", "Byl-Loop", "WireWorld"])
def test_look_ups_of_a_field_are_those_of_each_cell(name):
    rule = loops.named(name)
    cells = soup(7, (64, 64) if name != "WireWorld" else (24, 24), rule.num_states)
    assert np.array_equal(run(rule, cells, 1), reference.by_tree(rule, wrapped(cells)))


def asymmetric(where, kind, inputs):
    """A rule that turns 0 to 1 where the neighbours are as given, and only there, up to its symmetries."""
    head = f"@RULE Any\n@TABLE\nn_states:5\nneighborhood:{where}\nsymmetries:{kind}\n"
    return rulefile.parse(head + f"var x={{0,1,2,3,4}}\n{inputs}")


@pytest.mark.parametrize(
    ("where", "inputs"),
    [("vonNeumann", "0,1,2,3,4,1"), ("Moore", "0,1,2,3,4,1,0,2,4,1"), ("Moore", "0,1,x,3,x,4,x,2,x,1")],
)
def test_symmetries_are_those_of_the_square(where, inputs):
    """Turning or mirroring a field, then stepping, is stepping and then turning or mirroring."""
    cells = wrapped(soup(8, (30, 30), 5))
    turned, mirrored = np.rot90(cells), np.fliplr(cells)
    for kind, turns, mirrors in (
        ("none", False, False),
        ("rotate4", True, False),
        ("reflect_horizontal", False, True),
        ("rotate4reflect", True, True),
    ):
        rule = asymmetric(where, kind, inputs)
        pattern = np.zeros((3, 3), np.uint8)
        for place, state in zip(
            ruletable.NEIGHBOURHOODS[where], inputs.replace("x", "0").split(",")[1:-1], strict=True
        ):
            pattern[1 + ruletree.OFFSETS[place][0], 1 + ruletree.OFFSETS[place][1]] = int(state)
        after = reference.by_tree(rule, cells)
        assert np.array_equal(reference.by_tree(rule, turned), np.rot90(after)) >= turns
        assert np.array_equal(reference.by_tree(rule, mirrored), np.fliplr(after)) >= mirrors
        assert reference.by_tree(rule, pattern)[0, 0] == 1
        assert reference.by_tree(rule, np.rot90(pattern))[0, 0] == turns
        assert reference.by_tree(rule, np.fliplr(pattern))[0, 0] == mirrors


@pytest.mark.parametrize(
    ("where", "kind", "ways"),
    [
        ("Moore", "rotate8", {"12345678", "23456781", "56781234"}),
        ("Moore", "rotate8reflect", {"12345678", "23456781", "87654321", "18765432"}),
        ("hexagonal", "rotate2", {"123456", "456123"}),
        ("hexagonal", "rotate3", {"123456", "345612", "561234"}),
        ("hexagonal", "rotate6", {"123456", "234561", "612345"}),
        ("hexagonal", "rotate6reflect", {"123456", "234561", "654321", "165432"}),
        ("oneDimensional", "reflect", {"12", "21"}),
    ],
)
def test_symmetries_number_the_neighbours_as_golly_does(where, kind, ways):
    """Some of the orders in Golly's list; and as many as there are motions."""
    number = len(ruletable.NEIGHBOURHOODS[where])
    orders = {"".join(str(place + 1) for place in way) for way in ruletable.turned(where, kind)}
    turns = int("".join(filter(str.isdigit, kind)) or 1)
    assert len(orders) == turns * (2 if "reflect" in kind else 1) and all(len(order) == number for order in orders)
    assert ways <= orders


PARITY = """@RULE Parity
@TREE
num_states=2
num_neighbors=4
num_nodes=9
1 0 1
1 1 0
2 0 1
2 1 0
3 2 3
3 3 2
4 4 5
4 5 4
5 6 7
"""


def test_a_tree_is_read():
    """Fredkin's parity rule: the sum of five cells, modulo 2."""
    rule, cells = rulefile.parse(PARITY), soup(9, (24, 24), 2)
    around = sum(np.roll(cells, step, axis) for step in (-1, 1) for axis in (0, 1))
    assert np.array_equal(run(rule, cells, 1), (cells + around) % 2)
    assert rule.name == "Parity" and rule.quiescent


HEAD = "@RULE A\n@TABLE\nn_states:3\nneighborhood:vonNeumann\nsymmetries:none\n"


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ("", 1, 1, "@RULE"),
        ("@TABLE\n", 1, 1, "@RULE"),
        ("@RULE A\nwords\n", 1, 1, "neither"),
        ("@RULE A\n@TABLE\nn_states:300\n", 3, 10, "n_states"),
        ("@RULE A\n@TABLE\nn_states:3\nneighborhood:Margolus\n", 4, 14, "Moore"),
        ("@RULE A\n@TABLE\nn_states:3\nneighborhood:vonNeumann\nsymmetries:rotate8\n", 5, 12, "rotate4"),
        ("@RULE A\n@TABLE\nn_states:3\n000000\n", 4, 1, "first"),
        ("@RULE A\n@TABLE\nn_states:3\n", 3, 1, "missing"),
        (HEAD + "\n00000\n", 7, 1, "6 entries, not 5"),
        (HEAD + "000003\n", 6, 6, "state 3"),
        (HEAD + "0,0,q,0,0,1\n", 6, 5, "'q'"),
        (HEAD + "var a={1,4}\n", 6, 10, "state 4"),
        (HEAD + "var a=1\n", 6, 1, "var a="),
        (HEAD + "var a={1,2}\n0,0,0,0,0,a\n", 7, 11, "one value"),
        (PARITY.replace("1 1 0", "1 1 2", 1), 7, 1, "state 2"),
        (PARITY.replace("3 2 3", "3 2 0"), 10, 1, "node 0"),
        (PARITY.replace("5 6 7\n", ""), 3, 1, "8 nodes"),
        (PARITY.replace("neighbors=4", "neighbors=6"), 4, 1, "4 or 8"),
    ],
)
def test_a_wrong_rule_file_is_refused_where_it_is_wrong(text, line, column, word):
    with pytest.raises(PatternError, match=word) as caught:
        rulefile.parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_table_that_would_never_end_is_refused():
    states = "{" + ",".join(map(str, range(256))) + "}"
    head = "@RULE A\n@TABLE\nn_states:256\nneighborhood:Moore\nsymmetries:none\n"
    variables = "".join(f"var {name}={states}\n" for name in "abc")
    with pytest.raises(PatternError, match="transitions"):
        rulefile.parse(head + variables + "a,b,c,a,b,c,a,b,c,a\n")
