"""Search for patterns and rules of cellular automata by evolution, generation by generation, with proof of each find.

The goals are those of `evolution.life.goals`. A search starts from random strings alone. Whatever the fitness claims is
proved by exact means before it counts, and if the proof says less, so does the fitness from then on. An evolved rule
in which something was found, or that was tried often enough, is worth nothing, so that the search goes on to others;
the find itself stays a parent, so that it is tried under the rules next to its own. `control` replaces selection by
random search with as many evaluations, to compare with. Files are written elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from evolution.life.bits import BitGenetic, RandomBits
from evolution.life.goals import CLAIM, Claims, Find, Goal
from evolution.life.goals import goal as named
from sim.life.grids import PLANE, Grid
from sim.life.pattern import Pattern, RuleError
from sim.life.rules import Rule

PROOFS = 4
"""Most proofs in a generation: they are slow."""
IMMIGRANTS = 0.1
"""Share of a generation that is random where rules evolve: most rules lead nowhere, and their neighbours do too."""
PATIENCE = 512
"""Evaluations of an evolved rule after which the search turns to others."""

_begun = jax.jit(lambda algorithm, key: algorithm.init(key))
_told = jax.jit(lambda algorithm, key, state, fitness: algorithm.tell(key, state, fitness))


class Turn(NamedTuple):
    """A generation."""

    generation: int  # from 1
    evaluations: int  # so far
    best: float  # fitness
    mean: float
    found: int  # proved so far: records of a goal that has a measure, else rules or objects
    last: str  # what the latest find is, in a line; empty before the first


@dataclass
class _Search:
    """What a search knows."""

    goal: Goal
    finds: dict[str, Find] = field(default_factory=dict)
    when: dict[str, int] = field(default_factory=dict)  # evaluations at which each was found
    judged: dict[bytes, float] = field(default_factory=dict)  # fitness by proof
    parents: set[bytes] = field(default_factory=set)  # strings that were the first find in their rule
    tried: dict[int, int] = field(default_factory=dict)  # evaluations of each rule, if rules evolve; `PATIENCE`: done

    @property
    def record(self) -> float:
        return max((find.score for find in self.finds.values()), default=-np.inf)

    @property
    def result(self) -> dict[str, Any]:
        """What was found, the best first."""
        finds = sorted(self.finds.values(), key=lambda find: -find.score)
        failed = f"nothing found, {len(self.judged)} claims failed the proof"
        return {
            "outcome": f"{len(finds)} found" if finds else failed,
            "found": [find.figures | {"score": find.score, "evaluations": self.when[find.name]} for find in finds],
            "patterns": [find.pattern for find in finds],
        }

    def corrected(self, bits: np.ndarray, claims: Claims, evaluations: int) -> np.ndarray:
        """Fitness `[P]` after the proofs of this generation."""
        fitness = np.nan_to_num(claims.fitness.astype(np.float32))
        rows = [row.tobytes() for row in bits]
        for index, row in enumerate(rows):
            fitness[index] = self.judged.get(row, fitness[index])
        rules = self.goal.encoding.numbers(bits)
        self._bar(rules, rows, fitness)
        for _ in range(PROOFS):
            fresh = np.array([row not in self.judged for row in rows]) & (fitness >= CLAIM)
            if self.goal.ranked:
                fresh &= (fitness > self.record) | claims.least
            if not fresh.any():
                break
            top = int(np.argmax(np.where(fresh, fitness, -np.inf)))
            find = self.goal.proof(bits[top])
            new = find is not None and find.name not in self.finds
            value = find.score if find is not None and self.goal.ranked else fitness[top] if new else 0.0
            self.judged[rows[top]] = value
            fitness[[row == rows[top] for row in rows]] = value
            if find is not None:
                self._note(find, evaluations)
                self.tried[rules[top]] = PATIENCE
                if new and self.goal.spreads:
                    self.parents.add(rows[top])
                self._bar(rules, rows, fitness)
        for rule, number in zip(*np.unique(rules, return_counts=True), strict=True):
            self.tried[rule] = self.tried.get(rule, 0) + int(number)
        return fitness

    def _note(self, find: Find, evaluations: int) -> None:
        if find.name in self.finds or (self.goal.ranked and find.score <= self.record):
            return
        self.finds[find.name] = find
        self.when[find.name] = evaluations

    def _bar(self, rules: np.ndarray, rows: list[bytes], fitness: np.ndarray) -> None:
        """Nothing for strings whose rule was tried enough, but for what was found first."""
        if self.goal.encoding.rule is None:
            done = [self.tried.get(rule, 0) >= PATIENCE for rule in rules]
            fitness[[old and row not in self.parents for old, row in zip(done, rows, strict=True)]] = 0.0


def search(
    goal: str,
    rule: Rule | None = None,
    grid: Grid = PLANE,
    *,
    generations: int = 40,
    population: int = 256,
    seed: int = 0,
    side: int | None = None,
    symmetry: str = "C1",
    least_birth: int = 2,
    control: bool = False,
    wanted: int = 0,
) -> Iterator[Turn | dict[str, Any]]:
    """Yields a `Turn` for each generation, and at last the result.

    The result has `outcome`, a line that says whether anything was found; `found`, a dict of figures for each find, the
    best first; and `patterns`, a `Pattern` for each of them. `wanted` ends the search when so much was found, which for
    a goal that has a measure is how often the record was broken; 0: never. Raises `RuleError`.
    """
    if grid != PLANE:
        raise RuleError(f"grid {grid.name}: a search is on the plane without end")
    what = named(goal, rule, side, symmetry, least_birth)
    length = what.encoding.length
    immigrants = 0.0 if rule is not None else IMMIGRANTS
    algorithm = RandomBits(length, population) if control else BitGenetic(length, population, immigrants=immigrants)
    known, began = _Search(what), time.perf_counter()
    key = jax.random.key(seed)
    state = _begun(algorithm, jax.random.fold_in(key, 0))
    number, top = 0, -np.inf
    stopped = False
    for number in range(1, generations + 1):
        try:
            k_ask, k_tell = jax.random.split(jax.random.fold_in(key, number))
            bits, state = algorithm.ask(k_ask, state)
            fitness = known.corrected(np.asarray(bits), what.claims(bits), number * population)
            state = _told(algorithm, k_tell, state, jnp.asarray(fitness))
        except KeyboardInterrupt:  # what was found so far is not lost
            number, stopped = number - 1, True
            break
        top = max(top, float(fitness.max()))
        last = next((find.pattern.comments[0] for find in reversed(known.finds.values())), "")
        count = number * population, float(fitness.max()), float(fitness.mean())
        yield Turn(number, *count, len(known.finds), last)
        if wanted and len(known.finds) >= wanted:
            break
    asked = {"goal": goal, "rule": rule.name if rule is not None else "", "algorithm": "random" if control else "ga"}
    lived = {"generations": number, "interrupted": stopped, "evaluations": number * population, "best_fitness": top}
    yield asked | {"seed": seed} | lived | {"seconds": time.perf_counter() - began} | known.result


def best(result: dict[str, Any]) -> Pattern | None:
    """The pattern of the best find of a result, if there is one."""
    return result["patterns"][0] if result["patterns"] else None
