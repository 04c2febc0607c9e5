"""Senses and acts are named one by one, and those that a config switches off take no room and no time."""

from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sim import actions, senses, step
from sim.body import founder_bodies
from sim.config import SENSES, WorldConfig, WorldParams
from tests.worlds import BRAIN, EVERYTHING, LUSH, found

SWITCHES = ("meat", "poison", "obstacles", "scent", "seasons", "bite", "give")


def rapt(num: int):
    """A policy that does nothing and remembers what it saw last."""
    return lambda key, mind, memory, obs: (obs, jnp.zeros(num))


def genesis(key, config: WorldConfig):
    return step.genesis(key, config, WorldParams(), 8, founder_bodies(5), jnp.zeros(5))


def outline(config: WorldConfig):
    """Shapes of a world of 8 slots, of its observations, and of the world after a tick."""

    def life(key):
        world = genesis(key, config)
        after, obs, _ = step.tick(key, config, WorldParams(), rapt(len(actions.names(config))), world, None, None)
        return world, obs, after

    return jax.eval_shape(life, jax.random.key(0))


free = st.builds(
    WorldConfig,
    width=st.sampled_from([16, 20, 32]),
    height=st.sampled_from([16, 24]),
    boundary=st.sampled_from(["torus", "walled"]),
    meat=st.booleans(),
    poison=st.booleans(),
    obstacles=st.booleans(),
    scent=st.booleans(),
    sound_channels=st.integers(0, 3),
    seasons=st.booleans(),
    bite=st.booleans(),
    give=st.booleans(),
    breeding=st.sampled_from(["asexual", "sexual", "both"]),
    senses=st.lists(st.sampled_from(SENSES), min_size=1, unique=True).map(tuple),
    retina_rays=st.integers(1, 6),
    retina_distances=st.sampled_from([(1.5,), (1.5, 3.0), (2.0, 3.0, 5.0)]),
)
landscapes = st.one_of(
    st.just({"automaton": "none"}),
    st.fixed_dictionaries(
        {
            "automaton": st.sampled_from(["plants", "obstacles", "both"]),
            "automaton_toggle": st.sampled_from(["none", "flip", "sham"]),
            "automaton_wander": st.booleans(),
        }
    ),
)
configs = st.builds(lambda config, landscape: replace(config, **landscape), free, landscapes)


@settings(max_examples=25)
@given(configs)
def test_names_match_widths_in_every_config(config):
    assume(senses.names(config))
    world, obs, after = outline(config)
    assert obs.shape == (8, len(senses.names(config)))
    assert world.action.shape == (8, len(actions.names(config)))
    assert len(set(senses.names(config))) == len(senses.names(config))
    assert jax.tree.map(lambda a: (a.shape, a.dtype), world) == jax.tree.map(lambda a: (a.shape, a.dtype), after)
    for switch, field in (("meat", "meat"), ("poison", "poison"), ("scent", "scent"), ("sound_channels", "sound")):
        assert (getattr(world, field) is None) == (not getattr(config, switch))
    assert (world.rock is None) == (not config.rocks)
    assert (world.automaton is None) == (config.automaton == "none")


@pytest.mark.parametrize("sense", SENSES)
def test_a_sense_switched_off_takes_exactly_its_names_away(sense):
    prefix = {
        "retina": "ray", "hearing": "hear", "smell": "smell.", "touch": ("here.", "touch."),
        "light": "light.", "self": "self.", "last_action": "last.",
    }[sense]  # fmt: skip
    less = replace(EVERYTHING, senses=tuple(s for s in SENSES if s != sense))
    gone = [name for name in senses.names(EVERYTHING) if name.startswith(prefix)]
    assert gone
    assert list(senses.names(less)) == [name for name in senses.names(EVERYTHING) if name not in gone]


@pytest.mark.parametrize("switch, acts, sights", [("bite", ["bite"], []), ("give", ["give"], []),
    ("sound_channels", ["emit0", "emit1"], ["hear"]), ("meat", [], ["meat"]), ("poison", [], ["poison"]),
    ("obstacles", [], ["obstacle"]), ("scent", [], ["smell"]), ("seasons", [], ["light"])])  # fmt: skip
def test_what_the_world_lacks_is_neither_done_nor_sensed(switch, acts, sights):
    off = 0 if switch == "sound_channels" else False
    less = replace(EVERYTHING, **{switch: off})
    assert [a for a in actions.names(EVERYTHING) if a not in actions.names(less)] == acts
    lost = set(senses.names(EVERYTHING)) - set(senses.names(less))
    assert all(any(word in name for word in (*sights, *acts)) for name in lost)
    assert not any(word in name for name in senses.names(less) for word in sights)
    assert program_size(less) < program_size(EVERYTHING)


@cache
def program_size(config: WorldConfig) -> int:
    """Operations in the program of one tick."""

    def tick(key, world):
        return step.tick(key, config, WorldParams(), rapt(len(actions.names(config))), world, None, None)

    world = jax.eval_shape(partial(genesis, config=config), jax.random.key(0))
    return str(jax.make_jaxpr(tick)(jax.random.key(0), world)).count(" = ")


def test_creatures_know_themselves():
    world = found(jax.random.key(0), EVERYTHING, BRAIN, 64).world
    rng = np.random.default_rng(0)
    world = replace(
        world,
        action=jnp.asarray(rng.uniform(-1, 1, world.action.shape), jnp.float32),
        gain=jnp.asarray(rng.random(64), jnp.float32),
        pain=jnp.asarray(rng.random(64), jnp.float32),
        health=jnp.asarray(rng.random(64), jnp.float32),
        age=jnp.asarray(rng.integers(0, 100, 64), jnp.int32),
    )
    obs = np.asarray(jax.jit(senses.observe, static_argnums=0)(EVERYTHING, LUSH, world))[:40]
    index = {name: i for i, name in enumerate(senses.names(EVERYTHING))}
    body = world.body
    expected = {
        "self.energy": world.energy / (LUSH.energy_capacity * body.size),
        "self.health": world.health,
        "self.age": world.age / body.lifespan,
        "self.gain": 4 * world.gain,
        "self.pain": 4 * world.pain,
    } | {f"last.{name}": world.action[:, i] for i, name in enumerate(actions.names(EVERYTHING))}
    for name, value in expected.items():
        np.testing.assert_allclose(obs[:, index[name]], np.asarray(value)[:40], rtol=1e-6, err_msg=name)
