"""What referral asks its copy of the registry: the plant, the people, the agencies of a place."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.chassis.errors import Unavailable
from services.chassis.identity import covers
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.replica import record_of, records_of

KINDS = frozenset(
    {
        pb.RECORD_KIND_ENTERPRISE,
        pb.RECORD_KIND_OUTLET,
        pb.RECORD_KIND_OFFICER,
        pb.RECORD_KIND_AGENCY,
        pb.RECORD_KIND_DIVISION,
    }
)


@dataclass(frozen=True, slots=True)
class Units:
    """Who a referral of a place is between."""

    enterprise_name: str
    police: pb.Agency
    procuratorate: pb.Agency
    name_of: Callable[[str], str]


def units_for(session: Session, division: str, credit_code: str) -> Units:
    """The plant's name, the police unit and the procuratorate of the place.

    Raises Unavailable while the copy lacks one of them: it is filled by events and may come later.
    """
    plant = record_of(session, pb.RECORD_KIND_ENTERPRISE, credit_code)
    return Units(
        enterprise_name=plant.enterprise.name if plant else "",
        police=_nearest(session, "police", division),
        procuratorate=_nearest(session, "procuratorate", division),
        name_of=lambda officer_id: officer_name(session, officer_id),
    )


def officer_name(session: Session, officer_id: str) -> str:
    """An officer's name; the id where it is not known."""
    record = record_of(session, pb.RECORD_KIND_OFFICER, officer_id)
    return record.officer.name if record else officer_id


def division_name(session: Session, code: str) -> str:
    """A division's name; the code where it is not known."""
    record = record_of(session, pb.RECORD_KIND_DIVISION, code)
    return record.division.name if record else code


def outlet_name(session: Session, outlet_id: str) -> str:
    """An outlet's name; the id where it is not known."""
    record = record_of(session, pb.RECORD_KIND_OUTLET, outlet_id)
    return record.outlet.name if record else outlet_id


def police_units(session: Session) -> list[pb.Agency]:
    """Every police unit that a referral may be passed on to."""
    agencies = (record.agency for record in records_of(session, pb.RECORD_KIND_AGENCY))
    return [agency for agency in agencies if agency.kind == "police"]


def _nearest(session: Session, kind: str, division: str) -> pb.Agency:
    """The unit with the smallest jurisdiction around the place."""
    agencies = (record.agency for record in records_of(session, pb.RECORD_KIND_AGENCY))
    around = [a for a in agencies if a.kind == kind and covers(a.division, division)]
    if not around:
        raise Unavailable(f"no {kind} unit of {division} is known yet")
    return min(around, key=lambda agency: len(agency.division.rstrip("0")) * -1)
