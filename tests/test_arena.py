"""Minds of all kinds live by the same rules: each acts as it would alone, breeds true, and who invades whom is counted.

Every test shares one world, one list of kinds and so one compiled program.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents import learned, network, scripted
from agents.learned import Network
from evolution.genome import BrainConfig, express
from experiments import arena, crowd, invasion, simulation
from experiments.arena import Arena
from experiments.config import Experiment
from experiments.errors import UserError
from experiments.minds import Kind
from experiments.rollout import rollout
from sim import actions, senses
from sim.body import GENES, Body
from tests import FAST
from tests.worlds import BARE, LUSH

WORLD = replace(BARE, width=16, height=16, founders=16, max_agents=32, births_at_once=8)
WORLD = replace(WORLD, senses=("retina", "touch", "self"), retina_rays=3, retina_distances=(1.5, 3.0))
BRAIN = BrainConfig(hidden=2, connections=16, founder_connections=12)
HOME = Experiment(name="home", world=WORLD, params=LUSH, brain=BRAIN)
INPUTS, OUTPUTS = len(senses.names(WORLD)), len(actions.names(WORLD))
MENU = ((0.5, 1.0, 1.0, 1.0), (-0.5, -1.0, -1.0, -1.0))  # grazes and breeds; refuses all
CHOOSER = Network(INPUTS, OUTPUTS, hidden=(), menu=MENU)
GATED = Network(INPUTS, OUTPUTS, hidden=(4,), recurrent=3, head="gaussian")
SEEDS = 3
QUICK = partial(jax.jit, static_argnums=1, donate_argnums=3, compiler_options=FAST)
EVOLVED, CHOOSES, GREEDY, RECALLS = range(4)


@pytest.fixture(scope="module", autouse=True)
def quickly_compiled():
    """The rollout, compiled in half the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation, "rollout", QUICK(rollout.__wrapped__))
        yield


def chooser(choice: int):
    """Weights that choose one action of the menu whatever is observed."""
    weights = jax.tree.map(jnp.zeros_like, learned.init(jax.random.key(0), CHOOSER))
    return weights | {"head.bias": jnp.eye(2)[choice]}


def kinds(*choices: int) -> tuple[Kind, ...]:
    """One of each: founders, choosers of these actions by trial, the script, and a network with a memory."""
    gated = learned.init(jax.random.key(1), GATED) | {"head.bias": jnp.asarray([0.1, 0.2, 0.9, 0.9])}
    return (
        Kind("founders", "evolved", founders=BRAIN),
        Kind("chooser", "learned", network=CHOOSER, policies=tuple(map(chooser, choices))),
        Kind("greedy", "greedy"),
        Kind("gated", "learned", network=GATED, policies=(gated,)),
    )


@cache
def meeting(*choices: int) -> Arena:
    return Arena(HOME, kinds(*(choices or (0,))), SEEDS)


@cache
def released():
    """All kinds after 40 ticks, the births on the way, and the simulation after one tick."""
    sim, births = meeting(0, 1).released(range(4)), []
    sim.on_births = births.append
    start = jax.tree.map(np.asarray, sim.state)
    sim.advance(1)
    first = jax.tree.map(np.asarray, sim.state)
    sim.advance(40)
    return start, first, jax.tree.map(np.asarray, sim.state), births


@jax.jit
def alone(world, brain, weights):
    """What creatures `[N]` of a world would do as networks, by the script, and as networks with a blank memory."""
    params = jax.tree.map(jnp.float32, LUSH)
    obs = senses.observe(WORLD, params, world)
    net = network.policy(BRAIN.activations, OUTPUTS, "none", 0)
    gated, greedy = learned.policy(GATED), scripted.greedy_policy(WORLD, params)
    return (
        jax.vmap(net, (None, 0, 0, 0))(None, brain, network.blank_memory(brain), obs)[1],
        jax.vmap(lambda one: greedy(jax.random.key(0), None, None, one)[1])(obs),
        jax.vmap(lambda one: gated(None, weights, jnp.zeros(3), one)[1])(obs),
    )


