"""People who leave, on a real PostgreSQL: nothing stays with who is gone, nothing moves twice."""

import datetime as dt
import threading

import pytest

from services.cases import people_store, rules
from services.cases.app import people_certificates, people_changed, people_timers
from services.cases.app.handle_clue import handle_clue
from services.cases.domain import history
from services.cases.domain.people_rules import PeopleRules
from services.chassis.clock import BEIJING
from services.chassis.db import Database
from services.chassis.due import handle_one
from services.chassis.errors import RuleViolated
from services.chassis.identity import Scope
from services.chassis.tables import DueRow
from tests.integration.cases_rig import (
    ANSWER,
    COUNTY,
    EXPIRED,
    LEADER,
    LI,
    MANAGER,
    VERDICT,
    VISIT,
    WANG,
    ZHAO,
    Region,
    bottle,
    region,
)
from tests.integration.people_rig import away, gone, keep, orders, person, said, swept, told

NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)


@pytest.fixture
def place(migrated_db):
    """A fresh region."""
    with region(migrated_db("cases"), NOW) as fresh:
        yield fresh


def test_a_matter_goes_to_the_named_substitute_while_its_officer_is_away(place: Region):
    """Who, why and until when are in the timeline; both people are told; the clocks run on."""
    (before,) = orders(place)
    assert before.assignee_id == "o-li"
    keep(place, away("o-li", "2026-11-02", "2026-11-06", "o-zhao", "training"))

    assert swept(place) == 1
    assert swept(place) == 0

    after = place.only()
    (line,) = said(after, "substitute")
    assert (after.assignee_id, after.in_charge) == ("o-zhao", COUNTY)
    assert line.fields["from"] == "o-li"
    assert (line.fields["why"], line.fields["until"]) == ("leave", "2026-11-06")
    assert line.reason == "承办人离岗（脱产培训，至2026-11-06）"
    assert after.clocks == before.clocks
    assert history.first_break(after.matter_id, after.events) is None
    assert [one.recipients[0].key for one in told(place, "matter_assigned")][-1] == "o-zhao"
    assert [one.recipients[0].role for one in told(place, "matter_substituted")] == ["leader"]


def test_a_matter_stays_where_it_is_when_its_officer_is_back(place: Region):
    """The default: who works on it goes on."""
    orders(place)
    keep(place, away("o-li", "2026-11-02", "2026-11-06"))
    swept(place)

    assert swept(place, NOW + dt.timedelta(days=7)) == 0


def test_a_matter_returns_where_the_office_wants_it(place: Region, monkeypatch):
    """Configuration: the substitute gives it back on the first day after the absence."""
    kept = rules.people()
    wanted = PeopleRules(**{**vars(kept), "return_after_leave": True})
    monkeypatch.setattr(rules, "people", lambda: wanted)
    orders(place)
    keep(place, away("o-li", "2026-11-02", "2026-11-06", "o-zhao"))
    swept(place)

    assert swept(place, NOW + dt.timedelta(days=4)) == 0
    assert swept(place, NOW + dt.timedelta(days=5)) == 1

    matter = place.only()
    assert matter.assignee_id == "o-li"
    assert [line.fields["why"] for line in said(matter, "substitute")] == ["leave", "returned"]
    assert swept(place, NOW + dt.timedelta(days=6)) == 0


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (gone("o-li"), "gone"),
        (person("o-li", division="130403"), "moved"),
        (person("o-li", role="leader"), "moved"),
        (person("o-li", certificate_expires="2026-11-01"), "certificate"),
    ],
    ids=["gone", "transferred", "promoted", "expired"],
)
def test_each_change_of_a_person_moves_his_matters(place: Region, record, why: str):
    """All of them, to several people, by load."""
    orders(place, 4)
    keep(place, record)

    assert swept(place) == 4

    matters = place.matters()
    assert {line.fields["why"] for m in matters for line in said(m, "substitute")} == {why}
    assert sorted(m.assignee_id for m in matters) == ["o-wang", "o-wang", "o-zhao", "o-zhao"]


