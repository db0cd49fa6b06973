"""标记 from protobuf: as they are kept, and as the judge reads them."""

from functools import lru_cache

from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import mark_pb2
from services.detect.judgement.marks import MarkRevision
from services.detect.judgement_tables import MarkRow

_HOUR_S = 3600
#: Parsed marks kept: a national year of live outlets asks for the same ones every hour.
_KEPT = 100_000


def mark_row(record: mark_pb2.MarkRecord) -> MarkRow:
    """A revision (or a decision about it) as it is kept. Raises InputRejected for an empty span."""
    mark = record.mark
    first, end = mark.start.seconds // _HOUR_S, -(-mark.end.seconds // _HOUR_S)
    if not record.outlet_id or not mark.mark_id or mark.revision < 1 or end <= first:
        raise InputRejected("a mark without outlet, id, revision or span", mark_id=mark.mark_id)
    return MarkRow(
        outlet_id=record.outlet_id,
        mark_id=mark.mark_id,
        revision=mark.revision,
        decided_us=_decided_us(record),
        first_hour=first,
        end_hour=end,
        body=record.SerializeToString(),
    )


@lru_cache(maxsize=_KEPT)
def revision_of(body: bytes) -> MarkRevision:
    """A kept mark as the judge reads it."""
    record = mark_pb2.MarkRecord.FromString(body)
    mark = record.mark
    return MarkRevision(
        outlet_id=record.outlet_id,
        mark_id=mark.mark_id,
        revision=mark.revision,
        family=mark.family,
        subtype=mark.subtype,
        condition=mark.condition,
        facility=mark.facility,
        factors=tuple(mark.factors),
        start_s=mark.start.seconds,
        end_s=mark.end.seconds,
        status=mark.status,
        received_at_s=record.received_at.seconds,
        decision=record.decision,
        made_by=mark.made_by,
        reason=mark.reason,
        sm3=record.sm3,
        decided_at_s=record.decided_at.seconds,
    )


@lru_cache(maxsize=_KEPT)
def name_of(body: bytes) -> tuple[str, int, int]:
    """Mark id, revision and moment of the decision (unix us, 0 = none) of a kept mark."""
    record = mark_pb2.MarkRecord.FromString(body)
    return record.mark.mark_id, record.mark.revision, _decided_us(record)


def newest_arrival_us(body: bytes) -> int:
    """When a kept mark, or the decision about it, came: unix us."""
    record = mark_pb2.MarkRecord.FromString(body)
    return max(record.received_at.ToMicroseconds(), _decided_us(record))


def _decided_us(record: mark_pb2.MarkRecord) -> int:
    return record.decided_at.ToMicroseconds() if record.HasField("decided_at") else 0
