"""Work lists over a real port: export, duty, inactivity, outcomes, and who may ask for which."""

import csv
import datetime as dt
import io
import itertools
import statistics
from collections import Counter

import openpyxl
import pytest
from sqlalchemy import select, text

from services.cases import paper_store, queries
from services.cases.app import handle_due
from services.cases.app.handle_clue import handle_clue
from services.cases.app.handle_finding import handle_finding
from services.cases.domain.matter import Kind
from services.cases.queries import View, Wanted
from services.cases.tables import MatterRow
from services.cases.work_table import COLUMNS
from services.chassis.clock import BEIJING, beijing, utc_now
from services.chassis.due import handle_one
from services.chassis.errors import Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.identity import Role, Scope
from services.chassis.pb.cases.v1 import cases_pb2, cases_pb2_grpc, work_pb2_grpc
from services.chassis.pb.cases.v1 import work_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import apply_records
from tests.integration.cases_door_rig import open_door
from tests.integration.cases_many import Mass, fill
from tests.integration.cases_rig import (
    ANSWER,
    LEADER,
    MANAGER,
    NEIGHBOUR,
    PLANT,
    VERDICT,
    WANG,
    actor,
    bottle,
    finding,
    issued_paper,
    region,
)

NOW = utc_now()
EVERYTHING = View(frozenset(Kind), Scope("13"))
PROVINCE = actor(Role.LEADER, "o-prov", "130000")
POLICE = actor(Role.POLICE, "po-1", "130400")
OPERATOR = actor(Role.OPERATOR, "op-1", "130000")


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory):
    """The door on a free port of this machine."""
    with open_door(migrated_db("cases"), tmp_path_factory.mktemp("keys")) as speaker:
        yield speaker


@pytest.fixture(scope="module")
def stub(door):
    """Its work lists."""
    return work_pb2_grpc.WorkServiceStub(door.channel)


@pytest.fixture
def place(migrated_db):
    """A region without matters."""
    with region(migrated_db("cases"), NOW) as fresh:
        yield fresh


def ids(place):
    """Ids of every head."""
    with place.database.transaction() as session:
        return set(session.scalars(select(MatterRow.matter_id)))


def walk(place, size=97, between=lambda: None, **wishes):
    """Ids of every page, one after the other."""
    token, found = "", []
    while True:
        with place.database.transaction() as session:
            page = queries.list_matters(session, EVERYTHING, Wanted(**wishes), size, token)
        found += [matter.matter_id for matter in page.matters]
        token = page.token
        if not token:
            return found
        between()


def test_what_comes_in_meanwhile_neither_repeats_nor_hides_a_matter(place):
    """New matters before and behind the place that a reader has reached."""
    with place.database.transaction() as session:
        fill(session, Mass(120), NOW)
    known = ids(place)
    numbers = itertools.count()

    def insert():
        place.execute(
            "INSERT INTO matter (matter_id, number, kind, state, level, factors, confidential,"
            " opened_at, version, division, rank) SELECT"
            f" 'z{next(numbers)}-' || rank, 'z{next(numbers)}-' || rank, 'case', 'clue', 1,"
            " '{}', true, now(), 1, '130402', rank FROM unnest(ARRAY[0, 9000000000000]) AS rank"
        )

    found = walk(place, 10, insert)

    assert len(found) == len(set(found))
    assert known <= set(found)


def test_the_number_of_a_document_finds_its_matter(place):
    """文号 of a paper, whole or a part of it."""
    place.run(handle_clue, bottle(NOW))
    place.run(handle_finding, finding(NOW, hours=3))
    case = next(one for one in place.matters() if one.kind is Kind.CASE)
    with place.database.transaction() as session:
        paper_store.add_paper(session, issued_paper(case.matter_id, "丛环责改〔2026〕3号"))

    found = walk(place, search="环责改〔2026〕")

    assert found == [case.matter_id]


def test_a_step_moves_a_matter_in_the_queue_and_says_why(place):
    """Risk, reasons and rank are written with each step; a plant's second case weighs more."""
    place.run(handle_finding, finding(NOW, hours=3))
    first = place.only()
    place.execute(
        "INSERT INTO matter (matter_id, number, kind, state, level, factors, confidential,"
        " opened_at, version, credit_code, root_id, division) VALUES ('old', 'old', 'case',"
        f" 'closed', 1, '{{}}', true, now() - interval '400 days', 1, '{PLANT}', 'old', '13')"
    )

    second = place.act(MANAGER, first, "answer", **ANSWER)
    kept = next(one for one in place.matters() if one.matter_id == first.matter_id)

    assert first.risk == sum(points for *_, points in first.risk_reasons)
    assert ("repeat", "两年内曾立案", 8) in second.risk_reasons
    assert (kept.risk, kept.risk_reasons) == (second.risk, second.risk_reasons)


