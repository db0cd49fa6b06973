"""A visit from its request to its closing, on line and brought back by devices, on PostgreSQL."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.cases import inspection_rules
from services.cases.app.attach_file import attach_file
from services.cases.app.handle_clue import handle_clue
from services.cases.app.issue_form import issue_form
from services.cases.app.open_by_person import Wish, open_by_person
from services.cases.app.submit_record import submit_record
from services.cases.attachment_spool import Spool
from services.cases.domain import history
from services.cases.domain.attachments import Handed
from services.cases.domain.matter import Kind
from services.chassis.clock import BEIJING, to_timestamp, utc_now
from services.chassis.errors import Conflict, InputRejected, NotFound, RuleViolated
from services.chassis.pb.cases.v1 import inspection_pb2 as pb
from services.chassis.replica import apply_records
from tests.integration.cases_rig import (
    LEADER,
    LI,
    MANAGER,
    NEIGHBOUR,
    OUTLET,
    PLANT,
    WANG,
    ZHAO,
    bottle,
    region,
    registry_records,
)

NOW = utc_now().replace(microsecond=0)
HERE = {"longitude": "114.4801", "latitude": "36.6102", "system": "wgs84"}
AWAY = {"longitude": "114.60", "latitude": "36.70", "system": "wgs84"}
FILM = b"\x00\x00\x00\x20ftypisom" + b"0" * 100
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 60


def iso(hours: float) -> str:
    """A moment so many hours from now, as a device writes it."""
    return (NOW + dt.timedelta(hours=hours)).astimezone(BEIJING).isoformat()


def today() -> str:
    """The Beijing day."""
    return NOW.astimezone(BEIJING).date().isoformat()


REQUEST = {
    "basis": "random",
    "purpose": "自动监测专项检查",
    "officer_1": "o-wang",
    "officer_2": "o-li",
    "planned_from": iso(-1),
    "planned_until": iso(8),
    "place": "厂区",
    "covert": "yes",
    "topics": "production permit_ledger",
}
SHOWN = {
    "shown_at": iso(0),
    "certificate_1": "冀环o-wang",
    "certificate_2": "冀环o-li",
    "shown_to": "张三，环保主管",
    "rights_told": "yes",
}
FINISH = {
    "officer_2": "o-li",
    "ended_at": iso(0),
    "record_by": "device",
    "situation": "生产正常，台账齐全",
    "party": "张三，环保主管",
    "signature": "signed",
    "no_video_reason": "执法记录仪故障",
}


@pytest.fixture
def place(migrated_db):
    """The region with a plant whose position is registered."""
    with region(migrated_db("cases"), NOW) as fresh:
        records = registry_records()
        for record in records:
            record.revision += 100
            if record.key == PLANT:
                record.enterprise.longitude, record.enterprise.latitude = 114.48, 36.61
        with fresh.database.transaction() as session:
            apply_records(session, records)
        yield fresh


def ask(place, who=WANG, act="request", reason="", **changes: str):
    """Open an inspection."""
    wish = Wish(Kind.INSPECTION, act, OUTLET, fields={**REQUEST, **changes}, reason=reason)
    with place.database.transaction() as session:
        return open_by_person(session, who, wish, NOW)


def approved(place):
    """One that may start; an urgent one needs no paper before, which takes time to print."""
    return ask(place, act="begin_urgent", reason="举报正在偷排")


def checking(place):
    """One whose officers have shown their certificates."""
    matter = place.act(WANG, approved(place), "arrive", arrived_at=iso(0), **HERE)
    return place.act(WANG, matter, "show_certificates", **SHOWN)


def form_of(place, matter, who=WANG, topics=()) -> tuple[pb.Form, bytes]:
    """The form and its digest."""
    with place.database.transaction() as session:
        body, digest = issue_form(session, who, matter.matter_id, topics, NOW)
    return pb.Form.FromString(body), digest


def answers(form: pb.Form, **changes: str) -> list[pb.Answer]:
    """Each required item answered as if nothing was wrong."""
    plain = {"check": "yes", "number": "80", "text": "无"}
    given = []
    for item in (item for one in form.checklists for item in one.items if item.required):
        if item.when_item and changes.get(item.when_item) not in item.when_values:
            continue
        value = item.choices[0].partition("|")[0] if item.choices else plain[item.answer]
        value = "no" if item.fault == "yes" else value
        given.append(pb.Answer(item_id=item.item_id, value=changes.get(item.item_id, value)))
    return given


def record(matter, form: pb.Form, digest: bytes, **changes) -> pb.InspectionRecord:
    """A complete record of a visit."""
    whole = pb.InspectionRecord(
        record_id=str(uuid.uuid4()),
        matter_id=matter.matter_id,
        form_sm3=digest,
        complete=True,
        answers=answers(form, **{"prod-01": "full"}),
        signatures=[
            pb.Signature(role=role, name=name, officer_id=who, media_type="image/png", image=PNG)
            for role, name, who in (
                ("officer", "王", "o-wang"), ("officer", "李", "o-li"), ("party", "张三", ""),
            )
        ],
        started_at=to_timestamp(NOW - dt.timedelta(hours=1)),
        ended_at=to_timestamp(NOW),
        sent_at=to_timestamp(NOW + dt.timedelta(seconds=30)),
        device_id="T-1",
        app_version="1.0",
        situation="生产正常",
    )  # fmt: skip
    for name, value in changes.items():
        if isinstance(value, list):
            del getattr(whole, name)[:]
            getattr(whole, name).extend(value)
        else:
            setattr(whole, name, value)
    return whole


def submit(place, one: pb.InspectionRecord, who=WANG):
    """Hand a record in."""
    with place.database.transaction() as session:
        return submit_record(session, who, one, NOW)


def film(place, matter, purpose="video", body=FILM, kind="video/mp4") -> str:
    """A file on the matter."""
    with place.database.transaction() as session, Spool(10_000) as spool:
        spool.add(body)
        handed = Handed(matter.matter_id, "全程.mp4", purpose, kind)
        return attach_file(session, WANG, handed, spool.received(b""), NOW).attachment_id


def test_a_visit_is_asked_for_approved_made_reported_and_closed(place):
    """The whole way, each step by who may take it, with its three papers and five clocks."""
    matter = ask(place)
    with pytest.raises(RuleViolated, match="以外的负责人"):
        place.act(LEADER, ask(place, LEADER, officer_1="o-leader"), "approve", opinion="同意")
    matter = place.act(LEADER, matter, "approve", opinion="同意")
    matter = place.act(WANG, matter, "depart", departed_at=iso(-0.5), recorders="R-1")
    matter = place.act(LI, matter, "arrive", arrived_at=iso(0), clock_offset_s="2", **HERE)
    assert matter.confidential
    matter = place.act(WANG, matter, "show_certificates", **SHOWN)
    assert not matter.confidential
    form, digest = form_of(place, matter)
    submit(place, record(matter, form, digest))
    matter = place.act(
        WANG, matter, "finish_visit", **FINISH | {"video_files": film(place, matter)}
    )
    matter = place.act(
        WANG, matter, "report", officer_2="o-li", visited_on=today(), result="no_problem",
        facts="未发现问题",
    )  # fmt: skip
    with pytest.raises(RuleViolated, match="理由"):
        place.act(LEADER, matter, "close", result="assistance", visited_on=today(), opinion="同意")
    matter = place.act(
        LEADER, matter, "close", result="no_problem", visited_on=today(), opinion="同意"
    )

    assert matter.state == "closed"
    assert history.first_break(matter.matter_id, matter.events) is None
    assert [clock.state.value for clock in matter.clocks] == ["satisfied"] * 4
    papers = [event.fields["papers"] for event in matter.events if "papers" in event.fields]
    assert [paper.split()[0] for paper in papers] == ["inspection_approval", "inspection_record"]


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"officer_2": "o-wang"}, "另一人"),
        ({"officer_2": "o-expired"}, "执法证件"),
        ({"officer_1": "o-neighbour"}, "不在本辖区"),
        ({"planned_until": iso(-2)}, "晚于开始时间"),
        ({"planned_from": iso(-9), "planned_until": iso(-2)}, "已过"),
        ({"planned_until": iso(24 * 9)}, "不超过7日"),
        ({"topics": "magic"}, "magic"),
    ],
)
def test_a_request_names_what_is_missing(place, changes, missing):
    """Two certified officers of this place, a window, topics that exist."""
    with pytest.raises(RuleViolated, match=missing):
        ask(place, **changes)


def test_place_and_time_of_the_arrival_are_checked_or_explained(place):
    """Far away, on a consumer map, without a position, too late, a wrong clock: each asks why."""
    matter = approved(place)
    for fields, missing in (
        (AWAY, "距排污单位"),
        (HERE | {"system": "gcj02"}, "WGS-84"),
        ({}, "没有到场定位"),
        (HERE | {"longitude": "NaN"}, "超出范围"),
        (HERE | {"clock_offset_s": "900"}, "时钟偏差"),
        (HERE | {"clock_offset_s": "NaN"}, "时钟偏差"),
        (HERE | {"arrived_at": iso(-4)}, "批准时段"),
        (HERE | {"arrived_at": iso(3)}, "不得晚于现在"),
    ):
        with pytest.raises(RuleViolated, match=missing):
            place.act(WANG, matter, "arrive", **{"arrived_at": iso(0), **fields})
    with pytest.raises(RuleViolated, match="经批准的检查人员"):
        place.act(ZHAO, matter, "arrive", arrived_at=iso(0), **HERE)

    matter = place.act(WANG, matter, "arrive", arrived_at=iso(0), place_reason="厂外排口", **AWAY)

    assert matter.last("arrive").fields["place_reason"] == "厂外排口"


def test_certificates_are_those_of_the_registry(place):
    """A number that is not registered is none (Penalty Law art 42, 55)."""
    matter = place.act(WANG, approved(place), "arrive", arrived_at=iso(0), **HERE)
    with pytest.raises(RuleViolated, match="执法证号"):
        place.act(WANG, matter, "show_certificates", **SHOWN | {"certificate_2": "冀环9999"})
    with pytest.raises(RuleViolated, match="rights_told"):
        place.act(WANG, matter, "show_certificates", **SHOWN | {"rights_told": "no"})


def test_a_refused_signature_needs_a_witness_or_a_film(place):
    """And a visit without a film needs a reason, one without a record does not end."""
    matter = checking(place)
    with pytest.raises(RuleViolated, match="完整的现场检查记录"):
        place.act(WANG, matter, "finish_visit", **FINISH)
    form, digest = form_of(place, matter)
    submit(place, record(matter, form, digest))
    refused = FINISH | {"signature": "refused"}
    with pytest.raises(RuleViolated, match="见证人"):
        place.act(WANG, matter, "finish_visit", **refused)
    with pytest.raises(RuleViolated, match="录像"):
        place.act(WANG, matter, "finish_visit", **FINISH | {"no_video_reason": ""})
    photo = film(place, matter, "photo", PNG, "image/png")
    with pytest.raises(RuleViolated, match="见证人"):
        place.act(WANG, matter, "finish_visit", **refused | {"refusal_files": photo})

    done = place.act(WANG, matter, "finish_visit", **refused | {"witness": "李四，村委会"})

    assert done.state == "visited"


def test_an_urgent_visit_is_approved_before_it_is_reported(place):
    """It starts at once; the leader's approval has 24 hours and is not forgotten."""
    matter = ask(place, act="begin_urgent", reason="举报正在偷排")
    assert matter.state == "approved"
    assert matter.open_clock("inspection_late")
    matter = place.act(WANG, matter, "arrive", arrived_at=iso(0), **HERE)
    matter = place.act(
        WANG, matter, "note_obstruction", happened_at=iso(0), how="entry", facts="拒绝进厂",
        witness="李四", ended="yes",
    )  # fmt: skip
    report = {"officer_2": "o-li", "visited_on": today(), "result": "obstructed", "facts": "拒检"}
    with pytest.raises(RuleViolated, match="补办审批"):
        place.act(WANG, matter, "report", **report)

    matter = place.act(LEADER, matter, "approve_late", opinion="情况紧急，同意")

    assert matter.open_clock("inspection_late") is None
    assert place.act(WANG, matter, "report", **report).state == "reported"


