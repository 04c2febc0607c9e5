"""The scene: a world, a camera and what to show, to an RGB array `[h, w, 3]` uint8.

Pure: nothing it is given changes. Ground first, creatures on it, then the marks of the selected one: its
ring and the rays of its retina, coloured by what each ray sees most of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import ImageOps

from sim import senses
from sim.config import WorldConfig
from sim.world import World
from viz import creatures, ink, terrain
from viz.camera import Camera, Size, nearest, to_screen
from viz.colours import ACCENT, CHANNEL, INK, MUTED

DEFAULT_LAYERS = frozenset(("plants", "poison", "meat", "light", "automaton"))
SOLID = ("plant", "meat", "poison", "obstacle", "automaton", "size")
"""Channels of the retina that say what is there; the others say what it is like."""


@dataclass(frozen=True)
class Mark:
    """The selected creature as the scene needs it."""

    x: float
    y: float
    heading: float
    size: float
    alive: bool
    obs: np.ndarray | None  # [I] what it observes; None: rays are not drawn


def brightness(world: World) -> float:
    """Light of the hour, 0…1."""
    return float(np.clip(np.nan_to_num(world.light), 0, 1))


def scene(
    config: WorldConfig,
    world: World,
    camera: Camera,
    size: Size,
    colour: np.ndarray,
    layers: frozenset[str] = DEFAULT_LAYERS,
    mark: Mark | None = None,
    smooth: bool = True,
) -> np.ndarray:
    """The picture, `[size[1], size[0], 3]`. `colour` `[N, 3]` is that of each slot (see `viz.colours`)."""
    lit = brightness(world) if "light" in layers else 1.0
    sprites = creatures.radius(camera, np.asarray(world.body.size)[world.alive])
    margin = 2 * creatures.reach(float(sprites.max())) + 4 if len(sprites) else 0
    tint = terrain.daylight(lit)
    image = terrain.ground(config, world, camera, size, layers, tint, smooth)
    if margin:
        image = ImageOps.expand(image, margin)
    canvas = np.array(image).view(np.uint32)[..., 0]
    creatures.stamp(canvas, config, world, camera, size, colour * (0.35 + 0.65 * tint), margin)
    rgb = canvas.view(np.uint8).reshape(*canvas.shape, 4)[margin : margin + size[1], margin : margin + size[0], :3]
    _dim_copies(config, camera, size, rgb)
    if mark is not None:
        _selection(config, camera, size, rgb, mark)
    return rgb


def _dim_copies(config: WorldConfig, camera: Camera, size: Size, rgb: np.ndarray) -> None:
    """Darkens what a torus shows more than once, so that one world stands out."""
    if config.boundary != "torus":
        return
    half = config.width * camera.zoom / 2, config.height * camera.zoom / 2
    x0, x1 = (int(np.clip(round(size[0] / 2 + s * half[0]), 0, size[0])) for s in (-1, 1))
    y0, y1 = (int(np.clip(round(size[1] / 2 + s * half[1]), 0, size[1])) for s in (-1, 1))
    for part in (rgb[:y0], rgb[y1:], rgb[y0:y1, :x0], rgb[y0:y1, x1:]):
        part[...] = part // 5 * 2


def _selection(config: WorldConfig, camera: Camera, size: Size, rgb: np.ndarray, mark: Mark) -> None:
    x, y = nearest(config, camera, mark.x, mark.y)
    i, j = to_screen(camera, size, x, y)
    middle = (float(i), float(j))
    radius = float(creatures.radius(camera, np.asarray(mark.size)))
    if mark.alive and mark.obs is not None and "retina" in config.senses:
        _rays(config, camera, rgb, mark, middle)
    for width, colour in ((4.0, (10, 12, 16)), (2.0, ACCENT if mark.alive else MUTED)):
        ink.ring(rgb, middle, 1.5 * radius + 4, colour, width, 1.0 if width < 3 else 0.6)


def _rays(config: WorldConfig, camera: Camera, rgb: np.ndarray, mark: Mark, middle: tuple[float, float]) -> None:
    assert mark.obs is not None
    obs = np.nan_to_num(mark.obs)
    column = {name: k for k, name in enumerate(senses.names(config))}
    for ray, angle in enumerate(senses.ray_angles(config)):
        seen = {c: float(obs[column[f"ray{ray}.{c}"]]) for c in config.channels if c in SOLID}
        most = max(seen, key=lambda c: seen[c])
        strength = min(1.0, seen[most])
        pale = tuple((2 * c + 255) // 3 for c in CHANNEL[most])  # to stand out from the ground of that colour
        colour = (pale[0], pale[1], pale[2]) if strength > 0.05 else INK
        turn = mark.heading + float(angle)
        points = [
            (middle[0] + d * camera.zoom * np.cos(turn), middle[1] - d * camera.zoom * np.sin(turn))
            for d in config.retina_distances
        ]
        ink.line(rgb, middle, points[-1], colour, 1.5, 0.4 + 0.5 * strength)
        for point in points:
            ink.dot(rgb, point, max(1.6, 0.12 * camera.zoom), colour, 0.85)
