"""The command line: exit codes, one telling line on stderr, and nothing created before the input is right."""

import errno
import json
import os
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

import experiments
from experiments import checkpoint, cli, config, runfolder
from experiments.errors import RunError, UserError

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stand_in(monkeypatch, name, **functions):
    """Puts functions in place of a module that would compile worlds."""
    module = types.SimpleNamespace(**functions)
    monkeypatch.setitem(sys.modules, f"experiments.{name}", module)
    monkeypatch.setattr(experiments, name, module, raising=False)


def refused(capsys, *words, code=2):
    """Runs a command line that must fail; returns its single line."""
    assert cli.main(list(words)) == code
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("firstword: ") and err.count("\n") == 1 and err.endswith("\n")
    assert "Traceback" not in err
    return err


def a_run(path="runs/old", *overrides):
    """A run folder as it is before its first tick."""
    run = runfolder.create(Path(path), config.load("quickstart", overrides))
    run.close()
    return str(path)


WRONG = [
    # command line, what the line must name
    ([], ["run quickstart", "--help"]),
    (["rnu"], ["'rnu'", "did you mean run?"]),
    (["run"], ["CONFIG", "--resume"]),
    (["run", "quikstart"], ["'quikstart'", "did you mean quickstart?"]),
    (["run", "nowhere.toml"], ["'nowhere.toml'", "no such file"]),
    (["run", "."], ["'.'", "folder"]),
    (["run", "quickstart", "--sed", "3"], ["'--sed'", "did you mean --seed?"]),
    (["run", "quickstart", "--seed", "-3"], ["--seed", "'-3'", "0 to 4294967295"]),
    (["run", "quickstart", "--seed", "x"], ["--seed", "'x'"]),
    (["run", "quickstart", "--seed"], ["--seed", "expected one argument"]),
    (["run", "quickstart", "--set", "world.widht=3"], ["world.widht", "did you mean world.width?"]),
    (["run", "quickstart", "--set", "world.width=3"], ["world.width = 3", "16 to 4096"]),
    (["run", "quickstart", "--set", "nonsense"], ["'nonsense'", "key=value"]),
    (["run", "quickstart", "--set", "run.ticks=1\n2"], ["run.ticks"]),
    (["run", "quickstart", "--out", "file"], ["'file' is a file"]),
    (["run", "quickstart", "--out", "file/inside"], ["'file/inside'", "Not a directory"]),
    (["run", "quickstart", "--out", ""], ["--out"]),
    (["run", "quickstart", "--out", "x" * 300], ["--out", "File name too long"]),
    (["run", "quickstart", "extra"], ["'extra'"]),
    (["run", "quickstart", "--resume", "runs/x"], ["not both"]),
    (["run", "--resume", "runs/x"], ["'runs/x'", "no such folder"]),
    (["run", "--resume", "file"], ["'file'", "is a file"]),
    (["run", "--resume", "."], ["'.'", "no config.toml"]),
    (["analyse"], ["RUN"]),
    (["analyse", "runs/x"], ["'runs/x'", "no such folder"]),
    (["analyse", ".", "--out", ""], ["--out"]),
    (["watch", "predatrs"], ["'predatrs'", "did you mean predators?"]),
    (["watch", "."], ["'.'", "not a run folder"]),
    (["watch", "quickstart", "--set", "x=1"], ["unknown key x"]),
    (["configs", "--key"], ["'--key'", "did you mean --keys?"]),
    (["assay"], ["ASSAY"]),
    (["assay", "gardn"], ["'gardn'", "did you mean garden?"]),
    (["assay", "garden", "."], ["--against"]),
    (["assay", "garden", ".", "--against", "founders"], ["'.'", "not a run folder"]),
    (["assay", "garden", ".", "--against", "founders", "--ticks", "0"], ["--ticks", "'0'"]),
    (["assay", "garden", ".", "--against", "greedy", "--bodies", "ownn"], ["'ownn'", "did you mean own?"]),
    (["assay", "blindfold", "runs/x"], ["'runs/x'", "no such folder"]),
    (["bench", "world", "--agents", "many"], ["--agents", "'many'"]),
    (["bench", "wolrd"], ["'wolrd'", "did you mean world?"]),
]


@pytest.mark.parametrize(("words", "told"), WRONG, ids=[" ".join(words)[:40] for words, _ in WRONG])
def test_wrong_input_is_told_in_one_line_and_creates_nothing(words, told, capsys, here):
    (here / "file").write_text("")
    message = refused(capsys, *words)
    for word in told:
        assert word in message
    assert [p.name for p in here.iterdir()] == ["file"]


def test_options_that_cannot_go_with_resume(capsys):
    path = a_run()
    before = sorted(p.name for p in Path(path).iterdir())
    for option in (["--seed", "1"], ["--set", "run.ticks=5"], ["--out", "x"]):
        assert f"{option[0]} cannot go with --resume" in refused(capsys, "run", "--resume", path, *option)
    assert sorted(p.name for p in Path(path).iterdir()) == before
    assert "replayed" in refused(capsys, "watch", path, "--seed", "1")


