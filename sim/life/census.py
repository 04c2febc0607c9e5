"""Census: many random soups are run until they settle, and their ash is taken apart into objects and counted.

Soups are 16x16 cells at a density of one half on the empty plane. A plane is held as a field with a dead rim; what
leaves would hit that rim, so gliders that fly outwards near it with nothing around them are counted and taken away, and
other spaceships by the slower way of `sim.life.objects`. If anything else comes near the rim, the field is replaced by
one of twice the size before the rim can have touched it. A soup has settled when its field repeats after 240
generations; from time to time it is also looked whether it repeats after any other number of at most 240. Left out:
meetings of gliders that have left, which a plane would have; ash of a longer period, which counts as unsettled.
Source: apgsearch (A. P. Goucher) and its catalogue, Catagolue, whose frequencies are those to compare with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from sim.life import gliders, objects, packed, packing
from sim.life.grids import Grid
from sim.life.pattern import RuleError
from sim.life.rules import Rule

SIDE, SPAN = 16, 16  # cells of a soup's side; generations between two looks at the rim
ROUND = 15 * SPAN  # generations between two looks at whether a soup has settled
RIM = SPAN  # cells at the edge in which nothing may live
SIZES = (192, 384, 768, 1536)
"""Sides of the fields in cells; a soup that outgrows the last is given up."""
FEWEST = 8  # places to which a pool shrinks
LONGEST = 60_000
"""Generations after which a soup that has not settled is given up."""
LATE = 6_000
"""Generations from one look to the next at whether a soup repeats after a number that does not divide `ROUND`."""


@dataclass
class Tally:
    """What was counted so far."""

    soups: int = 0  # finished
    unsettled: int = 0  # of these, those that did not settle
    objects: Counter[str] = field(default_factory=Counter)  # by apgcode
    longest: int = 0  # generations, to `ROUND`, until the soup that took longest of those that repeat each `ROUND`
    longest_soup: int = -1  # its number


def soup(seed: int, numbers: np.ndarray) -> np.ndarray:
    """The soups of some numbers, `[F, 16, 16]` uint8; each depends on the seed and its number alone."""
    return np.asarray(_soups(jax.random.key(seed), jnp.asarray(numbers, jnp.uint32)))


@jax.jit
def _soups(key: jax.Array, numbers: jax.Array) -> jax.Array:
    one = lambda number: jax.random.bernoulli(jax.random.fold_in(key, number), 0.5, (SIDE, SIDE))
    return jax.vmap(one)(numbers).astype(jnp.uint8)


def census(rule: Rule, soups: int, seed: int = 0, batch: int = 256) -> Iterator[Tally]:
    """Counts the objects of soups 0 … soups - 1; yields the same, growing tally after each round of generations.

    The result does not depend on `batch`, the number of fields that are run side by side. Raises `RuleError` for rules
    under which an empty plane does not stay empty.
    """
    if rule.table[0]:
        raise RuleError(f"rule {rule.name}: a census needs a rule under which an empty plane stays empty, without B0")
    tally = Tally()
    fresh = _fresh(seed, soups, batch)
    for size in SIZES:
        outgrown: list[Soup] = []
        places = batch if size == SIZES[0] else max(FEWEST, batch * SIZES[0] ** 2 // size**2)
        pool = _Pool(rule, size, places)
        while pool.refill(fresh):
            outgrown += pool.live(tally)
            yield tally
        fresh = iter(outgrown)
    for lost in fresh:
        _finish(tally, lost, None)
    yield tally


@dataclass
class Soup:
    """A soup on its way."""

    number: int
    generation: int
    cells: np.ndarray  # [h, w] uint8
    gone: Counter[str] = field(default_factory=Counter)  # spaceships that were taken away


def _fresh(seed: int, number: int, batch: int) -> Iterator[Soup]:
    """All soups, made some at a time."""
    for first in range(0, number, batch):
        numbers = np.arange(first, first + batch)
        for one, cells in zip(numbers[: number - first].tolist(), soup(seed, numbers), strict=False):
            yield Soup(one, 0, cells)


def _finish(tally: Tally, done: Soup, ash: list[str] | None, since: int = 0) -> None:
    """Counts a soup with the codes of its ash, None if it did not settle; `since`: generation then, if it is known."""
    tally.soups += 1
    if ash is None:
        tally.unsettled += 1
        return
    tally.objects.update(done.gone)
    tally.objects.update(ash)
    if since > tally.longest:
        tally.longest, tally.longest_soup = since, done.number


class _Pool:
    """Fields of one size, side by side; each place holds a soup or is empty."""

    def __init__(self, rule: Rule, size: int, places: int):
        self.rule, self.size = rule, size
        self.code = packed.coded([rule])
        self.soups: dict[int, Soup] = {}
        self.state = np.zeros((size, size // 32, places), np.uint32)
        self.gliders = gliders.flies(rule)
        near = np.ones((1, size, size), bool)
        near[:, RIM:-RIM, RIM:-RIM] = False
        self.near, self.rim = near[0], packing.pack_host(near)
        self.belts = gliders.belts(size, RIM)

    def refill(self, waiting: Iterator[Soup]) -> bool:
        """Puts waiting soups into empty places; False if there are none left at all."""
        newcomers = []
        for place in range(self.state.shape[-1]):
            if place not in self.soups:
                newcomer = next(waiting, None)
                if newcomer is None:
                    self._shrink()
                    break
                self.soups[place] = newcomer
                newcomers.append(place)
        self._write(newcomers)
        return bool(self.soups)

    def _shrink(self) -> None:
        """Leaves empty places out, when they are three of four: a dead field costs as much as a living one."""
        places = self.state.shape[-1]
        fewer = max(FEWEST, places // 4)
        if len(self.soups) > fewer or places <= fewer:
            return
        kept = sorted(self.soups)
        self.state = np.ascontiguousarray(np.pad(self.state[..., kept], ((0, 0), (0, 0), (0, fewer - len(kept)))))
        self.soups = {i: self.soups[place] for i, place in enumerate(kept)}

    def _write(self, places: list[int]) -> None:
        """Puts the cells of the soups in some places into the middle of their fields."""
        if not places:
            return
        framed = np.zeros((len(places), self.size, self.size), np.uint8)
        for field_, place in zip(framed, places, strict=True):
            cells = self.soups[place].cells
            height, width = cells.shape
            top, left = (self.size - height) // 2, (self.size - width) // 2
            field_[top : top + height, left : left + width] = cells
        self.state[..., places] = packing.pack_host(framed)

    def live(self, tally: Tally) -> list[Soup]:
        """Runs all fields for a round and counts those that have settled. Returns the soups that outgrew theirs."""
        results = _live(self.code, jnp.asarray(self.state), self.rim, self.belts, with_gliders=self.gliders)
        self.state = np.array(results[0])
        taken, spans, waits, settled = (np.asarray(each) for each in results[1:])
        outgrown, again = [], []
        for place, one in list(self.soups.items()):
            before = one.generation
            one.generation += SPAN * int(spans[place])
            if taken[place]:
                one.gone[gliders.CODE] += int(taken[place])
            late = one.generation // LATE > before // LATE
            if not (settled[place] or waits[place] or late):
                continue
            one.cells = packing.unpack_host(self.state[..., place : place + 1], self.size)[0]
            left = ash(one.cells, self.rule) if settled[place] or late else None
            if left is not None or one.generation >= LONGEST:
                _finish(tally, one, left, one.generation - ROUND if settled[place] else 0)
            elif not waits[place]:
                continue
            elif self._departed(one):
                again.append(place)
                continue
            else:
                outgrown.append(one)
            del self.soups[place]
            self.state[..., place] = 0
        self._write(again)
        return outgrown

    def _departed(self, one: Soup) -> bool:
        """Takes spaceships away that are about to leave, if nothing else is near the rim; whether that was so."""
        parted = objects.departing(one.cells, self.rule, self.near, longest=SPAN)
        if parted is None:
            return False
        one.cells, flying = parted
        one.gone.update(found.code for found in flying)
        return True


def ash(cells: np.ndarray, rule: Rule) -> list[str] | None:
    """Codes of the objects of a pattern `[h, w]`; None if it does not repeat within `objects.LONGEST` generations."""
    held, period = objects.repeats(cells, rule)
    if not period:
        return None
    frames = np.stack(list(objects.generations(held, rule, period)))
    found = objects.parts(frames, rule, periodic=True)
    return [objects.known(part.cells.tobytes(), part.cells.shape, rule).code for part in found]


@partial(jax.jit, static_argnames=("with_gliders",))
def _live(
    code: jax.Array, state: jax.Array, rim: jax.Array, belts: jax.Array, *, with_gliders: bool
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array, jax.Array]:
    """One round of fields `[H, L, F]`: states, gliders taken away, spans lived, whether they wait and repeat; `[F]`.

    `rim` `[H, L, 1]` and, for each heading of gliders, `belts` `[4, H, L, 1]` are words whose bits say where these are.
    A field whose rim is no longer empty waits as it was seen then.
    """
    height, fields = state.shape[0], state.shape[-1]
    grid = Grid("plane", height, height)

    def span(carry, _):
        state, taken, spans, waits = carry
        new = packed.run(code, state, SPAN, grid=grid, width=height)
        number = jnp.zeros(fields, jnp.int32)
        if with_gliders:
            new, number = gliders.without(new, belts)
        state = jnp.where(waits, state, new)
        taken += jnp.where(waits, 0, number)
        spans += ~waits
        return (state, taken, spans, waits | jnp.any(state & rim, axis=(0, 1))), None

    none = jnp.zeros(fields, jnp.int32)
    start = (state, none, none, jnp.zeros(fields, bool))
    (after, taken, spans, waits), _ = jax.lax.scan(span, start, length=ROUND // SPAN)
    settled = ~waits & (taken == 0) & jnp.all(after == state, axis=(0, 1))
    return after, taken, spans, waits, settled
