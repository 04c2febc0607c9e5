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
from viz.colours import MUTED
from viz.compose import picture
from viz.pacer import Pacer
from viz.paint import Board
from viz.source import Source
from viz.view import View, look, opened

__all__ = ["NoDisplay", "Pacer", "Window", "announce", "picture"]

PANEL_EVERY = 0.1
"""Seconds between two drawings of the panels while ticks run."""
MESSAGE = 5.0
"""Seconds for which a message shows."""
SMALLEST = (120, 90)
LARGE: Size = (1280, 800)
DRAG = 5
FIRST = "compiling: the first tick takes a moment"


class NoDisplay(Exception):
    """There is no screen on which a window could be opened."""


def announce(title: str, text: str, size: Size = LARGE) -> None:
    """Opens the window with a line of text, for the time in which its source is made."""
    screen = _screen(title, size)
    width, height = screen.get_size()
    board = Board(width, height)
    board.text(width / 2, height / 2 - 16, title, 22, align="middle")
    board.text(width / 2, height / 2 + 16, text, 14, MUTED, "middle")
    _blit(screen, board.rgb())
    pygame.event.pump()


def _screen(title: str, size: Size) -> pygame.Surface:
    """The window, opened or as it is."""
    try:
        pygame.display.init()
        screen = pygame.display.set_mode(size, pygame.RESIZABLE)
    except pygame.error as problem:
        raise NoDisplay(str(problem)) from None
    pygame.display.set_caption(f"Firstword: {title}")
    return screen


def _blit(screen: pygame.Surface, rgb: np.ndarray) -> None:
    """Shows a picture `[h, w, 3]` of the size of the screen."""
    screen.blit(pygame.image.frombuffer(rgb.tobytes(), (rgb.shape[1], rgb.shape[0]), "RGB"), (0, 0))
    pygame.display.flip()


class Window:
    """A window on a source. `run` shows it until it is closed; `step` makes one frame."""

    def __init__(self, source: Source, size: Size = LARGE, pictures: Path | str = ".") -> None:
        self.source = source
        self.pictures = Path(pictures)  # where screenshots go
        self.screen = _screen(source.title, size)
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
        self._first()
        try:
            while self.open:
                self.step()
                clock.tick(60)
        finally:
            self.close()

    def _first(self) -> None:
        """Runs the first tick, for which a source may have to be compiled, under a picture that says so."""
        self.view.message = FIRST
        self._show()
        pygame.event.pump()
        self.view.over = self.source.advance(1) < 1
        self.source.obs(0)  # what a click will ask for
        self.view.message = ""
        self._last = self._rated_at = time.perf_counter()

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
        _blit(self.screen, rgb)

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
