"""Settings of the ingest service: environment in, frozen dataclass out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.chassis.settings import ChassisSettings


@dataclass(frozen=True)
class IngestSettings:
    """Where the raw archive lies."""

    archive: Path

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "IngestSettings":
        """Read `FARSIGHT_DATA`; the archive is its subfolder."""
        return cls(archive=ChassisSettings.from_env(env).data / "archive")
