"""What keys do to an automaton, by name, without pygame.

Whatever replaces the universe, a step, a run, an edit, another rule, can be undone (`viz.life_change`). Leaves out the
mouse (`viz.life_app`) and the typed line (`viz.life_prompt`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from viz import life_edit
from viz.app import Key, paced
from viz.camera import Size, about
from viz.life_change import back, edit, keep, put, tried
from viz.life_draw import FAR, NEAR, cell_at
from viz.life_edit import Box
from viz.life_prompt import Desk, type_key
from viz.life_view import COLOURS, LifeView, Prompt, advance, fitted, present

HELP: tuple[tuple[str, str], ...] = (
    ("Space", "run or pause"),
    (". or Right", "one generation"),
    ("U or Left, Ctrl+Z", "undo: an edit, a step, a whole run"),
    ("Shift+U, Ctrl+Y", "redo"),
    ("Home", "back to the start: as loaded, or last drawn"),
    ("Up, Down or +, -", "faster, slower"),
    ("M", "full speed, or back to 30 generations/s"),
    ("X, Shift+X", "twice, half the generations from picture to picture"),
    ("wheel or PgUp, PgDn", "zoom, at the pointer"),
    ("right drag, Shift+drag, Shift+arrows", "move the view"),
    ("F or R, A", "show the whole pattern; keep it in view"),
    ("drag", "draw, or erase from a cell of that state on"),
    ("0 … 9, Shift: 10 … 19", "state to draw"),
    ("Ctrl+drag, Ctrl+A", "select a rectangle, or all"),
    ("Ctrl+C, Ctrl+X, Ctrl+V", "copy, cut, paste at a click (R turns, F flips)"),
    ("Delete", "clear the selection, or everything"),
    ("N", "random soup in the selection, the grid, or here"),
    ("L, Shift+L", "load a pattern by name or file; paste one"),
    ("E or :", "another rule, grid included"),
    ("S", "save the pattern as RLE"),
    ("C", "census: find and name objects"),
    ("Tab", "colour cells by state, or by age"),
    ("G", "lines between cells on or off"),
    ("P or F12", "save a picture"),
    ("H or ?", "this help"),
    ("Q or Esc", "quit"),
)
"""Every key, as the help overlay lists them."""

ARROWS = {"up": (0, 1), "left": (1, 0), "down": (0, -1), "right": (-1, 0)}
PAN_STEP = 40.0
SOUP, SOUP_SIDE = 0.35, 128
"""Share of living cells in a random soup, and its side where nothing else says how large it is."""
LONGEST_BURST = 1 << 20  # generations from picture to picture


def press(view: LifeView, desk: Desk, size: Size, key: Key) -> str | None:
    """Does what a key asks; `size` is that of the scene. Returns "quit" or "picture" where the window must act."""
    if key.name == "f12" or (key.name == "p" and view.prompt is None and not key.ctrl):
        return "picture"
    if view.prompt is not None:
        type_key(view, desk, size, key)
    elif key.ctrl:
        _clip(view, key)
    elif key.name in ("q", "escape"):
        return None if key.name == "escape" and _leave(view) else "quit"
    elif key.shift and key.name in ARROWS:
        pan(view, *(PAN_STEP * d for d in ARROWS[key.name]))
    elif view.placing and key.name in ("r", "f") and view.stamp is not None:
        view.stamp = np.rot90(view.stamp, -1) if key.name == "r" else view.stamp[:, ::-1]
    elif key.name in ("pageup", "pagedown"):
        zoom(view, size, 1.25 if key.name == "pageup" else 0.8, size[0] / 2, size[1] / 2)
    elif not (_travel(view, size, key) or _change(view, desk, size, key)):
        _show(view, size, key)
    return None


def _leave(view: LifeView) -> bool:
    """Ends what Escape ends before it quits."""
    if view.help:
        view.help = False
    elif view.placing:
        view.placing = False
    elif view.selection is not None:
        view.selection = None
    else:
        return False
    return True


def _travel(view: LifeView, size: Size, key: Key) -> bool:
    """Running, stepping, going back."""
    if key.name in (".", "right"):
        keep(view)
        view.paused = True
        view.over = advance(view, 1) == 0
    elif key.name in ("u", "left"):
        back(view, redo=key.shift)
    elif key.name == "home":
        keep(view)
        view.paused = True
        put(view, view.start)
    elif key.name == "x":
        doubled = 2 * max(view.burst, 1)
        view.burst = view.burst // 2 if key.shift else min(doubled, LONGEST_BURST)
        view.burst = 0 if view.burst < 2 else view.burst
    else:
        running = not view.paused
        found = paced(view, key.name)
        if running != (not view.paused) and not running:
            keep(view)
            view.over = False
        return found
    return True


def _change(view: LifeView, desk: Desk, size: Size, key: Key) -> bool:
    """What changes the pattern, or asks for another one."""
    if key.name == "l":
        view.prompt = Prompt("stamp" if key.shift else "pattern")
    elif key.name in ("e", ":"):
        view.prompt = Prompt("rule", view.rule.name + view.universe.grid.name)
    elif key.name == "s":
        tried(view, lambda: setattr(view, "message", f"saved {desk.save(present(view), stem(view))}"))
    elif key.name == "n":
        view.soups += 1
        edit(view, lambda universe: life_edit.soup(universe, _room(view, size), SOUP, view.soups))
    elif key.name in ("delete", "backspace"):
        box = view.selection or life_edit.frame(view.universe)
        edit(view, lambda universe: life_edit.filled(universe, box, universe.background))
    else:
        return False
    return True


def _room(view: LifeView, size: Size) -> Box:
    """Where a soup goes: the selection, the grid, or around the middle of the view."""
    if view.selection is not None:
        return view.selection
    if view.universe.grid.bounded:
        return life_edit.frame(view.universe)
    row, column = cell_at(view.camera, size, size[0] / 2, size[1] / 2)
    half, top = SOUP_SIDE // 2, view.universe.y if view.line else row - SOUP_SIDE // 2
    return Box(top, column - half, top + (1 if view.line else SOUP_SIDE), column + half)


def _show(view: LifeView, size: Size, key: Key) -> None:
    if key.name in ("h", "?"):
        view.help = not view.help
    elif key.name == "c":
        view.census = not view.census
        view.found, view.found_in, view.told = [], None, ""
    elif key.name == "g":
        view.lines = not view.lines
    elif key.name == "tab":
        view.colour = COLOURS[(COLOURS.index(view.colour) + 1) % len(COLOURS)]
        view.ages = view.ages_of = None
    elif key.name in ("f", "r"):
        view.camera = fitted(view, size)
    elif key.name == "a":
        view.auto = not view.auto
        view.camera = fitted(view, size) if view.auto else view.camera
    elif key.name in tuple("0123456789"):
        state = int(key.name) + 10 * key.shift
        if state < view.rule.num_states:
            view.state = state
        else:
            view.message = f"{view.rule.name} has the states 0 to {view.rule.num_states - 1}"


def _clip(view: LifeView, key: Key) -> None:
    """Ctrl with a letter."""
    if key.name in ("z", "y"):
        back(view, redo=key.name == "y" or key.shift)
    elif key.name == "a":
        view.selection = life_edit.busy(view.universe)
    elif key.name in ("c", "x"):
        if view.selection is None:
            view.message = "nothing is selected: drag with Ctrl held"
            return
        box = view.selection
        view.stamp = life_edit.taken(view.universe, box)
        if key.name == "x":
            edit(view, lambda universe: life_edit.filled(universe, box, 0))
    elif key.name == "v":
        view.placing = view.stamp is not None
        if not view.placing:
            view.message = "nothing was copied: Ctrl+C copies the selection, Shift+L a pattern by name"


def stem(view: LifeView) -> str:
    """Name of a file for the present pattern."""
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in view.name).strip("-") or "pattern"
    return f"{name}-{view.universe.generation:09d}"


def pan(view: LifeView, di: float, dj: float) -> None:
    """Moves the picture by pixels."""
    camera = view.camera
    view.camera = replace(camera, x=camera.x - di / camera.zoom, y=camera.y + dj / camera.zoom)
    view.auto = False


def zoom(view: LifeView, size: Size, factor: float, i: float, j: float) -> None:
    """Zooms at a screen position."""
    wanted = float(np.clip(view.camera.zoom * factor, FAR, NEAR))
    view.camera = about(view.camera, size, wanted, i, j)
    view.auto = False


def resize(view: LifeView, old: Size, new: Size) -> None:
    """Keeps a view of the whole pattern whole, and any other view as it is."""
    if view.camera == fitted(view, old):
        view.camera = fitted(view, new)
