"""Values that keep the text they came as: 1.230 stays 1.230."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from math import isfinite

from services.ingest.hj212.errors import LocalProtocolError, PeerProtocolError

BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Number:
    """A number as text; the text says more than the number (resolution, padding)."""

    text: str

    @property
    def value(self) -> float | None:
        """The number, None where the text is none."""
        return read_number(self.text)


@dataclass(frozen=True, slots=True)
class Moment:
    """`YYYYMMDDhhmmss` (17 digits with milliseconds), Beijing time without a zone."""

    text: str

    @property
    def utc(self) -> datetime:
        """Aware UTC, milliseconds dropped; `PeerProtocolError` malformed when it is no time."""
        return read_time(self.text)

    @classmethod
    def at(cls, moment: datetime) -> "Moment":
        """A moment to the second; `LocalProtocolError` for a time without a zone."""
        return cls(beijing(moment))


def beijing(moment: datetime) -> str:
    """An aware time as the wire has it; `LocalProtocolError` for a time without a zone."""
    if moment.tzinfo is None:
        raise LocalProtocolError("a time without a zone")
    return moment.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


@lru_cache(maxsize=4096)  # bounded; loggers send the same few minutes
def read_time(text: str, name: str = "time") -> datetime:
    """Digits as aware UTC, milliseconds dropped; `PeerProtocolError` malformed with the name."""
    if not (text.isascii() and text.isdigit() and len(text) in (14, 17)):
        raise PeerProtocolError("malformed", f"{name} {text[:20]!r}")
    try:
        local = datetime(
            int(text[:4]),
            int(text[4:6]),
            int(text[6:8]),
            int(text[8:10]),
            int(text[10:12]),
            int(text[12:14]),
            tzinfo=BEIJING,
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PeerProtocolError("malformed", f"{name} {text[:20]!r}") from error


def read_number(text: str) -> float | None:
    """A finite decimal number, or None (`float` takes `nan`, `1_000` and Arabic digits too)."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) and text.isascii() and "_" not in text else None
