"""`firstword life …` as a user types it: figures, files, pipes, and one clear line for what is wrong."""

import io
import json
import re
from types import SimpleNamespace

import pytest

from experiments import cli
from sim.life import formats, patterns

GLIDER = "x = 3, y = 3, rule = B3/S23\nbo$2bo$3o!\n"


@pytest.fixture
def firstword(capsys):
    """Runs a command line; gives its exit code, stdout and stderr."""

    def run(*words):
        code = cli.main([str(word) for word in words])
        out = capsys.readouterr()
        return SimpleNamespace(code=code, out=out.out, err=out.err)

    return run


def figures(done):
    assert done.code == 0, done.err
    return json.loads(done.out)


@pytest.mark.parametrize("algorithm", ["field", "hashlife"])
def test_both_algorithms_leave_the_same_pattern(firstword, tmp_path, algorithm):
    out = tmp_path / "late.rle"
    told = figures(
        firstword("life", "run", "r-pentomino", "--generations", 1103, "--algorithm", algorithm, "--out", out, "--json")
    )
    assert (told["generation"], told["population"], told["algorithm"]) == (1103, 116, algorithm)
    late = formats.read(out.read_text())
    assert (late.population, late.generation, late.x, late.y) == (116, 1103, told["x"], told["y"])


def test_a_gun_fires_for_a_thousand_million_generations(firstword):
    told = figures(firstword("life", "run", "gosper-gun", "--generations", 10**9, "--json"))
    assert told["population"] == 166_666_713


def test_a_pipe_reads_stdin_and_writes_stdout(firstword, monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(GLIDER.encode())))
    done = firstword("life", "run", "-", "--generations", 8, "--out", "-")
    moved = formats.read(done.out)
    assert done.code == 0 and (moved.x, moved.y, moved.population) == (2, 2, 5)


