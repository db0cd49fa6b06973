"""噪声同源: whether two series carry one sequence of noise, at whatever lag."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats, Ints

#: Pairs whose spectra are multiplied together.
_BLOCK = 256


class NoiseMatch(NamedTuple):
    """噪声同源 of each pair."""

    z: Floats
    """Largest z over the lags, NaN where too little is known."""
    lag: Ints
    """Cells by which the second of the pair came first."""
    lags: int
    """Lags that were tried."""


def noise_match(moves: Floats, pairs: Ints, least_lag: int, *, least: int = 48) -> NoiseMatch:
    """噪声同源: largest correlation z of two rows over all lags beyond `least_lag`, either way.

    Formula: z_k = sum_t u_i(t) u_j(t - k) / sqrt(sum_t u_i(t)^2 u_j(t - k)^2), over the cells in
    which both moved; |k| >= least_lag; at least `least` such cells. By FFT.
    Null model: innovations of two outlets are independent beyond the hours of common weather; then
    z_k is near standard normal for any scatter of either (it is a sign test in spirit), and the
    largest of K lags exceeds z by chance K (1 - Phi(z)) times.
    Units: none; moves as `innovations` gives them, lags in cells.
    Missing data: a NaN move counts as no move.
    Edges: no lag with enough common moves gives NaN.
    Paper: reference/detection.md 1.6; issue 5, collusion radar (fingerprints of residual noise).
    Fails: two plants on one timetable are alike at every day of lag: least_lag does not help, the
    control pairs of the radar do.

    >>> noise = np.random.default_rng(3).standard_normal(400)
    >>> u = np.vstack([np.r_[noise[:300]], np.r_[noise[37:337]]])
    >>> found = noise_match(u, np.array([[0, 1]]), 3)
    >>> int(found.lag[0]), bool(found.z[0] > 8)
    (37, True)
    """
    cells = moves.shape[1]
    size = 1 << max(1, 2 * cells - 1).bit_length()
    unit = np.nan_to_num(moves)
    parts = [np.fft.rfft(part, size, axis=1) for part in (unit, unit**2, (unit != 0) * 1.0)]
    lags = np.concatenate([np.arange(size // 2), np.arange(-size // 2, 0)])
    asked = (np.abs(lags) >= least_lag) & (np.abs(lags) < cells)
    z, lag = np.full(len(pairs), np.nan), np.zeros(len(pairs), dtype=np.int64)
    for at in range(0, len(pairs), _BLOCK):
        one, other = pairs[at : at + _BLOCK].T
        total, spread, count = (
            np.fft.irfft(part[one] * np.conj(part[other]), size, axis=1) for part in parts
        )
        usable = asked & (count > least - 0.5) & (spread > 1e-6)
        score = np.where(usable, total / np.sqrt(np.where(usable, spread, 1.0)), -np.inf)
        best = score.argmax(axis=1)
        most = score[np.arange(len(one)), best]
        z[at : at + _BLOCK] = np.where(np.isfinite(most), most, np.nan)
        lag[at : at + _BLOCK] = lags[best]
    return NoiseMatch(z, lag, int(asked.sum()))
