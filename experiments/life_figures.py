"""Pictures of docs/ that show automata: rules by their measures, and what the four classes look like in time.

Each function simulates what it shows from fixed seeds and gives the bytes of a PNG. Leaves out files
(`experiments.figures` writes them).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from experiments import life_sweep, life_watch
from sim.life.elementary import history
from sim.life.measures import classes
from viz import life_plots, panels

SHOWN = (160, 168, 108, 62, 30, 126, 54, 110)
"""Elementary rules of the space-time diagrams, two of each class."""
COLUMNS, GENERATIONS = 120, 90
"""Of the space-time diagrams."""


@cache
def swept() -> dict[str, Any]:
    """The sweep that the pictures show: `firstword life sweep` as it is without options."""
    return life_sweep.sweep()


def pictures(result: dict[str, Any]) -> dict[str, bytes]:
    """The plots of a sweep, by file name."""
    plots = {"elementary": life_plots.elementary_classes, "life": life_plots.counting_rules}
    return {f"{kind}.png": panels.png(plot(result[kind])) for kind, plot in plots.items() if kind in result}


def life_classes() -> bytes:
    """Elementary rules by lambda, entropy, damage and excess entropy."""
    return pictures(swept())["elementary.png"]


def life_rules() -> bytes:
    """Rules that count neighbours by lambda, entropy, damage and growth of defects."""
    return pictures(swept())["life.png"]


def life_space_time() -> bytes:
    """The first generations of eight rules from one random row."""
    row = np.random.default_rng(0).integers(0, 2, COLUMNS, np.uint8)
    rows = history(np.array(SHOWN), np.broadcast_to(row, (len(SHOWN), COLUMNS)), GENERATIONS - 1)
    titles = [f"Rule {number} (class {classes.published_class(number)})" for number in SHOWN]
    return panels.png(life_plots.space_time(list(zip(titles, rows, strict=True))), 150)


def _shown(picture: np.ndarray) -> bytes:
    """PNG of a picture `[H, W, 3]`."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG", optimize=True)
    return out.getvalue()


FIGURES: dict[str, Callable[[], bytes]] = {
    "life_classes.png": life_classes,
    "life_rules.png": life_rules,
    "life_space_time.png": life_space_time,
    "life_watch.png": lambda: _shown(life_watch.census_picture()),
    "life_ages.png": lambda: _shown(life_watch.ages_picture()),
}
"""What docs/images holds of this, by file name."""
