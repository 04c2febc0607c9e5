"""Opens the viewer's window on a cellular automaton, and reaches for files on its behalf.

Patterns and rules are found as by the other commands (`experiments.life_files`). Leaves out the viewer itself
(`viz.life_app`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments import files, life_files, loop
from experiments.errors import RunError, UserError
from sim.life import formats, loops, notation, patterns, universe
from sim.life.grids import Grid
from sim.life.pattern import Pattern, PatternError
from viz.app import Key
from viz.camera import Camera


def watch(pattern: Pattern | None, rule: Any, grid: Grid, title: str) -> None:
    """Opens the window on a pattern, or on an empty field to draw on, until it is closed."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        from viz import life_app, window
    except ImportError as missing:
        raise RunError(f"the viewer needs pygame, which cannot be loaded: {missing}") from None
    loop.cache()
    try:
        begun = universe.begin(pattern or empty(), rule, grid)
        window.announce(title, "laying out the field…")
        window.Window(life_app.LifeApp(begun, title, desk(Path.cwd(), window.unused))).run()
    except PatternError as error:
        raise UserError(str(error)) from None
    except window.NoDisplay as error:
        raise UserError(f"no window can be opened: {error}; is there a display?") from None


def census_picture() -> np.ndarray:
    """The viewer's picture `[H, W, 3]` of what the R-pentomino leaves behind, its objects named."""
    app = _shown(*load("r-pentomino"))
    app.view.name = "r-pentomino"
    for _ in range(370):  # in small steps, for the curves
        app.advance(3)
        app.frame(True)
    app.view.census, app.view.camera = True, Camera(18, -7, 8)
    app.frame(True)
    app.settle()
    return app.frame(True)


def ages_picture() -> np.ndarray:
    """The viewer's picture `[H, W, 3]` of a soup on a torus, coloured by age."""
    from viz import life_view

    app = _shown(empty(), *notation.parse("B3/S23:T384,300"))
    app.press(Key("n"))
    app.press(Key("tab"))
    for generation in range(600):
        app.advance(1)
        app.look()
        if generation % 3 == 0:
            life_view.measure(app.view)
    app.view.name, app.view.camera = "soup", Camera(0, 0, 4)
    return app.frame(True)


def _shown(pattern: Pattern, rule: Any, grid: Grid) -> Any:
    """An app without a window."""
    from viz import life_app
    from viz.life_prompt import Desk

    loop.cache()
    return life_app.LifeApp(universe.begin(pattern, rule, grid), "", Desk(load, rule_of, lambda pattern, stem: stem))


def empty() -> Pattern:
    """A pattern without cells."""
    return Pattern(np.zeros((0, 0), np.uint8))


def desk(folder: Path, unused: Callable[[Path, str, str], Path]) -> Any:
    """What the viewer asks of files, with `folder` for those it saves; `unused` finds names that nothing has."""
    from viz.life_prompt import Desk

    def save(pattern: Pattern, stem: str) -> str:
        path = unused(folder, stem, ".rle")
        try:
            files.write_whole(path, formats.write(pattern, "rle"))
        except RunError as error:
            raise ValueError(str(error)) from None
        return str(path)

    rules = tuple(sorted({*notation.NAMES, *loops.RULES}))
    return Desk(load, rule_of, save, tuple(sorted(patterns.PATTERNS)), rules)


def load(text: str) -> tuple[Pattern, Any, Grid]:
    """A pattern by name or path, with its rule and grid. Raises `ValueError` with a line that says what is wrong."""
    if text == "-":
        raise ValueError("stdin cannot be read while the window is open")
    try:
        loaded = life_files.load(text)
        pattern = loaded.pattern
    except UserError as error:
        raise ValueError(str(error)) from None
    return replace(pattern, name=pattern.name or loaded.title), loaded.rule, loaded.grid


def rule_of(text: str) -> tuple[Any, Grid]:
    """A rule by its notation, or by the path of a .rule file; a grid may follow. Raises `ValueError` as `load`."""
    try:
        return life_files.rule_of(text)
    except UserError as error:
        raise ValueError(str(error)) from None
