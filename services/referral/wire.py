"""Rows of referral to protobuf."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.protobuf.struct_pb2 import Struct

from services.chassis.clock import to_timestamp
from services.chassis.pb.cases.v1 import cases_pb2 as cases_pb
from services.chassis.pb.referral.v1 import referral_pb2 as pb
from services.referral import rules
from services.referral.domain.lifecycle import Act
from services.referral.store import ClockRow, EventRow, ReferralRow


def referral_message(
    row: ReferralRow,
    clocks: Sequence[ClockRow] = (),
    lines: Sequence[EventRow] = (),
    allowed: Sequence[cases_pb.AllowedAct] = (),
) -> pb.Referral:
    """The referral as the door and the event show it."""
    return pb.Referral(
        referral_id=row.referral_id,
        number=row.number,
        matter_id=row.matter_id,
        outlet_id=row.outlet_id,
        credit_code=row.credit_code,
        enterprise_name=row.enterprise_name,
        division=row.division,
        police_agency_id=row.police_agency_id,
        procuratorate_agency_id=row.procuratorate_agency_id,
        state=row.state,
        state_name=rules.lifecycle().states[row.state].zh,
        charge=row.charge,
        bundle_name=row.bundle_name,
        bundle_size=row.bundle_size,
        bundle_sm3=row.bundle_sm3,
        bundle_sha256=row.bundle_sha256,
        clocks=[_clock_message(clock) for clock in clocks],
        timeline=[_line_message(line) for line in lines],
        allowed=allowed,
        requested_at=to_timestamp(row.requested_at),
        handed_over_at=to_timestamp(row.handed_over_at) if row.handed_over_at else None,
        version=row.version,
        outcome=row.outcome,
        outcome_reason=row.outcome_reason,
        correlation_id=row.correlation_id,
        police_agency_name=row.police_agency_name,
        procuratorate_agency_name=row.procuratorate_agency_name,
        key_fingerprint=row.key_fingerprint,
    )


def changed_event(
    row: ReferralRow, clocks: Sequence[ClockRow], lines: Sequence[EventRow]
) -> pb.ReferralChanged:
    """The event after a change."""
    return pb.ReferralChanged(referral=referral_message(row, clocks, lines))


def allowed_message(act: Act, agencies: Sequence[tuple[str, str]] = ()) -> cases_pb.AllowedAct:
    """An act the caller may do; `agencies` (id, name) are the choices of a reroute."""
    fields = [
        cases_pb.ActField(
            name=field.name,
            label=field.zh,
            type=field.type,
            required=field.required,
            choices=[f"{key}|{name}" for key, name in agencies] if act.reroute else field.choices,
        )
        for field in act.fields
    ]
    return cases_pb.AllowedAct(act=act.key, name=act.zh, fields=fields, hint=act.hint)


def notice_event(
    *,
    cause_id: str,
    template: str,
    parameters: dict[str, str],
    recipients: Sequence[tuple[str, str, str]],
    at: datetime,
    row: ReferralRow,
) -> cases_pb.NoticeRequested:
    """A notice to the sides of a referral; level 2, it can wait for the morning."""
    return cases_pb.NoticeRequested(
        cause_id=cause_id,
        template=template,
        parameters=parameters,
        recipients=[cases_pb.Recipient(kind=k, key=key, role=role) for k, key, role in recipients],
        level=2,
        event_time=to_timestamp(at),
        matter_id=row.matter_id,
        division=row.division,
        correlation_id=row.correlation_id,
        outlet_id=row.outlet_id,
    )


def _clock_message(clock: ClockRow) -> cases_pb.Clock:
    term = rules.terms()[clock.key]
    return cases_pb.Clock(
        clock_id=clock.clock_id,
        key=clock.key,
        action=term.action,
        statutory=True,
        started_at=to_timestamp(clock.started_at),
        due_at=to_timestamp(clock.due_at),
        provisional=clock.provisional,
        state=clock.state,
        derivation=clock.derivation,
        source=term.source,
        ended_at=to_timestamp(clock.ended_at) if clock.ended_at else None,
    )


def _line_message(row: EventRow) -> cases_pb.MatterEvent:
    line: dict[str, Any] = row.line
    fields = Struct()
    fields.update(line["fields"])
    return cases_pb.MatterEvent(
        seq=line["seq"],
        at=to_timestamp(datetime.fromisoformat(line["at"])),
        actor_id=line["actor_id"],
        actor_name=line["actor_name"],
        actor_role=line["actor_role"],
        scripted=line["scripted"],
        act=line["act"],
        act_name=line["act_name"],
        from_state=line["from_state"],
        to_state=line["to_state"],
        reason=line["reason"],
        fields=fields,
        digest_sm3=row.digest,
    )
