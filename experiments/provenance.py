"""Where results come from: time, versions, git commit and devices. Nothing here enters a simulation."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any


def now() -> str:
    """Time of day in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def origin() -> dict[str, Any]:
    """Versions, commit and devices."""
    import jax

    devices = jax.devices()
    packages = ("firstword", "jax", "jaxlib", "numpy", "neat-python", "evosax")
    return {
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "commit": _commit(),
        "device": devices[0].device_kind,
        "devices": len(devices),
        "platform": platform.platform(),
    }


def version(package: str) -> str | None:
    """Version of an installed package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Git commit of the source tree this package runs from, `+` added if files differ; None if installed."""
    tree = Path(__file__).resolve().parent.parent
    if not (tree / ".git").exists():
        return None

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(tree), *words], capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None
