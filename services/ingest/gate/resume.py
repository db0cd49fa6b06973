"""续传: which sequence of a pushed stream is safe, remembered in Redis as a hint.

The gate has no database. A hint is written after the bus confirmed, so it never says more than is
safe; it may say less (Redis away, emptied, or the last moments before a kill), and then the sender
sends again what it has no receipt for, and the store knows repeated things by their natural key.
"""

import asyncio
import re

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.chassis.errors import InputRejected
from services.chassis.log import get_logger

log = get_logger(__name__)

PREFIX = "farsight:push:"
LIFE_S = 7 * 86_400  # a sender that is away for longer starts again, and doubles nothing
WRITE_S = 0.2
ASK_S = 1.0  # a stream does not wait longer for a hint
STREAM_ID = re.compile(r"[0-9A-Za-z._-]{1,64}")
_AWAY = (RedisError, OSError, TimeoutError)


def checked_stream(stream_id: str) -> str:
    """The stream's name. Raises InputRejected for one that is no plain word."""
    if stream_id and not STREAM_ID.fullmatch(stream_id):
        raise InputRejected(
            "stream_id: not 1 to 64 letters, digits, dots, dashes, underscores", field="stream_id"
        )
    return stream_id


class ResumeHints:
    """Last safe sequences by sender and stream; without Redis none is known, which is allowed."""

    def __init__(self, redis: "Redis | None") -> None:
        self._redis = redis
        self._noted: dict[str, int] = {}
        self._wake = asyncio.Event()

    async def last(self, user_id: str, stream_id: str) -> int:
        """The last sequence known to be safe, 0 when none is known."""
        key = _key(user_id, stream_id)
        if key in self._noted:
            return self._noted[key]
        if self._redis is None:
            return 0
        try:
            value = await asyncio.wait_for(self._redis.get(key), ASK_S)
        except _AWAY as error:
            log.warning("no_resume_hint", error=f"{type(error).__name__}: {error}")
            return 0
        return int(value) if value else 0

    def note(self, user_id: str, stream_id: str, sequence: int) -> None:
        """Everything of the stream up to this sequence is safe."""
        if self._redis is not None:
            self._noted[_key(user_id, stream_id)] = sequence
            self._wake.set()

    async def run(self) -> None:
        """Write what was noted, a few times a second; ends only by being cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.write()
            await asyncio.sleep(WRITE_S)

    async def write(self) -> None:
        """Write now; a Redis that is away loses hints, nothing else."""
        noted, self._noted = self._noted, {}
        if self._redis is None or not noted:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for key, sequence in noted.items():
                    pipe.set(key, sequence, ex=LIFE_S)
                await pipe.execute()
        except _AWAY as error:
            log.warning("resume_hints_lost", error=f"{type(error).__name__}: {error}")


def _key(user_id: str, stream_id: str) -> str:
    return f"{PREFIX}{user_id}:{stream_id}"
