"""Settings of the gate: environment in, frozen dataclass out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from services.chassis.errors import InputRejected
from services.chassis.settings import ChassisSettings, address, integer, required
from services.ingest.gate.commands_settings import CommandSettings

_CLIENT = ("none", "optional", "required")


@dataclass(frozen=True)
class TlsSettings:
    """Where the TLS listener is, what it proves and what it asks for."""

    bind: tuple[str, int]
    certificate: Path  # PEM, with its chain
    key: Path  # PEM
    client_ca: Path | None  # PEM of the authorities (or devices) whose certificates are believed
    client: str  # certificate of the logger: none | optional | required

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "TlsSettings | None":
        """Read `FARSIGHT_HJ212_TLS_*`; None without a bind. Raises InputRejected."""
        if not env.get("FARSIGHT_HJ212_TLS_BIND", ""):
            return None
        client_ca = env.get("FARSIGHT_HJ212_TLS_CLIENT_CA", "")
        client = env.get("FARSIGHT_HJ212_TLS_CLIENT", "") or ("optional" if client_ca else "none")
        if client not in _CLIENT or (client != "none" and not client_ca):
            raise InputRejected(
                "setting FARSIGHT_HJ212_TLS_CLIENT must be none, or optional or required with "
                "FARSIGHT_HJ212_TLS_CLIENT_CA"
            )
        return cls(
            bind=address(env, "FARSIGHT_HJ212_TLS_BIND", ""),
            certificate=Path(required(env, "FARSIGHT_HJ212_TLS_CERT")),
            key=Path(required(env, "FARSIGHT_HJ212_TLS_KEY")),
            client_ca=Path(client_ca) if client_ca else None,
            client=client,
        )


@dataclass(frozen=True)
class GateSettings:
    """What the gate needs beside the chassis' settings."""

    chassis: ChassisSettings
    commands: CommandSettings
    tls: TlsSettings | None
    hj212_bind: tuple[str, int] | None  # None = no door without TLS
    grpc_bind: str
    proxies: tuple[IPv4Network | IPv6Network, ...]  # load balancers that announce the logger
    linger_s: float  # longest wait of a frame for others of its batch
    batch_frames: int
    pending_frames: int  # unconfirmed frames at which reading stops
    late_frames: int  # unconfirmed frames at which connections that send late data wait
    connections: int
    connections_per_host: int
    idle_s: float  # silence after which a connection is closed
    heartbeat_s: float  # the same for a logger that sends heartbeats
    replaced_s: float  # silence after which a connection is closed whose logger has a newer one
    stall_s: float  # silence inside a frame after which the frame is given up
    faults_in_row: int  # refused frames in a row after which a connection is closed
    frame_every_s: float  # what one frame costs of a logger's share
    burst_s: float  # how much of it may be owed before the logger is not read
    replies_a_minute: int  # to the same repeated frame, or to the same empty notice
    calibrate_s: float  # between two answers to a wish for the time, a key or an MN
    future: timedelta  # how far ahead of our clock a DataTime may lie
    clock_drift_s: float  # how far a logger's clock may be away from ours
    second_logger_s: float  # within which two senders of one MN count as at the same time
    anomaly_again_s: float  # after which the same irregularity is told again
    drain_s: float

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "GateSettings":
        """Read `FARSIGHT_HJ212_*`, `FARSIGHT_GATE_GRPC_BIND` and the gate's limits."""
        frames_a_second = integer(env, "FARSIGHT_GATE_FRAMES_PER_S", 50)
        plain = env.get("FARSIGHT_HJ212_BIND", "") != "none"
        return cls(
            chassis=ChassisSettings.from_env(env),
            commands=CommandSettings.from_env(env),
            tls=TlsSettings.from_env(env),
            hj212_bind=address(env, "FARSIGHT_HJ212_BIND", "127.0.0.1:9212") if plain else None,
            grpc_bind=env.get("FARSIGHT_GATE_GRPC_BIND", "") or "127.0.0.1:50052",
            proxies=networks(env, "FARSIGHT_HJ212_PROXY"),
            linger_s=integer(env, "FARSIGHT_GATE_LINGER_MS", 200) / 1000,
            batch_frames=integer(env, "FARSIGHT_GATE_BATCH_FRAMES", 500),
            pending_frames=integer(env, "FARSIGHT_GATE_PENDING_FRAMES", 8000),
            late_frames=integer(env, "FARSIGHT_GATE_LATE_FRAMES", 1000),
            connections=integer(env, "FARSIGHT_GATE_CONNECTIONS", 20000),
            connections_per_host=integer(env, "FARSIGHT_GATE_CONNECTIONS_PER_HOST", 2000),
            # A logger sends real-time data each 30 s to 60 min (RtdInterval, HJ 212-2017 6.6.1).
            idle_s=integer(env, "FARSIGHT_GATE_IDLE_S", 3900),
            heartbeat_s=integer(env, "FARSIGHT_GATE_HEARTBEAT_S", 300),
            replaced_s=integer(env, "FARSIGHT_GATE_REPLACED_S", 120),
            stall_s=integer(env, "FARSIGHT_GATE_STALL_S", 10),
            faults_in_row=integer(env, "FARSIGHT_GATE_FAULTS_IN_ROW", 200),
            frame_every_s=1 / max(1, frames_a_second),
            # A day of minute frames and half-minute real-time frames after an outage: 4,500.
            burst_s=integer(env, "FARSIGHT_GATE_BURST_FRAMES", 5000) / max(1, frames_a_second),
            # The shortest timeout of the standard is 5 s (2017 table 9): twelve repeats a minute.
            replies_a_minute=integer(env, "FARSIGHT_GATE_REPLIES_PER_MINUTE", 12),
            calibrate_s=integer(env, "FARSIGHT_GATE_CALIBRATE_S", 600),
            future=timedelta(seconds=integer(env, "FARSIGHT_GATE_FUTURE_S", 600)),
            clock_drift_s=integer(env, "FARSIGHT_GATE_CLOCK_DRIFT_S", 120),
            second_logger_s=integer(env, "FARSIGHT_GATE_SECOND_LOGGER_S", 600),
            anomaly_again_s=integer(env, "FARSIGHT_GATE_ANOMALY_AGAIN_S", 86400),
            drain_s=integer(env, "FARSIGHT_GATE_DRAIN_S", 10),
        )


def networks(env: Mapping[str, str], name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read CIDR blocks separated by commas or blanks. Raises InputRejected."""
    try:
        return tuple(ip_network(text) for text in env.get(name, "").replace(",", " ").split())
    except ValueError as error:
        raise InputRejected(f"setting {name} must be CIDR blocks: {error}") from None
