"""Mutation of what only some genomes have, tries for a new connection, and limits; the rest is in `test_genome`.

Genomes here have every gene there is: aggregation, response, time constant and the generation of a connection.
"""

from dataclasses import fields, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution.genome import HIDDEN, BrainConfig, connection_id, founder
from evolution.mutation import (
    RESPONSE_STEP,
    TIME_STEP,
    MutationParams,
    add_connection,
    add_node,
    delete_connection,
    delete_node,
    mutate,
    mutate_nodes,
)
from tests import FAST
from tests.test_genome import each

INPUTS, OUTPUTS, NUM = 3, 2, 512
CONFIG = BrainConfig(
    hidden=5,
    connections=24,
    aggregations=("sum", "max", "mean", "product"),
    dynamics="ctrnn",
    response=True,
    time_step=0.02,
    weight_limit=3.0,
    founder_connections=5,
)
RATES = [f.name for f in fields(MutationParams) if not f.name.endswith("step") and f.name != "weight_new"]
OFF = MutationParams(**dict.fromkeys(RATES, 0.0))


def keys(seed: int, num: int = NUM) -> jax.Array:
    return jax.random.split(jax.random.key(seed), num)


def _grown(key):
    """A founder after ten rounds of everything."""
    wild = MutationParams(add_connection=0.8, add_node=0.5, delete_node=0.1, response=0.5, time_constant=0.5)
    genome = founder(key, CONFIG, INPUTS, OUTPUTS)
    genome = replace(genome, born=jnp.zeros_like(genome.innovation))
    step = lambda i, g: mutate(jax.random.fold_in(key, i), CONFIG, wild, INPUTS, OUTPUTS, 1.0, g, i + 1)
    return jax.lax.fori_loop(0, 10, step, genome)


@pytest.fixture(scope="module")
def genomes():
    return jax.jit(jax.vmap(_grown), compiler_options=FAST)(keys(0))


@partial(jax.jit, compiler_options=FAST)
def nodes_of(params, genomes, scale):
    return jax.vmap(lambda k, g: mutate_nodes(k, CONFIG, params, OUTPUTS, scale, g))(keys(1), genomes)


def near(share: float, number: int) -> object:
    return pytest.approx(share, abs=5 * (share * (1 - share) / number) ** 0.5)


def changed(name: str, before, after) -> np.ndarray:
    return np.asarray(getattr(before, name)) != np.asarray(getattr(after, name))


def test_rates_of_node_genes_are_as_told_and_nothing_else_changes(genomes):
    node = np.asarray(genomes.node) >= 0
    hidden = np.asarray(genomes.node) >= HIDDEN
    assert hidden.sum() > 500
    for name in ("aggregation", "response", "time_constant"):
        after = nodes_of(replace(OFF, **{name: 0.4}), genomes, 1.0)
        for other in fields(genomes):
            if other.name != name and getattr(genomes, other.name) is not None:
                assert not changed(other.name, genomes, after).any(), other.name
        moved = changed(name, genomes, after)
        if name == "aggregation":  # of hidden nodes only; a quarter draws the function that it has
            assert not moved[~hidden].any() and moved[hidden].mean() == near(0.4 * 3 / 4, hidden.sum())
            assert set(np.asarray(after.aggregation)[hidden]) == {0, 1, 2, 3}
        else:
            assert not moved[~node].any() and moved[node].mean() == pytest.approx(0.4, abs=0.05)
        half = nodes_of(replace(OFF, **{name: 0.4}), genomes, 0.5)
        assert changed(name, genomes, half).sum() == pytest.approx(moved.sum() / 2, rel=0.2)
    still = nodes_of(OFF, genomes, 1.0)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(still), jax.tree.leaves(genomes), strict=True))


def test_steps_of_responses_are_normal_and_bounded(genomes):
    node = np.asarray(genomes.node) >= 0
    after = nodes_of(replace(OFF, response=1.0), genomes, 1.0)
    steps = np.asarray(after.response - genomes.response)[node]
    assert steps.mean() == pytest.approx(0, abs=5 * RESPONSE_STEP / steps.size**0.5)
    assert steps.std() == pytest.approx(RESPONSE_STEP, rel=0.1)
    edge = nodes_of(replace(OFF, response=1.0), replace(genomes, response=jnp.where(node, 3.0, 0.0)), 1.0)
    assert np.max(edge.response) == CONFIG.weight_limit
    assert not np.any(np.asarray(edge.response)[~node])


def test_steps_of_time_constants_are_factors_and_bounded(genomes):
    node = np.asarray(genomes.node) >= 0
    middle = replace(genomes, time_constant=jnp.where(node, 1.0, 0.0))
    after = nodes_of(replace(OFF, time_constant=1.0), middle, 1.0)
    steps = np.log(np.asarray(after.time_constant)[node])
    assert steps.mean() == pytest.approx(0, abs=5 * TIME_STEP / steps.size**0.5)
    assert steps.std() == pytest.approx(TIME_STEP, rel=0.1)
    for edge in (CONFIG.time_step, 1000 * CONFIG.time_step):
        at = nodes_of(replace(OFF, time_constant=1.0), replace(genomes, time_constant=jnp.where(node, edge, 0.0)), 1.0)
        values = np.asarray(at.time_constant)[node]
        assert values.min() >= np.float32(CONFIG.time_step) and values.max() <= np.float32(1000 * CONFIG.time_step)
        assert (values == np.float32(edge)).mean() == near(0.5, values.size)