def export(door, stub, who, **query):
    """Rows of the CSV, header first, with the messages that carried it."""
    request = pb.ExportQueueRequest(
        query=cases_pb2.ListMattersRequest(**query), format=pb.TABLE_FORMAT_CSV
    )
    answers = door.stream(who, stub.ExportQueue, request)
    body = b"".join(one.chunk for one in answers)
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig")))), answers


def test_the_export_holds_every_row_of_the_list_in_its_order(place, door, stub):
    """2,500 matters: more than the largest page of a list; progress climbs to the end."""
    with place.database.transaction() as session:
        fill(session, Mass(2500, clocks_each=1), NOW)

    rows, answers = export(door, stub, PROVINCE)

    with place.database.transaction() as session:
        expected = list(
            session.scalars(select(MatterRow.number).order_by(MatterRow.rank, MatterRow.matter_id))
        )
    assert rows[0] == [column.zh for column in COLUMNS]
    assert [row[0] for row in rows[1:]] == expected
    steps = [one.rows for one in answers if not one.chunk]
    assert steps == [0, 1000, 2000, 2500]
    assert {one.total for one in answers} == {2500}
    assert next(one.file_name for one in answers if one.file_name).endswith(".csv")


def test_an_export_is_cut_down_like_the_list(place, door, stub):
    """Jurisdiction and wishes."""
    place.run(handle_clue, bottle(NOW))
    place.run(handle_finding, finding(NOW, hours=3))

    cases, _ = export(door, stub, WANG, kind=cases_pb2.MATTER_KIND_CASE)
    foreign, _ = export(door, stub, NEIGHBOUR)

    assert [row[1] for row in cases[1:]] == ["行政处罚案件"] or len(cases) == 2
    assert len(foreign) == 1
    with pytest.raises(Forbidden):
        export(door, stub, WANG, division="130403")
    with pytest.raises(InputRejected, match="csv"):
        door.stream(WANG, stub.ExportQueue, pb.ExportQueueRequest())


def test_excel_gets_real_dates_frozen_headings_and_no_formula(place, door, stub):
    """A plant that is named like a formula stays text, in Excel and in CSV."""
    place.run(handle_finding, finding(NOW, hours=3))
    place.execute(
        """UPDATE matter SET enterprise_name = '=HYPERLINK("http://x","y")', title = E'a\x01b'"""
    )
    request = pb.ExportQueueRequest(format=pb.TABLE_FORMAT_XLSX)

    answers = door.stream(WANG, stub.ExportQueue, request)
    book = openpyxl.load_workbook(io.BytesIO(b"".join(one.chunk for one in answers)))
    rows, _ = export(door, stub, WANG)

    sheet = book.active
    names = [cell.value for cell in sheet[1]]
    cells = dict(zip(names, sheet[2], strict=True))
    assert names == [column.zh for column in COLUMNS]
    assert sheet.freeze_panes == "B2"
    assert sheet.column_dimensions["F"].width == 32
    assert cells["排污单位"].data_type != "f"
    assert cells["排污单位"].value == '=HYPERLINK("http://x","y")'
    assert cells["排污单位"].quotePrefix
    assert cells["事项"].value == "ab"
    opened = place.only().opened_at
    assert cells["产生时间"].is_date
    assert cells["产生时间"].value == beijing(opened).replace(tzinfo=None, second=0, microsecond=0)
    assert rows[1][names.index("排污单位")].startswith("'=")


def duty(*days):
    """Wang on duty on these days."""
    return [
        registry_pb2.Record(
            kind=registry_pb2.RECORD_KIND_DUTY,
            key=f"d-{day}",
            revision=900 + n,
            duty=registry_pb2.Duty(
                duty_id=f"d-{day}", team_id="t-130402", officer_id="o-wang", date=day.isoformat()
            ),
        )
        for n, day in enumerate(days)
    ]


