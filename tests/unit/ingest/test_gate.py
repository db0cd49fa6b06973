"""The gate's parts without a network: directory, admission, gathering."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.chassis.errors import Unavailable
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.ingest.gate.admission import refusal
from services.ingest.gate.directory import Directory, LoggerEntry
from services.ingest.gate.gathering import Gatherer
from services.ingest.hj212.session import Received, Session

from .frames import REALTIME

NOW = datetime(2016, 8, 1, 1, tzinfo=UTC)
FUTURE = timedelta(minutes=10)
MN = "010000A8900016F000169DC0"


def logger_record(revision: int, *, deleted: bool = False, **fields: Any) -> registry.Record:
    """A logger's record."""
    values = {"mn": MN, "outlet_id": "X-DW001", "password": "123456", "enabled": True}
    body = registry.Logger(**{**values, **fields})
    return registry.Record(
        kind=registry.RECORD_KIND_LOGGER, key=MN, revision=revision, deleted=deleted, logger=body
    )


def entry(**fields: Any) -> LoggerEntry:
    """The logger of the golden frame."""
    values = {"mn": MN, "outlet_id": "X", "password": "123456", "st": "32", "enabled": True}
    return LoggerEntry(**{**values, **fields})


class Peer:
    """Who stands at the other end: anybody, without a certificate."""

    address = None
    certificate = ""


def received() -> Received:
    """The golden real-time frame."""
    (one,) = Session(0.0).receive(REALTIME, 0.0)
    return one


@pytest.mark.parametrize(
    ("logger", "now", "expected"),
    [
        (entry(), NOW, ""),
        (None, NOW, "unknown_mn"),
        (entry(enabled=False), NOW, "disabled"),
        (entry(password="1"), NOW, "wrong_password"),
        (entry(), NOW - timedelta(minutes=11, seconds=4), "future_time"),
        (entry(), NOW - timedelta(minutes=11, seconds=3), ""),
        (entry(), NOW + timedelta(days=9000), ""),
    ],
)
def test_first_reason_against_a_frame(logger: LoggerEntry | None, now: datetime, expected: str):
    """DataTime is 00:58:57 UTC: ten minutes ahead are allowed, lateness always."""
    assert refusal(received(), logger, Peer(), now, FUTURE) == expected


def test_a_password_that_an_order_sets_counts_until_the_record_changes():
    """The logger uses it before the registry has heard of it."""
    directory = Directory()
    directory.apply([logger_record(1, password="1")])
    directory.expect_password(MN, "123456")
    directory.expect_password("nobody", "123456")

    def reason() -> str:
        expected = directory.next_password(MN)
        return refusal(
            received(), directory.logger(MN), Peer(), NOW, FUTURE, next_password=expected
        )

    assert reason() == ""
    directory.apply([logger_record(2, password="2")])
    assert reason() == "wrong_password"
    assert directory.next_password("nobody") == ""


def test_fault_of_the_bytes_comes_before_everything():
    """Garbage has no sender to judge."""
    assert refusal(Received(b"x", 0, None, reason="crc"), None, Peer(), NOW, FUTURE) == "crc"


def test_directory_keeps_the_newest_record_in_any_order():
    """A snapshot page that comes after an event must not bring the old password back."""
    directory = Directory()

    assert directory.apply([logger_record(7, password="new"), logger_record(3)]) == 1
    found = directory.logger(MN)
    assert found is not None
    assert found.password == "new"
    assert directory.revision == 7


def test_directory_forgets_the_deleted_and_follows_a_swapped_logger():
    """Pushed readings of an outlet are stored under its logger's MN while it has one."""
    directory = Directory()
    directory.apply([logger_record(1)])
    assert directory.mn_of("X-DW001") == MN

    directory.apply([logger_record(2, outlet_id="X-DW002")])
    assert directory.mn_of("X-DW001") == "push:X-DW001"
    assert directory.mn_of("X-DW002") == MN

    directory.apply([logger_record(3, deleted=True), logger_record(2)])
    assert directory.logger(MN) is None
    assert len(directory) == 0


