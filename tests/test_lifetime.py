"""Learning within a life: the slope is the true one, only what may be learned is, and what is inherited is as told.

The truth that the slope is held against is the exact expectation over the noise, by quadrature, and finite differences
of it, with the networks run step by step. Hinton & Nowlan's model is held against what they published.
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.dense import rest, think
from evolution import hinton_nowlan, lifetime
from evolution.evaluation import evaluate
from evolution.genome import HIDDEN, BrainConfig, founder
from evolution.lifetime import Learning, LearningParams
from evolution.phenotype import dynamics, networks
from evolution.search import census, measured, tight
from evolution.tasks.cartpole import CartPole
from evolution.tasks.forage import Forage
from evolution.tasks.gates import Gate
from evolution.tasks.memory import Memory
from tests import FAST

ROOM = BrainConfig(
    hidden=3, connections=32, founder_topology="complete", founder_hidden=2, activations=("sigmoid",), weight_limit=4.0
)
RECALL = Memory(length=1, delay=1)
PARAMS = LearningParams(updates=40, episodes=32, rate=0.2, noise=0.3)
NUM = 16


def population(config, task, num=NUM, scale=1.0):
    """Founders `[1, P, ...]` of one run with random biases; a connection of the second is off."""
    keys = jax.random.split(jax.random.key(5), num)
    genome = jax.vmap(lambda key: founder(key, config, task.inputs, task.outputs))(keys)
    bias = jnp.where(genome.node >= 0, 0.3 * jax.random.normal(jax.random.key(6), genome.bias.shape), 0.0)
    genome = replace(genome, bias=bias, weight=scale * genome.weight, enabled=genome.enabled.at[1, 2].set(False))
    return jax.tree.map(lambda leaf: leaf[None], genome)


@partial(jax.jit, static_argnums=(1, 2), compiler_options=FAST)
def lived(learning, task, config, genome):
    keys = jax.random.split(jax.random.key(1), 1)
    life = lifetime.grown(learning, task, config, keys, genome)
    fitness = evaluate(task, config, keys, life.genome)[0]
    return life, fitness, evaluate(task, config, keys, genome)[0]


CONFIG = tight(ROOM, RECALL.inputs, RECALL.outputs)
BORN = population(CONFIG, RECALL)


@pytest.fixture(scope="module")
def baldwin():
    return lived(Learning("baldwin", PARAMS), RECALL, CONFIG, BORN)


def test_the_slope_is_that_of_the_expected_fitness_through_memory():
    """4,096 tries give the direction to within 1 %; the expectation is exact and so are differences of it."""
    params = LearningParams(episodes=4096, noise=0.3)
    genome = jax.tree.map(lambda leaf: leaf[0, :2], BORN)
    ask = jax.jit(partial(lifetime.slope, params, RECALL, CONFIG), compiler_options=FAST)
    (weight, bias), steps = ask(jax.random.key(3), genome, jnp.bool_(False))
    assert steps.tolist() == [4096 * RECALL.steps] * 2

    true = rise(genome, lambda moved: expected(answers(moved), params.noise))
    found = np.concatenate([weight, bias], 1)
    assert cosine(found, true).min() > 0.99
    assert found[1, 2] == 0 and true[1, 2] == 0  # the connection that is off


@pytest.mark.slow
def test_the_slope_of_a_feedforward_network_is_that_of_all_its_layers():
    """As above: an AND gate's fitness for one row at a time, (4 - |error|)², with hidden nodes that feed each other."""
    task, params = Gate(gate="and"), LearningParams(episodes=4096, noise=0.3)
    config = tight(replace(ROOM, dynamics="feedforward"), task.inputs, task.outputs)
    genome, no = jax.tree.map(lambda leaf: leaf[0, :2], population(config, task)), jnp.bool_(False)
    ask = jax.jit(partial(lifetime.slope, params, task, config), compiler_options=FAST)
    (weight, bias), _ = ask(jax.random.key(3), genome, no)
    look = jax.jit(partial(evaluate, task, config), compiler_options=FAST)

    def worth(moved):
        finals = look(jax.random.split(jax.random.key(0), 1), jax.tree.map(lambda leaf: leaf[None], moved))[2]
        z, share = np.polynomial.hermite_e.hermegauss(201)
        error = np.abs(np.asarray(finals.output[0], np.float64)[..., None] + params.noise * z - [[0], [0], [0], [1]])
        return ((4 - np.minimum(error, 4)) ** 2 @ share).mean(1)

    assert cosine(np.concatenate([weight, bias], 1), rise(genome, worth)).min() > 0.99


