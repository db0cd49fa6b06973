"""Where a logger is: MN -> gate, in Redis, so that ingest can hand an order to the right replica.

The routes may be lost and rebuilt: a Redis that is away is logged, and ingestion does not notice.
A key lives 90 s and is renewed each 30 s; a gate that was killed leaves routes that end by
themselves.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.chassis.log import get_logger
from services.ingest.gate import metrics

log = get_logger(__name__)

PREFIX = "farsight:route:"
LIFE_S = 90
RENEW_S = 30.0
RETRY_S = 1.0
CHUNK = 500  # keys of one call
_AWAY = (RedisError, OSError, TimeoutError)

# Renews what is ours or nobody's; gives the places of the keys that another gate holds.
_RENEW = """
local others = {}
for place, key in ipairs(KEYS) do
  local holder = redis.call('GET', key)
  if holder == false or holder == ARGV[1] then
    redis.call('SET', key, ARGV[1], 'EX', ARGV[2])
  else
    others[#others + 1] = place
  end
end
return others
"""
_RELEASE = """
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
"""


class Routes:
    """Keeps the routes of this gate's loggers; `held` gives the loggers that are here."""

    def __init__(self, redis: "Redis", gate_id: str, held: Callable[[], Iterable[str]]) -> None:
        self._redis = redis
        self._gate_id = gate_id
        self._held = held
        self._claimed: set[str] = set()
        self._released: set[str] = set()
        self._wake = asyncio.Event()
        self._away = False
        self.on_elsewhere: Callable[[str], None] = lambda _mn: None  # another gate holds it too

    def claim(self, mn: str) -> None:
        """The logger is here from now on, wherever it was before."""
        self._released.discard(mn)
        self._claimed.add(mn)
        self._wake.set()

    def release(self, mn: str) -> None:
        """The logger is gone."""
        self._claimed.discard(mn)
        self._released.add(mn)
        self._wake.set()

    async def run(self) -> None:
        """Write changes at once and renew each 30 s; ends only by being cancelled."""
        loop = asyncio.get_running_loop()
        renew_at = loop.time() + RENEW_S
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, renew_at - loop.time()))
            self._wake.clear()
            try:
                await self._write_changes()
                if loop.time() >= renew_at:
                    await self._renew()
                    renew_at = loop.time() + RENEW_S
            except _AWAY as error:
                self._note_away(error)
                self._wake.set()  # what was not written is tried again
                await asyncio.sleep(RETRY_S)
            else:
                self._note_back()

    async def close(self) -> None:
        """Give up every route that is still ours, if Redis is there."""
        self._released.update(self._held())
        self._claimed.clear()
        try:
            await self._write_changes()
        except _AWAY as error:
            self._note_away(error)

    async def _write_changes(self) -> None:
        for some in _chunks(self._claimed):
            async with self._redis.pipeline(transaction=False) as pipe:
                for mn in some:
                    pipe.set(PREFIX + mn, self._gate_id, ex=LIFE_S)
                await pipe.execute()
            self._claimed.difference_update(some)
        for some in _chunks(self._released):
            await self._run(_RELEASE, some, self._gate_id)
            self._released.difference_update(some)

    async def _renew(self) -> None:
        for some in _chunks(self._held()):
            for place in await self._run(_RENEW, some, self._gate_id, str(LIFE_S)):
                self.on_elsewhere(some[place - 1])

    async def _run(self, script: str, mns: list[str], *arguments: str) -> list[int]:
        keys = [PREFIX + mn for mn in mns]
        answer: list[int] | None = await self._redis.eval(script, len(keys), *keys, *arguments)
        return answer or []

    def _note_away(self, error: BaseException) -> None:
        if not self._away:
            log.warning("redis_away", setting="REDIS_URL", error=f"{type(error).__name__}: {error}")
        self._away = True
        metrics.REDIS_UP.set(0)

    def _note_back(self) -> None:
        if self._away:
            log.info("redis_back")
        self._away = False
        metrics.REDIS_UP.set(1)


def _chunks(mns: Iterable[str]) -> Iterator[list[str]]:
    names = list(mns)
    for start in range(0, len(names), CHUNK):
        yield names[start : start + CHUNK]
