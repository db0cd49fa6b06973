"""Hand texts to the gateway and note what it answered, or that its answer was lost.

A text is claimed in a transaction that asks for the lease, so one sender at a time has it. A lost
answer may hide a text that went out: level 1 is then sent again and marked, the others wait for
the receipt.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.notify.app.take_receipt import settle
from services.notify.app.tell_outcome import tell_outcome
from services.notify.domain.policy import URGENT
from services.notify.domain.text import encode_parts
from services.notify.gateway import Answer, Part
from services.notify.lease import Lease
from services.notify.store import SendingRow, SubmissionRow

#: A level 1 text whose answer is lost each time is not repeated for ever.
MAX_ATTEMPTS = 4
_BUSY_WAIT_S = (1, 2, 5, 10, 30)


def claim_texts(session: Session, lease: Lease, now: datetime, room: int) -> list[Part]:
    """Claim up to `room` waiting texts, urgent and old ones first; gives their parts to submit."""
    if room <= 0 or not lease.stands(session):
        return []
    waiting = (SendingRow.state.in_(("queued", "held")), SendingRow.not_before <= now)
    order = (SendingRow.level, SendingRow.sending_id)
    query = select(SendingRow).where(*waiting).order_by(*order).limit(room)
    parts: list[Part] = []
    for row in session.scalars(query.with_for_update(skip_locked=True)).all():
        row.state, row.epoch, row.attempts = "sending", lease.epoch, row.attempts + 1
        parts += _parts(session, row, lease, now)
    return parts


def note_answer(session: Session, answer: Answer, now: datetime) -> None:
    """Keep the gateway's answer to one part, and what follows for the text."""
    submission = session.get_one(SubmissionRow, answer.submission_id, with_for_update=True)
    row = session.get_one(SendingRow, submission.sending_id, with_for_update=True)
    if answer.status == 0:
        submission.state, submission.message_id = "accepted", answer.message_id
        session.flush()
        settle(session, row, now)
    elif answer.throttled:
        submission.state = "throttled"
        row.state, row.reason = "queued", f"gateway busy 0x{answer.status:x}"
        row.not_before = now + timedelta(seconds=busy_wait_s(row.attempts))
    else:
        submission.state = "refused"
        row.state, row.reason = "failed", f"gateway refused 0x{answer.status:x}"
        tell_outcome(session, row, now)


def note_lost(session: Session, gateway: str, epoch: int, now: datetime) -> int:
    """Close what got no answer on this gateway up to `epoch`; gives the number of parts."""
    on_wire = (
        SubmissionRow.gateway == gateway,
        SubmissionRow.epoch <= epoch,
        SubmissionRow.state == "pending",
    )
    lost = session.scalars(select(SubmissionRow).where(*on_wire).with_for_update()).all()
    for submission in lost:
        submission.state = "lost"
    for sending_id in sorted({submission.sending_id for submission in lost}):
        row = session.get_one(SendingRow, sending_id, with_for_update=True)
        if row.state == "sending":
            _repeat_or_wait(session, row, now)
    return len(lost)


def give_back(session: Session, submission_ids: Sequence[int], now: datetime) -> None:
    """Queue texts again whose parts were claimed but certainly never written to the line."""
    for submission_id in submission_ids:
        submission = session.get_one(SubmissionRow, submission_id, with_for_update=True)
        submission.state = "unsent"
        session.flush()
        others = select(SubmissionRow.submission_id).where(
            SubmissionRow.sending_id == submission.sending_id, SubmissionRow.state == "pending"
        )
        row = session.get_one(SendingRow, submission.sending_id, with_for_update=True)
        if row.state == "sending" and session.scalar(others.limit(1)) is None:
            row.state, row.not_before = "queued", now


def busy_wait_s(attempts: int) -> int:
    """How long a busy gateway is left alone, seconds."""
    return _BUSY_WAIT_S[min(attempts, len(_BUSY_WAIT_S)) - 1]


def _repeat_or_wait(session: Session, row: SendingRow, now: datetime) -> None:
    row.reason = "the gateway's answer was lost"
    if row.level == URGENT and row.attempts < MAX_ATTEMPTS:
        row.state, row.possibly_repeated, row.not_before = "queued", True, now
        return
    row.state = "uncertain"
    tell_outcome(session, row, now)


def _parts(session: Session, row: SendingRow, lease: Lease, now: datetime) -> list[Part]:
    """The parts not taken yet: after a busy answer to part 2, part 1 is not sent again."""
    taken = select(SubmissionRow.part).where(
        SubmissionRow.sending_id == row.sending_id,
        SubmissionRow.state.in_(("accepted", "delivered")),
    )
    done = set(session.scalars(taken))
    octets = encode_parts(row.text, reference=row.sending_id)
    submissions = [
        SubmissionRow(
            sending_id=row.sending_id,
            part=number,
            gateway=lease.name,
            epoch=lease.epoch,
            state="pending",
            message_id="",
            submitted_at=now,
        )
        for number in range(1, len(octets) + 1)
        if number not in done
    ]
    session.add_all(submissions)
    session.flush()
    long = len(octets) > 1
    return [Part(s.submission_id, row.phone, octets[s.part - 1], long) for s in submissions]
