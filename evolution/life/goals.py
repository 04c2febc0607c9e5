"""What can be sought: for each goal a fitness of many strings of bits, and the proof of one by slower, exact means.

`methuselah` generations until settled · `growth` population after `GROWN` generations · `speed` and `spaceship` cells a
generation of a pattern that moves as it is · `replicator` copies of a pattern by itself. Fitness may err (fields are
small, moments may be equal by chance); what counts as found was proved, and its score is that of the proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from evolution.life import copies, growth, lifespan, travel
from evolution.life.encoding import Encoding, framed
from evolution.life.replication import replicator
from sim.life import rules
from sim.life.objects import Found
from sim.life.pattern import Pattern, PatternError

LIVED = 4800
"""Generations after which a methuselah is given up while it is one of many."""
GROWN = 480
"""Generations after which populations are compared."""
FOLLOWED = 3000
"""Generations that what has grown most is followed, to see whether its growth is linear."""


CLAIM = 1.0
"""The least fitness that is worth a proof."""


@dataclass(frozen=True)
class Find:
    """Something that was proved."""

    name: str  # what makes it another than others
    pattern: Pattern
    score: float  # the more the better
    figures: dict[str, Any]  # what the proof measured


class Claims(NamedTuple):
    """What the fast look at many strings says, `[P]`."""

    fitness: np.ndarray  # float32; more is better
    least: np.ndarray  # bool: the truth may be more, for it was not seen to the end


class Goal(Protocol):
    """One thing to seek."""

    @property
    def encoding(self) -> Encoding:
        """How strings are read."""
        ...

    @property
    def ranked(self) -> bool:
        """Whether only what may be better than the best is worth a proof; else any one that is new."""
        ...

    @property
    def spreads(self) -> bool:
        """Where rules evolve, whether what was found stays a parent, to be tried under the rules next to its own."""
        ...

    def claims(self, bits: jax.Array) -> Claims:
        """Fitness of strings `[P, D]`."""
        ...

    def proof(self, bits: np.ndarray) -> Find | None:
        """What one string `[D]` has become, if that can be proved."""
        ...


@dataclass(frozen=True)
class Methuselah:
    """Patterns that take long to settle."""

    encoding: Encoding
    ranked = True
    spreads = False

    def claims(self, bits: jax.Array) -> Claims:
        """Generations until settled; at least so many for what outgrew its field or lived for `LIVED`."""
        lives = lifespan.lifespans(list(np.asarray(self.encoding.seeds(bits))), self.encoding.rule, LIVED)
        fitness = np.array([life.generations for life in lives], np.float32)
        return Claims(fitness, np.array([life.end != "settled" for life in lives]))

    def proof(self, bits: np.ndarray) -> Find | None:
        """Its exact lifespan in fields as large as it needs; None if it does not settle."""
        pattern = self.encoding.pattern(bits)
        life = lifespan.lifespan(pattern.cells, self.encoding.rule)
        if life.end != "settled":
            return None
        figures = {"lifespan": life.generations, "cells": pattern.population, "final_population": life.population}
        about = f"methuselah: settles at generation {life.generations} with {life.population} cells"
        return Find(bits.tobytes().hex(), _named(pattern, "methuselah", about), life.generations, figures)


@dataclass(frozen=True)
class Growth:
    """Patterns that become many cells."""

    encoding: Encoding
    ranked = True
    spreads = False

    def claims(self, bits: jax.Array) -> Claims:
        """Population after `GROWN` generations."""
        start = framed(self.encoding.seeds(bits), growth.SIDE)
        return _exact(growth.grown(self.encoding.code(bits), start, jnp.int32(GROWN)))

    def proof(self, bits: np.ndarray) -> Find | None:
        """Its population on the plane, and its growth if that is linear; None if it needs too large a field."""
        pattern = self.encoding.pattern(bits)
        try:
            series = growth.populations(pattern.cells, self.encoding.rule, FOLLOWED)
        except PatternError:  # an explosion: its population then is all there is to say
            try:
                series = growth.populations(pattern.cells, self.encoding.rule, GROWN)
            except PatternError:
                return None
        found = growth.linear(series)
        figures: dict[str, Any] = {"population": int(series[GROWN]), "generation": GROWN, "cells": pattern.population}
        about = f"{series[GROWN]} cells after {GROWN} generations"
        if found is not None:
            figures |= {"period": found.period, "increment": found.increment, "linear_since": found.since}
            about += f"; from {found.since} on {found.increment} more each {found.period}"
        return Find(bits.tobytes().hex(), _named(pattern, "growth", about), float(series[GROWN]), figures)


@dataclass(frozen=True)
class Spaceship:
    """Patterns that move as they are, the faster the better; where rules evolve, one of each rule is enough."""

    encoding: Encoding
    spreads = True

    @property
    def ranked(self) -> bool:
        return self.encoding.rule is not None

    def claims(self, bits: jax.Array) -> Claims:
        """See `travel.worth`."""
        start = framed(self.encoding.seeds(bits), travel.SIDE)
        return _exact(travel.worth(travel.travel(self.encoding.code(bits), start)))

    def proof(self, bits: np.ndarray) -> Find | None:
        """The fastest spaceship that it has become."""
        rule = self.encoding.rule_of(bits)
        ships = travel.spaceships(self.encoding.pattern(bits), rule)
        if not ships:
            return None
        best = max(ships, key=_speed)
        kind = best.object
        figures = {
            "rule": rule.name,
            "period": kind.period,
            "displacement": (kind.dx, kind.dy),
            "code": kind.code,
            "cells": int(best.cells.sum()),
        }
        about = f"spaceship {kind.code}: ({kind.dx},{kind.dy}) in {kind.period} generations"
        pattern = _named(Pattern(best.cells, rule=rule.name).trimmed(), "spaceship", about)
        return Find(kind.code if self.ranked else rule.name, pattern, 1 + _speed(best), figures)


@dataclass(frozen=True)
class Replicator:
    """Patterns that copy themselves; one of each rule is enough."""

    encoding: Encoding
    ranked = False
    spreads = True

    def claims(self, bits: jax.Array) -> Claims:
        """See `copies.copies`."""
        return _exact(copies.surveyed(self.encoding.code(bits), self.encoding.seeds(bits)).worth)

    def proof(self, bits: np.ndarray) -> Find | None:
        """The replicator that it is or becomes."""
        rule = self.encoding.rule_of(bits)
        proved = replicator(self.encoding.pattern(bits).cells, rule)
        if proved is None:
            return None
        figures = {
            "rule": rule.name,
            "period": proved.period,
            "places": proved.places,
            "copies": proved.counts,
            "clean": proved.clean,
            "linear_rule": proved.linear,
            "cells": proved.pattern.population,
        }
        score = proved.clean + min(proved.pattern.population, 99) / 100  # clean ones first, then large ones
        return Find(rule.name, _named(proved.pattern, "replicator", proved.about), score, figures)


GOALS: dict[str, Callable[[Encoding], Goal]] = {
    "methuselah": Methuselah,
    "growth": Growth,
    "speed": Spaceship,
    "spaceship": Spaceship,
    "replicator": Replicator,
}
GIVEN = ("methuselah", "growth", "speed")
"""Goals for which a rule must be given; the others evolve one if none is."""
SIDES = {"methuselah": 10, "growth": 10, "speed": 6, "spaceship": 6, "replicator": 5}
"""Cells of a seed's side, unless told."""
WIDEST = {
    "methuselah": lifespan.WIDEST,
    "growth": lifespan.WIDEST,
    "speed": travel.WIDEST,
    "spaceship": travel.WIDEST,
    "replicator": copies.WIDEST,
}
"""The most that the fields of each goal have room for."""


