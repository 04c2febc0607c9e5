"""Pages and pictures of docs/ made from the code: the key reference, a small world, decision surfaces, automata.

`python -m experiments.figures` writes docs/config.md and pictures in docs/images/ of the repository it stands in. What
is shown is simulated and evolved on the spot; it needs no display and no pygame.
Leaves out pages written by hand and figures of long runs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from evolution.genome import HIDDEN
from experiments import config, files, keys, life_figures
from experiments.errors import UserError

DOCS = Path(__file__).parents[1] / "docs"
SIZE = (1280, 800)
TICKS = 3000
ZOOM = 1.55
"""How much closer than the whole world the picture is."""
GATE_RUNS = 20
"""Searches of which the best is shown, in the picture of logic gates."""

HEAD = """# Config keys

Written by `make figures` from the code; `firstword configs --keys` prints the same on a terminal, and with `--json`
for programs.

A config is a TOML file. It names only what differs from the defaults below; `config.toml` in a run folder names every
key. Keys before the dot are tables: `run.ticks` is `ticks` in `[run]`, or `--set run.ticks=1000` on the command line.
Unknown keys, wrong types, values out of range and combinations that cannot work are refused with one line and exit
code 2, before anything is compiled or created. Energies are in units of one full plant cell, lengths in cells.

```toml
description = "A walled world without poison, ended early if it becomes crowded"

[world]
boundary = "walled"
poison = false

[run]
ticks = 50_000

[[stop]]
metric = "population"
above = 1500
intervals = 10
```
"""

TABLES = {
    "": "Of the whole file. The name of a file is its `name` if it gives none.",
    "world": "What decides shapes and code: changing one of these compiles anew. Senses, acts and fields that are off "
    "cost nothing.",
    "params": "Numbers of the world, which need no new compilation.",
    "brain": "Room for evolved minds, and what they may be made of.",
    "mutation": "How children differ from their parents.",
    "search": "What selects: survival in a world, or an algorithm with explicit fitness on a task, as "
    "[neat.md](neat.md) describes.",
    "task": "Only in searches by explicit fitness. The first word of a meaning says which tasks have the key.",
    "neat": 'Only with `search.algorithm = "neat"` or `"neat_python"`. Numbers, which need no new compilation.',
    "ga": 'Only with `search.algorithm = "ga"`.',
    "es": 'Only with `search.algorithm = "openai_es"` or `"cma_es"`, which need the extra `[es]`.',
    "random_search": 'Only with `search.algorithm = "random_search"`, the control in which nobody has a parent.',
    "ppo": 'Only with `search.algorithm = "ppo"` or `"recurrent_ppo"`, which need the extra `[rl]`; see '
    "[learning.md](learning.md).",
    "dqn": 'Only with `search.algorithm = "dqn"`, which needs the extra `[rl]`.',
    "learning": 'Only with `search.learning = "baldwin"` or `"lamarck"`: how newborns practise; see '
    "[baldwin.md](baldwin.md).",
    "run": "How long a run lasts and what it writes. Only `seed`, `worlds`, `minds` and `on_extinction` change what "
    "is simulated.",
    "stop": "A list of tables, `[[stop]]`, or `--set stop='[{metric = \"population\", above = 500}]'`. A rule ends the "
    "run when its metric, a column of [metrics.csv](metrics.md), is above or below a value; over several worlds the "
    "median counts.",
}


def reference() -> str:
    """The page of config keys, as Markdown."""
    rows: dict[str, list[keys.Row]] = {}
    for row in config.keys():  # noqa: SIM118
        rows.setdefault(row.key.rpartition(".")[0], []).append(row)
    parts = [HEAD.rstrip()]
    for table, entries in rows.items():
        title = "## name, description" if not table else f"## [[{table}]]" if table == "stop" else f"## [{table}]"
        lines = ["| key | default | range | unit | meaning |", "|---|---|---|---|---|", *map(_line, entries)]
        parts += [title, TABLES[table], "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _line(row: keys.Row) -> str:
    default = f"`{row.default}`" if row.default else ""
    cells = (f"`{row.key.rpartition('.')[2]}`", default, row.range, row.unit, row.doc)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def viewer() -> np.ndarray:
    """The viewer's picture `[H, W, 3]` of the quickstart world, its most prolific creature selected."""
    from experiments import loop
    from experiments.watch import Live
    from viz import compose, control
    from viz.view import look, opened, select

    loop.cache()
    source: Any = Live(config.load("quickstart"))
    part = compose.scene_size(SIZE)
    view = opened(source, part)
    while source.sim.tick < TICKS and source.advance(25):  # step by step, for the curve of the population
        look(view, source)
    world = look(view, source)
    offspring = np.where(world.alive, world.offspring, -1)
    select(view, source, int(np.argmax(offspring)))
    view.follow, view.rate, view.frames = True, 30.0, 30.0
    control.keep_up(view, source)
    control.zoom(view, source, part, ZOOM, 0, 0)
    return compose.picture(source, SIZE, view)


def perceptron() -> bytes:
    """PNG of what champions of AND, OR and XOR answer, and of the best network without hidden nodes on XOR."""
    from evolution.tasks.gates import TRUTH
    from experiments import loop
    from viz import panels, surfaces

    loop.cache()
    flat = ["mutation.add_node=0"]
    drawn = []
    for gate, changes in (("and", flat), ("or", flat), ("xor", flat), ("xor", [])):
        document, brain, genome = champion(gate, [*changes, f"run.worlds={GATE_RUNS}", "run.generations=150"])
        hidden = sum(node["id"] >= HIDDEN for node in document["nodes"])
        title = f"{gate.upper()}: {hidden or 'no'} hidden node{'s' if hidden != 1 else ''}"
        drawn.append(surfaces.panel(title, brain, genome, TRUTH[gate], document))
    return panels.png(surfaces.surfaces(drawn), dpi=90)


def champion(config_name: str, changes: list[str]) -> tuple[dict[str, Any], Any, Any]:
    """Document, brain config and genome of the best run of a search: solved before unsolved, then fewest hidden
    nodes, then fewest connections, then highest fitness."""
    import jax

    from experiments.generational import Search

    search = Search.start(config.load(config_name, changes, 0))
    while search.tick < search.length and not search.ended:
        search.advance(search.length)
    documents = [document for _, document in search.samples(search.num_worlds)]
    enabled = [sum(gene["enabled"] for gene in document["connections"]) for document in documents]
    rank = lambda i: (not documents[i]["solved"], len(documents[i]["nodes"]), enabled[i], -documents[i]["fitness"])
    best = min(range(len(documents)), key=rank)
    return documents[best], search.algorithm.brain, jax.tree.map(lambda leaf: leaf[best], search.champions.genome)


def main() -> int:
    """Writes all of it."""
    if not DOCS.is_dir():
        raise UserError(f"{DOCS} is not there: run this in a checkout of the repository")
    files.write_whole(DOCS / "config.md", reference())
    (DOCS / "images").mkdir(exist_ok=True)
    Image.fromarray(viewer()).save(DOCS / "images" / "viewer.png", optimize=True)
    files.write_whole(DOCS / "images" / "perceptron.png", perceptron())
    for name, picture in life_figures.FIGURES.items():
        files.write_whole(DOCS / "images" / name, picture())
    return 0


if __name__ == "__main__":
    sys.exit(main())
