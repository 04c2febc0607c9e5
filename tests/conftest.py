"""Settings of all tests: a cache of compiled programs, no window, repeatable property tests.

They must be in force before JAX is first imported, hence here and at the top.
"""

import os
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")
os.environ.setdefault("MPLCONFIGDIR", str(CACHE / "matplotlib"))
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["SDL_VIDEODRIVER"] = "dummy"
os.environ["SDL_AUDIODRIVER"] = "dummy"

import hypothesis  # noqa: E402
import pytest  # noqa: E402

hypothesis.settings.register_profile("firstword", deadline=None, derandomize=True, max_examples=30)
hypothesis.settings.load_profile("firstword")


@pytest.fixture(scope="module")
def little_optimised():
    """All programs of a module compiled in half the time, as `tests.FAST` does for those that a test jits itself."""
    import jax

    name = "jax_disable_most_optimizations"
    before = jax.config.read(name)
    jax.config.update(name, True)
    yield
    jax.config.update(name, before)


@pytest.fixture(scope="module", autouse=True)
def programs_are_let_go():
    """Frees a module's compiled programs: thousands in one process exhaust the memory maps that Linux allows it."""
    yield
    import jax

    jax.clear_caches()
