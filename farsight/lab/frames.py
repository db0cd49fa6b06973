"""From model values to HJ 212-2017 frames: 2011, 2051, 2061 and 2031 of one logger.

The request number QN comes from the data time, so the same period always makes the same bytes:
a frame sent twice is a duplicate to the gate, whenever it is sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from farsight.lab.model.cheats import Mask
from farsight.lab.model.detail import SAMPLES
from farsight.lab.model.noise import Floats
from farsight.lab.model.outlet import HourBlock, convert
from farsight.lab.model.surroundings import OXYGEN
from farsight.lab.province import DemoLogger
from services.ingest.hj212.encode import encode_upload, request_number

FLOWS = {"a00000": 1.0, "w00000": 0.001}
"""Flow factors and what turns their unit into m3/s."""
_DELAY_S = {"2011": 1, "2051": 3, "2061": 5, "2031": 8}  # after the period's end
FURNACE = "a01901"
"""炉膛温度: has frames of its own every five minutes (HJ 212-2025 2111), so 2051 leaves it out."""
FURNACE_STEP_S = 300
MEANS_AN_HOUR = 3600 // FURNACE_STEP_S
_VALID_SHARE = 0.75  # normal parts of a normal aggregate (HJ 212-2017, C.16-C.18)
Values = dict[str, dict[str, float | str]]


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame on the wire with the number its acknowledgement will carry."""

    qn: str
    data: bytes
    furnace: bool = False  # 2025 sends it by a command of its own


def hour_start(hour: int) -> datetime:
    """Return the UTC moment at which an absolute hour begins."""
    return datetime.fromtimestamp(hour * 3600, UTC)


def hour_frames(logger: DemoLogger, block: HourBlock) -> Iterator[Frame]:
    """Yield 2061 小时数据 for each hour of the block, stamped at the start of its hour."""
    for place, hour in enumerate(block.hours.tolist()):
        values = _hour_values(logger, block, place)
        yield _frame(logger, "2061", hour_start(hour), timedelta(hours=1), values)


def _hour_values(logger: DemoLogger, block: HourBlock, place: int) -> Values:
    values: Values = {}
    for factor in logger.model.factors:
        digits, mean = logger.model.decimals(factor), float(block.mean[factor][place])
        fields: dict[str, float | str] = {
            "Min": f"{block.low[factor][place]:.{digits}f}",
            "Avg": f"{mean:.{digits}f}",
            "Max": f"{block.high[factor][place]:.{digits}f}",
        }
        if factor in FLOWS:
            fields["Cou"] = f"{mean * FLOWS[factor] * 3600:.1f}"
        converted = block.converted.get(factor)
        if converted is not None and not np.isnan(converted[place]):
            fields["ZsAvg"] = f"{converted[place]:.3f}"
        fields["Flag"] = str(block.flag[factor][place])
        values[factor] = fields
    return values


def realtime_frame(logger: DemoLogger, block: HourBlock, moment: datetime) -> Frame:
    """Return 2011 实时数据 at a moment inside the block's single hour."""
    sample = int(moment.timestamp()) % 3600 * SAMPLES // 3600
    shown = _samples(logger, block)
    values: Values = {}
    for factor in logger.model.factors:
        fields: dict[str, float | str] = {
            "Rtd": f"{shown[factor][sample]:.{logger.model.decimals(factor)}f}"
        }
        if (text := _converted(logger, factor, shown, slice(sample, sample + 1))) is not None:
            fields["ZsRtd"] = text
        fields["Flag"] = str(block.flag[factor][0])
        values[factor] = fields
    return _frame(logger, "2011", moment, timedelta(0), values)


