"""Minds written by hand do what they say, through the same senses and acts as evolved ones."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents import scripted
from sim import actions, senses
from tests.worlds import BRAIN, EVERYTHING, GREEDY, LUSH, RANDOM, Numbers, found, live

OBS = {name: i for i, name in enumerate(senses.names(EVERYTHING))}
ACT = {name: i for i, name in enumerate(actions.names(EVERYTHING))}
greedy = jax.jit(scripted.greedy_policy(EVERYTHING, LUSH))
random = jax.jit(scripted.random_policy(EVERYTHING))


def greedy_act(**seen: float) -> dict[str, float]:
    """What the greedy mind does when it sees `seen` (names with `_` for `.`) and nothing else."""
    obs = np.zeros(len(OBS), np.float32)
    for name, value in seen.items():
        obs[OBS[name.replace("_", ".")]] = value
    _, action = greedy(jax.random.key(0), None, None, jnp.asarray(obs))
    return {name: float(action[i]) for name, i in ACT.items()}


def test_greedy_turns_to_food_and_from_poison_and_rock():
    assert greedy_act(ray2_plant=1.0)["turn"] > 0.5
    assert greedy_act(ray0_plant=1.0)["turn"] < -0.5
    assert greedy_act(ray1_plant=1.0)["turn"] == 0
    assert greedy_act(ray2_plant=1.0, ray2_poison=0.8, ray0_plant=0.5)["turn"] < -0.5
    assert greedy_act(ray2_plant=1.0, ray2_obstacle=0.8, ray0_plant=0.5)["turn"] < -0.5
    assert greedy_act(touch_bump=1.0)["turn"] == 1


def test_greedy_eats_what_is_not_mostly_poison_and_slows_down_for_it():
    assert greedy_act(here_plant=0.5)["eat"] > 0 and greedy_act(here_poison=0.5)["eat"] < 0
    assert greedy_act(here_plant=0.5)["thrust"] < 0 < greedy_act()["thrust"]
    assert greedy_act()["breed"] > 0
    assert greedy_act()["bite"] < 0 and greedy_act()["give"] < 0 and greedy_act()["emit0"] < 0


def test_greedy_says_which_senses_it_needs():
    with pytest.raises(ValueError, match="retina"):
        scripted.greedy_policy(replace(EVERYTHING, senses=("touch",)), LUSH)


def test_greedy_needs_no_poison_in_the_world():
    config = replace(EVERYTHING, poison=False, obstacles=False)
    obs = jnp.zeros(len(senses.names(config))).at[senses.names(config).index("here.plant")].set(0.5)
    _, action = scripted.greedy_policy(config, LUSH)(jax.random.key(0), None, None, obs)
    assert action.shape == (len(actions.names(config)),) and float(action[2]) > 0


def test_random_acts_are_uniform():
    keys = jax.random.split(jax.random.key(0), 4000)
    acts = np.asarray(jax.vmap(lambda k: random(k, None, None, jnp.zeros(len(OBS)))[1])(keys))
    assert acts.shape == (4000, len(ACT))
    assert np.all(np.abs(acts) <= 1)
    np.testing.assert_allclose(acts.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(acts.std(0), 1 / np.sqrt(3), atol=0.03)
    assert np.all(np.abs(np.corrcoef(acts.T) - np.eye(len(ACT))) < 0.08)


def test_the_greedy_forager_eats_more_than_the_random_one():
    """Where food is patchy and nobody breeds."""
    params = replace(LUSH, fertile=0.2, poison_share=0.3, founder_energy=0.3, maturity=1e6)
    intake = {}
    for kind in (GREEDY, RANDOM):
        colony = found(jax.random.key(1), EVERYTHING, BRAIN, 64, params)
        colony = replace(colony, mind=replace(colony.mind, kind=jnp.full(64, kind, jnp.int32)))
        _, totals = live(jax.random.key(1), EVERYTHING, BRAIN, Numbers(world=params), colony, 100)
        intake[kind] = int(totals["plant"])
    assert intake[GREEDY] > 1.5 * intake[RANDOM]
