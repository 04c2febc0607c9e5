"""Proof that a pattern is a replicator: it copies itself, and where they are, among all else, its copies do.

Run on the host, by the plain rule and on a field that nothing can leave, so it shares no code with the search. A
pattern replicates with period T if after T generations there are two exact copies of it or more, at places D; and if
after 2T two or more lie at new places that are sums of two members of D, and after 3T or 4T there are at least twice
as many as after T. Alone, an exact copy does what the first pattern did, which proves nothing; what has to be shown is
that it copies where it is, with other copies and debris around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from evolution.life.copies import LEAST, WINDOW
from sim.life import objects
from sim.life.pattern import Pattern
from sim.life.rules import Rule

LONGEST = 48
"""Generations within which a copy must be there."""
ROUNDS = 4
"""Periods that the copies in place are followed."""


@dataclass(frozen=True)
class Replication:
    """A pattern that was proved to replicate."""

    pattern: Pattern  # one copy, in the smallest frame
    period: int  # generations
    places: tuple[tuple[int, int], ...]  # (columns, rows) by which copies lie off after one period
    counts: tuple[int, ...]  # exact copies after 0, 1, … `ROUNDS` periods
    clean: bool  # nothing but copies is there after one period
    linear: bool  # the rule is a sum over GF(2), under which everything replicates

    @property
    def about(self) -> str:
        """What it does, in one line."""
        where = " ".join(f"({x},{y})" for x, y in self.places[:8]) + (" …" if len(self.places) > 8 else "")
        numbers = ", ".join(str(count) for count in self.counts)
        return f"copies itself in {self.period} generations, to {where}; copies after each period: {numbers}"


def replicator(cells: np.ndarray, rule: Rule, since: int | None = None, longest: int = LONGEST) -> Replication | None:
    """What a pattern `[h, w]` becomes within 24 generations, or at generation `since`, that provably replicates."""
    times = range(25) if since is None else (since,)
    held = np.pad(cells, 25 if since is None else since + 1)
    for time in range(times[-1] + 1):
        now = objects.trimmed(held)[0]
        if time in times and now.sum() >= LEAST and max(now.shape) <= WINDOW:
            proved = replicates(now, rule, longest)
            if proved is not None:
                return proved
        held = objects.after(held, rule)
    return None


def replicates(cells: np.ndarray, rule: Rule, longest: int = LONGEST) -> Replication | None:
    """The proof for a pattern `[h, w]` without dead edges as it is; None: it does not replicate."""
    if rule.table[0]:
        return None  # on a plane that fills up, no copy has dead cells around it
    field = np.pad(cells, longest + 1)
    origin = (longest + 1, longest + 1)
    for period in range(1, longest + 1):
        field = objects.after(field, rule)
        places = found(field, cells)
        if len(places) < 2:
            continue
        offsets = {(x - origin[1], y - origin[0]) for y, x in places}
        clean = len(places) * int(cells.sum()) == int(field.sum())
        counts = _in_place(cells, rule, period, offsets)
        if counts is not None:
            pattern = Pattern(cells, rule=rule.name, name="replicator")
            return Replication(pattern, period, tuple(sorted(offsets)), counts, clean, linear(rule))
    return None


def found(field: np.ndarray, cells: np.ndarray) -> list[tuple[int, int]]:
    """Rows and columns of exact copies of `cells` `[h, w]` in a field that is wider by more than one cell."""
    alive = np.pad(cells, 1).astype(bool)
    around = ndimage.binary_dilation(alive, np.ones((3, 3))) & ~alive
    height, width = (size - extra + 1 for size, extra in zip(field.shape, alive.shape, strict=True))
    fits = np.ones((height, width), bool)
    for y, x in np.argwhere(alive):
        fits &= field[y : y + height, x : x + width] != 0
    for y, x in np.argwhere(around):
        fits &= field[y : y + height, x : x + width] == 0
    return [(int(y) + 1, int(x) + 1) for y, x in np.argwhere(fits)]


def _in_place(cells: np.ndarray, rule: Rule, period: int, offsets: set[tuple[int, int]]) -> tuple[int, ...] | None:
    """Copies after 0 … `ROUNDS` periods, if those of the first are parents of those of the second; else None."""
    room = ROUNDS * period + 2
    field, counts = np.pad(cells, room), [1]
    sums = {(a + c, b + d) for a, b in offsets for c, d in offsets}
    for number in range(1, ROUNDS + 1):
        for _ in range(period):
            field = objects.after(field, rule)
        places = {(x - room, y - room) for y, x in found(field, cells)}
        counts.append(len(places))
        if number == 2 and len((places & sums) - offsets - {(0, 0)}) < 2:
            return None
    return tuple(counts) if max(counts[2:]) >= 2 * counts[1] else None


@lru_cache(maxsize=4096)
def linear(rule: Rule) -> bool:
    """Whether the next state of a sum of neighbourhoods (GF(2)) is the sum of their next states."""
    single = rule.table[1 << np.arange(9)]
    bits = np.arange(512)[:, None] >> np.arange(9) & 1
    return bool(not rule.table[0] and np.array_equal(bits @ single % 2, rule.table))
