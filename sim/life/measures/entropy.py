"""Entropy of cells and of blocks of cells: how much a pattern surprises, and how far it has to be read to be known.

H(L) is the entropy of blocks of L neighbours, h = H(L) - H(L - 1) the entropy rate (bits that one more cell adds) and
E = H(L) - L h the excess entropy (bits that one half of the line tells of the other). Sources: Crutchfield and
Feldman, Chaos 13 (2003) 25; Lindgren and Nordahl, Complex Systems 2 (1988) 409, whose effective measure complexity is
E; in two dimensions Feldman and Crutchfield, Phys. Rev. E 67 (2003) 051104. Left out: causal states.

Counting frequencies makes entropies too small by about (m - 1) / (2 N ln 2) bits, m codes seen in N samples (Miller
1955), so that h comes out too small and E too large by the more the longer the blocks. `corrected` adds that back; it
helps while N is several m. Overlapping blocks, and frames that repeat, are fewer samples than are counted.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from sim.life.measures.symbols import counts, joint, shifted, symbols


def shannon(frequencies: np.ndarray, corrected: bool = False) -> float:
    """- sum p log2 p in bits, of the counts of the codes that occur (Shannon 1948)."""
    total = frequencies.sum()
    share = frequencies / total
    bits = -float(share @ np.log2(share)) + 0.0  # never -0
    return bits + (len(frequencies) - 1) / (2 * total * np.log(2)) if corrected else bits


def entropy(cells: Any, corrected: bool = False) -> float:
    """Bits per cell if every cell stood alone: H(1)."""
    return block_entropy(cells, (1,), corrected=corrected)


def block_entropy(cells: Any, shape: tuple[int, ...], torus: bool = True, corrected: bool = False) -> float:
    """Bits per block of `shape` along the last axes, e.g. `(L,)` of rows or `(h, w)` of frames; axes before it pool."""
    return _template_entropy(symbols(cells), list(product(*map(range, shape))), torus, corrected)


def block_entropies(cells: Any, longest: int, torus: bool = True, corrected: bool = False) -> np.ndarray:
    """`[longest + 1]`: H(0) = 0, H(1), … H(longest) of blocks along the last axis, in bits."""
    return np.array([block_entropy(cells, (length,), torus, corrected) for length in range(longest + 1)])


def entropy_rate(cells: Any, longest: int = 8, torus: bool = True, corrected: bool = False) -> float:
    """h = H(L) - H(L - 1) with L = longest, in bits per cell along the last axis. Falls to its limit as L grows."""
    before, last = (block_entropy(cells, (length,), torus, corrected) for length in (longest - 1, longest))
    return last - before


def excess_entropy(cells: Any, longest: int = 8, torus: bool = True, corrected: bool = False) -> float:
    """E = H(L) - L h with L = longest, in bits along the last axis. Rises to its limit as L grows."""
    before, last = (block_entropy(cells, (length,), torus, corrected) for length in (longest - 1, longest))
    return last - longest * (last - before)


def entropy_density(cells: Any, reach: int = 1, torus: bool = True, corrected: bool = False) -> float:
    """Bits that a cell of a frame `[..., H, W]` adds to those read before it, at most `reach` rows or columns away.

    The conditional entropy of a cell given `reach` cells to its left and the 2 reach + 1 cells of each of `reach` rows
    above; the entropy per cell of the plane from above as `reach` grows (Feldman and Crutchfield 2003).
    """
    around = list(product(range(-reach, 1), range(-reach, reach + 1)))
    past = around[: around.index((0, 0))]
    frames = symbols(cells)
    whole = _template_entropy(frames, [*past, (0, 0)], torus, corrected)
    return whole - _template_entropy(frames, past, torus, corrected)


def _template_entropy(cells: np.ndarray, offsets: list, torus: bool, corrected: bool) -> float:
    if not offsets:
        return 0.0  # there is one block without cells
    return shannon(counts(*joint(shifted(cells, offsets, [torus] * len(offsets[0])))), corrected)
