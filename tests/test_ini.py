"""neat-python's config files: its XOR example becomes an experiment that loads, and nothing is dropped in silence."""

import re
from dataclasses import replace

import jax
import pytest

from evolution.genome import designed
from experiments import config as experiment_config
from experiments.errors import UserError
from experiments.generational import algorithm_of
from experiments.ini import is_ini, read_ini

XOR = """#--- parameters for the XOR-2 experiment ---#

[NEAT]
fitness_criterion     = max
fitness_threshold     = 3.9
pop_size              = 150
reset_on_extinction   = False

[DefaultGenome]
# node activation options
activation_default      = sigmoid
activation_mutate_rate  = 0.0
activation_options      = sigmoid

# node aggregation options
aggregation_default     = sum
aggregation_mutate_rate = 0.0
aggregation_options     = sum

# node bias options
bias_init_mean          = 0.0
bias_init_stdev         = 1.0
bias_max_value          = 30.0
bias_min_value          = -30.0
bias_mutate_power       = 0.5
bias_mutate_rate        = 0.7
bias_replace_rate       = 0.1

# genome compatibility options
compatibility_disjoint_coefficient = 1.0
compatibility_weight_coefficient   = 0.5

# connection add/remove rates
conn_add_prob           = 0.5
conn_delete_prob        = 0.5

# connection enable options
enabled_default         = True
enabled_mutate_rate     = 0.01

feed_forward            = True
initial_connection      = full

# node add/remove rates
node_add_prob           = 0.2
node_delete_prob        = 0.2

# network parameters
num_hidden              = 0
num_inputs              = 2
num_outputs             = 1

# node response options
response_init_mean      = 1.0
response_init_stdev     = 0.0
response_max_value      = 30.0
response_min_value      = -30.0
response_mutate_power   = 0.0
response_mutate_rate    = 0.0
response_replace_rate   = 0.0

# connection weight options
weight_init_mean        = 0.0
weight_init_stdev       = 1.0
weight_max_value        = 30
weight_min_value        = -30
weight_mutate_power     = 0.5
weight_mutate_rate      = 0.8
weight_replace_rate     = 0.1

[DefaultSpeciesSet]
compatibility_threshold = 3.0

[DefaultStagnation]
species_fitness_func = max
max_stagnation       = 20
species_elitism      = 2

[DefaultReproduction]
elitism            = 2
survival_threshold = 0.2
"""


def changed(**values):
    """The XOR example with other values of some keys."""
    text = XOR
    for name, value in values.items():
        pattern = re.compile(rf"^{name} *=.*$", re.MULTILINE)
        assert pattern.search(text), name
        text = pattern.sub(lambda _, line=f"{name} = {value}": line, text)
    return text


def added(section, line):
    return XOR.replace(f"[{section}]\n", f"[{section}]\n{line}\n")


def told(text):
    """Names of the keys that warnings are about."""
    return {line.split(" = ")[0] for line in read_ini(text).warnings}


def refused(text):
    with pytest.raises(UserError) as caught:
        read_ini(text, "config 'a.ini'")
    message = str(caught.value)
    assert "\n" not in message and message.startswith("config 'a.ini'")
    return message


def test_the_xor_example_means_this():
    table, _, inputs, outputs = read_ini(XOR)
    assert (inputs, outputs) == (2, 1)
    assert table["search"] == {"algorithm": "neat", "population": 150, "until_solved": True}
    brain = table["brain"]
    assert brain["activations"] == ["sigmoid"] and brain["aggregations"] == ["sum"]
    assert (brain["dynamics"], brain["response"], brain["weight_limit"]) == ("feedforward", False, 30.0)
    assert (brain["founder_topology"], brain["founder_hidden"], brain["founder_weight"]) == ("layered", 0, 1.0)
    mutation = table["mutation"]
    assert (mutation["weight"], mutation["weight_replace"], mutation["weight_step"]) == (0.8, 0.1, 0.5)
    assert (mutation["weights"], mutation["weight_new"], mutation["bias"]) == (1.0, 1.0, 0.7)
    structure = [mutation[f"{verb}_{what}"] for what in ("connection", "node") for verb in ("add", "delete")]
    assert structure == [0.5, 0.5, 0.2, 0.2] and mutation["toggle"] == 0.01
    neat = table["neat"]
    assert (neat["disjoint"], neat["excess"], neat["weight"], neat["threshold"]) == (1.0, 1.0, 0.5, 3.0)
    assert (neat["survival"], neat["stagnation"], neat["protected"], neat["elite_size"]) == (0.2, 20, 2, 0.0)
    assert (neat["mutate_only"], neat["mate_only"], neat["interspecies"]) == (0, 0, 0)
    assert "run" not in table and "task" not in table


