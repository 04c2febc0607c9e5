"""Evolution strategies on the weights of a fixed network: OpenAI-ES and CMA-ES of the evosax library.

A search point is the weights, the biases and, in continuous time, the logarithms of the time constants of the
designed founder (`brain.founder_topology`), so its individuals are genomes like all others. evosax minimises and is
told the negative fitness. Sources: Salimans et al. 2017; Hansen 2016 (arXiv 1604.00772). Leaves out response genes,
which stay 1: weights do the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from evolution.algorithm import sane
from evolution.genome import BrainConfig, Genome, founder
from sim.config import key as tunable

NAMES = ("openai_es", "cma_es")
STATIC = ["name", "brain", "inputs", "outputs", "population"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class EsParams:
    """Numbers of evolution strategies."""

    sd: float = tunable(
        0.5, "sd of the population: of every generation (openai_es), of the first (cma_es)", low=1e-6, high=100
    )
    learning_rate: float = tunable(0.1, "openai_es: step of the Adam optimiser", low=0, high=100)
    patience: float = tunable(
        0, "generations without a new best after which the search starts anew; 0: never", low=0, high=1e9
    )


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class StrategyState:
    """A distribution, the sample of it that waits for its fitness, and the restarts."""

    inner: Any  # evosax's state
    sample: jax.Array  # [P, D]
    best: jax.Array  # [] best fitness since the last start
    unimproved: jax.Array  # [] int32 generations since `best` rose
    starts: jax.Array  # [] int32


@partial(jax.tree_util.register_dataclass, data_fields=["params"], meta_fields=STATIC)
@dataclass(frozen=True)
class Strategy:
    """The algorithm `name`; `brain` has room for its founders and no more."""

    name: str
    brain: BrainConfig
    inputs: int
    outputs: int
    population: int = 150
    params: EsParams = EsParams()

    def init(self, key: jax.Array) -> StrategyState:
        """A distribution around a founder."""
        start = self._vector(founder(key, self.brain, self.inputs, self.outputs))
        inner = _strong(self._library.init(jax.random.fold_in(key, 0), start, self._numbers))
        sample = jnp.zeros((self.population, start.shape[0]))
        return StrategyState(inner, sample, jnp.float32(-jnp.inf), jnp.int32(0), jnp.int32(1))

    def ask(self, key: jax.Array, state: StrategyState) -> tuple[Genome, StrategyState]:
        """A sample of the distribution."""
        sample, inner = self._library.ask(key, state.inner, self._numbers)
        return jax.vmap(self._genome)(sample), replace(state, inner=_strong(inner), sample=sample)

    def tell(self, key: jax.Array, state: StrategyState, fitness: jax.Array) -> StrategyState:
        """The distribution moved towards the fittest."""
        fitness = sane(fitness)
        inner, _ = self._library.tell(key, state.sample, -fitness, state.inner, self._numbers)
        top = jnp.max(fitness)
        unimproved = jnp.where(top > state.best, 0, state.unimproved + 1)
        on = replace(state, inner=_strong(inner), best=jnp.maximum(state.best, top), unimproved=unimproved)
        new = replace(self.init(key), sample=state.sample, starts=state.starts + 1)
        weary = (self.params.patience > 0) & (unimproved >= self.params.patience)
        return jax.tree.map(lambda a, b: jnp.where(weary, a, b), new, on)

    def room(self, state: StrategyState) -> jax.Array:
        """Zeros: nothing grows."""
        del state
        return jnp.zeros(2, jnp.int32)

    def species(self, state: StrategyState) -> None:
        """None: there are no species."""
        del state

    def measures(self, state: StrategyState) -> dict[str, jax.Array]:
        """Step size, and how often the search was started."""
        return {"step": jnp.mean(state.inner.std), "starts": state.starts}

    @property
    def _library(self) -> Any:
        from evosax import algorithms  # slow to import, and an extra

        point = jnp.zeros(self._vector(self._pattern).shape)
        if self.name == "cma_es":
            return algorithms.CMA_ES(self.population, point)
        import optax

        adam = optax.adam(self.params.learning_rate)
        return algorithms.Open_ES(self.population, point, optimizer=adam, std_schedule=lambda _: self.params.sd)

    @property
    def _numbers(self) -> Any:
        default = self._library.default_params
        return default.replace(std_init=jnp.float32(self.params.sd)) if self.name == "cma_es" else default

    @property
    def _pattern(self) -> Genome:
        """The founder whose numbers are replaced."""
        return founder(jax.random.key(0), self.brain, self.inputs, self.outputs)

    def _vector(self, genome: Genome) -> jax.Array:
        parts = [genome.weight, genome.bias]
        if genome.time_constant is not None:
            parts.append(jnp.log(genome.time_constant))
        return jnp.concatenate(parts)

    def _genome(self, vector: jax.Array) -> Genome:
        pattern, limit = self._pattern, self.brain.weight_limit
        links, units = pattern.weight.shape[0], pattern.bias.shape[0]
        held = jnp.clip(vector[: links + units], -limit, limit)
        genome = replace(pattern, weight=held[:links], bias=held[links:])
        if genome.time_constant is None:
            return genome
        low, high = self.brain.time_step, 1000 * self.brain.time_step
        return replace(genome, time_constant=jnp.clip(jnp.exp(vector[links + units :]), low, high))


def _strong(tree: Any) -> Any:
    """Leaves with definite types: Python numbers in a state would make the second generation compile anew."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.asarray(leaf).dtype), tree)
