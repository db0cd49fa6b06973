"""Orders of emergency control: the baseline, what is allowed, and hours that go beyond it."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detect.judgement import control_order as c
from services.detect.judgement.meter_day import MeterDay, Reading, day_start_s
from services.detect.judgement.parameters import PowerRule, Scope

RULE = PowerRule(
    "power", Scope(), dt.date(2020, 1, 1), None, "test", "sure", baseline_days=3,
    min_baseline_days=2,
)  # fmt: skip
DAY = 20_000
FIRST_HOUR = day_start_s(DAY) // 3600


def day(power, number=DAY, step=5, first=0, last=1440):
    """A meter's day of power(minute)."""
    start = day_start_s(number)
    return MeterDay.of(
        Reading(start + m * 60, start + m * 60, power(m), math.nan)
        for m in range(first, last, step)
    )


def order(share=0.5, first=8, hours=12, measure="limit"):
    """An order from an hour of the day on."""
    start = (FIRST_HOUR + first) * 60
    return c.Order("o", "p", "orange", measure, share, start, start + hours * 60)


def energy(power, **span):
    """The plant's day with one meter."""
    return c.day_energy([day(power)], RULE, **span)


NORMAL = c.baseline_of([energy(lambda m: 100.0 + m // 60) for _ in range(3)], RULE)


def judged(power, one=None, start=8 * 60, end=20 * 60, baseline=NORMAL):
    """States of the order's hours by hour of the day, and its hours."""
    one = one or order()
    hours = c.judge_order(one, {DAY: energy(power, start=start, end=end)}, baseline, RULE)
    return {hour.hour - FIRST_HOUR: hour for hour in hours}


def test_the_baseline_is_the_mean_of_the_same_hours_of_normal_days() -> None:
    """Three days of 100 kW plus the hour: that many kWh each hour."""
    assert NORMAL.days == 3
    assert NORMAL.kwh == pytest.approx(100.0 + np.arange(24))


def test_a_standstill_and_a_day_of_holes_are_no_normal_days() -> None:
    """The last three that produced and are known; fewer than two make no baseline."""
    normal, still = energy(lambda _: 100.0), energy(lambda _: 1.0)
    holes = c.day_energy([day(lambda _: 900.0, last=600)], RULE)

    assert c.baseline_of([normal, still, holes, normal], RULE).days == 2
    assert c.baseline_of([normal, still, holes], RULE).days == 0
    assert c.baseline_of([], RULE).days == 0
    assert np.isnan(c.baseline_of([normal, still], RULE).kwh).all()


def test_only_the_newest_normal_days_count() -> None:
    """Four days, three asked for: the oldest leaves."""
    days = [energy(lambda _, kw=kw: kw) for kw in (400.0, 100.0, 110.0, 120.0)]

    assert c.baseline_of(days, RULE).kwh == pytest.approx(110.0)


def test_hours_beyond_the_share_are_over_and_say_how_much() -> None:
    """Half is allowed; 59 % passes by the ten points of D35, 61 % does not."""

    def power(m):
        return {9: 0.59, 10: 0.61, 11: 1.0}.get(m // 60, 0.4) * (100 + m // 60)

    hours = judged(power)

    assert [at for at, hour in hours.items() if hour.state == c.OVER] == [10, 11]
    assert len(hours) == 12
    assert hours[11].baseline_kwh == pytest.approx(111.0)
    assert hours[11].allowed_kwh == pytest.approx(55.5)
    assert hours[11].excess_kwh == pytest.approx(55.5)
    assert hours[8].excess_kwh == 0.0


def test_a_stop_allows_nothing_but_the_lights() -> None:
    """A stop order: ten points of the baseline are lights and pumps, more is production."""
    stop = order(share=0.0, measure="stop")

    states = {at: h.state for at, h in judged(lambda m: 5.0 if m < 600 else 50.0, stop).items()}

    assert [states[at] for at in (8, 9, 10, 19)] == [c.WITHIN, c.WITHIN, c.OVER, c.OVER]


def test_an_hour_that_is_not_known_is_not_within() -> None:
    """Readings stop in the middle of an hour: unknown; what is known alone may be over."""
    quiet = c.day_energy([day(lambda _: 20.0, last=630)], RULE, start=480, end=630)
    loud = c.day_energy([day(lambda _: 400.0, last=630)], RULE, start=480, end=630)

    states = [
        {h.hour - FIRST_HOUR: h.state for h in c.judge_order(order(), {DAY: one}, NORMAL, RULE)}
        for one in (quiet, loud)
    ]

    assert states == [
        {8: c.WITHIN, 9: c.WITHIN, 10: c.UNKNOWN},
        {8: c.OVER, 9: c.OVER, 10: c.OVER},
    ]


def test_a_part_of_an_hour_is_judged_by_its_minutes() -> None:
    """The order begins at half past eight: half the baseline of that hour."""
    half = c.Order("o", "p", "red", "limit", 0.5, (FIRST_HOUR + 8) * 60 + 30,
                   (FIRST_HOUR + 10) * 60)  # fmt: skip

    hours = judged(lambda _: 54.0, half, start=510, end=600)

    assert hours[8].baseline_kwh == pytest.approx(54.0)
    assert hours[8].used_kwh == pytest.approx(27.0)
    assert [hour.state for hour in hours.values()] == [c.WITHIN, c.WITHIN]


def test_without_a_baseline_nothing_is_judged() -> None:
    """Too few normal days: every hour is unknown, with what was used."""
    hours = judged(lambda _: 900.0, baseline=c.baseline_of([], RULE))

    assert {hour.state for hour in hours.values()} == {c.UNKNOWN}
    assert all(math.isnan(hour.excess_kwh) for hour in hours.values())


@given(
    kw=st.lists(st.sampled_from([0.0, 3.0, 60.0, 70.0, 400.0, math.nan]), min_size=24, max_size=24),
    share=st.sampled_from([0.0, 0.3, 0.5, 0.9]), step=st.sampled_from([1, 5, 15]),
    first=st.integers(0, 23), hours=st.integers(1, 24), end=st.integers(1, 1440),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_hours_agree_with_a_slow_reading(kw, share, step, first, hours, end) -> None:
    """Minute by minute: kWh used, known minutes, state."""
    one = order(share, first, hours)
    start = first * 60
    stop = min(end, (first + hours) * 60, 1440)
    used = c.day_energy([day(lambda m: kw[m // 60], step=step)], RULE, start=start, end=stop)

    found = {h.hour - FIRST_HOUR: h for h in c.judge_order(one, {DAY: used}, NORMAL, RULE)}

    for at in range(first, min(24, first + hours)):
        minutes = [m for m in range(at * 60, at * 60 + 60) if start <= m < stop]
        known = [value for m in minutes if (value := _known(kw, m, step)) is not None]
        if not known:
            assert at not in found
            continue
        kwh, base = sum(known) / 60, 100.0 + at
        over = kwh > max((share + 0.10) * base, RULE.min_p90_kw) + 1e-9
        enough = len(known) >= 0.75 * 60
        assert found[at].used_kwh == pytest.approx(kwh)
        assert found[at].state == (c.OVER if over else c.WITHIN if enough else c.UNKNOWN)


def _known(kw, minute, step):
    """Power in a minute: that of its hour, or what holds two intervals into an hour of NaN."""
    value = kw[minute // 60]
    if not math.isnan(value):
        return value
    for back in range(1, 2 * step):
        before = minute - back
        if before >= 0 and before % step == 0 and not math.isnan(kw[before // 60]):
            return kw[before // 60]
    return None
