"""Patterns drawn or listed in plain text: `.cells` (rows of `.` and `O`), Life 1.05 (blocks at places) and Life 1.06.

Two states only. `.cells` knows neither place nor generation; its rule is kept as a comment `!Rule:`, which other
readers skip. Life 1.06 lists the places of living cells, one a line, and so has no frame of its own. Sources: the
formats as the LifeWiki and Golly's reader of PC Life files have them.
"""

from __future__ import annotations

import re

import numpy as np

from sim.life.pattern import LIFE, MOST_CELLS, Pattern, PatternError

_COORDINATES = re.compile(r"\s*([+-]?\d+)[\s,]+([+-]?\d+)\s*")


def parse_cells(text: str) -> Pattern:
    """The pattern of a `.cells` text; its frame is the longest row by the number of rows. Raises `PatternError`."""
    name = rule = ""
    comments, rows = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("!"):
            rows.append(_alive(line.rstrip(), number, ".O*"))
            continue
        said = line[1:].strip()
        if said.startswith("Name:"):
            name = said[5:].strip()
        elif said.startswith("Rule:"):
            rule = said[5:].strip()
        elif said:
            comments.append(said)
    width = max((len(row) for row in rows), default=0)
    if width * len(rows) > MOST_CELLS:
        raise PatternError(f"{width} x {len(rows)} cells are more than the {MOST_CELLS} that fit a field", 1, 1)
    cells = np.zeros((len(rows), width), np.uint8)
    for row, states in enumerate(rows):
        cells[row, : len(states)] = states
    return Pattern(cells, rule=rule, name=name, comments=tuple(comments))


def _alive(line: str, number: int, letters: str) -> np.ndarray:
    """States of a drawn row; `letters`: the dead one, and the living ones."""
    wrong = next((place for place, letter in enumerate(line) if letter not in letters), None)
    if wrong is not None:
        allowed = " or ".join(letters)
        raise PatternError(f"unknown letter {line[wrong]!r}: a cell must be {allowed}", number, wrong + 1)
    return np.array([letter != letters[0] for letter in line], np.uint8)


def cells_text(pattern: Pattern) -> str:
    """The pattern as `.cells`. Raises `PatternError` if it has more than two states."""
    _two_states(pattern, ".cells")
    heads = [f"!Name: {' '.join(pattern.name.split())}"] if pattern.name else []
    heads += [f"!Rule: {pattern.rule}"] if pattern.rule else []
    heads += [f"!{comment}" for comment in "\n".join(pattern.comments).splitlines()]
    rows = ["".join("O" if state else "." for state in row) for row in pattern.cells]
    return "\n".join(heads + rows) + "\n"


def parse_life(text: str) -> Pattern:
    """The pattern of a Life 1.05 or 1.06 text, in the smallest frame. Raises `PatternError`."""
    rule = ""
    comments: list[str] = []
    columns, rows = [], []  # of living cells
    x = y = 0
    for number, line in enumerate(text.splitlines(), 1):
        place = _COORDINATES.fullmatch(line[2:] if line.startswith("#P") else line)
        if line.startswith("#P"):
            if place is None:
                raise PatternError("#P must be followed by a column and a row", number, 1)
            x, y = int(place[1]), int(place[2])
        elif line.startswith("#"):
            mark, said = line[:2], line[2:].strip()
            rule = LIFE if mark == "#N" else said if mark == "#R" else rule
            comments += [said] if mark in ("#C", "#D") and said else []
        elif place is not None:
            columns.append(int(place[1]))
            rows.append(int(place[2]))
        elif line.strip():
            alive = np.flatnonzero(_alive(line.rstrip(), number, ".*O"))
            columns += [x + int(column) for column in alive]
            rows += [y] * len(alive)
            y += 1
    return _placed(columns, rows, rule, tuple(comments))


def _placed(columns: list[int], rows: list[int], rule: str, comments: tuple[str, ...]) -> Pattern:
    """The pattern of living cells at places."""
    if not columns:
        return Pattern(np.zeros((0, 0), np.uint8), rule=rule, comments=comments, placed=True)
    left, top = min(columns), min(rows)
    width, height = max(columns) - left + 1, max(rows) - top + 1
    if width * height > MOST_CELLS:
        raise PatternError(f"{width} x {height} cells are more than the {MOST_CELLS} that fit a field")
    cells = np.zeros((height, width), np.uint8)
    cells[[row - top for row in rows], [column - left for column in columns]] = 1
    return Pattern(cells, left, top, rule, comments=comments, placed=True)


def life_text(pattern: Pattern) -> str:
    """The pattern as Life 1.06. Raises `PatternError` if it has more than two states."""
    _two_states(pattern, "Life 1.06")
    lines = ["#Life 1.06"] + ([f"#R {pattern.rule}"] if pattern.rule else [])
    lines += [f"#C {comment}" for comment in "\n".join(pattern.comments).splitlines()]
    return "\n".join(lines + [f"{x + pattern.x} {y + pattern.y}" for y, x in np.argwhere(pattern.cells)]) + "\n"


def _two_states(pattern: Pattern, form: str) -> None:
    if pattern.cells.max(initial=0) > 1:
        raise PatternError(f"{form} holds two states; the pattern has state {pattern.cells.max()}: write RLE")
