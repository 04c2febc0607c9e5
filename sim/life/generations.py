"""Generations: two-state rules whose cells do not die at once but age, deaf and dumb, through further states.

State 0 is dead, 1 alive; a living cell that does not survive goes through 2, 3, … and is dead again after the last.
Only state 1 counts as a neighbour, and only dead cells can be born. The rule is data: another one compiles nothing.
Sources: Mirek Wojtowicz's MCell (the family and its notation); Brian Silverman (Brian's Brain, /2/3); Golly's help.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from sim.life import rules
from sim.life.pattern import RuleError

MOST_STATES = 256
_BSC = re.compile(r"(?P<rule>B[^/]*/S[^/]*)/[CG]?(?P<states>\d+)(?P<where>[VH]?)", re.IGNORECASE)
_SBC = re.compile(r"(?P<rule>[0-8a-z-]*/[0-8a-z-]*)/(?P<states>\d+)(?P<where>[VH]?)", re.IGNORECASE)
_MAP = re.compile(r"(?P<rule>MAP[^:]{86}=*)/(?P<states>\d+)(?P<where>)", re.IGNORECASE)


@partial(jax.tree_util.register_dataclass, data_fields=["table", "num_states"], meta_fields=[])
@dataclass(frozen=True, eq=False)
class Generations:
    """A rule of the family. All of it is data, so rules can be stacked and mapped over."""

    table: np.ndarray | jax.Array  # [512] whether a dead cell is born, a living one stays: indexed as `Rule.table`
    num_states: int  # 2 … 256, dead and alive counted

    radius = 1

    @property
    def name(self) -> str:
        """Golly's name: survival/birth/states, as in 345/2/4; on the host only."""
        name = rules.from_table(np.asarray(self.table)).name
        if name.startswith("MAP"):
            return f"{name}/{self.num_states}"
        birth, survival = name.split("/")
        where = survival[-1] if survival[-1] in "VH" else ""
        return f"{survival[1:].removesuffix(where)}/{birth[1:]}/{self.num_states}{where}"

    @property
    def quiescent(self) -> bool:
        """Whether an empty plane stays empty; on the host only."""
        return not self.table[0]

    def next(self, padded: jax.Array) -> jax.Array:
        """States `[H, W]` uint8 of the next generation, from those `[H + 2, W + 2]` of this one and of its rim."""
        kept = jnp.asarray(self.table)[neighbourhood(padded == 1)] != 0
        return aged(padded[1:-1, 1:-1], kept, self.num_states)


def parse(text: str) -> Generations:
    """The rule that `text` names: 345/2/4, B2/S345/C4 or B2/S345/4, with V, H or letters as in two-state rules.

    Raises `RuleError`.
    """
    found = _BSC.fullmatch(text) or _SBC.fullmatch(text) or _MAP.fullmatch(text)
    if found is None:
        raise RuleError(f"rule {text!r}: must be like 345/2/4 (survival/birth/states) or B2/S345/C4")
    states = int(found["states"])
    if not 2 <= states <= MOST_STATES:
        raise RuleError(f"rule {text!r}: states must be from 2 to {MOST_STATES}, not {states}")
    return Generations(rules.parse(found["rule"] + found["where"]).table, states)


def neighbourhood(alive: jax.Array) -> jax.Array:
    """Index `[H, W]` into a rule's table of 512, from `alive` `[H + 2, W + 2]` boolean: NW is the highest bit."""
    height, width = alive.shape[0] - 2, alive.shape[1] - 2
    index = jnp.zeros((height, width), jnp.int32)
    for row in range(3):
        for column in range(3):
            index = 2 * index + alive[row : row + height, column : column + width]
    return index


def aged(cells: jax.Array, kept: jax.Array, num_states: int | jax.Array) -> jax.Array:
    """Next states `[H, W]` uint8: `kept` says of the dead whether they are born, of the living whether they stay."""
    older = cells.astype(jnp.int32) + 1
    older = jnp.where(older < num_states, older, 0)
    return jnp.where(cells == 0, kept, jnp.where((cells == 1) & kept, 1, older)).astype(jnp.uint8)
