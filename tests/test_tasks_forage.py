"""Foraging by explicit fitness: its books are the world's, nobody is born, and no index has an advantage.

One small world in a few shapes, each compiled once: 12 minds in a shared world; 6 in worlds of their own with a dozen
clones each, who are blind and live in parts of three minds; and the plain ticks that both are held against.
"""

import shutil
from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents import network
from agents.environments import foraging
from evolution import search
from evolution.evaluation import evaluate
from evolution.genome import BrainConfig, express, founder, num_connections
from evolution.tasks import forage
from evolution.tasks.forage import Forage
from experiments import checkpoint, config, loop
from experiments.errors import UserError
from sim import senses, step
from sim.config import WorldConfig, WorldParams
from sim.space import quanta

LAND = WorldConfig(
    width=24,
    height=20,
    bite=False,
    give=False,
    meat=False,
    scent=False,
    seasons=False,
    obstacles=False,
    sound_channels=0,
    senses=("retina", "touch"),
)
NUMBERS = WorldParams(
    plant_start=0.05,
    plant_growth=0.002,
    plant_spread=0.0,
    seed_rate=0.003,
    seed_energy=1.0,
    poison_damage=2.0,
    max_turn=0.8,
    energy_capacity=60.0,
    founder_energy=0.055,
    basal_cost=0.02,
    founder_diet_low=0.1,
    founder_diet_high=0.3,
)
"""Hunger and poison kill some within the life of a test."""
SHARED = Forage(mode="shared", ticks=100, episodes=2, world=LAND, params=NUMBERS)
OWN = replace(SHARED, mode="own", episodes=1, clones=12, blind=True)
SEES = senses.names(LAND)
BRAIN = BrainConfig(hidden=0, connections=4 * len(SEES), activations=("tanh",), founder_topology="layered")
RUNS = 2
KEYS = jax.random.split(jax.random.key(3), RUNS)
assessed = jax.jit(evaluate, static_argnums=(0, 1))


def founders(num, seed=0):
    """Genomes `[W, P]` with strong random weights."""
    keys = jax.random.split(jax.random.key(seed), (RUNS, num))
    brain = replace(BRAIN, founder_weight=2.0)
    return jax.vmap(jax.vmap(lambda key: founder(key, brain, SHARED.inputs, SHARED.outputs)))(keys)


def forager(num):
    """`num` copies of a network, made by hand, that turns to food and from poison, and slows down and eats on food."""
    weight = np.zeros((SHARED.outputs, len(SEES)))
    turn, thrust, eat = weight[:3]
    for ray in range(LAND.retina_rays):
        turn[SEES.index(f"ray{ray}.plant")] = 2.0 * (ray - 2)
        turn[SEES.index(f"ray{ray}.poison")] = -2.0 * (ray - 2)
    thrust[SEES.index("here.plant")] = -8
    eat[[SEES.index("here.plant"), SEES.index("here.poison")]] = 5, -20
    one = jax.tree.map(lambda leaf: leaf[0, 0], founders(1))
    one = replace(one, weight=jnp.asarray(weight.ravel(), jnp.float32), bias=one.bias.at[1].set(0.7))
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (RUNS, num, *leaf.shape)), one)


@cache
def shared():
    return jax.tree.map(np.asarray, assessed(SHARED, BRAIN, KEYS, founders(12)))


def own(order=range(6), skip=(False, False), genomes=None):
    """Six minds, founders or other, in worlds of their own, in some order."""
    genomes = jax.tree.map(lambda leaf: leaf[:, np.array(order)], genomes or founders(6))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(forage, "CACHED", 3 * RUNS)
        return jax.tree.map(np.asarray, assessed(OWN, BRAIN, KEYS, genomes, jnp.array(skip)))


@partial(jax.jit, static_argnums=0)
def born(task, key, weights):
    return foraging.genesis(task.environment, jax.tree.map(jnp.float32, task.params), key, weights)


@partial(jax.jit, static_argnums=0)
def ticked(blind, key, params, world, mind, memory):
    act = network.policy(BRAIN.activations, SHARED.outputs, "none", 0)
    return step.tick(key, LAND, params, act, world, mind, memory, senses.shuffled if blind else None)


