"""What a window can show: an `App`, be it a world of creatures or a cellular automaton.

The window owns the screen, the events and the clock; the app owns what is seen and what keys and mouse do to it. It
is told of both in plain numbers and names, and hands out pictures as arrays. `Showing` is what the two share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from viz.camera import Size

SPEEDS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 250.0, 500.0, 1000.0, float("inf"))
"""Ticks per second to choose from; the last runs as fast as it can."""
LARGE: Size = (1280, 800)
"""Size of a window as it is opened."""


@dataclass(kw_only=True)
class Showing:
    """How something is shown, and how fast it goes."""

    speed: int = SPEEDS.index(30.0)
    burst: int = 0  # ticks from one picture to the next, however long they take; 0: by the speed
    paused: bool = False
    over: bool = False  # there are no more ticks
    help: bool = False
    message: str = ""
    rate: float | None = None  # ticks per second, as measured
    frames: float | None = None  # frames per second, as measured

    @property
    def ticks_per_second(self) -> float:
        return SPEEDS[self.speed]


@dataclass(frozen=True)
class Key:
    """A key that was pressed."""

    name: str  # as "a", "left", "pageup", "f12", or the sign itself for ? + - = . :
    text: str = ""  # what it types, if that can be seen
    shift: bool = False
    ctrl: bool = False


class App(Protocol):
    """Something to show. Positions are pixels of the frame from its upper left corner."""

    preparing: str  # said while `prepare` runs

    @property
    def title(self) -> str: ...

    @property
    def view(self) -> Showing: ...

    @property
    def stem(self) -> str:
        """Name for a picture of the present state, without suffix."""
        ...

    def prepare(self) -> None:
        """Does what takes long, once, before the first frame that counts."""
        ...

    def advance(self, num_ticks: int) -> int:
        """Runs up to `num_ticks` (≥ 1) ticks; returns how many, 0 when it cannot go on."""
        ...

    def look(self) -> None:
        """Brings the view up to date with what was run."""
        ...

    def frame(self, fresh: bool) -> np.ndarray:
        """The picture `[h, w, 3]` uint8 of the size last told; unless `fresh`, panels may be a moment old."""
        ...

    def resize(self, size: Size) -> None:
        """The frame has another size from now on."""
        ...

    def press(self, key: Key) -> str | None:
        """Does what a key asks. Returns "quit" or "picture" where the window must act."""
        ...

    def wheel(self, i: float, j: float, turns: float) -> None:
        """The mouse wheel was turned away from the hand, or towards it where `turns` is negative."""
        ...

    def down(self, i: float, j: float, key: Key) -> None:
        """A mouse button went down, `key` being "left", "middle" or "right" with what was held on the keyboard."""
        ...

    def moved(self, i: float, j: float, held: bool) -> None:
        """The pointer moved; `held` tells whether any button is down."""
        ...

    def up(self, i: float, j: float, button: str) -> None:
        """The mouse button "left", "middle" or "right" went up; others may still be down."""
        ...

    def close(self) -> None:
        """Ends what the app does beside the window; nothing is asked of it afterwards."""
        ...


def paced(view: Showing, key: str) -> bool:
    """Pauses or sets the speed if the key is for that; returns whether it is."""
    if key == "space":
        view.paused = not view.paused
    elif key == "m":
        fast = np.isinf(view.ticks_per_second) and not view.burst
        view.speed, view.burst = SPEEDS.index(30.0) if fast else len(SPEEDS) - 1, 0
    elif key in ("up", "down", "+", "=", "-"):
        step = 1 if key in ("up", "+", "=") else -1
        view.speed, view.burst = int(np.clip(view.speed + step, 0, len(SPEEDS) - 1)), 0
    else:
        return False
    return True
