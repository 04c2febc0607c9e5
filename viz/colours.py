"""Colours: the theme, and what the colour of a creature can tell (`MODES`).

Each mode turns a world into one number per creature, and numbers into colours `[N, 3]` float32, 0…255.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.config import WorldParams
from sim.world import World

Colour = tuple[int, int, int]

INK: Colour = (232, 234, 238)
MUTED: Colour = (138, 147, 160)
FAINT: Colour = (58, 65, 76)
PANEL: Colour = (20, 23, 29)
CARD: Colour = (29, 33, 41)
ACCENT: Colour = (255, 209, 102)
ALARM: Colour = (255, 107, 107)
POSITIVE: Colour = (86, 196, 232)
NEGATIVE: Colour = (244, 132, 74)

CHANNEL: dict[str, Colour] = {
    "plant": (112, 200, 84),
    "meat": (226, 74, 66),
    "poison": (190, 104, 224),
    "obstacle": (150, 154, 164),
    "automaton": (242, 226, 120),
    "size": (240, 240, 240),
    "diet": (255, 150, 90),
    "hue": (90, 200, 240),
    "speed": (255, 236, 140),
}

MODES = ("diet", "species", "energy", "age", "hue", "generation")

RAMPS: dict[str, tuple[Colour, ...]] = {
    "diet": ((152, 255, 150), (255, 232, 112), (255, 84, 72)),
    "energy": ((92, 60, 160), (232, 94, 112), (255, 236, 140)),
    "age": ((240, 250, 255), (104, 184, 255), (70, 84, 190)),
    "generation": ((70, 90, 200), (60, 200, 170), (255, 240, 110)),
}


@dataclass(frozen=True)
class Shade:
    """Colours of all slots under one mode, with what a legend needs."""

    mode: str
    colour: np.ndarray  # [N, 3] float32 0…255
    value: np.ndarray  # [N] float32 0…1 along the ramp; for species, the label
    low: str  # what the left end of the ramp means
    high: str


def ramp(mode: str, value: np.ndarray) -> np.ndarray:
    """Colours `[..., 3]` of values 0…1 along a mode's ramp."""
    if mode == "hue":
        return rainbow(np.asarray(value) * 0.92)
    stops = np.asarray(RAMPS[mode], np.float32)
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(value, at, stops[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def rainbow(turn: np.ndarray) -> np.ndarray:
    """Bright colours `[..., 3]` round the colour circle, one turn per unit."""
    phase = (np.asarray(turn, np.float32)[..., None] + np.array([0, 1 / 3, 2 / 3], np.float32)) % 1.0
    return 255 * (0.62 + 0.38 * np.cos(2 * np.pi * phase)).astype(np.float32)


def labelled(label: np.ndarray) -> np.ndarray:
    """Colours `[..., 3]` that tell integer labels apart, the same label always the same."""
    label = np.asarray(label, np.int64)
    turn = (label * 0.6180339887) % 1.0
    pale = (((label * 2654435761) >> 7) % 3)[..., None] * 0.17
    return (rainbow(turn) * (1 - pale) + 255 * pale).astype(np.float32)


def shade(mode: str, world: World, params: WorldParams, species: np.ndarray | None) -> Shade:
    """Colours of every slot. Without species, the children of one mother share a colour."""
    if mode == "species":
        family = np.where(np.asarray(world.mother) < 0, world.uid, world.mother)
        label = np.asarray(species if species is not None else family)
        colour = np.where((label < 0)[:, None], np.float32(150), labelled(label))
        return Shade(mode, colour, label, "one colour per", "species" if species is not None else "mother")
    if mode == "generation":
        alive = np.asarray(world.alive)
        generation = np.asarray(world.generation, np.float32)
        low, high = (generation[alive].min(), generation[alive].max()) if alive.any() else (0, 0)
        value = (generation - low) / max(high - low, 1)
        return Shade(mode, ramp(mode, value), value, f"{low:.0f}", f"{high:.0f}")
    body = world.body
    if mode == "energy":
        stores = np.maximum(float(params.energy_capacity) * np.asarray(body.size), 1e-9)
        value, low, high = np.asarray(world.energy) / stores, "starving", "full"
    elif mode == "age":
        value, low, high = np.asarray(world.age) / np.maximum(body.lifespan, 1e-9), "newborn", "end of life"
    elif mode == "diet":
        value, low, high = np.asarray(body.diet), "plants", "meat"
    else:
        value, low, high = np.asarray(body.hue), "hue gene 0", "1"
    value = np.clip(np.nan_to_num(value), 0, 1).astype(np.float32)
    return Shade(mode, ramp(mode, value), value, low, high)
