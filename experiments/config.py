"""Experiments: everything that decides a run, one frozen tree read from TOML and written back complete.

A file names only what differs from the defaults. Reading is strict: unknown keys, wrong types, values out
of range and combinations that cannot work are refused with one line that says what would be right, before
anything is compiled or created. Sources of the keys: the dataclasses below, each field with unit and range.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.learning import NAMES as LEARNERS
from agents.learning.dqn import DqnParams
from agents.learning.ppo import PpoParams
from evolution.genetic import GaParams
from evolution.genome import BrainConfig
from evolution.lifetime import MODES, LearningParams
from evolution.mutation import MutationParams
from evolution.neat_species import NeatParams
from evolution.random_search import RandomParams
from evolution.strategies import EsParams
from evolution.tasks.base import Task
from experiments import keys as key_tables
from experiments import task_table
from experiments.checks import check
from experiments.errors import UserError as UserError
from experiments.errors import suggestion as suggestion
from experiments.ini import is_ini, read_ini
from experiments.search_checks import check_search
from sim.config import WorldConfig, WorldParams, key

BUILTIN = Path(__file__).parent / "configs"
MOST_TICKS = 2_000_000_000  # ticks are int32
SEARCHES = ("neat", "ga", "openai_es", "cma_es", "random_search", "neat_python")
ALGORITHMS = ("natural", *SEARCHES, *LEARNERS)
OWN_TABLE = {
    **{"neat": "neat", "neat_python": "neat", "ga": "ga", "openai_es": "es", "cma_es": "es"},
    **{"random_search": "random_search", "ppo": "ppo", "recurrent_ppo": "ppo", "dqn": "dqn"},
}


SEARCH_PACE = {"log_every": 1, "checkpoint_every": 50}
LEARNING_PACE = {"log_every": 10, "checkpoint_every": 500}
"""Of [run], in generations, where a search or a learner does not say."""
LEARNING_FRESH = 20_000
"""`search.fresh_every` of learners that do not say: they count a solution by it."""


@dataclass(frozen=True)
class RunConfig:
    """How long a run lasts and what it writes. Only seed, minds and on_extinction change its history."""

    seed: int = key(0, "seed of all randomness", low=0, high=2**32 - 1)
    ticks: int = key(20_000, "length of a run in a world", low=1, high=MOST_TICKS, unit="ticks")
    generations: int = key(100, "most generations of a search", low=1, high=MOST_TICKS, unit="generations")
    agent_steps: int = key(
        0,
        "searches and learners: a run is over when it has lived so many steps, its last generation whole; 0: no limit",
        low=0,
        high=10**12,
        unit="agent-steps",
    )
    wall_seconds: float = key(0.0, "stop after so much time; 0: no limit", low=0, high=1e9, unit="s")
    worlds: int = key(1, "replicate worlds or searches that run side by side, each with its own seed", low=1, high=4096)
    minds: str = key("evolved", "what the founders think with", choices=("evolved", "random", "greedy"))
    log_every: int = key(
        100,
        "a row of metrics every so often; searches: 1 unless given, learners 10",
        low=1,
        high=MOST_TICKS,
        unit="ticks or generations",
    )
    checkpoint_every: int = key(
        5000,
        "a checkpoint every so often; searches: 50 unless given, learners 500",
        low=1,
        high=MOST_TICKS,
        unit="ticks or generations",
    )
    keep_checkpoints: int = key(3, "how many of the latest checkpoints stay", low=1, high=10_000)
    on_extinction: str = key(
        "end", "when nobody lives: end the run, or put new founders and count it", choices=("end", "refound")
    )
    sample_genomes: int = key(8, "genomes written at each checkpoint", low=0, high=65_536)
    lineage: bool = key(True, "write every birth and death to lineage/")


@dataclass(frozen=True)
class SearchConfig:
    """What selects. With `natural` selection there is no task: who breeds is decided in the world."""

    algorithm: str = key("natural", "survival in a world, or explicit fitness on a task", choices=ALGORITHMS)
    population: int = key(150, "genomes per generation, of each island", low=2, high=1 << 20)
    islands: int = key(1, "populations that a run is split into (neat, ga), which exchange migrants", low=1, high=4096)
    migration_every: int = key(
        10, "migrants leave every so often, in a ring; 0: never", low=0, high=MOST_TICKS, unit="generations"
    )
    migrants: int = key(2, "best genomes of an island that replace the worst of the next one", low=1, high=1 << 19)
    species: int = key(32, "slots for species (neat); more than that join the nearest", low=2, high=1024)
    structure: bool = key(False, "ga: structural mutation as well, not weights alone")
    tournament: int = key(0, "ga: genomes that compete to be a parent; 0: truncation", low=0, high=1000)
    until_solved: bool = key(True, "a run ends when it has solved its task")
    learning: str = key(
        "none",
        "newborn networks practise before they are evaluated ([learning]; in the world by plasticity); baldwin: "
        "children get their parents' genes, lamarck: what their parents learned (neat, ga)",
        choices=MODES,
    )
    fresh_every: int = key(
        0,
        "the best mind since the last time lives fresh episodes every so often, and the best in these is handed in; "
        "0: never; learners: 20,000 unless given",
        low=0,
        high=10**12,
        unit="agent-steps",
    )
    fresh_episodes: int = key(32, "fresh episodes for that, in tasks that draw them", low=1, high=1000)
    ini: str = key("", "neat_python: text of a config file of its own, instead of [mutation] and [neat]")


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
    search: SearchConfig = SearchConfig()
    neat: NeatParams = NeatParams()
    ga: GaParams = GaParams()
    es: EsParams = EsParams()
    random_search: RandomParams = RandomParams()
    ppo: PpoParams = PpoParams()
    dqn: DqnParams = DqnParams()
    learning: LearningParams = LearningParams()
    task: Task | None = None
    run: RunConfig = RunConfig()
    stop: tuple[StopRule, ...] = ()


TABLES: dict[str, type] = {
    "world": WorldConfig,
    "params": WorldParams,
    "brain": BrainConfig,
    "mutation": MutationParams,
    "search": SearchConfig,
    "neat": NeatParams,
    "ga": GaParams,
    "es": EsParams,
    "random_search": RandomParams,
    "ppo": PpoParams,
    "dqn": DqnParams,
    "learning": LearningParams,
    "run": RunConfig,
}
TEXTS = {"name": "name of the study; names its run folders", "description": "what it studies, in one line"}


def keys() -> list[key_tables.Row]:
    """Reference of all keys: key, default, unit, range or choices, meaning."""
    out = [key_tables.Row(name, "", "", "", doc) for name, doc in TEXTS.items()]
    for table, cls in (*TABLES.items(), ("stop", StopRule)):
        out += key_tables.rows(cls, table)
        if table == "search":
            out += task_table.rows()
    return out


def tables(experiment: Experiment) -> list[str]:
    """Names of the tables that have a say in an experiment, in the order in which they are written."""
    algorithm = experiment.search.algorithm
    if algorithm == "natural":
        return ["world", "params", "brain", "mutation", "run"]
    land = ["world", "params"] if getattr(experiment.task, "in_world", False) else []
    if algorithm == "neat_python" and experiment.search.ini:
        return [*land, "brain", "search", "task", "run"]
    genes = [] if algorithm in LEARNERS else ["brain"] if algorithm == "random_search" else ["brain", "mutation"]
    practice = [] if experiment.search.learning == "none" or land else ["learning"]
    return [*land, *genes, "search", OWN_TABLE[algorithm], *practice, "task", "run"]


def builtin_names() -> list[str]:
    """Names of the configs that come with the package."""
    return sorted(path.stem for path in BUILTIN.glob("*.toml"))


def load(
    name_or_path: str | Path,
    overrides: list[str] | tuple[str, ...] = (),
    seed: int | None = None,
    tell: Callable[[str], object] = str,
) -> Experiment:
    """The checked experiment of a built-in name or a file, after `key=value` overrides and the seed.

    A file may be one of neat-python's; `tell` then gets a line for whatever could not be kept to the letter.
    """
    path = locate(name_or_path)
    text, source = text_of(path), f"config {str(path)!r}"
    ini = read_ini(text, source, _hosted(overrides)) if is_ini(path.name, text) else None
    table = ini.table if ini else parsed(text, source)
    if path.parent == BUILTIN or "name" not in table:
        table["name"] = path.stem
    for text in overrides:
        _override(table, text)
    if seed is not None:
        run = table.setdefault("run", {})
        if isinstance(run, dict):
            run["seed"] = seed
    if ini and "name" not in table.get("task", {}):
        ini.fits(None, source)
    experiment = from_table(table)
    if ini:
        ini.fits(experiment.task, source)
        for warning in ini.warnings:
            tell(f"{source}: {warning}")
    _demand_effect(experiment, overrides)
    return experiment


def _demand_effect(experiment: Experiment, overrides: list[str] | tuple[str, ...]) -> None:
    """Refuses overrides of what has no say. A file may hold it for other algorithms; a command line is for one."""
    idle = {*OWN_TABLE.values(), "learning"} - set(tables(experiment))
    algorithm = experiment.search.algorithm
    for text in overrides:
        head = text.partition("=")[0].strip()
        name = head.partition(".")[0]
        if name not in idle and not (head == "search.population" and algorithm in LEARNERS):
            continue
        where = f"search.algorithm = {key_tables.literal(algorithm)}"
        if name == "learning" and algorithm in SEARCHES:
            in_world = experiment.search.learning != "none"  # where creatures learn by brain.plasticity
            where = "a task in the world" if in_world else 'search.learning = "none"'
        raise UserError(f"--set {text!r}: {head} has no effect with {where}")


def loads(text: str) -> Experiment:
    """The checked experiment of a TOML text, such as `resolved` writes."""
    return from_table(parsed(text, "this text"))


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
        if name == "task":
            values[name] = task_table.read(value)
        elif name in TABLES:
            values[name] = key_tables.read(TABLES[name], value, name, known)
        elif name == "stop":
            if not isinstance(value, list):
                raise UserError(f"stop = {key_tables.literal(value, 80)}: must be a list of tables, [[stop]]")
            values[name] = tuple(key_tables.read(StopRule, rule, "stop", known) for rule in value)
        elif name in TEXTS:
            values[name] = key_tables.convert(name, value, str, {})
        else:
            raise key_tables.unknown(name, [*known, *TABLES, "task", "stop"])
    experiment = _paced(_pertinent(Experiment(**values), table), table)
    task = task_table.settled(experiment.task, experiment.world, experiment.params)
    experiment = replace(experiment, task=task)
    check(experiment)
    check_search(experiment)
    return experiment


def _paced(experiment: Experiment, table: dict[str, Any]) -> Experiment:
    """A generation is worth many ticks: searches log and save more often, unless the file says how often."""
    if experiment.search.algorithm == "natural":
        return experiment
    pace = LEARNING_PACE if experiment.search.algorithm in LEARNERS else SEARCH_PACE
    missing: dict[str, Any] = {name: n for name, n in pace.items() if name not in table.get("run", {})}
    experiment = replace(experiment, run=replace(experiment.run, **missing))
    if experiment.search.algorithm not in LEARNERS or "fresh_every" in table.get("search", {}):
        return experiment
    return replace(experiment, search=replace(experiment.search, fresh_every=LEARNING_FRESH))


def _pertinent(experiment: Experiment, table: dict[str, Any]) -> Experiment:
    """Without the tables of other algorithms, which a file may hold too; other useless tables are refused."""
    useful = tables(experiment)
    others = (
        {"brain", "mutation", "learning", *OWN_TABLE.values()} if not experiment.search.ini else set(OWN_TABLE.values())
    )
    idle = others - set(useful) if "search" in useful else set()
    algorithm = key_tables.literal(experiment.search.algorithm)
    for name in (*TABLES, "task"):
        given = [f"{name}.{key}" for key in table.get(name, ()) if (name, key) != ("search", "algorithm")]
        if given and name not in useful and experiment.search.ini and name in ("mutation", "neat"):
            raise UserError(
                f"{given[0]} has no effect beside search.ini, neat-python's own config file; change it there"
            )
        if given and name not in useful and name not in idle:
            raise UserError(f"{given[0]} has no effect with search.algorithm = {algorithm}; leave [{name}] out")
    return replace(experiment, **{name: TABLES[name]() for name in idle})


def resolved(experiment: Experiment) -> str:
    """The complete experiment as TOML; `loads` gives an equal one."""
    parts = [[f"{name} = {key_tables.literal(getattr(experiment, name))}" for name in TEXTS]]
    for name in tables(experiment):
        write = task_table.lines if name == "task" else key_tables.lines
        parts.append([f"[{name}]", *write(getattr(experiment, name))])
    parts += [["[[stop]]", *key_tables.lines(rule)] for rule in experiment.stop]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _hosted(overrides: list[str] | tuple[str, ...]) -> bool:
    """Whether overrides choose neat-python's own search."""
    own: dict[str, Any] = {}
    for text in overrides:
        _override(own, text)
    return own.get("search", {}).get("algorithm") == "neat_python"


