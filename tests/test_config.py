"""Configs: what is written reads back equal, and whatever cannot work is refused in one telling line."""

import dataclasses
import math
import re
import sys
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolution.tasks.memory import Memory
from experiments import config
from experiments.errors import UserError
from experiments.keys import hints
from sim.life.rules import Rule

RULES = st.one_of(
    st.integers(0, 2**512 - 1).map(lambda bits: Rule(bits).name),
    st.sampled_from(["Life", "day & night", "b36/s23", "23/3", "B2-a/S12", "B2/S34H"]),
)
"""Rules of two states, by every kind of notation."""


def refusal(*overrides, **options):
    """The message with which overrides of quickstart are refused."""
    with pytest.raises(UserError) as caught:
        config.load("quickstart", list(overrides), **options)
    return str(caught.value)


def value_of(hint, meta):
    """A strategy for the values that a key takes."""
    if meta.get("choices"):
        one = st.sampled_from(meta["choices"])
        return one if hint is str else st.lists(one, min_size=1, unique=True).map(tuple)
    if hint is bool:
        return st.booleans()
    if hint is int:
        return st.integers(meta["low"], meta["high"])
    if hint == tuple[int, ...]:
        return st.lists(st.integers(meta["low"], meta["high"]), max_size=3).map(tuple)
    return st.floats(meta["low"], meta["high"])


@st.composite
def automata(draw):
    """Keys of a world's automaton: toggling and wandering need one."""
    keys = {field.name: field for field in dataclasses.fields(config.TABLES["world"])}
    drawn = {name: draw(value_of(str, keys[name].metadata)) for name in ("automaton", "automaton_toggle")}
    drawn |= {"automaton_rule": draw(RULES), "automaton_wander": draw(st.booleans())}
    return drawn if drawn["automaton"] != "none" else drawn | {"automaton_toggle": "none", "automaton_wander": False}


@st.composite
def experiments(draw):
    """Experiments with every free key drawn that has a say; those bound by a rule on several keys keep to the rule."""
    bound = {"width", "height", "founders", "max_agents", "births_at_once", "senses", "retina_distances"}
    bound |= {"energy_capacity", "flesh", "connections", "founder_connections", "founder_hidden", "minds"}
    bound |= {"population", "tournament", "founder_topology", "plasticity", "ini", "islands", "migrants"}
    bound |= {"steps", "elites", "minibatches", "environments", "learning"}
    algorithm = draw(st.sampled_from(("natural", *config.OWN_TABLE)))
    if algorithm == "natural":
        bound |= {"dynamics", "aggregations", "response", "agent_steps"}
    drawn = config.Experiment(search=config.SearchConfig(algorithm), task=None if algorithm == "natural" else Memory())
    fixed = {
        "search": {"algorithm": algorithm},
        "brain": {"founder_topology": "random" if algorithm in ("natural", "neat") else "layered"},
        "world": draw(automata()),
    }
    tables = {}
    for name in config.tables(drawn):
        cls = Memory if name == "task" else config.TABLES[name]
        free = [f for f in dataclasses.fields(cls) if f.name not in bound and f.name not in fixed.get(name, ())]
        values = {f.name: draw(value_of(hints(cls)[f.name], f.metadata)) for f in free}
        tables[name] = cls(**values, **fixed.get(name, {}))
    text = st.text(st.characters(exclude_categories=["Cs"]))
    return config.Experiment(name="drawn", description=draw(text), **tables)


@settings(max_examples=50, deadline=None)
@given(experiments())
def test_resolved_config_reads_back_equal(experiment):
    assert config.loads(config.resolved(experiment)) == experiment


@pytest.mark.parametrize("name", config.builtin_names())
def test_builtin_configs_are_complete_and_described(name, tmp_path):
    experiment = config.load(name)
    assert experiment.name == name and experiment.description
    copy = tmp_path / "copy.toml"
    copy.write_text(config.resolved(experiment), encoding="utf-8")
    assert config.load(copy) == experiment


