"""The risk number, its reasons and the order of the queue: bounds, monotony, bands."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases import rules
from services.cases.domain import risk
from services.cases.domain.matter import ClockState, Kind, Level, Matter, Running
from services.chassis.calendar import Calendar
from services.chassis.clock import BEIJING
from tests.unit.cases.region import NOW, blank, row

WEIGHTS, CALENDAR = rules.risk_weights(), Calendar.published()
MOMENTS = st.datetimes(dt.datetime(2025, 1, 1), dt.datetime(2028, 1, 1), timezones=st.just(BEIJING))


def clock(due: dt.datetime | None, **changes: object) -> Running:
    """A clock of the authority that ends then."""
    plain = Running("c-1", "filing", True, "决定是否立案", "第十八条", NOW, due, False, ())
    return replace(plain, **changes)  # type: ignore[arg-type]


def matter(*clocks: Running, kind: Kind = Kind.CASE, **changes: object) -> Matter:
    """An open matter with these clocks."""
    return replace(blank(kind), clocks=clocks, **changes)  # type: ignore[arg-type]


def rank(one: Matter, number: int = 0) -> int:
    """Its place."""
    return risk.rank_of(one, number, WEIGHTS, CALENDAR)


def score(one: Matter, **facts: object) -> int:
    """Its risk number as of now."""
    return risk.risk_of(one, risk.Facts(NOW, **facts), WEIGHTS)[0]  # type: ignore[arg-type]


@given(
    st.sampled_from(Kind), st.sampled_from(Level), st.floats(0, 1e6), st.booleans(),
    st.integers(0, 50), st.integers(0, 4000), st.booleans(), st.booleans(),
)  # fmt: skip
def test_a_risk_is_0_to_100_and_its_reasons_add_up_to_it(
    kind, level, statistic, key, earlier, days, breached, statutory
):
    """Whatever the matter is, the number is explained completely and no reason adds nothing."""
    state = ClockState.BREACHED if breached else ClockState.RUNNING
    one = matter(
        clock(NOW, state=state, statutory=statutory),
        kind=kind,
        level=level,
        rows=(row(statistic=statistic),),
        opened_at=NOW - dt.timedelta(days=days),
    )

    number, reasons = risk.risk_of(one, risk.Facts(NOW, key, earlier), WEIGHTS)

    assert 0 <= number <= risk.HIGHEST
    assert number == min(risk.HIGHEST, sum(reason.points for reason in reasons))
    assert all(reason.points > 0 and reason.zh for reason in reasons)
    assert [reason.points for reason in reasons] == sorted(
        (reason.points for reason in reasons), reverse=True
    )


def test_each_circumstance_raises_the_number():
    """What makes a matter more pressing never makes it less."""
    plain = matter(clock(NOW + dt.timedelta(days=9), statutory=False), item="silence")

    more = [
        replace(plain, item="falsification"),
        replace(plain, item="hourly_exceedance", rows=(row(statistic=100.0),)),
        replace(plain, clocks=(clock(NOW, state=ClockState.BREACHED),)),
        replace(plain, opened_at=NOW - dt.timedelta(days=61)),
    ]

    assert all(score(one) > score(plain) for one in more)
    assert score(plain, key_discharger=True) > score(plain)
    assert score(plain, earlier_cases=1) > score(plain)
    assert score(plain, earlier_cases=2) > score(plain, earlier_cases=1)


def test_a_limit_of_zero_and_a_withdrawn_row_give_no_multiple():
    """A share of nothing is none; what fell away does not count."""
    assert risk.exceed_multiple(matter(rows=(row(threshold=0.0),))) == 0
    assert risk.exceed_multiple(matter(rows=(row(withdrawn=True, statistic=900.0),))) == 0


@given(MOMENTS, st.integers(0, 100), st.integers(0, 100))
def test_the_higher_risk_is_never_later_in_the_queue(due, one, other):
    """Equal ends: the risk decides."""
    low, high = sorted((one, other))

    assert rank(matter(clock(due)), high) <= rank(matter(clock(due)), low)


@given(MOMENTS, MOMENTS, st.integers(0, 100))
def test_the_earlier_end_is_never_later_in_the_queue(one, other, number):
    """Equal risks: the end decides."""
    first, second = sorted((one, other))

    assert rank(matter(clock(first)), number) <= rank(matter(clock(second)), number)


@given(MOMENTS, MOMENTS, st.integers(0, 100), st.integers(0, 100))
def test_an_overdue_statutory_end_of_ours_comes_before_everything(due, other, low, high):
    """No risk lifts what is merely due over what the law wanted done already."""
    late = matter(clock(due, state=ClockState.BREACHED))
    running = matter(clock(other))
    operational = matter(clock(other, state=ClockState.BREACHED, statutory=False))
    partys = matter(clock(other, state=ClockState.BREACHED, bound="enterprise"))

    assert all(rank(late, low) < rank(one, high) for one in (running, operational, partys))


@given(MOMENTS, MOMENTS, st.integers(0, 100), st.integers(0, 100))
def test_what_has_an_end_comes_before_what_has_none_and_that_before_what_is_closed(
    due, opened, one, other
):
    """Bands never mix."""
    without = matter(opened_at=opened)
    paused = matter(clock(None), opened_at=opened)
    closed = replace(without, closed_at=due)

    assert rank(matter(clock(due)), one) < rank(without, other) < rank(closed, 100)
    assert rank(paused, other) == rank(without, other)


@given(MOMENTS, st.floats(0, 200))
def test_time_is_taken_back_on_working_days_only(moment, hours):
    """Exactly the span of working time lies between, counted by quarter hours."""
    span = dt.timedelta(hours=round(hours * 4) / 4)
    moment = moment.replace(minute=0, second=0, microsecond=0)

    start = risk.earlier_by_working_time(moment, span, CALENDAR)

    quarter, worked, at = dt.timedelta(minutes=15), dt.timedelta(0), start
    while at < moment:
        worked += quarter if CALENDAR.is_working(at.date()) else dt.timedelta(0)
        at += quarter
    assert worked == span


def test_monday_morning_is_moved_over_the_weekend():
    """What is due on Monday and weighs comes up on Friday, not on Sunday."""
    monday = dt.datetime(2026, 11, 30, 9, tzinfo=BEIJING)

    earlier = risk.earlier_by_working_time(monday, dt.timedelta(hours=24), CALENDAR)

    assert earlier == dt.datetime(2026, 11, 27, 9, tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("kinds", "case", "points"), -1, "case"),
        (("levels", "warning", "points"), -3, "warning"),
        (("lead_hours",), -1, "lead_hours"),
        (("age", "steps"), [{"from": 9, "points": 1}, {"from": 1, "points": 2}], "climb"),
    ],
)
def test_weights_that_make_no_sense_are_refused(path, value, says):
    """A region's own table is read as strictly as ours."""
    document = copy.deepcopy(rules.load("risk.yaml"))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value

    with pytest.raises(ValueError, match=says):
        risk.read_weights(document)


def test_the_heaviest_reasons_make_one_line():
    """What a table shows beside the number."""
    _, reasons = risk.risk_of(matter(item="falsification"), risk.Facts(NOW), WEIGHTS)

    assert risk.heaviest(reasons, 1) == "涉嫌监测数据弄虚作假（25）"
