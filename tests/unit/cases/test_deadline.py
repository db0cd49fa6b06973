"""When a term ends: the vectors, the worked example of a real notice, and the edges."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases.domain.clocks import Clock
from services.cases.domain.deadline import Due, Pause, due
from services.cases.domain.derivation import Grant
from services.cases.rules import clock_table
from services.chassis.calendar import Calendar
from services.chassis.clock import BEIJING
from services.chassis.errors import RuleViolated

CALENDAR = Calendar.published()
VECTORS = Path(__file__).parents[1] / "detect" / "judgement" / "vectors.json"


def vectors(group: str) -> list[dict[str, object]]:
    """Cases of a group of test vectors."""
    return json.loads(VECTORS.read_text(encoding="utf-8"))[group]["cases"]


def row(key: str, day: str = "2026-11-01") -> Clock:
    """A clock of the table in force on that day."""
    return clock_table().find(key, dt.date.fromisoformat(day))


def noon(day: str) -> dt.datetime:
    """Noon of a Beijing day."""
    return dt.datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=BEIJING)


def last_day(key: str, start: str, *grants: Grant, pauses: tuple[Pause, ...] = ()) -> str:
    """The last day of a term as ISO text."""
    return str(due(row(key, start), noon(start), CALENDAR, pauses, grants).last_day)


def english(answer: Due) -> str:
    """The whole derivation in English."""
    return " ".join(line.en for line in answer.derivation)


@pytest.mark.parametrize("case", vectors("working_days"), ids=lambda c: f"{c['from']}+{c['add']}")
def test_working_days_follow_the_vectors(case: dict[str, object]):
    """Start day not counted, rest days skipped, make-up workdays counted."""
    clock = replace(row("statement"), length=case["add"])

    answer = due(clock, noon(str(case["from"])), CALENDAR)

    assert str(answer.last_day) == case["want"]


@pytest.mark.parametrize(
    "case", vectors("natural_days_rolled"), ids=lambda c: f"{c['from']}+{c['add']}"
)
def test_natural_days_roll_as_the_vectors_say(case: dict[str, object]):
    """Every day counts; only a last day that is a rest day moves."""
    clock = replace(row("filing"), length=case["add"])

    answer = due(clock, noon(str(case["from"])), CALENDAR)

    assert str(answer.last_day) == case["want"]


def test_a_day_term_ends_at_midnight_in_beijing():
    """The breach begins with the day after the last one, at 16:00 UTC."""
    answer = due(row("filing"), noon("2026-07-03"), CALENDAR)

    assert answer.at == dt.datetime(2026, 7, 20, 16, tzinfo=dt.UTC)


def test_the_starting_day_is_the_day_in_beijing():
    """An event at 17:00 UTC belongs to the next day there."""
    late = dt.datetime(2026, 7, 2, 17, tzinfo=dt.UTC)

    assert str(due(row("filing"), late, CALENDAR).last_day) == "2026-07-20"


def test_hours_run_through_a_holiday():
    """24 hours from the eve of National Day end on National Day."""
    start = dt.datetime(2026, 9, 30, 15, 30, tzinfo=BEIJING)

    answer = due(row("crime_hand_over"), start, CALENDAR)

    assert answer.at == dt.datetime(2026, 10, 1, 15, 30, tzinfo=BEIJING)
    assert answer.last_day is None
    assert not answer.provisional


def test_a_clock_of_no_hours_is_due_at_once():
    """The police's receipt."""
    assert due(row("crime_receipt"), noon("2026-11-02"), CALENDAR).at == noon("2026-11-02")


def test_a_clock_time_is_noon_of_the_next_day():
    """Marks of a day can be made until 12:00 of the next, holiday or not."""
    answer = due(row("mark_deadline"), noon("2026-09-30"), CALENDAR)

    assert answer.at == noon("2026-10-01")


