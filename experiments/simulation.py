"""A run in memory: what the command line, the viewer, the assays and the tests all drive.

`Simulation.advance` is the one way that time passes: it calls the compiled rollout, gives it more slots
when it asks for them, drains births and deaths, and puts new founders into an empty world if told to.
Leaves out files, clocks and printing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from evolution import natural
from evolution.genome import num_connections
from experiments import checkpoint, metrics
from experiments.config import Experiment
from experiments.rollout import (
    BIRTH_COLUMNS,
    GRAVE_COLUMNS,
    INTAKES,
    SUMS,
    TRAITS,
    Params,
    Setting,
    State,
    blank_records,
    rollout,
)
from sim import step
from sim.body import Body, founder_bodies
from sim.world import FIELDS

HEADLINES = ("max_generation", "mean_intake", "median_connections", "median_hidden", "species", "mean_diet")
LONGEST = 8192  # ticks between drains: sums are exact up to 2^15
SHRINK_EVERY = 1024


def numbers(tree: Any) -> Any:
    """Python numbers of a params record as float32 scalars."""
    return jax.tree.map(jnp.float32, tree)


def setting_of(experiment: Experiment, **changes: Any) -> Setting:
    refound = experiment.run.on_extinction == "refound"
    setting = Setting(experiment.world, experiment.brain, kinds=(experiment.run.minds,), refound=refound)
    return replace(setting, **changes)


def world_keys(seed: int, worlds: int) -> jax.Array:
    """One key per world, `[W]`; world w of many has the key of no other seed's world."""
    return jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(seed), jnp.arange(worlds))


def spread(tree: Any, worlds: int) -> Any:
    """Arrays `[W, ...]` dealt out to the local devices, world by world, when there are several and W divides evenly."""
    devices = jax.local_devices()
    if len(devices) == 1 or worlds % len(devices):
        return tree
    mesh = jax.make_mesh((len(devices),), ("worlds",), axis_types=(AxisType.Auto,), devices=devices)
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec("worlds")))


def starting_slots(experiment: Experiment) -> int:
    """Slots at tick 0: the power of two that holds the founders and one delivery, or the most allowed."""
    need = experiment.world.founders + min(experiment.world.births_at_once, experiment.world.max_agents)
    return min(1 << (need - 1).bit_length(), experiment.world.max_agents)


@partial(jax.jit, static_argnums=(1, 3, 4))
def founding(key: jax.Array, setting: Setting, params: Params, slots: int, minds: str) -> State:
    """State of one world at tick 0."""
    k_world, k_minds = jax.random.split(key)
    mind, brain = new_minds(k_minds, setting, slots, minds)
    founders = setting.world.founders
    world = step.genesis(k_world, setting.world, params.world, slots, _bodies(params, founders), brain[:founders])
    sums = jnp.zeros((len(SUMS), 2), jnp.int32)
    return State(world, mind, natural.newborn_memory(mind), sums, blank_records(setting))


def _bodies(params: Params, num: int) -> Body:
    return founder_bodies(num, params.world.founder_diet_low, params.world.founder_diet_high)


def new_minds(key: jax.Array, setting: Setting, num: int, minds: str) -> tuple[natural.Mind, jax.Array]:
    """`num` founder minds and their brain sizes `[num]`."""
    if minds != "evolved":
        return natural.scripted(setting.kinds.index(minds), num), jnp.zeros(num)
    mind = natural.founders(key, setting.brain, setting.inputs, setting.outputs, num)
    return mind, jax.vmap(num_connections)(mind.genome).astype(jnp.float32)


@partial(jax.jit, static_argnums=(1, 4))
def refounded(key: jax.Array, setting: Setting, params: Params, state: State, minds: str) -> State:
    """An empty world with new founders on its present land."""
    k_settle, k_minds = jax.random.split(key)
    founders = setting.world.founders
    mind, brain = new_minds(k_minds, setting, founders, minds)
    world = step.settle(k_settle, setting.world, params.world, state.world, _bodies(params, founders), brain)
    fresh = (mind, natural.newborn_memory(mind))
    mind, memory = jax.tree.map(lambda old, new: old.at[:founders].set(new), (state.mind, state.memory), fresh)
    return replace(state, world=world, mind=mind, memory=memory)


