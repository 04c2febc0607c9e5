"""The arena: minds of several kinds released together into fresh worlds, breeding true to kind.

`contest`: equal numbers of each; who holds the living after T ticks? Bodies are equal unless asked otherwise, children
are copies of their one parent, nobody mutates or comes back. Thinking costs nothing unless it is `paid`. A world that
died out has no answer: it is NaN and counted apart. Leaves out invasion from rarity (`experiments.invasion`). Source of
method: the common garden of ecology.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from evolution import natural
from experiments import compare_scores, crowd, loop, policies
from experiments.config import Experiment
from experiments.errors import UserError
from experiments.minds import Creatures, Kind
from experiments.rollout import SUMS, Params, Setting, State, blank_records
from experiments.simulation import Simulation, numbers, setting_of, world_keys
from sim import step
from sim.body import Body, founder_bodies

ASSAYED = 0x5EED  # assays use other landscapes than runs with the same seed
MEETING = 2**32 - 5  # no tick has this number, so no key of a meeting is one that its world uses
TICKS, SEEDS, MOMENTS = 5_000, 10, 10


class Keys(NamedTuple):
    """Of what is drawn for one world, beside the world itself."""

    draw: jax.Array  # those who are released
    mingle: jax.Array  # the order of their ids
    bodies: jax.Array  # their bodies, if these are of a kind that is not released
    rare: jax.Array  # who of them gets the mind of an invader
    invader: jax.Array  # those minds


@dataclass(frozen=True)
class Arena:
    """Kinds of minds and the world in which they meet. `bodies` is "founders", "own" or the name of a kind."""

    experiment: Experiment  # of which world and params count
    kinds: tuple[Kind, ...]
    seeds: int = SEEDS
    bodies: str = "founders"
    paid: bool = False  # thinking costs energy, for each connection or weight
    mingled: bool = True  # ids are dealt at random, because the elder are first to give birth

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(kind.name for kind in self.kinds)

    @property
    def room(self) -> int:
        """Creatures that are released."""
        world = self.experiment.world
        return min(world.founders, world.max_agents // 2)

    @property
    def keys(self) -> jax.Array:
        return world_keys(self.experiment.run.seed ^ ASSAYED, self.seeds)

    def keys_of(self, trial: int) -> Keys:
        """Keys of one world. It folds ticks into `keys`, and `split(key, n)[i]` is `fold_in(key, i)`: hence a tag."""
        own = Keys(*jax.random.split(jax.random.fold_in(self.keys[trial], MEETING), len(Keys._fields)))
        # gardens, which mingle nobody, keep the draws that they have always had
        return own if self.mingled else own._replace(draw=jax.random.fold_in(self.keys[trial], 3))

    @cached_property
    def setting(self) -> Setting:
        """Of all who may meet, so that every trial shares one program."""
        setting = setting_of(self.experiment, mutate=False, refound=False)
        return replace(
            setting,
            world=replace(setting.world, breeding="asexual"),
            brain=crowd.joined(self.kinds) or setting.brain,
            kinds=tuple(kind.thinks for kind in self.kinds),
            networks=tuple(kind.network for kind in self.kinds if kind.network is not None),
        )

    @cached_property
    def params(self) -> Params:
        of_world, mutation = self.experiment.params, self.experiment.mutation
        of_world = of_world if self.paid else replace(of_world, brain_cost=0.0)
        taught = [kind.policies for kind in self.kinds if kind.network is not None]
        dealt = ([many[trial % len(many)] for trial in range(self.seeds)] for many in taught)
        weights = tuple(jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *trials) for trials in dealt)
        return Params(numbers(of_world), numbers(mutation), weights)

    def creatures(self, keys: Keys, trial: int, members: Sequence[int], number: int) -> Creatures:
        """`number` creatures of each kind in `members`, which are places among `kinds`."""
        parts = zip(jax.random.split(keys.draw, len(members)), members, strict=True)
        drawn = [self.drawn(k_kind, member, trial, number) for k_kind, member in parts]
        worn = [body for (_, body), member in zip(drawn, members, strict=True) if self.names[member] == self.bodies]
        if not worn and self.bodies in self.names:
            worn = [self.drawn(keys.bodies, self.names.index(self.bodies), trial, number)[1]]
        minds = [(mind, worn[0] if worn else body) for mind, body in drawn]
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *minds)

    def drawn(self, key: jax.Array, member: int, trial: int, number: int) -> Creatures:
        """`number` creatures of one kind, on the host."""
        kind, world, params = self.kinds[member], self.setting.world, self.experiment.params
        body: Body | None = None
        if any(other.brains for other in self.kinds):
            ends = self.setting.inputs, self.setting.outputs
            most = crowd.drawn(key, kind, self.setting.brain, ends, trial, world.max_agents)  # one shape, one program
            mind, body = jax.tree.map(lambda leaf: leaf[:number], most)
            mind = replace(mind, kind=np.full(number, member, np.int32))
        else:
            mind = natural.scripted(member, number)
        if body is None or self.bodies == "founders":
            body = founder_bodies(number, params.founder_diet_low, params.founder_diet_high)
        return mind, body

    def released(self, members: Sequence[int]) -> Simulation:
        """Fresh worlds, one for each seed, with equal numbers of the kinds in `members`."""
        number = max(1, self.room // len(members))

        def settlers(_: jax.Array, trial: int) -> Creatures:
            keys = self.keys_of(trial)
            drawn = self.creatures(keys, trial, members, number)
            return crowd.picked(keys.mingle, drawn, number * len(members)) if self.mingled else drawn

        return settled(self.experiment, self.setting, self.params, self.keys, settlers)

    def counts(self, sim: Simulation) -> np.ndarray:
        """The living of each kind, `[seeds, kinds]`."""
        alive, kind = np.asarray(sim.state.world.alive), np.asarray(sim.state.mind.kind)
        return np.stack([(alive & (kind == k)).sum(1) for k in range(len(self.kinds))], axis=1)


def settled(experiment: Experiment, setting: Setting, params: Params, keys: jax.Array, creatures: Any) -> Simulation:
    """Fresh worlds, one per key, settled by `creatures(key, trial)`."""
    states = []
    for trial, key in enumerate(keys):
        mind, body = creatures(key, trial)
        number = mind.kind.shape[0]
        need = number + min(setting.batch, experiment.world.max_agents)
        slots = min(1 << (need - 1).bit_length(), experiment.world.max_agents)
        world = genesis(key, setting.world, params.world, slots, body, policies.thought(setting, mind))
        mind = jax.tree.map(lambda leaf, n=slots: np.pad(leaf, [(0, n - len(leaf))] + [(0, 0)] * (leaf.ndim - 1)), mind)
        sums = jnp.zeros((len(SUMS), 2), jnp.int32)
        states.append(State(world, mind, policies.blank_memory(setting, mind), sums, blank_records(setting)))
    return resumed(setting, params, keys, jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *states))


genesis = jax.jit(step.genesis, static_argnums=(1, 3))


def resumed(setting: Setting, params: Params, keys: jax.Array, state: State) -> Simulation:
    """A simulation that goes on from a state, with nothing counted yet."""
    sim = Simulation(setting, params, keys, state)
    sim.totals, sim.refounds = [dict.fromkeys(SUMS, 0) for _ in keys], [0] * len(keys)
    return sim


def contest(arena: Arena, ticks: int = TICKS) -> dict[str, Any]:
    """Shares of the living that kinds released in equal numbers hold after `ticks`, and on the way."""
    demand(arena)
    loop.cache()
    sim, course = arena.released(range(len(arena.kinds))), []
    for moment in range(MOMENTS + 1):
        sim.advance(ticks * moment // MOMENTS)
        now = shares(arena.counts(sim))
        course.append({"tick": ticks * moment // MOMENTS} | dict(zip(arena.names, map(mean, now.T), strict=True)))
    counts = arena.counts(sim)
    final = shares(counts)
    ahead = leads(final)
    return {
        **told("arena", arena, ticks),
        "extinct": int(np.isnan(final[:, 0]).sum()),
        "minds": [
            {
                "mind": kind.name,
                "thinks": kind.thinks,
                **interval("mean", final[:, k], np.mean),
                **interval("median", final[:, k], np.median),
                "leads": int(ahead[k]),
                "survives": int((counts[:, k] > 0).sum()),
            }
            for k, kind in enumerate(arena.kinds)
        ],
        "course": course,
        "trials": [
            {"seed": seed} | dict(zip(arena.names, row, strict=True)) for seed, row in enumerate(counts.tolist())
        ],
    }


def shares(counts: np.ndarray) -> np.ndarray:
    """Shares of the living `[seeds, kinds]` from their counts; NaN where nobody lives."""
    living = counts.sum(1, keepdims=True)
    return counts / np.where(living > 0, living, np.nan)


def leads(shares: np.ndarray) -> np.ndarray:
    """In how many worlds each kind holds more than any other, `[kinds]`; a tie is nobody's lead. NaN where all died."""
    most = shares == shares.max(1, keepdims=True)
    return (most & (most.sum(1, keepdims=True) == 1)).sum(0)


