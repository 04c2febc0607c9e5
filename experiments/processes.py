"""One search by several processes: the first leads and writes the run folder, the others follow its orders.

Each process is started with the same command and with FIRSTWORD_COORDINATOR (host:port of the first),
FIRSTWORD_PROCESSES and FIRSTWORD_PROCESS (0 for the first), which `jax.distributed.initialize` gets. A follower knows
no folder, no clock and no end: it lets generations pass when the leader does, so all stop together. Leaves out what
the processes compute together (`evolution.islands`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import jax
import numpy as np
import safetensors.numpy
from jax.experimental import multihost_utils

from experiments.archipelago import Archipelago, mesh_of
from experiments.config import Experiment, loads, resolved
from experiments.errors import RunError, UserError

VARIABLES = ("FIRSTWORD_COORDINATOR", "FIRSTWORD_PROCESSES", "FIRSTWORD_PROCESS")
NOTHING, STOP, START, RESUME, ADVANCE, GATHER = range(6)
LARGEST_LETTER = 2**31 - 1  # bytes of a letter
JOINING, LOST, LEAVING = 300, 60, 15  # seconds to wait for a process that is to come, is silent, or is to end


class Team(NamedTuple):
    """What the environment says."""

    coordinator: str
    processes: int
    process: int


def team() -> Team | None:
    """The processes that work together; None if this one works alone."""
    given = {name: os.environ.get(name, "").strip() for name in VARIABLES}
    if not any(given.values()):
        return None
    for name in VARIABLES:
        if not given[name]:
            raise UserError(f"{name} is not set; set all of {', '.join(VARIABLES)}, or none")
    numbers = [int(given[name]) if given[name].isascii() and given[name].isdecimal() else -1 for name in VARIABLES[1:]]
    if numbers[0] < 1:
        raise UserError(f"FIRSTWORD_PROCESSES = {given[VARIABLES[1]]!r}: must be a number of processes, at least 1")
    if not 0 <= numbers[1] < numbers[0]:
        raise UserError(f"FIRSTWORD_PROCESS = {given[VARIABLES[2]]!r}: must be 0 ... {numbers[0] - 1}")
    if not given[VARIABLES[0]].rpartition(":")[2].isdecimal() or ":" not in given[VARIABLES[0]]:
        raise UserError(f"FIRSTWORD_COORDINATOR = {given[VARIABLES[0]]!r}: must be host:port of the first process")
    return Team(given[VARIABLES[0]], *numbers) if numbers[0] > 1 else None


def together(experiment: Experiment, work: Callable[[], int]) -> int:
    """The exit code of `work()`, which the leader does while the others follow; a process alone just works."""
    mine = team()
    if mine is None:
        return work()
    if experiment.search.islands == 1:
        raise UserError(f"FIRSTWORD_PROCESSES = {mine.processes}: several processes need search.islands above 1")
    _join(mine)
    _demand_even(experiment)
    if mine.process:
        return _follow()
    code = 1
    try:
        code = work()
    except UserError:
        code = 2
        raise
    except KeyboardInterrupt:
        code = 130
        raise
    finally:
        if not LedArchipelago.busy:  # else an order failed halfway, and the others with it
            _exchanged(STOP, code)
    return code


def _join(mine: Team) -> None:
    """Meets the other processes."""
    sys.stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Gloo writes notes to stdout, where JSON may be expected
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    limits: dict[str, Any] = {
        "initialization_timeout": JOINING,
        "heartbeat_timeout_seconds": LOST,
        "shutdown_timeout_seconds": LEAVING,
    }
    try:
        jax.distributed.initialize(mine.coordinator, mine.processes, mine.process, **limits)
    except RuntimeError as error:
        text = " ".join(str(error).split())[:200]
        raise RunError(f"process {mine.process} cannot join the others at {mine.coordinator}: {text}") from None


def _demand_even(experiment: Experiment) -> None:
    """Refuses a search that cannot be dealt out to all devices."""
    if mesh_of(experiment).size != jax.device_count():
        what = f"search.islands = {experiment.search.islands} in run.worlds = {experiment.run.worlds}"
        where = f"the {jax.device_count()} devices of {jax.process_count()} processes"
        raise UserError(f"{what}: cannot be dealt out evenly to {where}")


class LedArchipelago(Archipelago):
    """The leader's search: what it does, the followers do too."""

    busy = False  # an order is being carried out

    @classmethod
    def start(cls, experiment: Experiment) -> Self:
        """The founders of every run, not yet evaluated."""
        with cls._ordered(START, 0, {"config": resolved(experiment)}):
            return super().start(experiment)

    @classmethod
    def resumed(cls, experiment: Experiment, tick: int, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> Self:
        """The search that was saved at `tick`."""
        with cls._ordered(RESUME, tick, {"config": resolved(experiment), "meta": meta}, arrays):
            return super().resumed(experiment, tick, arrays, meta)

    def advance(self, until: int) -> None:
        """Lets generations pass to number `until`, or to the first in which a run is solved."""
        with self._ordered(ADVANCE, until):
            super().advance(until)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that the search goes on from."""
        with self._ordered(GATHER):
            return super().arrays()

    @classmethod
    @contextlib.contextmanager
    def _ordered(cls, order: int, number: int = 0, head: Any = None, arrays: Any = None) -> Iterator[None]:
        if LedArchipelago.busy:  # part of another order
            yield
            return
        letter = None if head is None else safetensors.numpy.save(arrays or {}, {"head": json.dumps(head)})
        if len(letter or b"") > LARGEST_LETTER:
            raise RunError(f"a checkpoint of {len(letter or b''):,} bytes is too large to be sent to other processes")
        LedArchipelago.busy = True
        if _exchanged(order, number, letter)[1]:  # a follower was asked to stop, and the leader asks itself
            signal.raise_signal(signal.SIGTERM)
        yield
        LedArchipelago.busy = False


def _follow() -> int:
    """Carries out the leader's orders; returns the exit code of the leader."""
    search: Any = None
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)

    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, ask)
    while True:
        (order, number, letter), _ = _exchanged(asked=bool(asked))
        if order == STOP:
            return number
        if order == ADVANCE:
            search.advance(number)
        elif order == GATHER:
            search.arrays()
        else:
            head, arrays = _opened(letter)
            experiment = loads(head["config"])
            if order == START:
                search = Archipelago.start(experiment)
            else:
                search = Archipelago.resumed(experiment, number, arrays, head["meta"])


def _exchanged(
    order: int = NOTHING, number: int = 0, letter: bytes | None = None, asked: bool = False
) -> tuple[tuple[int, int, bytes], bool]:
    """The leader's order, its number and letter; and whether some process was asked to stop. All take part."""
    mine = np.array([order, number, len(letter or b""), asked], np.int32)
    all_ = multihost_utils.process_allgather(mine)
    order, number, size = (int(value) for value in all_[0, :3])
    if size:
        page = np.frombuffer(letter, np.uint8) if letter else np.zeros(size, np.uint8)
        letter = np.asarray(multihost_utils.broadcast_one_to_all(page)).tobytes()
    return (order, number, letter or b""), bool(all_[:, 3].any())


def _opened(letter: bytes) -> tuple[Any, dict[str, np.ndarray]]:
    length = int.from_bytes(letter[:8], "little")
    head = json.loads(json.loads(letter[8 : 8 + length])["__metadata__"]["head"])
    return head, safetensors.numpy.load(letter)
