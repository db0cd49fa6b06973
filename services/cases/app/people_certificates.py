"""执法证到期提醒: the officer and the leaders hear of the end before it comes, and when it came.

Each reminder is a due row by officer, end and days left: it goes out once, and a certificate that
was renewed meanwhile leaves its old rows without effect.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy.orm import Session

from services.cases import people_wire, registry_copy, rules
from services.cases.domain.matter import Officer
from services.chassis.clock import BEIJING
from services.chassis.due import record_due
from services.chassis.outbox import record_event

CERTIFICATE = "certificate_due"
#: Hour of the day in Beijing at which people are reminded.
_MORNING = dt.time(9, tzinfo=BEIJING)
#: Rows are set this far ahead; the hourly look sets the next ones.
_AHEAD = dt.timedelta(days=2)
_OVER = 0


def arm_certificates(session: Session, officers: Iterable[Officer], now: dt.datetime) -> None:
    """Set the reminders that come soon, and of those that are past the last one."""
    for officer in officers:
        for days, at in _due(officer, now):
            if officer.expires is not None and at <= now + _AHEAD:
                key = f"{officer.officer_id}/{officer.expires}/{days}"
                payload: dict[str, object] = {
                    "officer_id": officer.officer_id,
                    "expires": officer.expires.isoformat(),
                    "days": days,
                }
                record_due(session, CERTIFICATE, key, at, payload)


def _due(officer: Officer, now: dt.datetime) -> Iterator[tuple[int, dt.datetime]]:
    """Days left and the moment of each reminder: those to come, and the last of those that were.

    A certificate is good on its last day, so it is over on the morning after.
    """
    if officer.expires is None or officer.role not in {"officer", "leader"}:
        return
    days = (*rules.people().warn_days, _OVER)
    moments = [(n, _morning(officer.expires, n)) for n in days]
    past = [one for one in moments if one[1] <= now]
    yield from [*past[-1:], *(one for one in moments if one[1] > now)]


def _morning(expires: dt.date, days: int) -> dt.datetime:
    day = expires - dt.timedelta(days=days) if days else expires + dt.timedelta(days=1)
    return dt.datetime.combine(day, _MORNING)


def remind_of_certificate(
    session: Session, payload: Mapping[str, object], now: dt.datetime
) -> None:
    """Tell the officer and the leaders there, unless the certificate was renewed or he is gone."""
    officer = registry_copy.officers(session).get(str(payload["officer_id"]))
    if officer is None or officer.expires is None or str(officer.expires) != payload["expires"]:
        return
    days = int(str(payload["days"]))
    for message in people_wire.certificate_messages(officer, officer.expires, days, now):
        record_event(session, message)
