"""Complexity of a text of symbols: how many phrases it has, and into how many bits it can be packed.

A field is read row by row, frame by frame. All of these call noise the most complex, so that more is not better; the
high-order entropy (what packing gains beyond the frequencies of single symbols) is 0 for noise and for what is
constant. Sources: Lempel and Ziv, IEEE Trans. Inf. Theory 22 (1976) 75, with phrases counted as by Kaspar and
Schuster, Phys. Rev. A 36 (1987) 842; Ziv and Lempel, IEEE Trans. Inf. Theory 24 (1978) 530; high-order entropy:
Agüera y Arcas et al., arXiv:2406.19108. A suffix automaton (Blumer et al. 1985) counts in linear time.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from sim.life.measures.entropy import entropy
from sim.life.measures.symbols import symbols


def lempel_ziv(cells: Any) -> int:
    """Phrases c of LZ76: each is the shortest that cannot be copied from what precedes its last symbol.

    A last phrase that is cut short counts too, so "0001101001000101" has 6, a constant text 2.
    """
    _, text = np.unique(symbols(cells), return_inverse=True)
    text = text.reshape(-1)
    sizes = int(text.max()) + 1
    length, link, following = [0], [-1], [-1] * sizes
    whole = phrase = phrases = 0  # automaton states of the text so far and of the open phrase, 0 where it is empty
    for symbol in text.tolist():
        # a split by `_read` may leave the phrase stale, with the same ways on
        phrase = max(0, following[phrase * sizes + symbol])
        phrases += not phrase
        whole = _read(symbol, sizes, whole, length, link, following)
    return phrases + (phrase > 0)


def _read(symbol: int, sizes: int, whole: int, length: list[int], link: list[int], following: list[int]) -> int:
    """Adds a symbol to the automaton of all substrings; gives the state of the whole text."""
    new = len(length)
    length.append(length[whole] + 1)
    link.append(0)
    following += [-1] * sizes
    at = whole
    while at >= 0 and following[at * sizes + symbol] < 0:
        following[at * sizes + symbol] = new
        at = link[at]
    if at < 0:
        return new
    target = following[at * sizes + symbol]
    if length[target] == length[at] + 1:
        link[new] = target
        return new
    half = len(length)
    length.append(length[at] + 1)
    link.append(link[target])
    following += following[target * sizes : (target + 1) * sizes]
    while at >= 0 and following[at * sizes + symbol] == target:
        following[at * sizes + symbol] = half
        at = link[at]
    link[target] = link[new] = half
    return new


def lempel_ziv_rate(cells: Any) -> float:
    """c log2(n) / n of LZ76 in bits per symbol; goes to the entropy rate from above, slowly (1.03 for 20,000 bits)."""
    size = symbols(cells).size
    return lempel_ziv(cells) * float(np.log2(size)) / size


def lempel_ziv_78(cells: Any) -> int:
    """Phrases of LZ78: each is the shortest that was no phrase before, the last one perhaps cut short."""
    text = symbols(cells).reshape(-1)
    base = int(text.max()) + 1
    known: dict[int, int] = {}
    phrase = 0
    for symbol in text.tolist():
        longer = phrase * base + symbol
        phrase = known.get(longer, 0)
        if not phrase:
            known[longer] = len(known) + 1
    return len(known) + (phrase > 0)


def compressed(cells: Any, level: int = 9) -> float:
    """Bits per cell after zlib, of cells packed into 1, 2, 4 or 8 bits each; a header of about 0.1 kbit included.

    Noise of 2, 4, 16 or 256 even states gives 1, 2, 4 or 8. Deflate knows no order longer than 32 KiB ago.
    """
    text = symbols(cells).reshape(-1)
    if text.max() > 255:
        raise ValueError(f"a cell has the state {text.max()}: must be below 256 to be packed into bytes")
    bits = next(bits for bits in (1, 2, 4, 8) if text.max() < 1 << bits)
    planes = [text >> place & 1 for place in reversed(range(bits))]
    packed = np.packbits(np.stack(planes, axis=-1).astype(np.uint8))
    return 8 * len(zlib.compress(packed.tobytes(), level)) / text.size


def high_order_entropy(cells: Any, level: int = 9) -> float:
    """H(1) - compressed bits, per cell: 0 for noise of even states and for constants, else what order there is.

    Below 0 for small fields, whose header weighs more than their order, and for uneven noise that zlib packs badly.
    """
    return entropy(cells) - compressed(cells, level)
