"""The contract of `agents/environments/base.py`, asked of tasks and of worlds, and what worlds promise.

One small world: among company that breeds, and beside an evaluation of genomes.
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents import features, network, scripted
from agents.environments import foraging
from agents.environments.episodes import lives
from agents.environments.foraging import Foraging
from agents.environments.restart import if_any
from evolution.evaluation import evaluate
from evolution.genome import BrainConfig, express, founder, num_connections
from evolution.tasks import TASKS
from evolution.tasks.environment import environment_of
from evolution.tasks.forage import Forage
from sim import actions, senses
from sim.config import WorldParams
from tests import episodes
from tests.worlds import LAND

pytestmark = pytest.mark.usefixtures("little_optimised")
NUMBERS = WorldParams(
    plant_start=0.4, fertile=0.9, poison_damage=2.0, founder_energy=0.06, basal_cost=0.05, founder_diet_high=0.4
)
"""Hunger and poison kill some within the life of a test."""
AMONG = Foraging(
    world=LAND,
    params=replace(NUMBERS, founder_energy=0.9, maturity=12.0),
    ticks=24,
    episodes=1,
    clones=2,
    company="greedy",
    company_num=4,
    breeding=True,
    connections=30_000.0,  # so dear that the bodies of the policy starve before births
    features="hand",
)
SMALL = {
    "cartpole": TASKS["cartpole"](steps=30, episodes=3),
    "double_pole": TASKS["double_pole"](steps=60),
    "t_maze": TASKS["t_maze"](length=3, patience=6),
    "memory": TASKS["memory"](length=2, delay=1),
}
ENVIRONMENTS = {name: environment_of(task) for name, task in SMALL.items()} | {"among": AMONG}
every = pytest.mark.parametrize("env", ENVIRONMENTS.values(), ids=ENVIRONMENTS)


def chosen(env, t, lane):
    """Item of the menu that bodies of a lane `[...]` choose in step `t`: no pattern, but each sixth solves a maze."""
    item = (7 * lane + 3 * (t // (lane + 1)) + lane * t) % len(env.menu)
    return jnp.where(lane % 6 == 5, jnp.where(t < 3, 1, 0), item)


@partial(jax.jit, static_argnums=0)
def played(env, keys):
    """Lanes of all episodes, started with `keys` `[L]`: states, observations and what was told, after each step."""
    lane = jnp.arange(len(keys))
    state = jax.vmap(env.start)(keys, lane % env.episodes)

    def step(state, t):
        item = chosen(env, t, lane[:, None] + jnp.arange(env.bodies))
        state, told = jax.vmap(env.step)(state, jnp.asarray(env.menu)[item])
        return state, (state, jax.vmap(env.observe)(state), told)

    return state, jax.lax.scan(step, state, jnp.arange(env.steps))[1]


LANES = 12  # a multiple of the episodes of each
KEYS = jnp.repeat(jax.random.split(jax.random.key(2), 2), LANES // 2)


@every
def test_the_contract(env):
    assert hash(env) == hash(replace(env)) and env == replace(env)
    seen, acts = env.ends
    assert np.asarray(env.menu).shape == (len(env.menu), len(acts)) and len(set(env.menu)) == len(env.menu) >= 2
    assert env.bounds[0] <= np.min(env.menu) and np.max(env.menu) <= env.bounds[1]
    start, (states, obs, told) = played(env, KEYS)
    assert jax.tree.map(lambda leaf: (leaf.shape[1:], leaf.dtype), states) == jax.tree.map(
        lambda leaf: (leaf.shape, leaf.dtype), start
    )
    shape = (env.steps, LANES, env.bodies)
    assert (obs.shape, obs.dtype) == ((*shape, len(seen)), jnp.float32)
    assert (told.reward.shape, told.reward.dtype) == (shape, jnp.float32)
    assert (told.terminated.shape, told.terminated.dtype, told.truncated.dtype) == (shape, bool, bool)
    terminated, reward = np.asarray(told.terminated), np.asarray(told.reward)
    assert (terminated[1:] >= terminated[:-1]).all(), "somebody came back to life"
    assert not reward[1:][terminated[:-1]].any() and not np.asarray(obs)[terminated].any()
    over = terminated.all(2)
    assert not told.truncated[:-1].any(), "truncated before the time was up"
    np.testing.assert_array_equal(told.truncated[-1], ~over[-1])
    again = played(env, KEYS)[1]
    assert all(
        np.array_equal(a, b) for a, b in zip(jax.tree.leaves((obs, told)), jax.tree.leaves(again[1:]), strict=True)
    )


@pytest.mark.parametrize("name", SMALL)
def test_rewards_of_a_life_add_up_to_the_fitness_of_the_task(name):
    task, env = SMALL[name], ENVIRONMENTS[name]
    lane, copies = jnp.arange(LANES), LANES // task.episodes
    begin = jax.jit(jax.vmap(lambda key, e: task.reset(jax.random.fold_in(key, e), e), out_axes=-1))
    starts = begin(KEYS, lane % task.episodes)
    act = lambda t, seen, states: jnp.asarray(env.menu)[chosen(env, t, lane)].T
    finals, length = episodes.play(task, act, starts)
    fitness, _ = episodes.measure(task, finals)
    _, (_, _, told) = played(env, KEYS)
    returns = np.asarray(told.reward).sum((0, 2)).reshape(copies, task.episodes).mean(1)
    np.testing.assert_allclose(returns, fitness, rtol=1e-6)
    assert len(np.unique(returns)) > 1, "controllers that all fare alike show nothing"
    ended = np.asarray(told.terminated[:, :, 0] | told.truncated)
    np.testing.assert_array_equal(np.argmax(ended, axis=0) + 1, length)


def test_only_a_limit_of_time_truncates():
    """A pole that stands and a maze not solved are truncated, a memory is at its end."""
    last = {name: played(ENVIRONMENTS[name], KEYS)[1][2] for name in ("t_maze", "memory")}
    assert last["t_maze"].truncated[-1].any() and last["t_maze"].terminated[-1].any()
    assert not last["memory"].truncated.any() and last["memory"].terminated[-1].all()


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (TASKS["xor"](), "not the mean over episodes"),
        (TASKS["double_pole_hidden"](), "not the mean over episodes"),
        (Forage(mode="shared"), "must be 'own'"),
        (Forage(mode="own", blind=True), "must be False"),
    ],
)
def test_tasks_that_are_no_environments_are_refused(task, reason):
    with pytest.raises(ValueError, match=reason):
        environment_of(task)


def test_an_evolved_life_is_the_same_through_the_environment():
    """Genomes in the task `forage`, in worlds with company, and their networks stepped as an environment."""
    task = Forage(mode="own", ticks=24, episodes=1, world=LAND, params=NUMBERS)
    task = replace(task, company="random", company_num=3, features="hand")
    config = BrainConfig(
        hidden=0, connections=8 * task.inputs, activations=("tanh",), founder_topology="layered", plasticity="reward"
    )
    draw = jax.jit(jax.vmap(jax.vmap(lambda key: founder(key, config, task.inputs, task.outputs))))
    genome = draw(jax.random.split(jax.random.key(0), (1, 8)))
    key = jax.random.split(jax.random.key(6), 1)
    fitness, _, finals = jax.tree.map(
        lambda leaf: leaf[0], jax.jit(evaluate, static_argnums=(0, 1))(task, config, key, genome)
    )
    one = jax.tree.map(lambda leaf: leaf[0], genome)
    brain = jax.jit(jax.vmap(lambda genome: express(config, task.inputs, genome)))(one)
    env = replace(environment_of(task), connections=float(num_connections(jax.tree.map(lambda leaf: leaf[0], one))))
    keys = jnp.repeat(key, 8)
    act = network.policy(config.activations, task.outputs, "reward", env.ends[0].index("self.gain"))
    same = jax.jit(lambda keys: lives(env, act, brain, network.blank_memory(brain), keys))(keys)
    np.testing.assert_array_equal(same.returns, finals.intake)
    np.testing.assert_array_equal(same.ages, finals.age)
    np.testing.assert_array_equal(same.fitness, fitness)
    np.testing.assert_array_equal(same.steps, jax.vmap(task.lived)(finals))
    assert len(np.unique(finals.intake)) > 4 and len(np.unique(finals.age)) > 2, "the test wants meals and deaths"


def test_company_breeds_and_the_bodies_of_the_policy_do_not():
    start, (states, obs, told) = played(AMONG, KEYS)
    world = states.world
    assert (world.next_uid[-1] > start.world.next_uid).any(), "the test wants births"
    newborn = (world.uid >= 6) & world.alive
    assert (world.mother[newborn] >= AMONG.clones).all(), "a body of the policy had a child"
    mine = world.uid[..., :2] == np.arange(2)
    np.testing.assert_array_equal(told.terminated, ~(world.alive[..., :2] & mine))
    reused = ~mine & world.alive[..., :2]
    assert reused.any(), "the test wants a newborn in the slot of a dead body of the policy"
    assert not told.reward[1:][told.terminated[:-1]].any() and not obs[reused].any()


def test_what_nobody_asks_for_is_not_done():
    """Whatever it is vmapped over; if one asks, those who did not keep what they had."""
    done = []

    def change(asked, state, more):
        jax.debug.callback(lambda _: done.append(1), more)
        return jnp.where(asked, state + more, state)

    once = jax.jit(jax.vmap(jax.vmap(if_any(change), (0, 0, None)), (0, 0, None)))
    state, asked = np.arange(6.0, dtype=np.float32).reshape(2, 3), np.zeros((2, 3), bool)
    np.testing.assert_array_equal(once(asked, state, np.float32(9)), state)
    jax.effects_barrier()
    assert not done
    asked[1, 2] = True
    np.testing.assert_array_equal(once(asked, state, np.float32(9)), [[0, 1, 2], [3, 4, 14]])
    jax.effects_barrier()
    assert done


@pytest.mark.slow
def test_a_step_looks_once():
    """The observation inside of the tick, which nobody reads, is not computed: the state keeps the one outside."""
    alone = Foraging(world=LAND, params=NUMBERS)
    state = jax.eval_shape(alone.start, jax.random.key(0), jnp.int32(0))
    gathers = lambda function, *args: jax.jit(function).lower(*args).compile().as_text().count(" gather(")
    world, params = state.world, jax.eval_shape(lambda: jax.tree.map(jnp.float32, NUMBERS))
    seeing = gathers(lambda params, world: senses.observe(LAND, params, world), params, world)
    blind_act = lambda key, mind, memory, obs: (memory, mind)
    living = lambda data, world, action: foraging.tick(
        alone, foraging.veiled(NUMBERS, data), jax.random.wrap_key_data(data), blind_act, world, action, None
    )
    action = jax.ShapeDtypeStruct((1, 4), jnp.float32)
    assert seeing > 0
    assert gathers(alone.step, state, action) == gathers(living, state.key, world, action) + seeing


def test_a_linear_readout_of_the_features_forages_as_the_rule_does():
    """Turn, thrust and eat of `greedy`, as linear functions of the features, give the same signs wherever it acts
    without chance."""
    named, order = features.names(LAND, "hand"), actions.names(LAND)
    rng = np.random.default_rng(0)
    obs = rng.uniform(0, 1, (400, len(senses.names(LAND)))) * (rng.random((400, len(senses.names(LAND)))) < 0.4)
    obs[:, senses.names(LAND).index("touch.bump")] = 0  # the rule then turns left for good
    obs = obs.astype(np.float32)
    rule = scripted.greedy_policy(LAND, NUMBERS)
    keys = jax.random.split(jax.random.key(0), 400)
    told = np.asarray(jax.jit(jax.vmap(lambda key, one: rule(key, None, None, one)[1]))(keys, obs))
    seen = np.asarray(jax.jit(jax.vmap(features.chosen(LAND, "hand")))(obs))
    value = dict(zip(named, seen.T, strict=True))
    sure = value["best.angle"] != 0
    assert 100 < sure.sum() < 400
    span = np.abs(senses.ray_angles(LAND)).max()
    turn = np.clip(span / NUMBERS.max_turn * value["best.angle"][sure], -1, 1)
    np.testing.assert_allclose(turn, told[sure, order.index("turn")], rtol=1e-5)
    np.testing.assert_allclose(1 - 1.8 * value["here.good"], told[:, order.index("thrust")], rtol=1e-6)
    np.testing.assert_array_equal(value["here.food"] > value["here.poison"], told[:, order.index("eat")] > 0)


def test_features_need_eyes():
    with pytest.raises(ValueError, match="touch"):
        features.names(replace(LAND, senses=("retina",)), "hand")


def test_lives_are_of_those_who_live():
    """CartPole by hand: pushing right for ever falls after as many steps as Gymnasium's, whatever lane it is in."""
    env = environment_of(TASKS["cartpole"](episodes=3, steps=40))
    keys = jax.random.split(jax.random.key(1), 4)
    right = lambda key, mind, memory, obs: (memory + 1, jnp.where(mind, jnp.array([0.0, 1.0]), jnp.array([1.0, 0.0])))
    out = jax.jit(lambda keys: lives(env, right, jnp.array([True, False] * 2), jnp.zeros(4, jnp.int32), keys))(keys)
    task, step = env.task, jax.jit(env.task.step)
    reset = jax.jit(lambda key, episode: task.reset(jax.random.fold_in(key, episode), episode))
    for run, key in enumerate(keys):
        for episode in range(3):
            state, done, length = reset(key, episode), False, 0
            push = np.float32([0.0, 1.0] if run % 2 == 0 else [1.0, 0.0])
            while not done:
                state, done = step(state, push)
                length += 1
            assert (out.ages[run, episode, 0], out.returns[run, episode, 0]) == (length, length)
    np.testing.assert_array_equal(out.steps, out.ages.sum((1, 2)))
    for short in (0, 1):  # the pole that fell last does so in the last step, or would in the next
        env = environment_of(TASKS["cartpole"](episodes=3, steps=length - short))
        state, step = jax.jit(env.start)(keys[3], 2), jax.jit(env.step)
        for _ in range(env.steps):
            state, told = step(state, push[None])
        assert (bool(told.terminated[0]), bool(told.truncated)) == ((True, False) if short == 0 else (False, True))
