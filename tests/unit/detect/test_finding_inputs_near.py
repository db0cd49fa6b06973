"""Which hours of a finding are its inputs: what any judging again can still see."""

import numpy as np

from services.detect.domain.finding_inputs import _REACH_H, _near
from services.detect.domain.hits import hits_of


def _hits(*spans):
    begin, end = (np.array(side, dtype=np.int64) for side in zip(*spans, strict=True))
    zero = np.zeros(len(begin))
    return hits_of(
        slot=begin, begin=begin, end=end, statistic=zero, threshold=zero, value=zero, check=zero,
        basis=zero.astype(np.int64),
    )  # fmt: skip


def test_hits_within_reach_of_the_newest_are_inputs():
    end = 10_000
    near, far = (end - 5, end), (end - _REACH_H - 1, end - _REACH_H + 3)
    assert _near(_hits(far, near)) == [near]


def test_a_window_that_is_longer_than_the_reach_counts_by_its_last_hours():
    """A drift over ninety days made the night's screening of its partition end in an error."""
    end = 10_000
    assert _near(_hits((end - _REACH_H - 200, end))) == [(end - _REACH_H, end)]
