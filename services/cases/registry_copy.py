"""What cases asks of its copy of the registry: outlets, plants, officers, today's duty."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.cases import wire
from services.cases.domain.matter import Officer
from services.chassis.clock import BEIJING
from services.chassis.errors import NotFound, Unavailable
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.replica import record_of, records_of

#: Record kinds that cases keeps; the rest of the registry is none of its business.
KINDS = frozenset(
    {
        pb.RECORD_KIND_ENTERPRISE,
        pb.RECORD_KIND_OUTLET,
        pb.RECORD_KIND_OFFICER,
        pb.RECORD_KIND_DUTY,
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
    """Every officer and leader by id."""
    found = (wire.officer_of(one.officer) for one in records_of(session, pb.RECORD_KIND_OFFICER))
    return {officer.officer_id: officer for officer in found}


def on_duty(session: Session, now: dt.datetime) -> frozenset[str]:
    """Officers rostered on the present Beijing day."""
    today = now.astimezone(BEIJING).date().isoformat()
    duties = (one.duty for one in records_of(session, pb.RECORD_KIND_DUTY))
    return frozenset(duty.officer_id for duty in duties if duty.date == today)
