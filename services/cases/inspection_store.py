"""Forms and records of inspections 现场检查 in PostgreSQL, and what gates see of them."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.cases import inspection_rules, inspection_wire, store
from services.cases.domain import records
from services.cases.domain.inspection import UNDER_WAY, Record, Site, team
from services.cases.domain.matter import Kind, Matter
from services.cases.inspection_tables import FormRow, OutcomeRow, RecordRow
from services.cases.tables import MatterRow
from services.chassis.identity import Scope
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import record_of

#: Visits that one list of forms gives.
_MOST = 200


def site_of(session: Session, matter: Matter) -> Site:
    """What is known of a visit beside its matter."""
    plant = record_of(session, registry_pb2.RECORD_KIND_ENTERPRISE, matter.credit_code)
    known = plant is not None and bool(plant.enterprise.longitude or plant.enterprise.latitude)
    kept = versions(session, matter.matter_id)
    visits = [inspection_wire.visit_of(row.body, row.version) for row in kept]
    stand = {one.version for one in records.standing(visits)}
    return Site(
        limits=inspection_rules.limits(),
        topics=frozenset(inspection_rules.checklists()),
        longitude=plant.enterprise.longitude if known and plant else None,
        latitude=plant.enterprise.latitude if known and plant else None,
        certificates=certificates(session, team(matter)),
        records=tuple(
            Record(row.version, row.seq, row.sm3, visit.complete, row.version in stand)
            for row, visit in zip(kept, visits, strict=True)
        ),
        conflicts=tuple(one.name for one in records.conflicts(visits)),
    )


def certificates(session: Session, officer_ids: Sequence[str]) -> dict[str, str]:
    """执法证号 of officers, empty where none is registered."""
    found = (record_of(session, registry_pb2.RECORD_KIND_OFFICER, one) for one in officer_ids)
    return {one.officer.officer_id: one.officer.certificate for one in found if one is not None}


def keep_form(session: Session, matter_id: str, body: bytes, who: str, now: dt.datetime) -> bytes:
    """Keep a form that goes out and give its SM3; one that went out before stays as it is."""
    sm3 = hashlib.new("sm3", body).digest()
    new = insert(FormRow).values(
        matter_id=matter_id, sm3=sm3, body=body, issued_at=now, issued_to=who
    )
    session.execute(new.on_conflict_do_nothing())
    return sm3


def form(session: Session, matter_id: str, sm3: bytes) -> bytes | None:
    """A form as it went out for this visit, None when it never did."""
    return session.scalar(
        select(FormRow.body).where(FormRow.matter_id == matter_id, FormRow.sm3 == sm3)
    )


def versions(session: Session, matter_id: str) -> list[RecordRow]:
    """Every version of the record, oldest first."""
    query = select(RecordRow).where(RecordRow.matter_id == matter_id)
    return list(session.scalars(query.order_by(RecordRow.version)))


def version_of(session: Session, matter_id: str, record_id: str) -> RecordRow | None:
    """The version that a device's record became."""
    return session.scalar(
        select(RecordRow).where(RecordRow.matter_id == matter_id, RecordRow.record_id == record_id)
    )


def latest(session: Session, matter_id: str) -> int:
    """Number of the last version, 0 = none."""
    query = select(func.max(RecordRow.version)).where(RecordRow.matter_id == matter_id)
    return session.scalar(query) or 0


def add_record(session: Session, row: RecordRow) -> None:
    """Keep a version; its line of the timeline follows in the same transaction."""
    session.add(row)
    session.flush()


def add_outcomes(
    session: Session, matter_id: str, version: int, outcomes: Sequence[Sequence[str]]
) -> None:
    """Keep what came of a record's acts."""
    session.add(
        OutcomeRow(matter_id=matter_id, version=version, outcomes=list(map(list, outcomes)))
    )
    session.flush()


def outcomes(session: Session, matter_id: str) -> dict[int, list[list[str]]]:
    """What came of the acts of each version."""
    query = select(OutcomeRow).where(OutcomeRow.matter_id == matter_id)
    return {row.version: row.outcomes for row in session.scalars(query)}


def under_way(session: Session, scope: Scope) -> list[Matter]:
    """Approved visits of a jurisdiction that are not reported yet, with their timelines."""
    query = (
        select(MatterRow.matter_id)
        .where(
            MatterRow.kind == Kind.INSPECTION.value,
            MatterRow.state.in_(UNDER_WAY),
            MatterRow.division.startswith(scope.division_prefix, autoescape=True),
        )
        .order_by(MatterRow.opened_at.desc())
        .limit(_MOST)
    )
    return [store.load(session, matter_id) for matter_id in session.scalars(query)]
