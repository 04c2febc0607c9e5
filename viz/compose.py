"""The full frame: scene, panels, brain graph, timeline and help in one RGB array. No pygame."""

from __future__ import annotations

import numpy as np

from sim import actions, senses
from viz import brain_graph, draw, furniture, ink, inspector, status
from viz.camera import Size, nearest, to_screen
from viz.colours import ACCENT, FAINT, MUTED, PANEL, Shade, shade
from viz.control import HELP
from viz.furniture import scene_size
from viz.source import Source
from viz.view import View, mark, opened

TIMELINE = 26
"""Height in pixels of the strip at the bottom of a replay's scene."""


def picture(source: Source, size: Size, view: View | None = None) -> np.ndarray:
    """The frame `[size[1], size[0], 3]` uint8; without a view, the whole world."""
    view = view or opened(source, scene_size(size))
    return frame(source, view, size, side(source, view, size), graph(source, view, size))


def frame(source: Source, view: View, size: Size, side: np.ndarray | None, graph: np.ndarray | None) -> np.ndarray:
    """The frame, with panels that may have been drawn a moment ago."""
    part = scene_size(size)
    out, scene = furniture.canvas(size)
    scene[...] = draw.scene(
        source.config,
        _world(view),
        view.camera,
        part,
        _shade(source, view).colour,
        view.layers,
        mark(view),
        view.smooth,
    )
    foot = TIMELINE if len(source.ticks) else 0
    if graph is not None:
        ink.paste(scene, graph, *_corner(source, view, part, graph, foot), 0.93)
    if foot:
        _timeline(scene, list(source.ticks), int(_world(view).tick))
    if view.message:
        furniture.toast(scene, view.message)
    if view.help:
        furniture.keys(scene, HELP)
    if side is not None:
        out[:, part[0] :] = side
    return out


def side(source: Source, view: View, size: Size) -> np.ndarray | None:
    """The panel right of the scene; None when there is no room."""
    board = furniture.side_board(size)
    if board is None:
        return None
    tones = _shade(source, view)
    y = status.draw(board, 0, source.title, source.config, source.params, view, tones)
    if view.subject is not None:
        s = view.subject
        colour = MUTED if s.gone else tones.colour[s.slot]
        inspector.draw(board, y + 2, source.config, source.params, s, colour, view.follow)
    else:
        inspector.invitation(board, y + 2, ("Click a creature to look into it.", "H lists all keys."))
    return board.rgb()


def graph(source: Source, view: View, size: Size) -> np.ndarray | None:
    """The brain graph of the selected creature; None when it is off or does not fit."""
    width, height = scene_size(size)
    s = view.subject
    if s is None or not view.graph or width < 320 or height < 240:
        return None
    names = senses.names(source.config), actions.names(source.config)
    if s.mind is None:
        box = (min(240, width - 24), 60)
        return brain_graph.picture(None, box, *names, told=s.kind[1]) if s.kind else None
    net = brain_graph.network(s.mind, s.memory, s.obs, len(s.action))
    inputs = len(set(net.source[net.source < net.inputs].tolist())) if net is not None else 0
    box = (min(430, width - 24), min(max(230, 60 + 14 * inputs), height // 2, 420))
    return brain_graph.picture(net, box, *names, source.activations)


def timeline_tick(source: Source, size: Size, i: float, j: float) -> int | None:
    """The record under a position in the frame of a replay; None elsewhere."""
    width, height = scene_size(size)
    if not len(source.ticks) or i >= width or j < height - TIMELINE:
        return None
    ticks = np.asarray(source.ticks)
    want = ticks[0] + (ticks[-1] - ticks[0]) * np.clip((i - 16) / max(width - 32, 1), 0, 1)
    return int(ticks[np.argmin(np.abs(ticks - want))])


def _corner(source: Source, view: View, part: Size, graph: np.ndarray, foot: int) -> tuple[int, int]:
    """Upper left corner of the brain graph: at the lower left, or right where it would hide the selected one."""
    height, width = graph.shape[:2]
    left, top = 12, part[1] - height - 12 - foot
    seen = mark(view)
    if seen is not None:
        i, j = to_screen(view.camera, part, *nearest(source.config, view.camera, seen.x, seen.y))
        if i < left + width + 30 and j > top - 30:
            left = max(part[0] - width - 12, 12)
    return left, top


def _world(view: View):
    assert view.world is not None, "look() has not seen the world yet"
    return view.world


def _shade(source: Source, view: View) -> Shade:
    return shade(view.colour, _world(view), source.params, view.species)


def _timeline(scene: np.ndarray, ticks: list[int], now: int) -> None:
    height, width = scene.shape[:2]
    top = max(height - TIMELINE, 0)
    scene[top:] = scene[top:] // 4 + np.array(PANEL, np.uint8) // 4 * 3
    y, span = height - TIMELINE / 2, max(ticks[-1] - ticks[0], 1)
    ink.line(scene, (16, y), (width - 16, y), FAINT, 3)
    for tick in ticks:
        ink.dot(scene, (16 + (width - 32) * (tick - ticks[0]) / span, y), 2.2, MUTED)
    share = float(np.clip((now - ticks[0]) / span, 0, 1))
    ink.dot(scene, (16 + (width - 32) * share, y), 6, ACCENT)
