"""What a world is (`WorldConfig`, static) and how it is tuned (`WorldParams`, traced).

If a value decides a shape or a Python `if` it is Config; if it is only a number it is Params, so a sweep
is a `vmap` and a change while running costs no recompilation. Every field carries its unit, range and
meaning; the command line's key reference and its range checks are generated from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax

SENSES = ("retina", "hearing", "smell", "touch", "light", "self", "last_action")
CHANNELS = ("plant", "meat", "poison", "obstacle", "automaton", "size", "diet", "hue", "speed")


def key(
    default: Any,
    doc: str,
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    choices: tuple[str, ...] = (),
) -> Any:
    """A dataclass field that documents itself: `doc`, `unit`, inclusive range `low..high` or `choices`."""
    meta = {"doc": doc, "low": low, "high": high, "unit": unit, "choices": choices}
    return field(default=default, metadata=meta)


@dataclass(frozen=True)
class WorldConfig:
    """Static shape of a world. Hashable: two equal configs share one compiled program."""

    width: int = key(128, "columns of the grid", low=16, high=4096, unit="cells")
    height: int = key(128, "rows of the grid", low=16, high=4096, unit="cells")
    boundary: str = key("torus", "what lies beyond the edge", choices=("torus", "walled"))
    founders: int = key(512, "creatures at tick 0", low=1, high=1 << 20, unit="creatures")
    max_agents: int = key(2048, "most creatures alive; births beyond are refused", low=16, high=1 << 20)
    birth_interval: int = key(8, "births are delivered every so many ticks", low=1, high=64, unit="ticks")
    births_at_once: int = key(32, "most births in one delivery; the rest wait", low=1, high=8192)
    meat: bool = key(True, "the dead leave carrion that can be eaten; off: they turn to heat")
    poison: bool = key(True, "poisonous plants grow")
    obstacles: bool = key(True, "rocks block movement and sight")
    scent: bool = key(True, "carrion and bodies give off a scent that spreads")
    sound_channels: int = key(1, "independent sound channels; 0 switches voice and hearing off", low=0, high=8)
    seasons: bool = key(True, "light varies with day and season; off: always full light")
    bite: bool = key(True, "creatures can bite the one in front of them")
    give: bool = key(True, "creatures can hand energy to the one in front of them")
    breeding: str = key(
        "asexual",
        "sexual needs a willing mature neighbour in front; both: sexual when there is one, else asexual",
        choices=("asexual", "sexual", "both"),
    )
    automaton: str = key(
        "none",
        "what living cells of a cellular automaton do: seed plants, bar way and view as rock does, or both",
        choices=("none", "plants", "obstacles", "both"),
    )
    automaton_rule: str = key(
        "B3/S23", "rule of the automaton: any of two states and 3×3 cells, such as B36/S23, HighLife, B2-a/S12 or MAP…"
    )
    automaton_toggle: str = key(
        "none",
        "creatures can toggle the cell of the automaton in front of them; sham: at that price, but nothing flips",
        choices=("none", "flip", "sham"),
    )
    automaton_wander: bool = key(False, "a control: all cells together move to a random place with each generation")
    senses: tuple[str, ...] = key(
        ("retina", "hearing", "smell", "touch", "light", "self"), "senses that exist", choices=SENSES
    )
    retina_rays: int = key(5, "rays of the retina, spread over its field of view", low=1, high=32)
    retina_view: float = key(160.0, "field of view", low=0.0, high=360.0, unit="degrees")
    retina_distances: tuple[float, ...] = key(
        (1.5, 3.0, 5.0), "where each ray samples, nearest first", low=1.5, high=64.0, unit="cells"
    )

    @property
    def channels(self) -> tuple[str, ...]:
        """Retina channels that exist in this world, in order."""
        absent = {name for name in ("meat", "poison") if not getattr(self, name)}
        if not self.rocks:
            absent.add("obstacle")
        if self.automaton == "none":
            absent.add("automaton")
        return tuple(name for name in CHANNELS if name not in absent)

    @property
    def rocks(self) -> bool:
        """Whether an obstacle field exists (walls are obstacles too)."""
        return self.obstacles or self.boundary == "walled"

    @property
    def seeding(self) -> bool:
        """Whether living cells of the automaton seed plants."""
        return self.automaton in ("plants", "both")

    @property
    def barring(self) -> bool:
        """Whether living cells of the automaton bar way and view."""
        return self.automaton in ("obstacles", "both")

    @property
    def sexual(self) -> bool:
        return self.breeding != "asexual"


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class WorldParams:
    """Numbers of a world; a pytree of scalars. Energies in units of one full plant cell, times in ticks."""

    # plants
    plant_growth: float = key(0.08, "logistic growth rate in full light", low=0, high=1, unit="1/tick")
    plant_spread: float = key(0.02, "growth into a cell per unit of neighbouring plants", low=0, high=1, unit="1/tick")
    seed_rate: float = key(2e-5, "chance that a seed lands on a cell", low=0, high=1 / 128, unit="1/(cell tick)")
    seed_energy: float = key(0.2, "plant energy of a landed seed", low=0, high=1, unit="energy")
    fertile: float = key(0.4, "share of the ground on which plants grow", low=0.01, high=1)
    patch_size: float = key(6.0, "typical radius of a fertile patch", low=1, high=128, unit="cells")
    plant_start: float = key(0.3, "plants on fertile ground at tick 0", low=0, high=1, unit="energy/cell")
    poison_share: float = key(0.3, "share of fertile ground that grows poison", low=0, high=1)
    poison_damage: float = key(0.4, "health lost per energy of poison eaten", low=0, high=100, unit="1/energy")
    obstacle_cover: float = key(0.06, "share of the ground that is rock", low=0, high=0.6)
    meat_start: float = key(0.0, "carrion at tick 0", low=0, high=4, unit="energy/cell")
    meat_decay: float = key(
        0.01,
        "share of carrion that turns to heat; a cell loses at least 1/4096 a tick, even at 0",
        low=0,
        high=1,
        unit="1/tick",
    )
    # cellular automaton
    automaton_start: float = key(0.3, "share of cells alive at tick 0", low=0, high=1)
    automaton_interval: float = key(
        8.0, "time from one generation to the next, in whole ticks", low=1, high=1e9, unit="ticks"
    )
    automaton_noise: float = key(
        2e-4, "chance that a cell comes alive by itself", low=0, high=1 / 128, unit="1/(cell generation)"
    )
    automaton_seeds: float = key(
        0.02, "plant energy that a living cell seeds on fertile ground in full light", low=0, high=1, unit="energy/tick"
    )
    toggle_cost: float = key(0.01, "each toggle of a cell", low=0, high=10, unit="energy")
    # climate
    day_length: float = key(200.0, "length of a day", low=2, high=1e6, unit="ticks")
    day_depth: float = key(0.3, "0: nights as bright as days; 1: dark nights", low=0, high=1)
    season_length: float = key(5000.0, "length of a year", low=2, high=1e7, unit="ticks")
    season_depth: float = key(0.3, "0: no winter; 1: winters without growth", low=0, high=1)
    # scent and sound, on grids of a quarter of the resolution
    scent_spread: float = key(0.6, "share of scent that moves to neighbours", low=0, high=1, unit="1/tick")
    scent_decay: float = key(0.05, "scent that fades", low=0, high=1, unit="1/tick")
    sound_spread: float = key(0.6, "share of sound that moves to neighbours", low=0, high=1, unit="1/tick")
    sound_decay: float = key(0.5, "sound that fades", low=0, high=1, unit="1/tick")
    # bodies
    energy_capacity: float = key(10.0, "most energy a body of size 1 stores", low=1, high=60, unit="energy/size")
    flesh: float = key(3.0, "energy bound in a body of size 1; its carrion", low=0, high=60, unit="energy/size")
    founder_energy: float = key(0.6, "reserves of founders as a share of capacity", low=0.05, high=1)
    founder_diet_low: float = key(0.2, "lowest diet gene among founders, 0 herbivore", low=0, high=1)
    founder_diet_high: float = key(0.2, "highest diet gene among founders, 1 carnivore", low=0, high=1)
    max_turn: float = key(0.6, "sharpest turn", low=0.01, high=3.1416, unit="rad/tick")
    mouth: float = key(0.25, "most eaten by size 1", low=0, high=4, unit="energy/tick")
    diet_exponent: float = key(1.5, "above 1 specialists digest better than omnivores", low=0.2, high=5)
    # costs
    basal_cost: float = key(0.012, "metabolism of size 1; grows as size^0.75", low=0, high=1, unit="energy/tick")
    move_cost: float = key(0.03, "times size times speed squared", low=0, high=10, unit="energy/tick")
    turn_cost: float = key(0.002, "full turn, times size", low=0, high=1, unit="energy/tick")
    bite_cost: float = key(0.01, "each bite, times size", low=0, high=1, unit="energy")
    emit_cost: float = key(0.002, "full voice on one channel", low=0, high=1, unit="energy/tick")
    brain_cost: float = key(3e-5, "per enabled connection", low=0, high=0.1, unit="energy/tick")
    lifespan_cost: float = key(0.3, "extra metabolism per 1,000 ticks of lifespan gene", low=0, high=10)
    ageing: float = key(1.0, "extra metabolism at the end of life, grows as (age/lifespan)^2", low=0, high=20)
    heal_rate: float = key(0.005, "health regained while reserves last", low=0, high=1, unit="1/tick")
    heal_cost: float = key(2.0, "energy per unit of health regained", low=0, high=50, unit="energy")
    # contact
    bite_damage: float = key(0.25, "health lost to a biter of equal size", low=0, high=10)
    bite_mouthful: float = key(1.5, "energy torn from the victim by a biter of size 1", low=0, high=20, unit="energy")
    gift: float = key(0.5, "most energy given at once", low=0, high=10, unit="energy")
    # breeding
    maturity: float = key(60.0, "age before which nobody breeds", low=0, high=1e6, unit="ticks")
    birth_cost: float = key(0.5, "heat lost at each birth, times size", low=0, high=20, unit="energy")


ENERGY_QUANTUM = 2.0**-16
"""Energies are multiples of this, so that sums are exact in float32 up to `ENERGY_LIMIT`."""
ENERGY_LIMIT = 255.0
