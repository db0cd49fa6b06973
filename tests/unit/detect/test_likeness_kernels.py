"""Kernels that compare moves of a series with its own past, against slow obvious oracles."""

import itertools
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.detect.kernels.innovations import innovations
from services.detect.kernels.linear_link import linear_link
from services.detect.kernels.past_likeness import past_likeness
from services.detect.kernels.scaled_fit import scaled_fit
from services.detect.kernels.series import Series
from services.detect.kernels.twin_likeness import twin_likeness
from tests.unit.detect import hostile


def _innovations_by_hand(values, valid, per_day, clip):
    """One series, cell by cell, every sum over all earlier days made anew."""
    root = [math.copysign(math.sqrt(abs(v)), v) if ok else None
            for v, ok in zip(values, valid, strict=True)]  # fmt: skip
    moved = [None] + [b - a if None not in (a, b) else None
                      for a, b in pairwise(root)]  # fmt: skip
    apart, fresh, unit = [], [], []
    for t, move in enumerate(moved[: len(root)]):
        same = [moved[u] for u in range(t % per_day, t - t % per_day, per_day)]
        known = [m for m in same if m is not None]
        apart.append(None if move is None else move - sum(known) / (len(known) + 3))
    for t, a in enumerate(apart):
        pairs = [(apart[u], apart[u - 1]) for u in range(1, t - t % per_day)
                 if None not in (apart[u], apart[u - 1])]  # fmt: skip
        size = sum(b * b for _, b in pairs)
        echo = min(0.95, max(-0.95, sum(x * b for x, b in pairs) / size)) if size > 0 else math.nan
        last = apart[t - 1] if t and apart[t - 1] is not None else 0.0
        fresh.append(None if a is None else 0.0 if moved[t] == 0 else a - echo * last)
    for t, f in enumerate(fresh):
        known = [abs(x) for x in fresh[: t - t % per_day] if x is not None and math.isfinite(x)]
        count = sum(x != 0 for x in known)
        scale = sum(known) / count if count else math.nan
        good = f is not None and scale > 0
        unit.append(min(clip, max(-clip, f / scale)) if good else math.nan)
    return unit


@given(hostile.series(max_rows=2, max_columns=30), st.integers(2, 7))
def test_innovations_are_those_of_a_walk(block, per_day):
    """Hostile values, gaps, days that are not whole."""
    got = innovations(block, per_day).unit

    for row in range(len(block.values)):
        want = _innovations_by_hand(block.values[row], block.valid[row], per_day, 4.0)
        assert np.allclose(got[row], want, equal_nan=True, rtol=1e-6, atol=1e-6)


def _likeness_by_hand(moves, length, end, min_lag):
    """Best earlier stretch of one row for one end: (z, lag), or None."""
    u = np.nan_to_num(moves).astype(np.float32).astype(float)
    best = None
    begin = end - length
    for k in range(begin - min_lag + 1):
        a, b = u[begin:end], u[k : k + length]
        size, other = math.sqrt(a @ a), math.sqrt(b @ b)
        rho = (a @ b) / max(max(other, size / 2) * size, 1e-6)
        if best is None or rho > best[0] + 1e-6:
            best = rho, begin - k, min(np.sum(a != 0), np.sum(b != 0))
    if best is None or best[2] < 8:
        return None
    return math.atanh(min(0.999, max(-0.999, best[0]))) * math.sqrt(best[2] - 3), best[1]


@given(st.integers(0, 1000), st.integers(8, 14), st.integers(1, 30))
def test_likeness_is_that_of_trying_every_lag(seed, length, min_lag):
    """Oracle correlates with each earlier stretch."""
    rng = np.random.default_rng(seed)
    moves = rng.standard_normal((2, 60)) * (rng.random((2, 60)) < 0.9)
    moves[0, 5:9] = np.nan
    ends = np.array([length, 40, 60])

    got = past_likeness(moves, length, ends, min_lag)

    for row in range(2):
        for at, end in enumerate(ends):
            want = _likeness_by_hand(moves[row], length, end, min_lag)
            if want is None:
                assert np.isnan(got.z[row, at])
            else:
                assert got.z[row, at] == pytest.approx(want[0], abs=1e-3)
                assert got.lag[row, at] == want[1]