def test_each_creature_acts_as_a_mind_of_its_kind_would_alone():
    start, first, _, _ = released()
    (gated,) = meeting().kinds[RECALLS].policies
    for w in range(SEEDS):
        world, mind = jax.tree.map(lambda leaf, w=w: leaf[w], (start.world, start.mind))
        acts = dict(zip((EVOLVED, GREEDY, RECALLS), map(np.asarray, alone(world, mind.brain, gated)), strict=True))
        acts[CHOOSES] = np.tile(np.float32(MENU[w % 2]), (world.num_slots, 1))  # two policies, dealt out by trial
        for kind, expected in acts.items():
            own = (mind.kind == kind) & world.alive
            assert own.sum() == 4
            sure = slice(1 if kind == GREEDY else 0, None)  # where it sees nothing, the script turns at random
            done = first.world.action[w][own][:, sure]
            np.testing.assert_allclose(done, np.clip(expected[own][:, sure], -1, 1), atol=2e-6)


def test_kinds_breed_true_and_a_newborn_remembers_nothing():
    _, _, last, births = released()
    rows = {name: np.concatenate([chunk[name] for chunk in births]) for name in births[0]}
    kind = {}
    for w in range(SEEDS):
        for slot in np.flatnonzero(last.world.uid[w] >= 0):
            kind[w, last.world.uid[w, slot]] = last.mind.kind[w, slot]
    pairs = [
        (kind[w, uid], kind[w, mother])
        for w, uid, mother in zip(rows["world"], rows["uid"], rows["mother"], strict=True)
        if (w, uid) in kind and (w, mother) in kind
    ]
    assert len(pairs) > 5 and all(child == parent for child, parent in pairs)
    newborn = last.world.alive & (last.world.age == 0)
    remembered = last.memory.learned[1]
    assert newborn.any() and not remembered[newborn].any()
    assert np.all(np.any(remembered[last.world.alive & ~newborn], axis=1))
    price = np.choose(last.mind.kind, [-1, learned.num_weights(CHOOSER), 0, learned.num_weights(GATED)])
    price = np.where(price < 0, last.mind.genome.enabled.sum(-1), price)
    np.testing.assert_array_equal(last.world.brain[last.world.alive], price[last.world.alive])


def test_who_refuses_to_live_loses_the_world():
    told = arena.contest(meeting(1), ticks=1000)
    assert [moment["tick"] for moment in told["course"]] == list(range(0, 1001, 100))
    assert told["course"][0] == {"tick": 0} | dict.fromkeys(meeting(1).names, 0.25)
    by_name = {row["mind"]: row for row in told["minds"]}
    assert by_name["chooser"]["mean"] == by_name["chooser"]["survives"] == 0 and told["extinct"] == 0
    assert sum(row["mean"] for row in told["minds"]) == pytest.approx(1)
    counts = np.array([[trial[name] for name in meeting(1).names] for trial in told["trials"]])
    share = counts / counts.sum(1, keepdims=True)
    assert [row["mean"] for row in told["minds"]] == pytest.approx(share.mean(0).tolist())
    assert [row["median"] for row in told["minds"]] == np.median(share, axis=0).tolist()
    first = [[own > max(np.delete(row, k)) for k, own in enumerate(row)] for row in counts]
    assert [row["leads"] for row in told["minds"]] == np.sum(first, axis=0).tolist()


def test_a_tie_is_nobodys_lead():
    counts = np.array([[3, 2, 1], [4, 4, 0], [1, 2, 2], [0, 0, 9], [2, 2, 2], [0, 0, 0]])
    assert arena.leads(arena.shares(counts)).tolist() == [1, 0, 1]


def test_an_invader_gets_minds_and_nothing_else():
    home = meeting().released([RECALLS])
    home.advance(20)
    before = jax.tree.map(np.asarray, home.state)
    invasion.invaded(meeting(), home, EVOLVED, 0.2)
    after = jax.tree.map(np.asarray, home.state)
    for old, new in zip(*(jax.tree.leaves(replace(s.world, brain=None)) for s in (before, after)), strict=True):
        np.testing.assert_array_equal(old, new)
    changed = after.mind.kind != before.mind.kind
    alive = before.world.alive
    assert changed.sum(1).tolist() == [max(1, round(0.2 * n)) for n in alive.sum(1)] and not (changed & ~alive).any()
    assert np.all(after.mind.kind[changed] == EVOLVED) and not after.memory.learned[1][changed].any()
    np.testing.assert_array_equal(after.world.brain[changed], after.mind.genome.enabled[changed].sum(1))
    np.testing.assert_array_equal(after.world.brain[~changed], before.world.brain[~changed])
    np.testing.assert_array_equal(after.memory.learned[1][~changed], before.memory.learned[1][~changed])


