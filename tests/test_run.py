"""Runs in folders: cadence, kills, interrupts, damage and full disks change no byte of what a run tells."""

import csv
import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from experiments import checkpoint, cli, config, files, loop
from experiments.config import StopRule
from tests.tiny import LETHAL, TINY, assert_same_books, books, tiny

ROOT = Path(__file__).parents[1]
QUIET = {"quiet": True}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The tiny run, undisturbed."""
    path = tmp_path_factory.mktemp("whole") / "run"
    loop.run(TINY, path, **QUIET)
    return path


@pytest.fixture
def written(tmp_path):
    """The tiny experiment as a config file."""
    path = tmp_path / "tiny.toml"
    path.write_text(config.resolved(TINY))
    return str(path)


def lines(path, table="metrics.csv"):
    """Lines of a table by tick (and species)."""
    header, *rows = (path / table).read_text().splitlines()
    keyed = [(int(row.split(",")[0]), row) for row in rows]
    assert [tick for tick, _ in keyed] == sorted(tick for tick, _ in keyed)
    return header, keyed


def ledger(path, kind):
    """All lineage rows of a kind."""
    parts = [pq.read_table(part).to_pylist() for part in (path / "lineage").glob(f"{kind}-*.parquet")]
    return sorted((row for part in parts for row in part), key=lambda row: (row["tick"], row["uid"]))


def status(path):
    return json.loads((path / "provenance.json").read_text())["status"]


def test_same_seed_same_bytes_other_seed_other_life(whole, tmp_path):
    loop.run(TINY, tmp_path / "again", **QUIET)
    assert_same_books(whole, tmp_path / "again")
    loop.run(tiny(seed=2, ticks=40), tmp_path / "other", **QUIET)
    (_, mine), (_, other) = lines(whole), lines(tmp_path / "other")
    assert mine[0] != other[0] and mine[2] != other[2]


@pytest.mark.parametrize(
    "cadence",
    [
        {"log_every": 7, "checkpoint_every": 13},
        {"log_every": 50, "checkpoint_every": 1000, "sample_genomes": 0},
        {"log_every": 20, "checkpoint_every": 13, "lineage": False},
    ],
    ids=str,
)
def test_cadence_changes_no_history(cadence, whole, tmp_path):
    loop.run(tiny(**cadence), tmp_path, **QUIET)
    for table in ("metrics.csv", "species.csv"):
        (header, rows), (other_header, other_rows) = lines(whole, table), lines(tmp_path, table)
        common = {tick for tick, _ in rows} & {tick for tick, _ in other_rows}
        assert header == other_header and {0, 100, 200} <= common | {100}
        assert [row for row in rows if row[0] in common] == [row for row in other_rows if row[0] in common]
    assert [tick for tick, _ in lines(tmp_path)[1]] == [*range(0, 200, cadence["log_every"]), 200]
    for kind in ("births", "deaths"):
        assert ledger(tmp_path, kind) == (ledger(whole, kind) if cadence.get("lineage", True) else [])


class Dying:
    """The module `os` for `experiments.files`, of which the calls that write fail from the n-th on."""

    def __init__(self, calls, error):
        self.left, self.error = calls, error

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in ("write", "fsync", "replace"):
            return real

        def call(*args):
            self.left -= 1
            if self.left < 0:
                raise self.error
            return real(*args)

        return call


class Crash(BaseException):
    """Nothing catches it."""


@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_dies_at_random_writes_resumes_to_the_same_bytes(seed, whole, tmp_path, monkeypatch):
    luck, path = random.Random(seed), tmp_path / "run"
    crashes = 0
    while crashes < 12 and (crashes == 0 or status(path) != "done"):
        monkeypatch.setattr(files, "os", Dying(luck.randrange(8, 90), Crash()))
        try:
            loop.resume(path, **QUIET) if crashes else loop.run(TINY, path, **QUIET)
        except Crash:
            crashes += 1
    monkeypatch.undo()
    assert crashes >= 2
    loop.resume(path, **QUIET)
    assert_same_books(whole, path)


@pytest.mark.parametrize("calls", [9, 30, 77, 120])
def test_full_disk_is_told_and_nothing_saved_is_lost(calls, whole, written, tmp_path, monkeypatch, capsys):
    path = tmp_path / "run"
    monkeypatch.setattr(files, "os", Dying(calls, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    assert cli.main(["run", written, "--out", str(path), "--quiet"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "No space left on device" in error and str(path) in error
    monkeypatch.undo()
    saved = checkpoint.finished(path / "checkpoints")
    if saved:
        assert f"saved up to tick {saved[-1]}" in error and "run --resume" in error
        checkpoint.load(path / "checkpoints", saved[-1])
    assert cli.main(["run", "--resume", str(path), "--quiet"]) == 0
    assert_same_books(whole, path)


def interrupt(monkeypatch, after):
    """Presses Ctrl-C in the stretch that ends at the first row from tick `after` on."""
    log = loop.Session._log

    def pressed(session):
        log(session)
        if session.sim.tick >= after:
            monkeypatch.undo()
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(loop.Session, "_log", pressed)


@pytest.mark.parametrize("tick", [0, 60, 80, 200])
def test_interrupt_saves_exits_130_and_resumes_to_the_same_bytes(tick, whole, written, tmp_path, monkeypatch, capsys):
    path = tmp_path / "run"
    interrupt(monkeypatch, tick)
    code = cli.main(["run", written, "--out", str(path), "--quiet"])
    if tick < 200:
        assert code == 130 and status(path) == "interrupted"
        assert f"saved up to tick {tick} " in capsys.readouterr().err
        assert json.loads((path / "summary.json").read_text())["status"] == "interrupted"
        with open(path / "metrics.csv") as file:
            population = int(list(csv.DictReader(file))[-1]["population"])
        assert len(ledger(path, "births")) - len(ledger(path, "deaths")) == population
    else:
        assert code == 0
    assert cli.main(["run", "--resume", str(path), "--quiet"]) == 0 and status(path) == "done"
    assert_same_books(whole, path)


def test_resuming_a_finished_run_changes_nothing(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    loop.resume(tmp_path / "run", **QUIET)
    assert_same_books(whole, tmp_path / "run")


@pytest.mark.parametrize("damage", ["truncated", "altered", "all"])
def test_damaged_checkpoints_are_passed_over_and_told(damage, whole, written, tmp_path, monkeypatch, capsys):
    path = tmp_path / "run"
    interrupt(monkeypatch, 140)
    cli.main(["run", written, "--out", str(path), "--quiet"])
    capsys.readouterr()
    found = sorted((path / "checkpoints").glob("*.safetensors"))
    for file in found if damage == "all" else found[-1:]:
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data[:-9] if damage == "truncated" else data)
    assert cli.main(["run", "--resume", str(path), "--quiet"]) == 0
    error = capsys.readouterr().err
    assert error.count("passed over") == (len(found) if damage == "all" else 1) and found[-1].name in error
    assert_same_books(whole, path)


def test_unwritable_folders_are_refused(written, tmp_path, capsys):
    places = ["/proc/nowhere"]
    if os.geteuid():
        (tmp_path / "shut").mkdir(mode=0o555)
        places += [str(tmp_path / "shut"), str(tmp_path / "shut/inside")]
    for place in places:
        assert cli.main(["run", written, "--out", place]) == 2
        error = capsys.readouterr().err
        assert place in error and error.count("\n") == 1


def test_extinction_ends_a_run_once(tmp_path):
    doomed = replace(tiny(checkpoint_every=4, log_every=3), params=LETHAL)
    summary = loop.run(doomed, tmp_path / "run", **QUIET)
    assert summary["status"] == status(tmp_path / "run") == "extinct" and summary["population"] == 0
    rows = [tick for tick, _ in lines(tmp_path / "run")[1]]
    assert rows[-1] == summary["ticks"] < 200 and len(set(rows)) == len(rows)
    assert len(ledger(tmp_path / "run", "deaths")) == TINY.world.founders
    before = books(tmp_path / "run")
    assert loop.resume(tmp_path / "run", **QUIET)["status"] == "extinct"
    assert books(tmp_path / "run") == before
    loop.run(replace(doomed, run=replace(doomed.run, log_every=4)), tmp_path / "other", **QUIET)
    ends = [lines(tmp_path / name)[1][-1] for name in ("run", "other")]
    assert ends[0] == ends[1]


def test_extinct_runs_exit_0(tmp_path, capsys):
    (tmp_path / "doomed.toml").write_text(config.resolved(replace(TINY, params=LETHAL)))
    assert cli.main(["run", str(tmp_path / "doomed.toml"), "--out", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "extinct"


def stopping_tick(path, metric, low, intervals):
    """The first tick at which the metric of a run has been above `low` for so many rows."""
    held = 0
    with open(path / "metrics.csv") as file:
        for row in csv.DictReader(file):
            held = held + 1 if row[metric] and float(row[metric]) > low else 0
            if held == intervals:
                return int(row["tick"])
    return 200


@pytest.mark.parametrize("intervals", [1, 2, 3])
def test_a_run_stops_when_a_metric_held_long_enough(intervals, whole, tmp_path, monkeypatch):
    with open(whole / "metrics.csv") as file:
        energies = sorted(float(row["mean_energy"]) for row in csv.DictReader(file))
    middle = energies[len(energies) // 2]
    rule = StopRule(metric="mean_energy", above=middle, intervals=intervals)
    never = StopRule(metric="population", below=0.0, intervals=1)
    interrupt(monkeypatch, 20)  # what has been counted is resumed too
    loop.run(replace(TINY, stop=(never, rule)), tmp_path, **QUIET)
    summary = loop.resume(tmp_path, **QUIET)
    assert summary["status"] == "done" and summary["ticks"] == stopping_tick(whole, "mean_energy", middle, intervals)


def test_a_run_stops_below_a_value_and_at_its_time(tmp_path, monkeypatch):
    rule = StopRule(metric="plants", below=1e6, intervals=4)
    assert loop.run(replace(tiny(), stop=(rule,)), tmp_path / "rule", **QUIET)["ticks"] == 60
    monkeypatch.setattr(loop.Session, "wall", property(lambda session: float(session.sim.tick)))
    summary = loop.run(tiny(wall_seconds=50.0), tmp_path / "wall", **QUIET)
    assert summary["status"] == "done" and summary["ticks"] == 60


def killed(words, path, luck):
    """Starts a run and kills it at a random moment; False if it came to its end first."""
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments", "run", *words],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    if luck.random() < 0.25:  # somewhere in its start
        time.sleep(luck.uniform(0, 4))
    else:
        saved = (checkpoint.finished(path / "checkpoints") or [-1])[-1]
        if saved >= 0:
            process.stderr.readline()  # it has resumed
        target, pause = saved + luck.randrange(70), luck.uniform(0, 0.05)
        while process.poll() is None and last_tick(path) < target:
            time.sleep(0.001)
        time.sleep(pause)
    process.kill()
    process.stderr.close()
    return process.wait() != 0


def last_tick(path):
    try:
        row = (path / "metrics.csv").read_bytes().rsplit(b"\n", 2)[-2]
    except (OSError, IndexError):
        return -1
    return int(row.split(b",")[0]) if row[:1].isdigit() else -1


@pytest.mark.parametrize("times", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_kill_9_and_resume_write_the_same_bytes(times, whole, written, tmp_path):
    path, luck, kills = tmp_path / "run", random.Random(times), 0
    fresh = [written, "--out", str(path)]
    while kills < times:
        if killed(["--resume", str(path)] if (path / "config.toml").exists() else fresh, path, luck):
            kills += 1
        else:  # it got to its end: once more from the start
            assert_same_books(whole, path)
            shutil.rmtree(path)
    assert cli.main(["run", *(["--resume", str(path)] if (path / "config.toml").exists() else fresh)]) == 0
    assert_same_books(whole, path)


def test_a_run_without_a_checkpoint_starts_over_and_says_so(whole, tmp_path, capsys):
    path = tmp_path / "run"
    shutil.copytree(whole, path)
    shutil.rmtree(path / "checkpoints")
    loop.resume(path, **QUIET)
    assert "no usable checkpoint" in capsys.readouterr().err
    assert_same_books(whole, path)


def test_a_run_goes_on_for_longer_but_not_as_another(whole, tmp_path, capsys):
    path = tmp_path / "run"
    shutil.copytree(whole, path)
    text = (path / "config.toml").read_text()
    for old, new in (("seed = ", "seed = 9"), ("mouth = ", "mouth = 0.7")):
        line = next(line for line in text.splitlines() if line.startswith(old))
        (path / "config.toml").write_text(text.replace(line, new))
        assert cli.main(["run", "--resume", str(path)]) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1 and f".{old.strip(' =')} = " in told and "change it back" in told
    assert_same_books(whole, path)
    longer = TINY.run.ticks + 20
    (path / "config.toml").write_text(text.replace(f"ticks = {TINY.run.ticks}", f"ticks = {longer}"))
    assert loop.resume(path, **QUIET)["ticks"] == longer


def test_searches_log_every_generation_unless_they_say_otherwise():
    mine = {"search": {"algorithm": "neat"}, "task": {"name": "or"}, "brain": {"dynamics": "feedforward"}}
    assert (config.from_table(mine).run.log_every, config.from_table(mine).run.checkpoint_every) == (1, 50)
    given = config.from_table({**mine, "run": {"log_every": 7}}).run
    assert (given.log_every, given.checkpoint_every) == (7, 50)
    assert (config.Experiment().run.log_every, config.Experiment().run.checkpoint_every) == (100, 5000)


def test_rows_between_log_intervals_do_not_count_for_stop_rules(tmp_path):
    rule = StopRule(metric="solved", above=-1.0, intervals=2)
    few = ["search.algorithm=ga", "search.population=20", "search.until_solved=false"]
    experiment = replace(config.load("or", [*few, "run.log_every=7", "run.generations=30"]), stop=(rule,))
    summary = loop.run(experiment, tmp_path / "run", **QUIET)
    generations = [number for number, _ in lines(tmp_path / "run")[1]]
    assert summary["generations"] == 14 and any(number % 7 for number in generations), "solved between intervals"
