"""Clocks in the database: the calendar changes, reminders come early, a wrong day is corrected."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest
import yaml
from sqlalchemy import select

from services.cases import rules, store
from services.cases.app import handle_due, reckon_clocks
from services.cases.app.attempts import attempt_of
from services.cases.app.handle_finding import handle_finding
from services.cases.app.perform import perform
from services.cases.app.reckon_clocks import CALENDAR, sweep_calendar, watch_calendar
from services.cases.app.save_step import BREACH, WARN
from services.cases.domain.gates import GATES
from services.cases.domain.lifecycle_reader import read_lifecycle
from services.cases.domain.matter import Doer, Kind
from services.cases.domain.timing import Terms
from services.chassis.calendar import Calendar, DayKind, Override
from services.chassis.clock import BEIJING
from services.chassis.due import handle_one
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.tables import DueRow
from tests.integration.cases_rig import (
    ANSWER,
    COUNTY,
    MANAGER,
    OUTLET,
    PLANT,
    Region,
    finding,
    region,
)
from tests.unit.cases.region import blank
from tests.unit.cases.test_timing import LIFE

YEAR_END = dt.datetime(2026, 12, 30, 10, 0, tzinfo=BEIJING)
NEW_YEAR = {dt.date(2027, 1, 1): Override(DayKind.WEEKDAY_OFF, "New Year's Day", "notice")}
FACTORS = ("a21026", "a34013", "a21002")


@pytest.fixture
def place(migrated_db):
    """A fresh region at the end of a year whose successor nobody published."""
    with region(migrated_db("cases"), YEAR_END) as fresh:
        yield fresh


def release(monkeypatch: pytest.MonkeyPatch, rows: dict[dt.date, Override]) -> None:
    """The service runs with a calendar that has these rows as well."""
    calendar = Calendar.published().with_rows(rows)
    monkeypatch.setattr(rules, "terms", lambda: Terms(rules.clock_table(), calendar))


def answered_orders(place: Region) -> None:
    """Three orders whose `order_check` ends in the new year."""
    for factor in FACTORS:
        place.run(handle_finding, finding(place.now, hours=3, factors=[factor]))
    for matter in place.matters():
        place.act(MANAGER, matter, "answer", **ANSWER)


def sweep(place: Region, now: dt.datetime) -> int:
    """Handle the due rows of the sweep as a replica does; gives how many there were."""

    def handle(session, row) -> None:
        sweep_calendar(session, row.key, row.payload, now)

    batches = 0
    while handle_one(place.database, CALENDAR, now, handle):
        batches += 1
    return batches


def waiting(place: Region, kind: str, part: str = "") -> list[DueRow]:
    """Due rows that were not handled."""
    with place.database.transaction() as session:
        query = select(DueRow).where(DueRow.kind == kind, DueRow.done_at.is_(None))
        rows = session.scalars(query.order_by(DueRow.at, DueRow.due_id)).all()
        session.expunge_all()
        return [row for row in rows if part in row.key]


def checks(place: Region) -> list[tuple[str, bool, int]]:
    """End, guess and number of lines about it, of each order's check."""
    found = []
    for matter in place.matters():
        clock = matter.open_clock("order_check")
        lines = sum(event.act == "reckon" for event in matter.events)
        found.append((f"{clock.due_at.astimezone(BEIJING):%m-%d}", clock.provisional, lines))
    return found


def test_a_release_with_other_holidays_is_swept_once_in_batches(place, monkeypatch):
    """Replicas arm one row, batches follow each other, every end moves once, and stays."""
    monkeypatch.setattr(reckon_clocks, "BATCH", 2)
    answered_orders(place)
    place.run(watch_calendar)
    assert sweep(place, place.now) == 2
    assert checks(place) == [("01-05", True, 0)] * 3

    release(monkeypatch, NEW_YEAR)
    for _ in range(3):
        place.run(watch_calendar)
    assert len(waiting(place, CALENDAR)) == 1
    assert sweep(place, place.now) == 2

    place.run(watch_calendar)
    assert sweep(place, place.now) == 0
    assert place.run(reckon_clocks.reckon_clocks) == 0
    assert checks(place) == [("01-06", False, 1)] * 3
    assert place.matters()[0].events[-1].fields["clocks_moved"] == (
        "order_check 2027-01-04T16:00:00Z -> 2027-01-05T16:00:00Z"
    )


def test_a_release_that_goes_back_is_swept_again(place, monkeypatch):
    """A bad table was shipped and taken back: its ends are not left behind."""
    answered_orders(place)
    for rows in ({}, NEW_YEAR, {}):
        release(monkeypatch, rows)
        place.run(watch_calendar)
        sweep(place, place.now)

    assert checks(place) == [("01-05", True, 2)] * 3