def lived(blind, key, genome):
    """The world's own ticks, one by one, in a world of the genomes `[N]`: quanta eaten `[N]`, ages and the last world.

    Asks of every tick that nobody was born and nobody came back.
    """
    mind = jax.vmap(lambda one: express(BRAIN, SHARED.inputs, one))(genome)
    memory, params = network.blank_memory(mind), jax.tree.map(jnp.float32, NUMBERS)
    world = born(SHARED, key, jax.vmap(num_connections)(genome))
    eaten, age = np.zeros(len(world.x), np.int64), np.zeros(len(world.x), np.int64)
    uid = np.asarray(world.uid)
    for _ in range(SHARED.ticks):
        before = world
        world, memory, events = ticked(blind, jax.random.fold_in(key, 1), params, before, mind, memory)
        eaten += np.asarray(quanta(events.plant) + quanta(events.meat) + quanta(events.prey))
        age += np.asarray(before.alive)
        assert not np.any(np.asarray(world.alive) & ~np.asarray(before.alive))
    np.testing.assert_array_equal(np.asarray(world.uid), uid)
    assert int(world.next_uid) == len(uid) and not np.asarray(world.offspring).any()
    return eaten, age, world


def test_a_shared_world_is_the_worlds_own_ticks():
    fitness, passed, finals = shared()
    genomes = founders(12)
    for run in range(RUNS):
        together = jax.tree.map(lambda leaf, w=run: leaf[w], genomes)
        intake = []
        for episode in range(SHARED.episodes):
            eaten, age, world = lived(False, jax.random.fold_in(KEYS[run], episode), together)
            np.testing.assert_array_equal(finals.intake[run, :, episode, 0], eaten * 2.0**-16)
            np.testing.assert_array_equal(finals.age[run, :, episode, 0], age)
            np.testing.assert_array_equal(finals.cause[run, :, episode, 0], np.where(world.alive, 0, world.cause))
            intake.append(eaten * 2.0**-16)
        np.testing.assert_allclose(fitness[run], np.mean(intake, axis=0), rtol=1e-6)
    assert not passed.any()


def test_a_world_of_ones_own_is_the_same_with_clones_for_company():
    _, _, finals = own()
    for mind in (0, 5):
        clones = jax.tree.map(lambda leaf, m=mind: jnp.repeat(leaf[1, m][None], 12, axis=0), founders(6))
        eaten, age, _ = lived(True, jax.random.fold_in(KEYS[1], 0), clones)
        np.testing.assert_array_equal(finals.intake[1, mind, 0], eaten * 2.0**-16)
        np.testing.assert_array_equal(finals.age[1, mind, 0], age)


def test_the_dead_keep_what_they_ate():
    _, _, finals = shared()
    dead = finals.cause > 0
    assert (finals.age[~dead] == SHARED.ticks).all() and (finals.age[dead] <= SHARED.ticks).all()
    assert 0.1 < dead.mean() < 0.9 and len(np.unique(finals.cause[dead])) == 2, "the test wants both hunger and poison"
    assert (finals.intake[dead] > 0).any()
    assert finals.intake.min() >= 0 and finals.intake.max() <= SHARED.ceiling


def test_in_worlds_of_their_own_minds_do_not_depend_on_their_order():
    order = [4, 2, 0, 5, 1, 3]
    for old, new in zip(jax.tree.leaves(own()), jax.tree.leaves(own(order)), strict=True):
        assert old[:, order].tobytes() == new.tobytes()
    assert len(np.unique(own()[0])) > 6


def test_equal_minds_in_worlds_of_their_own_fare_alike():
    fitness = own([0, 0, 0, 1, 1, 1])[0]
    np.testing.assert_array_equal(fitness, fitness[:, [0, 0, 0, 3, 3, 3]])


def test_runs_to_skip_are_not_lived():
    fitness, _, finals = own(skip=(True, False))
    assert not fitness[0].any() and not finals.age[0].any()
    np.testing.assert_array_equal(fitness[1], own()[0][1])


def test_no_slot_is_born_better_placed():
    """Places and diets of 12 slots over 800 worlds: their means differ by no more than chance."""
    keys = jax.random.split(jax.random.key(0), 800)
    worlds = jax.vmap(partial(born, SHARED), (0, None))(keys, jnp.zeros(12))
    for value, low, high in ((worlds.x, 0, 24), (worlds.y, 0, 20), (worlds.body.diet, 0.1, 0.3)):
        sd = (high - low) / 12**0.5 / 800**0.5
        np.testing.assert_allclose(np.asarray(value).mean(0), (low + high) / 2, atol=4.5 * sd)


