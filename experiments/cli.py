"""The command `firstword`: checks what it is told, hands over to the module that does it, prints what came out.

All input is checked before anything is compiled or created. Exit codes: 0 done; 2 the input was wrong (one
line on stderr); 1 failed while running (what is saved, where, how to resume); 130 interrupted. Modules
are imported only when their command runs, so that `--help` is instant. Set FIRSTWORD_DEBUG for tracebacks.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments import arguments
from experiments.errors import RunError, UserError, suggestion

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line; returns the exit code."""
    try:
        code = _dispatch(argv)
        sys.stdout.flush()
        return code
    except UserError as error:
        return _complain(f"error: {error}", WRONG)
    except BrokenPipeError:  # who reads our output, such as `head`, has seen enough
        _drop_stdout()
        return DONE
    except KeyboardInterrupt as error:
        return _complain(f"interrupted{f'; {error}' if str(error) else ''}", INTERRUPTED)
    except Exception as error:
        if os.environ.get("FIRSTWORD_DEBUG"):
            raise
        _drop_stdout(only_if_broken=True)
        return _complain(f"error: {_told(error)}", FAILED)


def _dispatch(argv: Sequence[str] | None) -> int:
    top = arguments.parser(HANDLERS)
    try:
        args = top.parse_args(argv)
    except SystemExit as leave:  # --help
        return int(leave.code or 0)
    if args.version:
        from experiments.provenance import version

        print(f"firstword {version('firstword') or '(not installed)'}")
        return DONE
    if args.command is None:
        raise UserError("give a command, such as `firstword run quickstart`; `firstword --help` lists them")
    return args.handler(args)


def _complain(message: str, code: int) -> int:
    """One line on stderr, whatever the message holds."""
    line = "".join(c if c.isprintable() else " " for c in message.replace("\n", " "))
    with contextlib.suppress(OSError, ValueError):
        print(f"firstword: {line}", file=sys.stderr, flush=True)
    return code


def _tell(warning: str) -> None:
    _complain(f"note: {warning}", DONE)


def _told(error: BaseException) -> str:
    """An error in one line for people."""
    text = " ".join(str(error).split())
    if isinstance(error, RunError):
        return text
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in text:
        return "out of memory; lower world.max_agents, brain.connections, run.worlds or the size of the world"
    if isinstance(error, OSError):
        return f"cannot read or write {error.filename or 'the output'}: {error.strerror or text}"
    return f"{type(error).__name__}: {text[:300]} (FIRSTWORD_DEBUG=1 shows where)"


