"""Patterns and rules of cellular automata by name, from files and from stdin; and patterns into files or onto stdout.

A pattern file whose rule is not known by name may have it in a .rule file beside it. What is wrong is a `UserError`
that names the file, the line and the column.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments import files
from experiments.errors import UserError, suggestion
from sim.life import apgcode, formats, notation, patterns, rulefile
from sim.life.grids import Grid
from sim.life.pattern import LIFE, Pattern, PatternError, RuleError
from sim.life.quadtree import Sparse, sparse

LARGEST_FILE = 1 << 28
"""Bytes beyond which a file is not read."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A pattern with its rule and grid; `sparse` holds what may be too large for a field."""

    source: Pattern | Sparse
    rule: Any
    grid: Grid
    title: str

    @property
    def pattern(self) -> Pattern:
        """Cell by cell. Raises `PatternError` if it is too large for that."""
        return self.source if isinstance(self.source, Pattern) else self.source.to_pattern()

    @property
    def sparse(self) -> Sparse:
        """As a quadtree."""
        return sparse(self.source) if isinstance(self.source, Pattern) else self.source


def load(text: str, rule: str | None = None) -> Loaded:
    """The pattern that `text` names: a built-in one, a file, or - for stdin. `rule` overrides its own."""
    path = Path(text).expanduser()
    if text == "-":
        source, title = _read("stdin", _stdin(), ""), "stdin"
    elif path.suffix == ".rule":
        raise UserError(f"PATTERN {text!r}: is a rule and no pattern; give it to --rule")
    elif path.is_file():
        source, title = _read(text, _bytes(path), path.suffix), path.stem
    else:
        source, title = _built_in(text), text
    try:
        asked = rule if rule is not None else source.rule or LIFE
        return Loaded(source, *rule_of(asked, path.parent), title)
    except RuleError as error:
        where = "--rule: " if rule is not None else f"{title}: " if source.rule else ""
        raise UserError(f"{where}{error}") from None
    except PatternError as error:
        raise UserError(f"{rule or source.rule}: {error}") from None


def rule_of(text: str, beside: Path | None = None) -> tuple[Any, Grid]:
    """A rule by its notation, by the path of a .rule file, or by the name of one in `beside`; a grid may follow.

    Raises `RuleError`, or `PatternError` for what is wrong in the file.
    """
    head, _, tail = text.partition(":")
    named = Path(head.strip()).expanduser()
    if named.suffix == ".rule":
        path = named
    else:
        try:
            return notation.parse(text)
        except RuleError:
            path = (beside or Path()) / f"{named.name}.rule"
            if not named.name or not path.is_file():
                raise
    rule = rulefile.parse(_bytes(path).decode(errors="replace"))
    return rule, notation.parse(LIFE + (f":{tail}" if tail else ""))[1]


def _built_in(text: str) -> Pattern:
    """A pattern by name, or by its apgcode."""
    if re.fullmatch(r"x[spq]\d+_[0-9a-z]+", text):
        try:
            return Pattern(apgcode.pattern(text), name=text)
        except ValueError as error:
            raise UserError(f"PATTERN {error}") from None
    try:
        return patterns.named(text)
    except PatternError:
        near = suggestion(text.lower(), patterns.PATTERNS)
        if Path(text).expanduser().is_dir():
            near = "; it is a folder"
        right = "must be a file, - for stdin, or a built-in pattern (firstword life patterns lists them)"
        raise UserError(f"PATTERN {text!r}: {right}{near}") from None


def _read(name: str, data: bytes, suffix: str) -> Pattern | Sparse:
    text = data.decode("utf-8-sig", errors="replace")  # Windows may put a mark before the text
    try:
        large = formats.recognised(text, suffix) == "mc"
        return formats.read_sparse(text, suffix) if large else formats.read(text, suffix)
    except PatternError as error:
        raise UserError(f"{name}: {error}") from None


def _stdin() -> bytes:
    if sys.stdin is None:
        raise UserError("PATTERN -: stdin is closed; give a file or a built-in name")
    data = sys.stdin.buffer.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise UserError(f"stdin: is larger than {LARGEST_FILE >> 20} MiB")
    return data


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UserError(f"{path}: is larger than {LARGEST_FILE >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def destination(text: str) -> str:
    """The format of what is to be written to a path, or to stdout for -; checked before any work."""
    if text == "-":
        return "rle"
    form = formats.SUFFIXES.get(Path(text).suffix.lower().removeprefix("."))
    if form is None:
        raise UserError(f"--out {text!r}: must be - or end in one of {', '.join(f'.{s}' for s in formats.SUFFIXES)}")
    if not Path(text).expanduser().parent.is_dir():
        raise UserError(f"--out {text!r}: there is no folder {Path(text).parent}")
    return form


def save(pattern: Pattern | Sparse, text: str) -> None:
    """Writes a pattern to a path, by its suffix, or to stdout for -."""
    try:
        data = formats.write(pattern, destination(text))
    except PatternError as error:
        raise UserError(f"--out {text!r}: {error}") from None
    if text == "-":
        sys.stdout.write(data)
    else:
        files.write_whole(Path(text).expanduser(), data)
