"""The grammar of `firstword life …`; what the commands do is in `experiments.life_commands`. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

ALGORITHMS, SWEPT = ("auto", "field", "hashlife"), ("all", "elementary", "life")
GOALS = ("methuselah", "growth", "speed", "spaceship", "replicator")
SYMMETRIES = ("C1", "C2", "C4", "D2_+", "D2_x", "D4_+", "D4_x", "D8")
PATTERN = "a file (RLE, .cells, Life 1.05 or 1.06, macrocell), - for stdin, a built-in name or an apgcode"
RULE = "Golly's notation, such as B36/S23 or B3/S23:T64,64, or a .rule file (default: the pattern's own)"
MOST_GENERATIONS = 10**18


def generations(text: str) -> int:
    """A number of generations, for argparse."""
    if not text.isdecimal() or len(text) > 19 or int(text) > MOST_GENERATIONS:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 0 to {MOST_GENERATIONS}")
    return int(text)


def life(
    add: Callable[[str, str], Any], count: Callable[[str], int], seed: Callable[[str], int], json: Callable[[Any], None]
) -> None:
    """Adds the commands; `add(name, about)` gives the parser of one, the others are as in `experiments.arguments`."""
    one = add("run", "a pattern after some generations")
    one.add_argument("pattern", metavar="PATTERN", help=PATTERN)
    one.add_argument("--generations", metavar="N", type=generations, required=True, help="0 only converts")
    one.add_argument("--rule", metavar="RULE", help=RULE)
    told = "write the pattern here (.rle, .cells, .lif, .mc), or as RLE to stdout for -"
    one.add_argument("--out", metavar="FILE", help=told)
    one.add_argument("--algorithm", choices=ALGORITHMS, default="auto", help="default: auto; the result is the same")
    json(one)
    one = add("identify", "the objects of a settled pattern, by apgcode")
    one.add_argument("pattern", metavar="PATTERN", help=PATTERN)
    one.add_argument("--rule", metavar="RULE", help=RULE)
    json(one)
    one = add("census", "the objects that random soups settle into")
    one.add_argument("--soups", metavar="N", type=count, default=10_000, help="default: 10000")
    one.add_argument("--rule", metavar="RULE", default="B3/S23", help="a rule of two states (default: B3/S23)")
    one.add_argument("--seed", metavar="S", type=seed, default=0, help="default: 0")
    one.add_argument("--quiet", action="store_true", help="no progress")
    json(one)
    _measures(add("measure", "measures of emergence, beside a shuffled control"), count, seed, json)
    _sweep(add("sweep", "rules in the plane of lambda, entropy and damage"), count, seed, json)
    _search(add("search", "evolution looks for patterns, or for rules and patterns"), count, seed, json)
    json(add("patterns", "the built-in patterns, one line each"))
    one = add("watch", "an automaton in the viewer, to draw on")
    one.add_argument("pattern", metavar="PATTERN", nargs="?", help=f"{PATTERN} (default: an empty field)")
    one.add_argument("--rule", metavar="RULE", help=RULE)


def _measures(one: Any, count: Callable[[str], int], seed: Callable[[str], int], json: Callable[[Any], None]) -> None:
    one.add_argument("target", metavar="RULE|PATTERN|RUN", help="a rule (on random soup), a pattern, or a run's folder")
    one.add_argument("--rule", metavar="RULE", help="of a PATTERN: another than its own")
    one.add_argument("--field", metavar="FIELD", help="of a RUN: plants, meat, poison, scent, agents, …")
    one.add_argument("--size", metavar="N", type=count, help="cells on a side of the soup, or of the window on a plane")
    one.add_argument("--generations", metavar="T", type=generations, help="before the first frame; of a RUN, the tick")
    one.add_argument("--frames", metavar="K", type=count, default=16, help="default: 16")
    one.add_argument("--every", metavar="T", type=count, help="generations between frames (default: 1; of a RUN 20)")
    one.add_argument("--bins", metavar="B", type=count, default=3, help="of a RUN: symbols of a field (default: 3)")
    one.add_argument("--seed", metavar="S", type=seed, default=0, help="of soup and control (default: 0)")
    json(one)


def _sweep(one: Any, count: Callable[[str], int], seed: Callable[[str], int], json: Callable[[Any], None]) -> None:
    told = "elementary (all 256), life (named and drawn ones that count neighbours), or all (default)"
    one.add_argument("what", metavar="WHAT", nargs="?", choices=SWEPT, default="all", help=told)
    one.add_argument("--rules", metavar="N", type=count, default=200, help="rules that are drawn (default: 200)")
    one.add_argument("--soups", metavar="K", type=count, default=3, help="of each rule (default: 3)")
    one.add_argument("--seed", metavar="S", type=seed, default=0, help="default: 0")
    one.add_argument("--out", metavar="DIR", help="folder for tables (CSV) and plots")
    json(one)


def _search(one: Any, count: Callable[[str], int], seed: Callable[[str], int], json: Callable[[Any], None]) -> None:
    one.add_argument("goal", metavar="GOAL", choices=GOALS, help=", ".join(GOALS))
    one.add_argument("--rule", metavar="RULE", help="search under this rule (default: rules evolve, where GOAL can)")
    one.add_argument("--generations", metavar="N", type=count, default=40, help="of the search (default: 40)")
    one.add_argument("--population", metavar="P", type=count, default=256, help="default: 256")
    one.add_argument("--side", metavar="N", type=count, help="cells on a side of the patterns that are tried")
    one.add_argument("--symmetry", choices=SYMMETRIES, default="C1", help="of the patterns (default: C1, none)")
    told = "fewest neighbours at which evolved rules give birth (default: 2; with 1 almost everything copies itself)"
    one.add_argument("--least-birth", metavar="N", type=count, default=2, help=told)
    one.add_argument("--control", action="store_true", help="random search with as many evaluations")
    one.add_argument("--wanted", metavar="K", type=count, default=0, help="stop when so many were found")
    one.add_argument("--seed", metavar="S", type=seed, default=0, help="default: 0")
    one.add_argument("--out", metavar="FILE", help="write the best find here (.rle, …), or as RLE to stdout for -")
    one.add_argument("--quiet", action="store_true", help="no progress")
    json(one)
