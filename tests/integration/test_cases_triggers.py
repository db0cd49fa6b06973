"""Triggers on a real PostgreSQL: monitor mode, tables of rule packs, clues, withdrawals."""

import datetime as dt

import pytest
from sqlalchemy.exc import DBAPIError

from services.cases import rules, trigger_store
from services.cases.app.handle_finding import handle_finding
from services.cases.app.trigger_tables import handle_pack
from services.cases.domain.matter import Kind, Level
from services.chassis.clock import BEIJING, to_timestamp
from services.chassis.errors import InputRejected
from services.chassis.identity import Scope
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.detect.v1 import detect_pb2, pack_pb2
from tests.integration.cases_rig import ANSWER, MANAGER, Region, finding, region

NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)
SHIPPED = rules.text("triggers.yaml")
#: Two exceeding hours dispatch, where the shipped table asks for three.
STRICTER = SHIPPED.replace("count_today, at_least: 3", "count_today, at_least: 2")


@pytest.fixture
def place(migrated_db):
    """A fresh region."""
    with region(migrated_db("cases"), NOW) as fresh:
        yield fresh


def activated(
    *timeline: tuple[str, str], version: str, triggers: str, minute: int = 0
) -> pack_pb2.PackActivated:
    """The event: (first day, version) entries of pack `hebei`, and the one activated now."""
    return pack_pb2.PackActivated(
        timeline=[
            pack_pb2.Activation(
                pack_id="hebei",
                version=number,
                applies_from=since,
                activated_at=to_timestamp(NOW + dt.timedelta(minutes=minute)),
            )
            for since, number in timeline
        ],
        pack=pack_pb2.Pack(pack_id="hebei", version=version),
        triggers=triggers,
    )


def take(place: Region, event: pack_pb2.PackActivated) -> None:
    """Handle an activation."""
    with place.database.transaction() as session:
        handle_pack(session, event)


def counts(place: Region) -> list[tuple[str, str, int, int]]:
    """Mode, trigger, items, withdrawn."""
    with place.database.transaction() as session:
        found = trigger_store.count_hits(
            session, Scope("13"), NOW.date() - dt.timedelta(days=40), NOW.date()
        )
    return sorted((one.mode, one.trigger, one.items, one.withdrawn) for one in found)


def test_a_monitor_trigger_counts_and_tells_nobody(place: Region):
    """No order, no notice, no change; one item a day however often its findings grow."""
    first = finding(NOW, rule_id="hour_mismatch")
    place.run(handle_finding, first)
    first.revision, first.count = 2, 9
    place.run(handle_finding, first)
    place.run(handle_finding, finding(NOW, rule_id="hour_mismatch"))

    assert place.matters() == []
    assert place.sent(pb.NoticeRequested) == []
    assert counts(place) == [("monitor", "hour_mismatch", 1, 0)]


def test_live_triggers_are_counted_once_at_their_highest_level(place: Region):
    """A finding that rose from warning to dispatch is one item, of the dispatch row."""
    grown = finding(NOW, hours=1)
    place.run(handle_finding, grown)
    grown.revision, grown.count_today = 2, 3
    place.run(handle_finding, grown)

    assert counts(place) == [("live", "exceed_3h_day", 1, 0)]


def test_a_pack_s_table_counts_from_the_day_it_applies(place: Region):
    """Two hours dispatch after it and warn before it; the table before stays for older data."""
    take(place, activated(("2026-11-02", "2"), version="2", triggers=STRICTER))
    yesterday = NOW - dt.timedelta(days=1)

    place.run(handle_finding, finding(NOW, hours=2))
    place.run(handle_finding, finding(yesterday, hours=2, factors=["a21002"]))

    assert [m.level for m in place.matters()] == [Level.DISPATCH, Level.WARNING]


def test_an_empty_table_returns_to_the_shipped_one(place: Region):
    """A roll-back to a pack without triggers of its own."""
    take(place, activated(("2026-01-01", "2"), version="2", triggers=STRICTER))
    again = activated(("2026-01-01", "1"), version="1", triggers="", minute=1)
    take(place, again)

    place.run(handle_finding, finding(NOW, hours=2))

    assert place.only().level is Level.WARNING


