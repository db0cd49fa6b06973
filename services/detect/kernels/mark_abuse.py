"""标记滥用: marks that lie on exceedances more often than chance puts them there."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats, Ints, Series


class MarkAbuse(NamedTuple):
    """Judgement of every series; all of shape (series,)."""

    marked_over: Ints
    """Marked hours whose value before the mark was above the limit."""
    expected: Floats
    """Mean of that count over the shifts; NaN = not evaluated."""
    p: Floats
    """Share of shifts with at least as many, the observed pattern included; NaN = not evaluated."""


def mark_abuse(
    values: Series, marked: Series, limits: Floats, *, shifts: int = 10_000, seed: int = 12
) -> MarkAbuse:
    """标记滥用 (D12): circular-shift permutation of the mark pattern against values above a limit.

    Formula: k = sum_t marked(t) over(t), over = value > limit; k_s = sum_t marked(t - s) over(t)
    for circular lags s; p = (1 + #{s != 0: k_s >= k}) / (1 + number of lags). A shift keeps the
    lengths and gaps of marks and the persistence of exceedances, which a free shuffle would break.
    All lags that exist are used where there are at most `shifts`, else `shifts` of them drawn
    without replacement by a generator seeded with `seed`: the same data give the same p.
    Units: values and `limits` (series,) in the factor's unit; `marked.values` above 0 = marked.
    Missing data: an hour whose value is not valid is not over; an hour whose mark is not valid is
    not marked. Both stay in the pattern, so the day keeps its rhythm.
    Edges: no column, nothing marked, nothing over, or a limit that is NaN: p is NaN, not evaluated.
    With T hours the smallest p is 1 / T: 1,000 hours at least for p < 0.001.
    Clause: 生态环境监测条例 (State Council order 820) art 25(5) names false marks as falsification.
    Paper: reference/falsification.csv D12, domain G.3.6.
    Fails: real starts and stops do raise values: compare with power and furnace temperature. One
    run of marks over one long exceedance is one event, whatever its hours: p stays large.

    >>> over = np.zeros((1, 2400))
    >>> over[0, ::97] = 1.0
    >>> found = mark_abuse(Series.of(over), Series.of(over), np.array([0.5]))
    >>> int(found.marked_over[0]), bool(found.p[0] < 0.001)
    (25, True)
    """
    over = values.valid & (values.values > limits[:, None])
    mark = marked.valid & (marked.values > 0)
    count = (over & mark).sum(axis=1, dtype=np.int64)
    expected, p = np.full(count.shape, np.nan), np.full(count.shape, np.nan)
    usable = np.flatnonzero(over.any(axis=1) & mark.any(axis=1))
    if usable.size:
        counts = _shifted_counts(over[usable], mark[usable])
        lags = _lags(over.shape[1], shifts, seed)
        drawn = counts[:, lags]
        at_least = (drawn >= count[usable][:, None]).sum(axis=1)
        p[usable] = (1 + at_least) / (1 + lags.size)
        expected[usable] = (drawn.sum(axis=1) + count[usable]) / (1 + lags.size)
    return MarkAbuse(count, expected, p)


def _shifted_counts(over: np.ndarray, mark: np.ndarray) -> Ints:
    """Marked exceedances for every circular lag, (series, columns); lag 0 is as observed.

    The circular cross-correlation by FFT: T log T instead of T x T. Counts are whole numbers far
    below 2**52, so that rounding gives them exactly.
    """
    spectrum = np.fft.rfft(over, axis=1) * np.conj(np.fft.rfft(mark, axis=1))
    counts: Ints = np.rint(np.fft.irfft(spectrum, n=over.shape[1], axis=1)).astype(np.int64)
    return counts


def _lags(columns: int, shifts: int, seed: int) -> Ints:
    """Lags other than 0, all or a seeded draw."""
    lags = np.arange(1, columns, dtype=np.int64)
    if lags.size <= shifts:
        return lags
    return np.random.default_rng(seed).permutation(lags)[:shifts]
