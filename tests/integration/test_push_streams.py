"""Pushed streams and loaded tables over real processes: receipts, resume, who may see what."""

import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from farsight.load.stream import PushStream
from services.chassis import grpc_host
from services.chassis.clock import to_timestamp
from services.chassis.errors import Forbidden, InputRejected
from services.chassis.identity import Actor, Role
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.ingest.v1 import ingest_pb2_grpc as rpc
from services.chassis.pb.ingest.v1 import outside_pb2 as outside
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.pb.registry.v1 import registry_pb2_grpc as registry_rpc
from tests.conftest import migrate
from tests.integration.gate_rig import CREDIT, OPERATOR, House, house, wait_until
from tests.integration.push_rig import (
    PASSWORD,
    PLATFORM,
    START,
    USER,
    Loader,
    complaint,
    drone,
    grid_value,
    hour,
    listed,
    mark,
    meter,
    push,
    scalar,
    tally,
)
from tests.servers import fresh_database

pytestmark = pytest.mark.timeout(240)

COUNTY = Actor("county", Role.OFFICER, division="130402")
NEIGHBOUR = Actor("neighbour", Role.OFFICER, division="130403")
PLANT = Actor("plant", Role.ENTERPRISE, enterprise_id=CREDIT)
POLICE = Actor("police", Role.POLICE, division="130400")
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples" / "load"


@pytest.fixture(scope="module")
def site(postgres_url, amqp_uri, redis_url, tmp_path_factory) -> Iterator[House]:
    """Gate, ingest and doors, and an account of a province's platform."""
    with fresh_database(postgres_url, "push") as url:
        for service in ("registry", "ingest"):
            migrate(url, service)
        with house(url, amqp_uri, tmp_path_factory.mktemp("push"), redis_url) as made:
            made.start_gate()
            made.start("ingest", "services.chassis.host", "ingest")
            account = registry.Account(
                user_name=USER, role="platform", division="130000", password=PASSWORD
            )
            with grpc_host.client_channel(made.environment["FARSIGHT_GRPC_ADDR"]) as channel:
                stub = registry_rpc.RegistryServiceStub(channel)
                request = registry.SyncRequest(accounts=[account])
                answer = stub.Sync(iter([request]), metadata=made.bearer(OPERATOR))
            assert not answer.errors
            yield made


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


@pytest.fixture
def load(site, capsys, tmp_path, monkeypatch) -> Loader:
    """The command with the account's password."""
    monkeypatch.setenv("FARSIGHT_PASSWORD", PASSWORD)
    return Loader(site, capsys, tmp_path)


