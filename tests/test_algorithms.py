"""One contract for every algorithm of explicit fitness: `init`, `ask`, `tell` (see `evolution.algorithm`).

The objective is known: minus the squared distance of the genome's numbers from a target, computed here in NumPy.
Each algorithm is compiled once, for two replicate runs; that nothing compiles again is part of the contract.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution.algorithm import Algorithm
from evolution.genetic import GaParams, Genetic
from evolution.genome import BrainConfig
from evolution.mutation import MutationParams
from evolution.neat_algorithm import Neat
from evolution.neat_species import NeatParams
from evolution.random_search import RandomParams, RandomSearch
from evolution.search import tight
from evolution.strategies import EsParams, Strategy
from tests import FAST

INPUTS, OUTPUTS, NUM, RUNS, LIMIT = 3, 1, 16, 2, 2.0
ROOM = BrainConfig(hidden=4, connections=16, founder_topology="layered", weight_limit=LIMIT)
TIGHT = tight(ROOM, INPUTS, OUTPUTS)
SHAPE = {"inputs": INPUTS, "outputs": OUTPUTS, "population": NUM}
STEPS = MutationParams(weight=0.5, weight_step=0.2, bias=0.5, add_node=0.1)
ALGORITHMS: dict[str, Algorithm] = {
    "neat": Neat(ROOM, **SHAPE, slots=4, params=NeatParams(threshold=1.0), mutation=STEPS),
    "ga": Genetic(TIGHT, **SHAPE, mutation=STEPS),
    "ga_structure": Genetic(ROOM, **SHAPE, structure=True, params=GaParams(crossover=0.5), mutation=STEPS),
    "ga_tournament": Genetic(TIGHT, **SHAPE, tournament=3, mutation=STEPS),
    "openai_es": Strategy("openai_es", TIGHT, **SHAPE, params=EsParams(sd=0.1)),
    "cma_es": Strategy("cma_es", TIGHT, **SHAPE),
    "random_search": RandomSearch(TIGHT, **SHAPE),
}
KEEPS_BEST = ["neat", "ga", "ga_structure", "ga_tournament", "random_search"]
CHILDLESS = ["random_search"]
"""Algorithms where nobody but the best owes anything to selection."""
TARGET = np.array([0.9, -1.2, 0.4, 0.6])  # of the three founding weights and the bias


def _start(algorithm, keys):
    states = jax.vmap(algorithm.init)(keys)
    return jax.vmap(algorithm.ask)(keys, states)


def _advance(algorithm, keys, states, fitness):
    told = jax.vmap(algorithm.tell)(keys, states, fitness)
    return jax.vmap(algorithm.ask)(jax.vmap(lambda key: jax.random.fold_in(key, 1))(keys), told)


start = jax.jit(_start, compiler_options=FAST)
advance = jax.jit(_advance, compiler_options=FAST)


def keys(seed: int, number: int = 0) -> jax.Array:
    return jax.vmap(lambda key: jax.random.fold_in(key, number))(jax.random.split(jax.random.key(seed), RUNS))


def objective(genomes) -> np.ndarray:
    """`[W, P]`: the fitness of weights and bias; further genes should weigh nothing."""
    weight, bias = np.asarray(genomes.weight, np.float64), np.asarray(genomes.bias, np.float64)
    numbers = np.concatenate([weight[..., :INPUTS], bias[..., :1]], axis=-1)
    rest = (weight[..., INPUTS:] ** 2).sum(-1) + (bias[..., 1:] ** 2).sum(-1)
    return (-((numbers - TARGET) ** 2).sum(-1) - rest).astype(np.float32)


def search(algorithm, generations: int, seed: int = 0, swapped: bool = False, spoil=lambda fitness, number: fitness):
    """Populations `[W, P, ...]`, generation by generation, and the last states."""
    order = slice(None, None, -1) if swapped else slice(None)
    genomes, states = start(algorithm, keys(seed)[order])
    history = [genomes]
    for number in range(1, generations + 1):
        fitness = jnp.asarray(spoil(objective(genomes), number))
        genomes, states = advance(algorithm, keys(seed, number)[order], states, fitness)
        history.append(genomes)
    return history, states


def same(one, other) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b, equal_nan=jnp.issubdtype(a.dtype, jnp.floating)) for a, b in pairs)


def plain(tree):
    """Keys as numbers, to be compared."""
    is_key = lambda leaf: jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return jax.tree.map(lambda leaf: jax.random.key_data(leaf) if is_key(leaf) else leaf, tree)


def assert_within(genomes) -> None:
    for leaf in jax.tree.leaves(genomes):
        assert np.all(np.isfinite(leaf))
    assert np.abs(genomes.weight).max() <= LIMIT and np.abs(genomes.bias).max() <= LIMIT
    assert np.asarray(genomes.innovation >= 0).sum(-1).min() >= 1


@pytest.fixture(params=ALGORITHMS)
def name(request) -> str:
    return request.param


@pytest.fixture
def algorithm(name):
    return ALGORITHMS[name]


def test_shapes_and_types_stay_and_nothing_compiles_again(algorithm):
    genomes, states = start(algorithm, keys(0))
    assert all(leaf.shape[:2] == (RUNS, NUM) for leaf in jax.tree.leaves(genomes))
    first = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), (genomes, states))
    compiled = None
    for number in range(1, 4):
        fitness = jnp.asarray(objective(genomes))
        genomes, states = advance(algorithm, keys(0, number), states, fitness)
        assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), (genomes, states)) == first
        compiled = compiled or advance._cache_size()
        assert advance._cache_size() == compiled
    assert hash(jax.tree.structure(algorithm)) is not None


def test_the_state_holds_the_population_that_was_asked_for(algorithm):
    (*_, genomes), states = search(algorithm, 2)
    if hasattr(states, "genome"):
        again, after = jax.vmap(algorithm.ask)(keys(0, 5), states)
        assert same(genomes, states.genome) and same(again, genomes) and same(after, states)
    else:
        sample = np.asarray(states.sample)[..., :INPUTS]
        np.testing.assert_array_equal(np.clip(sample, -LIMIT, LIMIT), genomes.weight[..., :INPUTS])


def test_a_run_follows_from_its_key_alone(algorithm):
    """Bit by bit: again, beside another run, and in the other place."""
    history, states = search(algorithm, 4)
    again, states_again = search(algorithm, 4)
    assert same(history, again) and same(plain(states), plain(states_again))
    swapped, _ = search(algorithm, 4, swapped=True)
    flipped = jax.tree.map(lambda leaf: leaf[::-1], swapped)
    assert same(history, flipped)
    last = history[-1].weight
    assert not np.array_equal(last[0], last[1])
    assert not same(history[-1], search(algorithm, 4, seed=1)[0][-1])


def test_fitness_is_maximised(name, algorithm):
    history, _ = search(algorithm, 40)
    fitness = np.stack([objective(genomes) for genomes in history])  # [G, W, P]
    assert np.all(fitness[-1].max(-1) > 0.25 * fitness[0].max(-1))
    if name in CHILDLESS:
        return
    assert np.all(np.median(fitness[-1], -1) > 0.5 * np.median(fitness[0], -1))
    minus, _ = search(algorithm, 40, spoil=lambda fitness, _: -fitness)
    assert np.all(np.median(objective(minus[-1]), -1) < np.median(fitness[0], -1))


def test_cma_es_converges():
    history, states = search(ALGORITHMS["cma_es"], 60)
    last = np.asarray(history[-1].weight), np.asarray(history[-1].bias)
    numbers = np.concatenate([last[0][..., :INPUTS], last[1][..., :1]], -1)
    assert np.abs(numbers - TARGET).max() < 1e-2
    assert np.all(np.asarray(jax.vmap(ALGORITHMS["cma_es"].measures)(states)["step"]) < 1e-2)


@pytest.mark.parametrize("name", KEEPS_BEST)
def test_the_best_is_kept_unchanged(name, algorithm):
    noise = np.random.default_rng(0)
    genomes, states = start(algorithm, keys(0))
    for number in range(1, 12):
        fitness = objective(genomes) if number % 2 else noise.integers(0, 4, (RUNS, NUM)).astype(np.float32)
        fitness[:, number % NUM] = np.nan
        after, states = advance(algorithm, keys(0, number), states, jnp.asarray(fitness))
        for value, old, new in zip(fitness, genes(genomes), genes(after), strict=True):
            assert {old[i] for i in np.flatnonzero(value == np.nanmax(value))} & set(new)
        genomes = after


def genes(genomes) -> list[list[bytes]]:
    """All genes of each genome, run by run."""
    columns = [np.asarray(leaf) for leaf in jax.tree.leaves(replace(genomes, refused=None))]
    one = lambda run, i: b"".join(column[run, i].tobytes() for column in columns)
    return [[one(run, i) for i in range(NUM)] for run in range(RUNS)]


def test_the_best_as_told_of_a_tiny_population_is_the_parent_of_all():
    """Truncation to the single best: whatever the others' fitness, NaN included, all descend from it."""
    algorithm = replace(ALGORITHMS["ga"], params=GaParams(truncation=0.0, elites=1.0), mutation=STILL)
    genomes, states = start(algorithm, keys(0))
    for value in (-5.0, 3.0, -np.inf):
        fitness = np.full((RUNS, NUM), np.nan, np.float32)
        fitness[:, 5] = value
        after, _ = advance(algorithm, keys(0, 1), states, jnp.asarray(fitness))
        where = 5 if np.isfinite(value) else 0  # among nothing but failures the first
        np.testing.assert_array_equal(after.weight, np.repeat(np.asarray(genomes.weight)[:, [where]], NUM, 1))


