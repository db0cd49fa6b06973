"""What a logger has kept: frames by period, the same bytes as it sent or would have sent."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from farsight.lab.frames import (
    Frame,
    Values,
    day_frame,
    hour_frames,
    minute_frame,
    realtime_frame,
)
from farsight.lab.live import HourCache
from farsight.lab.model.cheats import silent
from farsight.lab.model.outlet import HourBlock
from farsight.lab.province import DemoLogger
from farsight.lab.speech import Speech
from services.chassis.clock import beijing
from services.ingest.hj212.encode import encode_upload, request_number

_HOUR_S, _DAY_S = 3600, 86400
_MIDNIGHT_S = 16 * _HOUR_S  # Beijing midnight, seconds after midnight UTC
KEPT = 5000  # periods of one answer; a logger's memory and an officer's patience have an end


def starts(cn: str, logger: DemoLogger, begin: datetime, end: datetime, now: datetime) -> range:
    """Unix seconds of the periods that begin within [begin, end] and have ended by `now`."""
    length, phase = {
        "2011": (logger.realtime_s, 0),
        "2051": (60 * logger.minute_min, 0),
        "2061": (_HOUR_S, 0),
        "2013": (2 * _HOUR_S, 0),
    }.get(cn, (_DAY_S, _MIDNIGHT_S))
    first = -(-(int(begin.timestamp()) - phase) // length) * length + phase
    last = min(int(end.timestamp()), int(now.timestamp()) - (0 if cn == "2011" else length))
    return range(first, last + 1, length)[:KEPT]


def kept_frames(cn: str, logger: DemoLogger, speech: Speech, times: range) -> Iterator[Frame]:
    """The frames of these periods; hours in which the story has the logger silent have none."""
    blocks = HourCache()
    for at in times:
        hour = at // _HOUR_S
        if not silent(logger.model.cheats, np.array([hour], dtype=np.int64))[0]:
            whole_day = cn in {"2031", "2041"}
            block = logger.model.block(hour, 24) if whole_day else blocks.block(logger, hour)
            yield _FORMS[cn](logger, speech, block, datetime.fromtimestamp(at, UTC))


def _realtime(logger: DemoLogger, speech: Speech, block: HourBlock, at: datetime) -> Frame:
    return speech.dressed(realtime_frame(logger, block, at))


def _minute(logger: DemoLogger, speech: Speech, block: HourBlock, at: datetime) -> Frame:
    return speech.dressed(minute_frame(logger, block, at))


def _hour(logger: DemoLogger, speech: Speech, block: HourBlock, _at: datetime) -> Frame:
    return speech.dressed(next(hour_frames(logger, block)))


def _day(logger: DemoLogger, speech: Speech, block: HourBlock, _at: datetime) -> Frame:
    return speech.dressed(day_frame(logger, block))


def _running_time(logger: DemoLogger, speech: Speech, block: HourBlock, at: datetime) -> Frame:
    """2041: hours of the day in which the plant ran (no flag F), for its one facility."""
    hours = 24 - int((block.flag[logger.model.factors[0]] == "F").sum())
    qn = request_number(at + timedelta(days=1, milliseconds=41))
    return speech.upload("2041", qn, f"DataTime={beijing(at):%Y%m%d%H%M%S};SB1-RT={hours}")


def _raw_measurement(logger: DemoLogger, speech: Speech, block: HourBlock, at: datetime) -> Frame:
    """2013: each analyser's last cycle (2 h in the model); SampleType 1 [C25]."""
    done = at + timedelta(minutes=42)
    values: Values = {
        factor: {
            "SampleTime": f"{beijing(at):%Y%m%d%H%M%S}",
            "CompleteTime": f"{beijing(done):%Y%m%d%H%M%S}",
            "SampleType": "1",
            "Avg": f"{block.mean[factor][0]:.{logger.model.decimals(factor)}f}",
            "Flag": str(block.flag[factor][0]),
        }
        for factor in logger.model.factors
        if logger.model.row(factor)
    }
    qn = request_number(done + timedelta(milliseconds=13))
    data = encode_upload("2013", logger.mn, logger.password, logger.st, qn, at, values)
    return speech.dressed(Frame(qn, data))


_FORMS: dict[str, Callable[[DemoLogger, Speech, HourBlock, datetime], Frame]] = {
    "2011": _realtime,
    "2051": _minute,
    "2061": _hour,
    "2031": _day,
    "2041": _running_time,
    "2013": _raw_measurement,
}
