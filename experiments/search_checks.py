"""Combinations of keys that cannot work in a search by explicit fitness, or in a world because of one.

As `experiments.checks`: each names one dotted key, its value and what would be right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolution.genome import designed
from evolution.strategies import NAMES as STRATEGIES
from evolution.tasks import TASKS
from experiments.errors import UserError
from experiments.keys import literal
from sim import actions, senses

if TYPE_CHECKING:
    from experiments.config import Experiment


def check_search(experiment: Experiment) -> None:
    """Raises a `UserError` for what cannot run."""
    natural = experiment.search.algorithm == "natural"
    if natural:
        _world_brains(experiment)
    else:
        _task_brains(experiment)
    _founders(experiment)
    if experiment.search.tournament > experiment.search.population:
        raise _error("search.tournament", experiment.search.tournament, "at most search.population")
    if experiment.search.algorithm == "openai_es" and experiment.search.population % 2:
        raise _error("search.population", experiment.search.population, "even with openai_es, which draws in pairs")


def _error(dotted: str, value: Any, right: str) -> UserError:
    return UserError(f"{dotted} = {literal(value, 80)}: must be {right}")


def _world_brains(experiment: Experiment) -> None:
    """Brains of the living world are sparse recurrent sums."""
    brain, where = experiment.brain, 'with search.algorithm = "natural"'
    if brain.dynamics != "recurrent":
        raise _error("brain.dynamics", brain.dynamics, f'"recurrent" {where}')
    if brain.aggregations != ("sum",):
        raise _error("brain.aggregations", brain.aggregations, f'["sum"] {where}')
    if brain.response:
        raise _error("brain.response", True, f"false {where}")
    if brain.steps != 1:
        raise _error("brain.steps", brain.steps, f"1 {where}")


def _task_brains(experiment: Experiment) -> None:
    brain, algorithm = experiment.brain, experiment.search.algorithm
    if experiment.task is None:
        names = ", ".join(TASKS)
        raise UserError(f"task.name is missing; search.algorithm = {literal(algorithm)} needs one of {names}")
    if brain.plasticity != "none":
        raise _error("brain.plasticity", brain.plasticity, f'"none" with search.algorithm = {literal(algorithm)}')
    if not brain.aggregations:
        raise _error("brain.aggregations", brain.aggregations, 'at least one function, for example ["sum"]')
    if algorithm in STRATEGIES and brain.founder_topology == "random":
        right = f'"layered" or "complete" with search.algorithm = {literal(algorithm)}, whose networks are all alike'
        raise _error("brain.founder_topology", brain.founder_topology, right)


def _founders(experiment: Experiment) -> None:
    brain = experiment.brain
    if brain.founder_topology == "random":
        return
    if brain.founder_hidden > brain.hidden:
        raise _error("brain.founder_hidden", brain.founder_hidden, f"at most brain.hidden, {brain.hidden}")
    if experiment.task is not None:
        inputs, outputs = experiment.task.inputs, experiment.task.outputs
    else:
        inputs, outputs = len(senses.names(experiment.world)), len(actions.names(experiment.world))
    need = len(designed(brain, inputs, outputs))
    if need > brain.connections:
        right = f"at least {need}, which {literal(brain.founder_topology)} founders with {inputs} inputs have"
        raise _error("brain.connections", brain.connections, right)
