"""The compatibility distance against equation 1 of Stanley & Miikkulainen (2002), counted gene by gene in Python."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution.compatibility import CHUNK, Genes, aligned, distances, genes

ROWS, NUM, SMALL = 5 * CHUNK, 64, 20
measure = jax.jit(lambda some, many, c1, c2, c3, small=SMALL: distances(some, many, c1, c2, c3, small)[0])


def plain(one: dict, other: dict, excess: float, disjoint: float, weight: float) -> float:
    """δ of two genomes, each a dict from innovation to (weight, generation)."""
    shared = one.keys() & other.keys()
    newest = lambda genome: max((born for _, born in genome.values()), default=-1)
    later = sum(born > newest(other) for i, (_, born) in one.items() if i not in shared)
    later += sum(born > newest(one) for i, (_, born) in other.items() if i not in shared)
    apart = len(one) + len(other) - 2 * len(shared) - later
    larger = max(len(one), len(other))
    size = 1 if larger < 20 else larger
    gap = sum(abs(one[i][0] - other[i][0]) for i in shared) / max(len(shared), 1)
    return (excess * later + disjoint * apart) / size + weight * gap


def packed(genomes: list[dict], seed: int = 0) -> Genes:
    """Genes `[ROWS, P]`, with gaps and in any order, as deletions leave them."""
    rng = np.random.default_rng(seed)
    innovation = np.full((ROWS, len(genomes)), -1, np.int32)
    weight, born = np.zeros((ROWS, len(genomes)), np.float32), np.zeros((ROWS, len(genomes)), np.int32)
    for column, genome in enumerate(genomes):
        rows = rng.permutation(ROWS)[: len(genome)]
        for row, (i, (value, when)) in zip(rows, genome.items(), strict=True):
            innovation[row, column], weight[row, column], born[row, column] = i, value, when
    return aligned(jnp.asarray(innovation), jnp.asarray(weight), jnp.asarray(born))


def some(most: int, seed: int) -> list[dict]:
    """Genomes of one history: a gene arose in the same generation wherever it is."""
    rng = np.random.default_rng(seed)
    arose = rng.integers(0, 12, 60)
    chosen = (rng.permutation(60)[: rng.integers(0, most + 1)] for _ in range(NUM))
    until = rng.integers(0, 12, NUM)  # many lines ended early: what others have beyond is excess
    return [
        {int(i): (float(rng.normal()), int(arose[i])) for i in those if arose[i] <= last}
        for those, last in zip(chosen, until, strict=True)
    ]


@pytest.mark.parametrize("most", [SMALL - 1, ROWS])
@pytest.mark.parametrize(
    "coefficients", [(1.0, 1.0, 0.4), (2.0, 0.5, 3.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
)
def test_distance_is_the_papers(most, coefficients):
    genomes = some(most, seed=most)
    many = packed(genomes)
    for index in range(12):
        ours = measure(many[index : index + 1], many, *coefficients)
        brute = [plain(genomes[index], other, *coefficients) for other in genomes]
        np.testing.assert_allclose(ours, brute, rtol=1e-5, atol=1e-5)
        assert ours[index] == 0
    sizes = [len(genome) for genome in genomes]
    assert (max(sizes) >= SMALL) == (most >= SMALL) and min(sizes) < SMALL


def test_a_worked_example():
    """Figure 4 of the paper: 6 and 10 as the last innovations, 1–5 shared, 6–8 disjoint, 9 and 10 excess."""
    first = {i: (0.0, i) for i in (1, 2, 3, 4, 5, 8)}
    second = {i: (0.5, i) for i in (1, 2, 3, 4, 5, 6, 7, 9, 10)}
    many = packed([first, second])
    distance = lambda c1, c2, c3: float(measure(many[:1], many, c1, c2, c3)[1])
    assert distance(1.0, 0.0, 0.0) == 2
    assert distance(0.0, 1.0, 0.0) == 3
    assert distance(0.0, 0.0, 1.0) == 0.5
    assert distance(1.0, 1.0, 0.4) == pytest.approx(5.2)


@pytest.mark.parametrize(("number", "size"), [(SMALL - 1, 1), (SMALL, SMALL), (SMALL + 5, SMALL + 5)])
def test_structure_is_divided_by_the_larger_genome_from_so_many_genes_on(number, size):
    large, small = {i: (0.0, 0) for i in range(number)}, {0: (0.0, 0)}
    many = packed([large, small])
    assert measure(many[:1], many, 1.0, 1.0, 0.4)[1] == pytest.approx((number - 1) / size)
    assert measure(many[1:2], many, 1.0, 1.0, 0.4)[0] == pytest.approx((number - 1) / size)
    assert measure(many[:1], many, 1.0, 1.0, 0.4, 1)[1] == pytest.approx((number - 1) / number)
    assert measure(many[:1], many, 1.0, 1.0, 0.4, 1e9)[1] == number - 1


def test_distance_is_the_same_both_ways_and_from_any_arrangement_of_genes():
    genomes = some(ROWS, seed=3)
    many, shuffled = packed(genomes), packed(genomes, seed=1)
    matrix = np.stack([measure(many[i : i + 1], shuffled, 2.0, 0.5, 3.0) for i in range(NUM)])
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-5, atol=1e-5)
    assert np.all(np.diag(matrix) == 0) and matrix.min() >= 0


def test_a_genome_without_genes_differs_by_all_that_the_other_has():
    many = packed([{}, {i: (1.0, 0) for i in range(7)}, {}])
    np.testing.assert_array_equal(measure(many[:1], many, 1.0, 5.0, 0.4), [0, 7, 0])  # all excess
    np.testing.assert_array_equal(measure(many[1:2], many, 1.0, 5.0, 0.4), [7, 0, 7])


def test_several_are_measured_at_once():
    many = packed(some(ROWS, seed=5))
    both = jax.jit(distances)(many[jnp.array([7, 3, 7])], many, 2.0, 0.5, 3.0, SMALL)
    each = [measure(many[i : i + 1], many, 2.0, 0.5, 3.0) for i in (7, 3, 7)]
    np.testing.assert_array_equal(both, np.stack(each))


def test_genes_of_a_population_are_turned_and_padded_and_may_be_picked():
    rows = np.arange(3 * 5).reshape(3, 5)
    leaf = lambda dtype: jnp.asarray(rows, dtype)
    population = SimpleNamespace(innovation=leaf(jnp.int32), weight=leaf(jnp.float32), born=leaf(jnp.int32))
    every, two = genes(population), genes(population, jnp.array([2, 0]))
    assert every.innovation.shape == (CHUNK, 3)
    np.testing.assert_array_equal(every.innovation[:5], rows.T)
    assert np.all(every.innovation[5:] == -1) and not np.any(every.weight[5:])
    np.testing.assert_array_equal(two.weight[:5], rows[[2, 0]].T)
