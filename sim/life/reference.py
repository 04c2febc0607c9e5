"""Every family of automata once more, in plain NumPy and Python: slow, and easy to see that it is right.

The fast steppers are tested against these functions. Each takes the states of a generation with a rim as wide as the
rule looks, padded by the caller as the topology demands, and gives those of the next generation without the rim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from sim.life.generations import Generations
from sim.life.larger import LargerThanLife
from sim.life.lenia import Lenia
from sim.life.ruletable import NEIGHBOURHOODS, Table, turned
from sim.life.ruletree import OFFSETS, ORDER, TreeRule

WEIGHTS = ((256, 128, 64), (32, 16, 8), (4, 2, 1))
"""What each cell of a 3x3 neighbourhood adds to the index of `Rule.table`."""


def _each(padded: np.ndarray, rim: int, after: Callable[[np.ndarray], int]) -> np.ndarray:
    """`after` of every cell's square neighbourhood `[2 rim + 1, 2 rim + 1]`."""
    height, width = padded.shape[0] - 2 * rim, padded.shape[1] - 2 * rim
    side = 2 * rim + 1
    rows = [[after(padded[y : y + side, x : x + side]) for x in range(width)] for y in range(height)]
    return np.array(rows, np.uint8).reshape(height, width)


def two_state(table: np.ndarray, padded: np.ndarray) -> np.ndarray:
    """Next cells of a two-state rule given by its table of 512."""
    return _each(padded, 1, lambda around: table[int(np.sum(around * np.array(WEIGHTS)))])


def elementary(number: int, padded: np.ndarray) -> np.ndarray:
    """Next row `[W]` of elementary rule `number`, from `[W + 2]`."""
    return np.array([number >> int(4 * a + 2 * b + c) & 1 for a, b, c in _triples(padded)], np.uint8)


def _triples(row: Sequence[int] | np.ndarray) -> Iterator[tuple[int, int, int]]:
    return zip(row[:-2], row[1:-1], row[2:], strict=True)


def _aged(state: int, kept: bool, num_states: int) -> int:
    if state == 0:
        return int(kept)
    if state == 1 and kept:
        return 1
    return (state + 1) % num_states


def generations(rule: Generations, padded: np.ndarray) -> np.ndarray:
    """Next states of a rule of Generations."""

    def after(around: np.ndarray) -> int:
        kept = rule.table[int(np.sum((around == 1) * np.array(WEIGHTS)))]
        return _aged(int(around[1, 1]), bool(kept), rule.num_states)

    return _each(padded, 1, after)


def larger(rule: LargerThanLife, padded: np.ndarray) -> np.ndarray:
    """Next states of a rule of Larger than Life."""
    reach = np.arange(-rule.radius, rule.radius + 1)
    y, x = reach[:, None], reach[None, :]
    inside = {
        "M": np.full((len(reach), len(reach)), True),
        "N": abs(x) + abs(y) <= rule.radius,
        "C": np.hypot(x, y) < rule.radius + 0.5,
    }[rule.kind].copy()
    if not rule.middle:
        inside[rule.radius, rule.radius] = False

    def after(around: np.ndarray) -> int:
        number, state = int(np.sum((around == 1) & inside)), int(around[rule.radius, rule.radius])
        low, high = (rule.survival_min, rule.survival_max) if state == 1 else (rule.birth_min, rule.birth_max)
        return _aged(state, low <= number <= high, rule.num_states)

    return _each(padded, rule.radius, after)


def by_table(table: Table, padded: np.ndarray) -> np.ndarray:
    """Next states by reading a table from its top until a transition fits, in any of its symmetric copies."""
    names = NEIGHBOURHOODS[table.neighbourhood]
    ways = list(turned(table.neighbourhood, table.symmetries))

    def after(around: np.ndarray) -> int:
        cell, *seen = (int(around[1 + OFFSETS[name][0], 1 + OFFSETS[name][1]]) for name in ("C", *names))
        for (centre, *states), following in table.transitions:
            if cell not in centre:
                continue
            for way in ways:
                if all(seen[place] in states[turn] for place, turn in enumerate(way)):
                    return following
        return cell

    return _each(padded, 1, after)


def by_tree(rule: TreeRule, padded: np.ndarray) -> np.ndarray:
    """Next states by going down a decision tree."""

    def after(around: np.ndarray) -> int:
        row = 0
        for name in ORDER[rule.neighbourhood]:
            row = int(rule.tree[row, around[1 + OFFSETS[name][0], 1 + OFFSETS[name][1]]])
        return row

    return _each(padded, 1, after)


def lenia(rule: Lenia, field: np.ndarray) -> np.ndarray:
    """Next field `[H, W]` of Lenia on a torus, by direct convolution; the field has no rim here."""
    radius, rings = float(rule.radius), np.asarray(rule.rings, float)
    reach = int(np.ceil(radius))
    weights, total = {}, 0.0
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            distance = np.hypot(dy, dx) / radius
            if distance < 1:
                ring, within = divmod(distance * len(rings), 1)
                weights[dy, dx] = rings[int(ring)] * LENIA_CORES[rule.core](within)
                total += weights[dy, dx]
    potential = sum(weight / total * np.roll(field, (dy, dx), (0, 1)) for (dy, dx), weight in weights.items())
    growth = LENIA_GROWTHS[rule.growth](potential, float(rule.mu), float(rule.sigma))
    return np.clip(field + growth / float(rule.steps_per_unit), 0, 1)


LENIA_CORES: dict[str, Callable[[float], float]] = {
    "exponential": lambda r: float(np.exp(4 - 1 / (r * (1 - r)))) if 0 < r < 1 else 0.0,
    "polynomial": lambda r: (4 * r * (1 - r)) ** 4,
    "rectangular": lambda r: float(0.25 <= r <= 0.75),
    "life": lambda r: 0.5 if r < 0.25 else float(r <= 0.75),
}
LENIA_GROWTHS: dict[str, Callable[[np.ndarray, float, float], np.ndarray]] = {
    "exponential": lambda u, mu, sigma: 2 * np.exp(-((u - mu) ** 2) / (2 * sigma**2)) - 1,
    "polynomial": lambda u, mu, sigma: 2 * np.maximum(0, 1 - (u - mu) ** 2 / (9 * sigma**2)) ** 4 - 1,
    "rectangular": lambda u, mu, sigma: np.where(abs(u - mu) <= sigma, 1.0, -1.0),
}