def write(path: Path, *lines: str) -> Path:
    """A CSV file."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def words(report: dict[str, Any]) -> tuple[int, ...]:
    """Counts of a file: items, new, duplicate, refused, skipped, faults."""
    names = ("items", "new", "duplicate", "refused", "skipped", "faults")
    return tuple(report[name] for name in names)


def test_wide_long_and_parquet_readings_are_the_same_readings(site, load, tmp_path):
    """One hour in three shapes is stored once; the second and third are duplicates."""
    outlet = site.outlets[0]
    wide = write(
        tmp_path / "wide.csv",
        "outlet_id,kind,data_time,a21026,a21026.flag,a19001",
        f"{outlet},hour,2026-11-01 08:00,31.5,N,6.25",
        f"{outlet},hour,2026-11-01 09:00,32.5,N,",
    )
    long = write(
        tmp_path / "long.csv",
        "outlet_id,data_time,factor,value,flag",
        f"{outlet},2026-11-01T00:00:00Z,a21026,31.5,N",
        f"{outlet},2026-11-01T00:00:00Z,a19001,6.25,",
        f"{outlet},20261101090000,a21026,32.5,N",
    )
    table = pa.table(
        {
            "outlet_id": [outlet, outlet],
            "kind": ["hour", "hour"],
            "data_time": pa.array([1761955200, 1761958800], pa.timestamp("s", tz="UTC")),
            "a21026": [31.5, 32.5],
            "a21026.flag": ["N", "N"],
            "a19001": [6.25, None],
        }
    )
    times = pa.array([1793491200, 1793494800], pa.timestamp("s", tz="UTC"))
    pq.write_table(table.set_column(2, "data_time", times), tmp_path / "hours.parquet")

    first = load.json("readings", wide)
    second = load.json("readings", "--reading-kind", "hour", long)
    third = load.json("readings", tmp_path / "hours.parquet")

    assert [code for code, _ in (first, second, third)] == [0, 0, 0]
    assert [words(found["files"][0])[:3] for _, found in (first, second, third)] == [
        (2, 2, 0),
        (2, 0, 2),
        (2, 0, 2),
    ]
    stored = "SELECT sum(cardinality(factors)) FROM ingest.reading WHERE outlet_id = %s"
    assert scalar(site, stored, outlet) == 3
    versions = "SELECT count(*) FROM ingest.reading_version WHERE outlet_id = %s"
    assert scalar(site, versions, outlet) == 0


def test_a_second_run_goes_on_and_pushes_nothing_twice(site, load, tmp_path):
    """1,200 grid values in three parts; then nothing; with --again all are duplicates."""
    hours = [f"{day:02d} {hour:02d}:00" for day in range(1, 11) for hour in range(23)]
    rows = [
        f"130402,hot-grid-2,G3-{cell}-9,a34004,{cell + 50},ug/m3,2026-10-{at},2026-10-{at[:3]}23:30"
        for cell in range(6)
        for at in hours
    ][:1200]
    header = "division,product,cell,pollutant,value,unit,start,end"
    path = write(tmp_path / "grid.csv", header, *rows)

    code, first = load.json("grid", path)
    _, second = load.json("grid", path)
    _, again = load.json("grid", "--again", path)

    assert code == 0
    assert words(first["files"][0]) == (1200, 1200, 0, 0, 0, 0)
    assert words(second["files"][0]) == (1200, 0, 0, 0, 1200, 0)
    assert words(again["files"][0]) == (1200, 0, 1200, 0, 0, 0)
    kept = "SELECT count(*) FROM ingest.outside_item WHERE subject ~ '^G3-[0-9]-9$'"
    assert scalar(site, kept) == 1200


def test_a_dry_run_names_line_and_column_and_keeps_nothing(site, load, tmp_path):
    """Cells that cannot be read, and what the gate would refuse, by the file's own names."""
    path = write(
        tmp_path / "meters.csv",
        "division,meter_id,use,time,a.current_a,b.power_factor,kwh",
        "130402,m1,treatment,2026-11-01 08:00,3.5,0.9,17",
        "130402,m1,treatment,yesterday,3.5,0.9,17",
        "130402,m1,treatment,2026-11-01 08:10,3.5,1.9,17",
        "370000,m1,treatment,2026-11-01 08:20,3.5,,17",
        "130402,m1,both,2026-11-01 08:30,3.5,,17",
        "130402,m1,treatment,2026-11-01 08:40",
    )

    code, text = load.text("electricity", "--dry-run", path)

    assert code == 1
    assert text.replace(f"{path}: ", "").splitlines() == [
        "line 3, time: unreadable: no time, as 2026-11-22T08:00:00+08:00",
        "line 6, use: unreadable: not one of production, treatment, total",
        "line 7, row: unreadable: 4 cells under 7 columns",
        "line 4, b.power_factor: malformed: not in [-1, 1]",
        "line 5, division: forbidden: outside your jurisdiction",
        "3 items, 1 would be taken, 5 problems",
    ]
    assert scalar(site, "SELECT count(*) FROM ingest.outside_item WHERE subject = 'm1'") == 0
    code, text = load.text("marks", "--dry-run", path)
    assert "line 1, meter_id: unknown_column: marks have no such field" in text


def test_records_show_their_differences_before_they_are_kept(site, load, tmp_path):
    """Two tables of which one refers to the other; then a changed field; then completeness."""
    teams = write(
        tmp_path / "teams.csv", "team_id,name,division", "t1,一队,130402", "t2,二队,130402"
    )
    officers = write(
        tmp_path / "officers.csv",
        "officer_id,name,division,role,team_id",
        "o1,甲,130402,officer,t1",
        "o2,乙,130402,king,t1",
    )

    dry_code, dry = load.text("registry", "--dry-run", officers, teams)
    code, done = load.text("registry", officers, teams)
    write(teams, "team_id,name,division", "t1,一中队,130402")
    _, differs = load.text("teams", "--dry-run", "--complete", "--division", "130402", teams)

    assert (dry_code, code) == (1, 1)  # the king
    assert dry.splitlines() == [
        "+ team       t1",
        "+ team       t2",
        "+ officer    o1",
        f"{officers}: line 3, role: o2: not one of officer, leader, police, procurator",
        "would be added 3, changed 0, deleted 0; unchanged 0, refused 1",
    ]
    assert done.splitlines()[-1] == "added 3, changed 0, deleted 0; unchanged 0, refused 1"
    assert differs.splitlines() == [
        "~ team       t1",
        "    name                   一队 → 一中队",
        "- team       t2",
        "would be added 0, changed 1, deleted 1; unchanged 0, refused 0",
    ]
    assert scalar(site, "SELECT count(*) FROM registry.record WHERE key = 't2'") == 1
    _, exported = load.text("teams", "--export", tmp_path / "kept.csv")
    assert exported == f"{tmp_path / 'kept.csv'}: 2 teams\n"
    assert load.text("teams", "--dry-run", tmp_path / "kept.csv")[0] == 0


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.csv")), ids=lambda path: path.name)
def test_an_example_of_the_documents_is_read(site, load, tmp_path, path):
    """Every column of the examples is known; with our outlet in them the gate would take them."""
    own = tmp_path / path.name
    text = path.read_text(encoding="utf-8")
    own.write_text(text.replace("91130404FARX00021Y-DA001", site.outlets[0]), encoding="utf-8")
    kind = path.stem.partition("_")[0]

    code, output = load.text(kind, "--dry-run", own)

    assert code == 0, output
