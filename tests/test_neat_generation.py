"""Whole generations of NEAT as published (Stanley & Miikkulainen 2002): what is inherited, and what becomes of it.

They run with all mutation off, or one kind of it alone, so that what a child has tells where it comes from.
"""

import math
from collections.abc import Callable
from dataclasses import fields, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution import reproduction
from evolution.genome import HIDDEN, BrainConfig, connection_id, split_id
from evolution.mutation import MutationParams
from evolution.neat_algorithm import Neat, NeatState
from evolution.neat_species import NeatParams, no_species
from evolution.reproduction import Parents
from evolution.search import roomier
from tests import FAST
from tests.test_genome import each
from tests.test_neat import near

INPUTS, OUTPUTS, NUM, SLOTS = 3, 1, 40, 6
BRAIN = BrainConfig(hidden=4, connections=16, founder_topology="layered", founder_weight=1.0, connection_tries=3)
RATES = [f.name for f in fields(MutationParams) if not f.name.endswith("step") and f.name != "weight_new"]
OFF = MutationParams(**dict.fromkeys(RATES, 0.0))
ALONE = NeatParams(mutate_only=1.0, interspecies=0.0)
LINE = replace(ALONE, weight=INPUTS, threshold=1.0, survival=1.0)  # distance: the summed difference of weights
NEAT = Neat(BRAIN, INPUTS, OUTPUTS, NUM, SLOTS, mutation=OFF)

begin = jax.jit(Neat.init, compiler_options=FAST)
compiled = jax.jit(Neat.tell, compiler_options=FAST)


def tell(algorithm: Neat, key: jax.Array, state: NeatState, fitness: jax.Array) -> NeatState:
    """`Neat.tell`, compiled once for all parameters: whole numbers as floats like the rest."""
    return compiled(replace(algorithm, params=jax.tree.map(float, algorithm.params)), key, state, fitness)


# what is inherited


def population(weights: np.ndarray, member=None, generation: int = 0) -> NeatState:
    """Founders with these weights `[P, 3]`."""
    state = begin(NEAT, jax.random.key(0))
    weight = state.genome.weight.at[:, :INPUTS].set(jnp.asarray(weights, jnp.float32))
    member = np.zeros(NUM, np.int32) if member is None else np.asarray(member, np.int32)
    size = jnp.asarray(np.bincount(member, minlength=SLOTS), jnp.int32)
    name = jnp.where(size > 0, jnp.arange(SLOTS, dtype=jnp.int32), -1)
    niches = replace(no_species(SLOTS, LINE), name=name, size=size, next_name=jnp.int32(member.max() + 1))
    genome = replace(state.genome, weight=weight)
    return replace(state, genome=genome, member=jnp.asarray(member), niches=niches, generation=jnp.int32(generation))


def step(state: NeatState, fitness, seed: int = 0, mutation=OFF, **params) -> NeatState:
    algorithm = replace(NEAT, params=replace(LINE, **params), mutation=mutation)
    return tell(algorithm, jax.random.key(seed), state, jnp.asarray(fitness, jnp.float32))


def marked() -> np.ndarray:
    """Weights that name their genome."""
    return np.arange(NUM)[:, None] / 8 + np.arange(INPUTS) / 64


def test_without_mutation_and_mating_children_are_their_parents():
    rng = np.random.default_rng(0)
    after = step(population(marked()), rng.normal(size=NUM))
    rows = {tuple(row) for row in marked().tolist()}
    assert {tuple(row) for row in np.asarray(after.genome.weight)[:, :INPUTS].tolist()} <= rows
    assert int(after.generation) == 1


