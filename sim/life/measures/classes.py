"""Wolfram's four classes of the elementary rules, as published, and the symmetries that make 88 of the 256.

I comes to rest all alike, II becomes periodic in places of its own, III stays irregular, IV has structures that move
and meet. The classes were given by eye and are not computable in general (Culik and Yu, Complex Systems 2 (1988) 177);
some rules are placed otherwise by others. Sources: Wolfram, Physica D 10 (1984) 1, and "A New Kind of Science" (2002);
the table of the 88 as in Martínez, J. Cellular Automata 8 (2013) 233, arXiv:1306.5577.
"""

from __future__ import annotations

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