def test_the_hearing_notice_counts_backwards():
    """Seven working days before a hearing after the holiday lie before the holiday."""
    assert last_day("hearing_notice", "2026-10-12") == "2026-09-24"


def test_a_month_ends_on_the_last_day_when_it_has_no_such_day():
    """Three months after 30 November is the end of February."""
    clock = replace(row("limit_length"), rolls=False)

    assert str(due(clock, noon("2025-11-30"), CALENDAR).last_day) == "2026-02-28"


def test_extensions_build_on_each_other():
    """90 + 30 by the leader + 30 by collective decision."""
    grants = (Grant("leader"), Grant("collective"))

    assert last_day("decision", "2026-03-02") == "2026-06-01"
    assert last_day("decision", "2026-03-02", grants[0]) == "2026-06-30"
    assert last_day("decision", "2026-03-02", *grants) == "2026-07-30"


def test_an_extension_may_replace_the_term():
    """The police's 3 days become 30 for a complex case, not 33."""
    assert last_day("crime_decide", "2026-11-02", Grant("complex")) == "2026-12-02"


def test_a_decided_day_is_taken_as_it_is():
    """Instalments end on the day the authority named."""
    grant = Grant("instalment", dt.date(2026, 12, 15))

    assert last_day("pay", "2026-11-02", grant) == "2026-12-15"


@pytest.mark.parametrize(
    ("key", "grants"),
    [
        ("crime_decide", (Grant("complex"), Grant("check"))),
        ("pay", (Grant("instalment", dt.date(2026, 11, 17)),)),
        ("decision", (Grant("collective"),)),
        ("decision", (Grant("leader"), Grant("leader"))),
        ("statement", (Grant("leader"),)),
        ("pay", (Grant("instalment"),)),
        ("filing", (Grant("leader", dt.date(2027, 1, 1)),)),
    ],
)
def test_an_extension_the_row_does_not_give_is_refused(key: str, grants: tuple[Grant, ...]):
    """Out of order, twice, unknown, without its day, or with a day that nobody may choose."""
    with pytest.raises(RuleViolated) as caught:
        due(row(key), noon("2026-11-02"), CALENDAR, (), grants)

    assert caught.value.facts["article"] == row(key).source
    assert caught.value.facts["missing"]


def test_a_pause_moves_the_last_day_by_its_days():
    """A hearing from the 1st to the 21st costs 20 days; the day it ends counts."""
    pause = Pause(noon("2026-04-01"), noon("2026-04-21"), "hearing")

    assert last_day("decision", "2026-03-02", pauses=(pause,)) == "2026-06-22"


def test_a_pause_inside_one_day_costs_nothing_and_one_overnight_costs_its_first_day():
    """Days are whole: a morning's stop does not move a term of days."""
    clock, start = row("decision"), noon("2026-03-02")
    morning = Pause(noon("2026-04-01"), noon("2026-04-01") + dt.timedelta(hours=2))
    overnight = Pause(noon("2026-04-01"), noon("2026-04-02"))

    plain = due(replace(clock, rolls=False), start, CALENDAR)
    one = due(replace(clock, rolls=False), start, CALENDAR, (morning,))
    two = due(replace(clock, rolls=False), start, CALENDAR, (overnight,))

    assert one.at == plain.at
    assert two.last_day - plain.last_day == dt.timedelta(days=1)


def test_overlapping_pauses_count_once():
    """Appraisal and hearing at the same time do not double."""
    a = Pause(noon("2026-04-01"), noon("2026-04-11"), "hearing")
    b = Pause(noon("2026-04-06"), noon("2026-04-16"), "appraisal")
    both = Pause(noon("2026-04-01"), noon("2026-04-16"), "hearing")

    assert last_day("decision", "2026-03-02", pauses=(a, b)) == last_day(
        "decision", "2026-03-02", pauses=(both,)
    )