def test_the_xor_example_loads_as_an_experiment():
    table = read_ini(XOR).table
    experiment = experiment_config.from_table({**table, "task": {"name": "xor"}, "run": {"generations": 5}})
    assert experiment_config.loads(experiment_config.resolved(experiment)) == experiment
    assert experiment.neat.stagnation == 20 and experiment.search.population == 150


def test_what_has_no_equivalent_in_the_xor_example_is_named():
    assert told(XOR) == {
        "fitness_threshold",
        "bias_init_stdev",
        "bias_replace_rate",
        "compatibility_threshold",
        "enabled_mutate_rate",
        "elitism",
    }


OTHERS = {
    "fitness_criterion": "mean",
    "reset_on_extinction": "True",
    "activation_default": "random",
    "aggregation_default": "random",
    "bias_init_mean": "0.5",
    "bias_mutate_power": "0.25",
    "bias_min_value": "-20",
    "enabled_default": "False",
    "initial_connection": "partial_direct 0.5",
    "num_hidden": "2",
    "response_init_mean": "0.5",
    "response_init_stdev": "0.1",
    "response_replace_rate": "0.1",
    "weight_init_mean": "0.1",
    "weight_max_value": "5",
    "species_fitness_func": "mean",
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_key_without_equivalent_is_named_where_it_matters(name):
    more = {"initial_connection": "unconnected"} if name == "num_hidden" else {}
    assert told(changed(**{name: OTHERS[name]}, **more)) - told(changed(**more)) == {name}


@pytest.mark.parametrize(
    "section, line",
    [
        ("DefaultGenome", "single_structural_mutation = True"),
        ("DefaultGenome", "structural_mutation_surer = no"),
        ("DefaultGenome", "weight_init_type = uniform"),
        ("DefaultGenome", "time_constant_mutate_rate = 0.1"),
        ("DefaultGenome", "enabled_rate_to_true_add = 0.1"),
        ("DefaultReproduction", "min_species_size = 4"),
    ],
)
def test_keys_that_the_example_leaves_to_their_defaults_are_named_too(section, line):
    assert told(added(section, line)) - told(XOR) == {line.split(" = ")[0]}


def test_every_key_of_neat_python_is_taken_or_named():
    """Whatever key gets a value that changes the search changes the table, or is named."""
    values = {"num_inputs": 3, "num_outputs": 2, "pop_size": 99, "feed_forward": "False", "max_stagnation": 7}
    values |= {"activation_options": "sigmoid tanh", "aggregation_options": "sum max", "species_elitism": 4}
    values |= {"response_mutate_rate": 0.3, "activation_mutate_rate": 0.3, "aggregation_mutate_rate": 0.3, "elitism": 0}
    plain = read_ini(XOR)
    only_with_others = {"response_max_value", "response_min_value", "response_mutate_power"}
    for name in re.findall(r"^(\w+) *=", XOR, re.MULTILINE):
        if name in only_with_others:
            continue
        value = values.get(name, OTHERS.get(name, 0.3))
        one = read_ini(changed(**{name: value}))
        assert one.table != plain.table or one[2:] != plain[2:] or name in told(changed(**{name: value})), name
    responsive = told(changed(response_mutate_rate="0.1", response_mutate_power="0.7", response_max_value="4"))
    assert {"response_max_value", "response_mutate_power"} <= responsive


@pytest.mark.parametrize(
    "how, hidden, topology",
    [("full_direct", 0, "layered"), ("full_nodirect", 2, "layered"), ("full_direct", 1, "complete")],
)
def test_founders_that_have_the_same_connections_need_no_warning(how, hidden, topology):
    ini = read_ini(changed(initial_connection=how, num_hidden=hidden))
    assert ini.table["brain"]["founder_topology"] == topology and ini.table["brain"]["founder_hidden"] == hidden
    assert told(changed(initial_connection=how, num_hidden=hidden)) == told(XOR)


def test_random_founders():
    assert read_ini(changed(initial_connection="unconnected")).table["brain"]["founder_connections"] == 0
    some = read_ini(changed(initial_connection="partial_direct 0.5", num_inputs=10, num_outputs=10))
    draws = some.table["brain"]["founder_connections"]
    assert some.table["brain"]["founder_topology"] == "random"
    assert 100 * (1 - 0.99**draws) == pytest.approx(50, abs=1)


def test_seed_and_termination():
    text = added("NEAT", "seed = 12\nno_fitness_termination = True")
    assert read_ini(text).table["run"] == {"seed": 12}
    assert read_ini(text).table["search"]["until_solved"] is False
    assert "fitness_threshold" not in told(text)


def test_the_default_comes_first_and_options_are_not_repeated():
    brain = read_ini(changed(activation_default="tanh", activation_options="relu tanh  relu sin")).table["brain"]
    assert brain["activations"] == ["tanh", "relu", "sin"]


def test_values_beyond_our_range_are_brought_within_it_and_named():
    text = changed(weight_max_value="5000", weight_min_value="-5000", bias_max_value="5000", bias_min_value="-5000")
    assert read_ini(text).table["brain"]["weight_limit"] == 1000
    assert told(text) - told(XOR) == {"weight_min_value"}


@pytest.mark.parametrize(
    "text, words",
    [
        (changed(pop_size="many"), ["[NEAT] pop_size = many", "an integer"]),
        (changed(pop_size="1"), ["pop_size = 1", "from 2"]),
        (changed(conn_add_prob="nan"), ["conn_add_prob = nan", "a finite number"]),
        (changed(feed_forward="maybe"), ["feed_forward = maybe", "True or False"]),
        (changed(activation_options="sigmoid sigmod"), ["sigmod", "did you mean sigmoid?"]),
        (changed(activation_default="tanh"), ["activation_default = tanh", "activation_options"]),
        (changed(initial_connection="ful"), ["initial_connection = ful", "did you mean full?"]),
        (changed(initial_connection="partial_direct 1.5"), ["partial_direct 1.5", "from 0 to 1"]),
        (changed(species_fitness_func="mx"), ["species_fitness_func = mx", "did you mean max?"]),
        (added("DefaultGenome", "weight_mutate_rat = 1"), ["unknown key weight_mutate_rat", "weight_mutate_rate?"]),
        (added("NEAT", "elitism = 1"), ["unknown key elitism in [NEAT]", "[DefaultReproduction]"]),
        (added("NEAT", "wibble = 1"), ["unknown key wibble in [NEAT]"]),
        (XOR.replace("node_add_prob ", "# "), ["[DefaultGenome] has no node_add_prob"]),
        (
            XOR.replace("[DefaultStagnation]", "[DefaultStagnaton]"),
            ["[DefaultStagnation] is missing", "DefaultStagnaton"],
        ),
        (XOR.replace("pop_size  ", "pop_size = 3\npop_size "), ["not a valid INI file", "pop_size", "already exists"]),
        ("pop_size = 3\n", ["not a valid INI file", "line 1", "no [section]"]),
        (XOR + "what is this\n", ["not a valid INI file", "what is this"]),
        (changed(pop_size="%(x"), ["not a valid INI file", "%"]),
        ("", ["section [NEAT] is missing"]),
    ],
)
def test_bad_files_get_one_line(text, words):
    message = refused(text)
    assert all(word in message for word in words), message


def written(folder, text=XOR, name="config-feedforward"):
    path = folder / name
    path.write_text(text)
    return str(path)


def test_a_file_is_known_by_its_suffix_or_its_section():
    assert is_ini("config-feedforward", XOR) and is_ini("xor.ini", "") and is_ini("a.txt", "# b\n [NEAT]\n")
    assert not is_ini("xor.toml", XOR) and not is_ini("config-feedforward", "[neat]\n")


def test_a_file_becomes_an_experiment_that_stands_alone(tmp_path):
    told = []
    overrides = ["task.name=xor", "search.population=30", "neat.survival=0.5"]
    experiment = experiment_config.load(written(tmp_path), overrides, seed=7, tell=told.append)
    assert (experiment.name, experiment.run.seed, experiment.search.population) == ("config-feedforward", 7, 30)
    assert experiment.neat.survival == 0.5 and experiment.mutation.add_node == 0.2
    assert len(told) == len(set(told)) == len(read_ini(XOR).warnings) and all("config-feedforward" in t for t in told)
    assert experiment_config.loads(experiment_config.resolved(experiment)) == experiment
    bom = written(tmp_path, "\ufeff" + XOR, "bom.ini")
    assert experiment_config.load(bom, overrides, seed=7) == replace(experiment, name="bom")


def test_neat_python_gets_the_file_to_the_letter(tmp_path):
    told = []
    overrides = ["task.name=xor", "search.algorithm=neat_python", "search.population=30"]
    experiment = experiment_config.load(written(tmp_path), overrides, tell=told.append)
    assert experiment.search.ini == XOR and experiment.search.population == 30
    assert {line.split(": ")[1].split(" = ")[0] for line in told} == {"fitness_threshold", "reset_on_extinction"}
    text = experiment_config.resolved(experiment)
    assert experiment_config.loads(text) == experiment
    assert "[neat]" not in text and "[mutation]" not in text
    algorithm = algorithm_of(experiment)
    own = algorithm.config()
    assert own.genome_config.bias_init_stdev == 1.0 and own.reproduction_config.elitism == 2 and own.pop_size == 30


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ([], ["names no task", "add --set task.name=xor"]),
        (["task.bias_input=true"], ["names no task", "add --set task.name=xor"]),
        (["task.name=xr"], ["did you mean xor?"]),
        (["task.name=cartpole"], ["num_inputs = 2: must be 4", "cartpole"]),
        (["task.name=xor", "task.bias_input=true"], ["num_inputs = 2: must be 3", "xor"]),
        (["task.name=xor", "mutation.add_nod=1"], ["mutation.add_nod", "did you mean mutation.add_node?"]),
        (["task.name=xor", "search.algorithm=neat_python", "neat.survival=1"], ["neat.survival has no effect"]),
        (["task.name=xor", "search.algorithm=neat_python", "mutation.add_node=1"], ["mutation.add_node has no effect"]),
        (["task.name=or", "search.algorithm=neat_python", "brain.dynamics=ctrnn"], ["brain.dynamics", "search.ini"]),
        (["task.name=xor", "search.ini=[NEAT]"], ["search.ini", 'with search.algorithm = "neat"']),
    ],
)
def test_what_cannot_be_said_beside_a_file_gets_one_line(tmp_path, overrides, words):
    with pytest.raises(UserError) as caught:
        experiment_config.load(written(tmp_path), overrides)
    message = str(caught.value)
    assert "\n" not in message and all(word in message for word in words), message


