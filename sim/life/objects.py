"""What a settled pattern is made of: separated into objects, each known by its period, displacement and apgcode.

Cells belong to one object if they touch, in space or from one generation to the next, or if they influence each other:
if a cell's next state from all cells around it is not what the objects around it would make of it one by one. So a
bi-block is two blocks, but an aircraft carrier is one object. Each object is then run by itself. Source: the
separation of apgsearch (A. P. Goucher), whose pseudo-objects are its objects' parts as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sim.life import apgcode
from sim.life.rules import Rule

LONGEST = 240
"""Generations in which an object must repeat itself."""
WATCHED = 8
"""Generations that objects are followed to be told apart."""
LONG_WATCHED = 64
"""Generations that they are followed if some do not repeat: parts may take long to meet."""
BESIDE = 3
"""Cells within which a spark belongs to an object."""


@dataclass(frozen=True)
class Object:
    """A kind of object, by its code; what did not repeat has the code "zz"."""

    code: str  # apgcode with prefix
    population: int  # least number of living cells over its phases; of what does not repeat, at first
    period: int  # generations; 0 if it does not repeat
    dx: int = 0  # columns and
    dy: int = 0  # rows that it moves in a period

    @property
    def name(self) -> str:
        """What people call it, else its code."""
        return apgcode.COMMON.get(self.code, self.code)


@dataclass(frozen=True)
class Found:
    """An object in a field."""

    object: Object
    row: int
    column: int
    cells: np.ndarray  # [h, w] uint8 at that place

    @property
    def code(self) -> str:
        return self.object.code

    @property
    def name(self) -> str:
        return self.object.name


def identify(cells: np.ndarray, rule: Rule, within: np.ndarray | None = None, longest: int = LONGEST) -> list[Found]:
    """The objects of a pattern `[h, w]` on the plane, of a rule under which an empty plane stays empty.

    Only those near cells of `within` `[h, w]` bool, if that is given. What does not repeat within `longest` generations
    has the code "zz".
    """
    out: list[Found] = []
    if not np.any(cells):
        return out
    for row, column, cluster in _clusters(cells != 0, within):
        objects = _apart(cluster, rule, WATCHED, longest)
        if longest > LONG_WATCHED and any(not each.object.period for each in objects):
            objects = _apart(cluster, rule, LONG_WATCHED, longest)
        out += [replace(each, row=row + each.row, column=column + each.column) for each in objects]
    return out


def _apart(cluster: np.ndarray, rule: Rule, watched: int, longest: int) -> list[Found]:
    """The objects of a cluster `[h, w]`, told apart by so many generations."""
    out = []
    for part in parts(np.stack(list(generations(np.pad(cluster, watched), rule, watched))), rule):
        kind = known(part.later.tobytes(), part.later.shape, rule, longest)
        if not kind.period:
            kind = replace(kind, population=int(part.cells.sum()))
        out.append(Found(kind, part.row - watched, part.column - watched, part.cells))
    return out


def departing(
    cells: np.ndarray, rule: Rule, near: np.ndarray, longest: int = LONGEST
) -> tuple[np.ndarray, list[Found]] | None:
    """A field `[h, w]` without the spaceships near its rim that fly outwards, and these spaceships.

    `near` `[h, w]` bool says where the rim is. None if anything else lives there, so that a larger field is needed.
    """
    rest, flying = cells.copy(), []
    middle_y, middle_x = (cells.shape[0] - 1) / 2, (cells.shape[1] - 1) / 2
    for found in identify(cells, rule, near, longest):
        height, width = found.cells.shape
        y, x = found.row + height / 2 - middle_y, found.column + width / 2 - middle_x
        if (found.object.dy * y > 0 and abs(y) >= abs(x)) or (found.object.dx * x > 0 and abs(x) >= abs(y)):
            rest[found.row : found.row + height, found.column : found.column + width] &= 1 - found.cells
            flying.append(found)
    return None if (near & (rest != 0)).any() else (rest, flying)


def repeats(cells: np.ndarray, rule: Rule) -> tuple[np.ndarray, int]:
    """A pattern `[h, w]` in a frame that none of its phases leaves, and the period after which it is there again.

    The period is 0 if that is not so within `LONGEST` generations.
    """
    room = WATCHED
    while True:
        held = np.pad(trimmed(cells)[0], room)
        for period, phase in enumerate(generations(held, rule, LONGEST + 1)):
            if period and np.array_equal(phase, held):
                return held, period
            if room <= LONGEST and (phase[[0, -1]].any() or phase[:, [0, -1]].any()):
                break
        else:
            return held, 0
        room *= 4


def _clusters(alive: np.ndarray, within: np.ndarray | None) -> Iterator[tuple[int, int, np.ndarray]]:
    """Row, column and cells of the groups that are too far from all others to meet while they are watched."""
    near = ndimage.maximum_filter(alive, 2 * WATCHED + 1, mode="constant")
    labels, _ = ndimage.label(near, np.ones((3, 3)))
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        held = alive[box] & (labels[box] == number)
        if within is not None and not (held & within[box]).any():
            continue
        yield box[0].start, box[1].start, held.astype(np.uint8)


def generations(cells: np.ndarray, rule: Rule, number: int) -> Iterator[np.ndarray]:
    """A field `[h, w]` uint8 and its next generations, `number` in all; all is dead beyond its edges."""
    for _ in range(number):
        yield cells
        cells = after(cells, rule)


def after(cells: np.ndarray, rule: Rule) -> np.ndarray:
    """The next generation of a field `[..., h, w]`, dead beyond its edges."""
    return rule.table[_around(cells)]


def _around(cells: np.ndarray) -> np.ndarray:
    """The neighbourhood `[..., h, w]` of each cell as an index into a rule's table."""
    height, width = cells.shape[-2:]
    padded = np.zeros((*cells.shape[:-2], height + 2, width + 2), np.int16)
    padded[..., 1:-1, 1:-1] = cells
    rows = 4 * padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]
    return 64 * rows[..., :-2, :] + 8 * rows[..., 1:-1, :] + rows[..., 2:, :]


