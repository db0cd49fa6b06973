"""Certificates of completeness on a real PostgreSQL, against a count by hand."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kombu import Connection, Queue
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.chassis.bus.topology import (
    RETRY_DELAYS_MS,
    declare_topology,
    reading_queue,
    retry_spec,
)
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.replica import apply_records
from services.ingest import fill_store
from services.ingest.app.close_hours import close_hours
from services.ingest.app.keep_points import keep_points
from services.ingest.backlog import Backlog
from services.ingest.rules import completeness_rules
from tests.integration.gate_rig import wait_until
from tests.integration.settling_bench import Bench, so2

HOUR = datetime(2026, 11, 22, 2, tzinfo=UTC)
CLOSED = HOUR + timedelta(hours=2)
RULES = completeness_rules()
CNS = {pb.READING_KIND_MINUTE: "2051", pb.READING_KIND_HOUR: "2061"}


@dataclass(frozen=True)
class Arrival:
    """One frame: a slot of the hour, when it came, how."""

    kind: int
    slot: int
    at: datetime
    origin: int = pb.ORIGIN_LIVE
    flag: str = "N"

    @property
    def data_time(self) -> datetime:
        """DataTime: the slot's start."""
        return HOUR + (self.slot * timedelta(minutes=10) if self.kind == 2 else timedelta(0))


def watch(bench: Bench, *, minute_min: int = 10, factors: tuple[str, ...] = ()) -> None:
    """Register the bench's logger, long before the hour."""
    outlet = registry.Outlet(
        outlet_id=bench.outlet, credit_code=bench.outlet[:18], division="130402", factors=factors
    )
    logger = registry.Logger(
        mn=bench.mn, outlet_id=bench.outlet, minute_interval_min=minute_min, enabled=True
    )
    records = [
        registry.Record(kind=registry.RECORD_KIND_OUTLET, key=bench.outlet, outlet=outlet),
        registry.Record(kind=registry.RECORD_KIND_LOGGER, key=bench.mn, logger=logger, revision=1),
    ]
    with bench.database.transaction() as session:
        apply_records(session, records)
        keep_points(session, records, 1, RULES, HOUR - timedelta(minutes=30))


def settle(bench: Bench, arrivals: list[Arrival]) -> None:
    """Settle frames one by one, at the moment they came."""
    for one in arrivals:
        bench.now = one.at
        frame = bench.frame(
            cn=CNS[one.kind],
            data_time_s=int(one.data_time.timestamp()),
            received_at_us=int(one.at.timestamp() * 1e6),
            origin=one.origin,
        )
        bench.run((frame, so2(40.0, one.flag)))


def close(bench: Bench, now: datetime = CLOSED) -> None:
    """Close what is due; nothing is left to settle."""
    started = now - timedelta(hours=1)
    with bench.database.transaction() as session:
        session.execute(text("DELETE FROM settled_until"))
    while close_hours(bench.database, RULES, now, started):
        pass


def count_fills(bench: Bench) -> None:
    """Count what came after the closing."""
    with bench.database.transaction() as session:
        fill_store.count_fills(session, 1000)


def certificate(bench: Bench, kind: int) -> dict[str, Any]:
    """The certificate of the hour."""
    query = text("SELECT * FROM certificate WHERE outlet_id = :o AND hour = :h AND kind = :k")
    with bench.database.transaction() as session:
        row = session.execute(query, {"o": bench.outlet, "h": HOUR, "k": kind}).one()
    return dict(row._mapping)


def fill(bench: Bench, kind: int) -> tuple[int, int] | None:
    """(late, filled) after the closing."""
    query = text("SELECT late, filled FROM certificate_fill WHERE outlet_id = :o AND kind = :k")
    with bench.database.transaction() as session:
        row = session.execute(query, {"o": bench.outlet, "k": kind}).first()
    return (row.late, row.filled) if row else None


def counts(row: dict[str, Any]) -> dict[str, int]:
    """The counts that are not zero."""
    names = ("due", "came", "late", "filled", "failed", "stopped", "missing")
    return {name: row[name] for name in names if row[name]}


@pytest.fixture
def bench(migrated_db: Callable[..., str], tmp_path: Path) -> Bench:
    """A bench on this module's database, with its logger registered."""
    made = Bench(migrated_db("ingest"), tmp_path / "archive")
    with made.database.transaction() as session:
        session.execute(text("DELETE FROM monitor_point"))
        session.execute(text("DELETE FROM certificate_close"))
    watch(made)
    return made


def minutes(*slots: int, at: datetime | None = None, origin: int = pb.ORIGIN_LIVE) -> list[Arrival]:
    """Ten-minute values, in time unless said otherwise."""
    kind = pb.READING_KIND_MINUTE
    plain = [Arrival(kind, slot, HOUR, origin) for slot in slots]
    return [replace(a, at=at or a.data_time + timedelta(minutes=11)) for a in plain]


