"""Names for objects: apgcodes, the canonical form by which censuses count them, and what people call the common ones.

A pattern is written five rows at a time, a column of five cells as one digit of base 32, runs of empty columns
shortened; the code of an object is the shortest such text, the first by order among equals, over all its phases and
the eight ways to turn and mirror it. Prefixes: xs still life and its cells, xp oscillator and its period, xq
spaceship and its period. Source: A. P. Goucher's apgsearch, "extended Wechsler format" (Catagolue).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LARGEST = 40
"""Cells on a side of the largest object that has a code of its own."""

COMMON = {
    "xs4_33": "block",
    "xp2_7": "blinker",
    "xs6_696": "beehive",
    "xq4_153": "glider",
    "xs7_2596": "loaf",
    "xs5_253": "boat",
    "xs6_356": "ship",
    "xs4_252": "tub",
    "xs8_6996": "pond",
    "xs7_25ac": "long boat",
    "xs12_g8o653z11": "ship-tie",
    "xp2_7e": "toad",
    "xs6_25a4": "barge",
    "xs14_g88m952z121": "half-bakery",
    "xp2_318c": "beacon",
    "xs8_69ic": "mango",
    "xs7_178c": "eater 1",
    "xs8_25ak8": "long barge",
    "xq4_6frc": "lightweight spaceship",
    "xq4_27dee6": "middleweight spaceship",
    "xq4_27deee6": "heavyweight spaceship",
    "xs6_39c": "aircraft carrier",
    "xs6_bd": "snake",
    "xs8_35ac": "long ship",
    "xs9_31ego": "integral sign",
    "xs9_25ako": "very long boat",
    "xs9_4aar": "hat",
    "xs10_g8o652z01": "boat-tie",
    "xs11_g8o652z11": "boat tie ship",
    "xs14_69bqic": "paperclip",
    "xs16_g88m996z1221": "bi-pond",
    "xs8_178k8": "tub with tail",
    "xs8_32qk": "shillelagh",
    "xp3_co9nas0san9oczgoldlo0oldlogz1047210127401": "pulsar",
    "xp15_4r4z4r4": "pentadecathlon",
    "xp2_2a54": "clock",
}
"""Names of common objects of Life by their codes."""


def code(phases: Iterable[np.ndarray]) -> str:
    """The canonical text of an object from its phases, each `[h, w]` trimmed; without the prefix."""
    return min((text(turned) for phase in phases for turned in turns(phase)), key=lambda one: (len(one), one))


def turns(cells: np.ndarray) -> Iterator[np.ndarray]:
    """The eight ways to turn and mirror a pattern."""
    for quarter in range(4):
        turned = np.rot90(cells, quarter)
        yield turned
        yield turned[:, ::-1]


def text(cells: np.ndarray) -> str:
    """One pattern `[h, w]` in Wechsler's format as it lies."""
    strips = []
    for top in range(0, cells.shape[0], 5):
        strip = cells[top : top + 5]
        values = (strip * (1 << np.arange(len(strip)))[:, None]).sum(0)
        strips.append(_strip(values.tolist()))
    return "z".join(strips)


def _strip(values: list[int]) -> str:
    out, empty = [], 0
    for value in values:
        if not value:
            empty += 1
            continue
        while empty:
            run = min(empty, LARGEST - 1)
            out.append("0wx"[run - 1] if run < 4 else "y" + DIGITS[run - 4])
            empty -= run
        out.append(DIGITS[value])
    return "".join(out)


def pattern(name: str) -> np.ndarray:
    """The cells `[h, w]` uint8 of a code such as "xs4_33" or "33"; raises `ValueError` for what is no code."""
    columns: list[list[int]] = [[]]
    letters = iter(name.rpartition("_")[2])
    for letter in letters:
        if letter == "z":
            columns.append([])
        elif letter in "wx":
            columns[-1] += [0] * (2 if letter == "w" else 3)
        elif letter == "y":
            count = next(letters, None)
            if count is None:
                raise ValueError(f"{name!r}: y must be followed by a digit")
            columns[-1] += [0] * (4 + DIGITS.index(count))
        else:
            columns[-1].append(DIGITS.index(letter))
    width = max(map(len, columns))
    cells = np.zeros((5 * len(columns), width), np.uint8)
    for strip, values in enumerate(columns):
        for x, value in enumerate(values):
            cells[5 * strip : 5 * strip + 5, x] = value >> np.arange(5) & 1
    return cells
