"""`firstword compare`: learned, evolved and hand-written minds with the same bodies, worlds, senses, acts and budget.

Each contestant that learns is an ordinary run in a folder of its own, all its seeds side by side, so checkpoints, kills
and progress are those of the run loop. What a run hands in then lives test episodes that no search and no validation
meets, for each seed the same for all contestants. A comparison that was cut off goes on where it was and ends with
the same scores; one that was changed meanwhile does not go on. Leaves out statistics (`experiments.compare_scores`)
and the report (`experiments.compare_report`).
"""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from agents.environments.episodes import lives
from evolution.tasks.environment import environment_of
from evolution.tasks.fresh import fresh
from evolution.tasks.rules import chance_of, rule_of
from experiments import checkpoint, compare_config, compare_report, files, loop, runfolder
from experiments.compare_terms import Comparison, Contestant
from experiments.config import Experiment
from experiments.errors import UserError
from experiments.progress import say
from experiments.provenance import now, origin
from experiments.replicates import test_keys
from experiments.runs import read_csv

RESOLVED = "compare.toml"
PROVENANCE = "provenance.json"
SCORES = ("contestant", "seed", "score")
SCHOOL = "pretraining"  # folder of the run before, in that of the contestant
CURVES = ("contestant", "seed", "agent_steps", "wall_seconds", "fresh_fitness")


def claim(out: str | None, comparison: Comparison) -> Path:
    """An empty folder for a new comparison: `out`, or the first free runs/compare-<name>-seed<seed>[-2, -3 …]."""
    if out is not None:
        path = files.folder(out)
        taken = next((name for name in (RESOLVED, *runfolder.ENTRIES) if (path / name).exists()), None)
        if taken:
            hint = f"give another folder, or {saved(path)}"
            raise UserError(f"--out {str(path)!r} already holds a comparison or a run ({taken}); {hint}")
        return path
    stem, number = Path("runs") / f"compare-{comparison.name}-seed{comparison.terms.seed}", 1
    while (path := stem if number == 1 else stem.with_name(f"{stem.name}-{number}")).exists():
        number += 1
    return files.folder(path)


def saved(path: Path) -> str:
    """How to go on with a comparison, in words."""
    return f"go on with: firstword compare --resume {shlex.quote(str(path))}"


def begin(comparison: Comparison, path: Path, *, quiet: bool = False) -> dict[str, Any]:
    """Runs a comparison in the empty folder `path`. Returns the results."""
    files.write_whole(path / RESOLVED, compare_config.resolved(comparison))
    return go_on(path, quiet=quiet)


def go_on(path: Path, *, quiet: bool = False) -> dict[str, Any]:
    """Does what is left of the comparison in `path`. Returns the results; `KeyboardInterrupt` if asked to end."""
    if not (path / RESOLVED).is_file():
        raise UserError(f"comparison {str(path)!r}: there is no {RESOLVED}; give the folder of a comparison")
    comparison = compare_config.load(path / RESOLVED)
    _hold_to_terms(path, comparison)
    loop.cache()
    known = _read_scores(path / "scores.csv", comparison)
    for number, contestant in enumerate(comparison.contestants, 1):
        if contestant.name in known:
            continue
        say(f"{contestant.name} ({number} of {len(comparison.contestants)})", quiet)
        known[contestant.name] = _scores(comparison, contestant, path, quiet)
        _write_scores(path / "scores.csv", comparison, known)
    curves = pd.concat([_curve(comparison, one, path, known[one.name]) for one in comparison.contestants])
    files.write_whole(path / "curves.csv", files.csv_text([CURVES, *curves[list(CURVES)].itertuples(index=False)]))
    clocks = {one.name: _clocks(path / one.name) for one in comparison.contestants if one.learns}
    schools = {one.name: _schooling(path / one.name / SCHOOL) for one in comparison.contestants if one.pretrain}
    result = compare_report.results(comparison, known, curves, clocks, schools)
    files.write_json(path / "results.json", result)
    files.write_whole(path / "report.html", compare_report.render(comparison, result, curves))
    return files.plain({"folder": path, "status": "done", **result, "report": path / "report.html"})


def _hold_to_terms(path: Path, comparison: Comparison) -> None:
    """Notes in provenance.json what is compared, or refuses to go on if that was changed since."""
    seal, note = hashlib.sha256((path / RESOLVED).read_bytes()).hexdigest(), path / PROVENANCE
    where = f"comparison {str(path)!r}"
    try:
        began = json.loads(note.read_bytes())["compare_sha256"]
    except FileNotFoundError:
        if (path / "scores.csv").exists():
            cure = "remove scores.csv to have all tested again"
            raise UserError(f"{where}: there is no {PROVENANCE} to trust its scores by; {cure}") from None
        about = {"command": shlex.join(sys.argv), "comparison": comparison.name, "seed": comparison.terms.seed}
        files.write_json(note, {**about, "compare_sha256": seal, **origin(), "started": now()})
        return
    except (OSError, ValueError, TypeError, KeyError):
        cure = "remove it and scores.csv to have all tested again"
        raise UserError(f"{where}: {PROVENANCE} is damaged; {cure}") from None
    if began != seal:
        other = f"begin another comparison: firstword compare {shlex.quote(str(path / RESOLVED))}"
        raise UserError(f"{where}: {RESOLVED} was changed since it began; change it back, or {other}")


