"""图形内容 of an alarm, cut out of a panel. `services.chassis.picture.svg` draws it."""

from collections.abc import Sequence

import numpy as np

from services.chassis.picture.drawing import Curve, Drawing, Overlay, Span
from services.detect.kernels.series import Floats
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign

#: The band: these points of the same hour of the day, over so many days before the window.
_LOW, _HIGH, _BAND_DAYS, _LEAST = 5, 95, 60, 20
#: Cells shown around the window: shares of its length, and cells at least.
_BEFORE, _AFTER, _LEAST_BEFORE, _LEAST_AFTER = 1.5, 0.3, 72, 12
#: A source stretch is on the curve itself if no further back than so many window lengths.
_SOURCE_REACH = 20
_MOST_BELOW = 3


def drawing_of(
    panel: Panel,
    signs: Sequence[Sign],
    names: Sequence[str],
    *,
    title: str,
    units: Sequence[str] = (),
    captions: Sequence[str] = (),
) -> Drawing:
    """图形内容 of an alarm with these signs, the leading one first.

    Values to draw come from the panel alone. `names` and `units` are those of the panel's rows.
    """
    head = signs[0]
    begin, end = _reach(panel, head)
    others = [s.row for s in signs[1:]] + [row for s in signs for row in s.others]
    rows = list(dict.fromkeys([head.row, *others]))[: 1 + _MOST_BELOW]
    curves = [
        _curve(panel, row, (begin, end), signs, (names[row], units[row] if units else ""))
        for row in rows
    ]
    return Drawing(title, tuple(curves), _overlay(panel, signs, names), tuple(captions))


def _reach(panel: Panel, head: Sign) -> tuple[int, int]:
    """Cells to show: the window, some before and after, the copied stretch if it is near."""
    length = max(head.end - head.begin, 1)
    begin = head.begin - max(round(_BEFORE * length), _LEAST_BEFORE)
    near = max(_SOURCE_REACH * length, panel.cells_of(10 * 24))
    if head.source >= 0 and head.begin - head.source <= near:
        begin = min(begin, head.source - length // 4)
    end = head.end + max(round(_AFTER * length), _LEAST_AFTER)
    rows = [head.row, *head.others]
    first = int(min(panel.first[rows]))
    last = int(max(panel.end[rows]))
    begin = max(begin, min(first, head.begin), 0)
    return begin, max(min(end, max(last, head.end), panel.cells), begin + 1)


def _curve(
    panel: Panel,
    row: int,
    reach: tuple[int, int],
    signs: Sequence[Sign],
    name: tuple[str, str],
) -> Curve:
    begin, end = reach
    head = signs[0]
    mine = [s for s in signs if s.row == row] or [head]
    length = head.end - head.begin
    copied = head.source >= 0 and row == (head.others[0] if head.others else head.row)
    in_sight = copied and head.source + length > begin
    low, high = _band(panel, row, reach, head.begin)
    return Curve(
        name=name[0],
        unit=name[1],
        start_s=_at(panel, begin),
        step_s=panel.step_min * 60,
        value=panel.value[row, begin:end],
        marked=panel.marked[row, begin:end],
        low=low,
        high=high,
        limit=float(panel.limit[row]),
        tested=tuple(dict.fromkeys(_span(panel, s.begin, s.end) for s in mine)),
        source=_span(panel, head.source, head.source + length) if in_sight else None,
    )


def _band(panel: Panel, row: int, reach: tuple[int, int], before: int) -> tuple[Floats, Floats]:
    """Low and high point of each hour of the day in the days before the window, or nothing."""
    begin, end = reach
    since = max(0, before - _BAND_DAYS * panel.per_day)
    past = np.where(panel.marked[row, since:before], np.nan, panel.value[row, since:before])
    hour = (np.arange(panel.cells) % panel.per_day) * 24 // panel.per_day
    points = np.full((2, 24), np.nan)
    for one in np.unique(hour):
        values = past[hour[since:before] == one]
        values = values[np.isfinite(values)]
        if values.size >= _LEAST:
            points[:, one] = np.percentile(values, (_LOW, _HIGH))
    if np.isnan(points[0, np.unique(hour)]).any():
        return np.empty(0), np.empty(0)
    return points[0, hour[begin:end]], points[1, hour[begin:end]]


def _overlay(panel: Panel, signs: Sequence[Sign], names: Sequence[str]) -> Overlay | None:
    """The window of the first copy among the signs over its source; nothing where there is none."""
    copy = next((sign for sign in signs if sign.source >= 0), None)
    if copy is None:
        return None
    row = copy.others[0] if copy.others else copy.row
    length = min(copy.end - copy.begin, panel.cells - copy.source)
    return Overlay(
        panel.value[copy.row, copy.begin : copy.begin + length],
        panel.value[row, copy.source : copy.source + length],
        panel.step_min * 60,
        names[row],
    )


def _at(panel: Panel, cell: int) -> int:
    return panel.start_s + cell * panel.step_min * 60


def _span(panel: Panel, begin: int, end: int) -> Span:
    return Span(_at(panel, begin), _at(panel, end))
