"""Famous patterns by name: cells as RLE, rule, what they are, and the period and shift that can be checked.

Still lifes, oscillators, spaceships, methuselahs, guns and puffers of the Game of Life, and the best known pattern of
some other automata. Cells and figures are common knowledge of the field, as in Silver's Life Lexicon and the LifeWiki;
the sources of the loops are in `sim.life.loops`. Every period and shift here is run by the tests.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import NamedTuple

from sim.life import rle
from sim.life.pattern import LIFE, Pattern, PatternError

BOSCO = "R5,C0,M1,S34..58,B34..45,NM"


class Known(NamedTuple):
    """A pattern that has a name."""

    cells: str  # RLE without header
    about: str
    period: int = 0  # generations until it is itself again; 0: never, or nothing to check
    shift: tuple[int, int] = (0, 0)  # columns to the right and rows down by then
    rule: str = LIFE


PATTERNS = {
    "block": Known("2o$2o!", "still life, the most common one", 1),
    "beehive": Known("b2o$o2bo$b2o!", "still life", 1),
    "loaf": Known("b2o$o2bo$bobo$2bo!", "still life", 1),
    "boat": Known("2o$obo$bo!", "still life", 1),
    "long-boat": Known("2o$obo$bobo$2bo!", "still life", 1),
    "tub": Known("bo$obo$bo!", "still life", 1),
    "barge": Known("bo$obo$bobo$2bo!", "still life", 1),
    "ship": Known("2o$obo$b2o!", "still life", 1),
    "pond": Known("b2o$o2bo$o2bo$b2o!", "still life", 1),
    "mango": Known("b2o$o2bo$bo2bo$2b2o!", "still life", 1),
    "eater1": Known("2o$obo$2bo$2b2o!", "still life that eats gliders; also called fishhook", 1),
    "blinker": Known("3o!", "the most common oscillator", 2),
    "toad": Known("b3o$3o!", "oscillator", 2),
    "beacon": Known("2o$2o$2b2o$2b2o!", "oscillator", 2),
    "clock": Known("2bo$obo$bobo$bo!", "oscillator", 2),
    "pulsar": Known(
        "2b3o3b3o2$o4bobo4bo$o4bobo4bo$o4bobo4bo$2b3o3b3o2$2b3o3b3o$o4bobo4bo$o4bobo4bo$o4bobo4bo2$2b3o3b3o!",
        "the most common oscillator of period 3",
        3,
    ),
    "figure-eight": Known("2o$2obo$4bo$bo$2bob2o$4b2o!", "oscillator", 8),
    "galaxy": Known("6ob2o$6ob2o$7b2o$2o5b2o$2o5b2o$2o5b2o$2o$2ob6o$2ob6o!", "Kok's galaxy, oscillator", 8),
    "pentadecathlon": Known("2bo4bo$2ob4ob2o$2bo4bo!", "oscillator; reflects gliders", 15),
    "queen-bee-shuttle": Known(
        "9bo$7bobo$6bobo$2o3bo2bo11b2o$2o4bobo11b2o$7bobo$9bo!", "oscillator; two of them make the Gosper gun", 30
    ),
    "twin-bees-shuttle": Known("17b2o$2o15bobo7b2o$2o17bo7b2o$17b3o4$17b3o$2o17bo$2o15bobo$17b2o!", "oscillator", 46),
    "glider": Known("bo$2bo$3o!", "the smallest spaceship; diagonal, c/4", 4, (1, 1)),
    "lwss": Known("bo2bo$o$o3bo$4o!", "lightweight spaceship, c/2", 4, (-2, 0)),
    "mwss": Known("3bo$bo3bo$o$o4bo$5o!", "middleweight spaceship, c/2", 4, (-2, 0)),
    "hwss": Known("3b2o$bo4bo$o$o5bo$6o!", "heavyweight spaceship, c/2", 4, (-2, 0)),
    "dart": Known(
        "7bo$6bobo$5bo3bo$6b3o2$4b2o3b2o$2bo3bobo3bo$b2o3bobo3b2o$o5bobo5bo$bob2obobob2obo!",
        "spaceship, c/3 (Bell 1992)",
        3,
        (0, -1),
    ),
    "spider": Known(
        "9bo7bo$3b2obobob2o3b2obobob2o$3obob3o9b3obob3o$o3bobo5bobo5bobo3bo$4b2o6bobo6b2o$b2o9bobo9b2o$"
        "b2ob2o15b2ob2o$5bo15bo!",
        "spaceship, c/5 (Bell 1997)",
        5,
        (0, -1),
    ),
    "weekender": Known(
        "bo12bo$bo12bo$obo10bobo$bo12bo$bo12bo$2bo3b4o3bo$6b4o$2b4o4b4o2$4bo6bo$5b2o2b2o!",
        "spaceship, 2c/7 (Eppstein 2000)",
        7,
        (0, -2),
    ),
    "loafer": Known("b2o2bob2o$o2bo2b2o$bobo$2bo$8bo$6b3o$5bo$6bo$7b2o!", "spaceship, c/7 (Ball 2013)", 7, (-1, 0)),
    "copperhead": Known(
        "b2o2b2o$3b2o$3b2o$obo2bobo$o6bo2$o6bo$b2o2b2o$2b4o2$3b2o$3b2o!",
        "spaceship, c/10 (zdr 2016)",
        10,
        (0, -1),
    ),
    "r-pentomino": Known("b2o$2o$bo!", "methuselah: stable at 1103 with 116 cells"),
    "b-heptomino": Known("ob2o$3o$bo!", "methuselah: stable at 148"),
    "pi-heptomino": Known("3o$obo$obo!", "methuselah: stable at 173"),
    "century": Known("2b2o$3o$bo!", "methuselah: stable at 103"),
    "thunderbird": Known("3o2$bo$bo$bo!", "methuselah: stable at 243"),
    "acorn": Known("bo$3bo$2o2b3o!", "methuselah: stable at 5206 with 633 cells (Corderman)"),
    "diehard": Known("6bo$2o$bo3b3o!", "dies out at 130"),
    "rabbits": Known("o3b3o$3o2bo$bo!", "methuselah: stable at 17331 with 1744 cells (Trevorrow 1986)"),
    "bunnies": Known("o5bo$2bo3bo$2bo2bobo$bobo!", "methuselah: stable at 17332 with 1744 cells"),
    "lidka": Known("bo$obo$bo8$8bo$6bobo$5b2obo2$4b3o!", "methuselah: stable at 29055 (Okrasinski and Bell 2005)"),
    "gosper-gun": Known(
        "24bo$22bobo$12b2o6b2o12b2o$11bo3bo4b2o12b2o$2o8bo5bo3b2o$2o8bo3bob2o4bobo$10bo5bo7bo$11bo3bo$12b2o!",
        "the first gun: a glider each 30 generations (Gosper 1970)",
    ),
    "simkin-gun": Known(
        "2o5b2o$2o5b2o2$4b2o$4b2o5$22b2ob2o$21bo5bo$21bo6bo2b2o$21b3o3bo3b2o$26bo4$20b2o$20bo$21b3o$23bo!",
        "gun: a glider each 120 generations (Simkin 2015)",
    ),
    "switch-engine": Known(
        "bobo$o$bo2bo$3b3o!", "moves 8 cells diagonally in 96 generations until its own debris stops it"
    ),
    "block-laying": Known(
        "6bo$4bob2o$4bobo$4bo$2bo$obo!", "10 cells that grow without end, by a block-laying switch engine"
    ),
    "infinite-5x5": Known("3obo$o$3b2o$b2obo$obobo!", "13 cells in 5x5 that grow without end"),
    "infinite-row": Known("8ob5o3b3o6b7ob5o!", "28 cells in one row that grow without end"),
    "puffer1": Known(
        "b3o6bo5bo6b3o$o2bo5b3o3b3o5bo2bo$3bo4b2obo3bob2o4bo$3bo19bo$3bo2bo13bo2bo$3bo2b2o11b2o2bo$2bo3b2o11b2o3bo!",
        "the first puffer: c/2, its debris repeats each 128 generations (Gosper)",
    ),
    "replicator": Known(
        "2b3o$bo2bo$o3bo$o2bo$3o!", "copies itself each 12 generations, both ways along a diagonal", rule="B36/S23"
    ),
    "brain-ship": Known("2A$2B!", "spaceship of Brian's Brain, c", 1, (0, -1), "/2/3"),
    "bosco": Known(
        "6bo$4b5o$2b5ob2o$b5o3b2o$b4o5bo$4o5b3o$b4o3b3o$b5ob4o$2b8o$3b7o$4b5o!",
        "oscillator of Bosco's rule",
        166,
        rule=BOSCO,
    ),
    "bosco-bug": Known(
        "6b3o$5b6o$4b9o$3b2o3b6o$3bo5b5o$2b2o6b4o$3bo5b5o$3b2o3b6o$4b9o$5b6o$6b3o!",
        "spaceship of Bosco's rule, c",
        1,
        (1, 0),
        BOSCO,
    ),
    "bosco-diagonal-bug": Known(
        "6b3o$4b6o$4b7o$4b8o$3b4o2b5o$3b3o4b4o$2b3o6b4o$3bo6b5o$3b2o4b5o$4b2o2b6o$5b2ob5o$7b3o!",
        "diagonal spaceship of Bosco's rule, 6c/10",
        10,
        (6, -6),
        BOSCO,
    ),
    "wire-clock": Known(".CB$C2.A4CB$.2C!", "sends an electron down a wire each 6 generations", 6, rule="WireWorld"),
    "langtons-loop": Known(
        ".8B$BAG.AD.ADB$B.6B.B$BGB4.BAB$BAB4.BAB$B.B4.BAB$BGB4.BAB$BA6BA5B$B.GA.GA.G5AB$.13B!",
        "86 cells that copy themselves within 151 generations (Langton 1984)",
        rule="Langtons-Loops",
    ),
    "byls-loop": Known(
        ".2B$BCAB$BCDB$.BE!", "12 cells that copy themselves within 25 generations (Byl 1989)", rule="Byl-Loop"
    ),
    "chou-reggia-1": Known("2A$CD2A!", "6 cells that copy themselves (Reggia and others 1993)", rule="Chou-Reggia-1"),
    "chou-reggia-2": Known("2A$CDA!", "5 cells that copy themselves (Reggia and others 1993)", rule="Chou-Reggia-2"),
}


def named(name: str) -> Pattern:
    """The pattern of that name; capitals do not count, and a blank or `_` is a hyphen. Raises `PatternError`."""
    key = name.strip().lower().replace(" ", "-").replace("_", "-")
    known = PATTERNS.get(key)
    if known is None:
        near = difflib.get_close_matches(key, PATTERNS, 1, 0)
        raise PatternError(f"no pattern is named {name!r}; the nearest is {near[0]!r}")
    return replace(rle.parse(known.cells), rule=known.rule, name=key, comments=(known.about,))
