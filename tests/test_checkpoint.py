"""Checkpoints read back to the bit, are passed over when damaged, and lineage parts do not depend on interruptions."""

import errno
import json
import os
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from evolution.genome import BrainConfig
from evolution.natural import Mind, founders, newborn_memory
from experiments import checkpoint, files, lineage
from experiments.errors import RunError

ARRAYS = {"world.x": np.arange(6, dtype=np.float32), "tick": np.int32(7), "none": np.zeros((0, 3), bool)}


def bits(array):
    array = np.asarray(array)
    return array.dtype, array.shape, array.tobytes()


def same(a, b):
    return a.keys() == b.keys() and all(bits(a[name]) == bits(b[name]) for name in a)


SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda name: name != "__metadata__"),
        hnp.arrays(st.sampled_from(checkpoint.DTYPES), SHAPES),
        max_size=4,
    )
)
def test_any_arrays_read_back_to_the_bit(tmp_path_factory, arrays):
    folder = tmp_path_factory.mktemp("checkpoints")
    meta = {"a": 0.1, "b": [1, None, "x"], "c": 2**60}
    checkpoint.save(folder, 3, arrays, meta, keep=1)
    tick, read, read_meta, warnings = checkpoint.load_latest(folder)
    assert tick == 3 and same(arrays, read) and read_meta == meta and not warnings


