"""标记滥用 (D12): the circular-shift test against a loop over all shifts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detect.kernels.mark_abuse import mark_abuse
from services.detect.kernels.series import Series
from tests.unit.detect import hostile

HOURS = 90 * 24


@settings(deadline=None)
@given(hostile.series(), hostile.series(), st.sampled_from([0.0, 3.0, np.nan, np.inf]))
def test_p_is_what_a_loop_over_all_shifts_counts(values, marks, limit):
    """Every lag by hand; not evaluated where nothing is marked or nothing over."""
    columns = min(values.values.shape[1], marks.values.shape[1])
    over = values.valid[:1, :columns] & (values.values[:1, :columns] > limit)
    mark = marks.valid[:1, :columns] & (marks.values[:1, :columns] > 0)
    counts = [int((over[0] & np.roll(mark[0], s)).sum()) for s in range(columns)]
    evaluated = over.any() and mark.any()

    got = mark_abuse(
        Series(values.values[:1, :columns], values.valid[:1, :columns]),
        Series(marks.values[:1, :columns], marks.valid[:1, :columns]),
        np.array([limit]),
    )

    assert got.marked_over[0] == (counts[0] if columns else 0)
    if evaluated:
        assert got.p[0] == pytest.approx(sum(c >= counts[0] for c in counts) / columns)
        assert got.expected[0] == pytest.approx(sum(counts) / columns)
    else:
        assert np.isnan(got.p[0])
        assert np.isnan(got.expected[0])


def _history(seed):
    """90 days of an AR(1) log-normal series that is over its limit in some 3 % of hours."""
    random = np.random.default_rng(seed)
    noise = np.zeros(HOURS)
    for hour in range(1, HOURS):
        noise[hour] = 0.8 * noise[hour - 1] + 0.25 * random.standard_normal()
    return np.exp(noise), random


def test_marks_put_on_exceedances_are_found_and_honest_ones_are_not():
    """Twelve exceedances marked away: p < 0.001. As many random marks: false alarms stay rare."""
    limit, false_alarms = 2.2, 0
    for seed in range(40):
        values, random = _history(seed)
        over = np.flatnonzero(values > limit)
        honest, abused = np.zeros(HOURS), np.zeros(HOURS)
        for at in random.integers(0, HOURS - 4, 12):
            honest[at : at + 4] = 1
        abused[random.choice(over, 12, replace=False)] = 1

        got = mark_abuse(
            Series.of([values, values]), Series.of([abused, honest]), np.array([limit, limit])
        )

        assert got.p[0] < 0.001
        assert got.marked_over[0] >= 5
        false_alarms += int(got.p[1] < 0.001)
    assert false_alarms == 0


def test_drawn_shifts_are_the_same_every_time():
    """With fewer shifts than lags the draw is seeded."""
    values, random = _history(1)
    marks = Series.of(random.random(HOURS) < 0.05)

    one, two = (
        mark_abuse(Series.of(values), marks, np.array([2.0]), shifts=500).p[0] for _ in range(2)
    )

    assert one == two