def test_a_case_opens_a_visit_and_is_told_its_result(place):
    """The clue stays secret while the visit is prepared; the case gets result and day."""
    place.run(handle_clue, bottle(NOW))
    (case,) = place.matters()
    asked = {name: REQUEST[name] for name in ("purpose", "planned_from", "planned_until", "place",
                                              "covert", "officer_2")}  # fmt: skip
    place.act(WANG, case, "open_inspection", **asked)
    visit = next(one for one in place.matters() if one.kind is Kind.INSPECTION)
    assert visit.parent_matter_id == case.matter_id
    form_topics = {"falsification", "production", "permit_ledger"}
    visit = place.act(LEADER, visit, "approve", opinion="同意")
    form, _ = form_of(place, visit)
    assert form_topics <= {one.topic for one in form.checklists}
    visit = place.act(WANG, visit, "arrive", arrived_at=iso(0), **HERE)
    visit = place.act(WANG, visit, "show_certificates", **SHOWN)
    scan = film(place, visit, "record", b"%PDF-1.7", "application/pdf")
    visit = place.act(
        WANG, visit, "finish_visit", **FINISH | {"record_by": "paper", "record_files": scan}
    )
    report = {"officer_2": "o-li", "visited_on": today(), "facts": "采样管插入样品瓶"}
    with pytest.raises(RuleViolated, match="已有案件"):
        place.act(WANG, visit, "report", result="open_case", violation="exceed_air", **report)
    visit = place.act(WANG, visit, "report", result="confirmed", **report)
    place.act(LEADER, visit, "close", result="confirmed", visited_on=today(), opinion="同意")

    told = next(one for one in place.matters() if one.matter_id == case.matter_id).events[-1]

    assert (told.act, told.fields["result"]) == ("inspection_done", "confirmed")
    assert told.fields["visited_on"] == today()


