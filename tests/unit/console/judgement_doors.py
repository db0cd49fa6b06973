"""The judgement door of the invented world: an incinerator with a month of everything."""

import datetime as dt
import math
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis.clock import BEIJING
from services.chassis.grpc_host import actor_of
from services.chassis.identity import require_visible, scope_of
from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.chassis.pb.detect.v1 import judgement_pb2_grpc
from services.chassis.pb.ingest.v1 import mark_pb2, outside_pb2
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from tests.unit.console.world import OUTLET, World

FIVE = {"a34013": 20.0, "a21002": 250.0, "a21026": 80.0, "a21024": 50.0, "a21005": 80.0}
NOVEMBER = dt.date(2026, 11, 1)
#: Day of the month -> what it is.
STORY = {4: "over", 9: "low", 12: "stopped", 13: "stopped", 14: "few", 17: "both", 21: "open"}
EXEMPT, STOPPED = 6, 7  # HourState of detect


def at(day: dt.date, hour: float) -> Timestamp:
    """A moment of a Beijing day."""
    midnight = dt.datetime.combine(day, dt.time(), BEIJING)
    return Timestamp(seconds=int(midnight.timestamp() + hour * 3600))


def mark(
    day: dt.date, condition: str, start: float, end: float, **fields: Any
) -> mark_pb2.MarkRecord:
    """A working condition over hours of the day."""
    one = outside_pb2.Mark(
        mark_id=f"{day}-{condition}", revision=1, family=outside_pb2.MARK_FAMILY_PRODUCTION,
        condition=condition, start=at(day, start), end=at(day, end),
        status=outside_pb2.MARK_STATUS_ACTIVE, reason="演示",
    )  # fmt: skip
    one.MergeFrom(outside_pb2.Mark(**fields))
    return mark_pb2.MarkRecord(outlet_id=OUTLET, mark=one)


def pools(used: float) -> list[pb.PoolUse]:
    """Pool A as far as it is used, pool B, maintenance of the quarter."""
    rows = (
        ("mswi_a", "启炉、停炉、故障、事故", "2026", 60.0, used),
        ("mswi_b", "烘炉、停炉降温", "2026", 700.0, 96.0),
        ("mswi_cems", "自动监测设备维护", "2026Q4", 30.0, 7.0),
    )
    return [
        pb.PoolUse(
            pool=pool, name_zh=name, period=period, cap_hours=cap, used_hours=hours,
            refused_hours=2.0 if pool == "mswi_a" else 0.0,
            remaining_hours=max(cap - hours, 0), warn=hours >= 0.8 * cap,
        )
        for pool, name, period, cap, hours in rows
    ]  # fmt: skip


def factor_day(factor: str, limit: float, day: dt.date, kind: str) -> pb.FactorDay:
    """One pollutant's day by the day's story."""
    share = 0.35 + 0.02 * (day.day % 7)
    over = kind in {"over", "both"} and factor == "a21005"
    mean = limit * (1.24 if over else share)
    state = bytearray([1] * 24)
    if kind == "stopped":
        state, mean = bytearray([STOPPED] * 24), math.nan
    if kind == "both":
        state[6:10] = bytes([EXEMPT] * 4)
    return pb.FactorDay(
        factor=factor, state=bytes(state), notes=bytes([2 if kind == "few" else 0] * 24),
        received=[mean] * 24, judged=[mean] * 24, over=bytes(24), mean=mean,
        valid_hours=0 if kind == "stopped" else 24, running_hours=0 if kind == "stopped" else 24,
        enough=kind not in {"few", "stopped"}, day_over=over,
        multiple=0.24 if over else math.nan, multiple_full=1.24 if over else math.nan,
        limits=[
            pb.AppliedLimit(
                limit_id=f"{OUTLET}/{factor}/daily", basis="permit", averaging="daily",
                lower=math.nan, upper=limit, unit="mg/m3", ref_o2_percent=11,
            )
        ],
    )  # fmt: skip


def judgement(outlet_id: str, day: dt.date) -> pb.DayJudgement:
    """A day of the story."""
    kind = STORY.get(day.day, "good")
    low = 8 if kind in {"low", "both"} else day.day % 3
    marks = []
    if kind == "stopped":
        marks.append(mark(day, "mswi_ty", 0, 24))
    if kind == "both":
        marks += [mark(day, "mswi_ql", 6, 10), mark(day, "mswi_hl", 0, 6)]
    if day.day % 6 == 0:
        marks.append(mark(day, "", 9, 11, family=outside_pb2.MARK_FAMILY_MAINTENANCE))
    furnace = pb.FurnaceDay(
        five_minute_means=288, low=low, violation=low > 5, lowest_degc=838.2 if low > 5 else 861.4
    )
    return pb.DayJudgement(
        outlet_id=outlet_id, day=day.isoformat(), revision=1, pack_id="base",
        pack_version="2026-11-22", frozen=kind != "open", reason="frozen", marks=marks,
        furnace=furnace, pools=pools(44 + 0.6 * day.day),
        factors=[factor_day(code, limit, day, kind) for code, limit in FIVE.items()],
    )  # fmt: skip


