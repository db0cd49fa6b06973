"""库存读数: values from ingest that the rings no longer have, or never had, kept in memory."""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from services.chassis.clock import from_unix
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.detect.judgement.furnace import FurnaceMeans
from services.detect.judgement.periods import first_hour
from services.detect.windows.ring import decimal_of

#: Gives an outlet's stored values of a kind from one moment to another.
History = Callable[[str, pb.ReadingKind.ValueType, datetime, datetime], pb.GetReadingsResponse]


@dataclass
class HourMemory:
    """Hourly means that were asked for, kept as long as the process lives."""

    hours: dict[tuple[str, str], dict[int, float]] = field(default_factory=dict)
    asked: set[tuple[str, str, int, int]] = field(default_factory=set)


@dataclass(frozen=True)
class StoredReadings:
    """What few outlets need of ingest: furnace means, and particulate of marked hours long ago."""

    history: History
    memory: HourMemory = field(default_factory=HourMemory)

    def hours(self, outlet_id: str, factor: str, first: int, end: int) -> dict[int, float]:
        """Hourly means of hour slots [first, end), converted ones where they were sent.

        Asked for once a process. Raises Unavailable when ingest does not answer.
        """
        have = self.memory.hours.setdefault((outlet_id, factor), {})
        asked = (outlet_id, factor, first, end)
        if asked not in self.memory.asked:
            span = from_unix(first * 3600), from_unix(end * 3600)
            answer = self.history(outlet_id, pb.READING_KIND_HOUR, *span)
            for time_s, value, converted, _ in _firsts(answer, factor):
                mean = converted if math.isfinite(converted) else value
                if math.isfinite(mean):
                    # As the rings keep it, so that an hour's age makes no difference.
                    kept = decimal_of(np.array([mean], dtype=np.float32))
                    have.setdefault(time_s // 3600, float(kept[0]))
            self.memory.asked.add(asked)
        return {hour: have[hour] for hour in range(first, end) if hour in have}

    def furnace(self, outlet_id: str, factor: str, day: dt.date) -> FurnaceMeans:
        """炉膛温度五分钟均值 of a Beijing day. Raises Unavailable when ingest does not answer."""
        start_s = first_hour(day) * 3600
        span = from_unix(start_s), from_unix(start_s + 86_400)
        answer = self.history(outlet_id, pb.READING_KIND_MINUTE, *span)
        rows = [(time_s, value, letter) for time_s, value, _, letter in _firsts(answer, factor)]
        times, values, letters = zip(*rows, strict=True) if rows else ((), (), ())
        return FurnaceMeans(
            np.array(times, dtype=np.int64),
            np.array(values, dtype=np.float64),
            np.array(letters, dtype=np.uint8),
        )


def _firsts(answer: pb.GetReadingsResponse, factor: str) -> list[tuple[int, float, float, int]]:
    """(unix seconds, value, converted, letter) of the first-received values of a factor."""
    found = []
    for series in answer.factors:
        if series.factor != factor:
            continue
        versions = list(series.version) or [0] * len(series.time_s)
        columns = (series.time_s, series.value, series.converted, series.flags, versions)
        for time_s, value, converted, letter, version in zip(*columns, strict=True):
            if version == 0:
                code = 0 if letter == "-" else ord(letter)
                found.append((time_s, value, converted, code))
    return found
