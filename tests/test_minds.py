"""Minds as data: policies come back to the bit, and what is no mind of this world is told in one line."""

from __future__ import annotations

import json
from dataclasses import replace

import jax
import numpy as np
import pytest

from agents import learned
from agents.learned import Network
from evolution.genome import BrainConfig
from evolution.tasks.forage import Forage
from experiments import checkpoint, cli, config, crowd, genomes, minds
from experiments.config import Experiment, SearchConfig
from experiments.errors import UserError
from experiments.minds import decode_policy, encode_policy
from experiments.simulation import Simulation
from sim import actions, senses
from tests.test_arena import BRAIN, HOME, INPUTS, MENU, OUTPUTS, WORLD

ENDS = senses.names(WORLD), actions.names(WORLD)
NETWORKS = {
    "menu": Network(INPUTS, OUTPUTS, hidden=(3,), menu=MENU),
    "gated": Network(INPUTS, OUTPUTS, hidden=(), recurrent=2, head="gaussian", bounds=(-0.5, 1.0)),
}


def weights(network: Network):
    """Weights with all kinds of float32 among them: tiny, huge, negative, no short decimal."""
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda: learned.init(jax.random.key(0), network))
    scale = lambda shape: np.float32(10.0) ** rng.integers(-30, 30, shape).astype(np.float32)
    return {n: rng.normal(size=s.shape).astype(np.float32) * scale(s.shape) for n, s in shapes.items()}


def document(name: str = "menu", **changes):
    out = encode_policy(NETWORKS[name], weights(NETWORKS[name]), *ENDS) | changes
    return {key: value for key, value in out.items() if value is not None}


@pytest.mark.parametrize("name", NETWORKS)
def test_policies_come_back_to_the_bit(name):
    network, back = decode_policy(json.loads(json.dumps(document(name))))
    assert network == NETWORKS[name]
    for key, leaf in weights(network).items():
        assert back[key].dtype == np.float32 and back[key].tobytes() == leaf.tobytes()
    assert encode_policy(network, back, *ENDS) == document(name)


def test_names_must_fit_the_network():
    with pytest.raises(ValueError, match=f"1 inputs and {OUTPUTS} outputs for a network of {INPUTS} and {OUTPUTS}"):
        encode_policy(NETWORKS["menu"], weights(NETWORKS["menu"]), ["one"], ENDS[1])


def bent(name: str, value):
    """The document with other weights of one name."""
    return document(weights={**document()["weights"], name: value})


