"""What the standard interfaces refuse: keywords that no environment has, and actions that no space contains.

Each refusal is a `ValueError` of one line that names the key, its value and what would be right. Ranges, choices and
types are those that `sim.config.key` gave the fields. Numbers beyond the bounds of a continuous action are no error:
the world clips them. Leaves out functions that are traced, which cannot look at values.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, get_args, get_origin, get_type_hints

import jax
import numpy as np

from agents.environments.foraging import Foraging
from sim.config import WorldConfig, WorldParams

KINDS: dict[type, tuple[type, str]] = {
    int: (Integral, "a whole number"),
    float: (Real, "a finite number"),
    bool: (bool, "True or False"),
    str: (str, "a string"),
}
ROOM = 80  # characters of a value that an error shows


def keywords(env: Foraging) -> None:
    """ValueError for the first field of the environment, its world or its params that is out of range."""
    for name, kind in (("world", WorldConfig), ("params", WorldParams)):
        part = getattr(env, name)
        if not isinstance(part, kind):
            raise wrong(name, part, f"a {kind.__name__}")
        _fields(part, f"{name}.")
    _fields(env)


def alone(env: Foraging) -> None:
    """ValueError for what has no meaning where the policy has one body, which never breeds."""
    if env.breeding and env.company == "none":
        raise wrong("breeding", True, "False, or company must not be 'none': only the company breeds")


def keyword(name: str, value: Any, kind: Any, meta: Mapping[str, Any]) -> None:
    """ValueError unless the value has this type, and the range or choices of `meta`. Traced values pass."""
    if isinstance(value, jax.core.Tracer):
        return
    many = get_origin(kind) is tuple
    kind, items = (get_args(kind)[0], value) if many else (kind, (value,))
    if isinstance(items, tuple) and all(_fits(item, kind, meta) for item in items):
        return
    low, high, choices = meta.get("low"), meta.get("high"), meta.get("choices")
    right = f"one of {', '.join(map(repr, choices))}" if choices else KINDS[kind][1]
    if low is not None:
        right += f" from {low:g} to {high:.10g}" if high is not None else f", {low:g} or more"
    raise wrong(name, value, f"a tuple, each {right}" if many else right)


def chosen(name: str, given: Any, num: int, discrete: bool, copies: tuple[int, ...] = ()) -> np.ndarray:
    """Choices `[*copies]` int32 below `num` or vectors `[*copies, num]` float32; ValueError for anything else."""
    one = f"a whole number from 0 to {num - 1}" if discrete else "a finite number"
    shape = copies if discrete else (*copies, num)
    right = f"an array of shape {shape}, each {one}" if shape else one
    try:
        acts = np.asarray(given)
    except ValueError:  # ragged
        raise wrong(name, given, right) from None
    if acts.shape != shape or acts.dtype.kind not in ("iu" if discrete else "iuf"):
        raise wrong(name, given, right)
    bad = (acts < 0) | (acts >= num) if discrete else ~np.isfinite(acts)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise wrong(name + (str(list(place)) if place else ""), acts[place].item(), one)
    return acts.astype(np.int32 if discrete else np.float32)


def wrong(name: str, value: Any, right: str) -> ValueError:
    """The error, of one line."""
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    text = " ".join(repr(value).split())
    return ValueError(f"{name} = {text if len(text) <= ROOM else text[: ROOM - 1] + '…'}: must be {right}")


_hints = functools.cache(get_type_hints)


def _fields(record: Any, where: str = "") -> None:
    for field in fields(record):
        if field.metadata:
            keyword(where + field.name, getattr(record, field.name), _hints(type(record))[field.name], field.metadata)


def _fits(item: Any, kind: type, meta: Mapping[str, Any]) -> bool:
    if isinstance(item, np.ndarray | np.generic | jax.Array) and np.ndim(item) == 0:
        item = item.item()
    if not isinstance(item, KINDS[kind][0]) or (isinstance(item, bool) and kind is not bool):
        return False
    if kind in (bool, str):
        return not meta.get("choices") or item in meta["choices"]
    low, high = meta.get("low"), meta.get("high")
    return math.isfinite(item) and (low is None or item >= low) and (high is None or item <= high)