def test_a_visit_without_a_case_leads_to_one(place):
    """Proposed with the report: the case waits for the leader's filing, once."""
    matter = checking(place)
    scan = film(place, matter, "record", b"%PDF-1.7", "application/pdf")
    matter = place.act(
        WANG, matter, "finish_visit", **FINISH | {"record_by": "paper", "record_files": scan}
    )
    matter = place.act(LEADER, matter, "approve_late", opinion="同意")
    report = {
        "officer_2": "o-li", "visited_on": today(), "facts": "旁路偷排", "result": "open_case",
        "violation": "evade_supervision",
    }  # fmt: skip

    matter = place.act(WANG, matter, "report", **report)

    case = next(one for one in place.matters() if one.kind is Kind.CASE)
    assert (case.state, case.parent_matter_id) == ("verified", matter.matter_id)
    assert case.opening().fields["violation"] == "evade_supervision"
    assert case.opening().fields["officer_1"] == "o-wang"
    matter = place.act(LEADER, matter, "return_report", "补充照片")
    with pytest.raises(RuleViolated, match="已有案件"):
        place.act(WANG, matter, "report", **report)


def test_a_visit_orders_to_correct_and_reports_so(place):
    """Such a finding asks for the order, which is a matter of its own to be served."""
    matter = checking(place)
    scan = film(place, matter, "record", b"%PDF-1.7", "application/pdf")
    matter = place.act(
        WANG, matter, "finish_visit", **FINISH | {"record_by": "paper", "record_files": scan}
    )
    matter = place.act(LEADER, matter, "approve_late", opinion="同意")
    report = {
        "officer_2": "o-li", "visited_on": today(), "facts": "台账缺失", "result": "rectification",
    }  # fmt: skip
    with pytest.raises(RuleViolated, match="先办理"):
        place.act(WANG, matter, "report", **report)

    matter = place.act(
        WANG, matter, "order_rectification", officer_2="o-li", violation="ledger_false",
        party_address="示范路1号", party_head="张三", facts="台账缺失", clauses="条例第三十七条",
        demand="十日内补齐", remedies="六十日内申请复议", ordered_on=today(),
    )  # fmt: skip

    below = {one.kind.value: one for one in place.matters() if one.kind is not Kind.INSPECTION}
    assert set(below) == {"rectification", "service"}
    assert below["rectification"].parent_matter_id == matter.matter_id
    assert place.act(WANG, matter, "report", **report).state == "reported"


