"""Constant runs, the series profile and low variance against slow obvious oracles."""

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.detect.kernels.constant_run import constant_run
from services.detect.kernels.low_variance import low_variance
from services.detect.kernels.run_threshold import run_threshold
from services.detect.kernels.segment_scatter import Scatter, segment_scatter
from services.detect.kernels.series import Series
from services.detect.kernels.series_profile import series_profile
from tests.unit.detect import hostile


def test_run_threshold_gives_the_reference_vectors(vectors):
    """D02 for p from 0.02 to 0.7."""
    for case in vectors["constant_run"]["cases"]:
        assert run_threshold(case["p"], case["n"], case["a"]) == case["want"]


@pytest.mark.parametrize(("p", "n"), [(1.0, 10), (math.nan, 10), (0.1, 0), (-0.1, 10), (1.5, 10)])
def test_run_threshold_judges_nothing_it_cannot(p, n):
    """No share, no values or a share of one: infinity, which no run reaches."""
    assert run_threshold(p, n) == math.inf


def test_run_threshold_of_a_series_that_never_repeats_is_one():
    """Zero is a share, not an absence."""
    assert run_threshold(0.0, 2160) == 1


def _runs_by_hand(values, valid, max_gap):
    """Start and length of the run at each cell, walking."""
    start, length, last, out = -1, 0, None, []
    for j, (value, usable) in enumerate(zip(values, valid, strict=True)):
        if not usable:
            out.append((-1, 0))
            continue
        if last is not None and values[last] == value and j - last <= max_gap + 1:
            length += 1
        else:
            start, length = j, 1
        last = j
        out.append((start, length))
    return out


@given(hostile.series(), st.integers(1, 4), st.integers(0, 3), st.sampled_from([0.0, 0.2, 0.9]))
def test_constant_run_counts_as_a_walk_does(block, hold, max_gap, share):
    """Oracle walks each row; the threshold comes from the formula tested above."""
    got = constant_run(
        block, hold=hold, repeat_share=share, lookback=2160, max_gap=max_gap, min_cycles=3
    )

    bound = run_threshold(share, 2160 / hold) if share <= 0.7 else math.inf
    for i in range(block.values.shape[0]):
        walked = _runs_by_hand(block.values[i], block.valid[i], max_gap)
        for j, (start, length) in enumerate(walked):
            assert got.start[i, j] == start
            assert got.cycles[i, j] == length // hold
            enough = length // hold >= max(bound, 3) and length >= 6
            assert bool(got.constant[i, j]) == (enough and bool(block.valid[i, j]))


@given(hostile.series())
def test_profile_learns_grid_hold_and_floor_as_written(block):
    """Oracle for the first three numbers of the profile on hostile blocks."""
    got = series_profile(block)

    for i in range(block.values.shape[0]):
        numbers = block.values[i][block.valid[i]]
        different = sorted(set(numbers.tolist()))
        steps = [
            b - a for a, b in itertools.pairwise(different)
            if b - a > 1e-9 * (abs(a) + abs(b))
        ]  # fmt: skip
        grid = min(steps, default=0.0)
        assert got.grid[i] == grid
        walked = _runs_by_hand(block.values[i], block.valid[i], 2)
        lengths = {start: length for start, length in walked if length}
        hold = statistics.median_low(lengths.values()) if lengths else 1
        assert got.hold[i] == hold
        assert got.known[i] == len(numbers)
        if len(numbers) and grid > 0:
            edge = min(numbers) + 2.5 * grid
            at_floor = sum(n <= edge for n in numbers) / len(numbers) >= 0.03
            assert got.floor[i] == (edge if at_floor else -math.inf)


def test_profile_of_a_held_analyser_counts_analyses_not_hours():
    """A 2 h analyser sends every value twice; its own repeat share is that of the analyses."""
    noise = np.random.default_rng(4).normal(50, 8, 1080).round(1)
    held = np.repeat(noise, 2)

    own = series_profile(Series.of(held))
    runs = constant_run(
        Series.of(np.concatenate([held, np.full(24, 50.0)])),
        hold=own.hold,
        repeat_share=own.repeat_share.max(),
        lookback=own.known,
    )

    assert own.hold.tolist() == [2]
    assert own.repeat_share.max() < 0.05
    assert runs.cycles[0, -1] == 12
    assert runs.constant[0, -1]
    assert not runs.constant[0, :-24].any()


