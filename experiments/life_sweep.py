"""Rules in the plane of lambda, entropy and damage: all elementary ones, and a sample of those that count neighbours.

Every rule is run from the same fair random soups, so that its row does not depend on what else is swept; means and
standard errors are over soups. Blocks, packing and mutual information are of the last generation alone, since frozen
rules repeat themselves. Leaves out rules with B0, in which an empty field is alive, and files. Plots: `viz.life_plots`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from experiments.errors import UserError
from sim.life import elementary, notation, packed
from sim.life.elementary import Elementary
from sim.life.grids import torus
from sim.life.measures import activity, classes, complexity, damage, entropy, information, spreading
from sim.life.packing import pack, unpack
from sim.life.pattern import RuleError
from sim.life.rules import Rule

WHAT = ("all", "elementary", "life")
WIDTH, SETTLED, CONE = 16381, 2000, 255
"""Of elementary rules: cells of a ring, generations before it is measured, generations of damage."""
SIDE, RESTED, DISC = 127, 1000, 60
"""Of rules that count neighbours, on a torus. Lengths are prime: on powers of two additive rules lose entropy."""
LONGEST = 10  # cells of the longest blocks; 2^10 codes in WIDTH samples
PAST = 6  # generations of past
FRAMES = 4  # generations that are foretold from their past
FLIPS = 4  # damaged copies of a torus
DEFECTS = 32  # generations over which defects multiply
CHUNK = 64  # rules that are stepped at once; a power of two, so that little is compiled
STRATA = 20  # equal ranges of lambda, of which each has its share of the sample

NAMED = tuple(name for name in notation.NAMES if getattr(notation.parse(name)[0], "totalistic", None))
"""Rules that count neighbours and have a name."""


def sweep(what: str = "all", number: int = 200, soups: int = 3, seed: int = 0) -> dict[str, Any]:
    """Rows of all elementary rules, and of the named and `number` sampled rules that count neighbours.

    Keys, as far as `what` asks for them: `elementary` and `life`, lists of rows; of elementary rules also `confusion`
    and `within_class_iv`. Raises `UserError`.
    """
    if what not in WHAT:
        raise UserError(f"sweep {what!r}: must be one of {', '.join(WHAT)}")
    for name, value, least, most in (("rules", number, 0, 5000), ("soups", soups, 2, 100), ("seed", seed, 0, 1 << 31)):
        if not least <= value <= most:
            raise UserError(f"--{name} {value}: must be from {least:,} to {most:,}")
    out: dict[str, Any] = {"soups": soups, "seed": seed}
    if what != "life":
        rows = elementary_rows(range(256), soups, seed)
        names = ["lambda", "sensitivity", *(name.removesuffix("_se") for name in rows[0] if name.endswith("_se"))]
        out |= {"confusion": classes.confusion(rows), "within_class_iv": classes.within_class_iv(rows, names)}
        out["elementary"] = rows
    if what != "elementary":
        out["life"] = life_rows([*NAMED, *sample(number, seed)], soups, seed)
    return out


def sample(number: int, seed: int) -> list[str]:
    """Names of `number` rules B/S without B0, none twice, spread over lambda as evenly as there are rules."""
    masks = np.arange(1 << 17)  # B1 … B8, S0 … S8
    around = np.array([8, 28, 56, 70, 56, 28, 8, 1, 1, 8, 28, 56, 70, 56, 28, 8, 1])  # neighbourhoods of the 512 each
    entries = sum(((masks >> bit & 1) * count for bit, count in enumerate(around)), np.zeros(len(masks), int))
    order = np.random.default_rng([seed, 1 << 20]).permutation(masks)
    strata = [order[entries[order] * STRATA // 512 == stratum].tolist() for stratum in range(STRATA)]
    turns = [part[place] for place in range(max(map(len, strata))) for part in strata if place < len(part)]
    return sorted(f"B{_digits(mask << 1 & 511)}/S{_digits(mask >> 8)}" for mask in turns[:number])


def _digits(mask: int) -> str:
    return "".join(str(count) for count in range(9) if mask >> count & 1)


def elementary_rows(
    numbers: Sequence[int], soups: int = 3, seed: int = 0, width: int = WIDTH, settled: int = SETTLED
) -> list[dict[str, Any]]:
    """Measures of elementary rules on rings of `width` cells after `settled` generations, in the order of `numbers`."""
    found: dict[int, list[dict[str, float]]] = {number: [] for number in numbers}
    for chunk in _chunks(list(found)):
        codes, tables = np.array(chunk), np.stack([Elementary(number).table for number in chunk])
        for start in _soups(soups, seed, (width,)):
            last = elementary.evolved(codes, np.broadcast_to(start, (len(chunk), width)), settled)
            frames = elementary.history(codes, last, PAST + FRAMES - 1)
            spread = _line_damage(codes, last)
            growth = spreading.defect_growth(tables, last, DEFECTS)
            for place, number in enumerate(dict.fromkeys(chunk)):
                found[number].append(_measures(frames[place], spread[place], growth[place]))
    return [_elementary_row(number, measured) for number, measured in found.items()]


def _elementary_row(number: int, found: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    rule, averages = Elementary(number), _averaged(found)
    known = {"class": classes.published_class(number), "class_measured": classes.measured_class(averages)}
    return {"rule": rule.name, **known, **_of_table(rule.table), **averages}


def life_rows(
    names: Sequence[str], soups: int = 3, seed: int = 0, side: int = SIDE, settled: int = RESTED
) -> list[dict[str, Any]]:
    """Measures of rules that count neighbours on toruses of `side` cells after `settled` generations."""
    chosen = {name: _counting(name) for name in names}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in chosen}
    for chunk in _chunks(list(chosen)):
        family = [chosen[name] for name in chunk]
        tables = np.stack([rule.table for rule in family])
        for start in _soups(soups, seed, (side, side)):
            frames = _frames(family, start, settled)
            last = frames[:, -1]
            spread = _field_damage(family, last)
            growth = spreading.defect_growth(tables, last, DEFECTS)
            for place, name in enumerate(dict.fromkeys(chunk)):
                found[name].append(_measures(frames[place], spread[place], growth[place]))
    return [_life_row(name, chosen[name], measured) for name, measured in found.items()]


def _life_row(name: str, rule: Rule, found: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    averages = _averaged(found)
    known = {"name": name if name in NAMED else "", "class_measured": classes.measured_class(averages)}
    return {"rule": rule.name, **known, **_of_table(rule.table), **averages}


def _counting(name: str) -> Rule:
    try:
        rule, _ = notation.parse(name)
    except RuleError as error:
        raise UserError(str(error)) from None
    if not isinstance(rule, Rule) or rule.totalistic is None or rule.table[0]:
        raise UserError(f"rule {name!r}: a sweep takes rules that count neighbours and have no B0, such as B36/S23")
    return rule


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    """Parts of one size, a power of two; the last is filled up with its last item."""
    size = min(CHUNK, 1 << max(len(items) - 1, 0).bit_length())
    for first in range(0, len(items), size):
        part = items[first : first + size]
        yield part + part[-1:] * (size - len(part))


def _soups(number: int, seed: int, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Fair random fields, alike for all rules."""
    for soup in range(number):
        yield np.random.default_rng([seed, soup]).integers(0, 2, shape, np.uint8)