def test_texts_that_neat_python_itself_refuses_get_one_line(tmp_path):
    text = changed(weight_min_value="40")
    with pytest.raises(UserError, match=r"^search.ini: neat-python refuses it: [^\n]+$"):
        experiment_config.load(written(tmp_path, text), ["task.name=xor", "search.algorithm=neat_python"])


def test_files_that_are_none(tmp_path):
    path = tmp_path / "config-feedforward"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="UTF-8"):
        experiment_config.load(path)
    with pytest.raises(UserError, match=r"section \[NEAT\] is missing"):
        experiment_config.load(written(tmp_path, "", "empty.ini"))
    more = read_ini(XOR + "[MyOwn]\na = 1\n")
    assert any("[MyOwn]" in line for line in more.warnings)


RECURRENT = {"feed_forward": "False", "initial_connection": "partial_direct 0.5", "num_hidden": "1"}
TYPICAL = {
    "feedforward, several functions": {
        "activation_default": "random",
        "activation_options": "sigmoid tanh relu gauss",
        "activation_mutate_rate": "0.1",
        "aggregation_options": "sum max mean",
        "aggregation_mutate_rate": "0.05",
    },
    "recurrent": RECURRENT,
    "continuous time": RECURRENT | {"response_mutate_rate": "0.1", "response_mutate_power": "0.1"},
    "unconnected": {"initial_connection": "unconnected", "num_hidden": "0"},
    "feature selective": {"initial_connection": "fs_neat_nohidden"},
    "hidden layer": {"initial_connection": "full_nodirect", "num_hidden": "3", "elitism": "0"},
}


