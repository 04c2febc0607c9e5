"""Assays are fair: equals share a garden, blindfolds cost only those who look, and no answer is not zero."""

import json
import shutil
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import arena, assay, checkpoint, loop, minds, printing
from experiments.errors import UserError
from tests.tiny import LETHAL, TINY, tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A tiny run, which the assays take to have had more founders, so that they need 64 slots from the start."""
    path = tmp_path_factory.mktemp("assay") / "run"
    loop.run(TINY, path, quiet=True)
    edit(path, "founders = 24", "founders = 40")
    return path


def edit(path, *pairs: str) -> None:
    """Replaces lines of a run's config, given as old, new, old, new …"""
    config = path / "config.toml"
    text = config.read_text()
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert text.count(f"\n{old}\n") == 1, old
        text = text.replace(f"\n{old}\n", f"\n{new}\n")
    config.write_text(text)


def altered(run, path, *pairs: str):
    """A copy of a run with other lines in its config."""
    shutil.copytree(run, path)
    edit(path, *pairs)
    return path


def test_a_run_shares_a_garden_with_itself_evenly(run):
    told = assay.garden(run, run, ticks=120, seeds=8)
    assert told["ticks"] == 120 and len(told["shares"]) == len(told["population"]) == told["valid"] == 8
    assert min(told["population"]) > 0 and len(set(told["shares"])) > 1
    assert told["share"]["evolved"] == pytest.approx(0.5, abs=0.15)
    assert told["share"]["evolved"] + told["share"]["rival"] == pytest.approx(1, abs=0.05)


def test_kinds_do_not_cross_in_a_garden(run, monkeypatch):
    """The run breeds by two parents where it can; in the garden, children have one, and all its genes."""
    sims, births, settled = [], [], arena.settled

    def watched(*args):
        sims.append(settled(*args))
        sims[0].on_births = births.append
        return sims[0]

    monkeypatch.setattr(arena, "settled", watched)
    assert TINY.world.breeding == "both"
    assay.garden(run, run, ticks=120, seeds=8)
    father, mother = (np.concatenate([chunk[name] for chunk in births]) for name in ("father", "mother"))
    assert len(mother) > 50 and np.all(father == -1)
    world, mind = (jax.tree.map(np.asarray, part) for part in (sims[0].state.world, sims[0].state.mind))
    for w in range(8):
        row = {world.uid[w, slot]: slot for slot in np.flatnonzero(world.alive[w])}
        pairs = [(slot, row[world.mother[w, slot]]) for slot in row.values() if world.mother[w, slot] in row]
        assert pairs
        for child, parent in pairs:
            assert mind.kind[w, child] == mind.kind[w, parent]
            np.testing.assert_array_equal(mind.genome.weight[w, child], mind.genome.weight[w, parent])


@pytest.mark.slow
def test_a_garden_in_which_all_died_has_no_answer(run, tmp_path, capsys):
    """Nor do new founders come, whom a run with on_extinction = "refound" would count as evolved."""
    lines = ("basal_cost = 0.004", "basal_cost = 1.0", 'on_extinction = "end"', 'on_extinction = "refound"')
    crowd = ("founders = 40", "founders = 45", "max_agents = 64", "max_agents = 48")
    dead = altered(run, tmp_path / "dead", *lines, *crowd)
    told = assay.garden(dead, "founders", ticks=64, seeds=1)
    assert told["population"] == [0] and told["valid"] == 0
    printing.print_json(told)
    told = json.loads(capsys.readouterr().out)
    assert told["share"] == {"evolved": None, "founders": None} and told["shares"] == [None]


def test_medians_are_those_of_the_trials_with_an_answer():
    trials = np.array([np.nan, 0.25, 0.75, np.nan])
    assert assay._median(trials) == 0.5 and assay._valid(trials) == 2


