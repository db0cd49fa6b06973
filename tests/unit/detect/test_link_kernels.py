"""Kernels of links, states, gaps, marks and rhythms against slow obvious oracles."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.detect.kernels.covered_peaks import covered_peaks
from services.detect.kernels.day_shift import day_shift
from services.detect.kernels.dilution_identity import dilution_identity
from services.detect.kernels.link_shift import Reference, Windows, link_shift
from services.detect.kernels.rare_state import rare_state
from services.detect.kernels.repeated_gaps import repeated_gaps
from services.detect.kernels.response_lag import response_lag
from services.detect.kernels.row_median import row_median
from services.detect.kernels.series import Series
from services.detect.kernels.visit_ranks import visit_ranks
from services.detect.kernels.window_mean import window_mean
from tests.unit.detect import hostile

NAN = math.nan


@given(hostile.series())
def test_row_median_is_the_median_of_the_numbers(block):
    """Oracle: the statistics module, row by row."""
    got = row_median(block.masked)

    for row, found in zip(block.masked.tolist(), got, strict=True):
        numbers = [v for v in row if not math.isnan(v)]
        assert found == pytest.approx(statistics.median(numbers) if numbers else NAN, nan_ok=True)


@given(hostile.series(), st.integers(1, 9), st.integers(1, 4))
def test_window_mean_is_the_mean_of_each_window(block, window, step):
    """Oracle: a walk over the windows; half of a window must be known."""
    got = window_mean(block, window, step)

    for end, column in zip(got.end.tolist(), got.mean.T, strict=True):
        assert end % step == 0
        for row, found in zip(block.masked[:, end - window : end].tolist(), column, strict=True):
            known = [v for v in row if not math.isnan(v)]
            want = statistics.fmean(known) if len(known) >= max(1, window / 2) else NAN
            assert found == pytest.approx(want, abs=1e-9, nan_ok=True)
    assert got.end.size == max(0, block.values.shape[1] // step - -(-window // step) + 1)


def _link_by_hand(y, x, end, per_day, k, own):
    """z, expected and scale of window k without level classes, walking."""
    today = (end[k] - 1) // per_day
    past = [
        j for j in range(len(end))
        if end[j] <= today * per_day - own.guard and (end[j] - 1) // per_day >= today - own.days
        and math.isfinite(y[j]) and math.isfinite(x[j])
    ]  # fmt: skip
    if len(past) < own.least or not (math.isfinite(y[k]) and math.isfinite(x[k])):
        return NAN, NAN, NAN
    ys, xs = np.array([y[j] for j in past]), np.array([x[j] for j in past])
    kept = np.ones(len(past), bool)
    for _ in range(3):
        b = 0.0
        if kept.any():
            dx, dy = xs[kept] - xs[kept].mean(), ys[kept] - ys[kept].mean()
            if (dx**2).sum() > 1e-12 * (xs[kept] ** 2).sum():
                b = (dx * dy).sum() / (dx**2).sum()
        a = statistics.median((ys - b * xs).tolist())
        apart = np.abs(ys - b * xs - a)
        kept = apart <= max(3 * 1.4826 * statistics.median(apart.tolist()), own.least_scale)
    residual = ys - a - b * xs
    middle = statistics.median(residual.tolist())
    mad = 1.4826 * statistics.median(np.abs(residual - middle).tolist())
    scale = max(mad, own.least_scale)
    expected = a + middle + b * min(max(x[k], xs.min()), xs.max())
    return (y[k] - expected) / scale, expected, scale


@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([0.0, 0.2, 1.0]))
def test_link_shift_judges_as_a_line_fitted_by_hand(seed, linked, gaps):
    """Oracle on random links with gaps and outliers; each day by earlier days alone."""
    rng = np.random.default_rng(seed)
    x = rng.normal(5, 2, (2, 48))
    y = 3 - 0.5 * x * linked + rng.normal(0, 0.1, x.shape)
    y[rng.random(y.shape) < 0.05] = 1e6
    y[rng.random(y.shape) < gaps] = NAN
    x[1, 40] = np.inf
    end = np.arange(2, 98, 2)
    own = Reference(days=8, guard=4, least=6, least_scale=0.01)
    judged = np.ones(y.shape, bool)
    judged[1, ::2] = False

    got = link_shift(y, x, Windows(end, 8, judged), own)

    for i in range(2):
        for k in range(48):
            want = _link_by_hand(y[i], x[i], end, 8, k, own) if judged[i, k] else (NAN, NAN, NAN)
            found = got.z[i, k], got.expected[i, k], got.scale[i, k]
            assert found == pytest.approx(want, rel=1e-6, abs=1e-6, nan_ok=True)


def test_link_shift_by_classes_knows_where_a_link_bends_and_scatters():
    """A link of two levels, one noisy: each class has its own middle, scatter and tails."""
    rng = np.random.default_rng(4)
    x = np.tile([1.0, 2.0, 9.0, 10.0], 60)[None, :]
    y = np.where(x < 5, 0.3, 6.0) + np.where(x < 5, 0.01, 1.0) * rng.standard_normal(x.shape)
    y[0, -2:] = 4.5  # far in the quiet class, nothing in the noisy one
    x[0, -2:] = [1.5, 9.5]
    windows = Windows(np.arange(1, 241), 4, np.ones(x.shape, bool))

    got = link_shift(y, x, windows, Reference(90, 4, 20, least_scale=0.01, classes=2))

    assert got.z[0, -2] > 5
    assert abs(got.z[0, -1]) < 3
    assert got.low[0, -1] < -1 < 1 < got.high[0, -1]


def test_link_shift_leaves_out_windows_below_the_busy_share():
    """Idle windows are neither judged nor learnt from."""
    x = np.tile([1.0, 1.0, 5.0, 6.0], 30)[None, :]
    y = np.where(x < 2, 99.0, x) + 0.01 * np.sin(np.arange(120.0))
    windows = Windows(np.arange(1, 121), 4, np.ones(x.shape, bool))

    got = link_shift(y, x, windows, Reference(90, 4, 20, least_scale=0.01, x_above=0.6))

    assert np.isnan(got.z[0, x[0] < 2]).all()
    assert np.nanmax(np.abs(got.z)) < 4


def test_link_shift_takes_a_day_only_from_days_before_it_and_its_guard():
    """What comes later, or within the guard, changes nothing."""
    rng = np.random.default_rng(8)
    y = rng.standard_normal((1, 80))
    later = y.copy()
    later[0, 60:] += 50
    windows = Windows(np.arange(1, 81), 4, np.ones(y.shape, bool))

    first, second = (
        link_shift(values, None, windows, Reference(30, 8, 10)) for values in (y, later)
    )

    np.testing.assert_array_equal(first.z[0, :60], second.z[0, :60])
    np.testing.assert_array_equal(first.scale[0, :68], second.scale[0, :68])


@pytest.mark.parametrize(
    ("change", "oxygen", "up", "share", "follow"),
    [
        ([math.log(0.6)], 20.9 - 0.6 * 14.9, True, 0.4, True),
        ([0.0, NAN], 20.9 - 0.6 * 14.9, True, 0.4, False),
        ([math.log(0.5)] * 3, 3.0, False, 0.5, True),
        ([0.02], 3.0, False, 0.5, False),
        ([NAN], 3.0, False, 0.5, False),
        ([-9.0], 6.0, True, 0.0, False),
        ([0.0], 1e9, True, 1 - 0.05 / 14.9, False),
    ],
)
def test_dilution_identity_names_air_nitrogen_and_a_false_oxygen(change, oxygen, up, share, follow):
    """The arithmetic of domain G.3.5 with 6 % oxygen expected, and what cannot be."""
    told = dilution_identity(np.array(change), oxygen, 6.0)

    assert told.oxygen_up is up
    assert told.share == pytest.approx(share)
    assert told.gases_follow is follow


@given(hostile.series(), hostile.series(), st.integers(1, 12))
def test_rare_state_counts_as_a_walk_does(states, asks, per_day):
    """Oracle walks each row: runs, own share before today, days asked."""
    cells = min(states.values.shape[1], asks.values.shape[1])
    rows = min(len(states.values), len(asks.values))
    state = states.values[:rows, :cells] > 0
    asked = asks.valid[:rows, :cells]

    got = rare_state(state, asked, per_day, least_share=0.01, min_days=1)

    for i in range(rows):
        run = 0
        for t in range(cells):
            today = t // per_day * per_day
            before = [state[i, u] for u in range(today) if asked[i, u]]
            if asked[i, t]:
                run = run + 1 if state[i, t] else 0
            shown = run if asked[i, t] and state[i, t] else 0
            share = (sum(before) + 0.01 * per_day) / (len(before) + per_day)
            hours = max(shown * 24 / per_day, 1) if shown else 0
            want = math.sqrt(hours) * -math.log(max(share, 0.01))
            assert got.run[i, t] == shown
            enough = len(before) >= per_day
            assert got.score[i, t] == pytest.approx(want if enough else NAN, nan_ok=True)


@given(hostile.series(max_columns=70), st.integers(1, 6), st.integers(1, 8))
def test_visit_ranks_rank_as_counting_does(level, per_day, days):
    """Oracle: count earlier days at the same time of day."""
    visits = np.zeros(level.values.shape, bool)
    visits[:, ::3] = True

    got = visit_ranks(level, visits, per_day, days=days)

    for i, t in np.ndindex(*level.values.shape):
        past = [
            level.values[i, t - k * per_day] for k in range(1, days + 1)
            if t >= k * per_day and level.valid[i, t - k * per_day]
        ]  # fmt: skip
        want = NAN
        if visits[i, t] and level.valid[i, t] and len(past) >= 5:
            now = level.values[i, t]
            want = (sum(p < now for p in past) + sum(p == now for p in past) / 2) / len(past)
        assert got[i, t] == pytest.approx(want, nan_ok=True)


def _mean_day(days):
    """Mean of each of 8 hours over the days that know it."""
    known = [[day[h] for day in days if math.isfinite(day[h])] for h in range(8)]
    return np.array([statistics.fmean(values) if values else NAN for values in known])


@given(hostile.series(columns=st.sampled_from([0, 40, 80, 96])), st.integers(0, 4))
def test_day_shift_is_the_correlation_of_rolled_mean_days(block, reach):
    """Oracle: mean days of 8 hours by hand, np.corrcoef of their rolls."""
    days = block.masked.reshape(len(block.values), -1, 8)
    days = days + np.arange(8) % 3  # a flat day has no shape and is tested below

    got = day_shift(days, recent=2, history=4, reach=reach)

    assert got.lags.tolist() == list(range(-reach, reach + 1))
    for i, d in np.ndindex(*days.shape[:2]):
        now = _mean_day(days[i, max(0, d - 1) : d + 1])
        past = _mean_day(days[i, max(0, d - 5) : max(0, d - 1)])
        whole = min(np.isfinite(now).sum(), np.isfinite(past).sum()) >= 6
        filled = [np.where(np.isfinite(m), m, np.nanmean(m)) if whole else m for m in (now, past)]
        for k, lag in enumerate(got.lags):
            if not whole or min(np.ptp(m) for m in filled) < 1e-6:
                continue
            want = np.corrcoef(filled[0], np.roll(filled[1], lag))[0, 1]
            assert got.likeness[i, d, k] == pytest.approx(want, abs=1e-6)
        if not whole:
            assert np.isnan(got.likeness[i, d]).all()


def test_day_shift_of_a_flat_or_missing_series_is_unknown():
    """No shape, no shift."""
    flat = np.full((1, 10, 24), 3.0)

    assert np.isnan(day_shift(flat, recent=2, history=9, reach=3).likeness).all()
    assert np.isnan(day_shift(flat * NAN, recent=2, history=9, reach=3).likeness).all()


@given(st.integers(0, 2**32 - 1), st.integers(0, 3), st.sampled_from([0.0, 0.3, 1.0]))
def test_response_lag_is_the_best_of_all_lags_by_hand(seed, lag, gaps):
    """Oracle sums over pairs of increments, day by day."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.standard_normal((1, 40)), 1)
    y = np.roll(x, lag) * -2
    y[rng.random(y.shape) < gaps] = NAN

    got = response_lag(x, y, 8, days=2, longest=4)

    dx, dy = ([NAN, *np.diff(v[0])] for v in (x, y))
    for d in range(5):
        span = range(max(0, d - 1) * 8, d * 8 + 8)
        clean = [[v if math.isfinite(v) else 0.0 for v in part] for part in (dx, dy)]
        scale = math.sqrt(sum(clean[0][t] ** 2 for t in span) * sum(clean[1][t] ** 2 for t in span))
        known = min(sum(math.isfinite(part[t]) for t in span) for part in (dx, dy))
        if known < 4 or scale == 0:
            assert np.isnan(got.strength[0, d])
            continue
        r = [
            abs(sum(clean[0][t - k] * clean[1][t] for t in span if t >= k)) / scale
            for k in range(5)
        ]
        assert math.tanh(got.strength[0, d]) == pytest.approx(min(max(r), 1 - 1e-9), abs=1e-6)
        assert r[int(got.lag[0, d])] == pytest.approx(max(r), rel=1e-9)


