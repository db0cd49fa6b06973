"""`TransmissionService` over real gRPC: who sees which rates, hours and holes, and who may ask."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from services.chassis.clock import BEIJING, to_timestamp
from services.chassis.db import Database
from services.chassis.errors import FarsightError, Forbidden, InputRejected, NotFound
from services.chassis.grpc_host import bearer, client_channel, error_from
from services.chassis.identity import Actor, Role, Tokens, create_token_key
from services.chassis.pb.ingest.v1 import ingest_pb2
from services.chassis.pb.ingest.v1 import transmission_pb2 as pb
from services.chassis.pb.ingest.v1 import transmission_pb2_grpc as rpc
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.replica import apply_records
from services.ingest.app.close_hours import close_hours
from services.ingest.app.keep_points import refresh_points
from services.ingest.rules import completeness_rules
from tests.integration.detect_rig import free_port

PLANTS = {"130402": "91130402MA0RATES1A", "130403": "91130403MA0RATES2B"}
OUTLETS = {division: f"{code}-DA001" for division, code in PLANTS.items()}
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
START = NOW - timedelta(hours=30)

WHO = {
    "county": Actor("u1", Role.OFFICER, "130402", name="王"),
    "city": Actor("u2", Role.LEADER, "130400", name="赵"),
    "far": Actor("u4", Role.OFFICER, "130500", name="孙"),
    "plant": Actor("u5", Role.ENTERPRISE, "", PLANTS["130402"], name="厂"),
    "operator": Actor("u7", Role.OPERATOR, "130000", name="维"),
    "police": Actor("u9", Role.POLICE, "130400", name="警"),
}
#: Counties whose outlet each caller sees; None = no right to readings at all.
SEES: dict[str, tuple[str, ...] | None] = {
    "county": ("130402",),
    "city": ("130402", "130403"),
    "far": (),
    "plant": ("130402",),
    "operator": ("130402", "130403"),
    "police": None,
}


def fill(url: str) -> None:
    """Two outlets of two counties, of which nothing ever came."""
    database = Database(url, "ingest")
    records = []
    for number, (division, outlet_id) in enumerate(OUTLETS.items()):
        outlet = registry.Outlet(
            outlet_id=outlet_id, credit_code=PLANTS[division], division=division
        )
        logger = registry.Logger(
            mn=f"{number:024d}", outlet_id=outlet_id, st="31", enabled=True, minute_interval_min=10
        )
        kinds = registry.RECORD_KIND_OUTLET, registry.RECORD_KIND_LOGGER
        revision = 2 * number + 1
        records += [
            registry.Record(kind=kinds[0], key=outlet_id, outlet=outlet, revision=revision),
            registry.Record(kind=kinds[1], key=logger.mn, logger=logger, revision=revision + 1),
        ]
    rules = completeness_rules()
    with database.transaction() as session:
        apply_records(session, records)
        refresh_points(session, 1, rules, START)
    while close_hours(database, rules, NOW, NOW - timedelta(days=2)):
        pass
    database.engine.dispose()


class Door:
    """A running doors process and its client."""

    def __init__(self, address: str, tokens: Tokens) -> None:
        self._stub = rpc.TransmissionServiceStub(client_channel(address))
        self._tokens = tokens

    def call(self, method: str, request, who: str):
        """Call as somebody; the platform's own errors come back."""
        metadata = bearer(self._tokens.issue(WHO[who])[0])
        try:
            return getattr(self._stub, method)(request, metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            raise error_from(error) from error


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory) -> Iterator[Door]:
    """The doors process over two outlets' holes."""
    url, folder = migrated_db("ingest"), tmp_path_factory.mktemp("door")
    fill(url)
    key = folder / "token.jwk"
    create_token_key(key)
    address, probe = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "services.chassis.doors", "ingest"],
        env={
            "DATABASE_URL": url, "FARSIGHT_TOKEN_KEY": str(key), "FARSIGHT_GRPC_BIND": address,
            "FARSIGHT_PROBE_BIND": probe, "PATH": "/usr/bin:/bin", "FARSIGHT_DATA": str(folder),
        },
    )  # fmt: skip
    try:
        await_ready(probe)
        yield Door(address, Tokens(key))
    finally:
        process.terminate()
        process.wait(30)


