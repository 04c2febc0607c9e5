"""Assays: whether evolution made better minds, shown by behaviour in fresh worlds.

`garden` (common garden): two kinds of minds in equal numbers and, unless asked otherwise, in equal bodies;
children are copies of their one parent, whatever the run's way of breeding, so the kinds cannot cross; after T
ticks, who holds the living? `blindfold`: in a fresh world that evolved creatures have settled for some generations,
they go on with their observations or with one another's, not breeding; how much of the energy that they net is
lost? Each is repeated over fresh landscapes; of a run of several worlds, trial k takes creatures of world k. A
trial without an answer is NaN and not counted in `valid`. Sources of method: common-garden experiments of ecology;
controls by shuffled input.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from evolution import natural
from evolution.genome import num_connections
from experiments import checkpoint, loop, runfolder
from experiments.config import Experiment
from experiments.errors import UserError
from experiments.progress import say
from experiments.rollout import SUMS, Params, Setting, State, blank_records
from experiments.simulation import Simulation, new_minds, numbers, setting_of, world_keys
from sim import step
from sim.body import Body, founder_bodies
from sim.config import ENERGY_QUANTUM

FRESH = 0x5EED  # assays use other landscapes than runs with the same seed
GARDEN_TICKS, SETTLE_TICKS, BLINDFOLD_TICKS, SEEDS = 5_000, 2_000, 200, 5
Creatures = tuple[natural.Mind, Body]
"""Minds and bodies, each `[K, ...]`."""


def garden(
    path: Path, against: str | Path, *, bodies: str = "evolved", ticks: int = GARDEN_TICKS, seeds: int = 0
) -> dict[str, Any]:
    """Shares of the living after `ticks` of the run's creatures and of founders, greedy minds or another run."""
    loop.cache()
    if isinstance(against, Path):
        _same_worlds(path, against)
    experiment, living = _living(path)
    rivals = _living(against)[1] if isinstance(against, Path) else None
    seeds = seeds or max(SEEDS, len(living))
    rival = against if isinstance(against, str) else "rival"
    setting = _garden_setting(experiment, "greedy" if rival == "greedy" else "evolved")
    half = max(1, min(experiment.world.founders, experiment.world.max_agents // 2) // 2)
    keys = world_keys(experiment.run.seed ^ FRESH, seeds)

    def mixed(key: jax.Array, trial: int) -> Creatures:
        k_pick, k_rival = jax.random.split(jax.random.fold_in(key, 3))
        own, own_body = _pick(k_pick, living[trial % len(living)], half)
        other, other_body = _rivals(k_rival, experiment, against, rivals, trial, half)
        if bodies == "evolved":
            other_body = own_body
        other = replace(other, kind=jnp.ones(half, jnp.int32))
        return jax.tree.map(lambda a, b: jnp.concatenate([a, b]), (own, own_body), (other, other_body))

    sim = _fresh(experiment, setting, keys, mixed)
    sim.advance(ticks)
    alive, kind = np.asarray(sim.state.world.alive), np.asarray(sim.state.mind.kind)
    counts = np.stack([(alive & (kind == k)).sum(1) for k in (0, 1)], axis=1)
    living_of = np.where(counts.sum(1) > 0, counts.sum(1), np.nan)  # nobody left: no answer
    shares = counts / living_of[:, None]
    return {
        "assay": "garden",
        "run": str(path),
        "ticks": sim.tick,
        "seeds": seeds,
        "valid": _valid(shares[:, 0]),
        "bodies": bodies,
        "share": {"evolved": _median(shares[:, 0]), rival: _median(shares[:, 1])},
        "shares": [round(float(share), 4) for share in shares[:, 0]],
        "population": [int(total) for total in counts.sum(1)],
    }


def blindfold(path: Path, *, ticks: int = BLINDFOLD_TICKS, seeds: int = 0) -> dict[str, Any]:
    """Energy that creatures net per tick (eaten less the cost of living), seeing and blindfolded."""
    loop.cache()
    experiment, living = _living(path)
    seeds = seeds or max(SEEDS, len(living))
    keys = world_keys(experiment.run.seed ^ FRESH, seeds)
    number = int(np.median([mind.kind.shape[0] for mind, _ in living]))  # as many as lived in a world

    def drawn(key: jax.Array, trial: int) -> Creatures:
        return _pick(jax.random.fold_in(key, 3), living[trial % len(living)], number)

    settled = _fresh(experiment, setting_of(experiment, mutate=False, refound=False), keys, drawn)
    settled.advance(SETTLE_TICKS)
    nets, eaten = {}, {}
    for name, shuffle in (("seeing", False), ("blindfolded", True)):
        setting = setting_of(experiment, shuffle=shuffle, breed=False, refound=False)
        sim = Simulation(setting, settled.params, keys, jax.tree.map(jnp.copy, settled.state))
        sim.totals, sim.refounds = [dict.fromkeys(SUMS, 0) for _ in keys], [0] * seeds
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


def _garden_setting(experiment: Experiment, rival: str) -> Setting:
    """The run's setting for evolved minds beside `rival` minds: nobody mutates, crosses or comes back."""
    setting = setting_of(experiment, kinds=("evolved", rival), mutate=False, refound=False)
    return replace(setting, world=replace(setting.world, breeding="asexual"))


def _same_worlds(path: Path, against: Path) -> None:
    """Refuses a rival run whose minds do not fit into the run's world."""
    one, other = (runfolder.open_run(run).experiment for run in (path, against))
    if (other.world, other.brain) != (one.world, one.brain):
        raise UserError(f"--against {str(against)!r}: its [world] and [brain] differ, so the minds cannot meet")


def _living(path: Path) -> tuple[Experiment, list[Creatures]]:
    """The living of each world that has any, in a run's last good checkpoint."""
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


def _pick(key: jax.Array, creatures: Creatures, number: int) -> Creatures:
    """`number` creatures drawn evenly at random (with repeats only if there are fewer)."""
    total = creatures[0].kind.shape[0]
    order = jnp.tile(jax.random.permutation(key, total), -(-number // total))[:number]
    mind, body = jax.tree.map(lambda leaf: leaf[order], creatures)
    return replace(mind, kind=jnp.zeros(number, jnp.int32)), body


def _rivals(
    key: jax.Array, experiment: Experiment, against: str | Path, rivals: Any, trial: int, number: int
) -> Creatures:
    """`number` founders, greedy minds, or creatures of the run of which `rivals` are the living."""
    if rivals is not None:
        return _pick(key, rivals[trial % len(rivals)], number)
    mind, _ = new_minds(key, setting_of(experiment), number, "evolved")
    if against == "greedy":  # an empty genome, which is never expressed: it follows the script
        nothing = jnp.zeros_like(mind.genome.enabled)
        mind = replace(mind, genome=replace(mind.genome, enabled=nothing, innovation=jnp.where(nothing, 0, -1)))
    return mind, founder_bodies(number, experiment.params.founder_diet_low, experiment.params.founder_diet_high)


def _fresh(experiment: Experiment, setting: Any, keys: jax.Array, creatures: Any) -> Simulation:
    """Fresh worlds, one per key, settled by `creatures(key, trial)`."""
    params = Params(numbers(experiment.params), numbers(experiment.mutation))
    states = []
    for trial, key in enumerate(keys):
        mind, body = creatures(key, trial)
        number = mind.kind.shape[0]
        need = number + min(setting.batch, experiment.world.max_agents)
        slots = min(1 << (need - 1).bit_length(), experiment.world.max_agents)
        brain = jax.vmap(num_connections)(mind.genome).astype(jnp.float32)
        world = step.genesis(key, setting.world, params.world, slots, body, brain)
        mind = jax.tree.map(
            lambda leaf, n=slots: jnp.pad(leaf, [(0, n - len(leaf))] + [(0, 0)] * (leaf.ndim - 1)), mind
        )
        sums = jnp.zeros((len(SUMS), 2), jnp.int32)
        states.append(State(world, mind, natural.newborn_memory(mind), sums, blank_records(setting)))
    state = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    sim = Simulation(setting, params, keys, state)
    sim.totals = [dict.fromkeys(SUMS, 0) for _ in keys]
    sim.refounds = [0] * len(keys)
    return sim
