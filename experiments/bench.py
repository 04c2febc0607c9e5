"""Speed of the living world, next to what the machine's memory allows.

Measures the default world with everything on, its area in proportion to the number of creatures (as many
cells each as the default world at capacity) and harm and hunger set to zero, so that all stay alive: those
are numbers, which change no cost. Each size has a process of its own (`python -m experiments.bench N` prints its
row), so that its peak memory is its own. The roofline is the time that the bytes of one tick, as XLA counts them,
would need at the bandwidth of a plain sum of two arrays, the best that any of these processes measured.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields as fields_of
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from evolution.genome import BrainConfig
from evolution.mutation import MutationParams
from experiments import rollout as program
from experiments.errors import RunError, UserError
from experiments.rollout import SUMS, Params, Setting, State
from experiments.simulation import Simulation, founding, numbers, world_keys
from sim import contact, feeding, fields, metabolism, motion, senses
from sim.actions import decode
from sim.config import WorldConfig, WorldParams
from sim.world import World

TICKS, REPEATS = 64, 5
HARMLESS = {"bite_damage": 0.0, "poison_damage": 0.0, "bite_mouthful": 0.0, "basal_cost": 0.0, "ageing": 0.0}
HARMLESS |= {"move_cost": 0.0, "turn_cost": 0.0, "bite_cost": 0.0, "emit_cost": 0.0, "brain_cost": 0.0}
MOST_AGENTS = next(f.metadata["high"] for f in fields_of(WorldConfig) if f.name == "max_agents")


def world(agents: list[int]) -> dict[str, Any]:
    """One row of figures for each number of creatures."""
    for number in agents:
        if number > MOST_AGENTS:
            raise UserError(f"--agents {number}: must be at most {MOST_AGENTS}, the most creatures of a world")
    rows = [_apart(number) for number in agents]
    bandwidth = max(row.pop("bandwidth") for row in rows)
    devices = [row.pop("device") for row in rows]
    for row in rows:
        moved = row["bytes_per_agent_step"] * row["agent_steps_per_s"]
        row["roofline_share"] = round(moved / bandwidth, 3)
    return {
        "bench": "world",
        "device": devices[0],
        "bandwidth_gb_per_s": round(bandwidth / 1e9, 2),
        "results": rows,
    }


def _apart(number: int) -> dict[str, Any]:
    """What `measured` gives in a fresh process."""
    root = str(Path(__file__).parents[1])
    paths = [root, os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONSAFEPATH": "1"}
    env |= {"JAX_TRACEBACK_FILTERING": "off"}  # else the last line of an error is a hint of JAX
    command = [sys.executable, "-m", "experiments.bench", str(number)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise RunError(f"the process that measured {number} creatures failed: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def memory_bandwidth(length: int = 1 << 26) -> float:
    """Bytes per second of `a + b` over arrays of `length` float32 (256 MiB), best of five."""
    a, b = jnp.ones(length, jnp.float32), jnp.zeros(length, jnp.float32)  # two, for one would be read but once
    add = jax.jit(lambda a, b: a + b)
    return 3 * a.nbytes / _best(lambda: add(a, b))


def peak_memory() -> int:
    """Most bytes of main memory that this process has held.

    Linux hands `ru_maxrss` on from the process that started this one, but not VmHWM.
    """
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def scaled(number: int) -> Setting:
    """The default world for `number` creatures."""
    base = WorldConfig()
    side = 4 * max(4, round(math.sqrt(base.width * base.height * number / base.max_agents) / 4))
    config = replace(base, width=side, height=side, founders=number, max_agents=number)
    return Setting(
        replace(config, births_at_once=max(16, min(number, base.births_at_once * number // base.max_agents))),
        BrainConfig(),
    )


def measured(number: int) -> dict[str, Any]:
    """Figures for a world of `number` creatures, with the device and its bandwidth in bytes per second."""
    jax.config.update("jax_enable_compilation_cache", False)  # compile times are cold ones
    setting = scaled(number)
    params = Params(numbers(replace(WorldParams(), **HARMLESS)), numbers(MutationParams()))
    keys = world_keys(0, 1)
    state = jax.tree.map(lambda leaf: leaf[None], founding(keys[0], setting, params, number, "evolved"))
    sim = Simulation(setting, params, keys, state)
    sim.totals, sim.refounds = [dict.fromkeys(SUMS, 0)], [0]
    began = time.perf_counter()
    compiled = program.rollout.lower(keys, setting, params, sim.state, jnp.int32(1)).compile()
    compile_seconds = time.perf_counter() - began
    del compiled
    sim.advance(TICKS)
    seconds, steps = [], []
    for _ in range(REPEATS):
        before, began = sim.totals[0]["agent_ticks"], time.perf_counter()
        sim.advance(sim.tick + TICKS)
        seconds.append(time.perf_counter() - began)
        steps.append(sim.totals[0]["agent_ticks"] - before)
    rate = sorted(step / second for step, second in zip(steps, seconds, strict=True))[REPEATS // 2]
    alive, peak = int(sim.populations()[0]), peak_memory()  # now, before what only the bench needs
    one = jax.tree.map(lambda leaf: leaf[0], sim.state)
    moved = _bytes_per_tick(keys[0], setting, params, one)
    return {
        "name": f"world-{number}",
        "alive": alive,
        "slots": sim.slots,
        "agent_steps_per_s": round(rate),
        "ns_per_agent": round(1e9 / rate, 1),
        "compile_s": round(compile_seconds, 2),
        "peak_memory_mb": round(peak / 2**20),
        "bytes_per_agent_step": round(moved / alive),
        "phases_ns": phases(keys[0], setting, params, one),
        "device": f"{jax.devices()[0].platform} {jax.devices()[0].device_kind}",
        "bandwidth": memory_bandwidth(),
    }


def _bytes_per_tick(key: jax.Array, setting: Setting, params: Params, state: State) -> float:
    tick = jax.jit(partial(program.live, key, setting))
    analysis = tick.lower(params, state).compile().cost_analysis()
    return float((analysis or {}).get("bytes accessed", float("nan")))


def phases(key: jax.Array, setting: Setting, params: Params, state: State) -> dict[str, float]:
    """ns per creature of each phase run by itself; in one program they overlap and fuse, so the sum differs."""
    config, numbers_, creatures = setting.world, params.world, state.world
    act = jax.vmap(program.policy(setting, numbers_))
    obs = senses.observe(config, numbers_, creatures)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, creatures.uid)
    acts = decode(config, creatures.action)
    bite, give = acts.bite, acts.give
    assert bite is not None and give is not None, "the default world has all acts on"
    target = contact.facing(config, creatures)
    _, meal = feeding.eat(config, numbers_, creatures, acts.eat)
    _, fight = contact.bite(numbers_, creatures, target, bite)

    def sense(world: World) -> World:
        return replace(world, gain=jnp.sum(senses.observe(config, numbers_, world), axis=1))

    def think(memory: Any) -> Any:
        return act(keys, state.mind, memory, obs)[0]

    def touch(world: World) -> World:
        found = contact.facing(config, world)
        world, _, _ = contact.give(numbers_, world, found, give)
        return replace(contact.bite(numbers_, world, found, bite)[0], tick=world.tick + 1)

    def grow(world: World) -> World:
        world = fields.waft(config, numbers_, world, acts.voice)
        return replace(fields.regrow(key, config, numbers_, world)[0], tick=world.tick + 1)

    def live_and_die(world: World) -> World:
        world, _ = metabolism.metabolise(numbers_, world, acts, meal, fight)
        return metabolism.die(config, numbers_, world, fight)[0]

    steps: dict[str, tuple[Callable, Any]] = {
        "sense": (sense, creatures),
        "think": (think, state.memory),
        "move": (lambda world: motion.move(config, numbers_, world, acts), creatures),
        "eat": (lambda world: feeding.eat(config, numbers_, world, acts.eat)[0], creatures),
        "contact": (touch, creatures),
        "metabolise": (live_and_die, creatures),
        "fields": (grow, creatures),
        "births": (lambda s: program.deliver(key, setting, params, replace(s, records=_empty(s))), state),
    }
    alive = int(jnp.sum(creatures.alive))
    share = {"births": 1 / config.birth_interval}
    return {name: round(_repeat(*step) * share.get(name, 1) * 1e9 / alive, 1) for name, step in steps.items()}


def _empty(state: State) -> Any:
    return replace(state.records, rows=jnp.int32(0))


def _repeat(step: Callable, start: Any, times: int = 32) -> float:
    """Seconds of one application of `step`, which feeds itself, best of five loops."""
    loop = jax.jit(lambda value: jax.lax.fori_loop(0, times, lambda _, v: step(v), value))
    return _best(lambda: loop(start)) / times


def _best(call: Callable, repeats: int = 5) -> float:
    """Seconds of the fastest of some calls, after one to compile."""
    jax.block_until_ready(call())
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(call())
        seconds.append(time.perf_counter() - began)
    return min(seconds)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measured(int(sys.argv[1]))) + "\n")
