"""Keep the record of a visit 提交现场检查记录, however late, beside whatever is there already."""

from __future__ import annotations

import datetime as dt
import hashlib

from sqlalchemy.orm import Session

from services.cases import attachment_store, inspection_rules, inspection_store, store
from services.cases.app.act_on_matter import doer_of
from services.cases.app.attempts import attempt_of
from services.cases.app.issue_form import inspection_of
from services.cases.app.perform import perform
from services.cases.domain import records
from services.cases.domain.inspection import ON_SITE, ever_on_team
from services.cases.domain.matter import Matter
from services.cases.domain.record_problems import problems
from services.cases.domain.records import Known, Visit
from services.cases.inspection_tables import RecordRow
from services.cases.inspection_wire import checklist_of, visit, visit_of
from services.chassis.clock import from_timestamp
from services.chassis.errors import Conflict, FarsightError, InputRejected, RuleViolated
from services.chassis.identity import Actor
from services.chassis.pb.cases.v1 import inspection_pb2 as pb

_LONGEST_ID = 100
_MS = dt.timedelta(milliseconds=1)


def submit_record(
    session: Session, actor: Actor, record: pb.InspectionRecord, now: dt.datetime
) -> RecordRow:
    """Keep the record as a new version and do the acts it brings; the same again gives the same.

    Raises `InputRejected` with every item and what is wrong with it, `Conflict` for a record id
    that has other contents, `RuleViolated` for somebody who was never to go there.
    """
    if not 0 < len(record.record_id) <= _LONGEST_ID:
        raise InputRejected("a record has an id of its own", field="record_id")
    store.lock_family(session, record.matter_id)
    matter = inspection_of(session, actor, record.matter_id, "inspections.record", lock=True)
    known = inspection_store.version_of(session, matter.matter_id, record.record_id)
    if known is not None:
        return _same(known, record)
    _check_team(actor, matter)
    against = _known(session, matter, record)
    taken = visit(record)
    if wrong := _problems(taken, record, against):
        listed = "；".join(f"{name}：{what}" for name, what in list(wrong.items())[:5])
        raise InputRejected(f"记录有{len(wrong)}项问题：{listed}", **wrong)
    row = _keep(session, actor, matter, record, now)
    kept = inspection_store.versions(session, matter.matter_id)
    visits = [visit_of(one.body, one.version) for one in kept]
    fields = _line(row, record, records.faults(taken, against), visits)
    perform(session, "submit_record", attempt_of(session, matter, doer_of(actor), now, fields))
    outcomes = _do_acts(session, actor, record, row, now)
    inspection_store.add_outcomes(session, matter.matter_id, row.version, outcomes)
    return row


def _same(known: RecordRow, record: pb.InspectionRecord) -> RecordRow:
    """A device that sends again states another sending time; all else must be the same."""
    kept, sent = pb.InspectionRecord.FromString(known.body), pb.InspectionRecord()
    sent.CopyFrom(record)
    kept.ClearField("sent_at")
    sent.ClearField("sent_at")
    if kept != sent:
        raise Conflict(
            "this record id belongs to other contents",
            record_id=record.record_id,
            version=str(known.version),
        )
    return known


def _check_team(actor: Actor, matter: Matter) -> None:
    if doer_of(actor).person_id not in ever_on_team(matter):
        raise RuleViolated(
            "只有本次检查的人员可以提交记录",
            article="行政处罚法第四十二条",
            missing="经批准的检查人员",
        )


def _known(session: Session, matter: Matter, record: pb.InspectionRecord) -> Known:
    """What the record is checked against: the form it was made with, as that went out."""
    body = inspection_store.form(session, matter.matter_id, record.form_sm3)
    if body is None:
        raise InputRejected("表单不是为本次检查发出的，须重新获取表单", field="form_sm3")
    files = attachment_store.attachments(session, matter.matter_id)
    kept = inspection_store.versions(session, matter.matter_id)
    return Known(
        lists=[checklist_of(one) for one in pb.Form.FromString(body).checklists],
        limits=inspection_rules.limits(),
        files={one.attachment_id: one.purpose for one in files},
        officers=ever_on_team(matter),
        versions=frozenset(one.version for one in kept),
    )


def _problems(taken: Visit, record: pb.InspectionRecord, against: Known) -> dict[str, str]:
    strange = {f"act-{n}": f"“{one.act}”不能离线办理" for n, one in enumerate(record.acts, 1)
               if one.act not in ON_SITE}  # fmt: skip
    return {**problems(taken, against), **strange}


def _keep(
    session: Session, actor: Actor, matter: Matter, record: pb.InspectionRecord, now: dt.datetime
) -> RecordRow:
    body = record.SerializeToString(deterministic=True)
    offset = (from_timestamp(record.sent_at) - now) // _MS if record.HasField("sent_at") else 0
    row = RecordRow(
        matter_id=matter.matter_id,
        version=inspection_store.latest(session, matter.matter_id) + 1,
        record_id=record.record_id,
        form_sm3=record.form_sm3,
        body=body,
        sha256=hashlib.sha256(body).digest(),
        sm3=hashlib.new("sm3", body).digest(),
        submitted_by=doer_of(actor).person_id,
        received_at=now,
        clock_offset_ms=offset,
        seq=matter.version + 1,
    )
    inspection_store.add_record(session, row)
    return row


def _line(
    row: RecordRow, record: pb.InspectionRecord, faults: list[str], visits: list[Visit]
) -> dict[str, str]:
    """A record as the chained line names it."""
    mine = [
        one.name
        for one in records.conflicts(visits)
        if any(version == row.version for version, _ in one.said)
    ]
    fields = {
        "record_id": row.record_id,
        "record_version": str(row.version),
        "complete": "yes" if record.complete else "no",
        "replaces": " ".join(map(str, sorted(record.replaces))),
        "device": f"{record.device_id} {record.app_version}".strip(),
        "sent_at": from_timestamp(record.sent_at).isoformat() if record.HasField("sent_at") else "",
        "clock_offset_ms": str(row.clock_offset_ms),
        "conflicts": " ".join(mine),
        "problems": " ".join(faults),
        "sha256": row.sha256.hex(),
        "sm3": row.sm3.hex(),
    }
    return {name: value for name, value in fields.items() if value}


def _do_acts(
    session: Session, actor: Actor, record: pb.InspectionRecord, row: RecordRow, now: dt.datetime
) -> list[list[str]]:
    """Do what was done on the spot, in its order. What is refused is told and keeps nothing else.

    Another device may have done the same before: then the state has moved on, and the act is
    refused with the state it would need.
    """
    outcomes = []
    for one in record.acts:
        fields = dict(one.fields)
        if one.act == "arrive" and row.clock_offset_ms and not fields.get("clock_offset_s"):
            fields["clock_offset_s"] = str(row.clock_offset_ms / 1000)
        try:
            with session.begin_nested():
                matter = store.load(session, row.matter_id, lock=True)
                attempt = attempt_of(
                    session, matter, doer_of(actor), now, fields, reason=one.reason
                )
                perform(session, one.act, attempt)
        except FarsightError as refusal:
            article, missing = refusal.facts.get("article", ""), refusal.facts.get("missing", "")
            outcomes.append([one.act, "no", article, missing or refusal.message])
        else:
            outcomes.append([one.act, "yes", "", ""])
    return outcomes
