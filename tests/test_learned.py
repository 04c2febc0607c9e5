"""Learned minds: layers against NumPy and flax, distributions against SciPy, and what a failure to act is."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from agents import learned
from agents.learned import Network

MENU = ((0.0, -1.0), (1.0, 0.5), (0.25, 0.125))
KEY = jax.random.key(0)
PLAIN = Network(inputs=3, outputs=2, hidden=(5, 4), menu=MENU)
GATED = Network(inputs=3, outputs=2, hidden=(5,), recurrent=4, menu=MENU)
GAUSS = Network(inputs=3, outputs=2, hidden=(), head="gaussian", bounds=(-0.5, 0.5))
OBS = jnp.array([0.3, -1.2, 2.0])


def shaken(network: Network) -> dict:
    """Weights none of which is 0."""
    weights = learned.init(KEY, network)
    keys = dict(zip(weights, jax.random.split(jax.random.key(1), len(weights)), strict=True))
    return {name: leaf + jax.random.normal(keys[name], leaf.shape) for name, leaf in weights.items()}


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_layers_are_products_and_a_bend(activation):
    network = Network(3, 2, (5, 4), menu=MENU, activation=activation)
    weights = shaken(network)
    signal, bend = np.asarray(OBS), np.tanh if activation == "tanh" else lambda x: np.maximum(x, 0)
    for layer in range(2):
        signal = bend(signal @ weights[f"hidden{layer}.weight"] + weights[f"hidden{layer}.bias"])
    memory, out = learned.think(network, weights, None, OBS)
    assert memory is None
    np.testing.assert_allclose(out, signal @ weights["head.weight"] + weights["head.bias"], rtol=1e-5)


def test_gated_units_are_those_of_flax():
    linen = pytest.importorskip("flax.linen")
    weights = shaken(Network(3, 2, (), recurrent=4, menu=MENU))
    weights["gru.recurrent_bias"] = weights["gru.recurrent_bias"].at[:8].set(0.0)  # which flax has in one place only
    gates = lambda name: jnp.split(weights[f"gru.{name}"], 3, axis=-1)
    inner = zip("rzn", gates("input"), gates("input_bias"), strict=True)
    theirs = {f"i{gate}": {"kernel": kernel, "bias": bias} for gate, kernel, bias in inner}
    theirs |= {f"h{gate}": {"kernel": kernel} for gate, kernel in zip("rzn", gates("recurrent"), strict=True)}
    theirs["hn"]["bias"] = gates("recurrent_bias")[2]
    memory = jnp.array([0.5, -0.25, 0.0, 0.9])
    expected, _ = linen.GRUCell(features=4).apply({"params": theirs}, memory, OBS)
    np.testing.assert_allclose(learned.gru(weights, memory, OBS), expected, rtol=1e-5, atol=1e-6)


def test_memory_is_carried_and_blank_at_first():
    weights, act = shaken(GATED), learned.policy(GATED)
    blank = learned.blank_memory(GATED)
    np.testing.assert_array_equal(blank, np.zeros(4))
    first, _ = act(KEY, weights, blank, OBS)
    second, _ = act(KEY, weights, first, OBS)
    assert not np.allclose(first, second)
    assert learned.blank_memory(PLAIN) is None


def test_num_weights_counts_all_arrays():
    assert learned.num_weights(PLAIN) == 3 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3
    assert learned.num_weights(GATED) == 3 * 5 + 5 + 3 * (5 * 4 + 4 + 4 * 4 + 4) + 4 * 3 + 3
    assert learned.num_weights(GAUSS) == 3 * 2 + 2 + 2


def test_fresh_weights_have_the_spread_of_orthogonal_ones():
    wide = Network(inputs=40, outputs=2, hidden=(200, 100), menu=MENU)
    weights = learned.init(KEY, wide)
    for name, fan in (("hidden0.weight", 200), ("hidden1.weight", 200)):
        shape = weights[name].shape
        square = np.linalg.qr(np.random.default_rng(0).normal(size=(max(shape), min(shape))))[0]
        assert np.std(weights[name]) == pytest.approx(np.sqrt(2) * np.std(square), rel=0.05)
        assert np.std(weights[name]) == pytest.approx(np.sqrt(2 / fan), rel=0.05)
    chances = jax.nn.softmax(learned.think(wide, weights, None, jnp.ones(40))[1])
    np.testing.assert_allclose(chances, 1 / 3, atol=0.03)  # no preference yet


def test_the_mode_is_the_row_of_the_menu_with_the_largest_logit():
    act, weights = learned.policy(PLAIN), shaken(PLAIN)
    out = learned.think(PLAIN, weights, None, OBS)[1]
    assert len({int(learned.best(PLAIN, out)), int(np.argmax(out))}) == 1
    np.testing.assert_array_equal(act(KEY, weights, None, OBS)[1], MENU[int(np.argmax(out))])


def test_gaussian_actions_are_clipped_to_the_bounds():
    weights = learned.init(KEY, GAUSS) | {"head.bias": jnp.array([0.25, 9.0])}
    mode = learned.policy(GAUSS)(KEY, weights, None, jnp.zeros(3))[1]
    np.testing.assert_array_equal(mode, [0.25, 0.5])
    act = jax.vmap(lambda key: learned.policy(GAUSS, sampled=True)(key, weights, None, jnp.zeros(3))[1])
    some = np.asarray(act(jax.random.split(KEY, 4000)))
    assert some.min() == -0.5 and some.max() == 0.5 and (some[:, 1] == 0.5).all()
    assert np.mean(some[:, 0] == 0.5) == pytest.approx(stats.norm.sf(0.25), abs=0.03)


@pytest.mark.parametrize("network", [PLAIN, GATED, GAUSS], ids=["plain", "gated", "gaussian"])
@pytest.mark.parametrize("sampled", [False, True])
def test_what_is_not_a_number_is_a_failure_to_act(network, sampled):
    act = learned.policy(network, sampled)
    memory, weights = learned.blank_memory(network), shaken(network)
    assert np.isfinite(act(KEY, weights, memory, OBS)[1]).all()
    assert np.isnan(act(KEY, weights, memory, OBS.at[1].set(jnp.nan))[1]).all()


def test_one_mind_for_many_bodies_and_one_each():
    act, obs = learned.policy(GATED), jnp.stack([OBS, -OBS, 2 * OBS])
    minds = [shaken(GATED), learned.init(KEY, GATED), learned.init(jax.random.key(5), GATED)]
    memory = jnp.broadcast_to(learned.blank_memory(GATED), (3, 4))
    keys = jax.random.split(KEY, 3)
    shared = jax.vmap(act, (0, None, 0, 0))(keys, minds[0], memory, obs)
    own = jax.vmap(act)(keys, jax.tree.map(lambda *leaves: jnp.stack(leaves), *minds), memory, obs)
    for body in range(3):
        for many, mind in ((shared, minds[0]), (own, minds[body])):
            one = act(keys[body], mind, memory[body], obs[body])
            jax.tree.map(lambda a, b, i=body: np.testing.assert_allclose(a[i], b, atol=1e-6), many, one)


def test_draws_come_as_often_as_they_should():
    out = jnp.array([0.5, -1.0, 1.5])
    draw = jax.vmap(lambda key: learned.drawn(key, PLAIN, out))(jax.random.split(KEY, 6000))
    counts = np.bincount(np.asarray(draw), minlength=3)
    assert stats.chisquare(counts, 6000 * special.softmax(np.asarray(out, float))).pvalue > 0.01
    chances = [learned.log_probability(PLAIN, out, jnp.int32(k)) for k in range(3)]
    np.testing.assert_allclose(np.exp(chances), jax.nn.softmax(out), rtol=1e-5)
    np.testing.assert_allclose(learned.entropy(PLAIN, out), stats.entropy(np.exp(chances)), rtol=1e-5)


def test_gaussians_are_those_of_scipy():
    out, choice = jnp.array([0.3, -2.0, 0.7, -1.1]), jnp.array([1.0, -2.2])
    theirs = stats.norm([0.3, -2.0], np.exp([0.7, -1.1]))
    log_probability = learned.log_probability(GAUSS, out, choice)
    np.testing.assert_allclose(log_probability, theirs.logpdf(choice).sum(), rtol=1e-5)
    np.testing.assert_allclose(learned.entropy(GAUSS, out), theirs.entropy().sum(), rtol=1e-5)
    some = np.asarray(jax.vmap(lambda key: learned.drawn(key, GAUSS, out))(jax.random.split(KEY, 4000)))
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
