"""Kernels of level and of checks, against slow obvious oracles."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.detect.kernels.ceiling_pressure import ceiling_pressure
from services.detect.kernels.day_quantile import day_quantile
from services.detect.kernels.grid_change import grid_change
from services.detect.kernels.one_sided_errors import one_sided_errors
from services.detect.kernels.record_low import record_low
from services.detect.kernels.repeated_top import repeated_top
from services.detect.kernels.series import Series
from services.detect.kernels.sharp_edge import sharp_edge
from services.detect.kernels.sliding_extreme import sliding_extreme
from services.detect.kernels.small_errors import small_errors
from services.detect.kernels.straight_trend import straight_trend
from services.detect.kernels.tail_score import tail_score
from tests.unit.detect import hostile


def _numbers(values):
    return [v for v in values if np.isfinite(v)]


@given(hostile.series(), st.integers(1, 7), st.integers(0, 4))
def test_sliding_extreme_is_the_largest_of_the_window(block, width, delay):
    """Oracle takes the maximum of each slice."""
    x = np.where(block.valid, block.values, -np.inf)

    got = sliding_extreme(x, width, delay)

    for row, values in enumerate(x.tolist()):
        for t in range(len(values)):
            window = values[max(0, t - delay - width + 1) : max(0, t - delay + 1)]
            assert got[row, t] == max(window, default=-np.inf)


@given(hostile.series(), st.integers(1, 4), st.integers(1, 3))
def test_sharp_edge_is_the_gap_between_two_plateaus(block, plateau, gap):
    """Oracle takes least and largest of both sides of each cell."""
    got = sharp_edge(block, 10.0, plateau=plateau, up=[gap], down=[gap])

    for row, values in enumerate(block.masked):
        for t in range(len(values)):
            after = _numbers(values[max(0, t - plateau + 1) : t + 1])
            last = t - plateau - gap + 2
            before = _numbers(values[max(0, last - plateau) : max(0, last)])
            if not after or not before:
                assert got.up[row, t] == -np.inf
                continue
            up = (min(after) - max(before)) / math.sqrt(max(*before, 2.0))
            down = (min(before) - max(after)) / math.sqrt(max(*after, 2.0))
            assert got.up[row, t] == pytest.approx(up)
            assert got.down[row, t] == pytest.approx(down)


@given(hostile.series(), st.integers(3, 20), st.integers(0, 20), st.integers(1, 6))
def test_tail_score_is_the_hill_tail_of_the_past_blocks(block, size, least, top):
    """Oracle sorts the whole past of each cell's block."""
    y = block.masked

    got = tail_score(y, block=size, least=least, top=top)

    for row, values in enumerate(y):
        for t, value in enumerate(values):
            begin = t // size * size
            past = sorted(_numbers(values[:begin]), reverse=True)
            usable = begin >= least and len(past) >= 2 * top and past[top] > 0
            if not usable or not value > past[top]:
                assert np.isnan(got.score[row, t])
                continue
            xi = float(np.clip(np.mean([math.log(v / past[top]) for v in past[:top]]), 0.2, 0.8))
            want = math.log10(len(past) / top) + math.log10(value / past[top]) / xi
            assert got.score[row, t] == pytest.approx(want)
            assert got.value_at(row, t, float(got.score[row, t])) == pytest.approx(value)


@given(hostile.series(), st.integers(1, 8), st.integers(2, 9), st.integers(0, 20))
def test_ceiling_pressure_adds_the_chances_of_not_crossing(block, window, size, least):
    """Oracle walks the window of each cell with the moves of the past blocks."""
    limit = np.full(len(block.values), 8.0)

    got = ceiling_pressure(block, limit, window=window, block=size, least=least)

    for row, values in enumerate(block.masked):
        for t in range(len(values)):
            want = _pressure(values, t, 8.0, (window, size, least))
            if want is None:
                assert np.isnan(got.evidence[row, t])
            else:
                assert got.evidence[row, t] == pytest.approx(want, abs=1e-9)


def _moves(values, end):
    past = values[:end]
    known = sorted(_numbers(past))
    if not known:
        return None
    high = known[min(int(len(known) * 0.8), len(known) - 1)]
    sizes = [
        abs(b - a)
        for a, b in itertools.pairwise(past)
        if np.isfinite(a) and np.isfinite(b) and a >= high and a != b
    ]
    return 1.2533 * sum(sizes) / len(sizes) if sizes else None


