"""What a string of bits stands for: a seed pattern, and a rule that counts neighbours unless the rule is given.

The first bits of a string are births, then survivals, then the cells of the seed, one for each orbit of its symmetry.
Rules have no B0, so that an empty plane stays empty; without B1, under which anything grows without end, and without
B2, under which most things do, they are tamer. Symmetries bear apgsearch's names: C1, C2, C4, D2_+ (mirror), D2_x
(diagonal mirror), D4_+, D4_x, D8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from sim.life import packed, packing
from sim.life.pattern import Pattern, RuleError
from sim.life.rules import Rule, outer_totalistic

_HALF_TURN: Callable = lambda cells: cells[::-1, ::-1]
_ACROSS: Callable = lambda cells: cells[::-1, ::-1].T  # mirrored in the other diagonal
SYMMETRIES: dict[str, tuple[Callable, ...]] = {
    "C1": (),
    "C2": (_HALF_TURN,),
    "C4": (np.rot90,),
    "D2_+": (np.fliplr,),
    "D2_x": (np.transpose,),
    "D4_+": (np.fliplr, np.flipud),
    "D4_x": (np.transpose, _ACROSS),
    "D8": (np.fliplr, np.rot90),
}
"""Generators of each symmetry's group, as maps of a square field."""


@dataclass(frozen=True)
class Encoding:
    """How strings of bits are read. `rule` None: it is part of the string."""

    rule: Rule | None = None
    side: int = 8  # cells of a seed's side
    symmetry: str = "C1"
    least_birth: int = 2  # evolved rules have births from so many neighbours on, 1 … 3

    @cached_property
    def orbits(self) -> np.ndarray:
        """Which of the seed's bits each cell shows, `[side, side]` int."""
        return orbits(self.side, self.symmetry)

    @property
    def genes(self) -> int:
        """Bits that are rule."""
        return 0 if self.rule is not None else 18 - self.least_birth

    @property
    def length(self) -> int:
        """Bits of a string."""
        return self.genes + int(self.orbits.max()) + 1

    def seeds(self, bits: jax.Array) -> jax.Array:
        """Cells `[F, side, side]` uint8 of strings `[F, D]` bool."""
        return bits[:, self.genes + self.orbits].astype(jnp.uint8)

    def masks(self, bits: jax.Array) -> jax.Array:
        """Births B0 … B8, then survivals S0 … S8, `[F, 18]` bool, of strings whose rule is theirs."""
        return jnp.pad(bits[:, : self.genes], ((0, 0), (18 - self.genes, 0)))

    def code(self, bits: jax.Array) -> jax.Array:
        """Words of the stepper, `[20, F]`; `[512, F]` if the rule that is given does not count neighbours."""
        if self.rule is None:
            return coded(self.masks(bits))
        code = packed.coded([self.rule])
        return jnp.broadcast_to(code, (code.shape[0], bits.shape[0]))

    def numbers(self, bits: np.ndarray) -> np.ndarray:
        """A number `[F]` for the rule of each string `[F, D]`: zeros if the rule is given."""
        return np.asarray(bits)[:, : self.genes] @ (1 << np.arange(self.genes))

    def rule_of(self, bits: np.ndarray) -> Rule:
        """The rule of one string `[D]`."""
        return self.rule or rule_of(np.asarray(self.masks(np.asarray(bits)[None]))[0])

    def pattern(self, bits: np.ndarray) -> Pattern:
        """The seed of one string `[D]` in the smallest frame, with its rule."""
        cells = np.asarray(bits)[self.genes + self.orbits].astype(np.uint8)
        return Pattern(cells, rule=self.rule_of(bits).name).trimmed()


def orbits(side: int, symmetry: str) -> np.ndarray:
    """Numbers from 0 `[side, side]`, the same for cells that the symmetry joins."""
    if symmetry not in SYMMETRIES:
        raise RuleError(f"symmetry {symmetry!r}: must be one of {', '.join(SYMMETRIES)}")
    names = np.arange(side * side).reshape(side, side)
    while True:
        joined = names
        for move in SYMMETRIES[symmetry]:
            joined = np.minimum(joined, move(joined))
        if np.array_equal(joined, names):
            return np.unique(names, return_inverse=True)[1].reshape(side, side)
        names = joined


def rule_of(mask: np.ndarray) -> Rule:
    """The rule of 18 bits, births first."""
    birth, survival = (sum(1 << n for n in range(9) if part[n]) for part in (mask[:9], mask[9:]))
    return outer_totalistic(birth, survival)


@lru_cache(maxsize=1)
def _basis() -> np.ndarray:
    """Words `[20, 18]` of the rules of a single bit."""
    return np.asarray(packed.coded([rule_of(row) for row in np.eye(18, dtype=bool)]))


def coded(masks: jax.Array) -> jax.Array:
    """`packed.coded` `[20, F]` of masks `[F, 18]` bool: each coefficient is a sum over GF(2) of single bits'."""
    odd = (jnp.asarray(_basis() & 1, jnp.int32) @ masks.T.astype(jnp.int32)) & 1
    return -odd.astype(jnp.uint32)


@partial(jax.jit, static_argnums=1)
def framed(seeds: jax.Array, side: int) -> jax.Array:
    """Seeds `[F, h, w]` in the middle of packed fields `[side, L, F]`."""
    height, width = seeds.shape[1:]
    top, left = (side - height) // 2, (side - width) // 2
    return packing.pack(jnp.pad(seeds, ((0, 0), (top, side - top - height), (left, side - left - width))))
