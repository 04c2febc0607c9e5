"""How long patterns live and how they grow on the empty plane, generation by generation.

A pattern has settled at the first generation from which on its population repeats itself, the spaceships that have left
included. The proof that it has is that its whole field is the same after 240 generations; when its population has been
regular for some time, also after any other number up to 240. Many patterns live side by side in fields with a dead rim:
spaceships that fly outwards near it are taken away and go on being counted, and what else comes near the rim has
outgrown its field. Left out, as in `sim.life.census`: meetings of spaceships that left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import lcm

import jax
import jax.numpy as jnp
import numpy as np

from sim.life import objects, packed, packing
from sim.life.grids import Grid
from sim.life.pattern import PatternError, RuleError
from sim.life.rules import Rule

SPAN = 24  # generations between two looks, and so the width of the rim
ROUND = 10 * SPAN  # generations after which a settled field is the same
LATE = 4 * ROUND
"""Generations from one look to the next at whether a field repeats after a number that does not divide `ROUND`."""
SIDE, BATCH = 192, 64  # cells of a field's side, and fields side by side, where there are many patterns
SIDES = (192, 384, 768, 1536, 3072)
"""Fields for one pattern, the next when it outgrows one."""
WIDEST = SIDE - 2 * SPAN - 1  # cells of the widest seed where there are many


@dataclass(frozen=True)
class Lifespan:
    """What became of a pattern."""

    generations: int  # until it had settled; if it did not, until it was given up
    population: int  # cells then
    end: str  # "settled", "outgrown" its field, or "unsettled" when time was up


@dataclass
class _Life:
    """A pattern on its way."""

    index: int
    cells: np.ndarray  # [h, w] uint8
    counts: list[np.ndarray] = field(default_factory=list)  # population, generation after generation
    gone: list[tuple[int, np.ndarray]] = field(default_factory=list)  # since when, and populations of a period
    then: np.ndarray | None = None  # packed field at the last full round
    left: bool = False  # whether a spaceship left since

    @property
    def generation(self) -> int:
        return SPAN * (len(self.counts) - 1)

    def regular(self) -> bool:
        """Whether its population has repeated for `LATE` generations."""
        tail = np.concatenate(self.counts)[-LATE - 1 :]
        return len(tail) > LATE and any(np.array_equal(tail[p:], tail[:-p]) for p in range(1, ROUND + 1))

    def over(self, end: str) -> Lifespan:
        """What became of it if it has not settled."""
        return Lifespan(self.generation, int(self._with_gone(np.concatenate(self.counts))[-1]), end)

    def settled(self, coming: np.ndarray) -> Lifespan:
        """What became of it if what is in its field will have the populations `coming`, again and again."""
        cycle = lcm(len(coming), *(len(phases) for _, phases in self.gone))
        series = self._with_gone(np.concatenate([*self.counts, np.resize(coming, cycle)]))
        differ = np.flatnonzero(series[cycle:] != series[:-cycle])
        since = int(differ[-1]) + 1 if len(differ) else 0
        return Lifespan(since, int(series[since]), "settled")

    def _with_gone(self, series: np.ndarray) -> np.ndarray:
        """Populations `[T]` of what is in its field, from generation 0, with those of what has left."""
        total = series.copy()
        for since, phases in self.gone:
            total[since + 1 :] += phases[np.arange(1, len(total) - since) % len(phases)]
        return total


def lifespan(cells: np.ndarray, rule: Rule, longest: int = 60_000) -> Lifespan:
    """Of one pattern `[h, w]`, in a field as large as it needs; it is given up after `longest` generations.

    Raises `PatternError` if not even the largest field has room for it.
    """
    sides = [side for side in SIDES if max(cells.shape) + 2 * SPAN < side]
    if not sides:
        raise PatternError(f"the pattern must be less than {SIDES[-1] - 2 * SPAN} cells wide and high")
    for side in sides:
        (life,) = lifespans([cells], rule, longest, side, 1)
        if life.end != "outgrown":
            break
    return life


def lifespans(
    patterns: Sequence[np.ndarray], rule: Rule, longest: int, side: int = SIDE, batch: int = BATCH
) -> list[Lifespan]:
    """Of patterns `[h, w]` that fit the inner part of a field; those that outgrow it are given up when they do."""
    if rule.table[0]:
        raise RuleError(f"rule {rule.name}: only patterns on a plane that stays empty can settle, without B0")
    code, inside = packed.coded([rule]), _inside(side)
    rim = jnp.asarray(packing.pack_host(~inside[None]))
    waiting = (_Life(index, np.asarray(cells, np.uint8)) for index, cells in enumerate(patterns))
    places: dict[int, _Life] = {}
    state = np.zeros((side, packing.words(side), batch), np.uint32)
    out: dict[int, Lifespan] = {}
    while _filled(state, places, waiting, side):
        new, counts, busy = (np.array(part) for part in spanned(code, jnp.asarray(state), rim))
        state = new
        for place, life in list(places.items()):
            life.counts.append(counts[:, place])
            end = _end(life, state[..., place], bool(busy[place]), rule, longest, inside)
            if end:
                out[life.index] = end
                del places[place]
                state[..., place] = 0
    return [out[index] for index in range(len(patterns))]


def _filled(state: np.ndarray, places: dict[int, _Life], waiting: Iterator[_Life], side: int) -> bool:
    """Puts patterns that wait into free places; whether any lives."""
    for place in range(state.shape[-1]):
        if place in places:
            continue
        life = next(waiting, None)
        if life is None:
            break
        frame = np.zeros((1, side, side), np.uint8)
        height, width = life.cells.shape
        top, left = (side - height) // 2, (side - width) // 2
        frame[0, top : top + height, left : left + width] = life.cells
        state[..., place] = packing.pack_host(frame)[..., 0]
        life.counts.append(np.array([life.cells.sum()], np.int32))
        life.then = state[..., place].copy()
        places[place] = life
    return bool(places)


def _end(life: _Life, state: np.ndarray, busy: bool, rule: Rule, longest: int, inside: np.ndarray) -> Lifespan | None:
    """How a life has ended, if it has; takes spaceships out of its packed field `[H, L]` that are about to leave."""
    unpacked = lambda: packing.unpack_host(state[..., None], inside.shape[1])[0]
    if busy:
        parted = objects.departing(unpacked(), rule, ~inside, longest=2 * SPAN)
        if parted is None:
            return life.over("outgrown")
        cells, flying = parted
        for one in flying:
            phases = _phases(one.cells.tobytes(), one.cells.shape, rule, one.object.period)
            life.gone.append((life.generation, phases))
        state[...] = packing.pack_host(cells[None])[..., 0]
        life.left = True
    if life.generation % ROUND == 0:
        same = not life.left and np.array_equal(state, life.then)
        life.then, life.left = state.copy(), False
        if same:
            return life.settled(np.concatenate(life.counts)[-ROUND:])
    if life.generation % LATE == 0 and life.regular():
        held, period = objects.repeats(unpacked(), rule)
        if period:
            return life.settled(np.array([frame.sum() for frame in objects.generations(held, rule, period + 1)][1:]))
    return life.over("unsettled") if life.generation >= longest else None


@lru_cache(maxsize=4096)
def _phases(held: bytes, shape: tuple[int, int], rule: Rule, period: int) -> np.ndarray:
    """Population of each phase of an object, `[period]` int32."""
    cells = np.pad(np.frombuffer(held, np.uint8).reshape(shape), period + 1)
    return np.array([frame.sum() for frame in objects.generations(cells, rule, period)], np.int32)


@lru_cache(maxsize=8)
def _inside(side: int) -> np.ndarray:
    """What is no rim, `[side, side]` bool."""
    inner = np.zeros((side, side), bool)
    inner[SPAN:-SPAN, SPAN:-SPAN] = True
    return inner


@jax.jit
def spanned(code: jax.Array, state: jax.Array, rim: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Fields `[H, L, F]` after `SPAN` generations, their population `[SPAN, F]`, and whether the rim is busy `[F]`."""
    height = state.shape[0]
    grid = Grid("plane", height, height)

    def one(state, _):
        state = packed.step(code, state, grid=grid, width=height)
        return state, packing.population(state, height)

    state, counts = jax.lax.scan(one, state, length=SPAN)
    return state, counts, jnp.any(state & rim, axis=(0, 1))
