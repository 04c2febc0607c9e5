"""Bodies: the genes that shape a creature beside its brain.

Each gene has a range. A mutation that would leave it is reflected at the limit, or, in genes that change by
factors (`mutation`, `lifespan`), stops at the limit (`evolution.body`). `mutation` multiplies the mutation rates
of brain and body, so that evolvability itself evolves (Bedau & Packard 2003). Left out: development and growth.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import jax
import jax.numpy as jnp


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Body:
    """Body genes, each `[N]` float32 (or a scalar for one creature)."""

    size: jax.Array  # [N] mass and radius; cost, strength and stores grow with it
    speed: jax.Array  # [N] top speed, cells/tick
    diet: jax.Array  # [N] 0 herbivore … 1 carnivore
    hue: jax.Array  # [N] visible colour, 0…1, no other effect
    clutch: jax.Array  # [N] children per breeding, rounded
    birth_energy: jax.Array  # [N] a child's first reserves, as a share of its capacity
    breed_at: jax.Array  # [N] reserves, as a share of capacity, above which it may breed
    mutation: jax.Array  # [N] multiplier of mutation rates
    lifespan: jax.Array  # [N] ticks


RANGES: dict[str, tuple[float, float]] = {
    "size": (0.5, 3.0),
    "speed": (0.1, 1.2),
    "diet": (0.0, 1.0),
    "hue": (0.0, 1.0),
    "clutch": (1.0, 4.0),
    "birth_energy": (0.1, 0.8),
    "breed_at": (0.4, 0.95),
    "mutation": (0.5, 4.0),
    "lifespan": (200.0, 4000.0),
}

FOUNDER: dict[str, float] = {
    "size": 1.0,
    "speed": 0.5,
    "diet": 0.2,
    "hue": 0.5,
    "clutch": 1.0,
    "birth_energy": 0.3,
    "breed_at": 0.7,
    "mutation": 1.0,
    "lifespan": 1000.0,
}

GENES = tuple(f.name for f in fields(Body))


def snap_body(body: Body) -> Body:
    """Puts size, diet and hue on a lattice of 1/256, so that sums over creatures in a cell are exact in any order."""
    values = {name: getattr(body, name) for name in GENES}
    for name in ("size", "diet", "hue"):
        values[name] = jnp.round(values[name] * 256) / 256
    return Body(**values)


def founder_bodies(num: int, lowest_diet: jax.Array | float = 0.2, highest_diet: jax.Array | float = 0.2) -> Body:
    """`num` bodies of the founder type, whose diets are spread evenly over the given range."""
    equal = {name: jnp.full(num, value, jnp.float32) for name, value in FOUNDER.items()}
    return Body(**(equal | {"diet": jnp.linspace(lowest_diet, highest_diet, num, dtype=jnp.float32)}))