def text_of(path: Path) -> str:
    """Text of a config file, or a `UserError`."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"config {str(path)!r} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"config {str(path)!r} is not a text file in UTF-8") from None


def parsed(text: str, source: str) -> dict[str, Any]:
    """A TOML text as tables, or a `UserError` that names its source."""
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
    groups = (*TABLES, "task")
    if dotted != "stop" and (dotted not in known or head == "stop"):
        if head == "stop":
            raise UserError(f"--set {text!r}: stop is a list; write stop=[{{metric = 'population', above = 500}}]")
        if head in groups and not tail:
            raise UserError(f"--set {text!r}: {head} is a table; set one key, such as {_first(head, known)}")
        raise key_tables.unknown(dotted, known)
    wants_text = dotted in (*TEXTS, "task.name") or (head in TABLES and key_tables.hints(TABLES[head])[tail] is str)
    value = value_of(raw, wants_text)
    if not tail:
        table[dotted] = value
        return
    inner = table.setdefault(head, {})
    if isinstance(inner, dict):  # else `from_table` refuses it
        inner[tail] = value


def _first(table: str, known: list[str]) -> str:
    return next(name for name in known if name.startswith(f"{table}."))


def value_of(raw: str, wants_text: bool = False) -> Any:
    """The right side of an override as a TOML value; what is not TOML is a bare string."""
    try:
        table = tomllib.loads(f"value = {raw}")
    except (ValueError, RecursionError):
        return raw
    if set(table) != {"value"} or (wants_text and not isinstance(table["value"], str)):
        return raw
    return table["value"]
