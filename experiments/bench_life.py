"""Cell updates per second of the bit-packed stepper, beside NumPy and SciPy in the same run, and the machine's limits.

Soups of one half on a torus under B3/S23; a batch of small fields, each under a rule of its own; rules of 512 entries.
Every figure is the best of some repetitions, compilation apart. Two ceilings: arithmetic, at which this device does
the operations of a generation on words that stay in its cache; and memory, at which it reads and writes one bit a cell
in fields of that size. All steppers must agree on the population first. Leaves out HashLife, whose speed is not one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage

from experiments.errors import RunError
from sim.life import grids, packed, packing, rules

SIZES = {512: 4000, 2048: 400, 8192: 24}
"""Sides of fields, and the generations of one repetition."""
FIELDS, SIDE, TURNS = 1024, 64, 500
REPEATS = 7
OPERATIONS = 68
"""Logical operations on a word in a generation of a counting rule, as `sim.life.packed` does them."""


def measure() -> dict[str, Any]:
    """A row of figures for each stepper and size."""
    jax.config.update("jax_enable_compilation_cache", False)  # compile times are cold ones
    generator = np.random.default_rng(0)
    arithmetic = _arithmetic()
    rows: list[dict[str, Any]] = []
    for side, turns in SIZES.items():
        soup = (generator.random((side, side), np.float32) < 0.5).astype(np.uint8)
        bound = min(arithmetic, _memory(side * side // 32))
        rows.append(_packed(f"packed-{side}", soup[None], [rules.parse("B3/S23")], turns, bound))
        if side <= 2048:
            _agree(soup)
            rows.append(_host(f"numpy-{side}", soup, _numpy, 4))
            rows.append(_host(f"scipy-{side}", soup, _scipy, 1))
    soups = (generator.random((FIELDS, SIDE, SIDE), np.float32) < 0.5).astype(np.uint8)
    masks = generator.integers(0, 512, (FIELDS, 2)).tolist()
    some = [rules.outer_totalistic(birth & ~1, survival) for birth, survival in masks]
    rows.append(_packed(f"mixed-{FIELDS}x{SIDE}", soups, some, TURNS, arithmetic))
    lettered = (generator.random((1, 2048, 2048), np.float32) < 0.5).astype(np.uint8)
    rows.append(_packed("isotropic-2048", lettered, [rules.parse("B3/S2-i34q")], 40, None))
    return {
        "bench": "life",
        "device": f"{jax.devices()[0].platform} {jax.devices()[0].device_kind}",
        "arithmetic_ceiling": round(arithmetic),
        "results": rows,
    }


def _packed(name: str, soups: np.ndarray, some: list, turns: int, bound: float | None) -> dict[str, Any]:
    """Figures of fields `[F, H, W]`."""
    height, width = soups.shape[1:]
    code, field = packed.coded(some), packing.pack(jnp.asarray(soups))
    grid, number = grids.torus(width, height), jnp.int32(turns)
    began = time.perf_counter()
    program = packed.run.lower(code, field, number, grid=grid, width=width).compile()
    compiling = time.perf_counter() - began
    seconds = _seconds(lambda: jax.block_until_ready(program(code, field, number)))
    rate = soups.size * turns / min(seconds)
    row = {"name": name, "cell_updates_per_s": round(rate), "compile_s": round(compiling, 2)}
    row["median"] = round(soups.size * turns / float(np.median(seconds)))
    return row if bound is None else row | {"ceiling_share": round(rate / bound, 3)}


def _host(name: str, soup: np.ndarray, step: Callable[[np.ndarray], np.ndarray], turns: int) -> dict[str, Any]:
    """Figures of a stepper of the host."""

    def run() -> None:
        cells = soup
        for _ in range(turns):
            cells = step(cells)

    seconds = _seconds(run)
    rates = [soup.size * turns / each for each in (min(seconds), float(np.median(seconds)))]
    return {"name": name, "cell_updates_per_s": round(rates[0]), "median": round(rates[1])}


def _agree(soup: np.ndarray) -> None:
    """Stops if the three steppers do not make the same of a soup."""
    code, grid = packed.coded([rules.parse("B3/S23")]), grids.torus(*soup.shape[::-1])
    ours = np.asarray(packed.advance(code, jnp.asarray(soup)[None], jnp.int32(2), grid=grid))[0]
    for step in (_numpy, _scipy):
        if not np.array_equal(ours, step(step(soup))):
            raise RunError(f"{step.__name__} and the packed stepper differ: the figures would mean nothing")


def _numpy(cells: np.ndarray) -> np.ndarray:
    """A generation of Life by rolled bytes: sums of three, then of nine."""
    rows = cells + np.roll(cells, 1, 1) + np.roll(cells, -1, 1)
    nine = rows + np.roll(rows, 1, 0) + np.roll(rows, -1, 0)
    return ((nine == 3) | ((nine == 4) & (cells == 1))).astype(np.uint8)


def _scipy(cells: np.ndarray) -> np.ndarray:
    """A generation of Life by SciPy's convolution."""
    around = ndimage.convolve(cells, np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8), mode="wrap")
    return ((around == 3) | ((around == 2) & (cells == 1))).astype(np.uint8)


def _arithmetic() -> float:
    """Cell updates per second if `OPERATIONS` on each word, four side by side at any time, were all that is done."""
    first = jnp.arange(1 << 18, dtype=jnp.uint32)  # a megabyte, enough for all cores, little enough for their caches
    other, turns = first[::-1] * 3, 200

    def body(x: jax.Array) -> jax.Array:
        a, b, c, d = x ^ other, x & first, x | other, x ^ first
        for _ in range((OPERATIONS - 7) // 8):
            a, b, c, d = a ^ (b & c), b ^ (c | d), c ^ (d & a), d ^ (a | b)
        return a ^ b ^ c ^ d

    chain = jax.jit(lambda x: jax.lax.fori_loop(0, turns, lambda _, x: body(x), x))
    seconds = min(_seconds(lambda: jax.block_until_ready(chain(first))))
    return 32 * first.size * turns / seconds


def _memory(words: int) -> float:
    """Cell updates per second if a word were only read and written."""
    field, turns = jnp.arange(words, dtype=jnp.uint32), max(8, (1 << 26) // words)
    copy = jax.jit(lambda field: jax.lax.fori_loop(0, turns, lambda i, x: x + jnp.uint32(i), field))
    jax.block_until_ready(copy(field))
    return 32 * words * turns / min(_seconds(lambda: jax.block_until_ready(copy(field))))


def _seconds(call: Callable[[], Any]) -> list[float]:
    """Seconds of each of some calls, after one that is not counted."""
    call()
    out = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        call()
        out.append(time.perf_counter() - began)
    return out
