"""The window: the only module that knows pygame. It shows frames, listens, and keeps time.

Frames come at display rate while ticks run as fast as set: each frame runs as many ticks as fit into what
the picture leaves of 1/30 s. `picture` makes the same frame without a window.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pygame

from viz import compose, control
from viz.camera import Size
from viz.compose import picture
from viz.source import Source
from viz.view import View, look, opened

__all__ = ["NoDisplay", "Window", "picture"]

FRAME = 1 / 30
"""Longest time in seconds between two pictures."""
LONGEST_CALL = 0.1
"""Seconds that ticks may take between two pictures where calls are so dear that FRAME cannot be kept."""
PANEL_EVERY = 0.1
"""Seconds between two drawings of the panels while ticks run."""
MESSAGE = 5.0
"""Seconds for which a message shows."""
SMALLEST = (120, 90)
DRAG = 5


class NoDisplay(Exception):
    """There is no screen on which a window could be opened."""


class Pacer:
    """How many ticks to run before the next picture, from how long ticks and pictures took.

    A call for n ticks takes about a + b·n seconds. Both are fitted to recent calls, for a source with a dear
    call and cheap ticks would otherwise be asked for single ticks for ever.
    """

    def __init__(self) -> None:
        self.burst = 1  # most ticks that fit
        self.owed = 0.0  # ticks due at a fixed speed
        self.drawing = 0.01  # seconds a picture takes
        self._sums = np.zeros(5)  # of 1, n, t, n², n·t over recent calls

    def due(self, ticks_per_second: float, seconds: float) -> int:
        """Ticks to run now, after `seconds` since the last picture."""
        if np.isinf(ticks_per_second):
            self.owed = 0.0
            return self.burst
        self.owed += ticks_per_second * seconds
        now = min(int(self.owed), self.burst)
        self.owed = min(self.owed - now, 1.0)  # what could not be run is forgotten, not caught up
        return now

    def ran(self, num: int, seconds: float) -> None:
        """Learns from `num` ticks that took `seconds`."""
        surely = LONGEST_CALL * num / max(seconds, 1e-9)  # whatever the fit says
        if seconds > 2.5 * LONGEST_CALL:  # a compilation, or ticks have become dear: begin anew
            self._sums[:] = 0
            self.burst = max(1, int(surely))
            return
        self._sums = 0.85 * self._sums + np.array([1, num, seconds, num * num, num * seconds])
        count, n, total, nn, nt = (float(v) for v in self._sums)
        spread = nn / count - (n / count) ** 2
        if spread < 2e-3 * (n / count) ** 2:  # too even to tell a from b: take all for b, and try two
            each, fewest = total / n, 2 if num == 1 else 1
        else:
            each, fewest = max((nt / count - n * total / count**2) / spread, 1e-7), 1
        call = max(total / count - each * n / count, 0.0)
        room = max(FRAME - self.drawing - call, 0.3 * FRAME)
        self.burst = max(fewest, int(min(room / each, surely, 2 * max(self.burst, num))))

    def drew(self, seconds: float) -> None:
        """Learns from a picture that took `seconds`."""
        self.drawing += 0.2 * (seconds - self.drawing)


class Window:
    """A window on a source. `run` shows it until it is closed; `step` makes one frame."""

    def __init__(self, source: Source, size: Size = (1280, 800), pictures: Path | str = ".") -> None:
        self.source = source
        self.pictures = Path(pictures)  # where screenshots go
        try:
            pygame.display.init()
            self.screen = pygame.display.set_mode(size, pygame.RESIZABLE)
        except pygame.error as problem:
            raise NoDisplay(str(problem)) from None
        pygame.display.set_caption(f"Firstword: {source.title}")
        pygame.key.set_repeat(300, 40)
        self.size: Size = self.screen.get_size()
        self.view: View = opened(source, compose.scene_size(self.size))
        self.pacer = Pacer()
        self.open = True
        self._press: tuple[int, int] | None = None  # where the left button went down
        self._dragging = False
        self._last = self._panels_at = self._rated_at = time.perf_counter()
        self._ticks = self._frames = 0  # since the rate was last worked out
        self._side: np.ndarray | None = None
        self._graph: np.ndarray | None = None
        self._stale = True  # panels must be drawn anew
        self._told: tuple[str, float] = ("", 0.0)  # the message shown, and since when

    def run(self) -> None:
        """Shows the source until the window is closed."""
        clock = pygame.time.Clock()
        try:
            while self.open:
                self.step()
                clock.tick(60)
        finally:
            self.close()

    def close(self) -> None:
        """Takes the window away; closing twice does no harm."""
        self.open = False
        pygame.display.quit()

    def step(self) -> None:
        """Listens, runs the ticks that are due, and shows one frame."""
        for event in pygame.event.get():
            self._handle(event)
            if not self.open:
                return
        self._advance()
        look(self.view, self.source)
        start = time.perf_counter()
        self._fade(start)
        self._show()
        self.pacer.drew(time.perf_counter() - start)

    def _advance(self) -> None:
        now = time.perf_counter()
        passed, self._last = min(now - self._last, 0.25), now
        if not (self.view.paused or self.view.over):
            due = self.pacer.due(self.view.ticks_per_second, passed)
            if due:
                done = self.source.advance(due)
                self.view.over = done < 1
                if done:
                    self.pacer.ran(done, time.perf_counter() - now)
                self._ticks += done
        self._frames += 1
        if now - self._rated_at > 0.5:
            self.view.rate = self._ticks / (now - self._rated_at)
            self.view.frames = self._frames / (now - self._rated_at)
            self._ticks, self._frames, self._rated_at = 0, 0, now

    def _fade(self, now: float) -> None:
        """Takes messages away after a while."""
        if self.view.message != self._told[0]:
            self._told = (self.view.message, now)
        elif now - self._told[1] > MESSAGE:
            self.view.message = ""

    def _show(self) -> None:
        now = time.perf_counter()
        if self._stale or now - self._panels_at > PANEL_EVERY:
            self._side = compose.side(self.source, self.view, self.size)
            self._graph = compose.graph(self.source, self.view, self.size)
            self._panels_at, self._stale = now, False
        rgb = compose.frame(self.source, self.view, self.size, self._side, self._graph)
        self.screen.blit(pygame.image.frombuffer(rgb.tobytes(), self.size, "RGB"), (0, 0))
        pygame.display.flip()

    def _handle(self, event: pygame.event.Event) -> None:
        part = compose.scene_size(self.size)
        if event.type == pygame.QUIT:
            self.open = False
        elif event.type == pygame.VIDEORESIZE:
            self._resize((max(event.w, SMALLEST[0]), max(event.h, SMALLEST[1])))
        elif event.type == pygame.KEYDOWN:
            self._key(event)
        elif event.type == pygame.MOUSEWHEEL:
            i, j = getattr(event, "at", pygame.mouse.get_pos())
            if i < part[0]:
                control.zoom(self.view, self.source, part, 1.2 ** float(event.y), i, j)
        elif event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP) and event.button == 1:
            self._button(event, part)
        elif event.type == pygame.MOUSEMOTION and self._press is not None:
            self._drag(event)
        else:
            return
        self._stale = True

    def _key(self, event: pygame.event.Event) -> None:
        typed = event.unicode if event.unicode in ("?", "+", "-", "=", ".") else ""
        name = typed or pygame.key.name(event.key).strip("[]")
        name = {"page up": "pageup", "page down": "pagedown"}.get(name, name)
        shift = bool(event.mod & pygame.KMOD_SHIFT)
        asked = control.press(self.view, self.source, compose.scene_size(self.size), name, shift)
        if asked == "quit":
            self.open = False
        elif asked == "picture":
            self._save()

    def _button(self, event: pygame.event.Event, part: Size) -> None:
        if event.type == pygame.MOUSEBUTTONDOWN:
            tick = compose.timeline_tick(self.source, self.size, *event.pos)
            if tick is not None:
                control.seek(self.view, self.source, tick)
            elif event.pos[0] < part[0]:
                self._press, self._dragging = event.pos, False
            return
        if self._press is not None and not self._dragging:
            control.click(self.view, self.source, part, *event.pos)
        self._press, self._dragging = None, False

    def _drag(self, event: pygame.event.Event) -> None:
        assert self._press is not None
        if not event.buttons[0]:
            self._press = None
        elif self._dragging or max(abs(a - b) for a, b in zip(event.pos, self._press, strict=True)) > DRAG:
            start = (event.pos[0] - event.rel[0], event.pos[1] - event.rel[1]) if self._dragging else self._press
            self._dragging = True
            control.pan(self.view, self.source, event.pos[0] - start[0], event.pos[1] - start[1])

    def _resize(self, size: Size) -> None:
        control.resize(self.view, self.source, compose.scene_size(self.size), compose.scene_size(size))
        if self.screen.get_size() != size:
            self.screen = pygame.display.set_mode(size, pygame.RESIZABLE)
        self.screen, self.size = pygame.display.get_surface(), size

    def _save(self) -> None:
        """Writes the present frame beside earlier ones, and says where, or why not."""
        stem = f"firstword-{int(self.source.snapshot().tick):09d}"
        path = self.pictures / f"{stem}.png"
        for k in range(1, 1000):
            if not path.exists():
                break
            path = self.pictures / f"{stem}-{k}.png"
        try:
            pygame.image.save(self.screen, str(path))
            self.view.message = f"saved {path}"
        except (OSError, pygame.error) as problem:
            self.view.message = f"could not save {path}: {problem}"
