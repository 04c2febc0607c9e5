"""The standard interfaces: what Gymnasium's and PettingZoo's own checkers ask, and one trajectory through all."""

import ast
import sys
import tomllib
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import jax
import numpy as np
import pytest

from agents import features
from agents.environments.foraging import Foraging
from agents.environments.functional import Functional, case
from agents.environments.limits import observations
from evolution.tasks import TASKS
from evolution.tasks.environment import environment_of
from experiments import config
from sim.config import SENSES, WorldConfig, WorldParams
from tests.worlds import LAND

gymnasium = pytest.importorskip("gymnasium")
pettingzoo_test = pytest.importorskip("pettingzoo.test")

from gymnasium.utils.env_checker import check_env  # noqa: E402

from agents.environments import gymnasium_env, pettingzoo_env, registration  # noqa: E402

pytestmark = pytest.mark.usefixtures("little_optimised")
ROOT = Path(__file__).parents[1]
NUMBERS = WorldParams(plant_start=0.4, poison_damage=2.0, founder_energy=0.07, basal_cost=0.05, maturity=2.0)
ENV = Foraging(world=LAND, params=NUMBERS, ticks=16, episodes=2)
CART = environment_of(TASKS["cartpole"](steps=20, episodes=3))
SEEDS, STEPS = (3, 4, 5), 40


def actions(seed, env=ENV):
    """Indices into the menu for all steps of a copy."""
    return np.random.default_rng(seed).integers(len(env.menu), size=STEPS)


@partial(jax.jit, static_argnums=0)
def begun(env, seed, count):
    key = jax.random.fold_in(jax.random.key(seed), count)
    state = env.start(key, case(env, key))
    return state, env.observe(state)[0]


@partial(jax.jit, static_argnums=0)
def stepped(env, state, action):
    state, told = env.step(state, action)
    return state, told, env.observe(state)[0]


@cache
def alone(seed, env=ENV):
    """First observation, and what came of each step, of episode after episode of the environment itself."""
    menu, count, rows = np.asarray(env.menu, np.float32), 0, []
    state = None
    for action in actions(seed, env):
        if state is None:
            state, first = begun(env, seed, count)
            count += 1
        state, told, seen = stepped(env, state, menu[action][None])
        end = bool(told.terminated[0]), bool(told.truncated)
        rows.append((np.asarray(first), np.asarray(seen), float(told.reward[0]), *end))
        first, state = rows[-1][1], None if any(end) else state
    return rows


def assert_same(rows, others):
    assert len(rows) == len(others) == STEPS
    for row, other in zip(rows, others, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(row, other, strict=True))


def test_the_reference_has_meals_deaths_and_ends_of_time():
    rows = [row for seed in SEEDS for row in alone(seed)]
    assert any(row[2] for row in rows) and any(row[3] for row in rows) and any(row[4] for row in rows)


def test_gymnasium_is_the_environment():
    env = gymnasium.make(registration.FORAGE, world=LAND, params=NUMBERS, ticks=16, episodes=2)
    menu = np.asarray(ENV.menu, np.float32)
    for seed in SEEDS:
        first, over, rows = env.reset(seed=seed)[0], False, []
        for action in actions(seed):
            first = env.reset()[0] if over else first
            obs, *told, _ = env.step(menu[action])
            rows.append((first, obs, *told))
            first, over = obs, told[1] or told[2]
        assert_same(rows, alone(seed))


@pytest.mark.parametrize("env", [CART, pytest.param(ENV, marks=pytest.mark.slow)], ids=["cartpole", "world"])
def test_a_vector_is_its_single_environments(env):
    envs = gymnasium_env.Many(env, len(SEEDS), discrete=True)
    first, rows = envs.reset(seed=SEEDS[0])[0], []
    for action in np.stack([actions(seed, env) for seed in SEEDS], axis=1):
        obs, reward, terminated, truncated, infos = envs.step(action)
        done = terminated | truncated
        last = [infos["final_obs"][i] if done[i] else obs[i] for i in range(len(SEEDS))]
        assert obs in envs.observation_space and ("final_obs" in infos) == done.any()
        rows.append((first, last, reward, terminated, truncated))
        first = obs
    for i, seed in enumerate(SEEDS):
        assert_same([tuple(part[i] for part in row) for row in rows], alone(seed, env))


