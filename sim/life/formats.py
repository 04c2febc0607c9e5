"""Reads and writes patterns as text, whichever format: recognised by what the text says, and only then by its suffix.

RLE, `.cells`, Life 1.05 and 1.06, macrocell; files are opened elsewhere. Sources: `sim.life.rle`, `.plaintext`,
`.macrocell`; the order of recognition follows Golly's `loadpattern`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sim.life import macrocell, plaintext, rle
from sim.life.pattern import Pattern, PatternError
from sim.life.quadtree import Sparse, sparse

_READERS: dict[str, Callable[[str], Pattern]] = {
    "rle": rle.parse,
    "cells": plaintext.parse_cells,
    "life": plaintext.parse_life,
    "mc": lambda text: macrocell.parse(text).to_pattern(),
}
_WRITERS: dict[str, Callable[[Pattern], str]] = {
    "rle": rle.text,
    "cells": plaintext.cells_text,
    "life": plaintext.life_text,
    "mc": lambda pattern: macrocell.text(sparse(pattern)),
}
FORMATS = tuple(_WRITERS)
"""Names that `write` knows."""
SUFFIXES = {"lif": "life", "life": "life", "l": "life"} | {name: name for name in _READERS}
"""Formats by the suffix of a file, without its dot."""
_DRAWN = re.compile(r"[.O*\s]*")


def recognised(text: str, hint: str = "") -> str:
    """The format of a text: one of `FORMATS`. `hint`: suffix of the file, where the text may be either."""
    first = next((line for line in text.splitlines() if line.strip()), "").lstrip()
    if first.startswith("[M"):
        return "mc"
    if first.startswith(("#Life", "#P ")):
        return "life"
    if first.startswith("#") or re.match(r"x\s*=", first, re.IGNORECASE):
        return "rle"
    if first.startswith("!") and not re.fullmatch(r"!\s*", text):
        return "cells"
    named = SUFFIXES.get(hint.lower().rpartition(".")[2])
    if named is not None:
        return named
    return "cells" if _DRAWN.fullmatch(text) else "rle"


def read(text: str, hint: str = "") -> Pattern:
    """The pattern of a text in any format. Raises `PatternError` with line and column."""
    return _READERS[recognised(text, hint)](text)


def read_sparse(text: str, hint: str = "") -> Sparse:
    """As `read`, but as a quadtree: a macrocell may describe more cells than any field holds."""
    if recognised(text, hint) == "mc":
        return macrocell.parse(text)
    return sparse(read(text, hint))


def write(pattern: Pattern | Sparse, form: str) -> str:
    """The pattern as text in one of `FORMATS`. Raises `PatternError` where the format cannot hold it."""
    if form not in _WRITERS:
        raise PatternError(f"format {form!r}: must be one of {', '.join(FORMATS)}")
    if isinstance(pattern, Sparse):
        return macrocell.text(pattern) if form == "mc" else _WRITERS[form](pattern.to_pattern())
    return _WRITERS[form](pattern)
