"""neat-python's config files as Firstword experiments: the same search in our NEAT, as far as it goes.

What has no counterpart here is named in warnings; what neat-python itself would not know is refused, as are
values that it could not read. Leaves out the task, which such a file does not name, and the length of the run.
Source: neat-python 2.0.0; older files load where it would load them.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, NamedTuple

from evolution.genome import BrainConfig
from evolution.interchange import ACTIVATIONS, AGGREGATIONS, known_keys
from evolution.mutation import RESPONSE_STEP, MutationParams
from evolution.neat_species import NeatParams
from experiments.errors import UserError, suggestion

LIMITS = {"brain": BrainConfig, "mutation": MutationParams, "neat": NeatParams}
CONNECTIVITY = ("unconnected", "fs_neat", "fs_neat_nohidden", "fs_neat_hidden", "full", "full_nodirect", "full_direct")
PARTIAL = ("partial", "partial_nodirect", "partial_direct")
STATISTICS = ("min", "max", "mean", "median", "median2")
NEVER = 1e9  # generations, or members of a species
PLAIN = "gauss", "normal"  # init types of neat-python that are normal distributions

Values = Mapping[str, Any]


class Ini(NamedTuple):
    """What a file of neat-python's says."""

    table: dict[str, Any]  # a Firstword document, without [task] and run.generations
    warnings: list[str]  # one line for each key that could not be kept to the letter
    inputs: int
    outputs: int


def load_ini(path: str | Path) -> Ini:
    """The experiment of a neat-python config file; a `UserError` names the key that is wrong."""
    where = f"config {str(path)!r}"
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{where} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{where} is not a text file in UTF-8") from None
    return read_ini(text, where)


def read_ini(text: str, where: str = "this text") -> Ini:
    """As `load_ini`, of the text of a file that errors call `where`."""
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
    return _Reader(where, values, {section: set(keys) for section, keys in raw.items()}, warnings).read()


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


