"""The bench counts what it moves, holds each size apart, and refuses what no world can hold."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments import bench, bench_life, bench_neat, cli
from experiments.errors import RunError

ROOT = Path(__file__).parents[1]


def test_the_bandwidth_counts_three_arrays_because_three_are_moved(monkeypatch):
    moved = []

    def watched(function):
        def call(*arrays):
            out = jax.device_put(function(*arrays))
            moved.append({array.unsafe_buffer_pointer(): array.nbytes for array in (*arrays, out)})
            return out

        return call

    monkeypatch.setattr(bench.jax, "jit", watched)
    monkeypatch.setattr(bench, "_best", lambda call: call() is None or 1.0)
    assert bench.memory_bandwidth(1000) == sum(moved[0].values()) == 3 * 4000


def test_more_creatures_than_a_world_holds_are_refused_at_once(monkeypatch, capsys):
    def early(number):
        raise AssertionError("measured first")

    monkeypatch.setattr(bench, "_apart", early)
    assert cli.main(["bench", "world", "--agents", "512", str(2**20 + 1)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "--agents 1048577: must be at most 1048576" in told


def test_peak_memory_is_that_of_the_process_alone():
    ballast = np.ones(1 << 27)  # 1 GiB, all of it touched
    command = [sys.executable, "-c", "from experiments import bench; print(bench.peak_memory())"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert 1 << 26 < int(told) < ballast.nbytes < bench.peak_memory()


def test_rows_are_set_against_the_best_bandwidth(monkeypatch):
    def row(number):
        bandwidth = {64: 1e9, 128: 2e9}[number]
        return {"name": f"world-{number}", "bytes_per_agent_step": 1000, "agent_steps_per_s": 500_000,
                "device": "cpu cpu", "bandwidth": bandwidth}  # fmt: skip

    monkeypatch.setattr(bench, "_apart", row)
    told = bench.world([64, 128])
    assert told["bandwidth_gb_per_s"] == 2 and told["device"] == "cpu cpu"
    assert [r["name"] for r in told["results"]] == ["world-64", "world-128"]
    assert all(r["roofline_share"] == 0.25 and "bandwidth" not in r for r in told["results"])


def test_a_size_that_cannot_be_measured_is_told_in_one_line(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "abacus")
    with pytest.raises(RunError, match=r"the process that measured 16 creatures failed: .*abacus") as failure:
        bench.world([16])
    assert "\n" not in str(failure.value)


@pytest.mark.slow
def test_each_size_is_measured_with_all_alive():
    done = subprocess.run(
        [sys.executable, "-m", "experiments", "bench", "world", "--agents", "64", "512", "--json"],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert [row["alive"] for row in told["results"]] == [64, 512]
    for row in told["results"]:
        assert row["agent_steps_per_s"] > 0 and row["peak_memory_mb"] > 100
        assert math.isclose(row["ns_per_agent"], 1e9 / row["agent_steps_per_s"], rel_tol=0.01)


@pytest.mark.slow
def test_a_generation_of_neat_is_set_beside_neat_pythons(monkeypatch):
    monkeypatch.setattr(bench_neat, "GENERATIONS", {10**6: 2})
    cached = jax.config.jax_enable_compilation_cache
    try:
        told = bench_neat.measure(["xor", "cartpole"], [24])
    finally:
        jax.config.update("jax_enable_compilation_cache", cached)
    gate, cart = told["results"]
    assert [row["name"] for row in told["results"]] == ["xor-24", "cartpole-24"]
    for row in (gate, cart):
        assert row["generations"] == 2 and row["species"] >= 1 <= row["neat_python_species"]
        assert row["ratio"] == pytest.approx(row["neat_python_s"] / row["generation_s"], rel=0.1)
        assert row["evaluations_per_s"] == pytest.approx(24 / row["generation_s"], rel=0.01)
    # whoever plays, an episode of the pole lasts 8 to 500 steps, and 24 networks play 5 each
    for steps, seconds in (("steps_per_s", "generation_s"), ("neat_python_steps_per_s", "neat_python_s")):
        assert 24 * 5 * 8 <= cart[steps] * cart[seconds] <= 24 * 5 * 500
    assert "steps_per_s" not in gate


def test_life_is_set_beside_numpy_and_scipy(monkeypatch, capsys):
    monkeypatch.setattr(bench_life, "SIZES", {64: 3})
    monkeypatch.setattr(bench_life, "REPEATS", 1)
    monkeypatch.setattr(bench_life, "_arithmetic", lambda: 1e9)
    monkeypatch.setattr(bench_life, "_memory", lambda words: 64 * words)
    assert cli.main(["bench", "life", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["results"]}
    assert {"packed-64", "numpy-64", "scipy-64", "mixed-1024x64", "isotropic-2048"} == set(rows)
    assert all(row["cell_updates_per_s"] > 0 for row in rows.values())
    bound = 64 * 64 * 64 // 32  # the smaller of both limits
    packed = rows["packed-64"]
    assert packed["ceiling_share"] == pytest.approx(packed["cell_updates_per_s"] / bound, rel=0.01)


def test_life_is_not_timed_if_its_steppers_differ(monkeypatch):
    monkeypatch.setattr(bench_life, "_scipy", lambda cells: cells)
    monkeypatch.setattr(bench_life._scipy, "__name__", "scipy", raising=False)
    with pytest.raises(RunError, match="scipy and the packed stepper differ"):
        bench_life._agree(np.random.default_rng(0).integers(0, 2, (64, 64), np.uint8))
