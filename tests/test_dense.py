"""Dense networks against neat-python's three, a plain topological sweep, and the sparse networks of the world.

Genomes are evolved by our own mutation, with every activation and aggregation. Comparisons are in double
precision, so that they are of meaning and not of rounding. Where neat-python disagrees with itself when it adds
signals up in another order (a reciprocal near 0, say), or overflows, there is nothing to compare with; nor where ours
come near the largest value that they may have.

Two differences are known, and shown here: neat-python's recurrent and continuous-time networks leave a node at 0
that has no enabled input, ours give it f(bias); and its `CTRNN.advance` steps from the state two steps back.
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import neat
import numpy as np
import pytest

from agents import activations, aggregations, dense, network
from evolution.genome import HIDDEN, BrainConfig, Genome, express, founder
from evolution.interchange import to_neat
from evolution.mutation import MutationParams, mutate
from evolution.phenotype import dynamics, networks
from tests import FAST

INPUTS, OUTPUTS, NUM, ROUNDS = 4, 3, 2000, 20
ACTIVATIONS, AGGREGATIONS = tuple(activations.FUNCTIONS), tuple(aggregations.FUNCTIONS)
SHAPE = BrainConfig(
    hidden=7,
    connections=32,
    activations=ACTIVATIONS,
    aggregations=AGGREGATIONS,
    response=True,
    founder_connections=8,
)
FEEDFORWARD = replace(SHAPE, dynamics="feedforward")
CONTINUOUS = replace(SHAPE, dynamics="ctrnn", time_step=0.05)
WILD = MutationParams(
    add_connection=0.9,
    add_node=0.5,
    delete_connection=0.2,
    toggle=0.3,
    bias=0.5,
    activation=0.3,
    aggregation=0.3,
    response=0.5,
    time_constant=0.5,
)


@partial(jax.jit, static_argnums=0, compiler_options=FAST)
def evolve(config, key):
    def line(key):
        k_founder, k_functions, k_rounds = jax.random.split(key, 3)
        genome = founder(k_founder, config, INPUTS, OUTPUTS)
        kinds = jax.random.split(k_functions)
        some = lambda k, names: jax.random.randint(k, genome.node.shape, 0, len(names))
        genome = replace(genome, activation=some(kinds[0], config.activations))  # mutation leaves outputs theirs
        genome = replace(genome, aggregation=some(kinds[1], config.aggregations))
        step = lambda i, g: mutate(jax.random.fold_in(k_rounds, i), config, WILD, INPUTS, OUTPUTS, 1.0, g)
        genome = jax.lax.fori_loop(0, ROUNDS, step, genome)
        return replace(genome, weight=0.5 * genome.weight)

    return jax.vmap(line)(jax.random.split(key, NUM))


def evolved(config, seed):
    return jax.tree.map(np.asarray, evolve(config, jax.random.key(seed)))


def fed(config, genome):
    """The genomes, with nodes that have no enabled input made to stay at 0, as in neat-python."""
    into = (genome.target[:, None, :] == genome.node[:, :, None]) & genome.enabled[:, None, :]
    orphan = (genome.node >= 0) & ~into.any(2)
    return replace(
        genome,
        bias=np.where(orphan, np.float32(0), genome.bias),
        activation=np.where(orphan, ACTIVATIONS.index("identity"), genome.activation).astype(np.int32),
        aggregation=np.where(orphan, AGGREGATIONS.index("sum"), genome.aggregation).astype(np.int32),
    )


def widened(tree):
    wide = lambda leaf: jnp.asarray(leaf, jnp.float64) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf
    return jax.tree.map(wide, tree)


@partial(jax.jit, static_argnums=0)
def values_of(how, nets, obs):
    """Values `[T, M, P]` of all units for observations `[T, INPUTS, P]`."""

    def tick(value, row):
        value = dense.think(how, nets, value, row[:, None, :])
        return value, value[:, 0]

    return jax.lax.scan(tick, dense.rest(nets, 1), obs)[1]


def ours(config, genome, obs):
    nets = networks(config, obs.shape[1], jax.tree.map(jnp.asarray, genome))
    with jax.enable_x64(True):
        return np.asarray(values_of(dynamics(config), widened(nets), jnp.asarray(obs, jnp.float64)))


def compared(config, genome, obs, respond):
    """Share of genomes that can be compared, after all of those were found equal.

    `respond(genome, config, rows)` gives the outputs of neat-python's network for rows of inputs, and the same
    with signals added up in the opposite order.
    """
    values = ours(config, genome, obs)
    result, tame = values[:, :OUTPUTS], np.all(np.abs(values) < 1e-4 * dense.MOST, axis=(0, 1))
    theirs, neat_config = to_neat(config, genome, INPUTS, OUTPUTS)
    good = 0
    for i, one in enumerate(theirs):
        try:
            expected, again = map(np.array, respond(one, neat_config, obs[:, :, i].tolist()))
        except OverflowError:
            continue
        if not tame[i] or not np.isfinite(expected).all() or not np.allclose(expected, again, rtol=1e-9, atol=1e-9):
            continue
        good += 1
        np.testing.assert_allclose(result[:, :, i], expected, rtol=1e-5, atol=1e-5, err_msg=f"genome {i}")
    return good / len(theirs)


def observations(ticks, seed):
    return np.random.default_rng(seed).uniform(-1, 1, (ticks, INPUTS, NUM)).astype(np.float32)


def feedforward(genome, config, rows):
    return both_ways(neat.nn.FeedForwardNetwork.create(genome, config), rows)


def recurrent(genome, config, rows):
    return both_ways(neat.nn.RecurrentNetwork.create(genome, config), rows)


def both_ways(net, rows):
    turned = [(*rest, links[::-1]) for *rest, links in net.node_evals]
    twin = type(net)(net.input_nodes, net.output_nodes, turned)
    return [net.activate(row) for row in rows], [twin.activate(row) for row in rows]


class Euler(neat.ctrnn.CTRNN):
    """neat-python's network, stepping from the last state."""

    def step(self, inputs, time_step):
        last, new = self.values[self.active], self.values[1 - self.active]
        self.active = 1 - self.active
        for key, value in zip(self.input_nodes, inputs, strict=True):
            last[key] = new[key] = value
        for key, node in self.node_evals.items():
            arriving = node.aggregation([last[source] * weight for source, weight in node.links])
            goal = node.activation(node.bias + node.response * arriving)
            new[key] = last[key] + time_step / node.time_constant * (goal - last[key])
        return [new[key] for key in self.output_nodes]


