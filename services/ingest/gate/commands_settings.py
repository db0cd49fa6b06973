"""Settings of call-backs: environment in, frozen dataclass out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis.settings import integer
from services.ingest.hj212.dialogue import EXECUTION_S


@dataclass(frozen=True)
class CommandSettings:
    """How many requests to loggers run at once, and how long they may take."""

    backfills: int = 32  # background dialogues over the whole gate at once
    backfill_pending: int = 1000  # unconfirmed frames above which no background one is begun
    execution_s: float = EXECUTION_S  # silence after 9011 that fails a request
    work_s: float = 900.0  # the same for deeds at an instrument (3011 to 3024); no text says [?]
    waiting: int = 20_000  # orders that wait here; beyond it they go back to ingest
    drain_s: float = 5.0  # for what is under way when the gate ends

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "CommandSettings":
        """Read `FARSIGHT_GATE_BACKFILLS` and the others; docs/settings.md has their meaning."""
        return cls(
            backfills=integer(env, "FARSIGHT_GATE_BACKFILLS", cls.backfills),
            backfill_pending=integer(env, "FARSIGHT_GATE_BACKFILL_PENDING", cls.backfill_pending),
            execution_s=float(integer(env, "FARSIGHT_GATE_EXECUTION_S", int(EXECUTION_S))),
            work_s=float(integer(env, "FARSIGHT_GATE_WORK_S", int(cls.work_s))),
            drain_s=float(integer(env, "FARSIGHT_GATE_COMMANDS_DRAIN_S", int(cls.drain_s))),
        )
