"""Learning by reward: each rule by hand or brute force, one contract for all learners, and a world whose best is known.

In `Recall` the cue that is to be repeated at the end of an episode is shown again then in half of the episodes, so that
the best mean return is 1 with memory, and 3/4 without.
"""

from dataclasses import dataclass, replace
from functools import cache, partial
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents import learned
from agents.environments.base import Step
from agents.environments.episodes import lives
from agents.learned import Network
from agents.learning import dqn, lanes, ppo
from agents.learning.base import MEASURES
from agents.learning.dqn import Dqn, DqnParams, Replay
from agents.learning.ppo import Nets, Ppo, PpoParams, Trail
from evolution.randomness import PCG3D
from evolution.tasks import TASKS
from evolution.tasks.environment import environment_of
from tests import FAST


@dataclass(frozen=True)
class Recall:
    """State: cue [], whether it is shown again [], t []. A second body lives for one step and earns 10, always."""

    bodies: int = 1
    steps: int = 3

    ends: ClassVar = (("cue", "now"), ("answer",))
    bounds: ClassVar = (-1.0, 1.0)
    menu: ClassVar = ((1.0,), (-1.0,))
    episodes: ClassVar = 4

    def start(self, key, episode):
        return jnp.float32(1 - 2 * (episode % 2)), episode < 2, jnp.int32(0)

    def observe(self, state):
        cue, again, t = state
        now = t == self.steps - 1
        obs = jnp.stack([jnp.where((t == 0) | (now & again), cue, 0.0), now.astype(jnp.float32)])
        living = (jnp.arange(self.bodies) == 0) | (t == 0)
        return jnp.where(living[:, None], obs, 0.0)

    def step(self, state, action):
        cue, again, t = state
        second = jnp.arange(self.bodies) == 1
        right = (action[:, 0] * cue > 0) & (t == self.steps - 1)
        reward = jnp.where(second, jnp.where(t == 0, 10.0, 0.0), right.astype(jnp.float32))
        return (cue, again, t + 1), Step(reward, second, t + 1 >= self.steps)


HOME, RUNS = Recall(), 2
SMALL = {"environments": 16, "horizon": 16, "hidden": (8,)}
QUICK = {"updates": 16, "batch": 32, "explored": 500.0, "warm_up": 60.0, "learning_rate": 0.005, "discount": 0.9}
LEARNERS = {
    "ppo": Ppo(PpoParams(**SMALL, learning_rate=0.01)),
    "ppo_continuous": Ppo(PpoParams(**SMALL, learning_rate=0.01, actions="continuous")),
    "recurrent_ppo": Ppo(PpoParams(**SMALL | {"hidden": ()}, units=8, learning_rate=0.03), recurrent=True),
    "dqn": Dqn(DqnParams(**SMALL | QUICK | {"horizon": 4})),
}
ENOUGH = {"ppo": 30, "ppo_continuous": 40, "recurrent_ppo": 40, "dqn": 60}
BEST = {"ppo": 0.75, "ppo_continuous": 0.75, "recurrent_ppo": 1.0, "dqn": 0.75}
learner_cases = pytest.mark.parametrize("name", LEARNERS)


@partial(jax.jit, static_argnums=1, compiler_options=FAST)
def begin(learner, environment, keys):
    return jax.vmap(lambda key: learner.init(key, environment))(keys)


@partial(jax.jit, static_argnums=1, compiler_options=FAST)
def learn(learner, environment, keys, number, state):
    now = jax.vmap(lambda key: jax.random.fold_in(key, number))(keys)
    return jax.vmap(lambda key, one: learner.learn(key, environment, one))(now, state)


def keys(*seeds):
    """Of the light generator, which compiles sooner."""
    return jax.random.wrap_key_data(jnp.array([(seed, 1) for seed in seeds], jnp.uint32), impl=PCG3D)


def started(name, seeds=(0, 1), **params):
    """A learner with other numbers, and the states of two replicates."""
    learner = replace(LEARNERS[name], params=replace(LEARNERS[name].params, **params))
    return learner, begin(learner, HOME, keys(*seeds))


