"""同时段缺数: gaps that come back at the same time of the day."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Bools, Floats

_FIRST = 0.5


class RepeatedGaps(NamedTuple):
    """Judgement of every slot, (series x slots)."""

    score: Floats
    """Information of the repeats within the window, in nats; NaN = not evaluated."""
    repeats: Floats
    """Slots of the window that were missing at an hour already missing in it."""


def repeated_gaps(
    missing: Bools, known: Bools, slots: int, *, days: int, longest: int, least_share: float
) -> RepeatedGaps:
    """同时段缺数 (D11): how surprising it is that slots go missing again at the same time of day.

    Formula: over the last `days` days, sum over missing slots whose hour h of the day was missing
    before in that window of w ln(1 / p_h); w = 1/2 for the first such slot in half a day and
    sqrt(n) - sqrt(n - 1) for the n-th: a gap that returns with k hours counts sqrt(k) - 1/2 hours,
    for its hours went together, and one hour alone is hardly a gap. p_h = own share of days with
    hour h missing before the window, drawn towards the own share of all hours, never below
    `least_share`. A gap longer than `longest` slots is one outage and no habit: it counts nothing.
    Null model: gaps come independently, hours with their own share; clean series measure how
    far that is from true.
    Units: `slots` a day (24 for hours), `longest` in slots, score in nats.
    Missing data: `missing` is data here; a slot not `known` (the station silent) is not missing.
    Nothing is judged while a gap lasts.
    Edges: a series shorter than `days` + 1 days is not evaluated; columns beyond whole days must
    not be handed in.
    Paper: reference/detection.md 2.2 (missing at discharge time); falsification.csv D11.
    Fails: a daily zero check that began within the window; a fault that trips at a fixed hour.

    >>> lost = np.zeros((1, 20 * 24), bool)
    >>> lost[0, 17 * 24:].reshape(3, 24)[:, 1:4] = True
    >>> got = repeated_gaps(lost, ~np.zeros_like(lost), 24, days=4, longest=12, least_share=0.005)
    >>> float(got.repeats[0, -1]), round(float(got.score[0, -1]), 1), float(got.score[0, 16 * 24])
    (6.0, 13.1, 0.0)
    """
    rows, cells = missing.shape
    by_day = (rows, cells // slots, slots)
    lost = (missing & known & ~_long(missing | ~known, longest)).reshape(by_day)
    there = known.reshape(by_day)
    before = np.zeros(by_day, dtype=bool)
    for day in range(1, days):
        before[:, day:] |= lost[:, :-day]
    again = lost & before
    weight = -np.log(_share(lost, there, days, least_share)).reshape(rows, cells)
    flat = again.reshape(rows, cells).astype(np.float64)
    nth = _running(flat, slots // 2)
    share = np.where(nth > 1, np.sqrt(nth) - np.sqrt(np.maximum(nth - 1, 0)), _FIRST)
    score = _running(flat * weight * share, days * slots)
    repeats = _running(flat, days * slots)
    score[:, : (days + 1) * slots] = np.nan
    score[missing] = np.nan  # how long a gap is, is known when it is over
    return RepeatedGaps(score, repeats)


def _share(lost: Bools, there: Bools, days: int, least: float) -> Floats:
    """Own share of missing of each hour of the day before the window, (series x days x slots)."""
    gone = np.zeros(lost.shape)
    seen = np.zeros(lost.shape)
    gone[:, days:] = np.cumsum(lost, axis=1)[:, :-days]
    seen[:, days:] = np.cumsum(there, axis=1)[:, :-days]
    whole = gone.sum(axis=2, keepdims=True) / np.maximum(seen.sum(axis=2, keepdims=True), 1)
    prior = float(2 * days)
    share = (gone + prior * np.maximum(whole, least)) / (seen + prior)
    found: Floats = np.clip(share, least, 1.0)
    return found


def _running(values: Floats, width: int) -> Floats:
    """Sum of the last `width` columns."""
    total: Floats = np.cumsum(values, axis=1)
    total[:, width:] -= total[:, :-width].copy()
    return total


def _long(missing: Bools, longest: int) -> Bools:
    """Slots from which on a run of missing has lasted more than `longest` slots, and the run."""
    rows, cells = missing.shape
    edge = np.zeros((rows, 1), dtype=np.int8)
    steps = np.diff(np.concatenate([edge, missing.astype(np.int8), edge], axis=1), axis=1)
    row, start = np.nonzero(steps == 1)
    stop = np.nonzero(steps == -1)[1]
    far = stop - start > longest
    marks = np.zeros((rows, cells + 1), dtype=np.int64)
    np.add.at(marks, (row[far], start[far]), 1)
    np.add.at(marks, (row[far], stop[far]), -1)
    found: Bools = np.cumsum(marks, axis=1)[:, :-1] > 0
    return found
