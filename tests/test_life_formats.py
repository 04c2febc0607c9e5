"""Pattern files: what each format says is what is read, what is written reads the same, and what is wrong is placed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.life import formats, loops, macrocell, notation, patterns, plaintext, rle
from sim.life.pattern import Pattern, PatternError
from sim.life.quadtree import sparse
from sim.life.ruletree import OFFSETS, ORDER

GLIDER = np.array([[0, 1, 0], [0, 0, 1], [1, 1, 1]], np.uint8)
SHAPES = st.tuples(st.integers(1, 20), st.integers(1, 90))
WORDS = st.text("abc xyz!#$=,3", max_size=12).map(lambda text: " ".join(text.split()))


@st.composite
def a_pattern(draw, most_state: int):
    """A pattern with everything that a file can say."""
    cells = draw(SHAPES.flatmap(lambda shape: arrays(np.uint8, shape, elements=st.integers(0, most_state))))
    x, y = draw(st.tuples(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6)))
    comments = tuple(word for word in draw(st.lists(WORDS, max_size=2)) if word)
    rule = draw(st.sampled_from(["", "B3/S23", "B36/S23:T90,20", "R5,C0,M1,S34..58,B34..45,NM"]))
    return Pattern(cells, x, y, rule, draw(WORDS), comments, draw(st.integers(0, 10**20)))


def same(one: Pattern, other: Pattern, *but: str) -> None:
    np.testing.assert_array_equal(one.cells, other.cells)
    for field in {"x", "y", "rule", "name", "comments", "generation"} - set(but):
        assert getattr(one, field) == getattr(other, field), field


@given(a_pattern(1) | a_pattern(23) | a_pattern(255))
def test_rle_reads_what_it_wrote(pattern):
    text = rle.text(pattern)
    same(rle.parse(text), pattern)
    body = text.partition("\nx = ")[2].splitlines()[1:] if "\nx = " in text else text.splitlines()[1:]
    assert max(map(len, body)) < 70


@given(a_pattern(1))
def test_the_other_formats_read_what_they_wrote(pattern):
    cells = formats.read(formats.write(pattern, "cells"))
    same(cells, pattern, "x", "y", "generation")
    trimmed = pattern.trimmed()
    for form, lost in (("life", {"name", "generation"}), ("mc", {"name"})):
        back = formats.read(formats.write(pattern, form))
        if trimmed.population:
            same(back, trimmed, *lost, "comments")
        assert back.population == pattern.population


@given(a_pattern(200))
def test_macrocells_of_many_states_read_the_same(pattern):
    back = macrocell.parse(macrocell.text(sparse(pattern)))
    assert back.population == pattern.population and back.generation == pattern.generation
    if pattern.population:
        same(back.to_pattern(), pattern.trimmed(), "name", "comments")


def test_everything_that_an_rle_file_may_say():
    pattern = rle.parse(
        "#N Glider\r\n#O Richard Guy\n#C the smallest ship\n#CXRLE Pos=-5,7 Gen=12\n"
        "x=3 , y =3,rule= B3/S23:T64,64 \n b o\n1\n b $\n#C between\n2bo$ 3 o!\nwords after it"
    )
    np.testing.assert_array_equal(pattern.cells, GLIDER)
    assert (pattern.x, pattern.y, pattern.generation, pattern.placed) == (-5, 7, 12, True)
    assert (pattern.name, pattern.rule) == ("Glider", "B3/S23:T64,64")
    assert pattern.comments == ("Author: Richard Guy", "the smallest ship", "between", "words after it")
    assert rle.parse("#P 4 -2\n#r B36/S23\nx = 1, y = 1\no!").rule == "B36/S23"
    assert (rle.parse("#R 4 -2\no!").x, rle.parse("#R 4 -2\no!").y) == (4, -2)


def test_rle_without_header_with_empty_rows_and_with_many_states():
    np.testing.assert_array_equal(rle.parse("bo$2bo$3o!").cells, GLIDER)
    np.testing.assert_array_equal(rle.parse("x = 2, y = 4\n3$o!").cells, [[0, 0], [0, 0], [0, 0], [1, 0]])
    np.testing.assert_array_equal(rle.parse(".AX$2pAp X$yO!").cells, [[0, 1, 24], [25, 25, 48], [255, 0, 0]])
    assert rle.parse("x = 0, y = 0, rule = B3/S23\n!").cells.shape == (0, 0)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("x = 3, y = 3\nbo$2bz$3o!", 2, 6, "unknown letter 'z'"),
        ("x = 3, y = 3\nbo$2bo$\n3!", 3, 1, "count without a letter"),
        ("#C a\nx = 3, y = 3\nbo$4o!", 3, 5, "outside x = 3"),
        ("x = 3, y = 1\nbo$\no!", 3, 1, "outside x = 3, y = 1"),
        ("x = 3, y = 3\nbo$2bo$3o", 2, 10, "does not end"),
        ("x = 3, y = three\nbo!", 1, 1, "header"),
        ("x = 3, y = 1\nA.yP!", 2, 4, "above 255"),
        ("x = 3, y = 1\nApz!", 2, 2, "followed by a letter"),
        ("x = 99999999, y = 99999999\no!", 1, 1, "fit a field"),
        ("o99999999999999999999$o!", 1, 23, "fit a field"),
    ],
)
def test_faults_of_rle_are_placed(text, line, column, words):
    with pytest.raises(PatternError, match=words) as caught:
        rle.parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_plain_text():
    pattern = formats.read("!Name: Glider\n!Author: Guy\n!\n.O\n..O\nOOO\n")
    np.testing.assert_array_equal(pattern.cells, GLIDER)
    assert (pattern.name, pattern.comments) == ("Glider", ("Author: Guy",))
    np.testing.assert_array_equal(formats.read(".*\n\n**").cells, [[0, 1], [0, 0], [1, 1]])
    with pytest.raises(PatternError, match="line 2, column 3"):
        plaintext.parse_cells("..O\nOOx\n")


def test_life_105_and_106():
    listed = formats.read("#Life 1.06\n0 -1\n1 0\n-1 1\n0 1\n1 1\n")
    drawn = formats.read("#Life 1.05\n#D a glider\n#N\n#P -1 -1\n.*\n..*\n#P -1 1\n***\n")
    for pattern in (listed, drawn):
        np.testing.assert_array_equal(pattern.cells, GLIDER)
        assert (pattern.x, pattern.y, pattern.placed) == (-1, -1, True)
    assert (drawn.rule, drawn.comments) == ("B3/S23", ("a glider",))
    with pytest.raises(PatternError, match="fit a field"):
        formats.read("#Life 1.06\n0 0\n99999999999999999999999 99999999999999999999999\n")
    with pytest.raises(PatternError, match="state 7"):
        formats.write(Pattern(np.array([[7]], np.uint8)), "life")


def test_macrocells_lie_as_golly_lays_them():
    """`hlifealgo::setcell` turns rows upside down, so the plane's row 0 is the last above the middle of the tree."""
    found = formats.read("[M2] (golly 4.0)\n#R B36/S23\n#G 7\n#C said\n.......*$$$$$$$*$\n*$\n4 1 0 0 2\n")
    assert (found.rule, found.generation, found.comments) == ("B36/S23", 7, ("said",))
    places = {(x + found.x, y + found.y) for y, x in np.argwhere(found.cells)}
    assert places == {(-1, -7), (-8, 0), (0, 1)}
    many = formats.read("[M2] (golly 4.0)\n#R WireWorld\n1 0 3 2 1\n2 0 0 0 1\n")
    np.testing.assert_array_equal(many.cells, [[0, 3], [2, 1]])
    assert (many.x, many.y) == (0, 1)
    assert formats.read("[M2]\n").population == 0


