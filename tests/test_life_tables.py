"""Rules of tables and trees: published figures of loops and wires, what files may say, and what Golly means by it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from sim.life import loops, patterns, reference, rulefile, ruletable, ruletree
from sim.life.pattern import PatternError, RuleError
from tests.automata import drawn, placed, run, soup, wrapped

LANGTON, BYL = (patterns.named(name).cells for name in ("langtons-loop", "byls-loop"))
EVOLOOP = drawn(
    ".222222222222222. 27.17.17.17.11112 21222222222222212 2.2...........212 272...........212 "
    "212...........212 2.2...........212 272...........212 212...........212 2.2...........212 "
    "272...........272 212...........2.2 2.2...........212 272...........272 212222222222222.2 "
    "2.71.71.71.41.412 .222222222222225."
)


def occurrences(cells, pattern):
    """(turns, y, x) of every exact copy of a pattern, turned or not."""
    found = []
    for turns in range(4):
        copy = np.rot90(pattern, turns)
        same = (sliding_window_view(cells, copy.shape) == copy).all((2, 3))
        found += [(turns, int(y), int(x)) for y, x in np.argwhere(same)]
    return found


# Loops and wires


def test_langtons_loop_copies_itself_every_151_generations():
    """Langton (1984); figures of populations as Golly gives them."""
    rule, start = loops.named("LangtonsLoop"), placed(LANGTON, 64, 25, 20)
    assert np.count_nonzero(start) == 86
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
    ("name", "size", "step", "copies", "population"),
    [("Chou-Reggia-1", 6, 27, 2, 110), ("Chou-Reggia-2", 5, 32, 2, 143)],
)
def test_the_smallest_loops_copy_themselves(name, size, step, copies, population):
    """Reggia, Armentrout, Chou and Peng (1993): loops of 6 and of 5 cells."""
    loop = patterns.named(name).cells
    assert np.count_nonzero(loop) == size
    cells = run(loops.named(name), placed(loop, 64, 30, 30), step)
    assert len(occurrences(np.asarray(cells), loop)) == copies
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