def minute_frame(logger: DemoLogger, block: HourBlock, start: datetime) -> Frame:
    """Return 2051 分钟数据 of the period that starts at `start` inside the block's single hour."""
    first = int(start.timestamp()) % 3600 * SAMPLES // 3600
    part = slice(first, first + logger.minute_min * 60 * SAMPLES // 3600)
    shown = _samples(logger, block)
    values: Values = {}
    for factor in logger.model.factors:
        if factor == FURNACE:
            continue
        digits, inside = logger.model.decimals(factor), shown[factor][part]
        fields: dict[str, float | str] = {
            "Min": f"{inside.min():.{digits}f}",
            "Avg": f"{inside.mean():.{digits}f}",
            "Max": f"{inside.max():.{digits}f}",
        }
        if factor in FLOWS:
            fields["Cou"] = f"{inside.mean() * FLOWS[factor] * 60 * logger.minute_min:.1f}"
        if (text := _converted(logger, factor, shown, part)) is not None:
            fields["ZsAvg"] = text
        fields["Flag"] = str(block.flag[factor][0])
        values[factor] = fields
    return _frame(logger, "2051", start, timedelta(minutes=logger.minute_min), values)


def furnace_frame(logger: DemoLogger, block: HourBlock, start: datetime) -> Frame:
    """Return the five-minute mean of furnace temperature that starts at `start`."""
    hour, first = int(block.hours[0]), int(start.timestamp()) % 3600 * SAMPLES // 3600
    inside = logger.model.half_minutes(FURNACE, hour, float(block.mean[FURNACE][0]))
    part = inside[first : first + FURNACE_STEP_S * SAMPLES // 3600]
    digits, flag = logger.model.decimals(FURNACE), str(block.flag[FURNACE][0])
    values: Values = {FURNACE: {"Avg": f"{part.mean():.{digits}f}", "Flag": flag}}
    # A second after the minute data of the same end: a number of its own.
    length = timedelta(seconds=FURNACE_STEP_S + 1)
    return replace(_frame(logger, "2051", start, length, values), furnace=True)


def furnace_frames(logger: DemoLogger, block: HourBlock) -> Iterator[Frame]:
    """Yield the five-minute means of the block's first hour, none without a furnace."""
    if has_furnace(logger):
        for second in range(0, 3600, FURNACE_STEP_S):
            start = hour_start(int(block.hours[0])) + timedelta(seconds=second)
            yield furnace_frame(logger, block, start)


def has_furnace(logger: DemoLogger) -> bool:
    """Whether the logger reports furnace temperature; 2005 has no code for it."""
    return FURNACE in logger.model.factors and logger.version != 2005


def day_frame(logger: DemoLogger, block: HourBlock) -> Frame:
    """Return 2031 日数据 of a block of 24 hours that starts at a Beijing midnight.

    Gas: mean of the normal hours; water: weighted with the flow (HJ 356-2019), pH and temperature
    plain.
    """
    values: Values = {}
    for factor in logger.model.factors:
        normal = block.flag[factor] == "N"
        use = normal if normal.any() else np.ones(len(normal), dtype=np.bool_)
        digits, mean = logger.model.decimals(factor), _day_mean(block, factor, use)
        fields: dict[str, float | str] = {
            "Min": f"{block.low[factor][use].min():.{digits}f}",
            "Avg": f"{mean:.{digits}f}",
            "Max": f"{block.high[factor][use].max():.{digits}f}",
        }
        if factor in FLOWS:
            fields["Cou"] = f"{block.mean[factor].sum() * FLOWS[factor] * 3600:.1f}"
        converted = block.converted.get(factor)
        if converted is not None and not np.isnan(converted[use]).all():
            fields["ZsAvg"] = f"{np.nanmean(converted[use]):.3f}"
        stopped = (block.flag[factor] == "F").mean() > 1.0 - _VALID_SHARE
        fields["Flag"] = "F" if stopped else "N" if normal.mean() >= _VALID_SHARE else "D"
        values[factor] = fields
    start = hour_start(int(block.hours[0]))
    return _frame(logger, "2031", start, timedelta(days=1), values)


def _day_mean(block: HourBlock, factor: str, use: Mask) -> float:
    flow = block.mean.get("w00000")
    if flow is None or (not factor.startswith("w2") and factor != "w01018"):
        return float(block.mean[factor][use].mean())
    weight = np.maximum(flow[use], 1e-9)
    return float((block.mean[factor][use] * weight).sum() / weight.sum())


def _samples(logger: DemoLogger, block: HourBlock) -> dict[str, Floats]:
    hour = int(block.hours[0])
    return {
        factor: logger.model.half_minutes(factor, hour, float(block.mean[factor][0]))
        for factor in logger.model.factors
    }


def _converted(
    logger: DemoLogger, factor: str, shown: dict[str, Floats], part: slice
) -> str | None:
    """Return the converted mean of a part of the hour, None where none is reported."""
    model = logger.model
    if not model.ref_o2 or factor not in model.limits:
        return None
    values = convert(shown[factor][part], shown[OXYGEN][part], model.ref_o2)
    return None if np.isnan(values).any() else f"{values.mean():.3f}"


def _frame(
    logger: DemoLogger, cn: str, start: datetime, length: timedelta, values: Values
) -> Frame:
    qn = request_number(
        start + length + timedelta(seconds=_DELAY_S[cn], milliseconds=int(cn) % 1000)
    )
    data = encode_upload(cn, logger.mn, logger.password, logger.st, qn, start, values)
    return Frame(qn, data)