def test_each_slot_is_certified_by_how_it_came(bench: Bench) -> None:
    """In time, late, marked RF, stopped and missing are told apart, and add up to what was due."""
    late = minutes(2, at=HOUR + timedelta(minutes=80))
    marked = minutes(3, at=HOUR + timedelta(minutes=41), origin=pb.ORIGIN_BACKFILL)
    stopped = [replace(minutes(4)[0], flag="F")]
    settle(bench, [*minutes(0, 1), *late, *marked, *stopped])

    close(bench)

    row = certificate(bench, pb.READING_KIND_MINUTE)
    assert counts(row) == {
        "due": 6, "came": 2, "late": 1, "filled": 1, "stopped": 1, "missing": 1,
    }  # fmt: skip
    assert counts(certificate(bench, pb.READING_KIND_HOUR)) == {"due": 1, "missing": 1}
    assert row["closed_at"] == CLOSED


def test_a_refused_frame_makes_its_slot_failed_and_not_missing(bench: Bench) -> None:
    """The hour's frame came with a wrong CRC: failed; a good one later in time would heal it."""
    bench.now = HOUR + timedelta(minutes=61)
    frame = bench.frame(
        outcome=pb.OUTCOME_REFUSED, reason="crc", data_time_s=0,
        received_at_us=int(bench.now.timestamp() * 1e6),
    )  # fmt: skip
    bench.run((frame, []))

    close(bench)

    assert counts(certificate(bench, pb.READING_KIND_HOUR)) == {"due": 1, "failed": 1}


def test_a_backfill_never_rewrites_what_was_certified(bench: Bench) -> None:
    """Back-filled after the closing: the fixed row stays to the byte, the fill stands aside."""
    settle(bench, minutes(0, 1))
    close(bench)
    before = certificate(bench, pb.READING_KIND_MINUTE)

    later = CLOSED + timedelta(hours=3)
    settle(bench, minutes(2, 3, at=later, origin=pb.ORIGIN_ASKED) + minutes(4, at=later))
    count_fills(bench)
    close(bench, CLOSED + timedelta(hours=5))

    assert certificate(bench, pb.READING_KIND_MINUTE) == before
    assert fill(bench, pb.READING_KIND_MINUTE) == (1, 2)


@pytest.mark.parametrize(
    "act", ["UPDATE certificate SET came = came", "DELETE FROM certificate WHERE due > 0"]
)
def test_the_database_itself_refuses_to_change_a_certificate(bench: Bench, act: str) -> None:
    """The service's role has no right to update or delete: nobody gets round the rule in code."""
    close(bench)

    with pytest.raises(ProgrammingError) as refused, bench.database.transaction() as session:
        session.execute(text(act))

    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_an_hour_waits_for_what_is_still_to_be_settled(bench: Bench) -> None:
    """While batches are settled that arrived before the closing, nothing is certified."""
    settle(bench, minutes(0))
    with bench.database.transaction() as session:
        session.execute(text("UPDATE settled_until SET settled_at = :now"), {"now": CLOSED})

    waiting = close_hours(bench.database, RULES, CLOSED, CLOSED - timedelta(hours=9))
    with bench.database.transaction() as session:
        session.execute(text("UPDATE settled_until SET received_at = :now"), {"now": CLOSED})
    closed = close_hours(bench.database, RULES, CLOSED, CLOSED - timedelta(hours=9))

    assert waiting == []
    assert [one.hour for one in closed] == [HOUR]


def test_an_hour_waits_while_the_bus_still_holds_frames(bench: Bench) -> None:
    """Nothing settled for long is no proof: ingest may have been cut off with a full queue."""
    settle(bench, minutes(0))
    long_ago = CLOSED - timedelta(hours=9)
    with bench.database.transaction() as session:
        quiet = "UPDATE settled_until SET settled_at = :then, received_at = :then"
        session.execute(text(quiet), {"then": long_ago})

    assert close_hours(bench.database, RULES, CLOSED, long_ago, lambda _part: True) == []
    assert close_hours(bench.database, RULES, CLOSED, long_ago, lambda _part: False)


def test_the_bus_is_asked_for_what_waits(amqp_uri: str) -> None:
    """An empty queue, one with a batch in it, and a broker that does not answer."""
    backlog, part = Backlog(amqp_uri), 1
    with Connection(amqp_uri) as connection:
        declare_topology(connection, 2)
        queue = Queue(reading_queue("ingest", part), channel=connection.default_channel)
        queue.purge()
        for delay in RETRY_DELAYS_MS:  # other tests' waiting rooms
            Queue(retry_spec(delay).name, channel=connection.default_channel).purge()
        before = backlog.waits(part)
        connection.Producer().publish(b"x", routing_key=queue.name)
        wait_until(lambda: backlog.waits(part))
        queue.purge()
        after = backlog.waits(part)

    assert (before, after) == (False, False)
    assert Backlog("amqp://127.0.0.1:1//").waits(part)


