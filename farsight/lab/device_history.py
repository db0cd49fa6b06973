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
from farsight.lab.model.cheats import silent
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
    for at in times:
        hour = at // _HOUR_S
        if not silent(logger.model.cheats, np.array([hour], dtype=np.int64))[0]:
            yield _FORMS[cn](logger, speech, at)


def _realtime(logger: DemoLogger, speech: Speech, at: int) -> Frame:
    moment = datetime.fromtimestamp(at, UTC)
    return speech.dressed(realtime_frame(logger, logger.model.block(at // _HOUR_S, 1), moment))


def _minute(logger: DemoLogger, speech: Speech, at: int) -> Frame:
    moment = datetime.fromtimestamp(at, UTC)
    return speech.dressed(minute_frame(logger, logger.model.block(at // _HOUR_S, 1), moment))


def _hour(logger: DemoLogger, speech: Speech, at: int) -> Frame:
    return speech.dressed(next(hour_frames(logger, logger.model.block(at // _HOUR_S, 1))))


def _day(logger: DemoLogger, speech: Speech, at: int) -> Frame:
    return speech.dressed(day_frame(logger, logger.model.block(at // _HOUR_S, 24)))


def _running_time(logger: DemoLogger, speech: Speech, at: int) -> Frame:
    """2041: hours of the day in which the plant ran (no flag F), for its one facility."""
    block = logger.model.block(at // _HOUR_S, 24)
    hours = 24 - int((block.flag[logger.model.factors[0]] == "F").sum())
    moment = datetime.fromtimestamp(at, UTC)
    qn = request_number(moment + timedelta(days=1, milliseconds=41))
    area = f"DataTime={beijing(moment):%Y%m%d%H%M%S};SB1-RT={hours}"
    return speech.upload("2041", qn, area)


def _raw_measurement(logger: DemoLogger, speech: Speech, at: int) -> Frame:
    """2013: each analyser's last cycle (2 h in the model); SampleType 1 [C25]."""
    block, moment = logger.model.block(at // _HOUR_S, 1), datetime.fromtimestamp(at, UTC)
    done = moment + timedelta(minutes=42)
    values: Values = {
        factor: {
            "SampleTime": f"{beijing(moment):%Y%m%d%H%M%S}",
            "CompleteTime": f"{beijing(done):%Y%m%d%H%M%S}",
            "SampleType": "1",
            "Avg": f"{block.mean[factor][0]:.{logger.model.decimals(factor)}f}",
            "Flag": str(block.flag[factor][0]),
        }
        for factor in logger.model.factors
        if logger.model.row(factor)
    }
    qn = request_number(done + timedelta(milliseconds=13))
    data = encode_upload("2013", logger.mn, logger.password, logger.st, qn, moment, values)
    return speech.dressed(Frame(qn, data))


_FORMS: dict[str, Callable[[DemoLogger, Speech, int], Frame]] = {
    "2011": _realtime,
    "2051": _minute,
    "2061": _hour,
    "2031": _day,
    "2041": _running_time,
    "2013": _raw_measurement,
}
