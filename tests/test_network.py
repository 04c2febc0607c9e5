"""Networks against references: neat-python's recurrent network, a network of dicts, plain loops of plasticity."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import neat
import numpy as np
import pytest
from neat.activations import ActivationFunctionSet

from agents import network
from agents.activations import FUNCTIONS
from agents.network import PLASTIC_DECAY, PLASTIC_LIMIT
from evolution.genome import BrainConfig, express, founder
from evolution.mutation import MutationParams, mutate

BOUNDED = ("tanh", "sigmoid", "relu", "identity", "clamped", "gauss", "sin", "abs")  # values stay small for long
INPUTS, OUTPUTS = 6, 3
CONFIG = BrainConfig(hidden=8, connections=40, activations=BOUNDED, plasticity="hebbian", founder_connections=10)
WILD = MutationParams(add_connection=0.9, add_node=0.5, activation=0.5, toggle=0.2, rate=0.5)
NUM, ROUNDS = 300, 25


@jax.jit
def evolved(key):
    """Genomes after many rounds of frequent mutation, with weights small enough for long-lived values."""

    def line(key):
        k_founder, k_rounds = jax.random.split(key)
        genome = founder(k_founder, CONFIG, INPUTS, OUTPUTS)
        step = lambda i, g: mutate(jax.random.fold_in(k_rounds, i), CONFIG, WILD, INPUTS, OUTPUTS, 1.0, g)
        genome = jax.lax.fori_loop(0, ROUNDS, step, genome)
        return replace(genome, weight=0.3 * genome.weight)

    return jax.vmap(line)(jax.random.split(key, NUM))


GENOMES = jax.tree.map(np.asarray, evolved(jax.random.key(0)))
BRAINS = jax.jit(jax.vmap(lambda g: express(CONFIG, INPUTS, g)))(GENOMES)


def one(tree, i: int):
    return jax.tree.map(lambda leaf: leaf[i], tree)


def reference(genome) -> neat.nn.RecurrentNetwork:
    """neat-python's network of a genome, with every node of it."""
    functions = ActivationFunctionSet()
    links: dict[int, list] = {int(node): [] for node in genome.node if node >= 0}
    for source, target, weight, on in zip(genome.source, genome.target, genome.weight, genome.enabled, strict=True):
        if on:
            links[int(target)].append((int(source), float(weight)))
    evals = [
        (int(node), functions.get(CONFIG.activations[kind]), sum, float(bias), 1.0, links[int(node)])
        for node, bias, kind in zip(genome.node, genome.bias, genome.activation, strict=True)
        if node >= 0
    ]
    return neat.nn.RecurrentNetwork(list(range(INPUTS)), list(range(INPUTS, INPUTS + OUTPUTS)), evals)


@partial(jax.jit, static_argnums=0)
def think(act, mind, memory, obs):
    """Actions `[T, NUM, OUTPUTS]` for observations `[T, NUM, INPUTS]`, and the last memory."""
    step = lambda m, o: jax.vmap(partial(act, None))(mind, m, o)
    memory, actions = jax.lax.scan(step, memory, obs)
    return actions, memory


def policy(plasticity: str):
    return network.policy(CONFIG.activations, OUTPUTS, plasticity, 0)


def test_the_references_are_worth_comparing_with():
    hidden = (GENOMES.node >= 1 << 30).sum(1)
    assert np.median(hidden) >= 4 and np.median(GENOMES.enabled.sum(1)) >= 12
    assert set(GENOMES.activation[GENOMES.node >= 1 << 30]) == set(range(len(BOUNDED)))


@pytest.mark.parametrize("double, ticks", [(False, 2), (True, 30)], ids=["float32", "float64"])
def test_forward_equals_neat_pythons_recurrent_network(double, ticks):
    """Over a few ticks as it is, over many in double precision, where errors have no time to grow."""
    with jax.enable_x64(double):
        number = jnp.float64 if double else jnp.float32
        widen = lambda leaf: jnp.asarray(leaf, number) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf
        brains = jax.tree.map(widen, replace(BRAINS, rate=None))
        obs = np.random.default_rng(0).uniform(-1, 1, (ticks, NUM, INPUTS)).astype(np.float32)
        actions, _ = think(policy("none"), brains, network.blank_memory(brains), jnp.asarray(obs, number))
        actions = np.asarray(actions)
    for i in range(NUM):
        net = reference(one(GENOMES, i))
        expected = np.array([net.activate([float(v) for v in row]) for row in obs[:, i]])
        np.testing.assert_allclose(actions[:, i], expected, rtol=1e-5, atol=1e-5, err_msg=f"genome {i}")