def test_a_name_with_its_module_needs_no_import(monkeypatch):
    monkeypatch.delitem(gymnasium.registry, registration.FORAGE)
    monkeypatch.delitem(sys.modules, registration.__name__)
    env = gymnasium.make(f"{registration.__name__}:{registration.FORAGE}", ticks=7)
    assert env.unwrapped.functional == Functional(gymnasium_env.foraging(ticks=7), discrete=False)
    assert registration.FORAGE in gymnasium.registry


def test_names_make_vectors():
    envs = gymnasium.make_vec(registration.FORAGE, 3, ticks=16, discrete=True, world={"width": 48})
    assert isinstance(envs.unwrapped, gymnasium_env.Many) and envs.num_envs == 3
    assert envs.unwrapped.functional == Functional(gymnasium_env.foraging(ticks=16, world={"width": 48}))


def test_functions_are_the_environment():
    """As gymnax has them, which the vector above is made of: new starts, vmapped twice, draw only where all may be
    over; numbers of the world are traced."""
    pure = Functional(CART)
    reset, step = jax.jit(jax.vmap(jax.vmap(pure.reset))), jax.jit(jax.vmap(jax.vmap(pure.step)))
    one_reset, one_step, one_start = jax.jit(pure.reset), jax.jit(pure.step_env), jax.jit(pure.reset_env)
    keys = jax.random.split(jax.random.key(0), (40, 2, 3))
    obs, state = reset(keys[0])
    np.testing.assert_array_equal(obs[1, 2], one_reset(keys[0, 1, 2])[0])
    mine = jax.tree.map(lambda leaf: leaf[1, 2], state)
    ends = {"terminated": 0, "truncated": 0}
    for t in range(1, 40):
        push = np.full((2, 3), 1) if t < 20 else np.full((2, 3), t % 2)
        obs, state, reward, done, info = step(keys[t], state, push)
        last, mine, earned, over, told = one_step(keys[t, 1, 2], mine, push[1, 2])
        assert (reward[1, 2], bool(done[1, 2])) == (earned, bool(over)) and over == told["terminated"] | told[
            "truncated"
        ]
        np.testing.assert_array_equal(info["final_obs"][1, 2], last)
        np.testing.assert_array_equal(info["discount"], 1.0 - info["terminated"])
        if over:
            last, mine = one_start(keys[t, 1, 2])
        np.testing.assert_array_equal(obs[1, 2], last)
        ends = {name: count + bool(told[name]) for name, count in ends.items()}
    assert all(ends.values()), "the test wants both kinds of end"
    world = Functional(ENV)
    params, begin = world.default_params, jax.jit(world.reset)
    barren = replace(params, world=replace(params.world, plant_start=0.0, seed_rate=0.0))
    np.testing.assert_array_equal(begin(jax.random.fold_in(jax.random.key(3), 0), params)[0], alone(3)[0][0])
    assert begin(keys[0, 0, 0], barren)[0].sum() != begin(keys[0, 0, 0], params)[0].sum()
    assert world.num_actions == len(ENV.menu) == world.action_space().n
    first = alone(3)[0][0]
    assert world.observation_space().contains(first) and world.observation_space().shape == first.shape
    assert Functional(ENV, discrete=False).action_space().shape == (4,)


def test_pettingzoo_with_one_creature_is_the_environment():
    env = pettingzoo_env.ForageParallel(ENV, discrete=True)
    for seed in SEEDS:
        first, rows = env.reset(seed=seed)[0], []
        for action in actions(seed):
            first = first if env.agents else env.reset()[0]
            obs, *told, _ = env.step({"creature_0": action})
            rows.append(tuple(part["creature_0"] for part in (first, obs, *told)))
            first = obs
        assert_same(rows, alone(seed))


def test_gymnasiums_checker_is_content(recwarn):
    check_env(gymnasium_env.Single(ENV), skip_render_check=True)
    assert not [str(one.message) for one in recwarn if "gymnasium" in one.filename]


