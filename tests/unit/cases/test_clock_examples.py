"""Worked examples for every row of the law's clock table, and the vectors of the reference.

The expected days in `clock_examples.csv` were counted by hand on a printed calendar with the State
Council's notices beside it; the column `reason` says how. `vectors.json` is a copy of the reference
(`tests/unit/detect/judgement/vectors.json`, made with the domain notes).
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

from services.cases.domain.clocks import Kind
from services.cases.domain.counting import count_days
from services.cases.domain.daily_penalty import Round
from services.cases.domain.deadline import Pause, due
from services.cases.domain.derivation import Grant
from services.cases.domain.surcharge import surcharge
from services.cases.rules import clock_table
from services.chassis.calendar import Calendar
from services.chassis.clock import BEIJING
from services.chassis.errors import RuleViolated

CALENDAR = Calendar.published()
HERE = Path(__file__).parent
EXAMPLES = list(csv.DictReader((HERE / "clock_examples.csv").open(encoding="utf-8")))
VECTORS = json.loads(
    (HERE.parent / "detect" / "judgement" / "vectors.json").read_text(encoding="utf-8")
)
WENGNIUTE = VECTORS["wengniute_worked_example"]


def day_of(text: str) -> dt.date:
    """A date of ISO text, or of the text's moment."""
    return dt.datetime.fromisoformat(text).date()


def moment(text: str) -> dt.datetime:
    """Noon of a day, or the moment that is given, in Beijing."""
    found = dt.datetime.fromisoformat(text if "T" in text else f"{text}T12:00")
    return found.replace(tzinfo=BEIJING)


def grants(text: str) -> list[Grant]:
    """`leader collective` or `instalment=2026-12-15`."""
    parts = [part.partition("=") for part in text.split()]
    return [Grant(key, dt.date.fromisoformat(day) if day else None) for key, _, day in parts]


def pauses(text: str) -> list[Pause]:
    """`hearing=2026-04-01/2026-04-11`, several with a space between."""
    found = []
    for part in text.split():
        cause, _, span = part.partition("=")
        start, _, end = span.partition("/")
        found.append(Pause(moment(start), moment(end), cause))
    return found


def computed(example: dict[str, str]) -> tuple[str, str]:
    """What the engine says: the end, the days or what is stopped; and whether it is a guess."""
    clock = clock_table().find(example["key"], day_of(example["start"]))
    if clock.kind is Kind.COUNT:
        found = dt.date.fromisoformat(example["pauses"].removeprefix("until="))
        return f"{count_days(clock, [Round(day_of(example['start']), found)]).days} days", "no"
    if clock.kind is Kind.SUSPENSION:
        stopped = [one.key for one in clock_table() if clock.key in one.pauses]
        return f"stops {' '.join(stopped) or 'surcharge'}", "no"
    answer = due(
        clock,
        moment(example["start"]),
        CALENDAR,
        pauses(example["pauses"]),
        grants(example["grants"]),
    )
    assert answer.at is not None
    end = str(answer.last_day or f"{answer.at.astimezone(BEIJING):%Y-%m-%dT%H:%M}")
    return end, "yes" if answer.provisional else "no"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e['key']}-{e['start']}-{e['due']}")
def test_a_worked_example_comes_out(example: dict[str, str]):
    """The day that was counted by hand."""
    assert computed(example) == (example["due"], example["provisional"]), example["reason"]


def test_every_row_version_extension_and_pause_has_a_worked_example():
    """Whoever adds a row of law counts an example of it, or this fails."""
    wanted, shown = set(), set()
    for clock in (one for one in clock_table() if one.statutory):
        version = (clock.key, clock.valid_from, clock.valid_to)
        wanted |= {(version, "")} | {(version, one.key) for one in clock.extensions}
        wanted |= {(version, cause) for cause in clock.pauses}
    for one in EXAMPLES:
        clock = clock_table().find(one["key"], day_of(one["start"]))
        version = (clock.key, clock.valid_from, clock.valid_to)
        named = [part.partition("=")[0] for part in f"{one['grants']} {one['pauses']}".split()]
        shown |= {(version, ""), *((version, name) for name in named if name != "until")}

    assert wanted - shown == set()
    assert shown - wanted == set()
    assert all(one["reason"] for one in EXAMPLES)


