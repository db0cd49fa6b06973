"""The calendar that every working-day deadline stands on."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import chinese_calendar
import pytest

from services.chassis.calendar import Calendar, DayKind, Override, read_overrides

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "holidays.csv"
HEADER = "date,kind,festival,source"


def days(first: dt.date, last: dt.date) -> list[dt.date]:
    """All dates from first to last."""
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def test_the_table_and_the_package_agree_on_every_day_of_the_published_years():
    """Two independent sources name the same working days from 2021 to 2026."""
    calendar = Calendar.published()

    apart = [
        day
        for day in days(dt.date(2021, 1, 1), dt.date(2026, 12, 31))
        if calendar.is_working(day) != chinese_calendar.is_workday(day)
    ]

    assert apart == []


def test_the_shipped_table_has_every_row_of_the_reference():
    """No row was lost or changed when the table was taken into the product."""
    if not REFERENCE.exists():
        pytest.skip("reference tables are not on this machine")
    rows = list(csv.DictReader(REFERENCE.open(encoding="utf-8")))
    calendar = Calendar.published()

    wrong = [
        row["date"]
        for row in rows
        if calendar.is_working(dt.date.fromisoformat(row["date"]))
        != (row["kind"] == "weekend_workday")
    ]

    assert len(rows) == 150
    assert wrong == []


def test_a_row_of_the_table_wins_over_the_package():
    """A late change by the State Council is one row, not a new package."""
    day = dt.date(2026, 9, 30)
    assert chinese_calendar.is_workday(day)

    calendar = Calendar({day: Override(DayKind.WEEKDAY_OFF, "extra", "test")})

    assert not calendar.is_working(day)
    assert calendar.reason(day) == "extra"


def test_an_unpublished_year_follows_the_weekend_and_is_provisional():
    """2027 is computed, and said to be a guess."""
    calendar = Calendar.published()
    new_year, saturday = dt.date(2027, 1, 1), dt.date(2027, 1, 2)

    assert (calendar.is_working(new_year), calendar.is_working(saturday)) == (True, False)
    assert calendar.is_provisional(new_year)
    assert not calendar.is_provisional(dt.date(2026, 12, 31))
    assert calendar.reason(saturday) == "weekend"


def test_a_year_entered_in_the_table_is_no_longer_provisional():
    """The notice for 2027 makes all of 2027 firm."""
    rows = [HEADER, "2027-01-01,weekday_off,New Year's Day,notice"]

    calendar = Calendar(read_overrides(rows))

    assert not calendar.is_provisional(dt.date(2027, 5, 1))
    assert not calendar.is_working(dt.date(2027, 1, 1))


def test_the_reason_names_the_festival_the_weekend_or_nothing():
    """What the derivation of a deadline prints for a skipped day."""
    calendar = Calendar.published()

    assert calendar.reason(dt.date(2026, 10, 1)) == "National Day"
    assert calendar.reason(dt.date(2026, 11, 21)) == "weekend"
    assert calendar.reason(dt.date(2026, 10, 10)) == ""
    assert calendar.reason(dt.date(2020, 1, 1)) == "New Year's Day"


def test_the_next_working_day_jumps_the_whole_holiday():
    """From the first day of a long holiday to the day people return."""
    assert Calendar.published().next_working(dt.date(2026, 10, 1)) == dt.date(2026, 10, 8)


@pytest.mark.parametrize(
    "row",
    [
        "2026-02-30,weekday_off,x,y",
        "2026-10-01,half_day,x,y",
        "2026-10-03,weekday_off,x,y",
        "2026-10-01,weekend_workday,,y",
    ],
)
def test_a_wrong_row_is_refused_by_its_number(row: str):
    """A typo in the table does not move deadlines in silence."""
    with pytest.raises(ValueError, match="row 2"):
        read_overrides([HEADER, row])


def test_a_date_written_twice_is_refused():
    """Two rows for one date would let their order decide."""
    row = "2026-10-01,weekday_off,x,y"

    with pytest.raises(ValueError, match="row 3: 2026-10-01 is written twice"):
        read_overrides([HEADER, row, row])
