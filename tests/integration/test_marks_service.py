"""The path of a mark over real processes: door, ingest, bus, ledger; told once, frozen once."""

import base64
import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nameko.standalone.rpc import ServiceRpcClient

from farsight.cli import main
from services.chassis import grpc_host
from services.chassis.clock import BEIJING, to_timestamp
from services.chassis.db import Database
from services.chassis.errors import Conflict, Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.pb.ingest.v1 import ingest_pb2, ingest_pb2_grpc, outside_pb2
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.ingest.app.sign_heads import Notary, head_over_all
from services.ingest.domain.marks import MarkTerms, newest_frozen
from tests.conftest import migrate
from tests.integration.gate_rig import House, house, wait_until
from tests.integration.keeping_bench import CLOCK, SIGNER
from tests.integration.marks_rig import (
    EVERYONE,
    LEADER,
    NEIGHBOUR,
    OFFICER,
    OTHER_PLANT,
    PLANT,
    PLATFORM,
    POLICE,
    Door,
    Spy,
    maintenance,
    spies,
    today,
)
from tests.integration.push_rig import PLATFORM as PUSHER
from tests.integration.push_rig import push, scalar
from tests.servers import fresh_database

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def heard(amqp_uri) -> Iterator[tuple[Spy, Spy]]:
    """What the bus is told from before the first process starts."""
    with spies(amqp_uri) as made:
        yield made


@pytest.fixture(scope="module")
def site(postgres_url, amqp_uri, redis_url, tmp_path_factory) -> Iterator[House]:
    """Doors, registry, ingest and a gate."""
    with fresh_database(postgres_url, "marks") as url:
        for service in ("registry", "ingest"):
            migrate(url, service)
        with house(url, amqp_uri, tmp_path_factory.mktemp("marks"), redis_url) as made:
            made.start("ingest", "services.chassis.host", "ingest")
            made.start_gate()
            known = "SELECT count(*) FROM ingest.registry_copy WHERE kind = 2"
            # Ingest asks again every ten seconds until the registry answers.
            wait_until(lambda: scalar(made, known) == 1, 120)
            yield made


@pytest.fixture(scope="module")
def door(heard, site) -> Door:
    """The door of marks."""
    return Door(site)


def leaves(site: House, sm3: bytes) -> int:
    """How often the ledger has these bytes, as accepted from this outlet."""
    query = "SELECT count(*) FROM ingest.ledger WHERE sm3 = %s AND outcome = 'accepted'"
    return int(str(scalar(site, query, sm3)))


