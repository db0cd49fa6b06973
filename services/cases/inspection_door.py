"""gRPC door `InspectionService`: forms out to the site, records back, for the authority only."""

from __future__ import annotations

from typing import Any

import grpc.aio
from sqlalchemy.orm import Session

from services.cases import inspection_rules, inspection_store, registry_copy, store
from services.cases.app.act_on_matter import doer_of
from services.cases.app.issue_form import inspection_of, issue_form, subject_of
from services.cases.app.submit_record import submit_record
from services.cases.domain import records
from services.cases.domain.checklists import Checklist, Subject, suggested
from services.cases.domain.inspection import team, window
from services.cases.domain.matter import Matter
from services.cases.inspection_wire import (
    checklist_of,
    conflict_messages,
    topic_message,
    version_message,
    visit_of,
)
from services.chassis.clock import to_timestamp, utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor, require, require_visible, scope_of
from services.chassis.pb.cases.v1 import inspection_pb2 as pb
from services.chassis.pb.cases.v1 import inspection_pb2_grpc

SERVICE = "farsight.cases.v1.InspectionService"


class InspectionServicer(inspection_pb2_grpc.InspectionServiceServicer):
    """Answers about visits; a plant finds nothing here, not even its own."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def ListTopics(self, request: pb.ListTopicsRequest, context: Any) -> pb.ListTopicsResponse:  # noqa: N802
        """Topics of checklists, those that fit a matter or plant marked."""
        actor = actor_of(context)
        require(actor, "inspections.read")
        every = inspection_rules.checklists()
        with self._db.transaction() as session:
            subject = _subject(session, actor, request)
        fit = {one.topic for one in suggested(every.values(), subject)} if subject else set()
        topics = [topic_message(one, suggested=key in fit) for key, one in every.items()]
        return pb.ListTopicsResponse(topics=topics)

    def ListForms(self, request: pb.ListFormsRequest, context: Any) -> pb.ListFormsResponse:  # noqa: N802
        """Approved visits of the jurisdiction, by planned time."""
        actor = actor_of(context)
        scope, who = scope_of(actor, "inspections.read"), doer_of(actor).person_id
        with self._db.transaction() as session:
            found = inspection_store.under_way(session, scope)
            wanted = [one for one in found if not request.mine or who in team(one)]
            heads = [_head(session, one) for one in wanted]
        heads.sort(key=lambda head: (head.planned_from.ToNanoseconds(), head.number))
        return pb.ListFormsResponse(forms=heads)

    def GetForm(self, request: pb.GetFormRequest, context: Any) -> pb.GetFormResponse:  # noqa: N802
        """Everything a device needs for one visit, with its digest."""
        actor, now = actor_of(context), utc_now()
        with self._db.transaction() as session:
            body, digest = issue_form(session, actor, request.matter_id, request.topics, now)
            latest = inspection_store.latest(session, request.matter_id)
        return pb.GetFormResponse(
            form=pb.Form.FromString(body),
            form_bytes=body,
            form_sm3=digest,
            issued_at=to_timestamp(now),
            record_version=latest,
        )

    def SubmitRecord(  # noqa: N802
        self, request: pb.SubmitRecordRequest, context: Any
    ) -> pb.SubmitRecordResponse:
        """Keep a record as a version, with what it contradicts."""
        actor, now = actor_of(context), utc_now()
        if not request.HasField("record"):
            raise InputRejected("a record is needed", field="record")
        with self._db.transaction() as session:
            kept = submit_record(session, actor, request.record, now)
            answer = _whole(session, kept.matter_id)
        version = next(one for one in answer.versions if one.version == kept.version)
        conflicts = [one for one in answer.conflicts if kept.version in one.versions]
        return pb.SubmitRecordResponse(version=version, conflicts=conflicts)

    def GetRecord(self, request: pb.GetRecordRequest, context: Any) -> pb.GetRecordResponse:  # noqa: N802
        """Every version, the contradictions of those that stand, and what nobody answered."""
        actor = actor_of(context)
        with self._db.transaction() as session:
            matter = inspection_of(session, actor, request.matter_id)
            return _whole(session, matter.matter_id)


def register(server: grpc.aio.Server, database: Database) -> None:
    """Add the servicer to a gRPC host."""
    inspection_pb2_grpc.add_InspectionServiceServicer_to_server(
        InspectionServicer(database), server
    )


def _subject(session: Session, actor: Actor, request: pb.ListTopicsRequest) -> Subject | None:
    """What the caller asks topics for; None = nothing in particular."""
    if request.matter_id:
        matter = store.load(session, request.matter_id)
        require_visible(
            actor,
            "inspections.read",
            division=matter.division,
            enterprise_id=matter.credit_code,
        )
        return subject_of(session, matter)
    if request.credit_code:
        plant = registry_copy.place_of_plant(session, "", request.credit_code)
        require_visible(
            actor, "inspections.read", division=plant.division, enterprise_id=plant.credit_code
        )
        return Subject(industry=plant.industry)
    return None


def _head(session: Session, matter: Matter) -> pb.FormHead:
    planned = window(matter)
    return pb.FormHead(
        matter_id=matter.matter_id,
        number=matter.number,
        title=matter.title,
        state=matter.state,
        enterprise_name=matter.enterprise_name,
        outlet_name=matter.outlet_name,
        planned_from=to_timestamp(planned[0]) if planned else None,
        planned_until=to_timestamp(planned[1]) if planned else None,
        officer_ids=team(matter),
        record_version=inspection_store.latest(session, matter.matter_id),
    )


def _whole(session: Session, matter_id: str) -> pb.GetRecordResponse:
    rows = inspection_store.versions(session, matter_id)
    visits = [visit_of(row.body, row.version) for row in rows]
    stand = {one.version for one in records.standing(visits)}
    outcomes = inspection_store.outcomes(session, matter_id)
    forms = {row.form_sm3 for row in rows if row.version in stand}
    lists = _lists(session, matter_id, forms)
    answered = {
        one.item_id
        for visit in visits
        if visit.version in stand
        for one in visit.answers
        if one.value
    }
    lacking = [
        name
        for visit in visits
        if visit.version in stand
        for name in records.missing(visit, lists)
        if name not in answered
    ]
    return pb.GetRecordResponse(
        versions=[version_message(row, outcomes, standing=row.version in stand) for row in rows],
        conflicts=conflict_messages(records.conflicts(visits)),
        unanswered=dict.fromkeys(lacking),
    )


def _lists(session: Session, matter_id: str, forms: set[bytes]) -> list[Checklist]:
    """Checklists of the forms that standing versions were made with, each topic once."""
    found: dict[str, Checklist] = {}
    for digest in sorted(forms):
        body = inspection_store.form(session, matter_id, digest)
        for message in pb.Form.FromString(body or b"").checklists:
            found.setdefault(message.topic, checklist_of(message))
    return list(found.values())