PARALLEL = {"world": LAND, "params": replace(NUMBERS, founder_energy=0.9, basal_cost=0.15), "ticks": 24, "clones": 4}


def test_pettingzoos_checkers_are_content(capsys):
    pettingzoo_test.parallel_api_test(pettingzoo_env.ForageParallel(ENV, discrete=True), num_cycles=30)
    assert "Passed Parallel API test" in capsys.readouterr().out
    pettingzoo_test.parallel_seed_test(lambda: pettingzoo_env.parallel_env(**PARALLEL), num_cycles=8)


@pytest.mark.filterwarnings("ignore:.*possible_agents:UserWarning", "ignore:Agent was given:UserWarning")
def test_creatures_are_born_and_die():
    """Books of a world where all breed when they can: who is where in what is told, and what it adds up to."""
    env = pettingzoo_env.parallel_env(**PARALLEL)
    obs, _ = env.reset(seed=1)
    assert env.agents == [f"creature_{i}" for i in range(4)] == list(obs)
    alive, born, died = set(env.agents), set(), set()
    rng = np.random.default_rng(0)
    while env.agents:
        acts = {name: np.array([rng.uniform(-1, 1), 0, 1, 1], np.float32) for name in env.agents}
        obs, reward, terminated, truncated, info = env.step(acts)
        fresh = set(obs) - alive
        assert alive <= set(obs) == set(reward) == set(terminated) == set(truncated) == set(info)
        assert not fresh & died and all(info[name]["mother"] in alive for name in fresh)
        assert not any(reward[name] or terminated[name] for name in fresh)
        gone = {name for name in obs if terminated[name]}
        assert not any(obs[name].any() for name in gone) and all(obs[name].any() for name in set(obs) - gone)
        late = {name for name in obs if truncated[name]}
        alive, born, died = (alive | fresh) - gone, born | fresh, died | gone
        assert set(env.agents) == (set() if late else alive) and (not late or late == alive)
        assert all(obs[name] in env.observation_space(name) for name in obs)
    assert len(born) >= 3 and len(died) >= 3, "the test wants births and deaths"
    assert late
    pettingzoo_test.parallel_api_test(env, num_cycles=30)


def test_observations_stay_within_their_space():
    """As they are and as features of them; and every sense that there is has bounds."""
    seen = np.array([row[1] for seed in SEEDS for row in alone(seed)])
    made = np.asarray(jax.jit(jax.vmap(features.chosen(LAND, "hand")))(seen))
    for values, env in ((seen, ENV), (made, replace(ENV, features="hand"))):
        low, high = observations(env)
        assert low.shape == high.shape == values.shape[1:]
        assert (low < high).all() and np.isfinite(low).all() and np.isfinite(high).all()
        assert (values >= low).all() and (values <= high).all()
    everything = replace(
        ENV,
        world=WorldConfig(automaton="both", automaton_toggle="flip", sound_channels=2, senses=SENSES),
        features="raw",
    )
    low, high = observations(everything)
    assert len(low) == len(everything.ends[0]) and (low < high).all() and np.isfinite(high).all()


def test_default_world_is_that_of_the_task():
    """`Forage-v0` with the keywords of `forage_task` is its environment."""
    task = config.load("forage_task").task
    assert gymnasium_env.foraging(ticks=task.ticks, episodes=task.episodes) == environment_of(task)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="bodies = 2"):
        Functional(replace(ENV, clones=2))
    with pytest.raises(ValueError, match="company"):
        pettingzoo_env.ForageParallel(replace(ENV, company="greedy"))
    with pytest.raises(TypeError, match="widht"):
        gymnasium_env.foraging(world={"widht": 16})
    with pytest.raises(gymnasium.error.ResetNeeded):
        gymnasium_env.Single(ENV).step(np.zeros(4, np.float32))
    with pytest.raises(ValueError, match="3 copies"):
        gymnasium_env.Many(ENV, 3).reset(seed=[1, 2])


