"""A pattern: some cells, and what a file may say of them. What every reader of a format gives, and every writer takes.

Also the two errors of this package, each of one line that says where and what would be right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

LIFE = "B3/S23"
"""The rule of patterns that name none."""
MOST_CELLS = 1 << 28
"""Cells of the largest field that is held cell by cell."""


class PatternError(ValueError):
    """The text of a pattern is wrong; names the line and the column where there are any."""

    def __init__(self, message: str, line: int = 0, column: int = 0):
        place = f"line {line}, column {column}: " if line else ""
        super().__init__(place + message)
        self.line, self.column = line, column


class RuleError(ValueError):
    """The text of a rule is wrong or asks for what is not there."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """Cells in a frame. The state of the cell at plane position (x + column, y + row) is `cells[row, column]`."""

    cells: np.ndarray  # [h, w] uint8 states, 0 dead
    x: int = 0  # column of the plane, growing to the right
    y: int = 0  # row of the plane, growing downwards
    rule: str = ""  # as the file names it, grid included; empty: not said
    name: str = ""
    comments: tuple[str, ...] = ()
    generation: int = 0
    placed: bool = False  # whether the file says where the pattern lies

    @property
    def population(self) -> int:
        """Cells that are not dead."""
        return int(np.count_nonzero(self.cells))

    def trimmed(self) -> Pattern:
        """The same cells in the smallest frame that holds them; `[0, 0]` if there are none."""
        rows, columns = (np.flatnonzero(self.cells.any(axis)) for axis in (1, 0))
        if not len(rows):
            return replace(self, cells=np.zeros((0, 0), np.uint8))
        top, left = int(rows[0]), int(columns[0])
        held = self.cells[top : rows[-1] + 1, left : columns[-1] + 1]
        return replace(self, cells=np.ascontiguousarray(held), x=self.x + left, y=self.y + top)
