"""The selected creature: what is known of it, kept as it last was when it dies and its slot is taken."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from agents.network import Memory
from evolution.natural import Mind
from sim.body import GENES
from sim.config import WorldConfig
from sim.world import CAUSES, World
from viz.camera import Camera, Size, nearest, to_screen
from viz.creatures import radius
from viz.source import Source


@dataclass(frozen=True)
class Subject:
    """One creature at one tick."""

    uid: int
    slot: int
    tick: int  # when this was seen
    gone: bool  # its slot is taken by another, or it is not in this record
    state: dict[str, Any]  # scalars of the world by name, and body genes
    action: np.ndarray  # [A]
    obs: np.ndarray  # [I]
    mind: Mind | None
    memory: Memory | None
    species: int | None
    kind: tuple[str, str] | None = None  # name and sort of its mind, where several meet

    @property
    def alive(self) -> bool:
        return bool(self.state["alive"]) and not self.gone

    @property
    def fate(self) -> str:
        """In words, what became of it."""
        if self.alive:
            return "alive"
        if self.state["alive"]:
            return f"gone; last seen at tick {self.tick:,}"
        return f"died ({self._cause()}) at tick {int(self.state['died']):,}"

    def _cause(self) -> str:
        """The recorded cause; worked out where the run has already logged and cleared it."""
        s = self.state
        if s["cause"]:
            return CAUSES[int(s["cause"])]
        if s["health"] <= 0:
            return "bitten or poisoned"
        return "aged" if s["age"] >= s["lifespan"] else "starved"


def observe(source: Source, world: World, slot: int) -> Subject:
    """The creature in a slot, as it is now."""
    state = _numbers(world, slot)
    genes = {name: np.asarray(getattr(world.body, name))[slot].item() for name in GENES}
    genes["speed_gene"] = genes.pop("speed")  # `speed` is what it moved in the last tick
    state |= genes
    species = source.species
    kind = source.kinds[int(species[slot])] if source.kinds and species is not None else None
    return Subject(
        uid=state["uid"],
        slot=slot,
        tick=int(world.tick),
        gone=False,
        state=state,
        action=np.array(world.action[slot]),
        obs=np.array(source.obs(slot)),
        mind=source.mind(slot),
        memory=source.memory(slot),
        species=None if species is None or kind else int(species[slot]),
        kind=kind,
    )


def follow_up(source: Source, world: World, subject: Subject) -> Subject:
    """The same creature now; as it last was, when it is dead or its record was overwritten."""
    slots = np.flatnonzero(np.asarray(world.uid) == subject.uid)
    if not len(slots):
        return replace(subject, gone=True)
    slot = int(slots[0])
    if bool(world.alive[slot]):
        return observe(source, world, slot)
    return replace(subject, state=subject.state | _numbers(world, slot), slot=slot, gone=False)


def _numbers(world: World, slot: int) -> dict[str, Any]:
    """Everything that the world holds as one number per slot, by name."""
    rows = {f.name: np.asarray(getattr(world, f.name)) for f in fields(world) if f.name != "body"}
    return {name: values[slot].item() for name, values in rows.items() if values.shape == (world.num_slots,)}


def pick(config: WorldConfig, world: World, camera: Camera, size: Size, i: float, j: float, slack: float = 8.0) -> int:
    """Slot of the living creature drawn at screen position (i, j), or within `slack` pixels; -1 for none."""
    slots = np.flatnonzero(world.alive)
    if not len(slots):
        return -1
    x, y = np.asarray(world.x)[slots], np.asarray(world.y)[slots]
    a, b = to_screen(camera, size, *nearest(config, camera, x, y))
    da, db = a - i, b - j
    if config.boundary == "torus":  # a click on any copy counts
        w, h = config.width * camera.zoom, config.height * camera.zoom
        da, db = (da + w / 2) % w - w / 2, (db + h / 2) % h - h / 2
    away = np.hypot(da, db) - radius(camera, np.asarray(world.body.size)[slots])
    best = int(np.argmin(away))
    return int(slots[best]) if away[best] <= slack else -1
