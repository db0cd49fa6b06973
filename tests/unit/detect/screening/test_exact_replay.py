"""数据回放: a stretch taken from the series' own past is found, honest repetition is not."""

import numpy as np
import pytest

from services.detect.packs.load import shipped_pack
from services.detect.screening.exact_replay import exact_replay
from tests.unit.detect.screening.panels import panel, wandering

RULE = shipped_pack().book.versions("exact_replay")[-1]


@pytest.mark.parametrize(("step_min", "hours"), [(60, 48), (15, 24), (1, 8)])
def test_a_replayed_stretch_is_found_while_it_still_runs(step_min, hours):
    """At any interval; the sign ends within the stretch and names its source."""
    per_hour = 60 // step_min
    cells, length = 60 * 24 * per_hour if step_min == 60 else 6000, hours * per_hour
    values = wandering(3, cells)
    at, lag = cells - length - 10, cells // 2
    values[1, at : at + length] = values[1, at - lag : at - lag + length]

    signs = exact_replay(panel(values, step_min), RULE)

    strong = [s for s in signs if s.score > 30]
    assert {s.row for s in strong} == {1}
    assert min(s.end for s in strong) < at + length / 2
    assert {(s.begin - s.source) for s in strong} == {lag}
    assert all(at <= s.begin <= at + 1 and s.end <= at + length for s in strong)


def test_one_edited_value_does_not_hide_a_replay():
    """The stretch goes on over it."""
    values = wandering(1, 1500)
    values[0, 1300:1400] = values[0, 500:600]
    values[0, 1350] += 5

    last = max(exact_replay(panel(values), RULE), key=lambda s: s.end)

    assert last.begin <= 1301
    assert last.end > 1355
    assert last.score > 350


def test_honest_series_repeat_less_than_chance_explains():
    """Coarse, held and fine series of a quarter: nothing beyond three bits."""
    fine = wandering(5, 2160)
    coarse = np.round(fine)
    held = np.repeat(fine[:, ::4], 4, axis=1)

    signs = exact_replay(panel(np.vstack([fine, coarse, held])), RULE)

    assert [s for s in signs if s.score > 3] == []


def test_plateaus_and_alternation_are_no_replay():
    """They repeat without end and say nothing."""
    alternating = np.tile([3.0, 4.0], 1080)
    constant = np.full(2160, 7.0)

    assert exact_replay(panel(np.vstack([alternating, constant])), RULE) == []


def test_nothing_before_the_first_cell_to_judge_is_said():
    """A panel of a night says what is new."""
    values = wandering(1, 2000)
    values[0, 1000:1100] = values[0, 300:400]

    assert exact_replay(panel(values), RULE)
    assert exact_replay(panel(values, since=1200), RULE) == []
