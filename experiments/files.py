"""Files that are whole at every moment, whatever kills the program.

A whole file is written under a temporary name beside its place, flushed to the disk and renamed; rows of a
table are appended in one write, and a row that did not fit is taken back. Errors of the system become a
`RunError` that names the path and the reason. Leaves out what a run keeps where (`experiments.runfolder`).
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.errors import RunError as RunError
from experiments.errors import UserError

TEMPORARY = ".tmp"


@contextlib.contextmanager
def guarded(path: Path, doing: str = "write") -> Iterator[None]:
    """Turns an `OSError` into a `RunError` that names the path and the reason."""
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot {doing} {path}: {error.strerror or error}") from error


def write_whole(path: Path, data: bytes | str) -> None:
    """Puts `data` at `path`, or leaves there what was there before."""
    path = Path(path)
    temporary = path.with_name(path.name + TEMPORARY)
    with guarded(path):
        try:
            with open(temporary, "wb") as file:
                file.write(data.encode() if isinstance(data, str) else data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Writes JSON as a whole file; NaN and infinity, which JSON lacks, become null."""
    write_whole(path, json.dumps(plain(value), indent=2, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """A value as plain JSON types: NumPy numbers and arrays unwrapped, numbers that are not finite as None."""
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray) or (hasattr(value, "tolist") and not isinstance(value, (int, float))):
        return plain(value.tolist())
    if isinstance(value, float):  # np.float64 is one
        return float(value) if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def folder(out: str | Path) -> Path:
    """The folder to write to, made if need be."""
    place = Path(out)
    if not str(out) or "\0" in str(out):
        raise UserError(f"--out {str(out)!r}: give the name of a folder")
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {str(out)!r}: the folder cannot be made: {error.strerror}; give another") from None
    if not os.access(place, os.W_OK | os.X_OK):
        raise UserError(f"--out {str(out)!r}: the folder cannot be written to; give another")
    return place


def sweep(folder: Path) -> None:
    """Removes what an interrupted `write_whole` left behind."""
    for stray in folder.glob(f"*{TEMPORARY}"):
        with contextlib.suppress(OSError):
            stray.unlink()


def _sync_folder(folder: Path) -> None:
    """Makes a rename last; some systems cannot and need not."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class Table:
    """A CSV file that grows by whole rows. The header is written if the file is new or empty."""

    def __init__(self, path: Path, columns: Sequence[str]):
        self.path, self.columns = Path(path), tuple(columns)
        with guarded(self.path):
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        header = csv_text([self.columns])
        with guarded(self.path, "read"), open(self.path, "rb") as file:
            first = file.readline(len(header) + 1)
        if first != header and header.startswith(first):  # new, or cut off while its header was written
            self._write(header, at=0)
        elif first != header:
            self.close()
            raise RunError(f"{self.path} has other columns than this version of Firstword writes")

    def append(self, rows: Iterable[Sequence[Any]]) -> None:
        """Appends all rows in one write, or none."""
        data = csv_text(rows)
        if data:
            self._write(data, at=os.fstat(self._handle).st_size)

    def sync(self) -> None:
        """Waits until the rows are on the disk; to be called before a checkpoint that relies on them."""
        with guarded(self.path):
            os.fsync(self._handle)

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _write(self, data: bytes, at: int) -> None:
        """Writes `data` at the end, which is put at byte `at`; on failure the file ends there again."""
        with guarded(self.path):
            try:
                os.ftruncate(self._handle, at)
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._handle, rest) :]
            except BaseException:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._handle, at)
                raise


def csv_text(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as CSV: numbers in their shortest exact form, missing and NaN as empty cells, Unix line ends."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    return str(value)  # NumPy 2 prints float32 and float64 in the shortest form that reads back equal


def rewind(path: Path, tick: int) -> None:
    """Cuts a CSV file, whose first column is a rising tick, after the last whole row up to `tick`."""
    if not path.exists():
        return
    with guarded(path), open(path, "rb+") as file:
        end = len(file.readline())  # the header
        for line in file:
            first = line.split(b",", 1)[0]
            if not line.endswith(b"\n") or not first.isdigit() or int(first) > tick:
                break
            end += len(line)
        file.truncate(end)
        file.flush()
        os.fsync(file.fileno())