def test_resolved_config_names_every_key():
    searches = [config.SearchConfig(algorithm) for algorithm in config.OWN_TABLE]
    studies = [config.Experiment(), *(config.Experiment(search=search, task=Memory()) for search in searches)]
    text = "".join(map(config.resolved, studies))
    reference = config.keys()
    for row in reference:
        if not row.key.startswith(("stop.", "task.", "learning.")):
            assert re.search(rf"^{row.key.rpartition('.')[2]} = ", text, re.M), row.key


def test_key_reference_documents_every_key():
    reference = config.keys()
    assert all(row.doc for row in reference)
    rows = {row.key: row for row in reference}
    assert rows["world.width"].unit == "cells" and rows["world.width"].range == "from 16 to 4096"
    assert rows["world.boundary"].default == '"torus"' and rows["world.boundary"].range == "torus, walled"


def test_overrides_take_toml_and_bare_words_and_the_last_one_wins():
    experiment = config.load(
        "quickstart",
        ["world.width=64", "world.width=128", 'world.senses=["self", "light"]', "run.minds=random", "params.flesh=2"],
        seed=7,
    )
    assert experiment.world.width == 128 and experiment.world.senses == ("self", "light")
    assert experiment.run.minds == "random" and experiment.run.seed == 7
    assert experiment.params.flesh == 2.0 and isinstance(experiment.params.flesh, float)
    assert config.load("quickstart", ["description=2024"]).description == "2024"


