"""收件箱: an effect happens once, however often its message comes."""

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected
from services.chassis.tables import InboxRow

#: How long a redelivery can be recognised. Dead letters are replayed by hand, weeks later at most.
KEEP_DAYS = 60


def first_time(session: Session, consumer: str, message_id: str) -> bool:
    """Note a message in this transaction; False when its effect is here already.

    Raises InputRejected for a message without an id: it could not be told from its repetition.
    """
    if not message_id:
        raise InputRejected("a message without message_id")
    row = insert(InboxRow).values(consumer=consumer, message_id=message_id)
    done = session.execute(row.on_conflict_do_nothing().returning(InboxRow.message_id))
    return done.first() is not None


def forget_old(session: Session) -> int:
    """Delete rows older than `KEEP_DAYS`; gives their number."""
    old = InboxRow.handled_at < func.now() - func.make_interval(0, 0, 0, KEEP_DAYS)
    return len(session.execute(delete(InboxRow).where(old).returning(InboxRow.message_id)).all())