def test_a_forager_made_by_hand_lives_by_its_eyes():
    """It eats more than the random networks, and than itself with the eyes of others."""
    seeing = np.asarray(assessed(SHARED, BRAIN, KEYS, forager(12))[0])
    blind = own(genomes=forager(6))[0]  # places, company and food at the start are the same
    assert seeing.mean() > 1.5 * blind.mean()
    assert seeing.mean() > 2 * shared()[0].mean()


TABLE = f"""
search = {{algorithm = "ga", population = 6, until_solved = false}}
task = {{name = "forage", mode = "own", ticks = 60, episodes = 1, clones = 2, target = 0.02, exam = 0}}
brain = {{hidden = 0, connections = 200, activations = ["tanh"], founder_topology = "layered", founder_weight = 2.0}}
run = {{worlds = 2, generations = 6, log_every = 1, checkpoint_every = 3, keep_checkpoints = 9}}
[world]
{"".join(f"{line}" + chr(10) for line in config.key_tables.lines(LAND))}
[params]
{"".join(f"{line}" + chr(10) for line in config.key_tables.lines(NUMBERS))}
"""


def test_a_config_makes_the_world_of_the_task():
    experiment = config.loads(TABLE)
    assert experiment.task == replace(OWN, ticks=60, clones=2, target=0.02, exam=0, blind=False)
    assert config.loads(config.resolved(experiment)) == experiment
    assert "width = 24" in config.resolved(experiment) and "basal_cost = 0.02" in config.resolved(experiment)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (
            "hidden = 0",
            'dynamics = "feedforward"',
            'brain.dynamics = "feedforward": must be "recurrent" with task.name',
        ),
        ("clones = 2", "blind = true", "task.clones = 1: must be at least 2 with task.blind"),
        ("clones = 2", "clone = 2", "unknown key task.clone for task 'forage'; did you mean clones"),
        ("width = 24", "width = 25", "world.width = 25: must be a multiple of 4"),
        ("hidden = 0", 'plasticity = "reward"', 'world.senses must have "self", which tells the reward'),
    ],
)
def test_what_cannot_be_is_refused(old, new, error):
    with pytest.raises(UserError) as caught:
        config.loads(TABLE.replace(old, new))
    assert error in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {'"retina", "touch"': '"touch"', "exam = 0": 'exam = 0, company = "greedy"'},
            "must have retina, which it needs",
        ),
        (
            {'"retina", "touch"': '"retina"', "exam = 0": 'exam = 0, features = "hand"'},
            "must have touch, which it needs",
        ),
        ({'"ga"': '"cma_es"', "hidden = 0": 'hidden = 0, plasticity = "hebbian"'}, "which evolves no learning rates"),
    ],
)
def test_what_cannot_be_together_is_refused(changes, error):
    text = TABLE
    for old, new in changes.items():
        text = text.replace(old, new)
    with pytest.raises(UserError) as caught:
        config.loads(text)
    assert error in str(caught.value)


def test_solutions_are_examined_alone_and_more_often():
    task = replace(SHARED, target=9.0, exam=16)
    assert task.exams == (replace(task, mode="own", episodes=16, exam=0),)
    assert replace(task, target=0.0).exams == replace(task, exam=0).exams == task.exams[0].exams == ()
    assert replace(task, blind=True).exams[0].clones == 2
    champions = jax.tree.map(lambda leaf: leaf[:, 0], founders(1))
    passed, finals = jax.eval_shape(
        partial(search.examined, task.exams[0], BRAIN), KEYS, champions, jnp.zeros(RUNS, bool)
    )
    assert passed.shape == (RUNS,) and finals.intake.shape == (RUNS, 16, 1)


def test_a_resumed_search_goes_on_to_the_byte(tmp_path):
    simple = TABLE.replace('senses = ["retina", "touch"]', 'senses = ["touch"]')
    experiment = config.loads(simple)
    loop.run(experiment, tmp_path / "whole", quiet=True)
    shutil.copytree(tmp_path / "whole", tmp_path / "broken")
    checkpoint.remove(tmp_path / "broken" / "checkpoints", 6)
    loop.resume(tmp_path / "broken", quiet=True)
    for name in ("metrics.csv", "genomes/best-0.json", "genomes/best-1.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "broken" / name).read_bytes(), name
    rows = (tmp_path / "whole" / "metrics.csv").read_text().splitlines()
    solved = rows[-1].split(",")[rows[0].split(",").index("solved")]
    assert len(rows) == 1 + 12 and solved == "1", "both runs, and solved at last"
