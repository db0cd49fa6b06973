"""联系偏离: how far a window lies from what the own history lets another quantity expect."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from services.detect.kernels.row_median import row_median
from services.detect.kernels.series import Bools, Floats, Ints

_TRIMS, _TRIM_AT = 2, 3.0
_TAIL = 0.01
_LEAST_OF_CLASS = 20


@dataclass(frozen=True)
class Reference:
    """参照期: which earlier windows a window is compared with."""

    days: int
    """Reach of the reference in days before the judged day."""
    guard: int
    """Cells before the judged day that are left out: a fraud must not vouch for itself."""
    least: int
    """Windows that must be known, or nothing is evaluated."""
    least_scale: float = 0.0
    """Smallest scatter that is believed, in the unit of y."""
    slope: tuple[float, float] = (-np.inf, np.inf)
    """Slopes that physics allows."""
    x_above: float = 0.0
    """Share of the history's x below which windows take no part: 0.4 = the upper 60 % only."""
    classes: int = 1
    """Level classes of x with a middle and scatter of their own: for links that bend."""


class Windows(NamedTuple):
    """When the windows are."""

    end: Ints
    """(windows,): cell after each window."""
    per_day: int
    """Cells a day."""
    judged: Bools
    """(series x windows): windows to judge; all may serve as reference."""


class LinkShift(NamedTuple):
    """Judgement of every window, (series x windows); NaN = not evaluated."""

    z: Floats
    """Residual from the own line in units of the own scatter."""
    expected: Floats
    """What the own line expects of y."""
    scale: Floats
    """Own scatter about the line."""
    low: Floats
    """Own 1 % point of z in the reference: how far below its line the series goes by itself."""
    high: Floats
    """Own 99 % point of z."""


def link_shift(y: Floats, x: Floats | None, windows: Windows, reference: Reference) -> LinkShift:
    """联系偏离: z of windows of y against the own robust line on x, fitted on earlier days alone.

    Formula: for each judged day the line y = a + b x is fitted by least squares to the windows that
    ended between `days` and `guard` before that day, trimmed twice at 3 MAD; z = (y - a - b x) / s,
    with s = max(1.4826 MAD of the residuals, `least_scale`). x is held within the range of the
    reference: a line says nothing beyond it. Without x it is the plain shift from the own median.
    Null model: residuals of windows scatter tomorrow as they did; how heavy their tails are is
    measured on clean series (rates.csv) and not assumed.
    Units: y and x in any (logs where factors are meant), of shape (series x windows).
    Missing data: a window with NaN in y or x takes no part. Fewer than `least` windows in the
    reference: not evaluated.
    Edges: x without spread gives slope 0; a residual scatter of 0 with `least_scale` 0 is not
    evaluated.
    Paper: reference/detection.md 2.2 (O2 residual on load over own scatter; log ratios against
    history over MAD) and 2.3 (fixed reference).
    Fails: a new regime (new fuel, drive, range) until half of the reference is new; a fraud longer
    than the reference; links that bend.

    >>> load = np.tile([[1.0, 2.0, 3.0, 4.0]], 10)
    >>> oxygen = 9.0 - load + 0.1 * np.sin(np.arange(40.0))
    >>> oxygen[0, 36:] += 2.0
    >>> windows = Windows(np.arange(1, 41), 4, np.ones((1, 40), bool))
    >>> got = link_shift(oxygen, load, windows, Reference(30, 4, 20))
    >>> bool((got.z[0, 36:] > 8).all()), bool(np.nanmax(np.abs(got.z[0, :36])) < 4)
    (True, True)
    """
    links = np.zeros_like(y) if x is None else x
    known = np.isfinite(y) & np.isfinite(links)
    found = LinkShift(*(np.full(y.shape, np.nan) for _ in LinkShift._fields))
    day = (windows.end - 1) // windows.per_day
    for today in np.unique(day[windows.judged.any(axis=0)]):
        now = np.flatnonzero(day == today)
        past = (windows.end <= today * windows.per_day - reference.guard) & (
            day >= today - reference.days
        )
        enough = known[:, past].sum(axis=1) >= reference.least
        rows = np.flatnonzero(enough & windows.judged[:, now].any(axis=1))
        if rows.size:
            then, here = np.ix_(rows, np.flatnonzero(past)), np.ix_(rows, now)
            y_past, x_past = (np.where(known[then], v[then], np.nan) for v in (y, links))
            one = _judge((y[here], links[here]), y_past, x_past, reference)
            for whole, part in zip(found, one, strict=True):
                whole[here] = part
    return LinkShift(*(np.where(windows.judged, part, np.nan) for part in found))