def lived(learner, state, iterations, first=0, seeds=(0, 1)):
    """States after so many iterations, and the measures of each."""
    rows = []
    for number in range(first, first + iterations):
        state, measures = learn(learner, HOME, keys(*seeds), number, state)
        rows.append(jax.tree.map(np.asarray, measures))
    return state, rows


once = cache(lambda name: lived(*started(name), ENOUGH[name]))


@partial(jax.jit, static_argnums=0, compiler_options=FAST)
def lived_out(network, weights, memory):
    """Mean returns `[RUNS]` of the mode policies over all episodes."""
    return lives(HOME, learned.policy(network), weights, memory, keys(0, 1)).fitness


def equal(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    jax.tree.map(np.testing.assert_array_equal, one, other)


@learner_cases
def test_all_learn_what_is_best(name):
    learner, (state, rows) = LEARNERS[name], once(name)
    assert rows[0]["mean_return"].max() < 0.65
    network = learner.network(HOME)
    memory = jax.tree.map(lambda leaf: jnp.stack([leaf] * RUNS), learned.blank_memory(network))
    fitness = lived_out(network, learner.weights(state), memory)
    np.testing.assert_array_equal(fitness, [BEST[name]] * RUNS)


@learner_cases
def test_measures_count_what_was_lived(name):
    params, (state, rows) = LEARNERS[name].params, once(name)
    moments = params.environments * params.horizon * len(rows)
    steps = sum(row["agent_steps"] for row in rows)
    episodes = sum(row["episodes"] for row in rows)
    np.testing.assert_array_equal(steps, state.lived)
    # of four moments three are steps, the fourth starts anew; those of the last episode are not yet complete
    whole = moments // (HOME.steps + 1) // params.environments * params.environments
    assert (abs(episodes - whole) <= params.environments).all()
    assert ((HOME.steps * episodes <= steps) & (steps <= HOME.steps * (episodes + params.environments))).all()
    for row in rows:
        assert set(MEASURES) <= set(row)
        assert ((row["mean_return"] >= 0) & (row["mean_return"] <= 1)).all()


@learner_cases
def test_a_run_that_was_stored_goes_on_to_the_same_bits(name):
    learner, state = started(name)
    whole, rows = lived(learner, state, 4)
    half, _ = lived(learner, state, 2)
    stored = jax.tree.map(np.array, half)
    again, more = lived(learner, jax.tree.map(jnp.asarray, stored), 2, first=2)
    equal(whole, again)
    equal(rows[2:], more)


@learner_cases
def test_replicates_do_not_know_of_each_other(name):
    there, _ = lived(*started(name, (0, 1)), 2)
    here, _ = lived(*started(name, (0, 2)), 2, seeds=(0, 2))
    of = lambda place, state: jax.tree.map(lambda leaf: np.asarray(leaf)[place], state)
    equal(of(0, there), of(0, here))
    first, second = (LEARNERS[name].weights(state)["head.weight"] for state in (there, here))
    assert not np.array_equal(first[1], second[1])


@learner_cases
def test_states_keep_their_types_and_hold_no_keys(name):
    typed = lambda tree: jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)
    assert typed(once(name)[0]) == typed(started(name)[1])
    kinds = jax.tree.leaves(jax.tree.map(lambda leaf: leaf.dtype, once(name)[0]))
    assert not any(jnp.issubdtype(kind, jax.dtypes.prng_key) for kind in kinds)


@pytest.mark.parametrize("name", ["ppo", "dqn"])
def test_a_pretrained_mind_is_where_learning_starts(name):
    learner = LEARNERS[name]
    before = jax.tree.map(lambda leaf: leaf[0], learner.weights(once(name)[0]))
    start = jax.jit(learner.init, static_argnums=1, compiler_options=FAST)
    equal(learner.weights(start(jax.random.key(9), HOME, before)), before)


# Copies of environments

BEGUN = jax.jit(lanes.begin, static_argnums=(1, 2), compiler_options=FAST)


