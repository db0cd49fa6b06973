"""Electricity: production and treatment against a slow oracle, on hostile input, in any order."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detect.judgement import electricity as e
from services.detect.judgement.meter_day import MeterDay, Reading, day_of, day_start_s, held
from services.detect.judgement.parameters import PowerRule, Scope
from tests.unit.detect import electricity_oracle as oracle
from tests.unit.detect.electricity_oracle import reading

RULE = PowerRule(
    "power", Scope(), dt.date(2020, 1, 1), None, "test", "sure", reference_days=3,
    min_reference_days=1,
)  # fmt: skip
DAY = 20_000
MIDNIGHT = day_start_s(DAY) // 60
PAIR = e.Pair("p", "o", "窑", ("kiln",), ("fan",))
KILN, FAN = e.OwnLevel(1000.0, 800.0, 30), e.OwnLevel(100.0, 80.0, 30)
NAN = math.nan


def days_of(readings):
    """The judged day with its neighbours."""
    return tuple(
        MeterDay.of(one for one in readings if day_of(one.time_s) == day)
        for day in (DAY - 1, DAY, DAY + 1)
    )


def every(step, power, first=-60, last=1500):
    """A reading each `step` minutes of power(minute of the day)."""
    return [reading(MIDNIGHT + m, power(m)) for m in range(first, last, step)]


def judged(kiln, fan, rule=RULE, pair=PAIR, levels=(KILN, FAN)):
    """The pair's day."""
    meters = dict(zip(("kiln", "fan"), (e.Meter(days_of(r), own) for r, own in
                  zip((kiln, fan), levels, strict=True)), strict=True))  # fmt: skip
    return e.judge_pair(pair, meters, rule)


def spans(found):
    """Spans as plain tuples."""
    return [(span.start, span.end, span.counts) for span in found]


def test_treatment_that_stops_under_production_is_seen_to_the_minute() -> None:
    """Off from minute 600 to 640 of a running day: one span of 40 minutes that counts."""
    fan = every(1, lambda m: 3.0 if 600 <= m < 640 else 90.0)

    found = judged(every(1, lambda _: 900.0), fan)

    assert spans(found.unprotected) == [(600, 640, True)]
    assert found.state is e.PowerState.EVALUATED
    assert (found.production_minutes, found.unknown_minutes, found.idle_minutes) == (1440, 0, 0)


@pytest.mark.parametrize("step", [2, 5, 10, 15])
def test_coarser_meters_see_it_by_their_own_interval(step: int) -> None:
    """A reading holds until the next: an hour off is an hour at every cadence that divides it."""
    fan = every(step, lambda m: 3.0 if 600 <= m < 660 else 90.0, first=-60)

    assert spans(judged(every(step, lambda _: 900.0), fan).unprotected) == [(600, 660, True)]


def test_a_short_stop_is_debounced_and_a_medium_one_is_listed_without_a_finding() -> None:
    """Four minutes are none, ten are seen, fifteen count."""
    off = [(100, 104), (200, 210), (300, 315)]
    fan = every(1, lambda m: 0.0 if any(a <= m < b for a, b in off) else 90.0)

    found = judged(every(1, lambda _: 900.0), fan)

    assert spans(found.unprotected) == [(200, 210, False), (300, 315, True)]


def test_short_stops_count_together_when_they_fill_an_hour_of_the_day() -> None:
    """Six stops of ten minutes are an evasion of the fifteen, not six trifles."""
    fan = every(1, lambda m: 0.0 if m >= 600 and (m - 600) % 100 < 10 and m < 1200 else 90.0)

    found = judged(every(1, lambda _: 900.0), fan)

    assert (found.unprotected_minutes, found.counted_minutes) == (60, 60)


def test_a_span_over_midnight_counts_by_its_whole_length() -> None:
    """Ten minutes before midnight and ten after are twenty, on both days."""
    fan = every(1, lambda m: 0.0 if 1430 <= m < 1450 or -10 <= m < 10 else 90.0)

    found = judged(every(1, lambda _: 900.0), fan)

    assert spans(found.unprotected) == [(0, 10, True), (1430, 1440, True)]