def _judge(
    now: tuple[Floats, Floats], y_past: Floats, x_past: Floats, reference: Reference
) -> LinkShift:
    """Judge the windows of one day."""
    y, x = now
    least_x = np.full(len(y), -np.inf)
    if reference.x_above > 0:
        least_x = _share(x_past, reference.x_above)
    with np.errstate(invalid="ignore"):
        used = np.isfinite(y_past) & (x_past >= least_x[:, None])
        usable = np.isfinite(y) & (x >= least_x[:, None])
    usable &= (used.sum(axis=1) >= reference.least * (1 - reference.x_above))[:, None]
    x_past = np.where(used, x_past, np.nan)
    a, b = _line(y_past, x_past, used, reference)
    held = np.clip(x, _share(x_past, 0.0)[:, None], _share(x_past, 1.0)[:, None])
    residual = y_past - a[:, None] - b[:, None] * x_past
    found = LinkShift(*(np.full(y.shape, np.nan) for _ in LinkShift._fields))
    for inside_past, inside_now in _classes(x_past, held, reference.classes):
        enough = (inside_past & used).sum(axis=1) >= min(_LEAST_OF_CLASS, reference.least)
        own = _scatter(np.where(inside_past, residual, np.nan), reference.least_scale)
        middle, scale, low, high = (part[:, None] for part in own)
        expected = a[:, None] + b[:, None] * held + middle
        parts = (y - expected) / scale, expected, scale, low, high
        take = usable & inside_now & enough[:, None]
        for whole, part in zip(found, parts, strict=True):
            whole[take] = np.broadcast_to(part, y.shape)[take]
    return found


def _classes(x_past: Floats, x_now: Floats, number: int) -> Iterator[tuple[Bools, Bools]]:
    """Members of each level class of x, in the reference and now; classes are equally full."""
    if number == 1:
        yield np.ones(x_past.shape, dtype=bool), np.ones(x_now.shape, dtype=bool)
        return
    edges = [_share(x_past, k / number)[:, None] for k in range(1, number)]
    with np.errstate(invalid="ignore"):
        past, today = (np.sum([x > edge for edge in edges], axis=0) for x in (x_past, x_now))
    for k in range(number):
        yield past == k, today == k


def _scatter(residual: Floats, least: float) -> tuple[Floats, ...]:
    """Middle, scatter and both tails (in scatters) of each row; NaN scatter where there is none."""
    middle = row_median(residual)
    scale = np.fmax(1.4826 * row_median(np.abs(residual - middle[:, None])), least)
    scale = np.where(scale > 0, scale, np.nan)
    apart = (residual - middle[:, None]) / scale[:, None]
    return middle, scale, _share(apart, _TAIL), _share(apart, 1 - _TAIL)


def _share(x: Floats, share: float) -> Floats:
    """The value below which a share of each row lies."""
    count = np.isfinite(x).sum(axis=1)
    place = np.floor(share * np.maximum(count - 1, 0)).astype(np.int64)
    return np.take_along_axis(np.sort(x, axis=1), place[:, None], axis=1)[:, 0]


def _line(y: Floats, x: Floats, used: Bools, reference: Reference) -> tuple[Floats, Floats]:
    """Intercept and slope of each row, trimmed twice."""
    kept = used
    for _ in range(_TRIMS + 1):
        b = np.clip(_slope(y, x, kept), *reference.slope)
        residual = y - b[:, None] * x
        a = row_median(residual)
        apart = np.abs(residual - a[:, None])
        reach = np.maximum(_TRIM_AT * 1.4826 * row_median(apart), reference.least_scale)
        with np.errstate(invalid="ignore"):
            kept = used & (apart <= reach[:, None])
    return a, b


def _slope(y: Floats, x: Floats, kept: Bools) -> Floats:
    """Least-squares slope of the kept points of each row; 0 where x has no spread."""
    count = np.maximum(kept.sum(axis=1), 1)[:, None]
    dx = np.where(kept, x - np.where(kept, x, 0.0).sum(axis=1, keepdims=True) / count, 0.0)
    dy = np.where(kept, y - np.where(kept, y, 0.0).sum(axis=1, keepdims=True) / count, 0.0)
    spread = (dx * dx).sum(axis=1)
    floor = 1e-12 * np.where(kept, x * x, 0.0).sum(axis=1)
    return np.where(spread > floor, (dx * dy).sum(axis=1) / np.where(spread > 0, spread, 1.0), 0.0)
