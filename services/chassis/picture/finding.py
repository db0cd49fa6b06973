"""图形内容 of a finding, from the very values that its message carries."""

from collections.abc import Sequence

import numpy as np

from services.chassis.pb.detect.v1.detect_pb2 import Finding, Picture
from services.chassis.picture.drawing import Curve, Drawing, Floats, Overlay, Span

#: Letters of values that stay in the statistics.
_USED = frozenset("-NT\0")
_MOST_STEPS = 1_000_000


def drawing_of_finding(finding: Finding, title: str, names: Sequence[str]) -> Drawing:
    """图形内容: curve, usual range, limit, tested window, flags, sisters, the finding's sentences.

    `names` are those of the finding's factors. A finding without a picture gives one empty curve.
    """
    picture = finding.picture
    grid = _grid(picture.time_s)
    cells = _cells(picture.time_s, *grid)
    first = _curve(picture, cells, grid, picture.value_name or "、".join(names))
    below = [(picture.second_name, picture.unit, picture.second)] if picture.second else []
    below += [(one.name or one.factor, one.unit, one.value) for one in picture.others]
    curves = [first, *(_sister(first, *one, cells) for one in below)]
    captions = tuple(filter(None, (finding.seen, finding.silenced_by)))
    return Drawing(title, tuple(curves), _overlay(picture, first), captions)


def _sister(first: Curve, name: str, unit: str, value: Sequence[float], cells: Floats) -> Curve:
    """Another curve over the same times, with the same window."""
    return Curve(
        name=name,
        unit=unit,
        start_s=first.start_s,
        step_s=first.step_s,
        value=_laid(value, cells),
        marked=first.marked,
        low=np.empty(0),
        high=np.empty(0),
        tested=first.tested,
    )


def _overlay(picture: Picture, first: Curve) -> Overlay | None:
    """The copied stretch over its source; nothing where the finding is no copy."""
    source = np.array(picture.source_value, dtype=float)
    begin = (picture.copy_start_s - first.start_s) // first.step_s
    if not source.size or not 0 <= begin < first.value.size:
        return None
    tested = first.value[begin : begin + source.size]
    return Overlay(tested, source[: tested.size], first.step_s, first.name)


def _curve(picture: Picture, cells: Floats, grid: tuple[int, int], name: str) -> Curve:
    start, step = grid
    size = int(cells.max()) + 1 if cells.size else 1
    marked = np.zeros(size, dtype=bool)
    for at, flag in zip(cells.astype(int), picture.flags, strict=False):
        marked[at] = flag not in _USED
    begins = (np.array(picture.marked_start_s) - start) // step
    ends = -((start - np.array(picture.marked_end_s)) // step)
    for begin, end in zip(begins.astype(int), ends.astype(int), strict=False):
        marked[max(begin, 0) : max(end, 0)] = True
    tested = Span(picture.tested_start_s, picture.tested_end_s)
    band = len(picture.band_low) == len(picture.time_s) > 0
    return Curve(
        name=name,
        unit=picture.unit,
        start_s=start,
        step_s=step,
        value=_laid(picture.value, cells),
        marked=marked,
        low=_laid(picture.band_low, cells) if band else np.empty(0),
        high=_laid(picture.band_high, cells) if band else np.empty(0),
        limit=picture.limit,
        tested=(tested,) if picture.tested_start_s else (),
        source=_source(picture, start, step),
    )


def _source(picture: Picture, start: int, step: int) -> Span | None:
    """Where the copied stretch came from, if that is in the picture."""
    begin = picture.source_start_s
    end = begin + step * len(picture.source_value)
    return Span(begin, end) if begin and end > start else None


def _grid(times_s: Sequence[int]) -> tuple[int, int]:
    """First time and commonest distance of two; an hour where there are fewer than two."""
    apart = np.diff(np.array(times_s, dtype=np.int64))
    apart = apart[apart > 0]
    if not apart.size:
        return (times_s[0] if times_s else 0), 3600
    steps, counts = np.unique(apart, return_counts=True)
    return times_s[0], int(steps[counts.argmax()])


def _cells(times_s: Sequence[int], start: int, step: int) -> Floats:
    cells: Floats = np.clip((np.array(times_s, dtype=float) - start) // step, 0, _MOST_STEPS)
    return cells


def _laid(values: Sequence[float], cells: Floats) -> Floats:
    """Values at their cells; a cell without one is NaN."""
    laid = np.full(int(cells.max()) + 1 if cells.size else 1, np.nan)
    laid[cells.astype(int)] = values
    return laid
