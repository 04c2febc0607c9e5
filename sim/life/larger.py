"""Larger than Life: birth and survival by intervals of the number of living cells within a large radius.

Neighbourhoods are Moore (a square), von Neumann (a diamond) and circular, of radius 1 to 50. With three or more
states cells age as in Generations. Thresholds are data; the radius and the kind decide shapes and are static.
Sources: K. M. Evans, "Larger than Life: digital creatures in a family of two-dimensional cellular automata" (DM-TCS
AA, 2001, 177-192); M. Pivato, "RealLife" (Theoretical Computer Science 372, 2007, 46-68); Golly's help for the names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from math import isqrt

import jax
import jax.numpy as jnp
from jax import lax

from sim.life.generations import MOST_STATES, aged
from sim.life.pattern import RuleError

MOST_RADIUS = 50
NEIGHBOURHOODS = {"M": "Moore", "N": "von Neumann", "C": "circular"}
_DATA = ["num_states", "middle", "survival_min", "survival_max", "birth_min", "birth_max"]
_GOLLY = re.compile(
    r"R(?P<radius>\d+),C(?P<num_states>\d+),M(?P<middle>[01]),S(?P<survival_min>\d+)\.\.(?P<survival_max>\d+),"
    r"B(?P<birth_min>\d+)\.\.(?P<birth_max>\d+),N(?P<kind>[MNC])",
    re.IGNORECASE,
)
_EVANS = re.compile(
    r"(?P<radius>\d+),(?P<birth_min>\d+),(?P<birth_max>\d+),(?P<survival_min>\d+),(?P<survival_max>\d+)"
)


@partial(jax.tree_util.register_dataclass, data_fields=_DATA, meta_fields=["radius", "kind"])
@dataclass(frozen=True)
class LargerThanLife:
    """A rule of the family. Counts are of living cells (state 1) in the neighbourhood; intervals hold both ends."""

    radius: int  # cells, 1 … 50
    kind: str  # "M", "N" or "C"
    num_states: int  # 2 … 256
    middle: int  # 1: a living cell counts itself; 0: it does not
    survival_min: int
    survival_max: int
    birth_min: int
    birth_max: int

    @property
    def name(self) -> str:
        """Golly's name, as in R5,C0,M1,S34..58,B34..45,NM; on the host only."""
        states = self.num_states if self.num_states > 2 else 0
        survival, birth = f"S{self.survival_min}..{self.survival_max}", f"B{self.birth_min}..{self.birth_max}"
        return f"R{self.radius},C{states},M{self.middle},{survival},{birth},N{self.kind}"

    @property
    def quiescent(self) -> bool:
        """Whether an empty plane stays empty; on the host only."""
        return self.birth_min > 0

    def next(self, padded: jax.Array) -> jax.Array:
        """States `[H, W]` uint8 of the next generation, from those of this one with a rim of `radius` cells."""
        rim = self.radius
        cells = padded[rim:-rim, rim:-rim]
        alive = cells == 1
        number = counts(padded == 1, rim, self.kind).astype(jnp.int32) - jnp.where(alive, 1 - self.middle, 0)
        stays = (self.survival_min <= number) & (number <= self.survival_max)
        born = (self.birth_min <= number) & (number <= self.birth_max)
        return aged(cells, jnp.where(alive, stays, born), self.num_states)


def parse(text: str) -> LargerThanLife:
    """The rule that `text` names, in Golly's notation or Evans's (radius, birth, survival). Raises `RuleError`."""
    found = _GOLLY.fullmatch(text) or _EVANS.fullmatch(text)
    if found is None:
        raise RuleError(f"rule {text!r}: must be like R5,C0,M1,S34..58,B34..45,NM or 5,34,45,34,58")
    part = {"kind": "M", "num_states": "0", "middle": "1"} | found.groupdict()
    kind = part.pop("kind").upper()
    number = {name: int(digits) for name, digits in part.items()}
    if not 1 <= number["radius"] <= MOST_RADIUS:
        raise RuleError(f"rule {text!r}: the radius must be from 1 to {MOST_RADIUS}, not {number['radius']}")
    if number["num_states"] > MOST_STATES:
        raise RuleError(f"rule {text!r}: states must be at most {MOST_STATES}, not {number['num_states']}")
    most = size(number["radius"], kind)
    for name in ("survival", "birth"):
        low, high = number[f"{name}_min"], number[f"{name}_max"]
        if not low <= high <= most:
            raise RuleError(f"rule {text!r}: {name} {low}..{high} must rise and be at most {most}, the neighbourhood")
    return LargerThanLife(kind=kind, **number | {"num_states": max(number["num_states"], 2)})


def half_widths(radius: int, kind: str) -> tuple[int, ...]:
    """How far a row of the neighbourhood reaches to either side, for rows -radius … radius.

    A circle holds the cells nearer than radius + 1/2, that is x² + y² <= radius² + radius.
    """
    rows = range(-radius, radius + 1)
    if kind == "M":
        return (radius,) * len(rows)
    if kind == "N":
        return tuple(radius - abs(row) for row in rows)
    return tuple(isqrt(radius * (radius + 1) - row * row) for row in rows)


def size(radius: int, kind: str) -> int:
    """Number of cells of a neighbourhood, the middle counted."""
    return sum(2 * half + 1 for half in half_widths(radius, kind))


def counts(alive: jax.Array, radius: int, kind: str) -> jax.Array:
    """Living cells `[H, W]` uint16 in each neighbourhood, from `alive` `[H + 2 radius, W + 2 radius]` boolean."""
    live = alive.astype(jnp.uint16)  # at most 101² = 10,201 cells to count
    if kind == "M":
        return _row_sums(_row_sums(live, 2 * radius + 1).T, 2 * radius + 1).T
    height, width = alive.shape[0] - 2 * radius, alive.shape[1] - 2 * radius
    # Sums of all cells to the left. They overflow in a field wider than 65,535, but their differences do not.
    left = jnp.pad(jnp.cumsum(live, 1, dtype=jnp.uint16), ((0, 0), (1, 0)))
    total = jnp.zeros((height, width), jnp.uint16)
    for row, half in enumerate(half_widths(radius, kind)):
        start, end = radius - half, radius + half + 1
        total += left[row : row + height, end : end + width] - left[row : row + height, start : start + width]
    return total


def _row_sums(numbers: jax.Array, length: int) -> jax.Array:
    """Sums of all runs of `length` neighbours along rows; down columns the window would be many times slower."""
    return lax.reduce_window(numbers, jnp.zeros((), numbers.dtype), lax.add, (1, length), (1, 1), "VALID")
