"""neat-python beside ours: genomes go out and come back the same, and its search runs as it does by itself.

Round trips are held gene by gene, by id: rows may move. The search is compared with `neat.Population.run` to
the bit, and with itself after every kind of interruption.
"""

import json
import random
import warnings
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import neat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import activations, aggregations, dense
from evolution.genome import HIDDEN, BrainConfig, Genome, connection_id
from evolution.interchange import PARTS, from_neat, known_keys, parsed, to_neat
from evolution.neat_python import NeatPython, freeze, thaw
from evolution.neat_python_config import config_text
from evolution.phenotype import dynamics, networks

INPUTS, OUTPUTS, MOST_HIDDEN, MOST = 3, 2, 5, 12
ACTIVATIONS, AGGREGATIONS = tuple(activations.FUNCTIONS), tuple(aggregations.FUNCTIONS)
FULL = BrainConfig(
    hidden=MOST_HIDDEN,
    connections=MOST,
    activations=ACTIVATIONS,
    aggregations=AGGREGATIONS,
    dynamics="ctrnn",
    response=True,
    time_step=0.02,
)
XOR = BrainConfig(
    hidden=4,
    connections=16,
    activations=("sigmoid", "tanh"),
    dynamics="feedforward",
    founder_topology="layered",
)
KEY = jax.random.key(3)
floats = partial(st.floats, width=32, allow_nan=False, allow_infinity=False)


@st.composite
def genomes(draw):
    """A batch `[2, ...]` of any genomes, with holes between their rows."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), draw(one_genome()), draw(one_genome()))


@st.composite
def one_genome(draw):
    ids = draw(st.lists(st.integers(HIDDEN, 2 * HIDDEN - 1), max_size=MOST_HIDDEN, unique=True))
    rows = draw(st.permutations([*ids, *[-1] * (MOST_HIDDEN - len(ids))]))
    node = np.array([*range(INPUTS, INPUTS + OUTPUTS), *rows], np.int32)
    real = node[node >= 0].tolist()
    pairs = st.tuples(st.sampled_from([*range(INPUTS), *real]), st.sampled_from(real))
    links = draw(st.lists(pairs, max_size=MOST, unique=True))
    places = draw(st.permutations(range(MOST)))[: len(links)]
    source, target = np.full(MOST, -1, np.int32), np.full(MOST, -1, np.int32)
    for place, (start, end) in zip(places, links, strict=True):
        source[place], target[place] = start, end
    on = source >= 0
    numbers = lambda size, low, high: np.array(draw(st.lists(floats(low, high), min_size=size, max_size=size)))
    kinds = lambda known: np.array([draw(st.integers(0, len(known) - 1)) for _ in node], np.int32)
    limit, step = FULL.weight_limit, float(np.float32(FULL.time_step * 2))
    return Genome(
        node=node,
        bias=np.where(node >= 0, numbers(len(node), -limit, limit), 0).astype(np.float32),
        activation=np.where(node >= 0, kinds(ACTIVATIONS), 0).astype(np.int32),
        innovation=np.where(on, np.asarray(connection_id(source, target)), -1).astype(np.int32),
        source=source,
        target=target,
        weight=np.where(on, numbers(MOST, -limit, limit), 0).astype(np.float32),
        rate=np.zeros(MOST, np.float32),
        enabled=on & np.array(draw(st.lists(st.booleans(), min_size=MOST, max_size=MOST))),
        refused=np.int32(0),
        aggregation=np.where(node >= 0, kinds(AGGREGATIONS), 0).astype(np.int32),
        response=np.where(node >= 0, numbers(len(node), -limit, limit), 0).astype(np.float32),
        time_constant=np.where(node >= 0, numbers(len(node), step, 1.0), 0).astype(np.float32),
    )


def genes_of(brain, genome, i):
    """Everything that both know of one genome, by id."""
    one = jax.tree.map(lambda leaf: np.asarray(leaf)[i], genome)
    pick = lambda column, row, blank: blank if column is None else column[row].item()
    nodes = {
        one.node[row].item(): (
            one.bias[row].item(),
            brain.activations[one.activation[row]],
            brain.aggregations[pick(one.aggregation, row, 0)],
            pick(one.response, row, 1.0),
            pick(one.time_constant, row, None),
        )
        for row in np.flatnonzero(one.node >= 0)
    }
    links = {
        (one.source[row].item(), one.target[row].item()): (
            one.innovation[row].item(),
            one.weight[row].item(),
            one.enabled[row].item(),
        )
        for row in np.flatnonzero(one.innovation >= 0)
    }
    return nodes, links


def theirs_of(genome):
    """Everything that both know of one of neat-python's genomes."""
    names = ("bias", "response", "time_constant", "activation", "aggregation")
    nodes = {key: tuple(getattr(node, name) for name in names) for key, node in genome.nodes.items()}
    return nodes, {key: (link.weight, link.enabled) for key, link in genome.connections.items()}