def cosine(found, true):
    return (found * true).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(true, axis=1)


def rise(genome, worth):
    """Differences of `worth` `[P]` of genomes, in all weights and biases of each of two: `[2, C + M]`."""
    numbers, away, links = np.concatenate([genome.weight, genome.bias], 1), 1e-2, genome.weight.shape[1]
    size = numbers.shape[1]
    shifts = away * np.concatenate([np.eye(size), -np.eye(size)])
    many = (numbers[:, None] + shifts).reshape(-1, size).astype(np.float32)  # both genomes, moved each way
    moved = jax.tree.map(lambda leaf: np.repeat(leaf, 2 * size, axis=0), genome)
    both = worth(replace(moved, weight=many[:, :links], bias=many[:, links:])).reshape(2, 2, size)
    return (both[:, 0] - both[:, 1]) / (2 * away)


@partial(jax.jit, compiler_options=FAST)
def answers(genome):
    """What networks `[P]` answer in `RECALL` when the bit was 0 and when it was 1, `[2, P]`, step by step."""
    nets, how = networks(CONFIG, RECALL.inputs, genome), dynamics(CONFIG)
    value = rest(nets, 2)
    for flags in ((1.0, 0.0), (0.0, 0.0), (0.0, 1.0)):  # store, wait, recall
        shown = jnp.array([[0.0, flags[0]], flags[:1] * 2, flags[1:] * 2])  # [inputs, bits]
        value = think(how, nets, value, jnp.broadcast_to(shown[..., None], (3, 2, value.shape[2])))
    return value[0]


def expected(answer, noise):
    """Expected fitness `[P]` of answers `[2, P]` shaken by noise: Gauss-Hermite quadrature, the mean over both bits."""
    z, share = np.polynomial.hermite_e.hermegauss(201)
    error = np.abs(np.asarray(answer, np.float64)[..., None] + noise * z - np.array([0, 1])[:, None, None])
    return (np.maximum(1 - error, 0) @ share / share.sum()).mean(0)


def test_what_the_others_earned_is_the_baseline():
    left = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)
    going = np.ones((3, 4, 2), bool)
    going[1:, 2] = False
    left[1:, 2] = 0
    by_hand = np.zeros_like(left)
    for t, i, p in np.ndindex(*left.shape):
        by_hand[t, i, p] = going[t, i, p] * (left[t, i, p] - left[t, [j for j in range(4) if j != i], p].mean())
    by_hand /= np.sqrt([(by_hand[..., p] ** 2).sum() / going[..., p].sum() for p in range(2)])
    np.testing.assert_allclose(lifetime.advantage(left, going), by_hand, rtol=2e-5)
    alike = np.float32(0.1) * np.ones((3, 4, 2), np.float32) + 1e-8
    assert np.abs(lifetime.advantage(alike, going)).max() < 1e-2


def test_practice_pays_and_innate_fitness_is_the_fitness_without_it(baldwin):
    """40 updates of 32 tries: nobody could recall a bit at birth, most are better at it after."""
    life, fitness, born = baldwin
    assert np.array_equal(life.innate, born)
    assert np.mean(np.asarray(fitness) > np.asarray(born)) > 0.8 and np.mean(fitness) > np.mean(born) + 0.1
    assert np.all(life.agent_steps == 40 * 32 * RECALL.steps)
    one = jax.tree.map(lambda leaf: leaf[0], (life.genome, fitness))
    steps, none = life.agent_steps[0], jnp.zeros(0, jnp.uint32)
    row = measured(census(*one, jnp.zeros(NUM, bool), steps, life.innate[0], none))
    assert row["innate_fitness"] == life.innate[0, np.argmax(fitness[0])]
    assert row["mean_innate"] == pytest.approx(np.mean(born[0]))


