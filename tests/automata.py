"""Fields of automata for tests: drawn, placed, random, wrapped, and run on a torus."""

import jax
import jax.numpy as jnp
import numpy as np


@jax.jit
def run(rule, cells, steps):
    """Generations on a torus."""
    return jax.lax.fori_loop(0, steps, lambda _, now: rule.next(jnp.pad(now, rule.radius, mode="wrap")), cells)


def wrapped(cells, rim=1):
    return np.pad(cells, rim, mode="wrap")


def drawn(text):
    """Cells from rows of digits, "." for 0."""
    return np.array([[int(state, 36) for state in row] for row in text.replace(".", "0").split()], np.uint8)


def placed(pattern, side, y, x):
    cells = np.zeros((side, side), np.uint8)
    cells[y : y + pattern.shape[0], x : x + pattern.shape[1]] = pattern
    return cells


def soup(seed, shape, num_states):
    return np.random.default_rng(seed).integers(0, num_states, shape).astype(np.uint8)
