"""Issue the form 离线表单 of an approved visit: what is asked, of whom, by whom, digested."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from services.cases import inspection_rules, inspection_store, inspection_wire, rules, store, wire
from services.cases.app.act_on_matter import doer_of
from services.cases.domain.checklists import Checklist, Subject, suggested
from services.cases.domain.inspection import ON_SITE, UNDER_WAY, plan, team, topics, window
from services.cases.domain.matter import Kind, Matter
from services.chassis.clock import to_timestamp
from services.chassis.errors import InputRejected, NotFound, RuleViolated
from services.chassis.identity import Actor, require_visible
from services.chassis.pb.cases.v1 import inspection_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import record_of


def issue_form(
    session: Session, actor: Actor, matter_id: str, wanted: Sequence[str], now: dt.datetime
) -> tuple[bytes, bytes]:
    """The serialized form and its SM3; kept, so that a record can name it.

    Raises `NotFound` for what the actor must not see, `RuleViolated` before the approval.
    """
    matter = inspection_of(session, actor, matter_id)
    if matter.state not in UNDER_WAY:
        raise RuleViolated(
            "现场检查尚未批准或者已经结束",
            article="工作规则：检查前报批",
            missing="批准检查",
        )
    body = _form(session, matter, wanted).SerializeToString(deterministic=True)
    return body, inspection_store.keep_form(session, matter_id, body, doer_of(actor).person_id, now)


def inspection_of(
    session: Session,
    actor: Actor,
    matter_id: str,
    action: str = "inspections.read",
    *,
    lock: bool = False,
) -> Matter:
    """The inspection, for the authority of its place. Raises `NotFound` for everybody else."""
    matter = store.load(session, matter_id, lock=lock)
    require_visible(actor, action, division=matter.division, enterprise_id=matter.credit_code)
    if matter.kind is not Kind.INSPECTION:
        raise NotFound("no such inspection", matter_id=matter_id)
    return matter


def subject_of(session: Session, matter: Matter) -> Subject:
    """What the choice of topics asks: industry, outlet, and what happened there."""
    plant, outlet = _plant(session, matter), _outlet(session, matter)
    above = store.load(session, matter.parent_matter_id) if matter.parent_matter_id else None
    line = plan(matter)
    items = {matter.item, above.item if above else "", line.fields.get("basis", "") if line else ""}
    return Subject(
        industry=plant.industry,
        medium=outlet.medium,
        process=outlet.process,
        items=frozenset(items - {""}),
    )


def _form(session: Session, matter: Matter, wanted: Sequence[str]) -> pb.Form:
    line, planned = plan(matter), window(matter)
    fields = line.fields if line else {}
    life = rules.life_cycle(Kind.INSPECTION)
    rows = {act.key: act for act in life.acts}
    limits = inspection_rules.limits()
    return pb.Form(
        matter_id=matter.matter_id,
        number=matter.number,
        title=matter.title,
        basis=fields.get("basis", ""),
        covert=fields.get("covert", "") == "yes",
        reason=fields.get("purpose", ""),
        planned_from=to_timestamp(planned[0]) if planned else None,
        planned_until=to_timestamp(planned[1]) if planned else None,
        place=_place(session, matter),
        officers=_officers(session, matter),
        checklists=map(inspection_wire.checklist_message, _lists(session, matter, wanted)),
        acts=[wire.act_message(rows[key]) for key in ON_SITE],
        limits=pb.FormLimits(
            within_m=limits.within_m,
            clock_offset_s=limits.clock_offset_s,
            calibration_days=limits.calibration_days,
            inline_bytes=limits.inline_bytes,
        ),
        form_version=inspection_rules.form_version(),
    )


def _lists(session: Session, matter: Matter, wanted: Sequence[str]) -> list[Checklist]:
    """The topics asked for, else those of the plan, else those that fit."""
    every, named = inspection_rules.checklists(), list(wanted) or list(topics(matter))
    if unknown := sorted(set(named) - set(every)):
        raise InputRejected(f"no topic {', '.join(unknown)}", field="topics")
    if named:
        return [one for key, one in every.items() if key in named]
    return suggested(every.values(), subject_of(session, matter))


def _officers(session: Session, matter: Matter) -> list[pb.FormOfficer]:
    found = (record_of(session, registry_pb2.RECORD_KIND_OFFICER, who) for who in team(matter))
    return [
        pb.FormOfficer(
            officer_id=one.officer.officer_id,
            name=one.officer.name,
            certificate=one.officer.certificate,
            certificate_expires=one.officer.certificate_expires,
        )
        for one in found
        if one is not None
    ]


def _place(session: Session, matter: Matter) -> pb.FormPlace:
    plant, outlet = _plant(session, matter), _outlet(session, matter)
    return pb.FormPlace(
        credit_code=matter.credit_code,
        enterprise_name=matter.enterprise_name,
        address=plant.address,
        division=matter.division,
        industry=plant.industry,
        permit_code=plant.permit_code,
        outlet_id=matter.outlet_id,
        outlet_name=matter.outlet_name,
        medium=outlet.medium,
        longitude=plant.longitude,
        latitude=plant.latitude,
        factors=outlet.factors,
    )


def _plant(session: Session, matter: Matter) -> registry_pb2.Enterprise:
    found = record_of(session, registry_pb2.RECORD_KIND_ENTERPRISE, matter.credit_code)
    return found.enterprise if found else registry_pb2.Enterprise()


def _outlet(session: Session, matter: Matter) -> registry_pb2.Outlet:
    found = record_of(session, registry_pb2.RECORD_KIND_OUTLET, matter.outlet_id)
    return found.outlet if found else registry_pb2.Outlet()
