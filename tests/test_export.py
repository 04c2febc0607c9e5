"""Exported genomes: other programs read back every gene, and docs/interchange.md is true word for word."""

import json
import re
import shlex
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import jax
import jax.numpy as jnp
import neat
import numpy as np
import pytest
from hypothesis import given

from agents import dense
from agents.learned import Network
from evolution.genome import HIDDEN
from evolution.interchange import from_neat
from evolution.phenotype import dynamics, networks
from experiments import cli, config, export, genomes, minds, runfolder
from experiments.errors import UserError
from sim import actions, senses
from tests.test_ini import XOR
from tests.test_interchange import FULL, INPUTS, OUTPUTS, evolved_theirs, genes_of, one_genome, theirs_of
from tests.tiny import TINY

PAGE = (Path(__file__).parents[1] / "docs" / "interchange.md").read_text()
NAMES = tuple(f"in{i}" for i in range(INPUTS)), tuple(f"out{i}" for i in range(OUTPUTS))
SPACE = "{http://graphml.graphdrawing.org/xmlns}"
READS = {"string": str, "double": float, "long": int, "boolean": {"true": True, "false": False}.__getitem__}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


SNIPPET = next(block for block in blocks("python") if "import neat\n" in block)


@cache
def population():
    """Wild recurrent genomes of neat-python's, with its config, and the same here."""
    theirs, own = evolved_theirs()
    return theirs, own, *from_neat(theirs, own)


def search_run(path, count=3):
    """A run folder that keeps some of them, the second with the best fitness of those that solved the task."""
    _, _, brain, genome = population()
    run = runfolder.create(path, replace(config.load("or"), brain=replace(brain, hidden=256, connections=8192)))
    facts = [{"fitness": f, "solved": s, "world": w} for w, (f, s) in enumerate(zip([9, 5, 3], [0, 1, 1], strict=True))]
    documents = [
        genomes.encode(brain, jax.tree.map(lambda leaf, i=i: np.asarray(leaf)[20 * i + 7], genome), *NAMES) | facts[i]
        for i in range(count)
    ]
    run.keep_genomes([(f"best-{i}", document) for i, document in enumerate(documents)])
    run.close()
    return documents


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run"
    search_run(path)
    return path


def into_neat(folder, name, monkeypatch):
    """Genome and config that the snippet of the documentation makes of the exported files."""
    monkeypatch.chdir(folder)
    scope = {}
    exec(SNIPPET.replace("best-0", name), scope)
    return scope["genome"], scope["config"]


@given(one_genome())
def test_documents_keep_every_gene(genome):
    document = json.loads(json.dumps(genomes.encode(FULL, genome, *NAMES)))
    shape = genomes.shape_of(document)
    assert (shape.dynamics, shape.time_step, shape.steps) == ("ctrnn", FULL.time_step, 1)
    back = genomes.decode(shape, document)
    one, other = (jax.tree.map(lambda leaf: np.asarray(leaf)[None], g) for g in (genome, back))
    assert genes_of(shape, other, 0) == genes_of(FULL, one, 0)


def test_neat_python_gets_the_same_genome_and_network(run, tmp_path, monkeypatch):
    theirs, _, brain, genome = population()
    export.export(run, "best-2", "neat-python", tmp_path / "genomes")
    got, loaded = into_neat(tmp_path, "best-2", monkeypatch)
    short = lambda value: float(np.float32(value)) if isinstance(value, float) else value
    nodes, links = theirs_of(theirs[47])
    expected = {key: (*map(short, (bias, response)), 1.0, *rest) for key, (bias, response, _, *rest) in nodes.items()}
    assert theirs_of(got) == (expected, {key: tuple(map(short, link)) for key, link in links.items()})
    obs = np.random.default_rng(0).uniform(-1, 1, (4, INPUTS)).astype(np.float32)
    net = neat.nn.RecurrentNetwork.create(got, loaded)
    nets = jax.jit(networks, static_argnums=(0, 1))(brain, INPUTS, jax.tree.map(lambda leaf: leaf[47:48], genome))
    value, think = dense.rest(nets, 1), jax.jit(dense.think, static_argnums=0)
    for row in obs:
        value = think(dynamics(brain), nets, value, jnp.asarray(row)[:, None, None])
        np.testing.assert_allclose(value[:OUTPUTS, 0, 0], net.activate(row.tolist()), rtol=1e-5, atol=1e-5)
    assert (loaded.pop_size, loaded.genome_config.feed_forward) == (150, False)


