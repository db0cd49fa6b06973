"""高值预警: hours in which a station stands far above its neighbours and its own habit."""

from collections.abc import Iterator

import numpy as np

from services.detect.kernels.series import Bools, Floats, Ints
from services.detect.outside.records import Series
from services.detect.outside.rule import OutsideRule
from services.detect.outside.series_matrix import (
    SeriesMatrix,
    matrices,
    nanmedian,
    near,
    robust_scatter,
)
from services.detect.outside.sign import OutsideSign, saturated
from services.detect.outside.winds import DIRECTION, SPEED, Winds
from services.detect.outside.words import plain, pollutant_of, span, unit_text

#: The least scatter of log ratios: two sensors of one model differ by some percent.
_LEAST_SCATTER = 0.10
_RADIUS_M = 500.0


def high_value_signs(
    series: tuple[Series, ...], winds: Winds, rule: OutsideRule
) -> Iterator[OutsideSign]:
    """高值预警: one sign an event of a station and pollutant.

    y = log(v / median of the neighbours in the same hour). An hour is high when v is at least the
    pollutant's `floor`, at least `high_ratio` times the neighbours *and* y is beyond the station's
    own median of y, over its known past hours, by `high_z` robust scatters: a station that always
    reads twice its neighbours (its site, or a sensor that drifted) does not warn each night, and a
    haze that lies on all stations warns nobody. Null model: y scatters about the own median.
    Missing hours and flagged ones are left out; with less than `own_history_h` known hours the
    neighbours alone decide. Fails where all stations stand at one source, and for a first bad week
    of a new one.
    """
    for kind in ("micro", "township"):
        for matrix in matrices(series, kind):
            if matrix.first.pollutant not in (SPEED, DIRECTION) and len(matrix.series) > 1:
                yield from _of_matrix(matrix, winds, rule)


def _of_matrix(matrix: SeriesMatrix, winds: Winds, rule: OutsideRule) -> Iterator[OutsideSign]:
    usual = neighbours(matrix, rule)
    high = high_hours(matrix.value, usual, rule)
    high &= matrix.value >= pollutant_of(matrix.first.pollutant).floor
    for row in np.flatnonzero(high.any(axis=1)).tolist():
        for begin, end in events(high[row], matrix.start_s // matrix.first.length_s, rule):
            yield _sign(
                matrix, row, begin, end, float(np.nanmean(usual[row, begin:end])), winds, rule
            )


def neighbours(matrix: SeriesMatrix, rule: OutsideRule) -> Floats:
    """邻站中位数 of each station and hour, without the station itself."""
    points, found = matrix.points(), np.empty_like(matrix.value)
    for row, one in enumerate(matrix.series):
        mine = near(points, one.point, rule.neighbour_m)
        mine[row] = False
        if mine.sum() < rule.min_neighbours:
            mine[:] = True
            mine[row] = False
        found[row] = nanmedian(matrix.value[mine], 0)
    return found


def high_hours(value: Floats, usual: Floats, rule: OutsideRule) -> Bools:
    """高值小时 by neighbours and own past; each hour is judged by the hours before it.

    >>> from services.detect.outside.rule import shipped_rule
    >>> value = np.array([[10.0] * 6 + [40.0, 42.0]]); usual = np.full((1, 8), 11.0)
    >>> high_hours(value, usual, shipped_rule()).nonzero()[1].tolist()
    [6, 7]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.log(value / usual)
        y[~np.isfinite(y)] = np.nan
        candidate = value >= rule.high_ratio * usual
    high = candidate & np.isfinite(y)
    for row, column in zip(*high.nonzero(), strict=True):
        # What was called high before does not teach what is usual.
        past = np.where(high[row, :column], np.nan, y[row, :column])
        if np.isfinite(y[row, :column]).sum() < rule.own_history_h:
            continue
        if np.isfinite(past).sum() < rule.own_history_h / 2:
            past = y[row, :column]  # high most of the time: that is its habit
        scatter = max(float(robust_scatter(past[None], 1)[0]), _LEAST_SCATTER)
        own = float(nanmedian(past[None], 1)[0])
        high[row, column] = y[row, column] - own > rule.high_z * scatter
    return high


def events(high: Bools, hours: Ints, rule: OutsideRule) -> Iterator[tuple[int, int]]:
    """高值事件: columns [begin, end) of high hours that are near each other and long enough."""
    at = high.nonzero()[0]
    for part in np.split(at, (np.diff(hours[at]) > rule.high_gap_h + 1).nonzero()[0] + 1):
        if len(part) >= rule.high_hours:
            yield int(part[0]), int(part[-1]) + 1


def _sign(  # noqa: PLR0917 - what one event is told with
    matrix: SeriesMatrix,
    row: int,
    begin: int,
    end: int,
    usual: float,
    winds: Winds,
    rule: OutsideRule,
) -> OutsideSign:
    one = matrix.series[row]
    peak = float(np.nanmax(matrix.value[row, begin:end]))
    name, who = pollutant_of(one.pollutant).name, one.name or one.subject
    unit, start_s, end_s = unit_text(one.unit), int(matrix.start_s[begin]), matrix.end_s(end - 1)
    kind = "微站" if one.kind == "micro" else "乡镇站"
    kind = "" if who.startswith(kind) else kind
    return OutsideSign(
        key=f"high_value|{one.subject}|{one.pollutant}|{start_s}", kind="high_value",
        begin_s=start_s, end_s=end_s, division=one.division,
        medium=pollutant_of(one.pollutant).medium, strength=saturated(peak / usual - 1.0, 2.0),
        seen=(
            f"{span(start_s, end_s)}，{kind}{who}的{name}最高{plain(peak)}{unit}，"
            f"同时周边站点一般为{plain(usual)}{unit}"
        ),
        silenced_by=(
            f"{name}低于{plain(rule.high_ratio * usual)}{unit}，或与本站平时同周边的比值一样"
        ),
        point=one.point, radius_m=_RADIUS_M, pollutant=one.pollutant, value=peak, expected=usual,
        unit=one.unit, wind=winds.over(one.point, matrix.start_s[begin:end]),
        sources=(f"{one.subject}|{one.pollutant}|{start_s}",),
    )  # fmt: skip