class _Reader:
    """Collects the tables and warnings of one file."""

    def __init__(self, where: str, values: Mapping[str, Values], given: Mapping[str, set[str]], warnings: list[str]):
        self.where, self.given, self.warnings = where, given, warnings
        self.neat, self.genome = values["NEAT"], values["DefaultGenome"]
        self.species, self.stagnation = values["DefaultSpeciesSet"], values["DefaultStagnation"]
        self.reproduction = values["DefaultReproduction"]
        self.table: dict[str, Any] = {"brain": {}, "mutation": {}, "search": {}, "neat": {}}

    def read(self) -> Ini:
        for name in ("num_inputs", "num_outputs"):
            self._within(self.genome, name, 1, 1 << 20)
        self._search()
        self._species()
        self._structure()
        self._founders()
        self._functions()
        self._weights()
        self._nodes()
        return Ini(self.table, self.warnings, self.genome["num_inputs"], self.genome["num_outputs"])

    def warn(self, section: Values, name: str, why: str) -> None:
        """Says that a key is not kept to the letter."""
        self.warnings.append(f"{name} = {_shown(section[name])}: {why}")

    def error(self, section: Values, name: str, right: str) -> UserError:
        return UserError(f"{self.where}: {name} = {_shown(section[name])}: must be {right}")

    def _within(self, section: Values, name: str, low: float, high: float) -> Any:
        if not low <= section[name] <= high:
            raise self.error(section, name, f"from {low:g} to {high:g}")
        return section[name]

    def _one_of(self, section: Values, name: str, choices: tuple[str, ...]) -> str:
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

    def _search(self) -> None:
        neat = self.neat
        self.table["search"] = {
            "algorithm": "neat",
            "population": self._within(neat, "pop_size", 2, 1 << 20),
            "until_solved": not neat["no_fitness_termination"],
        }
        if neat["seed"] is not None:
            self.table["run"] = {"seed": self._within(neat, "seed", 0, 2**32 - 1)}
        if self._one_of(neat, "fitness_criterion", ("max", "min", "mean")) != "max":
            self.warn(neat, "fitness_criterion", "a run is judged by its best genome, and fitness is maximised")
        if not neat["no_fitness_termination"]:
            self.warn(neat, "fitness_threshold", "the task says when it is solved")
        if neat["reset_on_extinction"]:
            self.warn(neat, "reset_on_extinction", "no effect: a population never dies out")

    def _species(self) -> None:
        genome, stagnation, breeding = self.genome, self.stagnation, self.reproduction
        for key in ("disjoint", "excess"):
            self.put("neat", key, genome, "compatibility_disjoint_coefficient")
        self.put("neat", "weight", genome, "compatibility_weight_coefficient")
        self.put("neat", "threshold", self.species, "compatibility_threshold")
        why = "distances count connection genes alone, undivided below 20, and mean weight differences; watch `species`"
        self.warn(self.species, "compatibility_threshold", why)
        self.put("neat", "stagnation", stagnation, "max_stagnation")
        self.put("neat", "protected", stagnation, "species_elitism")
        if self._one_of(stagnation, "species_fitness_func", STATISTICS) != "max":
            self.warn(stagnation, "species_fitness_func", "a species is judged by its best member (max)")
        self.put("neat", "survival", breeding, "survival_threshold")
        self.put("neat", "elite_size", breeding, "elitism", 1.0 if breeding["elitism"] > 0 else NEVER)
        if breeding["elitism"] > 1:
            self.warn(breeding, "elitism", "a species keeps one champion")
        if breeding["min_species_size"] > 1:
            self.warn(breeding, "min_species_size", "a species may be as small as its share")
        # there, every child has two parents of one species, is mutated, and nothing ends by doldrums
        self.table["neat"] |= {"mutate_only": 0.0, "mate_only": 0.0, "interspecies": 0.0, "doldrums": NEVER}

    def _structure(self) -> None:
        genome = self.genome
        rates = {"conn_add_prob": "add_connection", "conn_delete_prob": "delete_connection"}
        rates |= {"node_add_prob": "add_node", "node_delete_prob": "delete_node"}
        for name, key in rates.items():
            self.put("mutation", key, genome, name)
        self.put("mutation", "toggle", genome, "enabled_mutate_rate")
        if genome["enabled_mutate_rate"]:
            self.warn(genome, "enabled_mutate_rate", "taken as mutation.toggle, which is per birth, not per connection")
        self._unless("enabled_default", ("true", "yes", "on", "1"), "founders' connections are enabled")
        for name in ("enabled_rate_to_true_add", "enabled_rate_to_false_add"):
            self._unless(name, (0.0,), "a connection is switched on or off at one rate")
        self._unless("single_structural_mutation", (False,), "each structural mutation is drawn by itself")
        surer = genome["structural_mutation_surer"].lower()
        switches_on = surer in ("1", "yes", "true", "on") or (
            surer == "default" and genome["single_structural_mutation"]
        )
        if not switches_on and "structural_mutation_surer" in self.given["DefaultGenome"]:
            self.warn(genome, "structural_mutation_surer", "a connection that is drawn again is always switched on")

    def _unless(self, name: str, usual: tuple, why: str) -> None:
        value = self.genome[name]
        if (value.lower() if isinstance(value, str) else value) not in usual:
            self.warn(self.genome, name, why)

    def _founders(self) -> None:
        genome, brain = self.genome, self.table["brain"]
        how, _, share = genome["initial_connection"].partition(" ")
        inputs, outputs, hidden = (genome[f"num_{part}"] for part in ("inputs", "outputs", "hidden"))
        self._within(genome, "num_hidden", 0, 256)
        brain |= {"dynamics": "feedforward" if genome["feed_forward"] else "recurrent", "hidden": 256}
        brain |= {"connections": 8192, "founder_topology": "random"}
        if how not in (*CONNECTIVITY, *PARTIAL) or (share and how in CONNECTIVITY):
            choices = (*CONNECTIVITY, *(f"{name} 0.5" for name in PARTIAL))
            right = f"one of {', '.join(choices)}{suggestion(how, (*CONNECTIVITY, *PARTIAL))}"
            raise self.error(genome, "initial_connection", right)
        if how.startswith("full"):
            whole = how == "full_direct" and hidden > 0
            brain |= {"founder_topology": "complete" if whole else "layered", "founder_hidden": hidden}
            brain["founder_connections"] = 0
            if whole and (hidden > 1 or not genome["feed_forward"]):
                self.warn(genome, "initial_connection", "founders have connections between hidden nodes as well")
            elif not genome["feed_forward"]:
                self.warn(genome, "initial_connection", "founders have no connections from a node to itself")
            return
        pairs, number = inputs * outputs, 0
        if how in PARTIAL:
            number = _draws(pairs, self._share(share))
        elif how != "unconnected":
            number = outputs
        if how != "unconnected":
            self.warn(genome, "initial_connection", f"founders draw {number} input-output connections, repeats dropped")
        if hidden:
            self.warn(genome, "num_hidden", "founders of this initial_connection have no hidden nodes")
        brain["founder_connections"] = 0
        self.put("brain", "founder_connections", genome, "initial_connection", number) if number else None

    def _share(self, text: str) -> float:
        try:
            value = float(text)
            if 0 <= value <= 1:
                return value
        except ValueError:
            pass
        raise self.error(self.genome, "initial_connection", "partial_direct or the like and a number from 0 to 1")

    def _functions(self) -> None:
        for gene, known in (("activation", ACTIVATIONS), ("aggregation", AGGREGATIONS)):
            options, default = self.genome[f"{gene}_options"], self.genome[f"{gene}_default"]
            for name in options:
                if name not in known:
                    right = f"names out of {', '.join(known)}{suggestion(name, known)}"
                    raise self.error(self.genome, f"{gene}_options", right)
            if default.lower() in ("random", "none"):
                self.warn(self.genome, f"{gene}_default", f"founders' nodes use the first, {options[0]}")
                default = options[0] if options else ""
            if default not in options:
                raise self.error(self.genome, f"{gene}_default", f"one of {gene}_options")
            names = list(dict.fromkeys([default, *options]))
            self.table["brain"][f"{gene}s"] = names
            self.put("mutation", gene, self.genome, f"{gene}_mutate_rate")
            if len(names) > 1 and self.genome[f"{gene}_mutate_rate"]:
                self.warn(self.genome, f"{gene}_mutate_rate", "of hidden nodes; outputs keep their function")

    def _weights(self) -> None:
        genome = self.genome
        rate, anew = genome["weight_mutate_rate"], genome["weight_replace_rate"]
        self.table["mutation"]["weights"] = 1.0
        self.put("mutation", "weight", genome, "weight_mutate_rate")
        self.put("mutation", "weight_replace", genome, "weight_replace_rate", min(anew, max(1.0 - rate, 0.0)))
        self.put("mutation", "weight_step", genome, "weight_mutate_power")
        self.put("mutation", "weight_new", genome, "weight_init_stdev")
        self.put("brain", "founder_weight", genome, "weight_init_stdev")
        self._drawn("weight", 0.0)
        self.put("mutation", "bias", genome, "bias_mutate_rate")
        if genome["bias_mutate_rate"] and genome["bias_mutate_power"] != genome["weight_mutate_power"]:
            self.warn(genome, "bias_mutate_power", "biases change by the same step as weights, mutation.weight_step")
        self._unless("bias_replace_rate", (0.0,), "biases are not drawn anew")
        self._unless("bias_init_stdev", (0.0,), "founders' biases are 0")
        self._unless("bias_init_mean", (0.0,), "founders' biases are 0")
        ends = {
            name: genome[name] for gene in ("weight", "bias") for name in (f"{gene}_min_value", f"{gene}_max_value")
        }
        limit = max(map(abs, ends.values()))
        for name, value in ends.items():
            if abs(value) != limit:
                self.warn(genome, name, f"weights and biases stay within ± {limit:g}, brain.weight_limit")
        largest = max(ends, key=lambda name: abs(ends[name]))
        self.put("brain", "weight_limit", genome, largest, limit)

    def _nodes(self) -> None:
        genome = self.genome
        rate, anew, sd = (genome[f"response_{key}"] for key in ("mutate_rate", "replace_rate", "init_stdev"))
        self.table["brain"]["response"] = bool(rate or anew or sd)
        self._unless("response_init_mean", (1.0,), "founders' responses are 1")
        self._unless("response_init_stdev", (0.0,), "founders' responses are 1")
        self._unless("response_replace_rate", (0.0,), "responses are not drawn anew")
        if rate:
            self.put("mutation", "response", genome, "response_mutate_rate")
            self._unless(
                "response_mutate_power", (RESPONSE_STEP,), f"responses change by steps of sd {RESPONSE_STEP:g}"
            )
            limit = self.table["brain"]["weight_limit"]
            for name in ("response_min_value", "response_max_value"):
                self._unless(name, (-limit, limit), f"responses stay within ± {limit:g}, brain.weight_limit")
        for name in ("time_constant_mutate_rate", "time_constant_replace_rate", "time_constant_init_stdev"):
            self._unless(
                name, (0.0,), 'nodes have time constants with brain.dynamics = "ctrnn", which files do not say'
            )

    def _drawn(self, gene: str, mean: float) -> None:
        self._unless(f"{gene}_init_mean", (mean,), f"{gene}s are drawn around {mean:g}")
        if not any(name in self.genome[f"{gene}_init_type"].lower() for name in PLAIN):
            self.warn(self.genome, f"{gene}_init_type", f"{gene}s are drawn from a normal distribution")


def _shown(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)


def _draws(pairs: int, share: float) -> int:
    """Draws with replacement that hit about this share of the pairs."""
    number, missed = 0, 1.0
    while missed > 1 - share + 1e-9 and number < 1024:
        number, missed = number + 1, missed * (1 - 1 / pairs)
    return number
