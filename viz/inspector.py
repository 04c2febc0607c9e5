"""The lower panel: all about the selected creature, from its state and genes to what it senses and does.

What its retina sees is a small table, rays from left to right and one row per channel; every other sense
is a bar. Long lists are cut off at the panel's end, most telling things first.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from sim import actions, senses
from sim.config import WorldConfig, WorldParams
from viz.colours import ACCENT, ALARM, CHANNEL, FAINT, INK, MUTED, NEGATIVE, POSITIVE
from viz.furniture import shortened
from viz.paint import Board, number
from viz.subject import Subject

ROW = 13.5
FACTS = (
    ("mother", "mother"),
    ("generation", "generation"),
    ("offspring", "offspring"),
    ("connections", "brain"),
    ("ate plants", "eaten_plant"),
    ("ate meat", "eaten_meat"),
    ("size", "size"),
    ("diet", "diet"),
    ("top speed", "speed_gene"),
    ("clutch", "clutch"),
    ("birth share", "birth_energy"),
    ("breeds at", "breed_at"),
    ("mutation", "mutation"),
    ("lifespan", "lifespan"),
)
"""Facts and genes shown: label, and name in the subject's state."""


def draw(
    board: Board, top: float, config: WorldConfig, params: WorldParams, subject: Subject, colour, follow: bool
) -> None:
    """Draws from height `top` to the end of the board."""
    board.card(top, board.height - 7)
    y = _head(board, top + 18, subject, colour, follow)
    y = _vitals(board, y, params, subject)
    y = _facts(board, y, subject)
    y = _retina(board, y, config, subject)
    y = _bars(board, y, "does", actions.names(config), subject.action)
    other = [(n, v) for n, v in zip(senses.names(config), subject.obs, strict=True) if not n.startswith("ray")]
    _bars(board, y, "senses", [n for n, _ in other], np.array([v for _, v in other]))


def invitation(board: Board, top: float, lines: tuple[str, ...]) -> None:
    """Drawn while nobody is selected."""
    board.card(top, min(top + 16 + 18 * len(lines), board.height - 7))
    for k, text in enumerate(lines):
        board.text(16, top + 17 + 18 * k, text, 12, MUTED)


def _head(board: Board, y: float, subject: Subject, colour, follow: bool) -> float:
    board.draw.ellipse((16, y - 7, 30, y + 7), fill=tuple(int(c) for c in colour), outline=INK)
    board.text(38, y, f"creature {subject.uid}", 15, INK if subject.alive else MUTED)
    note = "followed" if follow else "F: follow" if subject.alive else ""
    board.text(board.width - 16, y, note, 11, ACCENT if follow else MUTED, "right")
    if not subject.alive:
        board.text(38, y + 17, subject.fate, 11.5, ALARM)
        return y + 34
    return y + 20


def _vitals(board: Board, y: float, params: WorldParams, subject: Subject) -> float:
    s = subject.state
    stores = float(params.energy_capacity) * s["size"]
    rows = (
        ("energy", s["energy"] / max(stores, 1e-9), (255, 200, 90), f"{s['energy']:.2f} of {stores:.1f}"),
        ("health", s["health"], (120, 210, 130), f"{s['health']:.0%}"),
        ("age", s["age"] / max(s["lifespan"], 1e-9), (130, 170, 240), f"{s['age']:,} of {s['lifespan']:,.0f}"),
    )
    for name, share, tone, text in rows:
        board.text(16, y, name, 11, MUTED)
        board.bar(64, y, board.width - 64 - 112, share, tone)
        board.text(board.width - 16, y, text, 11, INK, "right")
        y += 15
    return y + 3


def _facts(board: Board, y: float, subject: Subject) -> float:
    values = subject.state
    rows: list[tuple[str, Any]] = [("species", subject.species)] if subject.species is not None else []
    rows += [("mind", subject.kind[0]), ("thinks as", subject.kind[1].removesuffix(" network"))] if subject.kind else []
    rows += [(label, values[name]) for label, name in FACTS]
    half = board.width / 2
    for k, (label, value) in enumerate(rows):
        x, row = (16 if k % 2 == 0 else half + 8), y + ROW * (k // 2)
        board.text(x, row, label, 11, MUTED)
        told = "none" if value == -1 else value if isinstance(value, str) else number(round(float(value), 3))
        board.text(x + half - 26, row, shortened(told, half - 80, 11), 11, INK, "right")
    return y + ROW * ((len(rows) + 1) // 2) + 6


def _retina(board: Board, y: float, config: WorldConfig, subject: Subject) -> float:
    """Rows are channels, columns rays from left to right; brighter is more."""
    if "retina" not in config.senses or y > board.height - 40:
        return y
    board.text(16, y, "sees", 11, ACCENT)
    board.text(76, y, "left", 10, MUTED)
    board.text(board.width - 16, y, "right", 10, MUTED, "right")
    column = {name: k for k, name in enumerate(senses.names(config))}
    x0, step = 76.0, (board.width - 92) / config.retina_rays
    for channel in config.channels:
        y += 12
        board.text(16, y, channel, 10.5, MUTED)
        tone = np.array(CHANNEL.get(channel, INK), float)
        for ray in range(config.retina_rays):
            value = float(np.clip(np.nan_to_num(subject.obs[column[f"ray{ray}.{channel}"]]), 0, 1))
            fill = tuple(int(v) for v in np.array(FAINT) * 0.7 + (tone - np.array(FAINT) * 0.7) * value**0.7)
            x = x0 + step * (config.retina_rays - 1 - ray)
            board.draw.rectangle((x, y - 5, x + step - 2, y + 4), fill=fill)
    return y + 18


def _bars(board: Board, y: float, title: str, names, values: np.ndarray) -> float:
    """Two columns of named values in -1…1."""
    if y > board.height - 30:
        return y
    board.text(16, y, title, 11, ACCENT)
    half, start = board.width / 2, y + 14
    for k, (name, value) in enumerate(zip(names, values, strict=True)):
        x, row = (16 if k % 2 == 0 else half + 6), start + ROW * (k // 2)
        if row > board.height - 14:
            break
        board.text(x, row, re.sub(r"^(self|touch)\.", "", name).replace(".", " ").replace("_", " "), 10.5, MUTED)
        board.balance(x + 78, row, half - 22 - 78, float(value), (POSITIVE, NEGATIVE))
    return start + ROW * ((len(names) + 1) // 2) + 6
