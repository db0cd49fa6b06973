"""Kernels of scatter, memory, runs, steps and digits against slow obvious oracles."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detect.kernels.block_moments import block_moments
from services.detect.kernels.coarse_step import coarse_step
from services.detect.kernels.last_digits import last_digits
from services.detect.kernels.own_line import own_line
from services.detect.kernels.series import Series
from services.detect.kernels.value_runs import value_runs
from services.detect.kernels.window_scatter import window_scatter
from tests.unit.detect import hostile


def _pairs(values, valid, lag):
    return [
        abs(values[t] - values[t - lag])
        for t in range(lag, len(values))
        if valid[t] and valid[t - lag]
    ]


def _windows(block, lag, of):
    """Windows of `size` blocks, one a block, and the scatter that the kernels make of them."""
    cells, size = of
    end = np.arange(size, block.values.shape[1] // cells + 1)
    grid = np.full(block.values.shape[0], 0.5)
    sums = block_moments(block, lag, cells).of(end - size, end, lag // cells)
    return end * cells, window_scatter(sums, grid, size * cells, max(size * cells - lag, 0))


@settings(max_examples=80)
@given(hostile.series(), st.integers(1, 5), st.integers(1, 3), st.integers(1, 5))
def test_window_scatter_is_what_a_loop_over_windows_gives(block, lag, cells, size):
    """Level, sd, mean increment and equal neighbours of each window; NaN where too little is."""
    ends, got = _windows(block, lag, (cells, size))

    length = cells * size
    for i in range(block.values.shape[0]):
        for k, end in enumerate(ends):
            x, ok = (a[i, end - length : end] for a in (block.values, block.valid))
            known, moved = x[ok], _pairs(x, ok, lag)
            if len(known) < max(2, 0.75 * length) or len(moved) < max(1, 0.5 * (length - lag)):
                assert np.isnan([got.level[i, k], got.scatter[i, k], got.step[i, k]]).all()
                continue
            scale = max(1.0, float(np.abs(known).max()))
            spread = math.sqrt(statistics.variance(known) + 0.25 / 12)
            step = math.sqrt(math.pi / 4 * statistics.fmean(moved) ** 2 + 0.25 / 12)
            assert got.level[i, k] == pytest.approx(statistics.fmean(known), abs=1e-9 * scale)
            assert got.scatter[i, k] == pytest.approx(spread, abs=1e-6 * scale)
            assert got.step[i, k] == pytest.approx(step, abs=1e-6 * scale)
            assert got.equal[i, k] == pytest.approx(sum(m == 0 for m in moved) / len(moved))


def _line_by_hand(past, x, y, *, overlap, floor):
    """Distance of (x, y) from the line through earlier points, as the docstring says."""
    n = len(past)
    mx, my = (statistics.fmean(p[j] for p in past) for j in (0, 1))
    vx = sum((p[0] - mx) ** 2 for p in past) / n
    vy = sum((p[1] - my) ** 2 for p in past) / n
    cov = sum((p[0] - mx) * (p[1] - my) for p in past) / n
    slope = min(max(cov / (vx + 0.02), 0.0), 1.5)
    left = max(vy - 2 * slope * cov + slope**2 * vx, 0.0) + floor**2
    m = max(n / overlap, 1.0)
    beside = min(x, max(p[0] for p in past)) - mx
    t = (y - my - slope * beside) / math.sqrt(left * (1 + 1 / m + beside**2 / (m * (vx + 0.05))))
    f = 2 * max(m - 1, 0.5)
    return math.copysign(math.sqrt(f * math.log1p(t * t / f)), t)


@settings(max_examples=50)
@given(
    hostile.series(max_columns=30),
    hostile.series(max_columns=30),
    st.integers(1, 4),
    st.integers(0, 9),
)
def test_own_line_is_a_regression_on_the_windows_that_ended_before(left, right, apart, first):
    """Oracle fits every window's own line by hand; too little past is NaN, not a guess."""
    width = min(left.values.shape[1], right.values.shape[1])
    rows = min(left.values.shape[0], right.values.shape[0])
    y = left.masked[:rows, :width] / 10
    x = right.masked[:rows, :width] / 10

    first = min(first, width)
    got = own_line(y, x, apart=apart, overlap=1.5, first=first, least=2.0, floor=0.2)

    assert np.isnan(got.z[:, :first]).all()
    for i in range(rows):
        for k in range(first, width):
            past = [
                (x[i, j], y[i, j])
                for j in range(max(k - apart + 1, 0))
                if np.isfinite([x[i, j], y[i, j]]).all()
            ]
            if len(past) < 3 or not np.isfinite([x[i, k], y[i, k]]).all():
                assert np.isnan(got.z[i, k])
                continue
            want = _line_by_hand(past, x[i, k], y[i, k], overlap=1.5, floor=0.2)
            assert got.z[i, k] == pytest.approx(want, rel=1e-4, abs=1e-4)


