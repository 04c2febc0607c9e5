"""Who breeds in NEAT (Stanley & Miikkulainen 2002): parents are drawn thousands at a time and counted.

What children inherit, and what comes of a generation: `test_neat_generation`; shares and membership:
`test_neat_species`.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution.neat_algorithm import mating, ranking
from evolution.neat_species import NeatParams
from tests.test_neat_species import SLOTS, table

MANY = 6000
SIZES = {"a": 4, "b": 5, "c": 1991, "d": 4000}
MEMBER = np.repeat(np.arange(4), list(SIZES.values()))
FITNESS = np.random.default_rng(0).permutation(MANY).astype(np.float32)
FITNESS[MEMBER == 3] += MANY  # the best of all is in the largest species
NUMBER = np.array([1000, 1500, 2500, 1000, 0, 0], np.int32)
OWN = np.repeat(np.arange(SLOTS), NUMBER)  # species that each child is for


@jax.jit
def drawn(key, params, fitness, size, number):
    niches = table(range(4), size=list(SIZES.values()))
    member = jnp.asarray(MEMBER, jnp.int32)
    return mating(key, params, niches, number, ranking(member, fitness), fitness, size)


def parents(fitness=FITNESS, size=None, number=NUMBER, seed=0, **params):
    size = np.zeros(MANY, np.int32) if size is None else size
    answer = drawn(jax.random.key(seed), jax.tree.map(float, NeatParams(**params)), jnp.asarray(fitness), size, number)
    return jax.tree.map(np.asarray, answer)


def ranks(fitness=FITNESS) -> np.ndarray:
    """Place of each genome in its species, 0 for the fittest."""
    place = np.zeros(MANY, int)
    for species in range(4):
        inside = np.flatnonzero(species == MEMBER)
        place[inside[np.argsort(-fitness[inside], kind="stable")]] = np.arange(len(inside))
    return place


def near(share: float, number: int) -> object:
    """What a share of independent draws may be: within five standard deviations."""
    return pytest.approx(share, abs=5 * (share * (1 - share) / number) ** 0.5)


def test_the_numbers_are_the_papers():
    assert (NeatParams().excess, NeatParams().disjoint, NeatParams().weight, NeatParams().threshold) == (1, 1, 0.4, 3)
    assert (NeatParams().mutate_only, NeatParams().interspecies, NeatParams().elite_size) == (0.25, 0.001, 5)
    assert (NeatParams().stagnation, NeatParams().doldrums) == (15, 20)


def test_parents_are_of_the_childs_own_species():
    who = parents(interspecies=0.0)
    np.testing.assert_array_equal(MEMBER[who.first], OWN)
    np.testing.assert_array_equal(MEMBER[who.second], OWN)
    assert who.crossed.sum() > MANY / 3
    assert parents(interspecies=0.0, survival=1.0).crossed.sum() > MANY / 2  # hardly any mate with themselves


def test_between_species_one_parent_is_of_another():
    for chance in (1.0, 0.1):
        who = parents(interspecies=chance, mutate_only=0.0)
        crossed = who.crossed & (OWN > 1)  # of large species, whose members hardly ever meet themselves
        mixed = (MEMBER[who.first] != MEMBER[who.second])[crossed]
        assert mixed.mean() == (1.0 if chance == 1 else near(chance, crossed.sum()))
        own = (MEMBER[who.first] == OWN) | (MEMBER[who.second] == OWN)
        assert np.all(own[crossed])
    others = MEMBER[np.where(MEMBER[who.first] == OWN, who.second, who.first)][who.crossed & (OWN == 0)]
    assert set(others) == {1, 2, 3}  # its own has one parent only
    alone = parents(interspecies=1.0, mutate_only=1.0)
    np.testing.assert_array_equal(MEMBER[alone.first], OWN)  # who has one parent has it of its own species


@pytest.mark.parametrize("survival", [0.0, 0.2, 0.3, 1.0])
def test_only_the_best_share_of_a_species_may_be_parents(survival):
    who, place = parents(survival=survival, interspecies=0.0), ranks()
    for species, size in enumerate(SIZES.values()):
        able = max(1, math.ceil(round(survival * size, 6)))
        mine = species == OWN
        for parent in (who.first, who.second):
            assert place[parent[mine & ~who.copied]].max() < able
        if able < 100:
            assert set(place[who.second[mine]]) == set(range(able))


def test_all_who_may_are_parents_alike():
    who, place = parents(survival=1.0, mutate_only=1.0), ranks()
    counts = np.bincount(place[who.first[(OWN == 1) & ~who.copied]], minlength=5)
    assert np.all(np.abs(counts - 300) < 5 * 300**0.5)
    assert place[who.first[OWN == 3]].mean() == pytest.approx(2000, rel=0.05)


def test_a_quarter_has_one_parent_and_a_fifth_of_the_rest_is_not_mutated():
    who = parents(survival=1.0)  # mating with oneself is rare
    born = ~who.copied & (OWN > 1)
    assert who.crossed[born].mean() == near(0.75, born.sum())
    assert np.all(who.mutated[born & ~who.crossed])
    assert who.mutated[born & who.crossed].mean() == near(0.8, (born & who.crossed).sum())
    assert not parents(mutate_only=1.0).crossed.any()
    never = parents(mate_only=1.0)
    assert np.array_equal(never.mutated[born], ~never.crossed[born]) and parents(mate_only=0.0).mutated[born].all()


def test_who_mates_with_itself_has_one_parent_and_is_mutated():
    who = parents(mutate_only=0.0, mate_only=1.0, interspecies=0.0)
    born = ~who.copied
    alone = who.first == who.second
    assert alone[OWN == 0].all()  # one of four may breed
    np.testing.assert_array_equal(who.crossed[born], ~alone[born])
    np.testing.assert_array_equal(who.mutated[born], alone[born])


def test_champions_of_species_of_more_than_five_are_copied_and_that_of_all():
    assert OWN[parents().copied].tolist() == [2, 3]  # of 4, 5, 1991 and 4000
    who, place = parents(elite_size=4), ranks()
    copied = np.flatnonzero(who.copied)
    assert OWN[copied].tolist() == [1, 2, 3] and not who.crossed[copied].any()
    assert MEMBER[who.first[copied]].tolist() == [1, 2, 3] and not place[who.first[copied]].any()
    assert OWN[parents(elite_size=3).copied].tolist() == [0, 1, 2, 3]
    # none is large enough: the best of all stays, and so do its equals
    assert OWN[parents(elite_size=1e9).copied].tolist() == [3]
    tied = FITNESS.copy()
    tied[2] = FITNESS.max()
    who = parents(fitness=tied, elite_size=1e9)
    assert who.first[who.copied].tolist() == [2, int(np.argmax(FITNESS))]


def test_the_fitter_parent_is_the_first_and_of_equals_the_smaller():
    who = parents(mutate_only=0.0, interspecies=0.5)
    assert np.all(FITNESS[who.first] >= FITNESS[who.second])
    flat, size = np.ones(MANY, np.float32), np.random.default_rng(1).integers(0, 50, MANY).astype(np.int32)
    who = parents(fitness=flat, size=size, mutate_only=0.0, survival=1.0)
    assert np.all(size[who.first] <= size[who.second])
    alone = parents(fitness=flat, size=size, mutate_only=1.0, survival=1.0)
    assert size[alone.first].mean() == pytest.approx(size.mean(), rel=0.1)  # one parent: nothing to compare


def test_a_species_without_a_share_has_no_children():
    who = parents(number=np.array([0, 3000, 0, 3000, 0, 0], np.int32), interspecies=0.0)
    assert set(MEMBER[who.first]) == {1, 3}
