"""Run folders: what a run keeps where, who may write there, and where it comes from.

`claim` finds the folder before anything runs; `create` and `open_run` hold it, so that no second process
writes to the same run. Leaves out what the files mean (docs) and reading them for analysis (`runs`).
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments import checkpoint, config, files
from experiments.errors import UserError, suggestion
from experiments.provenance import now, origin

MAY_CHANGE = (
    *("run.ticks", "run.generations", "run.agent_steps", "run.wall_seconds", "run.log_every"),
    *("run.checkpoint_every", "run.keep_checkpoints", "run.sample_genomes"),
)
"""Keys that a run may go on with other values of."""
ENTRIES = ("config.toml", "provenance.json", "summary.json", "metrics.csv", "checkpoints", "lineage")
STATUSES = ("running", "done", "interrupted", "failed", "extinct")


@dataclass
class RunFolder:
    """An open run. Its files: see the properties."""

    path: Path
    experiment: config.Experiment
    provenance: dict[str, Any] = field(default_factory=dict)
    _lock: int = -1

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def species(self) -> Path:
        return self.path / "species.csv"

    @property
    def timing(self) -> Path:
        return self.path / "timing.csv"

    @property
    def lineage(self) -> Path:
        return self.path / "lineage"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def status(self) -> str:
        return str(self.provenance.get("status", "unknown"))

    def summarise(self, summary: dict[str, Any]) -> None:
        """Writes summary.json."""
        files.write_json(self.path / "summary.json", summary)

    def keep_genomes(self, documents: list[tuple[str, Any]]) -> None:
        """Writes genomes/<name>.json of each, and removes those of an earlier time."""
        folder = self.path / "genomes"
        if documents:
            with files.guarded(folder):
                folder.mkdir(exist_ok=True)
        for name, document in documents:
            files.write_json(folder / f"{name}.json", document)
        names = {f"{name}.json" for name, _ in documents}
        for stale in folder.glob("best-*.json"):
            if stale.name not in names:
                with contextlib.suppress(OSError):
                    stale.unlink()

    def mark(self, status: str) -> None:
        """Notes the status, and the time if it is an end, in provenance.json."""
        if status not in STATUSES:
            raise ValueError(f"status {status!r} is none of {STATUSES}")
        self.provenance |= {"status": status, "ended": None if status == "running" else now()}
        files.write_json(self.path / "provenance.json", self.provenance)

    def rewind(self, tick: int) -> None:
        """Forgets what the run wrote after `tick`, before it goes on from the checkpoint of that tick.

        The lineage is rewound by `LineageWriter.resume`.
        """
        for table in (self.metrics, self.species, self.timing):
            files.rewind(table, tick)
        for later in checkpoint.ticks(self.checkpoints):
            if later > tick:
                checkpoint.remove(self.checkpoints, later)
        for folder in (self.path, self.lineage, self.checkpoints, self.path / "genomes"):
            files.sweep(folder)

    def close(self) -> None:
        """Lets other processes write here."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def claim(out: str | Path | None, experiment: config.Experiment) -> Path:
    """An empty folder for a new run: `out`, or the first free runs/<name>-seed<seed>[-2, -3 …]."""
    if out is not None:
        if not str(out) or "\0" in str(out):
            raise UserError(f"--out {str(out)!r}: give the name of a folder")
        path = Path(out)
        _refuse_taken(path)
        _make(path, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise UserError(f"--out {str(path)!r}: the folder cannot be written to; give another")
        return path
    stem = f"{experiment.name}-seed{experiment.run.seed}"
    number = 1
    while True:
        path = Path("runs") / (stem if number == 1 else f"{stem}-{number}")
        if not os.path.lexists(path) and _make(path, exist_ok=False):
            return path
        number += 1


def _refuse_taken(path: Path) -> None:
    if os.path.lexists(path) and not os.path.isdir(path):
        raise UserError(f"--out {str(path)!r} is a file; give the name of a folder")
    held = [name for name in ENTRIES if os.path.lexists(path / name)]
    if held:
        hint = f"give another folder, or go on with it: firstword run --resume {shlex.quote(str(path))}"
        raise UserError(f"--out {str(path)!r} already holds a run ({held[0]}); {hint}")


def _make(path: Path, exist_ok: bool) -> bool:
    """Makes a folder; False if another process was faster."""
    try:
        path.mkdir(parents=True, exist_ok=exist_ok)
    except FileExistsError:
        return False
    except OSError as error:
        raise UserError(f"--out {str(path)!r}: the folder cannot be made: {error.strerror}; give another") from None
    return True


def create(path: Path, experiment: config.Experiment, command: list[str] | None = None) -> RunFolder:
    """Opens a new run in `path`: writes config.toml and provenance.json, and holds the folder."""
    path = Path(path)
    _make(path, exist_ok=True)
    run = RunFolder(path, experiment, _lock=_hold(path))
    _refuse_taken(path)
    files.write_whole(path / "config.toml", config.resolved(experiment))
    run.provenance = {
        "command": shlex.join(sys.argv if command is None else command),
        "config": experiment.name,
        "seed": experiment.run.seed,
        **origin(),
        "started": now(),
        "ended": None,
        "resumed": [],
        "resolved": config.resolved(experiment),
    }
    run.mark("running")
    return run


def open_run(path: str | Path) -> RunFolder:
    """Opens a run to read it; `hold` before writing. A `UserError` if there is none."""
    path = locate(path)
    experiment = config.load(path / "config.toml")
    provenance: Any = None
    with contextlib.suppress(OSError, ValueError):
        provenance = json.loads((path / "provenance.json").read_bytes())
    return RunFolder(path, experiment, provenance if isinstance(provenance, dict) else {})


def reopen(path: str | Path) -> RunFolder:
    """Opens a run to go on with it: holds the folder and notes when and by which versions."""
    run = open_run(path)
    _demand_same(run)
    run._lock = _hold(run.path)
    run.provenance.setdefault("started", now())
    run.provenance.setdefault("resumed", []).append({"time": now(), **origin()})
    run.mark("running")
    return run


def _demand_same(run: RunFolder) -> None:
    """Refuses a config that was changed since the run began, but for keys that change no history."""
    began = run.provenance.get("resolved")
    if not isinstance(began, str):
        return
    old, new = (tomllib.loads(text) for text in (began, config.resolved(run.experiment)))
    for table in (name for name, values in old.items() if isinstance(values, dict)):
        for name, value in old[table].items():
            now_ = new.get(table, {}).get(name)
            if now_ != value and f"{table}.{name}" not in MAY_CHANGE:
                what = f"run {str(run.path)!r} began with {table}.{name} = {value!r}, its config.toml has {now_!r} now"
                raise UserError(f"{what}; change it back, or start another run. {', '.join(MAY_CHANGE)} may change")


def locate(path: str | Path) -> Path:
    """The folder of a run that is there, or a `UserError`."""
    text, folder = str(path), Path(path)
    if os.path.isfile(folder / "config.toml"):
        return folder
    if not os.path.lexists(folder):
        raise UserError(f"run {text!r}: no such folder{_near(folder)}")
    if not os.path.isdir(folder):
        raise UserError(f"run {text!r} is a file; give the folder of a run")
    raise UserError(f"run {text!r} is not a run folder: it has no config.toml")


def _near(folder: Path) -> str:
    places = {str(p.parent) for base in {folder.parent, Path("runs")} for p in base.glob("*/config.toml")}
    return suggestion(str(folder), places) or "; give the folder of a run, such as runs/quickstart-seed0"


def saved(path: Path) -> str:
    """What of a run is saved, and how to resume it, in words."""
    ticks = checkpoint.finished(Path(path) / "checkpoints")
    what = f"saved up to tick {ticks[-1]} in {path}" if ticks else f"no checkpoint yet in {path}"
    return f"{what}; go on with: firstword run --resume {shlex.quote(str(path))}"


def _hold(path: Path) -> int:
    """Holds a folder against other processes until closed or killed; -1 where the system cannot."""
    try:
        import fcntl
    except ImportError:
        return -1
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"run {str(path)!r} cannot be opened: {error.strerror}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UserError(f"run {str(path)!r} is being written by another process; wait for it or stop it") from None
    except OSError:  # a file system without locks
        os.close(handle)
        return -1
    return handle
