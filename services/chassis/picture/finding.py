"""图形内容 of a finding, from the very values that its message carries."""

from collections.abc import Sequence

import numpy as np

from services.chassis.pb.detect.v1.detect_pb2 import Finding, Picture
from services.chassis.picture.drawing import Curve, Drawing, Floats, Span

#: Letters of values that stay in the statistics.
_USED = frozenset("-NT\0")
_MOST_STEPS = 1_000_000


def drawing_of_finding(finding: Finding, title: str, names: Sequence[str]) -> Drawing:
    """图形内容: curve, usual range, limit, tested window, flags, with the finding's two sentences.

    `names` are those of the finding's factors. A finding without a picture gives one empty curve.
    """
    picture = finding.picture
    start, step = _grid(picture.time_s)
    cells = _cells(picture.time_s, start, step)
    curve = _curve(picture, cells, (start, step), picture.value_name or "、".join(names))
    curves = [curve]
    if picture.second:
        curves.append(
            Curve(
                name=picture.second_name,
                unit=picture.unit,
                start_s=start,
                step_s=step,
                value=_laid(picture.second, cells),
                marked=curve.marked,
                low=np.empty(0),
                high=np.empty(0),
                tested=curve.tested,
            )
        )
    captions = tuple(filter(None, (finding.seen, finding.silenced_by)))
    return Drawing(title, tuple(curves), captions=captions)


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
    )


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
