"""Open a referral for a case whose leader approved it."""

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.clock import beijing, from_timestamp
from services.chassis.due import record_due
from services.chassis.pb.cases.v1 import cases_pb2
from services.referral import rules, store
from services.referral.app.record_step import Doer, Step, record_step, start_clock
from services.referral.registry_copy import Units, units_for
from services.referral.store import ReferralRow

FREEZE = "freeze"


def open_referral(session: Session, event: cases_pb2.ReferralRequested, now: datetime) -> None:
    """Write the referral and set its evidence to be frozen; a second request of a case is the same.

    Raises Unavailable while no police unit or procuratorate of the place is known.
    """
    if store.by_matter(session, event.matter_id) is not None:
        return
    units = units_for(session, event.division, event.credit_code)
    row = _row(session, event, units, now)
    session.add(row)
    session.flush()
    approved = from_timestamp(event.approved_at) if event.HasField("approved_at") else now
    start_clock(session, row, "crime_hand_over", approved)
    approver = Doer(event.approved_by, units.name_of(event.approved_by), "leader")
    act = rules.lifecycle().acts["request"]
    record_step(session, row, Step(act, approver, now, {"case": event.number}))
    record_due(session, FREEZE, row.referral_id, now)


def _row(
    session: Session, event: cases_pb2.ReferralRequested, units: Units, now: datetime
) -> ReferralRow:
    year = beijing(now).year
    serial = store.next_number(session, event.division, year)
    charge = rules.charge(event.charge)
    return ReferralRow(
        referral_id=str(uuid.uuid4()),
        number=f"移〔{year}〕{event.division}-{serial:04d}",
        matter_id=event.matter_id,
        matter_number=event.number,
        outlet_id=event.outlet_id,
        credit_code=event.credit_code,
        enterprise_name=units.enterprise_name,
        division=event.division,
        charge=charge.name,
        charge_basis=charge.basis,
        requested_by=event.requested_by,
        request=event.SerializeToString(),
        police_agency_id=units.police.agency_id,
        police_agency_name=units.police.name,
        police_division=units.police.division,
        procuratorate_agency_id=units.procuratorate.agency_id,
        procuratorate_agency_name=units.procuratorate.name,
        procuratorate_division=units.procuratorate.division,
        state="freezing",
        outcome="",
        outcome_reason="",
        version=0,
        requested_at=from_timestamp(event.requested_at),
        bundle_name="",
        bundle_size=0,
        bundle_sm3=b"",
        bundle_sha256=b"",
        key_fingerprint="",
        correlation_id=event.correlation_id,
    )