def test_a_garden_has_both_kinds_however_few_the_founders(run, tmp_path, monkeypatch):
    lone = altered(run, tmp_path / "lone", "founders = 40", "founders = 1")

    class Seen(Exception):
        pass

    def look(experiment, setting, params, keys, creatures):
        raise Seen(np.asarray(creatures(keys[0], 0)[0].kind).tolist())

    monkeypatch.setattr(arena, "settled", look)
    with pytest.raises(Seen, match=r"\[0, 1\]"):
        assay.garden(lone, lone, seeds=1)


def test_a_blindfold_costs_only_those_who_look(run, monkeypatch):
    monkeypatch.setattr(assay, "SETTLE_TICKS", 0)
    looking = assay.blindfold(run, ticks=40, seeds=1)
    assert looking["loss"] != 0 and looking["intake"] != looking["blindfolded"]
    experiment, living = minds.living(run)

    def unplugged(mind):
        nothing = jnp.zeros_like(mind.brain.weight)
        return replace(mind, brain=replace(mind.brain, weight=nothing, rate=nothing))

    absent = [(unplugged(mind), body) for mind, body in living]
    monkeypatch.setattr(minds, "living", lambda path: (experiment, absent))
    blind = assay.blindfold(run, ticks=40, seeds=1)
    assert blind["loss"] == 0 and blind["intake"] == blind["blindfolded"] and blind["eaten"] >= 0
    assert blind["valid"] == 1 and blind["losses"] == [0]


def test_who_nets_nothing_has_nothing_to_lose(run, tmp_path, monkeypatch):
    monkeypatch.setattr(assay, "SETTLE_TICKS", 0)
    hungry = altered(
        run, tmp_path / "hungry", "mouth = 0.5", "mouth = 0.0", "bite_mouthful = 1.5", "bite_mouthful = 0.0"
    )
    told = assay.blindfold(hungry, ticks=40, seeds=1)
    assert told["intake"] < 0 and told["valid"] == 0
    assert np.isnan(told["loss"]) and np.isnan(told["losses"]).all()


def test_assays_refuse_runs_without_minds_to_try(run, tmp_path):
    loop.run(replace(TINY, params=LETHAL), tmp_path / "dead", quiet=True)
    with pytest.raises(UserError, match="no survivors"):
        assay.blindfold(tmp_path / "dead")
    edit(tmp_path / "dead", 'minds = "evolved"', 'minds = "greedy"')
    with pytest.raises(UserError, match="greedy minds"):
        assay.garden(tmp_path / "dead", "founders")


def test_runs_of_other_worlds_cannot_meet(run, tmp_path, monkeypatch):
    other = altered(run, tmp_path / "other", "width = 36", "width = 40")

    def early(folder):
        raise AssertionError("read a checkpoint first")

    monkeypatch.setattr(checkpoint, "load_latest", early)
    with pytest.raises(UserError, match="differ, so the minds cannot meet"):
        assay.garden(run, other, seeds=1)


def test_reading_a_run_compiles_no_world(run, tmp_path):
    """What it is restored into is known by shapes alone."""
    fresh, compiled = altered(run, tmp_path / "fresh", "founders = 40", "founders = 39"), []

    def listen(event: str, seconds: float, **rest) -> None:
        if "backend_compile" in event:
            compiled.append(rest["fun_name"])

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        experiment, living = minds.living(fresh)
        jax.jit(lambda x: x + 1, inline=True)(1.0)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert experiment.world.founders == 39 and living[0][0].kind.shape[0] > 20
    assert compiled and not [name for name in compiled if "founding" in name]


def test_a_checkpoint_passed_over_is_told(run, tmp_path, capsys):
    torn = tmp_path / "torn"
    shutil.copytree(run, torn)
    last = sorted((torn / "checkpoints").glob("*.safetensors"))[-1]
    last.write_bytes(last.read_bytes()[:1000])
    minds.living(torn)
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and last.name in told and "is passed over" in told


def test_a_run_of_one_tick_can_be_read(tmp_path):
    loop.run(tiny(ticks=1), tmp_path / "short", quiet=True)
    _, living = minds.living(tmp_path / "short")
    assert len(living) == 1 and living[0][0].kind.shape[0] == TINY.world.founders
