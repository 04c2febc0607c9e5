"""Where a field ends and what lies beyond its edges: Golly's bounded grids and the unbounded plane.

`:P30,20` bounded plane (dead beyond), `:T30,20` torus, `:T30+5,20` with its top and bottom edges shifted, `:K30*,20`
Klein bottle with those edges twisted (`:K30,20*` the others), `:C30,20` cross-surface, `:S30` sphere; 0 for a side
without end. What lies beyond is given as a map of cells to cells. Source: Golly's help, "Bounded grids".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from sim.life.pattern import MOST_CELLS, RuleError

KINDS = {"P": "plane", "T": "torus", "K": "klein", "C": "cross", "S": "sphere"}
LONGEST = 1 << 20
"""Most cells on a side of a bounded grid."""
_SIDE = r"(\d+)(\*?)([+-]\d+)?"
_SUFFIX = re.compile(rf"([PTKCS]){_SIDE}(?:,{_SIDE})?", re.IGNORECASE)


@dataclass(frozen=True)
class Grid:
    """A topology. `width` and `height` in cells, 0 for no end; of `twist` and `shift` each is (top, left) edges."""

    kind: str = "plane"
    width: int = 0
    height: int = 0
    twist: tuple[bool, bool] = (False, False)  # top and bottom edges joined in reverse; left and right edges
    shift: tuple[int, int] = (0, 0)  # columns by which top and bottom edges are displaced; rows of left and right
    cut: tuple[bool, bool] = (False, False)  # of a torus: nothing lies beyond top and bottom; left and right

    @property
    def bounded(self) -> bool:
        """Whether both sides end."""
        return bool(self.width and self.height)

    @property
    def name(self) -> str:
        """Golly's suffix, colon included; empty for the unbounded plane."""
        if not self.width and (self.height == 0 or (self.kind == "plane" and self.height == 1)):
            return ""  # one row of cells without end is the plane of an elementary rule
        letter = self.kind[0].upper()
        if self.kind == "sphere":
            return f":S{self.width}"
        marks = ["*" if twist and self.kind == "klein" else "" for twist in self.twist]
        moves = [f"{shift:+d}" if shift else "" for shift in self.shift]
        return f":{letter}{self.width}{marks[0]}{moves[0]},{self.height}{marks[1]}{moves[1]}"

    def check(self, ring: int) -> None:
        """Raises `RuleError` if a rule that looks `ring` cells far cannot live here."""
        if self.kind == "sphere" and ring > 1:
            raise RuleError(f"grid {self.name}: a sphere holds only rules that look one cell far")
        if self.kind != "plane" and ring > min((side for side in (self.width, self.height) if side), default=ring):
            raise RuleError(f"grid {self.name}: too small for a rule that looks {ring} cells far")
        if self.width * self.height > MOST_CELLS:
            raise RuleError(f"grid {self.name}: must have at most {MOST_CELLS:,} cells")

    def beyond(self, ring: int = 1) -> np.ndarray:
        """For a field and `ring` cells around it, the cell that each stands for.

        `[H + 2 ring, W + 2 ring]` int64 indices into the flat field, -1 where there is none.
        """
        self.check(ring)
        return self.source(*np.mgrid[-ring : self.height + ring, -ring : self.width + ring])

    def held(self, height: int, width: int) -> Grid:
        """The bounded grid on which a field that reaches far beyond all activity lives like on this one.

        Sides without end are joined, so that what lies far away goes through its own generations.
        """
        if self.kind == "plane":
            return Grid("torus", width, height, cut=(bool(self.height), bool(self.width)))
        return replace(self, width=width, height=height)

    def source(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Flat indices of the cells of a bounded field that positions stand for, at most one field away; or -1."""
        width, height = self.width, self.height
        if self.kind == "sphere":
            return self._sphere(y, x)
        over = np.where(y < 0, -1, np.where(y >= height, 1, 0))  # which way the top or bottom edge was crossed
        past = np.where(x < 0, -1, np.where(x >= width, 1, 0))
        cut = (True, True) if self.kind == "plane" else self.cut
        lost = ((over != 0) & cut[0]) | ((past != 0) & cut[1])
        x = self._crossed(x, over, 0, width)
        past = np.where(x < 0, -1, np.where(x >= width, 1, 0))
        y = self._crossed(y % height, past, 1, height) % height
        return np.where(lost, -1, y * width + x % width)

    def _crossed(self, along: np.ndarray, crossed: np.ndarray, edge: int, length: int) -> np.ndarray:
        """The coordinate along an edge, where that edge was crossed (-1, 0, 1): turned and moved."""
        along = np.where((crossed != 0) & self.twist[edge], length - 1 - along, along)
        return along + self.shift[edge] * (-np.abs(crossed) if self.twist[edge] else crossed)

    def _sphere(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Top joined to left and right to bottom; one ring."""
        last = self.width - 1
        row, column = np.clip(y, 0, last), np.clip(x, 0, last)
        corner = (row != y) & (column != x)
        low, high = np.zeros_like(x), np.full_like(x, last)
        for beyond, new_row, new_column in ((y < 0, x, low), (x < 0, low, y), (y > last, x, high), (x > last, high, y)):
            here = beyond & ~corner
            row, column = np.where(here, new_row, row), np.where(here, new_column, column)
        return row * self.width + column


PLANE = Grid()


def torus(width: int, height: int) -> Grid:
    """The plain torus."""
    return Grid("torus", width, height)


def parse(text: str) -> Grid:
    """The grid of a suffix such as "T64,64" (without the colon). Raises `RuleError`."""
    found = _SUFFIX.fullmatch(text.replace(" ", ""))
    if found is None:
        raise RuleError(f"grid {text!r}: must be like P30,20, T64,64, T64+5,64, K64*,64, C30,20 or S30")
    kind = KINDS[found[1].upper()]
    width, height = int(found[2]), int(found[5] if found[5] is not None else found[2])
    twist = (bool(found[3]), bool(found[6]))
    shift = (int(found[4] or 0), int(found[7] or 0))
    for side in (width, height):
        if side > LONGEST:
            raise RuleError(f"grid {text!r}: {side} must be at most {LONGEST}")
    wrong = _wrong(kind, width, height, twist, shift)
    if wrong:
        raise RuleError(f"grid {text!r}: {wrong}")
    if kind == "klein":
        twist = twist if any(twist) else (False, True)
        lengths = (width, height)
        shift = tuple(1 if s and n % 2 == 0 else 0 for s, n in zip(shift, lengths, strict=True))  # type: ignore[assignment]
    elif kind == "cross":
        twist = (True, True)
    elif kind == "torus" and width and height:
        shift = (int(np.fmod(shift[0], width)), int(np.fmod(shift[1], height)))
    return Grid(kind, width, height, twist, shift)


def _wrong(kind: str, width: int, height: int, twist: tuple[bool, bool], shift: tuple[int, int]) -> str:
    """What does not go together, or nothing."""
    ends = bool(width and height)
    if any(twist) and kind != "klein":
        return "only a Klein bottle (K) is twisted with *"
    if all(twist):
        return "a Klein bottle is twisted on one pair of edges; both is a cross-surface (C)"
    if kind in ("klein", "cross", "sphere") and not ends:
        return f"a {kind} needs a width and a height"
    if kind == "sphere" and width != height:
        return "a sphere must be square"
    if any(shift) and kind not in ("torus", "klein"):
        return "only a torus or a Klein bottle can be shifted"
    if all(shift) or (any(shift) and not ends):
        return "one pair of edges can be shifted, and only if both sides end"
    if kind == "klein" and any(s and not t for s, t in zip(shift, twist, strict=True)):
        return "a Klein bottle is shifted on its twisted edges"
    return ""