def test_only_weights_that_are_on_and_biases_are_learned(baldwin):
    genome = baldwin[0].genome
    back = replace(genome, weight=BORN.weight, bias=BORN.bias)
    assert all(map(np.array_equal, jax.tree.leaves(back), jax.tree.leaves(BORN)))
    idle = (np.asarray(BORN.source) == 2) & (np.asarray(BORN.target) >= HIDDEN)  # what recall tells comes too late
    assert np.array_equal(genome.weight != BORN.weight, BORN.enabled & ~idle)
    assert np.all(np.asarray(genome.bias != BORN.bias)[..., 0])


def test_children_inherit_what_the_mode_says(monkeypatch):
    taught = lambda params, task, config, key, genome, skip: (replace(genome, bias=genome.bias + 1), genome.node[:, 0])
    monkeypatch.setattr(lifetime, "practised", taught)
    monkeypatch.setattr(lifetime, "evaluate", lambda task, config, keys, genome, skip: (genome.bias[..., 0],))
    told = lambda mode: lifetime.grown(
        Learning(mode, PARAMS), RECALL, CONFIG, jax.random.split(jax.random.key(1), 1), BORN
    )
    for mode, heritable in (("baldwin", BORN.bias), ("lamarck", BORN.bias + 1)):
        life = told(mode)
        assert np.array_equal(life.genome.bias, BORN.bias + 1) and np.array_equal(life.innate, BORN.bias[..., 0])
        assert np.array_equal(life.heritable.bias, heritable)
    free = told("none")
    assert free.genome is BORN and free.heritable is BORN
    assert np.isnan(free.innate).all() and not free.agent_steps.any()


def test_in_the_world_innate_minds_are_those_that_do_not_learn(monkeypatch):
    """There plasticity is the learning: the innate are evaluated with rates of zero, and nothing practises."""
    asked = []
    monkeypatch.setattr(lifetime, "evaluate", lambda task, config, keys, genome, skip: asked.append(genome) or (0.0,))
    life = lifetime.grown(Learning("baldwin"), Forage(), CONFIG, jax.random.split(jax.random.key(1), 1), BORN)
    assert life.genome is BORN and life.heritable is BORN and not life.agent_steps.any()
    assert np.any(BORN.rate) and not np.any(asked[0].rate) and np.array_equal(asked[0].weight, BORN.weight)


def test_without_a_rate_nothing_is_learned_and_with_a_huge_one_limits_hold():
    still, fitness, born = lived(Learning("baldwin", replace(PARAMS, rate=0.0)), RECALL, CONFIG, BORN)
    assert np.array_equal(fitness, born) and np.array_equal(still.genome.weight, BORN.weight)
    wild, fitness, _ = lived(Learning("baldwin", replace(PARAMS, rate=50.0)), RECALL, CONFIG, BORN)
    assert np.abs(wild.genome.weight).max() == CONFIG.weight_limit and np.all(np.isfinite(fitness))


def test_tries_end_when_episodes_do():
    """Noise of 1e-6 decides nothing, so tries last as long as the evaluation of the same starts says."""
    params = LearningParams(episodes=5, steps=40, noise=1e-6)
    task, config = CartPole(episodes=5, steps=40, outputs=1), tight(ROOM, 4, 1)
    genome, key = population(config, task), jax.random.key(2)
    ask = jax.jit(lambda skip: lifetime.tries(params, task, config, key, one(genome), skip), compiler_options=FAST)
    _, noise, going, left = ask(jnp.bool_(False))
    k_start = jax.random.split(key)[:1]
    finals = jax.jit(lambda: evaluate(task, config, k_start, genome)[2], compiler_options=FAST)()
    lengths = np.asarray(finals.t[0]).T  # [E, P]
    assert np.array_equal(going.sum(0), lengths) and len(set(lengths.ravel().tolist())) > 2
    assert np.array_equal(left, np.maximum(lengths - np.arange(40)[:, None, None], 0))
    assert abs(np.std(noise) - 1) < 0.05 and noise.shape == (40, 1, 5, NUM)
    assert not ask(jnp.bool_(True))[2].any()


def one(tree):
    return jax.tree.map(lambda leaf: leaf[0], tree)


