"""用电之门: the gRPC door PowerService, hosted with detect's."""

import threading
from datetime import timedelta
from typing import Any

import grpc.aio

from services.chassis.clock import from_timestamp, utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected, NotFound
from services.chassis.grpc_host import actor_of
from services.chassis.identity import require_visible, scope_of
from services.chassis.pb.detect.v1 import power_pb2 as pb
from services.chassis.pb.detect.v1 import power_pb2_grpc
from services.detect.app.knowledge import Knowledge
from services.detect.app.power_desk import PowerDesk, day_number
from services.detect.app.show_power import show_orders, show_power

SERVICE = "farsight.detect.v1.PowerService"
#: A plant sees what its own meters say (identity.POLICY).
ACTION = "outside.own"
_MOST_ORDERS = 100
_LOOK_BACK = timedelta(days=30)


def register(server: grpc.aio.Server, database: Database) -> None:
    """Add the door to a host."""
    power_pb2_grpc.add_PowerServiceServicer_to_server(PowerDoor(database), server)


class PowerDoor(power_pb2_grpc.PowerServiceServicer):
    """Electricity of one's own jurisdiction; a plant's own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._desk = PowerDesk(Knowledge())
        self._one_at_a_time = threading.Lock()  # the desk remembers between calls

    def GetPower(  # noqa: N802 - gRPC's name
        self, request: pb.GetPowerRequest, context: Any
    ) -> pb.GetPowerResponse:
        """An outlet's day. What the caller may not see does not exist."""
        actor = actor_of(context)
        day = _day(request.day)
        with self._one_at_a_time, self._database.transaction() as session:
            self._desk.refresh(session)
            outlet = self._desk.known.directory.outlet(request.outlet_id)
            if outlet is None:
                raise NotFound("no such outlet in your jurisdiction")
            require_visible(
                actor, ACTION, division=outlet.division, enterprise_id=outlet.credit_code
            )
            return show_power(session, self._desk, request.outlet_id, day)

    def ListOrderCompliance(  # noqa: N802 - gRPC's name
        self, request: pb.ListOrderComplianceRequest, context: Any
    ) -> pb.ListOrderComplianceResponse:
        """Control orders of the caller's jurisdiction, newest start first."""
        scope = scope_of(actor_of(context), ACTION, request.division)
        end = from_timestamp(request.end) if request.HasField("end") else utc_now()
        start = from_timestamp(request.start) if request.HasField("start") else end - _LOOK_BACK
        span = int(start.timestamp()) // 60, -(-int(end.timestamp()) // 60)
        found: list[pb.OrderCompliance] = []
        with self._one_at_a_time, self._database.transaction() as session:
            self._desk.refresh(session)
            for code in sorted(self._desk.records.plants_with_orders()):
                outlet = self._desk.known.directory.outlet(self._desk.outlet_of_plant(code))
                asked = request.credit_code in ("", code)
                if asked and outlet is not None and scope.has(outlet.division, code):
                    found += show_orders(session, self._desk, code, *span)
        found.sort(key=lambda one: (-one.start.seconds, one.order_id))
        return pb.ListOrderComplianceResponse(orders=found[:_MOST_ORDERS])


def _day(text: str) -> int | None:
    """An asked Beijing day, None for the newest. Raises InputRejected for a text that is none."""
    if not text:
        return None
    try:
        return day_number(text)
    except ValueError as error:
        raise InputRejected("no ISO date", field="day") from error