def continuous(genome, config, rows):
    nets = [neat.ctrnn.CTRNN.create(genome, config) for _ in range(2)]
    for node in nets[1].node_evals.values():
        node.links = node.links[::-1]
    for net in nets:
        net.__class__ = Euler
    return [[net.step(row, CONTINUOUS.time_step) for row in rows] for net in nets]


@pytest.fixture(scope="module")
def acyclic():
    return evolved(FEEDFORWARD, 1)


@pytest.fixture(scope="module")
def cyclic():
    return evolved(CONTINUOUS, 2)


def test_the_genomes_are_worth_comparing(acyclic, cyclic):
    for genome in (acyclic, cyclic):
        hidden = (genome.node >= HIDDEN).sum(1)
        assert np.median(hidden) >= 4 and np.median(genome.enabled.sum(1)) >= 8
        assert set(genome.activation[genome.node >= 0]) == set(range(len(ACTIVATIONS)))
        assert set(genome.aggregation[genome.node >= 0]) == set(range(len(AGGREGATIONS)))
        assert genome.response[genome.node >= 0].std() > 0.1
    assert cyclic.time_constant[cyclic.node >= 0].std() > 0.05


def test_every_function_of_neat_python_is_ours_too():
    assert set(neat.activations.ActivationFunctionSet().functions) == set(ACTIVATIONS)
    assert set(neat.aggregations.AggregationFunctionSet().functions) == set(AGGREGATIONS)


def test_feedforward_equals_neat_pythons(acyclic):
    assert compared(FEEDFORWARD, acyclic, observations(3, 1), feedforward) > 0.97


def test_recurrent_equals_neat_pythons(cyclic):
    genome = replace(fed(SHAPE, cyclic), time_constant=None)
    assert compared(SHAPE, genome, observations(4, 2), recurrent) > 0.9


def test_continuous_time_equals_neat_pythons_corrected(cyclic):
    assert compared(CONTINUOUS, fed(CONTINUOUS, cyclic), observations(6, 3), continuous) > 0.9


def test_one_step_from_rest_equals_neat_pythons_own_continuous_time(cyclic):
    """Its state after one step, that is: `advance` itself returns the state before its last step."""

    def once(genome, config, rows):
        net = neat.ctrnn.CTRNN.create(genome, config)
        assert net.advance(rows[0], CONTINUOUS.time_step, CONTINUOUS.time_step) == [0.0] * OUTPUTS
        return [[[net.values[net.active][key] for key in net.output_nodes]]] * 2

    assert compared(CONTINUOUS, fed(CONTINUOUS, cyclic), observations(1, 4), once) > 0.95


