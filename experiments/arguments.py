"""The grammar of the command line: commands, options and their help. What they do is in `experiments.cli`.

Mistakes are a `UserError` of one line with the nearest right word, where argparse would print a page.
Imports nothing heavy, so that `--help` is instant.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from experiments.errors import UserError, suggestion
from experiments.life_arguments import life

FORMATS = ("json", "neat-python", "graphml", "dot", "all")
POPULATIONS, SPEED_TASKS = (150, 1000, 5000, 20_000), ("xor", "cartpole")
SET_HELP = "override a key of the config, e.g. --set run.ticks=1000; repeatable"


class Parser(argparse.ArgumentParser):
    """An argparse parser without abbreviations that raises `UserError`."""

    def __init__(self, **kwargs: Any):
        super().__init__(**{**kwargs, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see {self.prog} --help)")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            names = [str(choice) for choice in action.choices]
            hint = suggestion(str(value), names) or f"; must be one of {', '.join(names)}"
            what = action.metavar or "/".join(action.option_strings) or action.dest
            raise UserError(f"{what} {value!r} is unknown{hint}")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, extra = super().parse_known_args(args, namespace)
        if extra:
            known = {option.lstrip("-"): option for option in self._option_string_actions}
            near = suggestion(extra[0].partition("=")[0].lstrip("-"), known) if extra[0].startswith("-") else ""
            near = near.replace("did you mean ", "did you mean --")
            raise UserError(f"{self.prog}: {extra[0]!r} is not understood{near} (see {self.prog} --help)")
        return found, extra


def count(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 to {2**31 - 1}")
    return number


def seed(text: str) -> int:
    """A seed, for argparse."""
    if not text.isdecimal() or len(text) > 10 or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 0 to {2**32 - 1}")
    return int(text)


def share(text: str) -> float:
    """A share of more than none and less than all, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number between 0 and 1")
    return number


def parser(handlers: Mapping[str, Callable[[argparse.Namespace], int]]) -> Parser:
    """The parser; `handlers` by command, such as "run" and "assay garden"."""
    top = Parser(prog="firstword", description="Evolves creatures in a 2D world, shows them and measures them.")
    top.add_argument("--version", action="store_true", help="print the version and leave")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    _run(_add(commands, handlers, "run", "evolve a config, or go on with a run"))
    _watch(_add(commands, handlers, "watch", "see a config live, or a run again"))
    _analyse(_add(commands, handlers, "analyse", "tables, plots and a report of runs"))
    _compare(_add(commands, handlers, "compare", "learned, evolved and hand-written minds on equal terms"))
    _export(_add(commands, handlers, "export", "genomes of a run for other programs"))
    configs = _add(commands, handlers, "configs", "the built-in configs, one line each")
    configs.add_argument("--keys", action="store_true", help="instead, every key with default, unit and range")
    _json(configs)
    assay = commands.add_parser("assay", help="measure what a run has evolved")
    assays = assay.add_subparsers(dest="assay", metavar="ASSAY", parser_class=Parser, required=True)
    _garden(_add(assays, handlers, "garden", "who holds the living after T ticks in a fresh world", "assay "))
    _arena(_add(assays, handlers, "arena", "minds of several kinds in one world: who holds it, who invades", "assay "))
    _blindfold(_add(assays, handlers, "blindfold", "intake lost when observations are shuffled", "assay "))
    bench = commands.add_parser("bench", help="measure speed")
    benches = bench.add_subparsers(dest="bench", metavar="BENCH", parser_class=Parser, required=True)
    world = _add(benches, handlers, "world", "alive-agent-steps per second of the world", "bench ")
    sizes = (512, 2048, 8192, 32768)
    told = f"creatures alive (default: {' '.join(map(str, sizes))})"
    world.add_argument("--agents", metavar="N", type=count, nargs="+", default=list(sizes), help=told)
    _json(world)
    neat = _add(benches, handlers, "neat", "a generation of NEAT, beside neat-python", "bench ")
    told = f"genomes (default: {' '.join(map(str, POPULATIONS))})"
    neat.add_argument("--population", metavar="P", type=count, nargs="+", default=list(POPULATIONS), help=told)
    neat.add_argument("--task", choices=SPEED_TASKS, nargs="+", default=list(SPEED_TASKS), help="default: both")
    _json(neat)
    _json(_add(benches, handlers, "life", "cell updates per second, beside NumPy and SciPy", "bench "))
    _json(_add(benches, handlers, "rl", "learning by reward, beside Stable-Baselines3 if it is there", "bench "))
    about = "cellular automata: run, identify, count, measure, search, watch"
    automata = commands.add_parser("life", help=about, description=about[0].upper() + about[1:] + ".")
    each = automata.add_subparsers(dest="life", metavar="WHAT", parser_class=Parser, required=True)
    life(lambda name, doc: _add(each, handlers, name, doc, "life "), count, seed, _json)
    return top


