"""A task over more, or fewer, of its random episodes: for validation and tests of minds that were found on others."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from evolution.tasks.memory import ENUMERATED, Memory


def fresh(task: Any, episodes: int) -> Any:
    """The task of one mind alone over so many episodes, if they are drawn at random; else as it is, each case once."""
    if isinstance(task, Memory):
        return replace(task, samples=episodes) if task.length > ENUMERATED else task
    if "episodes" not in {field.name for field in fields(task)}:
        return task
    alone = {"mode": "own"} if getattr(task, "in_world", False) else {}
    return replace(task, episodes=episodes, **alone)
