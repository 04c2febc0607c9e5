"""Names of the environments in Gymnasium's registry.

Where the project is installed, Gymnasium finds `register` by its entry point and calls it when it is imported; else
call it once. Nothing but Gymnasium is imported before an environment is made.
"""

from __future__ import annotations

FORAGE = "firstword/Forage-v0"


def register() -> None:
    """Registers the environments; a second time changes nothing."""
    from gymnasium.envs.registration import register, registry

    if FORAGE not in registry:
        register(
            FORAGE,
            entry_point="agents.environments.gymnasium_env:forage",
            vector_entry_point="agents.environments.gymnasium_env:forage_vector",
        )
