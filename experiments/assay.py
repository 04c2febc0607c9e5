"""Assays: whether evolution made better minds, shown by behaviour in fresh worlds.

`garden` (common garden): an arena of two kinds of minds, one of them evolved, in equal numbers and, unless asked
otherwise, in the bodies of the evolved, who pay for their thinking as in their run; after T ticks, who holds the
living? `blindfold`: in a fresh world that evolved creatures have settled for some generations, they go on with their
observations or with one another's, not breeding; how much of the energy that they net is lost? Each is repeated over
fresh landscapes; of a run of several worlds, trial k takes creatures of world k. A trial without an answer is NaN and
not counted in `valid`. Sources of method: common-garden experiments of ecology; controls by shuffled input.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments import arena, crowd, loop, minds, runfolder
from experiments.arena import ASSAYED, Arena
from experiments.config import Experiment
from experiments.errors import UserError
from experiments.rollout import Params
from experiments.simulation import numbers, setting_of, world_keys
from sim.config import ENERGY_QUANTUM

GARDEN_TICKS, SETTLE_TICKS, BLINDFOLD_TICKS, SEEDS = 5_000, 2_000, 200, 5


def garden(
    path: Path, against: str | Path, *, bodies: str = "evolved", ticks: int = GARDEN_TICKS, seeds: int = 0
) -> dict[str, Any]:
    """Shares of the living after `ticks` of the run's creatures and of founders, greedy minds or another run."""
    loop.cache()
    if isinstance(against, Path):
        _same_worlds(path, against)
    experiment, own = _evolved("evolved", path)
    rival = against if isinstance(against, str) else "rival"
    if isinstance(against, Path):
        other = _evolved(rival, against)[1]
    else:
        other = minds.Kind(rival, "greedy") if rival == "greedy" else minds.Kind(rival, "evolved", experiment.brain)
    seeds = seeds or max(SEEDS, len(own.pools))
    both = Arena(experiment, (own, other), seeds, bodies, paid=True, mingled=False)
    sim = both.released((0, 1))
    sim.advance(ticks)
    counts = both.counts(sim)
    share = arena.shares(counts)
    return {
        "assay": "garden",
        "run": str(path),
        "ticks": sim.tick,
        "seeds": seeds,
        "valid": _valid(share[:, 0]),
        "bodies": bodies,
        "share": {"evolved": _median(share[:, 0]), rival: _median(share[:, 1])},
        "shares": [round(float(value), 4) for value in share[:, 0]],
        "population": [int(total) for total in counts.sum(1)],
    }


def _evolved(name: str, path: Path) -> tuple[Experiment, minds.Kind]:
    """The living of a run as one kind of minds."""
    experiment, living = minds.living(path)
    return experiment, minds.Kind(name, "evolved", pools=minds.pools_of(experiment, living))


def blindfold(path: Path, *, ticks: int = BLINDFOLD_TICKS, seeds: int = 0) -> dict[str, Any]:
    """Energy that creatures net per tick (eaten less the cost of living), seeing and blindfolded."""
    loop.cache()
    experiment, living = minds.living(path)
    seeds = seeds or max(SEEDS, len(living))
    keys = world_keys(experiment.run.seed ^ ASSAYED, seeds)
    number = int(np.median([mind.kind.shape[0] for mind, _ in living]))  # as many as lived in a world

    def drawn(key: jax.Array, trial: int) -> minds.Creatures:
        return crowd.picked(jax.random.fold_in(key, 3), living[trial % len(living)], number)

    params = Params(numbers(experiment.params), numbers(experiment.mutation))
    setting = setting_of(experiment, mutate=False, refound=False)
    settled = arena.settled(experiment, setting, params, keys, drawn)
    settled.advance(SETTLE_TICKS)
    nets, eaten = {}, {}
    for name, shuffle in (("seeing", False), ("blindfolded", True)):
        setting = setting_of(experiment, shuffle=shuffle, breed=False, refound=False)
        sim = arena.resumed(setting, params, keys, jax.tree.map(jnp.copy, settled.state))
        sim.advance(SETTLE_TICKS + ticks)
        ticks_lived = np.array([total["agent_ticks"] for total in sim.totals])
        lived = np.where(ticks_lived > 0, ticks_lived, np.nan)
        food = np.array([sum(total[f"{kind}_eaten"] for kind in ("plant", "meat", "prey")) for total in sim.totals])
        cost = np.array([total["upkeep"] for total in sim.totals])
        nets[name] = (food - cost) * ENERGY_QUANTUM / lived
        eaten[name] = food * ENERGY_QUANTUM / lived
    gainful = np.where(nets["seeing"] > 0, nets["seeing"], np.nan)  # who nets nothing has nothing to lose
    loss = 1 - nets["blindfolded"] / gainful
    return {
        "assay": "blindfold",
        "run": str(path),
        "ticks": ticks,
        "seeds": seeds,
        "valid": _valid(loss),
        "settled": SETTLE_TICKS,
        "intake": _median(nets["seeing"]),
        "blindfolded": _median(nets["blindfolded"]),
        "loss": _median(loss),
        "losses": [round(float(value), 4) for value in loss],
        "eaten": _median(eaten["seeing"]),
        "eaten_blindfolded": _median(eaten["blindfolded"]),
    }


def _valid(trials: np.ndarray) -> int:
    """Number of trials with an answer."""
    return int(np.sum(~np.isnan(trials)))


def _median(trials: np.ndarray) -> float:
    """Median over the trials with an answer; NaN if there are none."""
    return float(np.nanmedian(trials)) if _valid(trials) else float("nan")


def _same_worlds(path: Path, against: Path) -> None:
    """Refuses a rival run whose minds do not fit into the run's world."""
    one, other = (runfolder.open_run(run).experiment for run in (path, against))
    if (other.world, other.brain) != (one.world, one.brain):
        raise UserError(f"--against {str(against)!r}: its [world] and [brain] differ, so the minds cannot meet")