def _gaps_by_hand(lost, there, slots, days, least):
    """Score of the last slot, walking; long gaps are taken out already."""
    cells, score = len(lost), 0.0
    again = [
        lost[t] and any(t >= k * slots and lost[t - k * slots] for k in range(1, days))
        for t in range(cells)
    ]
    for t in range(max(0, cells - days * slots), cells):
        if not again[t]:
            continue
        nth = sum(again[max(0, t - slots // 2 + 1) : t + 1])
        last = t // slots - days
        gone = [sum(lost[d * slots + h] for d in range(last + 1)) for h in range(slots)]
        seen = [sum(there[d * slots + h] for d in range(last + 1)) for h in range(slots)]
        whole = max(sum(gone) / max(sum(seen), 1), least)
        share = (gone[t % slots] + 2 * days * whole) / (seen[t % slots] + 2 * days)
        weight = 0.5 if nth == 1 else math.sqrt(nth) - math.sqrt(nth - 1)
        score -= math.log(min(max(share, least), 1)) * weight
    return score


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.3]), st.integers(5, 9))
def test_repeated_gaps_score_as_a_walk_does(seed, share, number):
    """Oracle on random gaps with station-wide silence among them."""
    rng = np.random.default_rng(seed)
    missing, known = rng.random((2, 2, number * 6)) < np.array([share, 0.9])[:, None, None]

    got = repeated_gaps(missing, known, 6, days=3, longest=60, least_share=0.01)

    for i in range(2):
        want = _gaps_by_hand(missing[i] & known[i], known[i], 6, 3, 0.01)
        want = math.nan if missing[i, -1] else want  # a gap is judged when it is over
        assert got.score[i, -1] == pytest.approx(want, abs=1e-9, nan_ok=True)


