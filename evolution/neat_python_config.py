"""The config file of neat-python's that comes nearest to one of our searches.

Its rates are per gene where ours are (weights, biases, functions); `toggle`, per birth here, is per gene there.
Its distance counts node genes too and divides by the number of genes however few they are. The way back, which
has to judge what a stranger wrote, is `experiments.ini`. Source: neat-python 2.0.0.
"""

from __future__ import annotations

from typing import Any

from evolution.genome import BrainConfig
from evolution.mutation import RESPONSE_STEP, TIME_STEP, MutationParams
from evolution.neat_species import NeatParams


def config_text(
    brain: BrainConfig,
    inputs: int,
    outputs: int,
    population: int = 150,
    mutation: MutationParams = MutationParams(),
    params: NeatParams = NeatParams(),
) -> str:
    """A config file of neat-python that comes nearest to ours.

    Its rates are per gene where ours are (weights, biases, functions); `toggle`, per birth here, is per gene
    there. Its distance counts node genes too and divides by the number of genes however few they are.
    """
    sections = {
        "NEAT": {
            "fitness_criterion": "max",
            "fitness_threshold": 0,
            "no_fitness_termination": True,
            "pop_size": population,
            "reset_on_extinction": True,
        },
        "DefaultGenome": _genome_keys(brain, inputs, outputs, mutation, params),
        "DefaultSpeciesSet": {"compatibility_threshold": params.threshold},
        "DefaultStagnation": {
            "species_fitness_func": "max",
            "max_stagnation": round(float(params.stagnation)),
            "species_elitism": round(float(params.protected)),
        },
        "DefaultReproduction": {"elitism": 1, "survival_threshold": params.survival, "min_species_size": 1},
    }
    written = lambda value: str(value) if isinstance(value, (str, bool, int)) else f"{float(value):.7g}"
    rows = {name: [f"{key} = {written(value)}" for key, value in keys.items()] for name, keys in sections.items()}
    return "\n\n".join("\n".join([f"[{name}]", *lines]) for name, lines in rows.items()) + "\n"


def _genome_keys(
    brain: BrainConfig, inputs: int, outputs: int, mutation: MutationParams, params: NeatParams
) -> dict[str, Any]:
    open_, limit = mutation.weights, brain.weight_limit

    def number(name: str, mean: float, sd: Any, low: float, high: float, rate: Any, step: Any, anew: Any = 0) -> dict:
        values = {"init_mean": mean, "init_stdev": sd, "init_type": "gaussian", "min_value": low, "max_value": high}
        values |= {"mutate_rate": rate, "mutate_power": step, "replace_rate": anew}
        return {f"{name}_{key}": value for key, value in values.items()}

    def function(name: str, names: tuple[str, ...], rate: Any) -> dict[str, Any]:
        return {f"{name}_default": names[0], f"{name}_options": " ".join(names), f"{name}_mutate_rate": rate}

    pairs = inputs * outputs
    share = 1 - (1 - 1 / pairs) ** brain.founder_connections  # of pairs that so many draws hit at least once
    random = brain.founder_topology == "random"
    direct = "full_direct" if brain.founder_topology == "complete" else "full_nodirect"
    time, tau = brain.time_step, mutation.time_constant if brain.dynamics == "ctrnn" else 0
    return {
        "num_inputs": inputs,
        "num_outputs": outputs,
        "num_hidden": 0 if random else brain.founder_hidden,
        "feed_forward": brain.dynamics == "feedforward",
        "initial_connection": f"partial_direct {share:.7g}" if random else direct,
        "compatibility_disjoint_coefficient": params.disjoint,
        "compatibility_weight_coefficient": params.weight,
        "conn_add_prob": mutation.add_connection,
        "conn_delete_prob": mutation.delete_connection,
        "node_add_prob": mutation.add_node,
        "node_delete_prob": mutation.delete_node,
        "single_structural_mutation": False,
        "structural_mutation_surer": "true",
        "enabled_default": True,
        "enabled_mutate_rate": mutation.toggle,
        **number(
            *("weight", 0, mutation.weight_new, -limit, limit),
            *(open_ * mutation.weight, mutation.weight_step, open_ * mutation.weight_replace),
        ),
        **number("bias", 0, 0, -limit, limit, open_ * mutation.bias, mutation.weight_step),
        **number("response", 1, 0, -limit, limit, mutation.response if brain.response else 0, RESPONSE_STEP),
        **number("time_constant", 10 * time, 0, time, 1000 * time, tau, TIME_STEP * 10 * time),
        **function("activation", brain.activations, mutation.activation),
        **function("aggregation", brain.aggregations, mutation.aggregation),
    }
