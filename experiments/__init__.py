"""The shell: configs, the command line, the run loop, run folders, assays and analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.runs import Run as Run
    from experiments.runs import load_run as load_run

__all__ = ["Run", "load_run"]


def __getattr__(name: str) -> Any:
    """Loads pandas only for those who want data frames, so that `import experiments` stays cheap."""
    if name in __all__:
        from experiments import runs

        return getattr(runs, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
