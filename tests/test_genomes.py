"""Genomes as JSON: nothing is lost on the way out and back, and what is not a genome is told."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest

from experiments import genomes
from sim import actions, senses
from sim.body import GENES
from tests.tiny import grown
from tests.worlds import BRAIN, EVERYTHING

INPUTS, OUTPUTS = senses.names(EVERYTHING), actions.names(EVERYTHING)


def living():
    """Genomes of the living of the tiny run, on the host."""
    state = grown().sim.state
    for slot in np.flatnonzero(state.world.alive[0]):
        yield jax.tree.map(lambda leaf, i=slot: np.asarray(leaf[0, i]), state.mind.genome)


def genes(genome):
    """Node and connection genes as sorted rows of bits."""
    columns = [("node", "bias", "activation"), ("innovation", "source", "target", "weight", "rate", "enabled")]
    rows = [zip(*(np.asarray(getattr(genome, name)) for name in names), strict=True) for names in columns]
    return [sorted([value.tobytes() for value in row] for row in part if row[0] >= 0) for part in rows]


def test_genomes_come_back_to_the_bit():
    grew = 0
    for genome in living():
        document = genomes.encode(BRAIN, genome, INPUTS, OUTPUTS)
        again = genomes.decode(BRAIN, json.loads(json.dumps(document)))
        assert genes(again) == genes(genome)
        assert genomes.encode(BRAIN, jax.tree.map(np.asarray, again), INPUTS, OUTPUTS) == document
        assert [leaf.shape for leaf in jax.tree.leaves(again)] == [leaf.shape for leaf in jax.tree.leaves(genome)]
        np.testing.assert_array_equal(again.node[: len(OUTPUTS)], genome.node[: len(OUTPUTS)])
        grew += len(document["nodes"]) > len(OUTPUTS)
    assert grew, "nobody has a hidden node, so their way is untried"


def test_the_most_fertile_are_sampled_first():
    sim = grown().sim
    world = jax.tree.map(lambda leaf: np.asarray(leaf[0]), sim.state.world)
    sampled = list(genomes.sample(sim, 5))
    assert [name for name, _ in sampled] == [f"best-{rank}" for rank in range(5)]
    children = [document["offspring"] for _, document in sampled]
    assert children == sorted(world.offspring[world.alive], reverse=True)[:5]
    for _, document in sampled:
        (slot,) = np.flatnonzero(world.alive & (world.uid == document["uid"]))
        assert (document["tick"], document["world"]) == (200, 0)
        assert document["body"] == {name: float(getattr(world.body, name)[slot]) for name in GENES}
        assert sum(gene["enabled"] for gene in document["connections"]) == world.brain[slot]
    assert list(genomes.sample(sim, 0)) == [] and len(list(genomes.sample(sim, 10_000))) == world.alive.sum()


def spoiled(**changes):
    document = genomes.encode(BRAIN, next(living()), INPUTS, OUTPUTS)
    return {name: value for name, value in (document | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": "firstword genome 9"}, "format is 'firstword genome 9', wanted 'firstword genome 1'"),
        ({"nodes": None}, "lacks 'nodes'"),
        ({"connections": [{"innovation": 1}]}, "lacks 'source'"),
        ({"nodes": [{"id": 3, "bias": 0.0, "activation": "sine"}]}, "activation 'sine' is none of tanh, "),
        ({"nodes": [{"id": 2**40, "bias": 0.0, "activation": "tanh"}]}, "malformed"),
        ({"nodes": 7}, "malformed"),
    ],
)
def test_what_is_no_genome_is_told(changes, told):
    with pytest.raises(ValueError, match=told):
        genomes.decode(BRAIN, spoiled(**changes))


def test_a_genome_that_is_too_large_is_told():
    with pytest.raises(ValueError, match="do not fit"):
        genomes.decode(replace(BRAIN, connections=4), spoiled())
    with pytest.raises(ValueError, match="format"):
        genomes.decode(BRAIN, [1])