def test_a_macrocell_may_be_larger_than_any_field():
    text = "[M2]\n*$\n" + "".join(f"{4 + i} {i + 1} 0 0 {i + 1}\n" for i in range(100))
    found = formats.read_sparse(text)
    assert found.population == 2**100
    assert found.box[2] - found.box[0] == 2**103 - 8
    assert macrocell.text(found).splitlines()[1:] == text.splitlines()[1:]
    with pytest.raises(PatternError, match="macrocell"):
        formats.read(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[M2]\n*$\n4 1 0 0 2\n", "line 3.*node 2 is not above"),
        ("[M2]\n*$\n5 1 0 0 0\n", "line 3.*node 1 has level 3, not 4"),
        ("[M2]\n.........*$\n", "line 2, column 9: more than 8x8"),
        ("[M2]\n*$\n4 1 0 0\n", "line 3.*nw ne sw se"),
        ("[M2]\n1 1 0 0 256\n", "line 2.*256"),
        ("[M2]\n1 1 0 0 2\n*$\n", "line 3.*two states"),
        ("[M2]\n9999 0 0 0 0\n", "line 2.*9999"),
    ],
)
def test_faults_of_macrocells_are_placed(text, words):
    with pytest.raises(PatternError, match=words):
        macrocell.parse(text)


@pytest.mark.parametrize(
    ("text", "hint", "form"),
    [
        ("\n\nx = 1, y = 1\no!", "", "rle"),
        ("#C said\no!", ".cells", "rle"),
        ("2o$2o!", "", "rle"),
        ("!Name: x\nOO", "", "cells"),
        ("OO\nOO", "", "cells"),
        ("#Life 1.06\n0 0", ".rle", "life"),
        ("0 0\n1 1", "pattern.lif", "life"),
        ("!", "", "rle"),
        ("[M2] (golly)\n*$", "", "mc"),
    ],
)
def test_formats_are_recognised(text, hint, form):
    assert formats.recognised(text, hint) == form


