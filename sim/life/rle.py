"""Run-length encoded patterns (.rle), two states and many, with Golly's additions.

Read: header or none, `#` lines anywhere, `#CXRLE` place and generation, blanks between any two characters, letters
`b o` and `. A…X pA…yO`, words after the `!`. Stricter than Golly where a file is damaged: an unknown letter, a living
cell outside the header's frame or a missing `!` is an error with its place. Source: Golly's help, "File formats".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate, pairwise

import numpy as np

from sim.life.pattern import MOST_CELLS, Pattern, PatternError

LINE = 69
"""Most characters on a line of cells: below 70, as every reader allows."""
_HEADER = re.compile(r"x\s*=\s*(\d+)\s*,\s*y\s*=\s*(\d+)\s*(?:,\s*rule\s*=\s*(\S.*?)\s*)?,?\s*", re.IGNORECASE)
_TOKEN = re.compile(r"\s*(\d[\d\s]*)?(?:([b.$!])|(o)|([p-y]?)\s*([A-X]))")
_PLACE = re.compile(r"(-?\d+)[\s,]+(-?\d+)")


class _Notes:
    """What the lines that begin with `#` and the header say."""

    def __init__(self) -> None:
        self.name, self.rule = "", ""
        self.comments: list[str] = []
        self.place: tuple[int, int] | None = None
        self.generation = 0
        self.frame: tuple[int, int] | None = None  # (width, height) of the header

    def read(self, line: str) -> None:
        """Takes in one `#` line."""
        mark, said = line[1:2], line[2:].strip()
        if line.startswith("#CXRLE"):
            if found := re.search(r"Pos\s*=\s*(-?\d+)\s*,\s*(-?\d+)", line):
                self.place = (int(found[1]), int(found[2]))
            if found := re.search(r"Gen\s*=\s*(\d+)", line):
                self.generation = int(found[1])
        elif mark in "RP" and (found := _PLACE.fullmatch(said)):
            self.place = (int(found[1]), int(found[2]))
        elif mark == "r":
            self.rule = said
        elif mark == "N":
            self.name = said
        elif said:
            self.comments.append(f"Author: {said}" if mark == "O" else said)

    def head(self, line: str, number: int) -> None:
        """Takes in the header, line `number`."""
        found = _HEADER.fullmatch(line.strip())
        if found is None:
            raise PatternError("the header must be like x = 3, y = 3, rule = B3/S23", number, 1)
        self.frame = (int(found[1]), int(found[2]))
        self.rule = found[3] or self.rule
        _bounded(*self.frame, number, 1)


def _bounded(width: int, height: int, line: int = 0, column: int = 0) -> None:
    if width * height > MOST_CELLS or max(width, height) > MOST_CELLS:
        raise PatternError(f"{width} x {height} cells are more than the {MOST_CELLS} that fit a field", line, column)


def parse(text: str) -> Pattern:
    """The pattern of an RLE text, in the frame of its header. Raises `PatternError` with line and column."""
    notes = _Notes()
    lines = text.splitlines()
    for number, line in enumerate(line.lstrip() for line in lines):
        if "!" in line and not line.startswith("#"):
            break
        if line.startswith("#"):
            notes.read(line)
        elif notes.frame is None and re.match(r"[xX]\s*=", line):
            notes.head(line, number + 1)
        else:
            continue
        lines[number] = ""  # so that what is left is cells, on their old lines
    if notes.frame and 0 in notes.frame:
        notes.frame = None  # a header that was written without counting; an empty pattern is empty without it
    body = "\n".join(lines)
    runs, end, extent = _runs(body, notes.frame)
    notes.comments += [line.removeprefix("#C").strip() for line in body[end:].splitlines() if line.strip()]
    width, height = notes.frame or extent
    cells = np.zeros((height, width), np.uint8)
    for row, column, length, state in runs:
        cells[row, column : column + length] = state
    x, y = notes.place or (0, 0)
    said = (notes.rule, notes.name, tuple(notes.comments), notes.generation)
    return Pattern(cells, x, y, *said, placed=notes.place is not None)


def _runs(body: str, frame: tuple[int, int] | None) -> tuple[list, int, tuple[int, int]]:
    """Runs (row, column, length, state) of living cells, where the text ends, and the (width, height) of all."""
    runs: list[tuple[int, int, int, int]] = []
    row = column = width = height = place = 0
    while (token := _TOKEN.match(body, place)) is not None:
        digits, plain, alive, prefix, letter = token.groups()
        count = (int("".join(digits.split())[:20]) if digits else 0) or 1
        if plain == "!":
            if digits:
                raise _wrong("a count without a letter", body, token.start(1))
            return runs, token.end(), (width, height)
        if plain == "$":
            row, column = row + count, 0
        elif plain:
            column += count
        else:
            state = 1 if alive else ord(letter) - 64 + 24 * (ord(prefix) - 111 if prefix else 0)
            if state > 255:
                raise _wrong(f"state {state} is above 255", body, token.end() - 1)
            runs.append((row, column, count, state))
            column += count
            width, height = max(width, column), row + 1
            if frame and (column > frame[0] or row >= frame[1]):
                fault = f"a cell in row {row + 1}, column {column} is outside x = {frame[0]}, y = {frame[1]}"
                raise _wrong(fault + " of the header", body, token.end() - 1)
            if width * height > MOST_CELLS:
                _bounded(width, height, *_place(body, token.end() - 1))
        place = token.end()
    raise _unfinished(body, place)


def _unfinished(body: str, place: int) -> PatternError:
    """Why no more could be read at `place`."""
    rest = re.compile(r"\s*(\d[\d\s]*)?").match(body, place)
    assert rest is not None  # it matches nothing, too
    if rest.end() < len(body):
        character = body[rest.end()]
        if "p" <= character <= "y":
            return _wrong(f"{character!r} must be followed by a letter from A to X", body, rest.end())
        return _wrong(f"unknown letter {character!r}", body, rest.end())
    if rest[1]:
        return _wrong("a count without a letter", body, rest.start(1))
    return _wrong("the pattern does not end with '!'", body, len(body.rstrip()))


def _place(body: str, index: int) -> tuple[int, int]:
    starts = [0, *accumulate(len(line) for line in body.splitlines(keepends=True))]
    line = bisect_right(starts, index, hi=max(1, len(starts) - 1))
    return line, index - starts[line - 1] + 1


def _wrong(message: str, body: str, index: int) -> PatternError:
    return PatternError(message, *_place(body, index))


def text(pattern: Pattern) -> str:
    """The pattern as RLE, in its own frame; `#CXRLE` only where place or generation matter."""
    height, width = pattern.cells.shape
    lines = [f"#N {' '.join(pattern.name.split())}"] if pattern.name else []
    for comment in "\n".join(pattern.comments).splitlines():
        lines.append(f"#O {comment[8:]}" if comment.startswith("Author: ") else f"#C {comment}")
    placed = pattern.x or pattern.y or (pattern.placed and ":" in pattern.rule)  # else a bounded grid would centre it
    if placed or pattern.generation:
        place = f" Pos={pattern.x},{pattern.y}" if placed else ""
        lines.append("#CXRLE" + place + (f" Gen={pattern.generation}" if pattern.generation else ""))
    lines.append(f"x = {width}, y = {height}" + (f", rule = {pattern.rule}" if pattern.rule else ""))
    letters = _letters(int(pattern.cells.max(initial=0)))
    line = ""
    for token in _tokens(pattern.cells, letters):
        if len(line) + len(token) > LINE:
            lines.append(line)
            line = ""
        line += token
    return "\n".join([*lines, line]) + "\n"


def _letters(most: int) -> list[str]:
    if most <= 1:
        return ["b", "o"]
    return ["."] + [(chr(111 + i // 24) if i >= 24 else "") + chr(65 + i % 24) for i in range(most)]


def _tokens(cells: np.ndarray, letters: list[str]):
    """Counts with letters, row after row; dead cells at the end of a row are left out."""
    ended = 0  # rows that have ended since the last letter
    for row in cells:
        alive = np.flatnonzero(row)
        if len(alive):
            if ended:
                yield (str(ended) if ended > 1 else "") + "$"
            ended = 0
            held = row[: alive[-1] + 1]
            starts = np.concatenate([[0], np.flatnonzero(np.diff(held)) + 1, [len(held)]])
            for start, stop in pairwise(starts):
                yield (str(stop - start) if stop - start > 1 else "") + letters[held[start]]
        ended += 1
    yield "!"