REFUSED = {
    "company = 'gredy': must be one of 'none', 'random', 'greedy'": {"company": "gredy"},
    "features = 'x': must be one of 'raw', 'hand'": {"features": "x"},
    "ticks = 0: must be a whole number from 1 to 1000000": {"ticks": 0},
    "ticks = 2.5: must be a whole number from 1 to 1000000": {"ticks": 2.5},
    "ticks = True: must be a whole number from 1 to 1000000": {"ticks": True},
    "company_num = -1: must be a whole number from 1 to 10000": {"company_num": -1},
    "company_diet = nan: must be a finite number from 0 to 1": {"company_diet": float("nan")},
    "connections = -5: must be a finite number, 0 or more": {"connections": -5},
    "connections = inf: must be a finite number, 0 or more": {"connections": float("inf")},
    "breeding = 1: must be True or False": {"breeding": 1},
    "params.brain_cost = -1: must be a finite number from 0 to 0.1": {"params": {"brain_cost": -1}},
    "params = 3: must be a WorldParams, or a dict of those fields that differ": {"params": 3},
    "world.width = 8: must be a whole number from 16 to 4096": {"world": {"width": 8}},
    "world.boundary = 'edge': must be one of 'torus', 'walled'": {"world": replace(LAND, boundary="edge")},
    "world.senses = 'self': must be a tuple, each one of " + ", ".join(map(repr, SENSES)): {
        "world": replace(LAND, senses="self")
    },
    "world.retina_distances = (0.5, 3.0): must be a tuple, each a finite number from 1.5 to 64": {
        "world": {"retina_distances": (0.5, 3.0)}
    },
}


@pytest.mark.parametrize(("message", "keys"), REFUSED.items(), ids=[next(iter(keys)) for keys in REFUSED.values()])
def test_keywords_out_of_range_are_refused_everywhere(message, keys):
    for make in (
        partial(gymnasium.make, registration.FORAGE),
        gymnasium_env.forage_vector,
        pettingzoo_env.parallel_env,
    ):
        with pytest.raises(ValueError) as caught:
            make(**keys)
        assert str(caught.value) == message


@pytest.mark.parametrize("make", [Functional, gymnasium_env.Single, gymnasium_env.Many, pettingzoo_env.ForageParallel])
def test_environments_made_by_hand_are_checked_too(make):
    with pytest.raises(ValueError, match=r"^ticks = 0: must be"):
        make(replace(ENV, ticks=0))
    with pytest.raises(ValueError, match=r"^params\.basal_cost = -0\.5: must be a finite number from 0 to 1$"):
        make(replace(ENV, params=replace(NUMBERS, basal_cost=-0.5)))
    with pytest.raises(ValueError, match=r"^world = \{\}: must be a WorldConfig$"):
        make(replace(ENV, world={}))


def test_only_company_breeds_where_the_policy_has_one_body():
    with pytest.raises(ValueError, match=r"^breeding = True: must be False, or company must not be 'none'"):
        gymnasium.make(registration.FORAGE, breeding=True)
    bred = gymnasium.make(registration.FORAGE, breeding=True, company="greedy", connections=np.float32(7))
    assert bred.unwrapped.functional.environment.breeding
    with pytest.raises(ValueError, match=r"^num_envs = 0: must be a whole number, 1 or more$"):
        gymnasium_env.forage_vector(0)
    for make in (gymnasium_env.forage, gymnasium_env.forage_vector, pettingzoo_env.parallel_env):
        with pytest.raises(ValueError, match=r"^discrete = 'no': must be True or False$"):
            make(discrete="no")


INDEX, VECTOR = "a whole number from 0 to 19", "an array of shape (4,), each a finite number"
NAN = float("nan")
ACTIONS = [
    (True, 99, f" = 99: must be {INDEX}"),
    (True, 20, f" = 20: must be {INDEX}"),
    (True, -1, f" = -1: must be {INDEX}"),
    (True, 2.0, f" = 2.0: must be {INDEX}"),
    (True, True, f" = True: must be {INDEX}"),
    (True, None, f" = None: must be {INDEX}"),
    (True, np.zeros(1, int), f" = [0]: must be {INDEX}"),
    (False, np.array([0, 0, NAN, 0]), "[2] = nan: must be a finite number"),
    (False, [0, -np.inf, 0, 0], "[1] = -inf: must be a finite number"),
    (False, np.zeros(3), f" = [0.0, 0.0, 0.0]: must be {VECTOR}"),
    (False, 1.0, f" = 1.0: must be {VECTOR}"),
    (False, ["left"] * 4, f" = ['left', 'left', 'left', 'left']: must be {VECTOR}"),
    (False, [[0], 0, 0, 0], f" = [[0], 0, 0, 0]: must be {VECTOR}"),
]


