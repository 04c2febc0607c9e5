"""The 51 kinds of 3x3 neighbourhood that isotropic rules tell apart, and their letters (Hensel's notation).

A neighbourhood is eight bits around a cell, in the order of `Rule.table` without the centre. Turning and mirroring it
changes nothing for an isotropic rule, so each kind is named by its number of living neighbours and a letter. Letters
of 5, 6 and 7 neighbours are those of the 3, 2 and 1 dead ones. Source: Hensel (Life simulator, 1998), as in Golly.
"""

from __future__ import annotations

from functools import cache

LETTERS = ("", "ce", "cekain", "cekainyqjr", "cekainyqjrtwz", "cekainyqjr", "cekain", "ce", "")
"""Letters by number of living neighbours."""

_AROUND = {"N": 128, "NE": 64, "E": 8, "SE": 1, "S": 2, "SW": 4, "W": 32, "NW": 256}
_EXAMPLES = {
    "1c": "NW",
    "1e": "N",
    "2c": "NE NW",
    "2e": "N W",
    "2k": "E NW",
    "2a": "N NW",
    "2i": "N S",
    "2n": "SE NW",
    "3c": "NE SE NW",
    "3e": "N E W",
    "3k": "E S NW",
    "3a": "N W NW",
    "3i": "N NE NW",
    "3n": "NE E NW",
    "3y": "NE S NW",
    "3q": "N SE NW",
    "3j": "N E NW",
    "3r": "N S NW",
    "4c": "NE SE SW NW",
    "4e": "N E S W",
    "4k": "NE S W NW",
    "4a": "N NE E NW",
    "4i": "NE E W NW",
    "4n": "N NE SW NW",
    "4y": "NE E SW NW",
    "4q": "N SE W NW",
    "4j": "N E S NW",
    "4r": "N E W NW",
    "4t": "N NE S NW",
    "4w": "N E SE NW",
    "4z": "N SE S NW",
}
_TURNED = {"N": "E", "NE": "SE", "E": "S", "SE": "SW", "S": "W", "SW": "NW", "W": "N", "NW": "NE"}
_MIRRORED = {"N": "N", "NE": "NW", "E": "W", "SE": "SW", "S": "S", "SW": "SE", "W": "E", "NW": "NE"}
ALL = sum(_AROUND.values())


@cache
def kinds() -> dict[str, frozenset[int]]:
    """Every kind, such as "2k", and the neighbourhoods (bits of `Rule.table`, centre 0) that are of it."""
    found = {"0": frozenset([0]), "8": frozenset([ALL])}
    for name, example in _EXAMPLES.items():
        around = example.split()
        same = set()
        for _ in range(4):
            around = [_TURNED[place] for place in around]
            for way in (around, [_MIRRORED[place] for place in around]):
                same.add(sum(_AROUND[place] for place in way))
        found[name] = frozenset(same)
        opposite = str(8 - int(name[0])) + name[1]
        found.setdefault(opposite, frozenset(ALL - one for one in same))
    return found
