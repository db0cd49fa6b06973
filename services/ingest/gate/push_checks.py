"""推送校验: what is wrong with a pushed reading, by field, and the words all checks share."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite, isinf
from typing import Any, Literal

from services.chassis.identity import Actor, can
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.ingest.v1 import push_pb2
from services.ingest.gate.columns import CN_OF_KIND
from services.ingest.gate.directory import Directory

ACTION = "readings.push"
LAST_SECOND = 4_102_444_800  # 2100-01-01 UTC: later times are faults of a sender, and of no use
#: Numbers of a pushed value, each optional.
FIELDS: tuple[Literal["value", "min", "max", "cou", "converted"], ...] = (
    "value",
    "min",
    "max",
    "cou",
    "converted",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an item is refused: path of the field, a word for machines, a sentence for people."""

    field: str
    reason: str
    detail: str

    def refusal(self, index: int) -> push_pb2.Refusal:
        """As the receipt tells it, for the item at `index` of its request."""
        return push_pb2.Refusal(
            index=index, field=self.field, reason=self.reason, detail=self.detail
        )


def malformed(field: str, detail: str) -> Fault:
    """A field that can never be taken as it is."""
    return Fault(field, "malformed", detail)


def stamp_fault(field: str, stamp: Any, *, whole: bool = True) -> Fault | None:
    """What is wrong with a protobuf Timestamp in itself: absent, beyond 2100, no whole second."""
    if not stamp.seconds > 0:
        return malformed(field, "is missing")
    if stamp.seconds > LAST_SECOND or not 0 <= stamp.nanos < 10**9:
        return malformed(field, "no time before the year 2100")
    return malformed(field, "not a whole second") if whole and stamp.nanos else None


def time_fault(
    field: str, stamp: Any, now: datetime, future: timedelta, *, whole: bool = True
) -> Fault | None:
    """What is wrong with a protobuf Timestamp: absent, not a whole second, or in the future."""
    if fault := stamp_fault(field, stamp, whole=whole):
        return fault
    ahead = stamp.seconds - now.timestamp()
    if ahead > future.total_seconds():
        allowed = int(future.total_seconds())
        return Fault(field, "future_time", f"{ahead:.0f} s ahead; {allowed} s are allowed")
    return None


def reading_fault(
    actor: Actor,
    reading: pb.PushedReading,
    directory: Directory,
    now: datetime,
    future: timedelta,
) -> Fault | None:
    """The first thing that is wrong with a reading, None when it is sound."""
    outlet = directory.outlet(reading.outlet_id)
    if outlet is None:
        return Fault("outlet_id", "unknown_outlet", "the registry has no such outlet")
    if not can(actor, ACTION, division=outlet.division, enterprise_id=outlet.credit_code):
        return Fault("outlet_id", "forbidden", "outside your jurisdiction")
    if reading.kind not in CN_OF_KIND:
        return malformed("kind", "not realtime, minute, hour or day")
    if reading.state not in pb.ValueState.values():
        return malformed("state", "not received, corrected or exempted")
    if not reading.values:
        return malformed("values", "is empty")
    # A date that is absent or broken is a fault of the reading; one ahead is judged last, as ever.
    late = time_fault("data_time", reading.data_time, now, future)
    if late is not None and late.reason == "malformed":
        return late
    return _values_fault(reading.values) or late


def _values_fault(values: Iterable[pb.PushedValue]) -> Fault | None:
    seen: set[str] = set()
    for place, value in enumerate(values):
        if not 0 < len(value.factor) <= 32:
            return malformed(f"values[{place}].factor", "not 1 to 32 characters")
        if value.factor in seen:
            return malformed(f"values[{place}].factor", f"{value.factor} comes twice")
        seen.add(value.factor)
        if value.flag and not (len(value.flag) == 1 and value.flag.isascii()):
            return malformed(f"values[{place}].flag", "not one ASCII letter")
        for name in FIELDS:
            if isinf(getattr(value, name)):
                return malformed(f"values[{place}].{name}", "is infinite")
    return None


def number_fault(field: str, value: float, low: float, high: float) -> Fault | None:
    """What is wrong with a number that must lie in [low, high]."""
    if not isfinite(value):
        return malformed(field, "is no number")
    return None if low <= value <= high else malformed(field, f"not in [{low:g}, {high:g}]")