STILL = MutationParams(weight=0.0, weight_replace=0.0, bias=0.0, activation=0.0, rate=0.0)


def test_elites_are_as_many_as_told_and_parents_as_good():
    algorithm = replace(ALGORITHMS["ga"], params=GaParams(truncation=0.25, elites=3.0))
    genomes, states = start(algorithm, keys(0))
    fitness = np.random.default_rng(0).permuted(np.tile(np.arange(NUM, dtype=np.float32), (RUNS, 1)), axis=1)
    order = np.argsort(-fitness, axis=1)
    after, _ = advance(algorithm, keys(0, 1), states, jnp.asarray(fitness))
    for run in range(RUNS):
        assert np.array_equal(after.weight[run, :3], genomes.weight[run][order[run, :3]])
        assert not np.isin(after.weight[run, 3:, :INPUTS], genomes.weight[run]).all()
    pure, _ = advance(replace(algorithm, mutation=STILL), keys(0, 1), states, jnp.asarray(fitness))
    for best, old, new in zip(order, genes(genomes), genes(pure), strict=True):
        parents = {old.index(child) for child in new}
        assert parents <= set(best[:4].tolist()) and len(parents) > 1


def test_a_tournament_prefers_the_fitter():
    """Of three drawn with replacement the best is the fittest of 16 with chance 1 - (15/16)³, the worst 1/16³."""
    algorithm = replace(ALGORITHMS["ga_tournament"], params=GaParams(elites=0.0), mutation=STILL)
    genomes, states = start(algorithm, keys(0))
    fitness = np.tile(np.arange(NUM, dtype=np.float32), (RUNS, 1))
    found = []
    for number in range(60):
        after, _ = advance(algorithm, keys(7, number), states, jnp.asarray(fitness))
        for old, new in zip(genes(genomes), genes(after), strict=True):
            found += [old.index(child) for child in new]
    at_most = (np.arange(1, NUM + 1) / NUM) ** 3
    law = np.diff([0, *at_most])
    counts = np.bincount(found, minlength=NUM)
    assert np.all(np.abs(counts - len(found) * law) < 5 * np.sqrt(len(found) * law) + 1)


