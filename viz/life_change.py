"""How an automaton's universe is replaced so that it can be gone back to: steps, runs, edits, patterns and rules."""

from __future__ import annotations

from collections.abc import Callable

from sim.life.universe import Universe
from viz.life_edit import Moment
from viz.life_view import LifeView, show


def keep(view: LifeView) -> None:
    """Remembers the present, to be gone back to."""
    view.past.keep(Moment(view.universe, view.start, view.name))


def back(view: LifeView, redo: bool) -> None:
    """Undoes, or does again."""
    now = Moment(view.universe, view.start, view.name)
    moment = view.past.redo(now) if redo else view.past.undo(now)
    if moment is None:
        view.message = "nothing to redo" if redo else "nothing to undo"
        return
    view.paused = True
    view.start, view.name = moment.start, moment.name
    put(view, moment.universe)


def begin(view: LifeView, universe: Universe, name: str) -> None:
    """Makes a universe the present one and the start."""
    keep(view)
    view.name, view.start = name, universe
    put(view, universe)


def put(view: LifeView, universe: Universe) -> None:
    """Puts a universe in the place of one that it does not follow on."""
    view.found, view.found_in, view.told = [], None, ""
    view.ages = view.ages_of = None
    show(view, universe)


def edit(view: LifeView, change: Callable[[Universe], Universe], more: bool = False) -> None:
    """Changes the universe by hand, which makes a new start; `more` is undone with what was kept last."""

    def done() -> None:
        universe = change(view.universe)
        if universe is not view.universe:
            if not more:
                keep(view)
            view.start = universe
            put(view, universe)

    tried(view, done)


def tried(view: LifeView, action: Callable[[], None]) -> bool:
    """Whether the action went well; else the message says why not."""
    try:
        action()
    except (ValueError, OSError, MemoryError) as problem:
        view.message = " ".join(str(problem).split()) or "out of memory"
        return False
    return True