def test_a_creature_of_a_world_goes_out_too(tmp_path, monkeypatch):
    inputs, outputs = senses.names(TINY.world), actions.names(TINY.world)
    ids = range(len(inputs), len(inputs) + len(outputs))
    gene = {"innovation": 5, "source": 0, "target": ids[1], "weight": 0.5, "rate": 0.1, "enabled": True}
    document = {
        "format": genomes.FORMAT,
        "brain": {name: getattr(TINY.brain, name) for name in genomes.BRAIN},
        **{"inputs": list(inputs), "outputs": list(outputs), "connections": [gene]},
        "nodes": [{"id": i, "bias": 0.25, "activation": TINY.brain.activations[0]} for i in ids],
    }
    folder = runfolder.create(tmp_path / "run", TINY)
    folder.keep_genomes([("best-0", document), ("best-1", document)])
    folder.close()
    result = export.export(tmp_path / "run", None, "all", tmp_path / "genomes")
    assert result["genome"] == "best-0" and len(result["files"]) == 5
    got, loaded = into_neat(tmp_path, "best-0", monkeypatch)
    assert loaded.genome_config.num_inputs == len(inputs) and len(got.connections) == len(document["connections"])
    assert {gene.activation for gene in got.nodes.values()} == {TINY.brain.activations[0]}
    plastic = TINY.brain.plasticity != "none"
    assert any("learn" in note for note in result["notes"]) == plastic
    assert any("without an enabled input" in note for note in result["notes"])


def test_graphml_has_every_gene_typed(run, tmp_path):
    (path,) = export.export(run, "best-1", "graphml", tmp_path)["files"]
    root = ElementTree.parse(path).getroot()
    types = {key.get("id"): key.get("attr.type") for key in root.iter(f"{SPACE}key")}
    assert all(key.get("id") == key.get("attr.name") for key in root.iter(f"{SPACE}key"))
    (graph,) = root.iter(f"{SPACE}graph")
    assert graph.get("edgedefault") == "directed"
    data = lambda item: {d.get("key"): READS[types[d.get("key")]](d.text) for d in item.iter(f"{SPACE}data")}
    document = export.read(run / "genomes" / "best-1.json")
    nodes = {int(node.get("id")[1:]): data(node) for node in graph.iter(f"{SPACE}node")}
    assert list(nodes)[:INPUTS] == list(range(INPUTS)) and nodes[0] == {"label": "in0", "kind": "input"}
    for i, gene in enumerate(document["nodes"]):
        found = nodes[gene["id"]]
        assert found.pop("kind") == ("output" if i < OUTPUTS else "hidden")
        assert found.pop("label") == (f"out{i}" if i < OUTPUTS else f"h{i - OUTPUTS}")
        assert found | {"id": gene["id"]} == gene
    assert len(nodes) == INPUTS + len(document["nodes"])
    edges = [(edge.get("source"), edge.get("target"), data(edge)) for edge in graph.iter(f"{SPACE}edge")]
    wanted = [({**link}, f"n{link['source']}", f"n{link['target']}") for link in document["connections"]]
    for (source, target, found), (link, start, end) in zip(edges, wanted, strict=True):
        assert (source, target) == (start, end)
        assert found == {key: value for key, value in link.items() if key not in ("source", "target")}


def test_dot_draws_every_node_and_connection(run, tmp_path):
    (path,) = export.export(run, "best-1", "dot", tmp_path)["files"]
    text, document = Path(path).read_text(), export.read(run / "genomes" / "best-1.json")
    assert text.startswith('digraph "best-1" {\n') and text.count("{") == text.count("}") == 3
    drawn = re.findall(r'^ +n(\d+) \[label="([^"]+)", shape=(\w+)\];$', text, re.MULTILINE)
    assert sorted(int(node) for node, *_ in drawn) == sorted([*range(INPUTS), *(n["id"] for n in document["nodes"])])
    assert {shape for node, _, shape in drawn if int(node) >= HIDDEN} == {"circle"}
    edges = re.findall(r'^  n(\d+) -> n(\d+) \[label="([^"]+)", color="([^"]+)", .*?(dashed)?\];$', text, re.MULTILINE)
    for (source, target, label, colour, dashed), link in zip(edges, document["connections"], strict=True):
        assert (int(source), int(target)) == (link["source"], link["target"])
        assert float(label) == pytest.approx(link["weight"], rel=6e-3, abs=1e-9) and bool(dashed) != link["enabled"]
        if link["enabled"]:
            assert (colour == "#1f6fb4") == (link["weight"] >= 0)


