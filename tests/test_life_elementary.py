"""Elementary automata against a plain stepper of all 256 rules and against what has been published of some."""

import numpy as np
import pytest

from sim.life import elementary
from sim.life.elementary import Elementary, evolved, history, parse, populations
from sim.life.pattern import RuleError

ALL = np.arange(256)
KNOWN = {30: 33207, 90: 6561, 110: 19043, 150: 14080, 54: 33024}
"""Living cells of generations 0 to 255 from a single one."""


def slow_history(number: int, row: np.ndarray, generations: int, boundary: str) -> np.ndarray:
    """Cell by cell, by Wolfram's definition."""
    rows = [np.pad(row, generations) if boundary == "line" else row]
    beyond = 0  # and what it turns into, where nothing ends
    for _ in range(generations):
        wrapped = (rows[-1][-1:], rows[-1][:1]) if boundary == "torus" else ([beyond], [beyond])
        seen = np.concatenate([wrapped[0], rows[-1], wrapped[1]]).astype(int)
        rows.append(number >> (4 * seen[:-2] + 2 * seen[1:-1] + seen[2:]) & 1)
        if boundary == "line":
            beyond = number >> 7 * beyond & 1
    return np.array(rows)


@pytest.mark.parametrize("boundary", ["torus", "bounded", "line"])
@pytest.mark.parametrize("width", [3, 64, 70])
def test_every_rule_on_every_row_is_as_defined(width, boundary):
    """Widths for which the last column lies in every way in its words; every rule has a row of its own."""
    rows = np.random.default_rng(width).integers(0, 2, (256, width))
    found = history(ALL, rows, 7, boundary)
    for number in ALL:
        assert (found[number] == slow_history(number, rows[number], 7, boundary)).all(), number


def test_last_rows_and_populations_are_those_of_the_history():
    rows = np.random.default_rng(0).integers(0, 2, (256, 70))
    whole = history(ALL, rows, 7)
    assert whole.dtype == np.uint8
    assert (evolved(ALL, rows, 7) == whole[:, -1]).all()
    programs = elementary._last._cache_size()
    assert (evolved(ALL, rows, 3) == whole[:, 3]).all()
    assert elementary._last._cache_size() == programs
    assert (populations(ALL, rows, 7) == whole.sum(2)).all()


def test_one_rule_and_one_row_need_no_batch_and_another_rule_compiles_nothing():
    row = np.array([0, 0, 1, 0, 1, 1, 0])
    assert (history(Elementary(110), row, 7) == slow_history(110, row, 7, "torus")).all()
    programs = elementary._all._cache_size()
    assert (history(30, row, 7) == slow_history(30, row, 7, "torus")).all()
    assert elementary._all._cache_size() == programs
    assert history([110, 30], row, 7).shape == (2, 8, 7)


def test_a_line_can_be_gone_on_with_on_the_background_that_it_left():
    row = np.array([1, 1, 0, 1, 0, 0, 1])
    for number in (1, 73, 105, 129, 255):
        whole = slow_history(number, row, 7, "line")
        background = int(whole[3, 0])
        half = whole[3, 4:-4]
        assert (evolved(number, half, 4, "line", background) == whole[-1]).all()
        assert (evolved(number, whole[3], 4, "frame", background) == whole[-1]).all()


def test_populations_from_one_cell_are_those_published():
    found = dict(zip(KNOWN, populations(list(KNOWN), [1], 255, "line"), strict=True))
    assert found[30][:16].tolist() == [1, 3, 3, 6, 4, 9, 5, 12, 7, 12, 11, 14, 12, 19, 13, 22]
    assert found[110][:16].tolist() == [1, 2, 3, 3, 5, 3, 5, 6, 8, 5, 6, 8, 8, 8, 11, 11]
    assert found[90].tolist() == [2 ** bin(t).count("1") for t in range(256)]  # rows of Pascal's triangle mod 2
    assert {number: series.sum() for number, series in found.items()} == KNOWN


def test_the_centre_column_of_rule_30_is_the_one_published():
    column = history(parse("W30"), [1], 999, "line")[:, 999]
    assert "".join(map(str, column[:32])) == "11011100110001011001001110101110"
    assert (column[:100].sum(), column.sum()) == (52, 481)


@pytest.mark.slow
def test_ten_thousand_cells_of_the_centre_column_of_rule_30():
    row, ones = np.ones(1, np.uint8), 0
    for _ in range(10):
        part = history(30, row, 1000, "line")
        ones += part[:1000, part.shape[1] // 2].sum()
        row = part[-1]
    assert ones == 5032


def test_names_lead_to_their_rules_and_back():
    for number in ALL:
        rule = parse(f"W{number}")
        assert rule == Elementary(number) == parse(f"w{number:03}")
        assert rule.name == f"W{number}"
        assert sum(int(bit) << index for index, bit in enumerate(rule.table)) == number
    assert Elementary.num_states == 2


@pytest.mark.parametrize("text", ["W256", "W", "110", "W-1", "W1.5", "B3/S23", "W1100", ""])
def test_what_is_no_elementary_rule_is_refused(text):
    with pytest.raises(RuleError, match="W"):
        parse(text)


def test_an_unknown_boundary_is_refused():
    with pytest.raises(ValueError, match="torus, bounded, line"):
        history(30, [1, 0], 1, "ring")
