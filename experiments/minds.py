"""Minds of all kinds as data: where those that meet in one world come from, and learned policies as JSON.

A `Kind` is a script, evolved networks (the living of a natural run, the champions of a search, founders) or a policy
learned by reward. What does not fit the world's senses and acts is refused by name. Version 1 of the policy format is
plain: the network's shape, its weights by name as nested lists, each number the float32 itself. Leaves out genomes as
JSON (`experiments.genomes`) and what becomes of the kinds when they meet (`experiments.arena`).
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from agents import learned
from agents.learned import Network, Weights
from evolution import natural
from evolution.genome import BrainConfig, Genome
from experiments import checkpoint, genomes, runfolder
from experiments.config import Experiment
from experiments.errors import UserError, suggestion
from experiments.progress import say
from experiments.simulation import Simulation
from sim import actions, senses
from sim.body import Body

FORMAT = "firstword policy 1"
SCRIPTS = ("random", "greedy")
WORLD_BRAIN = {"dynamics": "recurrent", "aggregations": ("sum",), "response": False, "steps": 1}
"""What the brains of creatures are; other genomes cannot live in a world."""
Creatures = tuple[natural.Mind, Body]
"""Minds and bodies, each `[K, ...]`."""
Pool = tuple[BrainConfig, Genome, Body | None]
"""Genomes `[K, ...]` of a config, and the bodies in which they evolved, if any."""


@dataclass(frozen=True)
class Kind:
    """One kind of minds. Trial k takes those of pool, or of policy, number k modulo how many there are."""

    name: str
    thinks: str  # which of `experiments.policies.KINDS`
    founders: BrainConfig | None = None  # of minds that are drawn afresh
    pools: tuple[Pool, ...] = ()  # of evolved minds, one for each world of a run
    network: Network | None = None  # of learned minds
    policies: tuple[Weights, ...] = ()  # of learned minds, one for each run

    @property
    def brains(self) -> tuple[BrainConfig, ...]:
        """Configs of its genomes."""
        return tuple(brain for brain in (self.founders, *(pool[0] for pool in self.pools)) if brain is not None)


def encode_policy(network: Network, weights: Weights, inputs: Sequence[str], outputs: Sequence[str]) -> dict[str, Any]:
    """A learned policy as a JSON document. Raises `ValueError` if the names do not fit the network."""
    if (len(inputs), len(outputs)) != (network.inputs, network.outputs):
        told = f"{len(inputs)} inputs and {len(outputs)} outputs"
        raise ValueError(f"{told} for a network of {network.inputs} and {network.outputs}")
    return {
        "format": FORMAT,
        "network": {name: _listed(value) for name, value in dataclasses.asdict(network).items()},
        "inputs": list(inputs),
        "outputs": list(outputs),
        "weights": {name: np.asarray(leaf, np.float32).tolist() for name, leaf in sorted(weights.items())},
    }


def decode_policy(document: Any) -> tuple[Network, Weights]:
    """Network and weights of a document, on the host. Raises `ValueError` of one line if it is not of this version."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else document
        raise ValueError(f"format is {found!r}, wanted {FORMAT!r}")
    try:
        network = Network(**{name: _tupled(value) for name, value in document["network"].items()})
        _demand_sense(network)
        shapes = jax.eval_shape(lambda: learned.init(jax.random.key(0), network))
        weights: Any = {name: np.asarray(values, np.float32) for name, values in document["weights"].items()}
        ends = len(document["inputs"]), len(document["outputs"])
        blind = learned.blank_memory(network), jax.ShapeDtypeStruct((network.inputs,), np.float32)
        jax.eval_shape(learned.policy(network), None, shapes, *blind)
    except KeyError as error:
        raise ValueError(f"the policy lacks {error}") from None
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"the policy is malformed: {' '.join(str(error).split())}") from None
    if ends != (network.inputs, network.outputs):
        raise ValueError(f"it names {ends[0]} inputs and {ends[1]} outputs of {network.inputs} and {network.outputs}")
    for name in sorted(shapes.keys() | weights.keys()):
        if name not in weights or name not in shapes:
            raise ValueError(f"weights {'lack' if name in shapes else 'have'} {name!r}, as networks of this shape")
        if weights[name].shape != shapes[name].shape:
            raise ValueError(f"{name} is {list(weights[name].shape)}, wanted {list(shapes[name].shape)}")
        if not np.isfinite(weights[name]).all():
            raise ValueError(f"{name} is not a finite number everywhere")
    return network, weights