@given(genomes())
def test_ours_come_back_the_same(genome):
    theirs, config = to_neat(FULL, genome, INPUTS, OUTPUTS)
    brain, back = from_neat(theirs, config, replace(FULL, hidden=0, connections=4, activations=("tanh",)))
    assert brain == replace(FULL, hidden=brain.hidden, connections=brain.connections)
    for i in range(2):
        assert genes_of(brain, back, i) == genes_of(FULL, genome, i)
    again, _ = to_neat(brain, back, INPUTS, OUTPUTS)
    assert [theirs_of(one) for one in again] == [theirs_of(one) for one in theirs]


def test_ids_are_those_of_the_documentation():
    node = np.array([[INPUTS, INPUTS + 1, HIDDEN + 7]], np.int32)
    ends = np.array([[0, 2], [HIDDEN + 7, INPUTS + 1]], np.int32)
    small = replace(FULL, hidden=1, connections=2, dynamics="recurrent", response=False)
    small = replace(small, activations=("tanh",), aggregations=("sum",))
    zeros = lambda width, dtype=np.float32: np.zeros((1, width), dtype)
    genome = Genome(
        node=node,
        bias=zeros(3),
        activation=zeros(3, np.int32),
        innovation=np.array([[5, 6]], np.int32),
        source=ends[None, 0],
        target=ends[None, 1],
        weight=zeros(2) + 1,
        rate=zeros(2),
        enabled=zeros(2, bool),
        refused=np.zeros(1, np.int32),
    )
    (theirs,), config = to_neat(small, genome, INPUTS, OUTPUTS)
    assert list(theirs.nodes) == [0, 1, OUTPUTS + 7] and list(theirs.connections) == [(-1, OUTPUTS + 7), (-3, 1)]
    assert [link.innovation for link in theirs.connections.values()] == [5, 6]
    assert config.genome_config.get_new_node_key(theirs.nodes) not in theirs.nodes


def evolved_theirs(generations=12, text=None, seed=5):
    """A population of neat-python's own, after some generations of random selection."""
    algorithm = NeatPython(XOR, INPUTS, OUTPUTS, population=60, text=text or wild_text())
    state, rng = algorithm.seeded(seed), np.random.default_rng(0)
    for _ in range(generations):
        state = algorithm.tell(KEY, state, rng.normal(size=60))
    return list(state.genomes.values()), algorithm.config()


def wild_text():
    """A config in which everything varies."""
    text = config_text(replace(FULL, dynamics="recurrent", founder_topology="layered"), INPUTS, OUTPUTS, 60)
    lines = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
    rates = [name for name in lines if name.endswith("_mutate_rate")]
    for name in [*rates, "node_add_prob", "conn_add_prob", "bias_init_stdev"]:
        text = text.replace(f"{name} = {lines[name]}", f"{name} = 0.5")
    return text


