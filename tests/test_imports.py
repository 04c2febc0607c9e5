"""The import graph, read from the source: imports point left, and few modules know the outside world."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORDER = ("sim", "agents", "evolution", "viz", "experiments")
CORE = ("sim", "agents", "evolution")
SOURCES = sorted(path for package in ORDER for path in (ROOT / package).rglob("*.py"))
OUTSIDE = {"os", "sys", "io", "time", "datetime", "random", "pathlib", "logging", "subprocess", "shutil", "tempfile"}
"""Modules that a core file must not know: files, clocks, global randomness."""


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imported(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_imports_point_left(path):
    rank = ORDER.index(path.relative_to(ROOT).parts[0])
    assert not tops(path) & set(ORDER[rank + 1 :])
    assert "tests" not in tops(path)


def test_only_the_window_knows_pygame():
    assert [label(path) for path in SOURCES if "pygame" in tops(path)] in ([], ["viz/window.py"])


def test_at_most_one_module_knows_neat():
    assert len([path for path in SOURCES if "neat" in tops(path)]) <= 1


def test_nobody_pickles():
    """A file that is loaded must not be able to run code."""
    assert not [label(path) for path in SOURCES if tops(path) & {"pickle", "cloudpickle", "dill", "joblib", "shelve"}]


@pytest.mark.parametrize("path", [p for p in SOURCES if p.relative_to(ROOT).parts[0] in CORE], ids=label)
def test_the_core_is_pure(path):
    assert not tops(path) & OUTSIDE
    assert not any(name.startswith("numpy.random") for name in imported(path))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"print", "open", "input"}, f"{label(path)}:{node.lineno}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr == "random":
            assert node.value.id == "jax", f"{label(path)}:{node.lineno} uses {node.value.id}.random"


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_no_module_is_named_like_a_library_and_each_says_what_it_is(path):
    libraries = {
        "jax",
        "numpy",
        "pandas",
        "pygame",
        "neat",
        "rich",
        "utils",
        "random",
        "time",
        "types",
        "typing",
        "json",
    }
    assert path.stem not in libraries
    assert ast.get_docstring(tree(path))