def goal(name: str, rule: rules.Rule | None, side: int | None, symmetry: str, least_birth: int) -> Goal:
    """The goal of that name. Raises `RuleError`."""
    if name not in GOALS:
        raise rules.RuleError(f"goal {name!r}: must be one of {', '.join(GOALS)}")
    if name in GIVEN and rule is None:
        raise rules.RuleError(f"goal {name}: needs a rule, such as B3/S23")
    if rule is not None and rule.table[0]:
        raise rules.RuleError(f"rule {rule.name}: a search needs a rule under which an empty plane stays empty, no B0")
    if least_birth not in (1, 2, 3):
        raise rules.RuleError(f"least birth {least_birth}: must be 1, 2 or 3 neighbours")
    side = SIDES[name] if side is None else side
    if not 1 <= side <= WIDEST[name]:
        raise rules.RuleError(f"side {side}: seeds of the goal {name} must be from 1 to {WIDEST[name]} cells wide")
    encoding = Encoding(rule, side, symmetry, least_birth)
    return GOALS[name](encoding)


def _exact(fitness: jax.typing.ArrayLike) -> Claims:
    """Fitness `[P]` that was seen to the end."""
    held = np.asarray(fitness, np.float32)
    return Claims(held, np.zeros(len(held), bool))


def _speed(found: Found) -> float:
    return max(abs(found.object.dx), abs(found.object.dy)) / found.object.period


def _named(pattern: Pattern, name: str, about: str) -> Pattern:
    return replace(pattern, name=name, comments=(about,))
