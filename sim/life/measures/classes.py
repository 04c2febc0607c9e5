"""Wolfram's four classes of the elementary rules, as published, and the symmetries that make 88 of the 256.

I comes to rest all alike, II becomes periodic in places of its own, III stays irregular, IV has structures that move
and meet. The classes were given by eye and are not computable in general (Culik and Yu, Complex Systems 2 (1988) 177);
some rules are placed otherwise by others. Sources: Wolfram, Physica D 10 (1984) 1, and "A New Kind of Science" (2002);
the table of the 88 as in Martínez, J. Cellular Automata 8 (2013) 233, arXiv:1306.5577.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ALIKE, SPREADS, ORDERED, DEEP = 0.01, 0.06, 0.1, 1.5
"""Limits of `measured_class`: entropy, damage, entropy rate, excess entropy."""

CLASSES = {
    "I": (0, 8, 32, 40, 128, 136, 160, 168),
    "II": (
        *(1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 19, 23, 24, 25, 26, 27, 28, 29, 33, 34, 35, 36, 37, 38, 42),
        *(43, 44, 46, 50, 51, 56, 57, 58, 62, 72, 73, 74, 76, 77, 78, 94, 104, 108, 130, 132, 134, 138, 140, 142, 152),
        *(154, 156, 162, 164, 170, 172, 178, 184, 200, 204, 232),
    ),
    "III": (18, 22, 30, 45, 60, 90, 105, 122, 126, 146, 150),
    "IV": (41, 54, 106, 110),
}
"""Class of each independent rule, the least number of those that are alike."""


def reflected(number: int) -> int:
    """The elementary rule seen in a mirror: left and right exchanged."""
    return sum((number >> index & 1) << ((index & 1) << 2 | index & 2 | index >> 2) for index in range(8))


def conjugate(number: int) -> int:
    """The elementary rule with living and dead exchanged."""
    return sum((1 - (number >> index & 1)) << 7 - index for index in range(8))


def equivalents(number: int) -> tuple[int, ...]:
    """All elementary rules that are this one but for a mirror and the names of the states, in order."""
    return tuple(sorted({number, reflected(number), conjugate(number), conjugate(reflected(number))}))


INDEPENDENT = tuple(number for number in range(256) if number == equivalents(number)[0])
"""The 88 rules that stand for all."""

_OF_RULE = {rule: name for name, rules in CLASSES.items() for number in rules for rule in equivalents(number)}


def published_class(number: int) -> str:
    """I, II, III or IV."""
    return _OF_RULE[number]


def measured_class(measures: Mapping[str, float]) -> str:
    """A guess at the class from four numbers: I if all cells are alike, II if damage does not spread or there is
    next to no disorder for it to spread in, else IV where one half of a line tells much of the other, and III.

    Takes `entropy`, `damage` (share of the cells within reach), `entropy_rate` and `excess_entropy`. The limits were
    placed in gaps between the 88 rules, so that their agreement with the published classes is no test of them.
    """
    if measures["entropy"] < ALIKE:
        return "I"
    if measures["damage"] < SPREADS or measures["entropy_rate"] < ORDERED:
        return "II"
    return "IV" if measures["excess_entropy"] > DEEP else "III"


def _independent(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    names = {f"W{number}" for number in INDEPENDENT}
    return [row for row in rows if row["rule"] in names]


def confusion(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per published class, how many of its independent rules measure as which class, and in `differ` those amiss.

    Rows have `rule` (such as W110), `class` and `class_measured`; those of rules that are not independent do not count.
    """
    out = []
    for name in CLASSES:
        members = [row for row in _independent(rows) if row["class"] == name]
        measured = [row["class_measured"] for row in members]
        differ = " ".join(row["rule"] for row in members if row["class_measured"] != name)
        out.append({"published": name, **{guess: measured.count(guess) for guess in CLASSES}, "differ": differ})
    return out


def within_class_iv(rows: Sequence[Mapping[str, Any]], measures: Sequence[str]) -> list[dict[str, Any]]:
    """For each measure alone: its range over class IV but W106, and how many rules of the others lie inside.

    W106 is counted as if it were a class: it measures like chaos and would stretch the range over that.
    """
    groups = [("W106" if row["rule"] == "W106" else row["class"], row) for row in _independent(rows)]
    out = []
    for measure in measures:
        values = [row[measure] for group, row in groups if group == "IV"]
        low, high = min(values), max(values)
        inside = [group for group, row in groups if low <= row[measure] <= high]
        counted = {group: inside.count(group) for group in ("I", "II", "III", "W106")}
        out.append({"measure": measure, "low": low, "high": high, **counted})
    return out
