"""Invasion from rarity: does a kind of mind rise from a small share in a world that another kind holds?

Residents settle alone; then a small share of the living get the mind of an invader and nothing else, so that bodies,
reserves, ages and places are equal. The few are lost by chance even if they are as good, so each world is lived a
second time in which those very creatures keep their minds, and their line is what the invaders' is compared with. Two
kinds that invade each other coexist: mutual invasibility (Chesson 2000, Annu. Rev. Ecol. Syst. 31:343). Leaves out
communities of three or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments import crowd, loop, policies
from experiments.arena import TICKS, Arena, demand, interval, mean, resumed, shares, told
from experiments.errors import UserError
from experiments.simulation import Simulation

SETTLE_TICKS, RARE = 2_000, 0.05
OUTCOMES = {
    ("rises", "rises"): "coexistence: each invades the other",
    ("falls", "falls"): "whoever is there first: neither invades",
    ("rises", "falls"): "{0} replaces {1}",
    ("falls", "rises"): "{1} replaces {0}",
}


def invasions(
    arena: Arena, rare: float = RARE, invader: str | None = None, ticks: int = TICKS, settle: int = SETTLE_TICKS
) -> dict[str, Any]:
    """Whether each kind, or one of them, rises from a small share in the worlds of each other kind."""
    demand(arena)
    if arena.bodies == "own":
        raise UserError("--bodies own: an invader gets the body of a resident; give founders or the name of a mind")
    chosen = arena.names if invader is None else (invader,)
    if invader is not None and invader not in arena.names:
        raise UserError(f"--invader {invader!r}: must be one of {', '.join(arena.names)}")
    loop.cache()
    rows = []
    for resident, name in enumerate(arena.names):
        guests = [k for k, other in enumerate(arena.names) if other in chosen and k != resident]
        if not guests:
            continue
        home = arena.released([resident])
        home.advance(settle)
        drift = change(*kept(arena, _again(home), rare, settle + ticks), 0)
        for guest in guests:
            sim = _again(home)
            invaded(arena, sim, guest, rare)
            before = arena.counts(sim)
            sim.advance(settle + ticks)
            fared = rise(before, arena.counts(sim), guest, drift)
            rows.append({"invader": arena.names[guest], "resident": name} | fared)
    out = {**told("invasion", arena, ticks), "settled": settle, "rare": rare, "invasions": rows}
    return out if invader is not None else out | {"pairs": _pairs(arena.names, rows)}


def _again(home: Simulation) -> Simulation:
    """The same worlds, to go on from where they are."""
    return resumed(home.setting, home.params, home.keys, jax.tree.map(jnp.copy, home.state))


def change(before: np.ndarray, after: np.ndarray, guest: int) -> np.ndarray:
    """Change of the log odds `[seeds]` of a guest, from counts of the living `[seeds, kinds]`; NaN where all died.

    log((guests + 1/2) / (others + 1/2)), so that nobody is no infinity (Haldane 1956).
    """

    def odds(counts: np.ndarray) -> np.ndarray:
        own = counts[:, guest]
        return np.log((own + 0.5) / (counts.sum(1) - own + 0.5))

    lived = (before.sum(1) > 0) & (after.sum(1) > 0)
    return np.where(lived, odds(after) - odds(before), np.nan)


def rise(before: np.ndarray, after: np.ndarray, guest: int, drift: np.ndarray) -> dict[str, Any]:
    """How a guest fared beside `drift` `[seeds]`, the change of those who kept their minds in its place."""
    own = change(before, after, guest)
    valid = ~np.isnan(own - drift)
    found = interval("excess", own - drift, np.mean)
    verdict = "rises" if found["excess_low"] > 0 else "falls" if found["excess_high"] < 0 else "undecided"
    return {
        "log_ratio": mean(own[valid]),
        "drift": mean(drift[valid]),
        **found,
        "verdict": verdict,
        "share": mean(shares(after)[valid, guest]),
        "survives": int((after[valid, guest] > 0).sum()),
        "valid": int(valid.sum()),
    }


def kept(arena: Arena, sim: Simulation, rare: float, until: int) -> tuple[np.ndarray, np.ndarray]:
    """The living of the line of those who would be drawn, and all others `[seeds, 2]`: now, and at tick `until`."""

    def counts() -> np.ndarray:
        alive, uid = np.asarray(sim.state.world.alive), np.asarray(sim.state.world.uid)
        inside = [sum(one in line for one in uid[w][alive[w]].tolist()) for w, line in enumerate(lines)]
        return np.stack([inside, alive.sum(1) - inside], axis=1)

    alive, uid = np.asarray(sim.state.world.alive), np.asarray(sim.state.world.uid)
    lines = [set(uid[w][_chosen(arena, w, alive[w], rare)].tolist()) for w in range(arena.seeds)]
    before = counts()
    births: list[dict[str, np.ndarray]] = []
    sim.on_births = births.append
    sim.advance(until)
    descend(lines, births)
    return before, counts()


def descend(lines: list[set[int]], births: list[dict[str, np.ndarray]]) -> None:
    """Adds to each world's line of ids the children born into it; births in the order of time."""
    for chunk in births:
        for w, uid, mother in zip(*(chunk[name].tolist() for name in ("world", "uid", "mother")), strict=True):
            if mother in lines[w]:
                lines[w].add(uid)


def _chosen(arena: Arena, world: int, alive: np.ndarray, rare: float) -> np.ndarray:
    """Slots of a share of the living `[N]` of a world, at least one if anybody lives, drawn at random."""
    living = np.flatnonzero(alive)
    return crowd.picked(arena.keys_of(world).rare, living, max(1, round(rare * len(living)))) if len(living) else living


def _pairs(names: Sequence[str], rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What mutual invasion says of each pair of kinds."""
    verdict = {(row["invader"], row["resident"]): row["verdict"] for row in rows}
    pairs = [(one, other) for i, one in enumerate(names) for other in names[i + 1 :]]
    told = [OUTCOMES.get((verdict[pair], verdict[pair[::-1]]), "undecided").format(*pair) for pair in pairs]
    return [{"pair": " and ".join(pair), "outcome": text} for pair, text in zip(pairs, told, strict=True)]


def invaded(arena: Arena, sim: Simulation, invader: int, rare: float) -> None:
    """Gives a share `rare` of the living of each world, at least one, the mind of an invader, newly born.

    Bodies, reserves, ages and places stay, so the worlds differ from before in minds alone.
    """
    state = sim.state
    alive, brain = np.asarray(state.world.alive), np.array(state.world.brain)
    mind, memory = jax.tree.map(np.array, (state.mind, state.memory))
    for world in np.flatnonzero(alive.any(1)):
        slots = _chosen(arena, int(world), alive[world], rare)
        new, _ = arena.drawn(arena.keys_of(int(world)).invader, invader, int(world), len(slots))
        for old, rows in ((mind, new), (memory, policies.blank_memory(arena.setting, new))):
            jax.tree.map(partial(_put, (world, slots)), old, rows)
        brain[world, slots] = policies.thought(arena.setting, new)
    mind, memory, brain = jax.tree.map(jnp.asarray, (mind, memory, brain))
    sim.state = replace(state, mind=mind, memory=memory, world=replace(state.world, brain=brain))


def _put(place: Any, leaf: np.ndarray, rows: Any) -> None:
    leaf[place] = rows
