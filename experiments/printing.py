"""Results on the terminal: as tables for people, as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.files import plain

WIDE = 400  # columns where no terminal sets a limit, so that nothing is cut in a pipe or a file


def show(result: Mapping[str, Any], as_json: bool) -> None:
    """Prints a result: numbers by name, then each list of records as a table of its own."""
    if as_json:
        print_json(result)
        return
    single: list[tuple[str, Any]] = []
    lists: list[tuple[str, list[Mapping[str, Any]]]] = []
    for name, value in _flat(result):
        if isinstance(value, (list, tuple)) and value and all(isinstance(item, Mapping) for item in value):
            lists.append((name, list(value)))
        else:
            single.append((name, value))
    if single:
        table(("", ""), single)
    for name, records in lists:
        rows = [dict(_flat(record)) for record in records]
        columns = list(dict.fromkeys(column for row in rows for column in row))
        table(columns, ([row.get(column) for column in columns] for row in rows), title=name)


def print_json(value: Any) -> None:
    """Prints JSON; numbers that are not finite become null."""
    sys.stdout.write(json.dumps(plain(value), indent=2, allow_nan=False) + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """Prints a table, numbers to the right."""
    kept = [list(row) for row in rows]
    out = Table(title=title or None, box=None, show_header=any(columns), title_justify="left", pad_edge=False)
    for i, column in enumerate(columns):
        numbers = all(isinstance(row[i], (int, float)) or row[i] is None for row in kept)
        out.add_column(Text(column), justify="right" if numbers and kept else "left", overflow="fold")
    for row in kept:
        out.add_row(*(Text(_cell(value)) for value in row))
    put(out)


def put(made: Table) -> None:
    """Prints a table made elsewhere; as wide as it needs where stdout is no terminal."""
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    with console.capture() as text:
        console.print(made)
    sys.stdout.write("\n".join(line.rstrip() for line in text.get().splitlines()) + "\n")


def _flat(record: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (list, tuple)):
        return " ".join(_cell(item) for item in value)
    return str(value)