def test_the_duty_list_names_who_is_there_and_what_they_have_to_finish(place, door, stub):
    """Overdue things on today, tomorrow's on tomorrow; a day without anybody is named; no phone."""
    today = beijing(NOW).date()
    with place.database.transaction() as session:
        apply_records(session, duty(today, today + dt.timedelta(days=1)))
    place.run(handle_finding, finding(NOW, hours=3))
    place.run(handle_finding, finding(NOW, hours=3, factors=["a21002"]))
    first, second = place.matters()
    tomorrow = dt.datetime.combine(today + dt.timedelta(days=1), dt.time(12), BEIJING)
    for matter, due in ((first, NOW - dt.timedelta(hours=1)), (second, tomorrow)):
        place.execute(
            f"UPDATE matter SET assignee_id = 'o-wang', next_due_at = '{due.isoformat()}'"
            f" WHERE matter_id = '{matter.matter_id}'"
        )
    last = today + dt.timedelta(days=2)
    request = pb.ListDutyRequest(from_day=today.isoformat(), to_day=last.isoformat())

    answer = door.call(WANG, stub.ListDuty, request)

    found = [
        (team.day, [m.number for one in team.people for m in one.due]) for team in answer.teams
    ]
    assert found == [
        (today.isoformat(), [first.number]),
        ((today + dt.timedelta(days=1)).isoformat(), [second.number]),
    ]
    assert answer.teams[0].people[0].due[0].overdue
    assert [(one.day, one.open_matters) for one in answer.unmanned] == [(last.isoformat(), 2)]
    assert "phone" not in {field.name for field in pb.DutyPerson.DESCRIPTOR.fields}


def test_what_lies_is_reported_to_those_who_lead(place, door, stub):
    """An order nobody touched for a week: idle, unhandled, overdue; an act ends two of these."""
    place.run(handle_finding, finding(NOW, hours=3))
    order = place.only()
    place.execute(
        "RESET ROLE",
        "ALTER TABLE matter DISABLE TRIGGER same_identity",
        "UPDATE matter SET opened_at = now() - interval '7 days', assignee_id = 'o-wang'",
        "ALTER TABLE matter ENABLE TRIGGER same_identity",
        "UPDATE matter_clock SET bound = 'authority', state = 'breached', "
        "due_at = now() - interval '6 days'",
    )

    before = door.call(LEADER, stub.GetInactivity, pb.GetInactivityRequest())
    place.execute(
        "INSERT INTO matter_event (matter_id, seq, at, scripted, fields, digest, actor_role)"
        f" VALUES ('{order.matter_id}', 99, now(), false, '{{}}', sha256('x'), 'officer')"
    )
    after = door.call(LEADER, stub.GetInactivity, pb.GetInactivityRequest())
    few = door.call(LEADER, stub.GetInactivity, pb.GetInactivityRequest(limit=1))

    rules = {item.rule: item.days for item in before.items}
    assert rules == {"idle_while_due": 7, "unhandled_anomaly": 7, "overdue_operational": 6}
    assert [item.rule for item in after.items] == ["overdue_operational"]
    assert before.total == 3
    assert before.by_officer[0].key == "o-wang"
    assert before.by_division[0].by_rule["idle_while_due"] == 1
    assert [step.key for step in before.by_step] == [order.clocks[0].key]
    assert all(item.article for item in before.items)
    assert len(few.items) == 1


def test_inactivity_is_told_to_no_officer_and_to_no_plant(place, door, stub):
    """Leaders and the platform above, inside their jurisdiction."""
    for who in (WANG, MANAGER, POLICE, OPERATOR):
        with pytest.raises(Forbidden):
            door.call(who, stub.GetInactivity, pb.GetInactivityRequest())
    with pytest.raises(Forbidden):
        door.call(LEADER, stub.GetInactivity, pb.GetInactivityRequest(division="130403"))


def test_every_list_of_work_asks_who_is_calling(place, door, stub):
    """Plants, police and procurators get none; an officer gets no other county's."""
    calls = (
        (stub.ListDuty, pb.ListDutyRequest(), pb.ListDutyRequest(division="130403")),
        (stub.GetOutcomes, pb.GetOutcomesRequest(), pb.GetOutcomesRequest(division="130403")),
    )
    for method, own, foreign in calls:
        assert door.call(WANG, method, own) is not None
        for who, request in ((MANAGER, own), (POLICE, own), (WANG, foreign)):
            with pytest.raises(Forbidden):
                door.call(who, method, request)


@pytest.mark.parametrize(
    ("first", "last"), [("2026-13-01", ""), ("2026-02-01", "2026-01-01"), ("x", "2026-01-01")]
)
def test_days_that_are_none_are_refused(place, door, stub, first, last):
    """With the field's name."""
    for method, kind in (
        (stub.ListDuty, pb.ListDutyRequest),
        (stub.GetOutcomes, pb.GetOutcomesRequest),
    ):
        with pytest.raises(InputRejected):
            door.call(WANG, method, kind(from_day=first, to_day=last))


