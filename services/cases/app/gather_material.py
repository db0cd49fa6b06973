"""Load what a document may draw on: the family with its papers and files, plant, people, agency."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from services.cases import attachment_store, paper_data, paper_store, rules, store
from services.cases.domain.agencies import Agency
from services.cases.domain.attempt import Attempt
from services.cases.domain.law import Law
from services.cases.domain.matter import Event, Kind, Matter
from services.cases.domain.paper_facts import Material, Party, Person
from services.cases.domain.paper_law import law_texts
from services.cases.domain.references import Ours
from services.cases.domain.steps import Step
from services.chassis.clock import BEIJING
from services.chassis.errors import RuleViolated
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.replica import record_of, records_of


def gather(session: Session, step: Step, attempt: Attempt) -> Material:
    """The material of a step that was taken and is not saved yet."""
    family = attempt.family or store.family(session, step.matter)
    return material_of(
        session, step.matter, step.event, family=family, now=attempt.now, law=attempt.law
    )


def material_of(
    session: Session,
    matter: Matter,
    event: Event,
    *,
    family: tuple[Matter, ...],
    now: dt.datetime,
    law: Law,
) -> Material:
    """The material of a line of a matter."""
    chain = _chain(matter, family)
    matters = (*(one for one in family if one.matter_id != matter.matter_id), matter)
    ids = [one.matter_id for one in matters]
    case = next((one for one in chain if one.kind is Kind.CASE), chain[-1])
    day = now.astimezone(BEIJING).date()
    return Material(
        event=event,
        chain=chain,
        family=tuple(one for one in matters if one not in chain),
        papers=tuple(kept.paper for kept in paper_store.kept_papers(session, ids)),
        attachments=tuple(
            file for one in ids for file in attachment_store.attachments(session, one)
        ),
        rows=case.rows or store.rows(session, case.matter_id),
        party=_party(session, matter),
        people=_people(session),
        agency=agency_of(session, matter.in_charge or matter.division, day),
        templates=paper_data.templates(),
        life_of=rules.life_cycle,
        made_at=now,
        law=law_texts(law, event, chain, day),
        code=day >= law.code_in_force,
    )


def _chain(matter: Matter, family: tuple[Matter, ...]) -> tuple[Matter, ...]:
    """The matter, the one above it, and so on."""
    by_id = {one.matter_id: one for one in family}
    chain = [matter]
    while (above := by_id.get(chain[-1].parent_matter_id)) is not None:
        chain.append(above)
    return tuple(chain)


def agency_of(session: Session, division: str, day: dt.date) -> Agency:
    """Who signs. Raises `RuleViolated` for a division that no table names."""
    try:
        return paper_data.agencies().agency(division, day, _names(session, division))
    except LookupError as fault:
        raise RuleViolated(
            f"机关名称表没有区划 {division}",
            article="行政处罚法第十七条",
            missing=f"data/papers/agencies.yaml 中的 {division}",
        ) from fault


def ours(session: Session, division: str) -> Ours:
    """What makes a cited number one of ours."""
    agencies = paper_data.agencies().shorts(_names(session, division))
    return Ours(agencies, paper_data.templates().series)


def _names(session: Session, division: str) -> dict[str, str]:
    """Names of the division and those above it, as far as our copy of the registry has them."""
    names: dict[str, str] = {}
    for code in {division, division[:4] + "00", division[:2] + "0000"}:
        record = record_of(session, pb.RECORD_KIND_DIVISION, code)
        if record is not None:
            names[code] = record.division.name
    return names


def _party(session: Session, matter: Matter) -> Party:
    plant = record_of(session, pb.RECORD_KIND_ENTERPRISE, matter.credit_code)
    return Party(
        name=matter.enterprise_name,
        credit_code=matter.credit_code,
        address=plant.enterprise.address if plant else "",
        permit_code=plant.enterprise.permit_code if plant else "",
        outlet=matter.outlet_name,
    )


def _people(session: Session) -> dict[str, Person]:
    found = (one.officer for one in records_of(session, pb.RECORD_KIND_OFFICER))
    return {one.officer_id: Person(one.name, one.certificate) for one in found}
