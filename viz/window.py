"""The window: the only module that knows pygame. It shows frames, listens, and keeps time.

What is shown is an `App`. Frames come at display rate while ticks run as fast as set: each frame runs as many ticks as
fit into what the picture leaves of 1/30 s.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pygame

from viz.app import LARGE, App, Key, Showing
from viz.camera import Size
from viz.colours import MUTED
from viz.pacer import Pacer
from viz.paint import Board

PANEL_EVERY = 0.1
"""Seconds between two drawings of the panels while ticks run."""
MESSAGE = 5.0
"""Seconds for which a message shows."""
LONGEST_WAIT = 0.5
"""Seconds between two pictures beyond which the ticks asked for from one to the next are halved."""
SMALLEST = (120, 90)
SIGNS = ("?", "+", "-", "=", ".", ":")
"""Keys known by what they type, wherever a keyboard has them."""
NAMES = {"page up": "pageup", "page down": "pagedown", "enter": "return"}
BUTTONS = {1: "left", 2: "middle", 3: "right"}


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


def unused(folder: Path, stem: str, suffix: str) -> Path:
    """A path that nothing has yet, `-1`, `-2`, … being added to the stem if need be."""
    path = folder / f"{stem}{suffix}"
    for k in range(1, 1000):
        if not path.exists():
            break
        path = folder / f"{stem}-{k}{suffix}"
    return path


def _screen(title: str, size: Size) -> pygame.Surface:
    """The window, opened or as it is."""
    try:
        pygame.display.init()
        if pygame.display.get_driver() == "offscreen" and "SDL_VIDEODRIVER" not in os.environ:
            raise NoDisplay("SDL found no screen")  # and draws where nobody can look, unless it was asked to
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
    """A window on an app. `run` shows it until it is closed; `step` makes one frame."""

    def __init__(self, app: App, size: Size = LARGE, pictures: Path | str = ".") -> None:
        self.app = app
        self.pictures = Path(pictures)  # where screenshots go
        self.screen = _screen(app.title, size)
        self._titled = app.title
        pygame.key.set_repeat(300, 40)
        self.size: Size = self.screen.get_size()
        app.resize(self.size)
        self.pacer = Pacer()
        self.open = True
        self._last = self._panels_at = self._rated_at = time.perf_counter()
        self._ticks = self._frames = 0  # since the rate was last worked out
        self._mod = 0  # Shift, Ctrl and the like that are held, in the order of events
        self._stale = True  # panels must be drawn anew
        self._told: tuple[str, float] = ("", 0.0)  # the message shown, and since when

    @property
    def view(self) -> Showing:
        """What the watcher has chosen."""
        return self.app.view

    def run(self) -> None:
        """Shows the app until the window is closed."""
        clock = pygame.time.Clock()
        self._prepare()
        try:
            while self.open:
                self.step()
                clock.tick(60)
        finally:
            self.close()

    def _prepare(self) -> None:
        """Lets the app do what takes long, such as compiling, under a picture that says so."""
        self.view.message = self.app.preparing
        self._show()
        pygame.event.pump()
        self.app.prepare()
        self.view.message = ""
        self._last = self._rated_at = time.perf_counter()

    def close(self) -> None:
        """Takes the window away; closing twice does no harm."""
        self.open = False
        self.app.close()
        pygame.display.quit()

    def step(self) -> None:
        """Listens, runs the ticks that are due, and shows one frame."""
        for event in pygame.event.get():
            self._handle(event)
            if not self.open:
                return
        self._advance()
        self.app.look()
        start = time.perf_counter()
        self._fade(start)
        self._show()
        self.pacer.drew(time.perf_counter() - start)

    def _advance(self) -> None:
        view, now = self.view, time.perf_counter()
        passed, self._last = min(now - self._last, 0.25), now
        if not (view.paused or view.over):
            due = view.burst or self.pacer.due(view.ticks_per_second, passed)
            if due:
                done = self.app.advance(due)
                view.over = done < 1
                took = time.perf_counter() - now
                if view.burst and took > LONGEST_WAIT:
                    view.burst = max(view.burst // 2, 1)
                elif done and not view.burst:
                    self.pacer.ran(done, took)
                self._ticks += done
        self._frames += 1
        if now - self._rated_at > 0.5:
            view.rate = self._ticks / (now - self._rated_at)
            view.frames = self._frames / (now - self._rated_at)
            self._ticks, self._frames, self._rated_at = 0, 0, now

    def _fade(self, now: float) -> None:
        """Takes messages away after a while."""
        if self.view.message != self._told[0]:
            self._told = (self.view.message, now)
        elif now - self._told[1] > MESSAGE:
            self.view.message = ""

    def _show(self) -> None:
        now = time.perf_counter()
        fresh = self._stale or now - self._panels_at > PANEL_EVERY
        if fresh:
            self._panels_at, self._stale = now, False
        _blit(self.screen, self.app.frame(fresh))
        if self.app.title != self._titled:
            self._titled = self.app.title
            pygame.display.set_caption(f"Firstword: {self._titled}")

    def _handle(self, event: pygame.event.Event) -> None:
        if event.type in (pygame.KEYDOWN, pygame.KEYUP):
            self._mod = event.mod
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._mod = 0
        if event.type == pygame.QUIT:
            self.open = False
        elif event.type == pygame.VIDEORESIZE:
            self._resize((max(event.w, SMALLEST[0]), max(event.h, SMALLEST[1])))
        elif event.type == pygame.KEYDOWN:
            self._key(event)
        elif event.type == pygame.MOUSEWHEEL:
            i, j = getattr(event, "at", pygame.mouse.get_pos())
            self.app.wheel(i, j, float(event.y))
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button in BUTTONS:
            self.app.down(event.pos[0], event.pos[1], _key(BUTTONS[event.button], self._mod))
        elif event.type == pygame.MOUSEBUTTONUP and event.button in BUTTONS:
            self.app.up(event.pos[0], event.pos[1], BUTTONS[event.button])
        elif event.type == pygame.MOUSEMOTION:
            self.app.moved(event.pos[0], event.pos[1], any(event.buttons))
            if not any(event.buttons):
                return
        else:
            return
        self._stale = True

    def _key(self, event: pygame.event.Event) -> None:
        name = event.unicode if event.unicode in SIGNS else pygame.key.name(event.key).strip("[]")
        asked = self.app.press(_key(NAMES.get(name, name), event.mod, event.unicode))
        if asked == "quit":
            self.open = False
        elif asked == "picture":
            self._save()

    def _resize(self, size: Size) -> None:
        self.app.resize(size)
        if self.screen.get_size() != size:
            self.screen = pygame.display.set_mode(size, pygame.RESIZABLE)
        self.screen, self.size = pygame.display.get_surface(), size

    def _save(self) -> None:
        """Writes the present frame beside earlier ones, and says where, or why not."""
        path = unused(self.pictures, self.app.stem, ".png")
        try:
            pygame.image.save(self.screen, str(path))
            self.view.message = f"saved {path}"
        except (OSError, pygame.error) as problem:
            self.view.message = f"could not save {path}: {problem}"


def _key(name: str, mod: int, text: str = "") -> Key:
    """A key or button with what is held beside it."""
    ctrl = bool(mod & (pygame.KMOD_CTRL | pygame.KMOD_META))
    return Key(name, text if text.isprintable() else "", bool(mod & pygame.KMOD_SHIFT), ctrl)