def test_the_same_innovation_has_one_id_in_all_genomes_generations_and_runs():
    """Founders alike, one mutation each: what split or joined the same has the same ids, else others."""
    nodes, links = {}, {}
    grows = replace(OFF, add_node=1.0)
    joins = replace(OFF, add_connection=1.0)
    for seed, generation in ((0, 0), (1, 0), (2, 7)):
        state = population(np.ones((NUM, INPUTS)), generation=generation)
        for child in each(step(state, np.ones(NUM), seed, grows, elite_size=1e9).genome)[1:]:
            old = child.innovation >= 0
            (split,) = np.flatnonzero(old & ~child.enabled)
            node = int(child.node[OUTPUTS])
            added = tuple(child.innovation[np.flatnonzero(old & child.enabled)][-2:].tolist())
            nodes.setdefault((int(child.source[split]), int(child.target[split])), set()).add((node, added))
            assert child.born[old].tolist() == [0] * INPUTS + [generation + 1] * 2
        grown = step(state, np.ones(NUM), seed, grows, elite_size=1e9)
        for child in each(step(grown, np.ones(NUM), seed, joins, elite_size=1e9).genome)[1:]:
            real = child.innovation >= 0
            for ends in zip(child.source[real], child.target[real], child.innovation[real], strict=True):
                links.setdefault(tuple(map(int, ends[:2])), set()).add(int(ends[2]))
    assert len(nodes) == INPUTS and all(len(ids) == 1 for ids in nodes.values())
    assert len({ids for group in nodes.values() for ids in group}) == INPUTS
    assert all(len(ids) == 1 for ids in links.values()) and len(links) > 12
    assert len(set().union(*links.values())) == len(links)


def two_kinds() -> NeatState:
    """Even genomes as founded with weights 1; odd ones with weights 2 and a node that splits the first connection."""
    weights = np.where(np.arange(NUM)[:, None] % 2, 2.0, 1.0) * np.ones(INPUTS)
    genome = population(weights).genome
    odd = (jnp.arange(NUM) % 2 == 1)[:, None]
    node = split_id(genome.innovation[0, 0], jnp.int32(0))
    into, out = connection_id(genome.source[0, 0], node), connection_id(node, genome.target[0, 0])
    put = lambda leaf, values: jnp.where(odd, leaf.at[:, INPUTS : INPUTS + 2].set(jnp.stack(values)), leaf)
    genome = replace(
        genome,
        node=jnp.where(odd, genome.node.at[:, OUTPUTS].set(node), genome.node),
        innovation=put(genome.innovation, [into, out]),
        source=put(genome.source, [genome.source[0, 0], node]),
        target=put(genome.target, [node, genome.target[0, 0]]),
        weight=put(genome.weight, [jnp.float32(2), jnp.float32(2)]),
        enabled=put(genome.enabled, [jnp.bool_(True)] * 2).at[:, 0].set(~odd[:, 0]),
    )
    return replace(population(weights), genome=genome)


@pytest.mark.parametrize("fitter", ["small", "large"])
def test_disjoint_and_excess_genes_come_from_the_fitter_parent_and_matching_ones_from_either(fitter):
    odd = np.arange(NUM) % 2
    fitness = np.where(odd == (fitter == "large"), 2.0, 1.0)
    mixed = pure = stayed = 0
    for seed in range(8):
        after = step(two_kinds(), fitness, seed, mutate_only=0.0, mate_only=1.0, threshold=1e3, elite_size=1e9)
        for child in each(after.genome):
            large = bool(child.node[OUTPUTS] >= HIDDEN)
            assert (child.innovation >= 0).sum() == INPUTS + 2 * large
            shared, fit_weight = child.weight[:INPUTS], 2.0 if fitter == "large" else 1.0
            if large:
                assert child.weight[INPUTS : INPUTS + 2].tolist() == [2.0, 2.0]
            assert set(shared.tolist()) <= {1.0, 2.0}
            if large == (fitter == "large"):
                pure += bool(np.all(shared == fit_weight))
                both = bool(np.any(shared != fit_weight))
                mixed += both
                stayed += both and not child.enabled[0]
            else:  # the worse structure: both parents had it
                assert np.all(shared == 3 - fit_weight)
    assert (mixed + pure) / (8 * NUM) == near(3 / 4, 8 * NUM)  # whoever has one parent of the fitter kind
    # a third of those were crossed between kinds had both parents of the fitter kind; of the others 1/8 look so
    assert mixed / (mixed + pure) == near(2 / 3 * 7 / 8, mixed + pure)
    assert stayed / mixed == near(0.75, mixed)  # a gene off in either parent is off in three of four


def test_weights_of_matching_genes_are_those_of_either_parent_alike():
    weights = np.repeat(np.arange(NUM)[:, None] % 2 + 1.0, INPUTS, axis=1)
    fitness = 1 + np.arange(NUM) % 2
    seen = [step(population(weights), fitness, s, mutate_only=0.0, mate_only=1.0, threshold=1e3) for s in range(8)]
    weight = np.concatenate([np.asarray(state.genome.weight)[:, :INPUTS] for state in seen])
    assert (weight == 2).mean() == pytest.approx(0.5, abs=0.08) and set(weight.ravel()) == {1.0, 2.0}