def test_a_replica_of_another_release_leaves_the_sweep_to_those_that_have_it(place, monkeypatch):
    """While an update rolls out, the old code does not compute for the new calendar."""
    answered_orders(place)
    release(monkeypatch, NEW_YEAR)
    place.run(watch_calendar)

    release(monkeypatch, {})
    assert sweep(place, place.now) == 1
    assert checks(place) == [("01-05", True, 0)] * 3
    release(monkeypatch, NEW_YEAR)
    assert sweep(place, place.now) == 0
    assert sweep(place, place.now + dt.timedelta(minutes=2)) == 1

    assert checks(place) == [("01-06", False, 1)] * 3


def test_the_sweep_of_a_release_that_is_gone_ends(place, monkeypatch):
    """The last replica of old code armed its own sweep and was stopped: nobody asks for ever."""
    answered_orders(place)
    release(monkeypatch, {})
    place.run(watch_calendar)
    release(monkeypatch, NEW_YEAR)
    later = place.now + dt.timedelta(hours=1)
    assert sweep(place, place.now) == 1
    place.run(watch_calendar)

    sweep(place, later)

    assert waiting(place, CALENDAR) == []
    assert checks(place) == [("01-06", False, 1)] * 3


DOER = Doer("o-wang", "o-wang", "officer", COUNTY)
CHIEF = Doer("o-leader", "o-leader", "leader", COUNTY)


def case(place: Region, filed_on: str) -> str:
    """A case of the synthetic table, filed on that day."""
    matter = replace(
        blank(Kind.CASE),
        matter_id="m-clock",
        outlet_id=OUTLET,
        credit_code=PLANT,
        rows=(),
        root_id="m-clock",
        assignee_id="o-wang",
    )
    with place.database.transaction() as session:
        store.add(session, matter)
        perform(
            session, "begin", attempt_of(session, matter, DOER, place.now, {"filed_on": filed_on})
        )
    return matter.matter_id


def act(place: Region, doer: Doer, key: str, matter: str = "m-clock", **fields: str) -> None:
    """An act on the case or on one below it, as the door does it."""
    with place.database.transaction() as session:
        store.lock_family(session, matter)
        found = store.load(session, matter, lock=True)
        perform(session, key, attempt_of(session, found, doer, place.now, fields, reason="更正"))


def fire(place: Region, kind: str, handle: Callable, now: dt.datetime) -> int:
    """Let the time of due rows come; two replicas ask in turn. Gives how many were handled."""
    done = 0
    while handle_one(
        place.database, kind, now, lambda session, row: handle(session, row.payload, now)
    ):
        done += 1
    return done


@pytest.fixture
def synthetic(place, monkeypatch):
    """The region with the small table of the unit test in place of the case's."""
    real = rules.life_cycle
    monkeypatch.setattr(rules, "life_cycle", lambda kind: LIFE if kind is Kind.CASE else real(kind))
    place.now = dt.datetime(2026, 3, 12, 10, 0, tzinfo=BEIJING)
    return place


def test_a_corrected_day_moves_the_due_rows_and_the_breach_comes_once(synthetic):
    """Filed on the 2nd, not the 20th of February: the old row finds itself outdated."""
    place = synthetic
    case(place, "2026-03-02")
    act(place, CHIEF, "correct", seq="1", field="filed_on", value="2026-02-20")

    clock = place.only().open_clock("decision")
    assert (clock.schedule, f"{clock.due_at.astimezone(BEIJING):%m-%d}") == (2, "05-22")
    new, old = waiting(place, BREACH)
    assert (new.at, new.payload["schedule"], old.payload["schedule"]) == (clock.due_at, 2, 1)
    late = dt.datetime(2026, 6, 3, tzinfo=BEIJING)
    for _ in range(2):
        fire(place, BREACH, handle_due.breach, late)

    acts = [event.act for event in place.only().events]
    assert acts == ["begin", "correct", "overdue"]
    assert place.only().events[1].fields["old"] == "2026-03-02"


def test_a_corrected_day_takes_a_breach_back(synthetic):
    """It was noted, then the day turned out to be a month later; the timeline holds all of it."""
    place = synthetic
    case(place, "2026-03-02")
    fire(place, BREACH, handle_due.breach, dt.datetime(2026, 6, 2, tzinfo=BEIJING))
    place.now = dt.datetime(2026, 6, 3, 9, 0, tzinfo=BEIJING)
    act(place, CHIEF, "correct", seq="1", field="filed_on", value="2026-03-31")
    fire(place, BREACH, handle_due.breach, dt.datetime(2026, 6, 29, tzinfo=BEIJING))

    matter = place.only()
    assert [event.act for event in matter.events] == ["begin", "overdue", "correct"]
    assert matter.open_clock("decision").state.value == "running"
    assert matter.events[-1].fields["clocks_restored"] == "decision breached -> running"


CHILD = read_lifecycle(
    yaml.safe_load(
        """
kind: service
version: "1"
states: {open: {zh: 办理中}}
acts:
  - {act: begin, zh: 开始, by: [officer], from: [], to: open}
  - {act: hand, zh: 直接送达, by: [officer], from: [open], to: same,
     fields: [{name: served_on, zh: 送达日, type: date, required: true}],
     parent: {act: serve, copy: [served_on]}}
"""
    ),
    rules.load("lifecycle_common.yaml"),
    rules.clock_table().keys,
    GATES,
)