def test_theirs_come_back_the_same_but_for_float32():
    theirs, config = evolved_theirs()
    assert max(len(one.nodes) for one in theirs) > OUTPUTS + 3
    base = BrainConfig(hidden=0, connections=4, time_step=1e-3)
    for brain in (base, replace(base, dynamics="ctrnn")):
        shape, genome = from_neat(theirs, config, brain)
        back, _ = to_neat(shape, genome, INPUTS, OUTPUTS)
        continuous = shape.dynamics == "ctrnn"
        for one, other in zip(theirs, back, strict=True):
            nodes, links = theirs_of(one)
            short = lambda value: float(np.float32(value)) if isinstance(value, float) else value
            if not continuous:
                nodes = {key: (*node[:2], 1.0, *node[3:]) for key, node in nodes.items()}
            assert theirs_of(other) == (
                {key: tuple(map(short, node)) for key, node in nodes.items()},
                {key: tuple(map(short, link)) for key, link in links.items()},
            )


def test_imported_genomes_compute_what_theirs_do():
    theirs, config = evolved_theirs(text=config_text(replace(XOR, founder_topology="layered"), INPUTS, OUTPUTS, 60))
    brain, genome = from_neat(theirs, config)
    assert brain.dynamics == "feedforward" and brain.activations == XOR.activations
    obs = np.random.default_rng(1).uniform(-1, 1, (INPUTS, 60)).astype(np.float32)
    nets = networks(brain, INPUTS, genome)
    got = dense.think(dynamics(brain), nets, dense.rest(nets, 1), jnp.asarray(obs)[:, None])
    for i, one in enumerate(theirs):
        expected = neat.nn.FeedForwardNetwork.create(one, config).activate(obs[:, i].tolist())
        np.testing.assert_allclose(got[:OUTPUTS, 0, i], expected, rtol=1e-5, atol=1e-5)


def test_what_has_no_counterpart_is_refused():
    theirs, config = evolved_theirs(2)
    theirs[3].nodes[0].activation = "wobble"
    with pytest.raises(ValueError, match="wobble"):
        from_neat(theirs, config)
    theirs, config = evolved_theirs(2)
    with pytest.raises(ValueError, match="time constant"):
        from_neat(theirs, config, BrainConfig(dynamics="ctrnn", time_step=9.0))
    with pytest.raises(ValueError, match="3 inputs and 2 outputs, wanted 4 and 2"):
        NeatPython(XOR, INPUTS + 1, OUTPUTS, population=60, text=wild_text()).init(KEY)
    sigmoid = NeatPython(replace(XOR, activations=("sigmoid",)), INPUTS, OUTPUTS, population=60, text=wild_text())
    founders = sigmoid.init(KEY)
    next(iter(founders.genomes.values())).nodes[0].activation = "gauss"
    with pytest.raises(ValueError, match="gauss is none of the config's sigmoid"):
        sigmoid.fitting(founders).ask(KEY, founders)


def test_the_population_is_the_searchs_whatever_the_config_says():
    search = NeatPython(XOR, INPUTS, OUTPUTS, population=20, text=wild_text())
    assert len(search.init(KEY).genomes) == 20


