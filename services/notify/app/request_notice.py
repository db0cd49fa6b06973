"""Turn one notice into one sending a person: sent now, held, muted, or left to a summary.

The unique pair (cause, person) makes a repeated event harmless even when it comes under another
message id. The storm question reads what was sent before, so two notices to one person about one
thing are decided one after the other, under a lock of the database.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.chassis.clock import beijing
from services.chassis.due import record_due
from services.chassis.errors import InputRejected
from services.notify.app.tell_outcome import tell_outcome
from services.notify.domain.notice import Notice
from services.notify.domain.policy import Decision, Policy, decide
from services.notify.domain.routing import DIVISION, Person, Wanted, resolve
from services.notify.domain.templates import Template
from services.notify.domain.text import parts_of
from services.notify.store import DutyRow, PersonRow, SendingRow

STORM = "storm"
_STATE = {"send": "queued", "hold": "held", "mute": "muted", "storm": "muted"}
_TOLD = ("queued", "held", "sending", "sent", "delivered", "uncertain")


def request_notice(
    session: Session,
    notice: Notice,
    *,
    templates: Mapping[str, Template],
    policy: Policy,
    now: datetime,
) -> None:
    """Write the sendings of a notice.

    Raises InputRejected for an unknown template, a missing parameter or a level of 0.
    """
    template = templates.get(notice.template)
    if template is None:
        raise InputRejected(f"unknown template {notice.template}")
    if not notice.level or not notice.cause_id:
        raise InputRejected("a notice needs a cause and a level")
    wording = template.render(policy.signature, notice.parameters)
    people = _people(session, notice.wanted, now)
    for person in people:
        _one(session, notice, person, wording=wording, policy=policy, now=now)
    if not people:
        _nobody(session, notice, wording, now)


def _one(
    session: Session,
    notice: Notice,
    person: Person,
    *,
    wording: str,
    policy: Policy,
    now: datetime,
) -> None:
    alike = f"{person.person_id}|{notice.item_key}"
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:alike))"), {"alike": alike})
    last = session.scalar(
        select(func.max(SendingRow.created_at)).where(
            SendingRow.recipient_id == person.person_id,
            SendingRow.item_key == notice.item_key,
            SendingRow.state.in_(_TOLD),
        )
    )
    decision = decide(
        policy, level=notice.level, event_time=notice.event_time, now=now, last_alike=last
    )
    row = _write(session, notice, person, wording=wording, decision=decision, now=now)
    if row is None:
        return
    if decision.action == STORM and decision.until is not None:
        key = f"{alike}|{decision.until.isoformat()}"
        payload: dict[str, object] = {"sending_id": row.sending_id}
        record_due(session, STORM, key, decision.until, payload)
    if row.state == "muted":
        tell_outcome(session, row, now)


def _write(
    session: Session,
    notice: Notice,
    person: Person,
    *,
    wording: str,
    decision: Decision,
    now: datetime,
) -> SendingRow | None:
    """The new row, or None where this person has been told of this cause already."""
    values = {
        "cause_id": notice.cause_id,
        "recipient_id": person.person_id,
        "recipient_name": person.name,
        "phone": person.phone,
        "matter_id": notice.matter_id,
        "division": notice.division,
        "credit_code": notice.outlet_id.partition("-")[0],
        "outlet_id": notice.outlet_id,
        "item_key": notice.item_key,
        "template": notice.template,
        "text": wording,
        "parts": parts_of(wording),
        "level": notice.level,
        "state": _STATE.get(decision.action, decision.action),
        "reason": decision.reason,
        "not_before": decision.until if decision.action == "hold" else now,
        "created_at": now,
        "correlation_id": notice.correlation_id,
        "possibly_repeated": False,
        "attempts": 0,
        "epoch": 0,
    }
    new = insert(SendingRow).values(**values).on_conflict_do_nothing()
    return session.scalar(new.returning(SendingRow))


def _nobody(session: Session, notice: Notice, wording: str, now: datetime) -> None:
    """Keep the failure visible: a notice that reaches nobody must not vanish."""
    asked = "+".join(f"{want.kind}:{want.key}:{want.role}" for want in notice.wanted)
    person = Person(f"nobody:{asked}", "", "", "", "", "")
    decision = Decision("failed", "no_recipient: the registry names nobody for this")
    row = _write(session, notice, person, wording=wording, decision=decision, now=now)
    if row is not None:
        tell_outcome(session, row, now)


def _people(session: Session, wanted: Sequence[Wanted], now: datetime) -> list[Person]:
    keys = [want.key for want in wanted]
    query = select(PersonRow).where(
        ~PersonRow.deleted, or_(PersonRow.home.in_(keys), PersonRow.person_id.in_(keys))
    )
    known = [
        Person(row.person_id, row.name, row.phone, row.kind, row.home, row.role)
        for row in session.scalars(query)
        if row.phone
    ]
    on_duty: frozenset[str] = frozenset()
    if any(want.kind == DIVISION for want in wanted):
        today = beijing(now).date()
        duty = select(DutyRow.officer_id).where(DutyRow.day == today, ~DutyRow.deleted)
        on_duty = frozenset(session.scalars(duty))
    return resolve(wanted, known, on_duty)
