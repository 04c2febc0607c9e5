"""Species of a generational population: membership, stagnation and shares of the next generation.

Stanley & Miikkulainen (2002, section 3.3): a genome joins the first species whose representative, a random
member of the last generation, lies within the threshold; otherwise it founds one. Species have S slots; in a
full table the rest join the nearest. The threshold follows a target number of species if one is given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from evolution.compatibility import Genes, distances
from sim.config import key as tunable

BATCH = 8  # genomes that are compared with all others in one pass


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class NeatParams:
    """Numbers of NEAT. Defaults are those of the paper where it gives one."""

    excess: float = tunable(1.0, "c1, weight of excess genes in the distance", low=0, high=100)
    disjoint: float = tunable(1.0, "c2, weight of disjoint genes in the distance", low=0, high=100)
    weight: float = tunable(0.4, "c3, weight of mean weight difference in the distance", low=0, high=100)
    normalise_from: float = tunable(
        20, "N of the distance is the number of genes of genomes with so many or more, else 1", low=1, high=1e9
    )
    threshold: float = tunable(3.0, "distance within which a genome joins a species, at first", low=0, high=1000)
    target_species: float = tunable(0, "the threshold moves towards so many species; 0: it stays", low=0, high=1000)
    threshold_step: float = tunable(0.3, "how far it moves in a generation", low=0, high=100)
    survival: float = tunable(0.2, "best share of a species that may be parents", low=0, high=1)
    elite_size: float = tunable(5, "species of more members keep their champion unchanged", low=0, high=1e9)
    stagnation: float = tunable(15, "generations without a new record after which a species ends", low=1, high=1e9)
    protected: float = tunable(1, "best species that never end by stagnation", low=0, high=1000)
    doldrums: float = tunable(
        20, "after more generations without a new best only the two best species breed, once", low=1, high=1e9
    )
    mutate_only: float = tunable(0.25, "chance that a child has one parent", low=0, high=1)
    mate_only: float = tunable(0.2, "chance that a child of two is not mutated", low=0, high=1)
    interspecies: float = tunable(0.001, "chance that the second parent is of another species", low=0, high=1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Niches:
    """S slots for species. `name` -1 is a free slot."""

    name: jax.Array  # [S] int32, in order of appearance
    size: jax.Array  # [S] int32 members
    record: jax.Array  # [S] best fitness ever of a member
    stagnant: jax.Array  # [S] int32 generations since the record
    age: jax.Array  # [S] int32 generations
    next_name: jax.Array  # [] int32
    threshold: jax.Array  # [] distance
    crowded: jax.Array  # [] int32 genomes so far that found no free slot

    @property
    def alive(self) -> jax.Array:
        return self.name >= 0


def no_species(slots: int, params: NeatParams) -> Niches:
    """An empty table."""
    zeros = jnp.zeros(slots, jnp.int32)
    nothing = jnp.full(slots, -1, jnp.int32)
    low, none = jnp.full(slots, -jnp.inf, jnp.float32), jnp.int32(0)
    return Niches(nothing, zeros, low, zeros, zeros, none, jnp.float32(params.threshold), none)


def speciate(params: NeatParams, niches: Niches, representatives: Genes, many: Genes) -> tuple[Niches, jax.Array]:
    """The table with new species and sizes, and the slot `[P]` of each genome of `many` `[C, P]`.

    `representatives` are `[C, S]`; columns of free slots are ignored.
    """
    filled, member, crowded = _joined(params, niches, representatives, many)
    niches = _counted(replace(niches, age=niches.age + 1), filled, member, crowded)
    return _packed(_steered(params, niches), member)


def settle(
    params: NeatParams,
    niches: Niches,
    member: jax.Array,
    place: jax.Array,
    representatives: Genes,
    newcomers: Genes,
) -> tuple[Niches, jax.Array]:
    """The table and the slots `[P]` of all after `newcomers` `[C, m]` took the places `[m]` of others.

    Newcomers join species or found them by the same rules as children. Nothing else changes: residents stay in
    their species, and no species ages.
    """
    filled, slot, crowded = _joined(params, niches, representatives, newcomers)
    member = member.at[place].set(slot)
    return _packed(_counted(niches, filled, member, crowded), member)


def _joined(
    params: NeatParams, niches: Niches, representatives: Genes, many: Genes
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Slots in use once all of `many` `[C, P]` have their slot `[P]`, and how many of them found none free."""
    to = lambda some: distances(
        some, many, params.excess, params.disjoint, params.weight, normalise_from=params.normalise_from
    )
    slots, num = niches.name.shape[0], many.size.shape[0]
    used = jnp.sum(niches.alive, dtype=jnp.int32)  # they come first: `Niches` keeps them so

    def admit(slot, gap, carry):
        member, nearest, least = carry
        member = jnp.where((member < 0) & (gap < niches.threshold), slot, member)
        return member, jnp.where(gap < least, slot, nearest), jnp.minimum(gap, least)

    def join(turn, carry):
        index = turn * BATCH + jnp.arange(BATCH, dtype=jnp.int32)
        gaps = jnp.where((index < used)[:, None], to(representatives[jnp.minimum(index, slots - 1)]), jnp.inf)
        for k in range(BATCH):
            carry = admit(index[k], gaps[k], carry)
        return carry

    start = (jnp.full(num, -1, jnp.int32), jnp.zeros(num, jnp.int32), jnp.full(num, jnp.inf))
    carry = jax.lax.fori_loop(0, -(-used // BATCH), join, start)

    def homeless(carry):
        slot, (member, _, _) = carry
        return (slot < slots) & jnp.any(member < 0)

    def found(carry):
        """The first that have no species: each founds one, unless one of those before takes it in."""
        slot, rest = carry
        place = jnp.nonzero(rest[0] < 0, size=BATCH, fill_value=0)[0]  # 0 has a species if there are fewer
        gaps = to(many[place])
        for k in range(BATCH):
            founds = (rest[0][place[k]] < 0) & (slot < slots)
            gap = jnp.where(jnp.arange(num) == place[k], -1.0, gaps[k])
            rest = admit(slot, jnp.where(founds, gap, jnp.inf), rest)
            slot = slot + founds
        return slot, rest

    filled, (member, nearest, _) = jax.lax.while_loop(homeless, found, (used, carry))
    return filled, jnp.where(member < 0, nearest, member), jnp.sum(member < 0, dtype=jnp.int32)


def _counted(niches: Niches, filled: jax.Array, member: jax.Array, crowded: jax.Array) -> Niches:
    """The table with the species that were founded, and the sizes of all."""
    row = jnp.arange(niches.name.shape[0], dtype=jnp.int32)
    used = jnp.sum(niches.alive, dtype=jnp.int32)
    new = (row >= used) & (row < filled)
    size = jnp.sum(member[:, None] == row[None, :], axis=0, dtype=jnp.int32)
    return replace(
        niches,
        name=jnp.where(new, niches.next_name + row - used, niches.name),
        size=size,
        record=jnp.where(new, -jnp.inf, niches.record),
        stagnant=jnp.where(new, 0, niches.stagnant),
        age=jnp.where(new, 0, niches.age),
        next_name=niches.next_name + filled - used,
        crowded=niches.crowded + crowded,
    )


def _steered(params: NeatParams, niches: Niches) -> Niches:
    """The threshold one step towards the target number of species."""
    num = jnp.sum(niches.size > 0)
    step = params.threshold_step * jnp.sign(num - params.target_species) * (params.target_species > 0)
    return replace(niches, threshold=jnp.maximum(niches.threshold + step, params.threshold_step * (step != 0)))


def _packed(niches: Niches, member: jax.Array) -> tuple[Niches, jax.Array]:
    """Living species in the first slots, in their old order; those without members are gone."""
    lives = niches.size > 0
    to = jnp.where(lives, jnp.cumsum(lives) - 1, lives.shape[0])
    moved = lambda leaf, blank: jnp.full_like(leaf, blank).at[to].set(leaf, mode="drop")
    blanks = {"name": -1, "size": 0, "record": -jnp.inf, "stagnant": 0, "age": 0}
    packed = {name: moved(getattr(niches, name), blank) for name, blank in blanks.items()}
    return replace(niches, **packed), to[member]


def judged(niches: Niches, member: jax.Array, fitness: jax.Array) -> Niches:
    """The table after the members' fitness `[P]` is known: records and stagnation."""
    inside = member[:, None] == jnp.arange(niches.name.shape[0])[None, :]
    best = jnp.max(jnp.where(inside, fitness[:, None], -jnp.inf), axis=0)
    better = best > niches.record
    return replace(
        niches,
        record=jnp.maximum(niches.record, best),
        stagnant=jnp.where(better, 0, niches.stagnant + 1),
    )


def offspring(
    params: NeatParams, niches: Niches, member: jax.Array, fitness: jax.Array, doldrums: jax.Array
) -> jax.Array:
    """Children of each species, `[S]` int32 with sum P: explicit fitness sharing.

    A member's fitness is divided by the size of its species, so a species gets children in proportion to the
    mean fitness of its members (negative fitness is first raised by the lowest). Stagnant species get none,
    nor do all but the two best when `doldrums` says that the whole population has not improved for too long.
    """
    slots, num = niches.name.shape[0], member.shape[0]
    inside = member[:, None] == jnp.arange(slots)[None, :]
    real = fitness > -1e29
    lowest = jnp.min(jnp.where(real, fitness, jnp.inf))
    raised = jnp.where(real, fitness - jnp.where(lowest < 0, lowest, 0.0), 0.0)
    shared = jnp.sum(jnp.where(inside, raised[:, None], 0.0), axis=0) / jnp.maximum(niches.size, 1)
    best = jnp.max(jnp.where(inside, fitness[:, None], -jnp.inf), axis=0)
    row = jnp.arange(slots)
    ahead = (best[None, :] > best[:, None]) | ((best[None, :] == best[:, None]) & (row[None, :] < row[:, None]))
    rank = jnp.sum(ahead & niches.alive[None, :], axis=1)  # of equals the older is first
    breeds = niches.alive & ((niches.stagnant < params.stagnation) | (rank < params.protected))
    breeds = jnp.where(doldrums, niches.alive & (rank < 2), breeds)
    breeds = jnp.where(jnp.any(breeds), breeds, niches.alive & (rank < 1))
    total = jnp.sum(jnp.where(breeds, shared, 0.0))
    even = breeds / jnp.maximum(jnp.sum(breeds), 1)
    share = jnp.where(total > 0, jnp.where(breeds, shared, 0.0) / jnp.where(total > 0, total, 1.0), even)
    exact = share * num
    floor = jnp.floor(exact).astype(jnp.int32)
    left = num - jnp.sum(floor)
    order = jnp.argsort(jnp.where(breeds, floor - exact, jnp.inf), stable=True)  # largest remainders first
    place = jnp.zeros(slots, jnp.int32).at[order].set(jnp.arange(slots, dtype=jnp.int32))
    able = jnp.sum(breeds, dtype=jnp.int32)
    number = floor + jnp.where(breeds, left // able + (place < left % able), 0)
    first = jnp.argmax(niches.alive & (rank == 0))  # the champion's species goes on, whatever its share
    needs = (number[first] == 0).astype(jnp.int32)
    return number + needs * ((row == first).astype(jnp.int32) - (row == jnp.argmax(number)))