def test_express_equals_a_network_of_dicts():
    rng = np.random.default_rng(1)
    obs = rng.uniform(-1, 1, (NUM, INPUTS)).astype(np.float32)
    value = rng.uniform(-1, 1, GENOMES.node.shape).astype(np.float32)
    forward = jax.jit(jax.vmap(partial(network.forward, CONFIG.activations)))
    got, _ = forward(BRAINS, network.Memory(jnp.asarray(value), None), jnp.asarray(obs))
    for i in range(NUM):
        genome = one(GENOMES, i)
        seen = dict(enumerate(obs[i])) | {int(n): v for n, v in zip(genome.node, value[i], strict=True) if n >= 0}
        for row, node in enumerate(genome.node):
            if node < 0:
                continue
            into = [j for j in range(CONFIG.connections) if genome.enabled[j] and genome.target[j] == node]
            total = sum(float(genome.weight[j]) * float(seen[int(genome.source[j])]) for j in into)
            function = FUNCTIONS[CONFIG.activations[genome.activation[row]]]
            assert float(got[i, row]) == pytest.approx(float(function(total + genome.bias[row])), abs=1e-5)


def plastic_loop(rule: str, genome, obs: np.ndarray) -> tuple[np.ndarray, dict[int, float]]:
    """Actions and learned weights by innovation, from plain loops over genes."""
    functions = ActivationFunctionSet()
    nodes = {int(n): (float(b), int(a)) for n, b, a in zip(genome.node, genome.bias, genome.activation, strict=True)}
    nodes.pop(-1, None)
    genes = [j for j in range(CONFIG.connections) if genome.enabled[j] and genome.weight[j] != 0]
    learned, value, actions = dict.fromkeys(genes, 0.0), dict.fromkeys(nodes, 0.0), []
    for row in obs:
        seen = dict(enumerate(row.tolist())) | value
        weight = {j: float(genome.weight[j]) + learned[j] for j in genes}
        value = {
            node: functions.get(CONFIG.activations[kind])(
                bias + sum(weight[j] * seen[int(genome.source[j])] for j in genes if int(genome.target[j]) == node)
            )
            for node, (bias, kind) in nodes.items()
        }
        for j in genes:
            pre, post, rate = seen[int(genome.source[j])], value[int(genome.target[j])], float(genome.rate[j])
            if rule == "hebbian":
                change = rate * post * (pre - post * weight[j])
            else:
                change = rate * row[0] * post * pre - PLASTIC_DECAY * learned[j]
            learned[j] = float(np.clip(learned[j] + change, -PLASTIC_LIMIT, PLASTIC_LIMIT))
        actions.append([value[INPUTS + o] for o in range(OUTPUTS)])
    return np.array(actions), learned


@pytest.mark.parametrize("rule", ["hebbian", "reward"])
def test_plasticity_equals_plain_loops(rule):
    """In double precision; the first input is the reward."""
    ticks, num = 12, 60
    with jax.enable_x64(True):
        widen = lambda leaf: jnp.asarray(leaf, jnp.float64) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf
        brains = jax.tree.map(lambda leaf: widen(leaf)[:num], BRAINS)
        obs = np.random.default_rng(2).uniform(-1, 1, (ticks, num, INPUTS))
        actions, memory = think(policy(rule), brains, network.blank_memory(brains), jnp.asarray(obs))
        actions, learned = np.asarray(actions), np.asarray(memory.learned)
    assert np.abs(learned).max() > 0.1
    for i in range(num):
        expected, changes = plastic_loop(rule, one(GENOMES, i), obs[:, i])
        np.testing.assert_allclose(actions[:, i], expected, rtol=1e-6, atol=1e-6, err_msg=f"genome {i}")
        for j in range(CONFIG.connections):
            assert learned[i, j] == pytest.approx(changes.get(j, 0.0), rel=1e-6, abs=1e-6)


def test_memory_of_newborns_is_blank_and_fits():
    memory = network.blank_memory(BRAINS)
    assert not np.any(memory.value) and not np.any(memory.learned)
    assert memory.value.shape == BRAINS.bias.shape and memory.learned.shape == BRAINS.weight.shape
    assert network.blank_memory(replace(BRAINS, rate=None)).learned is None