@dataclass
class Simulation:
    """One run: its static setting, its numbers and its state. `on_births`/`on_deaths` get columns of rows."""

    setting: Setting
    params: Params
    keys: jax.Array
    state: State
    minds: str = "evolved"
    totals: list[dict[str, int]] = field(default_factory=list)
    refounds: list[int] = field(default_factory=list)
    on_births: Callable[[dict[str, np.ndarray]], None] | None = None
    on_deaths: Callable[[dict[str, np.ndarray]], None] | None = None
    experiment: Experiment | None = None

    columns = metrics.COLUMNS
    species_columns = metrics.SPECIES_COLUMNS
    unit = "tick"
    news = due = False  # rows are due at their intervals alone, and nothing is validated

    @classmethod
    def start(cls, experiment: Experiment, **hooks: Any) -> Simulation:
        """A fresh run of the experiment, founders reported."""
        setting, params = setting_of(experiment), Params(numbers(experiment.params), numbers(experiment.mutation))
        keys = world_keys(experiment.run.seed, experiment.run.worlds)
        make = jax.vmap(lambda key: founding(key, setting, params, starting_slots(experiment), experiment.run.minds))
        sim = cls(setting, params, keys, make(keys), experiment.run.minds, experiment=experiment, **hooks)
        sim.totals = [dict.fromkeys(SUMS, 0) for _ in range(sim.num_worlds)]
        sim.refounds = [0] * sim.num_worlds
        for world in range(sim.num_worlds):
            sim._report_founders(world)
        return sim

    @classmethod
    def resumed(
        cls, experiment: Experiment, tick: int, arrays: dict[str, np.ndarray], meta: dict[str, Any], **hooks: Any
    ) -> Simulation:
        """The run that was saved at `tick`."""
        del tick  # the state knows it
        sim = cls.start(experiment)
        sim.state = checkpoint.restore(sim.state, arrays)
        sim.totals, sim.refounds = meta["totals"], meta["refounds"]
        sim.on_births, sim.on_deaths = hooks.get("on_births"), hooks.get("on_deaths")
        return sim

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that the run goes on from; births and deaths so far are reported."""
        self.drain()
        return checkpoint.flatten(self.state)

    def meta(self) -> dict[str, Any]:
        """The rest of it."""
        return {"totals": self.totals, "refounds": self.refounds}

    def samples(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """Genomes of the `count` living with most children, as documents."""
        from experiments import genomes  # here: it knows simulations

        return list(genomes.sample(self, count))

    @property
    def length(self) -> int:
        return self.experiment.run.ticks

    @property
    def clock(self) -> tuple[int, int, str]:
        """Where the run is, where it ends, and in what that is counted."""
        return self.tick, self.length, self.unit

    @property
    def ended(self) -> str | None:
        """Status of a run that is over before its time."""
        return "extinct" if self.extinct else None

    @property
    def tick(self) -> int:
        return int(self.state.world.tick[0])

    @property
    def num_worlds(self) -> int:
        return self.keys.shape[0]

    @property
    def slots(self) -> int:
        return self.state.world.x.shape[1]

    def populations(self) -> np.ndarray:
        """The living in each world, `[W]`."""
        return np.asarray(self.state.world.alive).sum(1)

    @property
    def extinct(self) -> bool:
        """Whether everybody is dead and stays so."""
        on_beat = self.tick % self.setting.world.birth_interval == 0
        return on_beat and not self.setting.refound and not self.populations().any()

    def advance(self, until: int) -> None:
        """Lets time pass to tick `until`, or to the tick at which everybody is dead."""
        while self.tick < until:
            before = self.tick
            stop = min(until, before + LONGEST, (before // SHRINK_EVERY + 1) * SHRINK_EVERY)
            keys, state = spread((self.keys, self.state), self.num_worlds)
            self.state = rollout(keys, self.setting, self.params, state, jnp.int32(stop))
            self._drain_births()
            if not self._on_with_it(stopped=self.tick < stop) and self.tick == before:
                break
        self.drain()

    def _on_with_it(self, stopped: bool) -> bool:
        """Refounds, grows or shrinks as needed; False when nothing can go on."""
        alive = self.populations()
        on_beat = self.tick % self.setting.world.birth_interval == 0
        empty = on_beat & (alive == 0)
        if empty.any() and self.setting.refound:
            for world in np.flatnonzero(empty):
                self._refound(int(world))
            return True
        if empty.all():
            return False
        most, batch = int(alive.max()), min(self.setting.batch, self.slots)
        if stopped and most + batch > self.slots:
            self.resize(min(2 * self.slots, self.setting.world.max_agents))
        elif self.tick % SHRINK_EVERY == 0 and most + 2 * batch < 0.4 * self.slots:
            self.resize(max(self.slots // 2, self.setting.world.founders))  # refounding needs room
        return True

    def _refound(self, world: int) -> None:
        self.drain()
        one = jax.tree.map(lambda leaf: leaf[world], self.state)
        key = jax.random.fold_in(jax.random.fold_in(self.keys[world], self.tick), 2)
        one = refounded(key, self.setting, self.params, one, self.minds)
        self.state = jax.tree.map(lambda all_, new: all_.at[world].set(new), self.state, one)
        self.refounds[world] += 1
        self._report_founders(world)

    def resize(self, slots: int) -> None:
        """Gives every world `slots` slots; the living keep their order, the dead are reported and dropped."""
        self.drain()
        alive = np.asarray(self.state.world.alive)
        order = np.argsort(~alive, axis=1, kind="stable")[:, :slots]
        extra, old = slots - order.shape[1], self.slots

        def rows(leaf: jax.Array) -> jax.Array:
            if leaf.ndim < 2 or leaf.shape[1] != old:
                return leaf
            host = np.asarray(leaf)
            kept = np.take_along_axis(host, order.reshape(order.shape + (1,) * (host.ndim - 2)), axis=1)
            filler = np.broadcast_to(_filler(host.dtype), (host.shape[0], extra, *host.shape[2:]))
            return jnp.asarray(np.concatenate([kept, filler], axis=1))

        world = self.state.world
        moved = jax.tree.map(rows, replace(world, **dict.fromkeys(FIELDS)))
        moved = replace(moved, **{name: getattr(world, name) for name in FIELDS})
        mind, memory = jax.tree.map(rows, (self.state.mind, self.state.memory))
        self.state = replace(self.state, world=moved, mind=mind, memory=memory)

    def drain(self) -> None:
        """Reports births and deaths so far, and adds up the sums."""
        self._drain_births()
        world, mind = self.state.world, self.state.mind
        dead = ~np.asarray(world.alive) & (np.asarray(world.cause) > 0) & (np.asarray(world.uid) >= 0)
        if not dead.any():
            return
        if self.on_deaths is not None:
            where = np.nonzero(dead)
            columns = {"uid": world.uid, "tick": world.died, "cause": world.cause, "age": world.age}
            columns |= {"offspring": world.offspring, "generation": world.generation}
            columns |= {name: getattr(world, name) for name in INTAKES}
            rows = {name: np.asarray(column)[where] for name, column in columns.items()}
            rows["species"] = (
                np.zeros_like(rows["uid"]) if mind.species is None else np.asarray(mind.species.name)[where]
            )
            self.on_deaths({"world": where[0].astype(np.int32), **rows})
        cause = jnp.where(world.alive, world.cause, 0)
        self.state = replace(self.state, world=replace(world, cause=cause))

    def _drain_births(self) -> None:
        sums = np.asarray(self.state.sums).astype(np.int64)
        if sums.any():
            for total, pairs in zip(self.totals, sums, strict=True):
                for name, (high, low) in zip(SUMS, pairs, strict=True):
                    total[name] += int(high) * 65536 + int(low)
        records = self.state.records
        counts = np.asarray(records.rows)
        if counts.any() and (self.on_births or self.on_deaths):
            for world, count in enumerate(counts):
                self._report_records(world, int(count))
        blank = replace(records, rows=jnp.zeros_like(records.rows))
        self.state = replace(self.state, sums=jnp.zeros_like(self.state.sums), records=blank)

    def _report_records(self, world: int, count: int) -> None:
        records = self.state.records
        index = np.full(count, world, np.int32)
        birth = np.asarray(records.birth[world])[:count]
        trait = np.asarray(records.trait[world])[:count]
        if self.on_births is not None:
            rows = {name: birth[:, i] for i, name in enumerate(BIRTH_COLUMNS)}
            self.on_births({"world": index, **rows, **{name: trait[:, i] for i, name in enumerate(TRAITS)}})
        grave = np.asarray(records.grave[world])[:count]
        intake = np.asarray(records.intake[world])[:count]
        real = grave[:, 0] >= 0
        if self.on_deaths is not None and real.any():
            rows = {name: grave[real, i] for i, name in enumerate(GRAVE_COLUMNS)}
            eaten = {name: intake[real, i] for i, name in enumerate(INTAKES)}
            self.on_deaths({"world": index[real], **rows, **eaten})

    def _report_founders(self, world: int) -> None:
        if self.on_births is None:
            return
        num = self.setting.world.founders
        one = jax.tree.map(lambda leaf: np.asarray(leaf[world]), (self.state.world, self.state.mind))
        creatures, mind = one
        zero, minus = np.zeros(num, np.int32), np.full(num, -1, np.int32)
        rows = {"world": np.full(num, world, np.int32), "uid": creatures.uid[:num], "mother": minus, "father": minus}
        rows |= {"tick": np.full(num, creatures.tick, np.int32), "generation": zero, "kind": mind.kind[:num]}
        rows |= {"connections": creatures.brain[:num].astype(np.int32), "hidden": zero}
        rows["species"] = zero if mind.species is None else mind.species.name[:num]
        self.on_births(rows | {name: getattr(creatures.body, name)[:num] for name in TRAITS})

    def told(self) -> str:
        """Where the run is, for the progress bar."""
        return f"population {int(self.populations().sum()):,}"

    def headlines(self, rows: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
        """What summary.json says of a run in a world; `rows` are its present metrics."""
        sums = {name: sum(total[name] for total in self.totals) for name in self.totals[0]}
        out: dict[str, Any] = {
            "ticks": self.tick,
            "worlds": self.num_worlds,
            "population": sum(row["population"] for row in rows),
            "births": sums["births"],
            "deaths": {name[7:]: sums[name] for name in sums if name.startswith("deaths_")},
            "refused_births": sums["refused_births"],
            "refounded": sum(self.refounds),
            "agent_steps_per_s": round(sums["agent_ticks"] / max(seconds, 1e-9)),
        }
        for name in HEADLINES:
            values = [row[name] for row in rows if row["population"]]
            out[name] = float(np.median(values)) if values else None
        return out

    def rows(self) -> tuple[list[dict[str, Any]], list[tuple[int, int, int, int]]]:
        """Metrics of every world now, and its living species."""
        out, species = [], []
        for index in range(self.num_worlds):
            world, mind = jax.tree.map(lambda leaf, i=index: np.asarray(leaf[i]), (self.state.world, self.state.mind))
            out.append(metrics.row(index, world, mind, self.totals[index], self.refounds[index]))
            species += metrics.species_rows(index, self.tick, world, mind)
        return out, species


def _filler(dtype: np.dtype) -> Any:
    """What empty slots hold: -1 says nobody where a number names somebody, and does no harm elsewhere."""
    return dtype.type(-1) if dtype == np.int32 else dtype.type(0)
