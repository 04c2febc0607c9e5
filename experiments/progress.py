"""Progress of long work on stderr: a bar with rate and remaining time on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

PLAIN_EVERY = 10.0  # seconds between lines when not on a terminal


def say(text: str, quiet: bool) -> None:
    """One line on stderr."""
    if not quiet:
        print(f"firstword: {text}", file=sys.stderr, flush=True)


class Progress:
    """Shows time, state and rate. `with Progress(...) as progress: progress.update(tick, told)`."""

    def __init__(self, name: str, total: int, unit: str, quiet: bool):
        self.name, self.total, self.unit, self.quiet = name, total, unit, quiet
        self._bar: Any = None
        self._began = self._told = time.monotonic()
        self._first: int | None = None

    def __enter__(self) -> Progress:
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn(self.unit + " {task.completed:,.0f}/{task.total:,.0f}  {task.fields[told]}"),
                TimeRemainingColumn(),
            )
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(self.name, total=self.total, told="")
            self._bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, tick: int, state: Callable[[], str]) -> None:
        """Tells where the run is; `state` says how it is there."""
        if self.quiet:
            return
        now = time.monotonic()
        if self._first is None:
            self._first = tick
        rate = (tick - self._first) / max(now - self._began, 1e-9)
        told = f"{state()}  {rate:,.{0 if rate >= 10 else 1}f} {self.unit}s/s"
        if self._bar is not None:
            self._bar.update(self._task, completed=tick, told=told)
        elif now - self._told >= PLAIN_EVERY:
            self._told = now
            left = (self.total - tick) / rate if rate > 0 else float("inf")
            say(f"{self.name}: {self.unit} {tick:,} of {self.total:,}  {told}  {left:,.0f} s left", quiet=False)
