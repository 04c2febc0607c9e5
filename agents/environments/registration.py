"""Names of the environments in Gymnasium's registry: importing this module registers them, as Gymnasium 1 has it.

So `gymnasium.make("agents.environments.registration:firstword/Forage-v0")` needs no other import. JAX is not imported
before an environment is made. Needs the extra `interfaces`.
"""

from __future__ import annotations

from gymnasium.envs import registration

FORAGE = "firstword/Forage-v0"


def register() -> None:
    """Registers the environments; a second time changes nothing."""
    if FORAGE not in registration.registry:
        registration.register(
            FORAGE,
            entry_point="agents.environments.gymnasium_env:forage",
            vector_entry_point="agents.environments.gymnasium_env:forage_vector",
        )


register()