class Part(NamedTuple):
    """An object that was told apart."""

    row: int
    column: int
    cells: np.ndarray  # [h, w] uint8 in the first generation
    later: np.ndarray  # [h, w] uint8 in the last: whole, where the first may hold a spark of what came before


def parts(frames: np.ndarray, rule: Rule, periodic: bool = False) -> list[Part]:
    """The objects in successive generations `[T, h, w]`; `periodic` tells that the first one follows the last."""
    labels = separated(frames, rule, periodic)
    first, last = labels[0], labels[-1]
    sparks = (first > 0) & ~np.isin(first, last)  # cells without descendants belong to what is next to them
    if sparks.any():
        lasting = np.where(sparks, 0, first)
        first = np.where(sparks, ndimage.maximum_filter(lasting, 2 * BESIDE + 1, mode="constant"), first)
    out = []
    for number, (before, now) in enumerate(zip(_boxes(first), _boxes(last), strict=False), 1):
        if before is not None and now is not None:
            one = (first[before] == number, last[now] == number)
            out.append(Part(before[0].start, before[1].start, *(held.astype(np.uint8) for held in one)))
    return out


def _boxes(labels: np.ndarray) -> list[tuple[slice, slice] | None]:
    return ndimage.find_objects(labels)


def separated(frames: np.ndarray, rule: Rule, periodic: bool = False) -> np.ndarray:
    """To which object each cell of successive generations `[T, h, w]` belongs: numbers from 1, 0 for the dead."""
    labels, number = ndimage.label(frames, np.ones((3, 3, 3)))
    pairs = [_following(labels)] if periodic else []
    while True:
        merged = np.concatenate([*pairs, influences(labels, rule)])
        if not len(merged):
            return labels
        graph = coo_array((np.ones(len(merged)), merged.T), shape=(number + 1, number + 1))
        number, names = connected_components(graph, directed=False)
        names = names - names[0]  # 0 has no partner, so it is a component of its own
        names = np.where(names < 0, names + number, names)
        labels, number, pairs = names[labels], number - 1, []


def _following(labels: np.ndarray) -> np.ndarray:
    """Pairs `[K, 2]` of labels that touch from the last generation to the first."""
    last = np.pad(labels[-1], 1)
    height, width = labels.shape[1:]
    found = []
    for y in range(3):
        for x in range(3):
            before = last[y : y + height, x : x + width]
            both = (labels[0] > 0) & (before > 0) & (before != labels[0])
            found.append(np.stack([before[both], labels[0][both]], axis=1))
    return np.concatenate(found)


def influences(labels: np.ndarray, rule: Rule) -> np.ndarray:
    """Pairs `[K, 2]` of objects that influence each other, from labels `[T, h, w]`."""
    height, width = labels.shape[1:]
    padded = np.pad(labels, ((0, 0), (1, 1), (1, 1)))
    windows = [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    largest = np.maximum.reduce(windows)
    least = np.minimum.reduce([np.where(window, window, np.iinfo(window.dtype).max) for window in windows])
    where = np.nonzero((largest > 0) & (least < largest))
    near = np.stack([window[where] for window in windows], axis=1)  # [K, 9]
    weights = 1 << np.arange(8, -1, -1)
    joint = rule.table[(near > 0) @ weights]
    alone = np.zeros_like(joint)
    for cell in range(9):
        own = near[:, cell : cell + 1]
        alone |= rule.table[((near == own) & (own > 0)) @ weights]
    pairs = np.stack([least[where], largest[where]], axis=1)[joint != alone]
    return pairs


@lru_cache(maxsize=1 << 16)
def known(held: bytes, shape: tuple[int, int], rule: Rule, longest: int = LONGEST) -> Object:
    """What the object is whose cells `held` (uint8, row by row) are; run by itself until it repeats, if ever."""
    cells = np.frombuffer(held, np.uint8).reshape(shape)
    phases: list[np.ndarray] = []
    row = column = 0  # of the present phase's corner
    now = cells
    for generation in range(1, longest + 1):
        phases.append(now)
        framed = np.zeros((now.shape[0] + 2, now.shape[1] + 2), np.uint8)
        framed[1:-1, 1:-1] = now
        now, down, right = trimmed(after(framed, rule))
        row, column = row + down - 1, column + right - 1
        if now.shape == cells.shape and np.array_equal(now, cells):
            return _named(phases, generation, column, row)
        if not now.size:
            break
    return Object("zz", int(cells.sum()), 0)


def trimmed(cells: np.ndarray) -> tuple[np.ndarray, int, int]:
    """The smallest frame that holds all living cells, and its row and column."""
    rows, columns = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
    if not len(rows):
        return cells[:0, :0], 0, 0
    top, left = int(rows[0]), int(columns[0])
    return cells[top : rows[-1] + 1, left : columns[-1] + 1], top, left


def _named(phases: Sequence[np.ndarray], period: int, dx: int, dy: int) -> Object:
    population = min(int(phase.sum()) for phase in phases)
    moves = bool(dx or dy)
    prefix = f"xq{period}" if moves else f"xs{population}" if period == 1 else f"xp{period}"
    sides = max(max(phase.shape) for phase in phases)
    text = apgcode.code(phases) if sides <= apgcode.LARGEST else ""
    return Object(f"{prefix}_{text}" if text else f"ov_{prefix[1:]}", population, period, dx, dy)