def make_incinerators(world: World) -> None:
    """Turn the first outlet into an incinerator's, so that its November is told."""
    for record in world.records:
        if record.kind == registry.RECORD_KIND_OUTLET and record.key == OUTLET:
            record.outlet.process = "MSWI furnace"
            record.outlet.name = "1号焚烧炉"


class Judgement(judgement_pb2_grpc.JudgementServiceServicer):
    """Answers November 2026 for the first outlet, nothing for others."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _check(self, outlet_id: str, context: Any) -> None:
        code = outlet_id[:18]
        require_visible(actor_of(context), "readings.read", division=code[2:8], enterprise_id=code)

    def ListDayJudgements(self, request: Any, context: Any) -> pb.ListDayJudgementsResponse:  # noqa: N802
        self._check(request.outlet_id, context)
        first, last = map(dt.date.fromisoformat, (request.from_day, request.to_day))
        days = [NOVEMBER + dt.timedelta(days=n) for n in range(21)]
        return pb.ListDayJudgementsResponse(
            days=[
                judgement(OUTLET, day)
                for day in days
                if request.outlet_id == OUTLET and first <= day <= last
            ]
        )

    def GetDayJudgement(self, request: Any, context: Any) -> pb.GetDayJudgementResponse:  # noqa: N802
        """The story's day in two revisions; now differs in one hour, then is the same."""
        self._check(request.outlet_id, context)
        one = judgement(OUTLET, dt.date.fromisoformat(request.day))
        for factor in one.factors:
            factor.flags = "N" * 23 + "M"
            factor.check.extend([math.nan] * 24)
            factor.exempted.extend([math.nan] * 24)
            factor.limits[0].why = "许可限值；无适用的标准限值"
        one.factors[0].over = bytes([1]) + bytes(23)
        one.inputs.add(kind="readings", id="a34013", sha256=b"\1" * 32)
        first = pb.DayJudgement()
        first.CopyFrom(one)
        one.revision, one.reason = request.revision or 2, "mark"
        second = pb.DayJudgement()
        second.CopyFrom(one)
        now = request.recompute == pb.RECOMPUTE_AS_KNOWN_NOW
        return pb.GetDayJudgementResponse(
            judgement=one, revisions=[first, second], same=not now,
            differences=["颗粒物 08时 有效→标记无效"] if now else [],
        )  # fmt: skip

    def ListDaySums(self, request: Any, context: Any) -> pb.ListDaySumsResponse:  # noqa: N802
        """Nine tenths valid; two pollutants of the first outlet, one of them new this period."""
        scope = scope_of(actor_of(context), "readings.read", request.division)
        if not scope.has(OUTLET[2:8], OUTLET[:18]):
            return pb.ListDaySumsResponse()
        keys = {pb.SUM_LEVEL_OUTLET: OUTLET, pb.SUM_LEVEL_ENTERPRISE: OUTLET[:18]}
        key = keys.get(request.level, OUTLET[2:8])
        nothing = math.nan
        if request.by_factor:
            masses = [("a21002", 5.25, 0.75, nothing), ("a21026", 1200.0, 300.0, 2000.0),
                      ("w01001", nothing, nothing, nothing)]  # fmt: skip
            return pb.ListDaySumsResponse(sums=[
                pb.DaySum(key=key, factor=code, amount_kg=kg, substituted_kg=more,
                          amount_before_kg=before)
                for code, kg, more, before in masses
            ])  # fmt: skip
        one = pb.DaySum(key=key, received=20, valid=18, validity=0.9)
        return pb.ListDaySumsResponse(sums=[one], total=one)

    def ListPools(self, request: Any, context: Any) -> pb.ListPoolsResponse:  # noqa: N802
        self._check(request.outlet_id, context)
        if request.outlet_id != OUTLET or request.year != 2026:
            return pb.ListPoolsResponse()
        return pb.ListPoolsResponse(outlets=[pb.OutletPools(outlet_id=OUTLET, pools=pools(57.0))])
