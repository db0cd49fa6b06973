"""Settings of the console: environment in, frozen dataclass out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis.settings import address, required


@dataclass(frozen=True)
class ConsoleSettings:
    """What the console needs to know."""

    bind: tuple[str, int]
    grpc_addr: str
    redis_url: str
    handset_url: str  # demo only; empty = no link

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "ConsoleSettings":
        """Read the settings; `REDIS_URL` is the only one without a default."""
        return cls(
            bind=address(env, "FARSIGHT_CONSOLE_BIND", "127.0.0.1:8080"),
            grpc_addr=env.get("FARSIGHT_GRPC_ADDR", "") or "127.0.0.1:50051",
            redis_url=required(env, "REDIS_URL"),
            handset_url=env.get("FARSIGHT_HANDSET_URL", ""),
        )