def test_outcomes_are_what_a_second_count_of_the_timeline_gives(place, door, stub):
    """Three orders, closed, breached and open, counted again here from events and clocks alone."""
    walk_orders(place)

    answer = door.call(LEADER, stub.GetOutcomes, pb.GetOutcomesRequest())

    matters = place.matters()
    stays = Counter()
    days: dict[str, list[float]] = {}
    for matter in matters:
        moves = [event for event in matter.events if event.from_state != event.to_state]
        for before, after in itertools.pairwise(moves):
            stays[before.to_state] += 1
            days.setdefault(before.to_state, []).append((after.at - before.at).total_seconds())
    assert answer.total.opened == len(matters) == 3
    assert dict(answer.total.outcomes) == {"order.closed": 1}
    assert answer.total.closed == 1
    assert {one.state: one.count for one in answer.total.phases} == stays
    assert {one.state: round(one.median_days * 86400, 2) for one in answer.total.phases} == {
        state: round(statistics.median(found), 2) for state, found in days.items()
    }
    met = Counter(c.key for m in matters for c in m.clocks if c.state.value == "satisfied")
    late = Counter(c.key for m in matters for c in m.clocks if c.state.value == "breached")
    assert {one.key: one.met for one in answer.total.clocks if one.met} == met
    assert {one.key: one.breached for one in answer.total.clocks if one.breached} == late
    assert answer.total.breaches == sum(late.values()) > 0
    assert [one.division for one in answer.by_division] == ["130402"]
    assert answer.by_division[0].outcomes == answer.total.outcomes


def walk_orders(place):
    """One order to its close, one whose answer is overdue, one that is open."""
    for factor in ("a21026", "a21002", "a34013"):
        place.run(handle_finding, finding(NOW, hours=3, factors=[factor]))
    done, late, _ = place.matters()
    place.act(MANAGER, done, "answer", **ANSWER)
    place.act(WANG, done, "check", **VERDICT)
    place.act(LEADER, done, "close", opinion="同意销号")
    place.execute(
        f"UPDATE matter_clock SET due_at = now() - interval '1 hour'"
        f" WHERE matter_id = '{late.matter_id}'",
        "UPDATE due SET at = now() - interval '1 hour' WHERE kind = 'clock_breach'"
        f" AND payload->>'matter_id' = '{late.matter_id}'",
    )
    now = utc_now()

    def handle(session, row):
        handle_due.breach(session, row.payload, now)

    while handle_one(place.database, "clock_breach", now, handle):
        pass


def test_fines_count_with_their_last_correction(place, door, stub):
    """A decision of 100,000 that a correction line makes 80,000; no penalty is no fine."""
    place.run(handle_clue, bottle(NOW))
    case = place.matters()[0]
    lines = (
        (90, "decide", {"outcome": "penalty", "amount": "100000"}),
        (91, "correct", {"seq": "90", "field": "amount", "value": "80000"}),
    )
    with place.database.transaction() as session:
        for seq, act, fields in lines:
            session.execute(
                text(
                    "INSERT INTO matter_event (matter_id, seq, at, scripted, fields, digest, act)"
                    " VALUES (:m, :s, now(), false, CAST(:f AS jsonb), sha256('x'), :a)"
                ),
                {"m": case.matter_id, "s": seq, "a": act, "f": str(fields).replace("'", '"')},
            )

    answer = door.call(LEADER, stub.GetOutcomes, pb.GetOutcomesRequest())

    assert answer.total.fines_yuan == 80_000
    assert answer.total.decisions == 1
    assert answer.total.no_penalty == 0


@pytest.mark.parametrize(
    ("who", "act", "expected"),
    [
        (MANAGER, "answer", None),
        (MANAGER, "cancel", Forbidden),
        (WANG, "cancel", Forbidden),
        (WANG, "close", RuleViolated),
        (PROVINCE, "answer", Forbidden),
        (actor(Role.OFFICER, "o-city", "130400"), "check", RuleViolated),
        (NEIGHBOUR, "check", NotFound),
        (actor(Role.OFFICER, "o-far", "130500"), "check", NotFound),
        (actor(Role.ENTERPRISE, "u-y", "", "91130402MA000T024X"), "answer", NotFound),
        (actor(Role.PLATFORM, "p", "130000"), "answer", Forbidden),
        (POLICE, "check", NotFound),
        (actor(Role.PROCURATOR, "pr", "130400"), "check", NotFound),
        (OPERATOR, "check", NotFound),
    ],
    ids=lambda one: getattr(one, "user_id", None) or str(one),
)
def test_the_real_door_answers_a_sample_of_the_matrix(place, door, who, act, expected):
    """tests/unit/cases/test_matrix.py asks the door's functions; this asks the door itself."""
    place.run(handle_finding, finding(NOW, hours=3))
    method = cases_pb2_grpc.CaseServiceStub(door.channel).Act
    fields = ANSWER if act == "answer" else {}
    request = cases_pb2.ActRequest(matter_id=place.only().matter_id, act=act, fields=fields)

    if expected is None:
        assert door.call(who, method, request).matter.version == 2
        return
    with pytest.raises(expected):
        door.call(who, method, request)
