"""All single numbers of a history side by side, each with the same of a control that has no such order.

No one of them tells complex from plain: excess entropy and stored and transferred information together come nearest.
Two controls. Order in space (blocks, distant cells, packing): the history with its places exchanged, so that density
and each cell's own past stay. Storage and transfer: the samples of the past or of the source permuted, which leaves
the bias of so many samples and no more. A number that is not clearly apart from its control says nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.life.measures.activity import activity, density
from sim.life.measures.complexity import compressed, high_order_entropy, lempel_ziv_rate
from sim.life.measures.entropy import block_entropy, entropy_density
from sim.life.measures.information import active_information, mutual_information, neighbours, transfer_entropy
from sim.life.measures.symbols import Generator, shuffled, symbols


def profile(
    history: Any, generator: Generator, longest: int = 8, k: int = 6, distance: int = 1, torus: bool = True
) -> dict[str, float]:
    """Measures of a history `[T, n]` or `[T, H, W]` by name, each but the first two beside `<name>_shuffled`.

    `longest` is the length of blocks along rows, `k` the generations of past, `distance` that of mutual information;
    states^longest and states^(k + 2) should be well below the number of cells. Corrected for bias where that is known.
    Blocks are counted in all generations; `compressed`, `high_order_entropy` and `lempel_ziv_rate` read the last one.
    """
    states = symbols(history)
    found = {"density": density(states), "activity": activity(states)}
    bare = _order(shuffled(states, generator), longest, distance, torus)
    for name, value in _order(states, longest, distance, torus).items():
        found |= {name: value, f"{name}_shuffled": bare[name]}
    null = _memory(states, k, torus, generator)
    for name, value in _memory(states, k, torus, None).items():
        found |= {name: value, f"{name}_shuffled": null[name]}
    return found


def _order(states: np.ndarray, longest: int, distance: int, torus: bool) -> dict[str, float]:
    """What neighbours in space have in common."""
    one, before, last = (block_entropy(states, (size,), torus, corrected=True) for size in (1, longest - 1, longest))
    rate = last - before
    axes = range(1, states.ndim)
    found = {"entropy": one, "entropy_rate": rate, "excess_entropy": last - longest * rate}
    if states.ndim == 3:
        found["entropy_3x3"] = block_entropy(states, (3, 3), torus, corrected=True) / 9
        found["entropy_density"] = entropy_density(states, 1, torus, corrected=True)
    shared = [mutual_information(states, distance, axis, torus, corrected=True) for axis in axes]
    return found | {
        "mutual_information": float(np.mean(shared)),
        "compressed": compressed(states[-1]),
        "high_order_entropy": high_order_entropy(states[-1]),
        "lempel_ziv_rate": lempel_ziv_rate(states[-1]),
    }


def _memory(states: np.ndarray, k: int, torus: bool, control: Generator | None) -> dict[str, float]:
    """Information stored by cells, and apparent and complete transfer from the nearest neighbours, mean and largest."""
    dimensions = states.ndim - 1
    around = neighbours(dimensions)
    apparent = [transfer_entropy(states, source, k, (), torus, True, control) for source in around]
    rest = [neighbours(dimensions, without=source) for source in around]
    complete = [
        transfer_entropy(states, source, k, others, torus, True, control)
        for source, others in zip(around, rest, strict=True)
    ]
    return {
        "active_information": active_information(states, k, True, control),
        "transfer_entropy": float(np.mean(apparent)),
        "transfer_entropy_most": max(apparent),
        "complete_transfer_entropy": float(np.mean(complete)),
    }
