"""The transmission door of the invented world: two outlets, holes in one of them."""

from datetime import timedelta
from typing import Any

from services.chassis.clock import from_timestamp, to_timestamp
from services.chassis.errors import Conflict
from services.chassis.grpc_host import actor_of
from services.chassis.identity import require_visible, scope_of
from services.chassis.pb.ingest.v1 import ingest_pb2 as ingest
from services.chassis.pb.ingest.v1 import transmission_pb2 as pb
from services.chassis.pb.ingest.v1 import transmission_pb2_grpc
from tests.unit.console.world import FOREIGN_OUTLET, OUTLET, World

HOUR = ingest.READING_KIND_HOUR


def rate(key: str, came: int, filled: int) -> pb.Rate:
    """A day of 24 hours of which one was stopped."""
    return pb.Rate(
        key=key, period="2026-11-22", due=24, stopped=1, came=came, filled=filled,
        realtime=came / 23, after_fill=(came + filled) / 23, outlets=1, provisional=True,
    )  # fmt: skip


class Transmission(transmission_pb2_grpc.TransmissionServiceServicer):
    """Answers from counts that stand here; notes what was asked of loggers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[pb.AskBackfillRequest] = []

    def ListRates(self, request: Any, context: Any) -> pb.ListRatesResponse:  # noqa: N802
        scope = scope_of(actor_of(context), "readings.read", request.division)
        rows = [
            rate(outlet[2:8] if request.level == pb.RATE_LEVEL_COUNTY else outlet, came, 2)
            for outlet, came in ((OUTLET, 20), (FOREIGN_OUTLET, 23))
            if scope.has(outlet[2:8], outlet[:18])
        ]
        return pb.ListRatesResponse(rates=rows, total=rate("", 20, 2) if rows else None)

    def GetCompleteness(self, request: Any, context: Any) -> pb.GetCompletenessResponse:  # noqa: N802
        code = request.outlet_id[:18]
        actor = actor_of(context)
        require_visible(actor, "readings.read", division=code[2:8], enterprise_id=code)
        hour = from_timestamp(request.end).replace(minute=0, second=0, microsecond=0)
        states: tuple[dict[str, Any], ...] = (
            {"missing": 1, "open": True}, {"came": 1}, {"missing": 1}, {"failed": 1},
            {"stopped": 1}, {"late": 1}, {"missing": 1, "after": pb.AfterFill(
                filled=1, first_at=to_timestamp(hour), last_at=to_timestamp(hour))},
        )  # fmt: skip
        return pb.GetCompletenessResponse(
            certificates=[
                pb.Certificate(
                    outlet_id=request.outlet_id, kind=HOUR, due=1,
                    hour=to_timestamp(hour - timedelta(hours=n)), **state,
                )
                for n, state in enumerate(states)
            ]
        )  # fmt: skip

    def ListHoles(self, request: Any, context: Any) -> pb.ListHolesResponse:  # noqa: N802
        scope = scope_of(actor_of(context), "readings.read", request.division)
        start = self.world.now.replace(minute=0, second=0) - timedelta(hours=9)
        holes = [
            pb.Hole(
                outlet_id=OUTLET, mn="0100FA25C16F", kind=HOUR, start=to_timestamp(start),
                end=to_timestamp(start + timedelta(hours=2)), slots=2, state=state, tries=tries,
                reason="timed_out" if tries else "",
            )
            for state, tries in (("open", 1), ("asked", 0))
        ]  # fmt: skip
        seen = scope.has(OUTLET[2:8], OUTLET[:18])
        return pb.ListHolesResponse(holes=holes if seen else [])

    def AskBackfill(self, request: Any, context: Any) -> pb.AskBackfillResponse:  # noqa: N802
        code = request.outlet_id[:18]
        actor = actor_of(context)
        require_visible(actor, "commands.read_data", division=code[2:8], enterprise_id=code)
        if self.asked:
            raise Conflict("a back-fill of this logger is under way")
        self.asked.append(request)
        return pb.AskBackfillResponse(command_id="c-1")
