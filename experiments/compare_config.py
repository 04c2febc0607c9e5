"""Comparisons as TOML: read strictly, checked before anything runs, written back complete.

A comparison names one run config as its `base` and, for each contestant, what it has of its own: how it searches or
learns, never the body, the world, the task or the budget. Whatever is decided for all cannot be said by one; what a
comparison lets contestants differ in, `differ` declares. Leaves out running (`experiments.compare`).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from evolution.tasks.environment import environment_of
from evolution.tasks.rules import chance_of, rule_of
from experiments import config
from experiments import keys as key_tables
from experiments.compare_terms import CONTROL, DECIDED, SHARED, Comparison, Contestant, ContestantConfig, Terms, merged
from experiments.errors import UserError, suggestion

BUILTIN = Path(__file__).parent / "comparisons"
WORLDLY = ("world", "params", "task")


def names() -> list[str]:
    """Names of the comparisons that come with the package."""
    return sorted(path.stem for path in BUILTIN.glob("*.toml"))


def described() -> list[tuple[str, str]]:
    """Name and description of each of them."""
    return [(name, str(tomllib.loads(config.text_of(locate(name)))["description"])) for name in names()]


def locate(name_or_path: str) -> Path:
    """The file that a built-in name or a path means."""
    if name_or_path in names():
        return BUILTIN / f"{name_or_path}.toml"
    if os.path.isfile(name_or_path):
        return Path(name_or_path)
    near = suggestion(name_or_path, names()) or f"; built in are {', '.join(names())}"
    raise UserError(f"comparison {name_or_path!r} is neither a file nor a built-in name{near}")


def load(name_or_path: str | Path, overrides: Sequence[str] = (), seed: int | None = None) -> Comparison:
    """The checked comparison of a built-in name or a file, after `key=value` overrides and the seed."""
    path = locate(str(name_or_path))
    table = config.parsed(config.text_of(path), f"comparison {str(path)!r}")
    for text in overrides:
        _override(table, text)
    if seed is not None:
        table["seed"] = seed
    name = _named(table.pop("name", path.stem), "name")
    return from_table(table, name, path.parent)


def from_table(table: Mapping[str, Any], name: str, beside: Path) -> Comparison:
    """The checked comparison of a parsed TOML document; paths in it are relative to the folder `beside`."""
    own = {field.name for field in fields(Terms)}
    known = [*own, "base", "set", "contestants"]
    for given in table:
        if given not in known:
            near = suggestion(given, known) or f"; a comparison has {', '.join(known)}"
            raise UserError(f"unknown key {key_tables.literal(given)[1:-1]}{near}")
    plain = {given: value for given, value in table.items() if given in own}
    values = {f.name: f.metadata for f in fields(Terms)}
    hints = key_tables.hints(Terms)
    terms = Terms(**{k: key_tables.convert(k, v, hints[k], values[k]) for k, v in plain.items()})
    if not {dotted.partition(".")[0] for dotted in terms.differ} <= set(WORLDLY):
        raise UserError(f"differ = {key_tables.literal(terms.differ, 80)}: must be keys of [world], [params] or [task]")
    base = _base(table, beside)
    comparison = Comparison(name, terms, base, _contestants(table.get("contestants"), terms, base))
    _check(comparison)
    return comparison


def _base(table: Mapping[str, Any], beside: Path) -> dict[str, Any]:
    """The run config of the task as complete tables, with what [set] says."""
    if "base" not in table:
        raise UserError('base is missing; name the run config of a task, such as base = "cartpole"')
    base = table["base"]
    if isinstance(base, str):
        near = beside / base
        experiment = config.load(near if base not in config.builtin_names() and near.is_file() else base)
        tables = tomllib.loads(config.resolved(experiment))
    elif isinstance(base, Mapping):  # as `resolved` writes it
        tables = dict(base)
    else:
        raise UserError(f"base = {key_tables.literal(base, 80)}: must be the name or the file of a run config")
    more = _tables(table.get("set", {}), "set")
    for dotted in _dotted(more):
        if dotted in DECIDED:
            raise UserError(f"set.{dotted} is decided by {DECIDED[dotted]} of the comparison; set that")
    tables.pop("stop", None)  # nobody stops early
    tables = merged(tables, more)
    if "task" not in tables:
        raise UserError(f"base = {key_tables.literal(base, 80)}: must be a run config with a [task]")
    return tables


def _contestants(given: Any, terms: Terms, base: Mapping[str, Any]) -> tuple[Contestant, ...]:
    usual = {"search": {"algorithm": base.get("search", {}).get("algorithm")}}
    named = _tables(given or {}, "contestants").items()
    found = tuple(_contestant(name, value, terms, usual) for name, value in named)
    _apart([one.name for one in found])
    if not found:
        raise UserError("contestants is missing; name at least one, such as [contestants.neat.search]")
    if any(one.control for one in found):
        return found
    if CONTROL in {one.name for one in found}:
        raise UserError(f"contestants.{CONTROL}: must be random search and no more, or have another name")
    _apart([*(one.name for one in found), CONTROL])
    return (*found, Contestant(CONTROL, ContestantConfig(), {"search": {"algorithm": CONTROL}}, {}))


def _apart(names: Sequence[str]) -> None:
    """Refuses names that differ in case alone: they name folders, which some file systems would take for one."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise UserError(
                f"contestants.{name}: must differ from contestants.{other} in more than upper and lower case"
            )