# what comes of a generation


def test_the_champion_passes_unchanged_and_the_best_is_never_lost():
    wild = MutationParams(weight=1.0, weight_step=1.0, add_node=0.3, add_connection=0.5, toggle=0.3)
    algorithm = replace(NEAT, mutation=wild, params=NeatParams(threshold=1.0, elite_size=1e9))
    state, rng, many = begin(algorithm, jax.random.key(0)), np.random.default_rng(0), set()
    for number in range(12):
        fitness = rng.integers(-3, 3, NUM).astype(np.float32)  # with ties for the best
        best = [genome for genome, value in zip(each(state.genome), fitness, strict=True) if value == fitness.max()]
        state = tell(algorithm, jax.random.key(number), state, jnp.asarray(fitness))
        copies = [bytes_of(genome) for genome in each(state.genome)]
        assert any(bytes_of(genome) in copies for genome in best)
        many.add(int(state.niches.alive.sum()))
    assert max(many) > 2


def bytes_of(genome) -> bytes:
    return b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(replace(genome, refused=0)))


def test_a_species_is_represented_by_a_random_member_of_the_last_generation():
    """Half of the species lies at 0 and half at 1; only one at 0 breeds. Seen from 1, its children are strangers."""
    weights = np.zeros((NUM, INPUTS))
    weights[NUM // 2 :, 0] = 1.0
    fitness = np.zeros(NUM)
    fitness[3] = 1.0
    names = [int(step(population(weights), fitness, seed, survival=0.0).niches.name[0]) for seed in range(60)]
    assert set(names) == {0, 1}
    assert np.mean(names) == near(0.5, 60)


def three_species() -> tuple[NeatState, Callable]:
    """Of 20, 10 and 10, far apart; fitness by place."""
    member = np.repeat([0, 1, 2], [20, 10, 10])
    weights = np.zeros((NUM, INPUTS))
    weights[:, 0] = 2.0 * member
    return population(weights, member), lambda state: 3.0 - np.asarray(state.genome.weight)[:, 0] / 2


def names_over(generations: int, improves: int = -1, **params) -> list[list[int]]:
    """Names of living species after each generation; fitness rises by 1 in generation `improves`."""
    state, fitness = three_species()
    seen = []
    for number in range(generations):
        state = step(state, fitness(state) + (improves >= 0) * (number >= improves), number, **params)
        seen.append([name for name in state.niches.name.tolist() if name >= 0])
    return seen


def test_species_without_a_record_for_15_generations_end_but_the_best():
    seen = names_over(18, doldrums=1e9)
    assert seen[:15] == [[0, 1, 2]] * 15 and seen[15:] == [[0]] * 3
    assert names_over(18, doldrums=1e9, protected=2)[15:] == [[0, 1]] * 3
    assert names_over(18, improves=5, doldrums=1e9) == [[0, 1, 2]] * 18
    assert names_over(5, stagnation=3, doldrums=1e9) == [[0, 1, 2]] * 3 + [[0]] * 2


def test_after_more_than_20_generations_without_a_new_best_only_two_species_breed():
    seen = names_over(24, stagnation=1e9)
    assert seen[:21] == [[0, 1, 2]] * 21 and seen[21:] == [[0, 1]] * 3
    assert names_over(24, improves=8, stagnation=1e9) == [[0, 1, 2]] * 24


def test_doldrums_last_for_one_generation_and_come_back_after_as_many_again():
    state, fitness = three_species()
    fires = []
    for number in range(16):
        state = step(state, fitness(state), number, stagnation=1e9, doldrums=4)
        fires.append(int(state.unimproved) == 0)
    assert np.flatnonzero(fires).tolist() == [0, 5, 10, 15]


def test_a_generation_in_which_all_fail_is_survived():
    state, _ = three_species()
    after = step(state, [np.nan] * NUM)
    assert np.all(np.isfinite(after.genome.weight)) and int(after.niches.size.sum()) == NUM
    assert after.niches.size.tolist()[:3] == [14, 13, 13]
    assert np.asarray(after.genome.enabled).sum() == NUM * INPUTS


# room


GROWTH = MutationParams(weight=0.8, weight_step=0.5, add_node=0.3, add_connection=0.5, toggle=0.1, activation=0.2)
WITHIN = NeatParams(threshold=2.0, target_species=4, threshold_step=0.2, excess=1.0, disjoint=0.5)


def objective(state: NeatState) -> np.ndarray:
    """Something that follows from genes alone, to the last bit."""
    score = lambda g: math.fsum(g.weight[g.enabled].tolist()) + 0.25 * int((g.innovation >= 0).sum())
    return np.array([score(genome) for genome in each(state.genome)], np.float32)


def searched(algorithm: Neat, generations: int, grows: int = -1) -> list[tuple[list[bytes], list[int]]]:
    """Genes of the population and its species, generation by generation; room doubles before generation `grows`."""
    state = begin(algorithm, jax.random.key(3))
    history = []
    for number in range(generations):
        if number == grows:
            room = (algorithm.brain.hidden, algorithm.brain.connections)
            algorithm, state = roomier(algorithm, state, room, replace(BRAIN, hidden=64, connections=256))
        state = tell(algorithm, jax.random.fold_in(jax.random.key(4), number), state, jnp.asarray(objective(state)))
        history.append(([genes_of(genome) for genome in each(state.genome)], state.niches.name.tolist()))
    return history


def genes_of(genome) -> bytes:
    """All genes that are there, row by row: rows are filled in the same order whatever the room."""
    real, nodes = genome.innovation >= 0, genome.node >= 0
    links = (genome.innovation, genome.source, genome.target, genome.weight, genome.enabled, genome.born)
    last = [column[: np.flatnonzero(real)[-1] + 1].tobytes() for column in links]
    return b"".join(last + [column[nodes].tobytes() for column in (genome.node, genome.bias, genome.activation)])


def test_room_changes_nothing_and_growing_it_halfway_goes_on_unchanged():
    small = replace(NEAT, params=WITHIN, mutation=GROWTH)
    large = replace(small, brain=replace(BRAIN, hidden=2 * BRAIN.hidden, connections=2 * BRAIN.connections))
    roomy = searched(large, 8)
    assert searched(small, 4) == roomy[:4]  # four generations fit: a node and three connections each at most
    assert searched(small, 8, grows=4) == roomy
    assert len({names for _, species in roomy for names in species}) > 3
    assert len(set(roomy[-1][0])) > NUM / 2


def test_room_doubles_where_the_next_generation_could_outgrow_it_and_stops_at_the_most():
    state, most = begin(NEAT, jax.random.key(0)), replace(BRAIN, hidden=9, connections=40)
    grown = lambda room: (lambda a: (a.brain.hidden, a.brain.connections))(roomier(NEAT, state, room, most)[0])
    assert grown((3, 13)) == (4, 16)
    assert grown((4, 13)) == (8, 16)
    assert grown((3, 14)) == (4, 32)
    assert grown((8, 30)) == (9, 40)
    algorithm, wide = roomier(NEAT, state, (4, 14), most)
    assert wide.genome.node.shape == (NUM, OUTPUTS + 8) and wide.genome.weight.shape == (NUM, 32)
    assert algorithm.room(wide).tolist() == [0, INPUTS]
    for name in ("node", "innovation"):
        assert np.all(np.asarray(getattr(wide.genome, name))[:, getattr(state.genome, name).shape[1] :] == -1)


def _brood():
    """Children of three species, most of whom change in structure, and the population that they come from."""
    state, _ = three_species()
    wild = replace(NEAT.mutation, add_connection=0.6, add_node=0.3, delete_connection=0.2)
    index = jnp.arange(NUM, dtype=jnp.int32)
    who = Parents(index, index[::-1], index % 2 == 0, index < 3, index % 5 > 0)

    def born(rates):
        return reproduction.children(
            jax.random.key(4), NEAT.brain, rates, INPUTS, OUTPUTS, state.genome, who, jnp.int32(1)
        )

    return jax.jit(born, compiler_options=FAST)(jax.tree.map(float, wild)), state.genome


@pytest.fixture(scope="module")
def brood():
    return _brood()


@pytest.mark.parametrize(("turns", "least"), [(8, 1), (5, 7)])
def test_children_do_not_depend_on_how_many_change_at_a_time(monkeypatch, brood, turns, least):
    whole, before = brood
    batch = max(-(-NUM // turns), least)
    assert batch < NUM <= reproduction.LEAST
    monkeypatch.setattr(reproduction, "TURNS", turns)
    monkeypatch.setattr(reproduction, "LEAST", least)
    jax.tree.map(np.testing.assert_array_equal, whole, _brood()[0])
    assert np.any(np.asarray(whole.innovation != before.innovation), axis=1).sum() > 2 * batch
