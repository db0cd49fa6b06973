"""Settings of the gate: environment in, frozen dataclass out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.chassis.settings import ChassisSettings, address, integer


@dataclass(frozen=True)
class GateSettings:
    """What the gate needs beside the chassis' settings."""

    chassis: ChassisSettings
    hj212_bind: tuple[str, int]
    grpc_bind: str
    linger_s: float  # longest wait of a frame for others of its batch
    batch_frames: int
    pending_frames: int  # unconfirmed frames at which reading stops
    connections: int
    connections_per_host: int
    idle_s: float  # silence after which a connection is closed
    stall_s: float  # silence inside a frame after which the frame is given up
    faults_in_row: int  # refused frames in a row after which a connection is closed
    future: timedelta  # how far ahead of our clock a DataTime may lie
    drain_s: float

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "GateSettings":
        """Read `FARSIGHT_HJ212_BIND`, `FARSIGHT_GATE_GRPC_BIND` and the gate's limits."""
        return cls(
            chassis=ChassisSettings.from_env(env),
            hj212_bind=address(env, "FARSIGHT_HJ212_BIND", "127.0.0.1:9212"),
            grpc_bind=env.get("FARSIGHT_GATE_GRPC_BIND", "") or "127.0.0.1:50052",
            linger_s=integer(env, "FARSIGHT_GATE_LINGER_MS", 200) / 1000,
            batch_frames=integer(env, "FARSIGHT_GATE_BATCH_FRAMES", 500),
            pending_frames=integer(env, "FARSIGHT_GATE_PENDING_FRAMES", 8000),
            connections=integer(env, "FARSIGHT_GATE_CONNECTIONS", 20000),
            connections_per_host=integer(env, "FARSIGHT_GATE_CONNECTIONS_PER_HOST", 2000),
            # A logger sends real-time data each 30 s to 60 min (RtdInterval, HJ 212-2017 6.6.1).
            idle_s=integer(env, "FARSIGHT_GATE_IDLE_S", 3900),
            stall_s=integer(env, "FARSIGHT_GATE_STALL_S", 10),
            faults_in_row=integer(env, "FARSIGHT_GATE_FAULTS_IN_ROW", 200),
            future=timedelta(seconds=integer(env, "FARSIGHT_GATE_FUTURE_S", 600)),
            drain_s=integer(env, "FARSIGHT_GATE_DRAIN_S", 10),
        )