def test_where_nobody_is_left_the_leader_is_told_once_and_the_list_shows_it(place: Region):
    """Then somebody comes, and the matter is in hands again."""
    orders(place)
    keep(place, gone("o-li"), gone("o-wang"), away("o-zhao", "2026-11-02", "", "", "suspended"))

    assert [swept(place) for _ in range(3)] == [1, 0, 0]

    matter = place.only()
    assert (matter.assignee_id, matter.assignee_name) == ("", "")
    (notice,) = told(place, "nobody_left")
    assert (notice.level, notice.recipients[0].role) == (1, "leader")
    with place.database.transaction() as session:
        ((head, since, reason),), total = people_store.unassigned(session, Scope("1304"), 10)
    assert (head.matter_id, since, total) == (matter.matter_id, NOW, 1)
    assert reason.startswith("承办人已离职或者注销；承办单位没有在岗")

    keep(place, person("o-new"))
    assert [swept(place) for _ in range(2)] == [1, 0]
    assert place.only().assignee_id == "o-new"
    with place.database.transaction() as session:
        assert people_store.unassigned(session, Scope("1304"), 10) == ([], 0)


def test_a_leader_may_give_it_to_somebody_before_the_sweep_does(place: Region):
    """What he did closes the entry of the list; a later vacancy is told again."""
    orders(place)
    keep(place, gone("o-li"), gone("o-wang"), away("o-zhao", "2026-11-02", "2026-11-03"))
    swept(place)
    keep(place, person("o-new"))
    place.act(LEADER, place.only(), "reassign", "由新同志承办", officer="o-new")

    keep(place, gone("o-new"))
    swept(place)

    assert len(told(place, "nobody_left")) == 2
    assert place.only().assignee_id == ""


def test_a_reviewed_step_does_not_go_to_who_did_the_one_before(place: Region):
    """The checker is on duty and idle, and still is not the one who may close."""
    (order,) = orders(place)
    place.act(MANAGER, order, "answer", **ANSWER)
    place.act(WANG, order, "check", **VERDICT)
    keep(place, away("o-li", "2026-11-02", "", "o-wang"))

    swept(place)

    assert place.only().assignee_id == "o-zhao"


def test_two_replicas_at_once_move_each_matter_once(place: Region, migrated_db):
    """All look at one list; locks that do not wait share it, a second look finds nothing."""
    orders(place, 8)
    keep(place, gone("o-li"))
    start = threading.Barrier(3)
    moved: list[int] = []

    def replica() -> None:
        database = Database(migrated_db("cases"), "cases")
        start.wait(10)
        moved.append(people_timers.sweep_all(database, NOW))
        database.engine.dispose()

    threads = [threading.Thread(target=replica) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)

    matters = place.matters()
    assert sum(moved) == 8
    assert [len(said(matter, "substitute")) for matter in matters] == [1] * 8
    assert not {"o-li", ""} & {matter.assignee_id for matter in matters}
    assert all(history.first_break(m.matter_id, m.events) is None for m in matters)


def test_a_matter_that_somebody_works_on_is_left_for_the_next_look(place: Region):
    """The sweep waits for nobody, so it can stand in nobody's way."""
    (order,) = orders(place)
    keep(place, gone("o-li"))

    with place.database.transaction() as session:
        assert people_store.try_lock(session, order.matter_id)
        assert swept(place) == 0

    assert swept(place) == 1


def test_a_change_in_the_registry_is_handled_once_in_batches(place: Region, monkeypatch):
    """The due row of the change sweeps a batch and sets the next one."""
    kept = rules.people()
    small = PeopleRules(**{**vars(kept), "batch": 3})
    monkeypatch.setattr(rules, "people", lambda: small)
    orders(place, 7)
    record = gone("o-li")
    keep(place, record)
    for _ in range(2):  # told twice: the row is the same
        place.run(people_timers.note_people, [record])

    def handle(session, row: DueRow) -> None:
        people_timers.people_due(session, row, NOW)

    looks = 0
    while handle_one(place.database, people_changed.PEOPLE, NOW, handle):
        looks += 1

    assert looks == 3
    assert {matter.assignee_id for matter in place.matters()} == {"o-wang", "o-zhao"}


def test_an_empty_copy_of_the_registry_moves_nothing(place: Region):
    """A service that does not know anybody yet must not think that everybody left."""
    orders(place)
    place.execute("DELETE FROM registry_copy")

    assert swept(place) == 0


def test_a_new_matter_is_given_past_people_who_are_away(place: Region):
    """And to nobody where all are: the office keeps it, the leader is told within a minute."""
    keep(place, away("o-li", "2026-11-01", "2026-11-05"))
    assert orders(place)[0].assignee_id == "o-wang"

    keep(place, away("o-wang", "2026-11-02"), away("o-zhao", "2026-11-02"))
    place.run(handle_clue, bottle(NOW))
    swept(place)

    case = next(matter for matter in place.matters() if matter.item == "falsification")
    assert (case.in_charge, case.assignee_id, case.team_id) == (COUNTY, "", f"t-{COUNTY}")
    assert [line.fields["why"] for line in said(case, "nobody_left")] == ["unassigned"]


