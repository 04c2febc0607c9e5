"""The panel beside an automaton: rule and grid, population and entropy over time, states, objects; the typed line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from viz import furniture, ink, life_colours
from viz.camera import Size
from viz.colours import ACCENT, CARD, FAINT, INK, MUTED
from viz.life_census import caution, counted
from viz.life_edit import cell
from viz.life_view import LifeView, Prompt
from viz.paint import Board, number, text_width

KINDS = {"plane": "plane", "torus": "torus", "klein": "Klein bottle", "cross": "cross-surface", "sphere": "sphere"}
ASKS = {"pattern": "Load pattern or file: ", "stamp": "Paste pattern or file: ", "rule": "Rule: "}
SHOWN_STATES = 20
ROW = 16


def side(view: LifeView, title: str, size: Size) -> np.ndarray | None:
    """The panel; None when there is no room."""
    board = furniture.side_board(size)
    if board is None:
        return None
    y = furniture.heading(board, 0, title, f"gen {view.universe.generation:,}")
    y = furniture.pace(board, y, view, "gen")
    y = _rule(board, y, view)
    y = _curve(board, y, f"{view.population:,}", "cells", view.populations, _density(view))
    y = _curve(board, y, f"{view.entropy:.3f}", "bits a cell", view.entropies, "entropy")
    y = _states(board, y, view)
    if view.census:
        _census(board, y, view)
    else:
        _invitation(board, y)
    _pointer(board, view)
    return board.rgb()


def grid_name(view: LifeView) -> str:
    """The grid in words."""
    grid, (height, width) = view.universe.grid, view.universe.cells.shape
    if not (grid.width or grid.height):
        return f"plane without end, field {width:,} x {height:,}"
    if view.line:
        shape = "ring" if grid.kind == "torus" and grid.width else "line"
        return f"{shape} of {grid.width:,} cells" if grid.width else "line without end"
    sides = " x ".join(f"{side:,}" if side else "no end" for side in (grid.width, grid.height))
    return f"{KINDS[grid.kind]} {sides}" + (" shifted" if any(grid.shift) else "")


def _rule(board: Board, y: float, view: LifeView) -> float:
    board.text(16, y + 2, furniture.shortened(view.rule.name, board.width - 100, 14), 14, ACCENT)
    board.text(board.width - 16, y + 2, f"{view.rule.num_states} states", 11, MUTED, "right")
    board.text(16, y + 20, furniture.shortened(grid_name(view), board.width - 32, 11), 11, MUTED)
    return y + 34


def _density(view: LifeView) -> str:
    if not view.universe.grid.bounded:
        return "population"
    return f"{100 * view.population / max(view.universe.cells.size, 1):.2f} % of all"


def _curve(board: Board, y: float, value: str, unit: str, points: Sequence[tuple[float, float]], note: str) -> float:
    board.card(y, y + 90)
    board.text(16, y + 20, value, 22)
    board.text(22 + text_width(value, 22), y + 23, unit, 12, MUTED)
    board.text(board.width - 16, y + 16, note, 12, MUTED, "right")
    board.curve(16, y + 40, board.width - 32, 40, points)
    return y + 98


def _states(board: Board, y: float, view: LifeView) -> float:
    """Colours of the states, the one that is drawn framed; or what ages look like."""
    if view.colour == "ages" and not view.line:
        strip = life_colours.of_ages()[np.linspace(128, 255, board.width - 32).astype(int)]
        board.picture(16, y, np.broadcast_to(strip, (6, *strip.shape)).copy())
        board.text(16, y + 16, "newborn", 10, MUTED)
        board.text(board.width - 16, y + 16, f"{life_colours.OLDEST} generations", 10, MUTED, "right")
        return y + 30
    palette, num = life_colours.of_rule(view.rule), min(view.rule.num_states, SHOWN_STATES)
    board.text(16, y + 8, "draws", 11, MUTED)
    for state in range(num):
        x, top = 60 + 22 * (state % 10), y + 22 * (state // 10)
        fill = tuple(int(c) for c in palette[state])
        board.draw.rectangle((x, top, x + 17, top + 17), fill=fill, outline=ACCENT if state == view.state else FAINT)
        ink_ = (0, 0, 0) if sum(fill) > 380 else INK
        board.text(x + 9, top + 9, str(state), 10, ink_, "middle")
    return y + 22 * -(-num // 10) + 6


def _census(board: Board, y: float, view: LifeView) -> None:
    """Names of objects, how many, and their share."""
    end = board.height - 34
    board.card(y, end)
    found = counted(view)
    when = "" if view.found_in is view.universe or view.found_in is None else f"at {view.found_in.generation:,}"
    board.text(16, y + 15, f"{len(view.found):,} objects" if found else "objects", 13, ACCENT)
    board.text(board.width - 16, y + 15, when, 11, MUTED, "right")
    lines = _wrapped(view.told or caution(view), board.width - 32)
    for place, text in enumerate(lines):
        board.text(16, y + 36 + ROW * place, text, 11, MUTED)
    y += ROW * len(lines)
    most = max((count for _, count in found), default=1)
    room = int((end - y - 36) // ROW)
    for place, (name, count) in enumerate(found[: max(room, 0)]):
        row = y + 36 + ROW * place
        if place == room - 1 and len(found) > room:
            board.text(16, row, f"and {len(found) - place} other kinds", 11, MUTED)
            break
        board.text(16, row, furniture.shortened(name, 148, 11), 11)
        board.bar(178, row, 60, count / most, ACCENT, 4)
        board.text(board.width - 16, row, f"{count:,}", 11, INK, "right")


def _wrapped(text: str, width: float) -> list[str]:
    lines = [""] if text else []
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer.replace(" ", "  "), 11) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _invitation(board: Board, y: float) -> None:
    lines = (
        *("Space runs, . steps, U undoes.", "Drag to draw, right drag to move."),
        *("L loads, E sets the rule, C identifies.", "H lists all keys."),
    )
    room = int((board.height - 34 - y - 16) // 18)
    board.card(y, y + 16 + 18 * min(len(lines), room))
    for place, text in enumerate(lines[: max(room, 0)]):
        board.text(16, y + 17 + 18 * place, text, 12, MUTED)


def _pointer(board: Board, view: LifeView) -> None:
    """Where the pointer is, and how large cells are drawn."""
    scale = view.camera.zoom
    shown = f"{number(round(scale, 2))} pixels a cell" if scale >= 1 else f"{number(round(1 / scale, 1))} cells a pixel"
    board.text(board.width - 16, board.height - 16, shown, 11, MUTED, "right")
    if view.pointer is not None:
        row, column = view.pointer
        board.text(16, board.height - 16, f"({column:,}, {row:,}): {cell(view.universe, row, column)}", 11, MUTED)


def typed(scene: np.ndarray, prompt: Prompt, near: Sequence[str]) -> None:
    """The line that is being typed, at the foot, and names that it may become above it."""
    board = Board(scene.shape[1], 56 if near else 32, CARD)
    line = board.height - 16
    asks = ASKS[prompt.asks]
    board.text(14, line, asks, 14, MUTED)
    left = 14 + text_width(asks, 14)
    shown = prompt.text
    while len(shown) > 1 and left + text_width(shown, 14) > board.width - 24:
        shown = shown[1:]
    board.text(left, line, shown, 14, INK)
    end = left + text_width(shown, 14) + 2
    board.draw.rectangle((end, line - 8, end + 1, line + 8), fill=ACCENT)
    x = 14.0
    for place, name in enumerate(near):
        wide = text_width(name, 12) + 18
        if x + wide > board.width:
            break
        board.text(x, 14, name, 12, ACCENT if not place else MUTED)
        x += wide
    if near:
        board.text(max(board.width - 16, 0), line, "Tab completes", 11, MUTED, "right")
    ink.paste(scene, board.rgb(), 0, scene.shape[0] - board.height, 0.95)