def test_rivals_are_checked_before_the_assay(capsys):
    blind = a_run("runs/blind", 'world.senses=["self"]')
    message = refused(capsys, "assay", "garden", blind, "--against", "greedy")
    assert "greedy" in message and "retina and touch" in message
    message = refused(capsys, "assay", "garden", blind, "--against", "foundrs")
    assert "'foundrs'" in message and "did you mean founders?" in message


def test_searches_have_no_world_to_watch_or_assay(capsys):
    path = "runs/search"
    runfolder.create(Path(path), config.load("xor")).close()
    for words in (["watch", "xor"], ["watch", path], ["assay", "blindfold", path]):
        message = refused(capsys, *words)
        assert f"'{words[-1]}' is a search by neat" in message and "analyse" in message
        assert "--minds" not in message  # there is no world for minds that solve XOR
    assert "search by neat" in refused(capsys, "assay", "garden", a_run(), "--against", path)
    learned = "runs/a learner"
    runfolder.create(Path(learned), config.load("forage_task", ["search.algorithm=ppo", "task.mode=own"])).close()
    for words in (["watch"], ["assay", "blindfold"], ["assay", "garden", "--against", "founders"]):
        message = refused(capsys, *words, learned)
        assert "search by ppo" in message and "firstword watch CONFIG --minds 'runs/a learner' greedy" in message
        assert "firstword assay arena CONFIG --minds 'runs/a learner' greedy" in message
    assert "--minds RUN greedy" in refused(capsys, "watch", "forage_task")


def test_a_folder_that_holds_a_run_is_not_overwritten(capsys):
    path = a_run()
    message = refused(capsys, "run", "quickstart", "--out", path)
    assert f"'{path}' already holds a run" in message and f"firstword run --resume {path}" in message


def test_run_hands_over_the_checked_config_and_prints_the_summary(monkeypatch, capsys):
    seen = []

    def run(experiment, folder, *, quiet):
        seen.append((experiment, folder, quiet))
        return {"status": "done", "ticks": 10, "loss": float("nan")}

    stand_in(monkeypatch, "loop", cache=lambda: None, run=run)
    assert cli.main(["run", "quickstart", "--seed", "5", "--set", "run.ticks=10", "--json"]) == 0
    experiment, folder, quiet = seen[0]
    assert experiment == config.load("quickstart", ["run.ticks=10"], 5) and quiet
    assert folder == Path("runs/quickstart-seed5") and folder.is_dir()
    out, err = capsys.readouterr()
    assert json.loads(out) == {"folder": str(folder), "status": "done", "ticks": 10, "loss": None} and err == ""
    assert cli.main(["run", "quickstart", "--seed", "5"]) == 0
    assert seen[1][1] == Path("runs/quickstart-seed5-2") and not seen[1][2]
    assert "done" in capsys.readouterr().out
    assert cli.main(["run", "quickstart", "--out", "a/b", "--quiet"]) == 0
    assert seen[2][1] == Path("a/b") and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RunError("cannot write x: No space left on device"), "cannot write x: No space left on device"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x"), "x: No space left on device"),
        (MemoryError(), "out of memory"),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory\nallocating"), "out of memory; lower"),
        (ValueError("two\nlines"), "ValueError: two lines"),
    ],
)
def test_failure_tells_what_is_saved_and_how_to_resume(error, told, monkeypatch, capsys):
    def run(experiment, folder, *, quiet):
        checkpoint.save(folder / "checkpoints", 500, {}, {}, keep=1)
        raise error

    stand_in(monkeypatch, "loop", cache=lambda: None, run=run)
    message = refused(capsys, "run", "quickstart", "--out", "my run", code=1)
    assert told in message
    assert "saved up to tick 500 in my run" in message and "firstword run --resume 'my run'" in message


def test_failure_before_the_first_checkpoint_is_told(monkeypatch, capsys):
    def resume(path, *, quiet):
        raise RunError("broken")

    stand_in(monkeypatch, "loop", cache=lambda: None, resume=resume)
    assert "no checkpoint yet" in refused(capsys, "run", "--resume", a_run(), code=1)


def test_interrupt_exits_130_and_tells_how_to_resume(monkeypatch, capsys):
    def run(experiment, folder, *, quiet):
        raise KeyboardInterrupt

    stand_in(monkeypatch, "loop", cache=lambda: None, run=run, resume=lambda path, *, quiet: {"status": "interrupted"})
    assert "--resume x" in refused(capsys, "run", "quickstart", "--out", "x", code=130)
    path = a_run()
    assert f"--resume {path}" in refused(capsys, "run", "--resume", path, "--quiet", code=130)


def test_wrong_input_found_late_still_exits_2(monkeypatch, capsys):
    def run(experiment, folder, *, quiet):
        raise UserError("late")

    stand_in(monkeypatch, "loop", cache=lambda: None, run=run)
    assert refused(capsys, "run", "quickstart") == "firstword: error: late\n"


