"""Pushed streams over real processes: receipts, resume, outside things, who may see them."""

import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import grpc
import psycopg
import pytest

from farsight.load.stream import PushStream
from services.chassis import grpc_host
from services.chassis.clock import to_timestamp
from services.chassis.errors import Forbidden, InputRejected
from services.chassis.identity import Actor, Role
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.ingest.v1 import ingest_pb2_grpc as rpc
from services.chassis.pb.ingest.v1 import outside_pb2 as outside
from services.chassis.pb.ingest.v1 import outside_pb2_grpc as outside_rpc
from tests.conftest import migrate
from tests.integration.gate_rig import CREDIT, House, house, wait_until
from tests.servers import fresh_database

pytestmark = pytest.mark.timeout(240)

PLATFORM = Actor("province", Role.PLATFORM, division="130000")
COUNTY = Actor("county", Role.OFFICER, division="130402")
NEIGHBOUR = Actor("neighbour", Role.OFFICER, division="130403")
OPERATOR = Actor("operator", Role.OPERATOR, division="000000")
PLANT = Actor("plant", Role.ENTERPRISE, enterprise_id=CREDIT)
POLICE = Actor("police", Role.POLICE, division="130400")
START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def site(postgres_url, amqp_uri, redis_url, tmp_path_factory) -> Iterator[House]:
    """Gate, ingest and doors."""
    with fresh_database(postgres_url, "push") as url:
        for service in ("registry", "ingest"):
            migrate(url, service)
        with house(url, amqp_uri, tmp_path_factory.mktemp("push"), redis_url) as made:
            made.start_gate()
            made.start("ingest", "services.chassis.host", "ingest")
            yield made


def hour(number: int) -> datetime:
    """The `number`th hour of November."""
    return START + timedelta(hours=number)


def grid_value(number: int = 0, **fields: object) -> outside.OutsideItem:
    """A cell's hour."""
    values: dict[str, object] = {
        "cell": "G3-12-345",
        "pollutant": "a34004",
        "value": 88.0,
        "unit": "ug/m3",
        "start": to_timestamp(hour(number)),
        "end": to_timestamp(hour(number + 1)),
        "product": "hot-grid-2",
    }
    return outside.OutsideItem(
        place=outside.Place(division="130402"), grid=outside.GridValue(**{**values, **fields})
    )


def mark(outlet: str, revision: int = 1, **fields: object) -> outside.OutsideItem:
    """A furnace that is started."""
    values: dict[str, object] = {
        "mark_id": "m-1",
        "revision": revision,
        "family": outside.MARK_FAMILY_PRODUCTION,
        "condition": "mswi_ql",
        "start": to_timestamp(hour(5)),
        "end": to_timestamp(hour(9)),
        "reason": "启炉",
        "status": outside.MARK_STATUS_ACTIVE,
        "made_by": "plant",
    }
    return outside.OutsideItem(
        place=outside.Place(outlet_id=outlet), mark=outside.Mark(**{**values, **fields})
    )


def complaint(number: str = "c-1") -> outside.OutsideItem:
    """Somebody smells paint."""
    return outside.OutsideItem(
        place=outside.Place(division="130402", longitude=114.5, latitude=36.6, crs="GCJ02"),
        complaint=outside.Complaint(
            complaint_id=number,
            channel="12369",
            received_at=to_timestamp(hour(3)),
            category="odour",
            text="油漆味",
        ),
    )


def drone(**fields: object) -> outside.OutsideItem:
    """A drone's picture."""
    values: dict[str, object] = {
        "event_id": "e-1",
        "event": outside.EVENT_KIND_DRONE,
        "device_id": "uav-3",
        "start": to_timestamp(hour(4)),
        "media": [
            outside.Media(
                media_id="p1", type="image/jpeg", size=9, sha256=sha256(b"a picture").digest()
            )
        ],
    }
    return outside.OutsideItem(
        place=outside.Place(division="130402"),
        source="flight-log",
        event=outside.DeviceEvent(**{**values, **fields}),
    )


def meter() -> outside.OutsideItem:
    """A fan's electricity."""
    return outside.OutsideItem(
        place=outside.Place(division="130402", credit_code=CREDIT),
        electricity=outside.ElectricityReading(
            meter_id="fan-1",
            use=outside.METER_USE_TREATMENT,
            facility="TA001",
            time=to_timestamp(hour(2)),
            phases=[outside.PhaseValue(phase="A", current_a=11.5)],
            kwh=1234.5,
        ),
    )


def push(
    site: House, *requests: outside.PushOutsideRequest, actor: Actor = PLATFORM
) -> list[outside.PushOutsideResponse]:
    """Push through the gate's door. Raises the platform's errors."""
    with grpc_host.client_channel(site.environment["FARSIGHT_GATE_GRPC_ADDR"]) as channel:
        stub = rpc.IngestServiceStub(channel)
        try:
            return list(stub.PushOutside(iter(requests), metadata=site.bearer(actor), timeout=20))
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error


