"""What a simulated logger does for each command: one function a command, one table of them.

A function changes the device and gives the `Answer`; `WrongCondition` and ValueError become
9012 ExeRtn=3 (wrong condition in the request).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from farsight.lab.device_history import kept_frames, starts
from farsight.lab.frames import Frame
from farsight.lab.model.cheats import steady
from farsight.lab.model.noise import key_of, normal
from farsight.lab.site import Check
from services.chassis.clock import BEIJING, beijing
from services.ingest.hj212.encode import request_number

if TYPE_CHECKING:
    from farsight.lab.device import Device

NO_DATA = 100  # ExeRtn
CHECK_ERROR = 0.1  # a standard sample read within 10 % passes
_LOG_SIZE = 890  # bytes of one log frame, 2017 table C.42
_CHECK_NOISE = 0.02


class WrongCondition(Exception):
    """The request asks for what this site does not have."""


@dataclass(frozen=True)
class Ask:
    """A request as heard; `at` is the device's own clock."""

    cn: str
    qn: str
    pairs: tuple[tuple[str, str], ...]
    at: datetime

    def __getitem__(self, name: str) -> str:
        """A parameter that must be there."""
        text = self.get(name)
        if not text:
            raise WrongCondition(name)
        return text

    def get(self, name: str) -> str:
        """A parameter, empty when it is not there."""
        return next((text for key, text in self.pairs if key == name), "")

    def named(self, suffix: str) -> list[tuple[str, str]]:
        """The parameters whose name ends so, with what stands before."""
        return [(key.removesuffix(suffix), text) for key, text in self.pairs if suffix in key]


@dataclass(frozen=True)
class Answer:
    """Areas of value frames, frames of a series, ExeRtn, and what is uploaded afterwards."""

    areas: list[str] = field(default_factory=list)
    frames: Iterable[Frame] = ()  # made one by one as they are sent: a day of minutes takes a while
    code: int = 1
    after: list[Frame] = field(default_factory=list)


DONE = Answer()
Act = Callable[["Device", Ask], Answer]


def _moment(text: str) -> datetime:
    """Beijing time `YYYYMMDDhhmmss` as aware UTC; ValueError when it is none."""
    return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=BEIJING).astimezone(UTC)


def _text(moment: datetime) -> str:
    return f"{beijing(moment):%Y%m%d%H%M%S}"


def _instrument(device: "Device", ask: Ask) -> str:
    """The PolId, in the new or the old code; only of what is measured here."""
    pollutant = ask["PolId"]
    if device.speech.version != 2005 and pollutant not in device.logger.model.factors:
        raise WrongCondition(pollutant)
    return pollutant


def _read_time(_device: "Device", ask: Ask) -> Answer:
    own = f"PolId={ask.get('PolId')};" if ask.get("PolId") else ""
    return Answer([f"{own}SystemTime={_text(ask.at)}"])


def _set_time(device: "Device", ask: Ask) -> Answer:
    true = ask.at - device.offset
    device.offset = _moment(ask["SystemTime"]) - true
    if abs(device.offset) < timedelta(seconds=2):
        device.offset = timedelta(0)  # the text has whole seconds and took its time
    device.site.note(true, f"clock set to {ask['SystemTime']}")
    return DONE


def _keep(*names: str) -> Act:
    """A setting that is kept and, by its read command, given back."""

    def act(device: "Device", ask: Ask) -> Answer:
        device.site.values.update({name: ask[name] for name in names})
        return DONE

    return act


def _give(name: str, default: str) -> Act:
    """Give back what was set."""

    def act(device: "Device", ask: Ask) -> Answer:
        del ask
        return Answer([f"{name}={device.site.values.get(name, default)}"])

    return act


def _read_interval(device: "Device", ask: Ask) -> Answer:
    if ask.cn == "1061":
        return Answer([f"RtdInterval={device.logger.realtime_s}"])
    return Answer([f"MinInterval={device.logger.minute_min}"])


def _set_realtime_interval(device: "Device", ask: Ask) -> Answer:
    seconds = int(ask["RtdInterval"])
    if not 30 <= seconds <= 3600:
        raise WrongCondition("RtdInterval")
    device.logger = replace(device.logger, realtime_s=seconds)
    return DONE


