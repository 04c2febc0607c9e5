"""neat-python's config files as Firstword experiments: reading them, strictly.

What neat-python itself would not know is refused, as are values that it could not read; keys that files of older
versions lack get their defaults. `experiments.ini_mapping` says what becomes of each key. Leaves out the task,
which such a file does not name, and the length of the run. Source: neat-python 2.0.0.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from evolution.interchange import known_keys
from evolution.tasks import TASKS
from evolution.tasks.base import Task
from experiments.errors import UserError, suggestion
from experiments.ini_mapping import Mapped
from experiments.ini_notes import Values
from experiments.task_table import name_of

SECTION = re.compile(r"^[ \t]*\[NEAT\].*$", re.MULTILINE)


class Ini(NamedTuple):
    """What a file of neat-python's says."""

    table: dict[str, Any]  # a Firstword document, without [task] and run.generations
    warnings: list[str]  # one line for each key that could not be kept to the letter
    inputs: int
    outputs: int

    def fits(self, task: Task | None, where: str) -> None:
        """A `UserError` if the task is missing, or has other inputs or outputs."""
        if task is None:
            raise UserError(f"{where} names no task: add --set task.name=xor, or another of {', '.join(TASKS)}")
        for what in ("inputs", "outputs"):
            here, there = getattr(self, what), getattr(task, what)
            if here != there:
                raise UserError(f"{where}: num_{what} = {here}: must be {there}, the {what} of task {name_of(task)!r}")


def is_ini(name: str, text: str) -> bool:
    """Whether a file is one of neat-python's: by its suffix or, as many have none, by its first section."""
    return name.endswith(".ini") or (not name.endswith(".toml") and SECTION.search(text) is not None)


def modern(text: str) -> str:
    """A file's text with the one key that neat-python 2 demands and older files lack."""
    if re.search(r"^\s*no_fitness_termination\s*[=:]", text, re.MULTILINE):
        return text
    return SECTION.sub(lambda head: f"{head[0]}\nno_fitness_termination = False", text, count=1)


def read_ini(text: str, where: str = "this text", hosted: bool = False) -> Ini:
    """The experiment of a file's text, for our NEAT or, `hosted`, for neat-python itself.

    A `UserError` names the key that is wrong, and the file as `where`.
    """
    parser = configparser.ConfigParser()
    try:
        parser.read_string(text)
        raw = {section: dict(parser.items(section)) for section in parser.sections()}
    except configparser.Error as error:
        raise UserError(f"{where} is not a valid INI file: {_plain(error)}") from None
    known = known_keys()
    strange = [section for section in raw if section not in known]
    for section in known:
        if section not in raw:
            raise UserError(f"{where}: section [{section}] is missing{_meant(section, strange)}")
    values = {section: _section(where, section, raw[section], keys, known) for section, keys in known.items()}
    warnings = [f"[{section}]: not read; neat-python's own classes are" for section in strange]
    mapped = Mapped(where, values, {section: set(keys) for section, keys in raw.items()}, warnings)
    table = mapped.hosted(text) if hosted else mapped.read()
    return Ini(table, mapped.warnings, mapped.genome["num_inputs"], mapped.genome["num_outputs"])


def _plain(error: configparser.Error) -> str:
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno}: there is no [section] before {error.line.strip()!r}"
    if isinstance(error, configparser.ParsingError) and error.errors:
        number, line = error.errors[0]
        return f"line {number}, {line}, is neither [section], key = value nor a # comment"
    return " ".join(error.message.split())


def _meant(word: str, strange: list[str]) -> str:
    near = suggestion(word, strange)
    return f"; is [{near.removeprefix('; did you mean ').removesuffix('?')}] meant to be it?" if near else ""


def _section(
    where: str, section: str, raw: Mapping[str, str], keys: Mapping[str, tuple[type, Any]], known: Mapping[str, Values]
) -> dict[str, Any]:
    """Values of a section, with neat-python's defaults."""
    for name in raw:
        if name not in keys:
            others = [f"[{other}]" for other in known if name in known[other]]
            near = f"; it belongs into {others[0]}" if others else suggestion(name, keys)
            raise UserError(f"{where}: unknown key {name} in [{section}]{near}")
    values = {}
    for name, (kind, default) in keys.items():
        if name in raw:
            values[name] = _value(f"{where}: [{section}] {name}", raw[name], kind)
        elif default is not None:
            values[name] = _value("", default, kind) if isinstance(default, str) else default
        elif name == "seed":
            values[name] = None
        else:
            raise UserError(f"{where}: [{section}] has no {name}, which neat-python requires")
    return values


def _value(name: str, raw: str, kind: type) -> Any:
    """One value as neat-python would read it."""
    wanted = {int: "an integer", float: "a finite number", bool: "True or False", list: "names with spaces between"}
    try:
        if kind is bool:
            return configparser.ConfigParser.BOOLEAN_STATES[raw.lower()]
        if kind is list:
            return raw.split()
        value = kind(raw)
        if kind is float and not abs(value) < float("inf"):
            raise ValueError
        return value
    except (ValueError, KeyError):
        raise UserError(f"{name} = {raw}: must be {wanted[kind]}") from None