def listed(site: House, actor: Actor, **asked: object) -> list[outside.OutsideRecord]:
    """What the actor is shown, over all pages."""
    found: list[outside.OutsideRecord] = []
    token = ""
    with grpc_host.client_channel(site.environment["FARSIGHT_GRPC_ADDR"]) as channel:
        stub = outside_rpc.OutsideServiceStub(channel)
        while True:
            request = outside.ListOutsideRequest(page_token=token, page_size=3, **asked)
            try:
                page = stub.ListOutside(request, metadata=site.bearer(actor), timeout=10)
            except grpc.RpcError as error:
                raise grpc_host.error_from(error) from error
            found += page.records
            token = page.next_page_token
            if not token:
                return found


def tally(site: House, stream_id: str) -> outside.GetPushTallyResponse:
    """What became of a stream."""
    with grpc_host.client_channel(site.environment["FARSIGHT_GRPC_ADDR"]) as channel:
        stub = outside_rpc.OutsideServiceStub(channel)
        request = outside.GetPushTallyRequest(stream_id=stream_id)
        return stub.GetPushTally(request, metadata=site.bearer(PLATFORM), timeout=10)


def scalar(site: House, query: str, *values: object) -> object:
    """Ask the database directly."""
    with psycopg.connect(site.environment["DATABASE_URL"]) as database:
        row = database.execute(query, values).fetchone()
    return row[0] if row else None


def test_outside_things_are_kept_once_and_shown_to_whom_they_concern(site: House):
    """Each kind by gRPC into the store and the ledger; a repetition is one, a deviation is kept."""
    outlet = site.outlets[0]
    spot = outside.OutsideItem(
        place=outside.Place(division="130402", longitude=114.5, latitude=36.6, crs="CGCS2000"),
        spot=outside.SatelliteSpot(
            spot_id="s-1", product="voc-3", indicator="HCHO", overpass=to_timestamp(hour(6))
        ),
    )
    station = outside.OutsideItem(
        place=outside.Place(division="130402"),
        station=outside.StationValue(
            station_id="t-1",
            station=outside.STATION_KIND_TOWNSHIP,
            pollutant="a34004",
            value=55,
            unit="ug/m3",
            start=to_timestamp(hour(1)),
            end=to_timestamp(hour(2)),
        ),
    )
    items = [mark(outlet), meter(), grid_value(), station, drone(), complaint(), spot]
    first, again, other = push(
        site,
        outside.PushOutsideRequest(sequence=1, stream_id="kinds", items=items),
        outside.PushOutsideRequest(sequence=2, items=items),
        outside.PushOutsideRequest(sequence=3, items=[grid_value(value=99.0)]),
    )

    assert [(a.sequence, a.accepted, a.refused) for a in (first, again, other)] == [
        (1, 7, 0),
        (2, 7, 0),
        (3, 1, 0),
    ]
    assert (first.window, first.resume_after) == (8, 0)
    wait_until(lambda: sum(tally(site, "kinds").outside.values()) == 15)
    assert dict(tally(site, "kinds").outside) == {"new": 7, "duplicate": 7, "deviating": 1}

    county = listed(site, COUNTY)
    assert [one.kind for one in county] == [7, 1, 5, 6, 2, 4, 3]  # newest first
    assert {one.version for one in county} == {0}
    assert [one.item.grid.value for one in county if one.kind == outside.OUTSIDE_KIND_GRID] == [88]
    grids = listed(site, COUNTY, kinds=[outside.OUTSIDE_KIND_GRID], with_versions=True)
    assert [(one.version, one.item.grid.value) for one in grids] == [(1, 99.0), (0, 88.0)]
    wait_until(lambda: scalar(site, "SELECT count(*) FROM ingest.ledger") == 15)
    for one in county:
        leaves = "SELECT count(*) FROM ingest.ledger WHERE sm3 = %s AND outcome = 'accepted'"
        assert scalar(site, leaves, one.sm3) == 2  # it arrived twice

    assert {one.kind for one in listed(site, PLANT)} == {1, 2}  # own marks and meters
    assert outside.OUTSIDE_KIND_COMPLAINT not in {one.kind for one in listed(site, OPERATOR)}
    assert listed(site, NEIGHBOUR) == []
    with pytest.raises(Forbidden):
        listed(site, PLANT, kinds=[outside.OUTSIDE_KIND_SPOT])
    with pytest.raises(Forbidden):
        listed(site, POLICE)
    with pytest.raises(Forbidden):
        listed(site, COUNTY, division="130403")
    with pytest.raises(Forbidden):
        push(site, outside.PushOutsideRequest(sequence=1), actor=COUNTY)