def test_a_closed_stdin_is_said(firstword, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    done = firstword("life", "run", "-", "--generations", 1)
    assert done.code == 2 and "stdin is closed" in done.err


@pytest.mark.parametrize("text", ["\ufeff" + GLIDER, GLIDER.replace("x = 3, y = 3", "x = 0, y = 0"), "bo$2bo$3o!"])
def test_files_as_people_have_them_are_read(firstword, tmp_path, text):
    path = tmp_path / "glider.txt"
    path.write_text(text)
    assert figures(firstword("life", "run", path, "--generations", 4, "--json"))["population"] == 5


def test_figures_are_shown_even_if_the_pattern_is_too_large_to_write(firstword, tmp_path):
    out = tmp_path / "far.rle"
    done = firstword("life", "run", "gosper-gun", "--generations", 10**6, "--out", out, "--json")
    assert done.code == 2 and json.loads(done.out)["population"] == 166_713
    assert "macrocell" in done.err and not out.exists()


def test_the_patterns_own_rule_and_grid_serve_unless_another_is_given(firstword, tmp_path):
    path = tmp_path / "glider.rle"
    path.write_text(GLIDER.replace("B3/S23", "B3/S23:T5,5"))
    own = figures(firstword("life", "run", path, "--generations", 20, "--json"))
    assert own["rule"] == "B3/S23:T5,5" and (own["x"], own["y"]) == (-1, -1)  # once around, back in the middle
    other = figures(firstword("life", "run", path, "--generations", 20, "--rule", "B3/S23", "--json"))
    assert other["rule"] == "B3/S23" and (other["x"], other["y"]) == (5, 5)


def test_a_pattern_finds_its_rule_in_a_file_beside_it(firstword, tmp_path):
    (tmp_path / "Copy.rule").write_text(
        "@RULE Copy\n@TABLE\nn_states:3\nneighborhood:vonNeumann\nsymmetries:none\n1,0,0,0,0,2\n"
    )
    (tmp_path / "one.rle").write_text("x = 1, y = 1, rule = Copy\nA!\n")
    told = figures(
        firstword("life", "run", tmp_path / "one.rle", "--generations", 1, "--json", "--out", tmp_path / "o.rle")
    )
    assert told["population"] == 1 and formats.read((tmp_path / "o.rle").read_text()).cells.item() == 2


@pytest.mark.parametrize("form", ["rle", "cells", "lif", "mc"])
def test_every_format_carries_the_same_cells(firstword, tmp_path, form):
    path = tmp_path / f"gun.{form}"
    assert firstword("life", "run", "gosper-gun", "--generations", 0, "--out", path).code == 0
    told = figures(firstword("life", "run", path, "--generations", 120, "--json"))
    assert told["population"] == 56


def test_the_grammar_knows_what_there_is():
    """Its words are written out, so that --help need not import the modules."""
    from evolution.life import encoding, goals
    from experiments import life_arguments, life_sweep

    assert set(life_arguments.GOALS) == set(goals.GOALS)
    assert tuple(encoding.SYMMETRIES) == life_arguments.SYMMETRIES
    assert set(life_arguments.SWEPT) == set(life_sweep.WHAT)


def test_a_search_writes_what_it_found(firstword, tmp_path):
    out = tmp_path / "found.rle"
    words = ("life", "search", "growth", "--rule", "B3/S23", "--generations", 3, "--population", 16, "--side", 4)
    told = figures(firstword(*words, "--out", out, "--json"))
    assert told["evaluations"] == 48 and told["found"]
    again = formats.read(out.read_text())
    assert again.population == told["found"][0]["cells"] and again.rule == "B3/S23"


def test_an_interrupted_search_keeps_what_it_found(firstword, tmp_path, monkeypatch):
    from evolution.life import goals

    claims, calls = goals.Growth.claims, []

    def interrupted(self, bits):
        calls.append(bits)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return claims(self, bits)

    monkeypatch.setattr(goals.Growth, "claims", interrupted)
    out = tmp_path / "found.rle"
    words = ("life", "search", "growth", "--rule", "B3/S23", "--generations", 9, "--population", 16, "--side", 4)
    done = firstword(*words, "--out", out, "--json")
    told = json.loads(done.out)
    assert done.code == 130 and told["generations"] == 2 and "after 2 of 9 generations" in done.err
    assert formats.read(out.read_text()).population == told["found"][0]["cells"]


def test_a_sweep_leaves_tables_and_plots(firstword, tmp_path, monkeypatch):
    from experiments import life_sweep

    rows = life_sweep.elementary_rows([110, 204], 2, 0, 127, 100)
    monkeypatch.setattr(life_sweep, "sweep", lambda *words: {"soups": 2, "elementary": rows})
    done = firstword("life", "sweep", "elementary", "--out", tmp_path / "swept")
    assert done.code == 0 and "W110" in done.out
    assert sorted(path.name for path in (tmp_path / "swept").iterdir()) == ["elementary.csv", "elementary.png"]
    assert (tmp_path / "swept" / "elementary.csv").read_text().startswith("rule,class,")


def test_a_census_is_a_table(firstword):
    told = figures(firstword("life", "census", "--soups", 2, "--seed", 5, "--json"))
    assert told["soups"] == 2 and told["objects"] == sum(row["count"] for row in told["census"]) > 0
    assert sum(row["share"] for row in told["census"]) == pytest.approx(1)


def test_an_interrupted_census_shows_what_it_has(firstword, monkeypatch):
    from sim.life import census

    def stopped(*words):
        yield census.Tally(soups=7)
        raise KeyboardInterrupt

    monkeypatch.setattr(census, "census", stopped)
    done = firstword("life", "census", "--json")
    assert done.code == 130 and json.loads(done.out)["soups"] == 7 and "7 soups" in done.err


def test_rounds_of_a_bounded_grid_are_left_out(firstword):
    """A glider on a torus of 10 comes around in 40 generations: 10^15 + 7 leave 7."""
    told = figures(firstword("life", "run", "glider", "--generations", 10**15 + 7, "--rule", "B3/S23:T10,10", "--json"))
    few = figures(firstword("life", "run", "glider", "--generations", 7, "--rule", "B3/S23:T10,10", "--json"))
    assert told["generation"] == 10**15 + 7
    assert [told[key] for key in ("x", "y", "population")] == [few[key] for key in ("x", "y", "population")]


def test_objects_are_listed(firstword):
    told = figures(firstword("life", "identify", "pulsar", "--json"))
    (kind,) = told["kinds"]
    assert (kind["name"], kind["period"], kind["count"]) == ("pulsar", 3, 1)


def test_an_apgcode_is_a_pattern(firstword):
    (kind,) = figures(firstword("life", "identify", "xp3_co9nas0san9oczgoldlo0oldlogz1047210127401", "--json"))["kinds"]
    assert kind["name"] == "pulsar"
    done = firstword("life", "identify", "xs4_3y")
    assert done.code == 2 and "'xs4_3y': y must be followed by a digit" in done.err


def test_built_in_patterns_are_listed(firstword):
    assert {row["name"] for row in figures(firstword("life", "patterns", "--json"))} == set(patterns.PATTERNS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "glidr", "--generations", "1"], "'glidr': .*did you mean glider"),
        (["run", "glider"], "--generations"),
        (["run", "glider", "--generations", "-1"], "'-1' must be a whole number from 0"),
        (["run", "glider", "--generations", "1", "--rule", "B3/S9"], "must be like B3/S23"),
        (["run", "glider", "--generations", "1", "--rule", "B3/S23:T2,2"], "3x3 cells .* does not fit the grid :T2,2"),
        (["run", "glider", "--generations", "1", "--rule", "B3/S23:X"], "grid 'X': must be like"),
        (["run", "glider", "--generations", "1", "--out", "a.png"], r"'a.png': must be - or end in one of .*\.rle"),
        (["run", "glider", "--generations", "1", "--out", "no/such/a.rle"], "no folder no/such"),
        (["run", "glider", "--generations", "1", "--rule", "/2/3", "--algorithm", "hashlife"], "two states"),
        (["run", "glider", "--generations", "1", "--json", "--out", "-"], "both want stdout"),
        (["run", "glider", "--generations", "1", "--rule", "no.rule"], "no.rule: cannot be read"),
        (["run", ".", "--generations", "1"], "it is a folder"),
        (["run", "langtons-loop", "--generations", "1", "--rule", "B3/S23"], "state 7 is not one of the 2 states"),
        (["run", "glider", "--generations", "1", "--rule", "HighLive"], "HighLife"),
        (["identify", "langtons-loop"], "two states"),
        (["identify", "blinker", "--rule", "B3/S23:T8,8"], "not of :T8,8"),
        (["census", "--soups", "0"], "'0' must be a whole number from 1"),
        (["census", "--rule", "B0/S"], "without B0"),
        (["census", "--rule", "B3/S23:T9,9"], "endless plane"),
        (["search", "methuselah"], "needs a rule"),
        (["search", "treasure"], "'treasure' is unknown"),
        (["search", "speed", "--rule", "B3/S23:T9,9"], "plane without end"),
        (["measure", "W110", "--size", "3"], "must be 4 cells or more"),
        (["measure", "nothing"], "'nothing' is no run folder, no pattern"),
        (["sweep", "--soups", "1"], "soups 1: must be from 2"),
        (["walk"], "'walk' is unknown.*watch"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(firstword, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    done = firstword("life", *words)
    assert done.code == 2 and done.out == "" and done.err.count("\n") == 1
    assert re.search(says, done.err), done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 3, y = 3\nbo$2bq$3o!", "line 2, column 6"),
        ("x = 3, y = 3\nbo$2bo$3o", "line 2"),
        ("#Life 1.06\n0 0\n1 a\n", "line 3"),
        ("[M2] (golly)\n$$\n9 1 1 1 1\n", "line 3"),
    ],
)
def test_errors_in_files_say_where(firstword, tmp_path, text, says):
    path = tmp_path / "broken.pattern"
    path.write_text(text)
    done = firstword("life", "run", path, "--generations", 1)
    assert done.code == 2 and str(path) in done.err and says in done.err
