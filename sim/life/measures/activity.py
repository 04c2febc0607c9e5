"""How full a pattern is, how much of it changes, and what share of a rule's table leads away from rest.

Langton's lambda looks at the rule alone; it is high for rules that keep nothing, near 0 for rules that end all, and
does not by itself tell the complex ones. Source: Langton, Physica D 42 (1990) 12.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.life.measures.symbols import symbols


def density(cells: Any) -> float:
    """Share of the cells that are not in state 0."""
    return float(np.mean(symbols(cells) != 0))


def densities(history: Any) -> np.ndarray:
    """`[T]`, the share of cells not in state 0 in each generation."""
    return np.mean(symbols(history).reshape(len(history), -1) != 0, axis=1)


def activity(history: Any) -> float:
    """Share of the cells that change from one generation to the next, mean over the history `[T, ...]`, T > 1."""
    states = symbols(history)
    if len(states) < 2:
        raise ValueError("activity asks for two generations or more")
    return float(np.mean(states[1:] != states[:-1]))


def langton_lambda(table: Any, quiescent: int = 0) -> float:
    """(K^N - n_q) / K^N: the share of the K^N entries of a rule's table that do not lead to the quiescent state."""
    return float(np.mean(symbols(table) != quiescent))