def test_a_series_of_one_value_is_never_called_constant():
    """Share one, so the threshold is infinite: a series dead for 90 days needs another test."""
    flat = Series.of(np.full(500, 2.0))

    own = series_profile(flat)
    runs = constant_run(
        flat, hold=own.hold, repeat_share=own.repeat_share_of(flat.values), lookback=own.known
    )

    assert not runs.constant.any()


@given(hostile.series(), st.sampled_from([1, 4, 8]))
def test_segment_scatter_is_the_formula_over_each_segment(block, slots):
    """Oracle with the statistics module."""
    got = segment_scatter(block, np.full(block.values.shape[0], 0.4), slots)

    for i in range(block.values.shape[0]):
        for k in range(block.values.shape[1] // slots):
            cells = range(k * slots, (k + 1) * slots)
            numbers = [block.values[i, j] for j in cells if block.valid[i, j]]
            pairs = [
                abs(block.values[i, j + 1] - block.values[i, j]) for j in cells[:-1]
                if block.valid[i, j] and block.valid[i, j + 1]
            ]  # fmt: skip
            if len(numbers) < max(2, 0.75 * slots) or not pairs:
                assert math.isnan(got.scatter[i, k])
                continue
            want = 0.5 * statistics.stdev(numbers) + 0.5 * statistics.mean(pairs) + 0.1
            assert got.scatter[i, k] == pytest.approx(want, rel=1e-9, abs=1e-9)
            assert got.level[i, k] == pytest.approx(statistics.mean(numbers), rel=1e-9, abs=1e-9)


def _history(seed, days=60, sd=0.35, slope=0.7):
    """Scatter that follows a level line with lognormal residuals."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.normal(4, 0.3, (1, days * 3)))
    return Scatter(np.exp(-1 + slope * np.log(level) + rng.normal(0, sd, level.shape)), level)


def _z_by_hand(test_s, test_level, s, level):
    """The fit of one part of the day, step by step with numpy's own least squares."""
    x, y = np.log(level), np.log(s)
    kept = np.ones(len(x), bool)
    for _ in range(3):
        b = min(max(np.polyfit(x[kept], y[kept], 1)[0], 0.0), 1.5)
        a = y[kept].mean() - b * x[kept].mean()
        rest = y - a - b * x
        mad = 1.4826 * np.median(np.abs(rest - np.median(rest)))
        kept = np.abs(rest - np.median(rest)) <= 3 * mad
    return (math.log(test_s) - a - np.median(rest) - b * math.log(test_level)) / mad


@pytest.mark.parametrize("seed", range(5))
def test_low_variance_is_the_residual_of_the_own_line(seed):
    """Each part of the day against its own part's history, as numpy fits it."""
    own = _history(seed)
    now = Scatter(np.array([[1.0, 5.0, 20.0]]), np.array([[40.0, 60.0, 80.0]]))

    got = low_variance(now, own).z

    for part in range(3):
        want = _z_by_hand(
            now.scatter[0, part], now.level[0, part], own.scatter[0, part::3], own.level[0, part::3]
        )
        assert got[0, part] == pytest.approx(want, rel=1e-6)


def test_low_variance_is_not_evaluated_on_a_short_history():
    """29 days are not 30; 30 are."""
    now = Scatter(np.full((1, 3), 0.1), np.full((1, 3), 50.0))

    assert np.isnan(low_variance(now, _history(1, days=29)).z).all()
    assert (low_variance(now, _history(1, days=30)).z < -4).all()


@given(hostile.series(columns=st.sampled_from([24, 48, 240])), st.sampled_from([0, 3]))
def test_low_variance_survives_hostile_blocks(block, min_history):
    """Zero and negative levels, nothing valid, constants: NaN or a number, never an infinity."""
    own = segment_scatter(block, series_profile(block).grid, 8)

    got = low_variance(own, own, min_history=min_history)

    assert got.z.shape == own.scatter.shape
    assert not np.isinf(got.z).any()
    assert np.isnan(got.z[~(own.scatter > 0) | ~(own.level > 0)]).all()


def test_low_variance_of_an_empty_reference_is_not_evaluated():
    """No history at all is a short history."""
    empty = Scatter(np.empty((2, 0)), np.empty((2, 0)))
    now = Scatter(np.ones((2, 3)), np.ones((2, 3)))

    assert np.isnan(low_variance(now, empty).z).all()