def test_nan_is_as_bad_as_minus_infinity_and_worse_than_anything(algorithm):
    genomes, states = start(algorithm, keys(0))
    fitness = objective(genomes)
    failed = np.zeros(fitness.shape, bool)
    failed[:, ::3] = True
    failed[1, :9] = True
    told = lambda value: advance(algorithm, keys(0, 1), states, jnp.asarray(np.where(failed, value, fitness)))
    with_nan = told(np.nan)
    assert same(plain(with_nan), plain(told(-np.inf))) and same(plain(with_nan), plain(told(-1e30)))
    assert not same(with_nan[0], told(10.0)[0])
    assert_within(with_nan[0])


def test_failures_at_random_never_leak_into_genomes(name, algorithm):
    rng = np.random.default_rng(0)

    def spoil(fitness, number):
        share = 1.0 if number % 5 == 4 else rng.random()
        bad = rng.choice([np.nan, np.inf, -np.inf, 1e38, -1e38], fitness.shape)
        return np.where(rng.random(fitness.shape) < share, bad, fitness).astype(np.float32)

    history, states = search(algorithm, 15, spoil=spoil)
    for genomes in history:
        assert_within(genomes)
    measures = jax.vmap(algorithm.measures)(states)
    assert all(np.all(np.isfinite(value)) for value in measures.values())
    if name in CHILDLESS:
        return
    # and a sane objective is still climbed from there
    genomes, before = history[-1], np.median(objective(history[-1]), -1)
    for number in range(20, 60):
        genomes, states = advance(algorithm, keys(0, number), states, jnp.asarray(objective(genomes)))
    assert np.all(np.median(objective(genomes), -1) > np.minimum(before, -0.1))


