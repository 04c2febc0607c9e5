"""Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347), clipped, with actor and critic apart.

Advantages are generalised ones (Schulman et al. 2016, arXiv 1506.02438). Of the details of Huang et al. (2022, "The 37
implementation details of PPO") it has: advantages normalised per minibatch, Adam with epsilon 1e-5, a head that starts
near 0, annealing, and clipping of the gradient, of each network by itself. At a truncation the value of the final
observation stands for what was cut off (Pardo et al. 2018). With `recurrent`, both networks have gated recurrent units
and learn from whole sequences, from the memory stored at their start. Leaves out the clipped value loss, which does not
help (Andrychowicz et al. 2021, arXiv 2006.05990), and normalisation of observations and rewards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from agents.environments.base import Environment
from agents.learned import (
    Network,
    Weights,
    action,
    blank_memory,
    drawn,
    entropy,
    init,
    log_probability,
    think,
)
from agents.learning import optimiser
from agents.learning.lanes import Lanes, Moment, advance, begin, lived, longer, mean, observe, summary
from sim.config import key as tunable

NUMBERS = ["learning_rate", "discount", "gae_lambda", "clip", "entropy", "max_gradient", "anneal"]
SHAPES = ["environments", "horizon", "epochs", "minibatches", "hidden", "units", "actions"]


@partial(jax.tree_util.register_dataclass, data_fields=NUMBERS, meta_fields=SHAPES)
@dataclass(frozen=True)
class PpoParams:
    """Numbers of PPO, and what decides its shapes."""

    learning_rate: float = tunable(2e-3, "step of the Adam optimiser", low=0, high=10)
    discount: float = tunable(0.99, "worth of a reward one step later", low=0, high=1)
    gae_lambda: float = tunable(0.95, "advantages: 0 trusts the critic, 1 the rewards", low=0, high=1)
    clip: float = tunable(0.2, "change of a probability, as a ratio, beyond which nothing is gained", low=0, high=10)
    entropy: float = tunable(0.003, "weight of the entropy of the policy", low=0, high=10)
    max_gradient: float = tunable(0.5, "norm to which the gradient of each network is clipped", low=0, high=1e9)
    anneal: float = tunable(0.0, "over so many agent-steps the learning rate falls to 0; 0: it stays", low=0, high=1e9)
    environments: int = tunable(16, "copies of the environment that run side by side", low=1, high=65_536)
    horizon: int = tunable(64, "steps of each between two improvements", low=1, high=65_536, unit="steps")
    epochs: int = tunable(10, "times that what was lived is learned from", low=1, high=1000)
    minibatches: int = tunable(4, "parts into which it is split each time", low=1, high=65_536)
    hidden: tuple[int, ...] = tunable((64, 64), "units of each layer of actor and critic", low=1, high=4096)
    units: int = tunable(64, "recurrent units of actor and critic, of recurrent_ppo", low=1, high=4096)
    actions: str = tunable(
        "menu", "what it chooses: one of the environment's menu, or all numbers", choices=("menu", "continuous")
    )


class Nets(NamedTuple):
    """Something of the actor and of the critic: shapes, weights or memories."""

    actor: Any
    critic: Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PpoState:
    """N environments on their way, and what was learned so far."""

    weights: Nets
    optimiser: Nets
    memory: Nets  # [N, B, R], or None
    lanes: Lanes
    lived: jax.Array  # [] int32 agent-steps so far, `lanes.LONG` at most


class Trail(NamedTuple):
    """What L = N·B bodies lived through in T moments, and with [:, :M] what a minibatch of them did."""

    obs: jax.Array  # [T, L, I]
    choice: jax.Array  # [T, L] or [T, L, A]
    log_probability: jax.Array  # [T, L]
    value: jax.Array  # [T, L]
    restarted: jax.Array  # [T, L] bool: after this moment memory is blank
    living: jax.Array  # [T, L] bool


@partial(jax.tree_util.register_dataclass, data_fields=["params"], meta_fields=["recurrent"])
@dataclass(frozen=True)
class Ppo:
    """The algorithm; with memory if `recurrent`."""

    params: PpoParams = PpoParams()
    recurrent: bool = False

    def network(self, environment: Environment) -> Network:
        """See `agents.learning.base.Learner`."""
        return self._networks(environment).actor

    def _networks(self, environment: Environment) -> Nets:
        senses, acts = environment.ends
        chooses = self.params.actions == "menu"
        actor = Network(
            inputs=len(senses),
            outputs=len(acts),
            hidden=self.params.hidden,
            recurrent=self.params.units if self.recurrent else 0,
            head="menu" if chooses else "gaussian",
            menu=environment.menu if chooses else (),
            bounds=environment.bounds,
        )
        return Nets(actor, replace(actor, head="value", menu=()))

    def init(self, key: jax.Array, environment: Environment, weights: Weights | None = None) -> PpoState:
        """See `agents.learning.base.Learner`. The critic is fresh in any case."""
        k_actor, k_critic, k_lanes = jax.random.split(key, 3)
        shapes, num = self._networks(environment), self.params.environments
        actor = init(k_actor, shapes.actor) if weights is None else weights
        both = Nets(actor, init(k_critic, shapes.critic))
        many = lambda leaf: jnp.broadcast_to(leaf, (num * environment.bodies, *leaf.shape))
        return PpoState(
            weights=both,
            optimiser=Nets(*map(optimiser.fresh, both)),
            memory=jax.tree.map(many, Nets(*map(blank_memory, shapes))),
            lanes=begin(k_lanes, environment, num),
            lived=jnp.int32(0),
        )

    def weights(self, state: PpoState) -> Weights:
        """See `agents.learning.base.Learner`."""
        return state.weights.actor

    def learn(self, key: jax.Array, environment: Environment, state: PpoState) -> tuple[PpoState, dict[str, jax.Array]]:
        """Lives for `horizon` moments, and improves actor and critic by them."""
        k_live, k_improve = jax.random.split(key)
        lanes, memory, trail, moments = self._live(k_live, environment, state)
        shapes = self._networks(environment)
        obs = observe(environment, lanes).reshape(trail.obs.shape[1:])
        after = think(shapes.critic, state.weights.critic, memory.critic, obs)[1][:, 0]
        value = jnp.concatenate([trail.value, after[None]])
        flat = lambda leaf: leaf.reshape(trail.living.shape)
        reward, terminated, ended = (flat(leaf) for leaf in (moments.reward, moments.terminated, moments.ended))
        advantage = advantages(
            jnp.where(trail.living, reward, 0.0), value, terminated, ended, self.params.discount, self.params.gae_lambda
        )
        improved, losses = self._improve(k_improve, shapes, state, trail, advantage)
        measures = summary(moments)
        steps = longer(state.lived, measures["agent_steps"])
        return replace(improved, lanes=lanes, memory=memory, lived=steps), measures | losses

    def _live(self, key: jax.Array, environment: Environment, state: PpoState) -> tuple[Lanes, Nets, Trail, Moment]:
        """The environments and memories after `horizon` moments, and what happened in them."""
        shapes, bodies = self._networks(environment), environment.bodies

        def moment(carry, key):
            lanes, memory = carry
            k_choose, k_advance = jax.random.split(key)
            seen = observe(environment, lanes)
            obs = seen.reshape(-1, seen.shape[-1])
            ours, out = think(shapes.actor, state.weights.actor, memory.actor, obs)
            theirs, value = think(shapes.critic, state.weights.critic, memory.critic, obs)
            choice = drawn(k_choose, shapes.actor, out)
            chance = log_probability(shapes.actor, out, choice)
            acts = action(shapes.actor, choice).reshape(*seen.shape[:2], -1)
            lanes, did = advance(k_advance, environment, lanes, acts)
            restarted = jnp.repeat(did.restarted, bodies)
            memory = _blanked(restarted, Nets(ours, theirs))
            living = did.living.reshape(-1)
            return (lanes, memory), (Trail(obs, choice, chance, value[:, 0], restarted, living), did)

        keys = jax.random.split(key, self.params.horizon)
        (lanes, memory), (trail, moments) = lived(moment, (state.lanes, state.memory), keys)
        return lanes, memory, trail, moments

    def _improve(
        self, key: jax.Array, shapes: Nets, state: PpoState, trail: Trail, advantage: jax.Array
    ) -> tuple[PpoState, dict[str, jax.Array]]:
        """The state after some epochs of minibatches, and means of their measures."""
        data, memory = (trail, advantage), state.memory
        if not self.recurrent:  # every moment stands for itself: a sequence of one
            data = jax.tree.map(lambda leaf: leaf.reshape(1, -1, *leaf.shape[2:]), data)
        num = data[1].shape[1]
        parts = min(self.params.minibatches, num)
        params = self.params
        rate = optimiser.annealed(params.learning_rate, params.anneal, state.lived)

        def minibatch(carry, index):
            both, known = carry
            batch, start = jax.tree.map(lambda leaf: leaf[:, index], data), jax.tree.map(lambda m: m[index], memory)
            gradient, measures = jax.grad(self._loss, has_aux=True)(both, shapes, start, *batch)
            step = partial(optimiser.descend, rate, params.max_gradient)
            moved = [step(*of_one) for of_one in zip(gradient, both, known, strict=True)]
            return tuple(Nets(*part) for part in zip(*moved, strict=True)), measures

        def epoch(carry, key):
            order = jax.random.permutation(key, num)[: num // parts * parts]
            return jax.lax.scan(minibatch, carry, order.reshape(parts, -1))

        keys = jax.random.split(key, self.params.epochs)
        (both, known), measures = jax.lax.scan(epoch, (state.weights, state.optimiser), keys)
        return replace(state, weights=both, optimiser=known), jax.tree.map(jnp.mean, measures)

    def _loss(
        self, both: Nets, shapes: Nets, memory: Nets, trail: Trail, advantage: jax.Array
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """What is to be descended, and measures of a minibatch: moments `[T, M]`, memories `[M, R]` before them."""
        params, living = self.params, trail.living
        out = _sequence(shapes.actor, both.actor, memory.actor, trail)
        value = _sequence(shapes.critic, both.critic, memory.critic, trail)[..., 0]
        change = log_probability(shapes.actor, out, trail.choice) - trail.log_probability
        spread = mean(entropy(shapes.actor, out), living)
        gain = mean(surrogate(change, normalised(advantage, living), params.clip), living)
        error = mean(0.5 * (value - (trail.value + advantage)) ** 2, living)
        measures = {
            "policy_loss": -gain,
            "value_loss": error,
            "entropy": spread,
            "kl": mean(jnp.expm1(change) - change, living),
            "clipped": mean((jnp.abs(jnp.expm1(change)) > params.clip).astype(jnp.float32), living),
        }
        return error - gain - params.entropy * spread, measures


def advantages(
    reward: jax.Array,
    value: jax.Array,
    terminated: jax.Array,
    ended: jax.Array,
    discount: jax.Array | float,
    gae_lambda: jax.Array | float,
) -> jax.Array:
    """Generalised advantages `[T, L]`: the sum over k, to the end of the life, of (discount·lambda)^k delta(t+k).

    delta(t) = reward(t) + discount·value(t+1) - value(t), without value(t+1) where the life was terminated. `value` is
    `[T+1, L]`, the others `[T, L]`.
    """
    delta = reward + discount * value[1:] * ~terminated - value[:-1]
    back = lambda later, now: (now[0] + discount * gae_lambda * ~now[1] * later,) * 2
    return jax.lax.scan(back, jnp.zeros_like(value[0]), (delta, ended), reverse=True)[1]


def normalised(advantage: jax.Array, living: jax.Array) -> jax.Array:
    """Advantages of mean 0 and standard deviation 1 over those that count."""
    centred = advantage - mean(advantage, living)
    return centred / (jnp.sqrt(mean(centred**2, living)) + 1e-8)


def surrogate(change: jax.Array, advantage: jax.Array, clip: jax.Array | float) -> jax.Array:
    """The clipped objective of each choice, from the change of its log probability."""
    ratio = jnp.exp(change)
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage)


def _sequence(network: Network, weights: Weights, memory: jax.Array | None, trail: Trail) -> jax.Array:
    """What the head says `[T, L, ...]` in the course of a trail, from the memories `[L, R]` at its start."""

    def moment(memory, seen):
        obs, restarted = seen
        memory, out = think(network, weights, memory, obs)
        return _blanked(restarted, memory), out

    return jax.lax.scan(moment, memory, (trail.obs, trail.restarted))[1]


def _blanked(restarted: jax.Array, memory: Any) -> Any:
    """Memories `[L, R]`, blank where a new life begins."""
    return jax.tree.map(lambda leaf: jnp.where(restarted[:, None], 0.0, leaf), memory)
