"""Crossover aligned by innovation: matching genes from either, others from the first, three quarters stay off."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest

from evolution.crossover import STAYS_OFF, crossover
from tests import FAST
from tests.test_genome import NUM, WILD, assert_sound, connections, each, keys, line


@partial(jax.jit, compiler_options=FAST)
def crossed(keys, first, second):
    return jax.vmap(crossover)(keys, first, second)


FIRST = line(jax.random.key(0), WILD, 40)
LATER = line(jax.random.key(0), WILD, 60)  # the same lines twenty rounds later: related, and grown apart
CHILDREN = crossed(keys(1), FIRST, LATER)


def test_children_are_sound_and_have_the_first_parents_structure():
    for first, child in zip(each(FIRST), each(CHILDREN), strict=True):
        assert_sound(child)
        np.testing.assert_array_equal(child.innovation, first.innovation)
        np.testing.assert_array_equal(child.node, first.node)


def test_matching_genes_come_from_either_and_the_rest_from_the_first():
    from_second = matching = 0
    for first, second, child in zip(each(FIRST), each(LATER), each(CHILDREN), strict=True):
        one, other, mixed = connections(first), connections(second), connections(child)
        for innovation, gene in mixed.items():
            assert gene[:2] == one[innovation][:2]
            if innovation not in other:
                assert gene == one[innovation]
                continue
            assert gene[2:4] in (one[innovation][2:4], other[innovation][2:4])
            if one[innovation][2] != other[innovation][2]:
                matching += 1
                from_second += gene[2] == other[innovation][2]
    assert matching > 1000
    assert from_second / matching == pytest.approx(0.5, abs=0.05)


def test_nodes_that_both_have_come_from_either():
    from_second = matching = 0
    for first, second, child in zip(each(FIRST), each(LATER), each(CHILDREN), strict=True):
        other = {int(n): (b, a) for n, b, a in zip(second.node, second.bias, second.activation, strict=True)}
        for row, node in enumerate(first.node.tolist()):
            gene, own = (child.bias[row], child.activation[row]), (first.bias[row], first.activation[row])
            if node < 0 or node not in other:
                assert gene == own
                continue
            assert gene in (own, other[node])
            if own[0] != other[node][0]:
                matching += 1
                from_second += gene == other[node]
    assert matching > 500
    assert from_second / matching == pytest.approx(0.5, abs=0.07)


def test_three_quarters_of_genes_off_in_either_parent_stay_off():
    off = {"first": [], "second": [], "both": []}
    for first, second, child in zip(each(FIRST), each(LATER), each(CHILDREN), strict=True):
        one, other, mixed = connections(first), connections(second), connections(child)
        for innovation in one.keys() & other.keys():
            on = one[innovation][4], other[innovation][4]
            if all(on):
                assert mixed[innovation][4]
            else:
                where = "both" if not any(on) else "second" if on[0] else "first"
                off[where].append(not mixed[innovation][4])
    for where, stayed in off.items():
        assert len(stayed) > 100, where
        assert np.mean(stayed) == pytest.approx(STAYS_OFF, abs=4 * (STAYS_OFF * (1 - STAYS_OFF) / len(stayed)) ** 0.5)


def test_a_genome_crossed_with_itself_is_itself_where_it_is_on():
    on = replace(FIRST, enabled=FIRST.innovation >= 0)
    same = crossed(keys(2), on, on)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(same), jax.tree.leaves(on), strict=True))


def test_strangers_share_only_what_is_structurally_the_same():
    stranger = line(jax.random.key(99), WILD, 40)
    children = crossed(keys(3), FIRST, stranger)
    shared = 0
    for first, second, child in zip(each(FIRST), each(stranger), each(children), strict=True):
        one, other, mixed = connections(first), connections(second), connections(child)
        by_ends = {gene[:2]: gene for gene in other.values()}
        for innovation, gene in one.items():
            assert (gene[:2] in by_ends) == (innovation in other)
            shared += innovation in other
            if innovation not in other:
                assert mixed[innovation] == gene
    assert shared > NUM
