"""Run folders written by hand, whose rates, medians and family trees are known, against what analysis tells of them."""

import base64
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import experiments
from experiments import analyse, ancestry, report
from experiments.errors import UserError
from viz import panels, plots, series, streams

GENES = ("size", "speed", "diet", "hue", "clutch", "birth_energy", "breed_at", "mutation", "lifespan")
CAUSES = ("starved", "bitten", "poisoned", "aged")
BIRTHS = (
    "world",
    "uid",
    "mother",
    "father",
    "tick",
    "generation",
    "kind",
    "connections",
    "hidden",
    "size",
    "diet",
    "hue",
)
DEATHS = (
    *("world", "uid", "tick", "cause", "age", "offspring", "generation"),
    *("eaten_plant", "eaten_meat", "species"),
)
# uid, mother, father, tick, generation. The line of 7: 7, 5 (its father, deeper than its mother 3), 4, 2, 0.
FAMILY = ((0, -1, -1, 0, 0), (1, -1, -1, 0, 0), (2, 0, -1, 100, 1), (3, 1, -1, 150, 1), (4, 2, 3, 200, 2))
FAMILY += ((5, 4, -1, 300, 3), (6, 1, -1, 350, 1), (7, 3, 5, 400, 4), (8, 5, -1, 390, 4), (9, 7, -1, 410, 5))


def metrics(population, every=100, world=0, **columns) -> pd.DataFrame:
    """A metrics table in which every column exists; state columns are constant unless given."""
    n = len(population)
    tick = np.arange(n) * every
    table = pd.DataFrame({"tick": tick, "world": world, "population": population})
    counters = ["births", "refused_births", *(f"deaths_{cause}" for cause in CAUSES), "refounded"]
    counters += ["plant_eaten", "meat_eaten", "prey_eaten", "poison_eaten", "light_in", "heat_out"]
    for name in [*counters, "bites", "given", "signal"]:
        table[name] = 0
    table["agent_ticks"] = np.r_[0, np.cumsum(np.asarray(population)[:-1] * every)]
    states = ["plants", "meat", "poison", "mean_energy", "mean_health", "mean_age", "max_age", "mean_generation"]
    states += ["max_generation", "mean_offspring", "median_connections", "median_hidden", "max_connections", "sd_diet"]
    for name in [*states, *(f"mean_{gene}" for gene in GENES), "mean_intake", "species", "largest_species"]:
        table[name] = 1.0
    for i in range(10):
        table[f"diet_{i}"] = np.asarray(population) if i == 1 else 0
    table["carnivore_share"] = 0.0
    return table.assign(**columns)


def write(folder: Path, table: pd.DataFrame, family=FAMILY, dead=(9,), seed=0, status="done") -> Path:
    """A run folder as `firstword run` leaves it."""
    (folder / "lineage").mkdir(parents=True)
    table.to_csv(folder / "metrics.csv", index=False)
    rows = table[["tick", "world", "population"]].rename(columns={"population": "members"})
    rows.insert(2, "species", 0)
    rows.to_csv(folder / "species.csv", index=False)
    births = [(0, u, m, f, t, g, 0, 10 + g, g, 1.0, 0.25, 0.5) for u, m, f, t, g in family]
    half = len(births) // 2
    for part, some in enumerate((births[half:], births[:half])):
        pd.DataFrame(some, columns=BIRTHS).to_parquet(folder / f"lineage/births-{part}.parquet")
    deaths = [(0, uid, 450, "starved", 40, 0, 5, 1.0, 0.0, 0) for uid in dead]
    pd.DataFrame(deaths, columns=DEATHS).to_parquet(folder / "lineage/deaths-0.parquet")
    (folder / "config.toml").write_text(f'name = "toy"\ndescription = "by hand"\n\n[run]\nseed = {seed}\n')
    (folder / "provenance.json").write_text(json.dumps({"status": status, "seed": seed}))
    (folder / "summary.json").write_text(json.dumps({"status": status, "population": 3}))
    return folder


@pytest.fixture
def folder(tmp_path) -> Path:
    table = metrics([10, 20, 30, 40, 25, 5], births=[0, 10, 30, 60, 60, 61], deaths_starved=[0, 0, 5, 9, 20, 40])
    return write(
        tmp_path / "run", table.assign(plant_eaten=[0, 100, 300, 600, 1000, 1250], meat_eaten=np.arange(6) * 50)
    )