def test_same_state_gives_the_same_bytes(tmp_path):
    paths = [
        checkpoint.save(tmp_path / name, 5, dict(order), {"b": 1, "a": 2}, keep=1)
        for name, order in (("one", ARRAYS.items()), ("two", reversed(ARRAYS.items())))
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_only_the_last_k_stay(tmp_path):
    for tick in (1, 2, 30, 4):
        checkpoint.save(tmp_path, tick, ARRAYS, {}, keep=2)
    assert checkpoint.ticks(tmp_path) == checkpoint.finished(tmp_path) == [4, 30]
    assert len(list(tmp_path.iterdir())) == 4


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def empty(path):
    path.write_bytes(b"")


def unseal(path):
    path.with_suffix(".json").unlink()


def spoil_seal(path):
    path.with_suffix(".json").write_text("[1")


def odd_seal(path):
    path.with_suffix(".json").write_text("[1]")


def swap(path):
    """Puts an older checkpoint, with its own good seal, in place of this one."""
    older = path.with_name("tick-000000000001.safetensors")
    path.write_bytes(older.read_bytes())
    path.with_suffix(".json").write_bytes(older.with_suffix(".json").read_bytes())


@pytest.mark.parametrize("damage", [truncate, flip, empty, unseal, spoil_seal, odd_seal, swap])
def test_damaged_checkpoint_falls_back_and_says_so(damage, tmp_path):
    for tick in (1, 2, 3):
        checkpoint.save(tmp_path, tick, {"x": np.float32([tick])}, {"tick": tick}, keep=3)
    damage(tmp_path / "tick-000000000003.safetensors")
    tick, arrays, meta, warnings = checkpoint.load_latest(tmp_path)
    assert tick == 2 and arrays["x"] == 2 and meta == {"tick": 2}
    assert len(warnings) == 1 and "tick-000000000003" in warnings[0] and "\n" not in warnings[0]


def test_no_good_checkpoint_is_told(tmp_path):
    with pytest.raises(checkpoint.NoCheckpoint, match="no usable checkpoint"):
        checkpoint.load_latest(tmp_path / "missing")
    flip(checkpoint.save(tmp_path, 1, ARRAYS, {}, keep=1))
    with pytest.raises(checkpoint.NoCheckpoint, match="truncated or altered"):
        checkpoint.load_latest(tmp_path)


@pytest.mark.parametrize("calls", [0, 1, 2, 3])
def test_disk_that_fills_up_leaves_the_last_checkpoint(calls, tmp_path, monkeypatch):
    """The disk is full from the n-th flush on: data, folder, seal, folder."""
    checkpoint.save(tmp_path, 1, ARRAYS, {}, keep=1)
    fsync, done = os.fsync, []

    def full(handle):
        done.append(handle)
        if len(done) > calls:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    if calls < 3:  # a folder that cannot be flushed is no failure
        with pytest.raises(RunError, match="No space left on device"):
            checkpoint.save(tmp_path, 2, ARRAYS, {}, keep=1)
    else:
        checkpoint.save(tmp_path, 2, ARRAYS, {}, keep=1)
    monkeypatch.undo()
    assert checkpoint.load_latest(tmp_path)[0] == (1 if calls < 3 else 2)
    assert not list(tmp_path.glob(f"*{files.TEMPORARY}"))


def test_saving_the_same_tick_again_on_a_full_disk_keeps_it(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, 1, ARRAYS, {}, keep=1)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    checkpoint.save(tmp_path, 1, ARRAYS, {}, keep=1)
    assert checkpoint.load_latest(tmp_path)[0] == 1


def test_stray_temporary_files_are_ignored_and_swept(tmp_path):
    checkpoint.save(tmp_path, 1, ARRAYS, {}, keep=3)
    stray = tmp_path / f"tick-000000000002.safetensors{files.TEMPORARY}"
    stray.write_bytes(b"half")
    assert checkpoint.load_latest(tmp_path)[0] == 1
    checkpoint.save(tmp_path, 3, ARRAYS, {}, keep=3)
    assert not stray.exists()


def mind(num, config=BrainConfig(hidden=2, connections=6)):
    made = founders(jax.random.key(1), config, 3, 2, num)
    return made, newborn_memory(made)


def test_trees_of_dataclasses_are_restored_at_any_capacity(tmp_path):
    tree = mind(5)
    checkpoint.save(tmp_path, 1, checkpoint.flatten(tree), {}, keep=1)
    arrays = checkpoint.load_latest(tmp_path)[1]
    template = jax.eval_shape(lambda: mind(8))
    again = checkpoint.restore(template, arrays)
    assert jax.tree.structure(again) == jax.tree.structure(tree)
    assert isinstance(again[0], Mind) and again[0].brain.rate is None
    for a, b in zip(jax.tree.leaves(tree), jax.tree.leaves(again), strict=True):
        assert a.dtype == b.dtype and np.array_equal(a, b)


def test_trees_of_another_config_are_refused():
    arrays = checkpoint.flatten(mind(5))
    with pytest.raises(RunError, match=r"lacks 0\.brain\.rate"):
        checkpoint.restore(mind(5, BrainConfig(hidden=2, connections=6, plasticity="hebbian")), arrays)
    with pytest.raises(RunError, match=r"has 0\.extra"):
        checkpoint.restore(mind(5), arrays | {"0.extra": np.zeros(1)})
    with pytest.raises(RunError, match=r"0\.kind is float32\[5\], wanted int32\[5\]"):
        checkpoint.restore(mind(5), arrays | {"0.kind": np.zeros(5, np.float32)})
    made, memory = mind(5)
    with pytest.raises(RunError, match=r"0\.kind is int32\[5\], wanted int32\[5, 1\]"):
        checkpoint.restore((replace(made, kind=made.kind[:, None]), memory), arrays)


def test_dtypes_that_do_not_survive_are_refused():
    with pytest.raises(TypeError, match="a is float64"):
        checkpoint.flatten({"a": np.zeros(1)})
    with pytest.raises((TypeError, ValueError)):
        checkpoint.flatten({"a": jax.random.key(0)})
    with pytest.raises(ValueError, match="two leaves"):
        checkpoint.flatten({"a": {"b": jnp.zeros(1)}, "a.b": jnp.zeros(1)})


# lineage: an imaginary run in which tick t brings one birth, and a death every third tick


def live(writer, start, end, every, stops=()):
    """Lives from tick `start` to `end`, with checkpoints on schedule and at `stops`; returns the pending rows."""
    for tick in range(start + 1, end + 1):
        row = {name: [tick] for name in lineage.BIRTHS}
        writer.births(row)
        if tick % 3 == 0:
            writer.deaths({name: [tick] for name in lineage.DEATHS} | {"cause": [1 + tick % 4]})
        if tick % every == 0 or tick == end or tick in stops:
            writer.flush(tick)
    return writer.pending()


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@given(st.integers(0, 20), st.integers(0, 30))
def test_lineage_is_the_same_to_the_byte_after_interruption_and_kill(tmp_path_factory, stop, killed):
    """Checkpoint at `stop` (on schedule or not), life until `killed`, resumed from `stop`: as if nothing happened."""
    folder = tmp_path_factory.mktemp("lineage")
    live(lineage.LineageWriter(folder / "whole", 7), 0, 30, 7)
    writer = lineage.LineageWriter(folder / "broken", 7)
    pending = live(writer, 0, stop, 7)
    if killed > stop:
        live(writer, stop, killed, 7)
    arrays = {"state": np.zeros(1)} | pending
    writer = lineage.LineageWriter.resume(folder / "broken", 7, stop, arrays)
    assert list(arrays) == ["state"]
    live(writer, stop, 30, 7)
    assert contents(folder / "whole") == contents(folder / "broken")


def test_lineage_parts_hold_all_rows_once_at_every_checkpoint(tmp_path):
    writer = lineage.LineageWriter(tmp_path, 10)
    live(writer, 0, 14, 10, stops=(12,))
    births = [pq.read_table(p) for p in tmp_path.glob("births-*")]
    assert sorted(tick for table in births for tick in table["tick"].to_pylist()) == list(range(1, 15))
    deaths = pq.read_table(tmp_path / "deaths-000000000000-000000000010.parquet")
    assert deaths.column_names == list(lineage.DEATHS)
    assert deaths["cause"].to_pylist() == ["aged", "poisoned", "bitten"]
    assert str(deaths.schema.field("uid").type) == "int32" and str(deaths.schema.field("eaten_meat").type) == "float"


def test_pending_rows_pass_through_a_checkpoint(tmp_path):
    writer = lineage.LineageWriter(tmp_path / "lineage", 10)
    pending = live(writer, 0, 14, 10)
    checkpoint.save(tmp_path / "checkpoints", 14, ARRAYS | pending, {}, keep=1)
    arrays = checkpoint.load_latest(tmp_path / "checkpoints")[1]
    again = lineage.LineageWriter.resume(tmp_path / "lineage", 10, 14, arrays)
    assert same(again.pending(), pending) and same(arrays, {k: np.asarray(v) for k, v in ARRAYS.items()})


def test_lineage_refuses_wrong_columns(tmp_path):
    writer = lineage.LineageWriter(tmp_path, 10)
    with pytest.raises(ValueError, match="wanted"):
        writer.births({"uid": [1]})
    with pytest.raises(ValueError, match="differ in length"):
        writer.births({name: [1] for name in lineage.BIRTHS} | {"uid": [1, 2]})


def test_seal_tells_the_size(tmp_path):
    path = checkpoint.save(tmp_path, 1, ARRAYS, {"refounded": 2}, keep=1)
    assert json.loads(path.with_suffix(".json").read_text())["bytes"] == path.stat().st_size
