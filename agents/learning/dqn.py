"""Deep Q-learning (Mnih et al. 2015) with double estimates (van Hasselt et al. 2016, arXiv 1509.06461).

Values of the actions on the menu are learned from a memory of what happened, with a second network for the values of
what comes next, which follows the first slowly (Lillicrap et al. 2016, arXiv 1509.02971). Huber's loss, an exploration
rate that falls linearly, and time limits that do not count as ends of life. Leaves out prioritised replay, several
steps at once, duelling heads and recurrence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from agents.environments.base import Environment
from agents.learned import Network, Weights, action, best, init, think
from agents.learning import optimiser
from agents.learning.lanes import Lanes, Moment, advance, begin, lived, longer, mean, observe, summary
from sim.config import key as tunable

NUMBERS = ["learning_rate", "discount", "max_gradient", "huber", "anneal"]
NUMBERS += ["exploration", "explored", "warm_up", "target_rate"]
SHAPES = ["environments", "horizon", "updates", "batch", "capacity", "hidden"]


@partial(jax.tree_util.register_dataclass, data_fields=NUMBERS, meta_fields=SHAPES)
@dataclass(frozen=True)
class DqnParams:
    """Numbers of deep Q-learning, and what decides its shapes."""

    learning_rate: float = tunable(1e-3, "step of the Adam optimiser", low=0, high=10)
    discount: float = tunable(0.99, "worth of a reward one step later", low=0, high=1)
    max_gradient: float = tunable(1.0, "norm to which the gradient is clipped", low=0, high=1e9)
    huber: float = tunable(10.0, "error of a value from which the loss grows linearly", low=1e-6, high=1e9)
    anneal: float = tunable(0.0, "over so many agent-steps the learning rate falls to 0; 0: it stays", low=0, high=1e9)
    exploration: float = tunable(0.04, "share of random actions in the end; at first all are random", low=0, high=1)
    explored: float = tunable(10_000.0, "agent-steps over which that share falls", low=1, high=1e9)
    warm_up: float = tunable(1000.0, "agent-steps before the first update", low=0, high=1e9)
    target_rate: float = tunable(0.01, "share of the way that the target network follows per update", low=0, high=1)
    environments: int = tunable(4, "copies of the environment that run side by side", low=1, high=65_536)
    horizon: int = tunable(64, "steps of each between two rounds of updates", low=1, high=65_536, unit="steps")
    updates: int = tunable(64, "updates of a round", low=1, high=1_000_000)
    batch: int = tunable(128, "transitions of an update", low=1, high=1_000_000)
    capacity: int = tunable(50_000, "transitions that are remembered, in whole rounds", low=1, high=1 << 30)
    hidden: tuple[int, ...] = tunable((128, 128), "units of each layer", low=1, high=4096)


class Replay(NamedTuple):
    """Moments of L bodies, the oldest overwritten: of C in memory, T of a round or U × M of a sample."""

    obs: jax.Array  # [C, L, I]
    choice: jax.Array  # [C, L] int32
    reward: jax.Array  # [C, L]
    terminated: jax.Array  # [C, L] bool
    living: jax.Array  # [C, L] bool


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class DqnState:
    """N environments on their way, what is remembered, and what was learned so far."""

    weights: Weights
    target: Weights
    optimiser: Any
    lanes: Lanes
    replay: Replay
    rounds: jax.Array  # [] int32 iterations so far; once memory is full only their number beyond whole turns of it
    lived: jax.Array  # [] int32 agent-steps so far, `lanes.LONG` at most


@partial(jax.tree_util.register_dataclass, data_fields=["params"], meta_fields=[])
@dataclass(frozen=True)
class Dqn:
    """The algorithm."""

    params: DqnParams = DqnParams()

    def network(self, environment: Environment) -> Network:
        """See `agents.learning.base.Learner`."""
        senses, acts = environment.ends
        return Network(len(senses), len(acts), self.params.hidden, head="q", menu=environment.menu, activation="relu")

    def init(self, key: jax.Array, environment: Environment, weights: Weights | None = None) -> DqnState:
        """See `agents.learning.base.Learner`."""
        k_weights, k_lanes = jax.random.split(key)
        network = self.network(environment)
        weights = init(k_weights, network) if weights is None else weights
        shape = (self._remembered(environment), self.params.environments * environment.bodies)
        no = jnp.zeros(shape, bool)
        blank = Replay(jnp.zeros((*shape, network.inputs)), jnp.zeros(shape, jnp.int32), jnp.zeros(shape), no, no)
        zero = jnp.int32(0)
        lanes = begin(k_lanes, environment, self.params.environments)
        return DqnState(weights, weights, optimiser.fresh(weights), lanes, blank, zero, zero)

    def _remembered(self, environment: Environment) -> int:
        """C, moments in memory: whole rounds, two at least."""
        round_ = self.params.environments * environment.bodies * self.params.horizon
        return max(self.params.capacity // round_, 2) * self.params.horizon

    def weights(self, state: DqnState) -> Weights:
        """See `agents.learning.base.Learner`."""
        return state.weights

    def learn(self, key: jax.Array, environment: Environment, state: DqnState) -> tuple[DqnState, dict[str, jax.Array]]:
        """Lives for `horizon` moments, remembers them, and makes `updates` updates."""
        k_live, k_sample = jax.random.split(key)
        lanes, seen, moments = self._live(k_live, environment, state)
        row = state.rounds * self.params.horizon % state.replay.reward.shape[0]
        put = lambda old, new: jax.lax.dynamic_update_slice_in_dim(old, new, row, 0)
        replay = jax.tree.map(put, state.replay, seen)
        measures = summary(moments)
        state = replace(
            state,
            lanes=lanes,
            replay=replay,
            rounds=self._counted(state),
            lived=longer(state.lived, measures["agent_steps"]),
        )
        now, next_obs = self._sample(k_sample, state)
        improved, losses = self._improve(self.network(environment), state, now, next_obs)
        return improved, measures | losses

    def _counted(self, state: DqnState) -> jax.Array:
        """`rounds` after one more: at twice as many as memory holds, a turn of memory is taken off."""
        turn = state.replay.reward.shape[0] // self.params.horizon
        return jnp.where(state.rounds + 1 < 2 * turn, state.rounds + 1, turn)

    def _live(self, key: jax.Array, environment: Environment, state: DqnState) -> tuple[Lanes, Replay, Moment]:
        """The environments after `horizon` moments, what is to be remembered of these, and what happened."""
        network, params = self.network(environment), self.params
        rate = exploration(state.lived, params.explored, params.exploration)

        def moment(lanes, key):
            k_whether, k_which, k_advance = jax.random.split(key, 3)
            seen = observe(environment, lanes)
            obs = seen.reshape(-1, seen.shape[-1])
            choice = best(network, think(network, state.weights, None, obs)[1])
            other = jax.random.randint(k_which, choice.shape, 0, network.width)
            choice = jnp.where(jax.random.uniform(k_whether, choice.shape) < rate, other, choice)
            acts = action(network, choice).reshape(*seen.shape[:2], -1)
            lanes, did = advance(k_advance, environment, lanes, acts)
            flat = (leaf.reshape(-1) for leaf in (did.reward, did.terminated, did.living))
            return lanes, (Replay(obs, choice, *flat), did)

        lanes, (seen, moments) = lived(moment, state.lanes, jax.random.split(key, params.horizon))
        return lanes, seen, moments

    def _sample(self, key: jax.Array, state: DqnState) -> tuple[Replay, jax.Array]:
        """Moments `[U, M]` drawn from memory, and what was observed after each, `[U, M, I]`.

        The newest moment is no candidate: what is observed after it is not yet known.
        """
        rows, lanes = state.replay.reward.shape
        k_row, k_lane = jax.random.split(key)
        shape = (self.params.updates, self.params.batch)
        moments = state.rounds * self.params.horizon
        kept = jnp.minimum(moments, rows)
        age = jax.random.randint(k_row, shape, 0, jnp.maximum(kept - 1, 1))
        row = (moments - kept + age) % rows
        lane = jax.random.randint(k_lane, shape, 0, lanes)
        now = jax.tree.map(lambda leaf: leaf[row, lane], state.replay)
        return now, state.replay.obs[(row + 1) % rows, lane]

    def _improve(
        self, network: Network, state: DqnState, now: Replay, next_obs: jax.Array
    ) -> tuple[DqnState, dict[str, jax.Array]]:
        """The state after an update with each of U samples, and means of their measures."""
        params = self.params
        pace = optimiser.annealed(params.learning_rate, params.anneal, state.lived)

        def update(carry, sample):
            weights, target, known = carry
            batch, after = sample
            goal = goals(network, weights, target, batch, after, params.discount)
            loss, gradient = jax.value_and_grad(partial(_loss, network, params.huber))(weights, batch, goal)
            weights, known = optimiser.descend(pace, params.max_gradient, gradient, weights, known)
            target = jax.tree.map(lambda old, new: old + params.target_rate * (new - old), target, weights)
            return (weights, target, known), {"loss": loss, "value": mean(goal, batch.living)}

        start = (state.weights, state.target, state.optimiser)
        done, measures = jax.lax.scan(update, start, (now, next_obs))
        ready = state.lived >= params.warm_up
        weights, target, known = jax.tree.map(lambda old, new: jnp.where(ready, new, old), start, done)
        state = replace(state, weights=weights, target=target, optimiser=known)
        rate = exploration(state.lived, params.explored, params.exploration)
        return state, jax.tree.map(jnp.mean, measures) | {"exploration": rate}


def exploration(lived: jax.Array, explored: jax.Array | float, last: jax.Array | float) -> jax.Array:
    """Share [] of random actions after so many agent-steps: from 1, linearly, to the last one."""
    return jnp.maximum(1 - (1 - last) * lived / explored, last)


def goals(
    network: Network, weights: Weights, target: Weights, batch: Replay, after: jax.Array, discount: jax.Array | float
) -> jax.Array:
    """What values of the choices `[M]` should be: the choice after is the network's, its value the target's."""
    choice = jnp.argmax(_values(network, weights, after), axis=-1)
    worth = _of_choice(_values(network, target, after), choice)
    return batch.reward + discount * jnp.where(batch.terminated, 0.0, worth)


def huber(error: jax.Array, limit: jax.Array | float) -> jax.Array:
    """Half the square of errors up to the limit, beyond that linear (Huber 1964)."""
    size = jnp.abs(error)
    return jnp.where(size <= limit, 0.5 * error**2, limit * (size - 0.5 * limit))


def _loss(network: Network, limit: jax.Array | float, weights: Weights, batch: Replay, goal: jax.Array) -> jax.Array:
    value = _of_choice(_values(network, weights, batch.obs), batch.choice)
    return mean(huber(value - goal, limit), batch.living)


def _values(network: Network, weights: Weights, obs: jax.Array) -> jax.Array:
    """Values `[M, K]` of the actions, given observations `[M, I]`."""
    return think(network, weights, None, obs)[1]


def _of_choice(values: jax.Array, choice: jax.Array) -> jax.Array:
    """Values `[M]` of the choices."""
    return jnp.sum(jnp.where(jnp.arange(values.shape[-1]) == choice[..., None], values, 0.0), axis=-1)
