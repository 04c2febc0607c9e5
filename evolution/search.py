"""One generation of W replicate searches: ask, evaluate, tell, and what a row of metrics says of it.

Compiled once per shape of genomes; numbers of the algorithm are traced. A run that is finished is skipped: it
is not simulated and its state stays. Randomness comes from (key of the run, generation) alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from evolution.algorithm import ABYSS, Algorithm, sane
from evolution.evaluation import evaluate
from evolution.genome import BrainConfig, Genome, designed, num_connections, num_hidden, signatures
from evolution.lifetime import INNATE, Learning, grown
from evolution.tasks.base import Task
from sim.space import total


class Report(NamedTuple):
    """What a generation was like, each `[W]`."""

    measures: dict[str, jax.Array]
    best: Genome  # [W, ...]
    candidate: Genome  # the best of those that met the criterion and are not barred, or else the best; [W, ...]
    fitness: jax.Array  # of the candidate
    passed: jax.Array  # bool: it met the criterion and is not barred
    signature: jax.Array  # uint32, of the candidate
    species: tuple[jax.Array, jax.Array] | None  # names and sizes [W, S], if the algorithm has species
    room: jax.Array  # [W, 2] int32 hidden nodes and connection genes of the largest genomes of the next generation
    agent_steps: jax.Array  # [W, 2] int32 high and low part (`sim.space.total`) of the steps that evaluations took


@jax.jit
def begin(algorithm: Algorithm, keys: jax.Array) -> Any:
    """States of W searches, before their first generation. keys `[W]`."""
    return jax.vmap(lambda key: algorithm.init(jax.random.fold_in(key, 0)))(keys)


@partial(jax.jit, static_argnums=(1, 2))
def generation(
    algorithm: Algorithm,
    task: Task,
    config: BrainConfig,
    keys: jax.Array,
    number: jax.Array,
    skip: jax.Array,
    state: Any,
    barred: jax.Array | None = None,
    learning: Learning = INNATE,
) -> tuple[Any, Report]:
    """The states after generation `number` (from 0), and its report. `skip` `[W]` bool.

    `barred` `[W, K]` uint32 are signatures of genomes that are no candidates, since they failed in exams before.
    Newborns may learn before they are evaluated (`evolution.lifetime`); what is reported is what they became.
    """
    new, seen = lived(algorithm, task, config, keys, number, skip, state, learning=learning)
    barred = jnp.zeros((keys.shape[0], 0), jnp.uint32) if barred is None else barred
    return new, jax.vmap(partial(report, algorithm))(*seen, new, barred)


def lived(
    algorithm: Algorithm,
    task: Task,
    config: BrainConfig,
    keys: jax.Array,
    number: jax.Array,
    skip: jax.Array,
    state: Any,
    exchange: Callable[[Any, Genome, jax.Array], tuple[Any, jax.Array]] | None = None,
    learning: Learning = INNATE,
) -> tuple[Any, tuple[Any, Genome, jax.Array, jax.Array, jax.Array, jax.Array]]:
    """The states after a generation; and the states, genomes, fitness, passes, agent-steps and innate fitness of it,
    as evaluated.

    `exchange` may alter states and fitness between evaluation and selection (`evolution.islands`).
    """
    parts = schedule(keys, number)
    genome, asked = jax.vmap(algorithm.ask)(parts[:, 0], state)
    adult = grown(learning, task, config, parts[:, 1], genome, skip)
    fitness, passed, finals = evaluate(task, config, parts[:, 1], adult.genome, skip)
    steps = jax.vmap(jax.vmap(task.lived))(finals) + adult.agent_steps
    if learning.mode == "lamarck":
        asked = replace(asked, genome=adult.heritable)
    chosen = (asked, fitness) if exchange is None else exchange(asked, adult.heritable, fitness)
    told = jax.vmap(algorithm.tell)(parts[:, 2], *chosen)
    keep = lambda old, new: jnp.where(skip.reshape(-1, *[1] * (new.ndim - 1)), old, new)
    return jax.tree.map(keep, state, told), (asked, adult.genome, fitness, passed, steps, adult.innate)


def schedule(keys: jax.Array, number: jax.Array) -> jax.Array:
    """Keys `[W, 3]` of generation `number` of runs with `keys` `[W]`: to ask, to evaluate and to tell with."""
    return jax.vmap(lambda key: jax.random.split(jax.random.fold_in(key, number + 1), 3))(keys)


class Census(NamedTuple):
    """Of each genome of a population, `[P]`."""

    value: jax.Array  # fitness, sane
    passed: jax.Array  # bool: met the task's criterion and is not barred
    connections: jax.Array  # int32
    hidden: jax.Array  # int32
    signature: jax.Array  # uint32; zeros if nothing can be barred
    steps: jax.Array  # int32 agent-steps of its evaluation, and of its practice before
    innate: jax.Array  # fitness at birth; NaN where it was not measured

    @property
    def picks(self) -> jax.Array:
        """Indices [2] of the best, and of the best of those that passed, if any did."""
        best = jnp.argmax(self.value)
        passing = jnp.argmax(jnp.where(self.passed, self.value, -jnp.inf))
        return jnp.stack([best, jnp.where(jnp.any(self.passed), passing, best)])


def census(
    genome: Genome, fitness: jax.Array, passed: jax.Array, steps: jax.Array, innate: jax.Array, barred: jax.Array
) -> Census:
    """Of genomes `[P, ...]` with their fitness, passes, agent-steps and fitness at birth `[P]`; `barred` `[K]` are
    signatures."""
    mark = signatures(genome) if barred.size else jnp.zeros(fitness.shape, jnp.uint32)
    fresh = passed & ~jnp.any(mark[:, None] == barred[None, :], axis=1)
    size = jax.vmap(num_connections)(genome), jax.vmap(num_hidden)(genome)
    return Census(sane(fitness), fresh, *size, mark, steps, innate)


def report(
    algorithm: Algorithm,
    state: Any,
    genome: Genome,
    fitness: jax.Array,
    passed: jax.Array,
    steps: jax.Array,
    innate: jax.Array,
    after: Any,
    barred: jax.Array,
) -> Report:
    """Of one run: the population as evaluated, and the room that the next one needs."""
    all_ = census(genome, fitness, passed, steps, innate, barred)
    best, pick = all_.picks
    at = lambda index: jax.tree.map(lambda leaf: leaf[index], genome)
    measures = measured(all_) | algorithm.measures(state)
    one = all_.value[pick], all_.passed[pick], all_.signature[pick]
    more = algorithm.species(state), algorithm.room(after), total(all_.steps)
    return Report(measures, at(best), at(pick), *one, *more)


def measured(all_: Census) -> dict[str, jax.Array]:
    """The columns of a row of metrics that do not depend on the algorithm, each []."""
    value, connections, hidden = all_.value, all_.connections, all_.hidden
    real = value > ABYSS
    number = jnp.maximum(jnp.sum(real), 1)
    mean = jnp.sum(jnp.where(real, value, 0.0)) / number
    spread = jnp.sqrt(jnp.sum(jnp.where(real, (value - mean) ** 2, 0.0)) / number)
    best = jnp.argmax(value)
    return {
        "best_fitness": value[best],
        "mean_fitness": mean,
        "median_fitness": _median(value),
        "sd_fitness": spread,
        "failed": jnp.sum(~real, dtype=jnp.int32),
        "best_connections": connections[best],
        "best_hidden": hidden[best],
        "mean_connections": jnp.mean(connections.astype(jnp.float32)),
        "mean_hidden": jnp.mean(hidden.astype(jnp.float32)),
        "max_connections": jnp.max(connections),
        "max_hidden": jnp.max(hidden),
        "innate_fitness": all_.innate[best],
        "mean_innate": jnp.mean(all_.innate),
    }


def _median(value: jax.Array) -> jax.Array:
    """Median [] of `[P]`; `jnp.median` sorts, which on a CPU takes three times as long."""
    upper = jax.lax.top_k(value, value.shape[0] // 2 + 1)[0]
    return upper[-1] if value.shape[0] % 2 else 0.5 * upper[-1] + 0.5 * upper[-2]


@partial(jax.jit, static_argnums=(0, 1))
def examined(
    task: Task, config: BrainConfig, keys: jax.Array, genome: Genome, skip: jax.Array
) -> tuple[jax.Array, Any]:
    """Whether each genome `[W, ...]` passes the task `[W]`, and its final states `[W, E, ...]`; not those to `skip`."""
    one = jax.tree.map(lambda leaf: leaf[:, None], genome)
    _, passed, finals = evaluate(task, config, keys, one, skip)
    return passed[:, 0], jax.tree.map(lambda leaf: leaf[:, 0], finals)


@partial(jax.jit, static_argnums=(0, 1))
def fitness_alone(task: Task, config: BrainConfig, keys: jax.Array, genome: Genome) -> jax.Array:
    """Fitness `[W]` of one genome `[W, ...]` in each run; `keys` `[W]`."""
    return evaluate(task, config, keys, jax.tree.map(lambda leaf: leaf[:, None], genome))[0][:, 0]


def roomier(algorithm: Any, state: Any, room: tuple[int, int], most: BrainConfig) -> tuple[Any, Any]:
    """Doubled arrays where the next generation could outgrow them (one node, three connections each)."""
    brain = algorithm.brain
    hidden, connections = brain.hidden, brain.connections
    if not any(room):  # nothing grows
        return algorithm, state
    while hidden < min(room[0] + 1, most.hidden):
        hidden = min(2 * max(hidden, 4), most.hidden)
    while connections < min(room[1] + 3, most.connections):
        connections = min(2 * connections, most.connections)
    if (hidden, connections) == (brain.hidden, brain.connections):
        return algorithm, state
    return algorithm.widened(state, hidden, connections)


def tight(brain: BrainConfig, inputs: int, outputs: int) -> BrainConfig:
    """The config with arrays that hold the founders and no more, for topologies that stay."""
    hidden, genes = _founders(brain, inputs, outputs)
    return replace(brain, hidden=hidden, connections=max(genes, 1))


def snug(brain: BrainConfig, inputs: int, outputs: int) -> BrainConfig:
    """The config with arrays that hold the founders and some growth, within its own limits."""
    hidden, genes = _founders(brain, inputs, outputs)
    fit = lambda need, least, most: min(max(least, 1 << (need - 1).bit_length()), most)
    return replace(brain, hidden=fit(hidden + 1, 8, brain.hidden), connections=fit(genes + 3, 32, brain.connections))


def _founders(brain: BrainConfig, inputs: int, outputs: int) -> tuple[int, int]:
    """Hidden nodes and connection genes of founders."""
    if brain.founder_topology == "random":
        return 0, brain.founder_connections
    return brain.founder_hidden, len(designed(brain, inputs, outputs))
