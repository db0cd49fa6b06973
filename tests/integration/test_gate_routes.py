"""Routes of two gates in a real Redis: who holds what, who gives up what, what comes back."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from redis.asyncio import Redis

from services.ingest.gate import routes as module
from services.ingest.gate.routes import Routes

pytestmark = pytest.mark.timeout(60)


class Gate:
    """One gate's routes and the loggers that are connected to it."""

    def __init__(self, redis: "Redis", name: str) -> None:
        self.here: list[str] = []
        self.elsewhere: list[str] = []
        self.routes = Routes(redis, name, lambda: self.here)
        self.routes.on_elsewhere = self.elsewhere.append
        self.task = asyncio.create_task(self.routes.run())

    def came(self, mn: str) -> None:
        """A logger connects."""
        self.here.append(mn)
        self.routes.claim(mn)

    def went(self, mn: str) -> None:
        """It hangs up."""
        self.here.remove(mn)
        self.routes.release(mn)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine."""
    asyncio.run(asyncio.wait_for(work, 20))


async def until(check: Callable[[], Any]) -> None:
    """Poll until it is so; the test's own limit ends the wait."""
    while True:
        told = check()
        if await told if asyncio.iscoroutine(told) else told:
            return
        await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renew each tenth of a second."""
    monkeypatch.setattr(module, "RENEW_S", 0.1)
    monkeypatch.setattr(module, "RETRY_S", 0.05)


def test_a_logger_that_moved_belongs_to_the_gate_it_moved_to(redis_url: str):
    """The old gate hears of it at its next renewal, and its goodbye leaves the new route alone."""

    async def work() -> None:
        redis = Redis.from_url(redis_url, decode_responses=True)
        mn = uuid.uuid4().hex
        key = module.PREFIX + mn
        old, new = Gate(redis, "old"), Gate(redis, "new")

        async def held_by(name: str | None) -> bool:
            return await redis.get(key) == name

        old.came(mn)
        await until(lambda: held_by("old"))
        new.came(mn)
        await until(lambda: held_by("new"))
        await until(lambda: mn in old.elsewhere)
        old.went(mn)
        await asyncio.sleep(0.25)
        assert await held_by("new")
        assert new.elsewhere == []

        await redis.delete(key)  # a Redis that was emptied is filled again
        await until(lambda: held_by("new"))
        assert 60 < await redis.ttl(key) <= 90
        await new.routes.close()
        assert await held_by(None)
        for gate in (old, new):
            gate.task.cancel()
        await redis.aclose()

    run(work())


def test_a_redis_that_is_away_costs_nothing_and_is_tried_again():
    """Claims return at once; what was not written is kept."""

    async def work() -> None:
        gate = Gate(Redis.from_url("redis://127.0.0.1:1/0", socket_timeout=1), "g")
        for number in range(1000):
            gate.came(str(number))
        await asyncio.sleep(0.3)

        assert not gate.task.done()
        assert len(gate.routes._claimed) == 1000
        gate.task.cancel()

    run(work())
