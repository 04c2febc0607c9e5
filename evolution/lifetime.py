"""Learning within a life: selection sees what newborn networks have made of their genes, and may pass that on.

Before it is evaluated, each network practises its task by REINFORCE (Williams 1992): its outputs are shaken by normal
noise, and its weights and biases climb the slope of the fitness still to be earned, less what the other tries earned.
`baldwin` children get the genes that their parents were born with (Baldwin 1896; Hinton & Nowlan 1987), `lamarck`
children the learned numbers (Whitley, Gordon & Mathias 1994). Minds in the world learn by plasticity while they are
evaluated; of them only the innate fitness is measured here. Topology, functions and other genes are never learned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from agents.dense import think
from evolution.evaluation import evaluate
from evolution.genome import BrainConfig, Genome
from evolution.phenotype import dynamics, networks
from evolution.randomness import light
from evolution.tasks.base import EpisodicTask, Task
from sim.config import key as tunable

MODES = ("none", "baldwin", "lamarck")
PRACTICE = 2**32 - 3  # folded into the key of an evaluation: practice draws what no evaluation draws
ALIKE = 1e-4  # returns that differ by a smaller share of the largest are equal but for rounding


@partial(jax.tree_util.register_dataclass, data_fields=["rate", "noise"], meta_fields=["updates", "episodes", "steps"])
@dataclass(frozen=True)
class LearningParams:
    """How a newborn practises. Shapes are static, `rate` and `noise` are numbers."""

    updates: int = tunable(8, "changes of weights in a life", low=1, high=100_000)
    episodes: int = tunable(16, "tries before each change; the task's episodes in turn", low=2, high=100_000)
    steps: int = tunable(200, "most steps of a try", low=1, high=100_000, unit="steps")
    rate: float = tunable(0.1, "longest step of all weights and biases, as a vector", low=0, high=100)
    noise: float = tunable(0.3, "sd of the noise that is added to outputs in tries", low=1e-6, high=100)


@partial(jax.tree_util.register_dataclass, data_fields=["params"], meta_fields=["mode"])
@dataclass(frozen=True)
class Learning:
    """What is learned and what is inherited of it; `mode` is one of `MODES`."""

    mode: str = "none"
    params: LearningParams = LearningParams()


INNATE = Learning()
"""Newborns are evaluated as they are."""


class Grown(NamedTuple):
    """Populations of W runs after their practice."""

    genome: Genome  # [W, P, ...] with learned numbers: what is to be evaluated
    heritable: Genome  # [W, P, ...] what children get
    innate: jax.Array  # [W, P] fitness of the networks as they were born; NaN in mode "none", where it is not measured
    agent_steps: jax.Array  # [W, P] int32 steps that the practice of each network took


def grown(
    learning: Learning,
    task: Task,
    config: BrainConfig,
    keys: jax.Array,
    genome: Genome,
    skip: jax.Array | None = None,
) -> Grown:
    """What becomes of newborns `[W, P, ...]`. Arguments are those of `evolution.evaluation.evaluate`.

    Innate fitness is measured in the very episodes that `evaluate` plays with the same keys, and no agent-steps are
    counted for it: it is a measurement, of which the search knows nothing.
    """
    runs, num = genome.node.shape[:2]
    if learning.mode == "none":
        return Grown(genome, genome, jnp.full((runs, num), jnp.nan), jnp.zeros((runs, num), jnp.int32))
    if hasattr(task, "assess"):
        born = replace(genome, rate=jnp.zeros_like(genome.rate))
        return Grown(genome, genome, evaluate(task, config, keys, born, skip)[0], jnp.zeros((runs, num), jnp.int32))
    skip = jnp.zeros(runs, bool) if skip is None else skip
    after, steps = jax.vmap(partial(practised, learning.params, task, config))(keys, genome, skip)
    heritable = after if learning.mode == "lamarck" else genome
    return Grown(after, heritable, evaluate(task, config, keys, genome, skip)[0], steps)


def practised(
    params: LearningParams, task: EpisodicTask, config: BrainConfig, key: jax.Array, genome: Genome, skip: jax.Array
) -> tuple[Genome, jax.Array]:
    """Genomes `[P, ...]` of one run after all updates, and the steps that took, [P] int32. With `skip` [] they stay."""
    key = jax.random.fold_in(key, PRACTICE)

    def update(number: jax.Array, carry: tuple[Genome, jax.Array]) -> tuple[Genome, jax.Array]:
        genome, steps = carry
        (weight, bias), lived = slope(params, task, config, jax.random.fold_in(key, number), genome, skip)
        length = jnp.sqrt(jnp.sum(weight**2, axis=1, keepdims=True) + jnp.sum(bias**2, axis=1, keepdims=True))
        stride = jnp.where(jnp.isfinite(length), params.rate / jnp.maximum(length, 1), 0.0)  # [P, 1]
        moved = lambda old, rise: jnp.clip(
            old + jnp.where(stride > 0, stride * rise, 0.0), -config.weight_limit, config.weight_limit
        )
        genome = replace(genome, weight=moved(genome.weight, weight), bias=moved(genome.bias, bias))
        return genome, steps + lived

    return jax.lax.fori_loop(0, params.updates, update, (genome, jnp.zeros(genome.node.shape[0], jnp.int32)))


def slope(
    params: LearningParams, task: EpisodicTask, config: BrainConfig, key: jax.Array, genome: Genome, skip: jax.Array
) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
    """Estimated gradient of the fitness of shaken networks `[P, ...]`, and the steps that it took, [P] int32.

    The gradient, in weights `[P, C]` and biases `[P, M]`, is zero where a gene is switched off or absent; it is in
    units of `noise` over the spread of returns, which no unit of fitness enters.
    """

    def surrogate(numbers: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        weight, bias = numbers
        output, noise, going, left = tries(params, task, config, key, replace(genome, weight=weight, bias=bias), skip)
        credit = jax.lax.stop_gradient(noise * advantage(left, going)[:, None])
        return jnp.sum(output * credit) / params.episodes, jnp.sum(going, axis=(0, 1), dtype=jnp.int32)

    return jax.grad(surrogate, has_aux=True)((genome.weight, genome.bias))


def advantage(left: jax.Array, going: jax.Array) -> jax.Array:
    """What was still earned `[T, E, P]` from each step on, less the mean of the other tries', over the spread [P].

    What the others earned knows nothing of a try's own noise, so as a baseline it adds no bias.
    """
    tries = left.shape[1]
    others = (jnp.sum(left, axis=1, keepdims=True) - left) / (tries - 1)
    more = jnp.where(going, left - others, 0.0)
    spread = jnp.sqrt(jnp.sum(more**2, axis=(0, 1)) / jnp.maximum(jnp.sum(going, axis=(0, 1)), 1))
    least = ALIKE * jnp.max(jnp.abs(left), axis=(0, 1))
    return more / jnp.maximum(jnp.maximum(spread, least), 1e-30)


def tries(
    params: LearningParams, task: EpisodicTask, config: BrainConfig, key: jax.Array, genome: Genome, skip: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Tries of networks `[P, ...]` with shaken outputs: E episodes, T steps.

    Outputs as they would be without noise, and the noise over its sd, `[T, outputs, E, P]`; which went on, bool, and
    the fitness still to be earned, `[T, E, P]`. The slope of outputs in weights passes through the networks' memory.
    """
    k_start, k_noise = jax.random.split(key)
    how, nets = dynamics(config), networks(config, task.inputs, genome)
    if config.dynamics == "feedforward":
        nets = replace(nets, depth=nets.units)  # a number that is known, since only such loops have a slope
    number = jnp.arange(params.episodes, dtype=jnp.int32)
    state = jax.vmap(lambda n: task.reset(jax.random.fold_in(k_start, n), n % task.episodes), out_axes=-1)(number)
    num = genome.node.shape[0]
    state = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[..., None], (*leaf.shape, num)), state)
    lanes = lambda one: jax.vmap(jax.vmap(one, in_axes=-1, out_axes=-1), in_axes=-1, out_axes=-1)
    worth = lanes(lambda state: task.fitness(jax.tree.map(lambda leaf: leaf[None], state)))
    look = jax.checkpoint(lambda value, obs: think(how, nets, value, obs), prevent_cse=False)

    def step(carry: Any, time: jax.Array) -> tuple[Any, Any]:
        state, value, done = carry
        value = look(value, lanes(task.observe)(state))
        output = value[: task.outputs]
        noise = jax.random.normal(light(jax.random.fold_in(k_noise, time)), output.shape)
        after, ended = lanes(task.step)(state, jax.lax.stop_gradient(output) + params.noise * noise)
        kept = jax.tree.map(lambda old, new: jnp.where(done, old, new), state, after)
        return (kept, value, done | ended), (output, noise, ~done, worth(state))

    start = state, jnp.zeros((nets.units, params.episodes, num)), jnp.broadcast_to(skip, (params.episodes, num))
    length = min(params.steps, task.steps)
    (final, _, _), (output, noise, going, had) = jax.lax.scan(step, start, jnp.arange(length))
    return output, noise, going, worth(final) - had