def test_genes_that_a_config_does_not_use_stay_absent():
    bare = replace(CONFIG, aggregations=("sum",), dynamics="recurrent", response=False)
    genome = jax.eval_shape(lambda key: founder(key, bare, INPUTS, OUTPUTS), jax.random.key(0))
    change = lambda key, genome: mutate(key, bare, MutationParams(), INPUTS, OUTPUTS, 1.0, genome)
    after = jax.eval_shape(change, jax.random.key(1), genome)
    for name in ("aggregation", "response", "time_constant", "born"):
        assert getattr(genome, name) is None and getattr(after, name) is None


def test_a_new_node_is_plain_and_as_quick_as_the_quickest(genomes):
    split = jax.jit(jax.vmap(lambda k, g: add_node(k, g, 77)), compiler_options=FAST)
    after = split(keys(2), genomes)
    seen = 0
    for old, new in zip(each(genomes), each(after), strict=True):
        added = set(new.node.tolist()) - set(old.node.tolist())
        if not added:
            continue
        (row,) = np.flatnonzero(new.node == added.pop())
        assert (new.bias[row], new.activation[row], new.aggregation[row], new.response[row]) == (0, 0, 0, 1)
        assert new.time_constant[row] == old.time_constant[old.node >= 0].min()
        fresh = (new.innovation >= 0) & (old.innovation < 0)
        assert fresh.sum() == 2 and np.all(new.born[fresh] == 77) and np.all(new.born[~fresh] == old.born[~fresh])
        seen += 1
    assert seen > 100


def test_what_is_deleted_leaves_nothing_behind(genomes):
    node, link = (jax.jit(jax.vmap(one), compiler_options=FAST) for one in (delete_node, delete_connection))
    blank = {"node": -1, "innovation": -1, "source": -1, "target": -1}
    for operator, columns, identity in (
        (node, ("bias", "activation", "aggregation", "response", "time_constant"), "node"),
        (link, ("source", "target", "weight", "rate", "enabled", "born"), "innovation"),
    ):
        after = operator(keys(3), genomes)
        gone = (np.asarray(getattr(genomes, identity)) >= 0) & (np.asarray(getattr(after, identity)) < 0)
        assert gone.any(1).mean() > 0.5 and gone.sum(1).max() == 1
        for name in columns:
            before, now = np.asarray(getattr(genomes, name)), np.asarray(getattr(after, name))
            assert np.all(now[gone] == blank.get(name, 0))
            assert np.array_equal(now[~gone], before[~gone])
    after = node(keys(3), genomes)
    for old, new in zip(each(genomes), each(after), strict=True):
        lost = set(old.node.tolist()) - set(new.node.tolist())
        ends = set(new.source[new.innovation >= 0].tolist()) | set(new.target[new.innovation >= 0].tolist())
        assert not lost & ends
        touches = np.isin(old.source, list(lost)) | np.isin(old.target, list(lost))
        assert np.array_equal(new.innovation, np.where(touches & (old.innovation >= 0), -1, old.innovation))


@pytest.mark.parametrize("tries", [1, 4, 16])
def test_of_some_pairs_the_first_that_is_free_is_taken(tries):
    """Of 5 sources × 2 targets 7 are known and off: a free one is found with chance 1 - 0.7^tries."""
    config = replace(CONFIG, hidden=0, connections=12, connection_tries=tries, dynamics="recurrent", response=False)
    pairs = [(s, t) for s in range(INPUTS + OUTPUTS) for t in range(INPUTS, INPUTS + OUTPUTS)]
    source, target = (np.full(12, -1, np.int32) for _ in range(2))
    source[:7], target[:7] = np.array(pairs[:7]).T
    ids = np.where(source >= 0, connection_id(jnp.asarray(source), jnp.asarray(target)), -1)
    genome = jax.jit(lambda key: founder(key, config, INPUTS, OUTPUTS), compiler_options=FAST)(jax.random.key(0))
    genome = replace(
        genome,
        innovation=jnp.asarray(ids),
        source=jnp.asarray(source),
        target=jnp.asarray(target),
        weight=jnp.zeros(12),
        enabled=jnp.zeros(12, bool),
    )
    grow = jax.jit(jax.vmap(lambda k: add_connection(k, config, INPUTS, genome)), compiler_options=FAST)
    after = grow(keys(4, 2048))
    grown = np.asarray(after.innovation >= 0).sum(1) == 8
    assert grown.mean() == near(1 - 0.7**tries, 2048)
    assert np.all(np.asarray(after.enabled).sum(1) == 1)  # the new one, or the one that was switched on again
    new = {(int(s), int(t)) for s, t in zip(after.source[grown, 7], after.target[grown, 7], strict=True)}
    assert new == set(pairs[7:])
    woken = np.asarray(after.enabled)[~grown].argmax(1)
    assert not np.any(woken >= 7) and (tries > 1 or len(set(woken.tolist())) == 7)


def test_new_and_founding_weights_stay_within_the_limit():
    config = replace(CONFIG, founder_weight=50.0)
    found = jax.jit(jax.vmap(lambda k: founder(k, config, INPUTS, OUTPUTS)), compiler_options=FAST)
    genomes = found(keys(5, 64))
    weights = np.abs(np.asarray(genomes.weight)[np.asarray(genomes.innovation) >= 0])
    assert weights.max() == config.weight_limit and (weights < config.weight_limit).any()
    grow = jax.jit(jax.vmap(lambda k, g: add_connection(k, config, INPUTS, g, 1, 50.0)), compiler_options=FAST)
    after = grow(keys(6, 64), genomes)
    fresh = np.asarray((after.innovation >= 0) & (genomes.innovation < 0))
    assert fresh.sum() > 20 and np.abs(np.asarray(after.weight)[fresh]).max() == config.weight_limit
