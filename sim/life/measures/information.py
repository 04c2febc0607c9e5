"""Information that cells share: across space, with their own past (storage) and from a neighbour (transfer).

Mutual information I(x; y) and, given g, I(x; y | g) = sum p(x, y, g) log2 [p(x | y, g) / p(x | g)]. Sources: distant
cells: Langton, Physica D 42 (1990) 12; transfer entropy: Schreiber, Phys. Rev. Lett. 85 (2000) 461; apparent and
complete transfer: Lizier, Prokopenko and Zomaya, Phys. Rev. E 77 (2008) 026110; active information storage: the same,
Inf. Sciences 208 (2012) 39. Local values, one per cell and generation, average to the measure; negative ones mislead.

Counting frequencies makes information too large, by (m_xyg - m_xg - m_yg + m_g) / (2 N ln 2) bits of the numbers m of
codes seen in N samples; `corrected` takes that off (Miller-Madow for each entropy) and may then be just below 0. A
`control` breaks the pairs of x and y by permuting the samples of y, and so shows bias alone. Long histories k cost
samples: codes grow as states^(k + 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from sim.life.measures.symbols import Generator, Offset, joint, shifted, symbols


def information(
    x: np.ndarray,
    y: np.ndarray,
    given: Sequence[np.ndarray] = (),
    corrected: bool = False,
    control: Generator | None = None,
) -> float:
    """I(x; y | given) in bits of arrays of one shape; each element is a sample."""
    if control is not None:
        y = control.permutation(y.reshape(-1)).reshape(y.shape)
    _, table = _counted(x, y, given)
    margins = ((1, table), (-1, table.sum(2)), (-1, table.sum(1)), (1, table.sum((1, 2))))  # of xyg, yg, xg, g
    total, bits, seen = x.size, 0.0, 0
    for sign, margin in margins:
        held = margin[margin > 0]
        bits += sign * float(held @ np.log2(held)) / total
        seen += sign * len(held)
    return float(bits - seen / (2 * total * np.log(2))) if corrected else bits


def local_information(x: np.ndarray, y: np.ndarray, given: Sequence[np.ndarray] = ()) -> np.ndarray:
    """log2 [p(x | y, g) / p(x | g)] of each sample in bits, in the shape of `x`; its mean is `information`."""
    codes, table = _counted(x, y, given)
    with np.errstate(divide="ignore", invalid="ignore"):  # codes that do not occur
        whole, left = table * table.sum((1, 2), keepdims=True), table.sum(2, keepdims=True)
        bits = np.log2(whole / (left * table.sum(1, keepdims=True)))
    return bits.reshape(-1)[codes].reshape(x.shape)


def _counted(x: np.ndarray, y: np.ndarray, given: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Codes `[N]` of all samples, and how often each occurs, as a table by (given, y, x)."""
    known, span = joint(list(given) or [np.zeros_like(x)])
    occurring, known = np.unique(known, return_inverse=True) if span > x.size else (np.arange(span), known)
    states = [int(part.max()) + 1 for part in (y, x)]
    codes = (known * states[0] + y.reshape(-1)) * states[1] + x.reshape(-1)
    shape = (len(occurring), *states)
    return codes, np.bincount(codes, minlength=int(np.prod(shape))).reshape(shape)


def mutual_information(
    cells: Any,
    distance: int = 1,
    axis: int = -1,
    torus: bool = True,
    corrected: bool = False,
    control: Generator | None = None,
) -> float:
    """Bits that a cell tells of the one `distance` further along an axis of space, all frames pooled."""
    moved = np.moveaxis(symbols(cells), axis, -1)
    here, there = shifted(moved, [0, distance], [torus])
    return information(here, there, (), corrected, control)


def neighbours(dimensions: int, reach: int = 1, without: Offset = ()) -> list[Offset]:
    """Offsets of all cells at most `reach` away along each axis of space, without the cell itself and one of them."""
    around = product(range(-reach, reach + 1), repeat=dimensions)
    return [offset for offset in around if any(offset) and offset != tuple(np.atleast_1d(without))]


def active_information(history: Any, k: int = 6, corrected: bool = False, control: Generator | None = None) -> float:
    """Active information storage A(k) = I(next state; last k states) of a cell, in bits, all cells pooled."""
    following, past = _stored(history, k)
    return information(following, past, (), corrected, control)


def local_active_information(history: Any, k: int = 6) -> np.ndarray:
    """Local storage in bits, `[T - k, ...]`: entry t is that of generation t + k."""
    return local_information(*_stored(history, k))


def _stored(history: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
    following, *past = shifted_past(symbols(history), k, (), True)
    codes, _ = joint(past)
    return following, codes.reshape(following.shape)


def transfer_entropy(
    history: Any,
    source: Offset,
    k: int = 6,
    others: Sequence[Offset] = (),
    torus: bool = True,
    corrected: bool = False,
    control: Generator | None = None,
) -> float:
    """T(k) = I(next state of a cell; state of the cell at `source` from it | last k states of the cell), in bits.

    `others` are known besides its past: none for apparent transfer, all other cells that the rule looks at for complete
    transfer, e.g. `neighbours(2, without=source)`.
    """
    following, there, given = _transferred(history, source, k, others, torus)
    return information(following, there, given, corrected, control)


def local_transfer_entropy(
    history: Any, source: Offset, k: int = 6, others: Sequence[Offset] = (), torus: bool = True
) -> np.ndarray:
    """Local transfer in bits, `[T - k, ...]` (less the rim if not a torus): entry t is that of generation t + k."""
    return local_information(*_transferred(history, source, k, others, torus))


def _transferred(
    history: Any, source: Offset, k: int, others: Sequence[Offset], torus: bool
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    following, there, *given = shifted_past(symbols(history), k, [source, *others], torus)
    return following, there, given


def shifted_past(history: np.ndarray, k: int, around: Sequence[Offset], torus: bool) -> list[np.ndarray]:
    """Next states, the last states of the cells `around`, then the cell's own last k states, samples alike in all."""
    dimensions = history.ndim - 1
    still = (0,) * dimensions
    last = [(-1, *np.atleast_1d(offset).tolist()) for offset in around]
    offsets = [(0, *still), *last, *((-age, *still) for age in range(1, k + 1))]
    return shifted(history, offsets, [False, *[torus] * dimensions])