def _set_minute_interval(device: "Device", ask: Ask) -> Answer:
    minutes = int(ask["MinInterval"])
    if minutes not in {1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30}:
        raise WrongCondition("MinInterval")
    device.logger = replace(device.logger, minute_min=minutes)
    return DONE


def _set_password(device: "Device", ask: Ask) -> Answer:
    new = ask["PW" if device.speech.version == 2005 else "NewPW"]
    device.speech = replace(device.speech, password=new)
    device.logger = replace(device.logger, password=new)
    return DONE


def _set_key(device: "Device", ask: Ask) -> Answer:
    device.speech = replace(device.speech, key=ask["NewSK"].encode())
    return DONE


def _set_mn(device: "Device", ask: Ask) -> Answer:
    if ask["i23005-Info"] != device.site.hardware(5):
        raise WrongCondition("i23005")
    return DONE


def _alarm_limits(device: "Device", ask: Ask) -> Answer:
    values = device.site.values
    if ask.cn == "1022":
        values.update({name: text for name, text in ask.pairs if name.endswith("Value")})
        return DONE
    known = [text for key, text in ask.pairs if key == "PolId"]
    items = [
        f"{code}-LowValue={values.get(f'{code}-LowValue', '0')},"
        f"{code}-UpValue={values.get(f'{code}-UpValue', '100')}"
        for code in known
    ]
    return Answer([";".join(items)])


def _realtime(device: "Device", ask: Ask) -> Answer:
    if ask.get("BeginTime"):  # 2025, ST=44: history of the electricity
        return _history(device, ask)
    device.site.realtime_on = True
    return DONE


def _facility(device: "Device", ask: Ask) -> Answer:
    del ask
    device.site.facility_on = True
    return DONE


def _history(device: "Device", ask: Ask) -> Answer:
    times = starts(
        ask.cn, device.logger, _moment(ask["BeginTime"]), _moment(ask["EndTime"]), ask.at
    )
    frames = kept_frames(ask.cn, device.logger, device.speech, times)
    first = next(frames, None)
    return Answer(code=NO_DATA) if first is None else Answer(frames=chain([first], frames))


def _no_records(_device: "Device", _ask: Ask) -> Answer:
    return Answer(code=NO_DATA)


def _work(what: str) -> Act:
    """A deed at an instrument: it is done and stands in the log."""

    def act(device: "Device", ask: Ask) -> Answer:
        pollutant = _instrument(device, ask)
        device.site.note(ask.at, f"{what} {pollutant}")
        if "retain" in what or "sampling" in what:
            device.site.retain()
        if what == "calibration":
            device.site.parameters[pollutant, "i13006"] = _text(ask.at)
        return DONE

    return act


def _retained_sample(device: "Device", ask: Ask) -> Answer:
    return Answer([f"DataTime={_text(ask.at)};VaseNo={device.site.retain()}"])


def _set_sampling(device: "Device", ask: Ask) -> Answer:
    device.site.sampling[_instrument(device, ask)] = (ask["CstartTime"], _ctime(ask))
    return DONE


def _ctime(ask: Ask) -> str:
    """The standard prints both Ctime and CTime."""
    return ask.get("Ctime") or ask["CTime"]


def _read_sampling(device: "Device", ask: Ask) -> Answer:
    pollutant = _instrument(device, ask)
    start, hours = device.site.sampling.get(pollutant, ("000000", "2"))
    return Answer([f"PolId={pollutant};CstartTime={start};Ctime={hours}"])


def _turnaround(device: "Device", ask: Ask) -> Answer:
    return Answer([f"PolId={_instrument(device, ask)};Stime=30"])


def _serial(device: "Device", ask: Ask) -> Answer:
    pollutant = _instrument(device, ask)
    return Answer([f"PolId={pollutant};{pollutant}-SN={device.site.serial(pollutant)}"])


