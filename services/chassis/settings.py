"""Environment in, frozen dataclass out. Each setting's name and default stand in one place."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.chassis.errors import InputRejected


def required(env: Mapping[str, str], name: str) -> str:
    """Read a setting that has no sane default."""
    value = env.get(name, "")
    if not value:
        raise InputRejected(
            f"setting {name} is missing; `farsight up` sets it, see docs/runbook.md"
        )
    return value


def integer(env: Mapping[str, str], name: str, default: int) -> int:
    """Read a whole number."""
    text = env.get(name, "") or str(default)
    try:
        return int(text)
    except ValueError:
        raise InputRejected(f"setting {name} must be a whole number, not {text!r}") from None


def address(env: Mapping[str, str], name: str, default: str) -> tuple[str, int]:
    """Read a host:port pair."""
    text = env.get(name, "") or default
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise InputRejected(f"setting {name} must be host:port, not {text!r}")
    return host, int(port)


@dataclass(frozen=True)
class ChassisSettings:
    """What every process of the platform needs to know."""

    amqp_uri: str
    database_url: str
    redis_url: str
    data: Path
    partitions: int
    probe_bind: tuple[str, int]
    grpc_bind: str
    grpc_addr: str
    token_key: Path
    log_json: bool

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "ChassisSettings":
        """Read `AMQP_URI`, `DATABASE_URL`, `REDIS_URL` and the `FARSIGHT_*` settings."""
        data = Path(env.get("FARSIGHT_DATA", "") or ".data")
        return cls(
            amqp_uri=env.get("AMQP_URI", ""),
            database_url=env.get("DATABASE_URL", ""),
            redis_url=env.get("REDIS_URL", ""),
            data=data,
            partitions=integer(env, "FARSIGHT_PARTITIONS", 8),
            probe_bind=address(env, "FARSIGHT_PROBE_BIND", "127.0.0.1:0"),
            grpc_bind=env.get("FARSIGHT_GRPC_BIND", "") or "127.0.0.1:50051",
            grpc_addr=env.get("FARSIGHT_GRPC_ADDR", "") or "127.0.0.1:50051",
            token_key=Path(env.get("FARSIGHT_TOKEN_KEY", "") or data / "keys" / "token.jwk"),
            log_json=env.get("FARSIGHT_LOG_JSON", "1") != "0",
        )
