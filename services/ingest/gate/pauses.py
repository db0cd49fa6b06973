"""Why the gate does not read now, and the stop signal of ingest (its disk is nearly full).

Reading begins with no reason left. The stop signal is a key in Redis that ingest renews while the
reason lasts; a Redis that goes away keeps the last word for as long as the key would have lived.
"""

import asyncio
from collections.abc import Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.chassis.log import get_logger
from services.ingest.gate import metrics

log = get_logger(__name__)

STOP_KEY = "farsight:ingest:stop"
STOP_LIFE_S = 30.0
ASK_EVERY_S = 1.0
BUS, PENDING, STOP, DRAIN = "bus", "pending", "stop", "drain"
_AWAY = (RedisError, OSError, TimeoutError)


class Pauses:
    """The reasons of the moment; `on_change` is called with whether there is any.

    A gate begins without a bus.
    """

    def __init__(self, on_change: Callable[[bool], None]) -> None:
        self._on_change = on_change
        self.reasons = {BUS: "no connection to RabbitMQ (AMQP_URI) yet"}
        for name in (BUS, PENDING, STOP, DRAIN):
            metrics.PAUSED.labels(name).set(name in self.reasons)

    def set(self, name: str, detail: str) -> None:
        """A reason holds (with words for people), or with an empty `detail` no more."""
        if bool(detail) == (name in self.reasons):
            if detail:
                self.reasons[name] = detail
            return
        if detail:
            self.reasons[name] = detail
            log.warning("reading_paused", reason=name, detail=detail)
        else:
            del self.reasons[name]
            log.info("reading_reason_gone", reason=name, left=sorted(self.reasons))
        metrics.PAUSED.labels(name).set(bool(detail))
        self._on_change(bool(self.reasons))


class StopSignal:
    """Asks Redis each second whether ingest can take more."""

    def __init__(self, redis: "Redis", pauses: Pauses) -> None:
        self._redis = redis
        self._pauses = pauses

    async def run(self) -> None:
        """Ask; ends only by being cancelled."""
        clock = asyncio.get_running_loop().time
        holds_until = 0.0
        while True:
            try:
                reason = await self._redis.get(STOP_KEY)
            except _AWAY:
                if clock() >= holds_until:
                    self._pauses.set(STOP, "")
            else:
                text = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
                self._pauses.set(STOP, (text or "")[:200])
                holds_until = clock() + STOP_LIFE_S
            await asyncio.sleep(ASK_EVERY_S)
