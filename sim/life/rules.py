"""Two-state rules of the 3x3 neighbourhood, as a table of 512 bits, and their names in Golly's notation.

Birth and survival by number of neighbours (`B3/S23`, also `23/3` and `b3s23`), of the von Neumann (`B2/S013V`) and
the hexagonal neighbourhood (`B2/S34H`), with Hensel's letters (`B2-a/S12`, isotropic rules), and any rule at all as
`MAP` with 86 characters of base 64. Sources: Golly's help, "Algorithms: QuickLife"; `sim.life.hensel`.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim.life.hensel import LETTERS, kinds
from sim.life.pattern import RuleError

CENTRE = 16
NEIGHBOURHOODS = {"": 495, "V": 170, "H": 427}
"""Bits of the table that are neighbours: all eight, the four at the edges, six of a hexagon (not NE and SW)."""
_HALF = r"[0-8aceijknqrtwyz-]*"
_BS = re.compile(rf"B(?P<birth>{_HALF})/?S(?P<survival>{_HALF})(?P<where>[VH]?)", re.IGNORECASE)
_SB = re.compile(rf"(?P<survival>{_HALF})/(?P<birth>{_HALF})(?P<where>[VH]?)", re.IGNORECASE)
_TERM = re.compile(r"([0-8])(-?)([a-z]*)")


@dataclass(frozen=True)
class Rule:
    """A rule: bit i of `bits` is the next state of a cell whose neighbourhood reads i.

    The neighbourhood reads NW 256, N 128, NE 64, W 32, centre 16, E 8, SW 4, S 2, SE 1.
    """

    bits: int  # 0 … 2^512 - 1

    num_states = 2
    radius = 1

    @cached_property
    def table(self) -> np.ndarray:
        """Next states `[512]` uint8."""
        return np.unpackbits(np.frombuffer(self.bits.to_bytes(64, "little"), np.uint8), bitorder="little")

    @cached_property
    def totalistic(self) -> tuple[int, int] | None:
        """Masks of 9 bits (birth, survival), if all that counts is the number of living neighbours; else None."""
        return _counts(self.table, "")

    @cached_property
    def name(self) -> str:
        """Golly's name: by counts, by Hensel's letters, or the whole map."""
        for where in NEIGHBOURHOODS:
            masks = _counts(self.table, where)
            if masks is not None:
                birth, survival = ("".join(str(n) for n in range(9) if mask >> n & 1) for mask in masks)
                return f"B{birth}/S{survival}{where}"
        return _lettered(self.table) or "MAP" + _encoded(self.table)


def from_table(table: np.ndarray) -> Rule:
    """The rule of a table `[512]` of zeros and ones."""
    return Rule(int.from_bytes(np.packbits(np.asarray(table, np.uint8), bitorder="little").tobytes(), "little"))


def outer_totalistic(birth: int, survival: int, where: str = "") -> Rule:
    """The rule of two masks: bit n says what becomes of a dead (a living) cell with n neighbours of `where`."""
    count, centre = _neighbours(where), np.arange(512) & CENTRE
    return from_table(np.where(centre, survival >> count & 1, birth >> count & 1))


def _neighbours(where: str) -> np.ndarray:
    """Living neighbours of each neighbourhood, `[512]`."""
    return np.array([(i & NEIGHBOURHOODS[where]).bit_count() for i in range(512)])


def _counts(table: np.ndarray, where: str) -> tuple[int, int] | None:
    """Masks (birth, survival) of a rule that only counts the neighbours of `where`; else None."""
    count, masks = _neighbours(where), []
    for centre in (0, CENTRE):
        mask = 0
        for number in range(NEIGHBOURHOODS[where].bit_count() + 1):
            states = table[(count == number) & (np.arange(512) & CENTRE == centre)]
            if states.any() != states.all():
                return None
            mask |= int(states[0]) << number
        masks.append(mask)
    return masks[0], masks[1]


def parse(text: str) -> Rule:
    """The two-state rule that `text` names. Raises `RuleError`."""
    if text[:3].upper() == "MAP":
        return _decoded(text)
    found = _BS.fullmatch(text) or _SB.fullmatch(text)
    if found is None:
        raise RuleError(f"rule {text!r}: must be like B3/S23, 23/3, B2-a/S12, B2/S34H, MAP… or W110")
    where = found["where"].upper()
    if where:
        masks = [_mask(text, found[part], where) for part in ("birth", "survival")]
        return outer_totalistic(masks[0], masks[1], where)
    table = np.zeros(512, np.uint8)
    for part, centre in (("birth", 0), ("survival", CENTRE)):
        for around in _neighbourhoods(text, found[part].lower()):
            table[around | centre] = 1
    return from_table(table)


def _mask(text: str, digits: str, where: str) -> int:
    most = NEIGHBOURHOODS[where].bit_count()
    for digit in digits:
        if not digit.isdigit() or int(digit) > most:
            raise RuleError(f"rule {text!r}: {digit!r} must be a number of neighbours from 0 to {most}")
    return sum(1 << int(digit) for digit in set(digits))


def _neighbourhoods(text: str, part: str) -> set[int]:
    """Neighbourhoods that one half of a rule names, centre left out."""
    chosen: set[int] = set()
    place = 0
    while place < len(part):
        term = _TERM.match(part, place)
        if term is None:
            raise RuleError(f"rule {text!r}: {part[place]!r} must follow a number of neighbours")
        number, minus, letters = term.groups()
        allowed = LETTERS[int(number)]
        strange = [letter for letter in letters if letter not in allowed]
        if strange or (minus and not letters):
            right = f"must be followed by letters of {allowed}" if allowed else "takes no letters"
            raise RuleError(f"rule {text!r}: {number} in {term[0]!r} {right}")
        named = set(allowed) - set(letters) if minus or not letters else set(letters)
        for letter in named or [""]:
            chosen |= kinds()[number + letter] if letter or not allowed else set()
        place = term.end()
    return chosen


def _lettered(table: np.ndarray) -> str | None:
    """The rule by Hensel's letters; None if it is not isotropic."""
    halves = []
    for centre in (0, CENTRE):
        half = ""
        for number, letters in enumerate(LETTERS):
            states = {}
            for letter in letters or ("",):
                among = {int(table[around | centre]) for around in kinds()[f"{number}{letter}"]}
                if len(among) > 1:
                    return None
                states[letter] = among.pop()
            named = "".join(letter for letter, state in states.items() if state)
            if all(states.values()):
                half += str(number)
            elif named:
                rest = "".join(letter for letter in letters if letter not in named)
                half += f"{number}-{rest}" if len(rest) + 1 < len(named) else f"{number}{named}"
        halves.append(half)
    return f"B{halves[0]}/S{halves[1]}"


def _encoded(table: np.ndarray) -> str:
    return base64.b64encode(np.packbits(table).tobytes()).decode().rstrip("=")


def _decoded(text: str) -> Rule:
    held = text[3:].rstrip("=")
    try:
        code = base64.b64decode(held + "=" * (-len(held) % 4), validate=True)
    except (binascii.Error, ValueError):
        code = b""
    if len(code) != 64:
        raise RuleError(f"rule {text!r}: MAP must be followed by 86 characters of base 64 (512 bits)")
    return from_table(np.unpackbits(np.frombuffer(code, np.uint8)))