def test_blips_of_treatment_do_not_split_a_stop() -> None:
    """A fan switched on for two minutes each quarter of an hour is off all the time."""
    fan = every(1, lambda m: 90.0 if m < 600 or m >= 700 or m % 15 < 2 else 0.0)

    assert spans(judged(every(1, lambda _: 900.0), fan).unprotected) == [(602, 700, True)]


def test_several_treatment_meters_must_all_run_or_any_of_them() -> None:
    """The pair's logic decides; an unknown one makes the question open, not clean."""
    on, off = every(1, lambda _: 90.0), every(1, lambda _: 0.0)
    kiln = e.Meter(days_of(every(1, lambda _: 900.0)), KILN)
    meters = {"kiln": kiln, "a": e.Meter(days_of(on), FAN), "b": e.Meter(days_of(off), FAN),
              "c": e.Meter(days_of([]), FAN)}  # fmt: skip

    def minutes(logic, *treatment):
        pair = e.Pair("p", "o", "", ("kiln",), treatment, logic)
        found = e.judge_pair(pair, meters, RULE)
        return found.unprotected_minutes, found.unknown_minutes, found.state

    evaluated, silent = e.PowerState.EVALUATED, e.PowerState.NO_READINGS
    assert minutes("all", "a", "b") == (1440, 0, evaluated)
    assert minutes("any", "a", "b") == (0, 0, evaluated)
    assert minutes("any", "b", "c") == (0, 1440, silent)
    assert minutes("all", "b", "c") == (1440, 0, silent)
    assert minutes("all", "a", "c") == (0, 1440, silent)


def test_treatment_must_run_before_and_after_production_where_the_rule_says_so() -> None:
    """Production 600..700, treatment 590..700: ten minutes before and after are asked."""
    kiln = every(1, lambda m: 900.0 if 600 <= m < 700 else 0.0)
    fan = every(1, lambda m: 90.0 if 590 <= m < 700 else 0.0)
    strict = PowerRule(**{**RULE.__dict__, "pre_run_minutes": 20, "post_run_minutes": 15})

    assert spans(judged(kiln, fan, strict).unprotected) == [(580, 590, False), (700, 715, True)]
    assert judged(kiln, fan).unprotected == ()


def test_treatment_that_runs_empty_is_idle() -> None:
    """空转: listed always, counted only where the rule looks for it."""
    kiln = every(1, lambda m: 900.0 if m < 600 else 0.0)
    fan = every(1, lambda _: 90.0)
    looking = PowerRule(**{**RULE.__dict__, "idle_minutes": 120})

    assert spans(judged(kiln, fan).idle) == [(600, 1440, False)]
    assert spans(judged(kiln, fan, looking).idle) == [(600, 1440, True)]


@pytest.mark.parametrize(
    ("levels", "state"),
    [
        ((e.OwnLevel(NAN, NAN, 0), FAN), e.PowerState.SHORT_HISTORY),
        ((KILN, e.OwnLevel(0.0, NAN, 30)), e.PowerState.NO_RUNNING),
        ((e.OwnLevel(0.2, 0.2, 30), FAN), e.PowerState.NO_RUNNING),
    ],
)
def test_without_an_own_level_nothing_is_clean(levels, state) -> None:
    """Short history and a meter that never ran: not evaluated, every minute unknown."""
    kiln, fan = every(1, lambda _: 900.0), every(1, lambda _: 90.0)

    found = judged(kiln, fan, levels=levels)

    assert (found.state, found.unprotected) == (state, ())
    assert found.unknown_minutes == (1440 if levels[1] is not FAN else 0)
    assert judged(kiln, every(1, lambda _: 0.0), levels=levels).unknown_minutes == 1440