def _contestant(name: str, table: Mapping[str, Any], terms: Terms, usual: Mapping[str, Any]) -> Contestant:
    where = f"contestants.{_named(name, 'contestants')}"
    mine = {field.name for field in fields(ContestantConfig)}
    own = key_tables.read(
        ContestantConfig, {k: v for k, v in table.items() if k in mine}, where, [f"{where}.{k}" for k in mine]
    )
    for given in table:
        if given not in (*mine, "pretrain", *config.TABLES, "task"):
            near = suggestion(given, (*mine, "pretrain", *config.TABLES)) or "; it has mind and tables of a run config"
            raise UserError(f"unknown key {where}.{given}{near}")
    tables = _tables({k: v for k, v in table.items() if k not in (*mine, "pretrain")}, where)
    for dotted in _dotted(tables):
        if dotted in DECIDED:
            raise UserError(f"{where}.{dotted} is decided for all by {DECIDED[dotted]}; leave it out")
        if dotted.partition(".")[0] in SHARED and dotted not in terms.differ:
            raise UserError(f"{where}.{dotted}: must be the same for all; put it under [set], or declare it in differ")
    pretrain = _tables(table.get("pretrain", {}), f"{where}.pretrain")
    for dotted in _dotted(pretrain):
        if dotted.partition(".")[0] not in WORLDLY:
            raise UserError(f"{where}.pretrain.{dotted}: must be of [world], [params] or [task]")
    if own.mind and (tables or pretrain):
        other = [*tables, *pretrain][0]
        raise UserError(f"{where}.mind = {key_tables.literal(own.mind)}: must stand alone, without {where}.{other}")
    if bool(pretrain) != bool(own.pretrain_steps):
        raise UserError(f"{where}.pretrain_steps: must be given with [{where}.pretrain], and only then")
    if own.zero_shot and not pretrain:
        raise UserError(f"{where}.zero_shot = true: must go with [{where}.pretrain]")
    return Contestant(name, own, {} if own.mind else merged(usual, tables), pretrain)


def _named(name: Any, where: str) -> str:
    """The name, if it can name a folder."""
    plain = key_tables.convert(where, name, str, {})
    if not (plain.isascii() and plain.replace("_", "").replace("-", "").isalnum()):
        raise UserError(f"{where} = {key_tables.literal(plain, 80)}: a name must be of letters, digits, _ and -")
    return plain


def _check(comparison: Comparison) -> None:
    """Every run that there will be is a sound one."""
    task = comparison.target.task
    for contestant in comparison.contestants:
        where = f"contestants.{contestant.name}"
        if contestant.own.mind:
            _scripted(where, contestant.own.mind, task)
        else:
            _learning(where, contestant, comparison)


def _learning(where: str, contestant: Contestant, comparison: Comparison) -> None:
    runs = []
    for before in (False, True) if contestant.pretrain else (False,):
        try:
            runs.append(comparison.experiment(contestant, before))
        except UserError as error:
            raise UserError(f"{where}{'.pretrain' if before else ''}: {error}") from None
    if runs[0].task.ends != runs[-1].task.ends:  # type: ignore[union-attr]
        raise UserError(f"{where}.pretrain: must leave senses and acts as they are in the task")
    for name in contestant.tables:
        if name not in config.tables(runs[0]):
            algorithm = key_tables.literal(runs[0].search.algorithm)
            raise UserError(f"{where}.{name} has no effect with search.algorithm = {algorithm}; leave it out")


def _scripted(where: str, mind: str, task: Any) -> None:
    try:
        (rule_of if mind == "rule" else chance_of)(task)
        environment_of(task)
    except ValueError as error:
        right = f"must be left out with task.name = {key_tables.literal(config.task_table.name_of(task))}"
        raise UserError(f"{where}.mind = {key_tables.literal(mind)}: {right}; {error}") from None


def _tables(value: Any, where: str) -> dict[str, dict[str, Any]]:
    """A table of tables, or a `UserError`."""
    if not isinstance(value, Mapping):
        raise UserError(f"{where} = {key_tables.literal(value, 80)}: must be a table of tables, [{where}.…]")
    for name, inner in value.items():
        if not isinstance(inner, Mapping):
            raise UserError(f"{where}.{name} = {key_tables.literal(inner, 80)}: must be a table, [{where}.{name}]")
    return {name: dict(inner) for name, inner in value.items()}


def _dotted(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    return (f"{name}.{inner}" for name, table in tables.items() for inner in table)


def _override(table: dict[str, Any], text: str) -> None:
    """Applies one `key=value` to a parsed document."""
    dotted, equals, raw = (part.strip() for part in text.partition("="))
    if not equals or not dotted:
        raise UserError(f"--set {text!r}: write key=value, for example --set seeds=3")
    *outer, last = dotted.split(".")
    for name in outer:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise UserError(f"--set {text!r}: {name} is no table")
    table[last] = config.value_of(raw)


def resolved(comparison: Comparison) -> str:
    """The complete comparison as TOML; reading it gives an equal one."""
    parts = [[f"name = {key_tables.literal(comparison.name)}", *key_tables.lines(comparison.terms)]]
    texts = [f"{name} = {key_tables.literal(value)}" for name, value in comparison.base.items() if name in config.TEXTS]
    parts.append(["[base]", *texts])
    parts += [_section(f"base.{name}", table) for name, table in comparison.base.items() if name not in config.TEXTS]
    for one in comparison.contestants:
        where = f"contestants.{one.name}"
        own = {
            f.name: getattr(one.own, f.name) for f in fields(ContestantConfig) if getattr(one.own, f.name) != f.default
        }
        parts.append(_section(where, own))
        parts += [_section(f"{where}.{name}", table) for name, table in one.tables.items()]
        parts += [_section(f"{where}.pretrain.{name}", table) for name, table in one.pretrain.items()]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _section(name: str, table: Mapping[str, Any]) -> list[str]:
    return [f"[{name}]", *(f"{key_} = {key_tables.literal(value)}" for key_, value in table.items())]
