"""Time: aware UTC inside, Beijing time where law or people count days and hours."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from google.protobuf.timestamp_pb2 import Timestamp

#: 北京时间. China has one zone and no daylight saving since 1992, so a fixed offset is exact.
BEIJING = timezone(timedelta(hours=8), "CST")

#: Something that tells the present moment; tests pass their own.
Now = Callable[[], datetime]


def utc_now() -> datetime:
    """Tell the present moment, aware UTC."""
    return datetime.now(UTC)


def to_timestamp(moment: datetime) -> Timestamp:
    """Turn an aware moment into a protobuf Timestamp. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    stamp = Timestamp()
    stamp.FromDatetime(moment.astimezone(UTC))
    return stamp


def from_timestamp(stamp: Timestamp) -> datetime:
    """Turn a protobuf Timestamp into an aware UTC moment."""
    return stamp.ToDatetime(tzinfo=UTC)


def from_unix(seconds: float) -> datetime:
    """Turn unix seconds into an aware UTC moment."""
    return datetime.fromtimestamp(seconds, UTC)


def beijing(moment: datetime) -> datetime:
    """Show an aware moment in Beijing time."""
    return moment.astimezone(BEIJING)
