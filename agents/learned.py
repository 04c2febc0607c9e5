"""Learned minds: networks of fixed shape whose weights come from learning by reward.

A `Network` is a shape: fully connected layers of tanh or rectified units, then perhaps a layer of gated recurrent units
(GRU; Cho et al. 2014, with the reset gate after the product, as in cuDNN), then a linear head. Weights are a dict of
arrays whose names say where they belong. One set of weights may serve many bodies, which are leading axes `...` then,
or each body have its own (`vmap`). Leaves out normalisation of observations: these environments give moderate numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import jax
import jax.numpy as jnp

ACTIVATIONS = ("tanh", "relu")
HEADS = ("menu", "gaussian", "q", "value")
LOG_TWO_PI = math.log(2 * math.pi)

Weights = dict[str, jax.Array]


@dataclass(frozen=True)
class Network:
    """Shape of a learned mind, or of a critic. Hashable: equal networks share one compiled program.

    `head` says what the numbers of the last layer are. menu: logits of the K actions on the menu. gaussian: means of
    the A numbers of an action, each with a standard deviation that does not depend on what is observed. q: values of
    the K actions. value: one number, the value of a state; such a network does not act.
    """

    inputs: int  # I
    outputs: int  # A, numbers of an action
    hidden: tuple[int, ...] = (64, 64)  # units of each fully connected layer; () for none
    recurrent: int = 0  # R, gated recurrent units after them; 0 for none
    head: str = "menu"
    menu: tuple[tuple[float, ...], ...] = ()  # K actions of A numbers; of heads menu and q
    bounds: tuple[float, float] = (-1.0, 1.0)  # of the numbers of an action; of the head gaussian
    activation: str = "tanh"  # of the hidden layers

    def __post_init__(self) -> None:
        if self.head not in HEADS:
            raise ValueError(f"head is {self.head!r}; it must be one of {', '.join(HEADS)}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation is {self.activation!r}; it must be one of {', '.join(ACTIVATIONS)}")
        if self.head in ("menu", "q") and {len(row) for row in self.menu} != {self.outputs}:
            raise ValueError(f"head {self.head!r} needs a menu of actions of {self.outputs} numbers, got {self.menu}")

    @property
    def width(self) -> int:
        """Numbers of the last layer."""
        return {"menu": len(self.menu), "q": len(self.menu), "gaussian": self.outputs, "value": 1}[self.head]


def init(key: jax.Array, network: Network) -> Weights:
    """Fresh weights: normal, biases 0, the head of a chooser near 0, so that it starts with no preference.

    The usual gains (√2, head 0.01 or 1) with the spread that entries of orthogonal matrices have; orthogonal ones
    themselves need a QR decomposition, which is slow to compile and no measurable help in networks this small.
    """
    sizes, weights = (network.inputs, *network.hidden), {}
    keys = jax.random.split(key, len(network.hidden) + 3)
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        weights[f"hidden{layer}.weight"] = _normal(keys[layer], fan_in, fan_out, math.sqrt(2))
        weights[f"hidden{layer}.bias"] = jnp.zeros(fan_out)
    last, units = sizes[-1], network.recurrent
    if units:
        for name, k_gate, fan_in in (("input", keys[-3], last), ("recurrent", keys[-2], units)):
            gates = [_normal(k, fan_in, units, 1.0) for k in jax.random.split(k_gate, 3)]
            weights[f"gru.{name}"] = jnp.concatenate(gates, axis=1)
            weights[f"gru.{name}_bias"] = jnp.zeros(3 * units)
        last = units
    gain = 0.01 if network.head in ("menu", "gaussian") else 1.0
    weights["head.weight"] = _normal(keys[-1], last, network.width, gain)
    weights["head.bias"] = jnp.zeros(network.width)
    if network.head == "gaussian":
        weights["head.log_sd"] = jnp.zeros(network.width)
    return weights


def _normal(key: jax.Array, fan_in: int, fan_out: int, gain: float) -> jax.Array:
    """`[fan_in, fan_out]` of the standard deviation that entries of an orthogonal matrix times `gain` have."""
    return gain / math.sqrt(max(fan_in, fan_out)) * jax.random.normal(key, (fan_in, fan_out))


def num_weights(network: Network) -> int:
    """Numbers that learning may change."""
    return sum(leaf.size for leaf in jax.eval_shape(lambda: init(jax.random.key(0), network)).values())


def blank_memory(network: Network) -> jax.Array | None:
    """Memory `[R]` of a body that has seen nothing; None without recurrent units."""
    return jnp.zeros(network.recurrent) if network.recurrent else None


def think(
    network: Network, weights: Weights, memory: jax.Array | None, obs: jax.Array
) -> tuple[jax.Array | None, jax.Array]:
    """New memory `[..., R]`, and what the head says of observations `[..., I]`: `[..., width]`, with the logarithms of
    standard deviations `[..., 2A]` if gaussian."""
    signal, bend = obs, jnp.tanh if network.activation == "tanh" else jax.nn.relu
    for layer in range(len(network.hidden)):
        signal = bend(signal @ weights[f"hidden{layer}.weight"] + weights[f"hidden{layer}.bias"])
    if network.recurrent:
        signal = memory = gru(weights, memory, signal)
    out = signal @ weights["head.weight"] + weights["head.bias"]
    if network.head == "gaussian":
        out = jnp.concatenate([out, jnp.broadcast_to(weights["head.log_sd"], out.shape)], axis=-1)
    return memory, out


def gru(weights: Weights, memory: jax.Array, signal: jax.Array) -> jax.Array:
    """New memory `[..., R]` of gated recurrent units from the last one and a signal; gates: reset, update, new."""
    arriving = signal @ weights["gru.input"] + weights["gru.input_bias"]
    kept = memory @ weights["gru.recurrent"] + weights["gru.recurrent_bias"]
    (reset, update, new), (reset_, update_, new_) = jnp.split(arriving, 3, -1), jnp.split(kept, 3, -1)
    proposal = jnp.tanh(new + jax.nn.sigmoid(reset + reset_) * new_)
    stay = jax.nn.sigmoid(update + update_)
    return (1 - stay) * proposal + stay * memory


# What a head says, as a distribution over choices: [...] int32 places on the menu, or [..., A] numbers not yet clipped.


def drawn(key: jax.Array, network: Network, out: jax.Array) -> jax.Array:
    """Choices at random, by what the head says; -1 on the menu where that is not a number."""
    if network.head == "menu":
        return _sure(out, jax.random.categorical(key, out))
    if network.head == "gaussian":
        mean, log_sd = jnp.split(out, 2, -1)
        return mean + jnp.exp(log_sd) * jax.random.normal(key, mean.shape)
    raise ValueError(f"the head {network.head!r} is no distribution to draw from")


def best(network: Network, out: jax.Array) -> jax.Array:
    """The likeliest choices, or those of the highest value; -1 on the menu where `out` is not a number."""
    if network.head == "gaussian":
        return jnp.split(out, 2, -1)[0]
    if network.head == "value":
        raise ValueError("the head 'value' is that of a critic, which does not act")
    return _sure(out, jnp.argmax(out, axis=-1))


def _sure(out: jax.Array, choice: jax.Array) -> jax.Array:
    return jnp.where(jnp.any(jnp.isnan(out), axis=-1), -1, choice).astype(jnp.int32)


def action(network: Network, choice: jax.Array) -> jax.Array:
    """Numbers `[..., A]` of actions; all NaN, which is a failure to act, for the choice -1."""
    if network.head == "gaussian":
        return jnp.clip(choice, *network.bounds)
    menu = jnp.asarray(network.menu, jnp.float32)
    chosen = (jnp.arange(len(network.menu)) == choice[..., None])[..., None]  # a gather is slow on a CPU
    return jnp.where(choice[..., None] < 0, jnp.nan, jnp.sum(jnp.where(chosen, menu, 0.0), axis=-2))


def log_probability(network: Network, out: jax.Array, choice: jax.Array) -> jax.Array:
    """Logarithm [...] of the probability, or of its density, of choices."""
    if network.head == "menu":
        chosen = jnp.arange(network.width) == choice[..., None]
        return jnp.sum(jnp.where(chosen, jax.nn.log_softmax(out), 0.0), axis=-1)
    mean, log_sd = jnp.split(out, 2, -1)
    return -jnp.sum(0.5 * ((choice - mean) * jnp.exp(-log_sd)) ** 2 + log_sd + 0.5 * LOG_TWO_PI, axis=-1)


def entropy(network: Network, out: jax.Array) -> jax.Array:
    """Entropy [...] of the distribution in nats; of gaussian heads before clipping."""
    if network.head == "menu":
        logits = jax.nn.log_softmax(out)
        return -jnp.sum(jnp.exp(logits) * logits, axis=-1)
    return jnp.sum(jnp.split(out, 2, -1)[1] + 0.5 + 0.5 * LOG_TWO_PI, axis=-1)


def policy(network: Network, sampled: bool = False) -> Callable:
    """The `act(key, weights, memory, obs) -> (memory, action [A])` of one body.

    It does what is best, or what is drawn with the key if `sampled`. Weights or observations that are not numbers
    give an action of NaN. ValueError for a critic, or to draw from values of actions.
    """
    if network.head == "value" or (sampled and network.head == "q"):
        raise ValueError(f"a network with the head {network.head!r} has no policy{' to sample' if sampled else ''}")

    def act(
        key: jax.Array, weights: Weights, memory: jax.Array | None, obs: jax.Array
    ) -> tuple[jax.Array | None, jax.Array]:
        memory, out = think(network, weights, memory, obs)
        return memory, action(network, drawn(key, network, out) if sampled else best(network, out))

    return act