def test_neat_pythons_own_continuous_time_skips_a_state():
    """One node that decays from rest towards 1: two steps give 1 - (1 - r)², neat-python's leapfrog gives r."""
    brain = replace(CONTINUOUS, activations=("identity",), aggregations=("sum",), response=False, hidden=0)
    genome = single(brain, bias=1.0, weight=0.0)
    (theirs,), config = to_neat(brain, genome, 1, 1)
    net = neat.ctrnn.CTRNN.create(theirs, config)
    for _ in range(2):
        net.advance([0.0], brain.time_step, brain.time_step)
    rate = brain.time_step / float(genome.time_constant[0, 0])
    assert net.values[net.active][0] == pytest.approx(rate)
    assert ours(brain, genome, np.zeros((2, 1, 1)))[-1, 0, 0] == pytest.approx(1 - (1 - rate) ** 2)


def test_a_node_without_input_is_f_of_bias_here_and_0_in_neat_pythons_recurrent_network():
    brain = replace(SHAPE, activations=("identity",), aggregations=("sum",), response=False, hidden=0)
    genome = replace(single(brain, bias=0.75, weight=1.0), enabled=np.zeros((1, 1), bool))
    (theirs,), config = to_neat(brain, genome, 1, 1)
    assert neat.nn.RecurrentNetwork.create(theirs, config).activate([1.0]) == [0.0]
    assert ours(brain, genome, np.ones((1, 1, 1)))[0, 0, 0] == 0.75


def single(brain, bias, weight):
    """One input, one output, one connection; `[1, ...]`."""
    column = lambda value, dtype=np.float32: np.full((1, 1), value, dtype)
    return Genome(
        node=column(1, np.int32),
        bias=column(bias),
        activation=column(0, np.int32),
        innovation=column(9, np.int32),
        source=column(0, np.int32),
        target=column(1, np.int32),
        weight=column(weight),
        rate=column(0),
        enabled=column(True, bool),
        refused=np.zeros(1, np.int32),
        time_constant=column(0.25) if brain.dynamics == "ctrnn" else None,
    )


def test_feedforward_equals_a_topological_sweep(acyclic):
    """All nodes, against plain Python, for genomes whose functions are gentle."""
    gentle = [ACTIVATIONS.index(name) for name in ("tanh", "sigmoid", "relu", "clamped", "gauss", "sin")]
    genome = replace(acyclic, activation=np.array(gentle, np.int32)[acyclic.activation % len(gentle)])
    obs = observations(3, 5)
    got = ours(FEEDFORWARD, genome, obs)[0]
    for i in range(300):
        one = jax.tree.map(lambda leaf, i=i: leaf[i], genome)
        values = swept(one, obs[0, :, i])
        for row in np.flatnonzero(one.node >= 0):
            assert got[row, i] == pytest.approx(values[int(one.node[row])], rel=1e-5, abs=1e-5), (i, row)


def swept(genome, obs):
    """Values of all nodes, each computed once after those that it needs."""
    reduce = {
        "sum": sum,
        "product": lambda x: float(np.prod(x)),
        "max": lambda x: max(x, default=0.0),
        "min": lambda x: min(x, default=0.0),
        "maxabs": lambda x: max(x, key=abs, default=0.0),
        "median": lambda x: float(np.median(x)) if x else 0.0,
        "mean": lambda x: float(np.mean(x)) if x else 0.0,
    }
    functions = neat.activations.ActivationFunctionSet()
    values = dict(enumerate(obs.tolist()))
    waiting = {int(node): row for row, node in enumerate(genome.node) if node >= 0}
    columns = (genome.source, genome.target, genome.weight, genome.enabled)
    links = list(zip(*(column.tolist() for column in columns), strict=True))
    while waiting:
        ready = [
            node
            for node in waiting
            if all(source in values for source, target, _, on in links if on and target == node)
        ]
        assert ready, "a cycle"
        for node in ready:
            row = waiting.pop(node)
            signals = [weight * values[source] for source, target, weight, on in links if on and target == node]
            arriving = reduce[AGGREGATIONS[genome.aggregation[row]]](signals)
            z = float(genome.bias[row]) + float(genome.response[row]) * arriving
            values[node] = functions.get(ACTIVATIONS[genome.activation[row]])(z)
    return values


