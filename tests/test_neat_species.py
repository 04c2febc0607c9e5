"""Species of a generational population against the rules of Stanley & Miikkulainen (2002, section 3.3) in Python.

Genomes here are points on a line: one gene each, whose weight is the place, so that the distance is plain.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import floor

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution import neat_species
from evolution.algorithm import ABYSS, sane
from evolution.compatibility import CHUNK, Genes, aligned
from evolution.neat_species import NeatParams, Niches, judged, no_species, offspring, speciate

NUM, SLOTS = 24, 6
LINE = NeatParams(weight=1.0, threshold=1.0)
FOREVER = 1000  # generations


@cache
def admit_by(batch: int) -> Callable:
    """Speciation compiled with as many comparisons at a time as `neat_species.BATCH` is when first called."""
    return jax.jit(lambda *inputs: speciate(*inputs))


admit = admit_by(neat_species.BATCH)
judge = jax.jit(judged)
share = jax.jit(offspring)


def points(places: Sequence[float]) -> Genes:
    """One gene each, at `places`, as `[C, P]`."""
    num = len(places)
    innovation = np.full((CHUNK, num), -1, np.int32)
    weight = np.zeros((CHUNK, num), np.float32)
    innovation[2], weight[2] = 5, places
    return aligned(jnp.asarray(innovation), jnp.asarray(weight), jnp.zeros((CHUNK, num), jnp.int32))


def table(names: Sequence[int], threshold: float = 1.0, **columns: Sequence[float]) -> Niches:
    """Niches whose first slots are as given."""
    empty = no_species(SLOTS, LINE)
    fill = lambda leaf, values: leaf.at[: len(values)].set(jnp.asarray(values, leaf.dtype))
    given = {name: fill(getattr(empty, name), values) for name, values in {"name": names, **columns}.items()}
    rest = {"next_name": jnp.int32(max(names, default=-1) + 1), "threshold": jnp.float32(threshold)}
    return Niches(**{**vars(empty), **given, **rest})


def representatives(places: Sequence[float]) -> Genes:
    return points([*places, *[0.0] * (SLOTS - len(places))])


def plain(places, types, threshold) -> tuple[list[int], list[float], int]:
    """Slot of each genome, the places of all types, and how many found the table full: one after the other."""
    types, slots, crowded = list(types), [], 0
    for place in places:
        near = [slot for slot, where in enumerate(types) if abs(place - where) < threshold]
        if near:
            slots.append(near[0])
        elif len(types) < SLOTS:
            slots.append(len(types))
            types.append(place)
        else:
            slots.append(-1)
            crowded += 1
    # who finds no room joins the nearest of all types
    nearest = [int(np.argmin([abs(place - where) for where in types])) for place in places]
    return [near if slot < 0 else slot for slot, near in zip(slots, nearest, strict=True)], types, crowded


@pytest.mark.parametrize("batch", [neat_species.BATCH, 4])  # more than all slots, or a part and a bit
@pytest.mark.parametrize("old", [0, 3, SLOTS])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0, 2.0, 100.0])
def test_membership_is_that_of_the_first_compatible_species(old, threshold, batch, monkeypatch):
    monkeypatch.setattr(neat_species, "BATCH", batch)
    admit = admit_by(batch)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        types, places = rng.integers(-32, 32, old) / 8, rng.integers(-48, 48, NUM) / 8
        before = table(range(10, 10 + old), threshold, age=[7] * old, stagnant=[3] * old, record=[2.0] * old)
        after, member = admit(LINE, before, representatives(types), points(places))
        slots, all_types, crowded = plain(places, types, threshold)
        names = [*range(10, 10 + old), *range(int(before.next_name), 99)][: len(all_types)]
        assert [int(after.name[slot]) for slot in member] == [names[slot] for slot in slots]
        lives = [slot for slot in range(len(all_types)) if slot in slots]
        blank = SLOTS - len(lives)
        assert after.name.tolist() == [names[slot] for slot in lives] + [-1] * blank
        assert after.size.tolist() == [slots.count(slot) for slot in lives] + [0] * blank
        assert after.age.tolist() == [8 if slot < old else 0 for slot in lives] + [0] * blank
        assert after.stagnant.tolist() == [3 if slot < old else 0 for slot in lives] + [0] * blank
        assert after.record.tolist() == [2.0 if slot < old else -np.inf for slot in lives] + [-np.inf] * blank
        assert int(after.crowded) == crowded
        assert int(after.next_name) == int(before.next_name) + len(all_types) - old
        assert float(after.threshold) == threshold


def test_the_first_compatible_species_is_joined_and_not_the_nearest():
    _, member = admit(LINE, table([0, 1]), representatives([0.0, 1.0]), points([0.875] * NUM))
    assert member.tolist() == [0] * NUM


def test_as_far_as_the_threshold_is_too_far():
    after, member = admit(LINE, table([0]), representatives([0.0]), points([1.0] * (NUM - 1) + [0.875]))
    assert member.tolist() == [1] * (NUM - 1) + [0]
    assert after.name.tolist() == [0, 1] + [-1] * (SLOTS - 2)


def test_a_full_table_takes_the_rest_into_the_nearest_and_counts_them():
    places = [10.0 * i for i in range(SLOTS)] + [14.0, 16.0, -90.0, 55.0] + [0.0] * (NUM - SLOTS - 4)
    after, member = admit(LINE, no_species(SLOTS, LINE), representatives([]), points(places))
    assert member[SLOTS : SLOTS + 4].tolist() == [1, 2, 0, 5]
    assert int(after.crowded) == 4
    again, _ = admit(LINE, after, representatives(places[:SLOTS]), points(places))
    assert int(again.crowded) == 8  # in all generations so far


def test_the_name_of_a_species_that_ended_is_not_given_again():
    niches, _ = admit(LINE, no_species(SLOTS, LINE), representatives([]), points([0.0] * 12 + [9.0] * 12))
    assert niches.name.tolist()[:2] == [0, 1]
    niches, _ = admit(LINE, niches, representatives([0.0, 9.0]), points([0.0] * NUM))
    assert niches.name.tolist()[:2] == [0, -1]
    niches, _ = admit(LINE, niches, representatives([0.0]), points([0.0] * 12 + [9.0] * 12))
    assert niches.name.tolist()[:3] == [0, 2, -1]


@pytest.mark.parametrize(("target", "moves"), [(0, 0.0), (2, 0.5), (3, 0.0), (5, -0.5)])
def test_the_threshold_moves_a_step_towards_the_target_number_of_species(target, moves):
    params = NeatParams(weight=1.0, target_species=target, threshold_step=0.5)
    places = [0.0] * 8 + [20.0] * 8 + [40.0] * 8
    niches, _ = admit(params, table([], threshold=4.0), representatives([]), points(places))
    assert float(niches.threshold) == 4.0 + moves


def test_the_threshold_never_falls_below_a_step():
    params = NeatParams(weight=1.0, target_species=5, threshold_step=0.5)
    niches, _ = admit(params, table([], threshold=0.6), representatives([]), points([0.0] * NUM))
    assert float(niches.threshold) == 0.5


def members(*sizes: int) -> jnp.ndarray:
    return jnp.asarray(np.repeat(np.arange(len(sizes)), sizes), jnp.int32)


def test_records_and_stagnation_of_species():
    niches = table([3, 4, 5, 6], size=[6] * 4, record=[2.0, 2.0, 2.0, -np.inf], stagnant=[4, 4, 4, 0])
    fitness = jnp.array([*[0.0] * 5, 2.5, *[0.0] * 5, 2.0, *[0.0] * 5, 1.0, *[ABYSS] * 6])
    after = judge(niches, members(6, 6, 6, 6), fitness)
    assert after.record.tolist()[:4] == [2.5, 2.0, 2.0, np.float32(ABYSS)]
    assert after.stagnant.tolist()[:4] == [0, 5, 5, 0]  # as good as the record is no new record


def shares(means: Sequence[Fraction], num: int) -> list[int]:
    """Largest remainders: children in proportion to mean fitness."""
    exact = [num * mean / sum(means) for mean in means]
    floors = [floor(number) for number in exact]
    by_remainder = sorted(range(len(means)), key=lambda i: (floors[i] - exact[i], i))
    for i in by_remainder[: num - sum(floors)]:
        floors[i] += 1
    return floors


def children(sizes, fitness, doldrums=False, params=LINE, **columns) -> list[int]:
    assert len(fitness) == sum(sizes) == NUM
    niches = table(range(len(sizes)), size=sizes, **columns)
    value = sane(jnp.asarray(fitness, jnp.float32))
    return share(params, niches, members(*sizes), value, jnp.bool_(doldrums)).tolist()


def test_offspring_is_in_proportion_to_mean_fitness_and_not_to_size():
    assert children([8, 8, 8], [1] * 8 + [2] * 8 + [3] * 8) == [4, 8, 12, 0, 0, 0]
    assert children([16, 4, 4], [1] * 16 + [2] * 4 + [3] * 4) == [4, 8, 12, 0, 0, 0]
    assert children([12, 12], [0, 2] * 6 + [1] * 12) == [12, 12, 0, 0, 0, 0]
    # means 1, 2 and 4: 3.43, 6.86 and 13.71 children
    assert children([2, 20, 2], [1, 1] + [2] * 20 + [4, 4]) == [3, 7, 14, 0, 0, 0]


def test_negative_fitness_is_raised_by_the_lowest():
    assert children([12, 12], [-4, -2] * 6 + [-1] * 12) == [6, 18, 0, 0, 0, 0]  # means 1 and 3
    assert children([12, 12], [-1] * 12 + [1] * 12) == [1 - 1, 24, 0, 0, 0, 0]
    assert children([12, 12], [3] * 12 + [1] * 12) == [18, 6, 0, 0, 0, 0]  # positive fitness is left as it is


def test_offspring_is_exact_for_any_fitness():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        cuts = np.sort(rng.permutation(np.arange(1, NUM))[: rng.integers(0, SLOTS)])
        sizes = np.diff([0, *cuts, NUM]).tolist()
        fitness = rng.integers(-20 if seed % 2 else 0, 60, NUM)
        raised = fitness - min(fitness.min(), 0)
        begins = np.cumsum([0, *sizes])
        means = [Fraction(int(raised[a:b].sum()), int(b - a)) for a, b in pairwise(begins)]
        expected = shares(means, NUM)
        best = int(np.searchsorted(begins, np.argmax(fitness), side="right")) - 1
        if expected[best] == 0:
            expected[int(np.argmax(expected))] -= 1
            expected[best] = 1
        assert children(sizes, fitness) == expected + [0] * (SLOTS - len(sizes))


def test_without_any_fitness_shares_are_even():
    for nothing in (np.nan, -np.inf, 0.0, -3.0):
        assert children([4, 8, 12], [nothing] * NUM) == [8, 8, 8, 0, 0, 0]


def test_nan_is_the_worst_and_shares_in_nothing():
    assert children([12, 12], [np.nan] * 6 + [2.0] * 6 + [1.0] * 12) == [12, 12, 0, 0, 0, 0]
    assert children([12, 12], [np.nan] * 12 + [-1e6] * 11 + [0.0]) == [0, 24, 0, 0, 0, 0]
    assert sum(children([12, 12], [np.inf] * 12 + [1.0] * 12)) == NUM


def test_a_species_that_is_stagnant_for_15_generations_has_no_offspring():
    best_last = [1] * 8 + [2] * 8 + [3] * 8
    assert children([8] * 3, best_last, stagnant=[14, 14, 14]) == [4, 8, 12, 0, 0, 0]
    assert children([8] * 3, best_last, stagnant=[14, 15, 14]) == [6, 0, 18, 0, 0, 0]
    assert children([8] * 3, best_last, stagnant=[15, 14, FOREVER]) == [0, 10, 14, 0, 0, 0]  # the best is protected
    patient = NeatParams(stagnation=20)
    assert children([8] * 3, best_last, stagnant=[14, 19, 20], params=patient) == [4, 8, 12, 0, 0, 0]


def test_protected_species_never_end_by_stagnation():
    best_last, old = [1] * 8 + [2] * 8 + [3] * 8, {"stagnant": [FOREVER] * 3}
    assert children([8] * 3, best_last, params=NeatParams(protected=2), **old) == [0, 10, 14, 0, 0, 0]
    assert children([8] * 3, best_last, params=NeatParams(protected=1), **old) == [0, 0, NUM, 0, 0, 0]
    assert children([8] * 3, best_last, params=NeatParams(protected=0), **old) == [0, 0, NUM, 0, 0, 0]  # somebody must
    # the rank of a species is that of its best member, not of its mean
    hidden_star = [1] * 7 + [9] + [2] * 8 + [3] * 8
    assert children([8] * 3, hidden_star, params=NeatParams(protected=1), **old) == [NUM, 0, 0, 0, 0, 0]


def test_in_the_doldrums_only_the_two_best_species_breed():
    four = [3] * 6 + [1] * 6 + [2] * 6 + [1] * 6
    assert children([6] * 4, four, doldrums=False)[3] > 0
    assert children([6] * 4, four, doldrums=True) == [14, 0, 10, 0, 0, 0]
    assert children([6] * 4, four, doldrums=True, stagnant=[FOREVER] * 4) == [14, 0, 10, 0, 0, 0]
    assert children([6] * 4, [2] * NUM, doldrums=True) == [12, 12, 0, 0, 0, 0]  # of equals the older


def test_of_equally_good_species_no_more_than_told_are_protected():
    assert children([6] * 4, [2] * NUM, stagnant=[FOREVER] * 4) == [NUM, 0, 0, 0, 0, 0]


def test_the_species_of_the_champion_goes_on_whatever_its_share():
    fitness = [0] * 11 + [3] + [2] * 12
    nobody = NeatParams(protected=0)
    assert children([12, 12], fitness, params=nobody) == [3, 21, 0, 0, 0, 0]
    assert children([12, 12], fitness, params=nobody, stagnant=[15, 0]) == [1, 23, 0, 0, 0, 0]
    assert children([12, 12], [2] * 12 + fitness[:12], params=nobody, stagnant=[0, 15]) == [23, 1, 0, 0, 0, 0]