def test_lanes_mark_the_dead_and_start_again():
    going, seen = BEGUN(jax.random.key(0), Recall(bodies=2), 2), []
    advance = jax.jit(lanes.advance, static_argnums=1, compiler_options=FAST)
    for t in range(8):
        right = jnp.broadcast_to(going.state[0][:, None, None], (2, 2, 1))
        going, moment = advance(jax.random.key(t), Recall(bodies=2), going, right)
        seen.append(moment)
    moments = jax.tree.map(lambda *leaves: np.stack(leaves), *seen)  # [8, 2, 2]; an episode is 3 steps and a moment
    np.testing.assert_array_equal(moments.restarted[:, 0], [0, 0, 0, 1] * 2)
    np.testing.assert_array_equal(moments.living[:, 0, 0], [1, 1, 1, 0] * 2)
    np.testing.assert_array_equal(moments.living[:, 0, 1], [1, 0, 0, 0] * 2)
    np.testing.assert_array_equal(moments.terminated[:, 0, 1], [1, 0, 0, 0] * 2)
    np.testing.assert_array_equal(moments.terminated[:, 0, 0], np.zeros(8))
    np.testing.assert_array_equal(moments.ended[:, 0, 0], [0, 0, 1, 0] * 2)
    told = lanes.summary(moments)
    assert told["agent_steps"] == 2 * 2 * (3 + 1) and told["episodes"] == 2 * 2 * 2
    assert told["mean_return"] == (1 + 10) / 2
    nobody = lanes.summary(jax.tree.map(lambda leaf: leaf[1:2], moments))
    assert nobody["episodes"] == 0 and np.isnan(nobody["mean_return"])


def test_new_episodes_have_new_starts():
    environment = environment_of(TASKS["cartpole"](steps=2))
    going = BEGUN(jax.random.key(0), environment, 3)
    starts = [np.asarray(going.state.task.x)]
    advance = jax.jit(lanes.advance, static_argnums=1, compiler_options=FAST)
    for t in range(6):
        going, moment = advance(jax.random.key(t), environment, going, jnp.zeros((3, 1, 2)))
        if moment.restarted.all():
            starts.append(np.asarray(going.state.task.x))
    assert len(starts) == 3 and len(np.unique(starts)) == 9


# The rules of PPO


def test_advantages_are_the_sum_they_are_defined_as():
    rng = np.random.default_rng(0)
    steps, bodies, discount, lam = 12, 5, 0.9, 0.7
    reward, value = rng.normal(size=(steps, bodies)), rng.normal(size=(steps + 1, bodies))
    ended = rng.random((steps, bodies)) < 0.3
    terminated = ended & (rng.random((steps, bodies)) < 0.5)
    expected = np.zeros((steps, bodies))
    for t in range(steps):
        for body in range(bodies):
            for k in range(t, steps):
                after = 0 if terminated[k, body] else discount * value[k + 1, body]
                delta = reward[k, body] + after - value[k, body]
                expected[t, body] += (discount * lam) ** (k - t) * delta
                if ended[k, body]:
                    break
    given = (jnp.asarray(part) for part in (reward, value, terminated, ended))
    np.testing.assert_allclose(ppo.advantages(*given, discount, lam), expected, rtol=1e-4, atol=1e-5)


def test_the_clipped_objective_by_hand():
    ratio, advantage = jnp.array([1.5, 1.5, 0.5, 0.5, 1.1]), jnp.array([2.0, -2.0, 2.0, -2.0, 3.0])
    gain = ppo.surrogate(jnp.log(ratio), advantage, 0.2)
    np.testing.assert_allclose(gain, [2.4, -3.0, 1.0, -1.6, 3.3], rtol=1e-5)


def test_only_the_living_decide_what_a_normal_advantage_is():
    advantage, living = jnp.array([1.0, 3.0, 100.0]), jnp.array([True, True, False])
    np.testing.assert_allclose(ppo.normalised(advantage, living)[:2], [-1, 1], rtol=1e-5)


