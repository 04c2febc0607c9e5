"""Whether a pattern copies itself: exact copies of it counted in its own later states, for thousands at once.

A copy is all of its living cells with dead cells around them, in the same position. Not only the seed is looked for but
also what it was at some later generations, for a seed may first turn into what copies itself. Every cell of a window is
compared 32 places at a time, with a saturating count of differences, so that near copies can be counted as well. What
is found is proved by `evolution.life.replication`. Comparing costs most, so what dies, repeats itself or explodes is
sorted out before. Left out: copies that are turned or mirrored.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from evolution.life.encoding import framed
from sim.life import packed, packing
from sim.life.grids import Grid

SIDE, WINDOW = 64, 7  # cells of a field's side, and of the largest pattern that is looked for
WIDEST = SIDE // 2  # cells of the widest seed, which leaves as much room around it
HALO = WINDOW + 2
LONGEST = 40
"""Generations that are looked at; what reaches the edges by then is an explosion, and no clean copy."""
TIMES = (0, 4, 8, 12)
"""Generations at which a pattern is remembered, to be looked for later."""
LEAST, NEAR = 3, 6
"""Cells of the smallest pattern that is looked for, and of the smallest whose near copies mean anything."""
MOST = 512
"""Living cells after `LONGEST` generations beyond which a pattern has exploded."""
BATCH = 128
"""Patterns that are compared side by side."""


class Template(NamedTuple):
    """Patterns to be looked for, words whose bits are all 0 or all 1."""

    alive: jax.Array  # [HALO, HALO, F] cells that live
    cares: jax.Array  # [HALO, HALO, F] cells that count: the living and their neighbours
    cells: jax.Array  # [F] int32 living cells; 0: nothing that could be looked for


class Copies(NamedTuple):
    """The best that was seen of each pattern, `[F]`."""

    worth: jax.Array  # float32 fitness
    number: jax.Array  # int32 exact copies there
    since: jax.Array  # int32 generation of the pattern that was copied
    generation: jax.Array  # int32 generation at which the copies were seen


def template(state: jax.Array) -> Template:
    """The whole content of each field `[H, L, F]`, if it fits `WINDOW` and has `LEAST` cells."""
    cells = packing.unpack(state, 32 * state.shape[1])

    def cut(field):
        rows, columns = jnp.any(field, axis=1), jnp.any(field, axis=0)
        top, left = jnp.argmax(rows), jnp.argmax(columns)
        tall = field.shape[0] - jnp.argmax(rows[::-1]) - top
        wide = field.shape[1] - jnp.argmax(columns[::-1]) - left
        held = jax.lax.dynamic_slice(jnp.pad(field, WINDOW), (top + WINDOW - 1, left + WINDOW - 1), (HALO, HALO))
        number = jnp.sum(field, dtype=jnp.int32)
        return held > 0, jnp.where((tall <= WINDOW) & (wide <= WINDOW) & (number >= LEAST), number, 0)

    alive, number = jax.vmap(cut)(cells)
    cares = jax.lax.reduce_window(alive, False, jax.lax.bitwise_or, (1, 3, 3), (1, 1, 1), "SAME")
    words = lambda masks: -jnp.moveaxis(masks, 0, -1).astype(jnp.uint32)
    return Template(words(alive), words(cares), number)


def matches(state: jax.Array, sought: Template) -> tuple[jax.Array, jax.Array]:
    """Copies in fields `[H, L, F]`: exact ones, and those with at most two wrong cells, `[F]` int32 each."""
    height, num = state.shape[:2]
    rows = jnp.pad(state, ((0, HALO - 1), (0, 0), (0, 0)))
    held = jnp.stack([rows[:, j % num] >> (j // num) for j in range(num + HALO - 1)], axis=1)
    one = two = three = jnp.zeros_like(state)  # at least so many wrong cells
    for y in range(HALO):
        for x in range(HALO):
            wrong = (held[y : y + height, x : x + num] ^ sought.alive[y, x]) & sought.cares[y, x]
            three, two, one = three | (two & wrong), two | (one & wrong), one | wrong
    count = lambda wrong: jnp.sum(jax.lax.population_count(~wrong), axis=(0, 1), dtype=jnp.int32)
    return jnp.where(sought.cells > 0, count(one), 0), jnp.where(sought.cells >= NEAR, count(three), 0)


@jax.jit
def promising(code: jax.Array, start: jax.Array) -> jax.Array:
    """Which fields `[H, L, F]` neither die nor explode in `LONGEST` generations, nor repeat every 12; `[F]` bool."""
    run = partial(packed.run, code, grid=Grid("plane", SIDE, SIDE), width=SIDE)
    before = run(packed=start, generations=LONGEST - 12)
    last = run(packed=before, generations=12)
    number = packing.population(last, SIDE)
    return (number > 0) & (number <= MOST) & jnp.any(last != before, axis=(0, 1))


def surveyed(code: jax.Array, seeds: jax.Array) -> Copies:
    """`copies` of those seeds `[F, h, w]` that are promising, which is worth 0.1 itself; zeros for the others."""
    out = Copies(*(np.zeros(len(seeds), kind) for kind in (np.float32, np.int32, np.int32, np.int32)))
    start = framed(seeds, SIDE)
    chosen = np.flatnonzero(np.asarray(promising(code, start)))
    for first in range(0, len(chosen), BATCH):
        part = chosen[first : first + BATCH]
        rows = np.resize(part, BATCH)  # the last batch is filled up, so that all have one shape
        seen = copies(code[:, rows], start[..., rows])
        for column, values in zip(out, seen, strict=True):
            column[part] = np.asarray(values)[: len(part)]
    out.worth[chosen] = np.maximum(out.worth[chosen], 0.1)
    return out


@jax.jit
def copies(code: jax.Array, start: jax.Array) -> Copies:
    """How far what is in fields `[H, L, F]` copies itself under the rules `code` `[K, F]`.

    Fitness: 1 and up to four for as many exact copies, if there are two; else up to 0.8 for near copies. Either counts
    the less the more other cells there are.
    """
    grid = Grid("plane", SIDE, SIDE)
    step = partial(packed.step, code, grid=grid, width=SIDE)
    states, now = [], 0
    state = start
    for time in TIMES:
        state = packed.run(code, state, time - now, grid=grid, width=SIDE)
        states.append(state)
        now = time
    sought = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[template(state) for state in states])
    times = jnp.array(TIMES, jnp.int32)

    def generation(number, carry):
        state, best = carry
        state = step(state)
        living = jnp.maximum(packing.population(state, SIDE), 1)

        def compared(at):
            time, pattern = at
            exact, near = matches(state, pattern)
            pure = lambda some: jnp.minimum(some, 4) * jnp.minimum(1.0, some * pattern.cells / living)
            value = jnp.where(exact > 1, 1 + pure(exact), jnp.where(near > 1, 0.2 * pure(near), 0.0))
            value = jnp.where(time < number, value, 0.0)
            fill = lambda n: jnp.full(exact.shape, n, jnp.int32)
            return Copies(value, exact, fill(time), fill(number))

        seen = jax.lax.map(compared, (times, sought))
        top = jnp.argmax(seen.worth, axis=0)
        new = jax.tree.map(lambda leaf: jnp.take_along_axis(leaf, top[None], axis=0)[0], seen)
        return state, jax.tree.map(lambda a, b: jnp.where(new.worth > best.worth, a, b), new, best)

    none = jnp.zeros(start.shape[-1], jnp.int32)
    nothing = Copies(none.astype(jnp.float32), none, none, none)
    return jax.lax.fori_loop(1, LONGEST + 1, generation, (start, nothing))[1]
