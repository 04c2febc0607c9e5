"""Random search: fresh random networks in every generation, and the best so far beside them.

The control of Such et al. (2017, "Deep neuroevolution", section 4): what a genetic algorithm finds beyond it is owed to
descent, since here nobody has a parent. Networks are founders (`brain.founder_topology`) whose weights, biases and, in
continuous time, time constants are drawn widely. The incumbent is evaluated again in every generation, so that one
who was only lucky does not stay for long. Structure and functions of nodes are those of founders.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp

from evolution.algorithm import put, sane
from evolution.genome import BrainConfig, Genome, founder
from evolution.randomness import light
from sim.config import key as tunable

STATIC = ["brain", "inputs", "outputs", "population"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class RandomParams:
    """Numbers of random search."""

    sd: float = tunable(1.0, "sd of weights and biases", low=0, high=100)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class RandomState:
    """A population that waits for its fitness; the incumbent is its first."""

    genome: Genome  # [P, ...]


@partial(jax.tree_util.register_dataclass, data_fields=["params"], meta_fields=STATIC)
@dataclass(frozen=True)
class RandomSearch:
    """The algorithm; `brain` has room for its founders and no more."""

    brain: BrainConfig
    inputs: int
    outputs: int
    population: int = 150
    params: RandomParams = RandomParams()

    def init(self, key: jax.Array) -> RandomState:
        """Random networks; the first incumbent is one of them."""
        return RandomState(self._drawn(key))

    def ask(self, key: jax.Array, state: RandomState) -> tuple[Genome, RandomState]:
        """The population that waits; the key is not used."""
        del key
        return state.genome, state

    def tell(self, key: jax.Array, state: RandomState, fitness: jax.Array) -> RandomState:
        """Other random networks, after the best of these."""
        best = jax.tree.map(lambda leaf: leaf[jnp.argmax(sane(fitness))], state.genome)
        return RandomState(put(self._drawn(light(key)), jnp.int32(0), best))

    def room(self, state: RandomState) -> jax.Array:
        """Zeros: nothing grows."""
        del state
        return jnp.zeros(2, jnp.int32)

    def species(self, state: RandomState) -> None:
        """None: there are no species."""
        del state

    def measures(self, state: RandomState) -> dict[str, jax.Array]:
        """Nothing of its own."""
        del state
        return {}

    def _drawn(self, key: jax.Array) -> Genome:
        """Genomes `[P, ...]` that owe nothing to any other."""
        return jax.vmap(partial(scattered, self.brain, self.params, self.inputs, self.outputs))(
            jax.random.split(key, self.population)
        )


def scattered(config: BrainConfig, params: RandomParams, inputs: int, outputs: int, key: jax.Array) -> Genome:
    """A founder with weights and biases normal with `params.sd`, time constants log-uniform over all that may be."""
    k_founder, k_weight, k_bias, k_time = jax.random.split(key, 4)
    genome, limit = founder(k_founder, config, inputs, outputs), config.weight_limit
    real = genome.node >= 0
    normal = lambda k, like: jnp.clip(params.sd * jax.random.normal(k, like.shape), -limit, limit)
    genome = replace(
        genome,
        weight=jnp.where(genome.enabled, normal(k_weight, genome.weight), 0.0),
        bias=jnp.where(real, normal(k_bias, genome.bias), 0.0),
    )
    if genome.time_constant is None:
        return genome
    low, high = jnp.log(config.time_step), jnp.log(1000 * config.time_step)
    drawn = jnp.exp(jax.random.uniform(k_time, real.shape, minval=low, maxval=high))
    drawn = jnp.maximum(drawn, config.time_step)  # not a rounding error below
    return replace(genome, time_constant=jnp.where(real, drawn, 0.0))
