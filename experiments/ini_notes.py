"""The values of a config file of neat-python's, and what is noted of them: tables of ours, warnings, errors.

Leaves out what the keys mean (`experiments.ini_mapping`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from evolution.genome import BrainConfig
from evolution.mutation import MutationParams
from evolution.neat_species import NeatParams
from experiments.errors import UserError, suggestion

LIMITS = {"brain": BrainConfig, "mutation": MutationParams, "neat": NeatParams}

Values = Mapping[str, Any]


class Notes:
    """Values by section, and the tables and warnings that come of them."""

    def __init__(self, where: str, values: Mapping[str, Values], given: Mapping[str, set[str]], warnings: list[str]):
        self.where, self.given, self.warnings = where, given, warnings
        self.neat, self.genome = values["NEAT"], values["DefaultGenome"]
        self.species, self.stagnation = values["DefaultSpeciesSet"], values["DefaultStagnation"]
        self.reproduction = values["DefaultReproduction"]
        self.table: dict[str, Any] = {"brain": {}, "mutation": {}, "search": {}, "neat": {}}

    def warn(self, section: Values, name: str, why: str) -> None:
        """Says that a key is not kept to the letter."""
        self.warnings.append(f"{name} = {_shown(section[name])}: {why}")

    def error(self, section: Values, name: str, right: str) -> UserError:
        """The error of a key whose value cannot be."""
        return UserError(f"{self.where}: {name} = {_shown(section[name])}: must be {right}")

    def within(self, section: Values, name: str, low: float, high: float) -> Any:
        """The value of a key, if it is in a range."""
        if not low <= section[name] <= high:
            raise self.error(section, name, f"from {low:g} to {high:g}")
        return section[name]

    def one_of(self, section: Values, name: str, choices: tuple[str, ...]) -> str:
        """The value of a key, if it is one of some."""
        if section[name] not in choices:
            raise self.error(section, name, f"one of {', '.join(choices)}{suggestion(section[name], choices)}")
        return section[name]

    def put(self, table: str, key: str, section: Values, name: str, value: Any = None) -> None:
        """Sets `table.key` from `name`, brought within its range; a warning says so."""
        value = section[name] if value is None else value
        field: Field = next(f for f in fields(LIMITS[table]) if f.name == key)
        low, high = field.metadata["low"], field.metadata["high"]
        near = type(value)(min(max(value, low), high))
        if near != value:
            self.warn(section, name, f"taken as {table}.{key} = {near:g}, the nearest that there is")
        self.table[table][key] = near

    def unless(self, name: str, usual: tuple, why: str) -> None:
        """Says that a key of the genome is not kept to the letter, unless it has a usual value."""
        value = self.genome[name]
        if (value.lower() if isinstance(value, str) else value) not in usual:
            self.warn(self.genome, name, why)


def _shown(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)
