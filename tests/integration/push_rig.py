"""What tests of pushed things share: sample items, clients of gate and doors, the command."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest

from farsight.cli import main
from services.chassis import grpc_host
from services.chassis.clock import to_timestamp
from services.chassis.identity import Actor, Role
from services.chassis.pb.ingest.v1 import ingest_pb2_grpc as rpc
from services.chassis.pb.ingest.v1 import outside_pb2 as outside
from services.chassis.pb.ingest.v1 import outside_pb2_grpc as outside_rpc
from tests.integration.gate_rig import CREDIT, House

PLATFORM = Actor("province", Role.PLATFORM, division="130000")
USER, PASSWORD = "platform.load", "password of the test"
START = datetime(2026, 11, 1, tzinfo=UTC)


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


class Loader:
    """The command, as a person runs it."""

    def __init__(self, site: House, capsys: pytest.CaptureFixture[str], data: Path) -> None:
        self._addresses = [
            *("--door", site.environment["FARSIGHT_GRPC_ADDR"]),
            *("--gate", site.environment["FARSIGHT_GATE_GRPC_ADDR"]),
            *("--data", str(data / "nothing"), "--user", USER),
        ]
        self._capsys = capsys

    def text(self, *arguments: object) -> tuple[int, str]:
        """Exit code and output."""
        code = main(["load", *map(str, arguments), *self._addresses])
        return code, self._capsys.readouterr().out

    def json(self, *arguments: object) -> tuple[int, dict[str, Any]]:
        """Exit code and what it says to a script."""
        code, output = self.text(*arguments, "--json")
        return code, json.loads(output)
