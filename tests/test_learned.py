"""Learned minds: layers against NumPy and flax, distributions against SciPy, and what a failure to act is."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from agents import learned
from agents.learned import Network
from tests import FAST

pytestmark = pytest.mark.usefixtures("little_optimised")
MENU = ((0.0, -1.0), (1.0, 0.5), (0.25, 0.125))
KEY = jax.random.key(0)
KEYS = jax.random.split(KEY, 5000)
PLAIN = Network(inputs=3, outputs=2, hidden=(5, 4), menu=MENU)
GATED = Network(inputs=3, outputs=2, hidden=(5,), recurrent=4, menu=MENU)
GAUSS = Network(inputs=3, outputs=2, hidden=(), head="gaussian", bounds=(-0.5, 0.5))
OBS = np.array([0.3, -1.2, 2.0], np.float32)


begun = jax.jit(learned.init, static_argnums=1, compiler_options=FAST)
said = jax.jit(learned.think, static_argnums=0, compiler_options=FAST)
drawn = jax.jit(jax.vmap(learned.drawn, (0, None, None)), static_argnums=1, compiler_options=FAST)


@partial(jax.jit, static_argnums=(0, 1), compiler_options=FAST)
def acted(network, sampled, *given):
    return learned.policy(network, sampled)(*given)


def shaken(network: Network, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights none of which is 0."""
    rng, shapes = np.random.default_rng(seed), jax.eval_shape(lambda: learned.init(KEY, network))
    return {name: rng.normal(0, 0.5, leaf.shape).astype(np.float32) for name, leaf in shapes.items()}


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_layers_are_products_and_a_bend(activation):
    network = Network(3, 2, (5, 4), menu=MENU, activation=activation)
    weights = shaken(network)
    signal, bend = OBS, np.tanh if activation == "tanh" else lambda x: np.maximum(x, 0)
    for layer in range(2):
        signal = bend(signal @ weights[f"hidden{layer}.weight"] + weights[f"hidden{layer}.bias"])
    memory, out = said(network, weights, None, OBS)
    assert memory is None
    np.testing.assert_allclose(out, signal @ weights["head.weight"] + weights["head.bias"], rtol=1e-5)


def test_gated_units_are_those_of_flax():
    linen = pytest.importorskip("flax.linen")
    weights = shaken(Network(3, 2, (), recurrent=4, menu=MENU))
    weights["gru.recurrent_bias"][:8] = 0  # which flax has in one place only
    gates = lambda name: np.split(weights[f"gru.{name}"], 3, axis=-1)
    inner = zip("rzn", gates("input"), gates("input_bias"), strict=True)
    theirs = {f"i{gate}": {"kernel": kernel, "bias": bias} for gate, kernel, bias in inner}
    theirs |= {f"h{gate}": {"kernel": kernel} for gate, kernel in zip("rzn", gates("recurrent"), strict=True)}
    theirs["hn"]["bias"] = gates("recurrent_bias")[2]
    memory = np.array([0.5, -0.25, 0.0, 0.9], np.float32)
    cell = jax.jit(linen.GRUCell(features=4).apply, compiler_options=FAST)
    expected, _ = cell({"params": theirs}, memory, OBS)
    np.testing.assert_allclose(
        jax.jit(learned.gru, compiler_options=FAST)(weights, memory, OBS), expected, rtol=1e-5, atol=1e-6
    )


def test_memory_is_carried_and_blank_at_first():
    weights, blank = shaken(GATED), learned.blank_memory(GATED)
    np.testing.assert_array_equal(blank, np.zeros(4))
    first, _ = acted(GATED, False, KEY, weights, blank, OBS)
    second, _ = acted(GATED, False, KEY, weights, first, OBS)
    assert not np.allclose(first, second)
    assert learned.blank_memory(PLAIN) is None


def test_num_weights_counts_all_arrays():
    assert learned.num_weights(PLAIN) == 3 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3
    assert learned.num_weights(GATED) == 3 * 5 + 5 + 3 * (5 * 4 + 4 + 4 * 4 + 4) + 4 * 3 + 3
    assert learned.num_weights(GAUSS) == 3 * 2 + 2 + 2


def test_fresh_weights_have_the_spread_of_orthogonal_ones():
    wide = Network(inputs=40, outputs=2, hidden=(200, 100), menu=MENU)
    weights = begun(KEY, wide)
    for name, fan in (("hidden0.weight", 200), ("hidden1.weight", 200)):
        shape = weights[name].shape
        square = np.linalg.qr(np.random.default_rng(0).normal(size=(max(shape), min(shape))))[0]
        assert np.std(weights[name]) == pytest.approx(np.sqrt(2) * np.std(square), rel=0.05)
        assert np.std(weights[name]) == pytest.approx(np.sqrt(2 / fan), rel=0.05)
    chances = special.softmax(np.asarray(said(wide, weights, None, np.ones(40, np.float32))[1]))
    np.testing.assert_allclose(chances, 1 / 3, atol=0.03)  # no preference yet


