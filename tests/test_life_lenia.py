"""Lenia: against direct convolution, the Game of Life within it, its symmetries, and Orbium."""

import jax
import numpy as np
import pytest

from sim.life import lenia, reference
from sim.life.lenia import LIFE, Lenia

SMALL = dict(radius=5.0, rings=(1.0, 0.5, 0.75), mu=0.4, sigma=0.1)


def noise(side=32):
    return np.random.default_rng(1).random((side, side), np.float32)


def centre(field):
    """(y, x) of the mass on a torus, in cells."""
    side = field.shape[0]
    turn = np.exp(2j * np.pi * np.arange(side) / side)
    return np.array([np.angle(field.sum(1) @ turn), np.angle(field.sum(0) @ turn)]) * side / (2 * np.pi)


def track(rule, field, strides, steps):
    """Mass after each of `strides` strides of `steps`, and displacement over it in units of R per unit of time."""
    masses, moves = [], []
    for _ in range(strides):
        after = np.asarray(lenia.advance(rule, field, steps), float)
        side = len(after)
        move = (centre(after) - centre(np.asarray(field, float)) + side / 2) % side - side / 2
        masses.append(after.sum() / rule.radius**2)
        moves.append(move / rule.radius * rule.steps_per_unit / steps)
        field = after
    return np.array(masses), np.array(moves)


def orbium(times=1):
    """Orbium enlarged, in the middle of a torus."""
    field = np.zeros((64 * times, 64 * times), np.float32)
    field[20 * times : 40 * times, 20 * times : 40 * times] = np.kron(lenia.orbium(), np.ones((times, times)))
    return field


@pytest.mark.parametrize(
    ("core", "growth"),
    [
        ("exponential", "exponential"),
        ("polynomial", "polynomial"),
        ("rectangular", "rectangular"),
        ("life", "exponential"),
    ],
)
def test_a_step_is_that_of_direct_convolution(core, growth):
    rule, field = Lenia(core=core, growth=growth, **SMALL), noise()
    expected = field.astype(float)
    for _ in range(3):
        expected = reference.lenia(rule, expected)
    after = np.asarray(lenia.advance(rule, field, 3))
    assert np.abs(after - expected).max() < 1e-5
    assert np.abs(after - field).max() > 0.1


def test_the_game_of_life_is_a_special_case():
    cells = (noise() < 0.4).astype(np.uint8)
    field = lenia.advance(LIFE, cells, 20)
    for _ in range(20):
        number = sum(np.roll(cells, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)) - cells
        cells = ((number == 3) | ((number == 2) & (cells == 1))).astype(np.uint8)
    assert cells.any()
    assert np.array_equal(field, cells)


@pytest.mark.parametrize("core", lenia.CORES)
def test_kernels_are_round_rings_that_sum_to_one(core):
    rule = Lenia(core=core, radius=15.0, rings=(1.0, 0.5, 0.75))
    weights = np.asarray(jax.jit(lambda rule: lenia.kernel(rule, 32, 32))(rule))
    y, x = (np.minimum(np.arange(32), 32 - np.arange(32)) for _ in range(2))
    distance = np.hypot(y[:, None], x)
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert not weights[distance >= 15].any()
    highest = [weights[(distance >= 5 * ring) & (distance < 5 * ring + 5)].max() for ring in range(3)]
    assert np.allclose(np.array(highest) / highest[0], [1, 0.5, 0.75], rtol=0.05)
    for length in (5, 13):  # 3-4-5 and 5-12-13: along an axis and askew
        assert np.ptp(weights[distance == length]) < 1e-6 * highest[0]


def test_space_has_no_preferred_place_or_direction():
    rule, field = Lenia(core="exponential", growth="exponential", **SMALL), noise()
    after = np.asarray(lenia.advance(rule, field, 3))
    for moved in (lambda a: np.roll(a, (7, -3), (0, 1)), np.rot90, np.fliplr):
        assert np.abs(np.asarray(lenia.advance(rule, moved(field), 3)) - moved(after)).max() < 1e-5


def test_orbium_glides():
    """Chan (2019): a solitary creature that travels straight and keeps its shape."""
    masses, moves = track(Lenia(), lenia.advance(Lenia(), orbium(), 100), 6, 50)
    speeds = np.hypot(*moves.T)
    headings = np.degrees(np.arctan2(*moves.T))
    assert np.ptp(masses) < 0.02 * masses.mean()
    assert np.ptp(speeds) < 0.02 * speeds.mean()
    assert np.ptp(headings) < 3
    assert speeds.mean() == pytest.approx(0.472, rel=0.01)


def test_orbium_does_not_depend_on_the_grain_of_space():
    """Chan (2019): with a larger R a creature keeps its size and its speed, counted in R."""
    (mass, *_), (coarse, *_) = track(Lenia(), lenia.advance(Lenia(), orbium(), 200), 1, 40)
    fine = Lenia(radius=26.0)
    (fine_mass, *_), (move, *_) = track(fine, lenia.advance(fine, orbium(2), 200), 1, 40)
    assert fine_mass == pytest.approx(mass, rel=0.01)
    assert np.hypot(*move) == pytest.approx(np.hypot(*coarse), rel=0.01)


def test_orbium_does_depend_on_the_grain_of_time():
    """Davis and Bongard (2022): the step is part of what Orbium is, and small steps kill it."""
    speeds = []
    for steps_per_unit in (5, 10, 20):
        rule = Lenia(steps_per_unit=float(steps_per_unit))
        _, moves = track(rule, lenia.advance(rule, orbium(), 20 * steps_per_unit), 1, 3 * steps_per_unit)
        speeds.append(np.hypot(*moves[0]))
    assert speeds[1] > 1.05 * speeds[0] and speeds[2] > 1.05 * speeds[1]
    assert not np.asarray(lenia.advance(Lenia(steps_per_unit=40.0), orbium(), 800)).any()


def test_orbium_lives_in_a_narrow_niche():
    for wrong, mass in ((Lenia(mu=0.2), 0), (Lenia(sigma=0.01), 0)):
        assert np.asarray(lenia.advance(wrong, orbium(), 300)).sum() == mass


def test_steps_add_up_fields_batch_and_numbers_compile_nothing():
    rule, field = Lenia(core="exponential", growth="exponential", **SMALL), noise()
    together = np.asarray(lenia.advance(rule, field, 3))
    apart = lenia.advance(rule, lenia.advance(rule, field, 1), 2)
    assert np.array_equal(together, apart)
    before = lenia._advance._cache_size()
    lenia.advance(Lenia(**SMALL | dict(mu=0.3, radius=7.0, rings=(0.5, 1.0, 0.25))), field, 9)
    assert lenia._advance._cache_size() == before
    batch = jax.vmap(lambda one: lenia.advance(rule, one, 3))(np.stack([field, field.T]))
    assert np.abs(np.asarray(batch[0]) - together).max() < 1e-5


def test_a_kernel_that_meets_itself_is_refused():
    with pytest.raises(ValueError, match="twice"):
        lenia.advance(Lenia(radius=17.0), noise(), 1)
