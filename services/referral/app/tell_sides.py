"""Ask notify to tell the other sides of a referral that something waits for them."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.clock import beijing
from services.chassis.outbox import record_event
from services.referral import rules, wire
from services.referral.domain.lifecycle import Act
from services.referral.store import ClockRow, ReferralRow

_ROLE = {"police": "police", "procuratorate": "procurator"}


def tell_sides(session: Session, row: ReferralRow, act: Act, now: datetime) -> None:
    """One notice for the sides that the table names."""
    if act.tell:
        _tell(session, row, act.tell, "referral_changed", action=act.zh, due="", now=now)


def tell_breach(session: Session, row: ReferralRow, clock: ClockRow, now: datetime) -> None:
    """Tell the side that missed a clock."""
    term = rules.terms()[clock.key]
    until = beijing(clock.due_at).strftime("%m月%d日%H时")
    _tell(session, row, [term.who], "clock_breached", action=term.action, due=until, now=now)


def _tell(
    session: Session,
    row: ReferralRow,
    sides: Iterable[str],
    template: str,
    *,
    action: str,
    due: str,
    now: datetime,
) -> None:
    event = wire.notice_event(
        cause_id=f"referral:{row.referral_id}:{row.version}:{template}",
        template=template,
        parameters={"number": row.number, "action": action, "due": due},
        recipients=[_recipient(row, side) for side in sides],
        at=now,
        row=row,
    )
    record_event(session, event, correlation_id=row.correlation_id)


def _recipient(row: ReferralRow, side: str) -> tuple[str, str, str]:
    """Kind, key and role of a recipient: an agency's officers by its division, else the sender."""
    if side == "agency":
        return "officer", row.requested_by, ""
    division = row.police_division if side == "police" else row.procuratorate_division
    return "division", division, _ROLE[side]
