"""Comparisons: statistics against published and brute-force figures, equal terms, and an end that no kill moves."""

import contextlib
import itertools
import json
import re
import shutil
import struct
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import cli, compare, compare_config, compare_report, compare_scores, config, files, loop, runfolder
from experiments.compare_terms import Comparison
from experiments.errors import UserError
from tests.test_analyse import Loads
from viz import compare_plots

ROOT = Path(__file__).parents[1]
SCORES = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=7)
MAZE = {
    "description": "a maze of two cells",
    "base": "t_maze",
    "seeds": 2,
    "agent_steps": 400,
    "points": 4,
    "threshold": 0.25,
    "set": {
        "search": {"population": 8},
        "task": {"length": 2, "patience": 2},
        "brain": {"founder_topology": "complete"},
    },
    "contestants": {"random": {"mind": "random"}, "rule": {"mind": "rule"}},
}
"""Deterministic: the two cues are all episodes there are. Chance, the rule, and the control that is always there."""


def made(**changes) -> Comparison:
    return compare_config.from_table(MAZE | changes, "maze", Path())


# ---------------------------------------------------------------- statistics


def test_figures_of_the_reference_implementation():
    """The cases of rliable's own tests: runs × tasks."""
    x, y = np.array([[1, 2], [2, 2], [1, 1], [2, 1.0]]), np.array([[1, 1], [2, 2], [3, 3.0]])
    assert compare_scores.interquartile_mean(*x.T) == 1.5
    assert compare_scores.interquartile_mean(*y.T) == 2
    assert compare_scores.improvement(*x.T, *y.T) == pytest.approx(1 / 3)


@given(SCORES)
def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end(values):
    ordered, cut = sorted(values), len(values) // 4
    assert compare_scores.interquartile_mean(np.array(values)) == pytest.approx(
        np.mean(ordered[cut : len(ordered) - cut])
    )


@given(SCORES, SCORES)
def test_probability_of_improvement_counts_pairs(one, other):
    pairs = [(a > b) + 0.5 * (a == b) for a, b in itertools.product(one, other)]
    assert compare_scores.improvement(np.array(one), np.array(other)) == pytest.approx(np.mean(pairs))


def test_the_bootstrap_interval_has_the_ends_of_the_exact_distribution():
    """Of the mean of {0, 1, 5} drawn with replacement, from all 27 equally likely samples."""
    values = np.array([0.0, 1.0, 5.0])
    means = np.sort([np.mean(sample) for sample in itertools.product(values, repeat=3)])
    low, high = compare_scores.interval(np.mean, values)
    assert (low, high) == pytest.approx((means[0], means[-1]))  # 1 of 27 is more than 2.5 %
    wide = np.array([0.0, 0.0, 0.0, 0.0, 4.0])  # mean 4 K / 5, K binomial(5, 1/5): 97.5 % lie at 3 or below
    assert compare_scores.interval(np.mean, wide) == pytest.approx((0.0, 4 * 3 / 5))


def test_strata_are_resampled_within_themselves():
    """Equal scores in each task leave nothing to chance, however far apart the tasks are."""
    low, high = compare_scores.interval(compare_scores.interquartile_mean, np.zeros(4), np.full(4, 10.0))
    assert low == high == 5


def test_equal_scores_have_an_interval_without_width_and_improve_on_each_other_by_chance():
    told = compare_scores.summary(np.full(3, 500.0))
    assert told == {"iqm": 500, "iqm_interval": [500, 500], "median": 500, "mean": 500}
    cell = compare_scores.improvements([np.ones(4), np.ones(3)])[0][1]
    assert cell == {"probability": 0.5, "interval": [0.5, 0.5]}