def demand(arena: Arena) -> None:
    """Refuses what cannot be released."""
    if len(arena.kinds) < 2:
        raise UserError("--minds: give two or more, such as --minds founders greedy")
    if len(arena.kinds) > arena.room:
        raise UserError(f"--minds: {len(arena.kinds)} kinds for a world of {arena.room} founders; give fewer")
    known = ("founders", "own", *arena.names)
    if arena.bodies not in known:
        raise UserError(f"--bodies {arena.bodies!r}: must be one of {', '.join(known)}")


def told(assay: str, arena: Arena, ticks: int) -> dict[str, Any]:
    thinking = "paid" if arena.paid else "free"
    world = {"world": arena.experiment.name, "ticks": ticks, "seeds": arena.seeds}
    return {"assay": assay, **world, "bodies": arena.bodies, "thinking": thinking}


def mean(trials: np.ndarray) -> float:
    """Mean over the trials with an answer; NaN if there are none."""
    valid = trials[~np.isnan(trials)]
    return float(np.mean(valid)) if len(valid) else float("nan")


def interval(name: str, trials: np.ndarray, statistic: Any) -> dict[str, float]:
    """A statistic of the trials with an answer, and its 95 % percentile bootstrap interval; NaN where there is none."""
    valid = trials[~np.isnan(trials)]
    low, high = compare_scores.interval(statistic, valid) if len(valid) > 1 else (float("nan"),) * 2
    value = float(statistic(valid)) if len(valid) else float("nan")
    return {name: value, f"{name}_low": float(low), f"{name}_high": float(high)}
