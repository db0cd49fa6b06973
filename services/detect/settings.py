"""Settings of detect: environment in, frozen dataclass out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.chassis.settings import ChassisSettings, integer


@dataclass(frozen=True)
class DetectSettings:
    """What the detect process needs beside the chassis."""

    folder: Path
    """Where the matrices lie, one folder a partition."""
    quiet_s: int
    """Seconds without a value of an outlet (or a batch of a partition) before silence is asked."""
    screen_hour: int = 1
    """Hour of the Beijing day from which on finished days are screened; 24 = never."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "DetectSettings":
        """Read `FARSIGHT_DATA`, `FARSIGHT_DETECT_QUIET_S` and `FARSIGHT_DETECT_SCREEN_HOUR`."""
        return cls(
            folder=ChassisSettings.from_env(env).data / "detect",
            quiet_s=integer(env, "FARSIGHT_DETECT_QUIET_S", 30),
            screen_hour=integer(env, "FARSIGHT_DETECT_SCREEN_HOUR", 1),
        )
