"""Frames of the simulator: read back by the product's own decoder, and timed like a logger's."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from farsight.lab.frames import (
    day_frame,
    furnace_frames,
    hour_frames,
    hour_start,
    minute_frame,
    realtime_frame,
)
from farsight.lab.live import HourCache, SimulatedClock, frames_at
from farsight.lab.province import DEMO, DemoLogger, demo_loggers, read_rows
from farsight.lab.speech import Speech
from services.ingest.hj212.framing import Frame as WireFrame
from services.ingest.hj212.framing import Framer
from services.ingest.hj212.messages import Upload, read_upload
from services.ingest.hj212.segment import parse_segment

HOUR = 498_000  # 2026-10-24T00:00Z
LOGGERS = demo_loggers(HOUR, 7, honest=True)
GAS = next(lg for lg in LOGGERS if lg.model.who.process == "MSWI furnace")
WATER = next(lg for lg in LOGGERS if lg.model.who.process == "sewage grade 1A")
"""Two media; the furnace has the longest frames."""


def read(data: bytes) -> Upload:
    """Decode one frame as the gate does."""
    (item,) = Framer().feed(data)
    assert isinstance(item, WireFrame)
    assert item.notes == ()
    upload = read_upload(parse_segment(item.segment))
    assert upload.notes == ()
    return upload


def running_hour(logger: DemoLogger) -> int:
    """An hour in which every factor is normal."""
    block = logger.model.block(HOUR, 100)
    normal = np.all([block.flag[f] == "N" for f in logger.model.factors], axis=0)
    return HOUR + int(np.flatnonzero(normal)[0])


@pytest.mark.parametrize("logger", [GAS, WATER], ids=["gas", "water"])
def test_an_hour_frame_says_what_the_model_says(logger: DemoLogger) -> None:
    """2061: every factor with mean, extremes, flag; converted value and volume where due."""
    block = logger.model.block(HOUR, 24)

    uploads = [read(frame.data) for frame in hour_frames(logger, block)]

    for place, upload in enumerate(uploads):
        assert (upload.cn, upload.mn, upload.st) == ("2061", logger.mn, logger.st)
        assert upload.data_time == hour_start(HOUR + place)
        assert [each.code for each in upload.factors] == list(logger.model.factors)
        for each in upload.factors:
            assert each.value == block.mean[each.code][place]
            assert each.min <= each.value <= each.max
            assert each.flag == block.flag[each.code][place]
            converted = block.converted.get(each.code, np.full(24, np.nan))[place]
            np.testing.assert_equal(each.converted, converted)
    flow = next(f for f in uploads[0].factors if f.code.endswith("00000"))
    per_hour = 3600 if flow.code == "a00000" else 3.6
    assert abs(flow.cou - flow.value * per_hour) <= 0.06


def test_every_frame_of_every_logger_fits_the_standard() -> None:
    """Segments stay within 1024 bytes, so nothing has to be split."""
    for logger in LOGGERS:
        block = logger.model.block(HOUR, 1)
        moment = hour_start(HOUR)
        frames = [
            *hour_frames(logger, block),
            realtime_frame(logger, block, moment),
            minute_frame(logger, block, moment),
            day_frame(logger, logger.model.block(HOUR, 24)),
        ]
        assert max(len(frame.data) for frame in frames) <= 1024 + 12


@pytest.mark.parametrize("logger", [GAS, WATER], ids=["gas", "water"])
def test_samples_and_ten_minute_means_add_up_to_the_hour(logger: DemoLogger) -> None:
    """120 samples, six means and the hour mean of a running hour agree to the last digit shown."""
    hour = running_hour(logger)
    block = logger.model.block(hour, 1)
    start = hour_start(hour)
    samples = [
        read(realtime_frame(logger, block, start + timedelta(seconds=30 * n)).data)
        for n in range(120)
    ]
    means = [
        read(minute_frame(logger, block, start + timedelta(minutes=10 * n)).data) for n in range(6)
    ]

    furnace = [read(frame.data) for frame in furnace_frames(logger, block)]

    for factor in logger.model.factors:
        step = 10.0 ** -logger.model.decimals(factor)
        reported = block.mean[factor][0]
        assert abs(mean_of(samples, factor) - reported) < step
        assert abs(mean_of(furnace if factor == "a01901" else means, factor) - reported) < step


def mean_of(uploads: list[Upload], factor: str) -> float:
    """Mean of one factor's values."""
    return float(np.mean([v.value for u in uploads for v in u.factors if v.code == factor]))


