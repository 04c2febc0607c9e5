"""Random search is what its name says: networks are independent draws, and only the incumbent was ever chosen.

The contract of all algorithms, `tests/test_algorithms.py`, is asked of it as well.
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution.genome import BrainConfig
from evolution.random_search import RandomParams, RandomSearch
from evolution.search import tight
from tests import FAST

BRAIN = tight(BrainConfig(founder_topology="complete", founder_hidden=2, dynamics="ctrnn", weight_limit=3.0), 2, 1)
SEARCH = RandomSearch(BRAIN, 2, 1, population=256, params=RandomParams(sd=1.0))


@partial(jax.jit, compiler_options=FAST)
def lived(search, key, fitness):
    """The first population, and the one after it was told `fitness`."""
    state = search.init(key)
    return state.genome, search.tell(jax.random.fold_in(key, 1), state, fitness).genome


@pytest.fixture(scope="module")
def populations():
    fitness = np.zeros(256, np.float32)
    fitness[[17, 40]] = 5.0, np.nan
    return lived(SEARCH, jax.random.key(0), jnp.asarray(fitness))


def test_the_incumbent_is_the_best_and_all_others_are_new(populations):
    before, after = (np.asarray(genome.weight) for genome in populations)
    assert np.array_equal(after[0], before[17])
    assert np.array_equal(populations[1].time_constant[0], populations[0].time_constant[17])
    assert len({row.tobytes() for row in (*before, *after)}) == 2 * 256 - 1


def test_draws_after_selection_are_the_draws_without_it(populations):
    """Selection reaches the incumbent alone: told the opposite, the others are the same to the bit."""
    other = lived(SEARCH, jax.random.key(0), jnp.asarray(-np.arange(256, dtype=np.float32)))[1]
    assert np.array_equal(other.weight[1:], populations[1].weight[1:])
    assert np.array_equal(other.weight[0], populations[0].weight[0])


def test_numbers_have_the_distributions_that_are_promised(populations):
    """256 genomes of 15 weights and 3 biases: normal with sd 1, cut at the limit; log-uniform time constants."""
    genome = populations[0]
    weight, bias = np.asarray(genome.weight), np.asarray(genome.bias)
    assert weight.shape == (256, 15) and bias.shape == (256, 3)  # of 2 + 3 sources and 3 targets
    for numbers in (weight, bias):
        assert abs(numbers.mean()) < 5 / np.sqrt(numbers.size)
        assert abs(numbers.std() - 0.993) < 5 * 0.75 / np.sqrt(numbers.size)  # cutting at 3 sd takes 0.007
        assert np.abs(numbers).max() <= 3
    assert abs(np.corrcoef(weight[:, 0], weight[:, 1])[0, 1]) < 5 / np.sqrt(256)
    low, high = np.log(BRAIN.time_step), np.log(1000 * BRAIN.time_step)
    share = (np.log(np.asarray(genome.time_constant)) - low) / (high - low)
    assert share.min() >= 0 and share.max() <= 1
    assert abs(share.mean() - 0.5) < 5 * np.sqrt(1 / 12 / share.size)
    assert abs(share.std() - np.sqrt(1 / 12)) < 0.02


def test_the_spread_is_what_params_say():
    wide = replace(SEARCH, params=RandomParams(sd=0.1))
    weight = np.asarray(lived(wide, jax.random.key(3), jnp.zeros(256))[0].weight)
    assert weight.std() == pytest.approx(0.1, rel=0.05)