def test_the_dead_do_not_change_the_gradient():
    learner = Ppo(PpoParams(hidden=(4,), units=4), recurrent=True)
    shapes, rng = learner._networks(HOME), np.random.default_rng(0)
    some = lambda *shape: rng.normal(size=shape).astype(np.float32)
    both = jax.tree.map(
        lambda leaf: some(*leaf.shape),
        jax.eval_shape(lambda: Nets(*(learned.init(jax.random.key(0), shape) for shape in shapes))),
    )
    memory = Nets(some(6, 4), some(6, 4))
    living = np.broadcast_to([True, False, True, True, False, True], (3, 6))
    trail = Trail(
        obs=some(3, 6, 2),
        choice=rng.integers(0, 2, (3, 6)).astype(np.int32),
        log_probability=some(3, 6),
        value=some(3, 6),
        restarted=np.zeros((3, 6), bool),
        living=living,
    )
    gradient = jax.jit(
        jax.grad(lambda both, *given: learner._loss(both, shapes, memory, *given)[0]), compiler_options=FAST
    )
    advantage = some(3, 6)
    before = gradient(both, trail, advantage)
    lie = lambda leaf: np.where(living if leaf.ndim == 2 else living[..., None], leaf, leaf.dtype.type(7))
    lies = jax.tree.map(lie, trail)
    after = gradient(both, lies._replace(living=living), np.where(living, advantage, np.float32(-1e3)))
    jax.tree.map(np.testing.assert_array_equal, before, after)
    assert max(float(jnp.abs(leaf).max()) for leaf in before.actor.values()) > 1e-4


def test_sequences_are_learned_from_as_they_were_lived():
    """Networks that do not change say what they said when it was lived: no ratio differs from 1."""
    _, rows = lived(*started("recurrent_ppo", learning_rate=0.0), 3)  # the later ones start in the middle of lives
    for row in rows:
        assert (abs(row["kl"]) < 1e-6).all() and (row["clipped"] == 0).all()


@pytest.mark.parametrize("name", ["ppo", "dqn"])
def test_annealing_ends_at_nothing(name):
    learner, state = started(name, anneal=1000.0)
    state = replace(state, lived=jnp.array([500, 1000], jnp.int32))
    before, after = (learner.weights(one)["head.weight"] for one in (state, lived(learner, state, 1)[0]))
    assert not np.array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])


# The rules of deep Q-learning

Q = Network(2, 1, (), head="q", menu=((0.0,), (1.0,)))


def linear(*rows):
    """A network whose values are products of these rows with what is observed."""
    return {"head.weight": jnp.array(rows, jnp.float32).T, "head.bias": jnp.zeros(len(rows))}


def test_the_network_chooses_and_the_target_values():
    now, target = linear((1, 0), (0, 1)), linear((10, 0), (0, 20))
    after = jnp.array([[2.0, 1.0], [1.0, 3.0], [5.0, 5.5]])
    reward, terminated = jnp.array([0.5, 0.5, 0.25]), jnp.array([False, False, True])
    batch = Replay(jnp.zeros((3, 2)), jnp.zeros(3, jnp.int32), reward, terminated, jnp.ones(3, bool))
    np.testing.assert_allclose(dqn.goals(Q, now, target, batch, after, 0.5), [0.5 + 10, 0.5 + 30, 0.25])


def test_the_loss_of_large_errors_is_linear():
    errors = jnp.array([0.5, -2.0, 3.0, -7.0])
    np.testing.assert_allclose(dqn.huber(errors, 2.0), [0.125, 2.0, 4.0, 12.0])
    np.testing.assert_allclose(jax.vmap(jax.grad(dqn.huber), (0, None))(errors, 2.0), [0.5, -2, 2, -2])


def test_exploration_falls_in_a_straight_line():
    shares = [float(dqn.exploration(lived, 100.0, 0.2)) for lived in (0, 50, 100, 1000)]
    np.testing.assert_allclose(shares, [1, 0.6, 0.2, 0.2], rtol=1e-6)


