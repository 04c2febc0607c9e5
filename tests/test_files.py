"""Files stay whole whatever interrupts a write, and errors of the disk are told in one line."""

import contextlib
import errno
import json
import os
import resource

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import files
from experiments.errors import RunError

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fail(*_):
    raise FULL


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failed_write_leaves_the_old_file_and_no_litter(step, tmp_path, monkeypatch):
    path = tmp_path / "summary.json"
    files.write_whole(path, "old")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(RunError, match=r"cannot write .*summary\.json: No space left on device"):
        files.write_whole(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["summary.json"]


def test_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "config.toml"
    files.write_whole(path, "old")

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write_whole(path, "new")
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_file_is_flushed_before_it_is_renamed(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("replace"), replace(*names)))
    files.write_whole(tmp_path / "a", b"data")
    assert done[:2] == ["fsync", "replace"]


def test_missing_folder_is_told(tmp_path):
    with pytest.raises(RunError, match="No such file or directory"):
        files.write_whole(tmp_path / "gone" / "a", b"")


def test_sweep_removes_only_temporary_files(tmp_path):
    (tmp_path / f"a{files.TEMPORARY}").write_text("half")
    (tmp_path / "a").write_text("whole")
    files.sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_json_is_strict(tmp_path):
    files.write_json(
        tmp_path / "a.json", {"a": np.float32(0.5), "b": float("nan"), "c": np.arange(2), "d": (True, None)}
    )
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 0.5, "b": None, "c": [0, 1], "d": [True, None]}


def test_table_appends_whole_rows_and_continues(tmp_path):
    path = tmp_path / "metrics.csv"
    table = files.Table(path, ("tick", "population"))
    table.append([(0, 5), (100, 6)])
    table.close()
    table = files.Table(path, ("tick", "population"))
    table.append([(200, np.int32(7))])
    table.append([])
    table.close()
    assert path.read_bytes() == b"tick,population\n0,5\n100,6\n200,7\n"
    with pytest.raises(RunError, match="other columns"):
        files.Table(path, ("tick", "births"))


def test_table_repairs_a_torn_header(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_bytes(b"tick,pop")
    files.Table(path, ("tick", "population")).close()
    assert path.read_bytes() == b"tick,population\n"


def test_rows_that_do_not_fit_are_taken_back(tmp_path, monkeypatch):
    path = tmp_path / "metrics.csv"
    table = files.Table(path, ("tick", "population"))
    table.append([(0, 5)])
    write = os.write
    calls = []

    def short(handle, data):  # what a disk does that is filling up: some bytes, then none
        calls.append(1)
        if len(calls) > 1:
            raise FULL
        return write(handle, bytes(data)[:3])

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(RunError, match="No space left"):
        table.append([(100, 6), (200, 7)])
    monkeypatch.undo()
    assert path.read_bytes() == b"tick,population\n0,5\n"
    table.append([(100, 6)])
    assert path.read_bytes() == b"tick,population\n0,5\n100,6\n"


@contextlib.contextmanager
def file_size_limit(size):
    """Lets the system itself refuse to write more than `size` bytes to a file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_system_that_refuses_to_write_loses_nothing(tmp_path):
    whole, rows = tmp_path / "summary.json", tmp_path / "metrics.csv"
    files.write_whole(whole, "old")
    table = files.Table(rows, ("tick",))
    table.append([(i,) for i in range(100)])
    before = rows.read_bytes()
    with file_size_limit(len(before) + 5):
        with pytest.raises(RunError, match=r"summary\.json: File too large"):
            files.write_whole(whole, "x" * 100_000)
        with pytest.raises(RunError, match=r"metrics\.csv: File too large"):
            table.append([(i,) for i in range(100, 200)])
    assert whole.read_text() == "old" and rows.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_longer_header_of_other_columns_is_not_overwritten(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_bytes(b"tick,population,births\n0,1,2\n")
    with pytest.raises(RunError, match="other columns"):
        files.Table(path, ("tick", "population"))
    assert path.read_bytes() == b"tick,population,births\n0,1,2\n"


@pytest.mark.parametrize(
    ("tick", "rows"), [(-1, 0), (0, 2), (99, 2), (100, 4), (10_000, 5)], ids=lambda value: str(value)
)
def test_rewind_keeps_rows_up_to_the_tick_and_drops_torn_ones(tick, rows, tmp_path):
    path = tmp_path / "species.csv"
    whole = [b"tick,world\n", b"0,0\n", b"0,1\n", b"100,0\n", b"100,1\n", b"200,0\n"]
    path.write_bytes(b"".join(whole) + b"300,")
    files.rewind(path, tick)
    assert path.read_bytes() == b"".join(whole[: rows + 1])
    files.rewind(tmp_path / "missing.csv", tick)


@given(st.floats(width=32))
def test_float32_cells_read_back_to_the_bit(number):
    number = np.float32(number)
    cell = files.csv_text([(number,)]).decode().strip().strip('"')
    if np.isnan(number):
        assert cell == ""
    else:
        assert np.float32(cell).tobytes() == number.tobytes()


def test_cells_of_text_are_quoted():
    assert files.csv_text([("a,b", 'c"d', None, True, 2**40)]) == b'"a,b","c""d",,1,1099511627776\n'