def test_repeated_gaps_find_nights_and_forgive_an_outage_and_a_daily_check():
    """Three nights at the same hours weigh; two days of outage and a check of months do not."""
    lost = np.zeros((3, 40 * 24), bool)
    by_day = lost.reshape(3, 40, 24)
    by_day[0, 37:, 1:5] = True
    lost[1, 37 * 24 + 5 : 39 * 24 + 7] = True
    by_day[2, :, 3] = True

    got = repeated_gaps(lost, ~np.zeros_like(lost), 24, days=4, longest=12, least_share=0.005)

    assert got.score[0, -1] > 14
    assert got.score[1].max(where=~np.isnan(got.score[1]), initial=0) == 0
    assert got.score[2, -1] < 2
    assert np.isnan(got.score[:, : 5 * 24]).all()


def _peaks_by_hand(values, there, marked, limit):
    """Best information over the five levels of one series, or NaN."""
    hidden = [v for v, ok, m in zip(values, there, marked, strict=True) if ok and m]
    q = max(len(hidden) / max(sum(there), 1), 0.02)
    if not hidden or q > 0.5:
        return NAN
    ordered, best = sorted(hidden), 0.0
    for level in [limit, *(ordered[int(s * (len(ordered) - 1))] for s in (0, 0.1, 0.25, 0.5))]:
        runs, cells, last = [0, 0], [0, 0], None
        for value, ok, mark in zip(values, there, marked, strict=True):
            now = bool(mark) if ok and value >= level else None
            if now is not None:
                cells[now] += 1
                runs[now] += now != last
            last = now
        both = min(_information(counts[1], sum(counts), q) for counts in (runs, cells))
        best = max(best, both - math.log(5))
    return best


