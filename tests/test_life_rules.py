"""Rule strings and grids against Golly's own words for them, and neighbourhoods against their geometry."""

import numpy as np
import pytest

from sim.life import grids, notation, rules
from sim.life.hensel import LETTERS, kinds
from sim.life.pattern import RuleError

LIFE_MAP = "MAPARYXfhZofugWaH7oaIDogBZofuhogOiAaIDogIAAgAAWaH7oaIDogGiA6ICAAIAAaIDogIAAgACAAIAAAAAAAA"
"""Life as Golly's help writes it."""

DIAGRAMS = {
    "T4,3": "l i j k l i | d A B C D a | h E F G H e | l I J K L i | d a b c d a",
    "T4+1,3": "k l i j k l | d A B C D a | h E F G H e | l I J K L i | a b c d a b",
    "T4,3+1": "h i j k l a | l A B C D e | d E F G H i | h I J K L a | l a b c d e",
    "K4*,3": "i l k j i l | d A B C D a | h E F G H e | l I J K L i | a d c b a d",
    "K4,3*": "d i j k l a | l A B C D i | h E F G H e | d I J K L a | l a b c d i",
    "K4*+1,3": "l k j i l k | d A B C D a | h E F G H e | l I J K L i | d c b a d c",
    "C4,3": "a l k j i d | l A B C D i | h E F G H e | d I J K L a | i d c b a l",
    "S3": "a a d g c | a A B C g | b D E F h | c G H I i | g c f i i",
    "P4,3": ". . . . . . | . A B C D . | . E F G H . | . I J K L . | . . . . . .",
}
"""What lies around a field, as Golly's source draws it; for the shifted Klein bottle as its code does it."""


def test_life_has_the_table_that_golly_gives_it():
    life = rules.parse("B3/S23")
    assert rules.parse(LIFE_MAP) == life
    assert life.totalistic == (0b1000, 0b1100) and int(life.table.sum()) == 140


@pytest.mark.parametrize("text", ["23/3", "b3s23", "B3/S23", "B3S23", "b3/s23"])
def test_life_is_written_in_many_ways(text):
    assert rules.parse(text).name == "B3/S23"


@pytest.mark.parametrize(
    "name", ["B36/S23", "B2-a/S12", "B3/S2-i34q", "B2/S34H", "B/S012345678", "B2ci3ai4c8/S02ae3eijkq4iz5ar6i7e"]
)
def test_names_lead_back_to_their_rule(name):
    rule = rules.parse(name)
    assert rules.parse(rule.name) == rule


def test_a_rule_of_a_random_table_is_named_by_its_map():
    table = np.random.default_rng(3).integers(0, 2, 512)
    rule = rules.from_table(table)
    assert rule.name.startswith("MAP") and np.array_equal(rules.parse(rule.name).table, table)


def test_maps_are_read_however_many_slashes_they_hold():
    generator = np.random.default_rng(4)
    slashes = set()
    while slashes < set(range(4)):
        rule = rules.from_table(generator.integers(0, 2, 512) | (generator.random(512) < 0.3))
        slashes.add(rule.name.count("/"))
        assert notation.parse(rule.name) == (rule, grids.PLANE)
        several, grid = notation.parse(f"{rule.name}/7:T9,9")
        assert several.num_states == 7 and np.array_equal(several.table, rule.table) and grid.name == ":T9,9"


def test_kinds_part_all_neighbourhoods_into_orbits_of_the_square():
    assert sorted(around for kind in kinds().values() for around in kind) == [i for i in range(512) if not i & 16]
    assert len(kinds()) == sum(max(len(letters), 1) for letters in LETTERS) == 51
    for name, kind in kinds().items():
        assert {around.bit_count() for around in kind} == {int(name[0])}


