"""A logger loses an hour and keeps it: the hole is found, asked for and filled."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from services.chassis.clock import beijing, to_timestamp
from services.chassis.pb.ingest.v1 import ingest_pb2
from services.chassis.pb.ingest.v1 import transmission_pb2 as pb
from services.chassis.pb.ingest.v1 import transmission_pb2_grpc as rpc
from tests.e2e.clients import Person, logger_of, wait_until
from tests.e2e.platform import RunningPlatform

pytestmark = pytest.mark.e2e

OUTLET = "91130481FARX00013L-DA001"
THIS_HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
LOST = THIS_HOUR - timedelta(hours=4)


@pytest.fixture(scope="module")
def back(seeded_platform: RunningPlatform) -> Iterator[Person]:
    """An operator; the outlet's logger is connected and did not send one hour."""
    platform = seeded_platform
    logger = logger_of(OUTLET)
    process = platform.start_command(
        "simulate", "--only", logger.mn, "--version", "2017", "--honest", "--history", "1",
        "--lose", f"{beijing(LOST):%H}", "--live", "--state", str(platform.data / "lost.json"),
    )  # fmt: skip
    try:
        wait_until(lambda: set_back(platform, logger.mn), 90, "the logger's session")
        yield platform.operator()
    finally:
        process.terminate()
        process.communicate(timeout=30)


def set_back(platform: RunningPlatform, mn: str) -> bool:
    """Let the logger be known for six hours and connected for one, so that nobody has to wait."""
    with psycopg.connect(platform.env["DATABASE_URL"]) as connection:
        known = connection.execute(
            "UPDATE ingest.monitor_point SET since = %s WHERE mn = %s",
            (THIS_HOUR - timedelta(hours=6), mn),
        )
        connection.execute(
            "UPDATE ingest.logger_session SET opened_at = opened_at - interval '1 hour'"
            " WHERE mn = %s AND closed_at IS NULL AND opened_at > now() - interval '30 minutes'",
            (mn,),
        )
        there = connection.execute(
            "SELECT FROM ingest.logger_session WHERE mn = %s AND closed_at IS NULL", (mn,)
        )
        return bool(known.rowcount and there.rowcount)


def certificate(person: Person) -> pb.Certificate | None:
    """The lost hour's certificate, once it is fixed."""
    stub = rpc.TransmissionServiceStub(person._channel)
    request = pb.GetCompletenessRequest(
        outlet_id=OUTLET,
        start=to_timestamp(LOST),
        end=to_timestamp(LOST + timedelta(hours=1)),
        kind=ingest_pb2.READING_KIND_HOUR,
    )
    answer = stub.GetCompleteness(request, metadata=person.metadata, timeout=10)
    return next((one for one in answer.certificates if not one.open), None)


def test_a_lost_hour_is_asked_for_and_filled_beside_its_certificate(
    seeded_platform: RunningPlatform, back: Person
) -> None:
    """Certified as missing; then filled because it was asked for, with the fixed part unchanged."""
    fixed = wait_until(lambda: certificate(back), 120, "the hour's certificate")
    mn = logger_of(OUTLET).mn

    def filled() -> pb.Certificate | None:
        set_back(seeded_platform, mn)  # a logger that dialled again would have to wait again
        now = certificate(back)
        return now if now is not None and now.after.filled else None

    after = wait_until(filled, 120, "the fill")

    assert (fixed.due, fixed.missing) == (1, 1)
    assert (after.missing, after.after.late, after.after.filled) == (1, 0, 1)
    assert after.sm3 == fixed.sm3
    assert after.after.first_at.ToDatetime(tzinfo=UTC) > after.closed_at.ToDatetime(tzinfo=UTC)


def test_the_command_shows_the_rate_in_both_versions(
    seeded_platform: RunningPlatform, back: Person
) -> None:
    """`farsight rate` of that day: the hour is due, not in time, and filled since."""
    wait_until(lambda: (one := certificate(back)) and one.after.filled, 240, "the fill")
    day = f"{beijing(LOST):%Y-%m-%d}"
    common = ("rate", "--data", str(seeded_platform.data), "--day", day, "--by", "outlet")

    found = seeded_platform.json_command(*common, "--json")
    table = seeded_platform.run_command(*common)

    (row,) = (one for one in found["rates"] if one["key"] == OUTLET)
    assert row["due"] >= 1
    assert row["realtime"] < row["after_fill"]
    assert row["provisional"]
    assert OUTLET in table
