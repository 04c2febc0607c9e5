"""Rules as decision trees: one look-up for each neighbour leads to the next state of a cell.

The form of the @TREE section of Golly's .rule files. A table of transitions becomes such a tree too: equal branches
are shared, which keeps rules of 8 states and thousands of transitions at a few hundred nodes. The tree is data: another
rule of the same neighbourhood, number of states and size class compiles nothing. Source: Golly's help, "File formats".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from sim.life.generations import MOST_STATES
from sim.life.pattern import PatternError, RuleError
from sim.life.ruletable import MOST_TRANSITIONS, NEIGHBOURHOODS, Table, expanded

OFFSETS = {
    "NW": (-1, -1),
    "N": (-1, 0),
    "NE": (-1, 1),
    "W": (0, -1),
    "C": (0, 0),
    "E": (0, 1),
    "SW": (1, -1),
    "S": (1, 0),
    "SE": (1, 1),
}
"""(rows, columns) to each neighbour."""
ORDER = {
    "vonNeumann": ("N", "W", "E", "S", "C"),
    "Moore": ("NW", "NE", "SW", "SE", "N", "W", "E", "S", "C"),
    "hexagonal": ("NW", "SE", "N", "W", "E", "S", "C"),
    "oneDimensional": ("W", "E", "C"),
}
"""Order in which a tree asks for states."""
MOST_ENTRIES = 1 << 24
"""Most nodes times states of a tree."""


@dataclass(frozen=True, eq=False)
class TreeRule:
    """A rule by look-up. Only `tree` is data; `name` and `colours` are for the host and lost inside jit."""

    tree: np.ndarray | jax.Array  # [nodes, states] int32 row to go on with, at the last neighbour the next state
    neighbourhood: str  # a key of `ORDER`; static
    name: str = ""
    colours: tuple[tuple[int, int, int, int], ...] = ()  # state, red, green, blue 0 … 255

    radius = 1

    @property
    def num_states(self) -> int:
        """Number of states of a cell."""
        return self.tree.shape[1]

    @property
    def quiescent(self) -> bool:
        """Whether an empty plane stays empty; on the host only."""
        row = 0
        for _ in ORDER[self.neighbourhood]:
            row = int(self.tree[row, 0])
        return row == 0

    def next(self, padded: jax.Array) -> jax.Array:
        """States `[H, W]` uint8 of the next generation, from those `[H + 2, W + 2]` of this one and of its rim."""
        height, width = padded.shape[0] - 2, padded.shape[1] - 2
        tree = jnp.asarray(self.tree).reshape(-1)
        states = jnp.minimum(padded.astype(jnp.int32), self.num_states - 1)
        row = jnp.zeros((height, width), jnp.int32)
        for place in ORDER[self.neighbourhood]:
            down, right = (1 + step for step in OFFSETS[place])
            row = tree[row * self.num_states + states[down : down + height, right : right + width]]
        return row.astype(jnp.uint8)


jax.tree_util.register_pytree_node(
    TreeRule, lambda rule: ((rule.tree,), rule.neighbourhood), lambda static, data: TreeRule(data[0], static)
)


def compiled(table: Table, name: str = "") -> TreeRule:
    """The tree of a table. Raises `RuleError` if it has too many transitions or its tree too many nodes."""
    order = ORDER[table.neighbourhood]
    places = ("C", *NEIGHBOURHOODS[table.neighbourhood])
    asked = [places.index(place) for place in order]
    suffixes = _Suffixes()
    start: dict[int, None] = {}
    for number, (states, after) in enumerate(expanded(table)):
        if number == MOST_TRANSITIONS:
            raise RuleError(
                f"rule {name or 'table'}: more than {MOST_TRANSITIONS} transitions, symmetric copies counted"
            )
        start.setdefault(suffixes.number([states[i] for i in asked], after))
    nodes: list[tuple[int, ...]] = []
    known: dict[tuple[int, ...], int] = {}
    done: dict[tuple[int, tuple[int, ...]], int] = {}

    def grown(depth: int, live: tuple[int, ...]) -> int:
        """Node that decides between the suffixes `live` of transitions, first come first served."""
        found = done.get((depth, live))
        if found is not None:
            return found
        states = range(table.num_states)
        if depth == 1:
            kept = [suffixes.matching(live, state) for state in states]
            row = tuple(~ends[0] if ends else state for state, ends in zip(states, kept, strict=True))
        else:
            row = tuple(grown(depth - 1, suffixes.matching(live, state)) for state in states)
        node = known.setdefault((depth, *row), len(nodes))
        if node == len(nodes):
            nodes.append(row)
        if len(nodes) * len(row) > MOST_ENTRIES:
            raise RuleError(f"rule {name or 'table'}: its decision tree has more than {MOST_ENTRIES} branches")
        done[depth, live] = node
        return node

    grown(len(order), tuple(start))
    return TreeRule(_laid_out(nodes, len(order)), table.neighbourhood, name)


class _Suffixes:
    """Ends of transitions, each kept once: the states at the next place asked, and the end after it.

    The end after the last place is ~(next state), a negative number.
    """

    def __init__(self) -> None:
        self.numbers: dict[tuple[frozenset[int], int], int] = {}
        self.ends: list[tuple[frozenset[int], int]] = []

    def number(self, states: Sequence[frozenset[int]], after: int) -> int:
        end = ~after
        for each in reversed(states):
            key = (each, end)
            end = self.numbers.setdefault(key, len(self.ends))
            if end == len(self.ends):
                self.ends.append(key)
        return end

    def matching(self, live: Iterable[int], state: int) -> tuple[int, ...]:
        """What is left of the suffixes `live` once the next place has shown `state`; of equal ones the first."""
        ends = (self.ends[i] for i in live)
        return tuple(dict.fromkeys(end for states, end in ends if state in states))


def _laid_out(nodes: Sequence[Sequence[int]], depth: int) -> np.ndarray:
    """Nodes `[rows, states]`, the root first. Rows are added up to a power of two, so that few sizes compile."""
    table = np.array(nodes[::-1], np.int32)
    leaf = _leaves(nodes, depth)[::-1]
    table[~leaf] = len(nodes) - 1 - table[~leaf]
    spare = (1 << (len(nodes) - 1).bit_length()) - len(nodes)
    return np.concatenate([table, np.zeros((spare, table.shape[1]), np.int32)])


def _leaves(nodes: Sequence[Sequence[int]], depth: int) -> np.ndarray:
    """Which nodes hold next states: those `depth` levels below the root, the last node."""
    level = {len(nodes) - 1}
    for _ in range(depth - 1):
        level = {child for node in level for child in nodes[node]}
    leaf = np.zeros(len(nodes), bool)
    leaf[list(level)] = True
    return leaf


def read(lines: Sequence[str], first: int = 1, name: str = "") -> TreeRule:
    """The rule of a @TREE section; `first` is the number of the first of its lines. Raises `PatternError`."""
    header: dict[str, int] = {}
    nodes: list[list[int]] = []
    depths: list[int] = []
    for number, line in enumerate(lines, first):
        text = line.split("#")[0].strip()
        key, equals, value = (part.strip() for part in text.partition("="))
        if not text:
            continue
        if equals:
            if key not in ("num_states", "num_neighbors", "num_nodes") or not value.isdecimal():
                raise PatternError(f"{text!r} must be num_states=, num_neighbors= or num_nodes= a number", number, 1)
            header[key] = int(value)
            _check_header(header, number)
        elif len(header) < 3:
            raise PatternError("num_states=, num_neighbors= and num_nodes= must come first", number, 1)
        else:
            depth, row = _node(text, number, header, depths)
            depths.append(depth)
            nodes.append(row)
    _check_whole(header, depths, first)
    places = "vonNeumann" if header["num_neighbors"] == 4 else "Moore"
    return TreeRule(_laid_out(nodes, header["num_neighbors"] + 1), places, name)


def _check_header(header: dict[str, int], number: int) -> None:
    if not 2 <= header.get("num_states", 2) <= MOST_STATES:
        raise PatternError(f"num_states must be from 2 to {MOST_STATES}", number, 1)
    if header.get("num_neighbors", 4) not in (4, 8):
        raise PatternError("num_neighbors must be 4 or 8", number, 1)
    if not 1 <= header.get("num_nodes", 1) <= MOST_ENTRIES // header.get("num_states", 2):
        raise PatternError(f"num_nodes must be from 1 to {MOST_ENTRIES} / num_states", number, 1)


def _node(text: str, number: int, header: dict[str, int], depths: Sequence[int]) -> tuple[int, list[int]]:
    """Depth and children of a node line."""
    words = text.split()
    if len(words) != header["num_states"] + 1 or not all(word.isdecimal() for word in words):
        raise PatternError(f"a node must be a depth and {header['num_states']} numbers", number, 1)
    depth, *row = (int(word) for word in words)
    if not 1 <= depth <= header["num_neighbors"] + 1:
        raise PatternError(f"depth {depth} must be from 1 to {header['num_neighbors'] + 1}", number, 1)
    for child in row:
        right = child < header["num_states"] if depth == 1 else child < len(depths) and depths[child] == depth - 1
        if not right:
            what = (
                f"state {child} must be below {header['num_states']}"
                if depth == 1
                else (f"node {child} must be an earlier one of depth {depth - 1}")
            )
            raise PatternError(what, number, 1)
    return depth, row


def _check_whole(header: dict[str, int], depths: Sequence[int], first: int) -> None:
    if len(header) < 3 or len(depths) != header["num_nodes"]:
        said = header.get("num_nodes", "no")
        raise PatternError(f"@TREE has {len(depths)} nodes, but says {said}", first, 1)
    if depths[-1] != header["num_neighbors"] + 1:
        raise PatternError(f"the last node must be the root, of depth {header['num_neighbors'] + 1}", first, 1)
