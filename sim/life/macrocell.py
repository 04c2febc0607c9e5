"""Macrocell files (.mc): a quadtree written out, each different part once, which holds patterns of any size.

Lines count from 1. `[M2]` with two states has leaves of 8x8 cells (`..*$.*$$`: rows up to their last living cell) and
nodes `level nw ne sw se` by line, 0 for an empty part; with more states the nodes of level 1 name four states. `#R`
rule, `#G` generation, `#C` comments; frames of a timeline are passed over. The last node is the root; its cells lie
from -2^(k-1) in columns and 1 - 2^(k-1) in rows, as Golly places them. Source: Golly's help, "Macrocell format".
"""

from __future__ import annotations

import re

from sim.life.pattern import PatternError
from sim.life.quadtree import MANY_STATES, TWO_STATES, Quadtree, Sparse

_NODE = re.compile(r"(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*")
_DEEPEST = 256
"""Highest level: 2^256 cells a side, below where Python's recursion ends."""


def parse(text: str) -> Sparse:
    """The pattern of a macrocell text. Raises `PatternError` with the line."""
    lines = text.splitlines()
    if not lines or not lines[0].startswith("[M2]"):
        raise PatternError("a macrocell file must begin with [M2]", 1, 1)
    tree = Quadtree(MANY_STATES if any(line.startswith("1 ") for line in lines) else TWO_STATES)
    rule, generation = "", 0
    comments: list[str] = []
    nodes, levels = [0], [0]  # by line of the tree
    for number, line in enumerate(lines[1:], 2):
        if line.startswith("#"):
            said = line[2:].strip()
            rule = said if line.startswith("#R") else rule
            comments += [said] if line.startswith("#C") and said else []
            if line.startswith("#G"):
                if not said.isdigit():
                    raise PatternError("#G must be followed by a number of generations", number, 1)
                generation = int(said)
        elif line.strip():
            node, level = _node(tree, line.strip(), number, nodes, levels)
            nodes.append(node)
            levels.append(level)
    least = tree.leaf_level + 1
    root, level = (nodes[-1], levels[-1]) if len(nodes) > 1 else (tree.empty(least), least)
    return Sparse(tree, root, level, rule, "", tuple(comments), generation)


def _node(tree: Quadtree, line: str, number: int, nodes: list[int], levels: list[int]) -> tuple[int, int]:
    """The node of one line, and its level."""
    if line[0] in ".*$":
        if tree.leaf_level != TWO_STATES:
            raise PatternError("8x8 cells of two states among nodes of more states", number, 1)
        return _leaf(tree, line, number), 3
    found = _NODE.fullmatch(line)
    if found is None:
        raise PatternError("must be 8x8 cells of '.', '*' and '$', or level nw ne sw se", number, 1)
    level, *parts = (int(part) for part in found.groups())
    if level == 1 and tree.leaf_level == MANY_STATES:
        if max(parts) > 255:
            raise PatternError(f"state {max(parts)} is above 255", number, 1)
        return tree.join((parts[0], parts[1], parts[2], parts[3])), 1
    if not tree.leaf_level + 1 < level <= _DEEPEST:
        raise PatternError(f"level {level} must be from {tree.leaf_level + 2} to {_DEEPEST}", number, 1)
    for part in parts:
        if part >= len(nodes):
            raise PatternError(f"node {part} is not above this line", number, 1)
        if part and levels[part] != level - 1:
            raise PatternError(f"node {part} has level {levels[part]}, not {level - 1}", number, 1)
    nw, ne, sw, se = (nodes[part] if part else tree.empty(level - 1) for part in parts)
    return tree.join((nw, ne, sw, se)), level


def _leaf(tree: Quadtree, line: str, number: int) -> int:
    quad = [0, 0, 0, 0]
    row = column = 0
    for place, letter in enumerate(line):
        if letter == "$":
            row, column = row + 1, 0
            continue
        if letter not in ".*":
            raise PatternError(f"unknown letter {letter!r} among 8x8 cells", number, place + 1)
        if row > 7 or column > 7:
            raise PatternError("more than 8x8 cells", number, place + 1)
        if letter == "*":
            quad[row // 4 * 2 + column // 4] |= 1 << 15 - row % 4 * 4 - column % 4
        column += 1
    return tree.join((quad[0], quad[1], quad[2], quad[3]))


def text(pattern: Sparse) -> str:
    """The pattern as a macrocell file."""
    tree, root = pattern.tree, pattern.root
    lines = ["[M2] (firstword)"] + ([f"#R {pattern.rule}"] if pattern.rule else [])
    lines += [f"#G {pattern.generation}"] if pattern.generation else []
    lines += [f"#C {comment}" for comment in "\n".join((pattern.name, *pattern.comments)).strip().splitlines()]
    order = tree.ordered(root)
    levels = {root: pattern.level}
    for node in reversed(order):  # parents before children
        levels |= dict.fromkeys(tree.quads[node], levels[node] - 1)
    numbers = {tree.empty(level): 0 for level in range(pattern.level + 1)}
    empty = len(numbers) - 1
    for node in order:
        if node not in numbers:
            numbers[node] = len(numbers) - empty
            lines.append(_line(tree, node, levels[node], numbers))
    return "\n".join(lines) + "\n"


def _line(tree: Quadtree, node: int, level: int, numbers: dict[int, int]) -> str:
    quad = tree.quads[node]
    if level == 1:
        return f"1 {' '.join(map(str, quad))}"
    if level == 3 and tree.leaf_level == TWO_STATES:
        nw, ne, sw, se = (f"{leaf:016b}".replace("0", ".").replace("1", "*") for leaf in quad)
        rows = [(a[i : i + 4] + b[i : i + 4]).rstrip(".") + "$" for a, b in ((nw, ne), (sw, se)) for i in (0, 4, 8, 12)]
        return "".join(rows).rstrip("$") + "$"
    return f"{level} {' '.join(str(numbers[child]) for child in quad)}"
