"""Checkpoints: the state of a run as arrays in safetensors files, checked by hash when read.

A checkpoint is `tick-<tick>.safetensors` and beside it a small JSON with its SHA-256, written last: without
it a checkpoint does not count. Nothing is ever unpickled. A truncated or altered checkpoint is passed over
for the one before it, and said so. The same state gives the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
import safetensors
import safetensors.numpy

from experiments import files
from experiments.errors import RunError, UserError

T = TypeVar("T")
PATTERN = "tick-*.safetensors"
DTYPES = ("bool", "int32", "uint32", "float32")


class NoCheckpoint(UserError):
    """There is no usable checkpoint; `warnings` say what was wrong with those that are there."""

    def __init__(self, message: str, warnings: list[str]):
        super().__init__(message)
        self.warnings = warnings


def save(folder: Path, tick: int, arrays: dict[str, np.ndarray], meta: dict[str, Any], keep: int) -> Path:
    """Writes the checkpoint of `tick`, then removes all but the latest `keep`."""
    path = _path(folder, tick)
    with files.guarded(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files.sweep(folder)
    # one metadata entry only: safetensors writes several in random order
    header = {"firstword": json.dumps({"tick": tick, "meta": meta}, sort_keys=True)}
    data = safetensors.numpy.save({name: np.asarray(a, order="C") for name, a in arrays.items()}, header)
    if not _holds(path, data):
        with contextlib.suppress(OSError):
            _seal(path).unlink()  # an older file of this tick is replaced: its hash must not vouch for the new one
        files.write_whole(path, data)
        seal = {"tick": tick, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        files.write_json(_seal(path), seal)
    for old in ticks(folder)[:-keep]:
        remove(folder, old)
    return path


def load_latest(folder: Path) -> tuple[int, dict[str, np.ndarray], dict[str, Any], list[str]]:
    """Tick, arrays and meta of the latest good checkpoint, and a warning for each bad one passed over."""
    warnings: list[str] = []
    for tick in reversed(ticks(folder)):
        try:
            arrays, meta = _read(_path(folder, tick), tick)
        except (OSError, ValueError, LookupError, TypeError, safetensors.SafetensorError) as error:
            warnings.append(f"checkpoint {_path(folder, tick)} is passed over: {error}")
            continue
        return tick, arrays, meta, warnings
    detail = f"; {'; '.join(warnings)}" if warnings else ""
    raise NoCheckpoint(f"{folder} holds no usable checkpoint{detail}", warnings)


def load(folder: Path, tick: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and meta of the checkpoint of `tick`; a `RunError` if it is not good."""
    try:
        return _read(_path(folder, tick), tick)
    except (OSError, ValueError, LookupError, TypeError, safetensors.SafetensorError) as error:
        raise RunError(f"checkpoint {_path(folder, tick)} cannot be read: {error}") from None


def ticks(folder: Path) -> list[int]:
    """Ticks of all checkpoint files, good or bad, rising."""
    names = (path.stem.removeprefix("tick-") for path in Path(folder).glob(PATTERN))
    return sorted(int(name) for name in names if name.isdecimal())


def finished(folder: Path) -> list[int]:
    """Ticks of the checkpoints that were written to the end, rising."""
    return [tick for tick in ticks(folder) if _seal(_path(folder, tick)).exists()]


def remove(folder: Path, tick: int) -> None:
    """Removes a checkpoint, its seal first."""
    path = _path(folder, tick)
    for part in (_seal(path), path):
        with contextlib.suppress(OSError):
            part.unlink()


def _holds(path: Path, data: bytes) -> bool:
    """Whether the sealed checkpoint is there already, to the byte; a full disk then loses nothing."""
    with contextlib.suppress(OSError):
        return _seal(path).exists() and path.read_bytes() == data
    return False


def _path(folder: Path, tick: int) -> Path:
    return Path(folder) / f"tick-{tick:012d}.safetensors"


def _seal(path: Path) -> Path:
    return path.with_suffix(".json")


def _read(path: Path, tick: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and meta of one checkpoint; raises `ValueError` if it is not what was written."""
    if not _seal(path).exists():
        raise ValueError("it was not finished")
    seal = json.loads(_seal(path).read_bytes())
    data = path.read_bytes()
    if not isinstance(seal, dict) or hashlib.sha256(data).hexdigest() != seal.get("sha256"):
        size = seal.get("bytes") if isinstance(seal, dict) else None
        raise ValueError(f"it is truncated or altered ({len(data)} bytes, {size} were written)")
    arrays = safetensors.numpy.load(data)
    length = int.from_bytes(data[:8], "little")
    header = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["firstword"])
    if header["tick"] != tick:
        raise ValueError(f"it is of tick {header['tick']}, not of {tick}")
    return arrays, header["meta"]


def flatten(tree: Any) -> dict[str, np.ndarray]:
    """Leaves of a pytree by their path, such as `0.body.size`; None leaves no trace."""
    out = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        name, array = _name(path), np.asarray(leaf)
        if array.dtype.name not in DTYPES:
            raise TypeError(f"{name} is {array.dtype}; checkpoints hold {', '.join(DTYPES)}")
        if name in out:
            raise ValueError(f"two leaves are called {name}")
        out[name] = array
    return out


def restore(template: T, arrays: dict[str, np.ndarray]) -> T:
    """A tree of the template's structure and dtypes from `flatten`'s arrays; slot capacities may differ."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(template)
    names = [_name(path) for path, _ in leaves]
    missing, extra = sorted(set(names) - set(arrays)), sorted(set(arrays) - set(names))
    if missing or extra:
        what = f"lacks {missing[0]}" if missing else f"has {extra[0]}, which this config has not"
        raise RunError(f"the checkpoint does not fit its config: it {what}")
    values = []
    for name, (_, leaf) in zip(names, leaves, strict=True):
        array = arrays[name]
        if array.dtype != np.dtype(leaf.dtype) or array.ndim != len(leaf.shape):
            wanted = f"{leaf.dtype}{list(leaf.shape)}"
            got = f"{array.dtype}{list(array.shape)}"
            raise RunError(f"the checkpoint does not fit its config: {name} is {got}, wanted {wanted}")
        values.append(jax.numpy.asarray(array))
    return jax.tree_util.tree_unflatten(structure, values)


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")
