"""Colours of an automaton's cells: of their states, or of how long they have lived or been dead.

A palette has a colour for each of 256 numbers. Rules that bring colours keep them; else two states are dark and
light, dying states go from red to yellow as in Golly, and automata that come with the program have those customary.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from viz.colours import Colour

DEAD: Colour = (17, 20, 26)
ALIVE: Colour = (250, 240, 205)
VOID: Colour = (7, 8, 10)
"""Beyond the edges of a grid."""

CLASSIC: tuple[Colour, ...] = (
    *(DEAD, (60, 90, 255), (235, 50, 45), (60, 210, 80), (250, 230, 70), (235, 80, 220), (245, 245, 245)),
    (60, 215, 235),
)
"""Of loops, in the order of their states."""
WIRE: tuple[Colour, ...] = (DEAD, (70, 150, 255), (250, 250, 250), (205, 110, 25))
"""Nothing, electron head, tail, copper."""
YOUNG = ((255, 255, 240), (255, 205, 95), (240, 110, 70), (150, 60, 130), (90, 55, 150))
"""From newborn cells to those that are `OLDEST`, by the logarithm of age."""
LATELY: Colour = (28, 54, 74)
"""Where a cell has just died."""
OLDEST = 127
"""Generations beyond which ages and absences look alike."""


def of_rule(rule: Any) -> np.ndarray:
    """Palette `[256, 3]` uint8 of a rule's states."""
    out = np.zeros((256, 3), np.uint8)
    num = rule.num_states
    if num == 2:
        out[:2] = DEAD, ALIVE
    elif rule.name.lower() == "wireworld":
        out[:4] = WIRE
    elif getattr(rule, "neighbourhood", None) and num <= len(CLASSIC):
        out[:num] = CLASSIC[:num]
    else:
        out[0] = DEAD
        out[1:num] = np.stack([np.full(num - 1, 255), np.linspace(30, 240, num - 1), np.full(num - 1, 40)], axis=1)
    for state, red, green, blue in getattr(rule, "colours", ()):
        out[state] = (red, green, blue) if state else DEAD
    return out


def of_ages() -> np.ndarray:
    """Palette `[256, 3]` uint8 of what `aged` gives: never alive, dead for long … just died, newborn … old."""
    out = np.empty((256, 3), np.float32)
    out[0] = DEAD
    fade = np.linspace(0, 1, OLDEST)[:, None]
    out[1 : OLDEST + 1] = DEAD + fade**2 * (np.array(LATELY, np.float32) - DEAD) + 3
    stops = np.linspace(0, 1, len(YOUNG))
    age = np.log1p(np.arange(OLDEST + 1)) / np.log1p(OLDEST)
    out[OLDEST + 1 :] = np.stack([np.interp(age, stops, [c[k] for c in YOUNG]) for k in range(3)], axis=1)
    return np.clip(out, 0, 255).astype(np.uint8)


def aged(tones: np.ndarray, alive: np.ndarray, generations: int) -> np.ndarray:
    """Ages `[H, W]` uint8 some generations later: 128 + age of the living, 127 - absence of the dead, 0 for never.

    `alive` is what is alive then; what happened in between is not seen.
    """
    old = np.arange(256)
    up = np.where(old > OLDEST, np.minimum(old + generations, 255), OLDEST + 1)
    down = np.where(old > OLDEST, OLDEST, np.maximum(old - generations, 1))
    down[0] = 0
    image = Image.fromarray(tones)  # whose look-up is several times faster than an index into an array
    return np.where(alive, *(np.asarray(image.point(table.tolist())) for table in (up, down)))
