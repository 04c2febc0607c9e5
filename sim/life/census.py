"""Census: many random soups are run until they settle, and their ash is taken apart into objects and counted.

Soups are 16x16 cells at a density of one half on the empty plane. A plane is held as a field with a dead rim; what
leaves would hit that rim, so gliders that fly outwards near it with nothing around them are counted and taken away, and
other spaceships by the slower way of `sim.life.objects`. If anything else comes near the rim, the field is replaced by
one of twice the size before the rim can have touched it. A soup has settled when its field repeats after 240
generations. Left out: meetings of gliders that have left, which a plane would have.
Source: apgsearch (A. P. Goucher) and its catalogue, Catagolue, whose frequencies are those to compare with.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from sim.life import objects, packed, packing
from sim.life.grids import Grid
from sim.life.pattern import RuleError
from sim.life.rules import Rule, parse

SIDE, SPAN = 16, 16  # cells of a soup's side; generations between two looks at the rim
ROUND = 15 * SPAN  # generations between two looks at whether a soup has settled
RIM, BELT = SPAN, 5  # cells at the edge in which nothing may live, and beside them in which gliders are taken away
SIZES = (192, 384, 768, 1536)
"""Sides of the fields in cells; a soup that outgrows the last is given up."""
LONGEST = 60_000
"""Generations after which a soup that has not settled is given up."""
GLIDER = np.array([[0, 1, 0], [0, 0, 1], [1, 1, 1]], np.uint8)


@dataclass
class Tally:
    """What was counted so far."""

    soups: int = 0  # finished
    unsettled: int = 0  # of these, those that did not settle
    objects: Counter[str] = field(default_factory=Counter)  # by apgcode
    longest: int = 0  # generations until the soup that took longest had settled, to `ROUND`
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
        places = batch if size == SIZES[0] else max(8, batch * SIZES[0] ** 2 // size**2)
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


def _finish(tally: Tally, done: Soup, ash: list[str] | None) -> None:
    """Counts a soup with the codes of its ash; None: it did not settle."""
    tally.soups += 1
    if ash is None:
        tally.unsettled += 1
        return
    tally.objects.update(done.gone)
    tally.objects.update(ash)
    if done.generation > tally.longest:
        tally.longest, tally.longest_soup = done.generation, done.number


class _Pool:
    """Fields of one size, side by side; each place holds a soup or is empty."""

    def __init__(self, rule: Rule, size: int, places: int):
        self.rule, self.size = rule, size
        self.code = packed.coded([rule])
        self.soups: dict[int, Soup] = {}
        self.state = np.zeros((size, size // 32, places), np.uint32)
        glides = objects.identify(GLIDER, rule)
        self.gliders = len(glides) == 1 and glides[0].code == "xq4_153"
        near = np.ones((1, size, size), bool)
        near[:, RIM:-RIM, RIM:-RIM] = False
        self.near, self.rim = near[0], packing.pack_host(near)
        self.belts = np.stack([_belt(size, *heading) for heading in _glider_forms()])

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
        if len(self.soups) > places // 4 or places <= 8:
            return
        kept = sorted(self.soups)
        self.state = np.ascontiguousarray(np.pad(self.state[..., kept], ((0, 0), (0, 0), (0, places // 4 - len(kept)))))
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
        state, taken, spans, settled = _live(
            self.code, jnp.asarray(self.state), self.rim, self.belts, gliders=self.gliders
        )
        self.state = np.array(state)
        taken, spans, settled = np.asarray(taken), np.asarray(spans), np.asarray(settled)
        outgrown, again = [], []
        for place, one in list(self.soups.items()):
            one.generation += SPAN * int(spans[place])
            if taken[place]:
                one.gone["xq4_153"] += int(taken[place])
            if not settled[place] and spans[place] == ROUND // SPAN and one.generation < LONGEST:
                continue
            one.cells = packing.unpack_host(self.state[..., place : place + 1], self.size)[0]
            if settled[place]:
                one.generation -= ROUND
                _finish(tally, one, ash(one.cells, self.rule))
            elif one.generation >= LONGEST:
                _finish(tally, one, None)
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
        """Takes spaceships away that are about to leave; whether nothing else is near the rim."""
        middle = (self.size - 1) / 2
        for found in objects.identify(one.cells, self.rule, self.near, longest=SPAN):
            height, width = found.cells.shape
            y, x = found.row + height / 2 - middle, found.column + width / 2 - middle
            if (found.object.dy * y > 0 and abs(y) >= abs(x)) or (found.object.dx * x > 0 and abs(x) >= abs(y)):
                place = np.s_[found.row : found.row + height, found.column : found.column + width]
                one.cells[place] &= 1 - found.cells
                one.gone[found.code] += 1
        inner = one.cells[RIM:-RIM, RIM:-RIM]
        return int(inner.sum()) == int(one.cells.sum())


def ash(cells: np.ndarray, rule: Rule) -> list[str]:
    """Codes of the objects of a pattern `[h, w]` that repeats within `ROUND` generations."""
    held = np.pad(objects.trimmed(cells)[0], objects.WATCHED)
    frames: list[np.ndarray] = []
    for frame in objects.generations(held, rule, ROUND):
        if frames and np.array_equal(frame, held):
            break
        frames.append(frame)
    found = objects.parts(np.stack(frames), rule, periodic=True)
    return [objects.known(part.cells.tobytes(), part.cells.shape, rule).code for part in found]


@partial(jax.jit, static_argnames=("gliders",))
def _live(
    code: jax.Array, state: jax.Array, rim: jax.Array, belts: jax.Array, *, gliders: bool
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """One round of fields `[H, L, F]`: their states, gliders taken away, spans lived, and whether they repeat; `[F]`.

    `rim` `[H, L, 1]` and, for each heading of gliders, `belts` `[4, H, L, 1]` are words whose bits say where these are.
    A field whose rim is no longer empty waits as it was seen then.
    """
    height, fields = state.shape[0], state.shape[-1]
    grid = Grid("plane", height, height)

    def span(carry, _):
        state, taken, spans, waits = carry
        new = jax.lax.fori_loop(0, SPAN, lambda _, s: packed.step(code, s, grid=grid, width=height), state)
        number = jnp.zeros(fields, jnp.int32)
        if gliders:
            new, number = _without_gliders(new, belts)
        state = jnp.where(waits, state, new)
        taken += jnp.where(waits, 0, number)
        spans += ~waits
        return (state, taken, spans, waits | jnp.any(state & rim, axis=(0, 1))), None

    none = jnp.zeros(fields, jnp.int32)
    start = (state, none, none, jnp.zeros(fields, bool))
    (after, taken, spans, waits), _ = jax.lax.scan(span, start, length=ROUND // SPAN)
    settled = ~waits & (taken == 0) & jnp.all(after == state, axis=(0, 1))
    return after, taken, spans, settled


def _without_gliders(state: jax.Array, belts: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Fields `[H, L, F]` without the lone gliders that are about to leave; and their number `[F]`."""
    window = _windows(state, 3)
    alone = jnp.uint32(0xFFFFFFFF)
    for y in range(-3, 4):
        for x in range(-3, 4):
            if max(abs(y), abs(x)) > 1:
                alone &= ~window(y, x)
    flying = jnp.zeros_like(state)
    for belt, forms in zip(belts, _glider_forms().values(), strict=True):
        matches = jnp.zeros_like(state)
        for form in forms:
            fits = alone
            for y in range(3):
                for x in range(3):
                    cell = window(y - 1, x - 1)
                    fits &= cell if form[y, x] else ~cell
            matches |= fits
        flying |= matches & belt
    around = _windows(flying, 1)
    cleared = state
    for y in range(-1, 2):
        for x in range(-1, 2):
            cleared &= ~around(y, x)
    return cleared, jnp.sum(jax.lax.population_count(flying).astype(jnp.int32), axis=(0, 1))


