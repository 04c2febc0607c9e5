"""Objects in an automaton that is watched: whether they can be looked for, and where they are a while later.

Any field is looked at as if it lay on a plane without end; of a grid that ends, `caution` says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future

from sim.life.objects import Found
from sim.life.rules import Rule
from sim.life.universe import Universe
from viz.life_edit import Box, taken
from viz.life_view import LifeView

MOST_IDENTIFIED = 20_000
"""Living cells beyond which no objects are looked for."""


def identifiable(view: LifeView) -> bool:
    """Whether objects can be looked for; if not, `view.told` says why."""
    view.told = ""
    if not isinstance(view.rule, Rule) or view.rule.table[0]:
        view.told = f"objects are known of two-state rules whose empty plane stays empty, not of {view.rule.name}"
    elif view.population > MOST_IDENTIFIED:
        view.told = f"more than {MOST_IDENTIFIED:,} cells: too many to identify while you watch"
    return not view.told


def caution(view: LifeView) -> str:
    """What is not to be relied on in the names of objects, if anything."""
    grid = view.universe.grid
    if not (grid.width or grid.height):
        return ""
    return f"as on a plane without end: objects at the edges of {grid.name[1:]} are lost or misnamed"


def note(view: LifeView, universe: Universe, future: Future[list[Found]]) -> None:
    """Takes in what was found in a universe, if it is one that the present one may have come from.

    Where the search itself failed, nothing is found in that universe, and `view.told` says why.
    """
    if universe.rule != view.rule or universe.generation > view.universe.generation:
        return
    problem = future.exception()
    view.found, view.found_in = ([] if problem else future.result()), universe
    view.told = f"objects could not be identified: {problem!r}" if problem else ""


def whereabouts(view: LifeView) -> Iterator[tuple[Found, Box]]:
    """Where the objects are by now that were found some generations ago; left out where nothing is any more."""
    then, now = view.found_in, view.universe
    assert then is not None
    passed = now.generation - then.generation
    for each in view.found:
        period, (height, width) = each.object.period, each.cells.shape
        if passed and not period:
            continue
        turns = passed / period if period else 0
        top = then.y + each.row + round(each.object.dy * turns)
        left = then.x + each.column + round(each.object.dx * turns)
        box = Box(top, left, top + height, left + width)
        if not passed or taken(now, box).any():
            yield each, box


def counted(view: LifeView) -> list[tuple[str, int]]:
    """Names of the objects found and how many there are, the most frequent first."""
    return Counter(map(named, view.found)).most_common()


def named(found: Found) -> str:
    """The name of an object; what does not repeat by itself is active."""
    return "active" if found.code == "zz" else found.name