def await_ready(probe: str) -> None:
    """Wait until the doors are open."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://{probe}/readyz", timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail("the doors process is not ready after 60 s")


MONTH = (START + timedelta(hours=12)).astimezone(BEIJING).strftime("%Y-%m")


def rates(door: Door, who: str, **fields: object) -> pb.ListRatesResponse:
    """Rates of the month by county."""
    values: dict[str, object] = {"month": MONTH, "level": pb.RATE_LEVEL_COUNTY}
    return door.call("ListRates", pb.ListRatesRequest(**{**values, **fields}), who)


def span(**fields: object) -> dict[str, object]:
    """The hours that were closed."""
    return {"start": to_timestamp(START), "end": to_timestamp(NOW), **fields}


@pytest.mark.parametrize("who", SEES)
def test_each_caller_sees_the_rates_and_holes_of_its_own_outlets(door: Door, who: str) -> None:
    """Counties, totals and holes are cut to the jurisdiction; no right, no answer."""
    seen = SEES[who]
    if seen is None:
        with pytest.raises(Forbidden):
            rates(door, who)
        return

    answer = rates(door, who)
    holes = door.call("ListHoles", pb.ListHolesRequest(), who)

    assert sorted(one.key for one in answer.rates) == sorted(seen)
    assert answer.total.outlets == len(seen)
    assert {one.outlet_id for one in holes.holes} == {OUTLETS[division] for division in seen}


@pytest.mark.parametrize("who", SEES)
@pytest.mark.parametrize("division", OUTLETS)
def test_an_outlet_s_hours_are_nobody_else_s_business(door: Door, who: str, division: str) -> None:
    """Inside: certificates; outside: as if the outlet did not exist."""
    request = pb.GetCompletenessRequest(outlet_id=OUTLETS[division], **span())
    if division not in (SEES[who] or ()):
        with pytest.raises(NotFound):
            door.call("GetCompleteness", request, who)
        return

    found = door.call("GetCompleteness", request, who).certificates

    fixed = [one for one in found if not one.open and one.kind == ingest_pb2.READING_KIND_HOUR]
    assert {(one.due, one.missing) for one in fixed} == {(1, 1)}
    assert all(len(one.sm3) == 32 for one in fixed)
    assert {one.kind for one in found} >= {
        ingest_pb2.READING_KIND_HOUR, ingest_pb2.READING_KIND_MINUTE,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("who", "division", "error"),
    [
        ("plant", "130402", NotFound),
        ("far", "130402", NotFound),
        ("county", "130403", NotFound),
        ("police", "130402", NotFound),
    ],
)
def test_a_logger_is_asked_only_by_who_may(
    door: Door, who: str, division: str, error: type[FarsightError]
) -> None:
    """A plant reads its rates and asks nobody; an officer asks in the own county only."""
    request = pb.AskBackfillRequest(outlet_id=OUTLETS[division], kind=3, **span())

    with pytest.raises(error):
        door.call("AskBackfill", request, who)


def test_an_officer_s_request_is_stored(door: Door) -> None:
    """The answer names the command; the hole is shown as asked for."""
    request = pb.AskBackfillRequest(outlet_id=OUTLETS["130402"], kind=3, **span())

    command_id = door.call("AskBackfill", request, "county").command_id

    holes = door.call("ListHoles", pb.ListHolesRequest(), "county").holes
    assert command_id
    assert {one.state for one in holes if one.kind == 3} == {"asked"}


@pytest.mark.parametrize(
    "fields",
    [{"level": 0}, {"month": "2026-13"}, {"day": "2026-11-22"}, {"kind": 9}],
    ids=["level", "month", "both", "kind"],
)
def test_a_request_that_cannot_be_read_is_refused(door: Door, fields: dict[str, object]) -> None:
    """Nothing is guessed."""
    with pytest.raises(InputRejected):
        rates(door, "city", **fields)


def test_nobody_asks_for_a_division_beyond_the_own(door: Door) -> None:
    """A county's officer names the city: refused."""
    with pytest.raises(Forbidden):
        rates(door, "county", division="130400")
