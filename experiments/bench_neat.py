"""Speed of a whole NEAT generation (evaluate, speciate, reproduce) beside neat-python's own loop, in the same run.

Both search with the rates of the built-in config, from founders whose weights are drawn alike, one search at a time,
for the same number of generations, whether the task is solved or not. Ours compiles a program per room of its
genomes, which is timed apart together with making the room, without the persistent cache. neat-python evaluates with
its own networks in plain Python, as its users do: the truth table, and CartPole, the latter up to 1,000 genomes.
Useful steps are those of episodes that still went on. Leaves out Gymnasium, whose stepping would slow neat-python.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from evolution import search
from evolution.interchange import FeedForwardNetwork, Population, parsed
from evolution.neat_python_config import config_text
from evolution.tasks import cartpole, gates
from experiments import config
from experiments.generational import algorithm_of
from experiments.simulation import world_keys

GENERATIONS = {150: 30, 1000: 12, 5000: 6, 20_000: 3}
MOST_CARTS = 1000  # genomes beyond which neat-python would take minutes for a generation of CartPole
WARM = 2  # generations before the clock starts


def measure(tasks: list[str], populations: list[int]) -> dict[str, Any]:
    """A row of figures for each task and population."""
    jax.config.update("jax_enable_compilation_cache", False)  # compile times are cold ones
    rows = [_row(task, population) for task in tasks for population in populations]
    return {"bench": "neat", "device": jax.devices()[0].device_kind, "results": rows}


def _row(task: str, population: int) -> dict[str, Any]:
    experiment = config.load(task, [f"search.population={population}", "search.until_solved=false"])
    alike = replace(experiment.brain, founder_weight=experiment.mutation.weight_new)  # as neat-python has it
    experiment = replace(experiment, brain=alike)
    number = next((turns for most, turns in GENERATIONS.items() if population <= most), 3)
    if task == "cartpole":
        number = min(number, 3)  # solved at once, and every generation costs millions of steps
    row = {"name": f"{task}-{population}", "generations": number, **_ours(experiment, number)}
    if task == "cartpole" and population > MOST_CARTS:
        return row
    row |= _theirs(experiment, number)
    row["ratio"] = round(row["neat_python_s"] / row["generation_s"], 1)
    if "neat_python_steps_per_s" in row:
        row["steps_ratio"] = round(row["steps_per_s"] / row["neat_python_steps_per_s"], 1)
    return row


def _ours(experiment: config.Experiment, number: int) -> dict[str, Any]:
    """Seconds per generation, of compilation, and useful steps."""
    algorithm, task, keys = algorithm_of(experiment), experiment.task, world_keys(0, 1)
    assert task is not None
    state, skip = search.begin(algorithm, keys), jnp.zeros(1, bool)
    programs: dict[Any, Any] = {}
    compiling, steps = 0.0, 0.0
    spent: list[float] = []
    species: list[int] = []
    for turn in range(WARM + number):
        brain = algorithm.brain
        if brain not in programs:
            began = time.perf_counter()
            now = (algorithm, task, brain, keys, jnp.int32(turn), skip, state)
            programs[brain] = search.generation.lower(*now).compile()
            compiling += time.perf_counter() - began
            jax.block_until_ready(programs[brain](algorithm, keys, jnp.int32(turn), skip, state))  # wakes it up
        began = time.perf_counter()
        state, report = programs[brain](algorithm, keys, jnp.int32(turn), skip, state)
        room = np.asarray(report.room).max(axis=0)  # waits for the result, as a run does
        seconds = time.perf_counter() - began
        began = time.perf_counter()
        algorithm, state = search.roomier(algorithm, state, (int(room[0]), int(room[1])), experiment.brain)
        compiling += time.perf_counter() - began
        if turn >= WARM:
            spent.append(seconds)
            steps += float(report.measures["mean_fitness"][0]) * task.episodes * algorithm.population
            species.append(int(report.measures["species"][0]))
    mean = sum(spent) / number
    out = {"generation_s": round(mean, 5), "median_generation_s": round(float(np.median(spent)), 5)}
    out |= {"evaluations_per_s": round(algorithm.population / mean), "compile_s": round(compiling, 2)}
    out |= {"programs": len(programs), "species": round(float(np.mean(species)), 1)}
    if isinstance(task, cartpole.CartPole):  # its fitness is the mean length of episodes
        out["steps_per_s"] = round(steps / sum(spent))
    return out


def _theirs(experiment: config.Experiment, number: int) -> dict[str, Any]:
    """The same of neat-python."""
    task, brain = experiment.task, experiment.brain
    assert task is not None
    shape = (task.inputs, task.outputs, experiment.search.population)
    theirs = parsed(config_text(brain, *shape, experiment.mutation, experiment.neat))
    steps = {"now": 0, "counted": 0}
    marks: list[float] = []
    species: list[int] = []
    one = _gate if isinstance(task, gates.Gate) else _cart
    draw = random.Random(0)

    def evaluate(genomes: list, settings: Any) -> None:
        marks.append(time.perf_counter())
        if len(marks) > WARM:
            steps["counted"] = steps["now"]
            species.append(len(population.species.species))
        starts = [[draw.uniform(-0.05, 0.05) for _ in range(4)] for _ in range(task.episodes)]
        for _, genome in genomes:
            network = FeedForwardNetwork.create(genome, settings)
            genome.fitness, lived = one(network.activate, starts)
            if len(marks) > WARM:
                steps["now"] += lived

    state = random.getstate()
    population = Population(theirs, seed=0)
    population.run(evaluate, WARM + number + 1)
    random.setstate(state)
    marks = marks[WARM:]  # from the start of one evaluation to the start of the next is one generation
    seconds = (marks[-1] - marks[0]) / (len(marks) - 1)
    out = {"neat_python_s": round(seconds, 5), "neat_python_species": round(float(np.mean(species)), 1)}
    if one is _cart:
        out["neat_python_steps_per_s"] = round(steps["counted"] / (marks[-1] - marks[0]))
    return out


def _gate(activate: Callable, starts: list) -> tuple[float, int]:
    """Fitness on XOR."""
    del starts
    rows = [((a, b), float(a != b)) for a in (0.0, 1.0) for b in (0.0, 1.0)]
    return (4 - sum(abs(activate(inputs)[0] - target) for inputs, target in rows)) ** 2, 4


def _cart(activate: Callable, starts: list) -> tuple[float, int]:
    """Fitness and steps on CartPole, as `evolution.tasks.cartpole`."""
    lived = 0
    for x, v, angle, spin in starts:
        for _ in range(500):
            left, right = activate((x, v, angle, spin))
            force = 10.0 if right > left else -10.0
            sine, cosine = math.sin(angle), math.cos(angle)
            temp = (force + 0.05 * spin**2 * sine) / 1.1
            spin_rate = (9.8 * sine - cosine * temp) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
            rate = temp - 0.05 * spin_rate * cosine / 1.1
            x, v, angle, spin = x + 0.02 * v, v + 0.02 * rate, angle + 0.02 * spin, spin + 0.02 * spin_rate
            lived += 1
            if abs(x) > 2.4 or abs(angle) > cartpole.FALLEN:
                break
    return lived / len(starts), lived