def test_exported_genomes_go_on_evolving_in_neat_python():
    theirs, config = evolved_theirs()
    brain, genome = from_neat(theirs, config)
    out, config = to_neat(brain, genome, INPUTS, OUTPUTS)
    keys = {node for one in out for node in one.nodes}
    random.seed(1)
    for mother, father in zip(out, reversed(out), strict=True):
        mother.fitness, father.fitness = 1.0, 0.0
        child = neat.DefaultGenome(0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it warns of clashing innovation numbers
            child.configure_crossover(mother, father, config.genome_config)
        for _ in range(3):
            child.mutate_add_node(config.genome_config)
        assert len(set(child.nodes) - keys) == 3


@pytest.mark.parametrize("brain", [FULL, XOR, BrainConfig()], ids=["ctrnn", "feedforward", "default"])
def test_a_config_without_a_file_is_the_one_that_neat_python_reads(brain, tmp_path):
    text = config_text(brain, INPUTS, OUTPUTS, 77)
    path = tmp_path / "config"
    path.write_text(text)
    mine, read = parsed(text), neat.Config(*PARTS, str(path))
    plain = lambda config: {name: value for name, value in vars(config).items() if not name.startswith("_")}
    numbers = lambda value: isinstance(value, (int, float, str, bool, list, type(None)))
    for part in ("genome_config", "reproduction_config", "species_set_config", "stagnation_config"):
        one, other = plain(getattr(mine, part)), plain(getattr(read, part))
        assert one.keys() == other.keys()
        assert [name for name in one if numbers(other[name]) and one[name] != other[name]] == []
    own = {name: value for name, value in vars(read).items() if not name.endswith("_config")}
    assert own == {name: value for name, value in vars(mine).items() if not name.endswith("_config")}
    sections, unwritten = known_keys(), {"seed", "enabled_rate_to_true_add", "enabled_rate_to_false_add"}
    written = {line.split(" = ")[0] for line in text.splitlines() if " = " in line}
    assert written == {name for keys in sections.values() for name in keys} - unwritten


def xor_fitness(genome, config):
    """neat-python's own XOR example."""
    net = neat.nn.FeedForwardNetwork.create(genome, config)
    cases = [(a, b, 1.0, a != b) for a in (0.0, 1.0) for b in (0.0, 1.0)]
    return 4.0 - sum((net.activate(case[:3])[0] - case[3]) ** 2 for case in cases)


def score(algorithm, state):
    config = algorithm.config()
    return np.array([xor_fitness(one, config) for one in state.genomes.values()], np.float32)


def same(state, other):
    """Whether two states are equal to the bit."""
    (arrays, meta), (others, other_meta) = freeze(state), freeze(other)
    assert arrays.keys() == others.keys() and meta == other_meta
    return all(arrays[name].tobytes() == others[name].tobytes() for name in arrays)


@pytest.fixture(scope="module")
def search():
    brain = replace(XOR, activations=("sigmoid", "tanh", "gauss"))
    text = config_text(brain, 3, 1, 50).replace("node_add_prob = 0.04", "node_add_prob = 0.3")
    text = text.replace("max_stagnation = 15", "max_stagnation = 4")
    text = text.replace("compatibility_threshold = 3", "compatibility_threshold = 1.2")
    return NeatPython(brain, 3, 1, population=50, text=text)


@pytest.fixture(scope="module")
def run(search):
    """States of 15 generations; everybody else draws from the process's generator meanwhile."""
    states = [search.seeded(11)]
    for _ in range(14):
        random.random()
        states.append(search.tell(KEY, states[-1], score(search, states[-1])))
    return states


def test_the_search_is_neat_pythons_own(search, run):
    """Against `neat.Population.run` with the same seed: equal genomes, species and keys in every generation."""
    population = neat.Population(search.config(), seed=11)

    def evaluate(pairs, config):
        state = run[population.generation]
        assert [key for key, _ in pairs] == list(state.genomes)
        for (_, genome), mine in zip(pairs, state.genomes.values(), strict=True):
            assert theirs_of(genome) == theirs_of(mine)
            innovations = [link.innovation for link in genome.connections.values()]
            assert innovations == [link.innovation for link in mine.connections.values()]
            genome.fitness = float(np.float32(xor_fitness(genome, config)))
        species = {key: sorted(kind.members) for key, kind in population.species.species.items()}
        assert species == {kind.key: sorted(kind.members) for kind in state.species}

    population.run(evaluate, 14)
    assert run[-1].next_node is not None and len({len(state.species) for state in run}) > 1
    assert {state.species[0].key for state in run} != {1}, "no species ever ended"


def test_a_killed_and_resumed_search_is_the_same(search, run):
    for stop in (0, 1, 9):
        arrays, meta = freeze(run[stop])
        meta = json.loads(json.dumps(meta))
        assert {array.dtype.name for array in arrays.values()} <= {"bool", "int32", "uint32", "float32"}
        state = thaw({name: array.copy() for name, array in arrays.items()}, meta)
        assert same(state, run[stop])
        for expected in run[stop + 1 :]:
            state = search.tell(KEY, state, score(search, state))
            assert same(state, expected)


def test_saving_uses_up_no_key(search, run):
    state = search.seeded(11)
    for expected in run[1:]:
        for _ in range(3):
            freeze(state)
        state = search.tell(KEY, state, score(search, state))
        assert same(state, expected)


def test_tell_is_pure_and_leaves_the_process_its_generator(search, run):
    fitness, frozen = score(search, run[5]), freeze(run[5])
    random.seed(4)
    before = random.getstate()
    one, other = search.tell(KEY, run[5], fitness), search.tell(KEY, run[5], fitness)
    assert random.getstate() == before
    assert same(one, other) and same(one, run[6])
    assert {name: array.tobytes() for name, array in frozen[0].items()} == {
        name: array.tobytes() for name, array in freeze(run[5])[0].items()
    }
    with pytest.raises(ValueError):
        search.tell(KEY, run[5], fitness[:-1])
    assert random.getstate() == before


def test_seeds_and_keys_decide(search):
    assert same(search.init(jax.random.key(1)), search.init(jax.random.key(1)))
    assert not same(search.init(jax.random.key(1)), search.init(jax.random.key(2)))


def test_asked_genomes_are_the_population(search, run):
    for state in (run[0], run[-1]):
        genome, after = search.fitting(state).ask(KEY, state)
        assert after is state
        brain, expected = from_neat(list(state.genomes.values()), search.config())
        for i in range(search.population):
            assert genes_of(search.brain, genome, i) == genes_of(brain, expected, i)
        room = search.room(state)
        assert room[0] == (np.asarray(genome.node) >= HIDDEN).sum(1).max()
        assert room[1] == (np.asarray(genome.innovation) >= 0).sum(1).max()
        names, sizes = search.species(state)
        assert sizes.sum() == search.population and len(set(names.tolist())) == len(names)
        assert search.measures(state)["species"] == len(names)


def test_arrays_grow_where_neat_python_does_and_the_run_stays_the_same(search, run):
    tiny = replace(search, brain=replace(search.brain, hidden=0, connections=4))
    wider = tiny.fitting(run[0], run[-1])
    need = np.maximum(search.room(run[0]), search.room(run[-1]))
    assert (need > (0, 4)).all() and wider.brain.hidden >= need[0] and wider.brain.connections >= need[1]
    assert wider.fitting(run[0]) == wider, "arrays never shrink"
    assert wider.ask(KEY, run[-1])[0].weight.shape == (50, wider.brain.connections)
    assert same(wider.tell(KEY, run[3], score(search, run[3])), run[4])


def test_failed_genomes_are_worst_and_a_dead_population_is_founded_anew(search, run):
    fitness = score(search, run[2])
    worst = fitness.copy()
    fitness[::3], worst[::3] = np.nan, worst[1::3].min() - 100
    fitness[0] = -np.inf
    told = search.tell(KEY, run[2], fitness)
    best = max(range(50), key=lambda i: -np.inf if i % 3 == 0 else fitness[i])
    assert list(run[2].genomes)[best] in told.genomes, "the champion is kept"
    for kind in run[2].species:  # the best of a species is never one that failed, if another did not
        able = [key for i, key in enumerate(run[2].genomes) if key in kind.members and i % 3]
        kept = set(kind.members) & set(told.genomes)
        assert not able or kept <= set(able)
    search.tell(KEY, run[2], np.full(50, np.nan))
    dying = replace(search, text=search.text.replace("species_elitism = 1", "species_elitism = 0"))
    state = dying.seeded(1)
    for _ in range(8):
        state = dying.tell(KEY, state, np.zeros(50))
    assert len(state.genomes) == 50 and min(state.genomes) > 50