@pytest.mark.parametrize(
    "broken",
    [
        "version: [",
        SHIPPED.replace("at_least: 1, level", "at_leest: 1, level", 1),
        SHIPPED.replace("level: warning", "level: alarm"),
        SHIPPED.replace("mode: monitor", "mode: quiet"),
        SHIPPED.replace("clock: device_fault_fix", "clock: no_such_term"),
        SHIPPED.replace("id: exceed_3h_day", "id: exceed_1h"),
        SHIPPED.replace("level: clue, officer_hours", "level: warning, officer_hours"),
    ],
)
def test_a_broken_table_is_refused_and_the_one_before_stays(place: Region, broken: str):
    """The refusal names the pack; what is in force is what was, also where a timeline names it."""
    take(place, activated(("2026-01-01", "2"), version="2", triggers=STRICTER))
    bad = activated(("2026-01-01", "2"), ("2026-06-01", "3"), version="3", triggers=broken)

    with pytest.raises(InputRejected, match="hebei@3"):
        take(place, bad)
    later = activated(
        ("2026-01-01", "2"), ("2026-06-01", "3"), ("2027-01-01", "4"),
        version="4", triggers="", minute=2,
    )  # fmt: skip
    take(place, later)
    place.run(handle_finding, finding(NOW, hours=2))

    assert place.only().level is Level.DISPATCH


def test_what_tables_were_in_force_is_never_changed(place: Region):
    """Append-only by trigger, for the service's own role too."""
    take(place, activated(("2026-01-01", "2"), version="2", triggers=STRICTER))

    for statement in ("UPDATE trigger_table SET text = ''", "DELETE FROM trigger_table"):
        with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
            place.execute(statement)


def test_days_in_a_row_and_in_thirty_come_from_the_finding_s_facts(place: Region):
    """One day dispatches; two in a row, or three in thirty, are supervision."""
    daily = finding(NOW, rule_id="daily_exceedance")
    daily.facts.update({"days_in_row": 1, "days_in_30": 2})
    place.run(handle_finding, daily)
    assert place.only().level is Level.DISPATCH
    daily.revision = 2
    daily.facts.update({"days_in_row": 1, "days_in_30": 3})

    place.run(handle_finding, daily)

    assert place.only().level is Level.SUPERVISION


def test_a_furnace_day_is_an_order_of_supervision_and_a_clue_for_one_case(place: Region):
    """The plant is told by the order; the case grows by the next day and is opened once."""
    first = finding(NOW, rule_id="mswi_daily_exceedance")
    place.run(handle_finding, first)
    place.run(handle_finding, finding(NOW, rule_id="mswi_daily_exceedance"))
    first.revision = 2
    place.run(handle_finding, first)

    case, order = sorted(place.matters(), key=lambda one: one.kind.value)
    assert (order.kind, order.level) == (Kind.ORDER, Level.SUPERVISION)
    assert (case.kind, case.state, len(case.rows)) == (Kind.CASE, "clue", 2)
    assert [event.act for event in case.events] == ["receive_clue", "add_clue"]
    told = [(n.template, n.recipients[0].kind) for n in place.sent(pb.NoticeRequested)]
    assert ("order_issued", "enterprise") in told
    assert ("clue_opened", "enterprise") not in told


def withdraw(one: detect_pb2.Finding, reason: str) -> detect_pb2.Finding:
    """The finding's next revision: a mark took its hours out."""
    one.revision += 1
    one.state = detect_pb2.FINDING_STATE_CLOSED
    one.count = one.count_today = one.count_7_days = 0
    one.facts.update({"withdrawn": True, "reason": reason})
    return one


def test_a_withdrawn_finding_withdraws_its_order_and_the_timeline_says_why(place: Region):
    """Re-judged by a mark: nobody has begun, so the order goes, with the reason."""
    one = finding(NOW, hours=3)
    place.run(handle_finding, one)

    place.run(handle_finding, withdraw(one, "企业标记：设备维护"))

    matter = place.only()
    assert matter.state == "closed"
    assert matter.last("withdraw").fields["why"] == "企业标记：设备维护"
    assert counts(place) == [("live", "exceed_3h_day", 0, 1)]


def test_an_order_that_people_work_on_keeps_going_and_says_what_fell_away(place: Region):
    """The plant answered already: one line with the reason, once, and people end it."""
    one = finding(NOW, hours=3)
    place.run(handle_finding, one)
    place.act(MANAGER, place.only(), "answer", **ANSWER)
    gone = withdraw(one, "限值更正")
    place.run(handle_finding, gone)
    gone.revision += 1

    place.run(handle_finding, gone)

    matter = place.only()
    assert matter.state == "answered"
    assert [e.act for e in matter.events] == ["issue", "answer", "note_withdrawn"]
    assert matter.events[-1].fields["why"] == "限值更正"
