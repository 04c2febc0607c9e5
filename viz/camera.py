"""Where the viewer looks: a point of the world, pixels per cell, and the maps between screen and world.

World y grows upwards on the screen, so that a creature's left is left in the picture. Screen positions
are pixels from the upper left corner; pixel (i, j) covers i…i+1, j…j+1. On a torus the world repeats.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim.config import WorldConfig

ZOOM_MAX = 200.0
Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Camera:
    """The world point in the middle of the picture, and how many pixels a cell takes."""

    x: float
    y: float
    zoom: float


def fit(config: WorldConfig, size: Size) -> Camera:
    """The camera that shows the whole world."""
    zoom = max(min(size[0] / config.width, size[1] / config.height), 1e-3)
    return Camera(config.width / 2, config.height / 2, zoom)


def to_screen(camera: Camera, size: Size, x, y):
    """Screen position of world points, without wrapping."""
    return size[0] / 2 + (x - camera.x) * camera.zoom, size[1] / 2 - (y - camera.y) * camera.zoom


def to_world(camera: Camera, size: Size, i, j):
    """World point under screen positions, without wrapping."""
    return camera.x + (i - size[0] / 2) / camera.zoom, camera.y - (j - size[1] / 2) / camera.zoom


def home(config: WorldConfig, camera: Camera) -> Camera:
    """The same view with its middle inside the world."""
    if config.boundary == "torus":
        return replace(camera, x=camera.x % config.width, y=camera.y % config.height)
    return replace(camera, x=float(np.clip(camera.x, 0, config.width)), y=float(np.clip(camera.y, 0, config.height)))


def zoomed(config: WorldConfig, camera: Camera, size: Size, factor: float, i: float, j: float) -> Camera:
    """Zooms by `factor`, keeping the world point under screen position (i, j) where it is."""
    low = 0.4 * fit(config, size).zoom
    zoom = float(np.clip(camera.zoom * factor, min(low, ZOOM_MAX), ZOOM_MAX))
    return home(config, about(camera, size, zoom, i, j))


def about(camera: Camera, size: Size, zoom: float, i: float, j: float) -> Camera:
    """Another zoom, with the same point under screen position (i, j)."""
    x, y = to_world(camera, size, i, j)
    return Camera(x - (i - size[0] / 2) / zoom, y + (j - size[1] / 2) / zoom, zoom)


def panned(config: WorldConfig, camera: Camera, di: float, dj: float) -> Camera:
    """Moves the picture by (di, dj) pixels."""
    return home(config, replace(camera, x=camera.x - di / camera.zoom, y=camera.y + dj / camera.zoom))


def nearest(config: WorldConfig, camera: Camera, x, y):
    """On a torus, the copies of world points that lie nearest to the middle of the view."""
    if config.boundary != "torus":
        return x, y
    w, h = config.width, config.height
    return camera.x + (x - camera.x + w / 2) % w - w / 2, camera.y + (y - camera.y + h / 2) % h - h / 2
