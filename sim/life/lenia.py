"""Lenia: continuous automata, whose cells hold a number from 0 to 1 and grow by how much there is around them.

A field A on a torus goes to clip(A + G(K * A) / T, 0, 1), with a kernel K of concentric rings, normalised to sum 1,
and growth G from -1 to 1. One channel, one kernel. All numbers are data: other ones compile nothing. With the core
"life" and rectangular growth the Game of Life is a special case. Source: B. W.-C. Chan, "Lenia: biology of artificial
life" (Complex Systems 28, 2019, 251-286); that T is no mere resolution: Q. T. Davis and J. Bongard, "Step size is a
consequential parameter in continuous cellular automata" (ALIFE 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np

ALPHA = 4
"""Steepness of cores and of polynomial growth; as in the paper."""
_QUARTER = 0.25
"""Share of a ring, at either edge, that a rectangular core leaves out."""


def _bump(r: jax.Array) -> jax.Array:
    height = jnp.maximum(4 * r * (1 - r), 1e-6)  # at the edges the core is exp(-4e6) = 0 instead of 1/0
    return jnp.exp(ALPHA - ALPHA / height)


CORES = MappingProxyType(
    {
        "exponential": _bump,
        "polynomial": lambda r: (4 * r * (1 - r)) ** ALPHA,
        "rectangular": lambda r: jnp.where((r >= _QUARTER) & (r <= 1 - _QUARTER), 1.0, 0.0),
        "life": lambda r: jnp.where(r < _QUARTER, 0.5, jnp.where(r <= 1 - _QUARTER, 1.0, 0.0)),
    }
)
"""Height of a ring at r, from its inner edge 0 to its outer edge 1."""
GROWTHS = MappingProxyType(
    {
        "exponential": lambda u, mu, sigma: 2 * jnp.exp(-((u - mu) ** 2) / (2 * sigma**2)) - 1,
        "polynomial": lambda u, mu, sigma: 2 * jnp.maximum(1 - (u - mu) ** 2 / (9 * sigma**2), 0) ** ALPHA - 1,
        "rectangular": lambda u, mu, sigma: jnp.where(jnp.abs(u - mu) <= sigma, 1.0, -1.0),
    }
)
"""Growth per unit of time at potential u: highest at `mu`, `sigma` wide."""


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["radius", "steps_per_unit", "mu", "sigma", "rings"],
    meta_fields=["core", "growth"],
)
@dataclass(frozen=True)
class Lenia:
    """An automaton of the family. The defaults are those in which Orbium lives."""

    radius: float = 13.0  # R, cells from the middle of the kernel to its edge; at most half the field's shorter side
    steps_per_unit: float = 10.0  # T, steps in a unit of time, at least 1
    mu: float = 0.15  # potential at which growth is highest, 0 … 1
    sigma: float = 0.015  # width of growth in potential, above 0
    rings: tuple[float, ...] = (1.0,)  # β, heights of the kernel's rings from the middle outwards, 0 … 1
    core: str = "exponential"  # a key of `CORES`: profile of a ring
    growth: str = "exponential"  # a key of `GROWTHS`


LIFE = Lenia(radius=2.0, steps_per_unit=1.0, mu=0.35, sigma=0.07, core="life", growth="rectangular")
"""The Game of Life: a living cell counts itself half, and grows at 2.5 to 3.5 of 8.5."""


def kernel(lenia: Lenia, height: int, width: int) -> jax.Array:
    """Weights `[height, width]` by displacement on the torus, from `[0, 0]`; their sum is 1."""
    y = jnp.minimum(jnp.arange(height), height - jnp.arange(height))[:, None]
    x = jnp.minimum(jnp.arange(width), width - jnp.arange(width))[None, :]
    distance = jnp.sqrt(1.0 * y**2 + x**2) / lenia.radius
    rings = jnp.asarray(lenia.rings, jnp.float32)
    ring = distance * len(rings)
    which = jnp.minimum(jnp.floor(ring), len(rings) - 1).astype(jnp.int32)
    weights = jnp.where(distance < 1, rings[which] * CORES[lenia.core](ring - jnp.floor(ring)), 0.0)
    return weights / weights.sum()


def advance(lenia: Lenia, field: jax.Array | np.ndarray, steps: int | jax.Array) -> jax.Array:
    """Fields `[..., H, W]` float32 after `steps` steps. Raises `ValueError` if the kernel does not fit the field."""
    field = jnp.asarray(field, jnp.float32)
    shorter = min(field.shape[-2:])
    if not isinstance(lenia.radius, jax.core.Tracer) and np.any(2 * np.asarray(lenia.radius) > shorter):
        raise ValueError(f"a kernel of radius {lenia.radius} needs a field of twice that, not {shorter} cells")
    return _advance(lenia, field, steps)


@jax.jit
def _advance(lenia: Lenia, field: jax.Array, steps: jax.Array) -> jax.Array:
    height, width = field.shape[-2:]
    spectrum = jnp.fft.rfft2(kernel(lenia, height, width))

    def step(_: jax.Array, held: jax.Array) -> jax.Array:
        potential = jnp.fft.irfft2(jnp.fft.rfft2(held) * spectrum, s=(height, width))
        growth = GROWTHS[lenia.growth](potential, lenia.mu, lenia.sigma)
        return jnp.clip(held + growth / lenia.steps_per_unit, 0.0, 1.0)

    return jax.lax.fori_loop(0, steps, step, field)


def orbium() -> np.ndarray:
    """Orbium unicaudatus, the glider of Lenia: field `[20, 20]` float32, for `Lenia()`. Found by Chan (2019)."""
    return np.array(_ORBIUM.split(), np.float32).reshape(20, 20) / 100


_ORBIUM = """
0 0 0 0 0 0 10 14 10 0 0 3 3 0 0 30 0 0 0 0
0 0 0 0 0 8 24 30 30 18 14 15 16 15 9 20 0 0 0 0
0 0 0 0 0 15 34 44 46 38 18 14 11 13 19 18 45 0 0 0
0 0 0 0 6 13 39 50 50 37 6 0 0 0 2 16 68 0 0 0
0 0 0 11 17 17 33 40 38 28 14 0 0 0 0 0 18 42 0 0
0 0 9 18 13 6 8 26 32 32 27 0 0 0 0 0 0 82 0 0
27 0 16 12 0 0 0 25 38 44 45 34 0 0 0 0 0 22 17 0
0 7 20 2 0 0 0 31 48 57 60 57 0 0 0 0 0 0 49 0
0 59 19 0 0 0 0 20 57 69 76 76 49 0 0 0 0 0 36 0
0 58 19 0 0 0 0 0 67 83 90 92 87 12 0 0 0 0 22 7
0 0 46 0 0 0 0 0 70 93 100 100 100 61 0 0 0 0 18 11
0 0 82 0 0 0 0 0 47 100 100 98 100 96 27 0 0 0 19 10
0 0 46 0 0 0 0 0 25 94 100 97 100 100 84 0 0 0 21 5
0 0 0 40 0 0 0 0 9 80 100 82 80 85 63 5 0 18 21 1
0 0 0 36 10 0 0 0 5 54 86 79 74 72 60 39 28 24 13 0
0 0 0 1 30 7 0 0 8 36 64 70 64 60 51 39 29 19 4 0
0 0 0 0 10 24 14 10 15 29 45 53 52 46 40 31 21 8 0 0
0 0 0 0 0 8 21 21 22 29 36 39 37 33 26 18 9 0 0 0
0 0 0 0 0 0 3 13 19 22 24 24 23 18 13 5 0 0 0 0
0 0 0 0 0 0 0 0 2 6 8 9 7 5 1 0 0 0 0 0
"""
