"""The [task] table of a config: `name` picks a task, whose own fields are the other keys.

Reads, checks and writes it like any other table (`experiments.keys`). A task that is played in a world gets it from
the tables [world] and [params] (`settled`). Leaves out what tasks do (`evolution.tasks`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import cache, partial
from typing import Any

from evolution.tasks import TASKS
from evolution.tasks.base import Task
from experiments import keys as key_tables
from experiments.errors import UserError, suggestion
from sim.config import WorldConfig, WorldParams

NAME = "what is to be solved, by explicit fitness"


@cache
def _parts(name: str) -> tuple[type, dict[str, Any]]:
    """Class of a task, and the fields that its name decides."""
    maker: Any = TASKS[name]
    cls: Any = maker.func if isinstance(maker, partial) else maker
    return cls, maker.keywords if isinstance(maker, partial) else {}


def _free(name: str) -> list[Any]:
    cls, fixed = _parts(name)
    return [field for field in fields(cls) if field.name not in fixed and field.metadata]


def read(table: Any) -> Task:
    """The task of a [task] table."""
    if not isinstance(table, Mapping):
        raise UserError(f"task = {key_tables.literal(table, 80)}: must be a table of keys, [task]")
    if "name" not in table:
        raise UserError(f"task.name is missing; must be one of {', '.join(TASKS)}")
    name = key_tables.convert("task.name", table["name"], str, {"choices": tuple(TASKS)})
    cls, fixed = _parts(name)
    own = {field.name: field for field in _free(name)}
    kinds, values = key_tables.hints(cls), {}
    for key, value in table.items():
        if key == "name":
            continue
        if key not in own:
            near = suggestion(key, own) or f"; it has {', '.join(own)}" if own else ""
            raise UserError(f"unknown key task.{key} for task {name!r}{near}")
        values[key] = key_tables.convert(f"task.{key}", value, kinds[key], own[key].metadata)
    return cls(**fixed, **values)


def settled(task: Task | None, world: WorldConfig, params: WorldParams) -> Any:
    """The task in this world, if it is one of those that are played in a world."""
    return replace(task, world=world, params=params) if getattr(task, "in_world", False) else task  # type: ignore


def name_of(task: Task) -> str:
    """Name of a task in the registry."""
    for name in TASKS:
        cls, fixed = _parts(name)
        if type(task) is cls and all(getattr(task, key) == value for key, value in fixed.items()):
            return name
    raise ValueError(f"{task!r} is not in the registry")


def lines(task: Task) -> Iterator[str]:
    """`key = value` lines of a task."""
    name = name_of(task)
    yield f"name = {key_tables.literal(name)}"
    for field in _free(name):
        yield f"{field.name} = {key_tables.literal(getattr(task, field.name))}"


def rows() -> Iterator[key_tables.Row]:
    """The key reference: a key that several tasks have stands once for each meaning."""
    yield key_tables.Row("task.name", "", "", ", ".join(TASKS), NAME)
    meanings: dict[key_tables.Row, list[str]] = {}
    for name in TASKS:
        own = {field.name for field in _free(name)}
        for row in key_tables.rows(_parts(name)[0], "task"):
            if row.key.partition(".")[2] in own:
                meanings.setdefault(row, []).append(name)
    for row, names in sorted(meanings.items(), key=lambda item: item[0].key):
        yield row._replace(doc=f"{', '.join(names)}: {row.doc}")
