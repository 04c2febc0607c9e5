"""Measures of emergence of a rule, of a pattern in its rule, or of a field of a recorded world, beside their control.

A rule is run from a random soup; a pattern on its own grid, or on the plane, of which a window around it is measured; a
world is simulated again from its run folder (`experiments.life_fields`). The numbers are those of
`sim.life.measures.profile`. Leaves out printing, and comparisons between runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from experiments import life_fields, life_files
from experiments.errors import UserError, suggestion
from sim.life import patterns, universe
from sim.life.elementary import Elementary
from sim.life.grids import Grid
from sim.life.measures.activity import langton_lambda
from sim.life.measures.profile import profile
from sim.life.pattern import Pattern, PatternError, RuleError
from sim.life.rules import Rule

LINE, SIDE, WINDOW = 16381, 127, 64
"""Cells of a ring, on a side of a torus (both prime, for additive rules), of a window on the plane; unless told."""
SETTLED = 1000
"""Generations before a soup is measured, unless told."""
MOST_SAMPLES = 1 << 25
LEAST_SIDE = 4  # cells
LONGEST, PAST = 8, 6  # cells of blocks and generations of past, at most
SAMPLES_PER_CODE = 8  # at least: blocks and pasts are as long as this allows
LEAST_FRAMES, MOST_FRAMES = 8, 1024


def measure(
    target: str | Path,
    field: str | None = None,
    size: int | None = None,
    generations: int | None = None,
    frames: int = 16,
    every: int | None = None,
    seed: int = 0,
    density: float = 0.5,
    bins: int = 3,
    rule: str | None = None,
) -> dict[str, Any]:
    """What was measured, how, and `measures`: rows of `measure`, its `value`, and that of the `shuffled` control.

    `target` is a run folder, a pattern by file or name (under its own `rule` or another), or a rule. `size` in cells is
    that of a soup or of the window on the plane; `generations` (of a world the number of the tick) come before the
    first of the `frames`, which are `every` so many apart (1; of worlds 20). `field` and `bins` are of worlds,
    `density` of soups; `seed` decides a soup and the shuffling. Raises `UserError`.
    """
    _within("--frames", frames, LEAST_FRAMES, MOST_FRAMES)
    _within("--seed", seed, 0, 1 << 31)
    for name, given, least in (("--generations", generations, 0), ("--every", every, 1)):
        if given is not None:
            _within(name, given, least, 1 << 31)
    path = Path(target)
    if path.is_dir():
        if size is not None:
            raise UserError(f"--size {size}: a world has its own; leave it out")
        _within("--bins", bins, 2, 256)
        found, history, torus = life_fields.series(path, field, generations, frames, every, bins)
        _room(history.shape[2], history.shape[1], frames, False)
    else:
        if field is not None:
            raise UserError(f"--field {field!r}: only a world of a run folder has fields, and {str(target)!r} is none")
        if size is not None and size < LEAST_SIDE:
            raise UserError(f"--size {size}: must be {LEAST_SIDE} cells or more")
        if _is_pattern(str(target)):
            found, history, torus = _of_pattern(
                life_files.load(str(target), rule), size, generations or 0, frames, every or 1
            )
        elif rule is not None:
            raise UserError(f"--rule {rule!r}: goes with a pattern, and {str(target)!r} is none")
        else:
            found, history, torus = _of_soup(str(target), size, generations, frames, every or 1, seed, density)
    return found | _profiled(history, seed, torus)


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise UserError(f"{name} {value}: must be from {least:,} to {most:,}")


def _profiled(history: np.ndarray, seed: int, torus: bool) -> dict[str, Any]:
    """The profile with blocks and pasts as long as the number of samples allows."""
    states = int(history.max()) + 1
    room = int(np.log(history.size / SAMPLES_PER_CODE) / np.log(max(states, 2)))
    longest = max(2, min(LONGEST, room, history.shape[-1] // 2))
    past = max(1, min(PAST, room - 2, len(history) - 2))
    found = profile(history, np.random.default_rng([seed, 1]), longest, past, torus=torus)
    rows = [
        {"measure": name, "value": float(value), "shuffled": _float(found.get(f"{name}_shuffled"))}
        for name, value in found.items()
        if not name.endswith("_shuffled")
    ]
    cells = "x".join(str(length) for length in reversed(history.shape[1:]))
    used = {"cells": cells, "frames": len(history), "states": states, "torus": torus, "blocks": longest, "past": past}
    return used | {"seed": seed, "measures": rows}


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


# --- Rules and patterns ---


def _is_pattern(text: str) -> bool:
    """Whether a target is a file other than of a rule, stdin, or the name of a built-in pattern."""
    if text == "-" or (Path(text).expanduser().is_file() and not text.endswith(".rule")):
        return True
    try:
        return bool(patterns.named(text))
    except PatternError:
        return False


def _rule(text: str) -> tuple[Any, Grid]:
    try:
        return life_files.rule_of(text)
    except (RuleError, PatternError) as error:
        near = suggestion(text.lower(), patterns.PATTERNS)
        raise UserError(f"{text!r} is no run folder, no pattern{near} and no rule: {error}") from None


def _of_soup(
    text: str, size: int | None, generations: int | None, frames: int, every: int, seed: int, density: float
) -> tuple[dict[str, Any], np.ndarray, bool]:
    rule, grid = _rule(text)
    _within("density", density, 0.0, 1.0)
    line = isinstance(rule, Elementary)
    _ends(text, grid, line)
    if grid.bounded:
        if size is not None:
            raise UserError(f"--size {size}: the rule {text!r} names its own grid; leave one of them out")
    else:
        side = size or (LINE if line else SIDE)
        grid = Grid("torus", side, 1 if line else side)
    _room(grid.width, grid.height, frames, line)
    generator = np.random.default_rng([seed, 0])
    cells = generator.random((grid.height, grid.width)) < density
    states = generator.integers(1, rule.num_states, cells.shape)
    settled = SETTLED if generations is None else generations
    held = universe.begin(Pattern((cells * states).astype(np.uint8)), rule, grid)
    history = _history(held, settled, frames, every, None)
    found = {"rule": rule.name + grid.name, **_table(rule), "density_at_start": density, "generations": settled}
    found["every"] = every
    return found, history, _is_torus(grid)


def _of_pattern(
    loaded: life_files.Loaded, size: int | None, generations: int, frames: int, every: int
) -> tuple[dict[str, Any], np.ndarray, bool]:
    rule, grid = loaded.rule, loaded.grid
    line = isinstance(rule, Elementary)
    _ends(loaded.title, grid, line)
    if grid.bounded and size is not None:
        raise UserError(f"--size {size}: {loaded.title!r} lives on the grid {grid.name}; leave the size out")
    try:
        held = universe.begin(loaded.pattern, rule, grid)
    except PatternError as error:
        raise UserError(f"{loaded.title}: {error}") from None
    side = size or WINDOW
    _room(grid.width or side, grid.height or side, frames, line)
    height, width = held.cells.shape
    window = None if grid.bounded else (held.y + height // 2 - side // 2, held.x + width // 2 - side // 2, side)
    known = {"pattern": loaded.title, "rule": rule.name + grid.name, **_table(rule), "generations": generations}
    known["every"] = every
    return known, _history(held, generations, frames, every, window), grid.bounded and _is_torus(grid)


def _ends(text: str, grid: Grid, line: bool) -> None:
    """Refuses a grid that ends on one pair of sides: neither a soup nor a window would fill it."""
    if not line and bool(grid.width) != bool(grid.height):
        raise UserError(f"{text!r}: the grid {grid.name} ends on one pair of sides; must end on both, or on none")


def _room(width: int, height: int, frames: int, line: bool) -> None:
    for name, length in (("width", width), ("height", height)):
        if length < LEAST_SIDE and not (line and name == "height"):
            raise UserError(f"{name} {length}: what is measured must be {LEAST_SIDE} cells or more on each side")
    if width * height * frames > MOST_SAMPLES:
        text = f"{frames} frames of {width}x{height} cells: must be at most {MOST_SAMPLES:,} cells in all"
        raise UserError(f"{text}; take fewer --frames or a smaller --size")


def _table(rule: Any) -> dict[str, float]:
    return {"lambda": langton_lambda(rule.table)} if isinstance(rule, (Rule, Elementary)) else {}


def _is_torus(grid: Grid) -> bool:
    return grid.kind == "torus" and not any(grid.shift)


def _history(
    held: universe.Universe, settled: int, frames: int, every: int, window: tuple[int, int, int] | None
) -> np.ndarray:
    """Generations `[T, H, W]` or of a line `[T, n]`; `window` is the first row, the first column and the side."""
    seen = []
    try:
        for number in [settled] + [every] * (frames - 1):
            held = universe.advance(held, number)
            seen.append(held.cells if window is None else _cut(held, *window))
    except PatternError as error:
        raise UserError(str(error)) from None
    history = np.stack(seen)
    return history[:, 0] if isinstance(held.rule, Elementary) else history


def _cut(held: universe.Universe, top: int, left: int, side: int) -> np.ndarray:
    """A window on the plane; beyond the field is background. A line has one row."""
    rows = 1 if isinstance(held.rule, Elementary) else side
    y, x = (0 if rows == 1 else top - held.y), left - held.x
    out = np.full((rows, side), held.background, np.uint8)
    height, width = held.cells.shape
    low, high = (max(y, 0), max(x, 0)), (min(y + rows, height), min(x + side, width))
    if low[0] < high[0] and low[1] < high[1]:
        out[low[0] - y : high[0] - y, low[1] - x : high[1] - x] = held.cells[low[0] : high[0], low[1] : high[1]]
    return out
