"""What every frame has, whatever it shows: a panel beside the scene, the pace, messages, help. No pygame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from viz import ink
from viz.app import Showing
from viz.camera import Size
from viz.colours import ACCENT, CARD, INK, MUTED, PANEL, POSITIVE
from viz.paint import Board, number, text_width

PANEL_WIDTH = 300


def scene_size(size: Size) -> Size:
    """Size of the scene in a frame of this size: the panel stands right of it where there is room."""
    width, height = max(size[0], 1), max(size[1], 1)
    return (width - PANEL_WIDTH if width >= 2 * PANEL_WIDTH else width), height


def canvas(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """A frame `[h, w, 3]` uint8 with a blank panel, and the part of it that is the scene, which is yet to be drawn."""
    out, part = np.empty((max(size[1], 1), max(size[0], 1), 3), np.uint8), scene_size(size)[0]
    ink.fill(out[:, part:], PANEL)
    return out, out[:, :part]


def side_board(size: Size) -> Board | None:
    """A board for the panel beside the scene; None when there is no room."""
    width = size[0] - scene_size(size)[0]
    return Board(width, scene_size(size)[1]) if width > 0 else None


def heading(board: Board, top: float, title: str, right: str) -> float:
    """The title, and to its right where in time; returns the height below."""
    board.text(16, top + 18, shortened(title, board.width - 44 - text_width(right, 13), 16), 16)
    board.text(board.width - 16, top + 19, right, 13, MUTED, "right")
    return top + 42


def pace(board: Board, y: float, view: Showing, unit: str = "ticks") -> float:
    """Paused or running, the speed asked for, and the rate that was reached."""
    x = 16
    if view.over or view.paused:
        for dx in (0, 6):
            board.draw.rectangle((x + dx, y - 5, x + dx + 3, y + 5), fill=ACCENT)
    else:
        board.draw.polygon([(x, y - 5), (x + 9, y), (x, y + 5)], fill=POSITIVE)
    asked = "full speed" if np.isinf(view.ticks_per_second) else f"{view.ticks_per_second:g} {unit}/s"
    if view.burst:
        asked = f"{number(view.burst)} {unit} a picture"
    board.text(x + 16, y, "the run is over" if view.over else f"paused, {asked}" if view.paused else asked, 12)
    if view.rate is not None and not view.paused:
        reached = f"{number(round(view.rate))} {unit}/s, {view.frames or 0:.0f} fps"
        board.text(board.width - 16, y, reached, 11, MUTED, "right")
    return y + 18


def shortened(text: str, width: float, size: float) -> str:
    """A text cut off to fit a width in pixels."""
    while len(text) > 4 and text_width(text, size) > width:
        text = text[:-2].rstrip("….") + "…"
    return text


def toast(scene: np.ndarray, message: str) -> None:
    """A message at the top."""
    board = Board(int(text_width(message, 13)) + 28, 28, CARD)
    board.text(14, 14, message, 13, INK)
    _card(scene, board, max((scene.shape[1] - board.width) / 2, 0), 12)


def keys(scene: np.ndarray, listed: Sequence[tuple[str, str]]) -> None:
    """The list of keys in the middle; rows are close where there is little room."""
    row = min(22.0, max((scene.shape[0] - 60) / len(listed), 14.0))
    left = max(text_width(k, 13) for k, _ in listed)
    board = Board(int(left + max(text_width(w, 13) for _, w in listed)) + 60, int(row * len(listed)) + 52, CARD)
    board.text(20, 24, "Keys", 17, ACCENT)
    for place, (key, what) in enumerate(listed):
        board.text(20, 54 + row * place, key, 13)
        board.text(40 + left, 54 + row * place, what, 13, MUTED)
    _card(scene, board, max((scene.shape[1] - board.width) / 2, 0), max((scene.shape[0] - board.height) / 2, 0))


def _card(scene: np.ndarray, board: Board, left: float, top: float) -> None:
    ink.paste(scene, board.rgb(), int(left), int(top), 0.94)