def test_file_takes_its_name_from_the_file_unless_it_has_one(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text("[world]\nwidth = 64\n")
    assert config.load(path).name == "study"
    path.write_text('name = "other"\n')
    assert config.load(str(path)).name == "other"


def test_stop_rules_round_trip():
    rule = "{metric='population', above=5, intervals=3}"
    experiment = config.load("quickstart", [f"stop=[{rule}, {{metric='mean_age', below=-1.5}}]"])
    assert experiment.stop == (
        config.StopRule("population", above=5.0, intervals=3),
        config.StopRule("mean_age", below=-1.5),
    )
    assert config.loads(config.resolved(experiment)) == experiment


REFUSED = [
    # override, what the message must name
    ("world.widht=64", ["unknown key world.widht", "did you mean world.width?"]),
    ("world.plant_growth=0.1", ["did you mean params.plant_growth?"]),
    ("width=64", ["unknown key width", "world.width"]),
    ("zzz.zzz=1", ["unknown key zzz.zzz", "--keys"]),
    ("world.width=8", ["world.width = 8", "16 to 4096"]),
    ("world.width=64.0", ["world.width = 64.0", "an integer"]),
    ("world.width=true", ["world.width = true", "an integer"]),
    ("world.width=wide", ['world.width = "wide"', "an integer"]),
    ("world.width=", ["world.width", "an integer"]),
    ("world.width=66", ["world.width = 66", "multiple of 4", "64", "68"]),
    ("world.height=97", ["world.height = 97", "multiple of 4"]),
    ("world.seasons=1", ["world.seasons = 1", "true or false"]),
    ("world.boundary=toruss", ['world.boundary = "toruss"', "torus, walled", "did you mean torus?"]),
    ('world.senses="self"', ["world.senses", "a list of any of"]),
    ('world.senses=["selv"]', ["world.senses", "did you mean self?"]),
    ('world.senses=["self", "self"]', ["world.senses", "self is there twice"]),
    ("world.senses=[]", ["world.senses = []", "a sense"]),
    ("world.retina_distances=[3, 2]", ["world.retina_distances", "larger than the one before"]),
    ("world.retina_distances=[2, 2]", ["world.retina_distances", "larger than the one before"]),
    ("world.retina_distances=[]", ["world.retina_distances"]),
    ("world.retina_distances=[2, 48]", ["world.retina_distances", "less than half", "48"]),
    ("world.retina_distances=[true]", ["world.retina_distances", "a list of numbers"]),
    ("world.founders=1100", ["world.founders = 1100", "world.max_agents, 1024"]),
    ("world.births_at_once=1025", ["world.births_at_once = 1025", "1024"]),
    ("params.flesh=nan", ["params.flesh = nan", "0 to 60"]),
    ("params.flesh=inf", ["params.flesh = inf"]),
    ("params.flesh=-0.1", ["params.flesh = -0.1", "0 to 60"]),
    ("run.wall_seconds=1" + "0" * 400, ["run.wall_seconds"]),
    ("run.ticks=" + "9" * 5000, ["run.ticks"]),
    ("run.ticks=0", ["run.ticks = 0", "1 to"]),
    ("run.seed=-1", ["run.seed = -1", "0 to 4294967295"]),
    ("run.minds=gredy", ["run.minds", "did you mean greedy?"]),
    ("brain.founder_connections=65", ["brain.founder_connections = 65", "brain.connections, 64"]),
    ("brain.activations=[]", ["brain.activations"]),
    ("name=a/b", ['name = "a/b"', "letters"]),
    ("name=", ["name"]),
    ("description=\udcff", ["description", "Unicode"]),
    ("world=3", ["world is a table", "world.width"]),
    ("stop=3", ["stop = 3", "[[stop]]"]),
    ("stop=[3]", ["stop", "table"]),
    ("stop.metric=population", ["stop is a list"]),
    ("stop=[{metric='population', abov=3}]", ["stop.abov", "did you mean stop.above?"]),
    ("stop=[{metric='population', above=true}]", ["stop.above = true", "number"]),
    ("stop=[{metric='population', above=inf}]", ["stop.above = inf", "finite"]),
    ("world.width", ["'world.width'", "key=value"]),
    ("=3", ["key=value"]),
    ("world.width=1\nheight=2", ["world.width"]),
    ("params.flesh=1979-05-27", ["params.flesh = 1979-05-27", "number"]),
]


@pytest.mark.parametrize(("override", "words"), REFUSED, ids=[o[:40].encode("ascii", "replace") for o, _ in REFUSED])
def test_bad_values_are_refused_with_key_value_and_remedy(override, words):
    message = refusal(override)
    assert len(message) < 400
    for word in words:
        assert word in message


def test_combinations_of_several_keys_are_refused():
    assert "finite" not in refusal("params.flesh=30", "params.energy_capacity=55")
    assert "params.energy_capacity = 55.0: must be below 55 with params.flesh = 30" in refusal(
        "params.flesh=30", "params.energy_capacity=55"
    )
    message = refusal("run.minds=greedy", 'world.senses=["retina", "self"]')
    assert "run.minds" in message and "touch" in message
    assert "world.senses" in refusal('world.senses=["hearing"]', "world.sound_channels=0")
    assert config.load("quickstart", ["world.sound_channels=0"]).world.sound_channels == 0
    assert "exactly one" in refusal("stop=[{metric='population', above=1, below=2}]")
    assert "exactly one" in refusal("stop=[{metric='population'}]")


def test_seed_is_checked_like_any_key():
    assert "run.seed = -4" in refusal(seed=-4)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[world\n", ["not valid TOML", "line 1"]),
        (b"[world]\nwidth = 64\nwidth = 64\n", ["not valid TOML"]),
        (b"a = " + b"[" * 5000, ["not valid TOML"]),
        (b"a = " + b"1" * 5000, ["not valid TOML"]),
        (b"\xff\xfe", ["UTF-8"]),
        (b"world = 3\n", ["world = 3", "[world]"]),
        (b"[wrold]\nwidth = 64\n", ["unknown key wrold", "world"]),
        (b"[[world]]\nwidth = 64\n", ["world", "table"]),
        (b"[stop]\nmetric = 'population'\n", ["stop", "[[stop]]"]),
        (b"name = 3\n", ["name = 3", "a string"]),
        (b"[world.width]\nx = 1\n", ["world.width", "an integer"]),
        (b'[run]\nticks = 10\n"a\\nb" = 3\n', ["unknown key"]),
    ],
)
def test_bad_files_are_refused(content, words, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        config.load(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("name", ["quikstart", "", "nowhere/x.toml", "x.toml", "a\0b", "x" * 5000, "."])
def test_missing_configs_are_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        config.load(name)
    if name == "quikstart":
        assert "did you mean quickstart?" in str(caught.value)


@given(st.floats())
@settings(max_examples=100, deadline=None)
def test_floats_survive_to_the_last_bit(number):
    if math.isfinite(number) and 0 <= number <= 1e9:
        experiment = config.load("quickstart", [f"run.wall_seconds={number!r}"])
        again = config.loads(config.resolved(experiment))
        assert math.copysign(1, again.run.wall_seconds) == math.copysign(1, number)
        assert again.run.wall_seconds == number
    else:
        assert "run.wall_seconds" in refusal(f"run.wall_seconds={number!r}")


def test_stop_metric_must_be_logged(monkeypatch):
    columns = ("tick", "world", "population", "mean_age")
    monkeypatch.setitem(sys.modules, "experiments.metrics", types.SimpleNamespace(COLUMNS=columns))
    message = refusal("stop=[{metric='populaton', above=1}]")
    assert 'stop.metric = "populaton"' in message and "did you mean population?" in message
    assert "metrics.csv" in refusal("stop=[{above=1}]")
    assert config.load("quickstart", ["stop=[{metric='mean_age', above=1}]"]).stop[0].intervals == 1


@pytest.mark.parametrize(
    "config_name, overrides, words",
    [
        ("xor", ["brain.dynamics=recurrent"], "task.settle = 1: must be at least 2"),
        ("xor", ["brain.steps=2"], "brain.steps = 2: must be 1 with brain.dynamics"),
        ("xor", ["search.algorithm=ga", "ga.elites=150"], "ga.elites = 150: must be less than"),
        ("quickstart", ["run.agent_steps=9"], r'run.agent_steps = 9: must be 0 with .* "natural"; use run.ticks$'),
    ],
)
def test_what_no_search_can_do_is_refused(config_name, overrides, words):
    with pytest.raises(UserError, match=words):
        config.load(config_name, overrides)


@pytest.mark.parametrize(
    "config_name, overrides, words",
    [
        ("cartpole", [], 'learning.updates has no effect with search.learning = "none"$'),
        ("cartpole", ["search.algorithm=ppo"], 'learning.updates has no effect with search.algorithm = "ppo"$'),
        (
            "forage_task",
            ["search.learning=baldwin", "brain.plasticity=hebbian"],
            "learning.updates has no effect with a task in the world$",
        ),
    ],
)
def test_a_command_line_sets_nothing_in_vain(config_name, overrides, words):
    with pytest.raises(UserError, match=words):
        config.load(config_name, [*overrides, "learning.updates=3"])


def test_what_has_a_say_may_be_set():
    practised = config.load("cartpole", ["learning.updates=3", "search.learning=lamarck"])
    assert practised.learning.updates == 3
    assert config.load("cartpole", ["search.population=30"]).search.population == 30
    for learner in ("ppo", "recurrent_ppo", "dqn"):
        with pytest.raises(UserError, match=f'search.population has no effect with search.algorithm = "{learner}"$'):
            config.load("cartpole", ["search.population=30", f"search.algorithm={learner}"])


def test_gates_that_need_no_hidden_node_need_no_time_to_settle():
    assert config.load("and", ["brain.dynamics=recurrent"]).task.settle == 1
    assert config.load("xor", ["brain.dynamics=recurrent", "brain.steps=2"]).task.settle == 1
    bent = ["brain.dynamics=recurrent", 'brain.activations=["gauss"]']  # one output that is no rising function may do
    assert config.load("xor", bent).task.settle == 1
