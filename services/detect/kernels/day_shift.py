"""日形错位: by how many hours the shape of the day has moved against its own past."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats, Ints

_LEAST_SHARE = 0.75
_FLAT = 1e-9


class DayShift(NamedTuple):
    """Judgement of every day, (series x days)."""

    likeness: Floats
    """(series x days x 2 reach + 1): correlation of the recent day with the past one, shifted."""
    lags: Ints
    """Slots of each shift; positive = what came at noon comes later now."""


def day_shift(hours: Floats, *, recent: int, history: int, reach: int) -> DayShift:
    """日形错位 (D28): correlation of the recent mean day with the past mean day at every shift.

    Formula: R = mean of days d - recent + 1 .. d by hour, P = mean of the days before them, at
    most `history`; likeness(lag) = corr(R(h), P(h - lag)) around the clock, lag = -reach .. reach;
    all lags at once by FFT. An hour unknown in one of them counts as that one's mean.
    Null model: none here; the screen holds the gain of the best lag over lag 0 against its past.
    Units: `hours` (series x days x slots of the day) in any unit; lags in slots.
    Missing data: NaN takes no part in the means; fewer than three quarters of the hours known in
    either mean day: NaN.
    Edges: a flat day has no shape: NaN. The first `recent` days have no past: NaN.
    Paper: reference/falsification.csv D28 (clock changed, values re-sent at other times).
    Fails: plants that change shifts; daylight saving; series without a rhythm.

    >>> day = np.sin(np.arange(24) / 24 * 2 * np.pi)
    >>> days = np.array([[day] * 10 + [np.roll(day, 3)] * 3])
    >>> got = day_shift(days, recent=3, history=30, reach=6)
    >>> int(got.lags[got.likeness[0, -1].argmax()])
    3
    """
    lags = np.arange(-reach, reach + 1, dtype=np.int64)
    today = np.arange(hours.shape[1])
    now, past = (
        _shape(_mean_day(hours, first, last))
        for first, last in ((today - recent, today), (today - recent - history, today - recent))
    )
    spectrum = np.fft.rfft(now, axis=2) * np.conj(np.fft.rfft(past, axis=2))
    every = np.fft.irfft(spectrum, n=hours.shape[2], axis=2)
    return DayShift(every[:, :, lags % hours.shape[2]], lags)


def _mean_day(hours: Floats, after: Ints, until: Ints) -> Floats:
    """Mean by slot over the days after `after` up to `until`, for each day."""
    known = np.isfinite(hours)
    first = np.zeros((hours.shape[0], 1, hours.shape[2]))
    total = np.concatenate([first, np.cumsum(np.where(known, hours, 0.0), axis=1)], axis=1)
    count = np.concatenate([first, np.cumsum(known, axis=1)], axis=1)
    low, high = np.maximum(after + 1, 0), np.maximum(until + 1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (total[:, high] - total[:, low]) / (count[:, high] - count[:, low])
    return found


def _shape(mean_day: Floats) -> Floats:
    """Mean day about its own mean, of unit length; NaN where too little is known or it is flat."""
    known = np.isfinite(mean_day)
    number = known.sum(axis=2, keepdims=True)
    kept = np.where(known, mean_day, 0.0)
    apart = np.where(known, kept - kept.sum(axis=2, keepdims=True) / np.maximum(number, 1), 0.0)
    length = np.sqrt((apart * apart).sum(axis=2, keepdims=True))
    size = np.sqrt((kept * kept).sum(axis=2, keepdims=True))
    usable = (number >= _LEAST_SHARE * mean_day.shape[2]) & (length > _FLAT * size)
    return np.where(usable, apart / np.where(usable, length, 1.0), np.nan)
