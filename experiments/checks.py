"""Combinations of keys that cannot work, each of which is fine by itself.

Ranges and types are checked where a key is read; here is what needs several keys, or knowledge of the
world. Each check names one dotted key, its value and what would be right. Leaves out what is merely
unwise, such as a world in which nobody can ever breed: that may be the experiment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from experiments.errors import UserError, suggestion
from experiments.keys import literal
from sim import senses
from sim.body import RANGES
from sim.config import ENERGY_LIMIT, WorldConfig, WorldParams
from sim.fields import COARSE
from sim.life import notation
from sim.life.pattern import RuleError
from sim.life.rules import Rule

if TYPE_CHECKING:
    from experiments.config import Experiment, StopRule

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


def check(experiment: Experiment) -> Experiment:
    """The experiment itself if it can run, else a `UserError`."""
    if not NAME.fullmatch(experiment.name):
        raise _error("name", experiment.name, "1 to 64 letters, digits, dots, dashes or underscores; it names folders")
    _world(experiment.world)
    _bodies(experiment.params)
    _minds(experiment)
    for rule in experiment.stop:
        _stop(rule, experiment.search.algorithm)
    return experiment


def _error(dotted: str, value: Any, right: str) -> UserError:
    return UserError(f"{dotted} = {literal(value, 80)}: must be {right}")


def _world(world: WorldConfig) -> None:
    for side in ("width", "height"):
        size = getattr(world, side)
        if size % COARSE:
            below = size - size % COARSE
            raise _error(f"world.{side}", size, f"a multiple of {COARSE}, for example {below} or {below + COARSE}")
    for name in ("founders", "births_at_once"):
        if getattr(world, name) > world.max_agents:
            raise _error(f"world.{name}", getattr(world, name), f"at most world.max_agents, {world.max_agents}")
    _distinct("world.senses", world.senses)
    if not senses.names(world):
        raise _error("world.senses", world.senses, 'a list with a sense that exists here, for example ["self"]')
    distances = world.retina_distances
    if not distances or list(distances) != sorted(set(distances)):
        raise _error("world.retina_distances", distances, "one or more numbers, each larger than the one before")
    reach = min(world.width, world.height) / 2
    if distances[-1] >= reach:
        raise _error("world.retina_distances", distances, f"less than half the shorter side of the world, {reach:g}")
    _automaton(world)


def _automaton(world: WorldConfig) -> None:
    text = world.automaton_rule
    try:
        rule, grid = notation.parse(text)
    except RuleError as error:
        raise UserError(f"world.automaton_rule = {literal(text, 80)}: {error}") from None
    if not isinstance(rule, Rule) or grid.name:
        right = "a rule of two states and 3×3 cells without a grid, such as B36/S23 or HighLife"
        raise _error("world.automaton_rule", text, right)
    for name in ("automaton_toggle", "automaton_wander"):
        value = getattr(world, name)
        if world.automaton == "none" and value not in ("none", False):
            right = 'world.automaton must not be "none"'
            raise _error(f"world.{name}", value, f"{'none' if value is not True else 'false'}, or {right}")


def _distinct(dotted: str, names: tuple[str, ...]) -> None:
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise _error(dotted, names, f"a list without repeats; {twice[0]} is there twice")


def _bodies(params: WorldParams) -> None:
    largest = RANGES["size"][1]
    if largest * (params.energy_capacity + params.flesh) >= ENERGY_LIMIT:
        most = ENERGY_LIMIT / largest - params.flesh
        right = f"below {most:g} with params.flesh = {params.flesh:g}, so that energies stay exact in the largest body"
        raise _error("params.energy_capacity", params.energy_capacity, right)


def _minds(experiment: Experiment) -> None:
    brain, world = experiment.brain, experiment.world
    if brain.founder_topology == "random" and brain.founder_connections > brain.connections:
        right = f"at most brain.connections, {brain.connections}"
        raise _error("brain.founder_connections", brain.founder_connections, right)
    if not brain.activations:
        raise _error("brain.activations", brain.activations, 'at least one function, for example ["tanh"]')
    _distinct("brain.activations", brain.activations)
    if brain.plasticity == "reward" and "self" not in world.senses:
        right = 'none or hebbian, or world.senses must have "self", which tells the reward'
        raise _error("brain.plasticity", "reward", right)
    missing = [name for name in ("retina", "touch") if name not in world.senses]
    if experiment.run.minds == "greedy" and missing:
        right = f"evolved or random, or world.senses must have {' and '.join(missing)}, which greedy minds need"
        raise _error("run.minds", "greedy", right)


def _stop(rule: StopRule, algorithm: str) -> None:
    if (rule.above is None) == (rule.below is None):
        both = "both" if rule.above is not None else "neither"
        raise UserError(f"stop.above, stop.below: {both} given for {rule.metric}; must be exactly one")
    from experiments import metrics  # here: most configs have no stop rule and need not load it

    columns = metrics.columns(algorithm)
    if rule.metric not in columns:
        near = suggestion(rule.metric, columns) or f"; for example {', '.join(columns[2:5])}"
        raise _error("stop.metric", rule.metric, f"a column of metrics.csv{near}")
