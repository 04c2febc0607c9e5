"""The two ways in which a command fails, and how a mistyped word is answered.

A `UserError` is the user's to mend, found before anything is compiled or created (exit code 2). A
`RunError` happened while running (exit code 1). Both are a single line. Imports nothing heavy, so that
the command line can start fast.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """The input was wrong: the message names the key or path, the value and what would be right."""


class RunError(Exception):
    """The work failed while running: the message names the path or cause."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean x?` for the nearest known word, or nothing."""
    close = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f"; did you mean {close[0]}?" if close else ""
