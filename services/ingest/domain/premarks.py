"""预标记: what a plant might want to mark, by wire flags and by hours that look stopped."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

_COMMUNICATION, _MAINTENANCE, _PRODUCTION = 1, 2, 7  # MarkFamily of the interface V1.6
_OXYGEN = "a19001"  # HJ 524: dry oxygen, volume %
_FLOWS = ("a00000", "w00000")
#: Flags of HJ 212-2017 that speak of the instrument, and the words of the national platform.
_MAINTAINED = {"M": "日常维护", "C": "校准", "D": "故障"}


@dataclass(frozen=True)
class HourSeen:
    """An hour of one factor as received."""

    hour: int  # unix hours
    flag: str  # HJ 212-2017 letter, empty = none sent
    value: float  # in the factor's unit; NaN = none


@dataclass(frozen=True)
class Suggestion:
    """预标记建议: nothing is marked by it; the plant confirms, changes or drops it."""

    family: int  # MarkFamily
    condition: str  # working condition by its key, empty = none
    factors: tuple[str, ...]  # empty = all
    start_s: int  # unix seconds UTC
    end_s: int  # exclusive
    reason: str  # Chinese: what was seen
    why: str  # flag_M | flag_C | flag_D | flag_F | flag_B | missing | stopped


def suggest_marks(
    hours: Mapping[str, Sequence[HourSeen]],
    first_hour: int,
    end_hour: int,
    *,
    stopped_condition: str = "",
    stopped_oxygen_percent: float = 19.0,
) -> tuple[Suggestion, ...]:
    """预标记建议 of one outlet over hours [first_hour, end_hour), by start.

    `hours` is factor -> hours as received, in any order; the first of an hour counts. Runs of flag
    M, C or D suggest maintenance of the factors that had them in the same hours, B and missing
    hours a communication break, F and hours that look stopped (oxygen a19001 near ambient, without
    oxygen no flow) a 停运 under the `stopped_condition` of the industry (mswi_ty, tp_ty; empty =
    the plant has no such mark, then nothing is suggested for it). Source: announcement 21 of 2022
    lets a plant's system pre-mark (domain.md B.2); the signs are our choice.
    """
    seen = {factor: _by_hour(own, first_hour, end_hour) for factor, own in sorted(hours.items())}
    span = range(first_hour, end_hour)
    found = [
        *_maintenance(seen, span),
        *_breaks(seen, span),
    ]
    if stopped_condition:
        found += _stops(seen, span, stopped_condition, stopped_oxygen_percent)
    return tuple(sorted(found, key=lambda one: (one.start_s, one.family, one.factors, one.why)))


def _by_hour(own: Sequence[HourSeen], first: int, end: int) -> dict[int, HourSeen]:
    kept: dict[int, HourSeen] = {}
    for one in own:
        if first <= one.hour < end:
            kept.setdefault(one.hour, one)
    return kept


def _maintenance(seen: Mapping[str, dict[int, HourSeen]], span: range) -> Iterator[Suggestion]:
    for letter, word in _MAINTAINED.items():
        runs: dict[tuple[int, int], list[str]] = {}
        for factor, own in seen.items():
            flagged = {hour for hour, one in own.items() if one.flag == letter}
            for run in _runs(span, flagged.__contains__):
                runs.setdefault(run, []).append(factor)
        for run, factors in runs.items():
            named = () if len(factors) == len(seen) else tuple(factors)
            reason = f"{word}: 数据标记为{letter}"
            yield _over(run, _MAINTENANCE, reason, f"flag_{letter}", factors=named)


def _breaks(seen: Mapping[str, dict[int, HourSeen]], span: range) -> Iterator[Suggestion]:
    """Hours in which all that came has flag B, and hours of which nothing came at all."""
    came = {hour: {own[hour].flag for own in seen.values() if hour in own} for hour in span}
    for run in _runs(span, lambda hour: came[hour] == {"B"}):
        yield _over(run, _COMMUNICATION, "数据标记为B(通讯异常)", "flag_B")
    if any(seen.values()):  # an outlet that never sent has no break
        for run in _runs(span, lambda hour: not came[hour]):
            yield _over(run, _COMMUNICATION, "无小时数据", "missing")


def _stops(
    seen: Mapping[str, dict[int, HourSeen]], span: range, condition: str, ambient: float
) -> Iterator[Suggestion]:
    """Runs of flag F, and runs that only look stopped, apart: the plant sees which it is."""

    def flagged(hour: int) -> bool:
        came = [own[hour].flag for own in seen.values() if hour in own]
        return bool(came) and all(flag == "F" for flag in came)

    def looks(hour: int) -> bool:
        return not flagged(hour) and _at_rest(seen, hour, ambient)

    for run in _runs(span, flagged):
        yield _over(run, _PRODUCTION, "数据标记为F(停运)", "flag_F", condition=condition)
    for run in _runs(span, looks):
        reason = f"含氧量不低于{ambient:g}%或流量为零, 疑似停运"
        yield _over(run, _PRODUCTION, reason, "stopped", condition=condition)


def _at_rest(seen: Mapping[str, dict[int, HourSeen]], hour: int, ambient: float) -> bool:
    """By oxygen; a fan may run beside a cold furnace, so flow speaks where oxygen is silent."""
    oxygen = _value(seen, _OXYGEN, hour)
    if not math.isnan(oxygen):
        return oxygen >= ambient
    flows = [value for name in _FLOWS if not math.isnan(value := _value(seen, name, hour))]
    return bool(flows) and all(value <= 0 for value in flows)


def _value(seen: Mapping[str, dict[int, HourSeen]], factor: str, hour: int) -> float:
    one = seen.get(factor, {}).get(hour)
    # A value of an instrument under maintenance says nothing about the furnace.
    return one.value if one is not None and one.flag in {"", "N", "F"} else math.nan


def _runs(span: range, holds: Callable[[int], bool]) -> Iterator[tuple[int, int]]:
    """Maximal runs [first, end) of hours for which something holds."""
    first: int | None = None
    for hour in span:
        if holds(hour):
            first = hour if first is None else first
        elif first is not None:
            yield first, hour
            first = None
    if first is not None:
        yield first, span.stop


def _over(
    run: tuple[int, int],
    family: int,
    reason: str,
    why: str,
    *,
    condition: str = "",
    factors: tuple[str, ...] = (),
) -> Suggestion:
    return Suggestion(
        family, condition, factors, run[0] * 3600, run[1] * 3600, f"{reason}, 请核实", why
    )
