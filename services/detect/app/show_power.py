"""Puts together what a page shows of an outlet's day: from the same reading as the judging."""

import math
from collections.abc import Iterator

from sqlalchemy.orm import Session

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.pb.detect.v1 import power_pb2 as pb
from services.chassis.pb.ingest.v1.outside_pb2 import (
    METER_USE_TOTAL,
)
from services.detect import power_answers as answers
from services.detect import power_store as store
from services.detect.app.judge_power import pair_days
from services.detect.app.plant_power import PlantPower
from services.detect.app.power_desk import PowerDesk, iso_day
from services.detect.judgement.control_order import Order
from services.detect.judgement.electricity import sum_over, threshold_kw
from services.detect.judgement.meter_day import cadence, day_start_s
from services.detect.judgement.parameters import PowerRule
from services.detect.kernels.series import Floats
from services.detect.power_picture import STEP_MINUTES, curve, together
from services.detect.power_store import MeterRow


def show_power(
    session: Session, desk: PowerDesk, outlet_id: str, day: int | None
) -> pb.GetPowerResponse:
    """用电监控 of an outlet's Beijing day; None = the newest with readings of the plant."""
    code = outlet_id.partition("-")[0]
    if day is None:
        stored = store.days_of_plant(session, code)
        if stored is None:
            return pb.GetPowerResponse(outlet_id=outlet_id, step_minutes=STEP_MINUTES)
        day = stored[1]
    plant = desk.plant(session, code, day, day + 1)
    rule = desk.rule(outlet_id, day)
    rows = store.meters_of(session, code)
    response = pb.GetPowerResponse(
        outlet_id=outlet_id, day=iso_day(day), step_minutes=STEP_MINUTES,
        sum_check=_sum_check(plant, rows, day, rule),
    )  # fmt: skip
    roles: dict[str, str] = {}
    for known in desk.records.pairs(code):
        if known.pair.outlet_id == outlet_id:
            for _, result, _ in pair_days(plant, desk, known):
                names = known.pair.production, known.pair.treatment
                sums = _sums(plant, names[0], day, rule), _sums(plant, names[1], day, rule)
                response.pairs.append(answers.pair_day(known.pair, result, day, sums))
                roles |= dict.fromkeys(names[0], "production")
                roles |= dict.fromkeys(names[1], "treatment")
    totals = (name for name, row in rows.items() if row.use == METER_USE_TOTAL)
    roles |= {name: "total" for name in totals if name not in roles}
    for name, role in sorted(roles.items()):
        facility = rows[name].facility if name in rows else ""
        response.meters.append(_meter(plant, name, role, facility, day, rule))
    if (minute := plant.newest_minute(day)) >= 0:
        newest = from_unix(day_start_s(day) + minute * 60)
        response.data_until.CopyFrom(to_timestamp(newest))
    hours = range(day * 24 - 8, day * 24 + 16)
    for order in desk.records.orders(code):
        if order.start_minute < hours.stop * 60 and order.end_minute > hours.start * 60:
            response.orders.append(_order(plant, desk, order, hours))
    return response


def show_orders(
    session: Session, desk: PowerDesk, credit_code: str, first_minute: int, end_minute: int
) -> Iterator[pb.OrderCompliance]:
    """管控落实 of a plant's orders that overlap [first, end) (unix minutes)."""
    stored = store.days_of_plant(session, credit_code)
    end = stored[1] + 1 if stored else 0
    for order in desk.records.orders(credit_code):
        if order.start_minute < end_minute and order.end_minute > first_minute:
            first = (order.start_minute + 480) // 1440
            plant = desk.plant(session, credit_code, first, max(end, first))
            yield _order(plant, desk, order, None)


def _order(
    plant: PlantPower, desk: PowerDesk, order: Order, shown: range | None
) -> pb.OrderCompliance:
    code = order.credit_code
    outlet_id = desk.outlet_of_plant(code)
    outlet = desk.known.directory.outlet(outlet_id)
    rule = desk.rule(outlet_id, (order.start_minute + 480) // 1440)
    baseline, hours = plant.order_hours(order, desk.records.orders(code), rule)
    return answers.order_compliance(
        order, baseline, hours, meters=order.meters or plant.production_meters(),
        division=outlet.division if outlet else "", outlet_id=outlet_id, shown=shown,
    )  # fmt: skip


def _sums(plant: PlantPower, names: tuple[str, ...], day: int, rule: PowerRule) -> list[float]:
    return list(together(_curve(plant, name, day, rule) for name in names))


def _curve(plant: PlantPower, name: str, day: int, rule: PowerRule) -> Floats:
    """kW of one meter; a reading of the day before holds into the morning."""
    steps = curve([plant.day(name, day - 1), plant.day(name, day)], rule, STEP_MINUTES)
    shown = steps[len(steps) // 2 :]
    until = -(-(plant.newest_minute(day) + 1) // STEP_MINUTES)
    shown[until:] = math.nan
    return shown


def _meter(  # noqa: PLR0917 - what one curve's answer is made of
    plant: PlantPower, name: str, role: str, facility: str, day: int, rule: PowerRule
) -> pb.MeterCurve:
    own = plant.own(name, day, rule)
    readings = plant.day(name, day)
    level = threshold_kw(own, rule, production=role == "production")
    return pb.MeterCurve(
        meter_id=name,
        use=role,
        facility=facility,
        power_kw=_curve(plant, name, day, rule),
        threshold_kw=math.nan if role == "total" else level,
        known_days=own.known_days,
        cadence_minutes=cadence(readings.cells["received"] > 0, rule.max_cadence_minutes),
    )


def _sum_check(
    plant: PlantPower, rows: dict[str, MeterRow], day: int, rule: PowerRule
) -> pb.SumCheck:
    """总表核对 of the plant: only where it has one total meter."""
    totals = [name for name, row in rows.items() if row.use == METER_USE_TOTAL]
    parts = [plant.day(name, day) for name, row in rows.items() if row.use != METER_USE_TOTAL]
    if len(totals) != 1:
        return answers.sum_check(math.nan, 0)
    return answers.sum_check(*sum_over(parts, plant.day(totals[0], day), rule))
