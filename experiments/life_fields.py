"""Fields of a recorded world as a series of symbols: its run folder simulated again.

Fields of real numbers become symbols by quantile bins of the whole series, bare ground being one of its own where it is
common; the others are symbols already. Leaves out what is measured of them (`experiments.life_measure`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import runfolder
from experiments.errors import UserError, suggestion
from experiments.watch import Replay
from sim.life.measures.symbols import quantile_bins
from sim.world import FIELDS, World

EVERY = 20
"""Ticks between frames unless told: little changes from one to the next."""


def series(
    path: Path, field: str | None, start: int | None, frames: int, every: int | None, bins: int
) -> tuple[dict[str, Any], np.ndarray, bool]:
    """What was taken, symbols `[T, H, W]` of a field in `frames` ticks `every` so many, and whether it is on a torus.

    `start` is the first tick; None: as late as the last checkpoint allows. Raises `UserError`.
    """
    if runfolder.open_run(path).experiment.search.algorithm != "natural":
        raise UserError(f"run {str(path)!r} is a search by explicit fitness; only worlds have fields to measure")
    replay, apart = Replay(path), every or EVERY
    span = (frames - 1) * apart
    first = max(replay.last - span, 0) if start is None else start
    if first + span > replay.last:
        what = f"{frames} frames {apart} ticks apart from tick {first:,} on"
        raise UserError(f"{what} end at {first + span:,}: must be at most {replay.last:,}, the last checkpoint")
    replay.seek(max(tick for tick in replay.ticks if tick <= first))
    seen = []
    for tick in range(first, first + span + 1, apart):
        if replay.sim.tick < tick and not _reached(replay, tick):
            raise UserError(f"run {str(path)!r}: everybody is dead at tick {replay.sim.tick:,}, before tick {tick:,}")
        seen.append(_field(path, replay.snapshot(), field))
    values = np.stack(seen)
    history = binned(values, bins) if np.issubdtype(values.dtype, np.floating) else values
    known = {"run": str(path), "field": field, "first": first, "last": first + span, "every": apart}
    return known, history, replay.config.boundary == "torus"


def binned(values: np.ndarray, bins: int) -> np.ndarray:
    """Quantile bins; where more than a bin's share of cells is bare, these are one symbol and the rest is binned."""
    bare = values <= 0
    if bare.mean() <= 1 / bins:
        return quantile_bins(values, bins)
    out = np.zeros(values.shape, np.uint8)
    if not bare.all():
        out[~bare] = 1 + (quantile_bins(values[~bare], bins - 1) if bins > 2 else 0)
    return out


def _reached(replay: Replay, tick: int) -> bool:
    replay.advance(tick - replay.sim.tick)
    return replay.sim.tick == tick


def _field(path: Path, world: World, name: str | None) -> np.ndarray:
    """One field of a world `[H, W]`: float, or uint8 where it is of symbols already; sound is summed over channels."""
    there = [known for known in FIELDS if getattr(world, known) is not None]
    if name == "agents":
        return _agents(world)
    if name not in there:
        choices = ", ".join(["agents", *there])
        raise UserError(
            f"--field {name!r}: run {str(path)!r} has {choices}{suggestion(name or '', ['agents', *there])}"
        )
    values = np.asarray(jax.device_get(getattr(world, name)))
    if name == "rock" or values.dtype == bool:
        return values.astype(np.uint8)
    return values.sum(-1) if values.ndim == 3 else values


def _agents(world: World) -> np.ndarray:
    """1 where at least one creature is."""
    out = np.zeros(world.plants.shape, np.uint8)
    alive = np.asarray(world.alive)
    out[np.asarray(world.y)[alive].astype(int), np.asarray(world.x)[alive].astype(int)] = 1
    return out
