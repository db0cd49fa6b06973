"""Forms that go out and records that come back, late and from two devices, on PostgreSQL."""

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.cases import inspection_rules
from services.chassis.clock import to_timestamp
from services.chassis.errors import Conflict, InputRejected, NotFound, RuleViolated
from services.chassis.pb.cases.v1 import inspection_pb2 as pb
from tests.integration.cases_rig import LEADER, LI, MANAGER, NEIGHBOUR, WANG, ZHAO
from tests.integration.inspection_rig import (
    FINISH,
    HERE,
    NOW,
    SHOWN,
    approved,
    ask,
    checking,
    form_of,
    iso,
    place,
    record,
    submit,
)

__all__ = ["place"]  # the fixture


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
