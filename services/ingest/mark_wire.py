"""Marks as kept to protobuf and back."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from services.chassis.clock import to_timestamp
from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.chassis.pb.ingest.v1 import outside_pb2
from services.ingest.domain.mark_kinds import KindOption
from services.ingest.mark_store import ArrivalCursor, FoundMark, RevisionPlace
from services.ingest.mark_tables import ProofRow

#: Most records of one event.
RECORDS = 200
DECISIONS = {
    "accepted": pb.MARK_DECISION_ACCEPTED,
    "refused": pb.MARK_DECISION_REFUSED,
    "rejected": pb.MARK_DECISION_UNSPECIFIED,  # its status says so
}


def record_message(found: FoundMark) -> pb.MarkRecord:
    """A revision for the door and for events."""
    row, decided = found.row, found.decision
    record = pb.MarkRecord(
        outlet_id=row.outlet_id,
        mark=outside_pb2.OutsideItem.FromString(found.raw).mark,
        received_at=to_timestamp(row.received_at),
        division=row.division,
        credit_code=row.credit_code,
        sm3=found.sm3,
        channel=row.channel,
        late=row.late,
    )
    if decided is not None:
        record.decision = DECISIONS[decided.decision]
        record.decided_by = decided.decided_name or decided.decided_by
        record.decided_at.CopyFrom(to_timestamp(decided.decided_at))
        record.decision_reason = decided.reason
    return record


def changed_events(found: Sequence[FoundMark]) -> Iterator[pb.MarksChanged]:
    """The events that tell revisions, each of at most `RECORDS`."""
    for first in range(0, len(found), RECORDS):
        records = map(record_message, found[first : first + RECORDS])
        yield pb.MarksChanged(records=records)


def frozen_event(day: date, frozen_at: datetime) -> pb.DayFrozen:
    """The event that a day is frozen."""
    return pb.DayFrozen(day=day.isoformat(), frozen_at=to_timestamp(frozen_at))


def option_message(option: KindOption) -> pb.MarkKindOption:
    """A row of the catalogue."""
    return pb.MarkKindOption(
        key=option.key,
        family=outside_pb2.MarkFamily.ValueType(option.family),
        subtype=option.subtype,
        condition=option.condition,
        name_zh=option.name_zh,
        name_en=option.name_en,
        meaning_zh=option.meaning_zh,
        cap_zh=option.cap_zh,
        needs_proof=option.needs_proof,
        source=option.source,
        confidence=option.confidence,
    )


def media_message(row: ProofRow) -> outside_pb2.Media:
    """A kept proof by its digests."""
    return outside_pb2.Media(
        media_id=row.proof_id,
        type=row.type,
        size=row.size,
        sm3=row.sm3,
        sha256=row.sha256,
    )


def day_from(text: str) -> date:
    """A Beijing day. Raises InputRejected."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputRejected("day: not YYYY-MM-DD", field="day") from None


def arrival_token(found: FoundMark) -> str:
    """Where a page of a list ended."""
    row = found.row
    return f"{row.received_at.isoformat()} {row.outlet_id} {row.mark_id} {row.revision}"


def arrival_cursor(token: str) -> ArrivalCursor:
    """Read such a token. Raises InputRejected."""
    try:
        at, outlet_id, mark_id, revision = token.split(" ")
        return datetime.fromisoformat(at), outlet_id, mark_id, int(revision)
    except ValueError:
        raise InputRejected("page_token: not one of ours", field="page_token") from None


def place_token(found: FoundMark) -> str:
    """Where a page of a snapshot ended."""
    return f"{found.row.outlet_id} {found.row.mark_id} {found.row.revision}"


def place_cursor(token: str) -> RevisionPlace:
    """Read such a token. Raises InputRejected."""
    try:
        outlet_id, mark_id, revision = token.split(" ")
        return outlet_id, mark_id, int(revision)
    except ValueError:
        raise InputRejected("after: not one of ours", field="after") from None