def _add(commands: Any, handlers: Mapping[str, Callable], name: str, doc: str, prefix: str = "") -> Parser:
    one = commands.add_parser(name, help=doc, description=doc[0].upper() + doc[1:] + ".")
    one.set_defaults(handler=handlers[prefix + name])
    return one


def _run(one: Parser) -> None:
    one.add_argument(
        "config", metavar="CONFIG", nargs="?", help="a config file (TOML, or one of neat-python), or a built-in name"
    )
    one.add_argument("--resume", metavar="RUN", help="go on with the run in this folder")
    one.add_argument("--out", metavar="DIR", help="folder of the run (default: runs/<config>-seed<seed>)")
    _overrides(one)
    one.add_argument("--quiet", action="store_true", help="print nothing but errors")
    _json(one)


def _watch(one: Parser) -> None:
    one.add_argument("target", metavar="CONFIG|RUN", help="a config (live) or the folder of a run (replay)")
    _minds(one)
    _overrides(one)


def _analyse(one: Parser) -> None:
    one.add_argument("runs", metavar="RUN", nargs="+", help="folders of runs")
    one.add_argument("--out", metavar="DIR", help="where the report goes (default: report/ in the first run)")
    _json(one)


def _compare(one: Parser) -> None:
    one.add_argument("config", metavar="CONFIG", nargs="?", help="a comparison (TOML), or a built-in name")
    one.add_argument("--list", action="store_true", help="instead, the built-in comparisons, one line each")
    one.add_argument("--resume", metavar="DIR", help="go on with the comparison in this folder")
    one.add_argument("--out", metavar="DIR", help="folder of the comparison (default: runs/compare-<name>-seed<seed>)")
    one.add_argument("--seed", metavar="N", type=seed, help="seed of all randomness (overrides seed)")
    told = "override a key of the comparison, e.g. --set seeds=3 or --set set.task.ticks=100; repeatable"
    one.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help=told)
    one.add_argument("--quiet", action="store_true", help="print nothing but errors")
    _json(one)


def _export(one: Parser) -> None:
    one.add_argument("run", metavar="RUN", help="folder of the run")
    told = "a file of genomes/ in RUN, such as best-1 (default: the best of them)"
    one.add_argument("--genome", metavar="NAME", help=told)
    told = f"{', '.join(FORMATS)} (default: all)"
    one.add_argument("--format", metavar="FORMAT", choices=FORMATS, default="all", help=told)
    one.add_argument("--out", metavar="DIR", help="where the files go (default: export/ in RUN)")
    _json(one)


def _garden(one: Parser) -> None:
    one.add_argument("run", metavar="RUN", help="folder of the run whose latest minds are tried")
    told = "their rivals: founders, greedy, or the folder of another run"
    one.add_argument("--against", metavar="RIVAL", required=True, help=told)
    one.add_argument(
        "--bodies",
        choices=("evolved", "own"),
        default="evolved",
        help="bodies of the rivals: as evolved in RUN, or their own",
    )
    _trials(one)


def _arena(one: Parser) -> None:
    one.add_argument("target", metavar="CONFIG|RUN", help="a config or the folder of a run, whose world it is")
    _minds(one, required=True)
    told = "instead: a kind starts at this share (default: 0.05) in worlds of each other kind; does it rise?"
    one.add_argument("--rare", metavar="SHARE", type=share, nargs="?", const=0.05, help=told)
    one.add_argument("--invader", metavar="NAME", help="with --rare: the only kind that invades (default: each)")
    told = "with --rare: ticks that residents live alone before (default: 2000)"
    one.add_argument("--settle", metavar="T", type=count, help=told)
    told = "founders: all have equal bodies (default); own: those in which they evolved; or NAME: all those of a mind"
    one.add_argument("--bodies", metavar="BODIES", default="founders", help=told)
    told = (
        "free: brain_cost is 0 for all (default); paid: each connection of a genome, each weight of a policy costs it"
    )
    one.add_argument("--thinking", choices=("free", "paid"), default="free", help=told)
    _overrides(one)
    _trials(one)


def _minds(one: Parser, required: bool = False) -> None:
    told = (
        "kinds of minds, as M or name=M: random, greedy, founders, the folder of a run (its living; champions of a "
        "search; learned policies) or the JSON file of a genome or a policy"
    )
    one.add_argument("--minds", metavar="M", nargs="+", required=required, help=told)


def _blindfold(one: Parser) -> None:
    one.add_argument("run", metavar="RUN", help="folder of the run whose latest minds are tried")
    _trials(one)


def _trials(one: Parser) -> None:
    one.add_argument("--ticks", metavar="T", type=count, help="length of each trial")
    one.add_argument("--seeds", metavar="K", type=count, help="number of trials")
    _json(one)


def _overrides(one: Parser) -> None:
    one.add_argument("--seed", metavar="N", type=seed, help="seed of all randomness (overrides run.seed)")
    one.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help=SET_HELP)


def _json(one: Parser) -> None:
    one.add_argument("--json", action="store_true", help="print the figures as JSON")
