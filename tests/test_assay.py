"""Assays are fair: equals share a garden, and blindfolds cost nothing to those who do not look."""

from dataclasses import replace

import jax.numpy as jnp
import pytest

from experiments import assay, loop
from experiments.errors import UserError
from tests.tiny import LETHAL, TINY, tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A tiny run, which the assays take to have had more founders, so that they need 64 slots from the start."""
    path = tmp_path_factory.mktemp("assay") / "run"
    loop.run(TINY, path, quiet=True)
    config = path / "config.toml"
    config.write_text(config.read_text().replace("founders = 24", "founders = 40"))
    return path


def test_a_run_shares_a_garden_with_itself_evenly(run):
    told = assay.garden(run, run, ticks=120, seeds=8)
    assert told["ticks"] == 120 and len(told["shares"]) == len(told["population"]) == 8
    assert min(told["population"]) > 0 and len(set(told["shares"])) > 1
    assert told["share"]["evolved"] == pytest.approx(0.5, abs=0.15)
    assert told["share"]["evolved"] + told["share"]["rival"] == pytest.approx(1, abs=0.05)


def test_a_blindfold_costs_only_those_who_look(run, monkeypatch):
    monkeypatch.setattr(assay, "SETTLE_TICKS", 0)
    looking = assay.blindfold(run, ticks=40, seeds=1)
    assert looking["loss"] != 0 and looking["intake"] != looking["blindfolded"]
    experiment, living = assay._living(run)

    def unplugged(mind):
        nothing = jnp.zeros_like(mind.brain.weight)
        return replace(mind, brain=replace(mind.brain, weight=nothing, rate=nothing))

    absent = [(unplugged(mind), body) for mind, body in living]
    monkeypatch.setattr(assay, "_living", lambda path: (experiment, absent))
    blind = assay.blindfold(run, ticks=40, seeds=1)
    assert blind["loss"] == 0 and blind["intake"] == blind["blindfolded"] and blind["eaten"] >= 0


def test_assays_refuse_runs_without_minds_to_try(run, tmp_path):
    loop.run(replace(TINY, params=LETHAL), tmp_path / "dead", quiet=True)
    with pytest.raises(UserError, match="no survivors"):
        assay.blindfold(tmp_path / "dead")
    config = tmp_path / "dead" / "config.toml"
    config.write_text(config.read_text().replace('minds = "evolved"', 'minds = "greedy"'))
    with pytest.raises(UserError, match="greedy minds"):
        assay.garden(tmp_path / "dead", "founders")


def test_runs_of_other_worlds_cannot_meet(run, tmp_path):
    loop.run(tiny(ticks=1), tmp_path / "other", quiet=True)
    with pytest.raises(UserError, match="differ, so the minds cannot meet"):
        assay.garden(run, tmp_path / "other", seeds=1)