def test_a_day_is_closed_at_noon_of_the_next(bench: Bench) -> None:
    """A day's certificate stands under the day's start and closes 12 hours after its end."""
    day = datetime(2026, 11, 22, 16, tzinfo=UTC)
    noon = day + timedelta(hours=36)

    close(bench, noon - timedelta(seconds=1))
    with bench.database.transaction() as session:
        early = session.scalar(text("SELECT count(*) FROM certificate WHERE kind = 4"))
    close(bench, noon)

    with bench.database.transaction() as session:
        rows = session.execute(
            text("SELECT hour, missing FROM certificate WHERE kind = 4 AND outlet_id = :o"),
            {"o": bench.outlet},
        ).all()
    assert early == 0
    assert [tuple(row) for row in rows] == [(day, 1)]


ARRIVALS = st.lists(
    st.builds(
        Arrival,
        kind=st.sampled_from([pb.READING_KIND_MINUTE, pb.READING_KIND_HOUR]),
        slot=st.integers(0, 5),
        at=st.integers(0, 400).map(lambda m: HOUR + timedelta(minutes=m, seconds=7)),
        origin=st.sampled_from([pb.ORIGIN_LIVE, pb.ORIGIN_BACKFILL, pb.ORIGIN_ASKED]),
        flag=st.sampled_from("NNF"),
    ).filter(lambda a: a.at >= a.data_time),
    max_size=12,
    unique_by=lambda a: (a.kind, a.data_time),
)


def by_hand(arrivals: list[Arrival], kind: int) -> tuple[dict[str, int], tuple[int, int] | None]:
    """The certificate and its fill, slot by slot."""
    due, grace, period = (6, 15, 10) if kind == pb.READING_KIND_MINUTE else (1, 60, 60)
    mine = [a for a in arrivals if a.kind == kind]
    fixed = {"due": due, "missing": due}
    late = filled = 0
    for one in mine:
        if one.at >= CLOSED:
            filled += one.origin != pb.ORIGIN_LIVE
            late += one.origin == pb.ORIGIN_LIVE
            continue
        in_time = one.at <= one.data_time + timedelta(minutes=period + grace)
        way = "came" if in_time else "late"
        way = way if one.origin == pb.ORIGIN_LIVE else "filled"
        way = "stopped" if one.flag == "F" else way
        fixed[way] = fixed.get(way, 0) + 1
        fixed["missing"] -= 1
    return {k: v for k, v in fixed.items() if v}, (late, filled) if late + filled else None


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(arrivals=ARRIVALS, seed=st.integers(0, 10_000))
def test_any_order_of_arrivals_gives_the_certificate_counted_by_hand(
    bench: Bench, arrivals: list[Arrival], seed: int
) -> None:
    """Two outlets get the same frames, one in order and one shuffled: the same to the digest."""
    rows = []
    early = [a for a in arrivals if a.at < CLOSED]
    after = [a for a in arrivals if a.at >= CLOSED]
    shuffled = random.Random(seed).sample(early, len(early))
    for order in (early, shuffled):
        one = bench.sibling()
        watch(one)
        settle(one, order)
        rows.append(one)
    with bench.database.transaction() as session:
        session.execute(text("DELETE FROM certificate_close"))
        session.execute(
            text("DELETE FROM monitor_point WHERE NOT outlet_id = ANY(:them)"),
            {"them": [one.outlet for one in rows]},
        )
    close(bench)
    for one in rows:
        settle(one, random.Random(seed + 1).sample(after, len(after)))
    count_fills(bench)

    for kind in (pb.READING_KIND_MINUTE, pb.READING_KIND_HOUR):
        first, second = (certificate(one, kind) for one in rows)
        assert (counts(first), fill(rows[0], kind)) == by_hand(arrivals, kind)
        assert (counts(second), fill(rows[1], kind)) == by_hand(arrivals, kind)
        assert first["inputs_sha256"] == second["inputs_sha256"]


def test_furnace_means_alone_are_no_minute_frames(bench: Bench) -> None:
    """A furnace's five-minute means (2111) beside two minute frames: two came, four are missing."""
    settle(bench, minutes(0, 1))
    for minute in range(0, 60, 5):
        at = HOUR + timedelta(minutes=minute)
        bench.now = at + timedelta(minutes=6)
        frame = bench.frame(
            cn="2111",
            data_time_s=int(at.timestamp()),
            received_at_us=int(bench.now.timestamp() * 1e6),
        )
        bench.run((frame, so2(900.0, "N", "a01901")))

    close(bench)

    row = certificate(bench, pb.READING_KIND_MINUTE)
    assert counts(row) == {"due": 6, "came": 2, "missing": 4}