def _windows(state: jax.Array, reach: int) -> Callable[[int, int], jax.Array]:
    """The field as seen some rows and columns away, at most `reach`; dead beyond the edges. Width: a multiple of 32."""
    height, num = state.shape[:2]
    rows = jnp.pad(state, ((reach, reach), (0, 0), (0, 0)))
    held = jnp.concatenate([rows[:, num - reach :] << 1, rows, rows[:, :reach] >> 1], axis=1)
    return lambda y, x: held[reach + y : reach + y + height, reach + x : reach + x + num]


def _belt(side: int, dx: int, dy: int) -> np.ndarray:
    """Where a glider of that heading is about to leave, `[H, L, 1]` words."""
    place = np.arange(side)
    low, high = place < RIM + BELT, place >= side - RIM - BELT
    x, y = (low if dx < 0 else high), (low if dy < 0 else high)
    return packing.pack_host((y[:, None] | x[None, :])[None])


@cache
def _glider_forms() -> dict[tuple[int, int], list[np.ndarray]]:
    """All sixteen shapes `[3, 3]` of gliders by the way they fly (dx, dy)."""
    life, forms = parse("B3/S23"), defaultdict(list)
    for phase in objects.generations(np.pad(GLIDER, 4), life, 4):
        cells = objects.trimmed(phase)[0]
        for down in (1, -1):
            for right in (1, -1):
                forms[right, down].append(cells[::down, ::right])
    return dict(forms)
