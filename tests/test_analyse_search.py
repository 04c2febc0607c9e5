"""Analysis of searches, against histories written by hand, published figures and brute force."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import experiments
from experiments import analyse, config, loop, outcomes, search_groups
from experiments.errors import UserError
from experiments.metrics import SEARCH_COLUMNS
from tests.test_analyse import Loads, complaint, metrics, write
from viz import graphs, layers, search_plots, search_series

POPULATION = 10
STATES = ("best_fitness", "mean_fitness", "median_fitness", "sd_fitness")


def history(world, length, solved=None, every=1, **columns) -> pd.DataFrame:
    """Rows of one run whose best fitness is its generation; it ends when solved."""
    last = solved or length
    generation = np.unique([*range(every, last + 1, every), last])
    table = pd.DataFrame(dict.fromkeys(SEARCH_COLUMNS), index=range(len(generation)))
    table["generation"], table["world"] = generation, world
    table["evaluations"] = generation * POPULATION
    for name in (*STATES, "record"):
        table[name] = generation.astype(float)
    for name in ("best", "mean", "max"):
        table[f"{name}_connections"], table[f"{name}_hidden"] = generation + 2, generation // 2
    table["species"], table["largest_species"], table["threshold"] = 2, 0.5, 3.0
    table["solved"] = 0 if solved is None else (generation == solved).astype(int)
    return table.assign(**columns)


def genome(world=0, solved=True, fitness=9.0) -> dict:
    nodes = [{"id": 2, "bias": 0.5, "activation": "sigmoid"}, {"id": 1 << 30, "bias": -1.0, "activation": "tanh"}]
    ends = [(0, 1 << 30, 2.0), (1, 1 << 30, -2.0), (1 << 30, 2, 3.0), (2, 1 << 30, 1.0), (0, 2, 0.5)]
    connections = [
        {"innovation": i, "source": s, "target": t, "weight": w, "rate": 0.0, "enabled": i < 4}
        for i, (s, t, w) in enumerate(ends)
    ]
    document = {"format": "firstword genome 1", "inputs": ["in0", "in1"], "outputs": ["out0"]}
    document |= {"nodes": nodes, "connections": connections, "world": world, "solved": solved, "fitness": fitness}
    return document


def folder(path: Path, table: pd.DataFrame, algorithm="neat", seed=0, status="done", task="xor") -> Path:
    """A run folder as `firstword run` leaves it after a search."""
    (path / "genomes").mkdir(parents=True)
    table.to_csv(path / "metrics.csv", index=False)
    streams = [
        table[["generation", "world"]].assign(species=name, members=members)
        for name, members in ((0, 7), (1, 3))
        if algorithm == "neat"
    ]
    empty = pd.DataFrame(columns=["generation", "world", "species", "members"])
    pd.concat(streams or [empty]).to_csv(path / "species.csv", index=False)
    results = [
        {**row, "world": int(row["world"]), "solved": bool(row["solved"]), "hidden": 2, "connections": 5}
        for row in search_series.ends(table).to_dict("records")
    ]
    (path / "summary.json").write_text(json.dumps({"status": status, "results": results}))
    (path / "provenance.json").write_text(json.dumps({"status": status, "seed": seed}))
    (path / "config.toml").write_text(
        f'name = "toy"\n[search]\nalgorithm = "{algorithm}"\npopulation = {POPULATION}\n'
        f'[task]\nname = "{task}"\n[run]\nseed = {seed}\n'
    )
    for result in results:
        document = genome(result["world"], result["solved"], 9.0 + result["world"])
        (path / f"genomes/best-{result['world']}.json").write_text(json.dumps(document))
    return path


@pytest.fixture
def table() -> pd.DataFrame:
    """Four runs: solved in generations 3, 6 and 8, and one unsolved at 10."""
    return pd.concat([history(w, 10, solved) for w, solved in enumerate((3, 6, 8, None))], ignore_index=True)


def test_ends_of_runs_are_their_solutions_or_their_last_rows(table):
    ends = search_series.ends(table.sample(frac=1, random_state=0))
    assert ends["evaluations"].tolist() == [30, 60, 80, 100]
    assert ends["solved"].tolist() == [True, True, True, False]
    beyond = pd.concat([table, history(0, 10).assign(solved=1)[3:]])  # world 0 went on after its solution
    assert search_series.ends(beyond)["evaluations"].tolist() == [30, 60, 80, 100]


def test_curves_end_where_the_first_unsolved_run_ended(table):
    assert search_series.horizon(table) == 100
    both = pd.concat([table.assign(run=1), history(0, 5).assign(run=2)])
    assert search_series.horizon(both) == 50 and search_series.grid(both)[-1] == 50
    solved = table[table["world"] < 3]
    assert search_series.horizon(solved) == 80
    assert search_series.reach(solved, 500) == 500 and search_series.reach(table, 500) == 100


def test_the_best_so_far_of_a_solved_run_stays_and_its_population_leaves(table):
    x = search_series.grid(table)
    assert x.tolist() == list(range(10, 101, 10))
    lasting = search_series.values(table, "record", x, lasting=True)
    expected = np.minimum.outer(np.arange(1, 11), [3, 6, 8, 10])
    np.testing.assert_array_equal(lasting, expected)
    np.testing.assert_array_equal(search_series.quartiles(table, "record", x, True)[1], np.median(expected, axis=1))
    left = search_series.values(table, "mean_fitness", x)
    np.testing.assert_array_equal(left.notna().sum(axis=1), search_series.searching(table, x))
    assert search_series.searching(table, x).tolist() == [4, 4, 4, 3, 3, 3, 2, 2, 1, 1]
    assert search_series.quartiles(table, "mean_fitness", x)[1][-1] == 10


def test_values_between_logged_rows_are_the_last_logged():
    sparse = pd.concat([history(0, 20, every=5), history(1, 20, solved=7, every=5)])
    x = np.array([50.0, 60.0, 70.0, 100.0])
    assert search_series.values(sparse, "record", x, True).to_numpy().T.tolist() == [[5, 5, 5, 10], [5, 5, 7, 7]]


def test_a_generation_in_which_all_failed_has_no_fitness(table):
    table.loc[0, "median_fitness"] = -1e30
    assert np.isnan(search_series.values(table, "median_fitness", np.array([10.0])).iloc[0, 0])


def test_success_counts_the_solved_and_has_the_exact_interval(table):
    x, (low, rate, high) = search_series.success(table)
    assert x.tolist() == [0, 30, 60, 80, 100] and rate.tolist() == [0, 0.25, 0.5, 0.75, 0.75]
    for k, ends in enumerate(zip(low, high, strict=True)):
        n, k = 4, min(k, 3)
        expected = [stats.beta.ppf(0.025, k, n - k + 1) if k else 0, stats.beta.ppf(0.975, k + 1, n - k)]
        np.testing.assert_allclose(ends, expected, rtol=1e-9)
    np.testing.assert_allclose(search_series.share(8, 10), (0.4439, 0.8, 0.9748), atol=5e-5)  # tables of 1934


def test_the_typical_run_is_the_median_of_the_solved(table):
    assert search_series.typical(table) == (1,)
    assert search_series.typical(table[table["world"] == 3]) == (3,)


def test_figures_are_those_of_numpy(table, tmp_path):
    run = experiments.load_run(folder(tmp_path / "a", table))
    found = outcomes.figures(outcomes.outcomes(run))
    won = np.array([30, 60, 80])
    expected = {"runs": 4, "solved": 3, "success_rate": 0.75, "evaluations_mean": won.mean()}
    expected |= {"evaluations_sd": won.std(ddof=1), "evaluations_median": 60, "evaluations_total": 270}
    expected |= {"evaluations_per_solution": 90, "generations_mean": 17 / 3, "hidden_nodes_mean": 2}
    expected |= {"connections_mean": 5, "generalisation_mean": None, "best_fitness_median": 7}
    assert {name: found[name] for name in expected} == expected
    assert found["evaluations_mean_interval"] is None, "three values are too few"


def test_minds_are_compared_by_their_best_on_fresh_episodes(table, tmp_path):
    tried = table.assign(fresh_fitness=np.nan)
    for world, values in enumerate(([4.0, 1.0], [-1e30, 7.0], [5.0, -1e30])):  # the last world lived none
        tried.loc[tried.index[tried["world"] == world][:2], "fresh_fitness"] = values
    runs = [folder(tmp_path / name, rows) for name, rows in (("tried", tried), ("not", table))]
    found, none = (outcomes.outcomes(experiments.load_run(run)) for run in runs)
    np.testing.assert_array_equal(found["fresh_fitness"], [4, 7, 5, np.nan])
    assert outcomes.figures(found)["fresh_fitness_median"] == 5
    assert outcomes.figures(none)["fresh_fitness_median"] is None
    old = experiments.load_run(folder(tmp_path / "old", table.drop(columns="fresh_fitness")))
    assert outcomes.outcomes(old)["fresh_fitness"].isna().all()
    _, body = search_groups.rows(analyse.key_figures(analyse.load_runs(runs[:1])))
    assert ["best on fresh episodes, median", "5"] in body
    _, body = search_groups.rows(analyse.key_figures(analyse.load_runs(runs[1:])))
    assert "best on fresh episodes, median" not in [row[0] for row in body]


def test_intervals_cover_what_they_should():
    """Of 300 samples of an exponential distribution, about 95 % of the intervals hold its median and mean."""
    samples = np.random.default_rng(0).exponential(size=(300, 20))
    medians = [outcomes.median_interval(sample) for sample in samples]
    assert np.mean([low <= np.log(2) <= high for low, high in medians]) >= 0.94
    means = [outcomes.mean_interval(sample) for sample in samples[:60]]
    assert np.mean([low <= 1 <= high for low, high in means]) >= 0.85
    assert outcomes.median_interval(samples[0, :5]) is None and outcomes.mean_interval(np.ones(9)) is None


def test_the_log_rank_test_gives_the_published_figure():
    """Remissions of Freireich et al. (1963), as in Cox (1972): chi² = 16.79, p = 4.17e-5."""
    treated = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    ended = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    one = pd.DataFrame({"evaluations": treated, "solved": np.array(ended, bool)})
    other = pd.DataFrame({"evaluations": placebo, "solved": True})
    assert outcomes.log_rank(one, other) == pytest.approx(4.17e-5, rel=0.01)
    assert outcomes.log_rank(one, one) == pytest.approx(1)
    assert outcomes.log_rank(one.assign(solved=False), other.assign(solved=False)) is None


def test_runs_of_one_search_are_pooled_unless_they_have_one_seed(table, tmp_path):
    runs = [folder(tmp_path / "a", table, seed=1), folder(tmp_path / "b", table, seed=2)]
    runs += [folder(tmp_path / "c", table, "ga", seed=1), folder(tmp_path / "d", table, seed=1)]
    result = analyse.key_figures(analyse.load_runs(runs))
    assert [(g["label"], g["figures"]["runs"]) for g in result["groups"]] == [("a", 8), ("c", 4), ("d", 4)]
    result = analyse.key_figures(analyse.load_runs(runs[:3]))
    assert [g["label"] for g in result["groups"]] == ["neat", "ga"]
    assert [(pair["a"], pair["b"]) for pair in result["comparisons"]] == [("neat", "ga")]
    other = folder(tmp_path / "e", table, "ga", task="and")
    result = analyse.key_figures(analyse.load_runs([runs[0], runs[2], other]))
    assert [g["label"] for g in result["groups"]] == ["xor, neat", "xor, ga", "and, ga"]
    assert len(result["comparisons"]) == 1, "tasks are not compared"


def test_a_search_that_goes_on_can_be_analysed(table, tmp_path):
    """A torn line, a summary that is older than the last solutions, and no genomes."""
    run = folder(tmp_path / "a", table, status="running")
    (run / "summary.json").write_text(
        json.dumps({"results": [{"world": 0, "solved": True, "generation": 3, "hidden": 1}]})
    )
    with open(run / "metrics.csv", "a") as file:
        file.write("11,3,11")
    for path in (run / "genomes").iterdir():
        path.write_text("{")
    result = analyse.analyse([run])
    entry = result["runs"][0]
    assert entry["figures"]["solved"] == 3 and entry["figures"]["hidden_nodes_mean"] == 1
    assert any("metrics.csv" in note for note in entry["notes"])
    assert any(note.startswith("2 solutions are newer") for note in entry["notes"])
    html = Path(result["report"]).read_text()
    assert "Champion" not in html and "best-0.json is damaged" in html


def test_what_cannot_be_analysed_is_refused_in_one_line(table, tmp_path):
    run = folder(tmp_path / "a", table)
    world = write(tmp_path / "w", metrics([5, 10]))
    message = complaint(lambda: analyse.analyse([run, world]))
    assert "a' is a search" in message and "w' a world" in message and "separately" in message
    young = folder(tmp_path / "b", table.iloc[:0])
    assert "no rows in metrics.csv yet" in complaint(lambda: analyse.analyse([young]))
    table.drop(columns="record").to_csv(run / "metrics.csv", index=False)
    assert "no column 'record'" in complaint(lambda: analyse.analyse([run]))
    with pytest.raises(UserError):
        analyse.load_runs([run])


def test_the_report_has_all_plots_and_loads_nothing(table, tmp_path):
    grown = ["Success rate", "Fitness", "Complexity", "Species", "Champion"]
    one, two = folder(tmp_path / "a", table), folder(tmp_path / "b", table, "ga")
    for paths, expected in (
        ([one], grown),
        ([one, two], [grown[0], "Best fitness compared", *grown[1:4], "Champions"]),
    ):
        html = Path(analyse.analyse(paths, tmp_path / "out")["report"]).read_text()
        page = Loads()
        page.feed(html)
        assert page.fetched == [] and "://" not in html
        assert list(page.pictures) == expected
        for uri in page.pictures.values():
            assert base64.b64decode(uri.removeprefix("data:image/svg+xml;base64,")).rstrip().endswith(b"</svg>")
        assert html == Path(analyse.analyse(paths, tmp_path / "out")["report"]).read_text()


@pytest.mark.parametrize("solved", [None, 1])
def test_a_report_of_one_generation_can_be_drawn(tmp_path, solved):
    poor = dict.fromkeys(STATES, -1e30) if solved is None else {}
    run = folder(tmp_path / "a", history(0, 1, solved, **poor))
    assert Path(analyse.analyse([run])["report"]).stat().st_size > 10_000


def test_the_table_has_a_column_or_for_many_a_row_for_each_group(table, tmp_path):
    runs = [folder(tmp_path / f"r{i}", table) for i in range(5)]
    few, many = (analyse.key_figures(analyse.load_runs(paths)) for paths in (runs[:2], runs))
    heads, body = search_groups.rows(few)
    assert heads == ["r0", "r1"] and ["solved", "3", "3"] in body
    assert analyse.table(few).row_count == len(body) and analyse.table(many).row_count == 5


def test_every_plot_names_its_axes_and_shows_the_numbers(table):
    frame = pd.concat([table.assign(group="a", run=1), table.assign(group="b", run=2)])
    rows = table[["generation", "world"]].assign(species=0, members=10, run=1)
    figures = [search_plots.fitness(frame), search_plots.success(frame), search_plots.comparison(frame)]
    for ax in [
        ax
        for figure in [*figures, search_plots.complexity(frame), search_plots.species(frame, rows)]
        for ax in figure.axes
    ]:
        assert ax.get_xlabel() or "runs left" in {other.get_ylabel() for other in ax.figure.axes}
        assert ax.get_ylabel() or ax.get_title(loc="left") == "Evaluations of each run"
    best = figures[0].axes[0].lines[0]
    assert best.get_label() == "best so far"
    np.testing.assert_array_equal(
        best.get_ydata(), np.median(np.minimum.outer(np.arange(1, 11), [3, 6, 8, 10]), axis=1)
    )
    assert search_plots.comparison(table) is None
    still = table.assign(mean_connections=6.0, max_connections=6, mean_hidden=2.0, max_hidden=2)
    assert search_plots.complexity(still) is None


def documents(edges, hidden):
    ids = [2, *range(100, 100 + hidden)]
    connections = [{"source": s, "target": t, "weight": 1.0, "enabled": True} for s, t in edges]
    return {"inputs": ["a", "b"], "outputs": ["o"], "nodes": [{"id": i} for i in ids], "connections": connections}


@given(st.data())
def test_forward_connections_run_to_the_right_and_the_rest_close_cycles(data):
    hidden = data.draw(st.integers(0, 5))
    targets = [2, *range(100, 100 + hidden)]
    pair = st.tuples(st.sampled_from([0, 1, *targets]), st.sampled_from(targets))
    net = layers.graph(documents(data.draw(st.sets(pair, max_size=20)), hidden))
    plan = layers.layout(net)
    assert len(set(plan.places.values())) == len(plan.places) == 3 + hidden
    outputs = {source for source, *_ in net.forward} & set(net.outputs)
    for source, target, _ in net.forward:
        xs = [x for x, _ in plan.routes[source, target]]
        assert outputs or xs == sorted(set(xs))
    reach = {node: {t for s, t, _ in net.forward if s == node} for node in plan.places}
    for middle in reach:
        for node in reach:
            if middle in reach[node]:
                reach[node] |= reach[middle]
    assert all(node not in ends for node, ends in reach.items()), "forward connections have no cycle"
    for source, target, _ in net.recurrent:
        assert source == target or source in reach[target]


def test_a_graph_shows_functions_weights_and_what_is_disabled():
    ax = graphs.networks([genome()], ["champion"], disabled=True).axes[0]
    told = {text.get_text() for text in ax.texts}
    assert {"in0", "in1", "out0\nsigmoid\nbias 0.5", "tanh\nbias -1", "2", "-2", "3"} <= told
    net = layers.graph(genome())
    assert [edge[:2] for edge in net.recurrent] == [(2, 1 << 30)] and [edge[:2] for edge in net.disabled] == [(0, 2)]
    assert len(ax.patches) == 5 and len(graphs.networks([genome()], [""]).axes[0].patches) == 4


def test_the_analysis_of_a_real_run_agrees_with_its_summary(tmp_path):
    """OR by a genetic algorithm: what is counted from metrics.csv is what the run itself counted."""
    wanted = ["search.algorithm=ga", "search.population=20", "run.worlds=4", "run.generations=40", "run.log_every=7"]
    summary = loop.run(config.load("or", wanted, 3), tmp_path / "or", quiet=True)
    result = analyse.key_figures(analyse.load_runs([tmp_path / "or"]))
    found = result["groups"][0]["figures"]
    names = ("runs", "solved", "evaluations_mean", "evaluations_sd", "generations_mean", "hidden_nodes_mean")
    assert summary["solved"] > 0
    assert {name: found[name] for name in names} == pytest.approx({name: summary[name] for name in names})
    for world, told in zip(result["runs"][0]["worlds"], summary["results"], strict=True):
        assert (world["solved"], world["evaluations"]) == (told["solved"], told["evaluations"])
    assert set(summary) - {"results"} <= defined(), "docs/metrics.md lacks a key of summary.json"
    assert set(summary["results"][0]) <= defined()


def defined() -> set[str]:
    page = (Path(__file__).parents[1] / "docs/metrics.md").read_text()
    return set(re.findall(r"`([a-z_0-9]+)`", page))


def test_the_docs_define_every_column_and_figure_of_searches(table, tmp_path):
    run = experiments.load_run(folder(tmp_path / "a", table))
    told = {*SEARCH_COLUMNS, "members", *outcomes.figures(outcomes.outcomes(run))}
    assert told <= defined(), f"docs/metrics.md lacks {sorted(told - defined())}"