@pytest.fixture(scope="module")
def model():
    """16 populations of Hinton & Nowlan's that learn, and 16 that do not, for 51 generations: `[16, 51]`."""
    keys = jax.random.split(jax.random.key(1987), 16)
    both = lambda key: (hinton_nowlan.evolved(key, 51), hinton_nowlan.evolved(key, 51, False))
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(both), compiler_options=FAST)(keys))


def test_learners_find_the_target_and_wrong_alleles_vanish_while_open_ones_stay(model):
    """What they report: within some ten generations the learners take over, wrong alleles go and many `?` stay."""
    wrong, right, open_, found = model[0]
    for share, start in ((wrong, 0.25), (right, 0.25), (open_, 0.5)):
        assert np.abs(share[:, 0] - start).max() < 5 * np.sqrt(start * (1 - start) / 20_000)
    np.testing.assert_allclose(wrong + right + open_, 1, atol=1e-5)
    assert np.mean(found[:, 50] > 0.95) >= 0.9
    taken = np.argmax(found > 0.5, axis=1)
    assert 5 <= np.median(taken) <= 20
    late = found[:, 50] > 0.95
    assert wrong[late, 50].max() < 0.02 and right[late, 50].min() > 0.6
    assert open_[late, 50].min() > 0.1  # the last few need not be inherited, so nearly nothing selects them


def test_non_learners_find_it_as_often_as_chance_does(model):
    """51,000 draws of 2^20 genotypes hit the right one with chance 0.05; nothing leads there."""
    _, right, open_, found = model[1]
    assert not open_.any()
    assert np.mean(found.max(axis=1) > 0) <= 0.25  # four of sixteen: chance 0.008
    lost = found.max(axis=1) == 0
    assert np.abs(right[lost].mean() - 0.5) < 0.02 and np.mean(found[:, 50]) < 0.2


def test_trials_are_geometric():
    """With q open loci, the chance to succeed within 1,000 trials is 1 - (1 - 2^-q)^1000, and a wrong allele's is 0."""
    num, opens = hinton_nowlan.AGENTS, (0, 8, 10)
    genotype = np.full((len(opens), num, hinton_nowlan.LOCI), hinton_nowlan.RIGHT)
    for i, q in enumerate(opens):
        genotype[i, :, :q] = hinton_nowlan.OPEN
    ask = jax.jit(jax.vmap(hinton_nowlan.trials_left), compiler_options=FAST)
    keys = jax.random.split(jax.random.key(0), len(opens))
    for q, left in zip(opens, np.asarray(ask(keys, genotype)), strict=True):
        chance = 1 - (1 - 2.0**-q) ** 1000
        assert abs(np.mean(left > 0) - chance) <= 5 * np.sqrt(chance * (1 - chance) / num)
        if q == 8:  # the mean of a geometric law is 2^q, cut at 1,000 trials 2^q times the chance
            assert abs(1000 - left.mean() - chance * 2**q) < 5 * 2**q / np.sqrt(num)
    genotype[..., -1] = hinton_nowlan.WRONG
    assert not np.any(ask(keys, genotype))
    assert np.allclose(hinton_nowlan.fitness(np.array([0, 500, 1000])), [1, 10.5, 20])


def test_children_are_crossed_at_one_point_of_parents_in_proportion_to_fitness():
    """Half a population is 0 and of fitness 1, half is 1 and of 3: three quarters of alleles are 1, one switch each."""
    half = np.repeat([[0], [1]], hinton_nowlan.AGENTS // 2, axis=0)
    genotype = jnp.asarray(np.repeat(half, hinton_nowlan.LOCI, axis=1))
    worth = jnp.asarray(np.where(half[:, 0], 3.0, 1.0), jnp.float32)
    new = np.asarray(jax.jit(hinton_nowlan.children, compiler_options=FAST)(jax.random.key(4), genotype, worth))
    switch = new[:, 1:] != new[:, :-1]
    assert switch.sum(1).max() == 1
    error = 5 * np.sqrt(0.75 * 0.25 / hinton_nowlan.AGENTS)
    assert abs(new[:, 0].mean() - 0.75) < error and abs(new[:, -1].mean() - 0.75) < error
    assert abs(switch.any(1).mean() - 2 * 0.75 * 0.25) < error
    assert switch.sum(0).min() > 0  # each of the 19 points: 20 expected
