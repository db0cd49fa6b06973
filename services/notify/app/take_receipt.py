"""Take a delivery receipt: once, whatever its order, and even where the part's answer was lost.

A receipt can overtake the answer that tells the message id, come twice, or come for a part whose
answer never arrived. It is kept first; then it is matched by message id, else by the reference
that we gave the part, else by the number when exactly one uncertain text went there.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.notify.app.tell_outcome import tell_outcome
from services.notify.gateway import Receipt
from services.notify.store import ReceiptRow, SendingRow, SubmissionRow

DELIVERED = "DELIVRD"
#: States on the way; the final one is still to come.
_UNDER_WAY = frozenset({"ENROUTE", "ACCEPTD", ""})


def take_receipt(session: Session, gateway: str, receipt: Receipt, now: datetime) -> None:
    """Keep a receipt and settle the text it belongs to, if that is known yet."""
    if receipt.state in _UNDER_WAY or not receipt.message_id:
        return
    kept = insert(ReceiptRow).values(
        gateway=gateway, message_id=receipt.message_id, state=receipt.state, received_at=now
    )
    session.execute(kept.on_conflict_do_nothing())
    submission = _by_message_id(session, gateway, receipt) or _by_loss(session, gateway, receipt)
    if submission is None:
        return  # its answer is on the way, or it is not ours
    submission.message_id = receipt.message_id
    if submission.state == "lost":
        submission.state = "accepted"
    session.flush()
    row = session.get_one(SendingRow, submission.sending_id, with_for_update=True)
    settle(session, row, now)


def settle(session: Session, row: SendingRow, now: datetime) -> None:
    """Derive the text's state from its parts and their receipts; tells the bus when it changed."""
    best = _part_states(session, row)
    before = row.state
    if row.state in ("delivered", "failed"):
        return
    if any(state == "undelivered" for state in best.values()):
        row.state, row.reason = "failed", "not delivered, says the receipt"
    elif len(best) == row.parts and all(state == "delivered" for state in best.values()):
        row.state, row.reason = "delivered", ""
        row.sent_at, row.delivered_at = row.sent_at or now, now
    elif len(best) == row.parts and row.state in ("sending", "uncertain", "queued"):
        row.state, row.reason, row.sent_at = "sent", "", now
    if row.state != before:
        tell_outcome(session, row, now)


def _part_states(session: Session, row: SendingRow) -> dict[int, str]:
    """The best known state of each part that the gateway took: accepted, undelivered, delivered."""
    taken = select(SubmissionRow).where(
        SubmissionRow.sending_id == row.sending_id,
        SubmissionRow.state.in_(("accepted", "delivered", "undelivered")),
    )
    rank = {"undelivered": 0, "accepted": 1, "delivered": 2}
    best: dict[int, str] = {}
    for submission in session.scalars(taken):
        _match(session, submission)
        known = best.get(submission.part)
        if known is None or rank[submission.state] > rank[known]:
            best[submission.part] = submission.state
    return best


def _match(session: Session, submission: SubmissionRow) -> None:
    """Let a part that was taken see the receipt that is kept for it."""
    if submission.state != "accepted":
        return
    states = set(
        session.scalars(
            select(ReceiptRow.state).where(
                ReceiptRow.gateway == submission.gateway,
                ReceiptRow.message_id == submission.message_id,
            )
        )
    )
    if states:
        submission.state = "delivered" if DELIVERED in states else "undelivered"


def _by_message_id(session: Session, gateway: str, receipt: Receipt) -> SubmissionRow | None:
    known = (
        SubmissionRow.gateway == gateway,
        SubmissionRow.message_id == receipt.message_id,
    )
    return session.scalar(select(SubmissionRow).where(*known).with_for_update())


def _by_loss(session: Session, gateway: str, receipt: Receipt) -> SubmissionRow | None:
    """The part whose answer was lost, when the receipt can only mean that one."""
    lost = (
        select(SubmissionRow)
        .join(SendingRow, SendingRow.sending_id == SubmissionRow.sending_id)
        .where(
            SubmissionRow.gateway == gateway,
            SubmissionRow.state == "lost",
            SubmissionRow.message_id == "",
            SendingRow.phone == receipt.phone,
        )
    )
    candidates = session.scalars(lost.with_for_update(of=SubmissionRow)).all()
    if receipt.reference:
        named = [c for c in candidates if c.submission_id & 0xFFFF == receipt.reference]
        return named[0] if len(named) == 1 else None
    return candidates[0] if len(candidates) == 1 else None