def test_missing_readings_are_unknown_and_the_future_is_nobody_s() -> None:
    """A gap of two hours holds two intervals; after the newest reading nothing is claimed."""
    kiln = [
        r
        for r in every(5, lambda _: 900.0, last=1000)
        if not 300 <= r.time_s // 60 - MIDNIGHT < 420
    ]
    fan = every(5, lambda _: 0.0, last=800)

    found = judged(kiln, fan)

    assert found.passed_minutes == 996
    assert spans(found.unprotected) == [(0, 305, True), (420, 805, True)]
    assert found.unknown_minutes == 115 + (996 - 805)


def test_a_register_stands_for_power_and_a_replaced_meter_says_nothing() -> None:
    """kWh only, 15 kW; the meter is replaced at minute 600 and starts at another number."""

    def register(m):
        return 5000 + m / 60 * 15 if m < 600 else 70_000 + m / 60 * 15

    sent = [reading(MIDNIGHT + m, kwh=register(m)) for m in range(0, 1440, 10)]
    back = [reading(MIDNIGHT + m, kwh=register(m) % 60_000) for m in range(0, 1440, 10)]
    shape = {"most_minutes": 15, "most_cadences": 2}

    for readings in (sent, back):
        power = held([MeterDay.of(readings)], **shape)
        assert np.isnan(power[590:600]).all()
        assert power[:590] == pytest.approx(15.0)
        assert power[600:1430] == pytest.approx(15.0)
    assert np.isnan(power[1430:]).all()


def test_a_register_that_falls_is_a_new_meter() -> None:
    """A fall is never negative power."""
    sent = [reading(MIDNIGHT + 10 * n, kwh=k) for n, k in enumerate((900, 901, 2, 3))]

    power = held([MeterDay.of(sent)], most_minutes=15, most_cadences=2)

    assert power[:40:10].tolist() == pytest.approx([6.0, NAN, 6.0, NAN], nan_ok=True)


def test_phases_hold_what_a_day_packs() -> None:
    """A packed day is the day; a minute's size stays small."""
    sent = every(1, lambda m: 900.0 + (m * 37 % 101) / 10, first=0, last=1440)
    day = MeterDay.of(sent)

    assert MeterDay.unpacked(day.packed) == day
    assert len(day.packed) < 12_000


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_days_merge_in_any_order_and_repetition(data) -> None:
    """Parts of the same readings, shuffled, repeated and merged pairwise, are one day."""
    some = st.builds(
        Reading,
        st.integers(day_start_s(DAY), day_start_s(DAY) + 600),
        st.integers(0, 3),
        st.sampled_from([NAN, 0.0, 1.5, -2.0]),
        st.sampled_from([NAN, 7.0, 8.0]),
    )
    readings = data.draw(st.lists(some, max_size=12))
    parts = data.draw(st.lists(st.lists(st.sampled_from(readings or [reading(MIDNIGHT, 1.0)])),
                               max_size=5)) if readings else []  # fmt: skip
    together = MeterDay.empty()
    for part in [*parts, readings, *parts]:
        together = MeterDay.of(part).merged(together) if len(part) % 2 else together.merged(
            MeterDay.of(part))  # fmt: skip

    assert together == MeterDay.of(readings)


