"""Environment of the registry's door."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RegistrySettings:
    """`FARSIGHT_BOOTSTRAP_PASSWORD`: of the first operator, used while there is no account."""

    bootstrap_password: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "RegistrySettings":
        """Read the settings."""
        return cls(bootstrap_password=env.get("FARSIGHT_BOOTSTRAP_PASSWORD", ""))
