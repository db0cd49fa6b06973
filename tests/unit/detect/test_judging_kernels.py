"""Rounding, conversion, exceedance, hour mean and silence against slow obvious oracles."""

import math
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from services.detect.kernels.exceedance import exceedance
from services.detect.kernels.hour_mean import hour_mean
from services.detect.kernels.o2_conversion import o2_conversion
from services.detect.kernels.rounding import round_half_even
from services.detect.kernels.series import Series
from services.detect.kernels.silence import silence
from tests.unit.detect import hostile


@given(
    st.decimals(-(10**6), 10**6, places=4, allow_nan=False, allow_infinity=False),
    st.integers(-2, 4),
)
def test_rounding_is_decimal_rounding_half_to_even(number, digits):
    """GB/T 8170 on the decimal number that was received, whatever its binary neighbour is."""
    want = number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)

    got = round_half_even(float(number), digits)

    assert float(got) == float(want)


def test_rounding_keeps_what_is_no_number():
    """NaN and infinities pass through; the two readings of domain B.4 come out as printed there."""
    got = round_half_even([np.nan, np.inf, -np.inf, 80.4, 80.5, 80.6], 0)

    np.testing.assert_array_equal(got, [np.nan, np.inf, -np.inf, 80.0, 80.0, 81.0])


def test_o2_conversion_gives_the_reference_vectors(vectors):
    """Every vector of the reference, and the guard on the one that is marked meaningless."""
    for case in vectors["o2"]["cases"]:
        phi0 = case.get("phi0", 21.0)

        free = o2_conversion(case["c"], case["o2"], case["ref"], initial_o2=phi0, guard=math.inf)
        guarded = o2_conversion(case["c"], case["o2"], case["ref"], initial_o2=phi0)

        assert float(free.values) == pytest.approx(case["want"], abs=5e-5)
        assert bool(guarded.guarded) == (case["o2"] >= 19)
        assert math.isnan(float(guarded.values)) == (case["o2"] >= 19)


@given(
    st.one_of(st.floats(0, 1000), st.just(math.nan)),
    st.one_of(st.floats(0, 30), st.just(math.nan)),
    st.sampled_from([3.5, 6.0, 11.0]),
)
def test_o2_conversion_is_the_formula_or_nothing(c, o2, reference):
    """Slow oracle over hostile oxygen: missing, at the guard, beyond ambient."""
    want = math.nan
    if not (math.isnan(c) or math.isnan(o2) or o2 >= 19):
        want = c * (21 - reference) / (21 - o2)

    got = o2_conversion([c], [o2], reference)

    np.testing.assert_allclose(got.values, [want], rtol=1e-12)
    assert got.guarded.tolist() == [not math.isnan(o2) and o2 >= 19]


@given(hostile.series(), st.sampled_from([0.0, 1.0, 3.75, math.nan]), st.booleans())
def test_exceedance_is_a_comparison_of_each_valid_cell(block, upper, with_lower):
    """Oracle cell by cell; a limit of zero is a limit, a NaN limit is none."""
    lower = 0.5 if with_lower else math.nan

    got = exceedance(block, upper, lower)

    for (i, j), value in np.ndenumerate(block.values):
        valid = bool(block.valid[i, j])
        over = valid and value > upper
        assert bool(got.over[i, j]) == (over or (valid and value < lower))
        if over and upper > 0:
            assert got.multiple[i, j] == (value - upper) / upper
        else:
            assert math.isnan(got.multiple[i, j])


@given(hostile.series(columns=st.sampled_from([0, 6, 12, 48])))
def test_hour_mean_is_the_mean_of_hours_with_45_valid_minutes(block):
    """Oracle hour by hour on ten-minute values: five of six are enough."""
    got = hour_mean(block, 10)

    for i in range(block.values.shape[0]):
        for hour in range(block.values.shape[1] // 6):
            part = slice(hour * 6, hour * 6 + 6)
            numbers = block.values[i, part][block.valid[i, part]]
            assert bool(got.valid[i, hour]) == (len(numbers) >= 5)
            if len(numbers) >= 5:
                assert got.mean[i, hour] == pytest.approx(sum(numbers) / len(numbers))
            else:
                assert math.isnan(got.mean[i, hour])


def test_hour_validity_follows_the_reference_vectors(vectors):
    """45 valid minutes make an hour, 44 do not (HJ 75-2017)."""
    for case in vectors["hour_validity"]["cases"]:
        valid = np.arange(60) < case["valid_minutes"]

        got = hour_mean(Series.of(np.ones(60), valid), 1)

        assert bool(got.valid[0, 0]) is case["want"]


@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 3), st.integers(0, 40))))
def test_silence_counts_slots_since_the_last_presence(present):
    """Oracle: walk each row."""
    got = silence(present)

    for i, row in enumerate(present):
        since = -1
        for j, here in enumerate(row):
            since = 0 if here else (since + 1 if since >= 0 else -1)
            assert got[i, j] == since


def test_a_block_never_calls_a_nan_valid():
    """The mask of the caller can't make a missing number usable."""
    block = Series.of([[math.nan, math.inf, 0.0]], [[True, True, True]])

    assert block.valid.tolist() == [[False, False, True]]
    assert math.isnan(block.masked[0, 0])
