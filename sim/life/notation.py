"""From the text of a rule, grid included, to the rule and its grid: Golly's notation for every family.

`B3/S23`, `23/3`, `B2-a/S12`, `B2/S34H`, `MAP…` two states · `B2/S/C3`, `/2/3` Generations · `W110` elementary ·
`R5,C0,M1,S34..58,B34..45,NM` Larger than Life · names such as LangtonsLoop or Wireworld for tables that come with the
program, and of some two-state rules. After a colon a bounded grid (`sim.life.grids`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sim.life import elementary, generations, grids, larger, loops, rules
from sim.life.elementary import Elementary
from sim.life.grids import PLANE, Grid
from sim.life.pattern import RuleError

NAMES = {
    "Life": "B3/S23",
    "HighLife": "B36/S23",
    "Day & Night": "B3678/S34678",
    "Seeds": "B2/S",
    "34 Life": "B34/S34",
    "Replicator": "B1357/S1357",
    "Diamoeba": "B35678/S5678",
    "2x2": "B36/S125",
    "Morley": "B368/S245",
    "Anneal": "B4678/S35678",
    "Maze": "B3/S12345",
    "LongLife": "B345/S5",
    "Life without Death": "B3/S012345678",
    "tlife": "B3/S2-i34q",
    "Just Friends": "B2-a/S12",
    "Brian's Brain": "/2/3",
    "Star Wars": "345/2/4",
    "Bosco": "R5,C0,M1,S34..58,B34..45,NM",
}
"""Rules that have a name of their own."""
_PLAIN = {re.sub(r"[^a-z0-9]", "", name.lower()): text for name, text in NAMES.items()}


def parse(text: str) -> tuple[Any, Grid]:
    """The rule of any family and the grid that `text` names. Raises `RuleError`."""
    head, colon, tail = text.strip().partition(":")
    head = head.strip()
    if not head:
        raise RuleError(f"rule {text!r}: must be like B3/S23, 23/3, /2/3, W110, LangtonsLoop or B3/S23:T64,64")
    rule = _rule(_PLAIN.get(re.sub(r"[^a-z0-9]", "", head.lower()), head))
    grid = grids.parse(tail) if colon else PLANE
    if isinstance(rule, Elementary):
        grid = _line(grid, text)
    grid.check(rule.radius)
    return rule, grid


def _rule(text: str) -> Any:
    if text[:3].upper() == "MAP":  # whose letters may be slashes
        return (generations if re.fullmatch(r".{89}=*/\d+", text) else rules).parse(text)
    if re.fullmatch(r"W\d+", text, re.IGNORECASE):
        return elementary.parse(text)
    if re.match(r"R?\d+,", text, re.IGNORECASE):
        return larger.parse(text)
    if text.count("/") == 2:
        return generations.parse(text)
    if "/" in text or re.fullmatch(r"b[0-8].*s.*", text, re.IGNORECASE):
        return rules.parse(text)
    try:
        return loops.named(text)
    except RuleError as unknown:
        names = ", ".join(NAMES)
        raise RuleError(f"{unknown}; nor {names}; or write it like B3/S23") from None


def _line(grid: Grid, text: str) -> Grid:
    """The grid of a row: one cell high."""
    if grid.kind not in ("plane", "torus") or any(grid.shift):
        raise RuleError(f"rule {text!r}: a row of cells lives on a plane or an unshifted torus, such as W110:T64")
    return replace(grid, height=1)
