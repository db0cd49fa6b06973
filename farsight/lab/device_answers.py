"""What a simulated logger does for each command: one function a command, one table of them.

A function changes the device and gives the `Answer`; `WrongCondition` and ValueError become
9012 ExeRtn=3 (wrong condition in the request).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from farsight.lab.device_ask import (
    DONE,
    NO_DATA,
    Act,
    Answer,
    Ask,
    WrongCondition,
    moment_of,
    text_of,
)
from farsight.lab.device_history import kept_frames, starts
from farsight.lab.device_instruments import (
    check_results,
    information,
    read_sampling,
    retained_sample,
    serial,
    set_parameter,
    set_sampling,
    standard_check,
    turnaround,
    work,
)

if TYPE_CHECKING:
    from farsight.lab.device import Device


def _read_time(_device: "Device", ask: Ask) -> Answer:
    own = f"PolId={ask.get('PolId')};" if ask.get("PolId") else ""
    return Answer([f"{own}SystemTime={text_of(ask.at)}"])


def _set_time(device: "Device", ask: Ask) -> Answer:
    true = ask.at - device.offset
    device.offset = moment_of(ask["SystemTime"]) - true
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
        ask.cn, device.logger, moment_of(ask["BeginTime"]), moment_of(ask["EndTime"]), ask.at
    )
    frames = kept_frames(ask.cn, device.logger, device.speech, times)
    first = next(frames, None)
    return Answer(code=NO_DATA) if first is None else Answer(frames=chain([first], frames))


def _no_records(_device: "Device", _ask: Ask) -> Answer:
    return Answer(code=NO_DATA)


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
    "2062": check_results,
    "2071": _no_records,
    "3011": work("calibration"),
    "3012": work("sampling"),
    "3013": work("cleaning"),
    "3014": work("comparison sampling"),
    "3015": retained_sample,
    "3016": set_sampling,
    "3017": read_sampling,
    "3018": turnaround,
    "3019": serial,
    "3020": information,
    "3021": set_parameter,
    "3022": work("retain a sample"),
    "3024": standard_check,
}


def _stop_realtime(device: "Device") -> None:
    device.site.realtime_on = False


def _stop_facility(device: "Device") -> None:
    device.site.facility_on = False


NOTICES: Mapping[str, Callable[["Device"], None]] = {
    "2012": _stop_realtime,
    "2022": _stop_facility,
}
