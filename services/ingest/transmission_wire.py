"""Completeness, rates and holes to protobuf."""

from datetime import datetime
from typing import Any, TypeAlias, cast

from services.chassis.clock import to_timestamp
from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import ingest_pb2
from services.chassis.pb.ingest.v1 import transmission_pb2 as pb
from services.ingest.domain.completeness import Certificate
from services.ingest.domain.holes import Hole
from services.ingest.domain.rates import share
from services.ingest.rate_store import RateRow

Kind: TypeAlias = "ingest_pb2.ReadingKind.ValueType"  # a name of the stubs, not of the module

_COUNTS = ("due", "came", "late", "filled", "failed", "stopped", "missing")
_LEVELS = {
    pb.RATE_LEVEL_OUTLET: "outlet",
    pb.RATE_LEVEL_ENTERPRISE: "enterprise",
    pb.RATE_LEVEL_COUNTY: "county",
    pb.RATE_LEVEL_CITY: "city",
    pb.RATE_LEVEL_PROVINCE: "province",
}


def level_of(number: int) -> str:
    """Name of a level. Raises InputRejected for an unspecified one."""
    try:
        return _LEVELS[cast("pb.RateLevel.ValueType", number)]
    except KeyError:
        raise InputRejected(f"rate level {number}") from None


def fixed_message(row: dict[str, Any]) -> pb.Certificate:
    """A stored certificate with what came after it."""
    message = pb.Certificate(
        outlet_id=row["outlet_id"],
        kind=row["kind"],
        hour=to_timestamp(row["hour"]),
        closed_at=to_timestamp(row["closed_at"]),
        inputs_sha256=bytes(row["inputs_sha256"]),
        sm3=bytes(row["sm3"]),
        **{name: row[name] for name in _COUNTS},
    )
    if row["first_at"] is not None:
        message.after.late, message.after.filled = row["after_late"], row["after_filled"]
        message.after.first_at.CopyFrom(to_timestamp(row["first_at"]))
        message.after.last_at.CopyFrom(to_timestamp(row["last_at"]))
    return message


def open_message(one: Certificate) -> pb.Certificate:
    """A certificate that is not fixed yet."""
    return pb.Certificate(
        outlet_id=one.place.outlet_id,
        kind=cast("Kind", one.place.kind),
        hour=to_timestamp(one.place.hour),
        closed_at=to_timestamp(one.closed_at),
        open=True,
        **{name: getattr(one, name) for name in _COUNTS},
    )


def rate_message(row: RateRow, *, provisional: bool) -> pb.Rate:
    """Sums with both shares."""
    return pb.Rate(
        key=row.key,
        period=row.period,
        due=row.due,
        stopped=row.stopped,
        came=row.came,
        free=row.free,
        free_after=row.free_after,
        filled=row.filled,
        realtime=share(row.came, row.free, row.due, row.stopped),
        after_fill=share(row.came + row.filled, row.free_after, row.due, row.stopped),
        provisional=provisional,
        outlets=row.outlets,
    )


def hole_message(hole: Hole) -> pb.Hole:
    """A hole with what was tried."""
    message = pb.Hole(
        outlet_id=hole.outlet_id,
        mn=hole.mn,
        kind=cast("Kind", hole.kind),
        start=to_timestamp(hole.start),
        end=to_timestamp(hole.end),
        slots=hole.slots,
        state=hole.state,
        tries=hole.tries,
        reason=hole.reason,
    )
    if hole.next_at is not None:
        message.next_at.CopyFrom(to_timestamp(hole.next_at))
    return message


def moment_of(message: Any, name: str, default: datetime) -> datetime:
    """A timestamp of a request, or the default where it is absent."""
    if not message.HasField(name):
        return default
    return cast("datetime", getattr(message, name).ToDatetime(tzinfo=default.tzinfo))
