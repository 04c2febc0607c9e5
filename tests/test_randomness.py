"""The light generator: the published hash, word for word, and the statistics that genetic operators rely on.

The reference is pcg3d of Jarzynski & Olano (2020, listing 16) in Python integers. Statistics have fixed keys, so a
test either always passes or never; bounds are five standard deviations or the 0.1 % tail of a chi-squared law.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evolution import randomness
from evolution.randomness import PCG3D, light, pcg3d

WORD = 1 << 32
NUM = 1 << 16
KEYS = {
    "zero": (0, 0),
    "one": (0, 1),
    "high": (1 << 31, 0),
    "ones": (WORD - 1, WORD - 1),
    "plain": (123456789, 987654321),
}


def wrapped(name: str) -> jax.Array:
    return jax.random.wrap_key_data(jnp.array(KEYS[name], jnp.uint32), impl=PCG3D)


def data(key) -> np.ndarray:
    return np.asarray(jax.random.key_data(key))


def published(x: int, y: int, z: int) -> tuple[int, int, int]:
    x, y, z = ((word * 1664525 + 1013904223) % WORD for word in (x, y, z))
    x = (x + y * z) % WORD
    y = (y + z * x) % WORD
    z = (z + x * y) % WORD
    x, y, z = x ^ x >> 16, y ^ y >> 16, z ^ z >> 16
    x = (x + y * z) % WORD
    y = (y + z * x) % WORD
    z = (z + x * y) % WORD
    return x, y, z


def inverse(x: int, y: int, z: int) -> tuple[int, int, int]:
    for mixed in (True, False):
        z = (z - x * y) % WORD
        y = (y - z * x) % WORD
        x = (x - y * z) % WORD
        if mixed:
            x, y, z = x ^ x >> 16, y ^ y >> 16, z ^ z >> 16
    back = pow(1664525, -1, WORD)
    return tuple((word - 1013904223) * back % WORD for word in (x, y, z))


def words(num: int) -> np.ndarray:
    edges = [[0, 0, 0], [1, 0, 0], [0, 0, 1], [WORD - 1] * 3, [1 << 31, 1 << 16, 0xFFFF]]
    return np.concatenate([edges, np.random.default_rng(0).integers(0, WORD, (num, 3))]).astype(np.uint32)


def test_the_hash_is_the_published_one():
    triples = words(2000)
    ours = np.stack(pcg3d(*(jnp.asarray(column) for column in triples.T)), axis=1)
    assert ours.tolist() == [list(published(*map(int, triple))) for triple in triples]


def test_the_hash_is_a_bijection_so_different_inputs_never_give_the_same_three_words():
    for triple in words(2000).tolist():
        assert list(inverse(*published(*triple))) == triple


@pytest.mark.parametrize("name", KEYS)
def test_splitting_folding_and_drawing_hash_key_and_counter_under_constants_of_their_own(name):
    key, (high, low) = wrapped(name), KEYS[name]
    purposes = [int(word) for word in (randomness.DRAW, randomness.SPLIT, randomness.FOLD, randomness.SEED)]
    assert len(set(purposes)) == 4
    draw, split, fold, seed = purposes
    counters = range(50)
    assert data(jax.random.split(key, 50)).tolist() == [list(published(high ^ split, low, i)[:2]) for i in counters]
    assert [data(jax.random.fold_in(key, i)).tolist() for i in (0, 7, WORD - 1)] == [
        list(published(high ^ fold, low, i)[:2]) for i in (0, 7, WORD - 1)
    ]
    assert np.asarray(jax.random.bits(key, (50,))).tolist() == [published(high ^ draw, low, i)[0] for i in counters]
    assert data(jax.random.key(5, impl=PCG3D)).tolist() == list(published(5, seed, seed)[:2])


def test_no_two_keys_meet():
    """Keys of three generations, split and folded, from neighbouring keys and one of its own children."""
    num = 2000
    seen = []
    for name in KEYS:
        key = wrapped(name)
        split = jax.random.split(key, num)
        folded = jax.vmap(lambda i, key=key: jax.random.fold_in(key, i))(jnp.arange(num))
        grand = jax.vmap(lambda k: jax.random.split(k, 3))(split[:500])
        seen += [data(part).reshape(-1, 2) for part in (split, folded, grand)]
    keys = np.concatenate(seen).astype(np.uint64)
    assert np.unique(keys[:, 0] << np.uint64(32) | keys[:, 1]).size == len(keys) > 25_000
    key = wrapped("plain")
    draws, children = np.asarray(jax.random.bits(key, (num,))), data(jax.random.split(key, num))
    assert not np.any(draws[:, None] == children)


def test_draws_do_not_depend_on_the_size_or_shape_of_arrays():
    key = wrapped("plain")
    for draw in (jax.random.bits, jax.random.uniform, jax.random.normal):
        long = np.asarray(draw(key, (1000,)))
        np.testing.assert_array_equal(draw(key, (10,)), long[:10])
        np.testing.assert_array_equal(draw(key, (40, 25)), long.reshape(40, 25))
    np.testing.assert_array_equal(data(jax.random.split(key, 3)), data(jax.random.split(key, 300))[:3])
    some = jax.random.split(key, 20)
    together = jax.vmap(lambda k: jax.random.bits(k, (5,)))(some)
    np.testing.assert_array_equal(together[7], jax.random.bits(some[7], (5,)))


def chi_squared_of(counts: np.ndarray) -> float:
    """In standard deviations from its mean."""
    expected = counts.sum() / counts.size
    degrees = counts.size - 1
    return (((counts - expected) ** 2 / expected).sum() - degrees) / np.sqrt(2 * degrees)


def streams(name: str) -> dict[str, np.ndarray]:
    """Words as operators see them: many from a key, the first of many children, and of many folded keys."""
    key = wrapped(name)
    first = jax.jit(jax.vmap(lambda k: jax.random.bits(k)))
    folded = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(NUM))
    of_children = first(jax.random.split(key, NUM))
    return {"draws": jax.random.bits(key, (NUM,)), "children": of_children, "folded": first(folded)}


@pytest.mark.parametrize("name", KEYS)
def test_words_are_uniform_and_independent(name):
    found = {stream: np.asarray(values) for stream, values in streams(name).items()}
    for stream, values in found.items():
        ones = (values[:, None] >> np.arange(32, dtype=np.uint32)) & 1
        assert np.abs(ones.mean(0) - 0.5).max() < 5 * 0.5 / NUM**0.5, stream
        for shift in (24, 12, 0):  # high, middle and low byte
            byte = (values >> shift) & 255
            assert abs(chi_squared_of(np.bincount(byte, minlength=256))) < 5, (stream, shift)
        for lag in (1, 2, 3, 8, 64):  # pairs of neighbours fill the square evenly
            pairs = (values[:-lag] >> 28) * 16 + (values[lag:] >> 28)
            assert abs(chi_squared_of(np.bincount(pairs, minlength=256))) < 5, (stream, lag)
    for one, other in (("draws", "children"), ("draws", "folded"), ("children", "folded")):
        pairs = (found[one] >> 28) * 16 + (found[other] >> 28)
        assert abs(chi_squared_of(np.bincount(pairs, minlength=256))) < 5, (one, other)


def test_flipping_a_bit_of_a_key_flips_half_of_the_high_bits_drawn():
    """The low half hears little of the highest bits of a key, and no bit much of the topmost: products carry upwards
    only. Keys that come of hashing differ in all their bits, so nothing hangs on that."""
    base, num = np.array(KEYS["plain"], np.uint32), 4096
    draw = jax.jit(lambda word: jax.random.bits(jax.random.wrap_key_data(word, impl=PCG3D), (num,)) >> 16)
    drawn = np.asarray(draw(jnp.asarray(base)))
    for bit in range(64):
        other = base.copy()
        other[bit // 32] ^= np.uint32(1 << (bit % 32))
        changed = np.asarray(draw(jnp.asarray(other))) ^ drawn
        flipped = ((changed[:, None] >> np.arange(16, dtype=np.uint32)) & 1).mean(0)
        least, most = (0.2, 0.8) if bit in (30, 31, 63) else (0.45, 0.55)
        assert flipped.min() > least and flipped.max() < most, bit


def test_uniform_and_normal_numbers_have_their_moments():
    uniform = np.asarray(jax.random.uniform(wrapped("plain"), (NUM,)), np.float64)
    assert uniform.min() >= 0 and uniform.max() < 1
    assert np.abs(np.sort(uniform) - (np.arange(NUM) + 0.5) / NUM).max() < 1.95 / NUM**0.5  # Kolmogorov, 0.1 %
    normal = np.asarray(jax.random.normal(wrapped("plain"), (NUM,)), np.float64)
    assert normal.mean() == pytest.approx(0, abs=5 / NUM**0.5)
    assert normal.var() == pytest.approx(1, abs=5 * (2 / NUM) ** 0.5)
    assert (normal**4).mean() == pytest.approx(3, abs=5 * (96 / NUM) ** 0.5)


def test_a_light_key_follows_from_its_key_and_differs_between_keys():
    keys = jax.random.split(jax.random.key(0), 500)
    ours = data(jax.vmap(light)(keys))
    assert len({tuple(row) for row in ours.tolist()}) == 500
    np.testing.assert_array_equal(ours[3], data(light(keys[3])))
    assert light(keys[0]).dtype == jax.random.key(0, impl=PCG3D).dtype != keys.dtype


def test_narrow_words_are_the_highest_bits_and_wide_ones_are_refused():
    key = wrapped("plain")
    full = np.asarray(jax.random.bits(key, (100,)))
    np.testing.assert_array_equal(jax.random.bits(key, (100,), "uint16"), full >> 16)
    np.testing.assert_array_equal(jax.random.bits(key, (100,), "uint8"), full >> 24)
    with pytest.raises(ValueError, match="64"), jax.enable_x64(True):
        jax.random.bits(key, (3,), "uint64")
