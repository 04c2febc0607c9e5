"""The @TABLE section of Golly's .rule files: transitions of a multi-state automaton, the first that matches applies.

A transition lists the states of a cell and its neighbours, with variables for sets of states, and what the cell turns
into; a symmetry stands for turned or mirrored copies of each. A cell that no transition matches stays as it is.
Sources: Golly's help, "File formats: .rule"; the form is G. Tempesti's (thesis, EPFL 1998, appendix A).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from math import prod

from sim.life.generations import MOST_STATES
from sim.life.pattern import PatternError

NEIGHBOURHOODS = {
    "vonNeumann": ("N", "E", "S", "W"),
    "Moore": ("N", "NE", "E", "SE", "S", "SW", "W", "NW"),
    "hexagonal": ("N", "E", "SE", "S", "W", "NW"),
    "oneDimensional": ("W", "E"),
}
"""Order in which a transition names the neighbours, after the cell itself."""
SYMMETRIES = {
    "vonNeumann": ("none", "rotate4", "rotate4reflect", "reflect_horizontal", "permute"),
    "Moore": ("none", "rotate4", "rotate8", "rotate4reflect", "rotate8reflect", "reflect_horizontal", "permute"),
    "hexagonal": ("none", "rotate2", "rotate3", "rotate6", "rotate6reflect", "permute"),
    "oneDimensional": ("none", "reflect", "permute"),
}
MOST_TRANSITIONS = 1 << 20
"""Most transitions of a table, with one for each value of its bound variables and for each symmetric copy."""

Transition = tuple[tuple[frozenset[int], ...], int]
"""States that the cell and its neighbours may have, and the next state of the cell."""


@dataclass(frozen=True)
class Table:
    """A table as written, with one transition for each value of bound variables."""

    num_states: int
    neighbourhood: str
    symmetries: str
    transitions: tuple[Transition, ...]


def read(lines: Sequence[str], first: int = 1) -> Table:
    """The table that `lines` write; `first` is the number of the first of them. Raises `PatternError`."""
    header: dict[str, str] = {}
    variables: dict[str, tuple[int, ...]] = {}
    transitions: list[Transition] = []
    for number, line in enumerate(lines, first):
        text = line.split("#")[0].rstrip()
        row = _Row(text, number)
        key, colon, value = text.partition(":")
        if not text.strip():
            continue
        if colon:
            _describe(header, row, key.strip().lower(), value.strip())
        elif len(header) < 3:
            row.refuse(0, "n_states:, neighborhood: and symmetries: must come first")
        elif re.match(r"\s*var\s", text):
            name, states = _variable(row, int(header["n_states"]), variables)
            variables[name] = states
        else:
            transitions += _transitions(row, header, variables)
        if len(transitions) > MOST_TRANSITIONS:
            row.refuse(0, f"more than {MOST_TRANSITIONS} transitions")
    if len(header) < 3:
        raise PatternError("n_states:, neighborhood: or symmetries: is missing from @TABLE", first, 1)
    return Table(int(header["n_states"]), header["neighborhood"], header["symmetries"], tuple(transitions))


def turned(neighbourhood: str, symmetries: str) -> Iterator[tuple[int, ...]]:
    """Ways to read the neighbours: for each symmetric copy, which neighbour stands in each place (0 is the first).

    For "permute" all of them, thus 8! for Moore: `expanded` does not need that many.
    """
    n = len(NEIGHBOURHOODS[neighbourhood])
    if symmetries == "permute":
        yield from permutations(range(n))
        return
    turns = int(re.sub(r"\D", "", symmetries) or 1)
    for turn in range(turns):
        yield tuple((place + turn * n // turns) % n for place in range(n))
    if symmetries == "reflect":
        yield 1, 0
    elif "reflect" in symmetries:  # in the axis through N; of hexagons through the first neighbour, which is N as well
        for turn in range(turns):
            yield tuple((-place - turn * n // turns) % n for place in range(n))


def expanded(table: Table) -> Iterator[Transition]:
    """The transitions with all their symmetric copies, each once, those of earlier lines first."""
    if table.symmetries == "permute":
        for (cell, *around), after in table.transitions:
            yield from (((cell, *order), after) for order in _orders(around))
        return
    ways = tuple(turned(table.neighbourhood, table.symmetries))
    for (cell, *around), after in table.transitions:
        for copy in dict.fromkeys(tuple(around[place] for place in way) for way in ways):
            yield (cell, *copy), after


def _orders(around: Sequence[frozenset[int]]) -> Iterator[tuple[frozenset[int], ...]]:
    """All distinct orders of some sets: equal ones are not told apart, so that 8! becomes few."""
    if not around:
        yield ()
    for first in dict.fromkeys(around):
        rest = list(around)
        rest.remove(first)
        yield from ((first, *order) for order in _orders(rest))


@dataclass(frozen=True)
class _Row:
    """A line of the table, to say where something is wrong."""

    text: str
    number: int

    def refuse(self, column: int, message: str) -> None:
        raise PatternError(message, self.number, column + 1)

    def fields(self, start: int = 0) -> list[tuple[str, int]]:
        """What stands between commas, braces and spaces, and at which column each begins."""
        return [(found[0], found.start()) for found in re.compile(r"[^\s,{}=]+").finditer(self.text, start)]


def _describe(header: dict[str, str], row: _Row, key: str, value: str) -> None:
    column = row.text.index(":") + 1
    key = key.replace("neighbourhood", "neighborhood")
    if key == "n_states":
        if not value.isdecimal() or not 2 <= int(value) <= MOST_STATES:
            row.refuse(column, f"n_states must be from 2 to {MOST_STATES}, not {value!r}")
    elif key == "neighborhood":
        if value not in NEIGHBOURHOODS:
            row.refuse(column, f"neighborhood must be one of {', '.join(NEIGHBOURHOODS)}, not {value!r}")
    elif key == "symmetries":
        if "neighborhood" not in header:
            row.refuse(column, "neighborhood: must come before symmetries:")
        allowed = SYMMETRIES[header["neighborhood"]]
        if value not in allowed:
            row.refuse(column, f"symmetries of {header['neighborhood']} must be one of {', '.join(allowed)}")
    else:
        row.refuse(0, f"{key!r} is not one of n_states, neighborhood, symmetries")
    header[key] = value


def _variable(row: _Row, num_states: int, variables: dict[str, tuple[int, ...]]) -> tuple[str, tuple[int, ...]]:
    """Name and states, in the order written, of a line such as `var a={1,2,b}`."""
    found = re.fullmatch(r"\s*var\s+(?P<name>[^\s,{}=]+)\s*=\s*\{(?P<states>[^{}]*)\}\s*", row.text)
    if found is None or found["name"].isdecimal():
        row.refuse(0, "a variable must be written like var a={1,2,3}")
    states: list[int] = []
    for word, column in row.fields(found.start("states")):
        states += variables[word] if word in variables else [_state(row, word, column, num_states)]
    if not states:
        row.refuse(found.start("states"), f"variable {found['name']} holds no state")
    return found["name"], tuple(dict.fromkeys(states))


def _state(row: _Row, word: str, column: int, num_states: int) -> int:
    if not word.isdecimal():
        row.refuse(column, f"{word!r} is neither a state nor a variable")
    if int(word) >= num_states:
        row.refuse(column, f"state {word} must be below n_states, {num_states}")
    return int(word)


def _transitions(row: _Row, header: dict[str, str], variables: dict[str, tuple[int, ...]]) -> list[Transition]:
    """The transitions that a line stands for: one for each choice of values of its bound variables.

    A variable that a line names more than once is bound: it has the same value in all its places. As in Golly the
    first of them by name changes fastest; where choices overlap once turned, the earlier one applies.
    """
    num_states, need = int(header["n_states"]), len(NEIGHBOURHOODS[header["neighborhood"]]) + 2
    fields = row.fields()
    if "," not in row.text and len(fields) == 1 and num_states <= 10:
        fields = [(digit, fields[0][1] + i) for i, digit in enumerate(fields[0][0])]
    if len(fields) != need:
        row.refuse(0, f"a transition of {header['neighborhood']} has {need} entries, not {len(fields)}")
    sets = [variables.get(word) or (_state(row, word, column, num_states),) for word, column in fields]
    words = [word for word, _ in fields]
    bound = sorted({word for word in words if word in variables and words.count(word) > 1})
    if words[-1] not in bound and len(sets[-1]) > 1:
        row.refuse(fields[-1][1], f"{words[-1]!r} must have one value here, or stand among the neighbours too")
    if prod(len(variables[name]) for name in bound) > MOST_TRANSITIONS:
        row.refuse(0, f"stands for more than {MOST_TRANSITIONS} transitions")
    made: list[Transition] = []
    for values in product(*(variables[name] for name in reversed(bound))):
        choice = {name: (value,) for name, value in zip(reversed(bound), values, strict=True)}
        *states, after = [choice.get(word, states) for word, states in zip(words, sets, strict=True)]
        made.append((tuple(frozenset(each) for each in states), after[0]))
    return made
