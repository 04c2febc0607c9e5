"""Elementary cellular automata: a line of two-state cells that look at themselves and their two neighbours.

32 cells share a word and the rule is data, so one compiled program steps many rows, each under a rule of its own; the
next state is a tree of seven choices among the eight bits of the rule's number. A line may close to a ring ("torus"),
end in dead cells ("bounded") or have no ends ("line", which gains a cell on either side in each generation, and
"frame", a part of it). Left out: more states, wider neighbourhoods, the plane. Source: Wolfram, Rev. Mod. Phys. 55
(1983) 601, whose numbers are used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from sim.life.packing import column, pack, unpack, valid
from sim.life.pattern import RuleError

BOUNDARIES = ("torus", "bounded", "line", "frame")


@dataclass(frozen=True)
class Elementary:
    """One of the 256 rules. Bit 4 l + 2 c + r of the number is what follows left l, centre c and right r."""

    number: int
    num_states: ClassVar[int] = 2
    radius: ClassVar[int] = 1

    def __post_init__(self):
        if not 0 <= self.number < 256:
            raise RuleError(f"W{self.number}: elementary rules are W0 to W255")

    @property
    def name(self) -> str:
        """As Golly writes it, e.g. `W110`."""
        return f"W{self.number}"

    @property
    def table(self) -> np.ndarray:
        """`[8]` uint8, the next state by the index 4 l + 2 c + r."""
        return np.array([self.number >> index & 1 for index in range(8)], np.uint8)


def parse(text: str) -> Elementary:
    """The rule named `W0` … `W255`; anything else is a RuleError."""
    found = re.fullmatch(r"[Ww]([0-9]{1,3})", text.strip())
    if not found:
        raise RuleError(f"{text!r} is no elementary rule: W and a number from 0 to 255, such as W110")
    return Elementary(int(found[1]))


def advance(code: jax.Array, rows: jax.Array, width: int, torus: bool, beyond: ArrayLike = 0) -> jax.Array:
    """The next generation of F rows side by side, `[L, F]` words as `sim.life.packing` lays them out.

    `code` are the bits of the rules, `[8, F]` words of all 0 or all 1. Beyond the ends of a row that is no torus all
    cells are `beyond`, 0 or 1, `[F]` or for all.
    """
    first, last = column(rows[None], 0)[0], column(rows[None], width - 1)[0]
    if not torus:
        first = last = jnp.broadcast_to(jnp.asarray(beyond, jnp.uint32), first.shape)
    words, one = rows.shape[0], jnp.uint32(1)
    place, bit = width % words, width // words  # of the column after the last
    if place:
        rows = rows.at[place].set(rows[place] & ~(one << bit) | first << bit)
    after = rows[0] >> 1
    if not place:
        after = after & ~(one << bit - 1) | first << bit - 1
    right = jnp.concatenate([rows[1:], after[None]])
    left = jnp.concatenate([(rows[-1] << 1 | last)[None], rows[:-1]])
    options = list(code)
    for which in (right, rows, left):
        options = [zero ^ (zero ^ one) & which for zero, one in zip(options[::2], options[1::2], strict=True)]
    return options[0]


def _stepper(numbers: jax.Array, cells: jax.Array, background: ArrayLike, boundary: str):
    """Packed rows and what lies beyond them, both of cells `[F, n]`, and the function to their next generation."""
    code = -(numbers >> jnp.arange(8, dtype=jnp.uint32)[:, None] & 1)

    def step(rows: jax.Array, beyond: jax.Array) -> tuple[jax.Array, jax.Array]:
        following = advance(code, rows, cells.shape[-1], boundary == "torus", beyond)
        # Three cells of the background are alike, so bit 0 or bit 7 of the number says what they turn into.
        return following, numbers >> 7 * beyond & 1 if boundary == "frame" else beyond

    return (pack(cells[:, None])[0], jnp.full_like(numbers, background)), step


@partial(jax.jit, static_argnums=4)
def _last(numbers, cells, background, generations, boundary: str) -> jax.Array:
    """Rows `[F, n]` after some generations, whose number is traced."""
    start, step = _stepper(numbers, cells, background, boundary)
    rows, _ = jax.lax.fori_loop(0, generations, lambda _, held: step(*held), start)
    return unpack(rows[None], cells.shape[-1])[:, 0]


@partial(jax.jit, static_argnums=(3, 4, 5))
def _all(numbers, cells, background, generations: int, boundary: str, counted: bool) -> jax.Array:
    """All generations of rows `[F, n]`, `[F, T + 1, n]`, or only their populations `[F, T + 1]`."""
    width = cells.shape[-1]
    start, step = _stepper(numbers, cells, background, boundary)
    living = lambda rows: jnp.sum(jax.lax.population_count(rows & valid(width)).astype(jnp.int32), axis=0)
    seen = living if counted else lambda rows: rows
    _, whole = jax.lax.scan(lambda held, _: (step(*held), seen(held[0])), start, length=generations + 1)
    return whole.T if counted else unpack(whole, width)


def _batched(program, rule, row, generations: int, boundary: str, background: int, *choices) -> np.ndarray:
    """A program for rows `[F, n]` and numbers `[F]`, for one row or many under one rule or many."""
    if boundary not in BOUNDARIES:
        raise ValueError(f"boundary {boundary!r}: must be one of {', '.join(BOUNDARIES)}")
    cells = jnp.asarray(row, jnp.uint8)
    if boundary == "line":
        ends = [(0, 0)] * (cells.ndim - 1) + [(generations, generations)]
        cells, boundary = jnp.pad(cells, ends, constant_values=background), "frame"
    numbers = jnp.asarray(rule.number if isinstance(rule, Elementary) else rule, jnp.uint32)
    batch, width = np.broadcast_shapes(numbers.shape, cells.shape[:-1]), cells.shape[-1]
    beyond = background if boundary == "frame" else 0
    numbers, cells = jnp.broadcast_to(numbers, batch).reshape(-1), jnp.broadcast_to(cells, (*batch, width))
    found = np.asarray(program(numbers, cells.reshape(-1, width), beyond, generations, boundary, *choices))
    return found.reshape(*batch, *found.shape[1:])


Rules = Elementary | ArrayLike
"""A rule, its number, or an array of numbers `[F]`, a rule for each row."""


def history(rule: Rules, row: ArrayLike, generations: int, boundary: str = "torus", background: int = 0) -> np.ndarray:
    """All generations of a row: `[generations + 1, n]` uint8, the first being the row itself.

    Rows `[n]` or `[F, n]` under numbers `[F]` give `[F, generations + 1, n]`. On a "line" the result is wider by
    `generations` cells on each side, and the row begins in the middle of the first; beyond it all is `background`. A
    "frame" is a part of such a line that is not widened: true as long as nothing but background reaches its ends.
    """
    return _batched(_all, rule, row, generations, boundary, background, False)


def populations(
    rule: Rules, row: ArrayLike, generations: int, boundary: str = "torus", background: int = 0
) -> np.ndarray:
    """Living cells in each generation of `history`, `[generations + 1]` or `[F, generations + 1]` int32.

    On a "line" under an odd rule the background blinks, and only what lies in the frame is counted.
    """
    return _batched(_all, rule, row, generations, boundary, background, True)


def evolved(rule: Rules, row: ArrayLike, generations: int, boundary: str = "torus", background: int = 0) -> np.ndarray:
    """The last row of `history` alone, `[n]` or `[F, n]` uint8; another number of generations compiles nothing."""
    return _batched(_last, rule, row, generations, boundary, background)