def test_improvements_mirror_one_another():
    matrix = compare_scores.improvements([np.array([1.0, 2, 5]), np.array([1.0, 3]), np.array([9.0, 9])])
    for i, j in itertools.permutations(range(3), 2):
        assert matrix[i][j]["probability"] + matrix[j][i]["probability"] == pytest.approx(1)
        assert matrix[i][j]["interval"][0] + matrix[j][i]["interval"][1] == pytest.approx(1)
    assert [matrix[i][i] for i in range(3)] == [None] * 3
    assert matrix[2][0] == {"probability": 1.0, "interval": [1.0, 1.0]}


def test_a_profile_is_the_share_of_runs_above():
    scores = np.array([1.0, 2.0, 2.0, 4.0])
    share, low, high = compare_scores.profile(scores, np.array([0.5, 1.0, 2.0, 4.0]))
    assert share.tolist() == [1, 0.75, 0.25, 0]
    assert (low <= share).all() and (share <= high).all()
    assert low[0] == high[0] == 1 and low[3] == high[3] == 0  # above all, above none: in every resample
    assert compare_scores.taus([scores, np.array([-3.0])])[[0, -1]].tolist() == [-3, 4]


def test_the_scale_from_chance_to_rule_has_sense_only_if_the_rule_is_better():
    chance, rule = np.array([2.0, 2.0]), np.array([4.0, 4.0])
    assert compare_scores.normalised(np.array([5.0, 5.0]), chance, rule) == 1.5
    assert compare_scores.normalised(chance, chance, chance) is None


def test_a_threshold_is_reached_when_it_first_is():
    times, fitness = np.array([1.0, 2, 3, 4]), np.array([np.nan, 3, 1, 3])
    assert compare_scores.reached(times, fitness, 3) == 2
    assert compare_scores.reached(times, fitness, 1) == 2
    assert compare_scores.reached(times, fitness, 3.1) == float("inf")


def test_curves_on_a_grid_carry_the_last_mark_and_begin_where_all_have_one():
    rows = pd.DataFrame({"seed": [0, 0, 1, 1], "agent_steps": [10, 30, 20, 59], "fresh_fitness": [1.0, 2, 5, 7]})
    x, values = compare_report.on_grid(rows, "agent_steps")
    assert x[0] == 20 and x[-1] == 59
    for place, pair in zip(x, values, strict=True):
        assert pair.tolist() == [1 if place < 30 else 2, 5 if place < 59 else 7]


# ---------------------------------------------------------------- what a comparison may say


@pytest.mark.parametrize("name", compare_config.names())
def test_built_in_comparisons_put_all_on_equal_terms(name):
    comparison = compare_config.load(name)
    runs = [comparison.experiment(one) for one in comparison.contestants if one.learns]
    features = lambda run: [f for f in tomllib.loads(config.resolved(run))["task"].items() if f[0] != "features"]
    for run in runs:
        assert (run.world, run.params, run.run) == (runs[0].world, runs[0].params, runs[0].run)
        assert features(run) == features(runs[0])
        assert run.run.agent_steps == comparison.terms.agent_steps and run.run.worlds == comparison.terms.seeds
        assert not run.search.until_solved and not run.stop
    assert sum(one.control for one in comparison.contestants) == 1
    assert comparison.terms.description and comparison.terms.seeds >= 10 and comparison.terms.tuning


def test_the_resolved_comparison_is_complete_and_reads_back_equal(tmp_path):
    pretrain = {"search": {"algorithm": "neat"}, "pretrain": {"task": {"length": 3}}, "pretrain_steps": 100}
    comparison = made(contestants={"rule": {"mind": "rule"}, "one": pretrain | {"zero_shot": True}})
    (tmp_path / "compare.toml").write_text(compare_config.resolved(comparison))
    again = compare_config.load(tmp_path / "compare.toml")
    assert again == comparison
    assert "base" in tomllib.loads(compare_config.resolved(again))  # as tables: the built-in one may change
    assert [one.name for one in again.contestants] == ["rule", "one", "random_search"]


