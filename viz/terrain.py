"""The ground: fields to colours, and its smooth or cell-by-cell enlargement to the screen.

Only visible cells are coloured, and when cells are smaller than pixels only as many as there are pixels.
Left out: any shading that depends on height; the world is flat.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from sim.config import WorldConfig
from sim.fields import COARSE
from sim.world import World
from viz.camera import Camera, Size, to_world

LAYERS = ("plants", "poison", "meat", "scent", "sound", "light", "automaton")
"""Layers that can be switched on and off, in the order of the keys 1…7."""

VOID = (13, 15, 19)
BARREN = np.array((88, 75, 61), np.float32)
FERTILE = np.array((90, 84, 56), np.float32)
PLANT = np.array((84, 152, 62), np.float32)
POISON = np.array((142, 76, 168), np.float32)
MEAT = np.array((196, 48, 44), np.float32)
ROCK = np.array((132, 135, 144), np.float32)
SCENT = np.array((255, 190, 80), np.float32)
SOUND = np.array((90, 220, 255), np.float32)
AUTOMATON = np.array((242, 226, 120), np.float32)
NIGHT = np.array((0.46, 0.52, 0.74), np.float32)


def daylight(brightness: float) -> np.ndarray:
    """Multiplier of colours `[3]` for light 0…1: nights are dark and blue."""
    return NIGHT + (1 - NIGHT) * np.float32(np.clip(brightness, 0, 1))


def ground(
    config: WorldConfig,
    world: World,
    camera: Camera,
    size: Size,
    layers: frozenset[str],
    tint: np.ndarray,
    smooth: bool,
) -> Image.Image:
    """Picture of the visible ground, `size` pixels, mode RGBX; on a torus the world repeats."""
    left, top = to_world(camera, size, 0, 0)
    right, bottom = to_world(camera, size, *size)
    step = max(1, int(1 / camera.zoom))
    x0, y0 = (int(np.floor(v / step) - 2) * step for v in (left, bottom))
    columns = np.arange(x0, int(np.ceil(right)) + 3 * step, step)
    rows = np.arange(y0, int(np.ceil(top)) + 3 * step, step)
    cells = np.zeros((len(rows), len(columns), 4), np.uint8)
    cells[..., :3] = np.clip(colours(config, world, rows, columns, layers) * tint, 0, 255)
    if config.boundary != "torus":
        outside = ((rows < 0) | (rows >= config.height))[:, None] | ((columns < 0) | (columns >= config.width))
        cells[outside, :3] = VOID
    flipped = np.ascontiguousarray(cells[::-1])
    highest = y0 + len(rows) * step
    box = ((left - x0) / step, (highest - top) / step, (right - x0) / step, (highest - bottom) / step)
    image = Image.frombuffer("RGBX", (len(columns), len(rows)), flipped, "raw", "RGBX", 0, 1)
    kind = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return image.resize(size, kind, box=box)


def colours(
    config: WorldConfig, world: World, rows: np.ndarray, columns: np.ndarray, layers: frozenset[str]
) -> np.ndarray:
    """Colours of the cells at `rows` × `columns` (any integers; they wrap), `[R, C, 3]` float32."""
    rows, columns = rows % config.height, columns % config.width
    where = np.ix_(rows, columns)

    def seen(field, name: str) -> np.ndarray | None:
        return None if field is None or name not in layers else np.asarray(field)[where]

    grain = _grain(rows, columns)[..., None]
    fertile = np.clip(np.asarray(world.fertility)[where], 0, 1)[..., None]
    rgb = (BARREN + (FERTILE - BARREN) * fertile) * grain
    for field, name, colour in ((world.plants, "plants", PLANT), (world.poison, "poison", POISON)):
        amount = seen(field, name)
        if amount is not None:
            cover = np.sqrt(np.clip(amount, 0, 1))[..., None]
            rgb += cover * (colour * (0.5 + 0.5 * grain) - rgb)
    amount = seen(world.meat, "meat")
    if amount is not None:
        rgb += (1 - np.exp(-0.9 * amount))[..., None] * (MEAT - rgb)
    alive = seen(world.automaton, "automaton")
    if alive is not None:
        rgb += 0.6 * alive[..., None] * (AUTOMATON - rgb)
    if world.rock is not None:
        rgb += np.asarray(world.rock)[where][..., None] * (_rock(config, world, rows, columns) - rgb)
    for field, name, colour in ((world.scent, "scent", SCENT), (world.sound, "sound", SOUND)):
        if field is not None and name in layers:
            rgb += 0.75 * _haze(config, np.asarray(field))[where][..., None] * (colour - rgb)
    return rgb


def _grain(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Fixed fine variation of brightness, so that bare ground has texture."""
    word = (rows[:, None] * 73856093) ^ (columns[None, :] * 19349663)
    return (0.91 + 0.18 * (((word * 2654435761) >> 9) % 256) / 255).astype(np.float32)


def _rock(config: WorldConfig, world: World, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Rock colours, lit from the upper left."""
    rock = np.asarray(world.rock)
    lit = rock[np.ix_((rows + 1) % config.height, (columns - 1) % config.width)]
    dark = rock[np.ix_((rows - 1) % config.height, (columns + 1) % config.width)]
    return ROCK * (0.92 + 0.22 * (dark - lit))[..., None]


def _haze(config: WorldConfig, field: np.ndarray) -> np.ndarray:
    """A coarse field (channels summed), squeezed to 0…1 and smoothly enlarged to the grid, `[H, W]`."""
    total = field.sum(axis=2) if field.ndim == 3 else field
    padded = np.pad(total / (0.6 + total), 1, mode="wrap" if config.boundary == "torus" else "edge")
    box = (1, 1, 1 + config.width / COARSE, 1 + config.height / COARSE)
    image = Image.fromarray(padded.astype(np.float32))
    return np.asarray(image.resize((config.width, config.height), Image.Resampling.BILINEAR, box=box))
