"""The plane as a quadtree of which equal parts are kept once, so that huge patterns of few different parts fit.

A node of level k is a square of 2^k cells a side. Leaves are whole numbers below 65,536 that are their own content: 16
cells of two states (level 2: row after row, the first cell the highest bit) or one cell of up to 256 states (level 0).
Other nodes are numbered from 65,536; which level a node has, its user knows. Sources: Gosper, Physica D 10 (1984)
75-80; canonical nodes as in Golly's `hlifealgo`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.life.pattern import MOST_CELLS, Pattern, PatternError

LEAVES = 1 << 16
"""Numbers below this are leaves, whatever they hold."""
TWO_STATES, MANY_STATES = 2, 0
"""Levels of leaves."""
_SHORT = 60
"""Below this level places within a node fit 64 bits."""
Quad = tuple[int, int, int, int]
"""Children: north-west, north-east, south-west, south-east."""
Box = tuple[int, int, int, int]
"""Left, top, right, bottom of the cells that are not dead; right and bottom are the last ones, not beyond."""


class Full(Exception):
    """The tree has as many nodes as it may have."""


class Quadtree:
    """Nodes, each different one kept once. `join` makes them; nothing is ever changed, so numbers stay valid."""

    def __init__(self, leaf_level: int = TWO_STATES, most: int = 1 << 62):
        self.leaf_level = leaf_level
        self.most = most  # nodes
        self.quads: list[Quad] = [(-1, -1, -1, -1)] * LEAVES  # children of a node; leaves have none
        self._numbers: dict[Quad, int] = {}
        self._empty = [0] * (leaf_level + 1)
        self._populations: dict[int, int] = {}
        self._boxes: dict[int, Box] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def join(self, quad: Quad) -> int:
        """The node of these children. Raises `Full`."""
        node = self._numbers.get(quad)
        if node is None:
            if len(self._numbers) >= self.most:
                raise Full
            node = self._added(quad)
        return node

    def _added(self, quad: Quad) -> int:
        node = self._numbers[quad] = len(self.quads)
        self.quads.append(quad)
        return node

    def empty(self, level: int) -> int:
        """The node of `level` without living cells; there is room for it always."""
        while len(self._empty) <= level:
            quad = (self._empty[-1],) * 4
            self._empty.append(self._numbers.get(quad) or self._added(quad))
        return self._empty[level]

    def population(self, node: int) -> int:
        """Cells of a node that are not dead."""
        if node < LEAVES:
            return node.bit_count() if self.leaf_level == TWO_STATES else int(node > 0)
        found = self._populations.get(node)
        if found is None:
            found = self._populations[node] = sum(self.population(child) for child in self.quads[node])
        return found

    def box(self, node: int, level: int) -> Box | None:
        """Where the living cells of a node are, from its own corner; None if there are none."""
        if node == self.empty(level):
            return None
        if level == self.leaf_level:
            return _leaf_box(node) if self.leaf_level == TWO_STATES else (0, 0, 0, 0)
        if node not in self._boxes:
            half = 1 << (level - 1)
            parts = []
            for index, child in enumerate(self.quads[node]):
                if (part := self.box(child, level - 1)) is not None:
                    dx, dy = index % 2 * half, index // 2 * half
                    parts.append((part[0] + dx, part[1] + dy, part[2] + dx, part[3] + dy))
            left, top, right, bottom = zip(*parts, strict=True)
            self._boxes[node] = min(left), min(top), max(right), max(bottom)
        return self._boxes[node]

    def draw(self, node: int, level: int, cells: np.ndarray, x: int, y: int) -> None:
        """Draws a node with its corner at column x, row y of dead `cells`, within which its living ones must lie."""
        nodes = np.array([node] if node != self.empty(level) else [], np.int64)
        xs, ys = (np.array([place] * len(nodes), object) for place in (x, y))  # may be beyond 64 bits
        while level > self.leaf_level:
            level -= 1
            if level < _SHORT:
                xs, ys = xs.astype(np.int64), ys.astype(np.int64)
            kinds, which = np.unique(nodes, return_inverse=True)
            quads = np.array([self.quads[kind] for kind in kinds.tolist()], np.int64).reshape(-1, 4)[which]
            living = quads != self.empty(level)
            part = 1 << level
            nodes = quads[living]
            xs = (xs[:, None] + np.array([0, part, 0, part], xs.dtype))[living]
            ys = (ys[:, None] + np.array([0, 0, part, part], ys.dtype))[living]
        xs, ys = xs.astype(np.int64), ys.astype(np.int64)
        if self.leaf_level == MANY_STATES:
            cells[ys, xs] = nodes
            return
        for place in range(16):
            alive = nodes >> 15 - place & 1 == 1
            cells[ys[alive] + place // 4, xs[alive] + place % 4] = 1

    def plant(self, cells: np.ndarray, level: int) -> np.ndarray:
        """Nodes of `level` `[rows, columns]` that cover these cells from their north-west corner on."""
        side = 1 << self.leaf_level
        padded = np.pad(cells, [(0, -size % side) for size in cells.shape])
        nodes = np.zeros([size // side for size in padded.shape], np.int64)
        for place in range(side * side):
            part = padded[place // side :: side, place % side :: side].astype(np.int64)
            nodes |= part << side * side - 1 - place
        for below in range(self.leaf_level, level):
            nodes = self._joined(nodes, below)
        return nodes

    def _joined(self, nodes: np.ndarray, level: int) -> np.ndarray:
        """Nodes `[h, w]` of `level` joined four by four, to `[⌈h/2⌉, ⌈w/2⌉]`."""
        empty = self.empty(level)
        nodes = np.pad(nodes, [(0, size % 2) for size in nodes.shape], constant_values=empty)
        quads = np.stack([nodes[0::2, 0::2], nodes[0::2, 1::2], nodes[1::2, 0::2], nodes[1::2, 1::2]], -1)
        living = (quads != empty).any(-1)
        kinds, which = np.unique(quads[living], axis=0, return_inverse=True)
        joined = np.full(living.shape, self.empty(level + 1), np.int64)
        joined[living] = np.array([self.join(tuple(quad)) for quad in kinds.tolist()], np.int64)[which]
        return joined

    def ordered(self, root: int) -> list[int]:
        """All nodes of which `root` consists, leaves left out, each after its children."""
        order, seen = [], set()
        stack = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                order.append(node)
            elif node >= LEAVES and node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack += [(child, False) for child in reversed(self.quads[node])]
        return order

    def copied(self, root: int, most: int) -> tuple[Quadtree, int]:
        """A tree of what `root` consists of and nothing else, of at most `most` nodes, and that node. Raises `Full`."""
        fresh = Quadtree(self.leaf_level, most)
        numbers: dict[int, int] = {}
        for node in self.ordered(root):
            nw, ne, sw, se = (numbers.get(child, child) for child in self.quads[node])
            numbers[node] = fresh.join((nw, ne, sw, se))
        return fresh, numbers.get(root, root)


def _leaf_box(leaf: int) -> Box:
    columns = [column for column in range(4) if leaf & 0x8888 >> column]
    rows = [row for row in range(4) if leaf & 0xF000 >> 4 * row]
    return columns[0], rows[0], columns[-1], rows[-1]


@dataclass(frozen=True, eq=False)
class Sparse:
    """A pattern of any size: a node of a tree. For the rest see `Pattern`.

    The middle of the node is where Golly has it: at the upper left corner of the cell in column 0, row 1.
    """

    tree: Quadtree
    root: int
    level: int  # one above the leaves at least
    rule: str = ""
    name: str = ""
    comments: tuple[str, ...] = ()
    generation: int = 0

    @property
    def population(self) -> int:
        """Cells that are not dead."""
        return self.tree.population(self.root)

    @property
    def corner(self) -> tuple[int, int]:
        """Column and row of the first cell of the node."""
        half = 1 << self.level - 1
        return -half, 1 - half

    @property
    def box(self) -> Box | None:
        """Left column, top row, right column, bottom row of the living cells in the plane; None without any."""
        box = self.tree.box(self.root, self.level)
        x, y = self.corner
        return None if box is None else (box[0] + x, box[1] + y, box[2] + x, box[3] + y)

    def to_pattern(self, most: int = MOST_CELLS) -> Pattern:
        """The cells in the smallest frame. Raises `PatternError` if that has more than `most` cells."""
        rest = (self.rule, self.name, self.comments, self.generation)
        if self.box is None:
            return Pattern(np.zeros((0, 0), np.uint8), 0, 0, *rest, placed=True)
        left, top, right, bottom = self.box
        width, height = right - left + 1, bottom - top + 1
        if width * height > most:
            raise PatternError(f"{width} x {height} cells are more than the {most} that fit a field: keep a macrocell")
        cells = np.zeros((height, width), np.uint8)
        x, y = self.corner
        self.tree.draw(self.root, self.level, cells, x - left, y - top)
        return Pattern(cells, left, top, *rest, placed=True)


def sparse(pattern: Pattern) -> Sparse:
    """The pattern as a quadtree."""
    tree = Quadtree(TWO_STATES if pattern.cells.max(initial=0) <= 1 else MANY_STATES)
    level = max(tree.leaf_level, (max(pattern.cells.shape) - 1).bit_length())
    x, y = pattern.x, pattern.y - 1  # from the middle
    column, row = x >> level, y >> level  # of the first node of this level
    padded = np.pad(pattern.cells, [(y - (row << level), 0), (x - (column << level), 0)])
    nodes = tree.plant(padded, level) if pattern.cells.size else np.zeros((0, 0), int)
    placed = {(column + j, row + i): int(node) for (i, j), node in np.ndenumerate(nodes)}
    while any(not -1 <= place <= 0 for key in placed for place in key):
        parents = {(j >> 1, i >> 1) for j, i in placed}
        placed = {parent: _parent(tree, level, placed, parent) for parent in parents}
        level += 1
    root = _parent(tree, level, {(j + 1, i + 1): node for (j, i), node in placed.items()}, (0, 0))
    rest = (pattern.rule, pattern.name, pattern.comments, pattern.generation)
    return Sparse(tree, root, level + 1, *rest)


def _parent(tree: Quadtree, level: int, placed: dict[tuple[int, int], int], at: tuple[int, int]) -> int:
    """The node of four of `level` by column and row, where there are any."""
    empty, (column, row) = tree.empty(level), at
    nw, ne, sw, se = (placed.get((2 * column + j, 2 * row + i), empty) for i in (0, 1) for j in (0, 1))
    return tree.join((nw, ne, sw, se))