def test_nothing_is_compared_where_nothing_lies_before():
    """Too short a series has no likeness."""
    got = past_likeness(np.ones((1, 10)), 8, np.array([8, 10]), 20)

    assert np.isnan(got.z).all()


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=3, max_size=30))
def test_a_fit_is_that_of_least_squares(pairs):
    """Oracle is numpy's own fit where the size is inside its bounds."""
    own, source = (np.array(x) for x in zip(*pairs, strict=True))

    got = scaled_fit(own, source[None])

    if len(own) < 8:
        assert got.rest[0] == np.inf
        return
    size = 0.5
    if source.std() > 1e-3:
        size = np.clip(np.polyfit(source, own, 1)[0], 0.5, 2)
        left = own - own.mean() - size * (source - source.mean())
        assert got.rest[0] == pytest.approx(np.sqrt((left**2).sum() / (len(own) - 2)), abs=1e-6)
    assert 0 <= got.echo[0] <= 0.98


def test_alike_days_leave_an_echo_and_a_copy_does_not():
    """What tells a noisy copy from honest likeness."""
    rng = np.random.default_rng(5)
    source = np.cumsum(rng.standard_normal(96))
    wander = np.cumsum(0.3 * rng.standard_normal(96))

    copy, alike = (
        scaled_fit(0.8 * source + extra, source[None])
        for extra in (0.3 * rng.standard_normal(96), wander)
    )

    assert copy.echo[0] < 0.3
    assert alike.echo[0] > 0.6


def test_missing_and_constant_rows_make_no_innovations():
    """No scale, no claim."""
    block = Series.of([[np.nan] * 12, [5.0] * 12])

    assert not np.nan_to_num(innovations(block, 4).unit).any()


@given(st.integers(0, 1000), st.integers(8, 14), st.integers(0, 5))
def test_twins_are_those_of_comparing_each_two_rows(seed, length, lag):
    """Oracle correlates every pair of rows."""
    rng = np.random.default_rng(seed)
    moves = rng.standard_normal((3, 40)) * (rng.random((3, 40)) < 0.9)
    moves[2] = 0.3 * np.roll(moves[0], lag)
    ends = np.array([length, 33, 40])

    got = twin_likeness(np.stack([moves, moves[::-1]]), length, ends, lag)[0]

    for at, end in enumerate(ends):
        for i, j in itertools.product(range(3), repeat=2):
            want = _twin_by_hand(moves.astype(np.float32), i, j, (end - length, end, lag))
            assert got[at, i, j] == pytest.approx(want, abs=2e-3, nan_ok=True)


def _twin_by_hand(moves, i, j, span):
    begin, end, lag = span
    if i == j or begin < lag:
        return math.nan
    a, b = moves[i, begin:end].astype(float), moves[j, begin - lag : end - lag].astype(float)
    few = min(np.sum(a != 0), np.sum(b != 0))
    large, small = sorted((math.sqrt(a @ a), math.sqrt(b @ b)), reverse=True)
    if few < 8:
        return math.nan
    rho = (a @ b) / max(large * max(small, large / 2), 1e-6)
    return math.atanh(min(0.999, max(-0.999, rho))) * math.sqrt(few - 3)


@given(hostile.series(max_rows=2, max_columns=40), st.integers(10, 20))
def test_a_link_is_that_of_least_squares_in_each_window(block, length):
    """Oracle fits each window alone; a line needs ten cells and an other that moves."""
    y, x = block.masked[:1], block.masked[-1:] if len(block.values) > 1 else -block.masked[:1]
    ends = np.array([length, max(length, y.shape[1])])
    if y.shape[1] < length:
        return

    got = linear_link(y, x, np.ones(y.shape, bool), ends, length)

    for at, end in enumerate(ends):
        a, b = y[0, end - length : end], x[0, end - length : end]
        both = np.isfinite(a) & np.isfinite(b)
        if both.sum() < 10 or np.ptp(b[both]) < 1e-6:
            assert not got.rest[0, at] > 1e-3 * max(1, np.nanmax(np.abs(a), initial=0))
        elif np.isfinite(got.rest[0, at]):
            left = np.polyval(np.polyfit(b[both], a[both], 1), b[both]) - a[both]
            want = math.sqrt(left @ left / (both.sum() - 2))
            assert got.rest[0, at] == pytest.approx(want, rel=1e-3, abs=1e-3)
            assert got.honest[0, at] <= a[both].std(ddof=1) + 1e-6
