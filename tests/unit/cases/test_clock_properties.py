"""What holds for every clock on any day of ten years, whatever the holidays of a year are.

Years until 2026 are published. For 2027 to 2030 both cases are walked: nobody published anything
(weekends only, provisional), and somebody did (generated tables, make-up workdays included).
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_right
from calendar import monthrange
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.cases.domain.clocks import Clock, Kind, Unit
from services.cases.domain.deadline import Due, Pause, due
from services.cases.domain.derivation import Grant
from services.cases.domain.matter import Running
from services.cases.domain.timing import Terms, reckoned_again
from services.cases.rules import clock_table
from services.chassis.calendar import Calendar, DayKind, Override
from services.chassis.clock import BEIJING

PUBLISHED = Calendar.published()
DAY = dt.timedelta(days=1)
FIRST, LAST = dt.datetime(2021, 1, 1), dt.datetime(2030, 12, 31, 23)
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(BEIJING))
TERMS = [clock for clock in clock_table() if clock.length is not None]
FORWARD = [clock for clock in TERMS if clock.kind is not Kind.BEFORE]
IN_DAYS = [clock for clock in FORWARD if clock.unit is Unit.DAY]
WORKING = [clock for clock in TERMS if clock.working]
NATURAL = [clock for clock in IN_DAYS if not clock.working]
SATURDAY = 5
FEWER = settings(max_examples=50, deadline=None)
#: One generated table of every later year, so that all ten years have holidays.
FULL = PUBLISHED.with_rows(
    {
        dt.date(year, month, day): Override(kind, "festival", "generated")
        for year in range(2027, 2032)
        for month, days in ((1, (1, 2, 3)), (2, range(10, 19)), (5, range(1, 6)), (10, range(1, 9)))
        for day in days
        for kind in [
            DayKind.WEEKDAY_OFF
            if dt.date(year, month, day).weekday() < SATURDAY
            else DayKind.WEEKEND_OFF
        ]
    }
)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """The published calendar, with a table for each of some later years."""
    rows: dict[dt.date, Override] = {}
    for year in draw(st.sets(st.integers(2027, 2031))):
        rows |= draw(tables(year))
    return PUBLISHED.with_rows(rows)


@st.composite
def tables(draw: st.DrawFn, year: int) -> dict[dt.date, Override]:
    """Some festivals of a year, each a week off, each paid for with a worked weekend day."""
    rows: dict[dt.date, Override] = {}
    for month in draw(st.sets(st.sampled_from([1, 2, 5, 9, 10]), min_size=1)):
        first = dt.date(year, month, draw(st.integers(1, 20)))
        for day in (first + DAY * n for n in range(7)):
            if day.weekday() < SATURDAY:
                rows[day] = Override(DayKind.WEEKDAY_OFF, "festival", "generated")
        worked = first + DAY * (5 - first.weekday() + 14)
        rows.setdefault(worked, Override(DayKind.WEEKEND_WORKDAY, "", "generated"))
    return rows


def pausing(clock: Clock) -> Clock:
    """The clock as if the law let any cause stop it."""
    return replace(clock, pauses=frozenset({"stay"}))


def english(answer: Due) -> str:
    """The whole derivation."""
    return " ".join(line.en for line in answer.derivation)


def test_every_day_of_ten_years_by_a_counted_list():
    """No sampling: each start of 2021 to 2030, two lengths and a roll, against a list of days."""
    days = [FIRST.date() + DAY * n for n in range(-20, (LAST - FIRST).days + 200)]
    works = [day for day in days if FULL.is_working(day)]
    after = {day: bisect_right(works, day) for day in days}
    short, long, rolling = (
        clock_table().find(key, FIRST.date()) for key in ("publish", "rectify_plan", "filing")
    )

    for first in days[20:-199]:
        start = dt.datetime.combine(first, dt.time(10), BEIJING)
        for row in (short, long):
            last = due(row, start, FULL).last_day
            assert last == works[after[first] + row.length - 1]
        last = due(rolling, start, FULL).last_day
        assert last == works[after[first + DAY * (rolling.length - 1)]]


@FEWER
@given(clock=st.sampled_from(FORWARD), starts=st.tuples(MOMENTS, MOMENTS), calendar=calendars())
def test_a_later_start_never_ends_earlier(clock: Clock, starts, calendar: Calendar):
    """The end grows with the start, over any number of holidays."""
    early, late = (due(clock, start, calendar).at for start in sorted(starts))

    assert early <= late


@FEWER
@given(clock=st.sampled_from(TERMS), start=MOMENTS, calendar=calendars())
def test_the_last_day_is_no_rest_day_where_it_rolls_or_counts_working_days(
    clock: Clock, start: dt.datetime, calendar: Calendar
):
    """And it lies on its side of the start."""
    answer = due(clock, start, calendar)

    assert (answer.at < start) == (clock.kind is Kind.BEFORE)
    if answer.last_day is not None and (clock.working or clock.rolls):
        assert calendar.is_working(answer.last_day)


@FEWER
@given(clock=st.sampled_from(WORKING), start=MOMENTS, calendar=calendars())
def test_working_days_are_those_that_a_child_counts(
    clock: Clock, start: dt.datetime, calendar: Calendar
):
    """The oracle: write down all days to the last one, strike the rest days, count the others."""
    last, first = due(clock, start, calendar).last_day, start.astimezone(BEIJING).date()
    step = DAY if last > first else -DAY
    days = [first + step * n for n in range(1, abs((last - first).days) + 1)]

    assert sum(calendar.is_working(day) for day in days) == clock.length
    assert calendar.is_working(last)


@FEWER
@given(clock=st.sampled_from(NATURAL), start=MOMENTS, calendar=calendars())
def test_natural_days_are_a_subtraction_and_at_most_a_roll(
    clock: Clock, start: dt.datetime, calendar: Calendar
):
    """The oracle: start + length; then forward over rest days only, and only where it rolls."""
    counted = start.astimezone(BEIJING).date() + DAY * clock.length
    last = due(clock, start, calendar).last_day
    between = [counted + DAY * n for n in range((last - counted).days)]

    assert last >= counted
    assert not any(map(calendar.is_working, between))
    assert last == counted or clock.rolls


@FEWER
@given(
    clock=st.sampled_from(NATURAL),
    start=MOMENTS,
    begins=st.integers(1, 200),
    days=st.integers(0, 400),
    calendar=calendars(),
)
def test_a_pause_of_n_days_moves_a_natural_term_by_n(
    clock: Clock, start: dt.datetime, begins: int, days: int, calendar: Calendar
):
    """Before rolling; a pause that begins after the end moves nothing."""
    clock = replace(pausing(clock), rolls=False)
    plain = due(clock, start, calendar).last_day
    opens = start + DAY * begins
    paused = due(clock, start, calendar, [Pause(opens, opens + DAY * days, "stay")]).last_day

    inside = begins <= clock.length
    assert (paused - plain).days == (days if inside else 0)


@FEWER
@given(
    clock=st.sampled_from([c for c in TERMS if c.unit is Unit.HOUR and c.length]),
    start=MOMENTS,
    hours=st.integers(0, 400),
)
def test_a_pause_of_hours_moves_a_term_of_hours_by_them(
    clock: Clock, start: dt.datetime, hours: int
):
    """To the second, through nights and holidays."""
    clock = pausing(clock)
    opens = start + dt.timedelta(minutes=30)
    pause = Pause(opens, opens + dt.timedelta(hours=hours), "stay")

    moved = due(clock, start, PUBLISHED, [pause]).at - due(clock, start, PUBLISHED).at

    assert moved == dt.timedelta(hours=hours)


@FEWER
@given(clock=st.sampled_from(TERMS), start=MOMENTS, calendar=calendars(), far=st.integers(1, 500))
def test_an_extension_never_shortens(
    clock: Clock, start: dt.datetime, calendar: Calendar, far: int
):
    """Each in the order of the row; a decided day lies after the end without it."""
    ends = [due(clock, start, calendar)]
    grants: list[Grant] = []
    for one in clock.extensions:
        if one.day == "on":
            continue
        last = ends[-1].last_day
        named = last + DAY * far if one.decided and last else None
        grants.append(Grant(one.key, named))
        ends.append(due(clock, start, calendar, (), grants))

    assert all(a.at <= b.at for a, b in pairwise(ends))


COUNTED = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?")


def days_in(sentence: str) -> int:
    """How many days `a..b, c (name)` names."""
    total = 0
    for a, b in COUNTED.findall(sentence):
        first = dt.date.fromisoformat(a)
        total += (dt.date.fromisoformat(b or a) - first).days + 1
    return total


@FEWER
@given(
    clock=st.sampled_from(IN_DAYS),
    start=MOMENTS,
    spans=st.lists(st.tuples(st.integers(0, 120), st.integers(0, 40)), max_size=3),
    calendar=calendars(),
)
def test_the_numbers_of_a_derivation_add_up(
    clock: Clock, start: dt.datetime, spans: list[tuple[int, int]], calendar: Calendar
):
    """Start + term + what was skipped and paused + the roll = the last day, by the words alone."""
    pauses = [
        Pause(start + DAY * begins, start + DAY * (begins + days), "stay") for begins, days in spans
    ]
    answer = due(pausing(clock), start, calendar, pauses)

    lines = [line.en for line in answer.derivation]
    term = int(re.search(r"; (\d+) (?:working|natural) days?: ", lines[0]).group(1))
    began = dt.date.fromisoformat(COUNTED.search(lines[1]).group(1))
    left_out = sum(
        days_in(line) for line in lines if line.startswith(("Skipped rest days", "Paused"))
    )
    rolls = [COUNTED.findall(line) for line in lines if line.startswith("The last day")]
    rolled = sum(
        (dt.date.fromisoformat(b) - dt.date.fromisoformat(a)).days for (a, _), (b, _) in rolls
    )
    due_line = next(line for line in lines if line.startswith("Due at the end"))

    assert str(began + DAY * (term + left_out + rolled)) in due_line
    assert str(answer.last_day) in due_line
    assert all(line.zh and line.en for line in answer.derivation)


@FEWER
@given(clock=st.sampled_from(WORKING), start=MOMENTS, calendar=calendars())
def test_make_up_workdays_that_counted_are_named(
    clock: Clock, start: dt.datetime, calendar: Calendar
):
    """A worked Saturday in a derivation is what people doubt first."""
    answer = due(clock, start, calendar)
    first, last = sorted([start.astimezone(BEIJING).date(), answer.last_day])
    edge = first if clock.kind is not Kind.BEFORE else last
    worked = [
        day
        for day in (first + DAY * n for n in range((last - first).days + 1))
        if day.weekday() >= SATURDAY and calendar.is_working(day) and day != edge
    ]
    named = [x.en for x in answer.derivation if x.en.startswith("Make-up workdays")]

    assert sum(map(days_in, named)) == len(worked)


@FEWER
@given(start=MOMENTS, months=st.integers(1, 72))
def test_months_end_on_the_same_day_or_on_the_last_of_a_shorter_month(
    start: dt.datetime, months: int
):
    """Civil counting 民法典第二百零二条: no such day, then the last day of the month."""
    clock = replace(clock_table().find("limit_length", start.date()), length=months)
    first, last = start.date(), due(clock, start, PUBLISHED).last_day

    assert (last.year * 12 + last.month) - (first.year * 12 + first.month) == months
    assert last.day == min(first.day, monthrange(last.year, last.month)[1])


@FEWER
@given(clock=st.sampled_from(TERMS), start=MOMENTS, calendar=calendars())
def test_computing_again_changes_nothing_until_the_calendar_does(
    clock: Clock, start: dt.datetime, calendar: Calendar
):
    """Idempotent; the end by a grown calendar is the one that it would have had from the start."""
    clock = clock_table().find(clock.key, start.date())
    answer = due(clock, start, PUBLISHED)
    guessed = running(clock, start, answer)
    terms, grown = Terms(clock_table(), PUBLISHED), Terms(clock_table(), calendar)

    same = reckoned_again(guessed, terms, start)
    firm = reckoned_again(guessed, grown, start)

    assert same is guessed
    assert reckoned_again(firm, grown, start) is firm
    assert firm.due_at == due(clock, start, calendar).at
    if not answer.provisional:
        assert firm is guessed


def running(clock: Clock, start: dt.datetime, answer: Due) -> Running:
    """The clock as a matter keeps it."""
    return Running(
        "m:x:1", clock.key, clock.statutory, clock.action_zh, clock.article_zh, start, answer.at,
        answer.provisional, answer.derivation,
    )  # fmt: skip


@FEWER
@given(clock=st.sampled_from(TERMS), start=MOMENTS, calendar=calendars())
def test_a_provisional_end_says_so_and_only_then(
    clock: Clock, start: dt.datetime, calendar: Calendar
):
    """Whoever promises a day on a guess says that it is one."""
    answer = due(clock, start, calendar)

    assert answer.provisional == ("Provisional" in english(answer))
    if clock.unit in {Unit.HOUR, Unit.CLOCK_TIME} or not (clock.rolls or clock.working):
        assert not answer.provisional