def _drop_stdout(only_if_broken: bool = False) -> None:
    """Sends what is left in stdout's buffer nowhere, so that Python does not fail on it when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if only_if_broken:
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def _resumable(path: Path, saved: Callable[[Path], str] | None = None) -> Iterator[None]:
    """Adds to whatever goes wrong in a run what is saved and how to resume it."""
    from experiments import runfolder

    saved = saved or runfolder.saved
    try:
        yield
    except (UserError, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        raise KeyboardInterrupt(saved(path)) from None
    except Exception as error:
        if os.environ.get("FIRSTWORD_DEBUG"):
            raise
        raise RunError(f"{_told(error)}; {saved(path)}") from error


def _run(args: Namespace) -> int:
    if (args.config is None) == (args.resume is None):
        raise UserError("give either a CONFIG to run or --resume RUN, and not both (see firstword run --help)")
    from experiments import config, runfolder

    if args.resume is not None:
        for option in ("out", "seed", "set"):
            if getattr(args, option) not in (None, []):
                raise UserError(f"--{option} cannot go with --resume: a resumed run keeps its folder and config")
        experiment = config.load(runfolder.locate(args.resume) / "config.toml")
    else:
        experiment = config.load(args.config, args.set, args.seed, tell=str if args.quiet else _tell)
    from experiments import loop, processes

    loop.cache()
    return processes.together(experiment, lambda: _lead(args, experiment))


def _lead(args: Namespace, experiment: Any) -> int:
    """Runs or resumes, in the process that writes the run folder."""
    from experiments import loop, printing, runfolder

    quiet = args.quiet or args.json
    path = runfolder.claim(args.out, experiment) if args.resume is None else runfolder.locate(args.resume)
    with _resumable(path):
        again = args.resume is not None
        summary = loop.resume(path, quiet=quiet) if again else loop.run(experiment, path, quiet=quiet)
    if args.json or not args.quiet:
        printing.show({"folder": str(path), **summary}, args.json)
    if summary.get("status") == "interrupted":
        return _complain(f"interrupted; {runfolder.saved(path)}", INTERRUPTED)
    return DONE


def _watch(args: Namespace) -> int:
    if args.minds is not None:
        experiment = _world(args)
        from experiments import minds, watch

        watch.watch(experiment, minds.read(args.minds, experiment))
        return DONE
    study = _living(_study(args), args.target)
    from experiments import watch

    watch.watch(getattr(study, "path", study))
    return DONE


def _study(args: Namespace) -> Any:
    """The config, or the folder of a run, that a command names."""
    from experiments import config, runfolder

    if args.target in config.builtin_names() or not os.path.isdir(args.target):
        return config.load(args.target, args.set, args.seed, tell=_tell)
    if args.set or args.seed is not None:
        raise UserError("--set and --seed go with a CONFIG, not with a run, which is replayed or taken as it was")
    return runfolder.open_run(args.target)


def _world(args: Namespace) -> Any:
    """The experiment that a command names, if it is in a world where creatures can live."""
    study = _study(args)
    experiment = getattr(study, "experiment", study)
    if experiment.search.algorithm != "natural" and not getattr(experiment.task, "in_world", False):
        raise UserError(f"{args.target!r} has no world to live in; give a config or a run that has, such as forage")
    return experiment


def _living(study: Any, name: str) -> Any:
    """The config or run itself if it is about a living world."""
    experiment = getattr(study, "experiment", study)
    algorithm = experiment.search.algorithm
    if algorithm == "natural":
        return study
    told = f"{name!r} is a search by {algorithm}, without a living world; `firstword analyse` is for those"
    if getattr(experiment.task, "in_world", False):
        run = shlex.quote(name) if hasattr(study, "experiment") else "RUN"
        arena = f"firstword assay arena CONFIG --minds {run} greedy"
        told += f". Release the minds of a run with: {arena}, or: firstword watch CONFIG --minds {run} greedy"
    raise UserError(told)


def _analyse(args: Namespace) -> int:
    from experiments import analyse, printing

    if args.out == "":
        raise UserError("--out '': give the name of a folder")
    result = analyse.analyse(args.runs, args.out)
    if args.json:
        printing.print_json(result)
    else:
        printing.put(analyse.table(result))
        print(f"report: {result['report']}")
    return DONE


def _compare(args: Namespace) -> int:
    if [args.config is None, args.resume is None, not args.list].count(False) != 1:
        raise UserError("give one of CONFIG, --resume DIR and --list (see firstword compare --help)")
    for option in ("out", "seed", "set"):
        if args.config is None and getattr(args, option) not in (None, []):
            raise UserError(f"--{option} goes with a CONFIG alone: a comparison keeps its folder and what it compares")
    from experiments import compare_config, printing

    if args.list:
        _list(["name", "description"], compare_config.described(), args.json)
        return DONE
    told = None if args.resume is not None else compare_config.load(args.config, args.set, args.seed)
    from experiments import compare, compare_report

    path = compare.claim(args.out, told) if told else Path(args.resume)
    quiet = args.quiet or args.json
    with _resumable(path, compare.saved):
        result = compare.begin(told, path, quiet=quiet) if told else compare.go_on(path, quiet=quiet)
    if args.json:
        printing.print_json(result)
    elif not args.quiet:
        printing.table(*compare_report.rows(result))
        print(f"report: {result['report']}")
    return DONE


def _export(args: Namespace) -> int:
    from experiments import export, printing

    result = export.export(args.run, args.genome, args.format, args.out)
    if args.json:
        printing.print_json(result)
    else:
        printing.table(["file"], [[file] for file in result["files"]])
        for note in result["notes"]:
            _tell(note)
    return DONE


def _configs(args: Namespace) -> int:
    from experiments import config

    if args.keys:
        reference = config.keys()
        columns, rows = list(reference[0]._fields), [list(row) for row in reference]
    else:
        columns = ["name", "description"]
        rows = [[name, config.load(name).description] for name in config.builtin_names()]
    _list(columns, rows, args.json)
    return DONE


def _list(columns: Sequence[str], rows: Sequence[Sequence[Any]], as_json: bool) -> None:
    from experiments import printing

    if as_json:
        printing.print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        printing.table(columns, rows)


def _garden(args: Namespace) -> int:
    from experiments import runfolder

    run = _living(runfolder.open_run(args.run), args.run)
    against: str | Path = args.against
    if against not in ("founders", "greedy"):
        if not os.path.isdir(against):
            near = suggestion(args.against, ("founders", "greedy"))
            raise UserError(f"--against {args.against!r}: must be founders, greedy or the folder of a run{near}")
        against = _living(runfolder.open_run(against), args.against).path
    missing = [sense for sense in ("retina", "touch") if sense not in run.experiment.world.senses]
    if against == "greedy" and missing:
        raise UserError(f"--against greedy: greedy minds need {' and '.join(missing)}, which {args.run} has not")
    from experiments import assay, printing

    printing.show(assay.garden(run.path, against, bodies=args.bodies, **_trials(args)), args.json)
    return DONE


def _arena(args: Namespace) -> int:
    for option in ("invader", "settle"):
        if args.rare is None and getattr(args, option) is not None:
            raise UserError(f"--{option} goes with --rare, for invasion from rarity")
    experiment = _world(args)
    from experiments import arena, invasion, minds, printing

    told = {} if args.seeds is None else {"seeds": args.seeds}
    kinds = minds.read(args.minds, experiment)
    meeting = arena.Arena(experiment, kinds, bodies=args.bodies, paid=args.thinking == "paid", **told)
    length = {name: getattr(args, name) for name in ("ticks", "settle") if getattr(args, name) is not None}
    if args.rare is None:
        result = arena.contest(meeting, **length)
    else:
        result = invasion.invasions(meeting, args.rare, args.invader, **length)
    printing.show(result, args.json)
    return DONE


def _blindfold(args: Namespace) -> int:
    from experiments import runfolder

    run = _living(runfolder.open_run(args.run), args.run)
    from experiments import assay, printing

    printing.show(assay.blindfold(run.path, **_trials(args)), args.json)
    return DONE


def _trials(args: Namespace) -> dict[str, int]:
    """Length and number of trials where they are given; the assay has its own defaults."""
    return {name: getattr(args, name) for name in ("ticks", "seeds") if getattr(args, name) is not None}


def _bench_world(args: Namespace) -> int:
    from experiments import bench, printing

    printing.show(bench.world(args.agents), args.json)
    return DONE


def _bench_neat(args: Namespace) -> int:
    small = [number for number in args.population if not 2 <= number <= 1 << 20]
    if small:
        raise UserError(f"--population {small[0]}: must be from 2 to {1 << 20}")
    from experiments import bench_neat, printing

    printing.show(bench_neat.measure(args.task, args.population), args.json)
    return DONE


def _bench_life(args: Namespace) -> int:
    from experiments import bench_life, printing

    printing.show(bench_life.measure(), args.json)
    return DONE


def _bench_rl(args: Namespace) -> int:
    from experiments import bench_rl, printing

    printing.show(bench_rl.measure(), args.json)
    return DONE


def _life(name: str) -> Callable[[Namespace], int]:
    def handler(args: Namespace) -> int:
        from experiments import life_commands

        return getattr(life_commands, name)(args)

    return handler


LIFE = ("run", "identify", "census", "measure", "sweep", "search", "patterns", "watch")
HANDLERS = {
    "run": _run,
    "watch": _watch,
    "analyse": _analyse,
    "compare": _compare,
    "export": _export,
    "configs": _configs,
    "assay garden": _garden,
    "assay arena": _arena,
    "assay blindfold": _blindfold,
    "bench world": _bench_world,
    "bench neat": _bench_neat,
    "bench life": _bench_life,
    "bench rl": _bench_rl,
    **{f"life {name}": _life(name) for name in LIFE},
}
