"""What a simulated logger does with its instruments: 3011 to 3024, and 2062 for their checks."""

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from farsight.lab.device_ask import (
    DONE,
    NO_DATA,
    Act,
    Answer,
    Ask,
    WrongCondition,
    instrument_of,
    moment_of,
    text_of,
)
from farsight.lab.frames import Frame
from farsight.lab.model.cheats import steady
from farsight.lab.model.noise import key_of, normal
from farsight.lab.site import Check
from services.ingest.hj212.encode import request_number

if TYPE_CHECKING:
    from farsight.lab.device import Device

CHECK_ERROR = 0.1  # a standard sample read within 10 % passes
_LOG_SIZE = 890  # bytes of one log frame, 2017 table C.42
_CHECK_NOISE = 0.02


def work(what: str) -> Act:
    """A deed at an instrument: it is done and stands in the log."""

    def act(device: "Device", ask: Ask) -> Answer:
        pollutant = instrument_of(device, ask)
        device.site.note(ask.at, f"{what} {pollutant}")
        if "retain" in what or "sampling" in what:
            device.site.retain()
        if what == "calibration":
            device.site.parameters[pollutant, "i13006"] = text_of(ask.at)
        return DONE

    return act


def retained_sample(device: "Device", ask: Ask) -> Answer:
    """3015: fill the next bottle and say which."""
    return Answer([f"DataTime={text_of(ask.at)};VaseNo={device.site.retain()}"])


def set_sampling(device: "Device", ask: Ask) -> Answer:
    """3016: when it samples and how often."""
    device.site.sampling[instrument_of(device, ask)] = (ask["CstartTime"], _ctime(ask))
    return DONE


def _ctime(ask: Ask) -> str:
    """The standard prints both Ctime and CTime."""
    return ask.get("Ctime") or ask["CTime"]


def read_sampling(device: "Device", ask: Ask) -> Answer:
    """3017: when it samples and how often, 00:00 and each 2 h until told."""
    pollutant = instrument_of(device, ask)
    start, hours = device.site.sampling.get(pollutant, ("000000", "2"))
    return Answer([f"PolId={pollutant};CstartTime={start};Ctime={hours}"])


def turnaround(device: "Device", ask: Ask) -> Answer:
    """3018: minutes from the sample to the value."""
    return Answer([f"PolId={instrument_of(device, ask)};Stime=30"])


def serial(device: "Device", ask: Ask) -> Answer:
    """3019: the analyser's number."""
    pollutant = instrument_of(device, ask)
    return Answer([f"PolId={pollutant};{pollutant}-SN={device.site.serial(pollutant)}"])


def information(device: "Device", ask: Ask) -> Answer:
    """3020: logs between `//` and `//` in frames of at most 890 bytes, states, parameters."""
    pollutant, info = instrument_of(device, ask), ask["InfoId"]
    if info.startswith(("i11", "i21", "i31")):
        return _log(device, ask, pollutant, info)
    value = device.site.parameter(pollutant, info)
    if not value:
        raise WrongCondition(info)
    return Answer([f"DataTime={text_of(ask.at)};PolId={pollutant};{info}-Info={value}"])


def _log(device: "Device", ask: Ask, pollutant: str, info: str) -> Answer:
    begin = moment_of(ask.get("BeginTime") or "20000101000000")
    end = moment_of(ask.get("EndTime") or "20991231235959")
    lines = [f"{text_of(at)} {text}" for at, text in device.site.log if begin <= at <= end]
    areas, part = [], ""
    for line in lines:
        if part and len(f"{part} | {line}".encode()) > _LOG_SIZE - 100:
            areas.append(part)
            part = ""
        part = f"{part} | {line}" if part else line
    head = f"DataTime={text_of(ask.at)};PolId={pollutant};{info}-Info="
    return Answer([f"{head}//{text}//" for text in [*areas, part] if text] or [f"{head}////"])


def set_parameter(device: "Device", ask: Ask) -> Answer:
    """3021: keep the new value; the change stands in the log."""
    pollutant = instrument_of(device, ask)
    for info, text in ask.named("-Info"):
        device.site.parameters[pollutant, info] = text
        device.site.note(ask.at, f"{pollutant} {info} set to {text}")
    return DONE


def standard_check(device: "Device", ask: Ask) -> Answer:
    """3024: the analyser reads a standard sample; the result is uploaded as 2062.

    An analyser that shows a constant shows it here too: that is what the check is for.
    """
    factor, model = instrument_of(device, ask), device.logger.model
    limit = model.limits.get(factor)
    if limit is None:
        raise WrongCondition(factor)
    hour = np.array([int(ask.at.timestamp()) // 3600], dtype=np.int64)
    standard = 0.8 * limit
    error = float(normal(key_of(device.logger.mn, "check", factor), hour)[0])
    reading = standard * (1 + _CHECK_NOISE * error)
    if steady(model.cheats, factor, hour)[0]:
        reading = float(model.block(int(hour[0]), 1).mean[factor][0])
    digits = model.decimals(factor)
    check = Check(
        at=ask.at.replace(microsecond=0),
        factor=factor,
        reading=f"{reading:.{digits}f}",
        standard=f"{standard:.{digits}f}",
        passed=abs(reading - standard) <= CHECK_ERROR * standard,
    )
    device.site.checks.append(check)
    device.site.note(ask.at, f"standard check {factor} {check.reading} of {check.standard}")
    return Answer(after=[_check_frame(device, check)])


def check_results(device: "Device", ask: Ask) -> Answer:
    """2062: the results of the checks in a period."""
    begin, end = moment_of(ask["BeginTime"]), moment_of(ask["EndTime"])
    frames = [_check_frame(device, c) for c in device.site.checks if begin <= c.at <= end]
    return Answer(frames=frames, code=1 if frames else NO_DATA)


def _check_frame(device: "Device", check: Check) -> Frame:
    place = device.site.checks.index(check)
    qn = request_number(check.at + timedelta(milliseconds=62 + place % 900))
    name = check.factor
    area = (
        f"DataTime={text_of(check.at)};{name}-SampleRd={check.reading};"
        f"{name}-StandardValue={check.standard};{name}-ResultType={int(check.passed)}"
    )
    return device.speech.upload("2062", qn, area)
