"""Islands: the population of a run as I populations, each with a search of its own, and rare migrants in a ring.

Every so many generations, between evaluation and selection, copies of the best of each island take the places of the
worst of the next one, with their fitness (Whitley, Rana & Heckendorn 1999, "The island model genetic algorithm").
Islands are dealt out whole to devices, and nothing is summed over devices, so the result does not depend on their
number. Leaves out rings over several runs: the W replicate runs never meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from evolution import search
from evolution.algorithm import Insular, sane
from evolution.genome import BrainConfig, Genome
from evolution.tasks.base import Task
from sim.space import total

RUNS, ISLANDS = "runs", "islands"  # axes of the mesh, and the first two of every array of states
OWN, ALL = PartitionSpec(RUNS, ISLANDS), PartitionSpec()
TAG = 2**32 - 1  # no generation has this number, so no key of an island is one of a generation


@partial(jax.tree_util.register_dataclass, data_fields=["every"], meta_fields=["islands", "migrants"])
@dataclass(frozen=True)
class Ring:
    """How many islands a run has, and who goes from each to the next one: `migrants` every `every` generations."""

    islands: int
    migrants: int
    every: Any  # [] int32 generations; 0: never


def mesh_of(devices: list[jax.Device], runs: int, islands: int) -> Mesh:
    """As many of the devices as runs and islands can be dealt out to evenly; runs first, which never meet."""
    fits = [
        (a, b)
        for a in range(1, len(devices) + 1)
        for b in range(1, len(devices) // a + 1)
        if runs % a == 0 and islands % b == 0
    ]
    shape = max(fits, key=lambda fit: (fit[0] * fit[1], fit[0]))
    return Mesh(np.array(devices[: shape[0] * shape[1]]).reshape(shape), (RUNS, ISLANDS))


def island_keys(keys: jax.Array, index: jax.Array) -> jax.Array:
    """Keys `[W, i]` of the islands `index` `[i]` of runs with keys `[W]`."""
    one = lambda key, island: jax.random.fold_in(jax.random.fold_in(key, TAG), island)
    return jax.vmap(jax.vmap(one, (None, 0)), (0, None))(keys, index)


@partial(jax.jit, static_argnums=(0, 1))
def begin(mesh: Mesh, islands: int, algorithm: Insular, keys: jax.Array) -> Any:
    """States `[W, I, ...]` before the first generation, of runs with keys `[W]`."""

    def local(algorithm, keys):
        own = _own_keys(mesh, islands, keys)
        return _split(search.begin(algorithm, own.reshape(-1)), own.shape)

    return _mapped(local, mesh, (ALL, PartitionSpec(RUNS)), OWN)(algorithm, keys)


@partial(jax.jit, static_argnums=(0, 3, 4))
def generation(
    mesh: Mesh,
    ring: Ring,
    algorithm: Insular,
    task: Task,
    config: BrainConfig,
    keys: jax.Array,
    number: jax.Array,
    skip: jax.Array,
    state: Any,
    barred: jax.Array,
) -> tuple[Any, search.Report]:
    """The states `[W, I, ...]` after generation `number` (from 0), and the report of runs `[W]`, on every device.

    `keys` `[W]` of runs, runs to `skip` `[W]` bool, `barred` `[W, K]`: as in `evolution.search.generation`.
    """

    def local(ring, algorithm, keys, number, skip, state, barred):
        own = _own_keys(mesh, ring.islands, keys)
        exchange = partial(migrated, ring, algorithm, number, own.shape, mesh.shape[ISLANDS])
        stay = jnp.repeat(skip, own.shape[1])
        flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), (own, state))
        new, seen = search.lived(algorithm, task, config, flat[0], number, stay, flat[1], exchange)
        return _split(new, own.shape), _report(algorithm, own.shape, new, seen, barred)

    runs = PartitionSpec(RUNS)
    axes = (ALL, ALL, runs, ALL, runs, OWN, runs)
    return _mapped(local, mesh, axes, (OWN, ALL))(ring, algorithm, keys, number, skip, state, barred)


@partial(jax.jit, static_argnums=0)
def gathered(mesh: Mesh, state: Any) -> Any:
    """States `[W, I, ...]`, whole on every device, and so on every process."""
    whole = NamedSharding(mesh, ALL)
    return jax.tree.map(lambda leaf: jax.lax.with_sharding_constraint(leaf, whole), state)


def migrated(
    ring: Ring,
    algorithm: Insular,
    number: jax.Array,
    shape: tuple[int, int],
    devices: int,
    state: Any,
    genome: Genome,
    fitness: jax.Array,
) -> tuple[Any, jax.Array]:
    """Evaluated populations and their fitness `[w·i, P]` after migration, if generation `number` ends with one.

    The migrant of rank r, 0 for the best, takes the place of the resident of rank P - m + r. Of equal ones, who
    comes first in the population ranks first. `shape` (w, i) are the runs and islands of this device.
    """

    def move(state: Any, fitness: jax.Array) -> tuple[Any, jax.Array]:
        value = sane(fitness)
        order = jnp.argsort(-value, axis=1, stable=True)
        best, place = order[:, : ring.migrants], order[:, -ring.migrants :]
        leaving = jax.vmap(lambda tree, index: jax.tree.map(lambda leaf: leaf[index], tree))((genome, fitness), best)
        newcomers, theirs = shifted(leaving, shape, devices)
        state = jax.vmap(algorithm.settled)(state, place, newcomers, value)
        return state, jax.vmap(lambda one, index, new: one.at[index].set(new))(fitness, place, theirs)

    due = (ring.every > 0) & ((number + 1) % jnp.maximum(ring.every, 1) == 0)
    return jax.lax.cond(due, move, lambda *same: same, state, fitness)


def shifted(tree: Any, shape: tuple[int, int], devices: int) -> Any:
    """Leaves `[w·i, ...]` of the islands of this device, each moved on by one island around the ring of its run."""
    ahead = [(device, (device + 1) % devices) for device in range(devices)]

    def move(leaf: jax.Array) -> jax.Array:
        split = leaf.reshape(*shape, *leaf.shape[1:])
        edge = jax.lax.ppermute(split[:, -1:], ISLANDS, ahead)
        return jnp.concatenate([edge, split[:, :-1]], axis=1).reshape(leaf.shape)

    return jax.tree.map(move, tree)


def _report(algorithm: Insular, shape: tuple[int, int], after: Any, seen: Any, barred: jax.Array) -> search.Report:
    """Of all runs `[W]`, from what each device has seen of its islands."""
    state, genome, fitness, passed, steps, innate = seen
    counts = jax.vmap(search.census)(genome, fitness, passed, steps, innate, jnp.repeat(barred, shape[1], axis=0))
    picks = jax.vmap(lambda one: one.picks)(counts)
    picked = jax.vmap(lambda tree, index: jax.tree.map(lambda leaf: leaf[index], tree))((genome, counts), picks)
    own = jax.vmap(algorithm.measures)(state), jax.vmap(algorithm.species)(state), jax.vmap(algorithm.room)(after)
    return jax.vmap(partial(_pooled, algorithm))(*_everywhere((counts, *picked, *own), shape))


def _pooled(
    algorithm: Insular,
    counts: search.Census,
    genome: Genome,
    picked: search.Census,
    measures: dict[str, jax.Array],
    species: tuple[jax.Array, jax.Array] | None,
    room: jax.Array,
) -> search.Report:
    """The report of one run as if its islands `[I, ...]` were one population.

    `genome` and `picked` `[I, 2, ...]` are of the best and of the candidate of each island.
    """
    row = search.measured(jax.tree.map(jnp.ravel, counts)) | algorithm.pooled(measures)
    if species is not None:
        species = unique(species[0]).ravel(), species[1].ravel()
    at = jax.tree.map(jnp.ravel, picked).picks
    best, candidate = (jax.tree.map(lambda leaf, i=index: leaf.reshape(-1, *leaf.shape[2:])[i], genome) for index in at)
    value, passed, mark = (leaf.ravel()[at[1]] for leaf in (picked.value, picked.passed, picked.signature))
    steps = total(counts.steps.ravel())
    return search.Report(row, best, candidate, value, passed, mark, species, jnp.max(room, axis=0), steps)


def unique(names: jax.Array) -> jax.Array:
    """Names of species that no other island uses, from names `[I, S]`: island i of I calls its species I·name + i."""
    islands = names.shape[0]
    return jnp.where(names >= 0, names * islands + jnp.arange(islands, dtype=jnp.int32)[:, None], -1)


def _everywhere(tree: Any, shape: tuple[int, int]) -> Any:
    """Leaves `[W, I, ...]` of all devices, on each of them, from its own `[w·i, ...]`, sent as one array of words."""
    leaves, structure = jax.tree.flatten(tree)
    words = [
        leaf.astype(jnp.int32) if leaf.dtype == bool else jax.lax.bitcast_convert_type(leaf, jnp.int32)
        for leaf in leaves
    ]
    packed = jnp.concatenate([word.reshape(*shape, -1) for word in words], axis=2)
    packed = jax.lax.all_gather(packed, ISLANDS, axis=1, tiled=True)
    packed = jax.lax.all_gather(packed, RUNS, axis=0, tiled=True)
    ends = np.cumsum([leaf[0].size for leaf in leaves])

    def own(leaf: jax.Array, end: int) -> jax.Array:
        part = packed[:, :, end - leaf[0].size : end].reshape(*packed.shape[:2], *leaf.shape[1:])
        return part != 0 if leaf.dtype == bool else jax.lax.bitcast_convert_type(part, leaf.dtype)

    return jax.tree.unflatten(structure, map(own, leaves, map(int, ends)))


def _own_keys(mesh: Mesh, islands: int, keys: jax.Array) -> jax.Array:
    """Keys `[w, i]` of the islands of this device."""
    here = islands // mesh.shape[ISLANDS]
    return island_keys(keys, jax.lax.axis_index(ISLANDS) * here + jnp.arange(here))


def _split(tree: Any, shape: tuple[int, int]) -> Any:
    return jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), tree)


def _mapped(local: Any, mesh: Mesh, axes: Any, out: Any) -> Any:
    # loops start from constants, which the check of what varies over devices does not let pass
    return jax.shard_map(local, mesh=mesh, in_specs=axes, out_specs=out, check_vma=False)