def _information(k, n, q):
    if not n or k / n <= q:
        return 0.0
    miss = 0.0 if k == n else (n - k) * math.log((1 - k / n) / (1 - q))
    return k * math.log(k / n / q) + miss


@given(hostile.series(), st.integers(0, 2**32 - 1), st.sampled_from([NAN, 0.5, 1e9]))
def test_covered_peaks_count_runs_as_a_walk_does(block, seed, limit):
    """Oracle walks each level; any mask, ties, no column."""
    marked = np.random.default_rng(seed).random(block.values.shape) < 0.3

    got = covered_peaks(
        block, marked, np.full(len(marked), limit), least_share=0.02, most_share=0.5
    )

    for i in range(len(marked)):
        want = _peaks_by_hand(
            block.values[i].tolist(), block.valid[i].tolist(), marked[i].tolist(), limit
        )
        assert got.score[i] == pytest.approx(want, abs=1e-9, nan_ok=True)


def test_covered_peaks_tell_marks_on_peaks_from_marks_anywhere():
    """The same number of marks: on the six peaks, and placed blindly."""
    rng = np.random.default_rng(2)
    values = np.tile(10 + rng.standard_normal(480), (2, 1))
    values[:, 40::80] = values[:, 41::80] = 20.0
    marked = values > 15
    marked[1] = np.roll(marked[0], 17)

    got = covered_peaks(
        Series.of(values), marked, np.full(2, NAN), least_share=0.02, most_share=0.5
    )

    assert got.score[0] > 15
    assert got.level[0] == 20
    assert (got.covered[0], got.open[0]) == (6, 0)
    assert got.score[1] < 1
