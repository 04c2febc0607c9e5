"""Tasks with an explicit fitness, by name; `base.py` says what a task is.

A constructor takes the fields of its task as keywords, each with a default. Adding a task is adding a file and a
line here; the contract tests then ask of it what they ask of all.
"""

from collections.abc import Callable
from functools import partial

from evolution.tasks.base import Task
from evolution.tasks.cartpole import CartPole
from evolution.tasks.double_pole import DampedDoublePole, DoublePole
from evolution.tasks.forage import Forage
from evolution.tasks.gates import Gate
from evolution.tasks.memory import Memory
from evolution.tasks.t_maze import TMaze

TASKS: dict[str, Callable[..., Task]] = {
    "and": partial(Gate, gate="and"),
    "or": partial(Gate, gate="or"),
    "xor": partial(Gate, gate="xor"),
    "memory": Memory,
    "cartpole": CartPole,
    "double_pole": DoublePole,
    "double_pole_hidden": DampedDoublePole,
    "t_maze": TMaze,
    "forage": Forage,
}