# --- Measures ---


def _of_table(table: np.ndarray) -> dict[str, float]:
    return {"lambda": activity.langton_lambda(table), "sensitivity": damage.sensitivity(table)}


def _averaged(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Means over soups by name, each beside its standard error `<name>_se`."""
    out: dict[str, float] = {}
    for name in found[0]:
        values = np.array([one[name] for one in found])
        out |= {name: float(values.mean()), f"{name}_se": float(values.std(ddof=1) / np.sqrt(len(values)))}
    return out


def _measures(frames: np.ndarray, spread: float, growth: float) -> dict[str, float]:
    """Of generations `[T, n]` or `[T, H, W]`, corrected for bias."""
    last = frames[-1]
    shared = [information.mutual_information(last[None], 1, axis, corrected=True) for axis in range(1, frames.ndim)]
    longest = LONGEST if last.ndim == 1 else 8
    block = (LONGEST,) if last.ndim == 1 else (3, 3)
    rate = entropy.entropy_rate(last, longest, True, True)
    return {
        "density": activity.density(last),
        "activity": activity.activity(frames),
        "entropy": entropy.entropy(last, True),
        "block_entropy": entropy.block_entropy(last, block, True, True) / np.prod(block),
        "entropy_rate": rate if last.ndim == 1 else entropy.entropy_density(last, 1, True, True),
        "excess_entropy": entropy.excess_entropy(last, longest, True, True),
        "mutual_information": float(np.mean(shared)),
        "active_information": information.active_information(frames, PAST, corrected=True),
        "compressed": complexity.compressed(last),
        "damage": float(spread),
        "defect_growth": float(growth),
    }


def _line_damage(numbers: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`[F]` share of the cells within reach that differ after one was changed, mean over the later half of `CONE`.

    Many cells of a ring are changed at once, so far from each other that what they do does not meet.
    """
    generations = min(CONE, rows.shape[1] // 2 - 1)
    places = np.arange(0, rows.shape[1] - 2 * generations, 2 * generations + 2)
    hurt = rows.copy()
    hurt[:, places] ^= 1
    return _share(spreading.line_damage(numbers, rows, hurt, generations) / len(places), 1)


def _field_damage(family: Sequence[Rule], fields: np.ndarray) -> np.ndarray:
    """`[F]` as for lines; each of the damaged cells of a torus has a copy of it."""
    side = fields.shape[-1]
    whole = np.tile(fields, (FLIPS, 1, 1, 1))
    hurt = whole.copy()
    for flip, place in enumerate(np.arange(FLIPS) * side // FLIPS):
        hurt[flip, :, place, place] ^= 1
    cells, changed = (copies.reshape(-1, side, side) for copies in (whole, hurt))
    seen = spreading.field_damage([*family] * FLIPS, cells, changed, min(DISC, side // 2 - 1))
    return _share(seen.reshape(FLIPS, len(family), -1).mean(0), 2)


def _share(seen: np.ndarray, dimensions: int) -> np.ndarray:
    generations = seen.shape[1] - 1
    late = np.arange(generations // 2 + 1, generations + 1)
    return (seen[:, late] / (2 * late + 1.0) ** dimensions).mean(1)


def _frames(family: Sequence[Rule], start: np.ndarray, settled: int) -> np.ndarray:
    """Generations `[F, T, H, W]` of a soup under many rules, from generation `settled` on."""
    side = len(start)
    code, grid = packed.coded(family), torus(side, side)
    held = pack(jnp.broadcast_to(jnp.asarray(start), (len(family), side, side)))
    frames = []
    for generations in [settled] + [1] * (PAST + FRAMES - 1):
        held = packed.run(code, held, jnp.int32(generations), grid=grid, width=side)
        frames.append(np.asarray(unpack(held, side)))
    return np.stack(frames, axis=1)
