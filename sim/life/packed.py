"""Any two-state rule of the 3x3 neighbourhood, 32 cells an operation, on every grid, for many fields at once.

The rule is data: words whose bits are all 0 or all 1, one set for all fields or one for each, so another rule
compiles nothing. Rules that count neighbours add them up bit-sliced (carry-save adders) and choose by a polynomial over
GF(2); others choose among all 512 neighbourhoods. Cost of a generation: one word read and one written for 32 cells, and
68 operations a word for counting rules. Left out: what changes nothing is computed all the same (no tiles, no
memory; see `sim.life.hashlife` for that).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from sim.life.grids import Grid
from sim.life.packing import BITS, column, pack, unpack
from sim.life.rules import Rule


def coded(rules: Sequence[Rule]) -> jax.Array:
    """Rules as words: `[20, F]` where all of them count neighbours, else `[512, F]`; one rule serves many fields."""
    masks = [rule.totalistic for rule in rules]
    if all(mask is not None for mask in masks):
        return jnp.asarray(np.stack([_polynomial(*mask) for mask in masks if mask is not None], axis=1))
    tables = np.stack([rule.table for rule in rules], axis=1).astype(np.uint32)
    return jnp.asarray(tables * np.uint32(0xFFFFFFFF))


def _polynomial(birth: int, survival: int) -> np.ndarray:
    """Coefficients `[20]` of a counting rule, in the order in which `_counted` uses them.

    With n the number of living cells of the nine, a cell lives on as S[n - 1] if it lives and B[n] if not. For each
    pair n = 2j, 2j + 1 that is a polynomial in the centre c and the lowest bit of n: k0 + k1 c + k2 b + k3 cb.
    """
    dead = [birth >> min(n, 8) & 1 for n in range(10)]  # all nine cannot be alive around a dead cell: any value serves,
    alive = [survival >> n - 1 & 1 if n else birth & 1 for n in range(10)]  # nor none; so chosen that k1, k18 are 0
    out = []
    for n in range(0, 10, 2):
        a, b, c, d = dead[n], alive[n], dead[n + 1], alive[n + 1]
        out += [a, a ^ b, a ^ c, a ^ b ^ c ^ d]
    return np.array(out, np.uint32) * np.uint32(0xFFFFFFFF)


@partial(jax.jit, static_argnames=("grid", "width"))
def run(code: jax.Array, packed: jax.Array, generations: jax.Array, *, grid: Grid, width: int) -> jax.Array:
    """Fields `[H, L, F]` of `width` columns after some generations, under the rule or rules `code`."""
    alone = packed.shape[-1] == 1  # a last axis of 1 would halve the speed, and numbers [] are hoisted out of loops
    state = packed[..., 0] if alone else packed
    code = code[:, 0] if alone else code
    one = lambda _, field: step(code, field, grid=grid, width=width)
    if code.shape[0] != 512 and _wide(packed, grid, width):
        state = jax.lax.fori_loop(0, generations // 2, lambda _, field: _twice(code, field), state)
        generations = generations % 2
    state = jax.lax.fori_loop(0, generations, one, state)
    return state[..., None] if alone else state


@partial(jax.jit, static_argnames=("grid",))
def advance(code: jax.Array, cells: jax.Array, generations: jax.Array, *, grid: Grid) -> jax.Array:
    """`run` for fields `[F, H, W]` uint8 of zeros and ones."""
    width = cells.shape[-1]
    return unpack(run(code, pack(cells), generations, grid=grid, width=width), width)


def step(code: jax.Array, packed: jax.Array, *, grid: Grid, width: int) -> jax.Array:
    """One generation of fields `[H, L, F]` by `code` `[K, F]`, or of one field `[H, L]` by `[K]`."""
    return _next(code, surround(packed, grid, width))


def _wide(packed: jax.Array, grid: Grid, width: int) -> bool:
    """Whether two generations at a time cost less: a torus of whole words, wide beside what they see beyond it."""
    plain = grid.kind == "torus" and not any(grid.shift) and not any(grid.cut)
    return plain and width == BITS * packed.shape[1] >= 512 and packed.shape[0] >= 512


def _twice(code: jax.Array, packed: jax.Array) -> jax.Array:
    """Two generations of a wide torus, which is surrounded but once, by two rows and words on each side."""
    rows = jnp.concatenate([packed[-2:], packed, packed[:2]])
    left, right = rows[:, -2:], rows[:, :2]
    ends = (left << 1) | (left >> (BITS - 1)), (right >> 1) | (right << (BITS - 1))
    return _next(code, _next(code, jnp.concatenate([ends[0], rows, ends[1]], axis=1)))


def _next(code: jax.Array, padded: jax.Array) -> jax.Array:
    """The next generation `[H, L, ...]` of fields with what lies beyond, `[H + 2, L + 2, ...]`."""
    padded = jax.lax.optimization_barrier(padded)  # else XLA sums rows apart, at half the speed
    if code.shape[0] == 512:
        height, num = (length - 2 for length in padded.shape[:2])
        return _chosen(code, [padded[y : y + height, x : x + num] for y in range(3) for x in range(3)])
    return _counted(code, padded)


def _counted(code: jax.Array, padded: jax.Array) -> jax.Array:
    """The next generation of a rule that counts; padded `[H + 2, L + 2, F]`."""
    here = padded[:, 1:-1]
    low, high = _added(padded[:, :-2], here, padded[:, 2:])  # each row's three cells as two bits
    n0, carry = _added(low[:-2], low[1:-1], low[2:])
    twos, fours = _added(high[:-2], high[1:-1], high[2:])
    n1, more = twos ^ carry, twos & carry
    n2, n3 = fours ^ more, fours & more
    centre = here[1:-1]
    and_ = centre & n0

    def pair(j: int) -> jax.Array:
        k = code[4 * j : 4 * j + 4]
        return k[0] ^ (k[1] & centre) ^ (k[2] & n0) ^ (k[3] & and_)

    p0 = code[0] ^ (code[2] & n0) ^ (code[3] & and_)
    p1, p2, p3 = (pair(j) for j in (1, 2, 3))
    p4 = code[16] ^ (code[17] & centre) ^ (code[19] & and_)
    lower = p0 ^ (n1 & (p0 ^ p1))
    upper = p2 ^ (n1 & (p2 ^ p3))
    small = lower ^ (n2 & (lower ^ upper))
    return small ^ (n3 & (small ^ p4))


def _added(a: jax.Array, b: jax.Array, c: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Sum and carry of three bits: a full adder of three operations where the machine has those of three operands."""
    half = a ^ b
    return half ^ c, a ^ (half & (a ^ c))