def test_the_mode_is_the_row_of_the_menu_with_the_largest_logit():
    weights = shaken(PLAIN)
    chosen = set()
    for obs in np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32):
        place = int(np.argmax(said(PLAIN, weights, None, obs)[1]))
        np.testing.assert_array_equal(acted(PLAIN, False, KEY, weights, None, obs)[1], MENU[place])
        chosen.add(place)
    assert len(chosen) > 1


def test_gaussian_actions_are_clipped_to_the_bounds():
    weights = shaken(GAUSS) | {"head.bias": np.float32([0.25, 9.0]), "head.log_sd": np.zeros(2, np.float32)}
    blind = np.zeros(3, np.float32)
    np.testing.assert_array_equal(acted(GAUSS, False, KEY, weights, None, blind)[1], [0.25, 0.5])
    choices = drawn(KEYS, GAUSS, said(GAUSS, weights, None, blind)[1])
    some = np.asarray(jax.jit(partial(learned.action, GAUSS))(choices))
    assert some.min() == -0.5 and some.max() == 0.5 and (some[:, 1] == 0.5).all()
    assert np.mean(some[:, 0] == 0.5) == pytest.approx(stats.norm.sf(0.25), abs=0.03)


@pytest.mark.parametrize("network", [PLAIN, GATED, GAUSS], ids=["plain", "gated", "gaussian"])
@pytest.mark.parametrize("sampled", [False, True])
def test_what_is_not_a_number_is_a_failure_to_act(network, sampled):
    memory, weights = learned.blank_memory(network), shaken(network)
    assert np.isfinite(acted(network, sampled, KEY, weights, memory, OBS)[1]).all()
    blurred = np.where([False, True, False], np.float32(np.nan), OBS)
    assert np.isnan(acted(network, sampled, KEY, weights, memory, blurred)[1]).all()


def test_one_mind_for_many_bodies_and_one_each():
    act, obs = partial(learned.policy(GATED), KEY), np.stack([OBS, -OBS, 2 * OBS])
    minds, memory = [shaken(GATED, seed) for seed in range(3)], np.zeros((3, 4), np.float32)
    shared = jax.jit(jax.vmap(act, (None, 0, 0)), compiler_options=FAST)(minds[0], memory, obs)
    leading = acted(GATED, False, KEY, minds[0], memory, obs)
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *minds)
    own = jax.jit(jax.vmap(act), compiler_options=FAST)(stacked, memory, obs)
    for body in range(3):
        for many, mind in ((shared, minds[0]), (leading, minds[0]), (own, minds[body])):
            one = acted(GATED, False, KEY, mind, memory[body], obs[body])
            jax.tree.map(lambda a, b, i=body: np.testing.assert_allclose(a[i], b, atol=1e-6), many, one)


def test_draws_come_as_often_as_they_should():
    out = np.float32([0.5, -1.0, 1.5])
    counts = np.bincount(np.asarray(drawn(KEYS, PLAIN, out)), minlength=3)
    assert stats.chisquare(counts, len(KEYS) * special.softmax(np.asarray(out, float))).pvalue > 0.01
    chances = learned.log_probability(PLAIN, np.stack([out] * 3), jnp.arange(3))
    np.testing.assert_allclose(np.exp(chances), special.softmax(out), rtol=1e-5)
    np.testing.assert_allclose(learned.entropy(PLAIN, out), stats.entropy(np.exp(chances)), rtol=1e-5)


def test_gaussians_are_those_of_scipy():
    out, choice = np.float32([0.3, -2.0, 0.7, -1.1]), np.float32([1.0, -2.2])
    theirs = stats.norm([0.3, -2.0], np.exp([0.7, -1.1]))
    log_probability = learned.log_probability(GAUSS, out, choice)
    np.testing.assert_allclose(log_probability, theirs.logpdf(choice).sum(), rtol=1e-5)
    np.testing.assert_allclose(learned.entropy(GAUSS, out), theirs.entropy().sum(), rtol=1e-5)
    some = np.asarray(drawn(KEYS, GAUSS, out))
    for place in range(2):
        assert stats.kstest(some[:, place], stats.norm(out[place], np.exp(out[place + 2])).cdf).pvalue > 0.01


def test_values_are_no_distribution_and_critics_do_not_act():
    q, value = Network(3, 2, head="q", menu=MENU), Network(3, 2, head="value")
    assert q.width == 3 and value.width == 1
    learned.policy(q)
    for make in (partial(learned.policy, q, sampled=True), partial(learned.policy, value)):
        with pytest.raises(ValueError, match="no policy"):
            make()


@pytest.mark.parametrize(
    ("given", "said"),
    [({"head": "softmax"}, "must be one of menu"), ({"menu": ((0.0,),)}, "actions of 2"), ({}, "actions of 2")]
    + [({"head": "value", "activation": "elu"}, "one of tanh, relu")],
)
def test_shapes_that_make_no_sense_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        Network(3, 2, **given)