@st.composite
def meter(draw):
    """Hostile readings of three days: stretches at a cadence, gaps, zeros, jumps of the clock."""
    found = []
    for _ in range(draw(st.integers(0, 5))):
        first, step = draw(st.integers(-1440, 2880)), draw(st.sampled_from([1, 3, 5, 15, 40]))
        kw = draw(st.lists(st.sampled_from([0.0, 2.0, 19.0, 90.0, 210.0, -5.0, NAN]), min_size=1,
                           max_size=6))  # fmt: skip
        kwh = draw(st.sampled_from([NAN, 0.0, 500.0]))
        second = draw(st.integers(0, 59))
        found += [
            reading(MIDNIGHT + first + n * step, kw[n // 9 % len(kw)], kwh + n * step / 6,
                    second=second)
            for n in range(draw(st.integers(1, 80)))
        ]  # fmt: skip
    return found


@given(
    kilns=st.tuples(meter(), meter()), fans=st.tuples(meter(), meter()),
    logic=st.sampled_from(["all", "any"]), pre=st.integers(0, 12), post=st.integers(0, 12),
    debounce=st.integers(1, 15), levels=st.tuples(*[st.sampled_from([KILN, FAN])] * 4),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_the_engine_agrees_with_the_oracle(kilns, fans, logic, pre, post, debounce, levels) -> None:
    """Every figure of the day, over two and two meters with hostile readings."""
    rule = PowerRule(**{**RULE.__dict__, "pre_run_minutes": pre, "post_run_minutes": post,
                        "debounce_minutes": debounce})  # fmt: skip
    pair = e.Pair("p", "o", "", ("k1", "k2"), ("f1", "f2"), logic)
    readings = dict(zip(("k1", "k2", "f1", "f2"), (*kilns, *fans), strict=True))
    own = dict(zip(readings, levels, strict=True))
    wanted = oracle.judge(
        pair, readings, {n: (o.p90_kw, o.running_p10_kw, o.known_days) for n, o in own.items()},
        DAY, rule,
    )  # fmt: skip

    meters = {n: e.Meter(days_of(r), own[n]) for n, r in readings.items()}
    found = e.judge_pair(pair, meters, rule)

    assert {
        "unprotected": found.unprotected_minutes,
        "counted": found.counted_minutes,
        "unknown": found.unknown_minutes,
        "idle": found.idle_minutes,
        "production": found.production_minutes,
    } == dict(wanted)


@given(st.lists(meter(), min_size=3, max_size=3))
@settings(max_examples=20, deadline=None)
def test_own_levels_agree_with_the_oracle(parts) -> None:
    """P90, P10 of the running state and known days of three days, one of them complete."""
    whole = [reading(MIDNIGHT - 1440 + m, float(m % 97)) for m in range(0, 1440, 5)]
    readings = [one for part in parts for one in part] + whole
    days = [
        MeterDay.of(one for one in readings if day_of(one.time_s) == day)
        for day in range(DAY - 3, DAY)
    ]

    found = e.own_level(days, RULE)
    p90, p10, known = oracle.level(readings, DAY, RULE)

    assert found.known_days == known
    assert found.p90_kw == pytest.approx(p90, nan_ok=True)
    assert found.running_p10_kw == pytest.approx(p10, nan_ok=True)


@given(st.lists(st.sampled_from([True, False, None]), max_size=30), st.integers(1, 6))
def test_the_debounce_agrees_with_the_oracle(states, minutes) -> None:
    """Runs of every kind, at both ends too."""
    code = {True: 1, False: 0, None: -1}
    signs = np.array([code[one] for one in states], dtype=np.int8)

    wanted = [code[one] for one in oracle.settled(states, minutes)]

    assert e.debounced(signs, minutes).tolist() == wanted


def test_the_sum_check_tells_meters_that_exceed_the_total() -> None:
    """分表之和 beyond the total by more than the tolerance, in the minutes all are known."""
    part = MeterDay.of(every(5, lambda _: 60.0, first=0, last=1440))
    good = MeterDay.of(every(5, lambda _: 125.0, first=0, last=1440))
    low = MeterDay.of(every(5, lambda _: 100.0, first=0, last=720))

    assert e.sum_over([part, part], good, RULE) == (0.0, 1440)
    share, minutes = e.sum_over([part, part], low, RULE)
    assert (share, minutes) == (1.0, 725)
    assert math.isnan(e.sum_over([], good, RULE)[0])
    assert math.isnan(e.sum_over([part], MeterDay.empty(), RULE)[0])


def test_minutes_by_hour_are_those_of_the_spans() -> None:
    """Two spans in one hour, one over the border of hours."""
    found = e.minutes_by_hour([e.Span(10, 20, counts=True), e.Span(50, 130, counts=True)])

    assert found == [(0, 20, 10, 60), (1, 60, 0, 60), (2, 10, 0, 10)]