def test_an_hour_clock_is_paused_by_the_hour():
    """Overlapping pauses of hours count once, and one that begins in the extension counts."""
    clock = replace(row("crime_hand_over"), pauses=frozenset({"stay"}))
    start = noon("2026-11-02")
    pauses = [
        Pause(start + dt.timedelta(hours=2), start + dt.timedelta(hours=6)),
        Pause(start + dt.timedelta(hours=4), start + dt.timedelta(hours=8)),
        Pause(start + dt.timedelta(hours=29), start + dt.timedelta(hours=30)),
        Pause(start + dt.timedelta(hours=90), start + dt.timedelta(hours=91)),
    ]

    assert due(clock, start, CALENDAR, pauses).at == start + dt.timedelta(hours=24 + 6 + 1)


def test_an_open_pause_leaves_the_end_open():
    """While a hearing is pending nobody can know the last day."""
    answer = due(row("decision"), noon("2026-03-02"), CALENDAR, [Pause(noon("2026-04-01"))])

    assert answer.at is None
    assert "Paused" in english(answer)


@pytest.mark.parametrize(
    ("key", "pause"),
    [
        ("filing", Pause(noon("2026-11-03"), noon("2026-11-04"), "hearing")),
        ("decision", Pause(noon("2026-11-03"), noon("2026-11-04"), "holiday")),
        ("decision", Pause(noon("2026-11-04"), noon("2026-11-03"), "hearing")),
    ],
)
def test_a_pause_that_no_law_gives_is_refused(key: str, pause: Pause):
    """A clock without pauses, an unknown cause, and a span that runs backwards."""
    with pytest.raises(RuleViolated) as caught:
        due(row(key), noon("2026-11-02"), CALENDAR, [pause])

    assert caught.value.facts["article"] == row(key).source


@pytest.mark.parametrize("key", ["crime_pause", "surcharge_stop", "daily_count"])
def test_a_row_without_a_term_has_no_end(key: str):
    """Asking for the end of a suspension or a count is the caller's mistake."""
    with pytest.raises(RuleViolated, match="no term"):
        due(row(key), noon("2026-11-02"), CALENDAR)


def test_a_date_beyond_the_published_holidays_is_provisional():
    """Clocks of November 2026 that reach 2027 say so; those that don't, don't."""
    far, near = noon("2026-12-28"), noon("2026-11-02")

    assert due(row("statement"), far, CALENDAR).provisional
    assert due(row("decision"), near, CALENDAR).provisional
    assert not due(row("statement"), near, CALENDAR).provisional
    assert "Provisional" in english(due(row("decision"), near, CALENDAR))


def test_the_derivation_names_article_skipped_days_and_roll():
    """What an officer needs to defend the date."""
    working = english(due(row("statement"), noon("2026-09-29"), CALENDAR))
    rolled = english(due(replace(row("filing"), length=3), noon("2026-09-30"), CALENDAR))

    assert "order 30 art 44" in working
    assert "2026-10-01..2026-10-07 (National Day)" in working
    assert "2026-10-11 (weekend)" in working
    assert "The last day 2026-10-03 is a rest day (National Day) and rolls to 2026-10-08" in rolled


TERMS = [clock for clock in clock_table() if clock.length is not None]
MOMENTS = st.datetimes(dt.datetime(2021, 1, 1), dt.datetime(2026, 6, 1), timezones=st.just(BEIJING))


@given(clock=st.sampled_from(TERMS), start=MOMENTS)
def test_every_end_explains_itself_and_lies_on_its_side(clock: Clock, start: dt.datetime):
    """No term ends before it began (but the one that counts backwards), none rolls to rest."""
    answer = due(clock, start, CALENDAR)

    assert answer.at is not None
    assert (answer.at < start) == (clock.kind.value == "before")
    assert clock.source in answer.derivation[0].en
    if answer.last_day and (clock.working or clock.rolls):
        assert CALENDAR.is_working(answer.last_day)
