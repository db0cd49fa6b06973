"""What cases asks of its copy of the registry: outlets, plants, officers, today's duty."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.cases import wire
from services.cases.domain.leave import Leave
from services.cases.domain.matter import Officer
from services.chassis.clock import BEIJING
from services.chassis.errors import NotFound, Unavailable
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.replica import record_of, records_of
from services.chassis.tables import ReplicaRow

#: Record kinds that cases keeps; the rest of the registry is none of its business.
KINDS = frozenset(
    {
        pb.RECORD_KIND_DIVISION,
        pb.RECORD_KIND_ENTERPRISE,
        pb.RECORD_KIND_OUTLET,
        pb.RECORD_KIND_OFFICER,
        pb.RECORD_KIND_DUTY,
        pb.RECORD_KIND_LEAVE,
    }
)


@dataclass(frozen=True)
class Place:
    """排放口 with its 排污单位, as a matter names them."""

    outlet_id: str
    outlet_name: str
    credit_code: str
    enterprise_name: str
    enterprise_short: str
    division: str
    industry: str
    process: str


def place_of(session: Session, outlet_id: str) -> Place:
    """The outlet and its plant. `Unavailable` while the copy lacks them: the event comes again."""
    outlet = record_of(session, pb.RECORD_KIND_OUTLET, outlet_id)
    plant = outlet and record_of(session, pb.RECORD_KIND_ENTERPRISE, outlet.outlet.credit_code)
    if outlet is None or plant is None:
        raise Unavailable(f"outlet {outlet_id} is not in the registry copy yet", outlet=outlet_id)
    return Place(
        outlet_id=outlet_id,
        outlet_name=outlet.outlet.name,
        credit_code=outlet.outlet.credit_code,
        enterprise_name=plant.enterprise.name,
        enterprise_short=plant.enterprise.short_name,
        division=outlet.outlet.division or plant.enterprise.division,
        industry=plant.enterprise.industry,
        process=outlet.outlet.process,
    )


def place_of_plant(session: Session, outlet_id: str, credit_code: str) -> Place:
    """An outlet, or a whole plant. Raises `NotFound` for one that the registry does not know."""
    if outlet_id:
        if record_of(session, pb.RECORD_KIND_OUTLET, outlet_id) is None:
            raise NotFound("no such outlet", outlet=outlet_id)
        return place_of(session, outlet_id)
    plant = record_of(session, pb.RECORD_KIND_ENTERPRISE, credit_code)
    if plant is None:
        raise NotFound("no such enterprise", credit_code=credit_code)
    return Place(
        outlet_id="",
        outlet_name="",
        credit_code=credit_code,
        enterprise_name=plant.enterprise.name,
        enterprise_short=plant.enterprise.short_name,
        division=plant.enterprise.division,
        industry=plant.enterprise.industry,
        process="",
    )


def is_key_discharger(session: Session, credit_code: str) -> bool:
    """Whether the plant is a 重点排污单位; an unknown one is none."""
    plant = record_of(session, pb.RECORD_KIND_ENTERPRISE, credit_code)
    return plant is not None and plant.enterprise.key_discharger


def officers(session: Session) -> dict[str, Officer]:
    """Every officer and leader by id, with absences and with the other numbers of the person.

    A number that was given up is no officer any more, but still tells who its person is.
    """
    query = select(ReplicaRow.body, ReplicaRow.deleted)
    rows = session.execute(query.where(ReplicaRow.kind == pb.RECORD_KIND_OFFICER))
    known = [(pb.Record.FromString(body).officer, deleted) for body, deleted in rows]
    also = _numbers_of_persons([record for record, _ in known])
    away = leaves(session)
    found = (wire.officer_of(record) for record, deleted in known if not deleted)
    return {
        one.officer_id: replace(
            one, also=also.get(one.officer_id, frozenset()), leaves=away.get(one.officer_id, ())
        )
        for one in sorted(found, key=lambda officer: officer.officer_id)
    }


def _numbers_of_persons(records: list[pb.Officer]) -> Mapping[str, frozenset[str]]:
    """Numbers that share a person id, or a certificate where not both tell a person id."""
    by_mark: dict[str, set[str]] = defaultdict(set)
    person = {record.officer_id: record.person_id for record in records}
    for record in records:
        for mark in (record.person_id and f"p:{record.person_id}", record.certificate):
            if mark:
                by_mark[mark].add(record.officer_id)
    shared = [numbers for numbers in by_mark.values() if len(numbers) > 1]
    also: dict[str, frozenset[str]] = {}
    for numbers in shared:
        for one in numbers:
            same = {n for n in numbers if person[n] in {"", person[one]} or not person[one]}
            also[one] = also.get(one, frozenset()) | (same - {one})
    return also


def leaves(session: Session) -> dict[str, tuple[Leave, ...]]:
    """Absences 请假、离岗 by officer, in the order in which they begin."""
    found: dict[str, list[Leave]] = defaultdict(list)
    for record in records_of(session, pb.RECORD_KIND_LEAVE):
        leave = wire.leave_of(record.leave)
        found[leave.officer_id].append(leave)
    return {who: tuple(sorted(some, key=lambda one: one.first)) for who, some in found.items()}


def on_duty(session: Session, now: dt.datetime) -> frozenset[str]:
    """Officers rostered on the present Beijing day."""
    today = now.astimezone(BEIJING).date().isoformat()
    duties = (one.duty for one in records_of(session, pb.RECORD_KIND_DUTY))
    return frozenset(duty.officer_id for duty in duties if duty.date == today)
