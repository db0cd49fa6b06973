"""What the door tells of electricity: values of the engine as messages of power.proto."""

import math
from collections.abc import Iterable, Sequence

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.pb.detect.v1 import power_pb2 as pb
from services.detect.judgement.control_order import OVER, UNKNOWN, Baseline, Order, OrderHour
from services.detect.judgement.electricity import Pair, PairResult, Span
from services.detect.judgement.meter_day import day_start_s

_SUM_SHARE = 0.5
"""Share of the compared minutes beyond the total meter from which the sum check differs."""
_SUM_MINUTES = 240


def pair_day(
    pair: Pair, result: PairResult, day: int, curves: tuple[Sequence[float], Sequence[float]]
) -> pb.PairDay:
    """产治研判 of a pair's day; `curves` are the sums of production and treatment in kW."""
    return pb.PairDay(
        pair_id=pair.pair_id,
        name=pair.name,
        production_meters=pair.production,
        treatment_meters=pair.treatment,
        treatment_logic=pair.logic,
        state=pb.PowerState.ValueType(result.state),
        production_minutes=result.production_minutes,
        unprotected_minutes=result.unprotected_minutes,
        counted_minutes=result.counted_minutes,
        idle_minutes=result.idle_minutes,
        unknown_minutes=result.unknown_minutes,
        unprotected=[_span(day, one) for one in result.unprotected],
        idle=[_span(day, one) for one in result.idle],
        production_kw=curves[0],
        treatment_kw=curves[1],
    )


def _span(day: int, span: Span) -> pb.PowerSpan:
    start_s = day_start_s(day)
    return pb.PowerSpan(
        start=to_timestamp(from_unix(start_s + span.start * 60)),
        end=to_timestamp(from_unix(start_s + span.end * 60)),
        minutes=span.minutes,
        counts=span.counts,
    )


def sum_check(share: float, minutes: int) -> pb.SumCheck:
    """总表核对: differs where the meters exceed the total most of the time."""
    if minutes < _SUM_MINUTES or math.isnan(share):
        return pb.SumCheck(result="unknown", share_over=math.nan, minutes=minutes)
    result = "differs" if share > _SUM_SHARE else "agrees"
    return pb.SumCheck(result=result, share_over=share, minutes=minutes)


def order_compliance(
    order: Order,
    baseline: Baseline,
    hours: Sequence[OrderHour],
    *,
    meters: Iterable[str],
    division: str,
    outlet_id: str,
    shown: range | None = None,
) -> pb.OrderCompliance:
    """管控落实 of an order; `shown` limits the listed hours (slots), the sums are of all."""
    judged = [one for one in hours if one.state != UNKNOWN]
    message = pb.OrderCompliance(
        order_id=order.order_id,
        credit_code=order.credit_code,
        division=division,
        level=order.level,
        measure=order.measure,
        allowed_share=order.allowed_share,
        source=order.source,
        meters=meters,
        baseline_days=baseline.days,
        hours=[_hour(one) for one in hours if shown is None or one.hour in shown],
        hours_over=sum(one.state == OVER for one in hours),
        hours_judged=len(judged),
        used_kwh=sum(one.used_kwh for one in judged),
        allowed_kwh=sum(one.allowed_kwh for one in judged),
        outlet_id=outlet_id,
    )
    message.start.CopyFrom(to_timestamp(from_unix(order.start_minute * 60)))
    message.end.CopyFrom(to_timestamp(from_unix(order.end_minute * 60)))
    return message


def _hour(one: OrderHour) -> pb.OrderHour:
    return pb.OrderHour(
        start=to_timestamp(from_unix(one.hour * 3600)),
        used_kwh=one.used_kwh,
        baseline_kwh=one.baseline_kwh,
        allowed_kwh=one.allowed_kwh,
        excess_kwh=one.excess_kwh,
        state=one.state,
    )
