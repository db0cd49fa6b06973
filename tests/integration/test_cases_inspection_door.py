"""The door `InspectionService` over a real port: forms out, records in, for the authority only."""

import pytest

from services.cases import inspection_rules
from services.chassis.clock import from_timestamp, utc_now
from services.chassis.errors import Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.identity import Role
from services.chassis.pb.cases.v1 import inspection_pb2 as pb
from services.chassis.pb.cases.v1.inspection_pb2_grpc import InspectionServiceStub
from tests.integration.cases_door_rig import open_door
from tests.integration.cases_rig import LI, MANAGER, NEIGHBOUR, PLANT, WANG, actor
from tests.integration.inspection_rig import HERE, NOW, approved, ask, place, record

__all__ = ["place"]  # the fixture
PLATFORM = actor(Role.PLATFORM, "p-1", "130000")


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory):
    """A client of the door that can speak as anybody."""
    with open_door(migrated_db("cases"), tmp_path_factory.mktemp("keys")) as speaker:
        yield speaker


def call(door, who, method: str, request):
    """One call of the inspection's door."""
    stub = InspectionServiceStub(door.channel)
    return door.call(who, getattr(stub, method), request)


def test_a_device_takes_a_form_along_and_brings_a_record_back(place, door):
    """List, form, record, answer: digests match, acts were done, the same again is the same."""
    matter = approved(place)
    heads = call(door, LI, "ListForms", pb.ListFormsRequest(mine=True)).forms
    assert [head.matter_id for head in heads] == [matter.matter_id]
    assert from_timestamp(heads[0].planned_until) > NOW
    answer = call(door, LI, "GetForm", pb.GetFormRequest(matter_id=matter.matter_id))
    assert pb.Form.FromString(answer.form_bytes) == answer.form
    assert abs((from_timestamp(answer.issued_at) - utc_now()).total_seconds()) < 60
    arrived = pb.OfflineAct(act="arrive", fields={"arrived_at": NOW.isoformat(), **HERE})
    one = record(matter, answer.form, answer.form_sm3, acts=[arrived])

    kept = call(door, WANG, "SubmitRecord", pb.SubmitRecordRequest(record=one))
    again = call(door, WANG, "SubmitRecord", pb.SubmitRecordRequest(record=one))

    assert kept == again
    assert (kept.version.version, kept.version.standing) == (1, True)
    assert [(act.act, act.done) for act in kept.version.acts] == [("arrive", True)]
    whole = call(door, LI, "GetRecord", pb.GetRecordRequest(matter_id=matter.matter_id))
    assert whole.versions[0].record == one
    assert not whole.unanswered


def test_contradictions_and_gaps_are_shown(place, door):
    """A draft of one device, another answer of the other."""
    matter = approved(place)
    form = call(door, WANG, "GetForm", pb.GetFormRequest(matter_id=matter.matter_id))
    one = record(matter, form.form, form.form_sm3, complete=False)
    last = one.answers.pop()
    two = record(matter, form.form, form.form_sm3, complete=False)
    next(a for a in two.answers if a.item_id == "prod-03").value = "40"
    two.answers.pop()
    call(door, WANG, "SubmitRecord", pb.SubmitRecordRequest(record=one))

    answer = call(door, LI, "SubmitRecord", pb.SubmitRecordRequest(record=two))

    (conflict,) = answer.conflicts
    assert (conflict.item_id, list(conflict.versions)) == ("prod-03", [1, 2])
    assert list(conflict.values) == ["80", "40"]
    whole = call(door, LI, "GetRecord", pb.GetRecordRequest(matter_id=matter.matter_id))
    assert list(whole.unanswered) == [last.item_id]


def test_topics_are_listed_and_those_that_fit_are_marked(place, door):
    """For a thermal power plant; without a plant nothing is suggested."""
    topics = call(door, WANG, "ListTopics", pb.ListTopicsRequest(credit_code=PLANT)).topics
    assert [one.topic for one in topics] == list(inspection_rules.checklists())
    assert {"cems_gas", "treat_air"} <= {one.topic for one in topics if one.suggested}
    none = call(door, WANG, "ListTopics", pb.ListTopicsRequest()).topics
    assert not any(one.suggested for one in none)
    matter = approved(place)
    found = call(door, WANG, "ListTopics", pb.ListTopicsRequest(matter_id=matter.matter_id)).topics
    assert {one.topic for one in found if one.suggested} >= {"cems_gas"}


def test_nobody_but_the_authority_of_the_place_finds_anything(place, door):
    """A neighbour, the plant and a platform: no lists, no forms, no records."""
    matter = approved(place)
    asked = pb.GetFormRequest(matter_id=matter.matter_id)
    for who in (NEIGHBOUR, MANAGER, PLATFORM):
        with pytest.raises(NotFound):
            call(door, who, "GetForm", asked)
        with pytest.raises(NotFound):
            call(door, who, "GetRecord", pb.GetRecordRequest(matter_id=matter.matter_id))
    for who in (MANAGER, PLATFORM):
        with pytest.raises(Forbidden):
            call(door, who, "ListForms", pb.ListFormsRequest())
        with pytest.raises(Forbidden):
            call(door, who, "ListTopics", pb.ListTopicsRequest())
    assert not call(door, NEIGHBOUR, "ListForms", pb.ListFormsRequest()).forms
    with pytest.raises(RuleViolated):
        call(door, WANG, "GetForm", pb.GetFormRequest(matter_id=ask(place).matter_id))
    with pytest.raises(InputRejected):
        call(door, WANG, "SubmitRecord", pb.SubmitRecordRequest())