def _information(device: "Device", ask: Ask) -> Answer:
    """3020: logs between `//` and `//` in frames of at most 890 bytes, states, parameters."""
    pollutant, info = _instrument(device, ask), ask["InfoId"]
    if info.startswith(("i11", "i21", "i31")):
        return _log(device, ask, pollutant, info)
    value = device.site.parameter(pollutant, info)
    if not value:
        raise WrongCondition(info)
    return Answer([f"DataTime={_text(ask.at)};PolId={pollutant};{info}-Info={value}"])


def _log(device: "Device", ask: Ask, pollutant: str, info: str) -> Answer:
    begin = _moment(ask.get("BeginTime") or "20000101000000")
    end = _moment(ask.get("EndTime") or "20991231235959")
    lines = [f"{_text(at)} {text}" for at, text in device.site.log if begin <= at <= end]
    areas, part = [], ""
    for line in lines:
        if part and len(f"{part} | {line}".encode()) > _LOG_SIZE - 100:
            areas.append(part)
            part = ""
        part = f"{part} | {line}" if part else line
    head = f"DataTime={_text(ask.at)};PolId={pollutant};{info}-Info="
    return Answer([f"{head}//{text}//" for text in [*areas, part] if text] or [f"{head}////"])


def _set_parameter(device: "Device", ask: Ask) -> Answer:
    pollutant = _instrument(device, ask)
    for info, text in ask.named("-Info"):
        device.site.parameters[pollutant, info] = text
        device.site.note(ask.at, f"{pollutant} {info} set to {text}")
    return DONE


def _standard_check(device: "Device", ask: Ask) -> Answer:
    """3024: the analyser reads a standard sample; the result is uploaded as 2062.

    An analyser that shows a constant shows it here too: that is what the check is for.
    """
    factor, model = _instrument(device, ask), device.logger.model
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


def _checks(device: "Device", ask: Ask) -> Answer:
    begin, end = _moment(ask["BeginTime"]), _moment(ask["EndTime"])
    frames = [_check_frame(device, c) for c in device.site.checks if begin <= c.at <= end]
    return Answer(frames=frames, code=1 if frames else NO_DATA)


def _check_frame(device: "Device", check: Check) -> Frame:
    place = device.site.checks.index(check)
    qn = request_number(check.at + timedelta(milliseconds=62 + place % 900))
    name = check.factor
    area = (
        f"DataTime={_text(check.at)};{name}-SampleRd={check.reading};"
        f"{name}-StandardValue={check.standard};{name}-ResultType={int(check.passed)}"
    )
    return device.speech.upload("2062", qn, area)


ANSWERS: Mapping[str, Act] = {
    "1000": _keep("OverTime", "ReCount"),
    "1001": _keep("WarnTime"),
    "1002": _set_mn,
    "1011": _read_time,
    "1012": _set_time,
    "1014": _set_key,
    "1021": _alarm_limits,
    "1022": _alarm_limits,
    "1031": _give("ReportTarget", "0"),
    "1032": _keep("ReportTarget"),
    "1041": _give("ReportTime", "0000"),
    "1042": _keep("ReportTime"),
    "1061": _read_interval,
    "1062": _set_realtime_interval,
    "1063": _read_interval,
    "1064": _set_minute_interval,
    "1072": _set_password,
    "2011": _realtime,
    "2013": _history,
    "2021": _facility,
    "2031": _history,
    "2041": _history,
    "2051": _history,
    "2061": _history,
    "2062": _checks,
    "2071": _no_records,
    "3011": _work("calibration"),
    "3012": _work("sampling"),
    "3013": _work("cleaning"),
    "3014": _work("comparison sampling"),
    "3015": _retained_sample,
    "3016": _set_sampling,
    "3017": _read_sampling,
    "3018": _turnaround,
    "3019": _serial,
    "3020": _information,
    "3021": _set_parameter,
    "3022": _work("retain a sample"),
    "3024": _standard_check,
}


def _stop_realtime(device: "Device") -> None:
    device.site.realtime_on = False


def _stop_facility(device: "Device") -> None:
    device.site.facility_on = False


NOTICES: Mapping[str, Callable[["Device"], None]] = {
    "2012": _stop_realtime,
    "2022": _stop_facility,
}
