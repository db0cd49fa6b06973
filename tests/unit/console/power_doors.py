"""A door of electricity that answers one day of the first outlet: a fan off, an order not met."""

import datetime as dt
import math
from typing import Any

from services.chassis.grpc_host import actor_of
from services.chassis.identity import require_visible
from services.chassis.pb.detect.v1 import power_pb2 as pb
from services.chassis.pb.detect.v1 import power_pb2_grpc
from tests.unit.console.world import OUTLET

DAY = dt.date(2026, 11, 20)
MIDNIGHT = int(dt.datetime(2026, 11, 19, 16, tzinfo=dt.UTC).timestamp())
KILN, FAN, BELT = "m-kiln", "m-fan", "m-belt"


def span(start: int, end: int, *, counts: bool = True) -> pb.PowerSpan:
    """Minutes of the day."""
    made = pb.PowerSpan(minutes=end - start, counts=counts)
    made.start.seconds, made.end.seconds = MIDNIGHT + start * 60, MIDNIGHT + end * 60
    return made


def meter(name: str, use: str, facility: str, power: Any, level: float) -> pb.MeterCurve:
    """A curve of five minutes up to 20 h."""
    kw = [power(5 * n) if n < 240 else math.nan for n in range(288)]
    return pb.MeterCurve(
        meter_id=name, use=use, facility=facility, power_kw=kw, threshold_kw=level, known_days=30,
        cadence_minutes=5,
    )  # fmt: skip


def order() -> pb.OrderCompliance:
    """Half of 900 kWh an hour; two hours beyond."""
    made = pb.OrderCompliance(
        order_id="o-1", credit_code=OUTLET[:18], division=OUTLET[2:8], level="orange",
        measure="limit", allowed_share=0.5, source="冀气指办〔2026〕1号", meters=[KILN],
        baseline_days=7, hours_over=2, hours_judged=7, used_kwh=3900, allowed_kwh=3150,
        outlet_id=OUTLET,
    )  # fmt: skip
    made.start.seconds, made.end.seconds = MIDNIGHT + 8 * 3600, MIDNIGHT + 32 * 3600
    for hour in range(8, 16):
        used, state = (890.0, "over") if hour in (10, 11) else (424.0, "within")
        if hour == 15:
            used, state = 100.0, "unknown"
        one = made.hours.add(
            used_kwh=used, baseline_kwh=900, allowed_kwh=450, state=state,
            excess_kwh=max(0.0, used - 450) if state != "unknown" else math.nan,
        )  # fmt: skip
        one.start.seconds = MIDNIGHT + hour * 3600
    return made


def answer() -> pb.GetPowerResponse:
    """The whole day."""
    made = pb.GetPowerResponse(
        outlet_id=OUTLET, day=DAY.isoformat(), step_minutes=5,
        sum_check=pb.SumCheck(result="differs", share_over=0.8, minutes=1200),
        meters=[
            meter(FAN, "treatment", "除尘风机", lambda m: 2.0 if 600 <= m < 640 else 90.0, 16.0),
            meter(KILN, "production", "水泥窑主机", lambda m: 880.0 + m % 30, 180.0),
        ],
        pairs=[
            pb.PairDay(
                pair_id="p-1", name="水泥窑与除尘", production_meters=[KILN],
                treatment_meters=[FAN], state=pb.POWER_STATE_EVALUATED, production_minutes=1200,
                unprotected_minutes=48, counted_minutes=40, unknown_minutes=3,
                unprotected=[span(200, 208, counts=False), span(600, 640)],
            ),
            pb.PairDay(pair_id="p-2", name="输送带", state=pb.POWER_STATE_SHORT_HISTORY,
                       production_meters=[BELT], treatment_meters=[FAN]),
        ],
        orders=[order()],
    )  # fmt: skip
    made.data_until.seconds = MIDNIGHT + 1199 * 60
    return made


class Power(power_pb2_grpc.PowerServiceServicer):
    """Answers `DAY`, and that nothing came on other days."""

    def GetPower(self, request: pb.GetPowerRequest, context: Any) -> pb.GetPowerResponse:  # noqa: N802
        code = request.outlet_id[:18]
        require_visible(actor_of(context), "outside.own", division=code[2:8], enterprise_id=code)
        if request.outlet_id == OUTLET and request.day in ("", DAY.isoformat()):
            return answer()
        return pb.GetPowerResponse(outlet_id=request.outlet_id, day=request.day, step_minutes=5)
