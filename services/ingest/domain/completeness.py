"""完整性: which slots were due, what came in time, what came late, and the certificate of it.

A certificate is a pure function of what is stored: DataTime, arrival time and origin of the
readings of an hour, and the refused frames of it. It is fixed when the grace of the hour is over;
whatever arrives later is counted apart, so a back-fill cannot rewrite it (HJ 212-2025 8.1.2 makes
loggers back-fill, domain.md B.6 publishes the rate in a real-time and an after-fill version).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from gmssl_pyx import sm3_hash

from services.chassis.clock import BEIJING
from services.ingest.domain.balance import hour_of
from services.ingest.domain.readings import Key, Reading

REALTIME, MINUTE, HOUR, DAY = 1, 2, 3, 4
KINDS = (REALTIME, MINUTE, HOUR, DAY)
#: Kinds that a logger is asked for again; real-time values have no periods (hj212.md 2.6).
ASKED_AGAIN = (MINUTE, HOUR, DAY)
ONE_HOUR, ONE_DAY = timedelta(hours=1), timedelta(days=1)

#: COD, NH3-N, TP, TN: a standard check a day is free (domain.md B.6; HJ 355-2019).
FREE_FACTORS = frozenset({"w01018", "w21003", "w21011", "w21001"})


class Place(NamedTuple):
    """What a certificate is about. `hour` is the start of the hour, of the Beijing day for DAY."""

    hour: datetime
    outlet_id: str
    kind: int


@dataclass(frozen=True, slots=True)
class Rules:
    """Terms of `data/completeness.csv`; each row there names its source."""

    grace: Mapping[int, timedelta]  # by kind: after the end of a value's period it is late
    publish_after: timedelta  # after the end of the day
    free_hours: int  # missing hours a day that count as come, for FREE_FACTORS

    def closed_at(self, place_hour: datetime, kind: int) -> datetime:
        """When the certificate of that hour (DAY: of that day) is fixed."""
        if kind == DAY:
            return place_hour + ONE_DAY + self.grace[DAY]
        return place_hour + ONE_HOUR + self.grace[HOUR]

    def deadline(self, data_time: datetime, kind: int, period: timedelta) -> datetime:
        """Last moment at which a value is in time."""
        return data_time + period + self.grace[kind]

    def published_at(self, day_start: datetime) -> datetime:
        """From when on the rate of the day that starts then is no longer provisional."""
        return day_start + ONE_DAY + self.publish_after


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What is stored of a place, before its certificate is closed: slots by how they came."""

    stopped: int
    came: int
    late: int
    filled: int
    refused: int  # frames of the kind that came and were refused
    inputs_sha256: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """完整性证书: due = came + late + filled + failed + stopped + missing."""

    place: Place
    due: int
    came: int
    late: int
    filled: int
    failed: int
    stopped: int
    missing: int
    closed_at: datetime
    inputs_sha256: bytes

    @property
    def sm3(self) -> bytes:
        """SM3 over all fields, in order, as text with "|" between."""
        hour, outlet_id, kind = self.place
        numbers = (self.due, self.came, self.late, self.filled)
        rest = (self.failed, self.stopped, self.missing, int(self.closed_at.timestamp()))
        fields = ("certificate-1", outlet_id, kind, int(hour.timestamp()), *numbers, *rest)
        text = "|".join(map(str, (*fields, self.inputs_sha256.hex())))
        return bytes(sm3_hash(text.encode()))


def certify(place: Place, due: int, arrivals: Arrivals, closed_at: datetime) -> Certificate:
    """Close the account of a place.

    A slot has one state, the best that is known of it. A cadence that is a little faster than
    registered brings more values than slots: what is above `due` is not counted.
    """
    left = due
    counts = []
    for number in (arrivals.stopped, arrivals.came, arrivals.late, arrivals.filled):
        counts.append(min(number, left))
        left -= counts[-1]
    stopped, came, late, filled = counts
    failed = min(arrivals.refused, left)
    return Certificate(
        place=place,
        due=due,
        came=came,
        late=late,
        filled=filled,
        failed=failed,
        stopped=stopped,
        missing=left - failed,
        closed_at=closed_at,
        inputs_sha256=arrivals.inputs_sha256,
    )


def place_of(outlet_id: str, key: Key) -> Place:
    """Under which certificate a reading falls."""
    if key.kind == DAY:
        return Place(day_start(key.data_time), outlet_id, DAY)
    return Place(hour_of(key.data_time), outlet_id, key.kind)


def day_start(moment: datetime) -> datetime:
    """Start of the Beijing day of a moment, in the moment's own zone."""
    local = moment.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return local.astimezone(moment.tzinfo)


def arrived_after_closing(
    readings: Iterable[Reading], stored: set[Key], now: datetime, rules: Rules
) -> list[Place]:
    """Places, in order, whose certificate is fixed already and that got something new."""
    found = set()
    for reading in readings:
        if reading.key in stored and reading.key.kind in KINDS:
            place = place_of(reading.outlet_id, reading.key)
            if now >= rules.closed_at(place.hour, place.kind):
                found.add(place)
    return sorted(found)


def period_of(kind: int, minute_min: int) -> timedelta:
    """What a value covers; a real-time value is a moment (HJ 212-2017 6.6)."""
    minutes = timedelta(minutes=minute_min or 10)
    return {REALTIME: timedelta(0), MINUTE: minutes, HOUR: ONE_HOUR, DAY: ONE_DAY}[kind]
