"""Received, corrected and exempted values side by side, each with why and when it came."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from services.chassis.clock import from_unix
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.tables import OutboxRow
from services.ingest import wire
from services.ingest.app.get_readings import get_readings
from services.ingest.domain.readings import StoredValue
from tests.integration.settling_bench import HOUR, NOW, Bench, so2


@pytest.fixture
def bench(migrated_db: Callable[..., str], tmp_path: Path) -> Bench:
    """A bench on this module's database."""
    return Bench(migrated_db("ingest"), tmp_path / "archive")


def values(bench: Bench) -> list[StoredValue]:
    """Everything that is kept of the hour."""
    with bench.database.transaction() as session:
        end = HOUR + timedelta(hours=1)
        return get_readings(session, bench.outlet, 3, HOUR, end, with_versions=True)


def events(bench: Bench) -> int:
    """Events that wait in the outbox."""
    with bench.database.transaction() as session:
        return session.scalar(select(func.count()).select_from(OutboxRow)) or 0


def at(minutes: int) -> int:
    """Arrival so long after the first frame, unix microseconds."""
    return int((NOW + timedelta(minutes=minutes)).timestamp() * 1e6)


def test_a_value_says_why_and_when_it_came(bench: Bench) -> None:
    """Live first; a factor that a later RF frame adds keeps its own origin and arrival."""
    bench.run((bench.frame(origin=pb.ORIGIN_LIVE), so2(31.5)))
    later = bench.frame(qn="2", origin=pb.ORIGIN_BACKFILL, received_at_us=at(30))
    bench.run((later, so2(62.0, code="a21002")))

    found = {one.factor: (one.origin, from_unix(one.received_at_s)) for one in values(bench)}

    assert found == {
        "a21026": (pb.ORIGIN_LIVE, NOW),
        "a21002": (pb.ORIGIN_BACKFILL, NOW + timedelta(minutes=30)),
    }


def test_a_backfill_never_overwrites_what_was_received_first(bench: Bench) -> None:
    """A deviating RF value is a version with its origin; the first stays, one event tells."""
    before = events(bench)
    bench.run((bench.frame(origin=pb.ORIGIN_LIVE), so2(90.0)))
    later = bench.frame(qn="2", origin=pb.ORIGIN_BACKFILL, received_at_us=at(60))
    settled = bench.run((later, so2(30.0)))

    first, second = values(bench)

    assert (first.values.value, first.version, first.origin) == (90.0, 0, pb.ORIGIN_LIVE)
    assert (second.values.value, second.version, second.origin) == (30.0, 1, pb.ORIGIN_BACKFILL)
    assert second.state == pb.VALUE_STATE_RECEIVED
    assert (settled.conflicts, events(bench) - before) == (1, 1)


def test_corrected_and_exempted_values_stand_beside_without_an_alarm(bench: Bench) -> None:
    """修正 and 豁免修正 are a platform's statement: kept with state, no conflict, once each."""
    before = events(bench)
    bench.run((bench.frame(origin=pb.ORIGIN_LIVE), so2(90.0)))
    corrected = bench.run((bench.frame(qn="2", value_state=pb.VALUE_STATE_CORRECTED), so2(45.0)))
    exempted = bench.run((bench.frame(qn="3", value_state=pb.VALUE_STATE_EXEMPTED), so2(45.0)))
    again = bench.run((bench.frame(qn="4", value_state=pb.VALUE_STATE_CORRECTED), so2(45.0)))

    answer = wire.series_message(bench.outlet, 3, values(bench))

    (series,) = answer.factors
    assert list(series.value) == [90.0, 45.0, 45.0]
    assert list(series.state) == [
        pb.VALUE_STATE_RECEIVED, pb.VALUE_STATE_CORRECTED, pb.VALUE_STATE_EXEMPTED,
    ]  # fmt: skip
    assert list(series.version) == [0, 1, 2]
    assert series.received_at_s[0] == int(NOW.timestamp())
    assert [one.frames["accepted"] for one in (corrected, exempted, again)] == [1, 1, 0]
    assert again.frames["duplicate"] == 1
    assert events(bench) == before


def test_a_corrected_value_is_no_first_value(bench: Bench) -> None:
    """Before anything came, a corrected value fills nothing: what comes later is the first."""
    bench.run((bench.frame(value_state=pb.VALUE_STATE_CORRECTED), so2(45.0)))
    bench.run((bench.frame(qn="2", origin=pb.ORIGIN_ASKED), so2(90.0)))

    found = [(one.values.value, one.version, one.origin) for one in values(bench)]

    assert found == [(90.0, 0, pb.ORIGIN_ASKED), (45.0, 1, 0)]
