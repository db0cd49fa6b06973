"""What is written stays written: the append-only timeline, its feed, ends computed again."""

import datetime as dt

import pytest
from sqlalchemy.exc import DBAPIError

from services.cases import rules
from services.cases.app.act_on_matter import Request, act_on_matter
from services.cases.app.handle_finding import handle_finding
from services.cases.app.reckon_clocks import reckon_clocks
from services.cases.domain import history
from services.cases.domain.matter import Kind
from services.cases.domain.timing import Terms
from services.cases.queries import View, read_feed
from services.chassis.calendar import Calendar, DayKind, Override
from services.chassis.clock import BEIJING
from services.chassis.errors import (
    InputRejected,
)
from services.chassis.identity import Scope
from services.chassis.pb.detect.v1 import detect_pb2
from tests.integration.cases_rig import (
    ANSWER,
    MANAGER,
    Region,
    finding,
    region,
)

NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)


@pytest.fixture
def place(migrated_db):
    """A fresh region."""
    with region(migrated_db("cases"), NOW) as fresh:
        yield fresh


def dispatch(place: Region):
    """An order of level dispatch."""
    place.run(handle_finding, finding(NOW, hours=3))
    return place.only()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE matter_event SET reason = 'x'",
        "DELETE FROM matter_event",
        "TRUNCATE matter_event",
    ],
)
def test_the_timeline_refuses_change_by_right_and_by_trigger(place: Region, statement: str):
    """The service's role has no right to it, and even the owner meets the trigger."""
    dispatch(place)

    with pytest.raises(DBAPIError, match="permission denied"):
        place.execute(statement)
    with pytest.raises(DBAPIError, match="append-only"):
        place.execute("RESET ROLE", statement)

    assert len(place.only().events) == 1


def test_a_forged_line_breaks_the_chain(place: Region):
    """Whoever gets past trigger and rights is still found by the digests."""
    matter = dispatch(place)
    place.act(MANAGER, matter, "answer", **ANSWER)
    place.execute(
        "RESET ROLE",
        "ALTER TABLE matter_event DISABLE TRIGGER append_only",
        "UPDATE matter_event SET reason = '改' WHERE seq = 1",
        "ALTER TABLE matter_event ENABLE TRIGGER append_only",
    )

    forged = place.only()

    assert history.first_break(forged.matter_id, forged.events) == 1


def test_a_watcher_never_steps_over_a_change_that_commits_late(place: Region):
    """A line written first and committed last still comes after the token that was given before."""
    view = View(frozenset(Kind), Scope("13"))
    place.run(handle_finding, finding(NOW, hours=3))
    early = place.only()
    with place.database.transaction() as session:
        token = read_feed(session, view, "").token

    with place.database.transaction() as slow:
        act_on_matter(slow, MANAGER, Request(early.matter_id, "answer", ANSWER), NOW)
        place.run(handle_finding, finding(NOW, hours=3, factors=["a21002"]))
        with place.database.transaction() as session:
            during = read_feed(session, view, token)
    with place.database.transaction() as session:
        after = read_feed(session, view, during.token)

    assert during.changes == []
    assert [event.act for _, event, _ in after.changes] == ["answer", "issue"]


@pytest.mark.parametrize("token", ["x", "1", "1.x", ".", "-1.2", "1.2.3"])
def test_a_resume_token_of_somebody_else_is_refused(place: Region, token: str):
    """Not a database error."""
    with place.database.transaction() as session, pytest.raises(InputRejected):
        read_feed(session, View(frozenset(Kind), Scope("13")), token)


def test_a_provisional_end_becomes_firm_once_the_holidays_are_out(place: Region, monkeypatch):
    """The notice for 2027 moves the end; the timeline says so, the due row follows."""
    place.now = dt.datetime(2026, 12, 30, 10, 0, tzinfo=BEIJING)
    seen = finding(place.now, hours=3, state=detect_pb2.FINDING_STATE_OPEN)
    place.run(handle_finding, seen)
    place.act(MANAGER, place.only(), "answer", **ANSWER)
    before = place.only().open_clock("order_check")
    new_year = {dt.date(2027, 1, 1): Override(DayKind.WEEKDAY_OFF, "New Year's Day", "notice")}
    monkeypatch.setattr(rules, "terms", lambda: Terms(rules.clock_table(), Calendar(new_year)))

    moved = [place.run(reckon_clocks) for _ in range(2)]

    after = place.only().open_clock("order_check")
    assert (before.provisional, after.provisional) == (True, False)
    assert str(before.due_at) == "2027-01-04 16:00:00+00:00"
    assert str(after.due_at) == "2027-01-05 16:00:00+00:00"
    assert moved == [1, 0]
    assert place.only().events[-1].act == "reckon"
    assert after.schedule == 2