def refusal(step, actions):
    with pytest.raises(ValueError) as caught:
        step(actions)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def two(monkeypatch):
    """Function that makes an environment of two creatures that have begun, though nothing was compiled."""

    def make(discrete):
        env = pettingzoo_env.ForageParallel(replace(ENV, clones=2), discrete)
        env.agents = list(env.possible_agents)
        return env

    monkeypatch.setattr(pettingzoo_env, "_ticked", lambda *args: pytest.fail("a wrong action was taken"))
    return make


@pytest.mark.parametrize(("discrete", "action", "message"), ACTIONS)
def test_actions_outside_of_the_space_are_refused(discrete, action, message, two):
    single, parallel = gymnasium_env.Single(ENV, discrete), two(discrete)
    single._state = "begun"
    assert refusal(single.step, action) == f"action{message}"
    good = 0 if discrete else np.zeros(4)
    told = refusal(parallel.step, {"creature_0": good, "creature_1": action})
    assert told == f"actions['creature_1']{message}"


def test_a_vector_tells_which_copy_had_a_wrong_action():
    choices, vectors = (gymnasium_env.Many(ENV, 3, discrete) for discrete in (True, False))
    choices._state = vectors._state = "begun"
    assert refusal(choices.step, [0, 19, 20]) == f"actions[2] = 20: must be {INDEX}"
    assert refusal(choices.step, [0, 1]) == f"actions = [0, 1]: must be an array of shape (3,), each {INDEX}"
    acts = np.zeros((3, 4))
    acts[1, 3] = NAN
    assert refusal(vectors.step, acts) == "actions[1, 3] = nan: must be a finite number"
    assert "must be an array of shape (3, 4), each a finite number" in refusal(vectors.step, np.zeros((40, 4)))


def test_every_creature_acts_and_nobody_else(two):
    env = two(True)
    assert refusal(env.step, {}) == "actions = {}: must be an action for each of env.agents; 'creature_0' has none"
    assert refusal(env.step, {"creature_0": 1}).endswith("for each of env.agents; 'creature_1' has none")
    everyone = {"creature_0": 1, "creature_1": 1, "creature_9": 1}
    unknown = "actions['creature_9'] = 1: must be left out: there is no such agent in env.agents"
    assert refusal(env.step, everyone) == unknown
    assert refusal(env.step, 3) == "actions = 3: must be a dict of an action for each of env.agents"
    env.agents = []
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step({})


def test_tasks_are_environments_of_one_agent_too():
    """CartPole-v1 by this name: its own steps, and rewards of 1."""
    pure = Functional(environment_of(TASKS["cartpole"]()))
    obs, state = jax.jit(pure.reset)(jax.random.key(0))
    step = jax.jit(pure.step)
    for t in range(30):
        obs, state, reward, done, _ = step(jax.random.key(t), state, 1)
        assert reward == 1
        if done:
            break
    assert 5 < t < 15 and np.abs(obs).max() <= 0.05, "a pole pushed one way falls, and another stands"


def test_the_interfaces_are_optional():
    """Nothing but the adapters imports what the extra brings, and nothing imports the adapters."""
    adapters = {"gymnasium_env.py", "pettingzoo_env.py", "registration.py", "functional.py"}
    for package in ("sim", "agents", "evolution", "viz", "experiments"):
        for path in (ROOT / package).rglob("*.py"):
            nodes = list(ast.walk(ast.parse(path.read_text())))
            froms = [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
            plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
            known = {name.split(".")[0] for name in froms + plain} & {"gymnasium", "pettingzoo", "gymnax"}
            assert not known or path.name in adapters, path
            assert path.name in adapters or not any("_env" in name and "environments" in name for name in froms + plain)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {one.split(">")[0] for one in project["optional-dependencies"]["interfaces"]} == {"gymnasium", "pettingzoo"}