def test_importing_the_package_does_not_load_pandas():
    code = (
        "import sys, experiments as e; assert 'pandas' not in sys.modules; e.load_run; assert 'pandas' in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_frames_hold_what_was_written(folder):
    run = experiments.load_run(str(folder))
    assert (run.name, run.seed, run.status, run.notes) == ("toy", 0, "done", ())
    assert run.metrics["population"].tolist() == [10, 20, 30, 40, 25, 5]
    assert run.births["uid"].tolist() == list(range(10))  # parts joined and put in order
    assert run.deaths[["uid", "cause"]].to_numpy().tolist() == [[9, "starved"]]
    assert run.species.columns.tolist() == ["tick", "world", "species", "members"]
    assert run.config["run"]["seed"] == 0 and run.summary["population"] == 3
    with pytest.raises(AttributeError):
        run.name = "other"


def test_a_torn_last_line_is_left_out_and_told(folder):
    with open(folder / "metrics.csv", "a") as file:
        file.write("600,0,1")
    run = experiments.load_run(folder)
    assert run.metrics["tick"].tolist() == [0, 100, 200, 300, 400, 500]
    assert run.metrics["population"].iloc[-1] == 5
    assert any("metrics.csv" in note for note in run.notes)


def test_a_run_that_has_just_begun_can_be_loaded_but_not_analysed(tmp_path):
    (tmp_path / "config.toml").write_text('name = "young"\n')
    run = experiments.load_run(tmp_path)
    assert run.metrics.empty and run.births.empty and run.status == "unknown"
    assert complaint(lambda: analyse.analyse([tmp_path])).endswith("wait for its first log interval")
    assert not (tmp_path / "report").exists()


def test_a_run_without_lineage_or_with_a_damaged_part_is_analysed(folder):
    (folder / "lineage/births-1.parquet").write_bytes(b"PAR1 and then the disk was full")
    run = experiments.load_run(folder)
    assert len(run.births) == 5 and any("births-1.parquet is damaged" in note for note in run.notes)
    for part in (folder / "lineage").iterdir():
        part.unlink()
    result = analyse.analyse([folder])
    assert result["runs"][0]["figures"]["lineage_depth"] is None
    assert "deepest lineage" not in Path(result["report"]).read_text()


def complaint(call) -> str:
    with pytest.raises(UserError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_what_is_no_run_is_refused_in_one_line_that_names_it(folder, tmp_path):
    assert "'nowhere'" in complaint(lambda: experiments.load_run("nowhere"))
    assert "did you mean run?" in complaint(lambda: experiments.load_run(tmp_path / "runn"))
    assert "is a file" in complaint(lambda: experiments.load_run(folder / "metrics.csv"))
    assert "runs inside it: run" in complaint(lambda: experiments.load_run(tmp_path))
    assert "given twice" in complaint(lambda: analyse.analyse([folder, tmp_path / "." / "run"]))
    assert "no run given" in complaint(lambda: analyse.analyse([]))
    assert "is a file" in complaint(lambda: analyse.analyse([folder], folder / "metrics.csv"))
    (folder / "metrics.csv").write_text("a,b\n1,2\n")
    assert "no column 'world'" in complaint(lambda: experiments.load_run(folder))
    (folder / "metrics.csv").write_bytes(b"tick,world,population\n\xff\xfe\n")
    assert "metrics.csv" in complaint(lambda: experiments.load_run(folder))


def test_rates_are_the_differences_of_counters(folder):
    run = experiments.load_run(folder)
    per_tick = series.rates(run.metrics, ["births", "deaths_starved"])
    assert per_tick["tick"].tolist() == [100, 200, 300, 400, 500]
    np.testing.assert_allclose(per_tick["births"], [0.1, 0.2, 0.3, 0, 0.01])
    np.testing.assert_allclose(per_tick["deaths_starved"], [0, 0.05, 0.04, 0.11, 0.2])
    each = series.rates(run.metrics, ["plant_eaten"], per="agent_ticks")
    np.testing.assert_allclose(each["plant_eaten"], [100 / 1000, 200 / 2000, 300 / 3000, 400 / 4000, 250 / 2500])


def test_rates_stay_exact_in_bins_and_do_not_mix_worlds():
    tick = np.arange(1001)
    worlds = [metrics(np.full(1001, 5), every=10, world=w, births=tick * (w + 1)) for w in (0, 1, 2)]
    ends, values = series.rate_bands(pd.concat(worlds), ["births"], points=50)
    assert len(ends) <= 51
    np.testing.assert_allclose(values["births"][1], 0.2)
    np.testing.assert_allclose(values["births"][0], 0.12)  # 10 % quantile of 0.1, 0.2, 0.3
    np.testing.assert_allclose(values["births"][2], 0.28)


def test_histories_that_end_early_count_up_to_their_end():
    long, short = metrics([4] * 11), metrics([8] * 6)
    ticks, values = series.bands(pd.concat([long.assign(run=1), short.assign(run=2)]), ["population"])
    assert ticks.tolist() == list(range(0, 1001, 100))
    assert values["population"][1].tolist() == [6.0] * 6 + [4.0] * 5


def test_runs_with_other_log_intervals_share_one_grid():
    fine, coarse = metrics(np.arange(101), every=10), metrics(np.full(11, 20), every=100)
    ticks, values = series.bands(pd.concat([fine.assign(run=1), coarse.assign(run=2)]), ["population"])
    assert ticks.tolist() == list(range(0, 1001, 100))
    assert values["population"][1][3] == (np.arange(21, 31).mean() + 20) / 2


def test_the_deepest_line_goes_over_the_deeper_parents(folder):
    run = experiments.load_run(folder)
    line = ancestry.deepest_line(run.births, run.deaths)
    assert line["uid"].tolist() == [0, 2, 4, 5, 7]  # 9 is deeper but dead; 7 was born after 8
    assert line["generation"].tolist() == [0, 1, 2, 3, 4]
    everybody_dead = pd.DataFrame({"world": 0, "uid": range(10)})
    assert ancestry.deepest_line(run.births, everybody_dead)["uid"].tolist() == [0, 2, 4, 5, 7, 9]
    without_2 = run.births[run.births["uid"] != 2]
    assert ancestry.line(without_2, 0, 7)["uid"].tolist() == [1, 3, 4, 5, 7]
    assert ancestry.deepest_line(run.births.iloc[:0], run.deaths).empty


def test_lines_do_not_cross_worlds(folder):
    run = experiments.load_run(folder)
    twin = run.births.assign(world=1, mother=-1, father=-1, generation=0)
    both = pd.concat([run.births, twin])
    assert ancestry.deepest(both, run.deaths) == (0, 7)
    assert len(ancestry.line(both, 1, 7)) == 1


def key_figures(*paths) -> dict:
    return analyse.key_figures(analyse.load_runs(paths))


def test_key_figures_of_one_run(folder):
    figures = key_figures(folder)["runs"][0]["figures"]
    expected = {
        **{"ticks": 500, "population": 5, "population_min": 5, "population_max": 40, "births": 61},
        **{"deaths": 40, "deaths_starved": 40, "deaths_bitten": 0, "lineage_depth": 4},
        **{"meat_share": 250 / 1500, "mean_intake": 1, "carnivore_share": 0},
    }
    assert {name: figures[name] for name in expected} == expected


def test_extremes_leave_out_the_first_tenth(tmp_path):
    table = metrics([900, 800, *range(20, 39)])
    figures = key_figures(write(tmp_path / "a", table))["runs"][0]["figures"]
    assert (figures["population_min"], figures["population_max"]) == (20, 38)


def test_medians_over_runs_and_over_worlds(tmp_path):
    one = write(tmp_path / "a", metrics([5, 10]), seed=1)
    two = write(tmp_path / "b", pd.concat([metrics([5, 20]), metrics([5, 40], world=1)]), seed=2)
    extinct = metrics([5, 0]).assign(mean_intake=[0.5, None])
    result = analyse.analyse([one, two, write(tmp_path / "c", extinct, seed=3, status="extinct")])
    assert [entry["figures"]["population"] for entry in result["runs"]] == [10, 30, 0]
    assert [world["population"] for world in result["runs"][1]["worlds"]] == [20, 40]
    assert result["median"]["population"] == 10
    assert result["median"]["mean_intake"] == 1  # over those that have one
    assert result["runs"][2]["figures"]["mean_intake"] is None and result["runs"][2]["status"] == "extinct"
    assert result["report"] == str(tmp_path.resolve() / "report/report.html")
    json.dumps(result, allow_nan=False)


class Loads(HTMLParser):
    """Collects what a browser would fetch, and the pictures."""

    def __init__(self):
        super().__init__()
        self.fetched, self.pictures = [], {}

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        for name in ("src", "href", "srcset", "data", "action"):
            value = attrs.get(name) or ""
            if value and not value.startswith(("#", "data:")):
                self.fetched.append(value)
        assert tag not in ("script", "link", "iframe", "object")
        if tag == "img":
            self.pictures[attrs["alt"]] = attrs["src"]


def test_the_report_is_one_file_that_loads_nothing_and_has_all_plots(folder, tmp_path):
    html = Path(analyse.analyse([folder], tmp_path / "out")["report"]).read_text()
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out/report.html"]
    page = Loads()
    page.feed(html)
    assert page.fetched == [] and "://" not in html and "@import" not in html
    expected = [
        "Population",
        "Births and deaths by cause",
        "Intake by source",
        "Ages",
        "Genome size",
        "Species",
        "Diet",
    ]
    rest = ["Grazers and hunters", "Energy", "Bites, gifts, voice", "Body genes", "The deepest lineage"]
    assert list(page.pictures) == [*expected, *rest]
    for uri in page.pictures.values():
        svg = base64.b64decode(uri.removeprefix("data:image/svg+xml;base64,")).decode()
        assert svg.rstrip().endswith("</svg>")
        assert not re.search(r'href="(?!#|data:)', svg)
    for word in ("toy", "by hand", "done", "creature 7", "61"):
        assert word in html


def test_the_same_run_gives_the_same_report_and_markup_in_names_stays_text(folder):
    (folder / "config.toml").write_text('name = "a<b>[red]"\n')
    first = analyse.analyse([folder])
    html = Path(first["report"]).read_text()
    assert Path(analyse.analyse([folder])["report"]).read_text() == html
    assert "a&lt;b&gt;" in html and "a<b>" not in html
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(analyse.table(first))
    assert "a<b>[red]" in console.export_text()


def test_the_table_shows_every_run_or_their_spread(folder, tmp_path):
    runs = [write(tmp_path / f"r{n}", metrics([1, 10 * n]), seed=n) for n in range(1, 8)]
    few, many = key_figures(*runs[:3]), key_figures(*runs)
    heads, body = analyse.rows(few)
    assert heads == ["seed 1", "seed 2", "seed 3", "median"]
    assert ["population at the end", "10", "20", "30", "20", "creatures"] in body
    heads, body = analyse.rows(many)
    assert heads == ["least", "median", "most"]
    assert ["population at the end", "10", "40", "70", "creatures"] in body
    assert all(len(row) == len(heads) + 2 for row in body)


@pytest.mark.parametrize("population", [[7], [7, 0], [0, 0, 0]])
def test_a_report_of_very_little_or_of_an_extinct_world_can_be_drawn(tmp_path, population):
    empty = [None if not n else 1.0 for n in population]
    table = metrics(population).assign(mean_energy=empty, mean_diet=empty, largest_species=empty)
    run = write(tmp_path / "run", table, family=FAMILY[:2], dead=(0, 1))
    assert Path(analyse.analyse([run])["report"]).stat().st_size > 10_000


def test_a_cause_has_one_colour_in_all_plots(folder):
    run = experiments.load_run(folder)
    rates = plots.births_and_deaths(run.metrics).axes[0]
    colour = next(line.get_color() for line in rates.lines if line.get_label() == "starved")
    ages = plots.ages(run.metrics, run.deaths).axes[1]
    bar = ages.patches[0].get_facecolor()
    assert colour == panels.CAUSES["starved"]
    np.testing.assert_allclose(bar[:3], [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def test_every_plot_names_its_axes(folder):
    run = experiments.load_run(folder)
    chain = ancestry.deepest_line(run.births, run.deaths)
    figures = [plots.population(run.metrics), plots.births_and_deaths(run.metrics), plots.intake(run.metrics)]
    figures += [plots.ages(run.metrics, run.deaths), plots.genome_size(run.metrics, run.births), plots.lineage(chain)]
    figures += [streams.species(run.metrics, run.species), plots.energy(run.metrics), plots.acts(run.metrics)]
    for ax in [ax for figure in figures for ax in figure.axes]:
        assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title(loc="left")


def test_all_runs_are_joined_with_their_number(folder, tmp_path):
    other = write(tmp_path / "other", metrics([1, 2]), seed=5)
    frame = report.joined(analyse.load_runs([folder, other]), "metrics")
    assert frame.groupby("run").size().to_dict() == {1: 6, 2: 2}


def test_the_docs_define_every_column():
    page = (Path(__file__).parents[1] / "docs/metrics.md").read_text()
    known = set(re.findall(r"`([a-z_0-9]+)`", page)) | {f"diet_{i}" for i in range(10)}
    lineage = pytest.importorskip("experiments.lineage")
    written = {*lineage.BIRTHS, *lineage.DEATHS, "members", "species"}
    written |= set(pytest.importorskip("experiments.metrics").COLUMNS)
    assert written <= known, f"docs/metrics.md lacks {sorted(written - known)}"
