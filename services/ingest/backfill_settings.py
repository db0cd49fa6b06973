"""Settings of back-fill: environment in, frozen dataclass out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.chassis.settings import integer
from services.ingest.domain.holes import Pace


@dataclass(frozen=True)
class BackfillSettings:
    """Whether loggers are asked for what is missing, and how fast."""

    enabled: bool
    pace: Pace

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "BackfillSettings":
        """Read `FARSIGHT_BACKFILL*` of docs/settings.md."""
        return cls(
            enabled=env.get("FARSIGHT_BACKFILL", "1") != "0",
            pace=Pace(
                wait=timedelta(seconds=integer(env, "FARSIGHT_BACKFILL_WAIT_S", 300)),
                outstanding=integer(env, "FARSIGHT_BACKFILL_OUTSTANDING", 20),
                tries=integer(env, "FARSIGHT_BACKFILL_TRIES", 3),
                look_back=timedelta(days=integer(env, "FARSIGHT_BACKFILL_DAYS", 7)),
                longest=timedelta(hours=integer(env, "FARSIGHT_BACKFILL_HOURS", 24)),
            ),
        )
