"""Creatures as little drops with the pointed end ahead, stamped all at once.

Sprites (one per radius and heading) are lists of pixels: opaque ones with a brightness level, and rim
ones that darken what lies beneath. All pixels of all creatures are gathered into flat arrays and written
in two strokes, so the cost follows the number of pixels, not of creatures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sim.config import WorldConfig
from sim.world import World
from viz.camera import Camera, Size, nearest, to_screen

HEADINGS = 48
BRIGHTNESS = np.array([0, 0.2, 0.4, 0.6, *np.linspace(0.72, 1.32, 11), 2.0], np.float32)
"""Share of its own colour that a pixel shows, by level; above 1 it turns white. Fine where bodies are shaded."""
LEVELS = len(BRIGHTNESS)
HURT = np.uint32(0x3030FF)  # red, packed as R | G << 8 | B << 16


@dataclass(frozen=True)
class Sprite:
    """Pixels of one shape as offsets from its middle."""

    dy: np.ndarray  # [K] int32, opaque pixels
    dx: np.ndarray  # [K] int32
    level: np.ndarray  # [K] int32 brightness, 0…LEVELS-1
    edge_dy: np.ndarray  # [E] int32, pixels that are partly covered
    edge_dx: np.ndarray  # [E] int32
    keep: np.ndarray  # [E] uint32 share of the background that stays, of 256


def radius(camera: Camera, size: np.ndarray) -> np.ndarray:
    """Radius in pixels of bodies of this size, on the steps for which sprites are made."""
    exact = np.sqrt(np.maximum(size, 0.05)) * max(0.56 * camera.zoom, 2.8)
    large = np.round(20 * 1.06 ** np.round(np.log(np.maximum(exact, 20) / 20) / np.log(1.06)))
    return np.where(exact < 20, np.maximum(np.round(2 * exact) / 2, 1.5), large)


def reach(radius: float) -> int:
    """How far in pixels a sprite of this radius extends from its middle."""
    return int(np.ceil(1.35 * radius)) + 1


@lru_cache(maxsize=4096)
def sprite(radius: float, heading: int) -> Sprite:
    """The drop of a radius (pixels) in one of HEADINGS directions, lit from the upper left."""
    extent = reach(radius)
    dy, dx = (a.ravel() for a in np.mgrid[-extent : extent + 1, -extent : extent + 1])
    angle = 2 * np.pi * heading / HEADINGS
    ahead = dx * np.cos(angle) - dy * np.sin(angle)
    left = -dx * np.sin(angle) - dy * np.cos(angle)
    depth = _drop(ahead, left, radius)
    cover = np.clip(0.5 - depth, 0, 1)
    rim = np.clip(depth + max(0.9, 0.13 * radius) + 0.5, 0, 1)
    light = 1.0 + 0.28 * (-dx - dy) / (1.4 * radius)
    bright = light * (1 - rim) + BRIGHTNESS[1] * rim
    level = np.abs(bright[:, None] - BRIGHTNESS[:-1]).argmin(axis=1)
    if radius >= 4.5:
        for side in (-1, 1):
            eye = np.hypot(ahead - 0.3 * radius, left - side * 0.4 * radius)
            level = np.where(eye < 0.21 * radius, LEVELS - 1, level)
            pupil = np.hypot(ahead - 0.38 * radius, left - side * 0.4 * radius)
            level = np.where(pupil < 0.12 * radius, 0, level)
    level = level.astype(np.int32)
    solid, edge = cover > 0.85, (cover > 0.06) & (cover <= 0.85)
    keep = (256 * (1 - cover)).astype(np.uint32)
    whole = [a.astype(np.int32) for a in (dy, dx)]
    return Sprite(whole[0][solid], whole[1][solid], level[solid], whole[0][edge], whole[1][edge], keep[edge])


def _drop(ahead: np.ndarray, left: np.ndarray, radius: float) -> np.ndarray:
    """Signed distance to a drop: two circles and their tangents (after I. Quilez's uneven capsule)."""
    back, tip, length = 0.85 * radius, 0.26 * radius, 1.2 * radius
    along, across = ahead + 0.25 * radius, np.abs(left)
    slope = (back - tip) / length
    root = np.sqrt(1 - slope**2)
    k = root * along - slope * across
    side = across * root + along * slope - back
    return np.where(
        k < 0, np.hypot(along, across) - back, np.where(k > root * length, np.hypot(along - length, across) - tip, side)
    )


def pack(rgb: np.ndarray) -> np.ndarray:
    """Colours `[..., 3]` 0…255 as R | G << 8 | B << 16, uint32."""
    c = np.clip(rgb, 0, 255).astype(np.uint32)
    return c[..., 0] | c[..., 1] << 8 | c[..., 2] << 16


def tones(colour: np.ndarray) -> np.ndarray:
    """Packed colours of each creature at each brightness level, `[N, LEVELS]`."""
    f = BRIGHTNESS[:, None]
    dark, bright = np.minimum(f, 1), np.maximum(f - 1, 0) * 1.1
    base = colour[:, None, :].astype(np.float32)
    tone = base * (dark - bright) + 255 * bright
    tone[:, -1] = 250  # the whites of eyes
    return pack(tone)


def stamp(
    canvas: np.ndarray, config: WorldConfig, world: World, camera: Camera, size: Size, colour: np.ndarray, margin: int
) -> None:
    """Draws the living onto a packed canvas `[h+2·margin, w+2·margin]` uint32, in place."""
    slots = np.flatnonzero(world.alive)
    if not len(slots):
        return
    x, y = nearest(config, camera, np.asarray(world.x)[slots], np.asarray(world.y)[slots])
    i, j = to_screen(camera, size, x, y)
    size_px = radius(camera, np.asarray(world.body.size)[slots])
    turn = np.asarray(world.heading)[slots] * (HEADINGS / (2 * np.pi))
    heading = np.round(np.nan_to_num(turn)).astype(np.int64) % HEADINGS
    tone = tones(colour[slots])
    tone[np.asarray(world.pain)[slots] > 0.02, 1:3] = HURT
    for across, up in copies(config, camera, size):
        ii, jj = i + across, j + up
        far = 1.35 * size_px + 2
        visible = (ii > -far) & (ii < size[0] + far) & (jj > -far) & (jj < size[1] + far)
        (v,) = np.nonzero(visible)
        if len(v):
            ci, cj = np.floor(ii[v]).astype(np.int64) + margin, np.floor(jj[v]).astype(np.int64) + margin
            _write(canvas, cj * canvas.shape[1] + ci, size_px[v], heading[v], tone[v])


def copies(config: WorldConfig, camera: Camera, size: Size) -> list[tuple[float, float]]:
    """Offsets in pixels at which copies of a torus show; walled worlds show once."""
    if config.boundary != "torus":
        return [(0.0, 0.0)]
    w, h = config.width * camera.zoom, config.height * camera.zoom
    nx, ny = (int(np.ceil(max(length / period - 1, 0) / 2 + 0.1)) for length, period in zip(size, (w, h), strict=True))
    return [(a * w, b * h) for a in range(-nx, nx + 1) for b in range(-ny, ny + 1)]


def _write(canvas: np.ndarray, middle: np.ndarray, size_px: np.ndarray, heading: np.ndarray, tone: np.ndarray) -> None:
    """Writes sprites around the flat pixel indices `middle` `[V]`."""
    code = np.round(2 * size_px).astype(np.int64) * HEADINGS + heading
    kinds, which = np.unique(code, return_inverse=True)
    sprites = [sprite(int(k) // HEADINGS / 2, int(k) % HEADINGS) for k in kinds]
    flat, stride = canvas.reshape(-1), canvas.shape[1]
    owner, pixel = _spread([s.keep for s in sprites], which)
    offset = np.concatenate([s.edge_dy * stride + s.edge_dx for s in sprites])
    at = middle[owner] + offset[pixel]
    keep = np.concatenate([s.keep for s in sprites])[pixel]
    under = flat[at]
    red_blue = ((under & 0xFF00FF) * keep >> 8) & 0xFF00FF
    flat[at] = red_blue | (((under & 0xFF00) * keep >> 8) & 0xFF00)
    owner, pixel = _spread([s.level for s in sprites], which)
    offset = np.concatenate([s.dy * stride + s.dx for s in sprites])
    level = np.concatenate([s.level for s in sprites])
    flat[middle[owner] + offset[pixel]] = tone.reshape(-1)[owner * LEVELS + level[pixel]]


def _spread(lists: list[np.ndarray], which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each creature all entries of its sprite's list: owners and places in the joined list."""
    length = np.array([len(a) for a in lists])
    start = np.cumsum(length) - length
    count = length[which]
    owner = np.repeat(np.arange(len(which)), count)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    return owner, np.repeat(start[which], count) + within
