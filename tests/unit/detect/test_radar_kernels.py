"""Kernels of the collusion radar, against slow obvious oracles."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.detect.kernels.digit_likeness import digit_likeness
from services.detect.kernels.noise_match import noise_match
from services.detect.kernels.series import Series
from services.detect.kernels.shared_moments import shared_moments
from tests.unit.detect import hostile


@given(st.integers(0, 1000), st.integers(1, 9))
def test_noise_is_matched_as_trying_every_lag_would(seed, least_lag):
    """Oracle multiplies the two series at every lag, either way."""
    rng = np.random.default_rng(seed)
    moves = rng.standard_normal((2, 80)) * (rng.random((2, 80)) < 0.9)
    moves[0, 3] = np.nan

    got = noise_match(moves, np.array([[0, 1]]), least_lag, least=20)

    u, best = np.nan_to_num(moves), (-math.inf, 0)
    for lag in range(-79, 80):
        both = [(u[0, t], u[1, t - lag]) for t in range(80) if 0 <= t - lag < 80]
        both = [(a, b) for a, b in both if a != 0 and b != 0]
        if abs(lag) >= least_lag and len(both) >= 20:
            total, spread = sum(a * b for a, b in both), sum((a * b) ** 2 for a, b in both)
            best = max(best, (total / math.sqrt(spread), lag))
    assert got.z[0] == pytest.approx(best[0], abs=1e-6)
    assert got.lag[0] == best[1]


def test_series_too_short_for_any_lag_are_not_matched():
    """Nothing in common, nothing said."""
    assert np.isnan(noise_match(np.ones((2, 20)), np.array([[0, 1]]), 30).z).all()
    assert np.isnan(noise_match(np.full((2, 300), np.nan), np.array([[0, 1]]), 3).z).all()


def _digits_by_hand(values, valid, grid, least):
    """Departure of one row from uniform digits, or None."""
    fresh, last = [], None
    for value, usable in zip(values, valid, strict=True):
        if usable and value != last:
            fresh.append(round(value / grid))
        last = value if usable else last
    far = sum(abs(b - a) >= 5 for a, b in itertools.pairwise(fresh))
    if len(fresh) < least or 2 * far < len(fresh):
        return None
    n = len(fresh)
    away = [(sum(f % 10 == d for f in fresh) - n / 10) / math.sqrt(n / 10) for d in range(10)]
    return away if sum(x * x for x in away) <= 0.5 * 9 * n else None


@given(hostile.series(max_rows=3), st.sampled_from([0.5, 0.01]))
def test_digits_are_those_of_counting_by_hand(block, grid):
    """Oracle counts digits of fresh values."""
    got = digit_likeness(block, np.full(len(block.values), grid), least=5)

    away = [
        _digits_by_hand(v, ok, grid, 5) for v, ok in zip(block.values, block.valid, strict=True)
    ]
    for i, j in itertools.product(range(len(away)), repeat=2):
        if i == j or away[i] is None or away[j] is None:
            assert np.isnan(got[i, j])
        else:
            sizes = (math.sqrt(sum(x * x for x in away[k])) for k in (i, j))
            dot = sum(x * y for x, y in zip(away[i], away[j], strict=True))
            assert got[i, j] == pytest.approx(dot / max(*sizes, 3.0), abs=1e-6)


@given(st.integers(0, 1000), st.integers(2, 6), st.integers(2, 6))
def test_moments_in_common_are_counted_against_all_rotations(seed, per_day, days):
    """Oracle rotates by every number of days."""
    begins = np.random.default_rng(seed).random((3, days * per_day + 1)) < 0.3

    got = shared_moments(begins, per_day)

    whole = begins[:, : days * per_day]
    for i, j in itertools.permutations(range(3), 2):
        turned = [(whole[i] & np.roll(whole[j], k * per_day)).sum() for k in range(1, days)]
        least = whole[i].sum() * whole[j].sum() / (days * per_day)
        assert got.common[i, j] == (whole[i] & whole[j]).sum()
        assert got.expected[i, j] == pytest.approx(max(np.mean(turned), least))
    assert np.isnan(np.diag(got.common)).all()


def test_one_day_or_none_has_no_rotation():
    """Not evaluated, never clean."""
    assert np.isnan(shared_moments(np.ones((2, 24), bool), 24).expected).all()
    assert np.isnan(shared_moments(np.zeros((2, 0), bool), 24).common).all()


def test_a_block_of_nothing_has_no_digits():
    """Empty and constant rows."""
    assert np.isnan(digit_likeness(Series.of(np.zeros((2, 0))), np.ones(2))).all()
    assert np.isnan(digit_likeness(Series.of(np.ones((2, 500))), np.ones(2))).all()