def test_a_cold_hour_has_seven_five_minute_means_below_the_bound() -> None:
    """The story's hour as sent: 7 of 12 below 850 degC, the hour's mean agrees with them."""
    (cold,) = (row for row in read_rows("scenarios", DEMO) if row["pattern"] == "cold")
    logger = next(lg for lg in demo_loggers(HOUR, 1) if lg.model.who.outlet_id == cold["outlet_id"])
    hour = HOUR + int(cold["start_hours"])
    block = logger.model.block(hour, 1)

    means = [read(frame.data).factors[0].value for frame in furnace_frames(logger, block)]

    assert sum(value < 850 for value in means) == 7
    assert abs(np.mean(means) - block.mean["a01901"][0]) < 0.1
    others = logger.model.block(hour - 24, 24).mean["a01901"]
    assert others[others > 700].min() > 860


def test_furnace_means_have_numbers_of_their_own_and_a_command_in_2025() -> None:
    """A live hour of a furnace: no QN twice; dressed for 2025 the means are 2111, no more."""
    blocks, start = HourCache(), hour_start(running_hour(GAS))
    moments = [start + timedelta(seconds=30 * n) for n in range(1, 121)]
    frames = [frame for moment in moments for frame in frames_at(GAS, moment, blocks)]

    assert len({frame.qn for frame in frames}) == len(frames) == 120 + 6 + 12 + 1
    speech = Speech(GAS.mn, GAS.password, GAS.st, version=2025)
    commands = Counter(parse_segment(speech.dressed(frame).data[6:-6]).cn for frame in frames)
    assert commands == {"2011": 120, "2051": 6, "2111": 12, "2061": 1}


def test_a_day_frame_weights_water_with_its_flow() -> None:
    """HJ 356-2019: sum(C*Q)/sum(Q) over the normal hours."""
    first = HOUR - HOUR % 24 + 16
    block = WATER.model.block(first, 24)
    ok = block.flag["w01018"] == "N"

    upload = read(day_frame(WATER, block).data)

    c, q = block.mean["w01018"][ok], block.mean["w00000"][ok]
    assert upload.data_time == hour_start(first)
    assert upload.factors[0].value == round(float((c * q).sum() / q.sum()), 2)


def test_request_numbers_of_a_day_are_all_different() -> None:
    """The acknowledgement is matched by QN, so two frames of a line never share one."""
    blocks = HourCache()
    start = hour_start(HOUR)
    moments = [start + timedelta(seconds=30 * n) for n in range(1, 2881)]

    numbers = [frame.qn for moment in moments for frame in frames_at(WATER, moment, blocks)]

    assert len(set(numbers)) == len(numbers)
    assert len(numbers) == 2880 + 144 + 24 + 1


def test_what_ends_at_a_moment_is_reported_then() -> None:
    """At Beijing midnight: a sample, ten minutes, an hour and a day; then only a sample."""
    midnight = datetime(2026, 10, 24, 16, tzinfo=UTC)
    blocks = HourCache()

    full = [read(f.data) for f in frames_at(WATER, midnight, blocks)]
    half = [read(f.data) for f in frames_at(WATER, midnight + timedelta(seconds=30), blocks)]

    assert [(u.cn, midnight - u.data_time) for u in full] == [
        ("2011", timedelta(0)),
        ("2051", timedelta(minutes=10)),
        ("2061", timedelta(hours=1)),
        ("2031", timedelta(days=1)),
    ]
    assert [u.cn for u in half] == ["2011"]


def test_a_silent_logger_reports_nothing() -> None:
    """From the hour of its story on there is no frame of any kind."""
    loggers = demo_loggers(HOUR, 7)
    quiet = next(lg for lg in loggers if any(c.pattern == "silent" for c in lg.model.cheats))
    blocks = HourCache()

    before = list(frames_at(quiet, hour_start(HOUR - 15), blocks))
    after = list(frames_at(quiet, hour_start(HOUR - 13), blocks))

    assert before
    assert after == []


def test_the_simulated_clock_catches_up_and_never_passes_the_present() -> None:
    """Sixty times as fast from an hour ago: half a minute later it is half an hour further."""
    began = datetime.now(UTC) - timedelta(hours=1)
    clock = SimulatedClock(began, 60.0, time.monotonic() - 30.0)
    late = SimulatedClock(began, 60.0, time.monotonic() - 300.0)

    assert timedelta(minutes=30) <= clock.now() - began < timedelta(minutes=31)
    assert abs(late.now() - datetime.now(UTC)) < timedelta(seconds=1)
    assert abs(clock.wait_s(clock.now() + timedelta(minutes=1)) - 1.0) < 0.1
