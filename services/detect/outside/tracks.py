"""无人机航迹: stretches of a flight in which a probe read far above the rest of the flight."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from services.detect.kernels.series import Bools, Floats
from services.detect.outside.positions import Point
from services.detect.outside.records import Event, Measured
from services.detect.outside.rule import OutsideRule
from services.detect.outside.series_matrix import nanmedian, robust_scatter
from services.detect.outside.sign import OutsideSign, saturated
from services.detect.outside.winds import Winds
from services.detect.outside.words import compass, plain, pollutant_of, span, unit_text

_LEAST_SCATTER = 0.10


def track_signs(events: Sequence[Event], winds: Winds, rule: OutsideRule) -> Iterator[OutsideSign]:
    """无人机羽流: one sign a plume of a flight and pollutant, placed at its highest value.

    A flight is a mission of one drone, or an event by itself. Its background is the median of its
    own values, so that neither a calibration offset nor the day's air counts; a plume is a run of
    `plume_points` and more values above `plume_ratio` times the background and beyond it by
    `plume_z` robust scatters. Values without a position are left out. Fails where the drone
    hovers in one plume all the time: then the plume is its background.
    """
    for flight in _flights(events):
        values = [one for event in flight for one in event.values if np.isfinite(one.point.x)]
        values.sort(key=lambda one: (one.pollutant, one.at_s))
        for _, group in groupby(values, key=lambda one: one.pollutant):
            yield from _of_pollutant(flight[0], list(group), winds, rule)


def _flights(events: Sequence[Event]) -> Iterator[list[Event]]:
    missions: dict[tuple[str, str], list[Event]] = {}
    for one in sorted(events, key=lambda e: (e.begin_s, e.key)):
        if one.kind == "drone" and one.values:
            missions.setdefault((one.device, one.mission or one.key), []).append(one)
    yield from missions.values()


def plumes(value: Floats, rule: OutsideRule) -> tuple[Bools, float]:
    """羽流 points of a flight and its background.

    >>> from services.detect.outside.rule import shipped_rule
    >>> plumes(np.array([20.0] * 12 + [90, 130, 88] + [21.0] * 5), shipped_rule())[0].nonzero()[0]
    array([12, 13, 14])
    """
    usual = float(nanmedian(value[None], 1)[0])
    scatter = max(float(robust_scatter(value[None], 1)[0]), _LEAST_SCATTER * abs(usual), 1e-12)
    high = (value > rule.plume_ratio * usual) & (value - usual > rule.plume_z * scatter)
    return high, usual


def _of_pollutant(
    event: Event, values: list[Measured], winds: Winds, rule: OutsideRule
) -> Iterator[OutsideSign]:
    if len(values) < rule.flight_points:
        return
    level = np.array([one.value for one in values])
    high, usual = plumes(level, rule)
    at = high.nonzero()[0]
    for part in np.split(at, (np.diff(at) > 1).nonzero()[0] + 1):
        if len(part) >= rule.plume_points:
            plume = [values[place] for place in part.tolist()]
            yield _sign(event, plume, usual, winds, rule)


def _sign(
    event: Event, plume: list[Measured], usual: float, winds: Winds, rule: OutsideRule
) -> OutsideSign:
    top = max(plume, key=lambda one: (one.value, -one.at_s))
    begin_s, end_s = plume[0].at_s, max(plume[-1].at_s, plume[0].at_s + 1)
    wind = winds.over(top.point, [top.at_s])
    name, unit = pollutant_of(top.pollutant).name, unit_text(top.unit)
    blown = f"，当时风来自{compass(wind.from_deg)}" if wind.known else ""
    return OutsideSign(
        key=f"drone|{event.key}|{top.pollutant}|{begin_s}", kind="drone", begin_s=begin_s,
        end_s=end_s, division=event.division, medium=pollutant_of(top.pollutant).medium,
        strength=saturated(top.value / usual - 1.0 if usual > 0 else 1.0, 2.0),
        seen=(
            f"{span(begin_s, end_s)}，无人机{event.device}测得{name}最高"
            f"{plain(top.value)}{unit}，同次飞行一般为{plain(usual)}{unit}{blown}"
        ),
        silenced_by=f"{name}低于本次飞行一般值的{rule.plume_ratio:g}倍",
        credit_code=event.credit_code, point=top.point,
        radius_m=max(rule.plume_reach_m, _reach(plume, top.point)), pollutant=top.pollutant,
        value=top.value, expected=usual, unit=top.unit, wind=wind, sources=(event.key,),
    )  # fmt: skip


def _reach(plume: list[Measured], top: Point) -> float:
    return max(float(np.hypot(one.point.x - top.x, one.point.y - top.y)) for one in plume)
