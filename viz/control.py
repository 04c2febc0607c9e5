"""What keys do, by name, without pygame: changes of the view, and of where a replay stands.

Nothing here changes a simulated history: stepping asks the source for its next tick, seeking for a record.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from viz import subject
from viz.app import paced
from viz.camera import Size, fit, panned, zoomed
from viz.colours import MODES
from viz.source import Source
from viz.terrain import LAYERS
from viz.view import View, keep_up, look, select

HELP: tuple[tuple[str, str], ...] = (
    ("Space", "pause or go on"),
    (". or Right", "one tick (Right in a replay: next record)"),
    ("Left, Home, End", "in a replay: previous, first, last record"),
    ("Up, Down or +, -", "faster, slower"),
    ("M", "full speed, or back to 30 ticks/s"),
    ("wheel or PgUp, PgDn", "zoom, at the pointer"),
    ("drag, W A S D, Shift+arrows", "move the view"),
    ("R", "the whole world again"),
    ("click", "select a creature; on bare ground: nobody"),
    ("F", "follow the selected creature"),
    ("N", "select the next creature, by birth"),
    ("G", "brain graph on or off"),
    ("Tab, Shift+Tab", "next, previous colour mode"),
    ("1 … 7", "plants, poison, meat, scent, sound, light, automaton on or off"),
    ("C", "smooth ground, or single cells"),
    ("P or F12", "save a picture"),
    ("H or ?", "this help"),
    ("Q or Esc", "quit"),
)
"""Every key, as the help overlay lists them."""

PAN = {"w": (0, 1), "a": (1, 0), "s": (0, -1), "d": (-1, 0)}
ARROWS = {"up": (0, 1), "left": (1, 0), "down": (0, -1), "right": (-1, 0)}
PAN_STEP = 40.0


def press(view: View, source: Source, size: Size, key: str, shift: bool = False) -> str | None:
    """Does what a key asks; `size` is that of the scene. Returns "quit" or "picture" where the window must act."""
    if key in ("q", "escape"):
        if key == "q" or not view.help:
            return "quit"
        view.help = False
    elif key in ("p", "f12"):
        return "picture"
    elif key in PAN or (shift and key in ARROWS):
        pan(view, source, *(PAN_STEP * d for d in (PAN.get(key) or ARROWS[key])))
    elif key in ("left", "right", "home", "end", "."):
        _travel(view, source, size, key)
    elif paced(view, key):
        return None
    elif key in ("pageup", "pagedown"):
        zoom(view, source, size, 1.25 if key == "pageup" else 0.8, size[0] / 2, size[1] / 2)
    else:
        _show(view, source, size, key, shift)
    return None


def _show(view: View, source: Source, size: Size, key: str, shift: bool) -> None:
    if key in ("h", "?"):
        view.help = not view.help
    elif key == "g":
        view.graph = not view.graph
    elif key == "c":
        view.smooth = not view.smooth
    elif key == "tab":
        view.colour = MODES[(MODES.index(view.colour) + (-1 if shift else 1)) % len(MODES)]
    elif key == "r":
        view.camera, view.follow = fit(source.config, size), False
    elif key == "f":
        view.follow = not view.follow and view.subject is not None and view.subject.alive
        keep_up(view, source)
    elif key == "n" and view.world is not None:
        _another(view, source)
    elif key in tuple("1234567"):
        view.layers = view.layers ^ {LAYERS[int(key) - 1]}


def _another(view: View, source: Source) -> None:
    """Selects the living creature with the next uid, after the last the first."""
    assert view.world is not None
    slots = np.flatnonzero(view.world.alive)
    if len(slots):
        uid = np.asarray(view.world.uid)[slots].astype(np.int64)
        last = -1 if view.subject is None else view.subject.uid
        following = view.follow
        select(view, source, int(slots[np.argmin(np.where(uid > last, uid, uid + 2**40))]))
        view.follow = following
        keep_up(view, source)


def _travel(view: View, source: Source, size: Size, key: str) -> None:
    ticks = list(source.ticks)
    if key == "." or (key == "right" and not ticks):
        view.paused = True
        view.over = source.advance(1) == 0
        look(view, source)
    elif ticks:
        now = int(source.snapshot().tick)
        later, earlier = [t for t in ticks if t > now], [t for t in ticks if t < now]
        goal = {
            "home": ticks[0],
            "end": ticks[-1],
            "right": (later or ticks[-1:])[0],
            "left": (earlier or ticks)[-1 if earlier else 0],
        }
        seek(view, source, goal[key])
    elif key == "home":
        view.camera = fit(source.config, size)


def seek(view: View, source: Source, tick: int) -> None:
    """Goes to a record; ticks go on from there, unless paused."""
    source.seek(tick)
    view.over = False
    view.message = ""
    look(view, source)


def pan(view: View, source: Source, di: float, dj: float) -> None:
    """Moves the picture by pixels, and stops following."""
    view.camera, view.follow = panned(source.config, view.camera, di, dj), False


def zoom(view: View, source: Source, size: Size, factor: float, i: float, j: float) -> None:
    """Zooms at a screen position; while following, at the middle."""
    if view.follow:
        i, j = size[0] / 2, size[1] / 2
    view.camera = zoomed(source.config, view.camera, size, factor, i, j)


def click(view: View, source: Source, size: Size, i: float, j: float) -> None:
    """Selects what is drawn there."""
    if view.world is not None:
        select(view, source, subject.pick(source.config, view.world, view.camera, size, i, j))


def resize(view: View, source: Source, old: Size, new: Size) -> None:
    """Keeps a view of the whole world whole, and any other view as it is."""
    whole = fit(source.config, old)
    if abs(view.camera.zoom - whole.zoom) < 1e-6 * whole.zoom:
        view.camera = replace(view.camera, zoom=fit(source.config, new).zoom)
