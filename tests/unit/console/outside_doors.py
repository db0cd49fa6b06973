"""The outside door of the invented world: one item of each kind, a hostile text among them."""

from datetime import timedelta
from typing import Any

from services.chassis.clock import to_timestamp
from services.chassis.errors import Forbidden
from services.chassis.grpc_host import actor_of
from services.chassis.identity import can, scope_of
from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.chassis.pb.ingest.v1 import outside_pb2_grpc
from tests.unit.console.world import HOSTILE, OUTLET, World

RIGHTS = {1: "outside.own", 2: "outside.own", 6: "complaints.read"}


def items(world: World) -> list[pb.OutsideItem]:
    """One of each kind, newest last."""
    at = [to_timestamp(world.now - timedelta(hours=9 - n)) for n in range(9)]
    own, county = pb.Place(outlet_id=OUTLET), pb.Place(division="130481", address="示例路")
    media = pb.Media(media_id="p", type="image/jpeg", size=9, sha256=bytes(32))
    span = {"start": at[0], "end": at[1]}
    return [
        pb.OutsideItem(place=own, mark=pb.Mark(
            mark_id="m", revision=1, family=7, condition="tp_ty", facility="1#", status=1,
            factors=["a21026"], reason="停运", **span)),
        pb.OutsideItem(place=own, electricity=pb.ElectricityReading(
            meter_id="mtr-7", use=2, facility="TA001", time=at[2], power_kw=66, kwh=1203.5,
            phases=[pb.PhaseValue(phase="A", current_a=41.5)])),
        pb.OutsideItem(place=county, grid=pb.GridValue(
            cell="G3-312-1268", pollutant="a34004", value=88, unit="ug/m3", product="hot-2",
            **span)),
        pb.OutsideItem(place=county, station=pb.StationValue(
            station_id="s-1", station=2, pollutant="a34004", value=75, unit="ug/m3", **span)),
        pb.OutsideItem(place=own, source="gates", event=pb.DeviceEvent(
            event_id="g", event=1, device_id="gate-1", type="pass", start=at[5], media=[media],
            vehicle=pb.Vehicle(plate="冀D00000", direction="in"))),
        pb.OutsideItem(place=county, complaint=pb.Complaint(
            complaint_id="c", channel="12369", received_at=at[6], category="odour",
            accused="示例涂装厂", text=HOSTILE)),
        pb.OutsideItem(place=county, spot=pb.SatelliteSpot(
            spot_id="x", product="voc-1", satellite="S5P", overpass=at[7], indicator="HCHO",
            value=1.8e16, unit="molec/cm2", area_m2=15200)),
    ]  # fmt: skip


class Outside(outside_pb2_grpc.OutsideServiceServicer):
    """Shows what the caller's role and jurisdiction allow."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[pb.ListOutsideRequest] = []

    def ListOutside(self, request: Any, context: Any) -> pb.ListOutsideResponse:  # noqa: N802
        actor = actor_of(context)
        scope = scope_of(actor, "outside.own", request.division)
        self.asked.append(request)
        records = []
        for number, item in enumerate(items(self.world), 1):
            if not can(actor, RIGHTS.get(number, "outside.read")):
                if number in request.kinds:
                    raise Forbidden("not yours")
                continue
            owner = item.place.outlet_id[:18]
            if scope.has("130481", owner) and (not request.kinds or number in request.kinds):
                records.append(
                    pb.OutsideRecord(
                        kind=pb.OutsideKind.ValueType(number), key=str(number), item=item,
                        sm3=bytes(range(32)), division="130481",
                        at=to_timestamp(self.world.now - timedelta(hours=9 - number)),
                        version=1 if request.with_versions and number == 3 else 0,
                    )
                )  # fmt: skip
        return pb.ListOutsideResponse(records=records[::-1])