def test_memory_holds_the_latest_moments_and_what_followed():
    """A counting environment: what is observed is the number of the moment, so that samples can be checked."""

    @dataclass(frozen=True)
    class Count(Recall):
        def start(self, key, episode):
            return jnp.float32(0)

        def observe(self, state):
            return jnp.full((2, 2), state) + jnp.arange(2)[:, None] * 0.5

        def step(self, state, action):
            return state + 1, Step(jnp.full(2, state), jnp.zeros(2, bool), jnp.array(False))

    learner = Dqn(DqnParams(environments=1, horizon=4, updates=8, batch=16, capacity=24, hidden=(), warm_up=1e9))
    state = jax.jit(learner.init, static_argnums=1, compiler_options=FAST)(jax.random.key(0), Count(bodies=2))
    on = jax.jit(learner.learn, static_argnums=1, compiler_options=FAST)
    sample = jax.jit(learner._sample, compiler_options=FAST)
    for rounds in range(1, 6):  # there is room for three
        state, _ = on(jax.random.key(rounds), Count(bodies=2), state)
        newest = 4 * rounds - 1
        oldest = max(0, newest - 11)
        rows = np.sort(np.asarray(state.replay.reward[:, 0]))[-(newest - oldest + 1) :]
        np.testing.assert_array_equal(rows, np.arange(oldest, newest + 1))
        now, after = sample(jax.random.key(rounds), state)
        assert set(np.unique(now.reward)) == set(range(oldest, newest))  # the newest has no successor yet
        np.testing.assert_array_equal(after, now.obs + 1)
        np.testing.assert_array_equal(np.unique(now.obs[..., 0] - now.reward), [0.0, 0.5])  # both bodies


def test_nothing_is_learned_while_it_warms_up():
    learner, state = started("dqn", warm_up=60.0)
    first, rows = lived(learner, state, 1)
    assert (rows[0]["agent_steps"] < 60).all()
    equal((first.weights, first.optimiser), (state.weights, state.optimiser))
    assert not np.array_equal(lived(learner, first, 1)[0].weights["head.weight"], state.weights["head.weight"])


def test_the_target_follows_as_fast_as_it_should():
    at_once, state = started("dqn", warm_up=0.0, target_rate=1.0)
    after, _ = lived(at_once, state, 1)
    equal(after.target, after.weights)
    never, _ = started("dqn", warm_up=0.0, target_rate=0.0)
    behind, _ = lived(never, state, 1)
    equal(behind.target, state.weights)
    assert not np.array_equal(behind.weights["head.weight"], state.weights["head.weight"])


# The tasks, as the documentation has it


SEEDS, SCORED = 10, 100


def scores(learner, task, steps):
    """Mean returns `[SEEDS]` of the mode policies on fresh episodes, after so many agent-steps each."""
    environment = environment_of(task)
    state, number = begin_on(learner, environment, keys(*range(SEEDS))), 0
    while int(state.lived.min()) < steps:
        state, _ = learn_on(learner, environment, keys(*range(SEEDS)), number, state)
        number += 1
    network = learner.network(environment)
    memory = jax.tree.map(lambda leaf: jnp.stack([leaf] * SEEDS), learned.blank_memory(network))
    examined = environment_of(replace(task, episodes=SCORED) if "episodes" in vars(task) else task)
    return lives(examined, learned.policy(network), learner.weights(state), memory, keys(*range(100, 110))).fitness


begin_on = jax.jit(
    lambda learner, environment, own: jax.vmap(lambda key: learner.init(key, environment))(own), static_argnums=1
)
learn_on = jax.jit(learn.__wrapped__, static_argnums=1)


@pytest.mark.slow
def test_ppo_balances_the_pole_with_every_seed():
    assert (scores(Ppo(), TASKS["cartpole"](), 100_000) >= 475).all()


@pytest.mark.slow
def test_deep_q_learning_balances_it_with_most():
    assert np.mean(scores(Dqn(DqnParams(anneal=100_000.0)), TASKS["cartpole"](), 100_000) >= 475) >= 0.8


@pytest.mark.slow
def test_the_maze_needs_memory():
    chance = 0.25 + 0.75 / 2  # who goes to the junction and turns to the same side always
    plain = scores(Ppo(), TASKS["t_maze"](), 50_000)
    assert (plain <= chance).all() and (plain == chance).any()
    gated = Ppo(PpoParams(hidden=(32,), units=32, anneal=100_000.0), recurrent=True)
    assert np.mean(scores(gated, TASKS["t_maze"](), 100_000) == 1) >= 0.9
