"""What the watcher has chosen (`View`): camera, colours, layers, speed, selection; and what was seen so far.

No pygame and no clock: the window tells how fast things went. `look` brings a view up to date with the
world; nothing here reaches back into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sim.world import World
from viz.app import Showing
from viz.camera import Camera, Size, fit, home
from viz.colours import MODES
from viz.draw import DEFAULT_LAYERS, Mark
from viz.source import Source
from viz.subject import Subject, follow_up, observe
from viz.trail import Trail


@dataclass
class View(Showing):
    """State of the viewer."""

    camera: Camera
    colour: str = MODES[0]
    layers: frozenset[str] = DEFAULT_LAYERS
    smooth: bool = True
    follow: bool = False
    graph: bool = True
    subject: Subject | None = None
    history: Trail = field(default_factory=Trail)  # of the population
    world: World | None = None  # as last seen
    counters: Mapping[str, float] = field(default_factory=dict)
    species: np.ndarray | None = None
    kinds: tuple[str, ...] = ()  # names of the kinds of minds that `species` numbers, if it does


def opened(source: Source, size: Size) -> View:
    """A view of the whole world; where minds of several kinds meet, by kind."""
    view = View(fit(source.config, size), kinds=tuple(name for name, _ in source.kinds))
    view.colour = "species" if view.kinds else view.colour
    look(view, source)
    return view


def look(view: View, source: Source) -> World:
    """Reads the world; the selected creature, the curve and a following camera keep up."""
    world = source.snapshot()
    fresh = view.world is None or int(world.tick) != int(view.world.tick) or world is not view.world
    view.world = world
    if not fresh:
        return world
    view.counters, view.species = source.counters, source.species
    view.history.add(int(world.tick), int(np.sum(world.alive)))
    if view.subject is not None:
        was_alive = view.subject.alive
        view.subject = follow_up(source, world, view.subject)
        if was_alive and not view.subject.alive:
            view.message = f"creature {view.subject.uid} {view.subject.fate}"
            view.follow = False
        keep_up(view, source)
    return world


def keep_up(view: View, source: Source) -> None:
    """Puts the followed creature into the middle."""
    if view.follow and view.subject is not None and view.subject.alive:
        state = view.subject.state
        view.camera = home(source.config, Camera(state["x"], state["y"], view.camera.zoom))


def select(view: View, source: Source, slot: int) -> None:
    """Selects the creature in a slot, or nobody for -1."""
    view.follow = False
    view.message = ""
    view.subject = None if slot < 0 or view.world is None else observe(source, view.world, slot)


def mark(view: View) -> Mark | None:
    """The selection as the scene draws it."""
    s = view.subject
    if s is None or s.gone:
        return None
    return Mark(s.state["x"], s.state["y"], s.state["heading"], s.state["size"], s.alive, s.obs)