def _scores(comparison: Comparison, contestant: Contestant, path: Path, quiet: bool) -> np.ndarray:
    """Test score `[W]` of each seed of a contestant, which runs first if it learns."""
    if contestant.own.mind:
        return scripted(comparison, contestant.own.mind)
    home, target = path / contestant.name, comparison.experiment(contestant)
    if contestant.pretrain:
        school = home / SCHOOL
        _run(school, comparison.experiment(contestant, pretraining=True), quiet)
        if contestant.own.zero_shot:
            home = school
        elif not checkpoint.finished(home / "checkpoints"):
            _enrol(home, target, school)
    if contestant.learns:
        _run(home, target, quiet)
    tested = recalled(home, target).tested(comparison.terms.seed, comparison.terms.episodes)
    return np.asarray(tested, np.float32)


def _run(path: Path, experiment: Experiment, quiet: bool) -> None:
    """Runs an experiment in a folder, or what is left of it."""
    if not (path / "config.toml").is_file():
        status = loop.run(experiment, path, quiet=quiet)["status"]
    else:
        folder = runfolder.open_run(path)
        if folder.experiment != experiment:
            right = f"is not what {RESOLVED} says; change it back, or begin another comparison"
            raise UserError(f"run {str(path)!r} {right}")
        status = "done" if folder.status == "done" else loop.resume(path, quiet=quiet)["status"]
    if status != "done":
        raise KeyboardInterrupt


def recalled(path: Path, experiment: Experiment) -> Any:
    """What a run had found at its last checkpoint, as if it had found it in `experiment`."""
    tick, arrays, meta, _ = checkpoint.load_latest(path / "checkpoints")
    return loop.kind_of(experiment).resumed(experiment, tick, arrays, meta)


def _enrol(path: Path, experiment: Experiment, school: Path) -> None:
    """Makes a run folder whose run begins with what another run has learned, and with all its budget."""
    began = loop.kind_of(experiment).start(experiment).taught(recalled(school, experiment))
    folder = runfolder.open_run(path) if (path / "config.toml").is_file() else runfolder.create(path, experiment)
    meta = began.meta() | {"holds": []}
    checkpoint.save(folder.checkpoints, 0, began.arrays(), meta, experiment.run.keep_checkpoints)
    folder.close()


def scripted(comparison: Comparison, mind: str) -> np.ndarray:
    """Test score `[W]` of a mind that does not learn: random, or the rule for the task."""
    terms, task = comparison.terms, fresh(comparison.target.task, comparison.terms.episodes)
    act, memory = (rule_of if mind == "rule" else chance_of)(task)
    blank = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (terms.seeds, *jnp.shape(leaf))), memory)
    play = jax.jit(lives, static_argnums=(0, 1))
    return np.asarray(play(environment_of(task), act, None, blank, test_keys(terms.seed, terms.seeds)).fitness)


def _curve(comparison: Comparison, contestant: Contestant, path: Path, scores: np.ndarray) -> pd.DataFrame:
    """Rows of curves.csv of one contestant. A mind that does not learn is a point at its score, before any step."""
    if not contestant.learns:
        rows = [(contestant.name, seed, 0, 0.0, score) for seed, score in enumerate(scores)]
        return pd.DataFrame(rows, columns=list(CURVES))
    notes: list[str] = []
    metrics = read_csv(path / contestant.name / "metrics.csv", ("world", "agent_steps", "fresh_fitness"), notes)
    timing = read_csv(path / contestant.name / "timing.csv", ("wall_seconds", "compile_seconds"), notes)
    seconds = timing["wall_seconds"] - timing["compile_seconds"] - timing["validation_seconds"]
    spent = dict(zip(timing["generation"], seconds, strict=True))
    metrics = metrics.assign(wall_seconds=metrics["generation"].map(spent), contestant=contestant.name)
    told = metrics[metrics["fresh_fitness"].notna()].sort_values(["world", "generation"], kind="stable")
    return told.rename(columns={"world": "seed"})[list(CURVES)]


def _clocks(path: Path) -> dict[str, float]:
    """Last row of timing.csv of a run."""
    notes: list[str] = []
    table = read_csv(path / "timing.csv", ("wall_seconds",), notes)
    return {name: float(table[name].iloc[-1]) for name in table.columns[1:]} if len(table) else {}


def _schooling(path: Path) -> dict[str, float]:
    """What a training before took: agent-steps, the mean over seeds, and the last row of its timing.csv."""
    metrics = read_csv(path / "metrics.csv", ("world", "agent_steps"), [])
    return {"agent_steps": float(metrics.groupby("world")["agent_steps"].max().mean()), **_clocks(path)}


def _read_scores(path: Path, comparison: Comparison) -> dict[str, np.ndarray]:
    """Scores `[W]` by contestant, of those that are done. Who has no finite score for each seed once is not done."""
    table = read_csv(path, SCORES, [])
    for column in ("seed", "score"):
        table[column] = pd.to_numeric(table[column], errors="coerce")
    each = {str(name): rows.sort_values("seed") for name, rows in table.groupby("contestant")}
    seeds = list(range(comparison.terms.seeds))
    known = {}
    for name in (one.name for one in comparison.contestants if one.name in each):
        scores = each[name]["score"].to_numpy(np.float32)
        if each[name]["seed"].tolist() == seeds and np.isfinite(scores).all():
            known[name] = scores
    return known


def _write_scores(path: Path, comparison: Comparison, known: dict[str, np.ndarray]) -> None:
    """All scores so far, in the order of the contestants."""
    names = [one.name for one in comparison.contestants if one.name in known]
    rows = [(name, seed, score) for name in names for seed, score in enumerate(known[name])]
    files.write_whole(path, files.csv_text([SCORES, *rows]))
