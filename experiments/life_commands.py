"""What `firstword life …` does: checks what it is told, lets `sim.life` work, prints figures or writes patterns."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import Counter
from functools import partial
from typing import Any

from experiments import life_files, printing
from experiments.errors import UserError
from experiments.progress import Progress, say
from sim.life.grids import PLANE
from sim.life.pattern import PatternError, RuleError
from sim.life.rules import Rule

DONE = 0
SWEPT = ("rule", "name", "class", "class_measured", "lambda", "density", "entropy_rate", "excess_entropy", "damage")
"""Columns of a sweep that are shown on a terminal."""


def run(args: Namespace) -> int:
    """`life run`: a pattern after some generations."""
    from experiments import life_run, loop

    _one_stdout(args)
    loop.cache()
    loaded = life_files.load(args.pattern, args.rule)
    figures, result = life_run.run(loaded, args.generations, args.algorithm, args.json or args.out == "-")
    if args.out != "-":  # first, so that they are not lost if the pattern cannot be written
        printing.show(figures | ({"out": args.out} if args.out else {}), args.json)
    if args.out is not None:
        life_files.save(result, args.out)
    return DONE


def identify(args: Namespace) -> int:
    """`life identify`: the objects of a pattern."""
    from sim.life import objects

    loaded = life_files.load(args.pattern, args.rule)
    if loaded.grid.name:
        raise UserError(
            f"life identify: objects are those of the endless plane, not of {loaded.grid.name}; give --rule"
        )
    try:
        found = objects.identify(loaded.pattern.cells, _plane_rule(loaded.rule, "life identify"))
    except PatternError as error:
        raise UserError(f"{loaded.title}: {error}") from None
    counts = Counter(each.object for each in found)
    rows = [_object(kind) | {"count": number} for kind, number in counts.most_common()]
    result = {"pattern": loaded.title, "rule": loaded.rule.name, "objects": len(found), "kinds": rows}
    printing.show(result, args.json)
    return DONE


def _object(kind: Any) -> dict[str, Any]:
    """What is known of a kind of object."""
    known = {"code": kind.code, "name": kind.name, "period": kind.period, "dx": kind.dx, "dy": kind.dy}
    return known | {"population": kind.population}


def census(args: Namespace) -> int:
    """`life census`: objects of many random soups."""
    from experiments import loop
    from sim.life import census as counting

    loop.cache()
    rule, grid = _rule(args.rule)
    if grid.name:
        raise UserError(f"--rule {args.rule!r}: soups of a census live on the endless plane; leave {grid.name} out")
    began = time.perf_counter()
    tally, stopped = counting.Tally(), False
    with Progress("census", args.soups, "soup", args.quiet or args.json) as progress:
        try:
            for tally in counting.census(_plane_rule(rule, "life census"), args.soups, args.seed):
                found = sum(tally.objects.values())
                progress.update(tally.soups, partial("{:,} objects".format, found))
        except KeyboardInterrupt:
            stopped = True
    printing.show(_counted(tally, args, rule.name, time.perf_counter() - began), args.json)
    if stopped:
        raise KeyboardInterrupt(f"the table is of the {tally.soups:,} soups that had settled by then, the quicker ones")
    return DONE


def _counted(tally: Any, args: Namespace, rule: str, seconds: float) -> dict[str, Any]:
    """The table of a census, most common objects first."""
    from sim.life import apgcode

    total = sum(tally.objects.values())
    rows = []
    for code, number in sorted(tally.objects.items(), key=lambda item: (-item[1], item[0])):
        rows.append({"code": code, "name": apgcode.COMMON.get(code, ""), "count": number, "share": number / total})
    result = {"rule": rule, "soups": tally.soups, "seed": args.seed, "unsettled": tally.unsettled}
    result |= {"objects": total, "objects_per_soup": total / max(tally.soups, 1), "kinds": len(rows)}
    result |= {"longest": tally.longest, "longest_soup": tally.longest_soup}
    result |= {"seconds": round(seconds, 2), "soups_per_s": round(tally.soups / seconds, 1)}
    return result | {"census": rows}


def measure(args: Namespace) -> int:
    """`life measure`: measures of emergence beside their control."""
    from experiments import life_measure, loop

    loop.cache()
    options = {name: getattr(args, name) for name in ("size", "frames", "every", "seed", "bins", "rule", "field")}
    printing.show(life_measure.measure(args.target, generations=args.generations, **options), args.json)
    return DONE


def sweep(args: Namespace) -> int:
    """`life sweep`: rules by their measures, and how the classes lie in them."""
    from experiments import files, life_figures, life_sweep, loop

    loop.cache()
    folder = files.folder(args.out) if args.out is not None else None
    result = life_sweep.sweep(args.what, args.rules, args.soups, args.seed)
    if folder is not None:
        for kind in ("elementary", "life"):
            if kind in result:
                columns = list(result[kind][0])
                rows = [columns, *([row[name] for name in columns] for row in result[kind])]
                files.write_whole(folder / f"{kind}.csv", files.csv_text(rows))
        for name, picture in life_figures.pictures(result).items():
            files.write_whole(folder / name, picture)
    shown = result if args.json else _abridged(result)
    printing.show(shown | ({"out": str(folder)} if folder else {}), args.json)
    return DONE


def _abridged(result: dict[str, Any]) -> dict[str, Any]:
    """A sweep with the columns of its rows that fit a terminal."""
    few = {
        kind: [{k: row[k] for k in SWEPT if k in row} for row in result.get(kind, [])]
        for kind in ("elementary", "life")
    }
    return result | {kind: rows for kind, rows in few.items() if rows}


def search(args: Namespace) -> int:
    """`life search`: what evolution found, and the best of it as a file."""
    from experiments import life_search, loop

    _one_stdout(args)
    loop.cache()
    rule, grid = _rule(args.rule) if args.rule is not None else (None, PLANE)
    rule = None if rule is None else _plane_rule(rule, "life search")
    names = ("generations", "population", "seed", "side", "symmetry", "least_birth", "control", "wanted")
    options = {name: getattr(args, name) for name in names}
    result: Any = None
    with Progress(f"search for a {args.goal}", args.generations, "generation", args.quiet or args.json) as progress:
        try:
            for result in life_search.search(args.goal, rule, grid, **options):
                if isinstance(result, life_search.Turn):
                    told = f"best {result.best:,.4g}, {result.found} found {result.last}".rstrip()
                    progress.update(result.generation, partial(str, told))
        except (RuleError, PatternError) as error:
            raise UserError(str(error)) from None
    found, best = {k: v for k, v in result.items() if k != "patterns"}, life_search.best(result)
    if args.out is not None and best is not None:
        life_files.save(best, args.out)
    elif args.out is not None:
        say(f"{result['outcome']}, so nothing is written to {args.out}", quiet=False)
    if args.out != "-":
        printing.show(found | ({"out": args.out} if args.out and best else {}), args.json)
    if result["interrupted"]:
        raise KeyboardInterrupt(f"after {result['generations']} of {args.generations} generations; {result['outcome']}")
    return DONE


def patterns(args: Namespace) -> int:
    """`life patterns`: the built-in ones."""
    from sim.life import patterns as built_in

    rows = [{"name": name, "rule": known.rule, "about": known.about} for name, known in built_in.PATTERNS.items()]
    if args.json:
        printing.print_json(rows)
    else:
        printing.table(["name", "rule", "about"], [list(row.values()) for row in rows])
    return DONE


def watch(args: Namespace) -> int:
    """`life watch`: a pattern in the viewer."""
    from experiments import life_watch

    if args.pattern is None:
        rule, grid = _rule(args.rule or "B3/S23")
        life_watch.watch(None, rule, grid, rule.name)
        return DONE
    loaded = life_files.load(args.pattern, args.rule)
    try:
        life_watch.watch(loaded.pattern, loaded.rule, loaded.grid, loaded.title)
    except PatternError as error:
        raise UserError(f"{loaded.title}: {error}") from None
    return DONE


def _one_stdout(args: Namespace) -> None:
    """Refuses an --out that cannot be written to, before any work."""
    if args.json and args.out == "-":
        raise UserError("--json and --out - both want stdout; give one of them")
    if args.out is not None:
        life_files.destination(args.out)


def _rule(text: str) -> tuple[Any, Any]:
    try:
        return life_files.rule_of(text)
    except (RuleError, PatternError) as error:
        raise UserError(f"--rule: {error}") from None


def _plane_rule(rule: Any, who: str) -> Rule:
    """The rule itself if objects can be told apart under it."""
    if not isinstance(rule, Rule) or rule.table[0]:
        raise UserError(f"{who}: needs a rule of two states without B0, such as B3/S23, not {rule.name}")
    return rule
