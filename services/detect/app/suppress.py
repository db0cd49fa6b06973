"""抑制: one person explains signs away, a leader confirms; one person is enough to end it."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from services.chassis.errors import Conflict, Forbidden, InputRejected, NotFound
from services.chassis.identity import Actor
from services.detect import screening_store
from services.detect.screening.screens import SCREENS
from services.detect.screening_store import SuppressionRow

#: Nothing is hidden for longer without somebody looking at it again.
LONGEST = timedelta(days=366)


@dataclass(frozen=True)
class Scope:
    """What a suppression covers; empty = all."""

    outlet_id: str
    division: str
    credit_code: str
    factor: str = ""
    rule_id: str = ""


def suppress(
    session: Session, actor: Actor, scope: Scope, reason: str, *, until: datetime, now: datetime
) -> SuppressionRow:
    """抑制: keep one that is not in force yet. Raises InputRejected naming what to correct."""
    if not reason.strip():
        raise InputRejected("a suppression needs a reason", field="reason")
    if not now < until <= now + LONGEST:
        raise InputRejected("give an end within a year from now", field="until")
    if scope.rule_id and scope.rule_id not in SCREENS:
        known = ", ".join(sorted(SCREENS))
        raise InputRejected(f"no test {scope.rule_id!r}; one of {known}", field="rule_id")
    row = SuppressionRow(
        suppression_id=str(uuid.uuid4()), outlet_id=scope.outlet_id, factor=scope.factor,
        rule_id=scope.rule_id, reason=reason.strip(), asked_by=actor.user_id,
        asked_by_name=actor.name, asked_at=now, until=until, division=scope.division,
        credit_code=scope.credit_code,
    )  # fmt: skip
    session.add(row)
    return row


def confirm(session: Session, actor: Actor, suppression_id: str, now: datetime) -> SuppressionRow:
    """确认 another person's; the outlet is screened again. Raises NotFound, Conflict, Forbidden."""
    row = _standing(session, suppression_id, now)
    if row.confirmed_at is not None:
        raise Conflict("the suppression is confirmed already")
    if row.asked_by == actor.user_id:
        raise Forbidden("who asked for a suppression cannot confirm it")
    row.confirmed_by, row.confirmed_by_name, row.confirmed_at = actor.user_id, actor.name, now
    screening_store.screen_again(session, row.outlet_id)
    return row


def unsuppress(
    session: Session, actor: Actor, suppression_id: str, reason: str, now: datetime
) -> SuppressionRow:
    """解除: end one, in force or waiting; the outlet is screened again. Raises as `confirm`."""
    if not reason.strip():
        raise InputRejected("say why it ends", field="reason")
    row = _standing(session, suppression_id, now)
    row.ended_by, row.ended_by_name, row.ended_at = actor.user_id, actor.name, now
    row.end_reason = reason.strip()
    screening_store.screen_again(session, row.outlet_id)
    return row


def _standing(session: Session, suppression_id: str, now: datetime) -> SuppressionRow:
    row = screening_store.suppression(session, suppression_id)
    if row is None:
        raise NotFound("no such suppression in your jurisdiction")
    if row.ended_at is not None or row.until <= now:
        raise Conflict("the suppression is over already")
    return row
