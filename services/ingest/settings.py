"""Settings of the ingest service: environment in, frozen dataclass out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.chassis.settings import ChassisSettings, integer

#: Days that readings of a kind stay in tables before only their Parquet file keeps them, by kind.
#: [choice] detect refills hours and days of real-time and minutes, people look back a quarter, and
#: a permit's yearly report compares with the year before. Nothing is deleted: Parquet, raw archive
#: and ledger stay, whose least is five years (Permit Regulation 19, 21).
KEEP_DAYS = {1: 35, 2: 100, 3: 800, 4: 3700}
_KEEP_NAMES = {
    1: "FARSIGHT_KEEP_REALTIME_DAYS",
    2: "FARSIGHT_KEEP_MINUTE_DAYS",
    3: "FARSIGHT_KEEP_HOUR_DAYS",
    4: "FARSIGHT_KEEP_DAY_DAYS",
}


@dataclass(frozen=True)
class IngestSettings:
    """Where things lie, how long they stay in tables, when a disk counts as full."""

    archive: Path
    parquet: Path
    keys: Path
    database_volume: Path  # where free space of the database is looked at
    ntp_servers: tuple[str, ...]
    disk_warn_mb: int
    disk_stop_mb: int
    keep_days: Mapping[int, int]

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "IngestSettings":
        """Read `FARSIGHT_DATA` and the settings of docs/settings.md, section Keeping."""
        data = ChassisSettings.from_env(env).data
        servers = env.get("FARSIGHT_NTP_SERVERS", "").replace(",", " ").split()
        return cls(
            archive=data / "archive",
            parquet=data / "parquet",
            keys=data / "keys",
            database_volume=Path(env.get("FARSIGHT_DATABASE_VOLUME", "") or data),
            ntp_servers=tuple(servers),
            disk_warn_mb=integer(env, "FARSIGHT_DISK_WARN_MB", 5000),
            disk_stop_mb=integer(env, "FARSIGHT_DISK_STOP_MB", 1000),
            keep_days={
                kind: integer(env, _KEEP_NAMES[kind], days) for kind, days in KEEP_DAYS.items()
            },
        )