def _demand_sense(network: Network) -> None:
    """Refuses sizes, bounds and menus that are not of numbers, with a `ValueError`."""
    for name, least in (("inputs", 1), ("outputs", 1), ("hidden", 1), ("recurrent", 0)):
        value = getattr(network, name)
        sizes = value if name == "hidden" else (value,)
        if not (isinstance(sizes, tuple) and all(type(size) is int and size >= least for size in sizes)):
            raise ValueError(f"{name} is {_listed(value)!r}, wanted whole numbers of at least {least}")
    low_high, rows = network.bounds, network.menu
    if not (_numbers(low_high, 2) and low_high[0] < low_high[1]):
        raise ValueError(f"bounds is {_listed(low_high)!r}, wanted two numbers, the lower first")
    if not (isinstance(rows, tuple) and all(_numbers(row, network.outputs) for row in rows)):
        raise ValueError(f"menu is {_listed(rows)!r}, wanted actions of {network.outputs} finite numbers")


def _numbers(values: Any, num: int) -> bool:
    """Whether these are so many finite numbers; true and false are none."""
    if not isinstance(values, tuple) or len(values) != num:
        return False
    return all(isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in values)


def _listed(value: Any) -> Any:
    return [_listed(inner) for inner in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(inner) for inner in value) if isinstance(value, list) else value


def read(words: Sequence[str], experiment: Experiment) -> tuple[Kind, ...]:
    """The kinds that words name, for the world of an experiment. Raises `UserError` for what cannot live there."""
    kinds = tuple(_read(*_named(word), experiment) for word in words)
    names = [kind.name for kind in kinds]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UserError(f"--minds: two are called {twice[0]!r}; give other names, such as a={twice[0]} b={twice[0]}")
    return kinds


def _named(word: str) -> tuple[str, str]:
    """Name and mind of `name=M` or `M`; a path may hold `=` as well."""
    given = re.fullmatch(r"([A-Za-z0-9_.-]{1,32})=(.+)", word)
    if given and not os.path.lexists(word):
        return given[1], given[2]
    return (word if word in (*SCRIPTS, "founders") else Path(word).resolve().name.removesuffix(".json")), word


def _read(name: str, word: str, experiment: Experiment) -> Kind:
    if word in SCRIPTS:
        missing = [sense for sense in ("retina", "touch") if sense not in experiment.world.senses]
        if word == "greedy" and missing:
            raise UserError(f"--minds greedy: greedy minds need {' and '.join(missing)}, which this world has not")
        return Kind(name, word)
    if word == "founders":
        _demand_fit(word, experiment.brain)
        return Kind(name, "evolved", experiment.brain)
    if os.path.isdir(word):
        folder = runfolder.open_run(word)
        if folder.experiment.search.algorithm != "natural":
            return _documented(name, word, _documents(folder.path), experiment)
        own, creatures = living(folder.path)
        _demand_ends(word, _ends(own), experiment)
        return Kind(name, "evolved", pools=pools_of(own, creatures))
    if os.path.isfile(word):
        return _documented(name, word, [Path(word)], experiment)
    near = suggestion(word, (*SCRIPTS, "founders"))
    right = "random, greedy, founders, the folder of a run, or the JSON file of a genome or a policy"
    raise UserError(f"--minds {word!r}: must be {right}{near}")


def _documents(run: Path) -> list[Path]:
    """Champions of a search or of learners, `best-2` before `best-10`."""
    found = sorted((run / "genomes").glob("best-*.json"), key=lambda path: (len(path.stem), path.stem))
    if not found:
        raise UserError(f"run {str(run)!r} has kept no minds; it writes run.sample_genomes of them at a checkpoint")
    return found