def test_the_base_may_be_a_file_beside_the_comparison(tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text('search = {algorithm = "neat"}\ntask = {name = "t_maze", length = 7}\n')
    (tmp_path / "both.toml").write_text('base = "mine.toml"\n[contestants.a]\nmind = "rule"\n')
    monkeypatch.chdir("/")
    told = compare_config.load(tmp_path / "both.toml", ["seeds=4", "set.task.length=9", "contestants.b.mind=random"], 5)
    assert (told.target.task.length, told.target.run.worlds, told.target.run.seed) == (9, 4, 5)
    assert [one.method for one in told.contestants] == ["rule", "random", "random_search"]


ppo = {"search": {"algorithm": "ppo"}}
WRONG = [
    # changes, what the line must name
    ({"seed": -1}, ["seed = -1", "0 to 4294967295"]),
    ({"seeds": 1}, ["seeds = 1", "from 2"]),
    ({"budget": 3}, ["unknown key budget"]),
    ({"agent_step": 3}, ["unknown key agent_step", "did you mean agent_steps?"]),
    ({"base": 3}, ["base = 3", "run config"]),
    ({"base": None}, ["base is missing", "run config"]),
    ({"base": "quickstart", "set": {}}, ["base", "[task]"]),
    ({"base": "no_such"}, ["'no_such'"]),
    ({"contestants": {}}, ["contestants is missing"]),
    ({"contestants": 3}, ["contestants = 3", "table"]),
    ({"contestants": {"a": 3}}, ["contestants.a = 3", "table"]),
    ({"contestants": {"a/b": ppo}}, ['"a/b"', "letters"]),
    ({"contestants": {"Ppo": ppo, "ppo": ppo}}, ["contestants.ppo", "contestants.Ppo", "upper and lower case"]),
    ({"contestants": {"Random_search": ppo}}, ["contestants.random_search", "contestants.Random_search"]),
    ({"contestants": {"a": {"mind": "greedy"}}}, ["contestants.a.mind", '"greedy"', "random, rule"]),
    ({"contestants": {"a": ppo | {"mind": "rule"}}}, ["contestants.a.mind", "stand alone", "contestants.a.search"]),
    ({"contestants": {"a": {"serch": {}}}}, ["contestants.a.serch", "did you mean search?"]),
    ({"contestants": {"a": ppo | {"world": {"width": 64}}}}, ["contestants.a.world.width", "same for all"]),
    ({"contestants": {"a": ppo | {"params": {"mouth": 1.0}}}}, ["contestants.a.params.mouth", "same for all"]),
    ({"contestants": {"a": ppo | {"task": {"length": 3}}}}, ["contestants.a.task.length", "differ"]),
    ({"contestants": {"a": ppo | {"run": {"log_every": 3}}}}, ["contestants.a.run.log_every", "same for all"]),
    ({"contestants": {"a": ppo | {"run": {"agent_steps": 3}}}}, ["run.agent_steps", "decided", "agent_steps"]),
    ({"contestants": {"a": {"search": {"until_solved": True}}}}, ["search.until_solved", "decided for all"]),
    ({"differ": ["search.population"]}, ['differ = ["search.population"]', "[world], [params] or [task]"]),
    ({"set": {"run": {"worlds": 3}}}, ["set.run.worlds", "seeds"]),
    ({"set": {"task": {"lenght": 3}}}, ["task.lenght", "did you mean length?"]),
    ({"contestants": {"a": {"search": {"algorithm": "nead"}}}}, ["contestants.a", '"nead"', "did you mean neat?"]),
    ({"contestants": {"a": ppo | {"ga": {}}}}, ["contestants.a.ga has no effect", '"ppo"']),
    ({"contestants": {"a": ppo | {"pretrain_steps": 5}}}, ["contestants.a.pretrain_steps", "[contestants.a.pretrain]"]),
    ({"contestants": {"a": ppo | {"zero_shot": True}}}, ["contestants.a.zero_shot", "[contestants.a.pretrain]"]),
    ({"contestants": {"a": ppo | {"pretrain": {"ppo": {"clip": 1}}}}}, ["contestants.a.pretrain.ppo.clip", "[world]"]),
    (
        {"contestants": {"a": ppo | {"pretrain_steps": 5, "pretrain": {"task": {"length": 0}}}}},
        ["contestants.a.pretrain", "task.length = 0"],
    ),
    (
        {
            "base": "forage_task",
            "set": {},
            "contestants": {"a": ppo | {"pretrain_steps": 5, "pretrain": {"task": {"features": "hand"}}}},
        },
        ["contestants.a.pretrain", "senses"],
    ),
    ({"contestants": {"random_search": {"search": {"algorithm": "neat"}}}}, ["contestants.random_search"]),
    ({"base": "xor", "set": {}}, ["contestants.random.mind", 'task.name = "xor"', "Gate"]),
]


@pytest.mark.parametrize(("changes", "named"), WRONG, ids=[json.dumps(changes) for changes, _ in WRONG])
def test_what_is_wrong_is_told_in_one_line(changes, named):
    with pytest.raises(UserError) as error:
        named_as = {key: value for key, value in (MAZE | changes).items() if value is not None}
        compare_config.from_table(named_as, "maze", Path())
    line = str(error.value)
    assert "\n" not in line and all(word in line for word in named), line


def test_only_what_is_declared_may_differ():
    told = made(differ=["task.patience"], contestants={"a": ppo | {"task": {"patience": 5}}})
    assert (told.experiment(told.contestants[0]).task.patience, told.target.task.patience) == (5, 2)


LINES = [
    (["compare"], ["CONFIG", "--resume", "--list"]),
    (["compare", "cartpol"], ["'cartpol'", "did you mean cartpole?"]),
    (["compare", "cartpole", "--list"], ["give one of"]),
    (["compare", "--resume", "nowhere"], ["'nowhere'", "compare.toml"]),
    (["compare", "--resume", "nowhere", "--seed", "3"], ["--seed", "CONFIG"]),
    (["compare", "cartpole", "--set", "seeds"], ["'seeds'", "key=value"]),
    (["compare", "cartpole", "--set", "seeds.more=1"], ["seeds is no table"]),
    (["compare", "cartpole", "--set", "sedes=3"], ["sedes", "did you mean seeds?"]),
    (["compare", "cartpole", "--out", "taken"], ["'taken'", "compare.toml", "--resume taken"]),
]


@pytest.mark.parametrize(("line", "named"), LINES, ids=[" ".join(line) for line, _ in LINES])
def test_command_lines_that_are_refused(tmp_path, monkeypatch, capsys, line, named):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/compare.toml").touch()
    assert cli.main(line) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and all(word in err for word in named), err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]