def test_reminders_of_a_certificate_go_out_once_each(place: Region):
    """60, 30 and 7 days before and on the morning after: to the officer and to the leader."""
    keep(place, person("o-li", certificate_expires="2027-01-15"))
    days = [dt.date(2026, 11, 16), dt.date(2026, 12, 16), dt.date(2027, 1, 8), dt.date(2027, 1, 16)]

    for day in [NOW.date(), *days, *(one + dt.timedelta(days=1) for one in days)]:
        now = dt.datetime.combine(day, dt.time(9, 30), BEIJING)
        for _ in range(2):
            with place.database.transaction() as session:
                people_timers.arm_all(session, now)
        _handle_certificates(place, now)

    sent = [one for one in told(place, "certificate_near") if one.recipients[0].key == "o-li"]
    over = [one for one in told(place, "certificate_over") if one.recipients[0].key == "o-li"]
    when = [one.event_time.ToDatetime(dt.UTC).astimezone(BEIJING).date() for one in [*sent, *over]]
    assert when == days
    assert len(told(place, "certificate_near_leader")) == 3


def _handle_certificates(place: Region, now: dt.datetime) -> None:
    def handle(session, row: DueRow) -> None:
        people_certificates.remind_of_certificate(session, row.payload, now)

    while handle_one(place.database, people_certificates.CERTIFICATE, now, handle):
        pass


def test_a_renewed_certificate_is_not_reminded_of(place: Region):
    """The rows of the old end find that it is none any more; those of the new one are set."""
    keep(place, person("o-li", certificate_expires="2026-11-09"))
    with place.database.transaction() as session:
        people_timers.arm_all(session, NOW)
    keep(place, person("o-li", certificate_expires="2029-11-09"))

    _handle_certificates(place, NOW + dt.timedelta(days=1))

    assert [n for n in told(place, "certificate_near") if n.recipients[0].key == "o-li"] == []


def test_a_late_start_reminds_of_the_nearest_warning_only(place: Region):
    """Installed with twenty days left: one reminder, not two."""
    keep(place, person("o-li", certificate_expires="2026-11-22"))
    with place.database.transaction() as session:
        people_timers.arm_all(session, NOW)

    _handle_certificates(place, NOW)

    assert len([n for n in told(place, "certificate_near") if n.recipients[0].key == "o-li"]) == 1


def test_an_officer_without_a_certificate_enforces_nothing(place: Region):
    """Any act of the role asks for it, also one that takes no second officer."""
    (order,) = orders(place)
    place.act(MANAGER, order, "answer", **ANSWER)

    with pytest.raises(RuleViolated) as refused:
        place.act(EXPIRED, order, "check", **VERDICT)

    assert refused.value.facts == {
        "article": "行政处罚法第四十二条第一款",
        "missing": "o-expired 没有有效执法证件",
    }


def test_one_person_with_two_numbers_is_one(place: Region):
    """Same certificate, or the same person by personnel's number: not a second officer."""
    place.run(handle_clue, bottle(NOW))
    keep(place, person("o-twin", certificate="冀环o-wang"))
    keep(place, person("o-li", person_id="P7"), person("o-li2", person_id="P7"))

    with pytest.raises(RuleViolated, match="第二名执法人员须为另一人"):
        place.act(WANG, place.only(), "verify", **{**VISIT, "officer_2": "o-twin"})
    with pytest.raises(RuleViolated, match="第二名执法人员须为另一人"):
        place.act(LI, place.only(), "verify", **{**VISIT, "officer_2": "o-li2"})
    assert place.act(ZHAO, place.only(), "verify", **{**VISIT, "officer_2": "o-li2"})


def test_two_persons_who_share_a_wrong_certificate_stay_two(place: Region):
    """Where personnel names both, a typing mistake in a certificate joins nobody."""
    place.run(handle_clue, bottle(NOW))
    keep(place, person("o-wang", person_id="P1"))
    keep(place, person("o-li", person_id="P2", certificate="冀环o-wang"))

    assert place.act(WANG, place.only(), "verify", **VISIT).state == "verified"
