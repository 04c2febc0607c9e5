"""Births: who inherits what, who pays, what a full world does."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sim import breeding
from sim.body import GENES
from sim.metabolism import flesh
from sim.step import total_energy
from tests import FAST
from tests.worlds import (
    BRAIN,
    EVERYTHING,
    LUSH,
    MUTATION,
    Colony,
    change,
    found,
    inheritance,
    landscape,
    map_slots,
    reshape_bodies,
    rows,
    whole,
)

B = EVERYTHING.births_at_once


@partial(jax.jit, static_argnums=(1, 2), compiler_options=FAST)
def deliver(key, config, exact: bool, colony: Colony):
    """One delivery; `exact` children are copies, or mixtures, of their parents."""
    inherit = inheritance(config, BRAIN, None if exact else MUTATION)
    minds = (colony.mind, colony.memory)
    world, (mind, memory), births = breeding.deliver(key, config, LUSH, inherit, colony.world, minds)
    return Colony(world, mind, memory), births


def crowd(num: int) -> Colony:
    """`num` creatures in 64 slots, all ripe, rich and willing; their slots are shuffled against their uids."""
    colony = found(jax.random.key(5), EVERYTHING, BRAIN, 64, LUSH, 64)
    order = jax.random.permutation(jax.random.key(6), 64)
    colony = map_slots(lambda leaf: leaf[order], colony)
    alive = colony.world.uid < num
    rich = jnp.floor(LUSH.energy_capacity * colony.world.body.size)
    world = reshape_bodies(colony.world, clutch=2.0)
    world = change(world, alive=alive, energy=jnp.where(alive, rich, 0), age=jnp.full(64, 100), next_uid=num)
    return replace(colony, world=world)


def alone(breeds: str):
    return replace(EVERYTHING, breeding=breeds)


def test_a_full_world_refuses_births_and_counts_them():
    before = crowd(64)
    after, births = deliver(jax.random.key(0), alone("asexual"), True, before)
    assert int(births.refused) == B
    assert int(births.waiting) > 0
    assert np.all(np.asarray(births.uid) == -1) and np.all(np.asarray(births.slot) == 64)
    assert int(whole(births.heat)) == 0
    same = replace(after, world=replace(after.world, pending=before.world.pending))
    everybody = np.arange(64)
    for name, value in rows(before, everybody).items():
        assert value.tobytes() == rows(same, everybody)[name].tobytes(), name
    assert landscape(before.world).keys() == landscape(after.world).keys()
    assert int(after.world.next_uid) == int(before.world.next_uid)


def test_a_nearly_full_world_serves_the_oldest_and_refuses_the_rest():
    before = crowd(60)
    after, births = deliver(jax.random.key(0), alone("asexual"), True, before)
    mothers = np.asarray(births.mother)
    assert np.sum(mothers >= 0) == 4 and int(births.refused) == B - 4
    assert int(jnp.sum(after.world.alive)) == 64
    assert np.asarray(births.uid).tolist() == [60, 61, 62, 63] + 4 * [-1]
    assert int(after.world.next_uid) == 64
    able = before.world.alive & (before.world.energy > breeding.price(LUSH, before.world.body))
    able &= before.world.energy >= before.world.body.breed_at * LUSH.energy_capacity * before.world.body.size
    oldest = np.sort(np.asarray(before.world.uid)[np.asarray(able)])[:4]
    assert np.asarray(before.world.uid)[mothers[:4]].tolist() == oldest.tolist()


def test_mothers_pay_for_flesh_reserves_and_effort():
    before = crowd(40)
    after, births = deliver(jax.random.key(0), alone("asexual"), False, before)
    slot, mother = np.asarray(births.slot), np.asarray(births.mother)
    assert np.all(mother >= 0) and len(set(slot)) == B and not np.any(np.asarray(before.world.alive)[slot])
    paid = np.asarray(before.world.energy - after.world.energy)[mother]
    np.testing.assert_array_equal(paid, np.asarray(breeding.price(LUSH, before.world.body))[mother])
    bodies = np.asarray(after.world.energy + flesh(LUSH, after.world.body.size))[slot]
    heat = int(whole(births.heat))
    assert np.sum(paid - bodies) * 65536 == heat > 0
    assert total_energy(LUSH, before.world) - heat == total_energy(LUSH, after.world)
    assert np.all(np.asarray(after.world.generation)[slot] == 1 + np.asarray(before.world.generation)[mother])
    assert np.all(np.asarray(after.world.offspring)[mother] == 1)
    assert np.all(np.asarray(after.world.mother)[slot] == np.asarray(before.world.uid)[mother])
    assert np.all(np.asarray(after.world.x)[slot] == np.asarray(before.world.x)[mother])


def test_without_mutation_a_lone_mother_is_copied_row_for_row():
    before = crowd(40)
    after, births = deliver(jax.random.key(0), alone("asexual"), True, before)
    assert np.all(np.asarray(births.father) == -1)
    slot, mother = np.asarray(births.slot), np.asarray(births.mother)
    for part in ("kind", "genome", "brain"):
        _assert_equal_rows(getattr(after.mind, part), slot, getattr(before.mind, part), mother)
    _assert_equal_rows(after.world.body, slot, before.world.body, mother)
    _assert_equal_rows(after.world.brain, slot, before.world.brain, mother)
    assert not any(np.any(leaf[slot]) for leaf in jax.tree.leaves(after.memory))


def _assert_equal_rows(left, left_rows, right, right_rows) -> None:
    for one, other in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_array_equal(one[left_rows], other[right_rows])


def test_mutation_changes_children_but_not_their_parents():
    before = crowd(40)
    after, births = deliver(jax.random.key(0), alone("asexual"), False, before)
    slot, mother = np.asarray(births.slot), np.asarray(births.mother)
    living = np.flatnonzero(np.asarray(before.world.alive))
    _assert_equal_rows(before.mind, living, after.mind, living)
    changed = np.asarray(after.mind.genome.weight)[slot] != np.asarray(before.mind.genome.weight)[mother]
    assert np.all(changed.any(axis=1))


@pytest.mark.parametrize("breeds", ["sexual", "both"])
def test_without_mutation_children_of_two_mix_their_genes(breeds):
    before = crowd(40)
    after, births = deliver(jax.random.key(0), alone(breeds), True, before)
    real = np.asarray(births.uid) >= 0
    father = np.asarray(births.father)[real]
    if breeds == "sexual":
        assert np.all(father >= 0) and len(father) >= 3
    else:
        assert np.any(father >= 0) and np.any(father < 0)
    old, new = before.world, after.world
    for slot, mother, sire in zip(np.asarray(births.slot)[real], np.asarray(births.mother)[real], father, strict=True):
        parents = [mother, sire] if sire >= 0 else [mother]
        for gene in GENES:
            assert getattr(new.body, gene)[slot] in [getattr(old.body, gene)[p] for p in parents], gene
        _assert_mixed(_genes(after, slot), [_genes(before, p) for p in parents])
        assert int(new.father[slot]) == (int(old.uid[sire]) if sire >= 0 else -1)
        if sire >= 0:
            assert int(new.offspring[sire]) >= 1


def _genes(colony: Colony, slot: int) -> dict[int, tuple[float, float]]:
    """Weight and learning rate by innovation id."""
    genome = jax.tree.map(lambda leaf: np.asarray(leaf[slot]), colony.mind.genome)
    real = genome.innovation >= 0
    return dict(zip(genome.innovation[real], zip(genome.weight[real], genome.rate[real], strict=True), strict=True))


def _assert_mixed(child: dict, parents: list[dict]) -> None:
    """The mother's set of genes, each as in one of the parents that have it."""
    assert child.keys() == parents[0].keys()
    for innovation, gene in child.items():
        assert gene in [parent[innovation] for parent in parents if innovation in parent]


def test_nobody_breeds_young_poor_or_unwilling():
    before = crowd(40)
    cases = {
        "young": change(before.world, age=jnp.zeros(64)),
        "poor": change(before.world, energy=jnp.ones(64)),
        "unwilling": change(before.world, action=jnp.full_like(before.world.action, -1.0)),
    }
    for name, world in cases.items():
        _, births = deliver(jax.random.key(0), alone("asexual"), True, replace(before, world=world))
        assert np.all(np.asarray(births.uid) == -1), name
        assert int(births.refused) == int(births.waiting) == 0, name