def test_the_built_in_comparisons_are_listed(capsys):
    assert cli.main(["compare", "--list", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == compare_config.names()


# ---------------------------------------------------------------- running


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A comparison that nothing disturbed."""
    path = tmp_path_factory.mktemp("whole")
    compare.begin(made(), path, quiet=True)
    return path


def steady(path: Path) -> tuple[bytes, pd.DataFrame]:
    """What does not depend on the clock: scores, and curves without their seconds."""
    return (path / "scores.csv").read_bytes(), pd.read_csv(path / "curves.csv").drop(columns="wall_seconds")


def test_a_comparison_leaves_scores_curves_results_and_a_report(finished):
    scores, curves = pd.read_csv(finished / "scores.csv"), pd.read_csv(finished / "curves.csv")
    assert scores.columns.tolist() == list(compare.SCORES) and curves.columns.tolist() == list(compare.CURVES)
    assert scores["contestant"].tolist() == ["random"] * 2 + ["rule"] * 2 + ["random_search"] * 2
    assert scores.loc[scores["contestant"] == "rule", "score"].tolist() == [1.0, 1.0]  # the maze is played perfectly
    own = curves[curves["contestant"] == "random_search"]
    found = own.groupby("seed")["fresh_fitness"].max()  # deterministic: the best validated is what is handed in
    assert found.tolist() == scores.loc[scores["contestant"] == "random_search", "score"].tolist()
    assert (own.groupby("seed")["agent_steps"].max() >= 400).all() and (own["wall_seconds"] > 0).all()
    result = json.loads((finished / "results.json").read_text())
    assert [entry["scores"] for entry in result["contestants"]] == [
        scores.loc[scores["contestant"] == entry["name"], "score"].tolist() for entry in result["contestants"]
    ]
    chance, rule, control = result["contestants"]
    assert (chance["normalised"], rule["normalised"]) == (0, 1)
    each = {name: rows.tolist() for name, rows in scores.groupby("contestant")["score"]}
    pairs = itertools.product(each["rule"], each["random_search"])
    wins = np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs])
    assert control["over_control"] is None and rule["over_control"]["probability"] == wins
    assert rule["reached"] is None and control["agent_steps"] == own.groupby("seed")["agent_steps"].max().mean()


def test_the_table_has_the_best_first_and_equals_as_they_were_named(finished):
    entries = json.loads((finished / "results.json").read_text())["contestants"]
    worth = {entry["name"]: entry["iqm"] for entry in entries}
    heads, body = compare_report.rows(json.loads((finished / "results.json").read_text()))
    names = [row[heads.index("contestant")] for row in body]
    assert names == sorted(worth, key=worth.__getitem__, reverse=True) and names != list(worth)
    listed = re.findall(r"<tr><td>(\w+)</td>", (finished / "report.html").read_text())
    assert listed == names * 2  # figures, and each seed


def test_contestants_that_cannot_be_told_apart_come_last():
    told = {"contestants": [{"iqm": value} for value in (1.0, None, 2.0, float("nan"), 2.0)]}
    assert compare_report.ranked(told) == [2, 4, 0, 1, 3]


def test_no_two_contestants_look_the_same():
    looks = compare_plots.looks([str(i) for i in range(48)])
    assert len(set(looks.values())) == 48


def test_a_picture_of_a_finished_comparison_is_a_small_png_of_full_width(finished, tmp_path):
    compare_report.picture(finished, tmp_path / "both.png")
    data = (tmp_path / "both.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n") and struct.unpack(">I", data[16:20]) == (1400,)
    assert len(data) < 150_000
    with pytest.raises(UserError, match=r"no results\.json"):
        compare_report.picture(tmp_path, tmp_path / "none.png")


def test_the_report_needs_nothing_else_and_names_all(finished):
    text = (finished / "report.html").read_text()
    page = Loads()
    page.feed(text)
    assert page.fetched == [] and len(page.pictures) == 4
    for name in ("random", "rule", "random_search", "a maze of two cells", "400 agent-steps"):
        assert name in text
    assert all(f'id="{plot}"' in text for plot in ("scores", "curves", "profiles", "improvement"))


class Killed(BaseException):
    """What `kill -9` is to a test: nothing more is written."""


def dies_at(monkeypatch, number) -> list[str]:
    """Lets the process die at the write of the whole file `number` (from 0); returns names of those written."""
    written: list[str] = []
    whole = files.write_whole

    def write(path, data):
        if len(written) >= number:
            raise Killed
        written.append(path.name)
        whole(path, data)

    monkeypatch.setattr(files, "write_whole", write)
    return written


def test_killed_at_a_write_of_any_kind_it_goes_on_to_the_same_scores(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(compare_report, "render", lambda *_: "")
    monkeypatch.setattr(runfolder, "_hold", lambda path: -1)  # the system lets go of what a dead process held
    by_hand = {mind: compare.scripted(made(), mind) for mind in ("random", "rule")}
    monkeypatch.setattr(compare, "scripted", lambda comparison, mind: by_hand[mind])  # compiled once
    wanted, curves = steady(finished)
    with monkeypatch.context() as patch:
        written = dies_at(patch, 10**6)
        compare.begin(made(), files.folder(tmp_path / "all"), quiet=True)
    assert written[0] == "compare.toml" and written[-1] == "report.html" and written.count("scores.csv") == 3
    kinds = [re.sub(r"\d+", "", name) for name in written]
    for number in sorted({max(i for i, k in enumerate(kinds) if k == kind) for kind in kinds[1:]}):
        path = files.folder(tmp_path / str(number))
        with monkeypatch.context() as patch, pytest.raises(Killed):
            dies_at(patch, number)
            compare.begin(made(), path, quiet=True)
        compare.go_on(path, quiet=True)
        scores, marks = steady(path)
        assert scores == wanted, f"killed at {written[number]}"
        pd.testing.assert_frame_equal(marks, curves)


def test_what_is_finished_is_not_run_again(finished, monkeypatch):
    refuse = lambda *_, **__: pytest.fail("ran again")
    for name in ("run", "resume"):
        monkeypatch.setattr(loop, name, refuse)
    monkeypatch.setattr(compare, "recalled", refuse)
    monkeypatch.setattr(compare, "scripted", refuse)
    before = steady(finished)
    assert compare.go_on(finished, quiet=True)["status"] == "done"
    after = steady(finished)
    assert after[0] == before[0] and after[1].equals(before[1])


DAMAGE = {"a word": "much", "nothing": "", "not a number": "nan", "no end": "inf"}


@pytest.mark.parametrize("value", DAMAGE.values(), ids=list(DAMAGE))
def test_who_has_damaged_scores_is_tested_again(finished, tmp_path, value):
    whole = compare._read_scores(finished / "scores.csv", made())
    assert list(whole) == ["random", "rule", "random_search"]
    lines = (finished / "scores.csv").read_text().splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("rule,"))
    (tmp_path / "scores.csv").write_text("\n".join([*lines[:last], f"rule,1,{value}", *lines[last + 1 :], ""]))
    known = compare._read_scores(tmp_path / "scores.csv", made())
    assert list(known) == ["random", "random_search"]
    assert all((known[name] == whole[name]).all() for name in known)
    (tmp_path / "scores.csv").write_text("\n".join([*lines[:last], lines[last - 1], *lines[last + 1 :], ""]))
    assert "rule" not in compare._read_scores(tmp_path / "scores.csv", made()), "one seed is there twice"


def test_a_comparison_that_was_changed_is_not_gone_on_with(finished, tmp_path):
    path = tmp_path / "changed"
    shutil.copytree(finished, path)
    text = (finished / compare.RESOLVED).read_text()
    for edit in (("population = 8", "population = 9"), ("episodes = 100", "episodes = 101")):
        assert edit[0] in text
        (path / compare.RESOLVED).write_text(text.replace(*edit))
        with pytest.raises(UserError, match=r"compare\.toml was changed.*change it back, or .*firstword compare \S+$"):
            compare.go_on(path, quiet=True)
    assert steady(path)[0] == steady(finished)[0]
    (path / compare.PROVENANCE).write_text("{}")
    with pytest.raises(UserError, match=r"provenance\.json is damaged; remove it and scores\.csv"):
        compare.go_on(path, quiet=True)
    (path / compare.PROVENANCE).unlink()
    with pytest.raises(UserError, match=r"no provenance\.json .*remove scores\.csv"):
        compare.go_on(path, quiet=True)
    (path / "scores.csv").unlink()  # nothing is left to be trusted but the runs, which know what they are
    (path / compare.RESOLVED).write_text(text.replace("population = 8", "population = 9"))
    with pytest.raises(UserError, match=r"random_search.*is not what compare\.toml says"):
        compare.go_on(path, quiet=True)


def test_taught_elsewhere_a_search_begins_with_what_it_learned_there(tmp_path):
    """What solved the maze before solves it at once; what may learn no more scores as it does there."""
    there = {"search": {"algorithm": "random_search"}, "pretrain": {"task": {"patience": 3}}, "pretrain_steps": 400}
    contestants = {"shot": there | {"zero_shot": True}, "tuned": there}
    compare.begin(made(contestants=contestants, agent_steps=60, points=1), tmp_path, quiet=True)
    scores = pd.read_csv(tmp_path / "scores.csv").groupby("contestant")["score"]
    school = pd.read_csv(tmp_path / "shot/pretraining/metrics.csv").groupby("world")["record"].max()
    assert scores.get_group("shot").tolist() == school.tolist()  # a longer patience changes no deterministic walk
    first = pd.read_csv(tmp_path / "tuned/metrics.csv").groupby("world")["best_fitness"].first()
    assert (first >= school).all()
    assert [entry.name for entry in (tmp_path / "shot").iterdir()] == ["pretraining"]
    result = json.loads((tmp_path / "results.json").read_text())
    costs = {entry["name"]: entry for entry in result["contestants"]}
    for name, entry in costs.items():
        before = tmp_path / name / "pretraining"
        if before.is_dir():
            clock = pd.read_csv(before / "timing.csv").iloc[-1]
            spent = clock["wall_seconds"] - clock["compile_seconds"] - clock["validation_seconds"]
            lived = pd.read_csv(before / "metrics.csv").groupby("world")["agent_steps"].last().mean()
            assert entry["pretrain_seconds"] == pytest.approx(spent, abs=1e-3) and spent > 0
            assert entry["pretrain_steps"] == lived >= 400
        else:
            assert (entry["pretrain_seconds"], entry["pretrain_steps"]) == (0, 0)
    assert (costs["shot"]["agent_steps"], costs["shot"]["wall_seconds"]) == (0, 0) and costs["tuned"][
        "agent_steps"
    ] >= 60
    heads, body = compare_report.rows(result)
    seconds = {row[0]: row[heads.index("seconds")] for row in body}
    assert seconds["shot"].startswith("0 + ") and " + " in seconds["tuned"] and "+" not in seconds["random_search"]
    assert "tuned: trained in another world before" in (tmp_path / "report.html").read_text()


def test_taught_elsewhere_a_hosted_search_begins_with_the_populations_of_neat_python():
    contestants = {"own": {"search": {"algorithm": "neat_python"}}}
    here, there = (made(contestants=contestants, seed=seed) for seed in (0, 1))
    target = here.experiment(here.contestants[0])
    kind = loop.kind_of(target)
    mine, other = kind.start(target), kind.start(there.experiment(there.contestants[0]))
    began = mine.taught(other)
    again = kind.resumed(target, 0, began.arrays(), began.meta())
    links = lambda search: [
        [(g.key, [(c.key, c.weight) for c in g.connections.values()]) for g in host.genomes.values()]
        for host in search.hosts
    ]
    assert links(again) == links(began) == links(other) != links(mine)
    assert [host.generator for host in again.hosts] == [host.generator for host in other.hosts]


@pytest.mark.slow
def test_killed_from_outside_again_and_again_it_ends_with_the_same_scores(finished, tmp_path):
    (tmp_path / "maze.toml").write_text(compare_config.resolved(made()))
    command = [sys.executable, "-m", "experiments", "compare", "--quiet"]
    begin = [*command, str(tmp_path / "maze.toml"), "--out", str(tmp_path / "out")]
    for seconds in (4.0, 6.0, 8.0, 10.0, 12.0):
        again = [*command, "--resume", str(tmp_path / "out")]
        with contextlib.suppress(subprocess.TimeoutExpired):  # on a timeout `run` kills with SIGKILL
            subprocess.run(again if (tmp_path / "out/compare.toml").exists() else begin, timeout=seconds, cwd=ROOT)
    subprocess.run([*command, "--resume", str(tmp_path / "out")], check=True, cwd=ROOT)
    scores, marks = steady(tmp_path / "out")
    assert scores == steady(finished)[0]
    pd.testing.assert_frame_equal(marks, steady(finished)[1])