def test_a_marks_highest_revision_counts(site: House):
    """A withdrawn mark stays readable; lists and the view show the revision that counts."""
    outlet = site.outlets[1]
    items = [
        mark(outlet),
        mark(outlet, 3, status=outside.MARK_STATUS_WITHDRAWN, reason="误标"),
        mark(outlet, 2, end=to_timestamp(hour(12))),
    ]
    push(site, outside.PushOutsideRequest(sequence=1, items=items))

    own = {"outlet_id": outlet, "start": to_timestamp(hour(8)), "end": to_timestamp(hour(9))}
    found = wait_until(lambda: listed(site, PLANT, **own))

    assert [one.item.mark.revision for one in found] == [3]
    assert len(listed(site, PLANT, **own, with_versions=True)) == 3
    now = "SELECT status || revision FROM ingest.mark_now WHERE outlet_id = %s"
    assert scalar(site, now, outlet) == "withdrawn3"


def test_a_refusal_names_item_and_field(site: House):
    """The sound item of the request is taken; refused ones stand in ledger and balance."""
    outlet = site.outlets[0]
    (answer,) = push(
        site,
        outside.PushOutsideRequest(
            sequence=1,
            items=[
                grid_value(50),
                grid_value(cell="G3-1"),
                mark("91130402MA0NOBODY0-DA001"),
                mark(outlet, revision=0),
                drone(media=[outside.Media(media_id="p", type="image/jpeg", size=1)]),
                outside.OutsideItem(place=outside.Place(division="370000"), grid=grid_value().grid),
                outside.OutsideItem(place=outside.Place(division="130402")),
            ],
        ),
    )

    assert [(one.index, one.field, one.reason) for one in answer.refusals] == [
        (1, "grid.cell", "malformed"),
        (2, "place.outlet_id", "unknown_outlet"),
        (3, "mark.revision", "malformed"),
        (4, "event.media[0].sm3", "malformed"),
        (5, "place.division", "forbidden"),
        (6, "item", "malformed"),
    ]
    assert all(one.detail for one in answer.refusals)
    refused = (
        "SELECT count(*) FROM ingest.ledger WHERE reason <> '' AND 'outside:grid' = ANY(notes)"
    )
    wait_until(lambda: scalar(site, refused) == 2)


def test_a_stream_that_does_not_count_up_is_refused(site: House):
    """A hint would tell wrongly what is safe."""
    one = outside.PushOutsideRequest(sequence=2, stream_id="back", items=[grid_value(60)])
    two = outside.PushOutsideRequest(sequence=2, items=[grid_value(61)])

    with pytest.raises(InputRejected) as refused:
        push(site, one, two)
    assert refused.value.facts == {"field": "sequence"}
    with pytest.raises(InputRejected, match="stream_id"):
        push(site, outside.PushOutsideRequest(stream_id="a b"))


@pytest.mark.fault
def test_a_stream_cut_by_kill_9_goes_on_where_it_was_safe(site: House):
    """The gate dies twice under a stream: stored = sent, each once; a second run sends nothing."""
    outlet, parts, size = site.outlets[2], 60, 20
    sent: list[int] = []

    def request(sequence: int, part: range | None, stream_id: str) -> pb.PushReadingsRequest:
        readings = [
            pb.PushedReading(
                outlet_id=outlet,
                kind=pb.READING_KIND_MINUTE,
                data_time=to_timestamp(START + timedelta(minutes=10 * number)),
                values=[pb.PushedValue(factor="a21026", value=float(number))],
            )
            for number in part or ()
        ]
        return pb.PushReadingsRequest(sequence=sequence, stream_id=stream_id, readings=readings)

    def parts_after(safe: int) -> Iterator[tuple[int, range]]:
        for sequence in range(safe + 1, parts + 1):
            sent.append(sequence)
            time.sleep(0.02)
            yield sequence, range((sequence - 1) * size, sequence * size)

    def call(requests: Iterator[pb.PushReadingsRequest]) -> object:
        channel = grpc_host.client_channel(site.environment["FARSIGHT_GATE_GRPC_ADDR"])
        stub = rpc.IngestServiceStub(channel)
        return stub.PushReadings(requests, metadata=site.bearer(PLATFORM))

    receipts: list[pb.PushReadingsResponse] = []
    stream = PushStream(call, request, "killed")
    pushing = threading.Thread(target=stream.push, args=(parts_after, receipts.append))
    pushing.start()
    for _ in range(2):
        before = len(receipts)
        wait_until(lambda seen=before: len(receipts) > seen + 8)
        site.stop("gate", signal.SIGKILL)
        site.start_gate()
    pushing.join(60)
    second = PushStream(call, request, "killed")
    count = len(sent)
    second.push(parts_after, receipts.append)

    assert stream.connections >= 3
    assert (stream.safe, second.resumed_after) == (parts, parts)
    assert len(sent) == count
    assert sum(one.accepted for one in receipts) >= parts * size - 2 * 8 * size
    stored = "SELECT count(*) FROM ingest.reading WHERE outlet_id = %s"
    wait_until(lambda: scalar(site, stored, outlet) == parts * size)
    versions = "SELECT count(*) FROM ingest.reading_version WHERE outlet_id = %s"
    assert scalar(site, versions, outlet) == 0
    words = wait_until(lambda: dict(tally(site, "killed").readings))
    assert words["accepted"] == parts * size