def test_a_form_waits_for_the_approval_and_names_its_version(place):
    """The same form has the same digest; a changed topic is another form."""
    matter = ask(place)
    with pytest.raises(RuleViolated, match="尚未批准"):
        form_of(place, matter)
    matter = place.act(LEADER, matter, "approve", opinion="同意")

    form, digest = form_of(place, matter)

    assert [one.topic for one in form.checklists] == ["production", "permit_ledger"]
    assert form.place.longitude == 114.48
    assert [one.certificate for one in form.officers] == ["冀环o-wang", "冀环o-li"]
    assert [one.act for one in form.acts][:2] == ["depart", "arrive"]
    assert form.form_version == inspection_rules.form_version()
    assert form_of(place, matter, LI)[1] == digest
    assert form_of(place, matter, topics=["voc"])[1] != digest
    for stranger in (NEIGHBOUR, MANAGER):
        with pytest.raises(NotFound):
            form_of(place, matter, stranger)
    with pytest.raises(InputRejected):
        form_of(place, matter, topics=["magic"])


def test_a_record_brings_its_acts_back_days_later(place):
    """Made without a network: what was done on the spot is done now, with the device's times."""
    matter = approved(place)
    form, digest = form_of(place, matter)
    acts = [
        pb.OfflineAct(act="depart", fields={"departed_at": iso(-0.8)}),
        pb.OfflineAct(act="arrive", fields={"arrived_at": iso(-0.5), **HERE}),
        pb.OfflineAct(act="show_certificates", fields=SHOWN | {"shown_at": iso(-0.4)}),
        pb.OfflineAct(act="finish_visit", fields=FINISH),
        pb.OfflineAct(act="depart", fields={"departed_at": iso(-0.8)}),
    ]

    one = record(matter, form, digest, acts=acts)
    kept = submit(place, one)

    matter = next(m for m in place.matters() if m.matter_id == matter.matter_id)
    assert matter.state == "visited"
    assert matter.last("arrive").fields["clock_offset_s"] == "30.0"
    assert kept.clock_offset_ms == 30_000
    line = matter.last("submit_record")
    assert (line.fields["sm3"], line.seq) == (kept.sm3.hex(), kept.seq)
    assert matter.last("finish_visit").doer.person_id == "o-wang"
    with place.database.transaction() as session:
        (outcomes,) = session.scalars(text("SELECT outcomes FROM inspection_outcome"))
    assert [done for _, done, _, _ in outcomes] == ["yes"] * 4 + ["no"]
    assert "状态" in outcomes[-1][3]


