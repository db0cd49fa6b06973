"""What a law needs beside values, for tests: facts, marks, freezes, furnace days, minutes."""

import dataclasses
import datetime as dt
import math

import numpy as np

from services.detect.domain.grid import MINUTE
from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.furnace import FurnaceDay
from services.detect.judgement.marks import Decision, MarkRevision, Status
from services.detect.judgement.parameters import OutletFacts
from services.detect.judgement.periods import day_of
from services.detect.packs.timeline import BEGINNING, Timeline
from services.detect.windows.partition_windows import Columns
from tests.unit.detect.scene import MONDAY, PACK, N

FIRST_DAY = day_of(MONDAY)
POWER = OutletFacts("A", "130400", "91130400MA000T014P", "4411", "air", "coal boiler")
FURNACE = dataclasses.replace(POWER, industry="7820", process="MSWI furnace")
SEWAGE = dataclasses.replace(POWER, industry="4620", medium="water", process="sewage")
PM, HCL, CO = "a34013", "a21024", "a21005"


def day(number: int) -> dt.date:
    """The Beijing day so many after the scene's first Monday."""
    return FIRST_DAY + dt.timedelta(days=number)


def mark(first: int, hours: int, mark_id: str = "m1", revision: int = 1, **other) -> MarkRevision:
    """A device mark from an hour slot on, made within the hour unless told otherwise."""
    known = {
        "outlet_id": "A", "family": 2, "subtype": 0, "condition": "", "facility": "",
        "factors": (), "status": int(Status.ACTIVE), "received_at_s": first * 3600 + 60,
        "decision": int(Decision.NONE),
    } | other  # fmt: skip
    return MarkRevision(
        mark_id=mark_id, revision=revision, start_s=first * 3600, end_s=(first + hours) * 3600,
        **known,
    )  # fmt: skip


def furnace_day(low: int, lowest: float = 800.0) -> FurnaceDay:
    """A day with so many low five-minute means."""
    starts = tuple(MONDAY * 3600 + 300 * at for at in range(low))
    return FurnaceDay(288, low, 0, low > 5, starts, lowest if low else math.nan)


def pack_with(version: str = "2027-01-01", **rows):
    """The shipped pack with other rows, as another version."""
    return dataclasses.replace(PACK, version=version, sha256=version.encode().ljust(32), **rows)


def timeline(*later) -> Timeline:
    """The shipped pack from the beginning, then (day, pack) as activated."""
    return Timeline([(BEGINNING, PACK), *later])


def minutes(values, first: int = MONDAY, factor: str = "a21026") -> Columns:
    """Ten-minute values of one series from an hour slot on; NaN = never sent."""
    given = np.asarray(values, float)
    there = np.isfinite(given)
    count = int(there.sum())
    return Columns(
        [(MINUTE, SeriesKey("A", factor))], np.zeros(count, int),
        (first * 3600 + 600 * np.arange(len(given)))[there], given[there],
        np.full(count, np.nan), np.full(count, N, np.uint8),
    )  # fmt: skip