@pytest.mark.parametrize("algorithm", ["neat", "neat_python"])
@pytest.mark.parametrize("name", TYPICAL)
def test_typical_files_load_and_found_what_they_say(tmp_path, name, algorithm):
    """Founders of both searches have the connections that the file asks for."""
    text = changed(**TYPICAL[name])
    more = ["brain.dynamics=ctrnn"] if name == "continuous time" else []
    overrides = ["task.name=xor", "task.settle=2", f"search.algorithm={algorithm}", "search.population=20", *more]
    experiment = experiment_config.load(written(tmp_path, text), overrides)
    assert experiment_config.loads(experiment_config.resolved(experiment)) == experiment
    if algorithm == "neat_python":
        search = algorithm_of(experiment)
        founders = search.init(jax.random.key(0)).genomes.values()
        links = {len(one.connections) for one in founders}
        assert links == {"hidden layer": {9}, "unconnected": {0}}.get(name, links)
        genome = search.ask(None, search.init(jax.random.key(0)))[0]
        assert (genome.time_constant is not None) == (name == "continuous time")
    else:
        links = {len(designed(experiment.brain, 2, 1))} if experiment.brain.founder_topology != "random" else None
        assert links == {"hidden layer": {9}, "feedforward, several functions": {2}}.get(name)
