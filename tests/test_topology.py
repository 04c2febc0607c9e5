"""Paths and cycles in genomes, against graph search in plain Python: a feed-forward genome never has a cycle."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from evolution.crossover import crossover
from evolution.genome import HIDDEN, BrainConfig, Genome, connection_id, founder
from evolution.mutation import MutationParams, add_connection, mutate
from evolution.topology import path, reached
from tests import FAST
from tests.test_genome import each

INPUTS, OUTPUTS, NUM = 3, 2, 32
CONFIG = BrainConfig(hidden=38, connections=96, dynamics="feedforward", founder_connections=5, connection_tries=4)
UNITS = OUTPUTS + CONFIG.hidden  # more than a word of bits
WILD = MutationParams(add_connection=0.9, add_node=0.6, delete_connection=0.15, delete_node=0.1, toggle=0.5)


def made(edges: list[tuple[int, int]], hidden: int, off: set[int] = frozenset()) -> Genome:
    """A genome of `hidden` nodes with connections between rows; sources below 0 are inputs -1, -2, …"""
    ids = [INPUTS + i for i in range(OUTPUTS)] + [HIDDEN + 7 * i for i in range(hidden)]
    node = np.full(UNITS, -1, np.int32)
    node[: len(ids)] = ids
    source, target = np.full(CONFIG.connections, -1, np.int32), np.full(CONFIG.connections, -1, np.int32)
    for row, (start, end) in enumerate(edges):
        source[row], target[row] = (-1 - start if start < 0 else ids[start]), ids[end]
    real = source >= 0
    innovation = np.where(real, np.asarray(connection_id(jnp.asarray(source), jnp.asarray(target))), -1)
    enabled = real & ~np.isin(np.arange(real.size), list(off))
    zeros = jnp.zeros(CONFIG.connections)
    columns = (jnp.asarray(column) for column in (innovation, source, target))
    units = jnp.zeros(UNITS), jnp.zeros(UNITS, jnp.int32)
    return Genome(jnp.asarray(node), *units, *columns, zeros, zeros, jnp.asarray(enabled), jnp.int32(0))


def graph(genome) -> dict[int, set[int]]:
    """Successors of each node, by all genes, enabled or not."""
    real = genome.innovation >= 0
    after = {int(node): set() for node in genome.node if node >= 0}
    for source, target in zip(genome.source[real].tolist(), genome.target[real].tolist(), strict=True):
        after.setdefault(source, set()).add(target)
    return after


def within_reach(after: dict[int, set[int]], start: int) -> set[int]:
    seen, waiting = set(), list(after[start])
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += after[node]
    return seen


def assert_no_cycle(genome) -> None:
    after = graph(genome)
    assert not [node for node in after if node in within_reach(after, node)]


def random_graphs() -> list[Genome]:
    rng = np.random.default_rng(0)
    genomes = []
    for _ in range(NUM):
        hidden = int(rng.integers(0, CONFIG.hidden + 1))
        units, number = OUTPUTS + hidden, int(rng.integers(0, CONFIG.connections))
        pairs = {(int(rng.integers(-INPUTS, units)), int(rng.integers(units))) for _ in range(number)}
        genomes.append(made(sorted(pairs), hidden, off=set(rng.integers(0, 96, 20).tolist())))
    return genomes


def stacked(genomes: list[Genome]) -> Genome:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *genomes)


@jax.jit
def reachable(genomes) -> jax.Array:
    """`[P, M, M]`: whether the second unit can be reached from the first."""
    start, end = jnp.meshgrid(jnp.arange(UNITS), jnp.arange(UNITS), indexing="ij")
    return jax.vmap(lambda genome: path(reached(genome), start, end))(genomes)


def test_reach_is_that_of_a_graph_search():
    genomes = stacked(random_graphs())
    ours = np.asarray(reachable(genomes))
    cyclic = 0
    for genome, matrix in zip(each(genomes), ours, strict=True):
        row = {int(node): i for i, node in enumerate(genome.node) if node >= 0}
        after = graph(genome)
        brute = np.zeros((UNITS, UNITS), bool)
        for node in row:
            brute[row[node], [row[other] for other in within_reach(after, node)]] = True
        np.testing.assert_array_equal(matrix, brute)
        cyclic += brute.diagonal().any()
    assert 0 < cyclic < NUM and ours[:, :, 32:].any() and ours[:, 32:].any()


def test_a_path_over_many_words_of_bits_and_over_genes_that_are_off():
    chain = [(i, i + 1) for i in range(UNITS - 1)]
    (matrix,) = np.asarray(reachable(stacked([made(chain, CONFIG.hidden, off=set(range(0, 40, 3)))])))
    np.testing.assert_array_equal(matrix, np.triu(np.ones((UNITS, UNITS), bool), 1))


@partial(jax.jit, compiler_options=FAST)
def generation(key, genomes):
    """Every genome is crossed with a random other, then mutated eight times."""
    k_mate, k_cross, k_mutate = jax.random.split(key, 3)
    mates = jax.tree.map(lambda leaf: leaf[jax.random.permutation(k_mate, NUM)], genomes)
    genomes = jax.vmap(crossover)(jax.random.split(k_cross, NUM), genomes, mates)
    one = lambda i, k, g: mutate(jax.random.fold_in(k, i), CONFIG, WILD, INPUTS, OUTPUTS, 1.0, g)
    line = lambda k, g: jax.lax.fori_loop(0, 8, lambda i, g: one(i, k, g), g)
    return jax.vmap(line)(jax.random.split(k_mutate, NUM), genomes)


def test_feed_forward_lines_never_have_a_cycle_through_mutation_and_crossover():
    start = lambda key: founder(key, CONFIG, INPUTS, OUTPUTS)
    genomes = jax.vmap(start)(jax.random.split(jax.random.key(0), NUM))
    depths, off = [], 0
    for number in range(16):
        genomes = generation(jax.random.key(number), genomes)
        for genome in each(genomes):
            assert_no_cycle(genome)
            after = graph(genome)
            depths.append(max(len(within_reach(after, node)) for node in after))
            off += int(((genome.innovation >= 0) & ~genome.enabled).sum())
    assert max(depths) > 8 and off > 1000  # there was much to go wrong


@partial(jax.jit, compiler_options=FAST)
def connected(keys, genome):
    return jax.vmap(lambda key: add_connection(key, CONFIG, INPUTS, genome))(keys)


def test_a_feed_forward_genome_may_grow_every_connection_that_makes_no_cycle_and_no_other():
    genome = made([(-1, 2), (2, 3), (3, 0), (-2, 4), (4, 1), (0, 1)], 4, off={1})
    before = graph(jax.tree.map(np.asarray, genome))
    nodes = [int(node) for node in genome.node if node >= 0]
    old = {(start, end) for start, ends in before.items() for end in ends}
    closes = lambda start, end: start == end or start in within_reach(before, end)
    legal = {(s, t) for s in [*range(INPUTS), *nodes] for t in nodes if s < INPUTS or not closes(s, t)} - old
    grown = set()
    for child in each(connected(jax.random.split(jax.random.key(0), 2048), genome)):
        after = graph(child)
        new = {(start, end) for start, ends in after.items() for end in ends} - old
        assert len(new) <= 1
        grown |= new
    assert grown == legal and len(legal) > 20
