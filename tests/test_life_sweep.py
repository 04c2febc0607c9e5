"""Sweeps over rules, and measures of rules, patterns and recorded worlds, against references and published figures."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from experiments import life_fields, life_sweep, loop, runfolder
from experiments.errors import UserError
from experiments.life_measure import measure
from experiments.simulation import Simulation
from sim.life import elementary, notation, rules
from sim.life.elementary import Elementary
from sim.life.measures import classes, damage, spreading
from tests.tiny import TINY, tiny
from viz import life_plots

ALL = np.arange(256)
POPCOUNTS = np.array([2 ** t.bit_count() for t in range(256)])
"""Living cells of rule 90 from one cell (Sierpinski's triangle), which is what damage under it looks like."""


def soup(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, shape, np.uint8)


def stepped(table: np.ndarray):
    """One generation on a torus, by looking up neighbourhoods that are put together by rolling."""
    dimensions = 1 if len(table) == 8 else 2

    def advance(cells: np.ndarray) -> np.ndarray:
        index = np.zeros(cells.shape, int)
        axes = tuple(range(-dimensions, 0))
        for offset in np.ndindex(*(3,) * dimensions):
            index = 2 * index + np.roll(cells, [1 - step for step in offset], axes)
        return table[index]

    return advance


# --- Damage, packed ---


def test_damage_of_lines_is_that_of_stepping_both():
    rows = np.broadcast_to(soup(45), (256, 45)).copy()
    hurt = rows.copy()
    hurt[:, 20] ^= 1
    found = spreading.line_damage(ALL, rows, hurt, 30)
    assert found.shape == (256, 31)
    for number in classes.INDEPENDENT:
        slow = damage.damage_spreading(stepped(Elementary(number).table), rows[0], 30, (20,))
        assert (found[number] == slow).all(), number
    assert (found[204] == 1).all() and (found[0][1:] == 0).all()


def test_damage_of_an_additive_rule_is_sierpinskis_triangle():
    rows = soup(1, 600)
    hurt = rows.copy()
    hurt[0, 300] ^= 1
    found = spreading.line_damage([90], rows, hurt, 255)[0]
    assert (found == POPCOUNTS).all() and found.sum() == 3**8


@pytest.mark.parametrize(
    "names", [["B3/S23", "B2/S", "B34/S34"], ["B3/S23", "B2-a/S12", "B1/S0V"]], ids=["sums", "maps"]
)
def test_damage_of_fields_is_that_of_stepping_both(names):
    family = [rules.parse(name) for name in names]
    cells = soup(3, 20, 37)
    hurt = cells.copy()
    hurt[:, 9, 36] ^= 1
    found = spreading.field_damage(family, cells, hurt, 24)
    for place, rule in enumerate(family):
        slow = damage.damage_spreading(stepped(rule.table), cells[place], 24, (9, 36))
        assert (found[place] == slow).all(), rule.name


def test_a_parity_rule_makes_192_of_one_damaged_cell_in_a_hundred_generations():
    cells = soup(1, 203, 203)
    hurt = cells.copy()
    hurt[0, 100, 100] ^= 1
    assert spreading.field_damage([rules.parse("B1357/S1357")], cells, hurt, 100)[0, 100] == 192


def test_defects_grow_as_the_lyapunov_exponent_says():
    numbers = (0, 22, 30, 90, 110, 150, 204)
    tables = np.stack([Elementary(number).table for number in numbers])
    row = soup(300)
    found = spreading.defect_growth(tables, np.broadcast_to(row, (len(numbers), 300)), 20)
    slow = [np.exp(damage.lyapunov(table, row, 20)) for table in tables]
    assert found == pytest.approx(slow, rel=1e-4)
    assert found[[0, 3, 5, 6]] == pytest.approx([0, 2, 3, 1])  # none, two or three places hang on each
    table, field = rules.parse("B3/S23").table, soup(40, 41)
    expected = np.exp(damage.lyapunov(table, field, 10))
    assert spreading.defect_growth(table[None], field[None], 10)[0] == pytest.approx(expected, rel=1e-4)


# --- Classes ---


def test_equivalent_rules_do_the_same_in_the_mirror_and_in_negative():
    rows = soup(256, 40)
    plain = elementary.history(ALL, rows, 8)
    mirrored = elementary.history([classes.reflected(number) for number in range(256)], rows[:, ::-1], 8)
    negative = elementary.history([classes.conjugate(number) for number in range(256)], 1 - rows, 8)
    assert (mirrored[..., ::-1] == plain).all()
    assert (1 - negative == plain).all()
    assert classes.equivalents(110) == (110, 124, 137, 193) and classes.equivalents(30) == (30, 86, 135, 149)


def test_each_of_the_88_rules_has_one_class():
    assert len(classes.INDEPENDENT) == 88
    assert sorted(number for numbers in classes.CLASSES.values() for number in numbers) == list(classes.INDEPENDENT)
    known = {124: "IV", 147: "IV", 86: "III", 165: "III", 255: "I", 226: "II", 51: "II"}
    assert {number: classes.published_class(number) for number in known} == known


def test_agreement_is_counted_over_independent_rules():
    rows = [
        {"rule": f"W{number}", "class": classes.published_class(number), "class_measured": measured, "x": x}
        for number, measured, x in (
            (8, "I", 0),
            (110, "IV", 3),
            (54, "III", 5),
            (30, "IV", 4),
            (106, "III", 1),
            (124, "I", 9),
        )
    ]
    table = {row["published"]: row for row in classes.confusion(rows)}
    assert table["IV"] == {"published": "IV", "I": 0, "II": 0, "III": 2, "IV": 1, "differ": "W54 W106"}
    assert table["III"]["IV"] == 1 and table["II"]["II"] == 0
    assert classes.within_class_iv(rows, ["x"]) == [
        {"measure": "x", "low": 3, "high": 5, "I": 0, "II": 0, "III": 1, "W106": 0}
    ]


# --- Rows ---


# h = H(10) - H(9), E = H(10) - 10 h, mutual information at distance 1, zlib bits per cell: published behaviour of each.
KNOWN = {
    8: ("I", 0.125, 0, 0, 0, 0.01),
    108: ("II", 0.5, 0.77, 0.32, None, 0.83),
    204: ("II", 0.5, 1, 0, 0, 1),
    18: ("III", 0.25, 0.552, 0.71, 0.11, 0.66),
    30: ("III", 0.5, 1, 0, 0, 1),
    90: ("III", 0.5, 1, 0, 0, 1),
    54: ("IV", 0.5, 0.482, 1.92, 0.005, None),
    110: ("IV", 0.625, 0.153, 3.51, 0.012, None),
}


@pytest.fixture(scope="module")
def known_rows():
    return {row["rule"]: row for row in life_sweep.elementary_rows(list(KNOWN), soups=2)}


@pytest.mark.parametrize("number", KNOWN)
def test_rows_of_elementary_rules_measure_as_known(number, known_rows):
    """Tolerances as in the table of rules in the tests of measures; packing has a header, and is of shorter texts."""
    name, share, rate, excess, shared, packed = KNOWN[number]
    row = known_rows[f"W{number}"]
    assert row["class"] == row["class_measured"] == name
    assert row["lambda"] == share
    assert row["entropy_rate"] == pytest.approx(rate, abs=0.02)
    assert row["excess_entropy"] == pytest.approx(excess, abs=0.13)
    if shared is not None:
        assert row["mutual_information"] == pytest.approx(shared, abs=0.01)
    if packed is not None:
        assert row["compressed"] == pytest.approx(packed, abs=0.05)
    assert all(row[f"{measured}_se"] <= 0.05 for measured in ("entropy_rate", "damage", "excess_entropy"))


def test_damage_is_a_share_of_the_cells_within_reach(known_rows):
    late = np.arange(128, 256)
    assert known_rows["W90"]["damage"] == pytest.approx(np.mean(POPCOUNTS[late] / (2 * late + 1)), rel=1e-6)
    assert known_rows["W204"]["damage"] == pytest.approx(np.mean(1 / (2 * late + 1)), rel=1e-6)
    assert known_rows["W8"]["damage"] == 0 and known_rows["W8"]["defect_growth"] == 0
    assert known_rows["W90"]["sensitivity"] == 2 == pytest.approx(known_rows["W90"]["defect_growth"])
    assert known_rows["W30"]["damage"] == pytest.approx(130 / 401, abs=0.03)  # 130 cells after 200 generations


def test_a_row_does_not_depend_on_what_else_is_swept_and_a_seed_repeats_it():
    small = dict(soups=2, width=600, settled=50)
    one, again = (life_sweep.elementary_rows([110, 30], **small) for _ in range(2))
    assert one == again
    assert life_sweep.elementary_rows([54, 110], **small)[1] == one[0]
    assert life_sweep.elementary_rows([110, 30], **small, seed=1) != one


def test_rows_of_rules_that_count_measure_as_known():
    """34 Life and Seeds come to rest statistically in a hundred generations; parity rules stay noise."""
    names = ["34 Life", "Seeds", "B1357/S1357", "B8/S", "B/S012345678"]
    found = dict(zip(names, life_sweep.life_rows(names, soups=2, side=63, settled=100), strict=True))
    for name, share, dense, blocks, active in (
        ("34 Life", 0.492, 0.426, 0.952, 0.460),
        ("Seeds", 0.0547, 0.212, 0.738, 0.423),
    ):
        row = found[name]
        assert row["lambda"] == pytest.approx(share, abs=0.0005) and row["name"] == name
        assert row["density"] == pytest.approx(dense, abs=0.03)
        assert row["block_entropy"] == pytest.approx(blocks, abs=0.03)
        assert row["activity"] == pytest.approx(active, abs=0.03)
        assert row["class_measured"] == "III"
    parity, dying, still = (found[name] for name in names[2:])
    assert parity["sensitivity"] == 8 and parity["defect_growth"] == pytest.approx(8)
    assert parity["entropy_rate"] == pytest.approx(1, abs=0.02) and parity["rule"] == "B1357/S1357"
    assert dying["class_measured"] == "I" and dying["density"] == 0
    late = np.arange(16, 32)
    assert still["damage"] == pytest.approx(np.mean(1.0 / (2 * late[:-1] + 1) ** 2), rel=1e-6)
    assert still["activity"] == 0 and still["active_information"] == pytest.approx(1, abs=0.01)


def test_the_sample_is_spread_over_lambda():
    names = life_sweep.sample(100, seed=3)
    assert names == life_sweep.sample(100, seed=3) != life_sweep.sample(100, seed=4)
    assert len(set(names)) == 100
    tables = [rules.parse(name).table for name in names]
    assert not any(table[0] for table in tables)
    strata = np.bincount([int(table.sum()) * life_sweep.STRATA // 512 for table in tables], minlength=20)
    assert strata.min() >= 4 and strata.max() <= 6
    assert len(set(life_sweep.sample(5000, seed=0))) == 5000


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: life_sweep.sweep("none"), "'none'.*elementary"),
        (lambda: life_sweep.sweep(number=-1), "^--rules -1: must be from 0 to 5,000"),
        (lambda: life_sweep.sweep(soups=1), "^--soups 1: must be from 2"),
        (lambda: life_sweep.life_rows(["B0/S8"]), "'B0/S8'.*no B0"),
        (lambda: life_sweep.life_rows(["B2-a/S12"]), "count neighbours"),
        (lambda: life_sweep.life_rows(["B9/S"]), "B9/S"),
        (lambda: measure("nonsense"), "'nonsense' is no run folder, no pattern"),
        (lambda: measure("glyder"), "did you mean glider"),
        (lambda: measure("B3/S23", size=2), "^--size 2: must be 4 cells or more"),
        (lambda: measure("B3/S23", size=5000), "5000x5000 cells: must be at most"),
        (lambda: measure("B3/S23:T64,2"), "^height 2: .* 4 cells"),
        (lambda: measure("B3/S23:T64,64", size=32), "^--size 32: .*names its own grid"),
        (lambda: measure("B3/S23:P64,0"), "^'B3/S23:P64,0': the grid :P64,0 ends on one pair of sides"),
        (lambda: measure("glider", rule="B3/S23:T0,64"), "^'glider': the grid :T0,64 ends on one pair of sides"),
        (lambda: measure("B3/S23", field="plants"), "^--field 'plants': only a world"),
        (lambda: measure("B3/S23", density=1.5), "density 1.5: must be from 0"),
        (lambda: measure("B3/S23", rule="B36/S23"), "^--rule 'B36/S23': goes with a pattern"),
        (lambda: measure("B3/S23", frames=3), "^--frames 3: must be from 8"),
        (lambda: measure("B3/S23", generations=-1), "^--generations -1"),
        (lambda: measure("B3/S23", every=0), "^--every 0: must be from 1"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(call, told):
    with pytest.raises(UserError, match=told) as refused:
        call()
    assert "\n" not in str(refused.value)


# --- Measuring ---


def numbers(found: dict) -> dict[str, tuple[float, float | None]]:
    return {row["measure"]: (row["value"], row["shuffled"]) for row in found["measures"]}


def test_a_rule_is_measured_beside_its_control():
    found = measure("W110", size=4096, generations=500)
    assert found == measure("W110", size=4096, generations=500)
    assert found["lambda"] == 0.625 and found["cells"] == "4096" and found["torus"]
    value = numbers(found)
    assert value["excess_entropy"][0] > 2.5 > 0.1 > abs(value["excess_entropy"][1])
    assert value["active_information"][0] > 0.6 > 0.01 > abs(value["active_information"][1])
    assert value["density"][0] == pytest.approx(4 / 7, abs=0.02) and value["density"][1] is None
    assert found["measures"] != measure("W110", size=4096, generations=500, seed=1)["measures"]


def test_a_pattern_is_measured_in_a_window_of_the_plane(tmp_path):
    glider = measure("glider", size=20, generations=4, frames=8)
    assert numbers(glider)["density"][0] == pytest.approx(5 / 400) and not glider["torus"]
    assert numbers(glider)["activity"][0] == pytest.approx(4 / 400)  # two cells die and two are born
    gone = measure("glider", size=20, generations=80, frames=8)
    assert numbers(gone)["density"][0] == 0
    assert numbers(measure("blinker", frames=8, every=2))["activity"][0] == 0
    assert measure("glider", size=20, frames=8, rule="B2/S")["lambda"] == pytest.approx(28 / 512)
    path = tmp_path / "row.rle"
    path.write_text("x = 3, y = 1, rule = B3/S23:T20,20\n3o!\n")
    row = measure(path, frames=8)
    assert row["torus"] and row["cells"] == "20x20"
    assert numbers(row)["activity"][0] == pytest.approx(4 / 400)
    still = numbers(measure("block", frames=8))
    assert still["activity"][0] == 0 and still["active_information"][0] == pytest.approx(still["entropy"][0], abs=0.001)


def test_blocks_are_short_where_states_are_many():
    found = measure("/2/8", size=24, generations=5, frames=8)
    states = found["states"]
    assert 2 < states <= 8 and states ** found["blocks"] <= 24 * 24 < states ** (found["blocks"] + 1)


# --- Worlds ---


def test_bare_ground_is_a_symbol_of_its_own_where_it_is_common():
    values = np.array([0, 0, 0, 0, 0, 0, 0.1, 0.2, 0.3, 0.4])
    assert life_fields.binned(values, 3).tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 2, 2]
    assert life_fields.binned(values, 2).tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert life_fields.binned(np.arange(9.0) + 1, 3).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert life_fields.binned(values * 0, 3).sum() == 0


class Recorded:
    """A replay whose world says what tick it is."""

    last, ticks = 40, [0, 20, 40]
    config = TINY.world

    def __init__(self, path: Path):
        self.sim, self.sought = SimpleNamespace(tick=0), []

    def seek(self, tick: int) -> None:
        self.sim.tick = tick
        self.sought.append(tick)

    def advance(self, ticks: int) -> None:
        self.sim.tick += ticks

    def snapshot(self):
        empty = dict.fromkeys(("fertility", "toxic", "poison", "meat", "rock", "scent", "automaton"))
        tick, plants = float(self.sim.tick), np.full((6, 8), 0.5)
        plants[0, 0] = tick
        sound = np.stack([np.full((6, 8), tick), np.zeros((6, 8))], axis=-1)
        creatures = {
            "x": np.array([1.5, 2.0, 7.9]),
            "y": np.array([0.0, 5.5, 3.2]),
            "alive": np.array([True, True, False]),
        }
        return SimpleNamespace(plants=plants, sound=sound, **creatures, **empty)


def test_a_field_of_a_run_is_taken_at_its_ticks(tmp_path, monkeypatch):
    monkeypatch.setattr(life_fields, "Replay", Recorded)
    runfolder.create(tmp_path / "run", TINY).close()
    found, history, torus = life_fields.series(tmp_path / "run", "sound", None, 8, 1, 4)
    assert (found["first"], found["last"], found["every"]) == (33, 40, 1) and torus
    assert history[:, 0, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3] and history.shape == (8, 6, 8)
    _, agents, _ = life_fields.series(tmp_path / "run", "agents", 3, 8, 5, 2)
    assert np.argwhere(agents[0]).tolist() == [[0, 1], [5, 2]]
    for field, start, told in (
        ("plans", None, "has agents, plants, sound; did you mean plants"),
        ("meat", None, "field 'meat'"),
        (None, None, "field None"),
        ("plants", 34, "from tick 34 on end at 41: must be at most 40"),
    ):
        with pytest.raises(UserError, match=told):
            life_fields.series(tmp_path / "run", field, start, 8, 1, 3)
    with pytest.raises(UserError, match="--size 9: a world has its own"):
        measure(tmp_path / "run", field="plants", size=9)
    assert measure(tmp_path / "run", field="plants", frames=8, every=2)["cells"] == "8x6"


@pytest.mark.slow
def test_a_field_of_a_run_is_that_of_the_run(tmp_path):
    experiment = tiny(ticks=40, checkpoint_every=20)
    loop.run(experiment, tmp_path / "run", quiet=True)
    _, agents, _ = life_fields.series(tmp_path / "run", "agents", 17, 8, 1, 2)
    sim = Simulation.start(experiment)
    for frame, tick in enumerate(range(17, 25)):
        sim.advance(tick)
        world = sim.state.world
        alive = np.asarray(world.alive[0])
        y, x = (np.asarray(axis[0])[alive].astype(int).tolist() for axis in (world.y, world.x))
        assert set(map(tuple, np.argwhere(agents[frame]).tolist())) == set(zip(y, x, strict=True))
    assert numbers(measure(tmp_path / "run", field="plants", frames=8, every=2))["active_information"][0] > 0.5


# --- Plots ---


def test_plots_place_rules_where_they_measure(known_rows):
    rows = list(known_rows.values())
    figure = life_plots.elementary_classes(rows)
    structure = figure.axes[3]
    drawn = {tuple(np.round(point, 6)) for marks in structure.collections for point in np.asarray(marks.get_offsets())}
    assert {(round(row["entropy_rate"], 6), round(row["excess_entropy"], 6)) for row in rows} <= drawn
    assert {text.get_text() for text in structure.texts} == {"18", "30", "54", "90", "110", "204"}
    pictures = [("one", soup(5, 9)), ("two", soup(5, 9))]
    shown = life_plots.space_time(pictures, columns=2)
    assert all((ax.images[0].get_array() == cells).all() for ax, (_, cells) in zip(shown.axes, pictures, strict=True))


def test_named_rules_of_the_sweep_are_those_that_have_a_name():
    assert {"Life", "HighLife", "Seeds", "Day & Night", "34 Life", "Maze"} <= set(life_sweep.NAMED)
    assert not any(notation.parse(name)[0].table[0] for name in life_sweep.NAMED)