def moore(cells: np.ndarray, radius: int = 1) -> np.ndarray:
    """Living cells (state 1) of the square around each cell, itself included; on a torus."""
    sums = (cells == 1).astype(int)
    for axis in (0, 1):
        sums = sum(np.roll(sums, shift, axis) for shift in range(-radius, radius + 1))
    return sums


def life(cells):
    return ((moore(cells) == 3) | (cells & (moore(cells) == 4))).astype(np.uint8)


def highlife(cells):
    return np.where(cells, np.isin(moore(cells), (3, 4)), np.isin(moore(cells), (3, 6))).astype(np.uint8)


def brain(cells):
    return np.where(cells == 1, 2, (cells == 0) & (moore(cells) == 2)).astype(np.uint8)


def bosco(cells):
    number = moore(cells, 5)
    return np.where(cells, (number >= 34) & (number <= 58), (number >= 34) & (number <= 45)).astype(np.uint8)


def wire(cells):
    sparked = np.where(np.isin(moore(cells), (1, 2)), 1, 3)
    return np.choose(cells, [0, 2, 3, sparked]).astype(np.uint8)


def by_tree(name):
    rule = loops.named(name)

    def after(cells):
        row = np.zeros(cells.shape, int)
        for place in ORDER[rule.neighbourhood]:
            row = np.asarray(rule.tree)[row, np.roll(cells, [-shift for shift in OFFSETS[place]], (0, 1))]
        return row.astype(np.uint8)

    return after


STEPS = {patterns.LIFE: life, "B36/S23": highlife, "/2/3": brain, patterns.BOSCO: bosco, "WireWorld": wire}


@pytest.mark.parametrize("name", [name for name, known in patterns.PATTERNS.items() if known.period])
def test_named_patterns_have_the_period_and_the_shift_that_they_say(name):
    known, pattern = patterns.PATTERNS[name], patterns.named(name)
    start = np.pad(pattern.cells, 16)
    seen = [start]
    for _ in range(known.period):
        seen.append(STEPS[known.rule](seen[-1]))
    x, y = known.shift
    np.testing.assert_array_equal(seen[-1], np.roll(start, (y, x), (0, 1)))
    canonical = [tuple(map(bytes, Pattern(cells).trimmed().cells)) for cells in seen[:-1]]
    assert canonical.count(canonical[0]) == 1  # the least such period


def copies(cells: np.ndarray, part: np.ndarray) -> set[tuple[int, int]]:
    """Corners (row, column) of exact copies of `part`, upright or turned."""
    found = set()
    for turns in range(4):
        view = np.rot90(part, turns)
        windows = np.lib.stride_tricks.sliding_window_view(cells, view.shape)
        found |= {(int(y), int(x)) for y, x in np.argwhere((windows == view).all((2, 3)))}
    return found


@pytest.mark.parametrize(
    ("name", "cells", "generations", "number"),
    [("langtons-loop", 86, 151, 1), ("byls-loop", 12, 25, 2), ("chou-reggia-1", 6, 27, 2), ("chou-reggia-2", 5, 32, 2)],
)
def test_loops_copy_themselves_when_published(name, cells, generations, number):
    """Langton's copy stands at 151 eleven columns beside, upright; Byl's and Reggia's are two by 25, 27 and 32."""
    pattern = patterns.named(name)
    assert pattern.population == cells
    now = np.pad(pattern.cells, 24)
    step = by_tree(pattern.rule)
    for _ in range(generations):
        now = step(now)
    assert len(copies(now, pattern.cells)) == number
    if name == "langtons-loop":
        assert copies(now, pattern.cells) == {(24, 24 + 11)}


def test_the_replicator_of_highlife_is_two_after_twelve_generations():
    start = now = np.pad(patterns.named("replicator").cells, 10)
    for _ in range(12):
        now = highlife(now)
    np.testing.assert_array_equal(now, np.roll(start, (2, 2), (0, 1)) | np.roll(start, (-2, -2), (0, 1)))
    assert now.sum() == 24


def test_rules_of_named_patterns_are_known_and_have_their_states():
    for name, known in patterns.PATTERNS.items():
        rule, grid = notation.parse(known.rule)
        assert patterns.named(name).cells.max() < rule.num_states and not grid.bounded, name


def test_names_are_looked_up_kindly():
    assert patterns.named("Gosper Gun").population == 36
    with pytest.raises(PatternError, match="nearest is 'glider'"):
        patterns.named("glidr")
