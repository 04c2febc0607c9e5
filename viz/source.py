"""What the viewer looks at: a `Source` shows one world, live or from a recorded run.

The window asks for ticks and reads host copies; it has no way to change the simulated history. Who runs
the world, and where its records lie, stays with the implementer (`experiments`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import jax
import numpy as np

from agents.network import Memory
from evolution.natural import Mind
from sim.config import WorldConfig, WorldParams
from sim.world import World

Tree = TypeVar("Tree")


class Source(Protocol):
    """One world to watch. All arrays it hands out lie on the host and are read only by the viewer."""

    title: str  # shown on top of the panel and in the window's frame
    config: WorldConfig
    params: WorldParams
    activations: Sequence[str]  # names of the activation functions that genomes index; () without networks
    kinds: Sequence[tuple[str, str]]  # name and sort of each kind of mind, numbered by `species`; () with one kind

    def advance(self, num_ticks: int) -> int:
        """Runs up to `num_ticks` (≥ 1, any number) ticks; returns how many, 0 when the run is over."""
        ...

    def snapshot(self) -> World:
        """The world now, leaves NumPy arrays, without a leading axis of worlds."""
        ...

    def mind(self, slot: int) -> Mind | None:
        """One creature's mind: the row `slot` of each leaf; None for one that has no network."""
        ...

    def memory(self, slot: int) -> Memory | None:
        """One creature's memory, as `mind`."""
        ...

    def obs(self, slot: int) -> np.ndarray:
        """What one creature observes now, `[I]`, in the order of `sim.senses.names(config)`."""
        ...

    @property
    def counters(self) -> Mapping[str, float]:
        """Cumulative counts by name, such as births, deaths_starved…: shown as they are. {} for none."""
        ...

    @property
    def species(self) -> np.ndarray | None:
        """Species, or kind where there are `kinds`, of each slot `[N]` int, -1 for none; None without species."""
        ...

    @property
    def ticks(self) -> Sequence[int]:
        """Ticks that `seek` can go to, ascending; () when there is no record, as in a live run."""
        ...

    def seek(self, tick: int) -> None:
        """Shows the record of `tick`, one of `ticks`."""
        ...


def host(tree: Tree) -> Tree:
    """Host (NumPy) copies of the leaves, for implementers of `Source`."""
    return jax.device_get(tree)


def row(tree: Any, slot: int) -> Any:
    """Row `slot` of each leaf of a tree of `[N, ...]`, on the host; None stays None."""
    return None if tree is None else jax.device_get(jax.tree.map(lambda leaf: leaf[slot], tree))
