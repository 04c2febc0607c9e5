"""The line that is typed to load a pattern or to set a rule: its keys, the names it may become, and what it does.

Where that means to reach for files, a `Desk` is asked, which is brought by who opens the window.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sim.life import universe as universes
from sim.life.grids import Grid
from sim.life.pattern import Pattern
from viz import life_edit
from viz.app import Key
from viz.camera import Size
from viz.life_change import begin, tried
from viz.life_view import LifeView, Prompt, fitted

HINTS = 8
"""Most names that are offered."""


@dataclass(frozen=True)
class Desk:
    """What needs files. All raise `ValueError` or `OSError` with a line that says what is wrong."""

    load: Callable[[str], tuple[Pattern, Any, Grid]]  # a pattern by its name or path, its rule and grid
    rule: Callable[[str], tuple[Any, Grid]]  # a rule by its notation, name or path
    save: Callable[[Pattern, str], str]  # writes a pattern under a new name like this; says where
    patterns: Sequence[str] = ()  # names known
    rules: Sequence[str] = ()


def type_key(view: LifeView, desk: Desk, size: Size, key: Key) -> None:
    """Does what a key asks while a line is typed."""
    prompt = view.prompt
    assert prompt is not None
    if key.name == "escape":
        view.prompt = None
    elif key.name == "return":
        if not prompt.text.strip() or tried(
            view, lambda: _answered(view, desk, size, prompt.asks, prompt.text.strip())
        ):
            view.prompt = None
    elif key.name == "backspace":
        prompt.text = "" if key.ctrl else prompt.text[:-1]
    elif key.name == "tab":
        prompt.text = next(iter(hints(desk, prompt)), prompt.text)
    elif key.text and not key.ctrl and len(prompt.text) < 400:
        prompt.text = key.text if prompt.fresh else prompt.text + key.text
    prompt.fresh = False


def hints(desk: Desk, prompt: Prompt) -> list[str]:
    """Known names that go with what was typed so far: beginning with it, holding it, or like it."""
    known, text = (desk.rules if prompt.asks == "rule" else desk.patterns), prompt.text.lower().strip()
    near = [name for name in known if name.lower().startswith(text)]
    near += [name for name in known if text in name.lower() and name not in near]
    if text and not near:
        near = difflib.get_close_matches(text, known, HINTS, 0.5)
    return near[:HINTS]


def _answered(view: LifeView, desk: Desk, size: Size, asks: str, text: str) -> None:
    """Loads what was typed, or raises `ValueError` or `OSError`, nothing being changed."""
    if asks == "rule":
        universe, lost = life_edit.ruled(view.universe, *desk.rule(text))
        begin(view, universe, view.name)
        view.message = f"{lost:,} cells had states that {text} lacks, and are dead now" if lost else ""
        return
    pattern, rule, grid = desk.load(text)
    if asks == "stamp":
        view.stamp, view.placing = pattern.cells, True
        return
    universe = universes.begin(pattern, rule, grid)
    begin(view, universe, pattern.name or text)
    view.paused = True
    view.selection = None
    view.camera = fitted(view, size)
    view.message = next(iter(pattern.comments), "")
