"""The upper panel: the run, the hour, the population and its history, counters, and what colours mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.config import WorldConfig, WorldParams
from viz.colours import ALARM, FAINT, INK, MUTED, Shade, labelled, ramp
from viz.draw import brightness
from viz.furniture import heading, pace, shortened
from viz.paint import Board, number, text_width
from viz.terrain import LAYERS
from viz.view import View

CHIP: dict[str, tuple[int, int, int]] = {
    "plants": (112, 190, 90),
    "poison": (190, 110, 220),
    "meat": (230, 84, 76),
    "scent": (255, 190, 80),
    "sound": (90, 220, 255),
    "light": (250, 240, 190),
    "automaton": (242, 226, 120),
}


def draw(
    board: Board, top: float, title: str, config: WorldConfig, params: WorldParams, view: View, shade: Shade
) -> float:
    """Draws the panel from height `top`; returns the height where it ends."""
    assert view.world is not None
    y = heading(board, top, title, f"tick {int(view.world.tick):,}")
    y = pace(board, y, view)
    y = _hour(board, y, config, params, view)
    y = _population(board, y, view)
    y = _counters(board, y, view)
    y = _legend(board, y, view, shade)
    return _chips(board, y, config, view)


def _hour(board: Board, y: float, config: WorldConfig, params: WorldParams, view: View) -> float:
    if not config.seasons or view.world is None:
        return y
    tick = int(view.world.tick)
    year, day = tick // float(params.season_length), (tick % float(params.season_length)) // float(params.day_length)
    board.text(16, y, f"year {year + 1:.0f}, day {day + 1:.0f}", 11, MUTED)
    board.text(board.width - 96, y, "light", 11, MUTED, "right")
    board.bar(board.width - 90, y, 74, brightness(view.world), (250, 230, 150))
    return y + 14


def _population(board: Board, y: float, view: View) -> float:
    board.card(y, y + 96)
    alive = int(np.sum(view.world.alive)) if view.world is not None else 0
    board.text(16, y + 20, f"{alive:,}", 24, INK if alive else ALARM)
    board.text(22 + text_width(f"{alive:,}", 24), y + 23, "alive" if alive else "alive: extinct", 12, MUTED)
    deaths = sum(v for k, v in view.counters.items() if k.startswith("deaths"))
    if "births" in view.counters:
        board.text(board.width - 16, y + 14, f"{number(view.counters['births'])} born", 12, (150, 220, 150), "right")
        board.text(board.width - 16, y + 30, f"{number(deaths)} died", 12, (236, 150, 140), "right")
    board.curve(16, y + 42, board.width - 32, 44, view.history)
    return y + 104


def _counters(board: Board, y: float, view: View) -> float:
    shown = [(k.removeprefix("deaths_").replace("_", " "), v) for k, v in view.counters.items() if k != "births"][:8]
    half = board.width / 2
    for k, (name, value) in enumerate(shown):
        x = 16 if k % 2 == 0 else half + 8
        row = y + 6 + 15 * (k // 2)
        board.text(x, row, shortened(name, half - 76, 11), 11, MUTED)
        board.text(x + half - 26, row, number(value), 11, INK, "right")
    return y + 15 * ((len(shown) + 1) // 2) + (4 if shown else 0)


def _legend(board: Board, y: float, view: View, shade: Shade) -> float:
    """The colour ramp under a histogram of the living; for species, the most numerous ones; for minds, all kinds."""
    if shade.mode == "species" and view.kinds and view.world is not None:
        return _kinds(board, y, view.kinds, shade.value[np.asarray(view.world.alive)])
    board.card(y, y + 58)
    board.text(16, y + 13, f"colour: {shade.mode}", 12)
    board.text(board.width - 16, y + 13, "Tab: next", 11, MUTED, "right")
    values = shade.value[np.asarray(view.world.alive)] if view.world is not None else np.zeros(0)
    x, width = 16, board.width - 32
    if shade.mode == "species":
        labels, count = np.unique(values.astype(np.int64), return_counts=True)
        order = np.argsort(-count)[:40]
        start = 0.0
        for label, n in zip(labels[order], count[order], strict=True):
            end = start + width * n / max(count.sum(), 1)
            colour = tuple(int(c) for c in labelled(np.array(label))) if label >= 0 else FAINT
            board.draw.rectangle((x + start, y + 26, x + max(end - 1, start), y + 40), fill=colour)
            start = end
        board.text(x, y + 49, f"{len(labels)} of them; {shade.low} {shade.high}", 10, MUTED)
        return y + 66
    bars = np.histogram(values, bins=width // 4, range=(0, 1))[0]
    for k, n in enumerate(bars):
        if n:
            tall = 1 + 13 * n / bars.max()
            board.draw.rectangle((x + 4 * k, y + 36 - tall, x + 4 * k + 2, y + 36), fill=FAINT if tall < 1 else MUTED)
    strip = np.broadcast_to(ramp(shade.mode, np.linspace(0, 1, width)), (5, width, 3)).astype(np.uint8)
    board.picture(x, y + 37, strip)
    board.text(x, y + 49, shade.low, 10, MUTED)
    board.text(x + width, y + 49, shade.high, 10, MUTED, "right")
    return y + 66


def _kinds(board: Board, y: float, names: Sequence[str], values: np.ndarray) -> float:
    """Each kind of mind in its colour, with its number among the living, two in a row."""
    rows, half = (len(names) + 1) // 2, board.width / 2
    board.card(y, y + 28 + 15 * rows)
    board.text(16, y + 13, "colour: mind", 12)
    board.text(board.width - 16, y + 13, "Tab: next", 11, MUTED, "right")
    for kind, name in enumerate(names):
        x, row = (16 if kind % 2 == 0 else half + 8), y + 30 + 15 * (kind // 2)
        colour = tuple(int(c) for c in labelled(np.array(kind)))
        board.draw.ellipse((x, row - 4, x + 8, row + 4), fill=colour)
        board.text(x + 14, row, shortened(name, half - 84, 11), 11, INK)
        board.text(x + half - 26, row, f"{int(np.sum(values == kind)):,}", 11, INK, "right")
    return y + 36 + 15 * rows


def _chips(board: Board, y: float, config: WorldConfig, view: View) -> float:
    """Layers with their keys, six in a row; those that are off are faint. The automaton has one if there is any."""
    shown = LAYERS if config.automaton != "none" else LAYERS[:-1]
    step = (board.width - 26) / 6
    for k, name in enumerate(shown):
        x, top, on = 16 + k % 6 * step, y + 21 * (k // 6), name in view.layers
        board.draw.rectangle((x, top + 1, x + step - 8, top + 3), fill=CHIP[name] if on else FAINT)
        board.text(x, top + 12, f"{k + 1} {name}", 10.5, INK if on else MUTED)
    return y + 3 + 21 * -(-len(shown) // 6)
