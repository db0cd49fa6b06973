"""People to protobuf: loads, certificates, changes of people, reminders of certificates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from services.cases.domain.assignment import Why, hindrance
from services.cases.domain.matter import Event, Officer
from services.cases.domain.notices import NORMAL, URGENT
from services.cases.people_store import Burden
from services.chassis.clock import to_timestamp
from services.chassis.pb.cases.v1 import cases_pb2
from services.chassis.pb.cases.v1 import people_pb2 as pb

_WHY_ZH = {why.value: why.zh for why in Why}


def certificate_messages(
    officer: Officer, expires: dt.date, days: int, now: dt.datetime
) -> Iterator[cases_pb2.NoticeRequested]:
    """One notice for the officer and one for the leaders of the division; 0 days = it is over."""
    said = "near" if days else "over"
    person = cases_pb2.Recipient(kind="officer", key=officer.officer_id)
    leaders = cases_pb2.Recipient(kind="division", key=officer.division, role="leader")
    for template, recipient in (
        (f"certificate_{said}", person),
        (f"certificate_{said}_leader", leaders),
    ):
        yield cases_pb2.NoticeRequested(
            cause_id=f"{officer.officer_id}/{expires}/{days}/{template}",
            template=template,
            parameters={"due": expires.isoformat(), "number": officer.officer_id},
            recipients=[recipient],
            level=NORMAL if days else URGENT,
            event_time=to_timestamp(now),
            division=officer.division,
        )


def workload_message(
    officer: Officer, burden: Burden, today: dt.date, *, on_duty: bool
) -> pb.Workload:
    """What one officer has to do and whether he can."""
    leave = officer.away(today)
    return pb.Workload(
        officer_id=officer.officer_id,
        name=officer.name,
        division=officer.division,
        role=officer.role,
        open_matters=burden.open_matters,
        overdue=burden.overdue,
        due_7_days=burden.due_soon,
        weight=burden.weight,
        certificate_expires=officer.expires.isoformat() if officer.expires else "",
        certificate_days_left=days_left(officer, today),
        on_leave=leave is not None,
        on_leave_until=leave.last.isoformat() if leave and leave.last else "",
        leave_kind=leave.kind if leave else "",
        substitute_id=leave.substitute_id if leave else "",
        on_duty=on_duty,
        hindrance=hindrance(officer, today),
    )


def days_left(officer: Officer, today: dt.date) -> int:
    """Whole days to the end of the certificate; 0 without one."""
    return (officer.expires - today).days if officer.expires else 0


def certificate_message(officer: Officer, today: dt.date, open_matters: int) -> pb.Certificate:
    """One officer's certificate."""
    return pb.Certificate(
        officer_id=officer.officer_id,
        name=officer.name,
        division=officer.division,
        expires=officer.expires.isoformat() if officer.expires else "",
        days_left=days_left(officer, today),
        open_matters=open_matters,
    )


def event_message(
    matter_id: str, number: str, event: Event, officers: Mapping[str, Officer]
) -> pb.PeopleEvent:
    """One change of people on a matter."""
    fields = event.fields
    to = fields.get("officer", "") if event.act not in _NAMES_OUT else ""
    named = officers.get(to)
    away = fields.get("officer", "") if event.act in _NAMES_OUT else fields.get("from", "")
    if event.act == "declare_recusal":
        away = event.doer.person_id
    return pb.PeopleEvent(
        matter_id=matter_id,
        number=number,
        seq=event.seq,
        at=to_timestamp(event.at),
        act=event.act,
        act_name=event.act_zh,
        from_officer_id=away,
        to_officer_id=to,
        to_officer_name=fields.get("officer_name", "") or (named.name if named else ""),
        why=fields.get("why", ""),
        why_name=_WHY_ZH.get(fields.get("why", ""), ""),
        until=fields.get("until", ""),
        reason=event.reason,
        actor_name=event.doer.name,
    )


#: Acts whose field `officer` is who steps back, not who takes over.
_NAMES_OUT = frozenset({"recuse", "answer_recusal"})