def test_directory_ignores_other_kinds_but_notes_their_revision():
    """A later snapshot starts where the copy ends."""
    directory = Directory()
    record = registry.Record(kind=registry.RECORD_KIND_TEAM, key="t", revision=9)

    assert directory.apply([record]) == 0
    assert directory.revision == 9


class Bus:
    """A publisher that can be told to fail, and remembers."""

    def __init__(self) -> None:
        self.sent: list[pb.ReadingBatch] = []
        self.tries: list[str] = []
        self.failures = 0

    async def publish(self, batch: pb.ReadingBatch) -> None:
        """Confirm, or not."""
        self.tries.append(batch.batch_id)
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise Unavailable("away")
        self.sent.append(batch)


def gatherer(bus: Bus, **options: Any) -> Gatherer:
    """A gatherer of two partitions with small batches."""
    values = {"partitions": 2, "gate_id": "g", "linger_s": 0.02, "batch_frames": 3}
    made = Gatherer(bus.publish, **{**values, "pending_frames": 8, **options})
    made.start()
    return made


async def settled(gathering: Gatherer) -> None:
    """Wait until every frame was confirmed."""
    done = asyncio.Event()
    before = gathering.on_pressure

    def look() -> None:
        before()
        if not gathering.pending:
            done.set()

    gathering.on_pressure = look
    await done.wait()


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine."""
    asyncio.run(asyncio.wait_for(work, 10))


def test_frames_are_batched_in_order_and_answered_after_the_confirm():
    """Seven frames make batches of three, three and one; each answer follows its batch."""

    async def work() -> None:
        bus, answered = Bus(), []
        gathering = gatherer(bus)
        for number in range(7):
            gathering.add(0, pb.Frame(qn=str(number)), (), lambda n=number: answered.append(n))
        assert answered == []
        await settled(gathering)

        assert [[f.qn for f in b.frames] for b in bus.sent] == [
            ["0", "1", "2"],
            ["3", "4", "5"],
            ["6"],
        ]
        assert answered == list(range(7))
        assert await gathering.drain(1) == 0

    run(work())


def test_unconfirmed_batch_is_sent_again_with_its_id_before_the_next(
    monkeypatch: pytest.MonkeyPatch,
):
    """Order and identity survive a bus that is away, so the first value stays the first."""
    monkeypatch.setattr("services.ingest.gate.gathering.RETRY_S", 0.001)

    async def work() -> None:
        bus, answered = Bus(), []
        bus.failures = 4
        gathering = gatherer(bus)
        for number in range(6):
            gathering.add(1, pb.Frame(qn=str(number)), (), lambda n=number: answered.append(n))
        await settled(gathering)

        assert len(set(bus.tries[:5])) == 1
        assert [f.qn for b in bus.sent for f in b.frames] == [str(n) for n in range(6)]
        assert answered == list(range(6))
        await gathering.drain(1)

    run(work())


def test_pressure_is_told_at_the_limit_and_released_at_half(monkeypatch: pytest.MonkeyPatch):
    """Reading stops at the limit and starts again when half of it is confirmed."""
    monkeypatch.setattr("services.ingest.gate.gathering.RETRY_S", 0.001)

    async def work() -> None:
        bus = Bus()
        bus.failures = 10**9
        gathering = gatherer(bus)
        told = []
        gathering.on_pressure = lambda: told.append((gathering.full, gathering.has_room))
        for number in range(8):
            gathering.add(0, pb.Frame(qn=str(number)))

        assert told == [(True, False)]
        bus.failures = 0
        await settled(gathering)
        assert told[-1] == (False, True)
        await gathering.drain(1)

    run(work())


def test_drain_gives_up_after_its_time_and_says_what_stays_behind():
    """A stop while the bus is away must end; what was not confirmed was not answered."""

    async def work() -> None:
        bus, answered = Bus(), []
        bus.failures = 10**9
        gathering = gatherer(bus)
        gathering.add(0, pb.Frame(), (), lambda: answered.append(1))

        assert await gathering.drain(0.05) == 1
        assert answered == []

    run(work())
