"""A door of the screening with signs, suppressions and a ring, guarded as the real one."""

from datetime import timedelta
from typing import Any

from services.chassis.clock import from_timestamp, to_timestamp
from services.chassis.errors import Conflict, Forbidden, InputRejected, NotFound
from services.chassis.grpc_host import actor_of
from services.chassis.identity import require, require_visible, scope_of
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.chassis.pb.detect.v1 import screening_pb2_grpc
from tests.unit.console.world import FOREIGN_OUTLET, OUTLET, World

#: What only the authority may read, wherever it stands.
SECRET = "波动只有自身历史的十分之一"


class Screening(screening_pb2_grpc.ScreeningServiceServicer):
    """Signs of the finding f-2, two that wait, and whatever suppressions are asked for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[Any] = []
        self.suppressions: dict[str, pb.Suppression] = {}
        self.ring_outlets = [OUTLET, "91130481FARX00099F-DA001"]

    def sign(self, **fields: Any) -> pb.ScreenSign:
        """A sign of the city's outlet."""
        end = self.world.now.replace(minute=0, second=0)
        values: dict[str, Any] = {
            "outlet_id": OUTLET, "factor": "a21026_zs", "family": "scatter", "pattern": "D01",
            "rule_id": "low_variance_part_of_day", "rule_version": "1", "seen": SECRET + "。",
            "silenced_by": "波动达到历史的三分之一。", "per_station_year": 3.2,
            "joint_per_station_year": 0.04, "log10_e": 3.1, "families": ["scatter", "copy"],
            "start": to_timestamp(end - timedelta(hours=5)), "end": to_timestamp(end),
            "state": pb.SIGN_STATE_RAISED, "others": ["a21002", f"{FOREIGN_OUTLET}/a21026"],
        }  # fmt: skip
        return pb.ScreenSign(**(values | fields))

    def ListHeldBack(self, request: Any, context: Any) -> pb.ListHeldBackResponse:  # noqa: N802
        scope_of(actor_of(context), "screening.read", request.division)
        self.asked.append(request)
        held = self.sign(
            state=pb.SIGN_STATE_HELD, reason="county_budget", families=["scatter"], seen="波动小",
        )  # fmt: skip
        weak = self.sign(
            rule_id="spike", family="level", state=pb.SIGN_STATE_HELD, reason="false_share",
            joint_per_station_year=1.4, log10_e=1.2, seen="一次尖峰",
        )  # fmt: skip
        told = self.sign(state=pb.SIGN_STATE_SUPPRESSED, reason="s-1", log10_e=0.9)
        return pb.ListHeldBackResponse(signs=[held, weak, told])

    def ListVotes(self, request: Any, context: Any) -> pb.ListVotesResponse:  # noqa: N802
        actor = actor_of(context)
        visible = {"division": "130481", "enterprise_id": OUTLET[:18]}
        require_visible(actor, "screening.read", **visible)
        if request.finding_id and request.finding_id not in self.world.findings:
            raise NotFound("no such finding")
        if request.finding_id and request.finding_id != "f-2":
            return pb.ListVotesResponse()
        twin = self.sign(rule_id="exact_replay", family="copy", decisive=True, factor="a21002")
        return pb.ListVotesResponse(signs=[self.sign(), twin])

    def Suppress(self, request: Any, context: Any) -> pb.SuppressResponse:  # noqa: N802
        actor = actor_of(context)
        require(actor, "screening.suppress")
        if not request.reason.strip():
            raise InputRejected("a suppression needs a reason", field="reason")
        if from_timestamp(request.until) <= self.world.now:
            raise InputRejected("give an end within a year from now", field="until")
        one = pb.Suppression(
            suppression_id=f"s-{len(self.suppressions) + 1}", outlet_id=request.outlet_id,
            factor=request.factor, rule_id=request.rule_id, reason=request.reason,
            asked_by=actor.user_id, asked_by_name=actor.name, until=request.until,
            asked_at=to_timestamp(self.world.now),
        )  # fmt: skip
        self.suppressions[one.suppression_id] = one
        return pb.SuppressResponse(suppression=one)

    def ConfirmSuppression(self, request: Any, context: Any) -> pb.ConfirmSuppressionResponse:  # noqa: N802
        actor = actor_of(context)
        require(actor, "screening.confirm")
        one = self.suppressions[request.suppression_id]
        if one.asked_by == actor.user_id:
            raise Forbidden("who asked for a suppression cannot confirm it")
        one.confirmed_by_name, one.in_force = actor.name, True
        one.confirmed_at.CopyFrom(to_timestamp(self.world.now))
        return pb.ConfirmSuppressionResponse(suppression=one)

    def Unsuppress(self, request: Any, context: Any) -> pb.UnsuppressResponse:  # noqa: N802
        actor = actor_of(context)
        require(actor, "screening.suppress")
        one = self.suppressions[request.suppression_id]
        if one.HasField("ended_at"):
            raise Conflict("the suppression is over already")
        one.ended_by_name, one.end_reason, one.in_force = actor.name, request.reason, False
        one.ended_at.CopyFrom(to_timestamp(self.world.now))
        return pb.UnsuppressResponse(suppression=one)

    def ListSuppressions(self, request: Any, context: Any) -> pb.ListSuppressionsResponse:  # noqa: N802
        scope_of(actor_of(context), "screening.read", request.division)
        kept = [s for s in self.suppressions.values() if request.ended or not s.ended_by_name]
        return pb.ListSuppressionsResponse(suppressions=kept)

    def GetRadar(self, request: Any, context: Any) -> pb.GetRadarResponse:  # noqa: N802
        scope_of(actor_of(context), "screening.read", request.division)
        trace = pb.RadarTrace(
            kind="noise", factor="a21026", statistic=9.1, expected=0.4, lag_h=12, strength=15.2,
            words="残差噪声同源，错开12小时",
        )  # fmt: skip
        (one, other), name = self.ring_outlets, "同源运维有限公司"
        edge = pb.RadarEdge(
            outlet_id=one, other_id=other, operator=name, traces=[trace], strength=12.0
        )
        ring = pb.RadarRing(operator=name, outlets=self.ring_outlets, edges=[edge])
        seen_at = to_timestamp(self.world.now)
        looks = [
            pb.RadarLook(operator=name, outlets=4, pairs=6, control=30, seen_at=seen_at)
            for name in ("同源运维有限公司", "清白运维有限公司")
        ]
        rings = [ring] if request.operator in {"", ring.operator} else []
        svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"></svg>'
        return pb.GetRadarResponse(rings=rings, looks=looks, picture=svg)