def test_a_mark_is_evidence_like_a_pushed_one(door, site, heard, capsys, monkeypatch):
    """Its bytes are a leaf once, it is told once, and `ledger --check` knows them."""
    record = door.submit(maintenance(today(1)), channel="console")
    push(
        site,
        outside_pb2.PushOutsideRequest(
            sequence=1,
            items=[
                outside_pb2.OutsideItem(
                    place=outside_pb2.Place(outlet_id=site.outlets[2]),
                    mark=maintenance(
                        today(1), mark_id="pushed", revision=1, status=1, made_by="省平台"
                    ),
                )
            ],
        ),
        actor=PUSHER,
    )

    wait_until(lambda: leaves(site, record.sm3) == 1)
    (pushed,) = wait_until(lambda: door.list(PLATFORM, outlet_id=site.outlets[2]))
    wait_until(lambda: leaves(site, pushed.sm3) == 1)
    assert (record.channel, pushed.channel) == ("console", "push")
    assert (record.mark.made_by, record.mark.revision, record.late) == ("刘工", 1, False)
    raw = "SELECT raw FROM ingest.outside_item WHERE sm3 = %s AND kind = 1"
    kept = outside_pb2.OutsideItem.FromString(bytes(scalar(site, raw, record.sm3)))
    assert kept.mark == record.mark
    assert kept.place.division == "130402"
    wait_until(lambda: len(heard[0].revisions()) == 2)
    assert {one[0] for one in heard[0].revisions()} == {record.mark.mark_id, "pushed"}

    database = Database(site.environment["DATABASE_URL"], "ingest")
    head_over_all(Notary(database, SIGNER, lambda: CLOCK, lambda: datetime.now(UTC)))
    database.engine.dispose()
    monkeypatch.setenv("FARSIGHT_DATA", site.environment["FARSIGHT_DATA"])
    monkeypatch.setenv("DATABASE_URL", site.environment["DATABASE_URL"])
    assert main(["ledger", "--check", "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)["check"]
    assert (checked["entries"], checked["problems"]) == (2, [])


def test_a_stale_revision_is_a_conflict_that_says_who_was_first(door):
    """Two people look at revision 1; the second is told of the first."""
    first = door.submit(maintenance(today(4)))
    named = {"mark_id": first.mark.mark_id}
    second = door.submit(maintenance(today(4), 3, **named), 1)
    again = door.submit(maintenance(today(4), 3, **named), 1)

    assert (second.mark.revision, again) == (2, second)  # sent twice, kept once
    with pytest.raises(Conflict) as caught:
        door.submit(maintenance(today(4), 1, **named), 1)
    assert caught.value.facts["revision"] == "2"
    assert caught.value.facts["by"] == "刘工"
    listed = door.list(outlet_id=first.outlet_id, with_revisions=True)
    assert [r.mark.revision for r in listed if r.mark.mark_id == first.mark.mark_id] == [2, 1]


def test_overlapping_marks_of_one_kind_are_refused(door):
    """With the id of the other; another factor or another kind may overlap."""
    first = door.submit(maintenance(today(7)))

    with pytest.raises(RuleViolated) as caught:
        door.submit(maintenance(today(8), factors=[]))
    assert caught.value.facts["other"] == first.mark.mark_id
    door.submit(maintenance(today(8), factors=["a21002"]))
    door.submit(
        maintenance(today(8), family=outside_pb2.MARK_FAMILY_TREATMENT, condition="wc_treat")
    )


def test_a_late_mark_counts_once_it_is_accepted(door, heard):
    """It needs a proof, waits in the officers' list, and is told again with the decision."""
    start = today(3, days=-4)
    with pytest.raises(RuleViolated, match="proof"):
        door.submit(maintenance(start))
    record = door.submit(maintenance(start, proof_ids=[door.proof()]))

    assert record.late
    assert len(record.mark.proofs[0].sha256) == 32
    waiting = door.list(OFFICER, waiting=True)
    assert [one.mark.mark_id for one in waiting] == [record.mark.mark_id]
    decided = door.decide(record, pb.MARK_VERDICT_ACCEPT)
    assert decided.decision == pb.MARK_DECISION_ACCEPTED
    assert decided.decided_by == "王执法"
    assert door.list(OFFICER, waiting=True) == []
    with pytest.raises(Conflict, match="王执法"):
        door.decide(record, pb.MARK_VERDICT_REFUSE, who=LEADER)
    wait_until(
        lambda: (
            [r[1:] for r in heard[0].revisions() if r[0] == record.mark.mark_id] == [(1, 0), (1, 1)]
        )
    )


def test_a_rejection_is_a_revision_with_a_leaf(door, site):
    """What follows it is an objection: it needs a proof and waits for a decision."""
    record = door.submit(maintenance(today(11)))
    rejected = door.decide(record, pb.MARK_VERDICT_REJECT, reason="与工单不符")

    assert rejected.mark.revision == 2
    assert rejected.mark.status == outside_pb2.MARK_STATUS_REJECTED
    assert (rejected.mark.made_by, rejected.mark.reason) == ("王执法", "与工单不符")
    wait_until(lambda: leaves(site, rejected.sm3) == 1)
    named = {"mark_id": record.mark.mark_id}
    with pytest.raises(RuleViolated, match="proof"):
        door.submit(maintenance(today(11), **named), 2)
    with pytest.raises(RuleViolated, match="overlaps"):
        door.submit(maintenance(today(11)))
    objected = door.submit(maintenance(today(11), proof_ids=[door.proof()], **named), 2)
    assert objected.late


def test_a_plant_takes_a_mark_back(door):
    """One more revision; twice is refused."""
    record = door.submit(maintenance(today(13)))
    request = pb.WithdrawMarkRequest(
        outlet_id=record.outlet_id,
        mark_id=record.mark.mark_id,
        expected_revision=1,
        reason="误标",
    )
    taken = door.call(PLANT, "WithdrawMark", request).record

    assert taken.mark.status == outside_pb2.MARK_STATUS_WITHDRAWN
    assert door.call(PLANT, "WithdrawMark", request).record == taken
    request.expected_revision = 2
    with pytest.raises(RuleViolated, match="withdrawn"):
        door.call(PLANT, "WithdrawMark", request)


def test_a_table_is_kept_whole_or_not_at_all(door):
    """Faults by row and field; a dry run keeps nothing; the same table again overlaps."""
    day = f"{today(days=2):%Y-%m-%d}"
    good = (
        f"dev_maint,{day} 01:00,{day} 02:00,校准,a21026\n通讯中断,{day} 03:00,{day} 04:30,断网,\n"
    )
    header = "kind,开始时间,end,reason,factors\n"
    wrong = f"mswi_ql,{day} 05:00,{day} 06:00,启炉,\ndev_maint,{day} 25:00,{day} 06:00,,\n"

    def send(text: str, *, dry_run: bool = False) -> Any:
        request = pb.SubmitMarksRequest(
            csv=(header + text).encode("gb18030"), outlet_id=door.site.outlets[0], dry_run=dry_run
        )
        return door.call(PLANT, "SubmitMarks", request)

    def places(answer: Any) -> list[tuple[int, str, str]]:
        return [(one.row, one.field, one.reason) for one in answer.faults]

    assert places(send(good + wrong)) == [
        (4, "kind", "malformed"),
        (5, "reason", "malformed"),
        (5, "start", "malformed"),
    ]
    assert len(send(good, dry_run=True).records) == 2
    assert [one.channel for one in send(good).records] == ["csv", "csv"]
    assert places(send(good)) == [(2, "start", "overlap"), (3, "start", "overlap")]


def test_a_planned_mark_is_taken_and_seconds_are_not(door):
    """Next week is fine; times stand on minutes; only conditions of the industry."""
    planned = door.submit(maintenance(today(1, days=9), 30))
    assert not planned.late
    for fields, field in (
        ({"start": to_timestamp(today(1, days=20) + timedelta(seconds=1))}, "start"),
        ({"condition": "mswi_ql", "family": 7}, "condition"),
        ({"reason": "  "}, "reason"),
        ({"proof_ids": ["p-unknown"]}, "proof_ids"),
        ({"end": to_timestamp(today(1, days=900))}, "end"),
    ):
        with pytest.raises(InputRejected) as caught:
            door.submit(changed(maintenance(today(1, days=20)), fields))
        assert caught.value.facts["field"] == field


def changed(mark: outside_pb2.Mark, fields: dict[str, Any]) -> outside_pb2.Mark:
    """The mark with other fields."""
    for name in fields:
        mark.ClearField(name)
    mark.MergeFrom(outside_pb2.Mark(**fields))
    return mark


def requests(door: Door, record: pb.MarkRecord) -> dict[str, Any]:
    """A request of every method about the plant's outlet; none changes anything."""
    outlet, mark_id, day = record.outlet_id, record.mark.mark_id, f"{today():%Y-%m-%d}"
    return {
        "ListMarkKinds": pb.ListMarkKindsRequest(outlet_id=outlet),
        "ListMarks": pb.ListMarksRequest(outlet_id=outlet),
        "SubmitMark": pb.SubmitMarkRequest(outlet_id=outlet, mark=record.mark, expected_revision=9),
        "SubmitMarks": pb.SubmitMarksRequest(
            csv=f"kind,start,end,reason\ndev_maint,{day} 23:50,{day} 23:51,x".encode(),
            outlet_id=outlet,
            dry_run=True,
        ),
        "WithdrawMark": pb.WithdrawMarkRequest(
            outlet_id=outlet, mark_id=mark_id, expected_revision=9, reason="x"
        ),
        "DecideMark": pb.DecideMarkRequest(
            outlet_id=outlet, mark_id=mark_id, revision=9, verdict=1, reason="x"
        ),
        "SuggestMarks": pb.SuggestMarksRequest(outlet_id=outlet, day=day),
        "GetMarkDay": pb.GetMarkDayRequest(outlet_id=outlet, day=day),
        "KeepProof": pb.KeepProofRequest(
            outlet_id=outlet, name="a.txt", type="text/plain", content=b"x"
        ),
        "GetProof": pb.GetProofRequest(outlet_id=outlet, proof_id="p-none"),
    }


READS = {"ListMarkKinds", "ListMarks", "SuggestMarks", "GetMarkDay", "GetProof"}
STATES = {"SubmitMark", "SubmitMarks", "WithdrawMark", "KeepProof"}


def test_the_matrix_of_role_region_and_call(door, site):
    """Every method of the service by everybody: who may not gets Forbidden or NotFound."""
    record = door.submit(maintenance(today(15)), outlet=1)
    methods = pb.DESCRIPTOR.services_by_name["MarkService"].methods_by_name
    asked = requests(door, record)
    assert set(asked) == set(methods)
    allowed = {
        PLANT: READS | STATES,
        OFFICER: READS | {"DecideMark"},
        LEADER: READS | {"DecideMark"},
        PLATFORM: READS | STATES,
        OTHER_PLANT: set(),
        NEIGHBOUR: set(),
        POLICE: set(),
    }

    for who in EVERYONE:
        for method, request in asked.items():
            may = allowed.get(who, READS | STATES if who.role == "operator" else set())
            outcome = tried(door, who, method, request, record)
            assert (outcome in ("", "NOT_FOUND_THERE")) == (method in may), (who, method, outcome)


def tried(door: Door, who: Any, method: str, request: Any, record: pb.MarkRecord) -> str:
    """What somebody is told: empty = allowed (a refusal of the content counts as that)."""
    try:
        answer = door.call(who, method, request)
    except (Conflict, InputRejected, RuleViolated):
        return ""
    except Forbidden:
        return "FORBIDDEN"
    except NotFound as error:
        return "NOT_FOUND_THERE" if error.facts.get("proof_id") else "NOT_FOUND"
    if method == "ListMarks":
        return "" if any(one.outlet_id == record.outlet_id for one in answer.records) else "EMPTY"
    if method == "SubmitMarks":
        return "FORBIDDEN" if answer.faults else ""
    return ""


def test_a_sheet_shows_flags_suggestions_and_conflicts(door, site):
    """What the logger flagged is suggested until it is marked; a flag N inside a mark conflicts."""
    outlet, start = site.outlets[1], today(2, days=-1)
    send_hours(site, 2, start, "NDDDN")
    sheet_of = lambda who: door.call(  # noqa: E731 - the same question three times
        who, "GetMarkDay", pb.GetMarkDayRequest(outlet_id=outlet, day=f"{start:%Y-%m-%d}")
    )
    sheet = wait_until(lambda: (s := sheet_of(PLANT)).suggestions and s)
    (suggestion,) = [one for one in sheet.suggestions if one.flag == "D"]

    assert suggestion.kind == "dev_maint"
    assert suggestion.mark.start == to_timestamp(start + timedelta(hours=1))
    assert suggestion.mark.end == to_timestamp(start + timedelta(hours=4))
    hours = {one.factor: [h.flag for h in one.hours] for one in sheet.factors}["a21026"]
    assert hours[2:7] == list("NDDDN")
    suggestion.mark.end.CopyFrom(to_timestamp(start + timedelta(hours=5)))
    late = newest_frozen(datetime.now(UTC), MarkTerms()) >= start.date()
    if late:
        suggestion.mark.proof_ids.append(door.proof(outlet=1))
    door.submit(suggestion.mark, outlet=1)
    for who in (PLANT, OFFICER):
        after = sheet_of(who)
        assert "D" not in [one.flag for one in after.suggestions]
        (conflict,) = after.conflicts
        assert (conflict.flag, conflict.factor) == ("N", "a21026")
        assert conflict.start == to_timestamp(start + timedelta(hours=4))
    assert sheet.freezes_at == to_timestamp(
        (start + timedelta(days=1)).replace(hour=12, tzinfo=BEIJING)
    )


def send_hours(site: House, number: int, start: datetime, flags: str) -> None:
    """Hours of one logger, pushed by the platform."""
    readings = [
        ingest_pb2.PushedReading(
            outlet_id=site.outlets[number - 1],
            kind=ingest_pb2.READING_KIND_HOUR,
            data_time=to_timestamp(start + timedelta(hours=place)),
            values=[ingest_pb2.PushedValue(factor="a21026", value=30 + place, flag=flag)],
        )
        for place, flag in enumerate(flags)
    ]
    with grpc_host.client_channel(site.environment["FARSIGHT_GATE_GRPC_ADDR"]) as channel:
        stub = ingest_pb2_grpc.IngestServiceStub(channel)
        request = ingest_pb2.PushReadingsRequest(sequence=1, readings=readings)
        (answer,) = stub.PushReadings(iter([request]), metadata=site.bearer(PUSHER))
    assert answer.accepted == len(flags), answer


def test_a_freeze_is_told_once_over_a_kill_and_a_restart(site, heard):
    """A day without a row is frozen at the start, and not again when the process died."""
    newest = newest_frozen(datetime.now(UTC), MarkTerms())
    wait_until(lambda: [one.day for one in heard[1].look()] == [newest.isoformat()])

    site.stop("ingest", signal.SIGKILL)
    site.start("ingest", "services.chassis.host", "ingest")

    wait_until(lambda: scalar(site, "SELECT count(*) FROM ingest.outbox") == 0)
    assert scalar(site, "SELECT count(*) FROM ingest.mark_freeze") == 1
    assert [one.day for one in heard[1].look()] == [newest.isoformat()]


def test_what_was_acknowledged_reaches_the_ledger_after_a_kill(door, site, heard):
    """ingest is dead while marks are taken; once it is back each is a leaf once and told once."""
    site.stop("ingest", signal.SIGKILL)
    records = [door.submit(maintenance(today(16 + n, days=30)), outlet=n) for n in range(3)]
    assert scalar(site, "SELECT count(*) FROM ingest.outbox") == 6
    site.start("ingest", "services.chassis.host", "ingest")

    ids = {record.mark.mark_id for record in records}
    wait_until(lambda: {r[0] for r in heard[0].revisions()} >= ids)
    wait_until(lambda: all(leaves(site, record.sm3) == 1 for record in records))
    told = [one for one in heard[0].revisions() if one[0] in ids]
    assert sorted(told) == sorted((mark_id, 1, 0) for mark_id in ids)


def test_a_new_reader_gets_all_marks_by_rpc(door, site, amqp_uri):
    """Pages of a snapshot hold every revision with its decision, and the newest frozen day."""
    records: list[pb.MarkRecord] = []
    request = pb.MarkSnapshotRequest(limit=5)
    with ServiceRpcClient("ingest", uri=amqp_uri, timeout=20) as client:
        while True:
            payload = base64.b64encode(request.SerializeToString()).decode()
            page = pb.MarkSnapshotResponse.FromString(base64.b64decode(client.marks(payload)))
            records += page.records
            if not page.next:
                break
            request.after = page.next

    count = scalar(site, "SELECT count(*) FROM ingest.mark")
    places = {(r.outlet_id, r.mark.mark_id, r.mark.revision) for r in records}
    assert len(records) == len(places) == count
    assert pb.MARK_DECISION_ACCEPTED in {one.decision for one in records}
    assert page.frozen_day == newest_frozen(datetime.now(UTC), MarkTerms()).isoformat()
