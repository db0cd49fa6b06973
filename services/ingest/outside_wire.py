"""Things from outside: protobuf to plain values and back."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from gmssl_pyx import sm3_hash
from google.protobuf.message import DecodeError

from services.chassis.clock import from_timestamp, from_unix, to_timestamp
from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.ingest.domain.outside import MarkRevision, OutsideRecord, natural_key
from services.ingest.outside_tables import OutsideRow

KINDS = {
    "mark": pb.OUTSIDE_KIND_MARK,
    "electricity": pb.OUTSIDE_KIND_ELECTRICITY,
    "grid": pb.OUTSIDE_KIND_GRID,
    "station": pb.OUTSIDE_KIND_STATION,
    "event": pb.OUTSIDE_KIND_EVENT,
    "complaint": pb.OUTSIDE_KIND_COMPLAINT,
    "spot": pb.OUTSIDE_KIND_SPOT,
    "fingerprint": pb.OUTSIDE_KIND_FINGERPRINT,
}
_STATUS = {
    pb.MARK_STATUS_ACTIVE: "active",
    pb.MARK_STATUS_REJECTED: "rejected",
    pb.MARK_STATUS_WITHDRAWN: "withdrawn",
}
#: Body -> parts of the natural key after the province, its own time, its end, what it is about.
_Facts = tuple[tuple[object, ...], Any, Any, str]
_FACTS: dict[str, Callable[[pb.OutsideItem], _Facts]] = {
    "mark": lambda item: (
        (item.place.outlet_id, item.mark.mark_id, item.mark.revision),
        item.mark.start,
        item.mark.end,
        item.mark.mark_id,
    ),
    "electricity": lambda item: (
        (item.electricity.meter_id, item.electricity.time.seconds),
        item.electricity.time,
        None,
        item.electricity.meter_id,
    ),
    "grid": lambda item: (
        (item.grid.product, item.grid.cell, *_period(item.grid)),
        item.grid.start,
        item.grid.end,
        item.grid.cell,
    ),
    "station": lambda item: (
        (item.station.station_id, *_period(item.station)),
        item.station.start,
        item.station.end,
        item.station.station_id,
    ),
    "event": lambda item: (
        (item.source, item.event.event, item.event.event_id),
        item.event.start,
        item.event.end if item.event.HasField("end") else None,
        item.event.device_id,
    ),
    "complaint": lambda item: (
        (item.complaint.channel, item.complaint.complaint_id),
        item.complaint.received_at,
        None,
        item.complaint.channel,
    ),
    "spot": lambda item: (
        (item.spot.product, item.spot.spot_id),
        item.spot.overpass,
        item.spot.valid_until if item.spot.HasField("valid_until") else None,
        item.spot.product,
    ),
    "fingerprint": lambda item: (
        (item.source, item.fingerprint.sample_id),
        item.fingerprint.taken_at,
        None,
        item.fingerprint.sample_id,
    ),
}


def record_from(entry: pb.OutsideEntry) -> OutsideRecord:
    """An entry of a batch. Raises InputRejected for bytes that do not match their digest."""
    if sm3_hash(entry.raw) != entry.sm3:
        raise InputRejected("an outside item does not match its SM3")
    try:
        item = pb.OutsideItem.FromString(entry.raw)
    except DecodeError:
        raise InputRejected("an outside item that cannot be read") from None
    name = item.WhichOneof("item")
    if name is None:
        raise InputRejected("an outside item without a body")
    parts, at, until, subject = _FACTS[name](item)
    return OutsideRecord(
        kind=KINDS[name],
        key=natural_key(entry.division, *parts),
        at=from_timestamp(at),
        until=None if until is None else from_timestamp(until),
        subject=subject,
        division=entry.division,
        outlet_id=item.place.outlet_id,
        credit_code=entry.credit_code,
        raw=entry.raw,
        sm3=entry.sm3,
        received_at=from_unix(entry.received_at_us / 1e6),
        peer=entry.peer,
        correlation_id=entry.correlation_id,
        mark=mark_revision(item) if name == "mark" else None,
        channel=entry.channel or "push",
    )


def record_message(row: OutsideRow) -> pb.OutsideRecord:
    """A kept item for the door."""
    return pb.OutsideRecord(
        kind=pb.OutsideKind.ValueType(row.kind),
        key=row.key,
        version=row.version,
        item=pb.OutsideItem.FromString(row.raw),
        sm3=row.sm3,
        received_at=to_timestamp(row.received_at),
        division=row.division,
        credit_code=row.credit_code,
        correlation_id=row.correlation_id,
        at=to_timestamp(row.at),
    )


def _period(value: pb.GridValue | pb.StationValue) -> tuple[object, ...]:
    return value.pollutant, value.start.seconds, value.end.seconds


def mark_revision(item: pb.OutsideItem) -> MarkRevision:
    """A mark item as plain values."""
    mark = item.mark
    return MarkRevision(
        outlet_id=item.place.outlet_id,
        mark_id=mark.mark_id,
        revision=mark.revision,
        family=mark.family,
        subtype=mark.subtype,
        condition=mark.condition,
        facility=mark.facility,
        factors=tuple(mark.factors),
        start_at=from_timestamp(mark.start),
        end_at=from_timestamp(mark.end),
        status=_STATUS[mark.status],
        reason=mark.reason,
        proof_ids=tuple(mark.proof_ids),
        made_by=mark.made_by,
        made_at=_optional(mark, "made_at"),
        rule_version=mark.rule_version,
        manual_values=tuple(
            {"factor": one.factor, "value": one.value, "time": from_timestamp(one.time).isoformat()}
            for one in mark.manual_values
        ),
    )


def _optional(message: Any, name: str) -> datetime | None:
    return from_timestamp(getattr(message, name)) if message.HasField(name) else None
