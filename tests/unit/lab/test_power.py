"""The demo's electricity tells its stories to the engine, and the same ones again."""

from collections import defaultdict

import numpy as np
import pytest

from farsight.lab import power
from farsight.lab.model.power import power_kw
from farsight.lab.province import read_rows
from services.detect.judgement import control_order as orders
from services.detect.judgement.electricity import Meter, Pair, judge_pair, own_level
from services.detect.judgement.meter_day import MeterDay, Reading, day_of, day_start_s
from services.detect.packs.load import shipped_pack

ANCHOR = 495_000
DAY = day_of(ANCHOR * 3600)
RULE = shipped_pack().power[0]


@pytest.fixture(scope="module")
def days():
    """Ten days and the first hour of life, by meter and day."""
    found = defaultdict(list)
    first = ANCHOR * 60 - power.HISTORY_DAYS * 1440
    for item in power.items(power.read_meters(ANCHOR), first, ANCHOR * 60 + 60, 7):
        one = item.electricity
        time_s = one.time.seconds
        found[one.meter_id, day_of(time_s)].append(
            Reading(time_s, time_s, one.power_kw, float("nan"))
        )
    return defaultdict(MeterDay.empty, {key: MeterDay.of(many) for key, many in found.items()})


def judged(days, row, day):
    """A pair of the province on a day."""
    pair = Pair(
        row["pair_id"], row["outlet_id"], row["name"], tuple(row["production_meters"].split(";")),
        tuple(row["treatment_meters"].split(";")), row["treatment_logic"],
    )  # fmt: skip
    meters = {
        name: Meter(
            (days[name, day - 1], days[name, day], days[name, day + 1]),
            own_level([days[name, d] for d in range(day - 30, day)], RULE),
        )
        for name in (*pair.production, *pair.treatment)
    }
    return judge_pair(pair, meters, RULE)


def test_the_cement_plant_s_fan_stops_for_forty_minutes_and_the_furnace_s_blip_is_none(days):
    """One span that counts over the last two days, at the cement plant only."""
    kiln, furnace = read_rows("meter_pairs")

    counted = [judged(days, kiln, day).counted_minutes for day in (DAY - 1, DAY)]
    others = [judged(days, furnace, day) for day in (DAY - 1, DAY)]

    assert sum(counted) == 40
    assert [one.counted_minutes for one in others] == [0, 0]
    assert sum(one.unprotected_minutes for one in others) == 10


def test_the_order_is_not_met_for_two_hours(days):
    """Four and a half days of baseline, two hours over, the others within."""
    (record,) = power.orders(ANCHOR)
    one = record.control_order
    order = orders.Order(
        one.order_id, one.credit_code, one.level, one.measure, one.allowed_share,
        one.start.seconds // 60, one.end.seconds // 60, tuple(one.meters),
    )  # fmt: skip
    first = day_of(one.start.seconds)

    def energy(day, **span):
        return orders.day_energy([days[name, day] for name in one.meters], RULE, **span)

    baseline = orders.baseline_of([energy(day) for day in range(first - 30, first)], RULE)
    used = {
        day: energy(
            day, start=max(0, one.start.seconds // 60 - day_start_s(day) // 60),
            end=min(1440, ANCHOR * 60 - day_start_s(day) // 60),
        )
        for day in range(first, DAY + 1)
    }  # fmt: skip
    hours = orders.judge_order(order, used, baseline, RULE)

    assert baseline.days == 7
    assert [one.hour - ANCHOR for one in hours if one.state == orders.OVER] == [-6, -5]
    assert {one.state for one in hours} == {orders.OVER, orders.WITHIN}


def test_a_minute_of_a_meter_is_the_same_whenever_it_is_made() -> None:
    """A run that goes on where it stopped does not contradict what it sent."""
    meter = power.read_meters(ANCHOR)[0]
    minutes = np.arange(ANCHOR * 60 - 300, ANCHOR * 60)

    whole = power_kw(meter, minutes, 7)

    assert power_kw(meter, minutes[120:], 7) == pytest.approx(whole[120:])
    assert power_kw(meter, minutes, 8) != pytest.approx(whole)


def test_every_meter_of_a_pair_is_sent() -> None:
    """Pairs, orders and meters of the demo name each other."""
    sent = {row["meter_id"] for row in read_rows("meters", power.DEMO)}
    named = {
        meter
        for row in read_rows("meter_pairs")
        for column in ("production_meters", "treatment_meters")
        for meter in row[column].split(";")
    } | {meter for record in power.orders(ANCHOR) for meter in record.control_order.meters}

    assert named <= sent
