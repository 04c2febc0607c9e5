"""The book of births and deaths, written as Parquet parts that cover the ticks between two checkpoints.

Rows wait in memory until a checkpoint and are written just before it, so a run that is killed and resumed
from a checkpoint writes the same files to the byte. A checkpoint off the schedule (after an interrupt)
writes a part for readers and takes the waiting rows along (`pending`), so the final parts are the same too.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from experiments import files
from experiments.runs import BIRTH_COLUMNS as BIRTHS
from experiments.runs import DEATH_COLUMNS as DEATHS
from sim.world import CAUSES

FLOATS = ("size", "diet", "hue", "eaten_plant", "eaten_meat")
COLUMNS = {"births": BIRTHS, "deaths": DEATHS}
PREFIX = "lineage."


class LineageWriter:
    """Collects rows; `flush` at every checkpoint. `every` is the run's checkpoint interval in ticks."""

    def __init__(self, folder: Path, every: int, tick: int = 0):
        self.folder, self.every = Path(folder), every
        self._since = tick - tick % every
        self._rows: dict[str, list[dict[str, np.ndarray]]] = {kind: [] for kind in COLUMNS}

    @classmethod
    def resume(cls, folder: Path, every: int, tick: int, arrays: dict[str, np.ndarray]) -> LineageWriter:
        """The writer as it was at the checkpoint; takes its rows out of `arrays` and removes later parts."""
        writer = cls(folder, every, tick)
        for kind, columns in COLUMNS.items():
            names = [f"{PREFIX}{kind}.{name}" for name in columns]
            if names[0] in arrays:
                writer._add(kind, {name.rpartition(".")[2]: arrays.pop(name) for name in names})
        for path, _, until in writer._parts():
            if until > tick:
                path.unlink(missing_ok=True)
        return writer

    def births(self, rows: Mapping[str, Any]) -> None:
        """Adds births (columns of equal length, `BIRTHS`); founders too, with mother and father -1."""
        self._add("births", rows)

    def deaths(self, rows: Mapping[str, Any]) -> None:
        """Adds deaths (`DEATHS`); the cause is an index into `sim.world.CAUSES`."""
        self._add("deaths", rows)

    def flush(self, tick: int) -> None:
        """Writes the parts up to `tick`. Off the schedule the rows are kept for the part that will replace these."""
        with files.guarded(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        for path, since, until in self._parts():
            if since == self._since and until % self.every and until != tick:
                with contextlib.suppress(OSError):
                    path.unlink()
        for kind in COLUMNS:
            if self._rows[kind] or tick > self._since:
                path = self.folder / f"{kind}-{self._since:012d}-{tick:012d}.parquet"
                files.write_whole(path, _parquet(kind, self._joined(kind)))
        if tick % self.every == 0:
            self._since = tick
            self._rows = {kind: [] for kind in COLUMNS}

    def pending(self) -> dict[str, np.ndarray]:
        """Rows not yet in a final part, to be saved in the checkpoint; empty on the schedule."""
        out: dict[str, np.ndarray] = {}
        for kind in COLUMNS:
            if self._rows[kind]:
                out |= {f"{PREFIX}{kind}.{name}": column for name, column in self._joined(kind).items()}
        return out

    def _add(self, kind: str, rows: Mapping[str, Any]) -> None:
        if set(rows) != set(COLUMNS[kind]):
            raise ValueError(f"{kind} have columns {sorted(rows)}, wanted {sorted(COLUMNS[kind])}")
        columns = {name: np.asarray(rows[name], _dtype(name)) for name in COLUMNS[kind]}
        if len({len(column) for column in columns.values()}) != 1:
            raise ValueError(f"columns of {kind} differ in length")
        if len(columns["uid"]):
            self._rows[kind].append(columns)

    def _joined(self, kind: str) -> dict[str, np.ndarray]:
        empty = {name: np.zeros(0, _dtype(name)) for name in COLUMNS[kind]}
        chunks = [empty, *self._rows[kind]]
        columns = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in COLUMNS[kind]}
        order = np.lexsort((columns["uid"], columns["tick"], columns["world"]))  # whenever they were reported
        return {name: column[order] for name, column in columns.items()}

    def _parts(self) -> list[tuple[Path, int, int]]:
        """Part files with the ticks they cover."""
        out = []
        for kind in COLUMNS:
            for path in sorted(self.folder.glob(f"{kind}-*-*.parquet")):
                since, until = path.stem.split("-")[1:3]
                if since.isdecimal() and until.isdecimal():
                    out.append((path, int(since), int(until)))
        return out


def _dtype(name: str) -> np.dtype:
    return np.dtype(np.float32 if name in FLOATS else np.int32)


def _parquet(kind: str, columns: dict[str, np.ndarray]) -> bytes:
    """A Parquet file; the same rows give the same bytes."""
    data = {}
    for name in COLUMNS[kind]:
        if name == "cause":
            data[name] = pa.array([CAUSES[code] for code in columns[name]], pa.string())
        else:
            data[name] = pa.array(columns[name])
    out = io.BytesIO()
    pq.write_table(pa.table(data), out, compression="zstd")
    return out.getvalue()
