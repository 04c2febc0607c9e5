"""Experiments: everything that decides a run, one frozen tree read from TOML and written back complete.

A file names only what differs from the defaults. Reading is strict: unknown keys, wrong types, values out
of range and combinations that cannot work are refused with one line that says what would be right, before
anything is compiled or created. Sources of the keys: the dataclasses below, each field with unit and range.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolution.genome import BrainConfig
from evolution.mutation import MutationParams
from experiments import keys as key_tables
from experiments.checks import check
from experiments.errors import UserError as UserError
from experiments.errors import suggestion as suggestion
from sim.config import WorldConfig, WorldParams, key

BUILTIN = Path(__file__).parent / "configs"
MOST_TICKS = 2_000_000_000  # ticks are int32


@dataclass(frozen=True)
class RunConfig:
    """How long a run lasts and what it writes. Only seed, minds and on_extinction change its history."""

    seed: int = key(0, "seed of all randomness", low=0, high=2**32 - 1)
    ticks: int = key(20_000, "length of the run", low=1, high=MOST_TICKS, unit="ticks")
    wall_seconds: float = key(0.0, "stop after so much time; 0: no limit", low=0, high=1e9, unit="s")
    worlds: int = key(1, "replicate worlds that run side by side, each with its own seed", low=1, high=4096)
    minds: str = key("evolved", "what the founders think with", choices=("evolved", "random", "greedy"))
    log_every: int = key(100, "a row of metrics every so many ticks", low=1, high=MOST_TICKS, unit="ticks")
    checkpoint_every: int = key(5000, "a checkpoint every so many ticks", low=1, high=MOST_TICKS, unit="ticks")
    keep_checkpoints: int = key(3, "how many of the latest checkpoints stay", low=1, high=10_000)
    on_extinction: str = key(
        "end", "when nobody lives: end the run, or put new founders and count it", choices=("end", "refound")
    )
    sample_genomes: int = key(8, "genomes written at each checkpoint", low=0, high=65_536)
    lineage: bool = key(True, "write every birth and death to lineage/")


@dataclass(frozen=True)
class StopRule:
    """Ends a run when a logged metric has been above, or below, a value for some log intervals in a row."""

    metric: str = key("", "column of metrics.csv to watch")
    above: float | None = key(None, "stop when the metric is above this")
    below: float | None = key(None, "stop when the metric is below this")
    intervals: int = key(1, "log intervals in a row for which it must hold", low=1, high=1_000_000)


@dataclass(frozen=True)
class Experiment:
    """All of a run. TOML tables are named like the fields; `stop` is a list of tables, `[[stop]]`."""

    name: str = "unnamed"
    description: str = ""
    world: WorldConfig = WorldConfig()
    params: WorldParams = WorldParams()
    brain: BrainConfig = BrainConfig()
    mutation: MutationParams = MutationParams()
    run: RunConfig = RunConfig()
    stop: tuple[StopRule, ...] = ()


TABLES: dict[str, type] = {
    "world": WorldConfig,
    "params": WorldParams,
    "brain": BrainConfig,
    "mutation": MutationParams,
    "run": RunConfig,
}
TEXTS = {"name": "name of the study; names its run folders", "description": "what it studies, in one line"}


def keys() -> list[key_tables.Row]:
    """Reference of all keys: key, default, unit, range or choices, meaning."""
    out = [key_tables.Row(name, "", "", "", doc) for name, doc in TEXTS.items()]
    for table, cls in (*TABLES.items(), ("stop", StopRule)):
        out += key_tables.rows(cls, table)
    return out


def builtin_names() -> list[str]:
    """Names of the configs that come with the package."""
    return sorted(path.stem for path in BUILTIN.glob("*.toml"))


def load(name_or_path: str | Path, overrides: list[str] | tuple[str, ...] = (), seed: int | None = None) -> Experiment:
    """The checked experiment of a built-in name or a file, after `key=value` overrides and the seed."""
    path = locate(name_or_path)
    table = _parse_file(path)
    if path.parent == BUILTIN or "name" not in table:
        table["name"] = path.stem
    for text in overrides:
        _override(table, text)
    if seed is not None:
        run = table.setdefault("run", {})
        if isinstance(run, dict):
            run["seed"] = seed
    return from_table(table)


def loads(text: str) -> Experiment:
    """The checked experiment of a TOML text, such as `resolved` writes."""
    return from_table(_parse(text, "this text"))


def locate(name_or_path: str | Path) -> Path:
    """The file that a built-in name or a path means."""
    text = str(name_or_path)
    if text in builtin_names():
        return BUILTIN / f"{text}.toml"
    path = Path(text)
    if os.path.isfile(text):  # unlike Path.is_file, false for names that no file can have
        return path
    if text and os.path.isdir(text):
        inside = path / "config.toml"
        hint = f"give the file {inside}" if os.path.isfile(inside) else "give a config file or a built-in name"
        raise UserError(f"config {text!r} is a folder; {hint}")
    if path.suffix == ".toml" or len(path.parts) > 1:
        beside = [p.name for p in path.parent.glob("*.toml")] if os.path.isdir(path.parent) else []
        raise UserError(f"config {text!r}: no such file{suggestion(path.name, beside)}")
    near = suggestion(text, builtin_names()) or f"; built in are {', '.join(builtin_names())}"
    raise UserError(f"config {text!r} is neither a file nor a built-in name{near}")


def from_table(table: dict[str, Any]) -> Experiment:
    """The checked experiment of a parsed TOML document."""
    known = [row.key for row in keys()]
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name in TABLES:
            values[name] = key_tables.read(TABLES[name], value, name, known)
        elif name == "stop":
            if not isinstance(value, list):
                raise UserError(f"stop = {key_tables.literal(value, 80)}: must be a list of tables, [[stop]]")
            values[name] = tuple(key_tables.read(StopRule, rule, "stop", known) for rule in value)
        elif name in TEXTS:
            values[name] = key_tables.convert(name, value, str, {})
        else:
            raise key_tables.unknown(name, [*known, *TABLES, "stop"])
    return check(Experiment(**values))


def resolved(experiment: Experiment) -> str:
    """The complete experiment as TOML; `loads` gives an equal one."""
    parts = [[f"{name} = {key_tables.literal(getattr(experiment, name))}" for name in TEXTS]]
    parts += [[f"[{name}]", *key_tables.lines(getattr(experiment, name))] for name in TABLES]
    parts += [["[[stop]]", *key_tables.lines(rule)] for rule in experiment.stop]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _parse_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise UserError(f"config {str(path)!r} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"config {str(path)!r} is not a text file in UTF-8") from None
    return _parse(text, f"config {str(path)!r}")


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{source} is not valid TOML: {' '.join(str(error).split())}") from None


def _override(table: dict[str, Any], text: str) -> None:
    """Applies one `key=value` to a parsed document."""
    dotted, equals, raw = text.partition("=")
    dotted, raw = dotted.strip(), raw.strip()
    if not equals or not dotted:
        raise UserError(f"--set {text!r}: write key=value, for example --set run.ticks=1000")
    known = [row.key for row in keys()]
    head, _, tail = dotted.partition(".")
    if dotted != "stop" and (dotted not in known or head == "stop"):
        if head == "stop":
            raise UserError(f"--set {text!r}: stop is a list; write stop=[{{metric = 'population', above = 500}}]")
        if head in TABLES and not tail:
            raise UserError(f"--set {text!r}: {head} is a table; set one key, such as {_first(head, known)}")
        raise key_tables.unknown(dotted, known)
    wants_text = dotted in TEXTS or (head in TABLES and key_tables.hints(TABLES[head])[tail] is str)
    value = _value(raw, wants_text)
    if not tail:
        table[dotted] = value
        return
    inner = table.setdefault(head, {})
    if isinstance(inner, dict):  # else `from_table` refuses it
        inner[tail] = value


def _first(table: str, known: list[str]) -> str:
    return next(name for name in known if name.startswith(f"{table}."))


def _value(raw: str, wants_text: bool) -> Any:
    """The right side of an override as a TOML value; what is not TOML is a bare string."""
    try:
        parsed = tomllib.loads(f"value = {raw}")
    except (ValueError, RecursionError):
        return raw
    if set(parsed) != {"value"} or (wants_text and not isinstance(parsed["value"], str)):
        return raw
    return parsed["value"]
