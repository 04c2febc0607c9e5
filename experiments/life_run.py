"""Runs a pattern for any number of generations by the way that suits it, and says what has become of it.

Two-state rules on the endless plane may be run by HashLife, which leaps over what repeats; fields that stay busy are
stepped cell by cell. The result is the same. Leaves out files (`experiments.life_files`).
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any

from experiments.errors import UserError
from experiments.life_files import Loaded
from experiments.progress import Progress
from sim.life import hashlife, universe
from sim.life.pattern import Pattern, PatternError
from sim.life.quadtree import Sparse, sparse
from sim.life.rules import Rule

TRIAL, BUSY = 512, 5000
"""Generations after which HashLife is left if more cells than this live: it is slow where nothing repeats."""
TOLD = 4096
"""Generations between two words on how far it is."""
LONG = 20_000
"""Generations of a busy pattern that are stepped cell by cell before HashLife is tried again."""


def run(
    loaded: Loaded, generations: int, algorithm: str = "auto", quiet: bool = True
) -> tuple[dict[str, Any], Pattern | Sparse]:
    """Figures and cells after some generations."""
    possible = leaps(loaded)
    if algorithm == "hashlife" and not possible:
        raise UserError(
            f"--algorithm hashlife: needs a rule of two states without B0 on a plane without end, not {name(loaded)}"
        )
    began = time.perf_counter()
    try:
        used, result = _run(loaded, generations, algorithm if possible else "field", quiet)
    except PatternError as error:
        raise UserError(f"{loaded.title}: {error}") from None
    figures: dict[str, Any] = {"pattern": loaded.title, "rule": name(loaded), "generation": result.generation}
    figures["population"] = result.population
    figures |= _frame(result)
    return figures | {"algorithm": used, "seconds": round(time.perf_counter() - began, 3)}, result


def name(loaded: Loaded) -> str:
    """The rule and grid as Golly writes them."""
    return loaded.rule.name + loaded.grid.name


def leaps(loaded: Loaded) -> bool:
    """Whether HashLife can run it."""
    rule, grid = loaded.rule, loaded.grid
    if isinstance(loaded.source, Pattern) and loaded.source.cells.max(initial=0) > 1:
        return False
    return isinstance(rule, Rule) and not rule.table[0] and not (grid.width or grid.height)


def _run(loaded: Loaded, generations: int, algorithm: str, quiet: bool) -> tuple[str, Pattern | Sparse]:
    if algorithm == "field":
        return "field", _stepped(loaded, loaded.pattern, generations, quiet)
    source = loaded.sparse
    if algorithm == "hashlife":
        return "hashlife", _leapt(loaded, source, generations)
    trial = min(generations, TRIAL)
    tried = _leapt(loaded, source, trial)
    if generations == trial or tried.population <= BUSY:
        return "hashlife", _leapt(loaded, tried, generations - trial)
    stepped = _stepped(loaded, tried.to_pattern(), min(generations - trial, LONG), quiet)
    if generations - trial <= LONG:
        return "field", stepped
    return "field, hashlife", _leapt(loaded, sparse(stepped), generations - trial - LONG)


def _leapt(loaded: Loaded, source: Sparse, generations: int) -> Sparse:
    world = hashlife.build(loaded.rule, source)
    world.advance(generations)
    return world.sparse()


def _stepped(loaded: Loaded, pattern: Pattern, generations: int, quiet: bool) -> Pattern:
    now = universe.begin(pattern, loaded.rule, loaded.grid)
    end = now.generation + generations
    with Progress(loaded.title, end, "generation", quiet) as progress:
        while now.generation < end:
            stride = end - now.generation if loaded.grid.bounded else TOLD  # on bounded grids, rounds are found as one
            now = universe.advance(now, min(stride, end - now.generation))
            progress.update(now.generation, partial("{:,} cells".format, now.population))
    return replace(now.pattern(), name=loaded.title)


def _frame(result: Pattern | Sparse) -> dict[str, int]:
    """Where the living cells are."""
    if isinstance(result, Pattern):
        height, width = result.cells.shape
        x, y = (result.x, result.y) if result.cells.size else (0, 0)
        return {"x": x, "y": y, "width": width, "height": height}
    left, top, right, bottom = result.box or (0, 0, -1, -1)
    return {"x": left, "y": top, "width": right - left + 1, "height": bottom - top + 1}