def test_networks_of_the_world_equal_dense_ones(cyclic):
    """`agents.network` (lists of connections) and `agents.dense` (matrices), for recurrent sums, over 5 ticks."""
    bounded = ("tanh", "sigmoid", "clamped", "gauss", "sin", "hat")
    brain = replace(SHAPE, activations=bounded, aggregations=("sum",), response=False)
    kinds = (cyclic.activation % len(bounded)).astype(np.int32)
    genome = replace(cyclic, activation=kinds, aggregation=None, response=None, time_constant=None)
    obs = observations(5, 6)
    dense_out = ours(brain, genome, obs)[:, :OUTPUTS]
    minds = jax.vmap(lambda one: express(brain, INPUTS, one))(jax.tree.map(jnp.asarray, genome))
    act = network.policy(brain.activations, OUTPUTS, "none", 0)

    @jax.jit
    def live(minds, obs):
        tick = lambda memory, row: jax.vmap(partial(act, None))(minds, memory, row.T)
        return jax.lax.scan(tick, network.blank_memory(minds), obs)[1]

    with jax.enable_x64(True):
        sparse_out = np.asarray(live(widened(minds), jnp.asarray(obs, jnp.float64)))
    np.testing.assert_allclose(np.moveaxis(sparse_out, 1, 2), dense_out, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("aggregations", [("sum",), ("sum", "mean", "max", "product")])
@pytest.mark.parametrize("response", [False, True])
def test_more_room_changes_no_bit(aggregations, response):
    """What a network computes does not depend on how large the largest of its neighbours is."""
    units, inputs, nets, rng = 12, 2, 33, np.random.default_rng(0)
    how = dense.Dynamics(("tanh", "identity"), aggregations, "recurrent")
    real = rng.random((units, inputs + units, nets)) < 0.4
    columns = {"weight": rng.normal(size=real.shape) * real, "bias": rng.normal(size=(units, nets))}
    columns["response"] = rng.normal(size=(units, nets))
    kinds = {name: rng.integers(0, n, (units, nets)) for name, n in (("activation", 2), ("aggregation", 4))}
    obs = rng.normal(size=(inputs, 4, nets)).astype(np.float32)

    def values(room):
        wide = lambda leaf, dtype: np.pad(leaf, [(0, room - units), *[(0, 0)] * (leaf.ndim - 1)]).astype(dtype)
        square = lambda leaf, dtype: np.pad(wide(leaf, dtype), [(0, 0), (0, room - units), (0, 0)])
        made = dense.Nets(
            weight=jnp.asarray(square(columns["weight"], np.float32)),
            link=None if aggregations == ("sum",) else jnp.asarray(square(real, bool)),
            bias=jnp.asarray(wide(columns["bias"], np.float32)),
            activation=jnp.asarray(wide(kinds["activation"], np.int32)),
            aggregation=None if aggregations == ("sum",) else jnp.asarray(wide(kinds["aggregation"], np.int32)),
            response=jnp.asarray(wide(columns["response"], np.float32)) if response else None,
            time_constant=None,
            depth=jnp.int32(1),
        )
        value = dense.rest(made, 4)
        for _ in range(3):
            value = jax.jit(dense.think, static_argnums=0)(how, made, value, obs)
        return np.asarray(value)[:units]

    narrow = values(units)
    assert np.isfinite(narrow).all() and np.ptp(narrow) > 1
    for room in (46, 47, 70):  # 48 signals are summed otherwise than 49
        np.testing.assert_array_equal(values(room).view(np.int32), narrow.view(np.int32))


def test_a_unit_that_runs_away_does_not_spoil_those_it_is_not_connected_to():
    how = dense.Dynamics(("identity",), ("sum",), "recurrent")
    weight = jnp.zeros((2, 3, 1)).at[0, 1, 0].set(1000.0)  # unit 0 feeds itself; unit 1 hears nothing
    none = {"link": None, "aggregation": None, "response": None, "time_constant": None}
    made = dense.Nets(
        weight=weight, bias=jnp.ones((2, 1)), activation=jnp.zeros((2, 1), jnp.int32), depth=jnp.int32(1), **none
    )
    value = dense.rest(made, 1)
    for _ in range(40):
        value = dense.think(how, made, value, jnp.zeros((1, 1, 1)))
    assert value[1, 0, 0] == 1 and value[0, 0, 0] == dense.MOST