def test_the_living_invade_those_who_refuse_to_live():
    told = invasion.invasions(meeting(1), 0.25, "chooser", ticks=1000, settle=20)
    assert [(row["invader"], row["resident"]) for row in told["invasions"]] == [
        ("chooser", name) for name in ("founders", "greedy", "gated")
    ]
    assert all(row["verdict"] == "falls" and row["valid"] == SEEDS for row in told["invasions"])


def test_the_log_ratio_of_an_invasion():
    before = np.array([[9, 1], [9, 1], [8, 2], [0, 0], [9, 1]])
    after = np.array([[0, 6], [3, 0], [0, 0], [0, 0], [9, 1]])
    one, two = np.log((6.5 / 0.5) / (1.5 / 9.5)), np.log((0.5 / 3.5) / (1.5 / 9.5))
    np.testing.assert_allclose(invasion.change(before, after, 1), [one, two, np.nan, np.nan, 0])
    told = invasion.rise(before, after, 1, np.array([1.0, -1.0, 0.0, 0.0, np.nan]))
    assert (told["log_ratio"], told["drift"], told["excess"]) == pytest.approx(((one + two) / 2, 0, (one + two) / 2))
    assert (told["excess_low"], told["excess_high"]) == pytest.approx(
        (two + 1, one - 1)
    )  # a quarter of draws is one twice
    assert (told["verdict"], told["valid"], told["survives"], told["share"]) == ("rises", 2, 1, 0.5)
    assert invasion.rise(before[:1], after[:1] * 0, 1, np.zeros(1))["valid"] == 0


def test_equals_neither_rise_nor_fall():
    """Those who lose ground by chance alone are compared with the same creatures, who lose as much."""
    before, after = np.array([[19, 1]] * 10), np.array([[20, 0]] * 9 + [[15, 5]])
    drift = invasion.change(before, after, 1)
    assert arena.interval("x", drift, np.mean)["x_high"] < 0
    told = invasion.rise(before, after, 1, drift)
    assert (told["verdict"], told["excess"]) == ("undecided", 0)


def test_a_line_is_those_drawn_and_all_their_descendants():
    lines = [{1}, {2}]
    rows = [(0, 10, 1), (1, 10, 1), (1, 11, 2), (0, 11, 10), (0, 12, 2), (1, 12, 11), (0, 13, 11)]
    names = ("world", "uid", "mother")
    chunks = [dict(zip(names, np.array(part).T, strict=True)) for part in (rows[:3], rows[3:])]
    invasion.descend(lines, chunks)
    assert lines == [{1, 10, 11, 13}, {2, 11, 12}]
    sim = meeting().released([RECALLS])
    before, after = invasion.kept(meeting(), sim, 0.25, 40)
    assert before.tolist() == [[4, 12]] * SEEDS
    np.testing.assert_array_equal(after.sum(1), sim.populations())
    assert after[:, 0].sum() > 0


def test_pairs_by_mutual_invasion():
    verdicts = {("a", "b"): "rises", ("b", "a"): "rises", ("a", "c"): "falls", ("c", "a"): "rises"}
    verdicts |= {("b", "c"): "falls", ("c", "b"): "falls"}
    rows = [{"invader": i, "resident": r, "verdict": told} for (i, r), told in verdicts.items()]
    told = [row["outcome"] for row in invasion._pairs(("a", "b", "c"), rows)]
    assert told == ["coexistence: each invades the other", "c replaces a", "whoever is there first: neither invades"]
    rows[0]["verdict"] = "undecided"
    assert invasion._pairs(("a", "b", "c"), rows)[0]["outcome"] == "undecided"


def test_intervals():
    told = arena.interval("x", np.array([0.0, 1.0, np.nan]), np.mean)
    assert told == {"x": 0.5, "x_low": 0, "x_high": 1}  # means of two draws: 0, 1/2, 1 with 1/4, 1/2, 1/4
    assert arena.interval("x", np.full(5, 0.3), np.median) == {"x": 0.3, "x_low": 0.3, "x_high": 0.3}
    lone = arena.interval("x", np.array([0.3]), np.mean)
    assert lone["x"] == 0.3 and np.isnan(lone["x_low"]) and np.isnan(lone["x_high"])


