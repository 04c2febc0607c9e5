"""What becomes of each key of neat-python's config files: our keys, and a warning wherever they mean less or more.

The tables of docs/interchange.md say the same in words. Leaves out reading the file (`experiments.ini`).
Source: neat-python 2.0.0.
"""

from __future__ import annotations

import contextlib
from typing import Any

from evolution.gene_table import ACTIVATIONS, AGGREGATIONS
from evolution.mutation import RESPONSE_STEP
from experiments.errors import suggestion
from experiments.ini_notes import Notes

CONNECTIVITY = ("unconnected", "fs_neat", "fs_neat_nohidden", "fs_neat_hidden", "full", "full_nodirect", "full_direct")
PARTIAL = ("partial", "partial_nodirect", "partial_direct")
STATISTICS = ("min", "max", "mean", "median", "median2")
NEVER = 1e9  # generations, or members of a species
PLAIN = "gauss", "normal"  # init types of neat-python that are normal distributions


class Mapped(Notes):
    """The tables and warnings of one file; built up by `read` or `hosted`."""

    def read(self) -> dict[str, Any]:
        """The document of our NEAT that comes nearest."""
        self._search("neat")
        self._species()
        self._structure()
        self._founders()
        self._functions()
        self._weights()
        self._nodes()
        return self.table

    def hosted(self, text: str) -> dict[str, Any]:
        """The document of neat-python's own search with the same file, `text`."""
        self._search("neat_python")
        self._dynamics()
        told = list(self.warnings)
        self._functions()
        self.warnings = told  # neat-python keeps all else to the letter
        varies = any(self.genome[f"response_{key}"] for key in ("mutate_rate", "replace_rate", "init_stdev"))
        self.table["brain"]["response"] = varies or self.genome["response_init_mean"] != 1
        self.table["search"]["ini"] = text
        return {name: self.table[name] for name in ("brain", "search", "run") if name in self.table}

    def _search(self, algorithm: str) -> None:
        neat = self.neat
        for name in ("num_inputs", "num_outputs"):
            self.within(self.genome, name, 1, 1 << 20)
        self.table["search"] = {
            "algorithm": algorithm,
            "population": self.within(neat, "pop_size", 2, 1 << 20),
            "until_solved": not neat["no_fitness_termination"],
        }
        if neat["seed"] is not None:
            self.table["run"] = {"seed": self.within(neat, "seed", 0, 2**32 - 1)}
        if self.one_of(neat, "fitness_criterion", ("max", "min", "mean")) != "max":
            self.warn(neat, "fitness_criterion", "a run is judged by its best genome, and fitness is maximised")
        if not neat["no_fitness_termination"]:
            self.warn(neat, "fitness_threshold", "the task says when it is solved")
        if algorithm == "neat_python" and not neat["reset_on_extinction"]:
            self.warn(neat, "reset_on_extinction", "a population that has died out is founded anew")
        if algorithm == "neat" and neat["reset_on_extinction"]:
            self.warn(neat, "reset_on_extinction", "no effect: a population never dies out")

    def _dynamics(self) -> None:
        dynamics = "feedforward" if self.genome["feed_forward"] else "recurrent"
        self.table["brain"] |= {"dynamics": dynamics, "hidden": 256, "connections": 8192}

    def _species(self) -> None:
        genome, stagnation, breeding = self.genome, self.stagnation, self.reproduction
        for key in ("disjoint", "excess"):
            self.put("neat", key, genome, "compatibility_disjoint_coefficient")
        self.put("neat", "weight", genome, "compatibility_weight_coefficient")
        self.put("neat", "threshold", self.species, "compatibility_threshold")
        self.table["neat"]["normalise_from"] = 1.0  # there, distances are divided by the number of genes at any size
        why = "distances count connection genes alone, and the mean of weight differences; watch `species`"
        self.warn(self.species, "compatibility_threshold", why)
        self.put("neat", "stagnation", stagnation, "max_stagnation")
        self.put("neat", "protected", stagnation, "species_elitism")
        if self.one_of(stagnation, "species_fitness_func", STATISTICS) != "max":
            self.warn(stagnation, "species_fitness_func", "a species is judged by its best member (max)")
        self.put("neat", "survival", breeding, "survival_threshold")
        self.put("neat", "elite_size", breeding, "elitism", 0.0 if breeding["elitism"] > 0 else NEVER)
        if breeding["elitism"] != 1:
            kept = "a species keeps one champion" if breeding["elitism"] else "the best of all species is kept"
            self.warn(breeding, "elitism", kept)
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
        self.unless("enabled_default", ("true", "yes", "on", "1"), "founders' connections are enabled")
        for name in ("enabled_rate_to_true_add", "enabled_rate_to_false_add"):
            self.unless(name, (0.0,), "a connection is switched on or off at one rate")
        self.unless("single_structural_mutation", (False,), "each structural mutation is drawn by itself")
        surer = genome["structural_mutation_surer"].lower()
        switches_on = surer in ("1", "yes", "true", "on") or (
            surer == "default" and genome["single_structural_mutation"]
        )
        if not switches_on and "structural_mutation_surer" in self.given["DefaultGenome"]:
            self.warn(genome, "structural_mutation_surer", "a connection that is drawn again is always switched on")

    def _founders(self) -> None:
        genome, brain = self.genome, self.table["brain"]
        how, _, share = genome["initial_connection"].partition(" ")
        inputs, outputs, hidden = (genome[f"num_{part}"] for part in ("inputs", "outputs", "hidden"))
        self.within(genome, "num_hidden", 0, 256)
        self._dynamics()
        brain["founder_topology"] = "random"
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
        with contextlib.suppress(ValueError):
            if 0 <= float(text) <= 1:
                return float(text)
        raise self.error(self.genome, "initial_connection", "partial_direct or the like and a number from 0 to 1")

    def _functions(self) -> None:
        for gene, known in (("activation", ACTIVATIONS), ("aggregation", AGGREGATIONS)):
            options, default = self.genome[f"{gene}_options"], self.genome[f"{gene}_default"]
            for name in options:
                if name not in known:
                    right = f"names out of {', '.join(known)}{suggestion(name, known)}"
                    raise self.error(self.genome, f"{gene}_options", right)
            if default.lower() in ("random", "none"):
                default = options[0] if options else ""
                self.warn(self.genome, f"{gene}_default", f"founders' nodes use the first, {default}")
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
        self.unless("bias_replace_rate", (0.0,), "biases are not drawn anew")
        self.unless("bias_init_stdev", (0.0,), "founders' biases are 0")
        self.unless("bias_init_mean", (0.0,), "founders' biases are 0")
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
        self.unless("response_init_mean", (1.0,), "founders' responses are 1")
        self.unless("response_init_stdev", (0.0,), "founders' responses are 1")
        self.unless("response_replace_rate", (0.0,), "responses are not drawn anew")
        if rate:
            self.put("mutation", "response", genome, "response_mutate_rate")
            self.unless("response_mutate_power", (RESPONSE_STEP,), f"responses change by steps of sd {RESPONSE_STEP:g}")
            limit = self.table["brain"]["weight_limit"]
            for name in ("response_min_value", "response_max_value"):
                self.unless(name, (-limit, limit), f"responses stay within ± {limit:g}, brain.weight_limit")
        for name in ("time_constant_mutate_rate", "time_constant_replace_rate", "time_constant_init_stdev"):
            self.unless(name, (0.0,), 'nodes have time constants with brain.dynamics = "ctrnn", which files do not say')

    def _drawn(self, gene: str, mean: float) -> None:
        self.unless(f"{gene}_init_mean", (mean,), f"{gene}s are drawn around {mean:g}")
        if not any(name in self.genome[f"{gene}_init_type"].lower() for name in PLAIN):
            self.warn(self.genome, f"{gene}_init_type", f"{gene}s are drawn from a normal distribution")


def _draws(pairs: int, share: float) -> int:
    """Draws with replacement that hit about this share of the pairs."""
    number, missed = 0, 1.0
    while missed > 1 - share + 1e-9 and number < 1024:
        number, missed = number + 1, missed * (1 - 1 / pairs)
    return number
