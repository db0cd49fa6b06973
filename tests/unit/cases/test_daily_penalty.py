"""按日连续处罚: days and amounts from the timeline, beside a count of days one by one."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cases.domain.daily_penalty import (
    Count,
    Round,
    accumulated,
    claim,
    counts,
    fine_daily,
    stated,
    unpunished,
)
from services.cases.domain.matter import SYSTEM, Event, Kind, Matter
from tests.unit.cases.region import NOW, blank

START = dt.date(2026, 9, 1)
#: Group `daily_penalty` of the project's reference vectors.
VECTORS = [
    ("2021-09-01", "2021-10-01", 30, 385_000, 11_550_000),
    ("2021-09-01", "2021-10-01", 30, 220_000, 6_600_000),
    ("2026-09-01", "2026-09-22", 21, 550_000, 11_550_000),
    ("2026-09-01", "2026-09-13", 12, 550_000, 6_600_000),
]


def order(*lines: tuple[str, dict[str, str]]) -> Matter:
    """An order to correct with these lines; the first is its opening."""
    events = tuple(
        Event(seq, NOW, SYSTEM, act, act, "", "", "", fields)
        for seq, (act, fields) in enumerate(lines, start=1)
    )
    return replace(blank(Kind.RECTIFICATION), events=events)


def ordered(act: str = "begin", daily: str = "yes", warned: str = "yes"):
    """An order that told of the daily penalty, or did not."""
    return (act, {"daily": daily, "daily_warning": warned})


def served(day: dt.date | str):
    """The order reached the plant."""
    return ("rectification_order_served", {"served_on": str(day)})


def recheck(day: dt.date | str, result: str = "refused"):
    """What the recheck found."""
    return ("recheck", {"rechecked_on": str(day), "result": result})


@pytest.mark.parametrize(("since", "found", "days", "original", "amount"), VECTORS)
def test_the_reference_vectors_hold(since, found, days, original, amount):
    """Day after service to the day of the finding, both counted, times the original fine."""
    (count,) = counts(order(ordered(), served(since), recheck(found)))

    assert accumulated(count.rounds) == days
    assert fine_daily(original, days) == amount


def test_days_add_up_over_rechecks():
    """A new order after each refusal; the gap before its service counts nothing (art 17)."""
    matter = order(
        ordered(), served("2026-09-01"), recheck("2026-09-11"),
        ordered("order_again"), served("2026-09-13"), recheck("2026-09-20", "obstructed"),
    )  # fmt: skip

    (count,) = counts(matter)

    assert [one.days for one in count.rounds] == [10, 7]
    assert unpunished(matter, []) == 17


def test_a_correction_ends_the_count_and_a_new_violation_begins_another():
    """改正后再次违法: 计罚周期重新起算, as often as it happens (art 18)."""
    lines = [ordered(), served("2026-09-01"), recheck("2026-09-11")]
    for month in (10, 11, 12):
        lines += [
            ordered("order_again"), served(f"2026-{month}-01"),
            recheck(f"2026-{month}-05", "corrected"),
            ("violated_again", {"found_on": f"2026-{month}-10"}),
            ordered("order_again"), served(f"2026-{month}-11"), recheck(f"2026-{month}-13"),
        ]  # fmt: skip

    found = counts(order(*lines))

    assert [one.began and one.began.month for one in found] == [None, 10, 11, 12]
    assert [accumulated(one.rounds) for one in found] == [10, 2, 2, 2]


def test_what_was_punished_is_not_punished_twice():
    """A second penalty of the same count takes the rounds after the first."""
    matter = order(
        ordered(), served("2026-09-01"), recheck("2026-09-11"),
        ordered("order_again"), served("2026-09-11"), recheck("2026-09-20"),
    )  # fmt: skip
    first, second = dt.date(2026, 9, 11), dt.date(2026, 9, 20)

    assert [claim(matter, done, second).days for done in ([], [first], [second])] == [19, 9, 0]
    assert claim(matter, [], first).days == 10
    assert claim(matter, [], START) is None
    assert unpunished(matter, [first]) == 9


def test_an_order_without_the_warning_counts_no_days():
    """Art 9(5): who was not told of the consequence is not punished by the day."""
    for lines in (ordered(daily="no"), ordered(warned="no")):
        assert unpunished(order(lines, served("2026-09-01"), recheck("2026-09-11")), []) == 0


def test_a_round_that_another_measure_stopped_counts_no_days():
    """Art 20: what was found on or after the day on which a seizure stopped the discharge."""
    matter = order(
        ordered(), served("2026-09-01"), recheck("2026-09-11"),
        ("note_discharge_stopped", {"stopped_on": "2026-09-15"}),
        ordered("order_again"), served("2026-09-11"), recheck("2026-09-20"),
    )  # fmt: skip

    assert unpunished(matter, []) == 10
    assert claim(matter, [], dt.date(2026, 9, 20)).days == 10


def test_a_corrected_day_of_service_moves_the_count():
    """更正: the line stays as it was written, the days follow the correction, the last one."""
    wrong = [
        ("correct", {"seq": "2", "field": "served_on", "value": day})
        for day in ("2026-09-03", "2026-09-04")
    ]
    matter = order(ordered(), served("2026-09-01"), recheck("2026-09-11"), *wrong)

    assert stated(matter, matter.events[1], "served_on") == "2026-09-04"
    assert unpunished(matter, []) == 7


STEP = st.tuples(
    st.integers(0, 9),  # days from the last finding to the service of the next order
    st.integers(1, 40),  # days from the service to the recheck
    st.sampled_from(["refused", "obstructed", "corrected", "stopped"]),
    st.booleans(),  # the order warned of the daily penalty
)


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEP, min_size=1, max_size=8), stop=st.none() | st.integers(0, 200))
def test_accumulated_days_equal_a_count_of_days_one_by_one(steps, stop):
    """Whatever order of rounds: each day between a service and its failed recheck, once."""
    lines, day, expected = [], START, [set()]
    stopped = None if stop is None else START + dt.timedelta(days=stop)
    for gap, length, result, warned in steps:
        since = day + dt.timedelta(days=gap)
        day = since + dt.timedelta(days=length)
        lines += [ordered("order_again" if lines else "begin", warned="yes" if warned else "no")]
        lines += [served(since), recheck(day, result)]
        if result in {"corrected", "stopped"}:
            lines.append(("violated_again", {"found_on": str(day)}))
            expected.append(set())
        elif warned and (stopped is None or day < stopped):
            one, counted = since, expected[-1]
            while one < day:
                one += dt.timedelta(days=1)
                assert one not in counted
                counted.add(one)

    found = counts(order(*lines))

    assert [accumulated(one.rounds, stopped) for one in found] == [len(one) for one in expected]


def test_a_count_without_a_round_is_empty():
    """Nothing refused, nothing to punish; a recheck before any service counts nothing."""
    assert counts(order(ordered(), recheck("2026-09-11"))) == (Count(),)
    assert Round(START, START).days == 0