@settings(max_examples=50)
@given(hostile.series(), st.integers(1, 3), st.integers(0, 3))
def test_value_runs_are_what_a_walk_finds(block, hold, max_gap):
    """Oracle walks each row from cell to cell."""
    want = []
    for i in range(block.values.shape[0]):
        runs: list[list[float]] = []
        for t in np.flatnonzero(block.valid[i]):
            value = block.values[i, t]
            if runs and runs[-1][2] == value and t - runs[-1][1] <= max_gap:
                runs[-1][1], runs[-1][3] = t + 1, runs[-1][3] + 1
            else:
                runs.append([t, t + 1, value, 1])
        want += [(i, b, e, v, max(1, round(n / hold))) for b, e, v, n in runs]

    got = value_runs(block, np.full(block.values.shape[0], hold), max_gap)

    assert list(zip(*(a.tolist() for a in got), strict=True)) == want


@settings(max_examples=50)
@given(hostile.series(), st.integers(3, 12))
def test_coarse_step_divides_the_moves_it_counts(block, cells):
    """Oracle counts, with the kernel's own step, the moves of each window that are multiples."""
    grid = np.full(block.values.shape[0], 0.01)

    got = coarse_step(block, grid, cells, 2)

    for i in range(block.values.shape[0]):
        for k, end in enumerate(got.end):
            part = slice(end - cells, end)
            moves = [m for m in _pairs(block.values[i, part], block.valid[i, part], 1) if m > 0.005]
            assert got.moves[i, k] == len(moves)
            if np.isnan(got.step[i, k]):
                assert len(moves) < 2
                continue
            step = got.step[i, k]
            on = sum(abs(m - round(m / step) * step) <= 0.006 for m in moves)
            assert got.share[i, k] == pytest.approx(on / len(moves))


def test_coarse_step_finds_the_step_of_a_converted_unit():
    """Values rounded to 5, converted by .437 and rounded again: no decimal grid tells it."""
    raw = np.random.default_rng(3).normal(60, 20, 72)
    values = np.round(np.round(raw / 5) * 5 * 0.437, 3)

    got = coarse_step(Series.of(values), [0.004], 72, 72)

    assert got.step[0, 0] == pytest.approx(5 * 0.437, rel=1e-3)
    assert got.share[0, 0] == 1


@settings(max_examples=50)
@given(hostile.series(max_columns=40), st.integers(4, 10))
def test_last_digits_counts_fresh_digits_in_the_window_and_before(block, cells):
    """Oracle counts with a loop; the chi-square is that of two samples."""
    grid = np.full(block.values.shape[0], 0.01)

    got = last_digits(block, grid, (cells, cells), 1, least=3)

    for i in range(block.values.shape[0]):
        fresh, last = {}, None
        for t in np.flatnonzero(block.valid[i]):
            steps = round(block.values[i, t] / 0.01)
            if last is not None and steps != last:
                fresh[int(t)] = (steps % 10, abs(steps - last))
            last = steps
        for k, end in enumerate(got.end):
            now = [v for t, v in fresh.items() if end - cells <= t < end]
            past = [v for t, v in fresh.items() if t < end - cells - 1]
            far = all(sum(v[1] for v in some) >= 5 * len(some) for some in (now, past))
            if min(len(now), len(past)) < 3 or not far:
                assert np.isnan(got.z[i, k])
                continue
            n, m = len(now), len(past)
            q, p = ([sum(v[0] == d for v in some) for d in range(10)] for some in (now, past))
            chi2 = sum(
                (math.sqrt(m / n) * a - math.sqrt(n / m) * b) ** 2 / (a + b)
                for a, b in zip(q, p, strict=True)
                if a + b
            )
            z = ((chi2 / 9) ** (1 / 3) - (1 - 2 / 81)) / math.sqrt(2 / 81)
            assert got.z[i, k] == pytest.approx(z, abs=1e-9)


def test_empty_blocks_give_no_windows():
    """A block without cells is no error."""
    none = Series.of(np.zeros((2, 0)))

    assert block_moments(none, 1, 4).sums.shape == (9, 2, 1)
    assert coarse_step(none, [1.0, 1.0], 4, 2).step.shape == (2, 0)
    assert last_digits(none, [1.0, 1.0], (4, 2), 0).z.shape == (2, 0)
    assert len(value_runs(none, [1, 1], 0).row) == 0