def shaped(**changes):
    """The document of a network of another shape."""
    return document(network=document()["network"] | changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (lambda: document(format="firstword policy 2"), "format is 'firstword policy 2', wanted 'firstword policy 1'"),
        (lambda: [], r"format is \[\], wanted"),
        (lambda: document(network=None), "lacks 'network'"),
        (lambda: document(network={"inputs": 3}), "malformed"),
        (
            lambda: document(network=document()["network"] | {"head": "mouth"}),
            "head is 'mouth'; it must be one of menu",
        ),
        (lambda: document(network=document()["network"] | {"head": "value"}), "head 'value' has no policy"),
        (lambda: shaped(bounds=[1]), r"bounds is \[1\], wanted two numbers, the lower first"),
        (lambda: shaped(bounds="ab"), "bounds is 'ab', wanted"),
        (lambda: shaped(bounds=[1, 1]), r"bounds is \[1, 1\], wanted"),
        (lambda: shaped(bounds=[0, float("inf")]), r"bounds is \[0, inf\], wanted"),
        (lambda: shaped(bounds=[False, True]), r"bounds is \[False, True\], wanted"),
        (lambda: shaped(menu=["ab" * (OUTPUTS // 2)]), r"menu is \['abab'\], wanted actions of 4 finite numbers"),
        (lambda: shaped(menu=[[0] * OUTPUTS, [float("nan")] * OUTPUTS]), "wanted actions of 4 finite numbers"),
        (lambda: shaped(menu=[[10**400] * OUTPUTS]), "malformed: int too large"),
        (lambda: shaped(menu=7), "malformed"),
        (lambda: shaped(inputs=2.5), "inputs is 2.5, wanted whole numbers of at least 1"),
        (lambda: shaped(outputs=4.0), "outputs is 4.0, wanted"),
        (lambda: shaped(hidden=[3, 0]), r"hidden is \[3, 0\], wanted"),
        (lambda: shaped(hidden="ab"), "hidden is 'ab', wanted"),
        (lambda: shaped(recurrent=-1), "recurrent is -1, wanted whole numbers of at least 0"),
        (lambda: shaped(recurrent=None), "recurrent is None, wanted"),
        (lambda: document(weights={}), "weights lack 'head.bias'"),
        (lambda: bent("more", [1.0]), "weights have 'more'"),
        (lambda: bent("head.bias", [1.0]), r"head.bias is \[1\], wanted \[2\]"),
        (lambda: bent("head.bias", [1.0, None]), "head.bias is not a finite number everywhere"),
        (lambda: document(inputs=["one"]), f"names 1 inputs and {OUTPUTS} outputs of {INPUTS} and {OUTPUTS}"),
    ],
)
def test_what_is_no_policy_is_told(changes, told):
    with pytest.raises(ValueError, match=told) as error:
        decode_policy(changes())
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Files and folders of minds: policies, a genome, a natural run that is over at tick 0, and two searches."""
    path = tmp_path_factory.mktemp("minds")
    genome = jax.tree.map(lambda leaf: leaf[0], crowd._founders(jax.random.key(0), BRAIN, (INPUTS, OUTPUTS), 2))
    genome = genomes.encode(BRAIN, jax.tree.map(np.asarray, genome), *ENDS)
    (path / "policy.json").write_text(json.dumps(document()))
    (path / "genome.json").write_text(json.dumps(genome))
    state = jax.eval_shape(lambda: Simulation.start(HOME).state)
    state = jax.tree.map(lambda leaf: np.ones(leaf.shape, leaf.dtype), state)  # everybody lives
    checkpoint.save(path / "natural/checkpoints", 0, checkpoint.flatten(state), {}, 1)
    (path / "natural/config.toml").write_text(config.resolved(HOME))
    search = replace(HOME, search=SearchConfig("neat"), task=Forage(world=WORLD))
    for name, kept in (("champions", [genome] * 11), ("learned", [document()] * 2), ("empty", [])):
        (path / name / "genomes").mkdir(parents=True)
        (path / name / "config.toml").write_text(config.resolved(search))
        for number, one in enumerate(kept):
            one = one | {"connections": one["connections"][:number]} if name == "champions" else one
            (path / name / f"genomes/best-{number}.json").write_text(json.dumps(one))
    return path


def read(places, *words: str, experiment: Experiment = HOME):
    return minds.read([word.replace("@", f"{places}/") for word in words], experiment)


def test_minds_of_every_kind_are_read(places):
    kinds = read(
        places, "random", "greedy", "founders", "@natural", "@champions", "@learned", "@policy.json", "me=@genome.json"
    )
    names = ["random", "greedy", "founders", "natural", "champions", "learned", "policy", "me"]
    assert [kind.name for kind in kinds] == names
    sorts = ["random", "greedy", *["evolved"] * 3, "learned", "learned", "evolved"]
    assert [kind.thinks for kind in kinds] == sorts
    by_name = {kind.name: kind for kind in kinds}
    assert by_name["founders"].brains == (BRAIN,) and not by_name["greedy"].brains
    ((brain, genome, body),) = by_name["natural"].pools
    assert brain == BRAIN and genome.node.shape[0] == 32 == body.size.shape[0]
    lengths = [int((np.asarray(pool[1].innovation) >= 0).sum()) for pool in by_name["champions"].pools]
    assert lengths == list(range(11))  # best-10 last, not after best-1
    assert len(by_name["learned"].policies) == 2 and by_name["policy"].network == NETWORKS["menu"]


WIDER = replace(HOME, world=replace(WORLD, poison=True))
BLIND = replace(HOME, world=replace(WORLD, senses=("self",)))
CTRNN = replace(HOME, brain=BrainConfig(dynamics="ctrnn"))


@pytest.mark.parametrize(
    ("words", "told", "experiment"),
    [
        (["gredy"], "--minds 'gredy': must be random, greedy, founders, .*; did you mean greedy?", HOME),
        (["random", "random"], "two are called 'random'; give other names, such as a=random b=random", HOME),
        (["greedy"], "greedy minds need retina and touch, which this world has not", BLIND),
        (["founders"], "'founders': its networks have dynamics = 'ctrnn'; those that live in worlds have", CTRNN),
        (["@empty"], "has kept no minds; it writes run.sample_genomes of them", HOME),
        (["@policy.json"], "its inputs are not those of creatures here: it lacks ray0.poison, ray1.poison", WIDER),
        (["@genome.json"], "it has ray0.plant, ray0.size, ray0.diet and [0-9]+ more", BLIND),
        (["@natural"], "it lacks ray0.poison, ray1.poison, ray2.poison and 1 more$", WIDER),
        (["@"], "is not a run folder", HOME),
    ],
)
def test_what_is_no_mind_of_this_world_is_told(places, words, told, experiment):
    with pytest.raises(UserError, match=told) as error:
        read(places, *words, experiment=experiment)
    assert "\n" not in str(error.value)


def test_files_that_hold_no_mind_are_told(tmp_path):
    for text, told in (
        ("{", "cannot be used"),
        ("[1]", "wanted 'firstword genome 1'"),
        ('{"format": "firstword policy 1"}', "lacks"),
    ):
        (tmp_path / "odd.json").write_text(text)
        with pytest.raises(UserError, match=told) as error:
            read(tmp_path, "@odd.json")
        assert "\n" not in str(error.value)


def test_policies_of_different_shapes_are_no_one_kind(places, tmp_path):
    (tmp_path / "genomes").mkdir()
    (tmp_path / "config.toml").write_text((places / "learned/config.toml").read_text())
    for number, name in enumerate(NETWORKS):
        (tmp_path / f"genomes/best-{number}.json").write_text(json.dumps(document(name)))
    with pytest.raises(UserError, match="networks of different shapes; give one file of them"):
        read(tmp_path, "a=@")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["assay", "arena", "forage"], "--minds"),
        (["assay", "arena", "cartpole", "--minds", "greedy", "random"], "'cartpole' has no world to live in"),
        (["assay", "arena", "forage", "--minds", "greedy"], "give two or more"),
        (["assay", "arena", "forage", "--minds", "greedy", "random", "--rare", "1"], "'1' must be a number between 0"),
        (["assay", "arena", "forage", "--minds", "greedy", "random", "--invader", "greedy"], "--invader goes with --r"),
        (["assay", "arena", "forage", "--minds", "greedy", "random", "--bodies", "owl"], "--bodies 'owl': must be one"),
        (["watch", "forage", "--minds", "gredy"], "did you mean greedy?"),
    ],
)
def test_the_command_refuses_in_one_line(capsys, words, told):
    assert cli.main(words) == cli.WRONG
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