def test_genomes_in_a_wider_config_are_the_same_networks():
    own = BrainConfig(hidden=1, connections=20, activations=("gauss", "tanh"), founder_connections=20)
    other = BrainConfig(hidden=4, connections=8, activations=("tanh", "relu"), plasticity="hebbian")
    into = crowd.joined((Kind("a", "evolved", founders=other), Kind("b", "greedy"), Kind("c", "evolved", founders=own)))
    assert into == replace(other, connections=20, activations=("tanh", "relu", "gauss"))
    genome = crowd._founders(jax.random.key(3), own, (INPUTS, OUTPUTS), 5)
    obs = jax.random.normal(jax.random.key(4), (5, INPUTS))

    wide = crowd.fitted(genome, own, into, OUTPUTS)
    assert wide.node.shape == (5, OUTPUTS + 4) and wide.weight.shape == (5, 20)

    def two_steps(config, genome):
        act = network.policy(config.activations, OUTPUTS, config.plasticity, 0)
        brain = jax.vmap(lambda one: express(config, INPUTS, one))(genome)
        memory, first = jax.vmap(act, (None, 0, 0, 0))(None, brain, network.blank_memory(brain), obs)
        return first, jax.vmap(act, (None, 0, 0, 0))(None, brain, memory, obs)[1]

    eager = replace(wide, rate=jnp.ones_like(wide.rate))
    steps = jax.jit(lambda *wide: (two_steps(own, genome), *(two_steps(into, one) for one in wide)))
    narrow, wide, learns = steps(wide, eager)
    np.testing.assert_array_equal(narrow, wide)
    assert np.any(narrow[0]) and np.any(learns[1] != narrow[1])


def test_what_cannot_meet_is_told():
    rules = [Kind(rule, "evolved", founders=replace(BRAIN, plasticity=rule)) for rule in ("hebbian", "reward")]
    with pytest.raises(UserError, match="hebbian learns by plasticity 'hebbian' and reward by 'reward'"):
        crowd.joined(rules)
    with pytest.raises(UserError, match="--bodies 'onw': must be one of founders, own, founders, chooser"):
        arena.contest(replace(meeting(), bodies="onw"))
    with pytest.raises(UserError, match="4 kinds for a world of 3 founders"):
        arena.contest(replace(meeting(), experiment=replace(HOME, world=replace(WORLD, founders=3))))
    with pytest.raises(UserError, match="give two or more"):
        arena.contest(Arena(HOME, kinds(0)[:1]))
    with pytest.raises(UserError, match="--invader 'me': must be one of founders, chooser, greedy, gated"):
        invasion.invasions(meeting(), invader="me")
    with pytest.raises(UserError, match="--bodies own: an invader gets the body of a resident"):
        invasion.invasions(replace(meeting(), bodies="own"))


def test_bodies_are_equal_unless_asked_otherwise():
    small = Body(**dict.fromkeys(GENES, np.full(32, 0.5, np.float32)))
    genome = crowd.drawn(jax.random.key(0), kinds(0)[EVOLVED], BRAIN, (INPUTS, OUTPUTS), 0, 32)[0].genome
    run = Kind("run", "evolved", pools=((BRAIN, genome, small),))
    both = Arena(HOME, (Kind("greedy", "greedy"), run), SEEDS)
    for bodies, sizes in (("founders", [1, 1]), ("own", [1, 0.5]), ("run", [0.5, 0.5]), ("greedy", [1, 1])):
        mind, body = replace(both, bodies=bodies).creatures(both.keys_of(0), 0, (0, 1), 2)
        assert body.size.tolist() == np.repeat(sizes, 2).tolist() and mind.kind.tolist() == [0, 0, 1, 1]
    lone = replace(both, bodies="run").creatures(both.keys_of(0), 0, (0,), 2)[1]
    assert lone.size.tolist() == [0.5, 0.5]  # of residents whom "run" does not meet yet


def test_no_key_of_a_meeting_is_another_of_its_world():
    key, own = meeting().keys[0], meeting().keys_of(0)
    listed = lambda keys: [tuple(one) for one in np.asarray(jax.random.key_data(keys)).reshape(-1, 2).tolist()]
    ticks = listed(jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(100)))
    used = listed(jnp.stack(own)) + listed(jax.random.split(own.draw, 4))
    assert len({*ticks, *used}) == len(ticks) + len(used) == 100 + 5 + 4
    garden = replace(meeting(), mingled=False).keys_of(0)
    assert listed(garden.draw) == ticks[3:4]  # of which published gardens are made


def test_thinking_is_free_unless_it_is_paid():
    assert meeting().params.world.brain_cost == 0
    assert replace(meeting(), paid=True).params.world.brain_cost == np.float32(LUSH.brain_cost)