def test_assays_and_bench_print_json(monkeypatch, capsys):
    path = a_run()
    calls = []

    def garden(run, against, **options):
        calls.append((run, against, options))
        return {"share": {"evolved": 0.9, "founders": 0.1}}

    stand_in(monkeypatch, "assay", garden=garden, blindfold=lambda run, **options: {"loss": 0.5, "options": options})
    stand_in(monkeypatch, "bench", world=lambda agents: {"results": [{"name": str(n), "alive": n} for n in agents]})
    assert cli.main(["assay", "garden", path, "--against", "founders", "--json", "--ticks", "9"]) == 0
    assert json.loads(capsys.readouterr().out)["share"]["evolved"] == 0.9
    assert calls == [(Path(path), "founders", {"bodies": "evolved", "ticks": 9})]
    assert cli.main(["assay", "garden", path, "--against", path]) == 0 and calls[1][1] == Path(path)
    assert "share.evolved" in capsys.readouterr().out
    assert cli.main(["assay", "blindfold", path, "--json", "--seeds", "2"]) == 0
    assert json.loads(capsys.readouterr().out) == {"loss": 0.5, "options": {"seeds": 2}}
    assert cli.main(["bench", "world", "--agents", "512", "1024", "--json"]) == 0
    assert [row["alive"] for row in json.loads(capsys.readouterr().out)["results"]] == [512, 1024]
    assert cli.main(["bench", "world", "--agents", "512"]) == 0
    assert "512" in capsys.readouterr().out


def test_watch_takes_a_config_or_a_run(monkeypatch):
    seen = []
    stand_in(monkeypatch, "watch", watch=seen.append)
    assert cli.main(["watch", "forage", "--seed", "3"]) == 0
    assert cli.main(["watch", a_run()]) == 0
    assert seen == [config.load("forage", [], 3), Path("runs/old")]


def test_configs_lists_names_and_keys(capsys):
    assert cli.main(["configs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(config.builtin_names())
    assert cli.main(["configs", "--keys", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"key", "default", "unit", "range", "doc"} == set(rows[0])
    assert {"run.ticks", "run.worlds", "run.log_every", "run.checkpoint_every", "world.width", "world.height"} <= {
        row["key"] for row in rows
    }
    assert cli.main(["configs", "--keys"]) == 0
    assert '["retina", "hearing",' in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["run"], ["watch"], ["analyse"], ["configs"], ["assay", "garden"], ["bench"]])
def test_help_everywhere(words, capsys):
    assert cli.main([*words, "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: firstword")


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from experiments.cli import main; main(['--help']); "
        "print([m for m in ('jax', 'numpy', 'pandas', 'pyarrow', 'pygame', 'rich', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_closed_pipe_and_full_stdout():
    start = time.monotonic()
    command = f"{sys.executable} -m experiments configs --keys"
    closed = subprocess.run(f"{command} | true", shell=True, cwd=ROOT, capture_output=True, text=True)
    assert closed.stderr == ""
    if os.path.exists("/dev/full"):
        full = subprocess.run(f"{command} > /dev/full", shell=True, cwd=ROOT, capture_output=True, text=True)
        assert full.returncode == 1 and full.stderr.count("\n") == 1 and "No space left" in full.stderr
    assert time.monotonic() - start < 60


# run folders


def test_run_folder_tells_where_it_comes_from():
    experiment = config.load("quickstart", ["run.ticks=50"], 9)
    run = runfolder.create(Path("r"), experiment, ["firstword", "run", "a b"])
    assert config.load("r/config.toml") == experiment
    told = json.loads(Path("r/provenance.json").read_text())
    assert told["command"] == "firstword run 'a b'" and told["seed"] == 9 and told["status"] == "running"
    assert {"python", "jax", "numpy", "firstword"} <= set(told["versions"]) and told["ended"] is None
    run.mark("done")
    run.keep_genomes([("best", {"fitness": 1})])
    run.summarise({"status": "done"})
    assert json.loads(Path("r/genomes/best.json").read_text()) == {"fitness": 1}
    opened = runfolder.open_run("r")
    assert opened.status == "done" and opened.experiment == experiment and opened.provenance["ended"]


def test_a_run_has_one_writer():
    run = runfolder.create(Path("r"), config.load("quickstart"))
    with pytest.raises(UserError, match="another process"):
        runfolder.reopen("r")
    run.close()
    again = runfolder.reopen("r")
    assert again.status == "running" and len(again.provenance["resumed"]) == 1
    again.close()


def test_run_with_damaged_provenance_can_go_on():
    a_run("r")
    Path("r/provenance.json").write_text("{")
    run = runfolder.reopen("r")
    assert run.status == "running"
    run.close()


def test_run_is_rewound_to_its_checkpoint():
    run = runfolder.create(Path("r"), config.load("quickstart"))
    run.metrics.write_text("tick,world\n0,0\n100,0\n200,0\n")
    for tick in (100, 200):
        checkpoint.save(run.checkpoints, tick, {}, {}, keep=5)
    (run.path / "summary.json.tmp").write_text("half")
    run.rewind(100)
    assert run.metrics.read_text() == "tick,world\n0,0\n100,0\n"
    assert checkpoint.ticks(run.checkpoints) == [100] and not (run.path / "summary.json.tmp").exists()
    run.close()
