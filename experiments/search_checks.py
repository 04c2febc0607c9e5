"""Combinations of keys that cannot work in a search by explicit fitness, or in a world because of one.

As `experiments.checks`: each names one dotted key, its value and what would be right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents.learning import NAMES as LEARNERS
from evolution.genome import designed
from evolution.interchange import parsed
from evolution.strategies import NAMES as STRATEGIES
from evolution.tasks import TASKS
from evolution.tasks.environment import environment_of
from evolution.tasks.gates import Gate
from experiments.errors import UserError
from experiments.ini import read_ini
from experiments.keys import literal
from experiments.task_table import name_of
from sim import actions, senses

if TYPE_CHECKING:
    from experiments.config import Experiment

RISING = {"sigmoid", "tanh", "relu", "identity", "clamped", "elu", "lelu", "selu", "softplus", "exp", "log", "cube"}
"""Functions with which an output that hears inputs alone cannot be an XOR."""
INSULAR = ("neat", "ga")
"""Algorithms whose populations may be split into islands."""


def check_search(experiment: Experiment) -> None:
    """Raises a `UserError` for what cannot run."""
    natural = experiment.search.algorithm == "natural"
    if natural:
        _world_brains(experiment, 'with search.algorithm = "natural"')
        if experiment.run.agent_steps:
            right = '0 with search.algorithm = "natural"; use run.ticks'
            raise _error("run.agent_steps", experiment.run.agent_steps, right)
    elif experiment.search.algorithm in LEARNERS:
        _learner(experiment)
    else:
        _task_brains(experiment)
    if getattr(experiment.task, "in_world", False) and experiment.search.algorithm not in LEARNERS:
        _world_task(experiment)
    if getattr(experiment.task, "in_world", False):
        _world_eyes(experiment)
    if experiment.search.algorithm not in LEARNERS:
        _founders(experiment)
    _practice(experiment)
    if experiment.search.ini:
        _ini(experiment)
    _islands(experiment)
    if experiment.search.tournament > experiment.search.population:
        raise _error("search.tournament", experiment.search.tournament, "at most search.population")
    if experiment.ga.elites >= experiment.search.population and experiment.search.algorithm == "ga":
        raise _error(
            "ga.elites", int(experiment.ga.elites), f"less than search.population, {experiment.search.population}"
        )
    if experiment.search.algorithm == "openai_es" and experiment.search.population % 2:
        raise _error("search.population", experiment.search.population, "even with openai_es, which draws in pairs")


def _error(dotted: str, value: Any, right: str) -> UserError:
    return UserError(f"{dotted} = {literal(value, 80)}: must be {right}")


def _demand_task(experiment: Experiment) -> None:
    if experiment.task is None:
        algorithm, names = literal(experiment.search.algorithm), ", ".join(TASKS)
        raise UserError(f"task.name is missing; search.algorithm = {algorithm} needs one of {names}")


def _learner(experiment: Experiment) -> None:
    """Learners by reward, and tasks that have rewards."""
    _demand_task(experiment)
    task: Any = experiment.task
    where = f"with search.algorithm = {literal(experiment.search.algorithm)}"
    if getattr(task, "in_world", False) and task.mode != "own":
        raise _error("task.mode", task.mode, f'"own" {where}; in a shared world fitness is relative to the others')
    if getattr(task, "blind", False):
        raise _error("task.blind", True, f"false {where}")
    try:
        bodies = environment_of(task).bodies
    except ValueError as error:
        raise _error("task.name", name_of(task), f"a task of rewards {where}; {error}") from None
    if experiment.search.algorithm in ("ppo", "recurrent_ppo"):
        lanes = experiment.ppo.environments * bodies
        most = lanes * (1 if experiment.search.algorithm == "recurrent_ppo" else experiment.ppo.horizon)
        if experiment.ppo.minibatches > most:
            right = f"at most {most}, which is what an iteration can be split into"
            raise _error("ppo.minibatches", experiment.ppo.minibatches, right)


def _world_brains(experiment: Experiment, where: str) -> None:
    """Brains of the living world are sparse recurrent sums."""
    brain = experiment.brain
    if brain.dynamics != "recurrent":
        raise _error("brain.dynamics", brain.dynamics, f'"recurrent" {where}')
    if brain.aggregations != ("sum",):
        raise _error("brain.aggregations", brain.aggregations, f'["sum"] {where}')
    if brain.response:
        raise _error("brain.response", True, f"false {where}")
    if brain.steps != 1:
        raise _error("brain.steps", brain.steps, f"1 {where}")


def _world_task(experiment: Experiment) -> None:
    """Tasks in the living world are for its minds, and need company for a control by one another's observations."""
    task: Any = experiment.task
    _world_brains(experiment, f"with task.name = {literal(name_of(task))}")
    company = task.clones * (experiment.search.population if task.mode == "shared" else 1)
    if task.blind and company < 2:
        raise _error("task.clones", task.clones, "at least 2 with task.blind in worlds of its own, where clones meet")