def test_a_day_that_was_handed_up_is_corrected_above_as_well(synthetic, monkeypatch):
    """The officer corrects the service; the clocks of the case follow, each with its own line."""
    place = synthetic
    tables = {Kind.CASE: LIFE, Kind.SERVICE: CHILD}
    monkeypatch.setattr(rules, "life_cycle", tables.__getitem__)
    case(place, "2026-03-02")
    with place.database.transaction() as session:
        child = replace(
            store.load(session, "m-clock"),
            matter_id="m-child",
            kind=Kind.SERVICE,
            number="送1",
            state="",
            parent_matter_id="m-clock",
            version=0,
            clocks=(),
            events=(),
        )
        store.add(session, child)
        perform(session, "begin", attempt_of(session, child, DOER, place.now))
    act(place, DOER, "hand", matter="m-child", served_on="2026-03-11")
    place.now += dt.timedelta(days=1)
    act(place, CHIEF, "correct", matter="m-child", seq="2", field="served_on", value="2026-03-10")

    with place.database.transaction() as session:
        above, below = (store.load(session, one) for one in ("m-clock", "m-child"))
    assert [event.act for event in below.events] == ["begin", "hand", "correct"]
    assert [event.act for event in above.events] == ["begin", "serve", "correct"]
    assert above.events[-1].fields["old"] == "2026-03-11"
    ends = [above.open_clock(key).due_at.astimezone(BEIJING) for key in ("statement", "lawsuit")]
    assert [f"{end:%m-%d}" for end in ends] == ["03-18", "09-11"]


def test_who_approved_an_extension_is_kept(synthetic):
    """In the database and in the derivation."""
    place = synthetic
    case(place, "2026-03-02")
    act(place, CHIEF, "prolong", approved_on="2026-03-11", chief="局长 王某")

    clock = place.only().open_clock("decision")
    assert (clock.grants[0].approved_by, str(clock.grants[0].approved_on)) == (
        "局长 王某",
        "2026-03-11",
    )
    assert "批准人：局长 王某 2026-03-11。" in [line.zh for line in clock.derivation]


def test_reminders_of_a_long_term_come_a_month_a_week_and_a_day_ahead_each_once(synthetic):
    """The term of 90 days; two looks at each moment tell once."""
    place = synthetic
    case(place, "2026-03-02")
    told = []
    for day in ("2026-05-03", "2026-05-26", "2026-06-01"):
        for hour in (1, 12):
            now = dt.datetime.fromisoformat(f"{day}T{hour:02d}:00").replace(tzinfo=BEIJING)
            told.append(fire(place, WARN, handle_due.warn, now))

    notices = [one for one in place.sent(pb.NoticeRequested) if one.template == "clock_near"]
    assert told == [1, 0, 1, 0, 1, 0]
    assert len({one.cause_id for one in notices}) == 3


def test_a_term_that_counts_backwards_is_reminded_of():
    """A hearing in three weeks: the notice has to be sent seven working days before it."""
    now, hearing = (dt.datetime(2026, 11, day, 9, 0, tzinfo=BEIJING) for day in (2, 27))
    end = dt.datetime(2026, 11, 19, tzinfo=BEIJING)

    (moment,) = rules.reminders().warn_at(hearing, end, now)[-1:]

    assert moment == ("", end - dt.timedelta(days=1))


def test_who_hears_late_of_a_term_is_reminded_once(synthetic):
    """Recorded five days before the end: the reminders of a month and a week are one."""
    place = synthetic
    place.now = dt.datetime(2026, 5, 28, 9, 0, tzinfo=BEIJING)
    case(place, "2026-03-02")

    assert [row.at <= place.now for row in waiting(place, WARN)] == [True, False]


@pytest.mark.parametrize(
    ("key", "templates"),
    [
        ("limitation_other", ["clock_near"] * 3 + ["clock_breached"] * 2),
        ("reconsider", []),
    ],
)
def test_an_end_that_bars_the_authority_is_told_and_the_plants_right_is_not(
    synthetic, monkeypatch, key, templates
):
    """A right of the plant ends in silence; a time bar is told before and after, with one line."""
    place = synthetic
    begin = LIFE.acts[0]
    first = replace(begin, start=(replace(begin.start[0], clock=key),))
    table = replace(LIFE, acts=(first, *LIFE.acts[1:]))
    monkeypatch.setattr(rules, "life_cycle", lambda _: table)
    case(place, "2026-03-02")
    end = place.only().open_clock(key).due_at
    for days in (-30, -7, -1):
        fire(place, WARN, handle_due.warn, end + dt.timedelta(days=days))
    for _ in range(2):
        fire(place, BREACH, handle_due.breach, end)

    assert [one.template for one in place.sent(pb.NoticeRequested)] == templates
    assert [event.act for event in place.only().events] == ["begin", "lapsed"]