def _pressure(values, t, limit, sizes):
    window, size, least = sizes
    begin = t // size * size
    if begin < least or begin == 0 or _moves(values, begin) is None:
        return None
    total = 0.0
    for k in range(max(0, t - window + 1), t + 1):
        now, before = values[k], values[k - 1] if k else np.nan
        if np.isfinite(now) and now > limit:
            return None
        moves = _moves(values, k // size * size) if k // size * size >= least else None
        if moves is None or not np.isfinite(now) or not np.isfinite(before) or now == before:
            continue
        room = min(max((limit - before) / moves, 0.0), 40.0)
        total += math.log10(1 + math.exp(-1.702 * room))
    return total


@given(hostile.series(), st.sampled_from([1, 4, 24]), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_day_quantile_is_the_nearest_rank_of_the_day(block, per_day, share):
    """Oracle sorts each day."""
    got = day_quantile(block, per_day, share)

    for row, values in enumerate(block.masked):
        for day in range(len(values) // per_day):
            known = sorted(_numbers(values[day * per_day : (day + 1) * per_day]))
            if len(known) < max(1, per_day / 2):
                assert np.isnan(got[row, day])
            else:
                assert got[row, day] == known[int(share * (len(known) - 1))]


@given(hostile.series(max_columns=30))
def test_record_low_measures_the_mean_against_all_earlier_means(block):
    """Oracle computes each day's breach from scratch, then adds three."""
    days = block.masked

    got = record_low(days, least=5)

    for row, values in enumerate(days):
        mean = [_mean(values[max(0, d - 1) : d + 1], 2) for d in range(len(values))]
        breach = [_breach(mean, d) for d in range(len(values))]
        for day, one in enumerate(breach):
            if np.isnan(one):
                assert np.isnan(got.score[row, day])
                continue
            last = [max(b, -0.5) for b in breach[max(0, day - 2) : day + 1] if np.isfinite(b)]
            if len(last) >= 1.5:
                assert got.score[row, day] == pytest.approx(3 * sum(last) / len(last), rel=1e-6)


def _mean(values, width):
    known = _numbers(values)
    return sum(known) / len(known) if len(known) >= width / 2 else np.nan


def _breach(mean, day):
    past = _numbers(mean[: max(0, day - 2)])
    if day < 5 or len(past) < 2.5 or not np.isfinite(mean[day]):
        return np.nan
    return (min(past) - mean[day]) / max(float(np.median(past)) - min(past), 0.05)


@given(hostile.series(max_columns=30), st.integers(4, 8))
def test_straight_trend_is_the_least_squares_line(block, width):
    """Oracle is numpy's polynomial fit of each window."""
    days = block.masked

    got = straight_trend(days, width=width)

    for row, values in enumerate(days):
        for day in range(width - 1, len(values)):
            window = values[day - width + 1 : day + 1]
            at = np.flatnonzero(np.isfinite(window))
            if len(at) < 0.8 * width:
                assert np.isnan(got.t[row, day])
                continue
            slope, cut = np.polyfit(at, window[at], 1)
            scale = max(1.0, float(np.abs(window[at]).max()))
            assert got.change[row, day] == pytest.approx(slope * width, abs=1e-6 * scale)
            rest = window[at] - slope * at - cut
            error = math.sqrt(rest @ rest / (len(at) - 2) / ((at - at.mean()) ** 2).sum())
            t = slope / max(error, 0.02 / width)
            assert got.t[row, day] == pytest.approx(t, rel=1e-3, abs=1e-3 * scale)


@given(hostile.series(max_columns=60))
def test_a_series_never_leaves_its_own_comb(block):
    """Whatever the values: against itself the share off the comb is nearly none."""
    found = grid_change(block, block)

    assert np.all(np.isnan(found.off) | (found.off <= 0.03))


@pytest.mark.parametrize("factor", [0.45, 0.62, 0.83, 1.21])
def test_a_factor_moves_the_comb_and_rounding_hides_it(factor):
    """Multiplied values step by the factor; multiplied and rounded again they do not."""
    rng = np.random.default_rng(3)
    honest = np.round(rng.gamma(9.0, 4.0, 240))
    own = Series.of(honest)

    cut = grid_change(Series.of(np.round(honest * factor, 4)), own)
    hidden = grid_change(Series.of(np.round(honest * factor)), own)

    assert cut.off[0] > 0.8
    assert cut.after[0] / cut.before[0] == pytest.approx(factor, rel=0.01)
    assert hidden.off[0] == 0


@given(hostile.series(max_columns=25), st.integers(4, 12))
def test_repeated_top_counts_days_at_the_largest_value(block, width):
    """Oracle counts ties with the maximum of each window."""
    days = block.masked

    got = repeated_top(days, width=width, least=3)

    for row, values in enumerate(days):
        if len(values) < width // 2:
            continue
        for day in range(len(values)):
            window = _numbers(values[max(0, day - width + 1) : day + 1])
            if len(window) < width / 2:
                assert np.isnan(got.days[row, day])
                continue
            top = [v for v in window if math.isclose(v, max(window))]
            assert got.days[row, day] == len(top)
            assert np.isfinite(got.score[row, day]) == (len(top) >= 3)


@given(hostile.series(max_columns=20), st.integers(1, 7))
def test_checks_that_lean_are_counted_in_the_last_valid_ones(block, window):
    """Oracle adds up the binomial tail of each check."""
    errors = Series.of(block.values / 5, block.valid)

    leaning = one_sided_errors(errors, window=window)
    small = small_errors(errors, window=window)

    for row in range(len(errors.values)):
        seen = []
        for k, value in enumerate(errors.masked[row]):
            if not np.isfinite(value):
                assert np.isnan(leaning[row, k])
                continue
            seen.append(value)
            last = seen[-window:]
            if len(last) < window:
                assert np.isnan(leaning[row, k])
                continue
            side = max(sum(v > 0.5 for v in last), sum(v < -0.5 for v in last))
            chance = 2 * sum(
                math.comb(window, j) * 0.16**j * 0.84 ** (window - j)
                for j in range(side, window + 1)
            )
            assert leaning[row, k] == pytest.approx(max(0.0, -math.log10(chance)))
            assert 0 <= small[row, k] <= 16


def test_small_errors_are_rare_for_honest_instruments():
    """Errors of the stated repeatability score above 2 in about one window of a hundred."""
    rng = np.random.default_rng(4)
    errors = Series.of(0.1 * rng.standard_normal((4000, 8)))

    score = small_errors(errors)[:, -1]

    assert 0.004 < np.mean(score > 2) < 0.02