@pytest.mark.parametrize("number", range(1, 5))
def test_letters_are_those_of_golly(number):
    """One neighbourhood of each kind as its source writes them, nine bits row by row; 5 to 7 are the dead of 3 to 1."""
    examples = {
        1: {"c": 0x01, "e": 0x02},
        2: {"c": 0x05, "e": 0x0A, "k": 0x21, "a": 0x03, "i": 0x28, "n": 0x44},
        3: dict(zip("cekainrqjy", (0x45, 0x2A, 0x62, 0x0B, 0x07, 0x0D, 0x29, 0x46, 0x0E, 0x61), strict=True)),
        4: dict(zip("cekainrqjytwz", (325, 170, 99, 15, 45, 71, 43, 102, 106, 101, 105, 78, 108), strict=True)),
    }
    for letter, example in examples[number].items():
        assert example in kinds()[f"{number}{letter}"]
        assert number == 4 or 495 - example in kinds()[f"{8 - number}{letter}"]


@pytest.mark.parametrize(("where", "neighbours"), [("V", 4), ("H", 6)])
def test_other_neighbourhoods_look_at_fewer_cells(where, neighbours):
    every = rules.parse("B" + "".join(map(str, range(1, neighbours + 1))) + "/S" + where)
    born = [i for i in range(512) if every.table[i] and not i & 16]
    assert sum(i.bit_count() == 1 for i in born) == neighbours
    unseen = {"V": (256, 64, 4, 1), "H": (64, 4)}[where]  # corners; NE and SW
    assert not every.table[list(unseen)].any()
    assert every.name.endswith(where) and rules.parse(every.name) == every


@pytest.mark.parametrize("text", DIAGRAMS)
def test_grids_are_joined_as_golly_joins_them(text):
    wanted = [[ord(cell.upper()) - 65 for cell in row.split()] for row in DIAGRAMS[text].split("|")]
    grid = grids.parse(text)
    assert np.array_equal(np.maximum(grid.beyond(), -1), np.maximum(wanted, -1))
    assert grids.parse(grid.name[1:]) == grid


@pytest.mark.parametrize(
    ("text", "name"),
    [("T64", ":T64,64"), ("k8,6", ":K8,6*"), ("T30,0", ":T30,0"), ("K5*+1,4", ":K5*,4"), ("T8+9,4", ":T8+1,4")],
)
def test_grids_have_a_canonical_name(text, name):
    assert grids.parse(text).name == name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("B3/S23:T0*,5", "only a Klein bottle"),
        ("B3/S23:K0,5", "needs a width and a height"),
        ("B3/S23:S5,6", "must be square"),
        ("B3/S23:K4+1,4*", "shifted on its twisted edges"),
        ("B3/S23:P4+1,4", "only a torus or a Klein bottle can be shifted"),
        ("B3/S23:T4+1,4+1", "one pair of edges"),
        ("B3/S23:Q5", "must be like"),
        ("B3/S23:T9999999999", "at most"),
        ("B3/S23:T1000000,1000000", "at most 268,435,456 cells"),
        ("B3x/S23", "must be like"),
        ("B3t/S23", "followed by letters of cekainyqjr"),
        ("B2-/S", "followed by letters"),
        ("B8c/S", "takes no letters"),
        ("B5/S2V", "number of neighbours from 0 to 4"),
        ("MAPxyz", "86 characters"),
        ("W256", "W0 to W255"),
        ("W110:K9*,1", "row of cells"),
        ("", "must be like"),
        ("LangtonLop", "not among"),
        ("R5,C0,M1,S34..58,B34..45,NM:S20", "sphere"),
        ("R5,C0,M1,S34..58,B34..45,NM:T4,4", "too small"),
    ],
)
def test_what_is_wrong_is_said(text, says):
    with pytest.raises(RuleError, match=says):
        notation.parse(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("life", "B3/S23"),
        ("B3S23", "B3/S23"),
        ("5,34,45,34,58", "R5,C0,M1,S34..58,B34..45,NM"),
        ("Day & Night", "B3678/S34678"),
        ("day&night", "B3678/S34678"),
        ("/2/3", "/2/3"),
    ]
    + [("Brian's Brain", "/2/3"), ("w30", "W30"), ("langtonsloop", "Langtons-Loops"), ("wireworld", "WireWorld")],
)
def test_families_are_told_apart(text, name):
    assert notation.parse(text)[0].name == name