def _chosen(code: jax.Array, around: list[jax.Array]) -> jax.Array:
    """The next generation of any rule: for each state of the three cells above, a tree of choices by the other six."""

    def above(row: jax.Array, found: jax.Array) -> jax.Array:
        here = jnp.full_like(found, 0xFFFFFFFF)
        for place, cell in enumerate(around[:3]):
            wanted = (row >> (2 - place)) & 1
            here &= jnp.where(wanted == 1, cell, ~cell)
        level = list(jax.lax.dynamic_slice_in_dim(code, 64 * row, 64))
        for cell in reversed(around[3:]):
            level = [low ^ (cell & (low ^ high)) for low, high in zip(level[::2], level[1::2], strict=True)]
        return found | (here & level[0])

    return jax.lax.fori_loop(0, 8, above, jnp.zeros_like(around[4]))  # a loop: all 511 choices compile slowly


def surround(packed: jax.Array, grid: Grid, width: int) -> jax.Array:
    """Fields with what lies one cell beyond their edges, `[H + 2, L + 2, ...]`."""
    num = packed.shape[1]
    plain = not (any(grid.shift) or any(grid.cut))
    if grid.kind == "plane":
        rows = jnp.concatenate([jnp.zeros_like(packed[:1]), packed, jnp.zeros_like(packed[:1])])
        left = right = jnp.zeros_like(rows[:, 0])
    elif grid.kind == "torus" and plain:
        rows = jnp.concatenate([packed[-1:], packed, packed[:1]])
        left, right = column(rows, width - 1), column(rows, 0)
    else:
        top, bottom, left, right = _edges(packed, grid, width)
        rows = jnp.concatenate([top, packed, bottom])
    spare = width % num
    if spare:  # the column beyond the last one lies in the middle of a row of words
        rows = rows.at[:, spare].set(_with_bit(rows[:, spare], width // num, right))
    before = (rows[:, -1] << 1) | left
    after = rows[:, 0] >> 1
    if not spare:
        after = _with_bit(after, width // num - 1, right)
    return jnp.concatenate([before[:, None], rows, after[:, None]], axis=1)


def _with_bit(words_: jax.Array, bit: int, value: jax.Array) -> jax.Array:
    """Words with one bit replaced by a value of 0 or 1."""
    return (words_ & jnp.uint32(~(1 << bit) & 0xFFFFFFFF)) | (value << jnp.uint32(bit))


def _edges(packed: jax.Array, grid: Grid, width: int) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """What lies beyond: rows above and below `[1, L, ...]`, columns left and right `[H + 2, ...]` of 0 and 1.

    Every cell beyond stands for one on the rim of the field, so the rim is unpacked and looked up.
    """
    height, alone = packed.shape[0], packed.ndim == 2
    fields = packed[..., None] if alone else packed
    ends = unpack(fields[np.array([0, height - 1])], width)  # [F, 2, W]
    sides = jnp.stack([column(fields, x) for x in (0, width - 1)]).astype(jnp.uint8)  # [2, H, F]
    nothing = jnp.zeros((ends.shape[0], 1), jnp.uint8)
    rim = jnp.concatenate([ends[:, 0], ends[:, 1], sides[0].T, sides[1].T, nothing], axis=1)

    def looked_up(wanted: np.ndarray) -> jax.Array:
        y, x = np.divmod(wanted, width)
        known = [wanted < 0, y == 0, y == height - 1, x == 0]
        place = [np.full_like(x, 2 * (width + height)), x, width + x, 2 * width + y]
        return rim[:, np.select(known, place, 2 * width + height + y)]

    rows = pack(looked_up(grid.source(*np.ix_([-1, height], range(width)))))
    down = np.arange(-1, height + 1)
    left, right = (looked_up(grid.source(down, np.full_like(down, x))).T.astype(jnp.uint32) for x in (-1, width))
    found = (rows[:1], rows[1:], left, right)
    return tuple(part[..., 0] for part in found) if alone else found  # type: ignore[return-value]
