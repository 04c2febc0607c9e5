"""HashLife: any number of generations on the boundless plane, each different part of space-time computed once.

A node of level k and a number of generations up to 2^(k-2) give the node of level k-1 at its centre that much later:
nine overlapping parts go the first half of the way (at most 2^(k-3) generations), four squares of these the rest.
Results are remembered by node and generations; a jump of any length needs at each level only whole steps, one broken
step, and steps of 0. For every two-state rule of the 3x3 neighbourhood under which the empty plane stays empty.
Fast for what repeats; soups and other chaos are better left to the field steppers. Source: Gosper, "Exploiting
regularities in large cellular spaces", Physica D 10 (1984) 75-80.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

import numpy as np

from sim.life.pattern import MOST_CELLS, Pattern, PatternError, RuleError
from sim.life.quadtree import TWO_STATES, Box, Full, Quad, Quadtree, Sparse, sparse
from sim.life.rules import Rule

MOST_NODES = 1 << 22
"""Nodes kept before they are tidied; with their results about 1 GB of memory."""
_MOST_LENGTHS = 1000
"""Different numbers of generations of which results are kept; leaps of one length need two or three a level."""


class Universe:
    """A plane that holds one pattern under one rule. `build` makes it, `advance` lets generations pass."""

    def __init__(self, rule: Rule, source: Sparse, most_nodes: int):
        if rule.table[0]:
            raise RuleError(f"rule {rule.name}: hashlife needs an empty plane that stays empty, so none of B0")
        if source.tree.leaf_level != TWO_STATES:
            raise PatternError("hashlife holds two states; the pattern has more")
        self.rule, self.generation, self.most_nodes = rule, source.generation, most_nodes
        self._name, self._comments, self._level = source.name, source.comments, source.level
        self._corners = _corners(rule)
        try:
            self._keep(source.tree, source.root)
        except Full:
            raise PatternError(f"the pattern needs more than {most_nodes} nodes") from None

    def _keep(self, tree: Quadtree, root: int) -> None:
        """Keeps of a tree the nodes of the present, and forgets all results. Raises `Full`."""
        self._tree, self._root = tree.copied(root, self.most_nodes)
        self._results: defaultdict[int, dict[int, int]] = defaultdict(dict)  # by generations, by node

    @property
    def population(self) -> int:
        """Living cells."""
        return self._tree.population(self._root)

    @property
    def box(self) -> Box | None:
        """Left column, top row, right column, bottom row of the living cells; None without any."""
        return self.sparse().box

    def sparse(self) -> Sparse:
        """What the universe holds, as the quadtree that it is."""
        said = (self.rule.name, self._name, self._comments, self.generation)
        return Sparse(self._tree, self._root, self._level, *said)

    def to_pattern(self, most: int = MOST_CELLS) -> Pattern:
        """What the universe holds, as cells. Raises `PatternError` if its frame has more than `most` cells."""
        return self.sparse().to_pattern(most)

    def advance(self, generations: int) -> None:
        """Lets generations pass: in one leap if its nodes fit, else in leaps of half the length, and so on.

        Raises `PatternError`, with the universe at the last generation that it reached, if not even one more fits.
        """
        if generations < 0:
            raise PatternError(f"{generations} generations: the past cannot be computed")
        if len(self._results) > _MOST_LENGTHS:
            self._results.clear()
        leap, tidy = generations, False
        end = self.generation + generations
        while self.generation < end:
            leap = min(leap, end - self.generation)
            try:
                self._leap(leap)
                tidy = False
            except Full:
                if tidy and leap == 1:
                    more = f"generation {self.generation}: the next one needs more than {self.most_nodes} nodes"
                    raise PatternError(more) from None
                if tidy:
                    leap = 1 << (leap - 1).bit_length() - 1
                self._keep(self._tree, self._root)
                tidy = True

    def _leap(self, generations: int) -> None:
        """Lets generations pass at once. Raises `Full` with the universe as it was."""
        root, level = self._root, self._level
        reach = (1 << level - 1) + generations  # from the middle to the outermost cell that may come to live
        while 1 << level - 2 < reach:
            root, level = _framed(self._tree, root, level), level + 1
        root, level = self._result(root, level, generations), level - 1
        while level > 3 and (inner := _unframed(self._tree, root, level)) is not None:
            root, level = inner, level - 1
        self._root, self._level = root, level
        self.generation += generations

    def _result(self, node: int, level: int, generations: int) -> int:
        """The centre of a node, so many generations later: at most 2^(level-2)."""
        known = self._results[generations]
        found = known.get(node)
        if found is None:
            quad = self._tree.quads[node]
            if level == 3:
                found = _centre_of_leaves(*quad) if generations == 0 else self._leaves_result(quad, generations)
            elif generations == 0:
                found = _centre(self._tree, quad)
            else:
                found = self._parts_result(quad, level, generations)
            known[node] = found
        return found

    def _parts_result(self, quad: Quad, level: int, generations: int) -> int:
        first = min(generations, 1 << level - 3)
        known, result, join, quads = self._results[first], self._result, self._tree.join, self._tree.quads
        nw, ne, sw, se = quad
        _, a, b, c = quads[nw]
        d, _, e, f = quads[ne]
        g, h, _, i = quads[sw]
        j, k, m, _ = quads[se]
        parts = [nw, join((a, d, c, e)), ne, join((b, c, g, h)), join((c, e, h, j)), join((e, f, j, k)), sw]
        parts += [join((h, j, i, m)), se]
        below = level - 1
        later = []
        for part in parts:
            found = known.get(part)
            later.append(result(part, below, first) if found is None else found)
        rest = generations - first
        known = self._results[rest]
        n, o, p, q, r, s, t, u, v = later
        four = []
        for part in (join((n, o, q, r)), join((o, p, r, s)), join((q, r, t, u)), join((r, s, u, v))):
            found = known.get(part)
            four.append(result(part, below, rest) if found is None else found)
        return join((four[0], four[1], four[2], four[3]))

    def _leaves_result(self, quad: Quad, generations: int) -> int:
        """The middle 4x4 cells of four leaves, one or two generations later."""
        a, b, c, d = quad
        corner = self._corners
        if generations == 1:  # of the four 4x4 squares that start at rows and columns 1 and 3
            h = (a & 0x7777) << 1 | (b & 0x8888) >> 3, (a & 0x1111) << 3 | (b & 0xEEEE) >> 1
            k = (c & 0x7777) << 1 | (d & 0x8888) >> 3, (c & 0x1111) << 3 | (d & 0xEEEE) >> 1
            up = [(p & 0x0FFF) << 4 | q >> 12 for p, q in zip(h, k, strict=True)]
            down = [(p & 0x000F) << 12 | q >> 4 for p, q in zip(h, k, strict=True)]
            return corner[up[0]] | corner[up[1]] >> 2 | corner[down[0]] >> 8 | corner[down[1]] >> 10
        ab = (a & 0x3333) << 2 | (b & 0xCCCC) >> 2  # the 4x4 square between a and b, and so on
        cd = (c & 0x3333) << 2 | (d & 0xCCCC) >> 2
        ac = (a & 0x00FF) << 8 | c >> 8
        bd = (b & 0x00FF) << 8 | d >> 8
        p, q, r = corner[a], corner[ab], corner[b]
        s, t, u = corner[ac], corner[(ab & 0x00FF) << 8 | cd >> 8], corner[bd]
        v, w, x = corner[c], corner[cd], corner[d]
        nw = corner[p | q >> 2 | s >> 8 | t >> 10]
        ne = corner[q | r >> 2 | t >> 8 | u >> 10]
        sw = corner[s | t >> 2 | v >> 8 | w >> 10]
        return nw | ne >> 2 | sw >> 8 | corner[t | u >> 2 | w >> 8 | x >> 10] >> 10


def build(rule: Rule, pattern: Pattern | Sparse, most_nodes: int = MOST_NODES) -> Universe:
    """A universe that holds `pattern` at its place and generation, under `rule`.

    Raises `RuleError` for rules with B0, `PatternError` for more than two states or more than `most_nodes` nodes.
    """
    return Universe(rule, sparse(pattern) if isinstance(pattern, Pattern) else pattern, most_nodes)


def _framed(tree: Quadtree, node: int, level: int) -> int:
    """The node in the middle of one twice as wide."""
    nw, ne, sw, se = tree.quads[node]
    z = tree.empty(level - 1)
    return tree.join(
        (tree.join((z, z, z, nw)), tree.join((z, z, ne, z)), tree.join((z, sw, z, z)), tree.join((se, z, z, z)))
    )


def _unframed(tree: Quadtree, node: int, level: int) -> int | None:
    """The middle of a node, if nothing lives around it; else None."""
    z = tree.empty(level - 2)
    quad = tree.quads[node]
    around = [
        child for index, part in enumerate(quad) for place, child in enumerate(tree.quads[part]) if place + index != 3
    ]
    return _centre(tree, quad) if all(child == z for child in around) else None


def _centre(tree: Quadtree, quad: Quad) -> int:
    """The middle of four nodes above the leaves."""
    nw, ne, sw, se = (tree.quads[part] for part in quad)
    return tree.join((nw[3], ne[2], sw[1], se[0]))


def _centre_of_leaves(a: int, b: int, c: int, d: int) -> int:
    """The middle 4x4 cells of four leaves."""
    return (a & 0x0033) << 10 | (b & 0x00CC) << 6 | (c & 0x3300) >> 6 | (d & 0xCC00) >> 10


@lru_cache(maxsize=16)
def _corners(rule: Rule) -> list[int]:
    """For each leaf its middle 2x2 cells one generation later, put into the north-west corner of a leaf."""
    cells = np.arange(1 << 16) >> np.arange(15, -1, -1).reshape(4, 4, 1) & 1  # [row, column, leaf]
    corner = np.zeros(1 << 16, np.int64)
    for row in range(2):
        for column in range(2):
            around = cells[row : row + 3, column : column + 3].reshape(9, -1)
            state = rule.table[(1 << np.arange(8, -1, -1)) @ around].astype(np.int64)
            corner |= state << 15 - 4 * row - column
    return corner.tolist()
