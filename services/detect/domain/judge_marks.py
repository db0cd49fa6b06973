"""标记: marks that contradict the wire, and marks that lie on exceedances too often (D12)."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from services.detect.domain.block import COLUMNS, JUDGED_WEEKS, WEEK
from services.detect.domain.hits import Hits, hits_of
from services.detect.domain.judged import Judged, judge_block
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import SeriesKey
from services.detect.domain.spans import cells, touches_frozen
from services.detect.judgement.mark_conflicts import conflicts
from services.detect.judgement.model import HourState, Note
from services.detect.kernels.mark_abuse import mark_abuse
from services.detect.kernels.series import Bools, Floats, Series


def judge_mark_conflict(judged: Judged, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """标记与设备标识矛盾: hours of frozen days in which wire and mark contradict each other.

    Of pollutants that have a limit. `check` is the letter that was received.
    """
    keys = [judged.block.keys[row] for row in judged.rows.tolist()]
    wrong = np.zeros(judged.result.state.shape, dtype=np.bool_)
    for part in judged.parts:
        rows = [at for at in range(len(keys)) if part.applied[at]]
        limited = {keys[at] for at in rows}
        for one in conflicts(keys, judged.hours, judged.marks, judged.known.facts, part.pack):
            key = SeriesKey(one.outlet_id, one.factor)
            if key in limited and part.first <= one.hour < part.end:
                at = judged.row_of[key]
                wrong[at, one.hour - int(judged.hours.start[at])] = True
    for at, column in cells(judged, rule, wrong):
        slot = judged.slot[at, column]
        yield (
            keys[at],
            hits_of(
                slot=slot,
                begin=slot,
                end=slot + 1,
                statistic=np.ones(column.size),
                threshold=np.zeros(column.size),
                value=judged.hours.value[at, column],
                check=judged.hours.flag[at, column].astype(np.float64),
            ),
        )


class _Pattern(NamedTuple):
    """Rows of outlets with marks: what was received, what was marked, the hourly limit."""

    long: Judged
    values: Floats
    marked: Bools
    limits: Floats


def judge_mark_abuse(judged: Judged, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """标记滥用 (D12): one hit a frozen week at whose end the marks of 90 days lie on exceedances.

    The statistic is p of the circular shifts, `value` the marked exceedances, `check` what chance
    would give. Confidential: false marks are falsification (Monitoring Regulation art 25(5)).
    """
    window = rule.hours("window_days") * 24
    outlets = _marked_outlets(judged)
    if not outlets:
        return
    pattern = _pattern(judged, outlets, window)
    width = pattern.values.shape[1]
    for back in range(JUDGED_WEEKS):
        span = slice(width - back * WEEK - window, width - back * WEEK)
        found = mark_abuse(
            Series.of(pattern.values[:, span]),
            Series.of(pattern.marked[:, span].astype(np.float64)),
            pattern.limits,
        )
        enough = found.marked_over >= rule.hours("marked_over")
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero(enough & (found.p < rule.number("p")))
        for at in rows.tolist():
            row = int(pattern.long.rows[at])
            block = pattern.long.block
            end = int(block.start[row]) + COLUMNS - back * WEEK
            if int(block.since[row]) < end <= judged.known.frozen_hour and _in_force(rule, end):
                yield (
                    block.keys[row],
                    hits_of(
                        slot=[end - WEEK],
                        begin=[end - WEEK],
                        end=[end],
                        statistic=[found.p[at]],
                        threshold=[rule.number("p")],
                        value=[float(found.marked_over[at])],
                        check=[found.expected[at]],
                    ),
                )


def _in_force(rule: Rule, end: int) -> bool:
    return rule.first_hour < end <= rule.end_hour


def _marked_outlets(judged: Judged) -> set[str]:
    """Outlets that marked something, and of which a frozen day changed."""
    touched = touches_frozen(judged)
    return {
        key.outlet_id
        for row, key in enumerate(judged.block.keys)
        if touched[row] and judged.marks.get(key.outlet_id)
    }


def _pattern(judged: Judged, outlets: set[str], window: int) -> _Pattern:
    back = window + JUDGED_WEEKS * WEEK
    long = judge_block(judged.block.of_outlets(outlets), judged.known, back)
    result = long.result
    # What a mark hides is shown in `exempted`, what was judged in `judged`: never both.
    values = np.where(np.isfinite(result.judged), result.judged, result.exempted)
    hidden = np.isin(result.state, (HourState.EXEMPT, HourState.MARKED))
    refused = (result.notes & (Note.OVER_CAP | Note.PM_HIGH)) > 0
    limits = long.limits.hourly_upper[:, -1] if len(long.rows) else np.zeros(0)
    return _Pattern(long, values, hidden | refused, limits)
