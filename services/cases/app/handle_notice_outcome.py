"""A notice did not reach its person: the timeline says so, because a deadline hangs on it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from services.cases import store
from services.cases.app.attempts import system_attempt
from services.cases.app.perform import perform
from services.chassis.pb.notify.v1 import notify_pb2


def handle_notice_outcome(
    session: Session, outcome: notify_pb2.NoticeOutcome, now: dt.datetime
) -> None:
    """Note a failed sending once. Delivered ones are notify's own record."""
    if outcome.state != notify_pb2.SENDING_STATE_FAILED or not outcome.matter_id:
        return
    matter = store.load(session, outcome.matter_id, lock=True)
    fields = {
        "cause": outcome.cause_id,
        "recipient": outcome.recipient_id,
        "why": outcome.reason,
    }
    if any(event.act == "notice_failed" and event.fields == fields for event in matter.events):
        return
    perform(session, "notice_failed", system_attempt(session, matter, now, fields))