def test_the_same_record_again_is_the_same_version(place):
    """Sent again at another time it changes nothing; other contents do not fit."""
    matter = checking(place)
    form, digest = form_of(place, matter)
    one = record(matter, form, digest)

    first = submit(place, one)
    one.sent_at.FromDatetime(NOW + dt.timedelta(days=2))
    again = submit(place, one)

    assert (again.version, again.sm3) == (first.version, first.sm3)
    one.situation = "另一种情况"
    with pytest.raises(Conflict):
        submit(place, one)


def test_two_devices_disagree_and_a_third_version_settles_it(place):
    """Both stay; the visit cannot end on a contradiction, and the merged version stands alone."""
    matter = checking(place)
    form, digest = form_of(place, matter)
    one, two = record(matter, form, digest), record(matter, form, digest, device_id="T-2")
    next(one for one in two.answers if one.item_id == "prod-03").value = "40"
    submit(place, one)
    submit(place, two, LI)
    with pytest.raises(RuleViolated, match="prod-03"):
        place.act(WANG, matter, "finish_visit", **FINISH)
    merged = record(matter, form, digest, replaces=[1, 2])

    submit(place, merged)

    assert place.act(WANG, matter, "finish_visit", **FINISH).state == "visited"
    with place.database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM inspection_record")) == 3


def test_what_is_wrong_is_named_by_item(place):
    """Every fault of a record at once, each under the name of what it is about."""
    matter = checking(place)
    form, digest = form_of(place, matter)
    bad = record(matter, form, digest)
    bad.answers[0].value = "maybe"
    bad.answers.add(item_id="nothing-1", value="yes")
    del bad.answers[1]
    bad.tests.add(
        factor="a21026", value=35, unit="mg/m3", instrument="3012H", instrument_id="7",
        calibrated_on="2024-01-01", tested_at=to_timestamp(NOW), place="DA001",
    )  # fmt: skip
    bad.samples.add(sample_id="", factors="w01018", place="DW001")
    bad.signatures[2].image = b"<svg onload='x'>"
    bad.acts.add(act="close")

    with pytest.raises(InputRejected) as refused:
        submit(place, bad)

    facts = refused.value.facts
    assert {"prod-01", "prod-02", "nothing-1", "test-1", "sample-1", "signature-3", "act-1"} <= set(
        facts
    )
    assert "校准" in facts["test-1"]
    bad = record(matter, form, b"\0" * 32)
    with pytest.raises(InputRejected, match="表单"):
        submit(place, bad)
    with pytest.raises(RuleViolated, match="检查的人员"):
        submit(place, record(matter, form, digest), ZHAO)
    with pytest.raises(NotFound):
        submit(place, record(matter, form, digest), MANAGER)


def test_records_and_forms_are_append_only(place):
    """As the service's own role and by the trigger."""
    matter = checking(place)
    form, digest = form_of(place, matter)
    submit(place, record(matter, form, digest))
    for table in ("inspection_record", "inspection_form", "inspection_outcome"):
        for statement in (f"UPDATE {table} SET matter_id = matter_id", f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match="permission denied"):
                place.execute(statement)
            with pytest.raises(DBAPIError, match="append-only"):
                place.execute("RESET ROLE", statement)


def test_a_line_about_a_record_that_nobody_sent_is_refused(place):
    """The act by hand, with an invented digest, finds its gate shut."""
    matter = checking(place)
    fields = {"record_id": "r", "record_version": "1", "complete": "yes", "sha256": "0", "sm3": "0"}
    with pytest.raises(RuleViolated, match="现场检查通道"):
        place.act(WANG, matter, "submit_record", **fields)
