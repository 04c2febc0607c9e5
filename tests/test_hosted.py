"""neat-python itself in the run loop: fitness is that of its own networks, runs resume to the byte, nothing leaks."""

import json
import random
import re
import shutil
from dataclasses import replace

import neat
import numpy as np
import pytest

from evolution.neat_python import freeze
from experiments import checkpoint, cli, config, loop
from experiments.hosted import HostedSearch
from tests.test_ini import XOR, changed

WILD = changed(
    node_add_prob="0.6",
    compatibility_threshold="2.2",
    max_stagnation="3",
    elitism="1",
    initial_connection="unconnected",
)
"""Genomes outgrow the first arrays, species come and end."""


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "config-feedforward"
    path.write_text(WILD)
    overrides = ["task.name=xor", "search.algorithm=neat_python", "search.population=24", "search.until_solved=false"]
    rhythm = ["run.worlds=2", "run.generations=14", "run.log_every=1", "run.checkpoint_every=5"]
    return config.load(path, [*overrides, *rhythm, "run.keep_checkpoints=20", "search.population=24"])


@pytest.fixture(scope="module")
def whole(experiment, tmp_path_factory):
    """The run, undisturbed."""
    path = tmp_path_factory.mktemp("whole") / "run"
    loop.run(experiment, path, quiet=True)
    return path


def rows(path, table="metrics.csv"):
    return (path / table).read_bytes()


def test_fitness_is_that_of_neat_pythons_own_networks(experiment):
    search = HostedSearch.start(experiment)
    own = search.algorithm.config()
    cases = [(a, b) for a in (0.0, 1.0) for b in (0.0, 1.0)]
    sizes = []
    for tick in range(1, 11):
        expected = []
        for host in search.hosts:
            nets = [neat.nn.FeedForwardNetwork.create(one, own) for one in host.genomes.values()]
            errors = [sum(abs(net.activate(case)[0] - (case[0] != case[1])) for case in cases) for net in nets]
            expected.append([(4 - error) ** 2 for error in errors])
        kinds = [{kind.key: len(kind.members) for kind in host.species} for host in search.hosts]
        links = [[sum(c.enabled for c in g.connections.values()) for g in h.genomes.values()] for h in search.hosts]
        search.advance(tick)
        got, species = search.rows()
        for world in range(2):
            assert got[world]["mean_fitness"] == pytest.approx(np.mean(expected[world]), rel=1e-5)
            assert got[world]["best_fitness"] == pytest.approx(max(expected[world]), rel=1e-5)
            assert got[world]["mean_connections"] == pytest.approx(np.mean(links[world]))
            assert (got[world]["species"], got[world]["threshold"]) == (len(kinds[world]), pytest.approx(2.2))
            assert got[world]["evaluations"] == 24 * tick and got[world]["crowded"] == 0
            assert {row[2]: row[3] for row in species if row[1] == world} == kinds[world]
        sizes.append(search.algorithm.brain.hidden)
    assert len(set(kinds[0])) > 1, "there was but one species"
    assert sizes == sorted(sizes)


def test_checkpoints_resume_to_the_byte(experiment, whole, tmp_path):
    assert checkpoint.ticks(whole / "checkpoints") == [0, 5, 10, 14]
    for stop in (0, 5, 10):
        path = tmp_path / f"from-{stop}"
        shutil.copytree(whole, path)
        for tick in (5, 10, 14):
            if tick > stop:
                checkpoint.remove(path / "checkpoints", tick)
        random.seed(stop)
        loop.resume(path, quiet=True)
        for name in ("metrics.csv", "species.csv", "genomes/best-0.json", "genomes/best-1.json"):
            assert rows(path, name) == rows(whole, name), (stop, name)
        for saved in (whole / "checkpoints").iterdir():
            assert (path / "checkpoints" / saved.name).read_bytes() == saved.read_bytes(), (stop, saved.name)


def test_saving_often_and_what_others_draw_change_nothing(experiment, whole, tmp_path):
    often = replace(experiment, run=replace(experiment.run, checkpoint_every=1))
    random.seed(99)
    before = random.getstate()
    loop.run(often, tmp_path / "often", quiet=True)
    assert random.getstate() == before
    for name in ("metrics.csv", "species.csv"):
        assert rows(tmp_path / "often", name) == rows(whole, name)


def test_nothing_is_pickled(whole):
    arrays, meta = checkpoint.load(whole / "checkpoints", 14)
    assert {array.dtype.name for array in arrays.values()} <= set(checkpoint.DTYPES)
    assert json.loads(json.dumps(meta)) == meta and len(meta["hosts"]) == 2


def test_the_run_folder_is_like_any_other(whole):
    summary = json.loads((whole / "summary.json").read_text())
    assert (summary["algorithm"], summary["task"], summary["runs"]) == ("neat_python", "xor", 2)
    assert [result["evaluations"] for result in summary["results"] if not result["solved"]] in ([], [336], [336, 336])
    again = config.load(whole / "config.toml")
    assert again.search.ini == WILD and config.resolved(again) == (whole / "config.toml").read_text()


def test_worlds_are_runs_of_their_own(experiment):
    """World 1 of two is what it is in any number of worlds."""
    three = HostedSearch.start(replace(experiment, run=replace(experiment.run, worlds=3)))
    two = HostedSearch.start(experiment)
    frozen = [freeze(host)[0]["genes.bias"].tolist() for host in (*two.hosts, *three.hosts)]
    assert frozen[:2] == frozen[2:4] and frozen[0] != frozen[1]


def test_a_finished_run_rests(experiment, tmp_path):
    """With until_solved a solved replicate breeds no more, and the rest go on as before."""
    ending = replace(experiment, task=config.task_table.read({"name": "or"}))
    ending = replace(ending, search=replace(ending.search, until_solved=True, ini=XOR))
    search = HostedSearch.start(ending)
    while not search.finished.any():
        search.advance(search.tick + 1)
    done = int(np.argmax(search.finished))
    at = [host.generation for host in search.hosts]
    solved = search.solved.copy()
    search.advance(search.tick + 1)
    assert search.hosts[done].generation == at[done] and search.solved[done] == solved[done]
    for world in np.flatnonzero(solved == 0):
        assert search.hosts[world].generation == at[world] + 1


def test_where_neat_python_gives_up_the_run_says_so(experiment, tmp_path, capsys):
    """Its counts of offspring do not add up when many species share a small population."""
    crowded = changed(node_add_prob="0.6", compatibility_threshold="1.2", initial_connection="unconnected")
    path = tmp_path / "crowded.toml"
    path.write_text(config.resolved(replace(experiment, search=replace(experiment.search, ini=crowded))))
    assert cli.main(["run", str(path), "--out", str(tmp_path / "run"), "--quiet"]) == 1
    told = capsys.readouterr().err
    assert re.match(r"firstword: error: neat-python gave up in generation \d+, world \d: .*; saved up to tick", told), (
        told
    )
    assert told.count("\n") == 1


def test_our_own_tables_make_neat_pythons_config():
    overrides = ["search.algorithm=neat_python", "mutation.add_node=0.07", "neat.threshold=2.5", "neat.survival=0.3"]
    search = HostedSearch.start(config.load("xor", [*overrides, "search.population=10"]))
    own = search.algorithm.config()
    assert (own.genome_config.node_add_prob, own.genome_config.feed_forward) == (0.07, True)
    assert own.species_set_config.compatibility_threshold == 2.5
    assert own.reproduction_config.survival_threshold == 0.3
    assert len(search.hosts[0].genomes) == 10