def test_the_wengniute_notice_end_to_end():
    """Seed 003: each date follows from the one before it; one day is left for the court."""
    days: dict[str, str] = {}
    for name, key, start in (
        ("deemed_served", "public_service", "decision_last_announced"),
        ("pay_by", "pay", "deemed_served"),
        ("reconsideration_until", "reconsider", "deemed_served"),
        ("suit_until", "lawsuit", "deemed_served"),
        ("demand_deemed_served", "public_service", "demand_announced"),
        ("demand_expires", "demand", "demand_deemed_served"),
        ("court_application_until", "court_enforce", "suit_until"),
    ):
        began = days.get(start, WENGNIUTE.get(start))
        clock = clock_table().find(key, dt.date.fromisoformat(began))
        days[name] = str(due(clock, moment(began), CALENDAR).last_day)

    assert days == {name: WENGNIUTE[name] for name in days}
    left = [dt.date.fromisoformat(days[n]) for n in ("court_application_until", "demand_expires")]
    assert left[0] - left[1] == dt.timedelta(days=1)


def test_the_wengniute_surcharge():
    """Three per cent of 220,000 a day, full on the 34th day."""
    pay_by, cap = dt.date.fromisoformat(WENGNIUTE["pay_by"]), WENGNIUTE["surcharge_cap"]
    full = WENGNIUTE["surcharge_full_on_day"]

    before, on = (
        surcharge(Decimal(cap), pay_by, pay_by + dt.timedelta(days=n)) for n in (full - 1, full)
    )

    assert before.per_day == WENGNIUTE["surcharge_per_day"]
    assert (before.amount, on.amount) == (Decimal(217_800), cap)
    assert on.full_on_day == full


@pytest.mark.parametrize(
    "case", VECTORS["daily_penalty"]["cases"], ids=lambda c: f"{c['original']}x{c['days']}"
)
def test_a_daily_penalty_as_the_vectors_say(case: dict[str, str]):
    """From the day after the service to the day of the finding."""
    served, found = map(dt.date.fromisoformat, (case["served"], case["recheck_found"]))
    clock = clock_table().find("daily_count", served)

    answer = count_days(clock, [Round(served, found)], int(case["original"]))

    assert (answer.days, answer.total) == (case["days"], case["want"])


def test_a_surcharge_is_none_for_who_paid_in_time_and_grows_while_a_suit_is_open():
    """Paid on the last day: nothing. A suit that is still open stops every day of it."""
    last = dt.date(2026, 11, 2)
    suit = Pause(moment("2026-11-05"))

    in_time = surcharge(Decimal(1000), last, last)
    sued = surcharge(Decimal(1000), last, dt.date(2026, 12, 1), [suit])

    assert (in_time.days, in_time.amount) == (0, 0)
    assert (sued.days, sued.not_counted, sued.amount) == (2, 27, 60)
    assert "art 73(3)" in " ".join(line.en for line in sued.derivation)


@pytest.mark.parametrize("fine", ["0", "-5", "NaN", "0.1"])
def test_what_is_no_fine_has_no_surcharge(fine: str):
    """An amount of which three per cent is not a fen."""
    with pytest.raises(RuleViolated, match="is no fine"):
        surcharge(Decimal(fine), dt.date(2026, 1, 1), dt.date(2026, 2, 1))


def test_rounds_of_a_daily_penalty_add_up_and_share_no_day():
    """Art 17: further failed rechecks accumulate; no day is fined twice."""
    clock = clock_table().find("daily_count", dt.date(2026, 9, 1))
    first = Round(dt.date(2026, 9, 1), dt.date(2026, 9, 13))
    second = Round(dt.date(2026, 9, 13), dt.date(2026, 9, 20))

    assert count_days(clock, [first, second]).days == 12 + 7
    for wrong in ([first, first], [Round(dt.date(2026, 9, 2), dt.date(2026, 9, 2))]):
        with pytest.raises(RuleViolated):
            count_days(clock, wrong)
    with pytest.raises(RuleViolated, match="counts no days"):
        count_days(clock_table().find("seal", dt.date(2026, 9, 1)), [first])