def _world_eyes(experiment: Experiment) -> None:
    """What tasks in the living world have written by hand needs the senses that it was written for."""
    task: Any = experiment.task
    missing = [name for name in ("retina", "touch") if name not in experiment.world.senses]
    for name, value in (("company", "greedy"), ("features", "hand")):
        if getattr(task, name) == value and missing:
            right = f"another, or world.senses must have {' and '.join(missing)}, which it needs"
            raise _error(f"task.{name}", value, right)


def _task_brains(experiment: Experiment) -> None:
    brain, algorithm = experiment.brain, experiment.search.algorithm
    _demand_task(experiment)
    if brain.plasticity != "none" and algorithm in STRATEGIES:
        right = f'"none" with search.algorithm = {literal(algorithm)}, which evolves no learning rates'
        raise _error("brain.plasticity", brain.plasticity, right)
    if brain.plasticity != "none" and not getattr(experiment.task, "in_world", False):
        task: Any = experiment.task
        right = f'"none" with task.name = {literal(name_of(task))}; networks are plastic in worlds only'
        raise _error("brain.plasticity", brain.plasticity, right)
    if brain.dynamics == "feedforward" and brain.steps != 1:
        raise _error("brain.steps", brain.steps, '1 with brain.dynamics = "feedforward", which settles in one look')
    if isinstance(experiment.task, Gate) and experiment.task.gate == "xor" and brain.dynamics != "feedforward":
        straight = set(brain.activations) <= RISING and set(brain.aggregations) <= {"sum", "mean"}
        if straight and experiment.task.settle * brain.steps < 2:
            right = (
                f"at least 2 with brain.dynamics = {literal(brain.dynamics)}, where hidden nodes answer a step later"
            )
            raise _error("task.settle", experiment.task.settle, right)
    if not brain.aggregations:
        raise _error("brain.aggregations", brain.aggregations, 'at least one function, for example ["sum"]')
    if algorithm in STRATEGIES and brain.founder_topology == "random":
        right = f'"layered" or "complete" with search.algorithm = {literal(algorithm)}, whose networks are all alike'
        raise _error("brain.founder_topology", brain.founder_topology, right)


def _practice(experiment: Experiment) -> None:
    """Newborns that learn before they are evaluated."""
    mode, algorithm = experiment.search.learning, experiment.search.algorithm
    where = f"with search.algorithm = {literal(algorithm)}"
    if mode == "none":
        return
    if algorithm in (*LEARNERS, "natural", "neat_python"):
        raise _error("search.learning", mode, f'"none" {where}')
    if experiment.search.islands > 1:
        raise _error("search.learning", mode, '"none" with search.islands above 1')
    if mode == "lamarck" and algorithm not in INSULAR:
        raise _error("search.learning", mode, f'"none" or "baldwin" {where}, which has no parents')
    if getattr(experiment.task, "in_world", False):
        if mode == "lamarck":
            raise _error("search.learning", mode, '"none" or "baldwin" in the world, where plasticity is not inherited')
        if experiment.brain.plasticity == "none":
            raise _error("search.learning", mode, '"none", or brain.plasticity must say how creatures learn')
    else:
        try:
            environment_of(experiment.task)  # type: ignore[arg-type]
        except ValueError as error:
            raise _error("search.learning", mode, f'"none" with this task; {error}') from None


def _ini(experiment: Experiment) -> None:
    """A config file of neat-python's that stands in for [mutation] and [neat]."""
    search, brain = experiment.search, experiment.brain
    if search.algorithm != "neat_python":
        raise _error("search.ini", search.ini, f'"" with search.algorithm = {literal(search.algorithm)}')
    ini = read_ini(search.ini, "search.ini", hosted=True)
    ini.fits(experiment.task, "search.ini")
    for name in ("activations", "aggregations", "dynamics", "response"):
        value, told = getattr(brain, name), ini.table["brain"][name]
        if (value, told) == ("ctrnn", "recurrent"):  # which of the two, no file says
            continue
        if value != (tuple(told) if isinstance(told, list) else told):
            raise _error(f"brain.{name}", value, f"{literal(told)}, as search.ini says")
    try:
        parsed(search.ini)
    except Exception as error:  # neat-python's own, of many kinds
        raise UserError(f"search.ini: neat-python refuses it: {' '.join(str(error).split())[:300]}") from None


def _islands(experiment: Experiment) -> None:
    """Several populations in a run, and migrants between them."""
    search = experiment.search
    if search.islands == 1:
        return
    if search.algorithm not in INSULAR:
        right = f"1 with search.algorithm = {literal(search.algorithm)}, which takes no migrants"
        raise _error("search.islands", search.islands, f"{right}; run.worlds runs several searches side by side")
    if search.migrants > search.population // 2:
        raise _error("search.migrants", search.migrants, f"at most half of search.population, {search.population}")


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