def test_the_champion_has_solved_its_task(run, tmp_path, capsys):
    assert cli.main(["export", str(run), "--format", "json", "--out", str(tmp_path), "--json"]) == 0
    out = capsys.readouterr()
    assert json.loads(out.out) == {"genome": "best-1", "files": [str(tmp_path / "best-1.json")], "notes": []}
    assert json.loads((tmp_path / "best-1.json").read_text()) == json.loads(
        (run / "genomes" / "best-1.json").read_text()
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--genome", "bst-1"], ["--genome 'bst-1'", "did you mean best-1?"]),
        (["--genome", "../config"], ["--genome '../config'", "best-0, best-1, best-2"]),
        (["--genome", ""], ["--genome ''", "best-0, best-1, best-2"]),
        (["--format", "graph"], ["'graph'", "did you mean graphml?"]),
        (["--out", ""], ["--out ''", "folder"]),
        (["--out", __file__], ["--out", "cannot be made", "give another"]),
    ],
)
def test_bad_names_get_one_line(run, words, told, capsys):
    assert cli.main(["export", str(run), *words]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and all(word in line for word in told), line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "cannot be used"),
        ("[" * 100_000, "cannot be used"),
        ("7", "format is 7, wanted 'firstword genome 1'"),
        ('{"format": "firstword genome 2"}', "format is 'firstword genome 2', wanted 'firstword genome 1'"),
        ({"nodes": []}, "the first nodes are not the outputs"),
        ({"bias": None}, "malformed|not a finite number"),
        ({"activation": "wobble"}, "'wobble' is no activation"),
        ({"target": 2}, "node that is not there"),
        ({"source": HIDDEN + 12345}, "node that is not there"),
        ({"brain": {"dynamics": "odd"}}, "not known here"),
        ({"brain": {"dynamics": "ctrnn"}}, "lacks 'time_constant'"),
    ],
)
def test_genome_files_that_are_none_get_one_line(tmp_path, text, told):
    path = tmp_path / "run"
    if not isinstance(text, str):
        (document,) = search_run(path, 1)
        for name, value in text.items():
            rows = [row for row in (*document["nodes"][:1], *document["connections"][:1]) if name in row]
            (rows[0] if rows else document)[name] = value
        text = json.dumps(document)
    else:
        search_run(path, 1)
    (path / "genomes" / "best-0.json").write_text(text)
    with pytest.raises(UserError, match=f"genome '.*best-0.json' cannot be used: .*({told})|{told}") as caught:
        export.export(path, "best-0", "all", None)
    assert "\n" not in str(caught.value)


def test_a_policy_goes_out_as_its_json_alone(tmp_path):
    network = Network(1, 1, hidden=(), menu=((0.0,), (1.0,)))
    weights = {"head.weight": np.array([[0.1, -3e-30]], np.float32), "head.bias": np.zeros(2, np.float32)}
    fitness = (2.0, None, 5.0)
    kept = [minds.encode_policy(network, weights, ["in"], ["out"]) | {"fitness": one} for one in fitness]
    run = runfolder.create(tmp_path / "run", config.load("cartpole", ["search.algorithm=ppo"]))
    run.keep_genomes([(f"best-{world}", document) for world, document in enumerate(kept)])
    run.close()
    for form in ("all", "json"):
        told = export.export(run.path, None, form, tmp_path / form)
        assert (told["genome"], told["notes"]) == ("best-2", [])
        assert told["files"] == [str(tmp_path / form / "best-2.json")]
        assert json.loads((tmp_path / form / "best-2.json").read_text()) == kept[2]
    for form in ("neat-python", "graphml", "dot"):
        with pytest.raises(UserError, match=f"^--format {form}: best-0 is a learned policy and has no genome; .*json$"):
            export.export(run.path, "best-0", form, tmp_path / form)
        assert not (tmp_path / form).exists()


def test_runs_without_genomes_get_one_line(tmp_path):
    runfolder.create(tmp_path / "run", TINY).close()
    with pytest.raises(UserError, match="has kept no genomes"):
        export.export(tmp_path / "run", None, "all", None)


def test_the_page_is_true_word_for_word(tmp_path, monkeypatch, capsys):
    """Its commands run one after the other (that of our NEAT is only loaded, as it is long to compile)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config-feedforward").write_text(XOR)
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 5
    for command in commands:
        _, *words = shlex.split(command)
        if words[0] == "run" and "search.algorithm=neat_python" not in words:
            assert config.load(words[1], words[3::2]).search.algorithm == "neat"
            continue
        assert cli.main([*words, "--set", "run.generations=3", "--quiet"] if words[0] == "run" else words) == 0
    capsys.readouterr()
    got, loaded = into_neat(tmp_path, "best-0", monkeypatch)
    assert neat.nn.FeedForwardNetwork.create(got, loaded).activate([0.0, 1.0])
    assert (tmp_path / "graphs" / "best-0.graphml").exists()
    assert len(list((tmp_path / "runs" / "theirs" / "export").iterdir())) == 5


def test_the_page_names_every_key_of_neat_python():
    keys = re.findall(r"^(\w+) *=", XOR, re.MULTILINE)
    stems = {"activation", "aggregation", "weight", "bias", "response", "compatibility"}
    missing = [key for key in keys if f"`{key}`" not in PAGE and key.split("_")[0] not in stems]
    assert missing == []