def test_weights_stay_within_their_limit(algorithm):
    huge = replace(STEPS, weight_step=5.0, weight_new=50.0, weight_replace=0.2)
    if isinstance(algorithm, Strategy):
        algorithm = replace(algorithm, params=EsParams(sd=5.0))
    elif isinstance(algorithm, RandomSearch):
        algorithm = replace(algorithm, params=RandomParams(sd=5.0))
    else:
        algorithm = replace(algorithm, mutation=huge)
    history, _ = search(algorithm, 5)
    for genomes in history:
        assert_within(genomes)
    assert (np.abs(history[-1].weight[..., :INPUTS]) == LIMIT).mean() > 0.2


def test_structure_grows_only_where_it_may(name, algorithm):
    history, states = search(algorithm, 12)
    links = [np.asarray(genomes.innovation >= 0).sum(-1) for genomes in history]
    room = np.asarray(jax.vmap(algorithm.room)(states))
    if name in ("neat", "ga_structure"):
        assert np.all(links[-1].max(-1) > INPUTS)
        assert np.array_equal(room[:, 1], links[-1].max(-1))
        assert np.array_equal(room[:, 0], np.asarray(history[-1].node >= 1 << 30).sum(-1).max(-1))
    else:
        assert np.all(np.stack(links) == INPUTS) and not room.any()
    assert (algorithm.species(jax.tree.map(lambda leaf: leaf[0], states)) is None) == (name != "neat")


@pytest.mark.parametrize("name", ["cma_es", "openai_es"])
def test_a_strategy_starts_anew_when_its_patience_ends(name, algorithm):
    algorithm = replace(algorithm, params=replace(algorithm.params, patience=3.0))
    flat = lambda fitness, number: np.zeros_like(fitness)
    starts = lambda n: jax.vmap(algorithm.measures)(search(algorithm, n, spoil=flat)[1])["starts"].tolist()
    assert [starts(n) for n in (3, 4, 7, 8)] == [[1, 1], [2, 2], [2, 2], [3, 3]]
