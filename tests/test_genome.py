"""Genomes: ids that agree everywhere, operators that do what NEAT says, arrays that never break their own rules."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolution import mutation
from evolution.genome import BrainConfig, connection_id, express, founder, num_connections, num_hidden, split_id
from evolution.mutation import MutationParams, mutate
from tests import FAST

INPUTS, OUTPUTS = 5, 3
CONFIG = BrainConfig(hidden=6, connections=24, plasticity="reward", founder_connections=6)
WILD = MutationParams(
    add_connection=0.8, add_node=0.5, delete_connection=0.3, delete_node=0.15, toggle=0.3, activation=0.3, rate=0.5
)
CALM = MutationParams(**dict.fromkeys(("weight", "weight_replace", "bias", "activation", "rate"), 0.0))
NUM = 256
OUT = list(range(INPUTS, INPUTS + OUTPUTS))


def keys(seed: int) -> jax.Array:
    return jax.random.split(jax.random.key(seed), NUM)


@partial(jax.jit, compiler_options=FAST)
def founders(keys):
    return jax.vmap(lambda k: founder(k, CONFIG, INPUTS, OUTPUTS))(keys)


@partial(jax.jit, static_argnums=0, compiler_options=FAST)
def operate(name: str, keys, genomes):
    """One operator, by name, on each genome."""
    operator = getattr(mutation, name)
    operator = partial(_add_connection, operator) if name == "add_connection" else operator
    return jax.vmap(operator)(keys, genomes)


def _add_connection(operator, key, genome):
    return operator(key, CONFIG, INPUTS, genome)


@jax.jit
def line(key, params, rounds):
    """Genomes after so many rounds of mutation from their own founders."""

    def one(key):
        k_founder, k_rounds = jax.random.split(key)
        step = lambda i, g: mutate(jax.random.fold_in(k_rounds, i), CONFIG, params, INPUTS, OUTPUTS, 1.0, g)
        return jax.lax.fori_loop(0, rounds, step, founder(k_founder, CONFIG, INPUTS, OUTPUTS))

    return jax.vmap(one)(jax.random.split(key, NUM))


def each(genomes):
    """The genomes one by one, as NumPy."""
    genomes = jax.tree.map(np.asarray, genomes)
    return [jax.tree.map(lambda leaf: leaf[i], genomes) for i in range(len(genomes.refused))]  # noqa: B023


def connections(genome) -> dict[int, tuple]:
    """(source, target, weight, rate, enabled) by innovation id."""
    real = np.flatnonzero(genome.innovation >= 0)
    columns = (genome.source, genome.target, genome.weight, genome.rate, genome.enabled)
    return {int(genome.innovation[j]): tuple(column[j].item() for column in columns) for j in real}


def assert_sound(genome) -> None:
    """What must hold for every genome there can be."""
    real, nodes = genome.innovation >= 0, genome.node[genome.node >= 0].tolist()
    assert len(set(genome.innovation[real])) == real.sum()
    assert len(set(nodes)) == len(nodes)
    assert genome.node[:OUTPUTS].tolist() == OUT
    assert all(node >= 1 << 30 for node in nodes[OUTPUTS:])
    assert set(genome.source[real]) <= set(range(INPUTS)) | set(nodes)
    assert set(genome.target[real]) <= set(nodes)
    pairs = list(zip(genome.source[real], genome.target[real], strict=True))
    assert len(set(pairs)) == len(pairs)
    np.testing.assert_array_equal(genome.innovation[real], connection_id(genome.source[real], genome.target[real]))
    empty, absent = ~real, genome.node < 0
    assert np.all(genome.source[empty] == -1) and np.all(genome.target[empty] == -1)
    assert not np.any(genome.enabled[empty]) and not np.any(genome.weight[empty]) and not np.any(genome.rate[empty])
    assert not np.any(genome.bias[absent]) and not np.any(genome.activation[absent])
    assert np.all(np.abs(genome.weight) <= CONFIG.weight_limit) and np.all(np.isfinite(genome.rate))
    assert np.all((genome.activation >= 0) & (genome.activation < len(CONFIG.activations)))
    assert genome.refused >= 0


@settings(max_examples=12)
@given(st.integers(0, 2**31 - 1), st.integers(0, 120))
def test_no_sequence_of_mutations_breaks_a_genome(seed, rounds):
    for genome in each(jax.tree.map(lambda leaf: leaf[:32], line(jax.random.key(seed), WILD, rounds))):
        assert_sound(genome)


def test_thousands_of_mutations_leave_sound_genomes_that_fill_their_room():
    genomes = line(jax.random.key(1), replace(WILD, delete_connection=0.1, delete_node=0.02), 2000)
    for genome in each(genomes):
        assert_sound(genome)
    assert (np.asarray(genomes.node) >= 0).all(1).mean() > 0.5
    assert np.all(np.asarray(genomes.refused) > 0)


def test_counts_are_of_what_is_there():
    genomes = line(jax.random.key(13), WILD, 40)
    assert jax.vmap(num_connections)(genomes).tolist() == [int(g.enabled.sum()) for g in each(genomes)]
    assert jax.vmap(num_hidden)(genomes).tolist() == [len(set(g.node.tolist()) - {-1, *OUT}) for g in each(genomes)]


def test_founders_are_minimal_and_various():
    genomes = each(founders(keys(0)))
    for genome in genomes:
        assert_sound(genome)
        assert not np.any(genome.node >= 1 << 30)
        assert 1 <= genome.enabled.sum() <= CONFIG.founder_connections
        assert set(genome.source[genome.enabled]) <= set(range(INPUTS))
    assert len({tuple(connections(genome)) for genome in genomes}) > NUM // 2


def test_equal_structure_has_equal_ids_whatever_the_genome():
    """All genomes that split the connection from a to b agree on the new node and its two connections."""
    parents = founders(keys(0))
    children = operate("add_node", keys(1), parents)
    born: dict[tuple, set] = {}
    for parent, child in zip(each(parents), each(children), strict=True):
        old, new = connections(parent), connections(child)
        (split,) = [i for i, gene in new.items() if i in old and old[i][4] and not gene[4]]
        added = tuple(sorted(i for i in new if i not in old))
        node = next(n for n in child.node.tolist() if n >= 1 << 30)
        born.setdefault(old[split][:2], set()).add((node, added))
    assert all(len(ids) == 1 for ids in born.values())
    assert len({ids for group in born.values() for ids in group}) == len(born) > INPUTS
    assert 4 * len(born) < NUM


def test_ids_are_spread_out():
    sources, targets = np.meshgrid(np.arange(200), np.arange(200))
    ids = np.asarray(connection_id(sources.ravel(), targets.ravel()))
    assert len(set(ids)) > 0.9999 * ids.size and ids.min() >= 0
    nodes = np.asarray(split_id(jnp.asarray(ids[:2000])[:, None], jnp.arange(4)[None, :])).ravel()
    assert len(set(nodes)) == nodes.size and np.all(nodes >= 1 << 30)


def test_a_new_node_stands_in_for_the_connection_it_splits():
    parents = founders(keys(2))
    for parent, child in zip(each(parents), each(operate("add_node", keys(3), parents)), strict=True):
        assert_sound(child)
        old, new = connections(parent), connections(child)
        (split,) = [i for i in old if old[i] != new[i]]
        source, target, weight, rate, enabled = old[split]
        assert enabled and new[split] == (source, target, weight, rate, False)
        node = int(child.node[OUTPUTS])
        added = {gene[:2]: gene for i, gene in new.items() if i not in old}
        assert added.keys() == {(source, node), (node, target)}
        assert added[source, node][2:] == (1.0, 0.0, True)
        assert added[node, target][2:] == (weight, rate, True)
        assert child.bias[OUTPUTS] == 0 and child.refused == parent.refused


def test_a_connection_split_twice_gets_a_second_node():
    genome = jax.tree.map(lambda leaf: leaf[:1], founders(keys(2)))
    only = genome.innovation == genome.innovation[:, :1]
    genome = replace(
        genome,
        **{n: jnp.where(only, getattr(genome, n), -1) for n in ("innovation", "source", "target")},
        **{n: jnp.where(only, getattr(genome, n), 0) for n in ("weight", "rate")},
        enabled=only,
    )
    nodes = set()
    for seed in range(4):
        genome = operate("add_node", jax.random.split(jax.random.key(seed), 1), genome)
        genome = replace(genome, enabled=only)
        nodes |= set(np.asarray(genome.node[0]).tolist())
        assert_sound(each(genome)[0])
    assert len(nodes - {-1, *OUT}) == 4 and int(genome.refused[0]) == 0
    fifth = operate("add_node", jax.random.split(jax.random.key(9), 1), genome)
    assert int(fifth.refused[0]) == 1


def test_a_new_connection_is_new_or_switched_on_again():
    parents = line(jax.random.key(4), replace(CALM, add_connection=0.3, add_node=0.1, toggle=0.5), 12)
    grown = woken = 0
    for parent, child in zip(each(parents), each(operate("add_connection", keys(5), parents)), strict=True):
        assert_sound(child)
        old, new = connections(parent), connections(child)
        added = [i for i in new if i not in old]
        changed = [i for i in old if new[i] != old[i]]
        assert len(added) + len(changed) <= 1
        grown += len(added)
        woken += len(changed)
        assert all(new[i] == (*old[i][:4], True) for i in changed)
    assert grown > NUM / 2 and woken > 0


def test_operators_without_room_refuse_and_count():
    full = line(jax.random.key(6), replace(CALM, add_connection=1.0, add_node=0.0, delete_connection=0.0), 500)
    for operator in ("add_connection", "add_node"):
        after = operate(operator, keys(7), full)
        for old, new in zip(each(full), each(after), strict=True):
            structure = {i: gene[:4] for i, gene in connections(old).items()}
            assert {i: gene[:4] for i, gene in connections(new).items()} == structure
            np.testing.assert_array_equal(old.node, new.node)
        crowded = (np.asarray(full.innovation) >= 0).all(1)
        grew = np.asarray(after.refused) - np.asarray(full.refused)
        if operator == "add_node":
            assert np.all(grew[(np.asarray(full.innovation) >= 0).sum(1) > CONFIG.connections - 2] == 1)
        assert np.all((grew == 0) | (grew == 1)) and crowded.any()


def test_deleting_takes_away_one_thing():
    parents = line(jax.random.key(8), replace(CALM, add_connection=0.5, add_node=0.4), 12)
    for parent, child in zip(each(parents), each(operate("delete_connection", keys(9), parents)), strict=True):
        assert_sound(child)
        assert connections(child).items() < connections(parent).items()
        assert len(connections(child)) == len(connections(parent)) - 1
    for parent, child in zip(each(parents), each(operate("delete_node", keys(9), parents)), strict=True):
        assert_sound(child)
        gone = set(parent.node.tolist()) - set(child.node.tolist())
        assert len(gone) == min(1, int((parent.node >= 1 << 30).sum())) and not gone & set(OUT)
        kept = {i: gene for i, gene in connections(parent).items() if not gone & set(gene[:2])}
        assert connections(child) == kept


def test_deleting_from_nothing_does_nothing():
    bare = jax.tree.map(lambda leaf: leaf[:NUM], founders(keys(0)))
    np.testing.assert_array_equal(operate("delete_node", keys(1), bare).innovation, bare.innovation)
    empty = replace(
        bare,
        innovation=jnp.full_like(bare.innovation, -1),
        source=jnp.full_like(bare.source, -1),
        target=jnp.full_like(bare.target, -1),
        weight=jnp.zeros_like(bare.weight),
        rate=jnp.zeros_like(bare.rate),
        enabled=jnp.zeros_like(bare.enabled),
    )
    for operator in ("delete_connection", "delete_node", "toggle_connection", "add_node"):
        after = operate(operator, keys(1), empty)
        assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(empty), strict=True))
    assert [len(connections(g)) for g in each(operate("add_connection", keys(1), empty))] == [1] * NUM


def test_no_rates_no_changes_and_rates_are_as_told():
    still = replace(CALM, add_connection=0.0, add_node=0.0, delete_connection=0.0, delete_node=0.0, toggle=0.0)
    parents = line(jax.random.key(10), WILD, 30)
    step = jax.jit(
        lambda params: jax.vmap(lambda k, g: mutate(k, CONFIG, params, INPUTS, OUTPUTS, 1.0, g))(keys(11), parents),
        compiler_options=FAST,
    )
    same = step(still)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(same), jax.tree.leaves(parents), strict=True))
    real = np.asarray(parents.innovation) >= 0
    moved = np.asarray(step(replace(still, weight=0.3)).weight != parents.weight)[real]
    assert moved.mean() == pytest.approx(0.3, abs=0.03)
    step_size = np.asarray(step(replace(still, weight=1.0)).weight - parents.weight)[real]
    inside = np.abs(np.asarray(parents.weight)[real]) < 6
    assert step_size[inside].std() == pytest.approx(still.weight_step, rel=0.05)
    toggled = np.asarray(step(replace(still, toggle=0.5)).enabled != parents.enabled).sum(1)
    assert toggled.max() == 1 and toggled[real_any(parents)].mean() == pytest.approx(0.5, abs=0.1)


def real_any(genomes) -> np.ndarray:
    return (np.asarray(genomes.innovation) >= 0).any(1)


def test_disabled_and_empty_genes_leave_no_trace_in_the_brain():
    genomes = line(jax.random.key(12), WILD, 40)
    brain = jax.jit(jax.vmap(lambda g: express(CONFIG, INPUTS, g)))(genomes)
    assert np.array_equal(
        (np.asarray(brain.weight) != 0).sum(1), (np.asarray(genomes.enabled & (genomes.weight != 0))).sum(1)
    )
    junk = replace(
        genomes,
        weight=jnp.where(genomes.enabled, genomes.weight, 7.0),
        rate=jnp.where(genomes.enabled, genomes.rate, 7.0),
    )
    again = jax.jit(jax.vmap(lambda g: express(CONFIG, INPUTS, g)))(junk)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(brain), jax.tree.leaves(again), strict=True))
    assert express(replace(CONFIG, plasticity="none"), INPUTS, jax.tree.map(lambda g: g[0], genomes)).rate is None