def _documented(name: str, word: str, paths: list[Path], experiment: Experiment) -> Kind:
    """A kind of one genome, or one policy, per file."""
    documents = [_loaded(path) for path in paths]
    for document in documents:
        _demand_ends(word, (tuple(document["inputs"]), tuple(document["outputs"])), experiment)
    if documents[0]["format"] == FORMAT:
        networks, policies = zip(*map(decode_policy, documents), strict=True)
        if len(set(networks)) > 1:
            raise UserError(f"--minds {word!r}: its policies are networks of different shapes; give one file of them")
        return Kind(name, "learned", network=networks[0], policies=policies)
    brains = [genomes.shape_of(document) for document in documents]
    for brain in brains:
        _demand_fit(word, brain)
    one = lambda brain, document: jax.tree.map(lambda leaf: leaf[None], genomes.decode(brain, document))
    pools = ((brain, one(brain, document), None) for brain, document in zip(brains, documents, strict=True))
    return Kind(name, "evolved", pools=tuple(pools))


def _loaded(path: Path) -> dict[str, Any]:
    """A checked document of a genome or of a policy; a `UserError` of one line if it is neither."""
    try:
        document = json.loads(path.read_bytes())
        demand_sound(document)
    except OSError as error:
        raise UserError(f"mind {str(path)!r} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"mind {str(path)!r} cannot be used: {' '.join(str(error).split())[:200]}") from None
    return document


def demand_sound(document: Any) -> None:
    """Raises `ValueError` of one line for what is neither the document of a policy nor of a genome."""
    if isinstance(document, dict) and document.get("format") == FORMAT:
        decode_policy(document)
    else:
        genomes.decode(genomes.shape_of(document), document)


def _ends(experiment: Experiment) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return senses.names(experiment.world), actions.names(experiment.world)


def _demand_ends(word: str, ends: tuple[tuple[str, ...], tuple[str, ...]], experiment: Experiment) -> None:
    """Refuses minds that observe or do other things than creatures of this world, or in another order."""
    for what, own, wanted in zip(("inputs", "outputs"), ends, _ends(experiment), strict=True):
        if own == wanted:
            continue
        lacks, extra = ([n for n in a if n not in b] for a, b in ((wanted, own), (own, wanted)))
        told = [f"{verb} {_some(names)}" for verb, names in (("lacks", lacks), ("has", extra)) if names]
        difference = " and ".join(told) or "has them in another order"
        raise UserError(f"--minds {word!r}: its {what} are not those of creatures here: it {difference}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _demand_fit(word: str, brain: BrainConfig) -> None:
    """Refuses networks that the brains of creatures are not."""
    for name, wanted in WORLD_BRAIN.items():
        if getattr(brain, name) != wanted:
            told = f"its networks have {name} = {getattr(brain, name)!r}"
            raise UserError(f"--minds {word!r}: {told}; those that live in worlds have {wanted!r}")


def living(path: Path) -> tuple[Experiment, list[Creatures]]:
    """The living of each world that has any, in a natural run's last good checkpoint."""
    folder = runfolder.open_run(path)
    experiment = folder.experiment
    if experiment.run.minds != "evolved":
        raise UserError(f"run {str(path)!r} has {experiment.run.minds} minds; assays want evolved ones")
    _, arrays, _, warnings = checkpoint.load_latest(folder.checkpoints)
    for warning in warnings:
        say(warning, quiet=False)
    arrays = {name: array for name, array in arrays.items() if not name.startswith("lineage.")}
    state = checkpoint.restore(jax.eval_shape(lambda: Simulation.start(experiment).state), arrays)
    alive = np.asarray(state.world.alive)
    if not alive.any():
        raise UserError(f"run {str(path)!r} has no survivors to assay")
    host = jax.tree.map(np.asarray, (state.mind, state.world.body))
    return experiment, [
        jax.tree.map(lambda leaf, w=world: jnp.asarray(leaf[w][alive[w]]), host)
        for world in np.flatnonzero(alive.any(axis=1))
    ]


def pools_of(experiment: Experiment, living: list[Creatures]) -> tuple[Pool, ...]:
    """The living of each world of a run as pools to draw from."""
    return tuple((experiment.brain, mind.genome, body) for mind, body in living if mind.genome is not None)
